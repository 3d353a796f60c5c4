//! Where the bytes of a file or member come from.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use bytes::Bytes;

use super::job::{Job, fill};
use super::limits::Cut;

/// The bytes of a file or member.
pub(super) enum Body<'a> {
    /// A file on disk, and its length when it was opened: what is added later is not read.
    File(File, u64),
    /// Bytes in memory.
    Memory(Bytes),
    /// What a pipe or a decompressor gives.
    Stream(&'a mut dyn Read),
}

/// A body that can be read at any place.
pub(super) enum Whole {
    /// On disk.
    File(File, u64),
    /// In memory.
    Memory(Bytes),
}

/// The first bytes of a body, up to `most`, and whether that is all. They are taken from a stream, not from the others.
pub(super) fn head(body: &mut Body<'_>, most: usize) -> (Vec<u8>, bool, Option<io::Error>) {
    match body {
        Body::Memory(bytes) => {
            (bytes.get(..bytes.len().min(most)).unwrap_or_default().to_vec(), bytes.len() <= most, None)
        }
        Body::File(file, length) => {
            let mut head = vec![0; usize::try_from(*length).unwrap_or(usize::MAX).min(most)];
            let (read, error) = fill(&mut At { file: &*file, at: 0, length: *length }, &mut head);
            head.truncate(read);
            (head, *length <= most as u64, error)
        }
        Body::Stream(input) => {
            let mut head = vec![0; most];
            let (read, error) = fill(input, &mut head);
            head.truncate(read);
            (head, read < most, error)
        }
    }
}

/// Reads a file from a place of its own: copies of an open file share the system's.
pub(super) struct At<F> {
    file: F,
    at: u64,
    length: u64,
}

impl<F: Borrow<File>> Read for At<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = into.len().min(left);
        let read = self.file.borrow().read_at(into.get_mut(..most).unwrap_or_default(), self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<F> Seek for At<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl Body<'_> {
    /// Runs `read` with all bytes, `head` being those that were taken from a stream.
    pub(super) fn stream<T>(self, head: &[u8], read: impl FnOnce(&mut dyn Read) -> T) -> T {
        match self {
            Body::File(file, length) => read(&mut At { file, at: 0, length }),
            Body::Memory(bytes) => read(&mut &*bytes),
            Body::Stream(input) => read(&mut head.chain(input)),
        }
    }

    /// All bytes at hand; notes when they are too many to lie in memory.
    pub(super) fn whole(self, job: &mut Job<'_>, name: &str, head: &[u8]) -> Option<Whole> {
        match self {
            Body::File(file, length) => Some(Whole::File(file, length)),
            Body::Memory(bytes) => Some(Whole::Memory(bytes)),
            Body::Stream(_) => {
                let most = job.limits.memory;
                let (bytes, error) = self.stream(head, |input| take(input, most));
                if let Some(error) = error {
                    job.tell_error(name, &error);
                    return None;
                }
                if bytes.len() as u64 > most {
                    job.tell(name, "lies inside an archive or pipe and is too large for memory: unpack it and read the file");
                    return None;
                }
                Some(Whole::Memory(bytes.into()))
            }
        }
    }
}

impl Whole {
    /// How many bytes there are.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// All bytes in memory; notes when they are too many.
    pub(super) fn into_memory(self, job: &mut Job<'_>, name: &str) -> Option<Bytes> {
        let (file, length) = match self {
            Self::Memory(bytes) => return Some(bytes),
            Self::File(file, length) => (file, length),
        };
        if length > job.limits.memory {
            job.tell(name, "is too large for memory, in which a file of this format has to lie: split it or export it as text");
            return None;
        }
        let (bytes, error) = take(&mut At { file: &file, at: 0, length }, length);
        if let Some(error) = error {
            job.tell_error(name, &error);
            return None;
        }
        Some(bytes.into())
    }

    /// Something to read and seek in.
    pub(super) fn seekable(self) -> Seekable {
        match self {
            Self::File(file, length) => {
                Seekable::File(io::BufReader::with_capacity(64 << 10, At { file, at: 0, length }))
            }
            Self::Memory(bytes) => Seekable::Memory(Cursor::new(bytes)),
        }
    }
}

/// Reads up to `most` bytes, and one more to show that there are more.
pub(super) fn take(input: &mut dyn Read, most: u64) -> (Vec<u8>, Option<io::Error>) {
    let mut bytes = Vec::new();
    let error = input.take(most.saturating_add(1)).read_to_end(&mut bytes).err();
    (bytes, error)
}

/// What is left of an input that failed: the error, however often it is asked.
pub(super) struct Fails(Option<io::Error>);

impl Fails {
    /// Without an error it is the end of the input.
    pub(super) fn new(error: Option<io::Error>) -> Self {
        Self(error)
    }
}

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        let Some(error) = &self.0 else { return Ok(0) };
        let cut = error.get_ref().and_then(|inner| inner.downcast_ref::<Cut>());
        Err(match (cut, error.raw_os_error()) {
            (Some(cut), _) => io::Error::other(*cut),
            (None, Some(code)) => io::Error::from_raw_os_error(code),
            (None, None) => error.kind().into(),
        })
    }
}

/// A reader that can seek.
pub(super) enum Seekable {
    File(io::BufReader<At<File>>),
    Memory(Cursor<Bytes>),
}

impl Read for Seekable {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(into),
            Self::Memory(bytes) => bytes.read(into),
        }
    }
}

impl Seek for Seekable {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(bytes) => bytes.seek(to),
        }
    }
}
