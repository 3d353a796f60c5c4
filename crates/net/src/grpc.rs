//! gRPC, as far as a probe needs it: one call, one answer. <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>
//!
//! What may be called is a list of reads, as with HTTP's POST. The frames and the header compression of HTTP/2 are the
//! business of `h2`, which is handed a connection and never dials.

use std::time::Duration;

use bytes::Bytes;
use model::excerpt;
use tokio::time::timeout;

use crate::{Conn, Error, Session};

/// What a connection in HTTP/2 begins with (RFC 9113, 3.4). It is chosen so that no HTTP/1 server takes it for a request.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Longest answer that is read.
const MOST: usize = 512 << 10;

/// A message without fields, with its prefix: not compressed, no bytes. Every read of [`GrpcRead`] asks with it.
const EMPTY: &[u8] = &[0; 5];

/// The calls that there are. None changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrpcRead {
    /// Milvus' version.
    MilvusVersion,
    /// The collections of Milvus' default database.
    MilvusCollections,
}

impl GrpcRead {
    fn path(self) -> &'static str {
        match self {
            Self::MilvusVersion => "/milvus.proto.milvus.MilvusService/GetVersion",
            Self::MilvusCollections => "/milvus.proto.milvus.MilvusService/ShowCollections",
        }
    }

    /// The whole call as the first bytes of a connection, on stream 1: a client may send it before it has heard
    /// anything.
    pub fn first_words(self) -> Vec<u8> {
        // RFC 7541: indexed fields `:method: POST` and `:scheme: http`, then literals that no table remembers.
        let mut headers = vec![0x83, 0x86];
        for (name, value) in [
            (":path", self.path()),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ] {
            headers.push(0);
            for text in [name, value] {
                // All of them are shorter than 127 bytes, from which on a length takes more than one.
                headers.extend(u8::try_from(text.len()));
                headers.extend_from_slice(text.as_bytes());
            }
        }
        let (settings, end_headers, end_stream) = ((4, 0, 0), (1, 4, 1), (0, 1, 1));
        let mut words = PREFACE.to_vec();
        for ((kind, flags, stream), payload) in
            [(settings, [].as_slice()), (end_headers, &headers), (end_stream, EMPTY)]
        {
            words.extend_from_slice(&[0, 0]);
            words.extend(u8::try_from(payload.len()));
            words.extend_from_slice(&[kind, flags, 0, 0, 0, stream]);
            words.extend_from_slice(payload);
        }
        words
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrpcAnswer {
    /// `grpc-status`; `None` where the answer is no gRPC.
    pub status: Option<u16>,
    /// `grpc-message`, fit to be shown.
    pub message: String,
    /// The message without its prefix; empty when there is none.
    pub body: Vec<u8>,
}

/// The message at the start of `bytes`, behind its prefix. `None`: it is not whole yet.
///
/// # Errors
/// When it is compressed, which was not asked for, or longer than what is read.
pub fn message(bytes: &[u8]) -> Result<Option<&[u8]>, Error> {
    let Some(([compressed, length @ ..], rest)) = bytes.split_first_chunk::<5>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if *compressed != 0 || length > MOST {
        return Err(Error::Malformed(format!("no plain gRPC message: {}", excerpt(bytes))));
    }
    Ok(rest.get(..length))
}

/// Makes a call on a connection of its own, and notes it as evidence.
///
/// # Errors
/// Whatever ends the exchange.
pub async fn call(session: &mut Session, read: GrpcRead) -> Result<GrpcAnswer, Error> {
    let conn = session.connect().await?;
    conn.charge_request()?;
    let (tls, host) = (conn.is_tls(), session.host_header());
    let wait = session.patience.min(session.time_left());
    let answer = match timeout(wait, exchange(conn, read, &host)).await {
        Ok(answer) => answer?,
        Err(_) if session.time_left() == Duration::ZERO => return Err(Error::Deadline),
        Err(_) => return Err(Error::Quiet),
    };
    let status = answer.status.map_or_else(|| "no gRPC".to_owned(), |status| format!("grpc-status {status}"));
    session.note(format!("gRPC {}", read.path()), format!("{status} {}", answer.message), &answer.body, tls);
    Ok(answer)
}

async fn exchange(conn: Conn, read: GrpcRead, host: &str) -> Result<GrpcAnswer, Error> {
    let scheme = if conn.is_tls() { "https" } else { "http" };
    let request = http::Request::post(format!("{scheme}://{host}{}", read.path()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", concat!("watertight/", env!("CARGO_PKG_VERSION")))
        .body(())
        .map_err(|error| Error::Malformed(error.to_string()))?;
    let (client, connection) = h2::client::Builder::new()
        .enable_push(false)
        .max_header_list_size(8 << 10)
        .handshake::<_, Bytes>(conn)
        .await
        .map_err(explain)?;
    let asked = ask(client, request);
    tokio::pin!(asked);
    tokio::select! {
        biased;
        answer = &mut asked => answer,
        // What arrived before the end still counts.
        ended = connection => match (asked.await, ended) {
            (Ok(answer), _) => Ok(answer),
            (Err(_), Err(error)) => Err(explain(error)),
            (Err(error), Ok(())) => Err(error),
        },
    }
}

async fn ask(
    client: h2::client::SendRequest<Bytes>,
    request: http::Request<()>,
) -> Result<GrpcAnswer, Error> {
    let mut client = client.ready().await.map_err(explain)?;
    let (response, mut stream) = client.send_request(request, false).map_err(explain)?;
    stream.send_data(Bytes::from_static(EMPTY), true).map_err(explain)?;
    let (head, mut body) = response.await.map_err(explain)?.into_parts();
    let mut bytes = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(explain)?;
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST {
            return Err(Error::Budget { what: "bytes of an answer", limit: MOST as u64 });
        }
        body.flow_control().release_capacity(chunk.len()).map_err(explain)?;
    }
    let trailers = body.trailers().await.map_err(explain)?.unwrap_or_default();
    // An error without a message has its status where others have their headers.
    let field = |name: &str| {
        trailers.get(name).or_else(|| head.headers.get(name)).map(|value| excerpt(value.as_bytes()))
    };
    let body = message(&bytes)?.map(<[u8]>::to_vec).unwrap_or_default();
    let status = field("grpc-status").and_then(|status| status.parse().ok());
    Ok(GrpcAnswer { status, message: field("grpc-message").unwrap_or_default(), body })
}

/// Our own errors come back out of `h2` as they went in.
fn explain(error: h2::Error) -> Error {
    let text = error.to_string();
    match error.into_io() {
        Some(io) => io.downcast::<Error>().unwrap_or_else(Error::from),
        None => Error::Malformed(excerpt(text.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_are_whole_frames_of_http2() {
        let words = GrpcRead::MilvusVersion.first_words();
        let mut rest = words.strip_prefix(PREFACE).unwrap();
        let mut kinds = Vec::new();
        while !rest.is_empty() {
            let length = usize::from(rest[2]);
            kinds.push((rest[3], rest[4], rest[8]));
            rest = &rest[9 + length..];
        }
        // SETTINGS; HEADERS that end here; DATA that ends the stream.
        assert_eq!(kinds, [(4, 0, 0), (1, 4, 1), (0, 1, 1)]);
        assert!(words.ends_with(EMPTY));
    }

    #[test]
    fn a_message_is_as_long_as_it_says() {
        assert_eq!(message(b"\0\0\0\0\x02ab rest").unwrap(), Some(b"ab".as_slice()));
        assert_eq!(message(b"\0\0\0\0\x02a").unwrap(), None);
        assert_eq!(message(b"\0\0").unwrap(), None);
        assert!(message(b"\x01\0\0\0\x02ab").is_err());
        assert!(message(b"\0\xff\xff\xff\xffab").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = message(&bytes);
        }
    }
}
