//! Which kinds a run of digits or letters may be, by its length.

use super::KindId;
use super::shape::{Class, DIGITS, LONGEST, class};
use super::validate::{Check, Validator};

/// One pattern of one kind, at one length.
#[derive(Debug)]
pub(super) struct Entry {
    /// The kind.
    pub(super) kind: KindId,
    /// The separators that it allows in a whole value.
    pub(super) separators: u8,
    /// Whether upper and lower case differ.
    pub(super) exact: bool,
    /// What proves it.
    validator: Option<Validator>,
    /// The classes up to the last one that is not just any digit.
    head: Box<[Class]>,
    /// All classes.
    classes: Box<[Class]>,
}

impl Entry {
    /// An entry for `classes`.
    pub(super) fn new(
        kind: KindId,
        separators: u8,
        exact: bool,
        validator: Option<Validator>,
        classes: &[Class],
    ) -> Self {
        let head = classes.iter().rposition(|class| class & DIGITS != DIGITS).map_or(0, |last| last + 1);
        Self {
            kind,
            separators,
            exact,
            validator,
            head: classes.get(..head).unwrap_or_default().into(),
            classes: classes.into(),
        }
    }

    /// Whether text of the right length, digits only, has this shape.
    #[inline]
    pub(super) fn takes_digits(&self, text: &[u8]) -> bool {
        self.head.iter().zip(text).all(|(class, byte)| class >> (byte.wrapping_sub(b'0') & 63) & 1 == 1)
    }

    /// Whether text of the right length has this shape.
    #[inline]
    pub(super) fn takes(&self, text: &[u8]) -> bool {
        self.classes.iter().zip(text).all(|(allowed, &byte)| allowed & class(byte) != 0)
    }

    /// What the validator says; a kind without one has nothing to fail by, and nothing known.
    #[inline]
    pub(super) fn check(&self, text: &[u8]) -> Check {
        self.validator.map_or(Check::Passes, |validator| validator(text))
    }
}

/// Entries by length.
#[derive(Debug)]
pub(super) struct Table {
    digits: Vec<Vec<Entry>>,
    words: Vec<Vec<Entry>>,
}

impl Table {
    /// A table without entries.
    pub(super) fn new() -> Self {
        let empty = || std::iter::repeat_with(Vec::new).take(LONGEST + 1).collect();
        Self { digits: empty(), words: empty() }
    }

    /// Adds what `entry` makes, where text of these classes can be all digits, can have a letter, or both.
    pub(super) fn add(&mut self, classes: &[Class], entry: impl Fn() -> Entry) {
        if classes.iter().all(|class| class & DIGITS != 0)
            && let Some(list) = self.digits.get_mut(classes.len())
        {
            list.push(entry());
        }
        if classes.iter().any(|class| class & !DIGITS != 0)
            && let Some(list) = self.words.get_mut(classes.len())
        {
            list.push(entry());
        }
    }

    /// What `length` digits may be.
    #[inline]
    pub(super) fn digits(&self, length: usize) -> &[Entry] {
        self.digits.get(length).map_or(&[], Vec::as_slice)
    }

    /// What `length` characters with at least one letter may be.
    #[inline]
    pub(super) fn words(&self, length: usize) -> &[Entry] {
        self.words.get(length).map_or(&[], Vec::as_slice)
    }
}
