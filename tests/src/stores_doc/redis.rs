//! Redis 7.0 and Valkey.

use std::process::Child;

use discover::store::login;
use discover::store::redis::Redis;

use super::*;

fn reader(address: SocketAddr, credentials: &str, database: &str) -> Redis {
    let target = Target::parse(&format!("redis://{credentials}{address}{database}")).unwrap();
    Redis::new(gate(), login::redis::login(&target, &nobody()).unwrap())
}

/// Commands as a client sends them.
#[derive(Default)]
struct Script(Vec<u8>);

impl Script {
    fn say(&mut self, words: &[&str]) {
        self.0.extend(format!("*{}\r\n", words.len()).into_bytes());
        for word in words {
            self.0.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
        }
    }

    fn run(mut self, address: SocketAddr) {
        self.say(&["QUIT"]);
        let heard = talk(address, &self.0);
        let lines = heard.split(|byte| *byte == b'\n');
        let errors: Vec<_> = lines.filter(|line| line.starts_with(b"-")).collect();
        assert!(errors.is_empty(), "{}", String::from_utf8_lossy(errors[0]));
    }
}

fn people(script: &mut Script) {
    for n in 0..PEOPLE {
        let (key, number) = (format!("user:{n}"), n.to_string());
        script.say(&["HSET", &key, "no", &number, "name", "张伟", "phone", &mobile(n)]);
    }
}

fn content() -> Script {
    let mut script = Script::default();
    people(&mut script);
    for n in 0..600_u64 {
        let json = format!(r#"{{"no":{n},"person":{{"phones":[{{"number":{}}}]}}}}"#, mobile(n));
        script.say(&["SET", &format!("sess:{:032x}", u128::from(n) * 0x9e37_79b9_7f4a_7c15), &json]);
        script.say(&["RPUSH", "queue:mail", &format!("p{n}@example.com")]);
        script.say(&["SADD", "phones", &mobile(n)]);
        script.say(&["ZADD", "board", &n.to_string(), &mobile(n)]);
        script.say(&["XADD", "events", "*", "no", &n.to_string(), "phone", &mobile(n)]);
        script.say(&["HSET", "accounts", &mobile(n), &format!(r#"{{"no":{n}}}"#)]);
    }
    script.say(&["SET", "blob:1", &"x".repeat(6 << 20)]);
    script.say(&["HSET", "big:1", "name", "n", "photo", &"y".repeat(5 << 20)]);
    script.say(&["SET", "text:1", "{not json"]);
    script.say(&["SELECT", "3"]);
    script.say(&["SET", "other:1", "in database 3"]);
    script
}

#[test]
fn every_kind_of_key_is_read() {
    let server = started("redis-open");
    content().run(server.address);
    let mut store = reader(server.address, "", "");
    let found = listing(&mut store);
    let names: Vec<_> = found.tables.iter().map(|table| (table.location.as_str(), table.rows)).collect();
    let right = [
        ("db0/accounts", Some(1)),
        ("db0/big:*", Some(1)),
        ("db0/blob:*", Some(1)),
        ("db0/board", Some(1)),
        ("db0/events", Some(1)),
        ("db0/lab:*", Some(3)),
        ("db0/phones", Some(1)),
        ("db0/queue:*", Some(1)),
        ("db0/sess:*", Some(600)),
        ("db0/text:*", Some(1)),
        ("db0/user:*", Some(PEOPLE)),
        ("db3/other:*", Some(1)),
    ];
    assert_eq!(names, right);
    assert!(found.tables.iter().all(|table| table.exact) && found.not_read.is_empty());

    let users = table(&found, "db0/user:*");
    let all = full(&mut store, users, &[]);
    is_complete(&all.numbers("no"));
    assert_eq!(all.names(), BTreeSet::from(["(key)", "name", "no", "phone"]));
    assert_eq!((all.part().choice, all.told_rows.as_slice()), (Choice::Everything, [PEOPLE].as_slice()));
    let phones = full(&mut store, users, &["phone"]);
    assert_eq!((phones.names(), phones.rows.len() as u64), (BTreeSet::from(["phone"]), PEOPLE));
    let keys = full(&mut store, users, &["(key)"]);
    assert_eq!(keys.values("(key)").iter().collect::<BTreeSet<_>>().len() as u64, PEOPLE);

    let some = sampled(&mut store, users, 1000, 7);
    is_spread(&some.numbers("no"), 1000);
    assert_eq!((some.part().choice, some.part().rows), (Choice::Uniform, Some(PEOPLE)));
    assert_eq!(sampled(&mut store, users, 1000, 7).rows, some.rows);
    assert_ne!(sampled(&mut store, users, 1000, 8).rows, some.rows);

    let sessions = sampled(&mut store, table(&found, "db0/sess:*"), 10_000, 1);
    assert_eq!((sessions.part().choice, sessions.rows.len()), (Choice::Everything, 600));
    assert_eq!(sessions.names(), BTreeSet::from(["(key)", "no", "person.phones[].number"]));
    let other = sampled(&mut store, table(&found, "db3/other:*"), 10, 1);
    assert_eq!(other.values("(value)"), ["in database 3"]);
    let text = sampled(&mut store, table(&found, "db0/text:*"), 10, 1);
    assert_eq!(text.values("(value)"), ["{not json"]);
    containers(&mut store, &found);
    big_values(&mut store, &found);
}

fn containers(store: &mut Redis, found: &Listing) {
    for (name, columns) in [
        ("db0/queue:*", &["(key)", "(value)"][..]),
        ("db0/phones", &["(key)", "(value)"]),
        ("db0/board", &["(key)", "(value)", "(score)"]),
        ("db0/events", &["(key)", "no", "phone"]),
        ("db0/accounts", &["(key)", "(field)", "no"]),
    ] {
        let table = table(found, name);
        for kept in [full(store, table, &[]), sampled(store, table, 10_000, 1)] {
            assert_eq!((kept.rows.len(), kept.part().choice), (600, Choice::Everything), "{name}");
            assert_eq!(kept.names(), columns.iter().copied().collect(), "{name}");
            assert!(kept.not_read.is_empty(), "{name} {:?}", kept.not_read);
        }
        let some = sampled(store, table, 50, 1);
        let part = some.part();
        assert_eq!((part.choice, part.rows), (Choice::PageClustered, Some(600)), "{name}");
        assert!((50..600).contains(&some.rows.len()) || name == "db0/accounts", "{name} {}", some.rows.len());
        assert!(some.not_read.iter().all(|missing| missing.by_design), "{name} {:?}", some.not_read);
    }
}

fn big_values(store: &mut Redis, found: &Listing) {
    let blob = full(store, table(found, "db0/blob:*"), &[]);
    assert_eq!((blob.rows.len(), blob.longest), (1, 1 << 20));
    assert!(blob.why()[0].contains("longer than 1 MiB"), "{:?}", blob.not_read);
    let big = full(store, table(found, "db0/big:*"), &[]);
    assert_eq!(big.values("name"), ["n"]);
    assert_eq!(big.why(), ["1 values are longer than 4 MiB"]);
}

#[test]
fn a_login_is_demanded_refused_and_taken() {
    let server = started("redis-protected");
    let of = |credentials: &str| block_on(reader(server.address, credentials, "").tables());
    for (credentials, part) in
        [("", "REDISCLI_AUTH"), (":wrong@", "refused"), ("limited:limited-secret@", "SCAN")]
    {
        match of(credentials) {
            Err(StoreError::Denied(why)) => assert!(why.contains(part), "{why}"),
            // Who may not ask how many databases there are may not walk through the first, either.
            other => panic!("{credentials} {other:?}"),
        }
    }
    assert!(of(":lab-secret@").unwrap().tables.is_empty());
    let mut script = Script::default();
    script.say(&["AUTH", "lab-secret"]);
    script.say(&[
        "ACL",
        "SETUSER",
        "reader",
        "on",
        ">reader-secret",
        "~user:*",
        "+@read",
        "+select",
        "-hscan",
    ]);
    people(&mut script);
    script.say(&["SET", "secret:1", "x"]);
    script.run(server.address);
    let mut store = reader(server.address, "reader:reader-secret@", "/0");
    let found = listing(&mut store);
    let kept = sampled(&mut store, table(&found, "db0/user:*"), 100, 1);
    assert!(kept.rows.is_empty());
    assert_eq!(kept.why(), ["100 keys: HSCAN is refused (NOPERM)"]);
    let kept = sampled(&mut store, table(&found, "db0/secret:*"), 100, 1);
    assert_eq!(kept.why(), ["1 keys: TYPE is refused (NOPERM)"]);
}

#[test]
fn a_server_that_dies_in_the_middle_is_an_error() {
    let server = started("redis-open");
    let mut script = Script::default();
    people(&mut script);
    script.run(server.address);
    let mut store = reader(server.address, "", "/0");
    let found = listing(&mut store);
    let mut kept = Kept { at: Some((2000, killer(&server))), ..Kept::default() };
    let read = full_into(&mut store, table(&found, "db0/user:*"), &[], &mut kept);
    assert!(matches!(read, Err(StoreError::Connection(_))), "{read:?}");
    assert!(kept.rows.len() >= 2000 && kept.told_rows.is_empty());
    assert!(matches!(block_on(store.tables()), Err(StoreError::Connection(_))));
}

#[test]
fn valkey_is_read_and_a_run_that_stops_says_so() {
    let server = started("valkey-open");
    let mut script = Script::default();
    people(&mut script);
    script.run(server.address);
    let mut store = reader(server.address, "", "");
    let found = listing(&mut store);
    let mut kept = Kept { limit: Some(500), ..Kept::default() };
    full_into(&mut store, table(&found, "db0/user:*"), &[], &mut kept).unwrap();
    assert_eq!((kept.rows.len(), kept.told_rows.len()), (500, 0));
    assert_eq!(kept.why(), ["reading was stopped after 500 rows"]);
}

/// Two nodes of a cluster, each with half of the slots.
fn cluster() -> (Vec<Child>, [SocketAddr; 2], tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // The port of the cluster's own bus is 10000 higher.
    let addresses = [(); 2].map(|()| {
        loop {
            let address = free();
            if address.port() < 55_000 {
                break address;
            }
        }
    });
    let children = addresses.map(|address| {
        let home = folder.path().join(address.port().to_string());
        std::fs::create_dir(&home).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "redis-server", "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--cluster-enabled", "yes", "--port", &address.port().to_string()]);
        command.arg("--dir").arg(home).stdout(std::process::Stdio::null());
        command.spawn().unwrap()
    });
    for (address, slots) in addresses.iter().zip([["0", "8191"], ["8192", "16383"]]) {
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "redis-server comes up");
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut script = Script::default();
        script.say(&["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]]);
        script.run(*address);
    }
    let mut script = Script::default();
    script.say(&["CLUSTER", "MEET", "127.0.0.1", &addresses[1].port().to_string()]);
    script.run(addresses[0]);
    let until = Instant::now() + Duration::from_secs(30);
    while addresses.iter().any(|address| {
        !String::from_utf8_lossy(&talk(*address, b"CLUSTER INFO\r\nQUIT\r\n")).contains("cluster_state:ok")
    }) {
        assert!(Instant::now() < until, "the cluster comes up");
        std::thread::sleep(Duration::from_millis(100));
    }
    (children.into(), addresses, folder)
}

#[test]
fn a_node_of_a_cluster_names_the_others_and_none_is_dialled() {
    let (mut children, addresses, _folder) = cluster();
    let mut sums = 0;
    for n in 0..1000 {
        // One of the two takes it.
        for address in addresses {
            let heard = talk(address, format!("SET user:{n} x\r\nQUIT\r\n").as_bytes());
            assert!(heard.starts_with(b"+OK") || heard.starts_with(b"-MOVED"));
        }
    }
    for (address, other) in [(addresses[0], addresses[1]), (addresses[1], addresses[0])] {
        let mut store = reader(address, "", "");
        let found = listing(&mut store);
        let told: Vec<_> = found.not_read.iter().map(|missing| missing.location.clone()).collect();
        assert_eq!(told, [other.to_string()]);
        assert!(found.not_read[0].why.contains("name it as a target") && !found.not_read[0].by_design);
        sums += full(&mut store, table(&found, "db0/user:*"), &[]).rows.len();
    }
    assert_eq!(sums, 1000);
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
