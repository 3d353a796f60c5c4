//! etcd 3.4: open in both versions of its interface, open in the newer one, and with users, which only the
//! newer one asks for.

use std::io;

use super::wire::Request;
use super::{Error, Launch, Seeded, State};
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
pub(super) const STATES: &[State] = &[OPEN, OPEN_NOV2, PROTECTED];

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

fn start(launch: &Launch, version2: bool) -> Result<Vec<Child>, Error> {
    let folder = launch.folder("data", Account::Nobody)?;
    let client = format!("http://{}:{}", launch.bind(), launch.port(0));
    let peer = format!("http://127.0.0.1:{}", launch.port(1));
    let mut command = launch.command(Account::Nobody, "etcd")?;
    command.args(["--name", "lab", "--log-level", "warn", "--data-dir"]).arg(folder);
    command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    command.args(["--initial-cluster", &format!("lab={peer}"), &format!("--enable-v2={version2}")]);
    Ok(vec![launch.spawn(command)?])
}

fn healthy(launch: &Launch) -> io::Result<()> {
    launch.http(0, &Request::get("/health"))?.expect(200, r#"{"health":"true"}"#).map(drop)
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
