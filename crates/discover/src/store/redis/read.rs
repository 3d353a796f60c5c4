//! What keys hold becomes rows: a string, a document or a small hash is one row, an element of a list, a set, a stream or a
//! large hash is one each. The key itself is a column, too.

use std::collections::HashSet;

use super::BATCH;
use super::command::{Command, Kind};
use super::conn::Conn;
use super::items::{
    Item, Ledger, entry_of, following, ledger_error, page, pairs, texts, time_of_first, understood,
};
use super::resp::Reply;
use super::shape::is_id;
use crate::store::StoreError;
use crate::store::json;
use crate::store::rows::{LONGEST_VALUE, Rows};

/// Elements that are asked for with one command.
const PAGE: u32 = 500;
/// Most bytes of strings that are asked for at once: the server keeps them until they are fetched.
const AT_ONCE: u64 = 8 << 20;
/// Fields that have a column of their own.
const COLUMNS: usize = 200;

const KEY: &str = "(key)";
const VALUE: &str = "(value)";
const FIELD: &str = "(field)";
const SCORE: &str = "(score)";

/// Reads keys of one shape.
pub(super) struct Reader {
    /// Most elements of one key.
    each: u64,
    random: fastrand::Rng,
    /// The keys alone are wanted.
    keys_alone: bool,
    /// There is one key in the table.
    single: bool,
    /// Fields of hashes that have a column.
    fields: HashSet<Vec<u8>>,
    path: String,
}

impl Reader {
    pub(super) fn new(each: u64, seed: u64, wanted: &[String], single: bool) -> Self {
        Self {
            each,
            random: fastrand::Rng::with_seed(seed),
            keys_alone: wanted == [KEY],
            single,
            fields: HashSet::new(),
            path: String::new(),
        }
    }

    /// Reads what the keys hold.
    pub(super) async fn read(
        &mut self,
        conn: &mut Conn,
        items: &[Item],
        rows: &mut Rows<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), StoreError> {
        let mut rest = items;
        while let Some((first, others)) = rest.split_first() {
            if ledger.stopped {
                return Ok(());
            }
            if self.keys_alone {
                self.row(rows, ledger, &first.key, |_, _| {});
                rest = others;
                continue;
            }
            let count = together(rest);
            if count > 0 {
                let (now, later) = rest.split_at_checked(count).unwrap_or((rest, &[]));
                self.values(conn, now, rows, ledger).await?;
                rest = later;
                continue;
            }
            match first.kind {
                Kind::List => self.list(conn, first, rows, ledger).await?,
                Kind::Stream => self.stream(conn, first, rows, ledger).await?,
                _ => self.members(conn, first, rows, ledger).await?,
            }
            rest = others;
        }
        Ok(())
    }

    /// A row of a key.
    fn row(
        &mut self,
        rows: &mut Rows<'_>,
        ledger: &mut Ledger,
        key: &[u8],
        add: impl FnOnce(&mut Self, &mut Rows<'_>),
    ) {
        if ledger.stopped {
            return;
        }
        rows.value(KEY, key);
        add(self, rows);
        ledger.stopped = !rows.end_row();
    }

    /// A value: a JSON object or list by its paths, else as it is.
    fn value(&mut self, rows: &mut Rows<'_>, column: &str, value: &[u8]) {
        let begin = value.trim_ascii_start().first();
        let looks = matches!(begin, Some(b'{' | b'[')) && value.len() <= LONGEST_VALUE;
        let root = if column == VALUE { "" } else { column };
        let path = &mut self.path;
        if !looks || rows.document(|cell| json::flatten(value, root, path, cell)).is_err() {
            rows.value(column, value);
        }
    }

    /// Strings, documents and small hashes, with one message.
    async fn values(
        &mut self,
        conn: &mut Conn,
        items: &[Item],
        rows: &mut Rows<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), StoreError> {
        let commands: Vec<_> = items
            .iter()
            .map(|Item { key, kind, .. }| match kind {
                // One byte more than a value may have: so that it is seen to be cut.
                Kind::String => Command::GetRange { key, last: LONGEST_VALUE },
                Kind::Json => Command::Json(key),
                _ => Command::Members { kind: Kind::Hash, key, cursor: 0, count: PAGE },
            })
            .collect();
        for ((item, command), reply) in items.iter().zip(&commands).zip(conn.ask(&commands).await?) {
            match reply {
                Reply::Bytes(value) => self.row(rows, ledger, &item.key, |reader, rows| {
                    reader.value(rows, VALUE, &value);
                }),
                Reply::TooLong(_) => ledger.too_long += 1,
                Reply::Nil => {}
                Reply::Error(refused) => ledger.refuse(command.name(), &refused),
                reply => match page(reply) {
                    Some((_, found)) => self.hash(rows, ledger, item, &found),
                    None => ledger.odd += 1,
                },
            }
        }
        Ok(())
    }

    /// A small hash: a row with its fields as columns, unless these are ids; then each field is a row.
    fn hash(&mut self, rows: &mut Rows<'_>, ledger: &mut Ledger, item: &Item, found: &[Reply]) {
        let pairs = pairs(found, ledger);
        let ids = pairs.iter().filter(|(name, _)| is_id(name)).count();
        // A hash that is the only one of its kind and has many fields has them for what they name, as a table has.
        if ids * 2 > pairs.len() || (self.single && pairs.len() > 24) {
            self.fields_as_rows(rows, ledger, item, &pairs);
            return;
        }
        self.row(rows, ledger, &item.key, |reader, rows| {
            for (name, value) in pairs {
                if !reader.fields.contains(name) && reader.fields.len() < COLUMNS {
                    reader.fields.insert(name.to_vec());
                }
                match std::str::from_utf8(name) {
                    Ok(text) if reader.fields.contains(name) => reader.value(rows, text, value),
                    _ => {
                        rows.value(FIELD, name);
                        reader.value(rows, VALUE, value);
                    }
                }
            }
        });
    }

    fn fields_as_rows(
        &mut self,
        rows: &mut Rows<'_>,
        ledger: &mut Ledger,
        item: &Item,
        pairs: &[(&[u8], &[u8])],
    ) {
        for (name, value) in pairs {
            self.row(rows, ledger, &item.key, |reader, rows| {
                rows.value(FIELD, name);
                reader.value(rows, VALUE, value);
            });
        }
    }

    /// A large hash, a set, or a sorted set, in the order of its hash table.
    async fn members(
        &mut self,
        conn: &mut Conn,
        item: &Item,
        rows: &mut Rows<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), StoreError> {
        let (mut cursor, mut taken, mut pages) = (0, 0_u64, 0_u64);
        loop {
            let command = Command::Members { kind: item.kind, key: &item.key, cursor, count: PAGE };
            let reply = conn.one(&command).await?;
            let Some((next, found)) = understood(&command, reply, ledger) else { return Ok(()) };
            taken += match item.kind {
                Kind::Set => {
                    let members = texts(&found, ledger);
                    for member in &members {
                        self.row(rows, ledger, &item.key, |reader, rows| reader.value(rows, VALUE, member));
                    }
                    members.len() as u64
                }
                kind => {
                    let pairs = pairs(&found, ledger);
                    if kind == Kind::Hash {
                        self.fields_as_rows(rows, ledger, item, &pairs);
                    } else {
                        for (member, score) in &pairs {
                            self.row(rows, ledger, &item.key, |reader, rows| {
                                reader.value(rows, VALUE, member);
                                rows.value(SCORE, score);
                            });
                        }
                    }
                    pairs.len() as u64
                }
            };
            pages += 1;
            cursor = next;
            // A server that never says 0 is not believed for ever.
            let endless = pages > 10_000 && taken > item.length.saturating_mul(4);
            if cursor == 0 || ledger.stopped || endless {
                return Ok(());
            }
            if taken >= self.each {
                ledger.cut += 1;
                return Ok(());
            }
        }
    }

    /// A list: all of it, or windows at random places.
    async fn list(
        &mut self,
        conn: &mut Conn,
        item: &Item,
        rows: &mut Rows<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), StoreError> {
        let page = u64::from(PAGE);
        let windows: Vec<u64> = if item.length <= self.each {
            (0..item.length.div_ceil(page)).map(|window| window * page).collect()
        } else {
            ledger.cut += 1;
            let last = item.length.saturating_sub(page);
            let mut windows: Vec<u64> =
                (0..self.each.div_ceil(page)).map(|_| self.random.u64(0..=last) / page * page).collect();
            windows.sort_unstable();
            windows.dedup();
            windows
        };
        let width = page.min(self.each);
        for first in windows {
            let last = first.saturating_add(width).saturating_sub(1);
            let command = Command::Elements { key: &item.key, first, last };
            let reply = conn.one(&command).await?;
            let Reply::List(found) = reply else {
                ledger_error(&command, reply, ledger);
                return Ok(());
            };
            for element in texts(&found, ledger) {
                self.row(rows, ledger, &item.key, |reader, rows| reader.value(rows, VALUE, element));
            }
            if ledger.stopped {
                break;
            }
        }
        Ok(())
    }

    /// A stream: all of it, or what follows a random moment.
    async fn stream(
        &mut self,
        conn: &mut Conn,
        item: &Item,
        rows: &mut Rows<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), StoreError> {
        let mut from = "-".to_owned();
        if item.length > self.each {
            ledger.cut += 1;
            let ends =
                [Command::Entries { key: &item.key, from: "-", count: 1 }, Command::LastEntry(&item.key)];
            let times: Vec<u64> = conn.ask(&ends).await?.iter().filter_map(time_of_first).collect();
            if let [first, last] = times.as_slice() {
                from = format!("{}-0", self.random.u64(*first..=(*last).max(*first)));
            }
        }
        let mut taken = 0;
        while !ledger.stopped {
            let count = u64::from(PAGE).min(self.each.saturating_sub(taken));
            let count = u32::try_from(count).unwrap_or(PAGE);
            let command = Command::Entries { key: &item.key, from: &from, count };
            let reply = conn.one(&command).await?;
            let Reply::List(entries) = reply else {
                ledger_error(&command, reply, ledger);
                return Ok(());
            };
            for entry in &entries {
                let Some((id, fields)) = entry_of(entry) else {
                    ledger.odd += 1;
                    return Ok(());
                };
                let Some(next) = following(id) else { return Ok(()) };
                from = next;
                let pairs = pairs(fields, ledger);
                self.row(rows, ledger, &item.key, |reader, rows| {
                    for (name, value) in pairs {
                        let name = std::str::from_utf8(name).unwrap_or(FIELD);
                        reader.value(rows, name, value);
                    }
                });
            }
            taken += entries.len() as u64;
            if entries.len() < count as usize || taken >= self.each {
                break;
            }
        }
        Ok(())
    }
}

/// How many keys from the first on are read with one message; 0: the first needs several.
fn together(items: &[Item]) -> usize {
    let mut bytes = 0_u64;
    let fits = |item: &&Item| {
        bytes = bytes.saturating_add(match item.kind {
            Kind::String => item.length.min(LONGEST_VALUE as u64),
            _ => 16 << 10,
        });
        item.rows() == 1 && matches!(item.kind, Kind::String | Kind::Json | Kind::Hash) && bytes <= AT_ONCE
    };
    items.iter().take(BATCH).take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::redis::items::FIELDS;

    fn item(kind: Kind, length: u64) -> Item {
        Item { key: b"k".to_vec(), kind, length }
    }

    #[test]
    fn what_is_read_together_is_bounded() {
        let string = |length| item(Kind::String, length);
        assert_eq!(together(&vec![string(10); 300]), BATCH);
        assert_eq!(together(&vec![string(100 << 20); 300]), 8);
        assert_eq!(together(&[string(1), item(Kind::Set, 3), string(1)]), 1);
        assert_eq!(together(&[item(Kind::Hash, FIELDS + 1)]), 0);
    }
}
