//! Tables: which columns there are, what each cell holds, and what is true about it.

use serde::Serialize;

use crate::draw::{digits, mix, pick};
use crate::lookalike::LookAlike;
use crate::noise::{Harm, Source};
use crate::protect::Way;
use crate::words::NARRATIVES;
use crate::world::{Draw, Person, Record, World};

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// An identifier as it is.
    Clear(Source),
    /// An identifier in another form.
    Protected(Source, Way),
    /// Name in Chinese characters.
    Name,
    /// Name in Latin letters.
    LatinName,
    /// Date of birth, `YYYY-MM-DD`.
    BirthDate,
    /// `M` or `F`.
    Sex,
    /// Home address.
    Address,
    /// Passport number.
    Passport,
    /// Licence plate.
    Plate,
    /// Unified social credit code of a sole trader.
    CreditCode,
    /// What a shop is called.
    Shop,
    /// Country.
    Nation,
    /// Free text, in which some of the above stand.
    Note,
    /// Nobody's.
    Other(LookAlike),
}

/// What is true about a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holds {
    /// The kinds of personal data in it; empty: none, whatever it looks like.
    pub kinds: &'static [&'static str],
    /// In which form, in the words of data records; `None` where there is none.
    pub form: Option<&'static str>,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its cells hold.
    pub field: Field,
}

/// A table of which every person has a record.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: Vec<Column>,
}

use Field::{Clear, Other, Protected};

/// People as an application keeps them: identifiers as they are, with two columns beside them that look like some.
const PERSONS: &[(&str, Field)] = &[
    ("citizen_no", Clear(Source::Resident)),
    ("full_name", Field::Name),
    ("mobile", Clear(Source::Mobile)),
    ("email", Clear(Source::Email)),
    ("card_no", Clear(Source::Card)),
    ("birth_date", Field::BirthDate),
    ("sex", Field::Sex),
    ("home_address", Field::Address),
    ("case_no", Other(LookAlike::CaseNumber)),
    ("trace_id", Other(LookAlike::HexId)),
    ("created_at", Other(LookAlike::EpochMillis)),
];

/// The same people in all forms of protection.
const PROTECTED: &[(&str, Field)] = &[
    ("mobile_md5", Protected(Source::Mobile, Way::Md5)),
    ("mobile_sha1", Protected(Source::Mobile, Way::Sha1)),
    ("mobile_sha256", Protected(Source::Mobile, Way::Sha256)),
    ("citizen_sm3", Protected(Source::Resident, Way::Sm3)),
    ("citizen_keyed", Protected(Source::Resident, Way::Keyed)),
    ("citizen_cipher", Protected(Source::Resident, Way::Blocks)),
    ("mobile_sealed", Protected(Source::Mobile, Way::Sealed)),
    ("card_sealed", Protected(Source::Card, Way::Vault)),
    ("citizen_token", Protected(Source::Resident, Way::Token)),
    ("mobile_masked", Protected(Source::Mobile, Way::Masked)),
    ("citizen_masked", Protected(Source::Resident, Way::Masked)),
    ("password", Protected(Source::Other, Way::Bcrypt)),
    ("citizen_base64", Protected(Source::Resident, Way::Base64)),
    ("mobile_migrating", Protected(Source::Mobile, Way::Half)),
];

/// Nobody's numbers, each of which looks like somebody's.
const BUSINESS: &[(&str, Field)] = &[
    ("case_no", Other(LookAlike::CaseNumber)),
    ("branch_serial", Other(LookAlike::BranchNumber)),
    ("order_no", Other(LookAlike::OrderNumber)),
    ("event_id", Other(LookAlike::Snowflake)),
    ("updated", Other(LookAlike::EpochSeconds)),
    ("updated_ms", Other(LookAlike::EpochMillis)),
    ("trace_id", Other(LookAlike::HexId)),
    ("request_id", Other(LookAlike::Uuid)),
    ("build", Other(LookAlike::Version)),
    ("waybill", Other(LookAlike::Serial18)),
    ("voucher", Other(LookAlike::Serial16)),
    ("meter", Other(LookAlike::Serial11)),
    ("amount", Other(LookAlike::Amount)),
    ("goods", Other(LookAlike::Goods)),
    ("created_on", Other(LookAlike::Created)),
];

/// What else people have, and what was written about them.
const CONTACTS: &[(&str, Field)] = &[
    ("latin_name", Field::LatinName),
    ("nationality", Field::Nation),
    ("passport_no", Field::Passport),
    ("plate_no", Field::Plate),
    ("shop_name", Field::Shop),
    ("credit_code", Field::CreditCode),
    ("phone", Clear(Source::Mobile)),
    ("note", Field::Note),
    ("order_no", Other(LookAlike::OrderNumber)),
];

impl Table {
    /// The names of all tables.
    pub const NAMES: [&'static str; 4] = ["persons", "protected", "business", "contacts"];

    /// The table of a name, with its columns called as the settings say.
    pub fn of(name: &str, world: &World) -> Option<Self> {
        let (name, columns) = match name {
            "persons" => ("persons", PERSONS),
            "protected" => ("protected", PROTECTED),
            "business" => ("business", BUSINESS),
            "contacts" => ("contacts", CONTACTS),
            _ => return None,
        };
        let plain = world.settings().plain_names;
        let column = |(at, &(name, field)): (usize, &(&str, Field))| Column {
            name: if plain { format!("c{}", at + 1) } else { name.to_owned() },
            field,
        };
        Some(Self { name, columns: columns.iter().enumerate().map(column).collect() })
    }
}

impl Field {
    /// What is true about a column of these.
    pub fn holds(self) -> Holds {
        let (kinds, form): (&'static [&'static str], _) = match self {
            Self::Clear(source) => (source.kinds(), "clear"),
            // Digests of passwords are no personal data of a kind, but are told all the same.
            Self::Protected(Source::Other, way) => (&["password"], way.form()),
            Self::Protected(source, way) => (source.kinds(), way.form()),
            Self::Name | Self::LatinName => (&["name"], "clear"),
            Self::BirthDate => (&["birth_date"], "clear"),
            Self::Sex => (&["sex"], "clear"),
            Self::Address => (&["address"], "clear"),
            Self::Passport => (&["passport"], "clear"),
            Self::Plate => (&["plate"], "clear"),
            Self::CreditCode => (&["credit_code"], "clear"),
            Self::Nation => (&["nationality"], "clear"),
            Self::Note => (&["resident_number", "mobile", "name", "address"], "clear"),
            Self::Shop | Self::Other(_) => return Holds { kinds: &[], form: None },
        };
        Holds { kinds, form: Some(form) }
    }

    /// Whether cells are numbers where a format tells these apart.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Other(LookAlike::EpochMillis | LookAlike::EpochSeconds | LookAlike::Amount))
    }

    /// Whether cells may hold quotation marks, commas or line ends.
    pub fn is_prose(self) -> bool {
        self == Self::Note
    }
}

impl Source {
    /// The kind that values of this source are.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Resident => &["resident_number"],
            Self::Mobile => &["mobile"],
            Self::Card => &["bank_card"],
            Self::Email => &["email"],
            Self::Other => &[],
        }
    }
}

impl World {
    /// Writes the cell of a record; `false`: it is null.
    pub fn write(&self, record: &Record, field: Field, out: &mut Vec<u8>) -> bool {
        let person = &record.person;
        match field {
            Field::Clear(Source::Resident) => {
                return self.write_noisy(record, Source::Resident, &self.resident_number(person), out);
            }
            Field::Clear(Source::Mobile) => {
                return self.write_noisy(record, Source::Mobile, &self.mobile(person), out);
            }
            Field::Clear(Source::Card) => {
                return self.write_noisy(record, Source::Card, &self.card(person), out);
            }
            Field::Clear(source) if self.clean => self.write_clean(person, source, out),
            Field::Clear(source) => {
                let mut value = Vec::new();
                self.write_clean(person, source, &mut value);
                return self.write_noisy(record, source, &value, out);
            }
            Field::Protected(source, way) => return self.write_protected(record, source, way, out),
            Field::Note => self.write_note(record, out),
            Field::Other(what) => self.write_look_alike(record, what, out),
            _ if self.harm(person, Source::Other) == Harm::Missing => return false,
            Field::Name => self.name(person, out),
            Field::LatinName => self.latin_name(person, out),
            Field::BirthDate => dashed(self.born(person), out),
            Field::Sex => out.push(if person.is_male() { b'M' } else { b'F' }),
            Field::Address => self.address(person, out),
            Field::Passport => out.extend_from_slice(&self.passport(person)),
            Field::Plate => self.plate(person, out),
            Field::CreditCode => out.extend_from_slice(&self.credit_code(person)),
            Field::Shop => self.shop(person, out),
            Field::Nation => out.extend_from_slice(self.nation(person).as_bytes()),
        }
        true
    }

    /// Writes an identifier without any noise.
    pub fn write_clean(&self, person: &Person, source: Source, out: &mut Vec<u8>) {
        match source {
            Source::Resident => out.extend_from_slice(&self.resident_number(person)),
            Source::Mobile => out.extend_from_slice(&self.mobile(person)),
            Source::Card => out.extend_from_slice(&self.card(person)),
            Source::Email => self.email(person, out),
            Source::Other => {}
        }
    }

    fn write_note(&self, record: &Record, out: &mut Vec<u8>) {
        let person = &record.person;
        let template = pick(NARRATIVES, mix(record.key, Draw::Other as u64));
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            out.extend_from_slice(before.as_bytes());
            let (hole, after) = after.split_once('}').unwrap_or(("", after));
            match hole {
                "n" => self.name(person, out),
                "m" => out.extend_from_slice(&self.mobile(person)),
                "i" if person.foreign => out.extend_from_slice(&self.passport(person)),
                "i" => out.extend_from_slice(&self.resident_number(person)),
                "a" => self.address(person, out),
                _ => self.write_look_alike(record, LookAlike::CaseNumber, out),
            }
            rest = after;
        }
        out.extend_from_slice(rest.as_bytes());
    }
}

/// The number that `YYYYMMDD` is, with dashes.
pub(crate) fn dashed(day: u64, out: &mut Vec<u8>) {
    let [y1, y2, y3, y4, m1, m2, d1, d2] = digits::<8>(day);
    out.extend_from_slice(&[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn only_prose_needs_escapes() {
        let world = World::new(Settings { noise: crate::Noise::USUAL, ..Settings::new(8, 2_000) }).unwrap();
        for name in Table::NAMES {
            let table = Table::of(name, &world).unwrap();
            for column in table.columns.iter().filter(|column| !column.field.is_prose()) {
                for record in world.records(0..2_000) {
                    let mut out = Vec::new();
                    world.write(&record, column.field, &mut out);
                    let text = String::from_utf8(out).unwrap();
                    assert!(
                        !text.contains(['"', '\\', '\t', '\n', ',', '\'', '<', '&']),
                        "{} {text}",
                        column.name
                    );
                }
            }
        }
    }

    #[test]
    fn a_note_has_its_holes_filled() {
        let world = World::new(Settings::new(8, 200)).unwrap();
        for record in world.records(0..200) {
            let mut out = Vec::new();
            assert!(world.write(&record, Field::Note, &mut out));
            let text = String::from_utf8(out).unwrap();
            assert!(!text.contains(['{', '}']), "{text}");
        }
    }

    #[test]
    fn names_of_columns_tell_nothing_when_asked_to() {
        let world = World::new(Settings { plain_names: true, ..Settings::new(8, 2) }).unwrap();
        let names: Vec<String> =
            Table::of("business", &world).unwrap().columns.into_iter().map(|column| column.name).collect();
        assert_eq!(names.first().map(String::as_str), Some("c1"));
    }
}
