//! Probe packs: a closed decision table over HTTP answers, as YAML. Schema, loader, linter.
//!
//! A table has named **exchanges** and **surfaces**; each surface is an ordered list of conditions with a verdict.
//! There are no loops, variables, cookies or free bodies: a service that needs more is written in Rust.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use thiserror::Error;

use crate::{Proven, Verdict};

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
}

/// A test on one answer. Every part that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The exchange it looks at; the surface's own when left out.
    #[serde(default)]
    pub exchange: Option<String>,
    /// HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
    /// This header is present.
    #[serde(default)]
    pub header: Option<String>,
    /// The header of `header` has this value.
    #[serde(default)]
    pub value: Option<String>,
    /// The JSON body has this pointer (RFC 6901).
    #[serde(default)]
    pub has: Option<String>,
    /// A JSON pointer to compare by `is` or `ends`.
    #[serde(default)]
    pub json: Option<String>,
    /// The value at `json` equals this.
    #[serde(default)]
    pub is: Option<Value>,
    /// The string at `json` ends with this.
    #[serde(default)]
    pub ends: Option<String>,
    /// The body, as text, is one number.
    #[serde(default)]
    pub number: bool,
    /// The body, as text, is exactly this.
    #[serde(default)]
    pub body: Option<String>,
    /// The body, as text, starts with this. Anchored: a server that reflects the request cannot forge it.
    #[serde(default)]
    pub body_starts: Option<String>,
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
    /// product leaves the number out when it is zero (as protobuf's JSON mapping does).
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
    /// JSON pointer into its body; `text` takes the whole body.
    pub json: String,
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
    pub identify: Vec<Condition>,
    /// Where the version is.
    #[serde(default)]
    pub version: Option<VersionAt>,
    /// The doors. Each rule looks at the exchange with the surface's name unless it names another.
    pub surfaces: BTreeMap<String, Vec<Rule>>,
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
        pack.lint()?;
        Ok(pack)
    }

    fn lint(&self) -> Result<(), PackError> {
        let fail = |message: String| Err(PackError::new(format!("{}: {message}", self.id)));
        for (name, exchange) in &self.exchanges {
            let kinds = [exchange.get.is_some(), exchange.head.is_some(), exchange.read.is_some()];
            if kinds.iter().filter(|given| **given).count() != 1 {
                return fail(format!("exchange `{name}` needs exactly one of `get`, `head` and `read`"));
            }
            let paths = exchange.get.iter().chain(&exchange.head).chain(&exchange.try_paths);
            if let Some(path) = paths.into_iter().find(|path| !is_plain_path(path)) {
                return fail(format!(
                    "`{path}` is not a path: it must start with `/` and hold no spaces or controls"
                ));
            }
        }
        if self.identify.is_empty() || self.surfaces.is_empty() {
            return fail("`identify` and `surfaces` must not be empty".to_owned());
        }
        for condition in &self.identify {
            self.lint_condition(condition, None)?;
            let exchange = condition.exchange.as_ref().and_then(|name| self.exchanges.get(name));
            if exchange.is_none_or(|exchange| exchange.get.is_none()) {
                return fail("`identify` can look at exchanges with `get` only".to_owned());
            }
        }
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
        if *condition == (Condition { exchange: condition.exchange.clone(), ..Condition::default() }) {
            return fail(format!("a condition on `{exchange}` tests nothing, so it would always hold"));
        }
        if condition.value.is_some() && condition.header.is_none() {
            return fail("`value` needs `header`".to_owned());
        }
        if condition.json.is_none() && (condition.is.is_some() || condition.ends.is_some()) {
            return fail("`is` and `ends` need `json`".to_owned());
        }
        if condition.json.is_some() && condition.is.is_none() && condition.ends.is_none() {
            return fail("`json` needs `is` or `ends`; `has` tests that something is there".to_owned());
        }
        let pointers = condition.has.iter().chain(&condition.json);
        if let Some(pointer) =
            pointers.into_iter().find(|pointer| !pointer.is_empty() && !pointer.starts_with('/'))
        {
            return fail(format!("`{pointer}` is not a JSON pointer: it must start with `/`"));
        }
        Ok(())
    }
}

fn is_plain_path(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}

impl Condition {
    /// Whether an answer meets the condition. `json` is the parsed body, when the body is JSON.
    pub fn holds(
        &self,
        status: u16,
        header: impl Fn(&str) -> Option<String>,
        body: &[u8],
        json: Option<&Value>,
    ) -> bool {
        let at = |pointer: &str| json.and_then(|json| json.pointer(pointer));
        let status_holds = self.status.is_none_or(|expected| expected == status);
        let header_holds = self.header.as_deref().is_none_or(|name| match (header(name), &self.value) {
            (Some(found), Some(expected)) => found == *expected,
            (found, None) => found.is_some(),
            (None, Some(_)) => false,
        });
        let pointer_holds = self.has.as_deref().is_none_or(|pointer| at(pointer).is_some());
        let value_holds = self.json.as_deref().is_none_or(|pointer| {
            at(pointer).is_some_and(|found| {
                self.is.as_ref().is_none_or(|expected| expected == found)
                    && self
                        .ends
                        .as_deref()
                        .is_none_or(|end| found.as_str().is_some_and(|text| text.ends_with(end)))
            })
        });
        let number_holds =
            !self.number || std::str::from_utf8(body).is_ok_and(|text| text.trim().parse::<u64>().is_ok());
        let body_holds = self.body.as_deref().is_none_or(|expected| body == expected.as_bytes())
            && self.body_starts.as_deref().is_none_or(|start| body.starts_with(start.as_bytes()));
        status_holds && header_holds && pointer_holds && value_holds && number_holds && body_holds
    }
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

    #[test]
    fn json_conditions_look_at_the_parsed_body_not_at_its_text() {
        let condition =
            Condition { json: Some("/message".into()), ends: Some("is empty".into()), ..Default::default() };
        let reflected = serde_json::json!({ "path": "message is empty" });
        assert!(!condition.holds(200, |_| None, b"", Some(&reflected)));
        let real = serde_json::json!({ "message": "user name is empty" });
        assert!(condition.holds(200, |_| None, b"", Some(&real)));
    }
}
