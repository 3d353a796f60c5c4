//! What is concluded about a bucket of any provider, and where a server may send the question.
//!
//! The first line is a target as the user writes it (`s3://backups`, `az://account/container`); then follow answers in
//! HTTP, in the order of the questions, divided as in `stage`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::{Bucket, Provider};
use net::http::parse;
use watertight_fuzz::stage;

fuzz_target!(|input: &[u8]| {
    let (first, script) = stage::first_line(input);
    let Some((scheme, name)) = std::str::from_utf8(first).ok().and_then(|first| first.split_once("://"))
    else {
        return;
    };
    let Some(provider) = Provider::ALL.into_iter().find(|provider| provider.scheme() == scheme) else {
        return;
    };
    let (name, key) = name.split_once(' ').map_or((name, None), |(name, key)| (name, Some(key)));
    let bucket = Bucket::new(provider, name).and_then(|bucket| match key {
        Some(key) => bucket.with_key(key),
        None => Ok(bucket),
    });
    let Ok(bucket) = bucket else { return };
    let answers =
        stage::pieces(script).into_iter().filter_map(|piece| parse(&piece, false, true).ok().flatten());
    let answers: Vec<_> = answers.map(|(answer, _)| answer).collect();
    for answer in &answers {
        let proposed = answer.headers("location").filter_map(|location| bucket.follow(location)).next();
        assert!(proposed.is_none_or(|host| bucket.owns(&host)), "another bucket's host would be followed");
    }
    for surface in probe::fuzzing::judge_bucket(&bucket, answers).surfaces {
        assert!(!surface.reason.is_empty(), "{} without a reason", surface.name);
    }
});
