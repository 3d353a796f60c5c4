//! What a TLS handshake told everybody.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts of a TLS handshake and of the certificate that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsFacts {
    /// `TLS 1.2` or `TLS 1.3`.
    pub protocol: String,
    /// Subject of the server's certificate, escaped.
    pub subject: String,
    /// Issuer of the server's certificate, escaped.
    pub issuer: String,
    /// Until when the certificate is valid; `None` when it could not be read.
    #[schemars(with = "Option<String>")]
    pub not_after: Option<Timestamp>,
    /// The server asked for a client certificate.
    pub client_certificate_requested: bool,
}

impl TlsFacts {
    /// Whether the certificate had expired at `now`.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.not_after.is_some_and(|end| end < now)
    }
}
