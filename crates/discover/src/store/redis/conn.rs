//! A connection to a server: many commands go out at once, and their replies come in order.

use std::time::Duration;

use net::Stream;
use tokio::io::{AsyncWriteExt as _, BufReader};

use super::command::{Command, Section};
use super::resp::{Refused, Reply, receive};
use crate::store::StoreError;
use crate::store::gate::{Door, Gate};
use crate::store::login::{Login, Security};

/// Longest wait for bytes.
const IDLE: Duration = Duration::from_secs(60);

/// A connection that is logged in.
pub(super) struct Conn {
    stream: BufReader<Stream>,
    door: Door,
}

impl Conn {
    /// Connects and logs in.
    pub(super) async fn open(gate: &Gate, login: &Login) -> Result<Self, StoreError> {
        let line = gate.open(&login.door, IDLE).await?;
        let mut stream = line.stream;
        if let (Security::Always(trust), Door::Tcp { host, .. }) = (&login.security, &login.door) {
            let failed = |error| StoreError::Connection(format!("{}: {error}", login.door));
            stream = stream.start_tls(&gate.tls(host, trust)?).await.map_err(failed)?;
        }
        login.warn_of_plain(line.own, stream.is_tls());
        let mut conn = Self { stream: BufReader::with_capacity(64 << 10, stream), door: login.door.clone() };
        if let Some(password) = &login.password {
            let auth = Command::Auth { user: login.user.as_deref(), password: password.reveal() };
            match conn.one(&auth).await? {
                // Whoever demands no password gives what there is to everyone.
                Reply::Error(refused) if refused.no_password_set => {}
                Reply::Error(refused) => return Err(why(&auth, &refused)),
                _ => {}
            }
        }
        // Older servers do not know it, and an account may not be allowed to: then reading counts as use, as ever.
        conn.one(&Command::NoTouch).await?;
        Ok(conn)
    }

    fn failed(&self, error: &std::io::Error) -> StoreError {
        match error.kind() {
            std::io::ErrorKind::InvalidData => StoreError::Answer(format!("{}: {error}", self.door)),
            std::io::ErrorKind::UnexpectedEof => {
                StoreError::Connection(format!("{}: the server closed the connection", self.door))
            }
            _ => StoreError::Connection(format!("{}: {error}", self.door)),
        }
    }

    /// Sends commands and receives their replies.
    pub(super) async fn ask(&mut self, commands: &[Command<'_>]) -> Result<Vec<Reply>, StoreError> {
        let mut bytes = Vec::new();
        commands.iter().for_each(|command| command.encode(&mut bytes));
        let sent = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        let sent = sent.await;
        sent.map_err(|error| self.failed(&error))?;
        let mut replies = Vec::with_capacity(commands.len());
        for _ in commands {
            let reply = receive(&mut self.stream).await;
            replies.push(reply.map_err(|error| self.failed(&error))?);
        }
        Ok(replies)
    }

    /// Sends one command.
    pub(super) async fn one(&mut self, command: &Command<'_>) -> Result<Reply, StoreError> {
        let replies = self.ask(std::slice::from_ref(command)).await?;
        replies.into_iter().next().ok_or_else(|| StoreError::Answer("no reply".to_owned()))
    }

    /// A section of INFO; an error when this account may not see it.
    pub(super) async fn info(&mut self, section: Section) -> Result<String, StoreError> {
        let command = Command::Info(section);
        match self.one(&command).await? {
            Reply::Bytes(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
            Reply::Error(refused) => Err(why(&command, &refused)),
            _ => Err(StoreError::Answer("INFO is answered in no way that is understood".to_owned())),
        }
    }
}

/// What a refusal means for the store as a whole.
pub(super) fn why(command: &Command<'_>, refused: &Refused) -> StoreError {
    let name = command.name();
    let code = &refused.code;
    match (code.as_str(), command) {
        ("NOAUTH", _) => StoreError::Denied("a login is demanded: set REDISCLI_AUTH".to_owned()),
        ("WRONGPASS", _) | (_, Command::Auth { .. }) => {
            StoreError::Denied(format!("the login is refused ({code})"))
        }
        ("DENIED", _) => StoreError::Denied(
            "protected mode: this server answers clients on its own machine only".to_owned(),
        ),
        ("NOPERM", _) => StoreError::Denied(format!("this account may not call {name}: grant it `+@read`")),
        ("LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "BUSY", _) => {
            StoreError::Connection(format!("the server is not ready ({code})"))
        }
        _ if refused.unknown => StoreError::Answer(format!("the server does not know {name}")),
        _ => StoreError::Answer(format!("{name} is refused ({code})")),
    }
}
