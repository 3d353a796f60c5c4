//! Identifiers of mainland China, Hong Kong, Macau and Taiwan.

use std::sync::LazyLock;

use jiff::civil::Date;

use super::checks::{
    Check, Numbers, alnum, byte, day, digit, is_day, is_short_day, luhn, mod_11_2, nth, number, short_day,
};
use crate::personal::Facts;

/// Prefixes of GB/T 2260 down to the prefecture, the retired ones too: numbers keep the code of the time of issue.
static REGIONS: LazyLock<Numbers> = LazyLock::new(|| Numbers::read(include_str!("../data/cn-regions.txt")));

/// Whether a region code of GB/T 2260 begins with a province and prefecture that exist or existed.
fn is_region(text: &[u8], at: usize) -> bool {
    REGIONS.has(number(text, at, 4))
}

/// Resident identity number of 18 characters, GB 11643-1999: region, day of birth, serial, ISO 7064 MOD 11-2.
/// <https://openstd.samr.gov.cn/bzgk/gb/newGbInfo?hcno=080D6FBF2BB468F9007657F26D60013E>
pub(super) fn resident(text: &[u8]) -> Check {
    Check::with(birth_is_day(text) && mod_11_2(text), is_region(text, 0))
}

/// Years in which the bearer of a number may be born. The upper end is far off: a clock would make the same bytes mean
/// different things on different days.
fn birth_is_day(text: &[u8]) -> bool {
    let year = number(text, 6, 4);
    (1890..2050).contains(&year) && is_day(year, number(text, 10, 2), number(text, 12, 2))
}

/// Resident identity number of 15 digits: region, YYMMDD, serial; no check digit. Given until 1999, void since 2013.
pub(super) fn resident_15(text: &[u8]) -> Check {
    let born = is_day(1900 + number(text, 6, 2), number(text, 8, 2), number(text, 10, 2));
    Check::with(born, is_region(text, 0))
}

/// Residence permit for Hong Kong, Macau and Taiwan residents: 810000, 820000 or 830000 in place of the region.
/// <https://www.gov.cn/zhengce/content/2018-08/19/content_5314865.htm>
pub(super) fn permit(text: &[u8]) -> Check {
    Check::of(birth_is_day(text) && mod_11_2(text))
}

/// Permanent residence card for foreigners since 2023: 9, province, country (ISO 3166-1 numeric), then as a resident
/// number. <https://www.nia.gov.cn/>
pub(super) fn foreigner(text: &[u8]) -> Check {
    Check::with(birth_is_day(text) && mod_11_2(text), is_province(number(text, 1, 2)))
}

/// The same until 2023: country (three letters), province and prefecture, YYMMDD, serial.
pub(super) fn foreigner_old(text: &[u8]) -> Check {
    Check::with(is_short_day(number(text, 7, 2), number(text, 9, 2), number(text, 11, 2)), is_region(text, 3))
}

/// First two digits of GB/T 2260.
fn is_province(code: u32) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
}

/// Mobile numbers: 1, then what the ministry gave to operators; <https://www.miit.gov.cn/> and the metadata of
/// libphonenumber (version 9.0.43).
pub(super) fn mobile(text: &[u8]) -> Check {
    let text = text.strip_prefix(b"0086").or_else(|| text.strip_prefix(b"86")).unwrap_or(text);
    let known = match (nth(text, 1), nth(text, 2)) {
        (3 | 8, _) => true,
        (4, 5 | 7) => true,
        (5 | 9, 0..=3 | 5..=9) => true,
        (6, 2 | 5..=7) => true,
        (7, 0..=3 | 5..=8) => true,
        (7, 4) => nth(text, 3) == 0 && nth(text, 4) <= 5,
        _ => false,
    };
    Check::with(matches!(nth(text, 1), 3..=9), known)
}

/// Fixed lines: 010, 02x and 03xx to 09xx, then seven or eight digits that do not begin with 0 or 1.
pub(super) fn landline(text: &[u8]) -> Check {
    let area = match (nth(text, 1), nth(text, 2)) {
        (1, 0) => 3,
        (2, 0..=5 | 7..=9) => 3,
        (3..=9, 1..=9) => 4,
        _ => return Check::Fails,
    };
    let lengths = if area == 3 { 8..=8 } else { 7..=8 };
    let subscriber = text.len().saturating_sub(area);
    Check::of(lengths.contains(&subscriber) && matches!(nth(text, area), 2..=8))
}

/// Unified social credit code, GB 32100-2015: a check character over all, and in it the organisation code with its own
/// (GB 11714-1997).
pub(super) fn credit_code(text: &[u8]) -> Check {
    // What the letters from A on stand for; I, O, S, V and Z do not occur.
    const LETTERS: [u32; 26] = [
        10, 11, 12, 13, 14, 15, 16, 17, 99, 18, 19, 20, 21, 22, 99, 23, 24, 25, 99, 26, 27, 99, 28, 29, 30,
        99,
    ];
    const WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let mut sum = 0;
    let mut last = 0;
    for (at, &letter) in text.iter().enumerate() {
        last = match letter {
            b'A'..=b'Z' => LETTERS.get(usize::from(letter - b'A')).copied().unwrap_or(99),
            _ => digit(letter),
        };
        if last == 99 {
            return Check::Fails;
        }
        sum += WEIGHTS.get(at).map_or(0, |weight| last * weight);
    }
    let passes = text.len() == 18 && (31 - sum % 31) % 31 == last;
    Check::with(passes, is_region(text, 2) && is_organisation(text.get(8..17).unwrap_or_default()))
}

/// The check character of an organisation code: eight characters and one of 0 to 9 or X.
fn is_organisation(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = text.iter().zip(WEIGHTS).map(|(&letter, weight)| alnum(letter) * weight).sum();
    match (11 - sum % 11, byte(text, 8)) {
        (10, check) => check == b'X',
        (11, check) => check == b'0',
        (value, check) => check.is_ascii_digit() && digit(check) == value,
    }
}

/// Bank cards of mainland issuers: Luhn; the ranges of UnionPay (62, 81) and older ones that are still in use.
pub(super) fn bank_card(text: &[u8]) -> Check {
    let issuer = number(text, 0, 4);
    let known = match text.len() {
        16 => matches!(issuer, 6200..=6299 | 8100..=8171 | 6013 | 6015),
        17..=19 => matches!(issuer, 6200..=6299 | 9558 | 6013),
        _ => false,
    };
    Check::with(luhn(text), known)
}

/// Hong Kong identity card: one or two letters, six digits, a check character of 0 to 9 or A.
/// <https://www.immd.gov.hk/eng/services/hkid.html>
pub(super) fn hong_kong(text: &[u8]) -> Check {
    let Some((last, body)) = text.split_last() else { return Check::Fails };
    let blank = if body.len() == 7 { 36 * 9 } else { 0 };
    let sum: u32 = body.iter().rev().zip(2..).map(|(&letter, weight)| alnum(letter) * weight).sum();
    let check = if *last == b'A' { 10 } else { digit(*last) };
    Check::of((blank + sum + check).is_multiple_of(11))
}

/// Taiwan identity card and residence certificates: a letter, a digit (older certificates: a letter), eight digits.
/// <https://www.ris.gov.tw/app/portal/345>
pub(super) fn taiwan(text: &[u8]) -> Check {
    // What a letter stands for: A is 10, and so on, with I, O and some later ones out of the row.
    const LETTERS: [u32; 26] = [
        10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31,
        33,
    ];
    let letter = |at| LETTERS.get(usize::from(byte(text, at).wrapping_sub(b'A'))).copied();
    let Some(first) = letter(0) else { return Check::Fails };
    let second = match byte(text, 1) {
        digit @ (b'1' | b'2' | b'8' | b'9') => u32::from(digit - b'0'),
        b'A'..=b'D' => letter(1).unwrap_or(0) % 10,
        _ => return Check::Fails,
    };
    let tail: u32 =
        text.iter().skip(2).zip([7, 6, 5, 4, 3, 2, 1, 1]).map(|(&byte, weight)| digit(byte) * weight).sum();
    Check::of((first / 10 + first % 10 * 9 + second * 8 + tail).is_multiple_of(10))
}

/// Birth and region of whoever has a number of 18 characters.
pub(super) fn resident_facts(text: &[u8], _today: Date) -> Facts {
    let region = text.get(..2).map(|code| format!("CN-{}", String::from_utf8_lossy(code)));
    Facts { born: day(number(text, 6, 4), number(text, 10, 2), number(text, 12, 2)), region }
}

/// The same of a number of 15 digits.
pub(super) fn resident_15_facts(text: &[u8], _today: Date) -> Facts {
    let region = text.get(..2).map(|code| format!("CN-{}", String::from_utf8_lossy(code)));
    Facts { born: day(1900 + number(text, 6, 2), number(text, 8, 2), number(text, 10, 2)), region }
}

/// Birth, and the region that the permit's bearer comes from.
pub(super) fn permit_facts(text: &[u8], today: Date) -> Facts {
    let region = match nth(text, 1) {
        1 => "HK",
        2 => "MO",
        _ => "TW",
    };
    Facts { region: Some(region.to_owned()), ..resident_facts(text, today) }
}

/// Birth; the province that gave the card.
pub(super) fn foreigner_facts(text: &[u8], today: Date) -> Facts {
    let region = text.get(1..3).map(|code| format!("CN-{}", String::from_utf8_lossy(code)));
    Facts { region, ..resident_facts(text, today) }
}

/// Birth and province from a card until 2023.
pub(super) fn foreigner_old_facts(text: &[u8], today: Date) -> Facts {
    let region = text.get(3..5).map(|code| format!("CN-{}", String::from_utf8_lossy(code)));
    Facts { born: short_day(number(text, 7, 2), number(text, 9, 2), number(text, 11, 2), today), region }
}

/// The 18 characters that became of a number of 15 digits: everybody with one was born in the 20th century.
pub(in crate::personal) fn to_18(text: &[u8], out: &mut Vec<u8>) {
    const CHECK: &[u8; 11] = b"10X98765432";
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let begin = out.len();
    out.extend_from_slice(text.get(..6).unwrap_or_default());
    out.extend_from_slice(b"19");
    out.extend_from_slice(text.get(6..).unwrap_or_default());
    let sum: u32 = out.iter().skip(begin).zip(WEIGHTS).map(|(&byte, weight)| digit(byte) * weight).sum();
    out.push(CHECK.get(usize::try_from(sum % 11).unwrap_or(0)).copied().unwrap_or(b'0'));
}
