//! `watertight schema`: the JSON schemas of what the program writes and reads.

use clap::{Args, ValueEnum};

use super::{Failure, print};
use crate::config::Config;
use crate::exit::Exit;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Of what
    #[arg(value_enum)]
    of: Kind,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// One record (`-o ndjson`, and `records` of `-o json`)
    Record,
    /// One data record (`-o ndjson`, and `data` of `-o json`)
    Data,
    /// The whole report (`-o json`)
    Report,
    /// The configuration file
    Config,
}

pub(crate) fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    let schema = match args.of {
        Kind::Record => output::record_schema(),
        Kind::Data => output::data_schema(),
        Kind::Report => output::report_schema(),
        Kind::Config => schemars::schema_for!(Config).to_value(),
    };
    print(format!("{schema:#}\n").as_bytes())
}
