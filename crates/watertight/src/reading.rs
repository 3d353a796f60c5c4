//! Reads what is in the stores and files that were named, after it was found out who is let in.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use discover::personal::Recogniser;
use discover::secret::{ConnectionUrl, Secrets};
use discover::store::gate::Gate;
use discover::store::login::{Environment, LoginError};
use discover::store::open::{Opened, open, open_bucket};
use discover::store::{Store, StoreError, Table};
use discover::survey::{Options, StoreResult, Survey, estate, join};
use discover::{Sink, file, git};
use inventory::KnownPeople;
use jiff::Timestamp;
use model::{Bucket, DataRecord, NotRead, Record, Secret, Severity};

use crate::progress::Spinner;
use crate::remembered;
use crate::target::{default_port, without_password};
use crate::verifying::Verifying;

/// Something whose data are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A database, a cache or a search cluster.
    Store {
        /// The URL as the user wrote it.
        url: Secret<String>,
        /// The name of the host, if it was named.
        name: Option<String>,
        /// Where it is.
        addresses: Vec<SocketAddr>,
    },
    /// A bucket.
    Bucket(Bucket),
    /// A file, a folder or a git repository of this machine.
    Path(PathBuf),
    /// Standard input.
    Input,
}

/// What a run tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum What {
    /// Who is let in
    Exposure,
    /// Personal data and people
    Data,
    /// Secrets that lie around
    Secrets,
    /// Versions without security fixes
    Patch,
}

/// How the sources are read.
pub(crate) struct Reading {
    /// What dials.
    pub(crate) gate: Gate,
    /// Where credentials are looked for.
    pub(crate) environment: Environment,
    /// What every survey needs to know; `stop` ends the run.
    pub(crate) options: Options,
    /// Rows of a table that are looked at.
    pub(crate) sample: u64,
    /// Read every row.
    pub(crate) full: bool,
    /// Tries the keys that are found, where the user asked for that.
    pub(crate) verifying: Option<Verifying>,
    /// Show no progress.
    pub(crate) quiet: bool,
}

/// The name of standard input in records.
pub(crate) const INPUT: &str = "file:-";

/// Errors of the store itself, one after the other, after which its other tables are not tried.
const LOST: usize = 2;

/// What a reading tells.
#[derive(Default)]
pub(crate) struct Told {
    /// Worst first.
    pub(crate) records: Vec<DataRecord>,
    /// The people of the stores that were counted now, to be remembered.
    pub(crate) people: Vec<KnownPeople>,
    /// The user cut it short.
    pub(crate) interrupted: bool,
}

/// A store that was read, and where it can be reached.
pub(crate) struct Read {
    pub(crate) result: StoreResult,
    pub(crate) source: Source,
}

impl Reading {
    /// Reads all sources, one after the other, and tells what is in them. `known`: the people of stores that earlier runs
    /// counted; those that are not read now belong to the estate as they were.
    pub(crate) async fn run(
        self,
        sources: Vec<Source>,
        exposures: &[Record],
        known: &[KnownPeople],
        now: Timestamp,
    ) -> Told {
        let stop = Arc::clone(&self.options.stop);
        let listener = stop_on_ctrl_c(&stop);
        let recogniser = Arc::new(Recogniser::embedded());
        let secrets = Arc::new(Secrets::embedded());
        let spinner = Spinner::new(self.quiet);
        let (mut results, mut read) = (Vec::new(), Vec::new());
        for source in sources {
            let survey = || Survey::new(self.options.clone(), recogniser.clone(), secrets.clone());
            results.push(self.source(&source, survey, &spinner).await);
            read.push(source);
        }
        let people = remembered::keep(&results, &self.options.key, now);
        let read_now = results.len();
        results.extend(remembered::recall(known, &results, &self.options.key, recogniser.as_ref()));
        join(&mut results);
        let estate = (results.len() > 1).then(|| estate(&results)).flatten();
        results.truncate(read_now);
        let mut read: Vec<Read> =
            results.into_iter().zip(read).map(|(result, source)| Read { result, source }).collect();
        open_doors(&mut read, exposures);
        match_connections(&mut read);
        if let Some(verifying) = self.verifying {
            spinner.say("keys that were found");
            verifying.run(&mut read, exposures, &stop).await;
        }
        spinner.finish();
        listener.abort();
        let mut records: Vec<DataRecord> =
            read.into_iter().flat_map(|read| read.result.records).chain(estate).collect();
        records.sort_by(|a, b| a.order().cmp(&b.order()));
        Told { records, people, interrupted: stop.load(Ordering::Relaxed) }
    }

    async fn source(&self, source: &Source, survey: impl Fn() -> Survey, spinner: &Spinner) -> StoreResult {
        match source {
            Source::Store { url, .. } => {
                let opened = open(url.reveal(), &self.environment, self.gate.clone());
                self.store(opened, without_password(url.reveal()), survey(), spinner).await
            }
            Source::Bucket(bucket) => {
                let opened = open_bucket(bucket, &self.environment, self.gate.clone());
                self.store(opened, bucket.to_string(), survey(), spinner).await
            }
            Source::Path(path) => {
                let asset = format!("file:{}", path.display());
                spinner.say(&asset);
                let path = path.clone();
                off_the_runtime(survey(), survey(), asset, move |sink| read_path(&path, sink)).await
            }
            Source::Input => {
                spinner.say("standard input");
                let read = |sink: &mut Survey| {
                    file::read_stream("-", &mut std::io::stdin().lock(), &file::Limits::default(), sink);
                };
                off_the_runtime(survey(), survey(), INPUT.to_owned(), read).await
            }
        }
    }

    async fn store(
        &self,
        opened: Result<Opened, LoginError>,
        asset: String,
        mut survey: Survey,
        spinner: &Spinner,
    ) -> StoreResult {
        match opened {
            Ok(opened) => self.opened(opened, survey, spinner).await,
            Err(error) => {
                survey.not_read(missing("", error.to_string()));
                survey.finish(&asset)
            }
        }
    }

    async fn opened(&self, opened: Opened, mut survey: Survey, spinner: &Spinner) -> StoreResult {
        let Opened { asset, has_credentials, mut store } = opened;
        spinner.say(&asset);
        match store.tables().await {
            Ok(listing) => {
                listing.not_read.into_iter().for_each(|missing| survey.not_read(missing));
                self.tables(store.as_mut(), &listing.tables, &mut survey, |table| {
                    spinner.say(&format!("{asset} {table}"));
                })
                .await;
            }
            // Nobody gave a login, and the store asks for one: that is how it should be, and no gap in what was asked for.
            Err(StoreError::Denied(why)) if !has_credentials => {
                let why = format!("{why}; without credentials only who is let in is told");
                survey.not_read(NotRead { location: String::new(), why, by_design: true });
            }
            Err(error) => survey.not_read(missing("", error.to_string())),
        }
        survey.finish(&asset)
    }

    async fn tables(&self, store: &mut dyn Store, tables: &[Table], survey: &mut Survey, say: impl Fn(&str)) {
        let mut lost = 0;
        for (at, table) in tables.iter().enumerate() {
            let why = match () {
                () if survey.stop() => Some("the run was cut short"),
                () if lost >= LOST => Some("the store stopped answering"),
                () => None,
            };
            if let Some(why) = why {
                let rest = tables.get(at..).unwrap_or_default();
                rest.iter().for_each(|table| survey.not_read(missing(&table.location, why)));
                return;
            }
            say(&table.location);
            match self.table(store, table, survey).await {
                Ok(()) => lost = 0,
                Err(error) => {
                    lost = if matches!(error, StoreError::Connection(_)) { lost + 1 } else { 0 };
                    survey.not_read(missing(&table.location, error.to_string()));
                }
            }
        }
    }

    async fn table(
        &self,
        store: &mut dyn Store,
        table: &Table,
        survey: &mut Survey,
    ) -> Result<(), StoreError> {
        if self.full {
            return store.full(table, &[], survey).await;
        }
        store.sample(table, self.sample, self.options.seed, survey).await?;
        let wanted = survey.wanted(&table.location);
        if wanted.is_empty() { Ok(()) } else { store.full(table, &wanted, survey).await }
    }
}

/// Reads files where waiting for them holds up nothing else.
async fn off_the_runtime(
    mut survey: Survey,
    mut empty: Survey,
    asset: String,
    read: impl FnOnce(&mut Survey) + Send + 'static,
) -> StoreResult {
    let name = asset.clone();
    let reading = tokio::task::spawn_blocking(move || {
        read(&mut survey);
        survey.finish(&name)
    });
    reading.await.unwrap_or_else(|_| {
        // A reader that panics is a mistake of ours; what it did not read is not clean.
        empty.not_read(missing("", "the reader failed: please report this"));
        empty.finish(&asset)
    })
}

/// Of a git repository its history, and then what is in the work tree and was not committed as it is.
fn read_path(path: &Path, sink: &mut Survey) {
    let limits = file::Limits::default();
    if !git::is_repository(path) {
        return file::read_path(path, &limits, sink);
    }
    git::read_repository(path, &limits, sink);
    if path.join(".git").exists() {
        let committed = git::Committed::new(path, &limits);
        let holds = |below: &str, file: &Path| committed.as_ref().is_some_and(|all| all.holds(below, file));
        file::read_path_but(path, &limits, &|below, file| below == ".git" || holds(below, file), sink);
    }
}

fn missing(location: &str, why: impl Into<String>) -> NotRead {
    NotRead { location: location.to_owned(), why: why.into(), by_design: false }
}

/// What lies behind a door that is open to strangers is as bad as the door.
fn open_doors(read: &mut [Read], exposures: &[Record]) {
    for Read { result, source } in read {
        let Some(door) = exposures.iter().find(|record| record.verdict.is_open() && source.is_behind(record))
        else {
            continue;
        };
        for record in result.records.iter_mut().filter(|record| record.severity > Severity::Info) {
            record.severity = record.severity.max(door.severity);
            record.reason = format!(
                "{}; strangers are let in at {} ({})",
                record.reason,
                door.asset.short(),
                door.verdict
            );
        }
    }
}

impl Source {
    fn is_behind(&self, door: &Record) -> bool {
        match self {
            Self::Store { addresses, .. } => {
                addresses.iter().any(|address| door.asset.address == format!("tcp://{address}"))
            }
            Self::Bucket(bucket) => door.asset.address == bucket.to_string(),
            Self::Path(_) | Self::Input => false,
        }
    }

    /// Whether a URL that was found leads here.
    fn is_meant_by(&self, found: &ConnectionUrl) -> bool {
        let Self::Store { name, addresses, .. } = self else { return false };
        let port = found.port.or_else(|| default_port(&found.scheme));
        let host = found.host.trim_matches(['[', ']']);
        let host_fits = |address: &SocketAddr| {
            let named = name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(host));
            let local = host.eq_ignore_ascii_case("localhost") && address.ip().is_loopback();
            named || local || host.parse().is_ok_and(|ip: std::net::IpAddr| ip == address.ip())
        };
        addresses.iter().any(|address| Some(address.port()) == port && host_fits(address))
    }
}

/// A URL with a password that was found opens a store that was named: these two belong together.
fn match_connections(read: &mut [Read]) {
    let mut opens = Vec::new();
    for Read { result, .. } in read.iter() {
        for found in &result.found_connections {
            let store = read.iter().find(|other| other.source.is_meant_by(&found.connection));
            opens.extend(store.map(|store| (found.record.clone(), store.result.asset.clone())));
        }
    }
    for record in read.iter_mut().flat_map(|read| &mut read.result.records) {
        let Some((_, store)) = opens.iter().find(|(id, _)| *id == record.id) else { continue };
        record.severity = Severity::Critical;
        if let Some(secret) = &mut record.secret {
            secret.opens = Some(store.clone());
        }
    }
}

/// Ends the reading when the user has had enough; what was read until then is told.
fn stop_on_ctrl_c(stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<()> {
    let stop = Arc::clone(stop);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.store(true, Ordering::Relaxed);
        }
    })
}
