//! From the start of the program to its first verdict: one open Redis, one audit.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use testkit::real::{self, Place};

use crate::machine::{description, publish};
use crate::measure::{self, median};

/// At least so many runs: each takes a fraction of a second.
const RUNS: usize = 20;
/// Redis' usual port, at an address where no server of this machine is.
const USUAL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 66, 6, 7), 6379);

/// Measures at a port that is no hint, at the usual one, and with the protocol told.
///
/// # Errors
/// The server or the program cannot be started.
pub fn run(program: &Path, folder: &Path, runs: usize) -> io::Result<()> {
    let before = description();
    let redis = real::start("redis-open").map_err(io::Error::other)?;
    let place = Place { bind: (*USUAL.ip()).into(), port: Some(USUAL.port()), ..Place::default() };
    let usual = real::start_in("redis-open", &place).map_err(io::Error::other)?;
    let runs = runs.max(RUNS);
    let mut text =
        format!("`watertight audit --no-state TARGET` against one open Redis, {runs} runs each.\n\n");
    text.push_str("| target | median, ms | fastest | slowest | peak memory, MB |\n|---|---|---|---|---|\n");
    for (name, target) in [
        ("`127.0.0.1:PORT`, a port that is no hint", redis.address.to_string()),
        ("its usual port", usual.address.to_string()),
        ("`redis://127.0.0.1:PORT`, a port that is no hint", format!("redis://{}", redis.address)),
    ] {
        let command =
            [program.display().to_string(), "audit".into(), "--no-state".into(), "--quiet".into(), target];
        let costs: Vec<_> = (0..runs).map(|_| measure::run(&[], &command)).collect::<io::Result<_>>()?;
        let walls = || costs.iter().map(|(_, cost)| cost.wall * 1000.0);
        let (least, most) = (walls().fold(f64::INFINITY, f64::min), walls().fold(0.0, f64::max));
        let peak = median(costs.iter().map(|(_, cost)| cost.megabytes()));
        let _ = writeln!(text, "| {name} | {:.0} | {least:.0} | {most:.0} | {peak:.0} |", median(walls()));
        // An open door at the default threshold is exit 0 or 1, never an error.
        if let Some((output, cost)) = costs.iter().find(|(_, cost)| !(0..=1).contains(&cost.code)) {
            return Err(io::Error::other(format!("exit {}: {output}", cost.code)));
        }
    }
    publish(folder, "first-verdict", "From start to first verdict", &before, &text)
}
