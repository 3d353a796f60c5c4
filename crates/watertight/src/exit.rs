//! Exit codes, the same for every command.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::OnceLock;

use model::{Record, RecordType, Severity, Verdict};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for was read, and nothing reaches `--fail-on`.
    Clean,
    /// A finding is at or above `--fail-on`.
    Finding,
    /// Usage or configuration error. Nothing was sent.
    Usage,
    /// Something asked for stayed undecided or unread.
    Undecided,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Finding => 1,
            Exit::Usage => 2,
            Exit::Undecided => 3,
        })
    }
}

/// Whether a record leaves something undecided that was asked for: an endpoint that was named, a data service that
/// was recognised, one door of several. A stray sshd on an audited host does not.
pub(crate) fn is_undecided(record: &Record) -> bool {
    // A Unix socket is judged by its file mode alone, and nobody asked for it by name.
    let asked = !record.asset.address.starts_with("unix:");
    let recognised = asked && record.service.as_deref().is_some_and(is_probed);
    record.kind == RecordType::Exposure
        && ((record.explicit && record.verdict.is_undecided())
            || (record.verdict == Verdict::Unknown && recognised)
            || record.surfaces.iter().any(|surface| surface.verdict == Verdict::Unknown))
}

/// Whether a probe of its own judges the service. The list is made once: reports have many records.
fn is_probed(service: &str) -> bool {
    static PROBED: OnceLock<HashSet<String>> = OnceLock::new();
    PROBED
        .get_or_init(|| probe::registry().iter().map(|known| known.about().id.to_owned()).collect())
        .contains(service)
}

/// The exit code of an audit. A known open door counts more than an unknown one.
pub(crate) fn of_audit(
    records: &[Record],
    fail_on: Severity,
    known: impl Fn(&Record) -> bool,
    interrupted: bool,
) -> Exit {
    if records.iter().any(|record| record.fails(fail_on) && !known(record)) {
        Exit::Finding
    } else if interrupted || records.iter().any(is_undecided) {
        Exit::Undecided
    } else {
        Exit::Clean
    }
}
