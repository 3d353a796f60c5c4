//! One test per state, with a client of a few lines.

use std::net::TcpStream;
use std::time::Duration;

use super::*;

/// `{hello: 1, $db: "admin"}` as the specification encodes it, written out by hand.
const HELLO: &[u8] = b"\x1f\0\0\0\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";

fn connect(server: &Emulator) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

/// Sends one message; the operation and the document of the answer.
fn exchange(stream: &mut TcpStream, code: i32, body: &[u8]) -> Option<(i32, Document)> {
    stream.write_all(&message(code, 0, body)).unwrap();
    let mut header = [0; 16];
    stream.read_exact(&mut header).ok()?;
    let [length, _, _, code] = words(&header);
    let mut body = vec![0; usize::try_from(length).unwrap() - 16];
    stream.read_exact(&mut body).ok()?;
    let skipped = if code == OP_MSG { 5 } else { 20 };
    Some((code, Document::decode(&body[skipped..]).unwrap()))
}

fn command(name: &str) -> Document {
    let argument = if name == "getLog" { Bson::Text("startupWarnings".to_owned()) } else { Bson::Int32(1) };
    Document::new().with(name, argument)
}

fn by_msg(server: &Emulator, name: &str) -> Option<Document> {
    let document = command(name).with("$db", Bson::Text("admin".to_owned()));
    exchange(&mut connect(server), OP_MSG, &[&[0; 5], document.encode().as_slice()].concat()).map(|(_, d)| d)
}

fn by_query(server: &Emulator, name: &str) -> Document {
    let head = b"\0\0\0\0admin.$cmd\0\0\0\0\0\xff\xff\xff\xff";
    let body = [head, command(name).encode().as_slice()].concat();
    let (code, document) = exchange(&mut connect(server), OP_QUERY, &body).unwrap();
    assert_eq!(code, OP_REPLY);
    document
}

fn code(document: &Document) -> i32 {
    match document.get("code") {
        Some(Bson::Int32(code)) => *code,
        None => {
            assert_eq!(document.get("ok"), Some(&Bson::Double(1.0)));
            0
        }
        other => panic!("{other:?}"),
    }
}

/// The codes of `hello`, `listDatabases` and `getLog`.
fn codes(server: &Emulator) -> [i32; 3] {
    ["hello", "listDatabases", "getLog"].map(|name| code(&by_msg(server, name).unwrap()))
}

fn databases(answer: &Document) -> Vec<&Document> {
    let Some(Bson::Array(entries)) = answer.get("databases") else { panic!("{answer:?}") };
    entries
        .iter()
        .map(|entry| if let Bson::Document(document) = entry { document } else { panic!() })
        .collect()
}

#[test]
fn the_encoding_is_the_specifications() {
    let hello = Document::new().with("hello", Bson::Int32(1)).with("$db", Bson::Text("admin".to_owned()));
    assert_eq!(hello.encode(), HELLO);
    assert_eq!(Document::decode(HELLO), Some(hello));
    for cut in 0..HELLO.len() {
        assert_eq!(Document::decode(&HELLO[..cut]), None);
    }
    let all = Document::new()
        .with("a", Bson::Array(vec![Bson::Double(0.5), Bson::Bool(true), Bson::Int64(-1)]))
        .with("b", Bson::Document(Document::new().with("c", Bson::Date(7)).with("d", Bson::Other)));
    assert_eq!(Document::decode(&all.encode()), Some(all));
}

#[test]
fn an_open_server_tells_all_by_msg_and_little_by_query() {
    let server = Mongo::Open.start().unwrap();
    assert_eq!(codes(&server), [0, 0, 0]);
    let list = by_msg(&server, "listDatabases").unwrap();
    assert_eq!(databases(&list)[1].text("name"), Some("customers"));
    assert_eq!(list.get("totalSize"), Some(&Bson::Int64(8_544_256)));
    assert_eq!(by_msg(&server, "getLog").unwrap().get("totalLinesWritten"), Some(&Bson::Int32(1)));
    assert_eq!(by_msg(&server, "buildInfo").unwrap().text("version"), Some("7.0.14"));
    assert_eq!((code(&by_query(&server, "hello")), code(&by_query(&server, "isMaster"))), (0, 0));
    assert_eq!(code(&by_query(&server, "listDatabases")), 352);
    assert_eq!(code(&by_msg(&server, "find").unwrap()), 59);
    assert_eq!(server.requests()[0], "OP_MSG hello");
}

#[test]
fn an_old_server_knows_queries_only() {
    let server = Mongo::OpenOld.start().unwrap();
    assert_eq!(by_msg(&server, "hello"), None);
    assert_eq!(code(&by_query(&server, "hello")), 59);
    assert_eq!(by_query(&server, "isMaster").get("maxWireVersion"), Some(&Bson::Int32(5)));
    assert_eq!(by_query(&server, "listDatabases").get("totalSize"), Some(&Bson::Double(8_544_256.0)));
}

#[test]
fn an_independent_server_has_no_hello_and_no_sizes() {
    let server = Mongo::NoHello.start().unwrap();
    assert_eq!(codes(&server), [59, 0, 0]);
    assert_eq!(code(&by_msg(&server, "isMaster").unwrap()), 0);
    let list = by_msg(&server, "listDatabases").unwrap();
    assert_eq!((databases(&list)[0].get("sizeOnDisk"), list.get("totalSize")), (None, None));
    assert_eq!(code(&by_query(&server, "listDatabases")), 0);
}

#[test]
fn protected_servers_refuse_with_code_13() {
    let server = Mongo::Protected.start().unwrap();
    assert_eq!(codes(&server), [0, 13, 13]);
    let text = by_msg(&server, "listDatabases").unwrap();
    assert_eq!(text.text("errmsg"), Some("Command listDatabases requires authentication"));
    let old = Mongo::ProtectedOldText.start().unwrap();
    assert_eq!(codes(&old), [59, 13, 13]);
    let text = by_msg(&old, "listDatabases").unwrap();
    assert!(text.text("errmsg").unwrap().starts_with("not authorized on admin to execute command"));
}

#[test]
fn an_empty_list_means_two_things() {
    let exception = Mongo::LocalhostException.start().unwrap();
    assert_eq!(codes(&exception), [0, 0, 13]);
    let empty = Mongo::EmptyOpen.start().unwrap();
    assert_eq!(codes(&empty), [0, 0, 0]);
    for server in [exception, empty] {
        let list = by_msg(&server, "listDatabases").unwrap();
        assert_eq!((databases(&list).len(), list.get("totalSize")), (0, Some(&Bson::Int64(0))));
    }
}

#[test]
fn a_robbed_server_has_a_note() {
    let list = by_msg(&Mongo::Ransomed.start().unwrap(), "listDatabases").unwrap();
    assert_eq!(databases(&list)[0].text("name"), Some("READ_ME_TO_RECOVER_YOUR_DATA"));
}

#[test]
fn names_only_has_no_sizes_and_the_database_matters() {
    let server = Mongo::Open.start().unwrap();
    let ask = |document: Document| {
        exchange(&mut connect(&server), OP_MSG, &[&[0; 5], document.encode().as_slice()].concat()).unwrap().1
    };
    let on = |database: &str| command("listDatabases").with("$db", Bson::Text(database.to_owned()));
    let list = ask(on("admin").with("nameOnly", Bson::Bool(true)));
    assert_eq!((databases(&list)[0].get("sizeOnDisk"), list.get("totalSize")), (None, None));
    assert_eq!(code(&ask(on("test"))), 13);
    assert_eq!(code(&ask(command("listDatabases"))), 40571);
}

#[test]
fn a_browser_is_told_where_it_is() {
    let server = Mongo::Protected.start().unwrap();
    let mut stream = connect(&server);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"));
    assert!(answer.ends_with(HTTP_TEXT) && answer.contains("Content-Length: 85\r\n"));
}

#[test]
fn a_tls_handshake_is_hung_up_on() {
    let server = Mongo::Open.start().unwrap();
    let mut stream = connect(&server);
    stream.write_all(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03client random").unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(server.requests(), ["not MongoDB"]);
}
