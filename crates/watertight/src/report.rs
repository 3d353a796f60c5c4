//! What one run has to tell, before it takes a format.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use model::{Acceptance, Clock, DataRecord, DataType, NotRead, Range, Record, RecordType, Severity, Verdict};
use serde_json::Value;

use crate::exit::{Exit, is_undecided};

/// The result of a run: records in their stable order, and what could not be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// All records, worst first.
    pub(crate) records: Vec<Record>,
    /// What is in the stores, about whom: worst first, in the order of [`DataRecord::order`].
    pub(crate) data: Vec<DataRecord>,
    /// What the run could not see, one sentence each ("2 listeners belong to other users' processes").
    pub(crate) not_seen: Vec<String>,
    /// What a reader should know about what was seen, one sentence each. It changes no verdict.
    pub(crate) notes: Vec<String>,
    /// What was asked for, in the user's words; empty for "this machine".
    pub(crate) targets: Vec<String>,
    /// Endpoints that were dialled or judged.
    pub(crate) looked_at: u64,
    /// The run was cut short by Ctrl-C.
    pub(crate) interrupted: bool,
    /// When it began.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Timestamp,
    /// What fails the run.
    pub(crate) fail_on: Severity,
    /// Ids and severities of an earlier report: what is known does not fail the run, unless it has become worse.
    pub(crate) baseline: HashMap<String, Severity>,
}

/// How many exposures have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// A stranger gets in, at least in part.
    pub(crate) open: usize,
    /// Of these, accepted by somebody.
    pub(crate) accepted: usize,
    /// Protected or restricted by network.
    pub(crate) protected: usize,
    /// Unknown or unidentified.
    pub(crate) unknown: usize,
    /// Unreachable or closed.
    pub(crate) no_answer: usize,
}

/// What was found in the stores of a run, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DataSummary {
    /// Stores and file trees that were read.
    pub(crate) stores: usize,
    /// Columns, JSON paths and files that hold personal data.
    pub(crate) columns: usize,
    /// Secrets that lie around.
    pub(crate) secrets: usize,
    /// Distinct persons over all stores, where they were counted.
    pub(crate) people: Option<Range>,
    /// Parts that were asked for and not read.
    pub(crate) not_read: usize,
    /// Parts that were left out by design.
    pub(crate) left_out: usize,
}

impl Report {
    /// Whether a record fails the run.
    pub(crate) fn fails(&self, record: &Record) -> bool {
        record.fails(self.fail_on) && !self.is_known(&record.id, record.severity)
    }

    /// Whether a data record fails the run.
    pub(crate) fn fails_by_data(&self, record: &DataRecord) -> bool {
        record.fails(self.fail_on) && !self.is_known(&record.id, record.severity)
    }

    /// A door that was shut then and is open now, or a column that was masked and is clear now, has the same id.
    fn is_known(&self, id: &str, severity: Severity) -> bool {
        self.baseline.get(id).is_some_and(|then| *then >= severity)
    }

    /// How many records fail the run.
    pub(crate) fn failing(&self) -> usize {
        self.records.iter().filter(|record| self.fails(record)).count()
            + self.data.iter().filter(|record| self.fails_by_data(record)).count()
    }

    /// How the run ends. A known open door counts more than an unknown one.
    pub(crate) fn exit(&self) -> Exit {
        if self.failing() > 0 {
            Exit::Finding
        } else if self.interrupted
            || self.records.iter().any(is_undecided)
            || self.data.iter().any(DataRecord::is_undecided)
        {
            Exit::Undecided
        } else {
            Exit::Clean
        }
    }

    /// Counts exposures by what they mean for the reader.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for record in self.records.iter().filter(|record| record.kind == RecordType::Exposure) {
            match record.verdict {
                verdict if verdict.is_open() => {
                    summary.open += 1;
                    summary.accepted += usize::from(record.accepted.is_some());
                }
                verdict if verdict.is_shut() => summary.protected += 1,
                Verdict::Unknown | Verdict::Unidentified => summary.unknown += 1,
                _ => summary.no_answer += 1,
            }
        }
        summary
    }

    /// Counts what was found in the stores.
    pub(crate) fn data_summary(&self) -> DataSummary {
        let of = |data_type| self.data.iter().filter(move |record| record.data_type == data_type);
        let stores: BTreeSet<&str> = self
            .data
            .iter()
            .filter(|record| record.data_type != DataType::Estate)
            .map(|record| record.asset.as_str())
            .collect();
        // A column's gap may be told again by its store.
        let gaps: BTreeSet<(&str, &NotRead)> = self
            .data
            .iter()
            .flat_map(|record| record.not_read.iter().map(|part| (record.asset.as_str(), part)))
            .collect();
        let left_out = gaps.iter().filter(|(_, part)| part.by_design).count();
        // One store is all stores; of several only their union tells how many people there are.
        let whole = match of(DataType::Store).count() {
            1 => of(DataType::Estate).next().or_else(|| of(DataType::Store).next()),
            _ => of(DataType::Estate).next(),
        };
        DataSummary {
            stores: stores.len(),
            columns: of(DataType::PersonalData).count(),
            secrets: of(DataType::Secret).count(),
            people: whole
                .and_then(|record| record.people.as_ref())
                .map(|people| Range { lower: people.lower, upper: people.upper }),
            not_read: gaps.len() - left_out,
            left_out,
        }
    }
}

/// Marks what somebody accepted, by id. What is not in the list is accepted by nobody.
pub(crate) fn accept(records: &mut [Record], data: &mut [DataRecord], valid: &[Acceptance]) {
    let valid: HashMap<&str, &Acceptance> = valid.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let find = |id: &str| valid.get(id).map(|entry| (*entry).clone());
    for record in records {
        record.accepted = find(&record.id);
    }
    for record in data {
        record.accepted = find(&record.id);
    }
}

/// The ids and severities of an earlier report: its JSON object, or its NDJSON lines, with records of both types.
///
/// # Errors
/// When the text is neither.
pub(crate) fn baseline(text: &str) -> Result<HashMap<String, Severity>, serde_json::Error> {
    let whole = serde_json::from_str::<Value>(text).ok().filter(|report| report.get("records").is_some());
    let entries: Vec<Value> = match whole {
        // A report of an older version has no `data`.
        Some(mut report) => ["records", "data"]
            .into_iter()
            .filter_map(|part| report.get_mut(part).map(Value::take))
            .map(serde_json::from_value::<Vec<Value>>)
            .collect::<Result<Vec<_>, _>>()?
            .concat(),
        None => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            lines.map(serde_json::from_str).collect::<Result<_, _>>()?
        }
    };
    entries.into_iter().map(known).collect()
}

/// The id and severity of a record of either type.
fn known(entry: Value) -> Result<(String, Severity), serde_json::Error> {
    if entry.get("schema").and_then(Value::as_str) == Some(model::DATA_SCHEMA) {
        let record: DataRecord = serde_json::from_value(entry)?;
        return Ok((record.id, record.severity));
    }
    let record: Record = serde_json::from_value(entry)?;
    Ok((record.id, record.severity))
}

/// The end of the run; a pinned clock stands still.
pub(crate) fn finished(clock: Clock, started: Timestamp, begun: Instant) -> Timestamp {
    match clock {
        Clock::Fixed(at) => at,
        Clock::System => SignedDuration::try_from(begun.elapsed())
            .ok()
            .and_then(|elapsed| started.checked_add(elapsed).ok())
            .unwrap_or(started),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    fn column(severity: Severity) -> DataRecord {
        let mut record = DataRecord::new(
            DataType::PersonalData,
            "postgres://10.0.0.5:5432/r",
            "public.p.id",
            Some("cn-id"),
        );
        record.severity = severity;
        record
    }

    fn report(data: Vec<DataRecord>) -> Report {
        Report { data, ..sample::empty() }
    }

    #[test]
    fn a_column_at_the_threshold_fails_the_run() {
        assert_eq!(report(vec![column(Severity::High)]).exit(), Exit::Finding);
        assert_eq!(report(vec![column(Severity::Medium)]).exit(), Exit::Clean);
    }

    #[test]
    fn a_known_column_fails_only_when_it_has_become_worse() {
        let mut known = report(vec![column(Severity::High)]);
        known.baseline.insert(known.data[0].id.clone(), Severity::High);
        assert_eq!(known.exit(), Exit::Clean);
        known.data[0].severity = Severity::Critical;
        assert_eq!(known.exit(), Exit::Finding);
    }

    #[test]
    fn what_was_asked_for_and_not_read_leaves_the_run_undecided() {
        let mut store = DataRecord::new(DataType::Store, "postgres://10.0.0.5:5432/r", "", None);
        let part =
            |by_design| NotRead { location: "public.p".to_owned(), why: "no right".to_owned(), by_design };
        store.not_read = vec![part(true)];
        assert_eq!(report(vec![store.clone()]).exit(), Exit::Clean);
        store.not_read.push(part(false));
        assert_eq!(report(vec![store.clone()]).exit(), Exit::Undecided);
        assert_eq!(report(vec![store, column(Severity::High)]).exit(), Exit::Finding);
    }

    #[test]
    fn an_accepted_column_fails_nothing() {
        let mut data = vec![column(Severity::High)];
        let entry = Acceptance {
            id: data[0].id.clone(),
            reason: "test".to_owned(),
            owner: "Wei Chen".to_owned(),
            expires: "2027-01-31T00:00:00Z".parse().unwrap(),
        };
        accept(&mut [], &mut data, &[entry]);
        assert_eq!(report(data).exit(), Exit::Clean);
    }

    #[test]
    fn a_baseline_is_read_from_both_forms() {
        let report = sample::report();
        let expected = report.records.len() + report.data.len();
        for format in [crate::output::Format::Json, crate::output::Format::Ndjson] {
            let known = baseline(&sample::written(format)).unwrap();
            assert_eq!(known.len(), expected, "{format:?}");
            assert_eq!(known.get(&report.data[0].id), Some(&report.data[0].severity));
        }
        assert!(baseline("{}").is_err() && baseline("nonsense").is_err());
        assert!(baseline("").unwrap().is_empty());
    }

    #[test]
    fn a_gap_that_is_told_twice_counts_once() {
        let mut report = sample::report();
        let store = report.data.iter().find(|record| record.is_undecided()).unwrap();
        let (asset, told) = (store.asset.clone(), store.not_read.clone());
        report.data.iter_mut().find(|record| record.asset == asset).unwrap().not_read.extend(told);
        let summary = report.data_summary();
        assert_eq!((summary.stores, summary.columns, summary.secrets), (5, 17, 5));
        assert_eq!((summary.not_read, summary.left_out), (8, 3));
        assert_eq!(summary.people, Some(Range { lower: 198_412, upper: 203_977 }));
    }
}
