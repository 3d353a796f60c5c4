//! What every reader of a format holds: the limits, what was spent, and the sink.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use model::{Choice, NotRead};

use super::limits::{Limits, Spent, why};
use crate::{Part, PartId, Place, Sink};

/// The reading of files of one call.
pub(super) struct Job<'a> {
    pub(super) limits: &'a Limits,
    pub(super) spent: &'a Spent,
    pub(super) sink: &'a mut dyn Sink,
    /// How many files of each sort without text were met.
    pub(super) without_text: &'a RefCell<BTreeMap<&'static str, u64>>,
    /// What is read was read as rows before.
    pub(super) as_rows: bool,
}

impl<'a> Job<'a> {
    /// The same job for a reader further inside.
    pub(super) fn inner(&mut self) -> Job<'_> {
        Job {
            limits: self.limits,
            spent: self.spent,
            sink: self.sink,
            without_text: self.without_text,
            as_rows: self.as_rows,
        }
    }

    /// Bytes of the longest record: offsets within a block have 32 bits.
    pub(super) fn longest(&self) -> usize {
        self.limits.longest_record.clamp(1024, 1 << 30)
    }

    /// Notes something that was not read.
    pub(super) fn tell(&mut self, location: &str, why: impl Into<String>) {
        self.sink.not_read(NotRead { location: location.to_owned(), why: why.into(), by_design: false });
    }

    /// Notes something that is left out by design, or was read in another way: it leaves nothing undecided.
    pub(super) fn mention(&mut self, location: &str, why: impl Into<String>) {
        self.sink.not_read(NotRead { location: location.to_owned(), why: why.into(), by_design: true });
    }

    /// Notes an error that ended the reading of `location`. A bound that was hit belongs to the outermost file and is
    /// told there, once.
    pub(super) fn tell_error(&mut self, location: &str, error: &io::Error) {
        if self.spent.cut().is_none() {
            self.tell(location, why(error));
        }
    }

    /// Whether the run has ended or a bound was hit; notes for the former that the rest of `location` was not read.
    pub(super) fn is_over(&mut self, location: &str) -> bool {
        if self.sink.stop() {
            self.tell(
                location,
                "the run ended before this was read to its end; give it more time and run again",
            );
            return true;
        }
        self.spent.cut().is_some()
    }

    /// Begins a part of which every row is read.
    pub(super) fn part(&mut self, location: &str) -> PartId {
        self.spent.begin_part();
        self.sink.part(Part {
            location: location.to_owned(),
            choice: Choice::Everything,
            rows: None,
            cluster: 1,
        })
    }

    /// Gives a short text that has no lines.
    pub(super) fn text(&mut self, file: &str, line: u64, text: &[u8]) {
        self.sink.text(&Place { file, line, commit: None, present: None, as_rows: self.as_rows }, text);
    }

    /// Runs a library that reads strangers' bytes: a panic in it is a file that could not be read, not our end.
    pub(super) fn guarded<T>(&mut self, location: &str, run: impl FnOnce(&mut Job<'_>) -> T) -> Option<T> {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&mut self.inner())));
        if outcome.is_err() {
            self.tell(location, "it is damaged in a way that its reader cannot bear; open and save it anew");
        }
        outcome.ok()
    }
}

/// Reads until the buffer is full or the input ends; an error comes beside what was read before it.
pub(super) fn fill(input: &mut dyn Read, into: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read.min(rest.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

/// The name of a member: `a.zip!b.txt`. Hostile names keep no control characters.
pub(super) fn member_name(outer: &str, member: &str) -> String {
    let member: String =
        member.chars().take(1024).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!("{outer}!{member}")
}
