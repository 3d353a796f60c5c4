//! From what the user asks for to what is dialled, everything checked before anything is sent.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use inventory::Remembered;
use ipnet::IpNet;
use jiff::Timestamp;
use miette::Diagnostic;
use model::{Address, Asset, Bucket, Observation, Reach, RecordType, Vantage, Verdict};
use net::{Guard, Refusal};
use probe::{BucketJob, Host, Job};
use thiserror::Error;

use crate::reading::Source;
use crate::target::{HostName, Target};

/// What will be dialled.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The hosts, each address once.
    pub(crate) hosts: Vec<Host>,
    /// Where in `hosts` an address is.
    index: HashMap<IpAddr, usize>,
    /// What is known without dialling: names that do not resolve.
    pub(crate) observations: Vec<Observation>,
    /// The buckets, each once.
    pub(crate) buckets: Vec<BucketJob>,
    /// The stores and files whose data are read, each once, in the order in which they were named.
    pub(crate) sources: Vec<Source>,
}

/// Targets that may not be dialled.
#[derive(Debug, Error, Diagnostic)]
#[error("{}", self.text())]
#[diagnostic(help("{}", self.remedy()))]
pub(crate) struct OutOfScope(Vec<(String, Refusal)>);

impl OutOfScope {
    fn text(&self) -> String {
        let shown: Vec<String> =
            self.0.iter().take(5).map(|(target, why)| format!("target `{target}`: {why}")).collect();
        let more = self.0.len().saturating_sub(shown.len());
        let more = if more > 0 { format!("\n... and {more} more") } else { String::new() };
        format!("{}{more}\nnothing was sent", shown.join("\n"))
    }

    fn remedy(&self) -> &'static str {
        match self.0.first() {
            Some((_, Refusal::Metadata(_) | Refusal::Unusable(_))) => "leave this target out",
            Some((_, Refusal::BucketNotInScope(_))) => {
                "buckets are authorised by name: a [scope] with authorised_by, until and buckets = [\"oss://NAME\"], in a file \
                 named with --config or in the watertight.toml of your own configuration folder"
            }
            Some((_, Refusal::ScopeEnded { .. } | Refusal::BucketScopeEnded { .. })) => {
                "renew the authorisation: `until` in [scope]"
            }
            _ => {
                "public addresses need an authorisation: a [scope] with authorised_by, until and networks, in a file named \
                 with --config or in the watertight.toml of your own configuration folder"
            }
        }
    }
}

/// A name with its addresses.
struct Resolved {
    text: String,
    name: Option<String>,
    addresses: Vec<IpAddr>,
}

async fn resolve(host: &HostName) -> Resolved {
    match host {
        HostName::Address(address) => {
            Resolved { text: address.to_string(), name: None, addresses: vec![*address] }
        }
        HostName::Name(name) => {
            let addresses = net::lookup(name).await;
            Resolved { text: name.clone(), name: Some(name.clone()), addresses }
        }
    }
}

impl Plan {
    /// Plans the targets, names their addresses to the guard, and checks every one against it.
    ///
    /// # Errors
    /// When one of them may not be dialled.
    pub(crate) async fn of_targets(
        targets: &[Target],
        ports: &Arc<[u16]>,
        guard: &mut Guard,
        now: Timestamp,
    ) -> Result<Self, OutOfScope> {
        let mut plan = Self::default();
        let mut refused = Vec::new();
        for target in targets {
            match target {
                Target::Network(network) => {
                    guard.name(*network);
                    for address in network.hosts() {
                        plan.add(guard, &mut refused, &network.to_string(), address, |host| {
                            host.sweep = Arc::clone(ports)
                        });
                    }
                }
                Target::Bucket(bucket) => plan.bucket(bucket, guard, &mut refused).await,
                Target::Host(host) => {
                    let resolved = plan.resolved(host, None, guard, now).await;
                    for address in resolved.addresses {
                        plan.add(guard, &mut refused, &resolved.text, address, |host| {
                            host.sweep = Arc::clone(ports);
                            host.asked = true;
                            host.name.clone_from(&resolved.name);
                        });
                    }
                }
                Target::Path(path) => plan.source(Source::Path(path.clone())),
                Target::Input => plan.source(Source::Input),
                Target::Endpoint { host, port, tls, hint, store } => {
                    let resolved = plan.resolved(host, Some(*port), guard, now).await;
                    if let Some(url) = store {
                        let addresses =
                            resolved.addresses.iter().map(|ip| SocketAddr::new(*ip, *port)).collect();
                        plan.source(Source::Store {
                            url: url.clone(),
                            name: resolved.name.clone(),
                            addresses,
                        });
                    }
                    for address in resolved.addresses {
                        plan.add(guard, &mut refused, &resolved.text, address, |host| {
                            host.name.clone_from(&resolved.name);
                            host.jobs.retain(|job| job.port != *port);
                            host.jobs.push(Job {
                                port: *port,
                                explicit: true,
                                tls: *tls,
                                hint: *hint,
                                ..Job::default()
                            });
                        });
                    }
                }
            }
        }
        if refused.is_empty() { Ok(plan) } else { Err(OutOfScope(refused)) }
    }

    fn source(&mut self, source: Source) {
        if !self.sources.contains(&source) {
            self.sources.push(source);
        }
    }

    /// A bucket out of scope is not even looked up: its name would be told to the resolver.
    async fn bucket(&mut self, bucket: &Bucket, guard: &Guard, refused: &mut Vec<(String, Refusal)>) {
        let out_of_scope = bucket.endpoint().is_none().then(|| guard.names_bucket(bucket).err()).flatten();
        if let Some(refusal) = out_of_scope {
            refused.push((bucket.to_string(), refusal));
            return;
        }
        let host = bucket.host();
        let port = bucket.endpoint().map_or(443, |endpoint| endpoint.port);
        let addresses = net::lookup(&host).await;
        let refusals = addresses
            .iter()
            .filter_map(|ip| guard.permit_bucket(bucket, &host, SocketAddr::new(*ip, port)).err());
        let before = refused.len();
        refused.extend(refusals.map(|refusal| (bucket.to_string(), refusal)));
        // The same bucket may be named twice; an object that the user knows is the better question.
        let text = bucket.to_string();
        let known = self.buckets.iter_mut().find(|job| job.bucket.to_string() == text);
        match known {
            _ if refused.len() > before => {}
            Some(job) if job.bucket.key().is_none() => job.bucket = bucket.clone(),
            Some(_) => {}
            None => {
                if discover::store::open::is_readable(bucket) {
                    self.source(Source::Bucket(bucket.clone()));
                }
                self.buckets.push(BucketJob { bucket: bucket.clone(), addresses });
            }
        }
    }

    async fn resolved(
        &mut self,
        host: &HostName,
        port: Option<u16>,
        guard: &mut Guard,
        now: Timestamp,
    ) -> Resolved {
        let resolved = resolve(host).await;
        for address in &resolved.addresses {
            guard.name(IpNet::from(*address));
        }
        if resolved.addresses.is_empty() {
            let address = match port {
                Some(port) => Address::Name(resolved.text.clone(), port),
                None => Address::Host(resolved.text.clone()),
            };
            self.observations.push(unresolved(&address, now));
        }
        resolved
    }

    fn add(
        &mut self,
        guard: &Guard,
        refused: &mut Vec<(String, Refusal)>,
        target: &str,
        address: IpAddr,
        complete: impl FnOnce(&mut Host),
    ) {
        if let Err(refusal) = guard.permit(SocketAddr::new(address, 1)) {
            refused.push((target.to_owned(), refusal));
            return;
        }
        let at = *self.index.entry(address).or_insert_with(|| {
            self.hosts.push(Host { address, name: None, jobs: Vec::new(), sweep: [].into(), asked: false });
            self.hosts.len() - 1
        });
        if let Some(host) = self.hosts.get_mut(at) {
            complete(host);
        }
    }

    /// With the open doors that are remembered at the hosts of this plan: they are dialled again.
    pub(crate) fn recalling(mut self, doors: &[Remembered]) -> Self {
        for door in doors.iter().filter(|door| door.record.kind == RecordType::Exposure) {
            let address = door
                .record
                .asset
                .address
                .strip_prefix("tcp://")
                .and_then(|text| text.parse::<SocketAddr>().ok());
            let Some(address) = address else { continue };
            // Only a host that is swept was asked for as a whole.
            let host = self.index.get(&address.ip()).and_then(|at| self.hosts.get_mut(*at));
            if let Some(host) = host.filter(|host| !host.sweep.is_empty())
                && !host.jobs.iter().any(|job| job.port == address.port())
            {
                host.jobs.push(Job { port: address.port(), remembered: true, ..Job::default() });
            }
        }
        self
    }

    /// A plan for this machine: its listeners, and what is known of it without dialling.
    pub(crate) fn of_machine(hosts: Vec<Host>, observations: Vec<Observation>) -> Self {
        Self { hosts, observations, ..Self::default() }
    }

    /// How many endpoints and buckets will be asked.
    pub(crate) fn endpoints(&self) -> u64 {
        let endpoints: u64 = self.hosts.iter().map(|host| host.endpoint_count() as u64).sum();
        endpoints + self.buckets.len() as u64
    }
}

fn unresolved(address: &Address, now: Timestamp) -> Observation {
    let (verdict, reason) = (Verdict::Unreachable, "the name does not resolve");
    let asset = Asset::at(address);
    Observation {
        explicit: true,
        ..Observation::new(asset, Vantage::Remote, Reach::Unknown, verdict, reason, now)
    }
}

/// A name may have several addresses (`localhost` has two). What was asked for is the service: where one address
/// answers, a refusal at another leaves nothing undecided.
pub(crate) fn settle_names(observations: &mut [Observation]) {
    let silent = |seen: &Observation| matches!(seen.verdict, Verdict::Closed | Verdict::Unreachable);
    let place = |seen: &Observation| {
        let port = seen.asset.address.rsplit_once(':').map(|(_, port)| port.to_owned())?;
        Some((seen.asset.name.clone()?, port))
    };
    let answered: HashSet<_> = observations.iter().filter(|seen| !silent(seen)).filter_map(place).collect();
    for seen in observations.iter_mut().filter(|seen| silent(seen)) {
        seen.explicit &= place(seen).is_none_or(|place| !answered.contains(&place));
    }
}

/// Doors of this machine that are remembered as open and whose listener is gone: positive evidence that they are
/// closed, because the table of this network namespace is complete.
pub(crate) fn gone_from_here(
    doors: &[Remembered],
    origin: &str,
    still_there: &[String],
    now: Timestamp,
) -> Vec<Observation> {
    doors
        .iter()
        .filter(|door| door.record.kind == RecordType::Exposure && door.origin.as_deref() == Some(origin))
        .filter(|door| !still_there.contains(&door.record.asset.address))
        .map(|door| {
            let record = &door.record;
            let reason = "nothing listens there any more";
            Observation::new(record.asset.clone(), record.vantage, record.reach, Verdict::Closed, reason, now)
        })
        .collect()
}
