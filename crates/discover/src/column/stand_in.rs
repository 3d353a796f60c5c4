//! A small recogniser for tests, with kinds of every sort: so that what is tested here does not change with the packs.

use std::sync::Arc;

use jiff::civil::Date;

use super::recognise::{About, Recognise};
use crate::personal::{Facts, Found, Hit, Identifies, KindId};

pub(crate) const RESIDENT: KindId = KindId(0);
pub(crate) const MOBILE: KindId = KindId(1);
pub(crate) const EMAIL: KindId = KindId(2);
pub(crate) const PASSPORT: KindId = KindId(3);
pub(crate) const CPF: KindId = KindId(4);
pub(crate) const NHS: KindId = KindId(5);
pub(crate) const BORN: KindId = KindId(6);
pub(crate) const NAME: KindId = KindId(7);

pub(crate) struct StandIn;

impl StandIn {
    pub(crate) fn shared() -> Arc<dyn Recognise> {
        Arc::new(Self)
    }
}

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// The check digit of a resident number (GB 11643-1999).
pub(crate) fn check_digit(body: &str) -> char {
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    char::from(b"10X98765432"[(sum % 11) as usize])
}

/// A resident number with an area code that nobody has.
pub(crate) fn resident(random: &mut fastrand::Rng) -> String {
    let (area, serial) = (random.u32(780_000..790_000), random.u32(0..1_000));
    let (year, month, day) = (random.u32(1940..2020), random.u32(1..=12), random.u32(1..=28));
    let body = format!("{area}{year}{month:02}{day:02}{serial:03}");
    let check = check_digit(&body);
    format!("{body}{check}")
}

/// A case number: region, date and serial.
pub(crate) fn case_number(random: &mut fastrand::Rng) -> String {
    let (month, day) = (random.u32(1..=12), random.u32(1..=28));
    format!("310115{}{month:02}{day:02}{:04}", random.u32(2010..2024), random.u32(0..10_000))
}

/// A mobile number of a prefix that nobody has.
pub(crate) fn mobile(random: &mut fastrand::Rng) -> String {
    format!("{}{:08}", if random.bool() { 154 } else { 194 }, random.u32(0..100_000_000))
}

fn is_digits(value: &str, length: usize) -> bool {
    value.len() == length && value.bytes().all(|byte| byte.is_ascii_digit())
}

fn born(value: &str) -> Option<Date> {
    let number = |at: std::ops::Range<usize>| value.get(at)?.parse::<i16>().ok();
    Date::new(number(6..10)?, number(10..12)? as i8, number(12..14)? as i8).ok()
}

fn resident_hit(value: &str) -> Option<bool> {
    let shape = value.len() == 18
        && value.get(..17).is_some_and(|body| is_digits(body, 17))
        && value.ends_with(|it: char| it.is_ascii_digit() || "Xx".contains(it));
    let right = || {
        born(value).is_some_and(|born| born.year() >= 1900)
            && value.to_uppercase().ends_with(check_digit(value.get(..17).unwrap_or_default()))
    };
    shape.then(right)
}

fn cpf(value: &str) -> bool {
    let digits: Vec<u32> = value.bytes().map(|digit| u32::from(digit - b'0')).collect();
    let check = |count: usize| {
        let sum: u32 = digits[..count]
            .iter()
            .zip((2..=count as u32 + 1).rev())
            .map(|(digit, weight)| digit * weight)
            .sum();
        sum * 10 % 11 % 10
    };
    digits[9] == check(9) && digits[10] == check(10)
}

fn nhs(value: &str) -> bool {
    let digits: Vec<u32> = value.bytes().map(|digit| u32::from(digit - b'0')).collect();
    let sum: u32 = digits[..9].iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    (11 - sum % 11) % 11 == digits[9]
}

fn shift(value: &str) -> Option<String> {
    let (body, last) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let next = match last.as_bytes()[0] {
        b'9' if value.len() == 18 => 'X',
        b'9' | b'X' | b'x' => '0',
        other => char::from(other + 1),
    };
    Some(format!("{body}{next}"))
}

impl Recognise for StandIn {
    fn about(&self) -> Vec<About> {
        let about = |id: &str, identifies, chance, weak, has_check, enumerable| About {
            id: id.to_owned(),
            title: id.to_owned(),
            identifies,
            chance,
            look_alike: (id == "name").then_some(0.1),
            weak,
            has_check,
            issued: false,
            enumerable,
        };
        vec![
            about("resident", Identifies::Person, 4.4e-5, false, true, Some(3.2e11)),
            about("mobile", Identifies::Contact, 0.052, false, false, Some(5.2e9)),
            about("email", Identifies::Contact, 1e-6, false, false, None),
            about("passport", Identifies::Person, 0.03, true, false, None),
            about("cpf", Identifies::Person, 0.0096, false, true, Some(1e9)),
            about("nhs", Identifies::Person, 0.091, false, true, None),
            about("born", Identifies::Nobody, 0.1, true, false, None),
            about("name", Identifies::Nobody, 0.05, true, false, None),
        ]
    }

    fn value(&self, value: &[u8], hits: &mut Vec<Hit>) {
        let Ok(value) = std::str::from_utf8(value) else { return };
        let mut hit = |kind, valid| hits.push(Hit { kind, valid, known: kind != RESIDENT });
        if let Some(valid) = resident_hit(value) {
            hit(RESIDENT, valid);
        }
        if is_digits(value, 11) {
            hit(CPF, cpf(value));
            if ["13", "154", "18", "194"].iter().any(|prefix| value.starts_with(prefix)) {
                hit(MOBILE, true);
            }
        }
        if is_digits(value, 10) {
            hit(NHS, nhs(value));
        }
        if value.strip_prefix('E').is_some_and(|digits| is_digits(digits, 8)) {
            hit(PASSPORT, true);
        }
        if let Some((local, domain)) = value.split_once('@')
            && !local.is_empty()
            && domain.contains('.')
            && !value.contains([' ', '*'])
        {
            hit(EMAIL, true);
        }
        if value.starts_with(['王', '李', '张', '黄']) && (2..=4).contains(&value.chars().count()) {
            hit(NAME, true);
        }
        if value.parse::<Date>().is_ok() {
            hit(BORN, true);
        }
    }

    fn shifted(&self, kind: KindId, value: &[u8]) -> bool {
        let Some(value) = std::str::from_utf8(value).ok().and_then(shift) else { return false };
        let mut hits = Vec::new();
        self.value(value.as_bytes(), &mut hits);
        hits.iter().any(|hit| hit.kind == kind && hit.valid)
    }

    fn named(&self, column: &str, kinds: &mut Vec<KindId>) {
        let names = [
            ("id_card", RESIDENT),
            ("papers", RESIDENT),
            ("papers", PASSPORT),
            ("passport", PASSPORT),
            ("phone", MOBILE),
            ("email", EMAIL),
            ("nhs", NHS),
            ("born", BORN),
        ];
        kinds.extend(names.iter().filter(|(name, _)| column.contains(name)).map(|(_, kind)| *kind));
    }

    fn text(&self, text: &[u8], found: &mut dyn FnMut(Found)) {
        let mut start = 0;
        for word in text.split(|byte| !byte.is_ascii_alphanumeric()) {
            let mut hits = Vec::new();
            self.value(word, &mut hits);
            let context = text
                .get(..start)
                .is_some_and(|before| before.ends_with(b"phone ") || before.ends_with(b"id "));
            for hit in hits.iter().filter(|hit| hit.valid && context && hit.kind != CPF) {
                found(Found { kind: hit.kind, start, end: start + word.len(), context, known: hit.known });
            }
            start += word.len() + 1;
        }
    }

    fn canonical(&self, kind: KindId, value: &[u8], canonical: &mut Vec<u8>) -> bool {
        let mut hits = Vec::new();
        self.value(value.trim_ascii(), &mut hits);
        let accepted = hits.iter().any(|hit| hit.kind == kind && hit.valid);
        if accepted {
            canonical.extend(value.trim_ascii().to_ascii_uppercase());
        }
        accepted
    }

    fn facts(&self, kind: KindId, value: &[u8], _today: Date) -> Facts {
        let Ok(value) = std::str::from_utf8(value) else { return Facts::default() };
        match kind {
            RESIDENT => {
                Facts { born: born(value), region: value.get(..2).map(|region| format!("CN-{region}")) }
            }
            BORN => Facts { born: value.parse().ok(), region: None },
            MOBILE => Facts { born: None, region: Some("CN".to_owned()) },
            _ => Facts::default(),
        }
    }
}
