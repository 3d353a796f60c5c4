//! Names of columns.

use std::collections::HashMap;

use super::KindId;

/// Words that say nothing about what a column holds; they may stand behind the word that does.
const BEHIND: &[&str] = &[
    "no",
    "nr",
    "num",
    "number",
    "numbers",
    "id",
    "code",
    "value",
    "val",
    "text",
    "txt",
    "str",
    "string",
    "raw",
    "hash",
    "hashed",
    "md",
    "sha",
    "sm",
    "hmac",
    "enc",
    "encrypted",
    "cipher",
    "mask",
    "masked",
    "plain",
    "clear",
    "field",
    "key",
    "new",
    "old",
    "bak",
    "copy",
    "list",
    "info",
    "s",
    // Whose it is; other languages than English and German say that behind.
    "client",
    "cliente",
    "customer",
    "kunde",
    "user",
    "usuario",
    "employee",
    "empleado",
    "mitarbeiter",
    "patient",
    "paciente",
    "member",
    "holder",
    "owner",
    "titular",
    "inhaber",
    "beneficiary",
    "beneficiario",
    "person",
    "persona",
    // Which of several it is.
    "fixe",
    "fijo",
    "fixo",
    "privat",
    "private",
    "home",
    "work",
    "personal",
    "primary",
    "secondary",
    "main",
    "emergency",
    "principal",
];
/// Which country's it is, in the letters of ISO 3166-1; those that are words of English or Spanish, too, say nothing.
const COUNTRIES: &[&str] = &[
    "ae", "ar", "au", "br", "ca", "ch", "cl", "cn", "co", "cz", "de", "dk", "ec", "ee", "eg", "es", "fi",
    "fr", "gb", "gr", "hk", "hr", "hu", "ie", "il", "jp", "kr", "kz", "lv", "mx", "ng", "nl", "nz", "pe",
    "ph", "pk", "pl", "pt", "ro", "ru", "sa", "se", "sg", "si", "th", "tr", "tw", "ua", "uk", "us", "vn",
    "za",
];

/// The same in Chinese.
const BEHIND_ZH: &[&str] = &["号码", "编号", "号", "加密", "密文", "脱敏", "哈希", "明文", "信息", "列表"];

/// Longest name that is looked at, in bytes.
const LONGEST: usize = 128;

/// The kinds by the names of their columns.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Names of columns.
    kinds: HashMap<String, Vec<KindId>>,
    /// Words that say that values are no person's, and the kinds of which.
    things: HashMap<String, Vec<KindId>>,
}

impl Names {
    /// Adds a name.
    pub(super) fn add(&mut self, name: &str, kind: KindId) {
        let kinds = self.kinds.entry(words(name).concat()).or_default();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }

    /// Adds a word that says that what a column holds is a thing's.
    pub(super) fn add_thing(&mut self, word: &str, kind: KindId) {
        self.things.entry(word.to_lowercase()).or_default().push(kind);
    }

    /// Appends the kinds of which the words of `column` say that it holds none of a person.
    pub(super) fn denied(&self, column: &str, out: &mut Vec<KindId>) {
        if column.len() <= LONGEST * 8 {
            let words = words(segment(column));
            out.extend(words.iter().filter_map(|word| self.things.get(word)).flatten());
        }
    }

    /// Appends the kinds of the longest name that `column` ends with.
    pub(super) fn find(&self, column: &str, out: &mut Vec<KindId>) {
        if column.len() > LONGEST * 8 {
            return;
        }
        let words = words(segment(column));
        let things: Vec<KindId> =
            words.iter().filter_map(|word| self.things.get(word)).flatten().copied().collect();
        // `iban_beneficiary` is an account, although `beneficiary` alone is somebody's name.
        let kinds = self.search(words.clone(), true).or_else(|| self.search(words, false));
        out.extend(kinds.unwrap_or_default().iter().filter(|kind| !things.contains(kind)));
    }

    /// The kinds of the longest name at the end, when what may stand behind is taken away step by step: `phone_no` may be
    /// a name of its own. `behind_first`: a word that may stand behind is no name while others stand before it.
    fn search(&self, mut words: Vec<String>, behind_first: bool) -> Option<&[KindId]> {
        loop {
            let behind = behind_first && words.len() > 1 && words.last().is_some_and(|word| is_behind(word));
            let found = self.longest(&words, if behind { 2 } else { 1 });
            if found.is_some() {
                return found;
            }
            match words.pop() {
                Some(last) if is_behind(&last) => {}
                Some(last) => match BEHIND_ZH.iter().find_map(|ending| last.strip_suffix(ending)) {
                    Some(rest) if !rest.is_empty() => words.push(rest.to_owned()),
                    _ => return None,
                },
                None => return None,
            }
        }
    }

    /// The kinds of the longest name of at least so many words.
    fn longest(&self, words: &[String], least: usize) -> Option<&[KindId]> {
        let from_word = (0..(words.len() + 1).saturating_sub(least))
            .find_map(|from| self.kinds.get(&words.get(from..)?.concat()));
        // Chinese has no spaces: `联系人手机号` ends with a name.
        let from_letter = || {
            let last = words.last().filter(|word| !word.is_ascii())?;
            last.char_indices()
                .find_map(|(at, _)| self.kinds.get(last.get(at..).filter(|rest| rest.len() >= 6)?))
        };
        from_word.or_else(from_letter).map(Vec::as_slice)
    }
}

fn is_behind(word: &str) -> bool {
    BEHIND.contains(&word) || COUNTRIES.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The last segment of a path such as `public.person.phones[].number` or `//person/@id`; when it is a word that says
/// nothing, the one before it, too.
fn segment(column: &str) -> &str {
    let ends = |letter: char| {
        matches!(letter, '.' | '/' | '[' | ']' | '@' | '!' | '>' | '(' | '（' | ')' | '）' | '*')
    };
    let trimmed = column.trim_end_matches(ends);
    let Some(at) = trimmed.rfind(ends) else { return trimmed };
    let last = trimmed.get(at..).map_or("", |rest| rest.trim_start_matches(ends));
    let before = trimmed.get(..at).unwrap_or("").trim_end_matches(ends);
    // `手机号（必填）` and `phone(mobile)` tell it before the bracket.
    if column.ends_with([')', '）']) {
        return segment(before);
    }
    if words(last).iter().all(|word| is_behind(word)) && !before.is_empty() {
        let from = before.rfind(ends).map_or(0, |at| at);
        return trimmed.get(from..).map_or(trimmed, |rest| rest.trim_start_matches(ends));
    }
    last
}

/// The words of a name in small letters: split where a small letter stands before a capital, at signs and at digits.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut class = Class::Sign;
    let mut letters = name.chars().take(LONGEST).peekable();
    while let Some(letter) = letters.next() {
        let now = Class::of(letter);
        let starts = match (class, now) {
            (_, Class::Sign) => {
                class = now;
                continue;
            }
            (Class::Lower, Class::Upper) => true,
            // `IDCard`: the last capital begins the next word.
            (Class::Upper, Class::Upper) => {
                letters.peek().is_some_and(|&next| Class::of(next) == Class::Lower)
            }
            (Class::Upper, Class::Lower) => false,
            (before, now) => before != now,
        };
        class = now;
        if starts || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    Digit,
    Other,
    Sign,
}

impl Class {
    fn of(letter: char) -> Self {
        match letter {
            letter if letter.is_uppercase() => Self::Upper,
            letter if letter.is_lowercase() => Self::Lower,
            letter if letter.is_numeric() => Self::Digit,
            letter if letter.is_alphabetic() => Self::Other,
            _ => Self::Sign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOBILE: KindId = KindId(1);
    const CARD: KindId = KindId(2);

    #[test]
    fn words_for_whose_it_is_and_of_which_country_may_stand_behind() {
        for column in
            ["mobile_cliente", "phone_titular", "mobileEmployee", "phone_no_de", "mobile_us", "phone_home"]
        {
            assert_eq!(find(column), [MOBILE], "{column}");
        }
    }

    #[test]
    fn whose_it_is_is_no_name_where_something_stands_before() {
        let mut names = Names::default();
        names.add("mobile", MOBILE);
        names.add("beneficiary", CARD);
        for (column, kind) in
            [("mobile_beneficiary", MOBILE), ("beneficiary", CARD), ("second_beneficiary", CARD)]
        {
            let mut found = Vec::new();
            names.find(column, &mut found);
            assert_eq!(found, [kind], "{column}");
        }
    }

    #[test]
    fn what_is_a_things_is_nobodys() {
        let mut names = Names::default();
        names.add("ip", MOBILE);
        names.add("ip", CARD);
        names.add_thing("server", MOBILE);
        let (mut found, mut denied) = (Vec::new(), Vec::new());
        names.find("web_server_ip", &mut found);
        names.denied("web_server_ip", &mut denied);
        assert_eq!((found, denied), (vec![CARD], vec![MOBILE]));
    }

    fn find(column: &str) -> Vec<KindId> {
        let mut names = Names::default();
        for name in ["mobile", "phone", "手机号", "手机"] {
            names.add(name, MOBILE);
        }
        for name in ["id_card", "id card no", "idNumber"] {
            names.add(name, CARD);
        }
        let mut out = Vec::new();
        names.find(column, &mut out);
        out
    }

    #[test]
    fn case_signs_and_words_around_do_not_matter() {
        for column in [
            "mobile",
            "MOBILE",
            "userMobile",
            "contact_phone_1",
            "phone-no",
            "PhoneMD5",
            "public.person.phones[].phone",
            "//person/@phone",
            "phone[].number",
            "联系人手机号",
            "手机号码",
            "手机号（必填）",
            "手机加密",
        ] {
            assert_eq!(find(column), [MOBILE], "{column}");
        }
        for column in
            ["id_card", "IDCard", "idcard", "ID Card No.", "idCardNo", "customer.id-number", "IDNumber"]
        {
            assert_eq!(find(column), [CARD], "{column}");
        }
    }

    #[test]
    fn a_column_about_a_column_is_another_one() {
        for column in
            ["phone_verified", "is_mobile_ok", "mobiles_count", "cardid", "automobile", "telephone", ""]
        {
            assert_eq!(find(column), [], "{column}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read_without_panic(name: String) {
            find(&name);
        }
    }
}
