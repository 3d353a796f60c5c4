//! PDF (ISO 32000): the text of each page, of its notes and forms. Its cross-reference table and its lengths are
//! strangers' claims: lopdf mends what it can, and what had to be mended is told.

use lopdf::{Document, LoadOptions, Object};

use super::block::BLOCK;
use super::input::Whole;
use super::job::Job;

/// Pages of one document.
const PAGES: usize = 100_000;

/// Bytes that one stream of a document may unpack to.
const STREAM: usize = 64 << 20;

/// Dictionary entries that hold text beside the pages: of forms, notes and the document itself.
const TEXTS: &[&[u8]] = &[b"V", b"Contents", b"Title", b"Author", b"Subject", b"Keywords", b"DV", b"TU"];

/// Reads a document.
pub(super) fn read(job: &mut Job<'_>, name: &str, whole: Whole) {
    let Some(bytes) = whole.into_memory(job, name) else { return };
    job.guarded(name, |job| read_document(job, name, &bytes));
}

fn read_document(job: &mut Job<'_>, name: &str, bytes: &[u8]) {
    let options = LoadOptions::with_max_decompressed_size(STREAM);
    let document = match Document::load_mem_with_options(bytes, options) {
        Ok(document) => document,
        Err(lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_)) => {
            return job.tell(name, "is encrypted: save it without a password");
        }
        Err(_) => {
            return job.tell(
                name,
                "is a PDF whose table of objects is wrong and could not be rebuilt: print it to a new PDF",
            );
        }
    };
    if document.is_encrypted() {
        return job.tell(name, "is encrypted: save it without a password");
    }
    if document.xref_recovery.is_some() {
        let why = "is a PDF whose table of objects is wrong: its objects were searched for, and some may be missing; \
                   print it to a new PDF to be sure";
        job.tell(name, why);
    }
    let pages = document.get_pages();
    if pages.len() > PAGES {
        job.tell(name, "has more pages than are read: split it");
    }
    let (mut broken, mut without_text) = (Vec::new(), 0);
    for page in pages.keys().take(PAGES) {
        if job.is_over(name) {
            return;
        }
        match document.extract_text_with_limit(&[*page], STREAM) {
            Ok(text) if text.trim().is_empty() => without_text += 1,
            Ok(text) => {
                if job.spent.unpacked(text.len() as u64, job.limits).is_err() {
                    return;
                }
                give(job, name, &text);
            }
            Err(_) => broken.push(*page),
        }
    }
    if let Some(first) = broken.first() {
        let count = broken.len();
        job.tell(
            name,
            format!("{count} pages are damaged, the first is page {first}: print it to a new PDF"),
        );
    }
    if pages.is_empty() {
        job.tell(name, "is a PDF without a page that can be found: print it to a new PDF");
    } else if without_text > 0 {
        job.mention(name, format!("{without_text} pages hold no text: images are not read"));
    }
    beside_pages(job, name, &document);
}

/// Gives the texts of forms, notes and properties.
fn beside_pages(job: &mut Job<'_>, name: &str, document: &Document) {
    let mut found = String::new();
    for object in document.objects.values() {
        let Ok(dictionary) = object.as_dict() else { continue };
        for key in TEXTS {
            let Ok(value @ Object::String(..)) = dictionary.get(key) else { continue };
            if let Ok(text) = lopdf::decode_text_string(value) {
                found.push_str(&text);
                found.push('\n');
            }
        }
    }
    if !found.is_empty() {
        give(job, name, &found);
    }
}

fn give(job: &mut Job<'_>, name: &str, text: &str) {
    for piece in text.as_bytes().chunks(BLOCK) {
        job.text(name, 0, piece);
    }
}
