//! Identifiers of Western and Southern Europe.

use jiff::civil::Date;

use super::checks::{
    Check, alnum, byte, day, digit, is_short_day, luhn, mod_11_10, modulo, nth, number, short_day, weighted,
};
use crate::personal::Facts;

/// United Kingdom, National Insurance number: two letters that HMRC gives out, six digits, A to D.
/// <https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110>
pub(super) fn nino(text: &[u8]) -> Check {
    let [first, second, .., last] = text else { return Check::Fails };
    let letters = !b"DFIQUV".contains(first) && !b"DFIOQUV".contains(second);
    let prefix = matches!((*first, *second), (b'B', b'G') | (b'G', b'B') | (b'N', b'K') | (b'K', b'N'))
        || matches!((*first, *second), (b'T', b'N') | (b'N', b'T') | (b'Z', b'Z'));
    Check::of(letters && !prefix && (b'A'..=b'D').contains(last))
}

/// United Kingdom, NHS number: ten digits, modulus 11.
/// <https://www.datadictionary.nhs.uk/attributes/nhs_number.html>
pub(super) fn nhs(text: &[u8]) -> Check {
    Check::of(weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11) && number(text, 0, 9) > 0)
}

/// Germany, tax identification number: eleven digits, of the first ten one occurs twice or three times, the others at
/// most once; ISO 7064 MOD 11,10. <https://de.wikipedia.org/wiki/Steuerliche_Identifikationsnummer>
pub(super) fn de_idnr(text: &[u8]) -> Check {
    let mut counts = [0u8; 10];
    for &byte in text.iter().take(10) {
        if let Some(count) = counts.get_mut(usize::from(byte.wrapping_sub(b'0'))) {
            *count += 1;
        }
    }
    let repeated = counts.iter().filter(|&&count| count > 1).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    Check::of(byte(text, 0) != b'0' && repeated == 1 && most <= 3 && mod_11_10(text))
}

/// France, NIR: sex, year and month of birth, place, serial, a key modulo 97. Corsica has letters in the department.
/// <https://www.insee.fr/en/metadonnees/definition/c1409>
pub(super) fn nir(text: &[u8]) -> Check {
    let mut body = [b'0'; 13];
    for (to, from) in body.iter_mut().zip(text) {
        *to = *from;
    }
    match (byte(text, 5), byte(text, 6)) {
        (b'2', b'A') => [body[5], body[6]] = *b"19",
        (b'2', b'B') => [body[5], body[6]] = *b"18",
        (_, letter) if !letter.is_ascii_digit() => return Check::Fails,
        _ => {}
    }
    // 20 to 42 and 50 up: the month is not known.
    let month = matches!(number(&body, 3, 2), 1..=12 | 20..=42 | 50..=99);
    let rest = (modulo(&body, 97) + number(text, 13, 2)) % 97;
    Check::of(month && rest == 0 && (1..=97).contains(&number(text, 13, 2)))
}

/// Netherlands, BSN: nine digits, modulus 11 with a last weight of minus one.
/// <https://www.rvig.nl/bsn>
pub(super) fn bsn(text: &[u8]) -> Check {
    let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2, 10]);
    Check::of(sum.is_multiple_of(11) && number(text, 0, 9) > 0)
}

/// Belgium, national number: YYMMDD, serial, 97 minus the rest; a 2 is put in front for those born since 2000.
/// <https://www.ibz.rrn.fgov.be/>
pub(super) fn be_nn(text: &[u8]) -> Check {
    let body = number(text, 0, 9);
    let key = number(text, 9, 2);
    let old = 97 - body % 97 == key;
    let new = 97 - (u64::from(body) + 2_000_000_000) % 97 == u64::from(key);
    // Months above 20 and 40 are those of the bis number.
    let month = matches!(number(text, 2, 2), 0..=12 | 20..=32 | 40..=52) && number(text, 4, 2) <= 31;
    Check::of((old || new && number(text, 0, 2) < 50) && month && body > 0)
}

/// Austria, social insurance number: serial, check digit, DDMMYY.
/// <https://de.wikipedia.org/wiki/Sozialversicherungsnummer>
pub(super) fn at_vnr(text: &[u8]) -> Check {
    let sum = weighted(text, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    // Months 13 to 15 are given when the serials of a day are used up.
    let born = matches!(number(text, 6, 2), 13..=15)
        || is_short_day(number(text, 8, 2), number(text, 6, 2), number(text, 4, 2));
    Check::of(byte(text, 0) != b'0' && sum % 11 == nth(text, 3) && born)
}

/// Switzerland, AHV number: 756 and an EAN-13 check digit. <https://www.zas.admin.ch/>
pub(super) fn ahv(text: &[u8]) -> Check {
    Check::of(weighted(text, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10))
}

/// Ireland, PPS number: seven digits, a check letter, since 2013 a second letter that counts.
/// <https://www.revenue.ie/>
pub(super) fn pps(text: &[u8]) -> Check {
    let second = match text.get(8) {
        // W stands for nothing; it marked a married woman's number.
        None | Some(b'W') => 0,
        Some(letter) => alnum(*letter).saturating_sub(9) * 9,
    };
    let rest = (weighted(text, &[8, 7, 6, 5, 4, 3, 2]) + second) % 23;
    let letter = if rest == 0 { Some(b'W') } else { u8::try_from(rest).ok().map(|rest| b'A' + rest - 1) };
    Check::of(text.get(7).copied() == letter)
}

/// Spain, DNI: eight digits and a letter by the rest modulo 23.
/// <https://www.interior.gob.es/opencms/es/servicios-al-ciudadano/tramites-y-gestiones/dni/>
pub(super) fn dni(text: &[u8]) -> Check {
    Check::of(text.get(8) == dni_letter(number(text, 0, 8)))
}

/// Spain, NIE: X, Y or Z stand for 0, 1 and 2 in front of seven digits.
pub(super) fn nie(text: &[u8]) -> Check {
    let first = u32::from(byte(text, 0).wrapping_sub(b'X'));
    Check::of(first < 3 && text.get(8) == dni_letter(first * 10_000_000 + number(text, 1, 7)))
}

fn dni_letter(number: u32) -> Option<&'static u8> {
    b"TRWAGMYFPDXBNJZSQVHLCKE".get(usize::try_from(number % 23).unwrap_or(0))
}

/// Portugal, NIF of persons (1, 2, 3 and 45): nine digits, modulus 11.
/// <https://info.portaldasfinancas.gov.pt/>
pub(super) fn pt_nif(text: &[u8]) -> Check {
    let rest = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    Check::of(check == nth(text, 8))
}

/// Italy, codice fiscale of persons: names, year, month letter, day (women: plus 40), place, check letter. Digits may be
/// replaced by letters where two people would have the same code.
/// <https://www.agenziaentrate.gov.it/portale/web/guest/schede/istanze/richiesta-ts_cf/informazioni-codificazione-pf>
pub(super) fn codice_fiscale(text: &[u8]) -> Check {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let value =
        |letter: u8| if letter.is_ascii_digit() { digit(letter) } else { alnum(letter).saturating_sub(10) };
    let odd = |letter: u8| ODD.get(usize::try_from(value(letter)).unwrap_or(0)).copied().unwrap_or(0);
    let Some((last, body)) = text.split_last() else { return Check::Fails };
    let sum: u32 = body
        .iter()
        .enumerate()
        .map(|(at, &letter)| if at % 2 == 0 { odd(letter) } else { value(letter) })
        .sum();
    let Some((year, month, day)) = codice_day(text) else { return Check::Fails };
    Check::of(sum % 26 == alnum(*last).saturating_sub(10) && is_short_day(year, month, day))
}

fn codice_day(text: &[u8]) -> Option<(u32, u32, u32)> {
    let value = |at: usize| match byte(text, at) {
        letter @ b'0'..=b'9' => Some(digit(letter)),
        letter => {
            b"LMNPQRSTUV".iter().position(|&known| known == letter).and_then(|at| u32::try_from(at).ok())
        }
    };
    let month = b"ABCDEHLMPRST".iter().position(|&known| known == byte(text, 8))?;
    let day = value(9)? * 10 + value(10)?;
    Some((value(6)? * 10 + value(7)?, u32::try_from(month).ok()? + 1, if day > 40 { day - 40 } else { day }))
}

/// Greece, AMKA: DDMMYY, serial, Luhn. <https://www.amka.gr/>
pub(super) fn amka(text: &[u8]) -> Check {
    let born = is_short_day(number(text, 4, 2), number(text, 2, 2), number(text, 0, 2));
    Check::of(born && luhn(text))
}

/// Birth from an Italian code.
pub(super) fn codice_facts(text: &[u8], today: Date) -> Facts {
    let born = codice_day(text).and_then(|(year, month, day)| short_day(year, month, day, today));
    Facts { born, region: None }
}

/// Birth from a Belgian number: its key tells the century.
pub(super) fn be_nn_facts(text: &[u8], _today: Date) -> Facts {
    let century = if 97 - number(text, 0, 9) % 97 == number(text, 9, 2) { 1900 } else { 2000 };
    Facts {
        born: day(century + number(text, 0, 2), number(text, 2, 2) % 20, number(text, 4, 2)),
        region: None,
    }
}

/// Birth from an Austrian number.
pub(super) fn at_vnr_facts(text: &[u8], today: Date) -> Facts {
    let born = short_day(number(text, 8, 2), number(text, 6, 2), number(text, 4, 2), today);
    Facts { born, region: None }
}

/// Birth from a Greek number.
pub(super) fn amka_facts(text: &[u8], today: Date) -> Facts {
    let born = short_day(number(text, 4, 2), number(text, 2, 2), number(text, 0, 2), today);
    Facts { born, region: None }
}
