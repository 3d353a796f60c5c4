//! MongoDB: <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>.
//!
//! Commands go in OP_MSG; servers before 3.6 know only OP_QUERY, servers from 5.1 on refuse it for everything but
//! the greeting (code 352). An empty list of databases proves nothing: a server with authentication but without
//! users gives one too, so the start-up log is asked for then.

use bson::{Document, RawBsonRef, RawDocument, RawDocumentBuf, doc};
use model::{Proof, Proven, Verdict, excerpt, looks_like_ransom_note};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::wire::array_at;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct MongoDb;

const OP_REPLY: i32 = 1;
const OP_QUERY: i32 = 2004;
const OP_MSG: i32 = 2013;
const REQUEST_ID: i32 = 0x7761_7465;
/// Largest message that is read.
const LARGEST: usize = 512 << 10;

const UNAUTHORIZED: i64 = 13;
const COMMAND_NOT_FOUND: i64 = 59;

/// What may be asked. All of these are reads, and none returns a record.
#[derive(Clone, Copy)]
enum Command {
    Hello,
    IsMaster,
    BuildInfo,
    ListDatabases,
    StartupWarnings,
}

impl Command {
    fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::IsMaster => "isMaster",
            Self::BuildInfo => "buildInfo",
            Self::ListDatabases => "listDatabases",
            Self::StartupWarnings => "getLog startupWarnings",
        }
    }

    fn document(self) -> Document {
        match self {
            Self::Hello => doc! { "hello": 1 },
            Self::IsMaster => doc! { "isMaster": 1 },
            Self::BuildInfo => doc! { "buildInfo": 1 },
            Self::ListDatabases => doc! { "listDatabases": 1 },
            Self::StartupWarnings => doc! { "getLog": "startupWarnings" },
        }
    }
}

/// The two ways to send a command.
#[derive(Clone, Copy, PartialEq)]
enum Dialect {
    Msg,
    Query,
}

fn encode(command: Command, dialect: Dialect) -> Result<Vec<u8>, Error> {
    let malformed = |error: bson::error::Error| Error::Malformed(error.to_string());
    let mut document = command.document();
    let (opcode, body) = match dialect {
        Dialect::Msg => {
            document.insert("$db", "admin");
            // No flags; one section of kind 0.
            (OP_MSG, [&[0; 5][..], &document.to_vec().map_err(malformed)?].concat())
        }
        Dialect::Query => {
            let mut body = vec![0; 4];
            body.extend_from_slice(b"admin.$cmd\0");
            body.extend_from_slice(&0_i32.to_le_bytes());
            body.extend_from_slice(&(-1_i32).to_le_bytes());
            body.extend(document.to_vec().map_err(malformed)?);
            (OP_QUERY, body)
        }
    };
    let length = i32::try_from(body.len() + 16).unwrap_or(0);
    let header = [length, REQUEST_ID, 0, opcode].map(i32::to_le_bytes).concat();
    Ok([header, body].concat())
}

/// The opening: `isMaster` as OP_QUERY, the one message that every MongoDB, old or new, answers.
const IS_MASTER: &Words = &Words {
    name: "mongodb isMaster",
    bytes: || encode(Command::IsMaster, Dialect::Query).unwrap_or_default(),
    turn: Some(4),
};

fn word(bytes: &[u8], at: usize) -> Option<i32> {
    array_at(bytes, at).map(i32::from_le_bytes)
}

/// Length of a whole message at the start of `bytes`.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let Some(length) = word(bytes, 0) else { return Ok(None) };
    let length = usize::try_from(length).unwrap_or(0);
    if !(16..=LARGEST).contains(&length) {
        return Err(Error::Malformed(format!("not a MongoDB message: {}", excerpt(bytes))));
    }
    Ok((bytes.len() >= length).then_some(length))
}

/// The document of an answer to our request. It is read field by field and never as a whole: a document that is nested
/// some thousand times would use up the stack.
fn document(message: &[u8]) -> Option<RawDocumentBuf> {
    if word(message, 8) != Some(REQUEST_ID) {
        return None;
    }
    let body = match word(message, 12)? {
        // Flags, then the kind of the first section, which must be 0.
        OP_MSG if message.get(20) == Some(&0) => message.get(21..)?,
        // Flags, cursor, starting point, number of documents.
        OP_REPLY => message.get(36..)?,
        _ => return None,
    };
    let length = usize::try_from(word(body, 0)?).ok()?;
    RawDocument::from_bytes(body.get(..length)?).ok().map(ToOwned::to_owned)
}

fn field<'a>(document: &'a RawDocument, key: &str) -> Option<RawBsonRef<'a>> {
    document.get(key).ok().flatten()
}

fn text<'a>(document: &'a RawDocument, key: &str) -> Option<&'a str> {
    document.get_str(key).ok()
}

fn number(document: &RawDocument, key: &str) -> Option<i64> {
    match field(document, key)? {
        RawBsonRef::Int32(value) => Some(i64::from(value)),
        RawBsonRef::Int64(value) => Some(value),
        #[expect(clippy::cast_possible_truncation, reason = "sizes beyond 2^53 do not matter here")]
        RawBsonRef::Double(value) => Some(value as i64),
        _ => None,
    }
}

fn succeeded(document: &RawDocument) -> bool {
    number(document, "ok") == Some(1)
}

/// The words of a refusal, as new and as old servers give them.
fn error_text(document: &RawDocument) -> &str {
    text(document, "errmsg").or_else(|| text(document, "$err")).unwrap_or_default()
}

/// Whether an answer refuses for want of a login. Servers before 2.6 give no code.
fn unauthorized(document: &RawDocument) -> bool {
    let text = error_text(document);
    number(document, "code") == Some(UNAUTHORIZED)
        || text.contains("not authorized")
        || text.contains("need to login")
        || text.contains("requires authentication")
}

async fn ask(
    session: &mut Session,
    conn: &mut Conn,
    command: Command,
    dialect: Dialect,
) -> Result<RawDocumentBuf, Error> {
    conn.send(&encode(command, dialect)?).await?;
    let message = conn.message(session.patience, complete).await?;
    let answer = document(&message).ok_or_else(|| Error::Malformed(excerpt(&message)))?;
    let received = if succeeded(&answer) {
        "ok: 1".to_owned()
    } else {
        format!("ok: 0, code {:?}, {}", number(&answer, "code"), excerpt(error_text(&answer).as_bytes()))
    };
    let sent = if dialect == Dialect::Query { "OP_QUERY" } else { "OP_MSG" };
    session.note(format!("{sent} {{{}}} on admin", command.name()), received, &message, conn.is_tls());
    Ok(answer)
}

/// Greets in the newest way that the server understands, and says which that was.
async fn greet(session: &mut Session) -> Result<(Conn, Dialect), Error> {
    let mut conn = session.connect().await?;
    match ask(session, &mut conn, Command::Hello, Dialect::Msg).await {
        Ok(answer) if succeeded(&answer) => Ok((conn, Dialect::Msg)),
        // `hello` is younger than OP_MSG.
        Ok(answer) if number(&answer, "code") == Some(COMMAND_NOT_FOUND) => {
            ask(session, &mut conn, Command::IsMaster, Dialect::Msg).await?;
            Ok((conn, Dialect::Msg))
        }
        Ok(_) => Ok((conn, Dialect::Msg)),
        Err(Error::Ended | Error::Reset | Error::Quiet | Error::Malformed(_)) => {
            let mut conn = session.connect().await?;
            ask(session, &mut conn, Command::IsMaster, Dialect::Query).await?;
            Ok((conn, Dialect::Query))
        }
        Err(error) => Err(error),
    }
}

fn judge_databases(answer: &RawDocument) -> Option<Judgement> {
    let (mut count, mut ransom_names) = (0_u64, 0_u64);
    for entry in answer.get_array("databases").ok()?.into_iter().flatten() {
        count += 1;
        let name = entry.as_document().and_then(|entry| text(entry, "name"));
        ransom_names += u64::from(name.is_some_and(looks_like_ransom_note));
    }
    let judgement = Judgement::of(Verdict::Open, "databases are listed without a login")
        .count("databases", Some(count))
        .count("bytes", number(answer, "totalSize").and_then(|size| u64::try_from(size).ok()));
    (count > 0).then_some(Judgement { ransom_names, ..judgement })
}

async fn judge(session: &mut Session) -> Result<Judgement, Error> {
    let (mut conn, dialect) = greet(session).await?;
    let build = ask(session, &mut conn, Command::BuildInfo, dialect).await?;
    let version = text(&build, "version").map(|version| excerpt(version.as_bytes()));
    let answer = ask(session, &mut conn, Command::ListDatabases, dialect).await?;
    let judgement = if unauthorized(&answer) {
        Judgement::of(Verdict::Protected, "a login is demanded to list databases")
    } else if !succeeded(&answer) {
        let text = answer.get_str("errmsg").unwrap_or_default();
        Judgement::of(Verdict::Unknown, format!("listing databases failed: {}", excerpt(text.as_bytes())))
    } else if let Some(judgement) = judge_databases(&answer) {
        judgement
    } else {
        let log = ask(session, &mut conn, Command::StartupWarnings, dialect).await?;
        if succeeded(&log) && field(&log, "totalLinesWritten").is_some() {
            Judgement::of(Verdict::Open, "the server's log is read without a login; there are no databases")
                .count("databases", Some(0))
        } else if unauthorized(&log) {
            Judgement::of(
                Verdict::Protected,
                "an empty list of databases, but a login is demanded for the log",
            )
        } else {
            Judgement::of(Verdict::Unknown, "an empty list of databases decides nothing")
        }
    };
    Ok(judgement.version(version))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Independent, Verdict::Open, "4.0, as mongo-java-server speaks it"),
    Proven::new(Proof::Transcript, Verdict::Open, "2.6 to 8.0"),
    Proven::new(Proof::Transcript, Verdict::Protected, "2.6 to 8.0"),
];

impl Service for MongoDb {
    fn about(&self) -> About<'_> {
        About {
            id: "mongodb",
            product: "MongoDB",
            ports: &[27017, 27018, 27019],
            openings: &[Opening::Say(IS_MASTER)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        let http_hint = b"It looks like you are trying to access MongoDB over HTTP";
        match reply.opening {
            Opening::Say(words) if words == IS_MASTER => document(reply.bytes)
                .is_some_and(|answer| field(&answer, "ok").is_some() || field(&answer, "$err").is_some()),
            Opening::Http => reply.bytes.windows(http_hint.len()).any(|window| window == http_hint),
            _ => false,
        }
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

    fn raw(document: Document) -> RawDocumentBuf {
        RawDocumentBuf::from_bytes(document.to_vec().unwrap()).unwrap()
    }

    /// A seed of the fuzz target `conversation`: read as a whole, it overflows the stack and takes the program with it.
    #[test]
    fn a_document_that_is_nested_for_ever_is_survived() {
        let mut nested = vec![5, 0, 0, 0, 0];
        for _ in 0..50_000 {
            let length = u32::try_from(nested.len() + 8).unwrap();
            nested = [&length.to_le_bytes()[..], b"\x03a\0", &nested, &[0]].concat();
            if nested.len() > 400_000 {
                break;
            }
        }
        let header =
            [i32::try_from(nested.len() + 21).unwrap(), 0, REQUEST_ID, OP_MSG].map(i32::to_le_bytes).concat();
        let message = [header, vec![0; 5], nested].concat();
        let answer = document(&message).unwrap();
        assert!(!succeeded(&answer) && !unauthorized(&answer) && judge_databases(&answer).is_none());
    }

    #[test]
    fn an_empty_list_of_databases_is_never_open() {
        assert_eq!(judge_databases(&raw(doc! { "databases": [], "totalSize": 0, "ok": 1.0 })), None);
    }

    #[test]
    fn a_list_without_sizes_is_open() {
        let answer = raw(doc! { "databases": [{ "name": "lab", "empty": false }], "ok": 1.0 });
        assert_eq!(judge_databases(&answer).unwrap().worst().unwrap().verdict, Verdict::Open);
    }

    #[test]
    fn the_refusals_of_all_ages_are_refusals() {
        for answer in [
            doc! { "ok": 0.0, "code": 13, "errmsg": "Command listDatabases requires authentication" },
            doc! { "ok": 0.0, "errmsg": "not authorized on admin to execute command" },
            doc! { "ok": 0.0, "errmsg": "need to login" },
        ] {
            assert!(unauthorized(&raw(answer.clone())), "{answer}");
        }
        let other = doc! { "ok": 0.0, "code": 352, "errmsg": "Unsupported OP_QUERY command" };
        assert!(!unauthorized(&raw(other)));
    }

    #[test]
    fn an_answer_to_somebody_else_is_not_ours() {
        let mut message = encode(Command::Hello, Dialect::Msg).unwrap();
        message[8..12].copy_from_slice(&7_i32.to_le_bytes());
        assert_eq!(document(&message), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
            let _ = document(&bytes);
            let mut answer = [16_i32, 0, REQUEST_ID, OP_REPLY].map(i32::to_le_bytes).concat();
            answer.extend([0; 20]);
            answer.extend(bytes);
            let _ = document(&answer);
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = complete(bytes);
    if let Some(document) = document(bytes) {
        let _ = (succeeded(&document), unauthorized(&document), judge_databases(&document));
        let _ = (error_text(&document), text(&document, "version"), number(&document, "maxWireVersion"));
    }
}
