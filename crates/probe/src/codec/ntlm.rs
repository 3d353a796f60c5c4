//! NTLM in SPNEGO, as far as someone who has no password speaks it: [MS-NLMP]
//! <https://learn.microsoft.com/openspecs/windows_protocols/ms-nlmp/>, [RFC 4178](https://www.rfc-editor.org/rfc/rfc4178).
//!
//! Neither login needs cryptography. An anonymous one proves nothing (MS-NLMP 3.2.5.1.2), and a made-up name has no
//! password to prove: a server that takes it as its guest does not look at the proof, and every other refuses.

use crate::wire::array_at;

const SIGNATURE: &[u8] = b"NTLMSSP\0";
const UNICODE: u32 = 0x1;
const REQUEST_TARGET: u32 = 0x4;
const NTLM: u32 = 0x200;
const ANONYMOUS: u32 = 0x800;
const ALWAYS_SIGN: u32 = 0x8000;
const EXTENDED_SECURITY: u32 = 0x0008_0000;
/// No exchange of keys: there is no key that could be exchanged.
const FLAGS: u32 = UNICODE | REQUEST_TARGET | NTLM | ALWAYS_SIGN | EXTENDED_SECURITY;
/// Longest list of attributes that a server's challenge may have; they are sent back.
const LONGEST: usize = 2048;
/// Length of the fixed part of the last message, without version and integrity code.
const FIXED: usize = 64;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Who {
    /// Nobody: a null session.
    Anonymous,
    /// A name that does not exist, without a password.
    MadeUp(&'static str),
}

/// The first message, wrapped.
pub(crate) fn negotiate() -> Vec<u8> {
    let mut message = SIGNATURE.to_vec();
    message.extend(1_u32.to_le_bytes());
    message.extend(FLAGS.to_le_bytes());
    // No domain and no workstation.
    message.extend([0; 16]);
    first_token(&message)
}

/// The last message, wrapped, in answer to the server's `challenge`.
pub(crate) fn authenticate(who: Who, challenge: &[u8]) -> Vec<u8> {
    let (flags, user, lm, nt) = match who {
        Who::Anonymous => (FLAGS | ANONYMOUS, Vec::new(), vec![0], Vec::new()),
        Who::MadeUp(name) => (FLAGS, utf16(name), vec![0; 24], no_proof(challenge)),
    };
    let mut head = SIGNATURE.to_vec();
    head.extend(3_u32.to_le_bytes());
    let mut payload = Vec::new();
    // Responses, domain, user, workstation, key.
    for field in [lm, nt, Vec::new(), user, Vec::new(), Vec::new()] {
        let (length, at) = (short(field.len()), FIXED + payload.len());
        head.extend(length.to_le_bytes());
        head.extend(length.to_le_bytes());
        head.extend(u32::from(short(at)).to_le_bytes());
        payload.extend(field);
    }
    head.extend(flags.to_le_bytes());
    next_token(&[head, payload].concat())
}

/// A well-formed NTLMv2 response that proves nothing (MS-NLMP 2.2.2.8): 16 zeros, and what it would be the proof of.
fn no_proof(challenge: &[u8]) -> Vec<u8> {
    let mut response = vec![0; 16];
    response.extend([1, 1, 0, 0, 0, 0, 0, 0]);
    // Time, challenge, reserved; the server's attributes (Samba takes no others), or the end of none; reserved.
    response.extend([0; 20]);
    response.extend_from_slice(attributes(challenge).unwrap_or(&[0; 4]));
    response.extend([0; 4]);
    response
}

/// The attributes of the server in its challenge (MS-NLMP 2.2.1.2), wherever this is wrapped.
fn attributes(challenge: &[u8]) -> Option<&[u8]> {
    let at = challenge.windows(SIGNATURE.len()).position(|window| window == SIGNATURE)?;
    let message = challenge.get(at..)?;
    let kind = u32::from_le_bytes(array_at(message, 8)?);
    let length = usize::from(u16::from_le_bytes(array_at(message, 40)?));
    let at = u32::from_le_bytes(array_at(message, 44)?) as usize;
    let attributes = message.get(at..at.checked_add(length)?)?;
    (kind == 2 && (4..=LONGEST).contains(&length)).then_some(attributes)
}

/// UTF-16, little endian.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// A DER value. Tokens are shorter than 64 KiB.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let [high, low] = short(value.len()).to_be_bytes();
    let mut out = vec![tag];
    match (high, low) {
        (0, 0..=0x7f) => out.push(low),
        (0, _) => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
    out.extend(value);
    out
}

/// NegTokenInit that offers NTLM alone.
fn first_token(message: &[u8]) -> Vec<u8> {
    const SPNEGO: [u8; 8] = [0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
    const NTLMSSP: [u8; 12] = [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a];
    let kinds = der(0xa0, &der(0x30, &NTLMSSP));
    let token = der(0xa2, &der(0x04, message));
    let init = der(0xa0, &der(0x30, &[kinds, token].concat()));
    der(0x60, &[SPNEGO.to_vec(), init].concat())
}

/// NegTokenResp.
fn next_token(message: &[u8]) -> Vec<u8> {
    der(0xa1, &der(0x30, &der(0xa2, &der(0x04, message))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(token: &[u8]) -> &[u8] {
        let at = token.windows(8).position(|window| window == SIGNATURE).unwrap();
        &token[at..]
    }

    #[test]
    fn an_anonymous_login_names_nobody_and_proves_nothing() {
        let token = authenticate(Who::Anonymous, &[]);
        let message = message(&token);
        assert_eq!(message.len(), FIXED + 1);
        // User: length 0.
        assert_eq!(message[36..38], [0, 0]);
        assert_eq!(message[60..64], (FLAGS | ANONYMOUS).to_le_bytes());
    }

    #[test]
    fn a_made_up_name_has_a_well_formed_response_of_zeros() {
        let token = authenticate(Who::MadeUp("nobody"), &[]);
        assert_eq!(message(&token).len(), FIXED + 24 + 52 + 12);
        assert!(token.ends_with(&utf16("nobody")));
    }

    #[test]
    fn the_attributes_of_the_server_are_sent_back() {
        let mut challenge = [b"wrapped".as_slice(), SIGNATURE, &[2, 0, 0, 0]].concat();
        challenge.extend([0; 28]);
        challenge.extend([8, 0, 8, 0, 48, 0, 0, 0]);
        challenge.extend(b"\x02\0\0\0\0\0\0\0");
        assert_eq!(attributes(&challenge), Some(b"\x02\0\0\0\0\0\0\0".as_slice()));
        assert_eq!(attributes(&challenge[..challenge.len() - 1]), None);
        let token = authenticate(Who::MadeUp("nobody"), &challenge);
        assert_eq!(message(&token).len(), FIXED + 24 + 56 + 12);
    }

    proptest::proptest! {
        #[test]
        fn any_challenge_is_answered_without_panic(mut challenge: Vec<u8>, named: bool) {
            if named {
                challenge = [SIGNATURE, &[2, 0, 0, 0], &challenge].concat();
            }
            let _ = authenticate(Who::MadeUp("nobody"), &challenge);
        }
    }

    #[test]
    fn lengths_are_written_as_der_wants_them() {
        assert_eq!(der(4, &[0; 3])[..2], [4, 3]);
        assert_eq!(der(4, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(der(4, &[0; 300])[..4], [4, 0x82, 1, 44]);
    }
}
