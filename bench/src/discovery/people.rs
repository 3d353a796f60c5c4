//! People in texts: what of the truth is told, value by value, and what is told of nobody's numbers.

use std::fmt::Write as _;
use std::io;
use std::ops::Range;

use discover::personal::Recogniser;
use serde_json::Value;
use synth::{Source, World};

/// Something that was found in a line, by its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    place: Range<usize>,
    kind: String,
    /// How sure, from 0 to 1; ours has no number for it.
    score: f64,
}

/// A column of the generator's people, what ours calls its kind, and what Presidio calls it. Nobody's numbers have none.
pub(crate) const COLUMNS: &[(&str, &[&str], &[&str])] = &[
    ("citizen_no", &["cn-resident-id"], &[]),
    ("full_name", &["cn-name"], &["PERSON"]),
    ("mobile", &["cn-mobile", "phone"], &["PHONE_NUMBER"]),
    ("email", &["email"], &["EMAIL_ADDRESS"]),
    ("card_no", &["cn-bank-card", "card"], &["CREDIT_CARD"]),
    ("birth_date", &["date-of-birth"], &["DATE_TIME"]),
    ("sex", &["gender"], &[]),
    ("home_address", &["cn-address", "postal-address"], &["LOCATION"]),
    ("case_no", &[], &[]),
    ("trace_id", &[], &[]),
    ("created_at", &[], &[]),
];

/// How many values of a column are told as what they are, and as something else.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    values: u64,
    right: u64,
    other: u64,
}

impl Tally {
    /// Two shares: told as what they are, told as something else alone.
    #[expect(clippy::cast_precision_loss, reason = "shares are shown, not counted")]
    pub(crate) fn shares(self) -> String {
        let share = |count: u64| {
            let share = 100.0 * count as f64 / self.values.max(1) as f64;
            match count {
                0 => "0".to_owned(),
                _ if share < 0.1 => format!("{share:.2} %"),
                _ => format!("{share:.1} %"),
            }
        };
        format!("{} / {}", share(self.right), share(self.other))
    }
}

/// What our recogniser finds in each line.
pub(crate) fn ours(recogniser: &Recogniser, text: &str) -> Vec<Vec<Found>> {
    let line = |line: &str| {
        let mut all = Vec::new();
        recogniser.text(line.as_bytes(), &mut |found| {
            let kind = recogniser.kind(found.kind).map(|kind| kind.id.clone()).unwrap_or_default();
            all.push(Found { place: found.start..found.end, kind, score: 1.0 });
        });
        all
    };
    text.lines().map(line).collect()
}

/// What Presidio found in each line, as `presidio.py` writes it.
///
/// # Errors
/// It is not so.
pub(crate) fn presidio(findings: &str) -> io::Result<Vec<Vec<Found>>> {
    let one = |one: &Value| {
        let number = |at: usize| one.get(at)?.as_u64().and_then(|number| usize::try_from(number).ok());
        let place = number(1)?..number(2)?;
        Some(Found { place, kind: one.get(0)?.as_str()?.to_owned(), score: one.get(3)?.as_f64()? })
    };
    let line = |line: &str| {
        let all: Vec<Value> = serde_json::from_str(line).map_err(io::Error::other)?;
        all.iter().map(|value| one(value).ok_or_else(|| io::Error::other("not a finding"))).collect()
    };
    findings.lines().map(line).collect()
}

/// Where the value of a column stands in a line of the generator's NDJSON, whose values need no escapes.
pub(crate) fn value(line: &str, column: &str) -> Option<Range<usize>> {
    let name = format!("\"{column}\":");
    let start = line.find(&name)? + name.len();
    let rest = line.get(start..)?;
    let (start, end) = match rest.strip_prefix('"') {
        Some(rest) => (start + 1, start + 1 + rest.find('"')?),
        None => (start, start + rest.find([',', '}'])?),
    };
    Some(start..end)
}

/// Counts over values, one for each line. A value is told when something was found that covers a part of it.
pub(crate) fn tally(
    places: impl Iterator<Item = Option<Range<usize>>>,
    found: &[Vec<Found>],
    right: &[&str],
    score: f64,
) -> Tally {
    let mut tally = Tally::default();
    for (place, found) in places.zip(found) {
        let Some(place) = place else { continue };
        let mut kinds = found
            .iter()
            .filter(|one| one.score >= score && one.place.start < place.end && place.start < one.place.end)
            .map(|one| right.contains(&one.kind.as_str()))
            .peekable();
        tally.values += 1;
        if kinds.peek().is_some() {
            let is_right = kinds.any(|is_right| is_right);
            tally.right += u64::from(is_right);
            tally.other += u64::from(!is_right);
        }
    }
    tally
}

/// A sentence and where in it the card and the e-mail address stand.
pub(crate) struct Sentence {
    /// The line.
    pub(crate) text: String,
    /// The card number.
    pub(crate) card: Range<usize>,
    /// The e-mail address.
    pub(crate) email: Range<usize>,
}

/// How a sentence may be written: with what before the card, between card and address, and after it.
pub(crate) const WAYS: &[(&str, [&str; 3])] = &[
    ("English", ["The customer's bank card is ", ", the e-mail address ", " is known."]),
    ("Chinese, spaces around values", ["客户的银行卡号是 ", " ，邮箱是 ", " 已登记。"]),
    ("Chinese, none", ["客户的银行卡号是", "，邮箱是", "已登记。"]),
];

/// Sentences about so many people in one of these ways.
pub(crate) fn sentences(world: &World, count: u64, [before, between, after]: [&str; 3]) -> Vec<Sentence> {
    let clean = |number: u64, source: Source| {
        let mut out = Vec::new();
        world.write_clean(&world.record(number).person, source, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    let sentence = |number: u64| {
        let mut text = before.to_owned();
        let mut put = |value: &str, after: &str| {
            let start = text.len();
            let _ = write!(text, "{value}{after}");
            start..start + value.len()
        };
        let card = put(&clean(number, Source::Card), between);
        let email = put(&clean(number, Source::Email), after);
        Sentence { text, card, email }
    };
    (0..count).map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use synth::Settings;

    use super::*;

    #[test]
    fn values_are_where_they_stand() {
        let line = r#"{"a":"x","email":"b@example.com","created_at":17}"#;
        assert_eq!(&line[value(line, "email").unwrap()], "b@example.com");
        assert_eq!(&line[value(line, "created_at").unwrap()], "17");
        assert_eq!(value(line, "b"), None);
    }

    #[test]
    fn a_value_is_told_as_what_it_is_or_as_something_else() {
        let found = |place: Range<usize>, kind: &str, score| vec![Found { place, kind: kind.into(), score }];
        let all =
            [found(2..5, "email", 0.9), found(2..5, "card", 0.9), found(9..11, "email", 0.9), Vec::new()];
        let places = || (0..4).map(|_| Some(1..6));
        let counts = tally(places(), &all, &["email"], 0.4);
        assert_eq!((counts.values, counts.right, counts.other), (4, 1, 1));
        assert_eq!(tally(places(), &all, &["email"], 0.95).right, 0);
    }

    #[test]
    fn sentences_hold_their_values() {
        let world = World::new(Settings::new(1, 10)).unwrap();
        for (_, way) in WAYS {
            for sentence in sentences(&world, 10, *way) {
                assert!(sentence.text[sentence.email.clone()].contains('@'));
                assert_eq!(sentence.card.len(), 16);
            }
        }
    }

    #[test]
    fn what_the_script_writes_is_read() {
        let found = presidio("[[\"URL\", 3, 9, 0.5]]\n[]\n").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0][0].place, 3..9);
        assert!(presidio("[[3]]").is_err());
    }
}
