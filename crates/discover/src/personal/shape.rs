//! The patterns of packs. They are a closed, small language, in which every pattern has few lengths:
//!
//! | in a pattern | stands for |
//! |---|---|
//! | `d` | a digit |
//! | `a` | a letter |
//! | `w` | a digit or letter |
//! | `h` | a hexadecimal digit |
//! | `7`, `X` | itself; a capital letter stands for both cases unless the pack says that case matters |
//! | `[1-7X]`, `[dX]` | one of these |
//! | `{8}`, `{1,2}` | so often the one before |

/// The characters that may stand at one place: bits 0 to 9 for digits, 10 to 35 for letters.
pub(super) type Class = u64;

/// All digits.
pub(super) const DIGITS: Class = (1 << 10) - 1;
/// All letters.
pub(super) const LETTERS: Class = ((1 << 26) - 1) << 10;
/// The hexadecimal digits.
const HEX: Class = (1 << 16) - 1;
/// No pattern is longer: bounds for buffers on the stack.
pub(super) const LONGEST: usize = 64;

/// The class that has the digit or letter `byte` alone; 0 for other bytes.
pub(super) fn class(byte: u8) -> Class {
    match byte {
        b'0'..=b'9' => 1 << (byte - b'0'),
        b'A'..=b'Z' => 1 << (byte - b'A' + 10),
        b'a'..=b'z' => 1 << (byte - b'a' + 10),
        _ => 0,
    }
}

/// Every list of classes that a pattern stands for, one for each length.
///
/// # Errors
/// In words, when the pattern is not well-formed, too long or too manifold.
pub(super) fn parse(pattern: &str) -> Result<Vec<Vec<Class>>, String> {
    let mut all: Vec<Vec<Class>> = vec![Vec::new()];
    let mut rest = pattern.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (class, after) = match first {
            b'd' => (DIGITS, after),
            b'a' => (LETTERS, after),
            b'w' => (DIGITS | LETTERS, after),
            b'h' => (HEX, after),
            b'[' => set(after)?,
            b'0'..=b'9' | b'A'..=b'Z' => (class(first), after),
            other => return Err(format!("{pattern}: {:?} is not part of the language", other as char)),
        };
        let ((least, most), after) = times(after).ok_or_else(|| format!("{pattern}: bad count"))?;
        all = all
            .iter()
            .flat_map(|list| (least..=most).map(move |count| [list.as_slice(), &vec![class; count]].concat()))
            .collect();
        if all.len() > LONGEST || all.iter().any(|list| list.len() > LONGEST) {
            return Err(format!("{pattern}: too many or too long"));
        }
        rest = after;
    }
    Ok(all)
}

/// What stands between brackets.
fn set(text: &[u8]) -> Result<(Class, &[u8]), String> {
    let end = text.iter().position(|&byte| byte == b']').ok_or("a bracket is open")?;
    let (mut inner, rest) = text.split_at(end);
    let mut all = 0;
    while let Some((&from, after)) = inner.split_first() {
        let (to, after) = match after {
            [b'-', to, after @ ..] => (*to, after),
            _ => (from, after),
        };
        all |= match from {
            b'd' => DIGITS,
            b'a' => LETTERS,
            b'w' => DIGITS | LETTERS,
            b'h' => HEX,
            b'0'..=b'9' | b'A'..=b'Z' => (from..=to).fold(0, |all, byte| all | class(byte)),
            other => return Err(format!("{:?} is not part of the language", other as char)),
        };
        inner = after;
    }
    Ok((all, rest.get(1..).unwrap_or_default()))
}

/// How often, after a class: `{8}`, `{1,2}`, or once.
fn times(text: &[u8]) -> Option<((usize, usize), &[u8])> {
    let Some(inner) = text.strip_prefix(b"{") else { return Some(((1, 1), text)) };
    let end = inner.iter().position(|&byte| byte == b'}')?;
    let (count, rest) = inner.split_at(end);
    let count = std::str::from_utf8(count).ok()?;
    let (least, most) = count.split_once(',').unwrap_or((count, count));
    let both = (least.parse().ok()?, most.parse().ok()?);
    (both.0 <= both.1 && both.1 <= LONGEST).then_some((both, rest.get(1..)?))
}

/// How a value is split in a text, as a key: eight bits for each part, its length and what stands before it.
///
/// # Errors
/// In words, when a group is too long or there are more than eight.
pub(super) fn groups(text: &str) -> Result<u64, String> {
    let mut key = 0;
    let mut parts = 0;
    let mut separator = 0;
    let mut count = 0u8;
    for byte in text.bytes().chain([b'!']) {
        if byte.is_ascii_digit() {
            count = count.saturating_mul(10).saturating_add(byte - b'0');
            continue;
        }
        key = add_group(key, separator, usize::from(count)).ok_or_else(|| format!("{text}: bad group"))?;
        parts += 1;
        count = 0;
        separator = separator_code(byte);
        if parts > 8 || separator == 0 && byte != b'!' {
            return Err(format!("{text}: too many groups, or a separator that is none"));
        }
    }
    Ok(key)
}

/// A key with one more group, when it is one that a key can hold.
pub(super) fn add_group(key: u64, separator: u8, length: usize) -> Option<u64> {
    let length = u8::try_from(length).ok().filter(|length| (1..32).contains(length))?;
    Some(key << 8 | u64::from(separator << 5 | length))
}

/// Which separator a byte is: 1 to 4, or 0.
pub(super) fn separator_code(byte: u8) -> u8 {
    match byte {
        b' ' => 1,
        b'-' => 2,
        b'.' => 3,
        b'/' => 4,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_a_list_of_classes_for_each_length() {
        assert_eq!(parse("d{2}X").unwrap(), [[DIGITS, DIGITS, class(b'X')]]);
        assert_eq!(
            parse("a{1,2}7").unwrap(),
            [vec![LETTERS, class(b'7')], vec![LETTERS, LETTERS, class(b'7')]]
        );
        assert_eq!(parse("[1-3X]").unwrap(), [[class(b'1') | class(b'2') | class(b'3') | class(b'X')]]);
        assert!(
            parse("d{3").is_err()
                && parse("[12").is_err()
                && parse("[x]").is_err()
                && parse("d+").is_err()
                && parse("d{99}").is_err()
        );
    }

    #[test]
    fn groups_become_a_key() {
        let key = groups("3-2-4").unwrap();
        let other = add_group(add_group(add_group(0, 0, 3).unwrap(), 2, 2).unwrap(), 2, 4).unwrap();
        assert_eq!(key, other);
        assert_ne!(key, groups("3 2 4").unwrap());
        assert!(groups("3,2").is_err() && groups("").is_err() && groups("1-1-1-1-1-1-1-1-1").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_is_read_without_panic(pattern: String, split: String) {
            let _ = (parse(&pattern), groups(&split));
        }
    }
}
