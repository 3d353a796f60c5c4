//! A small web server behind TLS, with a certificate of any age.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::http::{self, Reply, Request};
use super::{Emulator, Peer};

/// Answers every request with `answer` (a whole HTTP answer), over TLS with a certificate that ended with `year`.
///
/// # Errors
/// When the certificate cannot be made, or no port can be had.
pub fn start(year: i32, answer: &'static str) -> io::Result<Emulator> {
    let config = Arc::new(config(year).map_err(io::Error::other)?);
    Emulator::serve(move |peer: Peer| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, peer);
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer)? > 0 {
            stream.write_all(answer.as_bytes())?;
            stream.flush()?;
        }
        Ok(())
    })
}

/// Answers every request by one function, over TLS, at a loopback address in a namespace.
///
/// # Errors
/// When the certificate cannot be made, or the port cannot be had.
pub fn serve_at(
    address: SocketAddr,
    answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> io::Result<Emulator> {
    let config = Arc::new(config(2099).map_err(io::Error::other)?);
    Emulator::serve_at(address, move |peer: Peer| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        http::serve_over(StreamOwned::new(connection, peer.clone()), &peer, &answer)
    })
}

fn config(year: i32) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let mut params = CertificateParams::new(vec!["emulator.example".to_owned()])?;
    params.not_before = date_time_ymd(year - 1, 1, 1);
    params.not_after = date_time_ymd(year, 12, 31);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?)
}
