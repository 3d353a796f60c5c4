//! TLS towards strangers' servers: any certificate is accepted, because the question is who is let in, not whom
//! we trust. Nothing secret is ever sent over such a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use model::{TlsFacts, excerpt};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, DigitallySignedStruct, ProtocolVersion, SignatureScheme};

use crate::Error;

/// Accepts every certificate: it is evidence, not trust.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Has no certificate to show, and notes that one was asked for.
#[derive(Debug)]
struct NoCertificate(Arc<AtomicBool>);

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        // rustls asks `resolve` only when this says yes; the answer there is what is sent.
        true
    }
}

/// A client configuration and the flag that tells whether the server asked for a certificate.
pub(crate) fn client(provider: &Arc<CryptoProvider>) -> Result<(ClientConfig, Arc<AtomicBool>), Error> {
    let asked = Arc::new(AtomicBool::new(false));
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Tls(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptAny(Arc::clone(provider))))
        .with_client_cert_resolver(Arc::new(NoCertificate(Arc::clone(&asked))));
    config.resumption = Resumption::disabled();
    Ok((config, asked))
}

/// The facts that a finished handshake told.
pub(crate) fn facts(connection: &rustls::ClientConnection, asked: &AtomicBool) -> TlsFacts {
    let certificate = connection.peer_certificates().and_then(<[_]>::first);
    let (subject, issuer, not_after) = certificate.and_then(|der| certificate_facts(der)).unwrap_or_default();
    TlsFacts {
        protocol: match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
            other => format!("{other:?}"),
        },
        subject,
        issuer,
        not_after,
        client_certificate_requested: asked.load(Ordering::Relaxed),
    }
}

fn certificate_facts(der: &[u8]) -> Option<(String, String, Option<Timestamp>)> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let not_after = Timestamp::from_second(certificate.validity().not_after.timestamp()).ok();
    let name = |name: &x509_parser::x509::X509Name<'_>| excerpt(name.to_string().as_bytes());
    Some((name(certificate.subject()), name(certificate.issuer()), not_after))
}

/// Says what a failed handshake, or an alert after it, means.
pub(crate) fn explain(error: std::io::Error, asked: bool) -> Error {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return Error::from(error);
    };
    match tls {
        rustls::Error::AlertReceived(alert) => explain_alert(*alert, asked),
        rustls::Error::PeerIncompatible(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13)
        | rustls::Error::PeerIncompatible(rustls::PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig) => {
            Error::OldTls
        }
        other => Error::Tls(excerpt(other.to_string().as_bytes())),
    }
}

fn explain_alert(alert: AlertDescription, asked: bool) -> Error {
    match alert {
        AlertDescription::ProtocolVersion => Error::OldTls,
        AlertDescription::CertificateRequired => Error::ClientCertificate,
        // Only a server that asked for a certificate can mean ours when it says so.
        AlertDescription::BadCertificate | AlertDescription::HandshakeFailure if asked => {
            Error::ClientCertificate
        }
        other => Error::Tls(format!("alert {other:?}")),
    }
}
