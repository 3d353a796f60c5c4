//! What keys hold becomes rows: a string, a document or a small hash is one row, an element of a list, a set, a stream or a
//! large hash is one each. The key itself is a column, too.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use model::excerpt;

use super::BATCH;
use super::command::{Command, Kind};
use super::conn::Conn;
use super::resp::{Refused, Reply};
use super::shape::is_id;
use crate::store::StoreError;
use crate::store::json;
use crate::store::rows::{LONGEST_VALUE, Rows};

/// Tables of so few rows are read in full, however few are asked for.
pub(super) const ROWS_AT_LEAST: u64 = 100;
/// Elements that are asked for with one command.
const PAGE: u32 = 500;
/// Most bytes of strings that are asked for at once: the server keeps them until they are fetched.
const AT_ONCE: u64 = 8 << 20;
/// Fields of a hash that is one row; one with more is a table.
const FIELDS: u64 = 512;
/// Fields that have a column of their own.
const COLUMNS: usize = 200;

const KEY: &str = "(key)";
const VALUE: &str = "(value)";
const FIELD: &str = "(field)";
const SCORE: &str = "(score)";

/// A key with what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    key: Vec<u8>,
    kind: Kind,
    /// Bytes of a string, else elements.
    length: u64,
}

impl Item {
    /// How many rows it makes.
    pub(super) fn rows(&self) -> u64 {
        match self.kind {
            Kind::String | Kind::Json => 1,
            Kind::Hash if self.length <= FIELDS => 1,
            _ => self.length,
        }
    }
}

/// What could not be read.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    too_long: u64,
    cut: u64,
    kinds: BTreeMap<String, u64>,
    refused: BTreeMap<(&'static str, String), u64>,
    nodes: BTreeSet<String>,
    moved: u64,
    odd: u64,
    pub(super) stopped: bool,
}

impl Ledger {
    fn refuse(&mut self, command: &'static str, refused: &Refused) {
        match (refused.code.as_str(), &refused.node) {
            (_, Some(node)) => {
                self.moved += 1;
                if self.nodes.len() < 64 {
                    self.nodes.insert(excerpt(node.as_bytes()));
                }
            }
            // It changed its kind since it was asked for it.
            ("WRONGTYPE", _) => {}
            (code, _) => *self.refused.entry((command, code.to_owned())).or_default() += 1,
        }
    }

    /// Tells the part's ledger.
    pub(super) fn tell(&self, rows: &mut Rows<'_>) {
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                rows.not_read("", format!("{count} {what}"), false);
            }
        };
        note(self.too_long, "values are longer than 4 MiB");
        note(self.odd, "replies of the server cannot be understood");
        for (kind, count) in &self.kinds {
            note(*count, &format!("keys hold `{kind}`, which is not read"));
        }
        for ((command, code), count) in &self.refused {
            note(*count, &format!("keys: {command} is refused ({code})"));
        }
        if self.moved > 0 {
            let nodes = self.nodes.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            note(self.moved, &format!("keys are on other nodes of the cluster: name these as targets: {nodes}"));
        }
        if self.cut > 0 {
            let why = format!("{} keys hold more elements than the sample takes of one", self.cut);
            rows.not_read("", why, true);
        }
        if self.stopped {
            rows.not_read("", format!("reading was stopped after {} rows", rows.count), false);
        }
    }
}

/// Asks what keys hold. Keys that are gone are left out.
pub(super) async fn items(
    conn: &mut Conn,
    keys: Vec<Vec<u8>>,
    ledger: &mut Ledger,
) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::with_capacity(keys.len());
    for keys in keys.chunks(BATCH) {
        let types: Vec<_> = keys.iter().map(|key| Command::Type(key)).collect();
        let mut found = Vec::new();
        for (key, reply) in keys.iter().zip(conn.ask(&types).await?) {
            match reply {
                Reply::Status(word) => match Kind::from_word(&word) {
                    Some(kind) => found.push((key, kind)),
                    None if word == "none" => {}
                    None => *ledger.kinds.entry(excerpt(word.as_bytes())).or_default() += 1,
                },
                Reply::Error(refused) => ledger.refuse("TYPE", &refused),
                _ => ledger.odd += 1,
            }
        }
        let measured: Vec<_> = found.iter().filter(|(_, kind)| *kind != Kind::Json).collect();
        let lengths: Vec<_> = measured.iter().map(|(key, kind)| Command::Length(*kind, key)).collect();
        for ((key, kind), (command, reply)) in measured.iter().zip(lengths.iter().zip(conn.ask(&lengths).await?)) {
            match reply {
                Reply::Number(length) => {
                    let length = u64::try_from(length).unwrap_or_default();
                    items.push(Item { key: key.to_vec(), kind: *kind, length });
                }
                Reply::Error(refused) => ledger.refuse(command.name(), &refused),
                _ => ledger.odd += 1,
            }
        }
        let documents = found.iter().filter(|(_, kind)| *kind == Kind::Json);
        items.extend(documents.map(|(key, kind)| Item { key: key.to_vec(), kind: *kind, length: 0 }));
    }
    Ok(items)
}

/// A page of SCAN and its likes: the cursor of the next, and what is on it.
pub(super) fn page(reply: Reply) -> Option<(u64, Vec<Reply>)> {
    let Reply::List(parts) = reply else { return None };
    match <[Reply; 2]>::try_from(parts).ok()? {
        [Reply::Bytes(cursor), Reply::List(found)] => {
            Some((std::str::from_utf8(&cursor).ok()?.parse().ok()?, found))
        }
        _ => None,
    }
}

/// Reads keys of one shape.
pub(super) struct Reader {
    /// Most elements of one key.
    each: u64,
    random: fastrand::Rng,
    /// The keys alone are wanted.
    keys_alone: bool,
    /// Fields of hashes that have a column.
    fields: HashSet<Vec<u8>>,
    path: String,
}

impl Reader {
    pub(super) fn new(each: u64, seed: u64, wanted: &[String]) -> Self {
        Self {
            each,
            random: fastrand::Rng::with_seed(seed),
            keys_alone: wanted == [KEY],
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
        let hashes = items.iter().filter(|item| item.kind == Kind::Hash).count();
        for ((item, command), reply) in items.iter().zip(&commands).zip(conn.ask(&commands).await?) {
            match reply {
                Reply::Bytes(value) => self.row(rows, ledger, &item.key, |reader, rows| {
                    reader.value(rows, VALUE, &value);
                }),
                Reply::TooLong(_) => ledger.too_long += 1,
                Reply::Nil => {}
                Reply::Error(refused) => ledger.refuse(command.name(), &refused),
                reply => match page(reply) {
                    Some((_, found)) => self.hash(rows, ledger, item, &found, hashes == 1),
                    None => ledger.odd += 1,
                },
            }
        }
        Ok(())
    }

    /// A small hash: a row with its fields as columns, unless these are ids; then each field is a row.
    fn hash(&mut self, rows: &mut Rows<'_>, ledger: &mut Ledger, item: &Item, found: &[Reply], alone: bool) {
        let pairs = pairs(found, ledger);
        let ids = pairs.iter().filter(|(name, _)| is_id(name)).count();
        // A hash that is the only one of its kind and has many fields has them for what they name, as a table has.
        if ids * 2 > pairs.len() || (alone && pairs.len() > 24) {
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
            let ends = [
                Command::Entries { key: &item.key, from: "-", count: 1 },
                Command::LastEntry(&item.key),
            ];
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

fn ledger_error(command: &Command<'_>, reply: Reply, ledger: &mut Ledger) {
    match reply {
        Reply::Error(refused) => ledger.refuse(command.name(), &refused),
        Reply::Nil => {}
        _ => ledger.odd += 1,
    }
}

fn understood(command: &Command<'_>, reply: Reply, ledger: &mut Ledger) -> Option<(u64, Vec<Reply>)> {
    match reply {
        Reply::List(_) => {
            let found = page(reply);
            ledger.odd += u64::from(found.is_none());
            found
        }
        reply => {
            ledger_error(command, reply, ledger);
            None
        }
    }
}

/// The strings of a list; what is too long or no string is counted.
fn texts<'r>(found: &'r [Reply], ledger: &mut Ledger) -> Vec<&'r [u8]> {
    found.iter().filter_map(|reply| text(reply, ledger)).collect()
}

fn text<'r>(reply: &'r Reply, ledger: &mut Ledger) -> Option<&'r [u8]> {
    match reply {
        Reply::Bytes(bytes) => return Some(bytes),
        Reply::TooLong(_) => ledger.too_long += 1,
        _ => ledger.odd += 1,
    }
    None
}

/// Names and values, which take turns.
fn pairs<'r>(found: &'r [Reply], ledger: &mut Ledger) -> Vec<(&'r [u8], &'r [u8])> {
    let pairs = found.chunks_exact(2).filter_map(|pair| match pair {
        [name, value] => text(name, ledger).zip(text(value, ledger)),
        _ => None,
    });
    pairs.collect()
}

fn entry_of(entry: &Reply) -> Option<(&str, &[Reply])> {
    match entry {
        Reply::List(parts) => match parts.as_slice() {
            [Reply::Bytes(id), Reply::List(fields)] => Some((std::str::from_utf8(id).ok()?, fields)),
            // Deleted between two steps.
            [Reply::Bytes(id), Reply::Nil] => Some((std::str::from_utf8(id).ok()?, &[])),
            _ => None,
        },
        _ => None,
    }
}

/// The milliseconds in the id of the first entry.
fn time_of_first(reply: &Reply) -> Option<u64> {
    let Reply::List(entries) = reply else { return None };
    let (id, _) = entry_of(entries.first()?)?;
    id.split_once('-')?.0.parse().ok()
}

/// The smallest id after an id: the word for it is not known before 6.2.
fn following(id: &str) -> Option<String> {
    let (time, number) = id.split_once('-')?;
    let (time, number): (u64, u64) = (time.parse().ok()?, number.parse().ok()?);
    match number.checked_add(1) {
        Some(number) => Some(format!("{time}-{number}")),
        None => Some(format!("{}-0", time.checked_add(1)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Reply {
        Reply::Bytes(text.as_bytes().to_vec())
    }

    fn item(kind: Kind, length: u64) -> Item {
        Item { key: b"k".to_vec(), kind, length }
    }

    #[test]
    fn a_page_is_a_cursor_and_a_list() {
        let reply = Reply::List(vec![bytes("17"), Reply::List(vec![bytes("a")])]);
        assert_eq!(page(reply), Some((17, vec![bytes("a")])));
        assert_eq!(page(Reply::List(vec![bytes("x"), Reply::List(vec![])])), None);
        assert_eq!(page(Reply::List(vec![bytes("1")])), None);
        assert_eq!(page(Reply::Nil), None);
    }

    #[test]
    fn what_is_read_together_is_bounded() {
        let string = |length| item(Kind::String, length);
        assert_eq!(together(&vec![string(10); 300]), BATCH);
        assert_eq!(together(&vec![string(100 << 20); 300]), 8);
        assert_eq!(together(&[string(1), item(Kind::Set, 3), string(1)]), 1);
        assert_eq!(together(&[item(Kind::Hash, FIELDS + 1)]), 0);
    }

    #[test]
    fn the_next_id_of_a_stream_is_found() {
        assert_eq!(following("5-7").as_deref(), Some("5-8"));
        assert_eq!(following("5-18446744073709551615").as_deref(), Some("6-0"));
        assert_eq!(following("18446744073709551615-18446744073709551615"), None);
        assert_eq!(following("x"), None);
    }
}
