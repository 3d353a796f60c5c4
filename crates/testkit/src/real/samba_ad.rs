//! Samba as the domain controller of an Active Directory: it lets everyone bind, tells everyone its root DSE, and then
//! refuses the search, as Microsoft's own does.

use super::wire::expect;
use super::{Error, Launch, State};
use crate::process::{Account, Child, run};

/// Every state.
pub(super) const STATES: &[State] = &[PROTECTED];

/// LDAP, LDAP over TLS, and both for the global catalogue. Its ports cannot be chosen.
const PROTECTED: State = State {
    name: "samba-ad-protected",
    ports: &[("ldap", 0), ("ldaps", 247), ("catalogue", 2879), ("catalogue over TLS", 2880)],
    expect: &[
        ("main", "PROTECTED"),
        ("ldaps", "PROTECTED"),
        ("catalogue", "PROTECTED"),
        ("catalogue over TLS", "PROTECTED"),
    ],
    fixed: Some(389),
    alone: true,
    everywhere: true,
    rare: true,
    start,
    ready: |launch| {
        // An anonymous bind, which it accepts.
        let request = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";
        let answer = launch.talk(request, |answer| answer.len() >= 14)?;
        let accepted = [0x0a, 1, 0];
        expect("result 0", &answer, answer.windows(3).any(|part| part == accepted))
    },
    ..State::PLAIN
};

fn start(launch: &Launch) -> Result<Vec<Child>, Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::NeedsRoot("samba".into()));
    }
    let bind = launch.place.bind;
    let folder = launch.data.join("ad");
    let options = [
        format!("--option=interfaces={bind}/32"),
        "--option=bind interfaces only=yes".into(),
        format!("--option=log file={}", launch.log.display()),
    ];
    let mut provision = launch.command(Account::Root, "samba-tool")?;
    provision.args(["domain", "provision", "--realm=LAB.TEST", "--domain=LAB", "--server-role=dc"]);
    provision.args(["--dns-backend=NONE", "--host-name=dc1", "--adminpass=Lab-secret1"]);
    provision.arg(format!("--host-ip={bind}")).arg(format!("--targetdir={}", folder.display()));
    provision.args(&options);
    run(provision, "")?;
    let mut command = launch.command(Account::Root, "samba")?;
    command.args(["--interactive", "--debug-stdout", "--model=single", "--option=server services=ldap"]);
    command.args(&options).arg(format!("--configfile={}", folder.join("etc/smb.conf").display()));
    Ok(vec![launch.spawn(command)?])
}
