//! Keys of clouds.

use serde_json::Value;

use super::token::base32;
use super::{Outcome, base64};

/// The account's number is in an access key id: 40 bits of its base 32, shifted by one. Ids of before 2019 have another
/// layout, which the first letter after the prefix tells (`I` or `J`).
/// <https://awsteele.com/blog/2020/09/26/aws-access-key-format.html>
pub(super) fn aws_account(secret: &[u8]) -> Outcome {
    let Some(id) = secret.get(4..) else { return Outcome::Refuted };
    let Some(bytes) = base32(id) else { return Outcome::Refuted };
    let [a, b, c, d, e, f, ..] = *bytes.as_slice() else { return Outcome::Refuted };
    if matches!(id.first(), Some(b'A'..=b'P')) {
        return Outcome::Silent;
    }
    let number = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let account = (number & 0x7fff_ffff_ff80) >> 7;
    Outcome::Says(format!("of the account {account:012}"))
}

/// Base64 of so many bytes.
pub(super) fn base64_of(secret: &[u8], length: usize) -> Outcome {
    match base64(secret) {
        Some(bytes) if bytes.len() == length => Outcome::Silent,
        _ => Outcome::Refuted,
    }
}

/// The key file of a service account:
/// <https://cloud.google.com/iam/docs/keys-create-delete#creating>. Its e-mail address names a project, so it is not told.
pub(super) fn gcp_service_account(matched: &[u8]) -> Outcome {
    let begin = matched.iter().position(|byte| *byte == b'{').unwrap_or_default();
    let mut documents =
        serde_json::Deserializer::from_slice(matched.get(begin..).unwrap_or_default()).into_iter::<Value>();
    match documents.next() {
        Some(Ok(document)) if document.get("client_email").is_some_and(Value::is_string) => {
            Outcome::Says("a whole key file of a service account".to_owned())
        }
        _ => Outcome::Says("part of a key file of a service account".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of <https://medium.com/@TalBeerySec/a-short-note-on-aws-key-id-f88cc4317489>.
    #[test]
    fn an_access_key_id_tells_its_account() {
        let id = format!("ASIA{}", "QNZGKIQY56JQ7WML");
        assert_eq!(aws_account(id.as_bytes()), Outcome::Says("of the account 029608264753".to_owned()));
        assert_eq!(aws_account(b"AKIA01"), Outcome::Refuted);
    }

    #[test]
    fn a_key_has_the_length_that_its_base64_says() {
        assert_eq!(base64_of(format!("{}==", "A".repeat(86)).as_bytes(), 64), Outcome::Silent);
        assert_eq!(base64_of(b"AAAA", 64), Outcome::Refuted);
    }
}
