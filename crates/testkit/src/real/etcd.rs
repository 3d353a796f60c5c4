//! etcd 3.4: open in both versions of its interface, open in the newer one, and with users, which only the
//! newer one asks for. etcd 3.5 and 3.6, where the older interface is off or gone.

use std::io;

use super::wire::Request;
use super::{Error, Launch, Seeded, State, lab};
use crate::process::{Account, Child};

const PORTS: &[(&str, u16)] = &[("client", 0), ("peer", 1)];
/// Counts all keys.
const COUNT: Request<'_> = Request {
    method: "POST",
    path: "/v3/kv/range",
    body: r#"{"key":"AA==","range_end":"AA==","count_only":true}"#,
    login: None,
    trust: None,
};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, OPEN_NOV2, PROTECTED, OPEN35, PROTECTED35, OPEN36, PROTECTED36];

/// Everything is open.
const OPEN: State = State {
    name: "etcd-open",
    expect: &[("main", "OPEN")],
    ports: PORTS,
    start: |launch| start(launch, true),
    ready: healthy,
    seed: |launch| {
        send(launch, "PUT", "/v2/keys/lab", "value=1", 201)?;
        Ok(Seeded::from([("v2_keys", 1)]).into_iter().chain(seed(launch)?).collect())
    },
    ..State::PLAIN
};

/// The interface of version 2 is off, as it is by default.
const OPEN_NOV2: State = State {
    name: "etcd-open-nov2",
    expect: &[("main", "OPEN")],
    ports: PORTS,
    start: |launch| start(launch, false),
    ready: healthy,
    seed,
    ..State::PLAIN
};

/// Users are on, and version 2 beside them is open all the same.
const PROTECTED: State = State {
    name: "etcd-protected",
    expect: &[("main", "OPEN")],
    ports: PORTS,
    start: |launch| start(launch, true),
    ready: healthy,
    seed: |launch| {
        send(launch, "PUT", "/v2/keys/lab", "value=1", 201)?;
        demand_users(launch)?;
        Ok(Seeded::from([("v2_keys", 1)]))
    },
    ..State::PLAIN
};

/// Version 3.5 as it is by default.
const OPEN35: State = State { name: "etcd35-open", start: |launch| start_built(launch, "etcd35"), ..OPEN36 };

/// Users are on; members, leases and alarms are refused as well.
const PROTECTED35: State =
    State { name: "etcd35-protected", start: |launch| start_built(launch, "etcd35"), ..PROTECTED36 };

/// Version 3.6 as it is by default.
const OPEN36: State = State {
    name: "etcd36-open",
    expect: &[("main", "OPEN"), ("peer", "OPEN_PARTIAL")],
    ports: PORTS,
    rare: true,
    start: |launch| start_built(launch, "etcd36"),
    ready: healthy,
    seed,
    ..State::PLAIN
};

/// Users are on, and there is no other interface beside them.
const PROTECTED36: State = State {
    name: "etcd36-protected",
    expect: &[("main", "PROTECTED"), ("peer", "OPEN_PARTIAL")],
    seed: |launch| {
        demand_users(launch)?;
        Ok(Seeded::new())
    },
    ..OPEN36
};

fn start(launch: &Launch, version2: bool) -> Result<Vec<Child>, Error> {
    Ok(vec![run(launch, "etcd", [0, 1], &[&format!("--enable-v2={version2}")])?])
}

fn start_built(launch: &Launch, folder: &str) -> Result<Vec<Child>, Error> {
    Ok(vec![run(launch, &built(folder)?, [0, 1], &[])?])
}

/// The program in a folder of the lab.
pub(super) fn built(folder: &str) -> Result<String, Error> {
    Ok(lab::folder(folder)?.join("etcd").display().to_string())
}

/// Starts one member, whose ports for clients and for other members are those with these indices.
pub(super) fn run(launch: &Launch, program: &str, ports: [usize; 2], extra: &[&str]) -> Result<Child, Error> {
    let folder = launch.folder("data", Account::Nobody)?;
    let [client, peer] = ports.map(|index| launch.port(index));
    let client = format!("http://{}:{client}", launch.bind());
    let peer = format!("http://127.0.0.1:{peer}");
    let mut command = launch.command(Account::Nobody, program)?;
    command.args(["--name", "lab", "--log-level", "warn", "--data-dir"]).arg(folder);
    command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    command.args(["--initial-cluster", &format!("lab={peer}")]).args(extra);
    launch.spawn(command)
}

fn healthy(launch: &Launch) -> io::Result<()> {
    launch.http(0, &Request::get("/health"))?.expect(200, r#"{"health":"true""#).map(drop)
}

fn send(launch: &Launch, method: &str, path: &str, body: &str, status: u16) -> io::Result<()> {
    launch.http(0, &Request::with_body(method, path, body))?.expect(status, "").map(drop)
}

/// The keys `a` and `b`, in base64 as the interface has them.
fn seed(launch: &Launch) -> io::Result<Seeded> {
    for key in ["YQ==", "Yg=="] {
        send(launch, "POST", "/v3/kv/put", &format!(r#"{{"key":"{key}","value":"MQ=="}}"#), 200)?;
    }
    launch.http(0, &COUNT)?.expect(200, r#""count":"2""#)?;
    Ok(Seeded::from([("keys", 2)]))
}

fn demand_users(launch: &Launch) -> io::Result<()> {
    for (path, body) in [
        ("/v3/auth/user/add", r#"{"name":"root","password":"lab-secret"}"#),
        ("/v3/auth/role/add", r#"{"name":"root"}"#),
        ("/v3/auth/user/grant", r#"{"user":"root","role":"root"}"#),
        ("/v3/auth/enable", "{}"),
    ] {
        send(launch, "POST", path, body, 200)?;
    }
    launch.http(0, &COUNT)?.expect(400, "user name is empty").map(drop)
}
