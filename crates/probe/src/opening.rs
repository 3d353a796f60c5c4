//! First words: what is said to a stranger's port to find out what speaks there.

/// A first exchange. Each is harmless to every protocol that may be there instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opening {
    /// Say nothing: some servers speak first.
    Listen,
    /// Say nothing for a moment, then `GET /`.
    Http,
    /// `PING` of the Redis protocol.
    Redis,
    /// SSLRequest of PostgreSQL.
    PostgreSql,
    /// `version` of memcached's text protocol.
    Memcached,
    /// Version of memcached's binary protocol, for servers that speak nothing else.
    MemcachedBinary,
    /// `isMaster` as OP_QUERY: the one message that every MongoDB, old or new, answers.
    MongoDb,
    /// Client hello of ClickHouse's native protocol, as user `default` with an empty password.
    ClickHouse,
}

impl Opening {
    /// The order in which openings are tried where the port gives no hint, after [`Opening::Http`]: first those that
    /// no other protocol answers with silence. TLS is tried after the MongoDB one, and earlier where an answer asks
    /// for it.
    pub const FALLBACKS: [Self; 5] =
        [Self::Redis, Self::Memcached, Self::MongoDb, Self::PostgreSql, Self::MemcachedBinary];
}

/// What came back to an opening.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// What was said. [`Opening::Listen`] when the peer spoke before anything was said.
    pub opening: Opening,
    /// What came back, possibly the start of it.
    pub bytes: &'a [u8],
}
