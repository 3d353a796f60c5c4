//! Records: a baseline is a file, and the inventory gives back what it was given.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::{Record, Severity};

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else { return };
    let _ = (record.fails(Severity::High), record.order(), record.asset.short());
    let text = serde_json::to_string(&record).expect("a record can be written");
    let again: Record = serde_json::from_str(&text).expect("a record that was written can be read");
    assert_eq!(record, again);
});
