//! Buckets of Amazon S3, of servers that speak its protocol, and of Alibaba OSS. Objects are read as files are, streamed.
//!
//! A table is what names have in common up to the first slash. Of each a sample of objects is read, chosen by the seed; the
//! rest is told. A bucket that is elsewhere is not followed there.

mod body;
mod list;
mod objects;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use model::{Bucket, NotRead, Provider, excerpt};
use net::http::{BucketKey, Request, percent_encode};
use tokio::runtime::{Handle, RuntimeFlavor};

use self::body::{Body, why_not};
use self::list::{Failure, Next, Object, Page};
use self::objects::{OTHERS, Objects, TOP, is_archived};
use super::gate::Gate;
use super::login::Login;
use super::only::Only;
use super::web::{Again, Web};
use super::{Listing, Store, StoreError, Table};
use crate::Sink;

/// Longest page of a listing.
const PAGE: usize = 16 << 20;
/// Longest error.
const ERROR: usize = 64 << 10;
/// Most pages of a listing: a thousand objects each.
const PAGES: u64 = 20_000;
/// Most times that a store which is too busy is asked again, and the wait before.
const TRIES: u32 = 3;
const WAIT: Duration = Duration::from_secs(1);
/// What is signed without a region is signed for this one.
const REGION: &str = "us-east-1";
/// Formats that are read from their end, or as a whole: a beginning of them is nothing.
const WHOLE: &[&str] = &[
    "7z", "db", "doc", "docx", "jar", "orc", "parquet", "pdf", "ppt", "pptx", "rar", "sqlite", "sqlite3",
    "xls", "xlsx", "zip",
];

/// How much of each table is read for a sample.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes.
    pub bytes: u64,
    /// Objects.
    pub objects: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: 256 << 20, objects: 200 }
    }
}

/// Reads the content of an object, whose name is given, as that of a file:
/// `move |name, input, sink| file::read_stream(name, input, &limits, sink)` with the limits of [`crate::file`].
pub type Contents = Arc<dyn Fn(&str, &mut dyn Read, &mut dyn Sink) + Send + Sync>;

/// A bucket.
pub struct S3 {
    web: Web,
    bucket: Bucket,
    key: Option<BucketKey>,
    region: Option<String>,
    budget: Budget,
    contents: Contents,
    objects: Objects,
}

impl S3 {
    /// A reader for a bucket at the host of `login`. Without a key it is asked as a stranger.
    pub fn new(
        gate: Gate,
        login: Login,
        bucket: Bucket,
        key: Option<BucketKey>,
        region: Option<String>,
        budget: Budget,
        contents: Contents,
    ) -> Self {
        let region = region.or_else(|| bucket.region_at(&bucket.host()));
        let web = Web::for_bucket(gate, login, bucket.clone());
        Self { web, bucket, key, region, budget, contents, objects: Objects::default() }
    }

    /// A request as it must be signed. `key`: of an object, else the bucket itself is asked.
    fn request(&self, path: String, key: &str, range: Option<u64>) -> Request {
        let request = Request::get(path).shown_as("(an object, or a listing)");
        let request = match range {
            Some(bytes) => request.header("Range", &format!("bytes=0-{}", bytes.saturating_sub(1))),
            None => request,
        };
        let Some(login) = &self.key else { return request };
        // The store compares it with its own clock: this is the one place where a pinned time would be wrong.
        let now = Timestamp::now();
        if self.bucket.provider() == Provider::Oss {
            let resource = format!("{}/{key}", self.bucket.name());
            return request.signed_for_oss(&resource, self.region.as_deref(), login, now);
        }
        request.signed_v4(&self.web.host(), self.region.as_deref().unwrap_or(REGION), login, now)
    }

    /// A page of the listing.
    async fn page(&mut self, prefix: &str, next: Option<&Next>) -> Result<Page, StoreError> {
        let mut query = vec![("encoding-type", "url".to_owned()), ("max-keys", "1000".to_owned())];
        match next {
            Some(Next::Marker(marker)) => query.push(("marker", percent_encode(marker))),
            Some(Next::Token(token)) => query.push(("continuation-token", percent_encode(token))),
            None => {}
        }
        if !matches!(next, Some(Next::Marker(_))) {
            query.push(("list-type", "2".to_owned()));
        }
        query.push(("prefix", percent_encode(prefix)));
        query.sort_unstable();
        let query: Vec<_> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let path = format!("{}/?{}", self.bucket.base(), query.join("&"));
        let mut tries = 0;
        loop {
            let answer = self.web.whole(&self.request(path.clone(), "", None), PAGE).await?;
            if answer.status == 200 {
                return Page::parse(&answer.body)
                    .map_err(|why| StoreError::Answer(format!("the listing cannot be understood: {why}")));
            }
            let failure = Failure::parse(&answer.body);
            tries += 1;
            match (answer.status, failure.region.as_deref()) {
                // It is here, and wants the region in the signature.
                (400, Some(region)) if tries == 1 && self.region.as_deref() != Some(region) => {
                    self.region = Some(region.to_owned());
                }
                (429 | 500..=599, _) if tries < TRIES => tokio::time::sleep(WAIT).await,
                (status, _) => {
                    let place = answer.header("location").map(str::to_owned);
                    let region = answer.header("x-amz-bucket-region").map(str::to_owned);
                    return Err(self.error(status, &failure, region.or(place)));
                }
            }
        }
    }

    /// What a refusal to list means.
    fn error(&self, status: u16, failure: &Failure, told: Option<String>) -> StoreError {
        let code = if failure.code.is_empty() { "no error of such a store" } else { &failure.code };
        let said = format!("HTTP {status}, {code}");
        let elsewhere = failure.endpoint.clone().or_else(|| failure.region.clone()).or(told);
        match (status, failure.code.as_str(), elsewhere) {
            (300..=399, _, place) | (_, "PermanentRedirect" | "TemporaryRedirect", place) => {
                let place =
                    place.map_or_else(|| "another place".to_owned(), |place| excerpt(place.as_bytes()));
                StoreError::Answer(format!(
                    "the bucket is at {place}, which is not followed: name it in the target, with ?region= or ?endpoint="
                ))
            }
            // OSS says AccessDenied for a wrong region.
            (403, "AccessDenied", Some(place)) => StoreError::Answer(format!(
                "the bucket is at {}: name it in the target with ?region=",
                excerpt(place.as_bytes())
            )),
            (401 | 403, _, _) if self.key.is_none() => StoreError::Denied(format!(
                "strangers may not list the bucket ({said}): set {}",
                self.variables()
            )),
            (401 | 403, _, _) => StoreError::Denied(format!("this key may not list the bucket ({said})")),
            (404, ..) => StoreError::Answer(format!("there is no such bucket ({said})")),
            (429 | 500..=599, ..) => StoreError::Connection(format!("the store is not ready ({said})")),
            _ => StoreError::Answer(format!("the bucket cannot be listed ({said})")),
        }
    }

    fn variables(&self) -> &'static str {
        match self.bucket.provider() {
            Provider::Oss => "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            _ => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        }
    }

    async fn list(&mut self) -> Result<Listing, StoreError> {
        let mut objects = Objects::default();
        let mut listing = Listing::default();
        let mut pages = Pages::new("");
        while let Some(page) = pages.next(self).await? {
            page.into_iter().for_each(|object| objects.add(object));
            if pages.count >= PAGES {
                let why = format!("the listing was ended after {PAGES} pages: name a part of the bucket");
                listing.not_read.push(missing("", why, false));
                break;
            }
        }
        for (name, group) in &objects.groups {
            for (class, count) in &group.archived {
                let why = format!(
                    "{count} objects are archived ({}): restore them to have them read",
                    excerpt(class.as_bytes())
                );
                listing.not_read.push(missing(name, why, false));
            }
            if group.readable() > 0 {
                listing.tables.push(Table { location: name.clone(), rows: None, exact: false });
            }
        }
        self.objects = objects;
        Ok(listing)
    }

    async fn take_sample(&mut self, table: &Table, seed: u64, sink: &mut dyn Sink) -> Result<(), StoreError> {
        let group = self.objects.groups.get(&table.location);
        let group =
            group.ok_or_else(|| StoreError::Answer("there is no such part of the bucket".to_owned()))?;
        let (all, bytes) = (group.readable(), group.bytes);
        let chosen = group.shuffled(seed);
        let (mut left, mut read, mut taken) = (self.budget, 0_u64, 0_u64);
        for (key, size) in chosen {
            if sink.stop() || left.objects == 0 || left.bytes == 0 {
                break;
            }
            let needs_all = key
                .rsplit_once('.')
                .is_some_and(|(_, end)| WHOLE.contains(&end.to_ascii_lowercase().as_str()));
            if size > left.bytes && needs_all {
                continue;
            }
            let part = (size > left.bytes).then_some(left.bytes);
            let count = part.unwrap_or(size);
            let was_read = match part {
                Some(_) => self.object(&key, part, &mut Only::beginning(sink)).await?,
                None => self.object(&key, None, sink).await?,
            };
            if was_read {
                read += 1;
                taken = taken.saturating_add(count);
            }
            if let Some(part) = part {
                let why = format!("read up to byte {part} of {size}: the sample has so many");
                sink.not_read(missing(&key, why, true));
            }
            left.objects -= 1;
            left.bytes = left.bytes.saturating_sub(count);
        }
        if read < all {
            let why =
                format!("{} of {all} objects ({taken} of {bytes} bytes read): not in the sample", all - read);
            sink.not_read(missing(&table.location, why, !sink.stop()));
        }
        Ok(())
    }

    async fn read_all(
        &mut self,
        table: &Table,
        columns: &[String],
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let prefix = match table.location.as_str() {
            TOP | OTHERS => "",
            prefix => prefix,
        };
        let mut only = Only::new(sink, columns);
        let mut pages = Pages::new(prefix);
        while let Some(page) = pages.next(self).await? {
            for object in page {
                let Object { key, bytes, class } = object;
                if bytes == 0 || is_archived(&class) || !self.objects.is_in(&key, &table.location) {
                    continue;
                }
                if only.stop() {
                    let why = "reading was stopped: what comes after by name was not read".to_owned();
                    only.not_read(missing(&key, why, false));
                    return Ok(());
                }
                self.object(&key, None, &mut only).await?;
            }
        }
        Ok(())
    }

    /// Reads an object, or its first bytes. Whether it could be read; where not, that is noted.
    async fn object(
        &mut self,
        key: &str,
        part: Option<u64>,
        sink: &mut dyn Sink,
    ) -> Result<bool, StoreError> {
        if Handle::current().runtime_flavor() != RuntimeFlavor::MultiThread {
            return Err(StoreError::Answer(
                "objects are read by a runtime of several threads alone".to_owned(),
            ));
        }
        let mut tries = 0;
        loop {
            let request = self.request(self.bucket.path_of(key), key, part);
            let status = self.web.ask(&request, Again::Yes).await?.status;
            if matches!(status, 200 | 206) {
                break;
            }
            let answer = self.web.rest(ERROR).await?;
            let failure = Failure::parse(&answer.body);
            tries += 1;
            if matches!(status, 429 | 500..=599) && tries < TRIES {
                tokio::time::sleep(WAIT).await;
                continue;
            }
            sink.not_read(missing(key, why_not(status, &failure), false));
            return Ok(false);
        }
        let contents = Arc::clone(&self.contents);
        let mut body = Body::new(&mut self.web, part);
        // The readers of files wait for bytes; the other threads of the runtime go on.
        tokio::task::block_in_place(|| contents(key, &mut body, sink));
        let failed = body.failed.take();
        match failed {
            Some(error) => Err(error),
            None => Ok(true),
        }
    }
}

fn missing(location: &str, why: String, by_design: bool) -> NotRead {
    NotRead { location: location.to_owned(), why, by_design }
}

/// The pages of a listing.
struct Pages {
    prefix: String,
    next: Option<Next>,
    count: u64,
    empty: u32,
    done: bool,
}

impl Pages {
    fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), next: None, count: 0, empty: 0, done: false }
    }

    /// The next objects; `None` at the end.
    async fn next(&mut self, store: &mut S3) -> Result<Option<Vec<Object>>, StoreError> {
        if self.done {
            return Ok(None);
        }
        let page = store.page(&self.prefix, self.next.as_ref()).await?;
        self.count += 1;
        self.empty = if page.objects.is_empty() { self.empty + 1 } else { 0 };
        let repeats = page.next.is_some() && page.next == self.next;
        if repeats || self.empty > 1000 {
            return Err(StoreError::Answer("the listing does not come to an end".to_owned()));
        }
        self.done = page.next.is_none();
        self.next = page.next;
        Ok(Some(page.objects))
    }
}

impl Store for S3 {
    fn tables(&mut self) -> BoxFuture<'_, Result<Listing, StoreError>> {
        Box::pin(self.list())
    }

    /// Reads some objects, as many as the budget allows whatever the number of rows, or all; each is a part of its own.
    fn read_table<'a>(
        &'a mut self,
        table: &'a Table,
        columns: &'a [String],
        sample: Option<(u64, u64)>,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            match sample {
                Some((_, seed)) => self.take_sample(table, seed, sink).await,
                None => self.read_all(table, columns, sink).await,
            }
        })
    }
}
