//! Columns beside the people that look like people: numbers of cases and orders, times, machine ids. None of them is
//! about anybody, and each passes some detector's check more often than it should.

use crate::draw::{below, digits, mix};
use crate::value::number;
use crate::world::{Draw, Record, World};

/// What looks like personal data and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookAlike {
    /// Region, date, serial: 18 digits, of which one in eleven passes as a resident number. The region is 78xxxx here, too,
    /// or some would be real people's numbers.
    CaseNumber,
    /// A branch that begins with 0, date, serial: 18 digits.
    BranchNumber,
    /// `yyyyMMddHHmmss` and four digits; one in ten passes Luhn.
    OrderNumber,
    /// 18 digits out of time, machine and sequence:
    /// <https://github.com/twitter-archive/snowflake/tree/snowflake-2010>.
    Snowflake,
    /// Seconds since 1970: ten digits, as many as some national numbers have.
    EpochSeconds,
    /// Milliseconds since 1970: thirteen digits.
    EpochMillis,
    /// 32 hexadecimal digits that are no digest.
    HexId,
    /// A random UUID.
    Uuid,
    /// A version with four parts, which looks like an address of IPv4.
    Version,
    /// 18 random digits.
    Serial18,
    /// 16 random digits; one in ten passes Luhn.
    Serial16,
    /// 11 random digits; one in twenty begins like a mobile number.
    Serial11,
    /// An amount of money.
    Amount,
    /// A number of goods: letters and digits as in a passport number.
    Goods,
    /// The day on which a record was made.
    Created,
}

/// Days before the reference day in which records were made.
const DAYS: u64 = 2_900;
const DAY_MILLIS: u64 = 86_400_000;

impl World {
    /// Writes one that belongs to the record.
    pub(crate) fn write_look_alike(&self, record: &Record, what: LookAlike, out: &mut Vec<u8>) {
        let draw = mix(record.draw(Draw::Serial), what as u64);
        let when = record.draw(Draw::When);
        match what {
            LookAlike::CaseNumber => {
                let agency = below(draw, 140);
                let agency = 780_101 + agency / 12 * 100 + agency % 12;
                let serial = below(draw << 20, 2_000);
                let number = (agency * 100_000_000 + self.made(when.rotate_left(9))) * 10_000 + serial;
                out.extend_from_slice(&digits::<18>(number));
            }
            LookAlike::BranchNumber => {
                let branch = 10_000 + below(draw, 700) * 7;
                let number = (branch * 100_000_000 + self.made(when)) * 10_000 + (draw >> 32) % 10_000;
                out.extend_from_slice(&digits::<18>(number));
            }
            LookAlike::OrderNumber => {
                let second = below(when << 24, 86_400);
                let clock = second / 3_600 * 10_000 + second / 60 % 60 * 100 + second % 60;
                let number = (self.made(when) * 1_000_000 + clock) * 10_000 + (draw >> 32) % 10_000;
                out.extend_from_slice(&digits::<18>(number));
            }
            LookAlike::Snowflake => {
                let since_2020 = self.millis(when).saturating_sub(1_577_836_800_000).max(30_000_000_000);
                number(since_2020 << 22 | draw >> 42, out);
            }
            LookAlike::EpochSeconds => number(self.millis(when) / 1_000, out),
            LookAlike::EpochMillis => out.extend_from_slice(&digits::<13>(self.millis(when))),
            LookAlike::HexId => hex(&[draw, mix(draw, 1)], out),
            LookAlike::Uuid => uuid(draw, out),
            LookAlike::Version => {
                for (turn, most) in [12, 40, 300, 255].into_iter().enumerate() {
                    if turn > 0 {
                        out.push(b'.');
                    }
                    number(below(draw << (turn * 12), most), out);
                }
            }
            LookAlike::Serial18 => out.extend_from_slice(&digits::<18>(draw)),
            LookAlike::Serial16 => out.extend_from_slice(&digits::<16>(draw)),
            LookAlike::Serial11 => out.extend_from_slice(&digits::<11>(draw)),
            LookAlike::Amount => {
                number(below(draw, 40_000), out);
                out.push(b'.');
                out.extend_from_slice(&digits::<2>(draw >> 8));
            }
            LookAlike::Goods => {
                out.extend([b'A' + (draw % 26) as u8, b'A' + (draw / 26 % 26) as u8]);
                out.extend_from_slice(&digits::<7>(draw >> 20));
            }
            LookAlike::Created => crate::table::dashed(self.made(when), out),
        }
    }

    fn made(&self, when: u64) -> u64 {
        self.day_before_reference(below(when, DAYS))
    }

    fn millis(&self, when: u64) -> u64 {
        self.reference_millis()
            .saturating_sub(below(when, DAYS) * DAY_MILLIS)
            .saturating_add(below(when << 24, DAY_MILLIS))
    }
}

/// Writes each number as 16 hexadecimal digits.
pub(crate) fn hex(numbers: &[u64], out: &mut Vec<u8>) {
    for number in numbers {
        let mut text = [0; 16];
        for (slot, place) in text.iter_mut().rev().zip(0..) {
            let nibble = (number >> (place * 4)) as u8 & 15;
            *slot = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        }
        out.extend_from_slice(&text);
    }
}

fn uuid(draw: u64, out: &mut Vec<u8>) {
    let high = draw & 0xffff_ffff_ffff_0fff | 0x4000;
    let low = mix(draw, 2) >> 2 | 1 << 63;
    let mut digits = Vec::with_capacity(32);
    hex(&[high, low], &mut digits);
    let mut digits = digits.into_iter();
    for (turn, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if turn > 0 {
            out.push(b'-');
        }
        out.extend(digits.by_ref().take(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::number::resident_check;

    fn all(what: LookAlike) -> Vec<String> {
        let world = World::new(Settings::new(2, 5_000)).unwrap();
        let written = |record: Record| {
            let mut out = Vec::new();
            world.write_look_alike(&record, what, &mut out);
            String::from_utf8(out).unwrap()
        };
        world.records(0..5_000).map(written).collect()
    }

    #[test]
    fn one_case_number_in_eleven_passes_as_a_resident_number() {
        let cases = all(LookAlike::CaseNumber);
        let pass = |text: &String| {
            let (first, check) = text.as_bytes().split_at(17);
            resident_check(first.try_into().unwrap()) == check[0]
        };
        let passing = cases.iter().filter(|case| pass(case)).count();
        assert!(cases.iter().all(|case| case.len() == 18 && case.starts_with("78")));
        assert!((350..560).contains(&passing), "{passing}");
    }

    #[test]
    fn numbers_have_the_length_of_what_they_resemble() {
        assert!(all(LookAlike::BranchNumber).iter().all(|text| text.len() == 18 && text.starts_with('0')));
        assert!(all(LookAlike::OrderNumber).iter().all(|text| text.len() == 18 && text.starts_with("20")));
        assert!(all(LookAlike::Snowflake).iter().all(|text| text.len() == 18));
        assert!(all(LookAlike::EpochSeconds).iter().all(|text| text.len() == 10 && text.starts_with('1')));
        assert!(all(LookAlike::EpochMillis).iter().all(|text| text.len() == 13 && text.starts_with('1')));
        assert!(all(LookAlike::Uuid).iter().all(|text| text.len() == 36 && text.as_bytes()[14] == b'4'));
        assert!(all(LookAlike::HexId).iter().all(|text| text.len() == 32));
        assert!(all(LookAlike::Version).iter().all(|text| text.split('.').count() == 4));
    }
}
