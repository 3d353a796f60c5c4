//! Since when it is known what is in a store.
//!
//! What was known is gone only by positive evidence: its store was read again, nothing that was asked for was missed, the
//! place itself was not left out, and it was not there. Of the people of a store nothing is kept but keyed sketches, whose
//! key lies elsewhere; no value ever is.

use std::collections::HashSet;

use jiff::Timestamp;
use model::{DataRecord, DataType, NotRead};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use crate::{Error, Inventory};

impl Inventory {
    /// Takes in what a run found in stores, in one transaction, and completes the records with since when each is known.
    /// Returns what was known before and is gone now.
    ///
    /// # Errors
    /// When the file cannot be written. Nothing is changed then.
    pub fn remember_data(
        &mut self,
        records: &mut [DataRecord],
        now: Timestamp,
    ) -> Result<Vec<DataRecord>, Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for record in records.iter_mut() {
            record.known_since = Some(first_seen(&transaction, &record.id)?.unwrap_or(now));
            record.last_seen = Some(now);
            save(&transaction, record, now)?;
        }
        let there: HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
        let mut gone = Vec::new();
        for asset in read_in_full(records) {
            let left_out: Vec<&NotRead> = records
                .iter()
                .filter(|record| record.asset == asset)
                .flat_map(|record| &record.not_read)
                .collect();
            for known in known_at(&transaction, asset)? {
                if !there.contains(known.id.as_str()) && !left_out.iter().any(|part| covers(part, &known)) {
                    mark_gone(&transaction, &known.id, now)?;
                    gone.push(known);
                }
            }
        }
        transaction.commit()?;
        Ok(gone)
    }
}

/// The people of a store, as an earlier run counted them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPeople {
    /// The store.
    pub asset: String,
    /// When that was.
    pub at: Timestamp,
    /// Keyed sketches, as the survey of the store wrote them.
    pub sketches: String,
}

impl Inventory {
    /// The people of all stores that were ever counted, in order of the stores' names.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn known_people(&self) -> Result<Vec<KnownPeople>, Error> {
        let sql = "SELECT asset, at, sketches FROM people ORDER BY asset";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        let mut known = Vec::new();
        for row in rows {
            let (asset, at, sketches) = row?;
            // Only this program writes the file; a time that cannot be read is as if it were not known.
            known.extend(at.parse().ok().map(|at| KnownPeople { asset, at, sketches }));
        }
        Ok(known)
    }

    /// Keeps the people of some stores instead of what was known of them.
    ///
    /// # Errors
    /// When the file cannot be written. Nothing is changed then.
    pub fn remember_people(&mut self, people: &[KnownPeople]) -> Result<(), Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for store in people {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO people (asset, at, sketches) VALUES (?1, ?2, ?3)")?
                .execute(params![store.asset, store.at.to_string(), store.sketches])?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// The stores of which everything that was asked for was read.
fn read_in_full(records: &[DataRecord]) -> impl Iterator<Item = &str> {
    let missed: HashSet<&str> =
        records.iter().filter(|record| record.is_undecided()).map(|record| record.asset.as_str()).collect();
    records
        .iter()
        .filter(|record| record.data_type == DataType::Store)
        .map(|record| record.asset.as_str())
        .filter(move |asset| !missed.contains(asset))
}

/// Whether a part that was not read holds the place of a record: a table holds its columns, a folder its files.
fn covers(part: &NotRead, record: &DataRecord) -> bool {
    let place = record.position.as_ref().map_or(record.location.as_str(), |position| position.file.as_str());
    [record.location.as_str(), place].iter().any(|place| {
        place.strip_prefix(part.location.as_str()).is_some_and(|rest| {
            rest.is_empty()
                || part.location.is_empty()
                || part.location.ends_with('/')
                || !rest.starts_with(char::is_alphanumeric)
        })
    })
}

fn first_seen(transaction: &Transaction<'_>, id: &str) -> Result<Option<Timestamp>, Error> {
    let mut statement = transaction.prepare_cached("SELECT first_seen FROM data WHERE id = ?1")?;
    let text: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    // Only this program writes the file; a time that cannot be read is as if it were not known.
    Ok(text.and_then(|text| text.parse().ok()))
}

fn save(transaction: &Transaction<'_>, record: &DataRecord, now: Timestamp) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO data (id, asset, location, type, kind, form, first_seen, last_seen, gone_on, json)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL, ?9)
         ON CONFLICT (id) DO UPDATE SET form = excluded.form, last_seen = excluded.last_seen, gone_on = NULL,
             json = excluded.json",
    )?;
    let first_seen = record.known_since.unwrap_or(now);
    statement.execute(params![
        record.id,
        record.asset,
        record.location,
        record.data_type.word(),
        record.kind,
        record.form.map(model::Form::word),
        first_seen.to_string(),
        now.to_string(),
        serde_json::to_string(record)?,
    ])?;
    Ok(())
}

/// What is remembered at a store and not gone.
fn known_at(transaction: &Transaction<'_>, asset: &str) -> Result<Vec<DataRecord>, Error> {
    let sql = "SELECT json FROM data WHERE asset = ?1 AND gone_on IS NULL ORDER BY location, id";
    let mut statement = transaction.prepare_cached(sql)?;
    let rows = statement.query_map([asset], |row| row.get::<_, String>(0))?;
    rows.map(|json| Ok(serde_json::from_str(&json?)?)).collect()
}

fn mark_gone(transaction: &Transaction<'_>, id: &str, now: Timestamp) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached("UPDATE data SET gone_on = ?2 WHERE id = ?1")?;
    statement.execute(params![id, now.to_string()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const STORE: &str = "postgres://10.0.0.5:5432/residents";

    fn at(day: u8) -> Timestamp {
        format!("2026-01-{day:02}T00:00:00Z").parse().unwrap()
    }

    fn column(location: &str) -> DataRecord {
        DataRecord::new(DataType::PersonalData, STORE, location, Some("cn-mobile"))
    }

    fn store(not_read: &[(&str, bool)]) -> DataRecord {
        let mut store = DataRecord::new(DataType::Store, STORE, "", None);
        let part = |(location, by_design): &(&str, bool)| NotRead {
            location: (*location).to_owned(),
            why: "statement timeout".to_owned(),
            by_design: *by_design,
        };
        store.not_read = not_read.iter().map(part).collect();
        store
    }

    struct Life {
        folder: tempfile::TempDir,
        inventory: Inventory,
    }

    impl Life {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let inventory = Inventory::open(&folder.path().join("inventory.sqlite")).unwrap();
            Self { folder, inventory }
        }

        /// What a run saw; returns the locations that are gone, and the first record.
        fn day(&mut self, day: u8, mut records: Vec<DataRecord>) -> (Vec<String>, DataRecord) {
            let gone = self.inventory.remember_data(&mut records, at(day)).unwrap();
            (gone.into_iter().map(|record| record.location).collect(), records.remove(0))
        }
    }

    #[test]
    fn since_when_a_column_is_known_is_kept_over_runs() {
        let mut life = Life::new();
        let (_, first) = life.day(1, vec![column("public.p.phone"), store(&[])]);
        assert_eq!((first.known_since, first.last_seen), (Some(at(1)), Some(at(1))));
        let (_, second) = life.day(5, vec![column("public.p.phone"), store(&[])]);
        assert_eq!((second.known_since, second.last_seen), (Some(at(1)), Some(at(5))));
    }

    #[test]
    fn a_column_that_is_not_there_any_more_is_gone_once() {
        let mut life = Life::new();
        life.day(1, vec![column("public.p.phone"), column("public.p.mail"), store(&[])]);
        assert_eq!(life.day(2, vec![column("public.p.mail"), store(&[])]).0, ["public.p.phone"]);
        assert!(life.day(3, vec![column("public.p.mail"), store(&[])]).0.is_empty());
        let (_, back) = life.day(4, vec![column("public.p.phone"), store(&[])]);
        assert_eq!(back.known_since, Some(at(1)), "it has been known before");
        assert_eq!(life.day(5, vec![store(&[])]).0, ["public.p.phone"]);
    }

    #[test]
    fn a_store_that_was_not_read_in_full_loses_nothing() {
        let mut life = Life::new();
        life.day(1, vec![column("public.p.phone"), store(&[])]);
        assert!(life.day(2, vec![store(&[("public.other", false)])]).0.is_empty());
        let mut other = column("public.other.mail");
        other.not_read = store(&[("public.other.mail", false)]).not_read;
        assert!(life.day(3, vec![other, store(&[])]).0.is_empty());
        let elsewhere = DataRecord::new(DataType::Store, "redis://10.0.0.7:6379/0", "", None);
        assert!(life.day(4, vec![elsewhere]).0.is_empty());
    }

    #[test]
    fn what_was_left_out_by_design_is_not_gone() {
        let mut life = Life::new();
        life.day(1, vec![column("public.p.phone"), column("public.p2.phone"), store(&[])]);
        assert_eq!(life.day(2, vec![store(&[("public.p", true)])]).0, ["public.p2.phone"]);
        assert!(life.day(3, vec![store(&[("", true)])]).0.is_empty());
    }

    #[test]
    fn a_secret_that_nobody_finds_any_more_is_gone() {
        let mut life = Life::new();
        let secret = DataRecord::new(DataType::Secret, STORE, "public.notes.body", Some("jwt"));
        life.day(1, vec![secret, store(&[])]);
        assert_eq!(life.day(2, vec![store(&[])]).0, ["public.notes.body"]);
    }

    #[test]
    fn a_file_of_version_1_gets_the_new_tables_and_keeps_its_doors() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/version-1.sqlite");
        let life = Life::new();
        let copy = life.folder.path().join("old.sqlite");
        std::fs::copy(&fixture, &copy).unwrap();
        let version = |path: &Path| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0)).unwrap()
        };
        assert_eq!(version(&copy), 1);
        let mut inventory = Inventory::open(&copy).unwrap();
        assert_eq!(version(&copy), 3);
        inventory.remember_data(&mut [column("public.p.phone"), store(&[])], at(1)).unwrap();
        assert_eq!(inventory.open_doors().unwrap().len(), 1);
        drop(inventory);
        assert_eq!(Inventory::open(&copy).unwrap().open_doors().unwrap().len(), 1);
    }

    /// The second version of the file, as that version wrote it: every later program must read it.
    #[test]
    fn a_file_of_version_2_is_read() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/version-2.sqlite");
        let life = Life::new();
        let copy = life.folder.path().join("old.sqlite");
        std::fs::copy(&fixture, &copy).unwrap();
        let mut records = [column("public.p.phone")];
        Inventory::open(&copy).unwrap().remember_data(&mut records, at(9)).unwrap();
        assert_eq!(records[0].known_since, Some(at(1)));
    }

    /// The third, likewise. `WATERTIGHT_UPDATE=1` may write it only while version 3 is the newest.
    #[test]
    fn a_file_of_version_3_is_read() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/version-3.sqlite");
        let known = KnownPeople { asset: STORE.to_owned(), at: at(1), sketches: "{}".to_owned() };
        if std::env::var_os("WATERTIGHT_UPDATE").is_some() {
            let mut inventory = Inventory::open(&fixture).unwrap();
            inventory.remember_people(std::slice::from_ref(&known)).unwrap();
        }
        let life = Life::new();
        let copy = life.folder.path().join("old.sqlite");
        std::fs::copy(&fixture, &copy).unwrap();
        assert_eq!(Inventory::open(&copy).unwrap().known_people().unwrap(), [known]);
    }

    #[test]
    fn the_people_of_a_store_are_those_of_its_last_count() {
        let mut life = Life::new();
        let known = |asset: &str, day, sketches: &str| KnownPeople {
            asset: asset.to_owned(),
            at: at(day),
            sketches: sketches.to_owned(),
        };
        let (one, two) = (known("redis://10.0.0.7:6379", 1, "a"), known(STORE, 1, "b"));
        life.inventory.remember_people(&[one.clone(), two]).unwrap();
        let later = known(STORE, 2, "c");
        life.inventory.remember_people(std::slice::from_ref(&later)).unwrap();
        assert_eq!(life.inventory.known_people().unwrap(), [later, one]);
    }
}
