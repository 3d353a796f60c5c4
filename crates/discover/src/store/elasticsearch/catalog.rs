//! Which indices there are, from `_cat/indices`.

use std::collections::BTreeMap;

use model::NotRead;
use serde_json::Value;

use crate::store::{Listing, Table};

/// What the products keep for themselves. They begin with a dot, as do hidden indices of users, which are read.
/// <https://www.elastic.co/guide/en/elasticsearch/reference/current/system-indices.html>
const SYSTEM: &[&str] = &[
    ".alerts-",
    ".apm-",
    ".async-search",
    ".deprecation-",
    ".elastic-connectors",
    ".enrich-",
    ".ent-search",
    ".eql-",
    ".fleet-",
    ".geoip_databases",
    ".ilm-history",
    ".inference",
    ".internal.",
    ".items-",
    ".kibana",
    ".lists-",
    ".logs-deprecation",
    ".logs-endpoint",
    ".logstash",
    ".marvel",
    ".metrics-",
    ".ml-",
    ".monitoring",
    ".observability",
    ".opendistro",
    ".opensearch",
    ".plugins-",
    ".profiling",
    ".reporting",
    ".search-acl",
    ".searchguard",
    ".secrets-",
    ".security",
    ".siem-signals",
    ".slm-history",
    ".slo-",
    ".snapshot-blob-cache",
    ".synonyms",
    ".tasks",
    ".top_queries-",
    ".transform-",
    ".triggered_watches",
    ".watch",
];

/// The columns that are asked for, in an order that is told apart in text, too: names hold no blanks, and what a closed
/// index lacks comes last.
pub(super) const COLUMNS: &str = "status,index,docs.count,store.size";

/// An index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Index {
    name: String,
    closed: bool,
    documents: Option<u64>,
    bytes: Option<u64>,
}

/// The indices, and how many bytes a document of each has on the disk.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) listing: Listing,
    pub(super) bytes: BTreeMap<String, u64>,
}

impl Catalog {
    /// Reads an answer: JSON, or lines of text from versions that know no other form. `named`: the user asked for these
    /// indices by name, so that none of them is left out.
    pub(super) fn parse(body: &[u8], named: bool) -> Option<Self> {
        let indices = match serde_json::from_slice::<Vec<Value>>(body) {
            Ok(list) => list.iter().map(from_json).collect::<Option<Vec<_>>>()?,
            Err(_) => lines(std::str::from_utf8(body).ok()?)?,
        };
        Some(Self::new(indices, named))
    }

    fn new(indices: Vec<Index>, named: bool) -> Self {
        let mut catalog = Self::default();
        let mut tables: BTreeMap<String, (Option<u64>, u64)> = BTreeMap::new();
        let mut system: BTreeMap<&str, u64> = BTreeMap::new();
        for index in indices {
            let name = stream_of(&index.name).unwrap_or(&index.name).to_owned();
            let family = SYSTEM.iter().find(|prefix| name.starts_with(**prefix));
            if let Some(prefix) = family.filter(|_| !named) {
                *system.entry(prefix).or_default() += 1;
                continue;
            }
            if index.closed {
                let why = "the index is closed: open it to have it read".to_owned();
                catalog.listing.not_read.push(NotRead { location: index.name, why, by_design: false });
                continue;
            }
            let (documents, bytes) = tables.entry(name).or_insert((Some(0), 0));
            *documents = documents.zip(index.documents).map(|(sum, more)| sum.saturating_add(more));
            *bytes = bytes.saturating_add(index.bytes.unwrap_or_default());
        }
        for (prefix, count) in system {
            let why = match count {
                1 => "an index of the product's own; name it in the target to have it read".to_owned(),
                count => {
                    format!("{count} indices of the product's own; name them in the target to have them read")
                }
            };
            catalog.listing.not_read.push(NotRead { location: format!("{prefix}*"), why, by_design: true });
        }
        for (location, (rows, bytes)) in tables {
            let each = bytes.checked_div(rows.unwrap_or_default()).unwrap_or_default();
            catalog.bytes.insert(location.clone(), each);
            // Lucene's documents, among them those that nested objects are made of.
            catalog.listing.tables.push(Table { location, rows, exact: false });
        }
        catalog
    }
}

fn from_json(value: &Value) -> Option<Index> {
    let number = |name: &str| match value.get(name)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    Some(Index {
        name: value.get("index")?.as_str()?.to_owned(),
        closed: value.get("status").and_then(Value::as_str) == Some("close"),
        documents: number("docs.count"),
        bytes: number("store.size"),
    })
}

fn lines(text: &str) -> Option<Vec<Index>> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let mut words = line.split_whitespace();
            let closed = match words.next()? {
                "open" => false,
                "close" => true,
                _ => return None,
            };
            let name = words.next()?.to_owned();
            let mut number = || words.next().and_then(|word| word.parse().ok());
            Some(Index { name, closed, documents: number(), bytes: number() })
        })
        .collect()
}

/// The data stream that an index is a piece of: `.ds-NAME-2022.06.30-000001`, or without the day, with whatever tiers and
/// downsampling put in front. <https://www.elastic.co/guide/en/elasticsearch/reference/current/data-streams.html>
fn stream_of(index: &str) -> Option<&str> {
    let at = index.find(".ds-")?;
    let before = index.get(..at)?;
    if !before.is_empty() && !before.ends_with('-') {
        return None;
    }
    let (name, generation) = index.get(at..)?.strip_prefix(".ds-")?.rsplit_once('-')?;
    if generation.len() < 6 || !generation.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let is_day = |text: &str| {
        text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'.',
                _ => byte.is_ascii_digit(),
            })
    };
    let name = name.rsplit_once('-').filter(|(_, day)| is_day(day)).map_or(name, |(name, _)| name);
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_come_from_json_and_from_lines() {
        let json = br#"[{"status":"open","index":"people","docs.count":"20","store.size":"2000"},
            {"status":"close","index":"old","docs.count":null,"store.size":null},
            {"status":"open","index":"empty","docs.count":"0","store.size":"230"},
            {"status":"open","index":".hidden","docs.count":"1","store.size":"10"},
            {"status":"open","index":".kibana_7","docs.count":"1","store.size":"10"},
            {"status":"open","index":".kibana_8","docs.count":"1","store.size":"10"}]"#;
        let text = b"open  people    20 2000\nclose old\nopen  empty 0 230\nopen .hidden 1 10\n\
                     open .kibana_7 1 10\nopen .kibana_8 1 10\n";
        for body in [json.as_slice(), text.as_slice()] {
            let catalog = Catalog::parse(body, false).unwrap();
            let names: Vec<_> = catalog.listing.tables.iter().map(|table| table.location.as_str()).collect();
            assert_eq!(names, [".hidden", "empty", "people"]);
            assert_eq!(catalog.bytes["people"], 100);
            let not_read = &catalog.listing.not_read;
            assert_eq!((not_read[0].location.as_str(), not_read[0].by_design), ("old", false));
            assert_eq!((not_read[1].location.as_str(), not_read[1].by_design), (".kibana*", true));
            assert!(not_read[1].why.starts_with("2 indices"));
        }
        let named = Catalog::parse(json, true).unwrap();
        assert_eq!(named.listing.tables.len(), 5);
    }

    #[test]
    fn the_indices_of_a_data_stream_are_one_table() {
        for (index, stream) in [
            (".ds-logs-app-2022.06.30-000001", Some("logs-app")),
            (".ds-logs-app-000002", Some("logs-app")),
            ("partial-.ds-logs-app-2022.06.30-000003", Some("logs-app")),
            (".ds-", None),
            (".ds--000001", None),
            ("people.ds-x-000001", None),
            ("people", None),
        ] {
            assert_eq!(stream_of(index), stream, "{index}");
        }
        let text = b"open .ds-logs-2022.06.30-000001 3 30\nopen .ds-logs-2022.07.30-000002 4 30\n";
        let catalog = Catalog::parse(text, false).unwrap();
        let logs = Table { location: "logs".to_owned(), rows: Some(7), exact: false };
        assert_eq!(catalog.listing.tables, [logs]);
    }

    #[test]
    fn what_is_no_list_of_indices_is_none() {
        for body in [&b"<html></html>"[..], b"{}", b"[{}]", b"{\"error\":1}", b"\xff", b"[{\"index\":1}]"] {
            assert!(Catalog::parse(body, false).is_none());
        }
        assert!(Catalog::parse(b"[]", false).unwrap().listing.tables.is_empty());
        assert!(Catalog::parse(b"", false).unwrap().listing.tables.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_as_a_catalogue_without_panic(bytes: Vec<u8>, name: String) {
            let _ = Catalog::parse(&bytes, false);
            let _ = stream_of(&name);
            let _ = stream_of(&format!(".ds-{name}"));
        }
    }
}
