//! MongoDB from 2.6 to today's, and what speaks like it, by its own protocol over the `bson` crate: the official driver
//! refuses servers before 4.2 and dials whatever a replica set names. Members that a server names are not dialled.

mod command;
mod conn;
mod scram;
mod value;
mod wire;

use bson::raw::{RawArray, RawDocument};
use bson::{Bson, Document};
use futures_util::future::BoxFuture;
use model::{Choice, NotRead};

use self::command::{Command, Window, fields, old_find};
use self::conn::{Conn, Failure, WIRE_3_0, WIRE_3_2, failure_of, number, raw};
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

/// What is known while documents come.
#[derive(Default)]
struct Scan {
    unreadable: u64,
    stopped: bool,
    empty: u32,
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
        self.close_after(read)
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
        self.close_after(read)
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
        self.close_after(read)
    }

    /// A connection that failed, or on which a cursor may be left, is not used again.
    fn close_after(&mut self, read: Result<(), StoreError>) -> Result<(), StoreError> {
        if read.is_err() {
            self.conn = None;
        }
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

impl Scan {
    fn take(&mut self, document: &RawDocument, rows: &mut Rows<'_>) {
        if self.stopped {
            return;
        }
        if rows.document(|cell| value::flatten(document, cell)).is_err() {
            self.unreadable += 1;
        }
        self.stopped = !rows.end_row();
    }

    /// Tells the ledger, and ends the part. `everything`: all documents were asked for.
    fn end(self, mut rows: Rows<'_>, ended: bool, everything: bool) {
        if self.unreadable > 0 {
            let why = format!("{} documents are no BSON that can be read, or nested too deeply", self.unreadable);
            rows.not_read("", why, false);
        }
        if self.stopped {
            let why = format!("reading was stopped after {} documents", rows.count);
            rows.not_read("", why, false);
        }
        rows.finish(ended && everything && !self.stopped);
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
    let edge = |window: u64| u64::try_from(u128::from(slots) * u128::from(window) / u128::from(windows)).unwrap_or(slots);
    (0..windows).map(|window| random.u64(edge(window)..edge(window + 1)).saturating_mul(width)).collect()
}

/// The databases that are not the server's own.
async fn databases(conn: &mut Conn, listing: &mut Listing) -> Result<Vec<String>, StoreError> {
    let answer = conn.run("admin", &Command::ListDatabases).await?;
    let found = answer.get_array("databases").map(Vec::as_slice).unwrap_or_default();
    let names = found.iter().filter_map(|entry| entry.as_document()?.get_str("name").ok());
    let mut databases = Vec::new();
    for name in names {
        match name {
            "local" => listing.not_read.push(missing("local", "the server's own: what was written last".to_owned(), true)),
            "config" => listing.not_read.push(missing("config", "the server's own".to_owned(), true)),
            name => databases.push(name.to_owned()),
        }
    }
    databases.sort_unstable();
    Ok(databases)
}

async fn collections(conn: &mut Conn, database: &str, listing: &mut Listing) -> Result<(), StoreError> {
    let names = if conn.greeting.wire >= WIRE_3_0 {
        new_names(conn, database, listing).await?
    } else {
        old_names(conn, database).await?
    };
    let mut own = 0_u64;
    for name in names {
        // Accounts, views, and the pieces that series over time are kept in.
        if name.starts_with("system.") {
            own += 1;
            continue;
        }
        let location = format!("{database}.{name}");
        match count(conn, database, &name).await {
            Ok(rows) => listing.tables.push(Table { location, rows: Some(rows), exact: false }),
            Err(StoreError::Connection(why)) => return Err(StoreError::Connection(why)),
            Err(StoreError::Denied(why)) => listing.not_read.push(missing(&location, why, false)),
            Err(_) => listing.tables.push(Table { location, rows: None, exact: false }),
        }
    }
    if own > 0 {
        let why = format!("{own} collections of the server's own");
        listing.not_read.push(missing(&format!("{database}.system.*"), why, true));
    }
    Ok(())
}

async fn new_names(conn: &mut Conn, database: &str, listing: &mut Listing) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    let mut command = Command::ListCollections;
    let namespace;
    let mut pages = 0;
    let mut answer = conn.run(database, &command).await?;
    namespace = answer.get_document("cursor").and_then(|cursor| cursor.get_str("ns")).unwrap_or_default().to_owned();
    let collection = namespace.split_once('.').map_or("$cmd.listCollections", |(_, name)| name);
    loop {
        let (cursor, found) = small_batch(&answer);
        for entry in found {
            let name = entry.get_str("name").unwrap_or_default().to_owned();
            if entry.get_str("type").is_ok_and(|kind| kind == "view") {
                let why = "a view: the collections behind it are read".to_owned();
                listing.not_read.push(missing(&format!("{database}.{name}"), why, true));
            } else if !name.is_empty() {
                names.push(name);
            }
        }
        pages += 1;
        if cursor == 0 || pages > EMPTY {
            names.sort_unstable();
            return Ok(names);
        }
        command = Command::GetMore { collection, cursor, batch: BATCH };
        answer = conn.run(database, &command).await?;
    }
}

/// The documents of an answer that lists collections.
fn small_batch(answer: &Document) -> (i64, Vec<Document>) {
    let Ok(cursor) = answer.get_document("cursor") else { return (0, Vec::new()) };
    let batch = cursor.get_array("firstBatch").or_else(|_| cursor.get_array("nextBatch"));
    let found = batch.map(Vec::as_slice).unwrap_or_default().iter();
    (number(cursor.get("id")).unwrap_or(0), found.filter_map(Bson::as_document).cloned().collect())
}

/// Before 3.0 the names of collections, and of indexes with a dollar sign, are documents of their own.
async fn old_names(conn: &mut Conn, database: &str) -> Result<Vec<String>, StoreError> {
    let collection = format!("{database}.system.namespaces");
    let query = raw(&Document::new())?;
    let mut names = Vec::new();
    let (mut found, mut cursor) =
        conn.old(|id| wire::op_query(id, &collection, 0, BATCH, &query, None)).await?;
    loop {
        for entry in &found {
            let name = entry.get_str("name").unwrap_or_default();
            let name = name.split_once('.').map_or("", |(_, name)| name);
            if !name.is_empty() && !name.contains('$') {
                names.push(name.to_owned());
            }
        }
        if cursor == 0 || found.is_empty() {
            names.sort_unstable();
            return Ok(names);
        }
        (found, cursor) = conn.old(|id| wire::op_get_more(id, &collection, BATCH, cursor)).await?;
    }
}

async fn count(conn: &mut Conn, database: &str, collection: &str) -> Result<u64, StoreError> {
    let answer = conn.run(database, &Command::Count(collection)).await?;
    Ok(number(answer.get("n")).and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// Whether the server is a shard that was dialled past its router.
async fn is_shard(conn: &mut Conn) -> Result<bool, StoreError> {
    if conn.greeting.router || conn.greeting.wire < WIRE_3_2 || conn.greeting.set.is_none() {
        return Ok(false);
    }
    let find = Command::Find { collection: "system.version", fields: None, window: None, batch: 100 };
    // Whoever may not look there does not learn it; that is told nowhere, as most servers are no shards.
    let Ok(answer) = conn.try_run("admin", &find).await? else { return Ok(false) };
    let (_, found) = small_batch(&answer);
    Ok(found.iter().any(|entry| entry.get_str("_id").is_ok_and(|id| id == "shardIdentity")))
}

/// Finds documents and takes them all.
async fn find(
    conn: &mut Conn,
    table: &Table,
    columns: &[String],
    window: Option<Window>,
    rows: &mut Rows<'_>,
    scan: &mut Scan,
) -> Result<(), StoreError> {
    let (database, collection) = place(table)?;
    if conn.greeting.wire < WIRE_3_2 {
        return old_batches(conn, table, columns, window, rows, scan).await;
    }
    let find = Command::Find { collection, fields: fields(columns), window, batch: BATCH };
    let answer = conn.ask(database, &find).await?;
    match failure_of(&answer) {
        Some(failure) => Err(failure.error(find.name())),
        None => batches(conn, table, &answer, rows, scan).await,
    }
}

/// Takes the documents of an answer and of those that follow it.
async fn batches(
    conn: &mut Conn,
    table: &Table,
    first: &RawDocument,
    rows: &mut Rows<'_>,
    scan: &mut Scan,
) -> Result<(), StoreError> {
    let (database, collection) = place(table)?;
    let mut cursor = take_batch(first, rows, scan)?;
    while cursor != 0 {
        if scan.stopped {
            conn.ask(database, &Command::KillCursor { collection, cursor }).await?;
            return Ok(());
        }
        let more = Command::GetMore { collection, cursor, batch: BATCH };
        let answer = conn.ask(database, &more).await?;
        if let Some(failure) = failure_of(&answer) {
            return Err(failure.error(more.name()));
        }
        cursor = take_batch(&answer, rows, scan)?;
    }
    Ok(())
}

fn take_batch(answer: &RawDocument, rows: &mut Rows<'_>, scan: &mut Scan) -> Result<i64, StoreError> {
    let bad = || StoreError::Answer("an answer without a cursor".to_owned());
    let cursor = answer.get_document("cursor").map_err(|_| bad())?;
    let batch: &RawArray =
        cursor.get_array("firstBatch").or_else(|_| cursor.get_array("nextBatch")).map_err(|_| bad())?;
    let mut found = 0;
    for element in batch {
        let element = element.map_err(|_| StoreError::Answer("a list of documents that is none".to_owned()))?;
        let document = element.as_document().ok_or_else(bad)?;
        scan.take(document, rows);
        found += 1;
    }
    scan.has_found(found)?;
    match cursor.get("id") {
        Ok(Some(id)) => number(Bson::try_from(id).ok().as_ref()).ok_or_else(bad),
        _ => Err(bad()),
    }
}

impl Scan {
    fn has_found(&mut self, count: u32) -> Result<(), StoreError> {
        self.empty = if count == 0 { self.empty + 1 } else { 0 };
        match self.empty > EMPTY {
            true => Err(StoreError::Answer("the server never comes to an end".to_owned())),
            false => Ok(()),
        }
    }
}

/// The same by OP_QUERY.
async fn old_batches(
    conn: &mut Conn,
    table: &Table,
    columns: &[String],
    window: Option<Window>,
    rows: &mut Rows<'_>,
    scan: &mut Scan,
) -> Result<(), StoreError> {
    let query = raw(&old_find(window))?;
    let fields = fields(columns).map(|fields| raw(&fields)).transpose()?;
    let number = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    // A negative number: so many, and no cursor is kept.
    let (skip, count) = window.map_or((0, BATCH), |window| (number(window.skip), -number(window.count)));
    let collection = &table.location;
    let (mut found, mut cursor) =
        conn.old(|id| wire::op_query(id, collection, skip, count, &query, fields.as_deref())).await?;
    loop {
        found.iter().for_each(|document| scan.take(document, rows));
        scan.has_found(u32::from(!found.is_empty()))?;
        if cursor == 0 || scan.stopped {
            return Ok(());
        }
        (found, cursor) = conn.old(|id| wire::op_get_more(id, collection, BATCH, cursor)).await?;
    }
}

impl Store for Mongodb {
    fn tables(&mut self) -> BoxFuture<'_, Result<Listing, StoreError>> {
        Box::pin(self.list())
    }

    fn sample<'a>(
        &'a mut self,
        table: &'a Table,
        rows: u64,
        seed: u64,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.take_sample(table, rows, seed, sink))
    }

    fn full<'a>(
        &'a mut self,
        table: &'a Table,
        columns: &'a [String],
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (database, collection) = place(table)?;
            let total = count(self.conn().await?, database, collection).await?;
            self.read_all(table, columns, total, sink).await
        })
    }
}
