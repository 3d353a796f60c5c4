//! Buckets by name: is it there, and do strangers list it, read it, read its access rules, see its website?
//!
//! Each question has its own answer. Nothing is written, no object is fetched, and no name of one is kept. What the
//! answers mean is decided by functions over answers alone, one file for each dialect; here is only the asking.
//! A hint that the bucket is elsewhere is followed once, when the guard permits it.

mod answer;
mod azure;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod gcs;
mod s3;
#[cfg(test)]
mod tests;
mod xml;

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use model::{
    Address, Asset, Bucket, Exchange, Observation, Proof, Provider, Reach, Surface, TlsFacts, Vantage,
    Verdict, excerpt,
};
use net::http::{Client, Request, Response};
use net::{Dialer, Error, Guard, Session, VERDICT};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::answer::{Answers, Reply};
use self::s3::Place;
use crate::contract::Judgement;
use crate::engine::{BROKEN, reach_of, vantage_of};
use crate::settings::{Progress, Settings};

/// Most addresses of one host that are tried.
const ADDRESSES: usize = 3;
/// Most exchanges kept as evidence.
const EVIDENCE: usize = 16;

/// A bucket to look at.
#[derive(Clone, Debug)]
pub struct BucketJob {
    /// The bucket.
    pub bucket: Bucket,
    /// The addresses of its host; none when the name does not resolve.
    pub addresses: Vec<IpAddr>,
}

/// Looks at all buckets and sends what it observes.
pub(crate) async fn run(
    dialer: &Arc<Dialer>,
    guard: &Guard,
    settings: &Settings,
    progress: &Progress,
    jobs: Vec<BucketJob>,
    sink: mpsc::Sender<Observation>,
) {
    let sink = &sink;
    futures_util::stream::iter(jobs)
        .for_each_concurrent(settings.per_host, |job| async move {
            let looked = AssertUnwindSafe(look(dialer, guard, settings.deadline, &job)).catch_unwind().await;
            let observation =
                looked.unwrap_or_else(|_| undecided(&job, guard, dialer, Verdict::Unknown, BROKEN));
            progress.done.fetch_add(1, Ordering::Relaxed);
            progress.open.fetch_add(u64::from(observation.verdict.is_open()), Ordering::Relaxed);
            let _ = sink.send(observation).await;
        })
        .await;
}

/// A bucket about which nothing was decided.
fn undecided(job: &BucketJob, guard: &Guard, dialer: &Dialer, verdict: Verdict, reason: &str) -> Observation {
    let (bucket, at) = (&job.bucket, dialer.clock().now());
    let address = job.addresses.first();
    let vantage = address.map_or(Vantage::Remote, |ip| vantage_of(guard, *ip));
    let reach = match (address, bucket.endpoint()) {
        (Some(ip), _) => reach_of(*ip),
        (None, None) => Reach::Internet,
        (None, Some(_)) => Reach::Unknown,
    };
    let asset = Asset::at(&Address::Bucket(bucket.clone()));
    Observation {
        explicit: true,
        service: Some(bucket.provider().service().to_owned()),
        product: Some(product(bucket)),
        ..Observation::new(asset, vantage, reach, verdict, reason, at)
    }
}

fn product(bucket: &Bucket) -> String {
    match (bucket.provider(), bucket.endpoint()) {
        (Provider::S3, Some(_)) => "S3-compatible storage".to_owned(),
        (provider, _) => provider.product().to_owned(),
    }
}

/// Looks at one bucket, within `time`.
async fn look(dialer: &Arc<Dialer>, guard: &Guard, time: Duration, job: &BucketJob) -> Observation {
    let undecided = |verdict, reason: &str| undecided(job, guard, dialer, verdict, reason);
    if job.addresses.is_empty() {
        let account = if job.bucket.provider() == Provider::Azure {
            ": there is no such storage account, or"
        } else {
            ":"
        };
        let reason = format!(
            "{} does not resolve{account} this machine's resolver does not know it",
            job.bucket.host()
        );
        return undecided(Verdict::Unreachable, &reason);
    }
    let mut asker = Asker {
        dialer,
        guard,
        bucket: &job.bucket,
        until: Instant::now() + time,
        evidence: Vec::new(),
        tls: None,
    };
    let judged = asker.ask(&job.addresses).await;
    let judgement = match judged {
        Ok(judgement) => judgement,
        Err(Error::Refused) => Judgement::of(Verdict::Closed, "connection refused, twice"),
        Err(error @ Error::Unreachable(_)) => Judgement::of(Verdict::Unreachable, error.to_string()),
        Err(Error::Scope(refusal)) => Judgement::of(Verdict::Unknown, format!("not dialled: {refusal}")),
        Err(error) => Judgement::of(Verdict::Unknown, error.to_string()),
    };
    let (verdict, reason) = conclusion(&judgement.surfaces);
    let mut observation = undecided(verdict, &reason);
    observation.product = judgement.product.or(observation.product);
    observation.proof = proof(observation.product.as_deref(), verdict);
    observation.surfaces = if judgement.surfaces.len() > 1 { judgement.surfaces } else { Vec::new() };
    observation.counts = judgement.counts;
    (observation.evidence, observation.tls) = (asker.evidence, asker.tls);
    observation
}

/// The worst answer decides. Whoever is let in reads by which doors; else one reason is enough.
fn conclusion(surfaces: &[Surface]) -> (Verdict, String) {
    let Some(worst) = surfaces.iter().map(|surface| surface.verdict).min() else {
        return (Verdict::Unknown, "nothing was answered".to_owned());
    };
    let most = if worst.is_open() { 3 } else { 1 };
    let doors: Vec<&Surface> = surfaces.iter().filter(|surface| surface.verdict == worst).collect();
    let told = |surface: &&Surface| match surfaces.len() {
        1 => surface.reason.clone(),
        _ => format!("{}: {}", surface.name, surface.reason),
    };
    let before_exists = doors.iter().filter(|surface| surface.name != "exists" || doors.len() == 1);
    let mut reasons: Vec<String> = before_exists.take(most).map(told).collect();
    // Whoever reads one line only must not take a mistyped name for a private bucket.
    let hidden = surfaces.iter().find(|surface| surface.reason.starts_with(answer::HIDDEN));
    reasons.extend(
        hidden
            .filter(|surface| worst.is_shut() && surfaces.len() > 1 && surface.verdict == worst)
            .map(|surface| surface.reason.clone()),
    );
    (worst, reasons.join("; "))
}

/// The dialect of S3 was proven on real MinIO; the others on what the vendors publish.
fn proof(product: Option<&str>, verdict: Verdict) -> Option<Proof> {
    match (product, verdict) {
        (_, verdict) if verdict.is_undecided() => None,
        (Some("MinIO"), Verdict::Open | Verdict::OpenPartial | Verdict::Protected) => Some(Proof::Real),
        _ => Some(Proof::Transcript),
    }
}

/// Asks about one bucket.
struct Asker<'a> {
    dialer: &'a Arc<Dialer>,
    guard: &'a Guard,
    bucket: &'a Bucket,
    until: Instant,
    evidence: Vec<Exchange>,
    tls: Option<TlsFacts>,
}

/// One host, asked over one connection as long as that lives.
struct Line {
    session: Session,
    client: Client,
    host: String,
}

impl Line {
    async fn ask(&mut self, request: Request) -> Reply {
        let answer = self.client.send(&mut self.session, &request).await;
        Some(answer.map_err(|error| error.to_string()))
    }
}

impl Asker<'_> {
    async fn ask(&mut self, addresses: &[IpAddr]) -> Result<Judgement, Error> {
        let bucket = self.bucket;
        let (tls, port) = bucket.endpoint().map_or((true, 443), |endpoint| (endpoint.tls, endpoint.port));
        let list = match bucket.provider() {
            Provider::Gcs => Request::get(gcs::list_path(bucket)),
            Provider::Azure => azure_request(Request::get(format!("{}{}", bucket.base(), azure::LIST))),
            provider => Request::get(format!("{}{}", bucket.base(), s3::list_query(provider))),
        };
        let host = bucket.host();
        let (mut line, mut first) = match self.open(&host, addresses, tls, port, &list).await {
            // A refusal is told after a second one.
            Err(Error::Refused) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                self.open(&host, addresses, tls, port, &list).await?
            }
            other => other?,
        };
        let mut hop = String::new();
        if !matches!(bucket.provider(), Provider::Gcs | Provider::Azure)
            && let Place::Elsewhere(told, host) = s3::place(bucket, &first)
        {
            let Some(host) = host.filter(|host| *host != line.host) else {
                self.close(line);
                return Ok(wrong_place(&told, "which is not followed"));
            };
            self.close(line);
            let addresses = net::lookup(&host).await;
            (line, first) = self.open(&host, &addresses, tls, port, &list).await?;
            if let Place::Elsewhere(told, _) = s3::place(bucket, &first) {
                self.close(line);
                return Ok(wrong_place(&told, "after being sent on once already"));
            }
            hop = format!("; asked at {host}, where it is");
        }
        let mut judgement = match bucket.provider() {
            Provider::Gcs => self.google(&mut line, first).await,
            Provider::Azure => self.azure(&mut line, first).await,
            _ => self.dialect_of_s3(&mut line, first).await,
        };
        self.close(line);
        if let Some(exists) = judgement.surfaces.iter_mut().find(|surface| surface.name == "exists") {
            exists.reason.push_str(&hop);
        }
        Ok(judgement)
    }

    /// Asks the first question at the first address that answers.
    async fn open(
        &mut self,
        host: &str,
        addresses: &[IpAddr],
        tls: bool,
        port: u16,
        first: &Request,
    ) -> Result<(Line, Response), Error> {
        let mut last = Error::Unreachable(format!("{host} does not resolve"));
        // Many machines have no route for IPv6, and say so at once.
        let in_order =
            addresses.iter().filter(|ip| ip.is_ipv4()).chain(addresses.iter().filter(|ip| ip.is_ipv6()));
        for ip in in_order.take(ADDRESSES) {
            let permit = self.guard.permit_bucket(self.bucket, host, SocketAddr::new(*ip, port))?;
            let name = host.parse::<IpAddr>().is_err().then(|| host.to_owned());
            let time = self.until.saturating_duration_since(Instant::now());
            let mut session = Session::new(self.dialer, permit, name, time, VERDICT);
            session.secure = tls;
            session.patience = time / 2;
            let mut line = Line { session, client: Client::default(), host: host.to_owned() };
            match line.client.send(&mut line.session, first).await {
                Ok(answer) => return Ok((line, answer)),
                Err(error @ (Error::Refused | Error::Unreachable(_))) => last = error,
                Err(error) => {
                    line.session.note(first.describe(), error.to_string(), &[], tls);
                    self.close(line);
                    return Err(error);
                }
            }
        }
        Err(last)
    }

    fn close(&mut self, line: Line) {
        let (evidence, tls) = line.session.finish();
        self.evidence.extend(evidence);
        self.evidence.truncate(EVIDENCE);
        self.tls = self.tls.take().or(tls);
    }

    /// HEAD of the object that the user named, or else of the first one listed; neither name is shown.
    async fn object(&self, line: &mut Line, answers: &mut Answers, listed: Option<String>) {
        let request = match (self.bucket.key(), listed) {
            (Some(key), _) => Request::head(self.bucket.path_of(key)).shown_as("(the object that you named)"),
            (None, Some(key)) => {
                Request::head(self.bucket.path_of(&key)).shown_as("(the first object listed)")
            }
            (None, None) => return,
        };
        answers.named = self.bucket.key().is_some();
        let azure = self.bucket.provider() == Provider::Azure;
        answers.object = line.ask(if azure { azure_request(request) } else { request }).await;
    }

    async fn dialect_of_s3(&mut self, line: &mut Line, first: Response) -> Judgement {
        let (bucket, base) = (self.bucket, self.bucket.base());
        let mut answers = Answers::default();
        let minio =
            first.header("server").is_some_and(|server| server == "MinIO" || server.starts_with("MinIO/"));
        if minio && bucket.endpoint().is_some() {
            answers.product = Some("MinIO".to_owned());
        }
        let region = first.header("x-amz-bucket-region").map(str::to_owned);
        let (here, listed) = (s3::place(bucket, &first), s3::first_key(&first));
        answers.list = Some(Ok(first));
        // What is not there, or is no such store, is not asked further.
        if here == Place::Here {
            answers.missing = line.ask(Request::get(bucket.path_of(&cannot_exist()))).await;
            self.object(line, &mut answers, listed).await;
            answers.acl = line.ask(Request::get(format!("{base}/?acl"))).await;
            answers.policy = line.ask(Request::get(format!("{base}/?policy"))).await;
            if matches!(&answers.policy, Some(Ok(answer)) if matches!(answer.status, 401 | 403))
                && matches!(bucket.provider(), Provider::S3 | Provider::Oss)
            {
                answers.policy_status = line.ask(Request::get(format!("{base}/?policyStatus"))).await;
            }
            self.website(line, &mut answers, region).await;
        }
        let mut judgement = s3::judge(bucket, &answers);
        judgement.product = answers.product;
        judgement
    }

    async fn website(&mut self, line: &mut Line, answers: &mut Answers, region: Option<String>) {
        let bucket = self.bucket;
        if bucket.endpoint().is_some() {
            answers.no_website = "not asked: websites have hosts of their own, not this endpoint";
            return;
        }
        if bucket.provider() == Provider::Oss {
            answers.website = line.ask(Request::head("/")).await;
            return;
        }
        let region = region.or_else(|| bucket.region_at(&line.host));
        let Some(host) = region.and_then(|region| bucket.website_host(&region)) else {
            answers.website = Some(Err("its region is not told: say it with ?region=".to_owned()));
            return;
        };
        let addresses = net::lookup(&host).await;
        answers.website = match self.open(&host, &addresses, false, 80, &Request::head("/")).await {
            Ok((line, answer)) => {
                self.close(line);
                Some(Ok(answer))
            }
            Err(error) => Some(Err(format!("{host}: {error}"))),
        };
    }

    async fn google(&mut self, line: &mut Line, first: Response) -> Judgement {
        let mut answers = Answers { list: Some(Ok(first)), ..Answers::default() };
        answers.rights = line.ask(Request::get(gcs::rights_path(self.bucket))).await;
        self.object(line, &mut answers, None).await;
        gcs::judge(&answers)
    }

    async fn azure(&mut self, line: &mut Line, first: Response) -> Judgement {
        let listed = azure::first_key(&first);
        let mut answers = Answers { list: Some(Ok(first)), ..Answers::default() };
        let missing = Request::get(self.bucket.path_of(&cannot_exist()));
        answers.missing = line.ask(azure_request(missing)).await;
        self.object(line, &mut answers, listed).await;
        azure::judge(&answers)
    }
}

fn azure_request(request: Request) -> Request {
    request.header("x-ms-version", azure::VERSION)
}

/// A key that no object has.
fn cannot_exist() -> String {
    format!("watertight-{:016x}", fastrand::u64(..))
}

fn wrong_place(told: &str, why: &str) -> Judgement {
    let told = excerpt(told.as_bytes());
    Judgement::of(
        Verdict::Unknown,
        format!("asked at the wrong place: it is sent to {told}, {why}; say where it is with ?region="),
    )
}
