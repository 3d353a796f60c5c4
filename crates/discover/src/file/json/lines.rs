//! NDJSON (<https://github.com/ndjson/ndjson-spec>): a value a line, in memory that does not grow with the input.

use std::io::{self, Read};

use memchr::{memchr, memrchr};

use super::super::block::{BLOCK, Block, Next, Table, pump};
use super::super::decode::Utf8;
use super::super::job::{Job, fill};
use super::super::text::cut;
use super::split::Splitter;

/// Reads lines of JSON as the rows of one part. `head` are the first bytes of `input`, which gives them again.
pub(crate) fn read(job: &mut Job<'_>, name: &str, head: &[u8], input: &mut dyn Read) {
    let part = job.part(name);
    let mut table = Table::new(name, part);
    let mut input = Utf8::new(input, head);
    let mut lines = Lines::new(job.longest());
    let is_whole = pump(job.sink, &mut table, &mut |block| lines.next(&mut input, block));
    if let Some(error) = &lines.error {
        job.tell_error(name, error);
    }
    if let Some(at) = input.broken_at() {
        job.mention(
            name,
            format!("has bytes that are no text, the first at {at}: what is around them was read"),
        );
    }
    lines.tell(job, name);
    if !is_whole {
        job.is_over(name);
    } else if lines.error.is_none() && lines.long.is_none() {
        job.sink.rows(part, table.rows());
    }
}

/// Cuts what is read into lines and lines into cells.
struct Lines {
    splitter: Splitter,
    longest: usize,
    /// The beginning of a line at the end of the last block.
    carry: Vec<u8>,
    /// The number of the line that the next block begins with.
    line: u64,
    /// Within a line that is too long for a row.
    in_long: bool,
    odd: Option<(u64, u64)>,
    long: Option<(u64, u64)>,
    error: Option<io::Error>,
}

impl Lines {
    fn new(longest: usize) -> Self {
        Self {
            splitter: Splitter::default(),
            longest,
            carry: Vec::new(),
            line: 1,
            in_long: false,
            odd: None,
            long: None,
            error: None,
        }
    }

    fn next(&mut self, input: &mut dyn Read, block: &mut Block) -> Next {
        let (filled, is_last) = self.fill(input, block);
        let bytes = block.bytes.get(..filled).unwrap_or_default();
        let mut lines_end = match memrchr(b'\n', bytes) {
            _ if is_last => filled,
            Some(newline) => newline + 1,
            None => 0,
        };
        let mut at = 0;
        if self.in_long {
            at = self.rest_of_long(block, filled, is_last);
            if self.in_long {
                lines_end = at;
            }
        } else if lines_end == 0 && filled > 0 {
            // `fill` took as much as a record may have, and the line goes on.
            note(&mut self.long, self.line);
            self.in_long = true;
            lines_end = cut(bytes);
            block.texts.push((self.line, 0..lines_end));
            at = lines_end;
        }
        while at < lines_end {
            let rest = block.bytes.get(at..lines_end).unwrap_or_default();
            let newline = memchr(b'\n', rest);
            let end = at + newline.unwrap_or(rest.len());
            self.row(block, at, end);
            self.line += u64::from(newline.is_some());
            at = end + 1;
        }
        self.carry.clear();
        self.carry.extend_from_slice(block.bytes.get(lines_end.min(filled)..filled).unwrap_or_default());
        if is_last { Next::End } else { Next::More }
    }

    /// Fills the block behind what was carried over: at least to the end of a line, unless it is too long. How many
    /// bytes, and whether these are the last.
    fn fill(&mut self, input: &mut dyn Read, block: &mut Block) -> (usize, bool) {
        let mut from = self.carry.len();
        let mut size = BLOCK.min(self.longest).max(from * 2);
        // A block that comes back keeps its bytes: they are overwritten, not zeroed.
        block.bytes.resize(size, 0);
        if let Some(front) = block.bytes.get_mut(..from) {
            front.copy_from_slice(&self.carry);
        }
        loop {
            let (read, error) = fill(input, block.bytes.get_mut(from..).unwrap_or_default());
            let filled = from + read;
            let is_last = filled < size;
            self.error = error;
            let has_line =
                self.in_long || memchr(b'\n', block.bytes.get(from..filled).unwrap_or_default()).is_some();
            if is_last || has_line || size >= self.longest {
                block.bytes.truncate(filled);
                return (filled, is_last);
            }
            from = filled;
            size = (size * 2).min(self.longest);
            block.bytes.resize(size, 0);
        }
    }

    /// Gives more of a line that is too long as text. Where the next line begins, or the part that is carried over.
    fn rest_of_long(&mut self, block: &mut Block, filled: usize, is_last: bool) -> usize {
        let bytes = block.bytes.get(..filled).unwrap_or_default();
        let newline = memchr(b'\n', bytes);
        let end = newline.unwrap_or_else(|| if is_last { filled } else { cut(bytes) });
        block.texts.push((self.line, 0..end));
        if newline.is_none() {
            return end;
        }
        self.in_long = false;
        self.line += 1;
        end + 1
    }

    fn row(&mut self, block: &mut Block, start: usize, end: usize) {
        if block.bytes.get(start..end).unwrap_or_default().trim_ascii().is_empty() {
            return;
        }
        match self.splitter.split(block, start, end) {
            Ok(()) => block.end_row(),
            Err(_) => {
                note(&mut self.odd, self.line);
                block.texts.push((self.line, start..end));
            }
        }
    }

    fn tell(&self, job: &mut Job<'_>, name: &str) {
        if let Some((count, first)) = self.odd {
            job.mention(
                name,
                format!("{count} lines are not JSON, the first is line {first}: they were read as text"),
            );
        }
        if let Some((count, first)) = self.long {
            let why = format!(
                "{count} lines are too long for a row, the first is line {first}: they were read as text"
            );
            job.tell(name, why);
        }
    }
}

fn note(seen: &mut Option<(u64, u64)>, line: u64) {
    match seen {
        Some((count, _)) => *count += 1,
        None => *seen = Some((1, line)),
    }
}
