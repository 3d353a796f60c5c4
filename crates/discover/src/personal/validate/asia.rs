//! Identifiers of Asia, Africa and Oceania.

use jiff::civil::Date;

use super::checks::{
    Check, alnum, byte, day, digit, is_day, is_short_day, luhn, nth, number, short_day, verhoeff, weighted,
};
use crate::personal::Facts;

/// Japan, individual number: twelve digits, modulus 11.
/// <https://www.soumu.go.jp/kojinbango_card/>
pub(super) fn my_number(text: &[u8]) -> Check {
    let rest = weighted(text, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    Check::of((if rest < 2 { 0 } else { 11 - rest }) == nth(text, 11))
}

/// Korea, resident registration number: YYMMDD, sex and century, then place, serial and check digit; since October 2020
/// the last six digits are random, so the check digit is evidence, no gate.
/// <https://en.wikipedia.org/wiki/Resident_registration_number>
pub(super) fn rrn(text: &[u8]) -> Check {
    let rest = weighted(text, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11;
    let (year, month, date) = rrn_day(text);
    Check::with(is_day(year, month, date), (11 - rest) % 10 == nth(text, 12))
}

fn rrn_day(text: &[u8]) -> (u32, u32, u32) {
    let century = match nth(text, 6) {
        1 | 2 | 5 | 6 => 1900,
        3 | 4 | 7 | 8 => 2000,
        _ => 1800,
    };
    (century + number(text, 0, 2), number(text, 2, 2), number(text, 4, 2))
}

/// Birth from a Korean number.
pub(super) fn rrn_facts(text: &[u8], _today: Date) -> Facts {
    let (year, month, date) = rrn_day(text);
    Facts { born: day(year, month, date), region: None }
}

/// India, Aadhaar: twelve digits that do not begin with 0 or 1, Verhoeff; no palindrome.
/// <https://uidai.gov.in/>
pub(super) fn aadhaar(text: &[u8]) -> Check {
    let palindrome = text.iter().eq(text.iter().rev());
    Check::of(matches!(byte(text, 0), b'2'..=b'9') && !palindrome && verhoeff(text))
}

/// India, PAN: five letters of which the fourth tells what the holder is (P: a person), four digits, a letter.
/// <https://incometaxindia.gov.in/>
pub(super) fn pan(text: &[u8]) -> Check {
    Check::with(b"ABCFGHJLPT".contains(&byte(text, 3)) && number(text, 5, 4) > 0, byte(text, 3) == b'P')
}

/// Singapore, NRIC and FIN: letter of century and kind, seven digits, check letter.
/// <https://en.wikipedia.org/wiki/National_Registration_Identity_Card>
pub(super) fn nric(text: &[u8]) -> Check {
    let sum = text.get(1..8).map_or(0, |body| weighted(body, &[2, 7, 6, 5, 4, 3, 2]));
    let (offset, letters): (u32, &[u8; 11]) = match byte(text, 0) {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"KLJNPQRTUWX"),
        _ => return Check::Fails,
    };
    let rest = usize::try_from((sum + offset) % 11).unwrap_or(0);
    let at = if byte(text, 0) == b'M' { 10 - rest } else { rest };
    Check::of(text.get(8) == letters.get(at))
}

/// Malaysia, MyKad: YYMMDD, place of birth, serial. <https://www.jpn.gov.my/en/kod-negeri>
pub(super) fn mykad(text: &[u8]) -> Check {
    let place = matches!(number(text, 6, 2), 1..=16 | 21..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99);
    Check::with(is_short_day(number(text, 0, 2), number(text, 2, 2), number(text, 4, 2)), place)
}

/// Birth, where YYMMDD begins the number (Malaysia, South Africa, Kazakhstan).
pub(super) fn leading_day_facts(text: &[u8], today: Date) -> Facts {
    Facts { born: short_day(number(text, 0, 2), number(text, 2, 2), number(text, 4, 2), today), region: None }
}

/// Indonesia, NIK: province, regency, district, DDMMYY (women: day plus 40), serial.
/// <https://id.wikipedia.org/wiki/Nomor_Induk_Kependudukan>
pub(super) fn nik(text: &[u8]) -> Check {
    let born = is_short_day(number(text, 10, 2), number(text, 8, 2), number(text, 6, 2) % 40);
    let province = matches!(number(text, 0, 2),
        11..=21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97);
    Check::with(born && number(text, 12, 4) > 0, province)
}

/// Birth from an Indonesian number.
pub(super) fn nik_facts(text: &[u8], today: Date) -> Facts {
    let born = short_day(number(text, 10, 2), number(text, 8, 2), number(text, 6, 2) % 40, today);
    Facts { born, region: None }
}

/// Vietnam, citizen number: province, sex and century, two digits of the year, serial.
/// <https://thuvienphapluat.vn/van-ban/Quyen-dan-su/Thong-tu-59-2021-TT-BCA-huong-dan-Luat-Can-cuoc-cong-dan-va-Nghi-dinh-137-2015-ND-CP-473944.aspx>
pub(super) fn cccd(text: &[u8]) -> Check {
    let province = number(text, 0, 3);
    Check::of((1..=96).contains(&province) && nth(text, 3) <= 3)
}

/// Thailand, identity number: thirteen digits, modulus 11. <https://en.wikipedia.org/wiki/Thai_identity_card>
pub(super) fn th_pin(text: &[u8]) -> Check {
    let rest = weighted(text, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    Check::of(matches!(nth(text, 0), 1..=8) && (11 - rest) % 10 == nth(text, 12))
}

/// Israel, identity number: nine digits, Luhn. <https://en.wikipedia.org/wiki/Israeli_identity_card>
pub(super) fn il_id(text: &[u8]) -> Check {
    Check::of(luhn(text) && number(text, 0, 9) > 0)
}

/// Pakistan, CNIC: region, family, sex. <https://www.nadra.gov.pk/>
pub(super) fn cnic(text: &[u8]) -> Check {
    Check::of(matches!(nth(text, 0), 1..=7) && nth(text, 12) > 0)
}

/// Kazakhstan, IIN: YYMMDD, century and sex, serial, check digit of two stages.
/// <https://egov.kz/cms/en/articles/for_foreigners/iin>
pub(super) fn iin(text: &[u8]) -> Check {
    let first = weighted(text, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
    let second = weighted(text, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11;
    let check = if first == 10 { second } else { first };
    let born = is_short_day(number(text, 0, 2), number(text, 2, 2), number(text, 4, 2));
    Check::of(born && nth(text, 6) <= 6 && check == nth(text, 11))
}

/// Emirates ID: 784, year of birth, serial, Luhn. <https://icp.gov.ae/>
pub(super) fn emirates(text: &[u8]) -> Check {
    Check::of((1900..2050).contains(&number(text, 3, 4)) && luhn(text))
}

/// Saudi national (1) and residence (2) number: ten digits, Luhn. <https://www.absher.sa/>
pub(super) fn saudi(text: &[u8]) -> Check {
    Check::of(luhn(text))
}

/// Egypt, national number: century, YYMMDD, governorate, serial. The last digit's rule is not published.
/// <https://ar.wikipedia.org/wiki/%D8%A8%D8%B7%D8%A7%D9%82%D8%A9_%D8%A7%D9%84%D8%B1%D9%82%D9%85_%D8%A7%D9%84%D9%82%D9%88%D9%85%D9%8A_%D8%A7%D9%84%D9%85%D8%B5%D8%B1%D9%8A%D8%A9>
pub(super) fn egypt(text: &[u8]) -> Check {
    let (year, month, date) = egypt_day(text);
    let governorate = matches!(number(text, 7, 2), 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88);
    Check::of(is_day(year, month, date) && governorate)
}

fn egypt_day(text: &[u8]) -> (u32, u32, u32) {
    let century = if byte(text, 0) == b'2' { 1900 } else { 2000 };
    (century + number(text, 1, 2), number(text, 3, 2), number(text, 5, 2))
}

/// Birth from an Egyptian number.
pub(super) fn egypt_facts(text: &[u8], _today: Date) -> Facts {
    let (year, month, date) = egypt_day(text);
    Facts { born: day(year, month, date), region: None }
}

/// South Africa: YYMMDD, serial, citizenship, Luhn. <https://www.gov.za/services/identification>
pub(super) fn za_id(text: &[u8]) -> Check {
    let born = is_short_day(number(text, 0, 2), number(text, 2, 2), number(text, 4, 2));
    Check::of(born && nth(text, 10) <= 2 && luhn(text))
}

/// Mauritius, national identity: letter, DDMMYY, serial, check character modulo 17. <https://mnic.govmu.org/>
pub(super) fn mu_nid(text: &[u8]) -> Check {
    let sum: u32 =
        text.iter().take(13).zip((2..=14).rev()).map(|(&letter, weight)| alnum(letter) * weight).sum();
    let born = is_short_day(number(text, 5, 2), number(text, 3, 2), number(text, 1, 2));
    Check::of(born && (17 - sum % 17) % 17 == alnum(byte(text, 13)))
}

/// Australia, tax file number: nine digits, modulus 11. <https://www.ato.gov.au/individuals-and-families/tax-file-number>
pub(super) fn tfn(text: &[u8]) -> Check {
    Check::of(weighted(text, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && number(text, 0, 9) > 0)
}

/// Australia, Medicare: eight digits from 2 to 6, check digit modulo 10, issue, and the person on the card.
/// <https://meteor.aihw.gov.au/content/270101>
pub(super) fn medicare(text: &[u8]) -> Check {
    let check = weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10;
    Check::of(matches!(nth(text, 0), 2..=6) && check == nth(text, 8) && nth(text, 9) > 0)
}

/// New Zealand, IRD: eight or nine digits, modulus 11 with a second set of weights.
/// <https://www.ird.govt.nz/>
pub(super) fn ird(text: &[u8]) -> Check {
    let mut padded = [b'0'; 9];
    for (to, from) in padded.iter_mut().rev().zip(text.iter().rev()) {
        *to = *from;
    }
    let sum = number(&padded, 0, 9);
    let first = (11 - weighted(&padded, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    let second = (11 - weighted(&padded, &[7, 4, 3, 2, 5, 2, 7, 6]) % 11) % 11;
    let check = if first == 10 { second } else { first };
    Check::of((10_000_001..150_000_000).contains(&sum) && check == digit(byte(&padded, 8)))
}
