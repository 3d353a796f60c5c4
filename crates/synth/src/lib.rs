//! People who do not exist, for tests, for measurements, and for whoever wants to try the program.
//!
//! A [`World`] follows from its [`Settings`] alone: any person and any record is computed from its number, so a billion
//! rows need no memory, parts can be made apart, and the [`Truth`] is known exactly. What nobody may confuse with a real
//! person is out of reach: resident numbers have the region 78xxxx, which is allocated to nobody, mobile numbers the
//! prefixes 154 and 194, e-mail addresses the domains of RFC 2606, bank cards an issuer that cannot be
//! ([`Settings::card_prefix`]), plates an authority that does not exist; the city is on no map.
//!
//! Names, formats and noise are this generator's own. The examples of the detectors must not contain them.

mod canary;
mod draw;
pub mod folder;
mod format;
mod lookalike;
mod noise;
mod number;
mod protect;
mod secret;
mod settings;
pub mod suite;
mod table;
mod truth;
mod value;
mod words;
mod world;

pub use canary::needles;
pub use format::{Format, write};
pub use lookalike::LookAlike;
pub use noise::Source;
pub use number::{credit_check, luhn_check, organisation_check, resident_check};
pub use protect::Way;
pub use secret::{Secret, secrets};
pub use settings::{MOST_PEOPLE, Noise, Settings, Spread, Unfit};
pub use table::{Column, Field, Holds, Table};
pub use truth::{ColumnTruth, TableTruth, Truth};
pub use world::{Person, Record, World};
