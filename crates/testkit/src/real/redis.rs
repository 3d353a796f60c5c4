//! Redis: open, behind a password, with a default user cut down by an access list, and in protected mode.

use std::io;

use super::wire::expect;
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, LIMITED, DENIED];

/// Reads and writes for everyone.
pub(super) const OPEN: State = State {
    name: "redis-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "protected-mode no\n"),
    ready: |launch| answers(launch, "# Server"),
    seed,
    ..State::PLAIN
};

/// `requirepass`, and beside it a user who may do little.
pub(super) const PROTECTED: State = State {
    name: "redis-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| {
        start(launch, "requirepass lab-secret\nuser limited on >limited-secret ~none:* -@all +ping\n")
    },
    ready: |launch| answers(launch, "-NOAUTH"),
    ..State::PLAIN
};

/// A guest account: the default user has no password, and may read nothing.
const LIMITED: State = State {
    name: "redis-limited",
    expect: &[("main", "OPEN_PARTIAL")],
    start: |launch| {
        let users = "user default on nopass ~* -@all +ping +hello +echo +select +quit\n\
                     user admin on >admin-secret ~* &* +@all\n";
        start(launch, &format!("protected-mode no\n{users}"))
    },
    ready: |launch| answers(launch, "-NOPERM"),
    ..State::PLAIN
};

/// No password and bound to every address: only 127.0.0.1 and ::1 are let in, all others are told `-DENIED`.
const DENIED: State = State {
    name: "redis-denied",
    everywhere: true,
    start: |launch| run(launch, "redis-server", everywhere(launch), "protected-mode yes\n"),
    ready: |launch| answers(launch, if launch.place.bind.is_loopback() { "# Server" } else { "-DENIED" }),
    ..State::PLAIN
};

fn start(launch: &Launch, settings: &str) -> Result<Vec<Child>, Error> {
    run(launch, "redis-server", &launch.place.bind.to_string(), settings)
}

/// Every address, in the family of the place.
pub(super) fn everywhere(launch: &Launch) -> &'static str {
    if launch.place.bind.is_ipv4() { "0.0.0.0" } else { "::" }
}

/// Starts a server that has the configuration of Redis.
pub(super) fn run(launch: &Launch, program: &str, bind: &str, settings: &str) -> Result<Vec<Child>, Error> {
    let folder = launch.folder("data", Account::Nobody)?;
    let port = launch.port(0);
    let folder = folder.display();
    let common = format!("bind {bind}\nport {port}\ndir {folder}\nsave \"\"\nappendonly no\ndaemonize no\n");
    let file = launch.write("redis.conf", &format!("{common}{settings}"))?;
    let mut command = launch.command(Account::Nobody, program)?;
    command.arg(file);
    Ok(vec![launch.spawn(command)?])
}

/// INFO, since PING is answered also where nothing may be read.
pub(super) fn answers(launch: &Launch, part: &str) -> io::Result<()> {
    let answer = launch.talk(b"INFO server\r\nQUIT\r\n", |_| false)?;
    expect(part, &answer, String::from_utf8_lossy(&answer).contains(part))
}

pub(super) fn seed(launch: &Launch) -> io::Result<Seeded> {
    let answer = launch.talk(b"SET lab:1 1\r\nSET lab:2 2\r\nSET lab:3 3\r\nQUIT\r\n", |_| false)?;
    expect("four times +OK", &answer, answer == b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n")?;
    Ok(Seeded::from([("keys", 3)]))
}
