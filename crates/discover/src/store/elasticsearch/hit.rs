//! One hit of a search: its id, its routing, and the document below `_source`.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use crate::store::json::Walk;
use crate::store::rows::Rows;

/// Adds the cells of a hit to the row, and says whether there was a document: a mapping may keep none.
///
/// # Errors
/// When it is no JSON object, or nested too deeply; nothing is added then.
pub(super) fn read(json: &[u8], rows: &mut Rows<'_>) -> Result<bool, serde_json::Error> {
    rows.document(|cell| {
        let mut parser = serde_json::Deserializer::from_slice(json);
        let found = parser.deserialize_map(Hit { cell })?;
        parser.end().map(|()| found)
    })
}

struct Hit<'a> {
    cell: &'a mut dyn FnMut(&str, &[u8]),
}

impl<'de> Visitor<'de> for Hit<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hit")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        let mut path = String::new();
        while let Some(key) = map.next_key::<String>()? {
            path.clear();
            match key.as_str() {
                "_source" => found = true,
                // A routing value chooses the shard and is often somebody's id; so is the parent's of older versions.
                "_id" | "_routing" | "_parent" => path.push_str(&key),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            }
            map.next_value_seed(Walk { path: &mut path, cell: &mut *self.cell })?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Part;
    use crate::store::kept::{Kept, pairs};
    use model::Choice;

    fn rows(kept: &mut Kept) -> Rows<'_> {
        let part = Part { location: "p".to_owned(), choice: Choice::Everything, rows: None, cluster: 1 };
        Rows::begin(kept, part, &[])
    }

    #[test]
    fn a_hit_is_its_id_and_its_document() {
        let mut kept = Kept::default();
        let mut rows = rows(&mut kept);
        let hit = br#"{"_index":"p","_id":"7","_score":1.5,"_routing":"u1","sort":[3],
            "_source":{"a":{"b":15400000001},"_id":"x","tags":["t",null]}}"#;
        assert!(read(hit, &mut rows).unwrap());
        rows.end_row();
        assert!(!read(br#"{"_id":"8"}"#, &mut rows).unwrap());
        rows.end_row();
        assert!(read(br#"{"_id":"9","_source":{"#, &mut rows).is_err());
        assert!(read(br#"{"_id":"9"} x"#, &mut rows).is_err());
        rows.end_row();
        let first = [("_id", "7"), ("_routing", "u1"), ("a.b", "15400000001"), ("_id", "x"), ("tags[]", "t")];
        assert_eq!(kept.rows, [pairs(&first), pairs(&[("_id", "8")]), vec![]]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_as_a_hit_without_panic(bytes: Vec<u8>) {
            let mut kept = Kept::default();
            let _ = read(&bytes, &mut rows(&mut kept));
        }
    }
}
