//! The listener that every emulator and every hostile server stands on: threads, counters, a log, an end.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// No connection is kept longer than this, whatever the two sides do.
pub const LIFETIME: Duration = Duration::from_secs(120);

/// Threads of emulators need little; a test may hold thousands of connections.
const STACK: usize = 256 * 1024;

/// A server on loopback. It stops, and cuts its connections, when it is dropped.
#[derive(Debug)]
pub struct Emulator {
    /// Where it listens: 127.0.0.1 and a free port.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    connections: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    requests: Mutex<Vec<String>>,
    relayed: Mutex<Vec<String>>,
    open: Mutex<HashMap<u64, Arc<TcpStream>>>,
}

/// A mutex that a panicking test thread poisoned still holds a usable log.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Emulator {
    /// Listens on a free port of 127.0.0.1 and runs `handle` in a thread for each connection.
    ///
    /// # Errors
    /// When no port or no thread can be had.
    pub fn serve(handle: impl Fn(Peer) -> io::Result<()> + Send + Sync + 'static) -> io::Result<Self> {
        Self::serve_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), handle)
    }

    /// The same at a loopback address and port that the test chose, in a namespace of its own.
    ///
    /// # Errors
    /// When that is no loopback address, or the port or a thread cannot be had.
    pub fn serve_at(
        address: SocketAddr,
        handle: impl Fn(Peer) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let acceptor = thread::Builder::new()
            .name("emulator".to_owned())
            .spawn(move || accept(&listener, &for_thread, &Arc::new(handle)))?;
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// What was asked, in the order of arrival: `METHOD target` for HTTP, the command's name for MongoDB, the
    /// escaped first bytes for a replay.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        locked(&self.shared.requests).clone()
    }

    /// What was passed on to the server behind, as `METHOD target`.
    #[must_use]
    pub fn relayed(&self) -> Vec<String> {
        locked(&self.shared.relayed).clone()
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Bytes that the kernel took from the emulator; what the other side really read is at most this.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// Bytes read from visitors.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.shared.received.load(Ordering::SeqCst)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // The acceptor sleeps in accept(2); one more connection wakes it.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for stream in locked(&self.shared.open).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept<F>(listener: &TcpListener, shared: &Arc<Shared>, handle: &Arc<F>)
where
    F: Fn(Peer) -> io::Result<()> + Send + Sync + 'static,
{
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let id = shared.connections.fetch_add(1, Ordering::SeqCst);
        let stream = Arc::new(stream);
        // Small answers in several writes would otherwise wait for the visitor's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        locked(&shared.open).insert(id, Arc::clone(&stream));
        let peer = Peer { stream, shared: Arc::clone(shared), deadline: Instant::now() + LIFETIME };
        let (handle, for_thread) = (Arc::clone(handle), Arc::clone(shared));
        let spawned = thread::Builder::new().stack_size(STACK).spawn(move || {
            // A visitor who hangs up is no failure of the emulator.
            let _ = handle(peer);
            locked(&for_thread.open).remove(&id);
        });
        if spawned.is_err() {
            locked(&shared.open).remove(&id);
        }
    }
}

/// One connection, as the emulator sees it. A clone is the same connection.
#[derive(Debug, Clone)]
pub struct Peer {
    stream: Arc<TcpStream>,
    shared: Arc<Shared>,
    deadline: Instant,
}

impl Peer {
    /// Whether the connection's time is up or the emulator was dropped.
    #[must_use]
    pub fn over(&self) -> bool {
        self.shared.stop.load(Ordering::SeqCst) || Instant::now() >= self.deadline
    }

    /// Sleeps, but not longer than the emulator lives.
    pub fn pause(&self, length: Duration) {
        let end = Instant::now() + length;
        while !self.over() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(Duration::from_millis(20)));
        }
    }

    /// Who is at the other end.
    #[must_use]
    pub fn visitor(&self) -> IpAddr {
        self.stream.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
    }

    /// Adds a line to [`Emulator::requests`].
    pub fn log(&self, line: impl Into<String>) {
        locked(&self.shared.requests).push(line.into());
    }

    /// Adds a line to [`Emulator::relayed`].
    pub fn log_relayed(&self, line: impl Into<String>) {
        locked(&self.shared.relayed).push(line.into());
    }

    /// Reads once, waiting at most `wait`; `None` when nothing came, `Some(0)` when the visitor closed.
    ///
    /// # Errors
    /// When the connection broke or its time is up.
    pub fn read_within(&self, buffer: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
        if self.over() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.stream.set_read_timeout(Some(left.min(wait).max(Duration::from_millis(1))))?;
        match (&*self.stream).read(buffer) {
            Ok(count) => {
                self.shared.received.fetch_add(count as u64, Ordering::SeqCst);
                Ok(Some(count))
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for something to arrive; `None` when the visitor closed first.
    ///
    /// # Errors
    /// When the connection broke or its time is up.
    pub fn read_some(&self) -> io::Result<Option<Vec<u8>>> {
        let mut buffer = vec![0; 16 * 1024];
        let count = self.read_within(&mut buffer, LIFETIME)?.ok_or(io::ErrorKind::TimedOut)?;
        buffer.truncate(count);
        Ok((count > 0).then_some(buffer))
    }

    /// Closes so that the visitor gets all that was sent: closing over unread bytes would send a reset, which
    /// may overtake the answer.
    pub fn finish(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let end = Instant::now() + Duration::from_secs(1);
        let mut buffer = [0; 4096];
        while let left @ 1.. = end.saturating_duration_since(Instant::now()).as_millis() {
            let wait = Duration::from_millis(u64::try_from(left).unwrap_or(1));
            if !matches!(self.read_within(&mut buffer, wait), Ok(Some(1..))) {
                return;
            }
        }
    }
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_within(buffer, LIFETIME)?.ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.over() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.stream.set_write_timeout(Some(left.max(Duration::from_millis(1))))?;
        let count = (&*self.stream).write(bytes)?;
        self.shared.sent.fetch_add(count as u64, Ordering::SeqCst);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_logs_what_happened() {
        let server = Emulator::serve(|mut peer| {
            let got = peer.read_some()?.unwrap_or_default();
            peer.log(String::from_utf8_lossy(&got));
            peer.write_all(b"pong!")?;
            peer.finish();
            Ok(())
        })
        .unwrap();
        let mut client = TcpStream::connect(server.address).unwrap();
        client.write_all(b"ping").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "pong!");
        assert_eq!(server.requests(), ["ping"]);
        assert_eq!((server.connections(), server.bytes_received(), server.bytes_sent()), (1, 4, 5));
        assert!(server.address.ip().is_loopback());
    }

    #[test]
    fn dropping_it_cuts_connections_and_frees_the_port() {
        let server = Emulator::serve(|peer| peer.read_some().map(drop)).unwrap();
        let address = server.address;
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"x").unwrap();
        let silent = Emulator::serve(|peer| {
            peer.pause(LIFETIME);
            Ok(())
        })
        .unwrap();
        let mut held = TcpStream::connect(silent.address).unwrap();
        let started = Instant::now();
        drop((server, silent));
        assert_eq!(held.read(&mut [0; 1]).unwrap_or(0), 0);
        assert!(started.elapsed() < Duration::from_secs(5));
        assert!(TcpStream::connect(address).is_err());
    }
}
