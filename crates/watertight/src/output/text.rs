//! Text that is safe to show and easy to read: hostile characters made visible, widths in terminal columns, numbers,
//! dates.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for text that was cut off.
const CUT: &str = "...";

/// Whether a character moves, hides or reorders what stands around it: controls (C0, DEL, C1), bidirectional marks
/// and overrides, zero-width characters, line and paragraph separators, tags.
pub(super) fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Makes deceptive characters visible, as `\x1b` or `\u{202e}`.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if !is_deceptive(c) => out.push(c),
            c if u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(out)
}

/// Columns that a printable text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The longest start of `text` that takes at most `columns`, and the rest.
fn split(text: &str, columns: usize) -> (&str, &str) {
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        taken += c.width().unwrap_or(0);
        if taken > columns {
            return text.split_at_checked(at).unwrap_or((text, ""));
        }
    }
    (text, "")
}

/// Cuts a text to at most `columns`, and shows that it did.
pub(super) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let (head, _) = split(text, columns.saturating_sub(CUT.len()));
    Cow::Owned(format!("{}{CUT}", head.trim_end()))
}

/// Cuts a path or a name to at most `columns` in its middle: both ends say more about where it is.
pub(super) fn cut_middle(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(CUT.len());
    let (head, _) = split(text, room / 3);
    let rest = room - width(head);
    let mut taken = 0;
    let tail: Vec<char> = text
        .chars()
        .rev()
        .take_while(|c| {
            taken += c.width().unwrap_or(0);
            taken <= rest
        })
        .collect();
    let tail: String = tail.into_iter().rev().collect();
    Cow::Owned(format!("{head}{CUT}{tail}"))
}

/// Breaks a text between words into lines of at most `columns`; what does not fit into `most` lines is cut.
pub(super) fn wrap(text: &str, columns: usize, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && lines.len() < most {
        if lines.len() + 1 == most {
            lines.push(cut(rest, columns).into_owned());
            break;
        }
        let (line, after) = first_line(rest, columns);
        lines.push(line.to_owned());
        rest = after;
    }
    lines
}

/// The first line of a text that is broken at `columns`, and what comes after it.
fn first_line(text: &str, columns: usize) -> (&str, &str) {
    let (head, tail) = split(text, columns);
    if tail.is_empty() {
        return (head.trim_end(), tail);
    }
    match last_break(head, tail).and_then(|at| text.split_at_checked(at)) {
        Some((line, after)) if !line.trim().is_empty() => (line.trim_end(), after.trim_start()),
        // A column that is narrower than one character still has to make progress.
        _ if head.is_empty() => {
            text.split_at_checked(text.chars().next().map_or(0, char::len_utf8)).unwrap_or((text, ""))
        }
        _ => (head, tail),
    }
}

/// The last place in `head` after which a line may end: before a blank between words, or after Chinese punctuation.
/// A blank beside a Chinese character only sets off a number (`5 天`) and keeps both together.
fn last_break(head: &str, tail: &str) -> Option<usize> {
    let wide = |c: char| c.width() == Some(2);
    let mut last = None;
    let mut before = None;
    let ends = tail.chars().next().map(|c| (head.len(), c));
    for (at, c) in head.char_indices().chain(ends) {
        let after_blank = head.get(at..).and_then(|rest| rest.chars().nth(1)).or_else(|| tail.chars().next());
        if c == ' ' && !before.is_some_and(wide) && !after_blank.is_some_and(wide) {
            last = Some(at);
        }
        if before.is_some_and(|before| "，。；：、）".contains(before)) && !"，。；：、）".contains(c)
        {
            last = Some(at);
        }
        before = Some(c);
    }
    last
}

/// Sets phrases side by side on lines of at most `columns`; a phrase is broken only when it fills a line alone, and
/// then takes at most `most` lines.
pub(super) fn phrases(phrases: &[String], separator: &str, columns: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let (mark, blank) = separator.split_at_checked(separator.trim_end().len()).unwrap_or((separator, ""));
    let room = columns.saturating_sub(width(mark));
    for (index, phrase) in phrases.iter().enumerate() {
        let mark = if index + 1 < phrases.len() { mark } else { "" };
        match lines.last_mut() {
            Some(line) if width(line) + width(blank) + width(phrase) <= room => {
                line.push_str(&format!("{blank}{phrase}{mark}"));
            }
            _ => {
                lines.extend(wrap(phrase, room, most));
                if let Some(line) = lines.last_mut() {
                    line.push_str(mark);
                }
            }
        }
    }
    lines
}

/// A number with separators between thousands: `1,234,567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An amount of bytes in the largest binary unit that leaves at least one: `1.5 GiB`.
pub(super) fn bytes(amount: u64) -> String {
    let mut whole = amount;
    let mut rest = 0;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        if whole < 1024 {
            break;
        }
        rest = whole % 1024;
        whole /= 1024;
        unit = next;
    }
    match rest * 10 / 1024 {
        0 => format!("{whole} {unit}"),
        tenth => format!("{whole}.{tenth} {unit}"),
    }
}

/// The day of an instant, in UTC: `2026-11-20`.
pub(super) fn day(at: Timestamp) -> String {
    TimeZone::UTC.to_datetime(at).date().to_string()
}

/// The day and minute of an instant: `2026-11-20 08:30 UTC`.
pub(super) fn minute(at: Timestamp) -> String {
    let at = TimeZone::UTC.to_datetime(at);
    format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_overrides_become_visible() {
        assert_eq!(printable("\u{1b}[2J"), "\\x1b[2J");
        assert_eq!(printable("a\u{9b}31m\r\nb"), "a\\x9b31m\\r\\nb");
        assert_eq!(printable("exe\u{202e}txt"), "exe\\u{202e}txt");
        assert!(matches!(printable("数据库 é"), Cow::Borrowed("数据库 é")));
    }

    #[test]
    fn a_cut_counts_columns_and_not_characters() {
        assert_eq!(cut("数据库服务器", 12), "数据库服务器");
        assert_eq!(cut("数据库服务器", 11), "数据库服...");
        assert_eq!(cut("redis-server", 8), "redis...");
    }

    #[test]
    fn a_path_loses_its_middle() {
        assert_eq!(cut_middle("exports/2022/all/people.csv", 27), "exports/2022/all/people.csv");
        assert_eq!(cut_middle("exports/2022/all/people.csv", 20), "expor...l/people.csv");
        assert_eq!(cut_middle("导出/上海市/浦东新区/人员.csv", 17), "导出.../人员.csv");
        assert!(width(&cut_middle("数据库服务器", 2)) <= 3);
    }

    #[test]
    fn lines_break_between_words_and_the_last_is_cut() {
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("one two three four", 7, 2), ["one two", "thre..."]);
        assert_eq!(wrap("abcdefghij kl", 4, 9), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("数据库", 1, 9), ["数", "据", "库"]);
        assert_eq!(wrap("  ", 10, 2), Vec::<String>::new());
    }

    #[test]
    fn chinese_breaks_after_punctuation_and_keeps_numbers_with_their_units() {
        assert_eq!(wrap("敞开（5 天），有防护", 14, 9), ["敞开（5 天），", "有防护"]);
        assert_eq!(wrap("共 1,254 个端点，用时 2.1 秒", 22, 9), ["共 1,254 个端点，", "用时 2.1 秒"]);
    }

    #[test]
    fn phrases_stay_whole_where_a_line_can_hold_them() {
        let three = ["3 keys", "open since today", "reopened"].map(str::to_owned);
        assert_eq!(phrases(&three, "; ", 20, 1), ["3 keys;", "open since today;", "reopened"]);
        assert_eq!(phrases(&three, "; ", 30, 1), ["3 keys; open since today;", "reopened"]);
        assert_eq!(phrases(&three, "; ", 12, 1), ["3 keys;", "open sin...;", "reopened"]);
        assert_eq!(phrases(&[], "; ", 12, 1), Vec::<String>::new());
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(123), "123");
        assert_eq!(thousands(1234), "1,234");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn bytes_take_the_largest_unit() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(3 << 40), "3 TiB");
        assert_eq!(bytes(u64::MAX), "15.9 EiB");
    }
}
