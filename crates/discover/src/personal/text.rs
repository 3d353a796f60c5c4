//! Values in a text. A pass over blocks of 64 bytes finds places where a value may be, by bit operations on the classes
//! of its bytes ([`classify`]); what stands there is then looked at byte by byte. The first pass may say too much,
//! never too little: a test holds that it changes no result.
//!
//! Boundaries are changes of class, not of words: Chinese characters may stand on both sides.

use super::classify::{self, BLOCK, BLOCKS, Block, Carry};
use super::context::{label_before, label_behind};
use super::pack::TextRule;
use super::run::{Cluster, Group, Joined};
use super::shape::{LONGEST, separator_code};
use super::table::Entry;
use super::validate::Check;
use super::{Found, KindId, Recogniser, form, token};

/// Bits of the block before that decide about the first ones of the next.
#[derive(Default)]
struct Before {
    block: Block,
    group: u64,
}

/// `word` moved so that bit `i` is what stood at `i + count`; what stands in the next block is taken for set.
fn ahead(word: u64, count: u32) -> u64 {
    word >> count | !(u64::MAX >> count)
}

/// The bit of a plus among the separators of an entry.
const PLUS: u8 = 1 << 6;
/// The bits of both brackets.
const BRACKETS: u8 = 0b11 << 4;

/// Where to look closer.
#[derive(Debug, Default)]
struct Places {
    /// Runs of digits, alone or in groups, and words with digits in them.
    runs: u64,
    /// `@`, `+`, hardware and network addresses, number plates, full-width digits.
    others: u64,
}

impl Before {
    /// The bit before each bit.
    fn behind(word: u64, before: u64) -> u64 {
        word << 1 | before >> 63
    }

    fn places(&mut self, block: &Block) -> Places {
        let before = std::mem::replace(&mut self.block, *block);
        let Block { digits, letters, dashes, colons, at, plus, high, wide, .. } = *block;
        let words = digits | letters;
        let words_before = before.digits | before.letters;
        let starts = words & !Self::behind(words, words_before);
        // 26 letters and digits: the shortest address of a currency.
        let two = words & ahead(words, 1);
        let four = two & ahead(two, 2);
        let eight = four & ahead(four, 4);
        let sixteen = eight & ahead(eight, 8);
        let long_words = starts & sixteen & ahead(sixteen, 10);
        let mut places = Places { runs: long_words, others: at | plus & ahead(digits, 1) };
        let group_before = std::mem::take(&mut self.group);
        if digits | wide | group_before != 0 {
            places.runs |= self.runs(block, &before, group_before);
        }
        // A pair at the end has its colon in the next block.
        if colons | dashes | words >> 61 != 0 {
            places.others |= addresses(words, words_before, colons, dashes);
        }
        if high | before.high != 0 {
            // A letter behind a Chinese character, then five letters and digits, or a dot that is not ASCII.
            let plate = letters & Self::behind(high, before.high);
            let tail = ahead(two, 1) & ahead(two, 3) & ahead(words, 5);
            places.others |= plate & (tail | ahead(high, 1));
            let full = wide & !(wide << 3 | before.wide >> 61);
            places.others |= full & ahead(wide, 3) & ahead(wide, 6);
        }
        places
    }

    /// Starts of long groups of digits, and digits in words.
    fn runs(&mut self, block: &Block, before: &Block, group_before: u64) -> u64 {
        let Block { digits, letters, separators, .. } = *block;
        let joints = separators & Self::behind(digits, before.digits) & ahead(digits, 1);
        let groups = digits | joints;
        // What the last byte was, when it turns out to join this block's first digit.
        self.group = groups & 1 << 63;
        let group_starts = digits & !Self::behind(groups, group_before);
        let two = groups & ahead(groups, 1);
        let four = two & ahead(two, 2);
        let seven = four & ahead(four, 3);
        let pair = digits & ahead(digits, 1);
        let quad = pair & ahead(pair, 2);
        let run_starts = digits & !Self::behind(digits, before.digits);
        let behind_letter = Self::behind(letters, before.letters);
        // Four digits next to a letter, before or behind.
        let in_word = run_starts & quad & behind_letter | quad & ahead(letters, 4);
        // Letter, three digits, letter, end: an Italian code.
        let words = digits | letters;
        let italian = run_starts & behind_letter & pair & ahead(digits, 2) & ahead(letters, 3) & !(words >> 4);
        group_starts & seven | in_word | italian
    }
}

/// Six pairs joined by `:` or `-`, or three of the joints of a network address of version 6.
fn addresses(words: u64, words_before: u64, colons: u64, dashes: u64) -> u64 {
    let behind = Before::behind(words, words_before);
    let pair = words & ahead(words, 1) & ahead(colons | dashes, 2);
    let hardware = pair & ahead(pair, 3) & ahead(pair, 6) & ahead(pair, 9) & ahead(pair, 12) & !behind;
    let joint = colons & behind;
    let near = |word: u64| ahead(word, 1) | ahead(word, 2) | ahead(word, 3) | ahead(word, 4) | ahead(word, 5);
    let twice = joint & near(colons);
    hardware | twice & near(twice | colons & !joint)
}

/// A text that is being read.
struct Reading<'r, 't, 'f> {
    recogniser: &'r Recogniser,
    text: &'t [u8],
    found: &'f mut dyn FnMut(Found),
    /// Up to here everything was looked at.
    done: usize,
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
        let mut reading = Reading { recogniser: self, text, found, done: 0 };
        let mut before = Before::default();
        let mut carry = Carry::default();
        let mut blocks = [Block::default(); BLOCKS];
        let (whole, rest) = text.as_chunks::<BLOCK>();
        let mut start = 0;
        for chunk in whole.chunks(BLOCKS) {
            classify::classify(self.level, chunk, &mut blocks, &mut carry);
            for block in blocks.iter().take(chunk.len()) {
                reading.block(&before.places(block), start);
                start += BLOCK;
            }
        }
        let mut last = [b'\n'; BLOCK];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        classify::classify(self.level, &[last], &mut blocks, &mut carry);
        for block in blocks.iter().take(1) {
            reading.block(&before.places(block), start);
        }
    }
}

#[cfg(test)]
impl Recogniser {
    /// The same without a first pass: every place is looked at.
    pub(super) fn text_everywhere(&self, text: &[u8], found: &mut dyn FnMut(Found)) {
        let mut reading = Reading { recogniser: self, text, found, done: 0 };
        for at in 0..text.len() {
            let run_starts = at == 0 || !text[at - 1].is_ascii_digit();
            let places = Places {
                runs: u64::from(text[at].is_ascii_digit() && run_starts),
                others: u64::from(!text[at].is_ascii_digit() || run_starts),
            };
            reading.block(&places, at);
        }
    }
}

impl Reading<'_, '_, '_> {
    fn block(&mut self, places: &Places, start: usize) {
        let mut all = places.runs | places.others;
        while all != 0 {
            let bit = all & all.wrapping_neg();
            let at = start + all.trailing_zeros() as usize;
            all ^= bit;
            if places.others & bit != 0 {
                self.other(at);
            }
            if places.runs & bit != 0 && at < self.text.len() {
                self.run_from(at);
            }
        }
    }

    /// The run at `at`, or what is left of it behind a value that was told already.
    fn run_from(&mut self, at: usize) {
        if at >= self.done {
            return self.run(at);
        }
        let joined = self.text.get(self.done).is_some_and(|&byte| separator_code(byte) != 0);
        if joined && self.text.get(self.done + 1).is_some_and(u8::is_ascii_digit) {
            self.run(self.done + 1);
        }
    }

    /// What is no run of digits and letters.
    fn other(&mut self, at: usize) {
        let text = self.text;
        match text.get(at) {
            Some(b'@') => self.formed("email", form::email_at(text, at)),
            Some(b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z') => {
                let hardware = form::mac_at(text, at);
                if hardware.is_some() {
                    self.formed("mac", hardware);
                } else {
                    self.formed("plate", form::plate_at(text, at));
                }
            }
            Some(b':') => self.formed("ip", form::ipv6_at(text, at)),
            Some(b'+') => self.phone(at),
            Some(0x80..) => self.wide(at),
            _ => {}
        }
    }

    /// Tells a value that a form found.
    fn formed(&mut self, name: &str, value: Option<(usize, usize, Check)>) {
        let Some((start, end, check)) = value else { return };
        let Some(&(kind, _)) = self.recogniser.forms.iter().find(|(_, form)| form.name == name) else { return };
        if let Some(candidate) = self.judge(kind, check, start, end) {
            self.tell(candidate, start, end);
        }
    }

    /// Everything in the groups around `at`.
    fn run(&mut self, at: usize) {
        let mut cluster = Cluster::around(self.text, at, self.done);
        loop {
            self.cluster(&cluster);
            match cluster.rest(self.text) {
                Some(next) => cluster = next,
                None => break,
            }
        }
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
        for (last, key) in cluster.values(first) {
            let end = cluster.groups().get(last)?.end;
            let told = if first == last { self.single(group) } else { self.split(group.start, end, key) };
            if told {
                return Some(last);
            }
        }
        None
    }

    /// One group that is a value.
    fn single(&mut self, group: &Group) -> bool {
        let recogniser = self.recogniser;
        let length = group.length();
        if !group.digits || length > LONGEST {
            return false;
        }
        let text = self.text.get(group.start..group.end).unwrap_or_default();
        if !group.letters {
            let mut best = None;
            for entry in recogniser.runs.digits(length).iter().filter(|entry| entry.takes_digits(text)) {
                self.consider(&mut best, entry, entry.check(text), group.start, group.end);
            }
            return self.tell_best(best, group.start, group.end);
        }
        // A check character in brackets: A123456(3).
        if let Some(end) = bracket_end(self.text, group.end)
            && self.word(group.start, end)
        {
            return true;
        }
        self.word(group.start, group.end) || self.escaped(group)
    }

    /// A word with letters and digits.
    fn word(&mut self, start: usize, end: usize) -> bool {
        let recogniser = self.recogniser;
        let text = self.text.get(start..end).unwrap_or_default();
        let Some(joined) = Joined::new(text, false) else { return false };
        let mut best = None;
        for entry in recogniser.runs.words(joined.text().len()).iter().filter(|entry| entry.takes(joined.text())) {
            let check = if entry.exact { entry.check(text) } else { entry.check(joined.text()) };
            self.consider(&mut best, entry, check, start, end);
        }
        self.tell_best(best, start, end)
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
        self.single(&Group { start, letters, ..*group })
    }

    /// Several groups that are a value.
    fn split(&mut self, start: usize, end: usize, key: u64) -> bool {
        let recogniser = self.recogniser;
        let kinds = recogniser.splits.find(key);
        if kinds.is_empty() {
            return false;
        }
        let Some(joined) = self.text.get(start..end).and_then(|text| Joined::new(text, false)) else { return false };
        let text = joined.text();
        let digits = text.iter().all(u8::is_ascii_digit);
        let list = if digits { recogniser.runs.digits(text.len()) } else { recogniser.runs.words(text.len()) };
        let mut best = None;
        for entry in list.iter().filter(|entry| entry.takes(text)) {
            if kinds.iter().any(|(_, kind)| *kind == entry.kind) {
                self.consider(&mut best, entry, entry.check(text), start, end);
            }
        }
        self.tell_best(best, start, end)
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
            let Some(joined) = self.text.get(start..end).and_then(|text| Joined::new(text, false)) else { continue };
            let text = joined.text();
            let recogniser = self.recogniser;
            let mut best = None;
            for entry in recogniser.runs.digits(text.len()).iter().filter(|entry| entry.takes_digits(text)) {
                if entry.separators & BRACKETS == BRACKETS && text.iter().all(u8::is_ascii_digit) {
                    self.consider(&mut best, entry, entry.check(text), start, end);
                }
            }
            if self.tell_best(best, start, end) {
                return last + 1;
            }
        }
        0
    }

    /// A phone number that begins with the plus at `plus`.
    fn phone(&mut self, plus: usize) {
        let Some((start, end, check)) = form::phone_at(self.text, plus).filter(|_| plus >= self.done) else { return };
        let recogniser = self.recogniser;
        let Some(digits) = self.text.get(start..end).and_then(|text| Joined::new(text, false)) else { return };
        let text = digits.text();
        let mut best = None;
        for entry in recogniser.runs.digits(text.len()).iter().filter(|entry| entry.takes_digits(text)) {
            // The country code tells as much as a known prefix.
            let strong = recogniser.kind(entry.kind).is_some_and(|kind| !kind.weak);
            if strong && entry.separators & PLUS != 0 && entry.check(text) != Check::Fails {
                self.consider(&mut best, entry, Check::Known, start, end);
            }
        }
        if !self.tell_best(best, start, end) {
            self.formed("e164", Some((start, end, check)));
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
        let recogniser = self.recogniser;
        let list = if digits { recogniser.runs.digits(length) } else { recogniser.runs.words(length) };
        let mut best = None;
        for entry in list.iter().filter(|entry| entry.takes(text)) {
            self.consider(&mut best, entry, entry.check(text), start, end);
        }
        self.tell_best(best, start, end);
    }

    /// Keeps the better one of `best` and what an entry says.
    fn consider(&self, best: &mut Option<Candidate>, entry: &Entry, check: Check, start: usize, end: usize) {
        let Some(new) = self.judge(entry.kind, check, start, end) else { return };
        let better = best.is_none_or(|old| {
            (new.context, new.strong, new.known, old.chance) > (old.context, old.strong, old.known, new.chance)
        });
        if better {
            *best = Some(new);
        }
    }

    /// Whether a value of `kind` is told here.
    fn judge(&self, kind: KindId, check: Check, start: usize, end: usize) -> Option<Candidate> {
        let of = self.recogniser.kind(kind)?;
        if check == Check::Fails || is_glued(self.text, start, end) {
            return None;
        }
        let label = label_before(self.text, start);
        let context = of.context.are_in(label) || of.context.are_in(label_behind(self.text, end));
        let known = check == Check::Known;
        let told = match of.text {
            TextRule::Alone => true,
            TextRule::Known => context || known && !self.recogniser.others.are_in(label),
            TextRule::Context => context,
            TextRule::Never => false,
        };
        told.then_some(Candidate { kind, context, strong: !of.weak, known, chance: of.chance })
    }

    fn tell_best(&mut self, best: Option<Candidate>, start: usize, end: usize) -> bool {
        if let Some(candidate) = best {
            self.tell(candidate, start, end);
        }
        best.is_some()
    }

    fn tell(&mut self, candidate: Candidate, start: usize, end: usize) {
        let Candidate { kind, context, known, .. } = candidate;
        (self.found)(Found { kind, start, end, context, known });
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
