//! What several stores say together.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use model::{Confidence, DataRecord, DataType, Form, NotRead, People, Severity};

use super::keys::FoundKey;
use super::part::ClearColumn;
use super::record::{candidates_in_words, severity};
use super::secrets::FoundConnection;
use crate::column::{About, percent};
use crate::people::{Bounds, Census, Digests, Sketch};
use crate::personal::{Identifies, KindId};

/// A share of clear values that is told beside digests.
const SOME: f64 = 0.02;

/// Stores of earlier runs that are named one by one.
const NAMED: usize = 5;

/// What a survey of one store or file tree found.
#[derive(Clone, Debug)]
pub struct StoreResult {
    /// Its name.
    pub asset: String,
    /// When an earlier run counted its people; `None` if it was read now.
    pub(super) counted_on: Option<Date>,
    /// The records; one of them is about the store as a whole.
    pub records: Vec<DataRecord>,
    /// Secrets that say which store they open, without being records: to be matched with the stores in scope.
    pub found_connections: Vec<FoundConnection>,
    /// Keys of which the user wants to know whether they still work; empty unless [`super::Options::keys`] says so.
    pub found_keys: Vec<FoundKey>,
    pub(super) census: Census,
    pub(super) rows: u64,
    /// Parts whose people were not counted.
    pub(super) uncounted: Vec<NotRead>,
    pub(super) clear: Vec<ClearColumn>,
    pub(super) hashed: Vec<HashedColumn>,
    pub(super) about: Arc<Vec<About>>,
}

/// A column of digests.
#[derive(Clone, Debug)]
pub(super) struct HashedColumn {
    pub(super) location: String,
    pub(super) hashes: Sketch,
    pub(super) values: Option<u64>,
    /// Shares of its values that are clear, by kind.
    pub(super) accepted: Vec<(KindId, f64)>,
    /// Distinct digests, where all of them were read.
    pub(super) persons: Option<Bounds>,
    /// The record that there is of it, by its name.
    pub(super) record: Option<String>,
}

/// That the digests of a column are those of values known elsewhere.
struct Proof {
    store: usize,
    column: usize,
    kind: KindId,
    algorithm: &'static str,
    from: String,
}

/// Finds columns of digests of values that stand in clear in any of the stores. Such a digest hides nothing, and says so
/// in its record from now on. To be called once all stores are read, before the records are shown.
pub fn join(results: &mut [StoreResult]) {
    let mut proofs = Vec::new();
    for (store, result) in results.iter().enumerate() {
        for (column, hashed) in result.hashed.iter().enumerate() {
            proofs.extend(prove(results, store, column, hashed));
        }
    }
    for proof in proofs {
        if let Some(result) = results.get_mut(proof.store) {
            result.proven(proof);
        }
    }
}

fn prove(results: &[StoreResult], store: usize, column: usize, hashed: &HashedColumn) -> Option<Proof> {
    // The store itself first: that is the join that its reader can check.
    let others = results.iter().enumerate().filter(|(at, _)| *at != store);
    for (at, result) in results.iter().enumerate().filter(|(at, _)| *at == store).chain(others) {
        for clear in &result.clear {
            let Some(algorithm) = clear.digests.found_in(&hashed.hashes) else { continue };
            let place = if at == store { String::new() } else { format!(" of {}", result.asset) };
            let from = format!("{}{place}", clear.location);
            return Some(Proof { store, column, kind: clear.kind, algorithm, from });
        }
    }
    None
}

impl StoreResult {
    fn proven(&mut self, proof: Proof) {
        let about = Arc::clone(&self.about);
        let Some(kind) = about.get(usize::from(proof.kind.0)) else { return };
        let Some(hashed) = self.hashed.get_mut(proof.column) else { return };
        let shown = DataRecord::new(DataType::PersonalData, &self.asset, &hashed.location, Some(&kind.id));
        let known =
            hashed.record.take().and_then(|id| self.records.iter().position(|record| record.id == id));
        hashed.record = Some(shown.id.clone());
        let people = hashed.persons.filter(|_| kind.identifies != Identifies::Nobody).map(|persons| People {
            lower: persons.lower,
            upper: persons.upper,
            by: vec![kind.id.clone()],
            minors: None,
            regions: Vec::new(),
        });
        let at = known.unwrap_or_else(|| {
            self.records.push(DataRecord { records: hashed.values, people, ..shown.clone() });
            self.records.len() - 1
        });
        let Some(record) = self.records.get_mut(at) else { return };
        let candidates = match kind.enumerable {
            Some(candidates) => {
                format!("all {} values there are can be tried", candidates_in_words(candidates))
            }
            None => "whoever has a list of such values knows them again".to_owned(),
        };
        record.reason = format!(
            "{} without key or salt: digests of values in {} stand here; {candidates}",
            proof.algorithm, proof.from
        );
        let clear =
            hashed.accepted.iter().find(|(accepted, share)| *accepted == proof.kind && *share >= SOME);
        if let Some((_, share)) = clear {
            record.reason = format!("{} clear; the others: {}", percent(*share), record.reason);
            record.severity = record.severity.max(severity(Form::Mixed, kind.identifies));
        }
        let mixed = clear.is_some() || record.form == Some(Form::Mixed);
        record.form = Some(if mixed { Form::Mixed } else { Form::HashedEnumerable });
        record.severity = record.severity.max(Severity::Low);
        record.confidence = Some(Confidence::High);
        record.id = shown.id;
        record.kind = shown.kind;
        record.title = Some(kind.title.clone());
        let order = |one: &DataRecord, two: &DataRecord| one.order().cmp(&two.order());
        self.records.sort_by(order);
    }
}

/// Which of the stores were not read now, in a clause.
fn earlier(results: &[StoreResult]) -> String {
    let earlier: Vec<String> = results
        .iter()
        .filter_map(|result| result.counted_on.map(|on| format!("{} ({on})", result.asset)))
        .collect();
    match earlier.split_at_checked(NAMED) {
        _ if earlier.is_empty() => String::new(),
        Some((named, rest)) if !rest.is_empty() => {
            format!("; as counted earlier: {} and {} others", named.join(", "), rest.len())
        }
        _ => format!("; as counted earlier: {}", earlier.join(", ")),
    }
}

/// The persons of some stores together. `None` when those of a part were not counted, or there are none.
pub(super) fn people(results: &[StoreResult]) -> Option<People> {
    let counted = results.iter().all(|result| result.uncounted.is_empty());
    let about = results.iter().map(|result| &result.about).next()?;
    let mut census = Census::new();
    let mut digests: BTreeMap<KindId, Digests> = BTreeMap::new();
    for result in results {
        census.unite(&result.census);
        for clear in &result.clear {
            match digests.get_mut(&clear.kind) {
                Some(known) => known.unite(&clear.digests),
                None => drop(digests.insert(clear.kind, clear.digests.clone())),
            }
        }
    }
    let name =
        |kind: KindId| about.get(usize::from(kind.0)).map(|about| about.id.clone()).unwrap_or_default();
    (counted && !census.is_empty()).then(|| census.people(&digests, name))
}

/// The record of all stores together; `None` for none.
pub fn estate(results: &[StoreResult]) -> Option<DataRecord> {
    if results.is_empty() {
        return None;
    }
    let mut record = DataRecord::new(DataType::Estate, "estate", "", None);
    record.records = Some(results.iter().map(|result| result.rows).sum());
    record.people = people(results);
    record.reason = format!("{} stores and file trees together{}", results.len(), earlier(results));
    for result in results {
        for missing in &result.uncounted {
            let location = format!("{} {}", result.asset, missing.location);
            record.not_read.push(NotRead { location, ..missing.clone() });
        }
    }
    Some(record)
}
