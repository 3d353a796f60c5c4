//! What the targets share: a server that says what the input says, and a check of what it was asked.

pub mod reads;
pub mod stage;
