//! DNS over TCP: <https://www.rfc-editor.org/rfc/rfc7766>. Named, and left alone: what a name server tells everyone is
//! what it is there for.

use model::{Proof, Proven, Verdict};
use net::{Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::wire::array_at;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Dns;

/// The number of the question, which an answer repeats.
const ID: [u8; 2] = *b"wt";

/// Asks for the name servers of the root, without recursion: the server asks nobody else. A name server is silent to
/// everything that is not a question.
const ROOT: &Words = &Words { name: "DNS question", bytes: || QUESTION.to_vec(), turn: Some(28) };

/// Length (17), number, flags (0), one question and no records; the root, type NS (2), class IN (1).
const QUESTION: [u8; 19] = [0, 17, ID[0], ID[1], 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];

/// Whether `bytes` start with an answer to the question: its number, the bit that says so, and the same kind of
/// question (opcode 0).
fn is_answer(bytes: &[u8]) -> bool {
    let number = |at| array_at(bytes, at).map_or(0, u16::from_be_bytes);
    // Header of 12 bytes (RFC 1035, 4.1.1), after the length.
    bytes.len() >= 14
        && number(0) >= 12
        && array_at(bytes, 2) == Some(ID)
        && number(4) & 0xf800 == 0x8000
        && number(6) <= 1
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    if let Some(conn) = opened.conn {
        session.note(
            "DNS question: NS of the root, no recursion",
            "a DNS answer",
            conn.received(),
            conn.is_tls(),
        );
    }
    Ok(Judgement::of(Verdict::Unknown, "not a data service"))
}

const PROVEN: &[Proven] = &[Proven::new(Proof::Real, Verdict::Unknown, "dnsmasq 2.90")];

impl Service for Dns {
    fn about(&self) -> About<'_> {
        About {
            id: "dns",
            product: "DNS",
            ports: &[53, 853],
            openings: &[Opening::Say(ROOT)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        reply.opening == Opening::Say(ROOT) && is_answer(reply.bytes)
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

    /// dnsmasq 2.90 without a server to ask: REFUSED.
    const REFUSED: &[u8] = b"\x00\x11wt\x80\x85\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01";

    #[test]
    fn a_refusal_is_an_answer_and_an_echo_is_none() {
        assert!(is_answer(REFUSED));
        assert!(!is_answer(&QUESTION));
        assert!(!is_answer(&REFUSED[..13]));
        assert!(!is_answer(b"HTTP/1.1 400 Bad Request\r\n"));
        let other = |bytes| Dns.recognises(&Reply { opening: Opening::Http, bytes });
        assert!(!other(REFUSED));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = is_answer(&bytes);
        }
    }
}
