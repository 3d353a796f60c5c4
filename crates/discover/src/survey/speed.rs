//! What a row costs.

use std::sync::Arc;

use jiff::civil::date;
use model::Choice;

use super::tests::{part, persons, secrets};
use super::*;

/// Time that this thread was on a core.
fn cpu_seconds() -> f64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    statistics.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

#[test]
#[ignore = "a measurement: run with --release -- --ignored --nocapture"]
fn a_billion_rows_cost_little_each() {
    // Up to 2 million values of a column are digested: what counts is what comes after.
    let (before, measured) = (2_100_000_u64, 1_000_000);
    for persons_in_all in [10_000, 3_000_000] {
        let people = persons(10_000, 9);
        let recogniser = Arc::new(crate::personal::Recogniser::embedded());
        let options = Options::new(SketchKey::new([5; 16]), date(2026, 11, 26));
        let mut survey = Survey::new(options, recogniser, secrets());
        let id = survey.part(part("t", Choice::Everything, None));
        let names =
            ["id_card", "phone", "email", "name", "city", "amount", "created", "status", "uuid", "note"];
        let columns: Vec<ColumnId> = names.iter().map(|name| survey.column(id, name)).collect();
        let mut random = fastrand::Rng::with_seed(1);
        let mut rows = |count: u64, survey: Option<&mut Survey>| {
            let begin = cpu_seconds();
            let mut survey = survey;
            for row in 0..count {
                let person = &people[(row % 10_000) as usize];
                let number = random.u64(0..persons_in_all);
                let (phone, email) = (format!("138{number:08}"), format!("u{number}@mail.lab"));
                let fixed = ["王小明", "上海市", "12.50", "2024-05-06 07:08:09", "paid"];
                let last = ["0190a6b2-7c1e-7def-8abc-1234567890ab", "called on monday, wants her file"];
                let mut values = [person.id.as_str(), &phone, &email].into_iter().chain(fixed).chain(last);
                let cells: [Cell<'_>; 10] =
                    std::array::from_fn(|at| (columns[at], values.next().unwrap_or_default().as_bytes()));
                if let Some(survey) = &mut survey {
                    survey.row(id, &cells);
                }
                std::hint::black_box(&cells);
            }
            cpu_seconds() - begin
        };
        let making = rows(measured, None);
        let learning = rows(100_000, Some(&mut survey));
        let digesting = rows(before, Some(&mut survey));
        let counting = rows(measured, Some(&mut survey)) - making;
        println!(
            "{persons_in_all} persons: {:.2} us a row learning, {:.2} digesting, then {:.2} M rows/s",
            10.0 * learning,
            1e6 * digesting / before as f64,
            measured as f64 / counting / 1e6
        );
        let result = survey.finish("db");
        for record in &result.records {
            let people = record.people.as_ref().map(|it| (it.lower, it.upper));
            println!("  {} {:?} {:?} {people:?}", record.location, record.kind, record.records);
        }
    }
}
