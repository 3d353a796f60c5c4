//! What is remembered of a column: counts of bounded size, and no value.

use super::look::Seen;
use super::mask::Mask;
use super::shape::Shape;
use crate::people::Sketch;
use crate::personal::KindId;

/// Kinds that accept one value, in order; more than six are cut.
const TOGETHER: usize = 6;

/// Different things of each sort that are counted apart: lengths, masks.
const APART: usize = 48;

/// Different sets of kinds that are counted apart. A number of eleven digits is, by chance, a right one of a dozen kinds.
const SETS: usize = 256;

/// Hashes that are kept to know how many different values there are, to 3 %.
const DISTINCT: usize = 1024;

/// Kinds that accept a value.
pub(super) type KindSet = [KindId; TOGETHER];

/// No kind.
const NONE: KindId = KindId(u16::MAX);

/// What was counted of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Values that pass.
    pub(super) valid: u64,
    /// Of these, such whose region or prefix is known.
    pub(super) known: u64,
    /// Of these, such as had to be decoded.
    pub(super) encoded: u64,
    /// Values that pass with their check digit off by one.
    pub(super) shifted: u64,
    /// Values of the right shape, whether they pass or not.
    pub(super) alike: u64,
    /// Values that could be masked ones.
    pub(super) masked: u64,
    /// Texts with such a value in them.
    pub(super) inside: u64,
}

/// A short list of counts; what there is no room for is counted together.
#[derive(Clone, Debug)]
pub(super) struct Counts<T> {
    items: Vec<(T, u64)>,
    rest: u64,
}

impl<T> Default for Counts<T> {
    fn default() -> Self {
        Self { items: Vec::new(), rest: 0 }
    }
}

impl<T: PartialEq + Ord + Copy> Counts<T> {
    /// Adds an item. False when there are `most` others already; then it is only counted.
    fn add(&mut self, item: T, weight: u64, most: usize) -> bool {
        if let Some(at) = self.items.iter().position(|(known, _)| *known == item) {
            if let Some((_, count)) = self.items.get_mut(at) {
                *count += weight;
            }
            // What comes often is found first.
            if at > 0 {
                self.items.swap(at, at / 2);
            }
        } else if self.items.len() < most {
            self.items.push((item, weight));
        } else {
            self.rest += weight;
            return false;
        }
        true
    }

    /// All that were counted apart, the most frequent first.
    pub(super) fn by_count(&self) -> Vec<(T, u64)> {
        let mut items = self.items.clone();
        items.sort_unstable_by_key(|(item, count)| (std::cmp::Reverse(*count), *item));
        items
    }

    /// All together.
    pub(super) fn sum(&self) -> u64 {
        self.items.iter().map(|(_, count)| count).sum::<u64>() + self.rest
    }
}

/// What is remembered of a column. A value that was chosen at random stands for others and counts as often: that is its
/// weight.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Values, by weight.
    pub(super) values: u64,
    looked: u64,
    squares: f64,
    pub(super) passes: Counts<KindSet>,
    tallies: Vec<(KindId, Tally)>,
    /// Bytes of a value.
    lengths: Counts<usize>,
    pub(super) masks: Counts<Mask>,
    pub(super) digests: Counts<u16>,
    pub(super) bytes: Counts<u32>,
    pub(super) passwords: u64,
    pub(super) tokens: u64,
    pub(super) encrypted: u64,
    pub(super) texts: u64,
    /// How often each byte occurs in what is no text.
    byte_counts: Option<Box<[u32; 256]>>,
    distinct: Sketch,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            values: 0,
            looked: 0,
            squares: 0.0,
            passes: Counts::default(),
            tallies: Vec::new(),
            lengths: Counts::default(),
            masks: Counts::default(),
            digests: Counts::default(),
            bytes: Counts::default(),
            passwords: 0,
            tokens: 0,
            encrypted: 0,
            texts: 0,
            byte_counts: None,
            distinct: Sketch::keeping(DISTINCT),
        }
    }
}

impl Profile {
    /// Of no value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Values that were looked at.
    pub fn looked(&self) -> u64 {
        self.looked
    }

    /// Adds a value that stands for `weight` ones. `hash`: the keyed hash of the value as it is.
    pub fn add(&mut self, seen: &Seen<'_>, hash: u64, weight: u64) {
        self.values += weight;
        self.looked += 1;
        self.squares += (weight * weight) as f64;
        self.distinct.insert(hash);
        self.lengths.add(seen.plain.len(), weight, APART);
        match seen.shape {
            Shape::Masked(mask) => {
                self.masks.add(mask, weight, APART);
            }
            Shape::Digest(bytes) => {
                self.digests.add(bytes, weight, APART);
            }
            Shape::Password => self.passwords += weight,
            Shape::Token => self.tokens += weight,
            Shape::Encrypted => self.encrypted += weight,
            Shape::Bytes(length) => self.add_bytes(length, seen.bytes, weight),
            Shape::Text => self.texts += weight,
            Shape::Clear | Shape::Encoded | Shape::Other => {}
        }
        self.add_kinds(seen, weight);
    }

    fn add_bytes(&mut self, length: u32, bytes: &[u8], weight: u64) {
        self.bytes.add(length, weight, APART);
        let counts = self.byte_counts.get_or_insert_with(|| Box::new([0; 256]));
        for byte in bytes {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                *count = count.saturating_add(1);
            }
        }
    }

    fn add_kinds(&mut self, seen: &Seen<'_>, weight: u64) {
        let mut set = [NONE; TOGETHER];
        let valid = seen.hits.iter().filter(|hit| hit.valid);
        for (place, hit) in set.iter_mut().zip(valid) {
            *place = hit.kind;
        }
        if set.first() != Some(&NONE) {
            set.sort_unstable();
            self.add_set(set, weight);
        }
        for hit in seen.hits {
            let tally = self.tally_mut(hit.kind);
            tally.alike += weight;
            if hit.valid {
                tally.valid += weight;
                tally.known += if hit.known { weight } else { 0 };
                tally.encoded += if seen.shape == Shape::Encoded { weight } else { 0 };
            }
        }
        for kind in seen.shifted {
            self.tally_mut(*kind).shifted += weight;
        }
        for kind in seen.masked {
            self.tally_mut(*kind).masked += weight;
        }
        for kind in seen.inside {
            self.tally_mut(*kind).inside += weight;
        }
    }

    /// Adds a set of kinds. One that there is no room for counts as the most frequent kind in it alone: the others of a
    /// set that is so rare pass by chance.
    fn add_set(&mut self, set: KindSet, weight: u64) {
        if !self.passes.add(set, weight, SETS) {
            let frequent =
                set.iter().filter(|kind| **kind != NONE).max_by_key(|kind| self.tally(**kind).valid);
            let mut alone = [NONE; TOGETHER];
            if let (Some(place), Some(kind)) = (alone.first_mut(), frequent) {
                *place = *kind;
            }
            alone.sort_unstable();
            self.passes.add(alone, weight, SETS + TOGETHER * SETS);
        }
    }

    fn tally_mut(&mut self, kind: KindId) -> &mut Tally {
        let at = self.tallies.binary_search_by_key(&kind, |(known, _)| *known).unwrap_or_else(|at| {
            self.tallies.insert(at, (kind, Tally::default()));
            at
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made in the line above")]
        &mut self.tallies[at].1
    }

    /// What was counted of a kind.
    pub(super) fn tally(&self, kind: KindId) -> Tally {
        let found = self.tallies.iter().find(|(known, _)| *known == kind);
        found.map(|(_, tally)| *tally).unwrap_or_default()
    }

    /// Every kind of which anything was counted.
    pub(super) fn kinds(&self) -> impl Iterator<Item = KindId> {
        self.tallies.iter().map(|(kind, _)| *kind)
    }

    /// Different values, about.
    pub fn distinct(&self) -> u64 {
        self.distinct.bounds().estimate
    }

    /// Values that a kind accepts.
    pub fn valid(&self, kind: KindId) -> u64 {
        self.tally(kind).valid
    }

    /// The length in bytes of the digests, or of the random bytes, that at least one in twenty values is.
    pub fn digest_length(&self) -> Option<u16> {
        let random = self.is_random();
        let bytes = self.bytes.by_count().into_iter().filter(|_| random);
        let bytes = bytes.filter_map(|(length, count)| Some((u16::try_from(length).ok()?, count)));
        let most = self.digests.by_count().into_iter().chain(bytes).max_by_key(|(_, count)| *count)?;
        (20 * most.1 > self.values).then_some(most.0)
    }

    /// Kinds that accept values of the column, and the shares of it that they accept.
    pub fn accepted(&self) -> Vec<(KindId, f64)> {
        let share = |(kind, tally): &(KindId, Tally)| (*kind, tally.valid as f64 / self.values.max(1) as f64);
        self.tallies.iter().map(share).filter(|(_, share)| *share > 0.0).collect()
    }

    /// Share of the values that are as long as most are.
    pub(super) fn of_one_length(&self) -> f64 {
        let most = self.lengths.by_count().first().map_or(0, |(_, count)| *count);
        most as f64 / self.values.max(1) as f64
    }

    /// Share of the values that have a shape of their own, which no identifier has: digests, ciphertext, prose.
    pub(super) fn shaped(&self) -> f64 {
        let lists = self.masks.sum() + self.digests.sum() + self.bytes.sum();
        let shaped = lists + self.passwords + self.tokens + self.encrypted + self.texts;
        (shaped as f64 / self.values.max(1) as f64).min(1.0)
    }

    /// How many independent values a statement rests on: unequal weights cost some (Kish), and a value that comes again
    /// proves nothing new.
    pub(super) fn independent(&self) -> f64 {
        if self.values == 0 {
            return 0.0;
        }
        let values = self.values as f64;
        (values * values / self.squares).min(self.distinct() as f64)
    }

    /// Whether what is no text looks random, as digests and ciphertext do: hardly fewer than eight bits a byte.
    pub(super) fn is_random(&self) -> bool {
        /// What estimating from counts loses is `255 / (2 n ln 2)` bits (Miller 1955); so much more is allowed.
        const SLACK: f64 = 0.15;
        let Some(counts) = &self.byte_counts else { return false };
        let all: f64 = counts.iter().map(|count| f64::from(*count)).sum();
        let entropy: f64 = counts
            .iter()
            .filter(|count| **count > 0)
            .map(|count| {
                let share = f64::from(*count) / all;
                -share * share.log2()
            })
            .sum();
        let lost = 255.0 / (2.0 * all * std::f64::consts::LN_2);
        all >= 256.0 && entropy >= 8.0 - lost - SLACK
    }
}
