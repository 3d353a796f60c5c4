//! How much is read, and what has been spent of it. Archives and documents are strangers' bytes: a few kilobytes can
//! unpack to petabytes (<https://www.bamsoftware.com/hacks/zipbomb/>), so everything that unpacks counts here.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};

/// Bounds of reading files. What they cut off is told as not read.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes that may be unpacked out of one file, everything that is nested in it taken together.
    pub unpacked_per_file: u64,
    /// Bytes that may be unpacked in all.
    pub unpacked_in_all: u64,
    /// How many times larger than itself a file may become. Text rarely shrinks to less than a hundredth; a bomb of
    /// deflate reaches 1032 in one layer.
    pub ratio: u64,
    /// Unpacked bytes up to which the ratio does not matter.
    pub ratio_floor: u64,
    /// Archives inside archives; 1 is an archive with plain files in it.
    pub depth: usize,
    /// Members of all archives within one file.
    pub members: u64,
    /// Bytes of one record: a line of NDJSON, a record of CSV, an element of a JSON array, a row of a dump. A longer one
    /// is read as text, in pieces, without its columns.
    pub longest_record: usize,
    /// Bytes of a file that has to lie in memory as a whole: a PDF or spreadsheet, and within an archive or a pipe also a
    /// zip archive, Parquet or SQLite file.
    pub memory: u64,
    /// Structured files (CSV, JSON, XML, SQL) up to this many bytes are given as text, too, so that secrets in them have
    /// a line.
    pub text_too: u64,
    /// Entries of one directory.
    pub directory_entries: usize,
    /// Directories inside directories.
    pub directory_depth: usize,
    /// Lines in the ledger for files of one sort that hold no text (images, programs): the rest is counted.
    pub told_per_sort: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_per_file: 1 << 40,
            unpacked_in_all: 8 << 40,
            ratio: 300,
            ratio_floor: 256 << 20,
            depth: 8,
            members: 1_000_000,
            longest_record: 16 << 20,
            memory: 256 << 20,
            text_too: 4 << 20,
            directory_entries: 1_000_000,
            directory_depth: 128,
            told_per_sort: 100,
        }
    }
}

/// What has been spent. `Cell`s: the readers of nested archives lie inside one another, and all of them count.
#[derive(Debug, Default)]
pub(super) struct Spent {
    in_all: Cell<u64>,
    of_file: Cell<u64>,
    /// Bytes of the outermost file that were read, or its size where that is known.
    outer: Cell<u64>,
    members: Cell<u64>,
    parts: Cell<u64>,
    cut: Cell<Option<Cut>>,
}

/// Which bound was hit: the whole outermost file ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Ratio,
    PerFile,
    InAll,
    Members,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ratio => {
                "unpacks to far more than its own size, as a decompression bomb does: the rest of it is not read; \
                 unpack it by hand if you trust it"
            }
            Self::PerFile => "unpacks to more than one file may: the rest of it is not read; unpack it and read the files",
            Self::InAll => "more was unpacked in all than a run may: the rest of it is not read; read it in a run of its own",
            Self::Members => "holds more members than one file may: the rest of it is not read; unpack it and read the files",
        })
    }
}

impl std::error::Error for Cut {}

impl Spent {
    /// A new outermost file begins; `size` where it is known, else 0 and [`Spent::outer_read`] as it is read.
    pub(super) fn begin_file(&self, size: u64) {
        self.of_file.set(0);
        self.members.set(0);
        self.outer.set(size);
        self.cut.set(None);
    }

    /// More of the outermost file was read, whose size is not known.
    pub(super) fn outer_read(&self, bytes: u64) {
        self.outer.set(self.outer.get().saturating_add(bytes));
    }

    /// Another member of an archive.
    pub(super) fn member(&self, limits: &Limits) -> Result<(), Cut> {
        self.members.set(self.members.get() + 1);
        if self.members.get() > limits.members { Err(self.cut_at(Cut::Members)) } else { Ok(()) }
    }

    /// Rows begin to come.
    pub(super) fn begin_part(&self) {
        self.parts.set(self.parts.get() + 1);
    }

    /// How often rows began to come.
    pub(super) fn parts(&self) -> u64 {
        self.parts.get()
    }

    /// More was unpacked.
    pub(super) fn unpacked(&self, bytes: u64, limits: &Limits) -> Result<(), Cut> {
        let of_file = self.of_file.get().saturating_add(bytes);
        let in_all = self.in_all.get().saturating_add(bytes);
        self.of_file.set(of_file);
        self.in_all.set(in_all);
        if of_file > limits.ratio_floor && of_file / limits.ratio.max(1) > self.outer.get() {
            Err(self.cut_at(Cut::Ratio))
        } else if of_file > limits.unpacked_per_file {
            Err(self.cut_at(Cut::PerFile))
        } else if in_all > limits.unpacked_in_all {
            Err(self.cut_at(Cut::InAll))
        } else {
            Ok(())
        }
    }

    /// Which bound the present outermost file has hit.
    pub(super) fn cut(&self) -> Option<Cut> {
        self.cut.get()
    }

    /// The same, and forgets it.
    pub(super) fn take_cut(&self) -> Option<Cut> {
        self.cut.take()
    }

    fn cut_at(&self, cut: Cut) -> Cut {
        let first = self.cut.get().unwrap_or(cut);
        self.cut.set(Some(first));
        first
    }
}

/// Counts what a decompressor gives.
pub(super) struct Unpacked<'a, R> {
    pub(super) inner: R,
    pub(super) spent: &'a Spent,
    pub(super) limits: &'a Limits,
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(cut) = self.spent.cut() {
            return Err(io::Error::other(cut));
        }
        let read = self.inner.read(into)?;
        self.spent.unpacked(read as u64, self.limits).map_err(io::Error::other)?;
        Ok(read)
    }
}

/// Counts what is read of an outermost file whose size is not known.
pub(super) struct Outer<'a, R> {
    pub(super) inner: R,
    pub(super) spent: &'a Spent,
}

impl<R: Read> Read for Outer<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.spent.outer_read(read as u64);
        Ok(read)
    }
}

/// Why reading failed, in words of our own: a library's message may quote what it read.
pub(super) fn why(error: &io::Error) -> String {
    if let Some(cut) = error.get_ref().and_then(|inner| inner.downcast_ref::<Cut>()) {
        return cut.to_string();
    }
    if let Some(code) = error.raw_os_error() {
        let system = io::Error::from_raw_os_error(code);
        return match system.kind() {
            io::ErrorKind::PermissionDenied => {
                format!("{system}: run as a user who may read it, or give this one the right to")
            }
            io::ErrorKind::NotFound => format!("{system}: it went away before it was read; run again"),
            _ => format!("{system}: see what the system's log says about the disk, then run again"),
        };
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            "it ends in the middle: it was cut short or is still being written; get a whole copy of it"
                .to_owned()
        }
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            "it is damaged from here on; get a whole copy of it".to_owned()
        }
        io::ErrorKind::Unsupported => {
            "it is packed in a way that is not understood; unpack it and read the files".to_owned()
        }
        io::ErrorKind::OutOfMemory => {
            "it asks for more memory than a file may; unpack it and read the files".to_owned()
        }
        kind => format!("it cannot be read ({kind}); get a whole copy of it"),
    }
}
