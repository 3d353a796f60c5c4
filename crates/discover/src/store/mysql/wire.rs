//! The client's side of the MySQL protocol, as far as a reader needs it: the login, and questions whose rows come as text,
//! one after the other. <https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>,
//! <https://mariadb.com/kb/en/clientserver-protocol/>.
//!
//! The drivers there are dial by themselves, and bring roots of trust of their own; the text protocol needs none of what
//! else they have. What the server could ask a client for (a local file, a second server) is not in here.

use net::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};

/// Longest packet: a row of many values, each of which the server was asked to cut.
const LONGEST: usize = 256 << 20;
/// The largest piece of a packet, after which another one follows.
const PIECE: usize = 0xff_ffff;
/// Bytes taken from the socket at a time.
const BUFFER: usize = 64 << 10;
/// Most columns of an answer.
const COLUMNS: u64 = 8192;

/// What ended a conversation.
#[derive(Debug)]
pub(super) enum WireError {
    /// The connection.
    Io(std::io::Error),
    /// The server says an error, of which only the number is kept: its text may quote values.
    Server(u16),
    /// The server says what no MySQL says here.
    Malformed(&'static str),
}

impl From<std::io::Error> for WireError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// A connection.
pub(super) struct Wire {
    stream: BufReader<Stream>,
    sequence: u8,
    packet: Vec<u8>,
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream: BufReader::with_capacity(BUFFER, stream), sequence: 0, packet: Vec::new() }
    }

    /// The stream, to start TLS on it. What a stranger sent ahead of the handshake must not pass for the server's words in it.
    pub(super) fn into_stream(self) -> Result<Stream, WireError> {
        if self.stream.buffer().is_empty() {
            Ok(self.stream.into_inner())
        } else {
            Err(WireError::Malformed("words before the TLS handshake"))
        }
    }

    /// Goes on over another stream.
    pub(super) fn resume(stream: Stream, sequence: u8) -> Self {
        Self { sequence, ..Self::new(stream) }
    }

    pub(super) fn sequence(&self) -> u8 {
        self.sequence
    }

    pub(super) fn is_tls(&self) -> bool {
        self.stream.get_ref().is_tls()
    }

    /// Receives a packet; an error of the server's is an error.
    pub(super) async fn receive(&mut self) -> Result<&[u8], WireError> {
        self.packet.clear();
        loop {
            let mut head = [0; 4];
            self.stream.read_exact(&mut head).await?;
            let [low, middle, high, sequence] = head;
            if sequence != self.sequence {
                return Err(WireError::Malformed("packets out of order"));
            }
            self.sequence = self.sequence.wrapping_add(1);
            let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
            if self.packet.len().saturating_add(length) > LONGEST {
                return Err(WireError::Malformed("a packet longer than any that was asked for"));
            }
            // Reserved as it comes, so that a length alone costs nothing.
            let piece = (&mut self.stream).take(length as u64).read_to_end(&mut self.packet).await?;
            if piece < length {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
            }
            if length < PIECE {
                break;
            }
        }
        match self.packet.as_slice() {
            [0xff, low, high, ..] => Err(WireError::Server(u16::from_le_bytes([*low, *high]))),
            packet => Ok(packet),
        }
    }

    /// Sends a packet.
    pub(super) async fn send(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let length = u32::try_from(payload.len()).ok().filter(|length| (*length as usize) < PIECE);
        let length = length.ok_or(WireError::Malformed("a question that is too long"))?;
        let mut packet = length.to_le_bytes().get(..3).unwrap_or_default().to_vec();
        packet.push(self.sequence);
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(&packet).await?;
        Ok(self.stream.flush().await?)
    }

    /// Asks whether the server is there.
    pub(super) async fn ping(&mut self) -> Result<(), WireError> {
        const PING: u8 = 14;
        self.sequence = 0;
        self.send(&[PING]).await?;
        self.receive().await.map(drop)
    }

    /// Asks, and shows `row` the fields of each row until it wants no more; a null is `None`. Whether all came; after "no"
    /// the connection holds the rest of the answer and must be closed.
    pub(super) async fn query(
        &mut self,
        statement: &str,
        mut row: impl FnMut(&mut dyn Iterator<Item = Option<&[u8]>>) -> bool,
    ) -> Result<bool, WireError> {
        const QUERY: u8 = 3;
        self.sequence = 0;
        self.send(&[&[QUERY], statement.as_bytes()].concat()).await?;
        let columns = match self.receive().await? {
            [0, ..] => return Ok(true),
            [0xfb, ..] => return Err(WireError::Malformed("the server asks for a file of this machine")),
            head => Fields(head).number().filter(|columns| *columns <= COLUMNS),
        };
        let columns = columns.ok_or(WireError::Malformed("too many columns"))?;
        for _ in 0..columns {
            self.receive().await?;
        }
        if !is_end(self.receive().await?) {
            return Err(WireError::Malformed("no end of the columns"));
        }
        loop {
            let packet = self.receive().await?;
            if is_end(packet) {
                return Ok(true);
            }
            let mut fields = Row { fields: Fields(packet), left: columns, broken: false };
            let go_on = row(&mut fields);
            fields.by_ref().for_each(drop);
            if fields.broken {
                return Err(WireError::Malformed("a row that is cut off"));
            }
            if !go_on {
                return Ok(false);
            }
        }
    }
}

/// An EOF packet, which a row cannot be: a row that begins with 254 is longer than 16 MiB.
fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&0xfe) && packet.len() < 9
}

/// The fields of a row.
struct Row<'p> {
    fields: Fields<'p>,
    left: u64,
    broken: bool,
}

impl<'p> Iterator for Row<'p> {
    type Item = Option<&'p [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let field = self.fields.text();
        if field.is_none() {
            self.broken = true;
            self.left = 0;
        }
        field
    }
}

/// Takes a packet apart.
pub(super) struct Fields<'p>(pub(super) &'p [u8]);

impl<'p> Fields<'p> {
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'p [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    fn little_endian(&mut self, count: usize) -> Option<u64> {
        Some(self.bytes(count)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn short(&mut self) -> Option<u16> {
        self.little_endian(2).and_then(|number| u16::try_from(number).ok())
    }

    /// Up to a zero byte, which is taken, too; or all there is.
    pub(super) fn until_zero(&mut self) -> &'p [u8] {
        let end = memchr::memchr(0, self.0).unwrap_or(self.0.len());
        let head = self.bytes(end).unwrap_or_default();
        self.byte();
        head
    }

    /// A number of variable length.
    fn number(&mut self) -> Option<u64> {
        match self.byte()? {
            0xfc => self.little_endian(2),
            0xfd => self.little_endian(3),
            0xfe => self.little_endian(8),
            0xfb | 0xff => None,
            small => Some(u64::from(small)),
        }
    }

    /// A text of variable length, or a null.
    fn text(&mut self) -> Option<Option<&'p [u8]>> {
        if self.0.first() == Some(&0xfb) {
            self.byte();
            return Some(None);
        }
        let length = usize::try_from(self.number()?).ok()?;
        self.bytes(length).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(packet: &[u8], columns: u64) -> Option<Vec<Option<&[u8]>>> {
        let mut row = Row { fields: Fields(packet), left: columns, broken: false };
        let fields = row.by_ref().collect();
        (!row.broken).then_some(fields)
    }

    #[test]
    fn a_row_is_taken_apart() {
        assert_eq!(row(b"\x01a\xfb\x00", 3), Some(vec![Some(&b"a"[..]), None, Some(b"")]));
        let long = [&[0xfc, 4, 1][..], &[b'x'; 260]].concat();
        assert_eq!(row(&long, 1), Some(vec![Some(&[b'x'; 260][..])]));
        assert_eq!(row(b"\x05ab", 1), None);
        assert_eq!(row(b"\x01a", 2), None);
        assert_eq!(row(b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 1), None);
    }

    proptest::proptest! {
        #[test]
        fn any_packet_is_taken_apart_without_panic(packet: Vec<u8>, columns in 0..20u64) {
            let _ = row(&packet, columns);
            let mut fields = Fields(&packet);
            fields.until_zero();
            let _ = fields.number();
        }
    }
}
