//! Git repositories: packs, their indexes, loose objects, references.
//!
//! An input is a list of files of a bare repository, divided as in `stage`: the first line of each is its path.
#![no_main]

use std::path::{Component, Path};

use discover::file::Limits;
use discover::git::read_repository;
use libfuzzer_sys::fuzz_target;
use watertight_fuzz::stage;
use watertight_fuzz::unread::Unread;

fuzz_target!(|input: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for name in ["objects", "refs"] {
        std::fs::create_dir(folder.path().join(name)).expect("a folder can be made");
    }
    std::fs::write(folder.path().join("HEAD"), "ref: refs/heads/main\n").expect("a file can be written");
    for piece in stage::pieces(input).iter().take(64) {
        let (name, content) = stage::first_line(piece);
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let path = Path::new(name);
        // Nothing is written outside the folder; what the system does not take is left out.
        if name.is_empty() || path.components().any(|part| !matches!(part, Component::Normal(_))) {
            continue;
        }
        let path = folder.path().join(path);
        if let Some(parent) = path.parent() {
            let _ = std::fs::create_dir_all(parent);
        }
        let _ = std::fs::write(path, content);
    }
    let limits = Limits { ratio_floor: 1 << 20, memory: 8 << 20, longest_record: 1 << 16, text_too: 1 << 12, ..Limits::default() };
    read_repository(folder.path(), &limits, &mut Unread::default());
});
