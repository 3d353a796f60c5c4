//! memcached, text and binary protocol: <https://github.com/memcached/memcached/blob/master/doc/protocol.txt>.
//!
//! A server with SASL speaks the binary protocol only and is silent to text, so silence is asked again in binary.
//! The version is told to everyone there; only `stats` decides.

use model::{Proof, Proven, Verdict, excerpt};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::wire::array_at;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Memcached;

const UNAUTHENTICATED: &[u8] = b"CLIENT_ERROR unauthenticated";

/// Requests of the binary protocol: magic 0x80, opcode, no key, no value.
const fn binary(opcode: u8) -> [u8; 24] {
    let mut request = [0; 24];
    request[0] = 0x80;
    request[1] = opcode;
    request
}

const BINARY_STAT: u8 = 0x10;

/// The text opening.
const TEXT: &Words = &Words { name: "memcached version", bytes: || b"version\r\n".to_vec(), turn: Some(2) };

/// The binary opening, for servers that speak nothing else.
const BINARY: &Words =
    &Words { name: "memcached binary version", bytes: || binary(0x0b).to_vec(), turn: Some(12) };

/// Length of a whole binary answer at the start of `bytes`: a header of 24 bytes with the body's length at 8..12.
fn binary_complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    if bytes.first().is_some_and(|magic| *magic != 0x81) {
        return Err(Error::Malformed(format!("not a memcached answer: {}", excerpt(bytes))));
    }
    let Some(length) = array_at(bytes, 8) else {
        return Ok(None);
    };
    let whole = u32::from_be_bytes(length).saturating_add(24) as usize;
    Ok((bytes.len() >= whole).then_some(whole))
}

/// Length of a whole text answer to `stats`: up to `END`, or one line of an error.
fn stats_complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let line = bytes.windows(2).position(|window| window == b"\r\n").map(|end| end + 2);
    if !bytes.starts_with(b"STAT ") {
        return Ok(line);
    }
    Ok(bytes.windows(7).position(|window| window == b"\r\nEND\r\n").map(|end| end + 7))
}

fn stat(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("STAT ")?.split_once(' '));
    lines.find(|(found, _)| *found == name).map(|(_, value)| value.trim().to_owned())
}

async fn judge_text(session: &mut Session, conn: &mut Conn) -> Result<Judgement, Error> {
    conn.send(b"stats\r\n").await?;
    let message = conn.message(session.patience, stats_complete).await?;
    if message.starts_with(UNAUTHENTICATED) {
        session.note_plain("stats", &message, conn.is_tls());
        return Ok(Judgement::of(Verdict::Protected, "a login is demanded (text protocol, -Y)"));
    }
    if !message.starts_with(b"STAT ") {
        session.note_plain("stats", &message, conn.is_tls());
        return Ok(Judgement::of(Verdict::Unknown, format!("answered {}", excerpt(&message))));
    }
    let text = String::from_utf8_lossy(&message);
    session.note(
        "stats",
        format!("{} STAT lines, END", text.lines().count().saturating_sub(1)),
        &message,
        conn.is_tls(),
    );
    let number = |name| stat(&text, name).and_then(|value| value.parse().ok());
    Ok(Judgement::of(Verdict::Open, "every command is served without a login")
        .version(stat(&text, "version"))
        .count("items", number("curr_items"))
        .count("bytes", number("bytes")))
}

async fn judge_binary(session: &mut Session) -> Result<Judgement, Error> {
    let mut conn = session.connect().await?;
    conn.send(&binary(0x0b)).await?;
    let message = conn.message(session.patience, binary_complete).await?;
    let version = message.get(24..).map(|text| String::from_utf8_lossy(text).into_owned());
    session.note_plain("binary version", &message, conn.is_tls());
    conn.send(&binary(BINARY_STAT)).await?;
    let message = conn.message(session.patience, binary_complete).await?;
    session.note("binary stat", format!("status {:#06x}", status(&message)), &message, conn.is_tls());
    // https://github.com/memcached/memcached/wiki/BinaryProtocolRevamped : 0x20 authentication error.
    Ok(match status(&message) {
        0x20 => Judgement::of(Verdict::Protected, "a SASL login is demanded"),
        0x00 => Judgement::of(Verdict::Open, "every command is served without a login"),
        other => Judgement::of(Verdict::Unknown, format!("answered with status {other:#06x}")),
    }
    .version(version))
}

fn status(message: &[u8]) -> u16 {
    array_at(message, 6).map_or(u16::MAX, u16::from_be_bytes)
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let binary_only = opened.conn.as_ref().is_some_and(|conn| conn.received().first() == Some(&0x81));
    if binary_only {
        return judge_binary(session).await;
    }
    let mut conn = match opened.conn {
        Some(mut conn) => {
            // The answer to `version`, which proves nothing.
            let seen = conn.received().len();
            conn.take(seen);
            conn
        }
        None => session.connect().await?,
    };
    judge_text(session, &mut conn).await
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "1.6.18"),
    Proven::new(Proof::Real, Verdict::Protected, "1.6.18"),
];

impl Service for Memcached {
    fn about(&self) -> About<'_> {
        About {
            id: "memcached",
            product: "memcached",
            ports: &[11211],
            openings: &[Opening::Say(TEXT), Opening::Say(BINARY)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        if reply.bytes.starts_with(UNAUTHENTICATED) {
            return true;
        }
        match reply.opening {
            Opening::Say(words) if words == TEXT => reply.bytes.starts_with(b"VERSION "),
            Opening::Say(words) if words == BINARY => matches!(binary_complete(reply.bytes), Ok(Some(_))),
            _ => false,
        }
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
    fn sasl_is_recognised_by_its_binary_answer() {
        let mut bytes = vec![0x81, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6];
        bytes.resize(24, 0);
        bytes.extend(b"1.6.18");
        assert!(Memcached.recognises(&Reply { opening: Opening::Say(BINARY), bytes: &bytes }));
        // The version is told to everyone: it is no proof of anything.
        assert!(!Memcached.recognises(&Reply { opening: Opening::Say(TEXT), bytes: b"" }));
    }

    #[test]
    fn stats_end_where_they_end() {
        assert_eq!(stats_complete(b"STAT pid 1\r\nSTAT x 2\r\nEN").unwrap(), None);
        assert_eq!(stats_complete(b"STAT pid 1\r\nEND\r\n").unwrap(), Some(17));
        assert_eq!(stats_complete(b"ERROR\r\n").unwrap(), Some(7));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_framed_without_panic(bytes: Vec<u8>) {
            let _ = binary_complete(&bytes);
            let _ = stats_complete(&bytes);
            let _ = status(&bytes);
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = (binary_complete(bytes), stats_complete(bytes), status(bytes));
    let _ = stat(&String::from_utf8_lossy(bytes), "version");
}
