//! What is in a store, about whom: the words and the record format of discovery. Records are the contract: their schema
//! is published in `docs/schema/data-1.schema.json`. No value that was read is ever part of one.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Acceptance, Severity, digest};

/// Name and version of the record format.
pub const DATA_SCHEMA: &str = "watertight/data/1";

/// What a data record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// A column, JSON path or file that holds personal data of one kind.
    PersonalData,
    /// A secret that lies around.
    Secret,
    /// One store or file tree as a whole: its records, its people, what was not read.
    Store,
    /// All stores of the run together.
    Estate,
}

/// In which form the values stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As they are, or encoded in a way that everyone can undo (base64, hex, gzip).
    Clear,
    /// A part of each value is blotted out.
    Masked,
    /// Digests without a key or salt, of values so few that all of them can be tried: these protect nobody.
    HashedEnumerable,
    /// Digests; whether a key or salt is in them cannot be seen, or the values are too many to try.
    Hashed,
    /// Replaced by other values of the same shape.
    Tokenised,
    /// Ciphertext that says so itself.
    Encrypted,
    /// Keyed digest or ciphertext: these look alike.
    Opaque,
    /// Several forms side by side, as a migration leaves them.
    Mixed,
}

impl Form {
    /// The word used in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Masked => "masked",
            Self::HashedEnumerable => "hashed_enumerable",
            Self::Hashed => "hashed",
            Self::Tokenised => "tokenised",
            Self::Encrypted => "encrypted",
            Self::Opaque => "opaque",
            Self::Mixed => "mixed",
        }
    }
}

/// How sure a verdict on a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The shape or a name alone.
    Low,
    /// Shape and name agree, or a weak check digit passes far more often than by chance.
    Medium,
    /// Check digits and structure pass where chance would not.
    High,
}

/// Which part of the rows was looked at, and how they were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Every row.
    Everything,
    /// Each row with the same chance.
    Uniform,
    /// Whole pages, segments or row groups at random: rows of a page resemble each other.
    PageClustered,
    /// Whatever came first: says nothing about the rest.
    FirstRows,
}

/// The sample that a statement rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sampled {
    /// How the rows were chosen.
    pub choice: Choice,
    /// How many rows were looked at.
    pub rows: u64,
    /// How many independent rows these are worth.
    pub effective: u64,
}

/// Distinct persons, never rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct People {
    /// At least so many, at 99 %.
    pub lower: u64,
    /// At most so many, at 99 %.
    pub upper: u64,
    /// By which kinds of identifier they were counted.
    pub by: Vec<String>,
    /// Of these, younger than 18 on the day of the run, where a date of birth says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minors: Option<Range>,
    /// Of these, by the country or first two digits of the region that an identifier or a phone number tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<RegionCount>,
}

/// A number between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// At least.
    pub lower: u64,
    /// At most.
    pub upper: u64,
}

/// People of one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegionCount {
    /// Its code: `CN-31` for the first two digits of a resident number, else a country (ISO 3166-1).
    pub region: String,
    /// How many people.
    pub people: Range,
}

/// Something that was not read, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NotRead {
    /// What: a table, a column, an object, a file, a byte range.
    pub location: String,
    /// Why, with the remedy where there is one.
    pub why: String,
    /// A part that was left out by the user's own choice or by design (a sample, a budget): it is told, and leaves
    /// nothing undecided.
    #[serde(default)]
    pub by_design: bool,
}

/// Where in a file something stands. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// The file, as a path below the target.
    pub file: String,
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

/// What is known about a secret without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretFacts {
    /// The documented prefix and nothing that is secret, such as `LTAI…`.
    pub redacted: String,
    /// What its own structure says: a checksum passes, a key parses, a token expired on a day.
    pub checked: Option<String>,
    /// The commit that brought it in.
    pub commit: Option<String>,
    /// When that commit was made.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// Whether it is still in the present state; `None`: there is no history to tell.
    pub present: Option<bool>,
    /// The store of this run that it opens.
    pub opens: Option<String>,
    /// Whether one of the doors at which it was tried takes it (`--verify-secrets`); `false`: all of these refuse it.
    /// `None`: it was not tried, or no door said either.
    pub works: Option<bool>,
    /// Where it was tried and what was said, or why it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<String>,
}

/// One thing known about what is in a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DataRecord {
    /// Always `watertight/data/1`.
    pub schema: String,
    /// What the record is about.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// Stable over runs and versions: made from asset, location, kind and type.
    pub id: String,
    /// The store or file tree: `postgres://HOST:PORT/DATABASE`, `file:PATH`, `s3://BUCKET`.
    pub asset: String,
    /// The place in it: `schema.table.column`, a JSON path, `file:line`; empty for a whole store.
    pub location: String,
    /// The kind of personal data or secret, by the id of its detector.
    pub kind: Option<String>,
    /// The same in words.
    pub title: Option<String>,
    /// In which form the values stand there.
    pub form: Option<Form>,
    /// How sure that is.
    pub confidence: Option<Confidence>,
    /// How bad it is.
    pub severity: Severity,
    /// Why, in a sentence.
    pub reason: String,
    /// Rows, documents or values that hold it, for the whole store: not only in the sample.
    pub records: Option<u64>,
    /// Distinct persons; `None`: they were not counted (see `not_read`), which is not zero.
    pub people: Option<People>,
    /// The sample that this rests on.
    pub sampled: Option<Sampled>,
    /// What was not read there.
    #[serde(default)]
    pub not_read: Vec<NotRead>,
    /// Where it stands in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// What is known about a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretFacts>,
    /// Since when the inventory has known it.
    #[schemars(with = "Option<String>")]
    pub known_since: Option<Timestamp>,
    /// When it was last seen.
    #[schemars(with = "Option<String>")]
    pub last_seen: Option<Timestamp>,
    /// Somebody accepted this finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
}

impl DataRecord {
    /// A record of which only the place is known.
    pub fn new(data_type: DataType, asset: &str, location: &str, kind: Option<&str>) -> Self {
        Self {
            schema: DATA_SCHEMA.to_owned(),
            data_type,
            id: data_id(data_type, asset, location, kind),
            asset: asset.to_owned(),
            location: location.to_owned(),
            kind: kind.map(str::to_owned),
            title: None,
            form: None,
            confidence: None,
            severity: Severity::Info,
            reason: String::new(),
            records: None,
            people: None,
            sampled: None,
            not_read: Vec::new(),
            position: None,
            secret: None,
            known_since: None,
            last_seen: None,
            accepted: None,
        }
    }

    /// Whether it fails a run at `threshold`.
    pub fn fails(&self, threshold: Severity) -> bool {
        self.severity >= threshold && self.accepted.is_none()
    }

    /// Whether something that was asked for was not read.
    pub fn is_undecided(&self) -> bool {
        self.not_read.iter().any(|part| !part.by_design)
    }

    /// Sort key: worst first, then stable.
    pub fn order(&self) -> (std::cmp::Reverse<Severity>, &str, DataType, &str, &str) {
        (std::cmp::Reverse(self.severity), &self.asset, self.data_type, &self.location, &self.id)
    }
}

fn data_id(data_type: DataType, asset: &str, location: &str, kind: Option<&str>) -> String {
    let mut id = digest(format!("{data_type}\n{asset}\n{location}\n{}", kind.unwrap_or("-")).as_bytes());
    id.truncate(16);
    id
}

impl DataType {
    /// The word used in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::PersonalData => "personal_data",
            Self::Secret => "secret",
            Self::Store => "store",
            Self::Estate => "estate",
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
