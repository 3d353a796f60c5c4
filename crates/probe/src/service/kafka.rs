//! Apache Kafka: <https://kafka.apache.org/protocol.html>.
//!
//! ApiVersions is answered before any login, so it proves nothing. SaslHandshake with a mechanism that does not exist
//! tells whether the listener demands a login, without trying one: error 33 and the mechanisms, or error 34. What a
//! stranger may do is asked with Metadata for all topics (never by name: old brokers create what they are asked for)
//! and comes as bits of permitted operations, so that no record has to be fetched. A listener of the controllers has
//! no Metadata; DescribeCluster tells the same there.
//!
//! Brokers tell the addresses of the others. They are counted; nothing is ever connected to them.

use model::{Proof, Proven, Verdict, excerpt, looks_like_ransom_note};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::cursor::Cursor;
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Kafka;

const METADATA: i16 = 3;
const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const DESCRIBE_QUORUM: i16 = 55;
const DESCRIBE_CLUSTER: i16 = 60;

/// Told back by the server at the start of its answer.
const CORRELATION: [u8; 4] = *b"wtka";
const CLIENT: &[u8] = b"watertight";
/// A mechanism that does not exist.
const MECHANISM: &[u8] = b"WATERTIGHT";

/// Metadata is read up to here: what a stranger may do shows long before the last topic of a large cluster.
const MOST: usize = 512 << 10;

const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
const ILLEGAL_SASL_STATE: i16 = 34;

/// Bits of permitted operations:
/// <https://github.com/apache/kafka/blob/trunk/clients/src/main/java/org/apache/kafka/common/acl/AclOperation.java>.
const MAY_READ: u32 = 1 << 3;
const MAY_CREATE: u32 = 1 << 5;
const MAY_ALTER: u32 = 1 << 7;

/// The opening: ApiVersions 0, which every version answers.
const OPEN: &Words =
    &Words { name: "kafka ApiVersions", bytes: || request(API_VERSIONS, 0, false, &[]), turn: Some(24) };

/// A request: its length, its header, its body. `flexible`: with the header of newer versions.
fn request(key: i16, version: i16, flexible: bool, body: &[u8]) -> Vec<u8> {
    let mut bytes = [key.to_be_bytes(), version.to_be_bytes()].concat();
    bytes.extend(CORRELATION);
    bytes.extend(short(CLIENT));
    if flexible {
        bytes.push(0);
    }
    bytes.extend(body);
    let length = i32::try_from(bytes.len()).unwrap_or(0).to_be_bytes();
    [&length, bytes.as_slice()].concat()
}

fn short(text: &[u8]) -> Vec<u8> {
    [&i16::try_from(text.len()).unwrap_or(0).to_be_bytes(), text].concat()
}

/// Length of an answer at the start of `bytes`, of which no more than `most` is waited for.
fn framed(bytes: &[u8], most: usize) -> Result<Option<usize>, Error> {
    let mut cursor = Cursor::new(bytes);
    let Some(length) = cursor.i32() else { return Ok(None) };
    let Some(correlation) = cursor.take(4) else { return Ok(None) };
    if length < 4 || correlation != CORRELATION {
        return Err(Error::Malformed(format!("not an answer of Kafka: {}", excerpt(bytes))));
    }
    let whole = usize::try_from(length).unwrap_or(0).saturating_add(4).min(most);
    Ok((bytes.len() >= whole).then_some(whole))
}

/// A short answer, whole.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    framed(bytes, 64 << 10)
}

/// The rest of an answer after its length and its correlation.
fn body(answer: &[u8]) -> Cursor<'_> {
    Cursor::new(answer.get(8..).unwrap_or_default())
}

/// Requests that the server answers: key, lowest and highest version.
#[derive(Debug, PartialEq)]
struct Apis(Vec<(i16, i16, i16)>);

impl Apis {
    fn has(&self, key: i16, version: i16) -> bool {
        self.0.iter().any(|(known, low, high)| *known == key && (*low..=*high).contains(&version))
    }

    /// The best of some versions.
    fn best(&self, key: i16, versions: &[i16]) -> Option<i16> {
        versions.iter().copied().find(|version| self.has(key, *version))
    }
}

fn apis(answer: &[u8]) -> Option<Apis> {
    let mut cursor = body(answer);
    if cursor.i16()? != 0 {
        return None;
    }
    let count = cursor.elements(6)?;
    let list: Option<Vec<_>> =
        (0..count).map(|_| Some((cursor.i16()?, cursor.i16()?, cursor.i16()?))).collect();
    list.filter(|_| cursor.left() == 0).map(Apis)
}

/// Error and mechanisms of an answer to SaslHandshake.
fn mechanisms(answer: &[u8]) -> Option<(i16, Vec<String>)> {
    let mut cursor = body(answer);
    let error = cursor.i16()?;
    let count = cursor.elements(2)?.min(16);
    let names: Option<Vec<String>> = (0..count).map(|_| cursor.short().map(excerpt)).collect();
    Some((error, names?))
}

/// What Metadata told.
#[derive(Debug, Default, PartialEq)]
struct Metadata {
    brokers: u64,
    topics: u64,
    partitions: u64,
    /// Topics that a stranger may read, where the version tells it.
    readable: u64,
    /// Topics that are refused.
    refused: u64,
    ransom_names: u64,
    /// Whether operations are told: from version 8.
    rights_told: bool,
    /// What a stranger may do with the cluster, where it is told.
    cluster: Option<u32>,
}

/// Parses the answer to Metadata of version 1, 4 or 8, or the start of a long one.
fn metadata(answer: &[u8], version: i16) -> Option<Metadata> {
    let announced = usize::try_from(Cursor::new(answer).i32()?).ok()?;
    let whole = answer.len() >= announced.saturating_add(4);
    let mut cursor = body(answer);
    if version >= 3 {
        cursor.i32()?;
    }
    let brokers = cursor.elements(12)?;
    for _ in 0..brokers {
        cursor.i32()?;
        cursor.short()?;
        cursor.i32()?;
        cursor.short()?;
    }
    if version >= 2 {
        cursor.short()?;
    }
    cursor.i32()?;
    let topics = usize::try_from(cursor.i32()?).unwrap_or(0);
    if topics > announced / 9 {
        return None;
    }
    let mut told = Metadata {
        brokers: brokers as u64,
        topics: topics as u64,
        rights_told: version >= 8,
        ..Metadata::default()
    };
    for _ in 0..topics {
        if topic(&mut cursor, version, &mut told).is_none() {
            return (!whole).then_some(told);
        }
    }
    if version >= 8 {
        told.cluster = rights(cursor.i32());
        return (told.cluster.is_some() || !whole).then_some(told);
    }
    Some(told)
}

fn topic(cursor: &mut Cursor<'_>, version: i16, told: &mut Metadata) -> Option<()> {
    let error = cursor.i16()?;
    let name = cursor.short()?;
    let internal = cursor.u8()? != 0;
    let mut partitions = 0;
    for _ in 0..cursor.elements(18)? {
        cursor.take(10)?;
        if version >= 7 {
            cursor.i32()?;
        }
        let lists = if version >= 5 { 3 } else { 2 };
        for _ in 0..lists {
            let replicas = cursor.elements(4)?;
            cursor.take(replicas.checked_mul(4)?)?;
        }
        partitions += 1;
    }
    let rights = if version >= 8 { rights(Some(cursor.i32()?)) } else { None };
    told.partitions += partitions;
    told.refused += u64::from(error == TOPIC_AUTHORIZATION_FAILED);
    told.readable += u64::from(error == 0 && rights.is_some_and(|rights| rights & MAY_READ != 0));
    let ransom = !internal && looks_like_ransom_note(&String::from_utf8_lossy(name));
    told.ransom_names += u64::from(ransom);
    Some(())
}

/// The smallest number means "not told".
fn rights(told: Option<i32>) -> Option<u32> {
    told.filter(|told| *told != i32::MIN).map(i32::cast_unsigned)
}

fn conclude(told: &Metadata) -> Judgement {
    let administers = told.cluster.is_some_and(|rights| rights & (MAY_CREATE | MAY_ALTER) != 0);
    let (verdict, reason) = if told.brokers == 0 {
        // What a listener with SASL says in the middle of a login.
        (Verdict::Unknown, "an answer without any broker, which decides nothing")
    } else if told.readable > 0 {
        (Verdict::Open, "topics are read without a login")
    } else if administers {
        (Verdict::Open, "the cluster is administered without a login")
    } else if told.topics > told.refused && !told.rights_told {
        (Verdict::Open, "topics are listed without a login")
    } else if told.topics > told.refused {
        (Verdict::OpenPartial, "topics are listed without a login, but reading them is refused")
    } else if told.topics > 0 {
        (Verdict::OpenPartial, "names of topics are told to strangers, but the topics are refused")
    } else {
        (Verdict::OpenPartial, "the brokers are told without a login; topics are hidden, or there are none")
    };
    let mut judgement = Judgement::of(verdict, reason).count("brokers", Some(told.brokers));
    if verdict.is_open() {
        judgement = judgement.count("topics", Some(told.topics)).count("partitions", Some(told.partitions));
    }
    judgement.ransom_names = told.ransom_names;
    judgement
}

/// What a listener of the controllers lets a stranger do with the cluster: error and operations of DescribeCluster 1.
fn controllers(answer: &[u8]) -> Option<(i16, Option<u32>)> {
    // The header of newer versions ends with a count of tagged fields, which is 0.
    let mut cursor = body(answer);
    cursor.u8().filter(|tags| *tags == 0)?;
    cursor.i32()?;
    let error = cursor.i16()?;
    // The operations are the last field before the tags, whatever comes in between.
    let rest = cursor.take(cursor.left())?;
    let operations = rest.last_chunk::<5>().filter(|end| end.last() == Some(&0))?;
    Some((error, rights(Cursor::new(operations).i32())))
}

/// Whether the listener demands a login.
enum Listener {
    Sasl(Vec<String>),
    Plain,
    Undecided(String),
}

async fn handshake(session: &mut Session, conn: &mut Conn, apis: &Apis) -> Result<Listener, Error> {
    let Some(version) = apis.best(SASL_HANDSHAKE, &[1, 0]) else { return Ok(Listener::Plain) };
    conn.send(&request(SASL_HANDSHAKE, version, false, &short(MECHANISM))).await?;
    let sent = "SaslHandshake with a mechanism that does not exist";
    let answer = match conn.message(session.patience, complete).await {
        Ok(answer) => answer,
        Err(Error::Ended | Error::Reset) => {
            return Ok(Listener::Undecided("closes the connection at SaslHandshake".to_owned()));
        }
        Err(error) => return Err(error),
    };
    let Some((error, names)) = mechanisms(&answer) else {
        return Err(Error::Malformed(format!("an answer to SaslHandshake: {}", excerpt(&answer))));
    };
    session.note(sent, format!("error {error}, {}", names.join(" ")), &answer, conn.is_tls());
    Ok(match error {
        UNSUPPORTED_SASL_MECHANISM => Listener::Sasl(names),
        ILLEGAL_SASL_STATE => Listener::Plain,
        other => Listener::Undecided(format!("answers SaslHandshake with error {other}")),
    })
}

async fn ask_metadata(session: &mut Session, version: i16) -> Result<Judgement, Error> {
    let mut body = (-1_i32).to_be_bytes().to_vec();
    // Never create a topic; tell what may be done with the cluster and with each topic.
    match version {
        8 => body.extend([0, 1, 1]),
        4 => body.push(0),
        _ => {}
    }
    let mut conn = session.connect().await?;
    conn.send(&request(METADATA, version, false, &body)).await?;
    let answer = conn.message(session.patience, |bytes| framed(bytes, MOST)).await?;
    let told = metadata(&answer, version)
        .ok_or_else(|| Error::Malformed("an answer to Metadata that cannot be read".to_owned()))?;
    session.note(
        format!("Metadata {version} for all topics"),
        format!("{} brokers, {} topics, may read {}", told.brokers, told.topics, told.readable),
        &answer,
        conn.is_tls(),
    );
    Ok(conclude(&told))
}

async fn ask_controllers(session: &mut Session) -> Result<Judgement, Error> {
    let mut conn = session.connect().await?;
    // Tell the permitted operations; an endpoint of controllers is meant; no tags.
    conn.send(&request(DESCRIBE_CLUSTER, 1, true, &[1, 2, 0])).await?;
    let answer = conn.message(session.patience, complete).await?;
    let (error, rights) = controllers(&answer)
        .ok_or_else(|| Error::Malformed("an answer to DescribeCluster that cannot be read".to_owned()))?;
    let may = rights.map_or_else(|| "not told".to_owned(), |rights| format!("{rights:#x}"));
    session.note(
        "DescribeCluster 1 for the controllers",
        format!("error {error}, permitted operations {may}"),
        &answer,
        conn.is_tls(),
    );
    let administers = rights.is_some_and(|rights| rights & (MAY_CREATE | MAY_ALTER) != 0);
    Ok(match error {
        0 if administers => {
            Judgement::of(Verdict::Open, "controllers: the cluster is administered without a login")
        }
        0 => Judgement::of(
            Verdict::OpenPartial,
            "controllers: the cluster is described without a login, its administration is refused",
        ),
        // CLUSTER_AUTHORIZATION_FAILED.
        31 => Judgement::of(Verdict::Protected, "controllers: strangers are refused"),
        other => Judgement::of(Verdict::Unknown, format!("controllers: answered with error {other}")),
    })
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let mut conn = match opened.conn {
        // Its answer to ApiVersions is still there to be read.
        Some(conn) => conn,
        None => {
            let mut conn = session.connect().await?;
            conn.send(&(OPEN.bytes)()).await?;
            conn
        }
    };
    let answer = conn.message(session.patience, complete).await?;
    let apis = apis(&answer).ok_or_else(|| Error::Malformed("an answer to ApiVersions".to_owned()))?;
    session.note("ApiVersions 0", format!("{} requests are known", apis.0.len()), &answer, conn.is_tls());
    let listener = handshake(session, &mut conn, &apis).await?;
    drop(conn);
    if let Listener::Sasl(names) = listener {
        let names = names.join(", ");
        return Ok(Judgement::of(Verdict::Protected, format!("a SASL login is demanded ({names})")));
    }
    let asked = match apis.best(METADATA, &[8, 4, 1]) {
        Some(version) => ask_metadata(session, version).await,
        None if apis.has(DESCRIBE_CLUSTER, 1) => ask_controllers(session).await,
        None => return Ok(Judgement::of(Verdict::Unknown, "a listener of controllers that tells nothing")),
    };
    match (asked, listener) {
        (Err(Error::Ended | Error::Reset), Listener::Undecided(why)) => {
            Ok(Judgement::of(Verdict::Unknown, format!("{why}, and at the question for the topics, too")))
        }
        (asked, _) => asked,
    }
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "3.9.1"),
    Proven::new(Proof::Real, Verdict::Open, "4.0.0"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "3.9.1 with an authorizer"),
    Proven::new(Proof::Real, Verdict::Protected, "3.9.1"),
    Proven::new(Proof::Real, Verdict::Protected, "4.0.0"),
];

impl Service for Kafka {
    fn about(&self) -> About<'_> {
        About {
            id: "kafka",
            product: "Apache Kafka",
            ports: &[9092, 9093, 9094],
            openings: &[Opening::Say(OPEN)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        reply.opening == Opening::Say(OPEN)
            && matches!(complete(reply.bytes), Ok(Some(length)) if length == reply.bytes.len())
            && apis(reply.bytes).is_some_and(|apis| {
                apis.has(API_VERSIONS, 0)
                    && (apis.best(METADATA, &[8, 4, 1]).is_some() || apis.has(DESCRIBE_QUORUM, 0))
            })
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

    fn reply(rest: &[u8]) -> Vec<u8> {
        let body = [&CORRELATION, rest].concat();
        [&i32::try_from(body.len()).unwrap().to_be_bytes(), body.as_slice()].concat()
    }

    /// The start of what Kafka 3.9.1 supports.
    fn supported(list: &[(i16, i16, i16)]) -> Vec<u8> {
        let mut body = vec![0, 0];
        body.extend(i32::try_from(list.len()).unwrap().to_be_bytes());
        for (key, low, high) in list {
            [key, low, high].iter().for_each(|number| body.extend(number.to_be_bytes()));
        }
        reply(&body)
    }

    const BROKER: &[u8] =
        b"\0\0\0\x01\0\x09127.0.0.1\0\0\x81\xb0\xff\xff\0\x16AAAAAAAAAAAAAAAAAAAAAQ\0\0\0\x01";

    /// Metadata 8 of one broker; topics with error, name, partitions and rights; the rights of the cluster.
    fn told(topics: &[(i16, &str, u32)], cluster: u32) -> Vec<u8> {
        let mut body = [b"\0\0\0\0\0\0\0\x01", BROKER].concat();
        body.extend(i32::try_from(topics.len()).unwrap().to_be_bytes());
        for (error, name, rights) in topics {
            body.extend(error.to_be_bytes());
            body.extend(short(name.as_bytes()));
            // Not internal; one partition: error, number, leader, epoch, a replica, in sync, none offline.
            body.extend(
                b"\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\0",
            );
            body.extend(rights.to_be_bytes());
        }
        body.extend(cluster.to_be_bytes());
        reply(&body)
    }

    fn verdict(answer: &[u8], version: i16) -> Verdict {
        assert_eq!(framed(answer, MOST).unwrap(), Some(answer.len()));
        conclude(&metadata(answer, version).unwrap()).worst().unwrap().verdict
    }

    #[test]
    fn what_everyone_is_told_identifies_and_nothing_else_does() {
        let say = |bytes: &[u8]| Kafka.recognises(&Reply { opening: Opening::Say(OPEN), bytes });
        assert!(say(&supported(&[(0, 0, 11), (3, 0, 12), (17, 0, 1), (18, 0, 4)])));
        // A listener of controllers.
        assert!(say(&supported(&[(17, 0, 1), (18, 0, 4), (55, 0, 2), (60, 0, 1)])));
        assert!(!say(&supported(&[(18, 0, 4)])));
        assert!(!say(b"\0\0\0\x0aHTTP/1.1"));
        let other = supported(&[(3, 0, 12), (18, 0, 4)]);
        assert!(!Kafka.recognises(&Reply { opening: Opening::Http, bytes: &other }));
        assert_eq!((OPEN.bytes)(), b"\0\0\0\x14\0\x12\0\0wtka\0\x0awatertight");
    }

    /// Recorded from 3.9.1: an empty cluster without an authorizer.
    #[test]
    fn an_empty_cluster_that_strangers_may_administer_is_open() {
        assert_eq!(verdict(&told(&[], 0x1fa0), 8), Verdict::Open);
    }

    #[test]
    fn rights_decide_not_names() {
        let (all, describe) = (0x0df8, 1 << 8);
        assert_eq!(verdict(&told(&[(0, "orders", all)], 0), 8), Verdict::Open);
        assert_eq!(verdict(&told(&[(0, "orders", describe)], describe), 8), Verdict::OpenPartial);
        assert_eq!(verdict(&told(&[(29, "orders", 0)], 0), 8), Verdict::OpenPartial);
        // An authorizer leaves out what a stranger may not see: no topics are not an empty cluster.
        assert_eq!(verdict(&told(&[], 0), 8), Verdict::OpenPartial);
        let counted = conclude(&metadata(&told(&[(0, "orders", all), (0, "b", 0)], 0), 8).unwrap());
        assert_eq!((counted.counts.get("topics"), counted.counts.get("partitions")), (Some(&2), Some(&2)));
    }

    /// Recorded from 3.9.1: Metadata 4 in the middle of a SASL handshake.
    #[test]
    fn an_answer_without_brokers_is_not_an_open_and_empty_cluster() {
        let answer = reply(b"\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\0\0\0\0");
        assert_eq!(verdict(&answer, 4), Verdict::Unknown);
    }

    #[test]
    fn older_versions_tell_topics_without_rights() {
        let mut body = [b"\0\0\0\0\0\0\0\x01", BROKER, b"\0\0\0\x01\0\0\0\x01a\0\0\0\0\x01"].concat();
        body.extend(b"\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01");
        assert_eq!(verdict(&reply(&body), 4), Verdict::Open);
        let none = [b"\0\0\0\0\0\0\0\x01", BROKER, b"\0\0\0\0"].concat();
        assert_eq!(verdict(&reply(&none), 4), Verdict::OpenPartial);
    }

    /// Both recorded from 3.9.1, but for the correlation.
    #[test]
    fn a_handshake_tells_whether_a_login_is_demanded() {
        assert_eq!(
            mechanisms(&reply(b"\0\x21\0\0\0\x01\0\x05PLAIN")),
            Some((UNSUPPORTED_SASL_MECHANISM, vec!["PLAIN".to_owned()]))
        );
        assert_eq!(mechanisms(&reply(b"\0\x22\0\0\0\0")), Some((ILLEGAL_SASL_STATE, Vec::new())));
        assert_eq!(mechanisms(&reply(b"\0\x21\x7f\xff\xff\xff")), None);
    }

    /// Recorded from 3.9.1, but for the correlation.
    #[test]
    fn controllers_tell_what_a_stranger_may_do() {
        let open = b"\0\0\0\0\0\0\0\0\x02\x17AAAAAAAAAAAAAAAAAAAAAQ\0\0\0\x01\x02\0\0\0\x01\n127.0.0.1\0\0\x81\xb1\0\0\0\0\x1f\xa0\0";
        assert_eq!(controllers(&reply(open)), Some((0, Some(0x1fa0))));
        let wrong = b"\0\0\0\0\0\0raThe request was sent to an endpoint of type BROKER\x01\x01\xff\xff\xff\xff\x01\x80\0\0\0\0";
        assert_eq!(controllers(&reply(wrong)), Some((0x72, None)));
        assert_eq!(controllers(&reply(b"\0\0\0\0\0\0\0")), None);
    }

    #[test]
    fn the_start_of_a_large_answer_is_enough_and_half_a_small_one_is_not() {
        let topics = vec![(0, "a-topic-with-a-name", 0x0df8); 20_000];
        let mut answer = told(&topics, 0);
        answer.truncate(MOST);
        assert_eq!(framed(&answer, MOST).unwrap(), Some(MOST));
        let told_in_part = metadata(&answer, 8).unwrap();
        assert_eq!((told_in_part.topics, told_in_part.cluster), (20_000, None));
        assert!(told_in_part.readable > 0);
        let mut broken = told(&[(0, "a", 8)], 0);
        broken.truncate(broken.len() - 6);
        let length = i32::try_from(broken.len() - 4).unwrap().to_be_bytes();
        broken.splice(0..4, length);
        assert_eq!(metadata(&broken, 8), None);
    }

    #[test]
    fn absurd_lengths_and_other_protocols_are_no_answers() {
        assert!(complete(b"\xff\xff\xff\xffwtka").is_err());
        assert!(complete(b"HTTP/1.1 400 Bad Request").is_err());
        assert_eq!(complete(b"\0\0\0\x0awt").unwrap(), None);
        assert_eq!(apis(&reply(b"\0\0\x7f\xff\xff\xff")), None);
        assert_eq!(metadata(&reply(b"\0\0\0\0\x7f\xff\xff\xff"), 8), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let whole = reply(&bytes);
            for bytes in [&bytes, &whole] {
                let _ = complete(bytes);
                let _ = apis(bytes);
                let _ = mechanisms(bytes);
                let _ = controllers(bytes);
                let _ = [1, 4, 8].map(|version| metadata(bytes, version));
            }
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = (complete(bytes), apis(bytes), mechanisms(bytes), controllers(bytes));
    for version in [1, 4, 8] {
        let _ = metadata(bytes, version).map(|told| conclude(&told));
    }
}
