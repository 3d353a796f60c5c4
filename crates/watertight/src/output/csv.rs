//! CSV: one row per record, then one per data record, fixed columns, in UTF-8 with a header. What only the other of both
//! has stays empty.
//!
//! Spreadsheets run a cell that begins like a formula. Such a cell gets an apostrophe in front, as OWASP advises, also
//! for the full-width forms that East Asian versions accept.

use std::io::{self, Write};

use jiff::Timestamp;
use model::{Acceptance, Counts, DataRecord, NotRead, Record};

use super::text::{printable, thousands};
use super::{data, data_words};
use crate::report::Report;

/// The columns, in order. New ones go to the end.
const COLUMNS: [&str; 51] = [
    "id",
    "type",
    "severity",
    "verdict",
    "service",
    "product",
    "version",
    "address",
    "name",
    "bind",
    "process",
    "pid",
    "vantage",
    "reach",
    "reason",
    "counts",
    "surfaces",
    "tls",
    "certificate_until",
    "support_until",
    "open_since",
    "last_seen",
    "closed_on",
    "reopened",
    "accepted_by",
    "accepted_until",
    "accepted_reason",
    "proof",
    "explicit",
    "evidence",
    "schema",
    "location",
    "kind",
    "form",
    "confidence",
    "records",
    "people_lower",
    "people_upper",
    "sampled_rows",
    "sampled_choice",
    "not_read",
    "file",
    "line",
    "column",
    "commit",
    "present",
    "opens",
    "title",
    "known_since",
    "works",
    "verification",
];

/// How many parts that were not read a cell names: spreadsheets cut a cell at 32,767 characters.
const GAPS: usize = 20;

/// Writes a header and one row per record.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    let rows = report.records.iter().map(exposed).chain(report.data.iter().map(found));
    for row in rows {
        let cells = COLUMNS.iter().map(|column| row.iter().find(|(name, _)| name == column));
        writer.write_record(cells.map(|cell| harmless(cell.map_or("", |(_, value)| value))))?;
    }
    writer.flush()
}

/// The cells of a row, each with the name of its column.
type Row = Vec<(&'static str, String)>;

/// The cells of a record.
fn exposed(record: &Record) -> Row {
    let asset = &record.asset;
    let process = asset.process.as_ref();
    let tls = record.tls.as_ref();
    let doors: Vec<String> =
        record.surfaces.iter().map(|door| format!("{}={}", door.name, door.verdict)).collect();
    let mut row: Row = vec![
        ("id", record.id.clone()),
        ("type", record.kind.word().to_owned()),
        ("severity", record.severity.to_string()),
        ("verdict", record.verdict.to_string()),
        ("service", text(record.service.as_deref())),
        ("product", text(record.product.as_deref())),
        ("version", text(record.version.as_deref())),
        ("address", asset.address.clone()),
        ("name", text(asset.name.as_deref())),
        ("bind", text(asset.bind.as_deref())),
        ("process", text(process.map(|process| process.name.as_str()))),
        ("pid", process.map_or_else(String::new, |process| process.pid.to_string())),
        ("vantage", record.vantage.to_string()),
        ("reach", record.reach.to_string()),
        ("reason", record.reason.clone()),
        ("counts", counts(&record.counts)),
        ("surfaces", doors.join("; ")),
        ("tls", text(tls.map(|tls| tls.protocol.as_str()))),
        ("certificate_until", time(tls.and_then(|tls| tls.not_after))),
        ("support_until", record.patch.as_ref().map_or_else(String::new, |patch| patch.eol.to_string())),
        ("open_since", time(record.open_since)),
        ("last_seen", time(record.last_seen)),
        ("closed_on", time(record.closed_on)),
        ("reopened", record.reopened.to_string()),
        ("proof", text(record.proof.map(model::Proof::word))),
        ("explicit", record.explicit.to_string()),
        ("evidence", record.evidence.len().to_string()),
        ("schema", record.schema.clone()),
    ];
    row.extend(accepted(record.accepted.as_ref()));
    row
}

/// The cells of a data record.
fn found(record: &DataRecord) -> Row {
    let (people, sampled) = (record.people.as_ref(), record.sampled.as_ref());
    let (position, secret) = (record.position.as_ref(), record.secret.as_ref());
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let truth = |truth: Option<bool>| truth.map_or_else(String::new, |truth| truth.to_string());
    let mut row: Row = vec![
        ("id", record.id.clone()),
        ("type", record.data_type.word().to_owned()),
        ("severity", record.severity.to_string()),
        ("address", record.asset.clone()),
        ("reason", record.reason.clone()),
        ("last_seen", time(record.last_seen)),
        ("schema", record.schema.clone()),
        ("location", record.location.clone()),
        ("kind", text(record.kind.as_deref())),
        ("form", text(record.form.map(model::Form::word))),
        ("confidence", text(record.confidence.map(data_words::confidence_word))),
        ("records", number(record.records)),
        ("people_lower", number(people.map(|people| people.lower))),
        ("people_upper", number(people.map(|people| people.upper))),
        ("sampled_rows", number(sampled.map(|sampled| sampled.rows))),
        ("sampled_choice", text(sampled.map(|sampled| data_words::choice_word(sampled.choice)))),
        ("not_read", gaps(&record.not_read)),
        ("file", text(position.map(|position| position.file.as_str()))),
        ("line", number(position.map(|position| position.line).filter(|line| *line > 0))),
        ("column", number(position.map(|position| position.column).filter(|column| *column > 0))),
        ("commit", text(secret.and_then(|secret| secret.commit.as_deref()))),
        ("present", truth(secret.and_then(|secret| secret.present))),
        ("opens", text(secret.and_then(|secret| secret.opens.as_deref()))),
        ("title", text(record.title.as_deref())),
        ("known_since", time(record.known_since)),
        ("works", truth(secret.and_then(|secret| secret.works))),
        ("verification", text(secret.and_then(|secret| secret.verification.as_deref()))),
    ];
    row.extend(accepted(record.accepted.as_ref()));
    row
}

fn accepted(accepted: Option<&Acceptance>) -> Row {
    let Some(accepted) = accepted else { return Row::new() };
    vec![
        ("accepted_by", accepted.owner.clone()),
        ("accepted_until", accepted.expires.to_string()),
        ("accepted_reason", accepted.reason.clone()),
    ]
}

/// The parts that were not read; the number of those that find no room.
fn gaps(not_read: &[NotRead]) -> String {
    let mut parts: Vec<String> = not_read.iter().take(GAPS).map(data::gap).collect();
    let rest = not_read.len().saturating_sub(GAPS);
    if rest > 0 {
        parts.push(format!("and {} more", thousands(rest as u64)));
    }
    parts.join("; ")
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| at.to_string())
}

fn counts(counts: &Counts) -> String {
    let each: Vec<String> = counts.iter().map(|(what, number)| format!("{what}={number}")).collect();
    each.join("; ")
}

/// A cell that no spreadsheet takes for a formula and no terminal for a command.
fn harmless(cell: &str) -> String {
    let cell = printable(cell);
    // A blank or a quote in front does not keep every spreadsheet from looking further.
    let formula = cell
        .trim_start_matches([' ', '"', '\u{a0}', '\u{3000}'])
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if formula { format!("'{cell}") } else { cell.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, sample};
    use super::*;

    fn parsed() -> (Vec<String>, Vec<Vec<String>>) {
        let text = sample::written(Format::Csv);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        (header, rows)
    }

    #[test]
    fn every_record_is_a_row_of_the_same_columns() {
        let (header, rows) = parsed();
        assert_eq!(header, COLUMNS);
        let report = sample::report();
        assert_eq!(rows.len(), report.records.len() + report.data.len());
    }

    #[test]
    fn every_cell_has_its_column_and_every_column_a_cell() {
        let report = sample::report();
        let rows: Vec<Row> =
            report.records.iter().map(exposed).chain(report.data.iter().map(found)).collect();
        for row in &rows {
            let mut names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
            assert!(names.iter().all(|name| COLUMNS.contains(name)), "{names:?}");
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), row.len());
        }
        for column in COLUMNS {
            let filled = rows.iter().flatten().any(|(name, value)| *name == column && !value.is_empty());
            assert!(filled, "{column}");
        }
    }

    #[test]
    fn columns_of_the_other_family_stay_empty() {
        let (header, rows) = parsed();
        let at = |row: &[String], name: &str| {
            row[header.iter().position(|column| column == name).unwrap()].clone()
        };
        for row in &rows {
            let data = at(row, "schema") == model::DATA_SCHEMA;
            assert_eq!(at(row, "verdict").is_empty(), data);
            assert!(data || at(row, "people_upper").is_empty());
        }
        let id_column = rows.iter().find(|row| at(row, "location") == "public.persons.id_no").unwrap();
        for (name, expected) in [
            ("kind", "cn-resident-id"),
            ("form", "clear"),
            ("confidence", "high"),
            ("records", "1204332"),
            ("people_lower", "198412"),
            ("sampled_choice", "uniform"),
        ] {
            assert_eq!(at(id_column, name), expected);
        }
    }

    #[test]
    fn a_long_ledger_fits_into_a_cell() {
        let part = NotRead { location: "a".to_owned(), why: "no right".to_owned(), by_design: false };
        let told = gaps(&vec![part; 5_000]);
        assert!(told.ends_with("; and 4,980 more") && told.len() < 1_000, "{told}");
    }

    #[test]
    fn no_cell_begins_like_a_formula() {
        let (_, rows) = parsed();
        for cell in rows.iter().flatten() {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
        }
        assert!(rows.iter().flatten().any(|cell| cell == "'=cmd()"));
        assert!(rows.iter().flatten().any(|cell| cell == "'@SUM(1)\\u{200b}"));
    }

    #[test]
    fn formulas_are_recognised_behind_blanks_and_in_full_width() {
        for cell in ["=1", " =1", "＝1", "\"@x", "+1", "-1", "\t=1"] {
            let told = harmless(cell);
            assert!(told.starts_with('\'') || told.starts_with('\\'), "{told}");
        }
        assert_eq!(harmless("tcp://10.0.0.1:1"), "tcp://10.0.0.1:1");
    }
}
