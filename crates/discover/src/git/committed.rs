//! Which files of a work tree are as they were committed: the reader of repositories has read these, with the commit that
//! brought them in, and whoever reads the work tree leaves them out.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use gix_hash::{Kind, ObjectId};

use super::layout::{self, Found};
use super::objects::{Objects, What};
use super::parse::{self, EntryKind};
use super::{below, refs};
use crate::file::Limits;

/// Files of a work tree that are looked up; with more, the rest is read twice.
const MOST_FILES: usize = 2_000_000;
/// How deep folders may lie in each other.
const DEEPEST: usize = 128;

/// The files of the commit that `HEAD` is at.
#[derive(Debug)]
pub struct Committed {
    hash: Kind,
    files: HashMap<Box<str>, ObjectId>,
}

impl Committed {
    /// The files of the work tree at `path`; `None`: it is none, or has no commit that can be read.
    pub fn new(path: &Path, limits: &Limits) -> Option<Self> {
        let Found::Repository(layout) = layout::find(path) else { return None };
        if layout.git == path {
            return None;
        }
        let head = refs::read(&layout).head?;
        let mut objects = Objects::open(&layout, limits.memory);
        let mut buffer = Vec::new();
        let commit =
            matches!(objects.read(&head, &mut buffer), Ok(What::Commit)).then(|| parse::commit(&buffer))?;
        let mut files = HashMap::new();
        let mut stack = vec![(commit.tree?, String::new(), 0)];
        while let Some((id, path, depth)) = stack.pop() {
            if !matches!(objects.read(&id, &mut buffer), Ok(What::Tree)) {
                continue;
            }
            for entry in parse::tree(&buffer, objects.hash()) {
                match entry.kind {
                    EntryKind::Blob if files.len() < MOST_FILES => {
                        files.insert(below(&path, entry.name).into(), entry.id);
                    }
                    // A liar's trees can name a tree a thousand times in each of a thousand.
                    EntryKind::Tree
                        if depth < DEEPEST && stack.len() < MOST_FILES && files.len() < MOST_FILES =>
                    {
                        stack.push((entry.id, below(&path, entry.name), depth + 1));
                    }
                    _ => {}
                }
            }
        }
        Some(Self { hash: layout.hash, files })
    }

    /// Whether the file, which stands at `below` in the work tree, has the bytes that were committed there. A file that git
    /// changes on the way (its line ends, say) is not taken for that.
    pub fn holds(&self, below: &str, file: &Path) -> bool {
        self.files.get(below).is_some_and(|id| self.id(file) == Some(*id))
    }

    /// The name that git gives to the bytes of a file.
    fn id(&self, file: &Path) -> Option<ObjectId> {
        if !std::fs::symlink_metadata(file).ok()?.is_file() {
            return None;
        }
        let mut file = File::open(file).ok()?;
        let mut hasher = gix_hash::hasher(self.hash);
        let length = file.metadata().ok()?.len();
        hasher.update(format!("blob {length}\0").as_bytes());
        let mut buffer = [0; 1 << 14];
        let mut input = file.by_ref().take(length);
        loop {
            match input.read(&mut buffer).ok()? {
                0 => return hasher.try_finalize().ok(),
                read => hasher.update(buffer.get(..read)?),
            }
        }
    }
}
