//! Logins of MongoDB: SCRAM ([RFC 5802](https://www.rfc-editor.org/rfc/rfc5802),
//! [RFC 7677](https://www.rfc-editor.org/rfc/rfc7677)) as its
//! [specification](https://github.com/mongodb/specifications/blob/master/source/auth/auth.md) has it, and MONGODB-CR for
//! servers before 3.0.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};
use model::Secret;
use ring::{digest, hmac, pbkdf2};

/// Fewest rounds that a server may ask for, and most that it gets: each costs time here.
const ROUNDS: std::ops::RangeInclusive<u32> = 4096..=1_000_000;

/// Which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Sha1,
    Sha256,
}

/// Why a login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bad(pub(super) &'static str);

impl Mechanism {
    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SCRAM-SHA-1",
            Self::Sha256 => "SCRAM-SHA-256",
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
        }
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        }
    }

    /// What stands for the password.
    fn prepared(self, user: &str, password: &Secret<String>) -> Result<String, Bad> {
        match self {
            Self::Sha1 => Ok(mongo_digest(user, password)),
            Self::Sha256 => stringprep::saslprep(password.reveal())
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| Bad("the password holds characters that no password may")),
        }
    }
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mongo_digest(user: &str, password: &Secret<String>) -> String {
    hex(Md5::digest(format!("{user}:mongo:{}", password.reveal())))
}

/// The proof of MONGODB-CR for a nonce of the server's.
pub(super) fn legacy_key(user: &str, password: &Secret<String>, nonce: &str) -> String {
    hex(Md5::digest(format!("{nonce}{user}{}", mongo_digest(user, password))))
}

/// A login on its way.
pub(super) struct Exchange {
    mechanism: Mechanism,
    nonce: String,
    first: String,
}

/// The last message of the client, and what the server has to answer.
pub(super) struct Proof {
    pub(super) message: String,
    signature: String,
}

impl Exchange {
    /// Begins with a nonce that was never used before.
    pub(super) fn new(mechanism: Mechanism, user: &str, nonce: String) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Self { mechanism, first: format!("n={user},r={nonce}"), nonce }
    }

    /// The first message.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.first)
    }

    /// Answers the server's first message.
    pub(super) fn proof(&self, user: &str, password: &Secret<String>, challenge: &str) -> Result<Proof, Bad> {
        let field = |name: &str| {
            let found = challenge.split(',').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
            found.ok_or(Bad("the server's challenge is not complete"))
        };
        let nonce = field("r")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(Bad("the server's nonce does not continue ours"));
        }
        let salt = BASE64.decode(field("s")?).map_err(|_| Bad("the server's salt is no base64"))?;
        let rounds = field("i")?.parse().ok().filter(|rounds| ROUNDS.contains(rounds));
        let rounds =
            rounds.and_then(NonZeroU32::new).ok_or(Bad("the server wants too few or too many rounds"))?;
        let prepared = self.mechanism.prepared(user, password)?;
        let mut salted = vec![0; self.mechanism.digest().output_len()];
        pbkdf2::derive(self.mechanism.pbkdf2(), rounds, &salt, prepared.as_bytes(), &mut salted);
        let sign = |key: &[u8], text: &str| {
            hmac::sign(&hmac::Key::new(self.mechanism.hmac(), key), text.as_bytes()).as_ref().to_vec()
        };
        let client_key = sign(&salted, "Client Key");
        let stored_key = digest::digest(self.mechanism.digest(), &client_key);
        let without_proof = format!("c=biws,r={nonce}");
        let all = format!("{},{challenge},{without_proof}", self.first);
        let proof: Vec<u8> =
            client_key.iter().zip(sign(stored_key.as_ref(), &all)).map(|(key, byte)| key ^ byte).collect();
        let signature = BASE64.encode(sign(&sign(&salted, "Server Key"), &all));
        Ok(Proof { message: format!("{without_proof},p={}", BASE64.encode(proof)), signature })
    }
}

impl Proof {
    /// Whether the server's last message proves that it knows the password, too.
    pub(super) fn is_answered_by(&self, message: &str) -> bool {
        message.split(',').any(|field| field.strip_prefix("v=") == Some(&self.signature))
    }
}

/// A nonce.
///
/// # Errors
/// When the system has no randomness.
pub(super) fn nonce() -> Result<String, Bad> {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; 24];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| Bad("the system has no randomness"))?;
    Ok(BASE64.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    /// The conversations of the specification:
    /// <https://github.com/mongodb/specifications/blob/master/source/auth/auth.md>; that of SHA-256 is RFC 7677's.
    #[test]
    fn the_specifications_conversations_come_out() {
        let exchange = Exchange::new(Mechanism::Sha1, "user", "fyko+d2lbbFgONRv9qkxdawL".to_owned());
        assert_eq!(exchange.first(), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
        let challenge =
            "r=fyko+d2lbbFgONRv9qkxdawLHo+Vgk7qvUOKUwuWLIWg4l/9SraGMHEE,s=rQ9ZY3MntBeuP3E1TDVC4w==,i=10000";
        let proof = exchange.proof("user", &secret("pencil"), challenge).unwrap();
        assert!(proof.message.ends_with(",p=MC2T8BvbmWRckDw8oWl5IVghwCY="), "{}", proof.message);
        assert!(proof.is_answered_by("v=UMWeI25JD1yNYZRMpZ4VHvhZ9e0="));
        assert!(!proof.is_answered_by("v=AAAA") && !proof.is_answered_by("e=other-error"));

        let exchange = Exchange::new(Mechanism::Sha256, "user", "rOprNGfwEbeRWgbNEkqO".to_owned());
        let challenge =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let proof = exchange.proof("user", &secret("pencil"), challenge).unwrap();
        assert!(
            proof.message.ends_with(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
            "{}",
            proof.message
        );
        assert!(proof.is_answered_by("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    }

    #[test]
    fn a_server_that_cheats_gets_no_proof() {
        let exchange = Exchange::new(Mechanism::Sha256, "a=b,c", "nonce".to_owned());
        assert_eq!(exchange.first(), "n,,n=a=3Db=2Cc,r=nonce");
        for challenge in [
            "",
            "r=other,s=AAAA,i=4096",
            "r=nonce,s=AAAA,i=4096",
            "r=nonce1,s=AAAA,i=1",
            "r=nonce1,s=AAAA,i=4294967295",
            "r=nonce1,s=A,i=4096",
            "r=nonce1,i=4096",
        ] {
            assert!(exchange.proof("u", &secret("p"), challenge).is_err(), "{challenge}");
        }
    }

    #[test]
    fn the_legacy_key_is_three_digests_in_one() {
        // echo -n 'user:mongo:pencil' | md5sum, then echo -n '2375531c32080ae8user...' | md5sum
        let inner = mongo_digest("user", &secret("pencil"));
        assert_eq!(inner, "1c33006ec1ffd90f9cadcbcc0e118200");
        assert_eq!(
            legacy_key("user", &secret("pencil"), "2375531c32080ae8"),
            "21742f26431831d5cfca035a08c5bdf6"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_challenge_is_read_without_panic(challenge: String) {
            let exchange = Exchange::new(Mechanism::Sha1, "u", "n".to_owned());
            let _ = exchange.proof("u", &secret("p"), &challenge);
        }
    }
}
