//! The folder of the servers that are no Debian packages, and how a program is started from it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Error, Launch};
use crate::process::{Account, run};

/// Brings the servers, and alone knows where they are.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/install-test-servers.sh");

/// The folder of one server's files.
///
/// # Errors
/// The script has not been run.
pub(super) fn folder(name: &str) -> Result<PathBuf, Error> {
    let folder = lab()?.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(Error::NotInstalled(format!("the server {}", folder.display())))
}

fn lab() -> Result<&'static Path, Error> {
    static LAB: OnceLock<PathBuf> = OnceLock::new();
    if let Some(lab) = LAB.get() {
        return Ok(lab);
    }
    let mut command = Command::new("bash");
    command.args([SCRIPT, "--print-lab"]);
    let printed = run(command, "")?;
    Ok(LAB.get_or_init(|| PathBuf::from(printed.trim_end())))
}

/// The Java 17 that the script chose, set up for a small server that lives briefly.
pub(super) fn java(launch: &Launch) -> Result<Command, Error> {
    java_at(launch, &folder("jdk")?)
}

/// The same with Java 11, for servers that know nothing newer.
pub(super) fn java11(launch: &Launch) -> Result<Command, Error> {
    java_at(launch, &folder("java11")?.join("jre"))
}

fn java_at(launch: &Launch, home: &Path) -> Result<Command, Error> {
    let program = home.join("bin/java");
    let mut command = launch.command(Account::Nobody, &program.display().to_string())?;
    let scratch = launch.folder("scratch", Account::Nobody)?;
    command.args(["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]);
    command.arg(format!("-Djava.io.tmpdir={}", scratch.display()));
    command.arg("-Dfile.encoding=UTF-8");
    Ok(command)
}
