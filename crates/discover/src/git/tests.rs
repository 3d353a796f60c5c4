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
    parts: Vec<String>,
    rows: u64,
    stop_after: Option<usize>,
}

impl Sink for Notes {
    fn part(&mut self, part: Part) -> PartId {
        self.parts.push(part.location);
        PartId(0)
    }
    fn column(&mut self, _: PartId, _: &str) -> ColumnId {
        ColumnId(0)
    }
    fn row(&mut self, _: PartId, _: &[Cell<'_>]) {
        self.rows += 1;
    }
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

mod hostile;

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
fn tables_in_the_history_come_as_rows_and_say_when_they_are_gone() {
    let mut repo = Repo::new();
    let gone = repo.commit("people.csv", "name,phone\nA,1\nB,2\n", "first");
    repo.commit("people.csv", "name,phone\nC,3\n", "second");
    let notes = repo.read();
    let short = gone.get(..10).unwrap();
    assert!(notes.parts.contains(&format!("people.csv@{short}")), "{:?}", notes.parts);
    assert!(notes.parts.contains(&"people.csv".to_owned()));
    assert_eq!(notes.rows, 3);
}

#[test]
fn a_file_as_it_was_committed_is_known() {
    for format in ["sha1", "sha256"] {
        let mut repo = Repo::with(&["init", "-q", "-b", "main", &format!("--object-format={format}")]);
        repo.commit("same", "text\n", "first");
        repo.commit("deep/twin", "text\n", "second");
        repo.commit("deep/changed", "text\n", "third");
        fs::write(repo.path().join("deep/changed"), "other\n").unwrap();
        fs::write(repo.path().join("new"), "text\n").unwrap();
        let committed = Committed::new(&repo.path(), &Limits::default()).unwrap();
        let held = |name: &str| committed.holds(name, &repo.path().join(name));
        assert!(held("same") && held("deep/twin"));
        assert!(!held("deep/changed") && !held("new") && !held("absent"));
        assert!(Committed::new(&repo.path().join(".git"), &Limits::default()).is_none());
    }
}
