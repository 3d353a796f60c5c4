//! Files of every format. The first line of the input is the file's name, the rest is the file.
#![no_main]

use std::sync::Once;

use discover::file::{Limits, read_stream};
use libfuzzer_sys::fuzz_target;
use watertight_fuzz::unread::Unread;

// Libraries for Parquet and the like panic now and then; the reader catches that and says that the file is damaged. The
// hook of libFuzzer would end the process before.
static QUIET: Once = Once::new();

fuzz_target!(|input: &[u8]| {
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let name = String::from_utf8_lossy(&input[..end]);
    let limits = Limits { ratio_floor: 1 << 20, memory: 8 << 20, longest_record: 1 << 16, text_too: 1 << 12, ..Limits::default() };
    read_stream(&name, &mut input.get(end + 1..).unwrap_or_default(), &limits, &mut Unread::default());
});
