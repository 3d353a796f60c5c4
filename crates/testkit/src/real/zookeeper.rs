//! ZooKeeper, Debian's and a newer one: open, with the four-letter words shut, with SASL demanded, and with permissions
//! on `/` that what is below does not have.

use std::io::{self, Write as _};

use super::lab::{folder, java};
use super::wire::{expect, read_until};
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child};

const DEBIAN: &str = "/usr/share/java/zookeeper.jar";

/// Every state.
pub(super) const STATES: &[State] = &[DEFAULT, OPEN, PROTECTED, PERMISSIONS, NEWER_OPEN, NEWER_PROTECTED];

/// As it is by default: of the words only `srvr` is answered, and everyone gets the data.
const DEFAULT: State = State {
    name: "zookeeper-default",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, &debian()?, ""),
    ready: serves,
    seed: |launch| {
        create(launch)?;
        Ok(Seeded::from([("top_nodes", 1)]))
    },
    ..State::PLAIN
};

/// With every word answered.
const OPEN: State = State {
    name: "zookeeper-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, &debian()?, "4lw.commands.whitelist=*\n"),
    ready: serves,
    ..State::PLAIN
};

/// Every session must log in.
const PROTECTED: State = State {
    name: "zookeeper-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, &debian()?, SASL),
    ready: serves,
    ..State::PLAIN
};

/// Strangers are refused at `/` alone.
const PERMISSIONS: State = State {
    name: "zookeeper-permissions",
    expect: &[("main", "OPEN_PARTIAL")],
    start: |launch| start(launch, &debian()?, ""),
    ready: serves,
    seed: |launch| {
        restrict(launch)?;
        Ok(Seeded::new())
    },
    ..State::PLAIN
};

const NEWER_OPEN: State = State {
    name: "zookeeper39-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, &newer()?, ""),
    ready: serves,
    ..State::PLAIN
};

const NEWER_PROTECTED: State = State {
    name: "zookeeper39-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, &newer()?, SESSION_SASL),
    ready: serves,
    ..State::PLAIN
};

/// The two settings by which a login can be demanded.
const SASL: &str = "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider\n\
                    enforce.auth.enabled=true\nenforce.auth.schemes=sasl\n";
const SESSION_SASL: &str = "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider\n\
                            sessionRequireClientSASLAuth=true\n";

fn debian() -> Result<String, Error> {
    match std::path::Path::new(DEBIAN).exists() {
        true => Ok(DEBIAN.to_owned()),
        false => Err(Error::NotInstalled("the package zookeeper".to_owned())),
    }
}

fn newer() -> Result<String, Error> {
    Ok(format!("{}/lib/*", folder("zookeeper39")?.display()))
}

fn start(launch: &Launch, jars: &str, more: &str) -> Result<Vec<Child>, Error> {
    let data = launch.folder("data", Account::Nobody)?;
    let config = format!(
        "tickTime=2000\ndataDir={}\nclientPort={}\nclientPortAddress={}\nadmin.enableServer=false\n{more}",
        data.display(),
        launch.port(0),
        launch.bind()
    );
    let config = launch.write("zoo.cfg", &config)?;
    launch.write("logback.xml", "<configuration><root level=\"WARN\"/></configuration>\n")?;
    let module = "org.apache.zookeeper.server.auth.DigestLoginModule required user_lab=\"lab-secret\"";
    let users = launch.write("jaas.conf", &format!("Server {{ {module}; }};\n"))?;
    let mut command = java(launch)?;
    command.arg(format!("-Djava.security.auth.login.config={}", users.display()));
    command.arg("-cp").arg(format!("{}:{jars}", launch.data.display()));
    command.arg("org.apache.zookeeper.server.quorum.QuorumPeerMain").arg(config);
    Ok(vec![launch.spawn(command)?])
}

fn serves(launch: &Launch) -> io::Result<()> {
    let answer = launch.talk(b"srvr", |_| false)?;
    expect("a mode", &answer, answer.windows(5).any(|part| part == b"Mode:"))
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&i32::try_from(bytes.len()).unwrap_or_default().to_be_bytes(), bytes].concat()
}

/// A request: number, kind, body.
fn request(number: i32, kind: i32, body: &[&[u8]]) -> Vec<u8> {
    long(&[&number.to_be_bytes(), kind.to_be_bytes().as_slice(), &body.concat()].concat())
}

/// Everything for one name of a scheme.
fn permissions(scheme: &str, id: &str) -> Vec<u8> {
    [&1_i32.to_be_bytes(), 31_i32.to_be_bytes().as_slice(), &long(scheme.as_bytes()), &long(id.as_bytes())]
        .concat()
}

/// Opens a session and sends requests; each must be answered without an error.
fn session(launch: &Launch, requests: &[Vec<u8>]) -> io::Result<()> {
    let zeros = [0; 16];
    let connect = [&zeros[..12], &4000_i32.to_be_bytes(), &zeros[..8], &long(&zeros), &[0]].concat();
    let mut stream = launch.dial(0)?;
    for (index, request) in [&[long(&connect)], requests].concat().iter().enumerate() {
        stream.write_all(request)?;
        stream.flush()?;
        let whole = |answer: &[u8]| {
            answer.first_chunk().is_some_and(|length| {
                answer.len() as u64 >= u64::from(u32::from_be_bytes(*length)).saturating_add(4)
            })
        };
        let answer = read_until(&mut stream, whole)?;
        let fine = index == 0 || answer.get(16..20) == Some(&[0; 4]);
        expect("no error", &answer, fine)?;
    }
    Ok(())
}

fn close() -> Vec<u8> {
    request(9, -11, &[])
}

/// A node `/lab` for everyone.
fn create(launch: &Launch) -> io::Result<()> {
    let body = [long(b"/lab"), long(b"value"), permissions("world", "anyone"), vec![0; 4]].concat();
    session(launch, &[request(1, 1, &[&body]), close()])
}

/// Keeps `/` for a user `lab`.
fn restrict(launch: &Launch) -> io::Result<()> {
    let user = [vec![0; 4], long(b"digest"), long(b"lab:lab-secret")].concat();
    let rule = [long(b"/"), permissions("auth", ""), vec![0xff; 4]].concat();
    session(launch, &[request(-4, 100, &[&user]), request(1, 7, &[&rule]), close()])
}
