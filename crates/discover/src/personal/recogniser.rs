//! Builds the recogniser from the packs.

use std::collections::HashMap;

use super::context::Words;
use super::form::{self, Form, Traits};
use super::name::Names;
use super::pack::{self, CheckAt, ColumnRule, Pack, TextRule};
use super::run::Splits;
use super::table::{Entry, Table};
use super::validate::{self, Reader, Validator};
use super::{Identifies, KindId, classify, shape};

/// A kind of personal data.
#[derive(Debug)]
pub struct Kind {
    /// Its id, such as `cn-resident-id`.
    pub id: String,
    /// What it is, in English.
    pub title: String,
    /// The same in Chinese.
    pub title_zh: String,
    /// Whom a value leads to.
    pub identifies: Identifies,
    /// The country that gives it (ISO 3166-1 alpha-2).
    pub country: Option<String>,
    /// Share of random values of its shape that are valid.
    pub chance: f64,
    /// Share of the worst look-alike that is usual in data, where it was measured.
    pub look_alike: Option<f64>,
    /// Values alone decide nothing: a name or context must say the same.
    pub weak: bool,
    /// Its values have a check character, so [`Recogniser::shifted`] has an answer.
    pub has_check: bool,
    /// A function proves its values: a check character, a range, a date, a list.
    pub has_validator: bool,
    /// Values of issuers that are not known decide nothing without a name.
    pub issued: bool,
    /// How many values there are, where so few that all can be tried: a digest of one hides nothing.
    pub enumerable: Option<f64>,
    /// Names of columns that hold it.
    pub columns: Vec<String>,
    pub(super) check: CheckAt,
    pub(super) text: TextRule,
    pub(super) exact: bool,
    pub(super) reader: Option<Reader>,
    pub(super) form: Option<Form>,
    pub(super) words: Vec<String>,
}

/// Kinds that a text is searched for by their form.
#[derive(Debug, Default)]
pub(super) struct InText {
    pub(super) email: Option<KindId>,
    pub(super) phone: Option<KindId>,
    pub(super) ip: Option<KindId>,
    pub(super) mac: Option<KindId>,
    pub(super) plate: Option<KindId>,
    pub(super) national: Option<KindId>,
}

/// Recognises every kind.
#[derive(Debug)]
pub struct Recogniser {
    pub(super) kinds: Vec<Kind>,
    ids: HashMap<String, KindId>,
    pub(super) names: Names,
    /// For whole values.
    pub(super) values: Table,
    /// Kinds with a form, in the order of kinds.
    pub(super) forms: Vec<(KindId, Form)>,
    /// Values of kinds that have few, folded.
    pub(super) listed: HashMap<Vec<u8>, Vec<KindId>>,
    /// What occurs in these.
    pub(super) listed_traits: Traits,
    /// For runs in texts: kinds that are told there.
    pub(super) runs: Table,
    /// How those are split.
    pub(super) splits: Splits,
    /// Words that say in a text what a number is.
    pub(super) context: Words,
    /// Kinds that a text is searched for by their form.
    pub(super) in_text: InText,
    pub(super) level: classify::Level,
}

impl Recogniser {
    /// The recogniser with the detectors that are part of the program.
    pub fn embedded() -> Self {
        // A test reads every pack, so a program that passed its tests has no pack that is left out here.
        Self::new(pack::embedded().unwrap_or_default())
    }

    /// The same with those kinds alone whose id is wanted.
    pub fn embedded_only(wanted: impl Fn(&str) -> bool) -> Self {
        let mut packs = pack::embedded().unwrap_or_default();
        packs.retain(|pack| wanted(&pack.id));
        Self::new(packs)
    }

    /// A recogniser of these packs. What is wrong in one of them is left out; [`check`] tells it.
    pub(super) fn new(packs: Vec<Pack>) -> Self {
        let mut all = Self {
            kinds: Vec::with_capacity(packs.len()),
            ids: HashMap::new(),
            names: Names::default(),
            values: Table::new(),
            forms: Vec::new(),
            listed: HashMap::new(),
            listed_traits: Traits::NONE,
            runs: Table::new(),
            splits: Splits::default(),
            context: Words::new(),
            in_text: InText::default(),
            level: classify::Level::new(),
        };
        for pack in packs {
            all.add(pack);
        }
        all.splits.finish();
        all.runs.finish();
        all.context.finish();
        all
    }

    fn add(&mut self, pack: Pack) {
        let Ok(index) = u16::try_from(self.kinds.len()) else { return };
        let id = KindId(index);
        let (validator, reader) = match pack.validator.as_deref().and_then(validate::find) {
            Some((validator, reader)) => (Some(validator), reader),
            None => (None, None),
        };
        self.add_patterns(id, &pack, validator);
        let form = pack.shape.form.as_deref().and_then(form::find);
        if let Some(form) = form {
            self.forms.push((id, form));
            match form.name {
                "email" => self.in_text.email = Some(id),
                "e164" => self.in_text.phone = Some(id),
                "ip" => self.in_text.ip = Some(id),
                "mac" => self.in_text.mac = Some(id),
                "plate" => self.in_text.plate = Some(id),
                "national" => self.in_text.national = Some(id),
                _ => {}
            }
        }
        for word in &pack.shape.words {
            self.listed_traits = self.listed_traits.and(form::traits(word.as_bytes()));
            self.listed.entry(form::fold_word(word.as_bytes())).or_default().push(id);
        }
        self.context.add_kind(&pack.context, id);
        for name in &pack.columns {
            self.names.add(name, id);
        }
        for word in &pack.things {
            self.names.add_thing(word, id);
        }
        self.ids.insert(pack.id.clone(), id);
        self.kinds.push(Kind {
            id: pack.id,
            title: pack.title,
            title_zh: pack.title_zh,
            identifies: pack.identifies,
            country: pack.country,
            chance: pack.chance.random,
            look_alike: pack.chance.look_alike,
            weak: pack.column == ColumnRule::Named,
            has_check: pack.check != CheckAt::None,
            has_validator: validator.is_some(),
            issued: pack.column == ColumnRule::Issued,
            enumerable: pack.enumerable,
            columns: pack.columns,
            check: pack.check,
            text: pack.text,
            exact: pack.shape.exact_case,
            reader,
            form,
            words: pack.shape.words,
        });
    }

    fn add_patterns(&mut self, id: KindId, pack: &Pack, validator: Option<Validator>) {
        for classes in pack.shape.patterns.iter().filter_map(|pattern| shape::parse(pattern).ok()).flatten() {
            let entry = || Entry::new(id, pack, validator, &classes);
            self.values.add(&classes, entry);
            // A text is searched for the plus; whether a number with 00 is meant, its digits do not tell.
            if pack.text != TextRule::Never && pack.shape.form.as_deref() != Some("e164") {
                self.runs.add(&classes, entry);
            }
        }
        if pack.text != TextRule::Never {
            for key in pack.shape.groups.iter().filter_map(|groups| shape::groups(groups).ok()) {
                self.splits.add(key, id);
            }
        }
    }

    /// Every kind, by id.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// One kind.
    pub fn kind(&self, id: KindId) -> Option<&Kind> {
        self.kinds.get(usize::from(id.0))
    }

    /// The kind with this id.
    pub fn by_name(&self, id: &str) -> Option<KindId> {
        self.ids.get(id).copied()
    }

    /// Kinds that hold values in columns of this name. Case, `_`, `-`, `.` and spaces do not matter, of a path the last
    /// segment counts, and words may stand before (`emergency_contact_phone`) and some behind (`phone_no`, `phone_md5`).
    /// The most specific name wins. Appends to `out`.
    pub fn named(&self, column: &str, out: &mut Vec<KindId>) {
        self.names.find(column, out);
    }

    /// Appends the kinds that a column of this name does not hold, although its values may look like them: the address
    /// of a server is no person's.
    pub fn denied(&self, column: &str, out: &mut Vec<KindId>) {
        self.names.denied(column, out);
    }
}

/// What is wrong in a pack, in words.
#[cfg(test)]
pub(super) fn check(pack: &Pack) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut note = |what: String| wrong.push(format!("{}: {what}", pack.id));
    for pattern in &pack.shape.patterns {
        if let Err(what) = shape::parse(pattern) {
            note(what);
        }
    }
    for groups in &pack.shape.groups {
        if let Err(what) = shape::groups(groups) {
            note(what);
        }
    }
    if super::token::separator_bits(&pack.shape.separators).is_none() {
        note("a separator that is none".to_owned());
    }
    if pack.validator.as_deref().is_some_and(|name| validate::find(name).is_none()) {
        note("no such validator".to_owned());
    }
    if pack.shape.form.as_deref().is_some_and(|name| form::find(name).is_none()) {
        note("no such form".to_owned());
    }
    if pack.shape.patterns.is_empty() && pack.shape.form.is_none() && pack.shape.words.is_empty() {
        note("no shape".to_owned());
    }
    wrong
}
