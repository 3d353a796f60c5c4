//! Readers of SQL stores, in-process, against real servers.

mod clickhouse;
mod mysql;
mod postgres;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use discover::store::gate::Gate;
use discover::store::login::{Environment, Login, Target};
use discover::store::{Listing, Store, StoreError, Table};
use discover::{Cell, ColumnId, Part, PartId, Place, Sink};
use model::{Choice, Clock, NotRead};
use net::{Dialer, Guard};
use tokio::runtime::{Builder, Runtime};

/// People in the generated tables.
const PEOPLE: u64 = 20_000;
/// Their numbers added up.
const SUM: u64 = PEOPLE * (PEOPLE + 1) / 2;

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

/// One runtime for all: connections belong to the one that made them.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = || Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    RUNTIME.get_or_init(runtime).block_on(future)
}

/// What a column brought.
#[derive(Default, Clone, Debug)]
struct Column {
    cells: u64,
    bytes: u64,
    longest: usize,
    sum: u64,
    /// Kept of a few rows only.
    values: Vec<Vec<u8>>,
}

/// Counts what readers bring; keeps the values of small parts.
#[derive(Default)]
struct Counted {
    parts: Vec<(Part, BTreeMap<String, ColumnId>)>,
    columns: Vec<Column>,
    rows: Vec<u64>,
    told_rows: BTreeMap<usize, u64>,
    not_read: Vec<NotRead>,
    /// Ends the reading after so many rows.
    limit: Option<u64>,
    /// How many values of a column are kept.
    keep: usize,
    /// Called once, at that row.
    at: Option<(u64, Box<dyn FnMut() + Send>)>,
    all: u64,
}

impl Counted {
    fn keeping(keep: usize) -> Self {
        Self { keep, ..Self::default() }
    }

    fn acting(at: u64, action: impl FnMut() + Send + 'static) -> Self {
        Self { at: Some((at, Box::new(action))), ..Self::default() }
    }

    /// The only part.
    fn part(&self) -> &Part {
        assert_eq!(self.parts.len(), 1, "{:?}", self.not_read);
        &self.parts[0].0
    }

    fn column(&self, name: &str) -> Column {
        let id = self.parts.iter().find_map(|(_, names)| names.get(name));
        id.map(|id| self.columns[id.0].clone()).unwrap_or_default()
    }

    fn names(&self) -> BTreeSet<&str> {
        self.parts.iter().flat_map(|(_, names)| names.keys().map(String::as_str)).collect()
    }

    fn numbers(&self, name: &str) -> Vec<u64> {
        let values = self.column(name).values;
        values.iter().map(|value| std::str::from_utf8(value).unwrap().parse().unwrap()).collect()
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.column(name).values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    /// Why something was not read.
    fn why(&self, location: &str) -> String {
        let found: Vec<&str> = self
            .not_read
            .iter()
            .filter(|part| part.location == location)
            .map(|part| part.why.as_str())
            .collect();
        found.join("; ")
    }
}

impl Sink for Counted {
    fn part(&mut self, part: Part) -> PartId {
        self.parts.push((part, BTreeMap::new()));
        self.rows.push(0);
        PartId(self.parts.len() - 1)
    }

    fn column(&mut self, part: PartId, name: &str) -> ColumnId {
        self.columns.push(Column::default());
        let id = ColumnId(self.columns.len() - 1);
        let known = self.parts[part.0].1.insert(name.to_owned(), id);
        assert_eq!(known, None, "{name} is asked for twice");
        id
    }

    fn row(&mut self, part: PartId, cells: &[Cell<'_>]) {
        self.rows[part.0] += 1;
        self.all += 1;
        for (id, value) in cells {
            let column = &mut self.columns[id.0];
            column.cells += 1;
            column.bytes += value.len() as u64;
            column.longest = column.longest.max(value.len());
            let number = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
            column.sum = column.sum.wrapping_add(number.unwrap_or_default());
            if column.values.len() < self.keep {
                column.values.push(value.to_vec());
            }
        }
        if let Some((_, mut action)) = self.at.take_if(|(at, _)| *at == self.all) {
            action();
        }
    }

    fn rows(&mut self, part: PartId, rows: u64) {
        self.told_rows.insert(part.0, rows);
    }

    fn text(&mut self, _place: &Place<'_>, _text: &[u8]) {}

    fn not_read(&mut self, missing: NotRead) {
        self.not_read.push(missing);
    }

    fn stop(&self) -> bool {
        self.limit.is_some_and(|limit| self.all >= limit)
    }
}

/// Runs a client with statements on its input.
fn client(mut command: Command, statements: &str) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(statements.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A client in the background, ended by its id when this is dropped.
struct Background(Child);

impl Background {
    fn start(mut command: Command, statements: &str) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(statements.as_bytes()).unwrap();
        child.stdin.as_mut().unwrap().flush().unwrap();
        Self(child)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

fn table<'l>(listing: &'l Listing, location: &str) -> &'l Table {
    let names = || listing.tables.iter().map(|table| table.location.clone()).collect::<Vec<_>>();
    listing.tables.iter().find(|table| table.location == location).unwrap_or_else(|| panic!("{:?}", names()))
}

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Tells how fast a whole table of `rows` rows is read, and how much memory that took.
fn measured(what: &str, store: &mut dyn Store, table: &Table, wanted: &[&str], rows: u64) -> Counted {
    let mut sink = Counted::default();
    let before = memory();
    let begun = Instant::now();
    block_on(store.full(table, &columns(wanted), &mut sink)).unwrap();
    let took = begun.elapsed();
    let grown = memory().saturating_sub(before);
    assert_eq!(sink.rows, [rows], "{:?}", sink.not_read);
    let speed = rows as f64 / took.as_secs_f64();
    eprintln!("{what}: {rows} rows in {took:.2?}, {speed:.0} rows/s, peak memory grew by {grown} KiB");
    assert!(grown < 64 << 10, "{grown} KiB more for a table that is streamed");
    sink
}

/// The most memory that this process ever had, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A sample of `people` that is random: neither the first rows nor the last.
fn is_spread(numbers: &[u64], wanted: u64) {
    let count = numbers.len() as u64;
    assert!(count > wanted * 7 / 10 && count < wanted * 13 / 10, "{count} rows instead of about {wanted}");
    let mean = numbers.iter().sum::<u64>() / count;
    assert!((PEOPLE * 4 / 10..PEOPLE * 6 / 10).contains(&mean), "mean {mean}");
    assert!(numbers.iter().any(|number| *number > PEOPLE * 9 / 10));
    let distinct: BTreeSet<&u64> = numbers.iter().collect();
    assert_eq!(distinct.len() as u64, count, "a row came twice");
}
