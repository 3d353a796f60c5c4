//! Source code that lies on this machine: read where it is, chosen by chance but each time the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Larger files are made by programs: tables, fonts, recorded answers.
const LARGEST: u64 = 1 << 20;

/// Where cargo keeps the sources of the crates that the program is built from.
pub(crate) fn registry() -> PathBuf {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home);
    cargo.unwrap_or_default().join("registry/src")
}

/// Text files below a folder, as paths below it, until they have so many bytes together.
///
/// # Errors
/// The folder cannot be read, or has no such files.
pub(crate) fn choose(folder: &Path, bytes: u64) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    walk(folder, &mut all)?;
    all.sort();
    fastrand::Rng::with_seed(1).shuffle(&mut all);
    let mut chosen = Vec::new();
    let mut sum = 0;
    for path in all {
        if sum >= bytes {
            break;
        }
        let content = fs::read(&path)?;
        if !content.contains(&0) && std::str::from_utf8(&content).is_ok() {
            sum += content.len() as u64;
            chosen.push(path.strip_prefix(folder).unwrap_or(&path).to_path_buf());
        }
    }
    chosen.sort();
    if chosen.is_empty() {
        return Err(io::Error::other(format!("{}: no text files; see --sources", folder.display())));
    }
    Ok(chosen)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && entry.file_name() != ".git" {
            walk(&entry.path(), files)?;
        } else if kind.is_file() && entry.metadata()?.len() <= LARGEST {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Their bytes, one after the other.
///
/// # Errors
/// One of them cannot be read.
pub(crate) fn joined(folder: &Path, files: &[PathBuf]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for file in files {
        text.extend(fs::read(folder.join(file))?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_chosen_each_time_the_same_and_only_text() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..40 {
            fs::write(folder.path().join(format!("{number}.rs")), "fn nothing() {}\n").unwrap();
        }
        fs::write(folder.path().join("program"), [0, 1, 2]).unwrap();
        let chosen = choose(folder.path(), 160).unwrap();
        assert_eq!(chosen.len(), 10);
        assert_eq!(chosen, choose(folder.path(), 160).unwrap());
        assert_eq!(choose(folder.path(), 1 << 20).unwrap().len(), 40);
        assert_eq!(joined(folder.path(), &chosen).unwrap().len(), 160);
    }
}
