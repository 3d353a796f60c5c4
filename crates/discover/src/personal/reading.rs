//! Reads a text: what the labels of a value say, and which kind is told.

use super::context::{Said, label_before, label_behind};
use super::pack::TextRule;
use super::run::Cluster;
use super::shape::{LONGEST, separator_code};
use super::table::Entry;
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
        if self.expected >= self.labels.len() {
            // After the last label of a row comes the first one of the next.
            self.expected = 0;
        }
        let expected =
            self.labels.get(self.expected).filter(|(known, _)| known.len() > 1 && ends_with(before, known));
        if let Some((_, said)) = expected {
            let said = *said;
            self.expected += 1;
            return said;
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

impl Reading<'_, '_, '_> {
    /// Tells a value that a form found.
    pub(super) fn formed(&mut self, kind: Option<KindId>, value: Option<(usize, usize, Check)>) {
        let (Some(kind), Some((start, end, check))) = (kind, value) else { return };
        let Some(of) = self.recogniser.kind(kind) else { return };
        let mut best = Best { start, end, said: None, candidate: None };
        let told = Told { kind, rule: of.text, strong: !of.weak, chance: of.chance };
        self.consider(&mut best, told, || check);
        self.tell(&best);
    }

    /// Tells the likeliest of `entries` whose shape the value has.
    #[inline]
    pub(super) fn entries(
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
    pub(super) fn number(&mut self, start: usize, end: usize) -> bool {
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
        let beaten =
            best.candidate.is_some_and(|best| best.context && best.strong && best.chance < entry.chance);
        if !beaten && entry.takes_digits(text) {
            self.consider(best, Told::of(entry), || entry.check(text));
        }
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
            (new.context, new.strong, old.chance, new.known)
                > (old.context, old.strong, new.chance, old.known)
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
