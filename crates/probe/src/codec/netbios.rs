//! The session service of NetBIOS, which stands before SMB on port 139:
//! [RFC 1002](https://www.rfc-editor.org/rfc/rfc1002), 4.3.

use net::Error;

/// Calls the generic name of a file server.
pub(crate) fn request() -> Vec<u8> {
    let name = |name: &str, kind: u8| {
        let letters = format!("{name:<15}").into_bytes().into_iter().chain([kind]);
        let halves = letters.flat_map(|letter| [b'A' + (letter >> 4), b'A' + (letter & 15)]);
        [&[32], halves.collect::<Vec<u8>>().as_slice(), &[0]].concat()
    };
    [b"\x81\0\0\x44".to_vec(), name("*SMBSERVER", 0x20), name("WATERTIGHT", 0)].concat()
}

/// Length of a whole answer of NetBIOS at the start of `bytes`: positive, or negative with one byte of reason.
pub(crate) fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    match bytes {
        [0x82, 0, 0, 0, ..] => Ok(Some(4)),
        [0x83, 0, 0, 1, _, ..] => Ok(Some(5)),
        [0x82 | 0x83, ..] if bytes.len() < 5 => Ok(None),
        [] => Ok(None),
        _ => Err(Error::Malformed("no answer of NetBIOS".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_long_as_it_says() {
        let request = request();
        assert_eq!(request.len(), 4 + usize::from(request[3]));
        assert!(request[4..].starts_with(b"\x20CKFDENECFDEFFCFGEFFCCACACACACACA\0"));
    }

    #[test]
    fn both_answers_are_framed_and_nothing_else() {
        assert_eq!(complete(b"\x82\0\0\0").unwrap(), Some(4));
        assert_eq!(complete(b"\x83\0\0\x01\x80").unwrap(), Some(5));
        assert_eq!(complete(b"\x83\0\0").unwrap(), None);
        assert!(complete(b"HTTP/1.1").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_framed_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
        }
    }
}
