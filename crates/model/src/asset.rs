//! What the user owns and what was looked at.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Bucket;

/// Where a service listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// A TCP endpoint.
    Tcp(SocketAddr),
    /// A TCP endpoint whose name has no address (it did not resolve).
    Name(String, u16),
    /// A Unix socket of this machine.
    Unix(PathBuf),
    /// A whole host, when none of its ports answered.
    Host(String),
    /// A bucket.
    Bucket(Bucket),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Name(name, port) => write!(f, "tcp://{name}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Host(host) => write!(f, "host://{host}"),
            Self::Bucket(bucket) => bucket.fmt(f),
        }
    }
}

/// The process that owns a listening socket of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Process {
    /// Process id in this process-id namespace.
    pub pid: i32,
    /// The kernel's name of it (`comm`, at most 15 bytes).
    pub name: String,
    /// Numeric user id it runs under.
    pub uid: u32,
}

/// Something the user owns: here, an endpoint or a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asset {
    /// `tcp://ADDRESS:PORT`, `unix:PATH`, `host://NAME`, or a bucket such as `oss://NAME`.
    pub address: String,
    /// The host name by which the user asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address the listener is bound to, where the listener is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<String>,
    /// The owner of the listener, where the listener is ours and the kernel lets us see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

impl Asset {
    /// An asset of which only the address is known.
    pub fn at(address: &Address) -> Self {
        Self { address: address.to_string(), name: None, bind: None, process: None }
    }

    /// The address as people write it: without its scheme, unless that tells who keeps a bucket.
    pub fn short(&self) -> &str {
        let address = self.address.as_str();
        let scheme = ["tcp://", "unix:", "host://"].into_iter().find(|scheme| address.starts_with(scheme));
        scheme.and_then(|scheme| address.strip_prefix(scheme)).unwrap_or(address)
    }
}
