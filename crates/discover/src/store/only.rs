//! A sink that passes on some columns only, for readers that bring all of them; and that says so when only the beginning of
//! an object was read.

use std::collections::{HashMap, HashSet};

use model::{Choice, NotRead};

use crate::{Cell, ColumnId, Part, PartId, Place, Sink};

/// Passes on these columns, and no texts; or everything.
pub(super) struct Only<'s> {
    inner: &'s mut dyn Sink,
    wanted: Option<HashSet<String>>,
    /// What the inner sink calls our columns; none: it is not asked for.
    columns: Vec<Option<ColumnId>>,
    known: HashMap<(PartId, String), ColumnId>,
    /// The reader is given the beginning alone, and does not know it.
    beginning: bool,
}

impl<'s> Only<'s> {
    /// An empty list of columns means all of them.
    pub(super) fn new(inner: &'s mut dyn Sink, wanted: &[String]) -> Self {
        let wanted = (!wanted.is_empty()).then(|| wanted.iter().cloned().collect());
        Self { inner, wanted, columns: Vec::new(), known: HashMap::new(), beginning: false }
    }

    /// Passes everything on, as what came first.
    pub(super) fn beginning(inner: &'s mut dyn Sink) -> Self {
        Self { beginning: true, ..Self::new(inner, &[]) }
    }
}

impl Sink for Only<'_> {
    fn part(&mut self, part: Part) -> PartId {
        match self.beginning {
            true => self.inner.part(Part { choice: Choice::FirstRows, rows: None, ..part }),
            false => self.inner.part(part),
        }
    }

    fn column(&mut self, part: PartId, name: &str) -> ColumnId {
        let Some(wanted) = &self.wanted else { return self.inner.column(part, name) };
        if let Some(known) = self.known.get(&(part, name.to_owned())) {
            return *known;
        }
        let column = wanted.contains(name).then(|| self.inner.column(part, name));
        self.columns.push(column);
        let ours = ColumnId(self.columns.len() - 1);
        self.known.insert((part, name.to_owned()), ours);
        ours
    }

    fn row(&mut self, part: PartId, cells: &[Cell<'_>]) {
        if self.wanted.is_none() {
            return self.inner.row(part, cells);
        }
        let theirs =
            cells.iter().filter_map(|(ours, value)| Some((self.columns.get(ours.0).copied()??, *value)));
        let cells: Vec<Cell<'_>> = theirs.collect();
        self.inner.row(part, &cells);
    }

    fn rows(&mut self, part: PartId, rows: u64) {
        if !self.beginning {
            self.inner.rows(part, rows);
        }
    }

    fn text(&mut self, place: &Place<'_>, text: &[u8]) {
        if self.wanted.is_none() {
            self.inner.text(place, text);
        }
    }

    fn not_read(&mut self, missing: NotRead) {
        self.inner.not_read(missing);
    }

    fn stop(&self) -> bool {
        self.inner.stop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::kept::{Kept, pairs};

    #[test]
    fn columns_that_nobody_asked_for_are_dropped() {
        let bring = |wanted: &[String]| {
            let mut kept = Kept::default();
            let mut only = Only::new(&mut kept, wanted);
            let part = Part { location: "p".to_owned(), choice: Choice::Everything, rows: None, cluster: 1 };
            let part = only.part(part);
            let (a, b) = (only.column(part, "a"), only.column(part, "b"));
            assert_eq!(only.column(part, "b"), b);
            only.row(part, &[(a, b"1"), (b, b"2")]);
            kept
        };
        assert_eq!(bring(&["b".to_owned()]).rows, [pairs(&[("b", "2")])]);
        assert_eq!(bring(&[]).rows, [pairs(&[("a", "1"), ("b", "2")])]);
    }

    #[test]
    fn a_beginning_is_no_whole() {
        let mut kept = Kept::default();
        let mut only = Only::beginning(&mut kept);
        let part = Part { location: "p".to_owned(), choice: Choice::Everything, rows: Some(3), cluster: 1 };
        let part = only.part(part);
        let column = only.column(part, "a");
        only.row(part, &[(column, b"1")]);
        only.rows(part, 1);
        assert_eq!((kept.parts[0].choice, kept.parts[0].rows), (Choice::FirstRows, None));
        assert_eq!((kept.rows.len(), kept.totals.len()), (1, 0));
    }
}
