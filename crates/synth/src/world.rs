//! Who there is, and which record is about whom.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::draw::{Share, below, mix, scatter};
use crate::settings::{Settings, Spread, Unfit};

/// What a draw is for. A number of its own for each keeps them independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    Minor = 1,
    Foreign,
    AgeBlock,
    Surname,
    Given,
    Latin,
    District,
    Street,
    House,
    Plate,
    Credit,
    Nation,
    Token,
    Sealed,
    Missing,
    Spoilt,
    Spoiling,
    Style,
    Styling,
    When,
    Serial,
    Other,
    Migrated,
    Zipf,
}

/// Days that one place in a region and sequence can hold, without two people getting the same number.
const RESIDUES: u64 = 256;
/// Ages of minors in blocks of [`RESIDUES`] days, all of it below 18 years.
const MINOR_BLOCKS: (u64, u64) = (1, 24);
/// Ages of adults in such blocks: 18 to 88 years.
const ADULT_BLOCKS: (u64, u64) = (26, 126);
/// Regions below 78xxxx, with neither pair of digits 00, and the sequence numbers 001 to 999 of a day.
const REGIONS: u64 = 99 * 99;
const SEQUENCES: u64 = 999;
/// Places that a region and a sequence number make.
const PLACES: u64 = REGIONS * SEQUENCES;
/// Numbers behind the two mobile prefixes.
pub(crate) const MOBILES: u64 = 200_000_000;

/// The shares of the settings, ready to be drawn against.
#[derive(Debug)]
pub(crate) struct Shares {
    pub(crate) minors: Share,
    pub(crate) foreigners: Share,
    pub(crate) typos: Share,
    pub(crate) masked: Share,
    pub(crate) missing: Share,
    pub(crate) full_width: Share,
    pub(crate) lower_x: Share,
    pub(crate) spaced: Share,
    pub(crate) country_code: Share,
}

/// A set of people and records, all of which follow from the settings.
#[derive(Debug)]
pub struct World {
    settings: Settings,
    pub(crate) shares: Shares,
    /// The reference day minus so many days, as the number that `YYYYMMDD` is.
    dates: Vec<u32>,
    reference_millis: u64,
    pub(crate) clean: bool,
}

/// One of the people.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Which: 0 to the number of people.
    pub index: u64,
    /// Born so many days before the reference day.
    pub age_days: u64,
    /// From abroad: has a passport and no resident number.
    pub foreign: bool,
    pub(crate) key: u64,
    pub(crate) place: u64,
}

/// A record: its number, and whom it is about.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Which: 0 to the number of records.
    pub number: u64,
    /// Whom it is about.
    pub person: Person,
    pub(crate) key: u64,
}

impl World {
    /// The people of these settings.
    ///
    /// # Errors
    ///
    /// The settings contradict themselves.
    pub fn new(settings: Settings) -> Result<Self, Unfit> {
        settings.check()?;
        let days = ADULT_BLOCKS.1 * RESIDUES + RESIDUES;
        let dates = (0..days).map(|age| compact(day_before(settings.reference, age))).collect();
        let noise = &settings.noise;
        let shares = Shares {
            minors: Share::of(settings.minors),
            foreigners: Share::of(settings.foreigners),
            typos: Share::of(noise.typos),
            masked: Share::of(noise.masked),
            missing: Share::of(noise.missing),
            full_width: Share::of(noise.full_width),
            lower_x: Share::of(noise.lower_x),
            spaced: Share::of(noise.spaced),
            country_code: Share::of(noise.country_code),
        };
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = (settings.reference - epoch).get_days().max(0) as u64;
        let clean = settings.is_clean();
        Ok(Self { settings, shares, dates, reference_millis: days * 86_400_000, clean })
    }

    /// What it was made of.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// One of the people.
    pub fn person(&self, index: u64) -> Person {
        let key = mix(self.settings.seed, index);
        let place = scatter(index % PLACES, PLACES, self.settings.seed ^ 0x5ca7_7e4e);
        let minor = self.shares.minors.takes(mix(key, Draw::Minor as u64));
        let (first, last) = if minor { MINOR_BLOCKS } else { ADULT_BLOCKS };
        let block = first + below(mix(key, Draw::AgeBlock as u64), last - first + 1);
        // People at the same place differ in `index / PLACES`, so in the residue, so in the day.
        let residue = (index / PLACES) ^ (mix(self.settings.seed, place) % RESIDUES);
        Person {
            index,
            age_days: block * RESIDUES + residue,
            foreign: self.shares.foreigners.takes(mix(key, Draw::Foreign as u64)),
            key,
            place,
        }
    }

    /// One of the records. Everyone has the first; the rest are shared out as the settings say.
    pub fn record(&self, number: u64) -> Record {
        let Settings { seed, people, records, spread, .. } = self.settings;
        let index = if records == people {
            number
        } else {
            let spot = scatter(number, records, seed ^ 0x0dd5_a17e);
            match spread {
                Spread::Uniform => spot % people,
                Spread::Zipf if spot < people => spot,
                Spread::Zipf => scatter(by_rank(mix(seed ^ Draw::Zipf as u64, spot), people), people, !seed),
            }
        };
        Record { number, person: self.person(index), key: mix(!seed, number) }
    }

    /// The records from one number to before another.
    pub fn records(&self, numbers: std::ops::Range<u64>) -> impl Iterator<Item = Record> + '_ {
        numbers.map(|number| self.record(number))
    }

    /// The people whose values must turn up nowhere, spread over all.
    pub fn canaries(&self) -> impl Iterator<Item = Person> + '_ {
        let canaries = self.settings.canaries.min(self.settings.people);
        let people = u128::from(self.settings.people);
        (0..canaries).map(move |canary| {
            let index = people * (2 * u128::from(canary) + 1) / (2 * u128::from(canaries));
            self.person(index as u64)
        })
    }

    /// So many days before the reference day, as the number that `YYYYMMDD` is.
    pub(crate) fn day_before_reference(&self, days: u64) -> u64 {
        self.dates.get(days as usize).copied().unwrap_or(19_700_101).into()
    }

    /// The reference day in milliseconds since 1970.
    pub(crate) fn reference_millis(&self) -> u64 {
        self.reference_millis
    }

    /// The date of birth as the number that `YYYYMMDD` is.
    pub(crate) fn born(&self, person: &Person) -> u64 {
        self.day_before_reference(person.age_days)
    }

    /// The date of birth.
    pub fn birth_date(&self, person: &Person) -> Date {
        day_before(self.settings.reference, person.age_days)
    }

    /// Whether the person is younger than 18 on that day.
    pub fn is_minor(&self, person: &Person, on: Date) -> bool {
        self.birth_date(person).saturating_add(18.years()) > on
    }

    /// Whether the person has no value in columns of this source.
    pub(crate) fn lacks(&self, person: &Person, source: u64) -> bool {
        !self.shares.missing.is_none()
            && self.shares.missing.takes(mix(person.key ^ source, Draw::Missing as u64))
    }
}

impl Person {
    pub(crate) fn draw(&self, what: Draw) -> u64 {
        mix(self.key, what as u64)
    }

    /// The six digits of the region: 78, then two pairs.
    pub(crate) fn region(&self) -> u64 {
        let region = self.place / SEQUENCES;
        780_000 + (region / 99 + 1) * 100 + region % 99 + 1
    }

    /// The three digits of the sequence.
    pub(crate) fn sequence(&self) -> u64 {
        self.place % SEQUENCES + 1
    }

    /// Whether the resident number says male: an odd sequence.
    pub fn is_male(&self) -> bool {
        self.sequence() % 2 == 1
    }
}

impl Record {
    pub(crate) fn draw(&self, what: Draw) -> u64 {
        mix(self.key, what as u64)
    }
}

/// A rank below `people` that falls off as 1/rank: any doubling of the rank is as likely as any other. In whole numbers, so
/// that every machine draws the same.
fn by_rank(draw: u64, people: u64) -> u64 {
    let octaves = u64::from(64 - people.leading_zeros());
    let low = 1_u64 << below(draw, octaves);
    let high = (low * 2).min(people + 1);
    low + below(mix(draw, 1), high - low) - 1
}

fn day_before(day: Date, days: u64) -> Date {
    day.saturating_sub((days as i64).days())
}

fn compact(day: Date) -> u32 {
    let part = |part: i32| part.unsigned_abs();
    part(day.year().into()) * 10_000 + part(day.month().into()) * 100 + part(day.day().into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everyone_has_a_record_and_the_same_one_each_time() {
        for spread in [Spread::Uniform, Spread::Zipf] {
            let world = World::new(Settings { records: 5_000, spread, ..Settings::new(3, 1_700) }).unwrap();
            let whom: Vec<u64> = world.records(0..5_000).map(|record| record.person.index).collect();
            assert_eq!(whom.iter().collect::<BTreeSet<_>>().len(), 1_700);
            assert_eq!(whom.get(4_321).copied(), Some(world.record(4_321).person.index));
        }
    }

    #[test]
    fn zipf_gives_a_few_very_many() {
        let world =
            World::new(Settings { records: 100_000, spread: Spread::Zipf, ..Settings::new(3, 1_000) })
                .unwrap();
        let mut counts = vec![0_u32; 1_000];
        world.records(0..100_000).for_each(|record| counts[record.person.index as usize] += 1);
        counts.sort_unstable();
        assert!(counts[999] > 5_000 && counts[500] < 100, "{} {}", counts[999], counts[500]);
    }

    #[test]
    fn minors_are_as_many_as_were_asked_for() {
        let world = World::new(Settings::new(11, 20_000)).unwrap();
        let reference = world.settings().reference;
        let minors = (0..20_000).filter(|&i| world.is_minor(&world.person(i), reference)).count();
        assert!((3_400..3_800).contains(&minors), "{minors}");
    }

    #[test]
    fn people_at_the_same_place_have_different_birthdays() {
        let world = World::new(Settings::new(5, MOST)).unwrap();
        const MOST: u64 = crate::settings::MOST_PEOPLE;
        for start in [0, 1, 77_777] {
            let same: Vec<Person> =
                (0..255).map(|turn| world.person(start + turn * PLACES)).filter(|p| p.index < MOST).collect();
            assert!(same.iter().all(|person| person.place == same[0].place));
            assert_eq!(same.iter().map(|person| person.age_days).collect::<BTreeSet<_>>().len(), same.len());
        }
    }

    #[test]
    fn settings_that_contradict_themselves_are_refused() {
        let refused = |settings| World::new(settings).err();
        assert_eq!(refused(Settings { records: 3, ..Settings::new(1, 4) }), Some(Unfit::Records));
        assert_eq!(refused(Settings::new(1, 0)), Some(Unfit::People));
        assert_eq!(refused(Settings { minors: 1.1, ..Settings::new(1, 1) }), Some(Unfit::Share));
        assert_eq!(refused(Settings { card_prefix: "62x".into(), ..Settings::new(1, 1) }), Some(Unfit::Card));
    }
}
