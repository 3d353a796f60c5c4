//! Values of which there are few, and short codes.

use super::{Form, Traits, bare};
use crate::personal::validate::Check;

/// Blood groups: AB0 and Rhesus.
pub(super) const BLOOD: Form =
    Form { name: "blood", forbids: Traits::DIGIT.and(Traits::AT), most: 16, take: blood, ..Form::PLAIN };

/// Codes of diseases: ICD-10, <https://icd.who.int/browse10/2019/en>.
pub(super) const ICD: Form = Form {
    name: "icd",
    needs: Traits::LETTER.and(Traits::DIGIT),
    forbids: Traits::AT.and(Traits::HIGH),
    least: 3,
    most: 10,
    take: icd,
    canonical: bare,
    ..Form::PLAIN
};

/// Ids of WeChat: the service's own, or one that its owner chose.
pub(super) const WECHAT: Form = Form {
    name: "wechat",
    needs: Traits::LETTER,
    forbids: Traits::AT.and(Traits::HIGH),
    least: 6,
    most: 30,
    take: wechat,
    ..Form::PLAIN
};

/// The longest word of a list, in bytes.
pub(in crate::personal) const LONGEST_WORD: usize = 40;

/// A word of a list as it is compared: small letters, spaces gone.
pub(in crate::personal) fn fold_word(word: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(word)
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .into_bytes()
}

fn blood(value: &[u8]) -> Option<Check> {
    let text = String::from_utf8(fold_word(value)).ok()?;
    let text = text.trim_start_matches("rh").trim_end_matches(['型', ')', '）']);
    let group = text.trim_end_matches("阳性").trim_end_matches("阴性").trim_end_matches("rh");
    let group = group.trim_matches(['+', '-', '(', '（', '型', ',', '阳', '阴', '性']).trim_end_matches("rh");
    let group = group.trim_matches(['+', '-', '(', '（', '型', ',']);
    ["a", "b", "ab", "o", "0"].contains(&group).then_some(Check::Known)
}

fn icd(value: &[u8]) -> Option<Check> {
    let (letter, rest) = value.split_first()?;
    let (category, rest) = rest.split_at_checked(2)?;
    let subdivision = match rest {
        [] => true,
        [b'.', rest @ ..] => (1..=4).contains(&rest.len()) && rest.iter().all(u8::is_ascii_alphanumeric),
        // Chinese editions add `x` and three digits.
        rest => {
            rest.len() <= 6
                && rest.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'x' | b'.' | b'+' | b'*'))
        }
    };
    let fits = letter.is_ascii_uppercase() && category.first().is_some_and(u8::is_ascii_digit);
    (fits && category.last().is_some_and(u8::is_ascii_alphanumeric) && subdivision).then_some(Check::Passes)
}

fn wechat(value: &[u8]) -> Option<Check> {
    if let Some(own) = value.strip_prefix(b"wxid_") {
        return Some(Check::of(own.len() >= 10 && own.iter().all(u8::is_ascii_alphanumeric)));
    }
    let (first, rest) = value.split_first()?;
    let fits = first.is_ascii_alphabetic()
        && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
    (fits && value.len() <= 20).then_some(Check::Passes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blood_groups_and_diseases_are_read() {
        for text in ["A", "AB+", "O型", "B Rh-", "A型RH阳性", "Rh+ O"] {
            let _ = blood(text.as_bytes());
        }
        assert_eq!(blood("O型".as_bytes()), Some(Check::Known));
        assert_eq!(blood(b"AB+"), Some(Check::Known));
        assert_eq!(blood(b"C"), None);
        assert_eq!(icd(b"J45.9"), Some(Check::Passes));
        assert_eq!(icd(b"I10.x00"), Some(Check::Passes));
        assert_eq!(icd(b"45.9"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_read_without_panic(bytes: Vec<u8>, text: String) {
            let _ = (blood(&bytes), icd(&bytes), blood(text.as_bytes()), icd(text.as_bytes()));
        }
    }
}
