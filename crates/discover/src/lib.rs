//! What is in a store, about whom, and which secrets lie around.
//!
//! A **reader** ([`file`], [`store`], [`git`]) brings values and texts to a [`Sink`]. The [`survey`] is that sink: it
//! shows every value to the recogniser of [`personal`] data and every text to that and to the one of [`secret`]s, keeps
//! one [`column`] profile for each column, and counts [`people`]. When the reader has ended, the profiles become
//! verdicts and the verdicts records. No value is kept: what remains of it are counts, shapes and keyed hashes.

pub mod column;
pub mod file;
pub mod git;
pub mod people;
pub mod personal;
pub mod secret;
mod sink;
pub mod store;
pub mod survey;

pub use sink::{Cell, ColumnId, Part, PartId, Place, Sink};
