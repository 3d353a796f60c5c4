//! LDAP: <https://www.rfc-editor.org/rfc/rfc4511>. OpenLDAP, Active Directory, Samba, 389 Directory Server and kin.
//!
//! Neither the anonymous bind nor the root DSE proves anything: Active Directory lets everyone bind and reads its root
//! DSE to everyone, and OpenLDAP answers searches over a connection whose bind it refused. What decides is a search
//! below a naming context. It asks for no attribute and for one entry at most, which is the context itself; "size limit
//! exceeded" then says that there are more, without showing one.

use model::{Proof, Proven, Surface, Verdict, excerpt};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::ber::{Element, boolean, constructed, elements, integer, octets};
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Ldap;

// Tags of operations (RFC 4511, 4.2 to 4.12).
const BIND_RESPONSE: u8 = 0x61;
const SEARCH: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const SEARCH_REFERENCE: u8 = 0x73;
const EXTENDED: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
const MESSAGE: u8 = 0x30;
const ENUMERATED: u8 = 0x0a;

/// Longest message: a root DSE is a few thousand bytes.
const LONGEST: usize = 64 << 10;
/// Most messages that may come before the end of a search for one entry.
const MOST_MESSAGES: usize = 16;
/// Most naming contexts that are searched: a server may tell its log and its configuration, too.
const CONTEXTS: usize = 4;
/// What tells the product and what it serves.
const ROOT_ATTRIBUTES: &[&str] =
    &["namingContexts", "vendorName", "vendorVersion", "objectClass", "supportedCapabilities"];
/// "This is Active Directory": MS-ADTS 3.1.1.3.4.3.1.
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";
/// StartTLS: RFC 4511, 4.14.
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// About to hang up: RFC 4511, 4.4.1.
const DISCONNECTION: &[u8] = b"1.3.6.1.4.1.1466.20036";

/// The opening: an anonymous bind, number 1. Servers are silent until they are spoken to, and to HTTP as well.
const BIND: &Words = &Words { name: "LDAP bind", bytes: || BIND_REQUEST.to_vec(), turn: Some(24) };
const BIND_REQUEST: [u8; 14] = [MESSAGE, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0];

/// A message, as far as it matters here.
struct Message<'a> {
    id: u64,
    operation: Element<'a>,
}

/// What ends an operation.
#[derive(Clone, Debug, PartialEq)]
struct Done {
    code: u64,
    text: String,
}

/// Length of a whole message at the start of `bytes`.
fn complete(bytes: &[u8]) -> Result<Option<usize>, Error> {
    if bytes.first().is_some_and(|tag| *tag != MESSAGE) {
        return Err(Error::Malformed(format!("not an LDAP message: {}", excerpt(bytes))));
    }
    match Element::whole(bytes) {
        Ok(whole) if whole.is_none_or(|length| length <= LONGEST) => {
            Ok(whole.filter(|length| bytes.len() >= *length))
        }
        _ => Err(Error::Malformed("an LDAP message of absurd length".to_owned())),
    }
}

fn message(bytes: &[u8]) -> Option<Message<'_>> {
    let (envelope, _) = Element::read(bytes)?;
    let mut parts = elements(envelope.value);
    let id = parts.next().filter(|id| envelope.tag == MESSAGE && id.tag == 2)?.unsigned()?;
    Some(Message { id, operation: parts.next()? })
}

/// The LDAPResult of a response: code, matched name, text.
fn done(operation: &Element<'_>) -> Option<Done> {
    let mut parts = elements(operation.value);
    let code = parts.next().filter(|code| code.tag == ENUMERATED)?.unsigned()?;
    let text = parts.nth(1).map(|text| excerpt(text.value)).unwrap_or_default();
    Some(Done { code, text })
}

/// The values of an attribute of an entry. Names of attributes know no case.
fn values(entry: &Element<'_>, name: &str) -> Vec<String> {
    let attributes = elements(entry.value).nth(1).map(|list| list.value).unwrap_or_default();
    let wanted = elements(attributes).filter_map(|attribute| {
        let mut parts = elements(attribute.value);
        let found = parts.next().is_some_and(|found| found.value.eq_ignore_ascii_case(name.as_bytes()));
        parts.next().filter(|_| found)
    });
    let text = |value: Element<'_>| String::from_utf8_lossy(value.value).into_owned();
    wanted.flat_map(|set| elements(set.value).map(text).collect::<Vec<_>>()).collect()
}

/// What is searched, and for which attributes.
#[derive(Clone, Copy)]
enum Search<'a> {
    /// The entry without a name that tells what the server serves.
    Root,
    /// Everything below a naming context; that may be the empty name.
    Below(&'a str),
}

impl Search<'_> {
    fn parts(&self) -> (&str, u8, &'static [&'static str]) {
        match self {
            Self::Root => ("", 0, ROOT_ATTRIBUTES),
            // 1.1: none (RFC 4511, 4.5.1.8).
            Self::Below(base) => (base, 2, &["1.1"]),
        }
    }

    fn describe(&self) -> String {
        let (base, _, attributes) = self.parts();
        let what = match self {
            Self::Root => "search of the root DSE".to_owned(),
            Self::Below(_) => format!("search below {}", excerpt(base.as_bytes())),
        };
        format!("{what}, attributes {}, size limit 1", attributes.join(" "))
    }
}

/// A search for one entry at most.
fn search(id: u8, wanted: Search<'_>) -> Vec<u8> {
    let (base, scope, attributes) = wanted.parts();
    let names: Vec<Vec<u8>> = attributes.iter().map(|name| octets(name.as_bytes())).collect();
    let request = [
        octets(base.as_bytes()),
        vec![ENUMERATED, 1, scope],
        // Aliases are not followed.
        vec![ENUMERATED, 1, 0],
        integer(1),
        // Seconds that the server may take.
        integer(5),
        boolean(false),
        // Present: objectClass, which every entry has.
        constructed(0x87, &[b"objectClass".to_vec()]),
        constructed(MESSAGE, &names),
    ];
    constructed(MESSAGE, &[integer(id), constructed(SEARCH, &request)])
}

fn start_tls(id: u8) -> Vec<u8> {
    constructed(MESSAGE, &[integer(id), constructed(EXTENDED, &[constructed(0x80, &[START_TLS.to_vec()])])])
}

/// What the root DSE tells.
#[derive(Clone, Debug, Default, PartialEq)]
struct Root {
    contexts: Vec<String>,
    product: Option<String>,
    version: Option<String>,
}

impl Root {
    fn read(entry: &Element<'_>) -> Self {
        let first = |name| values(entry, name).into_iter().next();
        let vendor = first("vendorName").unwrap_or_default();
        let has = |name, value: &str| values(entry, name).iter().any(|found| found == value);
        let product = if vendor.starts_with("Samba Team") {
            Some("Samba AD".to_owned())
        } else if has("supportedCapabilities", ACTIVE_DIRECTORY) {
            Some("Active Directory".to_owned())
        } else if vendor.starts_with("389 Project") {
            Some("389 Directory Server".to_owned())
        } else if has("objectClass", "OpenLDAProotDSE") {
            Some("OpenLDAP".to_owned())
        } else {
            Some(excerpt(vendor.as_bytes())).filter(|vendor| !vendor.is_empty())
        };
        Self { contexts: values(entry, "namingContexts"), product, version: first("vendorVersion") }
    }
}

/// What a search brought.
#[derive(Debug, Default)]
struct Found {
    /// Names of the entries; looked at, and dropped.
    names: Vec<String>,
    root: Root,
    done: Option<Done>,
}

/// A verdict on one naming context.
fn verdict(context: &str, found: &Found) -> (Verdict, String) {
    let Some(done) = &found.done else {
        return (Verdict::Unknown, "a search without an end".to_owned());
    };
    let told = format!("{} {}", done.code, done.text).trim_end().to_owned();
    let is_context = |name: &String| name.eq_ignore_ascii_case(context);
    // 4: there is more than the one entry that was asked for.
    if found.names.iter().any(|name| !is_context(name)) || (done.code == 4 && !found.names.is_empty()) {
        return (Verdict::Open, "entries are read without a login".to_owned());
    }
    if !found.names.is_empty() {
        return (Verdict::OpenPartial, "only the entry of the naming context itself is shown".to_owned());
    }
    if let Some(reason) = refusal(done) {
        return (Verdict::Protected, format!("{reason} ({told})"));
    }
    let reason = match done.code {
        0 => "no entry is shown, and nothing is refused".to_owned(),
        10 => "refers to another server, which is not asked".to_owned(),
        // The context is the server's own word, so it is there or the store is empty; both are told like this.
        32 => "hides everything below its naming context, or is empty (32)".to_owned(),
        _ => format!("an answer that decides nothing ({told})"),
    };
    (Verdict::Unknown, reason)
}

/// What a result code refuses (RFC 4511, appendix A); `None` when it is no refusal.
fn refusal(done: &Done) -> Option<&'static str> {
    let says = |word: &str| done.text.to_ascii_lowercase().contains(word);
    match done.code {
        // Active Directory and Samba: before a bind with a name, and after an anonymous one.
        1 if says("successful bind must be completed") || says("without authentication") => {
            Some("a login is demanded")
        }
        7 | 8 | 48 | 49 | 53 => Some("a login is demanded"),
        50 => Some("anonymous users may not read"),
        _ => None,
    }
}

/// Whether the answer is that TLS comes first: confidentiality required, or a security strength that is not met.
fn wants_tls(done: &Done) -> bool {
    let text = done.text.to_ascii_lowercase();
    done.code == 13
        || ([8, 53].contains(&done.code)
            && ["ssf", "tls", "confidentiality"].iter().any(|word| text.contains(word)))
}

/// The conversation over one connection.
struct Talk {
    conn: Conn,
    next: u8,
}

impl Talk {
    /// Takes over the connection of the opening, or makes one and binds.
    async fn start(session: &mut Session, kept: Option<Conn>) -> Result<Self, Error> {
        let conn = match kept {
            Some(conn) => conn,
            None => {
                let mut conn = session.connect().await?;
                conn.send(&BIND_REQUEST).await?;
                conn
            }
        };
        let mut talk = Self { conn, next: 2 };
        talk.bound(session).await?;
        Ok(talk)
    }

    /// Reads the answer to the bind, which is no finding.
    async fn bound(&mut self, session: &mut Session) -> Result<(), Error> {
        let bytes = self.conn.message(session.patience, complete).await?;
        let told = message(&bytes).and_then(|message| done(&message.operation));
        let told = told.map_or_else(|| "no result".to_owned(), |done| format!("{} {}", done.code, done.text));
        session.note("anonymous bind", told, &bytes, self.conn.is_tls());
        Ok(())
    }

    async fn search(&mut self, session: &mut Session, wanted: Search<'_>) -> Result<Found, Error> {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        self.conn.send(&search(id, wanted)).await?;
        let mut found = Found::default();
        let mut raw = Vec::new();
        for _ in 0..MOST_MESSAGES {
            let bytes = self.conn.message(session.patience, complete).await?;
            raw.extend_from_slice(&bytes);
            let Some(message) = message(&bytes) else {
                return Err(Error::Malformed(format!("not an LDAP message: {}", excerpt(&bytes))));
            };
            match message.operation.tag {
                SEARCH_ENTRY => {
                    let name =
                        elements(message.operation.value).next().map(|name| name.value).unwrap_or_default();
                    found.names.push(String::from_utf8_lossy(name).into_owned());
                    found.root = Root::read(&message.operation);
                }
                SEARCH_DONE if message.id == u64::from(id) => {
                    found.done = done(&message.operation);
                    break;
                }
                SEARCH_REFERENCE => {}
                _ => break,
            }
        }
        let told =
            found.done.as_ref().map_or_else(String::new, |done| format!(", {} {}", done.code, done.text));
        session.note(
            wanted.describe(),
            format!("{} entries{told}", found.names.len()),
            &raw,
            self.conn.is_tls(),
        );
        Ok(found)
    }

    /// Asks for TLS on a new connection; `None` where there is none.
    async fn over_tls(session: &mut Session) -> Result<Option<Self>, Error> {
        let mut conn = session.connect_plain().await?;
        conn.send(&start_tls(1)).await?;
        let bytes = conn.message(session.patience, complete).await?;
        let told = message(&bytes).filter(|message| message.operation.tag == EXTENDED_RESPONSE);
        let code = told.and_then(|message| done(&message.operation)).map(|done| done.code);
        session.note("StartTLS", format!("{code:?}"), &bytes, false);
        if code != Some(0) {
            return Ok(None);
        }
        session.start_tls(&mut conn).await?;
        conn.send(&BIND_REQUEST).await?;
        let mut talk = Self { conn, next: 2 };
        talk.bound(session).await?;
        Ok(Some(talk))
    }
}

/// Searches, and once more over TLS where that is demanded first.
async fn ask(session: &mut Session, talk: &mut Talk, wanted: Search<'_>) -> Result<Found, Error> {
    let found = talk.search(session, wanted).await?;
    if talk.conn.is_tls() || !found.done.as_ref().is_some_and(wants_tls) {
        return Ok(found);
    }
    match Talk::over_tls(session).await? {
        Some(secured) => {
            *talk = secured;
            talk.search(session, wanted).await
        }
        None => Ok(found),
    }
}

/// Binds and asks for the root DSE. A server that hangs up after a refused bind is asked without one.
async fn root(session: &mut Session, opened: Opened) -> Result<(Talk, Found), Error> {
    let kept = opened.conn.filter(|conn| !conn.received().is_empty());
    let mut talk = Talk::start(session, kept).await?;
    match ask(session, &mut talk, Search::Root).await {
        Err(Error::Ended | Error::Reset) => {
            talk = Talk { conn: session.connect().await?, next: 2 };
            let found = ask(session, &mut talk, Search::Root).await?;
            Ok((talk, found))
        }
        found => Ok((talk, found?)),
    }
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let (mut talk, found) = root(session, opened).await?;
    let mut judgement =
        Judgement { product: found.root.product, version: found.root.version, ..Judgement::default() };
    for context in found.root.contexts.iter().take(CONTEXTS) {
        let (verdict, reason) = match ask(session, &mut talk, Search::Below(context)).await {
            Ok(found) => verdict(context, &found),
            Err(error) if judgement.surfaces.is_empty() => return Err(error),
            Err(error) => (Verdict::Unknown, error.to_string()),
        };
        judgement.surfaces.push(Surface::new(excerpt(context.as_bytes()), verdict, reason));
    }
    if judgement.surfaces.is_empty() {
        let (verdict, reason) = match found.done.as_ref().map(|done| (refusal(done), done)) {
            Some((Some(reason), done)) => {
                (Verdict::Protected, format!("the root DSE: {reason} ({} {})", done.code, done.text))
            }
            _ => (Verdict::Unknown, "the root DSE names nothing that could be searched".to_owned()),
        };
        judgement.surfaces.push(Surface::new("root DSE", verdict, reason));
    }
    Ok(judgement)
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "OpenLDAP 2.5.13"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "OpenLDAP 2.5.13"),
    Proven::new(Proof::Real, Verdict::Protected, "OpenLDAP 2.5.13, Samba 4.17.12"),
    Proven::new(Proof::Real, Verdict::Unknown, "OpenLDAP 2.5.13, which hides everything"),
];

impl Service for Ldap {
    fn about(&self) -> About<'_> {
        About {
            id: "ldap",
            product: "LDAP",
            ports: &[389, 636, 3268, 3269],
            openings: &[Opening::Say(BIND)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        let Some(message) = message(reply.bytes) else { return false };
        let parting = || elements(message.operation.value).any(|part| part.value == DISCONNECTION);
        match message.operation.tag {
            BIND_RESPONSE => {
                reply.opening == Opening::Say(BIND) && message.id == 1 && done(&message.operation).is_some()
            }
            // Told to those who do not speak LDAP.
            EXTENDED_RESPONSE => message.id == 0 && parting(),
            _ => false,
        }
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

    // Answers of slapd 2.5.13.
    const BOUND: &[u8] = b"0\x0c\x02\x01\x01a\x07\n\x01\x00\x04\x00\x04\x00";
    const REFUSED: &[u8] = b"0%\x02\x01\x01a \n\x010\x04\x00\x04\x19anonymous bind disallowed";
    const AUTHENTICATE: &[u8] = b"0#\x02\x01\x02e\x1e\n\x015\x04\x00\x04\x17authentication required";
    const ROOT: &[u8] = b"0T\x02\x01\x02dO\x04\x000K0%\x04\x0bobjectClass1\x16\x04\x03top\x04\x0fOpenLDAProotDSE0\"\x04\x0enamingContexts1\x10\x04\x0edc=lab,dc=test";
    const CONTEXT: &[u8] = b"0\x17\x02\x01\x04d\x12\x04\x0edc=lab,dc=test0\x00";

    fn recognised(opening: Opening, bytes: &[u8]) -> bool {
        Ldap.recognises(&Reply { opening, bytes })
    }

    fn concluded(names: &[&str], code: u64, text: &str) -> Verdict {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let done = Some(Done { code, text: text.to_owned() });
        verdict("dc=lab,dc=test", &Found { names, done, ..Found::default() }).0
    }

    #[test]
    fn an_answer_to_the_bind_is_recognised_whatever_it_says() {
        assert!(recognised(Opening::Say(BIND), BOUND) && recognised(Opening::Say(BIND), REFUSED));
        assert!(!recognised(Opening::Say(BIND), AUTHENTICATE));
        assert!(!recognised(Opening::Say(BIND), &BIND_REQUEST));
        assert!(!recognised(Opening::Say(BIND), &BOUND[..BOUND.len() - 1]));
        assert!(!recognised(Opening::Http, BOUND));
        // A certificate is BER, too.
        assert!(!recognised(Opening::Say(BIND), b"\x30\x08\x02\x01\x01\x30\x03\x0a\x01\x00"));
    }

    #[test]
    fn a_notice_of_disconnection_gives_the_server_away() {
        let notice = constructed(0x8a, &[DISCONNECTION.to_vec()]);
        let operation = [vec![ENUMERATED, 1, 2], octets(b""), octets(b"protocol error"), notice];
        let bytes = constructed(MESSAGE, &[integer(0), constructed(EXTENDED_RESPONSE, &operation)]);
        assert!(recognised(Opening::Http, &bytes));
        assert!(!recognised(Opening::Http, &start_tls(0)));
    }

    #[test]
    fn a_message_is_as_long_as_it_says_and_not_longer_than_is_sane() {
        assert_eq!(complete(CONTEXT).unwrap(), Some(25));
        assert_eq!(complete(&[CONTEXT, BOUND].concat()).unwrap(), Some(25));
        assert_eq!(complete(&CONTEXT[..24]).unwrap(), None);
        assert!(complete(b"\x30\x84\xff\xff\xff\xff").is_err() && complete(b"\x30\x80").is_err());
        assert!(complete(b"HTTP/1.1 400").is_err());
    }

    #[test]
    fn the_root_dse_tells_product_and_naming_contexts() {
        let root = Root::read(&message(ROOT).unwrap().operation);
        assert_eq!(root.contexts, ["dc=lab,dc=test"]);
        assert_eq!(root.product.as_deref(), Some("OpenLDAP"));
        let entry = |attribute: &[u8], value: &[u8]| {
            let set = constructed(0x31, &[octets(value)]);
            let list = constructed(MESSAGE, &[constructed(MESSAGE, &[octets(attribute), set])]);
            let bytes = constructed(SEARCH_ENTRY, &[octets(b""), list]);
            Root::read(&Element::read(&bytes).unwrap().0)
        };
        let active_directory = entry(b"supportedCapabilities", ACTIVE_DIRECTORY.as_bytes());
        assert_eq!(active_directory.product.as_deref(), Some("Active Directory"));
        assert_eq!(entry(b"VENDORNAME", b"389 Project").product.as_deref(), Some("389 Directory Server"));
        assert_eq!(entry(b"vendorName", b"Example \x1b[2J").product.as_deref(), Some("Example \\x1b[2J"));
        assert_eq!(entry(b"description", b"x"), Root::default());
    }

    #[test]
    fn more_than_the_naming_context_itself_is_open() {
        let name = String::from_utf8_lossy(
            elements(message(CONTEXT).unwrap().operation.value).next().unwrap().value,
        );
        assert_eq!(concluded(&[&name], 4, ""), Verdict::Open);
        assert_eq!(concluded(&["DC=lab,DC=test"], 0, ""), Verdict::OpenPartial);
        assert_eq!(concluded(&["uid=a,dc=lab,dc=test"], 0, ""), Verdict::Open);
        assert_eq!(concluded(&[], 0, ""), Verdict::Unknown);
        assert_eq!(concluded(&[], 4, ""), Verdict::Unknown);
    }

    #[test]
    fn only_a_refusal_is_protected() {
        let refused = done(&message(AUTHENTICATE).unwrap().operation).unwrap();
        assert_eq!(refused, Done { code: 53, text: "authentication required".to_owned() });
        assert_eq!(concluded(&[], refused.code, &refused.text), Verdict::Protected);
        assert_eq!(concluded(&[], 50, ""), Verdict::Protected);
        // The words of Active Directory, as users report them; not seen on a real one. Those of Samba 4.17 were seen.
        let told = "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed on the connection., data 0, v4563";
        assert_eq!(concluded(&[], 1, told), Verdict::Protected);
        let samba = "00002020: Operation unavailable without authentication";
        assert_eq!(concluded(&[], 1, samba), Verdict::Protected);
        assert_eq!(concluded(&[], 1, "internal error"), Verdict::Unknown);
        assert_eq!(concluded(&[], 32, ""), Verdict::Unknown);
        assert_eq!(concluded(&[], 51, "busy"), Verdict::Unknown);
    }

    #[test]
    fn tls_that_is_demanded_first_is_told_from_a_refusal() {
        let told = |code, text: &str| wants_tls(&Done { code, text: text.to_owned() });
        assert!(told(13, "TLS confidentiality required") && told(53, "Minimum SSF not met."));
        assert!(!told(53, "authentication required") && !told(0, "tls"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = complete(&bytes);
            let _ = recognised(Opening::Say(BIND), &bytes);
            let _ = Root::read(&Element { tag: SEARCH_ENTRY, value: &bytes });
            let _ = done(&Element { tag: SEARCH_DONE, value: &bytes });
        }

        #[test]
        fn a_bent_answer_is_read_without_panic(at in 0_usize..80, byte: u8) {
            let mut bytes = ROOT.to_vec();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = complete(&bytes);
            if let Some(message) = message(&bytes) {
                let _ = Root::read(&message.operation);
            }
        }
    }
}

/// Whatever is made of an answer, for `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn fuzz(bytes: &[u8]) {
    let _ = complete(bytes);
    if let Some(message) = message(bytes) {
        let done = done(&message.operation);
        let root = Root::read(&message.operation);
        let names = values(&message.operation, "namingContexts");
        let found = Found { names, root, done };
        let _ = (verdict("dc=lab", &found), found.done.as_ref().map(wants_tls));
    }
}
