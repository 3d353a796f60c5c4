//! Surveys of made-up stores.

use std::sync::{Arc, OnceLock};

use jiff::civil::date;
use model::{Choice, Confidence, DataRecord, DataType, Form, NotRead, Severity};
use sha2::Digest;

use super::*;
use crate::column::stand_in::{StandIn, case_number, mobile, resident};
use crate::people::NotASketch;

pub(super) fn secrets() -> Arc<Secrets> {
    static SECRETS: OnceLock<Arc<Secrets>> = OnceLock::new();
    Arc::clone(SECRETS.get_or_init(|| Arc::new(Secrets::embedded())))
}

fn survey(sample_rows: u64) -> Survey {
    let options = Options { sample_rows, ..Options::new(SketchKey::new([5; 16]), date(2026, 11, 26)) };
    Survey::new(options, StandIn::shared(), secrets())
}

pub(super) fn part(location: &str, choice: Choice, rows: Option<u64>) -> Part {
    Part { location: location.to_owned(), choice, rows, cluster: 1 }
}

/// A table of people, of which person `at` has row `at`.
pub(super) struct Person {
    pub(super) id: String,
    phone: String,
}

pub(super) fn persons(count: usize, seed: u64) -> Vec<Person> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count).map(|_| Person { id: resident(&mut random), phone: mobile(&mut random) }).collect()
}

fn read(
    survey: &mut Survey,
    part: Part,
    names: &[&str],
    rows: impl IntoIterator<Item = Vec<Option<String>>>,
) {
    let id = survey.part(part);
    let columns: Vec<ColumnId> = names.iter().map(|name| survey.column(id, name)).collect();
    for row in rows {
        let cells: Vec<Cell<'_>> = columns
            .iter()
            .zip(&row)
            .filter_map(|(column, value)| value.as_ref().map(|value| (*column, value.as_bytes())))
            .collect();
        survey.row(id, &cells);
    }
}

fn record<'a>(result: &'a StoreResult, location: &str) -> &'a DataRecord {
    let found: Vec<&DataRecord> =
        result.records.iter().filter(|record| record.location == location).collect();
    assert_eq!(found.len(), 1, "{location}: {found:#?}");
    found[0]
}

fn locations(result: &StoreResult) -> Vec<&str> {
    result.records.iter().map(|record| record.location.as_str()).collect()
}

/// Two rows each, with a case number.
fn people_rows(persons: &[Person]) -> impl Iterator<Item = Vec<Option<String>>> + '_ {
    let mut random = fastrand::Rng::with_seed(1);
    persons.iter().chain(persons).map(move |person| {
        vec![Some(person.id.clone()), Some(person.phone.clone()), Some(case_number(&mut random))]
    })
}

const NAMES: [&str; 3] = ["c1", "phone", "case_no"];

#[test]
fn a_table_that_was_read_in_full_names_its_columns_and_counts_its_people() {
    for sample_rows in [100_000, 500] {
        let mut survey = survey(sample_rows);
        let people = persons(3_000, 2);
        read(&mut survey, part("public.persons", Choice::Everything, None), &NAMES, people_rows(&people));
        assert_eq!(survey.wanted("public.persons"), [""; 0]);
        let result = survey.finish("postgres://db");
        assert_eq!(locations(&result), ["public.persons.c1", "public.persons.phone", ""]);
        let id = record(&result, "public.persons.c1");
        assert_eq!(
            (id.form, id.confidence, id.severity),
            (Some(Form::Clear), Some(Confidence::High), Severity::Medium)
        );
        assert_eq!((id.kind.as_deref(), id.records), (Some("resident"), Some(6_000)));
        let counted = id.people.as_ref().unwrap();
        assert_eq!(
            (counted.lower, counted.upper, counted.by.as_slice()),
            (3_000, 3_000, ["resident".to_owned()].as_slice())
        );
        assert_eq!(record(&result, "public.persons.phone").severity, Severity::Low);
        let store = record(&result, "");
        let all = store.people.as_ref().unwrap();
        assert_eq!(
            (store.data_type, store.records, all.lower, all.upper),
            (DataType::Store, Some(6_000), 3_000, 3_000)
        );
        assert!(all.minors.is_some() && all.regions[0].region == "CN-78");
        let minors = people.iter().filter(|person| person.id.get(6..14).unwrap() > "20081126").count() as u64;
        assert_eq!(all.minors.unwrap().lower, minors);
    }
}

#[test]
fn a_sample_counts_nobody_until_its_columns_are_read_in_full() {
    let people = persons(2_000, 3);
    let half = |rows: &mut dyn Iterator<Item = Vec<Option<String>>>| rows.step_by(4).collect::<Vec<_>>();
    let sample = || half(&mut people_rows(&people));
    let mut only_sampled = survey(100_000);
    read(&mut only_sampled, part("t", Choice::Uniform, Some(4_000)), &NAMES, sample());
    assert_eq!(only_sampled.wanted("t"), ["c1", "phone"]);
    let result = only_sampled.finish("db");
    let id = record(&result, "t.c1");
    assert_eq!((id.records, &id.people), (Some(4_000), &None));
    assert!(id.not_read[0].by_design && id.not_read[0].why.contains("only a sample"));
    assert_eq!(record(&result, "").people, None);

    let mut full = survey(100_000);
    read(&mut full, part("t", Choice::Uniform, Some(4_000)), &NAMES, sample());
    let wanted: Vec<String> = full.wanted("t");
    let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
    read(&mut full, part("t", Choice::Everything, None), &names, people_rows(&people));
    assert_eq!(full.wanted("t"), [""; 0]);
    let result = full.finish("db");
    let all = record(&result, "").people.as_ref().unwrap();
    assert_eq!((all.lower, all.upper), (2_000, 2_000));
    let id = record(&result, "t.c1");
    assert_eq!((id.records, id.sampled.as_ref().unwrap().choice), (Some(4_000), Choice::Uniform));
}

#[test]
fn a_full_pass_that_broke_off_counts_nobody_and_says_so() {
    let people = persons(500, 3);
    let mut survey = survey(100_000);
    read(&mut survey, part("t", Choice::Uniform, Some(4_000)), &NAMES, people_rows(&people));
    read(&mut survey, part("t", Choice::Everything, None), &["c1"], people_rows(&people).take(100));
    let missing = NotRead { location: "t".to_owned(), why: "connection lost".to_owned(), by_design: false };
    survey.not_read(missing);
    let result = survey.finish("db");
    assert_eq!(record(&result, "t.c1").people, None);
    assert!(record(&result, "t.c1").is_undecided() && record(&result, "").is_undecided());
}

#[test]
fn the_stores_own_count_of_distinct_values_is_taken_with_its_error() {
    let people = persons(2_000, 3);
    let mut survey = survey(100_000);
    let id = survey.part(part("t", Choice::Uniform, Some(1_000_000)));
    let column = survey.column(id, "id_card");
    for person in &people {
        survey.row(id, &[(column, person.id.as_bytes())]);
    }
    survey.distinct(id, "id_card", 300_000, 0.02);
    assert_eq!(survey.wanted("t"), [""; 0]);
    let result = survey.finish("db");
    let people = record(&result, "").people.clone().unwrap();
    assert!(people.lower <= 294_000 && people.lower > 200_000 && people.upper == 306_000, "{people:?}");
}

#[test]
fn digests_of_values_that_stand_in_clear_elsewhere_hide_nothing() {
    let people = persons(1_000, 4);
    let mut clear = survey(100_000);
    read(&mut clear, part("persons", Choice::Everything, None), &NAMES, people_rows(&people));
    let mut other = survey(100_000);
    let digest = |value: &str| {
        sha2::Sha256::digest(value).iter().map(|byte| format!("{byte:02X}")).collect::<String>()
    };
    let rows = people.iter().take(800).map(|person| vec![Some(digest(&person.phone)), Some(digest("salt"))]);
    read(&mut other, part("calls", Choice::Everything, None), &["who", "phone_hash"], rows);
    let mut results = [clear.finish("db1"), other.finish("db2")];
    assert_eq!(locations(&results[1]), ["calls.phone_hash", ""]);
    join(&mut results);
    let found = record(&results[1], "calls.who");
    assert_eq!(
        (found.kind.as_deref(), found.form, found.severity, found.records),
        (Some("mobile"), Some(Form::HashedEnumerable), Severity::Low, Some(800))
    );
    assert!(
        found.reason.contains("SHA-256") && found.reason.contains("persons.phone of db1"),
        "{}",
        found.reason
    );
    assert_eq!(found.people.as_ref().map(|people| (people.lower, people.upper)), Some((800, 800)));
    // A digest that is not found again is only said to be one.
    assert_eq!(record(&results[1], "calls.phone_hash").form, Some(Form::Hashed));
    assert!(record(&results[1], "calls.phone_hash").reason.contains("5.2e9"));
}

#[test]
fn a_column_of_half_digests_is_mixed_and_its_people_are_not_counted_twice() {
    let people = persons(1_000, 4);
    let digest =
        |value: &str| md5::Md5::digest(value).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let rows = people.iter().chain(&people).enumerate().map(|(at, person)| {
        vec![Some(if at < 1_000 { person.phone.clone() } else { digest(&person.phone) })]
    });
    for name in ["x", "phone_migrating"] {
        let mut survey = survey(100_000);
        read(&mut survey, part("old", Choice::Everything, None), &["phone"], rows.clone().take(1_000));
        read(&mut survey, part("new", Choice::Everything, None), &[name], rows.clone());
        let result = survey.finish("db");
        let found = record(&result, &format!("new.{name}"));
        assert_eq!((found.kind.as_deref(), found.form), (Some("mobile"), Some(Form::Mixed)), "{name}");
        assert!(found.reason.starts_with("50 % clear; the others: MD5 without key"), "{}", found.reason);
        let all = record(&result, "").people.clone().unwrap();
        assert_eq!((all.lower, all.upper), (1_000, 1_000));
    }
}

#[test]
fn of_several_kinds_that_a_name_says_the_one_that_stands_in_the_store_is_meant() {
    let people = persons(200, 4);
    let mut survey = survey(100_000);
    let rows = people
        .iter()
        .map(|person| vec![Some(person.id.clone()), Some("vault:v1:".to_owned() + &person.id + "AAAA")]);
    read(&mut survey, part("t", Choice::Everything, None), &["c", "papers_sealed"], rows);
    let result = survey.finish("db");
    let sealed = record(&result, "t.papers_sealed");
    assert_eq!((sealed.kind.as_deref(), sealed.form), (Some("resident"), Some(Form::Encrypted)));
}

#[test]
fn people_of_several_stores_are_united() {
    let everyone = persons(3_000, 5);
    let ids = |range: std::ops::Range<usize>| {
        let mut survey = survey(100_000);
        let rows =
            everyone[range].iter().map(|person| vec![Some(person.id.clone()), Some(person.phone.clone())]);
        read(&mut survey, part("p", Choice::Everything, None), &["id_card", "phone"], rows);
        survey.finish("ids")
    };
    let mut calls = survey(100_000);
    let rows = everyone[..500].iter().map(|person| vec![Some(person.phone.clone())]);
    read(&mut calls, part("calls", Choice::Everything, None), &["phone"], rows);
    let results = [ids(0..2_000), ids(1_000..3_000), calls.finish("calls")];
    let all = estate(&results).unwrap();
    let people = all.people.as_ref().unwrap();
    // Whoever is known by a phone stands beside an identity number in the first store.
    assert_eq!((all.records, people.lower, people.upper), (Some(4_500), 3_000, 3_000));
    assert_eq!(estate(&[]), None);
}

#[test]
fn people_of_an_earlier_run_are_united_with_those_of_today() {
    let everyone = persons(3_000, 5);
    let mut ids = survey(100_000);
    let rows =
        everyone[..2_000].iter().map(|person| vec![Some(person.id.clone()), Some(person.phone.clone())]);
    read(&mut ids, part("p", Choice::Everything, None), &["id_card", "phone"], rows);
    let mut calls = survey(100_000);
    let rows = everyone[1_500..].iter().map(|person| vec![Some(person.phone.clone())]);
    read(&mut calls, part("calls", Choice::Everything, None), &["phone"], rows);
    let mut results = vec![calls.finish("calls"), ids.finish("ids")];
    let together = estate(&results).unwrap().people;
    let about = Arc::clone(&results[0].about);

    let (key, on) = (SketchKey::new([5; 16]), date(2026, 11, 1));
    let kept = results.pop().unwrap().keep(&key).unwrap();
    assert!(everyone.iter().all(|person| !kept.contains(&person.id) && !kept.contains(&person.phone)));
    results.push(StoreResult::recall("ids", on, &kept, &key, &about).unwrap());
    let estate = estate(&results).unwrap();
    assert_eq!(estate.people, together);
    assert!(estate.reason.ends_with("as counted earlier: ids (2026-11-01)"), "{}", estate.reason);

    let other = SketchKey::new([6; 16]);
    let refused = |kept: &str, key| StoreResult::recall("ids", on, kept, key, &about).unwrap_err();
    assert_eq!(refused(&kept, &other), NotASketch::OtherKey);
    assert_eq!(refused(kept.split_at(kept.len() / 2).0, &key), NotASketch::Damaged);
    assert_eq!(refused(&kept.replace("resident", "no-such-kind"), &key), NotASketch::UnknownKind);
}

#[test]
fn rows_without_a_right_number_add_to_the_upper_bound_alone() {
    let people = persons(2_000, 6);
    let rows = people.iter().enumerate().map(|(at, person)| match at % 40 {
        0 => vec![Some("typo".to_owned())],
        1 => vec![None],
        _ => vec![Some(person.id.clone())],
    });
    for sample_rows in [100_000, 300] {
        let mut survey = survey(sample_rows);
        read(&mut survey, part("t", Choice::Everything, None), &["c"], rows.clone());
        let result = survey.finish("db");
        let all = record(&result, "").people.clone().unwrap();
        assert_eq!(all.lower, 1_900);
        assert!((1_951..=2_000).contains(&all.upper), "{all:?}");
    }
}

#[test]
fn what_was_not_found_is_told_with_how_rare_it_must_be() {
    let reason = |choice, cluster, rows: usize| {
        let mut survey = survey(100_000);
        let part = Part { cluster, ..part("cases", choice, Some(1_000_000)) };
        let mut random = fastrand::Rng::with_seed(1);
        read(&mut survey, part, &["case_no"], (0..rows).map(|_| vec![Some(case_number(&mut random))]));
        survey.finish("db").records[0].reason.clone()
    };
    assert!(reason(Choice::Uniform, 1, 4_746).contains("below 1 in 1000 rows at 99 % (1 part"));
    assert!(reason(Choice::PageClustered, 50, 4_746).contains("below 1 in 39 rows"));
    assert!(reason(Choice::FirstRows, 1, 4_746).contains("say nothing about the rest"));
    assert!(reason(Choice::Everything, 1, 100).contains("read in full"));
    let mut survey = survey(1_000);
    let mut random = fastrand::Rng::with_seed(1);
    let rows = (0..64_000).map(|_| vec![Some(case_number(&mut random))]);
    read(&mut survey, part("cases", Choice::Everything, None), &["case_no"], rows);
    let store = survey.finish("db").records.remove(0);
    assert!(!store.reason.contains("in full") && store.not_read[0].by_design, "{}", store.reason);
    assert!(store.not_read[0].why.contains("one in 64"));
}

#[test]
fn a_column_that_changes_late_is_seen_and_counted_from_then_on() {
    let people = persons(30_000, 7);
    let rows = people
        .iter()
        .enumerate()
        .map(|(at, person)| vec![Some(if at < 5_000 { format!("none {at}") } else { person.id.clone() })]);
    let mut survey = survey(1_000);
    read(&mut survey, part("t", Choice::Everything, None), &["c"], rows);
    let result = survey.finish("db");
    assert_eq!(record(&result, "t.c").form, Some(Form::Clear));
    let all = record(&result, "").people.clone().unwrap();
    assert!(all.lower > 10_000 && all.lower <= 25_000 && all.upper >= 25_000, "{all:?}");
}

#[test]
fn the_same_rows_seed_and_key_give_the_same_bytes() {
    let run = || {
        let mut survey = survey(200);
        let people = persons(2_000, 8);
        for location in ["a", "b"] {
            read(&mut survey, part(location, Choice::Everything, None), &NAMES, people_rows(&people));
        }
        serde_json::to_string(&survey.finish("db").records).unwrap()
    };
    assert_eq!(run(), run());
}

#[test]
fn texts_are_told_by_file_and_kind_with_the_first_place() {
    let mut survey = survey(1_000);
    let place = |line| Place { file: "notes/a.txt", line, commit: None, present: None, as_rows: false };
    survey.text(&place(1), "来电\n联系 phone 15400000001 and phone 19400000002\n".as_bytes());
    survey.text(&place(3), b"again phone 15400000001\n");
    let result = survey.finish("file:/srv");
    let found = record(&result, "notes/a.txt");
    let position = found.position.as_ref().unwrap();
    assert_eq!((found.records, position.line, position.column), (Some(3), 2, 10));
    assert_eq!((found.kind.as_deref(), found.confidence), (Some("mobile"), Some(Confidence::Medium)));
    let all = record(&result, "").people.clone().unwrap();
    assert_eq!((all.lower, all.upper), (2, 2));
}

#[test]
fn secrets_are_told_by_place_and_their_history_is_one_place() {
    let mut survey = survey(1_000);
    let secret = ["postgres://app:", "Zq8vKx2mWp7tRn4y", "@db.lab:5432/people"].concat();
    let text = format!("# settings\n数据库={secret}\n");
    let time = |second| jiff::Timestamp::from_second(second).unwrap();
    let place = |file, commit, present| Place { file, line: 1, commit, present, as_rows: false };
    survey.text(&place("new.env", Some(("c2", time(200))), Some(true)), text.as_bytes());
    survey.text(&place("new.env", Some(("c1", time(100))), Some(false)), format!("\n{text}").as_bytes());
    survey.text(&place("old.env", Some(("c0", time(50))), Some(false)), text.as_bytes());
    let result = survey.finish("git:/srv/app");
    let new = record(&result, "new.env:2");
    let facts = new.secret.as_ref().unwrap();
    assert_eq!(
        (facts.commit.as_deref(), facts.present, facts.since),
        (Some("c1"), Some(true), Some(time(100)))
    );
    assert!(new.reason.contains("old.env:2"), "{}", new.reason);
    assert_eq!(record(&result, "old.env:2").secret.as_ref().unwrap().present, Some(false));
    assert_eq!(result.found_connections.len(), 2);
    assert_eq!(result.found_connections[0].connection.host, "db.lab");
    let all = format!("{:?}", result.records);
    assert!(!all.contains("Zq8vKx2mWp7tRn4y"));
}

#[test]
fn keys_are_kept_each_once_and_only_where_the_user_wants_them_tried() {
    let text = |at: usize| {
        let id = format!("{}IAQ7KITE4WIND5{}KYX", "AK", ["A", "B", "C"][at]);
        format!("id = {id}\naws_secret_access_key = The{at}quick1Brown2fox3Jumped4over5Lazy6dog\n")
    };
    let found = |keys| {
        let options = Options { keys, ..Options::new(SketchKey::new([5; 16]), date(2026, 11, 26)) };
        let mut survey = Survey::new(options, StandIn::shared(), secrets());
        for (file, at) in [("a", 0), ("b", 0), ("c", 1), ("d", 2)] {
            let place = Place { file, line: 1, commit: None, present: None, as_rows: false };
            survey.text(&place, text(at).as_bytes());
        }
        let result = survey.finish("file:/srv");
        assert!(!format!("{result:?}").contains("Jumped4"));
        result.found_keys
    };
    assert!(found(0).is_empty());
    let keys = found(2);
    let [a, b, c, d] = keys.as_slice() else { panic!("{keys:?}") };
    assert!(Arc::ptr_eq(a.pair.as_ref().unwrap(), b.pair.as_ref().unwrap()));
    assert!(c.pair.is_ok() && !c.uncertain && a.record != b.record);
    assert_eq!(d.pair, Err(crate::secret::verify::Untried::TooMany));
}

#[test]
fn a_part_of_too_many_columns_is_read_as_far_as_there_is_room() {
    let mut survey = survey(1_000);
    let id = survey.part(part("wide", Choice::Everything, None));
    let columns: Vec<ColumnId> = (0..5_000).map(|at| survey.column(id, &format!("c{at}"))).collect();
    survey.row(id, &columns.iter().map(|column| (*column, b"x".as_slice())).collect::<Vec<_>>());
    let result = survey.finish("db");
    assert!(result.records[0].not_read[0].why.contains("4096") && result.records[0].is_undecided());
}

#[test]
fn many_parts_are_closed_one_by_one_and_all_are_told() {
    let mut survey = survey(1_000);
    for at in 0..100 {
        let people = persons(30, at);
        read(&mut survey, part(&format!("t{at:02}"), Choice::Everything, None), &NAMES, people_rows(&people));
    }
    let result = survey.finish("db");
    assert_eq!(result.records.len(), 201);
    let all = record(&result, "").people.clone().unwrap();
    assert_eq!((all.lower, all.upper), (3_000, 3_000));
}

#[test]
fn no_value_is_in_any_record() {
    let people = persons(200, 9);
    let mut survey = survey(100);
    read(&mut survey, part("t", Choice::Everything, None), &NAMES, people_rows(&people));
    survey.text(
        &Place { file: "a", line: 1, commit: None, present: None, as_rows: false },
        format!("phone {}", people[0].phone).as_bytes(),
    );
    let result = survey.finish("db");
    let all = format!("{:?}", result.records);
    assert!(people.iter().all(|person| !all.contains(&person.id) && !all.contains(&person.phone)));
}

proptest::proptest! {
    #[test]
    fn any_rows_and_texts_are_taken_in_without_panic(
        rows: Vec<Vec<(usize, Vec<u8>)>>,
        text: Vec<u8>,
        line: u64,
    ) {
        let mut survey = survey(3);
        let id = survey.part(part("t", Choice::Everything, None));
        survey.column(id, "a");
        survey.column(id, "phone");
        for row in &rows {
            let cells: Vec<Cell<'_>> = row.iter().map(|(column, value)| (ColumnId(column % 3), value.as_slice())).collect();
            survey.row(id, &cells);
            survey.row(PartId(7), &cells);
        }
        survey.text(&Place { file: "f", line: line / 2, commit: None, present: None, as_rows: false }, &text);
        survey.finish("db");
    }
}
