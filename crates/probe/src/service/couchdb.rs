//! CouchDB, and PouchDB Server, which speaks the same: <https://docs.couchdb.org/en/stable/api/server/common.html>.
//!
//! A server that was given no administrator makes one of everybody ("admin party"), and `_session` says so. With an
//! administrator, the list of databases may still be public, and each database says who reads it. So databases of the
//! list are asked for their numbers, which needs the right to read them and returns no document. This takes their names,
//! which no decision table could use; they are not kept.

use model::{Proof, Proven, Surface, Verdict, looks_like_ransom_note};
use net::http::{Response, percent_encode};
use net::{Error, Session};
use serde_json::Value;

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Web};

/// The probe.
pub struct CouchDb;

/// Who one is, and what one may do.
const SESSION: &str = "/_session";
const LIST: &str = "/_all_dbs";
/// How many databases are asked for their numbers.
const ASKED: usize = 8;

fn is_pouchdb(root: &Response) -> bool {
    root.text_at("/express-pouchdb") == Some("Welcome!")
}

/// With `require_valid_user` even `/` is refused, but its header tells the product.
fn is_mine(root: &Response) -> bool {
    root.text_at("/couchdb") == Some("Welcome")
        || root.header("server").is_some_and(|server| server.starts_with("CouchDB/"))
        || is_pouchdb(root)
}

/// `CouchDB/3.3.3 (Erlang OTP/24)`, or the number in the body.
fn version(root: &Response) -> Option<String> {
    let header = || root.header("server")?.strip_prefix("CouchDB/")?.split(' ').next();
    root.text_at("/version").or_else(header).map(str::to_owned)
}

/// Whether strangers are administrators.
fn is_party(session: &Response) -> bool {
    let roles = session.json().and_then(|json| json.pointer("/userCtx/roles")).and_then(Value::as_array);
    session.status == 200 && roles.is_some_and(|roles| roles.iter().any(|role| role == "_admin"))
}

/// The names of a list of databases.
fn names(list: &Response) -> Option<Vec<&str>> {
    let list = list.json().filter(|_| list.status == 200)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).collect())
}

/// The path of a database. Names hold `/` and `+`, and what a server tells may hold anything.
fn path(name: &str) -> String {
    format!("/{}", percent_encode(name))
}

/// What came of asking databases for their numbers.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    readable: u64,
    refused: u64,
    documents: u64,
}

impl Asked {
    fn note(&mut self, answer: &Response) {
        match (answer.status, answer.number_at("/doc_count")) {
            (200, Some(count)) => {
                self.readable += 1;
                self.documents = self.documents.saturating_add(count);
            }
            (401 | 403, _) => self.refused += 1,
            _ => {}
        }
    }
}

fn databases(list: &Response, asked: &Asked) -> (Verdict, String) {
    match (list.status, names(list)) {
        (200, Some(_)) if asked.readable > 0 => {
            (Verdict::Open, "databases are read without a login".to_owned())
        }
        (200, Some(_)) if asked.refused > 0 => (
            Verdict::OpenPartial,
            "the names of all databases are listed; reading them is refused".to_owned(),
        ),
        (200, Some(_)) => (Verdict::OpenPartial, "the names of all databases are listed".to_owned()),
        (401 | 403, _) => (Verdict::Protected, format!("the list of databases is refused ({})", list.status)),
        (other, _) => (Verdict::Unknown, format!("the list of databases was answered with {other}")),
    }
}

/// Asks databases for their numbers. The evidence says how many answered, and keeps no name.
async fn ask(session: &mut Session, web: &mut Web, names: &[&str]) -> Result<Asked, Error> {
    let (mark, mut asked, mut last) = (session.noted(), Asked::default(), Vec::new());
    for name in names.iter().take(ASKED) {
        let answer = web.get(session, &path(name)).await?;
        asked.note(answer);
        last.clone_from(&answer.body);
    }
    if session.noted() > mark {
        session.forget(mark, |_| false);
        let told = format!("{} told their numbers, {} refused", asked.readable, asked.refused);
        session.note("GET / and the name of a database", told, &last, session.secure);
    }
    Ok(asked)
}

async fn judge(session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
    let root = web.get(session, "/").await?.clone();
    let party = is_party(web.get(session, SESSION).await?);
    let list = web.get(session, LIST).await?.clone();
    let found = names(&list);
    if found.is_some() && names(web.control(session).await?).is_some() {
        return Ok(Judgement::of(Verdict::Unknown, "answers every path alike"));
    }
    let all = found.clone().unwrap_or_default();
    // Those that begin so are the server's own: users, replications.
    let own: Vec<&str> = all.iter().copied().filter(|name| !name.starts_with('_')).collect();
    let asked = ask(session, &mut web, &own).await?;
    let (verdict, reason) = databases(&list, &asked);
    let mut judgement = Judgement {
        product: is_pouchdb(&root).then(|| "PouchDB Server".to_owned()),
        version: version(&root),
        surfaces: vec![Surface::new("databases", verdict, reason)],
        ransom_names: all.iter().filter(|name| looks_like_ransom_note(name)).count() as u64,
        ..Judgement::default()
    };
    if party {
        let reason = "there is no administrator, so everybody is one";
        judgement.surfaces.push(Surface::new("administration", Verdict::Open, reason));
    }
    let complete = asked.readable == own.len() as u64 && found.is_some();
    Ok(judgement
        .count("databases", found.map(|_| own.len() as u64))
        .count("documents", complete.then_some(asked.documents)))
}

// The answers of CouchDB itself are from its documentation; all of them come from PouchDB Server as well.
const PROVEN: &[Proven] = &[
    Proven::new(Proof::Independent, Verdict::Open, "PouchDB Server 4.2.0"),
    Proven::new(Proof::Independent, Verdict::OpenPartial, "PouchDB Server 4.2.0"),
    Proven::new(Proof::Transcript, Verdict::Open, "1.6, 2.3 and 3.3, by the documentation"),
    Proven::new(Proof::Transcript, Verdict::Protected, "3.3, by the documentation"),
];

impl Service for CouchDb {
    fn about(&self) -> About<'_> {
        About {
            id: "couchdb",
            product: "CouchDB",
            ports: &[5984, 6984],
            openings: &[Opening::Http],
            proven_on: PROVEN,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        vec!["/"]
    }

    fn recognises_web(&self, web: &Web) -> bool {
        web.known("/").is_some_and(is_mine)
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

    fn answer(status: u16, body: &str) -> Response {
        Response::from_parts(status, &BTreeMap::new(), body)
    }

    #[test]
    fn it_is_known_by_its_greeting_or_by_its_header_and_not_by_any_version() {
        let root = r#"{"couchdb":"Welcome","version":"3.3.3","git_sha":"40afbcfc7","uuid":"85fb71bf700c17267fef77535820e371","features":["access-ready","partitioned"],"vendor":{"name":"The Apache Software Foundation"}}"#;
        assert!(is_mine(&answer(200, root)));
        assert_eq!(version(&answer(200, root)).as_deref(), Some("3.3.3"));
        let headers = BTreeMap::from([("Server".to_owned(), "CouchDB/1.6.1 (Erlang OTP/17)".to_owned())]);
        let refused = r#"{"error":"unauthorized","reason":"Authentication required."}"#;
        let refused = Response::from_parts(401, &headers, refused);
        assert!(is_mine(&refused));
        assert_eq!(version(&refused).as_deref(), Some("1.6.1"));
        assert!(!is_mine(&answer(200, r#"{"version":"3.3.3","welcome":"couchdb"}"#)));
    }

    #[test]
    fn a_session_without_a_name_is_an_administrator_only_where_it_says_so() {
        let party = r#"{"ok":true,"userCtx":{"name":null,"roles":["_admin"]},"info":{}}"#;
        let stranger = r#"{"ok":true,"userCtx":{"name":null,"roles":[]},"info":{"authentication_handlers":["cookie","default"]}}"#;
        assert!(is_party(&answer(200, party)));
        assert!(!is_party(&answer(200, stranger)));
        assert!(!is_party(&answer(401, party)));
        assert!(!is_party(&answer(200, r#"{"roles":"_admin"}"#)));
    }

    fn verdict(list: &Response, answers: &[Response]) -> Verdict {
        let mut asked = Asked::default();
        answers.iter().for_each(|answer| asked.note(answer));
        databases(list, &asked).0
    }

    #[test]
    fn a_listed_database_is_open_only_when_its_numbers_are_told() {
        let list = answer(200, r#"["_users","lab"]"#);
        let numbers = answer(200, r#"{"db_name":"lab","doc_count":3,"doc_del_count":0}"#);
        let refused =
            answer(401, r#"{"error":"unauthorized","reason":"You are not authorized to access this db."}"#);
        assert_eq!(verdict(&list, &[numbers]), Verdict::Open);
        assert_eq!(verdict(&list, &[refused]), Verdict::OpenPartial);
        assert_eq!(verdict(&list, &[answer(200, "<html>")]), Verdict::OpenPartial);
        assert_eq!(verdict(&list, &[]), Verdict::OpenPartial);
    }

    #[test]
    fn a_refused_list_is_protected_and_an_error_page_is_neither() {
        let refused = answer(401, r#"{"error":"unauthorized","reason":"You are not a server admin."}"#);
        assert_eq!(verdict(&refused, &[]), Verdict::Protected);
        assert_eq!(verdict(&answer(200, "<html>not found</html>"), &[]), Verdict::Unknown);
        assert_eq!(verdict(&answer(200, r#"{"error":"x"}"#), &[]), Verdict::Unknown);
        assert_eq!(verdict(&answer(404, ""), &[]), Verdict::Unknown);
    }

    #[test]
    fn a_name_cannot_lead_to_another_path() {
        assert_eq!(path("a/b+c"), "/a%2Fb%2Bc");
        assert_eq!(path("a?x=1 HTTP/1.1\r\nX: y"), "/a%3Fx%3D1%20HTTP%2F1.1%0D%0AX%3A%20y");
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read_without_panic(status: u16, body: String) {
            let answer = answer(status, &body);
            let mut asked = Asked::default();
            asked.note(&answer);
            let _ = (is_mine(&answer), version(&answer), is_party(&answer), databases(&answer, &asked));
        }
    }
}
