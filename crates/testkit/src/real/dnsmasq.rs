//! dnsmasq: a name server, which is no store. It has nobody to ask, and says so.

use super::wire::expect;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] = &[PLAIN];

/// Answers, and knows nothing.
const PLAIN: State = State {
    name: "dnsmasq",
    expect: &[("main", "UNKNOWN")],
    start,
    ready: |launch| {
        // The root's name servers, number 7.
        let question = b"\0\x11\0\x07\0\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01";
        let answer = launch.talk(question, |answer| answer.len() >= 14)?;
        expect("an answer with number 7", &answer, answer.get(2..4) == Some(&[0, 7]))
    },
    ..State::PLAIN
};

fn start(launch: &Launch) -> Result<Vec<Child>, Error> {
    let file = launch.write("dnsmasq.conf", "")?;
    let mut command = launch.command(Account::Nobody, "dnsmasq")?;
    command.args(["--keep-in-foreground", "--bind-interfaces", "--no-resolv", "--no-hosts", "--pid-file="]);
    command.args(["--log-facility=-", &format!("--conf-file={}", file.display())]);
    command.args([format!("--port={}", launch.port(0)), format!("--listen-address={}", launch.place.bind)]);
    Ok(vec![launch.spawn(command)?])
}
