//! Connected sockets for readers of stores: a driver, or a reader of ours, speaks its protocol over them with the user's
//! credentials. Unlike a probe's connection they have no budget, since a store is read as a whole; but a peer that stops in
//! the middle is an error and no hang.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::trust::{self, Trust};
use crate::{Dialer, Error, Permit, tls};

/// Longest wait for a TCP handshake, and for a TLS handshake after it: a store of the user's own may be far away and busy.
const CONNECT: Duration = Duration::from_secs(10);

/// How to speak TLS with one host.
#[derive(Clone)]
pub struct Tls {
    config: trust::Client,
    name: ServerName<'static>,
}

enum Inner {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

/// A connection to a store, for whoever wants [`AsyncRead`] and [`AsyncWrite`]. A wait in which neither direction moves for
/// as long as its idle time fails with [`io::ErrorKind::TimedOut`]; time in which nobody waits does not count.
pub struct Stream {
    inner: Inner,
    reading: Watch,
    writing: Watch,
    slot: OwnedSemaphorePermit,
}

impl Dialer {
    /// How to speak TLS with `host`, a name or an address as the user wrote it.
    ///
    /// # Errors
    /// [`Error::Tls`] when `host` cannot be in a certificate, or the file of authorities cannot be read or holds none.
    pub fn tls(&self, host: &str, trust: &Trust) -> Result<Tls, Error> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::Tls("the host is no name that a certificate could hold".to_owned()))?;
        Ok(Tls { config: trust::client(self.provider(), trust)?, name })
    }

    /// Dials for a reader; with `tls`, that is spoken from the first byte. `idle` is the longest wait for the next bytes,
    /// and must be longer than the longest query.
    ///
    /// # Errors
    /// When the host refuses or does not answer in time, or the handshake fails.
    pub async fn stream(&self, permit: Permit, tls: Option<&Tls>, idle: Duration) -> Result<Stream, Error> {
        let slot = self.slot().await?;
        let connected = timeout(CONNECT, TcpStream::connect(permit.address())).await;
        let tcp = connected.map_err(|_| Error::Unreachable("timed out".to_owned()))??;
        let _ = tcp.set_nodelay(true);
        let stream = Stream::new(Inner::Tcp(tcp), idle, slot);
        match tls {
            None => Ok(stream),
            Some(tls) => stream.start_tls(tls).await,
        }
    }

    /// Connects to a socket in this machine's file system, which needs no permit.
    ///
    /// # Errors
    /// When nobody listens there, or this user may not connect.
    pub async fn local_stream(&self, path: &Path, idle: Duration) -> Result<Stream, Error> {
        let slot = self.slot().await?;
        let connected = timeout(CONNECT, UnixStream::connect(path)).await;
        let unix = connected.map_err(|_| Error::Unreachable("timed out".to_owned()))??;
        Ok(Stream::new(Inner::Unix(unix), idle, slot))
    }
}

impl Stream {
    fn new(inner: Inner, idle: Duration, slot: OwnedSemaphorePermit) -> Self {
        Self { inner, reading: Watch::new(idle), writing: Watch::new(idle), slot }
    }

    /// Starts TLS where the protocol agreed on it after its first words. Nothing that came before is taken over.
    ///
    /// # Errors
    /// When the handshake fails or takes too long, the certificate is not trusted, or this is no plain TCP connection.
    pub async fn start_tls(self, tls: &Tls) -> Result<Self, Error> {
        let Inner::Tcp(tcp) = self.inner else {
            return Err(Error::Tls("only a plain TCP connection can start it".to_owned()));
        };
        let connector = TlsConnector::from(Arc::clone(&tls.config.config));
        let stream = timeout(CONNECT, connector.connect(tls.name.clone(), tcp)).await;
        let stream = stream
            .map_err(|_| Error::Quiet)?
            .map_err(|error| tls::explain(error, tls.config.asked.load(Ordering::Relaxed)))?;
        Ok(Self::new(Inner::Tls(Box::new(stream)), self.reading.idle, self.slot))
    }

    /// Whether this is TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self.inner, Inner::Tls(_))
    }

    /// A flush that had nothing to do moved nothing, so that the wait for an answer goes on.
    fn flushed(&mut self, polled: Poll<io::Result<()>>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if polled.is_pending() {
            return self.writing.poll(context);
        }
        self.writing.armed = false;
        polled
    }

    /// Notes that something moved.
    fn moved<T>(&mut self, done: Poll<T>) -> Poll<T> {
        self.reading.armed = false;
        self.writing.armed = false;
        done
    }
}

/// Ends a wait in which nothing moves.
struct Watch {
    idle: Duration,
    armed: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    fn new(idle: Duration) -> Self {
        Self { idle, armed: false, sleep: None }
    }

    /// An error once the wait that began with the first call has lasted too long.
    fn poll<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let idle = self.idle;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(idle)));
        if !self.armed {
            sleep.as_mut().reset(Instant::now() + idle);
            self.armed = true;
        }
        sleep.as_mut().poll(context).map(|()| {
            let text = format!("nothing moved for {} s", idle.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        })
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let polled = match &mut stream.inner {
            Inner::Tcp(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Inner::Tls(tls) => Pin::new(tls.as_mut()).poll_read(context, buffer),
            Inner::Unix(unix) => Pin::new(unix).poll_read(context, buffer),
        };
        if polled.is_pending() { stream.reading.poll(context) } else { stream.moved(polled) }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        let polled = match &mut stream.inner {
            Inner::Tcp(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Inner::Tls(tls) => Pin::new(tls.as_mut()).poll_write(context, bytes),
            Inner::Unix(unix) => Pin::new(unix).poll_write(context, bytes),
        };
        if polled.is_pending() { stream.writing.poll(context) } else { stream.moved(polled) }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let polled = match &mut stream.inner {
            Inner::Tcp(tcp) => Pin::new(tcp).poll_flush(context),
            Inner::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(context),
            Inner::Unix(unix) => Pin::new(unix).poll_flush(context),
        };
        stream.flushed(polled, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let polled = match &mut stream.inner {
            Inner::Tcp(tcp) => Pin::new(tcp).poll_shutdown(context),
            Inner::Tls(tls) => Pin::new(tls.as_mut()).poll_shutdown(context),
            Inner::Unix(unix) => Pin::new(unix).poll_shutdown(context),
        };
        stream.flushed(polled, context)
    }
}

#[cfg(test)]
mod tests {
    use model::Clock;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::Guard;

    fn dialer() -> Dialer {
        Dialer::new(4, Arc::new(rustls::crypto::ring::default_provider()), Clock::System)
    }

    async fn stream(listener: &TcpListener, idle: Duration) -> Stream {
        let guard = Guard::new(Vec::new(), None, Clock::System.now());
        let permit = guard.permit(listener.local_addr().unwrap()).unwrap();
        dialer().stream(permit, None, idle).await.unwrap()
    }

    #[tokio::test]
    async fn a_peer_that_stops_in_the_middle_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = stream(&listener, Duration::from_millis(200)).await;
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.write_all(b"begun").await.unwrap();
        let mut bytes = Vec::new();
        let begun = Instant::now();
        let error = stream.read_to_end(&mut bytes).await.unwrap_err();
        assert_eq!((error.kind(), bytes.as_slice()), (io::ErrorKind::TimedOut, &b"begun"[..]));
        assert!(begun.elapsed() < Duration::from_secs(2));
    }

    #[tokio::test]
    async fn time_in_which_nobody_waits_does_not_count() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = stream(&listener, Duration::from_millis(300)).await;
        let (mut peer, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            stream.write_all(b"?").await.unwrap();
            peer.read_exact(&mut [0]).await.unwrap();
            let (read, wrote) = tokio::join!(stream.read_u8(), async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                peer.write_all(b"!").await
            });
            wrote.unwrap();
            assert_eq!(read.unwrap(), b'!');
        }
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = stream(&listener, Duration::from_millis(200)).await;
        let (_peer, _) = listener.accept().await.unwrap();
        let error = stream.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn authorities_must_be_there_and_hosts_must_be_names() {
        let dialer = dialer();
        assert!(dialer.tls("db.example", &Trust::Any).is_ok());
        assert!(dialer.tls("two words", &Trust::Any).is_err());
        let file = crate::Roots::File("/nonexistent.pem".into());
        assert!(matches!(dialer.tls("db.example", &Trust::Host(file)), Err(Error::Tls(_))));
    }
}
