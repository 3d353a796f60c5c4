//! PostgreSQL 15.

use discover::store::login;
use discover::store::postgres::{Limits, Postgres};
use testkit::real::{self, Running};

use super::*;
use crate::harness::without_namespaces;

fn psql(address: SocketAddr, user: &str, database: &str) -> Command {
    let mut command = Command::new("/usr/lib/postgresql/15/bin/psql");
    command.args(["-q", "-X", "-w", "-v", "ON_ERROR_STOP=1", "-h", &address.ip().to_string()]);
    command.args(["-p", &address.port().to_string(), "-U", user, "-d", database]);
    command.env("PGPASSWORD", "lab-secret").env("PGCLIENTENCODING", "UTF8");
    command
}

fn login(address: SocketAddr, credentials: &str, rest: &str) -> Login {
    let target = Target::parse(&format!("postgres://{credentials}@{address}/{rest}")).unwrap();
    login::postgres::login(&target, &nobody()).unwrap()
}

fn reader(address: SocketAddr, credentials: &str, rest: &str) -> Postgres {
    reader_with(address, credentials, rest, Limits::default())
}

fn reader_with(address: SocketAddr, credentials: &str, rest: &str, limits: Limits) -> Postgres {
    Postgres::new(gate(), login(address, credentials, rest), limits)
}

fn started(state: &str, test: &str) -> Option<Running> {
    // The server refuses to run as root, so it is started as another user, which takes root.
    (!without_namespaces(test)).then(|| real::start(state).unwrap_or_else(|error| panic!("{error}")))
}

const CONTENT: &str = "
CREATE TABLE people AS SELECT n AS id, CASE WHEN n % 10 <> 0 THEN '张伟' || n END AS name,
    '154' || lpad(n::text, 8, '0') AS phone, ARRAY['a' || n, NULL, E'tab\\tquote\"'] AS tags,
    jsonb_build_object('phone', '194' || lpad(n::text, 8, '0'), 'kids', jsonb_build_array(
        jsonb_build_object('no', n), jsonb_build_object('no', n + 1))) AS info,
    decode(lpad(to_hex(n), 8, '0'), 'hex') AS photo, n * 1.5 AS amount, DATE '1970-01-01' + n AS born
    FROM generate_series(1, 20000) n;
ALTER TABLE people ADD COLUMN gone text DEFAULT 'x';
ANALYZE people;
CREATE TYPE home AS (street text, no int);
CREATE DOMAIN tags AS text[];
CREATE TABLE strange (\"Spalte.1\" text, nothing int, home home, tags tags, whole json, span int4range);
INSERT INTO strange VALUES (E'a\\\\b\\nc\\td\\\\N', NULL, ROW('Weg 1', 3), '{x,y}', '{\"a\": [1, {\"b\": null}]}', '[1,5)'),
    (repeat('long ', 1000000), NULL, NULL, NULL, NULL, NULL);
CREATE TABLE parts (k int, v text) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
INSERT INTO parts VALUES (1, 'one'), (2, 'two'), (2, 'three');
CREATE TABLE parent (n int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2);
CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS n FROM people;
CREATE MATERIALIZED VIEW unfilled AS SELECT 1 AS n WITH NO DATA;
CREATE VIEW ignored AS SELECT id FROM people;
CREATE TABLE empty (n int);
SELECT lo_create(0);
CREATE SCHEMA hidden;
CREATE TABLE hidden.secrets (n int);
CREATE TABLE half (open text, closed text);
INSERT INTO half VALUES ('a', 'b');
CREATE TABLE log (n int);
CREATE FUNCTION writes() RETURNS boolean LANGUAGE sql AS 'INSERT INTO public.log VALUES (1); SELECT true';
CREATE TABLE guarded (n int);
INSERT INTO guarded VALUES (1), (2);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY part ON guarded USING (n = 1);
CREATE TABLE trapped (n int);
INSERT INTO trapped VALUES (1);
ALTER TABLE trapped ENABLE ROW LEVEL SECURITY;
CREATE POLICY trap ON trapped USING (public.writes());
CREATE ROLE reader LOGIN;
GRANT SELECT ON people, guarded, trapped TO reader;
GRANT INSERT ON log TO reader;
GRANT SELECT (open) ON half TO reader;
";

#[test]
fn postgres_is_read_whole_in_every_shape() {
    let Some(server) = started("postgres-open", "postgres_is_read_whole_in_every_shape") else { return };
    client(psql(server.address, "postgres", "lab"), CONTENT);
    let mut store = reader(server.address, "postgres", "lab");
    let listing = block_on(store.tables()).unwrap();
    let people = table(&listing, "public.people");
    assert_eq!(people.rows, Some(PEOPLE));

    let mut sink = Counted::keeping(2);
    block_on(store.full(people, &[], &mut sink)).unwrap();
    assert_eq!(sink.part().choice, Choice::Everything);
    assert_eq!((sink.rows[0], sink.told_rows[&0]), (PEOPLE, PEOPLE));
    assert_eq!((sink.column("id").sum, sink.column("id").cells), (SUM, PEOPLE));
    assert_eq!(sink.column("name").cells, PEOPLE - PEOPLE / 10);
    assert_eq!(sink.column("tags[]").cells, 2 * PEOPLE);
    assert_eq!(sink.texts("tags[]"), ["a1", "tab\tquote\""]);
    assert_eq!(sink.column("info.kids[].no").cells, 2 * PEOPLE);
    assert_eq!(sink.texts("info.phone"), ["19400000001", "19400000002"]);
    assert_eq!(sink.column("photo").values, [[0, 0, 0, 1], [0, 0, 0, 2]]);
    assert_eq!(sink.texts("born")[0], "1970-01-02");
    assert_eq!(sink.not_read, []);

    let mut sink = Counted::keeping(1);
    block_on(store.full(people, &columns(&["info.phone", "id"]), &mut sink)).unwrap();
    assert_eq!(sink.names(), BTreeSet::from(["id", "info.phone"]));
    assert_eq!((sink.column("id").sum, sink.column("info.phone").cells), (SUM, PEOPLE));

    let mut sink = Counted::keeping(5);
    block_on(store.full(table(&listing, "public.strange"), &[], &mut sink)).unwrap();
    assert_eq!(sink.texts("Spalte.1")[0], "a\\b\nc\td\\N");
    assert_eq!(sink.column("Spalte.1").longest, 1 << 20);
    assert!(sink.why("public.strange.Spalte.1").contains("1 values are longer"), "{:?}", sink.not_read);
    assert_eq!((sink.texts("home.street"), sink.texts("home.no")), (columns(&["Weg 1"]), columns(&["3"])));
    assert_eq!((sink.texts("tags[]"), sink.texts("whole.a[]")), (columns(&["x", "y"]), columns(&["1"])));
    assert_eq!(sink.texts("span"), ["[1,5)"]);
}

#[test]
fn the_catalogue_tells_what_is_there_and_what_is_not_read() {
    let test = "the_catalogue_tells_what_is_there_and_what_is_not_read";
    let Some(server) = started("postgres-open", test) else { return };
    client(psql(server.address, "postgres", "lab"), CONTENT);
    client(psql(server.address, "postgres", "postgres"), "CREATE DATABASE shut ALLOW_CONNECTIONS false;");
    let mut store = reader(server.address, "postgres", "");
    let listing = block_on(store.tables()).unwrap();
    let names: BTreeSet<&str> = listing.tables.iter().map(|table| table.location.as_str()).collect();
    for name in
        ["people", "strange", "parts_1", "parts_2", "parent", "child", "summary", "empty", "customers"]
    {
        assert!(names.contains(format!("lab.public.{name}").as_str()), "{name} is not in {names:?}");
    }
    assert!(!names.contains("lab.public.parts") && !names.contains("lab.public.ignored"));
    let told = |location: &str| listing.not_read.iter().any(|part| part.location == location);
    for location in ["shut", "template0", "lab.pg_catalog", "lab.pg_largeobject", "lab.public.unfilled"] {
        assert!(told(location), "{location} is not in {:?}", listing.not_read);
    }
    let mut sink = Counted::default();
    for name in ["parts_1", "parts_2", "parent", "child"] {
        block_on(store.full(table(&listing, &format!("lab.public.{name}")), &[], &mut sink)).unwrap();
    }
    assert_eq!(sink.rows, [1, 2, 1, 1]);
    // A table that is small is read in whole, whatever the estimate says.
    let mut sink = Counted::default();
    block_on(store.sample(table(&listing, "lab.public.customers"), 100, 1, &mut sink)).unwrap();
    assert_eq!((sink.part().choice, sink.part().rows, sink.rows[0]), (Choice::Everything, Some(5), 5));
}

#[test]
fn a_sample_of_postgres_is_random_and_repeats_with_its_seed() {
    let test = "a_sample_of_postgres_is_random_and_repeats_with_its_seed";
    let Some(server) = started("postgres-open", test) else { return };
    client(psql(server.address, "postgres", "lab"), CONTENT);
    let sampled = |limits: Limits, seed: u64| {
        let mut store = reader_with(server.address, "postgres", "lab", limits);
        let listing = block_on(store.tables()).unwrap();
        let mut sink = Counted::keeping(10_000);
        block_on(store.sample(table(&listing, "public.people"), 2_000, seed, &mut sink)).unwrap();
        assert_eq!(sink.part().rows, Some(PEOPLE));
        sink
    };
    let first = sampled(Limits::default(), 7);
    assert_eq!((first.part().choice, first.part().cluster), (Choice::Uniform, 1));
    is_spread(&first.numbers("id"), 2_000);
    assert_eq!(first.numbers("id"), sampled(Limits::default(), 7).numbers("id"));
    assert_ne!(first.numbers("id"), sampled(Limits::default(), 8).numbers("id"));
    let pages = sampled(Limits { read_once: 0, ..Limits::default() }, 7);
    assert_eq!(pages.part().choice, Choice::PageClustered);
    assert!((20..200).contains(&pages.part().cluster), "{} rows to a page", pages.part().cluster);
    assert!(pages.numbers("id").iter().any(|id| *id > PEOPLE / 2));
}

#[test]
fn what_a_role_may_not_read_is_told_and_nothing_is_written() {
    let test = "what_a_role_may_not_read_is_told_and_nothing_is_written";
    let Some(server) = started("postgres-open", test) else { return };
    client(psql(server.address, "postgres", "lab"), CONTENT);
    let mut store = reader(server.address, "reader", "lab");
    let listing = block_on(store.tables()).unwrap();
    for location in ["hidden.secrets", "public.strange"] {
        let told = listing.not_read.iter().find(|part| part.location == location).unwrap();
        assert!(told.why.contains("no right") && !told.by_design, "{told:?}");
    }
    let mut sink = Counted::keeping(5);
    block_on(store.sample(table(&listing, "public.half"), 10, 1, &mut sink)).unwrap();
    // The server grants a read of the rows through one column.
    assert_eq!(sink.names(), BTreeSet::from(["open"]));
    assert!(sink.why("public.half.closed").contains("no right"));
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "public.guarded"), &[], &mut sink)).unwrap();
    assert_eq!(sink.rows, [1]);
    assert!(sink.why("public.guarded").contains("row-level security"));
    // A policy that writes is refused by the transaction, and the next table is read all the same.
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "public.trapped"), &[], &mut sink)).unwrap();
    assert!(sink.why("public.trapped").contains("25006"), "{:?}", sink.not_read);
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "public.people"), &columns(&["id"]), &mut sink)).unwrap();
    assert_eq!(sink.column("id").sum, SUM);
    let mut owner = reader(server.address, "postgres", "lab");
    let listing = block_on(owner.tables()).unwrap();
    let mut sink = Counted::default();
    block_on(owner.full(table(&listing, "public.log"), &[], &mut sink)).unwrap();
    assert_eq!(sink.rows, [0]);
}

#[test]
fn tables_that_change_or_are_locked_are_told_and_the_rest_is_read() {
    let test = "tables_that_change_or_are_locked_are_told_and_the_rest_is_read";
    let Some(server) = started("postgres-open", test) else { return };
    client(psql(server.address, "postgres", "lab"), CONTENT);
    let limits = Limits { lock: Duration::from_millis(500), ..Limits::default() };
    let mut store = reader_with(server.address, "postgres", "lab", limits);
    let listing = block_on(store.tables()).unwrap();
    client(
        psql(server.address, "postgres", "lab"),
        "ALTER TABLE people DROP COLUMN gone; DROP TABLE parent CASCADE;",
    );
    let mut sink = Counted::default();
    let people = table(&listing, "public.people");
    block_on(store.full(people, &columns(&["id", "gone", "phone"]), &mut sink)).unwrap();
    assert_eq!((sink.rows[0], sink.column("id").sum, sink.column("phone").cells), (PEOPLE, SUM, PEOPLE));
    assert!(sink.why("public.people.gone").contains("gone"), "{:?}", sink.not_read);
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "public.parent"), &[], &mut sink)).unwrap();
    block_on(store.sample(table(&listing, "public.child"), 10, 1, &mut sink)).unwrap();
    assert!(sink.why("public.parent").contains("column") && sink.parts.is_empty(), "{:?}", sink.not_read);
    assert!(!sink.why("public.child").is_empty());

    let lock = "BEGIN; LOCK TABLE people IN ACCESS EXCLUSIVE MODE; NOTIFY locked; SELECT pg_sleep(60);\n";
    let holder = Background::start(psql(server.address, "postgres", "lab"), lock);
    std::thread::sleep(Duration::from_millis(700));
    let begun = Instant::now();
    let mut sink = Counted::default();
    block_on(store.sample(people, 100, 1, &mut sink)).unwrap();
    assert!(sink.why("public.people").contains("lock"), "{:?}", sink.not_read);
    assert!(begun.elapsed() < Duration::from_secs(5));
    let mut sink = Counted::default();
    block_on(store.full(table(&listing, "public.parts_2"), &[], &mut sink)).unwrap();
    assert_eq!(sink.rows, [2]);
    drop(holder);
}

#[test]
fn a_login_is_as_good_as_its_password_and_its_certificate() {
    let test = "a_login_is_as_good_as_its_password_and_its_certificate";
    let Some(server) = started("postgres-protected", test) else { return };
    let tables = |credentials: &str, rest: &str| block_on(reader(server.address, credentials, rest).tables());
    tables("postgres:lab-secret", "postgres").unwrap();
    let said = |error: StoreError| {
        let text = error.to_string();
        assert!(matches!(error, StoreError::Denied(_)) && !text.contains("canary"), "{text}");
        text
    };
    assert!(said(tables("postgres:canary", "").unwrap_err()).contains("refused"));
    assert!(said(tables("postgres", "").unwrap_err()).contains("PGPASSWORD"));
    assert!(said(tables("postgres:lab-secret", "absent").unwrap_err()).contains("no such database"));
    let demanded = tables("postgres:lab-secret", "?sslmode=require").unwrap_err();
    assert!(demanded.to_string().contains("does not speak TLS"), "{demanded}");
    // A socket in the file system needs no permit and no TLS, whatever sslmode says.
    let (folder, port) = (server.data().join("data"), server.address.port());
    let place =
        format!("postgres://postgres@/postgres?host={}&port={port}&sslmode=verify-full", folder.display());
    let login = login::postgres::login(&Target::parse(&place).unwrap(), &nobody()).unwrap();
    block_on(Postgres::new(gate(), login, Limits::default()).tables()).unwrap();
    drop(server);

    let Some(server) = started("postgres-hostssl", test) else { return };
    let tables = |rest: &str| block_on(reader(server.address, "postgres", rest).tables()).map(drop);
    let authority = server.data().join("ca.pem").display().to_string();
    tables("postgres").unwrap();
    tables("postgres?sslmode=require").unwrap();
    for mode in ["require", "verify-ca", "verify-full"] {
        tables(&format!("postgres?sslmode={mode}&sslrootcert={authority}")).unwrap();
    }
    assert!(tables("postgres?sslmode=disable").is_err());
    let unknown = tables("postgres?sslmode=verify-full&sslrootcert=system").unwrap_err();
    assert!(matches!(unknown, StoreError::Connection(_)), "{unknown}");
}

#[test]
fn another_encoding_is_converted_and_bytes_without_one_are_kept() {
    let test = "another_encoding_is_converted_and_bytes_without_one_are_kept";
    let Some(server) = started("postgres-open", test) else { return };
    let database = |name: &str, encoding: &str| {
        let statement = format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;"
        );
        client(psql(server.address, "postgres", "postgres"), &statement);
    };
    database("latin", "LATIN1");
    database("raw", "SQL_ASCII");
    client(psql(server.address, "postgres", "latin"), "CREATE TABLE t AS SELECT 'Müller'::text AS name;");
    // 张伟\ in GBK, with a letter whose second byte is a backslash behind it.
    let raw = "SET client_encoding = SQL_ASCII; CREATE TABLE t AS SELECT E'\\xd5\\xc5\\xce\\xb0\\x81\\x5c'::text AS name;";
    client(psql(server.address, "postgres", "raw"), raw);
    let value = |name: &str| {
        let mut store = reader(server.address, "postgres", name);
        let listing = block_on(store.tables()).unwrap();
        let mut sink = Counted::keeping(1);
        block_on(store.full(table(&listing, "public.t"), &[], &mut sink)).unwrap();
        sink.column("name").values.remove(0)
    };
    assert_eq!(value("latin"), "Müller".as_bytes());
    assert_eq!(value("raw"), b"\xd5\xc5\xce\xb0\x81\x5c");
}

#[test]
fn a_million_rows_are_streamed_and_a_server_that_dies_is_an_error() {
    let test = "a_million_rows_are_streamed_and_a_server_that_dies_is_an_error";
    let Some(server) = started("postgres-open", test) else { return };
    let content = "CREATE TABLE many AS SELECT n AS id, '154' || lpad(n::text, 8, '0') AS phone,
        'some text that stands for a note ' || n AS note FROM generate_series(1, 1000000) n;";
    client(psql(server.address, "postgres", "lab"), content);
    let mut store = reader(server.address, "postgres", "lab");
    let listing = block_on(store.tables()).unwrap();
    let many = table(&listing, "public.many");
    let sink = measured("PostgreSQL", &mut store, many, &[], 1_000_000);
    assert_eq!(sink.column("id").sum, 1_000_000 * 1_000_001 / 2);

    // Whoever has enough ends the connection, and the next question makes a new one.
    let mut sink = Counted { limit: Some(1000), ..Counted::default() };
    let begun = Instant::now();
    block_on(store.full(many, &[], &mut sink)).unwrap();
    assert_eq!(sink.all, 1000);
    assert!(begun.elapsed() < Duration::from_secs(2) && sink.why("public.many").contains("1000 rows"));

    let process = server.processes()[0];
    let mut sink = Counted::acting(1000, move || signal(process, "-QUIT"));
    let died = block_on(store.full(many, &[], &mut sink)).unwrap_err();
    assert!(matches!(died, StoreError::Connection(_)), "{died}");
    assert!(sink.all < 1_000_000 && sink.why("public.many").contains("ended after"), "{:?}", sink.not_read);
    assert!(matches!(block_on(store.tables()), Err(StoreError::Connection(_))));
}
