//! Which words may be the name of a column. Names go into reports; values must not. A map whose keys are telephone
//! numbers, or a table without a header line, would otherwise bring values into names.

/// Bytes of the longest name.
const LONGEST: usize = 64;

/// Whether a key, tag or head of a column is a name and not itself a value.
pub(super) fn is_name(word: &[u8]) -> bool {
    if word.is_empty() || word.len() > LONGEST {
        return false;
    }
    let mut digits = 0;
    for byte in word {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        if digits > 4 || *byte == b'@' || *byte < b' ' {
            return false;
        }
    }
    true
}

/// Whether the fields of a first line are names of columns, judged by themselves and by the lines below. In doubt they
/// are not: names are only hints, and a person in a column's name would be a leak.
pub(super) fn is_header(first: &[&[u8]], below: &[Vec<&[u8]>]) -> bool {
    let mut seen = std::collections::HashSet::new();
    let named = first.iter().filter(|field| !field.is_empty()).count();
    let fit = first.iter().all(|field| {
        let field = field.trim_ascii();
        field.is_empty() || is_name(field) && !is_number(field) && seen.insert(field)
    });
    if !fit || named == 0 || named * 2 < first.len() {
        return false;
    }
    if first.iter().any(|field| is_known_head(field)) {
        return true;
    }
    let identifiers = first.iter().filter(|field| is_identifier(field.trim_ascii())).count();
    if identifiers == named && first.iter().any(|field| field.contains(&b'_')) {
        return true;
    }
    // A column of numbers, dates or addresses below a word.
    (0..first.len()).any(|column| {
        let values: Vec<&[u8]> =
            below.iter().filter_map(|row| row.get(column)).map(|value| value.trim_ascii()).collect();
        let full: Vec<&&[u8]> = values.iter().filter(|value| !value.is_empty()).collect();
        !full.is_empty()
            && full
                .iter()
                .all(|value| value.iter().filter(|byte| byte.is_ascii_digit()).count() * 2 > value.len())
            && first.get(column).is_some_and(|head| !head.iter().any(u8::is_ascii_digit) && !head.is_empty())
    })
}

fn is_number(field: &[u8]) -> bool {
    field.iter().all(|byte| byte.is_ascii_digit() || b".,-+ eE:/%".contains(byte))
}

/// Letters as programs name columns: `created_at`, `userId`, `First Name` is none.
fn is_identifier(field: &[u8]) -> bool {
    field.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && field.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
}

/// Words that head columns and are nobody's name, separated by `|`.
const WHOLE: &str = "id|uid|uuid|name|email|e-mail|mail|phone|mobile|tel|telephone|address|city|country|gender|sex\
    |age|birthday|birthdate|dob|date|time|timestamp|created|updated|user|username|login|password\
    |passwd|token|key|value|type|status|amount|price|total|ip|url|zip|postcode|title|comment|notes\
    |description|iban|ssn|first name|last name|full name|firstname|lastname|surname";

/// The same, of languages that join words.
const WITHIN: &str = "姓名|名称|名字|证件|身份证|证号|号码|编号|电话|手机|邮箱|地址|日期|时间|性别|年龄|生日|出生|民族|单位|密码|备注|账号|卡号|類型|类型|状态|金额|氏名|住所|電話\
    |生年月日|性別|성명|이름|전화|주소";

fn is_known_head(field: &[u8]) -> bool {
    let Ok(field) = std::str::from_utf8(field) else { return false };
    let field = field.trim().to_lowercase();
    WHOLE.split('|').any(|word| word == field)
        || field.ends_with("_id")
        || field.chars().count() <= 12 && WITHIN.split('|').any(|word| field.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows<'a>(lines: &[&'a str]) -> Vec<Vec<&'a [u8]>> {
        lines.iter().map(|line| line.split(',').map(str::as_bytes).collect()).collect()
    }

    fn header(lines: &[&str]) -> bool {
        let rows = rows(lines);
        is_header(&rows[0], &rows[1..])
    }

    #[test]
    fn a_line_of_heads_is_a_header() {
        assert!(header(&["id,name,phone", "1,Ann,15400000001"]));
        assert!(header(&["姓名,身份证号", "张三,780000199001011234"]));
        assert!(header(&["person_ref,kind_of", "a,b"]));
        assert!(header(&["Wer,Wann", "Ann,2020-01-02"]));
    }

    #[test]
    fn a_line_of_values_is_none() {
        assert!(!header(&["张三,15400000001", "李四,15400000002"]));
        assert!(!header(&["Ann Smith,Berlin", "Bob Jones,Paris"]));
        assert!(!header(&["ann@example.com,x", "bob@example.com,y"]));
        assert!(!header(&["1,2,3", "4,5,6"]));
    }

    #[test]
    fn keys_that_are_values_are_no_names() {
        assert!(is_name("telefon1".as_bytes()) && is_name("出生日期".as_bytes()) && is_name(b"address2024"));
        assert!(!is_name(b"15400000001") && !is_name(b"ann@example.com") && !is_name(&[b'a'; 65]));
    }
}
