//! Arithmetic that many identifiers share: check digits, numbers and days. All of it is total: a byte that is no digit
//! counts as some number, and who calls has looked at the shape before.

use jiff::civil::Date;

/// What a validator says about a value whose shape is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::personal) enum Check {
    /// The check digit or the structure is wrong.
    Fails,
    /// It passes, and a part that changes with time or place (region, prefix, issuer) is not one that is known.
    Passes,
    /// It passes, and nothing in it is unknown.
    Known,
}

impl Check {
    /// Passes or fails, where nothing in the value changes with time or place.
    pub(in crate::personal) fn of(passes: bool) -> Self {
        if passes { Self::Known } else { Self::Fails }
    }

    /// Passes when `passes`, and is known when `known` as well.
    pub(in crate::personal) fn with(passes: bool, known: bool) -> Self {
        match (passes, known) {
            (false, _) => Self::Fails,
            (true, false) => Self::Passes,
            (true, true) => Self::Known,
        }
    }
}

/// The number that an ASCII digit stands for; at most 9 for other bytes, so that no sum overflows.
#[inline]
pub(super) fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0').min(9))
}

/// A digit by its value, a capital letter as 10 to 35.
#[inline]
pub(super) fn alnum(byte: u8) -> u32 {
    if byte.is_ascii_digit() { digit(byte) } else { u32::from(byte.wrapping_sub(b'A').min(25)) + 10 }
}

/// The byte at `at`, `'0'` when there is none.
#[inline]
pub(super) fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(b'0')
}

/// The digit at `at`.
#[inline]
pub(super) fn nth(text: &[u8], at: usize) -> u32 {
    digit(byte(text, at))
}

/// The number in `length` digits from `from`, at most nine; 0 where there are fewer.
#[inline]
pub(in crate::personal) fn number(text: &[u8], from: usize, length: usize) -> u32 {
    text.get(from..from + length)
        .unwrap_or_default()
        .iter()
        .fold(0u32, |sum, &byte| sum.wrapping_mul(10).wrapping_add(digit(byte)))
}

/// The number in all digits of `text`, modulo `modulus`.
pub(super) fn modulo(text: &[u8], modulus: u32) -> u32 {
    text.iter().fold(0u32, |rest, &byte| (rest * 10 + digit(byte)) % modulus)
}

/// Sum of the first digits of `text`, each with its weight; what is missing counts nothing.
#[inline]
pub(super) fn weighted<const N: usize>(text: &[u8], weights: &[u32; N]) -> u32 {
    // An array of known length needs no loop.
    let mut padded = [b'0'; N];
    let digits = text.first_chunk::<N>().unwrap_or_else(|| {
        for (to, from) in padded.iter_mut().zip(text) {
            *to = *from;
        }
        &padded
    });
    digits.iter().zip(weights).map(|(&byte, weight)| digit(byte) * weight).sum()
}

/// The Luhn check: <https://www.itu.int/rec/T-REC-E.118>, annex B.
pub(super) fn luhn(text: &[u8]) -> bool {
    // Without a branch on the digits: they cannot be predicted.
    let doubled = |byte: u8| {
        let value = digit(byte);
        value * 2 - 9 * u32::from(value > 4)
    };
    let (first, pairs) = text.as_rchunks::<2>();
    let single: u32 = first.iter().map(|&byte| digit(byte)).sum();
    let sum: u32 = pairs.iter().map(|[even, odd]| doubled(*even) + digit(*odd)).sum();
    (single + sum).is_multiple_of(10)
}

/// ISO 7064 MOD 11-2 over 17 digits and a last character that may be `X`.
pub(super) fn mod_11_2(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let check = if byte(text, 17) == b'X' { 10 } else { nth(text, 17) };
    text.len() == 18 && (weighted(text, &WEIGHTS) + check) % 11 == 1
}

/// ISO 7064 MOD 11,10 over digits.
pub(super) fn mod_11_10(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    let product = body.iter().fold(10u32, |product, &byte| {
        let sum = (digit(byte) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (product + digit(*last)) % 10 == 1
}

/// ISO 7064 MOD 97-10 over digits and capital letters.
pub(super) fn mod_97<'a>(text: impl Iterator<Item = &'a u8>) -> u32 {
    text.fold(0u32, |rest, &byte| {
        let value = alnum(byte);
        if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 }
    })
}

/// Multiplication in the dihedral group D5: <https://en.wikipedia.org/wiki/Verhoeff_algorithm>.
const D5: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// The permutation of Verhoeff's scheme, by position.
const PERMUTATION: [[u8; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/// Verhoeff's check over digits.
pub(super) fn verhoeff(text: &[u8]) -> bool {
    let mut state = 0u8;
    for (&byte, row) in text.iter().rev().zip(PERMUTATION.iter().cycle()) {
        let Some(permuted) = row.get(usize::from(byte.wrapping_sub(b'0'))) else { return false };
        let Some(next) = D5.get(usize::from(state)).and_then(|row| row.get(usize::from(*permuted))) else {
            return false;
        };
        state = *next;
    }
    state == 0
}

/// Whether there is such a day.
#[inline]
pub(in crate::personal) fn is_day(year: u32, month: u32, day: u32) -> bool {
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    };
    day >= 1 && day <= length
}

/// Whether there is such a day in 19YY or 20YY: only 29 February 1900 makes a difference, and is let through.
#[inline]
pub(super) fn is_short_day(year: u32, month: u32, day: u32) -> bool {
    is_day(2000 + year % 100, month, day)
}

/// A day, when there is one.
pub(in crate::personal) fn day(year: u32, month: u32, day: u32) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A day of which two digits of the year are known: the last one that is not after `today`.
pub(in crate::personal) fn short_day(year: u32, month: u32, date: u32, today: Date) -> Option<Date> {
    match day(2000 + year, month, date) {
        Some(born) if born <= today => Some(born),
        _ => day(1900 + year, month, date),
    }
}

/// A set of numbers below 10,000.
#[derive(Debug)]
pub(super) struct Numbers([u64; 157]);

impl Numbers {
    /// Reads numbers that stand on lines: a prefix, a colon, and what follows it (`11: 00 01`), `#` begins a comment.
    pub(super) fn read(text: &str) -> Self {
        let mut bits = [0; 157];
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((prefix, rest)) = line.split_once(':') else { continue };
            for ending in rest.split_ascii_whitespace() {
                let Ok(number) = format!("{}{ending}", prefix.trim()).parse::<usize>() else { continue };
                if let Some(word) = bits.get_mut(number / 64) {
                    *word |= 1 << (number % 64);
                }
            }
        }
        Self(bits)
    }

    /// Whether `number` is in it.
    pub(super) fn has(&self, number: u32) -> bool {
        let at = usize::try_from(number / 64).unwrap_or(usize::MAX);
        self.0.get(at).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}
