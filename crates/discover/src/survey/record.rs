//! Makes a record of what was found out about a column.

use model::{Choice, DataRecord, DataType, Form, NotRead, People, Sampled, Severity};

use super::column::ColumnState;
use super::part::{PartState, place};
use crate::column::{About, Finding};
use crate::people::Bounds;
use crate::personal::Identifies;

/// How bad it is that data of this kind stand there in this form, whoever may read them.
pub(super) fn severity(form: Form, identifies: Identifies) -> Severity {
    match form {
        Form::Clear | Form::Mixed if identifies == Identifies::Person => Severity::Medium,
        Form::Clear | Form::Mixed | Form::HashedEnumerable => Severity::Low,
        Form::Masked | Form::Hashed | Form::Tokenised | Form::Encrypted | Form::Opaque => Severity::Info,
    }
}

/// The record of a finding.
pub(super) fn record(
    asset: &str,
    part: &PartState,
    column: &ColumnState,
    finding: &Finding,
    about: &[About],
) -> Option<DataRecord> {
    let kind = about.get(usize::from(finding.kind.0))?;
    let location = place(&part.location, &column.name);
    let mut record = DataRecord::new(DataType::PersonalData, asset, &location, Some(&kind.id));
    record.title = Some(kind.title.clone());
    record.form = Some(finding.form);
    record.confidence = Some(finding.confidence);
    let unclear = finding.form == Form::Mixed && finding.forms.iter().all(|(form, _)| *form != Form::Clear);
    record.severity = if unclear { Severity::Info } else { severity(finding.form, kind.identifies) };
    record.reason = reason(finding, kind);
    record.records = records(part, column, finding);
    record.sampled = Some(sampled(part, column));
    if kind.identifies != Identifies::Nobody && !finding.in_text {
        record.people = people(part, column, about);
        if record.people.is_none() {
            record.not_read.push(uncounted(&location, part));
        }
    }
    Some(record)
}

fn reason(finding: &Finding, kind: &About) -> String {
    let mut reason = finding.why.clone();
    if finding.encoded {
        reason.push_str("; some are only encoded, which everyone can undo");
    }
    if finding.named {
        reason.push_str("; the column's name says so");
    }
    if finding.forms.iter().any(|(form, _)| *form == Form::Hashed)
        && let Some(candidates) = kind.enumerable
    {
        reason.push_str(&format!(
            "; if they are digests without a key or salt, they hide nothing: there are {} to try",
            candidates_in_words(candidates)
        ));
    }
    reason
}

/// A number of candidates: `5.2e9`.
pub(super) fn candidates_in_words(candidates: f64) -> String {
    if candidates < 1e6 { format!("{candidates:.0}") } else { format!("{candidates:.1e}") }
}

/// Rows that hold it, in the whole part.
fn records(part: &PartState, column: &ColumnState, finding: &Finding) -> Option<u64> {
    let role = column.roles.iter().find(|role| role.space.kind == finding.kind);
    // Each value was looked at; what is of other forms was not counted one by one.
    if let Some(role) = role.filter(|_| finding.forms.len() == 1) {
        if part.counts() {
            return Some(role.passed);
        }
        if part.is_counted() {
            return Some(role.passed_in_full);
        }
    }
    let share = finding.share.estimate;
    let values = column.values as f64;
    if part.counts() {
        return Some((values * share).round() as u64);
    }
    let filled = values / part.rows.max(1) as f64;
    let rows = part.all_rows()?;
    (part.choice != Choice::FirstRows || part.rows >= rows)
        .then(|| (rows as f64 * filled * share).round() as u64)
}

fn sampled(part: &PartState, column: &ColumnState) -> Sampled {
    // Of a column of identifiers every value was tested, of others not.
    let tested = part.counts() && !column.roles.is_empty();
    let (rows, effective) =
        if tested { (part.rows, part.rows) } else { (part.looked_rows, part.effective()) };
    Sampled { choice: part.choice, rows, effective }
}

/// Distinct persons of a column. `None` unless all of it was read or the store told: the number of distinct values cannot
/// be extrapolated from a sample (Charikar et al. 2000, <https://doi.org/10.1145/335168.335230>).
fn people(part: &PartState, column: &ColumnState, about: &[About]) -> Option<People> {
    let told =
        || column.told.filter(|_| !column.roles.is_empty()).map(|told| told_bounds(part, column, told));
    let bounds = if part.is_counted() { column.persons().or_else(told) } else { told() }?;
    let mut by: Vec<String> = Vec::new();
    for role in &column.roles {
        let kind = about.get(usize::from(role.space.kind.0))?;
        if !by.contains(&kind.id) {
            by.push(kind.id.clone());
        }
    }
    Some(People { lower: bounds.lower, upper: bounds.upper, by, minors: None, regions: Vec::new() })
}

/// What the store's own count of distinct values says about persons: values that are none may each be a different one.
pub(super) fn told_bounds(part: &PartState, column: &ColumnState, (count, error): (u64, f64)) -> Bounds {
    let share: f64 = column.findings.iter().filter(|it| !it.in_text).map(|it| it.share.lower).sum();
    let rows = part.all_rows().unwrap_or(u64::MAX);
    let others = (1.0 - share.clamp(0.0, 1.0)) * rows as f64;
    let count = count as f64;
    Bounds {
        lower: (count * (1.0 - error) - others).max(0.0).floor() as u64,
        estimate: count as u64,
        upper: ((count * (1.0 + error)).ceil() as u64).min(rows),
    }
}

/// Why the people of a part are not counted.
pub(super) fn uncounted(location: &str, part: &PartState) -> NotRead {
    let (why, by_design) = match part.rows_in_full {
        Some(_) if part.missed => {
            ("people were not counted: reading all rows did not come to its end", !part.undecided)
        }
        _ => (
            "people were not counted: only a sample was read, and distinct values cannot be extrapolated",
            true,
        ),
    };
    NotRead { location: location.to_owned(), why: why.to_owned(), by_design }
}
