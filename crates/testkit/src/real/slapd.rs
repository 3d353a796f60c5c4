//! OpenLDAP's slapd: open; closed in the ways that look alike and are not; and open to those who speak TLS.

use std::io;

use super::certs::Authority;
use super::wire::expect;
use super::{Error, Launch, State};
use crate::process::{Account, Child, run};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, NO_BIND, ROOT_DSE, CONTEXT, HIDDEN, TLS];

/// Anonymous users read everything, as by default.
const OPEN: State = State {
    name: "slapd-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "", ""),
    ready: |launch| binds(launch, 0),
    ..State::PLAIN
};

/// Nothing without a login, not even the root DSE.
const PROTECTED: State = State {
    name: "slapd-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start(launch, "disallow bind_anon\nrequire authc\n", "access to * by users read\n"),
    ready: |launch| binds(launch, 48),
    ..State::PLAIN
};

/// Anonymous binds are refused, and searches without a bind are not.
const NO_BIND: State = State {
    name: "slapd-nobindanon",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "disallow bind_anon\n", ""),
    ready: |launch| binds(launch, 48),
    ..State::PLAIN
};

/// Anonymous users may log in, and read the root DSE alone.
const ROOT_DSE: State = State {
    name: "slapd-rootdse",
    expect: &[("main", "PROTECTED|OPEN_PARTIAL")],
    start: |launch| start(launch, "", "access to * by anonymous auth by users read\n"),
    ready: |launch| binds(launch, 0),
    ..State::PLAIN
};

/// Anonymous users see the entry of the naming context, and nothing below it.
const CONTEXT: State = State {
    name: "slapd-context",
    expect: &[("main", "OPEN_PARTIAL")],
    start: |launch| {
        let rules = "access to dn.base=\"dc=lab,dc=test\" by * read\naccess to * by users read\n";
        start(launch, "", rules)
    },
    ready: |launch| binds(launch, 0),
    ..State::PLAIN
};

/// Anonymous users have no right at all, and are told that nothing exists: no refusal is seen.
const HIDDEN: State = State {
    name: "slapd-hidden",
    expect: &[("main", "UNKNOWN")],
    start: |launch| start(launch, "", "access to * by users read\n"),
    ready: |launch| binds(launch, 0),
    ..State::PLAIN
};

/// TLS is demanded, and then everyone may read.
const TLS: State = State {
    name: "slapd-tls",
    expect: &[("main", "OPEN")],
    start: |launch| {
        Authority::new(launch)?.issue(launch, "server", Account::Nobody)?;
        let file = |name: &str| launch.data.join(name).display().to_string();
        let (authority, certificate, key) = (file("ca.pem"), file("server.pem"), file("server.key"));
        start(
            launch,
            &format!(
                "TLSCACertificateFile {authority}\nTLSCertificateFile {certificate}\n\
                 TLSCertificateKeyFile {key}\nsecurity tls=1\n"
            ),
            "",
        )
    },
    // Confidentiality required.
    ready: |launch| binds(launch, 13),
    ..State::PLAIN
};

const ENTRIES: &str = "dn: dc=lab,dc=test\nobjectClass: dcObject\nobjectClass: organization\no: lab\ndc: lab\n\n\
    dn: ou=people,dc=lab,dc=test\nobjectClass: organizationalUnit\nou: people\n\n\
    dn: uid=user1,ou=people,dc=lab,dc=test\nobjectClass: inetOrgPerson\ncn: One\nsn: User\nuid: user1\n";

fn start(launch: &Launch, general: &str, rules: &str) -> Result<Vec<Child>, Error> {
    let folder = launch.folder("db", Account::Nobody)?;
    let schemas: String = ["core", "cosine", "inetorgperson"]
        .iter()
        .map(|name| format!("include /etc/ldap/schema/{name}.schema\n"))
        .collect();
    let text = format!(
        "{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\n{general}\
         database mdb\nsuffix \"dc=lab,dc=test\"\nrootdn \"cn=admin,dc=lab,dc=test\"\nrootpw lab-secret\n\
         maxsize 10485760\ndirectory {}\n{rules}",
        folder.display()
    );
    let file = launch.write_secret("slapd.conf", &text, Account::Nobody)?;
    let mut fill = launch.command(Account::Nobody, "slapadd")?;
    fill.args(["-q", "-f"]).arg(&file);
    run(fill, ENTRIES)?;
    let mut command = launch.command(Account::Nobody, "slapd")?;
    // With a level of messages, be it 0, it stays in the foreground.
    command.args(["-d", "0", "-h", &format!("ldap://{}", launch.address(0)), "-f"]).arg(file);
    Ok(vec![launch.spawn(command)?])
}

/// Binds without a name and wants this result, which stands after the heads of three elements.
fn binds(launch: &Launch, code: u8) -> io::Result<()> {
    let request = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";
    let answer = launch.talk(request, |answer| answer.len() >= 14)?;
    expect(&format!("result {code}"), &answer, answer.get(7..10) == Some(&[0x0a, 1, code]))
}
