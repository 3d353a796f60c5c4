//! Counts against the truth.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::personal::{Identifies, KindId};

const PERSON: Space = Space { rank: 0, identifies: Identifies::Person, kind: KindId(0), digest: 0 };
const PHONE: Space = Space { rank: 2, identifies: Identifies::Contact, kind: KindId(1), digest: 0 };

fn key(seed: u64) -> SketchKey {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    SketchKey::new(bytes)
}

fn sketch_of(domain: &Domain, numbers: impl IntoIterator<Item = u64>) -> Sketch {
    let mut sketch = Sketch::new();
    for number in numbers {
        sketch.insert(domain.hash(&number.to_le_bytes()));
    }
    sketch
}

fn error_of(count: u64, seed: u64) -> f64 {
    let sketch = sketch_of(&key(seed).domain("test"), 0..count);
    let bounds = sketch.bounds();
    assert!(bounds.upper as f64 <= 1.12 * bounds.lower as f64);
    (bounds.estimate as f64 - count as f64) / count as f64
}

#[test]
fn a_hundred_thousand_and_a_million_are_counted_to_three_per_cent() {
    for seed in 0..4 {
        assert!(error_of(100_000, seed).abs() < 0.03);
    }
    assert!(error_of(1_000_000, 9).abs() < 0.03);
}

#[test]
#[ignore = "takes seconds"]
fn ten_million_are_counted_to_three_per_cent() {
    let error = error_of(10_000_000, 1);
    println!("error at 10^7: {:.3} %", error * 100.0);
    assert!(error.abs() < 0.03);
}

#[test]
fn the_bounds_hold_the_truth_99_times_in_100() {
    // Hashes of different values are independent, so one long row of them is many sets.
    let mut random = fastrand::Rng::with_seed(5);
    let mut coverage = |count: u64, kept: usize, sets: u32| {
        let held = (0..sets).filter(|_| {
            let mut sketch = Sketch::keeping(kept);
            for _ in 0..count {
                sketch.insert(random.u64(..));
            }
            let bounds = sketch.bounds();
            (bounds.lower..=bounds.upper).contains(&count)
        });
        held.count() as f64 / f64::from(sets)
    };
    for (count, kept) in [(1_500, 1_024), (20_000, 1_024), (3_000, 256)] {
        let held = coverage(count, kept, 1_500);
        // 1,500 tries at 99 %: standard deviation 0.26 %.
        assert!((0.982..=0.998).contains(&held), "{count} of {kept}: {held}");
    }
}

#[test]
fn small_sets_are_exact_and_take_little_room() {
    let domain = key(1).domain("test");
    let mut sketch = Sketch::new();
    for round in 0..100_000_u64 {
        sketch.insert(domain.hash(&(round % 10).to_le_bytes()));
    }
    assert_eq!(sketch.bounds(), Bounds::exactly(10));
    assert!(sketch.to_bytes(&key(1)).len() < 200);
    let edge = sketch_of(&domain, 0..16_384);
    assert_eq!(edge.bounds(), Bounds::exactly(16_384));
}

#[test]
fn what_two_sets_share_is_counted() {
    let domain = key(2).domain("test");
    let one = sketch_of(&domain, 0..200_000);
    let two = sketch_of(&domain, 150_000..400_000);
    let (common, _) = one.common(&two);
    assert!((common.lower..=common.upper).contains(&50_000), "{common:?}");
    let alone = one.without(&two);
    assert!((alone.lower..=alone.upper).contains(&150_000), "{alone:?}");
    let mut both = one.clone();
    both.unite(&two);
    let bounds = both.bounds();
    assert!((bounds.lower..=bounds.upper).contains(&400_000), "{bounds:?}");
}

#[test]
fn other_keys_and_other_domains_give_other_hashes() {
    let key = key(3);
    assert_ne!(key.domain("a").hash(b"x"), key.domain("b").hash(b"x"));
    assert_ne!(key.domain("a").hash(b"x"), self::key(4).domain("a").hash(b"x"));
    assert_eq!(format!("{key:?} {:?}", key.domain("a")), "SketchKey(..) Domain(..)");
    let bytes = Sketch::new().to_bytes(&key);
    assert_eq!(Sketch::from_bytes(&bytes, &self::key(4)), Err(NotASketch::OtherKey));
}

#[test]
fn siphash_is_the_one_of_its_paper() {
    use siphasher::sip::SipHasher24;
    // Appendix A of <https://www.aumasson.jp/siphash/siphash.pdf>.
    let key: [u8; 16] = std::array::from_fn(|at| at as u8);
    let message: [u8; 15] = std::array::from_fn(|at| at as u8);
    assert_eq!(SipHasher24::new_with_key(&key).hash(&message), 0xa129_ca61_49be_45e5);
}

#[test]
fn a_digest_is_found_among_its_like_and_named() {
    use sha2::Digest;
    let key = key(6);
    let mut digests = Digests::new(&key);
    let mut column = Sketch::new();
    for number in 0..5_000_u64 {
        let value = format!("154{number:08}");
        digests.insert(value.as_bytes(), value.as_bytes());
        column.insert(Digests::domain(&key).hash(&sm3::Sm3::digest(format!("154{:08}", number + 4_990))));
    }
    assert_eq!(digests.found_in(&column), Some("SM3"));
    let strangers = sketch_of(&Digests::domain(&key), 0..100_000);
    assert_eq!(digests.found_in(&strangers), None);
}

#[test]
fn digests_of_either_case_are_found() {
    use sha2::Digest;
    let key = key(6);
    let mut digests = Digests::new(&key);
    digests.insert(b" 78000019900101001X", b"78000019900101001X");
    let mut column = Sketch::new();
    column.insert(Digests::domain(&key).hash(&md5::Md5::digest(b"78000019900101001x")));
    assert_eq!(digests.found_in(&column), Some("MD5"));
}

fn rows(census: &mut Census, rows: impl IntoIterator<Item = (Option<u64>, Option<u64>)>) {
    let key = key(7);
    let (persons, phones) = (key.domain("person"), key.domain("phone"));
    for (person, phone) in rows {
        let person = person.map(|it| Key { space: PERSON, hash: persons.hash(&it.to_le_bytes()) });
        let phone = phone.map(|it| Key { space: PHONE, hash: phones.hash(&it.to_le_bytes()) });
        let mut keys: Vec<Key> = phone.into_iter().chain(person).collect();
        census.row(&mut keys, |key| Known {
            minor: Some(key.space == PERSON && key.hash % 4 == 0),
            region: None,
        });
    }
}

fn people(census: &Census) -> (u64, u64) {
    let people = census.people(&BTreeMap::new(), |kind| format!("kind {}", kind.0));
    (people.lower, people.upper)
}

#[test]
fn whoever_is_known_by_a_phone_that_stands_beside_a_number_is_counted_once() {
    let mut persons = Census::new();
    rows(&mut persons, (0..1_000).map(|it| (Some(it), Some(it))));
    let mut calls = Census::new();
    rows(&mut calls, (0..800).map(|it| (None, Some(it))));
    let mut estate = persons.clone();
    estate.unite(&calls);
    assert_eq!(people(&estate), (1_000, 1_000));
    // Two hundred phones of strangers: they may be second phones of the thousand.
    rows(&mut calls, (5_000..5_200).map(|it| (None, Some(it))));
    persons.unite(&calls);
    assert_eq!(people(&persons), (1_000, 1_200));
}

#[test]
fn several_phones_of_one_person_do_not_make_several() {
    let mut census = Census::new();
    // Each of a hundred persons has ten phones, and calls with each of them.
    rows(&mut census, (0..1_000).map(|it| (Some(it % 100), Some(it))));
    rows(&mut census, (0..1_000).map(|it| (None, Some(it))));
    assert_eq!(people(&census), (100, 100));
}

#[test]
fn groups_that_nothing_joins_are_the_largest_at_least_and_all_at_most() {
    let mut census = Census::new();
    rows(&mut census, (0..1_000).map(|it| (Some(it), None)));
    rows(&mut census, (0..300).map(|it| (None, Some(it))));
    rows(&mut census, (0..50).map(|_| (None, None)));
    assert_eq!(people(&census), (1_000, 1_350));
    census.told(Bounds { lower: 1_100, estimate: 1_200, upper: 1_300 });
    assert_eq!(people(&census), (1_100, 2_650));
}

#[test]
fn several_persons_in_a_row_are_several_and_several_phones_are_one() {
    let space = |keys: &[Key]| {
        let mut census = Census::new();
        census.row(&mut keys.to_vec(), |_| Known::default());
        people(&census)
    };
    let person = |hash| Key { space: PERSON, hash };
    let phone = |hash| Key { space: PHONE, hash };
    assert_eq!(space(&[person(1), person(2), phone(3)]), (2, 2));
    assert_eq!(space(&[phone(4), phone(3), phone(9)]), (1, 1));
    // Whichever row comes first: nobody is left to another row by both.
    let mut census = Census::new();
    census.row(&mut [phone(1), phone(2)], |_| Known::default());
    census.row(&mut [phone(2), phone(1)], |_| Known::default());
    assert_eq!(people(&census), (1, 1));
}

#[test]
fn minors_and_regions_are_counted_without_asking_about_everyone() {
    let key = key(8);
    let domain = key.domain("person");
    let mut asked = 0_u32;
    let mut crowd = Crowd::new();
    for number in 0..300_000_u64 {
        let known = || {
            asked += 1;
            Known { minor: Some(number % 5 == 0), region: Some(format!("CN-{}", 31 + number % 3)) }
        };
        crowd.insert(domain.hash(&number.to_le_bytes()), known);
    }
    let minors = crowd.minors().unwrap();
    assert!((minors.lower..=minors.upper).contains(&60_000), "{minors:?}");
    let regions = crowd.regions();
    assert_eq!(regions.keys().copied().collect::<Vec<_>>(), ["CN-31", "CN-32", "CN-33"]);
    assert!(regions.values().all(|people| (people.lower..=people.upper).contains(&100_000)), "{regions:?}");
    assert!(asked < 150_000, "{asked}");
}

#[test]
fn regions_beyond_sixty_four_are_one() {
    let mut crowd = Crowd::new();
    for number in 0..100_u64 {
        crowd.insert(number * 7 + 1, || Known { minor: None, region: Some(format!("{number:02}")) });
    }
    assert_eq!(crowd.minors(), None);
    assert_eq!(crowd.regions().len(), 65);
    assert_eq!(crowd.regions()["other"], Bounds::exactly(36));
}

fn sketch(numbers: &[u64], kept: usize) -> Sketch {
    let domain = key(0).domain("test");
    let mut sketch = Sketch::keeping(kept);
    for number in numbers {
        sketch.insert(domain.hash(&number.to_le_bytes()));
    }
    sketch
}

fn united(one: &Sketch, two: &Sketch) -> Sketch {
    let mut both = one.clone();
    both.unite(two);
    both
}

proptest! {
    #[test]
    fn the_order_of_uniting_does_not_matter(
        sets in prop::collection::vec(prop::collection::vec(0_u64..500, 0..300), 3),
    ) {
        let [a, b, c] = [0, 1, 2].map(|at| sketch(&sets[at], 64));
        prop_assert_eq!(united(&a, &b), united(&b, &a));
        prop_assert_eq!(united(&united(&a, &b), &c), united(&a, &united(&b, &c)));
        prop_assert_eq!(united(&a, &a), a.clone());
        let all: Vec<u64> = sets.concat();
        prop_assert_eq!(united(&united(&a, &b), &c), sketch(&all, 64));
    }

    #[test]
    fn a_sketch_survives_being_written_and_read(numbers: Vec<u64>, kept in 16_usize..200) {
        let sketch = sketch(&numbers, kept);
        let bytes = sketch.to_bytes(&key(0));
        prop_assert_eq!(Sketch::from_bytes(&bytes, &key(0)).unwrap(), sketch);
    }

    #[test]
    fn any_bytes_are_read_as_a_sketch_or_refused(mut bytes: Vec<u8>, forged: bool) {
        if forged {
            let mut whole = Sketch::new().to_bytes(&key(0));
            whole.truncate(12);
            whole.extend_from_slice(&bytes);
            bytes = whole;
        }
        if let Ok(sketch) = Sketch::from_bytes(&bytes, &key(0)) {
            let _ = sketch.bounds();
        }
    }

    #[test]
    fn exact_sets_are_compared_exactly(one: BTreeSet<u8>, two: BTreeSet<u8>) {
        let of = |set: &BTreeSet<u8>| sketch(&set.iter().map(|it| u64::from(*it)).collect::<Vec<_>>(), 16_384);
        let (a, b) = (of(&one), of(&two));
        prop_assert_eq!(a.common(&b).0, Bounds::exactly(one.intersection(&two).count() as u64));
        prop_assert_eq!(a.without(&b), Bounds::exactly(one.difference(&two).count() as u64));
    }
}
