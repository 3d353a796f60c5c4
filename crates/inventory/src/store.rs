//! Reading and writing what was seen.

use std::collections::HashSet;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use model::{Record, RecordType, Verdict};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::{Error, schema};

/// How long one program waits for another that writes.
const BUSY: Duration = Duration::from_secs(30);

/// What was seen, over all runs.
#[derive(Debug)]
pub struct Inventory {
    pub(crate) connection: Connection,
}

/// An open door that is remembered.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The record as it was last seen.
    pub record: Record,
    /// The network namespace whose socket table showed the listener.
    pub origin: Option<String>,
}

impl Inventory {
    /// Opens the inventory at `path`, or makes it, readable by its owner alone.
    ///
    /// # Errors
    /// When the file cannot be made, is not an inventory, or is newer than this program.
    pub fn open(path: &Path) -> Result<Self, Error> {
        make_private(path).map_err(|source| Error::Create { path: path.to_owned(), source })?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        // No write-ahead log: switching to it is the one thing for which SQLite does not wait for another program,
        // and transactions here are short.
        connection.pragma_update(None, "foreign_keys", true)?;
        schema::prepare(&mut connection, path)?;
        Ok(Self { connection })
    }

    /// The doors that were open when last seen, and were not seen closed since.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open_doors(&self) -> Result<Vec<Remembered>, Error> {
        let mut statement = self
            .connection
            .prepare("SELECT json, origin FROM record WHERE open ORDER BY asset, vantage, id")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (json, origin) = row?;
            Ok(Remembered { record: serde_json::from_str(&json)?, origin })
        })
        .collect()
    }

    /// Takes in what a run saw, in one transaction, and completes the records with what is remembered: since when
    /// open, when closed, reopened. `origin` is the socket table that was read, when this machine was looked at.
    ///
    /// # Errors
    /// When the file cannot be written. Nothing is changed then.
    pub fn remember(
        &mut self,
        records: &mut [Record],
        origin: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for record in records.iter_mut() {
            recall(&transaction, record, now)?;
            save(&transaction, record, origin, now)?;
        }
        let there: HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
        for exposure in records.iter().filter(|record| record.kind == RecordType::Exposure) {
            close_others(&transaction, exposure, &there, now)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// The folder 0700, the file 0600, whatever the umask; an existing file is corrected.
fn make_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// A record as it is remembered, and whether its door is.
struct Known {
    open: bool,
    record: Record,
}

const COLUMNS: &str = "open, json";

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(bool, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn parsed((open, json): (bool, String)) -> Result<Known, Error> {
    Ok(Known { open, record: serde_json::from_str(&json)? })
}

/// What is remembered as open at the place of a record.
fn open_at(transaction: &Transaction<'_>, record: &Record) -> Result<Vec<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM record WHERE asset = ?1 AND vantage = ?2 AND open ORDER BY id");
    let mut statement = transaction.prepare_cached(&sql)?;
    let rows = statement.query_map([&record.asset.address, &record.vantage.to_string()], row)?;
    rows.map(|found| Ok(parsed(found?)?.record)).collect()
}

/// Whether a record says that something is wrong now: an open door, or a finding of another type.
fn is_open(record: &Record) -> bool {
    record.kind != RecordType::Exposure || record.verdict.is_open()
}

/// Completes a record with what is remembered of it, or of the door it stands for.
fn recall(transaction: &Transaction<'_>, record: &mut Record, now: Timestamp) -> Result<(), Error> {
    // A door that does not answer, or is gone, tells no service; it is the one that is remembered there.
    if record.kind == RecordType::Exposure && record.service.is_none() && record.verdict.is_undecided() {
        adopt_remembered(transaction, record)?;
    }
    let sql = format!("SELECT {COLUMNS} FROM record WHERE id = ?1");
    let mut statement = transaction.prepare_cached(&sql)?;
    let known = statement.query_row([&record.id], row).optional()?.map(parsed).transpose()?;
    let open = is_open(record);
    let Some(known) = known else {
        record.open_since = open.then_some(now);
        return Ok(());
    };
    record.open_since = known.record.open_since;
    record.closed_on = known.record.closed_on;
    record.reopened = known.record.reopened;
    match (open, known.open) {
        (true, false) => {
            record.reopened = known.record.open_since.is_some();
            record.open_since = Some(now);
            record.closed_on = None;
        }
        (false, true) if record.verdict.is_shut() || record.verdict == Verdict::Closed => {
            record.closed_on = Some(now)
        }
        _ => {}
    }
    if matches!(record.verdict, Verdict::Unreachable | Verdict::Closed) {
        record.last_seen = known.record.last_seen;
    }
    Ok(())
}

/// Takes over the identity of the open door that is remembered at the same place.
fn adopt_remembered(transaction: &Transaction<'_>, record: &mut Record) -> Result<(), Error> {
    let doors = open_at(transaction, record)?;
    if let Some(door) = doors.into_iter().find(|door| door.kind == RecordType::Exposure) {
        record.id = door.id;
        record.service = door.service;
        record.product = door.product;
    }
    Ok(())
}

fn save(
    transaction: &Transaction<'_>,
    record: &Record,
    origin: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let verdict = record.verdict.to_string();
    let before: Option<String> = transaction
        .query_row("SELECT verdict FROM record WHERE id = ?1", [&record.id], |row| row.get(0))
        .optional()?;
    // What was not decided does not shut a door that is remembered as open.
    let open = is_open(record)
        || (record.verdict.is_undecided() && record.closed_on.is_none() && record.open_since.is_some());
    transaction.execute(
        "INSERT INTO record (id, asset, vantage, origin, verdict, open, first_seen, last_seen, open_since, closed_on, json)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET origin = excluded.origin, verdict = excluded.verdict, open = excluded.open,
             last_seen = excluded.last_seen, open_since = excluded.open_since, closed_on = excluded.closed_on,
             json = excluded.json",
        params![
            record.id,
            record.asset.address,
            record.vantage.to_string(),
            origin,
            verdict,
            open,
            now.to_string(),
            text(record.last_seen),
            text(record.open_since),
            text(record.closed_on),
            serde_json::to_string(record)?,
        ],
    )?;
    if before.as_deref() != Some(verdict.as_str()) {
        let change = "INSERT INTO change (record_id, at, verdict) VALUES (?1, ?2, ?3)";
        transaction.execute(change, params![record.id, now.to_string(), verdict])?;
    }
    Ok(())
}

/// Closes what was open at the same place and is not there any more: another service answers now, the certificate
/// was renewed, the host refuses.
fn close_others(
    transaction: &Transaction<'_>,
    exposure: &Record,
    now_there: &HashSet<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    let decided =
        exposure.verdict.is_open() || exposure.verdict.is_shut() || exposure.verdict == Verdict::Closed;
    if !decided {
        return Ok(());
    }
    for mut gone in open_at(transaction, exposure)? {
        if now_there.contains(gone.id.as_str()) {
            continue;
        }
        gone.closed_on = Some(now);
        transaction.execute(
            "UPDATE record SET open = 0, closed_on = ?2, json = ?3 WHERE id = ?1",
            params![gone.id, now.to_string(), serde_json::to_string(&gone)?],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use model::{Address, Asset, Observation, Reach, Vantage, records_of};

    fn at(day: u8) -> Timestamp {
        format!("2026-01-{day:02}T00:00:00Z").parse().unwrap()
    }

    fn seen(verdict: Verdict, service: Option<&str>, day: u8) -> Vec<Record> {
        let observation = Observation {
            asset: Asset::at(&Address::Tcp("10.0.0.5:6379".parse().unwrap())),
            vantage: Vantage::Remote,
            reach: Reach::Lan,
            explicit: true,
            service: service.map(str::to_owned),
            product: None,
            version: None,
            verdict,
            reason: "because".to_owned(),
            surfaces: Vec::new(),
            counts: BTreeMap::new(),
            ransom_names: 0,
            tls: None,
            proof: None,
            evidence: Vec::new(),
            at: at(day),
        };
        records_of(&observation, None)
    }

    struct Life {
        _folder: tempfile::TempDir,
        inventory: Inventory,
    }

    impl Life {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let inventory = Inventory::open(&folder.path().join("deep/inventory.sqlite")).unwrap();
            Self { _folder: folder, inventory }
        }

        fn day(&mut self, day: u8, verdict: Verdict, service: Option<&str>) -> Record {
            let mut records = seen(verdict, service, day);
            self.inventory.remember(&mut records, None, at(day)).unwrap();
            records.remove(0)
        }
    }

    #[test]
    fn open_since_is_kept_over_runs() {
        let mut life = Life::new();
        assert_eq!(life.day(1, Verdict::Open, Some("redis")).open_since, Some(at(1)));
        assert_eq!(life.day(5, Verdict::Open, Some("redis")).open_since, Some(at(1)));
        assert_eq!(life.inventory.open_doors().unwrap().len(), 1);
    }

    #[test]
    fn a_login_that_is_demanded_now_closes_the_door() {
        let mut life = Life::new();
        life.day(1, Verdict::Open, Some("redis"));
        let record = life.day(3, Verdict::Protected, Some("redis"));
        assert_eq!((record.open_since, record.closed_on), (Some(at(1)), Some(at(3))));
        assert_eq!(life.day(4, Verdict::Protected, Some("redis")).closed_on, Some(at(3)));
        assert!(life.inventory.open_doors().unwrap().is_empty());
    }

    #[test]
    fn a_refusal_closes_the_door_that_was_there() {
        let mut life = Life::new();
        life.day(1, Verdict::Open, Some("redis"));
        let record = life.day(3, Verdict::Closed, None);
        assert_eq!((record.service.as_deref(), record.closed_on), (Some("redis"), Some(at(3))));
        assert!(life.inventory.open_doors().unwrap().is_empty());
    }

    #[test]
    fn a_time_out_closes_nothing_and_last_seen_stays() {
        let mut life = Life::new();
        life.day(1, Verdict::Open, Some("redis"));
        let record = life.day(3, Verdict::Unreachable, None);
        assert_eq!((record.closed_on, record.last_seen, record.open_since), (None, Some(at(1)), Some(at(1))));
        assert_eq!(life.inventory.open_doors().unwrap().len(), 1);
        assert_eq!(life.day(4, Verdict::Open, Some("redis")).open_since, Some(at(1)));
    }

    #[test]
    fn a_door_can_be_reopened() {
        let mut life = Life::new();
        life.day(1, Verdict::Open, Some("redis"));
        life.day(2, Verdict::Protected, Some("redis"));
        let record = life.day(3, Verdict::Open, Some("redis"));
        assert!(record.reopened && record.open_since == Some(at(3)) && record.closed_on.is_none());
        assert!(life.day(4, Verdict::Open, Some("redis")).reopened);
    }

    #[test]
    fn another_service_at_the_same_place_closes_the_former() {
        let mut life = Life::new();
        life.day(1, Verdict::Open, Some("redis"));
        life.day(2, Verdict::Open, Some("memcached"));
        let doors = life.inventory.open_doors().unwrap();
        assert_eq!(doors.len(), 1);
        assert_eq!(doors[0].record.service.as_deref(), Some("memcached"));
    }

    #[test]
    fn the_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.sqlite");
        std::fs::write(&path, b"").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let _inventory = Inventory::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_foreign_database_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.sqlite");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(Inventory::open(&path), Err(Error::Foreign(_))));
    }

    #[test]
    fn a_newer_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.sqlite");
        drop(Inventory::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Inventory::open(&path), Err(Error::Newer { found: 99, .. })));
    }

    /// The first version of the file, as that version wrote it: every later program must read it.
    #[test]
    fn a_file_of_version_1_is_read() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/version-1.sqlite");
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("inventory.sqlite");
        std::fs::copy(&fixture, &copy).unwrap();
        let doors = Inventory::open(&copy).unwrap().open_doors().unwrap();
        assert_eq!(doors.len(), 1);
        assert_eq!(
            (doors[0].record.service.as_deref(), doors[0].record.open_since),
            (Some("redis"), Some(at(1)))
        );
    }

    #[test]
    fn two_programs_at_the_same_time_do_not_hurt_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inventory.sqlite");
        let threads: Vec<_> = (0..4)
            .map(|worker| {
                let path = path.clone();
                std::thread::spawn(move || {
                    for day in 1..=10 {
                        let mut inventory = Inventory::open(&path).unwrap();
                        let service = format!("service-{worker}");
                        inventory
                            .remember(&mut seen(Verdict::Open, Some(&service), day), None, at(day))
                            .unwrap();
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let count: i64 = Inventory::open(&path)
            .unwrap()
            .connection
            .query_row("SELECT count(*) FROM record", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 4);
    }
}
