//! As much of HTTP/1.1 as the emulators need, on both sides.

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Emulator, Peer};

const HEAD_LIMIT: u64 = 64 * 1024;
const REQUEST_BODY_LIMIT: u64 = 1024 * 1024;
const REPLY_LIMIT: u64 = 64 * 1024 * 1024;
const STORE_TIMEOUT: Duration = Duration::from_secs(30);

/// Header lines in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value under a name, in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Adds a line.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }
}

/// What a visitor asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// The path alone, as sent.
    pub path: String,
    /// Decoded pairs of the query.
    pub query: Vec<(String, String)>,
    /// Header lines.
    pub headers: Headers,
    /// The body, by `Content-Length`.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads one request; `None` when the visitor closed before one began.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some((line, headers)) = read_head(reader)? else { return Ok(None) };
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(protocol)) = (words.next(), words.next(), words.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        if !protocol.starts_with("HTTP/1.") {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0u64);
        let mut body = Vec::new();
        reader.take(length.min(REQUEST_BODY_LIMIT)).read_to_end(&mut body)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Some(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            path: path.to_owned(),
            query: decode_query(query),
            headers,
            body,
        }))
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// A decoded value of the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header("cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// What is answered, or what a server behind answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Header lines without `Content-Length` and `Connection`, which are added when it is written.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer of a given content type.
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Headers::default(), body: body.into() }.with("content-type", content_type)
    }

    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string())
    }

    /// A page.
    #[must_use]
    pub fn html(body: impl Into<String>) -> Self {
        Self::new(200, "text/html; charset=utf-8", body.into())
    }

    /// The error body of the hapi framework, which Kibana and its fork run on.
    #[must_use]
    pub fn boom(status: u16, message: &str) -> Self {
        Self::json(status, &json!({"statusCode": status, "error": reason(status), "message": message}))
    }

    /// A 302.
    #[must_use]
    pub fn redirect(location: impl Into<String>) -> Self {
        Self { status: 302, headers: Headers::default(), body: Vec::new() }.with("location", location)
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }

    fn write(&self, out: &mut impl Write, without_body: bool, keep: bool) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers.0 {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let connection = if keep { "keep-alive" } else { "close" };
        head.push_str(&format!("content-length: {}\r\nConnection: {connection}\r\n\r\n", self.body.len()));
        let mut bytes = head.into_bytes();
        if !without_body {
            bytes.extend_from_slice(&self.body);
        }
        out.write_all(&bytes)
    }
}

/// Starts a web server that answers every request by one function.
///
/// # Errors
/// When no port can be had.
pub fn start(answer: impl Fn(&Peer, &Request) -> Reply + Send + Sync + 'static) -> io::Result<Emulator> {
    Emulator::serve(move |peer| serve(&peer, |request| answer(&peer, request)))
}

/// Answers the requests of one connection until either side has enough.
///
/// # Errors
/// When the connection breaks.
pub fn serve(peer: &Peer, answer: impl Fn(&Request) -> Reply) -> io::Result<()> {
    let (mut reader, mut writer) = (BufReader::new(peer.clone()), peer.clone());
    loop {
        match Request::read(&mut reader) {
            Ok(Some(request)) => {
                peer.log(format!("{} {}", request.method, request.target));
                let keep =
                    !request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
                answer(&request).write(&mut writer, request.method == "HEAD", keep)?;
                if !keep {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                peer.log("not HTTP");
                writer.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")?;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    peer.finish();
    Ok(())
}

/// The same over a stream on top of a connection, such as TLS.
///
/// # Errors
/// When the connection breaks.
pub fn serve_over<S: Read + Write>(
    stream: S,
    peer: &Peer,
    answer: impl Fn(&Request) -> Reply,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader)? {
        let host = request.header("host").unwrap_or_default();
        peer.log(format!("{} {host}{}", request.method, request.target));
        answer(&request).write(reader.get_mut(), request.method == "HEAD", true)?;
        reader.get_mut().flush()?;
    }
    Ok(())
}

/// Asks a server behind the emulator: one connection, one request, plain HTTP.
///
/// # Errors
/// When it cannot be reached or does not speak HTTP.
pub fn ask(
    server: SocketAddr,
    method: &str,
    target: &str,
    headers: &Headers,
    body: &[u8],
) -> io::Result<Reply> {
    let mut stream = TcpStream::connect_timeout(&server, STORE_TIMEOUT)?;
    stream.set_read_timeout(Some(STORE_TIMEOUT))?;
    stream.set_write_timeout(Some(STORE_TIMEOUT))?;
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n");
    for (name, value) in &headers.0 {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || method == "POST" {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes)?;
    read_reply(&mut BufReader::new(stream), method == "HEAD")
}

fn read_reply(reader: &mut impl BufRead, without_body: bool) -> io::Result<Reply> {
    let (line, headers) = read_head(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let status =
        line.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let mut body = Vec::new();
    if without_body {
        return Ok(Reply { status, headers, body });
    }
    if headers.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        read_chunks(reader, &mut body)?;
    } else {
        let length =
            headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(REPLY_LIMIT);
        reader.take(length.min(REPLY_LIMIT)).read_to_end(&mut body)?;
    }
    Ok(Reply { status, headers, body })
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    while (body.len() as u64) < REPLY_LIMIT {
        let mut line = String::new();
        reader.take(HEAD_LIMIT).read_line(&mut line)?;
        let digits = line.trim().split(';').next().unwrap_or_default();
        let length = u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        if length == 0 {
            return Ok(());
        }
        reader.take(length.min(REPLY_LIMIT)).read_to_end(body)?;
        reader.take(2).read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

/// First line and headers; `None` when nothing came before the end.
fn read_head(reader: &mut impl BufRead) -> io::Result<Option<(String, Headers)>> {
    // A binary protocol may never send the line's end that we would wait for.
    match reader.fill_buf()?.first() {
        None => return Ok(None),
        Some(byte) if !byte.is_ascii_uppercase() => return Err(io::ErrorKind::InvalidData.into()),
        Some(_) => {}
    }
    let mut lines = reader.take(HEAD_LIMIT).lines();
    let first = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let mut headers = Headers::default();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            return Ok(Some((first, headers)));
        }
        let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
        headers.push(name, value.trim());
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// The usual words for a status.
#[must_use]
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Unknown",
    }
}

fn decode_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (decode(k), decode(v)))
        .collect()
}

/// Undoes percent encoding, and `+` as in a query.
#[must_use]
pub fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = [ahead.next(), ahead.next()].map(|digit| char::from(digit.unwrap_or(b'?')).to_digit(16));
        out.push(match (byte, digits) {
            (b'%', [Some(high), Some(low)]) => {
                bytes = ahead;
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            (b'+', _) => b' ',
            _ => byte,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent encoding as JavaScript's `encodeURIComponent` does it.
#[must_use]
pub fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The value of an `Authorization` header for a name and a password.
#[must_use]
pub fn basic(user: &str, password: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::from("Basic ");
    for chunk in format!("{user}:{password}").as_bytes().chunks(3) {
        let word = (0..3).fold(0, |word, at| word << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = (word >> (18 - 6 * at) & 63) as usize;
            let letter = ALPHABET.get(digit).copied().unwrap_or(b'=');
            out.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}
