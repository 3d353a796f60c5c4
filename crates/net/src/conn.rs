//! One connection: bounded reads, a deadline over all of it, and a buffer that protocols parse from.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use model::TlsFacts;

use crate::budget::Meter;
use crate::{Error, tls};

/// Bytes taken from the socket at a time.
const CHUNK: usize = 8 << 10;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Between the two, while a handshake runs; also after a failed one.
    Gone,
}

/// A connection to one endpoint.
pub struct Conn {
    stream: Stream,
    meter: Arc<Meter>,
    deadline: Instant,
    certificate_asked: Arc<AtomicBool>,
    ended: bool,
    /// What was received and not yet taken.
    buffer: Vec<u8>,
    _slot: OwnedSemaphorePermit,
}

impl Conn {
    pub(crate) fn new(
        stream: TcpStream,
        meter: Arc<Meter>,
        deadline: Instant,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            stream: Stream::Plain(stream),
            meter,
            deadline,
            certificate_asked: Arc::new(AtomicBool::new(false)),
            ended: false,
            buffer: Vec::new(),
            _slot: slot,
        }
    }

    pub(crate) fn charge_to(&mut self, meter: &Arc<Meter>) {
        self.meter = Arc::clone(meter);
    }

    pub(crate) fn charge_request(&self) -> Result<(), Error> {
        self.meter.request()
    }

    /// Whether this is TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// What was received and not yet taken.
    pub fn received(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes the first `count` bytes of what was received.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(count.min(self.buffer.len()));
        std::mem::replace(&mut self.buffer, rest)
    }

    /// Whether the peer has closed.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Starts TLS on this connection.
    ///
    /// # Errors
    /// When the handshake fails, takes longer than `wait`, or the deadline passes.
    pub async fn start_tls(
        &mut self,
        provider: &Arc<rustls::crypto::CryptoProvider>,
        name: ServerName<'static>,
        wait: Duration,
    ) -> Result<TlsFacts, Error> {
        let Stream::Plain(tcp) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(Error::Tls("already started".to_owned()));
        };
        let (config, asked) = tls::client(provider)?;
        self.certificate_asked = Arc::clone(&asked);
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        let until = self.deadline.min(Instant::now() + wait);
        let stream = timeout_at(until, handshake)
            .await
            .map_err(|_| if until == self.deadline { Error::Deadline } else { Error::Quiet })?
            .map_err(|error| tls::explain(error, asked.load(Ordering::Relaxed)))?;
        let facts = tls::facts(stream.get_ref().1, &asked);
        self.stream = Stream::Tls(Box::new(stream));
        Ok(facts)
    }

    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// When the peer is gone, the budget is spent or the deadline passes.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.meter.sent(bytes.len())?;
        let deadline = self.deadline;
        match &mut self.stream {
            Stream::Plain(stream) => by(deadline, stream.write_all(bytes)).await,
            Stream::Tls(stream) => {
                by(deadline, stream.write_all(bytes)).await?;
                by(deadline, stream.flush()).await
            }
            Stream::Gone => Err(Error::Ended),
        }
    }

    /// Receives some bytes, waiting for at most `wait`. Returns how many came; 0 means that the peer closed.
    ///
    /// # Errors
    /// [`Error::Quiet`] when nothing came in time, and whatever else ends an exchange.
    pub async fn receive(&mut self, wait: Duration) -> Result<usize, Error> {
        if self.ended {
            return Ok(0);
        }
        let quiet = Instant::now() + wait;
        let until = quiet.min(self.deadline);
        let before = self.buffer.len();
        let mut limited = std::mem::take(&mut self.buffer);
        limited.reserve(512);
        let read = match &mut self.stream {
            Stream::Plain(stream) => {
                timeout_at(until, stream.take(CHUNK as u64).read_buf(&mut limited)).await
            }
            Stream::Tls(stream) => timeout_at(until, stream.take(CHUNK as u64).read_buf(&mut limited)).await,
            Stream::Gone => Ok(Ok(0)),
        };
        self.buffer = limited;
        match read {
            Err(_) if until == self.deadline => Err(Error::Deadline),
            Err(_) => Err(Error::Quiet),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                // A TLS peer that closes without close_notify: the end all the same.
                self.ended = true;
                Ok(0)
            }
            Ok(Err(error)) => {
                self.ended = true;
                Err(tls::explain(error, self.certificate_asked.load(Ordering::Relaxed)))
            }
            Ok(Ok(_)) => {
                let count = self.buffer.len().saturating_sub(before);
                self.ended = count == 0;
                self.meter.received(count)?;
                Ok(count)
            }
        }
    }

    /// Receives until `complete` finds a whole message in what was received and says how long it is; takes it.
    ///
    /// # Errors
    /// [`Error::Ended`] when the peer closes before that, and whatever else ends an exchange.
    pub async fn message(
        &mut self,
        wait: Duration,
        complete: impl Fn(&[u8]) -> Result<Option<usize>, Error>,
    ) -> Result<Vec<u8>, Error> {
        loop {
            if let Some(length) = complete(&self.buffer)? {
                return Ok(self.take(length));
            }
            if self.receive(wait).await? == 0 {
                return Err(Error::Ended);
            }
        }
    }

    /// Receives exactly `count` bytes.
    ///
    /// # Errors
    /// As [`Conn::message`].
    pub async fn exactly(&mut self, count: usize, wait: Duration) -> Result<Vec<u8>, Error> {
        self.message(wait, |buffer| Ok((buffer.len() >= count).then_some(count))).await
    }
}

/// For a library that speaks a protocol over the connection: what it reads and writes is charged all the same. It
/// sees nothing of what was received before, and the deadline is the caller's.
impl AsyncRead for Conn {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let conn = self.get_mut();
        let before = buffer.filled().len();
        ready!(match &mut conn.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
            Stream::Gone => Poll::Ready(Ok(())),
        })?;
        let count = buffer.filled().len().saturating_sub(before);
        conn.ended = count == 0;
        Poll::Ready(conn.meter.received(count).map_err(io::Error::other))
    }
}

impl AsyncWrite for Conn {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let conn = self.get_mut();
        let count = ready!(match &mut conn.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
            Stream::Gone => Poll::Ready(Ok(0)),
        })?;
        Poll::Ready(conn.meter.sent(count).map(|()| count).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }
}

async fn by(deadline: Instant, io: impl Future<Output = std::io::Result<()>>) -> Result<(), Error> {
    timeout_at(deadline, io).await.map_err(|_| Error::Deadline)?.map_err(Error::from)
}
