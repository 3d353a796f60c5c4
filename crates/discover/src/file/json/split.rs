//! Splits one JSON value into cells: `{"person":{"phones":[{"number":"1"}]}}` has a cell in the column
//! `person.phones[].number`. RFC 8259 (<https://www.rfc-editor.org/rfc/rfc8259>), read leniently: what cannot be told
//! apart is refused, and whether `1.2.3` is a number is not asked.
//!
//! Rows of one file have the same keys in the same order. Each object remembers its keys; the next one is compared with
//! the key that followed last time, byte by byte, before any search.

use std::collections::HashMap;

use super::super::block::{Block, Span};
use super::super::names::is_name;
use super::unescape::{is_blank, string_end, unescape};

/// Objects and arrays inside one another; what lies deeper is one cell with its JSON text.
const DEPTH: usize = 64;

/// Keys of one object path: an object with more is a map, whose keys are data.
const KEYS: usize = 512;

/// Columns of one file.
const COLUMNS: usize = 20_000;

/// The node of the value as a whole.
pub(crate) const ROOT_NODE: u32 = 0;

/// The column of a root that is a bare value.
const ROOT: &str = "$";

/// Not JSON, or cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotJson;

/// A place in the tree of paths.
#[derive(Debug, Default)]
struct Node {
    path: String,
    column: Option<u32>,
    /// The keys of an object here, as they stand in the file with their quotes, in order of their first occurrence.
    keys: Vec<(Box<[u8]>, u32)>,
    found: HashMap<Box<[u8]>, u32>,
    /// The elements of an array here.
    element: Option<u32>,
    /// All keys that are data: their values share a path, and the keys are a column.
    star: Option<(u32, u32)>,
}

/// The paths of one file, and the numbers of its columns.
#[derive(Debug)]
pub(crate) struct Splitter {
    nodes: Vec<Node>,
    columns: u32,
}

/// An object or array that is open: its node, whether it is an object, and the key that is expected next.
#[derive(Clone, Copy)]
struct Open {
    node: u32,
    object: bool,
    expected: usize,
}

impl Default for Splitter {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], columns: 0 }
    }
}

impl Splitter {
    /// Adds the cells of the value at `start..end` of the block's bytes, white space around it allowed. On an error the
    /// block has no new cells.
    pub(crate) fn split(&mut self, block: &mut Block, start: usize, end: usize) -> Result<(), NotJson> {
        self.split_at(ROOT_NODE, block, start, end)
    }

    /// The same for a value that stands at `node`.
    pub(crate) fn split_at(
        &mut self,
        node: u32,
        block: &mut Block,
        start: usize,
        end: usize,
    ) -> Result<(), NotJson> {
        let (cells, bytes) = (block.cells.len(), block.bytes.len());
        let result = self.walk(node, block, start, end);
        if result.is_err() {
            block.cells.truncate(cells);
            block.bytes.truncate(bytes);
        }
        result
    }

    /// The value of the key whose quotes stand at `at` and `stop`, of an object at `node`, and whether the key is data.
    pub(crate) fn child(
        &mut self,
        node: u32,
        block: &mut Block,
        at: usize,
        stop: usize,
    ) -> Result<(u32, bool), NotJson> {
        let is_escaped = memchr::memchr(b'\\', block.bytes.get(at..stop).unwrap_or_default()).is_some();
        let open = Open { node, object: true, expected: 0 };
        let (child, _) = self.other_key(block, open, at, stop, is_escaped)?;
        let star = self.nodes.get(node as usize).and_then(|node| node.star);
        Ok((child, star.is_some_and(|(values, _)| values == child)))
    }

    /// The path of a node.
    pub(crate) fn path(&self, node: u32) -> &str {
        self.nodes.get(node as usize).map(|node| node.path.as_str()).unwrap_or_default()
    }

    fn walk(&mut self, node: u32, block: &mut Block, start: usize, end: usize) -> Result<(), NotJson> {
        let mut open: Vec<Open> = Vec::with_capacity(8);
        let mut at = self.value(block, start, end, node, &mut open)?;
        while let Some(top) = open.last_mut() {
            at = blanks(block, at, end);
            let byte = *block.bytes.get(at).filter(|_| at < end).ok_or(NotJson)?;
            if byte == if top.object { b'}' } else { b']' } {
                open.pop();
                at += 1;
                if let Some(outer) = open.last() {
                    at = after_value(block, at, end, outer.object)?;
                }
                continue;
            }
            let node = if top.object {
                if byte != b'"' {
                    return Err(NotJson);
                }
                let (node, expected, after) = self.key(block, *top, at, end)?;
                top.expected = expected;
                at = blanks(block, after, end);
                node
            } else {
                self.element(top.node)
            };
            let (object, depth) = (top.object, open.len());
            at = self.value(block, at, end, node, &mut open)?;
            if open.len() == depth {
                at = after_value(block, at, end, object)?;
            }
        }
        if blanks(block, at, end) == end { Ok(()) } else { Err(NotJson) }
    }

    /// Takes the value at `at` for `node`, or opens it. Where it ends, or its content begins.
    fn value(
        &mut self,
        block: &mut Block,
        at: usize,
        end: usize,
        node: u32,
        open: &mut Vec<Open>,
    ) -> Result<usize, NotJson> {
        let at = blanks(block, at, end);
        let byte = *block.bytes.get(at).filter(|_| at < end).ok_or(NotJson)?;
        match byte {
            b'"' => {
                let (stop, escaped) = string_end(&block.bytes, at + 1, end).ok_or(NotJson)?;
                let column = self.column(block, node);
                if escaped {
                    let start = block.bytes.len();
                    unescape(&mut block.bytes, at + 1, stop)?;
                    block.cells.push(span(column, start, block.bytes.len()));
                } else {
                    block.cells.push(span(column, at + 1, stop));
                }
                Ok(stop + 1)
            }
            b'{' | b'[' if open.len() < DEPTH => {
                open.push(Open { node, object: byte == b'{', expected: 0 });
                Ok(at + 1)
            }
            b'{' | b'[' => {
                let stop = value_end(&block.bytes, at, end).ok_or(NotJson)?;
                let column = self.column(block, node);
                block.cells.push(span(column, at, stop));
                Ok(stop)
            }
            _ => {
                let stop = word_end(&block.bytes, at, end);
                let word = block.bytes.get(at..stop).unwrap_or_default();
                match word {
                    b"null" => {}
                    b"true" | b"false" => {
                        let column = self.column(block, node);
                        block.cells.push(span(column, at, stop));
                    }
                    [b'-' | b'0'..=b'9', ..] => {
                        let column = self.column(block, node);
                        block.cells.push(span(column, at, stop));
                    }
                    b"NaN" | b"Infinity" => {}
                    _ => return Err(NotJson),
                }
                Ok(stop)
            }
        }
    }

    /// Reads a key and its colon: the node of its value, the place of the key that is expected after it, and where the
    /// value begins.
    fn key(
        &mut self,
        block: &mut Block,
        open: Open,
        at: usize,
        end: usize,
    ) -> Result<(u32, usize, usize), NotJson> {
        let keys = self.nodes.get(open.node as usize).map(|node| node.keys.as_slice()).unwrap_or_default();
        let mut known = None;
        // A row may leave out a key or two.
        for place in open.expected..(open.expected + 3).min(keys.len()) {
            if let Some((key, node)) = keys.get(place)
                && block.bytes.get(at..at + key.len()) == Some(&**key)
            {
                known = Some((*node, place + 1, at + key.len()));
                break;
            }
        }
        let (node, expected, after) = match known {
            Some(known) => known,
            None => {
                let (stop, escaped) = string_end(&block.bytes, at + 1, end).ok_or(NotJson)?;
                let (node, expected) = self.other_key(block, open, at, stop, escaped)?;
                (node, expected, stop + 1)
            }
        };
        let after = blanks(block, after, end);
        if after < end && block.bytes.get(after) == Some(&b':') {
            Ok((node, expected, after + 1))
        } else {
            Err(NotJson)
        }
    }

    /// A key that is new or in another place; it stands between the quotes at `at` and `stop`.
    #[cold]
    fn other_key(
        &mut self,
        block: &mut Block,
        open: Open,
        at: usize,
        stop: usize,
        escaped: bool,
    ) -> Result<(u32, usize), NotJson> {
        let here = self.nodes.get(open.node as usize).ok_or(NotJson)?;
        let raw = block.bytes.get(at..=stop).ok_or(NotJson)?;
        if let Some(place) = here.found.get(raw) {
            let node = here.keys.get(*place as usize).map(|(_, node)| *node).ok_or(NotJson)?;
            return Ok((node, *place as usize + 1));
        }
        let raw: Box<[u8]> = raw.into();
        let before = block.bytes.len();
        let key = if escaped {
            unescape(&mut block.bytes, at + 1, stop)?;
            block.bytes.get(before..).unwrap_or_default().to_vec()
        } else {
            block.bytes.get(at + 1..stop).unwrap_or_default().to_vec()
        };
        if here.keys.len() >= KEYS || self.nodes.len() >= COLUMNS || !is_name(&key) {
            let (node, column) = self.star(block, open.node);
            block.push(column, &key);
            return Ok((node, open.expected));
        }
        let path = join(&here.path, &String::from_utf8_lossy(&key));
        let place = here.keys.len();
        let node = self.add(path);
        if let Some(here) = self.nodes.get_mut(open.node as usize) {
            here.found.insert(raw.clone(), place as u32);
            here.keys.push((raw, node));
        }
        Ok((node, place + 1))
    }

    fn add(&mut self, path: String) -> u32 {
        self.nodes.push(Node { path, ..Node::default() });
        self.nodes.len() as u32 - 1
    }

    /// The shared path of all values of a map, and the column of its keys.
    fn star(&mut self, block: &mut Block, node: u32) -> (u32, u32) {
        if let Some(star) = self.nodes.get(node as usize).and_then(|node| node.star) {
            return star;
        }
        let path = self.nodes.get(node as usize).map(|node| node.path.clone()).unwrap_or_default();
        let keys = self.add(join(&path, "{key}"));
        let column = self.column(block, keys);
        let values = self.add(join(&path, "*"));
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.star = Some((values, column));
        }
        (values, column)
    }

    fn element(&mut self, node: u32) -> u32 {
        if let Some(element) = self.nodes.get(node as usize).and_then(|node| node.element) {
            return element;
        }
        let path = self.nodes.get(node as usize).map(|node| format!("{}[]", node.path)).unwrap_or_default();
        let element = self.add(path);
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.element = Some(element);
        }
        element
    }

    /// The number of the column of a value at `node`.
    fn column(&mut self, block: &mut Block, node: u32) -> u32 {
        let Some(node) = self.nodes.get_mut(node as usize) else { return 0 };
        if let Some(column) = node.column {
            return column;
        }
        let column = self.columns;
        self.columns += 1;
        node.column = Some(column);
        block.columns.push(if node.path.is_empty() { ROOT.to_owned() } else { node.path.clone() });
        column
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[inline]
fn span(column: u32, start: usize, end: usize) -> Span {
    Span { column, start: start as u32, end: end as u32 }
}

#[inline]
fn blanks(block: &Block, mut at: usize, end: usize) -> usize {
    while at < end && block.bytes.get(at).is_some_and(|byte| is_blank(*byte)) {
        at += 1;
    }
    at
}

/// Passes the comma behind a value; the bracket that may stand there instead is left.
#[inline]
fn after_value(block: &Block, at: usize, end: usize, object: bool) -> Result<usize, NotJson> {
    let at = blanks(block, at, end);
    match block.bytes.get(at).filter(|_| at < end) {
        Some(b',') => Ok(at + 1),
        Some(b'}') if object => Ok(at),
        Some(b']') if !object => Ok(at),
        _ => Err(NotJson),
    }
}

/// Where a number or word ends.
#[inline]
fn word_end(bytes: &[u8], at: usize, end: usize) -> usize {
    let rest = bytes.get(at..end).unwrap_or_default();
    at + rest
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+')))
        .unwrap_or(rest.len())
}

/// Where the value that begins at `at` ends; `None` when it does not end before `end`.
pub(crate) fn value_end(bytes: &[u8], at: usize, end: usize) -> Option<usize> {
    let mut scan = super::unescape::Nesting::default();
    scan.feed(bytes, at, end)
}
