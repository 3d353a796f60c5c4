//! Decision tables. A pack may come from a stranger, and its transcripts are replayed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probe::{Service, TableProbe, Web, replay};

fuzz_target!(|text: &str| {
    let Ok(probe) = TableProbe::parse(text) else { return };
    for exchange in probe.pack().exchanges.values() {
        let paths = exchange.get.iter().chain(&exchange.head).chain(&exchange.try_paths);
        for path in paths {
            assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
        }
    }
    let _ = (probe.identity_paths(), probe.recognises_web(&Web::default()), probe.about());
    for transcript in &probe.pack().transcripts {
        let _ = replay(&probe, transcript);
    }
});
