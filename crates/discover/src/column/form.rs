//! The form in which values stand there that are not clear: masked, hashed, tokenised, encrypted.

use std::collections::{BTreeMap, BTreeSet};

use model::{Confidence, Form};

use super::decide::{Finding, Interval, percent};
use super::mask::Mask;
use super::profile::Profile;
use super::recognise::About;
use super::statistics::{ALPHA, lower, upper};
use crate::personal::{Identifies, KindId};

/// A form that fewer of the values have is noise.
const SOME: f64 = 0.02;

/// So much of a column must be of a form to say so by the column's name alone.
const MOST: f64 = 0.5;

/// Masked values whose gaps lie in so few places are masked by one and the same rule.
const PLACES: usize = 8;

/// So many random values have the shape of a kind by chance: seven in ten begin like a resident number.
const ALIKE: f64 = 0.6;

/// Fewer different values are codes of something, not tokens of people.
const VARIED: u64 = 20;

/// Bytes that AES-GCM adds: a nonce of 12 and a tag of 16 (<https://www.rfc-editor.org/rfc/rfc5116#section-5.1>).
const GCM: u32 = 28;

/// Values that are not clear.
struct Guarded {
    form: Form,
    share: f64,
    why: String,
}

/// Adds to the clear findings those of other forms, and makes one finding of a kind that has several.
pub(super) fn with_forms(
    profile: &Profile,
    named: &[KindId],
    present: &BTreeSet<KindId>,
    about: &[About],
    mut clear: Vec<Finding>,
) -> Vec<Finding> {
    let explained: f64 = clear.iter().map(|finding| finding.share.estimate).sum();
    let voted = masked_kind(profile, about);
    let meant = meant(profile, named, present, about, &clear);
    let by_name = meant.is_some_and(|kind| named.contains(&kind));
    let Some(kind) = meant.or(voted) else { return clear };
    let identifier = about.get(usize::from(kind.0)).map(|about| about.identifies != Identifies::Nobody);
    let strong = about.get(usize::from(kind.0)).is_some_and(|about| about.has_check && !about.weak);
    let mut guarded = guarded(profile, identifier.unwrap_or(true), strong);
    if explained < SOME && guarded.is_empty() {
        guarded.extend(tokens_alike(profile, kind, about));
    }
    guarded.retain(|part| part.share >= SOME);
    if !by_name && clear.is_empty() {
        guarded.retain(|part| part.form == Form::Masked);
    }
    let share: f64 = guarded.iter().map(|part| part.share).sum();
    if guarded.is_empty() || share + explained < MOST {
        return clear;
    }
    match clear.iter_mut().find(|finding| finding.kind == kind) {
        Some(finding) => mix(finding, &guarded, profile),
        None => clear.push(alone(kind, by_name, &guarded, voted == Some(kind), profile)),
    }
    clear
}

/// The kind that a column is about: the clear one of which most is there, else one that its name says. A name such as
/// `id_card` says several: then it is the one whose shape most values have, or that stands elsewhere in the store, or that
/// most people have.
fn meant(
    profile: &Profile,
    named: &[KindId],
    present: &BTreeSet<KindId>,
    about: &[About],
    clear: &[Finding],
) -> Option<KindId> {
    let largest = clear.iter().max_by(|one, two| one.share.estimate.total_cmp(&two.share.estimate));
    let rank = |kind: &KindId| {
        let about = about.get(usize::from(kind.0))?;
        let tally = profile.tally(*kind);
        let shape = 2 * tally.alike.max(tally.masked) > profile.values;
        let values = about.enumerable.unwrap_or_default() as u64;
        Some((!shape, about.identifies, about.weak, !present.contains(kind), std::cmp::Reverse(values)))
    };
    let by_name = || named.iter().filter_map(|kind| Some((rank(kind)?, *kind))).min().map(|(_, kind)| kind);
    largest.map(|finding| finding.kind).or_else(by_name)
}

/// The kind of which most masked values could be one. A check digit says nothing once a digit before it is gone, so what
/// has none, and still fits, comes first: a mobile number has a prefix, a CPF has nothing that could still be seen. Where
/// only numbers with a check digit fit, and of several countries' people, nobody can tell.
fn masked_kind(profile: &Profile, about: &[About]) -> Option<KindId> {
    let masked = profile.masks.sum() as f64;
    let strong = |kind: &KindId| about.get(usize::from(kind.0)).filter(|about| !about.weak);
    let votes = profile.kinds().filter_map(|kind| {
        let about = strong(&kind)?;
        let votes = profile.tally(kind).masked as f64 / masked;
        (votes >= 0.8).then_some((kind, (about.has_check, about.identifies), about.chance))
    });
    let votes: Vec<_> = votes.collect();
    let people = votes.iter().filter(|(_, (_, identifies), _)| *identifies == Identifies::Person).count();
    let best = votes.into_iter().min_by(|one, two| one.1.cmp(&two.1).then(one.2.total_cmp(&two.2)));
    best.filter(|(_, (checked, _), _)| masked > 0.0 && (!checked || people <= 1)).map(|(kind, ..)| kind)
}

fn guarded(profile: &Profile, identifier: bool, strong: bool) -> Vec<Guarded> {
    let all = profile.values as f64;
    let mut parts = Vec::new();
    let mut add = |form, count: u64, why: String| {
        if count > 0 {
            parts.push(Guarded { form, share: count as f64 / all, why });
        }
    };
    let masks = profile.masks.by_count();
    let in_few_places = places(&masks);
    if in_few_places as f64 >= 0.8 * profile.masks.sum() as f64 {
        add(Form::Masked, profile.masks.sum(), remaining(&masks));
    }
    add(Form::Encrypted, profile.encrypted, "a format of ciphertext that says so".to_owned());
    if profile.is_random() {
        add(Form::Opaque, profile.bytes.sum(), by_length(profile));
    }
    // Digests and tokens of what does not tell who somebody is are keys of rows and files, most of them; a number with a
    // check digit, such as that of a card, is what it is in any form but that of a key.
    if identifier || strong {
        for (bytes, count) in profile.digests.by_count() {
            add(Form::Hashed, count, format!("{} hex digits", 2 * bytes));
        }
    }
    if identifier {
        add(Form::Hashed, profile.passwords, "salted, as passwords are".to_owned());
        add(Form::Tokenised, profile.tokens, "UUIDs".to_owned());
    }
    parts
}

/// How many masked values have their gap in one of the usual places.
fn places(masks: &[(Mask, u64)]) -> u64 {
    let mut places: BTreeMap<(u16, u16), u64> = BTreeMap::new();
    for (mask, count) in masks {
        *places.entry((mask.before, mask.blotted)).or_default() += count;
    }
    let mut counts: Vec<u64> = places.into_values().collect();
    counts.sort_unstable_by(|one, two| two.cmp(one));
    counts.iter().take(PLACES).sum()
}

/// What can still be read of a masked value: the region and four digits of a number still tell a few people apart.
fn remaining(masks: &[(Mask, u64)]) -> String {
    let Some((mask, _)) = masks.first() else { return String::new() };
    let after = mask.length.saturating_sub(mask.before + mask.blotted);
    match (mask.before, after) {
        (0, 0) => "nothing can be read".to_owned(),
        (before, 0) => format!("the first {before} of {} characters can be read", mask.length),
        (0, after) => format!("the last {after} of {} characters can be read", mask.length),
        (before, after) => {
            format!("the first {before} and the last {after} of {} characters can be read", mask.length)
        }
    }
}

/// What the length of random bytes says: little, and that is said.
fn by_length(profile: &Profile) -> String {
    let lengths = profile.bytes.by_count();
    let all = profile.bytes.sum() as f64;
    let share = |test: &dyn Fn(u32) -> bool| {
        lengths.iter().filter(|(length, _)| test(*length)).map(|(_, count)| *count as f64).sum::<f64>() / all
    };
    let first = lengths.first().map_or(0, |(length, _)| *length);
    if share(&|length| length % 16 == 0) > 0.99 {
        if lengths.len() == 1 && matches!(first, 16 | 32 | 64) {
            return format!("{first} random bytes: a keyed digest or a block cipher");
        }
        return "random bytes, by blocks of 16: a block cipher such as AES-CBC, or a keyed digest".to_owned();
    }
    if matches!(first, 20 | 28 | 48) && lengths.len() == 1 {
        return format!("{first} random bytes: a digest");
    }
    if first > GCM {
        let clear = first - GCM;
        return format!("{first} random bytes: {GCM} more than {clear} of clear text, as AES-GCM makes them");
    }
    "random bytes".to_owned()
}

/// Values like those of the kind, of which hardly more have a right check digit than by chance.
fn tokens_alike(profile: &Profile, kind: KindId, about: &[About]) -> Option<Guarded> {
    let about = about.get(usize::from(kind.0))?;
    let all = profile.values as f64;
    let alike = profile.tally(kind).alike as f64 / all;
    let varied = profile.distinct() >= VARIED;
    let guarded = Guarded {
        form: Form::Tokenised,
        share: alike.max(profile.of_one_length()),
        why: format!(
            "random values of the same shape: {} have a right check digit",
            percent(profile.tally(kind).valid as f64 / all)
        ),
    };
    (about.has_check && alike >= ALIKE && varied).then_some(guarded)
}

fn interval(share: f64, profile: &Profile) -> Interval {
    let tries = profile.independent().max(1.0);
    let share = share.min(1.0);
    Interval {
        lower: lower(share * tries, tries, ALPHA / 2.0),
        estimate: share,
        upper: upper(share * tries, tries, ALPHA / 2.0),
    }
}

fn shares(guarded: &[Guarded]) -> BTreeMap<Form, f64> {
    let mut shares = BTreeMap::new();
    for part in guarded {
        *shares.entry(part.form).or_default() += part.share;
    }
    shares
}

fn why(guarded: &[Guarded]) -> String {
    let parts = guarded.iter().map(|part| format!("{} {} ({})", percent(part.share), part.form, part.why));
    parts.collect::<Vec<_>>().join(", ")
}

/// A clear kind of which some values stand in other forms, as a migration leaves them.
fn mix(finding: &mut Finding, guarded: &[Guarded], profile: &Profile) {
    let mut forms = shares(guarded);
    forms.insert(Form::Clear, finding.share.estimate);
    finding.why = format!("{} clear, {}", percent(finding.share.estimate), why(guarded));
    finding.share = interval(forms.values().sum(), profile);
    finding.forms = forms.into_iter().collect();
    finding.form = Form::Mixed;
}

/// A kind of which no clear value is there.
fn alone(kind: KindId, named: bool, guarded: &[Guarded], voted: bool, profile: &Profile) -> Finding {
    let forms: Vec<(Form, f64)> = shares(guarded).into_iter().collect();
    let form = match forms.as_slice() {
        [(form, _)] => *form,
        _ => Form::Mixed,
    };
    // What is masked still has the shape of its kind; of all else, only the name says what it is.
    let confidence = if named && voted { Confidence::Medium } else { Confidence::Low };
    Finding {
        kind,
        form,
        share: interval(forms.iter().map(|(_, share)| share).sum(), profile),
        forms,
        confidence,
        named,
        encoded: false,
        in_text: false,
        why: why(guarded),
    }
}
