//! Identifiers of Central and Eastern Europe.

use jiff::civil::Date;

use super::checks::{Check, byte, day, is_day, is_short_day, mod_11_10, nth, number, short_day, weighted};
use crate::personal::Facts;

/// Poland, PESEL: YYMMDD with the century in the month, serial, check digit. <https://www.gov.pl/web/gov/czym-jest-numer-pesel>
pub(super) fn pesel(text: &[u8]) -> Check {
    let (year, month, date) = pesel_day(text);
    let sum = weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    Check::of(is_day(year, month, date) && sum.is_multiple_of(10))
}

fn pesel_day(text: &[u8]) -> (u32, u32, u32) {
    let month = number(text, 2, 2);
    let century = match month / 20 {
        0 => 1900,
        1 => 2000,
        2 => 2100,
        3 => 2200,
        _ => 1800,
    };
    (century + number(text, 0, 2), month % 20, number(text, 4, 2))
}

/// Birth from a Polish number.
pub(super) fn pesel_facts(text: &[u8], _today: Date) -> Facts {
    let (year, month, date) = pesel_day(text);
    Facts { born: day(year, month, date), region: None }
}

/// Czechia and Slovakia, birth number: YYMMDD (women: month plus 50; since 2004 plus 20 when a day is full), serial, and
/// a check digit since 1954. <https://www.mvcr.cz/clanek/rady-a-sluzby-dokumenty-rodne-cislo.aspx>
pub(super) fn rodne_cislo(text: &[u8]) -> Check {
    let (year, month, date) = rodne_day(text);
    let check = number(text, 0, 9) % 11 % 10 == nth(text, 9);
    Check::of(is_day(year, month, date) && (text.len() == 9 && year <= 1953 || text.len() == 10 && check))
}

fn rodne_day(text: &[u8]) -> (u32, u32, u32) {
    let year = number(text, 0, 2);
    let year = match (text.len(), year) {
        (9, 80..) => 1800 + year,
        (9, _) => 1900 + year,
        (_, 54..) => 1900 + year,
        _ => 2000 + year,
    };
    (year, number(text, 2, 2) % 50 % 20, number(text, 4, 2))
}

/// Birth from a Czech or Slovak number.
pub(super) fn rodne_facts(text: &[u8], _today: Date) -> Facts {
    let (year, month, date) = rodne_day(text);
    Facts { born: day(year, month, date), region: None }
}

/// Romania, CNP: sex and century, YYMMDD, county, serial, check digit. <https://ro.wikipedia.org/wiki/Cod_numeric_personal_(Rom%C3%A2nia)>
pub(super) fn cnp(text: &[u8]) -> Check {
    let rest = weighted(text, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    let born = is_short_day(number(text, 1, 2), number(text, 3, 2), number(text, 5, 2));
    // 47 and 48 are former sectors, 51 and 52 Călărași and Giurgiu, 70 came with the register of 2024.
    let county = matches!(number(text, 7, 2), 1..=48 | 51 | 52 | 70 | 80..=83);
    let check = if rest == 10 { 1 } else { rest };
    Check::of(byte(text, 0) != b'0' && born && county && check == nth(text, 12))
}

/// Birth from a Romanian number.
pub(super) fn cnp_facts(text: &[u8], today: Date) -> Facts {
    let (year, month, date) = (number(text, 1, 2), number(text, 3, 2), number(text, 5, 2));
    let born = match nth(text, 0) {
        1 | 2 => day(1900 + year, month, date),
        3 | 4 => day(1800 + year, month, date),
        5 | 6 => day(2000 + year, month, date),
        _ => short_day(year, month, date, today),
    };
    Facts { born, region: None }
}

/// Bulgaria, EGN: YYMMDD (month plus 20 before 1900, plus 40 since 2000), serial, check digit. <https://www.grao.bg/>
pub(super) fn egn(text: &[u8]) -> Check {
    let (year, month, date) = egn_day(text);
    let check = weighted(text, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    Check::of(is_day(year, month, date) && check == nth(text, 9))
}

fn egn_day(text: &[u8]) -> (u32, u32, u32) {
    let (year, month, date) = (number(text, 0, 2), number(text, 2, 2), number(text, 4, 2));
    match month {
        41.. => (2000 + year, month - 40, date),
        21.. => (1800 + year, month - 20, date),
        _ => (1900 + year, month, date),
    }
}

/// Birth from a Bulgarian number.
pub(super) fn egn_facts(text: &[u8], _today: Date) -> Facts {
    let (year, month, date) = egn_day(text);
    Facts { born: day(year, month, date), region: None }
}

/// Croatia, OIB: eleven digits, ISO 7064 MOD 11,10. <https://www.porezna-uprava.hr/HR_OIB>
pub(super) fn oib(text: &[u8]) -> Check {
    Check::of(mod_11_10(text))
}

/// Estonia and Lithuania, personal code: sex and century, YYMMDD, serial, check digit of two stages.
/// <https://et.wikipedia.org/wiki/Isikukood>
pub(super) fn isikukood(text: &[u8]) -> Check {
    let (year, month, date) = isikukood_day(text);
    let first = weighted(text, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(text, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let check = if first == 10 { second % 10 } else { first };
    Check::of((1..=8).contains(&nth(text, 0)) && is_day(year, month, date) && check == nth(text, 10))
}

fn isikukood_day(text: &[u8]) -> (u32, u32, u32) {
    let century = 1800 + nth(text, 0).saturating_sub(1) / 2 * 100;
    (century + number(text, 1, 2), number(text, 3, 2), number(text, 5, 2))
}

/// Birth from an Estonian or Lithuanian code.
pub(super) fn isikukood_facts(text: &[u8], _today: Date) -> Facts {
    let (year, month, date) = isikukood_day(text);
    Facts { born: day(year, month, date), region: None }
}

/// Latvia, personal code: DDMMYY, century, serial, check digit; since 2017 32 and no date.
/// <https://www.pmlp.gov.lv/lv/personas-kods>
pub(super) fn lv_code(text: &[u8]) -> Check {
    let rest = (1 + weighted(text, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11 % 10;
    let born = number(text, 0, 2) == 32
        || nth(text, 6) <= 2 && is_short_day(number(text, 4, 2), number(text, 2, 2), number(text, 0, 2));
    Check::of(born && rest == nth(text, 10))
}

/// Birth from a Latvian code of the older form.
pub(super) fn lv_facts(text: &[u8], _today: Date) -> Facts {
    let year = 1800 + nth(text, 6) * 100 + number(text, 4, 2);
    Facts { born: day(year, number(text, 2, 2), number(text, 0, 2)), region: None }
}

/// Slovenia (EMŠO) and the other heirs of Yugoslavia (JMBG): DDMMYYY, region, serial, check digit.
/// <https://en.wikipedia.org/wiki/Unique_Master_Citizen_Number>
pub(super) fn jmbg(text: &[u8]) -> Check {
    let (year, month, date) = jmbg_day(text);
    let rest = weighted(text, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    Check::of(is_day(year, month, date) && rest != 1 && check == nth(text, 12))
}

fn jmbg_day(text: &[u8]) -> (u32, u32, u32) {
    let year = number(text, 4, 3);
    (if year < 800 { 2000 + year } else { 1000 + year }, number(text, 2, 2), number(text, 0, 2))
}

/// Birth from a Slovenian or Yugoslav number.
pub(super) fn jmbg_facts(text: &[u8], _today: Date) -> Facts {
    let (year, month, date) = jmbg_day(text);
    Facts { born: day(year, month, date), region: None }
}

/// Ukraine, taxpayer's number: days since the end of 1899, serial, check digit. <https://tax.gov.ua/>
pub(super) fn rnokpp(text: &[u8]) -> Check {
    let rest = weighted(text, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10;
    Check::of(rest == nth(text, 9) && number(text, 0, 5) > 0)
}

/// Birth from a Ukrainian number.
pub(super) fn rnokpp_facts(text: &[u8], _today: Date) -> Facts {
    let days = i64::from(number(text, 0, 5));
    let born = day(1899, 12, 31).and_then(|zero| zero.checked_add(jiff::Span::new().days(days)).ok());
    Facts { born, region: None }
}

/// Russia, INN of persons: twelve digits, the last two check. <https://www.nalog.gov.ru/>
pub(super) fn inn(text: &[u8]) -> Check {
    let first = weighted(text, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    let second = weighted(text, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    Check::of(first == nth(text, 10) && second == nth(text, 11) && number(text, 0, 9) > 0)
}

/// Russia, SNILS: nine digits and their check number modulo 101. <https://sfr.gov.ru/>
pub(super) fn snils(text: &[u8]) -> Check {
    let rest = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
    Check::of(rest == number(text, 9, 2) && number(text, 0, 9) > 1_001_998)
}

/// Turkey, identity number: eleven digits, the last two check. <https://tckimlik.nvi.gov.tr/>
pub(super) fn tckn(text: &[u8]) -> Check {
    let odd = nth(text, 0) + nth(text, 2) + nth(text, 4) + nth(text, 6) + nth(text, 8);
    let even = nth(text, 1) + nth(text, 3) + nth(text, 5) + nth(text, 7);
    let tenth = (odd * 7 + 10 * 9 - even) % 10;
    let last = (odd + even + tenth) % 10;
    Check::of(byte(text, 0) != b'0' && tenth == nth(text, 9) && last == nth(text, 10))
}

/// Hungary, personal number (M/F and century, YYMMDD, serial) with a check digit of two directions.
/// <https://hu.wikipedia.org/wiki/Szem%C3%A9lyi_azonos%C3%ADt%C3%B3>
pub(super) fn hu_personal(text: &[u8]) -> Check {
    let born = is_short_day(number(text, 1, 2), number(text, 3, 2), number(text, 5, 2));
    let sex = (1..=8).contains(&nth(text, 0));
    // Who was born before 1997 has weights that rise from 1, later ones that fall from 10.
    let old = weighted(text, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) % 11 == nth(text, 10);
    let new = weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11 == nth(text, 10);
    Check::of(sex && born && (old || new))
}

/// Hungary, TAJ number of social insurance: nine digits, the last checks. <https://hu.wikipedia.org/wiki/TAJ-sz%C3%A1m>
pub(super) fn taj(text: &[u8]) -> Check {
    Check::of(weighted(text, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == nth(text, 8) && number(text, 0, 9) > 0)
}
