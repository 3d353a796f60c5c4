//! First words: what is said to a stranger's port to find out what speaks there.

use net::grpc::PREFACE;

use net::http::Request;

use crate::contract::Service;
use crate::wire::array_at;

/// A first exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Opening {
    /// Say nothing: some servers speak first.
    Listen,
    /// `GET /`.
    Http,
    /// Words of a protocol of its own, kept in the file of its service.
    Say(&'static Words),
}

/// First words of a binary protocol. They must be harmless to every protocol that may be there instead.
#[derive(Debug)]
pub struct Words {
    /// A name, unique among all openings.
    pub name: &'static str,
    /// The bytes.
    pub bytes: fn() -> Vec<u8>,
    /// The turn at which they are tried where the port gives no hint; `None` where another opening finds the service
    /// anyway. Below [`TLS_TURN`]: only words that no other known protocol answers with silence, which costs time.
    pub turn: Option<u8>,
}

/// The turn at which TLS is tried on a port that gives no hint.
pub const TLS_TURN: u8 = 10;

impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Opening {
    /// What is said, to a server that is addressed as `host`.
    pub(crate) fn bytes(self, host: &str) -> Vec<u8> {
        match self {
            Self::Listen => Vec::new(),
            Self::Http => Request::get("/").encode(host),
            Self::Say(words) => (words.bytes)(),
        }
    }

    /// The turn at which it is tried without a hint.
    pub(crate) fn turn(self) -> Option<u8> {
        match self {
            Self::Listen | Self::Http => None,
            Self::Say(words) => words.turn,
        }
    }
}

/// Whether a server speaks HTTP/2 and nothing older: whatever it hears, it sends its settings first (RFC 9113, 3.4).
pub(crate) fn speaks_http2(bytes: &[u8]) -> bool {
    array_at::<9>(bytes, 0).is_some_and(|[high, middle, length, kind, flags, stream @ ..]| {
        (high, middle, kind, flags) == (0, 0, 4, 0) && length % 6 == 0 && stream == [0; 4]
    })
}

/// The openings that begin as HTTP/2 does. They have no turn: they are tried where HTTP/2 was heard.
pub(crate) fn of_http2(services: &[Box<dyn Service>]) -> Vec<Opening> {
    let begins =
        |opening: &Opening| matches!(opening, Opening::Say(words) if (words.bytes)().starts_with(PREFACE));
    services.iter().flat_map(|service| service.about().openings.iter().copied()).filter(begins).collect()
}

/// The openings that are tried where the port gives no hint, after [`Opening::Http`], in their order.
pub fn fallbacks(services: &[Box<dyn Service>]) -> Vec<Opening> {
    let mut openings: Vec<Opening> = services
        .iter()
        .flat_map(|service| service.about().openings.iter().copied())
        .filter(|opening| opening.turn().is_some())
        .collect();
    openings.sort_by_key(|opening| opening.turn());
    openings
}

/// What came back to an opening.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// What was said. [`Opening::Listen`] when the peer spoke before anything was said.
    pub opening: Opening,
    /// What came back, possibly the start of it.
    pub bytes: &'a [u8],
}
