//! What is remembered over runs: open since, closed on, reopened; and what a second program does at the same time.

use testkit::netns::Namespace;
use testkit::real::{self, Place};

use crate::discovery::data;
use crate::harness::{Home, without_namespaces};

const FIRST: &str = "2026-01-01T00:00:00Z";
const SECOND: &str = "2026-01-08T00:00:00Z";
const THIRD: &str = "2026-01-15T00:00:00Z";
const FOURTH: &str = "2026-01-22T00:00:00Z";

#[test]
fn a_second_run_says_since_when_and_a_third_that_it_was_closed() {
    if without_namespaces("a_second_run_says_since_when_and_a_third_that_it_was_closed") {
        return;
    }
    let namespace = Namespace::new("memory").unwrap();
    let home = Home::inside(&namespace);
    let place = |port| Place { netns: Some(namespace.name().to_owned()), port, ..Place::default() };
    let redis = real::start_in("redis-open", &place(None)).unwrap();
    let address = redis.address;
    home.audit(&["--now", FIRST]);
    let second = home.audit(&["--now", SECOND]).exposure(address);
    assert_eq!((&second["open_since"], &second["last_seen"]), (&FIRST.into(), &SECOND.into()));

    redis.stop();
    let third = home.audit(&["--now", THIRD]);
    let closed = third.exposure(address);
    assert_eq!((&closed["verdict"], &closed["closed_on"]), (&"CLOSED".into(), &THIRD.into()));
    assert_eq!((&closed["service"], &closed["open_since"]), (&"redis".into(), &FIRST.into()));
    assert_eq!(third.code, 0, "a door that was closed is no failure");

    let _again = real::start_in("redis-open", &place(Some(address.port()))).unwrap();
    let fourth = home.audit(&["--now", FOURTH]).exposure(address);
    assert_eq!((&fourth["open_since"], &fourth["reopened"]), (&FOURTH.into(), &true.into()));
}

#[test]
fn a_door_that_was_protected_meanwhile_is_closed() {
    let open = real::start("redis-open").unwrap();
    let address = open.address;
    let home = Home::new();
    home.audit(&["--now", FIRST, &address.to_string()]);
    open.stop();
    let place = Place { port: Some(address.port()), ..Place::default() };
    let _protected = real::start_in("redis-protected", &place).unwrap();
    let record = home.audit(&["--now", SECOND, &address.to_string()]).exposure(address);
    assert_eq!((&record["verdict"], &record["closed_on"]), (&"PROTECTED".into(), &SECOND.into()));
}

#[test]
fn a_remembered_door_of_a_host_is_dialled_again() {
    let redis = real::start("redis-open").unwrap();
    let address = redis.address;
    let home = Home::new();
    home.audit(&["--now", FIRST, &address.to_string()]);
    // The port is no default port, and the host is asked for as a whole.
    let record = home.audit(&["--now", SECOND, "--ports", "1", "127.0.0.1"]).exposure(address);
    assert_eq!(record["open_since"], FIRST);
}

#[test]
fn two_audits_at_the_same_time_do_not_hurt_each_other() {
    let redis = real::start("redis-open").unwrap();
    let home = Home::new();
    let address = redis.address.to_string();
    let children: Vec<_> = (0..8)
        .map(|_| {
            home.command(&["audit", "-o", "json", &address])
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["not_seen"].as_array().unwrap().len(), 0, "{report:#}");
    }
}

#[test]
fn an_audit_without_a_usable_memory_still_audits_and_says_so() {
    let redis = real::start("redis-open").unwrap();
    let home = Home::new();
    let state = home.path().join("not-a-database");
    std::fs::write(
        &state,
        "this is text, not SQLite, and longer than a header of a database file would be ".repeat(20),
    )
    .unwrap();
    let run = home.audit(&["--state", state.to_str().unwrap(), &redis.address.to_string()]);
    assert_eq!(run.exposure(redis.address)["verdict"], "OPEN");
    assert!(run.stdout.contains("nothing is remembered"), "{}", run.stdout);
}

#[test]
fn people_of_stores_that_were_read_on_different_days_are_one_estate() {
    let home = Home::new();
    let today = "2026-11-26".parse().unwrap();
    let world = synth::World::new(synth::Settings::new(20_261, 600)).unwrap();
    let persons = synth::Table::of("persons", &world).unwrap();
    let write = |name: &str, rows| {
        let mut file = std::fs::File::create(home.path().join(name)).unwrap();
        synth::write(&world, &persons, synth::Format::Csv, rows, &mut file).unwrap();
    };
    write("one.csv", 0..400);
    write("two.csv", 200..600);
    let first = home.audit(&["--only", "data", "--now", FIRST, "./one.csv"]);
    assert!(data(&first).iter().all(|record| record["type"] != "estate"), "{}", first.stdout);
    let second = home.audit(&["--only", "data", "--now", SECOND, "./two.csv"]);
    let records = data(&second);
    let [estate] = records.iter().filter(|record| record["type"] == "estate").collect::<Vec<_>>()[..] else {
        panic!("{}", second.stdout)
    };
    let truth = synth::Truth::new(&world, std::slice::from_ref(&persons), today).people;
    let bound = |name: &str| estate["people"][name].as_u64().unwrap();
    assert!(bound("lower") <= truth && truth <= bound("upper"), "{truth} {estate:#}");
    assert!(bound("upper") < 700, "those in both files are counted once: {estate:#}");
    let reason = estate["reason"].as_str().unwrap();
    assert!(reason.ends_with("as counted earlier: file:./one.csv (2026-01-01)"), "{reason}");

    std::fs::write(home.path().join("other.key"), format!("{:032x}\n", 77)).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(home.path().join("other.key"), private).unwrap();
    let other = home.audit(&["--only", "data", "--now", THIRD, "--key-file", "other.key", "./two.csv"]);
    assert!(other.stderr.contains("another key"), "{}", other.stderr);
}
