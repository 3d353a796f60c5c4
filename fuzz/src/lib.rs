//! What the targets share: a server that says what the input says, a check of what it was asked, and a sink that keeps
//! nothing.

pub mod reads;
pub mod stage;
pub mod tape;
pub mod unread;
