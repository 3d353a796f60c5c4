//! Against repositories that the git program makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use model::NotRead;
use tempfile::TempDir;

use super::*;
use crate::{Cell, ColumnId, Part, PartId};

/// What was shown.
#[derive(Debug)]
struct Shown {
    file: String,
    line: u64,
    commit: Option<String>,
    present: Option<bool>,
    text: String,
}

#[derive(Debug, Default)]
struct Notes {
    shown: Vec<Shown>,
    missing: Vec<NotRead>,
    stop_after: Option<usize>,
}

impl Sink for Notes {
    fn part(&mut self, _: Part) -> PartId {
        PartId(0)
    }
    fn column(&mut self, _: PartId, _: &str) -> ColumnId {
        ColumnId(0)
    }
    fn row(&mut self, _: PartId, _: &[Cell<'_>]) {}
    fn rows(&mut self, _: PartId, _: u64) {}
    fn text(&mut self, place: &Place<'_>, text: &[u8]) {
        self.shown.push(Shown {
            file: place.file.to_owned(),
            line: place.line,
            commit: place.commit.map(|(id, _)| id.to_owned()),
            present: place.present,
            text: String::from_utf8_lossy(text).into_owned(),
        });
    }
    fn not_read(&mut self, missing: NotRead) {
        self.missing.push(missing);
    }
    fn stop(&self) -> bool {
        self.stop_after.is_some_and(|most| self.shown.len() >= most)
    }
}

impl Notes {
    /// The only text with these words in it.
    fn with(&self, words: &str) -> &Shown {
        let all: Vec<&Shown> = self.shown.iter().filter(|shown| shown.text.contains(words)).collect();
        assert_eq!(all.len(), 1, "{words}: {all:?}");
        all[0]
    }

    fn told(&self, words: &str) -> bool {
        self.missing.iter().any(|missing| missing.why.contains(words))
    }
}

/// A repository, and the days that pass between its commits.
struct Repo {
    place: TempDir,
    day: u32,
}

impl Repo {
    fn new() -> Self {
        Self::with(&["init", "-q", "-b", "main"])
    }

    fn with(init: &[&str]) -> Self {
        let mut repo = Self { place: tempfile::tempdir().unwrap(), day: 0 };
        repo.git(init);
        repo
    }

    fn path(&self) -> PathBuf {
        self.place.path().to_owned()
    }

    fn git(&mut self, arguments: &[&str]) -> String {
        let day = format!("{} +0000", 1_700_000_000 + self.day * 86_400);
        let output = Command::new("git")
            .current_dir(self.place.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
            .envs([
                ("GIT_AUTHOR_NAME", "A"),
                ("GIT_AUTHOR_EMAIL", "a@example.org"),
                ("GIT_AUTHOR_DATE", &day),
            ])
            .envs([("GIT_COMMITTER_NAME", "C"), ("GIT_COMMITTER_EMAIL", "c@example.org")])
            .env("GIT_COMMITTER_DATE", &day)
            .args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Writes a file and commits it; the commit's name.
    fn commit(&mut self, file: &str, text: &str, message: &str) -> String {
        self.day += 1;
        let path = self.place.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Where git keeps a loose object.
    fn loose(&self, id: &str) -> PathBuf {
        let (folder, name) = id.split_at(2);
        self.path().join(".git/objects").join(folder).join(name)
    }

    fn read(&self) -> Notes {
        read(&self.path())
    }
}

fn read(path: &Path) -> Notes {
    let mut notes = Notes::default();
    assert!(is_repository(path));
    read_repository(path, &Limits::default(), &mut notes);
    notes
}

#[test]
fn a_key_deleted_five_commits_ago_is_found_with_its_commit() {
    for pack in [false, true] {
        let mut repo = Repo::new();
        repo.commit("readme", "hello\n", "first");
        let leak = repo.commit("src/deploy/settings.py", "a = 1\nkey = 'made-up-key'\n", "settings");
        for turn in 0..5 {
            let text = format!("a = 1\nkey = from_vault({turn})\n");
            repo.commit("src/deploy/settings.py", &text, &format!("turn {turn}"));
        }
        if pack {
            repo.git(&["gc", "-q"]);
        }
        let notes = repo.read();
        let shown = notes.with("made-up-key");
        assert_eq!((shown.file.as_str(), shown.line), ("src/deploy/settings.py", 1));
        assert_eq!(shown.commit.as_deref(), Some(leak.as_str()));
        assert_eq!(shown.present, Some(false));
        assert_eq!(notes.with("from_vault(4)").present, Some(true));
        assert_eq!(notes.with("hello").present, Some(true));
        assert!(notes.missing.is_empty(), "{:?}", notes.missing);
    }
}

#[test]
fn branches_stashes_tags_notes_and_messages_are_read() {
    let mut repo = Repo::new();
    repo.commit("a", "base\n", "first");
    repo.git(&["checkout", "-q", "-b", "side"]);
    let side = repo.commit("b", "on the side\n", "message with made-up-word");
    repo.git(&["checkout", "-q", "main"]);
    repo.commit("c", "on main\n", "third");
    repo.git(&["merge", "-q", "--no-ff", "-m", "merge it", "side"]);
    fs::write(repo.path().join("a"), "stashed text\n").unwrap();
    repo.git(&["stash"]);
    repo.git(&["tag", "-a", "v1", "-m", "words of a tag"]);
    repo.git(&["notes", "add", "-m", "words of a note"]);
    repo.git(&["branch", "-d", "side"]);
    let notes = repo.read();
    assert_eq!(notes.with("on the side").commit.as_deref(), Some(side.as_str()));
    assert_eq!(notes.with("on the side").present, Some(true));
    let message = notes.with("made-up-word\n");
    assert_eq!((message.file.as_str(), message.present), ("commit message", Some(true)));
    let stash = notes.with("stashed text");
    assert_eq!((stash.file.as_str(), stash.present), ("a", Some(false)));
    assert_eq!(notes.with("words of a tag").file, "tag message");
    notes.with("words of a note");
    assert!(notes.missing.is_empty(), "{:?}", notes.missing);
}

#[test]
fn what_no_reference_leads_to_is_read() {
    for pack in [false, true] {
        let mut repo = Repo::new();
        repo.commit("a", "base\n", "first");
        repo.git(&["checkout", "-q", "-b", "gone"]);
        let gone = repo.commit("deep/er/lost", "lost text\n", "lost message");
        repo.git(&["checkout", "-q", "main"]);
        repo.git(&["branch", "-D", "gone"]);
        fs::write(repo.path().join("staged"), "staged, never committed\n").unwrap();
        repo.git(&["add", "staged"]);
        repo.git(&["rm", "-q", "--cached", "staged"]);
        if pack {
            repo.git(&["repack", "-q", "-a", "-d", "-k"]);
        }
        let notes = repo.read();
        let lost = notes.with("lost text");
        assert_eq!((lost.file.as_str(), lost.commit.as_deref()), ("deep/er/lost", Some(gone.as_str())));
        let staged = notes.with("staged, never");
        assert!(
            staged.file.starts_with("object ") && staged.commit.is_none() && staged.present == Some(false)
        );
        assert_eq!(notes.with("lost message\n").present, Some(false));
    }
}

#[test]
fn the_same_bytes_are_shown_once_under_the_path_that_they_have_now() {
    let mut repo = Repo::new();
    let first = repo.commit("old/name", "the same\n", "first");
    repo.commit("copy", "the same\n", "second");
    repo.git(&["rm", "-q", "copy"]);
    repo.git(&["mv", "old", "new"]);
    repo.commit("other", "x\n", "third");
    let notes = repo.read();
    let shown = notes.with("the same");
    assert_eq!((shown.file.as_str(), shown.commit.as_deref()), ("new/name", Some(first.as_str())));
}

#[test]
fn a_reachable_commit_is_named_before_an_older_one_that_was_amended_away() {
    let mut repo = Repo::new();
    repo.commit("a", "the file\n", "first try");
    repo.day += 1;
    repo.git(&["commit", "-q", "--amend", "-m", "second try"]);
    let kept = repo.git(&["rev-parse", "HEAD"]);
    let notes = repo.read();
    assert_eq!(notes.with("the file").commit.as_deref(), Some(kept.as_str()));
    notes.with("first try\n");
}

#[test]
fn bare_sha256_and_empty_repositories_are_read() {
    let repo = Repo::with(&["init", "-q", "-b", "main"]);
    assert!(repo.read().shown.iter().all(|shown| shown.file.starts_with(".git/")));
    let mut repo = Repo::with(&["init", "-q", "-b", "main", "--object-format=sha256"]);
    let id = repo.commit("a", "under a long name\n", "first");
    assert_eq!(id.len(), 64);
    repo.git(&["gc", "-q"]);
    assert_eq!(repo.read().with("under a long").commit.as_deref(), Some(id.as_str()));
    repo.git(&["clone", "-q", "--bare", ".", "bare.git"]);
    let bare = read(&repo.path().join("bare.git"));
    assert_eq!(bare.with("under a long").present, Some(true));
    assert!(!is_repository(&repo.path().join("nowhere")));
}

#[test]
fn a_shallow_clone_says_that_it_is_one() {
    let mut repo = Repo::new();
    for turn in 0..4 {
        repo.commit("a", &format!("turn {turn}\n"), &format!("commit {turn}"));
    }
    let origin = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--depth", "2", &origin, "shallow"]);
    let notes = read(&repo.path().join("shallow"));
    assert!(notes.told("shallow clone") && !notes.told("objects are not there"), "{:?}", notes.missing);
    notes.with("turn 2\n");
    assert!(notes.shown.iter().all(|shown| shown.text != "turn 1\n"));
}

#[test]
fn a_partial_clone_tells_how_many_objects_are_with_the_server() {
    let mut repo = Repo::new();
    repo.commit("a", "one\n", "first");
    repo.commit("a", "two\n", "second");
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let origin = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--no-checkout", "--filter=blob:none", &origin, "partial"]);
    let notes = read(&repo.path().join("partial"));
    assert!(notes.told("2 objects are not there: a partial clone"), "{:?}", notes.missing);
}

#[test]
fn alternates_and_work_trees_of_elsewhere_are_told_and_not_followed() {
    let mut repo = Repo::new();
    repo.commit("a", "shared\n", "first");
    repo.git(&["clone", "-q", "--shared", ".", "borrower"]);
    let notes = read(&repo.path().join("borrower"));
    assert!(notes.told("objects that are shared with") && notes.told("objects are not there"));
    assert!(notes.shown.iter().all(|shown| !shown.text.contains("shared\n")));
    repo.git(&["worktree", "add", "-q", "-b", "other", "tree"]);
    let notes = read(&repo.path().join("tree"));
    assert!(notes.told("lies in") && notes.shown.is_empty());
}

#[test]
fn submodules_are_told() {
    let mut inner = Repo::new();
    inner.commit("a", "inner\n", "first");
    let mut repo = Repo::new();
    repo.git(&["submodule", "add", "-q", &inner.path().display().to_string(), "libs/inner"]);
    repo.commit("b", "outer\n", "with a submodule");
    let notes = repo.read();
    let told = notes.missing.iter().find(|missing| missing.location == "libs/inner").unwrap();
    assert!(told.by_design);
    assert!(notes.missing.iter().any(|missing| missing.location.starts_with(".git/modules/")));
}

#[test]
fn nothing_in_the_configuration_is_run_and_its_passwords_are_shown() {
    let mut repo = Repo::new();
    repo.commit("a", "text\n", "first");
    let trap = repo.path().join("trap");
    let command = format!("touch {}", trap.display());
    for key in ["core.fsmonitor", "core.sshCommand", "core.pager", "diff.external", "filter.x.clean"] {
        repo.git(&["config", key, &command]);
    }
    repo.git(&["config", "remote.origin.url", "https://me:made-up-password@git.example.org/x"]);
    let notes = repo.read();
    assert_eq!(notes.with("made-up-password").file, ".git/config");
    assert!(!trap.exists());
}

#[test]
fn damaged_objects_are_counted_and_the_rest_is_read() {
    let mut repo = Repo::new();
    repo.commit("a", "kept\n", "first");
    repo.commit("b", "to be damaged\n", "second");
    let blob = repo.git(&["rev-parse", "HEAD:b"]);
    let path = repo.loose(&blob);
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"no zlib").unwrap();
    let notes = repo.read();
    notes.with("kept");
    assert!(notes.told("1 objects are damaged"), "{:?}", notes.missing);
    fs::remove_file(&path).unwrap();
    assert!(repo.read().told("1 objects are not there: git fsck"), "{:?}", notes.missing);
}

/// Everything of a packed repository with one byte changed, at many places: what can be read is, and nothing panics.
#[test]
fn a_pack_with_any_byte_changed_is_read_without_panic() {
    let mut repo = Repo::new();
    let mut text = String::new();
    for turn in 0..12 {
        text += &format!("line {turn} of a file that grows and is stored as differences\n");
        repo.commit("a", &text, &format!("turn {turn}"));
    }
    repo.git(&["gc", "-q"]);
    let packs = repo.path().join(".git/objects/pack");
    for name in names(&packs) {
        let path = packs.join(&name);
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let step = (good.len() / 150).max(1);
        for at in (0..good.len()).step_by(step) {
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= flip;
                fs::write(&path, &bad).unwrap();
                repo.read();
            }
        }
        for cut in [0, 1, good.len() / 3, good.len() - 1] {
            fs::write(&path, &good[..cut]).unwrap();
            repo.read();
        }
        fs::write(&path, &good).unwrap();
    }
    assert!(repo.read().missing.is_empty());
}

/// A pack in which two objects are differences of each other, which no hash allows, but a liar's index does.
#[test]
fn a_ring_of_deltas_ends() {
    let repo = Repo::new();
    let ids = [[0x11_u8; 20], [0x22; 20]];
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x02".to_vec();
    let mut offsets = Vec::new();
    for base in [ids[1], ids[0]] {
        offsets.extend((pack.len() as u32).to_be_bytes());
        // From one byte to one byte, by inserting it.
        let delta = [1, 1, 1, b'x'];
        pack.push(7 << 4 | delta.len() as u8);
        pack.extend(base);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut zlib, &delta).unwrap();
        pack.extend(zlib.finish().unwrap());
    }
    pack.extend([0; 20]);
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0..=255_u32 {
        index.extend((u32::from(first >= 0x11) + u32::from(first >= 0x22)).to_be_bytes());
    }
    index.extend(ids.concat());
    index.extend([0; 8]);
    index.extend(offsets);
    index.extend([0; 40]);
    let packs = repo.path().join(".git/objects/pack");
    fs::write(packs.join("pack-x.pack"), pack).unwrap();
    fs::write(packs.join("pack-x.idx"), index).unwrap();
    let notes = repo.read();
    assert!(notes.told("2 objects are damaged"), "{:?}", notes.missing);
}

#[test]
fn a_loose_object_that_lies_about_its_size_costs_nothing() {
    let mut repo = Repo::new();
    repo.commit("a", "text\n", "first");
    let blob = repo.git(&["rev-parse", "HEAD:a"]);
    let path = repo.loose(&blob);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zlib, b"blob 99999999999999\0text\n").unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, zlib.finish().unwrap()).unwrap();
    let notes = repo.read();
    notes.with("text\n");
}

#[test]
fn a_large_file_is_read_in_pieces_of_whole_lines() {
    let mut repo = Repo::new();
    let line = "0123456789 abcdefghijklmnopqrstuvwxyz\n";
    repo.commit("large", &line.repeat(100_000), "first");
    let mut notes = Notes::default();
    read_repository(&repo.path(), &Limits { object_bytes: 1 << 20, blobs: 10 }, &mut notes);
    let pieces: Vec<&Shown> = notes.shown.iter().filter(|shown| shown.file == "large").collect();
    assert!(pieces.len() >= 3 && pieces.iter().all(|piece| piece.text.ends_with('\n')));
    let mut next = 1;
    for piece in pieces {
        assert_eq!(piece.line, next);
        next += piece.text.lines().count() as u64;
    }
    assert_eq!(next, 100_001);
}

#[test]
fn more_versions_than_are_taken_and_a_run_cut_short_are_told() {
    let mut repo = Repo::new();
    for turn in 0..6 {
        repo.commit("a", &format!("turn {turn}\n"), &format!("commit {turn}"));
    }
    let mut notes = Notes::default();
    read_repository(&repo.path(), &Limits { blobs: 4, ..Limits::default() }, &mut notes);
    assert!(notes.told("more file versions than is taken"), "{:?}", notes.missing);
    // Two files of its own, six messages, six versions.
    for stop_after in 0..14 {
        let mut notes = Notes { stop_after: Some(stop_after), ..Notes::default() };
        read_repository(&repo.path(), &Limits::default(), &mut notes);
        assert!(notes.told("cut short"), "{stop_after}: {:?}", notes.missing);
        assert!(notes.shown.len() <= stop_after + 9, "{stop_after}");
    }
}
