//! First replies. Every reply is shown to every service after every opening, as detection does.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use net::http::parse;
use probe::{Opening, Reply, Web, registry};

/// What may have been said before: nothing, `GET /`, and the openings of every service.
static OPENINGS: LazyLock<Vec<Opening>> = LazyLock::new(|| {
    let own = registry().iter().flat_map(|service| service.about().openings.iter().copied());
    let mut openings = vec![Opening::Listen, Opening::Http];
    for opening in own {
        if !openings.contains(&opening) {
            openings.push(opening);
        }
    }
    openings
});

// Parsing the packs is no input's time.
fuzz_target!(init: LazyLock::force(&OPENINGS), |bytes: &[u8]| {
    for &opening in OPENINGS.iter() {
        for service in registry().iter() {
            let _ = service.recognises(&Reply { opening, bytes });
        }
    }
    let Ok(Some((answer, _))) = parse(bytes, false, true) else { return };
    for service in registry().iter() {
        // The same answer to `/` and to every path by which the service is known.
        let paths = service.identity_paths().into_iter().chain(["/"]);
        let answers: BTreeMap<_, _> = paths.map(|path| (path.to_owned(), answer.clone())).collect();
        let _ = service.recognises_web(&Web::answered(answers));
    }
});
