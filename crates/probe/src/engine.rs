//! Schedules endpoints: many hosts at once, few connections to each, one deadline over everything that is said to
//! one endpoint.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use model::{Address, AddressClass, Asset, Clock, Observation, Process, Proof, Reach, Surface, Vantage, Verdict, classify};
use net::{DETECTION, Dialer, Error, Guard, Session, VERDICT};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::detect::{Found, detect};
use crate::service::{Judgement, Service, proof_for, registry};
use crate::web::Web;

/// One endpoint to look at.
#[derive(Clone, Debug)]
pub struct Job {
    /// The address.
    pub address: SocketAddr,
    /// The name by which the user asked for it.
    pub name: Option<String>,
    /// The address that the listener is bound to, where it is ours.
    pub bind: Option<String>,
    /// The owner of the listener, where it is ours.
    pub process: Option<Process>,
    /// Who can reach it, where the listener is ours; else the address class tells.
    pub reach: Option<Reach>,
    /// The user asked for exactly this endpoint, or an open door is remembered there: also a refusal is told.
    pub explicit: bool,
    /// An open door is remembered there.
    pub remembered: bool,
    /// The user said that TLS is spoken (or not).
    pub tls: Option<bool>,
}

impl Job {
    /// An endpoint about which nothing is known.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            name: None,
            bind: None,
            process: None,
            reach: None,
            explicit: false,
            remembered: false,
            tls: None,
        }
    }
}

/// How the engine works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// One deadline over everything that is said to one endpoint.
    pub deadline: Duration,
    /// Endpoints of one host that are looked at at the same time.
    pub per_host: usize,
    /// Hosts that are looked at at the same time.
    pub hosts: usize,
    /// Longest random pause before an endpoint of another host is dialled.
    pub jitter: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(10), per_host: 8, hosts: 4096, jitter: Duration::from_millis(20) }
    }
}

/// How far a run is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Endpoints that are done.
    pub done: AtomicU64,
    /// Endpoints at which a stranger gets in.
    pub open: AtomicU64,
}

/// Looks at endpoints.
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    dialer: Arc<Dialer>,
    guard: Guard,
    services: Vec<Box<dyn Service>>,
    settings: Settings,
    progress: Arc<Progress>,
}

impl Engine {
    /// An engine that dials with `dialer` what `guard` permits.
    pub fn new(dialer: Arc<Dialer>, guard: Guard, settings: Settings) -> Self {
        let progress = Arc::new(Progress::default());
        Self { shared: Arc::new(Shared { dialer, guard, services: registry(), settings, progress }) }
    }

    /// Counters that grow while the engine runs.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.shared.progress)
    }

    /// Looks at all `jobs`, grouped by host, and sends what it observes. Ends early when the receiver is gone.
    ///
    /// A port of a swept host that refuses or does not answer is no observation.
    pub async fn run(&self, jobs: Vec<Job>, sink: mpsc::Sender<Observation>) {
        let slots = Arc::new(Semaphore::new(self.shared.settings.hosts));
        let mut tasks = JoinSet::new();
        for host in by_host(jobs) {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
            if sink.is_closed() {
                break;
            }
            let (shared, sink) = (Arc::clone(&self.shared), sink.clone());
            tasks.spawn(async move {
                let _slot = slot;
                shared.host(host, sink).await;
            });
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// Groups endpoints by address, so that no host gets more attention at a time than it is due.
fn by_host(jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let mut hosts: Vec<Vec<Job>> = Vec::new();
    let mut index: std::collections::HashMap<IpAddr, usize> = std::collections::HashMap::new();
    for job in jobs {
        let at = *index.entry(job.address.ip()).or_insert_with(|| {
            hosts.push(Vec::new());
            hosts.len() - 1
        });
        if let Some(host) = hosts.get_mut(at) {
            host.push(job);
        }
    }
    hosts
}

impl Shared {
    async fn host(&self, jobs: Vec<Job>, sink: mpsc::Sender<Observation>) {
        let stream = futures_util::stream::iter(jobs).for_each_concurrent(self.settings.per_host, |job| async {
            let observation = self.endpoint(job).await;
            self.progress.done.fetch_add(1, Ordering::Relaxed);
            if let Some(observation) = observation {
                self.progress.open.fetch_add(u64::from(observation.verdict.is_open()), Ordering::Relaxed);
                let _ = sink.send(observation).await;
            }
        });
        stream.await;
    }

    /// Looks at one endpoint. `None`: nothing listens there, and nobody asked for exactly this.
    async fn endpoint(&self, job: Job) -> Option<Observation> {
        let permit = match self.guard.permit(job.address) {
            Ok(permit) => permit,
            Err(refusal) => return Some(self.observation(&job, Verdict::Unreachable, format!("not dialled: {refusal}"))),
        };
        if self.vantage(job.address.ip()) == Vantage::Remote && !self.settings.jitter.is_zero() {
            let most = u64::try_from(self.settings.jitter.as_micros()).unwrap_or(0);
            tokio::time::sleep(Duration::from_micros(fastrand::u64(0..=most))).await;
        }
        let deadline = self.settings.deadline;
        let mut session = Session::new(&self.dialer, permit, job.name.clone(), deadline, DETECTION);
        match detect(&mut session, &self.services, job.tls).await {
            Ok(found) => Some(self.judge(&job, session, found).await),
            Err(Error::Refused) => self.refused(&job, session).await,
            Err(Error::Unreachable(why)) => job
                .explicit
                .then(|| self.observation(&job, Verdict::Unreachable, format!("no answer to the connection request ({why})"))),
            Err(error) => Some(self.concluded(&job, session, None, Judgement::of(Verdict::Unknown, error.to_string()))),
        }
    }

    /// A refusal is told when it was asked for, and only after a second one: it may close a remembered door.
    async fn refused(&self, job: &Job, mut session: Session) -> Option<Observation> {
        if !job.explicit {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let verdict = match session.connect_plain().await {
            Err(Error::Refused) => (Verdict::Closed, "connection refused, twice"),
            _ => (Verdict::Unknown, "refused once, accepted at the second try"),
        };
        Some(self.observation(job, verdict.0, verdict.1.to_owned()))
    }

    async fn judge(&self, job: &Job, mut session: Session, found: Found<'_>) -> Observation {
        // Half, so that a second way to ask is left when the first meets silence.
        session.patience = session.time_left() / 2;
        match found {
            Found::Service(service, mut opened) => {
                session.rebudget(VERDICT, opened.conn.as_mut());
                let judged = service.judge(&mut session, opened).await;
                let judgement = judged.unwrap_or_else(undecided);
                self.concluded(job, session, Some(service), judgement)
            }
            Found::Web(web) => {
                let (judgement, _) = judge_unknown_web(&mut session, web).await;
                let mut observation = self.concluded(job, session, None, judgement);
                observation.service = Some("http".to_owned());
                observation.product = Some("HTTP".to_owned());
                observation
            }
            Found::ClientCertificate => {
                let reason = "TLS demands a client certificate; what is behind it is not told";
                let mut observation = self.concluded(job, session, None, Judgement::of(Verdict::Protected, reason));
                observation.service = Some("tls-client-certificate".to_owned());
                observation.proof = Some(Proof::Real);
                observation
            }
            Found::NotData(name) => self.named(job, session, name, "not a data service"),
            Found::NoProbe(name) => self.named(job, session, name, "there is no probe for this protocol yet"),
            Found::Unidentified(what) => {
                let old_tls = what == "TLS 1.1 or older only";
                let verdict = if old_tls { Verdict::Unknown } else { Verdict::Unidentified };
                self.concluded(job, session, None, Judgement::of(verdict, what))
            }
        }
    }

    fn named(&self, job: &Job, session: Session, name: &str, reason: &str) -> Observation {
        let mut observation = self.concluded(job, session, None, Judgement::of(Verdict::Unknown, reason));
        observation.service = Some(name.to_ascii_lowercase());
        observation.product = Some(name.to_owned());
        observation
    }

    fn concluded(&self, job: &Job, session: Session, service: Option<&dyn Service>, judgement: Judgement) -> Observation {
        let (evidence, tls) = session.finish();
        let worst = judgement.worst().cloned();
        let worst = worst.unwrap_or_else(|| Surface::new("main", Verdict::Unknown, "no door was found to ask at"));
        let mut observation = self.observation(job, worst.verdict, worst.reason);
        observation.service = service.map(|service| service.id().to_owned());
        observation.product = judgement.product.or_else(|| service.map(|service| service.product().to_owned()));
        observation.proof = service.and_then(|service| proof_for(service, worst.verdict));
        observation.version = judgement.version;
        observation.surfaces = if judgement.surfaces.len() > 1 { judgement.surfaces } else { Vec::new() };
        observation.counts = judgement.counts;
        observation.ransom_names = judgement.ransom_names;
        observation.evidence = evidence;
        observation.tls = tls;
        observation
    }

    fn observation(&self, job: &Job, verdict: Verdict, reason: String) -> Observation {
        let mut asset = Asset::at(&Address::Tcp(job.address));
        asset.name.clone_from(&job.name);
        asset.bind.clone_from(&job.bind);
        asset.process.clone_from(&job.process);
        let ip = job.address.ip();
        Observation {
            asset,
            vantage: self.vantage(ip),
            reach: job.reach.unwrap_or_else(|| reach_of(ip)),
            explicit: job.explicit,
            service: None,
            product: None,
            version: None,
            verdict,
            reason,
            surfaces: Vec::new(),
            counts: model::Counts::new(),
            ransom_names: 0,
            tls: None,
            proof: None,
            evidence: Vec::new(),
            at: self.clock().now(),
        }
    }

    fn clock(&self) -> Clock {
        self.dialer.clock()
    }

    fn vantage(&self, ip: IpAddr) -> Vantage {
        match classify(ip) {
            AddressClass::Loopback => Vantage::Loopback,
            _ if self.guard.is_own(ip) => Vantage::Interface,
            _ => Vantage::Remote,
        }
    }
}

/// Who can reach an address, as far as its class tells.
fn reach_of(ip: IpAddr) -> Reach {
    match classify(ip) {
        AddressClass::Loopback => Reach::Host,
        AddressClass::Private => Reach::Lan,
        AddressClass::Public => Reach::Internet,
        AddressClass::Unusable => Reach::Unknown,
    }
}

/// What an error before the verdict means. A demanded certificate is a demand; everything else is unknown.
fn undecided(error: Error) -> Judgement {
    match error {
        Error::ClientCertificate => Judgement::of(Verdict::Protected, error.to_string()),
        other => Judgement::of(Verdict::Unknown, other.to_string()),
    }
}

/// A web server of no known product: an explicit demand for a login, on every path, is a verdict all the same.
async fn judge_unknown_web(session: &mut Session, mut web: Web) -> (Judgement, Web) {
    let Some(root) = web.known("/").cloned() else {
        return (Judgement::of(Verdict::Unknown, "no answer to GET /"), web);
    };
    let demands = |status: u16| matches!(status, 401 | 403 | 407);
    let judgement = if !demands(root.status) {
        let server = root.header("server").map_or_else(String::new, |server| format!(" ({})", model::excerpt(server.as_bytes())));
        let encoded = if root.is_encoded() { "; it compresses without being asked" } else { "" };
        Judgement::of(Verdict::Unidentified, format!("a web server{server} of no known product{encoded}"))
    } else {
        match web.control(session).await.map(|control| control.status) {
            Ok(status) if demands(status) => Judgement::of(
                Verdict::Protected,
                format!("every path demands a login or is refused ({}); the product is not told", root.status),
            ),
            Ok(status) => Judgement::of(Verdict::Unknown, format!("/ is refused ({}), other paths are not ({status})", root.status)),
            Err(error) => undecided(error),
        }
    };
    (judgement, web)
}
