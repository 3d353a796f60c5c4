//! Decides what a column holds, and in which form.
//!
//! A value proves little: one in eleven case numbers passes for a resident number. A column proves much: of real resident
//! numbers nearly all pass. So a [`Profile`] counts, over the values of a column, which kinds accept them and what shape
//! the others have, and [`decide`] compares that with what chance and look-alikes would pass. What is left of the values
//! are counts.

mod decide;
mod decode;
mod form;
mod look;
mod mask;
mod profile;
mod recognise;
mod shape;
pub mod statistics;

pub use decide::{Finding, Interval, decide, percent};
pub use decode::decode;
pub use look::{Look, Seen, digest_bytes};
pub use profile::Profile;
pub use recognise::{About, Recognise};
pub use shape::Shape;

#[cfg(test)]
mod hard;
#[cfg(test)]
pub(crate) mod stand_in;
#[cfg(test)]
mod tests;
