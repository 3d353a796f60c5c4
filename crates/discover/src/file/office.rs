//! Documents that are zip archives: DOCX and PPTX (ECMA-376), ODT and ODP (OASIS OpenDocument): their text runs. XLSX and
//! ODS are tables.

use std::io::{Read, Seek};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::block::BLOCK;
use super::input::Whole;
use super::job::{Job, member_name};
use super::limits::Unpacked;
use super::sheet::{self, Sheet};
use super::xml::{Metered, lenient, resolved};

/// Bytes of one text run or tag; Word's longest paragraph is far below.
const RUN: usize = 16 << 20;

/// How often a cell of an ODS table may be repeated: editors fill whole rows with copies of an empty cell.
const REPEATS: u32 = 1024;

/// Members of documents whose text is read.
const TEXT: &[(&str, &str)] = &[
    ("word/", ".xml"),
    ("ppt/slides/", ".xml"),
    ("ppt/notesSlides/", ".xml"),
    ("ppt/comments/", ".xml"),
    ("xl/comments", ".xml"),
    ("xl/drawings/", ".xml"),
    ("docProps/", ".xml"),
    ("content.xml", ""),
    ("styles.xml", ""),
    ("meta.xml", ""),
];

/// Members in which there is no text of the author.
const NO_TEXT: &[&str] =
    &["word/styles", "word/settings", "word/fontTable", "word/webSettings", "word/theme", "word/numbering"];

/// Whether a member is a file that was put into a document, such as a spreadsheet or an image.
pub(super) fn is_embedded(member: &str) -> bool {
    ["word/", "ppt/", "xl/"].iter().any(|room| {
        member
            .strip_prefix(room)
            .is_some_and(|rest| rest.starts_with("embeddings/") || rest.starts_with("media/"))
    }) || member.starts_with("Pictures/")
}

/// Reads the archive if it is a document or spreadsheet; false if it is not. What is embedded is left to the caller.
pub(super) fn read<R: Read + Seek>(
    job: &mut Job<'_>,
    name: &str,
    whole: &Whole,
    archive: &mut zip::ZipArchive<R>,
) -> bool {
    let has = |member: &str| archive.index_for_name(member).is_some();
    let is_open_document = has("mimetype") && has("content.xml");
    let is_sheet = has("xl/workbook.xml") || has("xl/workbook.bin");
    let is_binary = has("xl/workbook.bin");
    if !is_open_document && !is_sheet && !has("word/document.xml") && !has("ppt/presentation.xml") {
        return false;
    }
    if is_sheet && is_within_limits(job, name, archive) {
        match whole {
            Whole::Memory(bytes) => sheet::read_xml(job, name, Whole::Memory(bytes.clone()), is_binary),
            Whole::File(file, length) => match file.try_clone() {
                Ok(file) => sheet::read_xml(job, name, Whole::File(file, *length), is_binary),
                Err(error) => job.tell_error(name, &error),
            },
        }
    }
    let is_table = is_open_document && has_tables(archive);
    for index in 0..archive.len() {
        let Ok(mut file) = archive.by_index(index) else { continue };
        let Ok(member) = file.name().map(|name| name.into_owned()) else { continue };
        let is_text = TEXT.iter().any(|(start, end)| member.starts_with(start) && member.ends_with(end));
        if !is_text || NO_TEXT.iter().any(|start| member.starts_with(start)) {
            continue;
        }
        if job.spent.member(job.limits).is_err() || job.is_over(name) {
            break;
        }
        let input = Unpacked { inner: &mut file, spent: job.spent, limits: job.limits };
        let whole = if is_table && member == "content.xml" {
            tables(job, name, input)
        } else {
            runs(job, name, input)
        };
        if !whole {
            job.tell(
                &member_name(name, &member),
                "is damaged within this part: open the document and save it anew",
            );
        }
    }
    true
}

fn has_tables<R: Read + Seek>(archive: &mut zip::ZipArchive<R>) -> bool {
    let mut sort = String::new();
    let Ok(file) = archive.by_name("mimetype") else { return false };
    let _ = file.take(200).read_to_string(&mut sort);
    sort.contains("spreadsheet")
}

/// Whether everything that the reader of spreadsheets holds in memory is small enough: it has no limits of its own, and
/// what a member says about its size need not be true, so all of it is unpacked once.
fn is_within_limits<R: Read + Seek>(job: &mut Job<'_>, name: &str, archive: &mut zip::ZipArchive<R>) -> bool {
    let mut held = 0;
    for index in 0..archive.len() {
        let Ok(mut file) = archive.by_index(index) else { continue };
        let Ok(member) = file.name().map(|name| name.into_owned()) else { continue };
        if is_embedded(&member) {
            continue;
        }
        let mut input = Unpacked { inner: &mut file, spent: job.spent, limits: job.limits };
        // Sheets come cell by cell: of these only one cell is held.
        if member.starts_with("xl/worksheets/sheet") && member.ends_with(".xml") {
            if let Err(why) = longest_event(input) {
                job.tell(&member_name(name, &member), why);
                return false;
            }
            continue;
        }
        match std::io::copy(&mut input.by_ref().take(job.limits.memory + 1), &mut std::io::sink()) {
            Ok(bytes) => held += bytes,
            Err(error) => {
                job.tell_error(&member_name(name, &member), &error);
                return false;
            }
        }
        if held > job.limits.memory {
            job.tell(name, "is a spreadsheet that is too large for memory: save it as CSV");
            return false;
        }
    }
    true
}

/// Reads through a sheet to see that no single cell fills the memory.
fn longest_event(input: impl Read) -> Result<(), &'static str> {
    let mut reader = Reader::from_reader(Metered::new(input, RUN));
    lenient(&mut reader);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().begin();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => return Ok(()),
            Ok(_) => {}
            Err(_) if reader.get_ref().is_exceeded() => {
                return Err("has a cell that is too large for memory: save it as CSV");
            }
            Err(_) => return Err("is damaged within this sheet: open it and save it anew"),
        }
    }
}

/// Gives the text runs of a member. Whether it was read to its end.
fn runs(job: &mut Job<'_>, name: &str, input: impl Read) -> bool {
    let mut reader = Reader::from_reader(Metered::new(input, RUN));
    lenient(&mut reader);
    let (mut buffer, mut text) = (Vec::new(), String::new());
    let whole = loop {
        buffer.clear();
        reader.get_mut().begin();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break true,
            Ok(Event::Text(run)) => text.push_str(&run.xml10_content()),
            Ok(Event::CData(run)) => text.push_str(&run.xml10_content()),
            Ok(Event::GeneralRef(reference)) => text.push_str(&resolved(&reference)),
            Ok(Event::End(end)) => after(end.local_name().as_ref(), &mut text),
            Ok(Event::Empty(start)) => after(start.local_name().as_ref(), &mut text),
            Ok(_) => {}
            Err(_) => break false,
        }
        give(job, name, &mut text, BLOCK / 2);
    };
    give(job, name, &mut text, 0);
    whole
}

/// What stands for an element's end in plain text.
fn after(element: &str, text: &mut String) {
    match element {
        // Paragraphs, headings, line breaks, rows of tables, and the fields of the document's properties.
        "p" | "h" | "br" | "tr" | "line-break" | "table-row" | "comment" => text.push('\n'),
        "tc" | "tab" | "table-cell" => text.push('\t'),
        "s" => text.push(' '),
        "creator" | "title" | "subject" | "description" | "keywords" | "lastModifiedBy" | "Manager"
        | "Company" | "initial-creator" | "keyword" => text.push('\n'),
        _ => {}
    }
}

/// Gives the text when it is longer than `least`; whole lines, and the rest at the end.
fn give(job: &mut Job<'_>, name: &str, text: &mut String, least: usize) {
    if text.len() <= least {
        return;
    }
    let end =
        if least == 0 { text.len() } else { text.rfind('\n').map_or(text.len(), |newline| newline + 1) };
    for piece in text.as_bytes().get(..end).unwrap_or_default().chunks(BLOCK) {
        if !piece.trim_ascii().is_empty() {
            job.text(name, 0, piece);
        }
    }
    text.drain(..end);
}

/// Reads the tables of an OpenDocument spreadsheet.
fn tables(job: &mut Job<'_>, name: &str, input: impl Read) -> bool {
    let mut reader = Reader::from_reader(Metered::new(input, RUN));
    lenient(&mut reader);
    let mut buffer = Vec::new();
    let mut table: Option<Sheet<'_>> = None;
    let (mut row, mut column, mut count) = (0, 0, 0_u64);
    let mut cell = Cell::default();
    let whole = loop {
        buffer.clear();
        reader.get_mut().begin();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break true,
            Ok(event) => event,
            Err(_) => break false,
        };
        match &event {
            Event::Start(start) if is(start, "table") => {
                let sheet = attribute(start, "name").unwrap_or_default();
                (row, table) = (0, Some(Sheet::new(job, name, &member_name(name, &sheet))));
            }
            Event::Start(start) if is(start, "table-row") => (row, column) = (row + 1, 0),
            Event::Start(start) if is(start, "table-cell") => cell = Cell::new(start),
            Event::Empty(start) if is(start, "table-cell") => column += Cell::new(start).repeats,
            Event::Text(run) if cell.is_open => cell.text.push_str(&run.xml10_content()),
            Event::GeneralRef(reference) if cell.is_open => cell.text.push_str(&resolved(reference)),
            Event::End(end) => match end.local_name().as_ref() {
                "p" if cell.is_open => cell.text.push('\n'),
                "table-cell" => {
                    let cell = std::mem::take(&mut cell);
                    let repeats = if cell.text.len() < 4096 { cell.repeats.min(REPEATS) } else { 1 };
                    for _ in 0..repeats {
                        if let Some(table) = &mut table {
                            table.cell(job, row, column, cell.value().to_vec());
                        }
                        column += 1;
                    }
                }
                "table" => {
                    if let Some(table) = table.take() {
                        table.end(job, true);
                    }
                }
                _ => {}
            },
            _ => {}
        }
        count += 1;
        if count.is_multiple_of(65_536) && job.is_over(name) {
            break true;
        }
    };
    if let Some(table) = table {
        table.end(job, false);
    }
    whole
}

fn is(start: &BytesStart<'_>, element: &str) -> bool {
    let name = start.local_name();
    let name: &str = name.as_ref();
    name == element
}

fn attribute(start: &BytesStart<'_>, wanted: &str) -> Option<String> {
    start.attributes().with_checks(false).flatten().find_map(|attribute| {
        let key = attribute.key.local_name();
        let key: &str = key.as_ref();
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok()?;
        (key == wanted).then(|| value.into_owned())
    })
}

/// A cell of an OpenDocument table: the exact value where it is a number or date, else the text that is shown.
#[derive(Default)]
struct Cell {
    is_open: bool,
    exact: Option<String>,
    text: String,
    repeats: u32,
}

impl Cell {
    fn new(start: &BytesStart<'_>) -> Self {
        let exact = attribute(start, "value").or_else(|| attribute(start, "date-value"));
        let repeats =
            attribute(start, "number-columns-repeated").and_then(|count| count.parse().ok()).unwrap_or(1);
        Self { is_open: true, exact, text: String::new(), repeats: u32::min(repeats, 1 << 20) }
    }

    fn value(&self) -> &[u8] {
        self.exact.as_deref().unwrap_or_else(|| self.text.trim()).as_bytes()
    }
}
