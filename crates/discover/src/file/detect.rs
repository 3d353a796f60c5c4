//! What a file is: by its first bytes, then by its name. Magic numbers: the formats' own specifications, collected at
//! <https://en.wikipedia.org/wiki/List_of_file_signatures>.

use super::csv::{Dialect, dialect};
use super::decode::sniff;
use super::json::is_lines;

/// Bytes of a file that are looked at.
pub(super) const HEAD: usize = 64 << 10;

/// A format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Empty,
    Text,
    Csv(Dialect),
    JsonLines,
    Json,
    Xml,
    Sql,
    Mail,
    Parquet,
    Sqlite,
    Pdf,
    /// A zip archive, an office document or a spreadsheet: its members tell.
    Zip,
    /// A compound file: an old spreadsheet, or something else of that age.
    Compound,
    Tar,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    SevenZip,
    /// Holds no text by its nature: images, programs.
    WithoutText(&'static str),
    /// Holds data that is not read; what it is and what to do.
    NotUnderstood(&'static str),
}

/// Beginnings of formats that are read.
const READ: &[(&[u8], Format)] = &[
    (b"PAR1", Format::Parquet),
    (b"SQLite format 3\0", Format::Sqlite),
    (b"%PDF-", Format::Pdf),
    (b"PK\x03\x04", Format::Zip),
    (b"PK\x05\x06", Format::Zip),
    (b"PK00PK\x03\x04", Format::Zip),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format::Compound),
    (b"\x1f\x8b\x08", Format::Gzip),
    (b"BZh", Format::Bzip2),
    (b"\xfd7zXZ\0", Format::Xz),
    (b"\x28\xb5\x2f\xfd", Format::Zstd),
    (b"7z\xbc\xaf\x27\x1c", Format::SevenZip),
];

/// Beginnings of formats that are not.
const OTHER: &[(&[u8], &str)] = &[
    (b"Rar!\x1a\x07", "a RAR archive is not read: unpack it and read the files"),
    (b"\x04\x22\x4d\x18", "LZ4 is not unpacked: use lz4 -d and read the result"),
    (b"LZIP", "lzip is not unpacked: use lzip -d and read the result"),
    (b"MSCF", "a cabinet archive is not read: unpack it and read the files"),
    (b"PGDMP", "a dump of pg_dump -Fc is not read: turn it into SQL with pg_restore -f - and read that"),
    (b"ORC", "ORC is not read: convert it to Parquet"),
    (b"Obj\x01", "Avro is not read: convert it to Parquet or JSON"),
    (b"ARROW1\0\0", "an Arrow file is not read: convert it to Parquet"),
    (b"\x89HDF\r\n\x1a\n", "HDF5 is not read: export its tables as CSV"),
    (b"REDIS0", "a Redis snapshot is not read: load it into a server and read that"),
    (b"bplist00", "a binary property list is not read: convert it with plutil -convert json"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture is not read"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture is not read"),
];

/// Beginnings of what holds no text.
const WITHOUT_TEXT: &[(&[u8], &str)] = &[
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"\0asm", "program"),
    (b"!<arch>\n", "program"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"RIFF", "image, sound or film"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"8BPS", "image"),
    (b"\0\0\x01\0", "image"),
    (b"ID3", "sound"),
    (b"\xff\xfb", "sound"),
    (b"fLaC", "sound"),
    (b"OggS", "sound or film"),
    (b"\x1aE\xdf\xa3", "film"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"\0\x01\0\0\0", "font"),
    (b"OTTO", "font"),
];

/// Finds the format of a file that begins with `head`, of which `is_whole` says whether that is all.
pub(super) fn detect(name: &str, head: &[u8], is_whole: bool) -> Format {
    if head.is_empty() {
        return Format::Empty;
    }
    if let Some(format) = by_magic(head) {
        return format;
    }
    let (encoding, mark) = sniff(head);
    let text = encoding.decode_without_bom_handling(head.get(mark..).unwrap_or_default()).0;
    if is_binary(text.as_bytes()) {
        return Format::NotUnderstood(
            "a binary file of an unknown format: if it holds data, export it as text",
        );
    }
    of_text(&extension(name), text.as_bytes(), is_whole)
}

fn by_magic(head: &[u8]) -> Option<Format> {
    let begins = |(magic, _): &&(&[u8], &str)| head.starts_with(magic);
    if let Some((_, format)) = READ.iter().find(|(magic, _)| head.starts_with(magic)) {
        // `BZh` could be a word: the level and the mark of a block follow.
        let is_word = *format == Format::Bzip2
            && !head.get(4..10).is_some_and(|mark| mark == b"1AY&SY" || mark == b"\x17\x72\x45\x38\x50\x90");
        return (!is_word).then(|| format.clone());
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some(Format::Tar);
    }
    // ISO 32000 lets a PDF begin within the first 1024 bytes.
    let early = head.get(..head.len().min(1024)).unwrap_or_default();
    if memchr::memmem::find(early, b"%PDF-1.").is_some() && head.contains(&0) {
        return Some(Format::Pdf);
    }
    if head.get(4..8) == Some(b"ftyp") {
        return Some(Format::WithoutText("film"));
    }
    // Of these some are words of letters: what follows must not be text.
    if let Some((_, why)) = OTHER.iter().find(begins).filter(|_| is_binary(head)) {
        return Some(Format::NotUnderstood(why));
    }
    WITHOUT_TEXT.iter().find(begins).filter(|_| is_binary(head)).map(|(_, sort)| Format::WithoutText(sort))
}

/// Whether decoded bytes are no text: control characters that no text has, or much that could not be decoded.
fn is_binary(text: &[u8]) -> bool {
    let control = text.iter().filter(|byte| **byte < 9 || (14..27).contains(*byte) || **byte == 0x7f).count();
    // ^A separates fields in the files of Hive.
    let hive = memchr::memchr_iter(1, text).count();
    let broken = memchr::memmem::find_iter(text, "\u{fffd}").count();
    let zeros = memchr::memchr_iter(0, text).count();
    zeros * 200 > text.len() || (control - hive) * 20 > text.len() || broken * 8 > text.len()
}

/// The last part of the name in lower case, without a leading dot.
pub(super) fn extension(name: &str) -> String {
    let file = name.rsplit(['/', '!']).next().unwrap_or_default();
    file.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default()
}

/// Names of files whose lines are code or prose although they may look like a table.
const PROSE: &[&str] = &[
    "md",
    "rst",
    "py",
    "rs",
    "js",
    "ts",
    "java",
    "c",
    "h",
    "cpp",
    "hpp",
    "go",
    "rb",
    "php",
    "sh",
    "yml",
    "yaml",
    "toml",
    "ini",
    "conf",
    "cfg",
    "env",
    "properties",
    "css",
    "html",
    "htm",
    "tex",
    "diff",
    "patch",
    "lock",
    "po",
    "srt",
];

fn of_text(extension: &str, text: &[u8], is_whole: bool) -> Format {
    let start = text.trim_ascii_start();
    match start.first() {
        None => return Format::Text,
        Some(b'{' | b'[') if is_json(extension, start) => {
            let is_named = matches!(extension, "ndjson" | "jsonl");
            return if is_lines(start, is_named) { Format::JsonLines } else { Format::Json };
        }
        Some(b'<') if start.starts_with(b"<?xml") || extension == "xml" => {
            return if is_html(start) { Format::Text } else { Format::Xml };
        }
        _ => {}
    }
    if extension == "sql" || is_sql(start) {
        return if is_sql(start) { Format::Sql } else { Format::Text };
    }
    if is_mail(extension, start) {
        return Format::Mail;
    }
    if PROSE.contains(&extension) {
        return Format::Text;
    }
    let is_table = matches!(extension, "csv" | "tsv" | "tab" | "psv");
    dialect(text, is_whole, is_table, extension == "tsv").map_or(Format::Text, Format::Csv)
}

/// Whether a brace or bracket begins JSON: `{` begins code, too, and `[` a section of an INI file.
fn is_json(extension: &str, start: &[u8]) -> bool {
    if matches!(extension, "json" | "ndjson" | "jsonl" | "geojson") {
        return true;
    }
    let inside = start.get(1..).unwrap_or_default().trim_ascii_start();
    match (start.first(), inside.first()) {
        (Some(b'{'), Some(b'"' | b'}')) => !inside.starts_with(b"\"") || inside.contains(&b':'),
        (Some(b'['), Some(b'{' | b'[' | b'"' | b']' | b'-' | b'0'..=b'9')) => {
            // A log's `[2024-01-02 10:00:00] text` is none.
            let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
            inside.first() != Some(&b'-') && !is_log_line(line)
        }
        _ => false,
    }
}

fn is_log_line(line: &[u8]) -> bool {
    let Some(close) = memchr::memchr(b']', line) else { return false };
    let inside = line.get(1..close).unwrap_or_default();
    let is_stamp = inside.iter().all(|byte| byte.is_ascii_digit() || b"-:/., TZ+".contains(byte));
    is_stamp && inside.iter().any(|byte| b"-:/".contains(byte))
        || inside.first().is_some_and(u8::is_ascii_digit) && {
            let rest = line.get(close + 1..).unwrap_or_default().trim_ascii();
            !rest.is_empty() && !rest.starts_with(b",")
        }
}

fn is_html(start: &[u8]) -> bool {
    let early = start.get(..start.len().min(1024)).unwrap_or_default().to_ascii_lowercase();
    memchr::memmem::find(&early, b"<html").is_some()
        || memchr::memmem::find(&early, b"<!doctype html").is_some()
}

/// Whether lines begin as those of a dump do.
fn is_sql(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').take(2000).any(|line| {
        let line = line.get(..line.len().min(64)).unwrap_or_default().to_ascii_lowercase();
        let has = |word: &[u8]| line.starts_with(word);
        has(b"insert into ")
            || has(b"insert ignore into ")
            || has(b"replace into ")
            || has(b"create table ")
            || has(b"-- mysql dump")
            || has(b"-- mariadb dump")
            || has(b"-- postgresql database dump")
            || has(b"copy ") && line.contains(&b'(')
    })
}

/// Whether the first lines are headers of a message (RFC 5322).
fn is_mail(extension: &str, start: &[u8]) -> bool {
    const HEADERS: &[&[u8]] = &[
        b"received:",
        b"from:",
        b"to:",
        b"return-path:",
        b"delivered-to:",
        b"mime-version:",
        b"message-id:",
        b"date:",
        b"subject:",
        b"content-type:",
        b"x-",
        b"dkim-signature:",
        b"reply-to:",
        b"from ",
    ];
    let mut known = 0;
    for line in start.split(|byte| *byte == b'\n').take(40) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            break;
        }
        if line.first().is_some_and(|byte| *byte == b' ' || *byte == b'\t') {
            continue;
        }
        let early = line.get(..line.len().min(20)).unwrap_or_default().to_ascii_lowercase();
        if HEADERS.iter().any(|header| early.starts_with(header)) {
            known += 1;
        } else if !early.contains(&b':') && line.len() < 20 {
            return false;
        }
    }
    known >= if extension == "eml" { 1 } else { 3 }
}
