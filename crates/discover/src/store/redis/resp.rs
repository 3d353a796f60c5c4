//! Replies of Redis, version 2 of its protocol: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// Longest string that is kept; of a longer one its length is.
pub(super) const LONGEST: u64 = 4 << 20;
/// Most bytes of one reply that are kept.
const REPLY: u64 = 64 << 20;
/// Longest line: a number, or an error.
const LINE: u64 = 64 << 10;
/// Deepest list in lists; the entries of a stream need three.
const DEPTH: u32 = 8;
/// Most elements of all lists of one reply.
const ELEMENTS: u64 = 1 << 20;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// `OK` and its likes.
    Status(String),
    /// An error: its first word, and the second where that is an address.
    Error(Refused),
    /// A number.
    Number(i64),
    /// A string.
    Bytes(Vec<u8>),
    /// A string that was too long, and how long.
    TooLong(u64),
    /// There is none.
    Nil,
    /// A list.
    List(Vec<Reply>),
}

/// An error without what it may repeat of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Such as `NOPERM`.
    pub(super) code: String,
    /// The node that a cluster points to.
    pub(super) node: Option<String>,
    /// `ERR unknown command`.
    pub(super) unknown: bool,
    /// A password was given to a server that has none.
    pub(super) no_password_set: bool,
}

impl Refused {
    fn parse(line: &str) -> Self {
        let mut words = line.split(' ');
        let code = words.next().unwrap_or_default();
        let is_code =
            !code.is_empty() && code.len() <= 32 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        let node = match code {
            "MOVED" | "ASK" => words.nth(1).filter(|node| node.len() <= 300).map(str::to_owned),
            _ => None,
        };
        Self {
            code: if is_code { code.to_owned() } else { "ERR".to_owned() },
            node,
            unknown: line.starts_with("ERR unknown command") || line.starts_with("ERR unknown subcommand"),
            no_password_set: line.contains("without any password configured")
                || line.contains("no password is set"),
        }
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Receives one reply.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when it is none, or larger than a reply may be; and whatever ends the connection.
pub(super) async fn receive<R: AsyncBufRead + Unpin + Send>(from: &mut R) -> io::Result<Reply> {
    let mut left = Left { bytes: REPLY, elements: ELEMENTS };
    one(from, &mut left, 0).await
}

/// What of a reply may still come.
struct Left {
    bytes: u64,
    elements: u64,
}

fn one<'a, R: AsyncBufRead + Unpin + Send>(
    from: &'a mut R,
    left: &'a mut Left,
    depth: u32,
) -> Pin<Box<dyn Future<Output = io::Result<Reply>> + Send + 'a>> {
    Box::pin(async move {
        let line = line(from).await?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| malformed("an empty line"))?;
        let number = || rest.parse::<i64>().map_err(|_| malformed("a length that is no number"));
        match kind {
            "+" => Ok(Reply::Status(rest.to_owned())),
            "-" => Ok(Reply::Error(Refused::parse(rest))),
            ":" => Ok(Reply::Number(number()?)),
            "$" => match u64::try_from(number()?) {
                Err(_) => Ok(Reply::Nil),
                Ok(length) => string(from, left, length).await,
            },
            "*" => match u64::try_from(number()?) {
                Err(_) => Ok(Reply::Nil),
                Ok(count) => {
                    if depth >= DEPTH {
                        return Err(malformed("lists nested too deeply"));
                    }
                    left.elements =
                        left.elements.checked_sub(count).ok_or_else(|| malformed("a list too long"))?;
                    let mut list = Vec::new();
                    for _ in 0..count {
                        list.push(one(from, left, depth + 1).await?);
                    }
                    Ok(Reply::List(list))
                }
            },
            _ => Err(malformed("no reply of Redis")),
        }
    })
}

async fn line<R: AsyncBufRead + Unpin + Send>(from: &mut R) -> io::Result<String> {
    let mut line = Vec::new();
    from.take(LINE).read_until(b'\n', &mut line).await?;
    match line.as_slice() {
        [] => Err(io::ErrorKind::UnexpectedEof.into()),
        [text @ .., b'\r', b'\n'] => {
            String::from_utf8(text.to_vec())
                .map_err(|error| {
                    // Only errors repeat what a client sent; their codes are letters.
                    String::from_utf8_lossy(error.as_bytes()).into_owned()
                })
                .or_else(Ok)
        }
        _ if line.len() as u64 >= LINE => Err(malformed("a line too long")),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn string<R: AsyncBufRead + Unpin + Send>(
    from: &mut R,
    left: &mut Left,
    length: u64,
) -> io::Result<Reply> {
    let reply = if length > LONGEST || length > left.bytes {
        let mut rest = from.take(length);
        if tokio::io::copy(&mut rest, &mut tokio::io::sink()).await? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Reply::TooLong(length)
    } else {
        left.bytes = left.bytes.saturating_sub(length);
        let mut bytes = Vec::new();
        // Memory grows with what comes, not with what was announced.
        from.take(length).read_to_end(&mut bytes).await?;
        if (bytes.len() as u64) < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Reply::Bytes(bytes)
    };
    let mut end = [0; 2];
    from.read_exact(&mut end).await?;
    if end == *b"\r\n" { Ok(reply) } else { Err(malformed("a string without an end")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(mut bytes: &[u8]) -> io::Result<Reply> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(receive(&mut bytes))
    }

    #[test]
    fn every_kind_of_reply() {
        assert_eq!(parse(b"+OK\r\n").unwrap(), Reply::Status("OK".to_owned()));
        assert_eq!(parse(b":-7\r\n").unwrap(), Reply::Number(-7));
        assert_eq!(parse(b"$-1\r\n").unwrap(), Reply::Nil);
        assert_eq!(parse(b"*-1\r\n").unwrap(), Reply::Nil);
        assert_eq!(parse(b"$4\r\na\r\nb\r\n").unwrap(), Reply::Bytes(b"a\r\nb".to_vec()));
        let list = Reply::List(vec![Reply::Number(1), Reply::List(vec![]), Reply::Bytes(vec![0xff])]);
        assert_eq!(parse(b"*3\r\n:1\r\n*0\r\n$1\r\n\xff\r\n").unwrap(), list);
    }

    #[test]
    fn an_error_tells_its_code_and_the_node_and_no_value() {
        let error = |text: &[u8]| match parse(text).unwrap() {
            Reply::Error(refused) => refused,
            other => panic!("{other:?}"),
        };
        let moved = error(b"-MOVED 3999 127.0.0.1:6381\r\n");
        assert_eq!((moved.code.as_str(), moved.node.as_deref()), ("MOVED", Some("127.0.0.1:6381")));
        assert!(error(b"-ERR unknown command 'SCAN', with args\r\n").unknown);
        let odd = error(b"-li-na 154\xff\r\n");
        assert_eq!((odd.code.as_str(), odd.node), ("ERR", None));
    }

    #[test]
    fn a_reply_that_lies_is_an_error_and_costs_no_memory() {
        for text in [
            &b"$99999999999999999999\r\n"[..],
            b"$9\r\nshort\r\n",
            b"$4294967296\r\nshort",
            b"*1048577\r\n",
            b"*2\r\n:1\r\n",
            b"$1\r\nabc",
            b"HTTP/1.1 400 Bad Request\r\n",
            b"\r\n",
            b"",
            b"+OK",
        ] {
            assert!(parse(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
        assert!(parse(&b"*1\r\n".repeat(100)).is_err());
        assert!(parse(&vec![b'+'; 70_000]).is_err());
    }

    #[test]
    fn a_string_that_is_too_long_is_measured_and_skipped() {
        let length = LONGEST as usize + 1;
        let text = [format!("*2\r\n${length}\r\n").into_bytes(), vec![b'x'; length], b"\r\n:5\r\n".to_vec()]
            .concat();
        assert_eq!(parse(&text).unwrap(), Reply::List(vec![Reply::TooLong(length as u64), Reply::Number(5)]));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            let _ = parse(&[b"*3\r\n$2\r\n".as_slice(), &bytes].concat());
        }
    }
}
