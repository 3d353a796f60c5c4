//! `watertight-synth`: prints people who do not exist, and what is true about them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use jiff::civil::Date;
use watertight_synth::{
    Format, Noise, Settings, Spread, Table, Truth, World, folder, needles, secrets, write,
};

/// People who do not exist, for tests and measurements: the same options give the same bytes everywhere.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// A table with one JSON object a line
    Ndjson(Rows),
    /// A table as CSV
    Csv(Rows),
    /// A table with tabs between its fields
    Tsv(Rows),
    /// A table as one JSON array
    Json(Rows),
    /// A table as XML
    Xml(Rows),
    /// A table as a PostgreSQL dump
    Postgres(Rows),
    /// A table as a MySQL dump
    Mysql(Rows),
    /// A folder of files of many formats; prints what is true about it
    Folder {
        /// Where to; it must not exist
        folder: PathBuf,
        #[command(flatten)]
        data: Data,
        /// Count minors on this day
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
    },
    /// What is true about the data set, as JSON
    Truth {
        #[command(flatten)]
        data: Data,
        /// Count minors on this day (default: the reference day)
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
    },
    /// What must be found in no artefact, one text a line
    Canaries(Data),
    /// The secrets of the data set, as JSON
    Secrets(Data),
}

#[derive(Args)]
struct Rows {
    #[command(flatten)]
    data: Data,
    /// Which table: persons, protected, business, contacts
    #[arg(long, default_value = "persons")]
    table: String,
    /// The first record
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// The record before which to stop (default: all)
    #[arg(long)]
    to: Option<u64>,
}

#[derive(Args)]
struct Data {
    /// How many people there are
    #[arg(long, default_value_t = 1_000)]
    people: u64,
    /// How many records a table has (default: one for each of the people)
    #[arg(long)]
    records: Option<u64>,
    /// Where chance begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A few people have very many records
    #[arg(long)]
    zipf: bool,
    /// As unclean as real columns are
    #[arg(long)]
    noise: bool,
    /// The share of people who lack a value in a column
    #[arg(long)]
    missing: Option<f64>,
    /// The share of people under 18
    #[arg(long, default_value_t = 0.18)]
    minors: f64,
    /// The share of people from abroad
    #[arg(long, default_value_t = 0.0)]
    foreigners: f64,
    /// How many people are canaries
    #[arg(long, default_value_t = 40)]
    canaries: u64,
    /// Names of columns tell nothing
    #[arg(long)]
    plain_names: bool,
    /// What bank card numbers begin with
    #[arg(long, default_value = "9978")]
    card_prefix: String,
}

impl Data {
    fn world(&self) -> Result<World, Box<dyn std::error::Error>> {
        let noise = if self.noise { Noise::USUAL } else { Noise::NONE };
        Ok(World::new(Settings {
            records: self.records.unwrap_or(self.people),
            spread: if self.zipf { Spread::Zipf } else { Spread::Uniform },
            minors: self.minors,
            foreigners: self.foreigners,
            noise: Noise { missing: self.missing.unwrap_or(noise.missing), ..noise },
            canaries: self.canaries,
            plain_names: self.plain_names,
            card_prefix: self.card_prefix.clone(),
            ..Settings::new(self.seed, self.people)
        })?)
    }
}

fn main() -> ExitCode {
    match run(&Cli::parse().what) {
        // Whoever reads has read enough.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "watertight-synth: {error}");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn run(what: &What) -> Result<(), Box<dyn std::error::Error>> {
    match what {
        What::Ndjson(rows) => table(rows, Format::Ndjson),
        What::Csv(rows) => table(rows, Format::Csv),
        What::Tsv(rows) => table(rows, Format::Tsv),
        What::Json(rows) => table(rows, Format::Json),
        What::Xml(rows) => table(rows, Format::Xml),
        What::Postgres(rows) => table(rows, Format::Postgres),
        What::Mysql(rows) => table(rows, Format::Mysql),
        What::Folder { folder, data, on } => {
            let world = data.world()?;
            let on = on.unwrap_or(world.settings().reference);
            print(&folder::write(&world, folder, on)?)
        }
        What::Truth { data, on } => {
            let world = data.world()?;
            let tables: Vec<Table> = Table::NAMES.iter().filter_map(|name| Table::of(name, &world)).collect();
            print(&Truth::new(&world, &tables, on.unwrap_or(world.settings().reference)))
        }
        What::Canaries(data) => {
            let mut out = BufWriter::new(stdout()?);
            for needle in needles(&data.world()?) {
                // A private key has several lines; the middle one is the secret.
                let longest = needle.lines().max_by_key(|line| line.len()).unwrap_or_default();
                writeln!(out, "{longest}")?;
            }
            Ok(out.flush()?)
        }
        What::Secrets(data) => print(&secrets(data.seed)),
    }
}

fn table(rows: &Rows, format: Format) -> Result<(), Box<dyn std::error::Error>> {
    let world = rows.data.world()?;
    let table = Table::of(&rows.table, &world).ok_or_else(|| format!("no table {:?}", rows.table))?;
    let records = world.settings().records;
    let to = rows.to.unwrap_or(records).min(records);
    Ok(write(&world, &table, format, rows.from.min(to)..to, &mut stdout()?)?)
}

/// Standard output without the line buffer of the standard library.
fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

fn print(what: &impl serde::Serialize) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = BufWriter::new(stdout()?);
    serde_json::to_writer_pretty(&mut out, what)?;
    writeln!(out)?;
    Ok(out.flush()?)
}
