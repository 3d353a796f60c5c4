//! Redis and what speaks like it (Valkey, KeyDB, Dragonfly): keys, grouped by their shape into tables.
//!
//! SCAN walks through the keys in the order of a hash table, which has nothing to do with what they hold: as far as it was
//! walked, every key has the same chance. In a cluster keys with the same tag stand together, so there that is said to be
//! clustered. Nodes that a server points to are not dialled.

mod command;
mod conn;
mod facts;
mod items;
mod keyspace;
mod read;
mod resp;
mod shape;

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use model::{Choice, NotRead};

use self::command::{Command, Section};
use self::conn::{Conn, why};
use self::items::{Item, Ledger, items, page};
pub(in crate::store) use self::keyspace::rank;
use self::keyspace::{Keyspace, Shapes};
use self::read::Reader;
use self::resp::Reply;
use super::gate::Gate;
use super::login::Login;
use super::rows::Rows;
use super::{Listing, Store, StoreError, Table};
use crate::{Part, Sink};

/// Keys that SCAN looks at in one step: well below a millisecond of the server's time.
const STEP: u32 = 1000;
/// Most keys that are looked at before anything is read.
const KEYS: u64 = 2_000_000;
/// Most steps that find nothing, more than the sparsest table has.
const EMPTY_STEPS: u64 = 1_000_000;
/// Longest key that is read.
const LONGEST_KEY: usize = 64 << 10;
/// Keys that are read with one message.
const BATCH: usize = 200;
/// Tables of so few rows are read in full, however few are asked for.
const ROWS_AT_LEAST: u64 = 100;

/// A server.
pub struct Redis {
    gate: Gate,
    login: Login,
    conn: Option<Conn>,
    database: Option<u32>,
    replica: bool,
    cluster: bool,
    spaces: BTreeMap<u32, Space>,
}

/// A database as far as it was looked at.
struct Space {
    shapes: Shapes,
    /// How many keys it has by the server's count.
    keys: u64,
    /// All keys were looked at.
    whole: bool,
    /// How many were.
    seen: u64,
}

impl Redis {
    /// A reader for the server of `login`. `login.database` is the number of the database that the user named.
    pub fn new(gate: Gate, login: Login) -> Self {
        let spaces = BTreeMap::new();
        Self { gate, login, conn: None, database: None, replica: false, cluster: false, spaces }
    }

    /// A connection at a database.
    async fn conn(&mut self, database: u32) -> Result<&mut Conn, StoreError> {
        if self.conn.is_none() {
            let mut conn = Conn::open(&self.gate, &self.login).await?;
            if self.replica && self.cluster {
                conn.one(&Command::ReadOnly).await?;
            }
            self.conn = Some(conn);
            self.database = None;
        }
        let conn = self.conn.as_mut().ok_or_else(|| StoreError::Connection("not connected".to_owned()))?;
        // Everyone begins at 0, and what has only that need not know the command.
        if self.database.unwrap_or(0) != database {
            let select = Command::Select(database);
            if let Reply::Error(refused) = conn.one(&select).await? {
                return Err(why(&select, &refused));
            }
        }
        self.database = Some(database);
        Ok(conn)
    }

    async fn list(&mut self) -> Result<Listing, StoreError> {
        self.conn = None;
        self.spaces.clear();
        let named = match &self.login.database {
            Some(name) => Some(name.parse::<u32>().map_err(|_| {
                StoreError::Answer("a database of Redis is a number: redis://HOST:PORT/0".to_owned())
            })?),
            None => None,
        };
        let mut listing = Listing::default();
        let databases = self.databases(named, &mut listing).await?;
        for (database, keys) in databases {
            match self.look(database, keys).await {
                Ok(space) => {
                    listing.tables.extend(tables(database, &space));
                    self.spaces.insert(database, space);
                }
                Err(error @ StoreError::Connection(_)) => return Err(error),
                // The first refusal is told for the store: nothing of it can be read.
                Err(error) if self.spaces.is_empty() && named.is_none_or(|named| named == database) => {
                    return Err(error);
                }
                Err(error) => listing.not_read.push(missing(&format!("db{database}"), error.to_string())),
            }
        }
        Ok(listing)
    }

    /// The databases to look at, with the number of their keys where that is known.
    async fn databases(
        &mut self,
        named: Option<u32>,
        listing: &mut Listing,
    ) -> Result<Vec<(u32, u64)>, StoreError> {
        let conn = self.conn(0).await?;
        // Who may not see it is told so once.
        let server = match conn.info(Section::Server).await {
            Ok(server) => server,
            Err(StoreError::Denied(why)) if why.contains("INFO") => {
                let location = "db1".to_owned();
                let why = format!("{why}; without INFO only database 0 is looked at");
                listing.not_read.extend(named.is_none().then_some(NotRead {
                    location,
                    why,
                    by_design: false,
                }));
                return Ok(vec![(named.unwrap_or(0), 0)]);
            }
            Err(error) => return Err(error),
        };
        if facts::field(&server, "redis_mode") == Some("sentinel") {
            let why = "a Sentinel keeps no data: name the server that it watches".to_owned();
            listing.not_read.push(missing("", why));
            return Ok(Vec::new());
        }
        let replication = conn.info(Section::Replication).await.unwrap_or_default();
        let cluster = conn.info(Section::Cluster).await.unwrap_or_default();
        let keyspace = conn.info(Section::Keyspace).await?;
        let cluster = facts::field(&cluster, "cluster_enabled") == Some("1");
        if cluster {
            let nodes = match conn.one(&Command::ClusterNodes).await? {
                Reply::Bytes(text) => facts::other_masters(&String::from_utf8_lossy(&text)),
                _ => vec!["(its address is not told)".to_owned()],
            };
            let why = "another node of the cluster, with keys of its own: name it as a target".to_owned();
            listing.not_read.extend(nodes.into_iter().map(|node| missing(&node, why.clone())));
        }
        self.cluster = cluster;
        self.replica = matches!(facts::field(&replication, "role"), Some("slave" | "replica"));
        if self.cluster && self.replica {
            self.conn = None;
        }
        let found = facts::databases(&keyspace);
        Ok(match named {
            Some(named) => found.into_iter().filter(|(database, _)| *database == named).collect(),
            None => found,
        })
    }

    /// Walks through the keys of a database.
    async fn look(&mut self, database: u32, keys: u64) -> Result<Space, StoreError> {
        let conn = self.conn(database).await?;
        let mut space = Keyspace::default();
        let mut walk = Walk::new(None, keys);
        while space.count < KEYS
            && let Some(found) = walk.next(conn).await?
        {
            found.into_iter().for_each(|key| space.add(key));
        }
        let seen = space.count;
        Ok(Space { shapes: space.finish(), keys: keys.max(seen), whole: walk.is_done(), seen })
    }

    fn space(&self, table: &Table) -> Result<(u32, &Space, &keyspace::Shape, String), StoreError> {
        let unknown = || StoreError::Answer("there is no such table".to_owned());
        let (database, shape) = table.location.split_once('/').ok_or_else(unknown)?;
        let database = database.strip_prefix("db").and_then(|text| text.parse().ok()).ok_or_else(unknown)?;
        let space = self.spaces.get(&database).ok_or_else(unknown)?;
        let keys = space.shapes.shapes.get(shape).ok_or_else(unknown)?;
        Ok((database, space, keys, shape.to_owned()))
    }

    async fn take_sample(
        &mut self,
        table: &Table,
        rows: u64,
        seed: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let cluster = self.cluster;
        let (database, space, shape, _) = self.space(table)?;
        let (whole_walk, single) = (space.whole, shape.count == 1);
        let all = space.whole && shape.complete;
        let mut keys = shape.keys.clone();
        let known = keys.len() as u64;
        keys.sort_by_cached_key(|key| keyspace::rank(seed, key));
        keys.truncate(usize::try_from(rows).unwrap_or(usize::MAX));
        let all = all && keys.len() as u64 == known;
        let conn = self.conn(database).await?;
        let mut ledger = Ledger::default();
        let found = items(conn, keys, &mut ledger).await?;
        let total: u64 = found.iter().map(Item::rows).sum();
        let everything = all && total <= rows.max(ROWS_AT_LEAST);
        let mean = total.div_ceil(found.len().max(1) as u64).max(1);
        let each = if everything { u64::MAX } else { (rows / found.len().max(1) as u64).max(20) };
        let choice = match everything {
            true => Choice::Everything,
            false if mean > 1 || (cluster && !whole_walk) => Choice::PageClustered,
            false => Choice::Uniform,
        };
        let in_all = if all { total } else { table.rows.unwrap_or_default().saturating_mul(mean) };
        let part = Part {
            location: table.location.clone(),
            choice,
            rows: Some(in_all),
            cluster: if choice == Choice::PageClustered { mean.min(each) } else { 1 },
        };
        let mut rows = Rows::begin(sink, part, &[]);
        let mut reader = Reader::new(each, seed, &[], single);
        let read = reader.read(conn, &found, &mut rows, &mut ledger).await;
        ledger.tell(&mut rows);
        rows.finish(everything && read.is_ok());
        read
    }

    async fn read_all(
        &mut self,
        table: &Table,
        columns: &[String],
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let (database, space, keys, shape) = self.space(table)?;
        let single = keys.count == 1;
        let (shapes, keys) = (space.shapes.without_keys(), space.keys);
        let conn = self.conn(database).await?;
        let part = Part {
            location: table.location.clone(),
            choice: Choice::Everything,
            rows: table.rows,
            cluster: 1,
        };
        let mut rows = Rows::begin(sink, part, columns);
        let mut ledger = Ledger::default();
        let mut reader = Reader::new(u64::MAX, 0, columns, single);
        let mut walk = Walk::new(Some(shape.clone().into_bytes()), keys);
        let read = async {
            while let Some(found) = walk.next(conn).await? {
                let keys: Vec<_> = found.into_iter().filter(|key| shapes.of(key) == shape).collect();
                let found = items(conn, keys, &mut ledger).await?;
                reader.read(conn, &found, &mut rows, &mut ledger).await?;
                if ledger.stopped {
                    break;
                }
            }
            Ok(())
        };
        let read: Result<(), StoreError> = read.await;
        ledger.tell(&mut rows);
        rows.finish(read.is_ok() && !ledger.stopped);
        read
    }
}

fn missing(location: &str, why: String) -> NotRead {
    NotRead { location: location.to_owned(), why, by_design: false }
}

/// The tables of a database. Where not all keys were looked at, their numbers are told by the share that was.
fn tables(database: u32, space: &Space) -> Vec<Table> {
    let shapes = space.shapes.shapes.iter();
    shapes
        .map(|(shape, found)| {
            let estimate = u128::from(found.count) * u128::from(space.keys) / u128::from(space.seen.max(1));
            let rows = if space.whole { found.count } else { u64::try_from(estimate).unwrap_or(u64::MAX) };
            Table { location: format!("db{database}/{shape}"), rows: Some(rows), exact: space.whole }
        })
        .collect()
}

/// A walk through the keys of a database.
struct Walk {
    pattern: Option<Vec<u8>>,
    cursor: u64,
    steps: u64,
    empty: u64,
    found: u64,
    /// More keys than that there cannot be.
    most: u64,
}

impl Walk {
    fn new(pattern: Option<Vec<u8>>, keys: u64) -> Self {
        // A table that grows while it is walked through tells keys twice.
        let most = keys.saturating_mul(4).saturating_add(KEYS);
        Self { pattern, cursor: 0, steps: 0, empty: 0, found: 0, most }
    }

    fn is_done(&self) -> bool {
        self.steps > 0 && self.cursor == 0
    }

    /// The next keys; `None` at the end.
    async fn next(&mut self, conn: &mut Conn) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        if self.is_done() {
            return Ok(None);
        }
        let scan = Command::Scan { cursor: self.cursor, pattern: self.pattern.as_deref(), count: STEP };
        let reply = conn.one(&scan).await?;
        if let Reply::Error(refused) = &reply {
            return Err(why(&scan, refused));
        }
        let (cursor, found) = page(reply)
            .ok_or_else(|| StoreError::Answer("SCAN is answered in no way that is understood".to_owned()))?;
        self.cursor = cursor;
        self.steps += 1;
        self.empty = if found.is_empty() { self.empty + 1 } else { 0 };
        self.found += found.len() as u64;
        if self.empty > EMPTY_STEPS || self.found > self.most {
            return Err(StoreError::Answer("SCAN does not come to an end".to_owned()));
        }
        let keys = found.into_iter().filter_map(|reply| match reply {
            Reply::Bytes(key) if key.len() <= LONGEST_KEY => Some(key),
            _ => None,
        });
        Ok(Some(keys.collect()))
    }
}

impl Redis {
    /// After a failure the connection is not used again: answers may still be on their way.
    fn close_after<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if done.is_err() {
            self.conn = None;
        }
        done
    }
}

impl Store for Redis {
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
                None => self.read_all(table, columns, sink).await,
            };
            self.close_after(read)
        })
    }
}
