//! JSON: one value a line, or documents of any size. Objects become rows, paths in them columns.

mod document;
mod lines;
mod split;
mod unescape;

pub(super) use document::read as read_document;
pub(super) use lines::read as read_lines;

/// Whether the text has one value on each line, judged by its beginning. `is_named`: its name says so.
pub(super) fn is_lines(start: &[u8], is_named: bool) -> bool {
    let Some(end) = split::value_end(start, 0, start.len()) else { return false };
    let (value, rest) = start.split_at_checked(end).unwrap_or_default();
    if value.contains(&b'\n') {
        return false;
    }
    let Some(line_end) = memchr::memchr(b'\n', rest) else { return false };
    let (between, below) = rest.split_at_checked(line_end).unwrap_or_default();
    let mut lines =
        below.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).take(20);
    let alike = lines.clone().filter(|line| line.first() == start.first()).count();
    between.trim_ascii().is_empty() && (is_named || alike * 2 > lines.by_ref().count())
}
