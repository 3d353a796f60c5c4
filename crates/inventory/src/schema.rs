//! The tables, and how an older file becomes a newer one.

use std::path::Path;

use rusqlite::Connection;

use crate::Error;

/// "WTIT": tells our files from other SQLite files.
const APPLICATION_ID: i32 = 0x5754_4954;
/// The version that this program writes.
const VERSION: i32 = 3;

const VERSION_1: &str = "
    CREATE TABLE record (
        id          TEXT PRIMARY KEY,
        asset       TEXT NOT NULL,
        vantage     TEXT NOT NULL,
        -- The network namespace whose socket table showed the listener; NULL for a target that was dialled by name.
        origin      TEXT,
        verdict     TEXT NOT NULL,
        open        INTEGER NOT NULL,
        first_seen  TEXT NOT NULL,
        last_seen   TEXT,
        open_since  TEXT,
        closed_on   TEXT,
        json        TEXT NOT NULL
    ) STRICT;
    CREATE INDEX record_by_asset ON record (asset, vantage);
    CREATE TABLE change (
        record_id   TEXT NOT NULL REFERENCES record (id),
        at          TEXT NOT NULL,
        verdict     TEXT NOT NULL
    ) STRICT;
    CREATE INDEX change_by_record ON change (record_id, at);
";

/// What is in the stores.
const VERSION_2: &str = "
    CREATE TABLE data (
        id          TEXT PRIMARY KEY,
        asset       TEXT NOT NULL,
        location    TEXT NOT NULL,
        type        TEXT NOT NULL,
        kind        TEXT,
        form        TEXT,
        first_seen  TEXT NOT NULL,
        last_seen   TEXT NOT NULL,
        -- When its store was read again and it was not there; NULL while it is.
        gone_on     TEXT,
        json        TEXT NOT NULL
    ) STRICT;
    CREATE INDEX data_by_asset ON data (asset);
    -- Nothing was ever written into it.
    CREATE TABLE people (
        asset       TEXT NOT NULL,
        kind        TEXT NOT NULL,
        bytes       BLOB NOT NULL,
        at          TEXT NOT NULL,
        PRIMARY KEY (asset, kind)
    ) STRICT;
";

/// Who is in the stores: keyed sketches of a store's people. The key lies in a file of its own, and no value or digest of
/// one can be had from them.
const VERSION_3: &str = "
    DROP TABLE people;
    CREATE TABLE people (
        asset       TEXT PRIMARY KEY,
        at          TEXT NOT NULL,
        sketches    TEXT NOT NULL
    ) STRICT;
";

/// Makes or upgrades the tables. Two programs may do so at the same time: the second waits and finds it done.
pub(crate) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let pragma = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(Error::Foreign(path.to_owned()));
    }
    if version > VERSION {
        return Err(Error::Newer { path: path.to_owned(), found: version, known: VERSION });
    }
    if version < 1 {
        transaction.execute_batch(VERSION_1)?;
    }
    if version < 2 {
        transaction.execute_batch(VERSION_2)?;
    }
    if version < 3 {
        transaction.execute_batch(VERSION_3)?;
    }
    if version < VERSION {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(())
}
