//! A detector of personal data as it stands in a pack. See `packs/detectors/personal/README.md` for the words.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Identifies;

/// The detectors that are part of the program: file name and pack.
const EMBEDDED: &str = include_str!(concat!(env!("OUT_DIR"), "/personal.json"));

/// One file of `packs/detectors/personal`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pack {
    /// Id of the kind, and name of the file.
    pub(super) id: String,
    /// What it is, in English.
    pub(super) title: String,
    /// The same in Chinese.
    pub(super) title_zh: String,
    /// Where the rule is written down.
    #[cfg_attr(not(test), expect(dead_code, reason = "for people; the tests hold that it is there"))]
    pub(super) source: String,
    /// Whom a value leads to.
    pub(super) identifies: Identifies,
    /// ISO 3166-1 alpha-2 of the country that gives it, where one does.
    #[serde(default)]
    pub(super) country: Option<String>,
    /// What a value looks like.
    pub(super) shape: Shape,
    /// Name of the function that proves a value.
    #[serde(default)]
    pub(super) validator: Option<String>,
    /// Where its check character stands.
    #[serde(default)]
    pub(super) check: CheckAt,
    /// Share of values that pass and are not of this kind.
    pub(super) chance: Chance,
    /// How many values there are, where so few that all can be tried.
    #[serde(default)]
    pub(super) enumerable: Option<f64>,
    /// What a column needs to be decided.
    pub(super) column: ColumnRule,
    /// What a value in a text needs to be told.
    pub(super) text: TextRule,
    /// Words that stand near values in a text.
    #[serde(default)]
    pub(super) context: Vec<String>,
    /// Names of columns that hold it.
    #[serde(default)]
    pub(super) columns: Vec<String>,
    /// Words in the name of a column that say that its values are no person's.
    #[serde(default)]
    pub(super) things: Vec<String>,
    /// Examples: values and texts.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests run them"))]
    pub(super) examples: Examples,
}

/// What a value looks like: patterns, or one of the forms that have their own function.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    /// See [`super::shape`].
    #[serde(default)]
    pub(super) patterns: Vec<String>,
    /// Characters that may stand between the parts of a whole value.
    #[serde(default)]
    pub(super) separators: String,
    /// How a value is split in a text: `3-2-4` is three characters, a dash, two, a dash, four.
    #[serde(default)]
    pub(super) groups: Vec<String>,
    /// Whether upper and lower case differ.
    #[serde(default)]
    pub(super) exact_case: bool,
    /// Name of a function of [`super::form`].
    #[serde(default)]
    pub(super) form: Option<String>,
    /// The values themselves, where there are few.
    #[serde(default)]
    pub(super) words: Vec<String>,
}

/// Where the check character stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CheckAt {
    /// There is none.
    #[default]
    None,
    /// At the end.
    Last,
    /// At this place, counted from 0.
    #[serde(untagged)]
    At(usize),
}

/// Share of values that pass and are not of this kind.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chance {
    /// Of random characters in this shape.
    pub(super) random: f64,
    /// Of the worst look-alike that is usual in data.
    #[serde(default)]
    pub(super) look_alike: Option<f64>,
}

/// What a column needs to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ColumnRule {
    /// The values are enough.
    Values,
    /// The values are enough where most are of a known issuer: too many other numbers have the same check digit.
    Issued,
    /// A name or another column, too: too much else passes.
    Named,
}

/// What a value in a text needs to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TextRule {
    /// Nothing more: its structure is proof.
    Alone,
    /// A known region, prefix or issuer, or a context word.
    Known,
    /// A context word.
    Context,
    /// It is never told: only columns are decided.
    Never,
}

/// What must be recognised and what must not.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests run them"))]
pub(super) struct Examples {
    /// Whole values that pass.
    pub(super) pass: Vec<String>,
    /// Whole values that do not, look-alikes above all; the key says what they are.
    pub(super) fail: BTreeMap<String, String>,
    /// Texts in which a value is told.
    #[serde(default)]
    pub(super) told: Vec<String>,
    /// Texts in which none is.
    #[serde(default)]
    pub(super) silent: Vec<String>,
}

/// Every embedded pack, in the order of the files' names.
///
/// # Errors
/// When a pack is not well-formed; a test reads all of them, so a built program has none.
pub(super) fn embedded() -> Result<Vec<Pack>, serde_json::Error> {
    let packs: BTreeMap<String, Pack> = serde_json::from_str(EMBEDDED)?;
    Ok(packs.into_values().collect())
}
