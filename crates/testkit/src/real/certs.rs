//! Certificates for the servers that want some. Made anew for every start, valid for nothing else.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

use super::Launch;
use crate::process::{Account, Error};

/// An authority that signs the certificates of one server.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes one, and writes its certificate to `ca.pem`.
    pub(super) fn new(launch: &Launch) -> Result<Self, Error> {
        let mut params = params("lab-ca", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(failed)?).map_err(failed)?;
        launch.write("ca.pem", &issuer.pem())?;
        Ok(Self { issuer })
    }

    /// Signs a certificate for `CN=name`, for server and client use, and writes `name.pem` and `name.key`
    /// (PKCS#8), the key readable for `account` alone.
    pub(super) fn issue(&self, launch: &Launch, name: &str, account: Account) -> Result<(), Error> {
        let mut params = params(name, &[launch.place.bind, IpAddr::from([127, 0, 0, 1])]);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        launch.write(&format!("{name}.pem"), &certificate.pem())?;
        launch.write_secret(&format!("{name}.key"), &key.serialize_pem(), account)?;
        Ok(())
    }
}

fn params(name: &str, addresses: &[IpAddr]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = addresses.iter().map(|address| SanType::IpAddress(*address)).collect();
    // Dates that every server's own certificate reader can represent.
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    params
}

fn failed(error: rcgen::Error) -> Error {
    Error::Certificate(error.to_string())
}
