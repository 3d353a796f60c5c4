//! From a store's door to a connected stream: the one way by which readers get out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::Bucket;
use net::{Dialer, Guard, Stream, Tls, Trust};

use super::StoreError;

/// Where a store listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// A host, by name or address, and a port.
    Tcp {
        /// The host; an IPv6 address without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A socket in this machine's file system.
    Socket(PathBuf),
}

impl std::fmt::Display for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Socket(path) => path.display().fmt(f),
        }
    }
}

/// Dials for readers, as far as the guard permits.
#[derive(Clone)]
pub struct Gate {
    dialer: Arc<Dialer>,
    guard: Arc<Guard>,
}

/// A connection, and whether its other end is this machine.
pub struct Line {
    /// The connection.
    pub stream: Stream,
    /// The other end is this machine: nobody is on the way.
    pub own: bool,
}

impl Gate {
    /// What is dialled goes through `dialer`, when `guard` permits it.
    pub fn new(dialer: Arc<Dialer>, guard: Arc<Guard>) -> Self {
        Self { dialer, guard }
    }

    /// Connects, without TLS. Of a name's addresses the first counts that is permitted and answers. `idle` is the longest
    /// wait for bytes.
    ///
    /// # Errors
    /// [`StoreError::Connection`] with what each address said.
    pub async fn open(&self, door: &Door, idle: Duration) -> Result<Line, StoreError> {
        self.open_for(door, None, idle).await
    }

    /// The same for a bucket, which is permitted by its name at the hosts of its provider.
    ///
    /// # Errors
    /// As [`Gate::open`].
    pub async fn open_for(
        &self,
        door: &Door,
        bucket: Option<&Bucket>,
        idle: Duration,
    ) -> Result<Line, StoreError> {
        let failed = |why: String| StoreError::Connection(format!("cannot connect to {door}: {why}"));
        let (host, port) = match door {
            Door::Socket(path) => {
                let stream = self.dialer.local_stream(path, idle).await;
                return stream
                    .map(|stream| Line { stream, own: true })
                    .map_err(|error| failed(error.to_string()));
            }
            Door::Tcp { host, port } => (host, *port),
        };
        let mut told = Vec::new();
        for address in net::lookup(host).await {
            let permit = match bucket {
                Some(bucket) => self.guard.permit_bucket(bucket, host, (address, port).into()),
                None => self.guard.permit_host(host, (address, port).into()),
            };
            let connected = match permit {
                Ok(permit) => self.dialer.stream(permit, None, idle).await.map_err(|error| error.to_string()),
                Err(refusal) => Err(refusal.to_string()),
            };
            match connected {
                Ok(stream) => return Ok(Line { stream, own: self.guard.is_own(address) }),
                Err(why) => told.push(why),
            }
        }
        if told.is_empty() {
            told.push("the name does not resolve".to_owned());
        }
        told.dedup();
        Err(failed(told.join("; ")))
    }

    /// How to speak TLS with `host` when certificates are believed as `trust` says.
    ///
    /// # Errors
    /// When the authorities cannot be read, or no certificate can name the host.
    pub fn tls(&self, host: &str, trust: &Trust) -> Result<Tls, StoreError> {
        self.dialer.tls(host, trust).map_err(|error| StoreError::Connection(error.to_string()))
    }
}
