//! What is known about a scroll while its pages come: how many documents, which of them could not be read, and whether the
//! server tells the truth.

use std::hash::{DefaultHasher, Hasher as _};

use serde_json::Value;

use super::hit;
use super::hits::{Bad, Found, Splitter};
use super::kind;
use crate::store::StoreError;
use crate::store::rows::Rows;

/// A scroll.
pub(super) struct Scan {
    enough: Option<u64>,
    /// How many documents there are, by the count before, then by the scroll's own.
    total: u64,
    seen: u64,
    stopped: bool,
    without_source: u64,
    unreadable: u64,
    too_long: u64,
    timed_out: bool,
    /// Shards that failed, of how many, and why.
    failed: Option<(u64, u64, String)>,
    last_page: Option<u64>,
    pages: u64,
    /// Documents in a page.
    page: u64,
    /// The page that comes is not the last.
    kept: bool,
}

impl Scan {
    pub(super) fn new(enough: Option<u64>, total: u64, page: u64, kept: bool) -> Self {
        Self {
            enough,
            total,
            seen: 0,
            stopped: false,
            without_source: 0,
            unreadable: 0,
            too_long: 0,
            timed_out: false,
            failed: None,
            last_page: None,
            pages: 0,
            page,
            kept,
        }
    }

    /// Whether, after the page that is asked for next, others are to follow.
    pub(super) fn goes_on(&mut self) -> bool {
        let wanted = self.enough.unwrap_or(u64::MAX).min(self.total);
        self.kept = wanted.saturating_sub(self.seen) > self.page;
        self.kept
    }

    /// Whether every document was read.
    pub(super) fn is_whole(&self) -> bool {
        self.enough.is_none() && !self.stopped && self.seen >= self.total && self.failed.is_none()
    }

    /// Begins a page.
    pub(super) fn page(&mut self) -> Page<'_> {
        Page { scan: self, splitter: Splitter::new(), digest: DefaultHasher::new() }
    }

    fn has_enough(&self) -> bool {
        self.stopped || self.enough.is_some_and(|enough| self.seen >= enough)
    }

    fn take(&mut self, found: Found<'_>, rows: &mut Rows<'_>) {
        if self.has_enough() {
            return;
        }
        self.seen += 1;
        match found {
            Found::TooLong => self.too_long += 1,
            Found::Whole(json) => match hit::read(json, rows) {
                Err(_) => self.unreadable += 1,
                Ok(source) => {
                    self.without_source += u64::from(!source);
                    self.stopped = !rows.end_row();
                }
            },
        }
    }

    /// Notes what of the index was not read. `ended`: the scroll came to its end.
    pub(super) fn tell(&self, rows: &mut Rows<'_>, ended: bool) {
        let Self { seen, total, .. } = self;
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                rows.not_read("", format!("{count} documents {what}"), false);
            }
        };
        note(self.without_source, "come without their content: the mapping turns `_source` off");
        note(self.unreadable, "are no JSON that can be read, or nested too deeply");
        note(self.too_long, "are longer than 16 MiB");
        if let Some((failed, shards, why)) = &self.failed {
            let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
            rows.not_read("", format!("{failed} of {shards} shards failed{why}"), false);
        }
        if self.timed_out {
            rows.not_read("", "the cluster ended the search before it was done", false);
        }
        if self.stopped {
            rows.not_read("", format!("reading was stopped after {seen} of {total} documents"), false);
        } else if ended && self.enough.is_none() && seen < total && self.failed.is_none() {
            rows.not_read("", format!("{} of {total} documents did not come", total - seen), false);
        }
    }
}

/// A page of a scroll.
pub(super) struct Page<'s> {
    scan: &'s mut Scan,
    splitter: Splitter,
    digest: DefaultHasher,
}

impl Page<'_> {
    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], rows: &mut Rows<'_>) -> Result<(), StoreError> {
        let Self { scan, splitter, digest } = self;
        let fed = splitter.feed(bytes, &mut |found| {
            if let Found::Whole(json) = found {
                digest.write(json);
            }
            scan.take(found, rows);
        });
        fed.map_err(bad)
    }

    /// Whether nothing more is wanted of it.
    pub(super) fn is_stopped(&self) -> bool {
        self.scan.stopped
    }

    /// Ends it: the handle of the next page, if one is wanted.
    pub(super) fn end(self) -> Result<Option<String>, StoreError> {
        let Self { scan, splitter, digest } = self;
        if scan.stopped {
            return Ok(None);
        }
        let hits = splitter.count;
        let rest = splitter.finish().map_err(bad)?;
        if rest.get("error").is_some() {
            return Err(StoreError::Answer(format!(
                "the cluster says {} in a page",
                kind(rest.pointer("/error/type"))
            )));
        }
        scan.note(&rest);
        scan.pages += 1;
        if scan.seen > scan.total {
            return Err(StoreError::Answer("the server sends more documents than it has".to_owned()));
        }
        if hits == 0 || scan.has_enough() || !scan.kept {
            return Ok(None);
        }
        let digest = digest.finish();
        if scan.last_page.replace(digest) == Some(digest) {
            return Err(StoreError::Answer("the server sends the same page again and again".to_owned()));
        }
        match rest.get("_scroll_id").and_then(Value::as_str) {
            Some(scroll) => Ok(Some(scroll.to_owned())),
            None => Err(StoreError::Answer("a page came without the handle of the next".to_owned())),
        }
    }
}

impl Scan {
    fn note(&mut self, rest: &Value) {
        self.timed_out |= rest.get("timed_out").and_then(Value::as_bool) == Some(true);
        let number = |pointer: &str| rest.pointer(pointer).and_then(Value::as_u64);
        let counted = rest.pointer("/hits/total/relation").and_then(Value::as_str) != Some("gte");
        if self.pages == 0 && counted {
            // Documents may have come since they were counted; a search sees one state.
            let total = number("/hits/total").or_else(|| number("/hits/total/value"));
            self.total = total.unwrap_or(self.total);
        }
        if let Some(failed) = number("/_shards/failed").filter(|failed| *failed > 0) {
            let why = kind(rest.pointer("/_shards/failures/0/reason/type"));
            self.failed = Some((failed, number("/_shards/total").unwrap_or(failed), why));
        }
    }
}

fn bad(bad: Bad) -> StoreError {
    let what = match bad {
        Bad::Half => "a page ends in the middle",
        Bad::NotJson => "a page is no JSON",
        Bad::TooLong => "a page has a megabyte and more beside its documents",
    };
    StoreError::Answer(what.to_owned())
}
