//! Writes tables in the formats that people exchange them in. The writer is fast enough not to be what is measured: it
//! allocates nothing for a row of plain cells.

use std::io::{self, Write};
use std::ops::Range;

use crate::table::{Column, Table};
use crate::world::{Record, World};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line: <https://github.com/ndjson/ndjson-spec>.
    Ndjson,
    /// RFC 4180, with a head line.
    Csv,
    /// Fields between tabs, with a head line (IANA `text/tab-separated-values`).
    Tsv,
    /// One array of objects.
    Json,
    /// One element a record.
    Xml,
    /// What `pg_dump` writes: a table and its rows as COPY
    /// (<https://www.postgresql.org/docs/current/sql-copy.html>).
    Postgres,
    /// What `mysqldump` writes: a table and its rows as INSERT.
    Mysql,
}

/// How much is gathered before it is written.
const CHUNK: usize = 1 << 18;
/// Rows of one INSERT.
const ROWS_OF_INSERT: u64 = 400;

/// Writes these records of a table.
///
/// # Errors
///
/// Whoever takes the bytes fails.
pub fn write(
    world: &World,
    table: &Table,
    format: Format,
    records: Range<u64>,
    out: &mut impl Write,
) -> io::Result<()> {
    let shape = Shape::of(table, format);
    let mut buffer = Vec::with_capacity(CHUNK + (CHUNK >> 2));
    let mut prose = Vec::new();
    buffer.extend_from_slice(shape.head.as_bytes());
    let first = records.start;
    for record in world.records(records) {
        shape.open_row(record.number - first, &mut buffer);
        for cell in &shape.cells {
            buffer.extend_from_slice(cell.before.as_bytes());
            if cell.column.field.is_prose() {
                prose.clear();
                if world.write(&record, cell.column.field, &mut prose) {
                    shape.prose(&prose, &mut buffer);
                } else {
                    buffer.extend_from_slice(shape.null.as_bytes());
                }
            } else {
                shape.plain(world, &record, cell, &mut buffer);
            }
            buffer.extend_from_slice(cell.after.as_bytes());
        }
        buffer.extend_from_slice(shape.row_end.as_bytes());
        if buffer.len() >= CHUNK {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    buffer.extend_from_slice(shape.foot.as_bytes());
    out.write_all(&buffer)
}

struct Cell<'a> {
    column: &'a Column,
    before: String,
    quote: &'static str,
    after: String,
}

struct Shape<'a> {
    format: Format,
    head: String,
    foot: &'static str,
    row_start: String,
    row_end: &'static str,
    null: &'static str,
    cells: Vec<Cell<'a>>,
    insert: String,
}

impl<'a> Shape<'a> {
    fn of(table: &'a Table, format: Format) -> Self {
        let names = |between: &str| {
            table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(between)
        };
        let name = table.name;
        let (head, foot, row_start, row_end, null) = match format {
            Format::Ndjson => (String::new(), "", "{", "}\n", "null"),
            Format::Csv => (names(",") + "\r\n", "", "", "\r\n", ""),
            Format::Tsv => (names("\t") + "\n", "", "", "\n", ""),
            Format::Json => ("[".to_owned(), "\n]\n", "\n{", "}", "null"),
            Format::Xml => (
                format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name}>\n"),
                "", // Below: it names the table.
                "<record>",
                "</record>\n",
                "",
            ),
            Format::Postgres => (
                format!(
                    "CREATE TABLE public.{name} (\n    {} text\n);\n\nCOPY public.{name} ({}) FROM stdin;\n",
                    names(" text,\n    "),
                    names(", ")
                ),
                "\\.\n",
                "",
                "\n",
                "\\N",
            ),
            Format::Mysql => (
                format!("CREATE TABLE `{name}` (\n  `{}` text\n);\n", names("` text,\n  `")),
                ";\n",
                "(",
                ")",
                "NULL",
            ),
        };
        let cells = table.columns.iter().enumerate().map(|(at, column)| cell(at, column, format)).collect();
        let foot = if format == Format::Xml { xml_end(name) } else { foot };
        let insert = format!("INSERT INTO `{name}` VALUES ");
        Self { format, head, foot, row_start: row_start.to_owned(), row_end, null, cells, insert }
    }

    /// What stands between the row before and this one.
    fn open_row(&self, row: u64, buffer: &mut Vec<u8>) {
        match self.format {
            Format::Json if row > 0 => buffer.push(b','),
            Format::Mysql if row.is_multiple_of(ROWS_OF_INSERT) => {
                buffer.extend_from_slice(if row > 0 { b";\n" } else { b"" });
                buffer.extend_from_slice(self.insert.as_bytes());
            }
            Format::Mysql => buffer.push(b','),
            _ => {}
        }
        buffer.extend_from_slice(self.row_start.as_bytes());
    }

    /// A cell that needs no escapes.
    fn plain(&self, world: &World, record: &Record, cell: &Cell<'_>, buffer: &mut Vec<u8>) {
        let before = buffer.len();
        buffer.extend_from_slice(cell.quote.as_bytes());
        if world.write(record, cell.column.field, buffer) {
            buffer.extend_from_slice(cell.quote.as_bytes());
        } else {
            buffer.truncate(before);
            buffer.extend_from_slice(self.null.as_bytes());
        }
    }

    /// A cell that may need some.
    fn prose(&self, text: &[u8], buffer: &mut Vec<u8>) {
        let quote: &[u8] = match self.format {
            Format::Ndjson | Format::Json | Format::Csv => b"\"",
            Format::Mysql => b"'",
            Format::Tsv | Format::Xml | Format::Postgres => b"",
        };
        buffer.extend_from_slice(quote);
        for &letter in text {
            let escaped: &[u8] = match (self.format, letter) {
                (Format::Csv, b'"') => b"\"\"",
                (Format::Ndjson | Format::Json | Format::Mysql, b'"') => b"\\\"",
                (Format::Mysql, b'\'') => b"\\'",
                (Format::Xml, b'&') => b"&amp;",
                (Format::Xml, b'<') => b"&lt;",
                (Format::Csv | Format::Xml, _) => &[letter],
                (_, b'\\') => b"\\\\",
                (_, b'\n') => b"\\n",
                (_, b'\t') => b"\\t",
                _ => &[letter],
            };
            buffer.extend_from_slice(escaped);
        }
        buffer.extend_from_slice(quote);
    }
}

fn cell(at: usize, column: &Column, format: Format) -> Cell<'_> {
    let name = &column.name;
    let (first, between) = match format {
        Format::Ndjson | Format::Json => (format!("\"{name}\":"), ","),
        Format::Csv | Format::Mysql => (String::new(), ","),
        Format::Tsv | Format::Postgres => (String::new(), "\t"),
        Format::Xml => (format!("<{name}>"), ""),
    };
    let before = if at > 0 { format!("{between}{first}") } else { first };
    let after = if format == Format::Xml { format!("</{name}>") } else { String::new() };
    let quote = match format {
        Format::Ndjson | Format::Json if !column.field.is_number() => "\"",
        Format::Mysql => "'",
        _ => "",
    };
    Cell { column, before, quote, after }
}

fn xml_end(name: &str) -> &'static str {
    match name {
        "persons" => "</persons>\n",
        "protected" => "</protected>\n",
        "business" => "</business>\n",
        _ => "</contacts>\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Noise, Settings};

    fn written(table: &str, format: Format, records: Range<u64>) -> String {
        let world = World::new(Settings { noise: Noise::USUAL, ..Settings::new(12, 1_000) }).unwrap();
        let mut out = Vec::new();
        write(&world, &Table::of(table, &world).unwrap(), format, records, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_of_ndjson_is_an_object_with_all_keys() {
        for table in Table::NAMES {
            let text = written(table, Format::Ndjson, 0..1_000);
            let rows: Vec<serde_json::Value> =
                text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(rows.len(), 1_000);
            let keys = rows.first().unwrap().as_object().unwrap().len();
            assert!(rows.iter().all(|row| row.as_object().unwrap().len() == keys));
        }
        let rows: Vec<serde_json::Value> =
            serde_json::from_str(&written("contacts", Format::Json, 0..50)).unwrap();
        assert_eq!(rows.len(), 50);
    }

    #[test]
    fn parts_join_to_the_whole() {
        let parts =
            written("persons", Format::Ndjson, 0..400) + &written("persons", Format::Ndjson, 400..1_000);
        assert!(parts == written("persons", Format::Ndjson, 0..1_000));
    }

    #[test]
    fn a_row_is_as_long_as_the_measurements_say() {
        let world = World::new(Settings::new(1, 10_000)).unwrap();
        let mut out = Vec::new();
        let table = Table::of("persons", &world).unwrap();
        write(&world, &table, Format::Ndjson, 0..10_000, &mut out).unwrap();
        assert!((340..365).contains(&(out.len() / 10_000)), "{}", out.len() / 10_000);
    }

    #[test]
    fn csv_quotes_prose_and_sql_escapes_it() {
        let csv = written("contacts", Format::Csv, 0..300);
        assert!(csv.contains("\"\"order ") && csv.starts_with("latin_name,"));
        let copy = written("contacts", Format::Postgres, 0..300);
        assert_eq!(copy.lines().filter(|line| line.matches('\t').count() == 8).count(), 300);
        assert!(copy.ends_with("\\.\n") && copy.contains("\\N"));
        let insert = written("contacts", Format::Mysql, 0..900);
        assert_eq!(insert.matches("INSERT INTO").count(), 3);
        assert!(insert.ends_with(");\n"));
        assert!(written("contacts", Format::Xml, 0..3).ends_with("</record>\n</contacts>\n"));
        assert_eq!(written("persons", Format::Tsv, 0..3).lines().count(), 4);
    }
}
