//! Apache Solr: open as it comes, with a login, and with a login that lets strangers pass.

use super::lab::{folder, java};
use super::wire::Request;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, GUEST];

const CORES: &str = "/solr/admin/cores?action=STATUS&wt=json";
/// `solr` with the password `SolrRocks`, as the reference guide has it:
/// <https://solr.apache.org/guide/solr/latest/deployment-guide/basic-authentication-plugin.html>.
const USERS: &str = r#""credentials":{"solr":"IV0EHq1OnNrj6gvRCwvFwTrZ1+z1oBbnQdiVC3otuq0= Ndd7LKvVBAaZIF0QAVi1ekCfAJXr1GGfLtRUXhgrF8c="}"#;

/// No `security.json`.
const OPEN: State = State {
    name: "solr-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, None),
    ready: |launch| launch.http(0, &Request::get(CORES))?.expect(200, "initFailures").map(drop),
    ..NODE
};

/// Every request needs a login.
const PROTECTED: State = State {
    name: "solr-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, Some(true)),
    ready: |launch| launch.http(0, &Request::get(CORES))?.expect(401, "Basic realm=\"solr\"").map(drop),
    ..NODE
};

/// A login is set up, and who shows none passes all the same.
const GUEST: State = State {
    name: "solr-guest",
    expect: &[("main", "OPEN_PARTIAL")],
    start: |launch| start(launch, Some(false)),
    ready: |launch| launch.http(0, &Request::get(CORES))?.expect(200, "initFailures").map(drop),
    ..NODE
};

const NODE: State = State { ports: &[("http", 0)], rare: true, ..State::PLAIN };

fn start(launch: &Launch, block_unknown: Option<bool>) -> Result<Vec<Child>, Error> {
    let home = launch.folder("home", Account::Nobody)?;
    launch.write("home/solr.xml", "<solr></solr>\n")?;
    if let Some(block) = block_unknown {
        let plugin = format!(r#""blockUnknown":{block},"class":"solr.BasicAuthPlugin",{USERS}"#);
        launch.write("home/security.json", &format!("{{\"authentication\":{{{plugin}}}}}\n"))?;
    }
    let solr = folder("solr")?;
    let mut command = java(launch)?;
    command.arg("-Xmx256m").arg(format!("-Dsolr.log.dir={}", home.display()));
    command.arg("-cp").arg(format!("{0}:{0}/lib/*", solr.display())).arg("Main");
    command.arg(&home).args([launch.place.bind.to_string(), launch.port(0).to_string()]);
    Ok(vec![launch.spawn(command)?])
}
