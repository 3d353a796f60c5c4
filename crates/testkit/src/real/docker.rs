//! Docker's interface over TCP: plain, with TLS for everyone, and with TLS for those who show a certificate.
//!
//! No bridge and no packet filter are set up, and everything stays below the data folder.

use std::io;

use super::certs::Authority;
use super::wire::{Request, Trust};
use super::{Error, Launch, State};
use crate::process::{Account, Child, find};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, TLSOPEN];

/// Plain HTTP: whoever connects is root on the machine.
const OPEN: State = State {
    name: "docker-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, &["--tls=false".into()]),
    ready: |launch| launch.http(0, &Request::get("/containers/json"))?.expect(200, "[]").map(drop),
    ..State::PLAIN
};

/// A client certificate is demanded; `client.pem` and `client.key` in the data folder are one.
const PROTECTED: State = State {
    name: "docker-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start_tls(launch, true),
    ready: |launch| {
        containers(launch, true)?;
        match containers(launch, false) {
            Ok(()) => Err(io::Error::other("a client without a certificate was let in")),
            Err(_) => Ok(()),
        }
    },
    ..State::PLAIN
};

/// TLS, but no client certificate is asked for: encrypted and open.
const TLSOPEN: State = State {
    name: "docker-tlsopen",
    expect: &[("main", "OPEN")],
    start: |launch| start_tls(launch, false),
    ready: |launch| containers(launch, false),
    ..State::PLAIN
};

fn start(launch: &Launch, extra: &[String]) -> Result<Vec<Child>, Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::NeedsRoot("dockerd".into()));
    }
    let file = |name: &str| launch.data.join(name).display().to_string();
    // Without files named here it would read and write those of the machine's own daemon.
    let config = format!("{{\"deprecated-key-path\": {:?}}}\n", file("key.json"));
    let config = launch.write("daemon.json", &config)?;
    // Mounts of its own, so that those which it makes below its data folder go away with it even if it is
    // killed.
    let mut command = launch.command(Account::Root, "unshare")?;
    command.arg("--mount").arg(find("dockerd")?);
    command
        .args(["--host", &format!("tcp://{}:{}", launch.bind(), launch.port(0)), "--config-file"])
        .arg(config);
    command.args(["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"]);
    command.args(["--data-root", &file("lib"), "--exec-root", &file("run"), "--pidfile", &file("pid")]);
    command.args(extra);
    Ok(vec![launch.spawn(command)?])
}

fn start_tls(launch: &Launch, verify: bool) -> Result<Vec<Child>, Error> {
    let authority = Authority::new(launch)?;
    authority.issue(launch, "server", Account::Root)?;
    authority.issue(launch, "client", Account::Root)?;
    let option = |name: &str, file: &str| format!("--{name}={}", launch.data.join(file).display());
    let options = [
        format!("--tlsverify={verify}"),
        option("tlscacert", "ca.pem"),
        option("tlscert", "server.pem"),
        option("tlskey", "server.key"),
    ];
    start(launch, &options)
}

fn containers(launch: &Launch, certificate: bool) -> io::Result<()> {
    let file = |name: &str| launch.data.join(name);
    let identity = certificate.then(|| (file("client.pem"), file("client.key")));
    let trust = Some(Trust { authority: file("ca.pem"), identity });
    let request = Request { trust, ..Request::get("/containers/json") };
    launch.http(0, &request)?.expect(200, "[]").map(drop)
}
