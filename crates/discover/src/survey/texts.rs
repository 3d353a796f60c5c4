//! Personal data in texts: files that have no columns.

use std::collections::BTreeMap;

use model::{Confidence, DataRecord, DataType, Form, Position};

use super::Tools;
use super::position::position;
use super::record::severity;
use crate::Place;
use crate::column::About;
use crate::people::{Census, Key};
use crate::personal::{Found, Identifies, KindId};

/// Below it, a value proves itself.
const RARE: f64 = 1e-3;

/// What stands in texts, by file and kind.
#[derive(Debug, Default)]
pub(super) struct Texts {
    found: BTreeMap<(String, KindId), Mention>,
    pub(super) census: Census,
}

/// Values of one kind in one file.
#[derive(Debug, Default)]
struct Mention {
    position: Option<Position>,
    /// Values in the version that is read.
    count: u64,
    /// Values in the version that has most.
    most: u64,
    version: Option<String>,
    context: bool,
    present: Option<bool>,
}

impl Texts {
    /// Looks for personal data in a text.
    pub(super) fn read(&mut self, place: &Place<'_>, text: &[u8], tools: &Tools) {
        let mut canonical = Vec::new();
        tools.look.recogniser().text(text, &mut |found| {
            self.mention(place, text, found);
            let value = text.get(found.start..found.end).unwrap_or_default();
            self.count(found.kind, value, tools, &mut canonical);
        });
    }

    fn mention(&mut self, place: &Place<'_>, text: &[u8], found: Found) {
        let key = (place.file.to_owned(), found.kind);
        let mention = self.found.entry(key).or_insert_with(|| Mention {
            position: position(place.file, place.line, text, found.start),
            ..Mention::default()
        });
        let version = place.commit.map(|(commit, _)| commit);
        if mention.version.as_deref() != version {
            mention.version = version.map(str::to_owned);
            mention.count = 0;
        }
        if place.present == Some(true) && mention.present != Some(true) {
            mention.position = position(place.file, place.line, text, found.start);
        }
        mention.present = match (mention.present, place.present) {
            (Some(one), Some(two)) => Some(one || two),
            (one, two) => one.or(two),
        };
        mention.count += 1;
        mention.most = mention.most.max(mention.count);
        mention.context |= found.context;
    }

    fn count(&mut self, kind: KindId, value: &[u8], tools: &Tools, canonical: &mut Vec<u8>) {
        let Some(about) = tools.look.about().get(usize::from(kind.0)) else { return };
        canonical.clear();
        if about.identifies == Identifies::Nobody
            || !tools.look.recogniser().canonical(kind, value, canonical)
        {
            return;
        }
        let hash = tools.domain(kind).hash(canonical);
        self.census.row(&mut [Key { space: about.space(kind, 0), hash }], |_| tools.known(kind, value));
    }

    /// A record for each file and kind.
    pub(super) fn into_records(self, asset: &str, about: &[About]) -> Vec<DataRecord> {
        let record = |((file, kind), mention): ((String, KindId), Mention)| {
            let about = about.get(usize::from(kind.0))?;
            Some(mention.record(asset, &file, about))
        };
        self.found.into_iter().filter_map(record).collect()
    }
}

impl Mention {
    fn record(self, asset: &str, file: &str, about: &About) -> DataRecord {
        let mut record = DataRecord::new(DataType::PersonalData, asset, file, Some(&about.id));
        record.title = Some(about.title.clone());
        record.form = Some(Form::Clear);
        record.severity = severity(Form::Clear, about.identifies);
        record.confidence = Some(match () {
            () if about.has_check && about.chance <= RARE => Confidence::High,
            () if self.context => Confidence::Medium,
            () => Confidence::Low,
        });
        let beside = if self.context { ", with a word beside it that says so" } else { "" };
        let since = if self.present == Some(false) {
            ", removed since, and still to be read in the history"
        } else {
            ""
        };
        record.reason = format!("in free text{beside}{since}");
        record.records = Some(self.most);
        record.position = self.position;
        record
    }
}
