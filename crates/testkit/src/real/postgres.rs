//! PostgreSQL 15: one server per way in which `pg_hba.conf` can treat a stranger.

use std::io;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use super::certs::Authority;
use super::wire::expect;
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child, run};

/// It refuses to run as root.
const ACCOUNT: Account = Account::Named("postgres");
/// Where Debian has the programs, which are on no path.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// Protocol 3.0: user and database `postgres`.
const STARTUP: &[u8] = b"\x00\x00\x00\x29\x00\x03\x00\x00user\0postgres\0database\0postgres\0\0";
const SSL_REQUEST: &[u8] = b"\x00\x00\x00\x08\x04\xd2\x16\x2f";
/// Ready for a query: the only proof of a login.
const READY: &[u8] = b"Z\x00\x00\x00\x05I";

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, NOHBA, HOSTSSL, CLEARTEXT, MD5];

/// Everyone is whoever they say (`trust`).
const OPEN: State = State {
    name: "postgres-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "host", Some("trust")),
    ready: |launch| {
        answers(launch, "a login", |answer| answer.windows(READY.len()).any(|part| part == READY))
    },
    seed,
    ..State::PLAIN
};

/// A password by SCRAM, the default.
const PROTECTED: State = State {
    name: "postgres-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, "host", Some("scram-sha-256")),
    ready: |launch| asks(launch, 10),
    ..State::PLAIN
};

/// A password by MD5, as before version 14.
const MD5: State = State {
    name: "postgres-md5",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, "host", Some("md5")),
    ready: |launch| asks(launch, 5),
    ..State::PLAIN
};

/// A password in clear text.
const CLEARTEXT: State = State {
    name: "postgres-cleartext",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, "host", Some("password")),
    ready: |launch| asks(launch, 3),
    ..State::PLAIN
};

/// No entry for any address.
const NOHBA: State = State {
    name: "postgres-nohba",
    expect: &[("main", "NETWORK_RESTRICTED")],
    start: |launch| start(launch, "host", None),
    ready: no_entry,
    ..State::PLAIN
};

/// No entry without TLS, and `trust` inside it: a door that plain TCP does not show.
const HOSTSSL: State = State {
    name: "postgres-hostssl",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "hostssl", Some("trust")),
    ready: |launch| {
        no_entry(launch)?;
        let answer = launch.talk(SSL_REQUEST, |answer| !answer.is_empty())?;
        expect("S", &answer, answer == b"S")?;
        query(launch, "sslmode=require", "SELECT 1")
    },
    ..State::PLAIN
};

/// `kind` and `method` are words of `pg_hba.conf`; no method means no line for addresses.
fn start(launch: &Launch, kind: &str, method: Option<&str>) -> Result<Vec<Child>, Error> {
    let folder = launch.folder("data", ACCOUNT)?;
    let password = launch.write("password", "lab-secret\n")?;
    let mut initialise = program(launch, "initdb")?;
    // The password is kept in the form that this method needs.
    initialise.args(["-N", "-U", "postgres", "-A", method.unwrap_or("trust"), "-D"]).arg(&folder);
    initialise.args(["--encoding=UTF8", "--locale=C", "--pwfile"]).arg(&password);
    run(initialise, "")?;
    let line = |method| format!("{kind} all all 0.0.0.0/0 {method}\n{kind} all all ::/0 {method}\n");
    let entries = format!("local all all trust\n{}", method.map(line).unwrap_or_default());
    launch.write("data/pg_hba.conf", &entries)?;
    let mut server = program(launch, "postgres")?;
    server.arg("-D").arg(&folder).args(["-p", &launch.port(0).to_string(), "-c", "fsync=off", "-c"]);
    server.arg(format!("listen_addresses={}", launch.place.bind));
    server.args(["-c", &format!("unix_socket_directories={}", folder.display())]);
    if kind == "hostssl" {
        Authority::new(launch)?.issue(launch, "server", ACCOUNT)?;
        let file = |name: &str| launch.data.join(name).display().to_string();
        server.args(["-c", "ssl=on", "-c", &format!("ssl_cert_file={}", file("server.pem"))]);
        server.args(["-c", &format!("ssl_key_file={}", file("server.key"))]);
    }
    // SIGTERM would wait for clients to leave.
    Ok(vec![launch.spawn(server)?.ended_by(Signal::SIGINT)])
}

fn program(launch: &Launch, name: &str) -> Result<Command, Error> {
    launch.command(ACCOUNT, &Path::new(PROGRAMS).join(name).display().to_string())
}

/// Logs in as a client over TCP, which also works where TLS is needed.
fn query(launch: &Launch, option: &str, statement: &str) -> io::Result<()> {
    let address = launch.address(0);
    let place = format!("host={} port={} user=postgres {option}", address.ip(), address.port());
    let mut client = program(launch, "psql").map_err(io::Error::other)?;
    client.args(["-q", "-w", "-X", "-v", "ON_ERROR_STOP=1", &place]);
    run(client, statement).map(drop).map_err(io::Error::other)
}

fn answers(launch: &Launch, what: &str, holds: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    let answer = launch.talk(STARTUP, &holds)?;
    expect(what, &answer, holds(&answer))
}

/// An authentication request with this code.
fn asks(launch: &Launch, code: u8) -> io::Result<()> {
    answers(launch, &format!("authentication request {code}"), |answer| {
        answer.first() == Some(&b'R') && answer.get(5..9) == Some(&[0, 0, 0, code])
    })
}

fn no_entry(launch: &Launch) -> io::Result<()> {
    answers(launch, "no pg_hba.conf entry", |answer| {
        String::from_utf8_lossy(answer).contains("no pg_hba.conf entry")
    })
}

fn seed(launch: &Launch) -> io::Result<Seeded> {
    query(launch, "dbname=postgres", "CREATE DATABASE lab")?;
    query(launch, "dbname=lab", "CREATE TABLE customers AS SELECT generate_series(1, 5) AS n")?;
    Ok(Seeded::from([("databases", 1), ("tables", 1), ("rows", 5)]))
}
