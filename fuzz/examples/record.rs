//! Records what real servers answer, as seeds of the target `conversation`.
//!
//! Every state of the test kit is started in a network namespace of its own, and each of its doors is asked once, through
//! a relay that writes down what the server sent. Needs root, and the servers of `scripts/install-test-servers.sh`:
//!
//! ```text
//! cargo run --manifest-path fuzz/Cargo.toml --example record -- FOLDER [PART-OF-A-STATE'S-NAME]...
//! ```

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{Clock, Observation};
use net::{Dialer, Guard, Session, VERDICT};
use probe::{Engine, Host, Job, Opened, Service, Settings, registry};
use rustls::crypto::ring;
use testkit::netns::Namespace;
use testkit::real::{self, Place, Running, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

const DIVIDER: &[u8] = b"\n%%%%\n";
const TIME: Duration = Duration::from_secs(8);

/// What the server sent, by connection.
type Tape = Arc<Mutex<Vec<Vec<u8>>>>;

fn dialer() -> Arc<Dialer> {
    Arc::new(Dialer::new(64, Arc::new(ring::default_provider()), Clock::System))
}

fn guard() -> Guard {
    Guard::new(Vec::new(), None, Clock::System.now())
}

/// What an audit says is there.
async fn seen(address: SocketAddr) -> Option<Observation> {
    let engine = Engine::new(dialer(), guard(), registry(), Settings::default());
    let job = Job { port: address.port(), explicit: true, ..Job::default() };
    let host =
        Host { address: address.ip(), name: None, jobs: vec![job], sweep: Vec::new().into(), asked: true };
    let (sink, mut observations) = mpsc::channel(8);
    engine.run(vec![host], sink).await;
    observations.recv().await
}

async fn relay(client: TcpStream, server: SocketAddr, tape: Tape, number: usize) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_server, mut to_server) = server.into_split();
    let (mut from_client, mut to_client) = client.into_split();
    let there = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    };
    let back = async {
        let mut chunk = [0; 8 << 10];
        while let Ok(length @ 1..) = from_server.read(&mut chunk).await {
            tape.lock().expect("nobody panics")[number].extend_from_slice(&chunk[..length]);
            if to_client.write_all(&chunk[..length]).await.is_err() {
                break;
            }
        }
        let _ = to_client.shutdown().await;
    };
    tokio::join!(there, back);
}

async fn relays(listener: TcpListener, server: SocketAddr, tape: Tape) {
    while let Ok((client, _)) = listener.accept().await {
        let number = {
            let mut tape = tape.lock().expect("nobody panics");
            tape.push(Vec::new());
            tape.len() - 1
        };
        tokio::spawn(relay(client, server, Arc::clone(&tape), number));
    }
}

/// Asks through a relay. Returns what was concluded, in words, and what the server sent.
async fn record(service: &dyn Service, server: SocketAddr, default: bool) -> Option<(String, Vec<Vec<u8>>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let permit = guard().permit(listener.local_addr().expect("an address")).expect("loopback");
    let tape = Tape::default();
    let relays = tokio::spawn(relays(listener, server, Arc::clone(&tape)));
    let mut session = Session::new(&dialer(), permit, None, TIME, VERDICT);
    session.patience = TIME / 2;
    let told = if default {
        let tried = service.try_default(&mut session)?.await;
        tried.map_or_else(
            |error| error.to_string(),
            |surface| format!("{} {}", surface.verdict, surface.reason),
        )
    } else {
        let judged = service.judge(&mut session, Opened::default()).await;
        judged.map_or_else(
            |error| error.to_string(),
            |judged| {
                judged.worst().map_or_else(String::new, |worst| format!("{} {}", worst.verdict, worst.reason))
            },
        )
    };
    relays.abort();
    let pieces = tape.lock().expect("nobody panics").clone();
    Some((told, pieces))
}

async fn door(folder: &Path, name: &str, address: SocketAddr) {
    let Some(seen) = seen(address).await else { return println!("{name}: not seen") };
    if seen.tls.is_some() {
        return println!("{name}: TLS, not recorded");
    }
    let service = seen.service.as_deref().unwrap_or_default();
    let Some(service) = registry().iter().find(|known| known.about().id == service) else {
        return println!("{name}: `{service}` is no service of the registry");
    };
    let id = service.about().id;
    for (default, first, file) in
        [(false, id.to_owned(), name.to_owned()), (true, format!("{id} default"), format!("{name}-default"))]
    {
        let Some((told, pieces)) = record(service.as_ref(), address, default).await else { continue };
        let seed = [first.as_bytes(), b"\n", &pieces.join(DIVIDER)].concat();
        println!("{file}: {id}, {} bytes, {} connections: {told}", seed.len(), pieces.len());
        std::fs::write(folder.join(file), seed).expect("the folder can be written");
    }
}

fn doors(folder: &Path, state: &State, namespace: &Namespace, running: &Running) {
    for (label, _) in state.expect {
        let Some(port) = running.port(label) else { continue };
        let address = SocketAddr::new(running.address.ip(), port);
        let name = if *label == "main" { state.name.to_owned() } else { format!("{}-{label}", state.name) };
        let work = || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(door(folder, &name, address));
        };
        namespace.inside(work).expect("the namespace can be entered");
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("usage: record FOLDER [PART-OF-A-STATE'S-NAME]...");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let parts: Vec<String> = arguments.collect();
    for state in real::states() {
        if state.expect.is_empty()
            || !(parts.is_empty() || parts.iter().any(|part| state.name.contains(part)))
        {
            continue;
        }
        let namespace = Namespace::new("record").expect("namespaces need root");
        let place = Place { netns: Some(namespace.name().to_owned()), ..Place::default() };
        match real::start_in(state.name, &place) {
            Ok(running) => doors(folder, state, &namespace, &running),
            Err(error) => println!(
                "{}: not started: {}",
                state.name,
                error.to_string().lines().next().unwrap_or_default()
            ),
        }
    }
}
