//! A column while it is read.

use std::collections::BTreeSet;

use model::{Confidence, Form};

use crate::column::{About, Finding, Profile, Recognise, Shape, decide};
use crate::people::{Bounds, Digests, Sketch, Space};
use crate::personal::{Identifies, KindId};

/// Kinds of identifier that are counted in one column: identity card or passport, mobile or landline or address.
const KINDS: usize = 4;

/// What a column holds is decided again after so many values, and then whenever there is a thirty-second part more of
/// them: fewer hardly change the shares, and each decision costs as much as thousands of rows.
const AGAIN: u64 = 32;

/// What is done to the values of a column, as the last word of its name says it.
const DONE: [&str; 36] = [
    "aes",
    "b64",
    "base64",
    "cipher",
    "ciphertext",
    "crypt",
    "crypted",
    "des",
    "digest",
    "enc",
    "encoded",
    "encrypted",
    "fernet",
    "gcm",
    "hash",
    "hashed",
    "hex",
    "hmac",
    "keyed",
    "legacy",
    "mask",
    "masked",
    "migrated",
    "migrating",
    "protected",
    "pseudonym",
    "redacted",
    "sealed",
    "secure",
    "secured",
    "sm4",
    "surrogate",
    "token",
    "tokenised",
    "tokenized",
    "vault",
];

/// Lengths in bytes of the digests that are compared with those of clear values.
const JOINED: [u16; 3] = [16, 20, 32];

/// What is done with the values of a column of identifiers.
#[derive(Clone, Debug)]
pub(super) struct Role {
    /// With what the values are compared.
    pub(super) space: Space,
    /// Values that passed: of the first pass, and of the second one.
    pub(super) passed: u64,
    pub(super) passed_in_full: u64,
}

impl Role {
    /// Notes that a value passed.
    pub(super) fn pass(&mut self, full: bool) {
        *(if full { &mut self.passed_in_full } else { &mut self.passed }) += 1;
    }
}

/// What is known of a column.
#[derive(Clone, Debug)]
pub(super) struct ColumnState {
    pub(super) name: String,
    pub(super) named: Vec<KindId>,
    /// Kinds that its name says it does not hold.
    denied: Vec<KindId>,
    /// Values of the first pass.
    pub(super) values: u64,
    /// While it is open.
    pub(super) profile: Option<Box<Profile>>,
    pub(super) findings: Vec<Finding>,
    pub(super) roles: Vec<Role>,
    /// Shares of its values that kinds accept, once it is closed.
    pub(super) accepted: Vec<(KindId, f64)>,
    /// Some values have to be decoded first.
    pub(super) encoded: bool,
    /// It holds dates of birth, of this kind.
    pub(super) born: Option<KindId>,
    /// It holds digests or random bytes of this length.
    pub(super) digest: Option<u16>,
    /// Values of identifiers in the first pass, before they are known to be some.
    pub(super) candidates: u64,
    /// Values looked at before it is decided again.
    next_decision: u64,
    /// Distinct identifiers, and how many there were when it was closed.
    pub(super) distinct: Sketch,
    pub(super) counted: Option<Bounds>,
    /// Distinct digests.
    pub(super) hashes: Sketch,
    /// Digests of identifiers.
    pub(super) digests: Option<Box<Digests>>,
    /// Distinct values as the store counts them, and the relative error.
    pub(super) told: Option<(u64, f64)>,
}

impl ColumnState {
    pub(super) fn new(name: &str, recogniser: &dyn Recognise) -> Self {
        let named = named(name, recogniser);
        let mut denied = Vec::new();
        recogniser.denied(name, &mut denied);
        Self {
            name: name.to_owned(),
            named,
            denied,
            values: 0,
            profile: Some(Box::default()),
            findings: Vec::new(),
            roles: Vec::new(),
            accepted: Vec::new(),
            encoded: false,
            born: None,
            digest: None,
            candidates: 0,
            next_decision: AGAIN,
            distinct: Sketch::new(),
            counted: None,
            hashes: Sketch::new(),
            digests: None,
            told: None,
        }
    }

    /// Kinds that stand here in clear, and prove themselves.
    pub(super) fn proven(&self, about: &[About]) -> Vec<KindId> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let findings = decide(profile, &self.named, &BTreeSet::new(), about);
        let high = |finding: &&Finding| finding.form == Form::Clear && finding.confidence == Confidence::High;
        findings.iter().filter(high).map(|finding| finding.kind).collect()
    }

    /// Decides what it holds from what was seen until now. Roles that it has stay: what was counted was counted.
    pub(super) fn decide(&mut self, about: &[About], present: &BTreeSet<KindId>) {
        let Some(profile) = &self.profile else { return };
        self.findings = decide(profile, &self.named, present, about);
        self.findings.retain(|finding| !self.denied.contains(&finding.kind));
        self.digest = profile.digest_length().filter(|bytes| JOINED.contains(bytes));
        for finding in &self.findings {
            let Some(about) = about.get(usize::from(finding.kind.0)) else { continue };
            self.encoded |= finding.encoded;
            if about.identifies == Identifies::Nobody || finding.in_text {
                continue;
            }
            let clear = finding.forms.iter().any(|(form, _)| *form == Form::Clear);
            let hashed = finding.forms.iter().any(|(form, _)| matches!(form, Form::Hashed | Form::Opaque));
            for digest in clear.then_some(0).into_iter().chain(self.digest.filter(|_| hashed)) {
                let space = about.space(finding.kind, digest);
                if self.roles.len() < KINDS && !self.roles.iter().any(|role| role.space == space) {
                    let passed = if digest == 0 { profile.valid(finding.kind) } else { profile.looked() };
                    self.roles.push(Role { space, passed, passed_in_full: 0 });
                }
            }
        }
        // They were filled in case that it would be a column of identifiers.
        if !self.roles.iter().any(|role| role.space.digest == 0) {
            self.digests = None;
        }
        if self.digest.is_none() {
            self.hashes = Sketch::new();
        }
    }

    /// Decides again, now and then, while nothing was found. Says whether it is now known to hold identifiers.
    pub(super) fn decide_again(&mut self, about: &[About], present: &BTreeSet<KindId>) -> bool {
        let looked = self.profile.as_ref().map_or(0, |profile| profile.looked());
        if !self.roles.is_empty() || self.candidates == 0 || looked < self.next_decision {
            return false;
        }
        self.next_decision = looked + (looked / 32).max(AGAIN);
        self.decide(about, present);
        !self.roles.is_empty()
    }

    /// Keeps how many distinct identifiers there are, and drops the sketch.
    pub(super) fn count(&mut self) {
        if self.roles.is_empty() || self.counted.is_some() && self.distinct.is_empty() {
            return;
        }
        let now = std::mem::take(&mut self.distinct).bounds();
        let before = self.counted.unwrap_or_default();
        self.counted = Some(Bounds {
            lower: before.lower.max(now.lower),
            estimate: before.estimate.max(now.estimate),
            upper: before.upper.saturating_add(now.upper),
        });
    }

    /// Distinct persons of all that was read. The same persons may stand there in clear and as digests.
    pub(super) fn persons(&self) -> Option<Bounds> {
        let clear = self.counted?;
        if self.roles.iter().all(|role| role.space.digest == 0) {
            return Some(clear);
        }
        let digests = self.hashes.bounds();
        Some(Bounds {
            lower: clear.lower.max(digests.lower),
            estimate: clear.estimate.max(digests.estimate),
            upper: clear.upper.saturating_add(digests.upper),
        })
    }

    /// Whether its digests may be found among those of clear values.
    pub(super) fn may_join(&self) -> bool {
        self.digest.is_some_and(|bytes| JOINED.contains(&bytes))
    }

    /// Whether anything is told about it.
    pub(super) fn is_silent(&self) -> bool {
        self.findings.is_empty() && !self.may_join() && self.roles.is_empty()
    }
}

/// The length of the digest that a value may be.
pub(super) fn digest_length(shape: Shape) -> Option<u16> {
    let length = match shape {
        Shape::Digest(bytes) => bytes,
        Shape::Bytes(bytes) => u16::try_from(bytes).ok()?,
        _ => return None,
    };
    JOINED.contains(&length).then_some(length)
}

/// The kinds that a column's name says, also when behind it stands what was done to the values: `mobile_sealed`.
fn named(name: &str, recogniser: &dyn Recognise) -> Vec<KindId> {
    let mut kinds = Vec::new();
    recogniser.named(name, &mut kinds);
    let mut rest = name;
    while kinds.is_empty() {
        let split = rest.rsplit_once(['_', '-', ' ', '.']);
        let Some((before, _)) = split.filter(|(_, last)| DONE.contains(&last.to_ascii_lowercase().as_str()))
        else {
            break;
        };
        rest = before;
        recogniser.named(rest, &mut kinds);
        if kinds.is_empty() {
            recogniser.named(&format!("{rest}_id"), &mut kinds);
        }
    }
    kinds
}
