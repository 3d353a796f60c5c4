//! Buckets by name: every provider as an emulator, MinIO as it is, and what nobody may ask or be led to.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::emulator::bucket::{self, OBJECT, Rights, Vendor};
use testkit::emulator::http::{self, Reply};
use testkit::emulator::{Emulator, tls};
use testkit::hostile::Hostile;
use testkit::netns::Namespace;
use testkit::real;

use crate::harness::{Home, Run, without_namespaces};

const VENDORS: [(Vendor, &str, &str); 6] = [
    (Vendor::Alibaba, "oss://archive", "Alibaba OSS"),
    (Vendor::Amazon, "s3://archive", "S3-compatible storage"),
    (Vendor::Tencent, "cos://archive-1250000000", "Tencent COS"),
    (Vendor::Huawei, "obs://archive", "Huawei OBS"),
    (Vendor::Google, "gs://archive", "Google Cloud Storage"),
    (Vendor::Microsoft, "az://account/archive", "Azure Blob Storage"),
];

fn at(bucket: &str, server: SocketAddr) -> String {
    format!("{bucket}?endpoint=http://{server}")
}

/// Audits buckets in a home of its own.
fn audit(targets: &[&str]) -> Run {
    Home::new().audit(&[&["--no-state", "--only", "exposure", "--timeout", "4"], targets].concat())
}

/// The record of a bucket.
fn record(run: &Run, address: &str) -> Value {
    let found = run.records().into_iter().find(|record| record["asset"]["address"] == address);
    found.unwrap_or_else(|| panic!("no record of {address}\n{}\n{}", run.stdout, run.stderr))
}

fn one(target: &str, address: &str) -> (i32, Value) {
    let run = audit(&[target]);
    (run.code, record(&run, address))
}

fn door(record: &Value, name: &str) -> String {
    let doors = record["surfaces"].as_array().unwrap();
    let door = doors.iter().find(|door| door["name"] == name);
    door.map_or_else(|| "-".to_owned(), |door| door["verdict"].as_str().unwrap().to_owned())
}

#[test]
fn every_provider_in_every_state() {
    for (vendor, name, product) in VENDORS {
        for rights in [Rights::Nothing, Rights::Read, Rights::ListAndRead, Rights::NoBucket] {
            let store = bucket::start(vendor, rights).unwrap();
            let address = at(name, store.address);
            let (code, record) = one(&address, &address);
            let hides = matches!(vendor, Vendor::Amazon | Vendor::Tencent);
            let expected = match (rights, vendor) {
                (Rights::ListAndRead, _) => "OPEN",
                // Whether objects are open cannot be known without the name of one.
                (Rights::Nothing | Rights::Read, _) if hides => "UNKNOWN",
                (Rights::Read, _) => "OPEN",
                (Rights::Nothing, _) | (Rights::NoBucket, Vendor::Microsoft) => "PROTECTED",
                (Rights::NoBucket, Vendor::Tencent) => "UNKNOWN",
                (Rights::NoBucket, _) => "CLOSED",
            };
            let what = format!("{vendor:?} {rights:?}\n{record:#}\n{:#?}", store.requests());
            assert_eq!(record["verdict"], expected, "{what}");
            assert_eq!((&record["product"], &record["reach"]), (&product.into(), &"host".into()), "{what}");
            assert_eq!(code, if matches!(expected, "UNKNOWN" | "CLOSED") { 3 } else { 0 }, "{what}");
            if rights == Rights::ListAndRead {
                assert_eq!(
                    (door(&record, "list"), door(&record, "read")),
                    ("OPEN".into(), "OPEN".into()),
                    "{what}"
                );
            }
            assert!(!record["evidence"].as_array().unwrap().is_empty(), "{what}");
        }
    }
}

#[test]
fn an_object_that_the_user_knows_decides_what_cannot_be_known_otherwise() {
    for (rights, expected) in [(Rights::Read, "OPEN"), (Rights::Nothing, "PROTECTED")] {
        let store = bucket::start(Vendor::Amazon, rights).unwrap();
        let address = at("s3://archive", store.address);
        let run = audit(&[&format!("{address}&key={OBJECT}")]);
        assert_eq!(record(&run, &address)["verdict"], expected);
        assert!(!run.stdout.contains(OBJECT), "the name of an object is told: {}", run.stdout);
        assert!(store.requests().contains(&format!("HEAD /archive/{OBJECT}")), "{:#?}", store.requests());
    }
}

#[test]
fn nothing_is_written_no_object_is_fetched_and_no_name_is_kept() {
    for (vendor, name, _) in VENDORS {
        let store = bucket::start(vendor, Rights::ListAndRead).unwrap();
        let home = Home::new();
        let run = home.audit(&["--only", "exposure", "--timeout", "4", &at(name, store.address)]);
        for request in store.requests() {
            let read = request.starts_with("GET ") || request.starts_with("HEAD ");
            assert!(read && !(request.starts_with("GET ") && request.contains(OBJECT)), "{request}");
        }
        assert!(store.requests().len() <= 8, "{:#?}", store.requests());
        assert!(!run.stdout.contains(OBJECT), "{}", run.stdout);
        let memory = std::fs::read(home.path().join(".local/share/watertight/inventory.sqlite")).unwrap();
        assert!(!String::from_utf8_lossy(&memory).contains(OBJECT), "{name}: a name is kept");
    }
}

/// Built and started by `scripts/test --everything`.
#[test]
fn minio_as_it_is() {
    if std::env::var_os("WATERTIGHT_EVERYTHING").is_none() {
        return;
    }
    let minio = real::start("minio-open").unwrap();
    let name = |bucket: &str| at(&format!("s3://{bucket}"), minio.address);
    let buckets = ["public-list", "public", "private", "no-such-bucket"].map(name);
    let run = audit(&buckets.each_ref().map(String::as_str));
    let doors = |bucket: &str| {
        let record = record(&run, bucket);
        (record["verdict"].as_str().unwrap().to_owned(), door(&record, "list"), door(&record, "read"), record)
    };
    for (bucket, expected) in buckets.iter().zip([
        ("OPEN", "OPEN", "OPEN"),
        ("OPEN", "PROTECTED", "OPEN"),
        ("PROTECTED", "PROTECTED", "PROTECTED"),
        ("PROTECTED", "PROTECTED", "PROTECTED"),
    ]) {
        let (verdict, list, read, record) = doors(bucket);
        assert_eq!((verdict.as_str(), list.as_str(), read.as_str()), expected, "{record:#}");
        assert_eq!((&record["product"], &record["proof"]), (&"MinIO".into(), &"real".into()), "{record:#}");
    }
    let (_, _, _, hidden) = doors(&buckets[3]);
    assert!(hidden["reason"].as_str().unwrap().contains("no such bucket"), "{hidden:#}");
    // Each bucket holds one object, under one of these names.
    let known = |bucket: &str| {
        let address = name(bucket);
        [OBJECT, "o.txt"].map(|key| one(&format!("{address}&key={key}"), &address).1["verdict"].to_string())
    };
    assert!(known("public").contains(&"\"OPEN\"".to_owned()), "{:?}", known("public"));
    assert!(known("private").iter().all(|verdict| verdict == "\"PROTECTED\""), "{:?}", known("private"));
    assert!(!run.stdout.contains(OBJECT) && !run.stdout.contains("o.txt"), "{}", run.stdout);
}

/// A store that says `body` to everything, and may end too early.
fn saying(status: u16, kind: &'static str, body: &str, cut: usize) -> Emulator {
    let body = body.to_owned();
    Emulator::serve(move |peer| {
        while peer.read_some()?.is_some() {
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            std::io::Write::write_all(&mut peer.clone(), head.as_bytes())?;
            std::io::Write::write_all(&mut peer.clone(), &body.as_bytes()[..body.len() - cut])?;
            if cut > 0 {
                break;
            }
        }
        peer.finish();
        Ok(())
    })
    .unwrap()
}

#[test]
fn bad_answers_decide_nothing_and_cost_little() {
    let listing = "<ListBucketResult><Name>b</Name><Contents><Key>k</Key></Contents></ListBucketResult>";
    let bomb = "<!DOCTYPE b [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><ListBucketResult><Name>&b;</Name></ListBucketResult>";
    let endless = format!("<ListBucketResult>{}", "<Contents><Key>k</Key></Contents>".repeat(60_000));
    let stores = [
        saying(403, "text/html", "<html>Forbidden by the proxy</html>", 0),
        saying(200, "text/html", "<html>Welcome</html>", 0),
        saying(200, "application/xml", listing, 0),
        saying(200, "application/xml", listing, 20),
        saying(200, "application/xml", bomb, 0),
        saying(200, "application/xml", &endless, 0),
        saying(403, "application/xml", "<Error><Code>AccessDenied</Code><Message>x</Message></Error>", 10),
    ];
    let begun = Instant::now();
    let each = stores.iter().flat_map(|store| VENDORS.map(|(_, name, _)| at(name, store.address)));
    let targets: Vec<String> = each.collect();
    let run = audit(&targets.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(run.code, 3);
    for target in &targets {
        let record = record(&run, target);
        assert_eq!(record["verdict"], "UNKNOWN", "{record:#}");
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn hostile_servers_are_no_buckets() {
    let elsewhere = http::start(|_, _| Reply::html("elsewhere")).unwrap();
    let servers: Vec<_> = Hostile::all(elsewhere.address)
        .into_iter()
        .map(|kind| {
            let server = kind.start().unwrap();
            (kind, at("s3://archive", server.address), server)
        })
        .collect();
    let run = audit(&servers.iter().map(|(_, address, _)| address.as_str()).collect::<Vec<_>>());
    assert_eq!(run.code, 3);
    for (kind, address, _) in &servers {
        let record = record(&run, address);
        let verdict = record["verdict"].as_str().unwrap();
        assert!(matches!(verdict, "UNKNOWN" | "UNREACHABLE"), "{kind:?}: {record:#}");
    }
    assert_eq!(elsewhere.connections(), 0, "a hop was taken");
}

#[test]
fn a_hop_to_elsewhere_is_told_and_not_taken() {
    let elsewhere = http::start(|_, _| Reply::html("elsewhere")).unwrap();
    let host = elsewhere.address;
    for name in ["oss://archive", "s3://archive", "obs://archive"] {
        let store = http::start(move |_, _| {
            bucket::error(
                403,
                "AccessDenied",
                "must be addressed using the specified endpoint",
                &format!("<Endpoint>{host}</Endpoint>"),
            )
        })
        .unwrap();
        let address = at(name, store.address);
        let (code, record) = one(&address, &address);
        assert_eq!((code, &record["verdict"]), (3, &"UNKNOWN".into()), "{record:#}");
        let reason = record["reason"].as_str().unwrap();
        assert!(reason.contains(&host.to_string()) && reason.contains("?region="), "{reason}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_bucket_without_scope_ends_the_run_before_anything_is_sent() {
    let listener = Emulator::serve(|_| Ok(())).unwrap();
    let home = Home::new();
    let config = home.path().join("named.toml");
    let scope = |until: &str, buckets: &str| {
        format!(
            "[scope]\nauthorised_by = \"Li Na\"\nuntil = {until}\nnetworks = [\"0.0.0.0/0\"]\nbuckets = [{buckets}]\n"
        )
    };
    let cases = [
        (String::new(), "oss://person-archive", "[scope]"),
        (
            scope("2099-01-01T00:00:00Z", "\"oss://other\""),
            "oss://person-archive",
            "no [scope] names the bucket",
        ),
        (
            scope("2099-01-01T00:00:00Z", "\"s3://person-archive\""),
            "oss://person-archive",
            "no [scope] names the bucket",
        ),
        (scope("2020-01-01T00:00:00Z", "\"oss://person-archive\""), "oss://person-archive", "2020-01-01"),
        (
            scope("2099-01-01T00:00:00Z", "\"oss://person*\""),
            "oss://person-archive",
            "no bucket can be called that",
        ),
        (
            scope("2099-01-01T00:00:00Z", "\"s3://b-1\""),
            "s3://b-1?endpoint=http://169.254.169.254",
            "metadata",
        ),
        (scope("2099-01-01T00:00:00Z", ""), "s3://b-1?endpoint=http://100.100.100.200:80", "metadata"),
        (String::new(), "s3://b-1?endpoint=http://8.8.8.8:9000", "[scope]"),
        (String::new(), "cos://archive-1250000000", "?region="),
        (String::new(), "s3://b-1?X-Amz-Signature=hunter2", "without credentials"),
    ];
    for (text, target, expected) in cases {
        std::fs::write(&config, text).unwrap();
        let own = listener.address.to_string();
        let run = home.run(&["audit", "--no-state", "--config", config.to_str().unwrap(), target, &own]);
        assert_eq!(run.code, 2, "{target}: {}{}", run.stdout, run.stderr);
        let message = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(message.contains(expected), "{target}: {message}");
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
        assert_eq!(listener.connections(), 0, "{target}: something was sent");
    }
}

/// The provider's own hosts, inside of a namespace whose names lead to loopback and whose firewall counts.
#[test]
fn a_wrong_region_is_followed_once_within_the_provider_and_no_packet_leaves() {
    if without_namespaces("a_wrong_region_is_followed_once_within_the_provider_and_no_packet_leaves") {
        return;
    }
    let namespace = Namespace::new("buckets").unwrap();
    let folder = format!("/etc/netns/{}", namespace.name());
    std::fs::create_dir_all(&folder).unwrap();
    let hosts: String = [
        "person-archive.oss-cn-hangzhou.aliyuncs.com",
        "person-archive.oss-cn-beijing.aliyuncs.com",
        "lost-archive.oss-cn-hangzhou.aliyuncs.com",
        "site.s3.amazonaws.com",
        "site.s3.eu-west-1.amazonaws.com",
        "site.s3-website-eu-west-1.amazonaws.com",
        "evil.example",
    ]
    .map(|host| format!("127.0.0.1 {host}\n"))
    .concat();
    std::fs::write(format!("{folder}/hosts"), hosts).unwrap();
    let home = Home::inside(&namespace);
    let config = home.path().join("named.toml");
    let scope = "[scope]\nauthorised_by = \"Li Na, ticket SEC-212\"\nuntil = 2099-01-01T00:00:00Z\n\
                 buckets = [\"oss://person-archive\", \"oss://lost-archive\", \"s3://site\"]\n";
    std::fs::write(&config, scope).unwrap();
    let counter = namespace.counter(&["127.0.0.1".parse().unwrap()]).unwrap();
    let (run, requests) = namespace
        .inside(|| {
            let store = tls::serve_at("127.0.0.1:443".parse().unwrap(), provider).unwrap();
            let site = Emulator::serve_at("127.0.0.1:80".parse().unwrap(), |peer| {
                http::serve(&peer, |_| Reply::html("<html>site</html>"))
            })
            .unwrap();
            let arguments = ["--no-state", "--only", "exposure", "--config", config.to_str().unwrap()];
            let run = home.audit(
                &[&arguments[..], &["oss://person-archive", "oss://lost-archive", "s3://site"]].concat(),
            );
            (run, [store.requests(), site.requests()].concat())
        })
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(counter.packets().unwrap(), 0, "a packet left");
    let archive = record(&run, "oss://person-archive");
    assert_eq!(
        (&archive["verdict"], door(&archive, "list").as_str()),
        (&"OPEN".into(), "OPEN"),
        "{archive:#}\n{requests:#?}"
    );
    assert!(archive["surfaces"].to_string().contains("oss-cn-beijing"), "{archive:#}");
    let lost = record(&run, "oss://lost-archive");
    assert_eq!(lost["verdict"], "UNKNOWN", "{lost:#}");
    assert!(lost["reason"].as_str().unwrap().contains("evil.example"), "{lost:#}");
    let site = record(&run, "s3://site");
    assert_eq!(
        (door(&site, "list").as_str(), door(&site, "website").as_str()),
        ("PROTECTED", "OPEN"),
        "{site:#}\n{requests:#?}"
    );
    assert!(
        requests.contains(&"HEAD /".to_owned()) && !requests.iter().any(|line| line.contains("evil.example")),
        "{requests:#?}"
    );
}

/// OSS and S3 by the host that is asked for.
fn provider(request: &http::Request) -> Reply {
    let elsewhere = |endpoint: &str| {
        let message =
            "The bucket you are attempting to access must be addressed using the specified endpoint.";
        bucket::error(403, "AccessDenied", message, &format!("<Endpoint>{endpoint}</Endpoint>"))
    };
    // As for a store that is asked by path.
    let by_path = |vendor, rights| {
        let mut request = request.clone();
        request.path = format!("/b{}", request.path);
        bucket::answer(vendor, rights, &request)
    };
    match request.header("host").unwrap_or_default() {
        "person-archive.oss-cn-hangzhou.aliyuncs.com" => elsewhere("oss-cn-beijing.aliyuncs.com"),
        "person-archive.oss-cn-beijing.aliyuncs.com" => by_path(Vendor::Alibaba, Rights::ListAndRead),
        "lost-archive.oss-cn-hangzhou.aliyuncs.com" => elsewhere("evil.example"),
        "site.s3.amazonaws.com" => bucket::error(
            301,
            "PermanentRedirect",
            "moved",
            "<Endpoint>site.s3.eu-west-1.amazonaws.com</Endpoint>",
        )
        .with("x-amz-bucket-region", "eu-west-1"),
        "site.s3.eu-west-1.amazonaws.com" => by_path(Vendor::Amazon, Rights::Read),
        other => Reply::html(other.to_owned()),
    }
}

#[test]
fn a_bucket_is_remembered_compared_accepted_and_closed() {
    const FIRST: &str = "2026-01-01T00:00:00Z";
    const SECOND: &str = "2026-01-08T00:00:00Z";
    let shut = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let switch = std::sync::Arc::clone(&shut);
    let store = http::start(move |_, request| {
        let shut = switch.load(std::sync::atomic::Ordering::SeqCst);
        bucket::answer(Vendor::Alibaba, if shut { Rights::Nothing } else { Rights::ListAndRead }, request)
    })
    .unwrap();
    let address = at("oss://archive", store.address);
    let home = Home::new();
    let fails = ["--only", "exposure", "--fail-on", "medium", &address];
    let first = home.audit(&[&["--now", FIRST], &fails[..]].concat());
    assert_eq!(first.code, 1);
    let baseline = home.path().join("baseline.json");
    std::fs::write(&baseline, &first.stdout).unwrap();
    let compared = home.audit(&[&["--baseline", baseline.to_str().unwrap()], &fails[..]].concat());
    assert_eq!(compared.code, 0, "{}", compared.stdout);
    let id = record(&first, &address)["id"].as_str().unwrap().to_owned();
    let accept = format!(
        "[[accept]]\nid = \"{id}\"\nreason = \"public pages\"\nowner = \"li.na@example.org\"\nexpires = 2099-01-01T00:00:00Z\n"
    );
    std::fs::write(home.path().join("watertight.toml"), accept).unwrap();
    let accepted = home.audit(&fails);
    assert_eq!(
        (accepted.code, record(&accepted, &address)["accepted"]["owner"].as_str()),
        (0, Some("li.na@example.org"))
    );
    shut.store(true, std::sync::atomic::Ordering::SeqCst);
    let closed = record(&home.audit(&["--now", SECOND, &address]), &address);
    assert_eq!(
        (&closed["verdict"], &closed["closed_on"], &closed["open_since"]),
        (&"PROTECTED".into(), &SECOND.into(), &FIRST.into())
    );
}

#[test]
fn every_format_tells_a_bucket() {
    let open = bucket::start(Vendor::Alibaba, Rights::ListAndRead).unwrap();
    let shut = bucket::start(Vendor::Google, Rights::Nothing).unwrap();
    let (first, second) = (at("oss://archive", open.address), at("gs://archive", shut.address));
    let home = Home::new();
    for format in ["table", "json", "ndjson", "csv", "sarif", "ocsf", "html"] {
        let run = home.run(&["audit", "--no-state", "-o", format, &first, &second, "--fail-on", "medium"]);
        assert_eq!(run.code, 1, "{format}: {}", run.stderr);
        assert!(
            run.stdout.contains("oss://archive") && run.stdout.contains("gs://archive"),
            "{format}: {}",
            run.stdout
        );
        if format == "table" {
            assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
        } else {
            crate::formats::is_valid(format, &run.stdout);
        }
    }
}
