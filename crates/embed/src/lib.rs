//! For build scripts: turns a folder of packs (YAML) into one JSON file.
//!
//! YAML is for people and costs a quarter of a millisecond a file to read, at every start of the program; JSON costs a
//! tenth of that. What a pack means is none of this crate's business: whoever reads the JSON checks it.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// Reads every `*.yml` below `folder` and writes `OUT_DIR/NAME.json`: an object of relative path and document, in the
/// order of the paths. Tells cargo to build again when the folder changes.
///
/// # Errors
/// When the folder cannot be read, or a file is no YAML.
pub fn embed(folder: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    let out =
        PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: this is for build scripts")?);
    std::fs::write(out.join(format!("{name}.json")), serde_json::to_string(&documents(folder)?)?)?;
    Ok(())
}

fn documents(folder: &Path) -> Result<Value, Box<dyn Error>> {
    let mut all = Map::new();
    for path in files(folder)? {
        let text = std::fs::read_to_string(&path)?;
        let document: Value =
            serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let relative = path.strip_prefix(folder)?.to_string_lossy().into_owned();
        all.insert(relative, document);
    }
    Ok(Value::Object(all))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    // Cargo looks at the time of a folder for new files, and at the files for changes.
    watch(folder);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "yml") {
            watch(&path);
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_below_the_folder_is_there_in_order() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        std::fs::write(folder.path().join("b/two.yml"), "id: two\nnumbers: [1, 2]\n").unwrap();
        std::fs::write(folder.path().join("a.yml"), "id: one\n").unwrap();
        std::fs::write(folder.path().join("README.md"), "not a pack").unwrap();
        let documents = documents(folder.path()).unwrap();
        assert_eq!(
            documents.to_string(),
            r#"{"a.yml":{"id":"one"},"b/two.yml":{"id":"two","numbers":[1,2]}}"#
        );
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bad.yml"), "a: [").unwrap();
        assert!(documents(folder.path()).unwrap_err().to_string().contains("bad.yml"));
    }
}
