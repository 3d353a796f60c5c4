//! The states of real servers that are measured, and what is right to say about each.

use testkit::real::{self, Running};

/// One door of one state of one real server, and the truth about it.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// The test kit's name of the state.
    pub state: &'static str,
    /// The test kit's label of the port; empty for the main one.
    pub label: &'static str,
    /// The service that must be named.
    pub service: &'static str,
    /// The verdict that is right for a stranger from this machine.
    pub verdict: &'static str,
    /// Where this service usually listens.
    pub port: u16,
    /// Whether it is one of those that [`crate::capture`] records.
    pub captured: bool,
}

impl Door {
    /// Such as `clickhouse-open-native`; also the name of its capture.
    pub fn name(&self) -> String {
        if self.label.is_empty() { self.state.to_owned() } else { format!("{}-{}", self.state, self.label) }
    }

    /// Its port in a running server.
    pub fn port_of(&self, running: &Running) -> Option<u16> {
        if self.label.is_empty() { Some(running.address.port()) } else { running.port(self.label) }
    }
}

const fn door(
    state: &'static str,
    label: &'static str,
    service: &'static str,
    verdict: &'static str,
    port: u16,
    captured: bool,
) -> Door {
    Door { state, label, service, verdict, port, captured }
}

/// Every state that can be started on loopback, each door once.
pub const DOORS: &[Door] = &[
    door("redis-open", "", "redis", "OPEN", 6379, true),
    door("redis-protected", "", "redis", "PROTECTED", 6379, true),
    door("redis-limited", "", "redis", "OPEN_PARTIAL", 6379, false),
    door("memcached-open", "", "memcached", "OPEN", 11211, true),
    door("memcached-authfile", "", "memcached", "PROTECTED", 11211, true),
    door("memcached-sasl", "", "memcached", "PROTECTED", 11211, false),
    door("postgres-open", "", "postgresql", "OPEN", 5432, true),
    door("postgres-protected", "", "postgresql", "PROTECTED", 5432, true),
    door("postgres-cleartext", "", "postgresql", "PROTECTED", 5432, false),
    door("postgres-md5", "", "postgresql", "PROTECTED", 5432, false),
    door("postgres-nohba", "", "postgresql", "NETWORK_RESTRICTED", 5432, false),
    door("postgres-hostssl", "", "postgresql", "OPEN", 5432, false),
    door("mariadb-open", "", "mysql", "OPEN", 3306, true),
    door("mariadb-skipgrant", "", "mysql", "OPEN", 3306, false),
    door("mariadb-protected", "", "mysql", "PROTECTED", 3306, true),
    door("mariadb-nohost", "", "mysql", "NETWORK_RESTRICTED", 3306, false),
    door("mariadb-anonymous", "", "mysql", "OPEN_PARTIAL", 3306, false),
    door("clickhouse-open", "", "clickhouse", "OPEN", 8123, true),
    door("clickhouse-open", "native", "clickhouse-native", "OPEN", 9000, true),
    door("clickhouse-protected", "", "clickhouse", "PROTECTED", 8123, true),
    door("clickhouse-protected", "native", "clickhouse-native", "PROTECTED", 9000, true),
    door("clickhouse-nohost", "", "clickhouse", "NETWORK_RESTRICTED", 8123, false),
    door("clickhouse-nohost", "native", "clickhouse-native", "NETWORK_RESTRICTED", 9000, false),
    door("etcd-open", "", "etcd", "OPEN", 2379, true),
    door("etcd-open-nov2", "", "etcd", "OPEN", 2379, false),
    // A login guards etcd's v3 door; the v2 door beside it has none of its own.
    door("etcd-protected", "", "etcd", "OPEN", 2379, true),
    door("docker-open", "", "docker", "OPEN", 2375, true),
    door("docker-protected", "", "tls-client-certificate", "PROTECTED", 2376, false),
    door("docker-tlsopen", "", "docker", "OPEN", 2376, false),
    door("elasticsearch6-open", "", "elasticsearch", "OPEN", 9200, false),
    door("elasticsearch6-protected", "", "elasticsearch", "PROTECTED", 9200, true),
    door("elasticsearch6-guest", "", "elasticsearch", "OPEN_PARTIAL", 9200, false),
    door("elasticsearch7-open", "", "elasticsearch", "OPEN", 9200, false),
    door("elasticsearch8-open", "", "elasticsearch", "OPEN", 9200, true),
    door("opensearch2-open", "", "elasticsearch", "OPEN", 9200, false),
    door("opensearch2-protected", "", "elasticsearch", "PROTECTED", 9200, false),
    door("opensearch2-guest", "", "elasticsearch", "OPEN_PARTIAL", 9200, false),
    door("elasticsearch-nginx-protected", "", "http", "PROTECTED", 9200, false),
    door("mongo-java-open", "", "mongodb", "OPEN", 27017, true),
];

/// The doors that are recorded and replayed.
pub fn captured() -> impl Iterator<Item = &'static Door> {
    DOORS.iter().filter(|door| door.captured)
}

/// The states of [`DOORS`], each once, in order.
pub fn states() -> Vec<&'static str> {
    let known = |name: &&str| real::states().any(|state| state.name == *name);
    let mut states: Vec<&'static str> = Vec::new();
    for name in DOORS.iter().map(|door| door.state).filter(known) {
        if !states.contains(&name) {
            states.push(name);
        }
    }
    states
}
