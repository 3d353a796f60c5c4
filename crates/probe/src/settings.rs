//! How a run works, and how far it is.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// How the engine works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// One deadline over everything that is said to one endpoint.
    pub deadline: Duration,
    /// Endpoints of one host that are looked at at the same time.
    pub per_host: usize,
    /// Ports of one host that are tried for a connection at the same time. A firewall that drops everything makes each wait.
    pub knocking: usize,
    /// Hosts that are looked at at the same time.
    pub hosts: usize,
    /// Longest random pause before an endpoint of another host is dialled.
    pub jitter: Duration,
    /// Whether logins that vendors document as the default are tried.
    pub try_defaults: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            per_host: 8,
            knocking: 64,
            hosts: 4096,
            jitter: Duration::from_millis(20),
            try_defaults: false,
        }
    }
}

/// How far a run is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Endpoints that are done.
    pub done: AtomicU64,
    /// Endpoints at which a stranger gets in.
    pub open: AtomicU64,
}
