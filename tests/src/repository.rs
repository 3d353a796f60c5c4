//! The repository's own rules: which room may know which, sizes, registries, words that must not be there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::harness::root;

const LONGEST_FILE: usize = 420;
const LONGEST_FUNCTION: usize = 62;

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with(".git") {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Which rooms a manifest's `[dependencies]` names.
fn rooms_known_by(room: &str) -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join("crates").join(room).join("Cargo.toml")).unwrap();
    let rooms = ["model", "net", "probe", "discover", "inventory", "testkit", "synth", "watertight"];
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    dependencies
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| rooms.contains(name))
        .map(str::to_owned)
        .collect()
}

#[test]
fn rooms_depend_downwards_only() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(rooms_known_by("model"), set(&[]));
    assert_eq!(rooms_known_by("net"), set(&["model"]));
    assert_eq!(rooms_known_by("probe"), set(&["model", "net"]));
    assert_eq!(rooms_known_by("discover"), set(&["model", "net"]));
    assert_eq!(rooms_known_by("inventory"), set(&["model"]));
    assert_eq!(rooms_known_by("testkit"), set(&[]));
    assert_eq!(rooms_known_by("synth"), set(&[]));
    assert_eq!(rooms_known_by("watertight"), set(&["model", "net", "probe", "discover", "inventory"]));
}

#[test]
fn whoever_dials_dials_in_net() {
    for room in ["model", "probe", "discover", "inventory", "watertight"] {
        for path in files(&root().join("crates").join(room), "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for word in ["TcpStream", "UdpSocket", "UnixStream", "TcpSocket"] {
                assert!(!code.contains(word), "{}: {word} belongs into net", path.display());
            }
        }
    }
}

#[test]
fn the_directory_of_services_and_their_list_agree() {
    let list = std::fs::read_to_string(root().join("crates/probe/src/service/mod.rs")).unwrap();
    for path in files(&root().join("crates/probe/src/service"), "rs") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name != "mod" {
            assert!(list.contains(&format!("pub mod {name};")), "{name} is not declared");
            assert!(list.contains(&format!("Box::new({name}::")), "{name} is not in the registry");
        }
    }
}

#[test]
fn files_fit_a_reader_and_functions_a_screen() {
    let mut wrong = Vec::new();
    // A file of tests is read one test at a time.
    for path in files(&root().join("crates"), "rs").iter().filter(|path| !path.ends_with("tests.rs")) {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = code.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{}: {lines} lines before its tests", path.display()));
        }
        wrong.extend(long_functions(code).into_iter().map(|name| format!("{}: {name}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn long_functions(code: &str) -> Vec<String> {
    let mut long = Vec::new();
    let mut open: Option<(usize, usize, String)> = None;
    for (number, line) in code.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        match &open {
            None if line.contains("fn ")
                && !line.trim_start().starts_with("//")
                && !line.trim_end().ends_with(';') =>
            {
                open = Some((number, indent, line.trim().to_owned()));
            }
            Some((start, depth, name)) if indent == *depth && line.trim_start().starts_with('}') => {
                if number - start + 1 > LONGEST_FUNCTION {
                    long.push(format!("{} lines: {name}", number - start + 1));
                }
                open = None;
            }
            _ => {}
        }
    }
    long
}

#[test]
fn every_source_file_says_what_it_is() {
    for path in files(&root().join("crates"), "rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} has no module documentation", path.display());
    }
}

#[test]
fn lifecycle_packs_have_their_product_as_name_a_source_and_a_date() {
    for path in files(&root().join("packs/lifecycle"), "yml") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            text.contains(&format!("\nproduct: {name}\n")) || text.starts_with(&format!("product: {name}\n")),
            "{name}"
        );
        assert!(text.contains("\nsource: https://") && text.contains("\nchecked: 20"), "{name}");
    }
}
