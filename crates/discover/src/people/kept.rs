//! Counted people as they are kept until a later run: nothing but keyed sketches and numbers, so that the people of a
//! store that is read today can be united with those of one that was read last week.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{NotASketch, Sketch, SketchKey};

/// A [`Sketch`] as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct KeptSketch(String);

impl KeptSketch {
    pub(super) fn new(sketch: &Sketch, key: &SketchKey) -> Self {
        Self(STANDARD_NO_PAD.encode(sketch.to_bytes(key)))
    }

    pub(super) fn recall(&self, key: &SketchKey) -> Result<Sketch, NotASketch> {
        let bytes = STANDARD_NO_PAD.decode(&self.0).map_err(|_| NotASketch::Damaged)?;
        Sketch::from_bytes(&bytes, key)
    }
}

/// A [`super::Crowd`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptCrowd {
    pub(super) all: KeptSketch,
    /// `None`: of nobody is known how old.
    pub(super) minors: Option<KeptSketch>,
    pub(super) regions: BTreeMap<String, KeptSketch>,
}

/// Those of a [`super::Census`] who are known by one kind of identifier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptGroup {
    /// The kind's stable name: its number differs between versions.
    pub(super) kind: String,
    pub(super) digest: u16,
    pub(super) counted: KeptCrowd,
    pub(super) beside: KeptSketch,
}

/// A [`super::Census`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptCensus {
    pub(super) groups: Vec<KeptGroup>,
    pub(super) unclear: KeptSketch,
    pub(super) upper: u64,
    pub(super) lower: u64,
}

/// [`super::Digests`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptDigests {
    pub(super) sketches: [KeptSketch; 4],
}
