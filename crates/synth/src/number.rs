//! Numbers with check digits, as the standards compute them.

/// Check characters of a resident number, by remainder.
const RESIDENT_CHECK: [u8; 11] = *b"10X98765432";
/// ISO 7064 MOD 11-2 as weights: GB 11643-1999,
/// <https://openstd.samr.gov.cn/bzgk/gb/newGbInfo?hcno=080D6FBF2BB468F9007657F26D60013E>.
const RESIDENT_WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The check character for the first 17 digits of a resident number.
pub fn resident_check(first: &[u8; 17]) -> u8 {
    let sum: u32 = first.iter().zip(RESIDENT_WEIGHTS).map(|(&digit, weight)| value(digit) * weight).sum();
    RESIDENT_CHECK.get(sum as usize % 11).copied().unwrap_or(b'X')
}

/// The check digit of Luhn (ISO/IEC 7812-1, annex B) for the digits before it.
pub fn luhn_check(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| {
            let doubled = value(digit) << ((place % 2) ^ 1);
            doubled - if doubled > 9 { 9 } else { 0 }
        })
        .sum();
    b'0' + ((10 - sum % 10) % 10) as u8
}

/// The alphabet of a unified social credit code: no I, O, S, V, Z.
const CREDIT_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// The check character of a unified social credit code for the 17 before it:
/// GB 32100-2015, weights 3^i mod 31.
pub fn credit_check(first: &[u8]) -> u8 {
    let mut weight = 1;
    let mut sum = 0;
    for &letter in first {
        let at = CREDIT_ALPHABET.iter().position(|&known| known == letter).unwrap_or(0);
        sum += at * weight;
        weight = weight * 3 % 31;
    }
    CREDIT_ALPHABET.get((31 - sum % 31) % 31).copied().unwrap_or(b'0')
}

/// The check character of an organisation code for the 8 before it: GB 11714-1997.
pub fn organisation_check(first: &[u8; 8]) -> u8 {
    let sum: u32 = first
        .iter()
        .zip([3, 7, 9, 10, 5, 8, 4, 2])
        .map(|(&letter, weight)| {
            let value = if letter.is_ascii_digit() { value(letter) } else { u32::from(letter) - 55 };
            value * weight
        })
        .sum();
    match 11 - sum % 11 {
        10 => b'X',
        11 => b'0',
        digit => b'0' + digit as u8,
    }
}

fn value(digit: u8) -> u32 {
    u32::from(digit.wrapping_sub(b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_numbers_pass() {
        // GB 11643-1999 prints these two; ISO/IEC 7812-1 and GB 32100 examples beside them.
        assert_eq!(resident_check(b"11010519491231002"), b'X');
        assert_eq!(resident_check(b"44052418800101001"), b'4');
        assert_eq!(luhn_check(b"7992739871"), b'3');
        assert_eq!(credit_check(b"91350100M000100Y4"), b'3');
        assert_eq!(organisation_check(b"M000100Y"), b'4');
    }
}
