//! OCSF 1.8.0: a JSON array of Compliance Findings (class 2003), one per record, then of Data Security Findings (class
//! 2006), one per data record.
//!
//! The finding is `Suppressed` while it is accepted, `Resolved` (activity Close) when the door was found shut, and
//! `New` otherwise; it is an Update where an earlier run had seen the door open. No profile is used.

mod stores;

use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use model::{Acceptance, Record, RecordType, Severity, Verdict};
use serde_json::{Map, Value, json};

use super::Language;
use super::text::printable;
use super::view;
use crate::report::Report;

/// The version of OCSF that the events are written for.
const OCSF_VERSION: &str = "1.8.0";
/// Compliance Finding.
const CLASS: u32 = 2003;

/// One event per record.
pub(super) fn events(report: &Report) -> Value {
    let found = report.data.iter().map(|record| stores::event(record, report));
    report.records.iter().map(|record| event(record, report)).chain(found).collect()
}

fn event(record: &Record, report: &Report) -> Value {
    let title = title(record);
    let mut event = head(
        (CLASS, "Compliance Finding"),
        activity(record, report),
        record.severity,
        status(record),
        report,
    );
    extend(
        &mut event,
        json!({
            "message": format!("{title}: {}", printable(&record.reason)),
            "metadata": metadata(record),
            "finding_info": finding_info(record, &title),
            "compliance": compliance(record),
            "remediation": { "desc": Language::En.advice(record) },
            "resources": [resource(record)],
            "unmapped": { "record": record },
        }),
    );
    suppressed(record.accepted.as_ref(), &mut event);
    Value::Object(event)
}

/// What every finding begins with. A class, an activity and a status have a number and a name.
fn head(
    (class, name): (u32, &str),
    (activity_id, activity): (u32, &str),
    how_bad: Severity,
    (status_id, status): (u32, &str),
    report: &Report,
) -> Map<String, Value> {
    let (severity_id, severity) = severity(how_bad);
    let mut members = Map::new();
    extend(
        &mut members,
        json!({
            "activity_id": activity_id,
            "activity_name": activity,
            "category_uid": 2,
            "category_name": "Findings",
            "class_uid": class,
            "class_name": name,
            "type_uid": class * 100 + activity_id,
            "type_name": format!("{name}: {activity}"),
            "severity_id": severity_id,
            "severity": severity,
            "status_id": status_id,
            "status": status,
            "time": report.finished.as_millisecond(),
            "start_time": report.started.as_millisecond(),
            "end_time": report.finished.as_millisecond(),
        }),
    );
    members
}

fn extend(members: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        members.extend(more);
    }
}

/// Who accepted a finding, until when, and why.
fn suppressed(accepted: Option<&Acceptance>, members: &mut Map<String, Value>) {
    if let Some(accepted) = accepted {
        let detail =
            format!("accepted by {} until {}: {}", accepted.owner, accepted.expires, accepted.reason);
        members.insert("status_detail".to_owned(), json!(printable(&detail)));
    }
}

fn activity(record: &Record, report: &Report) -> (u32, &'static str) {
    match (record.closed_on, record.open_since) {
        (Some(_), _) => (3, "Close"),
        (None, Some(since)) if since < report.started => (2, "Update"),
        _ => (1, "Create"),
    }
}

fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn status(record: &Record) -> (u32, &'static str) {
    match record {
        Record { closed_on: Some(_), .. } => (4, "Resolved"),
        Record { accepted: Some(_), .. } => (3, "Suppressed"),
        _ => (1, "New"),
    }
}

fn metadata(record: &Record) -> Value {
    json!({
        "version": OCSF_VERSION,
        "product": { "name": "watertight", "vendor_name": "watertight", "version": env!("CARGO_PKG_VERSION") },
        "log_name": "audit",
        "event_code": rule(record),
    })
}

/// `exposure.OPEN`; other types are findings by themselves.
fn rule(record: &Record) -> String {
    match record.kind {
        RecordType::Exposure => format!("exposure.{}", record.verdict),
        kind => kind.word().to_owned(),
    }
}

fn title(record: &Record) -> String {
    let name = view::title(record).unwrap_or_else(|| "Something unidentified".to_owned());
    format!("{name} at {}: {}", view::address(record), view::label(record))
}

fn finding_info(record: &Record, title: &str) -> Value {
    let english = Language::En;
    let desc = match record.kind {
        RecordType::Exposure => english.meaning(record.verdict),
        kind => english.kind_meaning(kind),
    };
    let mut info = json!({
        "uid": record.id,
        "title": title,
        "desc": desc,
        "types": [record.kind.word()],
        "analytic": { "type_id": 1, "type": "Rule", "uid": rule(record), "name": record.kind.word() },
    });
    if let Some(members) = info.as_object_mut() {
        put_time(members, "created_time", record.open_since);
        put_time(members, "first_seen_time", record.open_since);
        put_time(members, "last_seen_time", record.last_seen);
    }
    info
}

fn put_time(members: &mut Map<String, Value>, name: &str, at: Option<Timestamp>) {
    if let Some(at) = at {
        members.insert(name.to_owned(), json!(at.as_millisecond()));
    }
}

/// What the verdict means for compliance:
///
/// | record | `compliance.status` |
/// |---|---|
/// | OPEN, PIVOT_OPEN, UNINITIALISED, DEFAULT_CREDENTIAL, OPEN_PARTIAL; every type but exposure | Fail |
/// | NETWORK_RESTRICTED: another address may be let in | Warning |
/// | PROTECTED | Pass |
/// | UNKNOWN, UNIDENTIFIED, UNREACHABLE, CLOSED | Unknown |
fn compliance(record: &Record) -> Value {
    let (status_id, status) = match record.verdict {
        _ if record.kind != RecordType::Exposure => (3, "Fail"),
        verdict if verdict.is_open() => (3, "Fail"),
        Verdict::NetworkRestricted => (2, "Warning"),
        Verdict::Protected => (1, "Pass"),
        _ => (0, "Unknown"),
    };
    json!({
        "control": record.kind.word(),
        "desc": Language::En.kind_meaning(record.kind),
        "standards": ["watertight"],
        "status_id": status_id,
        "status": status,
        "status_code": record.verdict,
        "status_detail": printable(&record.reason),
    })
}

fn resource(record: &Record) -> Value {
    let asset = &record.asset;
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), Value::String(value));
        }
    };
    put("uid", Some(printable(&asset.address).into_owned()));
    put("name", Some(view::address(record)));
    put(
        "type",
        Some(
            record
                .service
                .as_deref()
                .map_or_else(|| "endpoint".to_owned(), |name| printable(name).into_owned()),
        ),
    );
    put("hostname", asset.name.as_deref().map(|name| printable(name).into_owned()));
    put("ip", ip(record).map(|ip| ip.to_string()));
    put("version", record.version.as_deref().map(|version| printable(version).into_owned()));
    members.insert(
        "labels".to_owned(),
        json!([format!("reach:{}", record.reach), format!("vantage:{}", record.vantage)]),
    );
    Value::Object(members)
}

/// The address of the endpoint. The zone of a link-local address is left out: it means something on one machine only.
fn ip(record: &Record) -> Option<IpAddr> {
    record.asset.short().parse::<SocketAddr>().map(|address| address.ip()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn all() -> Vec<(Record, Value)> {
        let report = sample::report();
        let events = events(&report);
        report.records.into_iter().zip(events.as_array().unwrap().clone()).collect()
    }

    #[test]
    fn undecided_is_never_a_pass() {
        for (record, event) in all() {
            let expected = match record.verdict {
                _ if record.kind != RecordType::Exposure => "Fail",
                Verdict::Protected => "Pass",
                Verdict::NetworkRestricted => "Warning",
                verdict if verdict.is_undecided() => "Unknown",
                _ => "Fail",
            };
            assert_eq!(event["compliance"]["status"], expected, "{}", record.verdict);
        }
    }

    #[test]
    fn the_type_is_made_of_class_and_activity() {
        for (record, event) in all() {
            assert_eq!(event["type_uid"], 200_300 + event["activity_id"].as_u64().unwrap());
            assert_eq!(event["finding_info"]["uid"], record.id);
            assert_eq!(event["time"], 1_795_640_102_100_i64);
        }
    }

    #[test]
    fn accepted_and_closed_findings_say_so() {
        for (record, event) in all() {
            let expected = match (&record.closed_on, &record.accepted) {
                (Some(_), _) => "Resolved",
                (None, Some(_)) => "Suppressed",
                _ => "New",
            };
            assert_eq!(event["status"], expected);
            assert_eq!(event.get("status_detail").is_some(), record.accepted.is_some());
        }
    }

    #[test]
    fn an_address_is_given_where_there_is_one() {
        let with_ip =
            all().into_iter().filter(|(_, event)| event["resources"][0].get("ip").is_some()).count();
        let expected = all().iter().filter(|(record, _)| record.asset.address.starts_with("tcp://")).count();
        assert_eq!(with_ip, expected);
    }
}
