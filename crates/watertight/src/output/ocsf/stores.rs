//! What is in the stores, as OCSF Data Security Findings (class 2006), one per data record.
//!
//! The class describes what data discovery and classification finds and names the database, bucket or file that stores
//! it, with the kind, the category and whether the classification was complete
//! (<https://schema.ocsf.io/1.8.0/classes/data_security_finding>). A Compliance Finding would have to call a column a
//! passed or failed check against a standard, which nobody asked.

use model::{Confidence, DataRecord, DataType, Form};
use serde_json::{Map, Value, json};

use super::super::text::printable;
use super::super::{Language, data};
use super::{OCSF_VERSION, extend, head, put_time, suppressed};
use crate::report::Report;

/// Data Security Finding.
const CLASS: u32 = 2006;

/// The event of a data record.
pub(super) fn event(record: &DataRecord, report: &Report) -> Value {
    let activity = match record.known_since {
        Some(since) if since < report.started => (2, "Update"),
        _ => (1, "Create"),
    };
    let status = if record.accepted.is_some() { (3, "Suppressed") } else { (1, "New") };
    let title = title(record);
    let mut event = head((CLASS, "Data Security Finding"), activity, record.severity, status, report);
    extend(
        &mut event,
        json!({
            "message": message(record, &title),
            "metadata": metadata(record),
            "finding_info": finding_info(record, &title),
            "data_security": data_security(record),
            "resources": [resource(record)],
            "unmapped": { "record": record },
        }),
    );
    if let Some((id, name)) = record.confidence.map(confidence) {
        event.insert("confidence_id".to_owned(), json!(id));
        event.insert("confidence".to_owned(), json!(name));
    }
    place(record, &mut event);
    suppressed(record.accepted.as_ref(), &mut event);
    Value::Object(event)
}

fn confidence(confidence: Confidence) -> (u32, &'static str) {
    match confidence {
        Confidence::Low => (1, "Low"),
        Confidence::Medium => (2, "Medium"),
        Confidence::High => (3, "High"),
    }
}

fn title(record: &DataRecord) -> String {
    let asset = printable(&record.asset);
    match record.data_type {
        DataType::PersonalData | DataType::Secret => {
            format!("{} at {} in {asset}", data::title(record), data::place(record))
        }
        DataType::Store => format!("Store {asset}"),
        DataType::Estate => "All stores".to_owned(),
    }
}

fn message(record: &DataRecord, title: &str) -> String {
    let english = Language::En;
    let mut parts = Vec::new();
    parts.extend(record.form.map(|form| english.form(form).to_owned()));
    parts.extend(record.records.map(|records| english.records(records)));
    parts.extend(record.people.as_ref().map(|people| english.people(data::bounds(people))));
    if let Some(secret) = &record.secret {
        parts.push(printable(&secret.redacted).into_owned());
        parts.extend(data::use_of(secret, english));
        parts.extend(data::history(secret, english));
    }
    if !record.reason.is_empty() {
        parts.push(printable(&record.reason).into_owned());
    }
    if parts.is_empty() { title.to_owned() } else { format!("{title}: {}", parts.join("; ")) }
}

fn metadata(record: &DataRecord) -> Value {
    json!({
        "version": OCSF_VERSION,
        "product": { "name": "watertight", "vendor_name": "watertight", "version": env!("CARGO_PKG_VERSION") },
        "log_name": "audit",
        "event_code": rule(record),
    })
}

/// `personal_data.cn-resident-id`; a whole store has no kind.
fn rule(record: &DataRecord) -> String {
    match &record.kind {
        Some(kind) => format!("{}.{}", record.data_type, printable(kind)),
        None => record.data_type.word().to_owned(),
    }
}

fn finding_info(record: &DataRecord, title: &str) -> Value {
    let english = Language::En;
    let desc =
        record.form.map_or_else(|| english.data_type(record.data_type), |form| english.form_meaning(form));
    let mut info = json!({
        "uid": record.id,
        "title": title,
        "desc": desc,
        "types": [record.data_type.word()],
        "analytic": { "type_id": 1, "type": "Rule", "uid": rule(record), "name": data::title(record) },
    });
    if let Some(members) = info.as_object_mut() {
        put_time(members, "created_time", record.known_since);
        put_time(members, "first_seen_time", record.known_since);
        put_time(members, "last_seen_time", record.last_seen);
    }
    info
}

/// What was found, by which detector, and whether all was read that was asked for.
fn data_security(record: &DataRecord) -> Value {
    let (category_id, category) = match record.data_type {
        DataType::Secret => (6, "Security"),
        _ => (1, "Personal"),
    };
    let (status_id, status) = if record.is_undecided() { (2, "Partial") } else { (1, "Complete") };
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("category_id", json!(category_id));
    put("category", json!(category));
    put("data_lifecycle_state_id", json!(1));
    put("data_lifecycle_state", json!("Data at-Rest"));
    put("detection_system_id", json!(4));
    put("detection_system", json!("Data Discovery & Classification"));
    put("status_id", json!(status_id));
    put("status", json!(status));
    if record.is_undecided() {
        let gaps = record.not_read.iter().filter(|part| !part.by_design).map(data::gap);
        put("status_details", json!(gaps.collect::<Vec<_>>()));
    }
    if let Some(kind) = &record.kind {
        put("detection_pattern", json!(printable(kind)));
        // A count that does not fit is left out: the record below has it.
        if let Some(count) = record.records.and_then(|records| i32::try_from(records).ok()) {
            put("discovery_details", json!([{ "type": printable(kind), "count": count }]));
        }
    }
    Value::Object(members)
}

/// The database, bucket or file that stores it; its own object where the class has one.
fn place(record: &DataRecord, members: &mut Map<String, Value>) {
    if record.data_type == DataType::Estate {
        return;
    }
    let (uid, scheme) = (printable(&record.asset), record.asset.split(':').next().unwrap_or_default());
    let database = match scheme {
        "postgres" | "mysql" | "sqlite" | "clickhouse" => Some((1, "Relational")),
        "mongodb" | "redis" | "elasticsearch+http" | "elasticsearch+https" => Some((6, "NoSQL")),
        _ => None,
    };
    if let Some((type_id, name)) = database {
        let database = json!({ "uid": uid, "name": uid, "type_id": type_id, "type": name });
        members.insert("database".to_owned(), database);
    }
    if scheme == "s3" || scheme == "oss" {
        let (type_id, name) = if scheme == "s3" { (1, "S3") } else { (99, "OSS") };
        let bucket = json!({ "uid": uid, "name": uid, "type_id": type_id, "type": name });
        members.insert("databucket".to_owned(), bucket);
    }
    if let Some(position) = &record.position {
        let path = printable(&position.file);
        let name = path.rsplit('/').next().unwrap_or_default();
        members.insert(
            "file".to_owned(),
            json!({ "name": name, "path": path, "type_id": 1, "type": "Regular File" }),
        );
    }
}

fn resource(record: &DataRecord) -> Value {
    let mut labels = Vec::new();
    labels.extend(record.form.map(|form: Form| format!("form:{form}")));
    let uid = match record.location.as_str() {
        "" => record.asset.clone(),
        location => format!("{}#{location}", record.asset),
    };
    json!({ "uid": printable(&uid), "name": data::place(record), "type": record.data_type.word(), "labels": labels })
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::super::events;
    use super::*;

    fn all() -> Vec<(DataRecord, Value)> {
        let report = sample::report();
        let events = events(&report).as_array().unwrap().split_at(report.records.len()).1.to_vec();
        report.data.into_iter().zip(events).collect()
    }

    #[test]
    fn the_type_is_made_of_class_and_activity() {
        for (record, event) in all() {
            assert_eq!(event["class_uid"], 2006);
            assert_eq!(event["type_uid"], 200_600 + event["activity_id"].as_u64().unwrap());
            assert_eq!(event["finding_info"]["uid"], record.id);
        }
    }

    #[test]
    fn what_was_not_read_makes_the_classification_partial() {
        for (record, event) in all() {
            let expected = if record.is_undecided() { "Partial" } else { "Complete" };
            assert_eq!(event["data_security"]["status"], expected);
        }
    }

    #[test]
    fn each_store_has_the_object_of_its_type() {
        let has = |name: &str| all().iter().filter(|(_, event)| event.get(name).is_some()).count();
        assert_eq!((has("database"), has("databucket"), has("file")), (14, 5, 5));
    }

    #[test]
    fn a_column_that_was_known_before_is_updated() {
        for (record, event) in all() {
            let known = record.known_since.unwrap() < sample::report().started;
            assert_eq!(event["activity_name"], if known { "Update" } else { "Create" });
        }
    }
}
