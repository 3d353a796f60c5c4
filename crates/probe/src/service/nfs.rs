//! NFS 4 and 3 with its mount service, and the portmapper that names their ports:
//! <https://www.rfc-editor.org/rfc/rfc7530>, <https://www.rfc-editor.org/rfc/rfc1813>.
//!
//! With AUTH_SYS a client says who its user is and proves nothing, so whoever can enter an export reads as whom he
//! likes. The root of NFS 4 proves nothing: it is made up of the folders that lead to exports, and every address may
//! see it, possibly empty. An export is a change of file system below it; whether it is entered, and what may be done in
//! its first folder, decides (ACCESS; nothing in it is listed or read). Many servers trust ports below 1024 only, which
//! any administrator of any machine can use, so such a port is asked from where this process may.

use std::collections::VecDeque;

use model::{Proof, Proven, Surface, Verdict};
use net::{Conn, Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::codec::nfs::{self, Folder, Handle};
use crate::codec::onc_rpc::{self, Answer, Identity, Procedure, opaque};
use crate::{Opening, Reply, Words};

/// The probe.
pub struct Nfs;

const XID: u32 = 0x7761_7465;
/// The asserted user, `nobody`: the one that has no rights of its own.
const NOBODY: Identity = Identity { user: 65534, group: 65534 };
/// How many entries are looked up, how deep below the root, and how many exports are mounted.
const MOST_LOOKUPS: usize = 24;
const DEEPEST: u32 = 4;
const MOST_MOUNTS: usize = 8;

const NULL4: Procedure = Procedure { program: 100_003, version: 4, number: 0 };
const COMPOUND: Procedure = Procedure { number: 1, ..NULL4 };
const NULL3: Procedure = Procedure { version: 3, ..NULL4 };
const ACCESS3: Procedure = Procedure { number: 4, ..NULL3 };
const MOUNT_NULL: Procedure = Procedure { program: 100_005, version: 3, number: 0 };
const MOUNT: Procedure = Procedure { number: 1, ..MOUNT_NULL };
const UNMOUNT: Procedure = Procedure { number: 3, ..MOUNT_NULL };
const EXPORTS: Procedure = Procedure { number: 5, ..MOUNT_NULL };
const PORTMAPPER: Procedure = Procedure { program: 100_000, version: 2, number: 0 };

/// The opening: every RPC server says whether it has the program.
const PING: &Words =
    &Words { name: "NFS NULL", bytes: || onc_rpc::call(XID, NULL4, None, &[]), turn: Some(6) };

struct Client<'s> {
    session: &'s mut Session,
    conn: Conn,
    /// Whether it speaks from a port below 1024.
    low: bool,
    xid: u32,
}

impl Client<'_> {
    async fn call(
        &mut self,
        procedure: Procedure,
        who: Option<Identity>,
        arguments: &[u8],
    ) -> Result<Answer, Error> {
        self.xid = self.xid.wrapping_add(1);
        self.conn.send(&onc_rpc::call(self.xid, procedure, who, arguments)).await?;
        let record = self.conn.message(self.session.patience, onc_rpc::complete).await?;
        onc_rpc::answer(&record, self.xid).ok_or_else(|| Error::Malformed("no reply to this call".to_owned()))
    }

    fn note(&mut self, sent: impl Into<String>, received: impl Into<String>) {
        self.session.note(sent, received, &[], false);
    }

    /// Whether a program is there in this version.
    async fn has(&mut self, null: Procedure, name: &str) -> Result<bool, Error> {
        let answer = self.call(null, None, &[]).await?;
        self.note(format!("{name} NULL"), told(&answer));
        Ok(matches!(answer, Answer::Success(_)))
    }

    /// A compound of NFS 4 with the asserted identity: its results, or what a refusal means.
    async fn compound(&mut self, who: Identity, arguments: &[u8]) -> Result<Result<Vec<u8>, Refusal>, Error> {
        Ok(match self.call(COMPOUND, Some(who), arguments).await? {
            Answer::Success(results) => Ok(results),
            Answer::Refused(why) => Err(Refusal::Identity(why)),
            other => return Err(Error::Malformed(told(&other))),
        })
    }

    async fn folder(&mut self, of: Option<(&Handle, &[u8])>) -> Result<Result<Folder, Refusal>, Error> {
        let results = match self.compound(NOBODY, &nfs::ask_folder(of)).await? {
            Ok(results) => results,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let folder = nfs::folder(&results, of.is_some()).ok_or_else(malformed)?;
        Ok(folder.map_err(Refusal::Status))
    }

    /// What may be done in an export's folder: by nobody, or else by its owner, which is asserted as easily.
    async fn rights(&mut self, folder: &Folder) -> Result<u32, Error> {
        match folder.owner.filter(|owner| folder.rights & nfs::READ == 0 && owner.user != NOBODY.user) {
            None => Ok(folder.rights),
            Some(owner) => {
                let results = self.compound(owner, &nfs::ask_rights(&folder.handle)).await?;
                let rights = results.ok().and_then(|results| nfs::rights(&results)).unwrap_or(0);
                self.note("ACCESS as the owner of that folder", format!("rights {rights:#04x}"));
                Ok(rights)
            }
        }
    }
}

fn malformed() -> Error {
    Error::Malformed("the results do not fit the question".to_owned())
}

/// Why a question was refused.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Refusal {
    /// The identity is not taken (`auth_stat`).
    Identity(u32),
    /// A status of the file service.
    Status(u32),
}

impl Refusal {
    /// `low`: the question came from a port below 1024.
    fn verdict(self, low: bool) -> (Verdict, String) {
        match self {
            // Linux says so to addresses that no export names (net/sunrpc/svcauth_unix.c, svcauth_unix_set_client).
            Self::Identity(1) => {
                (Verdict::NetworkRestricted, "refused for this address (AUTH_BADCRED)".to_owned())
            }
            Self::Identity(5) => {
                (Verdict::Protected, "an asserted identity is refused (AUTH_TOOWEAK)".to_owned())
            }
            Self::Identity(why) => (Verdict::Unknown, format!("the asserted identity is refused ({why})")),
            Self::Status(nfs::WRONG_SECURITY) => {
                (Verdict::Protected, "a proven identity is demanded (NFS4ERR_WRONGSEC)".to_owned())
            }
            Self::Status(nfs::WRONG_MINOR_VERSION) => {
                (Verdict::Unknown, "speaks NFS 4.1 or newer only, which would need a session".to_owned())
            }
            Self::Status(nfs::NOT_PERMITTED | nfs::ACCESS_DENIED) if low => {
                (Verdict::NetworkRestricted, "refused for this address".to_owned())
            }
            Self::Status(nfs::NOT_PERMITTED | nfs::ACCESS_DENIED) => {
                let reason = "refused for this address, or because the question came from a port above 1023: \
                              root may ask from a lower one";
                (Verdict::Unknown, reason.to_owned())
            }
            Self::Status(status) => (Verdict::Unknown, format!("refused with status {status}")),
        }
    }
}

/// What was found of exports.
#[derive(Debug, Default, PartialEq)]
struct Found {
    /// How many are listed, or were met.
    exports: u64,
    entered: u64,
    readable: u64,
    writable: u64,
    /// Mounted, where the service that tells the rights is at another port.
    untold: u64,
    /// The worst refusal of one.
    refusal: Option<Refusal>,
}

impl Found {
    fn export(&mut self, rights: u32) {
        self.entered += 1;
        self.readable += u64::from(rights & nfs::READ != 0);
        self.writable += u64::from(rights & nfs::READ != 0 && rights & nfs::WRITE != 0);
    }

    fn refused(&mut self, refusal: Refusal, low: bool) {
        let worse = self.refusal.is_none_or(|known| refusal.verdict(low).0 < known.verdict(low).0);
        if worse {
            self.refusal = Some(refusal);
        }
    }

    fn verdict(&self, low: bool) -> (Verdict, String) {
        let write = match self.writable {
            0 => String::new(),
            some => format!(", {some} also written"),
        };
        if self.readable > 0 {
            let reason =
                format!("exports are read with an asserted user id (AUTH_SYS): {}{write}", self.readable);
            return (Verdict::Open, reason);
        }
        if self.untold > 0 {
            let reason = format!("exports are mounted with an asserted user id (AUTH_SYS): {}", self.untold);
            return (Verdict::Open, reason);
        }
        if self.entered > 0 {
            let reason = "exports are entered, but their first folder denies the user ids that were asserted";
            return (Verdict::OpenPartial, reason.to_owned());
        }
        match self.refusal {
            Some(refusal) => refusal.verdict(low),
            None => (Verdict::Unknown, "no export is visible to this address".to_owned()),
        }
    }
}

/// Walks from the root of NFS 4 to its exports.
async fn walk(client: &mut Client<'_>) -> Result<Found, Error> {
    let mut found = Found::default();
    let root = match client.folder(None).await? {
        Ok(root) => root,
        Err(refusal) => {
            client.note("NFS 4 PUTROOTFH, GETATTR, ACCESS as user 65534", format!("{refusal:?}"));
            found.refused(refusal, client.low);
            return Ok(found);
        }
    };
    client.note("NFS 4 PUTROOTFH, GETATTR, ACCESS as user 65534", format!("rights {:#04x}", root.rights));
    let mut lookups = 0;
    let mut folders = VecDeque::from([(root.clone(), 0)]);
    while let Some((folder, depth)) = folders.pop_front() {
        let results = client.compound(NOBODY, &nfs::ask_entries(&folder.handle)).await?;
        let Ok(results) = results else { continue };
        let Ok(entries) = nfs::entries(&results, root.file_system).ok_or_else(malformed)? else { continue };
        let told = format!("{} folders, {} files", entries.folders.len(), entries.files);
        client.note(format!("READDIR at depth {depth}, kinds only"), told);
        if entries.files > 0 {
            // Folders that only lead to exports hold no files: the root is an export itself.
            found.exports += 1;
            found.export(root.rights);
            return Ok(found);
        }
        for name in entries.folders {
            if lookups == MOST_LOOKUPS {
                return Ok(found);
            }
            lookups += 1;
            match client.folder(Some((&folder.handle, &name))).await? {
                Ok(inner) if inner.file_system != root.file_system => {
                    client.note(
                        format!("LOOKUP, GETATTR, ACCESS of folder {lookups}"),
                        format!("an export, rights {:#04x}", inner.rights),
                    );
                    found.exports += 1;
                    let rights = client.rights(&inner).await?;
                    found.export(rights);
                }
                Ok(inner) if inner.is_folder && depth < DEEPEST => folders.push_back((inner, depth + 1)),
                Ok(_) => {}
                Err(refusal) => {
                    client.note(format!("LOOKUP of folder {lookups}"), format!("{refusal:?}"));
                    found.exports += 1;
                    found.refused(refusal, client.low);
                }
            }
        }
    }
    Ok(found)
}

/// Asks the mount service for its exports, and mounts and unmounts them. `rights`: NFS 3 is at the same port.
async fn mounts(client: &mut Client<'_>, rights: bool) -> Result<Found, Error> {
    let mut found = Found::default();
    let paths = match client.call(EXPORTS, Some(NOBODY), &[]).await? {
        Answer::Success(list) => {
            let paths = nfs::exports(&list).ok_or_else(malformed)?;
            client.note("MOUNT EXPORT", format!("{} exports", paths.len()));
            found.exports = paths.len() as u64;
            paths
        }
        // Some servers have one export and no list.
        other => {
            client.note("MOUNT EXPORT", told(&other));
            vec![b"/".to_vec()]
        }
    };
    for (index, path) in paths.iter().take(MOST_MOUNTS).enumerate() {
        let path = opaque(path);
        let mounted = match client.call(MOUNT, Some(NOBODY), &path).await? {
            Answer::Success(result) => nfs::mounted(&result).ok_or_else(malformed)?.map_err(Refusal::Status),
            Answer::Refused(why) => Err(Refusal::Identity(why)),
            other => return Err(Error::Malformed(told(&other))),
        };
        let shown = match &mounted {
            Ok((_, true)) => "mounted, an asserted identity is taken".to_owned(),
            Ok((_, false)) => "mounted, a proven identity is demanded".to_owned(),
            Err(refusal) => format!("{refusal:?}"),
        };
        client.note(format!("MOUNT MNT of export {}", index + 1), shown);
        match mounted {
            Err(refusal) => found.refused(refusal, client.low),
            Ok((handle, asserted)) => {
                client.call(UNMOUNT, Some(NOBODY), &path).await?;
                match (asserted, rights) {
                    (false, _) => found.refused(Refusal::Status(nfs::WRONG_SECURITY), client.low),
                    (true, false) => found.untold += 1,
                    (true, true) => {
                        let rights = rights3(client, &handle).await?;
                        found.export(rights);
                    }
                }
            }
        }
    }
    found.exports = found.exports.max(found.entered + found.untold);
    Ok(found)
}

/// What may be done in a mounted folder: by nobody, or else by its owner.
async fn rights3(client: &mut Client<'_>, handle: &Handle) -> Result<u32, Error> {
    let mut who = NOBODY;
    for _ in 0..2 {
        let Answer::Success(result) = client.call(ACCESS3, Some(who), &nfs::ask_rights3(handle)).await?
        else {
            return Ok(0);
        };
        let Ok((rights, owner)) = nfs::rights3(&result).ok_or_else(malformed)? else { return Ok(0) };
        client.note(format!("NFS 3 ACCESS as user {}", who.user), format!("rights {rights:#04x}"));
        match owner {
            Some(owner) if rights & nfs::READ == 0 && owner != who => who = owner,
            _ => return Ok(rights),
        }
    }
    Ok(0)
}

fn told(answer: &Answer) -> String {
    match answer {
        Answer::Success(_) => "success".to_owned(),
        Answer::NoProgram => "no such program".to_owned(),
        Answer::NoVersion(low, high) => format!("versions {low} to {high} only"),
        Answer::NoProcedure => "no such procedure".to_owned(),
        Answer::Failed(why) => format!("failed with {why}"),
        Answer::Refused(why) => format!("refused with {why}"),
    }
}

async fn judge(session: &mut Session, opened: Opened) -> Result<Judgement, Error> {
    // It may have come from the wrong kind of port.
    drop(opened);
    let (conn, low) = session.connect_from_low_port().await?;
    let mut client = Client { session, conn, low, xid: XID };
    let four = client.has(NULL4, "NFS 4").await?;
    let three = client.has(NULL3, "NFS 3").await?;
    let mount = client.has(MOUNT_NULL, "MOUNT 3").await?;
    let mut judgement = Judgement::default();
    let mut add = |name: &str, found: &Found| {
        let (verdict, reason) = found.verdict(low);
        judgement.surfaces.push(Surface::new(name, verdict, reason));
        for (name, count) in [("exports", found.exports), ("readable exports", found.readable)] {
            let known = judgement.counts.entry(name.to_owned()).or_default();
            *known = count.max(*known);
        }
    };
    if four {
        match walk(&mut client).await {
            Ok(found) => add("v4", &found),
            // A server of NFS 3 that does not look at the version it is asked for, and is confused now (go-nfs).
            Err(Error::Malformed(_)) if three && mount => {
                (client.conn, client.low) = client.session.connect_from_low_port().await?;
            }
            Err(error) => return Err(error),
        }
    }
    if mount {
        let found = mounts(&mut client, three).await?;
        add("mount", &found);
    }
    if judgement.surfaces.is_empty() {
        let (product, reason) = if three {
            (None, "NFS 3 is served here; the mount service, which decides, is at another port")
        } else if client.has(PORTMAPPER, "portmapper").await? {
            (Some("rpcbind"), "not a data service: it names the ports of others")
        } else {
            (Some("ONC RPC"), "an RPC service, but neither NFS nor its mount service")
        };
        judgement = Judgement::of(Verdict::Unknown, reason);
        judgement.product = product.map(str::to_owned);
    }
    Ok(judgement)
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "nfs-ganesha 4.3"),
    Proven::new(Proof::Real, Verdict::Protected, "nfs-ganesha 4.3"),
    // svcauth_unix_set_client and nfsd_setuser_and_check_port of Linux.
    Proven::new(Proof::Transcript, Verdict::NetworkRestricted, "Linux, its answers read in the source"),
];

impl Service for Nfs {
    fn about(&self) -> About<'_> {
        About {
            id: "nfs",
            product: "NFS",
            ports: &[2049, 20048, 111],
            openings: &[Opening::Say(PING)],
            proven_on: PROVEN,
        }
    }

    fn recognises(&self, reply: &Reply<'_>) -> bool {
        let asked = matches!(reply.opening, Opening::Say(words) if words == PING);
        asked
            && matches!(onc_rpc::complete(reply.bytes), Ok(Some(length))
                if reply.bytes.get(..length).is_some_and(|record| onc_rpc::answer(record, XID).is_some()))
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
    fn every_rpc_server_is_recognised_by_its_reply_to_the_opening() {
        let recognised = |opening, bytes: &[u8]| Nfs.recognises(&Reply { opening, bytes });
        let reply = |numbers: &[u32]| {
            let body = onc_rpc::words(numbers);
            [onc_rpc::words(&[1 << 31 | u32::try_from(body.len()).unwrap()]), body].concat()
        };
        let ping = Opening::Say(PING);
        assert!(recognised(ping, &reply(&[XID, 1, 0, 0, 0, 0])));
        // Another version, another program.
        assert!(recognised(ping, &reply(&[XID, 1, 0, 0, 0, 2, 3, 3])));
        assert!(recognised(ping, &reply(&[XID, 1, 0, 0, 0, 1])));
        // Another call's reply; half a reply; an echo; another opening.
        assert!(!recognised(ping, &reply(&[1, 1, 0, 0, 0, 0])));
        assert!(!recognised(ping, &reply(&[XID, 1, 0, 0, 0, 0])[..20]));
        assert!(!recognised(ping, &(PING.bytes)()));
        assert!(!recognised(Opening::Http, &reply(&[XID, 1, 0, 0, 0, 0])));
    }

    fn found() -> Found {
        Found { exports: 1, ..Found::default() }
    }

    #[test]
    fn an_empty_root_is_neither_open_nor_shut() {
        assert_eq!(Found::default().verdict(true).0, Verdict::Unknown);
    }

    #[test]
    fn entering_is_open_when_the_first_folder_may_be_read() {
        let mut read = found();
        read.export(nfs::READ);
        assert_eq!(read.verdict(true).0, Verdict::Open);
        let mut denied = found();
        denied.export(0);
        assert_eq!(denied.verdict(true).0, Verdict::OpenPartial);
        assert_eq!(Found { untold: 1, ..found() }.verdict(true).0, Verdict::Open);
    }

    #[test]
    fn a_refusal_may_be_about_the_port_when_it_is_a_high_one() {
        let refused = |status| Found { refusal: Some(Refusal::Status(status)), ..found() };
        assert_eq!(refused(nfs::ACCESS_DENIED).verdict(true).0, Verdict::NetworkRestricted);
        assert_eq!(refused(nfs::ACCESS_DENIED).verdict(false).0, Verdict::Unknown);
        assert_eq!(refused(nfs::WRONG_SECURITY).verdict(false).0, Verdict::Protected);
        assert_eq!(refused(70).verdict(true).0, Verdict::Unknown);
        let refused = |why| Found { refusal: Some(Refusal::Identity(why)), ..found() };
        assert_eq!(refused(1).verdict(false).0, Verdict::NetworkRestricted);
        assert_eq!(refused(5).verdict(false).0, Verdict::Protected);
    }

    #[test]
    fn of_two_refusals_the_worse_counts() {
        let mut both = found();
        both.refused(Refusal::Status(nfs::WRONG_SECURITY), true);
        both.refused(Refusal::Status(nfs::ACCESS_DENIED), true);
        both.refused(Refusal::Status(nfs::WRONG_SECURITY), true);
        assert_eq!(both.verdict(true).0, Verdict::NetworkRestricted);
    }
}
