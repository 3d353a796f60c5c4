//! Columns for judging how right recognition is: of every kind of personal data that this generator can make, in the
//! formats in which it is written down, and of what looks like them and is nobody's.
//!
//! What is true of a column is known because this module made it, not because a detector said so. Numbers of other states
//! have right check digits and are drawn at random; they are kept nowhere. Where a state has numbers that nobody has, those
//! are taken: regions, prefixes and exchanges as everywhere in this generator.

mod americas;
mod asia;
mod contact;
mod draws;
mod east;
mod forms;
mod nobody;
mod numbers;
mod plain;
mod rows;
mod unseen;
mod west;

use crate::draw::mix;
use draws::Draws;

pub use forms::Guise;

/// Writes one value.
type Style = fn(&mut Draws) -> String;

/// What can be known of a column from its values alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// They have a check digit or a form that nothing else has.
    Values,
    /// Nothing: only the column's name tells.
    Name,
    /// It is nobody's.
    Nobody,
}

/// A sort of column.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// What it holds: the name of the kind, or what the look-alike is.
    pub what: &'static str,
    proof: Proof,
    /// Other kinds that its values are no worse ones of, or that mean the same.
    same: &'static [&'static str],
    names: &'static [&'static str],
    styles: &'static [Style],
    /// A column has a name that tells what it is: without it nobody could know.
    own_name: bool,
    /// Not even its name tells whether it is about people.
    undecidable: bool,
    /// Each value is the one before it and a little more.
    in_order: bool,
}

impl Class {
    const fn new(
        what: &'static str,
        proof: Proof,
        names: &'static [&'static str],
        styles: &'static [Style],
    ) -> Self {
        Self { what, proof, same: &[], names, styles, own_name: false, undecidable: false, in_order: false }
    }

    const fn proven(what: &'static str, names: &'static [&'static str], styles: &'static [Style]) -> Self {
        Self::new(what, Proof::Values, names, styles)
    }

    const fn unproven(what: &'static str, names: &'static [&'static str], styles: &'static [Style]) -> Self {
        Self::new(what, Proof::Name, names, styles)
    }

    const fn nobody(what: &'static str, names: &'static [&'static str], styles: &'static [Style]) -> Self {
        Self::new(what, Proof::Nobody, names, styles)
    }

    const fn same(mut self, same: &'static [&'static str]) -> Self {
        self.same = same;
        self
    }

    const fn own_name(mut self) -> Self {
        self.own_name = true;
        self
    }

    const fn undecidable(mut self) -> Self {
        self.undecidable = true;
        self
    }

    const fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// Whether it is nobody's.
    pub fn is_nobody(&self) -> bool {
        self.proof == Proof::Nobody
    }

    /// Whether a kind that was told is what it holds.
    pub fn is(&self, kind: &str) -> bool {
        !self.is_nobody() && (kind == self.what || self.same.contains(&kind))
    }
}

/// All classes.
pub fn classes() -> impl Iterator<Item = &'static Class> {
    [
        west::CLASSES,
        east::CLASSES,
        americas::CLASSES,
        asia::CLASSES,
        contact::CLASSES,
        plain::CLASSES,
        nobody::CLASSES,
        unseen::CLASSES,
    ]
    .into_iter()
    .flatten()
}

/// What a column's name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// What it holds.
    Telling,
    /// Nothing.
    Plain,
    /// Something else.
    Misleading,
}

/// A column with its truth.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// What the name says.
    pub naming: Naming,
    /// In which form the values stand there.
    pub guise: Guise,
    /// Whether name or values tell at all what it is: a number of nine digits in a column `c3` is nobody's, as far as
    /// anyone can know.
    pub knowable: bool,
    /// Its values; `None` where there is none.
    pub values: Vec<Option<String>>,
}

/// Names that say nothing.
const PLAIN: &[&str] = &["c", "col", "field", "attr", "f", "x", "data", "column"];

/// Names of columns in which something else than this stands: business of all sorts, and what is told *about* personal
/// data.
const BUSINESS: &[&str] =
    &["ref", "order_ref", "remark1", "ext1", "code", "reserved", "extra", "item_key", "source"];
const ABOUT: &[&str] = &[
    "phone_model",
    "email_count",
    "card_type",
    "mobile_app_version",
    "passport_office",
    "phone_id",
    "email_template_id",
    "address_type",
    "contact_id",
    "card_status",
    "name_count",
    "id_type",
    "email_status",
    "phone_minutes",
    "birth_ward",
];

/// Column `number` of a class, with so many rows.
pub fn sample(class: &Class, number: u64, rows: usize, seed: u64) -> Sample {
    let key = class.what.bytes().fold(mix(seed, number), |key, byte| mix(key, u64::from(byte)));
    let mut draws = Draws::of(key, 0);
    let naming = match draws.below(10) {
        _ if class.own_name => Naming::Telling,
        0..=4 => Naming::Telling,
        5..=7 => Naming::Plain,
        _ => Naming::Misleading,
    };
    let name = match naming {
        Naming::Telling => draws.pick(class.names).to_owned(),
        Naming::Plain => format!("{}{}", draws.pick(PLAIN), draws.within(1, 40)),
        Naming::Misleading if class.is_nobody() => draws.pick(ABOUT).to_owned(),
        Naming::Misleading => draws.pick(BUSINESS).to_owned(),
    };
    let style = class
        .styles
        .get(draws.below(class.styles.len() as u64) as usize)
        .copied()
        .unwrap_or(|_| String::new());
    let guise = if class.is_nobody() { Guise::Clear } else { Guise::of(class.what, &mut draws) };
    let name = guise.name(name, naming, &mut draws);
    let noise = forms::Noise::drawn(&mut draws);
    let values = (0..rows).map(|row| {
        let mut draws = Draws::of(key, row as u64 + 1);
        let value = if class.in_order { follow(style, key, row) } else { style(&mut draws) };
        noise.spoil(guise.dress(value, &mut draws), &mut draws)
    });
    let by_name = naming == Naming::Telling;
    let knowable = !class.undecidable
        && match class.proof {
            Proof::Values => by_name || guise.shows_values(),
            Proof::Name => by_name,
            Proof::Nobody => true,
        };
    Sample { name, naming, guise, knowable, values: values.collect() }
}

fn follow(style: Style, key: u64, row: usize) -> String {
    let first: u64 = style(&mut Draws::of(key, 1)).parse().unwrap_or(1);
    (first + row as u64).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_column_is_the_same_each_time_and_another_one_for_each_number() {
        for class in classes() {
            let of = |number| sample(class, number, 50, 9).values;
            assert_eq!(of(1), of(1), "{}", class.what);
            assert!(class.in_order || of(1) != of(2), "{}", class.what);
            let values = of(3);
            assert!(values.iter().flatten().all(|value| !value.is_empty()), "{}", class.what);
        }
    }

    #[test]
    fn there_are_hundreds_of_sorts_of_columns() {
        let names: BTreeSet<&str> = classes().map(|class| class.what).collect();
        assert_eq!(names.len(), classes().count());
        assert!(classes().map(|class| class.styles.len()).sum::<usize>() > 300);
    }
}
