//! Elasticsearch 2.4, 5.6, 6.8, 7.17, 8.7 and OpenSearch 2.19.

use discover::store::elasticsearch::Elasticsearch;
use discover::store::login;

use super::*;

fn reader(url: &str) -> Elasticsearch {
    let (login, key) = login::elasticsearch::login(&Target::parse(url).unwrap(), &nobody()).unwrap();
    Elasticsearch::new(gate(), login, key)
}

fn open(address: SocketAddr) -> Elasticsearch {
    reader(&format!("elasticsearch+http://{address}"))
}

fn request(address: SocketAddr, head: &str, body: &str) -> String {
    request_as(address, "", head, body)
}

fn request_as(address: SocketAddr, login: &str, head: &str, body: &str) -> String {
    let login = if login.is_empty() { String::new() } else { format!("Authorization: Basic {login}\r\n") };
    let text = format!(
        "{head} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         {login}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = String::from_utf8_lossy(&talk(address, text.as_bytes())).into_owned();
    assert!(answer.starts_with("HTTP/1.1 2"), "{head}: {}", answer.chars().take(600).collect::<String>());
    answer
}

/// Puts people into an index. Up to 6 a document has a type.
fn fill(address: SocketAddr, typed: bool, login: &str) {
    let below = if typed { "/people/person" } else { "/people" };
    for first in (0..PEOPLE).step_by(5000) {
        let mut body = String::new();
        for n in first..first + 5000 {
            body.push_str(&format!("{{\"index\":{{\"_id\":\"{}\"}}}}\n", mobile(n)));
            body.push_str(&format!(
                "{{\"no\":{n},\"name\":\"张伟\",\"person\":{{\"phones\":[{{\"number\":{}}}],\"mail\":\"p{n}@example.com\"}}}}\n",
                mobile(n)
            ));
        }
        request_as(address, login, &format!("POST {below}/_bulk"), &body);
    }
    request_as(address, login, "POST /people/_refresh", "");
}

fn is_read(store: &mut Elasticsearch, state: &str) {
    let found = listing(store);
    let people = table(&found, "people");
    assert_eq!((people.rows, people.exact), (Some(PEOPLE), false), "{state}");
    let all = full(store, people, &["no", "person.phones[].number"]);
    is_complete(&all.numbers("no"));
    assert_eq!(all.names(), BTreeSet::from(["no", "person.phones[].number"]), "{state}");
    assert_eq!(
        (all.part().choice, all.told_rows.as_slice()),
        (Choice::Everything, [PEOPLE].as_slice()),
        "{state}"
    );
    assert!(all.not_read.is_empty(), "{state} {:?}", all.not_read);
    let some = sampled(store, people, 2500, 7);
    is_spread(&some.numbers("no"), 2500);
    assert_eq!((some.part().choice, some.part().rows), (Choice::Uniform, Some(PEOPLE)), "{state}");
    let names = BTreeSet::from(["_id", "name", "no", "person.mail", "person.phones[].number"]);
    assert_eq!(some.names(), names, "{state}");
    let set = |kept: &Kept| kept.numbers("no").into_iter().collect::<BTreeSet<_>>();
    assert_eq!(set(&sampled(store, people, 2500, 7)), set(&some), "{state}: the same seed");
    assert_ne!(set(&sampled(store, people, 2500, 8)), set(&some), "{state}: another seed");
    let whole = sampled(store, people, PEOPLE, 7);
    assert_eq!(whole.part().choice, Choice::Everything, "{state}");
    is_complete(&whole.numbers("no"));
}

#[test]
fn every_version_is_read() {
    for (state, typed) in [
        ("elasticsearch2-open", true),
        ("elasticsearch5-open", true),
        ("elasticsearch6-open", true),
        ("elasticsearch7-open", false),
        ("elasticsearch8-open", false),
        ("opensearch2-open", false),
    ] {
        let server = started(state);
        fill(server.address, typed, "");
        eprintln!("{state}");
        is_read(&mut open(server.address), state);
        // What the cluster keeps for a scroll is memory: none is left behind.
        let stats = request(server.address, "GET /_nodes/stats/indices?filter_path=**.open_contexts", "");
        assert!(stats.contains("\"open_contexts\":0"), "{state} {stats}");
    }
}

#[test]
fn a_login_is_demanded_refused_and_taken() {
    let server = started("elasticsearch6-protected");
    let address = server.address;
    fill(address, true, "YWRtaW46YWRtaW4tc2VjcmV0");
    for credentials in ["", "admin:wrong@"] {
        let denied = block_on(reader(&format!("elasticsearch+http://{credentials}{address}")).tables());
        assert!(matches!(denied, Err(StoreError::Denied(_))), "{denied:?}");
    }
    is_read(
        &mut reader(&format!("elasticsearch+http://admin:admin-secret@{address}")),
        "elasticsearch6-protected",
    );
    let named = |names: &str| {
        block_on(reader(&format!("elasticsearch+http://admin:admin-secret@{address}/{names}")).tables())
    };
    assert!(named("people,nothing").is_err(), "one of the names is unknown");
    assert_eq!(named("peo*").unwrap().tables.len(), 1);

    let guest = started("elasticsearch6-guest");
    let denied = block_on(open(guest.address).tables());
    assert!(matches!(denied, Err(StoreError::Denied(_))), "{denied:?}");
}

#[test]
fn tls_is_spoken_and_believed_when_it_should_be() {
    let server = started("opensearch2-protected");
    let (port, authority) = (server.address.port(), server.data().join("ca.pem"));
    let system = block_on(reader(&format!("elasticsearch+https://admin:admin@127.0.0.1:{port}")).tables());
    assert!(matches!(system, Err(StoreError::Connection(_))), "{system:?}");
    let with = |credentials: &str| {
        reader(&format!(
            "elasticsearch+https://{credentials}@127.0.0.1:{port}/?ca_file={}",
            authority.display()
        ))
    };
    let denied = block_on(with("admin:wrong").tables());
    assert!(matches!(denied, Err(StoreError::Denied(_))), "{denied:?}");
    let found = listing(&mut with("admin:admin"));
    assert!(found.not_read.iter().all(|missing| missing.by_design), "{found:?}");
}

#[test]
fn what_goes_away_in_the_middle_is_an_error() {
    let server = started("elasticsearch8-open");
    let address = server.address;
    fill(address, false, "");
    request(address, "PUT /closed", "");
    request(address, "POST /closed/_close", "");
    request(address, "PUT /nested", r#"{"mappings":{"_source":{"enabled":false}}}"#);
    request(address, "PUT /nested/_doc/1?refresh=true", r#"{"a":"b"}"#);
    let mut store = open(address);
    let found = listing(&mut store);
    assert!(found.not_read.iter().any(|missing| missing.location == "closed" && !missing.by_design));
    let without = full(&mut store, table(&found, "nested"), &[]);
    assert!(without.why()[0].contains("without their content"), "{:?}", without.not_read);

    let mut kept = Kept { limit: Some(1500), ..Kept::default() };
    full_into(&mut store, table(&found, "people"), &[], &mut kept).unwrap();
    assert_eq!((kept.rows.len(), kept.told_rows.len()), (1500, 0));
    assert_eq!(kept.why(), ["reading was stopped after 1500 of 20000 documents"]);

    let delete = move || drop(request(address, "DELETE /people", ""));
    let mut kept = Kept { at: Some((1500, Box::new(delete))), ..Kept::default() };
    let read = full_into(&mut store, table(&found, "people"), &[], &mut kept);
    assert!(matches!(read, Err(StoreError::Answer(_))), "{read:?}");
    assert!((1500..20_000).contains(&kept.rows.len()) && kept.told_rows.is_empty());

    fill(address, false, "");
    let mut kept = Kept { at: Some((1500, killer(&server))), ..Kept::default() };
    let read = full_into(&mut store, table(&found, "people"), &[], &mut kept);
    assert!(matches!(read, Err(StoreError::Connection(_))), "{read:?}");
    assert!((1500..20_000).contains(&kept.rows.len()));
}
