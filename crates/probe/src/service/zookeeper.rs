//! Apache ZooKeeper: four-letter words
//! (<https://zookeeper.apache.org/doc/current/zookeeperAdmin.html#sc_zkCommands>), then the client protocol
//! (<https://github.com/apache/zookeeper/blob/master/zookeeper-jute/src/main/resources/zookeeper.jute>).
//!
//! `srvr` is answered by every server, and so is the request for a session; a server that refuses other words ("not in
//! the whitelist") may be wide open. What decides is the first operation of a session: how many children has `/`? With
//! SASL demanded it fails. Permissions are not inherited: with `/` refused, what is below may still be read.

use model::{Proof, Proven, Surface, Verdict, excerpt, looks_like_ransom_note};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::cursor::Cursor;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct ZooKeeper;

/// The opening: four bytes that are no beginning of anything else; the end of the line would be one byte too many.
const SRVR: &Words = &Words { name: "zookeeper srvr", bytes: || b"srvr".to_vec(), turn: Some(25) };

const VERSION: &[u8] = b"Zookeeper version: ";
const NOT_SERVING: &[u8] = b"This ZooKeeper instance is not currently serving requests";
const NOT_LISTED: &[u8] = b"srvr is not executed because it is not in the whitelist.";

/// More of an answer is not waited for: how many children there are stands at its start.
const MOST: usize = 64 << 10;
/// How long the session would live without us; the server may make it shorter or longer.
const SESSION_MILLISECONDS: i32 = 4000;

/// The node that every server has for itself.
const OWN: &str = "zookeeper";

const GET_CHILDREN2: i32 = 12;

/// Errors: <https://github.com/apache/zookeeper/blob/master/zookeeper-server/src/main/java/org/apache/zookeeper/KeeperException.java>.
const NO_AUTH: i32 = -102;
const AUTH_FAILED: i32 = -115;
const SESSION_CLOSED_REQUIRE_SASL_AUTH: i32 = -124;

fn frame(body: &[u8]) -> Vec<u8> {
    [&i32::try_from(body.len()).unwrap_or(0).to_be_bytes(), body].concat()
}

/// Asks for a new session: protocol 0, nothing seen yet, no password.
fn connect_request() -> Vec<u8> {
    let mut body = vec![0; 12];
    body.extend(SESSION_MILLISECONDS.to_be_bytes());
    body.extend([0; 8]);
    body.extend(16_i32.to_be_bytes());
    body.extend([0; 16]);
    // A server without the majority of its ensemble may answer, too.
    body.push(1);
    frame(&body)
}

fn children_request(number: i32, path: &str) -> Vec<u8> {
    let mut body = [number.to_be_bytes(), GET_CHILDREN2.to_be_bytes()].concat();
    body.extend(frame(path.as_bytes()));
    // No watch.
    body.push(0);
    frame(&body)
}

/// Ends the session, so that nothing of it is left.
fn close_request() -> Vec<u8> {
    frame(&[9_i32.to_be_bytes(), (-11_i32).to_be_bytes()].concat())
}

/// Length of an answer at the start of `bytes`, of which no more than [`MOST`] is waited for.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let Some(length) = Cursor::new(bytes).i32() else { return Ok(None) };
    let whole = usize::try_from(length).ok().filter(|length| (16..=64 << 20).contains(length));
    let Some(whole) = whole.map(|length| (length + 4).min(MOST)) else {
        return Err(Error::Malformed(format!("not an answer of ZooKeeper: {}", excerpt(bytes))));
    };
    Ok((bytes.len() >= whole).then_some(whole))
}

/// The answer to a word: until the server closes, which it does at once.
fn whole_word(bytes: &[u8]) -> Result<Option<usize>, Error> {
    Ok(bytes.windows(12).any(|part| part == b"\nNode count:").then_some(bytes.len()))
}

/// Whether a session was given: protocol 0, a time, an id.
fn session_given(answer: &[u8]) -> bool {
    let mut cursor = Cursor::new(answer);
    let mut parse = || {
        cursor.i32()?;
        Some((cursor.i32()?, cursor.i32()?, cursor.i64()?))
    };
    parse().is_some_and(|(protocol, milliseconds, id)| protocol == 0 && milliseconds > 0 && id != 0)
}

/// What was told of the children of a node.
#[derive(Debug, PartialEq)]
enum Children {
    Told { count: u64, own: bool, ransom: u64 },
    Refused(i32),
}

fn children(answer: &[u8], number: i32) -> Option<Children> {
    let mut cursor = Cursor::new(answer);
    cursor.i32()?;
    let answered = cursor.i32()?;
    cursor.i64()?;
    match cursor.i32()? {
        // The answer to something else.
        _ if answered != number => None,
        0 => {
            let count = u64::try_from(cursor.i32()?).unwrap_or(0);
            let (mut own, mut ransom) = (false, 0);
            // In a long answer the last names may be missing.
            for name in (0..count).map_while(|_| cursor.long()) {
                let name = String::from_utf8_lossy(name);
                own |= name == OWN;
                ransom += u64::from(looks_like_ransom_note(&name));
            }
            Some(Children::Told { count, own, ransom })
        }
        error => Some(Children::Refused(error)),
    }
}

/// Version and number of nodes from the answer to `srvr`. A build may have added a revision to the version.
fn facts(answer: &[u8]) -> (Option<String>, Option<u64>) {
    let text = String::from_utf8_lossy(answer);
    let version =
        text.strip_prefix("Zookeeper version: ").and_then(|rest| rest.split([',', '-', '\n']).next());
    let nodes = text.lines().find_map(|line| line.strip_prefix("Node count: ")?.trim().parse().ok());
    (version.filter(|version| !version.is_empty()).map(|version| excerpt(version.trim().as_bytes())), nodes)
}

/// What is told to everyone. A server that does not say it can be judged all the same.
async fn ask_word(session: &mut Session) -> Result<Vec<u8>, Error> {
    let mut conn = session.connect().await?;
    conn.send(&(SRVR.bytes)()).await?;
    let answer = match conn.message(session.patience.min(std::time::Duration::from_secs(2)), whole_word).await
    {
        Ok(answer) => answer,
        Err(Error::Ended | Error::Reset | Error::Quiet) => {
            let length = conn.received().len();
            conn.take(length)
        }
        Err(error) => return Err(error),
    };
    session.note_plain("srvr", &answer, conn.is_tls());
    Ok(answer)
}

async fn ask_children(
    session: &mut Session,
    conn: &mut Conn,
    number: i32,
    path: &str,
) -> Result<Children, Error> {
    conn.send(&children_request(number, path)).await?;
    let answer = conn.message(session.patience, complete).await?;
    let told = children(&answer, number)
        .ok_or_else(|| Error::Malformed("an answer to getChildren2 that cannot be read".to_owned()))?;
    let received = match &told {
        Children::Told { count, .. } => format!("{count} children"),
        Children::Refused(error) => format!("error {error}"),
    };
    session.note(format!("getChildren2 {path}"), received, &answer, conn.is_tls());
    Ok(told)
}

/// The verdict on `/`; none where what is below must be asked for.
fn conclude(root: &Children) -> Option<Judgement> {
    let protected = |reason| Some(Judgement::of(Verdict::Protected, reason));
    match root {
        Children::Told { count, own, ransom } => {
            let mut judgement = Judgement::of(Verdict::Open, "nodes are listed without a login")
                .count("top nodes", Some(count.saturating_sub(u64::from(*own))));
            judgement.ransom_names = *ransom;
            Some(judgement)
        }
        Children::Refused(NO_AUTH) => None,
        Children::Refused(SESSION_CLOSED_REQUIRE_SASL_AUTH) => protected("a SASL login is demanded"),
        Children::Refused(AUTH_FAILED) => protected("a login is demanded"),
        Children::Refused(error) => {
            Some(Judgement::of(Verdict::Unknown, format!("the nodes were answered with error {error}")))
        }
    }
}

/// With `/` refused: is anything below it told? Its own node is the one whose name is known.
fn below(own: Result<Children, Error>) -> Judgement {
    let mut judgement = Judgement::default();
    judgement.surfaces.push(Surface::new("/", Verdict::Protected, "permissions refuse / to strangers"));
    let (verdict, reason) = match own {
        Ok(Children::Told { .. }) => (
            Verdict::OpenPartial,
            "permissions refuse / to strangers, but are not inherited: /zookeeper is told, and so are nodes whose \
             names are known and that have no permissions of their own",
        ),
        Ok(Children::Refused(_)) => {
            (Verdict::Protected, "permissions refuse / and /zookeeper to strangers; they are not inherited")
        }
        Err(_) => (Verdict::Protected, "permissions refuse / to strangers; they are not inherited"),
    };
    judgement.surfaces.push(Surface::new("/zookeeper", verdict, reason));
    judgement
}

async fn ask_nodes(session: &mut Session) -> Result<Judgement, Error> {
    let mut conn = session.connect().await?;
    conn.send(&connect_request()).await?;
    let answer = conn.message(session.patience, complete).await?;
    if !session_given(&answer) {
        session.note_plain("ConnectRequest", &answer, conn.is_tls());
        return Ok(Judgement::of(Verdict::Unknown, "no session was given"));
    }
    session.note("ConnectRequest", "a session", &answer, conn.is_tls());
    let root = ask_children(session, &mut conn, 1, "/").await?;
    let judgement = match conclude(&root) {
        Some(judgement) => judgement,
        None => below(ask_children(session, &mut conn, 2, "/zookeeper").await),
    };
    // The server closed it already where it demands a login.
    let _ = conn.send(&close_request()).await;
    Ok(judgement)
}

async fn judge(session: &mut Session) -> Result<Judgement, Error> {
    let word = ask_word(session).await?;
    let (version, nodes) = facts(&word);
    let judgement = match ask_nodes(session).await {
        Ok(judgement) => judgement,
        Err(Error::Ended | Error::Reset) if word.starts_with(NOT_SERVING) => {
            Judgement::of(Verdict::Unknown, "it serves nobody at the moment")
        }
        Err(error) => return Err(error),
    };
    let open = judgement.worst().is_some_and(|worst| worst.verdict == Verdict::Open);
    Ok(judgement.version(version).count("nodes", nodes.filter(|_| open)))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "3.8 to 3.9"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "3.8 to 3.9"),
    Proven::new(Proof::Real, Verdict::Protected, "3.8 to 3.9"),
];

impl Service for ZooKeeper {
    fn about(&self) -> About<'_> {
        About {
            id: "zookeeper",
            product: "Apache ZooKeeper",
            ports: &[2181, 2281],
            openings: &[Opening::Say(SRVR)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        reply.opening == Opening::Say(SRVR)
            && [VERSION, NOT_SERVING, NOT_LISTED].iter().any(|start| reply.bytes.starts_with(start))
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        _opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ZooKeeper 3.9.3.
    const WORD: &[u8] = b"Zookeeper version: 3.9.3-c26634f34490bb0ea7a09cc51e05ede3b4e320ee, built on 2024-10-17 23:21 UTC\nLatency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 0\nConnections: 1\nOutstanding: 0\nZxid: 0x0\nMode: standalone\nNode count: 5\n";
    const SESSION: &[u8] = b"\x00\x00\x00%\x00\x00\x00\x00\x00\x00\x0f\xa0\x01\x00\x00\xb1\x7f\x9b\x00\x00\x00\x00\x00\x10GOH\xf9\xc8\xbc\x0c\x8f\xfd\xdchzQ\xae\x0f\n\x00";
    const SASL: &[u8] = b"\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\x84";

    fn listed(names: &[&str]) -> Vec<u8> {
        let mut body = b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00".to_vec();
        body.extend(i32::try_from(names.len()).unwrap().to_be_bytes());
        names.iter().for_each(|name| body.extend(frame(name.as_bytes())));
        body.extend([0; 68]);
        frame(&body)
    }

    fn refused(error: i32) -> Vec<u8> {
        frame(&[[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1].as_slice(), &error.to_be_bytes()].concat())
    }

    fn verdict(answer: &[u8]) -> Option<Verdict> {
        assert_eq!(complete(answer).unwrap(), Some(answer.len()));
        conclude(&children(answer, 1).unwrap()).map(|judgement| judgement.worst().unwrap().verdict)
    }

    #[test]
    fn a_word_tells_the_version_and_proves_nothing() {
        assert!(ZooKeeper.recognises(&Reply { opening: Opening::Say(SRVR), bytes: WORD }));
        assert_eq!(facts(WORD), (Some("3.9.3".to_owned()), Some(5)));
        // Debian's build has a placeholder where the revision belongs.
        assert_eq!(
            facts(b"Zookeeper version: 3.8.0-${mvngit.commit.id}, built on x").0,
            Some("3.8.0".to_owned())
        );
        assert_eq!(facts(NOT_LISTED), (None, None));
        assert!(ZooKeeper.recognises(&Reply { opening: Opening::Say(SRVR), bytes: NOT_LISTED }));
        assert!(!ZooKeeper.recognises(&Reply { opening: Opening::Http, bytes: WORD }));
        assert!(
            !ZooKeeper.recognises(&Reply { opening: Opening::Say(SRVR), bytes: b"-ERR unknown command" })
        );
    }

    #[test]
    fn a_session_is_given_to_everyone() {
        assert_eq!(complete(SESSION).unwrap(), Some(SESSION.len()));
        assert!(session_given(SESSION));
        assert!(!session_given(&[0; 41]));
        assert!(!session_given(SESSION.get(..12).unwrap()));
    }

    #[test]
    fn children_of_the_root_are_open_and_its_own_node_is_not_counted() {
        let answer = listed(&["zookeeper", "lab"]);
        assert_eq!(verdict(&answer), Some(Verdict::Open));
        let judgement = conclude(&children(&answer, 1).unwrap()).unwrap();
        assert_eq!(judgement.counts.get("top nodes"), Some(&1));
        assert_eq!(verdict(&listed(&["zookeeper"])), Some(Verdict::Open));
    }

    #[test]
    fn refusals_are_told_apart() {
        assert_eq!(verdict(SASL), Some(Verdict::Protected));
        assert_eq!(verdict(&refused(AUTH_FAILED)), Some(Verdict::Protected));
        // Session expired.
        assert_eq!(verdict(&refused(-112)), Some(Verdict::Unknown));
        // No permission: what is below decides.
        assert_eq!(verdict(&refused(NO_AUTH)), None);
    }

    #[test]
    fn permissions_are_not_inherited() {
        let worst = |own| below(own).worst().unwrap().verdict;
        assert_eq!(worst(Ok(Children::Told { count: 2, own: false, ransom: 0 })), Verdict::OpenPartial);
        assert_eq!(worst(Ok(Children::Refused(NO_AUTH))), Verdict::Protected);
        assert_eq!(worst(Err(Error::Ended)), Verdict::Protected);
    }

    #[test]
    fn the_answer_to_something_else_and_absurd_lengths_are_no_answer() {
        assert_eq!(children(&listed(&["a"]), 2), None);
        assert!(complete(b"\x7f\xff\xff\xff").is_err());
        assert!(complete(b"\xff\xff\xff\xff").is_err());
        assert!(complete(b"HTTP/1.1 400").is_err());
        assert_eq!(complete(SASL.get(..19).unwrap()).unwrap(), None);
        // The start of a long answer is enough to count.
        let mut long = listed(&["a"; 20_000]);
        long.truncate(MOST);
        assert_eq!(complete(&long).unwrap(), Some(MOST));
        assert_eq!(children(&long, 1), Some(Children::Told { count: 20_000, own: false, ransom: 0 }));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
            let _ = whole_word(&bytes);
            let _ = children(&bytes, 1);
            let _ = session_given(&bytes);
            let _ = facts(&bytes);
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = (complete(bytes), whole_word(bytes), session_given(bytes), facts(bytes));
    let number = Cursor::new(bytes.get(4..).unwrap_or_default()).i32().unwrap_or(0);
    let _ = children(bytes, number).map(|told| conclude(&told));
}
