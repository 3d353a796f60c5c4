//! MariaDB.

use discover::store::login;
use discover::store::mysql::{Limits, Mysql};
use testkit::real::{self, Running};

use super::*;
use crate::harness::without_namespaces;

fn mariadb(address: SocketAddr) -> Command {
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "--skip-ssl", "--default-character-set=utf8mb4", "-u", "root", "-h"]);
    command.arg(address.ip().to_string()).args(["-P", &address.port().to_string()]);
    command.env("MYSQL_PWD", "");
    command
}

fn login(address: SocketAddr, credentials: &str, rest: &str) -> Login {
    let target = Target::parse(&format!("mysql://{credentials}@{address}/{rest}")).unwrap();
    login::mysql::login(&target, &nobody()).unwrap()
}

fn reader(address: SocketAddr, credentials: &str, rest: &str) -> Mysql {
    reader_with(address, credentials, rest, Limits::default())
}

fn reader_with(address: SocketAddr, credentials: &str, rest: &str, limits: Limits) -> Mysql {
    Mysql::new(gate(), login(address, credentials, rest), limits)
}

fn started(state: &str, test: &str) -> Option<Running> {
    // The server is started as another user, which takes root.
    (!without_namespaces(test)).then(|| real::start(state).unwrap_or_else(|error| panic!("{error}")))
}

const CONTENT: &str = "
USE lab;
CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(40), phone CHAR(11), info JSON, photo VARBINARY(8),
    amount DECIMAL(10,2), born DATE, flags BIT(3), place POINT, gone TEXT) CHARACTER SET utf8mb4;
INSERT INTO people SELECT seq, IF(seq % 10 <> 0, CONCAT('张伟', seq), NULL), CONCAT('154', LPAD(seq, 8, '0')),
    JSON_OBJECT('phone', CONCAT('194', LPAD(seq, 8, '0')), 'kids', JSON_ARRAY(seq, seq + 1)),
    UNHEX(LPAD(HEX(seq), 8, '0')), seq * 1.5, DATE '1970-01-01' + INTERVAL seq DAY, b'101', POINT(1, 2), 'x'
    FROM seq_1_to_20000;
CREATE TABLE strange (`Spalte.1` LONGTEXT, nothing INT, loose JSON);
INSERT INTO strange VALUES ('a\\\\b\\nc\\td', NULL, '[1, {\"a\": null}]'), (REPEAT('long ', 1000000), NULL, NULL);
CREATE TABLE chinese (name VARCHAR(10)) CHARACTER SET gbk;
INSERT INTO chinese VALUES ('张伟');
CREATE TABLE western (name VARCHAR(10)) CHARACTER SET latin1;
INSERT INTO western VALUES ('Müller');
CREATE TABLE old (id INT PRIMARY KEY) ENGINE MyISAM;
INSERT INTO old SELECT seq FROM seq_1_to_5000;
CREATE TABLE former (n INT) WITH SYSTEM VERSIONING;
INSERT INTO former VALUES (1); UPDATE former SET n = 2;
CREATE TABLE nokey (n INT);
INSERT INTO nokey SELECT seq FROM seq_1_to_5000;
CREATE VIEW ignored AS SELECT * FROM people;
CREATE SEQUENCE numbers;
CREATE TABLE dropped (n INT);
CREATE TABLE half (open TEXT, closed TEXT);
INSERT INTO half VALUES ('a', 'b');
CREATE TABLE log (n INT);
CREATE USER reader@'%';
GRANT SELECT ON lab.people TO reader@'%';
GRANT SELECT (open) ON lab.half TO reader@'%';
GRANT INSERT ON lab.log TO reader@'%';
ANALYZE TABLE people, nokey, old;
";

#[test]
fn mariadb_is_read_whole_in_every_shape() {
    let Some(server) = started("mariadb-open", "mariadb_is_read_whole_in_every_shape") else { return };
    client(mariadb(server.address), CONTENT);
    let mut store = reader(server.address, "root", "lab");
    let listing = block_on(store.tables()).unwrap();
    let names: BTreeSet<&str> = listing.tables.iter().map(|table| table.location.as_str()).collect();
    assert!(
        names.contains("customers") && !names.contains("ignored") && !names.contains("numbers"),
        "{names:?}"
    );
    assert_eq!(listing.not_read, []);

    let mut sink = Counted::keeping(2);
    block_on(store.full(table(&listing, "people"), &[], &mut sink)).unwrap();
    assert_eq!((sink.part().choice, sink.rows[0], sink.told_rows[&0]), (Choice::Everything, PEOPLE, PEOPLE));
    assert_eq!((sink.column("id").sum, sink.column("name").cells), (SUM, PEOPLE - PEOPLE / 10));
    assert_eq!(sink.texts("name"), ["张伟1", "张伟2"]);
    assert_eq!(
        (sink.column("info.kids[]").cells, sink.texts("info.phone")[0].as_str()),
        (2 * PEOPLE, "19400000001")
    );
    assert_eq!(sink.column("photo").values, [[0, 0, 0, 1], [0, 0, 0, 2]]);
    assert_eq!((sink.texts("born")[0].as_str(), sink.texts("flags")[0].as_str()), ("1970-01-02", "5"));
    assert_eq!((sink.texts("place")[0].as_str(), sink.texts("amount")[0].as_str()), ("POINT(1 2)", "1.50"));
    assert_eq!(sink.not_read, []);

    let mut sink = Counted::keeping(5);
    block_on(store.full(table(&listing, "people"), &columns(&["info.phone", "id"]), &mut sink)).unwrap();
    assert_eq!(sink.names(), BTreeSet::from(["id", "info.phone"]));
    let mut sink = Counted::keeping(5);
    block_on(store.full(table(&listing, "strange"), &[], &mut sink)).unwrap();
    assert_eq!(sink.texts("Spalte.1")[0], "a\\b\nc\td");
    assert_eq!((sink.column("Spalte.1").longest, sink.texts("loose[]")), (1 << 20, columns(&["1"])));
    assert!(sink.why("strange.Spalte.1").contains("1 values are longer"), "{:?}", sink.not_read);
    for (name, right) in [("chinese", "张伟"), ("western", "Müller")] {
        let mut sink = Counted::keeping(5);
        block_on(store.full(table(&listing, name), &[], &mut sink)).unwrap();
        assert_eq!(sink.texts("name"), [right]);
    }
    let mut sink = Counted::keeping(5);
    block_on(store.full(table(&listing, "former"), &[], &mut sink)).unwrap();
    assert_eq!((sink.texts("n"), sink.why("former").contains("versioning")), (columns(&["2"]), true));
}

#[test]
fn a_sample_of_mariadb_is_random_and_repeats_with_its_seed() {
    let test = "a_sample_of_mariadb_is_random_and_repeats_with_its_seed";
    let Some(server) = started("mariadb-open", test) else { return };
    client(mariadb(server.address), CONTENT);
    let sampled = |name: &str, limits: Limits, seed: u64| {
        let mut store = reader_with(server.address, "root", "", limits);
        let listing = block_on(store.tables()).unwrap();
        let mut sink = Counted::keeping(10_000);
        block_on(store.sample(table(&listing, &format!("lab.{name}")), 2_000, seed, &mut sink)).unwrap();
        sink
    };
    let first = sampled("people", Limits::default(), 7);
    assert_eq!((first.part().choice, first.part().cluster), (Choice::Uniform, 1));
    is_spread(&first.numbers("id"), 2_000);
    assert_eq!(first.numbers("id"), sampled("people", Limits::default(), 7).numbers("id"));
    assert_ne!(first.numbers("id"), sampled("people", Limits::default(), 8).numbers("id"));
    let large = Limits { read_once: 0, ..Limits::default() };
    let jumps = sampled("people", large, 7);
    assert_eq!((jumps.part().choice, jumps.part().cluster), (Choice::PageClustered, 20));
    is_spread(&jumps.numbers("id"), 2_000);
    assert_eq!(jumps.numbers("id"), sampled("people", large, 7).numbers("id"));
    let first_rows = sampled("nokey", large, 7);
    assert_eq!((first_rows.part().choice, first_rows.rows[0]), (Choice::FirstRows, 2_000));
    let small = sampled("customers", large, 7);
    assert_eq!((small.part().choice, small.part().rows, small.rows[0]), (Choice::Everything, Some(5), 5));
    // What makes writers wait is not read in whole when it is large; a sample jumps.
    let gentle = Limits { locking: 0, ..Limits::default() };
    assert_eq!(sampled("old", gentle, 7).part().choice, Choice::PageClustered);
    let mut store = reader_with(server.address, "root", "lab", gentle);
    let listing = block_on(store.tables()).unwrap();
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "old"), &[], &mut sink)).unwrap();
    assert!(sink.parts.is_empty() && sink.why("old").contains("replica"), "{:?}", sink.not_read);
}

#[test]
fn what_an_account_may_not_read_is_told_and_only_reads_are_asked() {
    let test = "what_an_account_may_not_read_is_told_and_only_reads_are_asked";
    let Some(server) = started("mariadb-open", test) else { return };
    client(mariadb(server.address), CONTENT);
    client(mariadb(server.address), "SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON;");
    let mut store = reader(server.address, "reader", "lab");
    let listing = block_on(store.tables()).unwrap();
    let hidden = listing.not_read.iter().find(|part| part.location == "*").unwrap();
    assert!(!hidden.by_design && listing.tables.len() == 3, "{listing:?}");
    let mut sink = Counted::keeping(5);
    block_on(store.sample(table(&listing, "half"), 10, 1, &mut sink)).unwrap();
    assert_eq!((sink.names(), sink.rows[0]), (BTreeSet::from(["open"]), 1));
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "log"), &[], &mut sink)).unwrap();
    assert!(sink.why("log").contains("none may be read"), "{:?}", sink.not_read);
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "people"), &columns(&["id"]), &mut sink)).unwrap();
    assert_eq!(sink.column("id").sum, SUM);

    let mut owner = reader(server.address, "root", "mysql");
    let listing = block_on(owner.tables()).unwrap();
    let mut sink = Counted::keeping(10_000);
    block_on(owner.full(table(&listing, "general_log"), &columns(&["argument", "user_host"]), &mut sink))
        .unwrap();
    let statements = sink.texts("argument");
    assert!(statements.iter().any(|text| text == "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"));
    for statement in statements {
        let allowed = [
            "SELECT ",
            "SET NAMES",
            "SET SESSION ",
            "START TRANSACTION WITH",
            "ROLLBACK",
            "reader@",
            "root@",
            "",
        ];
        let reads = allowed
            .iter()
            .any(|word| statement.starts_with(word) && (!word.is_empty() || statement.is_empty()));
        assert!(reads || statement.contains("general_log"), "{statement}");
    }
}

#[test]
fn tables_of_mariadb_that_change_or_are_locked_are_told_and_the_rest_is_read() {
    let test = "tables_of_mariadb_that_change_or_are_locked_are_told_and_the_rest_is_read";
    let Some(server) = started("mariadb-open", test) else { return };
    client(mariadb(server.address), CONTENT);
    let limits = Limits { lock: Duration::from_secs(1), ..Limits::default() };
    let mut store = reader_with(server.address, "root", "lab", limits);
    let listing = block_on(store.tables()).unwrap();
    client(mariadb(server.address), "USE lab; ALTER TABLE people DROP COLUMN gone; DROP TABLE dropped;");
    let people = table(&listing, "people");
    let mut sink = Counted::default();
    block_on(store.full(people, &columns(&["id", "gone", "phone"]), &mut sink)).unwrap();
    assert_eq!((sink.rows[0], sink.column("id").sum, sink.column("phone").cells), (PEOPLE, SUM, PEOPLE));
    assert!(sink.why("people.gone").contains("gone"), "{:?}", sink.not_read);
    let mut sink = Counted::default();
    block_on(store.sample(table(&listing, "dropped"), 10, 1, &mut sink)).unwrap();
    block_on(store.full(table(&listing, "dropped"), &[], &mut sink)).unwrap();
    assert!(sink.why("dropped").contains("dropped") && sink.parts.is_empty(), "{:?}", sink.not_read);

    let holder =
        Background::start(mariadb(server.address), "USE lab; LOCK TABLES people WRITE; SELECT SLEEP(60);\n");
    std::thread::sleep(Duration::from_millis(700));
    let begun = Instant::now();
    let mut sink = Counted::default();
    block_on(store.sample(people, 100, 1, &mut sink)).unwrap();
    assert!(sink.why("people").contains("lock"), "{:?}", sink.not_read);
    assert!(begun.elapsed() < Duration::from_secs(10));
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "chinese"), &[], &mut sink)).unwrap();
    assert_eq!(sink.rows, [1]);
    drop(holder);
}

#[test]
fn a_login_at_mariadb_is_as_good_as_its_password_and_its_certificate() {
    let test = "a_login_at_mariadb_is_as_good_as_its_password_and_its_certificate";
    let Some(server) = started("mariadb-tls", test) else { return };
    let authority = server.data().join("ca.pem").display().to_string();
    let tables = |credentials: &str, rest: &str| block_on(reader(server.address, credentials, rest).tables());
    // A server that has just begun to listen may close its first connection.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10)
        && matches!(tables("root:lab-secret", ""), Err(StoreError::Connection(_)))
    {
        std::thread::sleep(Duration::from_millis(200));
    }
    tables("root:lab-secret", "").unwrap();
    tables("root:lab-secret", "?ssl-mode=DISABLED").unwrap();
    for mode in ["REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"] {
        tables("root:lab-secret", &format!("?ssl-mode={mode}&ssl-ca={authority}")).unwrap();
    }
    let said = |error: StoreError| {
        let text = error.to_string();
        assert!(matches!(error, StoreError::Denied(_)) && !text.contains("canary"), "{text}");
        text
    };
    assert!(said(tables("root:canary", "").unwrap_err()).contains("refused"));
    assert!(said(tables("root", "").unwrap_err()).contains("MYSQL_PWD"));
    assert!(said(tables("root:lab-secret", "absent").unwrap_err()).contains("absent"));
    let unknown = tables("root:lab-secret", "?ssl-mode=VERIFY_IDENTITY").unwrap_err();
    assert!(matches!(unknown, StoreError::Connection(_)), "{unknown}");
    let socket = server.data().join("data/socket").display().to_string();
    tables("root:lab-secret", &format!("?ssl-mode=VERIFY_IDENTITY&socket={socket}")).unwrap();
    drop(server);
    let Some(server) = started("mariadb-protected", test) else { return };
    let demanded =
        block_on(reader(server.address, "root:lab-secret", "?ssl-mode=REQUIRED").tables()).unwrap_err();
    assert!(demanded.to_string().contains("does not speak TLS"), "{demanded}");
}

#[test]
fn a_million_rows_of_mariadb_are_streamed_and_a_server_that_dies_is_an_error() {
    let test = "a_million_rows_of_mariadb_are_streamed_and_a_server_that_dies_is_an_error";
    let Some(server) = started("mariadb-open", test) else { return };
    let content = "USE lab; CREATE TABLE many (id INT PRIMARY KEY, phone CHAR(11), note VARCHAR(60));
        INSERT INTO many SELECT seq, CONCAT('154', LPAD(seq, 8, '0')), CONCAT('some text that stands for a note ', seq)
        FROM seq_1_to_1000000;";
    client(mariadb(server.address), content);
    let mut store = reader(server.address, "root", "lab");
    let listing = block_on(store.tables()).unwrap();
    let many = table(&listing, "many");
    let sink = measured("MariaDB", &mut store, many, &[], 1_000_000);
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

/// A server that lets everyone in, and answers the first question with one of its own: give me that file.
fn asks_for_a_file(listener: &std::net::TcpListener) -> Vec<u8> {
    use std::io::Read as _;
    let (mut stream, _) = listener.accept().unwrap();
    let mut greeting = b"\x0a10.0\0\x01\0\0\0abcdefgh\0\xff\xf7\x2d\x02\0\xff\x81\x15".to_vec();
    greeting.extend([0; 10]);
    greeting.extend(b"ijklmnopqrst\0mysql_native_password\0");
    let mut send = |sequence: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).unwrap();
        stream.write_all(&[&[length, 0, 0, sequence], payload].concat()).unwrap();
    };
    send(0, &greeting);
    send(2, b"\0\0\0\x02\0\0\0");
    send(1, b"\xfb/etc/hostname");
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received);
    received
}

#[test]
fn a_server_that_asks_for_a_local_file_gets_none() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || asks_for_a_file(&listener));
    let error = block_on(reader(address, "root:lab-secret", "?ssl-mode=DISABLED").tables()).unwrap_err();
    assert!(error.to_string().contains("asks for a file"), "{error}");
    let received = String::from_utf8_lossy(&server.join().unwrap()).into_owned();
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    assert!(received.contains("SET NAMES") && (host.trim().is_empty() || !received.contains(host.trim())));
    assert!(!received.contains("lab-secret"));
}
