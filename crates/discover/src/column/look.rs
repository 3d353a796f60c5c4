//! Looks at a single value.

use std::sync::Arc;

use super::recognise::{About, Recognise};
use super::shape::{Shape, hex_digest, is_text, marked};
use super::{decode, mask};
use crate::personal::{Hit, KindId};

/// What was seen of a value. It borrows, and is gone with the next look.
pub struct Seen<'a> {
    /// What it looks like.
    pub shape: Shape,
    /// Kinds that accept the value, or what it decodes to.
    pub hits: &'a [Hit],
    /// The value, decoded if it was [`Shape::Encoded`].
    pub plain: &'a [u8],
    /// The bytes of a digest or ciphertext.
    pub bytes: &'a [u8],
    /// Kinds that accept the value with its check digit off by one.
    pub shifted: &'a [KindId],
    /// Kinds of which the value could be a masked one.
    pub masked: &'a [KindId],
    /// Kinds that stand in a text.
    pub inside: &'a [KindId],
}

/// The eyes, with room for what they see.
pub struct Look {
    recogniser: Arc<dyn Recognise>,
    about: Vec<About>,
    hits: Vec<Hit>,
    bytes: Vec<u8>,
    kinds: Vec<KindId>,
    shifted: Vec<KindId>,
}

impl Look {
    /// Looks with this recogniser.
    pub fn new(recogniser: Arc<dyn Recognise>) -> Self {
        let about = recogniser.about();
        Self {
            recogniser,
            about,
            hits: Vec::new(),
            bytes: Vec::new(),
            kinds: Vec::new(),
            shifted: Vec::new(),
        }
    }

    /// What is known of each kind.
    pub fn about(&self) -> &[About] {
        &self.about
    }

    /// The recogniser.
    pub fn recogniser(&self) -> &Arc<dyn Recognise> {
        &self.recogniser
    }

    /// Looks at a value.
    pub fn at<'a>(&'a mut self, value: &'a [u8]) -> Seen<'a> {
        let text = std::str::from_utf8(value).ok().map(str::trim_ascii);
        let value = text.map_or(value, str::as_bytes);
        self.hits.clear();
        self.bytes.clear();
        self.kinds.clear();
        if text.is_some() {
            self.recogniser.value(value, &mut self.hits);
        }
        let shape = if self.strong_hit() { Shape::Clear } else { self.shape(value, text) };
        let plain = if shape == Shape::Encoded { self.bytes.as_slice() } else { value };
        self.shifted.clear();
        for hit in &self.hits {
            if checked(&self.about, hit.kind) && self.recogniser.shifted(hit.kind, plain) {
                self.shifted.push(hit.kind);
            }
        }
        Seen {
            shape,
            hits: &self.hits,
            plain,
            shifted: &self.shifted,
            bytes: &self.bytes,
            masked: if matches!(shape, Shape::Masked(_)) { &self.kinds } else { &[] },
            inside: if shape == Shape::Text { &self.kinds } else { &[] },
        }
    }

    fn strong_hit(&self) -> bool {
        let strong = |kind: KindId| self.about.get(usize::from(kind.0)).is_some_and(|about| !about.weak);
        self.hits.iter().any(|hit| hit.valid && strong(hit.kind))
    }

    fn shape(&mut self, value: &[u8], text: Option<&str>) -> Shape {
        let marked = text.and_then(marked);
        match marked {
            Some(Shape::Masked(_)) => self.masked_kinds(text.unwrap_or_default()),
            Some(Shape::Digest(_)) => {
                if let Some((digits, _)) = text.and_then(hex_digest) {
                    decode::unhex(digits.as_bytes(), &mut self.bytes);
                }
                // A card of 16 digits in hex is as long as an MD5.
                if self.readable() {
                    return Shape::Encoded;
                }
            }
            Some(_) => {}
            None => return self.unmarked(value),
        }
        marked.unwrap_or(Shape::Other)
    }

    fn unmarked(&mut self, value: &[u8]) -> Shape {
        if decode::decode(value, &mut self.bytes) {
            if self.readable() {
                return Shape::Encoded;
            }
            if std::str::from_utf8(&self.bytes).is_err() {
                return Shape::Bytes(self.bytes.len() as u32);
            }
        }
        self.bytes.clear();
        if is_text(value) {
            self.inside(value);
            return Shape::Text;
        }
        if self.hits.iter().any(|hit| hit.valid) { Shape::Clear } else { Shape::Other }
    }

    /// Whether what was decoded is something that a recogniser accepts.
    fn readable(&mut self) -> bool {
        if std::str::from_utf8(&self.bytes).is_err() {
            return false;
        }
        let raw = std::mem::take(&mut self.hits);
        self.recogniser.value(self.bytes.trim_ascii(), &mut self.hits);
        let readable = self.strong_hit();
        if !readable {
            self.hits = raw;
        }
        readable
    }

    fn masked_kinds(&mut self, value: &str) {
        let mut hits = Vec::new();
        for filling in mask::fillings(value) {
            self.recogniser.value(filling.as_bytes(), &mut hits);
        }
        self.kinds.extend(hits.iter().map(|hit| hit.kind));
        self.kinds.sort_unstable();
        self.kinds.dedup();
    }

    fn inside(&mut self, value: &[u8]) {
        let kinds = &mut self.kinds;
        self.recogniser.text(value, &mut |found| kinds.push(found.kind));
        kinds.sort_unstable();
        kinds.dedup();
    }
}

fn checked(about: &[About], kind: KindId) -> bool {
    about.get(usize::from(kind.0)).is_some_and(|about| about.has_check)
}

/// Writes the bytes of a digest or ciphertext, and says how many there are. `None`: the value looks like neither.
pub fn digest_bytes(value: &[u8], into: &mut Vec<u8>) -> Option<u16> {
    let text = std::str::from_utf8(value).ok().map(str::trim_ascii);
    let value = text.map_or(value, str::as_bytes);
    let digits = text.and_then(hex_digest).map(|(digits, _)| digits.as_bytes());
    let decoded = match digits {
        Some(digits) => decode::unhex(digits, into),
        None => decode::decode(value, into),
    };
    decoded.then(|| u16::try_from(into.len()).ok()).flatten()
}
