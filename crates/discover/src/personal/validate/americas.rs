//! Identifiers of the Americas.

use jiff::civil::Date;

use super::checks::{
    Check, alnum, byte, day, digit, is_day, is_short_day, luhn, nth, number, short_day, weighted,
};
use crate::personal::Facts;

/// United States, social security number: no check digit; areas 000, 666 and 9xx, group 00 and serial 0000 were never
/// given. <https://www.ssa.gov/employer/randomization.html>
pub(super) fn ssn(text: &[u8]) -> Check {
    let area = number(text, 0, 3);
    // Printed in advertisements, and given to nobody since.
    let printed = matches!(number(text, 0, 9), 78_051_120 | 219_099_999 | 457_555_462);
    let given = area != 0 && area != 666 && area < 900 && number(text, 3, 2) > 0 && number(text, 5, 4) > 0;
    Check::of(given && !printed)
}

/// United States, individual taxpayer number: 9, then groups 50 to 65, 70 to 88, 90 to 92, 94 to 99.
/// <https://www.irs.gov/individuals/individual-taxpayer-identification-number>
pub(super) fn itin(text: &[u8]) -> Check {
    Check::of(matches!(number(text, 3, 2), 50..=65 | 70..=88 | 90..=92 | 94..=99))
}

/// North American phone number without its country code: area and exchange begin with 2 to 9, neither ends in 11.
/// <https://www.nanpa.com/>
pub(super) fn nanp(text: &[u8]) -> Check {
    let text = if text.len() == 11 { text.get(1..).unwrap_or_default() } else { text };
    let part = |at| nth(text, at) >= 2 && number(text, at + 1, 2) != 11;
    Check::of(part(0) && part(3))
}

/// Canada, social insurance number: nine digits, Luhn; 8 and 0 are not given. <https://www.canada.ca/en/employment-social-development/services/sin.html>
pub(super) fn sin(text: &[u8]) -> Check {
    Check::of(!matches!(nth(text, 0), 0 | 8) && luhn(text))
}

/// Brazil, CPF: nine digits and two that check; not all the same. <https://www.gov.br/receitafederal/>
pub(super) fn cpf(text: &[u8]) -> Check {
    let first = mod_11(weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = mod_11(weighted(text, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let same = text.iter().all(|byte| Some(byte) == text.first());
    Check::of(!same && first == nth(text, 9) && second == nth(text, 10))
}

/// Brazil, CNPJ: twelve characters (letters since July 2026) and two digits that check; a one-person firm has one.
/// <https://www.gov.br/receitafederal/>
pub(super) fn cnpj(text: &[u8]) -> Check {
    let sum = |weights: &[u32]| -> u32 {
        text.iter().zip(weights).map(|(&letter, weight)| u32::from(letter.wrapping_sub(b'0')) * weight).sum()
    };
    let first = mod_11(sum(&[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = mod_11(sum(&[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    let empty = text.iter().take(8).all(|&byte| byte == b'0');
    Check::of(!empty && first == nth(text, 12) && second == nth(text, 13))
}

fn mod_11(sum: u32) -> u32 {
    match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    }
}

/// Mexico, CURP: letters of the names, YYMMDD, sex, state, consonants, a character of the century, check digit.
/// <https://www.gob.mx/curp>
pub(super) fn curp(text: &[u8]) -> Check {
    const STATES: [&[u8; 2]; 33] = [
        b"AS", b"BC", b"BS", b"CC", b"CH", b"CL", b"CM", b"CS", b"DF", b"DG", b"GR", b"GT", b"HG", b"JC",
        b"MC", b"MN", b"MS", b"NE", b"NL", b"NT", b"OC", b"PL", b"QR", b"QT", b"SL", b"SP", b"SR", b"TC",
        b"TL", b"TS", b"VZ", b"YN", b"ZS",
    ];
    // Ñ stands between N and O in the row of values, so letters from O on are one higher.
    let value = |letter: u8| alnum(letter) + u32::from(letter >= b'O');
    let sum: u32 =
        text.iter().take(17).zip((2..=18).rev()).map(|(&letter, weight)| value(letter) * weight).sum();
    let (year, month, date) = curp_day(text);
    let state = text.get(11..13).is_some_and(|code| STATES.iter().any(|state| state.as_slice() == code));
    Check::of(
        (10 - sum % 10) % 10 == nth(text, 17)
            && is_day(year, month, date)
            && state
            && matches!(byte(text, 10), b'H' | b'M' | b'X'),
    )
}

fn curp_day(text: &[u8]) -> (u32, u32, u32) {
    let century = if byte(text, 16).is_ascii_digit() { 1900 } else { 2000 };
    (century + number(text, 4, 2), number(text, 6, 2), number(text, 8, 2))
}

/// Birth from a CURP.
pub(super) fn curp_facts(text: &[u8], _today: Date) -> Facts {
    let (year, month, date) = curp_day(text);
    Facts { born: day(year, month, date), region: None }
}

/// Mexico, RFC of persons: letters of the names, YYMMDD, two characters and a check character. Codes with another check
/// character are in use, so it is evidence, no gate. <https://www.sat.gob.mx/>
pub(super) fn rfc(text: &[u8]) -> Check {
    // 0-9, A-N, &, O-Z, blank, Ñ; neither & nor Ñ occurs here.
    let value = |letter: u8| alnum(letter) + u32::from(letter >= b'O');
    let sum: u32 =
        text.iter().take(12).zip((2..=13).rev()).map(|(&letter, weight)| value(letter) * weight).sum();
    let check = (11 - sum % 11) % 11;
    let last = if byte(text, 12) == b'A' { 10 } else { digit(byte(text, 12)) };
    Check::with(is_short_day(number(text, 4, 2), number(text, 6, 2), number(text, 8, 2)), check == last)
}

/// Birth from an RFC.
pub(super) fn rfc_facts(text: &[u8], today: Date) -> Facts {
    Facts { born: short_day(number(text, 4, 2), number(text, 6, 2), number(text, 8, 2), today), region: None }
}

/// Chile, RUT: seven or eight digits and a check character of 0 to 9 or K. <https://www.sii.cl/>
pub(super) fn rut(text: &[u8]) -> Check {
    let Some((last, body)) = text.split_last() else { return Check::Fails };
    let sum: u32 = body.iter().rev().zip((2..=7).cycle()).map(|(&byte, weight)| digit(byte) * weight).sum();
    let check = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        value => b'0' + u8::try_from(value).unwrap_or(0),
    };
    Check::of(*last == check && sum > 0)
}

/// Argentina, CUIT and CUIL of persons (20, 23, 24, 27): the identity number and a check digit.
/// <https://www.argentina.gob.ar/anses>
pub(super) fn cuil(text: &[u8]) -> Check {
    let rest = weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = match 11 - rest {
        11 => 0,
        10 => 9,
        value => value,
    };
    Check::of(matches!(number(text, 0, 2), 20 | 23 | 24 | 25 | 26 | 27) && check == nth(text, 10))
}

/// Colombia, NIT of persons: the identity number and a check digit. <https://www.dian.gov.co/>
pub(super) fn nit(text: &[u8]) -> Check {
    const WEIGHTS: [u32; 10] = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43];
    let Some((last, body)) = text.split_last() else { return Check::Fails };
    let rest = body.iter().rev().zip(WEIGHTS).map(|(&byte, weight)| digit(byte) * weight).sum::<u32>() % 11;
    Check::of((if rest < 2 { rest } else { 11 - rest }) == digit(*last))
}

/// Ecuador, identity number: province, a digit below 6, serial, Luhn. <https://www.registrocivil.gob.ec/>
pub(super) fn cedula_ec(text: &[u8]) -> Check {
    Check::of(matches!(number(text, 0, 2), 1..=24 | 30 | 50) && nth(text, 2) <= 6 && luhn(text))
}

/// Dominican Republic, cédula: eleven digits, Luhn. <https://jce.gob.do/>
pub(super) fn cedula_do(text: &[u8]) -> Check {
    Check::of(luhn(text) && number(text, 0, 9) > 0)
}

/// Peru, identity number with its check character, a digit or a letter. <https://www.gob.pe/reniec>
pub(super) fn pe_dni(text: &[u8]) -> Check {
    let rest = usize::try_from(weighted(text, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11).unwrap_or(0);
    let last = text.get(8);
    Check::of(last == b"65432110987".get(rest) || last == b"KJIHGFEDCBA".get(rest))
}
