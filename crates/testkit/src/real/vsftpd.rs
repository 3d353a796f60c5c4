//! vsftpd: for guests, for local users only, and for guests who speak TLS.

use std::io;

use super::certs::Authority;
use super::wire::expect;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, TLS];

/// Guests may read.
const OPEN: State = State {
    name: "vsftpd-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "anonymous_enable=YES\n"),
    ready: |launch| says(launch, "USER anonymous\r\nPASS guest@example.org\r\n", "230 "),
    ..State::PLAIN
};

/// Guests are asked for a password, and refused.
const PROTECTED: State = State {
    name: "vsftpd-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, "anonymous_enable=NO\n"),
    ready: |launch| says(launch, "PWD\r\n", "530 "),
    ..State::PLAIN
};

/// Guests may read over TLS, and are refused without: that is no protection.
const TLS: State = State {
    name: "vsftpd-tls",
    expect: &[("main", "OPEN")],
    start: |launch| {
        Authority::new(launch)?.issue(launch, "server", Account::Nobody)?;
        let file = |name: &str| launch.data.join(name).display().to_string();
        let (certificate, key) = (file("server.pem"), file("server.key"));
        start(
            launch,
            &format!(
                "anonymous_enable=YES\nssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\n\
                 ssl_ciphers=HIGH\nrsa_cert_file={certificate}\nrsa_private_key_file={key}\n"
            ),
        )
    },
    ready: |launch| says(launch, "USER anonymous\r\n", "530 "),
    ..State::PLAIN
};

fn start(launch: &Launch, settings: &str) -> Result<Vec<Child>, Error> {
    let folder = launch.folder("pub", Account::Nobody)?;
    launch.write("pub/hello.txt", "hello\n")?;
    let listen = match launch.place.bind {
        std::net::IpAddr::V4(address) => format!("listen=YES\nlisten_address={address}\n"),
        std::net::IpAddr::V6(address) => format!("listen=NO\nlisten_ipv6=YES\nlisten_address6={address}\n"),
    };
    let text = format!(
        "{listen}listen_port={}\nbackground=NO\nrun_as_launching_user=YES\nlocal_enable=YES\nwrite_enable=NO\n\
         anon_root={}\n{settings}",
        launch.port(0),
        folder.display()
    );
    // It refuses a file that is not its own user's.
    let file = launch.write_secret("vsftpd.conf", &text, Account::Nobody)?;
    let mut command = launch.command(Account::Nobody, "vsftpd")?;
    command.arg(file);
    Ok(vec![launch.spawn(command)?])
}

fn says(launch: &Launch, request: &str, part: &str) -> io::Result<()> {
    let holds = |answer: &[u8]| String::from_utf8_lossy(answer).contains(part);
    let answer = launch.talk(request.as_bytes(), holds)?;
    expect(part, &answer, holds(&answer))
}
