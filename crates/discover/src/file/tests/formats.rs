//! Tests of the formats that are not text. What no crate here writes was written by another program: xz by Python's
//! lzma, 7z by py7zr.

use std::io::{Cursor, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, StructArray};

use super::super::{Limits, read_path};
use super::{Kept, file, gzip, stream, zip};

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().map(|digit| (digit as char).to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Each file as a file and as a stream.
fn both(name: &str, bytes: &[u8]) -> [Kept; 2] {
    [file(name, bytes), stream(name, bytes)]
}

#[test]
fn xz_and_7z_are_unpacked() {
    let xz = unhex(
        "fd377a585a000004e6d6b4460200210116000000742fe5a301001669642c70686f6e650a312c31353430303030303030310a0000\
         bbd5ac0dfef6cce600012f17810849b11fb6f37d010000000004595a",
    );
    let seven = unhex(
        "377abcaf271c0004b452508e720000000000000014000000000000000751dc3501001669642c70686f6e650a312c313534303030\
         30303030310a00e00050004f5d0000813307ae0fcfb5ef100fd46a5e7de5d7dd9be6af52781099c3f4f9110096753490ec0a2e21\
         f0e9bd70ec6588d5d99ef810ffc9ce608ce551635a28c9a67c177673cc2a85b0871cb784f414c000000017061b01095700070b01\
         0001212101180c510000",
    );
    for (name, bytes, inside) in [("t.csv.xz", xz, "t.csv"), ("t.7z", seven, "t.csv")] {
        for kept in both(name, &bytes) {
            assert_eq!(
                kept.cells(),
                [format!("{name}!{inside} id 1"), format!("{name}!{inside} phone 15400000001")],
                "{}",
                kept.told()
            );
        }
        for length in 0..bytes.len() {
            let _ = stream(name, &bytes[..length]);
        }
    }
}

#[test]
fn parquet_is_read_with_paths_for_nested_fields() {
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("Ann"), None, Some("王")]));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let tags = ListArray::from_iter_primitive::<arrow_array::types::Int32Type, _, _>(vec![
        Some(vec![Some(7), Some(8)]),
        Some(vec![]),
        None,
    ]);
    let person = StructArray::from(vec![(
        Arc::new(arrow_schema::Field::new("id", arrow_schema::DataType::Int64, false)),
        ids.clone(),
    )]);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("name", names, true),
        ("tags", Arc::new(tags) as ArrayRef, true),
        ("person", Arc::new(person) as ArrayRef, false),
    ])
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    for kept in both("a.parquet", &bytes) {
        assert_eq!(
            kept.cells(),
            [
                "a.parquet name Ann",
                "a.parquet person.id 1",
                "a.parquet tags[] 7",
                "a.parquet tags[] 8",
                "a.parquet person.id 2",
                "a.parquet name 王",
                "a.parquet person.id 3",
            ]
        );
        assert_eq!(kept.parts[0].3, Some(3));
    }
    let kept = file("cut.parquet", &bytes[..bytes.len() / 2]);
    assert!(kept.told().contains("cut.parquet: is a Parquet file that is cut short"), "{}", kept.told());
}

#[test]
fn tables_of_sqlite_are_read_and_changes_beside_the_file_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE \"odd \"\" name\" (id INTEGER PRIMARY KEY, phone, data BLOB);
             INSERT INTO \"odd \"\" name\" VALUES (1, 15400000001, NULL), (2, 'x', x'4142');
             CREATE VIEW v AS SELECT * FROM \"odd \"\" name\";",
        )
        .unwrap();
    drop(connection);
    let bytes = std::fs::read(&path).unwrap();
    for kept in both("a.db", &bytes) {
        assert_eq!(
            kept.cells(),
            [
                "a.db!odd \" name id 1",
                "a.db!odd \" name phone 15400000001",
                "a.db!odd \" name data AB",
                "a.db!odd \" name id 2",
                "a.db!odd \" name phone x",
            ]
        );
        assert_eq!((kept.parts.len(), kept.parts[0].3, kept.not_read.len()), (1, Some(2), 0));
    }
    // A writer in the middle of its work: nothing waits, nothing is created, and what is missing is told.
    let writer = rusqlite::Connection::open(&path).unwrap();
    writer
        .execute_batch(
            "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; DELETE FROM \"odd \"\" name\" WHERE id = 1;",
        )
        .unwrap();
    writer.execute_batch("COMMIT; BEGIN IMMEDIATE;").unwrap();
    let before: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let mut kept = Kept::default();
    read_path(&path, &Limits::default(), &mut kept);
    let after: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(before, after);
    assert_eq!(kept.parts[0].2.len(), 2);
    assert!(kept.told().contains("a.db: a.db-wal holds changes"), "{}", kept.told());
    drop(writer);
    let kept = file("cut.db", &bytes[..bytes.len() / 2]);
    assert!(kept.told().contains("cut.db: is an SQLite file that is damaged"), "{}", kept.told());
}

const SHEET: &str = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>
<row r="2"><c r="A2" t="inlineStr"><is><t>Ann</t></is></c><c r="B2"><v>15400000001</v></c></row>
<row r="1048576"><c r="XFD1048576" t="s"><v>2</v></c></row></sheetData></worksheet>"#;

fn xlsx() -> Vec<u8> {
    zip(&[
        (
            "[Content_Types].xml",
            br#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#,
        ),
        (
            "_rels/.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
            <Relationship Id="rId1" Target="xl/workbook.xml"
            Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
            xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
            <sheet name="People" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
            <Relationship Id="rId1" Target="worksheets/sheet1.xml"
            Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/></Relationships>"#,
        ),
        (
            "xl/sharedStrings.xml",
            br#"<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>name</t></si>
            <si><t>phone</t></si><si><t>far away</t></si></sst>"#,
        ),
        ("xl/worksheets/sheet1.xml", SHEET.as_bytes()),
    ])
}

#[test]
fn spreadsheets_are_read_cell_by_cell() {
    for kept in both("a.xlsx", &xlsx()) {
        assert_eq!(
            kept.cells(),
            ["a.xlsx!People name Ann", "a.xlsx!People phone 15400000001", "a.xlsx!People XFD far away"],
            "{}",
            kept.told()
        );
    }
    let bytes = xlsx();
    let kept = file("cut.xlsx", &bytes[..bytes.len() - 100]);
    assert!(kept.told().contains("without a readable directory"), "{}", kept.told());
}

#[test]
fn an_open_document_table_does_not_grow_by_its_repetitions() {
    let content = r#"<office:document-content><office:body><office:spreadsheet><table:table table:name="People">
        <table:table-row><table:table-cell><text:p>name</text:p></table:table-cell>
        <table:table-cell><text:p>phone</text:p></table:table-cell></table:table-row>
        <table:table-row><table:table-cell office:value-type="string"><text:p>Ann &amp; Bob</text:p></table:table-cell>
        <table:table-cell office:value="15400000001"><text:p>1.54E10</text:p></table:table-cell>
        <table:table-cell table:number-columns-repeated="1000000000"/></table:table-row>
        <table:table-row table:number-rows-repeated="1048576"><table:table-cell
        table:number-columns-repeated="16384"/></table:table-row>
        </table:table></office:spreadsheet></office:body></office:document-content>"#;
    let sort = b"application/vnd.oasis.opendocument.spreadsheet";
    for kept in both("a.ods", &zip(&[("mimetype", sort), ("content.xml", content.as_bytes())])) {
        assert_eq!(kept.cells(), ["a.ods!People name Ann & Bob", "a.ods!People phone 15400000001"]);
    }
}

/// A record of BIFF8.
fn record(into: &mut Vec<u8>, sort: u16, data: &[u8]) {
    into.extend_from_slice(&sort.to_le_bytes());
    into.extend_from_slice(&(data.len() as u16).to_le_bytes());
    into.extend_from_slice(data);
}

fn cell(row: u16, column: u16, value: &[u8]) -> Vec<u8> {
    [&row.to_le_bytes()[..], &column.to_le_bytes(), &[0, 0], value].concat()
}

#[test]
fn old_spreadsheets_are_read_cell_by_cell() {
    let mut book = Vec::new();
    record(&mut book, 0x0809, &[0, 6, 5, 0]);
    record(&mut book, 0x0085, b"\0\0\0\0\0\0\x06\0People");
    // Three strings; the last goes on in a record of its own, in wide letters.
    record(&mut book, 0x00fc, b"\x03\0\0\0\x03\0\0\0\x04\0\0name\x05\0\0phone\x04\0\0An");
    record(&mut book, 0x003c, &[1, 0x8b, 0x73, b'x', 0]);
    record(&mut book, 0x000a, &[]);
    record(&mut book, 0x0809, &[0, 6, 16, 0]);
    record(&mut book, 0x00fd, &cell(0, 0, &0_u32.to_le_bytes()));
    record(&mut book, 0x00fd, &cell(0, 1, &1_u32.to_le_bytes()));
    record(&mut book, 0x00fd, &cell(1, 0, &2_u32.to_le_bytes()));
    record(&mut book, 0x0203, &cell(1, 1, &15_400_000_001.0_f64.to_le_bytes()));
    record(&mut book, 0x027e, &cell(65_535, 255, &(42_u32 << 2 | 2).to_le_bytes()));
    record(&mut book, 0x000a, &[]);
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    compound.create_stream("/Workbook").unwrap().write_all(&book).unwrap();
    let bytes = compound.into_inner().into_inner();
    for kept in both("a.xls", &bytes) {
        assert_eq!(
            kept.cells(),
            ["a.xls!People name An\u{738b}x", "a.xls!People phone 15400000001", "a.xls!People IV 42"],
            "{}",
            kept.told()
        );
        assert!(kept.not_read.is_empty());
    }
    let kept = file("cut.xls", &bytes[..bytes.len() / 3]);
    assert!(!kept.undecided().is_empty());
}

#[test]
fn documents_give_their_paragraphs_and_what_is_embedded() {
    let word = "<w:document><w:body><w:p><w:r><w:t>Ann lives</w:t></w:r><w:r><w:t> here</w:t></w:r></w:p>\
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>phone</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:body></w:document>";
    let slide = "<p:sld><a:p><a:r><a:t>Slide of Ann</a:t></a:r></a:p></p:sld>";
    let open = "<office:document-content><text:p>Ann<text:s/>lives<text:tab/>here</text:p></office:document-content>";
    let cases = [
        (
            "a.docx",
            zip(&[("word/document.xml", word.as_bytes()), ("word/embeddings/b.xlsx", &xlsx())]),
            "Ann lives here\n",
        ),
        (
            "a.pptx",
            zip(&[("ppt/presentation.xml", b"<p/>"), ("ppt/slides/slide1.xml", slide.as_bytes())]),
            "Slide of Ann\n",
        ),
        (
            "a.odt",
            zip(&[
                ("mimetype", b"application/vnd.oasis.opendocument.text"),
                ("content.xml", open.as_bytes()),
            ]),
            "Ann lives\there\n",
        ),
    ];
    for (name, bytes, text) in cases {
        let kept = file(name, &bytes);
        assert!(kept.whole_text().contains(text), "{name}: {}", kept.whole_text());
        assert!(kept.texts.iter().all(|(file, line, _)| file == name && *line == 0));
        assert_eq!(kept.parts.len(), usize::from(name == "a.docx"));
    }
}

fn pdf(text: &str, startxref: &str) -> Vec<u8> {
    let content = format!("BT /F1 12 Tf 72 700 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> \
         /Annots [6 0 R] >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        "<< /Type /Annot /Subtype /Text /Contents (a note) /Rect [0 0 9 9] >>".to_owned(),
    ];
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (number, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", bytes.len()));
        write!(bytes, "{} 0 obj\n{object}\nendobj\n", number + 1).unwrap();
    }
    let at = if startxref.is_empty() { bytes.len().to_string() } else { startxref.to_owned() };
    write!(bytes, "xref\n0 7\n{table}trailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n").unwrap();
    bytes
}

#[test]
fn a_pdf_gives_its_pages_and_one_that_lies_is_told() {
    for kept in both("a.pdf", &pdf("Ann 15400000001", "")) {
        assert!(kept.whole_text().contains("Ann 15400000001") && kept.whole_text().contains("a note"));
        assert!(kept.not_read.is_empty(), "{}", kept.told());
    }
    let lies = file("lies.pdf", &pdf("Ann 15400000001", "999999"));
    assert!(lies.whole_text().contains("Ann 15400000001"));
    assert!(lies.told().contains("lies.pdf: is a PDF whose table of objects is wrong"), "{}", lies.told());
    let length =
        String::from_utf8(pdf("Ann 15400000001", "")).unwrap().replace("/Length 51", "/Length 999999");
    let kept = file("length.pdf", length.as_bytes());
    assert!(kept.whole_text().contains("Ann 15400000001") || !kept.undecided().is_empty(), "{}", kept.told());
    let loops = String::from_utf8(pdf("x", "")).unwrap().replace("/Kids [3 0 R]", "/Kids [2 0 R]");
    assert!(!file("loop.pdf", loops.as_bytes()).undecided().is_empty());
}

const MESSAGE: &str = "From: =?utf-8?B?546L?= <ann@example.com>\r\nTo: bob@example.com\r\nSubject: =?utf-8?Q?H=C3=A9llo?=\r\n\
    MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
    Content-Type: text/plain; charset=gbk\r\nContent-Transfer-Encoding: base64\r\n\r\n1tDOxA==\r\n--x\r\n\
    Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"a.csv\"\r\n\
    Content-Transfer-Encoding: base64\r\n\r\naWQscGhvbmUKMSwxNTQwMDAwMDAwMQo=\r\n--x--\r\n";

#[test]
fn messages_give_headers_bodies_and_attachments() {
    for kept in both("a.eml", MESSAGE.as_bytes()) {
        let text = kept.whole_text();
        assert!(
            text.contains("From: 王 <ann@example.com>")
                && text.contains("Subject: Héllo")
                && text.contains("中文")
        );
        assert_eq!(kept.cells(), ["a.eml!a.csv id 1", "a.eml!a.csv phone 15400000001"]);
    }
    let mailbox = format!(
        "From a@b Thu Jan  1 00:00:00 2020\n{}\n\nFrom c@d Thu Jan  1 00:00:00 2020\nFrom: c@d.example\n\
         To: x@y.example\nSubject: two\n\nsecond body\n",
        MESSAGE.replace("\r\n", "\n")
    );
    let kept = file("mail.mbox", mailbox.as_bytes());
    assert_eq!(kept.cells().len(), 2);
    assert!(
        kept.texts
            .iter()
            .any(|(file, _, text)| file == "mail.mbox!message 2" && text.contains("second body"))
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    #[test]
    fn a_byte_that_is_changed_panics_nowhere(which in 0_usize..6, at: proptest::sample::Index, byte: u8, cut: bool) {
        let (name, mut bytes) = match which {
            0 => ("a.xlsx", xlsx()),
            1 => ("a.pdf", pdf("Ann", "")),
            2 => ("a.eml", MESSAGE.as_bytes().to_vec()),
            3 => ("a.zip", zip(&[("a.txt", b"words"), ("b.zip", &zip(&[("c.txt", b"more words")]))])),
            4 => ("a.docx", zip(&[("word/document.xml", b"<w:p><w:t>Ann</w:t></w:p>")])),
            _ => ("a.gz", gzip(b"words and more words")),
        };
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        let _ = stream(name, &bytes);
    }
}
