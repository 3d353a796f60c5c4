//! The only way out.
//!
//! Whoever dials, dials here: a [`Permit`] is needed, and only the [`Guard`] makes one. A connection has a budget
//! of bytes and a deadline over the whole exchange, so that a server which drips a byte a second costs no more
//! than a silent one. What was sent and what came back is noted as evidence on the way.

mod budget;
mod conn;
mod error;
pub mod grpc;
mod guard;
pub mod http;
mod interfaces;
mod resolve;
mod session;
mod tls;

pub use budget::{Budget, DETECTION, VERDICT, open_file_allowance};
pub use conn::Conn;
pub use error::Error;
pub use guard::{Guard, Permit, Refusal};
pub use interfaces::own_addresses;
pub use resolve::lookup;
pub use session::{Dialer, Session};
