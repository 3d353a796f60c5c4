//! The page of results: precision and recall with bounds, for each detector, and what was taken for what.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use discover::column::statistics::{lower, upper};
use synth::suite::{Class, Naming};

use super::Tally;

/// Half of one minus the confidence of intervals: 99 %.
const ALPHA: f64 = 0.005;

/// The page.
pub fn page(classes: &[&Class], tallies: &[(&str, Tally)], count: usize) -> String {
    let all: Vec<(&Class, &Tally)> =
        classes.iter().copied().zip(tallies.iter().map(|(_, tally)| tally)).collect();
    let mut text = format!(
        "{} sorts of columns, {count} of each with 50, 500 and 5,000 rows in turn; half have a telling name, the others a plain \
         or a misleading one. Intervals (Clopper and Pearson) are at 99 %.\n\n",
        all.len()
    );
    summary(&all, &mut text);
    detectors(&all, &mut text);
    look_alikes(&all, &mut text);
    confusion(&all, &mut text);
    text
}

#[expect(clippy::cast_precision_loss, reason = "counts of columns are small")]
fn share(hits: u64, tries: u64) -> String {
    if tries == 0 {
        return "none".to_owned();
    }
    let (hits, tries) = (hits as f64, tries as f64);
    format!("{:.4} ({:.4} to {:.4})", hits / tries, lower(hits, tries, ALPHA), upper(hits, tries, ALPHA))
}

fn summary(all: &[(&Class, &Tally)], text: &mut String) {
    let sum = |of: &dyn Fn(&Tally) -> u64, nobody: bool| -> u64 {
        all.iter().filter(|(class, _)| class.is_nobody() == nobody).map(|(_, tally)| of(tally)).sum()
    };
    let right = sum(&Tally::told_right, false);
    let wrong = sum(&Tally::wrongs, false) + sum(&Tally::wrongs, true);
    let (knowable, found) = (sum(&|tally| tally.knowable, false), sum(&|tally| tally.right, false));
    let (others, silent) = (sum(&|tally| tally.knowable, true), sum(&|tally| tally.right, true));
    let form = sum(&|tally| tally.form, false);
    let (unknowable, guessed) = (sum(&|tally| tally.unknowable, false), sum(&|tally| tally.guessed, false));
    text.push_str("| figure | value | of |\n|---|---|---|\n");
    let mut line = |name: &str, hits: u64, tries: u64| {
        let _ = writeln!(text, "| {name} | {} | {hits} of {tries} |", share(hits, tries));
    };
    line("precision: kinds told that are right", right, right + wrong);
    line("recall: columns told right, where name or values tell what they are", found, knowable);
    line("look-alikes of which nothing is told", silent, others);
    line("right kind in the right form", form, right);
    line("told right although neither name nor values prove it (outside recall)", guessed, unknowable);
    text.push('\n');
}

/// Columns in which a kind was told that is not there.
fn falsely(all: &[(&Class, &Tally)], kind: &str) -> u64 {
    let of = |tally: &Tally| -> u64 {
        tally.wrong.iter().filter(|((told, _), _)| told == kind).map(|(_, count)| count).sum()
    };
    all.iter().map(|(_, tally)| of(tally)).sum()
}

fn detectors(all: &[(&Class, &Tally)], text: &mut String) {
    text.push_str(
        "## Each detector\n\n| kind | columns | missed | told where it is not | precision | recall |\n",
    );
    text.push_str("|---|---|---|---|---|---|\n");
    for (class, tally) in all.iter().filter(|(class, _)| !class.is_nobody()) {
        let wrong = falsely(all, class.what);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {wrong} | {} | {} |",
            class.what,
            tally.knowable,
            tally.knowable - tally.right,
            share(tally.told_right(), tally.told_right() + wrong),
            share(tally.right, tally.knowable)
        );
    }
    let known = |kind: &String| all.iter().any(|(class, _)| !class.is_nobody() && class.what == *kind);
    let mut others: Vec<&String> = all
        .iter()
        .flat_map(|(_, tally)| tally.wrong.keys().map(|(kind, _)| kind))
        .filter(|kind| !known(kind))
        .collect();
    others.sort_unstable();
    others.dedup();
    for kind in others {
        let _ = writeln!(text, "| {kind} | 0 | 0 | {} | | |", falsely(all, kind));
    }
    text.push('\n');
}

fn look_alikes(all: &[(&Class, &Tally)], text: &mut String) {
    text.push_str("## Look-alikes\n\n| what it is | columns | silent |\n|---|---|---|\n");
    for (class, tally) in all.iter().filter(|(class, _)| class.is_nobody()) {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            class.what,
            tally.knowable,
            share(tally.right, tally.knowable)
        );
    }
    text.push('\n');
}

fn confusion(all: &[(&Class, &Tally)], text: &mut String) {
    text.push_str(
        "## What was told of what\n\nColumns; where nothing was told, only those that could be known.\n\n",
    );
    text.push_str(
        "| truth | told | columns | of these with a telling, plain, misleading name |\n|---|---|---|---|\n",
    );
    for (class, tally) in all {
        let mut cells: Vec<(&String, &u64)> = tally.told.iter().collect();
        cells.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (kind, count) in cells {
            let name = if kind.is_empty() { "nothing" } else { kind };
            let by = naming(&tally.wrong, kind);
            let _ = writeln!(text, "| {} | {name} | {count} | {by} |", class.what);
        }
    }
}

fn naming(wrong: &BTreeMap<(String, Naming), u64>, kind: &str) -> String {
    let of = |naming| wrong.get(&(kind.to_owned(), naming)).copied().unwrap_or(0);
    let counts = [Naming::Telling, Naming::Plain, Naming::Misleading].map(of);
    if counts.iter().sum::<u64>() == 0 {
        String::new()
    } else {
        counts.map(|count| count.to_string()).join(", ")
    }
}
