//! Messages of SMB 2 and 3: [MS-SMB2] <https://learn.microsoft.com/openspecs/windows_file_protocols/ms-smb2/>.
//!
//! Only what is needed to log in as nobody, to connect to shares and to call a named pipe. Nothing is signed: a session
//! without a password has no key to sign with. There are crates for this protocol, but they bring a whole client, and
//! these few messages of fixed layout are shorter than a wall around one.

use model::excerpt;
use net::Error;

use super::ntlm::utf16;
use crate::wire::array_at;

/// Length of the header; bodies begin behind it, and offsets in bodies count from its start.
pub(crate) const HEADER: usize = 64;
/// Largest message that is read: what a server may answer to a call of a pipe, and some.
const LARGEST: usize = 256 << 10;
/// Most bytes asked for in one answer.
const MOST: u32 = 64 << 10;

pub(crate) const SUCCESS: u32 = 0;
pub(crate) const PENDING: u32 = 0x0000_0103;
pub(crate) const BUFFER_OVERFLOW: u32 = 0x8000_0005;
pub(crate) const MORE_PROCESSING: u32 = 0xc000_0016;
pub(crate) const NOT_SUPPORTED: u32 = 0xc000_00bb;

/// `FILE_READ_DATA`, for a folder `FILE_LIST_DIRECTORY`.
pub(crate) const MAY_READ: u32 = 0x1;
/// `FILE_WRITE_DATA`, for a folder `FILE_ADD_FILE`.
pub(crate) const MAY_WRITE: u32 = 0x2;

/// The share is a disk (of a TREE_CONNECT answer).
pub(crate) const DISK: u8 = 1;

/// Dialects 2.0.2, 2.1, 3.0 and 3.0.2.
const DIALECTS: [u16; 4] = [0x0202, 0x0210, 0x0300, 0x0302];
/// Dialect 3.1.1, which must be asked for in another form.
const DIALECT_311: u16 = 0x0311;

/// What may be asked. Nothing of it changes anything.
#[derive(Clone, Debug)]
pub(crate) enum Ask<'a> {
    /// Which dialects are spoken; `newest`: 3.1.1 alone.
    Negotiate { newest: bool },
    /// A step of the login.
    SessionSetup(&'a [u8]),
    /// Connect to a share, as `\\server\share`.
    TreeConnect(&'a str),
    /// Open the named pipe of the connected share.
    OpenPipe(&'a str),
    /// Open the connected share's folder for reading, and ask which rights there are. It is not read.
    OpenFolder,
    /// Send to a pipe and receive its answer.
    Call { pipe: [u8; 16], input: &'a [u8] },
    /// Receive more of a pipe's answer.
    ReadPipe([u8; 16]),
}

/// Numbers of a message's header.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) message: u64,
    pub(crate) session: u64,
    pub(crate) tree: u32,
}

impl Ask<'_> {
    fn command(&self) -> u16 {
        match self {
            Self::Negotiate { .. } => 0,
            Self::SessionSetup(_) => 1,
            Self::TreeConnect(_) => 3,
            Self::OpenPipe(_) | Self::OpenFolder => 5,
            Self::ReadPipe(_) => 8,
            Self::Call { .. } => 11,
        }
    }

    /// The whole message with its length in front.
    pub(crate) fn encode(&self, place: Place) -> Vec<u8> {
        let mut out = b"\xfeSMB".to_vec();
        out.extend([64, 0, 0, 0, 0, 0, 0, 0]);
        out.extend(self.command().to_le_bytes());
        // Credits, no flags, no next command.
        out.extend([32, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.extend(place.message.to_le_bytes());
        out.extend([0; 4]);
        out.extend(place.tree.to_le_bytes());
        out.extend(place.session.to_le_bytes());
        out.extend([0; 16]);
        out.extend(self.body());
        let length = u32::try_from(out.len()).unwrap_or(0).to_be_bytes();
        [&length, out.as_slice()].concat()
    }

    fn body(&self) -> Vec<u8> {
        match self {
            Self::Negotiate { newest } => negotiate(*newest),
            Self::SessionSetup(token) => {
                let mut body = vec![25, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
                body.extend(span(HEADER + 24, token.len()));
                body.extend([0; 8]);
                body.extend_from_slice(token);
                body
            }
            Self::TreeConnect(path) => {
                let path = utf16(path);
                let mut body = vec![9, 0, 0, 0];
                body.extend(span(HEADER + 8, path.len()));
                body.extend(path);
                body
            }
            // FILE_GENERIC_READ and FILE_GENERIC_WRITE, as every client opens the pipe of a service.
            Self::OpenPipe(name) => create(0x0012_019f, 0, &utf16(name), &[]),
            // FILE_LIST_DIRECTORY; FILE_DIRECTORY_FILE.
            Self::OpenFolder => create(MAY_READ, 1, &[], MAXIMAL_ACCESS),
            Self::Call { pipe, input } => {
                let mut body = vec![57, 0, 0, 0];
                // FSCTL_PIPE_TRANSCEIVE.
                body.extend(0x0011_c017_u32.to_le_bytes());
                body.extend(pipe);
                body.extend(long(HEADER + 56));
                body.extend(long(input.len()));
                body.extend([0; 12]);
                body.extend(MOST.to_le_bytes());
                body.extend([1, 0, 0, 0, 0, 0, 0, 0]);
                body.extend_from_slice(input);
                body
            }
            Self::ReadPipe(pipe) => {
                let mut body = vec![49, 0, 0x50, 0];
                body.extend(MOST.to_le_bytes());
                body.extend([0; 8]);
                body.extend(pipe);
                body.extend([0; 17]);
                body
            }
        }
    }
}

/// `SMB2_CREATE_QUERY_MAXIMAL_ACCESS_REQUEST`, the only one of its list.
const MAXIMAL_ACCESS: &[u8] = b"\0\0\0\0\x10\0\x04\0\0\0\0\0\0\0\0\0MxAc\0\0\0\0";

fn long(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(0).to_le_bytes()
}

/// Offset and length, two bytes each.
fn span(at: usize, length: usize) -> [u8; 4] {
    let ([a, b, ..], [c, d, ..]) = (long(at), long(length));
    [a, b, c, d]
}

fn negotiate(newest: bool) -> Vec<u8> {
    let dialects: &[u16] = if newest { &[DIALECT_311] } else { &DIALECTS };
    let mut body = vec![36, 0];
    body.extend(u16::try_from(dialects.len()).unwrap_or(0).to_le_bytes());
    // Signing is possible; no capabilities.
    body.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    body.extend(b"watertight audit");
    if newest {
        // Where the list of contexts begins, and how many there are.
        body.extend(long(HEADER + 40));
        body.extend([1, 0, 0, 0]);
    } else {
        body.extend([0; 8]);
    }
    body.extend(dialects.iter().flat_map(|dialect| dialect.to_le_bytes()));
    if newest {
        // SMB2_PREAUTH_INTEGRITY_CAPABILITIES: SHA-512, 32 bytes of salt.
        body.extend([0, 0, 1, 0, 38, 0, 0, 0, 0, 0, 1, 0, 32, 0, 1, 0]);
        body.extend(b"watertight audit watertight audit");
        body.pop();
    }
    body
}

fn create(access: u32, options: u32, name: &[u8], contexts: &[u8]) -> Vec<u8> {
    let mut body = vec![57, 0, 0, 0];
    // Impersonation; two reserved numbers.
    body.extend([2, 0, 0, 0]);
    body.extend([0; 16]);
    body.extend(access.to_le_bytes());
    body.extend([0; 4]);
    // Shared with everyone; FILE_OPEN: what does not exist is not made.
    body.extend([7, 0, 0, 0, 1, 0, 0, 0]);
    body.extend(options.to_le_bytes());
    body.extend(span(HEADER + 56, name.len()));
    body.extend(if contexts.is_empty() { [0; 4] } else { long(HEADER + 56) });
    body.extend(long(contexts.len()));
    body.extend_from_slice(name);
    body.extend_from_slice(contexts);
    body
}

/// Length of a whole message at the start of `bytes`.
pub(crate) fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let Some([kind, a, b, c]) = array_at(bytes, 0) else { return Ok(None) };
    let length = u32::from_be_bytes([0, a, b, c]) as usize;
    let other = bytes.get(4..8).is_some_and(|start| start != b"\xfeSMB");
    if kind != 0 || !(HEADER..=LARGEST).contains(&length) || other {
        return Err(Error::Malformed(format!("not an SMB 2 message: {}", excerpt(first(bytes)))));
    }
    Ok((bytes.len() >= length + 4).then_some(length + 4))
}

fn first(bytes: &[u8]) -> &[u8] {
    bytes.get(..32).unwrap_or(bytes)
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u32,
    pub(crate) message: u64,
    pub(crate) tree: u32,
    pub(crate) session: u64,
    /// Header and body: offsets count from here.
    whole: Vec<u8>,
}

impl Answer {
    /// Reads a message that [`complete`] found to be whole.
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let whole = message.get(4..)?;
        if !whole.starts_with(b"\xfeSMB") || whole.len() < HEADER {
            return None;
        }
        Some(Self {
            status: u32::from_le_bytes(array_at(whole, 8)?),
            message: u64::from_le_bytes(array_at(whole, 24)?),
            tree: u32::from_le_bytes(array_at(whole, 36)?),
            session: u64::from_le_bytes(array_at(whole, 40)?),
            whole: whole.to_vec(),
        })
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.whole.get(at).copied()
    }

    fn short(&self, at: usize) -> Option<u16> {
        array_at(&self.whole, at).map(u16::from_le_bytes)
    }

    fn long(&self, at: usize) -> Option<u32> {
        array_at(&self.whole, at).map(u32::from_le_bytes)
    }

    fn part(&self, at: usize, length: usize) -> Option<&[u8]> {
        self.whole.get(at..at.checked_add(length)?)
    }

    /// Of NEGOTIATE: the dialect, and whether the server demands signatures.
    pub(crate) fn dialect(&self) -> Option<(u16, bool)> {
        Some((self.short(HEADER + 4)?, self.short(HEADER + 2)? & 2 != 0))
    }

    /// Of SESSION_SETUP: the flags of the session.
    pub(crate) fn session_flags(&self) -> Option<u16> {
        self.short(HEADER + 2)
    }

    /// Of SESSION_SETUP: the next message of the login.
    pub(crate) fn token(&self) -> Option<&[u8]> {
        self.part(usize::from(self.short(HEADER + 4)?), usize::from(self.short(HEADER + 6)?))
    }

    /// Of TREE_CONNECT: the kind of the share, and which rights it grants at most.
    pub(crate) fn share(&self) -> Option<(u8, u32)> {
        Some((self.byte(HEADER + 2)?, self.long(HEADER + 12)?))
    }

    /// Of CREATE: the id of what was opened.
    pub(crate) fn file(&self) -> Option<[u8; 16]> {
        array_at(&self.whole, HEADER + 64)
    }

    /// Of CREATE: which rights there are on what was opened. `None` where the server does not tell.
    pub(crate) fn maximal_access(&self) -> Option<u32> {
        let (mut at, length) = (self.long(HEADER + 80)? as usize, self.long(HEADER + 84)? as usize);
        let list = self.part(at, length)?;
        at = 0;
        // A server sends a handful of them.
        for _ in 0..16 {
            let context = list.get(at..)?;
            let short = |at| array_at(context, at).map(u16::from_le_bytes).map(usize::from);
            let (name_at, name_length) = (short(4)?, short(6)?);
            if context.get(name_at..name_at.checked_add(name_length)?)? == b"MxAc" {
                let data = context.get(short(10)?..)?;
                let status = u32::from_le_bytes(array_at(data, 0)?);
                return (status == SUCCESS).then_some(u32::from_le_bytes(array_at(data, 4)?));
            }
            match u32::from_le_bytes(array_at(context, 0)?) {
                0 => return None,
                next => at = at.checked_add(next as usize)?,
            }
        }
        None
    }

    /// Of a call or a read of a pipe: what the service behind it said.
    pub(crate) fn output(&self) -> Option<&[u8]> {
        match self.short(HEADER)? {
            49 => self.part(self.long(HEADER + 32)? as usize, self.long(HEADER + 36)? as usize),
            17 => self.part(usize::from(self.byte(HEADER + 2)?), self.long(HEADER + 4)? as usize),
            _ => None,
        }
    }
}

/// A status in words: <https://learn.microsoft.com/openspecs/windows_protocols/ms-erref/>.
pub(crate) fn status(code: u32) -> String {
    let name = match code {
        SUCCESS => return "success".to_owned(),
        NOT_SUPPORTED => "not supported",
        0xc000_0022 => "access denied",
        0xc000_006d => "logon failure",
        0xc000_006e => "account restriction",
        0xc000_0072 => "account disabled",
        0xc000_00cc => "no such share",
        _ => return format!("status {code:#010x}"),
    };
    format!("{name} ({code:#010x})")
}

/// A dialect's number in words.
pub(crate) fn dialect_name(dialect: u16) -> String {
    match dialect {
        0x0202 => "2.0.2".to_owned(),
        0x0210 => "2.1".to_owned(),
        0x0300 => "3.0".to_owned(),
        0x0302 => "3.0.2".to_owned(),
        0x0311 => "3.1.1".to_owned(),
        other => format!("{other:#06x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_how_long_it_is() {
        let message = Ask::Negotiate { newest: false }.encode(Place::default());
        assert_eq!(complete(&message).unwrap(), Some(message.len()));
        assert_eq!(complete(&message[..message.len() - 1]).unwrap(), None);
        assert_eq!(complete(&message[..3]).unwrap(), None);
        assert_eq!(message.len(), 4 + HEADER + 36 + 8);
    }

    #[test]
    fn other_protocols_and_absurd_lengths_are_malformed() {
        for bytes in [
            b"HTTP/1.1 400 Bad Request\r\n".as_slice(),
            b"\0\0\0\x44\xffSMBr",
            b"\0\xff\xff\xff\xfeSMB",
            b"\0\0\0\x01\xfeSMB",
            b"\x83\0\0\x01\x82",
        ] {
            assert!(complete(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn the_newest_dialect_has_its_list_where_it_says() {
        let message = Ask::Negotiate { newest: true }.encode(Place::default());
        let at = u32::from_le_bytes(array_at(&message, 4 + HEADER + 28).unwrap()) as usize;
        assert_eq!(at % 8, 0);
        // Type 1, 38 bytes, and nothing behind them.
        assert_eq!(message[4 + at..4 + at + 4], [1, 0, 38, 0]);
        assert_eq!(message.len(), 4 + at + 8 + 38);
    }

    #[test]
    fn the_right_to_write_is_found_in_a_list_of_contexts() {
        let mut whole = vec![0; HEADER + 88];
        whole[..4].copy_from_slice(b"\xfeSMB");
        whole[HEADER + 80] = 152;
        whole[HEADER + 84] = 64;
        let mut context = vec![0_u8; 32];
        context[0] = 32;
        context[4] = 16;
        context[6] = 4;
        context[10] = 24;
        context[16..20].copy_from_slice(b"QFid");
        whole.extend(&context);
        context[0] = 0;
        context[16..20].copy_from_slice(b"MxAc");
        context[28] = 0xff;
        whole.extend(&context);
        let answer = Answer::read(&[&[0; 4], whole.as_slice()].concat()).unwrap();
        assert_eq!(answer.maximal_access(), Some(0xff));
    }

    #[test]
    fn a_list_of_contexts_that_points_to_itself_ends() {
        let mut whole = vec![0; HEADER + 88];
        whole[..4].copy_from_slice(b"\xfeSMB");
        whole[HEADER + 80] = 152;
        whole[HEADER + 84] = 24;
        whole.extend([0xff, 0xff, 0xff, 0xff]);
        whole.extend([0; 20]);
        let answer = Answer::read(&[&[0; 4], whole.as_slice()].concat()).unwrap();
        assert_eq!(answer.maximal_access(), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(mut bytes: Vec<u8>, named: bool) {
            let _ = complete(&bytes);
            if named {
                bytes = [b"\0\0\0\0\xfeSMB".as_slice(), &[0; 60], &bytes].concat();
            }
            if let Some(answer) = Answer::read(&bytes) {
                let _ = (answer.dialect(), answer.session_flags(), answer.token(), answer.share());
                let _ = (answer.file(), answer.maximal_access(), answer.output());
            }
        }
    }
}
