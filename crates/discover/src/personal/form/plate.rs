//! Numbers that begin with a Chinese character: plates of vehicles and officers' cards.

use super::{Form, Traits, bare};
use crate::personal::validate::Check;

/// Plates of mainland vehicles, GA 36-2018: province, letter of the place, five characters without I and O, six for
/// vehicles of new energy (with a D or F to L group first or last), or four and a last one such as 学 and 警.
/// <https://openstd.samr.gov.cn/bzgk/gb/>
pub(super) const FORM: Form = Form {
    name: "plate",
    needs: Traits::HIGH,
    forbids: Traits::AT,
    least: 9,
    most: 24,
    take,
    canonical: bare_plate,
    ..Form::PLAIN
};

/// Officers' and soldiers' cards: 军字第2001988号.
pub(super) const OFFICER: Form = Form {
    name: "officer",
    needs: Traits::HIGH.and(Traits::DIGIT),
    least: 12,
    most: 40,
    take: officer,
    canonical: bare,
    ..Form::PLAIN
};

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
const LAST: &str = "挂学警港澳使领";

fn take(value: &[u8]) -> Option<Check> {
    let text = std::str::from_utf8(value).ok()?;
    let mut letters = text.chars().filter(|letter| !matches!(letter, '·' | '•' | ' ' | '-' | '.'));
    if !letters.next().is_some_and(|letter| PROVINCES.contains(letter)) {
        return None;
    }
    let mut body = [0u8; 7];
    let mut count = 0;
    for letter in letters {
        let byte = match letter {
            letter if letter.is_ascii_alphanumeric() => u8::try_from(letter).ok()?.to_ascii_uppercase(),
            letter if count == 5 && LAST.contains(letter) => b'!',
            _ => return None,
        };
        *body.get_mut(count)? = byte;
        count += 1;
    }
    let body = body.get(..count)?;
    let (place, rest) = body.split_first()?;
    let fits = place.is_ascii_uppercase()
        && !matches!(place, b'I')
        && rest.iter().all(|byte| {
            byte.is_ascii_digit() || *byte == b'!' || byte.is_ascii_uppercase() && !b"IO".contains(byte)
        });
    let digits = rest.iter().filter(|byte| byte.is_ascii_digit()).count();
    let length = match rest.len() {
        // At most two letters.
        5 => digits >= 3,
        // New energy: a letter first, or last on large vehicles, the second may be one, too.
        6 => {
            digits >= 4
                && (matches!(rest.first(), Some(b'A'..=b'K')) || matches!(rest.last(), Some(b'A'..=b'K')))
        }
        _ => return None,
    };
    Some(Check::of(fits && length))
}

/// Without signs, in capitals.
fn bare_plate(value: &[u8], out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(value);
    let kept =
        text.chars().filter(|letter| letter.is_alphanumeric()).map(|letter| letter.to_ascii_uppercase());
    out.extend(kept.collect::<String>().bytes());
}

/// A plate whose letter of the place stands at `at`.
pub(in crate::personal) fn at(text: &[u8], at: usize) -> Option<(usize, usize, Check)> {
    let province = |start: usize| {
        std::str::from_utf8(text.get(start..start + 3)?)
            .ok()?
            .chars()
            .next()
            .filter(|&letter| PROVINCES.contains(letter))
    };
    let start = at.checked_sub(3).filter(|&start| province(start).is_some())?;
    let mut end = at;
    let mut count = 0;
    while let Some(&byte) = text.get(end) {
        let dot = count == 1 && text.get(end..)?.starts_with("·".as_bytes());
        if dot {
            end += 2;
        } else if byte.is_ascii_alphanumeric() {
            end += 1;
            count += 1;
        } else {
            break;
        }
    }
    if count == 5
        && let Some(last) = text.get(end..end + 3).and_then(|last| std::str::from_utf8(last).ok())
        && LAST.contains(last)
    {
        end += 3;
    }
    Some((start, end, take(text.get(start..end)?)?))
}

fn officer(value: &[u8]) -> Option<Check> {
    let text = std::str::from_utf8(value).ok()?;
    let (unit, rest) = text.split_once("字第").or_else(|| text.split_once("字"))?;
    let number = rest.trim_end_matches('号').trim();
    let digits = number.bytes().all(|byte| byte.is_ascii_digit()) && (6..=8).contains(&number.len());
    let units = unit.chars().count();
    let known = [
        "军", "士", "文", "政", "后", "装", "武", "空", "海", "兵", "参", "南", "北", "沈", "兰", "成", "济",
        "广",
    ];
    (1..=4).contains(&units).then(|| Check::with(digits, known.iter().any(|known| unit.starts_with(known))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plates_of_every_sort_are_read() {
        for plate in ["京A12345", "沪A·8K3L5", "粤BD12345", "粤B12345D", "苏E1234学", "川a12b34"] {
            assert_eq!(take(plate.as_bytes()), Some(Check::Known), "{plate}");
        }
        for other in ["京A1234I", "京A123", "ABC", "新AABCDE", "京I12345"] {
            assert_ne!(take(other.as_bytes()), Some(Check::Known), "{other}");
        }
        let text = "车牌号京A·12345，";
        let start = text.find('A').unwrap();
        assert_eq!(
            at(text.as_bytes(), start).and_then(|(start, end, _)| text.get(start..end)),
            Some("京A·12345")
        );
    }

    #[test]
    fn officers_cards_are_read() {
        assert_eq!(officer("军字第2001988号".as_bytes()), Some(Check::Known));
        assert_eq!(officer("京政字第12号".as_bytes()), Some(Check::Fails));
        assert_eq!(officer("第2001988号".as_bytes()), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: Vec<u8>, place: usize, words: String) {
            let _ = (take(&text), officer(&text), at(&text, place % (text.len() + 1)), take(words.as_bytes()), officer(words.as_bytes()));
        }
    }
}
