//! The states of real servers that are measured. What is right to say about each stands in the test kit; here is what
//! the kit does not know: which service must be named, and where it usually listens.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use testkit::netns::Namespace;
use testkit::real::{self, Place, Running, State};

/// How many states share a namespace: what a machine of 16 GB has room for.
const BATCH: usize = 40;

/// One door of one state of one real server, and the truth about it.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// The test kit's state.
    pub state: &'static State,
    /// The test kit's label of the port; `main` for the first.
    pub label: &'static str,
    /// The service that must be named.
    pub service: &'static str,
    /// The verdict that is right for a stranger from this machine; with `|` between two: either.
    pub expected: &'static str,
    /// Where this service usually listens.
    pub port: u16,
}

impl Door {
    /// Such as `clickhouse-open-native`; also the name of its capture.
    pub fn name(&self) -> String {
        if self.label == "main" {
            self.state.name.to_owned()
        } else {
            format!("{}-{}", self.state.name, self.label)
        }
    }

    /// Where it is in a running server.
    pub fn address_in(&self, running: &Running) -> Option<SocketAddr> {
        Some(SocketAddr::new(running.address.ip(), running.port(self.label)?))
    }

    /// Whether a verdict is right.
    pub fn allows(&self, verdict: &str) -> bool {
        self.expected.split('|').any(|right| right == verdict)
    }

    /// Whether a stranger is let in, be it in part or to set it up.
    pub fn lets_in(&self) -> bool {
        self.expected.split('|').all(|verdict| {
            matches!(verdict, "OPEN" | "OPEN_PARTIAL" | "PIVOT_OPEN" | "UNINITIALISED" | "DEFAULT_CREDENTIAL")
        })
    }

    /// How far its port is from the main one.
    fn offset(&self) -> u16 {
        let offset = self.state.ports.iter().find(|(label, _)| *label == self.label);
        offset.map_or(0, |(_, offset)| *offset)
    }
}

/// What the states begin with, the label of the port, the service that must be named, and its usual port. The first
/// that fits counts.
const KINDS: &[(&str, &str, &str, u16)] = &[
    ("adminer", "main", "adminer", 80),
    ("adminer", "store", "mysql", 3306),
    ("airflow", "main", "airflow", 8080),
    // Where every path demands a login, nothing tells the product.
    ("alertmanager-protected", "main", "http", 9093),
    ("prometheus-protected", "main", "http", 9090),
    ("spark-protected", "ui", "http", 8080),
    ("spark-protected", "rest", "http", 6066),
    ("alertmanager", "main", "alertmanager", 9093),
    ("alibaba-druid", "main", "alibaba-druid", 8080),
    ("cassandra", "main", "cassandra", 9042),
    ("chroma", "main", "chroma", 8000),
    ("clickhouse", "main", "clickhouse", 8123),
    ("clickhouse", "native", "clickhouse-native", 9000),
    ("couchdb", "main", "couchdb", 5984),
    ("dnsmasq", "main", "dns", 53),
    ("docker-protected", "main", "tls-client-certificate", 2376),
    ("docker-tlsopen", "main", "docker", 2376),
    ("docker", "main", "docker", 2375),
    // A wall in front of it: what is behind is not told.
    ("elasticsearch-nginx", "main", "http", 9200),
    ("elasticsearch", "main", "elasticsearch", 9200),
    ("etcd", "main", "etcd", 2379),
    ("etcd", "peer", "etcd", 2380),
    ("flink", "main", "flink", 8081),
    ("flower", "main", "flower", 5555),
    ("hbase", "main", "hadoop", 16010),
    ("hbase", "rest", "hbase-rest", 8080),
    ("hbase", "restpage", "hadoop", 8085),
    ("hdfs", "main", "hadoop", 9870),
    ("hdfs", "datanode", "hadoop", 9864),
    ("influxdb", "main", "influxdb1", 8086),
    ("jupyter", "main", "jupyter", 8888),
    ("kafka", "main", "kafka", 9092),
    ("kafka", "controller", "kafka", 9093),
    ("kafka", "internal", "kafka", 9094),
    ("kube-apiserver", "main", "kubernetes", 6443),
    ("kube-apiserver", "store", "etcd", 2379),
    ("mariadb", "main", "mysql", 3306),
    ("memcached", "main", "memcached", 11211),
    ("milvus-lite", "main", "milvus-grpc", 19530),
    ("minio", "main", "minio", 9000),
    ("minio", "console", "minio", 9001),
    ("mlflow", "main", "mlflow", 5000),
    ("mongo-express", "main", "mongo-express", 8081),
    ("mongo-express", "store", "mongodb", 27017),
    ("mongo-java", "main", "mongodb", 27017),
    ("mosquitto", "main", "mqtt", 1883),
    ("nats", "main", "nats", 4222),
    ("nats", "monitoring", "nats-monitor", 8222),
    ("neo4j", "main", "neo4j-bolt", 7687),
    ("neo4j", "http", "neo4j", 7474),
    ("nfs", "main", "nfs", 2049),
    ("nfs", "mount", "nfs", 20048),
    ("ollama", "main", "ollama", 11434),
    ("opensearch", "main", "elasticsearch", 9200),
    ("phpmyadmin", "main", "phpmyadmin", 80),
    ("phpmyadmin", "store", "mysql", 3306),
    ("postgres", "main", "postgresql", 5432),
    ("prometheus", "main", "prometheus", 9090),
    ("rabbitmq", "main", "amqp", 5672),
    ("rabbitmq", "management", "rabbitmq", 15672),
    ("ray", "main", "ray", 8265),
    ("redis-commander", "main", "redis-commander", 8081),
    ("redis-commander", "store", "redis", 6379),
    ("redis", "main", "redis", 6379),
    ("registry", "main", "registry", 5000),
    ("rsync", "main", "rsync", 873),
    ("samba-ad", "", "ldap", 389),
    ("samba", "main", "smb", 445),
    ("slapd-tls", "main", "ldap", 636),
    ("slapd", "main", "ldap", 389),
    ("solr", "main", "solr", 8983),
    ("spark-history", "main", "spark", 18080),
    ("spark", "ui", "spark", 8080),
    ("spark", "rest", "spark", 6066),
    ("tigervnc", "main", "vnc", 5900),
    ("valkey", "main", "redis", 6379),
    ("vsftpd", "main", "ftp", 21),
    ("weaviate", "main", "weaviate", 8080),
    ("yarn", "main", "hadoop", 8088),
    ("zookeeper", "main", "zookeeper", 2181),
];

/// The doors that are recorded and replayed ten thousand times: the same ones since the first measurement.
const CAPTURED: &[&str] = &[
    "redis-open",
    "redis-protected",
    "memcached-open",
    "memcached-authfile",
    "postgres-open",
    "postgres-protected",
    "mariadb-open",
    "mariadb-protected",
    "clickhouse-open",
    "clickhouse-open-native",
    "clickhouse-protected",
    "clickhouse-protected-native",
    "etcd-open",
    "etcd-protected",
    "docker-open",
    "elasticsearch6-protected",
    "elasticsearch8-open",
    "mongo-java-open",
];

fn door(state: &'static State, label: &'static str, expected: &'static str) -> Door {
    let fits = |kind: &&(&str, &str, &'static str, u16)| {
        state.name.starts_with(kind.0) && (kind.1.is_empty() || kind.1 == label)
    };
    let (service, port) = KINDS.iter().find(fits).map_or(("(not listed)", 0), |kind| (kind.2, kind.3));
    Door { state, label, service, expected, port }
}

/// Every door of a state whose right verdict is known.
pub fn doors_of(state: &'static State) -> impl Iterator<Item = Door> {
    state.expect.iter().map(move |(label, expected)| door(state, label, expected))
}

/// The doors of a state whose verdict with `--try-defaults` is another.
pub fn doors_with_defaults(state: &'static State) -> impl Iterator<Item = Door> {
    state.with_defaults.iter().map(move |(label, expected)| door(state, label, expected))
}

/// The doors that are recorded and replayed, in the order of the test kit.
pub fn captured() -> &'static [Door] {
    static DOORS: OnceLock<Vec<Door>> = OnceLock::new();
    DOORS.get_or_init(|| {
        let doors = real::states().flat_map(doors_of);
        doors.filter(|door| CAPTURED.contains(&door.name().as_str())).collect()
    })
}

/// The states whose right verdict is known, in groups that share a namespace. `part`: only those with this in their name.
pub fn batches(part: &str) -> Vec<Vec<&'static State>> {
    let wanted = real::states().filter(|state| !state.expect.is_empty() && state.name.contains(part));
    let (alone, together): (Vec<_>, Vec<_>) = wanted.partition(|state| state.alone);
    let together = together.chunks(BATCH).map(<[&State]>::to_vec);
    together.chain(alone.into_iter().map(|state| vec![state])).collect()
}

/// Lets servers that do not run as root listen at any port of a namespace.
///
/// # Errors
/// The namespace cannot be changed.
pub fn allow_low_ports(namespace: &Namespace) -> io::Result<()> {
    let setting = "net.ipv4.ip_unprivileged_port_start=0";
    let status = namespace.exec("sysctl").args(["-q", "-w", setting]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{setting} is refused"))) }
}

/// Where a state is started in a namespace: at its usual port of an address, or at a free port of 127.0.0.1.
pub fn place(namespace: &str, state: &'static State, usual: Option<IpAddr>) -> Place {
    let mut place = Place { netns: Some(namespace.to_owned()), ..Place::default() };
    if let Some(bind) = usual {
        let port = doors_of(state).next().and_then(|door| door.port.checked_sub(door.offset()));
        place.port = port.filter(|port| *port > 0);
        place.bind = bind;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_of_every_door_of_the_test_kit_is_listed() {
        for door in real::states().flat_map(|state| doors_of(state).chain(doors_with_defaults(state))) {
            assert_ne!(door.port, 0, "{}", door.name());
        }
    }

    #[test]
    fn every_captured_door_exists() {
        assert_eq!(captured().len(), CAPTURED.len());
    }
}
