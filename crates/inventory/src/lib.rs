//! What is, what was, and since when: one SQLite file. Its schema is known nowhere else.
//!
//! A door is remembered as open from the first time it was seen open. It is closed only by positive evidence: the
//! service demands a login now, the host refused twice, or the listener is gone from this machine's own table. A
//! time-out closes nothing.

mod data;
mod error;
mod schema;
mod store;

pub use data::KnownPeople;
pub use error::Error;
pub use store::{Inventory, Remembered};
