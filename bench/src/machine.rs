//! The machine, as results describe it, and the files that results are added to.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

/// One line about the machine and its load.
pub fn description() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split(':').nth(1).unwrap_or_default().trim().to_owned()
    };
    let cpu = read("/proc/cpuinfo");
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let kilobytes: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let release = kernel.trim().split('-').next().unwrap_or_default().to_owned();
    let load = read("/proc/loadavg");
    let load: Vec<&str> = load.split(' ').take(1).collect();
    let mut text = format!("{cores} cores of {}", field(&cpu, "model name"));
    let _ = write!(text, ", {} GiB RAM, Linux {release}", (kilobytes + (1 << 19)) >> 20);
    let _ = write!(text, "; load average before: {}", load.concat());
    text
}

/// How much memory programs can still have.
pub fn available_gigabytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap_or_default();
    let kilobytes: u64 =
        line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default();
    kilobytes >> 20
}

/// Today and now, UTC, to the minute.
pub fn now() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// Prints a result and writes it to `results/NAME.md`.
///
/// # Errors
/// The file cannot be written.
pub fn publish(folder: &Path, name: &str, title: &str, before: &str, text: &str) -> io::Result<()> {
    let page = format!("# {title}\n\n{}. {before}.\n\n{text}", now());
    print!("{page}");
    let results = folder.join("results");
    fs::create_dir_all(&results)?;
    let mut file = fs::File::create(results.join(format!("{name}.md")))?;
    file.write_all(page.as_bytes())
}
