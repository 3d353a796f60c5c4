//! Where the history is entered: `HEAD` and all references, loose and packed
//! (<https://git-scm.com/docs/git-pack-refs>), the other work trees' and the ones that a half-done merge leaves.

use std::collections::BTreeSet;

use gix_hash::ObjectId;

use super::layout::{Layout, files_below, names, small_file};

/// `HEAD` may name a reference, that another; git itself gives up after five.
const MOST_STEPS: usize = 5;

/// Entrances to the history.
#[derive(Debug, Default)]
pub(super) struct Refs {
    /// Where `HEAD` is; `None`: nowhere yet, or not to be told.
    pub(super) head: Option<ObjectId>,
    /// Everything that a reference names.
    pub(super) tips: BTreeSet<ObjectId>,
}

/// Reads them.
pub(super) fn read(layout: &Layout) -> Refs {
    let git = &layout.git;
    let packed = small_file(&git.join("packed-refs")).unwrap_or_default();
    let mut tips = BTreeSet::new();
    for line in packed.split(|&byte| byte == b'\n') {
        // `^` is what the tag of the line before points at.
        let hex = line.split(|&byte| byte == b' ').next().unwrap_or_default();
        tips.extend(ObjectId::from_hex(hex.strip_prefix(b"^").unwrap_or(hex)).ok());
    }
    let loose = files_below(&git.join("refs")).into_iter().map(|name| git.join("refs").join(name));
    let heads = names(git).into_iter().filter(|name| name.ends_with("_HEAD")).map(|name| git.join(name));
    let work_trees = git.join("worktrees");
    let others = names(&work_trees).into_iter().map(|name| work_trees.join(name).join("HEAD"));
    for file in loose.chain(heads).chain(others) {
        tips.extend(small_file(&file).and_then(|text| first_id(&text)));
    }
    let head = resolve(layout, &packed);
    tips.extend(head);
    Refs { head, tips }
}

fn first_id(text: &[u8]) -> Option<ObjectId> {
    let word = text.split(u8::is_ascii_whitespace).next()?;
    ObjectId::from_hex(word).ok()
}

fn resolve(layout: &Layout, packed: &[u8]) -> Option<ObjectId> {
    let mut name = "HEAD".to_owned();
    for _ in 0..MOST_STEPS {
        let text = small_file(&layout.git.join(&name));
        let Some(text) = text else { return packed_ref(packed, name.as_bytes()) };
        let Some(next) = text.strip_prefix(b"ref: ") else { return first_id(&text) };
        name = String::from_utf8_lossy(next).trim_end().to_owned();
        // A name that leads out of the repository is none.
        if !name.starts_with("refs/") || name.split('/').any(|part| part == "..") {
            return None;
        }
    }
    None
}

fn packed_ref(packed: &[u8], name: &[u8]) -> Option<ObjectId> {
    packed.split(|&byte| byte == b'\n').find_map(|line| {
        let (hex, rest) = (line.split(|&byte| byte == b' ').next()?, line.strip_suffix(name)?);
        (rest.len() == hex.len() + 1).then(|| ObjectId::from_hex(hex).ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_reference_is_found_by_its_whole_name() {
        let id = "8ab686eafeb1f44702738c8b0f24f2567c36da6d";
        let packed = format!("# pack-refs with: peeled\n{id} refs/heads/main\n^{id}\n");
        assert_eq!(packed_ref(packed.as_bytes(), b"refs/heads/main").unwrap().to_string(), id);
        assert_eq!(packed_ref(packed.as_bytes(), b"heads/main"), None);
    }
}
