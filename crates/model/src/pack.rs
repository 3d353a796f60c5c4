//! Probe packs: a closed decision table over HTTP answers, as YAML. Schema, loader, linter.
//!
//! A table has named **exchanges** and **surfaces**; each surface is an ordered list of conditions with a verdict.
//! There are no loops, variables, cookies or free bodies: a service that needs more is written in Rust.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use crate::condition::Condition;
use crate::{Proven, Secret, Verdict};

/// A pack that cannot be used, with the place and the reason.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct PackError {
    message: String,
}

impl PackError {
    /// An error with its message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Reads that need a body. A pack names one of these; it cannot write its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedRead {
    /// etcd's `kv/range` over all keys with `count_only`: a number, no keys, no values.
    EtcdRangeCount,
    /// Neo4j's number of nodes, in a transaction for reading: a number, no node.
    #[serde(rename = "neo4j_count_nodes")]
    Neo4jCountNodes,
    /// The collections of Milvus' default database: their names, which are counted.
    MilvusCollections,
}

/// One request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeSpec {
    /// `GET` this path.
    #[serde(default)]
    pub get: Option<String>,
    /// `HEAD` this path.
    #[serde(default)]
    pub head: Option<String>,
    /// A named read, below each base path of `try` until one is not 404.
    #[serde(default)]
    pub read: Option<NamedRead>,
    /// Base paths for `read`.
    #[serde(default, rename = "try")]
    pub try_paths: Vec<String>,
    /// The media type to ask for, where the product answers browsers differently.
    #[serde(default)]
    pub accept: Option<String>,
}

/// A condition with what follows from it.
#[derive(Clone, Debug, Deserialize)]
pub struct Rule {
    /// When.
    #[serde(flatten)]
    pub when: Condition,
    /// The verdict. Exactly one of `verdict` and `absent` is given.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// The surface is not there at all.
    #[serde(default)]
    pub absent: bool,
    /// Why, in words. Left out: the verdict's meaning.
    #[serde(default)]
    pub reason: Option<String>,
    /// Names of counts and where they are: a JSON pointer, or `text` for a body that is one number. `/count or 0`: the
    /// product leaves the number out when it is zero (as protobuf's JSON mapping does). `length /items`: how many
    /// elements the array or object there has. `length /items + /more or 0`: both added up.
    #[serde(default)]
    pub count: BTreeMap<String, String>,
    /// Keys that nobody knows. `deny_unknown_fields` does not go with `flatten`, so the linter refuses them.
    #[serde(flatten)]
    unknown: BTreeMap<String, IgnoredAny>,
}

/// Where the version is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionAt {
    /// The exchange.
    pub exchange: String,
    /// JSON pointer into its body; `text` takes the whole body, and `header x-version` that header.
    pub json: String,
}

/// A product that is known more exactly than by the service, such as one of several registries.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its name.
    pub product: String,
    /// When.
    pub when: Condition,
}

/// The login that the vendor documents as the default. Tried once, and only when the user asked for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultLogin {
    /// Where the vendor documents it.
    pub source: String,
    /// The user.
    pub user: String,
    /// The password: documented to everyone, and still kept out of every report.
    pub password: Secret<String>,
    /// The exchange that is repeated with it, as HTTP Basic.
    pub exchange: String,
    /// It works when this holds.
    pub works: Condition,
}

/// What must hold for a service to be recognised.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Identity {
    /// At least one of these, as when a product tells itself differently with and without a login.
    Any {
        /// The alternatives.
        any: Vec<Condition>,
    },
    /// This one.
    One(Box<Condition>),
}

impl Identity {
    /// Its conditions.
    pub fn conditions(&self) -> &[Condition] {
        match self {
            Self::Any { any } => any,
            Self::One(condition) => std::slice::from_ref(condition),
        }
    }
}

/// A recorded conversation with its expected verdict: answers by exchange name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// What it shows.
    pub name: String,
    /// Expected verdict; `null` when the service must not be recognised.
    pub expect: Option<Verdict>,
    /// The answer to each exchange; one that is not listed is a 404.
    pub answers: BTreeMap<String, Answer>,
}

/// A recorded answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body.
    #[serde(default)]
    pub body: String,
}

/// A probe written as a decision table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbePack {
    /// The service's id; the file's name.
    pub id: String,
    /// The product's name for people.
    pub product: String,
    /// Default ports.
    pub ports: Vec<u16>,
    /// The requests, by name.
    pub exchanges: BTreeMap<String, ExchangeSpec>,
    /// All of these must hold for the service to be recognised. They prove identity, never openness.
    pub identify: Vec<Identity>,
    /// Products that are known more exactly; the first whose condition holds.
    #[serde(default)]
    pub named: Vec<Named>,
    /// Where the version is.
    #[serde(default)]
    pub version: Option<VersionAt>,
    /// The doors. Each rule looks at the exchange with the surface's name unless it names another.
    pub surfaces: BTreeMap<String, Vec<Rule>>,
    /// The vendor's default login.
    #[serde(default)]
    pub default_login: Option<DefaultLogin>,
    /// On what the table was proven.
    pub proven_on: Vec<Proven>,
    /// Recorded conversations.
    pub transcripts: Vec<Transcript>,
}

impl ProbePack {
    /// Parses and lints a pack file.
    ///
    /// # Errors
    /// When the text is not a pack, or breaks a rule that the engine relies on.
    pub fn parse(text: &str) -> Result<Self, PackError> {
        let pack: Self = serde_saphyr::from_str(text).map_err(|error| PackError::new(error.to_string()))?;
        pack.linted()
    }

    /// The packs of a folder as the build wrote them: an object of file name and pack, in JSON.
    ///
    /// # Errors
    /// When one of them is not a pack.
    pub fn parse_all(json: &str) -> Result<Vec<Self>, PackError> {
        let packs: BTreeMap<String, Self> =
            serde_json::from_str(json).map_err(|error| PackError::new(error.to_string()))?;
        packs.into_values().map(Self::linted).collect()
    }

    fn linted(self) -> Result<Self, PackError> {
        self.lint()?;
        Ok(self)
    }

    fn lint(&self) -> Result<(), PackError> {
        self.lint_exchanges()?;
        self.lint_identity()?;
        self.lint_surfaces()?;
        self.lint_proof()
    }

    fn lint_exchanges(&self) -> Result<(), PackError> {
        let fail = |message: String| Err(PackError::new(format!("{}: {message}", self.id)));
        for (name, exchange) in &self.exchanges {
            let kinds = [exchange.get.is_some(), exchange.head.is_some(), exchange.read.is_some()];
            if kinds.iter().filter(|given| **given).count() != 1 {
                return fail(format!("exchange `{name}` needs exactly one of `get`, `head` and `read`"));
            }
            if exchange.read.is_some() && exchange.try_paths.is_empty() {
                return fail(format!("exchange `{name}` needs base paths in `try`"));
            }
            let plain = |media: &String| media.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
            if !exchange.accept.as_ref().is_none_or(plain) {
                return fail(format!("`accept` of exchange `{name}` is not a media type"));
            }
            let paths = exchange.get.iter().chain(&exchange.head).chain(&exchange.try_paths);
            if let Some(path) = paths.into_iter().find(|path| !is_plain_path(path)) {
                return fail(format!(
                    "`{path}` is not a path: it must start with `/` and hold no spaces or controls"
                ));
            }
        }
        Ok(())
    }

    fn lint_identity(&self) -> Result<(), PackError> {
        let fail = |message: String| Err(PackError::new(format!("{}: {message}", self.id)));
        if self.identify.is_empty() || self.surfaces.is_empty() {
            return fail("`identify` and `surfaces` must not be empty".to_owned());
        }
        for named in &self.named {
            self.lint_condition(&named.when, None)?;
        }
        for condition in self.identify.iter().flat_map(Identity::conditions) {
            self.lint_condition(condition, None)?;
            let exchange = condition.exchange.as_ref().and_then(|name| self.exchanges.get(name));
            if exchange.is_none_or(|exchange| exchange.get.is_none()) {
                return fail("`identify` can look at exchanges with `get` only".to_owned());
            }
        }
        Ok(())
    }

    fn lint_surfaces(&self) -> Result<(), PackError> {
        let fail = |message: String| Err(PackError::new(format!("{}: {message}", self.id)));
        for (surface, rules) in &self.surfaces {
            for rule in rules {
                if let Some(key) = rule.unknown.keys().next() {
                    return fail(format!("a rule of `{surface}` has an unknown key `{key}`"));
                }
                self.lint_condition(&rule.when, Some(surface))?;
                if rule.verdict.is_some() == rule.absent {
                    return fail(format!(
                        "a rule of `{surface}` needs exactly one of `verdict` and `absent`"
                    ));
                }
            }
        }
        if let Some(login) = &self.default_login {
            self.lint_condition(&login.works, Some(&login.exchange))?;
            if !login.source.starts_with("https://") {
                return fail("`default_login` needs the address where the vendor documents it".to_owned());
            }
        }
        Ok(())
    }

    fn lint_proof(&self) -> Result<(), PackError> {
        let fail = |message: String| Err(PackError::new(format!("{}: {message}", self.id)));
        if self.proven_on.is_empty() {
            return fail("`proven_on` must not be empty".to_owned());
        }
        let expects = |which: fn(Verdict) -> bool| {
            self.transcripts.iter().any(|transcript| transcript.expect.is_some_and(which))
        };
        if !expects(Verdict::is_open) || !expects(Verdict::is_shut) {
            return fail(
                "`transcripts` must expect an open verdict once and PROTECTED or NETWORK_RESTRICTED once"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn lint_condition(&self, condition: &Condition, surface: Option<&str>) -> Result<(), PackError> {
        let fail = |message: String| Err(PackError::new(format!("{}: {message}", self.id)));
        let Some(exchange) = condition.exchange.as_deref().or(surface) else {
            return fail("a condition of `identify` must name its exchange".to_owned());
        };
        if !self.exchanges.contains_key(exchange) {
            return fail(format!("there is no exchange `{exchange}`"));
        }
        condition.lint().map_err(|problem| PackError::new(format!("{}: `{exchange}`: {problem}", self.id)))
    }

    /// Refuses what a user's own pack may not do: anything but GET and HEAD.
    ///
    /// # Errors
    /// When it names a read with a body.
    pub fn only_get_and_head(&self) -> Result<(), PackError> {
        match self.exchanges.iter().find(|(_, exchange)| exchange.read.is_some()) {
            Some((name, _)) => Err(PackError::new(format!(
                "{}: exchange `{name}`: a pack of your own may only `get` and `head`",
                self.id
            ))),
            None => Ok(()),
        }
    }
}

fn is_plain_path(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_that_could_post_cannot_be_written() {
        let text = "id: x\nproduct: X\nports: [1]\nexchanges:\n  a: { post: /x }\nidentify: []\nsurfaces: {}\nproven_on: []\ntranscripts: []\n";
        assert!(ProbePack::parse(text).is_err());
    }

    fn pack(rule: &str, identify: &str) -> Result<ProbePack, PackError> {
        let answers = "{ a: { status: 200 } }";
        ProbePack::parse(&format!(
            "id: x\nproduct: X\nports: [1]\nexchanges: {{ a: {{ get: /a }}, b: {{ head: /b }} }}\nidentify: [{identify}]\n\
             surfaces: {{ a: [{rule}] }}\nproven_on: [{{ version: \"1\", verdict: OPEN, level: real }}]\ntranscripts:\n  \
             - {{ name: open, expect: OPEN, answers: {answers} }}\n  - {{ name: shut, expect: PROTECTED, answers: {answers} }}\n"
        ))
    }

    #[test]
    fn a_rule_that_would_always_hold_cannot_be_written() {
        let known = "{ exchange: a, status: 200 }";
        assert!(pack("{ status: 401, verdict: PROTECTED }", known).is_ok());
        for rule in [
            "{ stauts: 401, verdict: PROTECTED }",
            "{ verdict: PROTECTED }",
            "{ status: 401, json: /a, verdict: PROTECTED }",
        ] {
            assert!(pack(rule, known).is_err(), "{rule}");
        }
        for identify in ["{ exchange: a }", "{ exchange: b, status: 200 }", "{ status: 200 }"] {
            assert!(pack("{ status: 401, verdict: PROTECTED }", identify).is_err(), "{identify}");
        }
    }

    #[test]
    fn a_path_cannot_smuggle_a_second_request() {
        assert!(!is_plain_path("/a\r\nDELETE / HTTP/1.1"));
        assert!(!is_plain_path("/a HTTP/1.1"));
        assert!(is_plain_path("/v2/keys/"));
    }
}
