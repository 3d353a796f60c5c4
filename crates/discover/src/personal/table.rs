//! Which kinds a run of digits or letters may be, by its length.

use super::context::{Kinds, add_kind};
use super::pack::{ColumnRule, Pack, TextRule};
use super::shape::{Class, DIGITS, LETTERS, LONGEST, class};
use super::validate::{Check, Validator};
use super::{KindId, token};

/// One pattern of one kind, at one length.
#[derive(Debug)]
pub(super) struct Entry {
    /// The kind.
    pub(super) kind: KindId,
    /// The separators that it allows in a whole value.
    pub(super) separators: u8,
    /// Whether upper and lower case differ.
    pub(super) exact: bool,
    /// What a value in a text needs to be told.
    pub(super) rule: TextRule,
    /// See [`rank`].
    pub(super) rank: u64,
    /// What proves it.
    validator: Option<Validator>,
    /// The classes up to the last one that is not just any digit.
    head: Box<[Class]>,
    /// All classes.
    classes: Box<[Class]>,
    /// Which of the characters must be digits, and which must be letters.
    digits: u64,
    letters: u64,
}

/// Of two kinds that a value may be, the one with the higher rank is likelier: one that values alone decide, then the one
/// that fewer random values pass. Bit 0 is left free, and all above bit 33.
pub(super) fn rank(strong: bool, chance: f64) -> u64 {
    // Positive floating-point numbers have the order of their bits.
    #[expect(clippy::cast_possible_truncation, reason = "the order needs no more digits")]
    let bits = (chance as f32).to_bits();
    u64::from(strong) << 33 | u64::from(!bits) << 1
}

/// The places where none of `excluded` may stand.
fn bits(classes: &[Class], excluded: Class) -> u64 {
    classes
        .iter()
        .zip(0u32..64)
        .filter(|(class, _)| *class & excluded == 0)
        .fold(0, |bits, (_, at)| bits | 1 << at)
}

impl Entry {
    /// An entry of `pack` for `classes`.
    pub(super) fn new(kind: KindId, pack: &Pack, validator: Option<Validator>, classes: &[Class]) -> Self {
        let head = classes.iter().rposition(|class| class & DIGITS != DIGITS).map_or(0, |last| last + 1);
        Self {
            kind,
            separators: token::separator_bits(&pack.shape.separators).unwrap_or(0),
            exact: pack.shape.exact_case,
            rule: pack.text,
            rank: rank(pack.column != ColumnRule::Named, pack.chance.random),
            validator,
            head: classes.get(..head).unwrap_or_default().into(),
            classes: classes.into(),
            digits: bits(classes, LETTERS),
            letters: bits(classes, DIGITS),
        }
    }

    /// Whether a word could have this shape that has digits at `places`: one look instead of one for each character.
    #[inline]
    pub(super) fn may_take(&self, places: u64) -> bool {
        self.digits & !places | self.letters & places == 0
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
    /// For texts, by length of digits: where the entries are.
    lists: Vec<List>,
}

/// Which entries of a list are worth a look in a text.
#[derive(Clone, Debug, Default)]
struct List {
    /// So many at the beginning need no context word.
    open: usize,
    /// The kinds that need one.
    needy: Kinds,
    /// Where the entries of each kind begin.
    at: Vec<u8>,
}

impl Table {
    /// A table without entries.
    pub(super) fn new() -> Self {
        let empty = || std::iter::repeat_with(Vec::new).take(LONGEST + 1).collect();
        Self { digits: empty(), words: empty(), lists: vec![List::default(); LONGEST + 1] }
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

    /// Puts first what needs no context word in texts, of these what the fewest random values pass.
    pub(super) fn finish(&mut self) {
        let needs = |entry: &Entry| entry.rule == TextRule::Context;
        for (entries, list) in self.digits.iter_mut().zip(&mut self.lists) {
            entries.sort_by(|one, two| needs(one).cmp(&needs(two)).then(two.rank.cmp(&one.rank)));
            list.open = entries.iter().take_while(|entry| !needs(entry)).count();
            list.at = vec![0; 256];
            for (place, entry) in (0u8..).zip(entries.iter()).skip(list.open) {
                let known = list
                    .needy
                    .iter()
                    .zip(0u16..)
                    .any(|(word, at)| at == entry.kind.0 / 64 && word >> (entry.kind.0 % 64) & 1 == 1);
                if let Some(slot) = list.at.get_mut(usize::from(entry.kind.0)).filter(|_| !known) {
                    *slot = place;
                }
                add_kind(&mut list.needy, entry.kind);
            }
        }
    }

    /// What `length` digits may be in a text without a context word.
    #[inline]
    pub(super) fn open(&self, length: usize) -> &[Entry] {
        let open = self.lists.get(length).map_or(0, |list| list.open);
        self.digits(length).get(..open).unwrap_or_default()
    }

    /// Calls `look` for what `length` digits may be when `kinds` are named by context words.
    #[inline]
    pub(super) fn named(&self, length: usize, kinds: &Kinds, mut look: impl FnMut(&Entry)) {
        let Some(list) = self.lists.get(length) else { return };
        for ((needy, named), base) in list.needy.iter().zip(kinds).zip([0u16, 64, 128, 192]) {
            let mut bits = needy & named;
            while bits != 0 {
                let kind = KindId(base + bits.trailing_zeros() as u16);
                bits &= bits - 1;
                let place = list.at.get(usize::from(kind.0)).copied().unwrap_or(0);
                let entries = self.digits(length).get(usize::from(place)..).unwrap_or_default();
                entries.iter().take_while(|entry| entry.kind == kind).for_each(&mut look);
            }
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
