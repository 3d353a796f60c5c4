//! A whole value without what people put between its parts: separators, spaces around, full-width characters.

use super::shape::LONGEST;

/// What [`fold`] says about a byte: a capital letter or digit itself, a separator as its number from 1, else 0.
const FOLD: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut byte = 0u8;
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot = match byte {
            b'0'..=b'9' | b'A'..=b'Z' => byte,
            b'a'..=b'z' => byte - 32,
            b' ' => 1,
            b'-' => 2,
            b'.' => 3,
            b'/' => 4,
            b'(' => 5,
            b')' => 6,
            b'+' => 7,
            b':' => 8,
            _ => 0,
        };
        rest = after;
        byte = byte.wrapping_add(1);
    }
    table
}

/// A digit or capital letter, a separator's number (1 to 8), or 0.
pub(super) fn fold(byte: u8) -> u8 {
    FOLD.get(usize::from(byte)).copied().unwrap_or(0)
}

/// The bits of the separators in a pack's list.
pub(super) fn separator_bits(list: &str) -> Option<u8> {
    list.bytes().try_fold(0, |bits, byte| {
        let code = fold(byte);
        (1..=8).contains(&code).then(|| bits | 1 << (code - 1))
    })
}

/// A value that consists of ASCII letters, digits and separators.
#[derive(Debug)]
pub(super) struct Token {
    buffer: [u8; LONGEST],
    length: usize,
    /// Bits of the separators that were in it.
    pub(super) separators: u8,
    /// Whether all of its characters are digits.
    pub(super) digits: bool,
}

impl Token {
    /// Reads a value, in capitals unless `exact`. `None` when it is something else, or too long.
    #[inline]
    pub(super) fn read(value: &[u8], exact: bool) -> Option<Self> {
        let mut token = Self { buffer: [0; LONGEST], length: 0, separators: 0, digits: true };
        if value.len() > LONGEST * 3 {
            return None;
        }
        for (at, &byte) in value.iter().enumerate() {
            let folded = fold(byte);
            if folded == 0 {
                return token.read_wide(value.get(at..)?, exact);
            }
            token.push(if exact && folded >= b'0' { byte } else { folded })?;
        }
        Some(token)
    }

    #[inline]
    fn push(&mut self, folded: u8) -> Option<()> {
        if folded >= b'0' {
            *self.buffer.get_mut(self.length)? = folded;
            self.length += 1;
            self.digits &= folded <= b'9';
        } else {
            self.separators |= 1 << (folded - 1);
        }
        Some(())
    }

    /// The same from the first byte on that is not ASCII: full-width digits, letters and separators.
    #[cold]
    fn read_wide(mut self, value: &[u8], exact: bool) -> Option<Self> {
        for letter in std::str::from_utf8(value).ok()?.chars() {
            let byte = narrow(letter)?;
            let folded = fold(byte);
            if folded == 0 {
                return None;
            }
            self.push(if exact && folded >= b'0' { byte } else { folded })?;
        }
        Some(self)
    }

    /// What is left.
    #[inline]
    pub(super) fn text(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// The same, to change it.
    pub(super) fn text_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.length).unwrap_or_default()
    }
}

/// The ASCII character that a character looks like: U+FF01 to U+FF5E, spaces, dashes; ASCII is itself.
/// <https://www.unicode.org/charts/PDF/UFF00.pdf>
pub(super) fn narrow(letter: char) -> Option<u8> {
    let code = u32::from(letter);
    match code {
        0..=0x7f => u8::try_from(code).ok(),
        0xff01..=0xff5e => u8::try_from(code - 0xff01 + 0x21).ok(),
        0x3000 | 0xa0 => Some(b' '),
        0x2010..=0x2015 | 0x2212 => Some(b'-'),
        _ => None,
    }
}

/// A value without white space around it, also the ideographic one, and without a byte order mark.
#[inline]
pub(super) fn trim(value: &[u8]) -> &[u8] {
    match (value.first(), value.last()) {
        (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic() => value,
        _ => trim_wide(value),
    }
}

fn trim_wide(value: &[u8]) -> &[u8] {
    let mut rest = value;
    loop {
        let before = rest.len();
        rest = rest.trim_ascii();
        for wide in [b"\xe3\x80\x80".as_slice(), b"\xef\xbb\xbf", b"\xc2\xa0"] {
            rest = rest.strip_prefix(wide).unwrap_or(rest);
            rest = rest.strip_suffix(wide).unwrap_or(rest);
        }
        if rest.len() == before {
            return rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_full_width_characters_are_folded() {
        let token = Token::read("３１０101-1990０１０１-123ｘ".as_bytes(), false).unwrap();
        assert_eq!(token.text(), b"31010119900101123X");
        assert!(!token.digits);
        assert_eq!(Some(token.separators), separator_bits("-"));
        assert_eq!(Token::read(b"+86 138", false).unwrap().text(), b"86138");
        assert!(Token::read("手机138".as_bytes(), false).is_none());
        assert!(Token::read(&[b'1'; 65], false).is_none());
        assert_eq!(Token::read(b"bc1q", true).unwrap().text(), b"bc1q");
    }

    #[test]
    fn white_space_around_is_gone() {
        assert_eq!(trim("\u{feff}\u{3000} a \u{a0}\n".as_bytes()), b"a");
        assert_eq!(trim(b" \t "), b"");
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_read_without_panic(value: Vec<u8>, exact: bool) {
            let _ = Token::read(trim(&value), exact).map(|token| token.text().len());
        }
    }
}
