//! Readers of stores: databases, search clusters, caches, buckets. They read, in transactions for reading where the store
//! has them, and take no lock that a writer would wait for.

pub mod clickhouse;
pub mod elasticsearch;
mod failure;
pub mod gate;
mod json;
#[cfg(test)]
mod kept;
pub mod login;
pub mod mongodb;
pub mod mysql;
mod only;
pub mod open;
pub mod postgres;
pub mod redis;
mod rows;
pub mod s3;
mod tsv;
pub(crate) mod web;

use futures_util::future::BoxFuture;
use model::NotRead;
use thiserror::Error;

use crate::Sink;

/// A table, collection, index or prefix, before anything of it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its place below the target, as [`crate::Part::location`].
    pub location: String,
    /// How many rows the store says it has; an estimate unless `exact`.
    pub rows: Option<u64>,
    /// Whether `rows` was counted.
    pub exact: bool,
}

/// What a store has.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// What can be read.
    pub tables: Vec<Table>,
    /// What cannot, and why (no right to it, a kind that is not read).
    pub not_read: Vec<NotRead>,
}

/// A store that could not be read. The message says what to do, and holds no credential and no value.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The store does not answer, or stopped in the middle.
    #[error("{0}")]
    Connection(String),
    /// The credentials are missing or refused.
    #[error("{0}")]
    Denied(String),
    /// It answered something that is not understood.
    #[error("{0}")]
    Answer(String),
}

/// A store that can be read. What concerns one table alone (no right to it, a lock, a column that is gone, a time limit) is
/// noted in the sink and no error. An error is told by the caller: it says that the store, or the connection to it, failed;
/// rows that came before stay, and the next call may connect again.
pub trait Store: Send {
    /// What it has: everything that the credentials may see, system tables left out and told.
    fn tables(&mut self) -> BoxFuture<'_, Result<Listing, StoreError>>;

    /// Reads a table: a sample of so many rows by a seed, or these columns in full. What [`Store::sample`] and [`Store::full`]
    /// promise is kept here.
    fn read_table<'a>(
        &'a mut self,
        table: &'a Table,
        columns: &'a [String],
        sample: Option<(u64, u64)>,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Reads about `rows` rows of a table, at random where the store can do that, all columns, as one [`crate::Part`].
    /// The same `seed` gives the same rows where the store can do that. A small table is read in full
    /// ([`model::Choice::Everything`]).
    fn sample<'a>(
        &'a mut self,
        table: &'a Table,
        rows: u64,
        seed: u64,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.read_table(table, &[], Some((rows, seed)), sink)
    }

    /// Reads these columns of every row, in one go that needs constant memory, as a second [`crate::Part`] of the same
    /// location with [`model::Choice::Everything`]. An empty list of columns means all of them.
    fn full<'a>(
        &'a mut self,
        table: &'a Table,
        columns: &'a [String],
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.read_table(table, columns, None, sink)
    }
}
