//! Our spans in texts, as JSON: what other scorers need to score them.

use std::io::{self, Read as _, Write as _};

use discover::personal::{Found, Recogniser};
use serde_json::{Value, json};

/// Reads an array of texts from standard input and writes, for each of them, the spans that are told there: the kind, and
/// where it begins and ends, in characters.
///
/// # Errors
/// The input is no array of texts, or the output cannot be written.
pub fn run() -> io::Result<()> {
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let texts: Vec<String> = serde_json::from_str(&input).map_err(io::Error::other)?;
    let recogniser = Recogniser::embedded();
    let all: Vec<Value> = texts.iter().map(|text| spans(&recogniser, text)).collect();
    writeln!(io::stdout(), "{}", Value::from(all))
}

fn spans(recogniser: &Recogniser, text: &str) -> Value {
    let mut found: Vec<Found> = Vec::new();
    recogniser.text(text.as_bytes(), &mut |one| found.push(one));
    let characters = |bytes: usize| text.get(..bytes).map_or(0, |before| before.chars().count());
    let span = |one: &Found| {
        let kind = recogniser.kind(one.kind).map_or("", |kind| kind.id.as_str());
        json!({ "kind": kind, "start": characters(one.start), "end": characters(one.end) })
    };
    found.iter().map(span).collect()
}
