//! The packs, each by its own examples, and the recogniser on whole texts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use serde::Deserialize;

use super::sample::written_out;
use super::{FoundSecret, Secrets, pack};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Examples {
    found: Vec<String>,
    not_found: Vec<String>,
}

fn examples() -> BTreeMap<String, Examples> {
    let packs: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/secrets.json"))).unwrap();
    let kinds = packs.into_values().flat_map(|pack| pack["kinds"].as_array().unwrap().clone());
    kinds
        .map(|kind| {
            let id = kind["id"].as_str().unwrap().to_owned();
            (id, serde_json::from_value(kind["examples"].clone()).unwrap())
        })
        .collect()
}

fn found(secrets: &Secrets, text: &[u8]) -> Vec<FoundSecret> {
    let mut all = Vec::new();
    secrets.text(text, &mut |secret| all.push(secret));
    all
}

fn names(secrets: &Secrets, text: &[u8]) -> BTreeSet<String> {
    found(secrets, text).iter().map(|secret| secrets.kinds()[usize::from(secret.kind)].id.clone()).collect()
}

#[test]
fn every_pack_is_read_and_ids_are_unique() {
    let json = include_str!(concat!(env!("OUT_DIR"), "/secrets.json"));
    let families = pack::parse(json).unwrap();
    let kinds: Vec<&pack::Kind> = families.iter().flat_map(|family| &family.kinds).collect();
    let ids: BTreeSet<&str> = kinds.iter().map(|kind| kind.id.as_str()).collect();
    assert_eq!(ids.len(), kinds.len());
    assert!(kinds.len() >= 150, "{}", kinds.len());
    for family in &families {
        assert!(family.source.starts_with("https://"), "{}", family.provider);
    }
}

/// Many draws, so that a filter that is too strict shows.
#[test]
fn every_kind_finds_its_examples_and_only_them() {
    let secrets = Secrets::embedded();
    let mut wrong = Vec::new();
    for (id, examples) in examples() {
        assert!(!examples.found.is_empty() && !examples.not_found.is_empty(), "{id} has no examples");
        for example in &examples.found {
            let missed =
                (0..40).filter(|seed| !names(&secrets, &written_out(example, *seed)).contains(&id)).count();
            // A draw may hold a placeholder's word by chance.
            if missed > 2 {
                let seen = names(&secrets, &written_out(example, 0));
                wrong.push(format!("{id}: {missed} of 40 missed: {example:?}; seen {seen:?}"));
            }
        }
        for example in &examples.not_found {
            if (0..10).any(|seed| names(&secrets, &written_out(example, seed)).contains(&id)) {
                wrong.push(format!("{id}: found: {example:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_secret_is_shown() {
    let secrets = Secrets::embedded();
    for (id, examples) in examples() {
        for example in &examples.found {
            let text = written_out(example, 7);
            for secret in found(&secrets, &text) {
                let shown = secret.shown.strip_suffix('…').unwrap();
                let value = &text[secret.start..secret.end];
                assert!(value.starts_with(shown.as_bytes()), "{id}");
                assert!(shown.len() * 2 <= value.len(), "{id} shows {shown} of {} bytes", value.len());
                if let Some(said) = &secret.checked {
                    assert!(
                        !value.windows(12).any(|part| said.as_bytes().windows(12).any(|told| told == part)),
                        "{id}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_secret_is_told_once_as_the_most_specific_kind() {
    let secrets = Secrets::embedded();
    let text = written_out(
        "password = \"{crc62:ghp_}\"\nurl = https://x-access-token:{crc62:ghp_}@github.com/a/b.git\n",
        3,
    );
    let kinds: Vec<String> = found(&secrets, &text)
        .iter()
        .map(|secret| secrets.kinds()[usize::from(secret.kind)].id.clone())
        .collect();
    assert_eq!(kinds, ["github-personal-token", "github-personal-token"]);
}

#[test]
fn a_connection_string_says_what_it_opens() {
    let secrets = Secrets::embedded();
    let text = written_out(
        "DATABASE_URL=postgres://crm:T4ndem%21Kite@10.0.0.5:5433/people?sslmode=require # 生产\n",
        0,
    );
    let all = found(&secrets, &text);
    let [secret] = all.as_slice() else { panic!("{all:?}") };
    let opens = secret.connection.as_ref().unwrap();
    assert_eq!(
        (opens.scheme.as_str(), opens.host.as_str(), opens.port),
        ("postgres", "10.0.0.5", Some(5433))
    );
    assert_eq!(opens.database.as_deref(), Some("people"));
    assert_eq!(opens.user.as_deref(), Some("crm"));
    assert_eq!(opens.password.reveal(), "T4ndem!Kite");
    assert_eq!(&text[secret.start..secret.end], b"T4ndem%21Kite");
    assert!(!format!("{secret:?}").contains("T4ndem"));
}

#[test]
fn a_key_is_paired_with_the_id_beside_it() {
    let secrets = Secrets::embedded();
    let text = written_out("id: AKIA{base32:16}\n\n\nkey: {base64:40}\n\n\n\n\n\n\nfar: {base64:40}\n", 5);
    let all = found(&secrets, &text);
    assert_eq!(all.len(), 2, "{all:?}");
    let id = all[0].start..all[0].end;
    assert_eq!(all[1].near.as_slice(), std::slice::from_ref(&id));
}

#[test]
fn a_key_with_a_name_has_its_id_all_the_same_and_every_id_beside_it_is_told() {
    let secrets = Secrets::embedded();
    let line = "aws_access_key_id = AKIA{base32:16}\naws_secret_access_key = {base64:40}\n";
    let text = written_out(&format!("[one]\n{line}[two]\n{line}"), 6);
    let all = found(&secrets, &text);
    let [one, first, two, second] = all.as_slice() else { panic!("{all:?}") };
    let ids = [one.start..one.end, two.start..two.end];
    assert_eq!((first.near.as_slice(), second.near.as_slice()), (ids.as_slice(), ids.as_slice()));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn any_bytes_are_searched_without_panic(parts in proptest::collection::vec(0..HOSTILE.len() + 1, 0..40), noise: Vec<u8>) {
        thread_local!(static SECRETS: Secrets = Secrets::embedded());
        let mut text = Vec::new();
        for part in parts {
            text.extend_from_slice(HOSTILE.get(part).map_or(noise.as_slice(), |part| part.as_bytes()));
        }
        SECRETS.with(|secrets| {
            let mut last = 0;
            secrets.text(&text, &mut |secret| {
                assert!(last <= secret.start && secret.start < secret.end && secret.end <= text.len());
                last = secret.end;
            });
        });
    }
}

/// What is told about sources that hold no secrets, by kind, and how fast: `WATERTIGHT_CORPUS=/usr/lib/python3.11 cargo
/// test --release -p watertight-discover -- --ignored --nocapture findings_per_gigabyte`.
#[test]
#[ignore = "reads a folder of one's own, which WATERTIGHT_CORPUS names"]
fn findings_per_gigabyte() {
    let mut folders = vec![PathBuf::from(std::env::var_os("WATERTIGHT_CORPUS").unwrap())];
    let secrets = Secrets::embedded();
    let (mut bytes, mut kinds, begun) = (0, BTreeMap::<&str, u64>::new(), Instant::now());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let text = std::fs::read(entry.path()).unwrap();
                bytes += text.len();
                for secret in found(&secrets, &text) {
                    *kinds.entry(&secrets.kinds()[usize::from(secret.kind)].id).or_default() += 1;
                }
            }
        }
    }
    println!("{:.3} GB in {:.1} s: {kinds:#?}", bytes as f64 / 1e9, begun.elapsed().as_secs_f64());
}

/// Beginnings and ends of secrets, to be put together at random.
const HOSTILE: &[&str] = &[
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "-----END RSA PRIVATE KEY-----",
    "postgres://a:b",
    "@",
    ":",
    "/",
    "LTAI",
    "5tAbCdEfGhIjKlMn",
    "password = \"",
    "\"",
    "\\n",
    "{",
    "}",
    "eyJhbGciOiJIUzI1NiJ9.",
    "AKIA",
    "QWERTY234567ABCD",
    "Kd83jfLs02",
    "jdbc:mysql://h:1/d?user=u&password=",
    "Server=a;Password=",
    ";",
    "\"type\": \"service_account\"",
    "kind: Secret\ndata:\n  a: ",
    "$2b$12$",
    "AGE-SECRET-KEY-1",
    "\n",
    " ",
    "sk-",
];
