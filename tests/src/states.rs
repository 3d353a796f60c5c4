//! Every state of every real server, in one run of `watertight audit` inside a namespace, and from another host.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::Value;
use testkit::netns::Namespace;
use testkit::real::{self, Place, Running};

use crate::harness::{Home, Run, root, without_namespaces};

/// State, label of the port, and the verdicts that are right there.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("redis-open", "", "OPEN"),
    ("redis-protected", "", "PROTECTED"),
    ("redis-limited", "", "OPEN_PARTIAL"),
    ("memcached-open", "", "OPEN"),
    ("memcached-authfile", "", "PROTECTED"),
    ("memcached-sasl", "", "PROTECTED"),
    ("postgres-open", "", "OPEN"),
    ("postgres-protected", "", "PROTECTED"),
    ("postgres-cleartext", "", "PROTECTED"),
    ("postgres-md5", "", "PROTECTED"),
    ("postgres-nohba", "", "NETWORK_RESTRICTED"),
    ("postgres-hostssl", "", "OPEN"),
    ("mariadb-open", "", "OPEN"),
    ("mariadb-skipgrant", "", "OPEN"),
    ("mariadb-protected", "", "PROTECTED"),
    ("mariadb-nohost", "", "NETWORK_RESTRICTED"),
    ("mariadb-anonymous", "", "OPEN_PARTIAL"),
    ("clickhouse-open", "", "OPEN"),
    ("clickhouse-open", "native", "OPEN"),
    ("clickhouse-protected", "", "PROTECTED"),
    ("clickhouse-protected", "native", "PROTECTED"),
    ("clickhouse-nohost", "", "NETWORK_RESTRICTED"),
    ("clickhouse-nohost", "native", "NETWORK_RESTRICTED"),
    ("etcd-open", "", "OPEN"),
    ("etcd-open-nov2", "", "OPEN"),
    ("etcd-protected", "", "OPEN"),
    ("docker-open", "", "OPEN"),
    ("docker-protected", "", "PROTECTED"),
    ("docker-tlsopen", "", "OPEN"),
    ("elasticsearch2-open", "", "OPEN"),
    ("elasticsearch5-open", "", "OPEN"),
    ("elasticsearch6-open", "", "OPEN"),
    ("elasticsearch6-protected", "", "PROTECTED"),
    ("elasticsearch6-guest", "", "OPEN_PARTIAL"),
    ("elasticsearch7-open", "", "OPEN"),
    ("elasticsearch8-open", "", "OPEN"),
    ("opensearch2-open", "", "OPEN"),
    ("opensearch2-protected", "", "PROTECTED"),
    ("opensearch2-guest", "", "OPEN_PARTIAL"),
    ("elasticsearch-nginx-protected", "", "PROTECTED"),
    ("mongo-java-open", "", "OPEN"),
];

fn port(running: &Running, label: &str) -> u16 {
    if label.is_empty() { running.address.port() } else { running.port(label).unwrap() }
}

/// Starts every state in a namespace; each is up before the next, so that two cores suffice.
fn start_all(namespace: &Namespace, bind: IpAddr) -> BTreeMap<&'static str, Running> {
    let mut running = BTreeMap::new();
    let store = |running: &BTreeMap<_, Running>| {
        running.get("elasticsearch8-open").map(|store: &Running| store.address)
    };
    for (state, ..) in EXPECTED {
        if running.contains_key(state) {
            continue;
        }
        let upstream = if *state == "elasticsearch-nginx-protected" { store(&running) } else { None };
        let place = Place { netns: Some(namespace.name().to_owned()), bind, upstream, ..Place::default() };
        running
            .insert(*state, real::start_in(state, &place).unwrap_or_else(|error| panic!("{state}: {error}")));
    }
    running
}

fn check(run: &Run, running: &BTreeMap<&'static str, Running>, table: &mut String) -> Vec<String> {
    let mut wrong = Vec::new();
    for (state, label, expected) in EXPECTED {
        let server = &running[state];
        let record = run.exposure(SocketAddr::new(server.address.ip(), port(server, label)));
        let verdict = record["verdict"].as_str().unwrap();
        if verdict != *expected {
            wrong.push(format!("{state} {label}: {verdict}, expected {expected}: {}", record["reason"]));
        }
        if record["evidence"].as_array().unwrap().is_empty() {
            wrong.push(format!("{state} {label}: no evidence"));
        }
        row(table, state, label, &record);
    }
    wrong
}

fn row(table: &mut String, state: &str, label: &str, record: &Value) {
    let text = |name: &str| record[name].as_str().unwrap_or("not told").to_owned();
    let state = if label.is_empty() { state.to_owned() } else { format!("{state} ({label})") };
    let product = if record["product"].is_null() { text("service") } else { text("product") };
    let version = text("version");
    let version = version.split(['-', '+', '~']).next().unwrap();
    let proof = record["proof"].as_str().unwrap_or("-");
    writeln!(
        table,
        "| {product} | {version} | {state} | {} | {} | {proof} |",
        text("vantage"),
        text("verdict")
    )
    .unwrap();
}

const TABLE_HEAD: &str = "\
# Services

Written by a run of the tests over real servers (`states::every_state_of_every_real_server`); nobody edits it by hand.
Level of proof: `real` server, `independent` implementation of the protocol, `transcript` of published bytes.

| product | version | state | vantage | verdict | level of proof |
|---|---|---|---|---|---|
";

#[test]
fn every_state_of_every_real_server() {
    if without_namespaces("every_state_of_every_real_server") {
        return;
    }
    let namespace = Namespace::new("states").unwrap();
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let running = start_all(&namespace, loopback);
    let run = Home::inside(&namespace).audit(&["--fail-on", "medium"]);
    let mut table = TABLE_HEAD.to_owned();
    let wrong = check(&run, &running, &mut table);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(run.code, 1, "open doors fail the run: {}", run.stderr);
    let socket = format!(".s.PGSQL.{}", running["postgres-open"].address.port());
    let sockets = run
        .records()
        .into_iter()
        .filter(|record| record["asset"]["address"].as_str().unwrap().ends_with(&socket));
    assert_eq!(sockets.count(), 1, "the Unix socket of a database is judged too");
    let denied = redis_in_protected_mode(&namespace, &mut table);
    assert!(denied.is_empty(), "{denied}");
    for record in dashboards_and_mongo() {
        table.push_str(&record);
    }
    std::fs::write(root().join("docs/services.md"), table).unwrap();
    protected_only_is_clean(&running, &namespace);
}

/// Rows that emulators and transcripts prove: they are in the table with that level, and tested in files of their own.
fn dashboards_and_mongo() -> Vec<String> {
    crate::dashboards::rows().into_iter().chain(crate::mongo::rows()).collect()
}

/// `--fail-on medium` on protected endpoints alone is exit 0.
fn protected_only_is_clean(running: &BTreeMap<&'static str, Running>, namespace: &Namespace) {
    let targets: Vec<String> = EXPECTED
        .iter()
        .filter(|(_, _, expected)| matches!(*expected, "PROTECTED" | "NETWORK_RESTRICTED"))
        .map(|(state, label, _)| format!("127.0.0.1:{}", port(&running[state], label)))
        .collect();
    let arguments: Vec<&str> =
        ["--fail-on", "medium"].into_iter().chain(targets.iter().map(String::as_str)).collect();
    let run = Home::inside(namespace).audit(&arguments);
    let lifecycle =
        run.records().iter().any(|record| record["type"] == "lifecycle" && record["severity"] == "medium");
    assert_eq!(run.code, i32::from(lifecycle), "{}\n{}", run.stdout, run.stderr);
}

/// Protected mode answers by where one comes from: the machine's interface address is refused, loopback is let in.
fn redis_in_protected_mode(namespace: &Namespace, table: &mut String) -> String {
    let other = Namespace::new("other").unwrap();
    Namespace::pair(namespace, &other, "198.51.100.1/30", "198.51.100.2/30").unwrap();
    let place = Place {
        netns: Some(namespace.name().to_owned()),
        bind: "198.51.100.1".parse().unwrap(),
        ..Place::default()
    };
    let redis = real::start_in("redis-denied", &place).unwrap();
    let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), redis.address.port());
    let local = Home::inside(namespace).audit(&[]);
    let here = local.exposure(at("198.51.100.1"));
    let loopback = Home::inside(namespace).audit(&[&at("127.0.0.1").to_string()]).exposure(at("127.0.0.1"));
    let remote = Home::inside(&other).audit(&[&at("198.51.100.1").to_string()]).exposure(at("198.51.100.1"));
    let mut wrong = String::new();
    for (record, vantage, verdict) in [
        (&here, "interface", "NETWORK_RESTRICTED"),
        (&loopback, "loopback", "OPEN"),
        (&remote, "remote", "NETWORK_RESTRICTED"),
    ] {
        row(table, "redis-denied", "", record);
        if record["verdict"] != verdict || record["vantage"] != vantage {
            writeln!(wrong, "expected {verdict} from {vantage}: {record:#}").unwrap();
        }
    }
    wrong
}

#[test]
fn counts_are_told_and_names_are_not() {
    let redis = real::start("redis-open").unwrap();
    let (run, record) = crate::harness::audit_one(redis.address);
    assert_eq!(record["counts"]["keys"], redis.seeded["keys"]);
    let store = real::start("elasticsearch8-open").unwrap();
    let (searched, found) = crate::harness::audit_one(store.address);
    assert_eq!(found["counts"]["documents"], 5);
    assert!(!searched.stdout.contains("customers"), "the name of an index is told");
    assert!(!run.stdout.contains("watertight-0000"));
}

#[test]
fn without_root_it_works_and_says_what_it_could_not_see() {
    if without_namespaces("without_root_it_works_and_says_what_it_could_not_see") {
        return;
    }
    let namespace = Namespace::new("nobody").unwrap();
    let place = Place { netns: Some(namespace.name().to_owned()), ..Place::default() };
    let postgres = real::start_in("postgres-open", &place).unwrap();
    // Where user nobody may read it, which the folder of the build need not be.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = folder.path().join("watertight");
    std::fs::copy(crate::harness::program(), &program).unwrap();
    let mut command = namespace.exec("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
    let output = command.args(["audit", "--no-state", "-o", "json"]).current_dir("/").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let address = format!("tcp://{}", postgres.address);
    let records = report["records"].as_array().unwrap();
    let record = records.iter().find(|record| record["asset"]["address"] == address.as_str()).unwrap();
    assert_eq!((&record["verdict"], &record["asset"]["process"]), (&"OPEN".into(), &Value::Null));
    assert!(report["not_seen"].to_string().contains("run as root"), "{:#}", report["not_seen"]);
}

#[test]
fn redis_on_an_elasticsearch_port_is_redis() {
    if without_namespaces("redis_on_an_elasticsearch_port_is_redis") {
        return;
    }
    let namespace = Namespace::new("ports").unwrap();
    let place = Place { netns: Some(namespace.name().to_owned()), port: Some(9200), ..Place::default() };
    let redis = real::start_in("redis-open", &place).unwrap();
    let run = Home::inside(&namespace).audit(&["127.0.0.1:9200"]);
    let record = run.exposure(redis.address);
    assert_eq!((&record["service"], &record["verdict"]), (&"redis".into(), &"OPEN".into()));
}

#[test]
fn an_expired_certificate_is_a_finding_and_tls_facts_are_told() {
    let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let expired = testkit::emulator::tls::start(2020, answer).unwrap();
    let (run, record) = crate::harness::audit_one(expired.address);
    assert_eq!(record["tls"]["protocol"], "TLS 1.3", "{record:#}");
    let finding = run.records().into_iter().find(|record| record["type"] == "certificate").unwrap();
    assert!(finding["reason"].as_str().unwrap().contains("2020-12-31"), "{finding:#}");
    let valid = testkit::emulator::tls::start(2049, answer).unwrap();
    let (run, _) = crate::harness::audit_one(valid.address);
    assert!(run.records().iter().all(|record| record["type"] != "certificate"));
}
