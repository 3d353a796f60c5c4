//! HTTP/1.1 towards untrusted servers: only reads, bounded answers, no redirects followed, nothing decompressed.
//!
//! The head is parsed by `httparse` straight from the bytes that detection received, because the same bytes are
//! shown to the recognisers of all other protocols; a client that owns its connection could not do that.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use model::excerpt;
use serde_json::Value;

pub use self::bulk::Bulk;
pub use self::request::{ConsoleRead, Request, percent_encode};
pub use self::search::{Match, SearchRead};
pub use self::sign::BucketKey;
use crate::{Conn, Error, Session};

mod bulk;
mod identity;
mod request;
mod search;
mod sign;

/// Longest head of an answer, in bytes.
const HEAD: usize = 32 << 10;
/// Most header lines.
const HEADERS: usize = 96;
/// Longest body that is read; what is longer is cut and marked.
const BODY: usize = 512 << 10;

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers; names in lower case.
    headers: Vec<(String, String)>,
    /// Body, at most 512 KiB of it.
    pub body: Vec<u8>,
    /// The body was longer than what is kept.
    pub truncated: bool,
    reusable: bool,
    json: OnceLock<Option<Value>>,
}

impl Response {
    /// An answer from its parts, for transcripts.
    pub fn from_parts(status: u16, headers: &BTreeMap<String, String>, body: &str) -> Self {
        let headers =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        Self { status, headers, body: body.as_bytes().to_vec(), ..Self::default() }
    }

    /// The first header of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// All headers of that name (lower case).
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON. Nothing is decompressed: an encoding that was not asked for is no JSON, and no bomb.
    pub fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_slice(&self.body).ok()).as_ref()
    }

    /// The string at a JSON pointer.
    pub fn text_at(&self, pointer: &str) -> Option<&str> {
        self.json()?.pointer(pointer)?.as_str()
    }

    /// The number at a JSON pointer.
    pub fn number_at(&self, pointer: &str) -> Option<u64> {
        self.json()?.pointer(pointer)?.as_u64()
    }

    /// Whether the peer compressed the body although nobody asked.
    pub fn is_encoded(&self) -> bool {
        self.header("content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"))
    }

    /// What came back, without data: the status, telling headers, kind and length of the body.
    pub fn describe(&self) -> String {
        let mut text = format!("HTTP {}", self.status);
        for name in ["www-authenticate", "location", "server", "x-elastic-product", "kbn-name", "osd-name"] {
            if let Some(value) = self.header(name) {
                text.push_str(&format!(", {name}: {}", excerpt(value.as_bytes())));
            }
        }
        let kind = if self.json().is_some() { "JSON" } else { "other" };
        let cut = if self.truncated { ", cut" } else { "" };
        text.push_str(&format!(", body: {kind}, {} bytes{cut}", self.body.len()));
        text
    }
}

/// How the length of a body is told.
enum Framing {
    None,
    Length(usize),
    Chunked,
    UntilClose,
}

struct Head {
    response: Response,
    length: usize,
    framing: Framing,
}

/// Parses an answer from the start of `bytes`. `ended`: no more will come. Returns the answer and its length on the
/// wire, or `None` while it is incomplete.
///
/// # Errors
/// When the bytes are not HTTP, or the head is larger than a head may be.
pub fn parse(bytes: &[u8], to_head: bool, ended: bool) -> Result<Option<(Response, usize)>, Error> {
    let Some(mut head) = parse_head(bytes, to_head)? else { return Ok(None) };
    let rest = bytes.get(head.length..).unwrap_or_default();
    let body = match head.framing {
        Framing::None => Some((Vec::new(), 0)),
        Framing::Length(length) if rest.len() >= length => {
            Some((rest.get(..length).unwrap_or_default().to_vec(), length))
        }
        Framing::Length(_) => None,
        Framing::Chunked => unchunk(rest)?,
        Framing::UntilClose => ended.then(|| (rest.to_vec(), rest.len())),
    };
    match body {
        Some((body, length)) => {
            head.response.body = body;
            Ok(Some((head.response, head.length + length)))
        }
        // Enough is enough: keep what is there and give up the connection.
        None if rest.len() >= BODY || (ended && !rest.is_empty()) => {
            head.response.body = rest.get(..rest.len().min(BODY)).unwrap_or_default().to_vec();
            head.response.truncated = true;
            head.response.reusable = false;
            Ok(Some((head.response, bytes.len())))
        }
        None => Ok(None),
    }
}

fn parse_head(bytes: &[u8], to_head: bool) -> Result<Option<Head>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() > HEAD => {
            return Err(Error::Malformed(format!("a head of more than {HEAD} bytes")));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(Error::Malformed(format!("not HTTP: {error}"))),
    };
    let mut response = Response { status: parsed.code.unwrap_or(0), ..Response::default() };
    response.headers = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let keep = parsed.version == Some(1)
        && !response.header("connection").is_some_and(|value| value.to_ascii_lowercase().contains("close"));
    let framing = framing(&response, to_head)?;
    response.reusable = keep && !matches!(framing, Framing::UntilClose);
    Ok(Some(Head { response, length, framing }))
}

fn framing(response: &Response, to_head: bool) -> Result<Framing, Error> {
    if to_head || response.status < 200 || matches!(response.status, 204 | 304) {
        return Ok(Framing::None);
    }
    let coding = response.header("transfer-encoding").unwrap_or_default();
    if coding.to_ascii_lowercase().contains("chunked") {
        return Ok(Framing::Chunked);
    }
    match response.header("content-length") {
        Some(length) => {
            let length =
                length.trim().parse().map_err(|_| Error::Malformed("bad Content-Length".to_owned()))?;
            Ok(Framing::Length(length))
        }
        None => Ok(Framing::UntilClose),
    }
}

/// Decodes a chunked body from the start of `bytes`; `None` while it is incomplete.
fn unchunk(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Error> {
    let malformed = || Error::Malformed("bad chunk".to_owned());
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let (start, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(malformed()),
        };
        let size = usize::try_from(size).map_err(|_| malformed())?;
        let begin = at.checked_add(start).ok_or_else(malformed)?;
        let end = begin.checked_add(size).ok_or_else(malformed)?;
        let after = end.checked_add(2).ok_or_else(malformed)?;
        if size == 0 {
            // Trailers are allowed to be there and are skipped up to the empty line.
            let trailer = bytes.get(begin..).unwrap_or_default();
            let empty_line = if trailer.starts_with(b"\r\n") {
                Some(2)
            } else {
                trailer.windows(4).position(|window| window == b"\r\n\r\n").map(|position| position + 4)
            };
            return Ok(empty_line.map(|length| (body, begin + length)));
        }
        let Some(chunk) = bytes.get(begin..end) else { return Ok(None) };
        if body.len() + chunk.len() > BODY {
            return Ok(None);
        }
        body.extend_from_slice(chunk);
        match bytes.get(end..after) {
            Some(b"\r\n") => at = after,
            Some(_) => return Err(malformed()),
            None => return Ok(None),
        }
    }
}

/// Asks one endpoint, over one connection as long as that lives.
#[derive(Default)]
pub struct Client {
    conn: Option<Conn>,
}

impl Client {
    /// A client that goes on with a connection whose last answer was taken completely.
    pub fn over(conn: Option<Conn>) -> Self {
        Self { conn: conn.filter(|conn| !conn.ended() && conn.received().is_empty()) }
    }

    /// The connection that is kept for the next request.
    pub fn kept(&mut self) -> Option<&mut Conn> {
        self.conn.as_mut()
    }

    /// Sends a request and receives the answer, noting both as evidence. Redirects are not followed.
    ///
    /// # Errors
    /// Whatever ends the exchange.
    pub async fn send(&mut self, session: &mut Session, request: &Request) -> Result<Response, Error> {
        let kept = self.conn.is_some();
        match self.attempt(session, request).await {
            // A kept connection may have been closed by the peer meanwhile: that says nothing about the request.
            Err(Error::Ended | Error::Reset) if kept => {
                self.conn = None;
                self.attempt(session, request).await
            }
            other => other,
        }
    }

    async fn attempt(&mut self, session: &mut Session, request: &Request) -> Result<Response, Error> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => session.connect().await?,
        };
        conn.charge_request()?;
        conn.send(&request.encode(&session.host_header())).await?;
        let wait = session.patience;
        let response = receive(&mut conn, request.method == "HEAD", wait).await?;
        session.note(request.describe(), response.describe(), &response.body, conn.is_tls());
        if response.reusable && !conn.ended() {
            self.conn = Some(conn);
        }
        Ok(response)
    }
}

/// Receives one answer.
///
/// # Errors
/// Whatever ends the exchange.
pub async fn receive(conn: &mut Conn, to_head: bool, wait: Duration) -> Result<Response, Error> {
    loop {
        match parse(conn.received(), to_head, conn.ended())? {
            // 1xx answers announce another one.
            Some((response, length)) if (100..200).contains(&response.status) && length > 0 => {
                conn.take(length);
            }
            Some((response, length)) => {
                conn.take(length);
                return Ok(response);
            }
            None if conn.ended() => return Err(Error::Ended),
            None => {
                conn.receive(wait).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Response {
        parse(text.as_bytes(), false, true).unwrap().unwrap().0
    }

    #[test]
    fn bodies_of_each_framing() {
        assert_eq!(whole("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOk").body, b"Ok");
        assert_eq!(whole("HTTP/1.0 400 Bad\r\n\r\nPort").body, b"Port");
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOk\r\n1;x=y\r\n!\r\n0\r\n\r\n";
        assert_eq!(whole(chunked).body, b"Ok!");
    }

    #[test]
    fn an_incomplete_answer_is_waited_for() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Le",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        ] {
            assert!(parse(text.as_bytes(), false, false).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn endless_headers_end() {
        let text = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(HEAD));
        assert!(matches!(parse(text.as_bytes(), false, false), Err(Error::Malformed(_))));
    }

    #[test]
    fn a_huge_chunk_size_is_no_overflow() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab";
        assert!(matches!(parse(text.as_bytes(), false, false), Err(Error::Malformed(_))));
    }

    #[test]
    fn a_body_beyond_the_limit_is_cut_and_marked() {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}", "a".repeat(BODY + 1));
        let response = whole(&text);
        assert!(response.truncated && response.body.len() == BODY);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>, ended: bool) {
            let _ = parse(&bytes, false, ended);
            let mut prefixed = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            prefixed.extend(bytes);
            let _ = parse(&prefixed, false, ended);
        }
    }
}
