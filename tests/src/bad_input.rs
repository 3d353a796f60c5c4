//! Servers that misbehave: UNKNOWN or UNIDENTIFIED with the reason, within the deadline and the memory budget.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::emulator::Emulator;
use testkit::emulator::http::{self, Reply};
use testkit::hostile::Hostile;
use testkit::real;

use crate::harness::{Home, audit_one};

/// Seconds given to each endpoint in these tests.
const DEADLINE: u64 = 6;

#[test]
fn hostile_servers_are_never_open_never_protected_and_never_late() {
    let elsewhere = Emulator::serve(|_| Ok(())).unwrap();
    for kind in Hostile::all(elsewhere.address) {
        let server = kind.start().unwrap();
        let started = Instant::now();
        let address = server.address.to_string();
        let run = Home::new().audit(&["--no-state", "--timeout", &DEADLINE.to_string(), &address]);
        let took = started.elapsed();
        let record = run.exposure(server.address);
        let verdict = record["verdict"].as_str().unwrap();
        let expected = match kind {
            // A node of a cluster: it did answer the question about a key, with a redirection.
            Hostile::RedisMoved(_) => verdict == "OPEN",
            _ => matches!(verdict, "UNKNOWN" | "UNIDENTIFIED"),
        };
        assert!(expected, "{kind:?}: {record:#}");
        assert!(!record["reason"].as_str().unwrap().is_empty(), "{kind:?}");
        assert!(took < Duration::from_secs(DEADLINE + 2), "{kind:?} took {took:?}");
        assert!(run.code == 3 || verdict == "OPEN", "{kind:?}: exit {}", run.code);
        assert!(server.bytes_sent() < 64 << 20, "{kind:?}: {} bytes were taken", server.bytes_sent());
    }
    assert_eq!(elsewhere.connections(), 0, "a redirect or a proposed address was followed");
}

#[test]
fn tls_1_1_or_older_is_unknown_with_that_reason() {
    let server = Hostile::OldTls.start().unwrap();
    let (_, record) = audit_one(server.address);
    assert_eq!((&record["verdict"], &record["reason"]), (&"UNKNOWN".into(), &"TLS 1.1 or older only".into()));
}

#[test]
fn ssh_is_named_and_left_alone() {
    let server = Hostile::SSH.start().unwrap();
    let (run, record) = audit_one(server.address);
    assert_eq!(
        (&record["verdict"], &record["service"], &record["reason"]),
        (&"UNKNOWN".into(), &"ssh".into(), &"not a data service".into())
    );
    assert_eq!(run.code, 3, "it was asked for by name");
    assert_eq!(server.bytes_received(), 0, "nothing is said to it");
}

#[test]
fn a_terminal_escape_in_a_banner_reaches_no_terminal() {
    let server = Hostile::Banner(b"\x1b]0;owned\x07\x1b[2Jhello\r\n").start().unwrap();
    let run = Home::new().run(&["audit", "--no-state", "-v", &server.address.to_string()]);
    assert!(!run.stdout.contains('\x1b') && !run.stdout.contains('\x07'), "{}", run.stdout);
}

#[test]
fn memory_stays_small_before_an_endless_answer() {
    for kind in [Hostile::EndlessHeader, Hostile::EndlessBody, Hostile::ManyLines, Hostile::GzipBomb] {
        let server = kind.start().unwrap();
        let home = Home::new();
        let mut command = std::process::Command::new("/usr/bin/env");
        command.args(["bash", "-c", "ulimit -v 2000000; exec \"$0\" \"$@\""]);
        command.arg(crate::harness::program()).args(["audit", "--no-state", "-o", "json", "--timeout", "4"]);
        command.arg(server.address.to_string()).env("HOME", home.path());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{kind:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_port_that_refuses_is_closed_and_asked_twice() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    drop(listener);
    let (run, record) = audit_one(address);
    assert_eq!((&record["verdict"], run.code), (&"CLOSED".into(), 3));
}

#[test]
fn a_server_that_dies_in_the_middle_is_unknown() {
    // The greeting of a Redis, then nothing more.
    let server = testkit::emulator::replay::Replay::new()
        .last(&b"*1\r\n$4\r\nPING\r\n"[..], &b"+PONG\r\n"[..])
        .start()
        .unwrap();
    let (_, record) = audit_one(server.address);
    assert_ne!(record["verdict"], "OPEN", "{record:#}");
}

#[test]
fn an_error_page_in_place_of_json_is_not_open() {
    let server = http::start(|_, request| match request.target.as_str() {
        "/version" => Reply::json(200, &json!({ "etcdserver": "3.4.23", "etcdcluster": "3.4.0" })),
        _ => Reply::html("<h1>Something went wrong</h1>"),
    })
    .unwrap();
    let (_, record) = audit_one(server.address);
    assert_eq!((&record["service"], &record["verdict"]), (&"etcd".into(), &"UNKNOWN".into()), "{record:#}");
}

#[test]
fn a_version_that_everyone_is_told_is_not_open() {
    let server = http::start(|_, request| match request.target.as_str() {
        "/version" => {
            Reply::json(200, &json!({ "ApiVersion": "1.41", "Version": "20.10.24", "Os": "linux" }))
        }
        _ => Reply::json(403, &json!({ "message": "forbidden" })),
    })
    .unwrap();
    let (_, record) = audit_one(server.address);
    assert_eq!(
        (&record["service"], &record["verdict"]),
        (&"docker".into(), &"PROTECTED".into()),
        "{record:#}"
    );
}

#[test]
fn ctrl_c_keeps_what_is_there() {
    let redis = real::start("redis-open").unwrap();
    let silent = Hostile::Silent.start().unwrap();
    let home = Home::new();
    let targets = [redis.address.to_string(), silent.address.to_string()];
    let mut command =
        home.command(&["audit", "-o", "json", "--no-state", "--timeout", "60", &targets[0], &targets[1]]);
    let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["interrupted"], true);
    let records = report["records"].as_array().unwrap();
    assert!(records.iter().any(|record| record["verdict"] == "OPEN"), "{report:#}");
    assert_eq!(output.status.code(), Some(3));
}
