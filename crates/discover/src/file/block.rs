//! Rows on their way to the sink, many at a time: one side reads and splits, the other recognises. For large inputs the
//! two sides are two threads.

use std::ops::Range;
use std::sync::mpsc;

use super::text::cut;
use crate::{Cell, ColumnId, PartId, Place, Sink};

/// Bytes that are read and split at a time.
pub(super) const BLOCK: usize = 1 << 20;

/// Blocks after which a second thread is worth its start.
const ALONE: usize = 4;

/// Blocks that wait between the two threads: memory is bounded by these, and by the longest record.
const WAITING: usize = 3;

/// One value: its column, and where its bytes stand in [`Block::bytes`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) column: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Rows, and what in between is none.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// What was read, and behind it what had to be unescaped.
    pub(super) bytes: Vec<u8>,
    /// The values of all rows, row by row.
    pub(super) cells: Vec<Span>,
    /// Where in `cells` each row ends.
    pub(super) rows: Vec<u32>,
    /// Columns that occur for the first time; a column's number is its place in the list of all that ever came.
    pub(super) columns: Vec<String>,
    /// What is not a row and goes to the sink as text: its line (0: a table's cell has none) and where it stands.
    pub(super) texts: Vec<(u64, Range<usize>)>,
}

impl Block {
    /// Forgets what was in it, and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.rows.clear();
        self.columns.clear();
        self.texts.clear();
    }

    /// The values since the last row are a row.
    pub(super) fn end_row(&mut self) {
        self.rows.push(u32::try_from(self.cells.len()).unwrap_or(u32::MAX));
    }

    /// Adds a value that does not stand in what was read.
    pub(super) fn push(&mut self, column: u32, value: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(value);
        self.cells.push(Span { column, start, end: self.bytes.len() as u32 });
    }

    fn of(&self, span: &Range<usize>) -> &[u8] {
        self.bytes.get(span.clone()).unwrap_or_default()
    }
}

/// A part that rows go to: the columns that the reader numbers, and those of the sink.
pub(super) struct Table<'a> {
    /// The file, for texts between the rows.
    pub(super) file: &'a str,
    pub(super) part: PartId,
    ids: Vec<ColumnId>,
    rows: u64,
}

impl<'a> Table<'a> {
    pub(super) fn new(file: &'a str, part: PartId) -> Self {
        Self { file, part, ids: Vec::new(), rows: 0 }
    }

    /// How many rows were delivered.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Hands everything to the sink. Whether to go on.
    pub(super) fn deliver(&mut self, block: &Block, sink: &mut dyn Sink) -> bool {
        for name in &block.columns {
            self.ids.push(sink.column(self.part, name));
        }
        let mut cells: Vec<Cell<'_>> = Vec::new();
        let mut from = 0;
        for end in &block.rows {
            let end = *end as usize;
            cells.clear();
            for span in block.cells.get(from..end).unwrap_or_default() {
                let value = block.bytes.get(span.start as usize..span.end as usize).unwrap_or_default();
                if let Some(id) = self.ids.get(span.column as usize) {
                    cells.push((*id, value));
                }
            }
            from = end;
            sink.row(self.part, &cells);
        }
        self.rows += block.rows.len() as u64;
        for (line, range) in &block.texts {
            let place = Place { file: self.file, line: *line, commit: None, present: None, as_rows: false };
            let mut text = block.of(range);
            while !text.is_empty() {
                let end =
                    if text.len() > BLOCK { cut(text.get(..BLOCK).unwrap_or_default()) } else { text.len() };
                let (piece, rest) = text.split_at_checked(end).unwrap_or_default();
                sink.text(&place, piece);
                text = rest;
            }
        }
        !sink.stop()
    }
}

/// What a reader says after it filled a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// There is more.
    More,
    /// This was the last one; it may hold rows, too.
    End,
}

/// Brings blocks from `fill` to the sink until the end, or until the sink wants no more (then false). `fill` gets a block
/// that was cleared, with the bytes that it held before.
pub(super) fn pump(
    sink: &mut dyn Sink,
    table: &mut Table<'_>,
    fill: &mut dyn FnMut(&mut Block) -> Next,
) -> bool {
    let mut block = Block::default();
    for _ in 0..ALONE {
        block.clear();
        let next = fill(&mut block);
        if !table.deliver(&block, sink) {
            return false;
        }
        if next == Next::End {
            return true;
        }
    }
    std::thread::scope(|scope| {
        let (full, filled) = mpsc::sync_channel::<Block>(WAITING);
        let (empty, emptied) = mpsc::channel::<Block>();
        // The sink moves, not the reader: what an archive gives cannot be sent to another thread.
        let delivering = scope.spawn(move || {
            for block in filled {
                if !table.deliver(&block, sink) {
                    return false;
                }
                let _ = empty.send(block);
            }
            true
        });
        loop {
            let mut block = emptied.try_recv().unwrap_or_default();
            block.clear();
            let next = fill(&mut block);
            if full.send(block).is_err() || next == Next::End {
                break;
            }
        }
        drop(full);
        delivering.join().unwrap_or(false)
    })
}
