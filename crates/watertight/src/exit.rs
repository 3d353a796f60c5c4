//! Exit codes, the same for every command.

use std::process::ExitCode;

use model::{Record, RecordType, Verdict};

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

impl Exit {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Finding => 1,
            Self::Usage => 2,
            Self::Undecided => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
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

/// Whether a probe of its own judges the service.
fn is_probed(service: &str) -> bool {
    probe::registry().iter().any(|known| known.about().id == service)
}
