//! Kinds that no list of classes describes: each has a function that takes a whole value.

mod address;
mod day;
mod email;
mod hardware;
mod list;
mod mrz;
mod person;
mod phone;
mod place;
mod plate;

use jiff::civil::Date;

use super::Facts;
use super::validate::Check;
pub(super) use email::at as email_at;
pub(super) use hardware::{ipv4_at, ipv6_at, is_full_ipv6, mac_at};
pub(super) use list::{LONGEST_WORD, fold_word};
pub(super) use phone::{at as phone_at, canonical_digits as phone_digits, dialled, dialled_facts};
pub(super) use plate::at as plate_at;

/// What occurs in a value, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits(u8);

impl Traits {
    /// Nothing of these.
    pub(super) const NONE: Self = Self(0);
    const DIGIT: Self = Self(1);
    const LETTER: Self = Self(2);
    /// Not ASCII.
    const HIGH: Self = Self(4);
    const AT: Self = Self(8);
    const COLON: Self = Self(16);
    const DOT: Self = Self(32);
    const PLUS: Self = Self(64);
    const FILLER: Self = Self(128);

    /// What occurs in one of both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `all` occurs.
    pub(super) const fn has(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }

    const fn has_any(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }
}

/// What occurs in `value`.
pub(super) fn traits(value: &[u8]) -> Traits {
    value.iter().fold(Traits::NONE, |all, byte| {
        all.and(match byte {
            b'0'..=b'9' => Traits::DIGIT,
            b'a'..=b'z' | b'A'..=b'Z' => Traits::LETTER,
            0x80.. => Traits::HIGH,
            b'@' => Traits::AT,
            b':' => Traits::COLON,
            b'.' => Traits::DOT,
            b'+' => Traits::PLUS,
            b'<' => Traits::FILLER,
            _ => Traits::NONE,
        })
    })
}

/// One form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// Its name in packs.
    pub(super) name: &'static str,
    needs: Traits,
    forbids: Traits,
    least: usize,
    most: usize,
    /// Whether a whole value has this form, and what it proves.
    pub(super) take: fn(&[u8]) -> Option<Check>,
    /// Writes the form of a value that is counted.
    pub(super) canonical: fn(&[u8], &mut Vec<u8>),
    /// What a value tells.
    pub(super) facts: fn(&[u8], Date) -> Facts,
}

impl Form {
    const PLAIN: Self = Self {
        name: "",
        needs: Traits::NONE,
        forbids: Traits::NONE,
        least: 1,
        most: 512,
        take: |_| None,
        canonical: lower,
        facts: |_, _| Facts { born: None, region: None },
    };

    /// Whether a look is worth it.
    #[inline]
    pub(super) fn may_take(&self, traits: Traits, length: usize) -> bool {
        traits.has(self.needs) && !traits.has_any(self.forbids) && (self.least..=self.most).contains(&length)
    }
}

/// Every form.
const ALL: &[Form] = &[
    address::CHINESE,
    address::LATIN,
    day::FORM,
    email::FORM,
    hardware::IP,
    hardware::MAC,
    list::BLOOD,
    list::ICD,
    list::WECHAT,
    mrz::FORM,
    person::CHINESE,
    person::LATIN,
    phone::FORM,
    phone::NATIONAL,
    place::COORDINATE,
    place::PAIR,
    plate::FORM,
    plate::OFFICER,
];

/// The form with this name.
pub(super) fn find(name: &str) -> Option<Form> {
    ALL.iter().find(|form| form.name == name).copied()
}

/// Small letters.
fn lower(value: &[u8], out: &mut Vec<u8>) {
    out.extend(value.iter().map(u8::to_ascii_lowercase));
}

/// Without what is no letter and no digit, in capitals; other scripts stay.
fn bare(value: &[u8], out: &mut Vec<u8>) {
    out.extend(
        value
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
            .map(u8::to_ascii_uppercase),
    );
}
