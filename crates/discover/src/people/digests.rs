//! Digests of clear values, to be found again in a column of digests: one that is found proves that the column has
//! neither salt nor key, so that whoever has it can try all values there are.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sm3::Sm3;

use super::kept::{KeptDigests, KeptSketch};
use super::{Domain, NotASketch, Sketch, SketchKey};

/// The digests that are tried, in the order of [`Digests::sketches`].
pub const ALGORITHMS: [&str; 4] = ["MD5", "SHA-1", "SHA-256", "SM3"];

/// So many values of a column are digested: it takes a microsecond each, and a join needs one that is found.
const VALUES: u64 = 2_000_000;

/// More hits than these are found by chance alone once in a million.
const BY_CHANCE: f64 = 1e-6;

/// Keyed sketches of the usual digests of a column's values.
#[derive(Clone, Debug)]
pub struct Digests {
    domain: Domain,
    sketches: [Sketch; 4],
    values: u64,
}

impl Digests {
    /// Of no value.
    pub fn new(key: &SketchKey) -> Self {
        Self { domain: Self::domain(key), sketches: Default::default(), values: 0 }
    }

    /// The hash function for the bytes of a digest, clear or in a column.
    pub fn domain(key: &SketchKey) -> Domain {
        key.domain("digest")
    }

    /// One sketch for each of [`ALGORITHMS`].
    pub fn sketches(&self) -> &[Sketch; 4] {
        &self.sketches
    }

    /// Adds a value as it stands there and in its canonical form, and both in lower and upper case: nobody knows which
    /// of them was digested. The first 2 million values are digested, and no more.
    pub fn insert(&mut self, raw: &[u8], canonical: &[u8]) {
        if self.values >= VALUES {
            return;
        }
        self.values += 1;
        let raw = raw.trim_ascii();
        self.digest(raw);
        if canonical != raw {
            self.digest(canonical);
        }
        if raw.iter().chain(canonical).any(u8::is_ascii_alphabetic) {
            let mut others: Vec<Vec<u8>> = Vec::with_capacity(4);
            for form in [raw, canonical] {
                others.extend([form.to_ascii_lowercase(), form.to_ascii_uppercase()]);
            }
            others.retain(|other| other != raw && other != canonical);
            others.sort_unstable();
            others.dedup();
            others.iter().for_each(|other| self.digest(other));
        }
    }

    fn digest(&mut self, form: &[u8]) {
        let [md5, sha1, sha256, sm3] = &mut self.sketches;
        md5.insert(self.domain.hash(&Md5::digest(form)));
        sha1.insert(self.domain.hash(&Sha1::digest(form)));
        sha256.insert(self.domain.hash(&Sha256::digest(form)));
        sm3.insert(self.domain.hash(&Sm3::digest(form)));
    }

    /// What is kept of them until a later run.
    pub fn keep(&self, key: &SketchKey) -> KeptDigests {
        KeptDigests { sketches: self.sketches.each_ref().map(|sketch| KeptSketch::new(sketch, key)) }
    }

    /// Reads what [`Self::keep`] gave. To these digests no values are added.
    ///
    /// # Errors
    /// When they were kept under another key, or are damaged.
    pub fn recall(kept: &KeptDigests, key: &SketchKey) -> Result<Self, NotASketch> {
        let mut digests = Self { values: VALUES, ..Self::new(key) };
        for (sketch, kept) in digests.sketches.iter_mut().zip(&kept.sketches) {
            *sketch = kept.recall(key)?;
        }
        Ok(digests)
    }

    /// Takes in the digests of another column.
    pub fn unite(&mut self, other: &Self) {
        for (own, others) in self.sketches.iter_mut().zip(&other.sketches) {
            own.unite(others);
        }
    }

    /// Which digest of these values stands in a column of digests, if not by chance.
    pub fn found_in(&self, column: &Sketch) -> Option<&'static str> {
        let beyond_chance = |sketch: &Sketch| {
            let (_, hits) = sketch.common(column);
            let expected = sketch.chance_of_common(column);
            // Two hits by chance are half the square as likely as one.
            hits > 0 && (expected < BY_CHANCE || hits > 1 && expected * expected / 2.0 < BY_CHANCE)
        };
        let found = self.sketches.iter().zip(ALGORITHMS).find(|(sketch, _)| beyond_chance(sketch));
        found.map(|(_, algorithm)| algorithm)
    }

    /// Sketches of all digests that have this length in bytes.
    pub fn of_length(&self, bytes: u16) -> impl Iterator<Item = &Sketch> {
        let lengths = [16, 20, 32, 32];
        self.sketches
            .iter()
            .zip(lengths)
            .filter(move |(_, length)| *length == bytes)
            .map(|(sketch, _)| sketch)
    }
}
