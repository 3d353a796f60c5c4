//! MQTT 3.1.1 and 5: <https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html>,
//! <https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html>.
//!
//! A granted subscription proves nothing: brokers filter at delivery. So one topic is asked for that holds no user's
//! message, the broker's own version, which Mosquitto keeps for everyone who may read. The client id is random: a fixed one
//! would throw out whoever uses it.

use model::{Proof, Proven, Verdict, excerpt};
use net::{Conn, Error, Session};
use std::time::Duration;

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Mqtt;

const VERSION_TOPIC: &[u8] = b"$SYS/broker/version";
/// How long a kept message may take after the subscription was granted.
const DELIVERY: Duration = Duration::from_millis(1500);
/// Largest packet that is read.
const PACKET: usize = 64 << 10;
/// Most packets that are looked at after the subscription.
const PACKETS: usize = 8;

/// The opening. No other protocol answers it with four bytes that begin `20 02`; HTTP servers call it a bad request.
const CONNECT: &Words = &Words { name: "MQTT CONNECT", bytes: || connect(4), turn: Some(24) };

/// CONNECT at protocol level 4 (3.1.1) or 5: clean session, keep-alive 5 s, random client id, no user.
fn connect(level: u8) -> Vec<u8> {
    let id = format!("wt{:016x}", fastrand::u64(..));
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', level, 0x02, 0, 5];
    if level == 5 {
        body.push(0); // no properties
    }
    body.extend([0, u8::try_from(id.len()).unwrap_or_default()]);
    body.extend(id.as_bytes());
    packet(0x10, &body)
}

fn subscribe(level: u8) -> Vec<u8> {
    let mut body = vec![0, 1];
    if level == 5 {
        body.push(0);
    }
    body.extend([0, u8::try_from(VERSION_TOPIC.len()).unwrap_or_default()]);
    body.extend(VERSION_TOPIC);
    body.push(0);
    packet(0x82, &body)
}

/// A packet whose body is shorter than 128 bytes.
fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, u8::try_from(body.len()).unwrap_or_default()];
    bytes.extend(body);
    bytes
}

/// Length of a whole packet at the start of `bytes`, and where its body begins.
fn frame(bytes: &[u8]) -> Result<Option<(usize, usize)>, Error> {
    let mut length = 0_usize;
    for at in 0..4_usize {
        let Some(byte) = bytes.get(at + 1) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let begin = at + 2;
            return if length <= PACKET {
                Ok((bytes.len() >= begin + length).then_some((begin, begin + length)))
            } else {
                Err(Error::Malformed(format!("an MQTT packet of {length} bytes")))
            };
        }
    }
    Err(Error::Malformed("an MQTT packet whose length does not end".to_owned()))
}

fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    frame(bytes).map(|frame| frame.map(|(_, end)| end))
}

/// The reason in a CONNACK, which has the same place in all versions.
fn connack(packet: &[u8]) -> Option<u8> {
    let (begin, _) = frame(packet).ok()??;
    (packet.first() == Some(&0x20)).then(|| packet.get(begin + 1).copied()).flatten()
}

/// The payload of a PUBLISH of the version topic.
fn told_version(packet: &[u8], level: u8) -> Option<String> {
    let (begin, end) = frame(packet).ok()??;
    if packet.first()? & 0xf6 != 0x30 {
        return None;
    }
    let body = packet.get(begin..end)?;
    let rest =
        body.strip_prefix(&[0, u8::try_from(VERSION_TOPIC.len()).ok()?])?.strip_prefix(VERSION_TOPIC)?;
    // MQTT 5: the properties of a kept message, fewer than 128 bytes.
    let skip = if level == 5 { usize::from(*rest.first()?) + 1 } else { 0 };
    Some(excerpt(rest.get(skip..)?))
}

/// What a refused CONNECT means.
fn refused(reason: u8) -> Judgement {
    match reason {
        // 3.1.1: bad user name or password, not authorised. 5: the same, and bad authentication method.
        4 | 5 | 0x86 | 0x87 | 0x8c => {
            Judgement::of(Verdict::Protected, format!("a login is demanded (reason {reason:#04x})"))
        }
        other => {
            Judgement::of(Verdict::Unknown, format!("the broker refused to connect for reason {other:#04x}"))
        }
    }
}

/// Connects at a protocol level. Returns the reason, 0 being success.
async fn log_in(session: &mut Session, level: u8) -> Result<(Conn, u8), Error> {
    let mut conn = session.connect().await?;
    conn.send(&connect(level)).await?;
    let answer = conn.message(session.patience, complete).await?;
    session.note_plain(format!("CONNECT, level {level}, without a login"), &answer, conn.is_tls());
    let reason = connack(&answer).ok_or_else(|| Error::Malformed(excerpt(&answer)))?;
    Ok((conn, reason))
}

async fn judge(session: &mut Session) -> Result<Judgement, Error> {
    let (mut conn, mut reason) = log_in(session, 4).await?;
    let mut level = 4;
    // A broker of MQTT 5 alone. What it says to version 4 is 1: unacceptable protocol version.
    if matches!(reason, 1 | 0x84) {
        level = 5;
        (conn, reason) = log_in(session, level).await?;
    }
    if reason != 0 {
        return Ok(refused(reason));
    }
    conn.send(&subscribe(level)).await?;
    let heard = listen(session, &mut conn, level).await?;
    // A polite end: without it the broker would take us for a client that was lost.
    let _ = conn.send(&[0xe0, 0]).await;
    Ok(heard)
}

/// Waits for the kept message.
async fn listen(session: &mut Session, conn: &mut Conn, level: u8) -> Result<Judgement, Error> {
    let mut granted = None;
    for _ in 0..PACKETS {
        let packet = match conn.message(DELIVERY.min(session.patience), complete).await {
            Ok(packet) => packet,
            Err(Error::Quiet | Error::Ended | Error::Reset) => break,
            Err(error) => return Err(error),
        };
        if packet.first() == Some(&0x90) {
            granted = packet.last().map(|code| *code < 0x80);
            session.note_plain("SUBSCRIBE $SYS/broker/version", &packet, conn.is_tls());
        }
        if let Some(version) = told_version(&packet, level) {
            session.note("the kept message of $SYS/broker/version", version.clone(), &[], conn.is_tls());
            let mut judgement =
                Judgement::of(Verdict::Open, "a stranger connects without a login and is delivered messages");
            judgement.product = version.starts_with("mosquitto").then(|| "Mosquitto".to_owned());
            return Ok(judgement.version(version.strip_prefix("mosquitto version ").map(str::to_owned)));
        }
    }
    let reason = match granted {
        Some(true) => {
            "a stranger connects without a login and may subscribe; whether anything is delivered cannot be told without reading messages"
        }
        Some(false) => "a stranger connects without a login; the subscription was refused",
        None => "a stranger connects without a login; the subscription was not answered",
    };
    session.note("waited for the kept message", "nothing was delivered", &[], conn.is_tls());
    Ok(Judgement::of(Verdict::OpenPartial, reason))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "Mosquitto 2.0.11"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "Mosquitto 2.0.11"),
    Proven::new(Proof::Real, Verdict::Protected, "Mosquitto 2.0.11"),
];

impl Service for Mqtt {
    fn about(&self) -> About<'_> {
        About {
            id: "mqtt",
            product: "MQTT broker",
            ports: &[1883, 8883],
            openings: &[Opening::Say(CONNECT)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        // To a CONNECT of 3.1.1: acknowledge flags 0 or 1, and a reason of that version.
        reply.opening == Opening::Say(CONNECT)
            && matches!(reply.bytes, [0x20, 2, 0 | 1, reason] if *reason <= 5)
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

    #[test]
    fn the_answer_to_connect_is_recognised_and_nothing_like_it() {
        let recognises = |bytes: &[u8]| Mqtt.recognises(&Reply { opening: Opening::Say(CONNECT), bytes });
        assert!(recognises(&[0x20, 2, 0, 0]) && recognises(&[0x20, 2, 0, 5]));
        assert!(!recognises(&[0x20, 2, 0]) && !recognises(&[0x20, 2, 0, 9]) && !recognises(b"HTTP"));
        assert!(!Mqtt.recognises(&Reply { opening: Opening::Http, bytes: &[0x20, 2, 0, 0] }));
    }

    #[test]
    fn reasons_of_both_versions_are_demands() {
        for reason in [4, 5, 0x86, 0x87] {
            assert_eq!(refused(reason).surfaces[0].verdict, Verdict::Protected);
        }
        assert_eq!(refused(3).surfaces[0].verdict, Verdict::Unknown);
        assert_eq!(connack(&[0x20, 3, 0, 0x87, 0]), Some(0x87));
    }

    #[test]
    fn the_version_is_read_from_the_kept_message_alone() {
        let message = |topic: &str| {
            let mut body = vec![0, u8::try_from(topic.len()).unwrap()];
            body.extend(topic.as_bytes());
            body.extend(b"mosquitto version 2.0.11");
            packet(0x31, &body)
        };
        assert_eq!(
            told_version(&message("$SYS/broker/version"), 4).as_deref(),
            Some("mosquitto version 2.0.11")
        );
        assert_eq!(told_version(&message("a/b"), 4), None);
    }

    #[test]
    fn an_endless_length_is_refused() {
        assert!(frame(&[0x30, 0xff, 0xff, 0xff, 0xff, 1]).is_err());
        assert!(frame(&[0x30, 0xff, 0xff, 0xff, 0x7f]).is_err());
        assert_eq!(frame(&[0x20]).unwrap(), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = (complete(&bytes), connack(&bytes), told_version(&bytes, 4), told_version(&bytes, 5));
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = (frame(bytes), complete(bytes));
    let _ = connack(bytes).map(refused);
    let _ = (told_version(bytes, 4), told_version(bytes, 5));
}
