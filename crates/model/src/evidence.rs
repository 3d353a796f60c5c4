//! What was sent and what came back: enough for another engineer to repeat it, and nothing that is data.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longest excerpt kept of what was sent or received, in characters.
const EXCERPT_CHARS: usize = 160;

/// One request and its answer, redacted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// When the answer was complete.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// `tcp`, `tls` or `file`.
    pub transport: String,
    /// What was sent, as text another engineer can repeat.
    pub sent: String,
    /// What came back: the status, the error, or what the answer holds in numbers. Never a record, never a name.
    pub received: String,
    /// Length of the answer in bytes.
    pub bytes: u64,
    /// SHA-256 of the whole answer, hexadecimal.
    pub sha256: String,
}

/// SHA-256 of `bytes`, hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes untrusted bytes printable: one line, ASCII, at most 160 characters.
///
/// A hostile server must not move the cursor of the terminal that shows its answer, so everything outside
/// printable ASCII is escaped.
pub fn excerpt(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        if out.len() >= EXCERPT_CHARS {
            out.push_str(&format!("... ({} bytes in all)", bytes.len()));
            break;
        }
        match byte {
            b'\r' | b'\n' if index + 2 >= bytes.len() => {}
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n"),
            0x20..=0x7e => out.push(char::from(*byte)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_of_a_hostile_server_are_made_visible() {
        assert_eq!(excerpt(b"\x1b[2Jgone"), "\\x1b[2Jgone");
    }

    #[test]
    fn a_long_answer_is_cut_and_says_so() {
        let text = excerpt(&[b'a'; 1000]);
        assert!(text.ends_with("... (1000 bytes in all)"), "{text}");
    }

    #[test]
    fn the_last_line_end_is_left_out() {
        assert_eq!(excerpt(b"+PONG\r\n"), "+PONG");
    }
}
