//! The words of the domain, and nothing else.
//!
//! Every other room speaks in these types: what was looked at ([`Asset`]), from where ([`Vantage`]), what a
//! stranger gets there ([`Verdict`]), what proves it ([`Exchange`]) and what is told to the user ([`Record`]).
//! There is no I/O here but over `Read`, no clock but [`Clock`], and no runtime.

mod asset;
mod bucket;
mod clock;
pub mod condition;
mod data;
mod evidence;
pub mod html;
pub mod lifecycle;
mod observation;
pub mod pack;
mod reach;
mod record;
mod scope;
mod secret;
mod tls;
mod verdict;

pub use asset::{Address, Asset, Process};
pub use bucket::{Bucket, Endpoint, Provider};
pub use clock::Clock;
pub use data::{
    Choice, Confidence, DATA_SCHEMA, DataRecord, DataType, Form, NotRead, People, Position, Range,
    RegionCount, Sampled, SecretFacts,
};
pub use evidence::{Exchange, digest, excerpt};
pub use observation::{Counts, Observation, Proof, Proven, Surface, looks_like_ransom_note};
pub use reach::{AddressClass, Reach, Vantage, classify, is_metadata_address};
pub use record::{Acceptance, RECORD_SCHEMA, Record, RecordType, record_id, records_of};
pub use scope::Scope;
pub use secret::Secret;
pub use tls::TlsFacts;
pub use verdict::{Severity, Verdict, severity};
