//! Documents of a collection, batch after batch.

use bson::Bson;
use bson::raw::{RawArray, RawDocument};

use super::command::{Command, Window, fields, old_find};
use super::conn::{Conn, WIRE_3_2, failure_of, number, raw};
use super::{BATCH, EMPTY, place, value, wire};
use crate::store::rows::Rows;
use crate::store::{StoreError, Table};

/// What is known while documents come.
#[derive(Default)]
pub(super) struct Scan {
    unreadable: u64,
    pub(super) stopped: bool,
    empty: u32,
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
    pub(super) fn end(self, mut rows: Rows<'_>, ended: bool, everything: bool) {
        if self.unreadable > 0 {
            let why =
                format!("{} documents are no BSON that can be read, or nested too deeply", self.unreadable);
            rows.not_read("", why, false);
        }
        if self.stopped {
            let why = format!("reading was stopped after {} documents", rows.count);
            rows.not_read("", why, false);
        }
        rows.finish(ended && everything && !self.stopped);
    }
}

/// Finds documents and takes them all.
pub(super) async fn find(
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
pub(super) async fn batches(
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
        let element =
            element.map_err(|_| StoreError::Answer("a list of documents that is none".to_owned()))?;
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
