//! Reads PostgreSQL: transactions for reading only, `ACCESS SHARE` locks that wait no longer than two seconds, `COPY` for
//! all that is read, so that nothing is kept in memory and every type comes as text. No function of the user's is called,
//! but for the policies of row-level security, which the server applies.

mod catalog;
mod session;

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
use super::{Listing, Store, StoreError, Table, tsv};
use crate::{Part, Sink};

/// How often a table is asked for anew whose columns changed meanwhile.
const ATTEMPTS: usize = 3;
/// Whether a table up to so many bytes has few rows is counted.
const SMALL: u64 = 64 << 20;
/// The database that is asked for the others: every cluster has it unless somebody dropped it.
const FIRST: &str = "postgres";

/// What a reader may cost the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest work on a question to the catalogue, or on a sample.
    pub sample: Duration,
    /// Longest pass over a whole table.
    pub full: Duration,
    /// Longest wait for a lock that somebody else holds.
    pub lock: Duration,
    /// Tables up to so many bytes are read once in whole to choose rows one by one; of larger ones pages are chosen.
    pub read_once: u64,
}

impl Default for Limits {
    /// Two minutes, an hour, two seconds, one GiB.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { sample: seconds(120), full: seconds(3600), lock: seconds(2), read_once: 1 << 30 }
    }
}

/// A PostgreSQL server.
pub struct Postgres {
    gate: Gate,
    login: Login,
    limits: Limits,
    session: Option<Session>,
    relations: BTreeMap<String, Relation>,
}

/// Which rows are read.
struct Rule {
    /// What follows `FROM`.
    from: String,
    choice: Choice,
    rows: Option<u64>,
    cluster: u64,
    time: Duration,
}

impl Postgres {
    /// A reader that connects when it is asked for something.
    pub fn new(gate: Gate, login: Login, limits: Limits) -> Self {
        Self { gate, login, limits, session: None, relations: BTreeMap::new() }
    }

    /// A session with a database: the present one when it is still there.
    async fn session(&mut self, database: &str) -> Result<Session, StoreError> {
        match self.session.take() {
            Some(session) if session.is_usable(database) => Ok(session),
            _ => Session::open(&self.gate, &self.login, self.limits, database).await,
        }
    }

    async fn list(&mut self) -> Result<Listing, StoreError> {
        self.relations.clear();
        let mut listing = Listing::default();
        if let Some(database) = self.login.database.clone() {
            self.list_database(&database, false, &mut listing).await?;
            return Ok(listing);
        }
        let mut session = self.session(FIRST).await?;
        let rows = session.ask(catalog::DATABASES).await.map_err(|failure| failure.of_store())?;
        self.session = Some(session);
        for fields in rows {
            match catalog::database(&fields) {
                Err(missing) => listing.not_read.push(missing),
                Ok(database) => {
                    if let Err(error) = self.list_database(&database, true, &mut listing).await {
                        let missing =
                            NotRead { location: database, why: error.to_string(), by_design: false };
                        listing.not_read.push(missing);
                    }
                }
            }
        }
        Ok(listing)
    }

    async fn list_database(
        &mut self,
        database: &str,
        prefix: bool,
        listing: &mut Listing,
    ) -> Result<(), StoreError> {
        let mut session = self.session(database).await?;
        let rows = session.ask(catalog::RELATIONS).await.map_err(|failure| failure.of_store())?;
        let objects = session.ask(catalog::LARGE_OBJECTS).await.unwrap_or_default();
        self.session = Some(session);
        for fields in rows {
            match catalog::relation(&fields, database, prefix) {
                Err(missing) => listing.not_read.push(missing),
                Ok((table, relation)) => {
                    self.relations.insert(table.location.clone(), relation);
                    listing.tables.push(table);
                }
            }
        }
        let place = |name: &str| if prefix { format!("{database}.{name}") } else { name.to_owned() };
        let count = objects.first().and_then(|fields| fields.first()?.clone());
        if let Some(count) = count.filter(|count| count != "0") {
            let why = format!("{count} large objects are not read");
            listing.not_read.push(NotRead { location: place("pg_largeobject"), why, by_design: false });
        }
        let why = "the system's own tables are not read".to_owned();
        listing.not_read.push(NotRead { location: place("pg_catalog"), why, by_design: true });
        Ok(())
    }

    /// Reads a table by a rule that is made once it is locked. What concerns this table alone is noted, the rest an error.
    async fn read(
        &mut self,
        table: &Table,
        wanted: &[String],
        sample: Option<(u64, u64)>,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let relation = listed(&self.relations, table)?;
        let missing =
            |why: &str| NotRead { location: table.location.clone(), why: why.to_owned(), by_design: false };
        if relation.policies {
            sink.not_read(missing(
                "row-level security is on for this role: rows that its policies hide were not read",
            ));
        }
        for _ in 0..ATTEMPTS {
            let mut session = self.session(&relation.database).await?;
            let read = self.attempt(&mut session, &relation, table, wanted, sample, sink).await;
            match read {
                Ok(()) => {
                    self.session = session.ended().await;
                    return Ok(());
                }
                Err(Failure::Changed) => self.session = session.ended().await,
                Err(Failure::Part(why)) => {
                    self.session = session.ended().await;
                    sink.not_read(missing(&why));
                    return Ok(());
                }
                Err(Failure::Store(error)) => return Err(error),
            }
        }
        sink.not_read(missing("its columns were changed, or it was dropped, while it was read"));
        Ok(())
    }

    async fn attempt(
        &self,
        session: &mut Session,
        relation: &Relation,
        table: &Table,
        wanted: &[String],
        sample: Option<(u64, u64)>,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        session.begin().await?;
        let rule = match sample {
            Some((rows, seed)) => self.rule(session, relation, rows, seed).await?,
            None => Rule {
                from: relation.from.clone(),
                choice: Choice::Everything,
                rows: None,
                cluster: 1,
                time: self.limits.full,
            },
        };
        let columns = session.ask(&catalog::columns(relation.oid)).await?;
        let columns: Vec<Column> = columns.iter().map(catalog::column).collect();
        let (chosen, absent) = choose(&columns, wanted);
        if chosen.is_empty() {
            return Err(Failure::Part("none of the columns is there, or none may be read".to_owned()));
        }
        let list = chosen.iter().map(|column| column.expression()).collect::<Vec<_>>().join(", ");
        session.time(rule.time).await?;
        let mut copy = session.copy(&format!("SELECT {list} FROM {}", rule.from)).await?;
        let part = Part {
            location: table.location.clone(),
            choice: rule.choice,
            rows: rule.rows,
            cluster: rule.cluster,
        };
        let mut rows = Rows::begin(sink, part, wanted);
        for (name, why) in absent {
            rows.not_read(&name, why, false);
        }
        let ended = copy.rows(|fields| take(&mut rows, &chosen, fields)).await;
        if matches!(ended, Ok(false)) {
            // The rest of the answer is on its way: only the end of the connection stops it.
            session.abandon();
        }
        rows.close(ended, rule.choice, sample.is_some())
    }

    /// How about `rows` rows of a table are chosen.
    async fn rule(
        &self,
        session: &mut Session,
        relation: &Relation,
        rows: u64,
        seed: u64,
    ) -> Result<Rule, Failure> {
        let from = relation.from.clone();
        let time = self.limits.sample;
        let expected = session.planned_rows(&format!("SELECT 1 FROM {from}")).await?;
        let (bytes, page) = session.size(relation.oid).await?;
        if expected <= rows.saturating_mul(4) || bytes <= SMALL {
            // The estimate may be far off, so what may be few is counted.
            let few = rows.saturating_add(1);
            let count = format!("SELECT count(*) FROM (SELECT 1 FROM {from} LIMIT {few}) few");
            let counted = session.number(&count).await?.ok_or(Failure::Changed)?;
            if counted <= rows {
                return Ok(Rule { from, choice: Choice::Everything, rows: Some(counted), cluster: 1, time });
            }
        }
        let expected = expected.max(rows.saturating_add(1));
        #[expect(clippy::cast_precision_loss, reason = "a share of the rows: its last digits do not matter")]
        let share = (rows as f64 / expected as f64 * 100.0).clamp(0.000_001, 100.0);
        let (method, choice, cluster) = if bytes <= self.limits.read_once {
            ("BERNOULLI", Choice::Uniform, 1)
        } else {
            ("SYSTEM", Choice::PageClustered, expected.div_ceil((bytes / page.max(1)).max(1)).max(1))
        };
        let seed = seed & 0x7fff_ffff;
        let from = format!("{from} TABLESAMPLE {method} ({share:.6}) REPEATABLE ({seed})");
        Ok(Rule { from, choice, rows: Some(expected), cluster, time })
    }
}

/// The columns that are read, and what was asked for and cannot be.
fn choose(columns: &[Column], wanted: &[String]) -> (Vec<Column>, Vec<(String, &'static str)>) {
    let asked: Vec<&Column> = columns.iter().filter(|column| asks_for(wanted, &column.name)).collect();
    let refused = asked.iter().filter(|column| !column.readable);
    let mut absent: Vec<(String, &str)> =
        refused.map(|column| (column.name.clone(), "this role has no right to SELECT the column")).collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    absent.extend(gone(wanted, &names));
    (asked.into_iter().filter(|column| column.readable).cloned().collect(), absent)
}

/// Takes a row in. Whether to go on.
fn take(rows: &mut Rows<'_>, columns: &[Column], fields: &mut dyn Iterator<Item = Option<&[u8]>>) -> bool {
    let mut room = Vec::new();
    for (column, field) in columns.iter().zip(fields) {
        let Some(field) = field else { continue };
        let value = tsv::unescape(field, &mut room);
        match column.shape {
            Shape::Json | Shape::Parts => rows.json(&column.name, value),
            Shape::Bytes => match tsv::bytea(value) {
                Some(bytes) => rows.value(&column.name, &bytes),
                None => rows.value(&column.name, value),
            },
            Shape::Short | Shape::Text => rows.value(&column.name, value),
        }
    }
    rows.end_row()
}

impl Store for Postgres {
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
