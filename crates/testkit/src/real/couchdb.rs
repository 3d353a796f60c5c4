//! PouchDB Server, an independent implementation of what CouchDB speaks: without an administrator, and with one and a
//! database that everyone or nobody reads. CouchDB itself is in no registry.

use std::io;

use super::wire::Request;
use super::{Error, Launch, Seeded, State, lab};
use crate::process::{Account, Child};

/// `root:lab-secret`, in base64 as the header has it.
const LOGIN: &str = "Basic cm9vdDpsYWItc2VjcmV0";

/// Every state.
pub(super) const STATES: &[State] = &[PARTY, PUBLIC, MEMBERS];

/// There is no administrator, so everybody is one.
const PARTY: State = State {
    name: "couchdb-party",
    expect: &[("main", "OPEN")],
    rare: true,
    start,
    ready: |launch| launch.http(0, &Request::get("/_all_dbs"))?.expect(200, "_users").map(drop),
    seed: fill,
    ..State::PLAIN
};

/// There is an administrator, and the databases are public, as they were by default until 3.0.
const PUBLIC: State = State {
    name: "couchdb-public",
    seed: |launch| {
        let seeded = fill(launch)?;
        let root = Request::with_body("PUT", "/_config/admins/root", "\"lab-secret\"");
        launch.http(0, &root)?.expect(200, "")?;
        Ok(seeded)
    },
    ..PARTY
};

/// There is an administrator, the list of databases is public, and the database has members.
const MEMBERS: State = State {
    name: "couchdb-members",
    expect: &[("main", "OPEN_PARTIAL")],
    seed: |launch| {
        (PUBLIC.seed)(launch)?;
        let members = r#"{"members":{"names":["root"],"roles":[]},"admins":{"names":[],"roles":[]}}"#;
        let closed = Request { login: Some(LOGIN), ..Request::with_body("PUT", "/lab/_security", members) };
        launch.http(0, &closed)?.expect(200, "")?;
        launch.http(0, &Request::get("/lab"))?.expect(401, "unauthorized")?;
        Ok(Seeded::new())
    },
    ..PARTY
};

fn start(launch: &Launch) -> Result<Vec<Child>, Error> {
    let program = lab::folder("pouchdb")?.join("node_modules/pouchdb-server/bin/pouchdb-server");
    let folder = launch.folder("data", Account::Nobody)?;
    let mut command = launch.command(Account::Nobody, "node")?;
    command.current_dir(folder).arg(program).args(["--in-memory", "--no-color"]);
    command.args(["--host", &launch.place.bind.to_string(), "--port", &launch.port(0).to_string()]);
    Ok(vec![launch.spawn(command)?])
}

fn fill(launch: &Launch) -> io::Result<Seeded> {
    for (path, body) in [("/lab", ""), ("/lab/a", "{}"), ("/lab/b", "{}")] {
        launch.http(0, &Request::with_body("PUT", path, body))?.expect(201, "")?;
    }
    Ok(Seeded::from([("databases", 1), ("documents", 2)]))
}
