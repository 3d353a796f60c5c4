//! Measures the recogniser of personal data, in seconds of one processor:
//!
//! ```text
//! cargo run --release -p watertight-discover --example personal_speed -- [rows] [values] [FOLDER OF SOURCE CODE]
//! ```
//!
//! The rows of the first text are JSON of about 350 bytes, each with an identity number, a mobile number, an e-mail address
//! and a card. They are made up here: areas and prefixes that nobody has, names from a counter.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement that is run by hand")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use watertight_discover::personal::Recogniser;

fn main() {
    let start = Instant::now();
    let recogniser = Recogniser::embedded();
    println!("ready in {:.2} ms, {} kinds", start.elapsed().as_secs_f64() * 1e3, recogniser.kinds().len());
    println!(
        "{} of them with a check character, {} more with another proof",
        recogniser.kinds().iter().filter(|kind| kind.has_check).count(),
        recogniser.kinds().iter().filter(|kind| !kind.has_check && kind.chance < 1.0).count()
    );
    for wanted in std::env::args().skip(1) {
        match wanted.as_str() {
            "rows" => {
                let rows = 200_000;
                texts(&recogniser, "rows with four values", rows_of_people(rows).as_bytes(), Some(rows));
            }
            "values" => values(&recogniser),
            folder => {
                let mut source = Vec::new();
                read(Path::new(folder), &mut source);
                texts(&recogniser, "source code", &source, None);
            }
        }
    }
}

/// Seconds that this thread has had a processor for: others may run on the machine.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// The best of five runs.
fn best(mut run: impl FnMut()) -> f64 {
    (0..5).fold(f64::MAX, |best, _| {
        let start = processor();
        run();
        best.min(processor() - start)
    })
}

fn texts(recogniser: &Recogniser, what: &str, text: &[u8], rows: Option<usize>) {
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    recogniser.text(text, &mut |found| *counts.entry(found.kind.0).or_default() += 1);
    let mut count = 0usize;
    let seconds = best(|| {
        for chunk in text.chunks(1 << 20) {
            recogniser.text(chunk, &mut |_| count += 1);
        }
    });
    let size = text.len() as f64;
    print!("{what}: {:.0} MB, {:.2} GB/s", size / 1e6, size / seconds / 1e9);
    if let Some(rows) = rows {
        print!(", {:.2} M rows/s, {:.0} bytes a row", rows as f64 / seconds / 1e6, size / rows as f64);
    }
    println!();
    for (kind, count) in counts {
        println!("  {count:>9} {}", recogniser.kinds().get(usize::from(kind)).map_or("", |kind| &kind.id));
    }
}

fn values(recogniser: &Recogniser) {
    let count = 1_000_000;
    let mut random = fastrand::Rng::with_seed(1);
    let mut columns: Vec<(&str, Vec<String>)> = vec![
        ("identity numbers", (0..count).map(|_| identity(&mut random)).collect()),
        ("mobile numbers", (0..count).map(|_| format!("154{:08}", random.u32(0..100_000_000))).collect()),
        ("e-mail addresses", (0..count).map(|at| format!("user{at}@mail{}.example.com", at % 97)).collect()),
        ("cards", (0..count).map(|_| card(&mut random)).collect()),
        (
            "times in milliseconds",
            (0..count).map(|at| format!("{}", 1_732_632_732_123u64 + at as u64 * 7919)).collect(),
        ),
        ("words", (0..count).map(|at| format!("state {} of delivery", at % 17)).collect()),
    ];
    columns.push((
        "dates",
        (0..count).map(|at| format!("{}-{:02}-{:02}", 1950 + at % 60, 1 + at % 12, 1 + at % 28)).collect(),
    ));
    for (what, column) in &columns {
        let mut hits = Vec::new();
        let mut valid = 0usize;
        let seconds = best(|| {
            valid = 0;
            for value in column {
                hits.clear();
                recogniser.value(value.as_bytes(), &mut hits);
                valid += usize::from(hits.iter().any(|hit| hit.valid));
            }
        });
        println!("{what}: {:.1} M values/s, {valid} valid", column.len() as f64 / seconds / 1e6);
    }
}

fn identity(random: &mut fastrand::Rng) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let (year, month, day) = (random.u16(1940..2020), random.u8(1..13), random.u8(1..29));
    let mut text =
        format!("78{:04}{year:04}{month:02}{day:02}{:03}", random.u16(0..10_000), random.u16(0..1000));
    let sum: u32 = text.bytes().zip(WEIGHTS).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    text.push("10X98765432".chars().nth(sum as usize % 11).unwrap());
    text
}

fn card(random: &mut fastrand::Rng) -> String {
    let body = format!("620000{:09}", random.u32(0..1_000_000_000));
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| match (at % 2, u32::from(byte - b'0')) {
            (0, digit) if digit > 4 => digit * 2 - 9,
            (0, digit) => digit * 2,
            (_, digit) => digit,
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn rows_of_people(rows: usize) -> String {
    let mut random = fastrand::Rng::with_seed(2);
    let mut text = String::new();
    for at in 0..rows {
        writeln!(
            text,
            concat!(
                r#"{{"id":{},"name":"某人{}","id_card":"{}","mobile":"154{:08}","email":"user{}@mail.example.com","card_no":"{}","#,
                r#""address":"某省某市某区某某路{}号{}室","created_at":"2024-{:02}-{:02}T12:{:02}:{:02}Z","state":"active","#,
                r#""remark":"some text without any meaning that fills the row","score":{}.{},"trace":"{:016x}"}}"#
            ),
            at,
            at % 1000,
            identity(&mut random),
            random.u32(0..100_000_000),
            at,
            card(&mut random),
            random.u8(1..200),
            random.u16(100..2000),
            random.u8(1..13),
            random.u8(1..29),
            random.u8(0..60),
            random.u8(0..60),
            random.u8(0..100),
            random.u16(0..1000),
            random.u64(..),
        )
        .unwrap();
    }
    text
}

/// All Rust files below a folder, up to 200 MB.
fn read(folder: &Path, out: &mut Vec<u8>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if out.len() > 200_000_000 {
            return;
        }
        if path.is_dir() {
            read(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.extend(std::fs::read(&path).unwrap_or_default());
        }
    }
}
