//! Keys with what they hold, what of it could not be read, and the parts that replies are made of.

use std::collections::{BTreeMap, BTreeSet};

use model::excerpt;

use super::BATCH;
use super::command::{Command, Kind};
use super::conn::Conn;
use super::resp::{Refused, Reply};
use crate::store::StoreError;
use crate::store::rows::Rows;

/// Fields of a hash that is one row; one with more is a table.
pub(super) const FIELDS: u64 = 512;

/// A key with what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) key: Vec<u8>,
    pub(super) kind: Kind,
    /// Bytes of a string, else elements.
    pub(super) length: u64,
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
    pub(super) too_long: u64,
    pub(super) cut: u64,
    kinds: BTreeMap<String, u64>,
    refused: BTreeMap<(&'static str, String), u64>,
    nodes: BTreeSet<String>,
    moved: u64,
    pub(super) odd: u64,
    pub(super) stopped: bool,
}

impl Ledger {
    pub(super) fn refuse(&mut self, command: &'static str, refused: &Refused) {
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
            note(
                self.moved,
                &format!("keys are on other nodes of the cluster: name these as targets: {nodes}"),
            );
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
        for ((key, kind), (command, reply)) in
            measured.iter().zip(lengths.iter().zip(conn.ask(&lengths).await?))
        {
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

pub(super) fn ledger_error(command: &Command<'_>, reply: Reply, ledger: &mut Ledger) {
    match reply {
        Reply::Error(refused) => ledger.refuse(command.name(), &refused),
        Reply::Nil => {}
        _ => ledger.odd += 1,
    }
}

pub(super) fn understood(
    command: &Command<'_>,
    reply: Reply,
    ledger: &mut Ledger,
) -> Option<(u64, Vec<Reply>)> {
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
pub(super) fn texts<'r>(found: &'r [Reply], ledger: &mut Ledger) -> Vec<&'r [u8]> {
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
pub(super) fn pairs<'r>(found: &'r [Reply], ledger: &mut Ledger) -> Vec<(&'r [u8], &'r [u8])> {
    let pairs = found.chunks_exact(2).filter_map(|pair| match pair {
        [name, value] => text(name, ledger).zip(text(value, ledger)),
        _ => None,
    });
    pairs.collect()
}

pub(super) fn entry_of(entry: &Reply) -> Option<(&str, &[Reply])> {
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
pub(super) fn time_of_first(reply: &Reply) -> Option<u64> {
    let Reply::List(entries) = reply else { return None };
    let (id, _) = entry_of(entries.first()?)?;
    id.split_once('-')?.0.parse().ok()
}

/// The smallest id after an id: the word for it is not known before 6.2.
pub(super) fn following(id: &str) -> Option<String> {
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

    #[test]
    fn a_page_is_a_cursor_and_a_list() {
        let reply = Reply::List(vec![bytes("17"), Reply::List(vec![bytes("a")])]);
        assert_eq!(page(reply), Some((17, vec![bytes("a")])));
        assert_eq!(page(Reply::List(vec![bytes("x"), Reply::List(vec![])])), None);
        assert_eq!(page(Reply::List(vec![bytes("1")])), None);
        assert_eq!(page(Reply::Nil), None);
    }

    #[test]
    fn the_next_id_of_a_stream_is_found() {
        assert_eq!(following("5-7").as_deref(), Some("5-8"));
        assert_eq!(following("5-18446744073709551615").as_deref(), Some("6-0"));
        assert_eq!(following("18446744073709551615-18446744073709551615"), None);
        assert_eq!(following("x"), None);
    }
}
