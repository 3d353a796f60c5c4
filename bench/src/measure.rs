//! What a command costs: time, processor time, memory. Each is run by a small process of its own, because the
//! system tells the peak memory of ended children only as the greatest of all.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use serde_json::{Value, json};

/// What one run cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// From start to end, in seconds.
    pub wall: f64,
    /// Processor time in the program, in seconds.
    pub user: f64,
    /// Processor time in the kernel on its behalf, in seconds.
    pub system: f64,
    /// Peak resident memory, in bytes.
    pub peak: u64,
    /// How it ended.
    pub code: i64,
}

impl Cost {
    /// Processor time altogether.
    pub fn cpu(&self) -> f64 {
        self.user + self.system
    }

    /// Of two runs one after the other: times in sum, the greater memory.
    pub fn and(self, next: Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            user: self.user + next.user,
            system: self.system + next.system,
            peak: self.peak.max(next.peak),
            code: next.code,
        }
    }

    /// Peak memory in MB.
    #[expect(clippy::cast_precision_loss, reason = "megabytes are shown, not counted")]
    pub fn megabytes(&self) -> f64 {
        self.peak as f64 / 1e6
    }
}

/// Runs the command in the arguments and prints its cost as the last line of standard error. It has no input, unless
/// `--input` stands before it.
///
/// # Errors
/// It cannot be started.
pub fn child(mut arguments: VecDeque<String>) -> io::Result<()> {
    let input = if arguments.front().is_some_and(|first| first == "--input") {
        arguments.pop_front();
        Stdio::inherit()
    } else {
        Stdio::null()
    };
    let program = arguments.pop_front().ok_or_else(|| io::Error::other("which command?"))?;
    let started = Instant::now();
    let status = Command::new(program).args(arguments).stdin(input).status()?;
    let wall = started.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cost = json!({
        "wall": wall,
        "user": seconds(usage.user_time()),
        "system": seconds(usage.system_time()),
        "peak": usage.max_rss() * 1024,
        "code": status.code(),
    });
    eprintln!("{cost}");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^52")]
fn seconds(time: TimeVal) -> f64 {
    time.num_microseconds() as f64 / 1e6
}

/// Runs a command and returns its standard output and its cost. `inside`: the words that come before it, such
/// as those that enter a namespace.
///
/// # Errors
/// It cannot be started.
pub fn run<S: AsRef<OsStr>>(inside: &[&str], command: &[S]) -> io::Result<(String, Cost)> {
    let this = std::env::current_exe()?;
    let mut words: Vec<&OsStr> = inside.iter().map(OsStr::new).collect();
    words.extend([this.as_os_str(), OsStr::new("measure")]);
    words.extend(command.iter().map(AsRef::as_ref));
    let (first, rest) = words.split_first().ok_or_else(|| io::Error::other("no command"))?;
    let output = Command::new(first).args(rest).stdin(Stdio::null()).output()?;
    let cost = told_cost(&output.stderr)?;
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), cost))
}

/// The cost that a [`child`] told on its standard error.
///
/// # Errors
/// It told none: what it said instead.
pub fn told_cost(errors: &[u8]) -> io::Result<Cost> {
    let errors = String::from_utf8_lossy(errors);
    let last = errors.lines().last().unwrap_or_default();
    let cost: Value =
        serde_json::from_str(last).map_err(|_| io::Error::other(errors.clone().into_owned()))?;
    let number = |name: &str| cost.get(name).and_then(Value::as_f64).unwrap_or_default();
    let whole = |name: &str| cost.get(name).and_then(Value::as_i64).unwrap_or(-1);
    Ok(Cost {
        wall: number("wall"),
        user: number("user"),
        system: number("system"),
        peak: u64::try_from(whole("peak")).unwrap_or_default(),
        code: whole("code"),
    })
}

/// The middle one of some figures.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    let at = |index: usize| figures.get(index).copied().unwrap_or_default();
    if figures.len().is_multiple_of(2) && middle > 0 {
        f64::midpoint(at(middle - 1), at(middle))
    } else {
        at(middle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median([]).abs() < f64::EPSILON);
    }
}
