//! MySQL and MariaDB: <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html>.
//!
//! Two names are tried, each once and without a password: the built-in `root`, and one made-up name, which alone
//! finds anonymous accounts and `skip-grant-tables`.

use model::{Proof, Proven, Verdict, excerpt, looks_like_ransom_note};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::wire::array_at;
use crate::{Opening, Reply};

/// The probe.
pub struct MySql;

const MADE_UP_NAME: &str = "watertight";

/// LONG_PASSWORD, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH.
const CAPABILITIES: u32 = 0x0000_0001 | 0x0000_0200 | 0x0000_2000 | 0x0000_8000 | 0x0008_0000;
const CAPABILITY_TLS: u32 = 0x0000_0800;
/// utf8mb4_general_ci, known to every version since 5.5.3.
const COLLATION: u8 = 45;

const SCHEMATA: &str = "SELECT schema_name FROM information_schema.schemata";

/// Schemas that every account sees.
const PUBLIC_SCHEMAS: [&str; 2] = ["information_schema", "performance_schema"];

/// Length of a whole packet at the start of `bytes`: three bytes of length, one of sequence.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let [a, b, c, _, ..] = bytes else { return Ok(None) };
    let length = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
    if length == 0 || length > 1 << 20 {
        return Err(Error::Malformed(format!("not a MySQL packet: {}", excerpt(bytes))));
    }
    Ok((bytes.len() >= length + 4).then_some(length + 4))
}

fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, _] = u32::try_from(payload.len()).unwrap_or(0).to_le_bytes();
    [&[a, b, c, sequence], payload].concat()
}

/// Head of HandshakeResponse41; alone it is an SSLRequest.
fn response_head(capabilities: u32) -> Vec<u8> {
    let mut head = capabilities.to_le_bytes().to_vec();
    head.extend_from_slice(&(1_u32 << 24).to_le_bytes());
    head.push(COLLATION);
    head.extend_from_slice(&[0; 23]);
    head
}

fn response(user: &str, capabilities: u32) -> Vec<u8> {
    let mut body = response_head(capabilities);
    body.extend_from_slice(user.as_bytes());
    // End of the name; authentication data of length 0; the plugin.
    body.extend_from_slice(&[0, 0]);
    body.extend_from_slice(b"mysql_native_password\0");
    body
}

/// What the server said first.
#[derive(Debug, PartialEq)]
enum Greeting {
    Hello { version: String, mariadb: bool },
    Refused(u16, String),
}

fn greeting(packet: &[u8]) -> Option<Greeting> {
    match packet.get(4)? {
        0x0a => {
            let text = packet.get(5..)?;
            let end = text.iter().position(|byte| *byte == 0)?;
            let version = std::str::from_utf8(text.get(..end)?).ok()?;
            if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
                return None;
            }
            let mariadb = version.contains("MariaDB");
            // Replication clients of old insist on a version 5, so MariaDB puts one in front.
            let version = version.strip_prefix("5.5.5-").filter(|_| mariadb).unwrap_or(version);
            Some(Greeting::Hello { version: version.to_owned(), mariadb })
        }
        0xff => error(packet).map(|(code, text)| Greeting::Refused(code, text)),
        _ => None,
    }
}

/// Code and text of an ERR packet. Before the greeting there is no SQL state in it.
fn error(packet: &[u8]) -> Option<(u16, String)> {
    let code = u16::from_le_bytes(array_at(packet, 5)?);
    let rest = packet.get(7..)?;
    let text = if rest.first() == Some(&b'#') { rest.get(6..)? } else { rest };
    Some((code, excerpt(text)))
}

/// Codes: <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>.
fn refused(code: u16, text: &str) -> (Verdict, String) {
    let verdict = match code {
        1045 | 1698 => Verdict::Protected,
        1130 => Verdict::NetworkRestricted,
        _ => Verdict::Unknown,
    };
    (verdict, format!("refused with {code}: {text}"))
}

/// How a login without a password ended.
enum Login {
    In,
    Refused(u16, String),
}

struct Server {
    version: String,
    mariadb: bool,
}

/// Reads the greeting of a new connection and tries one name. `tls` asks for TLS first.
async fn login(session: &mut Session, user: &str, tls: bool) -> Result<(Conn, Option<Server>, Login), Error> {
    let mut conn = session.connect().await?;
    let packet_in = conn.message(session.patience, complete).await?;
    session.note_plain("(connected)", &packet_in, false);
    let server = match greeting(&packet_in) {
        Some(Greeting::Hello { version, mariadb }) => Server { version, mariadb },
        Some(Greeting::Refused(code, text)) => return Ok((conn, None, Login::Refused(code, text))),
        None => return Err(Error::Malformed(format!("not a MySQL greeting: {}", excerpt(&packet_in)))),
    };
    let mut sequence = 1;
    let mut capabilities = CAPABILITIES;
    if tls {
        capabilities |= CAPABILITY_TLS;
        conn.send(&packet(sequence, &response_head(capabilities))).await?;
        session.start_tls(&mut conn).await?;
        sequence += 1;
    }
    conn.send(&packet(sequence, &response(user, capabilities))).await?;
    let login = finish_login(session, &mut conn, user).await?;
    Ok((conn, Some(server), login))
}

async fn finish_login(session: &mut Session, conn: &mut Conn, user: &str) -> Result<Login, Error> {
    let sent = format!("login as {user}, no password");
    // An authentication switch and a "fast authentication succeeded" may come before the end.
    for _ in 0..4 {
        let answer = conn.message(session.patience, complete).await?;
        session.note_plain(sent.clone(), &answer, conn.is_tls());
        let sequence = answer.get(3).copied().unwrap_or(0).wrapping_add(1);
        match answer.get(4) {
            Some(0x00) => return Ok(Login::In),
            Some(0xff) => {
                let (code, text) =
                    error(&answer).ok_or_else(|| Error::Malformed("short error".to_owned()))?;
                return Ok(Login::Refused(code, text));
            }
            // AuthSwitchRequest: the empty password is empty for every plugin.
            Some(0xfe) => conn.send(&packet(sequence, &[0])).await?,
            Some(0x01) if answer.get(5) == Some(&3) => {}
            Some(0x01) => return Ok(Login::Refused(1045, "full authentication demanded".to_owned())),
            _ => break,
        }
    }
    Err(Error::Malformed("an authentication without an end".to_owned()))
}

/// The names of the schemas that the account sees.
async fn schemas(session: &mut Session, conn: &mut Conn) -> Result<Vec<String>, Error> {
    conn.send(&packet(0, &[&[3], SCHEMATA.as_bytes()].concat())).await?;
    let mut ends = 0;
    let mut names = Vec::new();
    let first = conn.message(session.patience, complete).await?;
    if let Some((code, text)) = first.get(4).filter(|kind| **kind == 0xff).and_then(|_| error(&first)) {
        session.note(SCHEMATA, format!("refused with {code}: {text}"), &first, conn.is_tls());
        return Ok(names);
    }
    // Column definitions end with an EOF packet, and so do the rows.
    while ends < 2 {
        let row = conn.message(session.patience, complete).await?;
        let payload = row.get(4..).unwrap_or_default();
        match payload {
            [0xfe, ..] if payload.len() < 9 => ends += 1,
            [0xff, ..] => break,
            [length, name @ ..] if ends == 1 => {
                let name = name.get(..usize::from(*length)).unwrap_or_default();
                names.push(String::from_utf8_lossy(name).into_owned());
            }
            _ => {}
        }
    }
    session.note(SCHEMATA, format!("{} rows", names.len()), &[], conn.is_tls());
    // COM_QUIT.
    conn.send(&packet(0, &[1])).await?;
    Ok(names)
}

async fn let_in(session: &mut Session, conn: &mut Conn, user: &str) -> Result<Judgement, Error> {
    let names = schemas(session, conn).await?;
    let inside =
        names.iter().filter(|name| !PUBLIC_SCHEMAS.contains(&name.to_ascii_lowercase().as_str())).count()
            as u64;
    let mut judgement = if inside > 0 {
        let who = if user == MADE_UP_NAME { "any name" } else { user };
        Judgement::of(Verdict::Open, format!("{who} logs in without a password and sees the databases"))
            .count("databases", Some(inside))
    } else {
        Judgement::of(
            Verdict::OpenPartial,
            format!("{user} logs in without a password, but sees no databases"),
        )
    };
    judgement.ransom_names = names.iter().filter(|name| looks_like_ransom_note(name)).count() as u64;
    Ok(judgement)
}

async fn judge(session: &mut Session) -> Result<Judgement, Error> {
    let mut tls = false;
    let (mut conn, mut server, mut result) = login(session, "root", tls).await?;
    // ER_SECURE_TRANSPORT_REQUIRED.
    if matches!(result, Login::Refused(3159, _)) {
        tls = true;
        (conn, server, result) = login(session, "root", tls).await?;
    }
    let mut judgement = match result {
        Login::In => let_in(session, &mut conn, "root").await?,
        Login::Refused(code, text) => {
            let (verdict, reason) = refused(code, &text);
            Judgement::of(verdict, reason)
        }
    };
    let refused_by_password = judgement.worst().is_some_and(|surface| surface.verdict == Verdict::Protected);
    if refused_by_password {
        let (mut conn, _, result) = login(session, MADE_UP_NAME, tls).await?;
        if let Login::In = result {
            judgement = let_in(session, &mut conn, MADE_UP_NAME).await?;
        }
    }
    // A refusal before the greeting tells no version, but its text may name the product.
    if judgement.worst().is_some_and(|surface| surface.reason.contains("MariaDB server")) {
        judgement.product = Some("MariaDB".to_owned());
    }
    if let Some(server) = server {
        judgement.product = Some(if server.mariadb { "MariaDB" } else { "MySQL" }.to_owned());
        judgement.version = Some(server.version);
    }
    Ok(judgement)
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "MariaDB 10.11"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "MariaDB 10.11"),
    Proven::new(Proof::Real, Verdict::Protected, "MariaDB 10.11"),
    Proven::new(Proof::Real, Verdict::NetworkRestricted, "MariaDB 10.11"),
];

impl Service for MySql {
    fn about(&self) -> About<'_> {
        About {
            id: "mysql",
            product: "MySQL",
            ports: &[3306],
            openings: &[Opening::Listen],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        let Ok(Some(_)) = complete(reply.bytes) else { return false };
        // The first packet of a server has sequence 0.
        reply.bytes.get(3) == Some(&0)
            && match greeting(reply.bytes) {
                Some(Greeting::Hello { .. }) => true,
                Some(Greeting::Refused(code, text)) => {
                    matches!(code, 1040 | 1129 | 1130 | 1203)
                        && (text.starts_with("Host ") || text.contains("onnections"))
                }
                None => false,
            }
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        _opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_in_front_of_mariadb_is_not_its_version() {
        let packet_in = packet(0, b"\x0a5.5.5-10.11.19-MariaDB-0+deb12u1\0rest");
        assert_eq!(
            greeting(&packet_in),
            Some(Greeting::Hello { version: "10.11.19-MariaDB-0+deb12u1".to_owned(), mariadb: true })
        );
    }

    #[test]
    fn a_host_that_is_not_allowed_is_told_instead_of_a_greeting_and_without_a_state() {
        let packet_in =
            packet(0, b"\xff\x6a\x04Host '127.0.0.1' is not allowed to connect to this MariaDB server");
        assert!(MySql.recognises(&Reply { opening: Opening::Http, bytes: &packet_in }));
        let Some(Greeting::Refused(code, text)) = greeting(&packet_in) else { panic!() };
        assert_eq!(refused(code, &text).0, Verdict::NetworkRestricted);
    }

    #[test]
    fn access_denied_is_protected() {
        let packet_in =
            packet(2, b"\xff\x15\x04#28000Access denied for user 'root'@'localhost' (using password: NO)");
        let (code, text) = error(&packet_in).unwrap();
        assert_eq!(refused(code, &text).0, Verdict::Protected);
        assert!(text.starts_with("Access denied"), "{text}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
            let _ = greeting(&bytes);
            let _ = error(&bytes);
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = (complete(bytes), greeting(bytes), error(bytes).map(|(code, text)| refused(code, &text)));
}
