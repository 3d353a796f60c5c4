//! The lines that machines read on passports and cards: ICAO 9303, <https://www.icao.int/publications/pages/publication.aspx?docnum=9303>.

use jiff::civil::Date;

use super::{Form, Traits, bare};
use crate::personal::Facts;
use crate::personal::validate::{Check, number, short_day};

/// Two lines of 44 or 36 characters or three of 30; of two lines, the second alone.
pub(super) const FORM: Form = Form {
    name: "mrz",
    needs: Traits::FILLER.and(Traits::DIGIT),
    forbids: Traits::HIGH.and(Traits::AT),
    least: 36,
    most: 96,
    take,
    canonical: bare,
    facts,
};

/// Where the fields are of which each ends with its check digit: number, birth, expiry. The line that has them.
struct Lines<'v> {
    document: &'v [u8],
    birth: &'v [u8],
    expiry: &'v [u8],
}

fn lines(value: &[u8]) -> Option<Lines<'_>> {
    let all = value.split(|byte| matches!(byte, b'\n' | b'\r' | b' ' | b'|')).filter(|line| !line.is_empty());
    let all: Vec<&[u8]> = all.take(4).collect();
    let one = |line| {
        Some(Lines { document: slice(line, 0, 10)?, birth: slice(line, 13, 7)?, expiry: slice(line, 21, 7)? })
    };
    match all.as_slice() {
        [first, second, third] if [first, second, third].iter().all(|line| line.len() == 30) => Some(Lines {
            document: slice(first, 5, 10)?,
            birth: slice(second, 0, 7)?,
            expiry: slice(second, 8, 7)?,
        }),
        [first, second] if first.len() == second.len() && matches!(first.len(), 36 | 44) => one(second),
        [both] if matches!(both.len(), 72 | 88) => one(both.get(both.len() / 2..)?),
        [second] if matches!(second.len(), 36 | 44) => one(second),
        _ => None,
    }
}

fn slice(line: &[u8], from: usize, length: usize) -> Option<&[u8]> {
    line.get(from..from + length)
}

/// Weights 7, 3, 1; letters from 10, the filler 0.
fn checks(field: &[u8]) -> bool {
    let Some((last, body)) = field.split_last() else { return false };
    let value = |byte: &u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'Z' => u32::from(byte - b'A') + 10,
        _ => 0,
    };
    let sum: u32 = body.iter().zip([7, 3, 1].iter().cycle()).map(|(byte, weight)| value(byte) * weight).sum();
    last.is_ascii_digit() && sum % 10 == value(last)
}

fn take(value: &[u8]) -> Option<Check> {
    let lines = lines(value)?;
    Some(Check::of(checks(lines.document) && checks(lines.birth) && checks(lines.expiry)))
}

fn facts(value: &[u8], today: Date) -> Facts {
    let born = lines(value).and_then(|lines| {
        short_day(number(lines.birth, 0, 2), number(lines.birth, 2, 2), number(lines.birth, 4, 2), today)
    });
    Facts { born, region: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specimens of ICAO 9303, parts 4 and 5.
    const PASSPORT: &[u8] =
        b"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
    const CARD: &[u8] =
        b"I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<";

    #[test]
    fn the_specimens_are_read() {
        assert_eq!(take(PASSPORT), Some(Check::Known));
        assert_eq!(take(CARD), Some(Check::Known));
        assert_eq!(take(&PASSPORT[45..]), Some(Check::Known));
        assert_eq!(facts(CARD, jiff::civil::date(2026, 1, 1)).born, Some(jiff::civil::date(1974, 8, 12)));
        let mut wrong = PASSPORT.to_vec();
        wrong[50] = b'9';
        assert_eq!(take(&wrong), Some(Check::Fails));
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_read_without_panic(bytes: Vec<u8>) {
            let _ = take(&bytes);
        }
    }
}
