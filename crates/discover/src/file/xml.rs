//! XML: repeated elements are rows, what is in one are its columns: `name`, `phones.phone`, `@id` for an attribute.
//! Entities that a document declares are not expanded (<https://en.wikipedia.org/wiki/Billion_laughs_attack>): quick-xml
//! knows only the predefined ones.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead, BufReader, Read};

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::block::BLOCK;
use super::decode::Utf8;
use super::job::Job;
use super::names::is_name;
use super::rows::Rows;
use super::text;

/// Elements inside elements.
const DEPTH: usize = 128;

/// Kinds of rows in one file.
const PARTS: usize = 1000;

/// Cells of the row that holds what is in no repeated element.
const CELLS: usize = 4096;

/// Ends the input when one event (a tag, a text) takes more than it may: the parser holds events in memory.
pub(super) struct Metered<R> {
    inner: BufReader<R>,
    since: usize,
    most: usize,
}

impl<R: Read> Metered<R> {
    pub(super) fn new(inner: R, most: usize) -> Self {
        Self { inner: BufReader::with_capacity(64 << 10, inner), since: 0, most }
    }

    /// Another event begins.
    pub(super) fn begin(&mut self) {
        self.since = 0;
    }

    /// Whether an event took more than it may.
    pub(super) fn is_exceeded(&self) -> bool {
        self.since > self.most
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into)
    }
}

impl<R: Read> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.since > self.most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.since += count;
        self.inner.consume(count);
    }
}

/// Reads a document. `head` are the first bytes of `input`, which gives them again.
pub(super) fn read(job: &mut Job<'_>, name: &str, head: &[u8], input: &mut dyn Read) {
    let rows = repeated(head, job.longest());
    let mut input = Utf8::new(input, head);
    let mut reader = Reader::from_reader(Metered::new(&mut input, job.longest()));
    lenient(&mut reader);
    let mut document = Document::new(name, rows);
    let mut buffer = Vec::new();
    let outcome = loop {
        buffer.clear();
        reader.get_mut().begin();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break Ok(document.path.is_empty()),
            Ok(event) => document.take(job, &event),
            Err(error) => break Err(error),
        }
        if document.is_over || document.too_deep {
            break Ok(false);
        }
    };
    document.end(job, matches!(outcome, Ok(true)));
    match outcome {
        Ok(true) => {}
        Ok(false) if document.is_over => return,
        Ok(false) if document.too_deep => {
            let at = reader.buffer_position();
            job.mention(
                name,
                format!("elements lie too deep in each other at byte {at}: the rest was read as text"),
            );
        }
        Ok(false) => job.tell(name, "ends in the middle: it was cut short; get a whole copy of it"),
        Err(quick_xml::Error::Io(error)) if !reader.get_ref().is_exceeded() => {
            return job.tell_error(name, &error);
        }
        Err(_) => {
            let at = reader.buffer_position();
            job.mention(name, format!("is not well-formed XML at byte {at}: the rest was read as text"));
        }
    }
    if !buffer.is_empty() && reader.get_ref().is_exceeded() {
        job.text(name, 0, &buffer);
    }
    text::read(job, name, &[], &mut reader.into_inner().inner);
    if let Some(at) = input.broken_at() {
        job.mention(
            name,
            format!("has bytes that are no text, the first at {at}: what is around them was read"),
        );
    }
}

/// Takes what people write.
pub(super) fn lenient<R>(reader: &mut Reader<R>) {
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
}

/// Paths of elements that occur several times in one parent, the outermost ones, by the beginning of the document.
fn repeated(head: &[u8], most: usize) -> BTreeSet<Vec<String>> {
    let mut source = head;
    let mut input = Utf8::new(&mut source, head);
    let mut reader = Reader::from_reader(Metered::new(&mut input, most));
    lenient(&mut reader);
    let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut path: Vec<String> = Vec::new();
    // For each open element: how often each child came.
    let mut children: Vec<HashMap<String, u32>> = vec![HashMap::new()];
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let (name, is_open) = match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => (tag(&start), true),
            Ok(Event::Empty(start)) => (tag(&start), false),
            Ok(Event::End(_)) => {
                path.pop();
                children.pop();
                if children.is_empty() {
                    break;
                }
                continue;
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => continue,
        };
        path.push(name.clone());
        if let Some(siblings) = children.last_mut() {
            let count = siblings.entry(name).or_default();
            *count += 1;
            let is_inside =
                (1..path.len()).any(|length| path.get(..length).is_some_and(|part| found.contains(part)));
            if *count == 2 && !is_inside && path.len() > 1 {
                found.retain(|other| !other.starts_with(&path));
                found.insert(path.clone());
            }
        }
        if is_open && path.len() < DEPTH {
            children.push(HashMap::new());
        } else {
            path.pop();
        }
        if is_open && path.len() >= DEPTH {
            break;
        }
    }
    found
}

/// What a reference stands for, when it needs no declaration.
pub(super) fn resolved(reference: &BytesRef<'_>) -> String {
    match reference.resolve_char_ref() {
        Ok(Some(letter)) => letter.to_string(),
        _ => quick_xml::escape::resolve_predefined_entity(reference).unwrap_or(" ").to_owned(),
    }
}

fn tag(start: &BytesStart<'_>) -> String {
    let name = start.local_name();
    let name: &str = name.as_ref();
    if is_name(name.as_bytes()) { name.to_owned() } else { "*".to_owned() }
}

struct Document<'a> {
    name: &'a str,
    /// Which paths are rows.
    rows: BTreeSet<Vec<String>>,
    parts: HashMap<String, Rows<'a>>,
    path: Vec<String>,
    /// The depth of the row that is open.
    row_depth: Option<usize>,
    /// The text of each open element.
    texts: Vec<String>,
    is_over: bool,
    too_deep: bool,
}

impl<'a> Document<'a> {
    fn new(name: &'a str, rows: BTreeSet<Vec<String>>) -> Self {
        Self {
            name,
            rows,
            parts: HashMap::new(),
            path: Vec::new(),
            row_depth: None,
            texts: Vec::new(),
            is_over: false,
            too_deep: false,
        }
    }

    fn take(&mut self, job: &mut Job<'_>, event: &Event<'_>) {
        match event {
            Event::Start(start) => self.open(job, start),
            Event::Empty(start) => {
                self.open(job, start);
                self.close(job);
            }
            Event::End(_) => self.close(job),
            Event::Text(text) => self.text(job, &text.xml10_content()),
            Event::CData(text) => self.text(job, &text.xml10_content()),
            Event::GeneralRef(reference) => self.text(job, &resolved(reference)),
            Event::Comment(comment) => job.text(self.name, 0, comment.xml10_content().as_bytes()),
            _ => {}
        }
    }

    fn text(&mut self, job: &mut Job<'_>, text: &str) {
        let Some(last) = self.texts.last_mut() else { return };
        last.push_str(text);
        if last.len() > BLOCK {
            let piece = std::mem::take(last);
            self.cell(job, "", piece.trim().as_bytes());
        }
    }

    fn open(&mut self, job: &mut Job<'_>, start: &BytesStart<'_>) {
        self.path.push(tag(start));
        self.texts.push(String::new());
        self.too_deep = self.path.len() > DEPTH;
        if self.row_depth.is_none() && self.rows.contains(&self.path) {
            self.flush_rest(job);
            self.row_depth = Some(self.path.len());
        }
        for attribute in start.attributes().with_checks(false).flatten() {
            let key: &str = attribute.key.as_ref();
            if key.starts_with("xmlns") {
                continue;
            }
            let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) else { continue };
            let key = if is_name(key.as_bytes()) { key } else { "*" };
            self.cell(job, &format!("@{key}"), value.as_bytes());
        }
    }

    fn close(&mut self, job: &mut Job<'_>) {
        let Some(text) = self.texts.pop() else { return };
        let value = text.trim();
        if !value.is_empty() {
            self.cell(job, "", value.as_bytes());
        }
        if self.row_depth == Some(self.path.len()) {
            self.row_depth = None;
            let key = self.path.join(".");
            if let Some(rows) = self.parts.get_mut(&key)
                && rows.end_row()
            {
                rows.deliver(job);
                self.is_over = job.is_over(self.name);
            }
        }
        self.path.pop();
    }

    /// Adds a value of the element that is open.
    fn cell(&mut self, job: &mut Job<'_>, attribute: &str, value: &[u8]) {
        let depth = self.row_depth.unwrap_or(0);
        let (row, inside) = self.path.split_at_checked(depth).unwrap_or_default();
        let mut column = inside.join(".");
        if !attribute.is_empty() {
            column = if column.is_empty() { attribute.to_owned() } else { format!("{column}.{attribute}") };
        } else if column.is_empty() {
            column = row.last().cloned().unwrap_or_default();
        }
        let key = row.join(".");
        let rows = self.part(job, key);
        let column = rows.column(&column);
        rows.push(job, column, value);
        if depth == 0 && rows.width() > CELLS {
            self.flush_rest(job);
        }
    }

    fn part(&mut self, job: &mut Job<'_>, key: String) -> &mut Rows<'a> {
        let key = if self.parts.len() < PARTS || self.parts.contains_key(&key) { key } else { String::new() };
        let name = self.name;
        let location = if key.is_empty() { name.to_owned() } else { format!("{name}#{key}") };
        self.parts.entry(key).or_insert_with(|| Rows::new(job, name, &location))
    }

    fn flush_rest(&mut self, job: &mut Job<'_>) {
        if let Some(rest) = self.parts.get_mut("").filter(|rest| !rest.is_empty()) {
            rest.end_row();
            rest.deliver(job);
        }
    }

    fn end(&mut self, job: &mut Job<'_>, is_whole: bool) {
        self.flush_rest(job);
        let mut parts: Vec<_> = std::mem::take(&mut self.parts).into_values().collect();
        parts.sort_by_key(Rows::part);
        for rows in parts {
            rows.end(job, is_whole);
        }
    }
}
