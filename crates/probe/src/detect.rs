//! What speaks there? Port numbers are a hint for what to try first; what answers decides.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use model::excerpt;
use net::{Conn, Error, Session, http};

use crate::contract::{Opened, Service};
use crate::greeting::without_data;
use crate::identify::{is_web, which_product};
use crate::opening::{of_http2, speaks_http2};
use crate::order::{TOGETHER, Try, likely, plan, unlikely};
use crate::{Opening, Reply, Web};

/// How long a server that speaks first is waited for before something is said.
const BANNER_WAIT: Duration = Duration::from_millis(200);
/// How long the answer to the first opening may take: a busy JVM, a slow reverse lookup.
pub(crate) const FIRST_WAIT: Duration = Duration::from_millis(3000);
/// How long the answers to further openings may take, at least.
const NEXT_WAIT: Duration = Duration::from_millis(700);
/// Pause between the request line and the headers of a first `GET /`, at least. A Redis answers the line; it would
/// take the header `Host:` for an attack, hang up and lose its answer.
const LINE_WAIT: Duration = Duration::from_millis(50);
/// How long a TLS handshake may take before something else is tried.
const TLS_WAIT: Duration = Duration::from_secs(2);
/// How long the rest of a started answer may take.
const REST_WAIT: Duration = Duration::from_millis(250);

/// What was found.
pub(crate) enum Found<'a> {
    /// A known service.
    Service(&'a dyn Service, Opened),
    /// A web server of no known product; with what ended the questions, when not all were asked.
    Web(Web, Option<Error>),
    /// TLS that demands a client certificate.
    ClientCertificate,
    /// TLS 1.1 or older only.
    OldTls,
    /// A protocol that is named and left alone.
    NotData(&'static str),
    /// Something else, described.
    Unidentified(String),
}

/// What one opening brought.
enum Step<'a> {
    Found(Box<Found<'a>>),
    /// HTTP was answered; it must be asked properly.
    SpeaksHttp,
    /// HTTP/2 was heard, and nothing that tells the product.
    SpeaksHttp2,
    /// HTTP said that it expects TLS, or a TLS record came.
    WantsTls,
    /// Bytes that nobody knows.
    Spoke(String),
    /// Nothing: silence, or a closed connection.
    Nothing,
}

impl<'a> Step<'a> {
    fn found(found: Found<'a>) -> Self {
        Self::Found(Box::new(found))
    }
}

/// Finds out what speaks there. What usually listens on `port` is tried first.
///
/// # Errors
/// When the first connection cannot be made, or the deadline passes.
pub(crate) async fn detect<'a>(
    session: &mut Session,
    services: &'a [Box<dyn Service>],
    port: u16,
    prefer_tls: Option<bool>,
) -> Result<Found<'a>, Error> {
    let mut detection =
        Detection { services, port, spoke: None, tls_error: None, bad_request: None, first: true };
    if prefer_tls == Some(true)
        && let Some(found) = detection.over_tls(session).await?
    {
        return Ok(found);
    }
    if let Some(found) = detection.plain(session, prefer_tls != Some(true)).await? {
        return Ok(found);
    }
    Ok(detection.nothing_known())
}

struct Detection<'a> {
    services: &'a [Box<dyn Service>],
    port: u16,
    spoke: Option<String>,
    tls_error: Option<Error>,
    /// A web server that answered 400 to plain HTTP: it may want TLS, or really mean it.
    bad_request: Option<Web>,
    first: bool,
}

impl<'a> Detection<'a> {
    /// The same questions with nothing learned yet.
    fn afresh(&self) -> Self {
        Detection {
            services: self.services,
            port: self.port,
            spoke: None,
            tls_error: None,
            bad_request: None,
            first: false,
        }
    }

    /// Says several openings at the same time, each on a connection of its own. The first that finds a service decides,
    /// and the others are not waited for; else the first in their order that tells something.
    async fn together(&mut self, session: &mut Session, openings: Vec<Opening>) -> Result<Step<'a>, Error> {
        let tried = openings.into_iter().enumerate().map(|(order, opening)| {
            let (mut fork, mut alone) = (session.fork(), self.afresh());
            async move {
                let step = alone.open(&mut fork, opening).await;
                (order, step, fork, alone)
            }
        });
        let mut tried: FuturesUnordered<_> = tried.collect();
        let mut best = (usize::MAX, Step::Nothing);
        while let Some((order, step, fork, alone)) = tried.next().await {
            match step? {
                found @ Step::Found(_) => {
                    session.absorb(fork);
                    return Ok(found);
                }
                Step::Nothing => {}
                told => {
                    self.bad_request = alone.bad_request.or_else(|| self.bad_request.take());
                    best = if order < best.0 { (order, told) } else { best };
                }
            }
        }
        Ok(best.1)
    }

    async fn plain(&mut self, session: &mut Session, may_try_tls: bool) -> Result<Option<Found<'a>>, Error> {
        session.secure = false;
        let mut tls_tried = !may_try_tls;
        for step in plan(self.services, self.port) {
            let mut step = match step {
                Try::Tls => Step::WantsTls,
                Try::Open(opening) => self.open(session, opening).await?,
                Try::Together(openings) => self.together(session, openings).await?,
            };
            if let Step::SpeaksHttp = step {
                step = self.open(session, Opening::Http).await?;
            }
            if let Step::SpeaksHttp2 = step {
                step = self.over_http2(session).await?;
            }
            let wants_tls = matches!(step, Step::WantsTls);
            match step {
                Step::Found(found) => return Ok(Some(*found)),
                Step::Spoke(what) => self.spoke = Some(what),
                Step::WantsTls | Step::Nothing | Step::SpeaksHttp | Step::SpeaksHttp2 => {}
            }
            if wants_tls && !tls_tried {
                tls_tried = true;
                if let Some(found) = self.over_tls(session).await? {
                    return Ok(Some(found));
                }
                session.secure = false;
            }
            if let Some(web) = self.bad_request.take() {
                return which_product(self.services, self.port, session, web).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Asks for each product that speaks HTTP/2 from the first byte, as gRPC does.
    async fn over_http2(&mut self, session: &mut Session) -> Result<Step<'a>, Error> {
        for opening in of_http2(self.services) {
            if let Step::Found(found) = self.open(session, opening).await? {
                return Ok(Step::Found(found));
            }
        }
        Ok(Step::Spoke("HTTP/2, as gRPC servers speak it, of no known product".to_owned()))
    }

    /// Tries TLS, and inside it what this port suggests, HTTP, and what else there is.
    async fn over_tls(&mut self, session: &mut Session) -> Result<Option<Found<'a>>, Error> {
        session.secure = true;
        session.patience = TLS_WAIT;
        for opening in likely(self.services, self.port).into_iter().take(2) {
            match self.open(session, opening).await {
                Ok(Step::Found(found)) => return Ok(Some(*found)),
                Ok(Step::Spoke(what)) => self.spoke = Some(what),
                Ok(Step::SpeaksHttp) => {
                    if let Step::Found(found) = self.open(session, Opening::Http).await? {
                        return Ok(Some(*found));
                    }
                }
                Ok(Step::WantsTls | Step::Nothing | Step::SpeaksHttp2) => {}
                Err(Error::ClientCertificate) => {
                    session.note(
                        "TLS handshake without a client certificate",
                        "alert: a certificate is demanded",
                        &[],
                        true,
                    );
                    return Ok(Some(Found::ClientCertificate));
                }
                Err(error @ (Error::Deadline | Error::Budget { .. } | Error::Scope(_))) => return Err(error),
                Err(error) => {
                    self.tls_error = Some(error);
                    return Ok(None);
                }
            }
        }
        for openings in unlikely(self.services, self.port).chunks(TOGETHER) {
            if session.tls().is_none() || self.spoke.is_some() {
                break;
            }
            if let Step::Found(found) = self.together(session, openings.to_vec()).await? {
                return Ok(Some(*found));
            }
        }
        if session.tls().is_some() {
            let inside = self.spoke.take().unwrap_or_else(|| "nothing known inside it".to_owned());
            return Ok(Some(Found::Unidentified(format!("speaks TLS; {inside}"))));
        }
        Ok(None)
    }

    fn nothing_known(self) -> Found<'a> {
        match (self.spoke, self.tls_error) {
            (_, Some(Error::OldTls)) => Found::OldTls,
            (Some(spoke), _) => Found::Unidentified(spoke),
            (None, Some(Error::Tls(error))) => Found::Unidentified(format!("silent; its TLS fails: {error}")),
            (None, _) => {
                Found::Unidentified("accepts connections and answers nothing that is known".to_owned())
            }
        }
    }

    /// Says one opening on a new connection and looks at what comes back.
    async fn open(&mut self, session: &mut Session, opening: Opening) -> Result<Step<'a>, Error> {
        let asked = Instant::now();
        let connected = session.connect().await;
        let round_trip = asked.elapsed();
        let mut conn = match connected {
            Ok(conn) => conn,
            // The door was open a moment ago: a server that drops strangers between two connections.
            Err(Error::Refused | Error::Reset | Error::Unreachable(_)) if !self.first && !session.secure => {
                return Ok(Step::Nothing);
            }
            Err(error) => return Err(error),
        };
        let wait = if self.first { FIRST_WAIT } else { NEXT_WAIT.max(round_trip.saturating_mul(4)) };
        self.first = false;
        let spoken = match self.exchange(session, &mut conn, opening, wait, round_trip).await {
            Ok(spoken) => spoken,
            Err(error @ (Error::Deadline | Error::ClientCertificate | Error::Scope(_))) => return Err(error),
            Err(Error::Malformed(what)) => return Ok(Step::Spoke(what)),
            Err(Error::Budget { what, limit }) => {
                return Ok(Step::Spoke(format!("sent more than {limit} {what}")));
            }
            Err(_) => return Ok(Step::Nothing),
        };
        if conn.received().is_empty() {
            return Ok(Step::Nothing);
        }
        self.interpret(session, conn, spoken).await
    }

    /// Sends and receives until something is recognised or the peer pauses. Returns the opening that was answered.
    async fn exchange(
        &self,
        session: &Session,
        conn: &mut Conn,
        opening: Opening,
        wait: Duration,
        round_trip: Duration,
    ) -> Result<Opening, Error> {
        let hinted_http = self
            .services
            .iter()
            .any(|service| is_web(service.as_ref()) && service.about().ports.contains(&self.port));
        let listen = match opening {
            Opening::Listen => Some(wait),
            // Where HTTP is expected, nobody speaks first.
            Opening::Http if !hinted_http && !session.secure => Some(BANNER_WAIT),
            _ => None,
        };
        if let Some(wait) = listen {
            match conn.receive(wait).await {
                Ok(_) => return self.rest(conn, Opening::Listen).await,
                Err(Error::Quiet) if opening == Opening::Listen => return Ok(Opening::Listen),
                Err(Error::Quiet) => {}
                Err(error) => return Err(error),
            }
        }
        let words = opening.bytes(&session.host_header());
        let cautious = opening == Opening::Http && listen.is_some();
        let line =
            if cautious { words.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1) } else { 0 };
        let (line, rest) = words.split_at(line);
        if !line.is_empty() {
            conn.send(line).await?;
            match conn.receive(LINE_WAIT.max(round_trip.saturating_mul(2))).await {
                Ok(_) => return self.rest(conn, opening).await,
                Err(Error::Quiet) => {}
                Err(error) => return Err(error),
            }
        }
        conn.send(rest).await?;
        conn.receive(wait).await?;
        self.rest(conn, opening).await
    }

    /// Receives the rest of an answer, as far as it is needed to recognise it.
    async fn rest(&self, conn: &mut Conn, opening: Opening) -> Result<Opening, Error> {
        for _ in 0..4 {
            let reply = Reply { opening, bytes: conn.received() };
            let known = self.recognise(&reply).is_some() || conn.received().starts_with(b"HTTP/");
            if known || conn.ended() {
                break;
            }
            match conn.receive(REST_WAIT).await {
                Ok(0) | Err(Error::Quiet | Error::Reset) => break,
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(opening)
    }

    fn recognise(&self, reply: &Reply<'_>) -> Option<&'a dyn Service> {
        self.services.iter().map(AsRef::as_ref).find(|service| service.recognises(reply))
    }

    async fn interpret(
        &mut self,
        session: &mut Session,
        mut conn: Conn,
        opening: Opening,
    ) -> Result<Step<'a>, Error> {
        let sent = opening.bytes(&session.host_header());
        let echoed = sent.get(..sent.len().min(8)).unwrap_or_default();
        if !sent.is_empty() && conn.received().starts_with(echoed) {
            return Ok(Step::Spoke("echoes what it is sent".to_owned()));
        }
        if let Some(service) = self.recognise(&Reply { opening, bytes: conn.received() }) {
            // After the words of HTTP, the connection of another protocol is of no more use.
            let reusable = opening != Opening::Http;
            let conn = Some(conn).filter(|conn| reusable && !conn.ended());
            return Ok(Step::found(Found::Service(service, Opened { conn, web: Web::default() })));
        }
        if conn.received().starts_with(b"HTTP/") {
            if opening != Opening::Http {
                return Ok(Step::SpeaksHttp);
            }
            let root = match http::receive(&mut conn, false, REST_WAIT.max(session.time_left())).await {
                Ok(root) => root,
                Err(Error::Deadline) => return Err(Error::Deadline),
                Err(error) => return Ok(Step::Spoke(format!("HTTP, but {error}"))),
            };
            session.note("GET /", root.describe(), &root.body, conn.is_tls());
            let bad_request = root.status == 400 && !session.secure;
            let web = Web::opened(Some(conn), root);
            if bad_request {
                self.bad_request = Some(web);
                return Ok(Step::WantsTls);
            }
            return which_product(self.services, self.port, session, web).await.map(Step::found);
        }
        if speaks_http2(conn.received()) {
            return Ok(Step::SpeaksHttp2);
        }
        Ok(unknown_bytes(conn.received()))
    }
}

/// What bytes mean that no service knows.
fn unknown_bytes<'a>(bytes: &[u8]) -> Step<'a> {
    if let Some(name) = without_data(bytes) {
        return Step::found(Found::NotData(name));
    }
    // A TLS alert record.
    if bytes.starts_with(&[0x15, 0x03]) {
        return Step::WantsTls;
    }
    Step::Spoke(format!("unknown protocol: {}", excerpt(bytes.get(..48).unwrap_or(bytes))))
}
