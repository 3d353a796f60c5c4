//! Cassandra and ScyllaDB, native protocol 4:
//! <https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v4.spec>.
//!
//! OPTIONS is answered to everyone. STARTUP decides: READY, or AUTHENTICATE with the class that wants a login. A server
//! without logins answers any login with AUTH_SUCCESS, so one is tried only where it was demanded: a made-up name, which
//! finds the classes that let anybody in. Whoever is in asks for a role that cannot exist, which needs the right to
//! read and returns no row; keyspaces are counted.

use model::{Proof, Proven, Secret, Surface, Verdict, excerpt, looks_like_ransom_note};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service, default_login};
use crate::cursor::Cursor;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Cassandra;

/// The protocol from Cassandra 2.2 to 5.0; and the one before, for 2.1.
const VERSION: u8 = 4;
const OLD_VERSION: u8 = 3;

// Requests.
const STARTUP: u8 = 0x01;
const OPTIONS: u8 = 0x05;
const QUERY: u8 = 0x07;
const AUTH_RESPONSE: u8 = 0x0f;
// Answers.
const ERROR: u8 = 0x00;
const READY: u8 = 0x02;
const AUTHENTICATE: u8 = 0x03;
const SUPPORTED: u8 = 0x06;
const RESULT: u8 = 0x08;
const AUTH_CHALLENGE: u8 = 0x0e;
const AUTH_SUCCESS: u8 = 0x10;

const BAD_CREDENTIALS: i32 = 0x0100;
const UNAUTHORIZED: i32 = 0x2100;

const MADE_UP_NAME: &str = "watertight";
/// User and password of the first superuser:
/// <https://cassandra.apache.org/doc/latest/cassandra/managing/operating/security.html>.
const DEFAULT: &str = "cassandra";

const KEYSPACES: &str = "SELECT keyspace_name FROM system_schema.keyspaces";
const NO_SUCH_ROLE: &str = "SELECT role FROM system_auth.roles WHERE role = 'watertight-no-such-role'";
const RELEASE: &str = "SELECT release_version FROM system.local";

/// The opening. HTTP finds the service, too: the answer complains about the version of the protocol.
const OPEN: &Words = &Words { name: "cassandra OPTIONS", bytes: || frame(VERSION, OPTIONS, &[]), turn: None };

fn frame(version: u8, opcode: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    // No flags, stream 1.
    [&[version, 0, 0, 1, opcode], length.as_slice(), body].concat()
}

fn startup(version: u8) -> Vec<u8> {
    let short = |text: &str| [&[0, u8::try_from(text.len()).unwrap_or(0)], text.as_bytes()].concat();
    let body = [vec![0, 1], short("CQL_VERSION"), short("3.0.0")].concat();
    frame(version, STARTUP, &body)
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes(), bytes].concat()
}

fn query(version: u8, statement: &str) -> Vec<u8> {
    // Consistency ONE, no flags.
    frame(version, QUERY, &[long(statement.as_bytes()), vec![0, 1, 0]].concat())
}

/// A login by SASL PLAIN.
fn login(version: u8, user: &str, password: &Secret<String>) -> Vec<u8> {
    frame(version, AUTH_RESPONSE, &long(format!("\0{user}\0{}", password.reveal()).as_bytes()))
}

/// An answer.
#[derive(Clone, Copy)]
struct Answer<'a> {
    version: u8,
    opcode: u8,
    body: Cursor<'a>,
}

/// Length of a whole answer of version 3 and newer at the start of `bytes`.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let fail = || Err(Error::Malformed(format!("not an answer of Cassandra: {}", excerpt(bytes))));
    let mut cursor = Cursor::new(bytes);
    match cursor.u8() {
        None => return Ok(None),
        Some(0x83..=0x8f) => {}
        Some(_) => return fail(),
    }
    let Some(length) = cursor.take(4).and_then(|_| cursor.i32()) else { return Ok(None) };
    match usize::try_from(length) {
        Ok(length @ 0..=0x000f_ffff) => Ok((bytes.len() >= length + 9).then_some(length + 9)),
        _ => fail(),
    }
}

fn answer(bytes: &[u8]) -> Option<Answer<'_>> {
    let mut cursor = Cursor::new(bytes);
    let version = cursor.u8()? & 0x7f;
    let flags = cursor.u8()?;
    cursor.u16()?;
    let opcode = cursor.u8()?;
    let mut body = Cursor::new(cursor.long()?);
    // Warnings come before the answer. What else may (traces, payloads) was not asked for.
    if flags & 0x08 != 0 {
        for _ in 0..body.u16()? {
            body.short()?;
        }
    }
    (flags & 0x07 == 0).then_some(Answer { version, opcode, body })
}

impl Answer<'_> {
    /// Code and text of an ERROR.
    fn error(mut self) -> Option<(i32, String)> {
        let code = self.body.i32().filter(|_| self.opcode == ERROR)?;
        Some((code, excerpt(self.body.short()?)))
    }

    /// The class that wants a login.
    fn authenticator(mut self) -> Option<String> {
        (self.opcode == AUTHENTICATE).then(|| self.body.short().map(excerpt))?
    }

    /// Whether it is the answer of a server that does not speak this version of the protocol.
    fn wants_another_version(self) -> bool {
        self.error().is_some_and(|(_, text)| {
            text.starts_with("Invalid or unsupported protocol version")
                || text.starts_with("Beta version of the protocol used")
        })
    }

    /// The names of what the server supports.
    fn options(mut self) -> Option<Vec<String>> {
        let count = self.body.u16().filter(|_| self.opcode == SUPPORTED)?;
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(String::from_utf8_lossy(self.body.short()?).into_owned());
            for _ in 0..self.body.u16()? {
                self.body.short()?;
            }
        }
        Some(names)
    }

    /// The first column of the rows of a RESULT; its columns must be of simple types.
    fn rows(mut self) -> Option<Vec<String>> {
        let rows = self.body.i32().filter(|kind| self.opcode == RESULT && *kind == 2);
        rows?;
        let flags = self.body.i32()?;
        let columns = self.body.elements(4)?;
        if flags & 2 != 0 {
            self.body.long()?;
        }
        if flags & 1 != 0 {
            self.body.short()?;
            self.body.short()?;
        }
        for _ in 0..columns {
            if flags & 1 == 0 {
                self.body.short()?;
                self.body.short()?;
            }
            self.body.short()?;
            // Types from 0x20 have parameters; 0 has the name of a class.
            self.body.u16().filter(|kind| (1..0x20).contains(kind))?;
        }
        let count = self.body.elements(4)?;
        let mut first = Vec::new();
        for _ in 0..count {
            let cell = self.body.long()?;
            first.push(String::from_utf8_lossy(cell).into_owned());
            for _ in 1..columns {
                self.body.long()?;
            }
        }
        Some(first)
    }
}

/// A connection, and the version that is spoken over it.
struct Client {
    conn: Conn,
    version: u8,
}

impl Client {
    /// Says a request. `shown` describes it, and the answer when it is told from: errors and opcodes only.
    async fn say(&mut self, session: &mut Session, shown: &str, request: &[u8]) -> Result<Vec<u8>, Error> {
        self.conn.send(request).await?;
        let bytes = self.conn.message(session.patience, complete).await?;
        let told =
            answer(&bytes).ok_or_else(|| Error::Malformed("an answer in an unknown form".to_owned()))?;
        let received = match (told.error(), told.authenticator(), told.rows()) {
            (Some((code, text)), ..) => format!("ERROR {code:#06x}: {text}"),
            (_, Some(class), _) => format!("AUTHENTICATE {class}"),
            (.., Some(rows)) => format!("{} rows", rows.len()),
            _ => match told.opcode {
                READY => "READY".to_owned(),
                SUPPORTED => "SUPPORTED".to_owned(),
                AUTH_SUCCESS => "AUTH_SUCCESS".to_owned(),
                other => format!("opcode {other:#04x}"),
            },
        };
        session.note(shown, received, &bytes, self.conn.is_tls());
        Ok(bytes)
    }

    /// The rows of a statement, or code and text of the refusal.
    async fn ask(&mut self, session: &mut Session, cql: &str) -> Result<Result<Vec<String>, i32>, Error> {
        let bytes = self.say(session, cql, &query(self.version, cql)).await?;
        let told = answer(&bytes);
        let rows = told.and_then(Answer::rows).map(Ok);
        let code = told.and_then(Answer::error).map(|(code, _)| Err(code));
        rows.or(code).ok_or_else(|| Error::Malformed("neither rows nor an error".to_owned()))
    }
}

/// What someone who is in gets.
async fn read(session: &mut Session, client: &mut Client, who: &str) -> Result<Judgement, Error> {
    let role = client.ask(session, NO_SUCH_ROLE).await?;
    let names = client.ask(session, KEYSPACES).await?;
    let release = client.ask(session, RELEASE).await?;
    let version = release.ok().and_then(|rows| rows.into_iter().next());
    let mut judgement = match (role, &names) {
        (Err(UNAUTHORIZED), _) => Judgement::of(
            Verdict::OpenPartial,
            format!("{who} is let in and sees the schema, but may not read every table"),
        ),
        (Ok(_), _) | (_, Ok(_)) => Judgement::of(Verdict::Open, format!("{who} reads the tables")),
        (Err(code), Err(_)) => {
            Judgement::of(Verdict::Unknown, format!("{who} is let in, but queries fail with {code:#06x}"))
        }
    };
    let names = names.unwrap_or_default();
    let own = |name: &&String| *name != "system" && !name.starts_with("system_");
    judgement.ransom_names = names.iter().filter(|name| looks_like_ransom_note(name)).count() as u64;
    let keyspaces = names.iter().filter(own).count() as u64;
    Ok(judgement.version(version.map(|text| excerpt(text.as_bytes()))).count("keyspaces", Some(keyspaces)))
}

/// A login is demanded: a made-up name finds what lets anybody in.
async fn demanded(session: &mut Session, client: &mut Client, class: &str) -> Result<Judgement, Error> {
    let class = class.rsplit('.').next().unwrap_or(class);
    let password = Secret::new(MADE_UP_NAME.to_owned());
    let request = login(client.version, MADE_UP_NAME, &password);
    let tried = client.say(session, "login as watertight, a made-up name", &request).await;
    let opcode = tried.as_deref().ok().and_then(answer).map(|told| told.opcode);
    if opcode == Some(AUTH_SUCCESS) {
        return read(session, client, "any name").await;
    }
    Ok(Judgement::of(Verdict::Protected, format!("a login is demanded ({class})")))
}

/// Starts a session and returns the answer to STARTUP.
async fn start(session: &mut Session, version: u8) -> Result<(Client, Vec<u8>), Error> {
    let mut client = Client { conn: session.connect().await?, version };
    let bytes = client.say(session, "STARTUP", &startup(version)).await?;
    Ok((client, bytes))
}

async fn judge(session: &mut Session) -> Result<Judgement, Error> {
    let mut client = Client { conn: session.connect().await?, version: VERSION };
    let bytes = client.say(session, "OPTIONS", &frame(VERSION, OPTIONS, &[])).await?;
    drop(client);
    let told = answer(&bytes);
    let options = told.and_then(Answer::options).unwrap_or_default();
    // https://github.com/scylladb/scylladb/blob/master/docs/dev/protocol-extensions.md
    let scylla = options.iter().any(|name| name.starts_with("SCYLLA_"));
    let other = told.filter(|told| told.wants_another_version()).map(|told| told.version);
    let version = match other {
        None | Some(VERSION..) => VERSION,
        Some(OLD_VERSION) => OLD_VERSION,
        Some(older) => {
            let reason = format!("speaks protocol {older} only, which is too old to be asked");
            return Ok(Judgement::of(Verdict::Unknown, reason));
        }
    };
    let (mut client, bytes) = start(session, version).await?;
    let told = answer(&bytes);
    let mut judgement = match (told.map(|told| told.opcode), told.and_then(Answer::authenticator)) {
        (Some(READY), _) => read(session, &mut client, "a stranger").await?,
        (_, Some(class)) => demanded(session, &mut client, &class).await?,
        _ => Judgement::of(Verdict::Unknown, format!("STARTUP was answered with {}", excerpt(&bytes))),
    };
    judgement.product = scylla.then(|| "ScyllaDB".to_owned());
    Ok(judgement)
}

async fn log_in(session: &mut Session) -> Result<Surface, Error> {
    let unknown = |reason: &str| Surface::new("default login", Verdict::Unknown, reason);
    let (mut client, bytes) = start(session, VERSION).await?;
    if answer(&bytes).and_then(Answer::authenticator).is_none() {
        // Then every login "works".
        return Ok(unknown("no login is demanded"));
    }
    let request = login(VERSION, DEFAULT, &Secret::new(DEFAULT.to_owned()));
    let bytes = client.say(session, "the default login", &request).await?;
    let told = answer(&bytes);
    Ok(match (told.map(|told| told.opcode), told.and_then(Answer::error)) {
        (Some(AUTH_SUCCESS), _) => default_login(DEFAULT, true),
        (_, Some((BAD_CREDENTIALS, _))) => default_login(DEFAULT, false),
        (Some(AUTH_CHALLENGE), _) => unknown("logins are not by name and password"),
        _ => unknown("the default login was not answered"),
    })
}

// ScyllaDB is in no registry: what is known of it comes from its documentation.
const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "3.11 to 5.0"),
    Proven::new(Proof::Real, Verdict::Protected, "3.11 to 5.0"),
    Proven::new(Proof::Real, Verdict::DefaultCredential, "3.11 to 5.0"),
];

impl Service for Cassandra {
    fn about(&self) -> About<'_> {
        About {
            id: "cassandra",
            product: "Apache Cassandra",
            ports: &[9042, 9142],
            openings: &[Opening::Say(OPEN)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        let Ok(Some(length)) = complete(reply.bytes) else { return false };
        let told = reply.bytes.get(..length).and_then(answer);
        let names = || told.and_then(Answer::options);
        told.is_some_and(Answer::wants_another_version)
            || names().is_some_and(|names| names.iter().any(|name| name == "CQL_VERSION"))
    }

    fn try_default<'a>(&'a self, session: &'a mut Session) -> Option<BoxFuture<'a, Result<Surface, Error>>> {
        Some(Box::pin(log_in(session)))
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        _opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cassandra 5.0.4.
    const OPTIONS_TOLD: &[u8] = b"\x84\x00\x00\x01\x06\x00\x00\x00f\x00\x03\x00\x11PROTOCOL_VERSIONS\x00\x04\x00\x043/v3\x00\x044/v4\x00\x045/v5\x00\t6/v6-beta\x00\x0bCOMPRESSION\x00\x02\x00\x06snappy\x00\x03lz4\x00\x0bCQL_VERSION\x00\x01\x00\x053.4.7";
    const DEMAND: &[u8] =
        b"\x84\x00\x00\x01\x03\x00\x00\x001\x00/org.apache.cassandra.auth.PasswordAuthenticator";
    const WRONG: &[u8] = b"\x84\x00\x00\x01\x00\x00\x00\x00@\x00\x00\x01\x00\x00:Provided username watertight and/or password are incorrect";
    const TO_HTTP: &[u8] = b"\x85\x00\x00\x00\x00\x00\x00\x00h\x00\x00\x00\n\x00bInvalid or unsupported protocol version (71); supported versions are (3/v3, 4/v4, 5/v5, 6/v6-beta)";
    const NAMES: &[u8] = b"\x84\x00\x00\x01\x08\x00\x00\x00\x8c\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\rsystem_schema\x00\tkeyspaces\x00\rkeyspace_name\x00\r\x00\x00\x00\x05\x00\x00\x00\x0bsystem_auth\x00\x00\x00\rsystem_schema\x00\x00\x00\x12system_distributed\x00\x00\x00\x06system\x00\x00\x00\rsystem_traces";
    const NO_ROW: &[u8] = b"\x84\x00\x00\x01\x08\x00\x00\x00,\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x0bsystem_auth\x00\x05roles\x00\x04role\x00\r\x00\x00\x00\x00";

    fn recognised(opening: Opening, bytes: &[u8]) -> bool {
        Cassandra.recognises(&Reply { opening, bytes })
    }

    #[test]
    fn it_is_known_by_its_options_and_by_its_complaint_about_http() {
        assert!(recognised(Opening::Say(OPEN), OPTIONS_TOLD));
        assert!(recognised(Opening::Http, TO_HTTP));
        // A demand for a login is not asked for in detection; another error is not its own.
        assert!(!recognised(Opening::Say(OPEN), DEMAND));
        assert!(!recognised(Opening::Say(OPEN), WRONG));
        assert!(!recognised(Opening::Http, b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    }

    #[test]
    fn a_demand_names_its_class_and_a_refusal_its_code() {
        let class = answer(DEMAND).unwrap().authenticator();
        assert_eq!(class.as_deref(), Some("org.apache.cassandra.auth.PasswordAuthenticator"));
        assert_eq!(answer(WRONG).unwrap().error().unwrap().0, BAD_CREDENTIALS);
        assert_eq!(answer(WRONG).unwrap().authenticator(), None);
    }

    #[test]
    fn rows_are_read_and_a_role_that_cannot_exist_is_none() {
        let names = answer(NAMES).unwrap().rows().unwrap();
        assert_eq!(names.len(), 5);
        assert_eq!(names.first().map(String::as_str), Some("system_auth"));
        assert_eq!(answer(NO_ROW).unwrap().rows(), Some(Vec::new()));
        assert_eq!(answer(WRONG).unwrap().rows(), None);
    }

    #[test]
    fn half_an_answer_is_waited_for() {
        for length in 0..DEMAND.len() {
            assert_eq!(complete(DEMAND.get(..length).unwrap()).unwrap(), None);
        }
        assert_eq!(complete(DEMAND).unwrap(), Some(DEMAND.len()));
    }

    #[test]
    fn requests_absurd_lengths_and_other_protocols_are_no_answers() {
        assert!(complete(&frame(VERSION, OPTIONS, &[])).is_err());
        assert!(complete(b"\x84\0\0\x01\x08\x7f\xff\xff\xff").is_err());
        assert!(complete(b"\x84\0\0\x01\x08\xff\xff\xff\xff").is_err());
        assert!(complete(b"-ERR").is_err());
        // More rows than there can be.
        let rows = b"\x84\0\0\x01\x08\0\0\0\x18\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\r\x7f\xff\xff";
        assert_eq!(answer(rows).and_then(Answer::rows), None);
    }

    #[test]
    fn a_warning_before_the_answer_is_read_over() {
        let mut warned = b"\x84\x08\0\x01\x03\0\0\0\x0b\0\x01\0\x02ab".to_vec();
        warned.extend(b"\0\x03cls");
        assert_eq!(answer(&warned).unwrap().authenticator().as_deref(), Some("cls"));
        // Compressed, which was not asked for.
        assert!(answer(b"\x84\x01\0\x01\x02\0\0\0\0").is_none());
    }

    #[test]
    fn a_password_is_not_in_what_is_shown() {
        let request = login(VERSION, DEFAULT, &Secret::new("lab-secret".to_owned()));
        assert!(request.ends_with(b"\0cassandra\0lab-secret"));
        assert_eq!(request.len(), 9 + 4 + 21);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(mut bytes: Vec<u8>, version in 0x83..=0x86_u8, opcode in 0..=0x10_u8) {
            let parse = |bytes: &[u8]| {
                let _ = complete(bytes);
                let told = answer(bytes);
                let _ = told.and_then(Answer::options);
                let _ = told.and_then(Answer::rows);
                let _ = told.and_then(Answer::error);
                let _ = told.and_then(Answer::authenticator);
            };
            parse(&bytes);
            let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
            bytes.splice(0..0, [[version, 0, 0, 1, opcode].as_slice(), &length].concat());
            parse(&bytes);
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = complete(bytes);
    if let Some(answer) = answer(bytes) {
        let _ = (answer.error(), answer.authenticator(), answer.options(), answer.rows());
        let _ = answer.wants_another_version();
    }
}
