//! The recogniser of secrets: keys, tokens, passwords and private keys that lie around in texts.
//!
//! Most secrets say what they are by a literal: a prefix that the vendor chose for that purpose, or a name before them.
//! So a text is first searched for all literals of all kinds at once ([`anchor`]); only where one stands, the pattern of
//! its kind looks at the bytes behind it ([`search`]). What a pattern finds must then look random rather than like a
//! placeholder ([`filter`]), and its own structure must not contradict it ([`check`]). The kinds themselves are packs:
//! `packs/detectors/secrets`.

mod anchor;
mod check;
mod connection;
mod filter;
mod pack;
#[cfg(test)]
mod sample;
mod search;
#[cfg(test)]
mod tests;
pub mod verify;

use std::ops::Range;

use model::{Secret, Severity};

use search::Searcher;

/// The recogniser. It is cheap to make: a pattern is compiled when its literal is met for the first time.
pub struct Secrets {
    searcher: Searcher,
}

/// A kind of secret, as its pack describes it.
#[derive(Clone, Debug)]
pub struct SecretKind {
    /// Stable name: `alibaba-access-key-secret`.
    pub id: String,
    /// In words.
    pub title: String,
    /// In Chinese.
    pub title_zh: String,
    /// Whose door it opens: `Alibaba Cloud`.
    pub provider: String,
    /// Where its shape is described.
    pub source: String,
    /// How bad it is that it lies around.
    pub severity: Severity,
    /// Nothing but a name before it says that it is a secret: `password = ...`. Gives way to every other kind.
    pub generic: bool,
}

/// A secret that was found in a text.
#[derive(Clone, Debug)]
pub struct FoundSecret {
    /// Index into [`Secrets::kinds`].
    pub kind: u16,
    /// Where the secret itself begins: bytes from the start of the text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What may be shown of it: the prefix that all secrets of the kind have in common, and `…`.
    pub shown: String,
    /// What its own structure says; `None`: it has none that could be checked.
    pub checked: Option<String>,
    /// What it opens, where it is part of a connection string.
    pub connection: Option<ConnectionUrl>,
    /// Where ids of keys stand near it, in the order of their places: it belongs to one of them.
    pub near: Vec<Range<usize>>,
}

/// What a connection string says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionUrl {
    /// `postgres`, `mysql`, `mongodb+srv`, `jdbc:oracle`..., in lower case, without a driver's name (`+psycopg2`).
    pub scheme: String,
    /// The host; the first one where there are several.
    pub host: String,
    /// The port, where it is named.
    pub port: Option<u16>,
    /// The database, bucket or virtual host.
    pub database: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The password, decoded.
    pub password: Secret<String>,
}

impl Secrets {
    /// The recogniser with the kinds that are part of the program. Ready within milliseconds.
    pub fn embedded() -> Self {
        Self { searcher: Searcher::new(pack::embedded()) }
    }

    /// All kinds, in the order of their index.
    pub fn kinds(&self) -> &[SecretKind] {
        self.searcher.kinds()
    }

    /// Tells every secret of a text, in the order of their places. A secret is told once, as the most specific kind
    /// that it is.
    pub fn text(&self, text: &[u8], found: &mut dyn FnMut(FoundSecret)) {
        self.searcher.text(text, found);
    }
}
