//! Which kinds explain a column, and how sure that is.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use model::{Confidence, Form};

use super::form;
use super::profile::{KindSet, Profile};
use super::recognise::About;
use super::statistics::{ALPHA, TRUE_PASS, lower, upper};
use crate::personal::KindId;

/// With what chance an unnamed column may be mistaken for one of a kind: a store has thousands of columns, and each is
/// compared with dozens of kinds, so 1 % would be far too much. The name of a column is evidence that bears 1 %.
const UNNAMED: f64 = 1e-5;

/// No check digit lets more look-alikes pass: modulo 10, and 11 with an X, with a little room.
const CHECK_ALONE: f64 = 0.12;

/// Up to here, what passes proves itself; above, a column has to be named or nearly full of it.
const PROVING: f64 = 1e-3;

/// The least share of an unnamed column that must pass where chance is not rare: of what has no shape of its own, for
/// digests and masked values may be of the same kind. Where that is less than [`PLAIN`] of the column, as if it were so much.
const MOST: f64 = 0.7;
const PLAIN: f64 = 0.3;

/// The least share of the valid values of an unnamed column whose issuer is known, where the kind has to be issued.
const ISSUED: f64 = 0.5;

/// The least share of a column that is told by the profile of its values, as names are, and the look-alikes that may pass.
const PROFILE: f64 = 0.9;
const LIKE: f64 = 0.1;

/// The same where the name says it: of what has no shape of its own, some is always badly written or not given.
const NAMED: f64 = 0.8;

/// The least share of a column that is told when a kind's own proof is weak.
const SOME: f64 = 0.02;

/// A share, with bounds at 99 %.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Interval {
    /// At least.
    pub lower: f64,
    /// The likeliest.
    pub estimate: f64,
    /// At most.
    pub upper: f64,
}

/// What was found out about a column: that it holds values of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The kind.
    pub kind: KindId,
    /// In which form.
    pub form: Form,
    /// The shares of the forms, where there are several, in order of [`Form`].
    pub forms: Vec<(Form, f64)>,
    /// Share of the column's values that it explains.
    pub share: Interval,
    /// How sure that is.
    pub confidence: Confidence,
    /// The column's name says so, too.
    pub named: bool,
    /// Some of the values have to be decoded.
    pub encoded: bool,
    /// It stands inside texts.
    pub in_text: bool,
    /// Why, in a clause.
    pub why: String,
}

/// Decides which kinds of personal data a column holds. `named`: kinds that its name says; `present`: kinds that stand
/// elsewhere in the store, which are meant when a name says several.
pub fn decide(
    profile: &Profile,
    named: &[KindId],
    present: &BTreeSet<KindId>,
    about: &[About],
) -> Vec<Finding> {
    if profile.values == 0 {
        return Vec::new();
    }
    let clear = clear_kinds(profile, named, about);
    let mut findings = form::with_forms(profile, named, present, about, clear);
    findings.extend(inside_texts(profile, named, about, &findings));
    findings
}

/// The kinds that explain the values best, one after the other: whatever values the best one explains are no evidence
/// for the next. So a mobile number that is a right CPF by chance stays a mobile number, and a column of two kinds is
/// told as both.
fn clear_kinds(profile: &Profile, named: &[KindId], about: &[About]) -> Vec<Finding> {
    let mut left = profile.passes.by_count();
    let mut found = Vec::new();
    loop {
        let candidates = profile.kinds().filter_map(|kind| {
            let about = about.get(usize::from(kind.0))?;
            Candidate::new(profile, kind, about, passes(&left, kind), named.contains(&kind))
        });
        let Some(best) = candidates.filter(Candidate::holds).min_by(Candidate::better) else { return found };
        left.retain(|(set, _)| !set.contains(&best.kind));
        found.push(best.finding(profile));
    }
}

fn passes(sets: &[(KindSet, u64)], kind: KindId) -> u64 {
    sets.iter().filter(|(set, _)| set.contains(&kind)).map(|(_, count)| count).sum()
}

/// A kind that may explain what is left of a column.
struct Candidate {
    kind: KindId,
    named: bool,
    weak: bool,
    checked: bool,
    /// Values of unknown issuers are none.
    issued: bool,
    independent: f64,
    /// Share of the column that has no shape of its own.
    plain: f64,
    /// Share that passes.
    passing: f64,
    /// Share of these whose region or prefix is known.
    known: f64,
    /// Share of random values that passes.
    random: f64,
    /// Share that passes by chance, or as look-alikes do.
    chance: f64,
    /// The same at most: few look-alikes among few values prove little.
    chance_at_most: f64,
    rank: (u8, KindId),
}

impl Candidate {
    fn new(profile: &Profile, kind: KindId, about: &About, passed: u64, named: bool) -> Option<Self> {
        let look_alike = about.look_alike.filter(|share| about.weak && !about.has_check && *share <= LIKE);
        if passed == 0 || about.weak && !named && look_alike.is_none() {
            return None;
        }
        let values = profile.values as f64;
        let independent = profile.independent();
        let tally = profile.tally(kind);
        let shifted = tally.shifted as f64 / values;
        let shifted_at_most = upper(shifted * independent, independent, ALPHA).min(CHECK_ALONE).max(shifted);
        // What has another shape cannot pass by chance.
        let plain = 1.0 - profile.shaped();
        let (chance, chance_at_most) = if about.has_check {
            ((plain * about.chance).max(shifted), (plain * about.chance).max(shifted_at_most))
        } else {
            let chance = plain * about.chance.max(look_alike.unwrap_or_default());
            (chance, chance)
        };
        Some(Self {
            kind,
            named,
            weak: about.weak,
            checked: about.has_check,
            issued: about.issued,
            independent,
            plain,
            passing: passed as f64 / values,
            known: if tally.valid == 0 { 0.0 } else { tally.known as f64 / tally.valid as f64 },
            random: about.chance,
            chance,
            chance_at_most,
            rank: (about.identifies as u8, kind),
        })
    }

    /// The share that is explained when so many pass.
    fn explained(&self, passing: f64) -> f64 {
        let room = TRUE_PASS - self.chance;
        let share = if room < 0.1 { passing } else { (passing - self.chance) / room };
        share.clamp(0.0, 1.0)
    }

    fn share(&self) -> Interval {
        let (hits, tries) = (self.passing * self.independent, self.independent);
        Interval {
            lower: self.explained(lower(hits, tries, ALPHA / 2.0)),
            estimate: ((self.passing - self.chance) / (1.0 - self.chance)).clamp(0.0, 1.0),
            upper: self.explained(upper(hits, tries, ALPHA / 2.0)),
        }
    }

    /// Whether more pass than chance and look-alikes explain, and enough of the column.
    fn holds(&self) -> bool {
        let alpha = if self.named { ALPHA } else { UNNAMED };
        let surely = lower(self.passing * self.independent, self.independent, alpha);
        let beyond_chance = surely > self.chance_at_most;
        let all = self.passing >= if self.named { NAMED * self.plain.max(PLAIN) } else { PROFILE };
        if self.named {
            return all || beyond_chance && (self.proves() || self.explained(surely) >= SOME);
        }
        if self.weak {
            return all && beyond_chance;
        }
        if self.proves() {
            // Three values of which all are right and of a known region are told, as they would be in a text.
            let few_but_known = self.independent >= 3.0 && self.passing > 0.999 && self.known > 0.999;
            return beyond_chance || self.checked && few_but_known;
        }
        // That it is no chance is one question, and has been answered; what most of the column is, another.
        beyond_chance && self.explained_of_plain() >= MOST && (!self.issued || self.known >= ISSUED)
    }

    /// The share that is explained of what has no shape of its own.
    fn explained_of_plain(&self) -> f64 {
        let room = TRUE_PASS * self.plain.max(PLAIN) - self.chance;
        if room < 0.1 * self.plain { 0.0 } else { (self.passing - self.chance) / room }
    }

    /// Whether what passes proves itself: chance makes few, and of those that pass here next to none.
    fn proves(&self) -> bool {
        !self.weak && self.random <= PROVING && self.chance <= (0.02 * self.passing).max(PROVING)
    }

    /// The better of two explains more of the column; if they explain about the same, it is the one that the name says,
    /// then the one that chance makes more seldom.
    fn better(&self, other: &Self) -> std::cmp::Ordering {
        let order = |candidate: &Self| {
            let explained = (candidate.explained(candidate.passing) * 10.0).round() as u8;
            (Reverse(explained), Reverse(candidate.named), candidate.chance, candidate.rank)
        };
        order(self).partial_cmp(&order(other)).unwrap_or(std::cmp::Ordering::Equal)
    }

    fn confidence(&self) -> Confidence {
        let few = self.independent < 3.0;
        match () {
            () if self.weak && !self.named => Confidence::Low,
            () if few && !(self.named && self.proves()) => Confidence::Low,
            () if self.proves() && (self.checked || self.named) => Confidence::High,
            () if self.checked && self.named && !self.weak => Confidence::High,
            () => Confidence::Medium,
        }
    }

    fn finding(&self, profile: &Profile) -> Finding {
        let share = self.share();
        let chance = if self.chance > 0.9 {
            String::new()
        } else {
            format!(", {} would by chance", percent(self.chance))
        };
        Finding {
            kind: self.kind,
            form: Form::Clear,
            forms: vec![(Form::Clear, share.estimate)],
            share,
            confidence: self.confidence(),
            named: self.named,
            encoded: profile.tally(self.kind).encoded > 0,
            in_text: false,
            why: format!("{} of the values pass{chance}", percent(self.passing)),
        }
    }
}

/// Kinds that stand inside texts.
fn inside_texts(profile: &Profile, named: &[KindId], about: &[About], found: &[Finding]) -> Vec<Finding> {
    let all: u64 = profile.kinds().map(|kind| profile.tally(kind).inside).sum();
    let inside = |kind: KindId| {
        let about = about.get(usize::from(kind.0))?;
        let rows = profile.tally(kind).inside;
        // Values of other kinds in the same texts pass by chance, too.
        let by_chance = about.chance * (all - rows) as f64;
        if rows as f64 <= by_chance || found.iter().any(|finding| finding.kind == kind) {
            return None;
        }
        let independent = profile.independent().max(1.0);
        let share = rows as f64 / profile.values as f64;
        let hits = share * independent;
        let share = Interval {
            lower: lower(hits, independent, ALPHA / 2.0),
            estimate: share,
            upper: upper(hits, independent, ALPHA / 2.0),
        };
        Some(Finding {
            kind,
            form: Form::Clear,
            forms: vec![(Form::Clear, share.estimate)],
            share,
            confidence: if about.has_check && rows >= 3 { Confidence::Medium } else { Confidence::Low },
            named: named.contains(&kind),
            encoded: false,
            in_text: true,
            why: format!("free text: {} of the values have it in them", percent(share.estimate)),
        })
    };
    profile.kinds().filter_map(inside).collect()
}

/// A share in words.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        percent if percent >= 99.95 => "all".to_owned(),
        percent if percent >= 10.0 => format!("{percent:.0} %"),
        percent if percent >= 0.1 => format!("{percent:.1} %"),
        percent if percent > 0.0 => {
            format!("1 in {:.0}", 1.0 / share)
        }
        _ => "none".to_owned(),
    }
}
