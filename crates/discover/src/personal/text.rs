//! Values in a text. A pass over blocks of 64 bytes finds places where a value may be, by bit operations on the classes
//! of its bytes ([`classify`], [`super::place`]); what stands there is then looked at byte by byte. The first pass may say too much,
//! never too little: a test holds that it changes no result.
//!
//! Boundaries are changes of class, not of words: Chinese characters may stand on both sides.

use super::classify::{self, BLOCK, BLOCKS};
use super::pack::TextRule;
use super::place::Places;
use super::reading::Reading;
use super::run::{Cluster, Group, Joined};
use super::shape::{LONGEST, separator_code};
use super::table::Entry;
use super::validate::Check;
use super::{Found, Recogniser, form, token};

/// The bit of a plus among the separators of an entry.
const PLUS: u8 = 1 << 6;
/// The bits of both brackets.
const BRACKETS: u8 = 0b11 << 4;

impl Recogniser {
    /// Calls `found` for every value in a text. A kind whose values prove little is told only with a context word near
    /// it; of the kinds that a value may be, the likeliest is told.
    pub fn text(&self, text: &[u8], found: &mut dyn FnMut(Found)) {
        let mut reading = Reading::new(self, text, found);
        let mut state = Default::default();
        let mut places = [Places::default(); BLOCKS];
        let (whole, rest) = text.as_chunks::<BLOCK>();
        let mut start = 0;
        for chunk in whole.chunks(BLOCKS) {
            classify::places(self.level, chunk, &mut places, &mut state);
            for places in places.iter().take(chunk.len()) {
                reading.block(places, start);
                start += BLOCK;
            }
        }
        let mut last = [b'\n'; BLOCK];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        classify::places(self.level, &[last, [b'\n'; BLOCK]], &mut places, &mut state);
        for places in places.iter().take(2) {
            reading.block(places, start);
            start += BLOCK;
        }
    }
}

#[cfg(test)]
impl Recogniser {
    /// The same without a first pass: every place is looked at.
    pub(super) fn text_everywhere(&self, text: &[u8], found: &mut dyn FnMut(Found)) {
        let mut reading = Reading::new(self, text, found);
        for at in 0..text.len() {
            let run_starts = at == 0 || !text[at - 1].is_ascii_digit();
            let places = Places {
                digits: 0,
                words: 0,
                runs: u64::from(text[at].is_ascii_digit() && run_starts),
                others: u64::from(!text[at].is_ascii_digit() || run_starts),
            };
            reading.block(&places, at + BLOCK);
        }
    }
}

impl Reading<'_, '_, '_> {
    /// Looks at the places in the block before the one that begins at `start`: that is what [`classify::places`] gives.
    #[inline]
    fn block(&mut self, places: &Places, start: usize) {
        let start = start.wrapping_sub(BLOCK);
        let mut all = places.runs | places.others;
        while all != 0 {
            let bit = all.trailing_zeros();
            let at = start + bit as usize;
            all &= all - 1;
            if places.others >> bit & 1 == 1 {
                self.other(at);
            }
            if places.runs >> bit & 1 == 0 || at < self.done || at >= self.text.len() {
                continue;
            }
            match places.group(bit, start).filter(|group| group.start >= self.done) {
                Some(group) if group.is_plain(self.text) => {
                    self.clean_number(group.start, group.end);
                    self.done = group.end;
                }
                Some(group) if group.is_name(self.text) => self.done = group.end,
                Some(group) => self.run(group),
                None => self.run(Group::around(self.text, at, self.done)),
            }
            // What stands in the run needs no other look.
            let rest = u32::try_from(self.done.saturating_sub(start)).unwrap_or(u32::MAX);
            all &= u64::MAX.checked_shl(rest).unwrap_or(0) | places.others;
        }
    }

    /// What is left of a run behind a value that was told already.
    fn run_behind(&mut self) {
        let joined = self.text.get(self.done).is_some_and(|&byte| separator_code(byte) != 0);
        if joined && self.text.get(self.done + 1).is_some_and(u8::is_ascii_digit) {
            self.run(Group::around(self.text, self.done + 1, self.done));
        }
    }

    /// What is no run of digits and letters.
    fn other(&mut self, at: usize) {
        let text = self.text;
        let kinds = &self.recogniser.in_text;
        match text.get(at) {
            Some(b'@') => self.formed(kinds.email, form::email_at(text, at)),
            Some(b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z') => {
                let hardware = form::mac_at(text, at);
                if hardware.is_some() {
                    self.formed(kinds.mac, hardware);
                } else {
                    self.formed(kinds.plate, form::plate_at(text, at));
                }
            }
            Some(b':') => {
                if let (Some(kind), Some((start, end, check))) = (kinds.ip, form::ipv6_at(text, at)) {
                    let alone = text.get(start..end).is_some_and(form::is_full_ipv6);
                    let rule = if alone { TextRule::Alone } else { TextRule::Context };
                    self.formed_by(kind, rule, (start, end, check));
                }
            }
            Some(b'+') => self.phone(at),
            Some(0x80..) => self.wide(at),
            _ => {}
        }
    }

    /// Everything in the groups around `group`.
    fn run(&mut self, mut group: Group) {
        while let Some(last) = group.day(self.text) {
            self.done = self.done.max(last);
            group = Group::around(self.text, last, last);
        }
        let bracket = group.start.checked_sub(1).and_then(|before| self.text.get(before)) == Some(&b')');
        if !bracket && group.is_alone(self.text, self.done) {
            self.single(&group);
            self.done = self.done.max(group.end);
            return;
        }
        let mut cluster = self.cluster.take().unwrap_or_default();
        cluster.fill(self.text, group, self.done);
        self.cluster(&cluster);
        while cluster.go_on(self.text) {
            self.cluster(&cluster);
        }
        self.cluster = Some(cluster);
    }

    /// An address of the internet protocol that begins with `group`: one that is known needs no word before it.
    fn ipv4(&mut self, group: &Group) -> bool {
        if group.letters || group.length() > 3 || self.text.get(group.end) != Some(&b'.') {
            return false;
        }
        let (Some(kind), Some(address)) = (self.recogniser.in_text.ip, form::ipv4_at(self.text, group.start))
        else {
            return false;
        };
        self.formed_by(kind, TextRule::Known, address)
    }

    fn cluster(&mut self, cluster: &Cluster) {
        let groups = cluster.groups();
        let mut first = self.area(cluster);
        while let Some(group) = groups.get(first).filter(|_| first < cluster.reach()) {
            let begins = cluster.begins(first);
            let last = if begins && self.ipv4(group) { Some(first + 3) } else { None };
            let last = last.or_else(|| if begins { self.longest(cluster, group, first) } else { None });
            let last = last.or_else(|| if begins { self.national(cluster, first) } else { None });
            first = last.unwrap_or(first) + 1;
        }
        // What follows the last digit may begin the next value.
        let end =
            groups.iter().take(cluster.reach()).rposition(|group| group.digits).and_then(|at| groups.get(at));
        let end = end.or(groups.first()).map_or(0, |group| group.end);
        self.done = self.done.max(end);
    }

    /// Tells the longest value that begins with `group`, and returns its last group.
    fn longest(&mut self, cluster: &Cluster, group: &Group, first: usize) -> Option<usize> {
        if cluster.pair(first).is_some_and(|key| self.recogniser.splits.may_begin(key)) {
            for (last, key) in cluster.values(first) {
                let end = cluster.groups().get(last)?.end;
                if self.split(group.start, end, key) {
                    return Some(last);
                }
            }
        }
        (cluster.ends(first) && self.single(group)).then_some(first)
    }

    /// Groups that a word says to be a phone number, however its country splits them: no list of splits is long enough.
    /// Returns the last group.
    fn national(&mut self, cluster: &Cluster, first: usize) -> Option<usize> {
        let kind = self.recogniser.in_text.national?;
        let (last, end) = cluster.number_in_groups(self.text, first)?;
        let begin = cluster.groups().get(first)?.start;
        let open = begin.checked_sub(1).and_then(|at| self.text.get(at)) == Some(&b'(');
        let start = if open { begin - 1 } else { begin };
        self.formed_by(kind, TextRule::Context, (start, end, Check::Passes)).then_some(last)
    }

    /// One group that is a value.
    fn single(&mut self, group: &Group) -> bool {
        let length = group.length();
        if !group.digits || length > LONGEST {
            return false;
        }
        if !group.letters {
            return self.number(group.start, group.end);
        }
        // A check character in brackets: A123456(3).
        if let Some(end) = bracket_end(self.text, group.end)
            && self.bracketed(group.start, end, length + 1)
        {
            return true;
        }
        self.word(group) || self.escaped(group)
    }

    /// A word with letters and digits.
    fn word(&mut self, group: &Group) -> bool {
        let entries = self.recogniser.runs.words(group.length());
        if !entries.iter().fold(false, |any, entry| any | entry.may_take(group.places)) {
            return false;
        }
        let text = self.text.get(group.start..group.end).unwrap_or_default();
        let check = |entry: &Entry| {
            if entry.exact { entry.check(text) } else { entry.check(Joined::word(text).text()) }
        };
        let takes = |entry: &Entry| entry.may_take(group.places) && entry.takes(text);
        self.entries(entries, group.start, group.end, takes, check)
    }

    /// A word whose last character stands in brackets.
    fn bracketed(&mut self, start: usize, end: usize, length: usize) -> bool {
        let entries = self.recogniser.runs.words(length);
        let text = self.text.get(start..end).unwrap_or_default();
        let Some(joined) = Joined::new(text) else { return false };
        self.entries(
            entries,
            start,
            end,
            |entry| entry.takes(joined.text()),
            |entry| entry.check(joined.text()),
        )
    }

    /// `\n13412345678`: the letter belongs to the backslash.
    fn escaped(&mut self, group: &Group) -> bool {
        let before = group.start.checked_sub(1).and_then(|at| self.text.get(at));
        let first = self.text.get(group.start);
        if before != Some(&b'\\') || !matches!(first, Some(b'n' | b'r' | b't')) {
            return false;
        }
        let start = group.start + 1;
        let rest = self.text.get(start..group.end).unwrap_or_default();
        let letters = rest.iter().any(u8::is_ascii_alphabetic);
        self.single(&Group { start, letters, places: group.places >> 1, ..*group })
    }

    /// Several groups that are a value.
    fn split(&mut self, start: usize, end: usize, key: u64) -> bool {
        let recogniser = self.recogniser;
        let kinds = recogniser.splits.find(key);
        if kinds.is_empty() {
            return false;
        }
        let Some(joined) = self.text.get(start..end).and_then(Joined::new) else { return false };
        let text = joined.text();
        let digits = text.iter().all(u8::is_ascii_digit);
        let list =
            if digits { recogniser.runs.digits(text.len()) } else { recogniser.runs.words(text.len()) };
        let takes = |entry: &Entry| kinds.iter().any(|(_, kind)| *kind == entry.kind) && entry.takes(text);
        self.entries(list, start, end, takes, |entry| entry.check(text))
    }

    /// A phone number whose area code stands in brackets: `(202) 555-0143`. Returns the first group that is not part of
    /// it.
    fn area(&mut self, cluster: &Cluster) -> usize {
        let Some(group) = cluster.groups().first() else { return 0 };
        let before = self.text.get(..group.start).unwrap_or_default();
        let Some(inner) = before.strip_suffix(b") ").or_else(|| before.strip_suffix(b")")) else { return 0 };
        let digits = inner.iter().rev().take(LONGEST).take_while(|byte| byte.is_ascii_digit()).count();
        let Some(start) =
            inner.len().checked_sub(digits + 1).filter(|&start| inner.get(start) == Some(&b'('))
        else {
            return 0;
        };
        for (last, _) in cluster.values(0) {
            let Some(end) = cluster.groups().get(last).map(|group| group.end) else { continue };
            let Some(joined) = self.text.get(start..end).and_then(Joined::new) else { continue };
            let text = joined.text();
            let recogniser = self.recogniser;
            let takes = |entry: &Entry| entry.separators & BRACKETS == BRACKETS && entry.takes(text);
            if self.entries(recogniser.runs.digits(text.len()), start, end, takes, |entry| entry.check(text))
            {
                return last + 1;
            }
        }
        0
    }

    /// A phone number that begins with the plus at `plus`.
    fn phone(&mut self, plus: usize) {
        let Some((start, end, general)) = form::phone_at(self.text, plus).filter(|_| plus >= self.done)
        else {
            return;
        };
        let recogniser = self.recogniser;
        let Some(digits) = self.text.get(start..end).and_then(Joined::new) else { return };
        let text = digits.text();
        let strong = |kind| recogniser.kind(kind).is_some_and(|kind| !kind.weak);
        let takes = |entry: &Entry| entry.separators & PLUS != 0 && strong(entry.kind) && entry.takes(text);
        // The country code tells as much as a known prefix.
        let check = |entry: &Entry| match entry.check(text) {
            Check::Fails => Check::Fails,
            Check::Passes | Check::Known => Check::Known,
        };
        if !self.entries(recogniser.runs.digits(text.len()), start, end, takes, check) {
            self.formed(recogniser.in_text.phone, Some((start, end, general)));
        }
        self.done = self.done.max(end);
        self.run_behind();
    }

    /// Full-width digits: the same as ASCII ones in a copy.
    fn wide(&mut self, at: usize) {
        let Some(start) = at.checked_sub(2).filter(|&start| start >= self.done) else { return };
        let mut buffer = [0u8; LONGEST];
        let mut length = 0;
        let mut end = start;
        // Half-width ones may follow: the last X is often one.
        while let Some((byte, width)) = self.text.get(end..).and_then(narrow_alnum) {
            let Some(slot) = buffer.get_mut(length) else { break };
            *slot = byte;
            length += 1;
            end += width;
        }
        let before = start.checked_sub(1).and_then(|before| self.text.get(before));
        self.done = self.done.max(end);
        if before.is_some_and(u8::is_ascii_alphanumeric) || length < 7 {
            return self.run_behind();
        }
        let text = buffer.get(..length).unwrap_or_default();
        let digits = text.iter().all(u8::is_ascii_digit);
        let runs = &self.recogniser.runs;
        let entries = if digits { runs.digits(length) } else { runs.words(length) };
        self.entries(entries, start, end, |entry| entry.takes(text), |entry| entry.check(text));
        self.run_behind();
    }
}

/// The first character as an ASCII letter or digit, and its bytes.
fn narrow_alnum(text: &[u8]) -> Option<(u8, usize)> {
    let first = *text.first()?;
    if first.is_ascii() {
        return first.is_ascii_alphanumeric().then_some((first.to_ascii_uppercase(), 1));
    }
    let letter = std::str::from_utf8(text.get(..3)?).ok()?.chars().next()?;
    let byte = token::narrow(letter).filter(u8::is_ascii_alphanumeric)?;
    Some((byte.to_ascii_uppercase(), 3))
}

/// Where `(3)` or `（3）` ends that follows directly.
fn bracket_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at..)? {
        [b'(', inner, b')', ..] if inner.is_ascii_alphanumeric() => Some(at + 3),
        [0xef, 0xbc, 0x88, inner, 0xef, 0xbc, 0x89, ..] if inner.is_ascii_alphanumeric() => Some(at + 7),
        _ => None,
    }
}
