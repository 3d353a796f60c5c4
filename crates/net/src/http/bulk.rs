//! HTTP/1.1 for readers of stores: an answer is as long as it is, and is handed out piece by piece. As for a probe no
//! redirect is followed and nothing is decompressed.

use std::io::ErrorKind;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Framing, Request, Response, parse_head};
use crate::{Error, Stream};

/// Bytes taken from the socket at a time, and the longest piece that is handed out.
const PIECE: usize = 64 << 10;
/// Longest line with the size of a chunk, and longest trailer.
const LINE: usize = 8 << 10;

/// One connection to a store that speaks HTTP, and the answer that is taken from it.
pub struct Bulk {
    stream: Stream,
    host: String,
    received: BytesMut,
    reusable: bool,
    head: Response,
    left: Left,
}

/// What of a body has not come yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    Bytes(usize),
    /// The line with the size of the next chunk.
    Size,
    /// Bytes of a chunk.
    Chunk(usize),
    /// The end of line after a chunk.
    ChunkEnd,
    /// The lines after the last chunk.
    Trailer,
    UntilClose,
}

impl Bulk {
    /// Asks over `stream`; `host` is the value of the `Host` header.
    pub fn new(stream: Stream, host: String) -> Self {
        Self {
            stream,
            host,
            received: BytesMut::with_capacity(PIECE),
            reusable: true,
            head: Response::default(),
            left: Left::Nothing,
        }
    }

    /// Whether another request may be sent: the last answer was taken to its end, and the server keeps the connection.
    pub fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// When the connection cannot take another request, or ends or stalls before a whole head came.
    pub async fn ask(&mut self, request: &Request) -> Result<&Response, Error> {
        if !self.reusable {
            return Err(Error::Ended);
        }
        self.reusable = false;
        self.stream.write_all(&request.encode(&self.host)).await.map_err(stalled)?;
        self.stream.flush().await.map_err(stalled)?;
        loop {
            match parse_head(&self.received, request.method == "HEAD")? {
                // 1xx answers announce another one.
                Some(head) if (100..200).contains(&head.response.status) => {
                    self.received.advance(head.length);
                }
                Some(head) => {
                    self.received.advance(head.length);
                    self.left = match head.framing {
                        Framing::None => Left::Nothing,
                        Framing::Length(length) => Left::Bytes(length),
                        Framing::Chunked => Left::Size,
                        Framing::UntilClose => Left::UntilClose,
                    };
                    self.head = head.response;
                    return Ok(&self.head);
                }
                None => self.fill().await?,
            }
        }
    }

    /// Status and headers of the answer; its body is empty.
    pub fn head(&self) -> &Response {
        &self.head
    }

    /// Receives some more bytes.
    async fn fill(&mut self) -> Result<(), Error> {
        self.received.reserve(PIECE);
        match self.stream.read_buf(&mut self.received).await.map_err(stalled)? {
            0 => Err(Error::Ended),
            _ => Ok(()),
        }
    }

    /// Takes at most `most` bytes of what was received.
    fn take(&mut self, most: usize) -> Bytes {
        let count = most.min(self.received.len()).min(PIECE);
        self.received.split_to(count).freeze()
    }

    /// The next piece of the body, at most 64 KiB; `None` at its end.
    ///
    /// # Errors
    /// When the connection ends or stalls before the body does, or the framing is broken.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.left {
                Left::Nothing => {
                    self.reusable = self.head.reusable;
                    return Ok(None);
                }
                Left::Bytes(0) => self.left = Left::Nothing,
                Left::Chunk(0) => self.left = Left::ChunkEnd,
                Left::UntilClose if self.received.is_empty() => match self.fill().await {
                    Ok(()) => {}
                    Err(Error::Ended) => self.left = Left::Nothing,
                    Err(error) => return Err(error),
                },
                Left::UntilClose => return Ok(Some(self.take(PIECE))),
                Left::Bytes(count) | Left::Chunk(count) => {
                    if self.received.is_empty() {
                        self.fill().await?;
                    }
                    let piece = self.take(count);
                    let rest = count.saturating_sub(piece.len());
                    let chunked = matches!(self.left, Left::Chunk(_));
                    self.left = if chunked { Left::Chunk(rest) } else { Left::Bytes(rest) };
                    return Ok(Some(piece));
                }
                Left::Size | Left::ChunkEnd | Left::Trailer => match step(self.left, &self.received)? {
                    Some((length, left)) => {
                        self.received.advance(length);
                        self.left = left;
                    }
                    None => self.fill().await?,
                },
            }
        }
    }

    /// The answer with its whole body, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`Error::Budget`] when it is longer, and as [`Bulk::piece`].
    pub async fn whole(&mut self, limit: usize) -> Result<Response, Error> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            if body.len().saturating_add(piece.len()) > limit {
                return Err(Error::Budget { what: "bytes in one answer", limit: limit as u64 });
            }
            body.extend_from_slice(&piece);
        }
        Ok(Response { body, ..std::mem::take(&mut self.head) })
    }
}

/// A stream says so when nothing moved for too long.
fn stalled(error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::TimedOut => Error::Quiet,
        _ => Error::from(error),
    }
}

/// Reads what stands between the pieces of a chunked body: how long it is and what follows; `None` while it is incomplete.
fn step(left: Left, received: &[u8]) -> Result<Option<(usize, Left)>, Error> {
    let malformed = || Error::Malformed("bad chunk".to_owned());
    let found = match left {
        Left::Size => match httparse::parse_chunk_size(received) {
            Ok(httparse::Status::Complete((length, 0))) => Some((length, Left::Trailer)),
            Ok(httparse::Status::Complete((length, size))) => {
                Some((length, Left::Chunk(usize::try_from(size).map_err(|_| malformed())?)))
            }
            Ok(httparse::Status::Partial) => None,
            Err(_) => return Err(malformed()),
        },
        Left::ChunkEnd => match received {
            [b'\r', b'\n', ..] => Some((2, Left::Size)),
            [] | [b'\r'] => None,
            _ => return Err(malformed()),
        },
        // Trailers are allowed to be there and are skipped up to the empty line.
        _ if received.starts_with(b"\r\n") => Some((2, Left::Nothing)),
        _ => received
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .map(|position| (position + 4, Left::Nothing)),
    };
    match found {
        None if received.len() > LINE => Err(malformed()),
        found => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_chunks_is_waited_for_and_skipped() {
        assert_eq!(step(Left::Size, b"5").unwrap(), None);
        assert_eq!(step(Left::Size, b"5;x=y\r\nabc").unwrap(), Some((7, Left::Chunk(5))));
        assert_eq!(step(Left::Size, b"0\r\n").unwrap(), Some((3, Left::Trailer)));
        assert_eq!(step(Left::ChunkEnd, b"\r").unwrap(), None);
        assert_eq!(step(Left::ChunkEnd, b"\r\n").unwrap(), Some((2, Left::Size)));
        assert!(step(Left::ChunkEnd, b"xy").is_err());
        assert_eq!(step(Left::Trailer, b"\r\n").unwrap(), Some((2, Left::Nothing)));
        assert_eq!(step(Left::Trailer, b"A: b\r\n\r\nHTTP").unwrap(), Some((8, Left::Nothing)));
        assert_eq!(step(Left::Trailer, b"A: b\r\n").unwrap(), None);
    }

    #[test]
    fn an_endless_trailer_ends() {
        assert!(step(Left::Trailer, &[b'a'; LINE + 1]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_between_chunks_are_read_without_panic(bytes: Vec<u8>) {
            for left in [Left::Size, Left::ChunkEnd, Left::Trailer] {
                if let Ok(Some((length, _))) = step(left, &bytes) {
                    proptest::prop_assert!(length <= bytes.len());
                }
            }
        }
    }
}
