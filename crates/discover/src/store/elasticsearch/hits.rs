//! Takes the answer of a search apart while it arrives: each hit by itself, so that a page of large documents is no large
//! buffer, and the little that remains as a document of its own.

use memchr::memchr2;

/// Longest hit that is kept: a document may have 100 MiB by the server's default limit on requests.
const LONGEST: usize = 16 << 20;
/// Most bytes beside the hits: a handle, shards and their failures.
const REST: usize = 1 << 20;

/// A hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// Its JSON.
    Whole(&'a [u8]),
    /// It was longer than what is kept.
    TooLong,
}

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// It ended in the middle.
    Half,
    /// It is no JSON object.
    NotJson,
    /// What stands beside the hits is longer than any server's.
    TooLong,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Outside,
    InString,
    AfterBackslash,
}

/// Takes one answer apart.
pub(super) struct Splitter {
    at: At,
    /// Open objects and lists.
    depth: usize,
    /// The last string at depth 1 or 2, as long as it may be a key.
    key: Vec<u8>,
    /// The object that is open at depth 2 is the value of the key `hits`.
    outer: bool,
    /// The list that is open at depth 3 is the value of the key `hits` in it.
    list: bool,
    element: Vec<u8>,
    too_long: bool,
    rest: Vec<u8>,
    /// How many hits there were.
    pub(super) count: u64,
}

/// Depth within the list of hits, and within a hit.
const LIST: usize = 3;

impl Splitter {
    pub(super) fn new() -> Self {
        Self {
            at: At::Outside,
            depth: 0,
            key: Vec::new(),
            outer: false,
            list: false,
            element: Vec::new(),
            too_long: false,
            rest: Vec::new(),
            count: 0,
        }
    }

    /// Takes the next bytes and shows every hit that ends in them.
    pub(super) fn feed(&mut self, bytes: &[u8], show: &mut dyn FnMut(Found<'_>)) -> Result<(), Bad> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if self.at == At::InString {
                let length = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                let (run, after) = rest.split_at(length);
                self.keep(run)?;
                let Some((&byte, after)) = after.split_first() else { return Ok(()) };
                self.keep(&[byte])?;
                self.at = if byte == b'"' { At::Outside } else { At::AfterBackslash };
                rest = after;
                continue;
            }
            if self.at == At::AfterBackslash {
                self.at = At::InString;
                self.keep(&[byte])?;
            } else {
                self.outside(byte, show)?;
            }
            rest = after;
        }
        Ok(())
    }

    fn outside(&mut self, byte: u8, show: &mut dyn FnMut(Found<'_>)) -> Result<(), Bad> {
        if self.depth == 0 && !matches!(byte, b'{' | b' ' | b'\n' | b'\r' | b'\t') {
            return Err(Bad::NotJson);
        }
        match byte {
            b'"' => {
                self.keep(b"\"")?;
                self.key.clear();
                self.at = At::InString;
                Ok(())
            }
            b'{' | b'[' => {
                self.enter(byte);
                self.keep(&[byte])
            }
            b'}' | b']' => {
                let in_hit = self.list && self.depth > LIST;
                if self.list && self.depth == LIST {
                    self.list = false;
                }
                // Before the depth falls: the end of a hit belongs to it.
                self.keep(&[byte])?;
                self.depth = self.depth.checked_sub(1).ok_or(Bad::NotJson)?;
                if self.depth < 2 {
                    self.outer = false;
                }
                if in_hit && self.depth == LIST {
                    self.show(show);
                }
                Ok(())
            }
            // Between hits nothing is kept.
            _ if self.list && self.depth == LIST => match byte {
                b',' | b' ' | b'\n' | b'\r' | b'\t' => Ok(()),
                _ => Err(Bad::NotJson),
            },
            byte => self.keep(&[byte]),
        }
    }

    fn enter(&mut self, byte: u8) {
        let named = self.key == b"hits\"";
        self.depth += 1;
        match (self.depth, byte) {
            (2, _) => self.outer = named && byte == b'{',
            // The brackets themselves stay in the rest.
            (LIST, b'[') => self.list = self.outer && named,
            _ => {}
        }
        self.key.clear();
    }

    fn show(&mut self, show: &mut dyn FnMut(Found<'_>)) {
        self.count += 1;
        show(if self.too_long { Found::TooLong } else { Found::Whole(&self.element) });
        self.element.clear();
        self.too_long = false;
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Bad> {
        if self.list && self.depth > LIST {
            if self.element.len().saturating_add(bytes.len()) > LONGEST {
                self.too_long = true;
                self.element = Vec::new();
            }
            if !self.too_long {
                self.element.extend_from_slice(bytes);
            }
            return Ok(());
        }
        if self.rest.len().saturating_add(bytes.len()) > REST {
            return Err(Bad::TooLong);
        }
        self.rest.extend_from_slice(bytes);
        if matches!(self.depth, 1 | 2) && self.at != At::Outside && self.key.len() < 16 {
            self.key.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// What stood beside the hits, once everything was fed.
    pub(super) fn finish(self) -> Result<serde_json::Value, Bad> {
        if self.depth > 0 || self.rest.is_empty() {
            return Err(Bad::Half);
        }
        serde_json::from_slice(&self.rest).map_err(|_| Bad::NotJson)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn split(pieces: &[&[u8]]) -> Result<(Vec<String>, serde_json::Value), Bad> {
        let mut splitter = Splitter::new();
        let mut hits = Vec::new();
        for piece in pieces {
            splitter.feed(piece, &mut |found| match found {
                Found::Whole(json) => hits.push(String::from_utf8_lossy(json).into_owned()),
                Found::TooLong => hits.push("too long".to_owned()),
            })?;
        }
        Ok((hits, splitter.finish()?))
    }

    const ANSWER: &str = r#" {"_scroll_id":"a\"b","took":3,"timed_out":false,"_shards":{"total":5,"hits":[1]},
        "hits":{"total":{"value":2,"relation":"eq"},"max_score":1.0,"hits":[
        {"_id":"1","_source":{"hits":{"hits":["}"]},"t":"\\"}} , {"_id":"2"}]},"x":[{"y":"]"}]}
        "#;

    #[test]
    fn hits_and_the_rest_come_apart_wherever_the_answer_is_cut() {
        let hits = [r#"{"_id":"1","_source":{"hits":{"hits":["}"]},"t":"\\"}}"#, r#"{"_id":"2"}"#];
        let rest = json!({"_scroll_id": "a\"b", "took": 3, "timed_out": false, "_shards": {"total": 5, "hits": [1]},
            "hits": {"total": {"value": 2, "relation": "eq"}, "max_score": 1.0, "hits": []}, "x": [{"y": "]"}]});
        let whole = split(&[ANSWER.as_bytes()]).unwrap();
        assert_eq!((whole.0.as_slice(), &whole.1), (hits.map(str::to_owned).as_slice(), &rest));
        for at in 0..ANSWER.len() {
            let (first, second) = ANSWER.as_bytes().split_at(at);
            assert_eq!(split(&[first, second]).unwrap(), whole, "{at}");
        }
    }

    #[test]
    fn half_an_answer_is_none() {
        let end = ANSWER.rfind('}').unwrap();
        for at in 1..end {
            assert!(split(&[&ANSWER.as_bytes()[..at]]).is_err(), "{at}");
        }
    }

    #[test]
    fn other_answers_are_none_or_have_no_hits() {
        for text in ["", "<html>", "[]", "nginx", "{}}", r#"{"hits":{"hits":[1]}}"#, r#"{"hits":{"hits":["#] {
            assert!(split(&[text.as_bytes()]).is_err(), "{text}");
        }
        let (hits, rest) = split(&[br#"{"error":{"hits":[{"a":1}]},"status":404}"#]).unwrap();
        assert_eq!((hits.len(), rest["status"].as_u64()), (0, Some(404)));
    }

    #[test]
    fn a_giant_document_is_told_and_the_next_one_read() {
        let mut splitter = Splitter::new();
        let mut hits = Vec::new();
        let mut take = |splitter: &mut Splitter, bytes: &[u8]| {
            splitter.feed(bytes, &mut |found| hits.push(matches!(found, Found::TooLong))).unwrap();
        };
        take(&mut splitter, br#"{"hits":{"hits":[{"_id":"1","x":""#);
        for _ in 0..=LONGEST >> 16 {
            take(&mut splitter, &vec![b'a'; 1 << 16]);
        }
        take(&mut splitter, br#""},{"_id":"2"}]}}"#);
        assert!(splitter.element.capacity() <= LONGEST);
        assert_eq!(hits, [true, false]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken_apart_without_panic(bytes: Vec<u8>) {
            let _ = split(&[&bytes]);
            let _ = split(&[br#"{"hits":{"hits":[{"#, &bytes]);
            let _ = split(&[br#"{"hits":{"#, &bytes]);
        }
    }
}
