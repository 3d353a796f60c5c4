//! Undoes once what everyone can undo: hex, base64, gzip.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};

/// Longer values are not decoded: they are documents, which readers take apart.
const LONGEST: usize = 4096;

/// So much of what was compressed is looked at.
const INFLATED: u64 = 8192;

/// Shorter values that could be base64 are words more often.
const SHORTEST: usize = 15;

const LENIENT: GeneralPurposeConfig =
    general_purpose::NO_PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);

/// Writes the bytes that a value stands for, if it is written in hex or base64, or compressed, or is no text.
pub fn decode(value: &[u8], into: &mut Vec<u8>) -> bool {
    into.clear();
    if value.len() > LONGEST {
        return false;
    }
    let decoded = if std::str::from_utf8(value).is_err() {
        into.extend_from_slice(value);
        true
    } else {
        unhex(value, into) || unbase64(value, into)
    };
    decoded && (inflate(into) || !into.is_empty())
}

/// Bytes written in hex, also as `0x…` and PostgreSQL's `\x…`.
pub(super) fn unhex(value: &[u8], into: &mut Vec<u8>) -> bool {
    let prefixes: [&[u8]; 2] = [b"0x", b"\\x"];
    let value = prefixes.iter().find_map(|prefix| value.strip_prefix(*prefix)).unwrap_or(value);
    let (pairs, rest) = value.as_chunks::<2>();
    if value.len() < SHORTEST || !rest.is_empty() {
        return false;
    }
    // Digits alone are a number, unless each pair of them is the code of a digit.
    let number = value.iter().all(u8::is_ascii_digit);
    if number && !(value.len() > 20 && pairs.iter().all(|[high, _]| *high == b'3')) {
        return false;
    }
    into.clear();
    into.resize(pairs.len(), 0);
    let is_hex = faster_hex::hex_decode(value, into).is_ok();
    if !is_hex {
        into.clear();
    }
    is_hex
}

fn unbase64(value: &[u8], into: &mut Vec<u8>) -> bool {
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    let mixed = has(u8::is_ascii_uppercase) && (has(u8::is_ascii_lowercase) || has(u8::is_ascii_digit));
    if value.len() < SHORTEST || !mixed {
        return false;
    }
    let for_urls = has(|byte| matches!(byte, b'-' | b'_'));
    into.clear();
    let result = if for_urls { FOR_URLS.decode_vec(value, into) } else { STANDARD.decode_vec(value, into) };
    result.is_ok()
}

fn inflate(bytes: &mut Vec<u8>) -> bool {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return false;
    }
    let mut inflated = Vec::new();
    let read = flate2::read::GzDecoder::new(bytes.as_slice()).take(INFLATED).read_to_end(&mut inflated);
    if read.is_err() {
        return false;
    }
    *bytes = inflated;
    true
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn decoded(value: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        decode(value, &mut bytes).then_some(bytes)
    }

    #[test]
    fn hex_base64_and_gzip_are_undone_once() {
        let clear = b"780000199001010019".as_slice();
        let hex: String = clear.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(decoded(hex.as_bytes()).unwrap(), clear);
        assert_eq!(decoded(b"MTU0MDAwMDAwMDE=").unwrap(), b"15400000001");
        assert_eq!(decoded(b"MTU0MDAwMDAwMDE").unwrap(), b"15400000001");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(clear).unwrap();
        let gzip = gzip.finish().unwrap();
        assert_eq!(decoded(&gzip).unwrap(), clear);
        assert_eq!(decoded(STANDARD.encode(&gzip).as_bytes()).unwrap(), clear);
    }

    #[test]
    fn numbers_and_words_are_not_decoded() {
        for value in ["780000199001010019", "12345678901234567890", "watertightwatertight", "short", ""] {
            assert_eq!(decoded(value.as_bytes()), None, "{value}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_tried_without_panic(bytes: Vec<u8>) {
            let _ = decoded(&bytes);
        }
    }
}
