//! Counts people: how many distinct ones there are, over columns, tables and stores, without keeping a value.
//!
//! Values become keyed 64-bit hashes ([`SketchKey`]), of which a [`Sketch`] keeps the smallest. Sketches are united and
//! compared long after the values are gone, and tell nothing to whoever has no key. A [`Crowd`] is a sketch that also
//! knows who is a minor and where people live, and a [`Census`] counts persons who are known by different identifiers.

mod census;
mod crowd;
mod digests;
mod kept;
mod key;
mod sketch;

pub use census::{Census, Key, Space};
pub use crowd::{Crowd, Known};
pub use digests::{ALGORITHMS, Digests};
pub use kept::{KeptCensus, KeptDigests};
pub use key::{Domain, SketchKey};
pub use sketch::{Bounds, Insert, NotASketch, Sketch};

#[cfg(test)]
mod tests;
