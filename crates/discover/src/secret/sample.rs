//! Made-up secrets for the packs' examples. A pack writes `{alnum:30}`, and here it becomes thirty characters: so no
//! repository holds anything that a code host would take for a secret, and every example is tried with many values.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::check::{crc16, digits, polymod};

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGIT: &str = "0123456789";

/// Characters from each of these sets at least once, then from all of them.
fn draw(random: &mut fastrand::Rng, sets: &[&str], length: usize) -> String {
    let all: Vec<char> = sets.iter().flat_map(|set| set.chars()).collect();
    let mut drawn: Vec<char> = (0..length).map(|_| random.choice(all.iter().copied()).unwrap()).collect();
    // A run or a walk would make it a placeholder; so would words, but these are rare.
    for (place, set) in sets.iter().enumerate().take(length) {
        drawn[place] = random.choice(set.bytes()).unwrap() as char;
    }
    let mut order: Vec<char> = drawn;
    random.shuffle(&mut order);
    order.into_iter().collect()
}

fn bytes(random: &mut fastrand::Rng, length: usize) -> Vec<u8> {
    (0..length).map(|_| random.u8(..)).collect()
}

fn hex(random: &mut fastrand::Rng, length: usize) -> String {
    draw(random, &["abcdef", DIGIT], length)
}

/// Writes the placeholders of an example out.
pub(super) fn written_out(example: &str, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut text = String::new();
    let mut rest = example;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let sample = after.split_once('}').and_then(|(inside, next)| {
            let (name, argument) = inside.split_once(':').unwrap_or((inside, ""));
            Some((sample(&mut random, name, argument)?, next))
        });
        match sample {
            Some((sample, next)) => {
                text.push_str(&sample);
                rest = next;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    // Bytes of containers are written as `\x30`, as in Rust.
    unescaped(&text)
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = rest.strip_prefix(b"\\x").and_then(|rest| std::str::from_utf8(rest.get(..2)?).ok());
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[4..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

fn sample(random: &mut fastrand::Rng, name: &str, argument: &str) -> Option<String> {
    let length = argument.parse::<usize>();
    Some(match (name, length) {
        ("alnum", Ok(length)) => draw(random, &[LOWER, UPPER, DIGIT], length),
        ("lower", Ok(length)) => draw(random, &[LOWER, DIGIT], length),
        ("upper", Ok(length)) => draw(random, &[UPPER, DIGIT], length),
        ("letters", Ok(length)) => draw(random, &[LOWER], length),
        ("mixed", Ok(length)) => draw(random, &[LOWER, UPPER], length),
        ("digit", Ok(length)) => draw(random, &[DIGIT], length),
        ("hex", Ok(length)) => hex(random, length),
        ("HEX", Ok(length)) => draw(random, &["ABCDEF", DIGIT], length),
        ("base32", Ok(length)) => format!("Q{}", draw(random, &[UPPER, "234567"], length - 1)),
        ("b32lower", Ok(length)) => draw(random, &[LOWER, "234567"], length),
        ("base64", Ok(length)) => draw(random, &[LOWER, UPPER, DIGIT], length),
        ("url", Ok(length)) => draw(random, &[LOWER, UPPER, DIGIT], length),
        ("bytes64", Ok(length)) => STANDARD.encode(bytes(random, length)),
        ("uuid", _) => {
            let part = |random: &mut fastrand::Rng, length| hex(random, length);
            let lengths = [8, 4, 4, 4, 12].map(|length| part(random, length));
            lengths.join("-")
        }
        ("b64", _) => STANDARD.encode(argument),
        ("b64json", _) => STANDARD.encode(format!("{{{argument}}}")),
        ("crc62", _) => {
            let body = draw(random, &[LOWER, UPPER, DIGIT], 30);
            let sum = String::from_utf8(digits(crc32fast::hash(body.as_bytes())).to_vec()).ok()?;
            format!("{argument}{body}{sum}")
        }
        ("jwt", _) => format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(r#"{"sub":"kite","iat":1700000000,"exp":1893456000}"#),
            draw(random, &[LOWER, UPPER, DIGIT], 43)
        ),
        ("pem", _) => pem(random, argument, "\n"),
        ("pemline", _) => pem(random, argument, "\\n"),
        ("openssh", _) => {
            let inside =
                [b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none".to_vec(), bytes(random, 300)].concat();
            framed("OPENSSH PRIVATE KEY", &inside, "\n")
        }
        ("bech32", _) => bech32(random, argument),
        ("nkey", _) => nkey(random, argument),
        ("bcrypt", _) => format!("$2b$12${}", draw(random, &[LOWER, UPPER, DIGIT, "./"], 53)),
        ("snowflake", _) => {
            let number = format!("{}{}", random.u8(1..9), draw(random, &[DIGIT], 17));
            URL_SAFE_NO_PAD.encode(number)
        }
        _ => return None,
    })
}

fn pem(random: &mut fastrand::Rng, label: &str, newline: &str) -> String {
    let inside = [vec![0x30, 0x82, 0x02, 0x00], bytes(random, 512)].concat();
    framed(label, &inside, newline)
}

fn framed(label: &str, inside: &[u8], newline: &str) -> String {
    let body = STANDARD.encode(inside);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----{newline}{}{newline}-----END {label}-----{newline}", lines.join(newline))
}

fn bech32(random: &mut fastrand::Rng, prefix: &str) -> String {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let lower = prefix.to_ascii_lowercase();
    let mut values: Vec<u32> = lower.bytes().map(|byte| u32::from(byte >> 5)).collect();
    values.push(0);
    values.extend(lower.bytes().map(|byte| u32::from(byte & 31)));
    let data: Vec<u32> = (0..52).map(|_| random.u32(..32)).collect();
    values.extend(&data);
    values.extend([0; 6]);
    let sum = polymod(&values) ^ 1;
    let sum = (0..6).map(|place| sum >> (5 * (5 - place)) & 31);
    let text: String = data.into_iter().chain(sum).map(|value| ALPHABET[value as usize] as char).collect();
    format!("{prefix}1{}", text.to_ascii_uppercase())
}

fn nkey(random: &mut fastrand::Rng, kind: &str) -> String {
    // The first byte is 18 << 3 for a seed, of which the upper five bits are `S`; the type follows.
    let types = [("SU", 20_u8 << 3), ("SA", 0), ("SO", 14 << 3)];
    let of = types.iter().find(|(name, _)| *name == kind).unwrap().1;
    let mut data = vec![18 << 3 | of >> 5, (of & 31) << 3];
    data.extend(bytes(random, 32));
    data.extend(crc16(&data).to_le_bytes());
    base32(&data)
}

fn base32(data: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<u8> = data.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    bits.chunks(5)
        .map(|five| five.iter().chain([0; 5].iter()).take(5).fold(0, |sum, bit| sum << 1 | bit))
        .map(|value: u8| ALPHABET[usize::from(value)] as char)
        .collect()
}

#[test]
fn what_is_no_placeholder_stays() {
    assert_eq!(written_out("a {b} ${C} {{d}} \\x30", 1), b"a {b} ${C} {{d}} 0");
    assert_eq!(written_out("{hex:8}", 1).len(), 8);
}
