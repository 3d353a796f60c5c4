//! The services that are known. One file each; this list is the only other place to touch.

use std::future::Future;
use std::pin::Pin;

use model::{Counts, Proof, Proven, Surface, Verdict};
use net::{Conn, Error, Session};

use crate::{Opening, Reply, Web};

pub mod clickhouse_native;
pub mod dashboards;
pub mod docker;
pub mod elasticsearch;
pub mod memcached;
pub mod mongodb;
pub mod mysql;
pub mod postgresql;
pub mod redis;

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

    /// What a stranger gets.
    ///
    /// The future yields an error when an exchange ended before anything was decided.
    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>>;
}

/// The best level of proof of a service for a verdict on a version; `None` when it was not proven there.
pub fn proof_for(service: &dyn Service, verdict: Verdict, version: Option<&str>) -> Option<Proof> {
    let about = service.about();
    let fitting = about.proven_on.iter().filter(|proven| proven.verdict == verdict && proven.covers(version));
    fitting.map(|proven| proven.level).max()
}

/// All services: those in Rust, and the decision tables of `packs/probes`.
pub fn registry() -> Vec<Box<dyn Service>> {
    let mut services: Vec<Box<dyn Service>> = vec![
        Box::new(clickhouse_native::ClickHouseNative),
        Box::new(dashboards::Dashboards::KIBANA),
        Box::new(dashboards::Dashboards::OPENSEARCH),
        Box::new(docker::Docker),
        Box::new(elasticsearch::Elasticsearch),
        Box::new(memcached::Memcached),
        Box::new(mongodb::MongoDb),
        Box::new(mysql::MySql),
        Box::new(postgresql::PostgreSql),
        Box::new(redis::Redis),
    ];
    services.extend(crate::table::embedded().into_iter().map(|table| Box::new(table) as Box<dyn Service>));
    services
}

/// The default ports of all services, each once, ascending.
pub fn default_ports(services: &[Box<dyn Service>]) -> Vec<u16> {
    let mut ports: Vec<u16> =
        services.iter().flat_map(|service| service.about().ports.iter().copied()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_paths_of_all_services_fit_into_the_budget_of_detection() {
        let services = registry();
        let paths: std::collections::BTreeSet<&str> =
            services.iter().flat_map(|service| service.identity_paths()).collect();
        // `/` may be asked for twice, in plain HTTP and over TLS.
        assert!(paths.len() as u64 + 2 <= net::DETECTION.requests, "{paths:?}");
    }

    #[test]
    fn every_service_has_an_id_of_its_own_and_a_proof() {
        let services = registry();
        let mut ids: Vec<&str> = services.iter().map(|service| service.about().id).collect();
        ids.sort_unstable();
        let before = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), before);
        for service in &services {
            assert!(!service.about().proven_on.is_empty(), "{}", service.about().id);
            assert!(!service.about().ports.is_empty(), "{}", service.about().id);
        }
    }
}
