//! People by the billion: a generator writes persons into a pipe, `watertight audit -` counts them.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::machine::{description, publish};
use crate::measure::{Cost, told_cost};

/// So many persons, one after the other.
const COUNTS: [u64; 3] = [100_000, 10_000_000, 1_000_000_000];

/// What one run told and cost.
struct Run {
    persons: u64,
    lower: u64,
    upper: u64,
    bytes: u64,
    reader: Cost,
    generator: Cost,
}

impl Run {
    /// How far the middle of the bounds is from the truth, as a share of it.
    #[expect(clippy::cast_precision_loss, reason = "a share is shown")]
    fn error(&self) -> f64 {
        f64::midpoint(self.lower as f64, self.upper as f64) / self.persons as f64 - 1.0
    }

    fn holds(&self) -> bool {
        self.lower <= self.persons && self.persons <= self.upper
    }

    #[expect(clippy::cast_precision_loss, reason = "rates are shown")]
    fn row(&self, text: &mut String) {
        let (wall, reader) = (self.reader.wall, self.reader.cpu());
        let _ = writeln!(
            text,
            "| {} | {:.1} GB | {} to {} | {} | {:+.2} % | {wall:.1} s | {:.0} | {reader:.1} s | {:.1} s | {:.0} MB |",
            thousands(self.persons),
            self.bytes as f64 / 1e9,
            thousands(self.lower),
            thousands(self.upper),
            if self.holds() { "yes" } else { "**no**" },
            self.error() * 100.0,
            self.persons as f64 / wall / 1000.0,
            self.generator.cpu(),
            self.reader.megabytes(),
        );
    }
}

/// Counts 10^5, 10^7 and 10^9 persons, or as far as `most`.
///
/// # Errors
/// The generator or the program cannot be started, or tells nothing that is understood.
pub fn run(program: &Path, folder: &Path, most: Option<u64>) -> io::Result<()> {
    let before = description();
    let mut text = String::from(
        "`watertight-synth ndjson --people N | watertight audit -`: N rows of eleven columns, each of another person. Both\n\
         share the two cores; the wall time is that of the reader, from its start to its report.\n\n\
         | rows | input | people told | holds the truth | error of the middle | wall | thousand rows a second | CPU of the reader | \
         CPU of the generator | peak memory of the reader |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let counts = COUNTS.into_iter().filter(|count| most.is_none_or(|most| *count <= most));
    for persons in counts.chain(most.filter(|most| !COUNTS.contains(most))) {
        let run = count(program, persons)?;
        run.row(&mut text);
        eprintln!("{persons}: {:.1} s", run.reader.wall);
    }
    publish(folder, "billion", "People by the billion", &before, &text)
}

fn count(program: &Path, persons: u64) -> io::Result<Run> {
    let this = std::env::current_exe()?;
    let generator = program.with_file_name("watertight-synth");
    let mut source = Command::new(&this)
        .arg("measure")
        .arg(&generator)
        .args(["ndjson", "--seed", "5", "--people", &persons.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pipe = source.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
    let reader = Command::new(&this)
        .args(["measure", "--input"])
        .arg(program)
        .args(["audit", "--no-state", "--quiet", "--only", "data", "-o", "json", "-"])
        .stdin(pipe)
        .output()?;
    let source = source.wait_with_output()?;
    let (lower, upper) = told(&reader.stdout)?;
    Ok(Run {
        persons,
        lower,
        upper,
        bytes: sample_bytes(&generator, persons)?,
        reader: told_cost(&reader.stderr)?,
        generator: told_cost(&source.stderr)?,
    })
}

/// Bytes of all rows, from those of the first hundred thousand: their lengths hardly differ.
fn sample_bytes(generator: &Path, persons: u64) -> io::Result<u64> {
    let some = persons.min(100_000);
    let output = Command::new(generator)
        .args(["ndjson", "--seed", "5", "--people", &persons.to_string(), "--to", &some.to_string()])
        .output()?;
    Ok(output.stdout.len() as u64 * (persons / some.max(1)))
}

/// The bounds of the people in the store.
fn told(report: &[u8]) -> io::Result<(u64, u64)> {
    let report: Value = serde_json::from_slice(report)?;
    let records = report.get("data").and_then(Value::as_array);
    let store = records.into_iter().flatten().find(|record| record.get("type") == Some(&"store".into()));
    let people = store.and_then(|store| store.get("people"));
    let bound = |name: &str| people.and_then(|people| people.get(name)).and_then(Value::as_u64);
    bound("lower").zip(bound("upper")).ok_or_else(|| io::Error::other(format!("no people in {report}")))
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            ["999", "1,000", "1,000,000,000"],
            [999, 1_000, 1_000_000_000].map(thousands).each_ref().map(String::as_str)
        );
    }

    #[test]
    fn the_bounds_are_those_of_the_store() {
        let report =
            br#"{"data":[{"type":"personal_data"},{"type":"store","people":{"lower":3,"upper":4}}]}"#;
        assert_eq!(told(report).unwrap(), (3, 4));
        assert!(told(b"{}").is_err());
    }
}
