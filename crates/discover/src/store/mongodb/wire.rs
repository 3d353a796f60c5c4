//! Messages of MongoDB: OP_MSG (3.6 and later), and OP_QUERY with OP_GET_MORE (up to 5.0).
//! <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>

use bson::raw::{RawDocument, RawDocumentBuf};

/// Longest message: servers say 48,000,000, and a little more is on the wire.
pub(super) const LONGEST: usize = 48_000_000 + (16 << 10);
/// Length of the header.
pub(super) const HEADER: usize = 16;

const OP_REPLY: i32 = 1;
const OP_QUERY: i32 = 2004;
const OP_GET_MORE: i32 = 2005;
const OP_MSG: i32 = 2013;

/// A secondary may answer.
const SECONDARY_OK: i32 = 4;
/// Of OP_MSG: a checksum follows.
const CHECKSUM: u32 = 1;
/// Of OP_REPLY.
const CURSOR_NOT_FOUND: i32 = 1;
const QUERY_FAILURE: i32 = 2;

/// Why a message is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bad(pub(super) &'static str);

/// What comes before a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes that follow.
    pub(super) rest: usize,
    pub(super) answers: i32,
    code: i32,
}

impl Header {
    pub(super) fn parse(bytes: &[u8; HEADER]) -> Result<Self, Bad> {
        let word = |at: usize| {
            let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map(|bytes| i32::from_le_bytes(*bytes)).unwrap_or_default()
        };
        let length = usize::try_from(word(0)).map_err(|_| Bad("a message of negative length"))?;
        if length > LONGEST {
            return Err(Bad("a message longer than any"));
        }
        let rest = length.checked_sub(HEADER).ok_or(Bad("a message shorter than its head"))?;
        Ok(Self { rest, answers: word(8), code: word(12) })
    }
}

/// An answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// To a command.
    Document(RawDocumentBuf),
    /// Documents of an OP_QUERY or OP_GET_MORE, and the cursor to go on with; 0 at the end.
    Documents(Vec<RawDocumentBuf>, i64),
    /// The cursor is gone.
    NoCursor,
}

impl Answer {
    /// Reads the body of a message.
    pub(super) fn parse(header: &Header, body: &[u8]) -> Result<Self, Bad> {
        match header.code {
            OP_MSG => message(body).map(Self::Document),
            OP_REPLY => reply(body),
            _ => Err(Bad("an answer of another kind")),
        }
    }
}

fn message(body: &[u8]) -> Result<RawDocumentBuf, Bad> {
    let (flags, rest) = body.split_first_chunk().ok_or(Bad("an answer without flags"))?;
    let checksum = if u32::from_le_bytes(*flags) & CHECKSUM == 0 { 0 } else { 4 };
    let mut rest = rest.get(..rest.len().saturating_sub(checksum)).unwrap_or_default();
    while let Some((kind, section)) = rest.split_first() {
        let length = announced(section)?;
        let whole = section.get(..length).ok_or(Bad("a section longer than its message"))?;
        if *kind == 0 {
            return owned(whole);
        }
        // A sequence of documents, which no answer to what is asked here has.
        rest = section.get(length..).unwrap_or_default();
    }
    Err(Bad("an answer without a document"))
}

fn reply(body: &[u8]) -> Result<Answer, Bad> {
    let short = || Bad("an answer shorter than its head");
    let (flags, rest) = body.split_first_chunk().ok_or_else(short)?;
    let (cursor, rest) = rest.split_first_chunk().ok_or_else(short)?;
    let (_, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let (count, mut rest) = rest.split_first_chunk().ok_or_else(short)?;
    let (flags, count) = (i32::from_le_bytes(*flags), i32::from_le_bytes(*count));
    if flags & CURSOR_NOT_FOUND != 0 {
        return Ok(Answer::NoCursor);
    }
    let mut documents = Vec::new();
    for _ in 0..count {
        let (whole, later) =
            rest.split_at_checked(announced(rest)?).ok_or(Bad("a document longer than its message"))?;
        documents.push(owned(whole)?);
        rest = later;
    }
    match documents.as_slice() {
        // The only document is an error.
        [_] if flags & QUERY_FAILURE != 0 => documents.pop().map(Answer::Document).ok_or_else(short),
        _ => Ok(Answer::Documents(documents, i64::from_le_bytes(*cursor))),
    }
}

/// The length that stands at the beginning of a document or section.
fn announced(bytes: &[u8]) -> Result<usize, Bad> {
    let length = bytes.first_chunk().map(|length| i32::from_le_bytes(*length));
    let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length >= 5);
    length.filter(|length| *length <= bytes.len()).ok_or(Bad("a document that lies about its length"))
}

fn owned(bytes: &[u8]) -> Result<RawDocumentBuf, Bad> {
    RawDocumentBuf::from_bytes(bytes.to_vec()).map_err(|_| Bad("a document that is none"))
}

/// A command by OP_MSG.
pub(super) fn op_msg(id: i32, command: &RawDocument) -> Vec<u8> {
    finish(id, OP_MSG, &[&[0; 5], command.as_bytes()])
}

/// A query by OP_QUERY: of a collection, or of `DATABASE.$cmd` with a command.
pub(super) fn op_query(
    id: i32,
    collection: &str,
    skip: i32,
    count: i32,
    query: &RawDocument,
    fields: Option<&RawDocument>,
) -> Vec<u8> {
    let name = [collection.as_bytes(), &[0]].concat();
    let fields = fields.map(RawDocument::as_bytes).unwrap_or_default();
    let numbers = [skip.to_le_bytes(), count.to_le_bytes()].concat();
    finish(id, OP_QUERY, &[&SECONDARY_OK.to_le_bytes(), &name, &numbers, query.as_bytes(), fields])
}

/// More documents of a query by OP_QUERY.
pub(super) fn op_get_more(id: i32, collection: &str, count: i32, cursor: i64) -> Vec<u8> {
    let name = [collection.as_bytes(), &[0]].concat();
    finish(id, OP_GET_MORE, &[&[0; 4], &name, &count.to_le_bytes(), &cursor.to_le_bytes()])
}

fn finish(id: i32, code: i32, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = HEADER + parts.iter().map(|part| part.len()).sum::<usize>();
    let length = i32::try_from(length).unwrap_or(i32::MAX);
    let head = [length, id, 0, code].map(i32::to_le_bytes).concat();
    std::iter::once(head.as_slice()).chain(parts.iter().copied()).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::rawdoc;

    fn parse(message: &[u8]) -> Result<Answer, Bad> {
        let header = Header::parse(message.first_chunk().ok_or(Bad("short"))?)?;
        let body = message.get(HEADER..HEADER + header.rest).ok_or(Bad("short"))?;
        Answer::parse(&header, body)
    }

    #[test]
    fn what_is_sent_as_a_message_is_read_as_one() {
        let document = rawdoc! { "ok": 1.0, "n": "x" };
        let Ok(Answer::Document(found)) = parse(&op_msg(7, &document)) else { panic!() };
        assert_eq!(found, document);
    }

    #[test]
    fn an_old_answer_has_documents_and_a_cursor() {
        let (one, two) = (rawdoc! { "a": 1 }, rawdoc! { "a": 2 });
        let reply = |flags: i32, documents: &[&RawDocument]| {
            let count = i32::try_from(documents.len()).unwrap();
            let head = [
                flags.to_le_bytes().to_vec(),
                9_i64.to_le_bytes().to_vec(),
                vec![0; 4],
                count.to_le_bytes().to_vec(),
            ];
            let body: Vec<u8> = documents.iter().flat_map(|document| document.as_bytes().to_vec()).collect();
            finish(1, OP_REPLY, &[&head.concat(), &body])
        };
        let Ok(Answer::Documents(found, 9)) = parse(&reply(8, &[&one, &two])) else { panic!() };
        assert_eq!(found, [one.clone(), two.clone()]);
        assert!(matches!(parse(&reply(QUERY_FAILURE, &[&one])), Ok(Answer::Document(found)) if found == one));
        assert!(matches!(parse(&reply(CURSOR_NOT_FOUND, &[])), Ok(Answer::NoCursor)));
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        let good = op_msg(7, &rawdoc! { "ok": 1.0 });
        for length in [-1_i32, 0, 15, 49_000_000, i32::MAX] {
            let mut bad = good.clone();
            bad[..4].copy_from_slice(&length.to_le_bytes());
            assert!(Header::parse(bad.first_chunk().unwrap()).is_err(), "{length}");
        }
        for length in [-1_i32, 0, 4, 1 << 20, i32::MAX] {
            let mut bad = good.clone();
            bad[21..25].copy_from_slice(&length.to_le_bytes());
            assert!(parse(&bad).is_err(), "{length}");
        }
        for cut in HEADER..good.len() {
            let mut bad = good[..cut].to_vec();
            bad[..4].copy_from_slice(&i32::try_from(cut).unwrap().to_le_bytes());
            assert!(parse(&bad).is_err(), "{cut}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, code in proptest::sample::select(vec![1, 2013, 7])) {
            let _ = parse(&bytes);
            let header = Header { rest: bytes.len(), answers: 0, code };
            let _ = Answer::parse(&header, &bytes);
            let mut message = vec![0; 20];
            message[16..].copy_from_slice(&1_i32.to_le_bytes());
            message.extend(bytes);
            let _ = Answer::parse(&Header { code: OP_REPLY, ..header }, &message);
        }
    }
}
