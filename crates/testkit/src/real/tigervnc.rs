//! TigerVNC: no login, a password, and VeNCrypt with and without a login.

use std::io;

use super::certs::Authority;
use super::wire::expect;
use super::{Error, Launch, State};
use crate::process::{Account, Child, run};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, X509NONE, TLSNONE, TLSVNC, PROTECTED];

/// Whoever connects sees the screen.
const OPEN: State = State {
    name: "tigervnc-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "None", &[]),
    ready,
    ..State::PLAIN
};

/// The same inside TLS with a certificate.
const X509NONE: State = State {
    name: "tigervnc-x509none",
    expect: &[("main", "OPEN")],
    start: |launch| {
        Authority::new(launch)?.issue(launch, "server", Account::Nobody)?;
        let file = |name: &str| launch.data.join(name).display().to_string();
        start(launch, "X509None", &["-X509Cert", &file("server.pem"), "-X509Key", &file("server.key")])
    },
    ready,
    ..State::PLAIN
};

/// The same inside TLS without a certificate, which the probe does not speak.
const TLSNONE: State = State {
    name: "tigervnc-tlsnone",
    expect: &[("main", "UNKNOWN")],
    start: |launch| start(launch, "TLSNone", &[]),
    ready,
    ..State::PLAIN
};

/// A password inside TLS, and nothing else.
const TLSVNC: State = State {
    name: "tigervnc-tlsvnc",
    expect: &[("main", "PROTECTED")],
    start: |launch| start_with_password(launch, "TLSVnc"),
    ready,
    ..State::PLAIN
};

/// A password.
const PROTECTED: State = State {
    name: "tigervnc-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start_with_password(launch, "VncAuth"),
    ready,
    ..State::PLAIN
};

fn ready(launch: &Launch) -> io::Result<()> {
    let holds = |answer: &[u8]| answer.starts_with(b"RFB 003.008\n");
    let answer = launch.talk(b"", holds)?;
    expect("RFB 003.008", &answer, holds(&answer))
}

fn start_with_password(launch: &Launch, types: &str) -> Result<Vec<Child>, Error> {
    let file = launch.data.join("password");
    // What it prints is no text, so it does not come through the kit.
    let mut shell = launch.command(Account::Root, "sh")?;
    shell.args(["-c", &format!("tigervncpasswd -f > '{0}' && chmod 644 '{0}'", file.display())]);
    run(shell, "labsecre\n")?;
    start(launch, types, &["-PasswordFile", &file.display().to_string()])
}

fn start(launch: &Launch, types: &str, extra: &[&str]) -> Result<Vec<Child>, Error> {
    let mut command = launch.command(Account::Nobody, "Xtigervnc")?;
    let port = launch.port(0).to_string();
    // The number of the display has to be free on the whole machine, as the port is.
    command.arg(format!(":{port}")).args(["-rfbport", &port, "-interface", &launch.place.bind.to_string()]);
    command.args(["-SecurityTypes", types, "-geometry", "320x200", "-depth", "24", "-nolisten", "tcp"]);
    command.args(extra);
    Ok(vec![launch.spawn(command)?])
}
