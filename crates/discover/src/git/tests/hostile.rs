//! Repositories that were made to hurt, that are damaged, or that hold more than is taken.

use super::*;

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
    read_repository(&repo.path(), &Limits { memory: 1 << 20, ..Limits::default() }, &mut notes);
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
    read_versions(&repo.path(), &Limits::default(), 4, &mut notes);
    assert!(notes.told("more file versions than is taken"), "{:?}", notes.missing);
    // Two files of its own, six messages, six versions.
    for stop_after in 0..14 {
        let mut notes = Notes { stop_after: Some(stop_after), ..Notes::default() };
        read_repository(&repo.path(), &Limits::default(), &mut notes);
        assert!(notes.told("cut short"), "{stop_after}: {:?}", notes.missing);
        assert!(notes.shown.len() <= stop_after + 9, "{stop_after}");
    }
}

#[test]
fn a_history_of_pictures_is_told_in_a_few_lines() {
    let mut repo = Repo::new();
    for turn in 0..230_u8 {
        let picture = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[turn, 0, 0, 7]].concat();
        fs::write(repo.path().join(format!("{turn}.png")), picture).unwrap();
    }
    repo.commit("readme", "text\n", "pictures");
    let notes = repo.read();
    assert!(notes.told("30 more parts of file versions"), "{:?}", notes.missing.last());
    assert_eq!(notes.missing.len(), 201);
}
