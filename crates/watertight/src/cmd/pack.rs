//! `watertight pack`: the probes that are known, and checks of probes that are written.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use probe::{PACK_FILES, TableProbe, registry, replay};

use super::{Failure, print};
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(crate) enum PackCommand {
    /// All probes with their ports and on what they were proven
    List,
    /// The text of a probe that is a decision table
    Show {
        /// Its id
        id: String,
    },
    /// Check decision tables: schema, rules, transcripts
    Check {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(crate) fn run(command: &PackCommand) -> Result<Exit, Failure> {
    match command {
        PackCommand::List => list(),
        PackCommand::Show { id } => show(id),
        PackCommand::Check { files } => check(files),
    }
}

fn list() -> Result<Exit, Failure> {
    let mut services: Vec<_> = registry().iter().collect();
    services.sort_by(|a, b| a.about().id.cmp(b.about().id));
    let mut text = String::new();
    for service in &services {
        let ports: Vec<String> = service.about().ports.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "{:<22} {:<22} ports {}\n",
            service.about().id,
            service.about().product,
            ports.join(", ")
        ));
        for proven in service.about().proven_on {
            text.push_str(&format!(
                "    {:<18} {:<12} {}\n",
                proven.verdict,
                proven.level.word(),
                proven.version
            ));
        }
    }
    print(text.as_bytes())
}

fn show(id: &str) -> Result<Exit, Failure> {
    match PACK_FILES.get_file(format!("{id}.yml")) {
        Some(file) => print(file.contents()),
        None if registry().iter().any(|service| service.about().id == id) => Err(miette::miette!(
            help = "its file is in crates/probe/src/service/",
            "`{id}` is a probe in Rust, not a decision table"
        )),
        None => Err(miette::miette!(help = "`watertight pack list` lists them", "there is no probe `{id}`")),
    }
}

/// The probe packs of a folder of the user's own.
///
/// # Errors
/// When the folder cannot be read, holds none, or holds one that is wrong or may do too much.
pub(crate) fn own_packs(folder: &Path) -> Result<Vec<TableProbe>, Failure> {
    let place = folder.display();
    let entries = std::fs::read_dir(folder)
        .map_err(|error| miette::miette!("cannot read the packs in `{place}`: {error}"))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yml"));
    files.sort();
    if files.is_empty() {
        return Err(miette::miette!(
            help = "a probe pack is a file ID.yml",
            "there are no packs in `{place}`"
        ));
    }
    files.iter().map(|file| own_pack(file)).collect()
}

fn own_pack(file: &Path) -> Result<TableProbe, Failure> {
    let name = file.display();
    let source =
        std::fs::read_to_string(file).map_err(|error| miette::miette!("cannot read `{name}`: {error}"))?;
    let wrong = |error| {
        miette::miette!(
            help = "`watertight pack check FILE` tells more",
            "the pack `{name}` cannot be used: {error}"
        )
    };
    let probe = TableProbe::parse(&source).map_err(wrong)?;
    probe.pack().only_get_and_head().map_err(wrong)?;
    Ok(probe)
}

fn check(files: &[PathBuf]) -> Result<Exit, Failure> {
    let mut text = String::new();
    let mut wrong = 0;
    for path in files {
        let name = path.display();
        let source = std::fs::read_to_string(path)
            .map_err(|error| miette::miette!("cannot read `{name}`: {error}"))?;
        match TableProbe::parse(&source) {
            Err(error) => {
                wrong += 1;
                text.push_str(&format!("{name}: {error}\n"));
            }
            Ok(probe) => {
                let id = &probe.pack().id;
                if path.file_stem().is_none_or(|stem| stem != id.as_str()) {
                    wrong += 1;
                    text.push_str(&format!("{name}: WRONG: the file must be called {id}.yml\n"));
                }
                for transcript in &probe.pack().transcripts {
                    let got = replay(&probe, transcript);
                    let right = got == transcript.expect;
                    wrong += usize::from(!right);
                    let word = |verdict: Option<model::Verdict>| {
                        verdict.map_or("not recognised".to_owned(), |v| v.to_string())
                    };
                    let mark = if right { "ok" } else { "WRONG" };
                    text.push_str(&format!("{name}: {mark}: {}: {}", transcript.name, word(got)));
                    text.push_str(&if right {
                        "\n".to_owned()
                    } else {
                        format!(", expected {}\n", word(transcript.expect))
                    });
                }
            }
        }
    }
    print(text.as_bytes())?;
    Ok(if wrong > 0 { Exit::Finding } else { Exit::Clean })
}
