//! The key under which values are hashed. It lies outside the database: without it a sketch cannot be searched for a
//! person, and with it one can, so its file is as secret as the data.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher128};

/// A key of 128 bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SketchKey([u8; 16]);

impl SketchKey {
    /// The key with these bytes, which must come from the operating system's random numbers.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// A number that tells two keys apart and gives neither away.
    pub fn name(&self) -> u64 {
        self.domain("name of the key").hash(b"")
    }

    /// The hash function for one kind of value: a mobile number and a card of the same digits are not the same.
    pub fn domain(&self, name: &str) -> Domain {
        let mut hasher = SipHasher128::new_with_key(&self.0);
        hasher.write(name.as_bytes());
        let keys = hasher.finish128();
        Domain(SipHasher24::new_with_keys(keys.h1, keys.h2))
    }
}

impl fmt::Debug for SketchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SketchKey(..)")
    }
}

/// A keyed hash function: SipHash-2-4, a pseudo-random function for messages of any length
/// (<https://www.aumasson.jp/siphash/siphash.pdf>).
#[derive(Clone, Copy)]
pub struct Domain(SipHasher24);

impl Domain {
    /// The hash of a value.
    pub fn hash(&self, value: &[u8]) -> u64 {
        self.0.hash(value)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Domain(..)")
    }
}
