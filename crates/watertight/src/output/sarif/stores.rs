//! What is in the stores, as SARIF: one rule per kind that occurs, one result per data record, and the gaps as
//! notifications.
//!
//! What stands in a file has a physical location, relative to a base of its own for every store; a column, a key or a
//! whole store has a logical one. Columns count characters, which the run says (`columnKind`).

use std::collections::{BTreeMap, BTreeSet};

use model::{DataRecord, DataType, NotRead, Position, Severity};
use net::http::percent_encode;
use serde_json::{Value, json};

use super::super::text::printable;
use super::super::{Language, data};
use super::{capital, level, literal, pascal, score, suppressions};
use crate::report::Report;

/// The rules of the kinds that occur, in their order, and the bases of the stores that have files.
pub(super) struct Stores<'a> {
    report: &'a Report,
    rules: BTreeMap<String, &'a DataRecord>,
    bases: BTreeMap<&'a str, String>,
    /// How many rules stand before these.
    before: usize,
}

impl<'a> Stores<'a> {
    /// Rules and bases of a report of which `before` rules are others.
    pub(super) fn of(report: &'a Report, before: usize) -> Self {
        let mut rules: BTreeMap<String, &DataRecord> = BTreeMap::new();
        for record in &report.data {
            // The records come worst first, so a rule has the level of its worst result.
            rules.entry(rule(record)).or_insert(record);
        }
        let assets: BTreeSet<&str> = report
            .data
            .iter()
            .filter(|record| record.position.is_some())
            .map(|record| record.asset.as_str())
            .collect();
        let base = |(index, asset)| match index {
            0 => (asset, "SRCROOT".to_owned()),
            _ => (asset, format!("SRCROOT{}", index + 1)),
        };
        Self { report, rules, bases: assets.into_iter().enumerate().map(base).collect(), before }
    }

    /// The descriptors of the rules.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = Value> {
        self.rules.iter().map(|(id, worst)| descriptor(id, worst))
    }

    /// One result per record.
    pub(super) fn results(&self) -> impl Iterator<Item = Value> {
        self.report.data.iter().map(|record| self.result(record))
    }

    /// Where the paths of each store begin. One that is not an absolute path is told in words.
    pub(super) fn bases(&self) -> Value {
        let mut bases = serde_json::Map::new();
        for (asset, id) in &self.bases {
            let mut base = json!({ "description": { "text": literal(&printable(asset)) } });
            let folder = asset.strip_prefix("file:").filter(|path| path.starts_with('/'));
            if let (Some(folder), Some(members)) = (folder, base.as_object_mut()) {
                members.insert(
                    "uri".to_owned(),
                    json!(format!("file://{}/", path(folder.trim_end_matches('/')))),
                );
            }
            bases.insert(id.clone(), base);
        }
        Value::Object(bases)
    }

    fn result(&self, record: &DataRecord) -> Value {
        let rule = rule(record);
        let found = matches!(record.data_type, DataType::PersonalData | DataType::Secret);
        let kind = match record.severity {
            Severity::Info if record.is_undecided() => "open",
            _ if !found => "informational",
            Severity::Info => "informational",
            _ => "fail",
        };
        let mut result = json!({
            "ruleId": rule,
            "ruleIndex": self.rules.keys().position(|other| *other == rule).map(|index| index + self.before),
            "kind": kind,
            "level": if kind == "fail" { level(record.severity) } else { "none" },
            "message": { "text": message(record, self.report) },
            "locations": [self.location(record)],
            "partialFingerprints": { "watertight/data/v1": record.id },
            "properties": {
                "security-severity": score(record.severity),
                "record": record,
            },
        });
        if let (Some(accepted), Some(members)) = (&record.accepted, result.as_object_mut()) {
            members.insert("suppressions".to_owned(), suppressions(accepted));
        }
        result
    }

    fn location(&self, record: &DataRecord) -> Value {
        let name = match record.location.as_str() {
            "" => record.asset.clone(),
            location => format!("{}#{location}", record.asset),
        };
        let mut location = json!({ "logicalLocations": [{
            "name": data::place(record),
            "fullyQualifiedName": printable(&name),
            "kind": "resource",
        }]});
        if let (Some(position), Some(members)) = (&record.position, location.as_object_mut()) {
            let base = self.bases.get(record.asset.as_str());
            members.insert("physicalLocation".to_owned(), physical(position, base));
        }
        location
    }
}

/// A place in a file; without a region where the file has no lines.
fn physical(position: &Position, base: Option<&String>) -> Value {
    let mut artifact = json!({ "uri": path(&position.file) });
    if let (Some(base), Some(members)) = (base, artifact.as_object_mut()) {
        members.insert("uriBaseId".to_owned(), json!(base));
    }
    let mut physical = json!({ "artifactLocation": artifact });
    if let (true, Some(members)) = (position.line > 0, physical.as_object_mut()) {
        let region = match position.column {
            0 => json!({ "startLine": position.line }),
            column => json!({ "startLine": position.line, "startColumn": column }),
        };
        members.insert("region".to_owned(), region);
    }
    physical
}

/// A path as a URI reference. Dots that would leave the base are spelled out, so that no viewer follows them.
fn path(path: &str) -> String {
    let segment = |segment: &str| match segment {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        other => percent_encode(other),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// A stable name: `personal-data.cn-resident-id`, `secret.jwt`, `store`.
fn rule(record: &DataRecord) -> String {
    let family = match record.data_type {
        DataType::PersonalData => "personal-data",
        DataType::Secret => "secret",
        DataType::Store => return "store".to_owned(),
        DataType::Estate => return "estate".to_owned(),
    };
    format!("{family}.{}", printable(record.kind.as_deref().unwrap_or("unknown")))
}

fn descriptor(id: &str, worst: &DataRecord) -> Value {
    let english = Language::En;
    let (title, family) = (data::title(worst), english.data_type(worst.data_type));
    let (name, full) = match worst.data_type {
        DataType::PersonalData => {
            (title.clone(), format!("Personal data: {title}. A column, path or file that holds it."))
        }
        DataType::Secret => (title.clone(), format!("A secret that lies around: {title}.")),
        DataType::Store => (
            family.to_owned(),
            "What one store holds, about how many people, and what was not read of it.".to_owned(),
        ),
        DataType::Estate => {
            (family.to_owned(), "What all stores hold together, about how many people.".to_owned())
        }
    };
    json!({
        "id": id,
        "name": pascal(&name),
        "shortDescription": { "text": literal(&format!("{}.", capital(&name))) },
        "fullDescription": { "text": literal(&full) },
        "help": { "text": english.data_advice(worst) },
        "defaultConfiguration": { "level": level(worst.severity) },
        "properties": { "security-severity": score(worst.severity), "tags": ["security", "privacy"] },
    })
}

fn message(record: &DataRecord, report: &Report) -> String {
    let english = Language::En;
    let mut parts = Vec::new();
    let head = match record.data_type {
        DataType::PersonalData | DataType::Secret => {
            let form = record.form.map(|form| format!(" ({})", english.form(form))).unwrap_or_default();
            format!(
                "{}{form} at {} in {}",
                data::title(record),
                data::place(record),
                printable(&record.asset)
            )
        }
        DataType::Store => printable(&record.asset).into_owned(),
        DataType::Estate => english.data_type(record.data_type).to_owned(),
    };
    parts.extend(record.secret.as_ref().map(|secret| printable(&secret.redacted).into_owned()));
    parts.extend(record.records.map(|records| english.records(records)));
    if let Some(people) = &record.people {
        parts.push(english.people(data::bounds(people)));
        parts.extend(data::counted_by(people, report, english));
    }
    if let Some(secret) = &record.secret {
        parts.extend(data::use_of(secret, english));
        parts.extend(data::history(secret, english));
    }
    if !record.reason.is_empty() {
        parts.push(printable(&record.reason).into_owned());
    }
    literal(&format!("{head}: {}.", parts.join("; ")))
}

/// What was not read, as level and text of notifications. What was left out by design is no warning.
pub(super) fn notifications(report: &Report) -> Vec<(&'static str, String)> {
    let gaps: BTreeSet<(&str, &NotRead)> = report
        .data
        .iter()
        .flat_map(|record| record.not_read.iter().map(|part| (record.asset.as_str(), part)))
        .collect();
    gaps.into_iter()
        .map(|(asset, part)| {
            let level = if part.by_design { "note" } else { "warning" };
            (level, format!("Not read: {}: {}", printable(asset), data::gap(part)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::super::log;
    use super::*;

    fn run() -> Value {
        log(&sample::report())["runs"][0].clone()
    }

    fn results() -> Vec<Value> {
        let all = run()["results"].as_array().unwrap().clone();
        all.into_iter()
            .filter(|result| result["partialFingerprints"].get("watertight/data/v1").is_some())
            .collect()
    }

    fn of_rule(id: &str) -> Value {
        results().into_iter().find(|result| result["ruleId"] == id).unwrap()
    }

    #[test]
    fn only_kinds_that_occur_have_a_rule() {
        let run = run();
        let rules: Vec<&str> = run["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["id"].as_str().unwrap())
            .collect();
        for id in ["personal-data.cn-resident-id", "secret.database-url", "store", "estate"] {
            assert_eq!(rules.iter().filter(|rule| **rule == id).count(), 1, "{id}");
        }
        let none = log(&sample::empty());
        let none = none["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().clone();
        assert!(none.iter().all(|rule| !rule["id"].as_str().unwrap().contains("personal")));
    }

    #[test]
    fn a_secret_in_a_file_has_its_file_line_and_column() {
        let location = of_rule("secret.database-url")["locations"][0].clone();
        assert_eq!(
            location["physicalLocation"],
            json!({
                "artifactLocation": { "uri": "deploy/config.yml", "uriBaseId": "SRCROOT" },
                "region": { "startLine": 12, "startColumn": 9 },
            })
        );
        let wide = of_rule("secret.alibaba-access-key-id")["locations"][0]["physicalLocation"].clone();
        let uri = "%E5%AF%BC%E5%87%BA%20%E7%9B%AE%E5%BD%95/%E5%AF%86%E9%92%A5%20%231%25.txt";
        assert_eq!(wide["artifactLocation"]["uri"], uri);
        assert!(of_rule("secret.jwt")["locations"][0]["physicalLocation"].get("region").is_none());
        assert_eq!(run()["originalUriBaseIds"]["SRCROOT"]["uri"], "file:///srv/exports/");
        assert_eq!(run()["columnKind"], "unicodeCodePoints");
    }

    #[test]
    fn no_path_leaves_its_store() {
        for result in results() {
            let physical = &result["locations"][0]["physicalLocation"];
            let Some(uri) = physical["artifactLocation"]["uri"].as_str() else { continue };
            assert!(uri.split('/').all(|segment| segment != ".."), "{uri}");
            assert!(uri.chars().all(|c| c.is_ascii_alphanumeric() || "-._~%/".contains(c)), "{uri}");
            assert!(!uri.starts_with('/') && !uri.contains(':'), "{uri}");
        }
        assert_eq!(path("a/../b"), "a/%2E%2E/b");
    }

    #[test]
    fn a_column_of_a_database_has_a_logical_location() {
        let location = of_rule("personal-data.cn-passport")["locations"][0].clone();
        assert!(location.get("physicalLocation").is_none());
        assert_eq!(
            location["logicalLocations"][0]["fullyQualifiedName"],
            "postgres://10.0.0.5:5432/residents#public.persons.passport"
        );
    }

    #[test]
    fn a_store_that_was_not_read_in_full_is_open_and_never_passes() {
        for result in results() {
            assert_ne!(result["kind"], "pass");
            let undecided = result["properties"]["record"]["not_read"]
                .as_array()
                .unwrap()
                .iter()
                .any(|part| part["by_design"] == false);
            if result["ruleId"] == "store" {
                assert_eq!(result["kind"], if undecided { "open" } else { "informational" });
            }
        }
    }

    #[test]
    fn gaps_are_warnings_and_what_was_left_out_by_design_is_a_note() {
        let told = notifications(&sample::report());
        let of = |level: &str| told.iter().filter(|(other, _)| *other == level).count();
        assert_eq!((of("warning"), of("note")), (8, 3));
    }
}
