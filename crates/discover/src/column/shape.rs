//! The shape of a single value that no recogniser of identifiers knows.

use super::mask::{Mask, mask};

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A recogniser accepts it.
    Clear,
    /// A recogniser accepts what it decodes to.
    Encoded,
    /// A part is blotted out.
    Masked(Mask),
    /// Hex, as long as a usual digest has bytes.
    Digest(u16),
    /// A digest with its own salt, made for passwords: bcrypt, argon2, crypt, scrypt, PBKDF2.
    Password,
    /// A UUID.
    Token,
    /// Ciphertext in a format that says so.
    Encrypted,
    /// So many bytes that are no text.
    Bytes(u32),
    /// Prose, JSON or whatever else is too long for a field.
    Text,
    /// Something else.
    Other,
}

/// Bytes of MD5, SHA-1, SHA-224, SHA-256 and SM3, SHA-384, SHA-512.
const DIGESTS: [usize; 6] = [16, 20, 28, 32, 48, 64];

/// How stored passwords begin: <https://passlib.readthedocs.io/en/stable/modular_crypt_format.html>,
/// <https://docs.djangoproject.com/en/5.2/topics/auth/passwords/>,
/// <https://datatracker.ietf.org/doc/html/rfc2307> with OpenLDAP's salted schemes.
const PASSWORDS: [&str; 18] = [
    "$1$",
    "$2a$",
    "$2b$",
    "$2y$",
    "$5$",
    "$6$",
    "$7$",
    "$y$",
    "$gy$",
    "$argon2",
    "$scrypt$",
    "$pbkdf2",
    "$apr1$",
    "pbkdf2_sha",
    "pbkdf2:sha",
    "scrypt:",
    "{SSHA",
    "{PBKDF2",
];

/// How ciphertext begins that says what it is: Fernet (<https://github.com/fernet/spec>), HashiCorp Vault's transit
/// engine, `openssl enc` (`Salted__`), Jasypt and Mozilla SOPS, Spring Cloud Config, OpenPGP, age, Ansible Vault,
/// the AWS Encryption SDK and KMS, Laravel, Kubernetes.
const CIPHERTEXTS: [&str; 13] = [
    "gAAAAA",
    "vault:v",
    "U2FsdGVkX1",
    "ENC(",
    "ENC[",
    "{cipher}",
    "-----BEGIN PGP MESSAGE",
    "-----BEGIN AGE ENCRYPTED",
    "age-encryption.org/",
    "$ANSIBLE_VAULT",
    "AQICAH",
    "eyJpdiI6",
    "k8s:enc:",
];

/// The shape of a value by its own marks; `None`: it has none.
pub(super) fn marked(value: &str) -> Option<Shape> {
    let begins = |marks: &[&str]| marks.iter().any(|mark| value.starts_with(mark));
    let first = value.bytes().next();
    if value.len() >= 13 && matches!(first, Some(b'$' | b'p' | b's' | b'{')) && begins(&PASSWORDS) {
        return Some(Shape::Password);
    }
    if value.len() >= 20 && (begins(&CIPHERTEXTS) || is_jwe(value)) {
        return Some(Shape::Encrypted);
    }
    if is_uuid(value.as_bytes()) {
        return Some(Shape::Token);
    }
    if let Some(mask) = mask(value) {
        return Some(Shape::Masked(mask));
    }
    let (digits, bytes) = hex_digest(value)?;
    digits.bytes().any(|digit| digit.is_ascii_alphabetic()).then_some(Shape::Digest(bytes))
}

/// The hex digits of a digest, without the name of its algorithm, and its bytes.
pub(super) fn hex_digest(value: &str) -> Option<(&str, u16)> {
    if !(32..=140).contains(&value.len()) {
        return None;
    }
    let names = ["md5:", "sha1:", "sha256:", "sm3:", "sha512:", "{md5}", "{sha256}", "0x", "\\x"];
    let named = || names.iter().find_map(|name| value.strip_prefix(name));
    // Most digests have no name before them, and begin with any digit but a zero.
    let is_bare = value.bytes().next().is_some_and(|first| first != b'0' && first.is_ascii_hexdigit());
    let digits = if is_bare { value } else { named().unwrap_or(value) };
    let bytes = digits.len() / 2;
    let hex = digits.len() % 2 == 0 && faster_hex::hex_check(digits.as_bytes());
    (hex && DIGESTS.contains(&bytes)).then_some((digits, bytes as u16))
}

/// Hex in groups of 8, 4, 4, 4 and 12, with a version that exists (<https://www.rfc-editor.org/rfc/rfc9562>).
fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            14 => matches!(byte, b'1'..=b'8'),
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Five parts in base64url, of which the first is a JSON object: <https://www.rfc-editor.org/rfc/rfc7516#section-3.1>.
fn is_jwe(value: &str) -> bool {
    value.starts_with("eyJ") && value.bytes().filter(|byte| *byte == b'.').count() == 4
}

/// Whether a value is prose or a document rather than a field: long, and of several words, characters or marks.
pub(super) fn is_text(value: &[u8]) -> bool {
    let words = value.iter().filter(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b',' | b';' | b'"')).count();
    let foreign = value.iter().filter(|byte| !byte.is_ascii()).count();
    value.len() >= 24 && (words >= 2 || foreign >= 18) || value.len() >= 200
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_known_by_their_marks() {
        let fernet = "gAAAAABlYW1wbGUtb25seS1ub3QtYS1yZWFsLXRva2Vu";
        let cases = [
            ("$2b$12$abcdefghijklmnopqrstuv", Some(Shape::Password)),
            ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", Some(Shape::Password)),
            ("$6$salt$hash-of-it", Some(Shape::Password)),
            (fernet, Some(Shape::Encrypted)),
            ("vault:v1:AAAAAAAAAAAAAAAAAAAA", Some(Shape::Encrypted)),
            ("eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d", Some(Shape::Encrypted)),
            ("0190a6b2-7c1e-7def-8abc-1234567890ab", Some(Shape::Token)),
            ("d41d8cd98f00b204e9800998ecf8427e", Some(Shape::Digest(16))),
            ("DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", Some(Shape::Digest(20))),
            ("sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", Some(Shape::Digest(20))),
            ("12345678901234567890123456789012", None),
            ("780000199001010019", None),
            ("order-2024-000123", None),
        ];
        for (value, shape) in cases {
            assert_eq!(marked(value), shape, "{value}");
        }
    }

    #[test]
    fn prose_is_text_and_a_field_is_not() {
        assert!(is_text(b"called on monday, wants her file"));
        assert!(is_text("客户来电要求修改手机号码并且寄送合同".as_bytes()));
        assert!(
            !is_text(b"wang.xiaoming@mail.example.org")
                && !is_text("上海市浦东新区".as_bytes().get(..12).unwrap())
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_shape_or_none(text in "\\PC*") {
            let _ = (marked(&text), is_text(text.as_bytes()));
        }
    }
}
