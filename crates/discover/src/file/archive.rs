//! Archives and packed files. What is in them is read like any file, archives again, within the limits.

use std::io::{self, Read, Seek};

use sevenz_rust2::{ArchiveReader, EntryDecision};

use super::decode::sniff;
use super::input::{Body, Whole};
use super::job::{Job, member_name};
use super::limits::Unpacked;
use super::{office, read_body};

/// Memory that a decompressor may take, in KiB: presets of xz need up to 65 MiB.
const DECODER_KIB: u32 = 256 << 10;

/// A packed file that holds one other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

/// A member's name in whatever encoding: archives made on Windows have names in its code page and do not say so.
fn name_of(raw: &[u8]) -> String {
    sniff(raw).0.decode_without_bom_handling(raw).0.into_owned()
}

/// Whether another level may be opened; notes when not.
fn may_enter(job: &mut Job<'_>, name: &str, depth: usize) -> bool {
    if depth < job.limits.depth {
        return true;
    }
    job.tell(name, "lies too deep in archives inside archives: unpack it and read the files");
    false
}

/// Reads what is packed in a file.
pub(super) fn read_packed(
    job: &mut Job<'_>,
    name: &str,
    packing: Packing,
    input: &mut dyn Read,
    depth: usize,
) {
    if !may_enter(job, name, depth) || job.spent.member(job.limits).is_err() {
        return;
    }
    let file = name.rsplit(['/', '!']).next().unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let tar = [".tgz", ".tbz", ".tbz2", ".txz", ".tzst"].iter().any(|ending| file.ends_with(ending));
    let inside = member_name(name, &format!("{stem}{}", if tar { ".tar" } else { "" }));
    let input = io::BufReader::with_capacity(64 << 10, input);
    let (spent, limits) = (job.spent, job.limits);
    let mut run = |decoder: &mut dyn Read| {
        let mut unpacked = Unpacked { inner: decoder, spent, limits };
        read_body(job, &inside, Body::Stream(&mut unpacked), depth + 1);
    };
    match packing {
        Packing::Gzip => run(&mut flate2::bufread::MultiGzDecoder::new(input)),
        Packing::Bzip2 => run(&mut bzip2::bufread::MultiBzDecoder::new(input)),
        Packing::Xz => run(&mut lzma_rust2::XzReader::new_mem_limit(input, true, DECODER_KIB)),
        Packing::Zstd => match zstd::stream::read::Decoder::with_buffer(input) {
            Ok(mut decoder) => run(&mut decoder),
            Err(error) => job.tell_error(name, &error),
        },
    }
}

/// Reads the members of a tar archive (<https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html>).
pub(super) fn read_tar(job: &mut Job<'_>, name: &str, input: &mut dyn Read, depth: usize) {
    if !may_enter(job, name, depth) {
        return;
    }
    let mut archive = tar::Archive::new(input);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return job.tell_error(name, &error),
    };
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => return job.tell_error(name, &error),
        };
        if job.spent.member(job.limits).is_err() || job.is_over(name) {
            return;
        }
        let member = member_name(name, &name_of(&entry.path_bytes()));
        let sort = entry.header().entry_type();
        if sort.is_gnu_sparse() {
            // Its holes become zeros.
            let mut unpacked = Unpacked { inner: entry, spent: job.spent, limits: job.limits };
            read_body(job, &member, Body::Stream(&mut unpacked), depth + 1);
        } else if sort.is_file() || sort.is_contiguous() {
            read_body(job, &member, Body::Stream(&mut entry), depth + 1);
        }
    }
}

/// Reads a zip archive, or the document or spreadsheet that it is.
pub(super) fn read_zip(job: &mut Job<'_>, name: &str, whole: Whole, depth: usize) {
    if !may_enter(job, name, depth) {
        return;
    }
    let archive = match &whole {
        Whole::Memory(bytes) => zip::ZipArchive::new(Whole::Memory(bytes.clone()).seekable()),
        Whole::File(file, length) => match file.try_clone() {
            Ok(file) => zip::ZipArchive::new(Whole::File(file, *length).seekable()),
            Err(error) => return job.tell_error(name, &error),
        },
    };
    let mut archive = match archive {
        Ok(archive) => archive,
        Err(_) => {
            job.tell(name, "is a zip archive without a readable directory: it was cut short or damaged; get a whole copy");
            return;
        }
    };
    if office::read(job, name, &whole, &mut archive) {
        return read_members(job, name, &mut archive, depth, &|member| office::is_embedded(member));
    }
    read_members(job, name, &mut archive, depth, &|_| true);
}

fn read_members<R: Read + Seek>(
    job: &mut Job<'_>,
    name: &str,
    archive: &mut zip::ZipArchive<R>,
    depth: usize,
    is_wanted: &dyn Fn(&str) -> bool,
) {
    for index in 0..archive.len() {
        let named = archive.name_for_index(index).and_then(Result::ok).map(|name| name.into_owned());
        let mut file = match archive.by_index(index) {
            Ok(file) => file,
            Err(error) => {
                let why = match error {
                    zip::result::ZipError::UnsupportedArchive(_) | zip::result::ZipError::InvalidPassword => {
                        "is encrypted, or packed in a way that is not understood: unpack it and read the files"
                    }
                    _ => "is damaged: get a whole copy of the archive",
                };
                job.tell(&member_name(name, named.as_deref().unwrap_or("?")), why);
                continue;
            }
        };
        if file.is_dir() || file.is_symlink() {
            continue;
        }
        let member = name_of(file.name_raw());
        if !is_wanted(&member) {
            continue;
        }
        if job.spent.member(job.limits).is_err() || job.is_over(name) {
            return;
        }
        let member = member_name(name, &member);
        let (spent, limits) = (job.spent, job.limits);
        let mut unpacked = Unpacked { inner: &mut file, spent, limits };
        read_body(job, &member, Body::Stream(&mut unpacked), depth + 1);
    }
}

/// Reads the members of a 7z archive (<https://www.7-zip.org/7z.html>).
pub(super) fn read_7z(job: &mut Job<'_>, name: &str, whole: Whole, depth: usize) {
    if !may_enter(job, name, depth) {
        return;
    }
    let password = sevenz_rust2::Password::empty();
    let opened = job.guarded(name, |_| {
        ArchiveReader::new_with_memory_limit(whole.seekable(), password, DECODER_KIB as usize)
    });
    let Some(opened) = opened else { return };
    let Ok(mut archive) = opened else {
        job.tell(
            name,
            "is a 7z archive that is encrypted, cut short or damaged: unpack it and read the files",
        );
        return;
    };
    archive.set_thread_count(1);
    let outcome = job.guarded(name, |job| {
        archive.for_each_entries_with_decision(|entry, input| {
            if job.spent.member(job.limits).is_err() || job.is_over(name) {
                return Ok(EntryDecision::Stop);
            }
            if !entry.is_directory() && entry.has_stream() {
                let member = member_name(name, entry.name());
                let mut unpacked = Unpacked { inner: input, spent: job.spent, limits: job.limits };
                read_body(job, &member, Body::Stream(&mut unpacked), depth + 1);
            }
            Ok(EntryDecision::Continue)
        })
    });
    match outcome {
        Some(Err(
            sevenz_rust2::Error::PasswordRequired | sevenz_rust2::Error::UnsupportedCompressionMethod(_),
        )) => {
            job.tell(
                name,
                "is encrypted, or packed in a way that is not understood: unpack it and read the files",
            );
        }
        Some(Err(_)) => job.tell_error(name, &io::ErrorKind::InvalidData.into()),
        Some(Ok(())) | None => {}
    }
}
