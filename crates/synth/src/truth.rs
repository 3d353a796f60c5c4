//! What is true about a data set, to be compared with what a reader says.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::noise::{Harm, Source};
use crate::protect::Way;
use crate::settings::Settings;
use crate::table::{Field, Holds, Table};
use crate::world::{MOBILES, Person, World};

/// What is true about some of the people and the tables with their records.
#[derive(Clone, Debug, Serialize)]
pub struct Truth {
    /// What the data set was made of.
    pub settings: Settings,
    /// How many different people there are.
    pub people: u64,
    /// On which day minors were counted.
    pub on: Date,
    /// People younger than 18 on that day.
    pub minors: u64,
    /// Minors among those who have a well-written resident number.
    pub minors_by_resident_number: u64,
    /// People by region: `CN-78` for all who have a resident number, else the country.
    pub regions: BTreeMap<String, u64>,
    /// The tables.
    pub tables: Vec<TableTruth>,
}

/// What is true about a table.
#[derive(Clone, Debug, Serialize)]
pub struct TableTruth {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// Its columns.
    pub columns: Vec<ColumnTruth>,
}

/// What is true about a column.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnTruth {
    /// Its name.
    pub name: String,
    /// Kinds and form.
    #[serde(flatten)]
    pub holds: Holds,
    /// Rows that have a value.
    pub values: u64,
    /// Different well-written values; `None`: this is no identifier, or equal values do not stay equal.
    pub distinct: Option<u64>,
}

const SOURCES: [Source; 5] = [Source::Resident, Source::Mobile, Source::Card, Source::Email, Source::Other];

/// People whose value is there, and those for whom it is also well written.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    values: u64,
    people: u64,
    well_written: u64,
}

impl Truth {
    /// The truth about these tables and all records, counted on a day. Goes over all people and, where values are
    /// missing, over all records.
    pub fn new(world: &World, tables: &[Table], on: Date) -> Self {
        let settings = world.settings().clone();
        let youngest_adult = youngest_adult(world, on);
        let (mut minors, mut minors_by_resident_number) = (0, 0);
        let mut regions = BTreeMap::<&'static str, u64>::new();
        let mut counts = BTreeMap::<Source, Count>::new();
        for person in (0..settings.people).map(|index| world.person(index)) {
            let minor = person.age_days < youngest_adult;
            minors += u64::from(minor);
            let resident = world.harm(&person, Source::Resident) == Harm::None;
            minors_by_resident_number += u64::from(minor && resident);
            *regions.entry(region(world, &person)).or_default() += 1;
            if !settings.is_clean() || settings.foreigners > 0.0 {
                for source in SOURCES {
                    let harm = world.harm(&person, source);
                    let count = counts.entry(source).or_default();
                    count.people += u64::from(harm != Harm::Missing);
                    count.well_written += u64::from(harm == Harm::None);
                }
            }
        }
        count_values(world, &mut counts);
        let tables = tables.iter().map(|table| table_truth(table, &settings, &counts)).collect();
        let regions = regions.into_iter().map(|(region, people)| (region.to_owned(), people)).collect();
        Self { people: settings.people, settings, on, minors, minors_by_resident_number, regions, tables }
    }
}

fn region(world: &World, person: &Person) -> &'static str {
    if person.foreign { world.nation(person) } else { "CN-78" }
}

/// The age in days from which on people are 18 on that day.
fn youngest_adult(world: &World, on: Date) -> u64 {
    let mut age = Person { index: 0, age_days: 0, foreign: false, key: 0, place: 0 };
    while age.age_days < 40_000 && world.is_minor(&age, on) {
        age.age_days += 1;
    }
    age.age_days
}

/// Counts the records that have a value; where nothing is missing, all have.
fn count_values(world: &World, counts: &mut BTreeMap<Source, Count>) {
    let Settings { people, records, noise, foreigners, .. } = world.settings();
    if counts.is_empty() || noise.missing == 0.0 && *foreigners == 0.0 {
        for source in SOURCES {
            let count =
                counts.entry(source).or_insert(Count { people: *people, well_written: *people, values: 0 });
            count.values = *records;
        }
        return;
    }
    for record in world.records(0..*records) {
        for source in SOURCES {
            let there = world.harm(&record.person, source) != Harm::Missing;
            counts.entry(source).or_default().values += u64::from(there);
        }
    }
}

fn table_truth(table: &Table, settings: &Settings, counts: &BTreeMap<Source, Count>) -> TableTruth {
    let of = |source: Source| counts.get(&source).copied().unwrap_or_default();
    let column = |field: Field| match field {
        Field::Clear(source) => (of(source).values, distinct(source, of(source).well_written, settings)),
        Field::Protected(source, Way::Sealed | Way::Vault | Way::Half | Way::Masked) => {
            (of(source).values, None)
        }
        Field::Protected(source, _) => (of(source).values, distinct(source, of(source).people, settings)),
        Field::Note | Field::Other(_) => (settings.records, None),
        _ => (of(Source::Other).values, None),
    };
    let columns = table.columns.iter().map(|each| {
        let (values, distinct) = column(each.field);
        ColumnTruth { name: each.name.clone(), holds: each.field.holds(), values, distinct }
    });
    TableTruth { name: table.name.to_owned(), rows: settings.records, columns: columns.collect() }
}

/// How many different values so many people have, where that is known.
fn distinct(source: Source, people: u64, settings: &Settings) -> Option<u64> {
    let room = match source {
        Source::Mobile => MOBILES,
        Source::Card => 10_u64.pow(15_u32.saturating_sub(settings.card_prefix.len() as u32)),
        Source::Resident | Source::Email | Source::Other => u64::MAX,
    };
    match people {
        people if settings.people <= room => Some(people),
        people if people == settings.people => Some(room),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Noise, Spread};

    #[test]
    fn the_truth_is_what_a_count_finds() {
        let settings = Settings {
            records: 9_000,
            spread: Spread::Zipf,
            foreigners: 0.05,
            noise: Noise { full_width: 0.0, spaced: 0.0, country_code: 0.0, lower_x: 0.0, ..Noise::USUAL },
            ..Settings::new(21, 3_000)
        };
        let on = settings.reference;
        let world = World::new(settings).unwrap();
        let tables = Table::NAMES.map(|name| Table::of(name, &world).unwrap());
        let truth = Truth::new(&world, &tables, on);
        for (table, said) in tables.iter().zip(&truth.tables) {
            for (column, said) in table.columns.iter().zip(&said.columns) {
                let mut values = 0;
                let mut well_written = BTreeSet::new();
                for record in world.records(0..9_000) {
                    let mut out = Vec::new();
                    values += u64::from(world.write(&record, column.field, &mut out));
                    let (mut clean, mut other) = (Vec::new(), Vec::new());
                    if let Field::Clear(source) = column.field {
                        world.write_clean(&record.person, source, &mut clean);
                    } else {
                        world.write(&record, column.field, &mut other);
                    }
                    if !out.is_empty() && (clean == out || other == out) {
                        well_written.insert(out);
                    }
                }
                assert_eq!(said.values, values, "{}", said.name);
                if let Some(distinct) = said.distinct {
                    assert_eq!(distinct, well_written.len() as u64, "{}", said.name);
                }
            }
        }
        assert_eq!(truth.regions.values().sum::<u64>(), 3_000);
        assert_eq!(truth.minors, (0..3_000).filter(|&i| world.is_minor(&world.person(i), on)).count() as u64);
    }
}
