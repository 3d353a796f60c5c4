//! Documents of BSON as cells: each scalar under its path, as JSON's are (<https://bsonspec.org/spec.html>).

use bson::raw::{RawBson, RawBsonRef, RawDocument, RawElement};
use bson::spec::BinarySubtype;

use crate::store::json::number;

/// Deepest nesting that is followed; servers take 100 (<https://www.mongodb.com/docs/manual/reference/limits/>).
const DEPTH: u32 = 128;
/// Longest path that is told apart from its parent.
const LONGEST: usize = 1024;

/// A document that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bad;

/// Shows `cell` every scalar with its path.
///
/// # Errors
/// When the bytes are no BSON, or nested too deeply: cells may have been shown before.
pub(super) fn flatten(document: &RawDocument, cell: &mut dyn FnMut(&str, &[u8])) -> Result<(), Bad> {
    Walk { path: String::new(), cell }.document(document, false, DEPTH)
}

struct Walk<'w> {
    path: String,
    cell: &'w mut dyn FnMut(&str, &[u8]),
}

impl Walk<'_> {
    fn document(&mut self, document: &RawDocument, is_list: bool, depth: u32) -> Result<(), Bad> {
        let depth = depth.checked_sub(1).ok_or(Bad)?;
        for element in document.iter_elements() {
            let element = element.map_err(|_| Bad)?;
            let length = self.path.len();
            if is_list {
                self.step("[]", "");
            } else {
                self.step(if length == 0 { "" } else { "." }, element.key().as_str());
            }
            self.element(&element, depth)?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn step(&mut self, separator: &str, name: &str) {
        if self.path.len() + separator.len() + name.len() <= LONGEST {
            self.path.push_str(separator);
            self.path.push_str(name);
        }
    }

    fn element(&mut self, element: &RawElement<'_>, depth: u32) -> Result<(), Bad> {
        let value = match element.value() {
            Ok(value) => value,
            Err(_) => {
                // A text that is no UTF-8 is one all the same.
                let RawBson::String(text) = element.value_utf8_lossy().map_err(|_| Bad)? else {
                    return Err(Bad);
                };
                self.show(text.as_bytes());
                return Ok(());
            }
        };
        match value {
            RawBsonRef::Document(inner) => self.document(inner, false, depth)?,
            RawBsonRef::Array(inner) => {
                let inner = RawDocument::from_bytes(inner.as_bytes()).map_err(|_| Bad)?;
                self.document(inner, true, depth)?;
            }
            RawBsonRef::String(text) | RawBsonRef::Symbol(text) | RawBsonRef::JavaScriptCode(text) => {
                self.show(text.as_bytes())
            }
            RawBsonRef::JavaScriptCodeWithScope(code) => self.show(code.code.as_bytes()),
            RawBsonRef::Int32(value) => self.text(value),
            RawBsonRef::Int64(value) => self.text(value),
            RawBsonRef::Double(value) => self.text(number(value)),
            RawBsonRef::Decimal128(value) => self.text(value),
            RawBsonRef::Boolean(value) => self.text(value),
            RawBsonRef::ObjectId(id) => self.text(id.to_hex()),
            RawBsonRef::DateTime(time) => self.time(time.timestamp_millis()),
            RawBsonRef::Timestamp(time) => self.time(i64::from(time.time).saturating_mul(1000)),
            RawBsonRef::Binary(binary) => match (binary.subtype, <[u8; 16]>::try_from(binary.bytes)) {
                (BinarySubtype::Uuid | BinarySubtype::UuidOld, Ok(bytes)) => {
                    self.text(bson::Uuid::from_bytes(bytes));
                }
                _ => self.show(binary.bytes),
            },
            RawBsonRef::RegularExpression(regex) => self.show(regex.pattern.as_str().as_bytes()),
            RawBsonRef::Null
            | RawBsonRef::Undefined
            | RawBsonRef::MinKey
            | RawBsonRef::MaxKey
            | RawBsonRef::DbPointer(_) => {}
        }
        Ok(())
    }

    fn show(&mut self, bytes: &[u8]) {
        (self.cell)(&self.path, bytes);
    }

    fn text(&mut self, value: impl std::fmt::Display) {
        self.show(value.to_string().as_bytes());
    }

    fn time(&mut self, milliseconds: i64) {
        match jiff::Timestamp::from_millisecond(milliseconds) {
            Ok(time) => self.text(time),
            Err(_) => self.text(milliseconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::{Bson, doc};

    fn cells(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Bad> {
        let mut cells = Vec::new();
        let document = RawDocument::from_bytes(bytes).map_err(|_| Bad)?;
        flatten(document, &mut |path, value| cells.push((path.to_owned(), value.to_vec())))?;
        Ok(cells)
    }

    #[test]
    fn every_scalar_has_a_path() {
        let document = doc! {
            "_id": bson::oid::ObjectId::from_bytes([1; 12]),
            "name": "张伟",
            "person": { "phones": [ { "number": 15_400_000_001_f64 }, { "number": 15_400_000_002_i64 } ] },
            "tags": ["x", ["y"], Bson::Null],
            "born": bson::DateTime::from_millis(0),
            "uuid": bson::Uuid::from_bytes([0xab; 16]),
            "yes": true,
            "none": Bson::Null,
            "blob": Bson::Binary(bson::Binary { subtype: BinarySubtype::Generic, bytes: vec![0xff, 0] }),
        };
        let found = cells(&document.to_vec().unwrap()).unwrap();
        let found: Vec<_> = found.iter().map(|(path, value)| (path.as_str(), value.as_slice())).collect();
        let right: [(&str, &[u8]); 11] = [
            ("_id", b"010101010101010101010101"),
            ("name", "张伟".as_bytes()),
            ("person.phones[].number", b"15400000001"),
            ("person.phones[].number", b"15400000002"),
            ("tags[]", b"x"),
            ("tags[][]", b"y"),
            ("born", b"1970-01-01T00:00:00Z"),
            ("uuid", b"abababab-abab-abab-abab-abababababab"),
            ("yes", b"true"),
            ("blob", b"\xff\0"),
            ("", b""),
        ];
        assert_eq!(found, right[..10]);
    }

    #[test]
    fn documents_that_lie_or_have_no_end_are_errors() {
        let mut nested = doc! {};
        for _ in 0..200 {
            nested = doc! { "a": nested };
        }
        assert_eq!(cells(&nested.to_vec().unwrap()), Err(Bad));
        let good = doc! { "a": "text" }.to_vec().unwrap();
        for length in [-1_i32, 0, 1_000_000, i32::MAX] {
            let mut bad = good.clone();
            bad[7..11].copy_from_slice(&length.to_le_bytes());
            assert_eq!(cells(&bad), Err(Bad), "{length}");
        }
        let broken = [b"\x0e\0\0\0\x02a\0".as_slice(), &2_i32.to_le_bytes(), b"\xff\0\0"].concat();
        assert_eq!(cells(&broken).unwrap(), [("a".to_owned(), "\u{fffd}".as_bytes().to_vec())]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_walked_without_panic(mut bytes: Vec<u8>, kind: u8) {
            bytes.push(0);
            for body in [bytes.clone(), [&[kind, b'a', 0], bytes.as_slice()].concat()] {
                let length = i32::try_from(body.len() + 4).unwrap().to_le_bytes();
                let _ = cells(&[length.as_slice(), &body].concat());
            }
        }
    }
}
