//! What one run has to tell, before it takes a format.

use std::collections::HashMap;

use jiff::Timestamp;
use model::{Record, RecordType, Severity, Verdict};

use crate::exit::{Exit, is_undecided};

/// The result of a run: records in their stable order, and what could not be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// All records, worst first.
    pub(crate) records: Vec<Record>,
    /// What the run could not see, one sentence each ("2 listeners belong to other users' processes").
    pub(crate) not_seen: Vec<String>,
    /// What a reader should know about what was seen, one sentence each. It changes no verdict.
    pub(crate) notes: Vec<String>,
    /// What was asked for, in the user's words; empty for "this machine".
    pub(crate) targets: Vec<String>,
    /// Endpoints that were dialled or judged.
    pub(crate) looked_at: u64,
    /// The run was cut short by Ctrl-C.
    pub(crate) interrupted: bool,
    /// When it began.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Timestamp,
    /// What fails the run.
    pub(crate) fail_on: Severity,
    /// Ids and severities of an earlier report: what is known does not fail the run, unless it has become worse.
    pub(crate) baseline: HashMap<String, Severity>,
}

/// How many exposures have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// A stranger gets in, at least in part.
    pub(crate) open: usize,
    /// Of these, accepted by somebody.
    pub(crate) accepted: usize,
    /// Protected or restricted by network.
    pub(crate) protected: usize,
    /// Unknown or unidentified.
    pub(crate) unknown: usize,
    /// Unreachable or closed.
    pub(crate) no_answer: usize,
}

impl Report {
    /// Whether a record fails the run.
    pub(crate) fn fails(&self, record: &Record) -> bool {
        // A door that was shut then and is open now has the same id.
        let known = self.baseline.get(&record.id).is_some_and(|then| *then >= record.severity);
        record.fails(self.fail_on) && !known
    }

    /// How the run ends. A known open door counts more than an unknown one.
    pub(crate) fn exit(&self) -> Exit {
        if self.records.iter().any(|record| self.fails(record)) {
            Exit::Finding
        } else if self.interrupted || self.records.iter().any(is_undecided) {
            Exit::Undecided
        } else {
            Exit::Clean
        }
    }

    /// Counts exposures by what they mean for the reader.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for record in self.records.iter().filter(|record| record.kind == RecordType::Exposure) {
            match record.verdict {
                verdict if verdict.is_open() => {
                    summary.open += 1;
                    summary.accepted += usize::from(record.accepted.is_some());
                }
                verdict if verdict.is_shut() => summary.protected += 1,
                Verdict::Unknown | Verdict::Unidentified => summary.unknown += 1,
                _ => summary.no_answer += 1,
            }
        }
        summary
    }
}
