//! NATS with its monitoring port: open, behind a login, and with a guest account.

use super::wire::expect;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

const PORTS: &[(&str, u16)] = &[("client", 0), ("monitoring", 1)];

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, GUEST];

/// Everyone publishes and subscribes.
const OPEN: State = State {
    name: "nats-open",
    expect: &[("main", "OPEN"), ("monitoring", "OPEN_PARTIAL")],
    start: |launch| start(launch, ""),
    ..NATS
};

/// A user with a password. The monitoring port beside it asks for none.
const PROTECTED: State = State {
    name: "nats-protected",
    expect: &[("main", "PROTECTED"), ("monitoring", "OPEN_PARTIAL")],
    start: |launch| start(launch, "authorization { user: lab, password: lab-secret }\n"),
    ..NATS
};

/// A stranger becomes a user who may only subscribe to `public.>`; the greeting does not say that a login is wanted.
const GUEST: State = State {
    name: "nats-noauthuser",
    expect: &[("main", "OPEN_PARTIAL"), ("monitoring", "OPEN_PARTIAL")],
    start: |launch| {
        let rights = "{ subscribe: [\"public.>\"], publish: { deny: [\">\"] } }";
        let users = format!(
            "authorization {{ users = [ {{ user: admin, password: lab-secret }}, \
             {{ user: guest, password: \"\", permissions: {rights} }} ] }}\nno_auth_user: guest\n"
        );
        start(launch, &users)
    },
    ..NATS
};

const NATS: State = State {
    ports: PORTS,
    ready: |launch| {
        let answer = launch.talk(b"", |answer| answer.ends_with(b"\r\n"))?;
        expect("INFO", &answer, answer.starts_with(b"INFO {"))
    },
    ..State::PLAIN
};

fn start(launch: &Launch, users: &str) -> Result<Vec<Child>, Error> {
    let (bind, port, monitoring) = (launch.bind(), launch.port(0), launch.port(1));
    let config = format!("host: \"{bind}\"\nport: {port}\nhttp: \"{bind}:{monitoring}\"\n{users}");
    let config = launch.write("nats.conf", &config)?;
    let mut command = launch.command(Account::Nobody, "nats-server")?;
    command.arg("-c").arg(config);
    Ok(vec![launch.spawn(command)?])
}
