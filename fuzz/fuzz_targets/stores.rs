//! Stores that answer whatever the input says: rows of MySQL and PostgreSQL, replies of Redis, documents of MongoDB, hits
//! of Elasticsearch, answers of ClickHouse and of buckets.
//!
//! The first line of the input is the beginning of a URL, such as `redis://` or `mysql://root@`; the rest is told in `stage`. Whatever comes,
//! each reader must end, and may tell only of what it announced.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use discover::store::gate::Gate;
use discover::store::login::Environment;
use discover::store::open::{open, open_bucket};
use libfuzzer_sys::fuzz_target;
use model::{Bucket, Endpoint, Provider};
use watertight_fuzz::stage;
use watertight_fuzz::unread::Unread;

/// A reader that is still waiting by then waits for bytes, which is allowed.
const TIME: Duration = Duration::from_secs(2);
/// Rows of a sample.
const ROWS: u64 = 20;

fuzz_target!(|input: &[u8]| {
    let (first, script) = stage::first_line(input);
    let Ok(first) = std::str::from_utf8(first) else { return };
    // No input may name a host.
    let user = |rest: &str| rest.strip_suffix('@').is_none_or(|user| user.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if !first.split_once("://").is_some_and(|(_, rest)| rest.is_empty() || rest.ends_with('@') && user(rest)) {
        return;
    }
    stage::play(stage::pieces(script), async |address| {
        let gate = Gate::new(stage::dialer(), Arc::new(stage::guard()));
        let nothing = Environment::new(|_| None, None);
        let opened = if first == "s3://" {
            let endpoint = Endpoint { tls: false, host: address.ip().to_string(), port: address.port() };
            let Ok(bucket) = Bucket::new(Provider::S3, "bucket").and_then(|bucket| bucket.at(endpoint)) else { return };
            open_bucket(&bucket, &nothing, gate)
        } else {
            open(&format!("{first}{address}"), &nothing, gate)
        };
        let Ok(mut opened) = opened else { return };
        let read = async {
            let Ok(listing) = opened.store.tables().await else { return };
            for table in listing.tables.iter().take(2) {
                let mut sink = Unread::default();
                let _ = opened.store.sample(table, ROWS, 1, &mut sink).await;
                let _ = opened.store.full(table, &[], &mut sink).await;
            }
        };
        let _ = tokio::time::timeout(TIME, read).await;
    });
});
