//! Prometheus and its Alertmanager: open, as they are by default, and with a login, which hides what they are.

use super::wire::Request;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

/// `admin:lab-secret`, in base64 as the header has it.
const LOGIN: &str = "Basic YWRtaW46bGFiLXNlY3JldA==";
/// The same for the server.
const USERS: &str =
    "basic_auth_users:\n  admin: $2y$05$F53TaVjsGbkxTlPpO8Cqy.5p/CHSQJ94U8KzTxpUik4DpXdXseKUq\n";

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, ALERTS_OPEN, ALERTS_PROTECTED];

/// Everyone may query.
const OPEN: State = State {
    name: "prometheus-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, ""),
    ready: |launch| launch.http(0, &Request::get("/-/ready"))?.expect(200, "Ready").map(drop),
    ..State::PLAIN
};

/// Every path demands a login.
const PROTECTED: State = State {
    name: "prometheus-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, USERS),
    ready: demands_login,
    ..State::PLAIN
};

/// Everyone may read alerts.
const ALERTS_OPEN: State = State {
    name: "alertmanager-open",
    expect: &[("main", "OPEN")],
    start: |launch| start_alertmanager(launch, ""),
    ready: |launch| launch.http(0, &Request::get("/api/v2/alerts"))?.expect(200, "[]").map(drop),
    ..State::PLAIN
};

/// Every path demands a login.
const ALERTS_PROTECTED: State = State {
    name: "alertmanager-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start_alertmanager(launch, USERS),
    ready: demands_login,
    ..State::PLAIN
};

fn demands_login(launch: &Launch) -> std::io::Result<()> {
    let ready = Request { login: Some(LOGIN), ..Request::get("/-/ready") };
    launch.http(0, &ready)?.expect(200, "")?;
    launch.http(0, &Request::get("/-/ready"))?.expect(401, "Unauthorized").map(drop)
}

/// It watches itself.
fn start(launch: &Launch, web: &str) -> Result<Vec<Child>, Error> {
    let own = launch.address(0);
    let config = format!(
        "global: {{ scrape_interval: 1s }}\n\
         scrape_configs: [{{ job_name: lab, static_configs: [{{ targets: ['{own}'] }}] }}]\n"
    );
    let (folder, config, web) = (
        launch.folder("data", Account::Nobody)?,
        launch.write("prometheus.yml", &config)?,
        launch.write("web.yml", web)?,
    );
    let mut command = launch.command(Account::Nobody, "prometheus")?;
    command.arg(format!("--storage.tsdb.path={}", folder.display()));
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--web.config.file={}", web.display()));
    command.arg(format!("--web.listen-address={own}"));
    Ok(vec![launch.spawn(command)?])
}

fn start_alertmanager(launch: &Launch, web: &str) -> Result<Vec<Child>, Error> {
    let config = "route: { receiver: none }\nreceivers: [{ name: none }]\n";
    let (folder, config, web) = (
        launch.folder("data", Account::Nobody)?,
        launch.write("alertmanager.yml", config)?,
        launch.write("web.yml", web)?,
    );
    let mut command = launch.command(Account::Nobody, "prometheus-alertmanager")?;
    command.arg(format!("--storage.path={}", folder.display()));
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--web.config.file={}", web.display()));
    // No cluster: its port is not needed.
    command.args([&format!("--web.listen-address={}", launch.address(0)), "--cluster.listen-address="]);
    Ok(vec![launch.spawn(command)?])
}
