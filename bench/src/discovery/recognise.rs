//! How fast the recognisers are: over JSON full of personal data, over source code, over Arrow columns.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use arrow_array::RecordBatch;
use bytes::Bytes;
use discover::personal::Recogniser;
use discover::secret::Secrets;
use synth::{Format, Settings, Table, World};

use super::speed::{Speed, measure, timed};
use super::{arrow, read, sources};
use crate::machine::{description, publish};

/// Rows unless told.
pub(crate) const ROWS: u64 = 200_000;
/// Bytes of source code.
const SOURCES: u64 = 200_000_000;
/// What a reader hands over of a text at a time.
const CHUNK: usize = 1 << 20;
/// A beginning of bank cards that the recogniser takes for one of an issuer; the generator's own is nobody's.
pub(crate) const CARD: &str = "620000";

/// A recogniser of personal data, and of which kinds.
struct Set {
    name: String,
    recogniser: Recogniser,
}

/// An input of a measurement.
struct Input<'a> {
    name: &'a str,
    bytes: u64,
    /// Rows, where it has any.
    rows: Option<u64>,
}

/// Measures everything and writes `results/recognise.md`.
///
/// # Errors
/// Files cannot be read or written.
pub(crate) fn run(folder: &Path, from: &Path, rows: u64, runs: usize) -> io::Result<()> {
    let before = description();
    let (ready, recogniser) = timed(Recogniser::embedded)?;
    let (ready_secrets, secrets) = timed(Secrets::embedded)?;
    let sets = sets(recogniser);
    let world = World::new(Settings { card_prefix: CARD.to_owned(), ..Settings::new(1, rows) })
        .map_err(io::Error::other)?;
    let table = Table::of("persons", &world).ok_or_else(|| io::Error::other("no such table"))?;
    let mut text = format!(
        "Ready in {:.1} ms ({} kinds of personal data) and {:.1} ms ({} kinds of secrets). The \
         best of {runs} runs each. One core: by the processor time of one thread. Two: two threads, each with its half, from \
         start to end; in brackets by the processor time of the slower one, which others on the machine do not change.\n",
        ready * 1e3,
        sets.last().map_or(0, |set| set.recogniser.kinds().len()),
        ready_secrets * 1e3,
        secrets.kinds().len(),
    );

    let mut json = Vec::new();
    synth::write(&world, &table, Format::Ndjson, 0..rows, &mut json)?;
    let input = Input { name: "NDJSON of people", bytes: json.len() as u64, rows: Some(rows) };
    texts(&mut text, &input, &json, &sets, &secrets, runs)?;

    let code = sources::joined(from, &sources::choose(from, SOURCES)?)?;
    let input = Input { name: "Source code", bytes: code.len() as u64, rows: None };
    texts(&mut text, &input, &code, &sets, &secrets, runs)?;
    drop(code);

    let files =
        [arrow::parquet(&world, &table, 0..rows / 2)?, arrow::parquet(&world, &table, rows / 2..rows)?];
    columns(&mut text, &files, &sets, runs)?;
    drop(files);
    readers(&mut text, &world, &table, runs)?;
    publish(folder, "recognise", "Recognisers", &before, &text)
}

/// The kinds that have a check character, those that have a validator, and all.
fn sets(all: Recogniser) -> Vec<Set> {
    let some = |what: &str, wanted: &dyn Fn(&discover::personal::Kind) -> bool| {
        let known = |id: &str| all.by_name(id).and_then(|id| all.kind(id)).is_some_and(wanted);
        let recogniser = Recogniser::embedded_only(known);
        Set { name: format!("personal, {} kinds with {what}", recogniser.kinds().len()), recogniser }
    };
    let check = some("a check character", &|kind| kind.has_check);
    let validator = some("a validator", &|kind| kind.has_validator);
    let name = format!("personal, all {} kinds", all.kinds().len());
    vec![check, validator, Set { name, recogniser: all }]
}

fn texts(
    text: &mut String,
    input: &Input<'_>,
    bytes: &[u8],
    sets: &[Set],
    secrets: &Secrets,
    runs: usize,
) -> io::Result<()> {
    head(text, input);
    let halves = halves(bytes);
    for set in sets {
        let speed = measure(runs, &|half| {
            let mut count = 0;
            for chunk in chunks(halves.get(half).copied().unwrap_or_default()) {
                set.recogniser.text(chunk, &mut |_| count += 1);
            }
            count
        })?;
        line(text, input, &set.name, &speed);
    }
    let speed = measure(runs, &|half| {
        let mut count = 0;
        for chunk in chunks(halves.get(half).copied().unwrap_or_default()) {
            secrets.text(chunk, &mut |_| count += 1);
        }
        count
    })?;
    line(text, input, "secrets", &speed);
    if let Some(all) = sets.last() {
        by_kind(text, bytes, &all.recogniser, secrets);
    }
    Ok(())
}

/// How often each kind was found.
fn by_kind(text: &mut String, bytes: &[u8], recogniser: &Recogniser, secrets: &Secrets) {
    let mut counts = BTreeMap::<&str, u64>::new();
    for chunk in chunks(bytes) {
        recogniser.text(chunk, &mut |found| {
            let kind = recogniser.kind(found.kind).map_or("", |kind| kind.id.as_str());
            *counts.entry(kind).or_default() += 1;
        });
        secrets.text(chunk, &mut |found| {
            let kind = secrets.kinds().get(usize::from(found.kind)).map_or("", |kind| kind.id.as_str());
            *counts.entry(kind).or_default() += 1;
        });
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
    let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let _ = writeln!(text, "\nFound: {}.", counts.join(", "));
}

/// Two halves that part at the end of a line.
fn halves(text: &[u8]) -> [&[u8]; 2] {
    let middle = text.len() / 2;
    let rest = text.get(middle..).unwrap_or_default();
    let line = rest.iter().position(|&byte| byte == b'\n').map_or(text.len(), |at| middle + at + 1);
    text.split_at_checked(line).map_or([text, &[]], |(first, second)| [first, second])
}

/// Pieces of whole lines.
fn chunks(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let most = text.len().min(CHUNK);
        let end = match text.get(..most)?.iter().rposition(|&byte| byte == b'\n') {
            Some(at) if most < text.len() => at + 1,
            _ => most,
        };
        let (chunk, rest) = text.split_at_checked(end)?;
        text = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

fn columns(text: &mut String, files: &[Bytes; 2], sets: &[Set], runs: usize) -> io::Result<()> {
    let mut halves: [Vec<RecordBatch>; 2] = Default::default();
    for (half, file) in halves.iter_mut().zip(files) {
        arrow::batches(file, &mut |batch| half.push(batch))?;
    }
    let rows = halves.iter().flatten().map(|batch| batch.num_rows() as u64).sum();
    let all = halves.iter().flatten().flat_map(RecordBatch::columns);
    let bytes = all.map(|column| arrow::values(column, &mut |_| {})).sum();
    let input = Input { name: "Arrow columns of people", bytes, rows: Some(rows) };
    head(text, &input);
    for set in sets {
        let speed = measure(runs, &|half| {
            let batches = halves.get(half).into_iter().flatten();
            batches.map(|batch| whole_batch(batch, &set.recogniser)).sum()
        })?;
        line(text, &input, &set.name, &speed);
    }
    let Some(all) = sets.last() else { return Ok(()) };
    let read = |half: usize, each: &dyn Fn(&RecordBatch) -> u64| {
        let mut count = 0;
        let read = files.get(half).map(|file| arrow::batches(file, &mut |batch| count += each(&batch)));
        // It was read before; a failure would show as nothing found.
        if matches!(read, Some(Ok(()))) { count } else { 0 }
    };
    let speed = measure(runs, &|half| read(half, &|batch| whole_batch(batch, &all.recogniser)))?;
    line(text, &input, "the same, and reading it from Parquet", &speed);
    let speed = measure(runs, &|half| read(half, &|batch| batch.num_rows() as u64))?;
    line(text, &input, "reading it from Parquet alone (rows)", &speed);
    by_column(text, &halves, &all.recogniser, runs)
}

/// How many values of a batch are valid for some kind.
fn whole_batch(batch: &RecordBatch, recogniser: &Recogniser) -> u64 {
    batch.columns().iter().map(|column| whole_column(column, recogniser)).sum()
}

fn whole_column(column: &arrow_array::ArrayRef, recogniser: &Recogniser) -> u64 {
    let (mut hits, mut count) = (Vec::new(), 0);
    arrow::values(column, &mut |value| {
        hits.clear();
        recogniser.value(value, &mut hits);
        count += u64::from(hits.iter().any(|hit| hit.valid));
    });
    count
}

#[expect(clippy::cast_precision_loss, reason = "rates are shown, not counted")]
fn by_column(
    text: &mut String,
    halves: &[Vec<RecordBatch>; 2],
    recogniser: &Recogniser,
    runs: usize,
) -> io::Result<()> {
    let _ = writeln!(text, "\nColumn by column, all kinds, one core:\n");
    let _ =
        writeln!(text, "| column | bytes a value | M values/s | valid for some kind |\n|---|---|---|---|");
    let Some(first) = halves.iter().flatten().next() else { return Ok(()) };
    for (at, field) in first.schema().fields().iter().enumerate() {
        let column = |batch: &RecordBatch| batch.columns().get(at).cloned();
        let values: usize = halves.iter().flatten().map(RecordBatch::num_rows).sum();
        let all = halves.iter().flatten().filter_map(column);
        let bytes: u64 = all.map(|array| arrow::values(&array, &mut |_| {})).sum();
        let speed = measure(runs, &|half| {
            let batches = halves.get(half).into_iter().flatten();
            batches.filter_map(column).map(|array| whole_column(&array, recogniser)).sum()
        })?;
        let _ = writeln!(
            text,
            "| {} | {:.1} | {:.1} | {:.1} % |",
            field.name(),
            bytes as f64 / values as f64,
            values as f64 / speed.one / 1e6,
            100.0 * speed.found as f64 / values as f64
        );
    }
    Ok(())
}

/// The readers of files, without any recogniser.
#[expect(clippy::cast_precision_loss, reason = "rates are shown, not counted")]
fn readers(text: &mut String, world: &World, table: &Table, runs: usize) -> io::Result<()> {
    let place = tempfile::tempdir()?;
    text.push_str("\n## Readers alone\n\nThe same rows through the program's readers into a counter, best of the runs.\n\n");
    text.push_str(
        "| file | MB | MB a processor second | rows a processor second | MB/s |\n|---|---|---|---|---|\n",
    );
    for (name, format) in [
        ("people.ndjson", Some(Format::Ndjson)),
        ("people.json", Some(Format::Json)),
        ("people.csv", Some(Format::Csv)),
        ("people.sql", Some(Format::Postgres)),
        ("people.xml", Some(Format::Xml)),
        ("people.parquet", None),
    ] {
        let path = place.path().join(name);
        let records = 0..world.settings().records;
        match format {
            Some(format) => {
                let mut out = std::fs::File::create(&path)?;
                synth::write(world, table, format, records, &mut out)?;
            }
            None => std::fs::write(&path, arrow::parquet(world, table, records)?)?,
        }
        let size = std::fs::metadata(&path)?.len() as f64;
        let (mut cpu, mut wall, mut rows) = (f64::MAX, f64::MAX, 0);
        for _ in 0..runs.max(1) {
            let (count, took) = read::count(&path)?;
            (cpu, wall, rows) = (cpu.min(took.cpu), wall.min(took.wall), count.rows);
        }
        let _ = writeln!(
            text,
            "| {name} | {:.0} | {:.0} | {:.2} M | {:.0} |",
            size / 1e6,
            size / cpu / 1e6,
            rows as f64 / cpu / 1e6,
            size / wall / 1e6
        );
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "rates are shown, not counted")]
fn head(text: &mut String, input: &Input<'_>) {
    let _ = write!(text, "\n## {}\n\n{:.0} MB", input.name, input.bytes as f64 / 1e6);
    if let Some(rows) = input.rows {
        let _ = write!(text, " in {rows} rows of {:.0} bytes", input.bytes as f64 / rows as f64);
    }
    text.push_str(".\n\n| kinds | found | one core, GB/s | two, GB/s | one, M rows/s | two, M rows/s |\n|---|---|---|---|---|---|\n");
}

#[expect(clippy::cast_precision_loss, reason = "rates are shown, not counted")]
fn line(text: &mut String, input: &Input<'_>, what: &str, speed: &Speed) {
    let per = |seconds: f64, amount: u64, unit: f64| amount as f64 / seconds / unit;
    let _ = write!(
        text,
        "| {what} | {} | {:.2} | {:.2} ({:.2}) |",
        speed.found,
        per(speed.one, input.bytes, 1e9),
        per(speed.two, input.bytes, 1e9),
        per(speed.two_alone, input.bytes, 1e9)
    );
    let _ = match input.rows {
        Some(rows) => writeln!(
            text,
            " {:.2} | {:.2} ({:.2}) |",
            per(speed.one, rows, 1e6),
            per(speed.two, rows, 1e6),
            per(speed.two_alone, rows, 1e6)
        ),
        None => writeln!(text, " | |"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines_and_all_of_the_text() {
        let text = "a line of some length\n".repeat(100_000);
        let [first, second] = halves(text.as_bytes());
        assert_eq!(first.len() + second.len(), text.len());
        assert!(first.ends_with(b"\n") && !second.is_empty());
        assert!(chunks(first).all(|chunk| chunk.ends_with(b"\n") && chunk.len() <= CHUNK));
        assert_eq!(chunks(first).map(<[u8]>::len).sum::<usize>(), first.len());
        assert_eq!(chunks(b"").count(), 0);
        assert_eq!(halves(b"no end"), [b"no end".as_slice(), b""]);
    }
}
