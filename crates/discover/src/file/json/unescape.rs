//! Strings of JSON, and where a value ends.

use memchr::memchr2;

use super::split::NotJson;

/// White space between tokens.
#[inline]
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// Where the string whose content begins at `at` has its closing quote, and whether there is an escape before it.
#[inline]
pub(crate) fn string_end(bytes: &[u8], at: usize, end: usize) -> Option<(usize, bool)> {
    let rest = bytes.get(at..end)?;
    let found = short_end(rest).or_else(|| memchr2(b'"', b'\\', rest))?;
    if rest.get(found) == Some(&b'"') {
        return Some((at + found, false));
    }
    escaped_end(bytes, at + found, end).map(|stop| (stop, true))
}

/// The first quote or backslash, eight bytes at a time, for the short strings that most are. The lowest marked byte is
/// exact, whatever carries above it: <https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>.
#[inline]
fn short_end(rest: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (words, _) = rest.as_chunks::<8>();
    for (place, word) in words.iter().take(4).enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (LOW * b'"' as u64);
        let slash = word ^ (LOW * b'\\' as u64);
        let marks = (quote.wrapping_sub(LOW) & !quote | slash.wrapping_sub(LOW) & !slash) & HIGH;
        if marks != 0 {
            return Some(place * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    None
}

/// The closing quote, from a backslash on.
fn escaped_end(bytes: &[u8], mut at: usize, end: usize) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..end)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// Appends the content of the string at `start..end` to the bytes, without its escapes.
pub(crate) fn unescape(bytes: &mut Vec<u8>, start: usize, end: usize) -> Result<(), NotJson> {
    let mut at = start;
    while at < end {
        let rest = bytes.get(at..end).ok_or(NotJson)?;
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        bytes.extend_from_within(at..at + plain);
        at += plain;
        if at >= end {
            break;
        }
        let escape = *bytes.get(at + 1).filter(|_| at + 1 < end).ok_or(NotJson)?;
        at += 2;
        let byte = match escape {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                at = unicode(bytes, at, end)?;
                continue;
            }
            b'"' | b'\\' | b'/' => escape,
            // JavaScript's other escapes stand for the letter itself.
            other => other,
        };
        bytes.push(byte);
    }
    Ok(())
}

/// Takes the four digits at `at`, and the second half of a pair behind them. A half alone becomes U+FFFD.
fn unicode(bytes: &mut Vec<u8>, at: usize, end: usize) -> Result<usize, NotJson> {
    let first = hex(bytes, at, end).ok_or(NotJson)?;
    let mut after = at + 4;
    let mut code = first;
    if (0xd800..0xdc00).contains(&first)
        && bytes.get(after..after + 2) == Some(b"\\u")
        && let Some(second) = hex(bytes, after + 2, end)
        && (0xdc00..0xe000).contains(&second)
    {
        code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        after += 6;
    }
    let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(after)
}

fn hex(bytes: &[u8], at: usize, end: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4).filter(|_| at + 4 <= end)?;
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | (*digit as char).to_digit(16)?))
}

/// Finds where a value ends, however many reads it comes in.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    depth: u64,
    in_string: bool,
    /// A backslash was the last byte seen.
    escaped: bool,
    in_word: bool,
}

impl Nesting {
    /// Looks at `at..end`: where the value ends; `None` when it goes on behind `end`.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut at: usize, end: usize) -> Option<usize> {
        if self.escaped {
            self.escaped = false;
            at += 1;
        }
        while at < end {
            if self.in_string {
                at += memchr2(b'"', b'\\', bytes.get(at..end)?)? + 1;
                if bytes.get(at - 1) == Some(&b'\\') {
                    self.escaped = at >= end;
                    at += 1;
                    continue;
                }
                self.in_string = false;
                if self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            match *bytes.get(at)? {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    if self.depth <= 1 {
                        return Some(if self.depth == 0 { at } else { at + 1 });
                    }
                    self.depth -= 1;
                }
                byte if self.depth == 0 => {
                    if is_blank(byte) || byte == b',' || byte == b':' {
                        if self.in_word {
                            return Some(at);
                        }
                    } else {
                        self.in_word = true;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        None
    }
}
