//! Mosquitto, a broker of MQTT: open, behind a login, and letting strangers in who may read nothing.

use super::wire::expect;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

/// User `lab`, password `lab-secret`, as `mosquitto_passwd` keeps it.
const USERS: &str = "lab:$7$101$5PD2Q/g/xb1vpBVS$LIRkjDiA9l5FWRMxnvs0h5vOKPoY9Knfkk8AO9RwyX3MeOue0XtWTYisFn7XbN8PqjsZgNpRYxwFW0EQV+pMrg==\n";
/// CONNECT of MQTT 3.1.1, client `kit`.
const CONNECT: &[u8] = b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x05\x00\x03kit";

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, ACL];

/// Everyone connects, reads and writes.
const OPEN: State = State {
    name: "mosquitto-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "allow_anonymous true\n"),
    ready: |launch| answers(launch, 0),
    ..State::PLAIN
};

/// A login is demanded.
const PROTECTED: State = State {
    name: "mosquitto-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| {
        let users = launch.write_secret("users", USERS, Account::Named("mosquitto"))?;
        start(launch, &format!("allow_anonymous false\npassword_file {}\n", users.display()))
    },
    ready: |launch| answers(launch, 5),
    ..State::PLAIN
};

/// Strangers connect and subscribe; the access list lets nothing be delivered to them.
const ACL: State = State {
    name: "mosquitto-acl",
    expect: &[("main", "OPEN_PARTIAL")],
    start: |launch| {
        let list =
            launch.write_secret("acl", "user lab\ntopic readwrite #\n", Account::Named("mosquitto"))?;
        start(launch, &format!("allow_anonymous true\nacl_file {}\n", list.display()))
    },
    ready: |launch| answers(launch, 0),
    ..State::PLAIN
};

fn start(launch: &Launch, settings: &str) -> Result<Vec<Child>, Error> {
    let listener = format!("listener {} {}\n", launch.port(0), launch.place.bind);
    let config = format!("{listener}persistence false\nsys_interval 1\n{settings}");
    let config = launch.write("mosquitto.conf", &config)?;
    let mut command = launch.command(Account::Named("mosquitto"), "mosquitto")?;
    command.arg("-c").arg(config);
    Ok(vec![launch.spawn(command)?])
}

fn answers(launch: &Launch, reason: u8) -> std::io::Result<()> {
    let answer = launch.talk(CONNECT, |answer| answer.len() >= 4)?;
    expect("CONNACK", &answer, answer == [0x20, 2, 0, reason])
}
