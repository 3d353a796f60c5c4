//! What a probe may send: nothing but reads, and nothing of it written by the server.
//!
//! Each protocol has its list here, apart from the probes' own lists: a request that is added there must be added here,
//! by somebody who has thought about whether it changes anything.

use net::grpc::PREFACE;
use probe::{About, Opening};

/// As whom a probe may log in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// As nobody, or under a name that does not exist.
    OfAStranger,
    /// With the login that the vendor documents as the default, too.
    ThatIsDocumented,
}

type Check = fn(&mut Sent<'_>, Login);

/// The services that do not speak HTTP, and what each sends, message by message.
const PROTOCOLS: &[(&str, Check)] = &[
    ("amqp", amqp),
    ("cassandra", cassandra),
    ("clickhouse-native", clickhouse),
    ("dns", |sent, _| panic!("nothing is asked: {sent:?}")),
    ("ftp", ftp),
    ("kafka", kafka),
    ("ldap", ldap),
    ("memcached", memcached),
    ("milvus-grpc", milvus),
    ("mongodb", mongodb),
    ("mqtt", mqtt),
    ("mysql", mysql),
    ("nats", nats),
    ("neo4j-bolt", bolt),
    ("nfs", nfs),
    ("postgresql", postgresql),
    ("redis", redis),
    ("rsync", rsync),
    ("smb", smb),
    ("vnc", vnc),
    ("zookeeper", zookeeper),
];

/// Checks all that was sent over one connection.
pub fn check(about: &About<'_>, sent: &[u8], login: Login) {
    if about.openings.contains(&Opening::Http) {
        return http(sent, login);
    }
    let protocol = PROTOCOLS.iter().find(|(id, _)| *id == about.id);
    let (_, check) = protocol.unwrap_or_else(|| panic!("write down here what `{}` may send", about.id));
    let mut sent = Sent { all: sent.len(), rest: sent };
    // Where TLS begins, nothing can be read any more.
    while !sent.rest.is_empty() && !sent.rest.starts_with(b"\x16\x03") {
        check(&mut sent, login);
    }
}

/// What a named read has as its body, and how its path ends.
const NAMED: [(&str, &str); 3] = [
    ("/kv/range", r#"{"key":"AA==","range_end":"AA==","count_only":true}"#),
    ("/commit", r#"{"statements":[{"statement":"MATCH (n) RETURN count(n)"}]}"#),
    ("/collections/list", r#"{"dbName":"default"}"#),
];

const HEADERS: [&str; 11] = [
    "Host",
    "User-Agent",
    "Accept",
    "Content-Type",
    "Content-Length",
    "Cookie",
    "access-mode",
    "kbn-xsrf",
    "osd-xsrf",
    "x-elastic-internal-origin",
    "x-ms-version",
];
/// With a login only.
const LOGIN_HEADERS: [&str; 3] = ["Authorization", "X-Amz-Date", "X-Amz-Content-Sha256"];

/// Requests of HTTP.
pub fn http(sent: &[u8], login: Login) {
    let mut text = std::str::from_utf8(sent).expect("requests are ASCII");
    while !text.is_empty() {
        let (head, rest) = text.split_once("\r\n\r\n").expect("a request has a head");
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let words: Vec<&str> = line.split(' ').collect();
        let [method @ ("GET" | "HEAD" | "POST"), path, "HTTP/1.1"] = words[..] else {
            panic!("not a read: {line:?}")
        };
        let mut reads_only = false;
        for header in lines {
            let name = header.split(':').next().unwrap_or_default();
            let known =
                HEADERS.contains(&name) || (login != Login::OfAStranger && LOGIN_HEADERS.contains(&name));
            assert!(known, "who wrote this header? {header:?}");
            reads_only |= header == "access-mode: READ";
        }
        text = rest;
        if method == "POST" {
            let console =
                path.contains("/api/console/proxy?path=%2F_cluster%2Fstats") && path.ends_with("&method=GET");
            let named = NAMED.iter().find(|(end, _)| path.ends_with(end));
            assert!(console || named.is_some(), "not a named read: {line:?}");
            if let Some((end, body)) = named.filter(|_| !console) {
                text = text.strip_prefix(body).unwrap_or_else(|| panic!("another body: {text:?}"));
                assert!(*end != "/commit" || reads_only, "a transaction that may write");
            }
        }
    }
}

/// What is left to look at of what was sent.
#[derive(Debug)]
struct Sent<'a> {
    all: usize,
    rest: &'a [u8],
}

impl<'a> Sent<'a> {
    /// Whether nothing has been looked at yet.
    fn is_first(&self) -> bool {
        self.all == self.rest.len()
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or_else(|| panic!("cut off: {self:?}"));
        self.rest = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn be16(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().expect("two bytes"))
    }

    fn be32(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().expect("four bytes"))
    }

    fn le32(&mut self) -> u32 {
        self.be32().swap_bytes()
    }

    /// So many bytes as something to look at on its own.
    fn part(&mut self, length: usize) -> Sent<'a> {
        Sent { all: length, rest: self.take(length) }
    }

    fn line(&mut self) -> &'a str {
        let end =
            self.rest.iter().position(|byte| *byte == b'\n').unwrap_or_else(|| panic!("no line: {self:?}"));
        let line = std::str::from_utf8(self.take(end + 1)).expect("a line of text");
        line.trim_end_matches(['\r', '\n'])
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn redis(sent: &mut Sent<'_>, _: Login) {
    let count: usize = sent.line().strip_prefix('*').expect("an array").parse().expect("a number");
    let words = (0..count).map(|_| {
        let length: usize = sent.line().strip_prefix('$').expect("a string").parse().expect("a number");
        let word = std::str::from_utf8(sent.take(length)).expect("text");
        assert_eq!(sent.take(2), b"\r\n");
        word
    });
    let words: Vec<&str> = words.collect();
    assert!(matches!(words[..], ["PING"] | ["INFO", "server" | "keyspace"] | ["EXISTS", _]), "{words:?}");
}

fn memcached(sent: &mut Sent<'_>, _: Login) {
    if sent.rest[0] == 0x80 {
        let request = sent.take(24);
        assert!(
            matches!(request[1], 0x0b | 0x10) && request[2..].iter().all(|byte| *byte == 0),
            "{request:?}"
        );
    } else {
        assert!(matches!(sent.line(), "version" | "stats"));
    }
}

fn postgresql(sent: &mut Sent<'_>, _: Login) {
    match sent.rest[0] {
        // Without a type: the request for TLS, and the start.
        0 => {
            let length = sent.be32() as usize;
            let body = sent.take(length - 4);
            let starts = body.starts_with(&[0, 3, 0, 0]) && has(body, b"-c default_transaction_read_only=on");
            assert!(starts || body == [0x04, 0xd2, 0x16, 0x2f], "{body:?}");
        }
        kind => {
            sent.byte();
            let length = sent.be32() as usize;
            let body = sent.take(length - 4);
            assert!(
                (kind == b'Q' && body.starts_with(b"SELECT ")) || (kind, body) == (b'X', &[]),
                "{body:?}"
            );
        }
    }
}

fn mysql(sent: &mut Sent<'_>, _: Login) {
    let head = sent.le32();
    let (length, number) = ((head & 0x00ff_ffff) as usize, head >> 24);
    let body = sent.take(length);
    // Numbers other than 0 belong to the login; a server may count until they are 0 again.
    let command = body == [1] || body.strip_prefix(&[3]).is_some_and(|text| text.starts_with(b"SELECT "));
    assert!(number != 0 || command || body == [0], "{body:?}");
}

fn mongodb(sent: &mut Sent<'_>, _: Login) {
    let length = sent.le32() as usize;
    let mut message = sent.part(length - 4);
    message.take(8);
    match message.le32() {
        2013 => assert_eq!(message.take(5), [0; 5]),
        2004 => {
            message.take(4);
            assert_eq!(message.take(11), b"admin.$cmd\0");
            message.take(8);
        }
        other => panic!("opcode {other}"),
    }
    message.take(5);
    let key = message.rest.split(|byte| *byte == 0).next().expect("a key");
    let reads: [&[u8]; 5] = [b"hello", b"isMaster", b"buildInfo", b"listDatabases", b"getLog"];
    assert!(reads.contains(&key), "{key:?}");
}

fn clickhouse(sent: &mut Sent<'_>, _: Login) {
    let hello = sent.take(sent.rest.len());
    assert!(hello.starts_with(b"\x00\x0awatertight") && hello.ends_with(b"\x00\x07default\x00"), "{hello:?}");
    assert!(hello.len() < 32, "more than a hello: {hello:?}");
}

fn nats(sent: &mut Sent<'_>, _: Login) {
    let line = sent.line();
    let connect = line.starts_with("CONNECT {") && !line.contains("user") && !line.contains("token");
    assert!(connect || matches!(line, "PING" | "SUB > 1" | "UNSUB 1"), "{line}");
}

fn mqtt(sent: &mut Sent<'_>, _: Login) {
    let (kind, length) = (sent.byte(), sent.byte());
    let body = sent.take(length.into());
    match kind {
        // CONNECT with a clean session and neither will nor login.
        0x10 => assert!(body.starts_with(b"\0\x04MQTT") && body[7] == 0x02, "{body:?}"),
        0x82 => assert!(body.ends_with(b"\0\x13$SYS/broker/version\0"), "{body:?}"),
        0xe0 => {}
        other => panic!("packet {other:#x}"),
    }
}

fn amqp(sent: &mut Sent<'_>, login: Login) {
    if sent.is_first() {
        assert_eq!(sent.take(8), b"AMQP\0\0\x09\x01");
        return;
    }
    assert_eq!(sent.take(3), [1, 0, 0]);
    let size = sent.be32() as usize;
    let method = sent.take(size);
    assert_eq!(sent.take(1), [0xce]);
    // Connection: start-ok, tune-ok, open, close. No channel is opened.
    assert!(matches!(method, [0, 10, 0, 11 | 31 | 40 | 50, ..]), "{method:?}");
    assert!(!has(method, b"\0guest\0") || login == Login::ThatIsDocumented, "{method:?}");
}

fn kafka(sent: &mut Sent<'_>, _: Login) {
    let length = sent.be32() as usize;
    let mut request = sent.part(length);
    // Metadata, SaslHandshake, ApiVersions, DescribeQuorum, DescribeCluster.
    let key = request.be16();
    assert!(matches!(key, 3 | 17 | 18 | 55 | 60), "request {key}");
    let version = request.be16();
    request.take(16);
    // Metadata for all topics; from version 4 on it says whether topics are made.
    let body: &[u8] = match version {
        8 => &[0xff, 0xff, 0xff, 0xff, 0, 1, 1],
        4 => &[0xff, 0xff, 0xff, 0xff, 0],
        _ => &[0xff; 4],
    };
    assert!(key != 3 || request.rest == body, "{request:?}");
}

fn cassandra(sent: &mut Sent<'_>, login: Login) {
    sent.take(4);
    let operation = sent.byte();
    let length = sent.be32() as usize;
    let body = sent.take(length);
    match operation {
        // STARTUP and OPTIONS.
        0x01 | 0x05 => {}
        0x07 => assert!(body[4..].starts_with(b"SELECT "), "{body:?}"),
        0x0f => {
            let documented = &body[4..] == b"\0cassandra\0cassandra";
            assert!(body[4..].starts_with(b"\0watertight\0") || documented, "{body:?}");
            assert!(!documented || login == Login::ThatIsDocumented);
        }
        other => panic!("operation {other}"),
    }
}

fn zookeeper(sent: &mut Sent<'_>, _: Login) {
    if sent.is_first() && sent.rest == b"srvr" {
        sent.take(4);
        return;
    }
    let first = sent.is_first();
    let length = sent.be32() as usize;
    let mut request = sent.part(length);
    if !first {
        request.take(4);
        // getChildren2 and closeSession.
        let operation = request.be32().cast_signed();
        assert!(matches!(operation, 12 | -11), "operation {operation}");
    }
}

fn bolt(sent: &mut Sent<'_>, login: Login) {
    if sent.is_first() {
        assert!(sent.take(20).starts_with(b"\x60\x60\xb0\x17"));
        return;
    }
    let length = sent.be16();
    let message = sent.take(length.into());
    assert_eq!(sent.take(2), [0, 0]);
    match message[1] {
        // HELLO and LOGON, PULL, GOODBYE.
        0x01 | 0x6a => {
            assert!(!has(message, b"neo4j\x8b") || login == Login::ThatIsDocumented, "{message:?}");
        }
        0x3f | 0x02 => {}
        0x10 => {
            let text = b"MATCH (n) RETURN count(n)";
            assert!(has(message, text) && message.ends_with(b"\xa0\xa1\x84mode\x81r"), "{message:?}");
        }
        other => panic!("message {other:#x}"),
    }
}

/// An element of BER: its tag and its contents.
fn element<'a>(sent: &mut Sent<'a>) -> (u8, Sent<'a>) {
    let tag = sent.byte();
    let length = match sent.byte() {
        0x81 => sent.byte().into(),
        0x82 => sent.be16().into(),
        short @ ..=0x7f => usize::from(short),
        other => panic!("a length that begins {other:#x}"),
    };
    (tag, sent.part(length))
}

fn ldap(sent: &mut Sent<'_>, _: Login) {
    let (tag, mut message) = element(sent);
    assert_eq!(tag, 0x30);
    element(&mut message);
    let (operation, body) = element(&mut message);
    match operation {
        // An anonymous bind: version 3, no name, no password.
        0x60 => assert_eq!(body.rest, [2, 1, 3, 4, 0, 0x80, 0]),
        // Search, unbind.
        0x63 | 0x42 => {}
        // StartTLS.
        0x77 => assert!(body.rest.ends_with(b"1.3.6.1.4.1.1466.20037")),
        other => panic!("operation {other:#x}"),
    }
}

fn ftp(sent: &mut Sent<'_>, _: Login) {
    let line = sent.line();
    let known = ["USER anonymous", "PASS watertight@example.org", "PWD", "AUTH TLS", "QUIT"];
    assert!(known.contains(&line), "{line}");
}

fn rsync(sent: &mut Sent<'_>, _: Login) {
    assert!(sent.line().starts_with("@RSYNCD: "));
    // A list, or one module. What would be transferred was a third line.
    sent.line();
    assert!(sent.rest.is_empty(), "{sent:?}");
}

fn vnc(sent: &mut Sent<'_>, _: Login) {
    let greeting = sent.take(12);
    assert!(greeting.starts_with(b"RFB 003.00"), "{greeting:?}");
    // Security type None, or VeNCrypt 0.2 with X509None. ClientInit, which takes the screen, would be one byte more.
    let choice = sent.take(sent.rest.len());
    let (vencrypt, none): (&[u8], &[u8]) = (&[19, 0, 2, 0, 0, 1, 4], &[1]);
    let fits = [vencrypt, none].iter().any(|known| known.starts_with(choice));
    assert!(
        fits || choice.strip_prefix(vencrypt).is_some_and(|tls| tls.starts_with(b"\x16\x03")),
        "{choice:?}"
    );
}

fn milvus(sent: &mut Sent<'_>, _: Login) {
    // What is called stands in compressed headers; `GrpcRead` is the list.
    let words = sent.take(sent.rest.len());
    assert!(words.starts_with(PREFACE), "{words:?}");
}

fn smb(sent: &mut Sent<'_>, _: Login) {
    let kind = sent.be32();
    if kind == 0x8100_0044 {
        // The request for a session of NetBIOS.
        sent.take(0x44);
        return;
    }
    let mut message = sent.part(kind as usize);
    let head = message.take(64);
    let body = message.rest;
    assert!(head.starts_with(b"\xfeSMB"), "{head:?}");
    match u16::from_le_bytes([head[12], head[13]]) {
        // Negotiate, session setup, tree connect, read of a pipe.
        0 | 1 | 3 | 8 => {}
        // Create: what is there is opened (FILE_OPEN), nothing is made.
        5 => assert_eq!(body[36..40], [1, 0, 0, 0], "{body:?}"),
        // A call through a pipe: bind, or the list of shares.
        11 => {
            assert_eq!(body[4..8], 0x0011_c017_u32.to_le_bytes());
            let call = &body[56..];
            assert!(call[2] == 11 || (call[2] == 0 && call[22..24] == [15, 0]), "{call:?}");
        }
        other => panic!("command {other}"),
    }
}

fn nfs(sent: &mut Sent<'_>, _: Login) {
    let length = (sent.be32() & 0x7fff_ffff) as usize;
    let mut call = sent.part(length);
    call.take(12);
    let procedure = (call.be32(), call.be32(), call.be32());
    // The login and its proof.
    for _ in 0..2 {
        call.take(4);
        let length = call.be32() as usize;
        call.take(length.next_multiple_of(4));
    }
    match procedure {
        (100_003, 4, 1) => compound(&mut call),
        // NULL and ACCESS of NFS 3; NULL, MNT, UMNT and EXPORT of the mount service; NULL of the port mapper.
        (100_003, 4 | 3, 0) | (100_003, 3, 4) | (100_005, 3, 0 | 1 | 3 | 5) | (100_000, 2, 0) => {}
        other => panic!("procedure {other:?}"),
    }
}

/// The operations of NFS 4.
fn compound(call: &mut Sent<'_>) {
    assert_eq!((call.be32(), call.be32()), (0, 0));
    for _ in 0..call.be32() {
        match call.be32() {
            // ACCESS, GETATTR, GETFH, LOOKUP, PUTFH, PUTROOTFH, READDIR.
            3 => drop(call.take(4)),
            9 => bitmap(call),
            10 | 24 => {}
            15 | 22 => {
                let length = call.be32() as usize;
                call.take(length.next_multiple_of(4));
            }
            26 => {
                call.take(24);
                bitmap(call);
            }
            other => panic!("operation {other}"),
        }
    }
    assert!(call.rest.is_empty(), "{call:?}");
}

fn bitmap(call: &mut Sent<'_>) {
    let words = call.be32() as usize;
    call.take(words * 4);
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use probe::registry;

    use super::*;

    fn passes(id: &str, sent: &[u8]) -> bool {
        let service = registry().iter().find(|service| service.about().id == id).expect("a service");
        let checked = AssertUnwindSafe(|| check(&service.about(), sent, Login::OfAStranger));
        std::panic::catch_unwind(checked).is_ok()
    }

    #[test]
    fn every_service_has_its_list() {
        for service in registry() {
            let about = service.about();
            let listed = PROTOCOLS.iter().any(|(id, _)| *id == about.id);
            assert!(listed != about.openings.contains(&Opening::Http), "{}", about.id);
        }
    }

    #[test]
    fn reads_pass_and_writes_do_not() {
        assert!(passes("redis", b"*1\r\n$4\r\nPING\r\n*2\r\n$6\r\nEXISTS\r\n$1\r\na\r\n"));
        assert!(!passes("redis", b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n"));
        assert!(passes("nats", b"PING\r\n") && !passes("nats", b"PUB a 1\r\nb\r\n"));
        assert!(passes("mysql", b"\x01\0\0\0\x01") && !passes("mysql", b"\x07\0\0\0\x03DROP a"));
        assert!(!passes("kafka", b"\0\0\0\x14\0\0\0\x03wtka\0\x0awatertight"));
        assert!(passes("vnc", b"RFB 003.008\n\x01") && !passes("vnc", b"RFB 003.008\n\x01\x01"));
        assert!(passes("etcd", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(!passes("etcd", b"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(!passes("etcd", b"GET / HTTP/1.1\r\nAuthorization: Basic YTph\r\n\r\n"));
        let post =
            |path: &str, header: &str, body: &str| format!("POST {path} HTTP/1.1\r\n{header}\r\n\r\n{body}");
        let (path, body) = NAMED[1];
        assert!(passes("neo4j", post(path, "access-mode: READ", body).as_bytes()));
        assert!(!passes("neo4j", post(path, "Accept: */*", body).as_bytes()));
        assert!(!passes("neo4j", post(path, "access-mode: READ", "{}").as_bytes()));
    }
}
