//! Side-by-side measurements: how fast, how right, how dear. Never timed tests; see `bench/README.md`.

mod build;
mod capture;
mod columns;
mod discovery;
mod first;
mod host;
mod listen;
mod machine;
mod measure;
mod nmap;
mod peers;
mod presidio;
mod spans;
mod states;
mod strange;
mod ten_thousand;
mod told;
mod transcript;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use listen::Field;

const HELP: &str = "\
watertight-bench SUBCOMMAND [OPTION]...

  capture        record the real servers' answers             [--state NAME]
  listen         emulate them until standard input ends       [--count N] [--port P|usual] [--tarpits]
  ten-thousand   audit ten thousand emulated servers          [--count N] [--runs N]
  peers          audit the real servers, beside nmap          [--runs N] [--port usual] [--state PART]
  host-scan      one host over all default ports              [--runs N]
  strange-ports  many servers at ports that are not theirs    [--count N] [--runs N]
  first-verdict  from start to one verdict                    [--runs N]
  billion        count a hundred thousand to a billion people [--count MOST]
  build          cold release build and size of the program
  recognise      the recognisers of data and secrets alone    [--sources DIR] [--count ROWS] [--runs N]
  data-peers     discovery, beside others on the same bytes   --peers DIR [--sources DIR] [--count ROWS] [--runs N]
  read           count what is in files, with the readers     FILE...
  columns        verdicts on columns that hold people, and on look-alikes [--count N] [--state PART]
  presidio-set   Presidio's synthetic benchmark with its scorer [--count N] [--state FOLDER OF ITS PYTHON]
  spans          our spans in an array of texts, from standard input, as JSON
  measure        run a command and print what it cost         COMMAND...

  --program FILE   the program to measure   [default: target/release/watertight]
  --peers DIR      what bench/install-peers.sh installed
  --sources DIR    source code to look at   [default: what cargo keeps of the crates]
Results are added to bench/results.
";

/// What was asked for.
struct Options {
    program: PathBuf,
    folder: PathBuf,
    state: Option<String>,
    count: Option<usize>,
    runs: usize,
    tarpits: bool,
    port: Option<u16>,
    peers: PathBuf,
    sources: PathBuf,
}

fn main() -> ExitCode {
    let mut arguments: VecDeque<String> = std::env::args().skip(1).collect();
    let subcommand = arguments.pop_front().unwrap_or_default();
    match run(&subcommand, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{subcommand}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(subcommand: &str, arguments: VecDeque<String>) -> io::Result<()> {
    match subcommand {
        "measure" => return measure::child(arguments),
        "spans" => return spans::run(),
        "read" => return discovery::read::run(&arguments.into_iter().map(PathBuf::from).collect::<Vec<_>>()),
        _ => {}
    }
    let options = options(arguments)?;
    let captures = options.folder.join("captures");
    let program = options.program.as_path();
    let ten_thousand = options.count.unwrap_or(ten_thousand::ENDPOINTS);
    match subcommand {
        "capture" => capture::run(program, &captures, options.state.as_deref()),
        "listen" => {
            let field = Field { count: ten_thousand, tarpits: options.tarpits, port: options.port };
            listen::run(&field, &captures)
        }
        "ten-thousand" => ten_thousand::run(program, &options.folder, ten_thousand, options.runs),
        "peers" => {
            let part = options.state.as_deref().unwrap_or_default();
            peers::run(program, &options.folder, options.runs, options.port.is_none(), part)
        }
        "host-scan" => host::run(program, &options.folder, options.runs),
        "strange-ports" => {
            strange::run(program, &options.folder, options.runs, options.count.unwrap_or(strange::DOORS))
        }
        "first-verdict" => first::run(program, &options.folder, options.runs),
        "billion" => {
            discovery::billion::run(program, &options.folder, options.count.map(|count| count as u64))
        }
        "recognise" => {
            let rows = options.count.map_or(discovery::recognise::ROWS, |rows| rows as u64);
            discovery::recognise::run(&options.folder, &options.sources, rows, options.runs)
        }
        "data-peers" => {
            let rows = options.count.map_or(discovery::peers::ROWS, |rows| rows as u64);
            let (peers, sources) = (options.peers.as_path(), options.sources.as_path());
            discovery::peers::run(program, &options.folder, peers, sources, rows, options.runs)
        }
        "build" => build::run(&options.folder),
        "presidio-set" => {
            let count = options.count.unwrap_or(presidio::SENTENCES);
            presidio::run(&options.folder, count, options.state.as_deref())
        }
        "columns" => {
            let part = options.state.as_deref().unwrap_or_default();
            columns::run(&options.folder, options.count.unwrap_or(columns::COLUMNS), part)
        }
        _ => {
            print!("{HELP}");
            Err(io::Error::other("no such subcommand"))
        }
    }
}

fn options(mut arguments: VecDeque<String>) -> io::Result<Options> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = folder.parent().unwrap_or(folder).join("target/release/watertight");
    let folder = folder.to_path_buf();
    let mut options = Options {
        program,
        folder,
        state: None,
        count: None,
        runs: 3,
        tarpits: false,
        port: Some(ten_thousand::ODD_PORT),
        peers: PathBuf::new(),
        sources: discovery::sources::registry(),
    };
    while let Some(name) = arguments.pop_front() {
        let mut value =
            || arguments.pop_front().ok_or_else(|| io::Error::other(format!("{name} needs a value")));
        match name.as_str() {
            "--program" => options.program = value()?.into(),
            "--state" => options.state = Some(value()?),
            "--count" => options.count = Some(number(&value()?)?),
            "--runs" => options.runs = number(&value()?)?,
            "--port" => {
                let port = value()?;
                options.port = if port == "usual" { None } else { Some(number(&port)?) };
            }
            "--peers" => options.peers = value()?.into(),
            "--sources" => options.sources = value()?.into(),
            "--tarpits" => options.tarpits = true,
            _ => return Err(io::Error::other(format!("unknown option {name}\n{HELP}"))),
        }
    }
    Ok(options)
}

fn number<T: std::str::FromStr>(text: &str) -> io::Result<T> {
    text.parse().map_err(|_| io::Error::other(format!("`{text}` is not a number here")))
}
