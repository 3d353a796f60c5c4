//! Asking an HTTP service: every answer is fetched once and shared between identity and authorisation.

use std::collections::BTreeMap;

use net::http::{Client, Request, Response};
use net::{Conn, Error, Session};

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
