//! How values stand in columns that people have filled for years.

use crate::draw::{below, mix};
use crate::world::{Draw, Person, Record, World};

/// Whose value it is; also keeps draws for different columns apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Resident number.
    Resident = 0x1000,
    /// Mobile number.
    Mobile = 0x2000,
    /// Bank card number.
    Card = 0x3000,
    /// E-mail address.
    Email = 0x4000,
    /// Anything that nobody is counted by.
    Other = 0x5000,
}

/// What is wrong with a person's value in every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    None,
    Missing,
    Typo,
    Masked,
}

impl World {
    pub(crate) fn harm(&self, person: &Person, source: Source) -> Harm {
        let shares = &self.shares;
        if self.lacks(person, source as u64) || source == Source::Resident && person.foreign {
            return Harm::Missing;
        }
        if source == Source::Other || shares.typos.is_none() && shares.masked.is_none() {
            return Harm::None;
        }
        if shares.typos.takes(mix(person.key ^ source as u64, Draw::Spoilt as u64)) {
            return Harm::Typo;
        }
        let masked = shares.masked.takes(mix(person.key ^ source as u64, Draw::Spoiling as u64));
        if masked { Harm::Masked } else { Harm::None }
    }

    /// Writes a value as this record has it; `false`: the record has none.
    pub(crate) fn write_noisy(
        &self,
        record: &Record,
        source: Source,
        value: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        match self.harm(&record.person, source) {
            Harm::Missing => return false,
            Harm::None => self.write_styled(record, source, value, out),
            Harm::Typo => {
                let draw = mix(record.person.key ^ source as u64, Draw::Styling as u64);
                out.extend(misspelt(value, source, draw));
            }
            Harm::Masked => mask(value, source, out),
        }
        true
    }

    fn write_styled(&self, record: &Record, source: Source, value: &[u8], out: &mut Vec<u8>) {
        let shares = &self.shares;
        let draw = |turn: u64| mix(record.key ^ source as u64 ^ turn, Draw::Style as u64);
        let numeric = source != Source::Email;
        if source == Source::Mobile && !shares.country_code.is_none() && shares.country_code.takes(draw(1)) {
            let code: &[u8] = match draw(2) % 4 {
                0 => b"+86",
                1 => b"+86 ",
                2 => b"0086",
                _ => b"86",
            };
            out.extend_from_slice(code);
        }
        if numeric && !shares.full_width.is_none() && shares.full_width.takes(draw(3)) {
            full_width(value, out);
        } else if !shares.spaced.is_none() && shares.spaced.takes(draw(4)) {
            spaced(value, source, draw(5), out);
        } else if source == Source::Resident
            && value.last() == Some(&b'X')
            && !shares.lower_x.is_none()
            && shares.lower_x.takes(draw(6))
        {
            out.extend(value.iter().map(u8::to_ascii_lowercase));
        } else {
            out.extend_from_slice(value);
        }
    }
}

/// One slip of the hand that the check digit shows, or that makes the length wrong where there is no check digit.
fn misspelt(value: &[u8], source: Source, draw: u64) -> Vec<u8> {
    let mut out = value.to_vec();
    let at = below(draw, value.len().saturating_sub(1) as u64) as usize;
    match source {
        Source::Mobile if draw.is_multiple_of(2) => drop(out.remove(at)),
        Source::Mobile => out.insert(at, b'0' + (draw % 7) as u8),
        Source::Email => out.retain(|&letter| letter != b'@'),
        _ => {
            let differ = out.get(at) != out.get(at + 1) && out.get(at + 1) != Some(&b'X');
            if source == Source::Resident && draw.is_multiple_of(3) && differ && at + 2 < out.len() {
                out.swap(at, at + 1);
            } else if let Some(digit) = out.get_mut(at) {
                *digit = b'0' + (*digit - b'0' + 1 + (draw % 9) as u8) % 10;
            }
        }
    }
    out
}

/// Blots out what lies in the middle.
pub(crate) fn mask(value: &[u8], source: Source, out: &mut Vec<u8>) {
    let at = value.iter().position(|&letter| letter == b'@');
    let (head, tail) = match source {
        Source::Resident => (6, 4),
        Source::Mobile => (3, 4),
        Source::Card => (4, 4),
        _ => (1, value.len() - at.unwrap_or(value.len())),
    };
    let middle = value.len().saturating_sub(head + tail);
    out.extend(value.iter().take(head));
    out.extend(std::iter::repeat_n(b'*', middle));
    out.extend(value.iter().skip(head + middle));
}

fn full_width(value: &[u8], out: &mut Vec<u8>) {
    for &letter in value {
        // U+FF01 to U+FF5E are ! to ~: <https://www.unicode.org/charts/PDF/UFF00.pdf>.
        let wide = char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(' ');
        out.extend_from_slice(wide.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Puts blanks or dashes between groups, or blanks around the value.
fn spaced(value: &[u8], source: Source, draw: u64, out: &mut Vec<u8>) {
    let groups: &[usize] = match source {
        Source::Mobile => &[3, 4, 4],
        Source::Resident => &[6, 8, 4],
        Source::Card => &[4, 4, 4, 4],
        _ => &[],
    };
    if groups.is_empty() || draw.is_multiple_of(4) {
        out.push(b' ');
        out.extend_from_slice(value);
        out.push(b' ');
        return;
    }
    let gap = if source == Source::Mobile && draw.is_multiple_of(3) { b'-' } else { b' ' };
    let mut letters = value.iter();
    for (turn, &length) in groups.iter().enumerate() {
        if turn > 0 {
            out.push(gap);
        }
        out.extend(letters.by_ref().take(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{luhn_check, resident_check};
    use crate::{Noise, Settings};

    fn all_ways(
        share: Noise,
        source: Source,
        value: impl Fn(&World, &Record) -> Vec<u8>,
    ) -> Vec<(String, String)> {
        let world = World::new(Settings { noise: share, ..Settings::new(9, 3_000) }).unwrap();
        let each = |record: Record| {
            let mut out = Vec::new();
            let clean = value(&world, &record);
            assert!(world.write_noisy(&record, source, &clean, &mut out));
            (String::from_utf8(clean).unwrap(), String::from_utf8(out).unwrap())
        };
        world.records(0..3_000).map(each).collect()
    }

    #[test]
    fn a_misspelt_number_fails_its_check() {
        let typos = Noise { typos: 1.0, ..Noise::NONE };
        for (clean, noisy) in all_ways(typos, Source::Resident, |w, r| w.resident_number(&r.person).to_vec())
        {
            let (first, check) = noisy.as_bytes().split_at(17);
            assert!(resident_check(first.try_into().unwrap()) != check[0], "{clean} {noisy}");
        }
        for (clean, noisy) in all_ways(typos, Source::Card, |w, r| w.card(&r.person).to_vec()) {
            assert_ne!(luhn_check(&noisy.as_bytes()[..15]), noisy.as_bytes()[15], "{clean} {noisy}");
        }
        for (_, noisy) in all_ways(typos, Source::Mobile, |w, r| w.mobile(&r.person).to_vec()) {
            assert_ne!(noisy.len(), 11);
        }
    }

    #[test]
    fn whoever_normalises_has_the_value_back() {
        let styles = Noise { full_width: 0.3, lower_x: 0.3, spaced: 0.4, country_code: 0.5, ..Noise::NONE };
        let plain = |text: &str| -> String {
            let narrow = |letter: char| {
                char::from_u32(u32::from(letter).wrapping_sub(0xfee0))
                    .filter(char::is_ascii)
                    .unwrap_or(letter)
            };
            text.chars().map(narrow).filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase()
        };
        for (clean, noisy) in all_ways(styles, Source::Resident, |w, r| w.resident_number(&r.person).to_vec())
        {
            assert_eq!(plain(&noisy), clean);
        }
        for (clean, noisy) in all_ways(styles, Source::Mobile, |w, r| w.mobile(&r.person).to_vec()) {
            assert!(plain(&noisy).ends_with(&clean), "{clean} {noisy}");
        }
    }

    #[test]
    fn a_mask_keeps_the_length_and_both_ends() {
        let masked = |value: &[u8], source| {
            let mut out = Vec::new();
            mask(value, source, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(masked(b"15412345678", Source::Mobile), "154****5678");
        assert_eq!(masked(b"780101199001010011", Source::Resident), "780101********0011");
        assert_eq!(masked(b"abc@example.com", Source::Email), "a**@example.com");
    }
}
