//! Documents of JSON of any size: the outermost arrays of objects are parts with a row for each element, maps whose keys
//! are data, too; everything else of a document is one row.

use std::collections::HashMap;
use std::io::Read;

use super::super::block::{BLOCK, Block, Table};
use super::super::decode::Utf8;
use super::super::job::Job;
use super::super::text;
use super::super::window::Window;
use super::split::{NotJson, ROOT_NODE, Splitter};
use super::unescape::Nesting;

/// Objects inside objects outside of rows.
const DEPTH: usize = 32;

/// Cells of the row of everything else: a document of more becomes several rows.
const CELLS: usize = 4096;

/// Parts of one file: arrays further on share the last one.
const PARTS: usize = 1000;

/// Why reading a document ended before its end.
enum Ended {
    NotJson,
    Over,
}

impl From<NotJson> for Ended {
    fn from(_: NotJson) -> Self {
        Self::NotJson
    }
}

/// Reads one document, or several behind each other. `head` are the first bytes of `input`, which gives them again.
pub(crate) fn read(job: &mut Job<'_>, name: &str, head: &[u8], input: &mut dyn Read) {
    let mut input = Utf8::new(input, head);
    let mut window = Window::new(&mut input);
    let mut document = Document {
        name,
        rest: Splitter::default(),
        rest_block: Block::default(),
        rest_table: None,
        parts: HashMap::new(),
        longest: job.longest(),
        too_long: 0,
    };
    let outcome = document.all(job, &mut window);
    document.end(job, outcome.is_ok() && window.error().is_none());
    match (outcome, window.error()) {
        (_, Some(error)) => job.tell_error(name, error),
        (Err(Ended::Over), None) | (Ok(()), None) => {}
        (Err(Ended::NotJson), None) => {
            let at = window.passed();
            job.mention(name, format!("is not JSON from about byte {at} on: the rest was read as text"));
            text::read(job, name, &[], &mut window);
        }
    }
    if let Some(at) = input.broken_at() {
        job.mention(
            name,
            format!("has bytes that are no text, the first at {at}: what is around them was read"),
        );
    }
}

/// Rows of one array.
struct Rows<'a> {
    splitter: Splitter,
    block: Block,
    table: Table<'a>,
}

struct Document<'a> {
    name: &'a str,
    /// Everything that is in no array of objects.
    rest: Splitter,
    rest_block: Block,
    rest_table: Option<Table<'a>>,
    parts: HashMap<String, Rows<'a>>,
    longest: usize,
    too_long: u64,
}

impl<'a> Document<'a> {
    fn all(&mut self, job: &mut Job<'_>, window: &mut Window<'_>) -> Result<(), Ended> {
        while window.pass_blanks().is_some() {
            self.value(job, window)?;
            self.flush_rest(job);
            // Between documents a comma, or the record separator of RFC 7464.
            while matches!(window.pass_blanks(), Some(b',' | 0x1e)) {
                window.pass(1);
            }
        }
        Ok(())
    }

    /// A value outside of rows, with everything inside it.
    fn value(&mut self, job: &mut Job<'_>, window: &mut Window<'_>) -> Result<(), Ended> {
        let mut open = vec![];
        self.step_into(job, window, ROOT_NODE, false, &mut open)?;
        while let Some(node) = open.last().copied() {
            match window.pass_blanks().ok_or(Ended::NotJson)? {
                b'}' => {
                    window.pass(1);
                    open.pop();
                }
                b',' => window.pass(1),
                b'"' => {
                    let from = self.take(window)?;
                    let Some(from) = from else { return Err(Ended::NotJson) };
                    let stop = self.rest_block.bytes.len().saturating_sub(1);
                    let (child, is_data) = self.rest.child(node, &mut self.rest_block, from, stop)?;
                    if window.pass_blanks() != Some(b':') {
                        return Err(Ended::NotJson);
                    }
                    window.pass(1);
                    self.step_into(job, window, child, is_data, &mut open)?;
                    if self.rest_block.cells.len() > CELLS || self.rest_block.bytes.len() > BLOCK {
                        self.flush_rest(job);
                        self.check(job)?;
                    }
                }
                _ => return Err(Ended::NotJson),
            }
        }
        Ok(())
    }

    /// Takes the value at `node`, or opens the object there.
    fn step_into(
        &mut self,
        job: &mut Job<'_>,
        window: &mut Window<'_>,
        node: u32,
        is_entry: bool,
        open: &mut Vec<u32>,
    ) -> Result<(), Ended> {
        match window.pass_blanks().ok_or(Ended::NotJson)? {
            b'{' if is_entry => {
                let path = self.rest.path(node).to_owned();
                self.element(job, window, &path)
            }
            b'{' if open.len() < DEPTH => {
                window.pass(1);
                open.push(node);
                Ok(())
            }
            b'[' if node == ROOT_NODE || holds_objects(window) => {
                let path = self.rest.path(node).to_owned();
                window.pass(1);
                self.elements(job, window, &path)
            }
            _ => {
                if let Some(from) = self.take(window)? {
                    let end = self.rest_block.bytes.len();
                    self.rest.split_at(node, &mut self.rest_block, from, end)?;
                } else {
                    self.pass_long(job, window)?;
                }
                Ok(())
            }
        }
    }

    /// The elements of an array whose bracket was passed: each is a row.
    fn elements(&mut self, job: &mut Job<'_>, window: &mut Window<'_>, path: &str) -> Result<(), Ended> {
        loop {
            match window.pass_blanks().ok_or(Ended::NotJson)? {
                b']' => {
                    window.pass(1);
                    return Ok(());
                }
                b',' => window.pass(1),
                _ => self.element(job, window, path)?,
            }
        }
    }

    fn element(&mut self, job: &mut Job<'_>, window: &mut Window<'_>, path: &str) -> Result<(), Ended> {
        let longest = self.longest;
        let rows = self.rows(job, path);
        let from = rows.block.bytes.len();
        let Some(length) = value_length(window, longest)? else { return self.pass_long(job, window) };
        rows.block.bytes.extend_from_slice(window.rest().get(..length).unwrap_or_default());
        let end = rows.block.bytes.len();
        rows.splitter.split(&mut rows.block, from, end)?;
        rows.block.end_row();
        window.pass(length);
        if rows.block.bytes.len() >= BLOCK {
            rows.deliver(job);
            self.check(job)?;
        }
        Ok(())
    }

    fn check(&self, job: &mut Job<'_>) -> Result<(), Ended> {
        if job.is_over(self.name) { Err(Ended::Over) } else { Ok(()) }
    }

    /// Appends the next value to the bytes of the row of everything else: where it begins; `None` when it is too long.
    fn take(&mut self, window: &mut Window<'_>) -> Result<Option<usize>, Ended> {
        let from = self.rest_block.bytes.len();
        let Some(length) = value_length(window, self.longest)? else { return Ok(None) };
        self.rest_block.bytes.extend_from_slice(window.rest().get(..length).unwrap_or_default());
        window.pass(length);
        Ok(Some(from))
    }

    /// Gives a value that is too long for a cell or row as text, in pieces.
    fn pass_long(&mut self, job: &mut Job<'_>, window: &mut Window<'_>) -> Result<(), Ended> {
        self.too_long += 1;
        let mut nesting = Nesting::default();
        loop {
            window.peek().ok_or(Ended::NotJson)?;
            let rest = window.rest();
            let whole = text::cut(rest.get(..rest.len().min(BLOCK)).unwrap_or_default());
            let end = nesting.feed(rest, 0, whole);
            let length = end.unwrap_or(whole);
            job.text(self.name, 0, rest.get(..length).unwrap_or_default());
            window.pass(length);
            if end.is_some() {
                return Ok(());
            }
            self.check(job)?;
        }
    }

    fn rows(&mut self, job: &mut Job<'_>, path: &str) -> &mut Rows<'a> {
        let path = if self.parts.len() < PARTS || self.parts.contains_key(path) { path } else { "*" };
        let name = self.name;
        self.parts.entry(path.to_owned()).or_insert_with(|| {
            let location = if path.is_empty() { name.to_owned() } else { format!("{name}#{path}") };
            let table = Table::new(name, job.part(&location));
            Rows { splitter: Splitter::default(), block: Block::default(), table }
        })
    }

    fn flush_rest(&mut self, job: &mut Job<'_>) {
        if !self.rest_block.cells.is_empty() {
            self.rest_block.end_row();
            let name = self.name;
            let table = self.rest_table.get_or_insert_with(|| Table::new(name, job.part(name)));
            table.deliver(&self.rest_block, job.sink);
            self.rest_block.clear();
        }
        self.rest_block.bytes.clear();
    }

    fn end(&mut self, job: &mut Job<'_>, is_whole: bool) {
        self.flush_rest(job);
        let mut parts: Vec<_> = std::mem::take(&mut self.parts).into_values().collect();
        parts.sort_by_key(|rows| rows.table.part);
        for rows in &mut parts {
            rows.deliver(job);
        }
        if self.too_long > 0 {
            let why = format!("{} values are too long for a row: they were read as text", self.too_long);
            job.tell(self.name, why);
        } else if is_whole {
            for table in parts.iter().map(|rows| &rows.table).chain(&self.rest_table) {
                job.sink.rows(table.part, table.rows());
            }
        }
    }
}

impl Rows<'_> {
    fn deliver(&mut self, job: &mut Job<'_>) {
        self.table.deliver(&self.block, job.sink);
        self.block.clear();
        self.block.bytes.clear();
    }
}

/// Whether the array that begins here holds objects, by its first element.
fn holds_objects(window: &mut Window<'_>) -> bool {
    loop {
        let inside = window.rest().get(1..).unwrap_or_default().trim_ascii_start();
        if let Some(first) = inside.first() {
            return *first == b'{';
        }
        if window.rest().len() >= BLOCK || !window.more() {
            return false;
        }
    }
}

/// Bytes of the value that begins here, all of which are at hand then; `None` when it is longer than it may be.
fn value_length(window: &mut Window<'_>, longest: usize) -> Result<Option<usize>, Ended> {
    let mut nesting = Nesting::default();
    let mut seen = 0;
    loop {
        let have = window.rest().len();
        if let Some(end) = nesting.feed(window.rest(), seen, have) {
            return if end == 0 { Err(Ended::NotJson) } else { Ok(Some(end)) };
        }
        if have > longest {
            return Ok(None);
        }
        seen = have;
        if !window.more() {
            // A number at the very end has nothing behind it.
            let is_word = window.rest().first().is_some_and(|byte| !matches!(byte, b'"' | b'{' | b'['));
            return if is_word { Ok(Some(have)) } else { Err(Ended::NotJson) };
        }
    }
}
