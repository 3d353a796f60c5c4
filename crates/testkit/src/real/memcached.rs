//! memcached: open, with a password file (text protocol), with SASL (binary protocol).

use std::io;

use super::wire::expect;
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child, run};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, AUTHFILE, SASL];

/// Everyone may read and write.
const OPEN: State = State {
    name: "memcached-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, &[]),
    ready: |launch| says(launch, b"stats\r\nquit\r\n", "STAT pid"),
    seed,
    ..State::PLAIN
};

/// A login by a first `set`, with name and password from a file.
const AUTHFILE: State = State {
    name: "memcached-authfile",
    expect: &[("main", "PROTECTED")],
    start: |launch| {
        let file = launch.write_secret("users", "lab:secret\n", Account::Nobody)?;
        start(launch, &["-Y", &file.display().to_string()])
    },
    ready: |launch| says(launch, b"stats\r\nquit\r\n", "CLIENT_ERROR unauthenticated"),
    ..State::PLAIN
};

/// A login by SASL. Such a server says nothing in the text protocol, and tells everyone its version in the
/// binary.
const SASL: State = State {
    name: "memcached-sasl",
    expect: &[("main", "PROTECTED")],
    start: start_sasl,
    ready: |launch| {
        let stat = [[0x80, 0x10].as_slice(), &[0; 22]].concat();
        says(launch, &stat, "Auth failure.")
    },
    ..State::PLAIN
};

fn start(launch: &Launch, extra: &[&str]) -> Result<Vec<Child>, Error> {
    let mut command = launch.command(Account::Nobody, "memcached")?;
    command.env("SASL_CONF_PATH", launch.data.join("sasl"));
    command.args(["-l", &launch.place.bind.to_string(), "-p", &launch.port(0).to_string()]);
    command.args(["-U", "0", "-m", "32"]).args(extra);
    Ok(vec![launch.spawn(command)?])
}

fn start_sasl(launch: &Launch) -> Result<Vec<Child>, Error> {
    let folder = launch.folder("sasl", Account::Nobody)?;
    let users = folder.join("users").display().to_string();
    launch.write("sasl/memcached.conf", &format!("mech_list: plain\nsasldb_path: {users}\n"))?;
    let mut command = launch.command(Account::Nobody, "saslpasswd2")?;
    command.args(["-p", "-a", "memcached", "-c", "-f", &users, "lab"]);
    run(command, "secret")?;
    start(launch, &["-S"])
}

fn says(launch: &Launch, request: &[u8], part: &str) -> io::Result<()> {
    let holds = |answer: &[u8]| String::from_utf8_lossy(answer).contains(part);
    let answer = launch.talk(request, holds)?;
    expect(part, &answer, holds(&answer))
}

fn seed(launch: &Launch) -> io::Result<Seeded> {
    let request = b"set lab1 0 0 1\r\n1\r\nset lab2 0 0 1\r\n2\r\nquit\r\n";
    let answer = launch.talk(request, |_| false)?;
    expect("twice STORED", &answer, answer == b"STORED\r\nSTORED\r\n")?;
    Ok(Seeded::from([("items", 2)]))
}
