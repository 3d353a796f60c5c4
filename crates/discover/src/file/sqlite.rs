//! SQLite files (<https://www.sqlite.org/fileformat.html>): every table, by rowid. The file is opened read-only and as one
//! that nobody changes (<https://www.sqlite.org/uri.html#uriimmutable>): no lock is taken that a writer would wait for,
//! and no file is created beside it.

use std::fs::File;
use std::os::fd::AsRawFd;

use bytes::Buf;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::input::Whole;
use super::job::{Job, member_name};
use super::rows::Rows;

/// Tables of one file.
const TABLES: usize = 20_000;

/// Reads every table.
pub(super) fn read(job: &mut Job<'_>, name: &str, whole: Whole) {
    job.guarded(name, |job| read_all(job, name, whole));
}

fn read_all(job: &mut Job<'_>, name: &str, whole: Whole) {
    let opened = match &whole {
        Whole::File(file, _) => {
            tell_journals(job, name, file);
            open_file(file)
        }
        Whole::Memory(bytes) => open_memory(bytes.clone()),
    };
    let outcome = opened.and_then(|connection| {
        harden(&connection, job.longest())?;
        let tables = tables(&connection)?;
        Ok((connection, tables))
    });
    let Ok((connection, tables)) = outcome else {
        job.tell(name, "is an SQLite file that is damaged or encrypted: dump it with .recover and read that");
        return;
    };
    for (table, is_virtual) in tables.iter().take(TABLES) {
        let location = member_name(name, table);
        if *is_virtual {
            job.mention(&location, "is a virtual table: the tables in which it keeps its rows are read");
            continue;
        }
        if job.is_over(name) {
            return;
        }
        if read_table(job, name, &location, &connection, table).is_err() {
            job.tell(&location, "is damaged within this table: dump the file with .recover and read that");
        }
    }
    if tables.len() > TABLES {
        job.tell(name, "has more tables than are read");
    }
}

/// The link to an open file: what is opened is the file that was looked at, not what stands at its path by now.
fn link(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn open_file(file: &File) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{}?mode=ro&immutable=1", link(file)), flags)
}

fn open_memory(bytes: bytes::Bytes) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    let length = bytes.len();
    connection.deserialize_read_exact("main", bytes.reader(), length, true)?;
    Ok(connection)
}

/// What a writer has written and not yet put into the file lies beside it, and is not seen.
fn tell_journals(job: &mut Job<'_>, name: &str, file: &File) {
    let Ok(path) = std::fs::read_link(link(file)) else { return };
    for (ending, remedy) in
        [("-wal", "run PRAGMA wal_checkpoint in its program"), ("-journal", "open it once in its program")]
    {
        let mut beside = path.clone().into_os_string();
        beside.push(ending);
        if std::fs::metadata(beside).is_ok_and(|about| about.len() > 0) {
            let why = format!(
                "{name}{ending} holds changes that are not yet in the file: {remedy}, then read it again"
            );
            job.tell(name, why);
        }
    }
}

/// A hostile schema can call functions and lie about cells: <https://www.sqlite.org/security.html>.
fn harden(connection: &Connection, longest: usize) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(longest).unwrap_or(i32::MAX))?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)
}

/// The tables, and whether each is virtual.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, bool)>> {
    let query = "SELECT name, sql LIKE 'create virtual%' FROM sqlite_schema WHERE type = 'table' ORDER BY name LIMIT ?1";
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map([TABLES as i64 + 1], |row| {
        Ok((lossy(row.get_ref(0)?), row.get::<_, Option<bool>>(1)?.unwrap_or(false)))
    })?;
    rows.collect()
}

/// The columns of a table. Not from the statement: a name that is not UTF-8 is a panic there.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let query = "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid";
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map([table], |row| Ok(lossy(row.get_ref(0)?)))?;
    rows.collect()
}

fn lossy(value: ValueRef<'_>) -> String {
    let bytes = value.as_bytes_or_null().ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

fn read_table(
    job: &mut Job<'_>,
    name: &str,
    location: &str,
    connection: &Connection,
    table: &str,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("SELECT * FROM \"{}\"", table.replace('"', "\"\"")))?;
    let names = columns(connection, table)?;
    let mut rows = Rows::new(job, name, location);
    let number = |place: usize| names.get(place).cloned().unwrap_or_else(|| format!("column {}", place + 1));
    let numbers: Vec<u32> = (0..statement.column_count()).map(|place| rows.column(&number(place))).collect();
    let mut found = statement.query([])?;
    let mut is_whole = true;
    let outcome = loop {
        let row = match found.next() {
            Ok(Some(row)) => row,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        for (place, number) in numbers.iter().enumerate() {
            match row.get_ref(place)? {
                ValueRef::Null => {}
                ValueRef::Integer(value) => rows.push(job, *number, value.to_string().as_bytes()),
                ValueRef::Real(value) => rows.push(job, *number, value.to_string().as_bytes()),
                ValueRef::Text(value) | ValueRef::Blob(value) => rows.push(job, *number, value),
            }
        }
        if rows.end_row() {
            rows.deliver(job);
            if job.is_over(location) {
                is_whole = false;
                break Ok(());
            }
        }
    };
    rows.end(job, is_whole && outcome.is_ok());
    outcome
}
