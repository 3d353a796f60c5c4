//! What is done with a row.

use super::Tools;
use super::column::{ColumnState, digest_length};
use super::part::PartState;
use crate::column::{Shape, decode, digest_bytes};
use crate::people::{Digests, Insert, Key, Known, Space};
use crate::personal::{Identifies, KindId};
use crate::{Cell, ColumnId};

/// One row in so many of a settled part is looked at as a whole.
pub(super) const ONE_IN: u64 = 64;

/// Identifiers of one row that are remembered until its part is settled.
const OF_A_ROW: usize = 64;

/// And of all rows of a part; it is settled earlier when there are so many.
const OF_A_PART: usize = 600_000;

/// Room that is used again for each row.
#[derive(Default)]
pub(super) struct Scratch {
    keys: Vec<Key>,
    /// The cells that the keys come from.
    cells: Vec<(Key, usize)>,
    canonical: Vec<u8>,
    digest: Vec<u8>,
}

/// Something of a row that matters as soon as it is known what its column holds.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    row: u64,
    column: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Identifier(KindId, u64, Known),
    Digest(u16, u64),
    /// A value that is no identifier, in a column of which most are.
    Unclear(u64),
    /// A date of birth: whether of a minor.
    Born(bool),
}

impl PartState {
    /// A row of the first pass.
    pub(super) fn row(&mut self, cells: &[Cell<'_>], tools: &mut Tools) {
        self.add_row();
        if self.settled {
            self.look_at_row(cells, tools);
            self.count(cells, self.counts(), false, tools);
            return;
        }
        let room = self.pending.len() + OF_A_ROW;
        for &(column, value) in cells {
            self.learn(column, value, room, tools);
        }
        self.looked_rows += 1;
        if self.rows >= tools.options.sample_rows || self.pending.len() >= OF_A_PART {
            self.settle(tools);
        }
    }

    /// A row of the second pass.
    pub(super) fn row_of_full_pass(&mut self, cells: &[Cell<'_>], tools: &mut Tools) {
        self.rows_in_full = self.rows_in_full.map(|rows| rows + 1);
        self.count(cells, true, true, tools);
    }

    /// Looks at a value of a part that is not settled, and keeps what may matter later.
    fn learn(&mut self, id: ColumnId, value: &[u8], room: usize, tools: &mut Tools) {
        let counts = self.counts();
        let row = self.rows;
        let Some(column) = self.columns.get_mut(id.0) else { return };
        column.values += 1;
        let pending = &mut self.pending;
        let mut keep = |what| {
            if counts && pending.len() < room {
                pending.push(Pending { row, column: id.0, what });
            }
        };
        let identifier = column.look(value, 1, &self.location, tools, &mut keep);
        if !identifier && 2 * column.candidates > column.values {
            keep(What::Unclear(tools.raw.hash(value)));
        }
    }

    /// Looks at the values of columns that are new, and at all values in some rows.
    fn look_at_row(&mut self, cells: &[Cell<'_>], tools: &mut Tools) {
        let every = self.rows >= self.next_look;
        if every {
            // Gaps are drawn so that each row has the same chance; in the mean they are as long as ONE_IN.
            self.next_look = self.rows + self.random.u64(1..2 * ONE_IN);
            self.looked_rows += 1;
        }
        let mut found = false;
        for &(id, value) in cells {
            let Some(column) = self.columns.get_mut(id.0) else { continue };
            column.values += 1;
            let Some(profile) = &column.profile else { continue };
            let new = profile.looked() < tools.options.sample_rows;
            if new || every {
                column.look(value, if new { 1 } else { ONE_IN }, &self.location, tools, &mut |_| {});
                found |= column.decide_again(tools.look.about(), &tools.present);
            }
        }
        if found {
            self.late();
        }
    }

    /// Counts the persons of a row by the columns that are known to hold identifiers.
    fn count(&mut self, cells: &[Cell<'_>], people: bool, full: bool, tools: &mut Tools) {
        if !self.reads {
            return;
        }
        let mut scratch = std::mem::take(&mut tools.scratch);
        scratch.keys.clear();
        scratch.cells.clear();
        let (mut unclear, mut born) = (None, None);
        for (at, &(id, value)) in cells.iter().enumerate() {
            let Some(column) = self.columns.get_mut(id.0) else { continue };
            if let Some(kind) = column.born {
                born = Some((kind, value));
            }
            if column.roles.is_empty() && !column.may_join() {
                continue;
            }
            match column.identify(value, full, tools, &mut scratch) {
                Some(key) => {
                    scratch.keys.push(key);
                    scratch.cells.push((key, at));
                }
                None if !column.roles.is_empty() => unclear = Some(value),
                None => {}
            }
        }
        if people && !self.has_roles {
            // Digests that may be joined, and nothing to count.
        } else if people && scratch.keys.is_empty() && unclear.is_some() {
            self.census.unclear_row(tools.raw.hash(unclear.unwrap_or_default()));
        } else if people {
            let Scratch { keys, cells: from, .. } = &mut scratch;
            self.census.row(keys, |key| {
                let cell = from.iter().find(|(of, _)| *of == key).and_then(|(_, at)| cells.get(*at));
                let mut known = cell.map(|(_, value)| tools.known(key.space.kind, value)).unwrap_or_default();
                if known.minor.is_none() {
                    known.minor = born.and_then(|(kind, value)| tools.is_minor(kind, value));
                }
                known
            });
        }
        tools.scratch = scratch;
    }

    /// Counts the persons of the rows that were read before the part was settled.
    pub(super) fn count_pending(&mut self, pending: &[Pending]) {
        let mut with = 0;
        for row in pending.chunk_by(|one, two| one.row == two.row) {
            with += u64::from(self.count_pending_row(row));
        }
        for _ in with..self.rows {
            self.census.row(&mut [], |_| Known::default());
        }
    }

    /// Whether anything of a row counts.
    fn count_pending_row(&mut self, row: &[Pending]) -> bool {
        let (mut keys, mut unclear) = (Vec::new(), None);
        let born = row.iter().find_map(|pending| match pending.what {
            What::Born(minor) if self.columns.get(pending.column)?.born.is_some() => Some(minor),
            _ => None,
        });
        for pending in row {
            let Some(column) = self.columns.get_mut(pending.column) else { continue };
            let (hash, wanted, known) = match &pending.what {
                What::Identifier(kind, hash, known) => (*hash, (Some(*kind), 0), known.clone()),
                What::Digest(bytes, hash) => (*hash, (None, *bytes), Known::default()),
                What::Unclear(hash) => {
                    unclear = unclear.or(Some(*hash).filter(|_| !column.roles.is_empty()));
                    continue;
                }
                What::Born(_) => continue,
            };
            let fits =
                |space: Space| space.digest == wanted.1 && wanted.0.is_none_or(|kind| kind == space.kind);
            let Some(role) = column.roles.iter().find(|role| fits(role.space)) else { continue };
            let key = Key { space: role.space, hash };
            // A value that two kinds accept is counted by the first of the column's roles, as it is later.
            if !keys
                .iter()
                .any(|(other, at, _): &(Key, usize, Known)| *at == pending.column && other.space != key.space)
            {
                if key.space.digest == 0 {
                    column.distinct.insert(hash);
                }
                keys.push((key, pending.column, known));
            }
        }
        if keys.is_empty() {
            unclear.iter().for_each(|hash| self.census.unclear_row(*hash));
            return unclear.is_some();
        }
        let mut plain: Vec<Key> = keys.iter().map(|(key, _, _)| *key).collect();
        self.census.row(&mut plain, |key| {
            let known = keys.iter().find(|(of, _, _)| *of == key).map(|(_, _, known)| known.clone());
            let mut known = known.unwrap_or_default();
            known.minor = known.minor.or(born);
            known
        });
        true
    }
}

impl ColumnState {
    /// Looks at a value. What of it may matter later is handed to `keep`. Says whether it is an identifier of a person.
    fn look(
        &mut self,
        value: &[u8],
        weight: u64,
        location: &str,
        tools: &mut Tools,
        keep: &mut dyn FnMut(What),
    ) -> bool {
        let Some(profile) = &mut self.profile else { return false };
        let seen = tools.look.at(value);
        profile.add(&seen, tools.raw.hash(value), weight);
        let identifiers: Vec<KindId> = seen.hits.iter().filter(|hit| hit.valid).map(|hit| hit.kind).collect();
        let digest = digest_length(seen.shape).map(|length| (length, tools.digest.hash(seen.bytes)));
        let plain = seen.plain.to_vec();
        if matches!(seen.shape, Shape::Text | Shape::Other | Shape::Bytes(_) | Shape::Password) {
            tools.found.in_value(location, &self.name, value, weight, &tools.secrets);
        }
        if let Some((length, hash)) = digest {
            self.hashes.insert(hash);
            keep(What::Digest(length, hash));
        }
        let mut identifier = false;
        for kind in identifiers {
            identifier |= self.keep_identifier(kind, &plain, !identifier, tools, keep);
        }
        self.candidates += u64::from(identifier || digest.is_some());
        identifier || digest.is_some()
    }

    fn keep_identifier(
        &mut self,
        kind: KindId,
        value: &[u8],
        first: bool,
        tools: &mut Tools,
        keep: &mut dyn FnMut(What),
    ) -> bool {
        let Some(about) = tools.look.about().get(usize::from(kind.0)) else { return false };
        let named = self.named.contains(&kind);
        if about.identifies == Identifies::Nobody {
            if named && let Some(minor) = tools.is_minor(kind, value) {
                keep(What::Born(minor));
            }
            return false;
        }
        if about.weak && !named {
            return false;
        }
        let mut canonical = std::mem::take(&mut tools.scratch.canonical);
        canonical.clear();
        let accepted = tools.look.recogniser().canonical(kind, value, &mut canonical);
        if accepted {
            let hash = tools.domain(kind).hash(&canonical);
            if first {
                let digests = self.digests.get_or_insert_with(|| Box::new(Digests::new(&tools.options.key)));
                digests.insert(value, &canonical);
            }
            keep(What::Identifier(kind, hash, tools.known(kind, value)));
        }
        tools.scratch.canonical = canonical;
        accepted
    }

    /// The key of a value of a column of identifiers or digests.
    fn identify(&mut self, value: &[u8], full: bool, tools: &Tools, scratch: &mut Scratch) -> Option<Key> {
        let clear = self.identify_clear(value, full, tools, scratch);
        if clear.is_some() || self.digest.is_none() {
            return clear;
        }
        let length =
            digest_bytes(value, &mut scratch.digest).filter(|length| Some(*length) == self.digest)?;
        let hash = tools.digest.hash(&scratch.digest);
        self.hashes.insert(hash);
        let role = self.roles.iter_mut().find(|role| role.space.digest == length)?;
        role.pass(full);
        Some(Key { space: role.space, hash })
    }

    fn identify_clear(
        &mut self,
        value: &[u8],
        full: bool,
        tools: &Tools,
        scratch: &mut Scratch,
    ) -> Option<Key> {
        let Scratch { canonical, digest: decoded, .. } = scratch;
        for role in self.roles.iter_mut().filter(|role| role.space.digest == 0) {
            canonical.clear();
            let recogniser = tools.look.recogniser();
            let mut plain = value;
            let mut accepted = recogniser.canonical(role.space.kind, value, canonical);
            if !accepted && self.encoded && decode(value, decoded) {
                plain = decoded;
                accepted = recogniser.canonical(role.space.kind, plain, canonical);
            }
            if accepted {
                let hash = tools.domain(role.space.kind).hash(canonical);
                role.pass(full);
                if self.distinct.insert(hash) != Insert::Known
                    && let Some(digests) = &mut self.digests
                {
                    digests.insert(plain, canonical);
                }
                return Some(Key { space: role.space, hash });
            }
        }
        None
    }
}
