//! The values that a person has, well written.

use crate::draw::{below, digits, mix, pick, pick_early, scatter};
use crate::number::{credit_check, luhn_check, organisation_check, resident_check};
use crate::words::{CODAS, DISTRICTS, GIVEN, ONSETS, STREETS, SURNAMES, TRADES, WAYS};
use crate::world::{Draw, MOBILES, Person, World};

/// Distinct endings of an e-mail address: six characters of 36.
const ENDINGS: u64 = 36 * 36 * 36 * 36 * 36 * 36;
const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Authorities of the traffic police that do not exist: Ningxia ends at E, Hainan at F, Qinghai at H.
const PLATES: &[&str] = &["宁T", "宁W", "琼T", "琼W", "青T", "青X"];
/// The characters of a plate: no I and no O (GA 36-2018).
const PLATE: &[u8; 34] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Countries of people from abroad, as codes of ISO 3166-1.
pub(crate) const NATIONS: &[&str] = &["FR", "BR", "KR", "NG", "US", "VN", "DE", "IN"];

impl World {
    /// The resident number: region 78xxxx, which is allocated to nobody, and a right check character. No two people have
    /// the same. (9xxxxx would be the card of foreign permanent residents.)
    pub fn resident_number(&self, person: &Person) -> [u8; 18] {
        let number = person.region() * 100_000_000_000 + self.born(person) * 1_000 + person.sequence();
        let first = digits::<17>(number);
        joined(&first, resident_check(&first))
    }

    /// The mobile number, with the prefixes 154 and 194 that no operator has. Different for each of up to 200 million
    /// people.
    pub fn mobile(&self, person: &Person) -> [u8; 11] {
        let at = scatter(person.index % MOBILES, MOBILES, self.settings().seed ^ 0x0b11_e000);
        let prefix = if at < MOBILES / 2 { 154 } else { 194 };
        digits(prefix * 100_000_000 + at % 100_000_000)
    }

    /// The bank card number: 16 digits, see [`Settings::card_prefix`](crate::Settings::card_prefix), and the check digit
    /// of Luhn.
    pub fn card(&self, person: &Person) -> [u8; 16] {
        let prefix = &self.settings().card_prefix;
        let room = 10_u64.pow(15_u32.saturating_sub(prefix.len() as u32));
        let account = scatter(person.index % room, room, self.settings().seed ^ 0xca4d);
        let prefix = prefix.bytes().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        let first = digits::<15>(prefix * room + account);
        joined(&first, luhn_check(&first))
    }

    /// The e-mail address, at a domain that RFC 2606 reserves (<https://www.rfc-editor.org/rfc/rfc2606#section-3>).
    pub fn email(&self, person: &Person, out: &mut Vec<u8>) {
        let draw = person.draw(Draw::Latin);
        out.extend_from_slice(pick(ONSETS, draw).as_bytes());
        out.extend_from_slice(pick(CODAS, draw.rotate_left(20)).as_bytes());
        out.push(b'.');
        let mut ending = scatter(person.index % ENDINGS, ENDINGS, self.settings().seed ^ 0xe3a1);
        let mut letters = [b'0'; 6];
        for slot in &mut letters {
            *slot = BASE36.get((ending % 36) as usize).copied().unwrap_or(b'0');
            ending /= 36;
        }
        out.extend_from_slice(&letters);
        out.extend_from_slice(pick(&["@example.com", "@example.org", "@example.net"], draw << 40).as_bytes());
    }

    /// The name in Chinese characters: two or three, seldom four.
    pub fn name(&self, person: &Person, out: &mut Vec<u8>) {
        let draw = person.draw(Draw::Given);
        out.extend_from_slice(pick_early(SURNAMES, person.draw(Draw::Surname)).as_bytes());
        out.extend_from_slice(pick(GIVEN, draw).as_bytes());
        if !draw.is_multiple_of(4) {
            out.extend_from_slice(pick(GIVEN, draw << 24).as_bytes());
        }
    }

    /// The name in Latin letters.
    pub fn latin_name(&self, person: &Person, out: &mut Vec<u8>) {
        let draw = person.draw(Draw::Latin);
        let words = [
            (pick(ONSETS, draw), pick(CODAS, draw.rotate_left(20))),
            (pick(ONSETS, draw.rotate_left(33)), pick(CODAS, draw.rotate_left(47))),
        ];
        for (onset, coda) in words {
            if out.last().is_some_and(u8::is_ascii_lowercase) {
                out.push(b' ');
            }
            let mut onset = onset.bytes();
            out.extend(onset.next().map(|letter| letter.to_ascii_uppercase()));
            out.extend(onset);
            out.extend_from_slice(coda.as_bytes());
        }
    }

    /// The home address, in a city that is on no map.
    pub fn address(&self, person: &Person, out: &mut Vec<u8>) {
        let (street, house) = (person.draw(Draw::Street), person.draw(Draw::House));
        out.extend_from_slice(pick(DISTRICTS, person.draw(Draw::District)).as_bytes());
        out.extend_from_slice(pick(STREETS, street).as_bytes());
        out.extend_from_slice(pick(WAYS, street << 20).as_bytes());
        number(1 + below(house, 1_900), out);
        out.extend_from_slice("号".as_bytes());
        number(1 + below(house << 16, 40), out);
        out.extend_from_slice("号楼".as_bytes());
        number((1 + below(house << 28, 24)) * 100 + 1 + below(house << 40, 6), out);
        out.extend_from_slice("室".as_bytes());
    }

    /// The passport number. The series EZ has not been reached; people from abroad have a letter and eight digits.
    pub fn passport(&self, person: &Person) -> [u8; 9] {
        let serial = scatter(person.index % 10_000_000, 10_000_000, self.settings().seed ^ 0xba55);
        let mut out = digits(serial);
        for (slot, letter) in out.iter_mut().zip(if person.foreign { *b"X0" } else { *b"EZ" }) {
            *slot = letter;
        }
        out
    }

    /// The licence plate; every third of the longer kind for electric cars. Its authority does not exist.
    pub fn plate(&self, person: &Person, out: &mut Vec<u8>) {
        let draw = person.draw(Draw::Plate);
        out.extend_from_slice(pick(PLATES, draw).as_bytes());
        if draw.is_multiple_of(3) {
            out.push(b'D');
        }
        for turn in 0..5 {
            let at = below(mix(draw, turn), PLATE.len() as u64) as usize;
            // A real plate has at most two letters among its five; most have one at the front or none.
            let letter = PLATE.get(if turn == 0 { at } else { at % 10 }).copied();
            out.extend(letter);
        }
    }

    /// The unified social credit code of the person's shop: both of its check characters are right, its region is 78xxxx.
    pub fn credit_code(&self, person: &Person) -> [u8; 18] {
        let serial = digits::<8>(scatter(person.index % 100_000_000, 100_000_000, self.settings().seed));
        let region = digits::<6>(person.region());
        let mut first = [b'9'; 17];
        let organisation = organisation_check(&serial);
        let rest = b"2".iter().chain(&region).chain(&serial).chain(std::iter::once(&organisation));
        for (slot, &letter) in first.iter_mut().skip(1).zip(rest) {
            *slot = letter;
        }
        joined(&first, credit_check(&first))
    }

    /// What the person's shop is called.
    pub fn shop(&self, person: &Person, out: &mut Vec<u8>) {
        let draw = person.draw(Draw::Credit);
        out.extend_from_slice("霁州".as_bytes());
        out.extend_from_slice(pick(STREETS, draw).as_bytes());
        out.extend_from_slice(pick(TRADES, draw << 20).as_bytes());
        out.extend_from_slice("店".as_bytes());
    }

    /// Where the person comes from, as a code of ISO 3166-1.
    pub fn nation(&self, person: &Person) -> &'static str {
        if person.foreign { pick(NATIONS, person.draw(Draw::Nation)) } else { "CN" }
    }
}

/// Writes a number without leading zeros.
pub(crate) fn number(value: u64, out: &mut Vec<u8>) {
    if value < 10_000 {
        trimmed(&digits::<4>(value), out);
    } else {
        trimmed(&digits::<20>(value), out);
    }
}

fn trimmed(digits: &[u8], out: &mut Vec<u8>) {
    let zeros = digits.iter().take(digits.len() - 1).take_while(|&&digit| digit == b'0').count();
    out.extend_from_slice(digits.get(zeros..).unwrap_or_default());
}

fn joined<const N: usize, const M: usize>(first: &[u8; N], last: u8) -> [u8; M] {
    let mut out = [last; M];
    for (slot, &letter) in out.iter_mut().zip(first) {
        *slot = letter;
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Settings;

    fn world() -> World {
        World::new(Settings { foreigners: 0.01, ..Settings::new(1, 8_000) }).unwrap()
    }

    #[test]
    fn no_two_people_share_a_number() {
        let world = world();
        let people: Vec<Person> = (0..8_000).map(|index| world.person(index)).collect();
        let distinct =
            |value: &dyn Fn(&Person) -> Vec<u8>| people.iter().map(value).collect::<BTreeSet<_>>().len();
        assert_eq!(distinct(&|person| world.resident_number(person).to_vec()), 8_000);
        assert_eq!(distinct(&|person| world.mobile(person).to_vec()), 8_000);
        assert_eq!(distinct(&|person| world.card(person).to_vec()), 8_000);
        assert_eq!(distinct(&|person| written(|out| world.email(person, out)).into_bytes()), 8_000);
        assert_eq!(distinct(&|person| world.passport(person).to_vec()), 8_000);
        assert_eq!(distinct(&|person| world.credit_code(person).to_vec()), 8_000);
    }

    #[test]
    fn numbers_could_be_nobodys() {
        let world = world();
        for person in (0..2_000).map(|index| world.person(index)) {
            let resident = world.resident_number(&person);
            assert!(resident.starts_with(b"78") && &resident[2..4] != b"00" && &resident[4..6] != b"00");
            let born = world.birth_date(&person).strftime("%Y%m%d").to_string();
            assert_eq!(&resident[6..14], born.as_bytes());
            let mobile = String::from_utf8(world.mobile(&person).to_vec()).unwrap();
            assert!(mobile.starts_with("154") || mobile.starts_with("194"), "{mobile}");
            assert!(world.card(&person).starts_with(b"9978"));
            assert!(written(|out| world.email(&person, out)).contains("@example."));
        }
    }

    #[test]
    fn values_look_like_what_they_are() {
        let world = world();
        let person = world.person(7);
        let name = written(|out| world.name(&person, out));
        assert!((2..=4).contains(&name.chars().count()), "{name}");
        let latin = written(|out| world.latin_name(&person, out));
        assert_eq!(latin.split(' ').count(), 2, "{latin}");
        assert!(written(|out| world.address(&person, out)).starts_with("霁州市"));
        assert!((7..=8).contains(&written(|out| world.plate(&person, out)).chars().count()));
        assert_eq!(written(|out| number(0, out)), "0");
        assert_eq!(written(|out| number(1_203, out)), "1203");
    }

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }
}
