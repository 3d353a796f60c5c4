//! A folder of files as they lie around in an organisation: tables in many formats, archives in archives, letters, logs, and
//! source code with secrets. Each person is in at least one of them.

mod office;

use std::fs;
use std::io::{self, Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::civil::Date;
use serde::Serialize;
use zip::write::SimpleFileOptions;

use crate::format::{Format, write as write_table};
use crate::secret::secrets;
use crate::settings::Settings;
use crate::table::{Field, Table};
use crate::truth::Truth;
use crate::world::World;
use crate::{Holds, Source};

/// Why the folder was not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// An archive.
    #[error(transparent)]
    Zip(#[from] zip::result::ZipError),
    /// A spreadsheet.
    #[error(transparent)]
    Sheet(#[from] rust_xlsxwriter::XlsxError),
    /// The settings.
    #[error(transparent)]
    Unfit(#[from] crate::Unfit),
}

/// What is true about the folder.
#[derive(Clone, Debug, Serialize)]
pub struct FolderTruth {
    /// About all of its people together.
    pub all: Truth,
    /// Its files with people or look-alikes in them.
    pub files: Vec<FileTruth>,
    /// Where secrets lie.
    pub secrets: Vec<SecretTruth>,
}

/// What is true about a file.
#[derive(Clone, Debug, Serialize)]
pub struct FileTruth {
    /// Its path below the folder; `a.zip!b.csv` in an archive.
    pub path: String,
    /// How many records it has.
    pub rows: u64,
    /// The first of its people, by number, ...
    pub from: u64,
    /// ... and the one before whom it stops.
    pub to: u64,
    /// Its columns; one without a name for free text.
    pub columns: Vec<(String, Holds)>,
}

/// Where a secret lies.
#[derive(Clone, Debug, Serialize)]
pub struct SecretTruth {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: u64,
    /// What it is.
    pub kind: &'static str,
}

/// The tables: path, table, format, and which thousandths of the people are in it. Some people are in two files.
const TABLES: &[(&str, &str, Format, u64, u64)] = &[
    ("exports/persons.csv", "persons", Format::Csv, 0, 250),
    ("exports/contacts.tsv", "contacts", Format::Tsv, 200, 300),
    ("exports/protected.csv", "protected", Format::Csv, 0, 100),
    ("exports/business.csv", "business", Format::Csv, 0, 100),
    ("erp/people.xml", "persons", Format::Xml, 290, 350),
    ("api/people.json", "persons", Format::Json, 340, 400),
    ("dump/people.sql", "persons", Format::Postgres, 500, 600),
    ("dump/old-people.sql", "contacts", Format::Mysql, 600, 650),
];
/// A table in the encoding of old systems.
const GBK: (&str, &str, Format, u64, u64) = ("exports/旧系统导出.csv", "persons", Format::Csv, 650, 700);
/// A table that is compressed.
const GZIP: (&str, &str, Format, u64, u64) =
    ("archive/2024/persons.ndjson.gz", "persons", Format::Ndjson, 400, 500);
/// A table in an archive in an archive.
const NESTED: (&str, &str, Format, u64, u64) =
    ("backup/all.zip!old/tables.tar.gz!tables/persons.csv", "persons", Format::Csv, 700, 850);
/// A table in an archive.
const ZIPPED: (&str, &str, Format, u64, u64) =
    ("backup/all.zip!persons.ndjson", "persons", Format::Ndjson, 850, 950);
/// A spreadsheet.
const SHEET: (&str, &str, Format, u64, u64) = ("office/register.xlsx", "persons", Format::Csv, 950, 1_000);
/// How many people letters and logs name.
const IN_TEXT: u64 = 24;

/// Writes the folder, which must not exist, and tells what is true about it on a day.
///
/// # Errors
///
/// See [`Error`].
pub fn write(world: &World, folder: &Path, on: Date) -> Result<FolderTruth, Error> {
    // One record each, so that a range of records is one of people.
    let people = world.settings().people;
    let world = World::new(Settings { records: people, ..world.settings().clone() })?;
    fs::create_dir(folder)?;
    let mut maker = Maker { world: &world, folder, files: Vec::new(), secrets: Vec::new() };
    for &plan in TABLES {
        let bytes = maker.table(plan)?;
        maker.save(plan.0, &bytes)?;
    }
    let gbk = maker.table(GBK)?;
    maker.save(GBK.0, &encoding_rs::GBK.encode(&String::from_utf8_lossy(&gbk)).0)?;
    let compressed = gzip(&maker.table(GZIP)?)?;
    maker.save(GZIP.0, &compressed)?;
    maker.archives()?;
    maker.office()?;
    maker.log()?;
    maker.sources()?;
    let tables: Vec<Table> = Table::NAMES.iter().filter_map(|name| Table::of(name, &world)).collect();
    let (files, secrets) = (maker.files, maker.secrets);
    Ok(FolderTruth { all: Truth::new(&world, &tables, on), files, secrets })
}

struct Maker<'a> {
    world: &'a World,
    folder: &'a Path,
    files: Vec<FileTruth>,
    secrets: Vec<SecretTruth>,
}

impl Maker<'_> {
    fn save(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)
    }

    fn share(&self, thousandths: u64) -> u64 {
        let people = u128::from(self.world.settings().people);
        (people * u128::from(thousandths) / 1_000) as u64
    }

    /// The bytes of a table; notes what is true about it.
    fn table(
        &mut self,
        (path, name, format, from, to): (&str, &str, Format, u64, u64),
    ) -> io::Result<Vec<u8>> {
        let (from, to) = (self.share(from), self.share(to));
        let mut out = Vec::new();
        if let Some(table) = Table::of(name, self.world) {
            write_table(self.world, &table, format, from..to, &mut out)?;
            let columns =
                table.columns.into_iter().map(|column| (column.name, column.field.holds())).collect();
            self.files.push(FileTruth { path: path.to_owned(), rows: to - from, from, to, columns });
        }
        Ok(out)
    }

    fn archives(&mut self) -> Result<(), Error> {
        let csv = self.table(NESTED)?;
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(csv.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        tar.append_data(&mut header, "tables/persons.csv", csv.as_slice())?;
        let inner = gzip(&tar.into_inner()?)?;
        let ndjson = self.table(ZIPPED)?;
        let zip = zipped(&[("old/tables.tar.gz", &inner), ("persons.ndjson", &ndjson)])?;
        Ok(self.save("backup/all.zip", &zip)?)
    }

    fn office(&mut self) -> Result<(), Error> {
        let (path, name, _, from, to) = SHEET;
        let (from, to) = (self.share(from), self.share(to));
        if let Some(table) = Table::of(name, self.world) {
            let sheet = office::sheet(self.world, &table, from..to)?;
            self.save(path, &sheet)?;
            let columns =
                table.columns.into_iter().map(|column| (column.name, column.field.holds())).collect();
            self.files.push(FileTruth { path: path.to_owned(), rows: to - from, from, to, columns });
        }
        let letter = self.lines(0, Field::Note);
        self.save("office/letter.docx", &office::letter(&letter)?)?;
        self.told("office/letter.docx", 0, Field::Note);
        let list = self.lines(IN_TEXT, Field::Clear(Source::Resident));
        self.save("office/list.pdf", &office::pdf(&list))?;
        self.told("office/list.pdf", IN_TEXT, Field::Clear(Source::Resident));
        Ok(())
    }

    /// Some lines of text about as many people.
    fn lines(&self, from: u64, field: Field) -> Vec<String> {
        let people = self.world.settings().people;
        let line = |number| {
            let mut out = Vec::new();
            let record = self.world.record(number);
            if field == Field::Clear(Source::Resident) {
                self.world.latin_name(&record.person, &mut out);
                out.extend_from_slice(b", citizen no. ");
            }
            self.world.write(&record, field, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        (from.min(people)..(from + IN_TEXT).min(people)).map(line).collect()
    }

    fn told(&mut self, path: &str, from: u64, field: Field) {
        let people = self.world.settings().people;
        let (from, to) = (from.min(people), (from + IN_TEXT).min(people));
        let columns = vec![(String::new(), field.holds())];
        self.files.push(FileTruth { path: path.to_owned(), rows: to - from, from, to, columns });
    }

    fn log(&mut self) -> io::Result<()> {
        let mut text = String::new();
        for (at, line) in self.lines(2 * IN_TEXT, Field::Note).iter().enumerate() {
            let line = line.replace('\n', " ");
            for beat in 0..40 {
                text += &format!(
                    "2026-06-30 12:{at:02}:{beat:02}.017 INFO  worker-{beat} batch 4 of 9 is done in 17 ms\n"
                );
            }
            text += &format!("2026-06-30 12:{at:02}:59.402 WARN  intake could not parse: {line}\n");
        }
        self.save("log/intake.log", text.as_bytes())?;
        self.told("log/intake.log", 2 * IN_TEXT, Field::Note);
        Ok(())
    }

    fn sources(&mut self) -> io::Result<()> {
        let mut python =
            String::from("# Settings of the intake service.\nDEBUG = False\nTIMEOUT_SECONDS = 30\n");
        let mut environment = String::from("STAGE=production\n");
        for secret in secrets(self.world.settings().seed) {
            let (path, text) = match secret.kind {
                "private_key" => ("src/deploy/intake.pem", &mut String::new()),
                "postgres_url" | "jwt" => ("src/.env", &mut environment),
                _ => ("src/settings.py", &mut python),
            };
            let line = 1 + text.lines().count() as u64;
            let name = secret.kind.to_uppercase();
            if path.ends_with(".pem") {
                self.save(path, secret.value.as_bytes())?;
            } else if path.ends_with(".env") {
                *text += &format!("{name}={}\n", secret.value);
            } else {
                *text += &format!("{name} = \"{}\"\n", secret.value);
                if let Some(other) = &secret.password {
                    *text += &format!("{name}_SECRET = \"{other}\"\n");
                }
            }
            self.secrets.push(SecretTruth { path: path.to_owned(), line, kind: secret.kind });
        }
        self.save("src/settings.py", python.as_bytes())?;
        self.save("src/.env", environment.as_bytes())
    }
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A zip archive of these files, as if made on the first day that its format knows.
fn zipped(files: &[(&str, &[u8])]) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::DEFAULT)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn every_person_is_in_a_file_and_every_secret_where_it_is_said_to_be() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("files");
        let world = World::new(Settings::new(30, 2_000)).unwrap();
        let truth = write(&world, &folder, world.settings().reference).unwrap();
        let mut seen = vec![false; 2_000];
        for file in truth.files.iter().filter(|file| !file.path.ends_with("business.csv")) {
            seen[file.from as usize..file.to as usize].fill(true);
        }
        assert!(seen.into_iter().all(|seen| seen));
        let secrets = secrets(30);
        for lies in &truth.secrets {
            let text = fs::read_to_string(folder.join(&lies.path)).unwrap();
            let secret = secrets.iter().find(|secret| secret.kind == lies.kind).unwrap();
            let line = text.lines().nth(lies.line as usize - 1).unwrap();
            assert!(line.contains(secret.value.lines().next().unwrap()), "{}", lies.kind);
        }
        assert!(write(&world, &folder, world.settings().reference).is_err(), "it exists");
    }

    #[test]
    fn the_same_seed_gives_the_same_files() {
        let place = tempfile::tempdir().unwrap();
        let world = World::new(Settings::new(31, 400)).unwrap();
        for name in ["a", "b"] {
            write(&world, &place.path().join(name), world.settings().reference).unwrap();
        }
        for file in
            ["backup/all.zip", "office/register.xlsx", "office/letter.docx", "archive/2024/persons.ndjson.gz"]
        {
            let bytes = |name: &str| fs::read(place.path().join(name).join(file)).unwrap();
            assert!(bytes("a") == bytes("b"), "{file}");
        }
    }

    #[test]
    fn archives_hold_what_they_say() {
        let place = tempfile::tempdir().unwrap();
        let world = World::new(Settings::new(32, 400)).unwrap();
        write(&world, &place.path().join("f"), world.settings().reference).unwrap();
        let file = fs::File::open(place.path().join("f/backup/all.zip")).unwrap();
        let mut zip = zip::ZipArchive::new(file).unwrap();
        let mut inner = Vec::new();
        zip.by_name("old/tables.tar.gz").unwrap().read_to_end(&mut inner).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(inner.as_slice()));
        let mut csv = String::new();
        tar.entries().unwrap().next().unwrap().unwrap().read_to_string(&mut csv).unwrap();
        assert_eq!(csv.lines().count(), 61);
        let gbk = fs::read(place.path().join("f").join(GBK.0)).unwrap();
        assert!(encoding_rs::GBK.decode_without_bom_handling(&gbk).0.contains("霁州市"));
    }
}
