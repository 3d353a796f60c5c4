//! Which databases and collections there are.

use bson::{Bson, Document};

use super::command::Command;
use super::conn::{Conn, WIRE_3_0, WIRE_3_2, number, raw};
use super::{BATCH, EMPTY, missing, wire};
use crate::store::{Listing, StoreError, Table};

/// The databases that are not the server's own.
pub(super) async fn databases(conn: &mut Conn, listing: &mut Listing) -> Result<Vec<String>, StoreError> {
    let answer = conn.run("admin", &Command::ListDatabases).await.map_err(|error| match error {
        StoreError::Denied(why) => {
            StoreError::Denied(format!("{why}; name a database in the target: mongodb://HOST/DATABASE"))
        }
        error => error,
    })?;
    let found = answer.get_array("databases").map(Vec::as_slice).unwrap_or_default();
    let names = found.iter().filter_map(|entry| entry.as_document()?.get_str("name").ok());
    let mut databases = Vec::new();
    for name in names {
        match name {
            "local" => listing.not_read.push(missing(
                "local",
                "the server's own: what was written last".to_owned(),
                true,
            )),
            "config" => listing.not_read.push(missing("config", "the server's own".to_owned(), true)),
            name => databases.push(name.to_owned()),
        }
    }
    databases.sort_unstable();
    Ok(databases)
}

pub(super) async fn collections(
    conn: &mut Conn,
    database: &str,
    listing: &mut Listing,
) -> Result<(), StoreError> {
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

async fn new_names(
    conn: &mut Conn,
    database: &str,
    listing: &mut Listing,
) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    let mut command = Command::ListCollections;
    let mut pages = 0;
    let mut answer = conn.run(database, &command).await?;
    let namespace =
        answer.get_document("cursor").and_then(|cursor| cursor.get_str("ns")).unwrap_or_default().to_owned();
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

pub(super) async fn count(conn: &mut Conn, database: &str, collection: &str) -> Result<u64, StoreError> {
    let answer = conn.run(database, &Command::Count(collection)).await?;
    Ok(number(answer.get("n")).and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// Whether the server is a shard that was dialled past its router.
pub(super) async fn is_shard(conn: &mut Conn) -> Result<bool, StoreError> {
    if conn.greeting.router || conn.greeting.wire < WIRE_3_2 || conn.greeting.set.is_none() {
        return Ok(false);
    }
    let find = Command::Find { collection: "system.version", fields: None, window: None, batch: 100 };
    // Whoever may not look there does not learn it; that is told nowhere, as most servers are no shards.
    let Ok(answer) = conn.try_run("admin", &find).await? else { return Ok(false) };
    let (_, found) = small_batch(&answer);
    Ok(found.iter().any(|entry| entry.get_str("_id").is_ok_and(|id| id == "shardIdentity")))
}
