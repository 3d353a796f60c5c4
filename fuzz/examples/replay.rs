//! Tells what is concluded from inputs of the target `conversation`, as from its seeds:
//!
//! ```text
//! cargo run --manifest-path fuzz/Cargo.toml --example replay -- fuzz/seeds/conversation/*
//! ```

use probe::{Opened, registry};
use watertight_fuzz::{reads, stage};

fn main() {
    for file in std::env::args().skip(1) {
        let input = std::fs::read(&file).expect("the file can be read");
        let (id, script) = stage::first_line(&input);
        let Some(service) = registry().iter().find(|service| service.about().id.as_bytes() == id) else {
            println!("{file}: no service of that name");
            continue;
        };
        let mut told = String::new();
        let sent = stage::play(stage::pieces(script), async |address| {
            let mut session = stage::session(address);
            told = match service.judge(&mut session, Opened::default()).await {
                Err(error) => format!("ended: {error}"),
                Ok(judgement) => judgement
                    .worst()
                    .map_or_else(String::new, |worst| format!("{} {}", worst.verdict, worst.reason)),
            };
        });
        for sent in sent {
            reads::check(&service.about(), &sent, reads::Login::OfAStranger);
        }
        println!("{file}: {told}");
    }
}
