//! Commits, tags and trees, as <https://git-scm.com/docs/gitformat-pack> and
//! <https://git-scm.com/book/en/v2/Git-Internals-Git-Objects> describe them. Tolerant: a line that makes no sense is left
//! out, so that a damaged commit still yields what can be read of it.

use std::borrow::Cow;

use gix_hash::{Kind, ObjectId};
use jiff::Timestamp;

/// A commit without its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) tree: Option<ObjectId>,
    pub(super) parents: Vec<ObjectId>,
    pub(super) when: Timestamp,
}

/// Parents that are looked at; an octopus of more is none that git would make.
const MOST_PARENTS: usize = 1_024;

/// Reads a commit.
pub(super) fn commit(bytes: &[u8]) -> Commit {
    let mut commit = Commit { tree: None, parents: Vec::new(), when: Timestamp::UNIX_EPOCH };
    for line in head(bytes) {
        if let Some(hex) = line.strip_prefix(b"tree ") {
            commit.tree = commit.tree.or(ObjectId::from_hex(hex).ok());
        } else if let Some(hex) = line.strip_prefix(b"parent ") {
            if commit.parents.len() < MOST_PARENTS {
                commit.parents.extend(ObjectId::from_hex(hex).ok());
            }
        } else if let Some(person) = line.strip_prefix(b"committer ") {
            commit.when = time(person).unwrap_or(commit.when);
        }
    }
    commit
}

/// What a tag points at, and when it was made.
pub(super) fn tag(bytes: &[u8]) -> (Option<ObjectId>, Timestamp) {
    let mut target = None;
    let mut when = Timestamp::UNIX_EPOCH;
    for line in head(bytes) {
        if let Some(hex) = line.strip_prefix(b"object ") {
            target = target.or(ObjectId::from_hex(hex).ok());
        } else if let Some(person) = line.strip_prefix(b"tagger ") {
            when = time(person).unwrap_or(when);
        }
    }
    (target, when)
}

/// The message of a commit or tag, decoded as its head says.
pub(super) fn message(bytes: &[u8]) -> Cow<'_, [u8]> {
    let start = memchr::memmem::find(bytes, b"\n\n").map_or(bytes.len(), |at| at + 2);
    let message = bytes.get(start..).unwrap_or_default();
    let label = head(bytes).find_map(|line| line.strip_prefix(b"encoding "));
    match label.and_then(encoding_rs::Encoding::for_label) {
        Some(encoding) if encoding != encoding_rs::UTF_8 => {
            match encoding.decode_without_bom_handling(message).0 {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }
        }
        _ => Cow::Borrowed(message),
    }
}

/// The lines before the first empty one.
fn head(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty())
}

/// `Name <mail> 1700000000 +0800`.
fn time(person: &[u8]) -> Option<Timestamp> {
    let after = person.rsplit(|&byte| byte == b'>').next()?;
    let seconds = after.split(|&byte| byte == b' ').find(|word| !word.is_empty())?;
    Timestamp::from_second(std::str::from_utf8(seconds).ok()?.parse().ok()?).ok()
}

/// An entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) kind: EntryKind,
    pub(super) name: &'a [u8],
    pub(super) id: ObjectId,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    Tree,
    /// A file, or the target of a symbolic link.
    Blob,
    /// A commit of another repository.
    Submodule,
}

/// The entries of a tree; ends at the first that makes no sense.
pub(super) fn tree(mut bytes: &[u8], hash: Kind) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || {
        let space = memchr::memchr(b' ', bytes.get(..bytes.len().min(8))?)?;
        let mode = bytes.get(..space)?;
        let rest = bytes.get(space + 1..)?;
        let end = memchr::memchr(0, rest)?;
        let name = rest.get(..end)?;
        let id = rest.get(end + 1..)?.get(..hash.len_in_bytes())?;
        bytes = rest.get(end + 1 + hash.len_in_bytes()..)?;
        let kind = match mode {
            b"40000" | b"040000" => EntryKind::Tree,
            b"160000" => EntryKind::Submodule,
            _ => EntryKind::Blob,
        };
        Some(Entry { kind, name, id: ObjectId::try_from(id).ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8ab686eafeb1f44702738c8b0f24f2567c36da6d";

    #[test]
    fn a_commit_tells_tree_parents_and_time() {
        let text = format!(
            "tree {ID}\nparent {ID}\nparent {ID}\nauthor A <a@example.org> 1 +0000\n\
             committer C > D <c@example.org> 1700000000 +0800\nencoding GBK\ngpgsig x\n parent y\n\nkey \n\nrest\n"
        );
        let commit = commit(text.as_bytes());
        assert_eq!(commit.tree.unwrap().to_string(), ID);
        assert_eq!(commit.parents.len(), 2);
        assert_eq!(commit.when.as_second(), 1_700_000_000);
        assert_eq!(message(text.as_bytes()), b"key \n\nrest\n".as_slice());
    }

    #[test]
    fn a_message_is_decoded_as_its_head_says() {
        let (text, ..) = encoding_rs::GBK.encode("tree x\nencoding GBK\n\n密钥\n");
        assert_eq!(message(&text), "密钥\n".as_bytes());
    }

    #[test]
    fn a_tree_ends_where_it_makes_no_sense() {
        let mut bytes = b"100644 a.txt\0".to_vec();
        bytes.extend([7; 20]);
        bytes.extend(b"40000 dir\0");
        bytes.extend([8; 20]);
        bytes.extend(b"160000 sub\0");
        bytes.extend([9; 20]);
        bytes.extend(b"100644 cut\0abc");
        let kinds: Vec<EntryKind> = tree(&bytes, Kind::Sha1).map(|entry| entry.kind).collect();
        assert_eq!(kinds, [EntryKind::Blob, EntryKind::Tree, EntryKind::Submodule]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = (commit(&bytes), tag(&bytes), message(&bytes).len(), tree(&bytes, Kind::Sha1).count());
        }
    }
}
