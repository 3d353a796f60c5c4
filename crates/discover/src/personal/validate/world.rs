//! Identifiers that are the same everywhere.

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::checks::{Check, alnum, byte, day, is_day, luhn, mod_97, nth, number};
use crate::personal::Facts;

/// Payment cards: Luhn; the ranges of the large schemes. <https://www.iso.org/standard/70484.html>, and the ranges that
/// each scheme publishes.
pub(super) fn card(text: &[u8]) -> Check {
    let six = number(text, 0, 6);
    let known = match text.len() {
        12 => is_maestro(six),
        13 => matches!(six, 400_000..=499_999),
        14 => matches!(six, 300_000..=305_999 | 309_500..=309_599 | 360_000..=369_999 | 380_000..=399_999),
        // JCB's cards of fifteen digits begin as they did before there were ranges.
        15 => matches!(six, 340_000..=349_999 | 370_000..=379_999 | 213_100..=213_199 | 180_000..=180_099),
        16 => matches!(six,
            400_000..=499_999 | 510_000..=559_999 | 222_100..=272_099 | 601_100..=601_199 | 644_000..=659_999
            | 352_800..=358_999 | 220_000..=220_499 | 508_500..=508_999 | 606_985..=607_984 | 608_001..=608_500),
        19 => matches!(six, 400_000..=499_999 | 601_100..=601_199 | 644_000..=659_999),
        _ => false,
    };
    let known = known || matches!(text.len(), 16 | 19) && is_maestro(six);
    let same = text.iter().all(|byte| Some(byte) == text.first());
    Check::with(!same && luhn(text), known)
}

/// The numbers that most Maestro cards begin with; they have twelve to nineteen digits.
/// <https://en.wikipedia.org/wiki/Payment_card_number#Issuer_identification_number_(IIN)>
fn is_maestro(six: u32) -> bool {
    matches!(six / 100, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763)
}

/// Countries of the IBAN registry with the length of theirs. <https://www.swift.com/standards/data-standards/iban-international-bank-account-number>
const IBAN: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// IBAN: country, two check digits (modulus 97), the country's own account number.
pub(super) fn iban(text: &[u8]) -> Check {
    let length = IBAN.iter().find(|(country, _)| text.starts_with(*country)).map(|(_, length)| *length);
    let passes = mod_97(text.iter().skip(4).chain(text.iter().take(4))) == 1;
    Check::with(passes && length.is_none_or(|length| length == text.len()), length.is_some())
}

/// The country of an IBAN.
pub(super) fn iban_facts(text: &[u8], _today: Date) -> Facts {
    let region = text.get(..2).map(|code| String::from_utf8_lossy(code).into_owned());
    Facts { born: None, region }
}

/// IMEI: type allocation, serial, Luhn. The first two digits name who allocates. <https://www.gsma.com/solutions-and-impact/industry-services/device-services/>
pub(super) fn imei(text: &[u8]) -> Check {
    Check::with(luhn(text), matches!(number(text, 0, 2), 1 | 35 | 86 | 91 | 98 | 99))
}

/// ICCID of a SIM card: 89, country, issuer, serial, Luhn. <https://www.itu.int/rec/T-REC-E.118>
pub(super) fn iccid(text: &[u8]) -> Check {
    Check::of(luhn(text))
}

/// IMSI: mobile country code, network, subscriber. <https://www.itu.int/pub/T-SP-E.212B>
pub(super) fn imsi(text: &[u8]) -> Check {
    Check::with(
        matches!(nth(text, 0), 2..=7),
        matches!(
            number(text, 0, 3),
            460 | 461 | 454 | 455 | 466 | 310..=316 | 404 | 405 | 440 | 441 | 450 | 234 | 262 | 208 | 250
        ),
    )
}

/// Vehicle identification number: 17 characters without I, O and Q; the ninth checks, in North America and China (GB
/// 16735). <https://www.iso.org/standard/52200.html>
pub(super) fn vin(text: &[u8]) -> Check {
    const VALUES: &[u8; 36] = b"012345678912345678 12345 7 923456789";
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |letter: u8| {
        let at = usize::try_from(alnum(letter)).unwrap_or(usize::MAX);
        VALUES.get(at).map_or(0, |value| u32::from(value.wrapping_sub(b'0') % 16))
    };
    let sum: u32 = text.iter().zip(WEIGHTS).map(|(&letter, weight)| value(letter) * weight).sum();
    let check = if byte(text, 8) == b'X' { 10 } else { alnum(byte(text, 8)) };
    Check::of(sum % 11 == check)
}

/// A day as eight digits, as it stands for a date of birth.
pub(super) fn compact_day(text: &[u8]) -> Check {
    let year = number(text, 0, 4);
    Check::of((1900..2050).contains(&year) && is_day(year, number(text, 4, 2), number(text, 6, 2)))
}

/// That day.
pub(super) fn compact_day_facts(text: &[u8], _today: Date) -> Facts {
    Facts { born: day(number(text, 0, 4), number(text, 4, 2), number(text, 6, 2)), region: None }
}

/// Bitcoin and Tron addresses of base 58 with a checksum of four bytes.
/// <https://en.bitcoin.it/wiki/Base58Check_encoding>
pub(super) fn base58check(text: &[u8]) -> Check {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0u8; 25];
    for &letter in text {
        let Some(value) = ALPHABET.iter().position(|&known| known == letter) else { return Check::Fails };
        let mut carry = u32::try_from(value).unwrap_or(0);
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return Check::Fails;
        }
    }
    let (body, sum) = bytes.split_at(21);
    let digest = Sha256::digest(Sha256::digest(body));
    let version = matches!(bytes[0], 0x00 | 0x05 | 0x41);
    Check::of(version && digest.iter().take(4).eq(sum))
}

/// Bitcoin addresses of bech32 and bech32m. <https://github.com/bitcoin/bips/blob/master/bip-0350.mediawiki>
pub(super) fn bech32(text: &[u8]) -> Check {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let lower = text.to_ascii_lowercase();
    let Some(data) = lower.strip_prefix(b"bc1") else { return Check::Fails };
    let mixed = text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase);
    // The human-readable part `bc`, expanded.
    let mut state = [3, 3, 0, 2, 3].into_iter().fold(1u32, bech32_step);
    for letter in data {
        let Some(value) = ALPHABET.iter().position(|known| known == letter) else { return Check::Fails };
        state = bech32_step(state, u32::try_from(value).unwrap_or(0));
    }
    Check::of(!mixed && matches!(state, 1 | 0x2bc8_30a3))
}

fn bech32_step(state: u32, value: u32) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = state >> 25;
    let next = (state & 0x01ff_ffff) << 5 ^ value;
    GENERATOR
        .iter()
        .enumerate()
        .fold(next, |next, (bit, word)| if top >> bit & 1 == 1 { next ^ word } else { next })
}

/// Ethereum addresses: 0x and 40 hex digits. The checksum in the case of letters (EIP-55) needs Keccak, which is not
/// here: an address proves itself by its length and its prefix alone.
pub(super) fn ethereum(text: &[u8]) -> Check {
    let body = text.get(2..).unwrap_or_default();
    // Constants such as 0x000…01 and 0xffff…f are common in programs.
    let mut seen = [false; 16];
    for &byte in body {
        let value = (byte as char).to_digit(16).and_then(|value| usize::try_from(value).ok());
        if let Some(mark) = value.and_then(|value| seen.get_mut(value)) {
            *mark = true;
        }
    }
    Check::of(seen.iter().filter(|&&mark| mark).count() >= 9)
}
