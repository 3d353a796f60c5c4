//! Samba: a share for guests, a null session that only lists shares, guests without a list, and nothing for strangers.

use std::io;

use super::wire::expect;
use super::{Error, Launch, State};
use crate::process::{Account, Child, find};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, WRITABLE, NULLSESSION, GUEST, PROTECTED];

/// Guests may read.
const OPEN: State = State {
    name: "samba-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "map to guest = Bad User\n", "guest ok = yes\n"),
    ready,
    ..State::PLAIN
};

/// Guests may write, over the newest dialect alone.
const WRITABLE: State = State {
    name: "samba-writable",
    expect: &[("main", "OPEN")],
    start: |launch| {
        let global = "map to guest = Bad User\nserver min protocol = SMB3_11\n";
        start(launch, global, "guest ok = yes\nread only = no\n")
    },
    ready,
    ..State::PLAIN
};

/// A session without a login lists the shares and enters none.
const NULLSESSION: State = State {
    name: "samba-nullsession",
    expect: &[("main", "OPEN_PARTIAL")],
    start: |launch| start(launch, "map to guest = Never\n", "guest ok = no\n"),
    ready,
    ..State::PLAIN
};

/// Unknown users are guests, but are told no names of shares.
const GUEST: State = State {
    name: "samba-guest",
    expect: &[("main", "OPEN_PARTIAL")],
    start: |launch| start(launch, "map to guest = Bad User\nrestrict anonymous = 2\n", "guest ok = yes\n"),
    ready,
    ..State::PLAIN
};

/// A session without a login is granted, and then refused everything.
const PROTECTED: State = State {
    name: "samba-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| {
        let global = "map to guest = Never\nrestrict anonymous = 2\nserver signing = mandatory\n";
        start(launch, global, "guest ok = no\n")
    },
    ready,
    ..State::PLAIN
};

/// Offers SMB 2 in the words of SMB 1, which every version answers, if only with a refusal.
fn ready(launch: &Launch) -> io::Result<()> {
    let hello =
        [b"\0\0\0\x2e\xffSMBr\0\0\0\0\x18\x01\x28".as_slice(), &[0; 21], b"\x0b\0\x02SMB 2.002\0"].concat();
    let holds = |answer: &[u8]| answer.get(5..8) == Some(b"SMB");
    let answer = launch.talk(&hello, holds)?;
    expect("SMB", &answer, holds(&answer))
}

fn start(launch: &Launch, global: &str, share: &str) -> Result<Vec<Child>, Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::NeedsRoot("smbd".into()));
    }
    let folder = |name: &str| Ok::<_, Error>(launch.folder(name, Account::Nobody)?.display().to_string());
    let shared = folder("share")?;
    launch.write("share/hello.txt", "hello\n")?;
    let mut config = format!(
        "[global]\nworkgroup = LAB\ninterfaces = {}\nbind interfaces only = yes\nsmb ports = {}\n\
         disable netbios = yes\nload printers = no\nprinting = bsd\nprintcap name = /dev/null\n{global}",
        launch.place.bind,
        launch.port(0)
    );
    for name in ["private", "lock", "state", "cache", "pid", "ncalrpc"] {
        let path = launch.folder(name, Account::Root)?;
        let word = if name == "private" || name == "ncalrpc" { "dir" } else { "directory" };
        config.push_str(&format!("{name} {word} = {}\n", path.display()));
    }
    config.push_str(&format!("[pub]\npath = {shared}\n{share}"));
    let config = launch.write("smb.conf", &config)?;
    // Its helpers leave its process group; in a name space of process ids they end with it.
    let mut command = launch.command(Account::Root, "unshare")?;
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]).arg(find("smbd")?);
    command.args(["--foreground", "--no-process-group", "--debug-stdout"]);
    command.arg(format!("--configfile={}", config.display()));
    Ok(vec![launch.spawn(command)?])
}
