//! Connection strings with a password in them: URLs, JDBC, and lists of `key=value;`.

use std::ops::Range;

use model::Secret;
use percent_encoding::percent_decode;
use serde::Deserialize;

use super::ConnectionUrl;

/// How a connection string is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Notation {
    /// `scheme://user:password@host:port/database` (RFC 3986, 3.2).
    Url,
    /// `jdbc:mysql://host:port/database?user=...&password=...`
    Jdbc,
    /// `Server=host,port;Database=...;User Id=...;Password=...` of ODBC and ADO.NET, also with spaces as in libpq's
    /// `host=... password=...`.
    Pairs,
}

/// Hosts that documentation uses, beside those that RFC 2606 sets aside.
const NO_HOSTS: &[&str] = &[
    "host",
    "hostname",
    "server",
    "servername",
    "dbhost",
    "domain",
    "myhost",
    "myserver",
    "address",
    "ip",
    "endpoint",
];

/// Reads a match. `text` is the match; the place of the password is relative to it.
pub(super) fn read(notation: Notation, text: &[u8]) -> Option<(ConnectionUrl, Range<usize>)> {
    let (url, place) = match notation {
        Notation::Url => url(text)?,
        Notation::Jdbc => jdbc(text)?,
        Notation::Pairs => pairs(text)?,
    };
    (!place.is_empty() && is_host(&url.host)).then_some((url, place))
}

fn is_host(host: &str) -> bool {
    let last = |ending: &str| host == ending || host.ends_with(&format!(".{ending}"));
    let documented = ["example.com", "example.org", "example.net", "example", "invalid", "domain.com", "tld"];
    let fits = |character: char| {
        character.is_alphanumeric() || matches!(character, '.' | '-' | '_' | ':' | '[' | ']' | '\\')
    };
    !host.is_empty()
        && host.chars().all(fits)
        && !NO_HOSTS.contains(&host)
        && !documented.into_iter().any(last)
}

fn url(text: &[u8]) -> Option<(ConnectionUrl, Range<usize>)> {
    let colon = find(text, b"://")?;
    let scheme = scheme(text.get(..colon)?)?;
    let rest = colon + 3;
    let body = text.get(rest..)?;
    let end = body.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(body.len());
    // A password may have a slash that nobody encoded; the last `@` before the next white space decides.
    let at = body.get(..end).and_then(|part| part.iter().rposition(|byte| *byte == b'@'));
    let at = match at {
        Some(at) => at,
        // But `host:8080/x@y` is a port and a path.
        None if is_port_before(body, end) => return None,
        None => body.iter().rposition(|byte| *byte == b'@')?,
    };
    let split = body.get(..at)?.iter().position(|byte| *byte == b':')?;
    let tail = body.get(at + 1..)?;
    let (authority, path) = match tail.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')) {
        Some(slash) => (tail.get(..slash)?, tail.get(slash..)?),
        None => (tail, &b""[..]),
    };
    let (host, port) = host_and_port(authority)?;
    let database = path.strip_prefix(b"/").unwrap_or_default();
    let database = database.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let connection = ConnectionUrl {
        scheme,
        host,
        port,
        database: some(decoded(database)?),
        user: some(decoded(body.get(..split)?)?),
        password: Secret::new(decoded(body.get(split + 1..at)?)?),
    };
    Some((connection, rest + split + 1..rest + at))
}

/// Whether a colon and digits stand right before a place.
fn is_port_before(body: &[u8], end: usize) -> bool {
    let before = body.get(..end).unwrap_or_default();
    before.rsplit(|byte| *byte == b':').next().is_some_and(|last| last.iter().all(u8::is_ascii_digit))
}

/// A scheme in lower case, without a driver's name: `postgresql+psycopg2` is `postgresql`. `mongodb+srv` stays: it is
/// resolved in another way.
fn scheme(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.to_ascii_lowercase();
    if text == "mongodb+srv" {
        return Some(text);
    }
    Some(text.split('+').next().unwrap_or_default().to_owned())
}

fn host_and_port(authority: &[u8]) -> Option<(String, Option<u16>)> {
    let first = authority.split(|byte| *byte == b',').next()?;
    let first = std::str::from_utf8(first).ok()?;
    // tcp(127.0.0.1:3306), as Go's MySQL driver writes it.
    let first = first.strip_prefix("tcp(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(first);
    let (host, port) = match first.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address, port.strip_prefix(':')),
        None => first.split_once(':').map_or((first, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some("") | None => None,
        Some(port) => Some(port.parse().ok()?),
    };
    Some((host.to_ascii_lowercase(), port))
}

fn jdbc(text: &[u8]) -> Option<(ConnectionUrl, Range<usize>)> {
    let colon = find(text, b"://")?;
    let scheme = std::str::from_utf8(text.get(..colon)?).ok()?.to_ascii_lowercase();
    let body = text.get(colon + 3..)?;
    let end = body.iter().position(|byte| matches!(byte, b'/' | b'?' | b';')).unwrap_or(body.len());
    let (host, port) = host_and_port(body.get(..end)?)?;
    let database = body.get(end..)?.strip_prefix(b"/").unwrap_or_default();
    let database = database.split(|byte| matches!(byte, b'?' | b';' | b'&')).next().unwrap_or_default();
    let place = value_of(text, &[b"password"], b"?&;")?;
    let user = value_of(text, &[b"user", b"username"], b"?&;").and_then(|place| text.get(place));
    let connection = ConnectionUrl {
        scheme,
        host,
        port,
        database: some(decoded(database)?),
        user: user.and_then(decoded).and_then(some),
        password: Secret::new(decoded(text.get(place.clone())?)?),
    };
    Some((connection, place))
}

fn pairs(text: &[u8]) -> Option<(ConnectionUrl, Range<usize>)> {
    let separators: &[u8] = if text.contains(&b';') { b";" } else { b" \t" };
    let value = |names: &[&[u8]]| {
        let place = value_of(text, names, separators)?;
        Some(std::str::from_utf8(text.get(place)?).ok()?.trim().to_owned())
    };
    let place = value_of(text, &[b"password", b"pwd"], separators)?;
    let server =
        value(&[b"server", b"data source", b"host", b"address", b"addr", b"hostname", b"network address"])?;
    let server = server.strip_prefix("tcp:").unwrap_or(&server).replace(',', ":");
    let (host, port) = host_and_port(server.as_bytes())?;
    let driver = value(&[b"driver"]).unwrap_or_default().to_ascii_lowercase();
    let connection = ConnectionUrl {
        scheme: match driver {
            name if name.contains("postgres") => "postgres".to_owned(),
            name if name.contains("mysql") => "mysql".to_owned(),
            _ if separators == b" \t" => "postgres".to_owned(),
            _ => "sqlserver".to_owned(),
        },
        host,
        port: port.or_else(|| value(&[b"port"])?.parse().ok()),
        database: value(&[b"database", b"initial catalog", b"dbname"]).and_then(some),
        user: value(&[b"user id", b"uid", b"user", b"username"]).and_then(some),
        password: Secret::new(String::from_utf8_lossy(text.get(place.clone())?).into_owned()),
    };
    Some((connection, place))
}

/// The place of the value of the first `name=value` whose name is one of these, whatever its case.
fn value_of(text: &[u8], names: &[&[u8]], separators: &[u8]) -> Option<Range<usize>> {
    let mut begin = 0;
    while begin < text.len() {
        let length = text.get(begin..)?.iter().position(|byte| separators.contains(byte));
        let end = length.map_or(text.len(), |length| begin + length);
        let part = text.get(begin..end)?;
        if let Some(equals) = part.iter().position(|byte| *byte == b'=') {
            let name = part.get(..equals)?.trim_ascii();
            if names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)) {
                let value = part.get(equals + 1..)?;
                let blanks = value.len() - value.trim_ascii_start().len();
                return Some(begin + equals + 1 + blanks..end);
            }
        }
        begin = end + 1;
    }
    None
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}

fn decoded(text: &[u8]) -> Option<String> {
    percent_decode(text).decode_utf8().ok().map(|text| text.into_owned())
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(notation: Notation, text: &str) -> Option<(String, String)> {
        let (url, place) = read(notation, text.as_bytes())?;
        let port = url.port.map(|port| format!(":{port}")).unwrap_or_default();
        let (user, database) = (url.user.unwrap_or_default(), url.database.unwrap_or_default());
        assert_eq!(
            percent_decode(&text.as_bytes()[place.clone()]).decode_utf8_lossy(),
            url.password.reveal().as_str()
        );
        Some((
            format!("{} {user} {}{port} {database}", url.scheme, url.host),
            text.get(place).unwrap().to_owned(),
        ))
    }

    #[test]
    fn urls_are_read() {
        let cases = [
            (
                "postgresql+psycopg2://app:kite%2F7@db.lab:5433/crm?ssl=1",
                "postgresql app db.lab:5433 crm",
                "kite%2F7",
            ),
            ("mongodb://u:p9@a.lab:1,b.lab:2/x", "mongodb u a.lab:1 x", "p9"),
            ("mongodb+srv://u:p@ss@c.lab/", "mongodb+srv u c.lab ", "p@ss"),
            ("redis://:q7@[::1]:6379/0", "redis  ::1:6379 0", "q7"),
            ("mysql://u:a/b@h.lab/x", "mysql u h.lab x", "a/b"),
        ];
        for (text, said, password) in cases {
            assert_eq!(shown(Notation::Url, text), Some((said.to_owned(), password.to_owned())), "{text}");
        }
        for text in [
            "postgres://u:p@host/x",
            "postgres://u:p@db.example.com/x",
            "postgres://u@h.lab/x",
            "postgres://u:@h.lab",
        ] {
            assert_eq!(shown(Notation::Url, text), None, "{text}");
        }
    }

    #[test]
    fn jdbc_and_pairs_are_read() {
        let jdbc = "jdbc:mysql://db.lab:3307/crm?useSSL=false&user=app&password=k7q";
        assert_eq!(
            shown(Notation::Jdbc, jdbc),
            Some(("jdbc:mysql app db.lab:3307 crm".to_owned(), "k7q".to_owned()))
        );
        let ado = "Server=tcp:sql.lab,1433;Initial Catalog=crm;User ID=app;Password=k7q;Encrypt=True";
        assert_eq!(
            shown(Notation::Pairs, ado),
            Some(("sqlserver app sql.lab:1433 crm".to_owned(), "k7q".to_owned()))
        );
        let libpq = "host=db.lab port=5432 dbname=crm user=app password=k7q";
        assert_eq!(
            shown(Notation::Pairs, libpq),
            Some(("postgres app db.lab:5432 crm".to_owned(), "k7q".to_owned()))
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(text: Vec<u8>) {
            for notation in [Notation::Url, Notation::Jdbc, Notation::Pairs] {
                if let Some((_, place)) = read(notation, &text) {
                    proptest::prop_assert!(place.end <= text.len() && place.start < place.end);
                }
            }
        }

        #[test]
        fn what_begins_well_is_read_without_panic(rest in "[a-z0-9:@/?&;=,\\[\\] ]{0,40}") {
            for (notation, begin) in [(Notation::Url, "redis://"), (Notation::Jdbc, "jdbc:mysql://"), (Notation::Pairs, "Server=")] {
                let _ = read(notation, format!("{begin}{rest}").as_bytes());
            }
        }
    }
}
