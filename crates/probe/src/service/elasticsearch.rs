//! Elasticsearch and OpenSearch, 2.4 to 9.
//!
//! `GET /` proves nothing in either direction: a guest account reads it while all data are refused, and a stripped
//! build answers 405 while everything is open. `_cluster/stats` decides, because every version answers it the same
//! way, and `_cat/indices` adds the numbers.

use model::{Proof, Proven, Verdict, excerpt, looks_like_ransom_note};
use net::http::Response;
use net::{Error, Session};
use serde_json::Value;

use super::{About, BoxFuture, Judgement, Opened, Service};
use crate::{Opening, Web};

/// The probe.
pub struct Elasticsearch;

const STATS: &str = "/_cluster/stats?filter_path=indices.count,indices.docs.count";
/// Known to 2.4 and later. `expand_wildcards` is refused with 400 before 7.7, open or not.
const CAT: &str = "/_cat/indices?format=json&bytes=b&h=index,docs.count,store.size";
const CAT_ALL: &str = "/_cat/indices?format=json&bytes=b&h=index,docs.count,store.size&expand_wildcards=all";
const ELASTIC_TAGLINE: &str = "You Know, for Search";
const OPENSEARCH_TAGLINE: &str = "The OpenSearch Project: https://opensearch.org/";

/// Whether an answer could only come from one of the two.
fn is_kin(answer: &Response) -> bool {
    let tagline = answer.text_at("/tagline");
    let realms = ["security", "Search Guard", "OpenSearch Security", "Open Distro Security"];
    // Elasticsearch 8 offers several schemes, in a header each.
    let realm = answer
        .headers("www-authenticate")
        .any(|offer| realms.iter().any(|name| offer.starts_with(&format!("Basic realm=\"{name}\""))));
    let error = answer.text_at("/error/type").unwrap_or_default();
    let body = answer.body.as_slice();
    tagline == Some(ELASTIC_TAGLINE)
        || tagline == Some(OPENSEARCH_TAGLINE)
        || answer.header("x-elastic-product") == Some("Elasticsearch")
        || answer.header("x-opensearch-version").is_some()
        || realm
        || error == "security_exception"
        || body.starts_with(b"OpenSearch Security not initialized")
        || body.starts_with(b"Open Distro Security not initialized")
        || body.starts_with(b"Search Guard not initialized")
}

fn is_opensearch(answer: &Response) -> bool {
    answer.text_at("/version/distribution") == Some("opensearch")
        || answer.header("x-opensearch-version").is_some()
        || answer.header("www-authenticate").is_some_and(|realm| realm.contains("OpenSearch Security"))
        || answer.body.starts_with(b"OpenSearch Security not initialized")
        || answer.text_at("/error/reason").is_some_and(|reason| reason.contains("opendistro_security"))
}

/// `OpenSearch/3.4.0 (opensearch)` or the number in the body.
fn version(root: &Response) -> Option<String> {
    let header = || root.header("x-opensearch-version")?.split_once('/')?.1.split(' ').next();
    root.text_at("/version/number").or_else(header).map(|version| excerpt(version.as_bytes()))
}

/// Whether `_cat/indices` of this version knows `expand_wildcards`.
fn knows_expand_wildcards(version: Option<&str>, opensearch: bool) -> bool {
    let mut numbers = version.unwrap_or_default().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    opensearch || (major, minor) >= (7, 7)
}

/// Adds what `_cat/indices` tells. The names are looked at for ransom notes and not kept.
fn add_indices(judgement: &mut Judgement, indices: &[Value]) {
    let sum = |field: &str| {
        let numbers = indices.iter().filter_map(|index| index.get(field)?.as_str()?.parse::<u64>().ok());
        numbers.fold(0, u64::saturating_add)
    };
    judgement.counts.insert("indices".to_owned(), indices.len() as u64);
    judgement.counts.insert("documents".to_owned(), sum("docs.count"));
    judgement.counts.insert("bytes".to_owned(), sum("store.size"));
    let names = indices.iter().filter_map(|index| index.get("index")?.as_str());
    judgement.ransom_names = names.filter(|name| looks_like_ransom_note(name)).count() as u64;
}

/// What a refusal of the deciding request means.
fn refused(stats: &Response, root_is_told: bool) -> Judgement {
    let reason = stats.text_at("/error/reason").unwrap_or_default();
    // Both name the anonymous user: `... is unauthorized for user [anon_user]`, `no permissions for [...] and User
    // [name=opendistro_security_anonymous, ...`.
    let guest = reason.contains("is unauthorized for user [") || reason.contains("and User [name=");
    match stats.status {
        403 if guest => {
            Judgement::of(Verdict::OpenPartial, "strangers get a guest account; it is refused the data")
        }
        401 | 403 => {
            let identity = if root_is_told { "; its version is told to everyone" } else { "" };
            Judgement::of(Verdict::Protected, format!("a login is demanded ({}){identity}", stats.status))
        }
        503 if is_kin(stats) => Judgement::of(
            Verdict::Unknown,
            "its security is not initialised yet: everything is refused for now",
        ),
        other => Judgement::of(Verdict::Unknown, format!("the deciding request was answered with {other}")),
    }
}

/// With a guest account, counting documents tells whether it may read; without one, everything is allowed anyway.
async fn guest_may_read(
    session: &mut Session,
    web: &mut Web,
    opensearch: bool,
) -> Result<Option<bool>, Error> {
    let who = if opensearch { "/_plugins/_security/authinfo" } else { "/_security/_authenticate" };
    let guest = web.get(session, who).await?;
    if guest.status != 200 || !guest.json().is_some_and(Value::is_object) {
        return Ok(None);
    }
    let count = web.get(session, "/_count").await?;
    Ok(Some(count.status == 200 && count.number_at("/count").is_some()))
}

async fn judge(session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
    let root = web.get(session, "/").await?.clone();
    let stats = web.get(session, STATS).await?.clone();
    let opensearch = is_opensearch(&root) || is_opensearch(&stats);
    let version = version(&root);
    let told = root.status == 200 && version.is_some();
    let mut judgement = if stats.status == 200 && stats.number_at("/indices/count").is_some() {
        judge_open(session, &mut web, &stats, version.as_deref(), opensearch).await?
    } else {
        refused(&stats, told)
    };
    judgement.product = Some(if opensearch { "OpenSearch" } else { "Elasticsearch" }.to_owned());
    Ok(judgement.version(version))
}

async fn judge_open(
    session: &mut Session,
    web: &mut Web,
    stats: &Response,
    version: Option<&str>,
    opensearch: bool,
) -> Result<Judgement, Error> {
    let control = web.control(session).await?;
    if control.number_at("/indices/count").is_some() || (control.status == 200 && control.body == stats.body)
    {
        return Ok(Judgement::of(Verdict::Unknown, "answers every path alike"));
    }
    let cat = if knows_expand_wildcards(version, opensearch) { CAT_ALL } else { CAT };
    let listed = web.get(session, cat).await?.clone();
    let mut judgement = match guest_may_read(session, web, opensearch).await? {
        Some(false) => Judgement::of(
            Verdict::OpenPartial,
            "strangers get a guest account that sees counts, but may not read",
        ),
        Some(true) => Judgement::of(Verdict::Open, "strangers get a guest account that reads documents"),
        None if matches!(listed.status, 401 | 403) => Judgement::of(
            Verdict::OpenPartial,
            "counts are told to strangers, the list of indices is refused",
        ),
        None => Judgement::of(Verdict::Open, "indices are read without a login"),
    }
    .count("indices", stats.number_at("/indices/count"))
    .count("documents", stats.number_at("/indices/docs/count"));
    if listed.status == 200
        && let Some(indices) = listed.json().and_then(Value::as_array)
    {
        add_indices(&mut judgement, indices);
    }
    Ok(judgement)
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Open, "Elasticsearch 2.4, 5.6, 6.8, 7.17, 8.7; OpenSearch 2.19"),
    Proven::new(Proof::Transcript, Verdict::Open, "Elasticsearch 9.5; OpenSearch 3.4"),
    Proven::new(Proof::Real, Verdict::Protected, "Elasticsearch 6.8; OpenSearch 2.19"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "Elasticsearch 6.8; OpenSearch 2.19"),
];

impl Service for Elasticsearch {
    fn about(&self) -> About<'_> {
        About {
            id: "elasticsearch",
            product: "Elasticsearch",
            ports: &[9200],
            openings: &[Opening::Http],
            proven_on: PROVEN,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        vec!["/", STATS]
    }

    fn recognises_web(&self, web: &Web) -> bool {
        web.known("/").is_some_and(is_kin)
            || web
                .known(STATS)
                .is_some_and(|stats| is_kin(stats) || stats.number_at("/indices/docs/count").is_some())
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(session, opened.web))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response::from_parts(status, &BTreeMap::new(), body)
    }

    #[test]
    fn a_guest_that_is_refused_is_partial_not_protected() {
        let stats = response(
            403,
            r#"{"error":{"type":"security_exception","reason":"action [cluster:monitor/stats] is unauthorized for user [anon_user]"},"status":403}"#,
        );
        assert_eq!(refused(&stats, true).worst().unwrap().verdict, Verdict::OpenPartial);
    }

    #[test]
    fn security_that_is_not_initialised_is_neither_open_nor_protected() {
        let stats = response(503, "OpenSearch Security not initialized.");
        assert_eq!(refused(&stats, false).worst().unwrap().verdict, Verdict::Unknown);
    }

    #[test]
    fn expand_wildcards_is_sent_to_those_that_know_it() {
        assert!(!knows_expand_wildcards(Some("2.4.6"), false));
        assert!(!knows_expand_wildcards(Some("7.6.2"), false));
        assert!(knows_expand_wildcards(Some("7.7.1"), false));
        assert!(knows_expand_wildcards(Some("1.3.20"), true));
        assert!(!knows_expand_wildcards(None, false));
    }

    #[test]
    fn numbers_of_indices_are_strings_and_are_added_up() {
        let mut judgement = Judgement::default();
        let indices = serde_json::json!([
            { "index": "a", "docs.count": "3", "store.size": "10" },
            { "index": "your_data_is_safe", "docs.count": null, "store.size": "5" },
        ]);
        add_indices(&mut judgement, indices.as_array().unwrap());
        assert_eq!(
            (judgement.counts["documents"], judgement.counts["bytes"], judgement.ransom_names),
            (3, 15, 1)
        );
    }
}
