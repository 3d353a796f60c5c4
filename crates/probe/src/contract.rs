//! What a probe must provide, and what it concludes.

use std::future::Future;
use std::pin::Pin;

use model::{Counts, Proven, Surface, Verdict};
use net::{Conn, Error, Session};

use crate::{Opening, Reply, Web};

/// A boxed future, so that services can be kept in one list.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What detection hands over.
#[derive(Default)]
pub struct Opened {
    /// The connection over which the service was recognised, when it can be used further.
    pub conn: Option<Conn>,
    /// The answers of an HTTP service.
    pub web: Web,
}

/// What a probe concluded about a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// The product for people, where it is known more exactly than by the service.
    pub product: Option<String>,
    /// The version it told.
    pub version: Option<String>,
    /// The doors that lead in. At least one.
    pub surfaces: Vec<Surface>,
    /// Numbers had without reading a record.
    pub counts: Counts,
    /// How many names look like ransom notes.
    pub ransom_names: u64,
}

impl Judgement {
    /// A judgement with one door.
    pub fn of(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { surfaces: vec![Surface::new("main", verdict, reason)], ..Self::default() }
    }

    /// The same with a version.
    #[must_use]
    pub fn version(mut self, version: Option<String>) -> Self {
        self.version = version;
        self
    }

    /// The same with one more count.
    #[must_use]
    pub fn count(mut self, name: &str, count: Option<u64>) -> Self {
        if let Some(count) = count {
            self.counts.insert(name.to_owned(), count);
        }
        self
    }

    /// The worst door.
    pub fn worst(&self) -> Option<&Surface> {
        self.surfaces.iter().min_by_key(|surface| surface.verdict)
    }
}

/// What came of the vendor's default login of `user`.
pub fn default_login(user: &str, works: bool) -> Surface {
    let name = "default login";
    match works {
        true => Surface::new(
            name,
            Verdict::DefaultCredential,
            format!("user {user} logs in with the password that the vendor documents as the default"),
        ),
        false => Surface::new(
            name,
            Verdict::Protected,
            format!("the vendor's default password of user {user} is refused"),
        ),
    }
}

/// What is to know about a probe.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The service's id in records.
    pub id: &'a str,
    /// The product's name for people.
    pub product: &'a str,
    /// The ports it listens on by default. A hint for what to try first, nothing more.
    pub ports: &'a [u16],
    /// The openings to which it answers as nothing else does; the first is tried first on its ports.
    pub openings: &'a [Opening],
    /// On which versions and verdicts the probe was proven, and how.
    pub proven_on: &'a [Proven],
}

/// A service that can be recognised and judged.
pub trait Service: Send + Sync {
    /// What is to know about it.
    fn about(&self) -> About<'_>;

    /// Whether a reply to any opening could only be its own.
    fn recognises(&self, _reply: &Reply<'_>) -> bool {
        false
    }

    /// For HTTP services: what to fetch, besides `/`, to recognise it.
    fn identity_paths(&self) -> Vec<&str> {
        Vec::new()
    }

    /// For HTTP services: whether the answers so far could only be its own.
    fn recognises_web(&self, _web: &Web) -> bool {
        false
    }

    /// Tries the login that the vendor documents as the default, once. Called only when the user asked for it and
    /// nothing worse was found. `None`: there is no such login.
    fn try_default<'a>(&'a self, _session: &'a mut Session) -> Option<BoxFuture<'a, Result<Surface, Error>>> {
        None
    }

    /// For HTTP services: whether the answers so far speak for it, so that it is asked for before the others.
    fn suspects_web(&self, _web: &Web) -> bool {
        false
    }

    /// What a stranger gets.
    ///
    /// The future yields an error when an exchange ended before anything was decided.
    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>>;
}
