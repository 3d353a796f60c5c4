//! Persons who are known by different identifiers: by a resident number here, by a mobile number there.
//!
//! Each row counts by the best identifier in it; its others are noted as standing **beside** a better one. Whoever is
//! known by a mobile number in one table, while that number stands beside a resident number in another, is the same
//! person, and is not counted twice. Identifiers that never stand in one row cannot be joined: then there are as many
//! persons as the largest group at least, and as many as all groups together at most.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::{People, Range, RegionCount};

use super::kept::{KeptCensus, KeptGroup, KeptSketch};
use super::{Bounds, Crowd, Digests, Known, NotASketch, Sketch, SketchKey};
use crate::personal::{Identifies, KindId};

/// Identifiers that can be compared with each other. In order of rank: people are counted by the first that a row has,
/// so the order must be one and the same for all tables, or two of them could each leave a person to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Space {
    /// How good the kind is: the lower the better.
    pub rank: u8,
    /// Whether it is one of a person or of a contact.
    pub identifies: Identifies,
    /// The kind.
    pub kind: KindId,
    /// Length of the digest in bytes that stands for the value; 0 for clear values.
    pub digest: u16,
}

/// An identifier in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// With what it can be compared.
    pub space: Space,
    /// The keyed hash of its value.
    pub hash: u64,
}

/// Persons of one table, one store or all stores.
#[derive(Clone, Debug, Default)]
pub struct Census {
    groups: BTreeMap<Space, Group>,
    /// Values in columns of identifiers that are none: typos.
    unclear: Sketch,
    /// Rows without any identifier, and what is known only as a number.
    upper: u64,
    lower: u64,
}

#[derive(Clone, Debug, Default)]
struct Group {
    /// Those who count by this identifier.
    counted: Crowd,
    /// Identifiers of those who count by a better one.
    beside: Sketch,
}

impl Census {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nobody was put in.
    pub fn is_empty(&self) -> bool {
        self.upper == 0 && self.unclear.is_empty() && self.groups.is_empty()
    }

    /// Counts a row by its identifiers, which are put in order. `known` tells about the person with the given key.
    pub fn row(&mut self, keys: &mut [Key], mut known: impl FnMut(Key) -> Known) {
        keys.sort_unstable();
        let Some(&best) = keys.first() else {
            self.upper += 1;
            return;
        };
        for (place, &key) in keys.iter().enumerate() {
            let group = self.groups.entry(key.space).or_default();
            // Several numbers of persons are several persons, several telephones are one. Which of them is counted must
            // not depend on the row, for the reason that ranks must not: the smallest.
            let several = key.space.identifies == Identifies::Person && key.space == best.space;
            if place == 0 || several {
                group.counted.insert(key.hash, || known(key));
            } else {
                group.beside.insert(key.hash);
            }
        }
    }

    /// Counts a row that has a value where an identifier belongs, but not a right one.
    pub fn unclear_row(&mut self, hash: u64) {
        self.unclear.insert(hash);
    }

    /// Adds persons of whom the store itself told how many there are.
    pub fn told(&mut self, persons: Bounds) {
        self.lower = self.lower.max(persons.lower);
        self.upper = self.upper.saturating_add(persons.upper);
    }

    /// Takes in the persons of another table or store.
    pub fn unite(&mut self, other: &Self) {
        for (space, theirs) in &other.groups {
            let group = self.groups.entry(*space).or_default();
            group.counted.unite(&theirs.counted);
            group.beside.unite(&theirs.beside);
        }
        self.unclear.unite(&other.unclear);
        self.lower = self.lower.max(other.lower);
        self.upper = self.upper.saturating_add(other.upper);
    }

    /// What is kept of it until a later run. `name`: of a kind.
    pub fn keep(&self, key: &SketchKey, name: impl Fn(KindId) -> String) -> KeptCensus {
        let groups = self.groups.iter().map(|(space, group)| KeptGroup {
            kind: name(space.kind),
            digest: space.digest,
            counted: group.counted.keep(key),
            beside: KeptSketch::new(&group.beside, key),
        });
        KeptCensus {
            groups: groups.collect(),
            unclear: KeptSketch::new(&self.unclear, key),
            upper: self.upper,
            lower: self.lower,
        }
    }

    /// Reads what [`Self::keep`] gave. `space`: of a kind of this name, and of digests of this length.
    ///
    /// # Errors
    /// When it was kept under another key, is damaged, or counts by a kind that is not known.
    pub fn recall(
        kept: &KeptCensus,
        key: &SketchKey,
        space: impl Fn(&str, u16) -> Option<Space>,
    ) -> Result<Self, NotASketch> {
        let mut census =
            Self { unclear: kept.unclear.recall(key)?, upper: kept.upper, lower: kept.lower, ..Self::new() };
        for group in &kept.groups {
            let space = space(&group.kind, group.digest).ok_or(NotASketch::UnknownKind)?;
            let counted = Crowd::recall(&group.counted, key)?;
            census.groups.insert(space, Group { counted, beside: group.beside.recall(key)? });
        }
        Ok(census)
    }

    /// The identifiers by which people are counted.
    pub fn spaces(&self) -> impl Iterator<Item = Space> {
        self.groups.iter().filter(|(_, group)| !group.counted.all.is_empty()).map(|(space, _)| *space)
    }

    /// How many persons there are. `digests`: of clear identifiers of a kind, to know those again of whom only a digest
    /// stands elsewhere. `name`: of a kind.
    pub fn people(&self, digests: &BTreeMap<KindId, Digests>, name: impl Fn(KindId) -> String) -> People {
        let mut all = (self.lower, self.upper.saturating_add(self.unclear.bounds().upper));
        let mut minors: Option<(u64, u64)> = None;
        let mut regions: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (space, group) in &self.groups {
            let alone = group.alone(*space, digests);
            add(&mut all, alone.lower, alone.upper);
            if let Some(young) = group.counted.minors() {
                add(minors.get_or_insert((0, 0)), young.lower, young.upper);
            }
            for (region, people) in group.counted.regions() {
                add(regions.entry(region).or_default(), people.lower, people.upper);
            }
        }
        let mut by: Vec<String> = self.spaces().map(|space| name(space.kind)).collect();
        by.dedup();
        People {
            lower: all.0,
            upper: all.1.max(all.0),
            by,
            minors: minors.map(range),
            regions: regions
                .into_iter()
                .map(|(region, people)| RegionCount { region: region.to_owned(), people: range(people) })
                .collect(),
        }
    }
}

/// Groups that cannot be joined: the largest at least, all together at most.
fn add(sum: &mut (u64, u64), lower: u64, upper: u64) {
    sum.0 = sum.0.max(lower);
    sum.1 = sum.1.saturating_add(upper);
}

fn range((lower, upper): (u64, u64)) -> Range {
    Range { lower, upper: upper.max(lower) }
}

impl Group {
    /// Those of whom no better identifier is known anywhere.
    fn alone(&self, space: Space, digests: &BTreeMap<KindId, Digests>) -> Bounds {
        let clear = digests.get(&space.kind).filter(|_| space.digest > 0);
        let mut elsewhere = Cow::Borrowed(&self.beside);
        for sketch in clear.iter().flat_map(|clear| clear.of_length(space.digest)) {
            elsewhere.to_mut().unite(sketch);
        }
        self.counted.all.without(&elsewhere)
    }
}
