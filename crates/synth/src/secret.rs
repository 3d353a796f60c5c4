//! Secrets that open nothing. They are put together here, so that no scanner of a code host finds them in this file.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::draw::{below, mix};

/// A secret as it could lie around.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// What it is.
    pub kind: &'static str,
    /// The secret, or the whole address that holds it.
    pub value: String,
    /// The half that belongs to it, such as the password in an address, or the secret beside the id of a key.
    pub password: Option<String>,
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// One of each kind.
pub fn secrets(seed: u64) -> Vec<Secret> {
    let password = letters(BASE62, 20, mix(seed, 8));
    let pair = |kind, prefix: [&str; 2], id: String, secret: String| Secret {
        kind,
        value: format!("{}{id}", prefix.concat()),
        password: Some(secret),
    };
    vec![
        pair(
            "alibaba_access_key",
            ["LT", "AI5t"],
            letters(BASE62, 18, mix(seed, 1)),
            letters(BASE62, 30, mix(seed, 2)),
        ),
        pair(
            "aws_access_key",
            ["AK", "IA"],
            letters(BASE32, 16, mix(seed, 3)),
            letters(BASE62, 40, mix(seed, 4)),
        ),
        pair(
            "tencent_secret_id",
            ["AK", "ID"],
            letters(BASE62, 32, mix(seed, 5)),
            letters(BASE62, 32, mix(seed, 6)),
        ),
        Secret { kind: "github_token", value: github(seed), password: None },
        Secret {
            kind: "postgres_url",
            value: format!(
                "{}://keeper:{password}@people-db.example.internal:5432/people",
                ["postgre", "sql"].concat()
            ),
            password: Some(password),
        },
        Secret { kind: "private_key", value: private_key(seed), password: None },
        Secret { kind: "jwt", value: jwt(seed), password: None },
    ]
}

fn letters(alphabet: &[u8], length: u64, draw: u64) -> String {
    let letter = |turn| alphabet.get(below(mix(draw, turn), alphabet.len() as u64) as usize).copied();
    (0..length).filter_map(letter).map(char::from).collect()
}

/// A personal access token, whose last six characters are the CRC-32 of the thirty before them in base 62:
/// <https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>.
fn github(seed: u64) -> String {
    let random = letters(BASE62, 30, mix(seed, 7));
    let mut sum = crc32fast::hash(random.as_bytes());
    let mut check = [b'0'; 6];
    for slot in check.iter_mut().rev() {
        *slot = BASE62.get((sum % 62) as usize).copied().unwrap_or(b'0');
        sum /= 62;
    }
    format!("{}{random}{}", ["gh", "p_"].concat(), String::from_utf8_lossy(&check))
}

/// An Ed25519 key in PKCS #8 (RFC 8410, section 7): a fixed head and 32 bytes, all of which are keys.
fn private_key(seed: u64) -> String {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend((0..32).map(|turn| (mix(mix(seed, 9), turn) >> 24) as u8));
    let line = |word| format!("-----{word} {} KEY-----", ["PRI", "VATE"].concat());
    format!("{}\n{}\n{}\n", line("BEGIN"), STANDARD.encode(der), line("END"))
}

/// A token that was never signed with any key.
fn jwt(seed: u64) -> String {
    let signature: Vec<u8> = (0..32).map(|turn| (mix(mix(seed, 10), turn) >> 24) as u8).collect();
    [br#"{"alg":"HS256","typ":"JWT"}"#.as_slice(), br#"{"sub":"keeper","exp":4102444800}"#, &signature]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_the_shape_of_their_kind() {
        let all = secrets(1);
        let of = |kind: &str| all.iter().find(|secret| secret.kind == kind).unwrap().clone();
        assert_eq!(of("github_token").value.len(), 40);
        assert_eq!(of("aws_access_key").value.len(), 20);
        assert_eq!(of("alibaba_access_key").value.len(), 24);
        assert_eq!(of("private_key").value.lines().count(), 3);
        let url = of("postgres_url");
        assert!(url.value.contains(&url.password.unwrap()));
        assert_ne!(secrets(1), secrets(2));
    }
}
