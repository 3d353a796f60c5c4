//! Private keys, and digests of passwords.

use super::{Outcome, base64};

/// A private key in PEM (RFC 7468): whether a passphrase protects it, and whether what is inside is what it says.
pub(super) fn pem(matched: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(matched);
    // In JSON and source text line ends are written as `\n`.
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let Some((_, rest)) = text.split_once("-----BEGIN ") else { return Outcome::Refuted };
    let Some((label, rest)) = rest.split_once("-----") else { return Outcome::Refuted };
    let body = rest.split("-----END").next().unwrap_or_default();
    let encrypted = label.contains("ENCRYPTED") || body.contains("ENCRYPTED");
    let bytes: Vec<u8> = body
        .lines()
        .map(|line| {
            line.trim_matches(|character: char| {
                !character.is_ascii_alphanumeric() && !"+/=".contains(character)
            })
        })
        .filter(|line| !line.contains(':') && !line.starts_with('='))
        .flat_map(str::bytes)
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
        .collect();
    if bytes.len() < 40 {
        return Outcome::Refuted;
    }
    let Some(inside) = base64(&bytes) else { return whole(label, encrypted, false) };
    if label.contains("OPENSSH") {
        return openssh(&inside);
    }
    let parses = label.contains("PGP") || encrypted && !label.contains("ENCRYPTED") || is_der(&inside);
    whole(label, encrypted, parses)
}

fn whole(label: &str, encrypted: bool, parses: bool) -> Outcome {
    // A label comes from the text: only the known ones are repeated.
    let name = ["RSA", "EC", "DSA", "PGP"].into_iter().find(|name| label.starts_with(name));
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    let lock = match (parses, encrypted) {
        (_, true) => " behind a passphrase",
        // PGP says inside its packets whether there is one.
        (true, false) if !label.contains("PGP") => " without a passphrase",
        _ => "",
    };
    let what = if parses { "a whole private key" } else { "a private key, cut or damaged" };
    Outcome::Says(format!("{what}{name}{lock}"))
}

/// A SEQUENCE of DER whose length is that of the bytes (X.690, 8.1.3).
fn is_der(bytes: &[u8]) -> bool {
    let length = match bytes {
        [0x30, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        [0x30, 0x81, low, ..] => 3 + usize::from(*low),
        [0x30, low, ..] if *low < 0x80 => 2 + usize::from(*low),
        _ => return false,
    };
    length == bytes.len()
}

/// OpenSSH's own format: the name of a cipher follows the magic bytes, `none` where there is no passphrase.
/// <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key>
fn openssh(bytes: &[u8]) -> Outcome {
    let Some(rest) = bytes.strip_prefix(b"openssh-key-v1\0\0\0\0") else {
        return Outcome::Says("a private key, cut or damaged (OpenSSH)".to_owned());
    };
    match rest {
        [4, b'n', b'o', b'n', b'e', ..] => {
            Outcome::Says("a whole private key (OpenSSH) without a passphrase".to_owned())
        }
        _ => Outcome::Says("a whole private key (OpenSSH) behind a passphrase".to_owned()),
    }
}

/// A `.ppk` file says in its header how its key is encrypted.
/// <https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html>
pub(super) fn putty(matched: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(matched);
    match text.lines().find_map(|line| line.strip_prefix("Encryption:")).map(str::trim) {
        Some("none") => Outcome::Says("a PuTTY private key without a passphrase".to_owned()),
        Some(_) => Outcome::Says("a PuTTY private key behind a passphrase".to_owned()),
        None => Outcome::Refuted,
    }
}

/// The cost of trying passwords against a digest in the modular crypt format (crypt(5)).
pub(super) fn crypt_hash(secret: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(secret);
    let mut parts = text.split('$').skip(1);
    let words = match (parts.next(), parts.next()) {
        (Some("1" | "apr1"), _) => "MD5 crypt".to_owned(),
        (Some("2a" | "2b" | "2x" | "2y"), Some(cost)) => match cost.parse::<u8>() {
            Ok(cost) if (4..=31).contains(&cost) => format!("bcrypt with cost {cost}"),
            _ => return Outcome::Refuted,
        },
        (Some("5"), _) => "SHA-256 crypt".to_owned(),
        (Some("6"), _) => "SHA-512 crypt".to_owned(),
        (Some("y" | "7"), _) => "yescrypt or scrypt".to_owned(),
        (Some("argon2id" | "argon2i" | "argon2d"), _) => "Argon2".to_owned(),
        (Some("P" | "H"), _) => "phpass".to_owned(),
        _ => return Outcome::Silent,
    };
    Outcome::Says(words)
}

/// The beginning of a PKCS#12 container, which is DER: a sequence, version 3, a sequence, the type of its content.
/// RFC 7292, 4.
pub(super) fn pkcs12(matched: &[u8]) -> Outcome {
    const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    match matched {
        [0x30, 0x80..=0x83, ..] if memchr::memmem::find(matched, DATA).is_some() => {
            Outcome::Says("a PKCS#12 container".to_owned())
        }
        _ => Outcome::Refuted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(length: usize) -> String {
        use ::base64::Engine as _;
        let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
        let bytes: Vec<u8> =
            [0x30, 0x82, high, low].into_iter().chain((0..length).map(|byte| byte as u8)).collect();
        ::base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    fn said(label: &str, body: &str) -> Outcome {
        pem(format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----").as_bytes())
    }

    #[test]
    fn a_private_key_says_whether_a_passphrase_protects_it() {
        let key = sequence(300);
        let says = |words: &str| Outcome::Says(words.to_owned());
        assert_eq!(said("RSA PRIVATE KEY", &key), says("a whole private key (RSA) without a passphrase"));
        assert_eq!(
            said("PRIVATE KEY", &key.replace('A', "A\\n")),
            says("a whole private key without a passphrase")
        );
        assert_eq!(said("ENCRYPTED PRIVATE KEY", &key), says("a whole private key behind a passphrase"));
        assert_eq!(
            said("RSA PRIVATE KEY", &format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{key}")),
            says("a whole private key (RSA) behind a passphrase")
        );
        assert_eq!(
            said("EC PRIVATE KEY", &key.chars().take(200).collect::<String>()),
            says("a private key, cut or damaged (EC)")
        );
        assert_eq!(said("PRIVATE KEY", "..."), Outcome::Refuted);
    }

    #[test]
    fn digests_say_their_cost() {
        let hash = format!("$2b$12${}", "a".repeat(53));
        assert_eq!(crypt_hash(hash.as_bytes()), Outcome::Says("bcrypt with cost 12".to_owned()));
    }
}
