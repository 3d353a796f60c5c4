//! A server that plays back bytes: recorded ones, or those that a vendor published.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use super::server::LIFETIME;
use super::{Emulator, Peer};

/// A request that was written in one piece arrives in one piece on loopback; this long we wait for the rest
/// of another.
const QUIET: Duration = Duration::from_millis(15);
/// How long an unknown beginning may grow into a known request.
const PATIENCE: Duration = Duration::from_millis(400);
/// How much of a request the log keeps.
const LOGGED: usize = 200;

/// Says whether a request is the one.
pub type Predicate = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// What a step waits for.
pub enum Expect {
    /// Nothing: the server speaks first. Sent when the connection opens, and again wherever it stands in a
    /// sequence.
    Greeting,
    /// A request that begins like this, however it goes on.
    Prefix(Vec<u8>),
    /// These bytes and no others; more that follow belong to the next request.
    Exactly(Vec<u8>),
    /// Whatever a function accepts.
    When(Predicate),
}

impl fmt::Debug for Expect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting => formatter.write_str("Greeting"),
            Self::Prefix(bytes) => write!(formatter, "Prefix({})", bytes.escape_ascii()),
            Self::Exactly(bytes) => write!(formatter, "Exactly({})", bytes.escape_ascii()),
            Self::When(_) => formatter.write_str("When(..)"),
        }
    }
}

/// What becomes of the connection after the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It stays for the next request.
    Keep,
    /// The server closes it.
    Close,
}

/// One exchange.
#[derive(Debug)]
pub struct Step {
    /// What it waits for.
    pub expect: Expect,
    /// What it answers.
    pub reply: Vec<u8>,
    /// What follows.
    pub then: Then,
}

/// A transcript to play back. Each connection begins at its first step.
///
/// A request that no step expects is logged as `unexpected …` and closes the connection.
#[derive(Debug, Default)]
pub struct Replay {
    steps: Vec<Step>,
    in_sequence: bool,
}

impl Replay {
    /// Steps in any order, each as often as it is asked for; the first that fits a request answers it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Steps strictly in their order, each once per connection; the connection closes after the last.
    #[must_use]
    pub fn sequence() -> Self {
        Self { steps: Vec::new(), in_sequence: true }
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, expect: Expect, reply: impl Into<Vec<u8>>, then: Then) -> Self {
        self.steps.push(Step { expect, reply: reply.into(), then });
        self
    }

    /// Says something before the visitor does.
    #[must_use]
    pub fn greet(self, reply: impl Into<Vec<u8>>) -> Self {
        self.step(Expect::Greeting, reply, Then::Keep)
    }

    /// Answers requests that begin with `prefix` and keeps the connection.
    #[must_use]
    pub fn on(self, prefix: impl Into<Vec<u8>>, reply: impl Into<Vec<u8>>) -> Self {
        self.step(Expect::Prefix(prefix.into()), reply, Then::Keep)
    }

    /// Answers requests that begin with `prefix` and closes the connection.
    #[must_use]
    pub fn last(self, prefix: impl Into<Vec<u8>>, reply: impl Into<Vec<u8>>) -> Self {
        self.step(Expect::Prefix(prefix.into()), reply, Then::Close)
    }

    /// Answers exactly these bytes and keeps the connection.
    #[must_use]
    pub fn exactly(self, request: impl Into<Vec<u8>>, reply: impl Into<Vec<u8>>) -> Self {
        self.step(Expect::Exactly(request.into()), reply, Then::Keep)
    }

    /// Answers what `accepts` accepts and keeps the connection.
    #[must_use]
    pub fn when(
        self,
        accepts: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
        reply: impl Into<Vec<u8>>,
    ) -> Self {
        self.step(Expect::When(Box::new(accepts)), reply, Then::Keep)
    }

    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(self) -> io::Result<Emulator> {
        Emulator::serve(move |peer| {
            let result = self.play(peer.clone());
            peer.finish();
            result
        })
    }

    fn play(&self, mut peer: Peer) -> io::Result<()> {
        let mut position = 0;
        let mut pending = Vec::new();
        if !self.in_sequence {
            for step in self.steps.iter().filter(|step| matches!(step.expect, Expect::Greeting)) {
                peer.write_all(&step.reply)?;
            }
        }
        loop {
            let Some((step, used)) = self.next(&peer, position, &mut pending)? else { return Ok(()) };
            if used > 0 {
                peer.log(shown(pending.get(..used).unwrap_or_default()));
            }
            pending.drain(..used);
            position += 1;
            peer.write_all(&step.reply)?;
            if step.then == Then::Close {
                return Ok(());
            }
        }
    }

    /// The step that comes next and how many of the pending bytes it answers; `None` at the end.
    fn next(
        &self,
        peer: &Peer,
        position: usize,
        pending: &mut Vec<u8>,
    ) -> io::Result<Option<(&Step, usize)>> {
        if self.in_sequence && position >= self.steps.len() {
            return Ok(None);
        }
        let mut wait = if pending.is_empty() { LIFETIME } else { Duration::ZERO };
        loop {
            if let Some(found) = self.fitting(position, pending, wait == PATIENCE) {
                return Ok(Some(found));
            }
            let mut buffer = [0; 16 * 1024];
            match peer.read_within(&mut buffer, wait)? {
                // Who closed its half wants an answer to what it sent before.
                Some(0) => return Ok(self.fitting(position, pending, true)),
                Some(count) => {
                    pending.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    wait = QUIET;
                }
                None if wait < PATIENCE => wait = PATIENCE,
                None if pending.is_empty() => return Ok(None),
                None => {
                    peer.log(format!("unexpected {}", shown(pending)));
                    return Ok(None);
                }
            }
        }
    }

    /// `quiet`: nothing more is on its way, so an open-ended request is complete.
    fn fitting(&self, position: usize, pending: &[u8], quiet: bool) -> Option<(&Step, usize)> {
        let candidates = if self.in_sequence {
            self.steps.get(position..=position).unwrap_or_default()
        } else {
            self.steps.as_slice()
        };
        candidates.iter().find_map(|step| {
            let used = match &step.expect {
                Expect::Greeting => self.in_sequence.then_some(0),
                Expect::Exactly(bytes) => pending.starts_with(bytes).then_some(bytes.len()),
                Expect::Prefix(bytes) => (quiet && pending.starts_with(bytes)).then_some(pending.len()),
                Expect::When(accepts) => (quiet && accepts(pending)).then_some(pending.len()),
            };
            // An empty request would be answered for ever.
            used.filter(|used| *used > 0 || self.in_sequence).map(|used| (step, used))
        })
    }
}

fn shown(bytes: &[u8]) -> String {
    bytes.get(..LOGGED).unwrap_or(bytes).escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpStream;

    use super::*;

    fn client(server: &Emulator) -> TcpStream {
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    fn exchange(stream: &mut TcpStream, request: &[u8], length: usize) -> String {
        stream.write_all(request).unwrap();
        let mut reply = vec![0; length];
        stream.read_exact(&mut reply).unwrap();
        String::from_utf8(reply).unwrap()
    }

    fn rest(stream: &mut TcpStream) -> String {
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        rest
    }

    #[test]
    fn steps_answer_in_any_order_and_as_often_as_asked() {
        let replay = Replay::new()
            .on("GET /a ", "first")
            .when(|got| got.ends_with(b"!"), "second")
            .last("QUIT", "bye");
        let server = replay.start().unwrap();
        let mut stream = client(&server);
        assert_eq!(exchange(&mut stream, b"hello!", 6), "second");
        assert_eq!(exchange(&mut stream, b"GET /a HTTP/1.1\r\n\r\n", 5), "first");
        assert_eq!(exchange(&mut stream, b"GET /a", 0), "");
        std::thread::sleep(QUIET * 4);
        assert_eq!(exchange(&mut stream, b" HTTP/1.1\r\n\r\n", 5), "first");
        stream.write_all(b"QUIT").unwrap();
        assert_eq!(rest(&mut stream), "bye");
        assert_eq!(server.requests()[0], "hello!");
        assert_eq!(server.requests()[3], "QUIT");
    }

    #[test]
    fn a_sequence_gives_the_same_request_different_answers() {
        let server = Replay::sequence()
            .greet("220 ready\r\n")
            .exactly("\x00\x01", "a")
            .exactly("\x00\x01", "b")
            .start()
            .unwrap();
        let mut stream = client(&server);
        assert_eq!(exchange(&mut stream, b"", 11), "220 ready\r\n");
        assert_eq!(exchange(&mut stream, &[0, 1, 0, 1], 2), "ab");
        assert_eq!(rest(&mut stream), "");
        assert_eq!(server.requests(), ["\\x00\\x01", "\\x00\\x01"]);
    }

    #[test]
    fn an_unexpected_request_is_logged_and_closes() {
        let server = Replay::new().greet("hi").on("A", "a").start().unwrap();
        let mut stream = client(&server);
        stream.write_all(b"B").unwrap();
        assert_eq!(rest(&mut stream), "hi");
        assert_eq!(server.requests(), ["unexpected B"]);
        assert_eq!(exchange(&mut client(&server), b"A", 3), "hia");
    }
}
