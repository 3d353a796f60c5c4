//! The Basic Encoding Rules (ITU-T X.690), as far as LDAP needs them: definite lengths, tags of one byte.
//!
//! Elements are read one beside the other, never one inside the other, so there is no depth to bound.

/// One element: its tag, and its contents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Element<'a> {
    /// Class, form and number.
    pub(crate) tag: u8,
    /// The contents.
    pub(crate) value: &'a [u8],
}

/// An encoding that is not understood.
#[derive(Debug, PartialEq)]
pub(crate) struct Malformed;

impl<'a> Element<'a> {
    /// Length of the head and of the contents of the element at the start of `bytes`; `None` when the head is cut.
    fn lengths(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
        let Some(first) = bytes.get(1) else { return Ok(None) };
        if *first < 0x80 {
            return Ok(Some((2, usize::from(*first))));
        }
        // Some servers use the long form for short lengths, too. 0x80 would be the indefinite one.
        let count = usize::from(*first & 0x7f);
        if count == 0 || count > 4 {
            return Err(Malformed);
        }
        let Some(digits) = bytes.get(2..2 + count) else { return Ok(None) };
        let length = digits.iter().fold(0_u64, |sum, digit| sum << 8 | u64::from(*digit));
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        Ok(Some((2 + count, length)))
    }

    /// Length of the whole element at the start of `bytes`, which may not have come yet.
    pub(crate) fn whole(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        Ok(Self::lengths(bytes)?.map(|(head, body)| head.saturating_add(body)))
    }

    /// The element at the start of `bytes`, and what follows it.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, body) = Self::lengths(bytes).ok()??;
        let end = head.checked_add(body)?;
        Some((Self { tag: *bytes.first()?, value: bytes.get(head..end)? }, bytes.get(end..)?))
    }

    /// The contents as a number that is not negative and fits.
    pub(crate) fn unsigned(&self) -> Option<u64> {
        if self.value.is_empty() || self.value.len() > 8 || self.value.first()? & 0x80 != 0 {
            return None;
        }
        Some(self.value.iter().fold(0, |sum, digit| sum << 8 | u64::from(*digit)))
    }
}

/// The elements that stand beside each other in `bytes`, up to the first that is none.
pub(crate) fn elements(mut bytes: &[u8]) -> impl Iterator<Item = Element<'_>> {
    std::iter::from_fn(move || {
        let (element, rest) = Element::read(bytes)?;
        bytes = rest;
        Some(element)
    })
}

/// An element with `tag` around `parts`.
pub(crate) fn constructed(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    // Always four bytes of length: allowed by the basic rules, and it needs no cases.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut bytes = match u8::try_from(body.len()) {
        Ok(short) if short < 0x80 => vec![tag, short],
        _ => [&[tag, 0x84], length.to_be_bytes().as_slice()].concat(),
    };
    bytes.extend(body);
    bytes
}

/// OCTET STRING.
pub(crate) fn octets(text: &[u8]) -> Vec<u8> {
    constructed(4, &[text.to_vec()])
}

/// INTEGER, up to 127.
pub(crate) fn integer(number: u8) -> Vec<u8> {
    vec![2, 1, number & 0x7f]
}

/// BOOLEAN.
pub(crate) fn boolean(yes: bool) -> Vec<u8> {
    vec![1, 1, if yes { 0xff } else { 0 }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_both_forms() {
        assert_eq!(Element::whole(b"\x30\x0c").unwrap(), Some(14));
        assert_eq!(Element::whole(b"\x30\x84\x00\x00\x00\x10").unwrap(), Some(22));
        assert_eq!(Element::whole(b"\x30\x82\x01").unwrap(), None);
        assert_eq!(Element::whole(b"\x30").unwrap(), None);
        assert_eq!(Element::whole(b"\x30\x80"), Err(Malformed));
        assert_eq!(Element::whole(b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff"), Err(Malformed));
    }

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 300, 70_000] {
            let text = vec![b'a'; length];
            let bytes = [octets(&text), integer(5)].concat();
            let found: Vec<Element<'_>> = elements(&bytes).collect();
            assert_eq!(found.len(), 2);
            assert_eq!((found[0].tag, found[0].value), (4, text.as_slice()));
            assert_eq!(found[1].unsigned(), Some(5));
        }
    }

    #[test]
    fn a_cut_element_is_none() {
        assert_eq!(Element::read(b"\x04\x05abc"), None);
        assert_eq!(elements(b"\x02\x01\x01\x04\x05abc").count(), 1);
        assert_eq!(Element { tag: 2, value: &[0xff] }.unsigned(), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = Element::whole(&bytes);
            for element in elements(&bytes).take(1000) {
                let _ = element.unsigned();
            }
        }
    }
}
