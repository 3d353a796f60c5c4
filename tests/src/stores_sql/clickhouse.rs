//! ClickHouse 18.

use discover::store::clickhouse::{ClickHouse, Limits};
use discover::store::login;
use testkit::real::{self, Running};

use super::*;

/// Runs statements, one request each.
fn statements(server: &Running, text: &str) {
    for statement in text.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        let answer = http(server.address, "POST /", statement);
        assert!(answer.starts_with("HTTP/1.1 200"), "{statement}\n{answer}");
    }
}

fn http(address: SocketAddr, what: &str, body: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let length = body.len();
    let head =
        format!("{what} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).unwrap();
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn reader_with(address: SocketAddr, credentials: &str, rest: &str, limits: Limits) -> ClickHouse {
    let target = Target::parse(&format!("clickhouse://{credentials}{address}/{rest}")).unwrap();
    ClickHouse::new(gate(), login::clickhouse::login(&target, &nobody()).unwrap(), limits)
}

fn reader(address: SocketAddr, credentials: &str, rest: &str) -> ClickHouse {
    reader_with(address, credentials, rest, Limits::default())
}

const CONTENT: &str = "
CREATE DATABASE lab;
CREATE TABLE lab.people (id UInt32, name Nullable(String), phone String, tags Array(Nullable(String)),
    pair Tuple(String, UInt8), photo String, amount Decimal(10, 2), born Date, fixed FixedString(8), gone String,
    twice ALIAS id * 2) ENGINE = MergeTree ORDER BY id SETTINGS index_granularity = 256;
INSERT INTO lab.people SELECT number + 1 AS n, if(n % 10 <> 0, concat('张伟', toString(n)), NULL),
    concat('154', substring(toString(100000000 + n), 2)), [concat('a', toString(n)), NULL, 'tab\\tquote\\''],
    ('x', 7), unhex(substring(hex(toUInt64(4294967296 + n)), 3)), toDecimal32(n, 2), toDate('1970-01-01') + n, 'ab', 'x'
    FROM system.numbers LIMIT 20000;
CREATE TABLE lab.hashed (id UInt32) ENGINE = MergeTree ORDER BY (intHash32(id)) SAMPLE BY intHash32(id);
INSERT INTO lab.hashed SELECT number + 1 FROM system.numbers LIMIT 20000;
CREATE TABLE lab.strange (`Spalte.1` String, raw String) ENGINE = TinyLog;
INSERT INTO lab.strange VALUES ('a\\\\b\\nc\\td\\\\N', unhex('D5C5CEB000815C'));
INSERT INTO lab.strange SELECT substring(toString(groupArray('long ')), 1) AS s, '' FROM
    (SELECT number FROM system.numbers LIMIT 400000);
CREATE TABLE lab.small (n UInt8) ENGINE = Log;
INSERT INTO lab.small VALUES (1), (2), (3);
CREATE VIEW lab.ignored AS SELECT * FROM lab.people;
CREATE TABLE lab.merged AS lab.people ENGINE = Merge(lab, '^people$');
CREATE TABLE lab.dropped (n UInt8) ENGINE = Log;
CREATE TABLE lab.sums (k UInt8, s AggregateFunction(uniq, UInt8)) ENGINE = AggregatingMergeTree ORDER BY k;
CREATE TABLE lab.elsewhere (id UInt32) ENGINE = URL('http://192.0.2.1/', CSV);
";

#[test]
fn clickhouse_is_read_whole_in_every_shape() {
    let server = real::start("clickhouse-open").unwrap_or_else(|error| panic!("{error}"));
    statements(&server, CONTENT);
    let mut store = reader(server.address, "", "lab");
    let listing = block_on(store.tables()).unwrap();
    assert_eq!(table(&listing, "people").rows, Some(PEOPLE));
    let told = |location: &str| listing.not_read.iter().find(|part| part.location == location).unwrap();
    assert!(told("ignored").by_design && told("merged").by_design && !told("elsewhere").by_design);

    let mut sink = Counted::keeping(2);
    block_on(store.full(table(&listing, "people"), &[], &mut sink)).unwrap();
    assert_eq!((sink.part().choice, sink.rows[0], sink.told_rows[&0]), (Choice::Everything, PEOPLE, PEOPLE));
    assert_eq!((sink.column("id").sum, sink.column("name").cells), (SUM, PEOPLE - PEOPLE / 10));
    assert_eq!((sink.texts("name"), sink.column("tags[]").cells), (columns(&["张伟1", "张伟2"]), 2 * PEOPLE));
    assert_eq!(sink.texts("tags[]"), ["a1", "tab\tquote'"]);
    assert_eq!((sink.texts("pair.1")[0].as_str(), sink.texts("pair.2")[0].as_str()), ("x", "7"));
    assert_eq!(sink.column("photo").values, [[0, 0, 0, 1], [0, 0, 0, 2]]);
    assert_eq!((sink.texts("born")[0].as_str(), sink.texts("fixed")[0].as_str()), ("1970-01-02", "ab"));
    assert!(!sink.names().contains("twice") && sink.not_read.is_empty(), "{:?}", sink.not_read);

    let mut sink = Counted::keeping(2);
    block_on(store.full(table(&listing, "strange"), &[], &mut sink)).unwrap();
    assert_eq!(sink.texts("Spalte.1")[0], "a\\b\nc\td\\N");
    assert_eq!(sink.column("raw").values[0], b"\xd5\xc5\xce\xb0\x00\x81\x5c");
    assert_eq!(sink.column("Spalte.1").longest, 1 << 20);
    assert!(sink.why("strange.Spalte.1").contains("1 values are longer"), "{:?}", sink.not_read);
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "sums"), &[], &mut sink)).unwrap();
    assert!(sink.why("sums.s").contains("aggregate"));

    // What changes meanwhile is told, and the rest is read.
    statements(&server, "ALTER TABLE lab.people DROP COLUMN gone;\nDROP TABLE lab.dropped;");
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "people"), &columns(&["id", "gone", "phone"]), &mut sink)).unwrap();
    assert_eq!((sink.column("id").sum, sink.column("phone").cells), (SUM, PEOPLE));
    assert!(sink.why("people.gone").contains("gone"), "{:?}", sink.not_read);
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "dropped"), &[], &mut sink)).unwrap();
    assert!(sink.why("dropped").contains("dropped") && sink.parts.is_empty(), "{:?}", sink.not_read);
}

#[test]
fn a_sample_of_clickhouse_is_random_and_repeats_with_its_seed() {
    let server = real::start("clickhouse-open").unwrap_or_else(|error| panic!("{error}"));
    statements(&server, CONTENT);
    let sampled = |name: &str, limits: Limits, seed: u64| {
        let mut store = reader_with(server.address, "", "", limits);
        let listing = block_on(store.tables()).unwrap();
        let mut sink = Counted::keeping(10_000);
        block_on(store.sample(table(&listing, &format!("lab.{name}")), 2_000, seed, &mut sink)).unwrap();
        sink
    };
    for name in ["people", "hashed"] {
        let first = sampled(name, Limits::default(), 7);
        assert_eq!((first.part().choice, first.part().rows), (Choice::Uniform, Some(PEOPLE)));
        is_spread(&first.numbers("id"), 2_000);
        assert_eq!(first.numbers("id"), sampled(name, Limits::default(), 7).numbers("id"));
        assert_ne!(first.numbers("id"), sampled(name, Limits::default(), 8).numbers("id"));
    }
    let large = sampled("people", Limits { read_once: 0, ..Limits::default() }, 7);
    assert_eq!(large.part().choice, Choice::PageClustered);
    is_spread(&large.numbers("id"), 2_000);
    let small = sampled("small", Limits::default(), 7);
    assert_eq!((small.part().choice, small.part().rows, small.rows[0]), (Choice::Everything, Some(3), 3));
}

#[test]
fn a_login_at_clickhouse_is_as_good_as_its_password_and_its_requests_only_read() {
    let server = real::start("clickhouse-protected").unwrap_or_else(|error| panic!("{error}"));
    let tables = |credentials: &str, rest: &str| block_on(reader(server.address, credentials, rest).tables());
    tables("default:lab-secret@", "").unwrap();
    for (credentials, rest) in
        [("default:canary@", ""), ("", ""), ("nobody:canary@", ""), ("default:lab-secret@", "absent")]
    {
        let error = tables(credentials, rest).unwrap_err();
        assert!(matches!(error, StoreError::Denied(_)) && !error.to_string().contains("canary"), "{error}");
    }
    // Whoever may set nothing reads all the same.
    tables("reader:lab-secret@", "").unwrap();
    let owner = "POST /?user=default&password=lab-secret";
    for statement in
        ["CREATE TABLE default.t (n UInt8) ENGINE = Log", "INSERT INTO default.t VALUES (1), (2)"]
    {
        assert!(http(server.address, owner, statement).starts_with("HTTP/1.1 200"));
    }
    let mut store = reader(server.address, "reader:lab-secret@", "default");
    let listing = block_on(store.tables()).unwrap();
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "t"), &[], &mut sink)).unwrap();
    assert_eq!(sink.rows, [2]);
    // The same kind of request that the reader makes cannot change anything.
    let query = "max_execution_time=5&user=default&password=lab-secret&query=CREATE+DATABASE+written";
    let answer = http(server.address, &format!("GET /?{query}"), "");
    assert!(answer.contains("Code: 164"), "{answer}");
}

#[test]
fn a_million_rows_of_clickhouse_are_streamed_and_a_server_that_dies_is_an_error() {
    let server = real::start("clickhouse-open").unwrap_or_else(|error| panic!("{error}"));
    let content = "CREATE DATABASE lab;
        CREATE TABLE lab.many (id UInt32, phone String, note String) ENGINE = MergeTree ORDER BY id;
        INSERT INTO lab.many SELECT number + 1, concat('154', substring(toString(100000001 + number), 2)),
        concat('some text that stands for a note ', toString(number)) FROM system.numbers LIMIT 1000000;";
    statements(&server, content);
    let mut store = reader(server.address, "", "lab");
    let listing = block_on(store.tables()).unwrap();
    let many = table(&listing, "many");
    let sink = measured("ClickHouse", &mut store, many, &[], 1_000_000);
    assert_eq!(sink.column("id").sum, 1_000_000 * 1_000_001 / 2);

    let mut sink = Counted { limit: Some(1000), ..Counted::default() };
    block_on(store.full(many, &[], &mut sink)).unwrap();
    assert!(sink.all == 1000 && sink.why("many").contains("1000 rows"));

    let process = server.processes()[0];
    let mut sink = Counted::acting(1000, move || signal(process, "-KILL"));
    let died = block_on(store.full(many, &[], &mut sink)).unwrap_err();
    assert!(matches!(died, StoreError::Connection(_)), "{died}");
    assert!(sink.all < 1_000_000 && sink.why("many").contains("ended after"), "{:?}", sink.not_read);
    assert!(matches!(block_on(store.tables()), Err(StoreError::Connection(_))));
}
