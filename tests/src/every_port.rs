//! Misbehaving servers in the place of every service that is known: none of them may earn a verdict.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, Observation, Verdict};
use net::{Dialer, Guard, open_file_allowance, own_addresses};
use probe::{Engine, Host, Job, Settings, registry};
use testkit::emulator::Emulator;
use testkit::hostile::Hostile;

/// Time for everything that is said to one endpoint.
const DEADLINE: Duration = Duration::from_secs(3);

/// Looks at `server` once for each usual port, as if it were there.
fn host(server: &Emulator, ports: &[u16]) -> Host {
    let job =
        |hint: &u16| Job { port: server.address.port(), explicit: true, hint: Some(*hint), ..Job::default() };
    Host {
        address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        name: None,
        jobs: ports.iter().map(job).collect(),
        sweep: Arc::from([]),
        asked: false,
    }
}

/// The first usual port of each service: its openings are tried there first.
fn first_ports() -> Vec<u16> {
    let ports = registry().iter().filter_map(|service| service.about().ports.first().copied());
    ports.collect::<BTreeSet<u16>>().into_iter().collect()
}

fn look(hosts: Vec<Host>) -> Vec<Observation> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    runtime.block_on(async {
        let guard = Guard::new(own_addresses(), None, Clock::System.now());
        let dialer = Arc::new(Dialer::new(open_file_allowance(), provider, Clock::System));
        let settings = Settings {
            deadline: DEADLINE,
            per_host: 64,
            knocking: 64,
            try_defaults: true,
            ..Settings::default()
        };
        let engine = Engine::new(dialer, guard, registry(), settings);
        let (sink, mut source) = tokio::sync::mpsc::channel(1024);
        let run = tokio::spawn(async move { engine.run(hosts, sink).await });
        let mut observations = Vec::new();
        while let Some(observation) = source.recv().await {
            observations.push(observation);
        }
        run.await.unwrap();
        observations
    })
}

#[test]
fn no_misbehaving_server_earns_a_verdict_at_any_usual_port() {
    let elsewhere = Emulator::serve(|_| Ok(())).unwrap();
    let ports = first_ports();
    // What only sends without end is tested once, elsewhere: here it would take minutes.
    let floods = [Hostile::EndlessHeader, Hostile::EndlessBody, Hostile::ManyLines, Hostile::GzipBomb];
    for kind in Hostile::all(elsewhere.address).into_iter().filter(|kind| !floods.contains(kind)) {
        let server = kind.start().unwrap();
        let observations = look(vec![host(&server, &ports)]);
        assert_eq!(observations.len(), ports.len(), "{kind:?}: an endpoint was lost");
        for observation in observations {
            // A node of a Redis cluster: it does answer the question about a key, with a redirection.
            let earned = matches!(kind, Hostile::RedisMoved(_)) && observation.verdict == Verdict::Open;
            assert!(
                earned || !observation.verdict.is_open() && !observation.verdict.is_shut(),
                "{kind:?}: {:?} {} {}",
                observation.service,
                observation.verdict,
                observation.reason
            );
            assert!(!observation.reason.contains("internal error"), "{kind:?}: {}", observation.reason);
        }
    }
    assert_eq!(elsewhere.connections(), 0, "a redirect or a proposed address was followed");
}
