//! A sink for tests that keeps what it is given.

use model::NotRead;

use crate::{Cell, ColumnId, Part, PartId, Place, Sink};

/// What was given.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) parts: Vec<Part>,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<(String, String)>>,
    pub(crate) not_read: Vec<NotRead>,
    pub(crate) totals: Vec<u64>,
    pub(crate) texts: Vec<(String, Vec<u8>)>,
}

impl Sink for Kept {
    fn part(&mut self, part: Part) -> PartId {
        self.parts.push(part);
        PartId(self.parts.len() - 1)
    }

    fn column(&mut self, _part: PartId, name: &str) -> ColumnId {
        let at = self.columns.iter().position(|column| column == name).unwrap_or_else(|| {
            self.columns.push(name.to_owned());
            self.columns.len() - 1
        });
        ColumnId(at)
    }

    fn row(&mut self, _part: PartId, cells: &[Cell<'_>]) {
        let cells = cells.iter().map(|(column, value)| {
            (self.columns[column.0].clone(), String::from_utf8_lossy(value).into_owned())
        });
        self.rows.push(cells.collect());
    }

    fn rows(&mut self, _part: PartId, rows: u64) {
        self.totals.push(rows);
    }

    fn text(&mut self, place: &Place<'_>, text: &[u8]) {
        self.texts.push((place.file.to_owned(), text.to_vec()));
    }

    fn not_read(&mut self, missing: NotRead) {
        self.not_read.push(missing);
    }

    fn stop(&self) -> bool {
        false
    }
}

/// Owned pairs.
pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
