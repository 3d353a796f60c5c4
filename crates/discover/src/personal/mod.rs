//! Recognises personal data. Identifiers have no literals to search for, so runs of digits and letters are found first,
//! and what a run may be follows from its length and its characters.
//!
//! What a kind is stands in `packs/detectors/personal`, one file a kind; how it proves itself in [`validate`]. A whole
//! value goes through [`Recogniser::value`], a text through [`Recogniser::text`]. Neither says how sure it is about a
//! column: that follows from the share of values that pass, against [`Kind::chance`] and [`Recogniser::shifted`].

mod classify;
mod context;
mod form;
mod name;
mod pack;
mod place;
mod reading;
mod recogniser;
mod run;
mod shape;
mod table;
mod text;
mod token;
mod validate;
mod value;

use jiff::civil::Date;
use serde::Deserialize;

pub use recogniser::{Kind, Recogniser};

/// A kind of personal data: its place in [`Recogniser::kinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(pub u16);

/// How directly a kind tells who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identifies {
    /// One value, one person: a national identity number. People are counted by these.
    Person,
    /// One value, nearly one person: a mobile number, an e-mail address. People are counted by these when nothing better
    /// is there.
    Contact,
    /// Many people share a value, or one has many: names, cards, addresses.
    Nobody,
}

/// A whole value that a kind accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which kind.
    pub kind: KindId,
    /// Its check digit, or other proof in its structure, passes (always so for kinds without one).
    pub valid: bool,
    /// What changes with time or place (region, prefix, issuer) is known, too.
    pub known: bool,
}

/// A value in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which kind.
    pub kind: KindId,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// A context word of the kind stands near it.
    pub context: bool,
    /// What changes with time or place (region, prefix, issuer) is known.
    pub known: bool,
}

/// What a value tells about a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Date of birth.
    pub born: Option<Date>,
    /// `CN-31`, or a country (ISO 3166-1 alpha-2).
    pub region: Option<String>,
}

#[cfg(test)]
mod tests;
