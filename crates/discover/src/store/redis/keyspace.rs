//! The tables of a database of keys: its keys by shape, counted, with a sample of each. What is kept depends on the keys
//! alone and not on the order in which they come: that is the order of a hash table, another one after each restart.

use std::collections::{BTreeMap, BinaryHeap};
use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

use super::shape;

/// Most words that may follow one beginning; where there are more, they are somebody's ids.
const WORDS: usize = 64;
/// The same at the beginning of keys.
const FIRST_WORDS: usize = 256;
/// Parts of a key that are told apart.
const PARTS: usize = 6;
/// Keys that must have a word in common before it is taken for a word.
const COMMON: u64 = 5;
/// Most keys that are kept of a shape.
const SAMPLE: usize = 10_000;
/// Most bytes of keys that are kept in all.
const BYTES: usize = 64 << 20;

/// A hash that the seed changes and that nobody's keys can be made to fit.
pub(in crate::store) fn rank(seed: u64, key: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed, 0x7761_7465_7274_6967);
    hasher.write(key);
    hasher.finish()
}

/// Keys of one shape: those with the lowest ranks.
#[derive(Clone, Debug, Default)]
struct Leaf {
    count: u64,
    kept: BinaryHeap<(u64, Vec<u8>)>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    leaf: Leaf,
    /// No words are told apart here.
    generic: bool,
    children: BTreeMap<String, Node>,
}

/// What was found so far.
#[derive(Debug)]
pub(super) struct Keyspace {
    root: Node,
    /// How many keys are kept of a shape.
    sample: usize,
    bytes: usize,
    /// Most bytes that are kept.
    limit: usize,
    /// How many keys there were.
    pub(super) count: u64,
}

/// A word's part with everything but the separator replaced.
fn star(part: &str) -> String {
    let separator = part.chars().last().filter(|last| ":/|#,;".contains(*last));
    format!("*{}", separator.map(String::from).unwrap_or_default())
}

impl Node {
    /// Adds what another node has, and tells how many words apart it can keep.
    fn merge(&mut self, other: Self, sample: usize) {
        self.leaf.count += other.leaf.count;
        for (rank, key) in other.leaf.kept {
            self.leaf.keep(rank, key, sample);
        }
        if other.generic {
            self.make_generic(sample);
        }
        for (part, child) in other.children {
            self.child(&part, WORDS, sample).merge(child, sample);
        }
    }

    /// The child for a part, or for all parts when there are too many.
    fn child(&mut self, part: &str, words: usize, sample: usize) -> &mut Self {
        if !self.generic && !self.children.contains_key(part) && self.children.len() >= words {
            self.make_generic(sample);
        }
        let part = if self.generic { star(part) } else { part.to_owned() };
        self.children.entry(part).or_default()
    }

    fn make_generic(&mut self, sample: usize) {
        if self.generic {
            return;
        }
        self.generic = true;
        for (part, child) in std::mem::take(&mut self.children) {
            self.children.entry(star(&part)).or_default().merge(child, sample);
        }
    }

    fn total(&self) -> u64 {
        self.leaf.count + self.children.values().map(Self::total).sum::<u64>()
    }

    /// Replaces the words that only few keys have in common; at the beginning of keys, those that look like no word.
    fn generalise(&mut self, first: bool, sample: usize) {
        for (part, child) in std::mem::take(&mut self.children) {
            let is_word = |byte: u8| byte.is_ascii_lowercase() || b":/|#,;*_-.{}".contains(&byte);
            let stays = if first { part.bytes().all(is_word) } else { child.total() >= COMMON };
            let part = if stays { part } else { star(&part) };
            self.children.entry(part).or_default().merge(child, sample);
        }
        // Only now: what follows the words that were replaced counts together.
        self.children.values_mut().for_each(|child| child.generalise(false, sample));
    }

    fn shrink(&mut self, sample: usize) -> usize {
        while self.leaf.kept.len() > sample {
            self.leaf.kept.pop();
        }
        let own: usize = self.leaf.kept.iter().map(|(_, key)| key.len() + 64).sum();
        own + self.children.values_mut().map(|child| child.shrink(sample)).sum::<usize>()
    }

    fn collect(self, shape: &str, found: &mut BTreeMap<String, Shape>) {
        if self.leaf.count > 0 {
            let complete = self.leaf.kept.len() as u64 == self.leaf.count;
            let mut keys: Vec<Vec<u8>> = self.leaf.kept.into_iter().map(|(_, key)| key).collect();
            keys.sort_unstable();
            // SCAN may tell a key twice.
            keys.dedup();
            let count = if complete { keys.len() as u64 } else { self.leaf.count };
            found.insert(shape.to_owned(), Shape { count, keys, complete });
        }
        for (part, child) in self.children {
            child.collect(&format!("{shape}{part}"), found);
        }
    }

    /// The tree without its keys.
    fn skeleton(&self) -> Self {
        let children = self.children.iter().map(|(part, child)| (part.clone(), child.skeleton())).collect();
        Self { leaf: Leaf::default(), generic: self.generic, children }
    }
}

impl Leaf {
    /// Keeps the key if its rank is among the lowest. Returns whether it did.
    fn keep(&mut self, rank: u64, key: Vec<u8>, sample: usize) -> bool {
        let full = self.kept.len() >= sample;
        if full && self.kept.peek().is_some_and(|(highest, _)| *highest <= rank) {
            return false;
        }
        if full {
            self.kept.pop();
        }
        self.kept.push((rank, key));
        !full
    }
}

/// The parts of a key that are told apart.
fn parts(key: &[u8]) -> Vec<String> {
    let mut parts = shape::parts(key);
    if parts.len() > PARTS {
        parts.truncate(PARTS - 1);
        parts.push("*".to_owned());
    }
    parts
}

/// Keys of one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// How many there were.
    pub(super) count: u64,
    /// A sample of them, or all.
    pub(super) keys: Vec<Vec<u8>>,
    /// These are all.
    pub(super) complete: bool,
}

/// The tables of a database.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    skeleton: Node,
    pub(super) shapes: BTreeMap<String, Shape>,
}

impl Default for Keyspace {
    fn default() -> Self {
        Self { root: Node::default(), sample: SAMPLE, bytes: 0, limit: BYTES, count: 0 }
    }
}

impl Keyspace {
    /// Adds a key.
    pub(super) fn add(&mut self, key: Vec<u8>) {
        self.count += 1;
        let mut node = &mut self.root;
        for (depth, part) in parts(&key).iter().enumerate() {
            node = node.child(part, if depth == 0 { FIRST_WORDS } else { WORDS }, self.sample);
        }
        node.leaf.count += 1;
        let length = key.len() + 64;
        if node.leaf.keep(rank(0, &key), key, self.sample) {
            self.bytes += length;
        }
        while self.bytes > self.limit && self.sample > 1 {
            self.sample /= 2;
            self.bytes = self.root.shrink(self.sample);
        }
    }

    /// Ends the search.
    pub(super) fn finish(mut self) -> Shapes {
        self.root.generalise(true, self.sample);
        let skeleton = self.root.skeleton();
        let mut shapes = BTreeMap::new();
        self.root.collect("", &mut shapes);
        Shapes { skeleton, shapes }
    }
}

impl Shapes {
    /// The same to tell shapes by.
    pub(super) fn without_keys(&self) -> Self {
        Self { skeleton: self.skeleton.clone(), shapes: BTreeMap::new() }
    }

    /// The shape that a key was counted with, or would have been.
    pub(super) fn of(&self, key: &[u8]) -> String {
        let mut node = Some(&self.skeleton);
        let mut shape = String::new();
        for part in parts(key) {
            let known = node.and_then(|node| node.children.get_key_value(&part));
            let known = known.or_else(|| node.and_then(|node| node.children.get_key_value(&star(&part))));
            shape.push_str(known.map_or(&star(&part), |(part, _)| part));
            node = known.map(|(_, child)| child);
        }
        shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(keys: impl IntoIterator<Item = String>) -> Shapes {
        let mut space = Keyspace::default();
        keys.into_iter().for_each(|key| space.add(key.into_bytes()));
        space.finish()
    }

    fn counts(shapes: &Shapes) -> Vec<(&str, u64)> {
        shapes.shapes.iter().map(|(shape, found)| (shape.as_str(), found.count)).collect()
    }

    fn names(count: usize) -> impl Iterator<Item = String> {
        (0..count)
            .map(|n| [n / 676, n / 26 % 26, n % 26].iter().map(|n| char::from(b'a' + *n as u8)).collect())
    }

    #[test]
    fn keys_are_counted_by_shape_in_any_order() {
        let mut keys: Vec<String> =
            (0..100).flat_map(|n| [format!("user:{n}"), format!("cart:{n}:items")]).collect();
        keys.extend(names(100).map(|name| format!("session:{name}")));
        keys.extend([
            "users".to_owned(),
            "config:theme".to_owned(),
            "config:colour".to_owned(),
            "Lina".to_owned(),
        ]);
        let right = [
            ("*", 1),
            ("cart:*:items", 100),
            ("config:*", 2),
            ("session:*", 100),
            ("user:*", 100),
            ("users", 1),
        ];
        let forward = shapes(keys.clone());
        assert_eq!(counts(&forward), right);
        keys.reverse();
        let backward = shapes(keys);
        assert_eq!((counts(&backward), &backward.shapes), (right.to_vec(), &forward.shapes));
        for (key, shape) in
            [("user:7", "user:*"), ("session:zzz", "session:*"), ("config:x", "config:*"), ("new:1", "*:*")]
        {
            assert_eq!(forward.of(key.as_bytes()), shape);
        }
    }

    #[test]
    fn a_name_that_few_keys_share_is_shown_nowhere() {
        let found = shapes(["user:lina:phone", "user:lina:mail", "user:wang:phone"].map(str::to_owned));
        assert_eq!(counts(&found), [("user:*:*", 3)]);
        let found = shapes((0..9).map(|n| format!("app:orders:{n}")).chain(["app:lina:1".to_owned()]));
        assert_eq!(counts(&found), [("app:*:*", 1), ("app:orders:*", 9)]);
        assert_eq!(found.of(b"app:wang:3"), "app:*:*");
    }

    #[test]
    fn a_sample_has_the_same_keys_whatever_came_first_and_costs_little() {
        let sample = |keys: Vec<String>| {
            let mut space = Keyspace { limit: 100 * 70, ..Keyspace::default() };
            keys.into_iter().for_each(|key| space.add(key.into_bytes()));
            assert!(space.bytes <= space.limit);
            space.finish().shapes.remove("user:*").unwrap()
        };
        let keys: Vec<String> = (0..1000).map(|n| format!("user:{n}")).collect();
        let found = sample(keys.clone());
        assert_eq!((found.count, found.keys.len()), (1000, 78));
        let backward = sample(keys.into_iter().rev().collect());
        assert_eq!(found, backward);
    }

    proptest::proptest! {
        #[test]
        fn every_key_has_the_shape_that_it_was_counted_with(keys: Vec<Vec<u8>>) {
            let mut space = Keyspace::default();
            keys.iter().for_each(|key| space.add(key.clone()));
            let shapes = space.finish();
            for key in &keys {
                let shape = shapes.of(key);
                let found = shapes.shapes.get(&shape);
                proptest::prop_assert!(found.is_some_and(|found| found.keys.contains(key)), "{shape}");
            }
        }
    }
}
