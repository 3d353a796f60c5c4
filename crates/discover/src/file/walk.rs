//! From a path to open files. Links are not followed and nothing but files is opened: a pipe would wait for a writer for
//! ever, and opening some devices does something.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::input::Body;
use super::job::Job;
use super::{read_body, tell_cut};

/// Directories that programs make anew or that another reader reads.
const LEFT_OUT: &[(&str, &str)] =
    &[(".git", "is the history of a git repository: it is read when the repository itself is the target")];

/// Whether a path, and its location below what is read, is left to somebody else.
pub type Skip<'a> = &'a dyn Fn(&str, &Path) -> bool;

/// Reads what the user named.
pub(super) fn read(job: &mut Job<'_>, path: &Path, skip: Skip<'_>) {
    let shown = name_of(path);
    // The user may name a link: what it leads to is meant.
    match std::fs::metadata(path) {
        Ok(about) if about.is_dir() => read_directory(job, path, skip),
        Ok(about) if about.is_file() => read_file(job, path, &shown, true),
        Ok(about) => job.tell(&shown, format!("is {}: it is not opened", sort(&about))),
        Err(error) => job.tell_error(&shown, &error),
    }
}

fn name_of(path: &Path) -> String {
    let path = path.file_name().map_or_else(|| path.as_os_str().to_owned(), OsString::from);
    shown(&path.to_string_lossy())
}

/// A name without control characters: it goes into reports.
fn shown(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Reads a directory without recursion: the deepest path is bounded by a number, not by the stack.
fn read_directory(job: &mut Job<'_>, root: &Path, skip: Skip<'_>) {
    // What is still to be read, the next one last: path, location, depth.
    let mut waiting: Vec<(PathBuf, String, usize)> = vec![(root.to_owned(), String::new(), 0)];
    while let Some((path, location, depth)) = waiting.pop() {
        if job.is_over(if location.is_empty() { "." } else { &location }) {
            return;
        }
        let about = match std::fs::symlink_metadata(&path) {
            Ok(about) => about,
            Err(error) => {
                job.tell_error(&location, &error);
                continue;
            }
        };
        if about.is_symlink() && depth > 0 {
            job.mention(
                &location,
                "is a symbolic link: links are not followed; name its target to have it read",
            );
        } else if about.is_dir() || depth == 0 {
            enter(job, &path, &location, depth, &mut waiting, skip);
        } else if about.is_file() {
            read_file(job, &path, &location, false);
        } else {
            job.mention(&location, format!("is {}: it is not opened", sort(&about)));
        }
    }
}

fn enter(
    job: &mut Job<'_>,
    path: &Path,
    location: &str,
    depth: usize,
    waiting: &mut Vec<(PathBuf, String, usize)>,
    skip: Skip<'_>,
) {
    let shown_location = if location.is_empty() { "." } else { location };
    if depth > job.limits.directory_depth {
        job.tell(location, "lies too deep in directories inside directories: name it to have it read");
        return;
    }
    let listing = match std::fs::read_dir(path) {
        Ok(listing) => listing,
        Err(error) => return job.tell_error(shown_location, &error),
    };
    let mut names = Vec::new();
    for entry in listing {
        match entry {
            Ok(_) if names.len() >= job.limits.directory_entries => {
                job.tell(
                    shown_location,
                    "has more entries than are read: name its parts to have the rest read",
                );
                break;
            }
            Ok(entry) => names.push(entry.file_name()),
            Err(error) => {
                job.tell_error(shown_location, &error);
                break;
            }
        }
    }
    names.sort_unstable();
    for name in names.into_iter().rev() {
        let below = shown(&name.to_string_lossy());
        let location = if location.is_empty() { below.clone() } else { format!("{location}/{below}") };
        let whole = path.join(&name);
        if skip(&location, &whole) {
            continue;
        }
        match LEFT_OUT.iter().find(|(left_out, _)| *left_out == below) {
            Some((_, why)) => job.mention(&location, *why),
            None => waiting.push((whole, location, depth + 1)),
        }
    }
}

fn read_file(job: &mut Job<'_>, path: &Path, location: &str, may_be_link: bool) {
    job.spent.begin_file(0);
    let (file, before) = match open(path, may_be_link) {
        Ok(opened) => opened,
        Err(error) => return job.tell_error(location, &error),
    };
    if !before.is_file() {
        job.mention(location, format!("became {}: it is not read", sort(&before)));
        return;
    }
    if before.len() == 0 && (&file).read(&mut [0]).is_ok_and(|read| read > 0) {
        job.mention(location, "is made by the system as it is read: it is not read");
        return;
    }
    job.spent.begin_file(before.len());
    let watched = file.try_clone();
    read_body(job, location, Body::File(file, before.len()), 0);
    tell_cut(job, location);
    if let Ok(after) = watched.and_then(|file| file.metadata()) {
        tell_change(job, location, &before, &after);
    }
}

/// Opens a file that was one a moment ago; should it have become a pipe, opening it does not wait.
fn open(path: &Path, may_be_link: bool) -> io::Result<(File, Metadata)> {
    let mut flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    if !may_be_link {
        flags |= OFlag::O_NOFOLLOW;
    }
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    let about = file.metadata()?;
    Ok((file, about))
}

fn tell_change(job: &mut Job<'_>, location: &str, before: &Metadata, after: &Metadata) {
    let is_touched = (before.mtime(), before.mtime_nsec()) != (after.mtime(), after.mtime_nsec());
    if after.len() < before.len() {
        job.tell(location, "was cut while it was read: read it again when nothing writes to it");
    } else if after.len() > before.len() {
        job.mention(location, "grew while it was read: what was added is not read");
    } else if is_touched {
        job.tell(location, "was changed while it was read: read it again when nothing writes to it");
    }
}

fn sort(about: &Metadata) -> &'static str {
    let sort = about.file_type();
    if sort.is_fifo() {
        "a named pipe"
    } else if sort.is_socket() {
        "a socket"
    } else if sort.is_char_device() || sort.is_block_device() {
        "a device"
    } else {
        "no file"
    }
}
