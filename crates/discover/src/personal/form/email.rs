//! E-mail addresses: <https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2>, without quoted local parts and literal
//! addresses, which nobody has.

use super::{Form, Traits};
use crate::personal::validate::Check;

/// The form.
pub(super) const FORM: Form =
    Form { name: "email", needs: Traits::AT.and(Traits::DOT), least: 6, most: 254, take, ..Form::PLAIN };

/// The longest local part.
const LOCAL: usize = 64;
/// The longest domain.
const DOMAIN: usize = 253;

/// Top-level domains of more than two letters that people have addresses in.
/// <https://data.iana.org/TLD/tlds-alpha-by-domain.txt>
const GENERIC: &[&[u8]] = &[
    b"com",
    b"net",
    b"org",
    b"edu",
    b"gov",
    b"mil",
    b"int",
    b"biz",
    b"info",
    b"name",
    b"pro",
    b"mobi",
    b"asia",
    b"tel",
    b"jobs",
    b"travel",
    b"museum",
    b"coop",
    b"aero",
    b"cat",
    b"post",
    b"xxx",
    b"app",
    b"dev",
    b"page",
    b"xyz",
    b"top",
    b"vip",
    b"wang",
    b"site",
    b"online",
    b"store",
    b"shop",
    b"tech",
    b"club",
    b"live",
    b"email",
    b"cloud",
    b"work",
    b"group",
    b"ltd",
    b"ren",
    b"link",
    b"icu",
    b"fun",
    b"art",
    b"blog",
    b"design",
    b"agency",
    b"space",
    b"world",
    b"today",
    b"company",
    b"global",
    b"solutions",
    b"digital",
    b"media",
    b"news",
    b"life",
    b"team",
    b"zone",
    b"center",
    b"foundation",
    b"academy",
    b"school",
    b"university",
    b"health",
    b"care",
    b"clinic",
    b"bank",
    b"finance",
    b"legal",
    b"law",
    b"berlin",
    b"hamburg",
    b"london",
    b"paris",
    b"tokyo",
    b"nyc",
    b"wien",
    b"amsterdam",
    b"africa",
    b"eus",
    b"swiss",
    b"bayern",
    b"koeln",
    b"cologne",
    b"one",
    b"pub",
    b"red",
    b"ink",
    b"run",
    b"wiki",
    b"plus",
    b"games",
    b"chat",
    b"social",
    b"network",
    b"systems",
    b"software",
    b"services",
    b"support",
    b"consulting",
    b"example",
    b"test",
    b"invalid",
    b"localhost",
    b"internal",
    b"lan",
    b"corp",
];

fn take(value: &[u8]) -> Option<Check> {
    let sign = memchr::memchr(b'@', value)?;
    let (start, end, check) = at(value, sign)?;
    (start == 0 && end == value.len()).then_some(check)
}

/// The address around the `@` at `sign`: where it begins and ends. Other scripts around it do not belong to it.
pub(in crate::personal) fn at(text: &[u8], sign: usize) -> Option<(usize, usize, Check)> {
    let start = local(text, sign)?;
    let (end, last) = domain(text, sign + 1)?;
    if is_user_of_url(text.get(..start).unwrap_or_default()) {
        return None;
    }
    let other_script = last.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case(b"xn--"));
    let known = last.len() == 2 || other_script || GENERIC.iter().any(|name| name.eq_ignore_ascii_case(last));
    let named = other_script || last.iter().all(u8::is_ascii_alphabetic);
    (named && last.len() >= 2).then_some((start, end, Check::with(true, known)))
}

/// What a byte may be in an address: 1 a letter or digit, 2 a sign of a local part, 4 a dot, 8 a dash.
const ROLES: [u8; 256] = roles();

const fn roles() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut byte = 0u8;
    while let Some((slot, after)) = rest.split_first_mut() {
        // `=`, `/`, `?`, `&`, `|` and braces are allowed by the standard; in texts they stand before an address.
        *slot = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => 1,
            b'!' | b'#' | b'$' | b'%' | b'\'' | b'*' | b'+' | b'^' | b'_' | b'`' | b'~' => 2,
            b'.' => 4,
            b'-' => 8,
            _ => 0,
        };
        rest = after;
        byte = byte.wrapping_add(1);
    }
    table
}

#[inline]
fn role(byte: u8) -> u8 {
    ROLES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Where the local part begins.
fn local(text: &[u8], sign: usize) -> Option<usize> {
    let before = text.get(sign.saturating_sub(LOCAL + 1)..sign)?;
    let length = before.iter().rev().take_while(|&&byte| role(byte) != 0).count();
    if length > LOCAL || before.last() == Some(&b'.') {
        return None;
    }
    let mut start = sign - length;
    // Signs that may stand in a name and more often stand before it.
    while text.get(start).is_some_and(|&byte| role(byte) != 1 && byte != b'_') && start < sign {
        start += 1;
    }
    // `\n` ends with a letter, too.
    if start.checked_sub(1).and_then(|at| text.get(at)) == Some(&b'\\')
        && matches!(text.get(start), Some(b'n' | b'r' | b't'))
    {
        start += 1;
    }
    let name = text.get(start..sign)?;
    let dots = name.windows(2).fold(false, |dots, pair| dots | (pair == b".."));
    (!name.is_empty() && !dots).then_some(start)
}

/// Whether what stands `before` makes the name before the `@` a user or a password of a URL: `scheme://user:password@host`
/// (<https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1>).
fn is_user_of_url(before: &[u8]) -> bool {
    let inside = |byte: &&u8| {
        byte.is_ascii_graphic() && !matches!(**byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>')
    };
    let length = before.iter().rev().take(2 * LOCAL).take_while(inside).count();
    let scheme = before.get(..before.len() - length).unwrap_or_default();
    scheme.ends_with(b"://") && !scheme.ends_with(b"mailto://")
}

/// Where the domain ends, and its last label.
fn domain(text: &[u8], start: usize) -> Option<(usize, &[u8])> {
    let mut rest = text.get(start..text.len().min(start.saturating_add(DOMAIN + 1)))?;
    let mut end = start;
    let mut labels = 0;
    loop {
        let length = rest.iter().take_while(|&&byte| role(byte) & (1 | 8) != 0).count();
        let (label, behind) = rest.split_at_checked(length)?;
        if !(1..=63).contains(&length) || label.starts_with(b"-") {
            return None;
        }
        labels += 1;
        end += length;
        match behind {
            [b'.', next, ..] if role(*next) & 1 != 0 => {
                if label.ends_with(b"-") {
                    return None;
                }
                end += 1;
                rest = behind.get(1..)?;
            }
            [b'@' | b'_', ..] => return None,
            // A dot or dash that follows ends the sentence.
            _ => {
                let dashes = label.iter().rev().take_while(|&&byte| byte == b'-').count();
                let last = label.get(..length - dashes)?;
                return (labels >= 2 && end - start <= DOMAIN).then_some((end - dashes, last));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let sign = text.find('@')?;
        let (start, end, _) = at(text.as_bytes(), sign)?;
        text.get(start..end)
    }

    #[test]
    fn an_address_ends_where_its_characters_end() {
        assert_eq!(found("邮箱a.b@mail.example.cn是"), Some("a.b@mail.example.cn"));
        assert_eq!(found("<x@example.com>."), Some("x@example.com"));
        assert_eq!(found("write to x@example.com."), Some("x@example.com"));
        assert_eq!(found("?to=x+y@example.com&a"), Some("x+y@example.com"));
        assert_eq!(found("\\nx@example.com"), Some("x@example.com"));
        assert_eq!(found("https://example.org/a?to=x@example.com"), Some("x@example.com"));
        assert_eq!(found("https://example.org?to=x@example.com"), Some("x@example.com"));
    }

    #[test]
    fn what_is_none_is_none() {
        for text in [
            "a@b",
            "@x.com",
            "a..b@example.com",
            "a@-x.com",
            "icon@2x.png2",
            "a@b@example.com",
            "a@x.c0m",
            "postgres://app:s3cret@db.example.com/app",
            "DATABASE_URL=mysql://root:p=w!x@db.example.com:3306",
            "https://user@example.com",
            "pkg@1.2.3",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
        assert_eq!(take(b"icon@x.png"), Some(Check::Passes));
        assert_eq!(take(b"a@example.com"), Some(Check::Known));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: Vec<u8>, sign: usize) {
            let sign = sign % (text.len() + 1);
            if let Some((start, end, _)) = at(&text, sign) {
                proptest::prop_assert!(start < sign && sign < end && end <= text.len());
            }
            take(&text);
        }
    }
}
