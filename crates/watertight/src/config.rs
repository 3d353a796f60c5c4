//! `watertight.toml`. An unknown key is an error with a suggestion.
//!
//! `[scope]` authorises tests of public addresses, so it is read only from a file that the user named or keeps in
//! their own configuration folder: a cloned repository must not authorise anything.

use std::path::{Path, PathBuf};

use discover::secret::verify::Vendor;
use ipnet::IpNet;
use jiff::Timestamp;
use miette::{Diagnostic, NamedSource, SourceSpan};
use model::{Acceptance, Bucket, Scope, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::target::{parse_bucket, without_password};

/// Name of the file.
pub(crate) const FILE_NAME: &str = "watertight.toml";

/// The file's content.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Who authorised tests of public addresses and buckets, until when, for which. Read only from `--config` or the
    /// user's own configuration folder.
    pub(crate) scope: Option<ScopeConfig>,
    /// Newer support dates: a file, or a folder of them, in the form of `packs/lifecycle/`. Relative to this file.
    pub(crate) lifecycle: Option<PathBuf>,
    /// Defaults of `watertight audit`.
    #[serde(default)]
    pub(crate) audit: AuditConfig,
    /// Findings that somebody took responsibility for. They are shown as accepted, never as clean.
    #[serde(default)]
    pub(crate) accept: Vec<AcceptConfig>,
}

/// `[scope]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScopeConfig {
    /// Who authorised the test.
    pub(crate) authorised_by: String,
    /// The authorisation ends then (RFC 3339).
    #[serde(deserialize_with = "timestamp")]
    #[schemars(with = "String")]
    pub(crate) until: Timestamp,
    /// The networks it covers.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) networks: Vec<IpNet>,
    /// The buckets it covers, written as targets: `oss://NAME`, `az://ACCOUNT/CONTAINER`,
    /// `s3://NAME?endpoint=https://HOST:PORT`. Only their providers' hosts, or that endpoint, are asked.
    #[serde(default, deserialize_with = "buckets")]
    #[schemars(with = "Vec<String>")]
    pub(crate) buckets: Vec<Bucket>,
    /// The security token services at which keys that were found may be tried with `--verify-secrets`:
    /// `sts.amazonaws.com`, `sts.eu-west-1.amazonaws.com`, `sts.aliyuncs.com`. Nothing else is said to them.
    #[serde(default, deserialize_with = "token_services")]
    pub(crate) token_services: Vec<String>,
}

/// `[audit]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditConfig {
    /// Exit 1 when a finding is at least this severe.
    pub(crate) fail_on: Option<Severity>,
    /// Seconds for everything that is said to one endpoint.
    pub(crate) timeout: Option<u64>,
    /// Ports to try on hosts and networks, instead of the default ports of all known services.
    pub(crate) ports: Option<Vec<u16>>,
}

/// `[[accept]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptConfig {
    /// The id of the record.
    pub(crate) id: String,
    /// Why it is accepted.
    pub(crate) reason: String,
    /// Who answers for it.
    pub(crate) owner: String,
    /// Until when (RFC 3339).
    #[serde(deserialize_with = "timestamp")]
    #[schemars(with = "String")]
    pub(crate) expires: Timestamp,
}

fn buckets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Bucket>, D::Error> {
    let bucket = |text: String| match parse_bucket(&text) {
        Some(Ok(bucket)) => Ok(bucket),
        Some(Err((problem, help))) => Err(format!("`{}`: {problem}; {help}", without_password(&text))),
        None => Err(format!("`{}` is not a bucket, such as oss://NAME", without_password(&text))),
    };
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.into_iter().map(bucket).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

fn token_services<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let host = |text: String| match Vendor::of_sts_host(&text.to_ascii_lowercase()) {
        Some(_) => Ok(text.to_ascii_lowercase()),
        None => Err(format!(
            "`{text}` is no security token service that is known, such as sts.amazonaws.com or sts.aliyuncs.com"
        )),
    };
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.into_iter().map(host).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

/// TOML has date-times of its own; a quoted RFC 3339 text is as good.
fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Toml(toml::value::Datetime),
        Text(String),
    }
    let text = match Either::deserialize(deserializer)? {
        Either::Toml(datetime) => datetime.to_string(),
        Either::Text(text) => text,
    };
    text.parse().map_err(|_| {
        serde::de::Error::custom(format!(
            "`{text}` is not an RFC 3339 time with an offset, such as 2027-01-31T00:00:00Z"
        ))
    })
}

/// A configuration that cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Parse(Box<ParseError>),
    /// A `[scope]` where none may be.
    #[error("`{}` in the working directory has a [scope]", .0.display())]
    #[diagnostic(help(
        "a folder that was cloned or unpacked must not authorise tests: move [scope] to the watertight.toml of your own \
         configuration folder, or name the file with --config"
    ))]
    ScopeInWorkingDirectory(PathBuf),
}

/// A file that is not what it should be, with the place.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
pub(crate) struct ParseError {
    message: String,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("here")]
    span: Option<SourceSpan>,
    #[help]
    help: Option<String>,
}

impl Config {
    /// Reads `--config FILE`, or the file of the user's folder and then the one of the working directory.
    ///
    /// # Errors
    /// When a file cannot be read or understood.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        if let Some(path) = named {
            return Self::read(path);
        }
        let own = directories::ProjectDirs::from("", "", "watertight")
            .map(|folders| folders.config_dir().join(FILE_NAME))
            .filter(|path| path.exists());
        let mut config = own.map_or_else(|| Ok(Self::default()), |path| Self::read(&path))?;
        let here = Path::new(FILE_NAME);
        if here.exists() {
            let local = Self::read(here)?;
            if local.scope.is_some() {
                return Err(ConfigError::ScopeInWorkingDirectory(here.to_owned()));
            }
            config.audit.fail_on = local.audit.fail_on.or(config.audit.fail_on);
            config.audit.timeout = local.audit.timeout.or(config.audit.timeout);
            config.audit.ports = local.audit.ports.or(config.audit.ports);
            config.lifecycle = local.lifecycle.or(config.lifecycle);
            config.accept.extend(local.accept);
        }
        Ok(config)
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            ConfigError::Parse(Box::new(ParseError {
                help: suggestion(error.message()),
                message: error.message().to_owned(),
                span: error.span().map(SourceSpan::from),
                source_code: NamedSource::new(path.display().to_string(), text),
            }))
        })?;
        // Wherever the program is started: the file means what lies beside it.
        config.lifecycle = config
            .lifecycle
            .map(|named| path.parent().map_or_else(|| named.clone(), |folder| folder.join(&named)));
        Ok(config)
    }

    /// The authorisation, as the guard takes it.
    pub(crate) fn scope(&self) -> Option<Scope> {
        self.scope.as_ref().map(|scope| Scope {
            authorised_by: scope.authorised_by.clone(),
            until: scope.until,
            networks: scope.networks.clone(),
            buckets: scope.buckets.iter().map(ToString::to_string).collect(),
            token_services: scope.token_services.clone(),
        })
    }

    /// The acceptances that have not expired at `now`, and the ids of those that have.
    pub(crate) fn acceptances(&self, now: Timestamp) -> (Vec<Acceptance>, Vec<String>) {
        let (valid, expired): (Vec<_>, Vec<_>) = self.accept.iter().partition(|entry| now < entry.expires);
        let acceptance = |entry: &AcceptConfig| Acceptance {
            id: entry.id.clone(),
            reason: entry.reason.clone(),
            owner: entry.owner.clone(),
            expires: entry.expires,
        };
        (
            valid.into_iter().map(acceptance).collect(),
            expired.into_iter().map(|entry| entry.id.clone()).collect(),
        )
    }
}

/// ``unknown field `x`, expected one of `a`, `b` ``: which of these was meant?
fn suggestion(message: &str) -> Option<String> {
    let mut names = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    let known: Vec<&str> = names.collect();
    closest(unknown, &known).map(|near| format!("did you mean `{near}`?"))
}

/// The word that was probably meant.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = |candidate: &&str| strsim::jaro_winkler(word, candidate);
    let best = known.iter().copied().max_by(|a, b| near(a).total_cmp(&near(b)))?;
    (near(&best) > 0.75).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path))
    }

    #[test]
    fn an_unknown_key_is_an_error_with_a_suggestion() {
        let Err(ConfigError::Parse(error)) = parse("[audit]\nfail-on = \"low\"\n") else { panic!() };
        assert_eq!(error.help.as_deref(), Some("did you mean `fail_on`?"));
        assert!(error.span.is_some());
    }

    #[test]
    fn times_may_be_quoted_or_not() {
        let text =
            "[scope]\nauthorised_by = \"me\"\nuntil = 2027-01-01T00:00:00Z\nnetworks = [\"8.8.8.0/24\"]\n";
        assert!(parse(text).unwrap().scope().is_some());
        assert!(parse(&text.replace("2027-01-01T00:00:00Z", "\"2027-01-01T00:00:00Z\"")).is_ok());
        assert!(parse(&text.replace("2027-01-01T00:00:00Z", "2027-01-01")).is_err());
    }

    #[test]
    fn buckets_are_authorised_by_name_and_need_no_networks() {
        let text = |bucket: &str| {
            format!(
                "[scope]\nauthorised_by = \"me\"\nuntil = 2027-01-01T00:00:00Z\nbuckets = [\"{bucket}\"]\n"
            )
        };
        let scope = parse(&text("oss://archive?region=cn-beijing")).unwrap().scope().unwrap();
        assert_eq!(scope.buckets, ["oss://archive"]);
        for wrong in ["archive", "oss://*", "https://archive.oss-cn-beijing.aliyuncs.com", "cos://archive"] {
            assert!(parse(&text(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn token_services_are_those_of_vendors_alone() {
        let text = |host: &str| {
            format!(
                "[scope]\nauthorised_by = \"me\"\nuntil = 2027-01-01T00:00:00Z\ntoken_services = [\"{host}\"]\n"
            )
        };
        let scope = parse(&text("STS.eu-west-1.amazonaws.com")).unwrap().scope().unwrap();
        assert_eq!(scope.token_services, ["sts.eu-west-1.amazonaws.com"]);
        for wrong in ["sts.evil.example", "sts.amazonaws.com.evil.example", "127.0.0.1"] {
            assert!(parse(&text(wrong)).is_err(), "{wrong}");
        }
    }

    /// `WATERTIGHT_UPDATE=1` writes the file instead.
    #[test]
    fn the_published_schema_is_the_generated_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/config-1.schema.json");
        let schema = format!("{:#}\n", schemars::schema_for!(Config).to_value());
        if std::env::var_os("WATERTIGHT_UPDATE").is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        assert!(std::fs::read_to_string(&path).unwrap() == schema, "run the tests with WATERTIGHT_UPDATE=1");
    }

    #[test]
    fn support_dates_lie_beside_the_file_that_names_them() {
        let named = parse("lifecycle = \"dates/redis.yml\"\n").unwrap().lifecycle.unwrap();
        assert!(named.is_absolute() && named.ends_with("dates/redis.yml"), "{}", named.display());
        let named = parse("lifecycle = \"/srv/dates\"\n").unwrap().lifecycle.unwrap();
        assert_eq!(named, Path::new("/srv/dates"));
    }

    #[test]
    fn an_expired_acceptance_does_not_count() {
        let text = "[[accept]]\nid = \"a\"\nreason = \"r\"\nowner = \"o\"\nexpires = 2026-01-01T00:00:00Z\n";
        let (valid, expired) = parse(text).unwrap().acceptances("2026-06-01T00:00:00Z".parse().unwrap());
        assert!(valid.is_empty() && expired == ["a"]);
    }
}
