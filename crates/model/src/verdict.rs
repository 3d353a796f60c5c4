//! What a stranger gets, and how bad that is.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Reach;

/// What a stranger, who shows no secret, gets. Ordered from worst to best: of several surfaces the first decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Data, or their administration.
    Open,
    /// A dashboard or proxy relays reads of a store.
    PivotOpen,
    /// The first comer becomes administrator.
    Uninitialised,
    /// A documented vendor default works (tried only when asked to).
    DefaultCredential,
    /// A guest account, or facts beyond identity, version and health, while the data were refused.
    OpenPartial,
    /// Something answers; nothing is decided.
    Unknown,
    /// Refused because of the address it came from.
    NetworkRestricted,
    /// An explicit demand for authentication, or an explicit refusal, was seen.
    Protected,
    /// Nothing known speaks there.
    Unidentified,
    /// No answer.
    Unreachable,
    /// Refused by the host.
    Closed,
}

impl Verdict {
    /// Every verdict, worst first.
    pub const ALL: [Self; 11] = [
        Self::Open,
        Self::PivotOpen,
        Self::Uninitialised,
        Self::DefaultCredential,
        Self::OpenPartial,
        Self::Unknown,
        Self::NetworkRestricted,
        Self::Protected,
        Self::Unidentified,
        Self::Unreachable,
        Self::Closed,
    ];

    /// Whether a stranger gets in, if only in part.
    pub fn is_open(self) -> bool {
        self <= Self::OpenPartial
    }

    /// Whether the door was seen shut by the service itself.
    pub fn is_shut(self) -> bool {
        matches!(self, Self::NetworkRestricted | Self::Protected)
    }

    /// Whether the question "is it open?" was left without an answer.
    pub fn is_undecided(self) -> bool {
        matches!(self, Self::Unknown | Self::Unidentified | Self::Unreachable | Self::Closed)
    }

    /// What the verdict means, in one clause.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Open => "a stranger reads data or administers the service without any credential",
            Self::PivotOpen => "a dashboard or proxy relays a stranger's reads to a store behind it",
            Self::Uninitialised => "the first comer becomes administrator",
            Self::DefaultCredential => "a default credential documented by the vendor works",
            Self::OpenPartial => "a stranger gets a guest account or inside facts, but not the data",
            Self::Unknown => "something answers, but whether a stranger gets in is not decided",
            Self::NetworkRestricted => "refused because of the address it came from",
            Self::Protected => "authentication is demanded, or access is explicitly refused",
            Self::Unidentified => "something listens, but nothing known speaks there",
            Self::Unreachable => "no answer",
            Self::Closed => "the host refused the connection",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "OPEN",
            Self::PivotOpen => "PIVOT_OPEN",
            Self::Uninitialised => "UNINITIALISED",
            Self::DefaultCredential => "DEFAULT_CREDENTIAL",
            Self::OpenPartial => "OPEN_PARTIAL",
            Self::Unknown => "UNKNOWN",
            Self::NetworkRestricted => "NETWORK_RESTRICTED",
            Self::Protected => "PROTECTED",
            Self::Unidentified => "UNIDENTIFIED",
            Self::Unreachable => "UNREACHABLE",
            Self::Closed => "CLOSED",
        })
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Low,
    /// Fix it in the ordinary course.
    Medium,
    /// Fix it today.
    High,
    /// Fix it now.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// The one table that turns a verdict into a severity.
pub fn severity(verdict: Verdict, reach: Reach) -> Severity {
    use Severity::{Critical, High, Info, Low, Medium};
    let open = match reach {
        Reach::Internet => Critical,
        Reach::Vpc | Reach::Lan | Reach::Unknown => High,
        Reach::Host => Medium,
    };
    match verdict {
        Verdict::Open | Verdict::PivotOpen | Verdict::Uninitialised | Verdict::DefaultCredential => open,
        Verdict::OpenPartial => match open {
            Critical => High,
            High => Medium,
            _ => Low,
        },
        Verdict::Protected | Verdict::NetworkRestricted if reach == Reach::Internet => Low,
        _ => Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_door_weighs_by_who_can_reach_it() {
        assert_eq!(severity(Verdict::Open, Reach::Internet), Severity::Critical);
        assert_eq!(severity(Verdict::PivotOpen, Reach::Unknown), Severity::High);
        assert_eq!(severity(Verdict::Open, Reach::Host), Severity::Medium);
        assert_eq!(severity(Verdict::OpenPartial, Reach::Host), Severity::Low);
    }

    #[test]
    fn unknown_weighs_through_the_exit_code_only() {
        for verdict in [Verdict::Unknown, Verdict::Unidentified, Verdict::Unreachable, Verdict::Closed] {
            assert_eq!(severity(verdict, Reach::Internet), Severity::Info);
        }
    }

    #[test]
    fn the_worst_surface_comes_first() {
        assert!(Verdict::Open < Verdict::OpenPartial);
        assert!(Verdict::OpenPartial < Verdict::Unknown);
        assert!(Verdict::Unknown < Verdict::NetworkRestricted);
        assert!(Verdict::NetworkRestricted < Verdict::Protected);
        assert!(Verdict::ALL.is_sorted());
    }
}
