//! Ten thousand endpoints on ten thousand addresses: how many verdicts a second, at what cost, and how many of
//! them right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::listen::{Endpoint, Field};
use crate::machine::{description, publish};
use crate::measure::{self, Cost, median};
use crate::told::told;

/// A port that is no hint for any service.
pub const ODD_PORT: u16 = 21847;
/// How many endpoints, unless told otherwise.
pub const ENDPOINTS: usize = 10_000;
/// The program's deadline for one endpoint, in seconds.
const DEADLINE: f64 = 10.0;

/// What one run brought.
struct Outcome {
    cost: Cost,
    answering: usize,
    right: usize,
    matrix: Matrix,
    wrong: Vec<String>,
    emulator: Value,
}

/// Truth, what was told, how often.
type Matrix = BTreeMap<(String, String), usize>;

/// Measures with and without tarpits, at a port that is no hint and at the usual ports.
///
/// # Errors
/// A program cannot be started.
pub fn run(program: &Path, folder: &Path, count: usize, runs: usize) -> io::Result<()> {
    let machine = description();
    let mut text = String::new();
    for (title, port, tarpits) in [
        ("All answer; one port that is no hint", Some(ODD_PORT), false),
        ("All answer; each service at its usual port", None, false),
        ("A tenth are tarpits; one port that is no hint", Some(ODD_PORT), true),
        ("A tenth are tarpits; each service at its usual port", None, true),
    ] {
        let field = Field { count, tarpits, port };
        let outcomes = (0..runs).map(|_| once(program, &field)).collect::<io::Result<Vec<_>>>()?;
        section(&mut text, title, &field, &outcomes);
    }
    publish(folder, "ten-thousand", &format!("{count} endpoints on {count} addresses"), &machine, &text)
}

fn once(program: &Path, field: &Field) -> io::Result<Outcome> {
    let mut emulator = start(field)?;
    let endpoints = field.endpoints();
    let mut command = vec![program.display().to_string()];
    command.extend(["audit", "--quiet", "--no-state", "-o", "ndjson"].map(String::from));
    command.extend(endpoints.iter().map(|endpoint| endpoint.address.to_string()));
    let (output, cost) = measure::run(&[], &command)?;
    let emulator = stop(&mut emulator)?;
    Ok(judge(&endpoints, &output, cost, emulator))
}

/// Starts the emulator in a process of its own, and waits until it listens.
fn start(field: &Field) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["listen", "--count", &field.count.to_string(), "--port"]);
    command.arg(field.port.map_or_else(|| "usual".to_owned(), |port| port.to_string()));
    command.args(field.tarpits.then_some("--tarpits"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let line = next_line(&mut child)?;
    if line == "ready" { Ok(child) } else { Err(io::Error::other("the emulator did not start")) }
}

fn next_line(child: &mut Child) -> io::Result<String> {
    let mut line = String::new();
    if let Some(output) = child.stdout.as_mut() {
        BufReader::with_capacity(1, output).read_line(&mut line)?;
    }
    Ok(line.trim().to_owned())
}

/// Ends the emulator and returns its tally.
fn stop(child: &mut Child) -> io::Result<Value> {
    drop(child.stdin.take());
    let tally = next_line(child)?;
    child.wait()?;
    Ok(serde_json::from_str(&tally)?)
}

fn judge(endpoints: &[Endpoint], output: &str, cost: Cost, emulator: Value) -> Outcome {
    let told = told(output);
    let mut outcome =
        Outcome { cost, answering: 0, right: 0, matrix: Matrix::new(), wrong: Vec::new(), emulator };
    for endpoint in endpoints {
        let told = told.get(&endpoint.address.into());
        let (service, verdict) =
            told.map_or(("-", "nothing"), |told| (told.service.as_str(), told.verdict.as_str()));
        let (truth, right) = match endpoint.door {
            Some(door) => (door.name(), told.is_some_and(|told| told.is_right(door))),
            // Nothing may be claimed about what never answers.
            None => ("(tarpit)".to_owned(), matches!(verdict, "UNKNOWN" | "UNIDENTIFIED")),
        };
        outcome.answering += usize::from(endpoint.door.is_some());
        outcome.right += usize::from(right);
        if !right && outcome.wrong.len() < 5 {
            outcome.wrong.push(format!("{truth} at {}: {service} {verdict}", endpoint.address));
        }
        let named = endpoint.door.is_some_and(|door| door.service != service);
        let column = if named { format!("{verdict} ({service})") } else { verdict.to_owned() };
        *outcome.matrix.entry((truth, column)).or_default() += 1;
    }
    outcome
}

fn section(text: &mut String, title: &str, field: &Field, outcomes: &[Outcome]) {
    let figure = |get: &dyn Fn(&Outcome) -> f64| median(outcomes.iter().map(get));
    let count = as_f64(field.count);
    let rate = |outcome: &Outcome| as_f64(outcome.answering) / outcome.cost.wall;
    let span = |outcome: &Outcome| {
        let span = outcome.emulator.get("seconds_from_first_connection_to_last_answer");
        span.and_then(Value::as_f64).unwrap_or_default()
    };
    let each = |get: &dyn Fn(&Outcome) -> f64| {
        outcomes.iter().map(|outcome| format!("{:.2}", get(outcome))).collect::<Vec<_>>().join(", ")
    };
    let _ = writeln!(text, "## {title}\n\n| figure | median | each run |\n|---|---|---|");
    let mut row = |name: &str, get: &dyn Fn(&Outcome) -> f64| {
        let _ = writeln!(text, "| {name} | {:.2} | {} |", figure(get), each(get));
    };
    row("wall, s (program start to end, report written)", &|outcome| outcome.cost.wall);
    if field.tarpits {
        row("of it beyond the deadline of 10 s, s", &|outcome| outcome.cost.wall - DEADLINE);
    } else {
        row("verdicts per second of wall", &rate);
    }
    row("first connection to last answer sent, s", &span);
    row("verdicts per second of that", &|outcome| as_f64(outcome.answering) / span(outcome).max(0.001));
    row("CPU, s per 1,000 verdicts", &|outcome| outcome.cost.cpu() * 1000.0 / count);
    row("of it in the kernel", &|outcome| outcome.cost.system * 1000.0 / count);
    row("peak memory, MB", &|outcome| outcome.cost.megabytes());
    row("right verdicts, %", &|outcome| as_f64(outcome.right) * 100.0 / count);
    let tally = |name: &str| {
        let value = |outcome: &Outcome| outcome.emulator.get(name).cloned().unwrap_or_default().to_string();
        outcomes.iter().map(value).collect::<Vec<_>>().join(", ")
    };
    let _ = writeln!(text, "| connections made | | {} |", tally("connections"));
    let _ = writeln!(text, "| requests answered by the emulator | | {} |", tally("requests"));
    let _ = writeln!(text, "| requests that no capture knows | | {} |\n", tally("unknown_requests"));
    matrix(text, outcomes);
    for outcome in outcomes {
        for wrong in &outcome.wrong {
            let _ = writeln!(text, "- wrong: {wrong}");
        }
        let examples = outcome.emulator.get("examples").and_then(Value::as_object);
        for (door, request) in examples.into_iter().flatten() {
            let _ = writeln!(text, "- no capture of {door} knows `{}`", request.as_str().unwrap_or_default());
        }
    }
    text.push('\n');
}

/// Truth in the rows, what was told in the columns, over all runs.
fn matrix(text: &mut String, outcomes: &[Outcome]) {
    let mut sum = Matrix::new();
    for (cell, count) in outcomes.iter().flat_map(|outcome| &outcome.matrix) {
        *sum.entry(cell.clone()).or_default() += count;
    }
    let truths: BTreeSet<&String> = sum.keys().map(|(truth, _)| truth).collect();
    let columns: BTreeSet<&String> = sum.keys().map(|(_, column)| column).collect();
    let _ = write!(text, "| truth \\ told, all {} runs |", outcomes.len());
    for column in &columns {
        let _ = write!(text, " {column} |");
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(columns.len()));
    for truth in truths {
        let _ = write!(text, "| {truth} |");
        for column in &columns {
            let count = sum.get(&(truth.clone(), (*column).clone()));
            let _ = write!(text, " {} |", count.map_or_else(String::new, ToString::to_string));
        }
        text.push('\n');
    }
    text.push('\n');
}

#[expect(clippy::cast_precision_loss, reason = "counts of endpoints are small")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
