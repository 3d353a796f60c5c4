//! MariaDB: root without a password, no grant tables, a password, no account for the client's host, and an
//! account without a name.

use std::io;

use super::certs::Authority;
use super::wire::expect;
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child, run};

const ACCOUNT: Account = Account::Named("mysql");
/// Root may come from any host, so that the state is the same from every vantage.
const ROOT: &str = "CREATE USER root@'%' IDENTIFIED BY 'lab-secret';\nGRANT ALL ON *.* TO root@'%';\n";
const CONTENT: &str = "CREATE DATABASE lab;\nCREATE TABLE lab.customers (n INT);\n\
                       INSERT INTO lab.customers VALUES (1), (2), (3), (4), (5);\n";
/// Error 1045, access denied.
const DENIED: &[u8] = b"\xff\x15\x04";

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, SKIPGRANT, PROTECTED, TLS, NOHOST, ANONYMOUS];

/// Root has no password.
const OPEN: State = State {
    name: "mariadb-open",
    expect: &[("main", "OPEN")],
    start: |launch| {
        let root = "CREATE USER root@'%';\nGRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;\n";
        start(launch, &format!("{root}{CONTENT}"), &[])
    },
    ready: |launch| expect_logins(launch, &[("root", b"\0"), ("stranger", DENIED)]),
    seed: |_| Ok(seeded()),
    ..State::PLAIN
};

/// Any name is let in (`--skip-grant-tables`).
const SKIPGRANT: State = State {
    name: "mariadb-skipgrant",
    expect: &[("main", "OPEN")],
    start: |launch| start_with(launch, CONTENT, &["--skip-grant-tables", "--skip-networking=0"]),
    ready: |launch| expect_logins(launch, &[("root", b"\0"), ("stranger", b"\0")]),
    seed: |_| Ok(seeded()),
    ..State::PLAIN
};

/// Root has a password and nobody else an account.
pub(super) const PROTECTED: State = State {
    name: "mariadb-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, ROOT, &[]),
    ready: |launch| expect_logins(launch, &[("root", DENIED), ("stranger", DENIED)]),
    ..State::PLAIN
};

/// As [`PROTECTED`], and TLS is offered. For readers with a login: a probe is told nothing else than there.
const TLS: State = State {
    name: "mariadb-tls",
    start: |launch| {
        Authority::new(launch)?.issue(launch, "server", ACCOUNT)?;
        let file = |option: &str, name: &str| format!("--{option}={}", launch.data.join(name).display());
        start(launch, ROOT, &[&file("ssl-cert", "server.pem"), &file("ssl-key", "server.key")])
    },
    ready: |launch| expect_logins(launch, &[("root", DENIED), ("stranger", DENIED)]),
    ..State::PLAIN
};

/// No account matches the client's address: error 1130 in place of a greeting.
const NOHOST: State = State {
    name: "mariadb-nohost",
    expect: &[("main", "NETWORK_RESTRICTED")],
    start: |launch| start(launch, "", &["--skip-name-resolve"]),
    ready: |launch| {
        let answer = launch.talk(b"", |answer| answer.len() > 7)?;
        expect("error 1130", &answer, answer.get(4..7) == Some(b"\xff\x6a\x04"))
    },
    ..State::PLAIN
};

/// An account without a name lets in whoever has none of their own; root has a password.
const ANONYMOUS: State = State {
    name: "mariadb-anonymous",
    expect: &[("main", "OPEN_PARTIAL")],
    start: |launch| start(launch, &format!("{ROOT}CREATE USER ''@'%';\n"), &[]),
    ready: |launch| expect_logins(launch, &[("root", DENIED), ("stranger", b"\0")]),
    ..State::PLAIN
};

/// Runs `statements` before the first connection, on grant tables without the accounts of the installation.
fn start(launch: &Launch, statements: &str, extra: &[&str]) -> Result<Vec<Child>, Error> {
    let empty = "DELETE FROM mysql.global_priv WHERE User IN ('', 'root');\nFLUSH PRIVILEGES;\n";
    start_with(launch, &format!("{empty}{statements}"), extra)
}

fn start_with(launch: &Launch, statements: &str, extra: &[&str]) -> Result<Vec<Child>, Error> {
    let folder = launch.folder("data", ACCOUNT)?;
    let data = format!("--datadir={}", folder.display());
    let mut install = launch.command(ACCOUNT, "mariadb-install-db")?;
    install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", &data]);
    run(install, "")?;
    let statements = launch.write("first.sql", statements)?;
    let file = |name: &str| folder.join(name).display().to_string();
    let mut server = launch.command(ACCOUNT, "mariadbd")?;
    server.args(["--no-defaults", &data, &format!("--init-file={}", statements.display())]);
    server.args([format!("--bind-address={}", launch.place.bind), format!("--port={}", launch.port(0))]);
    server.args([format!("--socket={}", file("socket")), format!("--pid-file={}", file("pid"))]);
    server.args(["--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M"]).args(extra);
    if !launch.place.bind.is_loopback() {
        // No resolver knows the addresses of our namespaces.
        server.arg("--skip-name-resolve");
    }
    Ok(vec![launch.spawn(server)?])
}

fn expect_logins(launch: &Launch, logins: &[(&str, &[u8])]) -> io::Result<()> {
    for (user, wanted) in logins {
        let answer = login(launch, user)?;
        expect(&format!("{} for {user}", wanted.escape_ascii()), &answer, answer.starts_with(wanted))?;
    }
    Ok(())
}

/// Logs in without a password and returns the payload of the server's answer.
fn login(launch: &Launch, user: &str) -> io::Result<Vec<u8>> {
    let mut stream = launch.dial(0)?;
    let greeting = packet(&mut stream)?;
    expect("a greeting", &greeting, greeting.first() == Some(&10))?;
    // Long password, protocol 4.1, secure connection, plugin name; packets up to 16 MiB; utf8.
    let mut payload = vec![0x01, 0x82, 0x08, 0, 0, 0, 0, 1, 33];
    payload.extend([0; 23]);
    payload.extend([user.as_bytes(), b"\0\0mysql_native_password\0"].concat());
    let length = u8::try_from(payload.len()).map_err(io::Error::other)?;
    stream.write_all(&[&[length, 0, 0, 1], payload.as_slice()].concat())?;
    stream.flush()?;
    packet(&mut stream)
}

fn packet(stream: &mut impl io::Read) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let [low, middle, high, _] = head;
    let mut payload = vec![0; u32::from_le_bytes([low, middle, high, 0]) as usize];
    stream.read_exact(&mut payload)?;
    Ok(payload)
}

/// What [`CONTENT`] makes.
fn seeded() -> Seeded {
    Seeded::from([("databases", 1), ("tables", 1), ("rows", 5)])
}
