//! The same conversations where the user asked for documented default logins: one try, which is no secret, and never shown.
//!
//! The first line of the input is the id of a service that has such a login.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use probe::{Service, registry};
use watertight_fuzz::{reads, stage};

/// The services that have a default login: only these are tried.
static SERVICES: LazyLock<Vec<&'static dyn Service>> = LazyLock::new(|| {
    let has = |service: &&dyn Service| {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
        service.try_default(&mut stage::session(address)).is_some()
    };
    registry().iter().map(|service| service.as_ref()).filter(has).collect()
});

// Parsing the packs is no input's time.
fuzz_target!(init: LazyLock::force(&SERVICES), |input: &[u8]| {
    let (id, script) = stage::first_line(input);
    let services = &*SERVICES;
    let Some(service) = services.iter().find(|service| service.about().id.as_bytes() == id) else { return };
    let sent = stage::play(stage::pieces(script), async |address| {
        let mut session = stage::session(address);
        if let Some(tried) = service.try_default(&mut session) {
            let _ = tried.await;
        }
        stage::can_be_shown(&session.finish().0);
    });
    for sent in sent {
        reads::check(&service.about(), &sent, reads::Login::ThatIsDocumented);
    }
});
