//! Questions of NFS 4 ([RFC 7530](https://www.rfc-editor.org/rfc/rfc7530)), NFS 3 and its mount service
//! ([RFC 1813](https://www.rfc-editor.org/rfc/rfc1813)) and what is in the answers.

use super::onc_rpc::{Identity, Xdr, opaque, words};

pub(crate) const OK: u32 = 0;
pub(crate) const NOT_PERMITTED: u32 = 1;
pub(crate) const ACCESS_DENIED: u32 = 13;
pub(crate) const WRONG_SECURITY: u32 = 10016;
pub(crate) const WRONG_MINOR_VERSION: u32 = 10021;

/// Rights of ACCESS, the same in both versions: read, look up, modify, extend.
pub(crate) const READ: u32 = 0x1;
pub(crate) const WRITE: u32 = 0x4 | 0x8;
const RIGHTS: u32 = READ | 0x2 | WRITE;

const GETATTR: u32 = 9;
const GETFH: u32 = 10;
const LOOKUP: u32 = 15;
const PUTFH: u32 = 22;
const PUTROOTFH: u32 = 24;
const READDIR: u32 = 26;
const ACCESS: u32 = 3;
const DIRECTORY: u32 = 2;

/// Most bytes of a folder's list that are asked for, and most entries that are looked at.
const LIST_BYTES: u32 = 8192;
const MOST_ENTRIES: usize = 256;
/// Most exports and groups that are counted.
const MOST_EXPORTS: usize = 4096;

/// A file handle.
pub(crate) type Handle = Vec<u8>;

/// What is known about a folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Folder {
    pub(crate) handle: Handle,
    pub(crate) is_folder: bool,
    /// Which file system it is in. An export's is another than that of the folders that lead to it.
    pub(crate) file_system: (u64, u64),
    /// Its owner, where told as a number.
    pub(crate) owner: Option<Identity>,
    /// What the asserted identity may do.
    pub(crate) rights: u32,
}

/// A compound of operations.
fn compound(operations: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(operations.len()).unwrap_or(0);
    // No tag, minor version 0.
    [words(&[0, 0, count]), operations.concat()].concat()
}

fn put(folder: Option<&Handle>) -> Vec<u8> {
    match folder {
        None => words(&[PUTROOTFH]),
        Some(handle) => [words(&[PUTFH]), opaque(handle)].concat(),
    }
}

/// Asks about the root, or about the entry `name` of a folder.
pub(crate) fn ask_folder(of: Option<(&Handle, &[u8])>) -> Vec<u8> {
    // Kind, file system; owner, group.
    let facts = words(&[GETATTR, 2, 1 << 1 | 1 << 8, 1 << 4 | 1 << 5]);
    let rest = [words(&[GETFH]), facts, words(&[ACCESS, RIGHTS])];
    let mut operations = vec![put(of.map(|(handle, _)| handle))];
    if let Some((_, name)) = of {
        operations.push([words(&[LOOKUP]), opaque(name)].concat());
    }
    operations.extend(rest);
    compound(&operations)
}

/// Asks what the asserted identity may do in a folder.
pub(crate) fn ask_rights(of: &Handle) -> Vec<u8> {
    compound(&[put(Some(of)), words(&[ACCESS, RIGHTS])])
}

/// Asks for the entries of a folder, with kind, file system and error.
pub(crate) fn ask_entries(of: &Handle) -> Vec<u8> {
    let list = words(&[READDIR, 0, 0, 0, 0, LIST_BYTES / 4, LIST_BYTES, 1, 1 << 1 | 1 << 8 | 1 << 11]);
    compound(&[put(Some(of)), list])
}

/// The results of a compound: its status, and the results of its operations one after another.
struct Results<'a> {
    xdr: Xdr<'a>,
}

impl<'a> Results<'a> {
    fn read(bytes: &'a [u8]) -> Option<(u32, Self)> {
        let mut xdr = Xdr(bytes);
        let status = xdr.word()?;
        let _tag = xdr.opaque(1024)?;
        let _count = xdr.word()?;
        Some((status, Self { xdr }))
    }

    /// The results of the next operation, which must be this one and have succeeded.
    fn next(&mut self, operation: u32) -> Option<&mut Xdr<'a>> {
        let right = self.xdr.word()? == operation && self.xdr.word()? == OK;
        right.then_some(&mut self.xdr)
    }
}

/// Attributes that were asked for, in the order of their numbers.
#[derive(Default)]
struct Attributes {
    kind: u32,
    file_system: (u64, u64),
    error: u32,
    owner: Option<u32>,
    group: Option<u32>,
}

fn attributes(xdr: &mut Xdr<'_>) -> Option<Attributes> {
    let count = xdr.word()?;
    let mut bits = Vec::new();
    for index in 0..count.min(3) {
        let word = xdr.word()?;
        bits.extend((0..32).filter(|bit| word >> bit & 1 == 1).map(|bit| index * 32 + bit));
    }
    let mut values = Xdr(xdr.opaque(4096)?);
    let mut found = Attributes::default();
    for bit in bits {
        match bit {
            1 => found.kind = values.word()?,
            8 => found.file_system = (values.double()?, values.double()?),
            11 => found.error = values.word()?,
            36 => found.owner = number(values.opaque(1024)?),
            37 => found.group = number(values.opaque(1024)?),
            _ => return None,
        }
    }
    Some(found)
}

/// The number of a user or a group: NFS 4 may tell a number or a name.
fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.split('@').next()?.parse().ok()
}

/// Reads the answer to [`ask_folder`]: the folder, or the status of the refusal.
pub(crate) fn folder(bytes: &[u8], of_entry: bool) -> Option<Result<Folder, u32>> {
    let (status, mut results) = Results::read(bytes)?;
    if status != OK {
        return Some(Err(status));
    }
    results.next(if of_entry { PUTFH } else { PUTROOTFH })?;
    if of_entry {
        results.next(LOOKUP)?;
    }
    let handle = results.next(GETFH)?.opaque(128)?.to_vec();
    let facts = attributes(results.next(GETATTR)?)?;
    let access = results.next(ACCESS)?;
    let (_supported, rights) = (access.word()?, access.word()?);
    let owner = facts.owner.map(|user| Identity { user, group: facts.group.unwrap_or(user) });
    let is_folder = facts.kind == DIRECTORY;
    Some(Ok(Folder { handle, is_folder, file_system: facts.file_system, owner, rights }))
}

/// Reads the answer to [`ask_rights`].
pub(crate) fn rights(bytes: &[u8]) -> Option<u32> {
    let (_, mut results) = Results::read(bytes)?;
    results.next(PUTFH)?;
    let access = results.next(ACCESS)?;
    let _supported = access.word()?;
    access.word()
}

/// Entries of a folder.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Entries {
    /// Names of folders, and of what the server tells nothing about. For use in this conversation only.
    pub(crate) folders: Vec<Vec<u8>>,
    /// Files that are in the file system of the folder itself.
    pub(crate) files: u64,
}

/// Reads the answer to [`ask_entries`] about a folder of `file_system`.
pub(crate) fn entries(bytes: &[u8], file_system: (u64, u64)) -> Option<Result<Entries, u32>> {
    let (status, mut results) = Results::read(bytes)?;
    if status != OK {
        return Some(Err(status));
    }
    results.next(PUTFH)?;
    let list = results.next(READDIR)?;
    let _verifier = list.double()?;
    let mut entries = Entries::default();
    for _ in 0..MOST_ENTRIES {
        if list.word()? == 0 {
            break;
        }
        let _cookie = list.double()?;
        let name = list.opaque(255)?;
        let facts = attributes(list)?;
        if facts.error != OK || facts.kind == DIRECTORY {
            entries.folders.push(name.to_vec());
        } else if facts.file_system == file_system {
            entries.files += 1;
        }
    }
    Some(Ok(entries))
}

/// Reads the mount service's list of exports: their paths. For use in this conversation only.
pub(crate) fn exports(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut xdr = Xdr(bytes);
    let mut paths = Vec::new();
    for _ in 0..MOST_EXPORTS {
        if xdr.word()? == 0 {
            return Some(paths);
        }
        paths.push(xdr.opaque(1024)?.to_vec());
        for _ in 0..MOST_EXPORTS {
            if xdr.word()? == 0 {
                break;
            }
            xdr.opaque(255)?;
        }
    }
    Some(paths)
}

/// Reads the answer to a mount: the handle, and whether an asserted identity is enough; or the status of the refusal.
pub(crate) fn mounted(bytes: &[u8]) -> Option<Result<(Handle, bool), u32>> {
    let mut xdr = Xdr(bytes);
    match xdr.word()? {
        OK => {
            let handle = xdr.opaque(64)?.to_vec();
            let flavours = xdr.word()?;
            // AUTH_NONE and AUTH_SYS; the others are RPCSEC_GSS. An old server lists none.
            let mut asserted = flavours == 0;
            for _ in 0..flavours.min(32) {
                asserted |= xdr.word()? <= 1;
            }
            Some(Ok((handle, asserted)))
        }
        status => Some(Err(status)),
    }
}

/// Arguments of ACCESS of NFS 3.
pub(crate) fn ask_rights3(of: &Handle) -> Vec<u8> {
    [opaque(of), words(&[RIGHTS])].concat()
}

/// Reads the answer to ACCESS of NFS 3: the rights and the owner, or the status of the refusal.
pub(crate) fn rights3(bytes: &[u8]) -> Option<Result<(u32, Option<Identity>), u32>> {
    let mut xdr = Xdr(bytes);
    let status = xdr.word()?;
    let mut owner = None;
    if xdr.word()? != 0 {
        // Kind, mode, links; owner and group; the rest of 84 bytes.
        xdr.skip(12)?;
        owner = Some(Identity { user: xdr.word()?, group: xdr.word()? });
        xdr.skip(64)?;
    }
    if status != OK {
        return Some(Err(status));
    }
    Some(Ok((xdr.word()?, owner)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// nfs-ganesha 4.3: the entries of the root, of which one is an export; no names but `lab`.
    const ENTRIES: &str = "000000000000000000000002000000160000000\
        00000001a0000000052f27f24516feb18000000010000000000000003000000036c616200000000010000090200000018000000\
        020000000032cf2c8b00000000cc251481000000000000000000000001";

    /// The same where the address may see no export.
    const NOTHING: &str = "000000000000000000000002000000160000000\
        00000001a000000005f7df625516feb180000000000000001";

    #[test]
    fn folders_that_lead_to_exports_are_found() {
        let found = entries(&bytes(ENTRIES), (0x98, 0x98)).unwrap().unwrap();
        assert_eq!(found, Entries { folders: vec![b"lab".to_vec()], files: 0 });
        let nothing = entries(&bytes(NOTHING), (0x98, 0x98)).unwrap().unwrap();
        assert_eq!(nothing, Entries::default());
    }

    #[test]
    fn a_refusal_has_a_status_and_nothing_else() {
        // nfs-ganesha 4.3: LOOKUP of an export that this address may not see.
        let refused = bytes(
            "0000000200000000000000020000001800000000\
            0000000f00000002",
        );
        assert_eq!(folder(&refused, true), Some(Err(2)));
        assert_eq!(entries(&refused, (0, 0)), Some(Err(2)));
        assert_eq!(rights(&refused), None);
    }

    #[test]
    fn a_folder_has_an_owner_and_rights() {
        let mut answer = words(&[0, 0, 5, PUTFH, 0, LOOKUP, 0, GETFH, 0, 4, 0x0102_0304]);
        answer.extend(words(&[GETATTR, 0, 2, 0x102, 0x10, 28, 2, 0, 7, 0, 8, 4]));
        answer.extend(b"1001");
        answer.extend(words(&[ACCESS, 0, 15, 3]));
        let expected = Folder {
            handle: vec![1, 2, 3, 4],
            is_folder: true,
            file_system: (7, 8),
            owner: Some(Identity { user: 1001, group: 1001 }),
            rights: 3,
        };
        assert_eq!(folder(&answer, true), Some(Ok(expected)));
        for end in 0..answer.len() {
            let _ = folder(&answer[..end], true);
        }
        assert_eq!(number(b"1001@example.org"), Some(1001));
        assert_eq!(number(b"root@example.org"), None);
    }

    #[test]
    fn exports_are_counted_with_and_without_groups() {
        let mut list = words(&[1]);
        list.extend(opaque(b"/srv"));
        list.extend(words(&[1]));
        list.extend(opaque(b"192.0.2.9"));
        list.extend(words(&[0, 1]));
        list.extend(opaque(b"/home"));
        list.extend(words(&[0, 0]));
        assert_eq!(exports(&list).map(|paths| paths.len()), Some(2));
        assert_eq!(exports(&list[..10]), None);
    }

    #[test]
    fn a_mount_that_demands_kerberos_is_not_taken_for_one_that_does_not() {
        let answer = |flavours: &[u32]| {
            let count = u32::try_from(flavours.len()).unwrap();
            mounted(&[words(&[0, 4, 9, count]), words(flavours)].concat()).unwrap().unwrap().1
        };
        assert!(answer(&[390_003, 1]) && answer(&[]));
        assert!(!answer(&[390_003, 390_004]));
        assert_eq!(mounted(&words(&[13])), Some(Err(13)));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(random: Vec<u8>, base: bool) {
            let random = if base { [bytes(ENTRIES), random].concat() } else { random };
            let _ = (folder(&random, true), folder(&random, false), entries(&random, (0, 0)));
            let _ = (rights(&random), exports(&random), mounted(&random), rights3(&random));
        }
    }
}
