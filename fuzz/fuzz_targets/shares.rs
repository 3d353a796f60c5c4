//! The codecs of file servers, one at a time: SMB 2 with its logins and lists, ONC RPC, NFS.
//! The first line of the input is the name of the parser.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probe::fuzzing::SHARES;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let parser = SHARES.iter().find(|(name, _)| name.as_bytes() == &input[..end]);
    if let Some((_, parse)) = parser {
        parse(input.get(end + 1..).unwrap_or_default());
    }
});
