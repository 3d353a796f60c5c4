//! End-of-life dates of products, as data: is this version still given security fixes?

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pack::PackError;

/// After as many days without a check, a reader is told how old the dates are.
pub const OLD_AFTER_DAYS: i64 = 180;

/// The published support cycles of one product: `packs/lifecycle/<product>.yml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifecycle {
    /// The product, as probes name it.
    pub product: String,
    /// Ids of services and names of products that are this one: `kubelet` is Kubernetes, `Samba AD` is Samba.
    #[serde(default)]
    pub services: Vec<String>,
    /// What marks versions that have other dates, such as `+ent` for a paid edition.
    #[serde(default)]
    pub except: Vec<String>,
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
    /// When the date was last compared with that source. Reports of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub checked: Option<Date>,
}

impl Lifecycle {
    /// Parses a pack file.
    ///
    /// # Errors
    /// When the text is not such a pack; the message names the place.
    pub fn parse(text: &str) -> Result<Self, PackError> {
        let parsed: Self = serde_saphyr::from_str(text).map_err(|error| PackError::new(error.to_string()))?;
        parsed.linted()
    }

    /// The packs of a folder as the build wrote them: an object of file name and pack, in JSON.
    ///
    /// # Errors
    /// When one of them is not such a pack.
    pub fn parse_all(json: &str) -> Result<Vec<Self>, PackError> {
        let packs: std::collections::BTreeMap<String, Self> =
            serde_json::from_str(json).map_err(|error| PackError::new(error.to_string()))?;
        packs.into_values().map(Self::linted).collect()
    }

    fn linted(self) -> Result<Self, PackError> {
        self.lint().map_err(PackError::new)?;
        Ok(self)
    }

    /// What the form alone does not refuse, and what would match nothing or everything.
    fn lint(&self) -> Result<(), String> {
        let named = [("product", &self.product), ("source", &self.source)];
        if let Some((key, _)) = named.iter().find(|(_, value)| value.trim().is_empty()) {
            return Err(format!("`{key}` is empty"));
        }
        if self.cycles.is_empty() {
            return Err("`cycles` is empty".to_owned());
        }
        if self.services.iter().chain(&self.except).any(|entry| entry.trim().is_empty()) {
            return Err("an entry of `services` or `except` is empty".to_owned());
        }
        let mut seen = std::collections::BTreeSet::new();
        for cycle in &self.cycles {
            if cycle.cycle.trim().is_empty() {
                return Err("a `cycle` is empty".to_owned());
            }
            if !seen.insert(cycle.cycle.as_str()) {
                return Err(format!("cycle `{}` is there twice", cycle.cycle));
            }
        }
        Ok(())
    }

    /// Whether the dates were compared with their source too long ago to be taken without saying so.
    pub fn is_old(&self, now: Timestamp) -> bool {
        let today = TimeZone::UTC.to_datetime(now).date();
        today.duration_since(self.checked) > SignedDuration::from_hours(24 * OLD_AFTER_DAYS)
    }

    /// The patch state of `version` at `now`; `None` when no date is known for it.
    pub fn of(&self, version: &str, now: Timestamp) -> Option<PatchState> {
        if self.except.iter().any(|mark| version.contains(mark.as_str())) {
            return None;
        }
        // `v1.28.2`, as many products of one language write it.
        let version = version.strip_prefix('v').unwrap_or(version);
        let belongs = |cycle: &&Cycle| {
            version
                .strip_prefix(cycle.cycle.as_str())
                .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
        };
        let cycle = self.cycles.iter().filter(belongs).max_by_key(|cycle| cycle.cycle.len())?;
        let today = TimeZone::UTC.to_datetime(now).date();
        Some(PatchState {
            cycle: cycle.cycle.clone(),
            eol: cycle.eol,
            ended: cycle.eol < today,
            source: self.source.clone(),
            checked: Some(self.checked),
        })
    }
}

/// The support cycles of all products that are known.
#[derive(Clone, Debug, Default)]
pub struct Lifecycles {
    products: BTreeMap<String, Lifecycle>,
}

impl Lifecycles {
    /// Takes the cycles of a product; what was known of it before is forgotten, whole.
    pub fn insert(&mut self, cycles: Lifecycle) {
        self.products.insert(key(&cycles.product), cycles);
    }

    /// The cycles for what an observation tells. The product decides where it is told, because one protocol can be
    /// spoken by many: Valkey answers as `redis` does, and has dates of its own. Otherwise the service names it.
    pub fn find(&self, product: Option<&str>, service: Option<&str>) -> Option<&Lifecycle> {
        let known = |name: &str| {
            let name = key(name);
            self.products
                .get(&name)
                .or_else(|| self.products.values().find(|cycles| cycles.services.contains(&name)))
        };
        product.and_then(known).or_else(|| service.and_then(known))
    }

    /// All products, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Lifecycle> {
        self.products.values()
    }
}

/// `OpenSearch Dashboards` and `opensearch-dashboards` are one product.
fn key(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(' ', "-")
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

    #[test]
    fn a_leading_v_and_what_follows_a_version_do_not_matter() {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        assert_eq!(pack().of("v7.17.3+deb12u1", now), pack().of("7.17.3", now));
        assert_eq!(pack().of("7.17.3", now).unwrap().checked, Some("2026-01-01".parse().unwrap()));
    }

    #[test]
    fn a_version_with_an_excepted_mark_has_no_patch_state() {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let paid = Lifecycle { except: vec!["+ent".to_owned()], ..pack() };
        assert_eq!(paid.of("7.10.2+ent.fips1402", now), None);
        assert!(paid.of("7.10.2", now).is_some());
    }

    #[test]
    fn dates_are_old_half_a_year_after_they_were_checked() {
        assert!(!pack().is_old("2026-06-30T00:00:00Z".parse().unwrap()));
        assert!(pack().is_old("2026-07-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn the_product_decides_and_the_service_only_where_it_is_not_told() {
        let named = |product: &str| Lifecycle { product: product.to_owned(), ..pack() };
        let mut all = Lifecycles::default();
        all.insert(named("redis"));
        all.insert(named("valkey"));
        all.insert(Lifecycle { services: vec!["hdfs".to_owned(), "yarn".to_owned()], ..named("hadoop") });
        let found = |product, service| all.find(product, service).map(|cycles| cycles.product.as_str());
        assert_eq!(found(Some("Valkey"), Some("redis")), Some("valkey"));
        assert_eq!(found(Some("Redis"), Some("redis")), Some("redis"));
        assert_eq!(found(None, Some("redis")), Some("redis"));
        assert_eq!(found(Some("Apache Hadoop YARN"), Some("yarn")), Some("hadoop"));
        assert_eq!(found(Some("HDFS"), Some("hdfs")), Some("hadoop"));
        assert_eq!(found(Some("FileZilla Server"), Some("ftp")), None);
        assert_eq!(found(None, None), None);
    }

    #[test]
    fn a_product_is_replaced_whole() {
        let mut all = Lifecycles::default();
        all.insert(pack());
        let newer = pack().cycles.into_iter().take(1).collect();
        all.insert(Lifecycle { product: "X".to_owned(), cycles: newer, ..pack() });
        assert_eq!(all.iter().map(|cycles| cycles.cycles.len()).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_pack_that_would_match_nothing_or_everything_is_refused() {
        let refused = |cycles: &str| {
            let text =
                format!("product: x\nsource: https://example.org\nchecked: 2026-01-01\ncycles: {cycles}\n");
            Lifecycle::parse(&text).unwrap_err().to_string()
        };
        assert_eq!(refused("[]"), "`cycles` is empty");
        assert_eq!(refused("[{ cycle: \"\", eol: 2026-01-01 }]"), "a `cycle` is empty");
        let twice = "[{ cycle: \"7\", eol: 2026-01-01 }, { cycle: \"7\", eol: 2027-01-01 }]";
        assert_eq!(refused(twice), "cycle `7` is there twice");
        assert!(refused("[{ cycle: \"7\", eol: soon }]").contains("line 4"));
        assert!(refused("[{ cycle: \"7\", end: 2026-01-01 }]").contains("unknown field"));
    }
}
