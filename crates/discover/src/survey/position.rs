//! Lines and columns.

use model::Position;

/// Where the byte `at` of a text stands that begins with line `line` of a file; `None` when the file has no lines.
pub(super) fn position(file: &str, line: u64, text: &[u8], at: usize) -> Option<Position> {
    if line == 0 {
        return None;
    }
    let before = text.get(..at).unwrap_or(text);
    let newlines = memchr::memchr_iter(b'\n', before).count() as u64;
    let begin = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let of_line = before.get(begin..).unwrap_or_default();
    // A byte that continues a character of UTF-8 is 10xxxxxx.
    let characters = of_line.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64;
    Some(Position { file: file.to_owned(), line: line + newlines, column: characters + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one_and_columns_count_characters() {
        let text = "第一行\n电话:15400000001\n".as_bytes();
        let at = text.iter().position(|byte| *byte == b'1').unwrap();
        let found = position("a.txt", 7, text, at).unwrap();
        assert_eq!((found.line, found.column), (8, 4));
        assert_eq!(position("a.txt", 0, text, at), None);
        assert_eq!(position("a.txt", 1, b"", 9).unwrap().column, 1);
    }
}
