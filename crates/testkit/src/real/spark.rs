//! Apache Spark: the stand-alone master with its REST server, open and behind a filter, and the history server.

use super::lab::{folder, java};
use super::wire::Request;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, HISTORY];

/// Of the filter that demands a signed token, in base64.
const KEY: &str = "d2F0ZXJ0aWdodC1sYWItc2VjcmV0LXdhdGVydGlnaHQtbGFiLXNlY3JldC13YXRlcnRpZ2h0";
const FILTER: &str = "org.apache.spark.ui.JWSFilter";

/// Everyone sees, submits and ends applications.
const OPEN: State = State {
    name: "spark-open",
    expect: &[("ui", "OPEN"), ("rest", "OPEN")],
    start: |launch| start_master(launch, &[]),
    ready: |launch| {
        launch.http(1, &Request::get("/json/"))?.expect(200, "aliveworkers")?;
        launch.http(2, &Request::get("/"))?.expect(400, "serverSparkVersion").map(drop)
    },
    ..MASTER
};

/// Page and REST server demand a token, in words that name no product.
const PROTECTED: State = State {
    name: "spark-protected",
    expect: &[("ui", "PROTECTED"), ("rest", "PROTECTED")],
    start: |launch| {
        let filters = [
            format!("-Dspark.ui.filters={FILTER}"),
            format!("-Dspark.master.rest.filters={FILTER}"),
            format!("-Dspark.{FILTER}.param.secretKey={KEY}"),
        ];
        start_master(launch, &filters)
    },
    ready: |launch| {
        launch.http(1, &Request::get("/json/"))?.expect(403, "")?;
        launch.http(2, &Request::get("/"))?.expect(403, "").map(drop)
    },
    ..MASTER
};

/// The history server without one application.
const HISTORY: State = State {
    name: "spark-history-open",
    expect: &[("main", "OPEN")],
    start: |launch| {
        let events = launch.folder("events", Account::Nobody)?;
        let options = [
            format!("-Dspark.history.fs.logDirectory=file://{}", events.display()),
            format!("-Dspark.history.ui.port={}", launch.port(0)),
        ];
        spark(launch, &options, "org.apache.spark.deploy.history.HistoryServer", &[])
    },
    ready: |launch| launch.http(0, &Request::get("/api/v1/version"))?.expect(200, "\"spark\"").map(drop),
    rare: true,
    ..State::PLAIN
};

const MASTER: State = State { ports: &[("rpc", 0), ("ui", 1), ("rest", 2)], rare: true, ..State::PLAIN };

fn start_master(launch: &Launch, more: &[String]) -> Result<Vec<Child>, Error> {
    let mut options = vec![
        "-Dspark.master.rest.enabled=true".to_owned(),
        format!("-Dspark.master.rest.host={}", launch.place.bind),
        format!("-Dspark.master.rest.port={}", launch.port(2)),
    ];
    options.extend_from_slice(more);
    let (host, port, page) =
        (launch.place.bind.to_string(), launch.port(0).to_string(), launch.port(1).to_string());
    let place = ["--host", &host, "--port", &port, "--webui-port", &page];
    spark(launch, &options, "org.apache.spark.deploy.master.Master", &place)
}

fn spark(launch: &Launch, options: &[String], main: &str, arguments: &[&str]) -> Result<Vec<Child>, Error> {
    let mut command = java(launch)?;
    command.arg("-Xmx256m").env("SPARK_LOCAL_IP", launch.place.bind.to_string());
    command.args(
        ["java.lang", "java.nio", "java.util", "java.util.concurrent", "sun.nio.ch"]
            .map(|package| format!("--add-opens=java.base/{package}=ALL-UNNAMED")),
    );
    command.args(options).arg("-cp").arg(folder("spark")?.join("lib/*")).arg(main).args(arguments);
    Ok(vec![launch.spawn(command)?])
}
