//! Statements of a dump that hold rows, and the values in these.

use std::borrow::Cow;

use memchr::memchr2;

/// How strings are quoted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quotes {
    /// Whether a backslash escapes the next byte.
    pub(super) backslash: bool,
}

/// Finds the end of parentheses or of a statement, however many reads it comes in.
#[derive(Debug)]
pub(super) struct Scan {
    quotes: Quotes,
    depth: u32,
    /// The quote that is open.
    open: Option<u8>,
    is_escaped: bool,
}

impl Scan {
    pub(super) fn new(quotes: Quotes) -> Self {
        Self { quotes, depth: 0, open: None, is_escaped: false }
    }

    /// Looks at `at..end` for the closing parenthesis, or for `;`, outside of quotes: where it ends.
    pub(super) fn feed(&mut self, bytes: &[u8], mut at: usize, end: usize, stop: u8) -> Option<usize> {
        if std::mem::take(&mut self.is_escaped) {
            at += 1;
        }
        while at < end {
            if let Some(quote) = self.open {
                let rest = bytes.get(at..end)?;
                let found = if self.quotes.backslash && quote != b'`' {
                    memchr2(quote, b'\\', rest)?
                } else {
                    memchr::memchr(quote, rest)?
                };
                at += found + 1;
                if bytes.get(at - 1) == Some(&quote) {
                    // A doubled quote closes and opens again.
                    self.open = None;
                } else {
                    self.is_escaped = at >= end;
                    at += 1;
                }
                continue;
            }
            match *bytes.get(at)? {
                quote @ (b'\'' | b'"' | b'`') => self.open = Some(quote),
                b'(' => self.depth += 1,
                b')' => {
                    self.depth = self.depth.saturating_sub(1);
                    if stop == b')' && self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                b'-' if bytes.get(at + 1) == Some(&b'-') && stop == b';' => {
                    at += memchr::memchr(b'\n', bytes.get(at..end)?)?;
                }
                b';' if stop == b';' => return Some(at + 1),
                _ => {}
            }
            at += 1;
        }
        None
    }
}

/// The head of a statement with rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The table, with its schema.
    pub(super) table: String,
    /// Its columns where the statement names them.
    pub(super) columns: Option<Vec<String>>,
    /// Bytes up to the first row.
    pub(super) length: usize,
}

/// `INSERT INTO t (a, b) VALUES`.
pub(super) fn insert(text: &[u8]) -> Option<Head> {
    let mut words = Words { text, at: 0 };
    if !words.take("insert") && !words.take("replace") {
        return None;
    }
    for word in ["low_priority", "delayed", "ignore", "or", "replace", "ignore", "into"] {
        words.take(word);
    }
    let table = words.name()?;
    let columns = words.list();
    while !words.take("values") && !words.take("value") {
        // `OVERRIDING SYSTEM VALUE` of pg_dump.
        if !words.take("overriding") || !(words.take("system") || words.take("user")) {
            return None;
        }
        words.take("value");
    }
    Some(Head { table, columns, length: words.at })
}

/// `COPY t (a, b) FROM stdin;` and the end of its line.
pub(super) fn copy(text: &[u8]) -> Option<Head> {
    let mut words = Words { text, at: 0 };
    if !words.take("copy") {
        return None;
    }
    let table = words.name()?;
    let columns = words.list();
    if !words.take("from") || !words.take("stdin") {
        return None;
    }
    let rest = words.rest();
    let end = memchr::memchr(b'\n', rest)?;
    let is_plain = rest.get(..end).unwrap_or_default().trim_ascii() == b";";
    is_plain.then_some(Head { table, columns, length: words.at + end + 1 })
}

/// The table and the columns of `CREATE TABLE t (a int, b text)`.
pub(super) fn create(text: &[u8]) -> Option<(String, Vec<String>)> {
    const NO_COLUMNS: &[&str] = &[
        "primary",
        "key",
        "unique",
        "constraint",
        "index",
        "foreign",
        "check",
        "fulltext",
        "spatial",
        "exclude",
        "like",
        "period",
    ];
    let mut words = Words { text, at: 0 };
    if !words.take("create") {
        return None;
    }
    for word in ["global", "local", "temporary", "temp", "unlogged", "foreign"] {
        words.take(word);
    }
    if !words.take("table") {
        return None;
    }
    for word in ["if", "not", "exists"] {
        words.take(word);
    }
    let table = words.name()?;
    words.blanks();
    let start = words.at + 1;
    let mut scan = Scan::new(Quotes { backslash: true });
    let end = scan.feed(text, words.at, text.len(), b')')?.checked_sub(1)?;
    let inside = text.get(start..end)?;
    let mut columns = Vec::new();
    for definition in parted(inside) {
        let mut words = Words { text: definition, at: 0 };
        words.blanks();
        let is_quoted = matches!(words.rest().first(), Some(b'"' | b'`' | b'['));
        let Some(column) = words.part() else { continue };
        if is_quoted || !NO_COLUMNS.contains(&column.to_lowercase().as_str()) {
            columns.push(column);
        }
    }
    Some((table, columns))
}

/// The parts between commas that stand outside of parentheses and quotes.
fn parted(text: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut from, mut depth, mut open) = (Vec::new(), 0, 0_u32, None);
    for (at, byte) in text.iter().enumerate() {
        match (open, *byte) {
            (Some(quote), byte) if byte == quote => open = None,
            (Some(_), _) => {}
            (None, quote @ (b'\'' | b'"' | b'`')) => open = Some(quote),
            (None, b'(') => depth += 1,
            (None, b')') => depth = depth.saturating_sub(1),
            (None, b',') if depth == 0 => {
                parts.push(text.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(from..).unwrap_or_default());
    parts
}

/// Reads words and names.
struct Words<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.at += self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    /// Takes a word in lower or upper case.
    fn take(&mut self, word: &str) -> bool {
        self.blanks();
        let rest = self.rest();
        let is_it = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
            && !rest.get(word.len()).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if is_it {
            self.at += word.len();
        }
        is_it
    }

    /// A name with its parts, without quotes: `public.persons`.
    fn name(&mut self) -> Option<String> {
        let mut name = self.part()?;
        while self.rest().first() == Some(&b'.') {
            self.at += 1;
            name = format!("{name}.{}", self.part()?);
        }
        Some(name)
    }

    fn part(&mut self) -> Option<String> {
        self.blanks();
        let rest = self.rest();
        let close = match rest.first()? {
            b'"' => b'"',
            b'`' => b'`',
            b'[' => b']',
            _ => {
                let is_letter =
                    |byte: &u8| byte.is_ascii_alphanumeric() || b"_$".contains(byte) || !byte.is_ascii();
                let length = rest.iter().take_while(|byte| is_letter(byte)).count();
                self.at += length;
                return (length > 0).then(|| shown(rest.get(..length).unwrap_or_default()));
            }
        };
        let length = memchr::memchr(close, rest.get(1..)?)?;
        self.at += length + 2;
        Some(shown(rest.get(1..=length).unwrap_or_default()))
    }

    /// `(a, b)`.
    fn list(&mut self) -> Option<Vec<String>> {
        let before = self.at;
        self.blanks();
        if self.rest().first() != Some(&b'(') {
            return None;
        }
        let mut names = Vec::new();
        loop {
            self.at += 1;
            let Some(name) = self.part() else { break };
            names.push(name);
            self.blanks();
            match self.rest().first() {
                Some(b',') => {}
                Some(b')') => {
                    self.at += 1;
                    return Some(names);
                }
                _ => break,
            }
        }
        self.at = before;
        None
    }
}

fn shown(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name.get(..name.len().min(256)).unwrap_or_default());
    name.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// The values between the parentheses of a row; `None` for NULL.
pub(super) fn of_tuple(text: &[u8], quotes: Quotes) -> impl Iterator<Item = Option<Cow<'_, [u8]>>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = value_end(text, quotes);
        rest = text.get(end + 1..);
        Some(value(text.get(..end).unwrap_or_default().trim_ascii(), quotes))
    })
}

/// Where the next comma stands outside of quotes and parentheses.
fn value_end(text: &[u8], quotes: Quotes) -> usize {
    let (mut at, mut depth) = (0, 0_u32);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\'' | b'"' => {
                at += 1;
                while let Some(inside) = text.get(at) {
                    if inside == byte {
                        break;
                    }
                    at += if *inside == b'\\' && quotes.backslash { 2 } else { 1 };
                }
            }
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// A value without its quotes. Of an expression, such as a call, it is the text.
fn value(text: &[u8], quotes: Quotes) -> Option<Cow<'_, [u8]>> {
    if text.is_empty() || text.eq_ignore_ascii_case(b"null") || text.eq_ignore_ascii_case(b"default") {
        return None;
    }
    let start = memchr2(b'\'', b'"', text);
    let Some(start) = start else { return Some(Cow::Borrowed(text)) };
    // What may stand before the quote: E'..', N'..', _binary '..', _utf8mb4'..'.
    let before = text.get(..start).unwrap_or_default().trim_ascii_end();
    if !before.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        return Some(Cow::Borrowed(text));
    }
    let backslash = quotes.backslash || before.eq_ignore_ascii_case(b"e");
    let quote = *text.get(start)?;
    Some(Cow::Owned(unquoted(text.get(start + 1..).unwrap_or_default(), quote, backslash)))
}

fn unquoted(text: &[u8], quote: u8, backslash: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == quote {
            if bytes.next_if_eq(&quote).is_none() {
                break;
            }
            out.push(quote);
        } else if byte == b'\\' && backslash {
            match bytes.next() {
                Some(b'n') => out.push(b'\n'),
                Some(b't') => out.push(b'\t'),
                Some(b'r') => out.push(b'\r'),
                Some(b'0') => out.push(0),
                Some(other) => out.push(other),
                None => {}
            }
        } else {
            out.push(byte);
        }
    }
    out
}

/// A field of `COPY`, unescaped into `out`; false for NULL.
pub(super) fn of_copy(field: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    if field == b"\\N" {
        return false;
    }
    if memchr::memchr(b'\\', field).is_none() {
        out.extend_from_slice(field);
        return true;
    }
    let mut bytes = field.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'b') => out.push(8),
            Some(b'f') => out.push(12),
            Some(b'v') => out.push(11),
            Some(other) => out.push(other),
            None => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const MYSQL: Quotes = Quotes { backslash: true };
    const OTHER: Quotes = Quotes { backslash: false };

    fn values(text: &str, quotes: Quotes) -> Vec<Option<String>> {
        of_tuple(text.as_bytes(), quotes)
            .map(|v| v.map(|v| String::from_utf8_lossy(&v).into_owned()))
            .collect()
    }

    fn texts(list: &[&str]) -> Vec<Option<String>> {
        list.iter().map(|text| (*text != "NULL").then(|| (*text).to_owned())).collect()
    }

    #[test]
    fn values_are_taken_out_of_their_quotes() {
        assert_eq!(values(r"1,'it\'s',NULL,'a,b'", MYSQL), texts(&["1", "it's", "NULL", "a,b"]));
        assert_eq!(values(r"'it''s', 'C:\', E'a\nb', -2.5", OTHER), texts(&["it's", r"C:\", "a\nb", "-2.5"]));
        assert_eq!(
            values("_binary 'x', now(), 0xFF, '{1,2}'::int[]", MYSQL),
            texts(&["x", "now()", "0xFF", "{1,2}"])
        );
    }

    #[test]
    fn heads_of_statements_are_read() {
        let head = insert(b"INSERT INTO `db`.`users` (`id`, `full name`) VALUES (1,'a')").unwrap();
        assert_eq!((head.table.as_str(), head.columns.unwrap().len()), ("db.users", 2));
        let head = copy(b"COPY public.persons (id, \"Name\") FROM stdin;\n1\tx\n").unwrap();
        assert_eq!(
            (head.table.as_str(), head.columns.unwrap()),
            ("public.persons", vec!["id".into(), "Name".into()])
        );
        assert_eq!(insert(b"INSERT INTO a SELECT * FROM b"), None);
        let created = create(
            b"CREATE TABLE `t` (\n `id` int(11) NOT NULL,\n `n` enum('a','b'),\n PRIMARY KEY (`id`)\n)",
        );
        assert_eq!(created, Some(("t".to_owned(), vec!["id".to_owned(), "n".to_owned()])));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = (insert(&bytes), copy(&bytes), create(&bytes), of_copy(&bytes, &mut Vec::new()));
            let _ = (of_tuple(&bytes, MYSQL).count(), of_tuple(&bytes, OTHER).count());
        }
    }
}
