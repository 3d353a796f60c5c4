//! Measurements of discovery: the recognisers alone, and what else looks for personal data and secrets on the same bytes.

pub(crate) mod arrow;
pub(crate) mod billion;
pub(crate) mod peers;
pub(crate) mod people;
pub(crate) mod planted;
pub(crate) mod read;
pub(crate) mod recognise;
pub(crate) mod sources;
pub(crate) mod speed;
