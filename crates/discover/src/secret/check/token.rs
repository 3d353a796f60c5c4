//! Tokens that carry a checksum, or say something about themselves.

use jiff::Timestamp;
use serde_json::Value;

use super::{Outcome, base64};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The checksum of the tokens of GitHub and npm: CRC-32 of the random part, six digits in base 62.
/// <https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>
pub(super) fn base62_crc32(secret: &[u8]) -> Outcome {
    let Some(split) = secret.len().checked_sub(6) else { return Outcome::Refuted };
    let begin = secret.iter().position(|byte| *byte == b'_').map_or(0, |place| place + 1);
    let (Some(random), Some(checksum)) = (secret.get(begin..split), secret.get(split..)) else {
        return Outcome::Refuted;
    };
    if digits(crc32fast::hash(random)) == checksum {
        Outcome::Proven("its checksum is right".to_owned())
    } else {
        Outcome::Refuted
    }
}

/// Six digits in base 62.
pub(in super::super) fn digits(mut number: u32) -> [u8; 6] {
    let mut text = [b'0'; 6];
    for place in text.iter_mut().rev() {
        *place = BASE62.get((number % 62) as usize).copied().unwrap_or(b'0');
        number /= 62;
    }
    text
}

/// A routable token of GitLab: payload, `.`, two digits (version), `.`, two digits (length of the payload) and seven
/// (CRC-32 of all before), base 36.
/// <https://handbook.gitlab.com/handbook/engineering/architecture/design-documents/cells/routable_tokens/>
pub(super) fn gitlab_routable(secret: &[u8]) -> Outcome {
    let Some(split) = secret.len().checked_sub(7) else { return Outcome::Refuted };
    let (Some(before), Some(checksum)) = (secret.get(..split), secret.get(split..)) else {
        return Outcome::Refuted;
    };
    let text = std::str::from_utf8(checksum).unwrap_or_default();
    match u32::from_str_radix(text, 36) {
        Ok(number) if number == crc32fast::hash(before) => {
            Outcome::Proven("its checksum is right".to_owned())
        }
        // Not refuted: which bytes are summed up changed between versions.
        _ => Outcome::Silent,
    }
}

/// A JSON web token (RFC 7519). Nothing of it is told but the algorithm and the end.
pub(super) fn jwt(secret: &[u8]) -> Outcome {
    let mut parts = secret.split(|byte| *byte == b'.');
    let mut part = || serde_json::from_slice::<Value>(&base64(parts.next()?)?).ok();
    let (Some(header), Some(claims)) = (part(), part()) else { return Outcome::Refuted };
    let Some(algorithm) = header.get("alg").and_then(Value::as_str).and_then(algorithm) else {
        return Outcome::Refuted;
    };
    let end =
        claims.get("exp").and_then(Value::as_i64).and_then(|seconds| Timestamp::from_second(seconds).ok());
    Outcome::Says(match end {
        Some(end) => format!("a token signed with {algorithm} that ends on {}", end.strftime("%Y-%m-%d")),
        None => format!("a token signed with {algorithm} that never ends"),
    })
}

/// Algorithms of RFC 7518, 3.1, and RFC 8037: a name that is not among them may be anything, and is not repeated.
fn algorithm(name: &str) -> Option<&'static str> {
    const ALGORITHMS: &[&str] = &[
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384",
        "PS512", "EdDSA", "ES256K", "none",
    ];
    ALGORITHMS.iter().find(|known| **known == name).copied()
}

/// Bech32 (BIP 173): the last six characters are a checksum of all.
pub(super) fn bech32(secret: &[u8]) -> Outcome {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let lower = secret.to_ascii_lowercase();
    let Some(split) = lower.iter().rposition(|byte| *byte == b'1') else { return Outcome::Refuted };
    let (Some(prefix), Some(data)) = (lower.get(..split), lower.get(split + 1..)) else {
        return Outcome::Refuted;
    };
    let mut values: Vec<u32> = prefix.iter().map(|byte| u32::from(byte >> 5)).collect();
    values.push(0);
    values.extend(prefix.iter().map(|byte| u32::from(byte & 31)));
    for byte in data {
        match ALPHABET.iter().position(|character| character == byte) {
            Some(value) => values.push(value as u32),
            None => return Outcome::Refuted,
        }
    }
    if polymod(&values) == 1 { Outcome::Proven("its checksum is right".to_owned()) } else { Outcome::Refuted }
}

/// The checksum's polynomial, as BIP 173 gives it.
pub(in super::super) fn polymod(values: &[u32]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.iter().fold(1, |check: u32, value| {
        let top = check >> 25;
        let shifted = ((check & 0x01ff_ffff) << 5) ^ value;
        GENERATOR
            .iter()
            .enumerate()
            .fold(shifted, |sum, (bit, term)| if top >> bit & 1 == 1 { sum ^ term } else { sum })
    })
}

/// `user:password` in base64, as Docker and npm keep logins (RFC 7617).
pub(super) fn basic_login(secret: &[u8]) -> Outcome {
    let Some(login) = base64(secret).and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return Outcome::Refuted;
    };
    match login.split_once(':') {
        Some((user, password))
            if !user.is_empty() && !password.is_empty() && !login.contains(char::is_control) =>
        {
            Outcome::Says("decodes to a user and a password".to_owned())
        }
        _ => Outcome::Refuted,
    }
}

/// A JSON document in base64.
pub(super) fn base64_json(secret: &[u8]) -> Outcome {
    let begin = secret.windows(3).position(|three| three == b"eyJ").unwrap_or_default();
    let document =
        secret.get(begin..).and_then(base64).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    if document.is_some_and(|document| document.is_object()) { Outcome::Silent } else { Outcome::Refuted }
}

/// A macaroon whose location is `pypi.org`: <https://pypi.org/help/#apitoken>.
pub(super) fn pypi_macaroon(secret: &[u8]) -> Outcome {
    let begin = secret.strip_prefix(b"pypi-").and_then(|macaroon| base64(macaroon.get(..32)?));
    let place = begin.as_deref().unwrap_or_default();
    let has = |name: &[u8]| memchr::memmem::find(place, name).is_some();
    match () {
        () if has(b"test.pypi.org") => Outcome::Says("a macaroon for test.pypi.org".to_owned()),
        () if has(b"pypi.org") => Outcome::Says("a macaroon for pypi.org".to_owned()),
        () => Outcome::Refuted,
    }
}

/// Whether a key is for live operation or for tests: the provider writes it into the key.
pub(super) fn mode(secret: &[u8]) -> Outcome {
    let has = |word: &[u8]| memchr::memmem::find(secret.get(..24).unwrap_or(secret), word).is_some();
    match () {
        () if has(b"live") || has(b"production") => Outcome::Says("a key for live operation".to_owned()),
        () if has(b"test") || has(b"TEST") || has(b"sandbox") => Outcome::Says("a key for tests".to_owned()),
        () => Outcome::Silent,
    }
}

/// A token whose first part is an id of at least 17 digits in base64:
/// <https://discord.com/developers/docs/reference#authentication>.
pub(super) fn snowflake_first(secret: &[u8]) -> Outcome {
    let first = secret.split(|byte| *byte == b'.').next().and_then(base64).unwrap_or_default();
    if (17..=20).contains(&first.len()) && first.iter().all(u8::is_ascii_digit) {
        Outcome::Says("its first part is an account's number".to_owned())
    } else {
        Outcome::Refuted
    }
}

/// A seed of NATS: base 32 of two bytes of type, 32 of key, and their CRC-16 (XMODEM), low byte first.
/// <https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth>
pub(super) fn nkey(secret: &[u8]) -> Outcome {
    let Some(bytes) = base32(secret) else { return Outcome::Refuted };
    let Some((data, [low, high])) = bytes.split_last_chunk::<2>() else { return Outcome::Refuted };
    if crc16(data) == u16::from_le_bytes([*low, *high]) {
        Outcome::Proven("its checksum is right".to_owned())
    } else {
        Outcome::Refuted
    }
}

/// CRC-16/XMODEM.
pub(in super::super) fn crc16(data: &[u8]) -> u16 {
    data.iter().fold(0, |sum: u16, byte| {
        (0..8).fold(
            sum ^ u16::from(*byte) << 8,
            |sum, _| if sum & 0x8000 != 0 { sum << 1 ^ 0x1021 } else { sum << 1 },
        )
    })
}

/// Base 32 (RFC 4648, 6) without padding.
pub(super) fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let mut bits: u32 = 0;
    let mut held = 0;
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u32::from(value)) & 0x0fff;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_in_base_62_is_that_of_the_random_part() {
        let random = "a".repeat(30);
        let sum = String::from_utf8(digits(crc32fast::hash(random.as_bytes())).to_vec()).unwrap();
        assert!(matches!(base62_crc32(format!("ghp_{random}{sum}").as_bytes()), Outcome::Proven(_)));
        assert_eq!(base62_crc32(format!("ghp_{random}000000").as_bytes()), Outcome::Refuted);
    }

    /// The test vectors of BIP 173.
    #[test]
    fn bech32_is_checked_as_its_specification_says() {
        for text in ["A12UEL5L", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"] {
            assert!(matches!(bech32(text.as_bytes()), Outcome::Proven(_)), "{text}");
        }
        assert_eq!(bech32(b"A12UEL5M"), Outcome::Refuted);
    }

    /// The example of RFC 7519, 3.1: HS256, `exp` 1300819380.
    #[test]
    fn a_web_token_says_when_it_ends() {
        let token = concat!(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.",
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
        assert_eq!(
            jwt(token.as_bytes()),
            Outcome::Says("a token signed with HS256 that ends on 2011-03-22".to_owned())
        );
        assert_eq!(jwt(b"eyJhIjoxfQ.eyJhIjoxfQ.x"), Outcome::Refuted);
    }

    #[test]
    fn base_32_is_decoded_and_crc_16_is_xmodem() {
        assert_eq!(base32(b"MZXW6YTB").unwrap(), b"fooba");
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }
}
