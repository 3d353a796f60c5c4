//! Phone numbers with their country code: a plus and up to fifteen digits. <https://www.itu.int/rec/T-REC-E.164>

use jiff::civil::Date;

use super::{Form, Traits};
use crate::personal::Facts;
use crate::personal::token::narrow;
use crate::personal::validate::Check;

/// The form.
pub(super) const FORM: Form = Form {
    name: "e164",
    needs: Traits::DIGIT,
    forbids: Traits::LETTER.and(Traits::AT),
    least: 8,
    most: 32,
    take,
    canonical,
    facts,
};

/// Country codes with the least and most digits behind them, and the country where it is one.
/// <https://www.itu.int/pub/T-SP-E.164D> and the metadata of libphonenumber 9.0.43.
const CODES: &[(&str, usize, usize, &str)] = &[
    ("1", 10, 10, ""),
    ("7", 10, 10, ""),
    ("20", 8, 10, "EG"),
    ("27", 9, 9, "ZA"),
    ("30", 10, 10, "GR"),
    ("31", 9, 9, "NL"),
    ("32", 8, 9, "BE"),
    ("33", 9, 9, "FR"),
    ("34", 9, 9, "ES"),
    ("36", 8, 9, "HU"),
    ("39", 6, 12, "IT"),
    ("40", 9, 9, "RO"),
    ("41", 9, 9, "CH"),
    ("43", 7, 13, "AT"),
    ("44", 9, 10, "GB"),
    ("45", 8, 8, "DK"),
    ("46", 7, 10, "SE"),
    ("47", 8, 8, "NO"),
    ("48", 9, 9, "PL"),
    ("49", 7, 12, "DE"),
    ("51", 8, 9, "PE"),
    ("52", 10, 10, "MX"),
    ("53", 8, 8, "CU"),
    ("54", 10, 11, "AR"),
    ("55", 10, 11, "BR"),
    ("56", 9, 9, "CL"),
    ("57", 8, 10, "CO"),
    ("58", 10, 10, "VE"),
    ("60", 8, 10, "MY"),
    ("61", 9, 9, "AU"),
    ("62", 8, 12, "ID"),
    ("63", 8, 10, "PH"),
    ("64", 8, 10, "NZ"),
    ("65", 8, 8, "SG"),
    ("66", 8, 9, "TH"),
    ("81", 9, 10, "JP"),
    ("82", 8, 11, "KR"),
    ("84", 9, 10, "VN"),
    ("86", 9, 12, "CN"),
    ("90", 10, 10, "TR"),
    ("91", 10, 10, "IN"),
    ("92", 9, 10, "PK"),
    ("93", 9, 9, "AF"),
    ("94", 9, 9, "LK"),
    ("95", 8, 10, "MM"),
    ("98", 10, 10, "IR"),
    ("212", 9, 9, "MA"),
    ("213", 8, 9, "DZ"),
    ("216", 8, 8, "TN"),
    ("218", 8, 9, "LY"),
    ("221", 9, 9, "SN"),
    ("225", 10, 10, "CI"),
    ("233", 9, 9, "GH"),
    ("234", 8, 10, "NG"),
    ("237", 9, 9, "CM"),
    ("243", 9, 9, "CD"),
    ("244", 9, 9, "AO"),
    ("249", 9, 9, "SD"),
    ("250", 9, 9, "RW"),
    ("251", 9, 9, "ET"),
    ("254", 9, 10, "KE"),
    ("255", 9, 9, "TZ"),
    ("256", 9, 9, "UG"),
    ("260", 9, 9, "ZM"),
    ("263", 9, 10, "ZW"),
    ("351", 9, 9, "PT"),
    ("352", 6, 11, "LU"),
    ("353", 7, 9, "IE"),
    ("354", 7, 9, "IS"),
    ("355", 8, 9, "AL"),
    ("356", 8, 8, "MT"),
    ("357", 8, 8, "CY"),
    ("358", 6, 11, "FI"),
    ("359", 8, 9, "BG"),
    ("370", 8, 8, "LT"),
    ("371", 8, 8, "LV"),
    ("372", 7, 8, "EE"),
    ("373", 8, 8, "MD"),
    ("374", 8, 8, "AM"),
    ("375", 9, 9, "BY"),
    ("380", 9, 9, "UA"),
    ("381", 8, 9, "RS"),
    ("382", 8, 8, "ME"),
    ("385", 8, 9, "HR"),
    ("386", 8, 8, "SI"),
    ("387", 8, 8, "BA"),
    ("389", 8, 8, "MK"),
    ("420", 9, 9, "CZ"),
    ("421", 9, 9, "SK"),
    ("423", 7, 7, "LI"),
    ("502", 8, 8, "GT"),
    ("503", 8, 8, "SV"),
    ("504", 8, 8, "HN"),
    ("505", 8, 8, "NI"),
    ("506", 8, 8, "CR"),
    ("507", 7, 8, "PA"),
    ("591", 8, 8, "BO"),
    ("593", 8, 9, "EC"),
    ("595", 9, 9, "PY"),
    ("598", 8, 8, "UY"),
    ("852", 8, 8, "HK"),
    ("853", 8, 8, "MO"),
    ("855", 8, 9, "KH"),
    ("856", 8, 10, "LA"),
    ("880", 8, 10, "BD"),
    ("886", 8, 9, "TW"),
    ("960", 7, 7, "MV"),
    ("961", 7, 8, "LB"),
    ("962", 8, 9, "JO"),
    ("963", 8, 9, "SY"),
    ("964", 8, 10, "IQ"),
    ("965", 8, 8, "KW"),
    ("966", 8, 9, "SA"),
    ("967", 7, 9, "YE"),
    ("968", 8, 8, "OM"),
    ("970", 8, 9, "PS"),
    ("971", 8, 9, "AE"),
    ("972", 8, 9, "IL"),
    ("973", 8, 8, "BH"),
    ("974", 7, 8, "QA"),
    ("975", 7, 8, "BT"),
    ("976", 8, 8, "MN"),
    ("977", 8, 10, "NP"),
    ("992", 9, 9, "TJ"),
    ("993", 8, 8, "TM"),
    ("994", 9, 9, "AZ"),
    ("995", 9, 9, "GE"),
    ("996", 9, 9, "KG"),
    ("998", 9, 9, "UZ"),
];

/// The digits of a whole value; `None` when it does not begin with a plus.
fn digits(value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?;
    let mut letters = text.chars().map(narrow);
    let mut first = letters.next()??;
    if first == b'(' {
        first = letters.next()??;
    }
    if first != b'+' {
        return None;
    }
    let mut digits = Vec::with_capacity(16);
    for letter in letters {
        match letter? {
            digit @ b'0'..=b'9' => digits.push(digit),
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' => {}
            _ => return None,
        }
    }
    (7..=15).contains(&digits.len()).then_some(digits)
}

fn code(digits: &[u8]) -> Option<&'static (&'static str, usize, usize, &'static str)> {
    CODES.iter().find(|(code, ..)| digits.starts_with(code.as_bytes()))
}

fn check(digits: &[u8]) -> Check {
    match code(digits) {
        Some((code, least, most, _)) => {
            let behind = digits.len() - code.len();
            // `+44 (0)20`: a zero that is not dialled from abroad.
            let zero = digits.get(code.len()) == Some(&b'0') && *code != "39";
            Check::with((*least..=*most + usize::from(zero)).contains(&behind), true)
        }
        None => Check::with(digits.first() != Some(&b'0'), false),
    }
}

/// The digits of a number that begins with 00 in place of the plus: of a known country and length. That it is no serial
/// with zeros before it, a name or a context word must tell in a text.
pub(in crate::personal) fn dialled(text: &[u8]) -> Check {
    let digits = text.strip_prefix(b"00").unwrap_or_default();
    Check::with(digits.len() <= 15 && check(digits) == Check::Known, false)
}

/// Where it leads.
pub(in crate::personal) fn dialled_facts(text: &[u8], _today: Date) -> Facts {
    region(text.strip_prefix(b"00").unwrap_or_default())
}

fn region(digits: &[u8]) -> Facts {
    let region = code(digits).map(|(.., country)| *country);
    Facts { born: None, region: region.filter(|country| !country.is_empty()).map(str::to_owned) }
}

fn take(value: &[u8]) -> Option<Check> {
    Some(check(&digits(value)?))
}

fn canonical(value: &[u8], out: &mut Vec<u8>) {
    if let Some(digits) = digits(value) {
        canonical_digits(digits, out);
    }
}

/// Writes the form that is counted of the digits behind the plus, or the 00.
pub(in crate::personal) fn canonical_digits(mut digits: Vec<u8>, out: &mut Vec<u8>) {
    let zero = code(&digits).map(|(code, ..)| code.len()).filter(|_| !digits.starts_with(b"39"));
    if let Some(at) = zero.filter(|&at| digits.get(at) == Some(&b'0')) {
        digits.remove(at);
    }
    // Mainland mobiles are counted without their country code, as [`Recogniser::canonical`] has them.
    let mobile = digits.strip_prefix(b"86").filter(|rest| rest.len() == 11 && rest.starts_with(b"1"));
    match mobile {
        Some(mobile) => out.extend_from_slice(mobile),
        None => {
            out.push(b'+');
            out.extend_from_slice(&digits);
        }
    }
}

fn facts(value: &[u8], _today: Date) -> Facts {
    digits(value).map(|digits| region(&digits)).unwrap_or_default()
}

/// A number without country code: groups, of which the first has an area and may stand in brackets. Digits alone are a
/// pattern of the pack.
pub(super) const NATIONAL: Form = Form {
    name: "national",
    needs: Traits::DIGIT,
    forbids: Traits::AT.and(Traits::HIGH).and(Traits::COLON).and(Traits::PLUS),
    least: 9,
    most: 28,
    take: national,
    canonical: |value, out| out.extend(value.iter().filter(|byte| byte.is_ascii_digit())),
    ..Form::PLAIN
};

fn national(value: &[u8]) -> Option<Check> {
    let (mut groups, mut digits, mut area, mut last) = (0_usize, 0_usize, 0, b' ');
    for (at, &byte) in value.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                groups += usize::from(!last.is_ascii_digit());
                digits += 1;
                area += usize::from(groups == 1);
            }
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' => {}
            _ if digits >= 8 && is_extension(value.get(at..)?) => break,
            _ => return None,
        }
        last = byte;
    }
    let trunk = value.iter().find(|byte| byte.is_ascii_digit()) == Some(&b'0');
    // Eight digits in three groups are a day.
    let fits = match (trunk, groups) {
        (true, _) => 9..=12,
        (false, 2) => 8..=11,
        (false, _) => 9..=11,
    };
    (area <= 5 && (2..=5).contains(&groups) && fits.contains(&digits)).then_some(Check::Passes)
}

/// `x354`, `ext. 354`, `#354`: where to be put through to.
fn is_extension(text: &[u8]) -> bool {
    let lower: Vec<u8> = text.iter().take(12).map(u8::to_ascii_lowercase).collect();
    let signs: [&[u8]; 5] = [b"ext.", b"extn", b"ext", b"x", b"#"];
    let Some(number) = signs.iter().find_map(|sign| lower.strip_prefix(*sign)) else { return false };
    let number = number.trim_ascii_start();
    (1..=6).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
}

/// The number whose plus stands at `plus`: it ends before what is no digit, or two separators.
pub(in crate::personal) fn at(text: &[u8], plus: usize) -> Option<(usize, usize, Check)> {
    let before = plus.checked_sub(1).and_then(|at| text.get(at));
    let digit = text.get(plus + 1).is_some_and(u8::is_ascii_digit);
    if !digit || before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'+') {
        return None;
    }
    let mut end = plus + 1;
    let mut digits = Vec::with_capacity(16);
    let mut at = end;
    let mut signs = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'0'..=b'9' => {
                digits.push(byte);
                signs = 0;
                end = at + 1;
            }
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' => signs += 1,
            _ => break,
        }
        if digits.len() > 15 || signs > 2 {
            break;
        }
        at += 1;
    }
    // The next number of a row may have been read as well: leave away groups until it fits.
    while digits.len() >= 7 {
        let passes = check(&digits);
        if digits.len() <= 15 && passes != Check::Fails {
            let open = text.get(end).is_none_or(|byte| !byte.is_ascii_alphanumeric());
            return open.then_some((plus, end, passes));
        }
        let shorter = text.get(plus..end)?.iter().rposition(|byte| matches!(byte, b' ' | b'/'))?;
        end = plus + shorter;
        digits = text.get(plus..end)?.iter().copied().filter(u8::is_ascii_digit).collect();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_many_countries_are_read() {
        for number in [
            "+44 20 7946 0958",
            "+1 (202) 555-0143",
            "+86 154 0000 0000",
            "+852 5555 0000",
            "＋４９ 30 1234567",
            "+44 (0)20 7946 0958",
        ] {
            assert_eq!(take(number.as_bytes()), Some(Check::Known), "{number}");
        }
        assert_eq!(take(b"+1 202 555"), None.or(Some(Check::Fails)));
        assert_eq!(take(b"44 20 7946 0958"), None);
    }

    #[test]
    fn the_same_number_has_the_same_form() {
        let form = |number: &str| {
            let mut out = Vec::new();
            canonical(number.as_bytes(), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(form("+44 (0)20 7946-0958"), form("+442079460958"));
        assert_eq!(form("+86 154-0000-0000"), "15400000000");
    }

    #[test]
    fn a_number_in_a_text_ends_before_the_next_one() {
        let text = b"tel +1 202 555 0143 17 times";
        assert_eq!(at(text, 4).map(|(start, end, _)| &text[start..end]), Some(b"+1 202 555 0143".as_slice()));
    }

    #[test]
    fn numbers_without_country_code_are_read() {
        for number in ["020 7946 0958", "(11) 91234-5678", "01.99.00.12.34", "202-555-0143 x12", "5551 2345"]
        {
            assert_eq!(national(number.as_bytes()), Some(Check::Passes), "{number}");
        }
        for number in
            ["1990-01-31", "31.01.1990", "2079460958", "12.50", "202-555-0143 xyz", "1234567-12345678"]
        {
            assert_eq!(national(number.as_bytes()), None, "{number}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: Vec<u8>, plus: usize) {
            let _ = (take(&text), national(&text), dialled(&text), at(&text, plus % (text.len() + 1)));
            canonical(&text, &mut Vec::new());
        }
    }
}
