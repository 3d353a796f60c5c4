//! CSV: one row per record, fixed columns, in UTF-8 with a header.
//!
//! Spreadsheets run a cell that begins like a formula. Such a cell gets an apostrophe in front, as OWASP advises, also
//! for the full-width forms that East Asian versions accept.

use std::io::{self, Write};

use jiff::Timestamp;
use model::{Counts, Record};

use super::text::printable;
use crate::report::Report;

/// The columns, in order. New ones go to the end.
const COLUMNS: [&str; 31] = [
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
];

/// Writes a header and one row per record.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for record in &report.records {
        writer.write_record(row(record).iter().map(|cell| harmless(cell)))?;
    }
    writer.flush()
}

/// The cells of a record, in the order of [`COLUMNS`].
fn row(record: &Record) -> [String; 31] {
    let asset = &record.asset;
    let process = asset.process.as_ref();
    let tls = record.tls.as_ref();
    let accepted = record.accepted.as_ref();
    let doors: Vec<String> =
        record.surfaces.iter().map(|door| format!("{}={}", door.name, door.verdict)).collect();
    [
        record.id.clone(),
        record.kind.word().to_owned(),
        record.severity.to_string(),
        record.verdict.to_string(),
        text(record.service.as_deref()),
        text(record.product.as_deref()),
        text(record.version.as_deref()),
        asset.address.clone(),
        text(asset.name.as_deref()),
        text(asset.bind.as_deref()),
        text(process.map(|process| process.name.as_str())),
        process.map_or_else(String::new, |process| process.pid.to_string()),
        record.vantage.to_string(),
        record.reach.to_string(),
        record.reason.clone(),
        counts(&record.counts),
        doors.join("; "),
        text(tls.map(|tls| tls.protocol.as_str())),
        time(tls.and_then(|tls| tls.not_after)),
        record.patch.as_ref().map_or_else(String::new, |patch| patch.eol.to_string()),
        time(record.open_since),
        time(record.last_seen),
        time(record.closed_on),
        record.reopened.to_string(),
        text(accepted.map(|accepted| accepted.owner.as_str())),
        time(accepted.map(|accepted| accepted.expires)),
        text(accepted.map(|accepted| accepted.reason.as_str())),
        text(record.proof.map(model::Proof::word)),
        record.explicit.to_string(),
        record.evidence.len().to_string(),
        record.schema.clone(),
    ]
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
        assert_eq!(rows.len(), sample::report().records.len());
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
