//! Readers of local files and directories. What a file is follows from its first bytes, then from its name; archives are
//! opened within [`Limits`]. Files are strangers' bytes: whatever is wrong with one is a line in the ledger, and the
//! rest is read.
//!
//! Structured files (CSV, JSON, XML, SQL dumps, Parquet, spreadsheets, SQLite) come as rows; small ones of them, and all
//! other text, come as lines too, so that a secret has its position.

mod archive;
mod biff;
mod block;
mod csv;
mod decode;
mod detect;
mod input;
mod job;
mod json;
mod limits;
mod mail;
mod names;
mod office;
mod parquet;
mod pdf;
mod rows;
mod sheet;
mod sql;
mod sqlite;
mod text;
mod values;
mod walk;
mod window;
mod xml;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use archive::Packing;
use detect::{Format, HEAD, detect};
use input::{Body, Fails, head, take};
use job::Job;
pub use limits::Limits;
use limits::{Outer, Spent};
pub use walk::Skip;

use crate::Sink;

/// Reads a file, or a directory with all that is in it, in the order of their names. Locations are paths below `path`, and
/// the file's own name when it is a file. Symbolic links within a directory are not followed; pipes, sockets and devices
/// are not opened. What cannot be read goes to [`Sink::not_read`], with what to do about it; nothing ends the reading of
/// the rest.
pub fn read_path(path: &Path, limits: &Limits, sink: &mut dyn Sink) {
    read_path_but(path, limits, &|_, _| false, sink);
}

/// The same without what `skip` says of a location and its path.
pub fn read_path_but(path: &Path, limits: &Limits, skip: Skip<'_>, sink: &mut dyn Sink) {
    with_job(limits, sink, |job| walk::read(job, path, skip));
}

/// Reads a stream, such as the standard input, in memory that does not grow with it. `name` is its location. Formats that
/// are read from their end (zip, Parquet, SQLite) are held in memory up to [`Limits::memory`].
pub fn read_stream(name: &str, input: &mut dyn Read, limits: &Limits, sink: &mut dyn Sink) {
    with_job(limits, sink, |job| {
        job.spent.begin_file(0);
        let mut outer = Outer { inner: input, spent: job.spent };
        read_body(job, name, Body::Stream(&mut outer), 0);
        tell_cut(job, name);
    });
}

fn with_job(limits: &Limits, sink: &mut dyn Sink, run: impl FnOnce(&mut Job<'_>)) {
    let (spent, without_text) = (Spent::default(), RefCell::new(BTreeMap::new()));
    let mut job = Job { limits, spent: &spent, sink, without_text: &without_text, as_rows: false };
    run(&mut job);
    let counted = std::mem::take(&mut *without_text.borrow_mut());
    for (sort, count) in counted {
        if count > limits.told_per_sort {
            let more = count - limits.told_per_sort;
            job.mention("", format!("{more} more files are each {sort}: no text in them is read"));
        }
    }
}

/// Notes which bound the outermost file has hit; the next one begins without.
fn tell_cut(job: &mut Job<'_>, name: &str) {
    if let Some(cut) = job.spent.take_cut() {
        job.tell(name, cut.to_string());
    }
}

/// Reads a file or member of whatever format.
fn read_body(job: &mut Job<'_>, name: &str, mut body: Body<'_>, depth: usize) {
    let (head, is_whole, error) = head(&mut body, HEAD);
    let format = detect(name, &head, is_whole);
    match error {
        None => read_format(job, name, body, head, format, depth),
        Some(error) => {
            let mut rest = Fails::new(Some(error));
            read_format(job, name, Body::Stream(&mut rest), head, format, depth);
        }
    }
}

fn read_format(job: &mut Job<'_>, name: &str, body: Body<'_>, head: Vec<u8>, format: Format, depth: usize) {
    match format {
        // Of an empty file an error may be all there is.
        Format::Empty | Format::Text => body.stream(&head, |input| text::read(job, name, &head, input)),
        Format::JsonLines | Format::Json | Format::Csv(_) | Format::Xml | Format::Sql => {
            read_structured(job, name, body, head, &format);
        }
        Format::Mail => mail::read(job, name, body, &head, depth),
        Format::Gzip => read_packed(job, name, Packing::Gzip, body, &head, depth),
        Format::Bzip2 => read_packed(job, name, Packing::Bzip2, body, &head, depth),
        Format::Xz => read_packed(job, name, Packing::Xz, body, &head, depth),
        Format::Zstd => read_packed(job, name, Packing::Zstd, body, &head, depth),
        Format::Tar => body.stream(&head, |input| archive::read_tar(job, name, input, depth)),
        Format::Zip
        | Format::SevenZip
        | Format::Parquet
        | Format::Sqlite
        | Format::Pdf
        | Format::Compound => {
            let Some(whole) = body.whole(job, name, &head) else { return };
            match format {
                Format::Zip => archive::read_zip(job, name, whole, depth),
                Format::SevenZip => archive::read_7z(job, name, whole, depth),
                Format::Parquet => parquet::read(job, name, whole),
                Format::Sqlite => sqlite::read(job, name, whole),
                Format::Pdf => pdf::read(job, name, whole),
                _ => biff::read(job, name, whole),
            }
        }
        Format::WithoutText(sort) => {
            let mut counts = job.without_text.borrow_mut();
            let count = counts.entry(sort).or_default();
            *count += 1;
            let is_told = *count <= job.limits.told_per_sort;
            drop(counts);
            if is_told {
                job.mention(name, format!("is of the sort '{sort}': no text in it is read"));
            }
        }
        Format::NotUnderstood(why) => job.tell(name, why),
    }
}

fn read_packed(job: &mut Job<'_>, name: &str, packing: Packing, body: Body<'_>, head: &[u8], depth: usize) {
    body.stream(head, |input| archive::read_packed(job, name, packing, input, depth));
}

/// Reads a text with structure: as rows, and when it is small as lines, too.
fn read_structured(job: &mut Job<'_>, name: &str, body: Body<'_>, mut head: Vec<u8>, format: &Format) {
    let small = job.limits.text_too;
    let start = head.clone();
    match body {
        Body::Memory(bytes) => {
            let text = (bytes.len() as u64 <= small).then_some(&*bytes);
            read_rows(job, name, &start, text, &mut &*bytes, format);
        }
        Body::File(_, length) if length > small => {
            body.stream(&[], |input| read_rows(job, name, &start, None, input, format));
        }
        Body::File(..) => {
            let (bytes, error) = body.stream(&[], |input| take(input, small));
            let mut input = bytes.as_slice().chain(Fails::new(error));
            read_rows(job, name, &start, Some(&bytes), &mut input, format);
        }
        Body::Stream(input) => {
            let (more, error) = take(&mut *input, small.saturating_sub(head.len() as u64));
            head.extend_from_slice(&more);
            let text = (head.len() as u64 <= small).then_some(head.as_slice());
            match error {
                Some(error) => {
                    let mut input = head.as_slice().chain(Fails::new(Some(error)));
                    read_rows(job, name, &start, text, &mut input, format);
                }
                None => read_rows(job, name, &start, text, &mut head.as_slice().chain(input), format),
            }
        }
    }
}

fn read_rows(
    job: &mut Job<'_>,
    name: &str,
    start: &[u8],
    text: Option<&[u8]>,
    input: &mut dyn Read,
    format: &Format,
) {
    let parts = job.spent.parts();
    match format {
        Format::JsonLines => json::read_lines(job, name, start, input),
        Format::Json => json::read_document(job, name, start, input),
        Format::Csv(dialect) => csv::read(job, name, start, input, *dialect),
        Format::Xml => xml::read(job, name, start, input),
        _ => sql::read(job, name, start, input),
    }
    if let Some(mut bytes) = text {
        let as_rows = job.spent.parts() > parts;
        text::read(&mut Job { as_rows, ..job.inner() }, name, start, &mut bytes);
    }
}
