//! Coordinates in degrees: where somebody is, when the column belongs to a person.

use super::{Form, Traits};
use crate::personal::validate::Check;

/// Latitude and longitude in one value.
pub(super) const PAIR: Form = Form {
    name: "coordinates",
    needs: Traits::DIGIT.and(Traits::DOT),
    forbids: Traits::AT.and(Traits::COLON).and(Traits::HIGH),
    least: 7,
    most: 64,
    take: pair,
    ..Form::PLAIN
};

/// One of the two.
pub(super) const COORDINATE: Form = Form {
    name: "coordinate",
    needs: Traits::DIGIT.and(Traits::DOT),
    forbids: Traits::LETTER.and(Traits::HIGH).and(Traits::AT),
    least: 6,
    most: 24,
    take: one,
    ..Form::PLAIN
};

/// A number of degrees with at least three decimals (about a hundred metres), below `most`.
fn degrees(text: &str, most: f64) -> Option<bool> {
    let (_, decimals) = text.split_once('.')?;
    if decimals.len() < 3
        || !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'))
    {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    Some(number.abs() <= most)
}

fn one(value: &[u8]) -> Option<Check> {
    Some(Check::of(degrees(std::str::from_utf8(value).ok()?, 180.0)?))
}

fn pair(value: &[u8]) -> Option<Check> {
    let text = std::str::from_utf8(value).ok()?;
    let text = text.strip_prefix("POINT").map_or(text, str::trim_start);
    let text = text.trim_matches(['(', ')', '[', ']', '{', '}']);
    let (first, second) = text.split_once(',').or_else(|| text.trim().split_once(' '))?;
    let (first, second) = (first.trim(), second.trim());
    // In China, longitude often comes first.
    let fits =
        degrees(first, 90.0)? && degrees(second, 180.0)? || degrees(first, 180.0)? && degrees(second, 90.0)?;
    Some(Check::of(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_in_both_orders_are_read() {
        for text in
            ["31.2304,121.4737", "121.4737, 31.2304", "POINT(121.4737 31.2304)", "[-33.8688, 151.2093]"]
        {
            assert_eq!(pair(text.as_bytes()), Some(Check::Known), "{text}");
        }
        assert_eq!(pair(b"131.2304,121.4737"), Some(Check::Fails));
        assert_eq!(pair(b"3.14,2.71"), None);
        assert_eq!(one(b"121.4737"), Some(Check::Known));
        assert_eq!(one(b"12.50"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_read_without_panic(bytes: Vec<u8>, text: String) {
            let _ = (pair(&bytes), one(&bytes), pair(text.as_bytes()), one(text.as_bytes()));
        }
    }
}
