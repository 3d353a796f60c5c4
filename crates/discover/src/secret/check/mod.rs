//! What a secret's own structure says, without asking anybody.

mod cloud;
mod keys;
mod token;

#[cfg(test)]
pub(super) use token::{crc16, digits, polymod};

use serde::Deserialize;

/// A check, as a pack names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Check {
    /// The last six characters are the CRC-32 of those between them and the first `_`, in base 62.
    Base62Crc32,
    /// The last eight hexadecimal digits, after `_`, are a CRC-32.
    Base36Crc32,
    /// An access key id has the account's number in it.
    AwsAccount,
    /// Base64 of exactly 64 bytes.
    Base64Of64,
    /// Base64 of exactly 32 bytes.
    Base64Of32,
    /// JSON of a service account with a private key.
    GcpServiceAccount,
    /// A JSON web token: algorithm, end.
    Jwt,
    /// A private key between `-----BEGIN` and `-----END`.
    Pem,
    /// A key of PuTTY.
    Putty,
    /// Bech32 with its checksum.
    Bech32,
    /// Base64 of `user:password`.
    BasicLogin,
    /// Base64 of a JSON document.
    Base64Json,
    /// A macaroon of PyPI.
    PypiMacaroon,
    /// A digest of a password in the modular crypt format.
    CryptHash,
    /// `live` and `test` keys.
    Mode,
    /// The first part is a number in base64: an account's id.
    SnowflakeFirst,
    /// A PKCS#12 container.
    Pkcs12,
    /// A key pair's secret of a NATS account or user.
    Nkey,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The structure contradicts the shape: it is no such secret.
    Refuted,
    /// The structure is right, and this is what it says.
    Says(String),
    /// The structure is right as far as it goes. Nothing to tell.
    Silent,
    /// A checksum is right: by chance that does not happen.
    Proven(String),
}

impl Check {
    /// Checks a secret; `matched` is the whole match of the pattern around it.
    pub(super) fn run(self, secret: &[u8], matched: &[u8]) -> Outcome {
        match self {
            Self::Base62Crc32 => token::base62_crc32(secret),
            Self::Base36Crc32 => token::gitlab_routable(secret),
            Self::AwsAccount => cloud::aws_account(secret),
            Self::Base64Of64 => cloud::base64_of(secret, 64),
            Self::Base64Of32 => cloud::base64_of(secret, 32),
            Self::GcpServiceAccount => cloud::gcp_service_account(matched),
            Self::Jwt => token::jwt(secret),
            Self::Pem => keys::pem(matched),
            Self::Putty => keys::putty(matched),
            Self::Bech32 => token::bech32(secret),
            Self::BasicLogin => token::basic_login(secret),
            Self::Base64Json => token::base64_json(secret),
            Self::PypiMacaroon => token::pypi_macaroon(secret),
            Self::CryptHash => keys::crypt_hash(secret),
            Self::Mode => token::mode(secret),
            Self::SnowflakeFirst => token::snowflake_first(secret),
            Self::Pkcs12 => keys::pkcs12(matched),
            Self::Nkey => token::nkey(secret),
        }
    }
}

/// Base64 in either alphabet, with or without padding. At most 16 KiB are decoded.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    use base64::Engine as _;
    use base64::alphabet::{STANDARD, URL_SAFE};
    use base64::engine::general_purpose::GeneralPurpose;
    use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    if text.len() > super::pack::LONGEST_REACH {
        return None;
    }
    let alphabet = if text.iter().any(|byte| matches!(byte, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_bytes_are_checked_without_panic(secret: Vec<u8>) {
            for check in ALL {
                let _ = check.run(&secret, &secret);
            }
        }

        #[test]
        fn text_is_checked_without_panic(secret in "[A-Za-z0-9_./+=$-]{0,90}") {
            for check in ALL {
                let _ = check.run(secret.as_bytes(), secret.as_bytes());
            }
        }
    }

    const ALL: [Check; 18] = [
        Check::Base62Crc32,
        Check::Base36Crc32,
        Check::AwsAccount,
        Check::Base64Of64,
        Check::Base64Of32,
        Check::GcpServiceAccount,
        Check::Jwt,
        Check::Pem,
        Check::Putty,
        Check::Bech32,
        Check::BasicLogin,
        Check::Base64Json,
        Check::PypiMacaroon,
        Check::CryptHash,
        Check::Mode,
        Check::SnowflakeFirst,
        Check::Pkcs12,
        Check::Nkey,
    ];
}
