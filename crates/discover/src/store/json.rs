//! A JSON value as cells: each scalar under its path, `info.phones[].number`. Objects add `.name`, arrays add `[]`, so that
//! the same field of every row is one column whatever its place in an array.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

/// Longest path. What lies deeper is not told apart from its parent.
const LONGEST: usize = 1024;

/// Shows `cell` every scalar of the JSON text `bytes`, with its path below `root`; nulls are left out. `path` is room to
/// work in. Depth is limited by the parser (128).
///
/// # Errors
/// When the text is no JSON: cells may have been shown before.
pub(crate) fn flatten(
    bytes: &[u8],
    root: &str,
    path: &mut String,
    cell: &mut dyn FnMut(&str, &[u8]),
) -> Result<(), serde_json::Error> {
    path.clear();
    path.push_str(root);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Walk { path, cell }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Shows the scalars of whatever a deserialiser gives. How deep it goes is the deserialiser's to limit.
pub(crate) struct Walk<'w> {
    pub(crate) path: &'w mut String,
    pub(crate) cell: &'w mut dyn FnMut(&str, &[u8]),
}

/// A number that may have been made of an integer: JavaScript and the shells of document stores know no other.
pub(crate) fn number(value: f64) -> String {
    /// Up to here every integer is a number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT { format!("{value:.0}") } else { value.to_string() }
}

impl Walk<'_> {
    fn below<E>(&mut self, step: &[&str], walk: impl FnOnce(Walk<'_>) -> Result<(), E>) -> Result<(), E> {
        let length = self.path.len();
        if length.saturating_add(step.iter().map(|part| part.len()).sum()) <= LONGEST {
            step.iter().for_each(|part| self.path.push_str(part));
        }
        let walked = walk(Walk { path: self.path, cell: self.cell });
        self.path.truncate(length);
        walked
    }

    fn scalar<E>(self, text: &[u8]) -> Result<(), E> {
        (self.cell)(self.path, text);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(if value { b"true" } else { b"false" })
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(value.to_string().as_bytes())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(value.to_string().as_bytes())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(number(value).as_bytes())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.scalar(value.as_bytes())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        self.below(&["[]"], |walk| {
            let Walk { path, cell } = walk;
            while sequence.next_element_seed(Walk { path: &mut *path, cell: &mut *cell })?.is_some() {}
            Ok(())
        })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let dot = if self.path.is_empty() { "" } else { "." };
            self.below(&[dot, &name], |walk| map.next_value_seed(walk))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Result<Vec<(String, String)>, serde_json::Error> {
        let mut cells = Vec::new();
        flatten(text.as_bytes(), "c", &mut String::new(), &mut |path, bytes| {
            cells.push((path.to_owned(), String::from_utf8_lossy(bytes).into_owned()));
        })?;
        Ok(cells)
    }

    #[test]
    fn every_scalar_has_a_path() {
        let found = cells(r#"{"a":[{"n":1},{"n":"x\ny"},null],"b":{"c":true,"":-2.5},"d":[[7]]}"#).unwrap();
        let found: Vec<_> = found.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let right =
            [("c.a[].n", "1"), ("c.a[].n", "x\ny"), ("c.b.c", "true"), ("c.b.", "-2.5"), ("c.d[][]", "7")];
        assert_eq!(found, right);
        let mut bare = Vec::new();
        flatten(br#"{"a":{"b":1.5400000001e10}}"#, "", &mut String::new(), &mut |path, bytes| {
            bare.push((path.to_owned(), bytes.to_vec()));
        })
        .unwrap();
        assert_eq!(bare, [("a.b".to_owned(), b"15400000001".to_vec())]);
        assert_eq!(
            cells("18446744073709551615").unwrap(),
            [("c".to_owned(), "18446744073709551615".to_owned())]
        );
    }

    #[test]
    fn what_is_no_json_or_too_deep_is_an_error() {
        assert!(cells("{\"a\":").is_err());
        assert!(cells("1 2").is_err());
        assert!(cells(&"[".repeat(100_000)).is_err());
        assert!(
            cells(&format!("{}{}", "{\"aaaaaaaaaaaa\":".repeat(120), "1".to_owned() + &"}".repeat(120)))
                .is_ok()
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_walked_without_panic(bytes: Vec<u8>) {
            let _ = flatten(&bytes, "c", &mut String::new(), &mut |_, _| {});
        }
    }
}
