//! Presidio's synthetic benchmark with its own scorer: `presidio/compare.py` does the work, in the folder that
//! `presidio/install.sh` made.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::machine::{description, publish};

/// Sentences, as many as the published data set has.
pub const SENTENCES: usize = 1_500;
/// Where chance begins.
const SEED: &str = "42";

/// Measures on `count` sentences, with the Python in `environment`, or that of the default folder.
///
/// # Errors
/// Presidio is not installed, or its script fails.
pub fn run(folder: &Path, count: usize, environment: Option<&str>) -> io::Result<()> {
    let before = description();
    let home = std::env::var("HOME").unwrap_or_default();
    let environment =
        environment.map_or_else(|| format!("{home}/.cache/watertight-bench/presidio"), str::to_owned);
    let output = Command::new(format!("{environment}/bin/python"))
        .arg(folder.join("presidio/compare.py"))
        .arg(std::env::current_exe()?)
        .args([count.to_string().as_str(), SEED])
        .output()
        .map_err(|error| io::Error::other(format!("bench/presidio/install.sh comes first: {error}")))?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    publish(folder, "presidio-set", "Presidio's synthetic benchmark", &before, &text)
}
