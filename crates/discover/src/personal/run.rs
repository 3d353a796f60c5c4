//! Runs of digits and letters in a text, and how they are split into groups.

use super::KindId;
use super::reading::is_clean;
use super::shape::{LONGEST, add_group, separator_code};
use super::token::fold;

/// So many groups are looked at together.
const TOGETHER: usize = 16;
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
    /// Which of its first 64 characters are digits.
    pub(super) places: u64,
}

impl Group {
    /// The group around `at`, which is the place of a letter or digit; nothing before `from` belongs to it.
    #[inline]
    pub(super) fn around(text: &[u8], at: usize, from: usize) -> Self {
        let before = text.get(from..at).unwrap_or_default();
        let back = before.iter().rev().take_while(|&&byte| fold(byte) >= b'0').count();
        Self::from(text, at - back, 0)
    }

    #[inline]
    fn from(text: &[u8], start: usize, separator: u8) -> Self {
        let mut group = Self { start, end: start, separator, digits: false, letters: false, places: 0 };
        // One branch for each byte: whether a digit or a letter comes next cannot be predicted.
        for &byte in text.get(start..).unwrap_or_default() {
            let folded = fold(byte);
            if folded < b'0' {
                break;
            }
            let digit = folded <= b'9';
            group.digits |= digit;
            group.letters |= !digit;
            group.places |= u64::from(digit).unbounded_shl(group.length() as u32);
            group.end += 1;
        }
        group
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> usize {
        self.end - self.start
    }

    /// Where the group before ends, when one is joined to this one and ends behind `from`.
    #[inline]
    fn before(&self, text: &[u8], from: usize) -> Option<usize> {
        let last = self.start.checked_sub(2).filter(|&last| last >= from)?;
        let joined = text.get(last + 1).is_some_and(|&byte| separator_code(byte) != 0);
        (joined && text.get(last).is_some_and(u8::is_ascii_alphanumeric)).then_some(last)
    }

    /// The separator that joins the next group to this one; 0: none.
    #[inline]
    fn behind(&self, text: &[u8]) -> u8 {
        let code = text.get(self.end).map_or(0, |&byte| separator_code(byte));
        let joined = code != 0 && text.get(self.end + 1).is_some_and(u8::is_ascii_alphanumeric);
        if joined { code } else { 0 }
    }

    /// Where the last group of a day begins, when this group is its year: `2024-11-26`. Such days are in every row of
    /// many tables, and no value is split like that.
    #[inline]
    pub(super) fn day(&self, text: &[u8]) -> Option<usize> {
        let rest = text.get(self.end..self.end + 5)?;
        match rest {
            [first, one, two, second, three]
                if self.length() == 4 && first == second && matches!(*first, b'-' | b'/') =>
            {
                let digits = [one, two, three].iter().all(|byte| byte.is_ascii_digit());
                digits.then_some(self.end + 4)
            }
            _ => None,
        }
    }

    /// Whether it is a number of which both neighbours join it to nothing.
    #[inline]
    pub(super) fn is_plain(&self, text: &[u8]) -> bool {
        let before = self.start.checked_sub(1).and_then(|before| text.get(before)).copied().unwrap_or(b'\n');
        let behind = text.get(self.end).copied().unwrap_or(b'\n');
        !self.letters && is_clean(before) && is_clean(behind)
    }

    /// Whether it is all of what stands before the `@` of an address: that is no other value.
    #[inline]
    pub(super) fn is_name(&self, text: &[u8]) -> bool {
        let before = self.start.checked_sub(1).and_then(|before| text.get(before)).copied().unwrap_or(b'\n');
        text.get(self.end) == Some(&b'@') && is_clean(before)
    }

    /// Whether no other group is joined to it.
    #[inline]
    pub(super) fn is_alone(&self, text: &[u8], from: usize) -> bool {
        self.behind(text) == 0 && self.before(text, from).is_none()
    }
}

/// Groups that are joined by single separators.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    groups: [Group; TOGETHER],
    count: usize,
}

impl Cluster {
    /// Takes the groups around `group`; none before `from`.
    pub(super) fn fill(&mut self, text: &[u8], group: Group, from: usize) {
        let mut first = group;
        // An account number or a name may begin with letters: `GB82 WEST 1234`, `AB 12 34 56 C`.
        for _ in 0..2 {
            let Some(before) = first.before(text, from) else { break };
            first = Group::around(text, before, from);
        }
        self.fill_from(text, first);
    }

    fn fill_from(&mut self, text: &[u8], first: Group) {
        self.count = 0;
        let mut next = Some(first);
        while let (Some(group), Some(slot)) = (next, self.groups.get_mut(self.count)) {
            *slot = group;
            self.count += 1;
            let code = group.behind(text);
            next = (code != 0).then(|| Group::from(text, group.end + 1, code));
        }
    }

    /// The groups.
    pub(super) fn groups(&self) -> &[Group] {
        self.groups.get(..self.count).unwrap_or_default()
    }

    /// Goes on where there was no more room; `false` when that was all.
    pub(super) fn go_on(&mut self, text: &[u8]) -> bool {
        let Some(first) = self.groups.get(self.reach()).copied().filter(|_| self.count == TOGETHER) else {
            return false;
        };
        self.fill_from(text, Group { separator: 0, ..first });
        true
    }

    /// How many groups are looked at as the first of a value: what begins later comes after [`Self::go_on`].
    pub(super) fn reach(&self) -> usize {
        if self.count == TOGETHER { TOGETHER - OF_A_VALUE } else { self.count }
    }

    /// Whether a value may begin with group `first`: behind a space or a word without digits (`user-13412345678`). What
    /// stands before the cluster is looked at when a value was found.
    pub(super) fn begins(&self, first: usize) -> bool {
        let Some((before, group)) = first
            .checked_sub(1)
            .and_then(|before| Some((self.groups().get(before)?, self.groups().get(first)?)))
        else {
            return true;
        };
        group.separator == 1 || !before.digits
    }

    /// Whether a value of one group may end with group `last`.
    pub(super) fn ends(&self, last: usize) -> bool {
        self.groups().get(last + 1).is_none_or(|next| next.separator == 1 || !next.digits)
    }

    /// Two to five groups of six to eleven digits together, from group `first` on, as phone numbers are split: the last of
    /// them, and where the number ends, with an extension behind it (`x354`). A number that is part of something longer is
    /// none.
    pub(super) fn number_in_groups(&self, text: &[u8], first: usize) -> Option<(usize, usize)> {
        let length = |at: usize| self.groups().get(first + at).map(Group::length);
        let lengths = [length(0), length(1), length(2)];
        let day = matches!(lengths, [Some(4), Some(2), Some(2)] | [Some(2), Some(2), Some(4)]);
        // No group of a day begins a number, whatever follows it.
        let of_day = (first.saturating_sub(2)..=first)
            .any(|at| self.groups().get(at).is_some_and(|group| group.day(text).is_some()));
        if day || of_day {
            return None;
        }
        let mut digits = 0;
        let mut found = None;
        for (at, group) in self.groups().get(first..)?.iter().enumerate() {
            if at > 0 && group.separator == 0 {
                break;
            }
            let bytes = text.get(group.start..group.end)?;
            let own = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let extension = bytes.get(own..).unwrap_or_default();
            let extended = matches!(extension, [b'x' | b'X', digits @ ..] if (1..=6).contains(&digits.len())
                && digits.iter().all(u8::is_ascii_digit));
            digits += own;
            if own == 0 || own > 8 || !(extension.is_empty() || extended) || digits > 11 || at > 4 {
                // What is joined to it by more than a space belongs to it.
                return found.filter(|_| group.separator == 1);
            }
            if at > 0 && digits >= 6 && (extended || self.ends(first + at)) {
                found = Some((first + at, group.end));
            }
            if extended {
                break;
            }
        }
        found
    }

    /// The key of group `first` and the next one.
    pub(super) fn pair(&self, first: usize) -> Option<u64> {
        let (one, two) = (self.groups().get(first)?, self.groups().get(first + 1)?);
        add_group(add_group(0, 0, one.length())?, two.separator, two.length())
    }

    /// The last groups that a value of several groups beginning with group `first` may have, each with the key of the split; the longest
    /// first. A value ends before a space, a word without digits, and at the end of the cluster.
    pub(super) fn values(&self, first: usize) -> impl Iterator<Item = (usize, u64)> + use<> {
        let mut keys = [None; OF_A_VALUE];
        let mut key = Some(0);
        let rest = self.groups().get(first..).unwrap_or_default();
        for (at, (group, slot)) in rest.iter().zip(&mut keys).enumerate() {
            let separator = if at == 0 { 0 } else { group.separator };
            key = key.and_then(|key| add_group(key, separator, group.length()));
            *slot = key.filter(|_| at > 0 && self.ends(first + at)).map(|key| (first + at, key));
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
    /// The same for the first two groups.
    begins: [u64; 16],
}

impl Splits {
    /// Adds one.
    pub(super) fn add(&mut self, key: u64, kind: KindId) {
        self.kinds.push((key, kind));
        let mut begin = key;
        while begin >> 16 != 0 {
            begin >>= 8;
        }
        for (filter, key) in [(&mut self.filter, key), (&mut self.begins, begin)] {
            let (word, bit) = Self::place(key);
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// Whether a kind may have a split that begins with the two groups of `key`.
    #[inline]
    pub(super) fn may_begin(&self, key: u64) -> bool {
        let (word, bit) = Self::place(key);
        self.begins.get(word).is_some_and(|word| word & bit != 0)
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
    pub(super) fn new(text: &[u8]) -> Option<Self> {
        let mut joined = Self { buffer: [0; LONGEST], length: 0 };
        for byte in text.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
            *joined.buffer.get_mut(joined.length)? = byte.to_ascii_uppercase();
            joined.length += 1;
        }
        Some(joined)
    }

    /// A word of which all are letters and digits.
    #[inline]
    pub(super) fn word(text: &[u8]) -> Self {
        let mut joined = Self { buffer: [0; LONGEST], length: text.len().min(LONGEST) };
        for (to, from) in joined.buffer.iter_mut().zip(text) {
            *to = from.to_ascii_uppercase();
        }
        joined
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

    fn cluster(text: &[u8], at: usize) -> Cluster {
        let mut cluster = Cluster::default();
        cluster.fill(text, Group::around(text, at, 0), 0);
        cluster
    }

    fn texts(text: &str, at: usize) -> Vec<&str> {
        cluster(text.as_bytes(), at)
            .groups()
            .iter()
            .filter_map(|group| text.get(group.start..group.end))
            .collect()
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
        let cluster = cluster(b"2024-11-26 138 0000", 0);
        let all: Vec<usize> = cluster.values(0).map(|(last, _)| last).collect();
        assert_eq!(all, [4, 3, 2]);
        let (last, key) = cluster.values(3).next().unwrap();
        assert_eq!((last, key), (4, shape::groups("3 4").unwrap()));
    }

    #[test]
    fn a_long_cluster_goes_on() {
        let text = "12 ".repeat(100);
        let mut cluster = cluster(text.as_bytes(), 0);
        let mut seen = cluster.reach();
        while cluster.go_on(text.as_bytes()) {
            seen += cluster.reach();
        }
        assert_eq!(seen, 100);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_clusters_without_panic(text: Vec<u8>, at: usize, from: usize) {
            let at = at % (text.len() + 1);
            let from = from % (at + 1);
            let mut cluster = Cluster::default();
            cluster.fill(&text, Group::around(&text, at, from), from);
            for first in 0..cluster.groups().len() {
                cluster.values(first).count();
            }
            Joined::new(&text);
        }
    }
}
