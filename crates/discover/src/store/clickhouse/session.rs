//! Questions to ClickHouse over its HTTP interface, <https://clickhouse.com/docs/interfaces/http>. All are GET, which the
//! server itself takes for `readonly`: <https://clickhouse.com/docs/operations/settings/permissions-for-queries>.

use model::{Secret, excerpt};
use net::http::{Request, percent_encode};

use super::catalog::{Fields, Question};
use crate::store::StoreError;
use crate::store::failure::Failure;
use crate::store::gate::Gate;
use crate::store::login::Login;
use crate::store::tsv::{self, Lines};
use crate::store::web::{Again, Web};

/// Longest path of a request that every version takes (`http_max_uri_size`, 16384).
const LONGEST_PATH: usize = 15_000;
/// Largest message of an error that is looked at.
const MESSAGE: usize = 64 << 10;

/// One server.
pub(super) struct Session {
    web: Web,
    /// Settings may be sent: a user whose profile has `readonly = 1` may not.
    settings: bool,
}

impl Session {
    pub(super) fn new(gate: Gate, login: Login) -> Self {
        Self { web: Web::new(gate, login), settings: true }
    }

    pub(super) fn login(&self) -> &Login {
        self.web.login()
    }

    /// The request for a question. Every row of its answer has `mark` in front and at its end: what the server says of an
    /// error in the middle stands among the rows, after it has said 200.
    fn request(&self, question: &Question, settings: &str, mark: &str) -> Request {
        let Question { list, rest } = question;
        let query = format!("SELECT '{mark}', {list}, '{mark}' {rest} FORMAT TabSeparated");
        let settings = if self.settings { settings } else { "" };
        let request = Request::get(format!("/?{settings}query={}", percent_encode(&query)));
        let login = self.login();
        match (&login.user, &login.password) {
            (None, None) => request,
            (user, password) => {
                let nothing = Secret::new(String::new());
                request.basic(user.as_deref().unwrap_or("default"), password.as_ref().unwrap_or(&nothing))
            }
        }
    }

    /// Whether a question fits into a request.
    pub(super) fn fits(question: &Question) -> bool {
        percent_encode(&question.list).len() + percent_encode(&question.rest).len() <= LONGEST_PATH
    }

    /// Asks, and shows `row` the fields of each row until it wants no more. Whether all came. `settings` are `name=value&`.
    pub(super) async fn query(
        &mut self,
        question: &Question,
        settings: &str,
        mut row: impl FnMut(&mut dyn Iterator<Item = Option<&[u8]>>) -> bool,
    ) -> Result<bool, Failure> {
        let mark = format!("{:016x}", fastrand::u64(..));
        self.ask(question, settings, &mark).await?;
        let mut lines = Lines::default();
        let mut broken = None;
        while let Some(piece) = self.web.piece().await.map_err(Failure::Store)? {
            let fed = lines.feed(&piece, |line| match unmarked(line, &mark) {
                Some(fields) if broken.is_none() => row(&mut tsv::fields(fields)),
                _ => {
                    broken.get_or_insert_with(|| line.to_vec());
                    false
                }
            });
            if let Some(line) = &broken {
                return Err(self.failure(line));
            }
            match fed {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(tsv::TooLong) => {
                    return Err(Failure::Part("a row is longer than any row can be".to_owned()));
                }
            }
        }
        match lines.begun() {
            [] => Ok(true),
            rest => Err(self.failure(rest)),
        }
    }

    /// Sends a question; a server that takes no settings from this user is asked again without them.
    async fn ask(&mut self, question: &Question, settings: &str, mark: &str) -> Result<(), Failure> {
        loop {
            let request = self.request(question, settings, mark);
            let status = self.web.ask(&request, Again::Yes).await.map_err(Failure::Store)?.status;
            if status == 200 {
                return Ok(());
            }
            let body = self.web.rest(MESSAGE).await.map_err(Failure::Store)?.body;
            if matches!(code(&body), Some(READONLY)) && self.settings && !settings.is_empty() {
                tracing::warn!("{}: this user may set no time limit for its queries", self.login().door);
                self.settings = false;
                continue;
            }
            return Err(match code(&body) {
                None => Failure::Store(StoreError::Answer(format!(
                    "{}: HTTP {status}, which is not how ClickHouse answers",
                    self.login().door
                ))),
                Some(_) => self.failure(&body),
            });
        }
    }

    /// Asks for rows, which are kept in memory: for the catalogue.
    pub(super) async fn catalogue(&mut self, question: &Question) -> Result<Vec<Fields>, Failure> {
        let mut answer = Vec::new();
        self.query(question, "", |fields| {
            let mut room = Vec::new();
            answer.push(
                fields.map(|field| field.map(|field| tsv::unescape(field, &mut room).to_vec())).collect(),
            );
            true
        })
        .await?;
        Ok(answer)
    }

    /// What a failure means, by its code alone: the text may quote values.
    /// <https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp>
    fn failure(&self, text: &[u8]) -> Failure {
        let Login { door, user, .. } = self.login();
        let who = format!("{door}, user {}", user.as_deref().unwrap_or("default"));
        let denied = |why: &str| Failure::Store(StoreError::Denied(format!("{who}: {why}")));
        match code(text) {
            // Unknown table, column or identifier.
            Some(60 | 16 | 47) => Failure::Changed,
            Some(194) => denied("a password is demanded, and none is given (CLICKHOUSE_PASSWORD)"),
            Some(192 | 193 | 516) => denied("the login is refused"),
            Some(195) => denied("this user may not log in from this address"),
            Some(291 | 497) => Failure::Part("this user has no right to read it".to_owned()),
            Some(159 | 160) => Failure::Part("the server did not finish within the time limit".to_owned()),
            Some(241) => Failure::Part("the server has not enough memory for it".to_owned()),
            Some(code) => Failure::Part(format!("the server refuses (code {code})")),
            None => Failure::Store(StoreError::Answer(format!(
                "{who}: an answer that is no row ({} bytes)",
                text.len()
            ))),
        }
    }
}

/// A setting cannot be changed, or something would write.
const READONLY: u16 = 164;

/// The code in `Code: 60, e.displayText() = DB::Exception: ...`, wherever the text begins.
fn code(text: &[u8]) -> Option<u16> {
    let begin = memchr::memmem::find(text, b"Code: ")?;
    let digits = excerpt(text.get(begin + 6..)?.get(..5)?);
    digits.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// The fields of a row between its marks.
fn unmarked<'l>(line: &'l [u8], mark: &str) -> Option<&'l [u8]> {
    let inner = line.strip_prefix(mark.as_bytes())?.strip_suffix(mark.as_bytes())?;
    inner.strip_prefix(b"\t")?.strip_suffix(b"\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_among_the_rows_is_no_row() {
        assert_eq!(unmarked(b"m1\ta\tb\tm1", "m1"), Some(&b"a\tb"[..]));
        assert_eq!(unmarked(b"m1\t\tm1", "m1"), Some(&b""[..]));
        for broken in
            [&b"m1\ta"[..], b"Code: 241, e.displayText() = DB::Exception", b"m1\taCode: 241", b"m1", b"m1m1"]
        {
            assert_eq!(unmarked(broken, "m1"), None);
        }
        assert_eq!(code(b"m1\taCode: 241. DB::Exception"), Some(241));
        assert_eq!(code(b"Code: 60, e.displayText()"), Some(60));
        assert_eq!(code(b"<html>"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_without_panic(line: Vec<u8>) {
            let _ = unmarked(&line, "00ff00ff00ff00ff");
            let _ = code(&[b"Code: ", line.as_slice()].concat());
        }
    }
}
