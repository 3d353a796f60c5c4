//! Whole files through the whole reader.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;

use model::NotRead;

use super::{Limits, read_path, read_stream};
use crate::{Cell, ColumnId, Part, PartId, Place, Sink};

/// The values of each column.
type Row = BTreeMap<String, Vec<String>>;

/// Keeps what readers bring.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) parts: Vec<(String, Vec<String>, Vec<Row>, Option<u64>)>,
    pub(super) texts: Vec<(String, u64, String)>,
    pub(super) not_read: Vec<NotRead>,
    pub(super) stops_after: Option<usize>,
}

impl Sink for Kept {
    fn part(&mut self, part: Part) -> PartId {
        self.parts.push((part.location, Vec::new(), Vec::new(), part.rows));
        PartId(self.parts.len() - 1)
    }

    fn column(&mut self, part: PartId, name: &str) -> ColumnId {
        let columns = &mut self.parts[part.0].1;
        ColumnId(columns.iter().position(|column| column == name).unwrap_or_else(|| {
            columns.push(name.to_owned());
            columns.len() - 1
        }))
    }

    fn row(&mut self, part: PartId, cells: &[Cell<'_>]) {
        let part = &mut self.parts[part.0];
        let mut row = Row::new();
        for (column, value) in cells {
            row.entry(part.1[column.0].clone())
                .or_default()
                .push(String::from_utf8_lossy(value).into_owned());
        }
        part.2.push(row);
    }

    fn rows(&mut self, part: PartId, rows: u64) {
        self.parts[part.0].3 = Some(rows);
    }

    fn text(&mut self, place: &Place<'_>, text: &[u8]) {
        assert!(text.len() <= 1 << 20, "{} bytes of text at a time", text.len());
        self.texts.push((place.file.to_owned(), place.line, String::from_utf8_lossy(text).into_owned()));
    }

    fn not_read(&mut self, missing: NotRead) {
        self.not_read.push(missing);
    }

    fn stop(&self) -> bool {
        self.stops_after.is_some_and(|rows| self.parts.iter().map(|part| part.2.len()).sum::<usize>() >= rows)
    }
}

impl Kept {
    /// One line for each value: `location column value`.
    pub(super) fn cells(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (location, _, rows, _) in &self.parts {
            for row in rows {
                for (column, values) in row {
                    lines.extend(values.iter().map(|value| format!("{location} {column} {value}")));
                }
            }
        }
        lines
    }

    fn whole_text(&self) -> String {
        self.texts.iter().map(|(_, _, text)| text.as_str()).collect()
    }

    /// What leaves something undecided.
    pub(super) fn undecided(&self) -> Vec<String> {
        let missing = self.not_read.iter().filter(|missing| !missing.by_design);
        missing.map(|missing| format!("{}: {}", missing.location, missing.why)).collect()
    }

    fn told(&self) -> String {
        self.not_read.iter().map(|missing| format!("{}: {}\n", missing.location, missing.why)).collect()
    }
}

/// Reads bytes as a stream.
pub(super) fn stream(name: &str, bytes: &[u8]) -> Kept {
    stream_with(name, bytes, &Limits::default())
}

fn stream_with(name: &str, mut bytes: &[u8], limits: &Limits) -> Kept {
    let mut kept = Kept::default();
    read_stream(name, &mut bytes, limits, &mut kept);
    kept
}

/// Reads bytes as a file.
pub(super) fn file(name: &str, bytes: &[u8]) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    path(&folder.path().join(name))
}

fn path(path: &Path) -> Kept {
    let mut kept = Kept::default();
    read_path(path, &Limits::default(), &mut kept);
    kept
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options.compression_method(zip::CompressionMethod::Deflated)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn lines_of_json_are_rows_with_paths_as_columns() {
    let lines = b"{\"name\":\"Ann\",\"person\":{\"phones\":[{\"number\":\"1\"},{\"number\":\"2\"}]},\"age\":7,\"x\":null}\n\
        {\"age\":8,\"name\":\"B\\u00f6b \\\"x\\\"\",\"ok\":true}\n";
    let kept = stream("people.ndjson", lines);
    assert_eq!(
        kept.cells(),
        [
            "people.ndjson age 7",
            "people.ndjson name Ann",
            "people.ndjson person.phones[].number 1",
            "people.ndjson person.phones[].number 2",
            "people.ndjson age 8",
            "people.ndjson name Böb \"x\"",
            "people.ndjson ok true",
        ]
    );
    assert_eq!(kept.parts[0].3, Some(2));
    assert_eq!(kept.texts, [("people.ndjson".to_owned(), 1, String::from_utf8_lossy(lines).into_owned())]);
    assert!(kept.not_read.is_empty());
}

#[test]
fn keys_that_are_values_become_a_column_and_no_name() {
    let kept = stream(
        "map.ndjson",
        b"{\"15400000001\":{\"name\":\"Ann\"},\"a@example.com\":1}\n{\"15400000002\":2}\n",
    );
    assert_eq!(kept.parts[0].1, ["{key}", "*.name", "*"]);
}

#[test]
fn a_line_that_is_not_json_is_text_with_its_number() {
    let kept = stream_with(
        "a.ndjson",
        b"{\"a\":1}\nnot json, 15400000001\n{\"a\":2}\n",
        &Limits { text_too: 0, ..Limits::default() },
    );
    assert_eq!(kept.cells(), ["a.ndjson a 1", "a.ndjson a 2"]);
    assert_eq!(kept.texts, [("a.ndjson".to_owned(), 2, "not json, 15400000001".to_owned())]);
    assert!(kept.undecided().is_empty() && kept.told().contains("1 lines are not JSON, the first is line 2"));
}

#[test]
fn documents_of_json_have_parts_for_arrays_of_objects() {
    let document = br#"{
      "took": 3, "tags": ["x", "y"],
      "hits": { "total": 2, "hits": [ {"name": "Ann", "at": [1, 2]}, {"name": "Bob"} ] },
      "by_phone": { "15400000001": {"name": "Cid"} }
    }"#;
    let kept = file("dump.json", document);
    let mut cells = kept.cells();
    cells.sort();
    assert_eq!(
        cells,
        [
            "dump.json by_phone.{key} 15400000001",
            "dump.json hits.total 2",
            "dump.json tags[] x",
            "dump.json tags[] y",
            "dump.json took 3",
            "dump.json#by_phone.* name Cid",
            "dump.json#hits.hits at[] 1",
            "dump.json#hits.hits at[] 2",
            "dump.json#hits.hits name Ann",
            "dump.json#hits.hits name Bob",
        ]
    );
    assert!(kept.not_read.is_empty(), "{}", kept.told());
}

#[test]
fn a_large_array_of_json_is_read_in_a_window() {
    let mut document = b"[".to_vec();
    for number in 0..100_000 {
        write!(
            document,
            "{}{{\"id\": {number}, \"note\": \"a \\\"quoted\\\" ] word\"}}",
            if number > 0 { ",\n" } else { "" }
        )
        .unwrap();
    }
    document.push(b']');
    let kept = stream("big.json", &document);
    assert_eq!((kept.parts.len(), kept.parts[0].2.len(), kept.parts[0].3), (1, 100_000, Some(100_000)));
    assert_eq!(kept.parts[0].2[99_999]["note"], ["a \"quoted\" ] word"]);
}

#[test]
fn a_document_that_is_cut_short_is_told_and_its_rest_is_text() {
    let kept = stream_with(
        "a.json",
        b"[{\"a\":1},{\"a\":2},{\"a\":15400",
        &Limits { text_too: 0, ..Limits::default() },
    );
    assert_eq!(kept.cells(), ["a.json a 1", "a.json a 2"]);
    assert_eq!(kept.whole_text(), "{\"a\":15400");
    assert!(kept.told().contains("is not JSON from about byte 17 on"), "{}", kept.told());
}

#[test]
fn tables_of_text_are_read_in_all_their_dialects() {
    let cases: &[(&str, &[u8])] = &[
        ("a.csv", b"id,name,phone\n1,\"Ann, \"\"A\"\"\",154\n2,\"B\nob\",155\n"),
        ("a.tsv", b"id\tname\tphone\n1\tAnn, \"A\"\t154\n2\t\"B\nob\"\t155\n"),
        ("export.txt", b"id;name;phone\r\n1;\"Ann, \"\"A\"\"\";154\r\n2;\"B\nob\";155\r\n"),
        ("data", b"id|name|phone\n1|\"Ann, \"\"A\"\"\"|154\n2|\"B\nob\"|155"),
    ];
    for (name, bytes) in cases {
        let kept = stream(name, bytes);
        let cells: Vec<String> =
            kept.cells().iter().map(|line| line.replace(&format!("{name} "), "")).collect();
        assert_eq!(
            cells,
            ["id 1", "name Ann, \"A\"", "phone 154", "id 2", "name B\nob", "phone 155"],
            "{name}"
        );
        assert_eq!(kept.parts[0].3, Some(2));
    }
}

#[test]
fn a_table_without_a_header_has_numbered_columns() {
    let kept = stream("people.csv", "张三,15400000001\n李四,15400000002\n".as_bytes());
    assert_eq!(kept.parts[0].1, ["column 1", "column 2"]);
    assert_eq!(kept.parts[0].3, Some(2));
}

#[test]
fn a_quote_that_is_not_closed_costs_its_line_and_not_the_file() {
    let mut table = b"id,name\n1,Ann\n2,\"Bob\n".to_vec();
    for number in 3..2000 {
        writeln!(table, "{number},name{number}").unwrap();
    }
    let kept =
        stream_with("a.csv", &table, &Limits { longest_record: 4096, text_too: 0, ..Limits::default() });
    assert_eq!(kept.parts[0].2.len(), 1998, "{}", kept.told());
    assert!(kept.texts.iter().any(|(_, line, text)| *line == 3 && text == "2,\"Bob"));
    assert!(kept.told().contains("not closed, the first is line 3"));
}

#[test]
fn source_code_comes_as_whole_lines_with_their_numbers() {
    let mut code = String::new();
    for number in 1..=100_000 {
        code.push_str(&format!("let x{number} = call({number}, \"text\");\n"));
    }
    let kept = stream("a.rs", code.as_bytes());
    assert!(kept.parts.is_empty() && kept.texts.len() > 2);
    for (_, line, text) in &kept.texts {
        assert!(text.starts_with(&format!("let x{line} =")) && text.ends_with('\n'));
    }
    assert_eq!(kept.whole_text(), code);
}

#[test]
fn gbk_tables_are_decoded() {
    let text = "姓名,电话,住址\n".to_owned() + &"王小明,15400000001,北京市朝阳区\n".repeat(9);
    let kept = stream("people.csv", &encoding_rs::GBK.encode(&text).0);
    assert_eq!(kept.parts[0].1, ["姓名", "电话", "住址"]);
    assert_eq!(kept.cells()[0], "people.csv 住址 北京市朝阳区");
    assert!(kept.not_read.is_empty());
}

#[test]
fn archives_inside_archives_are_read() {
    let table: &[u8] = b"id,phone\n1,15400000001\n";
    let inner = tar(&[("in/b.csv", table)]);
    let packed = gzip(&inner);
    let outer = zip(&[("a.csv", table), ("deep/t.tar.gz", &packed), ("notes.txt", b"plain words")]);
    for kept in [file("all.zip", &outer), stream("all.zip", &outer)] {
        assert_eq!(
            kept.cells(),
            [
                "all.zip!a.csv id 1",
                "all.zip!a.csv phone 15400000001",
                "all.zip!deep/t.tar.gz!t.tar!in/b.csv id 1",
                "all.zip!deep/t.tar.gz!t.tar!in/b.csv phone 15400000001",
            ]
        );
        assert!(kept.texts.contains(&("all.zip!notes.txt".to_owned(), 1, "plain words".to_owned())));
        assert!(kept.not_read.is_empty(), "{}", kept.told());
    }
}

#[test]
fn every_packing_is_unpacked() {
    let table: &[u8] = b"id,phone\n1,15400000001\n";
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(table).unwrap();
    let cases = [
        ("a.csv.gz", gzip(table)),
        ("a.csv.bz2", bzip2.finish().unwrap()),
        ("a.csv.zst", zstd::encode_all(table, 1).unwrap()),
    ];
    for (name, bytes) in cases {
        let kept = stream(name, &bytes);
        assert_eq!(kept.cells(), [format!("{name}!a.csv id 1"), format!("{name}!a.csv phone 15400000001")]);
        assert!(kept.not_read.is_empty(), "{}", kept.told());
    }
}

/// Gives the same bytes for ever, and counts how many.
struct Endless(u64, u64);

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = into.len().min(usize::try_from(self.1 - self.0).unwrap_or(usize::MAX));
        into[..length].fill(b'x');
        if self.0 == 0 && length > 2 {
            into[..2].copy_from_slice(b"a ");
        }
        self.0 += length as u64;
        Ok(length)
    }
}

#[test]
fn a_line_without_end_is_taken_in_pieces() {
    struct Counts(u64, usize, Vec<String>);
    impl Sink for Counts {
        fn part(&mut self, _: Part) -> PartId {
            PartId(0)
        }
        fn column(&mut self, _: PartId, _: &str) -> ColumnId {
            ColumnId(0)
        }
        fn row(&mut self, _: PartId, _: &[Cell<'_>]) {}
        fn rows(&mut self, _: PartId, _: u64) {}
        fn text(&mut self, place: &Place<'_>, text: &[u8]) {
            assert_eq!(place.line, 1);
            self.0 += text.len() as u64;
            self.1 = self.1.max(text.len());
        }
        fn not_read(&mut self, missing: NotRead) {
            self.2.push(missing.why);
        }
        fn stop(&self) -> bool {
            false
        }
    }
    let (mut sink, size) = (Counts(0, 0, Vec::new()), 300 << 20);
    read_stream("line", &mut Endless(0, size), &Limits::default(), &mut sink);
    assert_eq!((sink.0, sink.1 <= 1 << 20), (size, true));
    let mut json = (&b"{\"a\":1}\n{\"a\":2}\n{\"a\":\""[..]).chain(Endless(0, 40 << 20));
    let mut sink = Counts(0, 0, Vec::new());
    read_stream(
        "line.ndjson",
        &mut json,
        &Limits { longest_record: 1 << 20, ..Limits::default() },
        &mut StartsAnywhere(&mut sink),
    );
    assert!(sink.0 > 40 << 20 && sink.2.iter().any(|why| why.contains("too long for a row")), "{:?}", sink.2);
}

/// Takes texts of any line.
struct StartsAnywhere<'a>(&'a mut dyn Sink);

impl Sink for StartsAnywhere<'_> {
    fn part(&mut self, part: Part) -> PartId {
        self.0.part(part)
    }
    fn column(&mut self, part: PartId, name: &str) -> ColumnId {
        self.0.column(part, name)
    }
    fn row(&mut self, part: PartId, cells: &[Cell<'_>]) {
        self.0.row(part, cells);
    }
    fn rows(&mut self, _: PartId, _: u64) {}
    fn text(&mut self, place: &Place<'_>, text: &[u8]) {
        assert_eq!(place.line, 3);
        self.0.text(&Place { line: 1, ..*place }, text);
    }
    fn not_read(&mut self, missing: NotRead) {
        self.0.not_read(missing);
    }
    fn stop(&self) -> bool {
        self.0.stop()
    }
}

/// Limits that a bomb hits soon.
fn small() -> Limits {
    Limits { ratio_floor: 1 << 20, ..Limits::default() }
}

#[test]
fn a_bomb_is_stopped_by_its_ratio_and_the_rest_is_read() {
    let zeros = vec![b' '; 32 << 20];
    let folder = tempfile::tempdir().unwrap();
    let flat = zip(&[("a.txt", &zeros), ("b.txt", &zeros)]);
    let layers: Vec<(String, Vec<u8>)> =
        (0..16).map(|number| (format!("lib{number}.zip"), zip(&[("0.txt", &zeros)]))).collect();
    let members: Vec<(&str, &[u8])> =
        layers.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    std::fs::write(folder.path().join("flat.zip"), flat).unwrap();
    std::fs::write(folder.path().join("nested.zip"), zip(&members)).unwrap();
    std::fs::write(folder.path().join("bomb.gz"), gzip(&gzip(&zeros))).unwrap();
    std::fs::write(folder.path().join("z.csv"), b"id,phone\n1,15400000001\n").unwrap();
    let mut kept = Kept::default();
    read_path(folder.path(), &small(), &mut kept);
    let undecided = kept.undecided();
    assert_eq!(undecided.len(), 3, "{undecided:?}");
    for (name, told) in ["bomb.gz", "flat.zip", "nested.zip"].iter().zip(&undecided) {
        assert!(told.starts_with(&format!("{name}: unpacks to far more")), "{told}");
    }
    assert!(kept.whole_text().len() < 64 << 20);
    assert_eq!(kept.cells(), ["z.csv id 1", "z.csv phone 15400000001"]);
}

#[test]
fn members_and_depth_have_bounds() {
    let mut nested = zip(&[("a.txt", b"the innermost")]);
    for _ in 0..12 {
        nested = zip(&[("again.zip", &nested), ("beside.txt", b"words")]);
    }
    let kept = file("russian.zip", &nested);
    assert_eq!(kept.undecided().len(), 1, "{}", kept.told());
    assert!(kept.told().contains("too deep in archives"), "{}", kept.told());
    assert_eq!(kept.texts.len(), 8);

    let many: Vec<(String, &[u8])> = (0..50).map(|number| (format!("{number}.txt"), &b"word"[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let kept = stream_with("many.zip", &zip(&many), &Limits { members: 20, ..Limits::default() });
    assert_eq!(kept.texts.len(), 20);
    assert!(kept.told().starts_with("many.zip: holds more members"), "{}", kept.told());
}

#[test]
fn what_is_cut_short_is_told_and_its_beginning_is_read() {
    let mut lines = Vec::new();
    for number in 0..50_000 {
        writeln!(lines, "{{\"id\":{number},\"x\":\"{:x}\"}}", number * 7_919).unwrap();
    }
    let packed = gzip(&lines);
    let kept = stream("a.ndjson.gz", &packed[..packed.len() / 2]);
    assert!(kept.parts[0].2.len() > 1000 && kept.parts[0].3.is_none());
    assert!(kept.told().contains("a.ndjson.gz!a.ndjson: it ends in the middle"), "{}", kept.told());

    let archive = zip(&[("a.ndjson", &lines)]);
    let kept = file("a.zip", &archive[..archive.len() / 2]);
    assert!(kept.told().contains("without a readable directory"), "{}", kept.told());

    let archive = tar(&[("a.ndjson", &lines)]);
    let kept = stream("a.tar", &archive[..archive.len() / 2]);
    assert!(kept.parts[0].2.len() > 1000 && !kept.undecided().is_empty(), "{}", kept.told());
}

#[test]
fn a_disk_error_is_told_and_what_came_before_is_read() {
    struct Fails(u32);
    impl Read for Fails {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 3 {
                return Err(io::Error::from_raw_os_error(5));
            }
            into[..8].copy_from_slice(b"{\"a\":1}\n");
            Ok(8)
        }
    }
    let mut kept = Kept::default();
    read_stream("disk.ndjson", &mut Fails(0), &Limits::default(), &mut kept);
    assert_eq!(kept.cells().len(), 3);
    assert!(
        kept.told().contains("Input/output error (os error 5): see what the system's log says"),
        "{}",
        kept.told()
    );
}

#[test]
fn a_directory_is_read_without_following_links_or_opening_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("sub/deep")).unwrap();
    std::fs::create_dir(at(".git")).unwrap();
    std::fs::write(at(".git/config"), "text").unwrap();
    std::fs::write(at("sub/deep/a.txt"), "words").unwrap();
    std::fs::write(at("empty"), "").unwrap();
    std::fs::write(at("image.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01").unwrap();
    std::fs::write(at("strange.bin"), [0_u8, 1, 2, 3, 250, 251].repeat(100)).unwrap();
    std::os::unix::fs::symlink(folder.path(), at("sub/loop")).unwrap();
    nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let kept = path(folder.path());
    assert_eq!(kept.texts, [("sub/deep/a.txt".to_owned(), 1, "words".to_owned())]);
    let told = kept.told();
    for line in [
        ".git: is the history of a git repository",
        "image.png: is of the sort 'image'",
        "pipe: is a named pipe: it is not opened",
        "socket: is a socket: it is not opened",
        "sub/loop: is a symbolic link",
        "strange.bin: a binary file of an unknown format",
    ] {
        assert!(told.contains(line), "{line} is missing in\n{told}");
    }
    assert_eq!(kept.undecided().len(), 1);
    assert!(path(&at("pipe")).told().contains("pipe: is a named pipe"));
    assert!(path(&at("gone")).told().contains("No such file or directory"));
}

#[test]
fn a_file_without_permission_is_told_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed.txt");
    std::fs::write(&closed, "words").unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o0)).unwrap();
    std::fs::write(folder.path().join("open.txt"), "words").unwrap();
    if std::fs::File::open(&closed).is_ok() {
        return; // root may read everything
    }
    let kept = path(folder.path());
    assert!(kept.told().contains("closed.txt: Permission denied"), "{}", kept.told());
    assert_eq!(kept.texts.len(), 1);
}

#[test]
fn a_file_that_is_cut_while_it_is_read_is_told() {
    struct Cuts(Kept, std::path::PathBuf);
    impl Sink for Cuts {
        fn part(&mut self, part: Part) -> PartId {
            self.0.part(part)
        }
        fn column(&mut self, part: PartId, name: &str) -> ColumnId {
            self.0.column(part, name)
        }
        fn row(&mut self, part: PartId, cells: &[Cell<'_>]) {
            self.0.row(part, cells);
        }
        fn rows(&mut self, part: PartId, rows: u64) {
            self.0.rows(part, rows);
        }
        fn text(&mut self, _: &Place<'_>, _: &[u8]) {
            std::fs::OpenOptions::new().write(true).open(&self.1).unwrap().set_len(1 << 20).unwrap();
        }
        fn not_read(&mut self, missing: NotRead) {
            self.0.not_read(missing);
        }
        fn stop(&self) -> bool {
            false
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.txt");
    std::fs::write(&path, "a line of the log\n".repeat(200_000)).unwrap();
    let mut sink = Cuts(Kept::default(), path.clone());
    read_path(&path, &Limits::default(), &mut sink);
    assert!(sink.0.told().contains("log.txt: was cut while it was read"), "{}", sink.0.told());
}

#[test]
fn a_run_that_ends_early_says_what_was_not_read() {
    let mut lines = Vec::new();
    for number in 0..400_000 {
        writeln!(lines, "{{\"id\":{number},\"name\":\"somebody\"}}").unwrap();
    }
    let mut kept = Kept { stops_after: Some(100), ..Kept::default() };
    read_stream("a.ndjson", &mut lines.as_slice(), &Limits::default(), &mut kept);
    assert!(kept.parts[0].2.len() < 400_000 && kept.parts[0].3.is_none());
    assert!(kept.told().contains("a.ndjson: the run ended before"), "{}", kept.told());
}

#[test]
fn elements_of_xml_that_repeat_are_rows() {
    let document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><export at=\"now\"><people>\
        <person id=\"1\"><name>Ann &amp; Co</name><phone>1</phone><phone>2</phone></person>\
        <person id=\"2\"><name><![CDATA[B<ob]]></name></person></people><total>2</total></export>";
    let kept = stream("a.xml", document.as_bytes());
    let mut cells = kept.cells();
    cells.sort();
    assert_eq!(
        cells,
        [
            "a.xml export.@at now",
            "a.xml export.total 2",
            "a.xml#export.people.person @id 1",
            "a.xml#export.people.person @id 2",
            "a.xml#export.people.person name Ann & Co",
            "a.xml#export.people.person name B<ob",
            "a.xml#export.people.person phone 1",
            "a.xml#export.people.person phone 2",
        ]
    );
    assert!(kept.not_read.is_empty(), "{}", kept.told());
}

#[test]
fn dumps_of_databases_have_their_tables() {
    let postgres = "-- PostgreSQL database dump\n\nCREATE TABLE public.p (\n id integer,\n note text DEFAULT ';'\n);\n\
        COPY public.p (id, note) FROM stdin;\n1\ta\\tb\n2\t\\N\n\\.\n\nINSERT INTO public.p VALUES (3, 'it''s');\n\
        CREATE USER x PASSWORD 'hunter two';\n";
    let kept = stream("dump.sql", postgres.as_bytes());
    assert_eq!(
        kept.cells(),
        [
            "dump.sql!public.p id 1",
            "dump.sql!public.p note a\tb",
            "dump.sql!public.p id 2",
            "dump.sql!public.p id 3",
            "dump.sql!public.p note it's"
        ]
    );
    assert_eq!(kept.parts[0].3, Some(3));
    let mysql = "-- MySQL dump 10.13\nCREATE TABLE `u` (\n  `id` int,\n  `n` varchar(9),\n  KEY `k` (`id`)\n) ENGINE=InnoDB;\n\
        LOCK TABLES `u` WRITE;\nINSERT INTO `u` VALUES (1,'a\\'b'),(2,NULL),\n(3,'c;(d');\nUNLOCK TABLES;\n";
    let kept = stream("dump.sql", mysql.as_bytes());
    assert_eq!(
        kept.cells(),
        ["dump.sql!u id 1", "dump.sql!u n a'b", "dump.sql!u id 2", "dump.sql!u id 3", "dump.sql!u n c;(d"]
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn any_bytes_are_read_without_panic(
        name in "[a-z]{1,3}\\.(json|ndjson|csv|xml|sql|txt|eml|gz|zip|bin)",
        start in 0_usize..12,
        bytes: Vec<u8>,
    ) {
        let starts: [&[u8]; 12] = [
            b"", b"{\"a\":1}\n{\"a\":", b"[{\"a\":[", b"a,b,c\n1,2,3\n4,\"", b"<?xml version=\"1.0\"?><a><b/><b>",
            b"INSERT INTO t VALUES (1,'", b"COPY t (a) FROM stdin;\n", b"\x1f\x8b\x08", b"PK\x03\x04", b"%PDF-1.4\n",
            b"SQLite format 3\0", b"From: a\nTo: b\nSubject: c\n\n",
        ];
        let all: Vec<u8> = [starts[start], &bytes].concat();
        let _ = stream_with(&name, &all, &Limits { longest_record: 1024, text_too: 64, ..small() });
    }

    #[test]
    fn json_is_split_as_another_parser_reads_it(value in json()) {
        let text = serde_json::to_string(&value).unwrap();
        let line = format!("{text}\n{text}\n");
        let kept = stream_with("a.ndjson", line.as_bytes(), &Limits { text_too: 0, ..Limits::default() });
        let mut expected = Vec::new();
        leaves(&value, &mut expected);
        expected.extend(expected.clone());
        expected.sort();
        let mut got: Vec<String> = kept.cells().iter().map(|line| line.splitn(3, ' ').nth(2).unwrap().to_owned()).collect();
        got.sort();
        proptest::prop_assert_eq!(got, expected);
    }
}

fn json() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        any::<i64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        "[a-z\"\\\\\n\u{e9}\u{4e2d}\u{1f600}]{0,12}".prop_map(serde_json::Value::from),
    ];
    let inner = leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::btree_map("[a-z\"]{1,4}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map("[a-z]{1,4}", inner, 1..4)
        .prop_map(|map| serde_json::Value::Object(map.into_iter().collect()))
}

fn leaves(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Null => {}
        serde_json::Value::String(text) => into.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| leaves(item, into)),
        serde_json::Value::Object(map) => map.values().for_each(|item| leaves(item, into)),
        other => into.push(other.to_string()),
    }
}
