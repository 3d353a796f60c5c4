//! Files of an office: a spreadsheet, a letter, a list as PDF. The last two are the least that their readers take.

use std::ops::Range;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use super::zipped;
use crate::table::Table;
use crate::world::World;

/// A workbook with the table on a sheet.
pub(super) fn sheet(world: &World, table: &Table, records: Range<u64>) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // The time of making is part of the bytes.
    book.set_properties(&DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2026, 7, 1)?));
    let sheet = book.add_worksheet();
    sheet.set_name(table.name)?;
    for (column, at) in table.columns.iter().zip(0..) {
        sheet.write_string(0, at, column.name.as_str())?;
    }
    let mut text = Vec::new();
    for (record, row) in world.records(records).zip(1..) {
        for (column, at) in table.columns.iter().zip(0..) {
            text.clear();
            if world.write(&record, column.field, &mut text) {
                sheet.write_string(row, at, String::from_utf8_lossy(&text))?;
            }
        }
    }
    book.save_to_buffer()
}

/// A document of WordprocessingML (ECMA-376, part 1, 11.2) with these paragraphs.
pub(super) fn letter(paragraphs: &[String]) -> Result<Vec<u8>, zip::result::ZipError> {
    let body: String = paragraphs
        .iter()
        .map(|text| {
            // Editors split a text into runs wherever somebody paused: a number may be in two of them.
            let middle = text.char_indices().map(|(at, _)| at).nth(text.chars().count() / 2).unwrap_or(0);
            let (left, right) = text.split_at(middle);
            let (left, right) = (escaped(left), escaped(right));
            format!("<w:p><w:r><w:t xml:space=\"preserve\">{left}</w:t></w:r><w:r><w:t xml:space=\"preserve\">{right}</w:t></w:r></w:p>")
        })
        .collect();
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<w:document \
         xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>{body}</w:body></w:document>"
    );
    zipped(&[
        ("[Content_Types].xml", CONTENT_TYPES.as_bytes()),
        ("_rels/.rels", RELATIONS.as_bytes()),
        ("word/document.xml", document.as_bytes()),
    ])
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('\n', "</w:t><w:br/><w:t xml:space=\"preserve\">")
}

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;

const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;

/// A PDF (ISO 32000-1, annex H.3) of one page with these lines; they hold no parentheses and no backslashes.
pub(super) fn pdf(lines: &[String]) -> Vec<u8> {
    let text: String = lines.iter().map(|line| format!("({line}) Tj T*\n")).collect();
    let content = format!("BT /F1 10 Tf 14 TL 40 800 Td\n{text}ET\n");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}endstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut out = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (object, number) in objects.iter().zip(1..) {
        table += &format!("{:010} 00000 n \n", out.len());
        out += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let start = out.len();
    out += &format!("xref\n0 6\n{table}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_pdf_points_at_its_objects() {
        let pdf = String::from_utf8(pdf(&["one".to_owned(), "two".to_owned()])).unwrap();
        let table = pdf.split("xref\n0 6\n").nth(1).unwrap();
        for (line, number) in table.lines().skip(1).take(5).zip(1..) {
            let at: usize = line.split(' ').next().unwrap().parse().unwrap();
            assert!(pdf.split_at(at).1.starts_with(&format!("{number} 0 obj")), "{line}");
        }
    }

    #[test]
    fn a_letter_is_an_archive_with_its_text() {
        let bytes = letter(&["a && b".to_owned(), "two\nlines".to_owned()]).unwrap();
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let text = std::io::read_to_string(zip.by_name("word/document.xml").unwrap()).unwrap();
        assert!(text.contains("<w:br/>") && text.matches("&amp;").count() == 2);
    }
}
