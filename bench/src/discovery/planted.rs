//! A source tree with secrets in it: code that lies on this machine, and beside it the generator's files with secrets that
//! open nothing. What a scanner tells is compared with where they were planted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use synth::{Settings, World, folder, secrets};

use super::sources;

/// People of the generator's folder, of which only the source code is kept.
const PEOPLE: u64 = 60;
/// The folder with the secrets, and the one with the code.
const PLANTED: &str = "planted";
const CODE: &str = "code";

/// Where a secret was planted.
#[derive(Debug, Clone)]
pub(crate) struct Plant {
    file: String,
    line: u64,
    /// What it is; the secret beside the id of a key is another one.
    kind: String,
}

/// What a scanner tells.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// The file, below the tree.
    pub(crate) file: String,
    /// Its first line, from 1.
    pub(crate) line: u64,
    /// Its last line.
    pub(crate) end: u64,
    /// The scanner's word for what it is.
    pub(crate) rule: String,
}

/// A tree of files in a folder that is deleted with it.
#[derive(Debug)]
pub(crate) struct Tree {
    place: tempfile::TempDir,
    plants: Vec<Plant>,
    /// Bytes of all files.
    pub(crate) bytes: u64,
    /// Bytes of the code alone.
    pub(crate) code: u64,
    /// How many files it has.
    pub(crate) files: u64,
}

impl Tree {
    /// Copies so many bytes of the code below a folder, and plants each kind of secret as often as there are `seeds`.
    ///
    /// # Errors
    /// Files cannot be read or written.
    pub(crate) fn new(from: &Path, bytes: u64, seeds: u64) -> io::Result<Self> {
        let place = tempfile::Builder::new().prefix("tree").tempdir_in("/tmp")?;
        let mut tree = Self { place, plants: Vec::new(), bytes: 0, code: 0, files: 0 };
        for file in sources::choose(from, bytes)? {
            let to = tree.path().join(CODE).join(&file);
            fs::create_dir_all(to.parent().unwrap_or(&to))?;
            tree.code += fs::copy(from.join(&file), to)?;
            tree.files += 1;
        }
        tree.bytes = tree.code;
        fs::create_dir_all(tree.path().join(PLANTED))?;
        for seed in 0..seeds {
            tree.plant(seed)?;
        }
        Ok(tree)
    }

    fn plant(&mut self, seed: u64) -> io::Result<()> {
        let made = tempfile::tempdir()?;
        let world = World::new(Settings::new(seed, PEOPLE)).map_err(io::Error::other)?;
        let all = made.path().join("all");
        let truth = folder::write(&world, &all, world.settings().reference).map_err(io::Error::other)?;
        let secrets = secrets(seed);
        let mut files = BTreeSet::new();
        for told in truth.secrets {
            let below = told.path.strip_prefix("src/").unwrap_or(&told.path);
            let file = format!("{PLANTED}/{seed}/{below}");
            let pair = secrets.iter().find(|secret| secret.kind == told.kind && secret.password.is_some());
            if pair.is_some() && told.kind != "postgres_url" {
                let kind = format!("{}: the secret of it", told.kind);
                self.plants.push(Plant { file: file.clone(), line: told.line + 1, kind });
            }
            self.plants.push(Plant { file: file.clone(), line: told.line, kind: told.kind.to_owned() });
            files.insert((told.path, file));
        }
        for (from, to) in files {
            let to = self.path().join(to);
            fs::create_dir_all(to.parent().unwrap_or(&to))?;
            self.bytes += fs::copy(all.join(from), to)?;
            self.files += 1;
        }
        Ok(())
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }

    /// The path below the tree, of one that may be absolute.
    pub(crate) fn below(&self, path: &str) -> String {
        let path = Path::new(path);
        path.strip_prefix(self.path()).unwrap_or(path).display().to_string()
    }

    /// By kind: how many there are, and how many of them are in these findings.
    pub(crate) fn recall(&self, findings: &[Finding]) -> BTreeMap<&str, (u64, u64)> {
        let mut counts = BTreeMap::<&str, (u64, u64)>::new();
        for plant in &self.plants {
            let found = findings.iter().any(|one| {
                one.file == plant.file && (one.line..=one.end.max(one.line)).contains(&plant.line)
            });
            let count = counts.entry(&plant.kind).or_default();
            count.0 += 1;
            count.1 += u64::from(found);
        }
        counts
    }

    /// What is told of the lines with nothing planted in them.
    pub(crate) fn elsewhere(&self, findings: &[Finding]) -> io::Result<Elsewhere> {
        let mut all = Elsewhere::default();
        for one in findings.iter().filter(|one| !self.is_planted(one)) {
            *all.rules.entry(one.rule.clone()).or_default() += 1;
            let fresh = all.places.insert((one.file.clone(), one.line), one.end.max(one.line)).is_none();
            if fresh && self.is_key(one)? {
                all.keys += 1;
            }
        }
        Ok(all)
    }

    fn is_planted(&self, one: &Finding) -> bool {
        self.plants
            .iter()
            .any(|plant| plant.file == one.file && (one.line..=one.end.max(one.line)).contains(&plant.line))
    }

    /// Whether the head of a private key is in it: the crates' tests have real ones, which open nothing.
    fn is_key(&self, one: &Finding) -> io::Result<bool> {
        let text = fs::read_to_string(self.path().join(PathBuf::from(&one.file)))?;
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let lines = text.split('\n').take(count(one.end.max(one.line)));
        let head = ["PRIVATE", "KEY-----"].join(" ");
        Ok(lines.skip(count(one.line.saturating_sub(1))).any(|line| line.contains(&head)))
    }
}

/// What is told of lines with nothing planted in them.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    /// File and first line, and the last line.
    pub(crate) places: BTreeMap<(String, u64), u64>,
    /// Findings by the scanner's rule; a line may have several.
    pub(crate) rules: BTreeMap<String, u64>,
    /// How many of the places hold the head of a private key.
    pub(crate) keys: u64,
}

impl Elsewhere {
    /// How many of the places share a line with one of these.
    pub(crate) fn shared(&self, others: &[&Self]) -> usize {
        let meets = |(place, end): &(&(String, u64), &u64)| {
            others
                .iter()
                .flat_map(|other| &other.places)
                .any(|(other, other_end)| other.0 == place.0 && other.1 <= **end && place.1 <= *other_end)
        };
        self.places.iter().filter(meets).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_planted_is_where_it_is_said_to_be() {
        let from = tempfile::tempdir().unwrap();
        fs::write(from.path().join("lib.rs"), "fn nothing() {}\n").unwrap();
        let tree = Tree::new(from.path(), 1_000, 2).unwrap();
        assert_eq!((tree.code, tree.files), (16, 7));
        let find = |plant: &Plant| Finding {
            file: plant.file.clone(),
            line: plant.line,
            end: plant.line,
            rule: "r".into(),
        };
        let mut findings: Vec<Finding> = tree.plants.iter().map(find).collect();
        assert!(tree.recall(&findings).values().all(|&counts| counts == (2, 2)));
        assert_eq!(tree.recall(&findings).len(), 10);
        let pem = tree.plants.iter().find(|plant| plant.kind == "private_key").unwrap();
        assert!(tree.is_key(&find(pem)).unwrap());
        findings.push(Finding { file: "code/lib.rs".into(), line: 1, end: 1, rule: "generic".into() });
        let elsewhere = tree.elsewhere(&findings).unwrap();
        assert_eq!((elsewhere.places.len(), elsewhere.keys), (1, 0));
        let around = Finding { file: "code/lib.rs".into(), line: 1, end: 3, rule: "other".into() };
        assert_eq!(elsewhere.shared(&[&tree.elsewhere(&[around]).unwrap()]), 1);
        assert_eq!(elsewhere.shared(&[&Elsewhere::default()]), 0);
        assert!(tree.recall(&[]).values().all(|&counts| counts == (2, 0)));
    }
}
