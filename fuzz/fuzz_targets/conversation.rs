//! Whole conversations: a service's probe talks to a server that answers whatever the input says.
//!
//! This is how the parsers are reached that a service keeps to itself (packets of MySQL, messages of PostgreSQL,
//! documents of MongoDB, frames of HTTP/2, ...). The first line of the input is the id of a service; the rest is told in
//! `stage`. Whatever the server sends, the probe must end in time, must write evidence that can be shown, and must ask
//! for nothing but reads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probe::{Opened, registry};
use watertight_fuzz::{reads, stage};

// Parsing the packs is no input's time.
fuzz_target!(init: registry(), |input: &[u8]| {
    let (id, script) = stage::first_line(input);
    let Some(service) = registry().iter().find(|service| service.about().id.as_bytes() == id) else { return };
    let sent = stage::play(stage::pieces(script), async |address| {
        let mut session = stage::session(address);
        let _ = service.judge(&mut session, Opened::default()).await;
        stage::can_be_shown(&session.finish().0);
    });
    for sent in sent {
        reads::check(&service.about(), &sent, reads::Login::OfAStranger);
    }
});
