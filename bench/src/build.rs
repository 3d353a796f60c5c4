//! What building costs: a cold release build with two jobs, and the size of what it makes.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use crate::machine::{description, publish};
use crate::measure;

/// How many crates are named.
const HEAVIEST: usize = 15;

/// Builds in a fresh folder. The registry's files are there already: downloading is not building.
///
/// # Errors
/// The build fails.
pub fn run(folder: &Path) -> io::Result<()> {
    let before = description();
    let root = folder.parent().unwrap_or(folder);
    let target = tempfile::Builder::new().prefix("cold").tempdir_in("/tmp")?;
    let words =
        ["cargo", "build", "--release", "-p", "watertight", "--jobs", "2", "--timings", "--target-dir"];
    let mut command: Vec<String> = words.map(String::from).to_vec();
    command.push(target.path().display().to_string());
    command.extend(["--manifest-path".into(), root.join("Cargo.toml").display().to_string()]);
    let (_, cost) = measure::run(&[], &command)?;
    if cost.code != 0 {
        return Err(io::Error::other("the build failed"));
    }
    let size = fs::metadata(target.path().join("release/watertight"))?.len();
    let timings = fs::read_to_string(target.path().join("cargo-timings/cargo-timing.html"))?;
    let mut units = units(&timings);
    let total: f64 = units.iter().map(|(_, seconds)| seconds).sum();
    let mut text = format!(
        "`cargo build --release -p watertight --jobs 2` in an empty target folder, nothing to download.\n\n\
         | figure | value |\n|---|---|\n| wall | {:.0} s ({:.1} min; goal: 8 min) |\n| CPU | {:.0} s |\n\
         | compile units | {}, {total:.0} s in sum |\n| program as built (debug information stripped) | {:.1} MB |\n\n",
        cost.wall,
        cost.wall / 60.0,
        cost.cpu(),
        units.len(),
        megabytes(size)
    );
    text.push_str("Heaviest units, seconds from start to end of each while two run at a time:\n\n| unit | s |\n|---|---|\n");
    units.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (name, seconds) in units.iter().take(HEAVIEST) {
        let _ = writeln!(text, "| {name} | {seconds:.1} |");
    }
    publish(folder, "build", "Building", &before, &text)
}

/// Name and duration of the units in cargo's report, which keeps them as JSON in its script.
fn units(html: &str) -> Vec<(String, f64)> {
    let start = html.split("UNIT_DATA = ").nth(1).unwrap_or_default();
    let list = start.split("];").next().map(|list| format!("{list}]")).unwrap_or_default();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap_or_default();
    let unit = |unit: &serde_json::Value| {
        let text = |name: &str| unit.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let name = format!("{} {}{}", text("name"), text("version"), text("target"));
        Some((name, unit.get("duration")?.as_f64()?))
    };
    list.as_array().into_iter().flatten().filter_map(unit).collect()
}

#[expect(clippy::cast_precision_loss, reason = "megabytes are shown, not counted")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
