//! Where a repository has its parts: <https://git-scm.com/docs/gitrepository-layout>.
//!
//! Whoever made the repository may have pointed any of them elsewhere. So nothing is followed out of it, symbolic links
//! are not followed at all, and its configuration is searched for two words and otherwise not believed: no program that
//! it names is run, no file that it includes is read.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use gix_hash::Kind;

/// What is read of a small file of the repository.
const MOST_BYTES: u64 = 8 << 20;
/// Reference files that are looked at, and how deep their folders may lie in each other.
const MOST_REFERENCES: usize = 1_000_000;
const DEEPEST: usize = 32;

/// A repository on disk.
#[derive(Debug)]
pub(super) struct Layout {
    /// The folder with `HEAD` and `objects`.
    pub(super) git: PathBuf,
    /// How its objects are named.
    pub(super) hash: Kind,
    /// References lie in tables that are not read here.
    pub(super) reftable: bool,
}

/// What stands at a path.
#[derive(Debug)]
pub(super) enum Found {
    Repository(Layout),
    /// A work tree whose repository lies elsewhere, as its `.git` file says.
    Elsewhere(PathBuf),
    Nothing,
}

/// Looks for a repository: the path is one, or a work tree.
pub(super) fn find(path: &Path) -> Found {
    let dot_git = path.join(".git");
    if is_plain_file(&dot_git) {
        let text = small_file(&dot_git).unwrap_or_default();
        let target =
            text.strip_prefix(b"gitdir: ").map(|rest| String::from_utf8_lossy(rest).trim_end().to_owned());
        return target.map_or(Found::Nothing, |target| Found::Elsewhere(path.join(target)));
    }
    for git in [dot_git, path.to_owned()] {
        if is_plain_file(&git.join("HEAD")) && is_plain_folder(&git.join("objects")) {
            let config = small_file(&git.join("config")).unwrap_or_default();
            let says = |key: &str, value: &str| setting(&config, key).is_some_and(|set| set == value);
            let hash = if says("objectformat", "sha256") { Kind::Sha256 } else { Kind::Sha1 };
            return Found::Repository(Layout { git, hash, reftable: says("refstorage", "reftable") });
        }
    }
    Found::Nothing
}

/// The value of a key that stands in only one section.
fn setting(config: &[u8], key: &str) -> Option<String> {
    String::from_utf8_lossy(config).lines().rev().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case(key).then(|| value.trim().to_ascii_lowercase())
    })
}

/// Whether it is a file itself, no link to one.
fn is_plain_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// Whether it is a folder itself, no link to one.
pub(super) fn is_plain_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// The first bytes of a file; `None`: it is no plain file, or cannot be read.
pub(super) fn small_file(path: &Path) -> Option<Vec<u8>> {
    if !is_plain_file(path) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The names in a folder that is no link, sorted; empty when it cannot be read.
pub(super) fn names(folder: &Path) -> Vec<String> {
    if !is_plain_folder(folder) {
        return Vec::new();
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// All plain files below a folder, as paths below it, sorted.
pub(super) fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), 0)];
    while let Some((below, depth)) = folders.pop() {
        // Joined with nothing, a path gets a slash at its end, and that would follow a link.
        let here = if below.is_empty() { folder.to_owned() } else { folder.join(&below) };
        for name in names(&here) {
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if is_plain_folder(&folder.join(&path)) {
                if depth < DEEPEST {
                    folders.push((path, depth + 1));
                }
            } else if found.len() < MOST_REFERENCES && is_plain_file(&folder.join(&path)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_found_whatever_its_case() {
        let config =
            b"[core]\n\tbare = false\n[extensions]\n\tObjectFormat = SHA256\n\trefstorage=reftable\n";
        assert_eq!(setting(config, "objectformat").as_deref(), Some("sha256"));
        assert_eq!(setting(config, "refstorage").as_deref(), Some("reftable"));
        assert_eq!(setting(config, "worktree"), None);
    }

    #[test]
    fn links_are_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let (inside, outside) = (place.path().join("in"), place.path().join("out"));
        fs::create_dir_all(outside.join("deep")).unwrap();
        fs::create_dir(&inside).unwrap();
        fs::write(outside.join("deep/file"), b"x").unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
        std::os::unix::fs::symlink(outside.join("deep/file"), inside.join("file")).unwrap();
        assert!(files_below(&inside).is_empty() && files_below(&inside.join("link")).is_empty());
        assert!(small_file(&inside.join("file")).is_none());
        assert_eq!(files_below(&outside), ["deep/file"]);
    }
}
