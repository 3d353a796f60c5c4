//! Which commit brought in what. Every tree is read once: a tree that was seen before brings nothing new.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use gix_hash::ObjectId;
use jiff::Timestamp;

use super::objects::{Fault, Objects, What};
use super::parse::{self, EntryKind};
use super::refs::Refs;
use super::{below, show_text};
use crate::{Place, Sink};

/// How deep folders may lie in each other, and how long a path may be.
const DEEPEST: usize = 512;
const LONGEST_PATH: usize = 4_096;
/// Paths of submodules that are told.
const MOST_SUBMODULES: usize = 1_000;

/// A commit that was read.
#[derive(Clone, Debug)]
struct Commit {
    id: ObjectId,
    tree: Option<ObjectId>,
    when: Timestamp,
    parents: Vec<ObjectId>,
}

/// Where a blob came in.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The path, in `HEAD` when it is there, else where it came in; `object ID` when no tree that could be read names it.
    pub(super) path: Box<str>,
    /// The oldest commit that has it, and when that was made.
    pub(super) commit: Option<(ObjectId, Timestamp)>,
    /// Whether it is in the tree of `HEAD`.
    pub(super) present: bool,
}

/// What was not had, and how often.
#[derive(Debug, Default)]
pub(super) struct Losses {
    pub(super) missing: u64,
    pub(super) damaged: u64,
    pub(super) large_trees: u64,
    pub(super) deep: u64,
    pub(super) beyond: bool,
    pub(super) stopped: bool,
}

/// The history.
pub(super) struct History {
    pub(super) blobs: HashMap<ObjectId, Origin>,
    pub(super) submodules: BTreeSet<String>,
    pub(super) losses: Losses,
    pub(super) commits: u64,
    /// Whether the tree of `HEAD` was found, so that `present` means something.
    pub(super) head_known: bool,
    seen_commits: HashSet<ObjectId>,
    seen_trees: HashSet<ObjectId>,
    seen_tags: HashSet<ObjectId>,
    /// Commits at which a shallow clone ends: their parents are not missed.
    shallow: HashSet<ObjectId>,
    most_blobs: usize,
    buffer: Vec<u8>,
}

impl History {
    /// Goes through everything that the references lead to, then through what nothing leads to any more. Shows the messages
    /// of commits and tags on the way.
    pub(super) fn read(
        objects: &mut Objects,
        refs: &Refs,
        shallow: HashSet<ObjectId>,
        most_blobs: usize,
        sink: &mut dyn Sink,
    ) -> Self {
        let mut history = Self {
            blobs: HashMap::new(),
            submodules: BTreeSet::new(),
            losses: Losses::default(),
            commits: 0,
            head_known: false,
            seen_commits: HashSet::new(),
            seen_trees: HashSet::new(),
            seen_tags: HashSet::new(),
            shallow,
            most_blobs,
            buffer: Vec::new(),
        };
        let mut commits = history.commits_from(refs.head.into_iter().collect(), true, objects, sink);
        let head_tree =
            commits.iter().find(|commit| Some(commit.id) == refs.head).and_then(|commit| commit.tree);
        commits.extend(history.commits_from(refs.tips.iter().copied().collect(), false, objects, sink));
        history.trees_of(commits, objects, sink);
        history.unreached(objects, sink);
        if let Some(tree) = head_tree {
            history.mark_present(tree, objects, sink);
        }
        history
    }

    /// Reads these commits and all before them.
    fn commits_from(
        &mut self,
        mut stack: Vec<ObjectId>,
        in_head: bool,
        objects: &mut Objects,
        sink: &mut dyn Sink,
    ) -> Vec<Commit> {
        let mut commits = Vec::new();
        while let Some(id) = stack.pop() {
            if sink.stop() {
                self.losses.stopped = true;
                break;
            }
            if self.seen_commits.contains(&id) || self.seen_tags.contains(&id) {
                continue;
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            match objects.read(&id, &mut buffer) {
                Ok(What::Commit) => {
                    self.seen_commits.insert(id);
                    let parse::Commit { tree, parents, when } = parse::commit(&buffer);
                    show_message("commit message", id, when, in_head, &buffer, sink);
                    if !self.shallow.contains(&id) {
                        stack.extend(&parents);
                    }
                    commits.push(Commit { id, tree, when, parents });
                }
                Ok(What::Tag) => {
                    self.seen_tags.insert(id);
                    let (target, when) = parse::tag(&buffer);
                    show_message("tag message", id, when, in_head, &buffer, sink);
                    stack.extend(target);
                }
                Ok(What::Tree) => {
                    self.buffer = buffer;
                    self.tree(id, None, objects, sink);
                    continue;
                }
                Ok(What::Blob) => self.blob(id, || format!("object {id}"), None),
                Err(fault) => self.lost(fault),
            }
            self.buffer = buffer;
        }
        self.commits += commits.len() as u64;
        commits
    }

    /// Reads the trees of these commits, the oldest commit first.
    fn trees_of(&mut self, commits: Vec<Commit>, objects: &mut Objects, sink: &mut dyn Sink) {
        for commit in oldest_first(commits) {
            if sink.stop() {
                self.losses.stopped = true;
                return;
            }
            if let Some(tree) = commit.tree {
                self.tree(tree, Some((commit.id, commit.when)), objects, sink);
            }
        }
    }

    /// Reads a tree and all below it that was not seen before.
    fn tree(
        &mut self,
        root: ObjectId,
        commit: Option<(ObjectId, Timestamp)>,
        objects: &mut Objects,
        sink: &mut dyn Sink,
    ) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut stack = vec![(root, String::new(), 0)];
        while let Some((id, path, depth)) = stack.pop() {
            if self.seen_trees.contains(&id) {
                continue;
            }
            if sink.stop() {
                self.losses.stopped = true;
                break;
            }
            match objects.read(&id, &mut buffer) {
                Ok(What::Tree) => self.seen_trees.insert(id),
                Ok(_) => {
                    self.losses.damaged += 1;
                    continue;
                }
                Err(fault) => {
                    // Once is enough.
                    self.seen_trees.insert(id);
                    self.lost(fault);
                    continue;
                }
            };
            for entry in parse::tree(&buffer, objects.hash()) {
                match entry.kind {
                    EntryKind::Blob => self.blob(entry.id, || below(&path, entry.name), commit),
                    EntryKind::Submodule if self.submodules.len() < MOST_SUBMODULES => {
                        self.submodules.insert(below(&path, entry.name));
                    }
                    EntryKind::Submodule => {}
                    EntryKind::Tree if self.seen_trees.contains(&entry.id) => {}
                    EntryKind::Tree if depth >= DEEPEST || path.len() >= LONGEST_PATH => {
                        self.losses.deep += 1
                    }
                    EntryKind::Tree => stack.push((entry.id, below(&path, entry.name), depth + 1)),
                }
            }
        }
        self.buffer = buffer;
    }

    fn blob(&mut self, id: ObjectId, path: impl FnOnce() -> String, commit: Option<(ObjectId, Timestamp)>) {
        if self.blobs.contains_key(&id) {
            return;
        }
        if self.blobs.len() >= self.most_blobs {
            self.losses.beyond = true;
            return;
        }
        self.blobs.insert(id, Origin { path: path().into(), commit, present: false });
    }

    /// Reads what is stored and no reference leads to: dropped stashes, deleted branches, commits before a rebase, files that
    /// were staged and never committed.
    fn unreached(&mut self, objects: &mut Objects, sink: &mut dyn Sink) {
        let mut rest = BTreeSet::new();
        objects.each(|id| {
            let seen = self.blobs.contains_key(&id)
                || self.seen_trees.contains(&id)
                || self.seen_commits.contains(&id)
                || self.seen_tags.contains(&id);
            if !seen {
                rest.insert(id);
            }
        });
        let (mut commits, mut trees, mut blobs) = (Vec::new(), Vec::new(), Vec::new());
        for id in rest {
            match objects.header(&id) {
                Ok((What::Commit | What::Tag, _)) => commits.push(id),
                Ok((What::Tree, _)) => trees.push(id),
                Ok((What::Blob, _)) => blobs.push(id),
                Err(fault) => self.lost(fault),
            }
        }
        let commits = self.commits_from(commits, false, objects, sink);
        self.trees_of(commits, objects, sink);
        for id in trees {
            self.tree(id, None, objects, sink);
        }
        for id in blobs {
            self.blob(id, || format!("object {id}"), None);
        }
    }

    /// Marks what is in the tree of `HEAD`, under the path that it has there.
    fn mark_present(&mut self, head: ObjectId, objects: &mut Objects, sink: &mut dyn Sink) {
        let all = std::mem::take(&mut self.seen_trees);
        let losses = std::mem::take(&mut self.losses);
        let known = std::mem::take(&mut self.blobs);
        self.tree(head, None, objects, sink);
        let present = std::mem::replace(&mut self.blobs, known);
        for (id, origin) in present {
            if let Some(known) = self.blobs.get_mut(&id) {
                known.present = true;
                known.path = origin.path;
            }
        }
        self.head_known = !self.losses.stopped;
        self.losses = Losses { stopped: self.losses.stopped || losses.stopped, ..losses };
        self.seen_trees = all;
    }

    fn lost(&mut self, fault: Fault) {
        match fault {
            Fault::Missing => self.losses.missing += 1,
            Fault::Damaged => self.losses.damaged += 1,
            Fault::Large(_) => self.losses.large_trees += 1,
        }
    }
}

fn show_message(what: &str, id: ObjectId, when: Timestamp, in_head: bool, bytes: &[u8], sink: &mut dyn Sink) {
    let id = id.to_string();
    let place =
        Place { file: what, line: 1, commit: Some((&id, when)), present: Some(in_head), as_rows: false };
    show_text(&place, &mut parse::message(bytes).as_ref(), sink);
}

/// Parents before children, and of what is free to come next the oldest first: a clock that went wrong on one machine does
/// not make a child older than its parent.
fn oldest_first(commits: Vec<Commit>) -> impl Iterator<Item = Commit> {
    let places: HashMap<ObjectId, usize> =
        commits.iter().enumerate().map(|(at, commit)| (commit.id, at)).collect();
    let mut children = vec![Vec::new(); commits.len()];
    let mut waits_for = vec![0_usize; commits.len()];
    for (at, commit) in commits.iter().enumerate() {
        for parent in commit.parents.iter().filter_map(|id| places.get(id)) {
            if let (Some(children), Some(waits)) = (children.get_mut(*parent), waits_for.get_mut(at)) {
                children.push(at);
                *waits += 1;
            }
        }
    }
    let key = |at: usize| commits.get(at).map(|commit| Reverse((commit.when, commit.id, at)));
    let mut ready: BinaryHeap<_> = waits_for
        .iter()
        .enumerate()
        .filter(|&(_, &waits)| waits == 0)
        .filter_map(|(at, _)| key(at))
        .collect();
    let mut order = Vec::with_capacity(commits.len());
    while let Some(Reverse((.., at))) = ready.pop() {
        order.push(at);
        for child in children.get(at).into_iter().flatten() {
            if let Some(waits) = waits_for.get_mut(*child) {
                *waits -= 1;
                if *waits == 0 {
                    ready.extend(key(*child));
                }
            }
        }
    }
    // A ring of commits cannot be made by hashing, but by whoever writes files under false names.
    order.extend(waits_for.iter().enumerate().filter(|&(_, &waits)| waits > 0).map(|(at, _)| at));
    let mut commits: Vec<Option<Commit>> = commits.into_iter().map(Some).collect();
    order.into_iter().filter_map(move |at| commits.get_mut(at)?.take())
}
