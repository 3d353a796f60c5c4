//! Beside what else looks for personal data and secrets, on the same bytes: presidio-analyzer, detect-secrets, gitleaks.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use discover::personal::Recogniser;
use serde_json::Value;
use synth::{Format, Settings, Table, World};
use testkit::netns::Namespace;

use super::people::{self, COLUMNS, Found, WAYS};
use super::planted::{Finding, Tree};
use super::recognise::CARD;
use super::speed::timed;
use crate::machine::{description, publish};
use crate::measure::{self, Cost};

/// Rows unless told: the slowest peer takes about a minute for them.
pub(crate) const ROWS: u64 = 15_000;
/// Bytes of source code: the slowest scanner takes about a minute.
const CODE: u64 = 20_000_000;
/// How often each kind of secret is planted.
const SEEDS: u64 = 25;
/// Bytes of source code with nothing planted, for the faster two.
const MORE_CODE: u64 = 200_000_000;
/// Sentences of each way to write them.
const SENTENCES: u64 = 1_000;
/// Below it, Presidio's findings are what any number could be.
const SCORE: f64 = 0.4;
/// Rules that are named of each scanner.
const RULES: usize = 8;

/// The programs, and a namespace without a network in which all of them run: detect-secrets would ask the vendors about
/// what it finds, and Presidio fetch a list.
struct Lab<'a> {
    program: &'a Path,
    peers: &'a Path,
    script: PathBuf,
    enter: String,
    _namespace: Namespace,
}

impl Lab<'_> {
    fn run(&self, command: &[&str]) -> io::Result<(String, Cost)> {
        let (said, cost) = measure::run(&["nsenter", &self.enter], command)?;
        // Ours ends with 1 for findings and with 3 where something could not be read.
        if !(0..=1).contains(&cost.code) && cost.code != 3 {
            return Err(io::Error::other(format!("{command:?} ended with {}", cost.code)));
        }
        Ok((said, cost))
    }

    /// The audit as a user runs it; the run in the middle of several by its processor time.
    fn audit(&self, path: &Path, only: Option<&str>, runs: usize) -> io::Result<(Value, Cost)> {
        let (program, path) = (self.program.display().to_string(), path.display().to_string());
        let mut command = vec![program.as_str(), "audit", "--no-state", "--quiet", "--output", "json", &path];
        command.extend(only.iter().flat_map(|what| ["--only", what]));
        let mut all: Vec<(String, Cost)> =
            (0..runs.max(1)).map(|_| self.run(&command)).collect::<io::Result<_>>()?;
        all.sort_by(|(_, a), (_, b)| a.cpu().total_cmp(&b.cpu()));
        let (said, cost) = all.swap_remove(all.len() / 2);
        Ok((serde_json::from_str(&said).map_err(io::Error::other)?, cost))
    }

    fn peer(&self, name: &str) -> String {
        self.peers.join(name).display().to_string()
    }

    /// The findings of Presidio in each line, the cost of its process, and what the analysis alone took.
    fn presidio(&self, text: &Path) -> io::Result<(Vec<Vec<Found>>, Cost, Cost)> {
        let to = text.with_extension("found");
        let python = self.peer("python/bin/python");
        let (script, text, out) =
            (self.script.display().to_string(), text.display().to_string(), to.display().to_string());
        let (said, cost) = self.run(&[&python, &script, &text, &out])?;
        let alone: Value = serde_json::from_str(&said).map_err(io::Error::other)?;
        let number = |name: &str| alone.get(name).and_then(Value::as_f64).unwrap_or_default();
        let alone = Cost { wall: number("wall"), user: number("cpu"), peak: cost.peak, ..Cost::default() };
        Ok((people::presidio(&fs::read_to_string(to)?)?, cost, alone))
    }

    fn detect_secrets(&self, folder: &Path) -> io::Result<(Vec<Finding>, Cost)> {
        let (python, folder) = (self.peer("python/bin/python"), folder.display().to_string());
        let command =
            [&python, "-m", "detect_secrets", "-C", &folder, "scan", "--all-files", "--no-verify", "."];
        let (said, cost) = self.run(&command)?;
        let said: Value = serde_json::from_str(&said).map_err(io::Error::other)?;
        let files = said.get("results").and_then(Value::as_object).into_iter().flatten();
        let one = |file: &str, one: &Value| {
            let line = one.get("line_number")?.as_u64()?;
            Some(Finding {
                file: file.to_owned(),
                line,
                end: line,
                rule: one.get("type")?.as_str()?.to_owned(),
            })
        };
        let all = files.flat_map(|(file, all)| {
            all.as_array().into_iter().flatten().filter_map(move |value| one(file, value))
        });
        Ok((all.collect(), cost))
    }

    fn gitleaks(&self, folder: &Path, below: &dyn Fn(&str) -> String) -> io::Result<(Vec<Finding>, Cost)> {
        let report = tempfile::NamedTempFile::new()?;
        let (program, folder, out) =
            (self.peer("gitleaks"), folder.display().to_string(), report.path().display().to_string());
        let quiet = ["--no-banner", "--no-color", "--redact=100", "--exit-code", "0", "-f", "json", "-r"];
        let command = [&[program.as_str(), "dir"], quiet.as_slice(), &[&out, &folder]].concat();
        let (_, cost) = self.run(&command)?;
        let said: Value =
            serde_json::from_str(&fs::read_to_string(report.path())?).map_err(io::Error::other)?;
        let one = |one: &Value| {
            Some(Finding {
                file: below(one.get("File")?.as_str()?),
                line: one.get("StartLine")?.as_u64()?,
                end: one.get("EndLine")?.as_u64()?,
                rule: one.get("RuleID")?.as_str()?.to_owned(),
            })
        };
        Ok((said.as_array().into_iter().flatten().filter_map(one).collect(), cost))
    }
}

/// Measures all of them and writes `results/data-peers.md`.
///
/// # Errors
/// A program is missing or fails.
pub(crate) fn run(
    program: &Path,
    folder: &Path,
    peers: &Path,
    from: &Path,
    rows: u64,
    runs: usize,
) -> io::Result<()> {
    let before = description();
    let stamp = fs::read_to_string(peers.join("stamp"))
        .map_err(|_| io::Error::other("no peers: bench/install-peers.sh FOLDER, and --peers FOLDER"))?;
    let namespace = Namespace::new("data-peers").map_err(io::Error::other)?;
    let enter = format!("--net=/run/netns/{}", namespace.name());
    let script = folder.join("presidio.py");
    let lab = Lab { program, peers, script, enter, _namespace: namespace };
    let mut text = format!(
        "{}. Each peer ran once, `watertight` {runs} times (the run in the middle). MB is 10^6 bytes.\n\n",
        stamp.trim()
    );
    over_people(&lab, rows, runs, &mut text)?;
    over_sentences(&lab, &mut text)?;
    over_tree(&lab, from, runs, &mut text)?;
    over_code(&lab, from, runs, &mut text)?;
    publish(folder, "data-peers", "Discovery beside its peers", &before, &text)
}

const COSTS: &str = "| program | MB a processor second | MB/s | wall, s | processor, s | peak memory, MB | told |\n\
    |---|---|---|---|---|---|---|\n";

#[expect(clippy::cast_precision_loss, reason = "rates are shown, not counted")]
fn cost_line(text: &mut String, name: &str, bytes: u64, cost: &Cost, told: &str) {
    let size = bytes as f64 / 1e6;
    // Of work inside this process the memory is not known.
    let peak = if cost.peak == 0 { String::new() } else { format!("{:.0}", cost.megabytes()) };
    let _ = writeln!(
        text,
        "| {name} | {:.3} | {:.3} | {:.2} | {:.2} | {peak} | {told} |",
        size / cost.cpu(),
        size / cost.wall,
        cost.wall,
        cost.cpu()
    );
}

fn over_people(lab: &Lab<'_>, rows: u64, runs: usize, text: &mut String) -> io::Result<()> {
    let world = World::new(Settings { card_prefix: CARD.to_owned(), ..Settings::new(1, rows) })
        .map_err(io::Error::other)?;
    let table = Table::of("persons", &world).ok_or_else(|| io::Error::other("no such table"))?;
    let mut json = Vec::new();
    synth::write(&world, &table, Format::Ndjson, 0..rows, &mut json)?;
    let place = tempfile::Builder::new().prefix("people").tempdir_in("/tmp")?;
    let folder = place.path().join("data");
    fs::create_dir(&folder)?;
    let path = folder.join("people.ndjson");
    fs::write(&path, &json)?;
    let size = json.len() as u64;
    let json = String::from_utf8(json).map_err(io::Error::other)?;

    let (report, audit) = lab.audit(&path, None, runs)?;
    let text_copy = place.path().join("people.txt");
    fs::write(&text_copy, json.trim_end())?;
    let (theirs, whole, alone) = lab.presidio(&text_copy)?;
    let (detected, detect) = lab.detect_secrets(&folder)?;
    let (leaks, leak) = lab.gitleaks(&folder, &str::to_owned)?;

    let _ = writeln!(
        text,
        "## People in NDJSON\n\n{rows} rows, {size} bytes, of `watertight-synth ndjson` with `--card-prefix {CARD}`.\n"
    );
    text.push_str(COSTS);
    let count = |findings: &[Finding]| {
        let lines: BTreeSet<u64> = findings.iter().map(|one| one.line).collect();
        format!("a secret in {} lines", lines.len())
    };
    let columns = verdicts(&report).len();
    let secrets = records(&report, "secret").count();
    let told = format!("{columns} columns, {secrets} secrets");
    cost_line(text, "`watertight audit people.ndjson`", size, &audit, &told);
    let values: usize = theirs.iter().map(Vec::len).sum();
    cost_line(text, "Presidio, whole process", size, &whole, &format!("{values} values"));
    cost_line(text, "Presidio, analysis alone", size, &alone, "");
    cost_line(text, "detect-secrets", size, &detect, &count(&detected));
    cost_line(text, "gitleaks", size, &leak, &count(&leaks));

    let recogniser = Recogniser::embedded();
    let started = Instant::now();
    let (user, ours) = timed(|| people::ours(&recogniser, &json))?;
    let alone = Cost { wall: started.elapsed().as_secs_f64(), user, ..Cost::default() };
    let values: usize = ours.iter().map(Vec::len).sum();
    cost_line(text, "our recogniser line by line, alone", size, &alone, &format!("{values} values"));
    by_column(&json, &verdicts(&report), &ours, &theirs, text);
    Ok(())
}

/// What each says of each column.
fn by_column(
    json: &str,
    verdicts: &[(String, String)],
    ours: &[Vec<Found>],
    theirs: &[Vec<Found>],
    text: &mut String,
) {
    let _ = writeln!(
        text,
        "\nPer column the share of values that are told as what they are / as something else alone. Ours as text: the \
         recogniser over the lines as if they were prose, as Presidio reads them. The last three columns are nobody's.\n\n\
         | column | ours, `audit` | ours as text | Presidio, any score | Presidio, score {SCORE} or more |\n|---|---|---|---|---|"
    );
    for (column, our_kinds, their_kinds) in COLUMNS {
        let places = || json.lines().map(|line| people::value(line, column));
        let verdict = verdicts.iter().filter(|(name, _)| name == column).map(|(_, kind)| kind.as_str());
        let verdict = verdict.collect::<Vec<_>>().join(", ");
        let shares = |found: &[Vec<Found>], kinds: &[&str], score: f64| {
            people::tally(places(), found, kinds, score).shares()
        };
        let _ = writeln!(
            text,
            "| {column} | {} | {} | {} | {} |",
            if verdict.is_empty() { "nothing" } else { &verdict },
            shares(ours, our_kinds, 0.0),
            shares(theirs, their_kinds, 0.0),
            shares(theirs, their_kinds, SCORE)
        );
    }
}

/// Records of one type.
fn records<'a>(report: &'a Value, sort: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = report.get("data").and_then(Value::as_array).into_iter().flatten();
    all.filter(move |record| record.get("type").and_then(Value::as_str) == Some(sort))
}

/// The columns that the audit tells, and as what.
fn verdicts(report: &Value) -> Vec<(String, String)> {
    let one = |record: &Value| {
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        let column = text("location")?.rsplit('.').next()?.to_owned();
        Some((column, format!("{}, {}", text("kind")?, text("confidence")?)))
    };
    records(report, "personal_data").filter_map(one).collect()
}

fn over_sentences(lab: &Lab<'_>, text: &mut String) -> io::Result<()> {
    let world = World::new(Settings { card_prefix: CARD.to_owned(), ..Settings::new(7, SENTENCES) })
        .map_err(io::Error::other)?;
    let place = tempfile::tempdir()?;
    let recogniser = Recogniser::embedded();
    let _ = writeln!(
        text,
        "\n## Values in sentences\n\n{SENTENCES} sentences of each kind, each with a bank card and an e-mail address: the \
         share told as what they are / as something else alone.\n\n\
         | text | card, ours | card, Presidio | e-mail, ours | e-mail, Presidio |\n|---|---|---|---|---|"
    );
    for (name, way) in WAYS {
        let all = people::sentences(&world, SENTENCES, *way);
        let lines: Vec<&str> = all.iter().map(|sentence| sentence.text.as_str()).collect();
        let path = place.path().join("sentences.txt");
        fs::write(&path, lines.join("\n"))?;
        let (theirs, _, _) = lab.presidio(&path)?;
        let ours = people::ours(&recogniser, &lines.join("\n"));
        let card = || all.iter().map(|sentence| Some(sentence.card.clone()));
        let email = || all.iter().map(|sentence| Some(sentence.email.clone()));
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} |",
            people::tally(card(), &ours, &["cn-bank-card", "card"], 0.0).shares(),
            people::tally(card(), &theirs, &["CREDIT_CARD"], SCORE).shares(),
            people::tally(email(), &ours, &["email"], 0.0).shares(),
            people::tally(email(), &theirs, &["EMAIL_ADDRESS"], SCORE).shares()
        );
    }
    Ok(())
}

fn over_tree(lab: &Lab<'_>, from: &Path, runs: usize, text: &mut String) -> io::Result<()> {
    let tree = Tree::new(from, CODE, SEEDS)?;
    let (report, everything) = lab.audit(tree.path(), None, runs)?;
    let (secrets, only) = lab.audit(tree.path(), Some("secrets"), runs)?;
    let (detected, detect) = lab.detect_secrets(tree.path())?;
    let (leaks, leak) = lab.gitleaks(tree.path(), &|path| tree.below(path))?;
    let ours = told(&secrets);
    let _ = writeln!(
        text,
        "\n## Secrets in source code\n\n{} files, {} bytes, of which {} are code from this machine and the rest files of \
         `watertight-synth folder` with each kind of secret planted {SEEDS} times.\n",
        tree.files, tree.bytes, tree.code
    );
    text.push_str(COSTS);
    let people = records(&report, "personal_data").count();
    let count = |findings: &[Finding]| format!("{} secrets", findings.len());
    cost_line(
        text,
        "`watertight audit TREE`",
        tree.bytes,
        &everything,
        &format!("also {people} places with personal data"),
    );
    cost_line(text, "`watertight audit --only secrets TREE`", tree.bytes, &only, &count(&ours));
    cost_line(text, "detect-secrets", tree.bytes, &detect, &count(&detected));
    cost_line(text, "gitleaks", tree.bytes, &leak, &count(&leaks));

    let scanners = [("watertight", &ours), ("detect-secrets", &detected), ("gitleaks", &leaks)];
    text.push_str("\nFound of the planted, by the line that is named:\n\n| planted | watertight | detect-secrets | gitleaks |\n|---|---|---|---|\n");
    let recalls: Vec<_> = scanners.iter().map(|(_, findings)| tree.recall(findings)).collect();
    let mut sums = vec![(0, 0); recalls.len()];
    for kind in recalls.first().into_iter().flatten().map(|(kind, _)| *kind) {
        let _ = write!(text, "| {kind} |");
        for (recall, sum) in recalls.iter().zip(&mut sums) {
            let (all, found) = recall.get(kind).copied().unwrap_or_default();
            *sum = (sum.0 + all, sum.1 + found);
            let _ = write!(text, " {found} of {all} |");
        }
        text.push('\n');
    }
    let sums: Vec<String> = sums.iter().map(|(all, found)| format!("{found} of {all}")).collect();
    let _ = writeln!(text, "| all | {} |", sums.join(" | "));
    elsewhere(&tree, &scanners, text)
}

/// More code than detect-secrets reads in ten minutes.
fn over_code(lab: &Lab<'_>, from: &Path, runs: usize, text: &mut String) -> io::Result<()> {
    let tree = Tree::new(from, MORE_CODE, 0)?;
    let (secrets, only) = lab.audit(tree.path(), Some("secrets"), runs)?;
    let (leaks, leak) = lab.gitleaks(tree.path(), &|path| tree.below(path))?;
    let ours = told(&secrets);
    let _ = writeln!(
        text,
        "\n## More source code\n\n{} files, {} bytes, nothing planted. Without detect-secrets, which would read it for more \
         than ten minutes.\n",
        tree.files, tree.bytes
    );
    text.push_str(COSTS);
    let count = |findings: &[Finding]| format!("{} secrets", findings.len());
    cost_line(text, "`watertight audit --only secrets CODE`", tree.bytes, &only, &count(&ours));
    cost_line(text, "gitleaks", tree.bytes, &leak, &count(&leaks));
    elsewhere(&tree, &[("watertight", &ours), ("gitleaks", &leaks)], text)
}

/// The secrets of a report.
fn told(report: &Value) -> Vec<Finding> {
    let one = |record: &Value| {
        let position = record.get("position")?;
        let line = position.get("line")?.as_u64()?;
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Finding { file: text(position, "file")?, line, end: line, rule: text(record, "kind")? })
    };
    records(report, "secret").filter_map(one).collect()
}

fn elsewhere(tree: &Tree, scanners: &[(&str, &Vec<Finding>)], text: &mut String) -> io::Result<()> {
    text.push_str(
        "\nTold of places where nothing was planted. Heads of private keys are those of the crates' own tests; of the others, \
         those that two or more scanners tell are likelier to be what they are told to be.\n\n\
         | scanner | places | heads of private keys | told by another, too | told by this one alone | findings by rule |\n\
         |---|---|---|---|---|---|\n",
    );
    let all: Vec<_> =
        scanners.iter().map(|(_, findings)| tree.elsewhere(findings)).collect::<io::Result<_>>()?;
    for (at, ((name, _), mine)) in scanners.iter().zip(&all).enumerate() {
        let others: Vec<_> =
            all.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other).collect();
        let shared = mine.shared(&others);
        let mut rules: Vec<(&String, &u64)> = mine.rules.iter().collect();
        rules.sort_by(|(one, a), (two, b)| b.cmp(a).then(one.cmp(two)));
        let rest: u64 = rules.iter().skip(RULES).map(|(_, count)| **count).sum();
        let mut named: Vec<String> =
            rules.iter().take(RULES).map(|(rule, count)| format!("{rule} {count}")).collect();
        if rest > 0 {
            named.push(format!("others {rest}"));
        }
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {shared} | {} | {} |",
            mine.places.len(),
            mine.keys,
            mine.places.len() - shared,
            named.join(", ")
        );
    }
    Ok(())
}
