//! Rows of a part whose columns have names, for the formats that bring one value at a time.

use std::collections::HashMap;

use super::block::{BLOCK, Block, Table};
use super::job::Job;

/// Columns of one part; what comes on top shares one.
const COLUMNS: usize = 10_000;

/// Cells of one row: a row of more becomes several.
const CELLS: usize = 100_000;

/// The rows of one part on their way to the sink.
pub(super) struct Rows<'a> {
    table: Table<'a>,
    block: Block,
    columns: HashMap<String, u32>,
    begun: usize,
    longest: usize,
}

impl<'a> Rows<'a> {
    /// Begins a part.
    pub(super) fn new(job: &mut Job<'_>, file: &'a str, location: &str) -> Self {
        let part = job.part(location);
        Self {
            table: Table::new(file, part),
            block: Block::default(),
            columns: HashMap::new(),
            begun: 0,
            longest: job.longest(),
        }
    }

    /// The number of a column; that its name is none of the values is for the caller to know.
    pub(super) fn column(&mut self, name: &str) -> u32 {
        if let Some(number) = self.columns.get(name) {
            return *number;
        }
        let is_full = self.columns.len() >= COLUMNS;
        let name = if is_full { "*" } else { name };
        let next = self.columns.len() as u32;
        let number = *self.columns.entry(name.to_owned()).or_insert(next);
        if number == next {
            self.block.columns.push(name.to_owned());
        }
        number
    }

    /// Adds a value to the row.
    pub(super) fn push(&mut self, job: &mut Job<'_>, column: u32, value: &[u8]) {
        self.block.push(column, value);
        if self.block.cells.len() - self.begun > CELLS || self.block.bytes.len() > BLOCK + self.longest {
            self.end_row();
            self.deliver(job);
        }
    }

    /// Whether the row has no value.
    pub(super) fn is_empty(&self) -> bool {
        self.block.cells.len() == self.begun
    }

    /// How many values the row has.
    pub(super) fn width(&self) -> usize {
        self.block.cells.len() - self.begun
    }

    /// Ends the row. Whether it is time to deliver.
    pub(super) fn end_row(&mut self) -> bool {
        self.block.end_row();
        self.begun = self.block.cells.len();
        self.block.bytes.len() >= BLOCK || self.block.rows.len() >= 4096
    }

    /// Hands the rows to the sink.
    pub(super) fn deliver(&mut self, job: &mut Job<'_>) {
        self.table.deliver(&self.block, job.sink);
        self.block.clear();
        self.block.bytes.clear();
        self.begun = 0;
    }

    /// Hands over what is left; `is_whole` when all rows of the part were read.
    pub(super) fn end(mut self, job: &mut Job<'_>, is_whole: bool) {
        if !self.is_empty() {
            self.end_row();
        }
        self.deliver(job);
        if is_whole {
            job.sink.rows(self.table.part, self.table.rows());
        }
    }

    /// The part, to bring parts into the order in which they came.
    pub(super) fn part(&self) -> crate::PartId {
        self.table.part
    }
}
