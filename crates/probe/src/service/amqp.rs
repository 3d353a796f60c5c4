//! AMQP 0-9-1, RabbitMQ above all: <https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf>.
//!
//! Connection.Start names product and mechanisms to everyone. A stranger asks as ANONYMOUS where that is offered
//! (RabbitMQ 4 does, <https://www.rabbitmq.com/docs/access-control>), else under a made-up name without a password. Only an opened virtual
//! host counts as let in.

use model::{Proof, Proven, Secret, Surface, Verdict, excerpt};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service, default_login};
use crate::wire::array_at;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Amqp;

const HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// A broker of AMQP 1.0 or of another version answers with its own header. To HTTP RabbitMQ answers with its own, too.
const OPENING: &Words = &Words { name: "AMQP 0-9-1", bytes: || HEADER.to_vec(), turn: None };
/// Largest frame that is read: what a broker tells of itself.
const FRAME: u32 = 128 << 10;
/// <https://www.rabbitmq.com/docs/access-control#default-state>
const DEFAULT_USER: &str = "guest";

const START: [u8; 4] = [0, 10, 0, 10];
const START_OK: [u8; 4] = [0, 10, 0, 11];
const TUNE: [u8; 4] = [0, 10, 0, 30];
const TUNE_OK: [u8; 4] = [0, 10, 0, 31];
const OPEN: [u8; 4] = [0, 10, 0, 40];
const OPEN_OK: [u8; 4] = [0, 10, 0, 41];
const CLOSE: [u8; 4] = [0, 10, 0, 50];

/// Length of a whole method frame on channel 0 at the start of `bytes`.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    if bytes.starts_with(b"AMQP") {
        return Ok((bytes.len() >= 8).then_some(8));
    }
    let begins_well = bytes.iter().zip([1, 0, 0]).all(|(byte, expected)| *byte == expected);
    let size = array_at(bytes, 3).map(u32::from_be_bytes);
    match size {
        _ if !begins_well => Err(Error::Malformed(format!("not an AMQP frame: {}", excerpt(bytes)))),
        Some(size) if size > FRAME => Err(Error::Malformed(format!("an AMQP frame of {size} bytes"))),
        Some(size) => Ok((bytes.len() >= size as usize + 8).then_some(size as usize + 8)),
        None => Ok(None),
    }
}

fn frame(method: [u8; 4], arguments: &[u8]) -> Vec<u8> {
    let size = u32::try_from(arguments.len() + 4).unwrap_or_default();
    let mut bytes = vec![1, 0, 0];
    bytes.extend(size.to_be_bytes());
    bytes.extend(method);
    bytes.extend(arguments);
    bytes.push(0xce);
    bytes
}

fn long_string(text: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(text.len()).unwrap_or_default().to_be_bytes().to_vec();
    bytes.extend(text);
    bytes
}

/// Takes a string with its length in four bytes off the front.
fn take_long<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_be_bytes(array_at(bytes, 0)?) as usize;
    let text = bytes.get(4..4_usize.checked_add(length)?)?;
    *bytes = bytes.get(4 + length..)?;
    Some(text)
}

/// The value of a text field of a table. Fields of other types are passed over by their length.
fn field(mut table: &[u8], name: &str) -> Option<String> {
    while let Some((length, rest)) = table.split_first() {
        let key = rest.get(..usize::from(*length))?;
        let (kind, mut value) = rest.get(usize::from(*length)..)?.split_first()?;
        let skipped = match kind {
            b'S' | b'A' | b'F' | b'x' => {
                let text = take_long(&mut value)?;
                if *kind == b'S' && key == name.as_bytes() {
                    return Some(excerpt(text));
                }
                0
            }
            b't' | b'b' | b'B' => 1,
            b's' | b'u' => 2,
            b'I' | b'i' | b'f' => 4,
            b'D' => 5,
            b'l' | b'L' | b'd' | b'T' => 8,
            b'V' => 0,
            _ => return None,
        };
        table = value.get(skipped..)?;
    }
    None
}

/// What Connection.Start tells everyone.
#[derive(Debug, PartialEq)]
struct Start {
    product: Option<String>,
    version: Option<String>,
    mechanisms: String,
}

fn start(frame: &[u8]) -> Option<Start> {
    // After the method: the protocol's version in two bytes, the server's table, the mechanisms.
    let mut rest = frame.get(7..)?.strip_prefix(&START)?.get(2..)?;
    let table = take_long(&mut rest)?;
    let mechanisms = excerpt(take_long(&mut rest)?);
    Some(Start { product: field(table, "product"), version: field(table, "version"), mechanisms })
}

impl Start {
    fn offers(&self, mechanism: &str) -> bool {
        self.mechanisms.split_whitespace().any(|offered| offered == mechanism)
    }
}

/// What came of a login.
enum Login {
    /// The virtual host `/` is open.
    In,
    /// Let in, but not to the virtual host.
    NoHost(String),
    Refused(String),
    /// The broker hung up, or said what is not understood.
    Unclear(String),
}

/// Text and code of Connection.Close.
fn closed(frame: &[u8]) -> Option<(u16, String)> {
    let rest = frame.get(7..)?.strip_prefix(&CLOSE)?;
    let length = usize::from(*rest.get(2)?);
    Some((u16::from_be_bytes(array_at(rest, 0)?), excerpt(rest.get(3..3 + length)?)))
}

async fn greeted(session: &mut Session, opened: Option<Conn>) -> Result<(Conn, Vec<u8>), Error> {
    let mut conn = match opened {
        Some(conn) => conn,
        None => {
            let mut conn = session.connect().await?;
            conn.send(HEADER).await?;
            conn
        }
    };
    let greeting = conn.message(session.patience, complete).await?;
    Ok((conn, greeting))
}

async fn log_in(
    session: &mut Session,
    conn: &mut Conn,
    mechanism: &str,
    response: &[u8],
    as_whom: &str,
) -> Result<Login, Error> {
    // Without this capability a refused login is answered by a pause and a closed connection.
    let capabilities = [b"\x1cauthentication_failure_closet\x01".as_slice()].concat();
    let mut properties = b"\x0ccapabilitiesF".to_vec();
    properties.extend(long_string(&capabilities));
    let mut arguments = long_string(&properties);
    arguments.push(u8::try_from(mechanism.len()).unwrap_or_default());
    arguments.extend(mechanism.as_bytes());
    arguments.extend(long_string(response));
    arguments.extend(b"\x05en_US");
    conn.send(&frame(START_OK, &arguments)).await?;
    let answer = match conn.message(session.patience, complete).await {
        Ok(answer) => answer,
        Err(Error::Ended | Error::Reset) => {
            return Ok(Login::Unclear("the connection was closed upon the login".to_owned()));
        }
        Err(error) => return Err(error),
    };
    session.note_plain(format!("Connection.StartOk, {mechanism}, {as_whom}"), &answer, conn.is_tls());
    if let Some((code, text)) = closed(&answer) {
        return Ok(if code == 403 { Login::Refused(text) } else { Login::Unclear(format!("{code} {text}")) });
    }
    let tune = answer.get(7..).and_then(|rest| rest.strip_prefix(&TUNE)).and_then(|rest| rest.get(..8));
    let Some(tune) = tune else { return Ok(Login::Unclear(excerpt(&answer))) };
    let mut words = frame(TUNE_OK, tune);
    words.extend(frame(OPEN, b"\x01/\x00\x00"));
    conn.send(&words).await?;
    let answer = conn.message(session.patience, complete).await?;
    session.note_plain("Connection.TuneOk, Connection.Open /", &answer, conn.is_tls());
    Ok(match closed(&answer) {
        Some((_, text)) => Login::NoHost(text),
        None if answer.get(7..).is_some_and(|rest| rest.starts_with(&OPEN_OK)) => Login::In,
        None => Login::Unclear(excerpt(&answer)),
    })
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let (mut conn, greeting) = greeted(session, opened.conn).await?;
    let Some(told) = start(&greeting) else {
        session.note_plain("AMQP 0-9-1", &greeting, conn.is_tls());
        let reason = "the broker speaks another version of AMQP, for which there is no probe yet";
        return Ok(Judgement::of(Verdict::Unknown, reason));
    };
    session.note("AMQP 0-9-1", format!("Connection.Start, {}", told.mechanisms), &greeting, conn.is_tls());
    let nobody = format!("watertight-{:08x}", fastrand::u32(..));
    let (mechanism, response, whom) = if told.offers("ANONYMOUS") {
        ("ANONYMOUS", b"watertight".to_vec(), "a stranger")
    } else if told.offers("PLAIN") {
        ("PLAIN", format!("\0{nobody}\0").into_bytes(), "a made-up user")
    } else {
        let reason = format!("a login is demanded, by {}", told.mechanisms);
        return Ok(judged(told, Verdict::Protected, reason));
    };
    let (verdict, reason) = match log_in(session, &mut conn, mechanism, &response, whom).await? {
        Login::In => (Verdict::Open, format!("{whom} logs in by {mechanism} and opens the virtual host /")),
        Login::NoHost(why) => (Verdict::OpenPartial, format!("{whom} logs in by {mechanism}; then: {why}")),
        Login::Refused(why) => (Verdict::Protected, why),
        Login::Unclear(what) => (Verdict::Unknown, what),
    };
    Ok(judged(told, verdict, reason))
}

fn judged(told: Start, verdict: Verdict, reason: String) -> Judgement {
    let mut judgement = Judgement::of(verdict, reason).version(told.version);
    judgement.product = told.product;
    judgement
}

/// guest/guest, which RabbitMQ makes at its first start.
async fn try_guest(session: &mut Session) -> Result<Surface, Error> {
    let (mut conn, _) = greeted(session, None).await?;
    let password = Secret::new(DEFAULT_USER.to_owned());
    let response = format!("\0{DEFAULT_USER}\0{}", password.reveal());
    Ok(match log_in(session, &mut conn, "PLAIN", response.as_bytes(), "the default login").await? {
        Login::In | Login::NoHost(_) => default_login(DEFAULT_USER, true),
        Login::Refused(_) => default_login(DEFAULT_USER, false),
        Login::Unclear(what) => Surface::new("default login", Verdict::Unknown, what),
    })
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Protected, "RabbitMQ 3.10.8"),
    Proven::new(Proof::Real, Verdict::DefaultCredential, "RabbitMQ 3.10.8"),
    Proven::new(Proof::Transcript, Verdict::Open, "RabbitMQ 4 with anonymous login"),
];

impl Service for Amqp {
    fn about(&self) -> About<'_> {
        About {
            id: "amqp",
            product: "AMQP broker",
            ports: &[5672, 5671],
            openings: &[Opening::Say(OPENING)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        let started = || reply.bytes.starts_with(&[1, 0, 0]) && reply.bytes.get(7..11) == Some(&START);
        match reply.opening {
            // An echo of the header that was sent is no broker.
            Opening::Say(words) if words == OPENING => {
                started() || reply.bytes.starts_with(b"AMQP") && !reply.bytes.starts_with(HEADER)
            }
            _ => reply.bytes.starts_with(b"AMQP\x00") || reply.bytes.starts_with(b"AMQP\x03"),
        }
    }

    fn try_default<'a>(&'a self, session: &'a mut Session) -> Option<BoxFuture<'a, Result<Surface, Error>>> {
        Some(Box::pin(try_guest(session)))
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(session, opened))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As RabbitMQ 3.10.8 begins, shortened.
    fn greeting(mechanisms: &[u8]) -> Vec<u8> {
        let mut table = b"\x0ccapabilitiesF".to_vec();
        table.extend(long_string(b"\x12publisher_confirmst\x01"));
        for (key, value) in [("product", "RabbitMQ"), ("version", "3.10.8")] {
            table.push(u8::try_from(key.len()).unwrap());
            table.extend(key.as_bytes());
            table.push(b'S');
            table.extend(long_string(value.as_bytes()));
        }
        let mut arguments = vec![0, 9];
        arguments.extend(long_string(&table));
        arguments.extend(long_string(mechanisms));
        arguments.extend(long_string(b"en_US"));
        frame(START, &arguments)
    }

    #[test]
    fn a_greeting_names_product_version_and_mechanisms() {
        let bytes = greeting(b"PLAIN AMQPLAIN");
        assert_eq!(complete(&bytes).unwrap(), Some(bytes.len()));
        assert_eq!(complete(&bytes[..20]).unwrap(), None);
        let told = start(&bytes).unwrap();
        assert_eq!((told.product.as_deref(), told.version.as_deref()), (Some("RabbitMQ"), Some("3.10.8")));
        assert!(told.offers("PLAIN") && !told.offers("ANONYMOUS") && !told.offers("AMQP"));
        assert_eq!(start(&bytes[..30]), None);
    }

    #[test]
    fn a_refusal_is_read() {
        let mut arguments = vec![0x01, 0x93, 14];
        arguments.extend(b"ACCESS_REFUSED\x00\x00\x00\x00");
        assert_eq!(closed(&frame(CLOSE, &arguments)), Some((403, "ACCESS_REFUSED".to_owned())));
        assert_eq!(closed(&frame(TUNE, &arguments)), None);
    }

    #[test]
    fn brokers_are_recognised_and_an_echo_is_not() {
        let recognises = |opening, bytes: &[u8]| Amqp.recognises(&Reply { opening, bytes });
        assert!(recognises(Opening::Http, HEADER), "RabbitMQ's answer to HTTP");
        assert!(recognises(Opening::Say(OPENING), &greeting(b"PLAIN")));
        assert!(recognises(Opening::Say(OPENING), b"AMQP\x00\x01\x00\x00"));
        assert!(!recognises(Opening::Say(OPENING), HEADER));
    }

    #[test]
    fn absurd_lengths_are_refused() {
        assert!(complete(&[1, 0, 0, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(complete(b"HTTP/1.1 400").is_err());
        assert_eq!(field(&[3, b'a', b'b', b'c', b'S', 0xff, 0xff, 0xff, 0xff], "abc"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = (complete(&bytes), start(&bytes), closed(&bytes), field(&bytes, "product"));
            let _ = start(&frame(START, &bytes));
            let _ = closed(&frame(CLOSE, &bytes));
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = (complete(bytes), start(bytes), closed(bytes), field(bytes, "product"));
}
