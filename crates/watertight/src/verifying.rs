//! Whether keys that were found still work (`--verify-secrets`): one read with each key at each door that may be for it, and
//! only at doors that the user named as targets or in `[scope]`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use discover::secret::verify::{Door, KeyPair, Untried, Vendor, Verified, verify};
use discover::store::gate::Gate;
use discover::store::open::is_readable;
use discover::survey::FoundKey;
use jiff::Timestamp;
use model::{Bucket, DataRecord, DataType, Endpoint, NotRead, Record, Severity};

use crate::config::ScopeConfig;
use crate::reading::{Read, Source};

/// So many different keys are tried.
pub(crate) const KEYS: usize = 64;

/// Answers that are none, one after the other, after which a door is not tried again.
const LOST: usize = 2;

/// Tries keys.
pub(crate) struct Verifying {
    gate: Gate,
    doors: Vec<Door>,
    /// How long a door may think.
    time: Duration,
}

/// What came of trying a key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    works: Option<bool>,
    said: String,
    /// The door that takes it.
    at: Option<Door>,
    /// Something was asked and did not say either.
    failed: bool,
}

impl Outcome {
    fn not_tried(why: &str) -> Self {
        Self { works: None, said: format!("not verified: {why}"), at: None, failed: false }
    }
}

impl Verifying {
    /// Doors are the buckets among the sources, and what `[scope]` lists as long as it is in force.
    pub(crate) fn new(
        gate: Gate,
        sources: &[Source],
        scope: Option<&ScopeConfig>,
        now: Timestamp,
        time: Duration,
    ) -> Self {
        let mut verifying = Self { gate, doors: Vec::new(), time };
        for source in sources {
            if let Source::Bucket(bucket) = source {
                verifying.add(Door::Bucket(bucket.clone()));
            }
        }
        if let Some(scope) = scope.filter(|scope| now < scope.until) {
            let buckets = scope.buckets.iter().filter(|bucket| is_readable(bucket));
            buckets.for_each(|bucket| verifying.add(Door::Bucket(bucket.clone())));
            for host in &scope.token_services {
                if let Some(vendor) = Vendor::of_sts_host(host) {
                    verifying.add(Door::Sts(vendor, host.clone()));
                }
            }
        }
        verifying
    }

    fn add(&mut self, door: Door) {
        if !self.doors.iter().any(|known| is_same(known, &door)) {
            self.doors.push(door);
        }
    }

    /// Tries the keys that were found, and writes into their records what was said. Servers that turned out to speak S3
    /// while it was found out who is let in are doors, too.
    pub(crate) async fn run(mut self, read: &mut [Read], exposures: &[Record], stop: &AtomicBool) {
        exposures.iter().filter_map(server).for_each(|door| self.add(door));
        let mut tried: Vec<(Arc<KeyPair>, Outcome)> = Vec::new();
        let mut lost = vec![0; self.doors.len()];
        for at in 0..read.len() {
            let Some(found) = read.get_mut(at).map(|read| std::mem::take(&mut read.result.found_keys)) else {
                continue;
            };
            let mut outcomes = Vec::new();
            for key in found {
                let outcome = match &key.pair {
                    Err(why) => Outcome::not_tried(why.words()),
                    Ok(pair) => match tried.iter().find(|(known, _)| known == pair) {
                        Some((_, outcome)) => outcome.clone(),
                        None if tried.len() >= KEYS => Outcome::not_tried(Untried::TooMany.words()),
                        None => {
                            let outcome = self.attempt(pair, &mut lost, stop).await;
                            tried.push((Arc::clone(pair), outcome.clone()));
                            outcome
                        }
                    },
                };
                outcomes.push((key, outcome));
            }
            for (key, outcome) in outcomes {
                let opens = outcome.at.as_ref().and_then(|door| opened(read, door));
                if let Some(read) = read.get_mut(at) {
                    tell(&mut read.result.records, &key, outcome, opens);
                }
            }
        }
    }

    async fn attempt(&self, pair: &KeyPair, lost: &mut [usize], stop: &AtomicBool) -> Outcome {
        let (mut refused, mut unknown) = (Vec::new(), Vec::new());
        for (door, lost) in self.doors.iter().zip(lost).filter(|(door, _)| door.vendor() == pair.vendor) {
            let said = match () {
                () if stop.load(Ordering::Relaxed) => Verified::Unknown("the run was cut short".to_owned()),
                () if *lost >= LOST => Verified::Unknown(format!("{door} did not say about others either")),
                () => verify(pair, door, self.gate.clone(), self.time).await,
            };
            *lost = if matches!(said, Verified::Unknown(_)) { *lost + 1 } else { 0 };
            match said {
                Verified::Works => {
                    let said = format!("accepted by {door}");
                    return Outcome { works: Some(true), said, at: Some(door.clone()), failed: false };
                }
                Verified::Refused => refused.push(door.to_string()),
                Verified::Unknown(why) => unknown.push(why),
            }
        }
        judged(&refused, &unknown)
    }
}

/// A server with many buckets is one door.
fn is_same(one: &Door, other: &Door) -> bool {
    one.vendor() == other.vendor() && one.to_string() == other.to_string()
}

/// What doors said of which none takes the key.
fn judged(refused: &[String], unknown: &[String]) -> Outcome {
    let refusal = match refused {
        [] => String::new(),
        [one] => format!("refused by {one}"),
        [one, rest @ ..] => format!("refused by {one} and {} more", rest.len()),
    };
    match (refused, unknown) {
        ([], []) => Outcome::not_tried("no endpoint for it is a target or in [scope]"),
        (_, []) => Outcome { works: Some(false), said: refusal, at: None, failed: false },
        (_, [why, ..]) => {
            let also = if refusal.is_empty() { refusal } else { format!("{refusal}; ") };
            Outcome { works: None, said: format!("not verified: {also}{why}"), at: None, failed: true }
        }
    }
}

/// A server that was found to speak S3.
fn server(record: &Record) -> Option<Door> {
    if record.service.as_deref() != Some("minio") {
        return None;
    }
    let address: SocketAddr = record.asset.address.strip_prefix("tcp://")?.parse().ok()?;
    let host = record.asset.name.clone().unwrap_or_else(|| address.ip().to_string());
    Some(Door::Server(Endpoint { tls: record.tls.is_some(), host, port: address.port() }))
}

/// The store of this run behind a door.
fn opened(read: &[Read], door: &Door) -> Option<String> {
    let behind = |bucket: &Bucket| is_same(&Door::Bucket(bucket.clone()), door);
    let store = read.iter().find(|read| matches!(&read.source, Source::Bucket(bucket) if behind(bucket)))?;
    Some(store.result.asset.clone())
}

fn tell(records: &mut [DataRecord], key: &FoundKey, mut outcome: Outcome, opens: Option<String>) {
    if key.uncertain && outcome.works == Some(false) {
        outcome = Outcome::not_tried(&format!("{} with one id, and others stand beside it", outcome.said));
    }
    let Some(record) = records.iter_mut().find(|record| record.id == key.record) else { return };
    if outcome.works == Some(true) {
        record.severity = Severity::Critical;
    }
    if let Some(secret) = &mut record.secret {
        secret.works = outcome.works;
        secret.verification = Some(outcome.said.clone());
        secret.opens = secret.opens.take().or(opens);
    }
    let location = record.location.clone();
    let gap = match key.pair {
        _ if outcome.failed => Some(NotRead { location, why: outcome.said, by_design: false }),
        Err(Untried::TooMany) => Some(NotRead { location, why: outcome.said, by_design: true }),
        _ => None,
    };
    if let Some(store) = records.iter_mut().find(|record| record.data_type == DataType::Store) {
        store.not_read.extend(gap);
    }
}

#[cfg(test)]
mod tests {
    use model::{Provider, SecretFacts};

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_key_does_not_work_only_where_every_door_says_so() {
        let judged = |refused: &[&str], unknown: &[&str]| judged(&words(refused), &words(unknown));
        let none = judged(&[], &[]);
        assert_eq!((none.works, none.failed), (None, false));
        assert_eq!(none.said, "not verified: no endpoint for it is a target or in [scope]");
        assert_eq!(judged(&["a", "b", "c"], &[]).works, Some(false));
        assert_eq!(judged(&["a", "b", "c"], &[]).said, "refused by a and 2 more");
        let mixed = judged(&["a"], &["b: no answer"]);
        assert_eq!((mixed.works, mixed.failed), (None, true));
        assert_eq!(mixed.said, "not verified: refused by a; b: no answer");
    }

    fn told(pair: Result<(), Untried>, uncertain: bool, outcome: Outcome) -> Vec<DataRecord> {
        let mut secret = DataRecord::new(DataType::Secret, "file:/srv", "a.env:1", Some("k"));
        secret.severity = Severity::High;
        secret.secret = Some(SecretFacts {
            redacted: "…".to_owned(),
            checked: None,
            commit: None,
            since: None,
            present: None,
            opens: None,
            works: None,
            verification: None,
        });
        let vendor = Vendor::Amazon;
        let key = net::http::BucketKey {
            id: "kite".to_owned(),
            secret: model::Secret::new("string".to_owned()),
            token: None,
        };
        let pair = pair.map(|()| Arc::new(KeyPair { vendor, key }));
        let key = FoundKey { record: secret.id.clone(), pair, uncertain };
        let mut records = vec![secret, DataRecord::new(DataType::Store, "file:/srv", "", None)];
        tell(&mut records, &key, outcome, Some("s3://archive".to_owned()));
        records
    }

    #[test]
    fn a_key_that_works_is_critical_and_one_that_is_refused_is_as_bad_as_before() {
        let outcome =
            |works| Outcome { works: Some(works), said: "by a".to_owned(), at: None, failed: false };
        let works = told(Ok(()), true, outcome(true));
        assert_eq!(
            (works[0].severity, works[0].secret.as_ref().unwrap().works),
            (Severity::Critical, Some(true))
        );
        let refused = told(Ok(()), false, outcome(false));
        assert_eq!(
            (refused[0].severity, refused[0].secret.as_ref().unwrap().works),
            (Severity::High, Some(false))
        );
        let uncertain = told(Ok(()), true, outcome(false));
        assert_eq!(uncertain[0].secret.as_ref().unwrap().works, None);
    }

    #[test]
    fn what_was_not_found_out_is_in_the_ledger() {
        let failed = judged(&[], &words(&["a: no answer"]));
        let records = told(Ok(()), false, failed);
        assert!(records[1].is_undecided() && records[1].not_read[0].location == "a.env:1");
        let records = told(Err(Untried::TooMany), false, Outcome::not_tried(Untried::TooMany.words()));
        assert!(!records[1].is_undecided() && records[1].not_read.len() == 1);
        let records = told(Ok(()), false, judged(&[], &[]));
        assert!(records[1].not_read.is_empty());
    }

    #[test]
    fn doors_are_targets_and_what_a_scope_in_force_lists() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let dialer = Arc::new(net::Dialer::new(4, provider, model::Clock::System));
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let at = |port, name| {
            let endpoint = Endpoint { tls: false, host: "127.0.0.1".to_owned(), port };
            Bucket::new(Provider::S3, name).unwrap().at(endpoint).unwrap()
        };
        let doors = |until: &str| {
            let guard = net::Guard::new(Vec::new(), None, now);
            let scope = ScopeConfig {
                authorised_by: "the owner".to_owned(),
                until: until.parse().unwrap(),
                networks: Vec::new(),
                buckets: vec![
                    at(9000, "other"),
                    at(9001, "third"),
                    Bucket::new(Provider::Gcs, "elsewhere").unwrap(),
                    Bucket::new(Provider::Oss, "archive").unwrap(),
                ],
                token_services: vec!["sts.aliyuncs.com".to_owned()],
            };
            let gate = Gate::new(Arc::clone(&dialer), Arc::new(guard));
            let sources = [Source::Bucket(at(9000, "first")), Source::Input];
            let time = Duration::from_secs(1);
            let doors = Verifying::new(gate, &sources, Some(&scope), now, time).doors;
            doors.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(doors("2026-01-01T00:00:00Z"), ["http://127.0.0.1:9000"]);
        assert_eq!(
            doors("2027-01-01T00:00:00Z"),
            ["http://127.0.0.1:9000", "http://127.0.0.1:9001", "oss://archive", "sts.aliyuncs.com"]
        );
    }
}
