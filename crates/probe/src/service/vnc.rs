//! VNC, the screen of a machine: <https://www.rfc-editor.org/rfc/rfc6143>, and
//! <https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst> for VeNCrypt.
//!
//! The server offers security types. None (1) is chosen where it is offered, and what the server says to that decides:
//! the next message of a client would open the desktop, and it is not sent. VeNCrypt (19) has types of its own, two of
//! which encrypt and ask for no login.

use model::{Proof, Proven, Verdict, excerpt};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::wire::array_at;
use crate::{Opening, Reply};

/// The probe.
pub struct Vnc;

/// Length of a greeting: `RFB 003.008` and a line end.
const GREETING: usize = 12;
/// Longest text of a refusal that is waited for.
const LONGEST: usize = 4096;

const NONE: u8 = 1;
const VENCRYPT: u8 = 19;
/// VeNCrypt: no login inside TLS without and with a certificate of the server.
const TLS_NONE: u32 = 257;
const X509_NONE: u32 = 260;

/// How the security is agreed on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Version {
    /// 3.3: the server decides.
    Three,
    /// 3.7: the client chooses; there is no result for None.
    Seven,
    /// 3.8: the client chooses and is told the result.
    Eight,
}

/// The version to speak with a server that greets so. Numbers above 3.8 are of products with types of their own.
fn version(greeting: &[u8]) -> Option<Version> {
    let [b'R', b'F', b'B', b' ', major @ .., b'\n'] = greeting else { return None };
    let [a, b, c, b'.', d, e, f] = major else { return None };
    let number = |digits: [u8; 3]| std::str::from_utf8(&digits).ok()?.parse::<u16>().ok();
    Some(match (number([*a, *b, *c])?, number([*d, *e, *f])?) {
        (0..=2, _) => return None,
        (3, 0..=6) => Version::Three,
        (3, 7) => Version::Seven,
        _ => Version::Eight,
    })
}

impl Version {
    fn greeting(self) -> &'static [u8] {
        match self {
            Self::Three => b"RFB 003.003\n",
            Self::Seven => b"RFB 003.007\n",
            Self::Eight => b"RFB 003.008\n",
        }
    }
}

/// Length of a whole greeting at the start of `bytes`.
fn greeting_complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let start = bytes.get(..4).unwrap_or(bytes);
    if !b"RFB ".starts_with(start) {
        return Err(Error::Malformed(format!("not a greeting of VNC: {}", excerpt(start))));
    }
    Ok((bytes.len() >= GREETING).then_some(GREETING))
}

/// Length of a text with its length in front, at `at`.
fn text_complete(bytes: &[u8], at: usize) -> Result<Option<usize>, Error> {
    let Some(length) = array_at(bytes, at) else { return Ok(None) };
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        return Err(Error::Malformed(format!("a reason of {length} bytes")));
    }
    let whole = at.saturating_add(4).saturating_add(length);
    Ok((bytes.len() >= whole).then_some(whole))
}

/// Length of a whole offer at the start of `bytes`.
fn offer_complete(version: Version, bytes: &[u8]) -> Result<Option<usize>, Error> {
    match (version, bytes) {
        (Version::Three, [0, 0, 0, 0, ..]) => text_complete(bytes, 4),
        (Version::Three, _) => Ok((bytes.len() >= 4).then_some(4)),
        (_, []) => Ok(None),
        (_, [0, ..]) => text_complete(bytes, 1),
        (_, [count, ..]) => {
            let whole = usize::from(*count) + 1;
            Ok((bytes.len() >= whole).then_some(whole))
        }
    }
}

/// What a server offers.
#[derive(Debug, PartialEq)]
enum Offer {
    /// These security types.
    Types(Vec<u8>),
    /// Nothing, for this reason.
    Refused(String),
}

/// Reads an offer that [`offer_complete`] found to be whole.
fn offer(version: Version, message: &[u8]) -> Offer {
    let reason = |at| Offer::Refused(excerpt(message.get(at..).unwrap_or_default()));
    match (version, message) {
        (Version::Three, [0, 0, 0, 0, ..]) => reason(8),
        (Version::Three, [0, 0, 0, kind, ..]) => Offer::Types(vec![*kind]),
        (Version::Three, _) => Offer::Types(Vec::new()),
        (_, [0, ..]) => reason(5),
        (_, [_, types @ ..]) => Offer::Types(types.to_vec()),
        (_, []) => Offer::Types(Vec::new()),
    }
}

/// Names of security types: <https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst#security-types>.
fn type_name(kind: u8) -> String {
    match kind {
        1 => "None".to_owned(),
        2 => "VncAuth".to_owned(),
        5 | 6 | 13 | 129 | 130 | 133 => format!("RSA-AES ({kind})"),
        16 => "Tight".to_owned(),
        18 => "TLS".to_owned(),
        19 => "VeNCrypt".to_owned(),
        22 => "xvp".to_owned(),
        30 | 33 | 35 | 36 => format!("Apple ({kind})"),
        other => other.to_string(),
    }
}

/// What an offer without None means. Types that only wrap others (Tight, TLS, VeNCrypt, and unknown ones) are no demand.
fn without_none(types: &[u8]) -> (Verdict, String) {
    let names: Vec<String> = types.iter().map(|kind| type_name(*kind)).collect();
    let demand = |kind: &u8| matches!(kind, 2 | 5 | 6 | 13 | 30 | 33 | 35 | 36 | 129 | 130 | 133);
    let listed = names.join(", ");
    match types.iter().any(demand) {
        true => (Verdict::Protected, format!("a login is demanded ({listed})")),
        false => (Verdict::Unknown, format!("whether a login is demanded is not told ({listed})")),
    }
}

struct Client<'s> {
    session: &'s mut Session,
    conn: Conn,
}

impl Client<'_> {
    fn note(&mut self, sent: impl Into<String>, received: impl Into<String>) {
        let tls = self.conn.is_tls();
        self.session.note(sent, received, &[], tls);
    }

    /// Greets and receives what is offered.
    async fn greet(&mut self) -> Result<(Version, Offer), Error> {
        let greeting = self.conn.message(self.session.patience, greeting_complete).await?;
        let tls = self.conn.is_tls();
        self.session.note_plain("(connected)", &greeting, tls);
        let version = version(&greeting)
            .ok_or_else(|| Error::Malformed(format!("an odd greeting: {}", excerpt(&greeting))))?;
        self.conn.send(version.greeting()).await?;
        let message =
            self.conn.message(self.session.patience, |bytes| offer_complete(version, bytes)).await?;
        let offer = offer(version, &message);
        let told = match &offer {
            Offer::Types(types) => format!("security types {types:?}"),
            Offer::Refused(reason) => format!("refused: {reason}"),
        };
        self.note(excerpt(version.greeting()), told);
        Ok((version, offer))
    }

    /// Whether the server says that the security is agreed on.
    async fn result(&mut self, sent: &str) -> Result<bool, Error> {
        let result = self.conn.exactly(4, self.session.patience).await?;
        let agreed = result == [0; 4];
        self.note(sent, if agreed { "security result: OK" } else { "security result: failed" });
        Ok(agreed)
    }

    async fn choose_none(&mut self, version: Version) -> Result<(Verdict, String), Error> {
        let open =
            "the screen is shown, and keyboard and mouse are taken, without a login (security type None)";
        match version {
            // Said by the server, without a choice.
            Version::Three => return Ok((Verdict::Open, open.to_owned())),
            Version::Seven => {
                // Nothing is said to this choice. One that is not accepted ends the connection.
                self.conn.send(&[NONE]).await?;
                self.note("security type None", "(3.7 says nothing to it)");
                return Ok((Verdict::Open, open.to_owned()));
            }
            Version::Eight => self.conn.send(&[NONE]).await?,
        }
        Ok(match self.result("security type None").await? {
            true => (Verdict::Open, open.to_owned()),
            false => (Verdict::Unknown, "security type None is offered, but not accepted".to_owned()),
        })
    }

    /// The types inside VeNCrypt 0.2. Empty when it refuses.
    async fn vencrypt_types(&mut self) -> Result<Vec<u32>, Error> {
        self.conn.send(&[VENCRYPT]).await?;
        let newest = self.conn.exactly(2, self.session.patience).await?;
        if newest < vec![0, 2] {
            return Ok(Vec::new());
        }
        self.conn.send(&[0, 2]).await?;
        let head = self.conn.exactly(2, self.session.patience).await?;
        let [0, count] = head.as_slice() else { return Ok(Vec::new()) };
        let list = self.conn.exactly(usize::from(*count) * 4, self.session.patience).await?;
        let types = list.chunks_exact(4).filter_map(|kind| array_at(kind, 0)).map(u32::from_be_bytes);
        let types: Vec<u32> = types.collect();
        self.note("security type VeNCrypt, version 0.2", format!("types {types:?}"));
        Ok(types)
    }

    /// Whether VeNCrypt asks for no login; `None`: it does, as far as it tells.
    async fn vencrypt(&mut self) -> Result<Option<(Verdict, String)>, Error> {
        let types = self.vencrypt_types().await?;
        if types.contains(&X509_NONE) {
            self.conn.send(&X509_NONE.to_be_bytes()).await?;
            let accepted = self.conn.exactly(1, self.session.patience).await?;
            if accepted == [1] {
                self.session.start_tls(&mut self.conn).await?;
                if self.result("VeNCrypt X509None, inside TLS").await? {
                    let reason = "the screen is shown, encrypted, without a login (VeNCrypt X509None)";
                    return Ok(Some((Verdict::Open, reason.to_owned())));
                }
            }
        }
        if types.contains(&TLS_NONE) || types.contains(&X509_NONE) {
            // Anonymous TLS is not spoken here, so the last answer cannot be had.
            let reason = "offers encryption without a login (VeNCrypt), which could not be tried to the end";
            return Ok(Some((Verdict::Unknown, reason.to_owned())));
        }
        Ok(None)
    }
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    // Every connection that is not used counts as a failed login to some servers: this one goes on.
    let conn = match opened.conn.filter(|conn| !conn.ended()) {
        Some(conn) => conn,
        None => session.connect().await?,
    };
    let mut client = Client { session, conn };
    let (version, offer) = client.greet().await?;
    let (verdict, reason) = match offer {
        Offer::Refused(reason) => (Verdict::Unknown, format!("refused before a login: {reason}")),
        Offer::Types(types) if types.contains(&NONE) => client.choose_none(version).await?,
        Offer::Types(types) => {
            let inside = if types.contains(&VENCRYPT) { client.vencrypt().await? } else { None };
            match inside {
                Some(inside) => inside,
                // VeNCrypt told its types, and each of them has a login.
                None if types == [VENCRYPT] => {
                    (Verdict::Protected, "a login is demanded (VeNCrypt)".to_owned())
                }
                None => without_none(&types),
            }
        }
    };
    Ok(Judgement::of(verdict, reason))
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "TigerVNC 1.12"),
    Proven::new(Proof::Real, Verdict::Protected, "TigerVNC 1.12"),
];

impl Service for Vnc {
    fn about(&self) -> About<'_> {
        About {
            id: "vnc",
            product: "VNC",
            ports: &[5900, 5901, 5902, 5903],
            openings: &[Opening::Listen],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        reply.bytes.get(..GREETING).is_some_and(|greeting| version(greeting).is_some())
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

    #[test]
    fn versions_of_all_kinds_are_understood() {
        assert_eq!(version(b"RFB 003.003\n"), Some(Version::Three));
        // What UltraVNC said once means 3.3.
        assert_eq!(version(b"RFB 003.006\n"), Some(Version::Three));
        assert_eq!(version(b"RFB 003.007\n"), Some(Version::Seven));
        assert_eq!(version(b"RFB 003.008\n"), Some(Version::Eight));
        // macOS, RealVNC.
        assert_eq!(version(b"RFB 003.889\n"), Some(Version::Eight));
        assert_eq!(version(b"RFB 005.000\n"), Some(Version::Eight));
        assert_eq!(version(b"RFB abc.def\n"), None);
        assert_eq!(version(b"RFB 000.000\n"), None);
        assert_eq!(version(b"RFB 003.008"), None);
    }

    #[test]
    fn it_is_recognised_by_its_greeting() {
        let recognised = |bytes| Vnc.recognises(&Reply { opening: Opening::Listen, bytes });
        assert!(recognised(b"RFB 003.008\n"));
        assert!(!recognised(b"RFB 003.0"));
        assert!(!recognised(b"SSH-2.0-OpenSSH_9.2p1\r\n"));
    }

    fn read(version: Version, bytes: &[u8]) -> Option<Offer> {
        let length = offer_complete(version, bytes).unwrap()?;
        Some(offer(version, &bytes[..length]))
    }

    #[test]
    fn an_offer_is_read_in_every_version() {
        // TigerVNC 1.12.
        assert_eq!(read(Version::Eight, b"\x01\x01"), Some(Offer::Types(vec![1])));
        assert_eq!(read(Version::Eight, b"\x02\x02\x13"), Some(Offer::Types(vec![2, 19])));
        assert_eq!(read(Version::Three, b"\0\0\0\x01"), Some(Offer::Types(vec![1])));
        assert_eq!(read(Version::Three, b"\0\0\0\x02challenge"), Some(Offer::Types(vec![2])));
        let refused = Offer::Refused("Too many security failures".to_owned());
        assert_eq!(read(Version::Eight, b"\0\0\0\0\x1aToo many security failures"), Some(refused));
        assert_eq!(read(Version::Eight, b"\x02\x02"), None);
        assert_eq!(read(Version::Three, b"\0\0\0\0\0\0\0\x09Too many"), None);
    }

    #[test]
    fn an_absurd_reason_is_malformed() {
        assert!(offer_complete(Version::Eight, b"\0\xff\xff\xff\xff").is_err());
        assert!(greeting_complete(b"HTTP/1.1 200 OK").is_err());
        assert_eq!(greeting_complete(b"RF").unwrap(), None);
    }

    #[test]
    fn only_types_that_ask_for_a_login_are_a_demand() {
        assert_eq!(without_none(&[2, 19]).0, Verdict::Protected);
        assert_eq!(without_none(&[30, 33]).0, Verdict::Protected);
        // Both may have None inside.
        assert_eq!(without_none(&[16]).0, Verdict::Unknown);
        assert_eq!(without_none(&[18]).0, Verdict::Unknown);
        assert_eq!(without_none(&[]).0, Verdict::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let _ = version(&bytes);
            let _ = greeting_complete(&bytes);
            for version in [Version::Three, Version::Seven, Version::Eight] {
                if let Ok(Some(length)) = offer_complete(version, &bytes) {
                    let _ = offer(version, &bytes[..length]);
                }
            }
        }
    }
}
