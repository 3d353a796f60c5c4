//! Redis Commander, and the Redis servers behind it: <https://github.com/joeferner/redis-commander>.
//!
//! Its page is shown to everyone, with and without `--http-auth-username`; only its API asks for a token. `server/info`
//! relays INFO of every server it is connected to: that proves the pivot, and tells how many keys there are without a
//! name. A server that it cannot read is listed as `disabled`; whether it refuses or is down is not told.

use model::html::Page;
use model::{Proof, Proven, Surface, Verdict};
use net::http::Response;
use net::{Error, Session};
use serde_json::Value;

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Web};

/// The probe.
pub struct RedisCommander;

const TITLE: &str = "Redis Commander: Home";
const INFO: &str = "/apiv1/server/info";
const CONNECTIONS: &str = "/connections";

/// What its API says.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stores {
    /// INFO came back from this many, with this many keys in them; the rest are unavailable.
    Told {
        relayed: u64,
        keys: u64,
        unavailable: u64,
    },
    Login,
    Undecided,
}

fn is_home(answer: &Response) -> bool {
    answer.status == 200 && Page::read(&answer.body).title.as_deref() == Some(TITLE)
}

/// The keys in INFO's last section, which comes as a list: `{"key":"Db0","value":"keys=1,expires=0,avg_ttl=0"}`.
/// `None`: these are not the lines of INFO.
fn keys(info: &Value) -> Option<u64> {
    let lines = info.as_array()?;
    let text = |line: &Value, name: &str| line.get(name).and_then(Value::as_str).map(str::to_ascii_lowercase);
    lines.iter().find(|line| text(line, "key").as_deref() == Some("redis version"))?;
    let count = |line: &Value| -> Option<u64> {
        let digits = text(line, "key")?.strip_prefix("db")?.to_owned();
        digits.parse::<u32>().ok()?;
        text(line, "value")?.strip_prefix("keys=")?.split(',').next()?.parse().ok()
    };
    Some(lines.iter().filter_map(count).fold(0, u64::saturating_add))
}

fn stores(answer: &Response) -> Stores {
    if matches!(answer.status, 401 | 403) {
        return Stores::Login;
    }
    let list = answer.json().and_then(|json| json.get("data")).and_then(Value::as_array);
    let Some(list) = list.filter(|_| answer.status == 200) else { return Stores::Undecided };
    let (mut relayed, mut sum) = (0, 0_u64);
    for store in list {
        let available = store.get("disabled").is_none_or(|disabled| disabled == false);
        if let Some(count) = store.get("info").filter(|_| available).and_then(keys) {
            relayed += 1;
            sum = sum.saturating_add(count);
        }
    }
    Stores::Told { relayed, keys: sum, unavailable: (list.len() as u64).saturating_sub(relayed) }
}

/// How many connections are set up, from the list that the page shows.
fn connections(answer: &Response) -> Option<u64> {
    let list = answer.json()?.get("connections")?.as_array()?;
    (answer.status == 200 && answer.json()?.get("ok") == Some(&Value::Bool(true)))
        .then_some(list.len() as u64)
}

fn judgement(stores: Stores, connections: Option<u64>) -> Judgement {
    if stores == Stores::Login {
        return Judgement::of(Verdict::Protected, "the panel demands a login");
    }
    let panel = match connections {
        Some(_) => (Verdict::OpenPartial, "the panel tells its connections without a login"),
        None => (Verdict::Unknown, "the panel's connections could not be asked for"),
    };
    let store = match stores {
        Stores::Told { relayed: 1.., .. } => {
            (Verdict::PivotOpen, "the panel relays reads of the store behind it without a login")
        }
        Stores::Told { unavailable: 1.., .. } => {
            (Verdict::Unknown, "the store behind the panel refuses it or does not answer")
        }
        Stores::Told { .. } => (Verdict::Unknown, "the panel is connected to no store"),
        Stores::Login | Stores::Undecided => (Verdict::Unknown, "the panel does not tell about its stores"),
    };
    let surfaces = vec![Surface::new("panel", panel.0, panel.1), Surface::new("store", store.0, store.1)];
    let found = Judgement { surfaces, ..Judgement::default() }.count("connections", connections);
    match stores {
        Stores::Told { relayed: 1.., keys, .. } => found.count("keys", Some(keys)),
        _ => found,
    }
}

async fn judge(session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
    let found = stores(&web.get(session, INFO).await?.clone());
    if found == Stores::Login {
        return Ok(judgement(found, None));
    }
    let relayed = matches!(found, Stores::Told { relayed: 1.., .. });
    if relayed && stores(web.control(session).await?) == found {
        return Ok(Judgement::of(Verdict::Unknown, "answers every path alike"));
    }
    let connections = connections(web.get(session, CONNECTIONS).await?);
    Ok(judgement(found, connections))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::PivotOpen, "0.9.0"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "0.9.0, before a Redis with a password"),
    Proven::new(Proof::Real, Verdict::Protected, "0.9.0 with --http-auth-username"),
];

impl Service for RedisCommander {
    fn about(&self) -> About<'_> {
        About {
            id: "redis-commander",
            product: "Redis Commander",
            ports: &[8081],
            openings: &[Opening::Http],
            proven_on: PROVEN,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        vec!["/"]
    }

    fn recognises_web(&self, web: &Web) -> bool {
        web.known("/").is_some_and(is_home)
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(session, opened.web))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response::from_parts(status, &BTreeMap::new(), body)
    }

    const LIVE: &str = r##"{"label":"local","host":"127.0.0.1","port":6379,"db":0,"info":[{"key":"# server","value":""},
        {"key":"Redis version","value":"7.0.15"},{"key":"# keyspace","value":""},
        {"key":"Db0","value":"keys=3,expires=0,avg_ttl=0"},{"key":"Db1","value":"keys=4,expires=1"}]}"##;
    const DEAD: &str =
        r#"{"label":"local","host":"127.0.0.1","port":6379,"disabled":true,"error":"Status: reconnecting"}"#;

    fn told(stores_of: &[&str]) -> Stores {
        stores(&response(200, &format!(r#"{{"data":[{}]}}"#, stores_of.join(","))))
    }

    fn verdict(stores: Stores, connections: Option<u64>) -> Verdict {
        judgement(stores, connections).worst().unwrap().verdict
    }

    #[test]
    fn info_that_is_relayed_proves_the_pivot_and_keys_are_counted() {
        let found = told(&[DEAD, LIVE]);
        assert_eq!(found, Stores::Told { relayed: 1, keys: 7, unavailable: 1 });
        let found = judgement(found, Some(2));
        assert_eq!(found.worst().unwrap().verdict, Verdict::PivotOpen);
        assert_eq!((found.counts.get("keys"), found.counts.get("connections")), (Some(&7), Some(&2)));
    }

    #[test]
    fn a_store_that_does_not_answer_the_panel_is_no_pivot() {
        assert_eq!(verdict(told(&[DEAD]), Some(1)), Verdict::OpenPartial);
        assert_eq!(verdict(told(&[]), None), Verdict::Unknown);
        assert_eq!(verdict(Stores::Undecided, None), Verdict::Unknown);
    }

    #[test]
    fn the_page_is_shown_to_everyone_and_a_missing_token_decides() {
        assert!(is_home(&response(200, "<title>Redis Commander: Home</title>")));
        assert!(!is_home(&response(200, "Redis Commander: Home")));
        let refused = stores(&response(401, "Unauthorized - Missing Token"));
        assert_eq!(verdict(refused, None), Verdict::Protected);
    }

    #[test]
    fn what_is_not_the_answer_of_info_decides_nothing() {
        for body in ["", "{\"data\":", r#"{"data":1}"#, r#"[{"key":"Redis version","value":"7"}]"#] {
            assert_eq!(stores(&response(200, body)), Stores::Undecided, "{body}");
        }
        assert_eq!(stores(&response(500, r#"{"data":[]}"#)), Stores::Undecided);
        let lines = r#"{"info":[{"key":"Db0","value":"keys=3"}]}"#;
        assert_eq!(told(&[lines]), Stores::Told { relayed: 0, keys: 0, unavailable: 1 });
        let absurd = LIVE.replace("keys=3", "keys=18446744073709551615");
        assert_eq!(told(&[&absurd]), Stores::Told { relayed: 1, keys: u64::MAX, unavailable: 0 });
        assert_eq!(connections(&response(200, r#"{"ok":false,"connections":[]}"#)), None);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read_without_panic(status: u16, body: String, key: String, value: String) {
            let _ = stores(&response(status, &body));
            let line = serde_json::json!({ "data": [{ "info": [{ "key": key, "value": value }] }] });
            let _ = stores(&response(200, &line.to_string()));
        }
    }
}
