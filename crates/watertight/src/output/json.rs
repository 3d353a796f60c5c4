//! JSON: one object with the whole report, or one record per line (records, then data records). Both are contracts with
//! published schemas.
//!
//! What is written is plain JSON with one addition: characters that a terminal or a viewer would act upon (C1
//! controls, bidirectional overrides, zero-width characters) are written as `\u` escapes, which every parser undoes.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use model::{DataRecord, Range, Record, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use super::text::is_deceptive;
use crate::report::Report;

/// Name and version of the report format.
const REPORT_SCHEMA: &str = "watertight/report/1";

/// What one run of `watertight audit` has to tell.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Report")]
pub(super) struct Document<'a> {
    /// Always `watertight/report/1`.
    #[schemars(extend("const" = REPORT_SCHEMA))]
    schema: &'static str,
    /// What made the report.
    tool: Tool,
    /// When the run began, RFC 3339.
    #[schemars(with = "String", extend("format" = "date-time"))]
    started: Timestamp,
    /// When the run ended, RFC 3339.
    #[schemars(with = "String", extend("format" = "date-time"))]
    finished: Timestamp,
    /// What was asked for, in the user's words; empty for "this machine".
    targets: &'a [String],
    /// The run was cut short: what was not reached is not clean.
    interrupted: bool,
    /// The counts of the run.
    summary: Totals,
    /// What the run could not see, one sentence each.
    not_seen: &'a [String],
    /// What a reader should know about what was seen, such as support dates that are old; one sentence each.
    notes: &'a [String],
    /// One record per thing known about one asset, worst first.
    records: &'a [Record],
    /// What is in the stores, about whom, and which secrets lie around, worst first. No value that was read is in it.
    data: &'a [DataRecord],
}

/// What made the report.
#[derive(Serialize, JsonSchema)]
struct Tool {
    /// `watertight`.
    name: &'static str,
    /// Its version.
    version: &'static str,
}

/// The counts of the run: exposures by what they mean for the reader.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Summary")]
struct Totals {
    /// Endpoints that were dialled or judged.
    looked_at: u64,
    /// A stranger gets in, at least in part.
    open: usize,
    /// Of these, accepted by somebody.
    accepted: usize,
    /// Protected, or restricted by network.
    protected: usize,
    /// Unknown or unidentified.
    unknown: usize,
    /// Unreachable or closed.
    no_answer: usize,
    /// The severity from which a record fails the run.
    fail_on: Severity,
    /// Records and data records that reach it and are neither accepted nor in the baseline.
    failing: usize,
    /// The exit code of the run.
    exit_code: u8,
    /// What was found in the stores.
    data: Found,
}

/// What was found in the stores, counted.
#[derive(Serialize, JsonSchema)]
struct Found {
    /// Stores and file trees that were read, at least in part.
    stores: usize,
    /// Columns, JSON paths and files that hold personal data.
    columns: usize,
    /// Secrets that lie around.
    secrets: usize,
    /// Distinct persons over all stores; `null`: they were not counted, which is not zero.
    people: Option<Range>,
    /// Parts that were asked for and not read: what is in them is not known.
    not_read: usize,
    /// Parts that were left out by design, such as the rows outside of a sample.
    left_out: usize,
}

impl<'a> Document<'a> {
    fn new(report: &'a Report) -> Self {
        let (summary, found) = (report.summary(), report.data_summary());
        Self {
            schema: REPORT_SCHEMA,
            tool: Tool { name: "watertight", version: env!("CARGO_PKG_VERSION") },
            started: report.started,
            finished: report.finished,
            targets: &report.targets,
            interrupted: report.interrupted,
            summary: Totals {
                looked_at: report.looked_at,
                open: summary.open,
                accepted: summary.accepted,
                protected: summary.protected,
                unknown: summary.unknown,
                no_answer: summary.no_answer,
                fail_on: report.fail_on,
                failing: report.failing(),
                exit_code: report.exit().code(),
                data: Found {
                    stores: found.stores,
                    columns: found.columns,
                    secrets: found.secrets,
                    people: found.people,
                    not_read: found.not_read,
                    left_out: found.left_out,
                },
            },
            not_seen: &report.not_seen,
            notes: &report.notes,
            records: &report.records,
            data: &report.data,
        }
    }
}

/// Writes the report as one object.
pub(super) fn report(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    document(&Document::new(report), out)
}

/// Writes one record per line. Each names its schema and type.
pub(super) fn records(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for record in &report.records {
        line(record, out)?;
    }
    for record in &report.data {
        line(record, out)?;
    }
    Ok(())
}

fn line(record: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string(record)?;
    writeln!(out, "{}", quiet(&text))
}

/// Writes a value as indented JSON.
pub(super) fn document(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(out, "{}", quiet(&text))
}

/// Escapes what the serializer leaves raw. Outside of strings JSON is ASCII, so every such character is in a string.
fn quiet(json: &str) -> Cow<'_, str> {
    let raw = |c: char| !c.is_ascii_control() && is_deceptive(c) || c == '\u{7f}';
    if !json.contains(raw) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if raw(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::{Format, sample};
    use super::*;

    #[test]
    fn the_object_has_its_members_in_a_fixed_order() {
        let text = sample::written(Format::Json);
        let value: Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        let expected = [
            "schema",
            "tool",
            "started",
            "finished",
            "targets",
            "interrupted",
            "summary",
            "not_seen",
            "notes",
            "records",
            "data",
        ];
        assert_eq!(keys, expected);
        assert_eq!(value["schema"], "watertight/report/1");
        assert_eq!(value["tool"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(value["summary"]["open"], 7);
        assert_eq!(value["summary"]["failing"], 16);
        assert_eq!(value["summary"]["data"]["people"]["lower"], 198_412);
    }

    #[test]
    fn a_data_record_has_the_words_of_the_published_format() {
        let value: Value = serde_json::from_str(&sample::written(Format::Json)).unwrap();
        for record in value["data"].as_array().unwrap() {
            for key in [
                "asset",
                "location",
                "kind",
                "form",
                "confidence",
                "records",
                "people",
                "sampled",
                "not_read",
            ] {
                assert!(record.get(key).is_some(), "{key}");
            }
        }
        let lower =
            value["data"].as_array().unwrap().iter().filter_map(|record| record["people"]["lower"].as_u64());
        assert!(lower.max() == Some(198_412));
    }

    #[test]
    fn records_survive_the_way_through_both_forms() {
        let report = sample::report();
        let text = sample::written(Format::Ndjson);
        let lines: Vec<&str> = text.lines().collect();
        let (first, then) = lines.split_at(report.records.len());
        let records: Vec<Record> = first.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let data: Vec<DataRecord> = then.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((records, data), (report.records.clone(), report.data.clone()));
        let value: Value = serde_json::from_str(&sample::written(Format::Json)).unwrap();
        let records: Vec<Record> = serde_json::from_value(value["records"].clone()).unwrap();
        let data: Vec<DataRecord> = serde_json::from_value(value["data"].clone()).unwrap();
        assert_eq!((records, data), (report.records, report.data));
    }

    #[test]
    fn escapes_stand_for_the_same_string() {
        let original = "a\u{9b}b\u{202e}c\u{7f}d\u{e0041}e\u{1b}f数";
        let written = serde_json::to_string(original).unwrap();
        let quiet = quiet(&written);
        assert_eq!(quiet, "\"a\\u009bb\\u202ec\\u007fd\\udb40\\udc41e\\u001bf数\"");
        assert_eq!(serde_json::from_str::<String>(&quiet).unwrap(), original);
    }
}
