//! Readers of stores of documents, keys and objects, in-process, against real servers.

mod elasticsearch;
mod mongodb;
mod redis;
mod s3;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use discover::store::gate::Gate;
use discover::store::login::{Environment, Target};
use discover::store::{Listing, Store, StoreError, Table};
use discover::{Cell, ColumnId, Part, PartId, Place, Sink};
use model::{Choice, Clock, NotRead};
use net::{Dialer, Guard};
use testkit::real::{self, Running};

/// People in the generated sets.
const PEOPLE: u64 = 20_000;

/// A gate for this machine alone.
fn gate() -> Gate {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let dialer = Dialer::new(8, provider, Clock::System);
    let guard = Guard::new(net::own_addresses(), None, Clock::System.now());
    Gate::new(Arc::new(dialer), Arc::new(guard))
}

fn nobody() -> Environment {
    Environment::new(|_| None, None)
}

/// One runtime for all calls: readers keep their connections between them.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(2).enable_all().build().unwrap()
    });
    runtime.block_on(future)
}

fn started(state: &str) -> Running {
    real::start(state).unwrap_or_else(|error| panic!("{error}"))
}

/// Ends a server in the middle of its work.
fn killer(server: &Running) -> Box<dyn FnMut() + Send> {
    let processes = server.processes();
    Box::new(move || {
        for process in &processes {
            assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
        }
    })
}

/// Keeps what readers bring.
#[derive(Default)]
struct Kept {
    parts: Vec<Part>,
    columns: Vec<(usize, String)>,
    rows: Vec<BTreeMap<String, String>>,
    /// The longest value.
    longest: usize,
    told_rows: Vec<u64>,
    not_read: Vec<NotRead>,
    texts: BTreeMap<String, Vec<u8>>,
    /// Ends the reading after so many rows.
    limit: Option<usize>,
    /// Called once, at that row.
    at: Option<(usize, Box<dyn FnMut() + Send>)>,
}

impl Kept {
    /// The only part.
    fn part(&self) -> &Part {
        assert_eq!(self.parts.len(), 1, "{:?}", self.not_read);
        &self.parts[0]
    }

    fn values(&self, column: &str) -> Vec<&str> {
        self.rows.iter().filter_map(|row| row.get(column)).map(String::as_str).collect()
    }

    fn numbers(&self, column: &str) -> Vec<u64> {
        self.values(column).iter().map(|value| value.parse().unwrap()).collect()
    }

    fn names(&self) -> BTreeSet<&str> {
        self.columns.iter().map(|(_, name)| name.as_str()).collect()
    }

    fn why(&self) -> Vec<&str> {
        self.not_read.iter().map(|missing| missing.why.as_str()).collect()
    }
}

impl Sink for Kept {
    fn part(&mut self, part: Part) -> PartId {
        self.parts.push(part);
        PartId(self.parts.len() - 1)
    }

    fn column(&mut self, part: PartId, name: &str) -> ColumnId {
        let column = (part.0, name.to_owned());
        assert!(!self.columns.contains(&column), "{name} is asked for twice");
        self.columns.push(column);
        ColumnId(self.columns.len() - 1)
    }

    fn row(&mut self, part: PartId, cells: &[Cell<'_>]) {
        let cells = cells.iter().map(|(column, value)| {
            let (owner, name) = &self.columns[column.0];
            assert_eq!(*owner, part.0);
            (name.clone(), String::from_utf8_lossy(value).into_owned(), value.len())
        });
        let cells: Vec<_> = cells.collect();
        self.longest = cells.iter().map(|(_, _, length)| *length).chain([self.longest]).max().unwrap();
        self.rows.push(cells.into_iter().map(|(name, value, _)| (name, value)).collect());
        if let Some((_, mut action)) = self.at.take_if(|(at, _)| *at == self.rows.len()) {
            action();
        }
    }

    fn rows(&mut self, _part: PartId, rows: u64) {
        self.told_rows.push(rows);
    }

    fn text(&mut self, place: &Place<'_>, text: &[u8]) {
        self.texts.entry(place.file.to_owned()).or_default().extend_from_slice(text);
    }

    fn not_read(&mut self, missing: NotRead) {
        self.not_read.push(missing);
    }

    fn stop(&self) -> bool {
        self.limit.is_some_and(|limit| self.rows.len() >= limit)
    }
}

fn table<'l>(listing: &'l Listing, location: &str) -> &'l Table {
    let found = listing.tables.iter().find(|table| table.location == location);
    found.unwrap_or_else(|| panic!("{:?} {:?}", listing.tables, listing.not_read))
}

fn listing(store: &mut dyn Store) -> Listing {
    block_on(store.tables()).unwrap()
}

fn sampled(store: &mut dyn Store, table: &Table, rows: u64, seed: u64) -> Kept {
    let mut sink = Kept::default();
    block_on(store.sample(table, rows, seed, &mut sink)).unwrap();
    sink
}

fn full(store: &mut dyn Store, table: &Table, columns: &[&str]) -> Kept {
    let mut sink = Kept::default();
    full_into(store, table, columns, &mut sink).unwrap();
    sink
}

fn full_into(
    store: &mut dyn Store,
    table: &Table,
    columns: &[&str],
    sink: &mut Kept,
) -> Result<(), StoreError> {
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let begun = Instant::now();
    let read = block_on(store.full(table, &columns, sink));
    let (took, rows) = (begun.elapsed(), sink.rows.len());
    eprintln!(
        "{}: {rows} rows in {took:.2?}, {:.0} rows/s",
        table.location,
        rows as f64 / took.as_secs_f64()
    );
    read
}

/// All people, each once.
fn is_complete(numbers: &[u64]) {
    let distinct: BTreeSet<u64> = numbers.iter().copied().collect();
    assert_eq!((numbers.len() as u64, distinct.len() as u64), (PEOPLE, PEOPLE));
    assert_eq!((distinct.first(), distinct.last()), (Some(&0), Some(&(PEOPLE - 1))));
}

/// A sample that is random: neither the first nor the last, and no row twice.
fn is_spread(numbers: &[u64], wanted: u64) {
    let count = numbers.len() as u64;
    assert!(count >= wanted * 7 / 10 && count <= wanted * 13 / 10, "{count} rows instead of about {wanted}");
    let mean = numbers.iter().sum::<u64>() / count;
    assert!((PEOPLE * 4 / 10..PEOPLE * 6 / 10).contains(&mean), "mean {mean}");
    let tenths: BTreeSet<u64> = numbers.iter().map(|number| number * 10 / PEOPLE).collect();
    assert_eq!(tenths.len(), 10, "{tenths:?}");
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len() as u64, count, "a row came twice");
}

/// A synthetic person: nobody has a mobile number that begins with 154.
fn mobile(number: u64) -> String {
    format!("154{number:08}")
}

/// Says bytes to a server, and hears what it says until it closes.
fn talk(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut other = stream.try_clone().unwrap();
    let bytes = bytes.to_vec();
    let sender = std::thread::spawn(move || other.write_all(&bytes));
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    sender.join().unwrap().unwrap();
    heard
}
