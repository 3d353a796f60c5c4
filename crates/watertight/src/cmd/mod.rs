//! The commands. One file each.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use rustls::crypto::CryptoProvider;

use crate::exit::Exit;
use crate::output::Language;

mod audit;
mod pack;
mod schema;

/// Could a stranger read our data right now?
#[derive(Debug, Parser)]
#[command(name = "watertight", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Say only what was asked for: no progress, no warnings
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more: evidence in the table, what the program does on stderr (-vv: everything)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Colours in the table and in messages
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On terminals, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Who would let a stranger in? This machine, or the targets that are named
    Audit(Box<audit::AuditArgs>),
    /// The probes: list, show, check
    #[command(subcommand)]
    Pack(pack::PackCommand),
    /// Print the JSON schema of a format
    Schema(schema::SchemaArgs),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A failure that ends the program before anything was sent.
pub(crate) type Failure = miette::Report;

/// Runs a command.
///
/// # Errors
/// Usage and configuration errors: exit code 2.
pub(crate) fn run(cli: Cli, provider: Arc<CryptoProvider>) -> Result<Exit, Failure> {
    match cli.command {
        Command::Audit(args) => audit::run(*args, &cli.global, provider),
        Command::Pack(command) => pack::run(&command),
        Command::Schema(args) => schema::run(&args),
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "watertight", &mut out);
            print(&out)
        }
    }
}

/// Writes data to stdout. A reader that went away (`| head`) is no error.
pub(crate) fn print(bytes: &[u8]) -> Result<Exit, Failure> {
    use std::io::Write;
    match std::io::stdout().lock().write_all(bytes).and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(miette::miette!(help = "is the disk full?", "cannot write the output: {error}"))
        }
        _ => Ok(Exit::Clean),
    }
}

/// Logs go to stderr: warnings, or more with -v.
pub(crate) fn init_logging(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("WATERTIGHT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(use_color(global, &std::io::stderr()))
        .without_time()
        .with_target(false)
        .init();
    let color = use_color(global, &std::io::stderr());
    let _ = miette::set_hook(Box::new(move |_| {
        Box::new(miette::MietteHandlerOpts::new().color(color).terminal_links(false).width(100).build())
    }));
}

fn use_color(global: &Global, stream: &impl std::io::IsTerminal) -> bool {
    match global.color {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org
        Color::Auto => {
            stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

/// Columns of the terminal, 80 where there is none.
fn terminal_width() -> usize {
    use std::io::IsTerminal;
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || std::io::stdout().is_terminal().then(|| usize::from(console::Term::stdout().size().1));
    set.or_else(asked).unwrap_or(80)
}

/// Says what went wrong, on stderr.
pub(crate) fn report_error(error: &Failure) -> ExitCode {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{error:?}");
    Exit::Usage.into()
}

/// Where the inventory lies unless the user says otherwise.
pub(crate) fn default_state() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "watertight")
        .map(|folders| folders.data_dir().join("inventory.sqlite"))
}

/// Language of reports for people: the one asked for, else the one of the environment.
pub(crate) fn language(asked: Option<Language>) -> Language {
    asked.unwrap_or_else(|| {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
        if set.is_some_and(|set| set.starts_with("zh")) { Language::ZhCn } else { Language::En }
    })
}
