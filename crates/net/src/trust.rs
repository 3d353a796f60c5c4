//! Whom a client with credentials believes. A probe takes any certificate, as it has nothing to lose; a reader that sends a
//! password does what the store's own client does under the same setting (`sslmode` of libpq and its likes).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::{Error, tls};

/// Where distributions keep the authorities that they trust; the first that exists counts, `SSL_CERT_FILE` before it, as
/// for OpenSSL. <https://pkg.go.dev/crypto/x509> has the same list.
const SYSTEM: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Largest file of authorities that is read: today's bundles have a quarter of a megabyte.
const LARGEST: u64 = 8 << 20;

/// Which certificates a store may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Any: nobody can listen in, but whoever stands in between is not noticed (`sslmode=require`).
    Any,
    /// One that an authority signed, whatever host it names (`sslmode=verify-ca`).
    Issuer(Roots),
    /// One that an authority signed for this host (`sslmode=verify-full`).
    Host(Roots),
}

/// Where the authorities stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Those of the operating system.
    System,
    /// A file of PEM certificates, and no others.
    File(PathBuf),
}

/// A client configuration, and the flag that tells whether the server asked for a certificate.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) asked: Arc<AtomicBool>,
}

/// # Errors
/// When the authorities cannot be read.
pub(crate) fn client(provider: &Arc<CryptoProvider>, trust: &Trust) -> Result<Client, Error> {
    let (mut config, asked) = tls::client(provider)?;
    let (roots, host) = match trust {
        Trust::Any => (None, false),
        Trust::Issuer(roots) => (Some(roots), false),
        Trust::Host(roots) => (Some(roots), true),
    };
    if let Some(roots) = roots {
        let verifier = Verifier { roots: load(roots)?, host, provider: Arc::clone(provider) };
        config.dangerous().set_certificate_verifier(Arc::new(verifier));
    }
    Ok(Client { config: Arc::new(config), asked })
}

fn load(roots: &Roots) -> Result<RootCertStore, Error> {
    let path = match roots {
        Roots::File(path) => path.clone(),
        Roots::System => system().ok_or_else(|| {
            Error::Tls("this system has no file of certificate authorities; name one".to_owned())
        })?,
    };
    let unreadable = |why: String| Error::Tls(format!("{}: {why}", path.display()));
    let pem = read(&path).map_err(|error| unreadable(error.to_string()))?;
    let mut store = RootCertStore::empty();
    let (valid, _) = store.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    if valid == 0 {
        return Err(unreadable("holds no certificate of an authority".to_owned()));
    }
    Ok(store)
}

fn system() -> Option<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    named.into_iter().chain(SYSTEM.iter().map(PathBuf::from)).find(|path| path.is_file())
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Believes authorities. The name is checked apart from the signatures, because `verify-ca` does without it.
#[derive(Debug)]
struct Verifier {
    roots: RootCertStore,
    host: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)?;
        if self.host {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
