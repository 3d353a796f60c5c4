//! What the formats for people read out of data records: which belong to one store, and what there is to say.

use std::collections::{BTreeSet, HashMap};

use model::{DataRecord, DataType, NotRead, People, Range, SecretFacts};

use super::text::{day, printable};
use super::words::Language;
use crate::report::{DataSummary, Report};

/// One store or file tree with everything that is known about it.
#[derive(Debug)]
pub(super) struct Store<'a> {
    /// Its name.
    pub(super) asset: &'a str,
    /// The record of the whole.
    pub(super) whole: Option<&'a DataRecord>,
    /// Columns, JSON paths and files that hold personal data, worst first.
    pub(super) columns: Vec<&'a DataRecord>,
    /// Secrets, worst first.
    pub(super) secrets: Vec<&'a DataRecord>,
    /// What was not read: what was asked for comes before what was left out by design.
    pub(super) not_read: Vec<&'a NotRead>,
}

impl<'a> Store<'a> {
    fn new(asset: &'a str) -> Self {
        Self { asset, whole: None, columns: Vec::new(), secrets: Vec::new(), not_read: Vec::new() }
    }

    /// How many parts were asked for and not read.
    pub(super) fn undecided(&self) -> usize {
        self.not_read.iter().filter(|part| !part.by_design).count()
    }

    /// Columns and secrets, each with the worst first; those come first of which one is worse than all others.
    pub(super) fn blocks(&self) -> [&[&'a DataRecord]; 2] {
        let worst = |records: &[&DataRecord]| records.iter().map(|record| record.severity).max();
        let (columns, secrets) = (self.columns.as_slice(), self.secrets.as_slice());
        if worst(secrets) > worst(columns) { [secrets, columns] } else { [columns, secrets] }
    }

    /// Whether nothing was found in what was read.
    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.secrets.is_empty()
    }

    /// Whether an earlier run had read the store and not seen this.
    pub(super) fn is_new(&self, record: &DataRecord, report: &Report) -> bool {
        let before = |record: &DataRecord| record.known_since.is_some_and(|since| since < report.started);
        self.whole.is_some_and(before) && record.known_since.is_some() && !before(record)
    }
}

/// The stores of a report, the one with the worst finding first.
pub(super) fn stores(report: &Report) -> Vec<Store<'_>> {
    let mut stores: Vec<Store<'_>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for record in report.data.iter().filter(|record| record.data_type != DataType::Estate) {
        let place = *places.entry(&record.asset).or_insert(stores.len());
        if place == stores.len() {
            stores.push(Store::new(&record.asset));
        }
        let Some(store) = stores.get_mut(place) else { continue };
        match record.data_type {
            DataType::PersonalData => store.columns.push(record),
            DataType::Secret => store.secrets.push(record),
            DataType::Store | DataType::Estate => store.whole = Some(record),
        }
        store.not_read.extend(&record.not_read);
    }
    for store in &mut stores {
        let told: BTreeSet<(bool, &NotRead)> =
            store.not_read.iter().map(|part| (part.by_design, *part)).collect();
        store.not_read = told.into_iter().map(|(_, part)| part).collect();
    }
    stores
}

/// The record of all stores together.
pub(super) fn estate(report: &Report) -> Option<&DataRecord> {
    report.data.iter().find(|record| record.data_type == DataType::Estate)
}

/// The kind of a record in words.
pub(super) fn title(record: &DataRecord) -> String {
    let name = record.title.as_deref().or(record.kind.as_deref()).unwrap_or("-");
    printable(name).into_owned()
}

/// Where a record stands, below its store: `deploy/config.yml:12`, `public.persons.id_no`.
pub(super) fn place(record: &DataRecord) -> String {
    let place = match &record.position {
        Some(position) if position.line > 0 => format!("{}:{}", position.file, position.line),
        Some(position) => position.file.clone(),
        None => record.location.clone(),
    };
    printable(if place.is_empty() { &record.asset } else { &place }).into_owned()
}

/// The kinds by which people were counted, in the words of the records that have them.
pub(super) fn counted_by(people: &People, report: &Report, language: Language) -> Option<String> {
    if people.by.is_empty() {
        return None;
    }
    let name = |id: &String| {
        let known = report.data.iter().find(|record| record.kind.as_ref() == Some(id));
        known.map_or_else(|| printable(id).replace('-', " "), title)
    };
    let kinds: Vec<String> = people.by.iter().map(name).collect();
    let kinds = kinds.join(language.pick(", ", "、"));
    Some(language.pick(format!("counted by {kinds}"), format!("计数依据：{kinds}")))
}

/// People between two bounds.
pub(super) fn bounds(people: &People) -> Range {
    Range { lower: people.lower, upper: people.upper }
}

/// Those who are younger than 18, where that is known.
pub(super) fn minors(people: &People, language: Language) -> Option<String> {
    let minors = language.range(people.minors?);
    Some(language.pick(format!("{minors} of them minors"), format!("其中未成年人 {minors} 人")))
}

/// The regions with the most people, at most so many.
pub(super) fn regions(people: &People, most: usize, language: Language) -> Vec<String> {
    let mut regions: Vec<_> = people.regions.iter().collect();
    regions.sort_by_key(|region| (std::cmp::Reverse(region.people.upper), &region.region));
    let mut told: Vec<String> = regions
        .iter()
        .take(most)
        .map(|region| format!("{}: {}", printable(&region.region), language.range(region.people)))
        .collect();
    match regions.len().saturating_sub(most) {
        0 => {}
        1 => told.push(language.pick("1 more region", "另有 1 个地区").to_owned()),
        rest => told.push(language.pick(format!("{rest} more regions"), format!("另有 {rest} 个地区"))),
    }
    told
}

/// How many people, or why nobody counted them.
pub(super) fn people(record: &DataRecord, language: Language) -> String {
    match &record.people {
        Some(people) => language.people(bounds(people)),
        None => match uncounted(record) {
            Some(why) => language.pick(format!("people not counted: {why}"), format!("未统计人数：{why}")),
            None => language.pick("people not counted", "未统计人数").to_owned(),
        },
    }
}

/// Why people were not counted: the part that says so, else the only one that concerns the whole.
fn uncounted(record: &DataRecord) -> Option<String> {
    let counts = |part: &&NotRead| {
        let why = part.why.to_lowercase();
        ["people", "person", "distinct", "count"].iter().any(|word| why.contains(word))
    };
    let whole = |part: &&NotRead| part.location.is_empty() || part.location == record.location;
    let part = record
        .not_read
        .iter()
        .filter(whole)
        .find(counts)
        .or_else(|| record.not_read.iter().find(counts))
        .or_else(|| record.not_read.iter().find(whole))?;
    let why = part.why.strip_prefix("people are not counted: ").unwrap_or(&part.why);
    Some(printable(why).into_owned())
}

/// A part that was not read, with its place where it is not the whole.
pub(super) fn gap(part: &NotRead) -> String {
    match part.location.as_str() {
        "" => printable(&part.why).into_owned(),
        location => format!("{}: {}", printable(location), printable(&part.why)),
    }
}

/// Since which commit a secret is there, and whether it still is.
pub(super) fn history(secret: &SecretFacts, language: Language) -> Vec<String> {
    let mut told = Vec::new();
    let day = secret.since.map(day);
    let commit = secret.commit.as_deref().map(|commit| {
        let short: String = printable(commit).chars().take(7).collect();
        language.pick(format!("since commit {short}"), format!("始于提交 {short}"))
    });
    match (commit, day) {
        (Some(commit), Some(day)) => {
            told.push(language.pick(format!("{commit} ({day})"), format!("{commit}（{day}）")))
        }
        (Some(commit), None) => told.push(commit),
        (None, Some(day)) => told.push(language.pick(format!("since {day}"), format!("始于 {day}"))),
        (None, None) => {}
    }
    told.extend(secret.present.map(|present| {
        match present {
            true => language.pick("still there", "现仍存在"),
            false => language.pick("deleted since, still in the history", "现已删除，但历史中仍有"),
        }
        .to_owned()
    }));
    told
}

/// What a secret opens, whether it works, what its structure says.
pub(super) fn use_of(secret: &SecretFacts, language: Language) -> Vec<String> {
    let mut told = Vec::new();
    told.extend(secret.opens.as_deref().map(|store| {
        let store = printable(store);
        language.pick(format!("opens {store}"), format!("可打开 {store}"))
    }));
    told.extend(secret.works.map(|works| {
        match works {
            true => language.pick("it works", "有效"),
            false => language.pick("it does not work where it was tried", "在所试之处无效"),
        }
        .to_owned()
    }));
    told.extend(secret.verification.as_deref().map(|said| printable(said).into_owned()));
    told.extend(secret.checked.as_deref().map(|checked| printable(checked).into_owned()));
    told
}

/// Why a store with nothing found is not called clean.
pub(super) fn nothing_found(store: &Store<'_>, language: Language) -> String {
    let reason = store.whole.map(|record| printable(&record.reason)).filter(|reason| !reason.is_empty());
    match reason {
        Some(reason) => reason.into_owned(),
        None if store.undecided() > 0 && store.whole.is_none_or(|record| record.records.is_none()) => {
            language
                .pick("nothing could be read: this is not an all-clear", "未能读取任何内容：这不等于没有")
                .to_owned()
        }
        None => language
            .pick(
                "nothing was found in what was read: this is not an all-clear",
                "在已读部分中没有发现：这不等于没有",
            )
            .to_owned(),
    }
}

/// What was found in the stores, in one sentence; `None` when no store was read.
pub(super) fn summary(report: &Report, language: Language) -> Option<String> {
    let DataSummary { stores, columns, secrets, people, not_read, .. } = report.data_summary();
    if stores == 0 {
        return None;
    }
    let amount = |number: usize, one, many, chinese| language.amount(number as u64, one, many, chinese);
    let mut parts = vec![
        amount(columns, "column with personal data", "columns with personal data", "列含个人信息"),
        amount(secrets, "secret", "secrets", "个密钥"),
    ];
    parts.extend(people.map(|people| language.people(people)));
    parts.push(amount(not_read, "part not read", "parts not read", "处未读"));
    let stores = amount(stores, "store", "stores", "个存储");
    let parts = parts.join(language.pick(", ", "，"));
    Some(language.pick(format!("{parts}; {stores}"), format!("{parts}；共 {stores}")))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_store_with_the_worst_finding_comes_first() {
        let report = sample::report();
        let stores = stores(&report);
        let order: Vec<&str> = stores.iter().map(|store| store.asset.split(':').next().unwrap()).collect();
        assert_eq!(order, ["file", "postgres", "s3", "elasticsearch+https", "redis"]);
        let (columns, secrets): (usize, usize) =
            stores.iter().fold((0, 0), |(a, b), store| (a + store.columns.len(), b + store.secrets.len()));
        assert_eq!((columns, secrets), (17, 5));
    }

    #[test]
    fn what_was_asked_for_comes_before_what_was_left_out() {
        let report = sample::report();
        for store in stores(&report) {
            assert!(store.not_read.is_sorted_by_key(|part| part.by_design), "{}", store.asset);
        }
    }

    #[test]
    fn people_that_nobody_counted_are_not_zero_people() {
        let report = sample::report();
        let whole = |asset: &str| {
            let stores = stores(&report);
            people(
                stores.iter().find(|store| store.asset.starts_with(asset)).unwrap().whole.unwrap(),
                Language::En,
            )
        };
        assert_eq!(whole("file:"), "people not counted: people.json ended in the middle");
        assert_eq!(whole("postgres:"), "198,412 to 203,977 people");
        assert_eq!(whole("redis:"), "people not counted");
    }

    #[test]
    fn nothing_found_is_never_called_clean() {
        let report = sample::report();
        let told: Vec<String> = stores(&report)
            .iter()
            .filter(|store| store.is_empty())
            .map(|store| nothing_found(store, Language::En))
            .collect();
        assert_eq!(
            told,
            [
                "nothing could be read: this is not an all-clear",
                "no personal data was found: below 1 in 1,000 values at 99 %",
            ]
        );
    }

    #[test]
    fn the_summary_of_the_stores_is_one_sentence() {
        let expected =
            "17 columns with personal data, 5 secrets, 198,412 to 203,977 people, 8 parts not read; 5 stores";
        assert_eq!(summary(&sample::report(), Language::En).as_deref(), Some(expected));
        assert_eq!(summary(&sample::empty(), Language::En), None);
    }

    #[test]
    fn a_column_that_an_earlier_run_did_not_see_is_new() {
        let report = sample::report();
        let stores = stores(&report);
        let new: Vec<&str> = stores
            .iter()
            .flat_map(|store| store.columns.iter().filter(|record| store.is_new(record, &report)))
            .map(|record| record.location.as_str())
            .collect();
        assert_eq!(new, ["public.persons.phone_md5"]);
    }
}
