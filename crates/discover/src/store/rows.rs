//! From values as a store sends them to a [`Sink`]'s rows: JSON becomes one column for each path, what is too long is cut
//! and told, and columns that were not asked for are dropped.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use model::{Choice, NotRead};

use super::failure::Failure;
use super::json;
use super::{StoreError, Table};
use crate::{Cell, ColumnId, Part, PartId, Sink};

/// Longest value that is read as a whole, in bytes. Of a longer one the beginning is.
pub(crate) const LONGEST_VALUE: usize = 1 << 20;

/// Most columns and paths of a part. Objects whose names are themselves data would make one for each row.
const MOST_COLUMNS: usize = 4096;

/// The column of what belongs to no other: the paths of documents beyond the limit.
const OTHERS: &str = "(others)";

/// Takes in the rows of one part.
pub(crate) struct Rows<'s> {
    sink: &'s mut dyn Sink,
    part: PartId,
    location: String,
    /// The columns and paths that were asked for; `None`: all.
    wanted: Option<HashSet<String>>,
    /// Columns that are known; `None`: nobody asked for it.
    ids: HashMap<String, Option<ColumnId>>,
    /// The bytes of a row's cells, one after the other.
    bytes: Vec<u8>,
    cells: Vec<(ColumnId, Range<usize>)>,
    path: String,
    /// How many values of a column were cut.
    cut: BTreeMap<String, u64>,
    /// There were too many paths.
    crowded: bool,
    /// How many rows were read.
    pub(crate) count: u64,
}

impl<'s> Rows<'s> {
    /// Begins a part. `wanted` empty: all columns.
    pub(crate) fn begin(sink: &'s mut dyn Sink, part: Part, wanted: &[String]) -> Self {
        let location = part.location.clone();
        let wanted = (!wanted.is_empty()).then(|| wanted.iter().cloned().collect());
        Self {
            part: sink.part(part),
            sink,
            location,
            wanted,
            ids: HashMap::new(),
            bytes: Vec::new(),
            cells: Vec::new(),
            path: String::new(),
            cut: BTreeMap::new(),
            crowded: false,
            count: 0,
        }
    }

    /// Adds a value to the row.
    pub(crate) fn value(&mut self, column: &str, value: &[u8]) {
        self.value_at(column, column, value);
    }

    /// Adds a value at a path in a column; under the column's own name once there are too many paths.
    fn value_at(&mut self, column: &str, path: &str, value: &[u8]) {
        let Some(id) = self.id(path).or_else(|| self.id(column)).flatten() else { return };
        let kept = value.get(..LONGEST_VALUE).unwrap_or(value);
        if kept.len() < value.len() {
            count(&mut self.cut, column);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(kept);
        self.cells.push((id, start..self.bytes.len()));
    }

    /// Adds a JSON value to the row: its scalars under their paths. What is no JSON, or too long, is a text.
    pub(crate) fn json(&mut self, column: &str, value: &[u8]) {
        self.nested(column, value, |path, cell| json::flatten(value, column, path, cell).is_ok());
    }

    /// Adds a value that has parts, which `walk` shows under their paths; when it cannot, the value is a text.
    pub(crate) fn nested(
        &mut self,
        column: &str,
        value: &[u8],
        walk: impl FnOnce(&mut String, &mut dyn FnMut(&str, &[u8])) -> bool,
    ) {
        let (cells, bytes) = (self.cells.len(), self.bytes.len());
        let mut path = std::mem::take(&mut self.path);
        let mut cell = |path: &str, text: &[u8]| self.value_at(column, path, text);
        let walked = value.len() <= LONGEST_VALUE && walk(&mut path, &mut cell);
        self.path = path;
        if !walked {
            self.cells.truncate(cells);
            self.bytes.truncate(bytes);
            self.value(column, value);
        }
    }

    /// The column of a path, `None` inside when nobody asked for it; `None` outside when there are too many.
    fn id(&mut self, path: &str) -> Option<Option<ColumnId>> {
        if let Some(known) = self.ids.get(path) {
            return Some(*known);
        }
        if self.ids.len() >= MOST_COLUMNS {
            self.crowded = true;
            return None;
        }
        let asked = self.wanted.as_ref().is_none_or(|wanted| wanted.contains(path));
        let id = asked.then(|| self.sink.column(self.part, path));
        self.ids.insert(path.to_owned(), id);
        Some(id)
    }

    /// Adds a document that has no column of its own: each scalar under its path. When the walk through it fails, nothing
    /// is added.
    ///
    /// # Errors
    /// What the walk says.
    pub(crate) fn document<T, E>(
        &mut self,
        walk: impl FnOnce(&mut dyn FnMut(&str, &[u8])) -> Result<T, E>,
    ) -> Result<T, E> {
        let (cells, bytes) = (self.cells.len(), self.bytes.len());
        let walked = walk(&mut |path, text| self.value_at(OTHERS, path, text));
        if walked.is_err() {
            self.cells.truncate(cells);
            self.bytes.truncate(bytes);
        }
        walked
    }

    /// Ends the row. Whether to go on.
    pub(crate) fn end_row(&mut self) -> bool {
        let bytes = &self.bytes;
        let cells: Vec<Cell<'_>> = self
            .cells
            .iter()
            .map(|(id, range)| (*id, bytes.get(range.clone()).unwrap_or_default()))
            .collect();
        self.sink.row(self.part, &cells);
        self.cells.clear();
        self.bytes.clear();
        if self.bytes.capacity() > 4 * LONGEST_VALUE {
            self.bytes = Vec::new();
        }
        self.count += 1;
        !self.sink.stop()
    }

    /// Notes something of this part that was not read.
    pub(crate) fn not_read(&mut self, what: &str, why: impl Into<String>, by_design: bool) {
        let location =
            if what.is_empty() { self.location.clone() } else { format!("{}.{what}", self.location) };
        self.sink.not_read(NotRead { location, why: why.into(), by_design });
    }

    /// Ends the part as its reading ended: with all rows, stopped by the sink, or by a failure, which is told here unless it is
    /// the store's. What was read stays.
    pub(super) fn close(
        mut self,
        ended: Result<bool, Failure>,
        choice: Choice,
        is_sample: bool,
    ) -> Result<(), Failure> {
        match &ended {
            Ok(true) => {}
            Ok(false) => {
                let why = format!("the reading was ended after {} rows", self.count);
                self.not_read("", why, is_sample);
            }
            Err(failure) => {
                let why = format!("the reading ended after {} rows: {}", self.count, failure.in_words());
                self.not_read("", why, false);
            }
        }
        self.finish(matches!(ended, Ok(true)) && choice == Choice::Everything);
        match ended {
            Err(Failure::Store(error)) => Err(Failure::Store(error)),
            _ => Ok(()),
        }
    }

    /// Ends the part: tells what was cut, and, when all of it was read, how many rows it had.
    pub(crate) fn finish(mut self, whole: bool) {
        for (column, values) in std::mem::take(&mut self.cut) {
            let limit = LONGEST_VALUE >> 20;
            let why = format!("{values} values are longer than {limit} MiB; what follows was not read");
            self.not_read(&column, why, true);
        }
        if self.crowded {
            let why =
                format!("there are more than {MOST_COLUMNS} JSON paths: the others are read as one column");
            self.not_read("", why, true);
        }
        if whole {
            self.sink.rows(self.part, self.count);
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}

/// What was asked for and is in none of these columns.
pub(super) fn gone(wanted: &[String], columns: &[&str]) -> impl Iterator<Item = (String, &'static str)> {
    let is_there = |path: &String| columns.iter().any(|column| asks_for(std::slice::from_ref(path), column));
    wanted.iter().filter(move |path| !is_there(path)).map(|path| (path.clone(), "the column is gone"))
}

/// What the catalogue said of a table.
///
/// # Errors
/// When the table is not one that was listed.
pub(super) fn listed<T: Clone>(relations: &BTreeMap<String, T>, table: &Table) -> Result<T, StoreError> {
    let found = relations.get(&table.location).cloned();
    found.ok_or_else(|| StoreError::Answer(format!("{}: not in the list of tables", table.location)))
}

/// Whether something below the column `column` is among `wanted` (none: all): it, or a JSON path in it.
pub(crate) fn asks_for(wanted: &[String], column: &str) -> bool {
    let below = |path: &String| {
        path.strip_prefix(column).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    wanted.is_empty() || wanted.iter().any(below)
}
