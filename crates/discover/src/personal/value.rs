//! What a whole value may be, its canonical form, and what it tells.

use jiff::civil::Date;

use super::pack::CheckAt;
use super::table::Entry;
use super::token::{Token, trim};
use super::validate::{Check, to_18};
use super::{Facts, Hit, KindId, Recogniser, form, shape};

/// Longer values are text.
const LONGEST: usize = 512;

impl Recogniser {
    /// Appends the kinds that accept a whole value, in the order of kinds by shape. White space around it, full-width
    /// characters and the usual separators do not matter. A value of the right shape that does not prove itself is a hit
    /// that is not valid.
    pub fn value(&self, value: &[u8], out: &mut Vec<Hit>) {
        let value = trim(value);
        if value.is_empty() || value.len() > LONGEST {
            return;
        }
        // Nothing else looks at bare digits. All are looked at, so that they can be looked at together.
        if value.len() <= shape::LONGEST && value.iter().fold(true, |all, byte| all & byte.is_ascii_digit()) {
            return self.digits(value, 0, out);
        }
        if let Some(token) = Token::read(value, false) {
            if token.digits {
                self.digits(token.text(), token.separators, out);
                if token.separators == 0 {
                    return;
                }
            } else {
                self.words(&token, value, out);
            }
        }
        self.formed(value, out);
    }

    fn digits(&self, text: &[u8], separators: u8, out: &mut Vec<Hit>) {
        for entry in self.values.digits(text.len()) {
            if separators & !entry.separators == 0 && entry.takes_digits(text) {
                push(out, entry.kind, entry.check(text));
            }
        }
    }

    fn words(&self, token: &Token, value: &[u8], out: &mut Vec<Hit>) {
        let text = token.text();
        for entry in self.values.words(text.len()) {
            if token.separators & !entry.separators == 0 && entry.takes(text) {
                let check = if entry.exact { exact(entry, value) } else { entry.check(text) };
                push(out, entry.kind, check);
            }
        }
    }

    fn formed(&self, value: &[u8], out: &mut Vec<Hit>) {
        let traits = form::traits(value);
        for (kind, form) in &self.forms {
            if form.may_take(traits, value.len())
                && let Some(check) = (form.take)(value)
            {
                push(out, *kind, check);
            }
        }
        if value.len() <= form::LONGEST_WORD
            && self.listed_traits.has(traits)
            && let Some(kinds) = self.listed.get(form::fold_word(value).as_slice())
        {
            out.extend(kinds.iter().map(|&kind| Hit { kind, valid: true, known: true }));
        }
    }

    /// Whether `value` would pass `kind` if its check character were the next one: the same share of look-alikes passes
    /// as with their own, and no true value does. `false` for kinds without a check character.
    pub fn shifted(&self, kind: KindId, value: &[u8]) -> bool {
        let Some(of) = self.kind(kind) else { return false };
        let Some(mut token) = Token::read(trim(value), of.exact) else { return false };
        let text = token.text_mut();
        let at = match of.check {
            CheckAt::None => return false,
            CheckAt::Last => text.len().wrapping_sub(1),
            CheckAt::At(at) => at,
        };
        let eleven = text.len() == 18;
        let Some(check) = text.get_mut(at) else { return false };
        *check = match *check {
            // MOD 11-2 has an X for ten; where one is not allowed, the shape says so.
            b'9' if eleven => b'X',
            b'X' if eleven => b'0',
            b'9' => b'0',
            b'Z' => b'A',
            b'z' => b'a',
            other => other + 1,
        };
        token.digits = token.text().iter().all(u8::is_ascii_digit);
        self.passes(kind, &token)
    }

    fn passes(&self, kind: KindId, token: &Token) -> bool {
        let text = token.text();
        let list = if token.digits { self.values.digits(text.len()) } else { self.values.words(text.len()) };
        list.iter().any(|entry| entry.kind == kind && entry.takes(text) && entry.check(text) != Check::Fails)
    }

    /// Appends the form of a value that is counted: the same for every way to write it. `false`, and nothing is
    /// appended, when the value is none of this kind.
    pub fn canonical(&self, kind: KindId, value: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(of) = self.kind(kind) else { return false };
        let value = trim(value);
        if let Some(token) = Token::read(value, of.exact)
            && self.passes(kind, &token)
        {
            canonical_token(&of.id, token.text(), out);
            return true;
        }
        let accepted =
            of.form.and_then(|form| (form.take)(value).filter(|check| *check != Check::Fails).map(|_| form));
        match accepted {
            Some(form) => {
                (form.canonical)(value, out);
                true
            }
            None if of
                .words
                .iter()
                .any(|word| form::fold_word(word.as_bytes()) == form::fold_word(value)) =>
            {
                out.extend(form::fold_word(value));
                true
            }
            None => false,
        }
    }

    /// What a value tells about the person. `today` decides the century where two digits of a year are given.
    pub fn facts(&self, kind: KindId, value: &[u8], today: Date) -> Facts {
        let Some(of) = self.kind(kind) else { return Facts::default() };
        let value = trim(value);
        let read = match Token::read(value, of.exact).filter(|token| self.passes(kind, token)) {
            Some(token) => of.reader.map(|reader| reader(token.text(), today)),
            None => {
                of.form.filter(|form| (form.take)(value).is_some()).map(|form| (form.facts)(value, today))
            }
        };
        let mut facts = read.unwrap_or_default();
        facts.born = facts.born.filter(|born| *born <= today);
        facts.region = facts.region.or_else(|| of.country.clone());
        facts
    }
}

/// Where two patterns of a kind have the same length, the better one counts.
fn push(out: &mut Vec<Hit>, kind: KindId, check: Check) {
    let hit = Hit { kind, valid: check != Check::Fails, known: check == Check::Known };
    match out.last_mut() {
        Some(last) if last.kind == kind => {
            last.valid |= hit.valid;
            last.known |= hit.known;
        }
        _ => out.push(hit),
    }
}

#[cold]
fn exact(entry: &Entry, value: &[u8]) -> Check {
    Token::read(value, true).map_or(Check::Fails, |token| entry.check(token.text()))
}

fn canonical_token(id: &str, text: &[u8], out: &mut Vec<u8>) {
    match id {
        // Both are the same person's number.
        "cn-resident-id-15" => to_18(text, out),
        "cn-mobile" => out.extend_from_slice(text.get(text.len().saturating_sub(11)..).unwrap_or(text)),
        // `0044` and `+44` are the same.
        "phone" => form::phone_digits(text.get(2..).unwrap_or_default().to_vec(), out),
        // Ten digits, where the century is not given: twelve and ten digits of one person must be the same bytes.
        "se-personnummer" => out.extend_from_slice(text.get(text.len().saturating_sub(10)..).unwrap_or(text)),
        _ => out.extend_from_slice(text),
    }
}
