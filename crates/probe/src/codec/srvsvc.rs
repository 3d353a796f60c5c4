//! The list of a server's shares, asked of its service `srvsvc` by DCE/RPC: [MS-SRVS]
//! <https://learn.microsoft.com/openspecs/windows_protocols/ms-srvs/>, [MS-RPCE], and C706 of The Open Group.

use crate::wire::array_at;

/// The pipe it listens at.
pub(crate) const PIPE: &str = "srvsvc";

const REQUEST: u8 = 0;
const RESPONSE: u8 = 2;
const BIND: u8 = 11;
const BIND_ACCEPTED: u8 = 12;
const FIRST_AND_LAST: u8 = 3;
const LAST: u8 = 2;
/// Length of the header of every fragment.
const HEADER: usize = 16;
/// 4b324fc8-1670-01d3-1278-5a47bf6ee188, version 3.0.
const SRVSVC: [u8; 20] = [
    0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01, 0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1, 0x88, 3, 0, 0,
    0,
];
/// 8a885d04-1ceb-11c9-9fe8-08002b104860, version 2: the usual encoding.
const NDR: [u8; 20] = [
    0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60, 2, 0, 0,
    0,
];
const NET_SHARE_ENUM_ALL: u16 = 15;
/// Longest name or remark that is kept.
const LONGEST: usize = 256;
/// Longest list that is read.
const LONGEST_LIST: usize = 256 << 10;

fn fragment(kind: u8, call: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(HEADER + body.len()).unwrap_or(0).to_le_bytes();
    let mut out = vec![5, 0, kind, FIRST_AND_LAST, 0x10, 0, 0, 0];
    out.extend(length);
    out.extend([0, 0, call, 0, 0, 0]);
    out.extend_from_slice(body);
    out
}

/// Asks for the service.
pub(crate) fn bind() -> Vec<u8> {
    // Fragments of 4,280 bytes at most; no group; one context with one encoding.
    let mut body = vec![0xb8, 0x10, 0xb8, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0];
    body.extend(SRVSVC);
    body.extend(NDR);
    fragment(BIND, 1, &body)
}

/// Whether [`bind`] was accepted.
pub(crate) fn bound(fragment: &[u8]) -> bool {
    fragment.get(2) == Some(&BIND_ACCEPTED)
}

/// Asks for all shares with their kinds and remarks (level 1).
pub(crate) fn list_shares() -> Vec<u8> {
    let mut body = vec![0; 6];
    body.extend(NET_SHARE_ENUM_ALL.to_le_bytes());
    // No server name; level 1, twice; an empty container; any length; no resume handle.
    for number in [0_u32, 1, 1, 0x0002_0000, 0, 0, u32::MAX, 0] {
        body.extend(number.to_le_bytes());
    }
    fragment(REQUEST, 2, &body)
}

/// What a fragment of an answer brings.
#[derive(Debug, PartialEq)]
enum Part<'a> {
    /// A piece of the answer, and whether it is the last one.
    Piece(&'a [u8], bool),
    /// The service refuses, with this number.
    Fault(u32),
}

/// Reads the fragment at the start of `bytes`; also says how long it is. `None`: it is not whole.
fn part(bytes: &[u8]) -> Option<(Part<'_>, usize)> {
    let length = usize::from(u16::from_le_bytes(array_at(bytes, 8)?));
    let whole = bytes.get(..length)?;
    let (kind, flags) = (*whole.get(2)?, *whole.get(3)?);
    let part = match kind {
        RESPONSE => Part::Piece(whole.get(HEADER + 8..)?, flags & LAST != 0),
        _ => Part::Fault(array_at(whole, HEADER + 8).map_or(u32::MAX, u32::from_le_bytes)),
    };
    Some((part, length))
}

/// A list of shares that comes in fragments, and these in pieces.
#[derive(Debug)]
pub(crate) struct List {
    received: Vec<u8>,
    joined: Vec<u8>,
}

impl List {
    /// A list of which this is the beginning.
    pub(crate) fn new(received: Vec<u8>) -> Self {
        Self { received, joined: Vec::new() }
    }

    /// Adds what was received next. `false`: nothing was, or too much in all.
    pub(crate) fn add(&mut self, more: &[u8]) -> bool {
        self.received.extend_from_slice(more);
        !more.is_empty() && self.joined.len() + self.received.len() <= LONGEST_LIST
    }

    /// Once the list is whole: the shares, or the error of the service; `Some(None)`: it is malformed.
    #[expect(clippy::option_option, reason = "not yet whole, and whole but malformed, are two things")]
    pub(crate) fn end(&mut self) -> Option<Option<Result<Vec<Share>, u32>>> {
        while let Some((part, length)) = part(&self.received) {
            match part {
                Part::Fault(code) => return Some(Some(Err(code))),
                Part::Piece(piece, last) => {
                    self.joined.extend_from_slice(piece);
                    if last {
                        return Some(shares(&self.joined));
                    }
                }
            }
            self.received.drain(..length);
        }
        None
    }
}

/// A share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Share {
    /// Its name. For use in this conversation only: it is not kept.
    pub(crate) name: String,
    /// Disk, printer, device or pipe, and flags.
    pub(crate) kind: u32,
    /// What its administrator says of it.
    pub(crate) remark: String,
}

impl Share {
    /// Whether it holds files (`STYPE_DISKTREE`, whatever the flags).
    pub(crate) fn is_disk(&self) -> bool {
        self.kind & 0xff == 0
    }

    /// Whether the server made it for its own administration (`STYPE_SPECIAL`).
    pub(crate) fn is_special(&self) -> bool {
        self.kind & 0x8000_0000 != 0
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn number(&mut self) -> Option<u32> {
        let number = array_at(self.bytes, self.at)?;
        self.at += 4;
        Some(u32::from_le_bytes(number))
    }

    /// A conformant varying string: room, offset, length, characters with a zero at the end; aligned to four bytes.
    fn text(&mut self) -> Option<String> {
        let _room = self.number()?;
        let _offset = self.number()?;
        let length = (self.number()? as usize).checked_mul(2)?;
        let end = self.at.checked_add(length)?;
        let units = self.bytes.get(self.at..end)?.chunks_exact(2);
        let units = units.filter_map(|unit| array_at(unit, 0)).map(u16::from_le_bytes);
        let text =
            char::decode_utf16(units.take_while(|unit| *unit != 0)).map(|unit| unit.unwrap_or('\u{fffd}'));
        let text = text.take(LONGEST).collect();
        self.at = end.checked_next_multiple_of(4)?;
        Some(text)
    }
}

/// Reads the whole answer to [`list_shares`]: the shares, or the error of the service. `None`: it is malformed.
fn shares(answer: &[u8]) -> Option<Result<Vec<Share>, u32>> {
    // The last number of the answer is its result.
    let result = u32::from_le_bytes(array_at(answer, answer.len().checked_sub(4)?)?);
    if result != 0 {
        return Some(Err(result));
    }
    let mut cursor = Cursor { bytes: answer, at: 0 };
    let (_level, _switch, container) = (cursor.number()?, cursor.number()?, cursor.number()?);
    if container == 0 {
        return Some(Ok(Vec::new()));
    }
    let (count, array) = (cursor.number()? as usize, cursor.number()?);
    if array == 0 {
        return Some(Ok(Vec::new()));
    }
    let _room = cursor.number()?;
    // As many as fit: twelve bytes each.
    if count.checked_mul(12)? > answer.len() {
        return None;
    }
    let mut heads = Vec::with_capacity(count);
    for _ in 0..count {
        heads.push((cursor.number()?, cursor.number()?, cursor.number()?));
    }
    let mut shares = Vec::with_capacity(count);
    for (name, kind, remark) in heads {
        let name = if name == 0 { String::new() } else { cursor.text()? };
        let remark = if remark == 0 { String::new() } else { cursor.text()? };
        shares.push(Share { name, kind, remark });
    }
    Some(Ok(shares))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(out: &mut Vec<u8>, text: &str) {
        let units: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let length = u32::try_from(units.len()).unwrap();
        for number in [length, 0, length] {
            out.extend(number.to_le_bytes());
        }
        out.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        out.resize(out.len().next_multiple_of(4), 0);
    }

    fn answer(count: u32) -> Vec<u8> {
        let mut out = Vec::new();
        for number in
            [1, 1, 0x2000c, count, 0x20008, 2, 0x20004, 0, 0x20000, 0x1fffc, 0x8000_0003, 0x1fff8_u32]
        {
            out.extend(number.to_le_bytes());
        }
        for each in ["pub", "", "IPC$", "IPC Service (Samba 4.17.12-Debian)"] {
            text(&mut out, each);
        }
        for number in [2_u32, 0, 0] {
            out.extend(number.to_le_bytes());
        }
        out
    }

    #[test]
    fn shares_are_listed_with_their_kinds() {
        let shares = shares(&answer(2)).unwrap().unwrap();
        assert_eq!(shares.len(), 2);
        assert!(shares[0].is_disk() && !shares[0].is_special() && shares[0].name == "pub");
        assert!(!shares[1].is_disk() && shares[1].is_special());
        assert_eq!(shares[1].remark, "IPC Service (Samba 4.17.12-Debian)");
    }

    #[test]
    fn half_an_answer_an_absurd_count_and_an_error_are_no_list() {
        let whole = answer(2);
        assert_eq!(shares(&answer(0x4000_0000)), None);
        // Cut where a zero stands in the place of the result.
        assert_eq!(shares(&whole[..32]), None);
        assert_eq!(shares(&[]), None);
        // ERROR_ACCESS_DENIED.
        let mut denied = vec![0; 20];
        denied[16] = 5;
        assert_eq!(shares(&denied), Some(Err(5)));
    }

    #[test]
    fn an_answer_comes_in_fragments() {
        let mut bytes = fragment(RESPONSE, 2, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
        bytes[3] = 1;
        assert_eq!(part(&bytes), Some((Part::Piece(&[1, 2, 3], false), bytes.len())));
        assert_eq!(part(&bytes[..bytes.len() - 1]), None);
        let fault = fragment(3, 2, &[0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(part(&fault), Some((Part::Fault(5), fault.len())));
    }

    #[test]
    fn a_list_in_fragments_is_joined() {
        let whole = answer(2);
        let (first, second) = whole.split_at(100);
        let framed = |piece: &[u8], flags| {
            let mut bytes = fragment(RESPONSE, 2, &[&[0; 8], piece].concat());
            bytes[3] = flags;
            bytes
        };
        let bytes = [framed(first, 1), framed(second, LAST)].concat();
        let mut list = List::new(bytes[..30].to_vec());
        assert_eq!(list.end(), None);
        assert!(list.add(&bytes[30..]));
        assert_eq!(list.end().unwrap().unwrap().unwrap().len(), 2);
        assert!(!List::new(Vec::new()).add(&[]));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = part(&bytes);
            let _ = bound(&bytes);
            let _ = shares(&bytes);
            let _ = List::new(bytes.clone()).end();
            let _ = shares(&[bytes.as_slice(), &[0; 4]].concat());
        }
    }
}

/// A list without the fragments around it, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = shares(bytes);
}
