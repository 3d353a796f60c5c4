//! Secrets that were found, without their values.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Confidence, DataRecord, DataType, NotRead, Position, SecretFacts};

use super::keys::{FoundKey, Kept, Keys};
use super::once::once;
use super::position::position;
use crate::Place;
use crate::people::{Domain, SketchKey};
use crate::secret::{ConnectionUrl, FoundSecret, SecretKind, Secrets};

/// So many places are told; beyond that, something is wrong with the files or with us.
const PLACES: usize = 50_000;

/// Shorter values hold no secret that could be told from a word.
const SHORTEST: usize = 16;

/// A secret that says which store it opens. Its record gets [`SecretFacts::opens`] when that store is in scope.
#[derive(Clone, Debug)]
pub struct FoundConnection {
    /// The id of the record.
    pub record: String,
    /// What it opens.
    pub connection: ConnectionUrl,
}

/// Where a secret stands. A secret that moves about in the history of a file is one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) file: String,
    pub(super) line: u64,
    column: u64,
    pub(super) kind: u16,
    /// The keyed hash of the secret: what is the same secret at many places.
    pub(super) group: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Leak {
    pub(super) position: Option<Position>,
    shown: String,
    checked: Option<String>,
    commit: Option<(String, Timestamp)>,
    present: Option<bool>,
    connection: Option<ConnectionUrl>,
    key: Option<Kept>,
    /// Values of a column.
    values: Option<u64>,
}

/// All secrets of a survey.
#[derive(Debug)]
pub(super) struct FoundSecrets {
    group: Domain,
    leaks: BTreeMap<Spot, Leak>,
    keys: Keys,
    left_out: u64,
}

/// What the secrets of a survey come to.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// A record for each place.
    pub(super) records: Vec<DataRecord>,
    /// What they open.
    pub(super) connections: Vec<FoundConnection>,
    /// Those that can be tried.
    pub(super) keys: Vec<FoundKey>,
}

impl FoundSecrets {
    /// Keeps at most so many `keys`, to be tried.
    pub(super) fn new(key: &SketchKey, keys: usize) -> Self {
        let keys = Keys::new(keys);
        Self { group: key.domain("secret"), leaks: BTreeMap::new(), keys, left_out: 0 }
    }

    /// Looks for secrets in a text.
    pub(super) fn read(&mut self, place: &Place<'_>, text: &[u8], secrets: &Secrets) {
        secrets.text(text, &mut |found| {
            let position = position(place.file, place.line, text, found.start);
            let at = position.as_ref().filter(|_| place.commit.is_none());
            let spot = Spot {
                file: place.file.to_owned(),
                line: at.map_or(0, |at| at.line),
                column: at.map_or(0, |at| at.column),
                kind: found.kind,
                group: self.group.hash(text.get(found.start..found.end).unwrap_or_default()),
            };
            let commit = place.commit.map(|(commit, at)| (commit.to_owned(), at));
            let key = secrets
                .kinds()
                .get(usize::from(found.kind))
                .and_then(|kind| self.keys.keep(kind, &found, text));
            self.add(spot, Leak { position, commit, present: place.present, key, ..Leak::of(found) });
        });
    }

    /// Looks for secrets in a value of a column that stands for `weight` ones.
    pub(super) fn in_value(
        &mut self,
        location: &str,
        column: &str,
        value: &[u8],
        weight: u64,
        secrets: &Secrets,
    ) {
        if value.len() < SHORTEST {
            return;
        }
        secrets.text(value, &mut |found| {
            let file = super::part::place(location, column);
            // A column of keys is one place, not a million.
            let spot = Spot { file, line: 0, column: 0, kind: found.kind, group: 0 };
            self.add(spot, Leak { values: Some(weight), ..Leak::of(found) });
        });
    }

    fn add(&mut self, spot: Spot, leak: Leak) {
        if let Some(known) = self.leaks.get_mut(&spot) {
            known.again(leak);
        } else if self.leaks.len() < PLACES {
            self.leaks.insert(spot, leak);
        } else {
            self.left_out += 1;
        }
    }

    /// What there was no room for.
    pub(super) fn left_out(&self) -> Option<NotRead> {
        let why =
            format!("{} more places with secrets were found than the {PLACES} that are told", self.left_out);
        (self.left_out > 0).then(|| NotRead { location: String::new(), why, by_design: true })
    }

    /// A record for each place, what the secrets open, and those that can be tried.
    pub(super) fn into_records(mut self, asset: &str, kinds: &[SecretKind]) -> Told {
        once(&mut self.leaks);
        let mut groups: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for (spot, leak) in self.leaks.iter().filter(|(spot, _)| spot.group != 0) {
            groups.entry(spot.group).or_default().push(leak.location(spot));
        }
        let mut told = Told::default();
        let mut last = String::new();
        for (spot, mut leak) in self.leaks {
            let mut location = leak.location(&spot);
            if location == last {
                // A second one of the same line.
                location = format!("{location}:{}", leak.position.as_ref().map_or(0, |at| at.column));
            } else {
                last.clone_from(&location);
            }
            let others = groups.get(&spot.group).map(Vec::as_slice).unwrap_or_default();
            let (connection, key) = (leak.connection.take(), leak.key.take());
            let record = leak.record(asset, &spot, &location, kinds, others);
            told.connections.extend(
                connection.map(|connection| FoundConnection { record: record.id.clone(), connection }),
            );
            told.keys.extend(key.map(|key| key.of(&record.id)));
            told.records.push(record);
        }
        told
    }
}

impl Leak {
    fn of(found: FoundSecret) -> Self {
        Self {
            position: None,
            shown: found.shown,
            checked: found.checked,
            commit: None,
            present: None,
            connection: found.connection,
            key: None,
            values: None,
        }
    }

    /// The same secret at the same place: in another commit, or another row.
    fn again(&mut self, other: Self) {
        self.values = self.values.zip(other.values).map(|(one, two)| one + two);
        // Its place is the one that it has now.
        if other.present == Some(true) && self.present != Some(true) {
            self.position = other.position;
        }
        self.present = match (self.present, other.present) {
            (Some(one), Some(two)) => Some(one || two),
            (one, two) => one.or(two),
        };
        let since = |commit: &Option<(String, Timestamp)>| commit.as_ref().map(|(_, at)| *at);
        if other.commit.is_some() && (self.commit.is_none() || since(&other.commit) < since(&self.commit)) {
            self.commit = other.commit;
        }
    }

    fn location(&self, spot: &Spot) -> String {
        match &self.position {
            Some(at) => format!("{}:{}", spot.file, at.line),
            None => spot.file.clone(),
        }
    }

    fn record(
        self,
        asset: &str,
        spot: &Spot,
        location: &str,
        kinds: &[SecretKind],
        same: &[String],
    ) -> DataRecord {
        let kind = kinds.get(usize::from(spot.kind));
        let id = kind.map(|kind| kind.id.as_str());
        let mut record = DataRecord::new(DataType::Secret, asset, location, id);
        record.title = kind.map(|kind| kind.title.clone());
        record.severity = kind.map_or(model::Severity::Medium, |kind| kind.severity);
        record.confidence = Some(match &self.checked {
            Some(_) => Confidence::High,
            None if kind.is_some_and(|kind| kind.generic) => Confidence::Low,
            None => Confidence::Medium,
        });
        record.reason = self.reason(location, same);
        record.records = self.values;
        record.position = self.position;
        record.secret = Some(SecretFacts {
            redacted: self.shown,
            checked: self.checked,
            since: self.commit.as_ref().map(|(_, at)| *at),
            commit: self.commit.map(|(commit, _)| commit),
            present: self.present,
            opens: None,
            works: None,
            verification: None,
        });
        record
    }

    fn reason(&self, location: &str, same: &[String]) -> String {
        let stands = match self.present {
            Some(false) => "removed since, and still to be read in the history: revoke it",
            _ => "whoever can read this can use it",
        };
        let others: Vec<&str> = same.iter().map(String::as_str).filter(|other| *other != location).collect();
        match others.as_slice() {
            [] => stands.to_owned(),
            [one] => format!("{stands}; the same one stands at {one}"),
            [first, rest @ ..] => {
                format!("{stands}; the same one stands at {first} and {} more places", rest.len())
            }
        }
    }
}
