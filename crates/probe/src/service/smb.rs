//! SMB, the file shares of Windows and Samba: <https://learn.microsoft.com/openspecs/windows_file_protocols/ms-smb2/>.
//!
//! A session without a password proves nothing: most servers grant one and then refuse everything (seen on Samba with
//! `restrict anonymous = 2`). So the list of shares is asked for, and each share, up to a number, whether it and its
//! folder open for reading. No folder is listed and no file is opened. What may be written is told by the server
//! (maximal access); nothing is written to find out. Two strangers come: nobody (a null session), and one made-up name
//! without a password, which servers with a guest account let in.

use model::{Counts, Proof, Proven, Surface, Verdict, looks_like_ransom_note};
use net::{Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::codec::netbios;
use crate::codec::ntlm::Who;
use crate::codec::smb2::{self, Ask, Place, status};
use crate::codec::srvsvc::Share;
use crate::smb::{Client, IS_GUEST, Manner, meet};
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Smb;

const MADE_UP: Who = Who::MadeUp("watertight");
/// How many disk shares are asked whether they open.
const MOST_SHARES: usize = 12;
/// The opening.
const NEGOTIATE: &Words = &Words {
    name: "SMB 2 NEGOTIATE",
    bytes: || Ask::Negotiate { newest: false }.encode(Place::default()),
    turn: Some(5),
};

/// On port 139, NetBIOS stands in front (RFC 1002, 4.3.2): the generic name of a file server is called.
const NETBIOS: &Words = &Words { name: "NetBIOS session request", bytes: netbios::request, turn: None };

/// SMB 1, for servers that speak nothing newer: a negotiation of `NT LM 0.12` alone.
const OLD: &Words = &Words {
    name: "SMB 1 NEGOTIATE",
    bytes: || {
        let head = b"\0\0\0\x2f\xffSMBr\0\0\0\0\x18\x01\x28".as_slice();
        [head, &[0; 21], b"\x0c\0\x02NT LM 0.12\0"].concat()
    },
    turn: None,
};

/// What one stranger got.
#[derive(Debug, Default)]
struct Visit {
    login: u32,
    guest: bool,
    /// How many shares are listed, and how many of them are disks; or the status of the refusal.
    listed: Option<Result<(u64, u64), u32>>,
    tried: u64,
    connected: u64,
    readable: u64,
    writable: u64,
    version: Option<String>,
    ransom_names: u64,
}

async fn visit(client: &mut Client<'_>, who: Who) -> Result<Visit, Error> {
    let (login, flags) = client.log_in(who).await?;
    let guest = flags & IS_GUEST != 0 || who != Who::Anonymous;
    let mut visit = Visit { login, guest, ..Visit::default() };
    if login != smb2::SUCCESS {
        return Ok(visit);
    }
    let shares = match client.shares().await? {
        Ok(shares) => shares,
        Err(refused) => {
            visit.listed = Some(Err(refused));
            return Ok(visit);
        }
    };
    let mut disks: Vec<&Share> = shares.iter().filter(|share| share.is_disk()).collect();
    visit.listed = Some(Ok((shares.len() as u64, disks.len() as u64)));
    visit.version = shares.iter().find_map(|share| samba_version(&share.remark));
    visit.ransom_names = shares.iter().filter(|share| looks_like_ransom_note(&share.name)).count() as u64;
    disks.sort_by_key(|share| share.is_special());
    for (index, share) in disks.into_iter().take(MOST_SHARES).enumerate() {
        let access = client.try_share(index + 1, &share.name).await?;
        visit.tried += 1;
        visit.connected += u64::from(access.connected);
        visit.readable += u64::from(access.read);
        visit.writable += u64::from(access.write);
    }
    Ok(visit)
}

impl Visit {
    fn surface(&self, who: Who) -> Surface {
        let name = if who == Who::Anonymous { "null session" } else { "made-up user" };
        let (verdict, reason) = self.verdict(name);
        Surface::new(name, verdict, reason)
    }

    fn verdict(&self, name: &str) -> (Verdict, String) {
        if self.login != smb2::SUCCESS {
            return refusal(self.login, &format!("the {name} is refused"));
        }
        match self.listed {
            Some(Ok((_, disks))) if self.readable > 0 => {
                let write = match self.writable {
                    0 => String::new(),
                    some => format!(", {some} also written"),
                };
                let tried = if self.tried < disks {
                    format!("{} tried of {disks}", self.tried)
                } else {
                    disks.to_string()
                };
                (
                    Verdict::Open,
                    format!("{} of {tried} disk shares are read by a {name}{write}", self.readable),
                )
            }
            Some(Ok((shares, _))) if self.connected > 0 => {
                let reason = format!(
                    "a {name} lists {shares} shares and enters {}, whose folders are refused",
                    self.connected
                );
                (Verdict::OpenPartial, reason)
            }
            Some(Ok((shares, _))) => {
                (Verdict::OpenPartial, format!("a {name} lists {shares} shares, but enters none"))
            }
            Some(Err(refused)) if self.guest => {
                let reason =
                    format!("a {name} is let in as a guest; the list of shares: {}", status(refused));
                (Verdict::OpenPartial, reason)
            }
            Some(Err(refused)) => {
                refusal(refused, &format!("a {name} is granted and then refused everything"))
            }
            None => (Verdict::Unknown, "the list of shares was not asked for".to_owned()),
        }
    }
}

/// What a status of a refusal means: <https://learn.microsoft.com/openspecs/windows_protocols/ms-erref/>.
fn refusal(code: u32, what: &str) -> (Verdict, String) {
    let verdict = match code {
        // ACCESS_DENIED, NO_SUCH_USER, WRONG_PASSWORD, LOGON_FAILURE, ACCOUNT_RESTRICTION, ACCOUNT_DISABLED,
        // LOGON_TYPE_NOT_GRANTED, NETWORK_ACCESS_DENIED, ACCOUNT_LOCKED_OUT, NTLM_BLOCKED.
        0xc000_0022 | 0xc000_0064 | 0xc000_006a | 0xc000_006d | 0xc000_006e | 0xc000_0072 | 0xc000_015b
        | 0xc000_00ca | 0xc000_0234 | 0xc000_0418 => Verdict::Protected,
        _ => Verdict::Unknown,
    };
    (verdict, format!("{what}: {}", status(code)))
}

/// Samba tells its version in the remark of `IPC$`, unless its `server string` was changed.
fn samba_version(remark: &str) -> Option<String> {
    let (_, version) = remark.split_once("(Samba ")?;
    let version = version.strip_suffix(')')?;
    version.starts_with(|first: char| first.is_ascii_digit()).then(|| version.to_owned())
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    let greeted = opened.conn.as_ref().map(|conn| conn.received().to_vec()).unwrap_or_default();
    // One connection is enough for each stranger, and this one has said its opening.
    drop(opened);
    if greeted.starts_with(b"\0") && greeted.get(4..8) == Some(b"\xffSMB") {
        session.note_plain("SMB 1 NEGOTIATE", &greeted, false);
        let reason = "speaks SMB 1 only, and that is not asked: no current system should speak it";
        return Ok(Judgement::of(Verdict::Unknown, reason));
    }
    let mut manner = Manner { netbios: matches!(greeted.first(), Some(0x82 | 0x83)), newest: false };
    let mut judgement = Judgement::default();
    for who in [Who::Anonymous, MADE_UP] {
        let mut met = meet(session, manner).await?;
        if met.as_ref().err() == Some(&smb2::NOT_SUPPORTED) && !manner.newest {
            drop(met);
            manner.newest = true;
            met = meet(session, manner).await?;
        }
        let mut client = match met {
            Ok(client) => client,
            Err(code) => {
                let reason = format!("no dialect is agreed on: {}", status(code));
                judgement.surfaces.push(Surface::new("main", Verdict::Unknown, reason));
                break;
            }
        };
        let visit = visit(&mut client, who).await?;
        judgement.surfaces.push(visit.surface(who));
        judgement.ransom_names = judgement.ransom_names.max(visit.ransom_names);
        add_counts(&mut judgement.counts, &visit);
        judgement.version = judgement.version.or(visit.version);
        if visit.readable > 0 {
            break;
        }
    }
    judgement.product = judgement.version.is_some().then(|| "Samba".to_owned());
    Ok(judgement)
}

fn add_counts(counts: &mut Counts, visit: &Visit) {
    let Some(Ok((shares, _))) = visit.listed else { return };
    for (name, count) in
        [("shares", shares), ("readable shares", visit.readable), ("writable shares", visit.writable)]
    {
        let known = counts.entry(name.to_owned()).or_default();
        *known = count.max(*known);
    }
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "Samba 4.17.12"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "Samba 4.17.12"),
    Proven::new(Proof::Real, Verdict::Protected, "Samba 4.17.12"),
];

impl Service for Smb {
    fn about(&self) -> About<'_> {
        About {
            id: "smb",
            product: "SMB",
            ports: &[445, 139],
            openings: &[Opening::Say(NEGOTIATE), Opening::Say(NETBIOS), Opening::Say(OLD)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        match reply.opening {
            Opening::Say(words) if words == NEGOTIATE => {
                matches!(smb2::complete(reply.bytes), Ok(Some(_)))
            }
            Opening::Say(words) if words == NETBIOS => matches!(netbios::complete(reply.bytes), Ok(Some(_))),
            Opening::Say(words) if words == OLD => {
                reply.bytes.first() == Some(&0) && reply.bytes.get(4..9) == Some(b"\xffSMBr")
            }
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

    fn visit(listed: Result<(u64, u64), u32>) -> Visit {
        Visit { listed: Some(listed), ..Visit::default() }
    }

    fn verdict(visit: &Visit) -> Verdict {
        visit.verdict("null session").0
    }

    /// Samba's answer to the opening; what follows the dialect is left out.
    fn negotiated() -> Vec<u8> {
        let mut message = b"\0\0\0\x46\xfeSMB\x40".to_vec();
        message.resize(4 + 64, 0);
        message.extend([0x41, 0, 1, 0, 0x02, 0x03]);
        message
    }

    #[test]
    fn it_is_recognised_by_an_answer_to_its_own_openings_only() {
        let recognised = |opening, bytes: &[u8]| Smb.recognises(&Reply { opening, bytes });
        assert!(recognised(Opening::Say(NEGOTIATE), &negotiated()));
        assert!(!recognised(Opening::Say(NEGOTIATE), &negotiated()[..40]));
        assert!(!recognised(Opening::Http, &negotiated()));
        assert!(!recognised(Opening::Say(NEGOTIATE), b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        assert!(recognised(Opening::Say(NETBIOS), b"\x82\0\0\0"));
        assert!(recognised(Opening::Say(NETBIOS), b"\x83\0\0\x01\x80"));
        assert!(recognised(Opening::Say(OLD), b"\0\0\0\x55\xffSMBr\0\0\0\0"));
    }

    #[test]
    fn the_old_opening_is_as_long_as_it_says() {
        assert_eq!((OLD.bytes)().len(), 4 + 0x2f);
    }

    #[test]
    fn a_session_alone_is_not_open() {
        assert_eq!(verdict(&visit(Err(0xc000_0022))), Verdict::Protected);
        assert_eq!(verdict(&visit(Err(0xc000_00cc))), Verdict::Unknown);
        let guest = Visit { guest: true, ..visit(Err(0xc000_0022)) };
        assert_eq!(verdict(&guest), Verdict::OpenPartial);
    }

    #[test]
    fn the_list_of_shares_is_not_their_content() {
        assert_eq!(verdict(&visit(Ok((2, 1)))), Verdict::OpenPartial);
        let entered = Visit { connected: 1, ..visit(Ok((2, 1))) };
        assert_eq!(verdict(&entered), Verdict::OpenPartial);
        let read = Visit { connected: 1, tried: 1, readable: 1, ..visit(Ok((2, 1))) };
        assert_eq!(verdict(&read), Verdict::Open);
    }

    #[test]
    fn a_refused_login_is_protected_and_an_odd_one_unknown() {
        let refused = |login| verdict(&Visit { login, ..Visit::default() });
        assert_eq!(refused(0xc000_006d), Verdict::Protected);
        assert_eq!(refused(0xc000_005e), Verdict::Unknown);
    }

    #[test]
    fn the_version_is_told_by_a_remark_that_was_not_changed() {
        assert_eq!(samba_version("IPC Service (Samba 4.17.12-Debian)").as_deref(), Some("4.17.12-Debian"));
        assert_eq!(samba_version("IPC Service (files)"), None);
        assert_eq!(samba_version("Remote IPC"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_recognised_without_panic(bytes: Vec<u8>) {
            for opening in [NEGOTIATE, NETBIOS, OLD] {
                let _ = Smb.recognises(&Reply { opening: Opening::Say(opening), bytes: &bytes });
            }
            let _ = netbios::complete(&bytes);
        }
    }
}
