//! PostgreSQL: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.
//!
//! AuthenticationOk alone is no login: an unknown database or role is refused after it. `hostssl` lines make plain
//! TCP and TLS two doors, so both are tried. The one name used is the built-in `postgres`, with no password.

use model::{Proof, Proven, Surface, Verdict, excerpt, looks_like_ransom_note};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::wire::array_at;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct PostgreSql;

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const TERMINATE: [u8; 5] = [b'X', 0, 0, 0, 4];

/// Names and sizes only. The session is read-only and short by its own settings.
const DATABASES: &str = "SELECT datname, CASE WHEN has_database_privilege(datname, 'CONNECT') \
    THEN pg_database_size(datname) ELSE 0 END FROM pg_database WHERE NOT datistemplate";

/// The opening.
const ASK_FOR_TLS: &Words =
    &Words { name: "postgresql SSLRequest", bytes: || SSL_REQUEST.to_vec(), turn: Some(3) };

fn startup(database: &str) -> Vec<u8> {
    let mut body = vec![0, 3, 0, 0];
    let options = "-c default_transaction_read_only=on -c statement_timeout=3000";
    for text in
        ["user", "postgres", "database", database, "application_name", "watertight", "options", options]
    {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or(0);
    [&length.to_be_bytes()[..], &body].concat()
}

fn query(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len() + 5).unwrap_or(0);
    [&b"Q"[..], &length.to_be_bytes(), text.as_bytes(), &[0]].concat()
}

/// Length of a whole message at the start of `bytes`: a type byte, then a length that counts itself.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let Some(length) = array_at(bytes, 1) else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(length) as usize;
    if !(4..=1 << 20).contains(&length) {
        return Err(Error::Malformed(format!("not a PostgreSQL message: {}", excerpt(bytes))));
    }
    Ok((bytes.len() > length).then_some(length + 1))
}

/// A field of an ErrorResponse: `C` is the SQLSTATE, `M` the message.
fn error_field(message: &[u8], field: u8) -> Option<String> {
    let mut rest = message.get(5..)?;
    while let [kind, text @ ..] = rest {
        let end = text.iter().position(|byte| *byte == 0)?;
        if *kind == field {
            return Some(String::from_utf8_lossy(text.get(..end)?).into_owned());
        }
        rest = text.get(end + 1..)?;
    }
    None
}

/// How a login as `postgres` without a password ended.
#[derive(Debug, PartialEq)]
enum Login {
    /// ReadyForQuery: in. With the server's version.
    Ready(Option<String>),
    /// AuthenticationOk, then refused for the database.
    NoSuchDatabase,
    /// AuthenticationOk, then refused for the role: no password was asked, only the name is wrong.
    TrustNoSuchRole(String),
    /// Something was demanded or refused.
    Decided(Verdict, String),
}

fn demanded(code: u32) -> (Verdict, String) {
    let what = match code {
        2 => "Kerberos V5",
        3 => "a password (in clear text)",
        5 => "a password (MD5)",
        7 | 8 => "GSSAPI",
        9 => "SSPI",
        10 => "a password (SASL, SCRAM-SHA-256)",
        other => return (Verdict::Unknown, format!("asked for unknown authentication method {other}")),
    };
    (Verdict::Protected, format!("{what} is demanded"))
}

/// SQLSTATEs: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn refused(message: &[u8], authenticated: bool) -> Login {
    let state = error_field(message, b'C').unwrap_or_default();
    let text = excerpt(error_field(message, b'M').unwrap_or_default().as_bytes());
    match (state.as_str(), authenticated) {
        ("3D000", true) => Login::NoSuchDatabase,
        ("28000", true) => Login::TrustNoSuchRole(text),
        // The texts are the server's own in English; `lc_messages` may translate them, then it stays a refusal.
        ("28000", false) if text.contains("client certificate") => {
            Login::Decided(Verdict::Protected, format!("refused: {text}"))
        }
        ("28000", false) => Login::Decided(Verdict::NetworkRestricted, format!("refused: {text}")),
        ("28P01", _) => Login::Decided(Verdict::Protected, format!("refused: {text}")),
        _ => Login::Decided(Verdict::Unknown, format!("refused with {}: {text}", excerpt(state.as_bytes()))),
    }
}

async fn login(session: &mut Session, conn: &mut Conn, database: &str) -> Result<Login, Error> {
    conn.send(&startup(database)).await?;
    let mut authenticated = false;
    let mut version = None;
    loop {
        let message = conn.message(session.patience, complete).await?;
        let sent = format!("StartupMessage user=postgres database={database}, no password");
        match message.first() {
            Some(b'R') => {
                let code = array_at(&message, 5).map_or(u32::MAX, u32::from_be_bytes);
                session.note(sent, format!("authentication request {code}"), &message, conn.is_tls());
                if code != 0 {
                    let (verdict, reason) = demanded(code);
                    return Ok(Login::Decided(verdict, reason));
                }
                authenticated = true;
            }
            Some(b'E') => {
                session.note_plain(sent, &message, conn.is_tls());
                return Ok(refused(&message, authenticated));
            }
            Some(b'S') => {
                let text = String::from_utf8_lossy(message.get(5..).unwrap_or_default()).into_owned();
                if let Some(value) = text.strip_prefix("server_version\0") {
                    version = value.split(['\0', ' ']).next().map(str::to_owned);
                }
            }
            Some(b'Z') if authenticated => return Ok(Login::Ready(version)),
            Some(b'K' | b'N' | b'v') => {}
            _ => return Err(Error::Malformed(format!("not PostgreSQL: {}", excerpt(&message)))),
        }
    }
}

/// The columns of a DataRow as text.
fn columns(message: &[u8]) -> Vec<String> {
    let mut rest = message.get(7..).unwrap_or_default();
    let mut columns = Vec::new();
    while let Some(length) = array_at(rest, 0) {
        let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(0);
        let Some(value) = rest.get(4..4 + length) else { break };
        columns.push(String::from_utf8_lossy(value).into_owned());
        rest = rest.get(4 + length..).unwrap_or_default();
    }
    columns
}

/// Counts databases and bytes. The names are looked at for ransom notes and not kept.
async fn databases(session: &mut Session, conn: &mut Conn, judgement: &mut Judgement) -> Result<(), Error> {
    conn.send(&query(DATABASES)).await?;
    let (mut count, mut bytes) = (0_u64, 0_u64);
    loop {
        let message = conn.message(session.patience, complete).await?;
        match message.first() {
            Some(b'D') => {
                let columns = columns(&message);
                count += 1;
                bytes = bytes.saturating_add(columns.get(1).and_then(|size| size.parse().ok()).unwrap_or(0));
                judgement.ransom_names +=
                    u64::from(columns.first().is_some_and(|name| looks_like_ransom_note(name)));
            }
            Some(b'Z') => break,
            _ => {}
        }
    }
    session.note("SELECT from pg_database: names and sizes", format!("{count} rows"), &[], conn.is_tls());
    judgement.counts.extend([("databases".to_owned(), count), ("bytes".to_owned(), bytes)]);
    conn.send(&TERMINATE).await
}

/// Tries one door over a connection that is ready for a StartupMessage.
async fn door(session: &mut Session, conn: Conn, name: &str, found: &mut Judgement) -> Result<(), Error> {
    let mut conn = conn;
    let mut login_result = login(session, &mut conn, "postgres").await?;
    if login_result == Login::NoSuchDatabase {
        conn = match name {
            "tls" => tls_door(session).await?.0,
            _ => session.connect().await?,
        };
        login_result = login(session, &mut conn, "template1").await?;
    }
    let (verdict, reason) = match login_result {
        Login::Ready(version) => {
            found.version = version;
            databases(session, &mut conn, found).await?;
            (Verdict::Open, "user postgres logs in without a password (trust)".to_owned())
        }
        Login::NoSuchDatabase => {
            (Verdict::Open, "no password is asked (trust); the databases tried do not exist".to_owned())
        }
        Login::TrustNoSuchRole(text) => (
            Verdict::Open,
            format!("no password is asked of any role (trust); only this name is wrong: {text}"),
        ),
        Login::Decided(verdict, reason) => (verdict, reason),
    };
    found.surfaces.push(Surface::new(name, verdict, reason));
    Ok(())
}

/// A connection on which SSLRequest was answered, and whether TLS runs on it now.
async fn tls_door(session: &mut Session) -> Result<(Conn, bool), Error> {
    let mut conn = session.connect_plain().await?;
    conn.send(&SSL_REQUEST).await?;
    answered(session, conn).await
}

/// The same for a connection on which the answer is still to be taken.
async fn answered(session: &mut Session, mut conn: Conn) -> Result<(Conn, bool), Error> {
    let answer = conn.exactly(1, session.patience).await?;
    session.note_plain("SSLRequest", &answer, false);
    let tls = answer == b"S";
    if tls {
        session.start_tls(&mut conn).await?;
    }
    Ok((conn, tls))
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let mut found = Judgement::default();
    let (conn, tls) = match opened.conn.filter(|conn| matches!(conn.received(), b"S" | b"N")) {
        Some(conn) => answered(session, conn).await?,
        None => tls_door(session).await?,
    };
    if !tls {
        door(session, conn, "plain", &mut found).await?;
        return Ok(found);
    }
    door(session, conn, "tls", &mut found).await?;
    if found.worst().is_none_or(|surface| surface.verdict != Verdict::Open) {
        let plain = session.connect().await?;
        door(session, plain, "plain", &mut found).await?;
    }
    Ok(found)
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "15"),
    Proven::new(Proof::Real, Verdict::Protected, "15"),
    Proven::new(Proof::Real, Verdict::NetworkRestricted, "15"),
];

impl Service for PostgreSql {
    fn about(&self) -> About<'_> {
        About {
            id: "postgresql",
            product: "PostgreSQL",
            ports: &[5432],
            openings: &[Opening::Say(ASK_FOR_TLS)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        // 'E' with a FATAL error: a server that has no more connections to give.
        let exhausted = || reply.bytes.starts_with(b"E") && error_field(reply.bytes, b'C').is_some();
        reply.opening == Opening::Say(ASK_FOR_TLS) && (matches!(reply.bytes, b"S" | b"N") || exhausted())
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

    fn error(state: &str, text: &str) -> Vec<u8> {
        let body = format!("SFATAL\0C{state}\0M{text}\0\0");
        let mut message = vec![b'E'];
        message.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        message.extend(body.as_bytes());
        message
    }

    #[test]
    fn authentication_ok_is_not_a_login() {
        let missing = error("3D000", "database \"postgres\" does not exist");
        assert_eq!(refused(&missing, true), Login::NoSuchDatabase);
    }

    #[test]
    fn no_hba_entry_and_unknown_role_share_a_code_and_are_told_apart() {
        let entry = error("28000", "no pg_hba.conf entry for host");
        assert!(matches!(refused(&entry, false), Login::Decided(Verdict::NetworkRestricted, _)));
        let role = error("28000", "role \"postgres\" does not exist");
        assert!(matches!(refused(&role, true), Login::TrustNoSuchRole(_)));
    }

    #[test]
    fn one_letter_is_recognised_only_as_the_answer_to_its_question() {
        assert!(PostgreSql.recognises(&Reply { opening: Opening::Say(ASK_FOR_TLS), bytes: b"N" }));
        assert!(!PostgreSql.recognises(&Reply { opening: Opening::Http, bytes: b"N" }));
        assert!(!PostgreSql.recognises(&Reply { opening: Opening::Say(ASK_FOR_TLS), bytes: &SSL_REQUEST }));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
            let _ = columns(&bytes);
            let _ = error_field(&bytes, b'C');
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = (complete(bytes), columns(bytes), error_field(bytes, b'C'), refused(bytes, true));
}
