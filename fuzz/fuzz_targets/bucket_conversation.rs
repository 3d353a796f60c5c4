//! Conversations about a bucket, at an endpoint that the user named: no hint of the server may lead elsewhere.
//!
//! The first line of the input is the scheme of a provider, and behind a space the key of an object, if there is one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::{Bucket, Endpoint, Provider};
use probe::{BucketJob, Engine, Settings};
use tokio::sync::mpsc;
use watertight_fuzz::{reads, stage};

fuzz_target!(|input: &[u8]| {
    let (first, script) = stage::first_line(input);
    let Ok(first) = std::str::from_utf8(first) else { return };
    let (scheme, key) = first.split_once(' ').map_or((first, None), |(scheme, key)| (scheme, Some(key)));
    let Some(provider) = Provider::ALL.into_iter().find(|provider| provider.scheme() == scheme) else {
        return;
    };
    let name = if provider == Provider::Azure { "account/container" } else { "bucket" };
    let Ok(mut bucket) = Bucket::new(provider, name) else { return };
    if let Some(key) = key {
        let Ok(with_key) = bucket.with_key(key) else { return };
        bucket = with_key;
    }
    let sent = stage::play(stage::pieces(script), async |address| {
        let endpoint = Endpoint { tls: false, host: address.ip().to_string(), port: address.port() };
        let Ok(bucket) = bucket.at(endpoint) else { return };
        let settings = Settings { deadline: stage::TIME, ..Settings::default() };
        let engine = Engine::new(stage::dialer(), stage::guard(), &[], settings);
        let (sink, mut observations) = mpsc::channel(1);
        engine.run_buckets(vec![BucketJob { bucket, addresses: vec![address.ip()] }], sink).await;
        let observation = observations.recv().await.expect("a bucket is always told");
        assert!(!observation.reason.contains("internal error"), "{}", observation.reason);
        stage::can_be_shown(&observation.evidence);
    });
    for sent in sent {
        reads::http(&sent, reads::Login::OfAStranger);
    }
});
