//! HTTP to one store: a connection that is kept as long as it lives.

use std::time::Duration;

use model::Bucket;
use net::http::{Bulk, Request, Response};

use super::StoreError;
use super::gate::{Door, Gate};
use super::login::{Login, Security};

/// Longest wait for bytes: a store may think about a query for a while.
const IDLE: Duration = Duration::from_secs(120);

/// Whether a request may be sent a second time when the first got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It asks for the same each time.
    Yes,
    /// Whoever answered it has moved on: the second answer would be another one.
    No,
}

/// A store that speaks HTTP.
pub(crate) struct Web {
    gate: Gate,
    login: Login,
    bucket: Option<Bucket>,
    line: Option<Bulk>,
}

impl Web {
    pub(crate) fn new(gate: Gate, login: Login) -> Self {
        Self { gate, login, bucket: None, line: None }
    }

    /// The same for a bucket, which is permitted by its name.
    pub(crate) fn for_bucket(gate: Gate, login: Login, bucket: Bucket) -> Self {
        Self { gate, login, bucket: Some(bucket), line: None }
    }

    pub(super) fn login(&self) -> &Login {
        &self.login
    }

    /// The `Host` header: a default port is left out (RFC 9110, 4.2.3), since some servers find a bucket by all of it.
    pub(crate) fn host(&self) -> String {
        let default = if self.login.security == Security::Plain { 80 } else { 443 };
        match &self.login.door {
            Door::Tcp { host, port } if *port == default && !host.contains(':') => host.clone(),
            door @ Door::Tcp { .. } => door.to_string(),
            Door::Socket(_) => "localhost".to_owned(),
        }
    }

    async fn connect(&mut self) -> Result<(), StoreError> {
        let line = self.gate.open_for(&self.login.door, self.bucket.as_ref(), IDLE).await?;
        let mut stream = line.stream;
        if let (Security::Always(trust), Door::Tcp { host, .. }) = (&self.login.security, &self.login.door) {
            let tls = self.gate.tls(host, trust)?;
            stream = stream.start_tls(&tls).await.map_err(|error| self.failed(&error))?;
        }
        self.login.warn_of_plain(line.own, stream.is_tls());
        self.line = Some(Bulk::new(stream, self.host()));
        Ok(())
    }

    fn failed(&self, error: &net::Error) -> StoreError {
        StoreError::Connection(format!("{}: {error}", self.login.door))
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn ask(&mut self, request: &Request, again: Again) -> Result<&Response, StoreError> {
        let kept = self.line.as_ref().is_some_and(Bulk::is_reusable);
        if !kept {
            self.connect().await?;
        }
        let first = self.once(request).await;
        match first {
            // The server may have closed it meanwhile; that says nothing about the request.
            Err(net::Error::Ended | net::Error::Reset) if kept && again == Again::Yes => {
                self.connect().await?;
                self.once(request).await.map_err(|error| self.failed(&error))?;
            }
            Err(error) => return Err(self.failed(&error)),
            Ok(()) => {}
        }
        self.head()
    }

    async fn once(&mut self, request: &Request) -> Result<(), net::Error> {
        match &mut self.line {
            Some(line) => line.ask(request).await.map(drop),
            None => Err(net::Error::Ended),
        }
    }

    /// The head of the last answer.
    pub(super) fn head(&self) -> Result<&Response, StoreError> {
        let head = self.line.as_ref().map(Bulk::head);
        head.ok_or_else(|| StoreError::Connection(format!("{}: not connected", self.login.door)))
    }

    /// The next piece of the body.
    pub(super) async fn piece(&mut self) -> Result<Option<bytes::Bytes>, StoreError> {
        let piece = match &mut self.line {
            Some(line) => line.piece().await,
            None => Err(net::Error::Ended),
        };
        piece.map_err(|error| self.failed(&error))
    }

    /// A whole answer of at most `limit` bytes.
    pub(crate) async fn whole(&mut self, request: &Request, limit: usize) -> Result<Response, StoreError> {
        self.ask(request, Again::Yes).await?;
        self.rest(limit).await
    }

    /// The rest of the answer whose head has come.
    pub(super) async fn rest(&mut self, limit: usize) -> Result<Response, StoreError> {
        let whole = match &mut self.line {
            Some(line) => line.whole(limit).await,
            None => Err(net::Error::Ended),
        };
        whole.map_err(|error| self.failed(&error))
    }
}
