//! Days, for dates of birth: whether a day is one of birth is told by the column, its name and its spread.

use jiff::civil::Date;

use super::{Form, Traits};
use crate::personal::Facts;
use crate::personal::validate::{Check, day, is_day};

/// The form.
pub(super) const FORM: Form = Form {
    name: "day",
    needs: Traits::DIGIT,
    forbids: Traits::AT,
    least: 8,
    most: 32,
    take,
    canonical,
    facts,
};

/// Year, month and day of `1990-01-31`, `1990/1/31`, `31.01.1990`, `1990年1月31日`; a time of day may follow. Where the day
/// comes first, `03/04/1990` is the third of April; the twelfth month tells the other order.
fn in_digits(value: &[u8]) -> Option<(u32, u32, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let mut numbers = [(0u32, 0usize); 3];
    let mut rest = text;
    for slot in &mut numbers {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=4).contains(&length) {
            return None;
        }
        let (number, after) = rest.split_at_checked(length)?;
        *slot = (number.parse().ok()?, length);
        rest = after;
        let Some(sign) = rest.chars().next() else { continue };
        if !matches!(sign, '-' | '/' | '.' | '年' | '月' | '日' | 'T' | ' ') {
            return None;
        }
        rest = rest.get(sign.len_utf8()..)?;
    }
    // What follows is a time of day.
    if !rest.bytes().all(|byte| byte.is_ascii_digit() || b":.+-Z ".contains(&byte)) {
        return None;
    }
    match numbers {
        [(year, 4), (month, 1 | 2), (day, 1 | 2)] => Some((year, month, day)),
        [(first, 1 | 2), (second, 1 | 2), (year, 4)] if second > 12 => Some((year, first, second)),
        [(day, 1 | 2), (month, 1 | 2), (year, 4)] => Some((year, month, day)),
        _ => None,
    }
}

/// Beginnings of the names of months, of English, German, French, Spanish, Italian and Dutch.
const MONTHS: [(&str, u32); 34] = [
    ("jan", 1),
    ("ene", 1),
    ("gen", 1),
    ("feb", 2),
    ("fév", 2),
    ("fev", 2),
    ("mar", 3),
    ("mär", 3),
    ("mrz", 3),
    ("maa", 3),
    ("apr", 4),
    ("avr", 4),
    ("abr", 4),
    ("may", 5),
    ("mai", 5),
    ("mag", 5),
    ("mei", 5),
    ("jun", 6),
    ("juin", 6),
    ("giu", 6),
    ("jul", 7),
    ("juil", 7),
    ("lug", 7),
    ("aug", 8),
    ("aoû", 8),
    ("ago", 8),
    ("sep", 9),
    ("oct", 10),
    ("okt", 10),
    ("nov", 11),
    ("dec", 12),
    ("dez", 12),
    ("déc", 12),
    ("dic", 12),
];

/// The same of `31 Jan 1990`, `31-JAN-1990`, `31. Januar 1990` and `January 31, 1990`.
fn with_month_name(value: &[u8]) -> Option<(u32, u32, u32)> {
    let text = std::str::from_utf8(value).ok()?;
    let mut parts = text.split([' ', '-', '.', ',', '/']).filter(|part| !part.is_empty());
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || third.len() != 4 {
        return None;
    }
    let (day, name) = if first.starts_with(|letter: char| letter.is_ascii_digit()) {
        (first, second)
    } else {
        (second, first)
    };
    let day = ["st", "nd", "rd", "th"].iter().find_map(|end| day.strip_suffix(end)).unwrap_or(day);
    let name = name.to_lowercase();
    if day.len() > 2 || name.len() < 3 || !name.chars().all(char::is_alphabetic) {
        return None;
    }
    let month = MONTHS.iter().find(|(begin, _)| name.starts_with(begin)).map(|(_, month)| *month)?;
    Some((third.parse().ok()?, month, day.parse().ok()?))
}

/// Year, month and day in any way to write them.
fn parts(value: &[u8]) -> Option<(u32, u32, u32)> {
    // Most values with letters are no days: the first sign behind the first digits or letters tells it.
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let letters =
        value.iter().take(12).take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80).count();
    let named = match (digits, letters) {
        (1 | 2, _) => {
            value.get(digits..).is_some_and(|rest| rest.iter().take(3).any(u8::is_ascii_alphabetic))
        }
        (0, 3..) => matches!(value.get(letters), Some(b' ' | b'-' | b'.')),
        _ => false,
    };
    if named { with_month_name(value) } else { in_digits(value) }
}

fn take(value: &[u8]) -> Option<Check> {
    let (year, month, day) = parts(value)?;
    Some(Check::of((1900..2050).contains(&year) && is_day(year, month, day)))
}

fn canonical(value: &[u8], out: &mut Vec<u8>) {
    if let Some((year, month, day)) = parts(value) {
        out.extend_from_slice(format!("{year:04}{month:02}{day:02}").as_bytes());
    }
}

fn facts(value: &[u8], _today: Date) -> Facts {
    Facts { born: parts(value).and_then(|(year, month, date)| day(year, month, date)), region: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_in_many_orders() {
        for text in [
            "1990-01-31",
            "1990/1/31",
            "31.01.1990",
            "01/31/1990",
            "1990年1月31日",
            "1990-01-31T00:00:00Z",
            "1990-01-31 00:00:00.0",
            "31 Jan 1990",
            "31-JAN-1990",
            "January 31, 1990",
            "31. Januar 1990",
            "Jan 31st, 1990",
            "31 janvier 1990",
        ] {
            assert_eq!(parts(text.as_bytes()), Some((1990, 1, 31)), "{text}");
        }
        for text in [
            "1990-01",
            "31.01.90",
            "1.2.3.4",
            "1990-1-31x",
            "19900-01-01",
            "31 Foo 1990",
            "Jan 1990",
            "7f3a 11 1990",
        ] {
            assert_eq!(parts(text.as_bytes()), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_read_without_panic(bytes: Vec<u8>, text: String) {
            let _ = (take(&bytes), take(text.as_bytes()));
        }
    }
}
