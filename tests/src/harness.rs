//! Runs the built program and reads what it says.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use testkit::netns::Namespace;

/// The program, built once for this test run with the same profile as the tests.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let tests = std::env::current_exe().unwrap();
        // target/PROFILE/deps/it-HASH
        let profile = tests.parent().unwrap().parent().unwrap();
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The same packages as `cargo test --workspace`, so that no dependency is built twice.
        build.args(["build", "--quiet", "--workspace", "--bin", "watertight", "--manifest-path"]);
        build.arg(root().join("Cargo.toml")).arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the program must build");
        profile.join("watertight")
    })
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// One run of the program, with a home of its own.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The records of a report in JSON.
    pub fn records(&self) -> Vec<Value> {
        let report: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not JSON: {error}\n{}\n{}", self.stdout, self.stderr));
        report["records"].as_array().unwrap().clone()
    }

    /// The exposure at an address.
    pub fn exposure(&self, address: SocketAddr) -> Value {
        self.find(address)
            .unwrap_or_else(|| panic!("no exposure of {address}\n{}\n{}", self.stdout, self.stderr))
    }

    /// The exposure at an address, if there is one.
    pub fn find(&self, address: SocketAddr) -> Option<Value> {
        let wanted = format!("tcp://{address}");
        self.records()
            .into_iter()
            .find(|record| record["type"] == "exposure" && record["asset"]["address"] == wanted.as_str())
    }
}

/// A home folder for runs that shall remember each other.
pub struct Home {
    folder: tempfile::TempDir,
    namespace: Option<String>,
}

impl Home {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), namespace: None }
    }

    /// Runs take place inside a network namespace.
    pub fn inside(namespace: &Namespace) -> Self {
        Self { namespace: Some(namespace.name().to_owned()), ..Self::new() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(program());
                command
            }
            None => Command::new(program()),
        };
        command.args(arguments).current_dir(self.path());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path()).env("LANG", "C.UTF-8");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// `audit -o json` with more arguments.
    pub fn audit(&self, arguments: &[&str]) -> Run {
        self.run(&[&["audit", "-o", "json"], arguments].concat())
    }
}

/// Audits one address in a home of its own.
pub fn audit_one(address: SocketAddr) -> (Run, Value) {
    let run = Home::new().audit(&["--no-state", &address.to_string()]);
    let record = run.exposure(address);
    (run, record)
}

/// Says loudly that a test did not run. Namespaces need root.
pub fn without_namespaces(test: &str) -> bool {
    let without = !Namespace::available();
    if without {
        eprintln!("SKIPPED {test}: network namespaces need root; run the tests as root to include it");
    }
    without
}
