//! The formats of a report: for people (table, HTML) and for programs (JSON, NDJSON, CSV, SARIF, OCSF).
//!
//! Every format is a pure function of the report: same report, same bytes. Whatever came from a server, a process
//! list or the DNS is treated as hostile; nothing of it reaches a terminal, a browser, a spreadsheet or a log viewer
//! in a form that these would act upon.

mod csv;
mod data;
mod data_words;
mod html;
mod json;
mod ocsf;
#[cfg(test)]
pub(crate) mod sample;
mod sarif;
mod schema;
mod table;
mod text;
mod view;
mod words;

use std::io::{self, Write};

use crate::report::Report;

pub(crate) use schema::{data_schema, record_schema, report_schema};
pub(crate) use words::Language;

/// A format of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people at a terminal
    Table,
    /// One JSON object with everything
    Json,
    /// One JSON record per line
    Ndjson,
    /// One row per record, for a spreadsheet
    Csv,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// OCSF Compliance and Data Security Findings, for a SIEM
    Ocsf,
    /// One self-contained page, for people
    Html,
}

/// How a report is to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// The table may use ANSI colours.
    pub(crate) color: bool,
    /// Columns of the terminal; fewer than 60 count as 60.
    pub(crate) width: usize,
    /// Language of the table and of the HTML page.
    pub(crate) language: Language,
    /// The table shows evidence, TLS facts and ids.
    pub(crate) verbose: bool,
}

/// Writes the report.
///
/// # Errors
/// When `out` refuses it.
pub(crate) fn write(format: Format, report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => out.write_all(table::render(report, style).as_bytes()),
        Format::Json => json::report(report, out),
        Format::Ndjson => json::records(report, out),
        Format::Csv => csv::write(report, out),
        Format::Sarif => json::document(&sarif::log(report), out),
        Format::Ocsf => json::document(&ocsf::events(report), out),
        Format::Html => out.write_all(html::render(report, style.language).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    const FORMATS: &[Format] = &[
        Format::Table,
        Format::Json,
        Format::Ndjson,
        Format::Csv,
        Format::Sarif,
        Format::Ocsf,
        Format::Html,
    ];

    #[test]
    fn every_format_is_tested_here() {
        assert_eq!(FORMATS, Format::value_variants());
    }

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        for format in FORMATS {
            assert_eq!(sample::written(*format), sample::written(*format), "{format:?}");
        }
    }

    #[test]
    fn no_format_lets_a_control_character_or_an_override_through() {
        for format in FORMATS {
            let text = sample::written(*format);
            let bad = text.chars().find(|c| *c != '\n' && text::is_deceptive(*c));
            assert_eq!(bad, None, "{format:?}");
        }
    }

    #[test]
    fn every_format_holds_every_record() {
        let report = sample::report();
        for format in [Format::Json, Format::Ndjson, Format::Csv, Format::Sarif, Format::Ocsf, Format::Html] {
            let text = sample::written(format);
            for record in &report.records {
                assert!(text.contains(&record.id), "{format:?} {} {}", record.kind.word(), record.verdict);
            }
            for record in &report.data {
                assert!(text.contains(&record.id), "{format:?} {} {}", record.data_type, record.asset);
            }
        }
    }

    /// Run with `--ignored` and `WATERTIGHT_SAMPLE=FOLDER` to look at every format, or to hold it against a schema.
    #[test]
    #[ignore = "writes files for people to look at"]
    fn the_sample_is_written_for_people_to_look_at() {
        let folder = std::path::PathBuf::from(std::env::var_os("WATERTIGHT_SAMPLE").unwrap());
        let mut stores = sample::report();
        (stores.records, stores.looked_at) = (Vec::new(), 0);
        for (name, report) in [("all", sample::report()), ("stores", stores)] {
            for format in FORMATS {
                for (suffix, language, width, verbose) in [
                    ("en", Language::En, 80, false),
                    ("zh", Language::ZhCn, 80, false),
                    ("wide", Language::En, 140, true),
                ] {
                    let mut out = Vec::new();
                    let style = Style { color: false, width, language, verbose };
                    write(*format, &report, &style, &mut out).unwrap();
                    std::fs::write(folder.join(format!("{name}-{suffix}.{format:?}").to_lowercase()), out)
                        .unwrap();
                }
            }
        }
    }
}
