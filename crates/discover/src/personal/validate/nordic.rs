//! Identifiers of Northern Europe.

use jiff::civil::Date;

use super::checks::{Check, byte, day, is_day, is_short_day, luhn, nth, number, short_day, weighted};
use crate::personal::Facts;

/// Finland, HETU: DDMMYY, a sign for the century, serial, a letter by the rest modulo 31.
/// <https://dvv.fi/en/personal-identity-code>
pub(super) fn hetu(text: &[u8]) -> Check {
    const LETTERS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    // The value comes with its sign: DDMMYYAzzzL; `-` has been taken out.
    let (serial, last) = if text.len() == 11 { (7, 10) } else { (6, 9) };
    let sum = number(text, 0, 6) * 1000 + number(text, serial, 3);
    let letter = LETTERS.get(usize::try_from(sum % 31).unwrap_or(0));
    let born = is_short_day(number(text, 4, 2), number(text, 2, 2), number(text, 0, 2));
    Check::of(text.get(last) == letter && born && number(text, serial, 3) >= 2)
}

/// Birth from a Finnish code.
pub(super) fn hetu_facts(text: &[u8], _today: Date) -> Facts {
    let century = match (text.len(), byte(text, 6)) {
        (11, b'A'..=b'F') => 2000,
        _ => 1900,
    };
    Facts { born: day(century + number(text, 4, 2), number(text, 2, 2), number(text, 0, 2)), region: None }
}

/// Norway, fødselsnummer: DDMMYY, serial, two check digits. D-numbers have 40 added to the day, synthetic and H-numbers
/// 40 to the month. <https://www.skatteetaten.no/en/person/foreign/norwegian-identification-number/>
pub(super) fn no_fnr(text: &[u8]) -> Check {
    let first = weighted(text, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
    let second = weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
    let (date, month) = no_day(text);
    Check::of(
        first.is_multiple_of(11)
            && second.is_multiple_of(11)
            && is_short_day(number(text, 4, 2), month, date),
    )
}

fn no_day(text: &[u8]) -> (u32, u32) {
    let (date, month) = (number(text, 0, 2), number(text, 2, 2));
    let date = if date > 40 { date - 40 } else { date };
    // 40 is added in the register of health, 65 and 80 in tests of the tax administration.
    let month = match month {
        41..=52 => month - 40,
        66..=77 => month - 65,
        81..=92 => month - 80,
        _ => month,
    };
    (date, month)
}

/// Birth from a Norwegian number: the serial tells the century.
pub(super) fn no_fnr_facts(text: &[u8], _today: Date) -> Facts {
    let (date, month) = no_day(text);
    let year = number(text, 4, 2);
    let century = match (number(text, 6, 3), year) {
        (0..500, _) => 1900,
        (500..750, 54..) => 1800,
        (900.., 40..) => 1900,
        _ => 2000,
    };
    Facts { born: day(century + year, month, date), region: None }
}

/// Denmark, CPR number: DDMMYY and four digits. Numbers since 2007 need not pass modulus 11, so it is evidence, no gate.
/// <https://cpr.dk/cpr-systemet/personnumre-uden-kontrolciffer-modulus-11-kontrol>
pub(super) fn cpr(text: &[u8]) -> Check {
    let born = is_short_day(number(text, 4, 2), number(text, 2, 2), number(text, 0, 2));
    Check::with(born, weighted(text, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11))
}

/// Birth from a Danish number: the seventh digit tells the century.
pub(super) fn cpr_facts(text: &[u8], _today: Date) -> Facts {
    let year = number(text, 4, 2);
    let century = match (nth(text, 6), year) {
        (0..=3, _) | (4 | 9, 37..) => 1900,
        (5..=8, 58..) => 1800,
        _ => 2000,
    };
    Facts { born: day(century + year, number(text, 2, 2), number(text, 0, 2)), region: None }
}

/// Sweden, personnummer: YYMMDD or YYYYMMDD (60 more for a coordination number), serial, Luhn over ten digits.
/// <https://www.skatteverket.se/privat/folkbokforing/personnummer.4.3810a01c150939e893f18c29.html>
pub(super) fn personnummer(text: &[u8]) -> Check {
    let (century, short) = match text.len() {
        12 => (number(text, 0, 2), text.get(2..).unwrap_or_default()),
        _ => (20, text),
    };
    let date = number(short, 4, 2);
    let born = is_day(
        century * 100 + number(short, 0, 2),
        number(short, 2, 2),
        if date > 60 { date - 60 } else { date },
    );
    Check::of(matches!(century, 18..=20) && born && luhn(short))
}

/// Birth from a Swedish number.
pub(super) fn personnummer_facts(text: &[u8], today: Date) -> Facts {
    let short = text.get(text.len().saturating_sub(10)..).unwrap_or_default();
    let (month, date) = (number(short, 2, 2), number(short, 4, 2));
    let date = if date > 60 { date - 60 } else { date };
    let born = match text.len() {
        12 => day(number(text, 0, 4), month, date),
        _ => short_day(number(short, 0, 2), month, date, today),
    };
    Facts { born, region: None }
}

/// Iceland, kennitala: DDMMYY, serial, check digit, century. <https://www.skra.is/english/people/id-number/>
pub(super) fn kennitala(text: &[u8]) -> Check {
    let century = match byte(text, 9) {
        b'9' => 1900,
        b'0' => 2000,
        _ => return Check::Fails,
    };
    let born = is_day(century + number(text, 4, 2), number(text, 2, 2), number(text, 0, 2));
    Check::of(born && weighted(text, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11))
}

/// Birth from an Icelandic number.
pub(super) fn kennitala_facts(text: &[u8], _today: Date) -> Facts {
    let century = if byte(text, 9) == b'9' { 1900 } else { 2000 };
    Facts { born: day(century + number(text, 4, 2), number(text, 2, 2), number(text, 0, 2)), region: None }
}
