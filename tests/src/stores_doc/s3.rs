//! MinIO, and scripted answers for what it does not do.

use std::io::Read;

use discover::store::login;
use discover::store::s3::{Budget, Contents, S3};
use testkit::emulator::http::{self, Reply, Request};
use testkit::real::signed_put;

use super::*;

const KEY: (&str, &str) = ("labroot", "labsecret123");

fn put(address: SocketAddr, path: &str, body: &[u8]) {
    let answer = talk(address, &signed_put(address, KEY, path, "", body));
    assert!(answer.starts_with(b"HTTP/1.1 2"), "{path}: {}", String::from_utf8_lossy(&answer));
}

/// Takes an object's bytes as a text, in pieces.
fn as_text() -> Contents {
    Arc::new(|name, input: &mut dyn Read, sink: &mut dyn Sink| {
        let mut buffer = vec![0; 100_000];
        let place = Place { file: name, line: 1, commit: None, present: None, as_rows: false };
        // The reader of files tells what breaks off, too.
        while let Ok(count @ 1..) = input.read(&mut buffer) {
            sink.text(&place, &buffer[..count]);
        }
    })
}

fn reader_with(
    target: &str,
    key: Option<(&'static str, &'static str)>,
    budget: Budget,
    contents: Contents,
) -> S3 {
    let variables = move |name: &str| match (name, key) {
        ("AWS_ACCESS_KEY_ID" | "OSS_ACCESS_KEY_ID", Some((id, _))) => Some(id.to_owned()),
        ("AWS_SECRET_ACCESS_KEY" | "OSS_ACCESS_KEY_SECRET", Some((_, secret))) => Some(secret.to_owned()),
        _ => None,
    };
    let found =
        login::s3::login(&Target::parse(target).unwrap(), &Environment::new(variables, None)).unwrap();
    S3::new(gate(), found.login, found.bucket, found.key, found.region, budget, contents)
}

fn reader(address: SocketAddr, bucket: &str, key: Option<(&'static str, &'static str)>) -> S3 {
    reader_with(&format!("s3://{bucket}?endpoint=http://{address}"), key, Budget::default(), as_text())
}

fn lines(kept: &Kept) -> usize {
    kept.texts.values().map(|text| text.iter().filter(|byte| **byte == b'\n').count()).sum()
}

fn names(listing: &Listing) -> Vec<&str> {
    listing.tables.iter().map(|table| table.location.as_str()).collect()
}

#[test]
fn a_bucket_is_listed_sampled_and_read_as_a_whole() {
    let server = started("minio-protected");
    let address = server.address;
    put(address, "/people", b"");
    for file in 0..40 {
        let rows: String =
            (0..500).map(|n| format!("{},{}\n", file * 500 + n, mobile(file * 500 + n))).collect();
        put(address, &format!("/people/exports/people-{file}.csv"), rows.as_bytes());
    }
    for file in 0..1100 {
        put(address, &format!("/people/logs/{file}.log"), b"a line\n");
    }
    put(address, "/people/a%20b%2B%C3%B6%3F%26.txt", b"odd\n");
    put(address, "/people/big/big.csv", "x\n".repeat(1 << 20).as_bytes());
    put(address, "/people/big/big.zip", &vec![0; 2 << 20]);
    put(address, "/people/folder/", b"");

    let mut store = reader(address, "people", Some(KEY));
    let found = listing(&mut store);
    assert_eq!(names(&found), ["(top)", "big/", "exports/", "logs/"]);
    assert!(found.not_read.is_empty());
    let all = full(&mut store, table(&found, "exports/"), &[]);
    assert_eq!((all.texts.len(), lines(&all) as u64), (40, PEOPLE));
    let numbers: Vec<u64> = all
        .texts
        .values()
        .flat_map(|text| {
            let text = String::from_utf8(text.clone()).unwrap();
            text.lines().map(|line| line.split(',').next().unwrap().parse().unwrap()).collect::<Vec<_>>()
        })
        .collect();
    is_complete(&numbers);
    let logs = full(&mut store, table(&found, "logs/"), &[]);
    assert_eq!((logs.texts.len(), lines(&logs)), (1100, 1100));
    let top = full(&mut store, table(&found, "(top)"), &[]);
    assert_eq!(top.texts.keys().collect::<Vec<_>>(), ["a b+ö?&.txt"]);
    sampling(address, &found);
}

fn sampling(address: SocketAddr, found: &Listing) {
    let with = |bytes, objects| {
        let target = format!("s3://people?endpoint=http://{address}");
        let mut store = reader_with(&target, Some(KEY), Budget { bytes, objects }, as_text());
        assert_eq!(names(&listing(&mut store)), names(found));
        store
    };
    let mut store = with(1 << 20, 5);
    let some = sampled(&mut store, table(found, "exports/"), 100, 7);
    let chosen = |kept: &Kept| kept.texts.keys().cloned().collect::<Vec<_>>();
    assert_eq!(some.texts.len(), 5);
    assert!(
        some.why()[0].starts_with("35 of 40 objects") && some.not_read[0].by_design,
        "{:?}",
        some.not_read
    );
    assert_eq!(chosen(&sampled(&mut store, table(found, "exports/"), 100, 7)), chosen(&some));
    assert_ne!(chosen(&sampled(&mut store, table(found, "exports/"), 100, 8)), chosen(&some));
    // Of a text its beginning is something, of an archive nothing.
    let big = sampled(&mut store, table(found, "big/"), 100, 7);
    assert_eq!((chosen(&big), big.texts["big/big.csv"].len()), (vec!["big/big.csv".to_owned()], 1 << 20));
    let why = big.why();
    assert!(
        why[0].starts_with("read up to byte 1048576 of 2097152") && why[1].starts_with("1 of 2 objects"),
        "{why:?}"
    );
    // The connection on which the rest was still to come is not used again.
    let big = sampled(&mut with(8 << 20, 5), table(found, "big/"), 100, 7);
    assert_eq!((big.texts.len(), big.not_read.len()), (2, 0));
    let mut stopped = AlwaysStops::default();
    block_on(store.full(table(found, "exports/"), &[], &mut stopped)).unwrap();
    assert_eq!(stopped.0, ["reading was stopped: what comes after by name was not read"]);
}

/// A sink that wants nothing.
#[derive(Default)]
struct AlwaysStops(Vec<String>);

impl Sink for AlwaysStops {
    fn part(&mut self, _: Part) -> PartId {
        panic!("nothing is wanted")
    }
    fn column(&mut self, _: PartId, _: &str) -> ColumnId {
        panic!("nothing is wanted")
    }
    fn row(&mut self, _: PartId, _: &[Cell<'_>]) {}
    fn rows(&mut self, _: PartId, _: u64) {}
    fn text(&mut self, _: &Place<'_>, _: &[u8]) {
        panic!("nothing is wanted")
    }
    fn not_read(&mut self, missing: NotRead) {
        self.0.push(missing.why);
    }
    fn stop(&self) -> bool {
        true
    }
}

#[test]
fn a_key_is_demanded_refused_and_taken_and_strangers_read_what_is_public() {
    let server = started("minio-open");
    let address = server.address;
    let of = |bucket: &str, key| block_on(reader(address, bucket, key).tables());
    for (bucket, key) in [("private", None), ("public", None), ("private", Some(("labroot", "wrong-secret")))]
    {
        let denied = of(bucket, key);
        assert!(matches!(denied, Err(StoreError::Denied(_))), "{bucket} {denied:?}");
    }
    let none = of("nothing", Some(KEY));
    assert!(matches!(none, Err(StoreError::Answer(_))), "{none:?}");
    for (bucket, key) in [("public-list", None), ("private", Some(KEY))] {
        let mut store = reader(address, bucket, key);
        let found = listing(&mut store);
        let all = full(&mut store, table(&found, "(top)"), &[]);
        assert_eq!(all.texts["o.txt"], b"hello\n", "{bucket}");
    }
    put(address, "/private/big.txt", &vec![b'x'; 64 << 20]);
    let kill = std::sync::Mutex::new(killer(&server));
    let contents: Contents = Arc::new(move |name, input: &mut dyn Read, sink: &mut dyn Sink| {
        if name == "big.txt" {
            input.read_exact(&mut [0; 1000]).unwrap();
            (kill.lock().unwrap())();
        }
        as_text()(name, input, sink);
    });
    let target = format!("s3://private?endpoint=http://{address}");
    let mut store = reader_with(&target, Some(KEY), Budget::default(), contents);
    let found = listing(&mut store);
    let mut kept = Kept::default();
    let read = full_into(&mut store, table(&found, "(top)"), &[], &mut kept);
    assert!(matches!(read, Err(StoreError::Connection(_))), "{read:?}");
}

fn page(inner: &str) -> Reply {
    Reply::new(200, "application/xml", format!("<ListBucketResult>{inner}</ListBucketResult>"))
}

fn failure(status: u16, code: &str, more: &str) -> Reply {
    Reply::new(
        status,
        "application/xml",
        format!("<Error><Code>{code}</Code><Message>m</Message>{more}</Error>"),
    )
}

fn object(key: &str, class: &str) -> String {
    format!("<Contents><Key>{key}</Key><Size>3</Size><StorageClass>{class}</StorageClass></Contents>")
}

/// Version 1 of the listing, archives, keys of the client's own, and objects that are gone.
fn strange(request: &Request) -> Reply {
    let path = request.target.split('?').next().unwrap();
    match (path, request.query("marker")) {
        ("/old/", None) => page(&format!(
            "<IsTruncated>true</IsTruncated>{}{}",
            object("a/1", "GLACIER"),
            object("a/2", "STANDARD")
        )),
        ("/old/", Some("a/2")) => {
            page(&format!("<IsTruncated>true</IsTruncated>{}", object("a/3", "STANDARD")))
        }
        ("/old/", Some(_)) => page(&format!("<IsTruncated>false</IsTruncated>{}", object("a/4", "STANDARD"))),
        ("/old/a/2", _) => {
            failure(400, "InvalidRequest", "<Message>stored using a form of Server Side Encryption</Message>")
        }
        ("/old/a/3", _) => failure(403, "InvalidObjectState", ""),
        ("/old/a/4", _) => Reply::new(200, "text/plain", "abc"),
        ("/endless/", _) => page(&format!("<IsTruncated>true</IsTruncated>{}", object("a", "STANDARD"))),
        ("/moved/", _) => {
            failure(301, "PermanentRedirect", "<Endpoint>moved.s3.eu-west-1.amazonaws.com</Endpoint>")
        }
        ("/other/", _) => failure(307, "TemporaryRedirect", "").with("location", "http://169.254.169.254/x"),
        ("/region/", _) => match request.header("authorization") {
            Some(login) if login.contains("/eu-west-1/s3/") => page("<IsTruncated>false</IsTruncated>"),
            _ => failure(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
        },
        ("/half/", _) => Reply::new(200, "application/xml", "<ListBucketResult><Contents>"),
        _ => failure(404, "NoSuchBucket", ""),
    }
}

#[test]
fn strange_answers_are_told_and_no_hop_is_taken() {
    let store = http::start(|_, request| strange(request)).unwrap();
    let of = |bucket: &str| reader(store.address, bucket, Some(KEY));
    let mut old = of("old");
    let found = listing(&mut old);
    assert_eq!(names(&found), ["a/"]);
    assert_eq!(found.not_read[0].why, "1 objects are archived (GLACIER): restore them to have them read");
    let kept = full(&mut old, table(&found, "a/"), &[]);
    assert_eq!(kept.texts.keys().collect::<Vec<_>>(), ["a/4"]);
    let why = kept.why();
    assert!(
        why[0].starts_with("it is encrypted with a key") && why[1].starts_with("it is archived"),
        "{why:?}"
    );
    for (bucket, part) in [
        ("endless", "does not come to an end"),
        ("moved", "is at moved.s3.eu-west-1.amazonaws.com, which is not followed"),
        ("other", "is at http://169.254.169.254/x, which is not followed"),
        ("half", "cannot be understood"),
        ("nothing", "there is no such bucket"),
    ] {
        match block_on(of(bucket).tables()) {
            Err(StoreError::Answer(why)) => assert!(why.contains(part), "{bucket}: {why}"),
            other => panic!("{bucket}: {other:?}"),
        }
    }
    assert!(listing(&mut of("region")).tables.is_empty());
    assert!(store.requests().iter().all(|request| request.starts_with("GET ")), "{:?}", store.requests());
}

#[test]
fn oss_is_asked_with_its_own_signatures() {
    let store = http::start(|_, request| {
        let login = request.header("authorization").unwrap_or_default();
        let v4 = login.starts_with("OSS4-HMAC-SHA256 Credential=labroot/")
            && request.header("x-oss-date").is_some();
        let v1 = login.starts_with("OSS labroot:") && request.header("date").is_some();
        match v4 || v1 {
            true => page("<IsTruncated>false</IsTruncated>"),
            false => failure(403, "AccessDenied", ""),
        }
    })
    .unwrap();
    for region in ["", "&region=cn-beijing"] {
        let target = format!("oss://archive?endpoint=http://{}{region}", store.address);
        let mut store = reader_with(&target, Some(KEY), Budget::default(), as_text());
        assert!(listing(&mut store).tables.is_empty());
    }
}
