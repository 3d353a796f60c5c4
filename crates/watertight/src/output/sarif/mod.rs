//! SARIF 2.1.0: one rule per kind of finding, one result per record, protected and undecided ones included.
//!
//! An endpoint is no file, so its result has a logical location and never a made-up physical one. (GitHub code
//! scanning takes results with physical locations only; other viewers take these.) What was found in a file has its
//! file, line and column. Texts are written so that no viewer finds a link or a placeholder in what a server sent.

mod stores;

use model::{Acceptance, Reach, Record, RecordType, Severity, Verdict, severity};
use serde_json::{Value, json};

use self::stores::Stores;
use super::Language;
use super::text::printable;
use super::view;
use crate::report::Report;

/// The whole log, with one run.
pub(super) fn log(report: &Report) -> Value {
    let stores = Stores::of(report, Rule::all().count());
    let results: Vec<Value> = report.records.iter().map(result).chain(stores.results()).collect();
    let rules: Vec<Value> = Rule::all().map(Rule::descriptor).chain(stores.descriptors()).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "watertight",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": stores.bases(),
            "automationDetails": { "id": format!("watertight/audit/{}", report.started) },
            "invocations": [invocation(report)],
            "results": results,
        }],
    })
}

/// A kind of finding: a verdict on who is let in, or one of the types that are findings by themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Exposure(Verdict),
    Other(RecordType),
}

impl Rule {
    /// Every rule. Its place in this order is its index in the log.
    fn all() -> impl Iterator<Item = Self> {
        let others = [RecordType::Compromise, RecordType::Certificate, RecordType::Lifecycle];
        Verdict::ALL.into_iter().map(Self::Exposure).chain(others.into_iter().map(Self::Other))
    }

    fn of(record: &Record) -> Self {
        match record.kind {
            RecordType::Exposure => Self::Exposure(record.verdict),
            kind => Self::Other(kind),
        }
    }

    /// A stable name: `exposure.pivot-open`.
    fn id(self) -> String {
        match self {
            Self::Exposure(verdict) => {
                format!("exposure.{}", verdict.to_string().to_lowercase().replace('_', "-"))
            }
            Self::Other(RecordType::Compromise) => "compromise.ransom-note".to_owned(),
            Self::Other(RecordType::Certificate) => "certificate.expired".to_owned(),
            Self::Other(kind) => format!("{}.ended", kind.word()),
        }
    }

    /// How bad it is where it can be reached from anywhere.
    fn severity(self) -> Severity {
        match self {
            Self::Exposure(verdict) => severity(verdict, Reach::Internet),
            Self::Other(RecordType::Compromise) => Severity::Critical,
            Self::Other(_) => Severity::Medium,
        }
    }

    fn descriptor(self) -> Value {
        let english = Language::En;
        let (name, meaning, kind, verdict) = match self {
            Self::Exposure(verdict) => {
                (english.verdict(verdict), english.meaning(verdict), RecordType::Exposure, verdict)
            }
            Self::Other(kind) => (english.kind(kind), english.kind_meaning(kind), kind, Verdict::Open),
        };
        json!({
            "id": self.id(),
            "name": pascal(name),
            "shortDescription": { "text": format!("{name}.") },
            "fullDescription": { "text": format!("{}.", capital(meaning)) },
            "help": { "text": english.advice_on(kind, verdict, Reach::Internet) },
            "defaultConfiguration": { "level": level(self.severity()) },
            "properties": { "security-severity": score(self.severity()), "tags": ["security"] },
        })
    }
}

/// The kind of a result, as SARIF defines kinds: `open` is "not enough information to decide", `review` is "a person
/// has to decide".
fn kind(record: &Record) -> &'static str {
    match record.verdict {
        _ if record.kind != RecordType::Exposure => "fail",
        verdict if verdict.is_open() => "fail",
        verdict if verdict.is_shut() => "pass",
        Verdict::Unidentified => "review",
        _ => "open",
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
        Severity::Info => "none",
    }
}

/// A number in the range that code scanning reads as this severity.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}

fn result(record: &Record) -> Value {
    let rule = Rule::of(record);
    let kind = kind(record);
    let level = if kind == "fail" { level(record.severity) } else { "none" };
    let mut result = json!({
        "ruleId": rule.id(),
        "ruleIndex": Rule::all().position(|other| other == rule),
        "kind": kind,
        "level": level,
        "message": { "text": message(record) },
        "locations": [{ "logicalLocations": [{
            "name": view::address(record),
            "fullyQualifiedName": printable(&record.asset.address),
            "kind": "resource",
        }]}],
        "partialFingerprints": { "watertight/record/v1": record.id },
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

fn suppressions(accepted: &Acceptance) -> Value {
    let justification = format!("{} ({}, until {})", accepted.reason, accepted.owner, accepted.expires);
    json!([{ "kind": "external", "status": "accepted", "justification": printable(&justification) }])
}

fn message(record: &Record) -> String {
    let title = view::title(record).unwrap_or_else(|| "something unidentified".to_owned());
    let (label, address, reason) = (view::label(record), view::address(record), printable(&record.reason));
    literal(&format!("{title} at {address}: {label} (reach {}): {reason}.", record.reach))
}

fn invocation(report: &Report) -> Value {
    let not_seen = report.not_seen.iter().map(|sentence| ("warning", sentence.clone()));
    let notes = report.notes.iter().map(|sentence| ("note", sentence.clone()));
    let mut notifications: Vec<Value> = not_seen
        .chain(notes)
        .chain(stores::notifications(report))
        .map(|(level, text)| json!({ "level": level, "message": { "text": literal(&printable(&text)) } }))
        .collect();
    if report.interrupted {
        let text = "The run was cut short: what was not reached is not clean.";
        notifications.push(json!({ "level": "error", "message": { "text": text } }));
    }
    json!({
        "executionSuccessful": !report.interrupted,
        "startTimeUtc": report.started,
        "endTimeUtc": report.finished,
        "toolExecutionNotifications": notifications,
        "properties": { "exitCode": report.exit().code(), "targets": report.targets },
    })
}

/// A text in which nothing is a placeholder (braces are doubled, SARIF 3.11.5) and nothing a link (3.11.6).
fn literal(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}").replace("](", "] (")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn pascal(text: &str) -> String {
    text.split_whitespace().map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn results() -> Vec<Value> {
        log(&sample::report())["runs"][0]["results"].as_array().unwrap().clone()
    }

    fn exposures() -> impl Iterator<Item = Value> {
        results()
            .into_iter()
            .filter(|result| result["partialFingerprints"].get("watertight/record/v1").is_some())
    }

    #[test]
    fn the_kind_follows_the_verdict_and_only_failures_have_a_level() {
        for result in exposures() {
            let rule = result["ruleId"].as_str().unwrap();
            let expected = match rule {
                "exposure.protected" | "exposure.network-restricted" => "pass",
                "exposure.unknown" | "exposure.unreachable" | "exposure.closed" => "open",
                "exposure.unidentified" => "review",
                _ => "fail",
            };
            assert_eq!(result["kind"], expected, "{rule}");
            assert_eq!(result["level"] != "none", expected == "fail", "{rule}");
        }
    }

    #[test]
    fn every_result_names_its_rule_twice_and_alike() {
        let log = log(&sample::report());
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
        for result in results() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
    }

    #[test]
    fn locations_of_endpoints_are_logical_only() {
        for result in exposures() {
            let locations = result["locations"].as_array().unwrap();
            assert_eq!(locations.len(), 1);
            assert!(locations[0].get("physicalLocation").is_none());
            assert_eq!(locations[0]["logicalLocations"][0]["kind"], "resource");
        }
    }

    #[test]
    fn only_accepted_findings_are_suppressed() {
        let suppressed: Vec<Value> =
            results().into_iter().filter(|result| result.get("suppressions").is_some()).collect();
        let rules: Vec<&Value> = suppressed.iter().map(|result| &result["ruleId"]).collect();
        assert_eq!(rules, ["exposure.default-credential", "personal-data.bitcoin-address"]);
    }

    #[test]
    fn messages_hold_no_link_and_no_placeholder() {
        let log = log(&sample::report());
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let notified = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
        let texts =
            results().into_iter().chain(notified.clone()).map(|holder| holder["message"]["text"].clone());
        let described = rules.iter().flat_map(|rule| {
            ["shortDescription", "fullDescription", "help"].map(|name| rule[name]["text"].clone())
        });
        for text in texts.chain(described) {
            let text = text.as_str().unwrap();
            assert!(!text.contains("]("), "{text}");
            assert!(!text.replace("{{", "").contains('{'), "{text}");
        }
    }

    #[test]
    fn an_interrupted_run_was_not_successful() {
        let log = log(&sample::report());
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(invocation["properties"]["exitCode"], 1);
        let levels: Vec<&Value> = invocation["toolExecutionNotifications"]
            .as_array()
            .unwrap()
            .iter()
            .map(|notification| &notification["level"])
            .collect();
        let (first, then) = levels.split_at(3);
        assert_eq!(first, ["warning", "warning", "note"]);
        assert_eq!(then.last().unwrap().as_str(), Some("error"));
    }
}
