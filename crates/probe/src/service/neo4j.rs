//! Neo4j over HTTP: <https://neo4j.com/docs/http-api/current/>.
//!
//! `/` tells product and version to everyone. How many nodes there are is asked in a transaction for reading; the
//! number comes from the store's own count, so that no node is read.

use model::pack::NamedRead;
use model::{Proof, Proven, Secret, Surface, Verdict};
use net::http::{Request, Response};
use net::{Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service, default_login};
use crate::{Opening, Web};

/// The probe.
pub struct Neo4j;

/// The documented first login: <https://neo4j.com/docs/operations-manual/current/configuration/set-initial-password/>.
pub(super) const DEFAULT: &str = "neo4j";

/// Where transactions begin: since 4.0, below the default database; until then.
const BASES: [&str; 2] = ["/db/neo4j/tx", "/db/data/transaction"];

fn code(answer: &Response) -> &str {
    answer.text_at("/errors/0/code").unwrap_or_default()
}

/// The number of nodes, when the answer is the one of a statement that was run.
fn nodes(answer: &Response) -> Option<u64> {
    let errors = answer.json()?.pointer("/errors")?.as_array()?;
    let clean = answer.status == 200 && errors.is_empty();
    answer.number_at("/results/0/data/0/row/0").filter(|_| clean)
}

fn conclude(answer: &Response) -> Judgement {
    if let Some(nodes) = nodes(answer) {
        let open = Judgement::of(Verdict::Open, "statements are run without a login");
        return open.count("nodes", Some(nodes));
    }
    let told = code(answer);
    match answer.status {
        401 => Judgement::of(Verdict::Protected, "a login is demanded"),
        _ if told.starts_with("Neo.ClientError.Security.") => {
            Judgement::of(Verdict::Protected, format!("strangers are refused: {told}"))
        }
        403 => Judgement::of(Verdict::Protected, "strangers are refused"),
        // Said to those who may ask: a login is checked before the database is looked up.
        404 if told == "Neo.ClientError.Database.DatabaseNotFound" => {
            Judgement::of(Verdict::Open, "databases are looked up without a login; there is none named neo4j")
        }
        status => Judgement::of(Verdict::Unknown, format!("a statement was answered with {status} {told}")),
    }
}

async fn judge(session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
    let version = web.get(session, "/").await?.text_at("/neo4j_version").map(str::to_owned);
    let mut judgement = Judgement::of(Verdict::Unknown, "no place to run a statement was found");
    for base in BASES {
        let answer = web.send(session, &Request::named(NamedRead::Neo4jCountNodes, base)).await?;
        judgement = conclude(&answer);
        // The older place is asked for only where the newer one is not there.
        if answer.status != 404 || code(&answer) == "Neo.ClientError.Database.DatabaseNotFound" {
            break;
        }
    }
    Ok(judgement.version(version))
}

/// What came of the first login: it also works where it must be changed before anything else.
fn logged_in(answer: &Response) -> Surface {
    // 5.x; 4.x and older answer 403.
    let expired = code(answer) == "Neo.ClientError.Security.CredentialsExpired"
        || answer.json().is_some_and(|json| json.pointer("/password_change").is_some());
    match answer.status {
        _ if expired => Surface { reason: must_be_changed(), ..default_login(DEFAULT, true) },
        _ if nodes(answer).is_some() => default_login(DEFAULT, true),
        401 | 403 => default_login(DEFAULT, false),
        status => {
            let reason = format!("the default login was answered with {status} {}", code(answer));
            Surface::new("default login", Verdict::Unknown, reason)
        }
    }
}

/// The finding about a first login that nobody has used yet.
pub(super) fn must_be_changed() -> String {
    format!(
        "user {DEFAULT} logs in with the password that the vendor documents as the default, and must change it: the \
         first comer sets it"
    )
}

async fn log_in(session: &mut Session) -> Result<Surface, Error> {
    let [base, _] = BASES;
    let password = Secret::new(DEFAULT.to_owned());
    let request = Request::named(NamedRead::Neo4jCountNodes, base).basic(DEFAULT, &password);
    Ok(logged_in(&Web::default().send(session, &request).await?))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "5.26"),
    Proven::new(Proof::Real, Verdict::Protected, "5.26"),
    Proven::new(Proof::Real, Verdict::DefaultCredential, "5.26"),
];

impl Service for Neo4j {
    fn about(&self) -> About<'_> {
        About {
            id: "neo4j",
            product: "Neo4j",
            ports: &[7474, 7473],
            openings: &[Opening::Http],
            proven_on: PROVEN,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        vec!["/"]
    }

    fn recognises_web(&self, web: &Web) -> bool {
        web.known("/").is_some_and(|root| {
            root.status == 200
                && root.text_at("/neo4j_version").is_some()
                && root.text_at("/neo4j_edition").is_some()
        })
    }

    fn try_default<'a>(&'a self, session: &'a mut Session) -> Option<BoxFuture<'a, Result<Surface, Error>>> {
        Some(Box::pin(log_in(session)))
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

    fn verdict(status: u16, body: &str) -> Verdict {
        conclude(&answer(status, body)).worst().unwrap().verdict
    }

    /// Neo4j 5.26.5.
    const COUNTED: &str = r#"{"results":[{"columns":["count(n)"],"data":[{"row":[3],"meta":[null]}]}],"errors":[],"lastBookmarks":["FB:kcwQijapRoYQQQKqy3kdAdr9CwOQ"]}"#;
    const REFUSED: &str = r#"{"errors":[{"code":"Neo.ClientError.Security.Unauthorized","message":"No authentication header supplied."}]}"#;
    const NO_DATABASE: &str = r#"{"results":[],"errors":[{"code":"Neo.ClientError.Database.DatabaseNotFound","message":"The database requested does not exists. Requested database name: 'neo4j'."}]}"#;
    const NO_PAGE: &str = r#"{"errors":[{"code":"Neo.ClientError.Request.Invalid","message":"Not Found"}]}"#;
    const EXPIRED: &str = r#"{"results":[],"errors":[{"code":"Neo.ClientError.Security.CredentialsExpired","message":"ACCESS on database 'neo4j' is not allowed."}]}"#;

    #[test]
    fn a_count_is_open_and_a_refusal_is_protected() {
        assert_eq!(verdict(200, COUNTED), Verdict::Open);
        assert_eq!(conclude(&answer(200, COUNTED)).counts.get("nodes"), Some(&3));
        assert_eq!(verdict(401, REFUSED), Verdict::Protected);
        assert_eq!(verdict(403, ""), Verdict::Protected);
    }

    #[test]
    fn a_database_that_is_looked_up_for_a_stranger_is_open_and_a_page_that_is_missing_says_nothing() {
        assert_eq!(verdict(404, NO_DATABASE), Verdict::Open);
        assert_eq!(verdict(404, NO_PAGE), Verdict::Unknown);
    }

    #[test]
    fn what_could_be_mistaken_for_open_is_not() {
        // 200 with an error inside; a catch-all; the request sent back; a count that is none.
        assert_eq!(verdict(200, EXPIRED), Verdict::Protected);
        assert_eq!(verdict(200, "{}"), Verdict::Unknown);
        assert_eq!(verdict(200, "<html>"), Verdict::Unknown);
        assert_eq!(
            verdict(200, r#"{"statements":[{"statement":"MATCH (n) RETURN count(n)"}]}"#),
            Verdict::Unknown
        );
        assert_eq!(verdict(200, r#"{"results":[{"data":[{"row":["3"]}]}],"errors":null}"#), Verdict::Unknown);
        assert_eq!(verdict(503, ""), Verdict::Unknown);
    }

    #[test]
    fn the_first_login_works_even_where_it_must_be_changed() {
        let tried = |status, body| logged_in(&answer(status, body)).verdict;
        assert_eq!(tried(200, EXPIRED), Verdict::DefaultCredential);
        assert_eq!(tried(200, COUNTED), Verdict::DefaultCredential);
        // As documented for 3.5: https://neo4j.com/docs/http-api/3.5/security/ ; not seen on a server.
        assert_eq!(
            tried(403, r#"{"password_change":"http://h/user/neo4j/password"}"#),
            Verdict::DefaultCredential
        );
        assert_eq!(tried(401, REFUSED), Verdict::Protected);
        assert_eq!(tried(404, NO_PAGE), Verdict::Unknown);
    }

    #[test]
    fn another_product_with_a_version_is_not_neo4j() {
        let web = |body: &str| Web::answered(BTreeMap::from([("/".to_owned(), answer(200, body))]));
        assert!(Neo4j.recognises_web(&web(r#"{"neo4j_version":"5.26.5","neo4j_edition":"community"}"#)));
        assert!(!Neo4j.recognises_web(&web(r#"{"version":"5.26.5"}"#)));
    }
}
