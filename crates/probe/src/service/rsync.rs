//! The rsync daemon: <https://github.com/RsyncProject/rsync/blob/master/clientserver.c>.
//!
//! The greeting and the list of modules are told to everyone, whatever the modules demand: they are identity. What
//! decides is the answer to the name of a module, and the connection is closed right after it, before any file is
//! asked for. Modules that are not listed stay unknown: names are never guessed.

use model::{Proof, Proven, Surface, Verdict, excerpt};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Reply};

/// The probe.
pub struct Rsync;

/// What every line of the daemon starts with, except modules and the message of the day.
const DAEMON: &[u8] = b"@RSYNCD: ";
/// Our own greeting. A server takes the lower of the two versions; 3.5.0 wants no list of digests with this one.
const GREETING: &str = "@RSYNCD: 31.0\n";
/// Most modules that are entered: each costs a connection, and [`net::VERDICT`] allows eight.
const ENTERED: usize = 6;
/// Longest answer that is waited for.
const LONGEST: usize = 128 << 10;

/// The length of an answer at the start of `bytes`: everything up to the first line of the daemon's own. A message of
/// the day or the list of modules may stand before it.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let mut length = 0_usize;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        length = length.saturating_add(line.len());
        if line.ends_with(b"\n") && (line.starts_with(DAEMON) || line.starts_with(b"@ERROR")) {
            return Ok(Some(length));
        }
    }
    if bytes.len() > LONGEST {
        return Err(Error::Malformed("a list of modules without an end".to_owned()));
    }
    Ok(None)
}

/// The daemon's own line, which ends an answer.
fn last_line(answer: &[u8]) -> &[u8] {
    let answer = answer.strip_suffix(b"\n").unwrap_or(answer);
    answer.rsplit(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// The names in a list of modules: each line is a name, padded with spaces, a tab, and a comment. Lines without a tab
/// belong to the message of the day.
fn modules(answer: &[u8]) -> Vec<String> {
    let lines = answer.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"@"));
    let names = lines.filter_map(|line| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let name = std::str::from_utf8(line.get(..tab)?).ok()?.trim_end();
        let plain = !name.is_empty() && !name.starts_with(' ') && !name.contains(char::is_control);
        plain.then(|| name.to_owned())
    });
    names.collect()
}

/// What became of a module that was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Open,
    Password,
    Address,
    /// A line of the message of the day that looked like a module.
    NoModule,
    Other,
}

/// Reads the answer to the name of a module.
fn entry(answer: &[u8]) -> Entry {
    let line = last_line(answer);
    if line == b"@RSYNCD: OK" {
        Entry::Open
    } else if line.starts_with(b"@RSYNCD: AUTHREQD ") {
        Entry::Password
    } else if line.starts_with(b"@ERROR: access denied to ") {
        Entry::Address
    } else if line.starts_with(b"@ERROR: Unknown module ") {
        Entry::NoModule
    } else {
        Entry::Other
    }
}

/// The doors by what came of them; modules beyond the cap are not passed over in silence.
fn surfaces(listed: usize, entries: &[Entry]) -> Vec<Surface> {
    let entered = |wanted: Entry| entries.iter().filter(|entry| **entry == wanted).count();
    let real = listed.saturating_sub(entered(Entry::NoModule));
    let rest = listed.saturating_sub(entries.len());
    let kinds = [
        ("open modules", Entry::Open, Verdict::Open, "are entered without a login"),
        ("modules with users", Entry::Password, Verdict::Protected, "demand a login"),
        ("modules for other addresses", Entry::Address, Verdict::NetworkRestricted, "refuse this address"),
        ("other modules", Entry::Other, Verdict::Unknown, "gave an answer that decides nothing"),
    ];
    let mut surfaces: Vec<Surface> = kinds
        .iter()
        .map(|(name, kind, verdict, what)| (name, entered(*kind), verdict, what))
        .filter(|(_, count, ..)| *count > 0)
        .map(|(name, count, verdict, what)| {
            Surface::new(*name, *verdict, format!("{count} of {real} listed modules {what}"))
        })
        .collect();
    if rest > 0 {
        let reason = format!("{rest} of {real} listed modules were not tried: {ENTERED} are the most");
        surfaces.push(Surface::new("modules not tried", Verdict::Unknown, reason));
    }
    if surfaces.is_empty() {
        let reason = "no module is listed, and names are never guessed: unlisted ones may be open";
        surfaces.push(Surface::new("modules", Verdict::Unknown, reason));
    }
    surfaces
}

/// Greets over a new or a kept connection, and sends `request`.
async fn ask(session: &mut Session, kept: Option<Conn>, request: &str) -> Result<(Vec<u8>, bool), Error> {
    let mut conn = match kept {
        Some(conn) => conn,
        None => session.connect().await?,
    };
    conn.message(session.patience, complete).await?;
    conn.send(format!("{GREETING}{request}\n").as_bytes()).await?;
    let answer = conn.message(session.patience, complete).await?;
    Ok((answer, conn.is_tls()))
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let kept = opened.conn.filter(|conn| conn.received().starts_with(DAEMON));
    let (list, tls) = ask(session, kept, "#list").await?;
    if last_line(&list) != b"@RSYNCD: EXIT" {
        session.note_plain("#list", &list, tls);
        let reason = format!("the list of modules was answered with {}", excerpt(last_line(&list)));
        return Ok(Judgement::of(Verdict::Unknown, reason));
    }
    let names = modules(&list);
    session.note("#list", format!("{} modules, @RSYNCD: EXIT", names.len()), &list, tls);
    let mut entries = Vec::new();
    for (index, name) in names.iter().take(ENTERED).enumerate() {
        let sent = format!("the name of listed module {}", index + 1);
        let found = match ask(session, None, name).await {
            Ok((answer, tls)) => {
                let found = entry(&answer);
                // A refusal repeats the name, and a challenge is of no use to a reader.
                let shown = match found {
                    Entry::Open => "@RSYNCD: OK",
                    Entry::Password => "@RSYNCD: AUTHREQD",
                    Entry::Address => "@ERROR: access denied",
                    Entry::NoModule => "@ERROR: Unknown module",
                    Entry::Other => "another answer",
                };
                session.note(sent, shown, &answer, tls);
                found
            }
            Err(error @ (Error::Deadline | Error::Budget { .. } | Error::Scope(_))) if entries.is_empty() => {
                return Err(error);
            }
            Err(error) => {
                session.note(sent, error.to_string(), &[], session.secure);
                Entry::Other
            }
        };
        entries.push(found);
    }
    let listed = names.len() - entries.iter().filter(|entry| **entry == Entry::NoModule).count();
    let judgement = Judgement { surfaces: surfaces(names.len(), &entries), ..Judgement::default() };
    Ok(judgement.count("modules", Some(listed as u64)))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "3.5.0"),
    Proven::new(Proof::Real, Verdict::Protected, "3.5.0"),
    Proven::new(Proof::Real, Verdict::NetworkRestricted, "3.5.0"),
    Proven::new(Proof::Real, Verdict::Unknown, "3.5.0, with modules that are not listed"),
];

impl Service for Rsync {
    fn about(&self) -> About<'_> {
        About {
            id: "rsync",
            product: "rsync",
            ports: &[873],
            openings: &[Opening::Listen],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        // It greets first, also inside TLS, where HTTP is said at once.
        reply.bytes.strip_prefix(DAEMON).is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
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

    const LIST: &[u8] = b"pub            \tlab module\n@RSYNCD: EXIT\n";

    fn verdicts(listed: usize, entries: &[Entry]) -> Vec<Verdict> {
        surfaces(listed, entries).iter().map(|surface| surface.verdict).collect()
    }

    #[test]
    fn a_list_ends_with_the_daemons_own_line() {
        assert_eq!(complete(LIST).unwrap(), Some(LIST.len()));
        assert_eq!(complete(&LIST[..LIST.len() - 1]).unwrap(), None);
        assert_eq!(complete(b"@ERROR: protocol startup error\nmore").unwrap(), Some(31));
        assert!(complete(&vec![b'x'; LONGEST + 1]).is_err());
    }

    #[test]
    fn a_message_of_the_day_is_no_module() {
        let list = b"Welcome to the mirror\n\n  *\tbe kind\npub            \tlab module\na longer name than usual\t\n@RSYNCD: EXIT\n";
        assert_eq!(modules(list), ["pub", "a longer name than usual"]);
        assert_eq!(modules(b"@RSYNCD: EXIT\n"), Vec::<String>::new());
        assert_eq!(modules(b"a\rb\tc\n\xff\xfe\tc\n@RSYNCD: EXIT\n"), Vec::<String>::new());
    }

    #[test]
    fn only_ok_is_open() {
        assert_eq!(entry(b"@RSYNCD: OK\n"), Entry::Open);
        assert_eq!(entry(b"welcome\n@RSYNCD: OK\n"), Entry::Open);
        assert_eq!(entry(b"@RSYNCD: AUTHREQD uCyK3963NnlpSS8xdNlqDg\n"), Entry::Password);
        assert_eq!(entry(b"@ERROR: access denied to pub from UNDETERMINED (127.0.0.1)\n"), Entry::Address);
        assert_eq!(entry(b"@ERROR: Unknown module 'nosuch'\n"), Entry::NoModule);
        assert_eq!(entry(b"@ERROR: max connections (4) reached -- try again later\n"), Entry::Other);
        assert_eq!(entry(b"@RSYNCD: OKAY\n"), Entry::Other);
    }

    #[test]
    fn what_was_not_tried_is_not_clean() {
        assert_eq!(verdicts(2, &[Entry::Password, Entry::Open]), [Verdict::Open, Verdict::Protected]);
        assert_eq!(verdicts(9, &[Entry::Password; ENTERED]), [Verdict::Protected, Verdict::Unknown]);
        assert_eq!(verdicts(0, &[]), [Verdict::Unknown]);
        assert_eq!(verdicts(1, &[Entry::NoModule]), [Verdict::Unknown]);
    }

    #[test]
    fn a_greeting_is_recognised_and_something_like_it_is_not() {
        let recognised = |bytes: &[u8]| Rsync.recognises(&Reply { opening: Opening::Listen, bytes });
        assert!(recognised(b"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n"));
        assert!(!recognised(b"@RSYNCD: OK\n") && !recognised(b"@RSYNC") && !recognised(b""));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
            let _ = entry(&bytes);
            let _ = surfaces(modules(&bytes).len(), &[]);
        }
    }
}
