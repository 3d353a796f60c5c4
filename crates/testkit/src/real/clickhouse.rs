//! ClickHouse 18.16 (Debian's): the default user without a password, with one, and not from this address.

use std::io;

use super::wire::Request;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

const PORTS: &[(&str, u16)] = &[("http", 0), ("native", 1), ("interserver", 2)];
const EVERYWHERE: &str = "<ip>::/0</ip>";

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, NOHOST];

/// The default user has no password.
const OPEN: State = State {
    name: "clickhouse-open",
    expect: &[("main", "OPEN"), ("native", "OPEN")],
    ports: PORTS,
    start: |launch| start(launch, "", EVERYWHERE),
    ready: |launch| answers(launch, 200, "\r\n\r\n"),
    ..State::PLAIN
};

/// The default user has a password.
const PROTECTED: State = State {
    name: "clickhouse-protected",
    expect: &[("main", "PROTECTED"), ("native", "PROTECTED")],
    ports: PORTS,
    start: |launch| start(launch, "lab-secret", EVERYWHERE),
    ready: |launch| answers(launch, 401, "Code: 194"),
    ..State::PLAIN
};

/// The default user may only come from somewhere else. A single address: this version does not enforce an
/// IPv4 network with a prefix length.
const NOHOST: State = State {
    name: "clickhouse-nohost",
    expect: &[("main", "NETWORK_RESTRICTED"), ("native", "NETWORK_RESTRICTED")],
    ports: PORTS,
    start: |launch| start(launch, "", "<ip>192.0.2.9</ip>"),
    ready: |launch| answers(launch, 500, "Code: 195"),
    ..State::PLAIN
};

/// Beside the default user there is `reader`, whose settings are fixed: only readers with a login meet it.
fn start(launch: &Launch, password: &str, networks: &str) -> Result<Vec<Child>, Error> {
    let users = format!(
        "<yandex><profiles><default/><reader><readonly>1</readonly></reader></profiles>\n\
         <quotas><default/></quotas><users><default>\n\
         <password>{password}</password><networks>{networks}</networks>\n\
         <profile>default</profile><quota>default</quota>\n</default><reader>\n\
         <password>lab-secret</password><networks>{EVERYWHERE}</networks>\n\
         <profile>reader</profile><quota>default</quota>\n</reader></users></yandex>\n"
    );
    let users = launch.write("users.xml", &users)?;
    let folder = |name: &str| Ok::<_, Error>(launch.folder(name, Account::Nobody)?.display().to_string());
    let (http, native, interserver) = (launch.port(0), launch.port(1), launch.port(2));
    let config = format!(
        "<yandex><logger><level>warning</level><console>1</console></logger>\n\
         <listen_host>{}</listen_host><http_port>{http}</http_port><tcp_port>{native}</tcp_port>\n\
         <interserver_http_port>{interserver}</interserver_http_port>\n\
         <path>{}/</path><tmp_path>{}/</tmp_path><user_files_path>{}/</user_files_path>\n\
         <format_schema_path>{}/</format_schema_path><users_config>{}</users_config>\n\
         <default_profile>default</default_profile><default_database>default</default_database>\n\
         <mark_cache_size>10000000</mark_cache_size></yandex>\n",
        launch.place.bind,
        folder("data")?,
        folder("scratch")?,
        folder("files")?,
        folder("schemas")?,
        users.display(),
    );
    let config = launch.write("config.xml", &config)?;
    let mut command = launch.command(Account::Nobody, "clickhouse-server")?;
    command.arg(format!("--config-file={}", config.display()));
    Ok(vec![launch.spawn(command)?])
}

fn answers(launch: &Launch, status: u16, part: &str) -> io::Result<()> {
    let request = Request::get("/?query=SELECT+count()+FROM+system.tables");
    launch.http(0, &request)?.expect(status, part)?;
    // The native port opens a moment after the other.
    launch.dial(1).map(drop)
}
