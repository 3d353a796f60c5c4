//! Redis and its kin (Valkey, KeyDB, Kvrocks, Dragonfly): <https://redis.io/docs/latest/develop/reference/protocol-spec/>.
//!
//! `+PONG` does not prove access to data: an ACL may allow PING and nothing else. What decides is whether the
//! stranger may ask for a key, and a random key is asked for, so that no record can come back.

use model::{Counts, Proof, Proven, Verdict, excerpt};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Redis;

/// What may be asked. None of these changes anything, and none returns a record.
enum Command {
    Ping,
    InfoServer,
    InfoKeyspace,
    Exists(String),
}

impl Command {
    fn words(&self) -> Vec<&str> {
        match self {
            Self::Ping => vec!["PING"],
            Self::InfoServer => vec!["INFO", "server"],
            Self::InfoKeyspace => vec!["INFO", "keyspace"],
            Self::Exists(key) => vec!["EXISTS", key],
        }
    }

    fn encode(&self) -> Vec<u8> {
        let words = self.words();
        let mut text = format!("*{}\r\n", words.len());
        for word in words {
            text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        text.into_bytes()
    }
}

/// The opening.
const PING: &Words = &Words { name: "redis ping", bytes: || Command::Ping.encode(), turn: Some(1) };

/// A reply of the protocol, as far as it matters here.
#[derive(Debug, PartialEq)]
enum Value {
    /// `+` or a bulk string.
    Text(String),
    /// `:`.
    Integer(String),
    /// `-`.
    Error(String),
}

/// The length of a whole reply at the start of `bytes`.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") else {
        return if bytes.len() > 4096 {
            Err(Error::Malformed("a line without an end".to_owned()))
        } else {
            Ok(None)
        };
    };
    match bytes.first() {
        Some(b'+' | b'-' | b':') => Ok(Some(end + 2)),
        Some(b'$') => {
            let length = std::str::from_utf8(bytes.get(1..end).unwrap_or_default())
                .ok()
                .and_then(|text| text.parse::<i64>().ok())
                .ok_or_else(|| Error::Malformed("bad length".to_owned()))?;
            let body = usize::try_from(length).map_or(0, |length| length.saturating_add(2));
            let whole = (end + 2).saturating_add(body);
            Ok((bytes.len() >= whole).then_some(whole))
        }
        _ => Err(Error::Malformed(format!("not a Redis reply: {}", excerpt(bytes)))),
    }
}

fn value(message: &[u8]) -> Value {
    let text = String::from_utf8_lossy(message);
    let line = text.lines().next().unwrap_or_default();
    match line.split_at_checked(1) {
        Some(("-", error)) => Value::Error(error.to_owned()),
        Some((":", number)) => Value::Integer(number.to_owned()),
        Some(("$", _)) => {
            Value::Text(text.split_once("\r\n").map_or_else(String::new, |(_, body)| body.to_owned()))
        }
        Some((_, rest)) => Value::Text(rest.to_owned()),
        None => Value::Text(String::new()),
    }
}

async fn ask(session: &mut Session, conn: &mut Conn, command: Command) -> Result<Value, Error> {
    conn.send(&command.encode()).await?;
    let message = conn.message(session.patience, complete).await?;
    let value = value(&message);
    let received = match &value {
        Value::Error(error) => format!("-{}", excerpt(error.as_bytes())),
        Value::Text(text) if matches!(command, Command::InfoServer | Command::InfoKeyspace) => {
            format!("{} bytes of INFO", text.len())
        }
        Value::Text(text) | Value::Integer(text) => excerpt(text.as_bytes()),
    };
    session.note(command.words().join(" "), received, &message, conn.is_tls());
    Ok(value)
}

/// What an error reply says about access; `None` when it says nothing.
fn refusal(error: &str) -> Option<(Verdict, &'static str)> {
    let word = error.split_whitespace().next().unwrap_or_default();
    match word {
        "NOAUTH" => Some((Verdict::Protected, "a password is demanded (NOAUTH)")),
        "DENIED" => Some((
            Verdict::NetworkRestricted,
            "protected mode: only loopback is let in, because no password is set",
        )),
        "NOPERM" => Some((
            Verdict::OpenPartial,
            "the default user needs no password, but an ACL refuses reads (NOPERM)",
        )),
        // Redis before 2.6 had no error words.
        "ERR" if error.starts_with("ERR operation not permitted") => {
            Some((Verdict::Protected, "a password is demanded"))
        }
        _ => None,
    }
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Servers that speak the protocol of Redis tell their own version beside the one that they are compatible with:
/// <https://github.com/valkey-io/valkey/blob/unstable/src/server.c>,
/// <https://github.com/apache/kvrocks/blob/unstable/src/server/server.cc>,
/// <https://github.com/dragonflydb/dragonfly/blob/main/src/server/server_family.cc>.
const KIN: [(&str, &str); 5] = [
    ("valkey_version", "Valkey"),
    ("kvrocks_version", "Apache Kvrocks"),
    ("dragonfly_version", "Dragonfly"),
    ("garnet_version", "Garnet"),
    ("redict_version", "Redict"),
];

/// The product where it is not Redis itself, and the version.
fn product(info: &str) -> (Option<&'static str>, Option<&str>) {
    if let Some(kin) = KIN.iter().find_map(|(name, product)| Some((Some(*product), Some(field(info, name)?))))
    {
        return kin;
    }
    // KeyDB tells its own version as that of Redis; only its program has its name.
    // https://github.com/Snapchat/KeyDB/blob/main/src/server.cpp
    let program = field(info, "executable").and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    (program.starts_with("keydb").then_some("KeyDB"), field(info, "redis_version"))
}

/// Adds up the keys of all databases: `db0:keys=3,expires=0,avg_ttl=0`.
fn keyspace(info: &str) -> Counts {
    let keys = info.lines().filter(|line| line.starts_with("db")).filter_map(|line| {
        let (_, rest) = line.split_once("keys=")?;
        rest.split(',').next()?.trim().parse::<u64>().ok()
    });
    let (databases, keys) =
        keys.fold((0_u64, 0_u64), |(databases, sum), keys| (databases + 1, sum.saturating_add(keys)));
    Counts::from([("databases".to_owned(), databases), ("keys".to_owned(), keys)])
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let mut conn = match opened.conn {
        Some(conn) => conn,
        None => session.connect().await?,
    };
    let first = match conn.received() {
        [] => ask(session, &mut conn, Command::Ping).await?,
        _ => {
            let message = conn.message(session.patience, complete).await?;
            session.note_plain("PING", &message, conn.is_tls());
            value(&message)
        }
    };
    if let Value::Error(error) = &first
        && let Some((verdict, reason)) = refusal(error)
        && verdict != Verdict::OpenPartial
    {
        // Redis says `DENIED Redis is running`.
        let valkey = error.starts_with("DENIED Running").then(|| "Valkey".to_owned());
        return Ok(Judgement { product: valkey, ..Judgement::of(verdict, reason) });
    }
    let server = ask(session, &mut conn, Command::InfoServer).await?;
    let (product, version) = match &server {
        Value::Text(info) => product(info),
        _ => (None, None),
    };
    let key = format!("watertight-{:016x}", fastrand::u64(..));
    let mut judgement = match ask(session, &mut conn, Command::Exists(key)).await? {
        Value::Integer(_) => Judgement::of(Verdict::Open, "keys are read without a password"),
        // Something that says yes to everything is no Redis.
        Value::Text(text) => {
            Judgement::of(Verdict::Unknown, format!("answered {}", excerpt(text.as_bytes())))
        }
        // The redirection comes after the check of rights; the address in it is never dialled.
        Value::Error(error) if error.starts_with("MOVED ") || error.starts_with("ASK ") => {
            Judgement::of(Verdict::Open, "a cluster node: keys are read without a password")
        }
        Value::Error(error) => match refusal(&error) {
            Some((verdict, reason)) => Judgement::of(verdict, reason),
            None => Judgement::of(Verdict::Unknown, format!("answered -{}", excerpt(error.as_bytes()))),
        },
    };
    judgement.product = product.map(str::to_owned);
    judgement.version = version.map(str::to_owned);
    if judgement.surfaces.iter().any(|surface| surface.verdict == Verdict::Open)
        && let Value::Text(info) = ask(session, &mut conn, Command::InfoKeyspace).await?
    {
        judgement.counts = keyspace(&info);
    }
    Ok(judgement)
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "7.0.15"),
    Proven::new(Proof::Real, Verdict::Protected, "7.0.15"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "7.0.15"),
    Proven::new(Proof::Real, Verdict::NetworkRestricted, "7.0.15"),
    Proven::new(Proof::Real, Verdict::Open, "Valkey 9.1.2"),
    Proven::new(Proof::Real, Verdict::Protected, "Valkey 9.1.2"),
    Proven::new(Proof::Real, Verdict::NetworkRestricted, "Valkey 9.1.2"),
];

impl Service for Redis {
    fn about(&self) -> About<'_> {
        About {
            id: "redis",
            product: "Redis",
            ports: &[6379, 6380],
            openings: &[Opening::Say(PING)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        let starts = |start: &[u8]| reply.bytes.starts_with(start);
        // Valkey says `-DENIED Running in protected mode`, and no name.
        let denied = starts(b"-DENIED Redis ") || starts(b"-DENIED Running in protected mode");
        let anywhere = denied || starts(b"-NOAUTH ") || starts(b"-ERR operation not permitted\r\n");
        anywhere
            || match reply.opening {
                Opening::Say(words) if words == PING => {
                    starts(b"+PONG\r\n")
                        || starts(b"-NOPERM ")
                        || starts(b"-LOADING ")
                        || starts(b"-MASTERDOWN ")
                        || starts(b"-ERR max number of clients")
                }
                // `GET / HTTP/1.1` is a GET with too many arguments.
                Opening::Http => {
                    starts(b"-ERR wrong number of arguments for 'get' command") || starts(b"-NOPERM ")
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
        Redis.recognises(&Reply { opening, bytes })
    }

    #[test]
    fn protected_mode_is_recognised_without_a_word_said() {
        assert!(recognised(Opening::Listen, b"-DENIED Redis is running in protected mode because ..."));
        assert!(recognised(Opening::Listen, b"-DENIED Running in protected mode because protected mode ..."));
    }

    #[test]
    fn redis_on_an_http_port_is_redis() {
        assert!(recognised(Opening::Http, b"-ERR wrong number of arguments for 'get' command\r\n"));
    }

    #[test]
    fn an_echo_is_not_redis() {
        assert!(!recognised(Opening::Say(PING), b"*1\r\n$4\r\nPING\r\n"));
    }

    #[test]
    fn a_yes_is_not_a_number() {
        assert_eq!(value(b"+OK\r\n"), Value::Text("OK".to_owned()));
        assert_eq!(value(b":0\r\n"), Value::Integer("0".to_owned()));
    }

    #[test]
    fn an_error_reply_is_not_open() {
        assert_eq!(refusal("ERR unknown command 'FOO'"), None);
        assert_eq!(
            refusal("NOPERM this user has no permissions").map(|(verdict, _)| verdict),
            Some(Verdict::OpenPartial)
        );
    }

    #[test]
    fn kin_are_told_by_their_own_version_and_keydb_by_its_program() {
        let valkey = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n";
        assert_eq!(product(valkey), (Some("Valkey"), Some("9.1.2")));
        let kvrocks = "# Server\r\nversion:2.9.0\r\nkvrocks_version:2.9.0\r\nredis_version:4.0.0\r\n";
        assert_eq!(product(kvrocks), (Some("Apache Kvrocks"), Some("2.9.0")));
        let keydb = "# Server\r\nredis_version:6.3.4\r\nexecutable:/usr/local/bin/keydb-server\r\n";
        assert_eq!(product(keydb), (Some("KeyDB"), Some("6.3.4")));
        let redis = "# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin/redis-server\r\n";
        assert_eq!(product(redis), (None, Some("7.0.15")));
    }

    #[test]
    fn keys_of_all_databases_are_added_up() {
        let counts = keyspace("# Keyspace\r\ndb0:keys=3,expires=0\r\ndb7:keys=4,expires=1\r\n");
        assert_eq!((counts["databases"], counts["keys"]), (2, 7));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_framed_without_panic(bytes: Vec<u8>) {
            if let Ok(Some(length)) = complete(&bytes) {
                proptest::prop_assert!(length <= bytes.len());
                let _ = value(&bytes[..length]);
            }
        }
    }
}
