//! Servers for the tests: real ones in every state that an audit must tell apart, and hosts of our own to put them
//! on. Never part of the program.

pub mod emulator;
pub mod hostile;
pub mod netns;
pub mod process;
pub mod real;
