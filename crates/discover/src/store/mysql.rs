//! Reads MySQL and MariaDB: transactions for reading only with a consistent snapshot, metadata locks that wait no longer
//! than two seconds, rows one after the other as text, so that nothing is kept in memory.

mod catalog;
mod login;
mod session;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::{Choice, NotRead};

use self::catalog::{Column, Relation, Shape};
use self::session::Session;
use super::failure::Failure;
use super::gate::Gate;
use super::login::Login;
use super::rows::{Rows, asks_for, gone, listed};
use super::{Listing, Store, StoreError, Table};
use crate::{Part, Sink};

/// How often a table is asked for anew whose columns changed meanwhile.
const ATTEMPTS: usize = 3;
/// Rows that are read from each place that a sample jumps to.
const RUN: u64 = 20;

/// What a reader may cost the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest work on a question to the catalogue, or on a sample.
    pub sample: Duration,
    /// Longest pass over a whole table.
    pub full: Duration,
    /// Longest wait for a lock that somebody else holds, in whole seconds.
    pub lock: Duration,
    /// Tables up to so many bytes are read once in whole to choose rows one by one; in larger ones places are chosen.
    pub read_once: u64,
    /// Tables whose writers wait while they are read (MyISAM, Aria, MEMORY, CSV) are read in whole up to so many bytes.
    pub locking: u64,
}

impl Default for Limits {
    /// Two minutes, an hour, two seconds, one GiB, 64 MiB.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            sample: seconds(120),
            full: seconds(3600),
            lock: seconds(2),
            read_once: 1 << 30,
            locking: 64 << 20,
        }
    }
}

/// A MySQL or MariaDB server.
pub struct Mysql {
    gate: Gate,
    login: Login,
    limits: Limits,
    session: Option<Session>,
    relations: BTreeMap<String, Relation>,
}

/// Which rows are read.
struct Rule {
    /// What follows the name of the table.
    rest: String,
    /// Where runs of rows begin, in a key that is one integer, ascending.
    places: Option<(String, Vec<i128>)>,
    choice: Choice,
    rows: Option<u64>,
    cluster: u64,
}

/// What is read of a table.
#[derive(Clone, Copy)]
struct Order<'o> {
    table: &'o Table,
    relation: &'o Relation,
    wanted: &'o [String],
    /// How many rows, and the seed; `None`: all.
    sample: Option<(u64, u64)>,
}

impl Mysql {
    /// A reader that connects when it is asked for something.
    pub fn new(gate: Gate, login: Login, limits: Limits) -> Self {
        Self { gate, login, limits, session: None, relations: BTreeMap::new() }
    }

    /// The present session when it is still there. Whoever takes it gives it back when it may be used again.
    async fn session(&mut self) -> Result<Session, StoreError> {
        if let Some(mut session) = self.session.take()
            && session.is_usable().await
        {
            return Ok(session);
        }
        Session::open(&self.gate, &self.login, self.limits).await
    }

    async fn list(&mut self) -> Result<Listing, StoreError> {
        self.relations.clear();
        let mut session = self.session().await?;
        let only = self.login.database.clone();
        let listing = self.ask_for_tables(&mut session, only.as_deref()).await.map_err(Failure::of_store)?;
        self.session = Some(session);
        Ok(listing)
    }

    async fn ask_for_tables(
        &mut self,
        session: &mut Session,
        only: Option<&str>,
    ) -> Result<Listing, Failure> {
        if let Some(name) = only
            && session.ask(&catalog::database(name)).await?.is_empty()
        {
            let why = format!("{}: there is no database {name}, or no right to it", self.login.door);
            return Err(Failure::Store(StoreError::Denied(why)));
        }
        let mut listing = Listing::default();
        for fields in session.ask(&catalog::tables(only)).await? {
            match catalog::relation(&fields, only) {
                None => {}
                Some(Err(missing)) => listing.not_read.push(missing),
                Some(Ok((table, relation))) => {
                    self.relations.insert(table.location.clone(), relation);
                    listing.tables.push(table);
                }
            }
        }
        let mut told = |location: &str, why: &str, by_design| {
            let (location, why) = (location.to_owned(), why.to_owned());
            listing.not_read.push(NotRead { location, why, by_design });
        };
        if session.ask(&catalog::sees_all(only)).await?.is_empty() {
            let why = "this account is shown only tables that it has a right to; whether there are others is not known";
            told("*", why, false);
        }
        if only.is_none() {
            told(&catalog::SYSTEM.join(", "), "the system's own tables are not read", true);
        }
        Ok(listing)
    }

    /// Reads a table. What concerns it alone is noted, the rest is an error.
    async fn read(
        &mut self,
        table: &Table,
        wanted: &[String],
        sample: Option<(u64, u64)>,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let relation = listed(&self.relations, table)?;
        let missing = |why: String| NotRead { location: table.location.clone(), why, by_design: false };
        if sample.is_none() && relation.locking && relation.bytes > self.limits.locking {
            let why = "its engine makes writers wait while it is read, so that this is not done to a table of its size; \
                       read a replica";
            sink.not_read(missing(why.to_owned()));
            return Ok(());
        }
        if relation.versioned {
            sink.not_read(missing("it keeps former rows (system versioning), which are not read".to_owned()));
        }
        let order = Order { table, relation: &relation, wanted, sample };
        for _ in 0..ATTEMPTS {
            let mut session = self.session().await?;
            match self.attempt(&mut session, order, sink).await {
                Ok(()) => {
                    self.session = session.ended().await;
                    return Ok(());
                }
                Err(Failure::Changed) => self.session = session.ended().await,
                Err(Failure::Part(why)) => {
                    self.session = session.ended().await;
                    sink.not_read(missing(why));
                    return Ok(());
                }
                Err(Failure::Store(error)) => return Err(error),
            }
        }
        sink.not_read(missing("its columns were changed, or it was dropped, while it was read".to_owned()));
        Ok(())
    }

    async fn attempt(
        &self,
        session: &mut Session,
        order: Order<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        session.begin().await?;
        let columns = session.columns(order.relation).await?;
        let rule = match order.sample {
            Some((rows, seed)) => self.rule(session, order.relation, &columns, rows, seed).await?,
            None => Rule::everything(None),
        };
        let (chosen, absent) = choose(&columns, order.wanted);
        if chosen.is_empty() {
            let none = columns.is_empty();
            let why = "none of the columns is there, or none may be read".to_owned();
            return Err(if none { Failure::Changed } else { Failure::Part(why) });
        }
        session.time(if order.sample.is_some() { self.limits.sample } else { self.limits.full }).await;
        // A part begins when the server has agreed to give its rows.
        session.probe(&chosen, order.relation).await?;
        let part = Part {
            location: order.table.location.clone(),
            choice: rule.choice,
            rows: rule.rows,
            cluster: rule.cluster,
        };
        let mut rows = Rows::begin(sink, part, order.wanted);
        for (name, why) in absent {
            rows.not_read(&name, why, false);
        }
        let ended = take_all(session, order.relation, &rule, &chosen, &mut rows).await;
        if matches!(ended, Ok(false)) {
            session.abandon();
        }
        rows.close(ended, rule.choice, order.sample.is_some())
    }

    /// How about `rows` rows of a table are chosen.
    async fn rule(
        &self,
        session: &mut Session,
        relation: &Relation,
        columns: &[Column],
        rows: u64,
        seed: u64,
    ) -> Result<Rule, Failure> {
        let from = &relation.from;
        let mut expected = relation.rows.unwrap_or_default();
        if expected <= rows.saturating_mul(4) {
            // The estimate may be far off, so what is few is counted.
            let few = rows.saturating_add(1);
            let counted = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {from} LIMIT {few}) few");
            let counted = session.number(&counted).await?.unwrap_or_default();
            if counted <= rows {
                return Ok(Rule::everything(Some(counted)));
            }
        }
        let scan = relation.bytes
            <= self.limits.read_once.min(if relation.locking { self.limits.locking } else { u64::MAX });
        if expected <= rows && scan {
            expected = session.number(&format!("SELECT COUNT(*) FROM {from}")).await?.unwrap_or_default();
        }
        let expected = expected.max(rows.saturating_add(1));
        if scan {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a share of the rows: its last digits do not matter"
            )]
            let share = rows as f64 / expected as f64;
            let rest = format!(" WHERE RAND({}) < {share:.12}", seed & 0x7fff_ffff);
            return Ok(Rule { rest, choice: Choice::Uniform, ..Rule::everything(Some(expected)) });
        }
        if let Some(key) = catalog::integer_key(columns) {
            let name = catalog::quote(&key.name);
            let ends = session.ends(&format!("SELECT MIN({name}), MAX({name}) FROM {from}")).await?;
            if let Some((first, last)) = ends {
                let mut places = places(first, last, rows.div_ceil(RUN), seed);
                places.sort_unstable();
                let (choice, cluster) = (Choice::PageClustered, RUN);
                let places = Some((name, places));
                return Ok(Rule { places, choice, cluster, ..Rule::everything(Some(expected)) });
            }
        }
        let rest = format!(" LIMIT {rows}");
        Ok(Rule { rest, choice: Choice::FirstRows, ..Rule::everything(Some(expected)) })
    }
}

impl Rule {
    fn everything(rows: Option<u64>) -> Self {
        Self { rest: String::new(), places: None, choice: Choice::Everything, rows, cluster: 1 }
    }
}

/// Places between two keys, each as likely as the other.
fn places(first: i128, last: i128, count: u64, seed: u64) -> Vec<i128> {
    let mut random = fastrand::Rng::with_seed(seed);
    let width = u64::try_from(last.saturating_sub(first)).unwrap_or(u64::MAX);
    (0..count).map(|_| first.saturating_add(i128::from(random.u64(0..=width)))).collect()
}

/// Takes the rows of a rule in. Whether all came.
async fn take_all(
    session: &mut Session,
    relation: &Relation,
    rule: &Rule,
    columns: &[Column],
    rows: &mut Rows<'_>,
) -> Result<bool, Failure> {
    let list = columns.iter().map(Column::expression).collect::<Vec<_>>().join(", ");
    let Relation { from, .. } = relation;
    let Some((key, places)) = &rule.places else {
        let statement = format!("SELECT {list} FROM {from}{}", rule.rest);
        return session.query(&statement, |fields| take(rows, columns, fields)).await;
    };
    let mut after = i128::MIN;
    for place in places {
        // Runs that would overlap follow each other.
        let place = (*place).max(after.saturating_add(1));
        let statement =
            format!("SELECT {key}, {list} FROM {from} WHERE {key} >= {place} ORDER BY {key} LIMIT {RUN}");
        let whole = session
            .query(&statement, |fields| {
                let at = fields.next().flatten().and_then(number);
                after = at.unwrap_or(after);
                take(rows, columns, fields)
            })
            .await?;
        if !whole {
            return Ok(false);
        }
    }
    Ok(true)
}

fn number(text: &[u8]) -> Option<i128> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The columns that are read, and what was asked for and cannot be.
fn choose(columns: &[Column], wanted: &[String]) -> (Vec<Column>, Vec<(String, &'static str)>) {
    let asked: Vec<&Column> = columns.iter().filter(|column| asks_for(wanted, &column.name)).collect();
    let refused = asked.iter().filter(|column| !column.readable);
    let mut absent: Vec<(String, &str)> = refused
        .map(|column| (column.name.clone(), "this account has no right to SELECT the column"))
        .collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    absent.extend(gone(wanted, &names));
    (asked.into_iter().filter(|column| column.readable).cloned().collect(), absent)
}

/// Takes a row in. Whether to go on.
fn take(rows: &mut Rows<'_>, columns: &[Column], fields: &mut dyn Iterator<Item = Option<&[u8]>>) -> bool {
    for (column, field) in columns.iter().zip(fields) {
        match field {
            None => {}
            Some(value) if column.shape == Shape::Json => rows.json(&column.name, value),
            Some(value) => rows.value(&column.name, value),
        }
    }
    rows.end_row()
}

impl Store for Mysql {
    fn tables(&mut self) -> BoxFuture<'_, Result<Listing, StoreError>> {
        self.list().boxed()
    }

    fn read_table<'a>(
        &'a mut self,
        table: &'a Table,
        columns: &'a [String],
        sample: Option<(u64, u64)>,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.read(table, columns, sample, sink).boxed()
    }
}
