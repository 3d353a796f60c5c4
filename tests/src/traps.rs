//! Traps that real products set, in states that cannot be had as a real server here: answers as recorded from them.

use serde_json::json;
use testkit::emulator::http::{self, Reply, Request};

use crate::harness::audit_one;

fn verdict(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (String, serde_json::Value) {
    let server = http::start(move |_, request| answer(request)).unwrap();
    let (_, record) = audit_one(server.address);
    (record["verdict"].as_str().unwrap().to_owned(), record)
}

fn stats() -> Reply {
    Reply::json(200, &json!({ "indices": { "count": 2, "docs": { "count": 10_000 } } }))
}

fn missing() -> Reply {
    Reply::json(404, &json!({ "error": { "type": "index_not_found_exception" }, "status": 404 }))
}

fn indices() -> Reply {
    Reply::json(200, &json!([{ "index": "a", "docs.count": "10000", "store.size": "384056" }]))
}

/// Elasticsearch 8.19 and 9.5 without the module `rest-root`.
#[test]
fn a_root_that_is_405_is_no_proof_of_closed() {
    let (verdict, record) = verdict(|request| match request.path.as_str() {
        "/" => Reply::json(405, &json!({ "status": 405 })).with("X-elastic-product", "Elasticsearch"),
        "/_cluster/stats" => stats().with("X-elastic-product", "Elasticsearch"),
        "/_cat/indices" => indices(),
        _ => missing(),
    });
    assert_eq!((verdict.as_str(), &record["service"]), ("OPEN", &"elasticsearch".into()), "{record:#}");
    assert_eq!(record["counts"]["documents"], 10_000);
}

/// A trap that says PONG and OK to whatever it is told.
#[test]
fn a_server_that_says_yes_to_everything_is_not_open() {
    let server = testkit::emulator::replay::Replay::new()
        .on(&b"*1\r\n$4\r\nPING"[..], &b"+PONG\r\n"[..])
        .on(&b"*2\r\n"[..], &b"+OK\r\n"[..])
        .start()
        .unwrap();
    let (_, record) = audit_one(server.address);
    assert_eq!((&record["verdict"], &record["service"]), (&"UNKNOWN".into(), &"redis".into()), "{record:#}");
}

/// A proxy that lets everyone read the greeting and nothing else.
#[test]
fn a_root_that_is_200_is_no_proof_of_open() {
    let (verdict, record) = verdict(|request| match request.path.as_str() {
        "/" => {
            Reply::json(200, &json!({ "tagline": "You Know, for Search", "version": { "number": "7.10.2" } }))
        }
        _ => Reply::new(401, "text/plain", "no").with("WWW-Authenticate", "Basic realm=\"x\""),
    });
    assert_eq!(verdict, "PROTECTED", "{record:#}");
}

#[test]
fn a_security_plugin_that_is_not_initialised_is_neither_open_nor_protected() {
    let (verdict, record) =
        verdict(|_| Reply::new(503, "text/plain", "OpenSearch Security not initialized."));
    assert_eq!((verdict.as_str(), &record["product"]), ("UNKNOWN", &"OpenSearch".into()), "{record:#}");
}

/// Elasticsearch 5 and 6 answer 400 to a parameter that came with 7.7, open or not.
#[test]
fn expand_wildcards_is_not_sent_to_versions_that_refuse_it() {
    let (verdict, record) = verdict(|request| match request.path.as_str() {
        "/" => {
            Reply::json(200, &json!({ "tagline": "You Know, for Search", "version": { "number": "7.6.2" } }))
        }
        "/_cluster/stats" => stats(),
        "/_cat/indices" if request.target.contains("expand_wildcards") => {
            Reply::json(400, &json!({ "status": 400 }))
        }
        "/_cat/indices" => indices(),
        _ => missing(),
    });
    assert_eq!(verdict, "OPEN");
    assert_eq!(record["counts"]["bytes"], 384_056, "{record:#}");
}

/// A role that may see counts but not documents.
#[test]
fn a_guest_that_sees_counts_but_may_not_read_is_partial() {
    let (verdict, record) = verdict(|request| match request.path.as_str() {
        "/" => {
            Reply::json(200, &json!({ "tagline": "You Know, for Search", "version": { "number": "8.7.1" } }))
        }
        "/_cluster/stats" => stats(),
        "/_cat/indices" => indices(),
        "/_security/_authenticate" => Reply::json(200, &json!({ "username": "anon", "roles": ["monitor"] })),
        "/_count" => Reply::json(403, &json!({ "error": { "type": "security_exception" } })),
        _ => missing(),
    });
    assert_eq!(verdict, "OPEN_PARTIAL", "{record:#}");
}

#[test]
fn docker_behind_a_filter_that_tells_the_version_is_protected() {
    let (verdict, _) = verdict(|request| match request.path.as_str() {
        "/version" => {
            Reply::json(200, &json!({ "ApiVersion": "1.41", "Version": "20.10.24", "Os": "linux" }))
        }
        _ => Reply::json(403, &json!({ "message": "Forbidden" })),
    });
    assert_eq!(verdict, "PROTECTED");
}

/// Plain HTTP that is answered with 400 may want TLS; where there is no TLS, it is asked further in plain HTTP.
#[test]
fn a_400_without_tls_behind_it_is_asked_further() {
    let (verdict, record) = verdict(|request| match request.path.as_str() {
        "/" => Reply::json(400, &json!({ "error": "which one?" })),
        "/_cluster/stats" => stats(),
        "/_cat/indices" => indices(),
        _ => missing(),
    });
    assert_eq!((verdict.as_str(), &record["service"]), ("OPEN", &"elasticsearch".into()), "{record:#}");
}

#[test]
fn a_page_that_is_refused_only_at_the_root_is_not_protected() {
    let (verdict, _) = verdict(|request| match request.path.as_str() {
        "/" => Reply::new(403, "text/plain", "no index"),
        _ => Reply::html("something"),
    });
    assert_eq!(verdict, "UNKNOWN");
}
