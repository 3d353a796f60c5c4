//! Schedules endpoints: many hosts at once, few connections to each, one deadline over everything that is said to
//! one endpoint.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use model::{
    Address, AddressClass, Asset, Observation, Process, Proof, Reach, Surface, Vantage, Verdict, classify,
    excerpt,
};
use net::{DETECTION, Dialer, Error, Guard, Session, VERDICT};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::bucket::{self, BucketJob};
use crate::contract::{Judgement, Service};
use crate::detect::{Found, detect};
use crate::service::proof_for;
use crate::settings::{Progress, Settings};
use crate::web::judge_unknown;

/// Said of what could not be looked at because of a mistake in this program.
pub(crate) const BROKEN: &str = "an internal error of watertight; please report it";

/// One endpoint to look at.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// The port.
    pub port: u16,
    /// The address that the listener is bound to, where it is ours.
    pub bind: Option<String>,
    /// The owner of the listener, where it is ours.
    pub process: Option<Process>,
    /// Who can reach it, where the listener is ours; else the address class tells.
    pub reach: Option<Reach>,
    /// The user asked for exactly this endpoint.
    pub explicit: bool,
    /// An open door is remembered there.
    pub remembered: bool,
    /// The user said that TLS is spoken (or not).
    pub tls: Option<bool>,
    /// The user said what is there: the default port of it.
    pub hint: Option<u16>,
}

/// One host to look at. The fewest facts for a host of a large network: there may be 65,536 of them.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its address.
    pub address: IpAddr,
    /// The name by which the user asked for it.
    pub name: Option<String>,
    /// Endpoints about which something is known.
    pub jobs: Vec<Job>,
    /// Ports to try besides; a refusal or silence there is no observation.
    pub sweep: Arc<[u16]>,
    /// The user asked for this one host: its silence is told.
    pub asked: bool,
}

impl Host {
    /// How many endpoints there are.
    pub fn endpoint_count(&self) -> usize {
        self.jobs.len()
            + self.sweep.iter().filter(|port| !self.jobs.iter().any(|job| job.port == **port)).count()
    }

    /// The endpoints, each port once.
    fn endpoints(&self) -> Vec<Job> {
        let mut jobs = self.jobs.clone();
        let swept = self.sweep.iter().filter(|port| !self.jobs.iter().any(|job| job.port == **port));
        jobs.extend(swept.map(|port| Job { port: *port, ..Job::default() }));
        jobs
    }
}

/// Looks at endpoints.
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    dialer: Arc<Dialer>,
    guard: Guard,
    services: &'static [Box<dyn Service>],
    settings: Settings,
    progress: Arc<Progress>,
}

impl Engine {
    /// An engine that dials with `dialer` what `guard` permits, and looks for `services`.
    pub fn new(
        dialer: Arc<Dialer>,
        guard: Guard,
        services: &'static [Box<dyn Service>],
        settings: Settings,
    ) -> Self {
        let progress = Arc::new(Progress::default());
        Self { shared: Arc::new(Shared { dialer, guard, services, settings, progress }) }
    }

    /// Counters that grow while the engine runs.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.shared.progress)
    }

    /// Looks at all `hosts` and sends what it observes. Ends early when the receiver is gone.
    pub async fn run(&self, hosts: Vec<Host>, sink: mpsc::Sender<Observation>) {
        let slots = Arc::new(Semaphore::new(self.shared.settings.hosts));
        let mut tasks = JoinSet::new();
        for host in hosts {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
            if sink.is_closed() {
                break;
            }
            let (shared, sink) = (Arc::clone(&self.shared), sink.clone());
            tasks.spawn(async move {
                let _slot = slot;
                shared.host(&host, &sink).await;
            });
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
    }
}

impl Engine {
    /// Looks at all `buckets` and sends what it observes.
    pub async fn run_buckets(&self, buckets: Vec<BucketJob>, sink: mpsc::Sender<Observation>) {
        let Shared { dialer, guard, settings, progress, .. } = self.shared.as_ref();
        bucket::run(dialer, guard, settings, progress, buckets, sink).await;
    }
}

/// An endpoint of a host.
#[derive(Clone, Copy)]
struct Place<'a> {
    host: &'a Host,
    job: &'a Job,
}

/// What looking at one endpoint brought.
enum Outcome {
    Observed(Box<Observation>),
    /// Nothing listens there, and nobody asked for exactly this.
    Refused,
    /// No answer, and nobody asked for exactly this.
    Silent,
}

impl Shared {
    async fn host(&self, host: &Host, sink: &mpsc::Sender<Observation>) {
        let (answered, slots) = (&AtomicU64::new(0), &Semaphore::new(self.settings.per_host));
        futures_util::stream::iter(host.endpoints())
            .for_each_concurrent(self.settings.knocking, |job| async move {
                let looked = AssertUnwindSafe(self.endpoint(host, job.clone(), slots)).catch_unwind().await;
                let outcome = looked.unwrap_or_else(|_| self.broken(host, &job));
                self.progress.done.fetch_add(1, Ordering::Relaxed);
                if !matches!(outcome, Outcome::Silent) {
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                if let Outcome::Observed(observation) = outcome {
                    self.progress.open.fetch_add(u64::from(observation.verdict.is_open()), Ordering::Relaxed);
                    let _ = sink.send(*observation).await;
                }
            })
            .await;
        if host.asked && answered.load(Ordering::Relaxed) == 0 {
            let _ = sink.send(self.silent_host(host)).await;
        }
    }

    /// A mistake in this program must not make an endpoint disappear from the report.
    fn broken(&self, host: &Host, job: &Job) -> Outcome {
        Outcome::Observed(Box::new(self.observation(host, job, Verdict::Unknown, BROKEN.to_owned())))
    }

    /// A host that was asked for and answered at none of the ports tried.
    fn silent_host(&self, host: &Host) -> Observation {
        let job = Job { explicit: true, ..Job::default() };
        let reason = format!("no answer at any of {} ports", host.endpoint_count());
        let mut observation = self.observation(host, &job, Verdict::Unreachable, reason);
        observation.asset = Asset::at(&Address::Host(host.address.to_string()));
        observation.asset.name.clone_from(&host.name);
        observation
    }

    async fn endpoint(&self, host: &Host, job: Job, slots: &Semaphore) -> Outcome {
        let observed = |observation| Outcome::Observed(Box::new(observation));
        let permit = match self.guard.permit(SocketAddr::new(host.address, job.port)) {
            Ok(permit) => permit,
            Err(refusal) => {
                return observed(self.observation(
                    host,
                    &job,
                    Verdict::Unreachable,
                    format!("not dialled: {refusal}"),
                ));
            }
        };
        if self.vantage(host.address) == Vantage::Remote && !self.settings.jitter.is_zero() {
            let most = u64::try_from(self.settings.jitter.as_micros()).unwrap_or(0);
            tokio::time::sleep(Duration::from_micros(fastrand::u64(0..=most))).await;
        }
        let new_session =
            || Session::new(&self.dialer, permit, host.name.clone(), self.settings.deadline, DETECTION);
        let told = job.explicit || job.remembered;
        let swept = !told && job.bind.is_none();
        if swept {
            match new_session().connect_plain().await {
                Err(Error::Refused) => return Outcome::Refused,
                Err(Error::Unreachable(_)) => return Outcome::Silent,
                _ => {}
            }
        }
        let _slot = slots.acquire().await;
        let mut session = new_session();
        let place = Place { host, job: &job };
        match detect(&mut session, self.services, job.hint.unwrap_or(job.port), job.tls).await {
            Ok(found) => observed(self.judge(place, session, found).await),
            Err(Error::Refused) if told => observed(self.refused(place, session).await),
            Err(Error::Refused) => Outcome::Refused,
            Err(Error::Unreachable(why)) if told => {
                let reason = format!("no answer to the connection request ({why})");
                observed(self.observation(host, &job, Verdict::Unreachable, reason))
            }
            Err(Error::Unreachable(_)) => Outcome::Silent,
            Err(error) => observed(self.concluded(place, session, None, undecided(error))),
        }
    }

    /// A refusal is told after a second one: it may close a remembered door.
    async fn refused(&self, place: Place<'_>, mut session: Session) -> Observation {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (verdict, reason) = match session.connect_plain().await {
            Err(Error::Refused) => (Verdict::Closed, "connection refused, twice"),
            _ => (Verdict::Unknown, "refused once, accepted at the second try"),
        };
        self.observation(place.host, place.job, verdict, reason.to_owned())
    }

    async fn judge(&self, place: Place<'_>, mut session: Session, found: Found<'_>) -> Observation {
        // Half, so that a second way to ask is left when the first meets silence.
        session.patience = session.time_left() / 2;
        match found {
            Found::Service(service, mut opened) => {
                // Either connection may be kept; what is said over it from now on is the verdict's.
                session.rebudget(VERDICT, opened.conn.as_mut().or_else(|| opened.web.kept()));
                let judged = service.judge(&mut session, opened).await;
                let mut judgement = judged.unwrap_or_else(undecided);
                self.try_default(&mut session, service, &mut judgement).await;
                self.concluded(place, session, Some(service), judgement)
            }
            Found::Web(web, unasked) => {
                let judgement = judge_unknown(&mut session, web, unasked).await;
                let mut observation = self.concluded(place, session, None, judgement);
                observation.service = Some("http".to_owned());
                observation.product = Some("HTTP".to_owned());
                // Seen on nginx before a store.
                observation.proof = (observation.verdict == Verdict::Protected).then_some(Proof::Real);
                observation
            }
            Found::ClientCertificate => {
                let reason = "TLS demands a client certificate; what is behind it is not told";
                let mut observation =
                    self.concluded(place, session, None, Judgement::of(Verdict::Protected, reason));
                observation.service = Some("tls-client-certificate".to_owned());
                observation.proof = Some(Proof::Real);
                observation
            }
            Found::NotData(name) => self.named(place, session, name, "not a data service"),
            Found::OldTls => {
                let judgement = Judgement::of(Verdict::Unknown, Error::OldTls.to_string());
                self.concluded(place, session, None, judgement)
            }
            Found::Unidentified(what) => {
                self.concluded(place, session, None, Judgement::of(Verdict::Unidentified, what))
            }
        }
    }

    /// Tries the vendor's default login, when the user asked for it and nothing worse was found.
    async fn try_default(&self, session: &mut Session, service: &dyn Service, judgement: &mut Judgement) {
        let refused = judgement.worst().is_some_and(|worst| worst.verdict > Verdict::DefaultCredential);
        if !self.settings.try_defaults || !refused {
            return;
        }
        session.rebudget(VERDICT, None);
        session.patience = session.time_left() / 2;
        if let Some(tried) = service.try_default(session) {
            let surface = tried.await.unwrap_or_else(|error| {
                Surface::new("default login", Verdict::Unknown, format!("the default login: {error}"))
            });
            judgement.surfaces.push(surface);
        }
    }

    fn named(&self, place: Place<'_>, session: Session, name: &str, reason: &str) -> Observation {
        let mut observation = self.concluded(place, session, None, Judgement::of(Verdict::Unknown, reason));
        observation.service = Some(name.to_ascii_lowercase());
        observation.product = Some(name.to_owned());
        observation
    }

    fn concluded(
        &self,
        place: Place<'_>,
        mut session: Session,
        service: Option<&dyn Service>,
        judgement: Judgement,
    ) -> Observation {
        if !session.has_evidence() {
            let reason = judgement.worst().map_or("nothing", |worst| worst.reason.as_str()).to_owned();
            session.note("connected, and said the openings of the known protocols", reason, &[], false);
        }
        let (evidence, tls) = session.finish();
        let worst = judgement.worst().cloned();
        let worst =
            worst.unwrap_or_else(|| Surface::new("main", Verdict::Unknown, "no door was found to ask at"));
        let mut observation = self.observation(place.host, place.job, worst.verdict, worst.reason);
        observation.service = service.map(|service| service.about().id.to_owned());
        observation.product =
            judgement.product.or_else(|| service.map(|service| service.about().product.to_owned()));
        observation.proof =
            service.and_then(|service| proof_for(service, worst.verdict, judgement.version.as_deref()));
        // A server may tell any text, of any length.
        observation.version = judgement.version.map(|version| excerpt(version.as_bytes()));
        observation.surfaces = if judgement.surfaces.len() > 1 { judgement.surfaces } else { Vec::new() };
        observation.counts = judgement.counts;
        observation.ransom_names = judgement.ransom_names;
        observation.evidence = evidence;
        observation.tls = tls;
        observation
    }

    fn observation(&self, host: &Host, job: &Job, verdict: Verdict, reason: String) -> Observation {
        let ip = host.address;
        let mut asset = Asset::at(&Address::Tcp(SocketAddr::new(ip, job.port)));
        asset.name.clone_from(&host.name);
        asset.bind.clone_from(&job.bind);
        asset.process.clone_from(&job.process);
        let reach = job.reach.unwrap_or_else(|| reach_of(ip));
        let at = self.dialer.clock().now();
        Observation {
            explicit: job.explicit,
            ..Observation::new(asset, self.vantage(ip), reach, verdict, reason, at)
        }
    }

    fn vantage(&self, ip: IpAddr) -> Vantage {
        vantage_of(&self.guard, ip)
    }
}

/// From where an address is looked at.
pub(crate) fn vantage_of(guard: &Guard, ip: IpAddr) -> Vantage {
    match classify(ip) {
        AddressClass::Loopback => Vantage::Loopback,
        _ if guard.is_own(ip) => Vantage::Interface,
        _ => Vantage::Remote,
    }
}

/// Who can reach an address, as far as its class tells.
pub(crate) fn reach_of(ip: IpAddr) -> Reach {
    match classify(ip) {
        AddressClass::Loopback => Reach::Host,
        AddressClass::Private => Reach::Lan,
        AddressClass::Public => Reach::Internet,
        AddressClass::Unusable => Reach::Unknown,
    }
}

/// What an error before the verdict means. A demanded certificate is a demand; everything else is unknown.
pub(crate) fn undecided(error: Error) -> Judgement {
    match error {
        Error::ClientCertificate => Judgement::of(Verdict::Protected, error.to_string()),
        other => Judgement::of(Verdict::Unknown, other.to_string()),
    }
}
