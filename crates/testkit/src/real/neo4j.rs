//! Neo4j over Bolt and HTTP: open, and with the first login, which nobody has changed yet.

use std::io;

use super::lab::{folder, java};
use super::wire::{Request, expect};
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child};

const PORTS: &[(&str, u16)] = &[("main", 0), ("http", 1)];

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED];

/// Everyone runs statements.
const OPEN: State = State {
    name: "neo4j-open",
    ports: PORTS,
    rare: true,
    expect: &[("main", "OPEN"), ("http", "OPEN")],
    start: |launch| start(launch, false),
    ready: |launch| {
        speaks_bolt(launch)?;
        run(launch, "RETURN 1")?.expect(200, r#""errors":[]"#).map(drop)
    },
    seed: |launch| {
        run(launch, "CREATE (:Lab), (:Lab), (:Lab)")?.expect(200, r#""errors":[]"#)?;
        Ok(Seeded::from([("nodes", 3)]))
    },
    ..State::PLAIN
};

/// Logins are demanded.
const PROTECTED: State = State {
    name: "neo4j-protected",
    ports: PORTS,
    rare: true,
    expect: &[("main", "PROTECTED"), ("http", "PROTECTED")],
    with_defaults: &[("main", "DEFAULT_CREDENTIAL"), ("http", "DEFAULT_CREDENTIAL")],
    start: |launch| start(launch, true),
    ready: |launch| {
        speaks_bolt(launch)?;
        run(launch, "RETURN 1")?.expect(401, "Unauthorized").map(drop)
    },
    ..State::PLAIN
};

fn start(launch: &Launch, logins: bool) -> Result<Vec<Child>, Error> {
    let server = folder("neo4j")?;
    let home = launch.folder("data", Account::Nobody)?;
    let (host, bolt, http) = (launch.bind(), launch.port(0), launch.port(1));
    launch.folder("config", Account::Nobody)?;
    launch.write(
        "config/neo4j.conf",
        &format!(
            "server.default_listen_address={host}\nserver.bolt.enabled=true\nserver.bolt.listen_address={host}:{bolt}\n\
             server.bolt.advertised_address={host}:{bolt}\nserver.http.enabled=true\n\
             server.http.listen_address={host}:{http}\nserver.https.enabled=false\n\
             dbms.security.auth_enabled={logins}\ndbms.usage_report.enabled=false\n\
             server.memory.pagecache.size=16m\ndb.tx_log.preallocate=false\n"
        ),
    )?;
    let mut command = java(launch)?;
    for part in ["java.nio", "java.io", "java.util.concurrent"] {
        command.arg(format!("--add-opens=java.base/{part}=ALL-UNNAMED"));
    }
    command.args(["--add-opens=java.base/sun.nio.ch=ALL-UNNAMED", "-Dlog4j2.disable.jmx=true"]);
    command.arg("-Dio.netty.tryReflectionSetAccessible=true");
    command.arg("-cp").arg(format!("{}/lib/*", server.display()));
    command.arg("org.neo4j.server.CommunityEntryPoint").arg("--console-mode");
    command.arg(format!("--home-dir={}", home.display()));
    command.arg(format!("--config-dir={}", launch.data.join("config").display()));
    Ok(vec![launch.spawn(command)?])
}

/// Version 4.4 is agreed on.
fn speaks_bolt(launch: &Launch) -> io::Result<()> {
    let hello = [&[0x60, 0x60, 0xb0, 0x17, 0, 0, 4, 4], [0; 12].as_slice()].concat();
    let answer = launch.talk(&hello, |answer| answer.len() >= 4)?;
    expect("Bolt 4.4", &answer, answer == [0, 0, 4, 4])
}

fn run(launch: &Launch, statement: &str) -> io::Result<super::wire::Answer> {
    let body = format!(r#"{{"statements":[{{"statement":"{statement}"}}]}}"#);
    launch.http(1, &Request::with_body("POST", "/db/neo4j/tx/commit", &body))
}
