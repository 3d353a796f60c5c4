//! The same values protected, or as if: digests, ciphertext, tokens, masks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sm3::Sm3;

use crate::draw::{digits, mix};
use crate::lookalike::hex;
use crate::noise::{Harm, Source, mask};
use crate::world::{Draw, Record, World};

/// A way to protect a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Unsalted digest, as hexadecimal digits.
    Md5,
    /// Unsalted digest, as hexadecimal digits.
    Sha1,
    /// Unsalted digest, as hexadecimal digits.
    Sha256,
    /// Unsalted digest (GB/T 32905-2016), as hexadecimal digits.
    Sm3,
    /// 64 hexadecimal digits that nobody can compute: what a keyed digest looks like. Equal values stay equal.
    Keyed,
    /// 32 bytes in base64: a block cipher without a nonce. Equal values stay equal.
    Blocks,
    /// 46 bytes in base64: nonce, 18 bytes, tag. No two are equal.
    Sealed,
    /// Ciphertext that names itself, as Vault's transit engine writes it
    /// (<https://developer.hashicorp.com/vault/docs/secrets/transit>).
    Vault,
    /// Other digits of the same number: format-preserving encryption, or a token.
    Token,
    /// The middle is blotted out.
    Masked,
    /// Looks like a password digest of bcrypt; no password has it.
    Bcrypt,
    /// The value itself in base64, which protects nobody.
    Base64,
    /// Half of the records as they are, half as a keyed digest: a migration that was not finished.
    Half,
}

impl Way {
    /// The form, in the words of `watertight`'s data records.
    pub fn form(self) -> &'static str {
        match self {
            Self::Md5 | Self::Sha1 | Self::Sha256 | Self::Sm3 => "hashed_enumerable",
            Self::Keyed | Self::Blocks | Self::Sealed => "opaque",
            Self::Vault => "encrypted",
            Self::Token => "tokenised",
            Self::Masked => "masked",
            Self::Bcrypt => "hashed",
            Self::Base64 => "clear",
            Self::Half => "mixed",
        }
    }
}

/// Bcrypt's own base64 (<https://www.openbsd.org/papers/bcrypt-paper.pdf>).
const BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl World {
    /// Writes the person's value protected; `false`: there is none.
    pub(crate) fn write_protected(
        &self,
        record: &Record,
        source: Source,
        way: Way,
        out: &mut Vec<u8>,
    ) -> bool {
        let person = &record.person;
        if self.harm(person, source) == Harm::Missing {
            return false;
        }
        let mut value = Vec::new();
        self.write_clean(person, source, &mut value);
        let of_person = mix(person.key ^ source as u64, Draw::Token as u64 + ((way as u64) << 8));
        let of_record = mix(record.key ^ source as u64, Draw::Sealed as u64 + ((way as u64) << 8));
        match way {
            Way::Md5 => hex_of(&Md5::digest(&value), out),
            Way::Sha1 => hex_of(&Sha1::digest(&value), out),
            Way::Sha256 => hex_of(&Sha256::digest(&value), out),
            Way::Sm3 => hex_of(&Sm3::digest(&value), out),
            Way::Keyed => hex(&[0, 1, 2, 3].map(|turn| mix(of_person, turn)), out),
            Way::Blocks => base64(&random::<32>(of_person), out),
            Way::Sealed => base64(&random::<46>(of_record), out),
            Way::Vault => {
                out.extend_from_slice(b"vault:v1:");
                base64(&random::<46>(of_record), out);
            }
            Way::Token => token(&value, of_person, out),
            Way::Masked => mask(&value, source, out),
            Way::Bcrypt => {
                out.extend_from_slice(b"$2b$12$");
                out.extend(
                    random::<53>(of_person).iter().filter_map(|byte| BCRYPT.get(usize::from(byte % 64))),
                );
            }
            Way::Base64 => base64(&value, out),
            Way::Half if record.draw(Draw::Migrated).is_multiple_of(2) => out.extend_from_slice(&value),
            Way::Half => hex(&[0, 1, 2, 3].map(|turn| mix(of_person, turn)), out),
        }
        true
    }
}

fn token(value: &[u8], draw: u64, out: &mut Vec<u8>) {
    let other = digits::<19>(draw);
    let mut other = other.iter().rev();
    for &letter in value {
        out.push(if letter.is_ascii_digit() { other.next().copied().unwrap_or(letter) } else { letter });
    }
}

fn random<const N: usize>(draw: u64) -> [u8; N] {
    let mut out = [0; N];
    for (turn, slot) in out.iter_mut().enumerate() {
        *slot = (mix(draw, turn as u64) >> 24) as u8;
    }
    out
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
}

fn hex_of(bytes: &[u8], out: &mut Vec<u8>) {
    let letter = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    out.extend(bytes.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]));
}

/// The digests by which a value could be found again, as hexadecimal digits.
pub(crate) fn digests(value: &[u8]) -> [String; 4] {
    let text = |bytes: &[u8]| {
        let mut out = Vec::new();
        hex_of(bytes, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    [
        text(&Md5::digest(value)),
        text(&Sha1::digest(value)),
        text(&Sha256::digest(value)),
        text(&Sm3::digest(value)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn of(way: Way, source: Source, number: u64) -> String {
        let world = World::new(Settings { records: 200, ..Settings::new(4, 100) }).unwrap();
        let mut out = Vec::new();
        assert!(world.write_protected(&world.record(number), source, way, &mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_way_has_its_shape() {
        let shapes = [
            (Way::Md5, 32),
            (Way::Sha1, 40),
            (Way::Sha256, 64),
            (Way::Sm3, 64),
            (Way::Keyed, 64),
            (Way::Blocks, 44),
            (Way::Sealed, 64),
            (Way::Vault, 73),
            (Way::Token, 11),
            (Way::Masked, 11),
            (Way::Bcrypt, 60),
            (Way::Base64, 16),
        ];
        for (way, length) in shapes {
            assert_eq!(of(way, Source::Mobile, 3).len(), length, "{way:?}");
        }
    }

    #[test]
    fn published_digests_come_out() {
        assert_eq!(digests(b"abc")[0], "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(digests(b"abc")[3], "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    }

    #[test]
    fn half_of_the_records_are_clear() {
        let clear = (0..200).filter(|&number| of(Way::Half, Source::Mobile, number).len() == 11).count();
        assert!((70..130).contains(&clear), "{clear}");
    }
}
