//! Reads a stranger's bytes field by field, in network byte order. Whatever is not there is `None`.

/// What is left to read.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// Bytes after a length of 16 bits; a negative length is none.
    pub(crate) fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.i16()?;
        self.take(usize::try_from(length).unwrap_or(0))
    }

    /// Bytes after a length of 32 bits; a negative length is none.
    pub(crate) fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.i32()?;
        self.take(usize::try_from(length).unwrap_or(0))
    }

    /// How many elements follow, each of at least `least` bytes: a number that cannot be true is `None`. Negative: 0.
    pub(crate) fn elements(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.i32()?).unwrap_or(0);
        (count <= self.left() / least.max(1)).then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_none_and_a_negative_length_is_nothing() {
        assert_eq!(Cursor::new(b"\x00\x03ab").short(), None);
        assert_eq!(Cursor::new(b"\xff\xff").short(), Some(b"".as_slice()));
        assert_eq!(Cursor::new(b"\x00\x00\x00\x01a").long(), Some(b"a".as_slice()));
    }

    #[test]
    fn more_elements_than_bytes_are_not_believed() {
        assert_eq!(Cursor::new(b"\x00\x00\x00\x02abcd").elements(2), Some(2));
        assert_eq!(Cursor::new(b"\x7f\xff\xff\xffabcd").elements(1), None);
        assert_eq!(Cursor::new(b"\xff\xff\xff\xff").elements(1), Some(0));
    }
}
