//! What a search cluster may be asked by POST: its documents, page by page. Every body is written here, from names and
//! numbers; there is no way to hand one in.
//!
//! Scrolls are the one way through a whole index that Elasticsearch 1 to 9 and OpenSearch share:
//! <https://www.elastic.co/guide/en/elasticsearch/reference/current/scroll-api.html>.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Request, percent_encode};

/// How long the cluster keeps the state of a scroll until the next page is asked for. A page that is asked for without that
/// is the last, and frees what was kept: the request that is made for it is a DELETE, and there is none here.
const KEEP: &str = "2m";

/// Which documents, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// All, in the order of the segments.
    All,
    /// All, and the cluster chooses the order (before 1.4 there was no word for the order of the segments).
    Unordered,
    /// All, in an order that the seed and the document's own number decide (6.0 and later).
    RandomByField(u64),
    /// All, in an order that the seed decides (up to 5.6; later it costs memory, and is refused where that is forbidden).
    RandomBySeed(u64),
    /// All, in an order that nobody can repeat.
    Random,
    /// One part of several that the cluster cuts the index into by the hash of the document's id (5.0 and later).
    Slice {
        /// Which one, from 0.
        id: u32,
        /// Of how many.
        of: u32,
    },
}

/// A read.
#[derive(Clone, Copy, Debug)]
pub enum SearchRead<'a> {
    /// The first page of documents.
    Open {
        /// An index, a data stream or an alias.
        index: &'a str,
        /// Which documents, and in which order.
        matching: Match,
        /// Paths that are wanted; empty: all of them.
        columns: &'a [String],
        /// Documents in a page.
        page: u32,
        /// Others are to follow.
        keep: bool,
    },
    /// The next page.
    Next {
        /// The handle that came with the last page.
        scroll: &'a str,
        /// Elasticsearch 1 takes the handle as the body.
        bare: bool,
        /// Others are to follow.
        keep: bool,
    },
}

impl Request {
    /// A page of documents.
    pub fn search(read: SearchRead<'_>) -> Self {
        match read {
            SearchRead::Open { index, matching, columns, page, keep } => {
                let path = format!("/{}/_search{}", percent_encode(index), scroll_for(keep));
                Self::json_read(path, Cow::Owned(body(matching, columns, page).to_string()))
            }
            SearchRead::Next { scroll, bare: false, keep } => {
                let mut body = json!({"scroll_id": scroll});
                if let Some(fields) = body.as_object_mut().filter(|_| keep) {
                    fields.insert("scroll".to_owned(), json!(KEEP));
                }
                Self::json_read("/_search/scroll".to_owned(), Cow::Owned(body.to_string()))
            }
            SearchRead::Next { scroll, bare: true, keep } => {
                Self::json_read(format!("/_search/scroll{}", scroll_for(keep)), Cow::Owned(scroll.to_owned()))
            }
        }
    }
}

fn scroll_for(keep: bool) -> String {
    if keep { format!("?scroll={KEEP}") } else { String::new() }
}

fn body(matching: Match, columns: &[String], page: u32) -> Value {
    let source = if columns.is_empty() { json!(true) } else { json!(columns) };
    let mut body = json!({"size": page, "_source": source});
    let random = |settings: Value| {
        json!({"function_score": {
            "query": {"match_all": {}},
            "functions": [{"random_score": settings}],
            "boost_mode": "replace",
        }})
    };
    let (name, value) = match matching {
        Match::Unordered => ("query", json!({"match_all": {}})),
        Match::All => ("sort", json!(["_doc"])),
        Match::RandomByField(seed) => ("query", random(json!({"seed": seed31(seed), "field": "_seq_no"}))),
        Match::RandomBySeed(seed) => ("query", random(json!({"seed": seed31(seed)}))),
        Match::Random => ("query", random(json!({}))),
        Match::Slice { id, of } => ("slice", json!({"id": id, "max": of})),
    };
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
    body
}

/// A seed that fits what Elasticsearch 1 takes: a positive `int`.
fn seed31(seed: u64) -> u64 {
    (seed ^ (seed >> 31)) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(read: SearchRead<'_>) -> String {
        String::from_utf8(Request::search(read).encode("h")).unwrap()
    }

    #[test]
    fn a_page_is_asked_for_by_names_and_numbers() {
        let columns = ["person.phones.number".to_owned(), "a\"b".to_owned()];
        let read = SearchRead::Open {
            index: "people 2022/_delete",
            matching: Match::All,
            columns: &columns,
            page: 10,
            keep: true,
        };
        let text = text(read);
        assert!(text.starts_with("POST /people%202022%2F_delete/_search?scroll=2m HTTP/1.1\r\n"), "{text}");
        let body = text.split("\r\n\r\n").nth(1).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(body).unwrap(),
            json!({"size": 10, "_source": ["person.phones.number", "a\"b"], "sort": ["_doc"]})
        );
    }

    #[test]
    fn the_next_page_is_asked_for_as_the_version_wants_it() {
        let new = text(SearchRead::Next { scroll: "a==", bare: false, keep: true });
        assert!(new.ends_with(r#"{"scroll_id":"a==","scroll":"2m"}"#), "{new}");
        let old = text(SearchRead::Next { scroll: "a==", bare: true, keep: true });
        let last = text(SearchRead::Next { scroll: "a==", bare: false, keep: false });
        assert!(last.ends_with("\r\n\r\n{\"scroll_id\":\"a==\"}"), "{last}");
        assert!(old.starts_with("POST /_search/scroll?scroll=2m ") && old.ends_with("\r\n\r\na=="), "{old}");
    }

    proptest::proptest! {
        #[test]
        fn whatever_an_index_or_a_handle_is_called_the_request_stays_one_search(index: String, scroll: String) {
            let open = SearchRead::Open { index: &index, matching: Match::Random, columns: &[], page: 1, keep: true };
            let line = text(open).lines().next().unwrap().to_owned();
            let path = line.strip_prefix("POST /").unwrap().strip_suffix("/_search?scroll=2m HTTP/1.1").unwrap();
            proptest::prop_assert!(!path.contains(['/', '?', ' ']));
            let next = text(SearchRead::Next { scroll: &scroll, bare: false, keep: true });
            proptest::prop_assert!(next.starts_with("POST /_search/scroll HTTP/1.1\r\n"));
        }
    }
}
