//! What may be asked of MongoDB. Nothing of it writes. <https://www.mongodb.com/docs/manual/reference/command/>

use bson::{Bson, Document, doc};

/// Longest time that a question may take the server, in milliseconds.
const QUESTION: i64 = 60_000;
/// The same for reading a whole collection: the time that the server itself spends on it.
const SCAN: i64 = 3_600_000;

/// A command.
#[derive(Clone, Debug)]
pub(super) enum Command<'a> {
    /// Who the server is, in the words that all versions know, and by which means this user of a database may log in.
    IsMaster(Option<(&'a str, &'a str)>),
    /// Begins a login.
    SaslStart { mechanism: &'static str, payload: &'a str },
    /// Goes on with a login.
    SaslContinue { conversation: Bson, payload: &'a str },
    /// Asks for the nonce of a login before 3.0.
    GetNonce,
    /// A login before 3.0.
    Authenticate { user: &'a str, nonce: &'a str, key: &'a str },
    /// The databases by name.
    ListDatabases,
    /// The collections of a database (3.0 and later).
    ListCollections,
    /// How many documents the collection's own bookkeeping counts.
    Count(&'a str),
    /// Documents at random (3.2 and later).
    Sample { collection: &'a str, count: i64, batch: i32 },
    /// Documents (3.2 and later).
    Find { collection: &'a str, fields: Option<Document>, window: Option<Window>, batch: i32 },
    /// More of them.
    GetMore { collection: &'a str, cursor: i64, batch: i32 },
    /// Ends a cursor of ours, which would keep memory for ten minutes.
    KillCursor { collection: &'a str, cursor: i64 },
}

/// A stretch of the documents in the order of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) skip: i64,
    pub(super) count: i64,
}

impl Command<'_> {
    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::IsMaster(_) => "isMaster",
            Self::SaslStart { .. } => "saslStart",
            Self::SaslContinue { .. } => "saslContinue",
            Self::GetNonce => "getnonce",
            Self::Authenticate { .. } => "authenticate",
            Self::ListDatabases => "listDatabases",
            Self::ListCollections => "listCollections",
            Self::Count(_) => "count",
            Self::Sample { .. } => "aggregate",
            Self::Find { .. } => "find",
            Self::GetMore { .. } => "getMore",
            Self::KillCursor { .. } => "killCursors",
        }
    }

    /// The document that is sent.
    pub(super) fn document(&self) -> Document {
        match self {
            Self::IsMaster(user) => {
                let mut document = doc! { "isMaster": 1, "helloOk": true };
                if let Some((database, user)) = user {
                    document.insert("saslSupportedMechs", format!("{database}.{user}"));
                }
                document
            }
            Self::SaslStart { mechanism, payload } => {
                doc! { "saslStart": 1, "mechanism": *mechanism, "payload": binary(payload) }
            }
            Self::SaslContinue { conversation, payload } => {
                doc! { "saslContinue": 1, "conversationId": conversation.clone(), "payload": binary(payload) }
            }
            Self::GetNonce => doc! { "getnonce": 1 },
            Self::Authenticate { user, nonce, key } => {
                doc! { "authenticate": 1, "user": *user, "nonce": *nonce, "key": *key }
            }
            Self::ListDatabases => doc! { "listDatabases": 1, "nameOnly": true },
            Self::ListCollections => doc! { "listCollections": 1, "cursor": {} },
            Self::Count(collection) => doc! { "count": *collection, "maxTimeMS": QUESTION },
            Self::Sample { collection, count, batch } => doc! {
                "aggregate": *collection,
                "pipeline": [ { "$sample": { "size": *count } } ],
                "cursor": { "batchSize": *batch },
                "maxTimeMS": QUESTION,
            },
            Self::Find { collection, fields, window, batch } => {
                let time = if window.is_some() { QUESTION } else { SCAN };
                let mut document = doc! { "find": *collection, "batchSize": *batch, "maxTimeMS": time };
                if let Some(fields) = fields {
                    document.insert("projection", fields.clone());
                }
                if let Some(window) = window {
                    document
                        .extend(doc! { "sort": { "_id": 1 }, "skip": window.skip, "limit": window.count });
                }
                document
            }
            Self::GetMore { collection, cursor, batch } => {
                doc! { "getMore": *cursor, "collection": *collection, "batchSize": *batch }
            }
            Self::KillCursor { collection, cursor } => {
                doc! { "killCursors": *collection, "cursors": [ *cursor ] }
            }
        }
    }
}

/// The query of a find by OP_QUERY, for servers before 3.2.
pub(super) fn old_find(window: Option<Window>) -> Document {
    match window {
        Some(_) => doc! { "$query": {}, "$orderby": { "_id": 1 }, "$maxTimeMS": QUESTION },
        None => doc! { "$query": {}, "$maxTimeMS": SCAN },
    }
}

/// A projection on these columns, or none where they cannot be named in one. What lies below another is in it already.
pub(super) fn fields(columns: &[String]) -> Option<Document> {
    let mut paths: Vec<String> = columns.iter().map(|column| column.replace("[]", "")).collect();
    let cannot = |path: &String| {
        path.is_empty()
            || path.starts_with(['.', '$', '('])
            || path.contains(".$")
            || path.contains("..")
            || path.ends_with('.')
            || path.contains('\0')
    };
    if paths.is_empty() || paths.iter().any(cannot) {
        return None;
    }
    paths.sort();
    paths.dedup();
    let all = paths.clone();
    let is_below = |path: &String| {
        path.match_indices('.').any(|(at, _)| all.iter().any(|other| Some(other.as_str()) == path.get(..at)))
    };
    paths.retain(|path| !is_below(path));
    let mut fields = Document::new();
    if !paths.iter().any(|path| path == "_id" || path.starts_with("_id.")) {
        fields.insert("_id", 0);
    }
    fields.extend(paths.into_iter().map(|path| (path, Bson::Int32(1))));
    Some(fields)
}

fn binary(payload: &str) -> Bson {
    let bytes = payload.as_bytes().to_vec();
    Bson::Binary(bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_a_projection() {
        let of = |names: &[&str]| fields(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            of(&["person.phones[].number", "name", "person.phones[]", "tags[]"]),
            Some(doc! { "_id": 0, "name": 1, "person.phones": 1, "tags": 1 })
        );
        assert_eq!(of(&["_id", "a-b", "a", "a.b"]), Some(doc! { "_id": 1, "a": 1, "a-b": 1 }));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["(others)", "a"]), None);
        assert_eq!(of(&["a.$b"]), None);
    }

    #[test]
    fn nothing_that_is_sent_writes() {
        let commands = [
            Command::ListDatabases,
            Command::Count("c"),
            Command::Sample { collection: "c", count: 3, batch: 2 },
            Command::Find { collection: "c", fields: None, window: None, batch: 2 },
            Command::GetMore { collection: "c", cursor: 1, batch: 2 },
        ];
        for command in commands {
            let document = command.document();
            // The server takes the first key for the command.
            assert_eq!(document.keys().next().map(String::as_str), Some(command.name()));
            assert!(!document.to_string().contains("$out") && !document.to_string().contains("$merge"));
        }
    }
}
