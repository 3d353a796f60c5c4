//! Dumps of databases as SQL: `COPY ... FROM stdin` of pg_dump
//! (<https://www.postgresql.org/docs/current/sql-copy.html>), `INSERT` of pg_dump, mysqldump (many rows in one statement,
//! <https://dev.mysql.com/doc/refman/8.0/en/string-literals.html>) and sqlite3. Tables become parts. Everything else in
//! the dump is text: a `CREATE USER` holds a secret.

use std::collections::HashMap;
use std::io::Read;

use memchr::memchr;

use super::block::BLOCK;
use super::decode::Utf8;
use super::job::Job;
use super::rows::Rows;
use super::text;
use super::values::{self, Quotes, Scan};
use super::window::Window;

/// Tables of one dump.
const TABLES: usize = 20_000;

/// Reads a dump. `head` are the first bytes of `input`, which gives them again.
pub(super) fn read(job: &mut Job<'_>, name: &str, head: &[u8], input: &mut dyn Read) {
    let mut input = Utf8::new(input, head);
    let mut window = Window::new(&mut input);
    let mut dump = Dump {
        name,
        quotes: quotes(head),
        columns: HashMap::new(),
        tables: HashMap::new(),
        too_long: 0,
        is_over: false,
    };
    while !dump.is_over && window.pass_blanks().is_some() {
        dump.statement(job, &mut window);
    }
    let is_whole = !dump.is_over && dump.too_long == 0 && window.error().is_none();
    let mut tables: Vec<_> = dump.tables.into_values().collect();
    tables.sort_by_key(Rows::part);
    for rows in tables {
        rows.end(job, is_whole);
    }
    if let Some(error) = window.error() {
        job.tell_error(name, error);
    }
    if dump.too_long > 0 {
        job.tell(name, format!("{} rows are too long for a row: they were read as text", dump.too_long));
    }
    if let Some(at) = input.broken_at() {
        job.mention(
            name,
            format!("has bytes that are no text, the first at {at}: what is around them was read"),
        );
    }
}

/// Whether a backslash escapes within quotes: MySQL's way, PostgreSQL's and SQLite's is not.
fn quotes(head: &[u8]) -> Quotes {
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    let is_mysql = has(b"MySQL dump") || has(b"MariaDB dump") || has(b"ENGINE=") || has(b"INTO `");
    let is_other = has(b"PostgreSQL database dump") || has(b"PRAGMA foreign_keys");
    Quotes { backslash: is_mysql && !is_other }
}

struct Dump<'a> {
    name: &'a str,
    quotes: Quotes,
    /// The columns of tables that were created in the dump.
    columns: HashMap<String, Vec<String>>,
    tables: HashMap<String, Rows<'a>>,
    too_long: u64,
    is_over: bool,
}

impl<'a> Dump<'a> {
    fn statement(&mut self, job: &mut Job<'_>, window: &mut Window<'_>) {
        if window.begins(b"--") || window.begins(b"#") || window.begins(b"\\") {
            return self.pass_line(job, window);
        }
        if window.begins(b"/*") && !window.begins(b"/*!") {
            return self.pass_to(job, window, b"*/");
        }
        // Enough for the head of every statement that holds data.
        while window.rest().len() < 64 << 10 && window.more() {}
        let head = window.rest();
        let head = head.get(..head.len().min(64 << 10)).unwrap_or_default();
        if let Some(insert) = values::insert(head) {
            window.pass(insert.length);
            self.insert(job, window, &insert.table, insert.columns);
        } else if let Some(copy) = values::copy(head) {
            window.pass(copy.length);
            self.copy(job, window, &copy.table, &copy.columns.unwrap_or_default());
        } else {
            if let Some((table, columns)) = values::create(head)
                && self.columns.len() < TABLES
            {
                self.columns.insert(table, columns);
            }
            self.pass_statement(job, window);
        }
    }

    /// The rows of a table; they are given back with [`Dump::keep`].
    fn rows(&mut self, job: &mut Job<'_>, table: &str) -> Rows<'a> {
        let rows = self.tables.remove(table);
        rows.unwrap_or_else(|| Rows::new(job, self.name, &format!("{}!{table}", self.name)))
    }

    fn keep(&mut self, job: &mut Job<'_>, table: &str, rows: Rows<'a>) {
        if self.tables.len() < TABLES {
            self.tables.insert(table.to_owned(), rows);
        } else {
            rows.end(job, false);
        }
    }

    /// The rows behind `VALUES`.
    fn insert(
        &mut self,
        job: &mut Job<'_>,
        window: &mut Window<'_>,
        table: &str,
        columns: Option<Vec<String>>,
    ) {
        let names = columns.or_else(|| self.columns.get(table).cloned()).unwrap_or_default();
        let quotes = self.quotes;
        let longest = job.longest();
        let mut rows = self.rows(job, table);
        let mut numbers: Vec<u32> = names.iter().map(|name| rows.column(name)).collect();
        let (mut too_long, mut is_over) = (0, false);
        loop {
            match window.pass_blanks() {
                Some(b',') => window.pass(1),
                Some(b'(') => {
                    let Some(length) = tuple(window, quotes, longest) else {
                        too_long += 1;
                        break;
                    };
                    let tuple = window.rest().get(1..length.saturating_sub(1)).unwrap_or_default();
                    for (place, value) in values::of_tuple(tuple, quotes).enumerate() {
                        if numbers.len() <= place {
                            numbers.push(rows.column(&format!("column {}", place + 1)));
                        }
                        if let (Some(value), Some(number)) = (value, numbers.get(place)) {
                            rows.push(job, *number, &value);
                        }
                    }
                    window.pass(length);
                    if rows.end_row() {
                        rows.deliver(job);
                        is_over = job.is_over(table);
                        if is_over {
                            break;
                        }
                    }
                }
                _ => break,
            }
        }
        self.keep(job, table, rows);
        self.too_long += too_long;
        self.is_over = is_over;
        if !is_over {
            self.pass_statement(job, window);
        }
    }

    /// The lines behind `COPY`, up to `\.`.
    fn copy(&mut self, job: &mut Job<'_>, window: &mut Window<'_>, table: &str, names: &[String]) {
        let longest = job.longest();
        let mut rows = self.rows(job, table);
        let mut numbers: Vec<u32> = names.iter().map(|name| rows.column(name)).collect();
        let mut value = Vec::new();
        while !self.is_over {
            let Some((length, is_line)) = line(window, longest) else {
                self.too_long += 1;
                self.pass_line(job, window);
                continue;
            };
            let line = window.rest().get(..length).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line == b"\\." || length == 0 && !is_line {
                window.pass(length + 1);
                break;
            }
            for (place, field) in line.split(|byte| *byte == b'\t').enumerate() {
                if numbers.len() <= place {
                    numbers.push(rows.column(&format!("column {}", place + 1)));
                }
                if let (true, Some(number)) = (values::of_copy(field, &mut value), numbers.get(place)) {
                    rows.push(job, *number, &value);
                }
            }
            window.pass(length + 1);
            if rows.end_row() {
                rows.deliver(job);
                self.is_over = job.is_over(table);
            }
        }
        self.keep(job, table, rows);
    }

    /// Gives the rest of a line as text.
    fn pass_line(&mut self, job: &mut Job<'_>, window: &mut Window<'_>) {
        self.pass_to(job, window, b"\n");
    }

    /// Gives everything up to and with `end` as text.
    fn pass_to(&mut self, job: &mut Job<'_>, window: &mut Window<'_>, end: &[u8]) {
        loop {
            if window.rest().len() < end.len() && !window.more() {
                let rest = window.rest().len();
                return self.give(job, window, rest);
            }
            if let Some(found) = memchr::memmem::find(window.rest(), end) {
                return self.give(job, window, found + end.len());
            }
            if window.rest().len() >= BLOCK {
                let some = text::cut(window.rest().get(..BLOCK - end.len()).unwrap_or_default());
                self.give(job, window, some);
                if self.is_over {
                    return;
                }
            } else if !window.more() {
                let rest = window.rest().len();
                return self.give(job, window, rest);
            }
        }
    }

    /// Gives a statement that holds no rows as text, up to its semicolon.
    fn pass_statement(&mut self, job: &mut Job<'_>, window: &mut Window<'_>) {
        let mut scan = Scan::new(self.quotes);
        loop {
            let rest = window.rest();
            let some = rest.len().min(BLOCK);
            let some = rest.get(..some).unwrap_or_default();
            let end = scan.feed(some, 0, some.len(), b';').or_else(|| next_statement(some));
            let some = some.len();
            if let Some(end) = end {
                return self.give(job, window, end);
            }
            self.give(job, window, some);
            if self.is_over || window.peek().is_none() {
                return;
            }
        }
    }

    fn give(&mut self, job: &mut Job<'_>, window: &mut Window<'_>, length: usize) {
        let text = window.rest().get(..length).unwrap_or_default();
        if !text.trim_ascii().is_empty() && text != b";" {
            job.text(self.name, 0, text);
        }
        window.pass(length);
        if length >= BLOCK {
            self.is_over = job.is_over(self.name);
        }
    }
}

/// Where a statement with rows begins, should a quote of the one before have no end.
fn next_statement(bytes: &[u8]) -> Option<usize> {
    const STARTS: [&[u8]; 3] = [b"\nINSERT INTO ", b"\nCOPY ", b"\nCREATE TABLE "];
    STARTS.iter().filter_map(|start| memchr::memmem::find(bytes, start)).min().map(|found| found + 1)
}

/// Bytes of the parentheses that begin here and what is in them; `None` when these are too many.
fn tuple(window: &mut Window<'_>, quotes: Quotes, longest: usize) -> Option<usize> {
    let mut scan = Scan::new(quotes);
    let mut seen = 0;
    loop {
        let have = window.rest().len();
        if let Some(end) = scan.feed(window.rest(), seen, have, b')') {
            return Some(end);
        }
        seen = have;
        if have > longest || !window.more() {
            return None;
        }
    }
}

/// Bytes of the line that begins here, without its end, and whether it has one; `None` when these are too many.
fn line(window: &mut Window<'_>, longest: usize) -> Option<(usize, bool)> {
    let mut seen = 0;
    loop {
        let have = window.rest().len();
        if let Some(end) = memchr(b'\n', window.rest().get(seen..).unwrap_or_default()) {
            return Some((seen + end, true));
        }
        seen = have;
        if have > longest {
            return None;
        }
        if !window.more() {
            return Some((have, false));
        }
    }
}
