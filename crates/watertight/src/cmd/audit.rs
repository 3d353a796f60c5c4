//! `watertight audit`: who would let a stranger in?

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use discover::people::SketchKey;
use discover::store::gate::Gate;
use discover::store::login::Environment;
use discover::survey::Options;
use inventory::Remembered;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use miette::{Context, IntoDiagnostic};
use model::{Clock, DataRecord, DataType, Observation, Record, RecordType, Severity};
use net::{Dialer, Guard, open_file_allowance, own_addresses};
use probe::{BucketJob, Engine, Host, Settings, registry_with};
use rustls::crypto::CryptoProvider;
use tokio::sync::mpsc;

use super::pack::own_packs;
use super::{Failure, Global, default_state, language, print, report_error, terminal_width, use_color};
use crate::config::Config;
use crate::exit::Exit;
use crate::key;
use crate::machine::Machine;
use crate::memory::Memory;
use crate::output::{self, Format, Language, Style};
use crate::plan::{self, Plan};
use crate::progress::Bar;
use crate::reading::{Reading, Source, Told, What};
use crate::report::{self, Report};
use crate::support::Support;
use crate::target::{Target, has_password, without_password};
use crate::verifying::{self, Verifying};

/// Who would let a stranger in?
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// host:port, host, network (10.0.0.0/24), URL (postgres://HOST/DATABASE), bucket (oss://NAME), path, git repository,
    /// or - for standard input; none: this machine
    targets: Vec<String>,
    /// Exit 1 when a finding is at least this severe [default: high]
    #[arg(long, value_parser = parse_severity, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
    /// Format of the report
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Write the report to this file (readable by you alone) instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Read this configuration instead of your own and the working directory's
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Fail only on what is not in this earlier report (json or ndjson)
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Newer support dates of products: a file or a folder, in the form of packs/lifecycle
    #[arg(long, value_name = "PATH")]
    lifecycle: Option<PathBuf>,
    /// Ports to try on hosts and networks, instead of the default ports of all known services
    #[arg(long, value_delimiter = ',', value_name = "PORT")]
    ports: Vec<u16>,
    /// Seconds for everything that is said to one endpoint [default: 10]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=600), value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Tell only of these [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    only: Vec<What>,
    /// Read every row of stores, not a sample
    #[arg(long)]
    full: bool,
    /// Rows of each table that are looked at to find out what its columns hold
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), default_value_t = 10_000, value_name = "ROWS")]
    sample: u64,
    /// Choose the same rows again, where the store can do that
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// The key by which people are counted without being known; made if it is not there [default: beside the inventory]
    #[arg(long, env = "WATERTIGHT_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Try the logins that vendors document as the default, once each
    #[arg(long)]
    try_defaults: bool,
    /// Ask once whether keys that are found still work, at targets and endpoints in [scope] alone
    #[arg(long)]
    verify_secrets: bool,
    /// Use the probe packs of this folder, too (they may GET and HEAD)
    #[arg(long, value_name = "DIR")]
    packs: Option<PathBuf>,
    /// Language of the table and of the HTML page
    #[arg(long, value_enum)]
    language: Option<Language>,
    /// Remember what was seen in this file
    #[arg(long, env = "WATERTIGHT_STATE", value_name = "FILE")]
    state: Option<PathBuf>,
    /// Remember nothing, and recall nothing
    #[arg(long, conflicts_with = "state")]
    no_state: bool,
    /// Pretend that it is this time (RFC 3339), for runs that must be repeatable
    #[arg(long, hide = true)]
    now: Option<Timestamp>,
}

fn parse_severity(text: &str) -> Result<Severity, String> {
    match text {
        "low" => Ok(Severity::Low),
        "medium" => Ok(Severity::Medium),
        "high" => Ok(Severity::High),
        "critical" => Ok(Severity::Critical),
        _ => Err("write low, medium, high or critical".to_owned()),
    }
}

pub(crate) fn run(args: AuditArgs, global: &Global, provider: Arc<CryptoProvider>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().into_diagnostic()?;
    let exit = runtime.block_on(audit(args, global, provider))?;
    // Endpoints that were cut off by Ctrl-C are not waited for.
    runtime.shutdown_background();
    Ok(exit)
}

async fn audit(args: AuditArgs, global: &Global, provider: Arc<CryptoProvider>) -> Result<Exit, Failure> {
    let clock = args.now.map_or(Clock::System, Clock::Fixed);
    let (started, begun) = (clock.now(), Instant::now());
    let config = Config::load(args.config.as_deref())?;
    let support = Support::load(args.lifecycle.as_deref().or(config.lifecycle.as_deref()))?;
    let targets = parse_targets(&args.targets)?;
    let baseline = args.baseline.as_deref().map(read_baseline).transpose()?.unwrap_or_default();
    let out = args.out.as_deref().map(create_private).transpose()?;
    let addresses = own_addresses();
    let mut guard = Guard::new(addresses.clone(), config.scope(), started);
    let services = registry_with(args.packs.as_deref().map(own_packs).transpose()?.unwrap_or_default());
    let mut memory = if args.no_state { Memory::none() } else { Memory::open(args.state.as_deref()) };
    let doors = memory.open_doors();
    let ports = sweep_ports(&args, &config);
    let machine = targets.is_empty().then(|| Machine::read(addresses));
    let mut plan = match &machine {
        Some(machine) => local_plan(machine, &doors, started),
        None => Plan::of_targets(&targets, &ports, &mut guard, started).await?.recalling(&doors),
    };
    args.keep_what_is_told(&mut plan);
    let sources = std::mem::take(&mut plan.sources);
    let options = if sources.is_empty() { None } else { Some(survey_options(&args, &provider, started)?) };
    let dialer = Arc::new(Dialer::new(open_file_allowance(), provider, clock));
    let gate = Gate::new(Arc::clone(&dialer), Arc::new(guard.clone()));
    let endpoints = plan.endpoints();
    let engine = Engine::new(dialer, guard, services, args.settings(&config));
    let work = (std::mem::take(&mut plan.hosts), std::mem::take(&mut plan.buckets));
    let (observed, interrupted) = look(engine, work, endpoints, global.quiet).await;
    plan.observations.extend(observed);
    plan::settle_names(&mut plan.observations);

    let now = clock.now();
    let (mut records, notes) = support.records(&plan.observations, now);
    memory.remember(&mut records, machine.as_ref().map(|machine| machine.origin.as_str()), now);
    let mut told = Told::default();
    if let Some(options) = options.filter(|_| !interrupted) {
        let verifying = args.verifying(&gate, &sources, &config, started);
        let reading = args.reading(gate, options, verifying, global);
        told = reading.run(sources, &records, &memory.known_people(), now).await;
    }
    memory.remember_data(&mut told, now);
    let expired = accept(&mut records, &mut told.records, &config, now);
    args.keep_what_was_asked(&mut records, &mut told.records);
    records.sort_by(|a, b| a.order().cmp(&b.order()));

    let not_seen = machine.map(|machine| machine.not_seen).unwrap_or_default();
    let report = Report {
        targets: args.targets.iter().map(|target| without_password(target)).collect(),
        looked_at: endpoints,
        interrupted: interrupted || told.interrupted,
        started,
        finished: report::finished(clock, started, begun),
        fail_on: args.fail_on.or(config.audit.fail_on).unwrap_or(Severity::High),
        baseline,
        not_seen: not_seen.into_iter().chain(memory.complaint.take()).chain(expired).collect(),
        notes,
        records,
        data: told.records,
    };
    let written = write_report(&report, &args, global, out);
    Ok(exit_after(report.exit(), written))
}

impl AuditArgs {
    fn settings(&self, config: &Config) -> Settings {
        Settings {
            deadline: Duration::from_secs(self.timeout.or(config.audit.timeout).unwrap_or(10)),
            try_defaults: self.try_defaults,
            ..Settings::default()
        }
    }

    fn reading(
        &self,
        gate: Gate,
        options: Options,
        verifying: Option<Verifying>,
        global: &Global,
    ) -> Reading {
        let (sample, full, quiet) = (self.sample, self.full, global.quiet);
        Reading { gate, environment: Environment::of_process(), options, sample, full, verifying, quiet }
    }

    /// Keys are tried where the user asked for it, and for secrets.
    fn verifies(&self) -> bool {
        self.verify_secrets && self.tells(What::Secrets)
    }

    fn verifying(
        &self,
        gate: &Gate,
        sources: &[Source],
        config: &Config,
        now: Timestamp,
    ) -> Option<Verifying> {
        let time = self.settings(config).deadline;
        self.verifies().then(|| Verifying::new(gate.clone(), sources, config.scope.as_ref(), now, time))
    }

    fn tells(&self, what: What) -> bool {
        self.only.is_empty() || self.only.contains(&what)
    }

    /// What is not to be told is not done.
    fn keep_what_is_told(&self, plan: &mut Plan) {
        if !self.tells(What::Exposure) && !self.tells(What::Patch) {
            plan.hosts.clear();
            plan.buckets.clear();
            plan.observations.clear();
        }
        if !self.tells(What::Data) && !self.tells(What::Secrets) {
            plan.sources.clear();
        }
    }

    fn keep_what_was_asked(&self, records: &mut Vec<Record>, data: &mut Vec<DataRecord>) {
        records.retain(|record| match record.kind {
            RecordType::Lifecycle => self.tells(What::Patch),
            _ => self.tells(What::Exposure),
        });
        // What was not read belongs to both.
        data.retain(|record| match record.data_type {
            DataType::PersonalData | DataType::Estate => self.tells(What::Data),
            DataType::Secret => self.tells(What::Secrets),
            DataType::Store => true,
        });
    }
}

/// What every survey needs to know. A key that cannot be had ends the run before anything is sent.
fn survey_options(
    args: &AuditArgs,
    provider: &CryptoProvider,
    started: Timestamp,
) -> Result<Options, Failure> {
    let beside = args.state.clone().or_else(default_state).map(|state| state.with_file_name("people.key"));
    let key = match args.key_file.clone().or(beside.filter(|_| !args.no_state)) {
        Some(path) => key::load(&path, provider)?,
        None => key::of_one_run(provider)?,
    };
    let today = TimeZone::UTC.to_datetime(started).date();
    let seed = args.seed.unwrap_or_else(|| started.as_second().unsigned_abs());
    let keys = if args.verifies() { verifying::KEYS } else { 0 };
    Ok(Options { seed, keys, ..Options::new(SketchKey::new(*key.reveal()), today) })
}

/// What was found counts, also when the report could not be written; but then nothing is clean.
fn exit_after(exit: Exit, written: Result<(), Failure>) -> Exit {
    match written {
        Ok(()) => exit,
        Err(error) => {
            let _ = report_error(&error);
            if exit == Exit::Clean { Exit::Undecided } else { exit }
        }
    }
}

fn parse_targets(texts: &[String]) -> Result<Vec<Target>, Failure> {
    let targets = texts.iter().map(|text| Target::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let warns = |target: &Target| matches!(target, Target::Endpoint { store: Some(url), .. } if has_password(url.reveal()));
    if targets.iter().any(warns) {
        tracing::warn!(
            "a password in a URL is seen by everyone who can list processes: the environment, or the client's own file, keeps \
             it better"
        );
    }
    Ok(targets)
}

fn sweep_ports(args: &AuditArgs, config: &Config) -> Arc<[u16]> {
    if !args.ports.is_empty() {
        return args.ports.clone().into();
    }
    config.audit.ports.clone().unwrap_or_else(|| probe::default_ports(probe::registry())).into()
}

/// This machine: its listeners, its sockets, and the doors that are gone.
fn local_plan(machine: &Machine, doors: &[Remembered], now: Timestamp) -> Plan {
    let hosts = machine.hosts();
    let mut observations = machine.socket_observations(now);
    let dialled = hosts.iter().flat_map(|host: &Host| {
        host.jobs.iter().map(|job| format!("tcp://{}", std::net::SocketAddr::new(host.address, job.port)))
    });
    let still_there: Vec<String> =
        dialled.chain(observations.iter().map(|seen| seen.asset.address.clone())).collect();
    observations.extend(plan::gone_from_here(doors, &machine.origin, &still_there, now));
    Plan::of_machine(hosts, observations)
}

/// Runs the engine until it ends or the user has enough. What was observed until then is kept.
async fn look(
    engine: Engine,
    (hosts, buckets): (Vec<Host>, Vec<BucketJob>),
    endpoints: u64,
    quiet: bool,
) -> (Vec<Observation>, bool) {
    let bar = Bar::new(endpoints, engine.progress(), quiet);
    let (sender, mut receiver) = mpsc::channel(1024);
    let running = tokio::spawn(async move {
        tokio::join!(engine.run(hosts, sender.clone()), engine.run_buckets(buckets, sender));
    });
    let mut observed = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    // One listener for the whole run: a new one in each turn would miss a signal between two turns.
    let mut ctrl_c = std::pin::pin!(tokio::signal::ctrl_c());
    let interrupted = loop {
        tokio::select! {
            // Many at a time: waking up for each one costs more than taking it.
            received = receiver.recv_many(&mut observed, 256) => if received == 0 { break false },
            _ = tick.tick() => bar.update(),
            _ = &mut ctrl_c => break true,
        }
    };
    running.abort();
    bar.finish();
    (observed, interrupted)
}

/// Marks what somebody accepted; says whose acceptance has expired.
fn accept(records: &mut [Record], data: &mut [DataRecord], config: &Config, now: Timestamp) -> Vec<String> {
    let (valid, expired) = config.acceptances(now);
    report::accept(records, data, &valid);
    expired.iter().map(|id| format!("the acceptance of {id} has expired and does not count")).collect()
}

/// The ids of an earlier report, and how bad they were.
fn read_baseline(path: &Path) -> Result<HashMap<String, Severity>, Failure> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot read the baseline `{name}`"))?;
    report::baseline(&text).map_err(|error| {
        miette::miette!(
            help = "write it with `watertight audit -o json --out FILE`",
            "`{name}` is not a report: {error}"
        )
    })
}

/// Creates the output file before anything is sent, readable by its owner alone.
fn create_private(path: &Path) -> Result<std::fs::File, Failure> {
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot write `{}`", path.display()))
}

/// Waits until a file is on the disk. What is no file (a pipe, a device) cannot be waited for.
fn synced(file: &std::fs::File) -> std::io::Result<()> {
    if file.metadata()?.is_file() { file.sync_all() } else { Ok(()) }
}

fn write_report(
    report: &Report,
    args: &AuditArgs,
    global: &Global,
    out: Option<std::fs::File>,
) -> Result<(), Failure> {
    let style = Style {
        color: out.is_none() && use_color(global, &std::io::stdout()),
        width: if out.is_some() { 100 } else { terminal_width() },
        language: language(args.language),
        verbose: global.verbose > 0,
    };
    let mut bytes = Vec::new();
    output::write(args.output, report, &style, &mut bytes).into_diagnostic()?;
    match (out, &args.out) {
        (Some(mut file), Some(path)) => match file.write_all(&bytes).and_then(|()| synced(&file)) {
            Ok(()) => Ok(()),
            Err(error) => {
                // The run is not lost: it goes where there may be room.
                print(&bytes)?;
                let name = path.display();
                Err(miette::miette!(
                    help = "is the disk full? the report went to stdout",
                    "cannot write `{name}`: {error}"
                ))
            }
        },
        _ => print(&bytes).map(|_| ()),
    }
}
