//! All exchanges with one endpoint: its permit, its deadline, its budget, its evidence.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::{Clock, Exchange, TlsFacts, digest, excerpt};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::budget::{CONNECT, Meter};
use crate::{Budget, Conn, Error, Permit};

/// Most exchanges kept as evidence for one endpoint.
const EVIDENCE: usize = 16;
/// Most exchanges noted until it is known which of them are evidence.
const NOTES: usize = 96;

/// Makes connections, never more at a time than it was allowed.
#[derive(Debug)]
pub struct Dialer {
    slots: Arc<Semaphore>,
    provider: Arc<CryptoProvider>,
    clock: Clock,
}

impl Dialer {
    /// A dialer that keeps at most `connections` open and speaks TLS with `provider`.
    pub fn new(connections: usize, provider: Arc<CryptoProvider>, clock: Clock) -> Self {
        Self { slots: Arc::new(Semaphore::new(connections)), provider, clock }
    }

    /// The clock of the run.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    /// Waits until one more connection may be open.
    pub(crate) async fn slot(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Error::Deadline)
    }
}

/// The exchanges with one endpoint.
pub struct Session {
    dialer: Arc<Dialer>,
    permit: Permit,
    name: Option<String>,
    deadline: Instant,
    meter: Arc<Meter>,
    evidence: Vec<Exchange>,
    tls: Option<TlsFacts>,
    /// Whether the service speaks TLS from the first byte.
    pub secure: bool,
    /// How long one step waits for an answer that may never come.
    pub patience: Duration,
}

impl Session {
    /// A session with the endpoint of `permit`, known to the user as `name`, that ends within `time`.
    pub fn new(
        dialer: &Arc<Dialer>,
        permit: Permit,
        name: Option<String>,
        time: Duration,
        budget: Budget,
    ) -> Self {
        Self {
            dialer: Arc::clone(dialer),
            permit,
            name,
            deadline: Instant::now() + time,
            meter: Arc::new(Meter::new(budget)),
            evidence: Vec::new(),
            tls: None,
            secure: false,
            patience: time,
        }
    }

    /// A second hand for the same endpoint: one deadline, one budget, its own evidence until [`Session::absorb`].
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            dialer: Arc::clone(&self.dialer),
            permit: self.permit,
            name: self.name.clone(),
            deadline: self.deadline,
            meter: Arc::clone(&self.meter),
            evidence: Vec::new(),
            tls: None,
            secure: self.secure,
            patience: self.patience,
        }
    }

    /// Takes over what a fork noted and learned.
    pub fn absorb(&mut self, fork: Self) {
        self.evidence.extend(fork.evidence);
        self.deadline = self.deadline.max(fork.deadline);
        self.tls = fork.tls.or_else(|| self.tls.take());
        self.secure = fork.secure;
        self.patience = fork.patience;
    }

    /// The address of the endpoint.
    pub fn address(&self) -> SocketAddr {
        self.permit.address()
    }

    /// Starts a new budget: the verdict's begins where detection ends.
    pub fn rebudget(&mut self, budget: Budget, kept: Option<&mut Conn>) {
        self.meter = Arc::new(Meter::new(budget));
        if let Some(conn) = kept {
            conn.charge_to(&self.meter);
        }
    }

    /// Time left until the deadline.
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Makes a connection; over TLS when the session is `secure`.
    ///
    /// # Errors
    /// When the host refuses or does not answer, the handshake fails, or the budget is spent.
    pub async fn connect(&mut self) -> Result<Conn, Error> {
        let mut conn = self.connect_plain().await?;
        if self.secure {
            self.start_tls(&mut conn).await?;
        }
        Ok(conn)
    }

    /// Makes a plain TCP connection.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn connect_plain(&mut self) -> Result<Conn, Error> {
        self.dial(false).await.map(|(conn, _)| conn)
    }

    /// Makes a plain TCP connection from a port below 1024, which some servers take for a sign of trust. Where this
    /// process may not have one, from any port; the second value says which it is.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub async fn connect_from_low_port(&mut self) -> Result<(Conn, bool), Error> {
        self.dial(true).await
    }

    async fn dial(&mut self, low: bool) -> Result<(Conn, bool), Error> {
        self.meter.connection()?;
        // The wait for a free slot is not the endpoint's time.
        let waiting = Instant::now();
        let slot = self.dialer.slot().await?;
        self.deadline += waiting.elapsed();
        let until = self.deadline.min(Instant::now() + CONNECT);
        let address = self.permit.address();
        let connected = timeout_at(until, async {
            if low && let Some(stream) = connect_from_low_port(address).await? {
                return Ok((stream, true));
            }
            TcpStream::connect(address).await.map(|stream| (stream, false))
        });
        let connected: std::io::Result<(TcpStream, bool)> =
            connected.await.map_err(|_| Error::Unreachable("timed out".to_owned()))?;
        let (stream, low) = connected?;
        let _ = stream.set_nodelay(true);
        Ok((Conn::new(stream, Arc::clone(&self.meter), self.deadline, slot), low))
    }

    /// Starts TLS on a connection of this session and keeps the facts.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn start_tls(&mut self, conn: &mut Conn) -> Result<(), Error> {
        let facts = conn.start_tls(&self.dialer.provider, self.server_name(), self.patience).await?;
        self.tls = Some(facts);
        Ok(())
    }

    fn server_name(&self) -> ServerName<'static> {
        let name = self.name.as_deref().and_then(|name| ServerName::try_from(name.to_owned()).ok());
        name.unwrap_or_else(|| ServerName::from(self.permit.address().ip()))
    }

    /// Value of an HTTP `Host` header for this endpoint. A default port is left out (RFC 9110, 4.2.3): some servers
    /// find a bucket by the whole header.
    pub fn host_header(&self) -> String {
        let host = match (&self.name, self.permit.address().ip()) {
            (Some(name), _) => name.clone(),
            (None, IpAddr::V4(ip)) => ip.to_string(),
            (None, IpAddr::V6(ip)) => format!("[{ip}]"),
        };
        match self.permit.address().port() {
            443 if self.secure => host,
            80 if !self.secure => host,
            port => format!("{host}:{port}"),
        }
    }

    /// Keeps an exchange as evidence. `received` says what came back without showing data; `raw` is digested only.
    pub fn note(&mut self, sent: impl Into<String>, received: impl Into<String>, raw: &[u8], tls: bool) {
        if self.evidence.len() >= NOTES {
            return;
        }
        self.evidence.push(Exchange {
            at: self.now(),
            transport: if tls { "tls" } else { "tcp" }.to_owned(),
            sent: sent.into(),
            received: received.into(),
            bytes: raw.len() as u64,
            sha256: digest(raw),
        });
    }

    /// Keeps an exchange whose answer holds no data: a refusal, a greeting, a number.
    pub fn note_plain(&mut self, sent: impl Into<String>, raw: &[u8], tls: bool) {
        self.note(sent, excerpt(raw), raw, tls);
    }

    /// The run's time.
    pub fn now(&self) -> Timestamp {
        self.dialer.clock.now()
    }

    /// TLS facts of the last handshake.
    pub fn tls(&self) -> Option<&TlsFacts> {
        self.tls.as_ref()
    }

    /// How much was noted so far.
    pub fn noted(&self) -> usize {
        self.evidence.len()
    }

    /// Forgets what was noted since `mark` and does not matter: questions that only ruled something out.
    pub fn forget(&mut self, mark: usize, matters: impl Fn(&Exchange) -> bool) {
        let later = self.evidence.split_off(mark.min(self.evidence.len()));
        self.evidence.extend(later.into_iter().filter(matters));
    }

    /// Whether anything was noted.
    pub fn has_evidence(&self) -> bool {
        !self.evidence.is_empty()
    }

    /// Ends the session and hands out what it noted.
    pub fn finish(mut self) -> (Vec<Exchange>, Option<TlsFacts>) {
        self.evidence.truncate(EVIDENCE);
        (self.evidence, self.tls)
    }
}

/// Ports for [`connect_from_low_port`]: the upper half, as is the custom.
const LOW_PORTS: std::ops::RangeInclusive<u16> = 512..=1023;

/// `None`: no port below 1024 can be had.
async fn connect_from_low_port(address: SocketAddr) -> std::io::Result<Option<TcpStream>> {
    use std::io::ErrorKind;
    // Some are taken by others, or by a connection to the same place that has just ended.
    for _ in 0..8 {
        let (socket, any) = match address {
            SocketAddr::V4(_) => (TcpSocket::new_v4()?, IpAddr::from([0; 4])),
            SocketAddr::V6(_) => (TcpSocket::new_v6()?, IpAddr::from([0; 16])),
        };
        match socket.bind(SocketAddr::new(any, fastrand::u16(LOW_PORTS))) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => continue,
            Err(_) => return Ok(None),
        }
        match socket.connect(address).await {
            Err(error) if matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable) => {}
            connected => return connected.map(Some),
        }
    }
    Ok(None)
}
