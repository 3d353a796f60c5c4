//! Postal addresses. Shops and companies have them, too: each is weak.

use super::{Form, Traits, lower};
use crate::personal::validate::Check;

/// Chinese addresses: from the province down to the room, each with the word for its level.
pub(super) const CHINESE: Form = Form {
    name: "chinese_address",
    needs: Traits::HIGH,
    forbids: Traits::AT,
    least: 12,
    most: 300,
    take: chinese,
    ..Form::PLAIN
};

/// Addresses in Latin letters: a number, and a word for street.
pub(super) const LATIN: Form = Form {
    name: "latin_address",
    needs: Traits::DIGIT.and(Traits::LETTER),
    forbids: Traits::AT,
    least: 8,
    most: 200,
    take: latin,
    canonical: lower,
    ..Form::PLAIN
};

/// Short names of the provinces: GB/T 2260.
const PROVINCES: &[&str] = &[
    "北京",
    "天津",
    "河北",
    "山西",
    "内蒙古",
    "辽宁",
    "吉林",
    "黑龙江",
    "上海",
    "江苏",
    "浙江",
    "安徽",
    "福建",
    "江西",
    "山东",
    "河南",
    "湖北",
    "湖南",
    "广东",
    "广西",
    "海南",
    "重庆",
    "四川",
    "贵州",
    "云南",
    "西藏",
    "陕西",
    "甘肃",
    "青海",
    "宁夏",
    "新疆",
    "台湾",
    "香港",
    "澳门",
];

/// Words for the levels of an address, from the widest: GB/T 23705.
const LEVELS: &[&[&str]] = &[
    &["省", "自治区"],
    &["市", "州", "盟", "地区"],
    &["区", "县", "旗"],
    &["镇", "乡", "街道", "苏木"],
    &["路", "街", "道", "巷", "弄", "胡同", "村", "屯", "里", "大街"],
    &["号", "组", "幢", "栋", "楼", "号楼", "座", "小区", "花园"],
    &["室", "单元", "层", "户", "房"],
];

fn chinese(value: &[u8]) -> Option<Check> {
    let text = std::str::from_utf8(value).ok()?;
    if !text.chars().all(|letter| letter.is_alphanumeric() || "-－—#（）()·、， ".contains(letter)) {
        return None;
    }
    // Each level is looked for behind the one before.
    let mut rest = text;
    let mut levels = 0u32;
    let mut narrow = 0u32;
    for (depth, words) in LEVELS.iter().enumerate() {
        let nearest = words.iter().filter_map(|word| rest.find(word).map(|at| at + word.len())).min();
        if let Some(end) = nearest {
            rest = rest.get(end..).unwrap_or("");
            levels += 1;
            narrow += u32::from(depth >= 4);
        }
    }
    let province = PROVINCES.iter().any(|province| text.starts_with(province));
    let passes = narrow >= 1 && levels + u32::from(province) >= 3;
    (levels >= 2).then(|| Check::with(passes, province))
}

/// Words for street, in front of the name or behind it.
const STREETS: &[&str] = &[
    "street",
    "st",
    "st.",
    "road",
    "rd",
    "rd.",
    "avenue",
    "ave",
    "ave.",
    "lane",
    "ln",
    "drive",
    "dr",
    "boulevard",
    "blvd",
    "court",
    "ct",
    "way",
    "place",
    "pl",
    "square",
    "sq",
    "terrace",
    "close",
    "crescent",
    "highway",
    "hwy",
    "parkway",
    "rue",
    "avenida",
    "calle",
    "via",
    "piazza",
    "rua",
    "strasse",
    "straße",
    "weg",
    "platz",
    "gasse",
    "laan",
    "straat",
    "gade",
    "vej",
    "vägen",
    "gatan",
    "ulica",
    "ul.",
    "allee",
];

/// Endings of names of streets that are written in one word.
const ENDINGS: &[&str] =
    &["strasse", "straße", "weg", "platz", "gasse", "laan", "straat", "vägen", "gatan", "str."];

fn latin(value: &[u8]) -> Option<Check> {
    let text = std::str::from_utf8(value).ok()?;
    let mut number = false;
    let mut street = false;
    let mut words = 0;
    for word in text.split([' ', ',', '\n', '/']).filter(|word| !word.is_empty()) {
        words += 1;
        number |= word.len() <= 6 && word.bytes().any(|byte| byte.is_ascii_digit());
        street = street || is_street(word);
    }
    ((2..=20).contains(&words) && number && street).then_some(Check::Passes)
}

fn is_street(word: &str) -> bool {
    let ends = |ending: &&str| {
        let at = word.len().checked_sub(ending.len()).filter(|&at| at > 2);
        at.and_then(|at| word.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    STREETS.iter().any(|street| street.eq_ignore_ascii_case(word)) || ENDINGS.iter().any(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_addresses_go_down_the_levels() {
        assert_eq!(chinese("浙江省杭州市西湖区某某路12号3幢401室".as_bytes()), Some(Check::Known));
        assert_eq!(chinese("某某县某某镇某某村5组".as_bytes()), Some(Check::Passes));
        assert_eq!(chinese("浙江省杭州市".as_bytes()), Some(Check::Fails));
        assert_eq!(chinese("今天下午三点开会讨论".as_bytes()), None);
    }

    #[test]
    fn latin_addresses_have_a_number_and_a_street() {
        assert_eq!(latin(b"221B Example Street, Anytown"), Some(Check::Passes));
        assert_eq!(latin("Musterstraße 12, 12345 Musterstadt".as_bytes()), Some(Check::Passes));
        assert_eq!(latin(b"order 12 of Monday"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_read_without_panic(bytes: Vec<u8>, text: String) {
            let _ = (chinese(&bytes), latin(&bytes), chinese(text.as_bytes()), latin(text.as_bytes()));
        }
    }
}
