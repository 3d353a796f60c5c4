//! InfluxDB 1: open, as it is by default; with a login; and with a login that nobody has yet, so that the first comer
//! makes the administrator.

use std::io;

use super::wire::Request;
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child};

const PORTS: &[(&str, u16)] = &[("http", 0), ("backup", 1)];

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, NO_USER];

/// Everyone may query and write.
const OPEN: State = State {
    name: "influxdb-open",
    ports: PORTS,
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, false),
    ready,
    seed: |launch| {
        query(launch, "q=CREATE DATABASE customers", 200, "statement_id")?;
        // Its own, `_internal`, is off.
        query(launch, "q=SHOW DATABASES", 200, "customers")?;
        Ok(Seeded::from([("databases", 1)]))
    },
    ..State::PLAIN
};

/// A login is demanded, and there is one. The variables of the process stay open.
const PROTECTED: State = State {
    name: "influxdb-protected",
    ports: PORTS,
    expect: &[("main", "PROTECTED|OPEN_PARTIAL")],
    start: |launch| start(launch, true),
    ready,
    seed: |launch| {
        query(
            launch,
            "q=CREATE USER lab WITH PASSWORD 'lab-secret' WITH ALL PRIVILEGES",
            200,
            "statement_id",
        )?;
        query(launch, "q=SHOW DATABASES", 401, "credentials")?;
        Ok(Seeded::new())
    },
    ..State::PLAIN
};

/// A login is demanded, and there is none.
const NO_USER: State = State {
    name: "influxdb-nouser",
    ports: PORTS,
    expect: &[("main", "UNINITIALISED")],
    start: |launch| start(launch, true),
    ready: |launch| {
        ready(launch)?;
        query(launch, "q=SHOW DATABASES", 403, "create admin user first")
    },
    ..State::PLAIN
};

fn start(launch: &Launch, login: bool) -> Result<Vec<Child>, Error> {
    let folder = launch.folder("data", Account::Nobody)?;
    let folder = folder.display();
    let config = format!(
        "reporting-disabled = true\nbind-address = \"{}\"\n[meta]\ndir = \"{folder}/meta\"\n\
         [data]\ndir = \"{folder}/data\"\nwal-dir = \"{folder}/wal\"\n\
         [http]\nbind-address = \"{}\"\nauth-enabled = {login}\nlog-enabled = false\n\
         [monitor]\nstore-enabled = false\n",
        launch.address(1),
        launch.address(0)
    );
    let file = launch.write("influxdb.conf", &config)?;
    let mut command = launch.command(Account::Nobody, "influxd")?;
    command.arg("run").arg("-config").arg(file);
    Ok(vec![launch.spawn(command)?])
}

fn ready(launch: &Launch) -> io::Result<()> {
    launch.http(0, &Request::get("/ping"))?.expect(204, "X-Influxdb-Version").map(drop)
}

/// Sends a form, as the interface wants it for what changes something.
fn query(launch: &Launch, form: &str, status: u16, part: &str) -> io::Result<()> {
    let form = form.replace(' ', "+").replace('\'', "%27");
    launch.http(0, &Request::with_body("POST", "/query", &form))?.expect(status, part).map(drop)
}
