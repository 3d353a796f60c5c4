//! What a server sent, made fit to be shown: one line of printable ASCII, never long.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = model::excerpt(bytes);
    assert!(text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{text:?}");
    assert!(text.len() < 200, "{} bytes", text.len());
});
