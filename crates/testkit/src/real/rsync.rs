//! The rsync daemon: open, with users, for other addresses, with a list that hides its module, and with several
//! modules behind a message of the day.

use std::io;

use super::wire::expect;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, DENIED, UNLISTED, MIXED];

/// Everyone may read.
const OPEN: State = State {
    name: "rsync-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "", ""),
    ready: |launch| enters(launch, "@RSYNCD: OK"),
    ..State::PLAIN
};

/// The module is listed for everyone, and demands a user.
const PROTECTED: State = State {
    name: "rsync-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, "", &users(launch)?),
    ready: |launch| enters(launch, "@RSYNCD: AUTHREQD"),
    ..State::PLAIN
};

/// The module is listed for everyone, and lets no address in.
const DENIED: State = State {
    name: "rsync-denied",
    expect: &[("main", "NETWORK_RESTRICTED")],
    start: |launch| start(launch, "", "hosts deny = *\n"),
    ready: |launch| enters(launch, "@ERROR: access denied"),
    ..State::PLAIN
};

/// Open to those who know its name.
const UNLISTED: State = State {
    name: "rsync-unlisted",
    expect: &[("main", "UNKNOWN")],
    start: |launch| start(launch, "", "list = no\n"),
    ready: |launch| enters(launch, "@RSYNCD: OK"),
    ..State::PLAIN
};

/// One open module behind one with users; the message of the day has lines that look like modules.
const MIXED: State = State {
    name: "rsync-mixed",
    expect: &[("main", "OPEN")],
    start: |launch| {
        let message = launch.write("motd", "Welcome.\nrules:\tbe kind\n\n")?;
        let other = format!("[other files]\npath = {}\n", launch.data.join("pub").display());
        start(launch, &format!("motd file = {}\n", message.display()), &format!("{}{other}", users(launch)?))
    },
    ready: |launch| enters(launch, "@RSYNCD: AUTHREQD"),
    ..State::PLAIN
};

fn users(launch: &Launch) -> Result<String, Error> {
    let file = launch.write_secret("secrets", "lab:lab-secret\n", Account::Nobody)?;
    Ok(format!("auth users = lab\nsecrets file = {}\n", file.display()))
}

fn start(launch: &Launch, general: &str, module: &str) -> Result<Vec<Child>, Error> {
    let folder = launch.folder("pub", Account::Nobody)?;
    launch.write("pub/hello.txt", "hello\n")?;
    let (address, port, folder) = (launch.place.bind, launch.port(0), folder.display());
    let text = format!(
        "address = {address}\nport = {port}\nuse chroot = no\nreverse lookup = no\n{general}\
         [pub]\npath = {folder}\ncomment = lab module\nread only = yes\n{module}"
    );
    let file = launch.write("rsyncd.conf", &text)?;
    let mut command = launch.command(Account::Nobody, "rsync")?;
    command.args(["--daemon", "--no-detach"]).arg(format!("--config={}", file.display()));
    Ok(vec![launch.spawn(command)?])
}

/// Asks for the module `pub`.
fn enters(launch: &Launch, part: &str) -> io::Result<()> {
    let holds = |answer: &[u8]| String::from_utf8_lossy(answer).contains(part);
    let answer = launch.talk(b"@RSYNCD: 31.0\npub\n", holds)?;
    expect(part, &answer, holds(&answer))
}
