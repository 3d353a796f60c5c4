//! What deciding on columns needs of a recogniser.

use jiff::civil::Date;

use crate::people::Space;
use crate::personal::{Facts, Found, Hit, Identifies, Kind, KindId, Recogniser};

/// What deciding on columns needs to know of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// Stable name.
    pub id: String,
    /// In words.
    pub title: String,
    /// How directly it tells who somebody is.
    pub identifies: Identifies,
    /// Share of random strings of the right length and alphabet that pass.
    pub chance: f64,
    /// Share of the values of the worst usual look-alike that pass, where it was measured.
    pub look_alike: Option<f64>,
    /// Too many other things look like it: a column counts only when its name says so, too.
    pub weak: bool,
    /// It has a check digit or another proof in its structure.
    pub has_check: bool,
    /// Its issuers are all known, and other numbers have the same check digit: values of unknown issuers prove nothing.
    pub issued: bool,
    /// How many values there are, where that is few enough to try them all.
    pub enumerable: Option<f64>,
}

impl About {
    /// What values of this kind can be compared with. People are counted by the best kind that a row has. What proves
    /// itself comes before what only a name speaks for: more rows have a right one, and it stands in more tables, so that
    /// more can be joined.
    pub fn space(&self, kind: KindId, digest: u16) -> Space {
        let rank = match (self.weak, self.identifies) {
            (false, Identifies::Person) if self.has_check => 0,
            (false, Identifies::Person) => 1,
            (false, _) => 2,
            (true, Identifies::Person) => 3,
            (true, _) => 4,
        };
        Space { rank, identifies: self.identifies, kind, digest }
    }
}

/// A recogniser of values.
pub trait Recognise: Send + Sync {
    /// All kinds, in the order of their [`KindId`].
    fn about(&self) -> Vec<About>;

    /// Appends the kinds that accept a whole value, and those whose shape it has without being right.
    fn value(&self, value: &[u8], hits: &mut Vec<Hit>);

    /// Whether the value passes with a check digit that is off by one: so many look-alikes pass.
    fn shifted(&self, kind: KindId, value: &[u8]) -> bool;

    /// Appends the kinds that a column of this name could hold.
    fn named(&self, column: &str, kinds: &mut Vec<KindId>);

    /// Appends the kinds that a column of this name does not hold, whatever its values look like: they are no person's.
    fn denied(&self, _column: &str, _kinds: &mut Vec<KindId>) {}

    /// Finds values in a text: such as prove themselves, or stand beside a word that says what they are.
    fn text(&self, text: &[u8], found: &mut dyn FnMut(Found));

    /// Appends the one form that all spellings of a value share. False, and nothing is appended, when the kind does not
    /// accept the value.
    fn canonical(&self, kind: KindId, value: &[u8], canonical: &mut Vec<u8>) -> bool;

    /// What a value tells about a person.
    fn facts(&self, kind: KindId, value: &[u8], today: Date) -> Facts;
}

impl Recognise for Recogniser {
    fn about(&self) -> Vec<About> {
        let about = |kind: &Kind| About {
            id: kind.id.clone(),
            title: kind.title.clone(),
            identifies: kind.identifies,
            chance: kind.chance,
            look_alike: kind.look_alike,
            weak: kind.weak,
            has_check: kind.has_check,
            issued: kind.issued,
            enumerable: kind.enumerable,
        };
        self.kinds().iter().map(about).collect()
    }

    fn value(&self, value: &[u8], hits: &mut Vec<Hit>) {
        self.value(value, hits);
    }

    fn shifted(&self, kind: KindId, value: &[u8]) -> bool {
        self.shifted(kind, value)
    }

    fn named(&self, column: &str, kinds: &mut Vec<KindId>) {
        self.named(column, kinds);
    }

    fn denied(&self, column: &str, kinds: &mut Vec<KindId>) {
        self.denied(column, kinds);
    }

    fn text(&self, text: &[u8], found: &mut dyn FnMut(Found)) {
        self.text(text, found);
    }

    fn canonical(&self, kind: KindId, value: &[u8], canonical: &mut Vec<u8>) -> bool {
        self.canonical(kind, value, canonical)
    }

    fn facts(&self, kind: KindId, value: &[u8], today: Date) -> Facts {
        self.facts(kind, value, today)
    }
}
