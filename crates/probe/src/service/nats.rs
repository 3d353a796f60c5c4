//! NATS: <https://docs.nats.io/reference/reference-protocols/nats-protocol>.
//!
//! The greeting says `auth_required`, and must not be believed: a `no_auth_user` lets strangers in without it
//! (<https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro>). Let in is who gets PONG; what a guest may
//! read is tested by subscribing to everything and unsubscribing in the same write. Messages that come in between are dropped.

use model::{Proof, Proven, Verdict, excerpt};
use net::{Conn, Error, Session};
use serde_json::Value;

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Reply};

/// The probe.
pub struct Nats;

const GREETING: &[u8] = b"INFO {";
const HELLO: &[u8] =
    b"CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\"name\":\"watertight\",\
    \"lang\":\"rust\",\"version\":\"1\",\"protocol\":1}\r\nPING\r\n";
const READ_ALL: &[u8] = b"SUB > 1\r\nUNSUB 1\r\nPING\r\n";
/// Longest line of the protocol that is read: a greeting names the servers of a cluster.
const LINE: usize = 64 << 10;
/// Largest message that is skipped.
const MESSAGE: usize = 512 << 10;
/// Most lines and messages that are skipped while an answer is waited for.
const SKIPPED: usize = 64;

/// Length of a whole line, or of a whole message with its payload, at the start of `bytes`.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let Some(end) = bytes.windows(2).position(|window| window == b"\r\n").map(|end| end + 2) else {
        return if bytes.len() > LINE {
            Err(Error::Malformed("an endless line".to_owned()))
        } else {
            Ok(None)
        };
    };
    let line = bytes.get(..end).unwrap_or_default();
    if !line.starts_with(b"MSG ") && !line.starts_with(b"HMSG ") {
        return Ok(Some(end));
    }
    let size = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.split_whitespace().next_back()?.parse::<usize>().ok());
    match size {
        Some(size) if size <= MESSAGE => {
            let whole = end + size + 2;
            Ok((bytes.len() >= whole).then_some(whole))
        }
        _ => Err(Error::Malformed("a message of no sensible size".to_owned())),
    }
}

/// What a line means for the question that was asked.
#[derive(Debug, PartialEq)]
enum Said {
    Pong,
    Refused(String),
    /// Something else, a message for instance.
    Other,
}

fn said(line: &[u8]) -> Said {
    if line.starts_with(b"PONG") {
        return Said::Pong;
    }
    match line.strip_prefix(b"-ERR") {
        Some(why) => Said::Refused(excerpt(why.trim_ascii())),
        None => Said::Other,
    }
}

/// Waits for PONG or an error. A server that is asked for a lot may send other things first.
async fn answer(conn: &mut Conn, session: &Session) -> Result<Said, Error> {
    for _ in 0..SKIPPED {
        let said = said(&conn.message(session.patience, complete).await?);
        if said != Said::Other {
            return Ok(said);
        }
    }
    Err(Error::Malformed("no answer to PING among what came".to_owned()))
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let mut conn = match opened.conn {
        Some(conn) => conn,
        None => session.connect().await?,
    };
    let greeting = conn.message(session.patience, complete).await?;
    session.note_plain("(nothing: the server speaks first)", &greeting, conn.is_tls());
    let info = greeting.strip_prefix(b"INFO ").and_then(|json| serde_json::from_slice::<Value>(json).ok());
    let info = info.ok_or_else(|| Error::Malformed(excerpt(&greeting)))?;
    let version = info.get("version").and_then(Value::as_str).map(str::to_owned);
    if info.get("tls_required") == Some(&Value::Bool(true)) && !conn.is_tls() {
        session.start_tls(&mut conn).await?;
    }
    conn.send(HELLO).await?;
    let judgement = match answer(&mut conn, session).await? {
        Said::Refused(why) => {
            session.note("CONNECT without a login, PING", format!("-ERR {why}"), &[], conn.is_tls());
            refused(&why)
        }
        _ => {
            session.note("CONNECT without a login, PING", "PONG", &[], conn.is_tls());
            what_a_guest_may_read(session, &mut conn).await?
        }
    };
    Ok(judgement.version(version))
}

fn refused(why: &str) -> Judgement {
    let lower = why.to_ascii_lowercase();
    if lower.contains("authorization") || lower.contains("authentication") {
        return Judgement::of(Verdict::Protected, format!("a login is demanded ({why})"));
    }
    Judgement::of(Verdict::Unknown, format!("refused, but not for want of a login: {why}"))
}

async fn what_a_guest_may_read(session: &mut Session, conn: &mut Conn) -> Result<Judgement, Error> {
    conn.send(READ_ALL).await?;
    let answer = answer(conn, session).await?;
    let (heard, judgement) = match &answer {
        Said::Refused(why) if why.to_ascii_lowercase().contains("permissions violation") => (
            format!("-ERR {why}"),
            Judgement::of(
                Verdict::OpenPartial,
                "a stranger becomes a guest, who may not subscribe to everything",
            ),
        ),
        Said::Refused(why) => {
            (format!("-ERR {why}"), Judgement::of(Verdict::Unknown, format!("let in, then refused: {why}")))
        }
        _ => (
            "PONG".to_owned(),
            Judgement::of(Verdict::Open, "a stranger may subscribe to every subject without a login"),
        ),
    };
    session.note("SUB > and UNSUB in one write, PING", heard, &[], conn.is_tls());
    Ok(judgement)
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "2.9.10"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "2.9.10"),
    Proven::new(Proof::Real, Verdict::Protected, "2.9.10"),
];

impl Service for Nats {
    fn about(&self) -> About<'_> {
        About { id: "nats", product: "NATS", ports: &[4222], openings: &[Opening::Listen], proven_on: PROVEN }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        reply.bytes.starts_with(GREETING) && reply.bytes.windows(12).any(|part| part == b"\"server_id\":")
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

    #[test]
    fn a_message_is_taken_whole_whatever_its_payload_looks_like() {
        let bytes = b"MSG a 1 6\r\nPONG\r\n\r\nPONG\r\n";
        assert_eq!(complete(bytes).unwrap(), Some(19));
        assert_eq!(complete(b"MSG a 1 6\r\nPON").unwrap(), None);
        assert!(complete(b"MSG a 1 99999999999\r\n").is_err());
        assert!(complete(b"MSG a 1 -1\r\n").is_err());
    }

    #[test]
    fn refusals_are_told_apart() {
        assert_eq!(
            said(b"-ERR 'Authorization Violation'\r\n"),
            Said::Refused("'Authorization Violation'".into())
        );
        assert_eq!(refused("'Authorization Violation'").surfaces[0].verdict, Verdict::Protected);
        assert_eq!(refused("'maximum connections exceeded'").surfaces[0].verdict, Verdict::Unknown);
    }

    #[test]
    fn a_greeting_is_recognised_and_something_like_it_is_not() {
        let greeting = b"INFO {\"server_id\":\"NA\",\"version\":\"2.9.10\"} \r\n";
        assert!(Nats.recognises(&Reply { opening: Opening::Listen, bytes: greeting }));
        assert!(!Nats.recognises(&Reply { opening: Opening::Listen, bytes: b"INFO {\"a\":1}\r\n" }));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_framed_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
            let _ = said(&bytes);
            let _ = complete(&[b"MSG ".as_slice(), &bytes, b"\r\n"].concat());
        }
    }
}
