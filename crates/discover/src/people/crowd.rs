//! Persons, with what is known of them: who is a minor, and where they live.

use std::collections::BTreeMap;

use model::Range;

use super::SketchKey;
use super::kept::{KeptCrowd, KeptSketch};
use super::sketch::{Bounds, Insert, NotASketch, Sketch};

/// Regions that are told apart.
const REGIONS: usize = 64;

/// The region of those for whom there is no room.
const OTHER: &str = "other";

/// A [`Sketch`] of persons. The hashes that it keeps are a random sample of all persons, so what is known about these
/// says how many of all are minors, and how many live where. Nothing needs to be known about the others, which makes
/// counting a billion rows cheap.
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    /// Everyone.
    pub all: Sketch,
    minors: Part,
    tells_age: bool,
    regions: BTreeMap<String, Part>,
}

/// What is known of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether younger than 18.
    pub minor: Option<bool>,
    /// Where: as [`crate::personal::Facts::region`].
    pub region: Option<String>,
}

/// Hashes of some of a crowd; those that the crowd no longer keeps are dropped from time to time.
#[derive(Clone, Debug, Default)]
struct Part {
    hashes: Vec<u64>,
    sorted: usize,
}

impl Part {
    fn insert(&mut self, hash: u64, all: &Sketch) {
        self.hashes.push(hash);
        if self.hashes.len() >= 64.max(2 * self.sorted) {
            self.hashes.retain(|&hash| all.takes(hash));
            self.hashes.sort_unstable();
            self.hashes.dedup();
            self.sorted = self.hashes.len();
        }
    }

    fn bounds(&self, theta: u64) -> Bounds {
        let mut hashes: Vec<u64> = self.hashes.iter().copied().filter(|&hash| hash < theta).collect();
        hashes.sort_unstable();
        hashes.dedup();
        Bounds::below(hashes.len(), theta)
    }
}

fn part_of<'a>(regions: &'a mut BTreeMap<String, Part>, region: &str) -> &'a mut Part {
    let full = regions.len() >= REGIONS && !regions.contains_key(region);
    regions.entry(if full { OTHER } else { region }.to_owned()).or_default()
}

impl From<Bounds> for Range {
    fn from(bounds: Bounds) -> Self {
        Self { lower: bounds.lower, upper: bounds.upper }
    }
}

impl Crowd {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a person in. `known` is asked only when it matters: the first time, and only if the hash is kept.
    pub fn insert(&mut self, hash: u64, known: impl FnOnce() -> Known) {
        if self.all.insert(hash) != Insert::New {
            return;
        }
        let known = known();
        self.tells_age |= known.minor.is_some();
        if known.minor == Some(true) {
            self.minors.insert(hash, &self.all);
        }
        if let Some(region) = known.region {
            part_of(&mut self.regions, &region).insert(hash, &self.all);
        }
    }

    /// Takes in everyone of another crowd.
    pub fn unite(&mut self, other: &Self) {
        self.all.unite(&other.all);
        for &hash in &other.minors.hashes {
            self.minors.insert(hash, &self.all);
        }
        self.tells_age |= other.tells_age;
        for (region, part) in &other.regions {
            part_of(&mut self.regions, region).hashes.extend_from_slice(&part.hashes);
        }
        self.tidy();
    }

    /// Drops what is no longer needed.
    pub fn tidy(&mut self) {
        self.all.compact();
        for part in self.regions.values_mut().chain([&mut self.minors]) {
            part.hashes.retain(|&hash| self.all.takes(hash));
            part.hashes.sort_unstable();
            part.hashes.dedup();
            part.hashes.shrink_to_fit();
            part.sorted = part.hashes.len();
        }
    }

    /// What is kept of it until a later run.
    pub(super) fn keep(&self, key: &SketchKey) -> KeptCrowd {
        let mut tidy = self.clone();
        tidy.tidy();
        let keep = |part: &Part| KeptSketch::new(&tidy.all.part(&part.hashes), key);
        KeptCrowd {
            all: KeptSketch::new(&tidy.all, key),
            minors: tidy.tells_age.then(|| keep(&tidy.minors)),
            regions: tidy.regions.iter().map(|(region, part)| (region.clone(), keep(part))).collect(),
        }
    }

    /// Reads what [`Self::keep`] gave.
    pub(super) fn recall(kept: &KeptCrowd, key: &SketchKey) -> Result<Self, NotASketch> {
        let part = |kept: &KeptSketch| {
            let hashes = kept.recall(key)?.view().1.into_owned();
            Ok(Part { sorted: hashes.len(), hashes })
        };
        let regions = kept.regions.iter().map(|(region, kept)| Ok((region.clone(), part(kept)?)));
        Ok(Self {
            all: kept.all.recall(key)?,
            minors: kept.minors.as_ref().map(part).transpose()?.unwrap_or_default(),
            tells_age: kept.minors.is_some(),
            regions: regions.collect::<Result<_, _>>()?,
        })
    }

    /// How many are minors; `None`: of nobody is known how old.
    pub fn minors(&self) -> Option<Bounds> {
        self.tells_age.then(|| self.minors.bounds(self.all.view().0))
    }

    /// How many live where; whom nothing is known about is in none.
    pub fn regions(&self) -> BTreeMap<&str, Bounds> {
        let theta = self.all.view().0;
        self.regions.iter().map(|(region, part)| (region.as_str(), part.bounds(theta))).collect()
    }
}
