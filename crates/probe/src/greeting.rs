//! Greetings of protocols that hold no data of their own: they are named and left alone.

const GREETINGS: [(&[u8], &str); 6] = [
    (b"SSH-", "SSH"),
    (b"* OK", "IMAP"),
    (b"* BYE", "IMAP"),
    (b"+OK", "POP3"),
    (b"SIP/2.0 ", "SIP"),
    (b"RTSP/1.0 ", "RTSP"),
];

/// The name of the protocol whose greeting this is.
pub(crate) fn without_data(bytes: &[u8]) -> Option<&'static str> {
    let known = GREETINGS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, name)| *name);
    // FTP greets with the same numbers; its probe has looked at this already.
    let mail = || String::from_utf8_lossy(bytes).to_ascii_uppercase().contains("SMTP");
    let numbered = [b"220", b"421", b"554"].iter().any(|code| bytes.starts_with(*code));
    known.or_else(|| (numbered && mail()).then_some("SMTP"))
}

#[cfg(test)]
mod tests {
    use super::without_data as named;

    #[test]
    fn protocols_without_data_are_named_by_their_greetings() {
        assert_eq!(named(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), Some("SSH"));
        assert_eq!(named(b"220 mail.example.org ESMTP Postfix (Debian)\r\n"), Some("SMTP"));
        assert_eq!(named(b"220-mail.example.org ESMTP Exim 4.96\r\n220 no spam\r\n"), Some("SMTP"));
        assert_eq!(named(b"554 mail.example.org ESMTP no service\r\n"), Some("SMTP"));
        assert_eq!(named(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] Dovecot ready.\r\n"), Some("IMAP"));
        assert_eq!(named(b"+OK Dovecot ready.\r\n"), Some("POP3"));
        assert_eq!(named(b"SIP/2.0 400 Bad Request\r\n"), Some("SIP"));
        assert_eq!(named(b"220 (vsFTPd 3.0.3)\r\n"), None);
        assert_eq!(named(b"hello\r\n"), None);
    }
}
