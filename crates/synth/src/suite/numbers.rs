//! Check digits as those who give the numbers compute them. Each is written from its standard, not from the detectors'
//! validators: otherwise both could be wrong in the same way. An independent oracle, python-stdnum, accepts them all.

/// The value of a digit.
pub(super) fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

/// The sum of digits, each times its weight; weights begin again where there are fewer.
pub(super) fn weighted(digits: &str, weights: &[u32]) -> u32 {
    digits.bytes().zip(weights.iter().cycle()).map(|(byte, weight)| digit(byte) * weight).sum()
}

/// A number as a number.
pub(super) fn value(digits: &str) -> u64 {
    digits.bytes().fold(0, |sum, byte| sum * 10 + u64::from(digit(byte)))
}

/// The digit itself, where there is one: 10 has none.
pub(super) fn single(digit: u32) -> Option<u32> {
    (digit < 10).then_some(digit)
}

/// `first` and the check digit of Luhn behind it.
pub(super) fn luhn(first: &str) -> String {
    let last = crate::number::luhn_check(first.as_bytes());
    format!("{first}{}", char::from(last))
}

/// `first` and the check character of ISO 7064 MOD 11-2 behind it.
pub(super) fn mod_11_2(first: &str) -> String {
    let product = first.bytes().fold(0, |product, byte| (product + digit(byte)) * 2 % 11);
    match (12 - product) % 11 {
        10 => format!("{first}X"),
        check => format!("{first}{check}"),
    }
}

/// `first` and the check digit of ISO 7064 MOD 11,10 behind it.
pub(super) fn mod_11_10(first: &str) -> String {
    let product = first.bytes().fold(10, |product, byte| {
        let sum = (product + digit(byte)) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    format!("{first}{}", (11 - product) % 10)
}

/// `first` and the check digit of GTINs behind it: weights 3 and 1 from the right.
pub(super) fn gtin(first: &str) -> String {
    let sum: u32 = first.bytes().rev().zip([3, 1].iter().cycle()).map(|(b, weight)| digit(b) * weight).sum();
    format!("{first}{}", (10 - sum % 10) % 10)
}

/// The remainder by 97 of digits and letters, where A is 10, as ISO 7064 MOD 97-10 has it.
pub(super) fn mod_97(text: &str) -> u64 {
    text.bytes().fold(0, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u64::from(digit(byte))) % 97,
        _ => (sum * 100 + u64::from(byte - b'A') + 10) % 97,
    })
}

/// Verhoeff's check digit: the dihedral group of ten elements.
pub(super) fn verhoeff(first: &str) -> String {
    const INVERSE: [u32; 10] = [0, 4, 3, 2, 1, 5, 6, 7, 8, 9];
    let times = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let permuted = |digit: u32, places: usize| {
        const ONCE: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
        (0..places % 8).fold(digit, |digit, _| ONCE.get(digit as usize).copied().unwrap_or(0))
    };
    let sum =
        first.bytes().rev().zip(1..).fold(0, |sum, (byte, place)| times(sum, permuted(digit(byte), place)));
    format!("{first}{}", INVERSE.get(sum as usize).copied().unwrap_or(0))
}

/// Groups of so many characters with these signs between them; what is left follows.
pub(super) fn grouped(text: &str, groups: &[usize], signs: &[&str]) -> String {
    let mut letters = text.chars();
    let mut out = String::new();
    for (turn, &length) in groups.iter().enumerate() {
        if turn > 0 {
            out.push_str(signs.get((turn - 1) % signs.len().max(1)).copied().unwrap_or_default());
        }
        out.extend(letters.by_ref().take(length));
    }
    out.extend(letters);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_numbers_pass() {
        // ISO 7064 on ORCID's page, the OIB of the Croatian tax office, GS1, Wikipedia on Verhoeff, SWIFT.
        assert_eq!(mod_11_2("000000021825009"), "0000000218250097");
        assert_eq!(mod_11_10("3339200596"), "33392005961");
        assert_eq!(gtin("629104150021"), "6291041500213");
        assert_eq!(verhoeff("236"), "2363");
        assert_eq!(mod_97("WEST12345698765432GB82"), 1);
        assert_eq!(grouped("12345678901", &[3, 3, 3, 2], &[".", ".", "-"]), "123.456.789-01");
    }
}
