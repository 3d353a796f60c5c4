//! The monitor of Alibaba's connection pool Druid: open, with a login, and for other addresses only.

use super::lab::{folder, java};
use super::wire::Request;
use super::{Error, Launch, State};
use crate::process::Child;

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, ELSEWHERE];

const SOURCES: &str = "/druid/datasource.json";

/// No login is set.
const OPEN: State = State {
    name: "alibaba-druid-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, &[]),
    ready: |launch| launch.http(0, &Request::get(SOURCES))?.expect(200, "\"ResultCode\":1").map(drop),
    ..State::PLAIN
};

/// A login is set.
const PROTECTED: State = State {
    name: "alibaba-druid-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, &["loginUsername", "admin", "loginPassword", "lab-secret"]),
    ready: |launch| launch.http(0, &Request::get(SOURCES))?.expect(302, "login.html").map(drop),
    ..State::PLAIN
};

/// Only one other address is permitted.
const ELSEWHERE: State = State {
    name: "alibaba-druid-nohost",
    expect: &[("main", "NETWORK_RESTRICTED")],
    start: |launch| start(launch, &["allow", "192.0.2.1"]),
    ready: |launch| launch.http(0, &Request::get(SOURCES))?.expect(200, "not permitted").map(drop),
    ..State::PLAIN
};

fn start(launch: &Launch, parameters: &[&str]) -> Result<Vec<Child>, Error> {
    let home = folder("alibaba-druid")?;
    let mut command = java(launch)?;
    command.args(["-Xms64m", "-Xmx128m", "-cp"]).arg(format!("{0}:{0}/lib/*", home.display())).arg("Main");
    command.args([launch.place.bind.to_string(), launch.port(0).to_string()]).args(parameters);
    Ok(vec![launch.spawn(command)?])
}
