//! Valkey: open, behind a password, and in protected mode, whose refusal has other words than that of Redis.

use super::redis::{answers, everywhere, run, seed};
use super::{Error, Launch, State, lab};
use crate::process::Child;

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, DENIED];

/// Reads and writes for everyone.
const OPEN: State = State {
    name: "valkey-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, &launch.place.bind.to_string(), "protected-mode no\n"),
    ready: |launch| answers(launch, "server_name:valkey"),
    seed,
    ..State::PLAIN
};

/// A password is demanded.
const PROTECTED: State = State {
    name: "valkey-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, &launch.place.bind.to_string(), "requirepass lab-secret\n"),
    ready: |launch| answers(launch, "-NOAUTH"),
    ..State::PLAIN
};

/// No password and bound to every address: only 127.0.0.1 and ::1 are let in.
const DENIED: State = State {
    name: "valkey-denied",
    everywhere: true,
    start: |launch| start(launch, everywhere(launch), "protected-mode yes\n"),
    ready: |launch| {
        answers(launch, if launch.place.bind.is_loopback() { "# Server" } else { "-DENIED Running" })
    },
    ..State::PLAIN
};

fn start(launch: &Launch, bind: &str, settings: &str) -> Result<Vec<Child>, Error> {
    let program = lab::folder("valkey")?.join("valkey-server");
    run(launch, &program.display().to_string(), bind, settings)
}
