//! The shapes of keys: `user:15400000001` and `user:15400000002` are one table, `user:*`. A shape is shown in reports, so
//! nothing of it may be somebody's: what looks like a number, an id, an address or a name in another script becomes `*`,
//! and what only few keys have in common does so later ([`super::keyspace`]).

/// Longest part of a key that can be a word; ids are longer, and so are sentences.
const WORD: usize = 40;

/// Takes a key apart: parts with the separators that follow them, ids replaced.
pub(super) fn parts(key: &[u8]) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(key) else { return vec!["*".to_owned()] };
    text.split_inclusive([':', '/', '|', '#', ',', ';'])
        .map(|part| {
            let word = part.trim_end_matches([':', '/', '|', '#', ',', ';']);
            let separator = part.get(word.len()..).unwrap_or_default();
            format!("{}{separator}", generic(word))
        })
        .collect()
}

/// Whether a name is an id rather than a word: a number, a digest, an address.
pub(super) fn is_id(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| name.len() >= 3 && name.is_ascii() && generic(name) == "*")
}

fn generic(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'{' | b'}');
    if word.len() > WORD || !word.bytes().all(plain) || is_hex(word) {
        return "*".to_owned();
    }
    let mut shape = String::new();
    for character in word.chars() {
        match character.is_ascii_digit() {
            true if shape.ends_with('*') => {}
            true => shape.push('*'),
            false => shape.push(character),
        }
    }
    // Letters between digits: an id in some base.
    let islands = shape.split(['-', '_', '.', '{', '}']).any(|piece| piece.matches('*').count() > 1);
    let only_stars = !shape.is_empty() && shape.bytes().all(|byte| matches!(byte, b'*' | b'-' | b'_' | b'.'));
    if islands || (only_stars && shape.contains('*')) { "*".to_owned() } else { shape }
}

/// A digest, or a UUID: eight hexadecimal digits and more, one of them a decimal one.
fn is_hex(word: &str) -> bool {
    let digits = word.bytes().filter(|byte| *byte != b'-').count();
    digits >= 8
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_replaced_and_words_stay() {
        for (key, shape) in [
            ("user:15400000001", "user:*"),
            ("users", "users"),
            ("sess:9f86d081884c7d65", "sess:*"),
            ("sess:123e4567-e89b-12d3-a456-426614174000:data", "sess:*:data"),
            ("user:li.na@example.com", "user:*"),
            ("用户:1", "*:*"),
            ("user_15:profile", "user_*:profile"),
            ("order-2022-06-30", "order-*-*-*"),
            ("2022-06-30", "*"),
            ("t:a1b2c3", "t:*"),
            ("{user1}:cart", "{user*}:cart"),
            ("a b", "*"),
            ("", ""),
        ] {
            assert_eq!(parts(key.as_bytes()).concat(), shape, "{key}");
        }
        assert_eq!(parts(b"\xff\xfe"), ["*"]);
    }

    #[test]
    fn names_of_fields_are_told_from_ids() {
        for id in ["15400000001", "9f86d081884c7d65", "li@example.com", "2022-06-30"] {
            assert!(is_id(id.as_bytes()), "{id}");
        }
        for name in ["name", "phone", "addr1", "姓名", "id", "a", "first_name", "deadbeef"] {
            assert!(!is_id(name.as_bytes()), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_digit_is_left_in_a_shape(key: Vec<u8>) {
            let shape = parts(&key).concat();
            proptest::prop_assert!(!shape.chars().any(|character| character.is_ascii_digit()));
        }
    }
}
