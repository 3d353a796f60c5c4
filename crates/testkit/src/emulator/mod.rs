//! Servers that cannot be had as packages, emulated on loopback.
//!
//! Nothing here shares a constant with the probes: an emulator that copied the probe's idea of a server would
//! only prove that the probe agrees with itself.

pub mod bucket;
pub mod dashboard;
pub mod http;
pub mod mongo;
pub mod replay;
mod server;
pub mod tls;

pub use server::{Emulator, LIFETIME, Peer};
