//! The packs of `packs/detectors/secrets`: one file for each provider, with all kinds of secrets that open its doors.

use std::collections::BTreeMap;

use model::Severity;
use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use super::check::Check;
use super::connection::Notation;

/// All packs, as the build script left them: file name and document.
const EMBEDDED: &str = include_str!(concat!(env!("OUT_DIR"), "/secrets.json"));

/// A file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Family {
    /// Whose doors these are.
    pub provider: String,
    /// Where the shapes are described; a kind may name a better place.
    pub source: String,
    /// The kinds.
    pub kinds: Vec<Kind>,
}

/// A kind of secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    /// Stable name.
    pub id: String,
    /// In words.
    pub title: String,
    /// In Chinese.
    pub title_zh: String,
    /// Where the shape is described, when not where the family's is.
    #[serde(default)]
    pub source: Option<String>,
    /// How bad it is that it lies around.
    pub severity: Severity,
    /// Literals, of which one must be there. The pattern is tried where one begins.
    #[serde(default)]
    pub anchors: Vec<String>,
    /// Whether an anchor may be in upper or lower case.
    #[serde(default)]
    pub ignore_case: bool,
    /// How many bytes before the anchor the match may begin.
    #[serde(default)]
    pub before: usize,
    /// How many bytes after the beginning of the anchor are looked at.
    #[serde(default = "reach")]
    pub reach: usize,
    /// A regular expression over bytes. The group `secret` is the secret itself; without one it is the whole match.
    /// `{is}` stands for whatever is written between a name and its value, `{tail}` for the rest of a name.
    #[serde(default)]
    pub pattern: String,
    /// Another way to know it: by its neighbour.
    #[serde(default)]
    pub near: Option<Near>,
    /// Which bytes may not stand right before or right after the secret.
    #[serde(default)]
    pub edge: Edge,
    /// Beginnings of the secret that may be shown; the anchors when left out.
    #[serde(default)]
    pub shown: Option<Vec<String>>,
    /// Least entropy of the secret, in bits for each byte.
    #[serde(default)]
    pub entropy: f64,
    /// Classes of characters of which the secret must have one each.
    #[serde(default)]
    pub needs: Vec<Class>,
    /// Words that make it a placeholder, beside those that do so for every kind.
    #[serde(default)]
    pub not: Vec<String>,
    /// How its structure is checked.
    #[serde(default)]
    pub check: Option<Check>,
    /// The match is a connection string in this notation.
    #[serde(default)]
    pub connection: Option<Notation>,
    /// Nothing but a name before it says that it is a secret.
    #[serde(default)]
    pub generic: bool,
    /// Checked by the tests.
    #[serde(rename = "examples")]
    pub _examples: IgnoredAny,
}

/// A secret that is known by standing within five lines of another kind, as a key stands beside its id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Near {
    /// The id of that kind, which has anchors.
    pub kind: String,
    /// The pattern, which needs no name before it.
    pub pattern: String,
    /// Another pattern of the id, by a name before it, for servers whose ids have no shape. Its group `secret` is the id.
    #[serde(default)]
    pub named: Option<String>,
}

const fn reach() -> usize {
    512
}

/// Which bytes may not stand beside a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Edge {
    /// ASCII letters, digits, `_`. A letter of another script is a boundary: text around may be Chinese.
    #[default]
    Word,
    /// These and `-`.
    Token,
    /// The alphabet of base64, and `=` after it.
    Base64,
    /// Anything may.
    Any,
}

/// A class of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Class {
    /// `a` to `z`.
    Lower,
    /// `A` to `Z`.
    Upper,
    /// Letters of either case.
    Letter,
    /// `0` to `9`.
    Digit,
}

/// Why packs cannot be used.
#[derive(Debug, Error)]
pub(super) enum PackError {
    /// It is not the document that it should be.
    #[error("not a pack of secrets: {0}")]
    Shape(#[from] serde_json::Error),
    /// Something in it cannot be.
    #[error("{kind}: {problem}")]
    Kind {
        /// The kind's id.
        kind: String,
        /// What cannot be.
        problem: &'static str,
    },
}

/// The kinds that are part of the program. A test reads them strictly, so nothing is left out silently.
pub(super) fn embedded() -> Vec<Family> {
    parse(EMBEDDED).unwrap_or_default()
}

/// Reads all packs: an object of file name and document.
///
/// # Errors
/// When one is no pack, or a kind cannot be used.
pub(super) fn parse(json: &str) -> Result<Vec<Family>, PackError> {
    let families: BTreeMap<String, Family> = serde_json::from_str(json)?;
    let families: Vec<Family> = families.into_values().collect();
    for kind in families.iter().flat_map(|family| &family.kinds) {
        if let Some(problem) = kind.problem() {
            return Err(PackError::Kind { kind: kind.id.clone(), problem });
        }
    }
    Ok(families)
}

/// Longest window that a pattern may look at: a private key with room to spare.
pub(super) const LONGEST_REACH: usize = 16 << 10;

impl Kind {
    fn problem(&self) -> Option<&'static str> {
        let short = |anchor: &String| anchor.len() < super::anchor::SHORTEST;
        match self {
            _ if self.reach > LONGEST_REACH || self.before > LONGEST_REACH => Some("looks too far"),
            _ if self.anchors.is_empty() != self.pattern.is_empty() => {
                Some("anchors and pattern need each other")
            }
            _ if self.anchors.is_empty() && self.near.is_none() => Some("has no way to be found"),
            _ if self.anchors.iter().any(short) => Some("an anchor is too short"),
            _ => None,
        }
    }
}

/// A pattern with its abbreviations written out.
pub(super) fn written_out(pattern: &str) -> String {
    pattern.replace("{is}", IS).replace("{tail}", TAIL)
}

/// What stands between a name and its value in the usual languages and formats: `=`, `: "`, `=>`, `", "`, `>`, `("`,
/// `: &str = "`, a quoted quote.
const IS: &str = r#"[\\"'`\])]{0,3}[ \t]{0,24}(?::[ \t]{0,3}(?:&'static |&)?(?:str|string|String)\b[ \t]{0,3}=|:=|=>|==?|:|>|,|\()[ \t]{0,24}(?:[bfr]?\\?["'`])?"#;

/// What may follow in the name of a setting, such as `_key` or `.production`.
const TAIL: &str = "[A-Za-z0-9_.-]{0,24}";
