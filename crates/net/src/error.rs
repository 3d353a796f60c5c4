//! Why an exchange did not end as hoped.

use thiserror::Error;

use crate::Refusal;

/// Why a connection or an exchange ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The guard refused the address. Nothing was sent.
    #[error(transparent)]
    Scope(#[from] Refusal),
    /// The host refused the connection.
    #[error("connection refused")]
    Refused,
    /// No answer to the connection request.
    #[error("no answer to the connection request ({0})")]
    Unreachable(String),
    /// The deadline over the whole exchange passed.
    #[error("no complete answer within the deadline")]
    Deadline,
    /// Nothing came for as long as this step waits.
    #[error("silence")]
    Quiet,
    /// The peer closed before the answer was complete.
    #[error("the peer closed the connection before a complete answer")]
    Ended,
    /// The peer reset the connection.
    #[error("the peer reset the connection")]
    Reset,
    /// The answer, or the conversation, is larger than the budget.
    #[error("more than the budget of {limit} {what}")]
    Budget {
        /// What was limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The bytes do not follow the protocol.
    #[error("malformed answer: {0}")]
    Malformed(String),
    /// The peer demands a client certificate: it said so in the handshake and ended the connection without one.
    #[error("TLS client certificate demanded")]
    ClientCertificate,
    /// The peer speaks TLS 1.1 or older only.
    #[error("TLS 1.1 or older only")]
    OldTls,
    /// The TLS handshake failed in another way.
    #[error("TLS handshake failed: {0}")]
    Tls(String),
    /// Another error of the operating system.
    #[error("{0}")]
    Io(std::io::Error),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionRefused => Self::Refused,
            Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => Self::Reset,
            Kind::UnexpectedEof => Self::Ended,
            Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::AddrNotAvailable | Kind::TimedOut => {
                Self::Unreachable(error.kind().to_string())
            }
            _ => Self::Io(error),
        }
    }
}
