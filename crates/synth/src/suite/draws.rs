//! Chance for values that need many draws: a key and a counter.

use crate::draw::{below, mix};

/// A stream of draws that follows from its key alone.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    key: u64,
    turn: u64,
}

impl Draws {
    /// The stream of a key.
    pub(super) fn new(key: u64) -> Self {
        Self { key, turn: 0 }
    }

    /// The stream of one thing among several of the same key.
    pub(super) fn of(key: u64, thing: u64) -> Self {
        Self::new(mix(key, thing))
    }

    /// The next draw.
    pub(super) fn next(&mut self) -> u64 {
        self.turn += 1;
        mix(self.key, self.turn)
    }

    /// One of `0..n`.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        below(self.next(), n)
    }

    /// One of `from..=to`.
    pub(super) fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// Whether one of so many, on average.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// So many digits.
    pub(super) fn digits(&mut self, count: usize) -> String {
        self.of_letters("0123456789", count)
    }

    /// So many of these letters.
    pub(super) fn of_letters(&mut self, letters: &str, count: usize) -> String {
        (0..count).filter_map(|_| self.letter(letters)).collect()
    }

    /// One of these letters; `None` of none.
    pub(super) fn letter(&mut self, letters: &str) -> Option<char> {
        letters.chars().nth(self.below(letters.chars().count() as u64) as usize)
    }

    /// One of a list.
    pub(super) fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list.get(self.below(list.len() as u64) as usize).copied().unwrap_or_default()
    }

    /// A day on which somebody may have been born: year, month, day.
    pub(super) fn birthday(&mut self) -> (u64, u64, u64) {
        (self.within(1936, 2012), self.within(1, 12), self.within(1, 28))
    }

    /// The first result that is one: of some numbers the standard gives no check digit.
    pub(super) fn until(&mut self, mut make: impl FnMut(&mut Self) -> Option<String>) -> String {
        (0..1_000).find_map(|_| make(self)).unwrap_or_default()
    }
}
