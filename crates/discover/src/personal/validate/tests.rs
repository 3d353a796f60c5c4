//! Published vectors, and what a scheme promises.

use super::*;

/// Names of validators that must catch every error of one digit, with a value that passes.
const SINGLE: &[(&str, &str)] = &[
    ("aadhaar", "234123412346"),
    ("ahv", "7569217076985"),
    ("bsn", "111222333"),
    ("card", "4111111111111111"),
    ("cn_resident", "11010519491231002X"),
    ("cn_credit_code", "91350100M000100Y43"),
    ("de_idnr", "36574261809"),
    ("dni", "54362315K"),
    ("hk_id", "A1234563"),
    ("iban", "GB82WEST12345698765432"),
    ("imei", "490154203237518"),
    ("nhs", "9434765919"),
    ("nir", "295109912611193"),
    ("nric", "S1234567D"),
    ("oib", "33392005961"),
    ("pesel", "44051401359"),
    ("pps", "6433435F"),
    ("rut", "125319092"),
    ("tckn", "17291716060"),
    ("tfn", "123456782"),
    ("za_id", "7503305044089"),
];

fn check(name: &str, value: &str) -> Check {
    find(name).unwrap().0(value.as_bytes())
}

#[test]
fn an_error_of_one_digit_is_caught() {
    for (name, value) in SINGLE {
        assert_ne!(check(name, value), Check::Fails, "{name}");
        for at in 0..value.len() {
            if !value.as_bytes()[at].is_ascii_digit() {
                continue;
            }
            for digit in '0'..='9' {
                let mut other = (*value).to_owned();
                other.replace_range(at..=at, digit.encode_utf8(&mut [0; 4]));
                if other != *value {
                    assert_eq!(check(name, &other), Check::Fails, "{name}: {other}");
                }
            }
        }
    }
}

#[test]
fn published_vectors_pass() {
    for (name, value) in [
        // GB 32100-2015, GB 11643-1999.
        ("cn_credit_code", "91350100M000100Y43"),
        ("cn_resident", "11010519491231002X"),
        // ISO 13616, and the examples of the registry.
        ("iban", "BE68539007547034"),
        ("iban", "MT84MALT011000012345MTLCAST001S"),
        // BIP 350.
        ("bech32", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"),
        ("bech32", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
        // ISO 3779, in the example of the check digit.
        ("vin", "1M8GDM9AXKP042788"),
        ("tw_id", "A123456789"),
        ("hk_id", "AB9876543"),
    ] {
        assert_ne!(check(name, value), Check::Fails, "{name}: {value}");
    }
}

#[test]
fn what_changes_with_time_is_evidence_and_no_gate() {
    assert_eq!(check("cn_resident", "11010519491231002X"), Check::Known);
    assert_eq!(check("cn_mobile", "15412345678"), Check::Passes);
    assert_eq!(check("cn_mobile", "13800138000"), Check::Known);
    assert_eq!(check("cpr", "2110625629"), Check::Known);
    assert_eq!(check("card", "9999999999999995"), Check::Passes);
}

#[test]
fn a_number_of_15_digits_becomes_one_of_18() {
    let mut out = b"kept".to_vec();
    to_18(b"110105491231002", &mut out);
    assert_eq!(out, b"kept11010519491231002X");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_decided_without_panic(bytes: Vec<u8>, digits in "[0-9A-Z]{0,40}") {
        for (_, validator, reader) in ALL {
            for text in [bytes.as_slice(), digits.as_bytes()] {
                validator(text);
                if let Some(reader) = reader {
                    reader(text, jiff::civil::date(2026, 11, 26));
                }
            }
        }
    }
}
