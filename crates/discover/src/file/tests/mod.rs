//! Whole files through the whole reader.

mod formats;
mod hostile;
mod structured;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use model::NotRead;

use super::{Limits, read_path, read_stream};
use crate::{Cell, ColumnId, Part, PartId, Place, Sink};

/// The values of each column.
pub(super) type Row = BTreeMap<String, Vec<String>>;

/// Location, columns, rows, and how many rows were told.
pub(super) type PartKept = (String, Vec<String>, Vec<Row>, Option<u64>);

/// Keeps what readers bring.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) parts: Vec<PartKept>,
    pub(super) texts: Vec<(String, u64, String)>,
    pub(super) not_read: Vec<NotRead>,
    pub(super) stops_after: Option<usize>,
}

impl Sink for Kept {
    fn part(&mut self, part: Part) -> PartId {
        self.parts.push((part.location, Vec::new(), Vec::new(), part.rows));
        PartId(self.parts.len() - 1)
    }

    fn column(&mut self, part: PartId, name: &str) -> ColumnId {
        let columns = &mut self.parts[part.0].1;
        ColumnId(columns.iter().position(|column| column == name).unwrap_or_else(|| {
            columns.push(name.to_owned());
            columns.len() - 1
        }))
    }

    fn row(&mut self, part: PartId, cells: &[Cell<'_>]) {
        let part = &mut self.parts[part.0];
        let mut row = Row::new();
        for (column, value) in cells {
            row.entry(part.1[column.0].clone())
                .or_default()
                .push(String::from_utf8_lossy(value).into_owned());
        }
        part.2.push(row);
    }

    fn rows(&mut self, part: PartId, rows: u64) {
        self.parts[part.0].3 = Some(rows);
    }

    fn text(&mut self, place: &Place<'_>, text: &[u8]) {
        assert!(text.len() <= 1 << 20, "{} bytes of text at a time", text.len());
        self.texts.push((place.file.to_owned(), place.line, String::from_utf8_lossy(text).into_owned()));
    }

    fn not_read(&mut self, missing: NotRead) {
        self.not_read.push(missing);
    }

    fn stop(&self) -> bool {
        self.stops_after.is_some_and(|rows| self.parts.iter().map(|part| part.2.len()).sum::<usize>() >= rows)
    }
}

impl Kept {
    /// One line for each value: `location column value`.
    pub(super) fn cells(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (location, _, rows, _) in &self.parts {
            for row in rows {
                for (column, values) in row {
                    lines.extend(values.iter().map(|value| format!("{location} {column} {value}")));
                }
            }
        }
        lines
    }

    pub(super) fn whole_text(&self) -> String {
        self.texts.iter().map(|(_, _, text)| text.as_str()).collect()
    }

    /// What leaves something undecided.
    pub(super) fn undecided(&self) -> Vec<String> {
        let missing = self.not_read.iter().filter(|missing| !missing.by_design);
        missing.map(|missing| format!("{}: {}", missing.location, missing.why)).collect()
    }

    pub(super) fn told(&self) -> String {
        self.not_read.iter().map(|missing| format!("{}: {}\n", missing.location, missing.why)).collect()
    }
}

/// Reads bytes as a stream.
pub(super) fn stream(name: &str, bytes: &[u8]) -> Kept {
    stream_with(name, bytes, &Limits::default())
}

pub(super) fn stream_with(name: &str, mut bytes: &[u8], limits: &Limits) -> Kept {
    let mut kept = Kept::default();
    read_stream(name, &mut bytes, limits, &mut kept);
    kept
}

/// Reads bytes as a file.
pub(super) fn file(name: &str, bytes: &[u8]) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    path(&folder.path().join(name))
}

pub(super) fn path(path: &Path) -> Kept {
    let mut kept = Kept::default();
    read_path(path, &Limits::default(), &mut kept);
    kept
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options.compression_method(zip::CompressionMethod::Deflated)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(super) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}
