//! The objects of a repository: packed ones through `gix-pack`, loose ones through zlib. Alternates are not followed.
//!
//! What a file says about sizes is a stranger's word: nothing is allocated beyond the limit, and a chain of deltas ends.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;

use flate2::read::ZlibDecoder;
use gix_hash::{Kind, ObjectId, oid};
use gix_pack::data::decode::{entry, header};
use gix_pack::{data, index};

use super::layout::{Layout, names};

/// Bases by name that one object may lead through. Git makes no chain longer than 4,095
/// (<https://git-scm.com/docs/git-config#Documentation/git-config.txt-packdepth>).
const LONGEST_CHAIN: u32 = 4_096;
/// Memory for bases that are likely to be needed again.
const CACHE_BYTES: usize = 96 << 20;

/// What an object is.
pub(super) use gix_object::Kind as What;

/// Why an object was not had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not there.
    Missing,
    /// It has more bytes than are taken.
    Large(u64),
    /// It is there and makes no sense.
    Damaged,
}

/// Where an object lies. In this order they are read fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Which pack; after all packs, the loose ones.
    pack: usize,
    offset: u64,
}

struct Pack {
    index: index::File<gix_pack::MMap>,
    data: data::File<gix_pack::MMap>,
}

/// All objects.
pub(super) struct Objects {
    hash: Kind,
    limit: u64,
    packs: Vec<Pack>,
    /// Names of packs that could not be opened.
    pub(super) broken_packs: Vec<String>,
    /// A pack says that objects are left out on purpose.
    pub(super) partial: bool,
    folder: PathBuf,
    inflate: gix_zlib::Inflate,
    cache: gix_pack::cache::lru::MemoryCappedHashmap,
    recent: Cell<usize>,
}

impl Objects {
    /// Opens all packs; an object has at most `limit` bytes.
    pub(super) fn open(layout: &Layout, limit: u64) -> Self {
        let folder = layout.git.join("objects");
        let (mut packs, mut broken_packs, mut partial) = (Vec::new(), Vec::new(), false);
        let cap = usize::try_from(limit).unwrap_or(usize::MAX);
        for name in names(&folder.join("pack")) {
            partial |= name.ends_with(".promisor");
            let Some(stem) = name.strip_suffix(".idx") else { continue };
            let path = folder.join("pack").join(&name);
            let plain = |path: &PathBuf| std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
            let pack = path.with_extension("pack");
            let opened = (plain(&path) && plain(&pack)).then(|| {
                let index = index::File::at(&path, layout.hash).ok()?;
                let data = data::File::at(&pack, layout.hash).ok()?.with_alloc_limit_bytes(Some(cap));
                Some(Pack { index, data })
            });
            match opened.flatten() {
                Some(pack) => packs.push(pack),
                None => broken_packs.push(stem.to_owned()),
            }
        }
        Self {
            hash: layout.hash,
            limit,
            packs,
            broken_packs,
            partial,
            folder,
            inflate: gix_zlib::Inflate::default(),
            cache: gix_pack::cache::lru::MemoryCappedHashmap::new(CACHE_BYTES),
            recent: Cell::new(0),
        }
    }

    /// How objects are named.
    pub(super) fn hash(&self) -> Kind {
        self.hash
    }

    /// Where the object lies, if it is there.
    pub(super) fn spot(&self, id: &oid) -> Option<Spot> {
        let recent = self.recent.get();
        let others = (0..self.packs.len()).filter(|&pack| pack != recent);
        for pack in std::iter::once(recent).chain(others) {
            let Some(index) = self.packs.get(pack).map(|pack| &pack.index) else { continue };
            if let Some(at) = index.lookup(id) {
                self.recent.set(pack);
                return Some(Spot { pack, offset: index.pack_offset_at_index(at) });
            }
        }
        self.loose_path(id).is_file().then_some(Spot { pack: usize::MAX, offset: 0 })
    }

    /// What an object is and how long, without reading it.
    pub(super) fn header(&mut self, id: &oid) -> Result<(What, u64), Fault> {
        let spot = self.spot(id).ok_or(Fault::Missing)?;
        let Some(pack) = self.packs.get(spot.pack) else {
            let (what, size, _) = self.loose(id)?;
            return Ok((what, size));
        };
        let entry = pack.data.entry(spot.offset).map_err(|_| Fault::Damaged)?;
        let steps = Cell::new(0);
        let resolve = |id: &oid| Ok(base(pack, id, &steps).map(header::ResolvedBase::InPack));
        let found =
            pack.data.decode_header(entry, &mut self.inflate, &resolve).map_err(|_| Fault::Damaged)?;
        Ok((found.kind, found.object_size))
    }

    /// Reads an object into `out`.
    pub(super) fn read(&mut self, id: &oid, out: &mut Vec<u8>) -> Result<What, Fault> {
        let spot = self.spot(id).ok_or(Fault::Missing)?;
        out.clear();
        let Some(pack) = self.packs.get(spot.pack) else {
            let (what, size, mut rest) = self.loose(id)?;
            if size > self.limit {
                return Err(Fault::Large(size));
            }
            rest.by_ref().take(size).read_to_end(out).map_err(|_| Fault::Damaged)?;
            return if out.len() as u64 == size { Ok(what) } else { Err(Fault::Damaged) };
        };
        let steps = Cell::new(0);
        let resolve = |id: &oid, _: &mut Vec<u8>| Ok(base(pack, id, &steps).map(entry::ResolvedBase::InPack));
        let entry = pack.data.entry(spot.offset).map_err(|_| Fault::Damaged)?;
        let found = pack.data.decode_entry(entry, out, &mut self.inflate, &resolve, &mut self.cache);
        match found {
            Ok(found) => Ok(found.kind),
            Err(_) => match self.header(id)? {
                (_, size) if size > self.limit => Err(Fault::Large(size)),
                _ => Err(Fault::Damaged),
            },
        }
    }

    /// The bytes of an object that is too long to be held, where it is stored whole.
    pub(super) fn stream(&self, id: &oid) -> Option<Box<dyn Read + '_>> {
        let spot = self.spot(id)?;
        let Some(pack) = self.packs.get(spot.pack) else {
            let (_, size, rest) = self.loose(id).ok()?;
            return Some(Box::new(rest.take(size)));
        };
        let entry = pack.data.entry(spot.offset).ok()?;
        if entry.header.is_delta() {
            return None;
        }
        let end = u64::try_from(pack.data.data_len()).ok()?;
        let bytes = pack.data.entry_slice(entry.data_offset..end)?;
        Some(Box::new(ZlibDecoder::new(bytes).take(entry.decompressed_size)))
    }

    /// Shows every object's name, also of those that nothing leads to; an object in two packs is shown twice.
    pub(super) fn each(&self, mut show: impl FnMut(ObjectId)) {
        for pack in &self.packs {
            pack.index.iter().for_each(|entry| show(entry.oid));
        }
        for folder in names(&self.folder).into_iter().filter(|name| name.len() == 2) {
            for name in names(&self.folder.join(&folder)) {
                if let Ok(id) = ObjectId::from_hex(format!("{folder}{name}").as_bytes()) {
                    show(id);
                }
            }
        }
    }

    fn loose_path(&self, id: &oid) -> PathBuf {
        let hex = id.to_hex().to_string();
        let (folder, name) = hex.split_at_checked(2).unwrap_or_default();
        self.folder.join(folder).join(name)
    }

    /// The kind and size that a loose object tells, and the rest of it.
    fn loose(&self, id: &oid) -> Result<(What, u64, impl Read + use<>), Fault> {
        let path = self.loose_path(id);
        let meta = std::fs::symlink_metadata(&path).map_err(|_| Fault::Missing)?;
        if !meta.is_file() {
            return Err(Fault::Damaged);
        }
        let mut reader = BufReader::new(ZlibDecoder::new(File::open(path).map_err(|_| Fault::Damaged)?));
        let mut head = Vec::new();
        for byte in reader.by_ref().take(32).bytes() {
            match byte.map_err(|_| Fault::Damaged)? {
                0 => {
                    let text = std::str::from_utf8(&head).map_err(|_| Fault::Damaged)?;
                    let (kind, size) = text.split_once(' ').ok_or(Fault::Damaged)?;
                    let kind = What::from_bytes(kind.as_bytes()).map_err(|_| Fault::Damaged)?;
                    return Ok((kind, size.parse().map_err(|_| Fault::Damaged)?, reader));
                }
                byte => head.push(byte),
            }
        }
        Err(Fault::Damaged)
    }
}

/// The base of a delta that names it, in the same pack. Two that name each other would never end.
fn base(pack: &Pack, id: &oid, steps: &Cell<u32>) -> Option<data::Entry> {
    steps.set(steps.get() + 1);
    if steps.get() > LONGEST_CHAIN {
        return None;
    }
    let at = pack.index.lookup(id)?;
    pack.data.entry(pack.index.pack_offset_at_index(at)).ok()
}
