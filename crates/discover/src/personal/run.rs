//! Runs of digits and letters in a text, and how they are split into groups.

use super::KindId;
use super::shape::{LONGEST, add_group, separator_code};

/// So many groups are looked at together.
const TOGETHER: usize = 24;
/// A value has at most so many groups.
const OF_A_VALUE: usize = 8;

/// Letters and digits between other bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// Where it begins.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// Which separator joins it to the group before; 0: none.
    pub(super) separator: u8,
    /// Whether it has a digit.
    pub(super) digits: bool,
    /// Whether it has a letter.
    pub(super) letters: bool,
}

impl Group {
    /// The group around `at`, which is the place of a letter or digit. It ends where it is longer than any value.
    fn around(text: &[u8], at: usize, from: usize) -> Self {
        let before = text.get(from..at).unwrap_or_default();
        let back = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        Self::from(text, at - back, 0)
    }

    fn from(text: &[u8], start: usize, separator: u8) -> Self {
        let mut group = Self { start, end: start, separator, digits: false, letters: false };
        for byte in text.get(start..).unwrap_or_default() {
            if byte.is_ascii_digit() {
                group.digits = true;
            } else if byte.is_ascii_alphabetic() {
                group.letters = true;
            } else {
                break;
            }
            group.end += 1;
        }
        group
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> usize {
        self.end - self.start
    }
}

/// Groups that are joined by single separators.
#[derive(Debug)]
pub(super) struct Cluster {
    groups: [Group; TOGETHER],
    count: usize,
}

impl Cluster {
    /// The groups around `at`; none before `from`.
    pub(super) fn around(text: &[u8], at: usize, from: usize) -> Self {
        let mut first = Group::around(text, at, from);
        // An account number or a name may begin with letters: `GB82 WEST 1234`, `AB 12 34 56 C`.
        for _ in 0..2 {
            let Some(before) = first.start.checked_sub(2).filter(|&before| before >= from) else { break };
            let joined = text.get(before + 1).is_some_and(|&byte| separator_code(byte) != 0);
            if !joined || !text.get(before).is_some_and(u8::is_ascii_alphanumeric) {
                break;
            }
            first = Group::around(text, before, from);
        }
        Self::starting(text, first)
    }

    fn starting(text: &[u8], first: Group) -> Self {
        let mut cluster = Self { groups: [Group::default(); TOGETHER], count: 0 };
        let mut next = Some(first);
        while let (Some(group), Some(slot)) = (next, cluster.groups.get_mut(cluster.count)) {
            *slot = group;
            cluster.count += 1;
            let code = text.get(group.end).map_or(0, |&byte| separator_code(byte));
            let joined = code != 0 && text.get(group.end + 1).is_some_and(u8::is_ascii_alphanumeric);
            next = joined.then(|| Group::from(text, group.end + 1, code));
        }
        cluster
    }

    /// The groups.
    pub(super) fn groups(&self) -> &[Group] {
        self.groups.get(..self.count).unwrap_or_default()
    }

    /// The cluster that goes on where this one had no more room, and how many groups of this one it repeats.
    pub(super) fn rest(&self, text: &[u8]) -> Option<Self> {
        let first = self.groups.get(self.reach()).filter(|_| self.count == TOGETHER)?;
        Some(Self::starting(text, Group { separator: 0, ..*first }))
    }

    /// How many groups are looked at as the first of a value: what begins later is part of [`Self::rest`].
    pub(super) fn reach(&self) -> usize {
        if self.count == TOGETHER { TOGETHER - OF_A_VALUE } else { self.count }
    }

    /// Whether a value may begin with group `first`: behind a space or a word without digits (`user-13412345678`). What
    /// stands before the cluster is looked at when a value was found.
    pub(super) fn begins(&self, first: usize) -> bool {
        let Some((before, group)) = first.checked_sub(1).and_then(|before| {
            Some((self.groups().get(before)?, self.groups().get(first)?))
        }) else {
            return true;
        };
        group.separator == 1 || !before.digits
    }

    /// The last groups that a value beginning with group `first` may have, each with the key of the split; the longest
    /// first. A value ends before a space, a word without digits, and at the end of the cluster.
    pub(super) fn values(&self, first: usize) -> impl Iterator<Item = (usize, u64)> + use<> {
        let mut keys = [None; OF_A_VALUE];
        let mut key = Some(0);
        let rest = self.groups().get(first..).unwrap_or_default();
        for (at, (group, slot)) in rest.iter().zip(&mut keys).enumerate() {
            let separator = if at == 0 { 0 } else { group.separator };
            key = key.and_then(|key| add_group(key, separator, group.length()));
            let ends = rest.get(at + 1).is_none_or(|next| next.separator == 1 || !next.digits);
            // One group needs no key: it may be longer than a key can say.
            *slot = key.or((at == 0).then_some(0)).filter(|_| ends).map(|key| (first + at, key));
        }
        keys.into_iter().rev().flatten()
    }
}

/// Which kinds are split in a certain way.
#[derive(Debug, Default)]
pub(super) struct Splits {
    kinds: Vec<(u64, KindId)>,
    /// A bit for each hash of a key: most texts have numbers in groups that are no value.
    filter: [u64; 16],
}

impl Splits {
    /// Adds one.
    pub(super) fn add(&mut self, key: u64, kind: KindId) {
        self.kinds.push((key, kind));
        let (word, bit) = Self::place(key);
        if let Some(word) = self.filter.get_mut(word) {
            *word |= bit;
        }
    }

    /// Sorts; before any search.
    pub(super) fn finish(&mut self) {
        self.kinds.sort_unstable();
        self.kinds.dedup();
    }

    fn place(key: u64) -> (usize, u64) {
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        (usize::try_from(hash >> 6).unwrap_or(0), 1 << (hash & 63))
    }

    /// The kinds with this key.
    #[inline]
    pub(super) fn find(&self, key: u64) -> &[(u64, KindId)] {
        let (word, bit) = Self::place(key);
        if self.filter.get(word).is_none_or(|word| word & bit == 0) {
            return &[];
        }
        let from = self.kinds.partition_point(|(known, _)| *known < key);
        let rest = self.kinds.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|(known, _)| *known == key).count();
        rest.get(..count).unwrap_or_default()
    }
}

/// Groups put together, in capitals.
#[derive(Debug)]
pub(super) struct Joined {
    buffer: [u8; LONGEST],
    length: usize,
}

impl Joined {
    /// The letters and digits of `text`; `None` when they are too many.
    pub(super) fn new(text: &[u8], exact: bool) -> Option<Self> {
        let mut joined = Self { buffer: [0; LONGEST], length: 0 };
        for byte in text.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
            *joined.buffer.get_mut(joined.length)? = if exact { *byte } else { byte.to_ascii_uppercase() };
            joined.length += 1;
        }
        Some(joined)
    }

    /// Them.
    pub(super) fn text(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape;
    use super::*;

    fn texts(text: &str, at: usize) -> Vec<&str> {
        Cluster::around(text.as_bytes(), at, 0).groups().iter().map(|group| &text[group.start..group.end]).collect()
    }

    #[test]
    fn groups_are_joined_by_single_separators() {
        assert_eq!(texts("a, GB82 WEST 1234 5698 x", 13), ["GB82", "WEST", "1234", "5698", "x"]);
        assert_eq!(texts("\"123-45-6789\"", 1), ["123", "45", "6789"]);
        assert_eq!(texts("12  34", 4), ["34"]);
        assert_eq!(texts("号12345678号", 3), ["12345678"]);
    }

    #[test]
    fn values_end_at_spaces() {
        let cluster = Cluster::around(b"2024-11-26 138 0000", 0, 0);
        let all: Vec<usize> = cluster.values(0).map(|(last, _)| last).collect();
        assert_eq!(all, [4, 3, 2]);
        let (last, key) = cluster.values(3).next().unwrap();
        assert_eq!((last, key), (4, shape::groups("3 4").unwrap()));
    }

    #[test]
    fn a_long_cluster_goes_on() {
        let text = "12 ".repeat(100);
        let mut cluster = Cluster::around(text.as_bytes(), 0, 0);
        let mut seen = cluster.reach();
        while let Some(next) = cluster.rest(text.as_bytes()) {
            seen += next.reach();
            cluster = next;
        }
        assert_eq!(seen, 100);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_clusters_without_panic(text: Vec<u8>, at: usize, from: usize) {
            let at = at % (text.len() + 1);
            let from = from % (at + 1);
            let cluster = Cluster::around(&text, at, from);
            for first in 0..cluster.groups().len() {
                cluster.values(first).count();
            }
            Joined::new(&text, false);
        }
    }
}
