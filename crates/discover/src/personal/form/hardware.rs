//! Addresses of machines: IP (RFC 791, RFC 4291) and MAC (IEEE 802).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Form, Traits, bare};
use crate::personal::validate::Check;

/// Addresses of the internet protocol, versions 4 and 6.
pub(super) const IP: Form = Form {
    name: "ip",
    forbids: Traits::AT.and(Traits::HIGH),
    least: 2,
    most: 45,
    take: ip,
    canonical: ip_canonical,
    ..Form::PLAIN
};

/// Hardware addresses: six pairs, or three times four digits.
pub(super) const MAC: Form = Form {
    name: "mac",
    forbids: Traits::AT.and(Traits::HIGH),
    least: 14,
    most: 17,
    take: mac,
    canonical: bare,
    ..Form::PLAIN
};

fn parse(value: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn ip(value: &[u8]) -> Option<Check> {
    if !value.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')) {
        return None;
    }
    let known = match parse(value)? {
        IpAddr::V4(address) => is_v4_of_somebody(address, value),
        IpAddr::V6(address) => is_v6_of_somebody(address),
    };
    Some(Check::with(true, known))
}

/// Whether an address is one that may lead to a person, and no version number: not private, and of at least nine
/// digits, or two in each number.
fn is_v4_of_somebody(address: Ipv4Addr, value: &[u8]) -> bool {
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_unspecified()
        || address.is_broadcast();
    !special
        && (value.iter().filter(|byte| byte.is_ascii_digit()).count() >= 9
            || address.octets().iter().all(|octet| *octet >= 10))
        && address.octets().first() != Some(&0)
}

fn is_v6_of_somebody(address: Ipv6Addr) -> bool {
    // 2000::/3 is what is given out.
    matches!(address.segments().first(), Some(0x2000..=0x3fff))
}

/// Whether an address of version 6 is written in full and nearly all of its eight groups have four digits: nothing else
/// looks like that. Addresses of a link, a site or a group are no person's.
pub(in crate::personal) fn is_full_ipv6(value: &[u8]) -> bool {
    let groups = value.split(|byte| *byte == b':').map(<[u8]>::len);
    let (all, long) = groups.fold((0, 0), |(all, long), length| (all + 1, long + usize::from(length == 4)));
    let local = value.first().is_none_or(|first| matches!(first.to_ascii_lowercase(), b'f'));
    all == 8 && long >= 6 && !local
}

fn ip_canonical(value: &[u8], out: &mut Vec<u8>) {
    if let Some(address) = parse(value) {
        out.extend_from_slice(address.to_string().as_bytes());
    }
}

fn mac(value: &[u8]) -> Option<Check> {
    let (joint, width) = match value {
        [_, _, joint @ (b':' | b'-'), ..] if value.len() == 17 => (*joint, 3),
        [_, _, _, _, b'.', ..] if value.len() == 14 => (b'.', 5),
        _ => return None,
    };
    let fits = value.iter().enumerate().all(|(at, byte)| match at % width == width - 1 {
        true => *byte == joint,
        false => byte.is_ascii_hexdigit(),
    });
    let digits: Vec<u8> =
        value.iter().filter(|byte| byte.is_ascii_hexdigit()).map(u8::to_ascii_lowercase).collect();
    let same = digits.iter().all(|byte| Some(byte) == digits.first());
    // Bits of the first byte: given by no manufacturer, and an address of many.
    let by_maker = matches!(digits.get(1), Some(b'0' | b'4' | b'8' | b'c'));
    fits.then(|| Check::with(!same, by_maker))
}

/// A hardware address that begins at `start`.
pub(in crate::personal) fn mac_at(text: &[u8], start: usize) -> Option<(usize, usize, Check)> {
    let end = start.checked_add(17)?;
    let value = text.get(start..end)?;
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    let open = |byte: Option<&u8>| {
        byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b':' | b'-'))
    };
    if !open(before) || !open(text.get(end)) {
        return None;
    }
    Some((start, end, mac(value)?))
}

/// An address of version 4 that begins at `start`: four numbers, and nothing that makes them a longer number of a version,
/// or a network.
pub(in crate::personal) fn ipv4_at(text: &[u8], start: usize) -> Option<(usize, usize, Check)> {
    let value = text.get(start..text.len().min(start.saturating_add(16)))?;
    let length = value.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let value = value.get(..length)?;
    let value = value.strip_suffix(b".").unwrap_or(value);
    let end = start + value.len();
    let joined = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@');
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    let network = |rest: &[u8]| matches!(rest, [b'/', digit, ..] if digit.is_ascii_digit());
    let behind = text.get(end..).unwrap_or_default();
    let sentence = matches!(behind, [b'.'] | [b'.', b' ' | b'\n' | b'\r' | b'"' | b'<', ..]);
    if before.is_some_and(joined) || behind.first().is_some_and(joined) && !sentence || network(behind) {
        return None;
    }
    let address: Ipv4Addr = std::str::from_utf8(value).ok()?.parse().ok()?;
    Some((start, end, Check::with(true, is_v4_of_somebody(address, value))))
}

/// An address of version 6 of which a colon stands at `at`, between two parts that are not empty; one with another colon
/// near it follows.
pub(in crate::personal) fn ipv6_at(text: &[u8], at: usize) -> Option<(usize, usize, Check)> {
    if !text.get(at + 1).is_some_and(u8::is_ascii_hexdigit) {
        return None;
    }
    let part = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(**byte, b':' | b'.');
    let before =
        text.get(at.saturating_sub(4)..at)?.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let colon = |at: usize| text.get(at) == Some(&b':');
    let second = (at + 2..at + 6).filter(|&second| colon(second));
    let mut third = second.map(|second| colon(second + 1) || (second + 2..second + 6).any(colon));
    if before == 0 || !third.any(|near| near) {
        return None;
    }
    let start = at - before;
    let length = text.get(start..)?.iter().take(46).take_while(part).count();
    let mut value = text.get(start..start + length)?;
    while let Some(shorter) = value.strip_suffix(b".").or_else(|| value.strip_suffix(b":")) {
        value = shorter;
    }
    let end = start + value.len();
    let open = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b':');
    let outside = start.checked_sub(1).and_then(|before| text.get(before));
    if !open(outside) || !open(text.get(end)) || parse(value).is_none_or(|address| !address.is_ipv6()) {
        return None;
    }
    Some((start, end, ip(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_versions_are_read() {
        assert_eq!(ip(b"203.0.113.195"), Some(Check::Known));
        assert_eq!(ip(b"10.0.0.1"), Some(Check::Passes));
        assert_eq!(ip(b"1.2.3.4"), Some(Check::Passes));
        assert_eq!(ip(b"2001:db8::1"), Some(Check::Known));
        assert_eq!(ip(b"256.1.1.1"), None);
        assert_eq!(ip(b"1.2.3"), None);
    }

    #[test]
    fn hardware_addresses_are_read() {
        assert_eq!(mac(b"00:1b:44:11:3a:b7"), Some(Check::Known));
        assert_eq!(mac(b"00-1B-44-11-3A-B7"), Some(Check::Known));
        assert_eq!(mac(b"001b.4411.3ab7"), Some(Check::Known));
        assert_eq!(mac(b"00:1b:44-11:3a:b7"), None);
        assert_eq!(mac(b"ff:ff:ff:ff:ff:ff"), Some(Check::Fails));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: Vec<u8>, at: usize) {
            let at = at % (text.len() + 1);
            let _ = (ip(&text), mac(&text), mac_at(&text, at), ipv6_at(&text, at));
        }
    }
}
