//! From literals to secrets: patterns, filters, checks, and one finding for each secret.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::meta::Regex;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, PatternID};

use super::anchor::Anchors;
use super::check::Outcome;
use super::pack::{Edge, Family, Kind, written_out};
use super::{ConnectionUrl, FoundSecret, SecretKind, connection, filter};

/// Lines before and after a key's id in which its secret is searched for.
const NEAR_LINES: usize = 5;
/// And bytes, for lines that are long.
const NEAR_BYTES: usize = 2 << 10;
/// Groups of a pattern: the whole match and a few.
const SLOTS: usize = 16;

/// All kinds, ready to be searched for.
pub(super) struct Searcher {
    kinds: Vec<SecretKind>,
    detectors: Vec<Detector>,
    anchors: Anchors,
    /// For each literal what is tried where it stands.
    trials: Vec<Vec<Trial>>,
}

/// What is tried where a literal stands.
#[derive(Clone, Copy, Debug)]
enum Trial {
    /// The kind's own pattern.
    Own(u16),
    /// The first kind, near the second, whose literal it is.
    Near(u16, u16),
}

/// A kind with its patterns, which are compiled when they are needed for the first time.
struct Detector {
    kind: Kind,
    own: OnceLock<Option<Pattern>>,
    near: OnceLock<Option<Pattern>>,
    named: OnceLock<Option<Pattern>>,
}

struct Pattern {
    regex: Regex,
    /// Number of the group that is the secret; 0 is the whole match.
    group: usize,
}

/// A match of a pattern.
#[derive(Clone, Debug)]
struct Span {
    whole: Range<usize>,
    secret: Range<usize>,
}

/// A finding before it is known whether a better one covers the same bytes.
struct Candidate {
    /// What makes it the better one: more than a name before it, proven by a checksum, the longer secret, the longer
    /// name before it.
    worth: (bool, bool, usize, usize),
    found: FoundSecret,
}

impl Pattern {
    fn new(text: &str) -> Option<Self> {
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let config = Regex::config().utf8_empty(false);
        let regex = Regex::builder().syntax(syntax).configure(config).build(&written_out(text)).ok()?;
        let group = regex.group_info().to_index(PatternID::ZERO, "secret").unwrap_or(0);
        (group * 2 + 1 < SLOTS).then_some(Self { regex, group })
    }

    fn find(&self, input: &Input<'_>) -> Option<Span> {
        let mut slots: [Option<NonMaxUsize>; SLOTS] = [None; SLOTS];
        let wanted = slots.get_mut(..self.group * 2 + 2)?;
        self.regex.search_slots(input, wanted)?;
        let place = |number: usize| slots.get(number).copied().flatten().map(NonMaxUsize::get);
        let whole = place(0)?..place(1)?;
        Some(Span { secret: place(self.group * 2)?..place(self.group * 2 + 1)?, whole })
    }
}

impl Detector {
    fn new(kind: Kind) -> Self {
        Self { kind, own: OnceLock::new(), near: OnceLock::new(), named: OnceLock::new() }
    }

    fn own(&self) -> Option<&Pattern> {
        self.own.get_or_init(|| Pattern::new(&self.kind.pattern)).as_ref()
    }

    fn near(&self) -> Option<&Pattern> {
        self.near.get_or_init(|| Pattern::new(&self.kind.near.as_ref()?.pattern)).as_ref()
    }

    fn named(&self) -> Option<&Pattern> {
        let near = self.kind.near.as_ref()?;
        self.named.get_or_init(|| near.named.as_ref().and_then(|named| Pattern::new(named))).as_ref()
    }

    /// Whether all patterns can be compiled; for the tests.
    #[cfg(test)]
    fn compiles(&self) -> bool {
        (self.kind.pattern.is_empty() || self.own().is_some())
            && (self.kind.near.is_none() || self.near().is_some())
            && (self.kind.near.as_ref().is_none_or(|near| near.named.is_none()) || self.named().is_some())
    }
}

impl Searcher {
    pub(super) fn new(families: Vec<Family>) -> Self {
        let mut kinds = Vec::new();
        let mut detectors = Vec::new();
        for family in families {
            for kind in family.kinds {
                kinds.push(described(&kind, &family.provider, &family.source));
                detectors.push(Detector::new(kind));
            }
        }
        let trials = trials(&detectors);
        let anchors = Anchors::new(trials.keys().cloned());
        Self { kinds, detectors, anchors, trials: trials.into_values().collect() }
    }

    pub(super) fn kinds(&self) -> &[SecretKind] {
        &self.kinds
    }

    pub(super) fn text(&self, text: &[u8], found: &mut dyn FnMut(FoundSecret)) {
        let mut candidates = Vec::new();
        self.anchors.scan(text, &mut |literal, at| {
            for trial in self.trials.get(literal).into_iter().flatten() {
                self.attempt(*trial, text, at, &mut candidates);
            }
        });
        candidates
            .sort_by_key(|candidate| (candidate.found.start, candidate.found.end, candidate.found.kind));
        for mut candidate in best(candidates) {
            if candidate.found.near.is_empty() {
                self.named(text, &mut candidate.found);
            }
            found(candidate.found);
        }
    }

    /// Ids beside a secret that have no shape of their own, by the names before them.
    fn named(&self, text: &[u8], found: &mut FoundSecret) {
        let named = self.detectors.get(usize::from(found.kind)).and_then(Detector::named);
        let Some(pattern) = named else { return };
        let secret = found.start..found.end;
        let Range { start: mut begin, end } = lines_around(text, &secret);
        while let Some(span) = pattern.find(&Input::new(text).range(begin..end)) {
            begin = span.secret.end.max(begin + 1);
            if span.secret.end <= secret.start || span.secret.start >= secret.end {
                found.near.push(span.secret);
            }
            if begin > end {
                return;
            }
        }
    }

    fn attempt(&self, trial: Trial, text: &[u8], at: usize, candidates: &mut Vec<Candidate>) {
        match trial {
            Trial::Own(number) => candidates.extend(self.own(number, text, at)),
            Trial::Near(number, neighbour) => {
                if let Some(neighbour) = self.own(neighbour, text, at) {
                    self.near(number, text, neighbour.found.start..neighbour.found.end, candidates);
                }
            }
        }
    }

    fn own(&self, number: u16, text: &[u8], at: usize) -> Option<Candidate> {
        let detector = self.detectors.get(usize::from(number))?;
        let end = text.len().min(at.saturating_add(detector.kind.reach));
        let begin = at.saturating_sub(detector.kind.before);
        let anchored = if begin == at { Anchored::Yes } else { Anchored::No };
        let input = Input::new(text).range(begin..end).anchored(anchored);
        let span = detector.own()?.find(&input)?;
        self.judged(number, detector, text, &span)
    }

    fn near(&self, number: u16, text: &[u8], id: Range<usize>, candidates: &mut Vec<Candidate>) {
        let Some(detector) = self.detectors.get(usize::from(number)) else { return };
        let Some(pattern) = detector.near() else { return };
        let Range { start: mut begin, end } = lines_around(text, &id);
        while let Some(span) = pattern.find(&Input::new(text).range(begin..end)) {
            begin = span.whole.end.max(begin + 1);
            let apart = span.secret.end <= id.start || span.secret.start >= id.end;
            if apart && let Some(mut candidate) = self.judged(number, detector, text, &span) {
                candidate.found.near.push(id.clone());
                candidates.push(candidate);
            }
            if begin > end {
                return;
            }
        }
    }

    /// Filters and checks a match.
    fn judged(&self, number: u16, detector: &Detector, text: &[u8], span: &Span) -> Option<Candidate> {
        let kind = &detector.kind;
        let matched = text.get(span.whole.clone())?;
        let (connection, place) = match kind.connection {
            Some(notation) => {
                let (connection, place) = connection::read(notation, matched)?;
                (Some(connection), span.whole.start + place.start..span.whole.start + place.end)
            }
            None => (None, span.secret.clone()),
        };
        let secret = text.get(place.clone())?;
        if secret.is_empty() || !kind.edge.allows(text, &place) || !filter::has_classes(secret, &kind.needs) {
            return None;
        }
        let outcome = kind.check.map_or(Outcome::Silent, |check| check.run(secret, matched));
        if outcome == Outcome::Refuted {
            return None;
        }
        let proven = matches!(outcome, Outcome::Proven(_));
        if !proven && !looks_secret(kind, secret, connection.as_ref()) {
            return None;
        }
        let checked = match outcome {
            Outcome::Says(words) | Outcome::Proven(words) => Some(words),
            Outcome::Silent | Outcome::Refuted => None,
        };
        let worth = (!kind.generic, proven, place.len(), span.whole.len());
        let found = FoundSecret {
            kind: number,
            start: place.start,
            end: place.end,
            shown: shown(kind, secret),
            checked,
            connection,
            near: Vec::new(),
        };
        Some(Candidate { worth, found })
    }
}

fn described(kind: &Kind, provider: &str, source: &str) -> SecretKind {
    SecretKind {
        id: kind.id.clone(),
        title: kind.title.clone(),
        title_zh: kind.title_zh.clone(),
        provider: provider.to_owned(),
        source: kind.source.clone().unwrap_or_else(|| source.to_owned()),
        severity: kind.severity,
        generic: kind.generic,
    }
}

/// For every literal, with whether its case matters, what is tried where it stands.
fn trials(detectors: &[Detector]) -> BTreeMap<(Vec<u8>, bool), Vec<Trial>> {
    let mut trials: BTreeMap<(Vec<u8>, bool), Vec<Trial>> = BTreeMap::new();
    let number = |index: usize| u16::try_from(index).unwrap_or(u16::MAX);
    let mut enter = |kind: &Kind, trial: Trial| {
        for anchor in &kind.anchors {
            trials.entry((anchor.as_bytes().to_vec(), kind.ignore_case)).or_default().push(trial);
        }
    };
    for (index, detector) in detectors.iter().enumerate() {
        enter(&detector.kind, Trial::Own(number(index)));
        let Some(near) = &detector.kind.near else { continue };
        for (other, neighbour) in detectors.iter().enumerate().filter(|(_, other)| other.kind.id == near.kind)
        {
            enter(&neighbour.kind, Trial::Near(number(index), number(other)));
        }
    }
    trials
}

/// Whether a secret looks random enough for its kind, and not like documentation.
fn looks_secret(kind: &Kind, secret: &[u8], connection: Option<&ConnectionUrl>) -> bool {
    let lower = secret.to_ascii_lowercase();
    let own = |word: &String| memchr::memmem::find(&lower, word.as_bytes()).is_some();
    if filter::is_placeholder(secret) || kind.not.iter().any(own) || filter::entropy(secret) < kind.entropy {
        return false;
    }
    match connection {
        // A weak password is one all the same where a host of its own shows that this is no documentation.
        Some(connection) => !filter::is_word(secret) || connection.has_own_host() && !filter::is_name(secret),
        None => !kind.generic || !filter::is_word(secret),
    }
}

impl ConnectionUrl {
    fn has_own_host(&self) -> bool {
        let local = self.host.starts_with("127.") || self.host == "0.0.0.0" || self.host.ends_with(".local");
        self.host.contains('.') && !local
    }
}

/// The longest beginning of a secret that its pack says may be shown.
fn shown(kind: &Kind, secret: &[u8]) -> String {
    let prefixes = kind.shown.as_ref().unwrap_or(&kind.anchors).iter();
    let prefix =
        prefixes.filter(|prefix| secret.starts_with(prefix.as_bytes())).max_by_key(|prefix| prefix.len());
    format!("{}…", prefix.map_or("", String::as_str))
}

impl Candidate {
    /// A key that was found by its name, or by one id beside it, belongs to any id beside it.
    fn share_neighbours(&mut self, other: &mut Self) {
        let (one, two) = (&mut self.found, &mut other.found);
        if (one.kind, one.start, one.end) == (two.kind, two.start, two.end) {
            one.near.append(&mut two.near);
            one.near.sort_by_key(|id| (id.start, id.end));
            one.near.dedup();
            two.near.clone_from(&one.near);
        }
    }
}

/// Keeps the best of candidates that overlap; they come in the order of their places.
fn best(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    for mut candidate in candidates {
        match kept.last_mut() {
            Some(last) if candidate.found.start < last.found.end => {
                last.share_neighbours(&mut candidate);
                if candidate.worth > last.worth {
                    *last = candidate;
                }
            }
            _ => kept.push(candidate),
        }
    }
    kept
}

impl Edge {
    fn allows(self, text: &[u8], place: &Range<usize>) -> bool {
        let before = text.get(..place.start).unwrap_or_default();
        let inside = |byte: u8, after: bool| match self {
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Token => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Base64 => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') || after && byte == b'='
            }
            Self::Any => false,
        };
        let free_before = match before {
            // The end of an escape: `\n` in a string literal, `%3D` in a URL.
            [.., b'\\', b'n' | b'r' | b't'] => true,
            [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
            [.., last] => !inside(*last, false),
            [] => true,
        };
        free_before && text.get(place.end).is_none_or(|byte| !inside(*byte, true))
    }
}

/// The lines around a place.
fn lines_around(text: &[u8], place: &Range<usize>) -> Range<usize> {
    let first = place.start.saturating_sub(NEAR_BYTES);
    let last = text.len().min(place.end.saturating_add(NEAR_BYTES));
    let before = text.get(first..place.start).unwrap_or_default();
    let after = text.get(place.end..last).unwrap_or_default();
    let begin =
        memchr::memrchr_iter(b'\n', before).nth(NEAR_LINES).map_or(first, |newline| first + newline + 1);
    let end = memchr::memchr_iter(b'\n', after).nth(NEAR_LINES).map_or(last, |newline| place.end + newline);
    begin..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::pack;

    #[test]
    fn every_pattern_compiles() {
        for detector in Searcher::new(pack::embedded()).detectors {
            assert!(detector.compiles(), "{}", detector.kind.id);
        }
    }

    #[test]
    fn every_neighbour_is_a_kind_with_literals() {
        let detectors = Searcher::new(pack::embedded()).detectors;
        for near in detectors.iter().filter_map(|detector| detector.kind.near.as_ref()) {
            assert!(
                detectors.iter().any(|other| other.kind.id == near.kind && !other.kind.anchors.is_empty())
            );
        }
    }

    #[test]
    fn lines_around_a_place_are_five_on_either_side() {
        let text: String = (0..20).map(|number| format!("{number}\n")).collect();
        let at = text.find("10").unwrap();
        let around = lines_around(text.as_bytes(), &(at..at + 2));
        assert_eq!(text.get(around), Some("5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15"));
    }
}
