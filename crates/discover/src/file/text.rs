//! Text and source code: whole lines with their numbers.

use std::io::Read;

use memchr::{memchr_iter, memrchr};

use super::block::BLOCK;
use super::decode::Utf8;
use super::job::{Job, fill};

/// Bytes at the end of a piece of an endless line in which a good place to cut is looked for.
const SEARCH: usize = 4096;

/// Reads a text, in pieces of whole lines; a line that is longer than a piece is cut between words. `head` are the first
/// bytes of `input`, which gives them again.
pub(super) fn read(job: &mut Job<'_>, name: &str, head: &[u8], input: &mut dyn Read) {
    let mut input = Utf8::new(input, head);
    let mut buffer = vec![0; BLOCK];
    let (mut kept, mut line) = (0, 1);
    loop {
        let (read, error) = fill(&mut input, buffer.get_mut(kept..).unwrap_or_default());
        let filled = kept + read;
        let bytes = buffer.get(..filled).unwrap_or_default();
        let is_last = filled < BLOCK;
        let end = match memrchr(b'\n', bytes) {
            _ if is_last => filled,
            Some(newline) => newline + 1,
            None => cut(bytes),
        };
        let piece = bytes.get(..end).unwrap_or_default();
        if !piece.is_empty() {
            job.text(name, line, piece);
        }
        line += memchr_iter(b'\n', piece).count() as u64;
        if let Some(error) = error {
            job.tell_error(name, &error);
        }
        if is_last {
            break;
        }
        if job.is_over(name) {
            return;
        }
        buffer.copy_within(end..filled, 0);
        kept = filled - end;
    }
    if let Some(at) = input.broken_at() {
        job.mention(
            name,
            format!("has bytes that are no text, the first at {at}: what is around them was read"),
        );
    }
}

/// Where to cut a line that does not end: behind the last byte that belongs to no word and no letter of several bytes.
pub(super) fn cut(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(SEARCH);
    let end = bytes.get(from..).unwrap_or_default();
    let place = end.iter().rposition(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric());
    if let Some(place) = place {
        return from + place + 1;
    }
    let letter = end.iter().rposition(|byte| byte.is_ascii() || *byte >= 0xc0);
    letter.map_or(bytes.len(), |place| if place == 0 && from == 0 { bytes.len() } else { from + place })
}
