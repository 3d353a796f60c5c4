//! Apache Flink's JobManager, which has no login.

use super::lab::{folder, java};
use super::wire::Request;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN];

/// As it comes: jobs may be uploaded.
const OPEN: State = State {
    name: "flink-open",
    ports: &[("rest", 0), ("rpc", 1), ("blobs", 2), ("metrics", 3)],
    expect: &[("main", "OPEN")],
    start,
    ready: |launch| launch.http(0, &Request::get("/config"))?.expect(200, "\"web-submit\":true").map(drop),
    rare: true,
    ..State::PLAIN
};

fn start(launch: &Launch) -> Result<Vec<Child>, Error> {
    let scratch = launch.folder("scratch", Account::Nobody)?;
    let conf = launch.folder("conf", Account::Nobody)?;
    let (ip, port) = (launch.place.bind, |index| launch.port(index));
    let text = format!(
        "jobmanager.rpc.address: {ip}\njobmanager.bind-host: {ip}\njobmanager.rpc.port: {}\n\
         jobmanager.memory.process.size: 1024m\nrest.address: {ip}\nrest.bind-address: {ip}\n\
         rest.port: {}\nrest.bind-port: {}\nblob.server.port: {}\n\
         metrics.internal.query-service.port: {}\nio.tmp.dirs: {}\n",
        port(1),
        port(0),
        port(0),
        port(2),
        port(3),
        scratch.display()
    );
    launch.write("conf/config.yaml", &text)?;
    let mut command = java(launch)?;
    command.arg("-Xmx256m");
    command.args(
        ["java.lang", "java.net", "java.io", "java.nio", "java.util", "java.util.concurrent"]
            .map(|package| format!("--add-opens=java.base/{package}=ALL-UNNAMED")),
    );
    command.arg("--add-exports=java.base/sun.net.util=ALL-UNNAMED");
    command.arg("-cp").arg(folder("flink")?.join("lib/*"));
    command.arg("org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint");
    command.arg("--configDir").arg(conf);
    Ok(vec![launch.spawn(command)?])
}
