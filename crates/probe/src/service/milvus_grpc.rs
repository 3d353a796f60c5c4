//! Milvus over gRPC: <https://github.com/milvus-io/milvus-proto/blob/master/proto/milvus.proto>. Its REST interface, on the
//! same port, has a table of its own, `milvus.yml`; Milvus Lite has none.
//!
//! Authentication is off by default, and Milvus Lite has none: it takes any token. Collections are counted; their names
//! are dropped. With a login the version is refused, too: then REST tells the product.

use model::{Proof, Proven, Verdict, excerpt};
use net::grpc::{self, GrpcAnswer, GrpcRead};
use net::{Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::wire::array_at;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct MilvusGrpc;

/// The version, asked for over gRPC. A server of HTTP/2 gives itself away before, so it has no turn.
const VERSION: &Words =
    &Words { name: "milvus version", bytes: || GrpcRead::MilvusVersion.first_words(), turn: None };

/// A field of a protobuf message: its number, and its bytes when it is a string or a message.
type Field<'a> = (u64, Option<&'a [u8]>);

/// A number of variable length, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let shift = u32::try_from(index).ok()?.checked_mul(7)?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

/// The first field of a message, and what follows it: <https://protobuf.dev/programming-guides/encoding/>.
fn field(bytes: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let (key, rest) = varint(bytes)?;
    let number = key >> 3;
    match key & 7 {
        0 => varint(rest).map(|(_, rest)| ((number, None), rest)),
        1 => rest.get(8..).map(|rest| ((number, None), rest)),
        2 => {
            let (length, rest) = varint(rest)?;
            let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some(((number, Some(value)), rest))
        }
        5 => rest.get(4..).map(|rest| ((number, None), rest)),
        _ => None,
    }
}

/// The fields of a message. `None`: it is not one.
fn fields(mut bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (found, rest) = field(bytes)?;
        fields.push(found);
        bytes = rest;
    }
    Some(fields)
}

/// The version in an answer to `GetVersion`: a status, then the version.
fn version_in(message: &[u8]) -> Option<String> {
    let fields = fields(message)?;
    let text = fields.iter().find(|(number, _)| *number == 2)?.1?;
    let plain = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    std::str::from_utf8(text).ok().filter(plain).map(str::to_owned)
}

/// The version in frames of HTTP/2 (RFC 9113, 4.1): the message on stream 1, which is the one that was opened.
fn version_in_frames(mut bytes: &[u8]) -> Option<String> {
    let mut data = Vec::new();
    while let Some([high, middle, low, kind, flags]) = array_at::<5>(bytes, 0) {
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        let stream = u32::from_be_bytes(array_at(bytes, 5)?);
        let (payload, rest) = bytes.get(9..)?.split_at_checked(length)?;
        if (kind, stream) == (0, 1) {
            // Padding would need flag 8; no server of gRPC is known to use it.
            if flags & 8 != 0 {
                return None;
            }
            data.extend_from_slice(payload);
            if let Some(message) = grpc::message(&data).ok()? {
                return version_in(message);
            }
        }
        bytes = rest;
    }
    None
}

/// What gRPC said about the collections.
fn grpc_judgement(answer: &GrpcAnswer) -> Judgement {
    // UNAUTHENTICATED and PERMISSION_DENIED: https://grpc.io/docs/guides/status-codes/
    match (answer.status, fields(&answer.body)) {
        (Some(16), _) => Judgement::of(Verdict::Protected, "a login is demanded (16)"),
        (Some(7), _) => Judgement::of(Verdict::Protected, "access is refused (7)"),
        (Some(0), Some(fields)) => {
            // A status without fields, or with no error among them, is success: zeros are left out.
            let status = fields.iter().find(|(number, _)| *number == 1).and_then(|(_, status)| *status);
            let error = status.and_then(self::fields).unwrap_or_default();
            if error.iter().any(|(number, _)| matches!(number, 1 | 3)) {
                let reason = excerpt(status.unwrap_or_default());
                return Judgement::of(Verdict::Unknown, format!("an error, {reason}"));
            }
            let names = fields.iter().filter(|(number, _)| *number == 2).count();
            Judgement::of(Verdict::Open, "collections are read without a login")
                .count("collections", Some(names as u64))
        }
        (status, _) => {
            let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            let reason = format!("an answer that decides nothing (status {status}) {}", answer.message);
            Judgement::of(Verdict::Unknown, reason)
        }
    }
}

async fn judge(session: &mut Session) -> Result<Judgement, Error> {
    let version = grpc::call(session, GrpcRead::MilvusVersion).await?;
    let version = version_in(&version.body);
    let mut judgement = grpc_judgement(&grpc::call(session, GrpcRead::MilvusCollections).await?);
    judgement.version = version.map(|version| match version.strip_prefix("milvus_lite-") {
        Some(lite) => {
            judgement.product = Some("Milvus Lite".to_owned());
            lite.to_owned()
        }
        None => version,
    });
    Ok(judgement)
}

const PROVEN: &[Proven] = &[Proven::new(Proof::Real, Verdict::Open, "3.2.2 of Milvus Lite")];

impl Service for MilvusGrpc {
    fn about(&self) -> About<'_> {
        About {
            id: "milvus-grpc",
            product: "Milvus",
            ports: &[19530],
            openings: &[Opening::Say(VERSION)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        match reply.opening {
            Opening::Say(words) if words == VERSION => version_in_frames(reply.bytes).is_some(),
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

    /// What Milvus Lite 3.2.2 sends when it is asked for its version: settings, window, acknowledgement, ping, headers,
    /// the message, trailers.
    const LITE: &[u8] = b"\0\0\x18\x04\0\0\0\0\0\0\x04\0@\0\0\0\x05\0@\0\0\0\x06\0\0@\0\xfe\x03\0\0\0\x01\
        \0\0\x04\x08\0\0\0\0\0\0?\0\x01\0\0\0\x04\x01\0\0\0\0\0\0\x04\x08\0\0\0\0\0\0\0\0\x05\
        \0\0\x08\x06\0\0\0\0\0\xbcM\x93\xa1<\xccB\x13\0\0N\x01\x04\0\0\0\x01\x88@\x0ccontent-type\x10application/grpc\
        @\x14grpc-accept-encoding\x17identity, deflate, gzip\0\0\x1a\0\0\0\0\0\x01\0\0\0\0\x15\n\0\x12\x11milvus_lite-3.2.2\
        \0\0\x1e\x01\x05\0\0\0\x01@\x0bgrpc-status\x010\0\x0cgrpc-message\0";
    /// What it sends when it is asked for what it does not know.
    const NO_METHOD: &[u8] = b"\0\0\x18\x04\0\0\0\0\0\0\x04\0@\0\0\0\x05\0@\0\0\0\x06\0\0@\0\xfe\x03\0\0\0\x01\
        \0\0\x04\x08\0\0\0\0\0\0?\0\x01\0\0\0\x04\x01\0\0\0\0\0\0P\x01\x05\0\0\0\x01\x88@\x0ccontent-type\x10application/grpc\
        @\x0bgrpc-status\x0212\0\x0cgrpc-message\x11Method not found!";

    fn recognises(opening: Opening, bytes: &[u8]) -> bool {
        MilvusGrpc.recognises(&Reply { opening, bytes })
    }

    #[test]
    fn milvus_lite_is_recognised_by_the_answer_that_only_it_gives() {
        assert!(recognises(Opening::Say(VERSION), LITE));
        assert!(!recognises(Opening::Http, LITE));
        // Another server of gRPC does not know the method, and half an answer is none.
        assert!(!recognises(Opening::Say(VERSION), NO_METHOD));
        assert!((0..LITE.len() - 40).all(|end| !recognises(Opening::Say(VERSION), &LITE[..end])));
        for other in
            [b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), b"-ERR unknown command\r\n", &[0xff; 64]]
        {
            assert!(!recognises(Opening::Say(VERSION), other));
        }
    }

    fn told(status: Option<u16>, body: &[u8]) -> Judgement {
        grpc_judgement(&GrpcAnswer { status, message: String::new(), body: body.to_vec() })
    }

    fn verdict(judgement: &Judgement) -> Verdict {
        judgement.worst().unwrap().verdict
    }

    #[test]
    fn collections_over_grpc_are_counted_and_not_named() {
        let open = told(Some(0), b"\n\0\x12\x05lab_a\x12\x05lab_b\x1a\x02\x01\x02");
        assert_eq!((verdict(&open), open.counts.get("collections")), (Verdict::Open, Some(&2)));
        assert!(!format!("{open:?}").contains("lab_a"));
        assert_eq!(verdict(&told(Some(0), b"\n\0")), Verdict::Open);
    }

    #[test]
    fn a_refusal_over_grpc_is_seen_and_an_error_is_none() {
        assert_eq!(verdict(&told(Some(16), b"")), Verdict::Protected);
        assert_eq!(verdict(&told(Some(7), b"")), Verdict::Protected);
        assert_eq!(verdict(&told(Some(12), b"")), Verdict::Unknown);
        assert_eq!(verdict(&told(None, b"")), Verdict::Unknown);
        // A status with an error code, and what is no message at all.
        assert_eq!(verdict(&told(Some(0), b"\n\x08\x08\x01\x12\x04none")), Verdict::Unknown);
        assert_eq!(verdict(&told(Some(0), b"<html>")), Verdict::Unknown);
    }

    #[test]
    fn absurd_lengths_are_no_message() {
        assert_eq!(fields(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a"), None);
        assert_eq!(fields(b"\x12\xff"), None);
        assert_eq!(varint(&[0xff; 20]), None);
        assert_eq!(version_in_frames(b"\xff\xff\xff\0\0\0\0\0\x01"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let _ = fields(&bytes);
            let _ = version_in(&bytes);
            let _ = version_in_frames(&bytes);
            let _ = told(Some(0), &bytes);
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let (_, _) = (version_in(bytes), version_in_frames(bytes));
    let answer = GrpcAnswer { status: Some(0), message: String::new(), body: bytes.to_vec() };
    let _ = (grpc_judgement(&answer), grpc::message(bytes));
}
