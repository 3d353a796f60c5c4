//! A conversation in SMB 2 and 3, from the greeting to the question whether a share opens.

use net::{Conn, Error, Session};

use crate::codec::netbios;
use crate::codec::ntlm::{self, Who};
use crate::codec::smb2::{self, Answer, Ask, MAY_READ, MAY_WRITE, Place, dialect_name, status};
use crate::codec::srvsvc::{self, List, Share};

/// Answers that say "later" before the answer itself.
const MOST_PENDING: usize = 8;
/// `SMB2_SESSION_FLAG_IS_GUEST` and `SMB2_SESSION_FLAG_IS_NULL`.
pub(crate) const IS_GUEST: u16 = 1;
const IS_NULL: u16 = 2;

/// A conversation with the server.
pub(crate) struct Client<'s> {
    session: &'s mut Session,
    conn: Conn,
    place: Place,
}

impl Client<'_> {
    async fn ask(&mut self, ask: Ask<'_>) -> Result<Answer, Error> {
        self.conn.send(&ask.encode(self.place)).await?;
        let answer = self.answer().await?;
        self.place.message += 1;
        Ok(answer)
    }

    async fn answer(&mut self) -> Result<Answer, Error> {
        for _ in 0..MOST_PENDING {
            let message = self.conn.message(self.session.patience, smb2::complete).await?;
            let answer =
                Answer::read(&message).ok_or_else(|| Error::Malformed("short SMB 2 answer".to_owned()))?;
            if answer.message == self.place.message && answer.status != smb2::PENDING {
                return Ok(answer);
            }
        }
        Err(Error::Malformed("answers to no question".to_owned()))
    }

    fn note(&mut self, sent: impl Into<String>, received: impl Into<String>) {
        let tls = self.conn.is_tls();
        self.session.note(sent, received, &[], tls);
    }

    /// Agrees on a dialect; else the status of the refusal.
    async fn negotiate(&mut self, newest: bool) -> Result<Option<u32>, Error> {
        let answer = self.ask(Ask::Negotiate { newest }).await?;
        let sent = if newest { "NEGOTIATE SMB 3.1.1" } else { "NEGOTIATE SMB 2.0.2 to 3.0.2" };
        if answer.status != smb2::SUCCESS {
            self.note(sent, status(answer.status));
            return Ok(Some(answer.status));
        }
        let (dialect, signed) =
            answer.dialect().ok_or_else(|| Error::Malformed("an answer without a dialect".to_owned()))?;
        let signatures = if signed { "demanded" } else { "not demanded" };
        self.note(sent, format!("dialect {}, signatures {signatures}", dialect_name(dialect)));
        Ok(None)
    }

    /// Logs in. The status, and the flags of the session.
    pub(crate) async fn log_in(&mut self, who: Who) -> Result<(u32, u16), Error> {
        let first = self.ask(Ask::SessionSetup(&ntlm::negotiate())).await?;
        let sent = match who {
            Who::Anonymous => "SESSION_SETUP, NTLM, anonymous".to_owned(),
            Who::MadeUp(name) => format!("SESSION_SETUP, NTLM, made-up user {name}, no password"),
        };
        if first.status != smb2::MORE_PROCESSING {
            self.note(sent, status(first.status));
            // A server that lets in at the first message was not asked for anything yet.
            return Ok((if first.status == 0 { smb2::PENDING } else { first.status }, 0));
        }
        self.place.session = first.session;
        let token = ntlm::authenticate(who, first.token().unwrap_or_default());
        let answer = self.ask(Ask::SessionSetup(&token)).await?;
        let flags = answer.session_flags().unwrap_or_default();
        let named = match (flags & IS_GUEST != 0, flags & IS_NULL != 0) {
            (true, _) => ", a guest",
            (_, true) => ", a null session",
            _ => "",
        };
        self.note(sent, format!("{}, session flags {flags:#06x}{named}", status(answer.status)));
        Ok((answer.status, flags))
    }

    /// Connects to a share: what it grants, or the status of the refusal.
    async fn connect(&mut self, share: &str) -> Result<Result<(u8, u32), u32>, Error> {
        let path = format!("\\\\{}\\{share}", self.session.address().ip());
        self.place.tree = 0;
        let answer = self.ask(Ask::TreeConnect(&path)).await?;
        if answer.status != smb2::SUCCESS {
            return Ok(Err(answer.status));
        }
        self.place.tree = answer.tree;
        Ok(answer.share().ok_or(smb2::PENDING))
    }

    /// The list of shares, or the status of the refusal.
    pub(crate) async fn shares(&mut self) -> Result<Result<Vec<Share>, u32>, Error> {
        let connected = self.connect("IPC$").await?;
        self.note("TREE_CONNECT IPC$", status(connected.err().unwrap_or_default()));
        if let Err(refused) = connected {
            return Ok(Err(refused));
        }
        let opened = self.ask(Ask::OpenPipe(srvsvc::PIPE)).await?;
        let Some(pipe) = opened.file().filter(|_| opened.status == smb2::SUCCESS) else {
            self.note("CREATE srvsvc", status(opened.status));
            return Ok(Err(opened.status));
        };
        let bound = self.call(pipe, &srvsvc::bind()).await?;
        let listed = match bound {
            Ok(answer) if srvsvc::bound(&answer) => self.list(pipe).await?,
            Ok(_) => Err(smb2::NOT_SUPPORTED),
            Err(refused) => Err(refused),
        };
        let told = match &listed {
            Ok(shares) => format!("{} shares", shares.len()),
            Err(refused) => status(*refused),
        };
        self.note("srvsvc NetShareEnumAll", told);
        Ok(listed)
    }

    async fn call(&mut self, pipe: [u8; 16], input: &[u8]) -> Result<Result<Vec<u8>, u32>, Error> {
        let answer = self.ask(Ask::Call { pipe, input }).await?;
        Ok(match answer.status {
            smb2::SUCCESS | smb2::BUFFER_OVERFLOW => Ok(answer.output().unwrap_or_default().to_vec()),
            refused => Err(refused),
        })
    }

    async fn list(&mut self, pipe: [u8; 16]) -> Result<Result<Vec<Share>, u32>, Error> {
        let first = match self.call(pipe, &srvsvc::list_shares()).await? {
            Ok(bytes) => bytes,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut list = List::new(first);
        loop {
            if let Some(end) = list.end() {
                let shares = end.ok_or_else(|| Error::Malformed("no list of shares".to_owned()))?;
                return Ok(shares.map_err(from_service));
            }
            let more = self.ask(Ask::ReadPipe(pipe)).await?;
            if !list.add(more.output().unwrap_or_default()) {
                return Err(Error::Malformed("a list of shares without an end".to_owned()));
            }
        }
    }

    /// Whether a disk share opens, and what may be done in it.
    pub(crate) async fn try_share(&mut self, number: usize, share: &str) -> Result<Access, Error> {
        let mut access = Access::default();
        let (kind, most) = match self.connect(share).await? {
            Ok(granted) => granted,
            Err(refused) => {
                self.note(format!("TREE_CONNECT of disk share {number}"), status(refused));
                return Ok(access);
            }
        };
        self.note(
            format!("TREE_CONNECT of disk share {number}"),
            format!("success, maximal access {most:#010x}"),
        );
        access.connected = true;
        if kind == smb2::DISK && most & MAY_READ != 0 {
            let opened = self.ask(Ask::OpenFolder).await?;
            access.read = opened.status == smb2::SUCCESS;
            let rights = opened.maximal_access().filter(|_| access.read).unwrap_or_default() & most;
            access.write = rights & MAY_WRITE != 0;
            let told = format!("{}, may write: {}", status(opened.status), access.write);
            self.note(format!("CREATE, the folder of disk share {number} for reading"), told);
        }
        Ok(access)
    }
}

/// What a share grants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Access {
    /// The share was entered.
    pub(crate) connected: bool,
    /// Its folder opens for reading.
    pub(crate) read: bool,
    /// It may be written to, too.
    pub(crate) write: bool,
}

/// How a connection begins.
#[derive(Clone, Copy, Default)]
pub(crate) struct Manner {
    /// NetBIOS stands in front.
    pub(crate) netbios: bool,
    /// The newest dialect alone is asked for.
    pub(crate) newest: bool,
}

/// A new connection, negotiated; `Err` in it: the status of the refusal.
pub(crate) async fn meet(session: &mut Session, manner: Manner) -> Result<Result<Client<'_>, u32>, Error> {
    let mut conn = session.connect().await?;
    if manner.netbios {
        conn.send(&netbios::request()).await?;
        let answer = conn.message(session.patience, netbios::complete).await?;
        session.note_plain("NetBIOS session request", &answer, false);
    }
    let mut client = Client { session, conn, place: Place::default() };
    Ok(match client.negotiate(manner.newest).await? {
        None => Ok(client),
        Some(refused) => Err(refused),
    })
}

/// An error of the service (`ERROR_ACCESS_DENIED`) as the status of the same meaning.
fn from_service(code: u32) -> u32 {
    if code == 5 { 0xc000_0022 } else { code }
}
