//! The list of what was not read.

use model::NotRead;

/// So many are told one by one; a tree of a million unreadable files would bury everything else.
const TOLD: usize = 10_000;

/// What was not read, and why.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    notes: Vec<NotRead>,
    more: u64,
    more_undecided: bool,
}

impl Ledger {
    /// Adds a note; the same one is told once.
    pub(super) fn note(&mut self, missing: NotRead) {
        if self.notes.last() == Some(&missing) {
            return;
        }
        if self.notes.len() < TOLD {
            self.notes.push(missing);
        } else {
            self.more += 1;
            self.more_undecided |= !missing.by_design;
        }
    }

    /// Adds notes.
    pub(super) fn note_all(&mut self, missing: impl IntoIterator<Item = NotRead>) {
        missing.into_iter().for_each(|missing| self.note(missing));
    }

    /// All notes, in order of their places.
    pub(super) fn into_notes(self) -> Vec<NotRead> {
        let mut notes = self.notes;
        notes.sort();
        notes.dedup();
        if self.more > 0 {
            notes.push(NotRead {
                location: String::new(),
                why: format!("{} more places were not read; only the first {TOLD} are listed", self.more),
                by_design: !self.more_undecided,
            });
        }
        notes
    }
}
