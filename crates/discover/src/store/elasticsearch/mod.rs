//! Elasticsearch 1 to 9 and OpenSearch by one reader, over what all of them understand: `_cat/indices`, `_count`, and scrolls.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/current/rest-apis.html>
//!
//! A sample is a scroll in random order (`random_score`), so that every document has the same chance and a seed can be
//! repeated. Where a version or a setting forbids that, it takes less, and says so. Nodes that a cluster proposes are not
//! dialled.

mod catalog;
mod hit;
mod hits;
mod scan;
#[cfg(test)]
mod tests;

use futures_util::future::BoxFuture;
use model::{Choice, Secret, excerpt};
use net::http::{Match, Request, Response, SearchRead, percent_encode};
use serde_json::Value;

use self::catalog::{COLUMNS, Catalog};
use self::scan::Scan;
use super::gate::Gate;
use super::login::Login;
use super::rows::Rows;
use super::web::{Again, Web};
use super::{Listing, Store, StoreError, Table};
use crate::{Part, Sink};

/// Longest answer that lists indices: some hundred thousand of them.
const CATALOG: usize = 32 << 20;
/// Longest other answer that is no page of documents.
const SMALL: usize = 1 << 20;
/// How many bytes a page is to have, as far as the cluster tells how large its documents are.
const PAGE_BYTES: u64 = 4 << 20;
/// Fewest and most documents of a page.
const PAGE: std::ops::RangeInclusive<u64> = 10..=1000;
/// Most slices that a cluster takes by default (`index.max_slices_per_scroll`).
const SLICES: u64 = 1024;

/// A cluster.
pub struct Elasticsearch {
    web: Web,
    key: Option<Secret<String>>,
    /// The indices that the user named: a name, several with commas between, a pattern.
    pattern: Option<String>,
    /// The version whose dialect it speaks, once it was asked.
    major: Option<u64>,
    /// Bytes of a document on the disk, by index.
    bytes: std::collections::BTreeMap<String, u64>,
}

/// How a scan is to be done.
struct Plan<'a> {
    matching: Match,
    columns: &'a [String],
    page: u64,
    /// Enough rows; none: all of them.
    enough: Option<u64>,
    choice: Choice,
    total: u64,
}

impl Plan<'_> {
    /// Whether more pages than one are needed; a slice is a part of a scroll whatever its length.
    fn begins_scroll(&self) -> bool {
        let rows = self.enough.unwrap_or(u64::MAX).min(self.total);
        rows > self.page || matches!(self.matching, Match::Slice { .. })
    }
}

/// Why a search did not begin.
enum Refusal {
    /// The cluster does not take a question of this form.
    Form(String),
    /// It has too much to do, or a page is too large for it.
    Busy(String),
    /// Nothing that another question would change.
    Final(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Form(why) | Refusal::Busy(why) => Self::Answer(why),
            Refusal::Final(error) => error,
        }
    }
}

impl Elasticsearch {
    /// A reader for the cluster of `login`, with its password or with an API key. `login.database` are the indices that
    /// the user named.
    pub fn new(gate: Gate, login: Login, key: Option<Secret<String>>) -> Self {
        let pattern = login.database.clone();
        Self { web: Web::new(gate, login), key, pattern, major: None, bytes: Default::default() }
    }

    fn signed(&self, request: Request) -> Request {
        let login = self.web.login();
        match (&self.key, &login.user, &login.password) {
            (Some(key), _, _) => request.api_key(key),
            (None, Some(user), Some(password)) => request.basic(user, password),
            _ => request,
        }
    }

    async fn get(&mut self, path: &str, limit: usize) -> Result<Response, StoreError> {
        let request = self.signed(Request::get(path));
        self.web.whole(&request, limit).await
    }

    /// The version whose dialect is spoken. It may be hidden from this account: then a new one is assumed, and what it does
    /// not take is asked for otherwise.
    async fn major(&mut self) -> Result<u64, StoreError> {
        if let Some(major) = self.major {
            return Ok(major);
        }
        let answer = self.get("/", SMALL).await?;
        let major = match answer.status {
            200 => {
                let number = answer.text_at("/version/number").ok_or_else(|| {
                    StoreError::Answer("what answers is neither Elasticsearch nor OpenSearch".to_owned())
                })?;
                let number = number.split('.').next().and_then(|first| first.parse().ok());
                // OpenSearch counts from 1, and began as Elasticsearch 7.10.
                if answer.text_at("/version/distribution") == Some("opensearch") {
                    7
                } else {
                    number.unwrap_or(7)
                }
            }
            // Refused, or left out of a build: the other requests will tell.
            403..=405 => 7,
            _ => return Err(refusal(&answer).into()),
        };
        self.major = Some(major);
        Ok(major)
    }

    async fn list(&mut self) -> Result<Listing, StoreError> {
        self.major().await?;
        let pattern = self.pattern.clone();
        let below = pattern.as_deref().map(|names| format!("/{}", percent_encode(names))).unwrap_or_default();
        let path = format!("/_cat/indices{below}?format=json&bytes=b&h={COLUMNS}");
        // Versions from 5.0 to 7.6 refuse the parameter without which later ones hide the hidden; 400 proves nothing else.
        let mut answer = self.get(&format!("{path}&expand_wildcards=all"), CATALOG).await?;
        if answer.status == 400 {
            answer = self.get(&path, CATALOG).await?;
        }
        match (answer.status, pattern) {
            (200, pattern) => {
                let catalog = Catalog::parse(&answer.body, pattern.is_some()).ok_or_else(|| {
                    StoreError::Answer("the list of indices cannot be understood".to_owned())
                })?;
                self.bytes = catalog.bytes;
                Ok(catalog.listing)
            }
            // Whoever may search need not be allowed to list.
            (403, Some(name)) => {
                let tables = vec![Table { location: name, rows: None, exact: false }];
                Ok(Listing { tables, not_read: Vec::new() })
            }
            (403, None) => Err(StoreError::Denied(
                "this account may not list the indices: grant it `monitor` on them, or name them in the target".to_owned(),
            )),
            _ => Err(refusal(&answer).into()),
        }
    }

    /// How many documents there are.
    async fn count(&mut self, index: &str) -> Result<u64, StoreError> {
        let answer = self.get(&format!("/{}/_count", percent_encode(index)), SMALL).await?;
        match answer.number_at("/count").filter(|_| answer.status == 200) {
            Some(count) => Ok(count),
            None => Err(refusal(&answer).into()),
        }
    }

    fn page(&self, table: &Table) -> u64 {
        let each = self.bytes.get(&table.location).copied().unwrap_or_default();
        PAGE_BYTES.checked_div(each).unwrap_or(500).clamp(*PAGE.start(), *PAGE.end())
    }

    async fn take_sample(
        &mut self,
        table: &Table,
        rows: u64,
        seed: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let major = self.major().await?;
        let total = self.count(&table.location).await?;
        if total <= rows {
            return self.read_all(table, &[], total, sink).await;
        }
        let slices = total.div_ceil(rows.max(1)).clamp(2, SLICES);
        let slice = Match::Slice {
            id: u32::try_from(seed % slices).unwrap_or_default(),
            of: u32::try_from(slices).unwrap_or(2),
        };
        let seeded = if major >= 6 { Match::RandomByField(seed) } else { Match::RandomBySeed(seed) };
        let ways = [
            (seeded, Choice::Uniform),
            (Match::Random, Choice::Uniform),
            // A slice is of one shard, and a shard may hold what its routing put together.
            (slice, Choice::PageClustered),
            (Match::All, Choice::FirstRows),
            (Match::Unordered, Choice::FirstRows),
        ];
        let page = self.page(table).min(rows.max(1));
        let plans = ways.map(|(matching, choice)| Plan {
            matching,
            columns: &[],
            page,
            enough: Some(rows),
            choice,
            total,
        });
        self.first_that_works(table, plans, sink).await
    }

    async fn read_all(
        &mut self,
        table: &Table,
        columns: &[String],
        total: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let page = self.page(table);
        let plans = [Match::All, Match::Unordered].map(|matching| Plan {
            matching,
            columns,
            page,
            enough: None,
            choice: Choice::Everything,
            total,
        });
        self.first_that_works(table, plans, sink).await
    }

    async fn first_that_works<const N: usize>(
        &mut self,
        table: &Table,
        plans: [Plan<'_>; N],
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let mut last = StoreError::Answer("no search was made".to_owned());
        for mut plan in plans {
            loop {
                match self.open(table, &plan).await {
                    Ok(()) => return self.scan(table, &plan, sink).await,
                    Err(Refusal::Busy(_)) if plan.page > 1 => plan.page /= 8,
                    Err(Refusal::Form(why)) => {
                        last = StoreError::Answer(why);
                        break;
                    }
                    Err(refusal) => return Err(refusal.into()),
                }
                plan.page = plan.page.max(1);
            }
        }
        Err(last)
    }

    /// Asks for the first page.
    async fn open(&mut self, table: &Table, plan: &Plan<'_>) -> Result<(), Refusal> {
        // Fields are named without the lists that they stand in. What the reader itself named can be anything.
        let named = plan.columns.iter().all(|column| !column.starts_with('('));
        let columns = plan.columns.iter().filter(|_| named);
        let fields: Vec<String> = columns.map(|column| column.replace("[]", "")).collect();
        let read = SearchRead::Open {
            index: &table.location,
            matching: plan.matching,
            columns: &fields,
            page: u32::try_from(plan.page).unwrap_or(1),
            keep: plan.begins_scroll(),
        };
        let request = self.signed(Request::search(read));
        if self.web.ask(&request, Again::Yes).await?.status == 200 {
            return Ok(());
        }
        Err(refusal(&self.web.rest(SMALL).await?))
    }

    /// Takes page after page, the first of which is on its way.
    async fn scan(&mut self, table: &Table, plan: &Plan<'_>, sink: &mut dyn Sink) -> Result<(), StoreError> {
        let part = Part {
            location: table.location.clone(),
            choice: plan.choice,
            rows: Some(plan.total),
            cluster: if plan.choice == Choice::PageClustered { plan.page } else { 1 },
        };
        let mut rows = Rows::begin(sink, part, plan.columns);
        let mut scan = Scan::new(plan.enough, plan.total, plan.page, plan.begins_scroll());
        let read = self.pages(&mut rows, &mut scan).await;
        let whole = read.is_ok() && scan.is_whole();
        scan.tell(&mut rows, read.is_ok());
        rows.finish(whole);
        read
    }

    async fn pages(&mut self, rows: &mut Rows<'_>, scan: &mut Scan) -> Result<(), StoreError> {
        loop {
            let mut page = scan.page();
            while let Some(piece) = self.web.piece().await? {
                page.feed(&piece, rows)?;
                if page.is_stopped() {
                    break;
                }
            }
            let Some(scroll) = page.end()? else { return Ok(()) };
            let read =
                SearchRead::Next { scroll: &scroll, bare: self.major == Some(1), keep: scan.goes_on() };
            let request = self.signed(Request::search(read));
            // A page that was lost on the way is lost: the scroll has moved on.
            if self.web.ask(&request, Again::No).await?.status != 200 {
                let answer = self.web.rest(SMALL).await?;
                return Err(StoreError::from(refusal(&answer)));
            }
        }
    }
}

/// What an answer that is no success means.
fn refusal(answer: &Response) -> Refusal {
    let kind = error_kind(answer);
    let said = if kind.is_empty() {
        format!("HTTP {}", answer.status)
    } else {
        format!("HTTP {}, {kind}", answer.status)
    };
    match answer.status {
        401 => Refusal::Final(StoreError::Denied(format!(
            "the login is missing or refused ({said}): set ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD, or \
             ELASTICSEARCH_API_KEY"
        ))),
        403 => Refusal::Final(StoreError::Denied(format!("this account has no right to it ({said})"))),
        404 => Refusal::Final(StoreError::Answer(format!("it is not there, or no longer ({said})"))),
        300..=399 => {
            let place = answer.header("location").map(|place| excerpt(place.as_bytes())).unwrap_or_default();
            Refusal::Final(StoreError::Answer(format!(
                "the server sends its clients to {place}, which is not followed: name it as a target"
            )))
        }
        413 | 429 => Refusal::Busy(format!("the cluster has too much to do ({said})")),
        502..=504 => Refusal::Final(StoreError::Connection(format!("the cluster is not ready ({said})"))),
        _ => Refusal::Form(format!("the cluster does not take the question ({said})")),
    }
}

/// The kind of an error, such as `index_not_found_exception`: the sentence beside it may repeat values.
fn error_kind(answer: &Response) -> String {
    let error = answer.json().and_then(|json| json.get("error"));
    let cause = error.and_then(|error| error.pointer("/root_cause/0/type").or_else(|| error.get("type")));
    kind(cause)
}

fn kind(value: Option<&Value>) -> String {
    let is_kind = |text: &&str| {
        text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b':')
    };
    value.and_then(Value::as_str).filter(is_kind).unwrap_or_default().to_owned()
}

impl Store for Elasticsearch {
    fn tables(&mut self) -> BoxFuture<'_, Result<Listing, StoreError>> {
        Box::pin(self.list())
    }

    fn read_table<'a>(
        &'a mut self,
        table: &'a Table,
        columns: &'a [String],
        sample: Option<(u64, u64)>,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if let Some((rows, seed)) = sample {
                return self.take_sample(table, rows, seed, sink).await;
            }
            self.major().await?;
            let total = self.count(&table.location).await?;
            self.read_all(table, columns, total, sink).await
        })
    }
}
