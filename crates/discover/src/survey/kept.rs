//! The people of a store as they are kept until a later run reads another store.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use model::DataRecord;
use serde::{Deserialize, Serialize};

use super::estate::StoreResult;
use super::part::ClearColumn;
use crate::column::About;
use crate::people::{Census, Digests, KeptCensus, KeptDigests, NotASketch, SketchKey};
use crate::personal::KindId;

#[derive(Serialize, Deserialize)]
struct Kept {
    rows: u64,
    census: KeptCensus,
    clear: Vec<KeptClear>,
}

/// Digests of all clear values of a kind.
#[derive(Serialize, Deserialize)]
struct KeptClear {
    kind: String,
    location: String,
    digests: KeptDigests,
}

impl StoreResult {
    /// The people of this store as text for the state: keyed sketches, from which no value can be had. `None` when they
    /// were not all counted.
    pub fn keep(&self, key: &SketchKey) -> Option<String> {
        if !self.uncounted.is_empty() || self.records.iter().any(DataRecord::is_undecided) {
            return None;
        }
        let name = |kind: KindId| {
            self.about.get(usize::from(kind.0)).map(|about| about.id.clone()).unwrap_or_default()
        };
        let mut by_kind: BTreeMap<KindId, ClearColumn> = BTreeMap::new();
        for column in &self.clear {
            match by_kind.get_mut(&column.kind) {
                Some(known) => known.unite(column),
                None => drop(by_kind.insert(column.kind, column.clone())),
            }
        }
        let clear = by_kind.into_values().map(|column| KeptClear {
            kind: name(column.kind),
            location: column.location,
            digests: column.digests.keep(key),
        });
        let kept = Kept { rows: self.rows, census: self.census.keep(key, name), clear: clear.collect() };
        serde_json::to_string(&kept).ok()
    }

    /// A store that was read by an earlier run, on this day, of which only its people are known: its results have no records.
    ///
    /// # Errors
    /// When they were counted under another key, by a kind that is not known any more, or the text is damaged.
    pub fn recall(
        asset: &str,
        on: Date,
        kept: &str,
        key: &SketchKey,
        about: &Arc<Vec<About>>,
    ) -> Result<Self, NotASketch> {
        let kept: Kept = serde_json::from_str(kept).map_err(|_| NotASketch::Damaged)?;
        let kind = |name: &str| {
            let at = about.iter().position(|about| about.id == name)?;
            Some((KindId(u16::try_from(at).ok()?), about.get(at)?))
        };
        let space = |name: &str, digest| kind(name).map(|(kind, about)| about.space(kind, digest));
        let clear = kept.clear.iter().map(|column| {
            let (kind, _) = kind(&column.kind).ok_or(NotASketch::UnknownKind)?;
            let digests = Digests::recall(&column.digests, key)?;
            Ok(ClearColumn { kind, location: column.location.clone(), digests })
        });
        Ok(Self {
            asset: asset.to_owned(),
            counted_on: Some(on),
            records: Vec::new(),
            found_connections: Vec::new(),
            found_keys: Vec::new(),
            census: Census::recall(&kept.census, key, space)?,
            rows: kept.rows,
            uncounted: Vec::new(),
            clear: clear.collect::<Result<_, _>>()?,
            hashed: Vec::new(),
            about: Arc::clone(about),
        })
    }

    /// Whether anybody is in it.
    pub fn has_people(&self) -> bool {
        !self.census.is_empty()
    }
}
