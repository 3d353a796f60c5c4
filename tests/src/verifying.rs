//! Keys that lie around, tried where the user allows it and nowhere else.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::emulator::http::{self, Reply};
use testkit::real::{KEY_PAIR, start};

use crate::harness::{Home, Run};

const NOW: &str = "2026-11-26T12:00:00Z";

/// Another secret of the same shape.
const OTHER: &str = concat!("The1quick2Brown3fox4", "Jumped5over6Lazy7dog");

fn settings(secret: &str) -> String {
    format!("[store]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n", KEY_PAIR.0)
}

/// A folder with a key that is right and one that is wrong.
fn folder(home: &Home) {
    let app = home.path().join("app");
    std::fs::create_dir(&app).unwrap();
    std::fs::write(app.join("right.ini"), settings(KEY_PAIR.1)).unwrap();
    std::fs::write(app.join("wrong.ini"), settings(OTHER)).unwrap();
}

/// A repository from which the right key was deleted.
fn repository(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
        let output = command.args(arguments).env("HOME", folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q"]);
    for text in [settings(KEY_PAIR.1), "[store]\n".to_owned()] {
        std::fs::write(folder.join("store.ini"), text).unwrap();
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", "store"]);
    }
}

fn scope(home: &Home, name: &str, until: &str, bucket: &str) {
    let text = format!("[scope]\nauthorised_by = \"the test\"\nuntil = {until}\nbuckets = [\"{bucket}\"]\n");
    std::fs::write(home.path().join(name), text).unwrap();
}

fn bucket(address: SocketAddr) -> String {
    format!("s3://people?endpoint=http://{address}")
}

/// The record of the secret of a file.
fn secret(run: &Run, file: &str) -> Value {
    let report: Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("not JSON: {error}\n{}\n{}", run.stdout, run.stderr));
    let records = report["data"].as_array().unwrap();
    let is_it = |record: &&Value| {
        record["kind"] == "aws-secret-access-key" && record["location"].as_str().unwrap().contains(file)
    };
    records.iter().find(is_it).unwrap_or_else(|| panic!("{file}: {report:#}")).clone()
}

fn said(run: &Run, file: &str) -> String {
    secret(run, file)["secret"]["verification"].as_str().unwrap_or_default().to_owned()
}

fn audit(home: &Home, more: &[&str]) -> Run {
    let run = home.audit(&[&["--now", NOW, "--only", "secrets", "-v"], more].concat());
    is_silent(home, &run);
    run
}

/// Nothing that was printed or kept holds a secret.
fn is_silent(home: &Home, run: &Run) {
    let mut artefacts = vec![run.stdout.clone(), run.stderr.clone()];
    let mut folders = vec![home.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true if path.ends_with("app") || path.ends_with("repository") => {}
                true => folders.push(path),
                false => artefacts.push(String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()),
            }
        }
    }
    assert!(artefacts.len() > 2, "something is kept");
    for needle in [KEY_PAIR.1, OTHER, KEY_PAIR.0] {
        assert!(artefacts.iter().all(|text| !text.contains(needle)), "a key is told: {}", run.stdout);
    }
}

fn refuses() -> Reply {
    Reply::new(403, "application/xml", "<Error><Code>InvalidAccessKeyId</Code></Error>")
}

/// Where the test servers are installed by `scripts/test --everything`.
#[test]
fn a_real_minio_takes_its_key_and_refuses_another() {
    if std::env::var_os("WATERTIGHT_EVERYTHING").is_none() {
        return;
    }
    let minio = start("minio-keyed").unwrap();
    let home = Home::new();
    folder(&home);
    repository(&home.path().join("repository"));
    let target = bucket(minio.address);
    let run = audit(&home, &["--verify-secrets", &target, "./app", "./repository"]);
    for file in ["right.ini", "store.ini"] {
        let right = secret(&run, file);
        assert_eq!(right["secret"]["works"], true, "{right:#}");
        assert_eq!(
            (right["secret"]["opens"].as_str(), right["severity"].as_str()),
            (Some(&*target), Some("critical"))
        );
        assert_eq!(said(&run, file), format!("accepted by http://{}", minio.address));
    }
    assert_eq!(secret(&run, "store.ini")["secret"]["present"], false);
    let wrong = secret(&run, "wrong.ini");
    assert_eq!((&wrong["secret"]["works"], &wrong["secret"]["opens"]), (&Value::Bool(false), &Value::Null));
    assert_eq!((said(&run, "wrong.ini"), run.code), (format!("refused by http://{}", minio.address), 1));

    // The same where it is in scope, and where it was found to be a MinIO.
    scope(&home, "scope.toml", "2027-01-01T00:00:00Z", &target);
    let run = audit(&home, &["--config", "scope.toml", "--verify-secrets", "./app"]);
    assert_eq!(secret(&run, "right.ini")["secret"]["works"], true);
    let arguments = ["--now", NOW, "--verify-secrets", &minio.address.to_string(), "./app"];
    let run = home.audit(&arguments);
    is_silent(&home, &run);
    assert_eq!(secret(&run, "right.ini")["secret"]["works"], true);
    assert_eq!(secret(&run, "wrong.ini")["secret"]["works"], false);
    for (format, words) in
        [("table", "it works; accepted by http://"), ("html", "It works; accepted by http://")]
    {
        let run = home.run(&[&["audit", "-o", format], arguments.as_slice()].concat());
        is_silent(&home, &run);
        assert!(run.stdout.contains(words), "{}", run.stdout);
    }

    // Not asked unless the user wants it, and not where it is neither a target nor in scope.
    let run = audit(&home, &[&target, "./app"]);
    assert_eq!(
        (&secret(&run, "right.ini")["secret"]["works"], said(&run, "right.ini").as_str()),
        (&Value::Null, "")
    );
    let run = audit(&home, &["--verify-secrets", "./app"]);
    assert_eq!(secret(&run, "right.ini")["secret"]["works"], Value::Null);
    assert_eq!(said(&run, "right.ini"), "not verified: no endpoint for it is a target or in [scope]");
}

#[test]
fn an_endpoint_outside_the_scope_gets_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let home = Home::new();
    folder(&home);
    let outside = listener.local_addr().unwrap();
    let named = format!("{}endpoint_url = http://{outside}\n", settings(KEY_PAIR.1));
    std::fs::write(home.path().join("app/right.ini"), named).unwrap();
    scope(&home, "ended.toml", "2026-11-26T11:59:59Z", &bucket(outside));
    let other = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    scope(&home, "other.toml", "2027-01-01T00:00:00Z", &bucket(other));
    for more in [&["--verify-secrets"][..], &["--verify-secrets", "--config", "ended.toml"], &[]] {
        let run = audit(&home, &[more, &["./app"]].concat());
        assert_eq!(secret(&run, "right.ini")["secret"]["works"], Value::Null);
        let why =
            if more.is_empty() { "" } else { "not verified: no endpoint for it is a target or in [scope]" };
        assert_eq!(said(&run, "right.ini"), why);
    }
    audit(&home, &["--verify-secrets", "--config", "other.toml", "./app"]);
    // In scope, but the user wants nothing tried.
    scope(&home, "scope.toml", "2027-01-01T00:00:00Z", &bucket(outside));
    audit(&home, &["--config", "scope.toml", "./app"]);
    home.audit(&["--now", NOW, "--config", "scope.toml", "--verify-secrets", "--only", "data", "./app"]);
    let accepted = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(accepted, Err(std::io::ErrorKind::WouldBlock), "nobody knocks");
}

#[test]
fn each_key_is_one_request_to_an_endpoint_in_scope() {
    let store = http::start(|_, _| refuses()).unwrap();
    let home = Home::new();
    folder(&home);
    std::fs::write(home.path().join("app/again.ini"), settings(OTHER)).unwrap();
    scope(&home, "scope.toml", "2027-01-01T00:00:00Z", &bucket(store.address));
    let run = audit(&home, &["--config", "scope.toml", "--verify-secrets", "./app"]);
    for file in ["right.ini", "wrong.ini", "again.ini"] {
        assert_eq!(secret(&run, file)["secret"]["works"], false, "{}", said(&run, file));
    }
    assert_eq!(store.requests(), ["GET /", "GET /"]);
}

#[test]
fn what_an_endpoint_does_not_say_is_unknown_and_in_the_ledger() {
    let store = http::start(|_, _| Reply::new(500, "text/plain", "no")).unwrap();
    let home = Home::new();
    folder(&home);
    scope(&home, "scope.toml", "2027-01-01T00:00:00Z", &bucket(store.address));
    let arguments = ["--config", "scope.toml", "--verify-secrets", "--fail-on", "critical", "./app"];
    let run = audit(&home, &arguments);
    let right = secret(&run, "right.ini");
    assert_eq!(right["secret"]["works"], Value::Null);
    assert!(said(&run, "right.ini").contains("answers with status 500"), "{right:#}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let whole = report["data"].as_array().unwrap().iter().find(|record| record["type"] == "store").unwrap();
    let gaps = whole["not_read"].as_array().unwrap();
    assert_eq!(gaps.len(), 2, "{gaps:#?}");
    assert!(gaps[0]["why"].as_str().unwrap().contains("status 500"));
}
