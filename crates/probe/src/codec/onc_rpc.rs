//! ONC RPC over TCP ([RFC 5531](https://www.rfc-editor.org/rfc/rfc5531)) and XDR ([RFC 4506](https://www.rfc-editor.org/rfc/rfc4506)),
//! as far as a caller needs them who asserts who he is (AUTH_SYS) and proves nothing.

use model::excerpt;
use net::Error;

use crate::wire::array_at;

const CALL: u32 = 0;
const REPLY: u32 = 1;
const VERSION: u32 = 2;
const AUTH_SYS: u32 = 1;
/// The last fragment of a record.
const LAST: u32 = 1 << 31;
/// Longest record that is read, and of how many fragments.
const LARGEST: usize = 256 << 10;
const MOST_FRAGMENTS: usize = 64;

/// A procedure of a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Procedure {
    pub(crate) program: u32,
    pub(crate) version: u32,
    pub(crate) number: u32,
}

/// A user and a group, as the caller asserts them. `None` in a call: nobody in particular.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Identity {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// A whole call with its length in front.
pub(crate) fn call(xid: u32, procedure: Procedure, who: Option<Identity>, arguments: &[u8]) -> Vec<u8> {
    let Procedure { program, version, number } = procedure;
    let mut out = words(&[0, xid, CALL, VERSION, program, version, number]);
    match who {
        None => out.extend(words(&[0, 0])),
        // No time stamp, no machine, no further groups.
        Some(Identity { user, group }) => out.extend(words(&[AUTH_SYS, 20, 0, 0, user, group, 0])),
    }
    // An empty verifier.
    out.extend(words(&[0, 0]));
    out.extend_from_slice(arguments);
    let mark = LAST | u32::try_from(out.len().saturating_sub(4)).unwrap_or(0);
    if let Some(start) = out.first_chunk_mut() {
        *start = mark.to_be_bytes();
    }
    out
}

/// Numbers in XDR.
pub(crate) fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// Bytes of variable length in XDR.
pub(crate) fn opaque(bytes: &[u8]) -> Vec<u8> {
    let mut out = words(&[u32::try_from(bytes.len()).unwrap_or(0)]);
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// Length of a whole record at the start of `bytes`.
pub(crate) fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let mut at: usize = 0;
    for _ in 0..MOST_FRAGMENTS {
        let Some(mark) = array_at(bytes, at) else { return Ok(None) };
        let mark = u32::from_be_bytes(mark);
        at = at.saturating_add(4).saturating_add((mark & !LAST) as usize);
        if at > LARGEST {
            break;
        }
        if mark & LAST != 0 {
            return Ok((bytes.len() >= at).then_some(at));
        }
    }
    Err(Error::Malformed(format!("not an RPC record: {}", excerpt(bytes.get(..32).unwrap_or(bytes)))))
}

/// A record without the marks of its fragments.
fn joined(mut record: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some((mark, rest)) = record.split_first_chunk() {
        let length = (u32::from_be_bytes(*mark) & !LAST) as usize;
        let (fragment, next) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        out.extend_from_slice(fragment);
        record = next;
    }
    out
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The procedure's results.
    Success(Vec<u8>),
    /// The program is not there.
    NoProgram,
    /// The program has only versions from the first to the second.
    NoVersion(u32, u32),
    /// The program has no such procedure.
    NoProcedure,
    /// Accepted, but failed with this number.
    Failed(u32),
    /// The asserted identity is refused, with this number (`auth_stat`).
    Refused(u32),
}

/// Reads a record that [`complete`] found to be whole. `None`: it is no reply to the call `xid`.
pub(crate) fn answer(record: &[u8], xid: u32) -> Option<Answer> {
    let message = joined(record);
    let mut xdr = Xdr(&message);
    if xdr.word()? != xid || xdr.word()? != REPLY {
        return None;
    }
    Some(match xdr.word()? {
        0 => {
            let _flavour = xdr.word()?;
            let _verifier = xdr.opaque(400)?;
            match xdr.word()? {
                0 => Answer::Success(xdr.0.to_vec()),
                1 => Answer::NoProgram,
                // Some servers leave the versions out.
                2 => Answer::NoVersion(xdr.word().unwrap_or(0), xdr.word().unwrap_or(0)),
                3 => Answer::NoProcedure,
                other => Answer::Failed(other),
            }
        }
        // RPC_MISMATCH has two versions, AUTH_ERROR a reason.
        1 if xdr.word()? == 1 => Answer::Refused(xdr.word()?),
        1 => Answer::Failed(u32::MAX),
        _ => return None,
    })
}

/// What is left to read of some XDR.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Xdr<'a>(pub(crate) &'a [u8]);

impl<'a> Xdr<'a> {
    /// A number.
    pub(crate) fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*word))
    }

    /// A number of eight bytes.
    pub(crate) fn double(&mut self) -> Option<u64> {
        let (double, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*double))
    }

    /// So many bytes, as they are.
    pub(crate) fn skip(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Bytes of variable length, `most` at most.
    pub(crate) fn opaque(&mut self, most: usize) -> Option<&'a [u8]> {
        let length = self.word()? as usize;
        if length > most {
            return None;
        }
        let bytes = self.skip(length.next_multiple_of(4))?;
        bytes.get(..length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XID: u32 = 7;
    const NULL: Procedure = Procedure { program: 100_003, version: 4, number: 0 };

    fn record(numbers: &[u32]) -> Vec<u8> {
        let body = words(numbers);
        [words(&[LAST | u32::try_from(body.len()).unwrap()]), body].concat()
    }

    #[test]
    fn a_call_says_how_long_it_is() {
        for who in [None, Some(Identity { user: 1, group: 2 })] {
            let bytes = call(XID, NULL, who, &words(&[1]));
            assert_eq!(complete(&bytes).unwrap(), Some(bytes.len()));
            assert_eq!(complete(&bytes[..bytes.len() - 1]).unwrap(), None);
        }
    }

    #[test]
    fn every_answer_is_told_from_the_others() {
        let read = |numbers: &[u32]| answer(&record(numbers), XID);
        assert_eq!(read(&[XID, 1, 0, 0, 0, 0]), Some(Answer::Success(vec![])));
        assert_eq!(read(&[XID, 1, 0, 0, 0, 1]), Some(Answer::NoProgram));
        assert_eq!(read(&[XID, 1, 0, 0, 0, 2, 4, 4]), Some(Answer::NoVersion(4, 4)));
        assert_eq!(read(&[XID, 1, 0, 0, 0, 2]), Some(Answer::NoVersion(0, 0)));
        assert_eq!(read(&[XID, 1, 0, 0, 0, 3]), Some(Answer::NoProcedure));
        assert_eq!(read(&[XID, 1, 1, 1, 5]), Some(Answer::Refused(5)));
        assert_eq!(read(&[XID, 1, 1, 0, 2, 2]), Some(Answer::Failed(u32::MAX)));
        // A call, another's reply, half a reply.
        assert_eq!(read(&[XID, 0, 2, 100_003, 4, 0]), None);
        assert_eq!(read(&[8, 1, 0, 0, 0, 0]), None);
        assert_eq!(read(&[XID, 1, 0, 0]), None);
    }

    #[test]
    fn a_reply_in_two_fragments_is_one() {
        let bytes = [words(&[8, XID, 1]), words(&[LAST | 16, 0, 0, 0, 0])].concat();
        assert_eq!(complete(&bytes).unwrap(), Some(bytes.len()));
        assert_eq!(answer(&bytes, XID), Some(Answer::Success(vec![])));
    }

    #[test]
    fn other_protocols_are_malformed() {
        assert!(complete(b"HTTP/1.1 400 Bad Request").is_err());
        assert!(complete(b"SSH-2.0-OpenSSH").is_err());
        // Fragments without an end.
        assert!(complete(&[0; 400]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
            let _ = answer(&bytes, XID);
            let mut xdr = Xdr(&bytes);
            let _ = (xdr.opaque(usize::MAX), xdr.double());
        }
    }
}
