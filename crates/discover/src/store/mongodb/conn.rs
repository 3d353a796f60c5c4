//! A connection: the greeting, the login, and answers to commands whatever the age of the server.

use std::time::Duration;

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use net::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use super::command::Command;
use super::scram::{self, Exchange, Mechanism};
use super::wire::{self, Answer, HEADER, Header};
use crate::store::StoreError;
use crate::store::gate::{Door, Gate};
use crate::store::login::{Login, Security};

/// Longest wait for bytes: longer than a question may take the server.
const IDLE: Duration = Duration::from_secs(90);
/// Wire versions (<https://github.com/mongodb/specifications/blob/master/source/wireversion-featurelist/wireversion-featurelist.md>):
/// SCRAM and `listCollections`, `find` as a command, OP_MSG.
pub(super) const WIRE_3_0: i32 = 3;
pub(super) const WIRE_3_2: i32 = 4;
const WIRE_3_6: i32 = 6;

/// What a server says when it is greeted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Greeting {
    pub(super) wire: i32,
    /// A router of a sharded cluster.
    pub(super) router: bool,
    /// The replica set that it belongs to.
    pub(super) set: Option<String>,
    /// It keeps no data.
    pub(super) arbiter: bool,
    mechanisms: Vec<String>,
}

impl Greeting {
    fn of(document: &Document) -> Self {
        let text = |name: &str| document.get_str(name).ok().map(str::to_owned);
        let mechanisms = document.get_array("saslSupportedMechs").map(Vec::as_slice).unwrap_or_default();
        Self {
            wire: number(document.get("maxWireVersion"))
                .and_then(|wire| i32::try_from(wire).ok())
                .unwrap_or(0),
            router: document.get_str("msg").is_ok_and(|msg| msg == "isdbgrid"),
            set: text("setName"),
            arbiter: document.get_bool("arbiterOnly").is_ok_and(|arbiter| arbiter),
            mechanisms: mechanisms.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        }
    }

    /// How to log in.
    fn mechanism(&self) -> Option<Mechanism> {
        match self.wire {
            _ if self.mechanisms.iter().any(|name| name == Mechanism::Sha256.name()) => {
                Some(Mechanism::Sha256)
            }
            WIRE_3_0.. => Some(Mechanism::Sha1),
            _ => None,
        }
    }
}

/// A number of whatever type.
pub(super) fn number(value: Option<&Bson>) -> Option<i64> {
    match value? {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        // Counts are whole and small enough.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float out of range becomes the nearest integer"
        )]
        Bson::Double(number) => Some(*number as i64),
        _ => None,
    }
}

/// An error that the server told: its number, and its name where that is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: i64,
    name: String,
}

impl Failure {
    /// `None`: the answer is a success.
    fn of(document: &Document) -> Option<Self> {
        let fine = match document.get("ok") {
            Some(Bson::Boolean(ok)) => *ok,
            ok => number(ok) == Some(1),
        };
        let text = document.get_str("errmsg").or_else(|_| document.get_str("$err"));
        if fine && text.is_err() {
            return None;
        }
        let text = text.unwrap_or_default();
        let name = document.get_str("codeName").unwrap_or_default();
        let is_name = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // Before 2.6 a refusal was told by its text alone.
        let refused =
            text.starts_with("not authorized") || text.starts_with("unauthorized") || text == "need to login";
        let code = number(document.get("code")).unwrap_or(if refused { 13 } else { 0 });
        Some(Self { code, name: if is_name { name.to_owned() } else { String::new() } })
    }

    /// As an error of the reader.
    pub(super) fn error(&self, command: &'static str) -> StoreError {
        let Self { code, name, .. } = self;
        let said = if name.is_empty() { format!("code {code}") } else { format!("{name}, code {code}") };
        match code {
            13 | 8000 => StoreError::Denied(format!("this account may not call {command} here ({said})")),
            18 => StoreError::Denied(format!("the login is refused ({said})")),
            // Not primary, recovering, shutting down.
            10107 | 13435 | 13436 | 11600 | 91 | 189 => {
                StoreError::Connection(format!("the server is not ready ({said})"))
            }
            43 | 175 | 26 => StoreError::Answer(format!("it went away while it was read ({said})")),
            50 => StoreError::Answer(format!("{command} took the server too long ({said})")),
            _ => StoreError::Answer(format!("{command} is refused ({said})")),
        }
    }
}

/// A connection that is logged in.
pub(super) struct Conn {
    stream: BufReader<Stream>,
    door: Door,
    last: i32,
    pub(super) greeting: Greeting,
}

impl Conn {
    /// Connects, and logs in at the database `source`.
    pub(super) async fn open(gate: &Gate, login: &Login, source: &str) -> Result<Self, StoreError> {
        let line = gate.open(&login.door, IDLE).await?;
        let mut stream = line.stream;
        if let (Security::Always(trust), Door::Tcp { host, .. }) = (&login.security, &login.door) {
            let failed = |error| StoreError::Connection(format!("{}: {error}", login.door));
            stream = stream.start_tls(&gate.tls(host, trust)?).await.map_err(failed)?;
        }
        login.warn_of_plain(line.own, stream.is_tls());
        let stream = BufReader::with_capacity(64 << 10, stream);
        let mut conn = Self { stream, door: login.door.clone(), last: 0, greeting: Greeting::default() };
        let user = login.user.as_deref().zip(login.password.as_ref());
        let greeting = Command::IsMaster(user.map(|(user, _)| (source, user)));
        let answer = conn.once("admin", &greeting).await?;
        // 59: a server that does not know the user's means of login by name.
        conn.greeting = Greeting::of(&answer);
        if let Some((user, password)) = user {
            match conn.greeting.mechanism() {
                Some(mechanism) => conn.scram(source, mechanism, user, password).await?,
                None => {
                    let answer = conn.run(source, &Command::GetNonce).await?;
                    let nonce = answer.get_str("nonce").unwrap_or_default();
                    let key = scram::legacy_key(user, password, nonce);
                    conn.run(source, &Command::Authenticate { user, nonce, key: &key }).await?;
                }
            }
        }
        Ok(conn)
    }

    async fn scram(
        &mut self,
        source: &str,
        mechanism: Mechanism,
        user: &str,
        password: &model::Secret<String>,
    ) -> Result<(), StoreError> {
        let bad = |bad: scram::Bad| StoreError::Answer(format!("the login cannot be made: {}", bad.0));
        let exchange = Exchange::new(mechanism, user, scram::nonce().map_err(bad)?);
        let start = Command::SaslStart { mechanism: mechanism.name(), payload: &exchange.first() };
        let answer = self.run(source, &start).await?;
        let conversation = answer.get("conversationId").cloned().unwrap_or(Bson::Int32(1));
        let proof = exchange.proof(user, password, &payload(&answer)).map_err(bad)?;
        let go_on = |payload| Command::SaslContinue { conversation: conversation.clone(), payload };
        let answer = self.run(source, &go_on(&proof.message)).await?;
        if !proof.is_answered_by(&payload(&answer)) {
            return Err(StoreError::Denied(
                "the server does not know the password itself: nothing is asked of it".to_owned(),
            ));
        }
        if !answer.get_bool("done").is_ok_and(|done| done) {
            self.run(source, &go_on("")).await?;
        }
        Ok(())
    }

    pub(super) fn failed(&self, what: impl std::fmt::Display) -> StoreError {
        StoreError::Connection(format!("{}: {what}", self.door))
    }

    /// Sends a message and receives the answer.
    async fn exchange(&mut self, message: &[u8], id: i32) -> Result<Answer, StoreError> {
        let sent = async {
            self.stream.write_all(message).await?;
            self.stream.flush().await?;
            let mut head = [0; HEADER];
            self.stream.read_exact(&mut head).await?;
            Ok::<_, std::io::Error>(head)
        };
        let head = sent.await.map_err(|error| self.failed(error))?;
        let bad = |bad: wire::Bad| StoreError::Answer(format!("{}: {}", self.door, bad.0));
        let header = Header::parse(&head).map_err(bad)?;
        if header.answers != id {
            return Err(bad(wire::Bad("an answer to something else")));
        }
        let mut body = Vec::new();
        // Memory grows with what comes, not with what was announced.
        let length = (&mut self.stream).take(header.rest as u64).read_to_end(&mut body).await;
        match length {
            Ok(length) if length == header.rest => {}
            Ok(_) => return Err(self.failed("the server closed the connection")),
            Err(error) => return Err(self.failed(error)),
        }
        let bad = |bad: wire::Bad| StoreError::Answer(format!("{}: {}", self.door, bad.0));
        Answer::parse(&header, &body).map_err(bad)
    }

    fn next_id(&mut self) -> i32 {
        self.last = self.last.wrapping_add(1).max(1);
        self.last
    }

    /// Sends a command; its answer, whether success or failure.
    pub(super) async fn ask(
        &mut self,
        database: &str,
        command: &Command<'_>,
    ) -> Result<RawDocumentBuf, StoreError> {
        let id = self.next_id();
        let mut document = command.document();
        // The greeting is understood in the oldest form by the newest servers, which take nothing else in it.
        let modern = self.greeting.wire >= WIRE_3_6;
        if modern {
            document.insert("$db", database);
            if self.greeting.router || self.greeting.set.is_some() {
                document.insert("$readPreference", doc! { "mode": "primaryPreferred" });
            }
        }
        let document = raw(&document)?;
        let message = match modern {
            true => wire::op_msg(id, &document),
            false => wire::op_query(id, &format!("{database}.$cmd"), 0, -1, &document, None),
        };
        match self.exchange(&message, id).await? {
            Answer::Document(document) => Ok(document),
            Answer::Documents(documents, _) => {
                documents.into_iter().next().ok_or_else(|| StoreError::Answer("an empty answer".to_owned()))
            }
            Answer::NoCursor => Err(StoreError::Answer("an answer about a cursor".to_owned())),
        }
    }

    async fn once(&mut self, database: &str, command: &Command<'_>) -> Result<Document, StoreError> {
        let answer = self.ask(database, command).await?;
        Document::try_from(answer)
            .map_err(|_| StoreError::Answer(format!("{}: an answer that is no BSON", self.door)))
    }

    /// Sends a command whose answer is small; the failure inside is the server's.
    pub(super) async fn try_run(
        &mut self,
        database: &str,
        command: &Command<'_>,
    ) -> Result<Result<Document, Failure>, StoreError> {
        let answer = self.once(database, command).await?;
        Ok(Failure::of(&answer).map_or(Ok(answer), Err))
    }

    /// The same where a failure is an error.
    pub(super) async fn run(
        &mut self,
        database: &str,
        command: &Command<'_>,
    ) -> Result<Document, StoreError> {
        self.try_run(database, command).await?.map_err(|failure| failure.error(command.name()))
    }

    /// Sends a query or asks for more of it as servers before 3.2 understand it.
    pub(super) async fn old(
        &mut self,
        message: impl FnOnce(i32) -> Vec<u8>,
    ) -> Result<(Vec<RawDocumentBuf>, i64), StoreError> {
        let id = self.next_id();
        let message = message(id);
        match self.exchange(&message, id).await? {
            Answer::Documents(documents, cursor) => Ok((documents, cursor)),
            Answer::NoCursor => Err(StoreError::Answer("it went away while it was read".to_owned())),
            Answer::Document(document) => Err(failure_of(&document).map_or_else(
                || StoreError::Answer("an answer of another kind".to_owned()),
                |failure| failure.error("find"),
            )),
        }
    }
}

/// The failure that an answer tells, without taking the answer apart as a whole.
pub(super) fn failure_of(answer: &RawDocument) -> Option<Failure> {
    // Answers with documents are large; these few fields are not.
    let mut head = Document::new();
    for name in ["ok", "code", "codeName", "errmsg", "$err"] {
        if let Ok(Some(value)) = answer.get(name)
            && let Ok(value) = Bson::try_from(value)
        {
            head.insert(name, value);
        }
    }
    Failure::of(&head)
}

/// A document as bytes.
pub(super) fn raw(document: &Document) -> Result<RawDocumentBuf, StoreError> {
    // A name with a zero byte is none that a server could have told.
    RawDocumentBuf::try_from(document)
        .map_err(|_| StoreError::Answer("a name that BSON cannot hold".to_owned()))
}

fn payload(answer: &Document) -> String {
    match answer.get("payload") {
        Some(Bson::Binary(binary)) => String::from_utf8_lossy(&binary.bytes).into_owned(),
        Some(Bson::String(text)) => text.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_means_of_login_follow_from_the_greeting() {
        let of = |document: Document| Greeting::of(&document).mechanism();
        let both = doc! { "maxWireVersion": 21, "saslSupportedMechs": ["SCRAM-SHA-1", "SCRAM-SHA-256"] };
        assert_eq!(of(both), Some(Mechanism::Sha256));
        assert_eq!(
            of(doc! { "maxWireVersion": 21.0, "saslSupportedMechs": ["SCRAM-SHA-1"] }),
            Some(Mechanism::Sha1)
        );
        assert_eq!(of(doc! { "maxWireVersion": 3 }), Some(Mechanism::Sha1));
        assert_eq!(of(doc! { "maxWireVersion": 2 }), None);
        assert_eq!(of(doc! { "ismaster": true }), None);
    }

    #[test]
    fn failures_are_told_from_success_by_every_age() {
        let of = |document: Document| failure_of(&raw(&document).unwrap());
        assert_eq!(of(doc! { "ok": 1.0 }), None);
        assert_eq!(of(doc! { "ok": true }), None);
        let refused =
            of(doc! { "ok": 0.0, "errmsg": "not authorized on admin to execute command", "code": 13 });
        assert!(matches!(refused.unwrap().error("find"), StoreError::Denied(_)));
        let old = of(doc! { "$err": "unauthorized db:lab", "code": 10057 }).unwrap();
        assert_eq!(old.code, 10057);
        let text = of(doc! { "ok": 0, "errmsg": "li na", "codeName": "a b 154" })
            .unwrap()
            .error("count")
            .to_string();
        assert_eq!(text, "count is refused (code 0)");
    }
}
