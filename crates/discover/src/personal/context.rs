//! Words near a value in a text that say what it is: `身份证号：`, `"mobile":"`, `tel. `.
//!
//! Only the label counts that stands directly before the value or, in brackets, behind it: not that of its neighbour in
//! the same row.

/// How far back a label may reach, in bytes.
const BEFORE: usize = 56;
/// A number with more digits is another value.
const LONG: usize = 4;
/// How far behind.
const BEHIND: usize = 24;

/// Words that say that a number is something else, for all kinds.
const OTHER: &[&str] = &[
    "案号", "案件", "订单", "单号", "流水", "编号", "批次", "运单", "快递", "发票", "合同", "case", "order", "serial", "trace",
    "tracking", "invoice", "ticket", "batch", "seq", "sequence", "transaction", "txn", "sku", "isbn", "snowflake",
    "timestamp", "version",
];

/// The context words of a kind.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// In small letters, without spaces; sorted by their first byte.
    words: Vec<Box<[u8]>>,
    /// A bit for each first byte, by its low six bits.
    first: u64,
}

impl Words {
    /// Reads the words of a pack.
    pub(super) fn new<T: AsRef<str>>(words: &[T]) -> Self {
        // Only ASCII is folded when words are looked for; of other scripts both cases are kept.
        let mut words: Vec<Box<[u8]>> = words
            .iter()
            .flat_map(|word| [word.as_ref().to_lowercase(), word.as_ref().to_uppercase()])
            .map(|word| word.bytes().filter(|&byte| !is_joint(byte)).map(|byte| byte.to_ascii_lowercase()).collect())
            .filter(|word: &Box<[u8]>| !word.is_empty())
            .collect();
        words.sort_unstable();
        words.dedup();
        let first = words.iter().filter_map(|word| word.first()).fold(0, |bits, byte| bits | 1 << (byte & 63));
        Self { words, first }
    }

    /// Whether one of the words stands in `label`.
    pub(super) fn are_in(&self, label: &[u8]) -> bool {
        let mut before = b' ';
        for (at, &byte) in label.iter().enumerate() {
            let lower = byte.to_ascii_lowercase();
            // A word begins where no letter stands before it, or a capital after a small letter.
            let begins = !before.is_ascii_alphabetic() || byte.is_ascii_uppercase() && before.is_ascii_lowercase();
            before = byte;
            if self.first >> (lower & 63) & 1 == 0 || !begins && byte.is_ascii() {
                continue;
            }
            let rest = label.get(at..).unwrap_or_default();
            if self.words.iter().any(|word| word.first() == Some(&lower) && begins_with(rest, word)) {
                return true;
            }
        }
        false
    }
}

/// What may stand between the parts of a word: `id_card`, `id-card`, `ID card`.
fn is_joint(byte: u8) -> bool {
    matches!(byte, b' ' | b'_' | b'-')
}

/// Whether `text` begins with `word`, and no letter follows that would make it another word.
fn begins_with(text: &[u8], word: &[u8]) -> bool {
    let mut rest = text;
    for (at, &wanted) in word.iter().enumerate() {
        while at > 0 && rest.first().is_some_and(|&byte| is_joint(byte)) {
            rest = rest.get(1..).unwrap_or_default();
        }
        match rest.split_first() {
            Some((byte, after)) if byte.to_ascii_lowercase() == wanted => rest = after,
            _ => return false,
        }
    }
    // `phones` and `phoneNo` are the word, `phonetic` is not.
    !word.last().is_some_and(u8::is_ascii)
        || match rest {
            [b's', after @ ..] => !after.first().is_some_and(u8::is_ascii_lowercase),
            [after, ..] => !after.is_ascii_lowercase(),
            [] => true,
        }
}

/// Words for all kinds that say that a number is something else.
pub(super) fn others() -> Words {
    Words::new(OTHER)
}

/// The label directly before `start`: from the last sign that ends a field or sentence, or the last long number.
pub(super) fn label_before(text: &[u8], start: usize) -> &[u8] {
    let before = text.get(start.saturating_sub(BEFORE)..start).unwrap_or_default();
    let mut begin = before.len();
    let mut seen = false;
    let mut digits = 0usize;
    for &byte in before.iter().rev() {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        let ends = match byte {
            b'\n' | b'\r' | b'{' | b'}' | b';' | b'&' | b'?' | b'|' | b'<' => true,
            // In `mobile, 138…` a space follows, in a row of a table none.
            b',' | b'\t' => seen || begin == before.len(),
            b'>' => seen,
            _ => digits > LONG,
        };
        if ends {
            // The digits that were counted are no part of the label.
            begin += digits.saturating_sub(1);
            break;
        }
        seen |= byte.is_ascii_alphabetic() || byte >= 0x80;
        begin -= 1;
    }
    before.get(begin..).unwrap_or_default()
}

/// The label in brackets directly behind `end`.
pub(super) fn label_behind(text: &[u8], end: usize) -> &[u8] {
    let behind = text.get(end..end.saturating_add(BEHIND).min(text.len())).unwrap_or_default();
    let behind = behind.strip_prefix(b" ").unwrap_or(behind);
    let inner = behind.strip_prefix(b"(").or_else(|| behind.strip_prefix("（".as_bytes()));
    let Some(inner) = inner else { return &[] };
    let until = inner.iter().position(|byte| matches!(byte, b')' | b'\n' | b',')).unwrap_or(inner.len());
    inner.get(..until).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> String {
        let start = text.find('~').unwrap();
        String::from_utf8_lossy(label_before(text.as_bytes(), start)).into_owned()
    }

    #[test]
    fn the_label_is_that_of_this_field() {
        assert_eq!(label(r#"{"a":"12345678","mobile":"~"#), "\"mobile\":\"");
        assert_eq!(label("<row><phone>~"), "phone>");
        assert_eq!(label("mobile 13412345678,~"), "");
        assert_eq!(label("我的电话是~"), "我的电话是");
        assert_eq!(label("身份证 780101199001011234 手机 ~").trim(), "手机");
        assert_eq!(label("my number, ~"), "my number, ");
        assert_eq!(label("a=1&tel=~"), "tel=");
    }

    #[test]
    fn words_are_whole_words() {
        let words = Words::new(&["id card", "tel", "手机"]);
        for label in ["idCard:", "ID_CARD", "id-card no", "userTel", "tel.", "Tels ", "联系手机", "\"id card\""] {
            assert!(words.are_in(label.as_bytes()), "{label}");
        }
        for label in ["hotel", "tell", "idcards2".trim_end_matches('2').trim_end_matches("cards"), "手", "i d"] {
            assert!(!words.are_in(label.as_bytes()), "{label}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_labels_without_panic(text: Vec<u8>, at: usize) {
            let at = at % (text.len() + 1);
            let words = others();
            words.are_in(label_before(&text, at));
            words.are_in(label_behind(&text, at));
        }
    }
}
