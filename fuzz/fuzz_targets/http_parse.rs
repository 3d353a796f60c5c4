//! HTTP answers. The first byte says how the answer is read, the rest is the answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use net::http::{Response, parse};

/// The client keeps at most this much of a body.
const BODY: usize = 512 << 10;

fn same(a: &Response, b: &Response) -> bool {
    (a.status, &a.body, a.truncated) == (b.status, &b.body, b.truncated)
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, bytes)) = input.split_first() else { return };
    let (to_head, ended) = (mode & 1 != 0, mode & 2 != 0);
    let Ok(Some((answer, length))) = parse(bytes, to_head, ended) else { return };
    assert!(length <= bytes.len(), "an answer is longer than what was received");
    // A body whose length is told is kept whole: the connection's budget bounds it.
    assert!(answer.body.len() <= bytes.len().max(BODY));
    let described = answer.describe();
    assert!(described.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{described:?}");
    let _ = (answer.json(), answer.text_at("/a"), answer.number_at("/a"), answer.is_encoded());
    // Bytes arrive in pieces: what is complete stays the same answer when more follows.
    if !ended && !answer.truncated {
        let more = [bytes, b"HTTP/1.1 200 OK\r\n\r\n"].concat();
        let again = parse(&more, to_head, false).ok().flatten();
        let (later, end) = again.expect("a complete answer became incomplete");
        assert!(end == length && same(&answer, &later), "a complete answer changed");
    }
});
