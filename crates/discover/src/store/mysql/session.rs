//! One connection to MySQL or MariaDB: the settings that make it a reader, questions and their failures.

use std::time::Duration;

use super::catalog::{self, Column, Fields, Relation};
use super::login::{LoggedIn, log_in};
use super::wire::{Wire, WireError};
use super::{Limits, number};
use crate::store::StoreError;
use crate::store::failure::Failure;
use crate::store::gate::{Door, Gate};
use crate::store::login::Login;

/// Longer than any question may take without a word.
const GRACE: Duration = Duration::from_secs(30);
/// How long the server waits, in seconds, while a reader does not take more.
const WRITE_TIMEOUT: u64 = 600;

/// A connection.
pub(super) struct Session {
    wire: Wire,
    mariadb: bool,
    door: Door,
    limits: Limits,
    /// An answer was not taken to its end: nothing else can be asked.
    spent: bool,
}

impl Session {
    pub(super) async fn open(gate: &Gate, login: &Login, limits: Limits) -> Result<Self, StoreError> {
        let idle = limits.sample.max(limits.lock).saturating_add(GRACE);
        let LoggedIn { wire, mariadb } = log_in(gate, login, idle).await?;
        let mut session = Self { wire, mariadb, door: login.door.clone(), limits, spent: false };
        let lock = limits.lock.as_secs().max(1);
        let needed = [
            "SET NAMES utf8mb4".to_owned(),
            "SET SESSION sql_mode = ''".to_owned(),
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned(),
            "SET SESSION TRANSACTION READ ONLY".to_owned(),
            format!("SET SESSION lock_wait_timeout = {lock}"),
        ];
        for statement in needed {
            session.run(&statement).await.map_err(Failure::of_store)?;
        }
        session.optional(&format!("SET SESSION net_write_timeout = {WRITE_TIMEOUT}")).await?;
        if !session.mariadb {
            // Estimates of the present, since version 8.
            session.optional("SET SESSION information_schema_stats_expiry = 0").await?;
        }
        session.time(limits.sample).await;
        Ok(session)
    }

    /// Whether the server still listens: it ends connections that were idle for too long.
    pub(super) async fn is_usable(&mut self) -> bool {
        !self.spent && self.wire.ping().await.is_ok()
    }

    /// A setting that not every version has.
    async fn optional(&mut self, statement: &str) -> Result<(), StoreError> {
        match self.run(statement).await {
            Err(Failure::Store(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// How long the server may work on the next questions. Servers from before 5.7.8 or 10.1 have no such limit.
    pub(super) async fn time(&mut self, time: Duration) {
        let statement = if self.mariadb {
            format!("SET SESSION max_statement_time = {}", time.as_secs())
        } else {
            format!("SET SESSION max_execution_time = {}", time.as_millis())
        };
        let _ = self.run(&statement).await;
    }

    /// Begins a transaction that can only read and sees one state.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        self.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await
    }

    /// Ends the transaction; `None`: the connection cannot be used any more.
    pub(super) async fn ended(mut self) -> Option<Self> {
        if self.spent || self.run("ROLLBACK").await.is_err() {
            return None;
        }
        let sample = self.limits.sample;
        self.time(sample).await;
        (!self.spent).then_some(self)
    }

    /// The rest of the answer stays untaken.
    pub(super) fn abandon(&mut self) {
        self.spent = true;
    }

    async fn run(&mut self, statement: &str) -> Result<(), Failure> {
        self.query(statement, |_| true).await.map(drop)
    }

    /// Asks, and shows `row` the fields of each row until it wants no more. Whether all came.
    pub(super) async fn query(
        &mut self,
        statement: &str,
        row: impl FnMut(&mut dyn Iterator<Item = Option<&[u8]>>) -> bool,
    ) -> Result<bool, Failure> {
        let answered = self.wire.query(statement, row).await;
        answered.map_err(|error| self.failure(&error))
    }

    /// Asks for rows, which are kept in memory: for the catalogue.
    pub(super) async fn ask(&mut self, query: &str) -> Result<Vec<Fields>, Failure> {
        let mut answer = Vec::new();
        self.query(query, |fields| {
            answer.push(fields.map(|field| field.map(<[u8]>::to_vec)).collect());
            true
        })
        .await?;
        Ok(answer)
    }

    /// The number in the first field of the first row.
    pub(super) async fn number(&mut self, query: &str) -> Result<Option<u64>, Failure> {
        let rows = self.ask(query).await?;
        let first = rows.first().and_then(|fields| number(fields.first()?.as_deref()?));
        Ok(first.and_then(|number| u64::try_from(number).ok()))
    }

    /// The first two numbers of the first row.
    pub(super) async fn ends(&mut self, query: &str) -> Result<Option<(i128, i128)>, Failure> {
        let rows = self.ask(query).await?;
        let at = |index: usize| number(rows.first()?.get(index)?.as_deref()?);
        Ok(at(0).zip(at(1)))
    }

    pub(super) async fn columns(&mut self, relation: &Relation) -> Result<Vec<Column>, Failure> {
        let mut checks = Vec::new();
        if self.mariadb {
            // Not every version says for which table a check is; without it JSON is read as text.
            let found = self.ask(&catalog::checks(relation)).await;
            if let Err(Failure::Store(error)) = found {
                return Err(Failure::Store(error));
            }
            for fields in found.unwrap_or_default() {
                let check = fields.first().and_then(Option::as_deref).unwrap_or_default();
                checks.push(String::from_utf8_lossy(check).into_owned());
            }
        }
        let rows = self.ask(&catalog::columns(relation)).await?;
        Ok(rows.iter().filter_map(|fields| catalog::column(fields, relation, &checks)).collect())
    }

    /// Whether the server would give rows: takes the lock, and no row.
    pub(super) async fn probe(&mut self, columns: &[Column], relation: &Relation) -> Result<(), Failure> {
        let list = columns.iter().map(Column::expression).collect::<Vec<_>>().join(", ");
        self.run(&format!("SELECT {list} FROM {} LIMIT 0", relation.from)).await
    }

    /// What a failure means. Numbers: <https://mariadb.com/kb/en/mariadb-error-code-reference/>,
    /// <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>.
    fn failure(&mut self, error: &WireError) -> Failure {
        let lost = |why: String| Failure::Store(StoreError::Connection(format!("{}: {why}", self.door)));
        let code = match error {
            WireError::Server(code) => *code,
            WireError::Io(error) => {
                self.spent = true;
                return lost(match error.kind() {
                    std::io::ErrorKind::TimedOut => error.to_string(),
                    kind => net::Error::from(std::io::Error::from(kind)).to_string(),
                });
            }
            WireError::Malformed(what) => {
                self.spent = true;
                return Failure::Store(StoreError::Answer(format!("{}: {what}", self.door)));
            }
        };
        match code {
            // No such table, unknown column, definition changed, no such database.
            1146 | 1054 | 1412 | 1049 | 1932 => Failure::Changed,
            1142 | 1143 | 1044 | 1227 | 1370 => {
                Failure::Part("this account has no right to read it".to_owned())
            }
            1205 => Failure::Part(format!(
                "another session holds a lock that forbids reading; waited {} s",
                self.limits.lock.as_secs().max(1)
            )),
            3024 | 1969 | 1317 => Failure::Part("the server did not finish within the time limit".to_owned()),
            1053 | 1927 | 1152 | 1184 | 4031 => {
                self.spent = true;
                lost("the server ended the connection".to_owned())
            }
            code => Failure::Part(format!("the server refuses (error {code})")),
        }
    }
}
