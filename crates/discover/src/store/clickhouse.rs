//! Reads ClickHouse from 18.16 on, over its HTTP interface: requests that the server itself takes for reading only, rows one
//! after the other as text, so that nothing is kept in memory. Tables that hold no rows themselves are not asked: some would
//! dial, and reading a queue takes its messages away.

mod catalog;
mod literal;
mod session;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::{Choice, NotRead};

use self::catalog::{Column, Question, Relation, Shape};
use self::session::Session;
use super::failure::Failure;
use super::gate::Gate;
use super::login::Login;
use super::rows::{Rows, asks_for, gone, listed};
use super::{Listing, Store, StoreError, Table, tsv};
use crate::{Part, Sink};

/// How often a table is asked for anew whose columns changed meanwhile.
const ATTEMPTS: usize = 3;
/// Rows of a granule, the smallest piece that is read from a large table (`index_granularity`).
const GRANULE: u64 = 8192;
/// From how many granules a sample of a large table is taken.
const GRANULES: u64 = 200;

/// What a reader may cost the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest work on a sample, in whole seconds.
    pub sample: Duration,
    /// Longest pass over a whole table, in whole seconds.
    pub full: Duration,
    /// Tables up to so many bytes, compressed, are read once in whole to choose rows one by one; of larger ones granules are
    /// chosen.
    pub read_once: u64,
}

impl Default for Limits {
    /// 100 seconds, an hour, 256 MiB.
    fn default() -> Self {
        Self { sample: Duration::from_secs(100), full: Duration::from_secs(3600), read_once: 256 << 20 }
    }
}

/// A ClickHouse server.
pub struct ClickHouse {
    session: Session,
    limits: Limits,
    relations: BTreeMap<String, Relation>,
}

/// Which rows are read.
struct Rule {
    /// What follows the name of the table.
    rest: String,
    choice: Choice,
    rows: Option<u64>,
    cluster: u64,
}

impl ClickHouse {
    /// A reader that connects when it is asked for something.
    pub fn new(gate: Gate, login: Login, limits: Limits) -> Self {
        Self { session: Session::new(gate, login), limits, relations: BTreeMap::new() }
    }

    async fn list(&mut self) -> Result<Listing, Failure> {
        self.relations.clear();
        let only = self.session.login().database.clone();
        let only = only.as_deref();
        if let Some(name) = only
            && self.session.catalogue(&catalog::database(name)).await?.is_empty()
        {
            let why =
                format!("{}: there is no database {name}, or no right to it", self.session.login().door);
            return Err(Failure::Store(StoreError::Denied(why)));
        }
        let tables = self.session.catalogue(&catalog::tables(only)).await?;
        let mut sizes = BTreeMap::new();
        for fields in self.session.catalogue(&catalog::sizes(only)).await? {
            let size = catalog::number(&fields, 2).zip(catalog::number(&fields, 3));
            sizes.insert((catalog::text(&fields, 0), catalog::text(&fields, 1)), size);
        }
        let mut listing = Listing::default();
        for fields in tables {
            match catalog::relation(&fields, only) {
                None => {}
                Some(Err(missing)) => listing.not_read.push(missing),
                Some(Ok((mut table, mut relation))) => {
                    let place = (relation.database.clone(), relation.name.clone());
                    relation.size = sizes.get(&place).copied().flatten();
                    table.rows = relation.size.map(|(rows, _)| rows);
                    table.exact = table.rows.is_some();
                    self.relations.insert(table.location.clone(), relation);
                    listing.tables.push(table);
                }
            }
        }
        let mut told = |location: &str, why: &str| {
            let (location, why) = (location.to_owned(), why.to_owned());
            listing.not_read.push(NotRead { location, why, by_design: true });
        };
        told("*", "a user is shown only databases and tables that it has a right to");
        if only.is_none() {
            told(&catalog::SYSTEM.join(", "), "the system's own tables are not read");
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
        let missing =
            |why: &str| NotRead { location: table.location.clone(), why: why.to_owned(), by_design: false };
        for _ in 0..ATTEMPTS {
            match self.attempt(&relation, table, wanted, sample, sink).await {
                Ok(()) => return Ok(()),
                Err(Failure::Changed) => {}
                Err(Failure::Part(why)) => {
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
        &mut self,
        relation: &Relation,
        table: &Table,
        wanted: &[String],
        sample: Option<(u64, u64)>,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        let columns = self.session.catalogue(&catalog::columns(relation)).await?;
        let columns: Vec<Column> = columns.iter().filter_map(catalog::column).collect();
        let (chosen, absent) = choose(&columns, wanted);
        if chosen.is_empty() {
            let why = "none of the columns is there, or none can be read".to_owned();
            return Err(if columns.is_empty() { Failure::Changed } else { Failure::Part(why) });
        }
        let rule = match sample {
            Some((rows, seed)) => self.rule(relation, rows, seed).await?,
            None => Rule::everything(None),
        };
        let select = question(&chosen, &relation.from, &rule.rest)?;
        let settings = match sample {
            // One thread, so that the same seed meets the rows in the same order.
            Some(_) => format!("max_execution_time={}&max_threads=1&", self.limits.sample.as_secs()),
            None => format!("max_execution_time={}&", self.limits.full.as_secs()),
        };
        // A part begins when the server has agreed to give its rows.
        let probe = question(&chosen, &relation.from, " LIMIT 0")?;
        self.session.query(&probe, "", |_| true).await?;
        let Rule { choice, rows, cluster, .. } = rule;
        let mut taken =
            Rows::begin(sink, Part { location: table.location.clone(), choice, rows, cluster }, wanted);
        for (name, why) in absent {
            taken.not_read(&name, why, false);
        }
        let ended = self.session.query(&select, &settings, |fields| take(&mut taken, &chosen, fields)).await;
        taken.close(ended, choice, sample.is_some())
    }

    /// How about `rows` rows of a table are chosen.
    async fn rule(&mut self, relation: &Relation, rows: u64, seed: u64) -> Result<Rule, Failure> {
        let (all, bytes) = match relation.size {
            Some(size) => size,
            None => {
                let counted = self.session.catalogue(&catalog::count(relation)).await?;
                (counted.first().and_then(|fields| catalog::number(fields, 0)).unwrap_or_default(), 0)
            }
        };
        if all <= rows {
            return Ok(Rule::everything(Some(all)));
        }
        let chosen = Rule { choice: Choice::Uniform, ..Rule::everything(Some(all)) };
        #[expect(clippy::cast_precision_loss, reason = "a share of the rows: its last digits do not matter")]
        let share = rows as f64 / all as f64;
        let mut random = fastrand::Rng::with_seed(seed);
        if relation.sampling {
            // By the hash that the table's owner chose: it takes from a place in the hash's range that the seed picks.
            let offset = random.f64() * (1.0 - share);
            return Ok(Rule { rest: format!(" SAMPLE {share:.9} OFFSET {offset:.9}"), ..chosen });
        }
        let salt = random.u32(..);
        let by_row = |share: f64| {
            let limit = share * f64::from(u32::MAX);
            format!("intHash32(rowNumberInAllBlocks() + {salt}) < {limit:.0}")
        };
        if bytes <= self.limits.read_once {
            return Ok(Rule { rest: format!(" WHERE {}", by_row(share)), ..chosen });
        }
        let granules = all.div_ceil(GRANULE).max(1);
        let nth = granules.div_ceil(GRANULES).max(1);
        #[expect(clippy::cast_precision_loss, reason = "as above")]
        let within = (share * nth as f64).min(1.0);
        let rest = format!(
            " PREWHERE intHash32(intDiv(rowNumberInAllBlocks(), {GRANULE}) + {salt}) % {nth} = 0 \
             WHERE rand() < {:.0}",
            within * f64::from(u32::MAX)
        );
        let cluster = rows.div_ceil(granules.div_ceil(nth)).max(1);
        Ok(Rule { rest, choice: Choice::PageClustered, cluster, ..chosen })
    }
}

impl Rule {
    fn everything(rows: Option<u64>) -> Self {
        Self { rest: String::new(), choice: Choice::Everything, rows, cluster: 1 }
    }
}

/// A question that fits into a request.
fn question(columns: &[Column], from: &str, rest: &str) -> Result<Question, Failure> {
    let ask = |expression: fn(&Column) -> String| {
        let list = columns.iter().map(expression).collect::<Vec<_>>().join(", ");
        Some(Question { list, rest: format!("FROM {from}{rest}") }).filter(Session::fits)
    };
    ask(Column::expression)
        .or_else(|| ask(Column::plain))
        .ok_or_else(|| Failure::Part("it has more columns than fit into one question".to_owned()))
}

/// The columns that are read, and what was asked for and cannot be.
fn choose(columns: &[Column], wanted: &[String]) -> (Vec<Column>, Vec<(String, &'static str)>) {
    let asked = columns.iter().filter(|column| asks_for(wanted, &column.name));
    let (unfinished, chosen): (Vec<&Column>, Vec<&Column>) =
        asked.partition(|column| column.shape == Shape::Unfinished);
    let mut absent: Vec<(String, &str)> = unfinished
        .iter()
        .map(|column| (column.name.clone(), "the state of an aggregate, not values"))
        .collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    absent.extend(gone(wanted, &names));
    (chosen.into_iter().cloned().collect(), absent)
}

/// Takes a row in. Whether to go on.
fn take(rows: &mut Rows<'_>, columns: &[Column], fields: &mut dyn Iterator<Item = Option<&[u8]>>) -> bool {
    let mut room = Vec::new();
    for (column, field) in columns.iter().zip(fields) {
        let Some(field) = field else { continue };
        match column.shape {
            // Escapes in it are those of its members.
            Shape::Parts => rows
                .nested(&column.name, field, |path, cell| literal::flatten(field, &column.name, path, cell)),
            Shape::Filled => {
                let value = tsv::unescape(field, &mut room);
                let end = value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                rows.value(&column.name, value.get(..end).unwrap_or_default());
            }
            _ => rows.value(&column.name, tsv::unescape(field, &mut room)),
        }
    }
    rows.end_row()
}

impl Store for ClickHouse {
    fn tables(&mut self) -> BoxFuture<'_, Result<Listing, StoreError>> {
        async { self.list().await.map_err(Failure::of_store) }.boxed()
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
