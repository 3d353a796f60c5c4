//! The forms in which columns hold values, and what is wrong with some of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::Naming;
use super::draws::Draws;

/// In which form the values of a column stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guise {
    /// As they are.
    Clear,
    /// The middle is blotted out.
    Masked,
    /// Unsalted digests.
    Hashed,
    /// As they are, in base64.
    Encoded,
    /// Half as they are, half as keyed digests.
    Half,
}

/// Kinds that are protected often enough to be asked for.
const PROTECTED: &[&str] =
    &["cn-resident-id", "cn-mobile", "email", "card", "iban", "br-cpf", "us-ssn", "in-aadhaar"];

impl Guise {
    /// The form of a column: most are clear.
    pub(super) fn of(kind: &str, draws: &mut Draws) -> Self {
        if !PROTECTED.contains(&kind) {
            return Self::Clear;
        }
        match draws.below(12) {
            0 | 1 => Self::Masked,
            2 => Self::Hashed,
            3 => Self::Encoded,
            4 => Self::Half,
            _ => Self::Clear,
        }
    }

    /// Whether the values still show what they are. Of masked ones that depends on the kind and the mask: a name must help.
    pub(super) fn shows_values(self) -> bool {
        matches!(self, Self::Clear | Self::Encoded | Self::Half)
    }

    /// The forms, in the words of `watertight`'s data records, that are right for it. A digest that was not joined to
    /// clear values is a digest.
    pub fn forms(self) -> &'static [&'static str] {
        match self {
            Self::Clear | Self::Encoded => &["clear"],
            Self::Masked => &["masked", "mixed"],
            Self::Hashed => &["hashed", "hashed_enumerable", "opaque"],
            Self::Half => &["mixed"],
        }
    }

    pub(super) fn name(self, name: String, naming: Naming, draws: &mut Draws) -> String {
        match self {
            Self::Hashed if naming == Naming::Telling => {
                format!("{name}_{}", draws.pick(&["hash", "md5", "sha256"]))
            }
            Self::Masked if naming == Naming::Telling && draws.one_in(2) => format!("{name}_masked"),
            _ => name,
        }
    }

    pub(super) fn dress(self, value: String, draws: &mut Draws) -> String {
        match self {
            Self::Clear => value,
            Self::Encoded => STANDARD.encode(value),
            Self::Hashed => hex(&Md5::digest(value)),
            Self::Half if draws.one_in(2) => value,
            Self::Half => hex(&Sha256::digest(format!("{}{value}", draws.next()))),
            Self::Masked => mask(&value),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps the ends: of an address the first letter and the domain, of a number three or four signs on each side.
fn mask(value: &str) -> String {
    let length = value.chars().count();
    let (head, tail) = match value.find('@') {
        Some(at) => (1, length - at),
        None if length > 12 => (4, 4),
        None => (3, 4.min(length / 3)),
    };
    let blot = |(at, letter)| if at >= head && at + tail < length { '*' } else { letter };
    value.chars().enumerate().map(blot).collect()
}

/// How unclean a column is, in thousandths of its values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    missing: u64,
    spoilt: u64,
    marks: u64,
    spaces: u64,
}

impl Noise {
    pub(super) fn drawn(draws: &mut Draws) -> Self {
        let mut some = |most: u64| if draws.one_in(2) { draws.below(most + 1) } else { 0 };
        Self { missing: some(400), spoilt: some(40), marks: some(30), spaces: some(50) }
    }

    pub(super) fn spoil(self, mut value: String, draws: &mut Draws) -> Option<String> {
        let draw = draws.below(1_000);
        if draws.below(1_000) < self.missing {
            return None;
        }
        if draw < self.marks {
            let mark = draws.pick(&["-", "N/A", "无", "null", "unknown", "?", "0"]);
            return Some(mark.to_owned());
        }
        // One sign too few: whoever typed it missed a key.
        if draws.below(1_000) < self.spoilt && value.chars().count() > 3 {
            let at = value.char_indices().nth(draws.below(value.chars().count() as u64) as usize);
            if let Some((at, _)) = at {
                value.remove(at);
            }
        }
        Some(if draws.below(1_000) < self.spaces { format!(" {value} ") } else { value })
    }
}
