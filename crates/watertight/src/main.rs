//! watertight: could a stranger read our data right now?

mod cmd;
mod config;
mod exit;
mod key;
mod machine;
mod memory;
mod output;
mod plan;
mod progress;
mod reading;
mod remembered;
mod report;
mod support;
mod target;
mod verifying;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use rustls::crypto::CryptoProvider;

use crate::cmd::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cmd::init_logging(&cli.global);
    // The one place that names the provider of cryptography.
    let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::ring::default_provider());
    match cmd::run(cli, provider) {
        Ok(exit) => exit.into(),
        Err(error) => cmd::report_error(&error),
    }
}
