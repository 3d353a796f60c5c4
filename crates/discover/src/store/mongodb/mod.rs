//! MongoDB from 2.6 to today's, and what speaks like it, by its own protocol over the `bson` crate: the official driver
//! refuses servers before 4.2 and dials whatever a replica set names. Members that a server names are not dialled.

mod catalog;
mod command;
mod conn;
mod scan;
mod scram;
mod value;
mod wire;

use futures_util::future::BoxFuture;
use model::{Choice, NotRead};

use self::catalog::{collections, count, databases, is_shard};
use self::command::{Command, Window};
use self::conn::{Conn, Failure, WIRE_3_2, failure_of};
use self::scan::{Scan, batches, find};
use super::gate::Gate;
use super::login::Login;
use super::rows::Rows;
use super::{Listing, Store, StoreError, Table};
use crate::{Part, Sink};

/// Documents that come together.
const BATCH: i32 = 1000;
/// Windows that a sample is taken from where the server has no random sample.
const WINDOWS: u64 = 32;
/// Most answers without a document before the cursor's end.
const EMPTY: u32 = 1000;

/// A server.
pub struct Mongodb {
    gate: Gate,
    login: Login,
    source: String,
    conn: Option<Conn>,
}

/// A scan of a collection.
struct Plan<'a> {
    columns: &'a [String],
    choice: Choice,
    cluster: u64,
    total: u64,
}

impl Mongodb {
    /// A reader for the server of `login`, whose user is one of the database `source`. `login.database` is the database
    /// that was asked for.
    pub fn new(gate: Gate, login: Login, source: String) -> Self {
        Self { gate, login, source, conn: None }
    }

    async fn conn(&mut self) -> Result<&mut Conn, StoreError> {
        if self.conn.is_none() {
            self.conn = Some(Conn::open(&self.gate, &self.login, &self.source).await?);
        }
        self.conn.as_mut().ok_or_else(|| StoreError::Connection("not connected".to_owned()))
    }

    async fn list(&mut self) -> Result<Listing, StoreError> {
        self.conn = None;
        let named = self.login.database.clone();
        let conn = self.conn().await?;
        let mut listing = Listing::default();
        if conn.greeting.arbiter {
            let why = "an arbiter keeps no data: name another member of the replica set".to_owned();
            listing.not_read.push(missing("", why, false));
            return Ok(listing);
        }
        let databases = match named {
            Some(name) => vec![name],
            None => databases(conn, &mut listing).await?,
        };
        for database in databases {
            match collections(conn, &database, &mut listing).await {
                Ok(()) => {}
                Err(StoreError::Connection(why)) => return Err(StoreError::Connection(why)),
                Err(error) => listing.not_read.push(missing(&database, error.to_string(), false)),
            }
        }
        if is_shard(conn).await? {
            let why = "this is one shard of a cluster: name its router (mongos) as the target".to_owned();
            listing.not_read.push(missing("", why, false));
        }
        Ok(listing)
    }

    async fn take_sample(
        &mut self,
        table: &Table,
        rows: u64,
        seed: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let (database, collection) = place(table)?;
        let conn = self.conn().await?;
        let total = count(conn, database, collection).await?;
        if total <= rows {
            return self.read_all(table, &[], total, sink).await;
        }
        let count = i64::try_from(rows).unwrap_or(i64::MAX);
        let mut first = None;
        if conn.greeting.wire >= WIRE_3_2 {
            let sample = Command::Sample { collection, count, batch: BATCH };
            let answer = conn.ask(database, &sample).await?;
            match failure_of(&answer) {
                None => first = Some(answer),
                // Others: a sort in memory that was too large, a stage that is not known.
                Some(failure @ Failure { code: 13 | 18 | 10107 | 13435 | 13436, .. }) => {
                    return Err(failure.error("aggregate"));
                }
                Some(_) => {}
            }
        }
        let Some(first) = first else { return self.windows(table, rows, seed, total, sink).await };
        let plan = Plan { columns: &[], choice: Choice::Uniform, cluster: 1, total };
        let mut rows = plan.begin(table, sink);
        let mut scan = Scan::default();
        let read = batches(conn, table, &first, &mut rows, &mut scan).await;
        scan.end(rows, read.is_ok(), false);
        read
    }

    /// Stretches of documents in the order of their ids, at random places.
    async fn windows(
        &mut self,
        table: &Table,
        wanted: u64,
        seed: u64,
        total: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let width = wanted.div_ceil(WINDOWS).max(1);
        let plan = Plan { columns: &[], choice: Choice::PageClustered, cluster: width, total };
        let mut rows = plan.begin(table, sink);
        let mut scan = Scan::default();
        let mut read = Ok(());
        for skip in places(total, width, seed) {
            let window = Window {
                skip: i64::try_from(skip).unwrap_or(i64::MAX),
                count: i64::try_from(width).unwrap_or(i64::MAX),
            };
            let conn = self.conn().await?;
            read = find(conn, table, &[], Some(window), &mut rows, &mut scan).await;
            if read.is_err() || scan.stopped {
                break;
            }
        }
        scan.end(rows, read.is_ok(), false);
        read
    }

    async fn take_all(
        &mut self,
        table: &Table,
        columns: &[String],
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let (database, collection) = place(table)?;
        let total = count(self.conn().await?, database, collection).await?;
        self.read_all(table, columns, total, sink).await
    }

    async fn read_all(
        &mut self,
        table: &Table,
        columns: &[String],
        total: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let conn = self.conn().await?;
        let plan = Plan { columns, choice: Choice::Everything, cluster: 1, total };
        let mut rows = plan.begin(table, sink);
        let mut scan = Scan::default();
        let read = find(conn, table, columns, None, &mut rows, &mut scan).await;
        scan.end(rows, read.is_ok(), true);
        read
    }
}

impl Plan<'_> {
    fn begin<'s>(&self, table: &Table, sink: &'s mut dyn Sink) -> Rows<'s> {
        let part = Part {
            location: table.location.clone(),
            choice: self.choice,
            rows: Some(self.total),
            cluster: self.cluster,
        };
        Rows::begin(sink, part, self.columns)
    }
}

fn missing(location: &str, why: String, by_design: bool) -> NotRead {
    NotRead { location: location.to_owned(), why, by_design }
}

fn place(table: &Table) -> Result<(&str, &str), StoreError> {
    table.location.split_once('.').ok_or_else(|| StoreError::Answer("there is no such collection".to_owned()))
}

/// Where windows begin: in order, apart from each other, chosen by the seed.
fn places(total: u64, width: u64, seed: u64) -> Vec<u64> {
    let mut random = fastrand::Rng::with_seed(seed);
    let slots = (total / width.max(1)).max(1);
    let windows = WINDOWS.min(slots);
    // One in each stretch, so that they never overlap.
    let edge = |window: u64| {
        u64::try_from(u128::from(slots) * u128::from(window) / u128::from(windows)).unwrap_or(slots)
    };
    (0..windows).map(|window| random.u64(edge(window)..edge(window + 1)).saturating_mul(width)).collect()
}

impl Mongodb {
    /// After a failure the connection is not used again: answers may still be on their way.
    fn close_after<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if done.is_err() {
            self.conn = None;
        }
        done
    }
}

impl Store for Mongodb {
    fn tables(&mut self) -> BoxFuture<'_, Result<Listing, StoreError>> {
        Box::pin(async move {
            let listed = self.list().await;
            self.close_after(listed)
        })
    }

    fn read_table<'a>(
        &'a mut self,
        table: &'a Table,
        columns: &'a [String],
        sample: Option<(u64, u64)>,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let read = match sample {
                Some((rows, seed)) => self.take_sample(table, rows, seed, sink).await,
                None => self.take_all(table, columns, sink).await,
            };
            self.close_after(read)
        })
    }
}
