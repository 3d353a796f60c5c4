//! Names of people. Each is weak: what else has the shape is decided by the column.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::{Form, Traits, lower};
use crate::personal::validate::Check;

/// Names in Chinese characters: a family name and one or two more characters; names of other peoples are written with a
/// dot.
pub(super) const CHINESE: Form = Form {
    name: "chinese_name",
    needs: Traits::HIGH,
    forbids: Traits::DIGIT.and(Traits::AT).and(Traits::LETTER),
    least: 6,
    most: 45,
    take: chinese,
    canonical: without_spaces,
    ..Form::PLAIN
};

/// Names in Latin letters: two to four words that begin with capitals, or a family name, a comma and given names.
pub(super) const LATIN: Form = Form {
    name: "latin_name",
    needs: Traits::LETTER,
    forbids: Traits::DIGIT.and(Traits::AT).and(Traits::COLON).and(Traits::PLUS),
    least: 4,
    most: 60,
    take: latin,
    canonical: lower,
    ..Form::PLAIN
};

static SINGLE: LazyLock<HashSet<char>> = LazyLock::new(|| {
    let text = include_str!("../data/cn-surnames.txt");
    text.lines().filter(|line| !line.starts_with('#')).flat_map(str::chars).collect()
});

static DOUBLE: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let text = include_str!("../data/cn-surnames-2.txt");
    text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect()
});

/// Words that no name has and many other short texts have.
const NO_NAME: &[&str] = &[
    "公司", "商店", "学校", "医院", "酒店", "中心", "银行", "省", "市", "县", "区", "路", "街", "镇", "有限",
    "项目", "系统",
];

fn is_han(letter: char) -> bool {
    matches!(u32::from(letter), 0x3400..=0x9fff | 0x20000..=0x323af | 0x3007)
}

fn chinese(value: &[u8]) -> Option<Check> {
    let text = std::str::from_utf8(value).ok()?;
    let mut letters = text.chars().filter(|&letter| letter != ' ' && letter != '\u{3000}');
    let first = letters.next().filter(|&letter| is_han(letter))?;
    let mut count = 1;
    let mut dots = 0;
    for letter in letters {
        match letter {
            '·' | '•' | '．' => dots += 1,
            letter if is_han(letter) => {}
            _ => return None,
        }
        count += 1;
    }
    if dots > 0 {
        return (4..=15).contains(&count).then_some(Check::of(dots <= 3));
    }
    let ends = NO_NAME.iter().any(|word| text.ends_with(word));
    let double = text.get(..6).is_some_and(|begin| DOUBLE.contains(begin));
    match count {
        2 | 3 => Some(Check::of(!ends && (SINGLE.contains(&first) || double))),
        4 => Some(Check::of(!ends && (double || SINGLE.contains(&first) && is_double_barrelled(text)))),
        _ => None,
    }
}

/// A married name or a child's that has both parents' family names.
fn is_double_barrelled(text: &str) -> bool {
    text.chars().nth(1).is_some_and(|second| SINGLE.contains(&second))
}

fn without_spaces(value: &[u8], out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(value);
    out.extend(text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().bytes());
}

/// Given names that are common in many countries: evidence that words are a name.
const GIVEN: &[&str] = &[
    "james",
    "mary",
    "john",
    "robert",
    "patricia",
    "jennifer",
    "michael",
    "linda",
    "david",
    "elizabeth",
    "william",
    "barbara",
    "richard",
    "susan",
    "joseph",
    "jessica",
    "thomas",
    "sarah",
    "charles",
    "karen",
    "daniel",
    "lisa",
    "matthew",
    "nancy",
    "anthony",
    "betty",
    "mark",
    "sandra",
    "paul",
    "ashley",
    "steven",
    "emily",
    "andrew",
    "kimberly",
    "kenneth",
    "donna",
    "joshua",
    "michelle",
    "kevin",
    "carol",
    "brian",
    "amanda",
    "george",
    "melissa",
    "edward",
    "deborah",
    "ronald",
    "stephanie",
    "timothy",
    "rebecca",
    "jason",
    "laura",
    "jeffrey",
    "helen",
    "ryan",
    "sharon",
    "jacob",
    "cynthia",
    "gary",
    "kathleen",
    "nicholas",
    "amy",
    "eric",
    "anna",
    "jonathan",
    "angela",
    "peter",
    "emma",
    "maria",
    "jose",
    "juan",
    "carlos",
    "luis",
    "ana",
    "antonio",
    "francisco",
    "pedro",
    "marco",
    "giulia",
    "luca",
    "hans",
    "klaus",
    "wolfgang",
    "ursula",
    "sabine",
    "stefan",
    "martin",
    "julia",
    "pierre",
    "jean",
    "marie",
    "claire",
    "ivan",
    "olga",
    "dmitri",
    "natalia",
    "sergei",
    "ahmed",
    "mohammed",
    "muhammad",
    "fatima",
    "ali",
    "omar",
    "aisha",
    "raj",
    "priya",
    "amit",
    "sunita",
    "wei",
    "ming",
    "jing",
    "hiroshi",
    "yuki",
    "kenji",
    "minjun",
    "seo",
    "nguyen",
    "erik",
    "lars",
    "anders",
    "ingrid",
    "olaf",
    "piotr",
    "katarzyna",
    "jan",
    "pavel",
    "sofia",
    "olivia",
    "noah",
    "liam",
];

fn latin(value: &[u8]) -> Option<Check> {
    let text = std::str::from_utf8(value).ok()?;
    let mut count = 0;
    let mut known = false;
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        let mut letters = word.chars();
        let first = letters.next()?;
        let rest = letters.as_str();
        // Particles: van, de, bin, …
        let particle = first.is_lowercase() && word.len() <= 4;
        let inner = |letter: char| {
            letter.is_alphabetic() && !is_han(letter) || matches!(letter, '\'' | '’' | '-' | '.')
        };
        if !(first.is_uppercase() || particle) || !rest.chars().all(inner) {
            return None;
        }
        count += 1;
        known |= GIVEN.contains(&word.to_lowercase().as_str());
    }
    (2..=5).contains(&count).then(|| Check::with(true, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_names_begin_with_a_family_name() {
        for name in ["王小明", "李雷", "欧阳明月", "张 三", "阿依古丽·买买提", "司马懿"]
        {
            assert_eq!(chinese(name.as_bytes()), Some(Check::Known), "{name}");
        }
        for other in ["苹果", "已完成", "王府井路", "李记公司"] {
            assert_ne!(chinese(other.as_bytes()), Some(Check::Known), "{other}");
        }
        assert_eq!(chinese("王小明先生收到".as_bytes()), None);
    }

    #[test]
    fn latin_names_are_words_with_capitals() {
        assert_eq!(latin(b"Peter van der Berg"), Some(Check::Known));
        assert_eq!(latin("Müller, Jürgen".as_bytes()), Some(Check::Passes));
        assert_eq!(latin(b"in progress now"), None);
        assert_eq!(latin(b"Peter"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_read_without_panic(bytes: Vec<u8>, text: String) {
            let _ = (chinese(&bytes), latin(&bytes), chinese(text.as_bytes()), latin(text.as_bytes()));
        }
    }
}
