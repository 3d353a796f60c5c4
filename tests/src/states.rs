//! Every state of every real server, in one run of `watertight audit` inside a namespace, and from another host.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::Value;
use testkit::netns::Namespace;
use testkit::real::{self, Place, Running, State};

use crate::harness::{Home, root, without_namespaces};

/// How many states run at the same time: what a machine of 16 GB has room for.
const BATCH: usize = 40;

/// Whether the states that are large or slow to install are started, too: `scripts/test --everything`.
fn everything() -> bool {
    std::env::var_os("WATERTIGHT_EVERYTHING").is_some()
}

/// Only the states with this in their names.
fn part() -> String {
    std::env::var("WATERTIGHT_STATES").unwrap_or_default()
}

/// The states whose right verdict from loopback is known, in groups that share a namespace.
fn batches() -> Vec<Vec<&'static State>> {
    let wanted = |state: &&State| !state.expect.is_empty() && (everything() || !state.rare);
    let part = part();
    let wanted = real::states().filter(wanted).filter(|state| state.name.contains(&part));
    let (alone, together): (Vec<_>, Vec<_>) = wanted.partition(|state| state.alone);
    let together = together.chunks(BATCH).map(<[&State]>::to_vec);
    together.chain(alone.into_iter().map(|state| vec![state])).collect()
}

/// States that run in a namespace of their own.
struct Batch {
    namespace: Namespace,
    running: Vec<(&'static State, Running)>,
}

impl Batch {
    /// Starts the states; each is up before the next, so that two cores suffice.
    fn start(states: &[&'static State]) -> Self {
        let namespace = Namespace::new("states").unwrap();
        let mut running: Vec<(&'static State, Running)> = Vec::new();
        for state in states {
            let store = running.iter().find(|(state, _)| state.name == "elasticsearch8-open");
            let store = store.filter(|_| state.name == "elasticsearch-nginx-protected");
            let upstream = store.map(|(_, store)| store.address);
            let place = Place { netns: Some(namespace.name().to_owned()), upstream, ..Place::default() };
            let started = real::start_in(state.name, &place);
            running.push((state, started.unwrap_or_else(|error| panic!("{}: {error}", state.name))));
        }
        Self { namespace, running }
    }

    /// Every door with its right verdicts.
    fn doors(&self, with_defaults: bool) -> impl Iterator<Item = Door> {
        self.running.iter().flat_map(move |(state, running)| {
            state.expect.iter().map(move |(label, expected)| {
                let other = state.with_defaults.iter().find(|(other, _)| with_defaults && other == label);
                let address = SocketAddr::new(running.address.ip(), running.port(label).unwrap());
                let expected = other.map_or(*expected, |(_, verdict)| verdict);
                Door { state: state.name, label, address, expected }
            })
        })
    }

    /// Audits the namespace and tells what is wrong.
    fn check(&self, with_defaults: bool, table: &mut String) -> Vec<String> {
        let mode: &[&str] = if with_defaults { &["--try-defaults"] } else { &["--fail-on", "medium"] };
        // What is right is tested here, not how fast forty servers answer on two cores.
        let run = Home::inside(&self.namespace).audit(&[mode, &["--timeout", "30"]].concat());
        let mut wrong = Vec::new();
        for door in self.doors(with_defaults) {
            let record = run.exposure(door.address);
            let verdict = record["verdict"].as_str().unwrap();
            let Door { state, label, expected, .. } = door;
            if !expected.split('|').any(|right| right == verdict) {
                wrong.push(format!("{state} {label}: {verdict}, expected {expected}: {}", record["reason"]));
            }
            if record["evidence"].as_array().unwrap().is_empty() {
                wrong.push(format!("{state} {label}: no evidence"));
            }
            if !with_defaults {
                row(table, state, label, &record);
            } else if verdict == "DEFAULT_CREDENTIAL" {
                row(table, state, &format!("{label}, --try-defaults"), &record);
            }
        }
        if wrong.is_empty() && !with_defaults {
            self.protected_only_is_clean();
        }
        wrong
    }

    /// `--fail-on medium` on protected endpoints alone is exit 0.
    fn protected_only_is_clean(&self) {
        let shut = |door: &Door| matches!(door.expected, "PROTECTED" | "NETWORK_RESTRICTED");
        let targets: Vec<String> =
            self.doors(false).filter(shut).map(|door| door.address.to_string()).collect();
        if targets.is_empty() {
            return;
        }
        let arguments: Vec<&str> =
            ["--fail-on", "medium"].into_iter().chain(targets.iter().map(String::as_str)).collect();
        let run = Home::inside(&self.namespace).audit(&arguments);
        let lifecycle = run
            .records()
            .iter()
            .any(|record| record["type"] == "lifecycle" && record["severity"] == "medium");
        assert_eq!(run.code, i32::from(lifecycle), "{}\n{}", run.stdout, run.stderr);
    }
}

/// A port of a running state.
struct Door {
    state: &'static str,
    label: &'static str,
    address: SocketAddr,
    expected: &'static str,
}

fn row(table: &mut String, state: &str, label: &str, record: &Value) {
    let text = |name: &str| record[name].as_str().unwrap_or("not told").to_owned();
    let state = if label == "main" { state.to_owned() } else { format!("{state} ({label})") };
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

Written by a run of the tests over everything that can be started (`scripts/test --everything`); nobody edits it by hand.
Level of proof: `real` server, `independent` implementation of the protocol, `transcript` of published bytes.

| product | version | state | vantage | verdict | level of proof |
|---|---|---|---|---|---|
";

#[test]
fn every_state_of_every_real_server() {
    if without_namespaces("every_state_of_every_real_server") {
        return;
    }
    let mut table = TABLE_HEAD.to_owned();
    let mut wrong = Vec::new();
    for states in batches() {
        let batch = Batch::start(&states);
        wrong.extend(batch.check(false, &mut table));
        if states.iter().any(|state| !state.with_defaults.is_empty()) {
            let with_defaults = batch.check(true, &mut table);
            wrong.extend(with_defaults.into_iter().map(|line| format!("with --try-defaults: {line}")));
        }
    }
    let (namespace, other) = (Namespace::new("denied").unwrap(), Namespace::new("other").unwrap());
    Namespace::pair(&namespace, &other, "198.51.100.1/30", "198.51.100.2/30").unwrap();
    for state in ["redis-denied", "valkey-denied"] {
        wrong.extend(protected_mode(state, &namespace, &other, &mut table));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if everything() && part().is_empty() {
        for record in dashboards_and_mongo() {
            table.push_str(&record);
        }
        table.push_str(&transcripts_alone());
        std::fs::write(root().join("docs/services.md"), table).unwrap();
    }
}

#[test]
fn the_unix_socket_of_a_database_is_judged_too() {
    if without_namespaces("the_unix_socket_of_a_database_is_judged_too") {
        return;
    }
    let namespace = Namespace::new("socket").unwrap();
    let place = Place { netns: Some(namespace.name().to_owned()), ..Place::default() };
    let postgres = real::start_in("postgres-open", &place).unwrap();
    let run = Home::inside(&namespace).audit(&["--fail-on", "medium"]);
    assert_eq!(run.code, 1, "open doors fail the run: {}", run.stderr);
    let socket = format!(".s.PGSQL.{}", postgres.address.port());
    let records = run.records();
    let mut addresses = records.iter().map(|record| record["asset"]["address"].as_str().unwrap());
    assert!(addresses.any(|address| address.ends_with(&socket)), "{}", run.stdout);
}

/// The services that no real server proves, with what does.
fn transcripts_alone() -> String {
    let mut text =
        "\n## Proven by transcripts alone\n\nNo server of these products was to be had; the report says \
                    `transcript` for each.\n\n| product | proven on | verdict |\n|---|---|---|\n"
            .to_owned();
    let mut services: Vec<_> = probe::registry().iter().map(|service| service.about()).collect();
    services.sort_by_key(|about| about.product);
    for about in services {
        if about.proven_on.iter().all(|proven| proven.level == model::Proof::Transcript) {
            for proven in about.proven_on {
                writeln!(text, "| {} | {} | {} |", about.product, proven.version, proven.verdict).unwrap();
            }
        }
    }
    text.push_str(
        "| buckets of Alibaba, Amazon, Google, Azure, Tencent, Huawei | what the vendors publish | all |\n",
    );
    text
}

/// Rows that emulators and transcripts prove: they are in the table with that level, and tested in files of their own.
fn dashboards_and_mongo() -> Vec<String> {
    crate::dashboards::rows().into_iter().chain(crate::mongo::rows()).collect()
}

/// Protected mode answers by where one comes from: the machine's interface address is refused, loopback is let in.
fn protected_mode(state: &str, namespace: &Namespace, other: &Namespace, table: &mut String) -> Vec<String> {
    let place = Place {
        netns: Some(namespace.name().to_owned()),
        bind: "198.51.100.1".parse().unwrap(),
        ..Place::default()
    };
    let redis = real::start_in(state, &place).unwrap();
    let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), redis.address.port());
    let local = Home::inside(namespace).audit(&[]);
    let here = local.exposure(at("198.51.100.1"));
    let loopback = Home::inside(namespace).audit(&[&at("127.0.0.1").to_string()]).exposure(at("127.0.0.1"));
    let remote = Home::inside(other).audit(&[&at("198.51.100.1").to_string()]).exposure(at("198.51.100.1"));
    let mut wrong = Vec::new();
    for (record, vantage, verdict) in [
        (&here, "interface", "NETWORK_RESTRICTED"),
        (&loopback, "loopback", "OPEN"),
        (&remote, "remote", "NETWORK_RESTRICTED"),
    ] {
        row(table, state, "main", record);
        if record["verdict"] != verdict || record["vantage"] != vantage {
            wrong.push(format!("{state}: expected {verdict} from {vantage}: {record:#}"));
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
