//! What may be asked of Redis. Nothing of it writes, and nothing of it holds the server up for longer than a page.
//! <https://redis.io/docs/latest/commands/>

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// Logs in, with a user (6.0 and later) or without.
    Auth { user: Option<&'a str>, password: &'a str },
    /// Facts about the server: versions and roles, the databases and how many keys they have.
    Info(Section),
    /// The nodes of a cluster.
    ClusterNodes,
    /// Asks for reading from a replica of a cluster, for this connection.
    ReadOnly,
    /// Reading shall not count as use, so that no key is kept or evicted for it (7.2 and later), for this connection.
    NoTouch,
    /// Goes to a database.
    Select(u32),
    /// The next keys. `pattern`: a glob; none: all.
    Scan { cursor: u64, pattern: Option<&'a [u8]>, count: u32 },
    /// What a key holds.
    Type(&'a [u8]),
    /// The beginning of a string, up to and with the byte at `last`.
    GetRange { key: &'a [u8], last: usize },
    /// How much a key holds.
    Length(Kind, &'a [u8]),
    /// The next fields of a hash with their values, members of a set, or members of a sorted set with their scores.
    Members { kind: Kind, key: &'a [u8], cursor: u64, count: u32 },
    /// Elements of a list.
    Elements { key: &'a [u8], first: u64, last: u64 },
    /// Entries of a stream from an id on.
    Entries { key: &'a [u8], from: &'a str, count: u32 },
    /// The last entry of a stream.
    LastEntry(&'a [u8]),
    /// A document of the JSON module.
    Json(&'a [u8]),
}

/// Sections of INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Server,
    Replication,
    Cluster,
    Keyspace,
}

/// What a key may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    String,
    Hash,
    List,
    Set,
    SortedSet,
    Stream,
    Json,
}

impl Kind {
    /// By the answer to TYPE.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "string" => Self::String,
            "hash" => Self::Hash,
            "list" => Self::List,
            "set" => Self::Set,
            "zset" => Self::SortedSet,
            "stream" => Self::Stream,
            "ReJSON-RL" => Self::Json,
            _ => return None,
        })
    }
}

impl Command<'_> {
    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Auth { .. } => "AUTH",
            Self::Info(_) => "INFO",
            Self::ClusterNodes => "CLUSTER",
            Self::ReadOnly => "READONLY",
            Self::NoTouch => "CLIENT",
            Self::Select(_) => "SELECT",
            Self::Scan { .. } => "SCAN",
            Self::Type(_) => "TYPE",
            Self::GetRange { .. } => "GETRANGE",
            Self::Length(kind, _) => match kind {
                Kind::String | Kind::Json => "STRLEN",
                Kind::Hash => "HLEN",
                Kind::List => "LLEN",
                Kind::Set => "SCARD",
                Kind::SortedSet => "ZCARD",
                Kind::Stream => "XLEN",
            },
            Self::Members { kind, .. } => match kind {
                Kind::Set => "SSCAN",
                Kind::SortedSet => "ZSCAN",
                _ => "HSCAN",
            },
            Self::Elements { .. } => "LRANGE",
            Self::Entries { .. } => "XRANGE",
            Self::LastEntry(_) => "XREVRANGE",
            Self::Json(_) => "JSON.GET",
        }
    }

    /// Appends it as it is sent.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let text = |number: u64| number.to_string().into_bytes();
        let mut words: Vec<Vec<u8>> = vec![self.name().as_bytes().to_vec()];
        match *self {
            Self::Auth { user, password } => {
                words.extend(user.map(|user| user.as_bytes().to_vec()));
                words.push(password.as_bytes().to_vec());
            }
            Self::Info(section) => words.push(
                match section {
                    Section::Server => b"server".as_slice(),
                    Section::Replication => b"replication",
                    Section::Cluster => b"cluster",
                    Section::Keyspace => b"keyspace",
                }
                .to_vec(),
            ),
            Self::ClusterNodes => words.push(b"NODES".to_vec()),
            Self::ReadOnly => {}
            Self::NoTouch => words.extend([b"NO-TOUCH".to_vec(), b"on".to_vec()]),
            Self::Select(database) => words.push(text(database.into())),
            Self::Scan { cursor, pattern, count } => {
                words.push(text(cursor));
                words.extend(pattern.into_iter().flat_map(|glob| [b"MATCH".to_vec(), glob.to_vec()]));
                words.extend([b"COUNT".to_vec(), text(count.into())]);
            }
            Self::Type(key) | Self::Length(_, key) | Self::Json(key) => words.push(key.to_vec()),
            Self::GetRange { key, last } => words.extend([key.to_vec(), b"0".to_vec(), text(last as u64)]),
            Self::Members { key, cursor, count, .. } => {
                words.extend([key.to_vec(), text(cursor), b"COUNT".to_vec(), text(count.into())]);
            }
            Self::Elements { key, first, last } => words.extend([key.to_vec(), text(first), text(last)]),
            Self::Entries { key, from, count } => {
                let from = from.as_bytes().to_vec();
                words.extend([key.to_vec(), from, b"+".to_vec(), b"COUNT".to_vec(), text(count.into())]);
            }
            Self::LastEntry(key) => {
                words.extend([key, b"+", b"-", b"COUNT", b"1"].map(<[u8]>::to_vec));
            }
        }
        out.extend(format!("*{}\r\n", words.len()).into_bytes());
        for word in words {
            out.extend(format!("${}\r\n", word.len()).into_bytes());
            out.extend(word);
            out.extend(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_lists_of_words() {
        let encoded = |command: Command<'_>| {
            let mut out = Vec::new();
            command.encode(&mut out);
            String::from_utf8(out).unwrap()
        };
        let scan = Command::Scan { cursor: 7, pattern: Some(b"u:*"), count: 10 };
        assert_eq!(
            encoded(scan),
            "*6\r\n$4\r\nSCAN\r\n$1\r\n7\r\n$5\r\nMATCH\r\n$3\r\nu:*\r\n$5\r\nCOUNT\r\n$2\r\n10\r\n"
        );
        let split = Command::Type(b"a\r\n$1\r\nDEL");
        assert_eq!(encoded(split), "*2\r\n$4\r\nTYPE\r\n$10\r\na\r\n$1\r\nDEL\r\n");
        let auth = Command::Auth { user: None, password: "p" };
        assert_eq!(encoded(auth), "*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n");
    }
}
