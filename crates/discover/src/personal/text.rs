//! Values in a text. A pass over blocks of 64 bytes finds places where a value may be, by bit operations on the classes
//! of its bytes ([`classify`], [`super::place`]); what stands there is then looked at byte by byte. The first pass may say too much,
//! never too little: a test holds that it changes no result.
//!
//! Boundaries are changes of class, not of words: Chinese characters may stand on both sides.

use super::classify::{self, BLOCK, BLOCKS};
use super::place::Places;
use super::context::{Said, label_before, label_behind};
use super::pack::TextRule;
use super::run::{Cluster, Group, Joined};
use super::shape::{LONGEST, separator_code};
use super::table::Entry;
use super::validate::Check;
use super::{Found, KindId, Recogniser, form, token};

/// The bit of a plus among the separators of an entry.
const PLUS: u8 = 1 << 6;
/// The bits of both brackets.
const BRACKETS: u8 = 0b11 << 4;

/// A text that is being read.
struct Reading<'r, 't, 'f> {
    recogniser: &'r Recogniser,
    text: &'t [u8],
    found: &'f mut dyn FnMut(Found),
    /// Up to here everything was looked at.
    done: usize,
    cluster: Option<Box<Cluster>>,
    /// Labels that were read, and what they say: in rows they repeat, in the same order.
    labels: Vec<(&'t [u8], Said)>,
    /// Which of them comes next, when this row is like the one before.
    expected: usize,
}

/// So many labels are remembered.
const LABELS: usize = 32;

impl<'r, 't, 'f> Reading<'r, 't, 'f> {
    fn new(recogniser: &'r Recogniser, text: &'t [u8], found: &'f mut dyn FnMut(Found)) -> Self {
        Self { recogniser, text, found, done: 0, cluster: None, labels: Vec::new(), expected: 0 }
    }

    /// What the labels of a value say.
    #[inline]
    fn said(&mut self, start: usize, end: usize) -> Said {
        let said = self.said_before(start);
        let behind = label_behind(self.text, end);
        if behind.is_empty() { said } else { said.and(self.recogniser.context.said(behind)) }
    }

    #[inline]
    fn said_before(&mut self, start: usize) -> Said {
        let before = self.text.get(..start).unwrap_or_default();
        if self.expected >= self.labels.len() {
            // After the last label of a row comes the first one of the next.
            self.expected = 0;
        }
        let expected = self.labels.get(self.expected).filter(|(known, _)| known.len() > 1 && ends_with(before, known));
        if let Some((_, said)) = expected {
            let said = *said;
            self.expected += 1;
            return said;
        }
        self.find_said(start)
    }

    fn find_said(&mut self, start: usize) -> Said {
        let (label, whole) = label_before(self.text, start);
        if let Some(at) = self.labels.iter().position(|(known, _)| *known == whole) {
            self.expected = at + 1;
            return self.labels.get(at).map_or(Said::default(), |(_, said)| *said);
        }
        if self.labels.len() >= LABELS {
            self.labels.clear();
        }
        let said = self.recogniser.context.said(label);
        self.labels.push((whole, said));
        self.expected = self.labels.len();
        said
    }
}

/// The best of what a value may be.
#[derive(Clone, Copy)]
struct Best {
    start: usize,
    end: usize,
    said: Option<Said>,
    candidate: Option<Candidate>,
}

/// What decides whether a kind is told.
#[derive(Clone, Copy)]
struct Told {
    kind: KindId,
    rule: TextRule,
    strong: bool,
    chance: f64,
}

impl Told {
    fn of(entry: &Entry) -> Self {
        Self { kind: entry.kind, rule: entry.rule, strong: entry.strong, chance: entry.chance }
    }
}

/// Whether a valid value of `kind` could be told: if not, it need not be looked at.
#[inline]
fn may_be(rule: TextRule, said: &Said, kind: KindId) -> bool {
    match rule {
        TextRule::Alone => true,
        TextRule::Known => !said.other || said.has(kind),
        TextRule::Context => said.has(kind),
        TextRule::Never => false,
    }
}

/// A value that may be told.
#[derive(Clone, Copy)]
struct Candidate {
    kind: KindId,
    context: bool,
    /// Of a kind that values alone decide.
    strong: bool,
    known: bool,
    chance: f64,
}

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
            let bit = all & all.wrapping_neg();
            let at = start + all.trailing_zeros() as usize;
            all ^= bit;
            if places.others & bit != 0 {
                self.other(at);
            }
            if places.runs & bit == 0 || at >= self.text.len() {
                continue;
            }
            if at < self.done {
                self.run_behind();
            } else {
                let group = places.group(bit.trailing_zeros(), start).filter(|group| group.start >= self.done);
                self.run(group.unwrap_or_else(|| Group::around(self.text, at, self.done)));
            }
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
            Some(b':') => self.formed(kinds.ip, form::ipv6_at(text, at)),
            Some(b'+') => self.phone(at),
            Some(0x80..) => self.wide(at),
            _ => {}
        }
    }

    /// Tells a value that a form found.
    fn formed(&mut self, kind: Option<KindId>, value: Option<(usize, usize, Check)>) {
        let (Some(kind), Some((start, end, check))) = (kind, value) else { return };
        let Some(of) = self.recogniser.kind(kind) else { return };
        let mut best = Best { start, end, said: None, candidate: None };
        let told = Told { kind, rule: of.text, strong: !of.weak, chance: of.chance };
        self.consider(&mut best, told, || check);
        self.tell(&best);
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

    fn cluster(&mut self, cluster: &Cluster) {
        let groups = cluster.groups();
        let mut first = self.area(cluster);
        while let Some(group) = groups.get(first).filter(|_| first < cluster.reach()) {
            let last = if cluster.begins(first) { self.longest(cluster, group, first) } else { None };
            first = last.unwrap_or(first) + 1;
        }
        // What follows the last digit may begin the next value.
        let end = groups.iter().take(cluster.reach()).rposition(|group| group.digits).and_then(|at| groups.get(at));
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

    /// Tells the likeliest of `entries` whose shape the value has.
    #[inline]
    fn entries(
        &mut self,
        entries: &[Entry],
        start: usize,
        end: usize,
        takes: impl Fn(&Entry) -> bool,
        check: impl Fn(&Entry) -> Check,
    ) -> bool {
        let mut best = Best { start, end, said: None, candidate: None };
        for entry in entries {
            if takes(entry) {
                self.consider(&mut best, Told::of(entry), || check(entry));
            }
        }
        self.tell(&best)
    }

    /// A run of digits.
    fn number(&mut self, start: usize, end: usize) -> bool {
        let runs = &self.recogniser.runs;
        let text = self.text.get(start..end).unwrap_or_default();
        if runs.digits(text.len()).is_empty() {
            return false;
        }
        // Many kinds have the shape: the label tells first which of them are worth a look.
        let said = self.said(start, end);
        let mut best = Best { start, end, said: Some(said), candidate: None };
        for entry in runs.open(text.len()) {
            self.look(&mut best, entry, text);
        }
        runs.named(text.len(), &said.kinds, |entry| self.look(&mut best, entry, text));
        self.tell(&best)
    }

    #[inline]
    fn look(&mut self, best: &mut Best, entry: &Entry, text: &[u8]) {
        let beaten = best.candidate.is_some_and(|best| best.context && best.strong && best.chance < entry.chance);
        if !beaten && entry.takes_digits(text) {
            self.consider(best, Told::of(entry), || entry.check(text));
        }
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
        self.entries(entries, start, end, |entry| entry.takes(joined.text()), |entry| entry.check(joined.text()))
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
        let Some(joined) = self.text.get(start..end).and_then(|text| Joined::new(text)) else { return false };
        let text = joined.text();
        let digits = text.iter().all(u8::is_ascii_digit);
        let list = if digits { recogniser.runs.digits(text.len()) } else { recogniser.runs.words(text.len()) };
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
        let Some(start) = inner.len().checked_sub(digits + 1).filter(|&start| inner.get(start) == Some(&b'(')) else {
            return 0;
        };
        for (last, _) in cluster.values(0) {
            let Some(end) = cluster.groups().get(last).map(|group| group.end) else { continue };
            let Some(joined) = self.text.get(start..end).and_then(|text| Joined::new(text)) else { continue };
            let text = joined.text();
            let recogniser = self.recogniser;
            let takes = |entry: &Entry| entry.separators & BRACKETS == BRACKETS && entry.takes(text);
            if self.entries(recogniser.runs.digits(text.len()), start, end, takes, |entry| entry.check(text)) {
                return last + 1;
            }
        }
        0
    }

    /// A phone number that begins with the plus at `plus`.
    fn phone(&mut self, plus: usize) {
        let Some((start, end, general)) = form::phone_at(self.text, plus).filter(|_| plus >= self.done) else { return };
        let recogniser = self.recogniser;
        let Some(digits) = self.text.get(start..end).and_then(|text| Joined::new(text)) else { return };
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
            return;
        }
        let text = buffer.get(..length).unwrap_or_default();
        let digits = text.iter().all(u8::is_ascii_digit);
        let runs = &self.recogniser.runs;
        let entries = if digits { runs.digits(length) } else { runs.words(length) };
        self.entries(entries, start, end, |entry| entry.takes(text), |entry| entry.check(text));
    }

    /// Keeps the better one of `best` and `of`. The labels are read when the first kind asks for them.
    #[inline]
    fn consider(&mut self, best: &mut Best, of: Told, check: impl Fn() -> Check) {
        let said = match best.said {
            Some(said) => said,
            None => *best.said.insert(self.said(best.start, best.end)),
        };
        if !may_be(of.rule, &said, of.kind) {
            return;
        }
        let context = said.has(of.kind);
        let check = check();
        let known = check == Check::Known;
        if check == Check::Fails || of.rule == TextRule::Known && !known && !context {
            return;
        }
        // Of kinds that the label and the column rule put level, the one that fewer random values pass.
        let new = Candidate { kind: of.kind, context, strong: of.strong, known, chance: of.chance };
        let better = best.candidate.is_none_or(|old| {
            (new.context, new.strong, old.chance, new.known) > (old.context, old.strong, new.chance, old.known)
        });
        if better {
            best.candidate = Some(new);
        }
    }

    /// Tells what was found, unless it is part of something longer.
    fn tell(&mut self, best: &Best) -> bool {
        let Best { start, end, candidate: Some(Candidate { kind, context, known, .. }), .. } = *best else {
            return false;
        };
        if is_glued(self.text, start, end) {
            return false;
        }
        (self.found)(Found { kind, start, end, context, known });
        true
    }
}

/// Whether `text` ends with `end`: without a call for the usual length of a label.
#[inline]
fn ends_with(text: &[u8], end: &[u8]) -> bool {
    if !(8..=16).contains(&end.len()) {
        return text.ends_with(end);
    }
    let Some(tail) = text.len().checked_sub(end.len()).and_then(|at| text.get(at..)) else { return false };
    tail.first_chunk::<8>() == end.first_chunk::<8>() && tail.last_chunk::<8>() == end.last_chunk::<8>()
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

/// Whether what stands around makes the value a part of something longer: a UUID, a decimal, a version, a masked number.
fn is_glued(text: &[u8], start: usize, end: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    let behind = text.get(end..).unwrap_or_default();
    let glued_before = match before {
        [.., b'*' | b'%' | b'#' | b'@'] => true,
        [.., b'.', b'.'] => true,
        // `user_13412345678` is a name with a number; `4a3b-123456789012` is neither.
        [rest @ .., joint] if separator_code(*joint) > 1 || *joint == b'_' => {
            let word = rest.iter().rev().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric());
            word.clone().any(u8::is_ascii_digit) || *joint == b'.' && word.clone().next().is_some()
        }
        _ => false,
    };
    glued_before
        || match behind {
            [b'*' | b'%' | b'@', ..] => true,
            [b'.', other, ..] => other.is_ascii_digit(),
            [joint, rest @ ..] if separator_code(*joint) > 1 || *joint == b'_' => {
                rest.iter().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric()).any(u8::is_ascii_digit)
            }
            _ => false,
        }
}
