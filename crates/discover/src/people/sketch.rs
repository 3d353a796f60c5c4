//! A sketch of a set: the smallest of its members' hashes. From how small they are follows how many members there are
//! (<https://datasketches.apache.org/docs/Theta/ThetaSketches.html>); what two sketches have in common tells the same of
//! two sets.

use std::borrow::Cow;

use thiserror::Error;

use super::SketchKey;

/// Hashes that are kept; the standard error of a count is 1 / sqrt(16384) = 0.78 %.
const KEPT: usize = 16_384;

/// Two-sided 99 % of the normal distribution.
const Z99: f64 = 2.575_829_303_548_901;

/// `-ln(0.005)`: the upper bound at 99 % of a Poisson count of none.
const NONE_SEEN: f64 = 5.298_317_366_548_036;

const MAGIC: &[u8; 4] = b"wts1";

/// A number of distinct things. Exact when the three are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Bounds {
    /// At least, at 99 %.
    pub lower: u64,
    /// The likeliest.
    pub estimate: u64,
    /// At most, at 99 %.
    pub upper: u64,
}

impl Bounds {
    /// A number that was counted.
    pub fn exactly(count: u64) -> Self {
        Self { lower: count, estimate: count, upper: count }
    }

    /// The same, when there cannot be more than `most`: a large set tells little about a small one.
    fn at_most(self, most: u64) -> Self {
        Self { lower: self.lower.min(most), estimate: self.estimate.min(most), upper: self.upper.min(most) }
    }

    /// What `seen` hashes below `theta` say.
    pub(super) fn below(seen: usize, theta: u64) -> Self {
        if theta == u64::MAX {
            return Self::exactly(seen as u64);
        }
        let share = theta as f64 / (u64::MAX as f64);
        let count = seen as f64;
        // A count of members whose hashes happen to be small is binomial; the smaller the share, the nearer to Poisson.
        let spread = Z99 * (1.0 - share).sqrt();
        let upper = if seen == 0 { NONE_SEEN } else { quantile(count + 1.0, spread) };
        let lower = if seen == 0 { 0.0 } else { quantile(count, -spread) };
        Self {
            lower: ((lower / share).floor() as u64).max(seen as u64),
            estimate: ((count / share).round() as u64).max(seen as u64),
            upper: (upper / share).ceil() as u64,
        }
    }
}

/// Quantile of the gamma distribution with this shape, `deviations` from its middle, after Wilson and Hilferty (1931).
fn quantile(shape: f64, deviations: f64) -> f64 {
    shape * (1.0 - 1.0 / (9.0 * shape) + deviations / (3.0 * shape.sqrt())).max(0.0).powi(3)
}

/// Puts a hash into a table that has an empty place. Hashes are random, so their low bits say where it goes.
fn place(table: &mut [u64], hash: u64) -> Insert {
    let mask = table.len().wrapping_sub(1);
    let mut at = hash as usize & mask;
    loop {
        match table.get_mut(at) {
            Some(place) if *place == 0 => {
                *place = hash;
                return Insert::New;
            }
            Some(place) if *place == hash => return Insert::Known,
            Some(_) => at = (at + 1) & mask,
            None => return Insert::TooLarge,
        }
    }
}

/// Bytes that are not a sketch, or not one of this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotASketch {
    /// It was made under another key, and cannot be compared with ours.
    #[error("a sketch of another key: counts of different keys cannot be united")]
    OtherKey,
    /// It is damaged.
    #[error("not a sketch: the bytes are damaged")]
    Damaged,
    /// It counts people by a kind of identifier that this program does not know.
    #[error("a sketch of a kind of identifier that is not known")]
    UnknownKind,
}

/// The smallest hashes of a set. Members that come again change nothing.
///
/// ```
/// use watertight_discover::people::{Sketch, SketchKey};
///
/// let mobile = SketchKey::new([7; 16]).domain("mobile");
/// let mut sketch = Sketch::new();
/// sketch.insert(mobile.hash(b"15400000001"));
/// sketch.insert(mobile.hash(b"15400000001"));
/// assert_eq!(sketch.bounds().estimate, 1);
/// ```
#[derive(Clone, Debug)]
pub struct Sketch {
    kept: usize,
    /// All hashes are below it, and no smaller one was lost; `u64::MAX` as long as none was.
    theta: u64,
    /// In order while it is at rest; while members come in, a table with open addressing in which 0 is an empty place.
    hashes: Vec<u64>,
    /// How many hashes the table has; `None` at rest.
    filled: Option<usize>,
}

/// What became of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insert {
    /// It is kept.
    New,
    /// It was there.
    Known,
    /// It is not kept, and nobody knows whether it came before.
    TooLarge,
}

/// Places of the smallest table.
const SMALLEST: usize = 16;

impl Default for Sketch {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Sketch {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

/// A sketch in order: where it ends, and its hashes.
pub(super) type View<'a> = (u64, Cow<'a, [u64]>);

impl Sketch {
    /// An empty set, counted with a standard error of 0.78 %, and exactly up to 16,384 members.
    pub fn new() -> Self {
        Self::keeping(KEPT)
    }

    /// An empty set of which `kept` hashes are kept: a standard error of 1 / sqrt(kept).
    pub fn keeping(kept: usize) -> Self {
        Self { kept: kept.clamp(16, KEPT), theta: u64::MAX, hashes: Vec::new(), filled: None }
    }

    /// Whether nothing was put in.
    pub fn is_empty(&self) -> bool {
        self.filled.unwrap_or(self.hashes.len()) == 0
    }

    /// Whether this hash would be kept: most are not, once there are many.
    pub fn takes(&self, hash: u64) -> bool {
        hash < self.theta
    }

    /// Puts a member in, by its hash.
    pub fn insert(&mut self, hash: u64) -> Insert {
        let hash = hash.max(1);
        if hash >= self.theta {
            return Insert::TooLarge;
        }
        let filled = self.filled.unwrap_or(self.hashes.len());
        if self.filled.is_none() || filled + filled / 3 >= self.hashes.len() {
            self.make_room();
        }
        let inserted = if hash < self.theta { place(&mut self.hashes, hash) } else { Insert::TooLarge };
        if inserted == Insert::New {
            self.filled = self.filled.map(|filled| filled + 1);
        }
        inserted
    }

    /// Makes a table that is half empty, of the smallest hashes if there are too many.
    fn make_room(&mut self) {
        let mut hashes = std::mem::take(&mut self.hashes);
        if self.filled.is_some() {
            hashes.retain(|&hash| hash != 0);
        }
        let largest = (2 * self.kept).next_power_of_two();
        if 2 * hashes.len() > largest && hashes.len() > self.kept {
            self.theta = *hashes.select_nth_unstable(self.kept).1;
            hashes.truncate(self.kept);
        }
        let places = (2 * hashes.len() + 2).next_power_of_two().clamp(SMALLEST, largest.max(SMALLEST));
        self.hashes = vec![0; places];
        for hash in &hashes {
            place(&mut self.hashes, *hash);
        }
        self.filled = Some(hashes.len());
    }

    /// Puts the hashes in order, and drops what is too much: it takes least room like that, and is compared fastest.
    pub fn compact(&mut self) {
        if self.filled.take().is_some() {
            self.hashes.retain(|&hash| hash != 0);
            self.hashes.sort_unstable();
            self.trim();
        }
    }

    /// Drops what is too much of hashes that are in order.
    fn trim(&mut self) {
        if let Some(&first_lost) = self.hashes.get(self.kept) {
            self.theta = first_lost;
            self.hashes.truncate(self.kept);
        }
        self.hashes.shrink_to_fit();
    }

    /// Where it ends, and its hashes: no hash at or above the end is known, and all below it are.
    pub(super) fn view(&self) -> View<'_> {
        if self.filled.is_none() {
            return (self.theta, Cow::Borrowed(&self.hashes));
        }
        let mut copy = self.clone();
        copy.compact();
        (copy.theta, Cow::Owned(copy.hashes))
    }

    /// The members of a part of this set. `hashes` are in order.
    pub(super) fn part(&self, hashes: &[u64]) -> Self {
        let theta = self.view().0;
        let hashes = hashes.iter().copied().take_while(|&hash| hash < theta).take(self.kept).collect();
        Self { kept: self.kept, theta, hashes, filled: None }
    }

    /// How many members the set has.
    pub fn bounds(&self) -> Bounds {
        let (theta, hashes) = self.view();
        Bounds::below(hashes.len(), theta)
    }

    /// Takes in all members of another set.
    pub fn unite(&mut self, other: &Self) {
        let (theta, hashes) = other.view();
        self.compact();
        self.theta = self.theta.min(theta);
        let end = self.hashes.partition_point(|&hash| hash < self.theta);
        self.hashes.truncate(end);
        self.hashes.extend(hashes.iter().copied().take_while(|&hash| hash < self.theta));
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.trim();
    }

    /// How many members both sets have, and how many hashes of them were seen in both.
    pub fn common(&self, other: &Self) -> (Bounds, usize) {
        let (theta, both, _) = self.compare(other);
        let most = self.bounds().upper.min(other.bounds().upper);
        (Bounds::below(both, theta).at_most(most), both)
    }

    /// How many members this set has that are not in the other.
    pub fn without(&self, other: &Self) -> Bounds {
        let (theta, _, alone) = self.compare(other);
        Bounds::below(alone, theta).at_most(self.bounds().upper)
    }

    /// How many hashes in common chance alone would bring: two different values with the same 64 bits.
    pub fn chance_of_common(&self, other: &Self) -> f64 {
        let (theta, left) = self.view();
        let (other_theta, right) = other.view();
        left.len() as f64 * right.len() as f64 / (theta.min(other_theta) as f64)
    }

    /// The lower of the two ends; below it: hashes in both, and hashes in this one alone.
    fn compare(&self, other: &Self) -> (u64, usize, usize) {
        let (theta, left) = self.view();
        let (other_theta, right) = other.view();
        let theta = theta.min(other_theta);
        let mut rest = right.iter().copied().peekable();
        let (mut both, mut alone) = (0, 0);
        for hash in left.iter().copied().take_while(|&hash| hash < theta) {
            while rest.next_if(|&next| next < hash).is_some() {}
            if rest.peek() == Some(&hash) {
                both += 1;
            } else {
                alone += 1;
            }
        }
        (theta, both, alone)
    }

    /// The sketch as bytes for the state; no value can be read from them, and without the key none can be tried.
    pub fn to_bytes(&self, key: &SketchKey) -> Vec<u8> {
        let (theta, hashes) = self.view();
        let mut bytes = Vec::with_capacity(28 + 8 * hashes.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&key.name().to_le_bytes());
        bytes.extend_from_slice(&(self.kept as u64).to_le_bytes());
        bytes.extend_from_slice(&theta.to_le_bytes());
        for hash in hashes.iter() {
            bytes.extend_from_slice(&hash.to_le_bytes());
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are of another key, or damaged.
    pub fn from_bytes(bytes: &[u8], key: &SketchKey) -> Result<Self, NotASketch> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(NotASketch::Damaged)?;
        let (words, left) = rest.as_chunks::<8>();
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        if words.next().ok_or(NotASketch::Damaged)? != key.name() {
            return Err(NotASketch::OtherKey);
        }
        let kept = words.next().and_then(|kept| usize::try_from(kept).ok()).ok_or(NotASketch::Damaged)?;
        let theta = words.next().ok_or(NotASketch::Damaged)?;
        let hashes: Vec<u64> = words.collect();
        let in_order = hashes.iter().zip(hashes.iter().skip(1)).all(|(one, next)| one < next);
        let below = hashes.last().is_none_or(|&last| last < theta) && hashes.first() != Some(&0);
        if !left.is_empty() || !(16..=KEPT).contains(&kept) || hashes.len() > kept || !in_order || !below {
            return Err(NotASketch::Damaged);
        }
        Ok(Self { kept, theta, filled: None, hashes })
    }
}
