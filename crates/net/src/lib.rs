//! The only way out.
//!
//! Whoever dials, dials here: a [`Permit`] is needed, and only the [`Guard`] makes one. A connection has a budget
//! of bytes and a deadline over the whole exchange, so that a server which drips a byte a second costs no more
//! than a silent one. What was sent and what came back is noted as evidence on the way.
//!
//! A reader of a store has the user's credentials and a whole store to read. It is given a [`Stream`]: as much as there is,
//! no evidence, and [`Trust`] in certificates as the user wants it.

mod budget;
mod conn;
mod error;
pub mod grpc;
mod guard;
pub mod http;
mod interfaces;
mod resolve;
mod session;
mod stream;
mod tls;
mod trust;

pub use budget::{Budget, DETECTION, VERDICT, open_file_allowance};
pub use conn::Conn;
pub use error::Error;
pub use guard::{Guard, Permit, Refusal};
pub use interfaces::own_addresses;
pub use resolve::lookup;
pub use session::{Dialer, Session};
pub use stream::{Stream, Tls};
pub use trust::{Roots, Trust};
