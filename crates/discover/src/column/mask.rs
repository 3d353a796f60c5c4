//! Values of which a part is blotted out.

/// What is put in place of a character.
const BLOTS: [char; 7] = ['*', '#', '•', '●', '＊', '×', '█'];

/// Longer values are texts, in which asterisks mean other things.
const LONGEST: usize = 64;

/// A birthday in the middle, as resident numbers have one, to fill a gap with.
const RESIDENT: &str = "000000199001010000";
const OLD_RESIDENT: &str = "000000900101000";

/// Where the gap is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mask {
    /// Characters before it.
    pub before: u16,
    /// Characters blotted out.
    pub blotted: u16,
    /// Characters of the whole value.
    pub length: u16,
}

/// The mask of a value: at least three characters are blotted out, or all but one of a Chinese name.
pub(super) fn mask(value: &str) -> Option<Mask> {
    let blot = blot_of(value)?;
    let (mut before, mut blotted, mut length) = (None, 0_u16, 0_u16);
    for (at, character) in value.chars().enumerate() {
        if at >= LONGEST {
            return None;
        }
        if character == blot {
            before.get_or_insert(length);
            blotted += 1;
        }
        length += 1;
    }
    let name = (2..=4).contains(&length) && value.chars().all(|c| c == blot || is_han(c)) && blotted < length;
    let before = before.filter(|_| blotted >= 3 || name)?;
    Some(Mask { before, blotted, length })
}

/// The character that blots out here. The letter x does so only in a row of three between digits: words have x, too.
fn blot_of(value: &str) -> Option<char> {
    if value.bytes().all(|byte| byte.is_ascii() && !matches!(byte, b'*' | b'#' | b'x' | b'X')) {
        return None;
    }
    if let Some(blot) = value.chars().find(|character| BLOTS.contains(character)) {
        return Some(blot);
    }
    let letter = ['x', 'X'].into_iter().find(|letter| {
        let row: String = std::iter::repeat_n(*letter, 3).collect();
        value.contains(&row)
    })?;
    let others = value.chars().filter(|character| *character != letter);
    let (digits, rest): (Vec<char>, Vec<char>) = others.partition(char::is_ascii_digit);
    let bare = rest.iter().all(|character| matches!(character, ' ' | '-' | '+' | '/' | '(' | ')' | 'X'));
    (digits.len() >= 2 && bare).then_some(letter)
}

/// Whether a character is a Chinese one of the common block.
pub(super) fn is_han(character: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&character)
}

/// Values that could have been there before: the recogniser says of which kind they would be.
pub(super) fn fillings(value: &str) -> Vec<String> {
    let Some(blot) = blot_of(value) else { return Vec::new() };
    let length = value.chars().count();
    let pattern = match length {
        18 => RESIDENT,
        15 => OLD_RESIDENT,
        _ => "",
    };
    let letters = value.contains('@');
    let last = value.chars().enumerate().filter(|(_, character)| *character == blot).last().map(|(at, _)| at);
    let fill = |digit: char, pattern: &str| -> String {
        let mut pattern = pattern.chars();
        let replace = |(at, character)| {
            let suggested = pattern.next().unwrap_or('0');
            match character {
                character if character != blot => character,
                _ if letters => 'a',
                _ if Some(at) == last => digit,
                _ => suggested,
            }
        };
        value.chars().enumerate().map(replace).collect()
    };
    // One of ten digits in one place makes most check digits right.
    let digits = if letters { '0'..='0' } else { '0'..='9' };
    let mut filled: Vec<String> = digits.clone().map(|digit| fill(digit, "")).collect();
    if !pattern.is_empty() {
        filled.extend(digits.map(|digit| fill(digit, pattern)));
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_blotted_out_is_seen_and_what_is_written_with_x_is_not() {
        assert_eq!(mask("780***********1234"), Some(Mask { before: 3, blotted: 11, length: 18 }));
        assert_eq!(mask("154xxxx0001"), Some(Mask { before: 3, blotted: 4, length: 11 }));
        assert_eq!(mask("154●●●●0001"), Some(Mask { before: 3, blotted: 4, length: 11 }));
        assert_eq!(mask("王**"), Some(Mask { before: 1, blotted: 2, length: 3 }));
        assert_eq!(mask("*小明"), Some(Mask { before: 0, blotted: 1, length: 3 }));
        for word in
            ["maxxxx", "0xxxxx", "xxx", "2*3", "a*", "**", "", "78000019900101001X", "SELECT * FROM t"]
        {
            assert_eq!(mask(word), None, "{word}");
        }
    }

    #[test]
    fn gaps_are_filled_with_what_could_have_been_there() {
        assert!(fillings("780***********1234").contains(&"780000199001011234".to_owned()));
        assert!(fillings("154****0001").contains(&"15400000001".to_owned()));
        assert_eq!(fillings("z***@example.org"), ["zaaa@example.org"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_looked_at_without_panic(text in "\\PC*") {
            let _ = (mask(&text), fillings(&text));
        }
    }
}
