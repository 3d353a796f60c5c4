//! mongo-express, and the MongoDB behind it: <https://github.com/mongo-express/mongo-express>.
//!
//! Its first page lists the databases, which it asks the store for anew on every request; so the page is the proof, and
//! the databases are counted and dropped. Basic authentication hides the product but for the health check, which is
//! answered to everyone; together with the words of its demand that tells who it is. `admin` and `pass` are the login that
//! comes with it.

use model::html::{Page, values_of};
use model::{Proof, Proven, Secret, Surface, Verdict};
use net::http::{Request, Response};
use net::{Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service, default_login};
use crate::{Opening, Web};

/// The probe.
pub struct MongoExpress;

/// Answered to everyone.
const HEALTH: &str = "/status";
const HOME: &str = "Home - Mongo Express";
/// The default of <https://github.com/mongo-express/mongo-express/blob/v1.0.2/README.md>.
const DEFAULT: (&str, &str) = ("admin", "pass");

fn is_home(answer: &Response) -> bool {
    answer.status == 200 && Page::read(&answer.body).title.as_deref() == Some(HOME)
}

fn has_session(answer: &Response) -> bool {
    answer.headers("set-cookie").any(|cookie| cookie.starts_with("mongo-express="))
}

/// The demand of its basic authentication, and the health check that is answered all the same.
fn is_locked(root: &Response, health: &Response) -> bool {
    root.status == 401
        && root.header("www-authenticate") == Some("Basic realm=\"Authorization Required\"")
        && root.header("x-powered-by") == Some("Express")
        && health.status == 200
        && health.header("x-powered-by") == Some("Express")
        && health.body == br#"{"status":"ok"}"#
}

/// How many databases the page links to: `<base>db/<name>/`.
fn databases(home: &Response) -> u64 {
    let mut links = values_of(&home.body, "a", "href");
    links.retain(|link| {
        let mut parts = link.strip_suffix('/').unwrap_or_default().rsplit('/');
        parts.next().is_some_and(|name| !name.is_empty()) && parts.next() == Some("db")
    });
    links.sort_unstable();
    links.dedup();
    links.len() as u64
}

fn conclude(root: &Response) -> Judgement {
    if root.status == 401 {
        return Judgement::of(Verdict::Protected, "the panel demands a login");
    }
    if !is_home(root) {
        let reason =
            format!("the panel demands no login, and its first page is answered with {}", root.status);
        return Judgement::of(Verdict::Unknown, reason);
    }
    match databases(root) {
        0 => Judgement::of(Verdict::OpenPartial, "the panel demands no login, and lists no database"),
        count => {
            Judgement::of(Verdict::PivotOpen, "the panel relays reads of the store behind it without a login")
                .count("databases", Some(count))
        }
    }
}

async fn judge(session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
    let found = conclude(&web.get(session, "/").await?.clone());
    let pivot = found.worst().is_some_and(|surface| surface.verdict == Verdict::PivotOpen);
    if pivot && is_home(web.control(session).await?) {
        return Ok(Judgement::of(Verdict::Unknown, "answers every path alike"));
    }
    Ok(found)
}

async fn try_default(session: &mut Session) -> Result<Surface, Error> {
    let (user, password) = DEFAULT;
    let request = Request::get("/").basic(user, &Secret::new(password.to_owned()));
    let answer = Web::default().send(session, &request).await?;
    if is_home(&answer) || answer.status == 401 {
        return Ok(default_login(user, is_home(&answer)));
    }
    let reason = format!("the default login was answered with {}, which decides nothing", answer.status);
    Ok(Surface::new("default login", Verdict::Unknown, reason))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::PivotOpen, "1.0.2"),
    Proven::new(Proof::Real, Verdict::Protected, "1.0.2 with basic authentication"),
    Proven::new(Proof::Real, Verdict::DefaultCredential, "1.0.2 with basic authentication"),
];

impl Service for MongoExpress {
    fn about(&self) -> About<'_> {
        About {
            id: "mongo-express",
            product: "mongo-express",
            ports: &[8081],
            openings: &[Opening::Http],
            proven_on: PROVEN,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        vec!["/", HEALTH]
    }

    fn recognises_web(&self, web: &Web) -> bool {
        let root = web.known("/");
        let locked = || Some(is_locked(root?, web.known(HEALTH)?));
        root.is_some_and(|root| is_home(root) || has_session(root)) || locked().unwrap_or_default()
    }

    fn try_default<'a>(&'a self, session: &'a mut Session) -> Option<BoxFuture<'a, Result<Surface, Error>>> {
        Some(Box::pin(try_default(session)))
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

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Response::from_parts(status, &headers.collect::<BTreeMap<_, _>>(), body)
    }

    fn verdict(answer: &Response) -> Verdict {
        conclude(answer).worst().unwrap().verdict
    }

    const SESSION: (&str, &str) = ("Set-Cookie", "mongo-express=s%3A52jh; Path=/; HttpOnly");
    const DEMAND: [(&str, &str); 2] =
        [("X-Powered-By", "Express"), ("WWW-Authenticate", "Basic realm=\"Authorization Required\"")];

    #[test]
    fn the_home_page_is_the_pivot_and_databases_are_counted_once() {
        let home = "<title>Home - Mongo Express</title><a href=\"/\"><a href=\"/db/hr/\">hr</a>\
                    <a href=\"/db/lab/\">lab</a><a href=\"/db/lab/\">View</a><a href=\"/db/lab/customers\">x</a>";
        let home = response(200, &[SESSION], home);
        assert!(is_home(&home) && has_session(&home));
        assert_eq!(verdict(&home), Verdict::PivotOpen);
        assert_eq!(conclude(&home).counts.get("databases"), Some(&2));
        assert_eq!(verdict(&response(200, &[], "<title>Home - Mongo Express</title>")), Verdict::OpenPartial);
    }

    #[test]
    fn an_error_of_the_store_is_no_pivot() {
        let error = response(500, &[SESSION], "<title>Error</title><pre>MongoServerSelectionError");
        assert!(has_session(&error));
        assert_eq!(verdict(&error), Verdict::Unknown);
    }

    #[test]
    fn basic_authentication_is_recognised_by_the_health_check_beside_it() {
        let root = response(401, &DEMAND, "Unauthorized");
        let health = |body| response(200, &[("X-Powered-By", "Express")], body);
        assert!(is_locked(&root, &health(r#"{"status":"ok"}"#)));
        assert!(!is_locked(&root, &health(r#"{"status":"ok","uptime":3}"#)));
        assert!(!is_locked(&root, &root));
        assert!(!is_locked(&response(401, &[], ""), &health(r#"{"status":"ok"}"#)));
        assert_eq!(verdict(&root), Verdict::Protected);
    }

    proptest::proptest! {
        #[test]
        fn any_page_is_read_without_panic(status: u16, body: String) {
            let answer = response(status, &[], &body);
            let _ = (conclude(&answer), databases(&answer), is_locked(&answer, &answer));
        }
    }
}
