//! Outside-in probes: who would let a stranger in?
//!
//! [`Engine`] schedules endpoints and finds out what speaks there without trusting port numbers; the [`Service`] that
//! was recognised judges it. Identity and authorisation are two exchanges: what a product tells everyone is never a
//! finding.

mod ber;
mod bucket;
mod codec;
mod contract;
mod cursor;
mod detect;
mod engine;
#[cfg(fuzzing)]
pub mod fuzzing;
mod greeting;
mod identify;
mod opening;
mod order;
pub mod service;
mod settings;
mod smb;
mod table;
mod web;
mod wire;

pub use bucket::BucketJob;
pub use contract::{About, Judgement, Opened, Service, default_login};
pub use engine::{Engine, Host, Job};
pub use opening::{Opening, Reply, TLS_TURN, Words, fallbacks};
pub use service::{default_ports, registry, registry_with};
pub use settings::{Progress, Settings};
pub use table::{PACK_FILES, TableProbe, replay};
pub use web::Web;
