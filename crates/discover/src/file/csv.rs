//! Tables of text: CSV (RFC 4180, <https://www.rfc-editor.org/rfc/rfc4180>), TSV, and with other separators. Lines
//! without a quote are cut by themselves, the others by `csv-core`.

use std::io::{self, Read};

use csv_core::ReadRecordResult;
use memchr::{memchr, memchr_iter};

use super::block::{BLOCK, Block, Next, Table, pump};
use super::decode::Utf8;
use super::job::{Job, fill};
use super::names::{is_header, is_name};

/// Columns of one table; what stands behind the last shares it.
const COLUMNS: usize = 4096;

/// Records of the beginning that the separator is judged by.
const JUDGED: usize = 100;

/// Separators, the likeliest first. ^A is Hive's.
const SEPARATORS: &[u8] = b",\t;|\x01";

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) separator: u8,
    /// Whether the first record names the columns.
    pub(super) header: bool,
}

/// Finds the dialect of a text by its beginning; `None` when it is no table. `is_table`: its name says that it is one.
pub(super) fn dialect(text: &[u8], is_whole: bool, is_table: bool, is_tabs: bool) -> Option<Dialect> {
    let mut best: Option<(usize, Dialect)> = None;
    for separator in SEPARATORS {
        let records = records(text, *separator, is_whole);
        let Some(columns) = usual_width(&records, is_table) else { continue };
        let bonus = usize::from(is_tabs && *separator == b'\t') * 1000;
        if best.is_none_or(|(most, _)| columns + bonus > most) {
            let fields: Vec<Vec<&[u8]>> =
                records.iter().map(|record| record.iter().map(Vec::as_slice).collect()).collect();
            let header = fields.split_first().is_some_and(|(first, below)| is_header(first, below));
            best = Some((columns + bonus, Dialect { separator: *separator, header }));
        }
    }
    best.map(|(_, dialect)| dialect).or_else(|| {
        let lines: Vec<Vec<&[u8]>> =
            text.split(|byte| *byte == b'\n').take(JUDGED).map(|line| vec![line.trim_ascii()]).collect();
        let header = lines.split_first().is_some_and(|(first, below)| is_header(first, below));
        is_table.then_some(Dialect { separator: b',', header })
    })
}

/// The number of fields that nearly all records have, if these are two or more.
fn usual_width(records: &[Vec<Vec<u8>>], is_table: bool) -> Option<usize> {
    if records.len() < if is_table { 1 } else { 3 } {
        return None;
    }
    let mut widths: Vec<usize> = records.iter().map(Vec::len).collect();
    widths.sort_unstable();
    let middle = *widths.get(widths.len() / 2)?;
    let same = widths.iter().filter(|width| **width == middle).count();
    let enough = if is_table { same * 4 >= widths.len() * 3 } else { same == widths.len() };
    // Prose has a comma in a line, too: by itself it is a table only with several columns or many even lines.
    let is_even = is_table || middle >= 3 || records.len() >= 10;
    (middle >= 2 && enough && is_even).then_some(middle)
}

fn records(text: &[u8], separator: u8, is_whole: bool) -> Vec<Vec<Vec<u8>>> {
    let mut parser = Quoted::new(separator);
    let mut records = Vec::new();
    let mut at = 0;
    while records.len() < JUDGED {
        let rest = text.get(at..).unwrap_or_default();
        let Some(read) = parser.record(rest, is_whole) else { break };
        at += read;
        if read == 0 || parser.fields().next().is_none() {
            break;
        }
        records.push(parser.fields().map(<[u8]>::to_vec).collect());
    }
    records
}

/// Reads a table. `head` are the first bytes of `input`, which gives them again.
pub(super) fn read(job: &mut Job<'_>, name: &str, head: &[u8], input: &mut dyn Read, dialect: Dialect) {
    let part = job.part(name);
    let mut table = Table::new(name, part);
    let mut input = Utf8::new(input, head);
    let mut records = Records::new(dialect, job.longest());
    let is_whole = pump(job.sink, &mut table, &mut |block| records.next(&mut input, block));
    if let Some(error) = &records.error {
        job.tell_error(name, error);
    }
    if let Some(at) = input.broken_at() {
        job.mention(
            name,
            format!("has bytes that are no text, the first at {at}: what is around them was read"),
        );
    }
    if let Some((count, first)) = records.odd {
        let why = format!(
            "{count} lines have a quote that is not closed, the first is line {first}: these were read as text"
        );
        job.mention(name, why);
    }
    if let Some((count, first)) = records.long {
        let why = format!(
            "{count} lines are too long for a record, the first is line {first}: they were read as text"
        );
        job.tell(name, why);
    }
    if !is_whole {
        job.is_over(name);
    } else if records.error.is_none() && records.long.is_none() {
        job.sink.rows(part, table.rows());
    }
}

/// Cuts what is read into records.
struct Records {
    separator: u8,
    header: bool,
    quoted: Quoted,
    columns: usize,
    longest: usize,
    carry: Vec<u8>,
    line: u64,
    /// Within a line that is too long for a record.
    in_long: bool,
    /// Too many quotes were not closed: they are letters like any other.
    is_literal: bool,
    odd: Option<(u64, u64)>,
    long: Option<(u64, u64)>,
    error: Option<io::Error>,
}

impl Records {
    fn new(dialect: Dialect, longest: usize) -> Self {
        Self {
            separator: dialect.separator,
            header: dialect.header,
            quoted: Quoted::new(dialect.separator),
            columns: 0,
            longest,
            carry: Vec::new(),
            line: 1,
            in_long: false,
            is_literal: false,
            odd: None,
            long: None,
            error: None,
        }
    }

    fn next(&mut self, input: &mut dyn Read, block: &mut Block) -> Next {
        let from = self.carry.len();
        let size = BLOCK.min(self.longest).max(from * 2);
        // A block that comes back keeps its bytes: they are overwritten, not zeroed.
        block.bytes.resize(size, 0);
        if let Some(front) = block.bytes.get_mut(..from) {
            front.copy_from_slice(&self.carry);
        }
        let (read, error) = fill(input, block.bytes.get_mut(from..).unwrap_or_default());
        let filled = from + read;
        block.bytes.truncate(filled);
        self.error = error;
        let is_last = filled < size;
        let at = self.cut(block, filled, is_last);
        self.carry.clear();
        self.carry.extend_from_slice(block.bytes.get(at..filled).unwrap_or_default());
        if is_last { Next::End } else { Next::More }
    }

    /// Takes all whole records: where the rest begins.
    fn cut(&mut self, block: &mut Block, filled: usize, is_last: bool) -> usize {
        let mut at = 0;
        if self.in_long {
            at = self.rest_of_long(block, filled, is_last);
        }
        let quote = |block: &Block, at: usize| {
            memchr(b'"', block.bytes.get(at..filled).unwrap_or_default()).map_or(filled, |place| at + place)
        };
        let mut next_quote = quote(block, at);
        while at < filled && !self.in_long {
            let rest = block.bytes.get(at..filled).unwrap_or_default();
            let newline = memchr(b'\n', rest);
            let end = at + newline.unwrap_or(rest.len());
            if newline.is_none() && !is_last && filled < self.longest {
                return at;
            }
            if newline.is_none() && !is_last {
                return if at > 0 { at } else { self.begin_long(block, filled) };
            }
            if next_quote >= end || self.is_literal {
                self.plain(block, at, end);
                self.line += 1;
                at = end + 1;
                continue;
            }
            match self.quoted.record(rest, is_last) {
                Some(read) if read > 0 => {
                    self.line +=
                        memchr_iter(b'\n', rest.get(..read).unwrap_or_default()).count().max(1) as u64;
                    self.record(block);
                    at += read;
                }
                // A quote that is not closed within the longest record would swallow the rest of the file.
                _ if is_last || rest.len() >= self.longest => {
                    note(&mut self.odd, self.line);
                    block.texts.push((self.line, at..end));
                    self.line += 1;
                    at = end + 1;
                    // Each costs a look at the longest record.
                    self.is_literal = self.odd.is_some_and(|(count, _)| count > 16);
                }
                _ => return at,
            }
            next_quote = quote(block, at.min(filled));
        }
        at.min(filled)
    }

    /// Gives as much as is there of a line without an end.
    fn begin_long(&mut self, block: &mut Block, filled: usize) -> usize {
        note(&mut self.long, self.line);
        self.in_long = true;
        let end = super::text::cut(block.bytes.get(..filled).unwrap_or_default());
        block.texts.push((self.line, 0..end));
        end
    }

    fn rest_of_long(&mut self, block: &mut Block, filled: usize, is_last: bool) -> usize {
        let bytes = block.bytes.get(..filled).unwrap_or_default();
        let newline = memchr(b'\n', bytes);
        let end = newline.unwrap_or_else(|| if is_last { filled } else { super::text::cut(bytes) });
        block.texts.push((self.line, 0..end));
        if newline.is_none() {
            return end;
        }
        self.in_long = false;
        self.line += 1;
        end + 1
    }

    /// A line without quotes.
    fn plain(&mut self, block: &mut Block, start: usize, end: usize) {
        let line = block.bytes.get(start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return;
        }
        if self.header {
            self.header = false;
            let names: Vec<&[u8]> = line.split(|byte| *byte == self.separator).collect();
            self.columns = name_columns(&mut block.columns, &names);
            return;
        }
        let (mut from, mut column) = (start, 0);
        let stop = start + line.len();
        for place in memchr_iter(self.separator, line) {
            let to = start + place;
            if to > from {
                block.cells.push(super::block::Span { column, start: from as u32, end: to as u32 });
            }
            from = to + 1;
            column += 1;
        }
        if stop > from {
            block.cells.push(super::block::Span { column, start: from as u32, end: stop as u32 });
        }
        self.widen(block, column as usize + 1);
        block.end_row();
    }

    /// The record that `quoted` holds.
    fn record(&mut self, block: &mut Block) {
        if self.header {
            self.header = false;
            let names: Vec<&[u8]> = self.quoted.fields().collect();
            self.columns = name_columns(&mut block.columns, &names);
            return;
        }
        let mut columns = 0;
        for field in self.quoted.fields() {
            if !field.is_empty() {
                block.push(columns, field);
            }
            columns += 1;
        }
        self.widen(block, columns as usize);
        block.end_row();
    }

    /// Names columns that no header named.
    fn widen(&mut self, block: &mut Block, columns: usize) {
        while self.columns < columns.min(COLUMNS) {
            self.columns += 1;
            block.columns.push(format!("column {}", self.columns));
        }
        if columns > COLUMNS {
            let first = block.rows.last().map_or(0, |end| *end as usize);
            for cell in block.cells.get_mut(first..).unwrap_or_default() {
                cell.column = cell.column.min(COLUMNS as u32 - 1);
            }
        }
    }
}

/// Adds the columns of a header; how many. A head that is no name gets a number.
pub(super) fn name_columns(into: &mut Vec<String>, names: &[&[u8]]) -> usize {
    for (place, name) in names.iter().take(COLUMNS).enumerate() {
        let name = name.trim_ascii();
        into.push(if is_name(name) {
            String::from_utf8_lossy(name).into_owned()
        } else {
            format!("column {}", place + 1)
        });
    }
    names.len().min(COLUMNS)
}

fn note(seen: &mut Option<(u64, u64)>, line: u64) {
    match seen {
        Some((count, _)) => *count += 1,
        None => *seen = Some((1, line)),
    }
}

/// Records with quotes in them.
struct Quoted {
    core: csv_core::Reader,
    out: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Quoted {
    fn new(separator: u8) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(separator).build();
        Self { core, out: vec![0; 4096], ends: vec![0; 64], count: 0 }
    }

    /// Takes one record from the start of `bytes`: how many bytes it has; `None` when it is not whole.
    fn record(&mut self, bytes: &[u8], is_last: bool) -> Option<usize> {
        self.core.reset();
        self.count = 0;
        let (mut read, mut written, mut ended) = (0, 0, false);
        loop {
            let (result, took, wrote, ends) = self.core.read_record(
                bytes.get(read..).unwrap_or_default(),
                self.out.get_mut(written..).unwrap_or_default(),
                self.ends.get_mut(self.count..).unwrap_or_default(),
            );
            read += took;
            written += wrote;
            self.count += ends;
            match result {
                ReadRecordResult::Record => return Some(read),
                ReadRecordResult::OutputFull => self.out.resize(self.out.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty if !is_last || ended => return None,
                // An empty input says that this was the end of the file: the next call gives the last record.
                ReadRecordResult::InputEmpty => ended = true,
                ReadRecordResult::End => return (self.count > 0).then_some(read),
            }
        }
    }

    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.ends.get(..self.count).unwrap_or_default();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| self.out.get(start..*end).unwrap_or_default())
    }
}
