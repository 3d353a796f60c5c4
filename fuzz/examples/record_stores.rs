//! Records what real stores answer to their readers, as seeds of the target `stores`, and a small repository as one of
//! `git`: into folders of these names below FOLDER, which may be `fuzz/seeds`.
//!
//! Needs the servers of `scripts/install-test-servers.sh --everything`, and git:
//!
//! ```text
//! cargo run --manifest-path fuzz/Cargo.toml --example record_stores -- FOLDER
//! ```

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use discover::store::gate::Gate;
use discover::store::login::Environment;
use discover::store::open::open;
use testkit::real;
use tokio::net::TcpListener;
use watertight_fuzz::stage;
use watertight_fuzz::tape::{Tape, relays, save};
use watertight_fuzz::unread::Unread;

/// The beginning of a URL, and the state of the test kit that answers.
const STORES: &[(&str, &str)] = &[
    ("clickhouse://", "clickhouse-open"),
    ("elasticsearch+http://", "elasticsearch6-open"),
    ("elasticsearch+http://", "elasticsearch7-open"),
    ("mongodb://", "mongo-java-open"),
    ("mysql://root@", "mariadb-open"),
    ("postgres://postgres@", "postgres-open"),
    ("redis://", "redis-open"),
];

async fn record(first: &str, server: SocketAddr) -> Vec<Vec<u8>> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let tape = Tape::default();
    let relays = tokio::spawn(relays(listener, server, Arc::clone(&tape)));
    let gate = Gate::new(stage::dialer(), Arc::new(stage::guard()));
    let opened = open(&format!("{first}{address}"), &Environment::new(|_| None, None), gate);
    let mut store = opened.expect("a URL").store;
    match store.tables().await {
        Err(error) => println!("  {error}"),
        Ok(listing) => {
            for table in &listing.tables {
                let mut sink = Unread::default();
                let sampled = store.sample(table, 20, 1, &mut sink).await;
                let full = store.full(table, &[], &mut sink).await;
                println!("  {}: {sampled:?} {full:?}", table.location);
            }
        }
    }
    relays.abort();
    let pieces = tape.lock().expect("nobody panics").clone();
    pieces
}

/// The files of a bare repository, as the target `git` takes them.
fn repository() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder.path()).args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
        let output = command.args(arguments).env("HOME", folder.path()).output().expect("git runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q", "-b", "main"]);
    for number in 0..3 {
        std::fs::write(folder.path().join("notes.txt"), format!("note {number}\n").repeat(20)).expect("written");
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", "more notes"]);
        if number == 1 {
            git(&["repack", "-q", "-a", "-d"]);
        }
    }
    let mut pieces = Vec::new();
    let mut folders = vec![folder.path().join(".git")];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).expect("a folder").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(folder.path().join(".git")).expect("below").to_owned();
            let name = name.to_str().expect("text");
            if path.is_dir() {
                folders.push(path);
            } else if ["HEAD", "objects", "refs", "packed-refs", "logs"].iter().any(|kept| name.starts_with(kept)) {
                pieces.push([name.as_bytes(), b"\n", &std::fs::read(&path).expect("a file")].concat());
            }
        }
    }
    pieces.join(stage::DIVIDER)
}

fn main() {
    let folder = std::env::args().nth(1).expect("usage: record_stores FOLDER");
    let folder = Path::new(&folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for (first, state) in STORES {
        println!("{state}");
        match real::start(state) {
            Ok(server) => {
                let pieces = runtime.block_on(record(first, server.address));
                save(&folder.join("stores"), state, first, &pieces);
            }
            Err(error) => println!("  not started: {}", error.to_string().lines().next().unwrap_or_default()),
        }
    }
    std::fs::create_dir_all(folder.join("git")).expect("the folder can be made");
    std::fs::write(folder.join("git/packed-and-loose"), repository()).expect("the folder can be written");
}
