//! Rows as lines: the text format of PostgreSQL's `COPY`, <https://www.postgresql.org/docs/15/sql-copy.html>, which
//! ClickHouse's TabSeparated resembles, <https://clickhouse.com/docs/interfaces/formats/TabSeparated>. Fields stand between
//! tabs, `\N` is a null, and a backslash keeps line ends, tabs and itself out of the values.

/// Longest row: 1600 columns of a value each are far below it.
const LONGEST: usize = 1 << 30;

/// A row that is longer than any that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Finds lines in chunks. A server sends one line in each, and a proxy may cut them anew.
#[derive(Default)]
pub(crate) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// What of a line has come and is not whole.
    pub(crate) fn begun(&self) -> &[u8] {
        &self.begun
    }

    /// Shows `line` each whole line, until it wants no more. Whether it does.
    pub(crate) fn feed(
        &mut self,
        chunk: &[u8],
        mut line: impl FnMut(&[u8]) -> bool,
    ) -> Result<bool, TooLong> {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (head, tail) = rest.split_at(end);
            rest = tail.get(1..).unwrap_or_default();
            let go_on = if self.begun.is_empty() {
                line(head)
            } else {
                self.begun.extend_from_slice(head);
                let go_on = line(&self.begun);
                self.begun.clear();
                go_on
            };
            if !go_on {
                return Ok(false);
            }
        }
        self.begun.extend_from_slice(rest);
        if self.begun.len() > LONGEST { Err(TooLong) } else { Ok(true) }
    }
}

/// The fields of a line; `None` is a null.
pub(crate) fn fields(line: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    line.split(|byte| *byte == b'\t').map(|field| (field != b"\\N").then_some(field))
}

/// A field without its escapes; `room` is where it is written to when it has any.
pub(crate) fn unescape<'f>(field: &'f [u8], room: &'f mut Vec<u8>) -> &'f [u8] {
    let Some(first) = memchr::memchr(b'\\', field) else { return field };
    room.clear();
    let (plain, escaped) = field.split_at(first);
    room.extend_from_slice(plain);
    let mut bytes = escaped.iter().copied();
    while let Some(byte) = bytes.next() {
        room.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 11,
                Some(b'0') => 0,
                Some(other) => other,
                None => b'\\',
            },
            other => other,
        });
    }
    room
}

/// The bytes of PostgreSQL's `bytea` in hexadecimal, `\x00ff`; `None`: it is something else.
pub(crate) fn bytea(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_prefix(b"\\x")?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for chunk in chunks {
            let go_on = lines.feed(chunk, |line| {
                found.push(line.to_vec());
                true
            });
            assert_eq!(go_on, Ok(true));
        }
        found
    }

    #[test]
    fn lines_are_found_however_they_are_cut() {
        assert_eq!(lines(&[b"a\tb\n", b"\n", b"c"]), [&b"a\tb"[..], b""]);
        assert_eq!(lines(&[b"a", b"b\nc", b"\n"]), [b"ab", b"c\0".get(..1).unwrap()]);
        let mut seen = 0;
        let stopped = Lines::default().feed(b"1\n2\n3\n", |_| {
            seen += 1;
            seen < 2
        });
        assert_eq!((stopped, seen), (Ok(false), 2));
    }

    #[test]
    fn fields_lose_their_escapes_and_keep_their_bytes() {
        let found: Vec<Option<&[u8]>> = fields(b"a\\tb\t\\N\t\t\\\\N").collect();
        assert_eq!(found, [Some(&b"a\\tb"[..]), None, Some(b""), Some(b"\\\\N")]);
        let mut room = Vec::new();
        assert_eq!(unescape(b"a\\tb\\\\c\\nd\xff", &mut room), b"a\tb\\c\nd\xff");
        assert_eq!(unescape(b"plain", &mut room), b"plain");
        assert_eq!(bytea(b"\\x00fF"), Some(vec![0, 255]));
        assert_eq!(bytea(b"\\x0"), None);
        assert_eq!(bytea(b"\\xzz"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, cut in 0..64usize) {
            let mut found = Vec::new();
            let mut keep = Lines::default();
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            for chunk in [head, tail] {
                keep.feed(chunk, |line| { found.push(line.to_vec()); true }).unwrap();
            }
            let whole: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            assert_eq!(found, whole[..whole.len() - 1]);
            for field in fields(&bytes).flatten() {
                let mut room = Vec::new();
                let _ = bytea(unescape(field, &mut room));
            }
        }
    }
}
