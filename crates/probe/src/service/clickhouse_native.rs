//! ClickHouse, native protocol: <https://clickhouse.com/docs/native-protocol/basics>.
//!
//! The hello logs in as `default` with an empty password; the server answers with its own hello, or an exception
//! whose code says why not.

use model::{Proof, Proven, Verdict, excerpt};
use net::{Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::wire::array_at;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct ClickHouseNative;

fn string(out: &mut Vec<u8>, text: &str) {
    // Lengths below 128 are one byte of the variable-length encoding.
    out.push(u8::try_from(text.len()).unwrap_or(0) & 0x7f);
    out.extend_from_slice(text.as_bytes());
}

/// Client hello: packet 0, client name, version 18.16 with revision 54412 (a revision every later server accepts),
/// database, user, password.
fn hello() -> Vec<u8> {
    let mut hello = vec![0];
    string(&mut hello, "watertight");
    hello.extend_from_slice(&[18, 16, 0x8c, 0xa9, 0x03]);
    string(&mut hello, "");
    string(&mut hello, "default");
    string(&mut hello, "");
    hello
}

/// The opening. On other ports, the answer to `GET /` gives the server away.
const HELLO: &Words = &Words { name: "clickhouse hello", bytes: hello, turn: None };

/// A server's answer to the hello.
#[derive(Debug, PartialEq)]
enum Answer {
    Hello { version: String },
    Exception { code: u32, message: String },
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn text<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = usize::try_from(varint(bytes, at)?).ok()?;
    let end = at.checked_add(length)?;
    let text = bytes.get(*at..end)?;
    *at = end;
    Some(text)
}

fn answer(bytes: &[u8]) -> Option<Answer> {
    let mut at = 1;
    match bytes.first()? {
        0 if text(bytes, &mut at)? == b"ClickHouse" => {
            let (major, minor) = (varint(bytes, &mut at)?, varint(bytes, &mut at)?);
            Some(Answer::Hello { version: format!("{major}.{minor}") })
        }
        2 => {
            let code = u32::from_le_bytes(array_at(bytes, 1)?);
            at = 5;
            let name = text(bytes, &mut at)?;
            if name != b"DB::Exception" {
                return None;
            }
            let message = text(bytes, &mut at)?;
            Some(Answer::Exception { code, message: excerpt(message) })
        }
        _ => None,
    }
}

/// Codes: <https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp>.
fn refused(code: u32, message: &str) -> Judgement {
    let verdict = match code {
        192..=194 | 516 => Verdict::Protected,
        195 => Verdict::NetworkRestricted,
        _ => Verdict::Unknown,
    };
    Judgement::of(verdict, format!("refused with {code}: {message}"))
}

async fn judge(session: &mut Session) -> Result<Judgement, Error> {
    let mut conn = session.connect().await?;
    conn.send(&hello()).await?;
    let whole = |bytes: &[u8]| match bytes.first() {
        None => Ok(None),
        Some(0 | 2) => Ok(answer(bytes).map(|_| bytes.len())),
        Some(_) => Err(Error::Malformed(excerpt(bytes))),
    };
    let message = conn.message(session.patience, whole).await?;
    session.note_plain("hello as user default, empty password", &message, conn.is_tls());
    match answer(&message) {
        Some(Answer::Hello { version }) => {
            Ok(Judgement::of(Verdict::Open, "user default logs in without a password").version(Some(version)))
        }
        Some(Answer::Exception { code, message }) => Ok(refused(code, &message)),
        None => Err(Error::Malformed(excerpt(&message))),
    }
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "18.16"),
    Proven::new(Proof::Real, Verdict::Protected, "18.16"),
    Proven::new(Proof::Real, Verdict::NetworkRestricted, "18.16"),
];

impl Service for ClickHouseNative {
    fn about(&self) -> About<'_> {
        About {
            id: "clickhouse-native",
            product: "ClickHouse",
            ports: &[9000, 9440],
            openings: &[Opening::Say(HELLO)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        match reply.opening {
            Opening::Say(words) if words == HELLO => answer(reply.bytes).is_some(),
            Opening::Http => {
                let text = String::from_utf8_lossy(reply.bytes);
                text.starts_with("HTTP/1.0 400 ") && text.contains("is for clickhouse-client program")
            }
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

    #[test]
    fn a_password_that_is_demanded_is_protected() {
        let mut bytes = b"\x02\xc2\x00\x00\x00\x0dDB::Exception".to_vec();
        string(&mut bytes, "DB::Exception: Password required for user default");
        let Some(Answer::Exception { code, message }) = answer(&bytes) else { panic!() };
        assert_eq!(refused(code, &message).worst().unwrap().verdict, Verdict::Protected);
    }

    #[test]
    fn the_hint_to_http_clients_identifies_it() {
        let bytes = b"HTTP/1.0 400 Bad Request\r\n\r\nPort 9000 is for clickhouse-client program.\r\n";
        assert!(ClickHouseNative.recognises(&Reply { opening: Opening::Http, bytes }));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let _ = answer(&bytes);
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    if let Some(Answer::Exception { code, message }) = answer(bytes) {
        let _ = refused(code, &message);
    }
}
