//! Ends a survey: verdicts become records.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Choice, DataRecord, DataType, NotRead, Severity};

use super::Survey;
use super::estate::{HashedColumn, StoreResult, join, people};
use super::part::{ClearColumn, PartState, place};
use super::record::{record, told_bounds, uncounted};
use super::row::ONE_IN;
use crate::column::{About, statistics};
use crate::personal::Identifies;

/// Columns of one kind whose digests are kept apart, to name the one that a digest comes from.
const CLEAR_COLUMNS: usize = 16;

/// Columns of digests that are compared with those of clear values.
const HASHED_COLUMNS: usize = 512;

/// Keeps the digests of a column of clear identifiers.
pub(super) fn keep_clear(kept: &mut Vec<ClearColumn>, column: ClearColumn) {
    if let Some(same) = kept.iter_mut().find(|it| it.kind == column.kind && it.location == column.location) {
        return same.unite(&column);
    }
    let of_kind = kept.iter().filter(|it| it.kind == column.kind).count();
    match kept.iter_mut().rev().find(|it| it.kind == column.kind).filter(|_| of_kind >= CLEAR_COLUMNS) {
        Some(last) => last.unite(&column),
        None => kept.push(column),
    }
}

/// What was found in how many places.
#[derive(Default)]
struct Tally {
    columns: u64,
    parts: u64,
    rows: u64,
    uncounted: Vec<NotRead>,
    /// Parts in which nothing was found: how many, and the one about which least is known.
    silent: u64,
    least: Option<(u64, Choice, String)>,
    /// In one of them not all rows were looked at as a whole.
    skipped: bool,
}

impl Survey {
    /// Ends the survey of a store or file tree. `asset`: its name in records.
    pub fn finish(mut self, asset: &str) -> StoreResult {
        for part in std::mem::take(&mut self.open) {
            self.close(part);
        }
        let about = self.tools.look.about().to_vec();
        let mut tally = Tally::default();
        let (mut records, mut hashed) = (Vec::new(), Vec::new());
        for part in &self.parts {
            self.ledger.note_all(late(part).into_iter().chain(skipped(part)));
            let from = records.len();
            add_part(asset, part, &about, &mut records, &mut hashed);
            tally.add(part, records.get(from..).unwrap_or_default());
            if !part.is_counted() {
                match told(part) {
                    Some(bounds) => self.census.told(bounds),
                    None => tally.uncounted.extend(part.has_roles.then(|| uncounted(&part.location, part))),
                }
            }
        }
        let texts = self.texts.census.clone();
        self.census.unite(&texts);
        let in_texts = self.texts.into_records(asset, &about);
        tally.rows += in_texts.iter().filter_map(|record| record.records).sum::<u64>();
        let texts = in_texts.len();
        records.extend(in_texts);
        self.ledger.note_all(self.tools.found.left_out());
        let secrets = self.tools.found.into_records(asset, self.tools.secrets.kinds());
        let mut store = DataRecord::new(DataType::Store, asset, "", None);
        store.severity = Severity::Info;
        store.reason = tally.reason(texts, secrets.records.len());
        store.records = Some(tally.rows);
        store.not_read = self.ledger.into_notes();
        attach(&mut records, &store.not_read, &self.parts);
        store.not_read.extend(tally.uncounted.iter().cloned());
        records.extend(secrets.records);
        let mut result = StoreResult {
            asset: asset.to_owned(),
            counted_on: None,
            records,
            found_connections: secrets.connections,
            found_keys: secrets.keys,
            census: self.census,
            rows: tally.rows,
            uncounted: tally.uncounted,
            clear: self.clear,
            hashed,
            about: Arc::new(about),
        };
        join(std::slice::from_mut(&mut result));
        store.people = people(std::slice::from_ref(&result));
        result.records.push(store);
        result.records.sort_by(|one, two| one.order().cmp(&two.order()));
        result
    }
}

fn add_part(
    asset: &str,
    part: &PartState,
    about: &[About],
    records: &mut Vec<DataRecord>,
    hashed: &mut Vec<HashedColumn>,
) {
    for column in &part.columns {
        let from = records.len();
        records
            .extend(column.findings.iter().filter_map(|finding| record(asset, part, column, finding, about)));
        if column.may_join() && !column.hashes.is_empty() && hashed.len() < HASHED_COLUMNS {
            let filled = column.values as f64 / part.rows.max(1) as f64;
            let values = part.all_rows().map(|rows| (rows as f64 * filled).round() as u64);
            hashed.push(HashedColumn {
                location: place(&part.location, &column.name),
                hashes: column.hashes.clone(),
                values,
                accepted: column.accepted.clone(),
                persons: part.is_counted().then(|| column.hashes.bounds()),
                record: records.get(from).map(|record| record.id.clone()),
            });
        }
    }
}

/// Rows that came after others of too many parts: only identifiers that were known by then were looked at.
fn late(part: &PartState) -> Option<NotRead> {
    let why =
        format!("{} rows came while too many other parts were read, and were not looked at", part.late_rows);
    (part.late_rows > 0).then(|| NotRead { location: part.location.clone(), why, by_design: false })
}

/// Tells each record what was not read of its part and its column.
fn attach(records: &mut [DataRecord], notes: &[NotRead], parts: &[PartState]) {
    let mut of_place: BTreeMap<&str, Vec<&NotRead>> = BTreeMap::new();
    for note in notes {
        of_place.entry(&note.location).or_default().push(note);
    }
    let mut part_of: BTreeMap<String, &str> = BTreeMap::new();
    for part in parts.iter().filter(|part| of_place.contains_key(part.location.as_str())) {
        for column in &part.columns {
            part_of.insert(place(&part.location, &column.name), &part.location);
        }
    }
    for record in records {
        let part = part_of.get(&record.location).copied();
        for place in part.into_iter().chain([record.location.as_str()]) {
            let notes = of_place.get(place).into_iter().flatten();
            record.not_read.extend(notes.map(|note| (*note).clone()));
        }
    }
}

/// Rows of which only the columns of identifiers were looked at.
fn skipped(part: &PartState) -> Option<NotRead> {
    let rows = part.rows.saturating_sub(part.looked_rows).saturating_sub(part.late_rows);
    let why = format!(
        "after its first rows, one in {ONE_IN} was looked at as a whole, to see columns that change; of {rows} rows only \
         columns of identifiers were read"
    );
    (rows > 0).then(|| NotRead { location: part.location.clone(), why, by_design: true })
}

/// Persons of a part as its store counts them: by its best identifiers.
fn told(part: &PartState) -> Option<crate::people::Bounds> {
    let best =
        part.columns.iter().flat_map(|column| &column.roles).map(|role| role.space.identifies).min()?;
    let columns =
        part.columns.iter().filter(|column| column.roles.iter().any(|role| role.space.identifies == best));
    let mut all = crate::people::Bounds::default();
    let mut filled: f64 = 0.0;
    for column in columns {
        let bounds = told_bounds(part, column, column.told?);
        all.lower = all.lower.max(bounds.lower);
        all.upper = all.upper.saturating_add(bounds.upper);
        filled = filled.max(column.values as f64 / part.rows.max(1) as f64);
        // Several telephones are one person, several persons are several.
        if best == Identifies::Contact {
            break;
        }
    }
    let empty = part.all_rows().map(|rows| (rows as f64 * (1.0 - filled).max(0.0)).ceil() as u64)?;
    all.upper = all.upper.saturating_add(empty);
    Some(all)
}

impl Tally {
    fn add(&mut self, part: &PartState, records: &[DataRecord]) {
        if records.is_empty() {
            self.silent += 1;
            self.skipped |= part.looked_rows < part.rows;
            let effective = part.effective();
            if self.least.as_ref().is_none_or(|(least, ..)| effective < *least) {
                self.least = Some((effective, part.choice, part.location.clone()));
            }
            return;
        }
        self.parts += 1;
        self.columns += records.len() as u64;
        self.rows += records.iter().filter_map(|record| record.records).max().unwrap_or_default();
    }

    fn reason(&self, texts: usize, secrets: usize) -> String {
        let mut reason = match (self.columns, texts) {
            (0, 0) => "no personal data found".to_owned(),
            (columns, 0) => format!("personal data in {}", columns_of(columns, self.parts)),
            (0, texts) => format!("personal data in {}", plural(texts as u64, "text")),
            (columns, texts) => {
                format!(
                    "personal data in {} and in {}",
                    columns_of(columns, self.parts),
                    plural(texts as u64, "text")
                )
            }
        };
        if secrets > 0 {
            reason.push_str(&format!("; {}", plural(secrets as u64, "secret")));
        }
        if let Some((effective, choice, location)) = &self.least {
            let silent = plural(self.silent, "part");
            reason.push_str(&match (choice, statistics::below_one_in(*effective)) {
                (Choice::Everything, _) if !self.skipped => format!("; none in {silent}, read in full"),
                (Choice::FirstRows, _) => {
                    format!(
                        "; none in the first rows of {silent}, which say nothing about the rest ({location})"
                    )
                }
                (_, Some(rows)) => {
                    format!("; elsewhere below 1 in {rows} rows at 99 % ({silent}, least sure: {location})")
                }
                (_, None) => format!("; too little of {silent} was read to say anything ({location})"),
            });
        }
        reason
    }
}

fn columns_of(columns: u64, parts: u64) -> String {
    format!("{} of {}", plural(columns, "column"), plural(parts, "part"))
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
