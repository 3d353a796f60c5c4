//! Bad input: bombs, endless lines, what is cut short, changes, or may not be opened.

use std::io::{self, Read, Write};

use model::NotRead;

use super::super::{Limits, read_path, read_stream};
use super::{Kept, file, gzip, path, stream, stream_with, tar, zip};
use crate::{Cell, ColumnId, Part, PartId, Place, Sink};

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
