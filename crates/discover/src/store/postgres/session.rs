//! One connection to one database of PostgreSQL: the login, the settings that make it a reader, questions and their failures.

use std::error::Error as _;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::poll_fn;
use net::{Stream, Trust};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, CopyOutStream, NoTls, SimpleQueryMessage};

use super::Limits;
use super::catalog::{self, Fields};
use crate::store::StoreError;
use crate::store::failure::Failure;
use crate::store::gate::{Door, Gate, Line};
use crate::store::login::{Login, Security};
use crate::store::tsv::{self, Lines};

/// Asks whether the server speaks TLS: <https://www.postgresql.org/docs/15/protocol-flow.html#id-1.10.6.7.12>.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];
/// Longer than any question may take without a word.
const GRACE: Duration = Duration::from_secs(30);

/// A connection.
pub(super) struct Session {
    client: Client,
    database: String,
    door: Door,
    limits: Limits,
    /// The task that moves the bytes.
    driver: AbortHandle,
    /// What ended it.
    cause: Arc<OnceLock<String>>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Session {
    pub(super) async fn open(
        gate: &Gate,
        login: &Login,
        limits: Limits,
        database: &str,
    ) -> Result<Self, StoreError> {
        let idle = limits.sample.max(limits.lock).saturating_add(GRACE);
        let Line { stream, own } = gate.open(&login.door, idle).await?;
        let stream = secure(stream, gate, login).await?;
        login.warn_of_plain(own, stream.is_tls());
        let mut config = Config::new();
        config.dbname(database).application_name("watertight").ssl_mode(SslMode::Disable);
        if let Some(user) = &login.user {
            config.user(user.as_str());
        } else {
            return Err(StoreError::Denied("no user is named (PGUSER, or in the URL)".to_owned()));
        }
        let password = login.password_for(database);
        if let Some(password) = password {
            config.password(password.reveal().as_str());
        }
        let connected = config.connect_raw(stream, NoTls).await;
        let (client, mut connection) =
            connected.map_err(|error| refused(&error, login, database, password.is_some()))?;
        // Such a database holds bytes of no known encoding, which the server would not let through as UTF-8.
        let bytes = connection.parameter("server_encoding") == Some("SQL_ASCII");
        let cause = Arc::new(OnceLock::new());
        let told = Arc::clone(&cause);
        let driver = tokio::spawn(async move {
            // Notices may hold values: they are dropped.
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                if let Err(error) = message {
                    let _ = told.set(io_cause(&error));
                    break;
                }
            }
        });
        let driver = driver.abort_handle();
        let (database, door) = (database.to_owned(), login.door.clone());
        let session = Self { client, database, door, limits, driver, cause };
        session.settle(bytes).await.map_err(Failure::of_store)?;
        Ok(session)
    }

    /// Settings of the session. The search path keeps functions of the user's away from the names of the system's.
    async fn settle(&self, bytes: bool) -> Result<(), Failure> {
        let (sample, lock) = (self.limits.sample.as_millis(), self.limits.lock.as_millis());
        let settings = format!(
            "SET default_transaction_read_only = on; SET search_path = pg_catalog; SET bytea_output = hex; \
             SET datestyle = ISO; SET statement_timeout = {sample}; SET lock_timeout = {lock}"
        );
        self.run(&settings).await?;
        if bytes {
            self.run("SET client_encoding = SQL_ASCII").await?;
        }
        // Since version 9.6.
        let idle = self.limits.sample.saturating_add(GRACE).as_millis();
        let _ = self.run(&format!("SET idle_in_transaction_session_timeout = {idle}")).await;
        Ok(())
    }

    /// Whether it is there and belongs to `database`.
    pub(super) fn is_usable(&self, database: &str) -> bool {
        self.database == database && !self.client.is_closed()
    }

    /// Begins a transaction that can only read and sees one state.
    pub(super) async fn begin(&self) -> Result<(), Failure> {
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    /// How long the server may work on the next question of this transaction.
    pub(super) async fn time(&self, time: Duration) -> Result<(), Failure> {
        self.run(&format!("SET LOCAL statement_timeout = {}", time.as_millis())).await
    }

    /// Ends the transaction; `None`: the connection cannot be used any more.
    pub(super) async fn ended(self) -> Option<Self> {
        if self.client.is_closed() || self.driver.is_finished() {
            return None;
        }
        self.run("ROLLBACK").await.is_ok().then_some(self)
    }

    /// Closes the connection at once, whatever is under way.
    pub(super) fn abandon(&self) {
        self.driver.abort();
    }

    async fn run(&self, statement: &str) -> Result<(), Failure> {
        self.client.batch_execute(statement).await.map_err(|error| self.failure(&error))
    }

    /// Asks for rows, which are kept in memory: for the catalogue.
    pub(super) async fn ask(&mut self, query: &str) -> Result<Vec<Fields>, Failure> {
        let mut answer = Vec::new();
        let mut copy = self.copy(query).await?;
        copy.rows(|fields| {
            let mut room = Vec::new();
            let texts = fields.map(|field| {
                field.map(|field| String::from_utf8_lossy(tsv::unescape(field, &mut room)).into_owned())
            });
            answer.push(texts.collect());
            true
        })
        .await?;
        Ok(answer)
    }

    /// The number in the first field of the first row.
    pub(super) async fn number(&mut self, query: &str) -> Result<Option<u64>, Failure> {
        let rows = self.ask(query).await?;
        Ok(rows.first().and_then(|fields| fields.first()?.as_ref()?.parse().ok()))
    }

    /// Bytes of a relation, and of a page.
    pub(super) async fn size(&mut self, oid: u32) -> Result<(u64, u64), Failure> {
        let rows = self.ask(&catalog::size(oid)).await?;
        let number = |at: usize| rows.first()?.get(at)?.as_ref()?.parse().ok();
        number(0).zip(number(1)).ok_or(Failure::Changed)
    }

    /// The planner's estimate, which knows the present size even where nothing was ever counted.
    pub(super) async fn planned_rows(&self, query: &str) -> Result<u64, Failure> {
        let plan = self.client.simple_query(&format!("EXPLAIN {query}")).await;
        let plan = plan.map_err(|error| self.failure(&error))?;
        let line = plan.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.try_get(0).ok().flatten(),
            _ => None,
        });
        Ok(line.and_then(catalog::planned_rows).unwrap_or_default())
    }

    /// Begins to copy the rows of a query.
    pub(super) async fn copy<'s>(&'s self, query: &str) -> Result<Copy<'s>, Failure> {
        let stream = self.client.copy_out(&format!("COPY ({query}) TO STDOUT")).await;
        let stream = Box::pin(stream.map_err(|error| self.failure(&error))?);
        Ok(Copy { stream, session: self })
    }

    /// What a failure means, without what the server wrote about it: its messages may quote values.
    fn failure(&self, error: &tokio_postgres::Error) -> Failure {
        let lost = |why: &str| {
            let Self { door, database, .. } = self;
            Failure::Store(StoreError::Connection(format!("{door}, database {database}: {why}")))
        };
        let Some(code) = error.code().map(|code| code.code()) else {
            if !error.is_closed() {
                return lost(&io_cause(error));
            }
            return lost(self.cause.get().map_or("the server ended the connection", String::as_str));
        };
        match code {
            "42P01" | "42703" | "42704" => Failure::Changed,
            "42501" => Failure::Part("this role has no right to read it".to_owned()),
            "55P03" => Failure::Part(format!(
                "another session holds a lock that forbids reading; waited {} s",
                self.limits.lock.as_secs()
            )),
            "57014" => Failure::Part("the server did not finish within the time limit".to_owned()),
            "25P03" => lost("the server ended the idle transaction"),
            "57P01" | "57P02" | "57P03" => lost("the server is shutting down"),
            code => Failure::Part(format!("the server refuses (SQLSTATE {code})")),
        }
    }
}

/// Rows on their way.
pub(super) struct Copy<'s> {
    stream: Pin<Box<CopyOutStream>>,
    session: &'s Session,
}

impl Copy<'_> {
    /// Shows `row` the fields of each row until it wants no more. Whether all came.
    pub(super) async fn rows(
        &mut self,
        mut row: impl FnMut(&mut dyn Iterator<Item = Option<&[u8]>>) -> bool,
    ) -> Result<bool, Failure> {
        let mut lines = Lines::default();
        while let Some(chunk) = self.stream.next().await {
            let chunk = chunk.map_err(|error| self.session.failure(&error))?;
            match lines.feed(&chunk, |line| row(&mut tsv::fields(line))) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(tsv::TooLong) => {
                    self.session.abandon();
                    return Err(Failure::Part("a row is longer than any row can be".to_owned()));
                }
            }
        }
        Ok(true)
    }
}

/// Starts TLS as the login says. Never over a socket in the file system, as libpq.
async fn secure(mut stream: Stream, gate: &Gate, login: &Login) -> Result<Stream, StoreError> {
    let (host, trust) = match (&login.door, &login.security) {
        (Door::Socket(_), _) | (_, Security::Plain) => return Ok(stream),
        (Door::Tcp { host, .. }, Security::Offered) => (host, &Trust::Any),
        (Door::Tcp { host, .. }, Security::Always(trust)) => (host, trust),
    };
    let failed = |why: String| StoreError::Connection(format!("{}: {why}", login.door));
    let io = |error: std::io::Error| failed(net::Error::from(error).to_string());
    stream.write_all(SSL_REQUEST).await.map_err(io)?;
    // One byte and no more: what a stranger sent behind it must not pass for the server's words inside TLS.
    match (stream.read_u8().await.map_err(io)?, &login.security) {
        (b'S', _) => {
            let tls = gate.tls(host, trust)?;
            stream.start_tls(&tls).await.map_err(|error| failed(error.to_string()))
        }
        (b'N', Security::Offered) => Ok(stream),
        (b'N', _) => Err(failed("the server does not speak TLS, and sslmode demands it".to_owned())),
        _ => {
            Err(failed("what answers there is not PostgreSQL, or is at its limit of connections".to_owned()))
        }
    }
}

/// Why a login failed.
fn refused(error: &tokio_postgres::Error, login: &Login, database: &str, password: bool) -> StoreError {
    let user = login.user.as_deref().unwrap_or_default();
    let who = format!("{}, database {database}, user {user}", login.door);
    match error.code().map(|code| code.code()) {
        Some("28P01" | "28000") if password => StoreError::Denied(format!("{who}: the login is refused")),
        Some("28P01" | "28000") => StoreError::Denied(format!("{who}: refused without a password")),
        Some("42501") => StoreError::Denied(format!("{who}: no right to connect to the database")),
        Some("3D000") => StoreError::Denied(format!("{who}: there is no such database")),
        Some("53300") => StoreError::Connection(format!("{who}: too many connections")),
        Some("57P03") => StoreError::Connection(format!("{who}: the server is starting up")),
        Some(code) => StoreError::Connection(format!("{who}: refused (SQLSTATE {code})")),
        None if !password && error.to_string().contains("invalid configuration") => StoreError::Denied(
            format!("{who}: a password is demanded, and none is given (PGPASSWORD, or ~/.pgpass)"),
        ),
        None => StoreError::Connection(format!("{who}: {}", io_cause(error))),
    }
}

/// What the operating system or TLS said, or the driver's own word: neither quotes what was received.
fn io_cause(error: &tokio_postgres::Error) -> String {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return io.to_string();
        }
        source = inner.source();
    }
    error.to_string()
}
