//! Asking an HTTP service: every answer is fetched once and shared between identity and authorisation.

use std::collections::BTreeMap;

use model::{Verdict, excerpt};
use net::http::{Client, Request, Response};
use net::{Conn, Error, Session};

use crate::contract::Judgement;
use crate::engine::undecided;

/// An HTTP endpoint with the answers it has given.
#[derive(Default)]
pub struct Web {
    client: Client,
    answers: BTreeMap<String, Response>,
    control: Option<Response>,
}

impl Web {
    /// Goes on with the connection over which `/` was answered.
    pub fn opened(conn: Option<Conn>, root: Response) -> Self {
        Self { client: Client::over(conn), answers: BTreeMap::from([("/".to_owned(), root)]), control: None }
    }

    /// Answers that are known already, for transcripts.
    pub fn answered(answers: BTreeMap<String, Response>) -> Self {
        Self { answers, ..Self::default() }
    }

    /// The connection that is kept for the next request.
    pub(crate) fn kept(&mut self) -> Option<&mut Conn> {
        self.client.kept()
    }

    /// The answer to `GET path`, asked for at most once.
    ///
    /// # Errors
    /// Whatever ends the exchange.
    pub async fn get(&mut self, session: &mut Session, path: &str) -> Result<&Response, Error> {
        if !self.answers.contains_key(path) {
            let response = self.client.send(session, &Request::get(path)).await?;
            self.answers.insert(path.to_owned(), response);
        }
        self.answers.get(path).ok_or(Error::Ended)
    }

    /// An answer that was given already.
    pub fn known(&self, path: &str) -> Option<&Response> {
        self.answers.get(path)
    }

    /// Sends a request that is not a plain GET, or must not come from memory.
    ///
    /// # Errors
    /// Whatever ends the exchange.
    pub async fn send(&mut self, session: &mut Session, request: &Request) -> Result<Response, Error> {
        self.client.send(session, request).await
    }

    /// The negative control: the answer to a path that cannot exist. A server that answers it as it answers the
    /// deciding request says nothing.
    ///
    /// # Errors
    /// Whatever ends the exchange.
    pub async fn control(&mut self, session: &mut Session) -> Result<&Response, Error> {
        if self.control.is_none() {
            let path = format!("/watertight-{:016x}", fastrand::u64(..));
            self.control = Some(self.client.send(session, &Request::get(path)).await?);
        }
        self.control.as_ref().ok_or(Error::Ended)
    }
}

/// A web server of no known product: an explicit demand for a login, on every path, is a verdict all the same.
/// `unasked` says why not every known product was asked for.
pub(crate) async fn judge_unknown(session: &mut Session, mut web: Web, unasked: Option<Error>) -> Judgement {
    let Some(root) = web.known("/").cloned() else {
        return Judgement::of(Verdict::Unknown, "no answer to GET /");
    };
    if let Some(demand) = demands_login(&root) {
        return match web.control(session).await {
            Ok(other) if demands_login(other).is_some() => Judgement::of(
                Verdict::Protected,
                format!("every path demands a login or is refused ({demand}); the product is not told"),
            ),
            Ok(other) => Judgement::of(
                Verdict::Unknown,
                format!("/ is refused ({demand}), other paths are not ({})", other.status),
            ),
            Err(error) => undecided(error),
        };
    }
    let server =
        root.header("server").map_or_else(String::new, |server| format!(" ({})", excerpt(server.as_bytes())));
    let encoded = if root.is_encoded() { "; it compresses without being asked" } else { "" };
    let unasked = unasked.map_or_else(String::new, |error| format!("; not all were asked for: {error}"));
    Judgement::of(
        Verdict::Unidentified,
        format!("a web server{server} of no known product{encoded}{unasked}"),
    )
}

/// The demand for a login that an answer is, in words: a refusal, or being sent to a page to log in.
fn demands_login(answer: &Response) -> Option<String> {
    match answer.status {
        401 | 403 | 407 => Some(answer.status.to_string()),
        302 | 303 | 307 => {
            let location = answer.header("location")?;
            let path = location.split(['?', '#', ';']).next().unwrap_or_default().to_ascii_lowercase();
            let asks =
                |part: &str| matches!(part, "login" | "signin" | "sign-in" | "sign_in" | "authorize" | "sso");
            let page = |part: &str| part.split('.').next().is_some_and(asks);
            path.split('/').any(page).then(|| format!("{}, to a page to log in", answer.status))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn being_sent_to_log_in_is_a_demand_and_being_sent_elsewhere_is_not() {
        let sent_to = |location: &str| {
            let headers = BTreeMap::from([("Location".to_owned(), location.to_owned())]);
            demands_login(&Response::from_parts(302, &headers, "")).is_some()
        };
        assert!(sent_to("/login?next=%2Flab") && sent_to("/auth/signin.html"));
        assert!(sent_to("https://id.example/oauth2/authorize?client_id=x"));
        assert!(!sent_to("/v1") && !sent_to("/blog/login-tips?to=login"));
    }
}
