//! MongoDB by scripted transcripts: old servers, new servers, and the traps between them. The independent
//! implementation is among the real servers.

use testkit::emulator::mongo::Mongo;

use crate::harness::audit_one;

fn cases() -> [(&'static str, Mongo, &'static str); 8] {
    [
        ("7.0 without access control", Mongo::Open, "OPEN"),
        ("3.4 without access control, OP_QUERY only", Mongo::OpenOld, "OPEN"),
        ("4.0 without hello and sizes", Mongo::NoHello, "OPEN"),
        ("7.0 with access control", Mongo::Protected, "PROTECTED"),
        ("4.0 with access control, older wording", Mongo::ProtectedOldText, "PROTECTED"),
        ("access control without users: an empty list is not open", Mongo::LocalhostException, "PROTECTED"),
        ("without access control and without databases", Mongo::EmptyOpen, "OPEN"),
        ("after a robber's visit", Mongo::Ransomed, "OPEN"),
    ]
}

#[test]
fn every_age_and_state_of_mongodb() {
    for (name, state, expected) in cases() {
        let emulator = state.start().unwrap();
        let (_, record) = audit_one(emulator.address);
        assert_eq!(record["verdict"], expected, "{name}\n{record:#}\n{:#?}", emulator.requests());
        assert_eq!(record["service"], "mongodb", "{name}");
        for line in emulator.requests() {
            let read =
                ["hello", "isMaster", "buildInfo", "listDatabases", "getLog", "HTTP GET", "not MongoDB"];
            assert!(read.iter().any(|word| line.contains(word)), "{name}: {line}");
        }
    }
}

#[test]
fn a_ransom_note_is_a_critical_finding_and_its_name_is_not_told() {
    let emulator = Mongo::Ransomed.start().unwrap();
    let (run, _) = audit_one(emulator.address);
    let note = run.records().into_iter().find(|record| record["type"] == "compromise").unwrap();
    assert_eq!(note["severity"], "critical");
    assert!(!run.stdout.contains("READ_ME"), "{}", run.stdout);
    assert_eq!(run.code, 1);
}

/// Rows for `docs/services.md`.
pub fn rows() -> Vec<String> {
    cases()
        .into_iter()
        .map(|(name, state, _)| {
            let emulator = state.start().unwrap();
            let (_, record) = audit_one(emulator.address);
            let text = |field: &str| record[field].as_str().unwrap_or("not told").to_owned();
            // What is proven here is proven by transcripts, whatever else the probe was proven on.
            format!(
                "| MongoDB | {} | {name} | loopback | {} | transcript |\n",
                text("version"),
                text("verdict")
            )
        })
        .collect()
}
