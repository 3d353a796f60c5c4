//! Reads what is in the stores and files that were named, after it was found out who is let in.

use std::net::SocketAddr;
use std::path::PathBuf;

use model::{Bucket, Secret};

/// Something whose data are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A database, a cache or a search cluster.
    Store {
        /// The URL as the user wrote it.
        url: Secret<String>,
        /// The name of the host, if it was named.
        name: Option<String>,
        /// Where it is.
        addresses: Vec<SocketAddr>,
    },
    /// A bucket.
    Bucket {
        /// Which.
        bucket: Bucket,
        /// The addresses of its host.
        addresses: Vec<std::net::IpAddr>,
    },
    /// A file, a folder or a git repository of this machine.
    Path(PathBuf),
    /// Standard input.
    Input,
}
