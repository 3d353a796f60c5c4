//! Reads a text: what the labels of a value say, and which kind is told.

use super::context::{Said, label_before, label_behind};
use super::pack::TextRule;
use super::run::Cluster;
use super::shape::{LONGEST, separator_code};
use super::table::{Entry, rank};
use super::validate::Check;
use super::{Found, KindId, Recogniser};

/// A text that is being read.
pub(super) struct Reading<'r, 't, 'f> {
    /// With whom.
    pub(super) recogniser: &'r Recogniser,
    /// All of it.
    pub(super) text: &'t [u8],
    found: &'f mut dyn FnMut(Found),
    /// Up to here everything was looked at.
    pub(super) done: usize,
    /// Room for groups, used again and again.
    pub(super) cluster: Option<Box<Cluster>>,
    /// Labels that were read, and what they say: in rows they repeat, in the same order.
    labels: Vec<(&'t [u8], Said)>,
    /// Which of them comes next, when this row is like the one before.
    expected: usize,
}

/// So many labels are remembered.
const LABELS: usize = 32;

impl<'r, 't, 'f> Reading<'r, 't, 'f> {
    pub(super) fn new(recogniser: &'r Recogniser, text: &'t [u8], found: &'f mut dyn FnMut(Found)) -> Self {
        Self { recogniser, text, found, done: 0, cluster: None, labels: Vec::new(), expected: 0 }
    }

    /// What the labels of a value say.
    #[inline]
    pub(super) fn said(&mut self, start: usize, end: usize) -> Said {
        let said = self.said_before(start);
        let behind = label_behind(self.text, end);
        if behind.is_empty() { said } else { said.and(self.recogniser.context.said(behind)) }
    }

    #[inline]
    fn said_before(&mut self, start: usize) -> Said {
        let before = self.text.get(..start).unwrap_or_default();
        // The one that comes next, or the first one, when a row ends before the longest one did.
        for at in [self.expected, 0] {
            let label = self.labels.get(at).filter(|(known, _)| known.len() > 1 && ends_with(before, known));
            if let Some((_, said)) = label {
                let said = *said;
                self.expected = at + 1;
                return said;
            }
        }
        self.find_said(start)
    }

    fn find_said(&mut self, start: usize) -> Said {
        let (label, whole) = label_before(self.text, start);
        let Some(whole) = whole else { return self.recogniser.context.said(label) };
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
    kind: KindId,
    /// What decides between two, the most weighty bit first: a context word, the kind's rank, something known; 0: there
    /// is none yet.
    score: u64,
}

/// The bit of a context word in a score.
const CONTEXT: u64 = 1 << 34;

/// No kind yet.
const NONE: Best = Best { kind: KindId(0), score: 0 };

impl Best {
    /// Keeps the better one of this and `entry`.
    #[inline]
    fn consider(
        &mut self,
        said: &Said,
        kind: KindId,
        rule: TextRule,
        rank: u64,
        check: impl FnOnce() -> Check,
    ) {
        let context = said.has(kind);
        let may_be = match rule {
            TextRule::Alone => true,
            TextRule::Known => context || !said.other,
            TextRule::Context => context,
            TextRule::Never => false,
        };
        let score = (u64::from(context) * CONTEXT) | rank;
        // Known or not, it would not be better.
        if !may_be || score | 1 <= self.score {
            return;
        }
        let score = match check() {
            Check::Fails => return,
            Check::Passes if rule == TextRule::Known && !context => return,
            Check::Passes => score,
            Check::Known => score | 1,
        };
        if score > self.score {
            *self = Self { kind, score };
        }
    }
}

impl Reading<'_, '_, '_> {
    /// Tells a value that a form found.
    pub(super) fn formed(&mut self, kind: Option<KindId>, value: Option<(usize, usize, Check)>) {
        let (Some(kind), Some(value)) = (kind, value) else { return };
        let Some(of) = self.recogniser.kind(kind) else { return };
        self.formed_by(kind, of.text, value);
    }

    /// The same by another rule than the kind's; whether it was told.
    pub(super) fn formed_by(
        &mut self,
        kind: KindId,
        rule: TextRule,
        (start, end, check): (usize, usize, Check),
    ) -> bool {
        let Some(of) = self.recogniser.kind(kind) else { return false };
        let mut best = NONE;
        let said = self.said(start, end);
        best.consider(&said, kind, rule, rank(!of.weak, of.chance), || check);
        self.tell(best, start, end)
    }

    /// Tells the likeliest of `entries` whose shape the value has. The labels are read when one has it.
    #[inline]
    pub(super) fn entries(
        &mut self,
        entries: &[Entry],
        start: usize,
        end: usize,
        takes: impl Fn(&Entry) -> bool,
        check: impl Fn(&Entry) -> Check,
    ) -> bool {
        let mut best = NONE;
        let mut said = None;
        for entry in entries {
            if takes(entry) {
                let said = match &said {
                    Some(said) => said,
                    None => said.insert(self.said(start, end)),
                };
                best.consider(said, entry.kind, entry.rule, entry.rank, || check(entry));
            }
        }
        self.tell(best, start, end)
    }

    /// A run of digits.
    pub(super) fn number(&mut self, start: usize, end: usize) -> bool {
        let best = self.best_number(start, end);
        self.tell(best, start, end)
    }

    /// A run of digits between characters that join it to nothing.
    #[inline]
    pub(super) fn clean_number(&mut self, start: usize, end: usize) {
        let best = self.best_number(start, end);
        if best.score != 0 {
            self.tell_clean(best, start, end);
        }
    }

    fn best_number(&mut self, start: usize, end: usize) -> Best {
        let runs = &self.recogniser.runs;
        let text = self.text.get(start..end).unwrap_or_default();
        let mut best = NONE;
        if !runs.digits(text.len()).is_empty() {
            // Many kinds have the shape: the label tells first which of them are worth a look.
            let said = self.said(start, end);
            let mut look = |entry: &Entry| {
                best.consider(&said, entry.kind, entry.rule, entry.rank, || {
                    if entry.takes_digits(text) { entry.check(text) } else { Check::Fails }
                });
            };
            runs.open(text.len()).iter().for_each(&mut look);
            runs.named(text.len(), &said.kinds, look);
        }
        best
    }

    /// Tells what was found, unless it is part of something longer.
    fn tell(&mut self, best: Best, start: usize, end: usize) -> bool {
        let tells = best.score != 0
            && !is_glued(self.text, start, end)
            && (best.score & CONTEXT != 0 || !is_in_path(self.text, start));
        if tells {
            self.tell_clean(best, start, end);
        }
        tells
    }

    #[inline]
    fn tell_clean(&mut self, best: Best, start: usize, end: usize) {
        let (context, known) = (best.score & CONTEXT != 0, best.score & 1 != 0);
        (self.found)(Found { kind: best.kind, start, end, context, known });
    }
}

/// Whether a byte next to a number joins it to nothing: quotes, brackets, signs of lists and tables, other scripts.
#[inline]
pub(super) fn is_clean(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b',' | b':' | b';' | b'=' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'|')
        || matches!(byte, b'\n' | b'\r' | b'\t' | 0x80..)
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

/// Whether a number is a part of a path, `/items/13412345678`: there it counts things.
fn is_in_path(text: &[u8], start: usize) -> bool {
    let Some([before @ .., b'/']) = text.get(..start) else { return false };
    let word =
        before.iter().rev().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
    let length = word.count();
    length > 0 && before.len().checked_sub(length + 1).and_then(|at| before.get(at)) == Some(&b'/')
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
            [joint, rest @ ..] if separator_code(*joint) > 1 || *joint == b'_' => rest
                .iter()
                .take(LONGEST)
                .take_while(|byte| byte.is_ascii_alphanumeric())
                .any(u8::is_ascii_digit),
            _ => false,
        }
}
