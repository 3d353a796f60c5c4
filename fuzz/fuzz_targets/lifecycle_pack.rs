//! End-of-life dates, and the versions that servers tell. The version stands behind the first `\0`.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use model::lifecycle::Lifecycle;

fuzz_target!(|input: &str| {
    let (text, version) = input.split_once('\0').unwrap_or((input, "7.17.28"));
    let Ok(pack) = Lifecycle::parse(text) else { return };
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        if let Some(state) = pack.of(version, now) {
            assert!(version.starts_with(&state.cycle), "{version} is not of {}", state.cycle);
        }
    }
});
