//! How right the verdicts on columns are: columns of made-up people and of what looks like them, each surveyed on its own
//! as the audit does, against what the generator knows of them.

mod tell;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use discover::people::SketchKey;
use discover::personal::Recogniser;
use discover::secret::Secrets;
use discover::survey::{Options, Survey};
use discover::{Cell, Part, Sink};
use jiff::civil::date;
use model::{Choice, DataRecord, DataType};
use synth::suite::{Class, Naming, Sample, classes, sample};

use crate::machine::{description, publish};

/// Columns of each sort.
pub const COLUMNS: usize = 300;
/// Rows of a column, taking turns.
const ROWS: [usize; 3] = [50, 500, 5_000];
/// Where chance begins.
const SEED: u64 = 20_261_126;

/// What was counted of one sort of column.
#[derive(Debug, Default)]
struct Tally {
    /// Columns of which name or values tell what they hold.
    knowable: u64,
    /// Of these, such as were told right.
    right: u64,
    /// Columns of which nobody could know, and such of these as were told right.
    unknowable: u64,
    guessed: u64,
    /// What was right is in the right form.
    form: u64,
    /// Columns by what was told of them; an empty word: nothing.
    told: BTreeMap<String, u64>,
    /// Wrong kinds, by what was told, with the columns' naming.
    wrong: BTreeMap<(String, Naming), u64>,
}

/// Measures `count` columns of each sort whose name has `part` in it.
///
/// # Errors
/// The results cannot be written.
pub fn run(folder: &Path, count: usize, part: &str) -> io::Result<()> {
    let before = description();
    let classes: Vec<&'static Class> = classes().filter(|class| class.what.contains(part)).collect();
    let recogniser = Arc::new(Recogniser::embedded());
    let secrets = Arc::new(Secrets::embedded());
    let explain = !part.is_empty();
    let judge = |class: &&'static Class| {
        let mut tally = Tally::default();
        for number in 0..count {
            let rows = ROWS.get(number % ROWS.len()).copied().unwrap_or(50);
            let column = sample(class, number as u64, rows, SEED);
            let told = told(&column, &recogniser, &secrets);
            if explain {
                explain_wrong(class, &column, &told);
            }
            tally.add(class, &column, &told);
        }
        (class.what, tally)
    };
    let (one, two) = classes.split_at(classes.len() / 2);
    let tallies: Vec<(&str, Tally)> = std::thread::scope(|scope| {
        let first = scope.spawn(|| one.iter().map(judge).collect::<Vec<_>>());
        let second: Vec<_> = two.iter().map(judge).collect();
        first.join().unwrap_or_default().into_iter().chain(second).collect()
    });
    let text = tell::page(&classes, &tallies, count);
    if explain {
        print!("{text}");
        return Ok(());
    }
    publish(folder, "columns", "Verdicts on columns", &before, &text)
}

/// What the audit says of a table of this one column.
fn told(column: &Sample, recogniser: &Arc<Recogniser>, secrets: &Arc<Secrets>) -> Vec<DataRecord> {
    let options = Options::new(SketchKey::new([7; 16]), date(2026, 11, 26));
    let mut survey = Survey::new(options, Arc::clone(recogniser) as _, Arc::clone(secrets));
    let rows = column.values.len() as u64;
    let part = Part { location: "t".to_owned(), choice: Choice::Everything, rows: Some(rows), cluster: 1 };
    let part = survey.part(part);
    let id = survey.column(part, &column.name);
    for value in &column.values {
        let cell: Option<Cell<'_>> = value.as_ref().map(|value| (id, value.as_bytes()));
        survey.row(part, cell.as_slice());
    }
    let mut records = survey.finish("suite").records;
    records.retain(|record| {
        record.data_type == DataType::PersonalData && record.kind.is_some() && record.form.is_some()
    });
    records
}

impl Tally {
    fn add(&mut self, class: &Class, column: &Sample, told: &[DataRecord]) {
        let kind = |record: &DataRecord| record.kind.clone().unwrap_or_default();
        let right = told.iter().find(|record| class.is(&kind(record)));
        if class.is_nobody() {
            self.knowable += u64::from(column.knowable);
            self.right += u64::from(column.knowable && told.is_empty());
        } else if column.knowable {
            self.knowable += 1;
            self.right += u64::from(right.is_some());
        } else {
            self.unknowable += 1;
            self.guessed += u64::from(right.is_some());
        }
        let form = right.and_then(|record| record.form).map(|form| form.to_string());
        self.form += u64::from(form.is_some_and(|form| column.guise.forms().contains(&form.as_str())));
        if class.is_nobody() && !column.knowable {
            return;
        }
        for record in told.iter().filter(|record| !class.is(&kind(record))) {
            *self.wrong.entry((kind(record), column.naming)).or_default() += 1;
        }
        if told.is_empty() && (column.knowable || class.is_nobody()) {
            *self.told.entry(String::new()).or_default() += 1;
        }
        for record in told {
            *self.told.entry(kind(record)).or_default() += 1;
        }
    }

    /// Kinds that were told and are wrong.
    fn wrongs(&self) -> u64 {
        self.wrong.values().sum()
    }

    /// Columns that were told right.
    fn told_right(&self) -> u64 {
        self.right + self.guessed
    }
}

/// One line for each column that is wrong: for whoever improves the detectors.
fn explain_wrong(class: &Class, column: &Sample, told: &[DataRecord]) {
    let is = |record: &DataRecord| record.kind.as_deref().is_some_and(|kind| class.is(kind));
    let found = told.iter().any(is) || class.is_nobody();
    if (found || !column.knowable) && told.iter().all(is) {
        return;
    }
    let said: Vec<String> = told
        .iter()
        .map(|record| {
            let kind = record.kind.clone().unwrap_or_default();
            let form = record.form.map(|form| form.to_string()).unwrap_or_default();
            format!("{kind} {form} {:?}: {}", record.confidence, record.reason)
        })
        .collect();
    let first = column.values.iter().flatten().nth(3).cloned().unwrap_or_default();
    eprintln!(
        "{} {:?} {:?} `{}` x {} such as {first}: {}",
        class.what,
        column.guise,
        column.naming,
        column.name,
        column.values.len(),
        if said.is_empty() { "nothing".to_owned() } else { said.join("; ") }
    );
}
