//! Recorded conversations: what a client sent and what the real server answered, as files that can be reviewed.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

/// How a connection went on after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Then {
    /// It stayed open.
    Kept,
    /// The server closed it.
    Closed,
    /// The server reset it.
    Reset,
}

/// What one side said and what the other answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Sent by the client; empty when the server speaks first.
    pub sent: Vec<u8>,
    /// Answered by the server; may be empty.
    pub answered: Vec<u8>,
    /// What followed.
    pub then: Then,
}

/// The connections to one door, in the order in which they were made.
pub type Conversation = Vec<Vec<Exchange>>;

/// Writes conversations as `FOLDER/NAME.json`.
///
/// # Errors
/// The file cannot be written.
pub fn save(folder: &Path, name: &str, conversation: &Conversation) -> io::Result<()> {
    let exchange = |exchange: &Exchange| {
        let then = match exchange.then {
            Then::Kept => "kept",
            Then::Closed => "closed",
            Then::Reset => "reset",
        };
        json!({ "sent": text(&exchange.sent), "answered": text(&neutral(&exchange.answered)), "then": then })
    };
    let connections: Vec<Vec<Value>> =
        conversation.iter().map(|connection| connection.iter().map(exchange).collect()).collect();
    let file =
        json!({ "door": name, "bytes": "one character each, U+0000 to U+00FF", "connections": connections });
    std::fs::write(folder.join(format!("{name}.json")), format!("{file:#}\n"))
}

/// Reads what [`save`] wrote.
///
/// # Errors
/// The file cannot be read or is not such a file.
pub fn load(folder: &Path, name: &str) -> io::Result<Conversation> {
    let path = folder.join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).map_err(|error| {
        io::Error::new(error.kind(), format!("{}: {error}; run the subcommand `capture`", path.display()))
    })?;
    let malformed = || io::Error::other(format!("{} is not a capture", path.display()));
    let file: Value = serde_json::from_str(&text)?;
    let connections = file.get("connections").and_then(Value::as_array).ok_or_else(malformed)?;
    let read = |connection: &Value| connection.as_array()?.iter().map(exchange).collect::<Option<Vec<_>>>();
    connections.iter().map(read).collect::<Option<_>>().ok_or_else(malformed)
}

/// Names of this machine's own places and of registries, in answers, become others of the same length.
fn neutral(bytes: &[u8]) -> Vec<u8> {
    let path = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let mut bytes = bytes.to_vec();
    while let Some(at) = bytes.windows(8).position(|window| window == b"/tmp/wt-") {
        let folder = bytes.get_mut(at..).unwrap_or_default();
        folder.get_mut(..5).unwrap_or_default().copy_from_slice(b"/lab/");
        folder.iter_mut().skip(5).take_while(|byte| path(byte)).for_each(|byte| *byte = b'x');
    }
    let registry = b"index.docker.io";
    while let Some(at) = bytes.windows(registry.len()).position(|window| window == registry) {
        bytes.get_mut(at..at + registry.len()).unwrap_or_default().copy_from_slice(b"index.d.invalid");
    }
    bytes
}

fn exchange(value: &Value) -> Option<Exchange> {
    let then = match value.get("then")?.as_str()? {
        "kept" => Then::Kept,
        "closed" => Then::Closed,
        "reset" => Then::Reset,
        _ => return None,
    };
    Some(Exchange { sent: bytes(value.get("sent")?)?, answered: bytes(value.get("answered")?)?, then })
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    value.as_str()?.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// What a request is known by: without what changes from one run to the next.
///
/// HTTP: method, path and body; TLS: that it is a client hello; MongoDB: without the request's number; and
/// everywhere sixteen hexadecimal digits, which the prober makes up, stand for any others.
pub fn key(request: &[u8]) -> Vec<u8> {
    if request.starts_with(&[0x16, 0x03]) {
        return b"(TLS client hello)".to_vec();
    }
    if is_http(request) {
        let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let body = request.windows(4).position(|window| window == b"\r\n\r\n");
        let body = body.and_then(|at| request.get(at + 4..)).unwrap_or_default();
        return loose(&[line, b"\n", body].concat());
    }
    let mut key = request.to_vec();
    if let (Some(length), Some(number)) = (mongo_length(request), key.get_mut(4..8))
        && length == request.len()
    {
        number.fill(0);
    }
    loose(&key)
}

/// Whether this is a whole HTTP request; its line alone is a request of another kind, to which some servers answer.
fn is_http(request: &[u8]) -> bool {
    [&b"GET /"[..], b"HEAD /", b"POST /"].iter().any(|start| request.starts_with(start))
        && request.windows(4).any(|window| window == b"\r\n\r\n")
}

/// The length that a MongoDB message announces, if this looks like one.
fn mongo_length(message: &[u8]) -> Option<usize> {
    let opcode = message.get(12..16)?;
    let known = [2013_u32, 2004].iter().any(|code| code.to_le_bytes() == opcode);
    let length = message.first_chunk().filter(|_| known)?;
    usize::try_from(u32::from_le_bytes(*length)).ok()
}

/// Replaces every run of exactly sixteen hexadecimal digits.
fn loose(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let mut out = Vec::with_capacity(bytes.len());
    for run in bytes.chunk_by(|a, b| digit(a) == digit(b)) {
        let made_up = run.len() == 16 && run.iter().all(digit);
        out.extend_from_slice(if made_up { b"*" } else { run });
    }
    out
}

/// What a replayed server does with a request.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What it answers.
    pub bytes: Vec<u8>,
    /// What follows.
    pub then: Then,
    /// The answer carries the number of the request at this place.
    pub number: bool,
}

/// A server as its conversations show it: the first answer that a request got is the answer.
#[derive(Debug, Default)]
pub struct Script {
    /// What it says before the client does.
    pub greeting: Vec<u8>,
    replies: HashMap<Vec<u8>, Reply>,
}

impl Script {
    /// Learns from recorded conversations.
    pub fn of(conversation: &Conversation) -> Self {
        let mut script = Self::default();
        for exchange in conversation.iter().flatten() {
            if exchange.sent.is_empty() {
                script.greeting.clone_from(&exchange.answered);
                continue;
            }
            let number = mongo_length(&exchange.sent) == Some(exchange.sent.len());
            let reply = Reply { bytes: exchange.answered.clone(), then: exchange.then, number };
            let known = script.replies.entry(key(&exchange.sent)).or_insert_with(|| reply.clone());
            // The client left before the server had its say: what another connection shows counts more.
            if known.bytes.is_empty() && known.then == Then::Kept {
                *known = reply;
            }
        }
        script
    }

    /// The reply to a request, if it is known.
    pub fn reply(&self, request: &[u8]) -> Option<&Reply> {
        self.replies.get(&key(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(sent: &[u8], answered: &[u8], then: Then) -> Exchange {
        Exchange { sent: sent.to_vec(), answered: answered.to_vec(), then }
    }

    #[test]
    fn a_saved_conversation_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let conversation =
            vec![vec![exchange(b"\x00\xff\r\n", b"\x80!", Then::Kept), exchange(b"x", b"", Then::Reset)]];
        save(folder.path(), "door", &conversation).unwrap();
        assert_eq!(load(folder.path(), "door").unwrap(), conversation);
    }

    #[test]
    fn what_is_made_up_does_not_matter() {
        assert_eq!(
            key(b"EXISTS watertight-0123456789abcdef\r\n"),
            key(b"EXISTS watertight-fedcba9876543210\r\n")
        );
        assert_eq!(key(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), key(b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"));
        assert_ne!(key(b"GET / HTTP/1.1\r\n\r\n"), key(b"GET /a HTTP/1.1\r\n\r\n"));
        assert_ne!(key(b"GET / HTTP/1.1\r\n\r\n"), key(b"GET / HTTP/1.1\r\n"));
        assert_eq!(key(&[0x16, 3, 1, 9]), key(&[0x16, 3, 3, 7]));
    }

    #[test]
    fn the_folder_of_a_test_run_is_not_kept() {
        assert_eq!(neutral(b"at:/tmp/wt-12-aBc/redis.conf\r\n"), b"at:/lab/xxxxxxxxx/redis.conf\r\n");
    }

    #[test]
    fn a_fuller_answer_replaces_silence() {
        let silent = vec![exchange(b"a", b"", Then::Kept)];
        let full = vec![exchange(b"", b"hello", Then::Kept), exchange(b"a", b"b", Then::Closed)];
        let script = Script::of(&vec![silent, full]);
        assert_eq!(script.greeting, b"hello");
        assert_eq!(script.reply(b"a").unwrap().bytes, b"b");
        assert!(script.reply(b"c").is_none());
    }
}
