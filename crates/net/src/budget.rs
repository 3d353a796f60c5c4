//! Every number that bounds what a probe may cost, in one place.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::Error;

/// What the exchanges with one endpoint may cost.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Connections.
    pub connections: u64,
    /// Requests of a request-and-answer protocol.
    pub requests: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received, over all connections.
    pub received: u64,
}

/// For finding out what speaks there. A web server of unknown product is asked for one path of each product, and may
/// close the connection after every answer.
pub const DETECTION: Budget = Budget { connections: 80, requests: 72, sent: 24 << 10, received: 512 << 10 };

/// For the verdict, once the service is known.
pub const VERDICT: Budget = Budget { connections: 8, requests: 20, sent: 12 << 10, received: 1 << 20 };

/// Longest wait for a TCP handshake.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);

/// Most connections open at the same time, whatever the limit of open files allows.
const CONNECTIONS: u64 = 4096;

/// Files that the rest of the program may need while the connections are open.
const RESERVED_FILES: u64 = 128;

/// Counts what was spent against a budget.
#[derive(Debug)]
pub(crate) struct Meter {
    budget: Budget,
    connections: AtomicU64,
    requests: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Meter {
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            budget,
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        }
    }

    pub(crate) fn connection(&self) -> Result<(), Error> {
        spend(&self.connections, 1, self.budget.connections, "connections")
    }

    pub(crate) fn request(&self) -> Result<(), Error> {
        spend(&self.requests, 1, self.budget.requests, "requests")
    }

    pub(crate) fn sent(&self, bytes: usize) -> Result<(), Error> {
        spend(&self.sent, bytes as u64, self.budget.sent, "bytes to send")
    }

    pub(crate) fn received(&self, bytes: usize) -> Result<(), Error> {
        spend(&self.received, bytes as u64, self.budget.received, "bytes to receive")
    }
}

fn spend(counter: &AtomicU64, amount: u64, limit: u64, what: &'static str) -> Result<(), Error> {
    let before = counter.fetch_add(amount, Ordering::Relaxed);
    if before.saturating_add(amount) > limit { Err(Error::Budget { what, limit }) } else { Ok(()) }
}

/// How many connections may be open at once: raises the soft limit of open files to the hard one, and stays below
/// it, so that a large scan waits instead of failing for want of descriptors.
pub fn open_file_allowance() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let limit = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < hard => match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
            Ok(()) => hard,
            Err(_) => soft,
        },
        Ok((soft, _)) => soft,
        Err(_) => 256,
    };
    usize::try_from(limit.saturating_sub(RESERVED_FILES).clamp(16, CONNECTIONS)).unwrap_or(16)
}
