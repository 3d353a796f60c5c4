//! RabbitMQ with its management: as it comes, with its first account let in from anywhere, and without that account.

use super::wire::Request;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

const PORTS: &[(&str, u16)] = &[("amqp", 0), ("management", 1), ("distribution", 2), ("epmd", 3)];
const OVERVIEW: Request<'_> =
    Request { method: "GET", path: "/api/overview", body: "", login: None, trust: None };
/// `guest:guest`
const GUEST: &str = "Basic Z3Vlc3Q6Z3Vlc3Q=";

/// Every state.
pub(super) const STATES: &[State] = &[DEFAULT, OPEN, PROTECTED];

/// guest/guest, let in from loopback only.
const DEFAULT: State = State {
    name: "rabbitmq-default",
    with_defaults: &[("main", "DEFAULT_CREDENTIAL"), ("management", "DEFAULT_CREDENTIAL")],
    start: |launch| start(launch, ""),
    ready: |launch| answers(launch, 200),
    ..RABBIT
};

/// guest/guest from anywhere.
const OPEN: State = State {
    name: "rabbitmq-open",
    with_defaults: &[("main", "DEFAULT_CREDENTIAL"), ("management", "DEFAULT_CREDENTIAL")],
    start: |launch| start(launch, "loopback_users = none\n"),
    ready: |launch| answers(launch, 200),
    ..RABBIT
};

/// Another account instead.
const PROTECTED: State = State {
    name: "rabbitmq-protected",
    start: |launch| start(launch, "default_user = lab\ndefault_pass = lab-secret\n"),
    ready: |launch| answers(launch, 401),
    ..RABBIT
};

const RABBIT: State =
    State { expect: &[("main", "PROTECTED"), ("management", "PROTECTED")], ports: PORTS, ..State::PLAIN };

fn answers(launch: &Launch, to_guest: u16) -> std::io::Result<()> {
    // From inside the namespace, that is from the server's own address, which only on loopback is local to RabbitMQ.
    let to_guest = if launch.place.bind.is_loopback() { to_guest } else { 401 };
    launch.http(1, &OVERVIEW)?.expect(401, "")?;
    if launch.state == "rabbitmq-open" {
        return launch.http(1, &Request { login: Some(GUEST), ..OVERVIEW })?.expect(200, "").map(drop);
    }
    launch.http(1, &Request { login: Some(GUEST), ..OVERVIEW })?.expect(to_guest, "").map(drop)
}

fn start(launch: &Launch, settings: &str) -> Result<Vec<Child>, Error> {
    let account = Account::Named("rabbitmq");
    let data = launch.folder("data", account)?;
    let (bind, port, management) = (launch.bind(), launch.port(0), launch.port(1));
    let config = format!(
        "listeners.tcp.1 = {bind}:{port}\nmanagement.tcp.port = {management}\nmanagement.tcp.ip = {}\n\
         log.console = true\nlog.console.level = warning\n{settings}",
        launch.place.bind
    );
    let config = launch.write("rabbitmq.conf", &config)?;
    let plugins = launch.write("plugins", "[rabbitmq_management].\n")?;
    let environment = launch.write("environment", "")?;
    let mut epmd = launch.command(Account::Nobody, "epmd")?;
    epmd.args(["-port", &launch.port(3).to_string(), "-address", "127.0.0.1"]);
    let epmd = launch.spawn(epmd)?;
    // The script does not become the server but starts it. In a process namespace that ends with its first process, the
    // server cannot outlive the script.
    let mut command = launch.command(Account::Root, "unshare")?;
    command.args(["--pid", "--fork", "--kill-child", "setpriv"]);
    if let Some((user, group)) = account.ids()? {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    command.args(["--", "/usr/lib/rabbitmq/bin/rabbitmq-server"]);
    command.env("HOME", &data).env("RABBITMQ_NODENAME", format!("lab{port}@localhost"));
    command.env("RABBITMQ_MNESIA_BASE", data.join("mnesia")).env("RABBITMQ_LOG_BASE", data.join("log"));
    command.env("RABBITMQ_LOGS", "-").env("RABBITMQ_DIST_PORT", launch.port(2).to_string());
    command.env("RABBITMQ_CONFIG_FILE", config).env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins);
    command.env("RABBITMQ_CONF_ENV_FILE", environment).env("RABBITMQ_PID_FILE", data.join("pid"));
    command.env("ERL_EPMD_PORT", launch.port(3).to_string()).env("ERL_EPMD_ADDRESS", "127.0.0.1");
    command.env("ERL_AFLAGS", "-kernel inet_dist_use_interface {127,0,0,1}");
    Ok(vec![launch.spawn(command)?, epmd])
}
