//! Git repositories, all of what was ever committed and is still stored: the history of every reference, stashes, notes,
//! messages of commits and tags, and what no reference leads to any more.
//!
//! Each file version is read once, wherever it occurs, and its place says which commit brought it in. Nothing of the
//! repository is run or believed; see [`layout`].

mod committed;
mod dated;
mod history;
mod layout;
mod objects;
mod parse;
mod refs;

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use gix_hash::ObjectId;
use model::NotRead;

pub use self::committed::Committed;
use self::dated::{Dated, Told};
use self::history::{History, Losses};
use self::layout::{Found, Layout, files_below, is_plain_folder, names, small_file};
use self::objects::{Fault, Objects, What};
use crate::file::{self, Limits};
use crate::{Place, Sink};

/// Text is shown in pieces of about so many bytes.
const PIECE: usize = 1 << 20;
/// Different file versions that are read.
const MOST_BLOBS: usize = 10_000_000;

/// Whether a path is a repository or a work tree; if the latter has its repository elsewhere, reading it says so.
pub fn is_repository(path: &Path) -> bool {
    !matches!(layout::find(path), Found::Nothing)
}

/// Reads a repository, all but the files of its work tree: its history, with each version of a file read as the
/// [`file`](crate::file) reader reads it, and its messages. A version has at most [`Limits::memory`] bytes unless it is
/// stored whole, as git does with files above 512 MiB. What goes wrong is told to the sink.
pub fn read_repository(path: &Path, limits: &Limits, sink: &mut dyn Sink) {
    read_versions(path, limits, MOST_BLOBS, sink);
}

fn read_versions(path: &Path, limits: &Limits, most_blobs: usize, sink: &mut dyn Sink) {
    let layout = match layout::find(path) {
        Found::Repository(layout) => layout,
        Found::Elsewhere(place) => {
            let why =
                format!("the history of this work tree lies in {}: name that as a target", place.display());
            return tell(sink, "history", why, false);
        }
        Found::Nothing => return tell(sink, "history", "there is no repository".to_owned(), false),
    };
    let mut objects = Objects::open(&layout, limits.memory);
    let refs = refs::read(&layout);
    let shallow = ids_in(&layout, "shallow");
    let is_shallow = !shallow.is_empty();
    show_own_files(&layout, sink);
    let history = History::read(&mut objects, &refs, shallow, most_blobs, sink);
    tracing::debug!(commits = history.commits, blobs = history.blobs.len(), "history was read");
    let mut losses = read_blobs(&history, &mut objects, limits, sink);
    losses.add(&history.losses);
    tell_losses(&losses, &objects, sink);
    tell_layout(&layout, &history, is_shallow, sink);
}

/// Reads all file versions, in the order in which they are stored.
fn read_blobs(history: &History, objects: &mut Objects, limits: &Limits, sink: &mut dyn Sink) -> Losses {
    let mut order: Vec<_> =
        history.blobs.iter().map(|(id, origin)| (objects.spot(id), *id, origin)).collect();
    order.sort_by_key(|&(spot, id, _)| (spot, id));
    let mut losses = Losses::default();
    let (mut buffer, mut told) = (Vec::new(), Told::default());
    for (read, (_, id, origin)) in order.iter().enumerate() {
        if sink.stop() {
            let why = format!("the run was cut short: {} file versions were not read", order.len() - read);
            tell(sink, "history", why, false);
            break;
        }
        let present = (origin.present || history.head_known).then_some(origin.present);
        let mut dated = Dated::new(sink, origin.commit, present, &mut told);
        match objects.read(id, &mut buffer) {
            Ok(What::Blob) => file::read_stream(&origin.path, &mut buffer.as_slice(), limits, &mut dated),
            Ok(_) | Err(Fault::Damaged) => losses.damaged += 1,
            Err(Fault::Missing) => losses.missing += 1,
            Err(Fault::Large(size)) => match objects.stream(id) {
                Some(mut input) => file::read_stream(&origin.path, &mut input, limits, &mut dated),
                None => {
                    let why =
                        format!("a version of {size} bytes, stored as a difference, is larger than is taken");
                    tell(&mut dated, &origin.path, why, false);
                }
            },
        }
    }
    told.tell_rest(sink);
    losses
}

/// Shows a text in pieces of whole lines. A line longer than a piece is cut.
fn show_text(place: &Place<'_>, input: &mut dyn Read, sink: &mut dyn Sink) {
    let mut place = *place;
    let mut buffer = Vec::new();
    loop {
        let room = PIECE.saturating_sub(buffer.len()).max(1 << 12) as u64;
        let ended = match input.take(room).read_to_end(&mut buffer) {
            Ok(0) => true,
            Ok(_) => false,
            Err(_) => {
                tell(sink, place.file, format!("damaged from line {} on", place.line), false);
                true
            }
        };
        if !ended && buffer.len() < PIECE {
            continue;
        }
        let end = match memchr::memrchr(b'\n', &buffer) {
            Some(at) if !ended => at + 1,
            _ => buffer.len(),
        };
        let (piece, _) = buffer.split_at_checked(end).unwrap_or_default();
        if !piece.is_empty() {
            sink.text(&place, piece);
        }
        if ended || sink.stop() {
            return;
        }
        place.line += memchr::memchr_iter(b'\n', piece).count() as u64;
        buffer.drain(..end);
    }
}

/// Shows the repository's own texts: an address with a password stands in `config` as often as in any source file.
fn show_own_files(layout: &Layout, sink: &mut dyn Sink) {
    let bare = layout.git.file_name().is_none_or(|name| name != ".git");
    let mut files: Vec<String> = names(&layout.git)
        .into_iter()
        .filter(|name| name.starts_with("config") || name.ends_with("_MSG") || name == "FETCH_HEAD")
        .collect();
    // `logs` repeats what the messages of the commits say; as long as it names a commit, that is kept.
    for folder in ["hooks", "info"] {
        let below = files_below(&layout.git.join(folder)).into_iter();
        files.extend(below.filter(|name| !name.ends_with(".sample")).map(|name| format!("{folder}/{name}")));
    }
    for file in files {
        if let Some(text) = small_file(&layout.git.join(&file)) {
            let file = if bare { file } else { format!(".git/{file}") };
            let place = Place { file: &file, line: 1, commit: None, present: Some(true), as_rows: false };
            show_text(&place, &mut text.as_slice(), sink);
        }
    }
}

fn ids_in(layout: &Layout, file: &str) -> HashSet<ObjectId> {
    let text = small_file(&layout.git.join(file)).unwrap_or_default();
    text.split(|&byte| byte == b'\n').filter_map(|line| ObjectId::from_hex(line).ok()).collect()
}

impl Losses {
    fn add(&mut self, other: &Self) {
        self.missing += other.missing;
        self.damaged += other.damaged;
        self.large_trees += other.large_trees;
        self.deep += other.deep;
        self.beyond |= other.beyond;
        self.stopped |= other.stopped;
    }
}

fn tell_losses(losses: &Losses, objects: &Objects, sink: &mut dyn Sink) {
    for pack in &objects.broken_packs {
        tell(sink, &format!("objects/pack/{pack}"), "a pack that cannot be opened".to_owned(), false);
    }
    let Losses { missing, damaged, large_trees, deep, beyond, stopped } = losses;
    if *missing > 0 {
        let why = if objects.partial {
            "a partial clone leaves them with its server"
        } else {
            "git fsck names them"
        };
        tell(sink, "objects", format!("{missing} objects are not there: {why}"), false);
    }
    let lines = [
        (damaged, "objects are damaged: git fsck names them"),
        (large_trees, "commits or folders have more bytes than is taken"),
        (deep, "folders lie deeper than is looked"),
    ];
    for (count, what) in lines.into_iter().filter(|(count, _)| **count > 0) {
        tell(sink, "objects", format!("{count} {what}"), false);
    }
    if *beyond {
        tell(sink, "history", "there are more file versions than is taken".to_owned(), false);
    }
    if *stopped {
        tell(sink, "history", "the run was cut short before the whole history was seen".to_owned(), false);
    }
}

fn tell_layout(layout: &Layout, history: &History, shallow: bool, sink: &mut dyn Sink) {
    if shallow {
        let why = "a shallow clone: what was before is not here; git fetch --unshallow brings it";
        tell(sink, "history", why.to_owned(), false);
    }
    let alternates = small_file(&layout.git.join("objects/info/alternates")).unwrap_or_default();
    for line in String::from_utf8_lossy(&alternates).lines().filter(|line| !line.starts_with('#')).take(20) {
        let why =
            format!("objects that are shared with {line} are not read: name that repository as a target");
        tell(sink, "objects", why, false);
    }
    if layout.reftable {
        let why = "references are kept as a reftable, which is not read: what is present is not known";
        tell(sink, "refs", why.to_owned(), true);
    }
    for path in &history.submodules {
        tell(sink, path, "a submodule: a repository of its own, to be named as a target".to_owned(), true);
    }
    let modules = layout.git.join("modules");
    for name in names(&modules).into_iter().filter(|name| is_plain_folder(&modules.join(name))) {
        let why = "the history of a submodule: name it as a target";
        tell(sink, &format!(".git/modules/{name}"), why.to_owned(), false);
    }
}

/// The path of a name in a folder.
fn below(folder: &str, name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") }
}

fn tell(sink: &mut dyn Sink, location: &str, why: String, by_design: bool) {
    sink.not_read(NotRead { location: location.to_owned(), why, by_design });
}

#[cfg(test)]
mod tests;
