//! Every format against its published schema, over a run that holds many verdicts.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use testkit::hostile::Hostile;
use testkit::real;

use crate::harness::{Home, root};

/// The published schemas, fetched once by `tests/schemas/fetch.sh`.
fn schemas() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join("watertight-schemas");
        let fetched =
            Command::new("bash").arg(root().join("tests/schemas/fetch.sh")).arg(&folder).status().unwrap();
        assert!(fetched.success(), "tests/schemas/fetch.sh must fetch the schemas");
        folder
    })
}

fn validate(schema: &Value, document: &Value) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .take(10)
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

fn published(name: &str) -> Value {
    let entry = std::fs::read_dir(schemas())
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name))
        .unwrap_or_else(|| panic!("no schema {name}"));
    serde_json::from_str(&std::fs::read_to_string(entry).unwrap()).unwrap()
}

fn own(name: &str) -> Value {
    let path = root().join("docs/schema").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Holds a report against the schema of its format, where there is one.
pub fn is_valid(format: &str, text: &str) {
    match format {
        "json" => validate(&own("report-1.schema.json"), &serde_json::from_str(text).unwrap()),
        "ndjson" => {
            for line in text.lines() {
                let record: Value = serde_json::from_str(line).unwrap();
                let data = record["schema"] == "watertight/data/1";
                validate(&own(if data { "data-1.schema.json" } else { "record-1.schema.json" }), &record);
            }
        }
        "sarif" => validate(&published("sarif-2.1.0"), &serde_json::from_str(text).unwrap()),
        "ocsf" => {
            let events: Value = serde_json::from_str(text).unwrap();
            let compliance = published("ocsf-compliance_finding");
            let data = published("ocsf-data_security_finding");
            assert!(!events.as_array().unwrap().is_empty());
            for event in events.as_array().unwrap() {
                validate(if event["class_uid"] == 2006 { &data } else { &compliance }, event);
            }
        }
        _ => {}
    }
}

#[test]
fn every_format_of_a_real_run_is_valid() {
    let servers = [
        "redis-open",
        "redis-protected",
        "redis-limited",
        "postgres-hostssl",
        "mariadb-nohost",
        "etcd-protected",
    ]
    .map(|state| real::start(state).unwrap());
    let ssh = Hostile::SSH.start().unwrap();
    let garbage = Hostile::Garbage.start().unwrap();
    let home = Home::new();
    let mut targets: Vec<String> = servers.iter().map(|server| server.address.to_string()).collect();
    targets.extend([ssh.address.to_string(), garbage.address.to_string(), "127.0.0.1:1".to_owned()]);
    let write = |format: &str| {
        let mut arguments = vec!["audit", "--timeout", "6", "-o", format];
        arguments.extend(targets.iter().map(String::as_str));
        home.run(&arguments).stdout
    };
    for format in ["json", "ndjson", "sarif", "ocsf"] {
        is_valid(format, &write(format));
    }
    let html = write("html");
    assert!(html.contains("default-src 'none'") && !html.contains("<script"), "the page opens no connection");
    let csv = write("csv");
    assert!(csv.lines().count() > targets.len());
}

#[test]
fn the_table_fits_into_80_columns() {
    let redis = real::start("redis-open").unwrap();
    let nohba = real::start("postgres-nohba").unwrap();
    let home = Home::new();
    let run = home.run(&["audit", &redis.address.to_string(), &nohba.address.to_string()]);
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!run.stdout.contains('\x1b'), "no colour into a pipe");
    assert!(run.stdout.contains("1 open") && run.stdout.contains("1 protected"), "{}", run.stdout);
}

#[test]
fn the_same_run_twice_and_with_shuffled_targets_gives_the_same_bytes() {
    let servers =
        ["redis-open", "redis-protected", "memcached-open"].map(|state| real::start(state).unwrap());
    let addresses: Vec<String> = servers.iter().map(|server| server.address.to_string()).collect();
    let run = |order: [usize; 3]| {
        let targets: Vec<&str> = order.iter().map(|index| addresses[*index].as_str()).collect();
        let arguments =
            [&["audit", "--no-state", "--now", "2026-06-01T00:00:00Z", "-o", "csv"], &targets[..]].concat();
        Home::new().run(&arguments).stdout
    };
    assert_eq!(run([0, 1, 2]), run([2, 0, 1]));
}
