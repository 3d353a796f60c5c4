//! Servers that misbehave, each bounded in time by [`crate::emulator::LIFETIME`] and in what it sends.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use crate::emulator::http::{self, Reply, Request};
use crate::emulator::{Emulator, Peer};

/// The most that an endless server sends on one connection.
const FLOOD_LIMIT: u64 = 1 << 30;
/// How many header lines [`Hostile::ManyLines`] sends.
const LINES: u64 = 10_000_000;
/// Where the pseudo-random bytes of [`Hostile::Garbage`] begin: every connection gets the same.
const SEED: u64 = 0x2545_f491_4f6c_dd1d;
const JSON_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
/// The beginning of a ServerHello of 118 bytes, of which 26 follow.
const HALF_HELLO: &[u8] = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03half a server random";

/// A way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hostile {
    /// Accepts and never says a word.
    Silent,
    /// A well-formed HTTP answer, one byte a second.
    Drip,
    /// Bytes that mean nothing: at once, and after everything that is sent to it.
    Garbage,
    /// An HTTP answer whose headers go on for a gibibyte.
    EndlessHeader,
    /// An HTTP answer whose body goes on for a gibibyte.
    EndlessBody,
    /// An HTTP answer of one megabyte of gzip that unpacks to 1,135,200,517 zeros.
    GzipBomb,
    /// Answers a ClientHello with the first bytes of a ServerHello, and anything else with nothing.
    HalfTls,
    /// Answers a ClientHello with the alert `handshake_failure` and closes.
    TlsAlertThenClose,
    /// Answers a ClientHello with the alert `protocol_version` and closes, as TLS 1.1 and older do.
    OldTls,
    /// 302 to where one is already.
    RedirectLoop,
    /// 302 to another server.
    RedirectElsewhere(SocketAddr),
    /// Sends back what it gets.
    Echo,
    /// 200 and `{}` for every path.
    CatchAllJson,
    /// 200 and the same page for every path.
    CatchAllHtml,
    /// 200 and Elasticsearch's greeting for every path.
    CatchAllLikeElasticsearch,
    /// Elasticsearch's greeting at `/`, 200 and `[]` for every other path.
    CatchAllLikeElasticsearchEmptyArray,
    /// Elasticsearch's greeting at `/`, 200 and a list with one index for every other path.
    CatchAllLikeElasticsearchArray,
    /// Greets like another kind of server, then listens for ever.
    Banner(&'static [u8]),
    /// Closes at once.
    CloseAtOnce,
    /// A Redis that answers `PING` and sends every other command to another server with `-MOVED`.
    RedisMoved(SocketAddr),
    /// An HTTP answer with ten million short header lines.
    ManyLines,
}

impl Hostile {
    /// The greeting of an SSH server, for [`Hostile::Banner`].
    pub const SSH: Self = Self::Banner(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
    /// The greeting of an SMTP server, for [`Hostile::Banner`].
    pub const SMTP: Self = Self::Banner(b"220 mail.example.org ESMTP Postfix\r\n");
    /// The greeting of an FTP server, for [`Hostile::Banner`].
    pub const FTP: Self = Self::Banner(b"220 (vsFTPd 3.0.3)\r\n");

    /// One of each kind; `elsewhere` is the address that redirects lead to.
    #[must_use]
    pub fn all(elsewhere: SocketAddr) -> Vec<Self> {
        use Hostile::*;
        let quiet =
            [Silent, Drip, HalfTls, TlsAlertThenClose, OldTls, CloseAtOnce, Self::SSH, Self::SMTP, Self::FTP];
        let loud = [Garbage, EndlessHeader, EndlessBody, GzipBomb, ManyLines, Echo];
        let astray = [RedirectLoop, RedirectElsewhere(elsewhere), RedisMoved(elsewhere)];
        let alike = [
            CatchAllJson,
            CatchAllHtml,
            CatchAllLikeElasticsearch,
            CatchAllLikeElasticsearchEmptyArray,
            CatchAllLikeElasticsearchArray,
        ];
        [&quiet[..], &loud, &astray, &alike].concat()
    }

    /// Listens on a free port of 127.0.0.1. [`Emulator::bytes_sent`] and [`Emulator::connections`] count.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(self) -> io::Result<Emulator> {
        let bomb = if self == Self::GzipBomb { gzip_bomb() } else { Vec::new() };
        Emulator::serve(move |peer| self.serve(peer, &bomb))
    }

    fn serve(self, mut peer: Peer, bomb: &[u8]) -> io::Result<()> {
        match self {
            Self::Silent => hold(&peer),
            Self::Drip => drip(&mut peer),
            Self::Garbage => garbage(&mut peer),
            Self::EndlessHeader => {
                let line = format!("X-Filler: {}\r\n", "a".repeat(1000));
                flood(&mut peer, JSON_HEAD, &line, FLOOD_LIMIT)
            }
            Self::EndlessBody => {
                let head = format!("{JSON_HEAD}Content-Length: {FLOOD_LIMIT}\r\n\r\n[0");
                flood(&mut peer, &head, ",0", FLOOD_LIMIT)
            }
            Self::ManyLines => flood(&mut peer, JSON_HEAD, "a: b\r\n", LINES * 6),
            Self::HalfTls => on_hello(&mut peer, HALF_HELLO).and_then(|()| hold(&peer)),
            Self::TlsAlertThenClose => {
                on_hello(&mut peer, b"\x15\x03\x03\x00\x02\x02\x28").map(|()| peer.finish())
            }
            Self::OldTls => on_hello(&mut peer, b"\x15\x03\x01\x00\x02\x02\x46").map(|()| peer.finish()),
            Self::Echo => echo(&mut peer),
            Self::Banner(greeting) => peer.write_all(greeting).and_then(|()| hold(&peer)),
            Self::CloseAtOnce => Ok(()),
            Self::RedisMoved(to) => redis_moved(&mut peer, to),
            _ => http::serve(&peer, |request| self.reply(request, bomb)),
        }
    }

    /// The answers of those that speak HTTP properly.
    fn reply(self, request: &Request, bomb: &[u8]) -> Reply {
        let elasticsearch =
            |body: &str| Reply::new(200, "application/json", body).with("X-elastic-product", "Elasticsearch");
        match self {
            Self::RedirectLoop => Reply::redirect(request.target.as_str()),
            Self::RedirectElsewhere(to) => Reply::redirect(format!("http://{to}{}", request.target)),
            Self::GzipBomb => Reply::new(200, "application/json", bomb).with("content-encoding", "gzip"),
            Self::CatchAllJson => Reply::new(200, "application/json", "{}"),
            Self::CatchAllLikeElasticsearchEmptyArray if request.path != "/" => elasticsearch("[]"),
            Self::CatchAllLikeElasticsearchArray if request.path != "/" => {
                elasticsearch(r#"[{"index":"customers","docs.count":"10000","store.size":"1048576"}]"#)
            }
            Self::CatchAllHtml => Reply::html("<!DOCTYPE html><html><body>It works!</body></html>"),
            _ => elasticsearch(
                r#"{"name":"node-1","cluster_name":"elasticsearch","cluster_uuid":"nTqzVQrCR2e5wBjJ0HqXyA",
                "version":{"number":"7.17.28","build_flavor":"default","lucene_version":"8.11.3"},
                "tagline":"You Know, for Search"}"#,
            ),
        }
    }
}

/// Keeps the connection and whatever is sent to it.
fn hold(peer: &Peer) -> io::Result<()> {
    while peer.read_some()?.is_some() {}
    Ok(())
}

fn drip(peer: &mut Peer) -> io::Result<()> {
    peer.read_some()?;
    let answer = format!("{JSON_HEAD}Content-Length: 1000\r\n\r\n{{\"name\":\"{:989}\"}}", "drip");
    for byte in answer.bytes() {
        peer.write_all(&[byte])?;
        peer.pause(Duration::from_secs(1));
    }
    Ok(())
}

fn garbage(peer: &mut Peer) -> io::Result<()> {
    let mut state = SEED;
    loop {
        let mut bytes = Vec::with_capacity(1024);
        while bytes.len() < 1024 {
            // xorshift64: short, and the same on every machine.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        peer.write_all(&bytes)?;
        if peer.read_some()?.is_none() {
            return Ok(());
        }
    }
}

/// Answers whatever comes with `head` and then `unit` again and again, as long as the visitor reads.
fn flood(peer: &mut Peer, head: &str, unit: &str, limit: u64) -> io::Result<()> {
    peer.read_some()?;
    peer.write_all(head.as_bytes())?;
    let block = unit.repeat(64 * 1024 / unit.len());
    let mut left = limit;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        peer.write_all(block.as_bytes().get(..part).unwrap_or_default())?;
        left -= part as u64;
    }
    peer.finish();
    Ok(())
}

/// Answers a TLS handshake record, however it is split, and leaves everything else unanswered.
fn on_hello(peer: &mut Peer, answer: &[u8]) -> io::Result<()> {
    match peer.read_some()?.as_deref() {
        Some([0x16, ..]) => peer.write_all(answer),
        _ => Ok(()),
    }
}

fn echo(peer: &mut Peer) -> io::Result<()> {
    while let Some(bytes) = peer.read_some()? {
        peer.write_all(&bytes)?;
    }
    Ok(())
}

fn redis_moved(peer: &mut Peer, to: SocketAddr) -> io::Result<()> {
    while let Some(bytes) = peer.read_some()? {
        let text = String::from_utf8_lossy(&bytes).to_uppercase();
        // Arguments are neither counts nor lengths; the first of each command names it.
        let mut expected = false;
        for line in text.split("\r\n").filter(|line| !line.is_empty() && !line.starts_with('$')) {
            let inline = !text.starts_with('*');
            if line.starts_with('*') {
                expected = true;
            } else if expected || inline {
                expected = false;
                peer.log(line);
                let moved = format!("-MOVED 1 {to}\r\n");
                peer.write_all(if line == "PING" { b"+PONG\r\n" } else { moved.as_bytes() })?;
            }
        }
    }
    Ok(())
}

/// A gzip member whose deflate block has a one-bit code for "258 bytes as the last one": after the tables and
/// one literal zero, every zero byte of it stands for 1032 zeros.
fn gzip_bomb() -> Vec<u8> {
    let header = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";
    let tables = b"\xed\xe0\x81\0\0\0\0\x80\x20\xec\x4f\xbd\x48\x05";
    let end_of_block = b"\x03";
    let (checksum, length) = (0xff3f_03e9_u32, 1_135_200_517_u32);
    let trailer = [checksum.to_le_bytes(), length.to_le_bytes()].concat();
    [&header[..], tables, &vec![0; 1_100_000], end_of_block, &trailer].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpStream;
    use std::time::Instant;

    use super::*;
    use crate::emulator::http::{Headers, ask};

    const GET: &[u8] = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x00\x05hello";

    fn elsewhere() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 9))
    }

    /// Sends `request` and reads until the end, `limit` bytes or a second of silence.
    fn talk(server: &Emulator, request: &[u8], limit: u64) -> Vec<u8> {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        stream.write_all(request).unwrap();
        let mut got = Vec::new();
        let _ = stream.take(limit).read_to_end(&mut got);
        got
    }

    fn said(hostile: Hostile, request: &[u8]) -> Vec<u8> {
        talk(&hostile.start().unwrap(), request, 100_000)
    }

    fn fetch(server: &Emulator, path: &str) -> Reply {
        ask(server.address, "GET", path, &Headers::default(), b"").unwrap()
    }

    #[test]
    fn all_of_them_start_end_and_count() {
        let all = Hostile::all(elsewhere());
        let running: Vec<Emulator> = all.iter().map(|hostile| hostile.start().unwrap()).collect();
        for (server, hostile) in running.iter().zip(&all) {
            drop(TcpStream::connect(server.address).unwrap());
            let end = Instant::now() + Duration::from_secs(5);
            while server.connections() < 1 {
                assert!(Instant::now() < end, "{hostile:?}");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let started = Instant::now();
        drop(running);
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn the_quiet_ones() {
        assert_eq!(said(Hostile::Silent, GET), b"");
        assert_eq!(said(Hostile::CloseAtOnce, b""), b"");
        assert_eq!(said(Hostile::SSH, GET), b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
        let slow = Hostile::Drip.start().unwrap();
        let dripped = talk(&slow, GET, 2);
        assert!(!dripped.is_empty() && b"HT".starts_with(&dripped) && slow.bytes_sent() < 4);
    }

    #[test]
    fn the_tls_ones() {
        assert_eq!(said(Hostile::HalfTls, CLIENT_HELLO), HALF_HELLO);
        assert_eq!(said(Hostile::HalfTls, GET), b"");
        assert_eq!(said(Hostile::TlsAlertThenClose, CLIENT_HELLO), [21, 3, 3, 0, 2, 2, 40]);
        assert_eq!(said(Hostile::OldTls, CLIENT_HELLO), [21, 3, 1, 0, 2, 2, 70]);
        assert_eq!(said(Hostile::OldTls, GET), b"");
    }

    #[test]
    fn garbage_is_the_same_every_time() {
        let first = said(Hostile::Garbage, GET);
        assert_eq!((first.len(), &first), (2048, &said(Hostile::Garbage, GET)));
        assert_ne!(first[..1024], first[1024..]);
        assert_eq!(said(Hostile::Echo, b"a\0b"), b"a\0b");
    }

    #[test]
    fn floods_stop_with_the_reader() {
        for hostile in [Hostile::EndlessHeader, Hostile::EndlessBody] {
            let server = hostile.start().unwrap();
            let got = talk(&server, GET, 8 << 20);
            assert!(got.len() == 8 << 20 && got.starts_with(JSON_HEAD.as_bytes()));
            std::thread::sleep(Duration::from_millis(50));
            assert!((8 << 20..1 << 27).contains(&server.bytes_sent()), "{}", server.bytes_sent());
        }
        let server = Hostile::ManyLines.start().unwrap();
        let got = talk(&server, GET, u64::MAX);
        assert_eq!(got.len() as u64, LINES * 6 + JSON_HEAD.len() as u64);
        assert!(got.ends_with(b"\r\na: b\r\na: b\r\n"));
        assert_eq!(server.bytes_sent(), got.len() as u64);
    }

    #[test]
    fn the_bomb_unpacks_to_zeros() {
        use std::process::{Command, Stdio};
        let reply = fetch(&Hostile::GzipBomb.start().unwrap(), "/");
        assert_eq!(reply.headers.get("content-encoding"), Some("gzip"));
        let mut gzip =
            Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = gzip.stdin.take().unwrap();
        let feeder = std::thread::spawn(move || stdin.write_all(&reply.body));
        let mut unpacked = Vec::new();
        gzip.stdout.take().unwrap().take(50 << 20).read_to_end(&mut unpacked).unwrap();
        let _ = gzip.kill();
        gzip.wait().unwrap();
        let _ = feeder.join();
        assert!(unpacked.len() == 50 << 20 && unpacked.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn redirects_lead_back_or_away() {
        let location = |hostile: Hostile| {
            let reply = fetch(&hostile.start().unwrap(), "/a?b");
            (reply.status, reply.headers.get("location").map(str::to_owned))
        };
        assert_eq!(location(Hostile::RedirectLoop), (302, Some("/a?b".to_owned())));
        let away = Some("http://127.0.0.1:9/a?b".to_owned());
        assert_eq!(location(Hostile::RedirectElsewhere(elsewhere())), (302, away));
        let server = Hostile::RedisMoved(elsewhere()).start().unwrap();
        let both = b"*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n";
        assert_eq!(talk(&server, both, 100), b"+PONG\r\n-MOVED 1 127.0.0.1:9\r\n");
        assert_eq!(talk(&server, b"DBSIZE\r\n", 100), b"-MOVED 1 127.0.0.1:9\r\n");
        assert_eq!(server.requests(), ["PING", "INFO", "DBSIZE"]);
    }

    #[test]
    fn catch_alls_say_the_same_everywhere() {
        let bodies = |hostile: Hostile| {
            let server = hostile.start().unwrap();
            ["/", "/_cat/indices", "/no-such-path"].map(|path| {
                let reply = fetch(&server, path);
                assert_eq!(reply.status, 200);
                String::from_utf8(reply.body).unwrap()
            })
        };
        assert_eq!(bodies(Hostile::CatchAllJson), ["{}", "{}", "{}"]);
        let [root, indices, random] = bodies(Hostile::CatchAllLikeElasticsearch);
        assert!(root.contains("You Know, for Search") && root == indices && root == random);
        let [root, indices, random] = bodies(Hostile::CatchAllLikeElasticsearchArray);
        assert!(root.starts_with('{') && indices.starts_with("[{") && indices == random);
        assert_eq!(bodies(Hostile::CatchAllLikeElasticsearchEmptyArray)[1..], ["[]", "[]"]);
        assert!(bodies(Hostile::CatchAllHtml).iter().all(|body| body.contains("It works!")));
    }
}
