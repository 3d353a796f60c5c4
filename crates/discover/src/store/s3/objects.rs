//! A bucket's objects by the first part of their names, counted, with a sample of each.

use std::collections::{BTreeMap, BinaryHeap};

use super::list::Object;
use crate::store::redis::rank;

/// Most first parts that are told apart.
const PREFIXES: usize = 256;
/// Most objects of one that are kept to choose from.
const SAMPLE: usize = 2000;
/// Where objects go whose first part is one too many.
pub(super) const OTHERS: &str = "(others)";
/// Where objects go that have one part.
pub(super) const TOP: &str = "(top)";

/// Objects of one first part.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) count: u64,
    pub(super) bytes: u64,
    kept: BinaryHeap<(u64, String, u64)>,
    /// Objects that cannot be read until they are restored, by their class.
    pub(super) archived: BTreeMap<String, u64>,
}

/// All objects.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) groups: BTreeMap<String, Group>,
}

/// The first part of a name, as a table.
pub(super) fn group_of(key: &str) -> &str {
    key.split_inclusive('/').next().filter(|part| part.ends_with('/')).unwrap_or(TOP)
}

/// Whether an object must be restored before it can be read: of Amazon and Alibaba. `GLACIER_IR` can be read at once.
pub(super) fn is_archived(class: &str) -> bool {
    matches!(
        class,
        "GLACIER" | "DEEP_ARCHIVE" | "Archive" | "ColdArchive" | "DeepColdArchive" | "ARCHIVE" | "COLD"
    )
}

impl Objects {
    /// Adds an object. The entries that consoles make for folders are none.
    pub(super) fn add(&mut self, object: Object) {
        if object.bytes == 0 {
            return;
        }
        let group = group_of(&object.key);
        let known = self.groups.contains_key(group) || self.groups.len() < PREFIXES;
        let group = self.groups.entry(if known { group } else { OTHERS }.to_owned()).or_default();
        group.count += 1;
        group.bytes = group.bytes.saturating_add(object.bytes);
        if is_archived(&object.class) {
            *group.archived.entry(object.class).or_default() += 1;
            return;
        }
        let rank = rank(0, object.key.as_bytes());
        if group.kept.len() >= SAMPLE {
            if group.kept.peek().is_some_and(|(highest, ..)| *highest <= rank) {
                return;
            }
            group.kept.pop();
        }
        group.kept.push((rank, object.key, object.bytes));
    }

    /// Whether a name belongs to a table.
    pub(super) fn is_in(&self, key: &str, table: &str) -> bool {
        let group = group_of(key);
        let group = if self.groups.contains_key(group) { group } else { OTHERS };
        group == table
    }
}

impl Group {
    /// The objects to choose from, in an order that the seed decides.
    pub(super) fn shuffled(&self, seed: u64) -> Vec<(String, u64)> {
        let mut objects: Vec<_> = self.kept.iter().map(|(_, key, bytes)| (key.clone(), *bytes)).collect();
        objects.sort_by_cached_key(|(key, _)| (rank(seed, key.as_bytes()), key.clone()));
        objects
    }

    /// How many can be read.
    pub(super) fn readable(&self) -> u64 {
        self.count.saturating_sub(self.archived.values().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, bytes: u64, class: &str) -> Object {
        Object { key: key.to_owned(), bytes, class: class.to_owned() }
    }

    #[test]
    fn objects_are_counted_by_their_first_part() {
        let mut objects = Objects::default();
        for n in 0..5000 {
            objects.add(object(&format!("exports/{n}.csv"), 10, "STANDARD"));
        }
        objects.add(object("readme.txt", 5, ""));
        objects.add(object("old/x", 5, "GLACIER"));
        objects.add(object("folder/", 0, ""));
        let names: Vec<_> = objects.groups.keys().map(String::as_str).collect();
        assert_eq!(names, [TOP, "exports/", "old/"]);
        let exports = &objects.groups["exports/"];
        assert_eq!((exports.count, exports.bytes), (5000, 50_000));
        let (one, two) = (exports.shuffled(1), exports.shuffled(2));
        assert_eq!((one.len(), two.len()), (SAMPLE, SAMPLE));
        assert!(one != two && exports.shuffled(1) == one);
        assert_eq!((objects.groups["old/"].readable(), objects.groups["old/"].shuffled(1).len()), (0, 0));
        assert!(
            objects.is_in("exports/x/y", "exports/")
                && objects.is_in("a", TOP)
                && objects.is_in("z/1", OTHERS)
        );
    }

    #[test]
    fn folders_by_user_do_not_make_tables_without_end() {
        let mut objects = Objects::default();
        for n in 0..1000 {
            objects.add(object(&format!("u{n}/photo.jpg"), 10, ""));
        }
        assert_eq!((objects.groups.len(), objects.groups[OTHERS].count), (PREFIXES + 1, 744));
    }
}
