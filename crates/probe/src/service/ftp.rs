//! FTP: <https://www.rfc-editor.org/rfc/rfc959>, over TLS as well: <https://www.rfc-editor.org/rfc/rfc4217>.
//!
//! Many servers ask for a password before they refuse a user that they do not have, so only the answer to a made-up
//! one decides. No folder is listed: being logged in is the finding.

use std::time::Duration;

use model::{Proof, Proven, Verdict, excerpt};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Reply};

/// The probe.
pub struct Ftp;

/// Longest reply that is waited for; a greeting may be a page of rules.
const LONGEST: usize = 16 << 10;
/// How long the refusal of a password may take, at least: servers wait for three seconds before they say it.
const REFUSAL_WAIT: Duration = Duration::from_secs(8);

/// What may be said. None of these changes anything, and none names a file.
#[derive(Clone, Copy, PartialEq)]
enum Command {
    User,
    Pass,
    Pwd,
    AuthTls,
    Quit,
}

impl Command {
    /// RFC 1635 asks guests for their address as the password; this one is made up.
    fn line(self) -> &'static str {
        match self {
            Self::User => "USER anonymous",
            Self::Pass => "PASS watertight@example.org",
            Self::Pwd => "PWD",
            Self::AuthTls => "AUTH TLS",
            Self::Quit => "QUIT",
        }
    }
}

/// Length of a whole reply at the start of `bytes` (RFC 959, 4.2): one line `230 text`, or lines from `230-text` to
/// the first that starts with `230 `.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let malformed = || Err(Error::Malformed(format!("not an FTP reply: {}", excerpt(bytes))));
    if bytes.iter().take(3).any(|byte| !byte.is_ascii_digit()) || bytes.len() > LONGEST {
        return malformed();
    }
    let (code, several) = match bytes.first_chunk::<4>() {
        None => return Ok(None),
        Some([a, b, c, b'-']) => ([*a, *b, *c, b' '], true),
        Some([a, b, c, b' ' | b'\r' | b'\n']) => ([*a, *b, *c, b' '], false),
        Some(_) => return malformed(),
    };
    let mut length = 0_usize;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        length = length.saturating_add(line.len());
        let last = if several { index > 0 && line.starts_with(&code) } else { index == 0 };
        if last && line.ends_with(b"\n") {
            return Ok(Some(length));
        }
    }
    Ok(None)
}

/// The code of a reply; 0 for what is none.
fn code(reply: &[u8]) -> u16 {
    let digits = reply.get(..3).and_then(|code| std::str::from_utf8(code).ok());
    digits.and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// Product and version by what greetings say: the words to look for and the product's name.
fn product(greeting: &str) -> (Option<&'static str>, Option<String>) {
    const KNOWN: [(&str, &str); 8] = [
        ("vsFTPd", "vsftpd"),
        ("ProFTPD", "ProFTPD"),
        ("Pure-FTPd", "Pure-FTPd"),
        ("FileZilla Server", "FileZilla Server"),
        ("Microsoft FTP Service", "Microsoft FTP Service"),
        ("Serv-U FTP Server", "Serv-U"),
        ("bftpd", "bftpd"),
        ("pyftpdlib", "pyftpdlib"),
    ];
    let found = KNOWN.iter().find_map(|(words, name)| Some((*name, greeting.split_once(words)?.1)));
    let Some((name, rest)) = found else { return (None, None) };
    let rest = rest.trim_start().trim_start_matches('v');
    let version: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
    (Some(name), Some(version).filter(|version| version.starts_with(|c: char| c.is_ascii_digit())))
}

/// How far a guest came.
#[derive(Debug, PartialEq)]
enum Login {
    /// Logged in.
    In,
    /// TLS is demanded first.
    NeedsTls,
    /// Refused, with the reply's code.
    Refused(u16),
    /// Neither, with the reply's code.
    Unclear(u16),
}

/// What a final reply to USER or PASS means.
fn outcome(command: Command, reply: &[u8]) -> Login {
    let text = String::from_utf8_lossy(reply).to_ascii_uppercase();
    let tls = ["TLS", "SSL", "ENCRYPT", "CLEARTEXT", "USE AUTH"].iter().any(|word| text.contains(word));
    match code(reply) {
        // 232: logged in, and the security data exchange is complete (RFC 2228).
        230 | 232 => Login::In,
        // 533, 534: the protection level is denied for policy reasons (RFC 2228).
        421 | 500..=599 if tls => Login::NeedsTls,
        533 | 534 => Login::NeedsTls,
        // 430: invalid name or password; 332 and 532: an account is needed; 331 after PASS: another password.
        refused @ (332 | 430 | 530 | 532 | 550 | 553) => Login::Refused(refused),
        331 if command == Command::Pass => Login::Refused(331),
        // 421 also says that a server is full, 500 that it is no FTP server at all.
        other => Login::Unclear(other),
    }
}

async fn ask(session: &mut Session, conn: &mut Conn, command: Command) -> Result<Vec<u8>, Error> {
    conn.send(format!("{}\r\n", command.line()).as_bytes()).await?;
    let wait = session.patience.max(REFUSAL_WAIT);
    let reply = conn.message(wait, complete).await?;
    if command == Command::Pwd {
        session.note(command.line(), code(&reply).to_string(), &reply, conn.is_tls());
    } else {
        session.note_plain(command.line(), &reply, conn.is_tls());
    }
    Ok(reply)
}

/// Logs in as a guest.
async fn log_in(session: &mut Session, conn: &mut Conn) -> Result<Login, Error> {
    let reply = ask(session, conn, Command::User).await?;
    if code(&reply) != 331 {
        return Ok(outcome(Command::User, &reply));
    }
    let reply = ask(session, conn, Command::Pass).await?;
    Ok(outcome(Command::Pass, &reply))
}

/// Starts TLS on a new connection and logs in again. `None`: the server has no TLS.
async fn log_in_over_tls(session: &mut Session) -> Result<Option<(Conn, Login)>, Error> {
    let mut conn = session.connect_plain().await?;
    conn.message(session.patience, complete).await?;
    let reply = ask(session, &mut conn, Command::AuthTls).await?;
    if code(&reply) != 234 {
        return Ok(None);
    }
    session.start_tls(&mut conn).await?;
    let login = log_in(session, &mut conn).await?;
    Ok(Some((conn, login)))
}

/// What a guest who is logged in may do. The server that says the same to everything has let nobody in.
async fn guest(session: &mut Session, conn: &mut Conn) -> Result<(Verdict, String), Error> {
    let reply = ask(session, conn, Command::Pwd).await?;
    conn.send(format!("{}\r\n", Command::Quit.line()).as_bytes()).await?;
    Ok(match code(&reply) {
        257 => (Verdict::Open, "guests are let in: user anonymous with any password".to_owned()),
        code @ 400..=599 => {
            (Verdict::Open, format!("guests are let in: user anonymous with any password (PWD: {code})"))
        }
        other => {
            (Verdict::Unknown, format!("says {other} to PWD and 230 to a guest: answers everything alike"))
        }
    })
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let mut conn = match opened.conn.filter(|conn| !conn.received().is_empty()) {
        Some(conn) => conn,
        None => session.connect().await?,
    };
    let greeting = conn.message(session.patience, complete).await?;
    session.note_plain("connected", &greeting, conn.is_tls());
    let (product, version) = product(&String::from_utf8_lossy(&greeting));
    let told = |verdict, reason: String| Judgement {
        product: product.map(str::to_owned),
        ..Judgement::of(verdict, reason).version(version.clone())
    };
    if code(&greeting) != 220 {
        return Ok(told(Verdict::Unknown, format!("greets with {}", excerpt(&greeting))));
    }
    let mut login = log_in(session, &mut conn).await?;
    if login == Login::NeedsTls && !conn.is_tls() {
        match log_in_over_tls(session).await? {
            Some((over_tls, again)) => (conn, login) = (over_tls, again),
            None => return Ok(told(Verdict::Unknown, "demands TLS, and refuses AUTH TLS".to_owned())),
        }
    }
    let (verdict, reason) = match login {
        Login::In => guest(session, &mut conn).await?,
        Login::Refused(code) => (Verdict::Protected, format!("guests are refused ({code})")),
        Login::NeedsTls => (Verdict::Unknown, "demands TLS although it is used".to_owned()),
        Login::Unclear(code @ 500..=502) => {
            (Verdict::Unknown, format!("greets as FTP and SMTP do, and knows no USER ({code})"))
        }
        Login::Unclear(code) => {
            (Verdict::Unknown, format!("answered a guest with {code}, which decides nothing"))
        }
    };
    Ok(told(verdict, reason))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "vsftpd 3.0.3"),
    Proven::new(Proof::Real, Verdict::Protected, "vsftpd 3.0.3"),
    // Seen, not started by the tests: their packages do not go together with vsftpd's.
    Proven::new(Proof::Real, Verdict::Open, "Pure-FTPd 1.0.50"),
    Proven::new(Proof::Real, Verdict::Protected, "Pure-FTPd 1.0.50, ProFTPD 1.3.8"),
];

impl Service for Ftp {
    fn about(&self) -> About<'_> {
        About {
            id: "ftp",
            product: "FTP",
            ports: &[21, 990],
            openings: &[Opening::Listen],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        let text = String::from_utf8_lossy(reply.bytes);
        let whole = matches!(complete(reply.bytes), Ok(Some(_)));
        match code(reply.bytes) {
            // SMTP greets with the same number, and says its name (RFC 5321, 4.2).
            220 => whole && !text.to_ascii_uppercase().contains("SMTP"),
            // A late greeting is cut off by HTTP's words; this is what is said to those.
            530 => {
                whole && reply.opening == Opening::Http && text.contains("Please login with USER and PASS")
            }
            _ => false,
        }
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(session, opened))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognised(opening: Opening, bytes: &[u8]) -> bool {
        Ftp.recognises(&Reply { opening, bytes })
    }

    #[test]
    fn a_reply_of_several_lines_ends_with_its_own_number() {
        let reply = b"230-Welcome.\r\n230-Be kind: 230 guests.\r\n 220 is no end\r\n230 Logged in.\r\n";
        assert_eq!(complete(reply).unwrap(), Some(reply.len()));
        assert_eq!(complete(&reply[..reply.len() - 2]).unwrap(), None);
        assert_eq!(complete(b"220 (vsFTPd 3.0.3)\r\n530 x\r\n").unwrap(), Some(20));
        assert_eq!(complete(b"22").unwrap(), None);
        assert!(complete(b"SSH-2.0-x\r\n").is_err() && complete(b"2300 x\r\n").is_err());
        assert!(complete(&[b"220-".as_slice(), &vec![b'x'; LONGEST]].concat()).is_err());
    }

    #[test]
    fn the_number_that_counts_stands_at_the_start() {
        assert_eq!(outcome(Command::Pass, b"230 Login successful.\r\n"), Login::In);
        assert_eq!(outcome(Command::Pass, b"530 Login incorrect (not 230 ).\r\n"), Login::Refused(530));
        assert_eq!(outcome(Command::Pass, b"331 Another one, please.\r\n"), Login::Refused(331));
        assert_eq!(outcome(Command::User, b"421 Too many users.\r\n"), Login::Unclear(421));
        assert_eq!(outcome(Command::User, b"502 Command not implemented\r\n"), Login::Unclear(502));
    }

    // The words of vsftpd and Pure-FTPd (seen); of ProFTPD, FileZilla Server and IIS as users report them, not seen.
    #[test]
    fn a_demand_for_tls_is_told_from_a_refusal() {
        for reply in [
            b"530 Anonymous sessions must use encryption.\r\n".as_slice(),
            b"550 SSL/TLS required on the control channel\r\n",
            b"421-Sorry, cleartext sessions and weak ciphers are not accepted on this server.\r\n421 Please reconnect using TLS security mechanisms.\r\n",
            b"503 Use AUTH first.\r\n",
            b"534 Policy requires SSL.\r\n",
        ] {
            assert_eq!(outcome(Command::User, reply), Login::NeedsTls, "{}", excerpt(reply));
        }
    }

    #[test]
    fn the_product_stands_in_the_greeting() {
        let told = |greeting| {
            let (product, version) = product(greeting);
            (product.unwrap_or("-"), version.unwrap_or_default())
        };
        assert_eq!(told("220 (vsFTPd 3.0.3)\r\n"), ("vsftpd", "3.0.3".to_owned()));
        assert_eq!(told("220 ProFTPD 1.3.8 Server (Debian) [::1]\r\n"), ("ProFTPD", "1.3.8".to_owned()));
        assert_eq!(told("220 Microsoft FTP Service\r\n"), ("Microsoft FTP Service", String::new()));
        assert_eq!(told("220 FileZilla Server v1.7\r\n"), ("FileZilla Server", "1.7".to_owned()));
        assert_eq!(told("220 ready\r\n"), ("-", String::new()));
    }

    #[test]
    fn mail_is_not_ftp() {
        assert!(recognised(Opening::Listen, b"220 (vsFTPd 3.0.3)\r\n"));
        assert!(recognised(Opening::Http, b"530 Please login with USER and PASS.\r\n"));
        assert!(!recognised(Opening::Listen, b"220 mail.example.org ESMTP Postfix\r\n"));
        assert!(!recognised(Opening::Listen, b"220 (vsFT"));
        assert!(!recognised(Opening::Listen, b"530 Please login with USER and PASS.\r\n"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
            let _ = outcome(Command::Pass, &bytes);
            let _ = product(&String::from_utf8_lossy(&bytes));
            let _ = recognised(Opening::Http, &bytes);
        }
    }
}
