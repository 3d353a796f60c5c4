//! What the user owns and what was looked at.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Name(name, port) => write!(f, "tcp://{name}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Host(host) => write!(f, "host://{host}"),
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

/// Something the user owns: here, an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asset {
    /// `tcp://ADDRESS:PORT`, `unix:PATH` or `host://NAME`.
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

    /// The address without its scheme, as people write it.
    pub fn short(&self) -> &str {
        let address = self.address.as_str();
        address.split_once("://").map_or_else(|| address.trim_start_matches("unix:"), |(_, rest)| rest)
    }
}
