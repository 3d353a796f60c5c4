//! Bolt, the binary protocol of Neo4j and of those that follow it: <https://neo4j.com/docs/bolt/current/bolt/message/>.
//!
//! Since 5.1 HELLO is answered to everyone and tells the version; LOGON with the scheme `none` is what decides, and
//! before that HELLO with it. How many nodes there are comes from the store's own count, in a transaction for reading.

use model::{Proof, Proven, Surface, Verdict, excerpt};
use net::{Conn, Error, Session};

use super::neo4j::{DEFAULT, must_be_changed};
use super::{About, BoxFuture, Judgement, Opened, Service, default_login};
use crate::cursor::Cursor;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Neo4jBolt;

/// The opening: a magic number, and four proposals of versions: 5.1 to 5.8, 4.0 to 4.4 for servers that know ranges,
/// 4.0 for those that do not, 3.
const HANDSHAKE: &Words = &Words {
    name: "bolt handshake",
    bytes: || {
        let proposals = [[0, 7, 8, 5], [0, 4, 4, 4], [0, 0, 0, 4], [0, 0, 0, 3]];
        [[0x60, 0x60, 0xb0, 0x17]].into_iter().chain(proposals).flatten().collect()
    },
    turn: Some(26),
};

/// What the port says to HTTP: JSON of no length. Netty writes the names in small letters.
const TO_HTTP: [&str; 5] = [
    "HTTP/1.1 200 OK",
    "content-type: application/json",
    "access-control-allow-origin: *",
    "vary: Accept",
    "content-length: 0",
];

const COUNT_NODES: &str = "MATCH (n) RETURN count(n)";

/// Values nest no deeper than this in what is read here.
const DEPTH: u8 = 8;
/// Longest message that is read.
const MOST: usize = 64 << 10;

/// The version that was chosen, when it is one of those proposed.
fn chosen(bytes: &[u8]) -> Option<(u8, u8)> {
    match bytes.first_chunk()? {
        [0, 0, minor @ 1..=8, 5] => Some((5, *minor)),
        [0, 0, minor @ 0..=4, 4] => Some((4, *minor)),
        [0, 0, 0, 3] => Some((3, 0)),
        _ => None,
    }
}

/// A PackStream text: <https://neo4j.com/docs/bolt/current/packstream/>.
fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap_or(0);
    let head = if length < 16 { vec![0x80 | length] } else { vec![0xd0, length] };
    [head, text.as_bytes().to_vec()].concat()
}

/// A PackStream map of no more than 15 entries; the values are encoded already.
fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let head = vec![0xa0 | u8::try_from(entries.len()).unwrap_or(0) & 0x0f];
    entries.iter().fold(head, |bytes, (key, value)| [bytes, text(key), value.clone()].concat())
}

/// A message in one chunk.
fn message(tag: u8, fields: &[Vec<u8>]) -> Vec<u8> {
    let head = [0xb0 | u8::try_from(fields.len()).unwrap_or(0) & 0x0f, tag];
    let body = [head.to_vec(), fields.concat()].concat();
    [&u16::try_from(body.len()).unwrap_or(0).to_be_bytes(), body.as_slice(), &[0, 0]].concat()
}

fn hello(version: (u8, u8), login: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let agent = concat!("watertight/", env!("CARGO_PKG_VERSION"));
    let mut entries = vec![("user_agent", text(agent))];
    if version >= (5, 1) {
        // Demanded since 5.3.
        entries.push(("bolt_agent", map(&[("product", text(agent))])));
    } else {
        entries.extend_from_slice(login);
    }
    message(0x01, &[map(&entries)])
}

/// Length of a whole message at the start of `bytes`: chunks up to an empty one. Empty ones before it keep a
/// connection alive.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let mut cursor = Cursor::new(bytes);
    let mut inside = false;
    while let Some(length) = cursor.u16() {
        if length == 0 && inside {
            return Ok(Some(bytes.len() - cursor.left()));
        }
        inside |= length > 0;
        if cursor.take(usize::from(length)).is_none() {
            break;
        }
    }
    if bytes.len() > MOST {
        return Err(Error::Malformed(format!("not an answer of Bolt: {}", excerpt(bytes))));
    }
    Ok(None)
}

/// What its chunks hold.
fn unchunked(bytes: &[u8]) -> Vec<u8> {
    let mut cursor = Cursor::new(bytes);
    let mut body = Vec::new();
    while let Some(chunk) = cursor.u16().and_then(|length| cursor.take(usize::from(length))) {
        body.extend_from_slice(chunk);
    }
    body
}

/// The values that matter here.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Boolean(bool),
    Number(i64),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
    /// Read over.
    Other,
}

fn value(cursor: &mut Cursor<'_>, depth: u8) -> Option<Value> {
    let deeper = depth.checked_sub(1)?;
    let marker = cursor.u8()?;
    let small = usize::from(marker & 0x0f);
    Some(match marker {
        0x00..=0x7f => Value::Number(marker.into()),
        0xf0..=0xff => Value::Number(marker.cast_signed().into()),
        0xc2 | 0xc3 => Value::Boolean(marker == 0xc3),
        0xc0 => Value::Other,
        0xc1 => cursor.take(8).map(|_| Value::Other)?,
        0xc8 => Value::Number(cursor.u8()?.cast_signed().into()),
        0xc9 => Value::Number(cursor.i16()?.into()),
        0xca => Value::Number(cursor.i32()?.into()),
        0xcb => Value::Number(cursor.i64()?),
        0x80..=0x8f => text_of(cursor, small)?,
        0xd0..=0xd2 => {
            let length = length(cursor, marker - 0xd0)?;
            text_of(cursor, length)?
        }
        0x90..=0x9f => list(cursor, small, deeper)?,
        0xd4..=0xd6 => {
            let length = length(cursor, marker - 0xd4)?;
            list(cursor, length, deeper)?
        }
        0xa0..=0xaf => entries(cursor, small, deeper)?,
        0xd8..=0xda => {
            let length = length(cursor, marker - 0xd8)?;
            entries(cursor, length, deeper)?
        }
        // Structures and bytes are in none of the messages that are read.
        _ => return None,
    })
}

/// A length of one, two or four bytes. What is longer than a message is refused where it is used.
fn length(cursor: &mut Cursor<'_>, width: u8) -> Option<usize> {
    match width {
        0 => cursor.u8().map(usize::from),
        1 => cursor.u16().map(usize::from),
        _ => usize::try_from(cursor.i32()?).ok(),
    }
}

fn text_of(cursor: &mut Cursor<'_>, length: usize) -> Option<Value> {
    cursor.take(length).map(|bytes| Value::Text(String::from_utf8_lossy(bytes).into_owned()))
}

fn list(cursor: &mut Cursor<'_>, length: usize, depth: u8) -> Option<Value> {
    (0..length).map(|_| value(cursor, depth)).collect::<Option<_>>().map(Value::List)
}

fn entries(cursor: &mut Cursor<'_>, length: usize, depth: u8) -> Option<Value> {
    let entry = |cursor: &mut Cursor<'_>| match value(cursor, depth)? {
        Value::Text(key) => Some((key, value(cursor, depth)?)),
        _ => None,
    };
    (0..length).map(|_| entry(cursor)).collect::<Option<_>>().map(Value::Map)
}

/// An answer to a message.
#[derive(Debug, PartialEq)]
enum Answer {
    Success(Value),
    Record(Value),
    /// The code of the failure.
    Failure(String),
}

fn answer(bytes: &[u8]) -> Option<Answer> {
    let body = unchunked(bytes);
    let mut cursor = Cursor::new(&body);
    let fields = cursor.u8()?;
    match (fields, cursor.u8()?) {
        (0xb1, 0x70) => value(&mut cursor, DEPTH).map(Answer::Success),
        (0xb1, 0x71) => value(&mut cursor, DEPTH).map(Answer::Record),
        (0xb1, 0x7f) => {
            let about = value(&mut cursor, DEPTH)?;
            // Its name since 5.7, and before.
            let code = about.at("neo4j_code").or_else(|| about.at("code"))?;
            Some(Answer::Failure(excerpt(code.text()?.as_bytes())))
        }
        _ => None,
    }
}

impl Value {
    fn at(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn text(&self) -> Option<&str> {
        let Self::Text(text) = self else { return None };
        Some(text)
    }
}

/// Product and version that a server tells about itself.
fn agent(hello: &Value) -> (Option<String>, Option<String>) {
    let told = hello.at("server").and_then(Value::text).unwrap_or_default();
    if told.contains("Memgraph") {
        return (Some("Memgraph".to_owned()), None);
    }
    let version = told.strip_prefix("Neo4j/").and_then(|rest| rest.split(' ').next());
    (None, version.map(|version| excerpt(version.as_bytes())))
}

/// A connection with a version chosen.
struct Bolt {
    conn: Conn,
    version: (u8, u8),
}

impl Bolt {
    /// Goes on with the connection of detection, whose answer is still to be read, or makes one.
    async fn begin(session: &mut Session, opened: Option<Conn>) -> Result<Self, Error> {
        let mut conn = match opened {
            Some(conn) => conn,
            None => {
                let mut conn = session.connect().await?;
                conn.send(&(HANDSHAKE.bytes)()).await?;
                conn
            }
        };
        let bytes = conn.exactly(4, session.patience).await?;
        session.note("handshake", excerpt(format!("{bytes:02x?}").as_bytes()), &bytes, conn.is_tls());
        match chosen(&bytes) {
            Some(version) => Ok(Self { conn, version }),
            None => Err(Error::Malformed(format!("no version of Bolt was agreed on: {bytes:02x?}"))),
        }
    }

    async fn next(&mut self, session: &Session) -> Result<(Answer, Vec<u8>), Error> {
        let bytes = self.conn.message(session.patience, complete).await?;
        match answer(&bytes) {
            Some(answer) => Ok((answer, bytes)),
            None => Err(Error::Malformed(format!("not an answer of Bolt: {}", excerpt(&bytes)))),
        }
    }

    /// Says a message whose answer tells nothing that must not be shown.
    async fn say(&mut self, session: &mut Session, what: &str, bytes: &[u8]) -> Result<Answer, Error> {
        self.conn.send(bytes).await?;
        let (answer, raw) = self.next(session).await?;
        let shown = match &answer {
            Answer::Failure(code) => code.clone(),
            Answer::Success(_) => "SUCCESS".to_owned(),
            Answer::Record(_) => "RECORD".to_owned(),
        };
        session.note(what, shown, &raw, self.conn.is_tls());
        Ok(answer)
    }

    /// HELLO, and the login: in it before 5.1, after it since. Returns what HELLO told and how the login ended.
    async fn log_in(
        &mut self,
        session: &mut Session,
        who: &str,
        login: &[(&str, Vec<u8>)],
    ) -> Result<(Option<Value>, Answer), Error> {
        let apart = self.version >= (5, 1);
        let what = if apart { "HELLO".to_owned() } else { format!("HELLO, {who}") };
        let greeted = self.say(session, &what, &hello(self.version, login)).await?;
        let told = if let Answer::Success(told) = &greeted { Some(told.clone()) } else { None };
        if !apart || told.is_none() {
            return Ok((told, greeted));
        }
        let ended = self.say(session, &format!("LOGON, {who}"), &message(0x6a, &[map(login)])).await?;
        Ok((told, ended))
    }

    /// How many nodes there are; or the code of the refusal.
    async fn count(&mut self, session: &mut Session) -> Result<Result<u64, String>, Error> {
        let run = message(0x10, &[text(COUNT_NODES), map(&[]), map(&[("mode", text("r"))])]);
        let pull = match self.version.0 {
            3 => message(0x3f, &[]),
            _ => message(0x3f, &[map(&[("n", vec![1])])]),
        };
        self.conn.send(&[run, pull].concat()).await?;
        for _ in 0..3 {
            let (answer, raw) = self.next(session).await?;
            match answer {
                Answer::Record(Value::List(row)) => {
                    let number = row.first().and_then(|value| match value {
                        Value::Number(number) => u64::try_from(*number).ok(),
                        _ => None,
                    });
                    session.note(COUNT_NODES, format!("{number:?}"), &raw, self.conn.is_tls());
                    return number.map(Ok).ok_or_else(|| Error::Malformed("a count that is none".to_owned()));
                }
                Answer::Failure(code) => {
                    session.note(COUNT_NODES, code.as_str(), &raw, self.conn.is_tls());
                    return Ok(Err(code));
                }
                _ => {}
            }
        }
        Err(Error::Malformed("a statement without an end".to_owned()))
    }
}

/// Whether a failure is a refusal: `Neo.ClientError.Security.Unauthorized`, and the like of Memgraph.
fn is_refusal(code: &str) -> bool {
    code.contains(".ClientError.Security.")
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let mut bolt = Bolt::begin(session, opened.conn).await?;
    let (told, ended) = bolt.log_in(session, "scheme none", &[("scheme", text("none"))]).await?;
    let mut judgement = match ended {
        Answer::Success(_) => match bolt.count(session).await {
            Ok(Ok(nodes)) => {
                Judgement::of(Verdict::Open, "statements are run without a login").count("nodes", Some(nodes))
            }
            Ok(Err(code)) if is_refusal(&code) => {
                let reason = format!("strangers are let in, but may not read: {code}");
                Judgement::of(Verdict::OpenPartial, reason)
            }
            // The first statement of a server may take longer than we do; and the database may have another name.
            _ => Judgement::of(Verdict::Open, "strangers are let in: no login is demanded"),
        },
        Answer::Failure(code) => {
            let verdict = if is_refusal(&code) { Verdict::Protected } else { Verdict::Unknown };
            Judgement::of(verdict, format!("strangers are refused: {code}"))
        }
        _ => Judgement::of(Verdict::Unknown, "the login was not answered"),
    };
    let (product, version) = told.as_ref().map(agent).unwrap_or_default();
    judgement.product = product;
    Ok(judgement.version(version))
}

/// Tries the first login: <https://neo4j.com/docs/operations-manual/current/configuration/set-initial-password/>.
async fn try_first(session: &mut Session) -> Result<Surface, Error> {
    let mut bolt = Bolt::begin(session, None).await?;
    let login = [("scheme", text("basic")), ("principal", text(DEFAULT)), ("credentials", text(DEFAULT))];
    let (_, ended) = bolt.log_in(session, "the default login", &login).await?;
    Ok(match ended {
        Answer::Success(told) if told.at("credentials_expired") == Some(&Value::Boolean(true)) => {
            Surface { reason: must_be_changed(), ..default_login(DEFAULT, true) }
        }
        Answer::Success(_) => default_login(DEFAULT, true),
        Answer::Failure(code) if is_refusal(&code) => default_login(DEFAULT, false),
        _ => Surface::new("default login", Verdict::Unknown, "the default login was not answered"),
    })
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "5.26"),
    Proven::new(Proof::Real, Verdict::Protected, "5.26"),
    Proven::new(Proof::Real, Verdict::DefaultCredential, "5.26"),
];

impl Service for Neo4jBolt {
    fn about(&self) -> About<'_> {
        About {
            id: "neo4j-bolt",
            product: "Neo4j (Bolt)",
            ports: &[7687],
            openings: &[Opening::Say(HANDSHAKE)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        match reply.opening {
            Opening::Say(words) if words == HANDSHAKE => {
                reply.bytes.len() == 4 && chosen(reply.bytes).is_some()
            }
            Opening::Http => {
                let head = String::from_utf8_lossy(reply.bytes);
                let Some(head) = head.strip_suffix("\r\n\r\n") else { return false };
                let lines = head.split("\r\n").filter(|line| !line.starts_with("date: "));
                lines.eq(TO_HTTP)
            }
            _ => false,
        }
    }

    fn try_default<'a>(&'a self, session: &'a mut Session) -> Option<BoxFuture<'a, Result<Surface, Error>>> {
        Some(Box::pin(try_first(session)))
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

    /// Neo4j 5.26.5, Bolt 5.8.
    const GREETED: &[u8] = b"\x00c\xb1p\xa3\x86server\x8cNeo4j/5.26.5\x8dconnection_id\x87bolt-12\x85hints\xa2\xd0\x1fconnection.recv_timeout_secondsx\x8bssr.enabled\xc3\x00\x00";
    const EXPIRED: &[u8] =
        b"\x00=\xb1p\xa2\xd0\x12advertised_address\x8flocalhost:33110\xd0\x13credentials_expired\xc3\x00\x00";
    const WRONG: &[u8] = b"\x01\x08\xb1\x7f\xa4\x8aneo4j_code\xd0%Neo.ClientError.Security.Unauthorized\x87message\xd09The client is unauthorized due to authentication failure.\x8agql_status\x8550N42\x8bdescription\xd0qerror: general processing exception - unexpected error. Unexpected error has occurred. See debug log for details.\x00\x00";
    /// The same server, Bolt 4.4.
    const OLD_REFUSAL: &[u8] = b"\x00\x8f\xb1\x7f\xa2\x84code\xd0%Neo.ClientError.Security.Unauthorized\x87message\xd0VUnsupported authentication token, scheme 'none' is only allowed when auth is disabled.\x00\x00";
    const COUNTED: &[u8] = b"\x00\x04\xb1q\x91\x03\x00\x00";

    #[test]
    fn a_greeting_tells_the_version_and_is_told_to_everyone() {
        assert_eq!(complete(GREETED).unwrap(), Some(GREETED.len()));
        let Some(Answer::Success(told)) = answer(GREETED) else { panic!() };
        assert_eq!(agent(&told), (None, Some("5.26.5".to_owned())));
    }

    #[test]
    fn a_refusal_is_known_by_its_code_under_either_name() {
        for bytes in [WRONG, OLD_REFUSAL] {
            let Some(Answer::Failure(code)) = answer(bytes) else { panic!() };
            assert!(is_refusal(&code), "{code}");
        }
        assert!(!is_refusal("Neo.ClientError.Statement.SyntaxError"));
        assert!(!is_refusal("Neo.ClientError.Request.Invalid"));
    }

    #[test]
    fn a_first_login_that_nobody_used_says_that_it_has_expired() {
        let Some(Answer::Success(told)) = answer(EXPIRED) else { panic!() };
        assert_eq!(told.at("credentials_expired"), Some(&Value::Boolean(true)));
    }

    #[test]
    fn a_count_is_a_number_in_a_list() {
        assert_eq!(answer(COUNTED), Some(Answer::Record(Value::List(vec![Value::Number(3)]))));
    }

    #[test]
    fn half_an_answer_is_waited_for_and_one_without_an_end_is_not() {
        for length in 0..GREETED.len() {
            assert_eq!(complete(GREETED.get(..length).unwrap()).unwrap(), None, "{length}");
        }
        assert!(complete(&vec![0xff; MOST + 1]).is_err());
        // What keeps a connection alive is read over.
        assert_eq!(complete(b"\0\0\0\0\0\x04\xb1q\x91\x03\0\0").unwrap(), Some(12));
    }

    #[test]
    fn deep_nesting_and_absurd_lengths_are_refused() {
        let deep = [vec![0x91; 40], vec![0x01]].concat();
        assert_eq!(value(&mut Cursor::new(&deep), DEPTH), None);
        assert_eq!(value(&mut Cursor::new(b"\xd6\x7f\xff\xff\xff"), DEPTH), None);
        assert_eq!(value(&mut Cursor::new(b"\xd2\xff\xff\xff\xff"), DEPTH), None);
    }

    #[test]
    fn the_port_is_known_by_its_version_and_by_what_it_says_to_http() {
        let say = Opening::Say(HANDSHAKE);
        assert!(Neo4jBolt.recognises(&Reply { opening: say, bytes: &[0, 0, 8, 5] }));
        assert!(Neo4jBolt.recognises(&Reply { opening: say, bytes: &[0, 0, 4, 4] }));
        // No version in common, a version that was not proposed, an echo, too much.
        for bytes in [[0, 0, 0, 0].as_slice(), &[0, 0, 9, 5], &[0x60, 0x60, 0xb0, 0x17], &[0, 0, 8, 5, 0]] {
            assert!(!Neo4jBolt.recognises(&Reply { opening: say, bytes }), "{bytes:x?}");
        }
        let http = |bytes| Neo4jBolt.recognises(&Reply { opening: Opening::Http, bytes });
        assert!(http(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\naccess-control-allow-origin: *\r\nvary: Accept\r\ndate: Thu, 26 Nov 2026 00:02:02 GMT\r\ncontent-length: 0\r\n\r\n"
        ));
        assert!(!http(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n"));
        assert!(!http(b"HTTP/1.1 200 OK\r\nserver: x\r\ncontent-type: application/json\r\naccess-control-allow-origin: *\r\nvary: Accept\r\ncontent-length: 0\r\n\r\n"));
    }

    #[test]
    fn what_is_said_is_what_a_real_server_understood() {
        assert_eq!(
            message(0x6a, &[map(&[("scheme", text("none"))])]),
            b"\x00\x0f\xb1\x6a\xa1\x86scheme\x84none\x00\x00"
        );
        let old = hello((4, 4), &[("scheme", text("none"))]);
        assert!(old.starts_with(&[0]) && old.windows(11).any(|part| part == b"\x86scheme\x84non"));
        assert!(!hello((5, 8), &[("scheme", text("none"))]).windows(6).any(|part| part == b"scheme"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
            let _ = answer(&bytes);
            let _ = value(&mut Cursor::new(&bytes), DEPTH);
            let _ = chosen(&bytes);
            let _ = Neo4jBolt.recognises(&Reply { opening: Opening::Http, bytes: &bytes });
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = (chosen(bytes), complete(bytes));
    if let Some(Answer::Success(told) | Answer::Record(told)) = answer(bytes) {
        let _ = agent(&told);
    }
    // Without the chunks around it, deeper than any message of ours.
    let _ = value(&mut Cursor::new(bytes), DEPTH);
}
