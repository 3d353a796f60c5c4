//! Words near a value in a text that say what it is: `身份证号：`, `"mobile":"`, `tel. `.
//!
//! Only the label counts that stands directly before the value or, in brackets, behind it: not that of its neighbour in
//! the same row.

use super::KindId;

/// How far back a label may reach, in bytes.
const BEFORE: usize = 56;
/// A number with more digits is another value.
const LONG: usize = 4;
/// How far behind.
const BEHIND: usize = 24;

/// Words that say that a number is something else, for all kinds.
const OTHER: &[&str] = &[
    "案号",
    "案件",
    "订单",
    "单号",
    "流水",
    "编号",
    "批次",
    "运单",
    "快递",
    "发票",
    "合同",
    "case",
    "order",
    "serial",
    "trace",
    "tracking",
    "invoice",
    "ticket",
    "batch",
    "seq",
    "sequence",
    "transaction",
    "txn",
    "sku",
    "isbn",
    "snowflake",
    "timestamp",
    "version",
];

/// Kinds, one bit each.
pub(super) type Kinds = [u64; 4];

/// Adds a kind; of kinds without a bit there are none, as a test holds.
pub(super) fn add_kind(kinds: &mut Kinds, kind: KindId) {
    if let Some(word) = kinds.get_mut(usize::from(kind.0 / 64)) {
        *word |= 1 << (kind.0 % 64);
    }
}

/// What a label says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) kinds: Kinds,
    /// That the number is something else.
    pub(super) other: bool,
}

impl Said {
    /// Whether it says that the value is of `kind`.
    #[inline]
    pub(super) fn has(&self, kind: KindId) -> bool {
        self.kinds.get(usize::from(kind.0 / 64)).is_some_and(|word| word >> (kind.0 % 64) & 1 == 1)
    }

    /// The same and what `more` says.
    pub(super) fn and(mut self, more: Self) -> Self {
        for (word, other) in self.kinds.iter_mut().zip(more.kinds) {
            *word |= other;
        }
        Self { kinds: self.kinds, other: self.other || more.other }
    }
}

/// The context words of all kinds.
#[derive(Debug)]
pub(super) struct Words {
    /// In small letters, without spaces, sorted.
    words: Vec<(Box<[u8]>, Said)>,
    /// Where the words with a first byte begin, and where they end.
    first: Vec<(usize, usize)>,
    /// A bit for each hash of the first two bytes of a word.
    pairs: [u64; 16],
}

/// The bit of two bytes in [`Words::pairs`].
fn pair(first: u8, second: u8) -> (usize, u64) {
    let hash = usize::from(first) * 37 + usize::from(second);
    (hash / 64 % 16, 1 << (hash % 64))
}

impl Words {
    /// The words for all kinds that say that a number is something else.
    pub(super) fn new() -> Self {
        let mut all = Self { words: Vec::new(), first: vec![(0, 0); 256], pairs: [0; 16] };
        for word in OTHER {
            all.add(word, |said| said.other = true);
        }
        all
    }

    /// Adds the words of a kind.
    pub(super) fn add_kind(&mut self, words: &[String], kind: KindId) {
        for word in words {
            self.add(word, |said| add_kind(&mut said.kinds, kind));
        }
    }

    fn add(&mut self, word: &str, say: impl Fn(&mut Said)) {
        // Only ASCII is folded when words are looked for; of other scripts both cases are kept.
        for word in [word.to_lowercase(), word.to_uppercase()] {
            let bytes = word.bytes().filter(|&byte| !is_joint(byte)).map(|byte| byte.to_ascii_lowercase());
            let mut said = Said::default();
            say(&mut said);
            self.words.push((bytes.collect(), said));
        }
    }

    /// Sorts; before any search.
    pub(super) fn finish(&mut self) {
        self.words.sort_unstable_by(|(first, _), (second, _)| first.cmp(second));
        let words = std::mem::take(&mut self.words);
        for (word, said) in words {
            match self.words.last_mut() {
                Some((last, all)) if *last == word => *all = all.and(said),
                _ => self.words.push((word, said)),
            }
        }
        for (word, _) in &self.words {
            if let [first, second, ..] = **word {
                let (at, bit) = pair(first, second);
                if let Some(bits) = self.pairs.get_mut(at) {
                    *bits |= bit;
                }
            }
        }
        for (byte, range) in (0u8..=255).zip(&mut self.first) {
            let from = self.words.partition_point(|(word, _)| word.first() < Some(&byte));
            let to = self.words.partition_point(|(word, _)| word.first() <= Some(&byte));
            *range = (from, to);
        }
    }

    /// What the words in `label` say.
    pub(super) fn said(&self, label: &[u8]) -> Said {
        let mut all = Said::default();
        let mut before = b' ';
        for (at, &byte) in label.iter().enumerate() {
            let lower = byte.to_ascii_lowercase();
            // A word begins where no letter stands before it, or a capital after a small letter.
            let begins =
                !before.is_ascii_alphabetic() || byte.is_ascii_uppercase() && before.is_ascii_lowercase();
            before = byte;
            if !begins && byte.is_ascii() {
                continue;
            }
            let Some(&second) = label.get(at + 1) else { break };
            let (word, bit) = pair(lower, second.to_ascii_lowercase());
            if !is_joint(second) && self.pairs.get(word).is_none_or(|bits| bits & bit == 0) {
                continue;
            }
            let (from, to) = self.first.get(usize::from(lower)).copied().unwrap_or_default();
            let rest = label.get(at..).unwrap_or_default();
            for (word, said) in self.words.get(from..to).unwrap_or_default() {
                if begins_with(rest, word) {
                    all = all.and(*said);
                }
            }
        }
        all
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

const DIGIT: u8 = 1;
/// A letter of any script.
const LETTER: u8 = 2;
/// Ends a label.
const END: u8 = 4;
/// Ends a label that has a letter, or that is empty: in `mobile, 138…` a space follows, in a row of a table none.
const FIELD: u8 = 8;
/// Ends a label that has a letter.
const TAG: u8 = 16;

/// What each byte is in a label.
const ROLES: [u8; 256] = roles();

const fn roles() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut byte = 0u8;
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot = match byte {
            b'0'..=b'9' => DIGIT,
            b'A'..=b'Z' | b'a'..=b'z' | 0x80.. => LETTER,
            b'\n' | b'\r' | b'{' | b'}' | b';' | b'&' | b'?' | b'|' | b'<' => END,
            b',' | b'\t' => FIELD,
            b'>' => TAG,
            _ => 0,
        };
        rest = after;
        byte = byte.wrapping_add(1);
    }
    table
}

#[inline]
fn role(byte: u8) -> u8 {
    ROLES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// The label directly before `start`: from the last sign that ends a field or sentence, or the last long number. Also
/// that label with everything that decided where it begins: wherever the same bytes stand, the label is the same.
pub(super) fn label_before(text: &[u8], start: usize) -> (&[u8], Option<&[u8]>) {
    let before = text.get(start.saturating_sub(BEFORE)..start).unwrap_or_default();
    let mut begin = before.len();
    let mut seen = false;
    let mut digits = 0usize;
    for &byte in before.iter().rev() {
        let role = role(byte);
        digits = if role & DIGIT != 0 { digits + 1 } else { 0 };
        let ends = role & (END | FIELD | TAG) != 0
            && (role & END != 0 || seen || role & FIELD != 0 && begin == before.len())
            || digits > LONG;
        if ends {
            // The digits that were counted are no part of the label.
            let label = before.get(begin + digits.saturating_sub(1)..).unwrap_or_default();
            return (label, before.get(begin.saturating_sub(1)..));
        }
        seen |= role & LETTER != 0;
        begin -= 1;
    }
    (before, (before.len() == BEFORE).then_some(before))
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
        String::from_utf8_lossy(label_before(text.as_bytes(), start).0).into_owned()
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
        let mut all = Words::new();
        all.add_kind(
            &["id card".to_owned(), "tel".to_owned(), "手机".to_owned(), "ИНН".to_owned()],
            KindId(200),
        );
        all.finish();
        let is = |label: &str| all.said(label.as_bytes()).has(KindId(200));
        for label in [
            "idCard:",
            "ID_CARD",
            "id-card no",
            "userTel",
            "tel.",
            "Tels ",
            "联系手机",
            "\"id card\"",
            "инн",
            "ИНН",
        ] {
            assert!(is(label), "{label}");
        }
        for label in ["hotel", "tell", "手", "i d"] {
            assert!(!is(label), "{label}");
        }
        assert!(all.said("订单编号".as_bytes()).other && !all.said(b"border").other);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_labels_without_panic(text: Vec<u8>, at: usize) {
            let at = at % (text.len() + 1);
            let mut words = Words::new();
            words.finish();
            words.said(label_before(&text, at).0);
            words.said(label_behind(&text, at));
        }
    }
}
