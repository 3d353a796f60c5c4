//! A sink that keeps nothing and holds readers to what they promise it.

use discover::{Cell, ColumnId, Part, PartId, Place, Sink};
use model::NotRead;

/// Largest piece of text that a reader may hand over.
const PIECE: usize = 1 << 20;

/// Takes everything, and checks that it was announced.
#[derive(Default)]
pub struct Unread {
    parts: usize,
    columns: usize,
}

impl Sink for Unread {
    fn part(&mut self, _: Part) -> PartId {
        self.parts += 1;
        PartId(self.parts - 1)
    }

    fn column(&mut self, part: PartId, _: &str) -> ColumnId {
        assert!(part.0 < self.parts, "a column of a part that was not begun");
        self.columns += 1;
        ColumnId(self.columns - 1)
    }

    fn row(&mut self, part: PartId, cells: &[Cell<'_>]) {
        assert!(part.0 < self.parts, "a row of a part that was not begun");
        assert!(cells.iter().all(|(column, _)| column.0 < self.columns), "a cell of no column");
    }

    fn rows(&mut self, part: PartId, _: u64) {
        assert!(part.0 < self.parts, "a count of a part that was not begun");
    }

    fn text(&mut self, _: &Place<'_>, text: &[u8]) {
        assert!(text.len() <= PIECE, "a text of {} bytes", text.len());
    }

    fn not_read(&mut self, missing: NotRead) {
        assert!(!missing.why.is_empty(), "{} was not read, without a reason", missing.location);
    }

    fn stop(&self) -> bool {
        false
    }
}
