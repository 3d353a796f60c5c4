//! MongoDB: the independent implementation, and a scripted server for what that has not: old protocols and logins.

use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::Mutex;

use bson::{Bson, Document, doc};
use discover::store::login;
use discover::store::mongodb::Mongodb;
use ring::{digest, hmac, pbkdf2};

use super::*;

fn reader(address: SocketAddr, credentials: &str, rest: &str) -> Mongodb {
    let target = Target::parse(&format!("mongodb://{credentials}{address}/{rest}")).unwrap();
    let (login, source) = login::mongodb::login(&target, &nobody()).unwrap();
    Mongodb::new(gate(), login, source)
}

fn person(n: u64) -> Document {
    let no = i64::try_from(n).unwrap();
    doc! {
        "_id": no, "no": no, "name": "张伟",
        "person": { "phones": [ { "number": 15_400_000_000_f64 + n as f64 } ], "mail": format!("p{n}@example.com") },
    }
}

fn insert(address: SocketAddr, collection: &str, people: std::ops::Range<u64>) {
    let mut stream = TcpStream::connect(address).unwrap();
    for first in people.clone().step_by(1000) {
        let documents: Vec<_> = (first..people.end.min(first + 1000)).map(person).collect();
        let command = doc! { "insert": collection, "documents": documents, "$db": "lab" };
        let body = [vec![0; 5], command.to_vec().unwrap()].concat();
        stream.write_all(&framed(2013, 0, &body)).unwrap();
        let (_, answer) = receive(&mut stream).unwrap();
        let answer = Document::from_reader(&answer[5..]).unwrap();
        assert_eq!(answer.get("n").and_then(|n| n.as_i32()), Some(1000), "{answer}");
    }
}

fn framed(code: i32, answers: i32, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 16).unwrap();
    [[length, 1, answers, code].map(i32::to_le_bytes).concat().as_slice(), body].concat()
}

/// The header's words and the body of a message.
fn receive(stream: &mut TcpStream) -> Option<([i32; 4], Vec<u8>)> {
    let mut head = [0; 16];
    stream.read_exact(&mut head).ok()?;
    let words = [0, 4, 8, 12].map(|at| i32::from_le_bytes(*head[at..].first_chunk().unwrap()));
    let mut body = vec![0; usize::try_from(words[0]).unwrap() - 16];
    stream.read_exact(&mut body).ok()?;
    Some((words, body))
}

#[test]
fn the_independent_implementation_is_read() {
    let server = started("mongo-java-open");
    insert(server.address, "people", 0..PEOPLE);
    let mut store = reader(server.address, "", "");
    let found = listing(&mut store);
    let names: Vec<_> = found.tables.iter().map(|table| (table.location.as_str(), table.rows)).collect();
    assert_eq!(names, [("lab.customers", Some(5)), ("lab.people", Some(PEOPLE))]);
    let people = table(&found, "lab.people");
    let all = full(&mut store, people, &["no", "person.phones[].number"]);
    is_complete(&all.numbers("no"));
    assert_eq!(all.names(), BTreeSet::from(["no", "person.phones[].number"]));
    assert!(all.values("person.phones[].number").contains(&"15400012345"));
    assert_eq!((all.part().choice, all.told_rows.as_slice()), (Choice::Everything, [PEOPLE].as_slice()));
    let some = sampled(&mut store, people, 2500, 7);
    is_spread(&some.numbers("no"), 2500);
    assert_eq!(some.names(), BTreeSet::from(["_id", "name", "no", "person.mail", "person.phones[].number"]));
    eprintln!("sample of mongo-java-server: {:?}", some.part());
    let small = sampled(&mut store, table(&found, "lab.customers"), 2500, 7);
    assert_eq!((small.part().choice, small.rows.len()), (Choice::Everything, 5));

    let mut kept = Kept { limit: Some(1500), ..Kept::default() };
    full_into(&mut store, people, &[], &mut kept).unwrap();
    assert_eq!(kept.why(), ["reading was stopped after 1500 documents"]);
    let mut kept = Kept { at: Some((1500, killer(&server))), ..Kept::default() };
    let read = full_into(&mut store, people, &[], &mut kept);
    assert!(matches!(read, Err(StoreError::Connection(_))), "{read:?}");
    assert!((1500..20_000).contains(&kept.rows.len()) && kept.told_rows.is_empty());
}

/// A scripted server of some age.
#[derive(Clone, Copy)]
struct Script {
    wire: i32,
    /// Whether it demands a login, of the user `reader` with the password `pencil`.
    login: bool,
    /// Whether its cursors never end.
    endless: bool,
}

/// What one connection of it knows.
#[derive(Default)]
struct Talk {
    logged_in: bool,
    nonce: String,
    first: String,
    /// The proof that is right, and the signature that answers it.
    proof: (String, String),
}

impl Script {
    fn start(self) -> (SocketAddr, Arc<Mutex<BTreeSet<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(BTreeSet::new()));
        let names = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, names) = (stream.unwrap(), Arc::clone(&names));
                std::thread::spawn(move || self.serve(stream, &names));
            }
        });
        (address, asked)
    }

    fn serve(self, mut stream: TcpStream, asked: &Mutex<BTreeSet<String>>) {
        let mut talk = Talk::default();
        while let Some(([_, id, _, code], body)) = receive(&mut stream) {
            let answer = match code {
                2013 => {
                    let command = Document::from_reader(&body[5..]).unwrap();
                    asked.lock().unwrap().insert(format!("OP_MSG {}", command.keys().next().unwrap()));
                    let answer = self.run(&mut talk, &command);
                    framed(2013, id, &[vec![0; 5], answer.to_vec().unwrap()].concat())
                }
                2004 => {
                    let end = 4 + body[4..].iter().position(|byte| *byte == 0).unwrap();
                    let name = String::from_utf8(body[4..end].to_vec()).unwrap();
                    let number = |at: usize| i32::from_le_bytes(*body[end + at..].first_chunk().unwrap());
                    let query = Document::from_reader(&body[end + 9..]).unwrap();
                    if name.ends_with(".$cmd") {
                        asked.lock().unwrap().insert(format!("OP_QUERY {}", query.keys().next().unwrap()));
                        framed(1, id, &reply(0, &[self.run(&mut talk, &query)]))
                    } else {
                        asked.lock().unwrap().insert(format!("OP_QUERY of {name}"));
                        framed(1, id, &self.query(&name, number(1), number(5)))
                    }
                }
                2005 => {
                    asked.lock().unwrap().insert("OP_GET_MORE".to_owned());
                    let cursor = i64::from_le_bytes(*body[body.len() - 8..].first_chunk().unwrap());
                    framed(1, id, &self.query("lab.people", i32::try_from(cursor).unwrap(), 1000))
                }
                _ => return,
            };
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    }

    /// An old find. The cursor is where the next document stands.
    fn query(self, name: &str, skip: i32, count: i32) -> Vec<u8> {
        if name == "lab.system.namespaces" {
            let names = ["lab.people", "lab.people.$_id_", "lab.system.indexes"];
            return reply(0, &names.map(|name| doc! { "name": name }));
        }
        let first = u64::try_from(skip).unwrap();
        let last = (first + u64::from(count.unsigned_abs())).min(PEOPLE);
        let next = if count < 0 || last >= PEOPLE { 0 } else { i64::try_from(last).unwrap() };
        reply(next, &(first..last).map(person).collect::<Vec<_>>())
    }

    fn run(self, talk: &mut Talk, command: &Document) -> Document {
        let name = command.keys().next().unwrap().as_str();
        match name {
            "isMaster" => {
                let mut answer = doc! { "ismaster": true, "maxWireVersion": self.wire, "ok": 1.0 };
                // Members that nobody may dial for it.
                if self.wire >= 7 {
                    let hosts = ["203.0.113.1:27017", "127.0.0.1:1"].map(Bson::from).to_vec();
                    answer.extend(doc! { "setName": "rs0", "hosts": hosts, "primary": "203.0.113.1:27017" });
                }
                if self.wire >= 7 && command.contains_key("saslSupportedMechs") {
                    answer.insert(
                        "saslSupportedMechs",
                        ["SCRAM-SHA-1", "SCRAM-SHA-256"].map(Bson::from).to_vec(),
                    );
                }
                return answer;
            }
            "getnonce" => return doc! { "nonce": "2375531c32080ae8", "ok": 1.0 },
            "saslStart" | "saslContinue" | "authenticate" => return talk.login(name, command),
            _ => {}
        }
        if self.login && !talk.logged_in {
            return doc! { "ok": 0.0, "code": 13, "codeName": "Unauthorized", "errmsg": "not authorized on lab" };
        }
        match name {
            "listDatabases" => doc! { "databases": [ { "name": "local" }, { "name": "lab" } ], "ok": 1.0 },
            "listCollections" => {
                let found = vec![
                    doc! { "name": "people" },
                    doc! { "name": "seen", "type": "view" },
                    doc! { "name": "system.views" },
                ];
                doc! { "cursor": { "id": 0_i64, "ns": "lab.$cmd.listCollections", "firstBatch": found }, "ok": 1.0 }
            }
            "count" => doc! { "n": i64::try_from(PEOPLE).unwrap(), "ok": 1.0 },
            "aggregate" => {
                doc! { "ok": 0.0, "code": 16820, "errmsg": "Sort exceeded memory limit of 104857600 bytes" }
            }
            "find" => {
                let number = |name: &str| command.get(name).and_then(Bson::as_i64).unwrap_or(0);
                let limit = number("limit");
                let next = if limit > 0 { 0 } else { 1000 };
                batch("firstBatch", number("skip"), if limit > 0 { limit } else { 1000 }, next)
            }
            "getMore" if self.endless => batch("nextBatch", 0, 0, 7),
            "getMore" => {
                let at = command.get_i64("getMore").unwrap();
                let next = if at + 1000 >= i64::try_from(PEOPLE).unwrap() { 0 } else { at + 1000 };
                batch("nextBatch", at, 1000, next)
            }
            _ => doc! { "ok": 0.0, "code": 59, "errmsg": "no such command" },
        }
    }
}

fn batch(name: &str, first: i64, count: i64, next: i64) -> Document {
    let people: Vec<_> = (first..first + count).map(|n| person(u64::try_from(n).unwrap())).collect();
    let mut cursor = doc! { "id": next, "ns": "lab.people" };
    cursor.insert(name, people);
    doc! { "cursor": cursor, "ok": 1.0 }
}

fn reply(cursor: i64, documents: &[Document]) -> Vec<u8> {
    let count = i32::try_from(documents.len()).unwrap();
    let mut body = [
        8_i32.to_le_bytes().to_vec(),
        cursor.to_le_bytes().to_vec(),
        vec![0; 4],
        count.to_le_bytes().to_vec(),
    ]
    .concat();
    documents.iter().for_each(|document| body.extend(document.to_vec().unwrap()));
    body
}

/// Base64 as `ring` has none: the alphabet of RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |group: u32, shift: u32| char::from(LETTERS[(group >> shift & 63) as usize]);
    let groups = bytes.chunks(3).map(|chunk| {
        let group = chunk.iter().chain([&0, &0]).take(3).fold(0, |group, byte| group << 8 | u32::from(*byte));
        let letters = [letter(group, 18), letter(group, 12), letter(group, 6), letter(group, 0)];
        let kept = chunk.len() + 1;
        letters.iter().take(kept).collect::<String>() + &"=".repeat(4 - kept)
    });
    groups.collect()
}

impl Talk {
    fn login(&mut self, name: &str, command: &Document) -> Document {
        let refused = doc! { "ok": 0.0, "code": 18, "codeName": "AuthenticationFailed", "errmsg": "Authentication failed." };
        if name == "authenticate" {
            // Of the user `reader` with the password `pencil` and the nonce above.
            self.logged_in = command.get_str("key").unwrap() == LEGACY;
            return if self.logged_in {
                doc! { "ok": 1.0 }
            } else {
                refused
            };
        }
        let Some(Bson::Binary(payload)) = command.get("payload") else { return refused };
        let payload = String::from_utf8(payload.bytes.clone()).unwrap();
        let answer = |text: &str, done: bool| {
            let payload = Bson::Binary(bson::Binary {
                subtype: bson::spec::BinarySubtype::Generic,
                bytes: text.into(),
            });
            doc! { "conversationId": 3, "done": done, "payload": payload, "ok": 1.0 }
        };
        match name {
            "saslStart" => {
                let sha1 = command.get_str("mechanism").unwrap() == "SCRAM-SHA-1";
                self.first = payload.strip_prefix("n,,").unwrap().to_owned();
                self.nonce = format!("{}server", payload.split("r=").nth(1).unwrap());
                let challenge = format!("r={},s={},i=4096", self.nonce, base64(b"salt"));
                self.prepare(sha1, &challenge);
                answer(&challenge, false)
            }
            _ if payload.is_empty() => answer("", self.logged_in),
            _ => {
                self.logged_in = payload == format!("c=biws,r={},p={}", self.nonce, self.proof.0);
                if self.logged_in { answer(&format!("v={}", self.proof.1), false) } else { refused }
            }
        }
    }

    fn prepare(&mut self, sha1: bool, challenge: &str) {
        let (derive, mac, hash, password) = match sha1 {
            true => (
                pbkdf2::PBKDF2_HMAC_SHA1,
                hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                &digest::SHA1_FOR_LEGACY_USE_ONLY,
                DIGEST,
            ),
            false => (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256, "pencil"),
        };
        let mut salted = vec![0; hash.output_len()];
        pbkdf2::derive(derive, NonZeroU32::new(4096).unwrap(), b"salt", password.as_bytes(), &mut salted);
        let sign =
            |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(mac, key), text.as_bytes()).as_ref().to_vec();
        let all = format!("{},{challenge},c=biws,r={}", self.first, self.nonce);
        let key = sign(&salted, "Client Key");
        let stored = digest::digest(hash, &key);
        let proof: Vec<u8> =
            key.iter().zip(sign(stored.as_ref(), &all)).map(|(key, byte)| key ^ byte).collect();
        self.proof = (base64(&proof), base64(&sign(&sign(&salted, "Server Key"), &all)));
    }
}

/// MD5 of `reader:mongo:pencil`, and the key that a login before 3.0 makes of it.
const DIGEST: &str = "e1e24995913f4e8082a73ba7924569aa";
const LEGACY: &str = "5358e78992b12eb2e537b1af50c6f97c";

#[test]
fn servers_of_every_age_are_read_with_what_they_know() {
    for (wire, words) in [
        (
            2,
            vec![
                "OP_GET_MORE",
                "OP_QUERY authenticate",
                "OP_QUERY count",
                "OP_QUERY getnonce",
                "OP_QUERY isMaster",
                "OP_QUERY listDatabases",
                "OP_QUERY of lab.people",
                "OP_QUERY of lab.system.namespaces",
            ],
        ),
        (
            5,
            vec![
                "OP_QUERY aggregate",
                "OP_QUERY count",
                "OP_QUERY find",
                "OP_QUERY getMore",
                "OP_QUERY isMaster",
                "OP_QUERY listCollections",
                "OP_QUERY listDatabases",
                "OP_QUERY saslContinue",
                "OP_QUERY saslStart",
            ],
        ),
        (
            21,
            vec![
                "OP_MSG aggregate",
                "OP_MSG count",
                "OP_MSG find",
                "OP_MSG getMore",
                "OP_MSG listCollections",
                "OP_MSG listDatabases",
                "OP_MSG saslContinue",
                "OP_MSG saslStart",
                "OP_QUERY isMaster",
            ],
        ),
    ] {
        let (address, asked) = Script { wire, login: true, endless: false }.start();
        let mut store = reader(address, "reader:pencil@", "");
        let found = listing(&mut store);
        assert_eq!(found.tables.len(), 1, "{wire}: {found:?}");
        assert!(found.not_read.iter().all(|missing| missing.by_design), "{found:?}");
        let people = table(&found, "lab.people");
        is_complete(&full(&mut store, people, &[]).numbers("no"));
        let some = sampled(&mut store, people, 2500, 7);
        assert_eq!((some.part().choice, some.part().cluster), (Choice::PageClustered, 79), "{wire}");
        is_spread(&some.numbers("no"), 2500);
        assert_eq!(asked.lock().unwrap().iter().map(String::as_str).collect::<Vec<_>>(), words, "{wire}");
        for credentials in ["", "reader:wrong@"] {
            let denied = block_on(reader(address, credentials, "").tables());
            assert!(matches!(denied, Err(StoreError::Denied(_))), "{wire} {credentials} {denied:?}");
        }
    }
}

#[test]
fn a_cursor_that_never_ends_is_an_error() {
    let (address, _) = Script { wire: 21, login: false, endless: true }.start();
    let mut store = reader(address, "", "lab");
    let found = listing(&mut store);
    let mut kept = Kept::default();
    let read = full_into(&mut store, table(&found, "lab.people"), &[], &mut kept);
    assert!(
        matches!(&read, Err(StoreError::Answer(why)) if why.contains("never comes to an end")),
        "{read:?}"
    );
}
