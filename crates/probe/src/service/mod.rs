//! The services that are known. One file each; this list is the only other place to touch.

use std::sync::LazyLock;

use model::{Proof, Verdict};

use crate::TableProbe;

pub use crate::contract::{About, BoxFuture, Judgement, Opened, Service, default_login};

pub mod adminer;
pub mod amqp;
pub mod cassandra;
pub mod clickhouse_native;
pub mod couchdb;
pub mod dashboards;
pub mod dns;
pub mod docker;
pub mod elasticsearch;
pub mod ftp;
pub mod hadoop;
pub mod kafka;
pub mod ldap;
pub mod memcached;
pub mod milvus_grpc;
pub mod minio;
pub mod mongo_express;
pub mod mongodb;
pub mod mqtt;
pub mod mysql;
pub mod nats;
pub mod neo4j;
pub mod neo4j_bolt;
pub mod nfs;
pub mod phpmyadmin;
pub mod postgresql;
pub mod redis;
pub mod redis_commander;
pub mod rsync;
pub mod smb;
pub mod vnc;
pub mod zookeeper;

/// The best level of proof of a service for a verdict on a version; `None` when it was not proven there.
pub fn proof_for(service: &dyn Service, verdict: Verdict, version: Option<&str>) -> Option<Proof> {
    let about = service.about();
    let fitting = about.proven_on.iter().filter(|proven| proven.verdict == verdict && proven.covers(version));
    fitting.map(|proven| proven.level).max()
}

/// All services: those in Rust, and the decision tables of `packs/probes`, which are parsed once.
pub fn registry() -> &'static [Box<dyn Service>] {
    static SERVICES: LazyLock<Vec<Box<dyn Service>>> = LazyLock::new(assemble);
    &SERVICES
}

/// The same with decision tables of the user's own. One with the id of a service that is known replaces it.
pub fn registry_with(own: Vec<TableProbe>) -> &'static [Box<dyn Service>] {
    if own.is_empty() {
        return registry();
    }
    let mut services = assemble();
    services.retain(|service| own.iter().all(|table| table.about().id != service.about().id));
    services.extend(own.into_iter().map(|table| Box::new(table) as Box<dyn Service>));
    // Once in a run, for as long as it lasts.
    Box::leak(services.into_boxed_slice())
}

fn assemble() -> Vec<Box<dyn Service>> {
    let mut services: Vec<Box<dyn Service>> = vec![
        Box::new(adminer::Adminer),
        Box::new(amqp::Amqp),
        Box::new(cassandra::Cassandra),
        Box::new(clickhouse_native::ClickHouseNative),
        Box::new(couchdb::CouchDb),
        Box::new(dashboards::Dashboards::KIBANA),
        Box::new(dashboards::Dashboards::OPENSEARCH),
        Box::new(dns::Dns),
        Box::new(docker::Docker),
        Box::new(elasticsearch::Elasticsearch),
        Box::new(ftp::Ftp),
        Box::new(hadoop::Hadoop),
        Box::new(kafka::Kafka),
        Box::new(ldap::Ldap),
        Box::new(memcached::Memcached),
        Box::new(milvus_grpc::MilvusGrpc),
        Box::new(minio::MinIo),
        Box::new(mongo_express::MongoExpress),
        Box::new(mongodb::MongoDb),
        Box::new(mqtt::Mqtt),
        Box::new(mysql::MySql),
        Box::new(nats::Nats),
        Box::new(neo4j::Neo4j),
        Box::new(neo4j_bolt::Neo4jBolt),
        Box::new(nfs::Nfs),
        Box::new(phpmyadmin::PhpMyAdmin),
        Box::new(postgresql::PostgreSql),
        Box::new(redis::Redis),
        Box::new(redis_commander::RedisCommander),
        Box::new(rsync::Rsync),
        Box::new(smb::Smb),
        Box::new(vnc::Vnc),
        Box::new(zookeeper::ZooKeeper),
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
        for service in services {
            assert!(!service.about().proven_on.is_empty(), "{}", service.about().id);
            assert!(!service.about().ports.is_empty(), "{}", service.about().id);
        }
    }
}
