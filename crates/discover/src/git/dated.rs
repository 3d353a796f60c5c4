//! What a reader of files finds in a version of a file, with the commit that brought it in.

use gix_hash::ObjectId;
use jiff::Timestamp;
use model::NotRead;

use crate::{Cell, ColumnId, Part, PartId, Place, Sink};

/// How much of a commit's name tells it apart for people.
const SHORT: usize = 10;

/// Parts of file versions that are told one by one as not read; a history has thousands of pictures.
const MOST_LINES: u64 = 200;

/// How many parts of file versions were told as not read: by design, and for other reasons.
#[derive(Debug, Default)]
pub(super) struct Told {
    by_design: u64,
    undecided: u64,
}

impl Told {
    /// Counts one; whether it is still to be told by itself.
    fn takes(&mut self, by_design: bool) -> bool {
        let count = if by_design { &mut self.by_design } else { &mut self.undecided };
        *count += 1;
        *count <= MOST_LINES
    }

    /// Tells how many were left out.
    pub(super) fn tell_rest(&self, sink: &mut dyn Sink) {
        for (count, by_design) in [(self.by_design, true), (self.undecided, false)] {
            if count > MOST_LINES {
                let why = format!(
                    "{} more parts of file versions, for reasons like those above",
                    count - MOST_LINES
                );
                sink.not_read(NotRead { location: "history".to_owned(), why, by_design });
            }
        }
    }
}

/// Hands everything on, dated.
pub(super) struct Dated<'a> {
    sink: &'a mut dyn Sink,
    told: &'a mut Told,
    commit: Option<(String, Timestamp)>,
    present: Option<bool>,
}

impl<'a> Dated<'a> {
    pub(super) fn new(
        sink: &'a mut dyn Sink,
        commit: Option<(ObjectId, Timestamp)>,
        present: Option<bool>,
        told: &'a mut Told,
    ) -> Self {
        Self { sink, told, commit: commit.map(|(id, when)| (id.to_string(), when)), present }
    }

    /// A place that is no longer there has the commit behind it: `people.csv@0123456789`.
    fn dated(&self, location: String) -> String {
        match &self.commit {
            Some((id, _)) if self.present != Some(true) => {
                format!("{location}@{}", id.get(..SHORT).unwrap_or(id))
            }
            _ => location,
        }
    }
}

impl Sink for Dated<'_> {
    fn part(&mut self, part: Part) -> PartId {
        let location = self.dated(part.location);
        self.sink.part(Part { location, ..part })
    }

    fn column(&mut self, part: PartId, name: &str) -> ColumnId {
        self.sink.column(part, name)
    }

    fn row(&mut self, part: PartId, cells: &[Cell<'_>]) {
        self.sink.row(part, cells);
    }

    fn rows(&mut self, part: PartId, rows: u64) {
        self.sink.rows(part, rows);
    }

    fn text(&mut self, place: &Place<'_>, text: &[u8]) {
        let commit = self.commit.as_ref().map(|(id, when)| (id.as_str(), *when));
        self.sink.text(&Place { commit, present: self.present, ..*place }, text);
    }

    fn not_read(&mut self, missing: NotRead) {
        if !self.told.takes(missing.by_design) {
            return;
        }
        let location = self.dated(missing.location);
        self.sink.not_read(NotRead { location, ..missing });
    }

    fn stop(&self) -> bool {
        self.sink.stop()
    }
}
