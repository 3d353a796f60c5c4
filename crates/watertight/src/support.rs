//! Support dates of products: those that are part of the program, and newer ones that the user brings.
//!
//! The program asks nobody. Whoever has no internet takes newer dates as a file from somebody who has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use miette::Diagnostic;
use model::lifecycle::{Lifecycle, Lifecycles, OLD_AFTER_DAYS};
use model::{Observation, Record, records_of};
use thiserror::Error;

/// The dates that are part of the program, in the form that every start of it reads.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/lifecycle.json"));

/// Support dates that cannot be used. Nothing was sent.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum SupportError {
    /// A path cannot be read.
    #[error("cannot read the support dates `{}`: {source}", path.display())]
    #[diagnostic(help(
        "--lifecycle, or `lifecycle` in watertight.toml, names a file of support dates, or a folder of them"
    ))]
    Read {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder without dates: probably another one was meant.
    #[error("no file of support dates (*.yml) is in `{}`", .0.display())]
    #[diagnostic(help("name the folder that holds them, or one file"))]
    Empty(PathBuf),
    /// A file is not what it should be.
    #[error("`{}` is not a file of support dates: {reason}", path.display())]
    #[diagnostic(help(
        "it has product, source, checked (the day) and cycles, each with cycle and eol (the last day with security fixes), \
         as the files in packs/lifecycle have"
    ))]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// Two files of one folder would replace each other.
    #[error("`{}` has support dates of `{product}` once more", path.display())]
    #[diagnostic(help("leave one file for each product in the folder"))]
    Twice {
        /// The second file.
        path: PathBuf,
        /// The product.
        product: String,
    },
}

/// The dates of this run.
pub(crate) struct Support {
    lifecycles: Lifecycles,
}

impl Support {
    /// The dates of the program; what is in the user's file or folder replaces them, product by product.
    ///
    /// # Errors
    /// When the path cannot be read or understood.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, SupportError> {
        let mut lifecycles = Lifecycles::default();
        // A test parses every file: what is built in cannot fail.
        for cycles in Lifecycle::parse_all(BUILT_IN).unwrap_or_default() {
            lifecycles.insert(cycles);
        }
        for cycles in path.map(read).transpose()?.unwrap_or_default() {
            lifecycles.insert(cycles);
        }
        Ok(Self { lifecycles })
    }

    /// What was observed as records with their patch state, and what is to be said about the dates themselves.
    pub(crate) fn records(&self, observations: &[Observation], now: Timestamp) -> (Vec<Record>, Vec<String>) {
        let mut records = Vec::new();
        let mut old = BTreeMap::new();
        for observation in observations {
            let cycles = self.lifecycles.find(observation.product.as_deref(), own_service(observation));
            let known = cycles.zip(observation.version.as_deref());
            if let Some((cycles, _)) = known.filter(|(cycles, _)| cycles.is_old(now)) {
                old.insert(cycles.product.as_str(), cycles.checked);
            }
            let patch = known.and_then(|(cycles, version)| cycles.of(version, now));
            records.extend(records_of(observation, patch));
        }
        (records, age(&old).into_iter().collect())
    }
}

/// The service id stands for its product, unless another one than the probe's own answered: a fork has dates of its own.
fn own_service(observation: &Observation) -> Option<&str> {
    let service = observation.service.as_deref()?;
    let about = probe::registry().iter().map(|known| known.about()).find(|about| about.id == service);
    let other =
        |about: &probe::About<'_>| observation.product.as_deref().is_some_and(|told| told != about.product);
    (!about.as_ref().is_some_and(other)).then_some(service)
}

/// One sentence for all products: it is the reader's decision whether that matters.
fn age(old: &BTreeMap<&str, Date>) -> Option<String> {
    let products: Vec<String> =
        old.iter().map(|(product, checked)| format!("{product} ({checked})")).collect();
    (!products.is_empty()).then(|| {
        format!(
            "support dates were checked more than {OLD_AFTER_DAYS} days ago: {}; give newer ones with --lifecycle",
            products.join(", ")
        )
    })
}

fn parse(path: &Path, text: &str) -> Result<Lifecycle, SupportError> {
    Lifecycle::parse(text)
        .map_err(|error| SupportError::Parse { path: path.to_owned(), reason: error.to_string() })
}

/// One file, or all of a folder.
fn read(path: &Path) -> Result<Vec<Lifecycle>, SupportError> {
    let unreadable = |source| SupportError::Read { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![read_file(path)?]);
    }
    let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(unreadable)?.collect();
    let mut files: Vec<PathBuf> = entries.map_err(unreadable)?.iter().map(std::fs::DirEntry::path).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "yml" || end == "yaml"));
    files.sort();
    if files.is_empty() {
        return Err(SupportError::Empty(path.to_owned()));
    }
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for file in files {
        let cycles = read_file(&file)?;
        if !seen.insert(cycles.product.clone()) {
            return Err(SupportError::Twice { path: file, product: cycles.product });
        }
        all.push(cycles);
    }
    Ok(all)
}

fn read_file(path: &Path) -> Result<Lifecycle, SupportError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SupportError::Read { path: path.to_owned(), source })?;
    parse(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWER: &str = "product: redis\nsource: https://example.org/redis\nchecked: 2027-05-01\ncycles:\n  - { cycle: \"7.0\", eol: 2027-05-02 }\n";

    fn support(file: &str) -> Result<Support, SupportError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("redis.yml");
        std::fs::write(&path, file).unwrap();
        Support::load(Some(&path))
    }

    fn redis(version: &str) -> Observation {
        let asset = model::Asset::at(&model::Address::Tcp("10.0.0.5:6379".parse().unwrap()));
        let mut observation = Observation::new(
            asset,
            model::Vantage::Remote,
            model::Reach::Lan,
            model::Verdict::Open,
            "keys are read without a password",
            "2027-05-03T00:00:00Z".parse().unwrap(),
        );
        observation.service = Some("redis".to_owned());
        observation.version = Some(version.to_owned());
        observation
    }

    #[test]
    fn every_file_of_the_program_is_read() {
        let built_in = Support::load(None).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/lifecycle");
        let files = read(&folder).unwrap().len();
        assert_eq!(built_in.lifecycles.iter().count(), files);
    }

    #[test]
    fn the_service_ids_that_share_dates_find_them() {
        let built_in = Support::load(None).unwrap().lifecycles;
        let found = |product, service| built_in.find(product, service).map(|cycles| cycles.product.as_str());
        for (product, service, expected) in [
            (Some("Valkey"), "redis", Some("valkey")),
            (None, "neo4j-bolt", Some("neo4j")),
            (None, "kubelet", Some("kubernetes")),
            (Some("Hadoop HDFS NameNode"), "hadoop", Some("hadoop")),
            (Some("Apache HBase"), "hadoop", Some("hbase")),
            (None, "influxdb1", Some("influxdb")),
            (Some("RabbitMQ"), "amqp", Some("rabbitmq")),
            (Some("Samba"), "smb", Some("samba")),
            (Some("OpenLDAP"), "ldap", Some("openldap")),
            (Some("ProFTPD"), "ftp", Some("proftpd")),
            (Some("vsftpd"), "ftp", None),
            (None, "ldap", None),
        ] {
            assert_eq!(found(product, Some(service)), expected, "{product:?} {service}");
        }
    }

    #[test]
    fn the_users_file_replaces_the_product_whole_and_no_other() {
        let now = "2027-05-03T00:00:00Z".parse().unwrap();
        let newer = support(NEWER).unwrap();
        let (records, notes) = newer.records(&[redis("7.0.15"), redis("6.2.1")], now);
        let patches: Vec<_> = records.iter().map(|record| record.patch.clone()).collect();
        let seven = patches.iter().flatten().next().unwrap();
        assert!(seven.ended && seven.source == "https://example.org/redis", "{patches:?}");
        assert_eq!(seven.checked, Some("2027-05-01".parse().unwrap()));
        assert!(patches.contains(&None), "6.2 is not in the file: {patches:?}");
        assert!(notes.is_empty(), "{notes:?}");
        assert!(newer.lifecycles.find(None, Some("etcd")).is_some());
    }

    #[test]
    fn a_fork_does_not_get_the_dates_of_what_it_was_forked_from() {
        let built_in = Support::load(None).unwrap();
        let mut fork = redis("6.2.1");
        let patched = |observation: &Observation| {
            let now = "2027-12-01T00:00:00Z".parse().unwrap();
            let (records, _) = built_in.records(std::slice::from_ref(observation), now);
            records.iter().any(|record| record.patch.is_some())
        };
        assert!(patched(&fork));
        fork.product = Some("KeyDB".to_owned());
        assert!(!patched(&fork));
    }

    #[test]
    fn old_dates_are_told_once_and_only_when_they_were_asked() {
        let now = "2027-12-01T00:00:00Z".parse().unwrap();
        let newer = support(NEWER).unwrap();
        let (_, notes) = newer.records(&[redis("7.0.15"), redis("99.0")], now);
        assert_eq!(
            notes,
            [
                "support dates were checked more than 180 days ago: redis (2027-05-01); give newer ones with --lifecycle"
            ]
        );
        let untold = Observation { version: None, ..redis("7.0.15") };
        assert!(newer.records(&[untold], now).1.is_empty());
    }

    #[test]
    fn a_wrong_file_is_named_with_the_place() {
        let Err(error) = support("product: redis\nchecked: 2027-05-01\ncycles: [{ cycle: 7, end: never }]\n")
        else {
            panic!()
        };
        let message = error.to_string();
        assert!(message.contains("redis.yml` is not a file of support dates"), "{message}");
        assert!(message.contains("line 3"), "{message}");
    }

    #[test]
    fn a_folder_gives_all_its_files_and_one_for_each_product() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Support::load(Some(folder.path())), Err(SupportError::Empty(_))));
        std::fs::write(folder.path().join("a.yml"), NEWER).unwrap();
        std::fs::write(folder.path().join("b.yaml"), NEWER.replace("redis", "nats")).unwrap();
        std::fs::write(folder.path().join("README"), "not dates").unwrap();
        let both = Support::load(Some(folder.path())).unwrap().lifecycles;
        assert!(both.find(None, Some("nats")).is_some());
        std::fs::write(folder.path().join("c.yml"), NEWER).unwrap();
        assert!(matches!(Support::load(Some(folder.path())), Err(SupportError::Twice { .. })));
    }
}
