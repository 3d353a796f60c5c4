//! A report that holds every verdict, every type of record, every state over time, and hostile strings.

mod data;

use jiff::Timestamp;
use model::lifecycle::PatchState;
use model::{
    Acceptance, Asset, Counts, DataType, Exchange, Observation, Process, Proof, Reach, Record, RecordType,
    Severity, Surface, TlsFacts, Vantage, Verdict, digest, records_of,
};

use super::{Format, Language, Style, write};
use crate::report::Report;

/// Markup, a formula, terminal escapes, an override, a link and a placeholder of SARIF: what a hostile peer would send.
pub(super) const HOSTILE: &str =
    "<script>alert(1)</script> \u{1b}[2J\u{202e}\u{9b}31m [click](https://example.org) {0}";

/// An instant.
pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A style without colour, 80 columns wide.
pub(super) fn style() -> Style {
    Style { color: false, width: 80, language: Language::En, verbose: false }
}

/// The sample report in a format.
pub(crate) fn written(format: Format) -> String {
    let mut out = Vec::new();
    write(format, &report(), &style(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A report of a run that found nothing.
pub(crate) fn empty() -> Report {
    Report {
        records: Vec::new(),
        data: Vec::new(),
        not_seen: Vec::new(),
        notes: Vec::new(),
        targets: Vec::new(),
        looked_at: 0,
        interrupted: false,
        started: at("2026-11-25T20:55:00Z"),
        finished: at("2026-11-25T20:55:02.1Z"),
        fail_on: Severity::High,
        baseline: std::collections::HashMap::new(),
    }
}

/// The sample report.
pub(crate) fn report() -> Report {
    let mut records = Vec::new();
    for (observation, patch) in observations() {
        records.extend(records_of(&observation, patch));
    }
    for record in &mut records {
        remember(record);
    }
    records.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut data = data::records();
    data.sort_by(|a, b| a.order().cmp(&b.order()));
    Report {
        records,
        data,
        not_seen: vec!["2 listeners belong to other users' processes".to_owned(), HOSTILE.to_owned()],
        notes: vec![
            "support dates were checked more than 180 days ago: elasticsearch (2026-05-01)".to_owned(),
        ],
        targets: vec!["10.0.0.0/24".to_owned(), "=cmd()".to_owned()],
        looked_at: 1254,
        interrupted: true,
        ..empty()
    }
}

/// What the inventory would add: since when, closed, reopened, accepted.
fn remember(record: &mut Record) {
    let address = record.asset.address.clone();
    match (address.as_str(), record.kind) {
        ("tcp://203.0.113.7:9200", _) => record.open_since = Some(at("2025-09-20T04:00:00Z")),
        ("tcp://0.0.0.0:6379", _) => {
            record.open_since = Some(at("2026-11-20T08:30:00Z"));
            record.reopened = true;
        }
        ("tcp://10.0.0.31:9000", RecordType::Exposure) => {
            record.accepted = Some(Acceptance {
                id: record.id.clone(),
                reason: "test bench, holds generated data only".to_owned(),
                owner: "Wei Chen".to_owned(),
                expires: at("2027-01-31T00:00:00Z"),
            });
        }
        ("tcp://10.0.0.5:5432", RecordType::Exposure) => {
            record.open_since = Some(at("2025-09-20T04:00:00Z"));
            record.closed_on = Some(at("2026-11-25T20:55:01Z"));
        }
        _ => {}
    }
}

fn observation(address: &str, reach: Reach, verdict: Verdict, reason: &str) -> Observation {
    Observation {
        asset: Asset { address: address.to_owned(), name: None, bind: None, process: None },
        vantage: Vantage::Remote,
        reach,
        explicit: true,
        service: None,
        product: None,
        version: None,
        verdict,
        reason: reason.to_owned(),
        surfaces: Vec::new(),
        counts: Counts::new(),
        ransom_names: 0,
        tls: None,
        proof: (!verdict.is_undecided()).then_some(Proof::Real),
        evidence: vec![exchange("tcp", "GET /", reason)],
        at: at("2026-11-25T20:55:01Z"),
    }
}

fn exchange(transport: &str, sent: &str, received: &str) -> Exchange {
    Exchange {
        at: at("2026-11-25T20:55:01Z"),
        transport: transport.to_owned(),
        sent: sent.to_owned(),
        received: received.to_owned(),
        bytes: 1842,
        sha256: digest(received.as_bytes()),
    }
}

fn named(mut observation: Observation, service: &str, product: &str, version: &str) -> Observation {
    observation.service = Some(service.to_owned());
    observation.product = Some(product.to_owned());
    observation.version = (!version.is_empty()).then(|| version.to_owned());
    observation
}

fn counted(mut observation: Observation, counts: &[(&str, u64)]) -> Observation {
    observation.counts = counts.iter().map(|(what, number)| ((*what).to_owned(), *number)).collect();
    observation
}

fn tls(subject: &str, not_after: &str) -> TlsFacts {
    TlsFacts {
        protocol: "TLS 1.3".to_owned(),
        subject: subject.to_owned(),
        issuer: "CN=Example CA".to_owned(),
        not_after: Some(at(not_after)),
        client_certificate_requested: false,
    }
}

fn ended() -> PatchState {
    PatchState {
        cycle: "6.8".to_owned(),
        eol: "2022-02-10".parse().unwrap(),
        ended: true,
        source: "https://www.elastic.co/support/eol".to_owned(),
        checked: Some("2026-05-01".parse().unwrap()),
    }
}

fn observations() -> Vec<(Observation, Option<PatchState>)> {
    let mut all = open_to_the_internet();
    all.extend(open_inside().into_iter().map(|observation| (observation, None)));
    all.extend(shut_ones().into_iter().map(|observation| (observation, None)));
    all.extend(undecided_ones().into_iter().map(|observation| (observation, None)));
    all
}

fn open_to_the_internet() -> Vec<(Observation, Option<PatchState>)> {
    let elastic = observation(
        "tcp://203.0.113.7:9200",
        Reach::Internet,
        Verdict::Open,
        "GET /_cat/indices answered 200 and listed the indices without asking for a credential",
    );
    let elastic =
        counted(elastic, &[("indices", 23), ("documents", 970_412_118), ("bytes", 24_876_543_210_000)]);
    let mut elastic = named(elastic, "elasticsearch", "Elasticsearch", "6.8.2");
    elastic.asset.name = Some("search.example.org".to_owned());
    elastic.ransom_names = 2;
    elastic.tls = Some(tls("CN=search.example.org", "2026-02-01T00:00:00Z"));
    elastic.evidence = vec![
        exchange("tls", "GET /", "200, elasticsearch 6.8.2"),
        exchange("tls", "GET /_cat/indices?format=json&bytes=b", "200, 23 indices, 970412118 documents"),
    ];
    let redis =
        observation("tcp://0.0.0.0:6379", Reach::Internet, Verdict::Open, "INFO answered without AUTH");
    let mut redis = counted(named(redis, "redis", "Redis", "7.0.15"), &[("keys", 3)]);
    redis.asset.bind = Some("0.0.0.0:6379".to_owned());
    redis.asset.process = Some(Process { pid: 812, name: "redis-server".to_owned(), uid: 109 });
    redis.vantage = Vantage::Interface;
    vec![(elastic, Some(ended())), (redis, None)]
}

fn open_inside() -> Vec<Observation> {
    use Verdict::{DefaultCredential, Open, OpenPartial, PivotOpen, Uninitialised};
    let kibana = observation(
        "tcp://10.0.0.21:5601",
        Reach::Lan,
        PivotOpen,
        "the console proxy relayed GET /_cat/indices",
    );
    let kibana = counted(named(kibana, "kibana", "Kibana", "7.10.2"), &[("indices", 1)]);
    let influx = observation(
        "tcp://10.0.0.30:8086",
        Reach::Vpc,
        Uninitialised,
        "GET /api/v2/setup says allowed: true",
    );
    let mut influx = named(influx, "influxdb", "InfluxDB", "2.7.4");
    influx.proof = Some(Proof::Independent);
    let minio = observation(
        "tcp://10.0.0.31:9000",
        Reach::Lan,
        DefaultCredential,
        "the documented default administrator was let in",
    );
    let mut minio = named(minio, "minio", "MinIO", "");
    minio.proof = Some(Proof::Transcript);
    let etcd = observation("tcp://[::1]:2379", Reach::Host, OpenPartial, "v2 answers; v3 demands a user");
    let mut etcd = named(etcd, "etcd", "etcd", "3.5.9");
    etcd.vantage = Vantage::Loopback;
    etcd.surfaces = vec![
        Surface::new("v2", OpenPartial, "GET /v2/keys/ answered 200"),
        Surface::new("v3", Verdict::Unknown, HOSTILE),
    ];
    let hostile = observation("unix:/run/=cmd()|'<b>'/s.sock", Reach::Host, Open, HOSTILE);
    let mut hostile = counted(named(hostile, "mysql", HOSTILE, "=cmd()"), &[("<b>", 1), ("databases", 4)]);
    hostile.vantage = Vantage::Loopback;
    hostile.asset.name = Some("@SUM(1)\u{200b}".to_owned());
    hostile.asset.process = Some(Process { pid: 1, name: "\u{1b}]0;x\u{7}<i>".to_owned(), uid: 0 });
    hostile.tls = Some(tls(HOSTILE, "2027-01-01T00:00:00Z"));
    hostile.evidence = vec![exchange("tcp", HOSTILE, HOSTILE)];
    vec![kibana, influx, minio, etcd, hostile]
}

fn shut_ones() -> Vec<Observation> {
    let postgres =
        observation("tcp://10.0.0.5:5432", Reach::Lan, Verdict::Protected, "asked for SCRAM-SHA-256");
    let mongo = observation(
        "tcp://203.0.113.9:27017",
        Reach::Internet,
        Verdict::Protected,
        "listDatabases: code 13, not authorised",
    );
    let mysql = observation(
        "tcp://10.0.0.6:3306",
        Reach::Lan,
        Verdict::NetworkRestricted,
        "error 1130: host not allowed to connect",
    );
    vec![
        named(postgres, "postgresql", "PostgreSQL", ""),
        named(mongo, "mongodb", "MongoDB", "7.0.14"),
        named(mysql, "mysql", "MariaDB", "10.11.6"),
    ]
}

fn undecided_ones() -> Vec<Observation> {
    let ssh = observation("tcp://10.0.0.9:22", Reach::Lan, Verdict::Unknown, "not a data service");
    let mut ssh = named(ssh, "ssh", "OpenSSH", "9.2p1");
    ssh.explicit = false;
    let stuck = observation(
        "tcp://10.0.0.10:9042",
        Reach::Lan,
        Verdict::Unknown,
        "TLS 1.1 or older only; whether it asks for a password behind that could not be learnt",
    );
    vec![
        ssh,
        named(stuck, "cassandra", "Cassandra", ""),
        observation(
            "tcp://10.0.0.11:4711",
            Reach::Lan,
            Verdict::Unidentified,
            "answered 12 bytes that no probe knows",
        ),
        observation(
            "host://db7.example.org",
            Reach::Unknown,
            Verdict::Unreachable,
            "no answer within 3 s, twice",
        ),
        observation("tcp://10.0.0.12:6379", Reach::Lan, Verdict::Closed, "connection refused, twice"),
    ]
}

#[test]
fn the_sample_holds_every_type_and_form_of_data() {
    let data = report().data;
    for data_type in [DataType::PersonalData, DataType::Secret, DataType::Store, DataType::Estate] {
        assert!(data.iter().any(|record| record.data_type == data_type), "{data_type}");
    }
    for form in super::data_words::FORMS {
        assert!(data.iter().any(|record| record.form == Some(form)), "{form}");
    }
    assert!(data.iter().any(|record| record.accepted.is_some()));
    let mut ids: Vec<&str> = data.iter().map(|record| record.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), data.len());
}

#[test]
fn the_sample_holds_every_verdict_type_and_state() {
    let records = report().records;
    for verdict in Verdict::ALL {
        assert!(records.iter().any(|record| record.verdict == verdict), "{verdict}");
    }
    for kind in [RecordType::Exposure, RecordType::Compromise, RecordType::Certificate, RecordType::Lifecycle]
    {
        assert!(records.iter().any(|record| record.kind == kind), "{}", kind.word());
    }
    assert!(records.iter().any(|record| record.accepted.is_some()));
    assert!(records.iter().any(|record| record.closed_on.is_some()));
    assert!(records.iter().any(|record| record.reopened));
}
