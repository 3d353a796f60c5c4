//! What a probe found out about one asset.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asset, Exchange, Reach, TlsFacts, Vantage, Verdict};

/// Numbers that were had without reading a record: `indices`, `databases`, `documents`, `bytes`, `keys`, ...
pub type Counts = BTreeMap<String, u64>;

/// On what a probe was proven right for a verdict. Part of the output: a reader may weigh it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// Bytes published by the vendor or written from the server's source, replayed.
    Transcript,
    /// Somebody else's implementation of the protocol.
    Independent,
    /// A real server in that state.
    Real,
}

impl Proof {
    /// The word used in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Transcript => "transcript",
            Self::Independent => "independent",
            Self::Real => "real",
        }
    }
}

/// One line of a probe's `proven_on`: for which versions and which verdict, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    /// Versions of the product.
    pub version: Cow<'static, str>,
    /// The verdict that was obtained and right.
    pub verdict: Verdict,
    /// How.
    pub level: Proof,
}

impl Proven {
    /// A line of a probe that is written in Rust.
    pub const fn new(level: Proof, verdict: Verdict, version: &'static str) -> Self {
        Self { version: Cow::Borrowed(version), verdict, level }
    }

    /// Whether it speaks for a version that was observed: by the major numbers it names, `A to B` being a range. A
    /// version that was not told, or a line that names none, is given the benefit.
    pub fn covers(&self, observed: Option<&str>) -> bool {
        let major = |text: &str| {
            text.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty())?.parse().ok()
        };
        let Some(observed) = observed.and_then(major) else { return true };
        let words: Vec<&str> = self.version.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
        let named: Vec<Option<u32>> = words.iter().map(|word| major(word)).collect();
        let range = words
            .iter()
            .position(|word| *word == "to")
            .and_then(|at| Some(named.get(at.checked_sub(1)?).copied()??..=named.get(at + 1).copied()??));
        let numbers: Vec<u32> = named.into_iter().flatten().collect();
        numbers.is_empty()
            || numbers.contains(&observed)
            || range.is_some_and(|range| range.contains(&observed))
    }
}

/// One door that leads in. A service can have several (etcd v2 beside v3); the worst decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Surface {
    /// Its name, for instance `v2`.
    pub name: String,
    /// What a stranger gets there.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

impl Surface {
    /// A surface with its verdict.
    pub fn new(name: impl Into<String>, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { name: name.into(), verdict, reason: reason.into() }
    }
}

/// What was found out about one asset from one vantage.
#[derive(Clone, Debug)]
pub struct Observation {
    /// What was looked at.
    pub asset: Asset,
    /// From where.
    pub vantage: Vantage,
    /// Who can reach it.
    pub reach: Reach,
    /// The user asked for exactly this endpoint (decides whether an undecided verdict counts for exit 3).
    pub explicit: bool,
    /// Which service, by the registry of probes; `None` when nothing known speaks there.
    pub service: Option<String>,
    /// Product name for people (`MariaDB`, `OpenSearch`).
    pub product: Option<String>,
    /// The version it told.
    pub version: Option<String>,
    /// What a stranger gets.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Each door, when the service has more than one.
    pub surfaces: Vec<Surface>,
    /// Numbers had without reading a record.
    pub counts: Counts,
    /// How many names (of indices, databases) look like ransom notes.
    pub ransom_names: u64,
    /// TLS facts, when TLS was spoken.
    pub tls: Option<TlsFacts>,
    /// Level of proof of the probe for this verdict.
    pub proof: Option<Proof>,
    /// What was sent and what came back.
    pub evidence: Vec<Exchange>,
    /// When the verdict was reached.
    pub at: Timestamp,
}

impl Observation {
    /// What was found out, with nothing known beyond the verdict.
    pub fn new(
        asset: Asset,
        vantage: Vantage,
        reach: Reach,
        verdict: Verdict,
        reason: impl Into<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            asset,
            vantage,
            reach,
            explicit: false,
            service: None,
            product: None,
            version: None,
            verdict,
            reason: reason.into(),
            surfaces: Vec::new(),
            counts: Counts::new(),
            ransom_names: 0,
            tls: None,
            proof: None,
            evidence: Vec::new(),
            at,
        }
    }
}

/// Words in the names that extortionists leave behind after wiping a store, lower case. From published incident
/// reports of the MongoDB (2017), Elasticsearch and MySQL campaigns and of 2022's `your_data_is_safe`.
const RANSOM_WORDS: [&str; 14] = [
    "read_me",
    "readme",
    "read-me",
    "read__me",
    "please_read",
    "recover_your",
    "how_to_recover",
    "how_to_restore",
    "to_restore",
    "your_data_is",
    "contact_for_your_data",
    "pwned",
    "-meow",
    "btc_",
];

/// Whole names that are ransom notes.
const RANSOM_NAMES: [&str; 5] = ["warning", "meow", "hacked", "ransom", "z_readme_to_recover"];

/// Whether the name of an index, database or table looks like a ransom note.
pub fn looks_like_ransom_note(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    RANSOM_NAMES.contains(&name.as_str()) || RANSOM_WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{Proof, Proven, looks_like_ransom_note};
    use crate::Verdict;

    #[test]
    fn a_proof_speaks_for_the_versions_it_names() {
        let proven = |version| Proven::new(Proof::Real, Verdict::Open, version);
        assert!(proven("Elasticsearch 6.8, 7.17, 8.7; OpenSearch 2.19").covers(Some("7.10.2")));
        assert!(!proven("Elasticsearch 6.8, 7.17, 8.7; OpenSearch 2.19").covers(Some("9.5.3")));
        assert!(proven("4.6 to 9.x, routes read in the source").covers(Some("6.8")));
        assert!(!proven("4.6 to 9.x, routes read in the source").covers(Some("10.0")));
        assert!(proven("7.0.15").covers(None) && proven("current").covers(Some("25.8")));
    }

    #[test]
    fn notes_of_known_campaigns_are_seen() {
        for name in [
            "READ_ME_TO_RECOVER_YOUR_DATA",
            "your_data_is_safe",
            "x7k2-meow",
            "WARNING",
            "please_read_me_vvv",
            "PWNED",
        ] {
            assert!(looks_like_ransom_note(name), "{name}");
        }
    }

    #[test]
    fn ordinary_names_are_not() {
        for name in ["customers", "warnings-2024", "homeowners", "orders", "threads", ".kibana_1"] {
            assert!(!looks_like_ransom_note(name), "{name}");
        }
    }
}
