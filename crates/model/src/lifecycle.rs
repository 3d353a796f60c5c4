//! End-of-life dates of products, as data: is this version still given security fixes?

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pack::PackError;

/// The published support cycles of one product: `packs/lifecycle/<product>.yml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifecycle {
    /// The product, as probes name it.
    pub product: String,
    /// Where the vendor publishes the dates.
    pub source: String,
    /// When the dates were last compared with the source.
    pub checked: Date,
    /// The cycles, in any order.
    pub cycles: Vec<Cycle>,
}

/// One support cycle.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cycle {
    /// A version prefix on dot boundaries: `7.17`, `15`. The longest match decides.
    pub cycle: String,
    /// The last day with security fixes.
    pub eol: Date,
}

/// What is known of a version's support.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatchState {
    /// The support cycle that the version belongs to.
    pub cycle: String,
    /// The last day with security fixes.
    #[schemars(with = "String")]
    pub eol: Date,
    /// Whether that day had passed.
    pub ended: bool,
    /// Where the date was published.
    pub source: String,
}

impl Lifecycle {
    /// Parses a pack file.
    ///
    /// # Errors
    /// When the text is not such a pack; the message names the place.
    pub fn parse(text: &str) -> Result<Self, PackError> {
        serde_saphyr::from_str(text).map_err(|error| PackError::new(error.to_string()))
    }

    /// The patch state of `version` at `now`; `None` when no date is known for it.
    pub fn of(&self, version: &str, now: Timestamp) -> Option<PatchState> {
        let belongs = |cycle: &&Cycle| {
            version
                .strip_prefix(cycle.cycle.as_str())
                .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
        };
        let cycle = self.cycles.iter().filter(belongs).max_by_key(|cycle| cycle.cycle.len())?;
        let today = jiff::tz::TimeZone::UTC.to_datetime(now).date();
        Some(PatchState {
            cycle: cycle.cycle.clone(),
            eol: cycle.eol,
            ended: cycle.eol < today,
            source: self.source.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack() -> Lifecycle {
        Lifecycle::parse(
            "product: x\nsource: https://example.org\nchecked: 2026-01-01\ncycles:\n  - { cycle: \"7\", eol: 2024-01-01 }\n  - { cycle: \"7.17\", eol: 2030-01-01 }\n",
        )
        .unwrap()
    }

    #[test]
    fn the_longest_cycle_decides() {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        assert!(!pack().of("7.17.28", now).unwrap().ended);
        assert!(pack().of("7.10.2", now).unwrap().ended);
    }

    #[test]
    fn a_version_without_a_cycle_has_no_patch_state() {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        assert_eq!(pack().of("8.1", now), None);
        assert_eq!(pack().of("71.0", now), None);
        assert!(pack().of("7.1.7", now).is_some());
    }
}
