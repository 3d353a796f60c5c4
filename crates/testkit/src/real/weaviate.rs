//! Weaviate: with anonymous access, and with keys.
//!
//! Whatever it is told, it listens on every address, and on port 6060 for profiling.

use super::wire::Request;
use super::{Error, Launch, State, lab};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED];

/// What both states have in common.
const WEAVIATE: State = State {
    ports: &[("http", 0), ("grpc", 1), ("gossip", 2), ("data", 3), ("raft", 4), ("raft-rpc", 5)],
    everywhere: true,
    alone: true,
    rare: true,
    ..State::PLAIN
};

/// Who shows no key may do everything.
const OPEN: State = State {
    name: "weaviate-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, &[("AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED", "true")]),
    ready: |launch| launch.http(0, &Request::get("/v1/schema"))?.expect(200, "classes").map(drop),
    ..WEAVIATE
};

/// A key is demanded.
const PROTECTED: State = State {
    name: "weaviate-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| {
        let settings = [
            ("AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED", "false"),
            ("AUTHENTICATION_APIKEY_ENABLED", "true"),
            ("AUTHENTICATION_APIKEY_ALLOWED_KEYS", "lab-key"),
            ("AUTHENTICATION_APIKEY_USERS", "lab"),
        ];
        start(launch, &settings)
    },
    ready: |launch| {
        launch.http(0, &Request::get("/v1/schema"))?.expect(401, "anonymous access not enabled")?;
        let login = Some("Bearer lab-key");
        launch.http(0, &Request { login, ..Request::get("/v1/schema") })?.expect(200, "classes").map(drop)
    },
    ..WEAVIATE
};

fn start(launch: &Launch, settings: &[(&str, &str)]) -> Result<Vec<Child>, Error> {
    let program = lab::folder("weaviate")?.join("weaviate-server");
    let folder = launch.folder("data", Account::Nobody)?;
    let bind = launch.place.bind.to_string();
    let mut command = launch.command(Account::Nobody, &program.display().to_string())?;
    command.args(["--host", &bind, "--scheme", "http", "--port", &launch.port(0).to_string()]);
    command.env("PERSISTENCE_DATA_PATH", folder);
    for (name, index) in [
        ("GRPC_PORT", 1),
        ("CLUSTER_GOSSIP_BIND_PORT", 2),
        ("CLUSTER_DATA_BIND_PORT", 3),
        ("RAFT_PORT", 4),
        ("RAFT_INTERNAL_RPC_PORT", 5),
    ] {
        command.env(name, launch.port(index).to_string());
    }
    command.env("CLUSTER_BIND_ADDR", &bind).env("CLUSTER_ADVERTISE_ADDR", &bind);
    command.envs([("CLUSTER_HOSTNAME", "node1"), ("RAFT_BOOTSTRAP_EXPECT", "1"), ("LOG_LEVEL", "warning")]);
    command.envs([
        ("DISABLE_TELEMETRY", "true"),
        ("DEFAULT_VECTORIZER_MODULE", "none"),
        ("ENABLE_MODULES", ""),
    ]);
    command.envs(settings.iter().copied());
    Ok(vec![launch.spawn(command)?])
}
