//! Records what real servers answer, as seeds of the targets `conversation` and `default_login`: into folders of these
//! names below FOLDER, which may be `fuzz/seeds`.
//!
//! Every state of the test kit is started in a network namespace of its own, and each of its doors is asked once, through
//! a relay that writes down what the server sent. Needs root, and the servers of `scripts/install-test-servers.sh`:
//!
//! ```text
//! cargo run --manifest-path fuzz/Cargo.toml --example record -- FOLDER [PART-OF-A-STATE'S-NAME]...
//! ```
//!
//! With `--transcripts` before the folder, the transcripts of the packs are recorded instead, as a server would answer so.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::Observation;
use model::pack::{Answer, ProbePack};
use net::{Session, VERDICT};
use probe::{Engine, Host, Job, Opened, PACK_FILES, Service, Settings, TableProbe, registry};
use testkit::netns::Namespace;
use testkit::real::{self, Place, Running, State};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use watertight_fuzz::stage;
use watertight_fuzz::tape::{Tape, relays, save};

const TIME: Duration = Duration::from_secs(8);

/// What an audit says is there.
async fn seen(address: SocketAddr) -> Option<Observation> {
    let engine = Engine::new(stage::dialer(), stage::guard(), registry(), Settings::default());
    let job = Job { port: address.port(), explicit: true, ..Job::default() };
    let host =
        Host { address: address.ip(), name: None, jobs: vec![job], sweep: Vec::new().into(), asked: true };
    let (sink, mut observations) = mpsc::channel(8);
    engine.run(vec![host], sink).await;
    observations.recv().await
}

/// Asks through a relay. Returns what was concluded, in words, and what the server sent.
async fn record(service: &dyn Service, server: SocketAddr, default: bool) -> Option<(String, Vec<Vec<u8>>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let permit = stage::guard().permit(listener.local_addr().expect("an address")).expect("loopback");
    let tape = Tape::default();
    let relays = tokio::spawn(relays(listener, server, Arc::clone(&tape)));
    let mut session = Session::new(&stage::dialer(), permit, None, TIME, VERDICT);
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
    for (default, target) in [(false, "conversation"), (true, "default_login")] {
        let Some((told, pieces)) = record(service.as_ref(), address, default).await else { continue };
        println!("{target} {name}: {id}, {} connections: {told}", pieces.len());
        save(&folder.join(target), name, id, &pieces);
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

/// The answer to a request, as one of a pack's transcripts has it.
fn told<'a>(pack: &ProbePack, answers: &'a BTreeMap<String, Answer>, path: &str) -> Option<&'a Answer> {
    let named = pack.exchanges.iter().find(|(_, exchange)| {
        let plain = exchange.get.as_deref() == Some(path) || exchange.head.as_deref() == Some(path);
        plain || exchange.try_paths.iter().any(|base| path.starts_with(base.as_str()))
    });
    answers.get(named?.0)
}

/// Answers one connection out of a transcript.
async fn tell(client: TcpStream, pack: &ProbePack, answers: &BTreeMap<String, Answer>) -> Option<()> {
    let mut client = tokio::io::BufReader::new(client);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        client.read_line(&mut line).await.ok()?;
        let (method, rest) = line.split_once(' ')?;
        let answer = told(pack, answers, rest.split_once(' ')?.0);
        loop {
            let mut header = String::new();
            client.read_line(&mut header).await.ok()?;
            if header.trim().is_empty() {
                break;
            }
            length = header
                .strip_prefix("Content-Length: ")
                .map_or(length, |text| text.trim().parse().unwrap_or(0));
        }
        client.read_exact(&mut vec![0; length]).await.ok()?;
        let mut text = format!("HTTP/1.1 {} -\r\n", answer.map_or(404, |answer| answer.status));
        let headers = answer.into_iter().flat_map(|answer| &answer.headers);
        for (name, value) in headers.filter(|(name, _)| !name.eq_ignore_ascii_case("content-length")) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = answer.map_or("", |answer| answer.body.as_str());
        text.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        if method != "HEAD" && answer.is_none_or(|answer| answer.status != 204) {
            text.push_str(body);
        }
        client.write_all(text.as_bytes()).await.ok()?;
    }
}

/// Records one transcript for each verdict of each pack.
async fn transcripts(folder: &Path, parts: &[String]) {
    for file in PACK_FILES.files() {
        let probe = TableProbe::parse(file.contents_utf8().expect("text")).expect("a pack");
        let pack = probe.pack();
        if !parts.is_empty() && !parts.contains(&pack.id) {
            continue;
        }
        let mut known = Vec::new();
        for transcript in &pack.transcripts {
            let Some(verdict) = transcript.expect.filter(|verdict| !known.contains(verdict)) else {
                continue;
            };
            known.push(verdict);
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
            let address = listener.local_addr().expect("an address");
            let serve = async {
                while let Ok((client, _)) = listener.accept().await {
                    let (pack, answers) = (pack.clone(), transcript.answers.clone());
                    tokio::spawn(async move { tell(client, &pack, &answers).await });
                }
            };
            let recorded = tokio::select! {
                () = serve => None,
                recorded = record(&probe, address, false) => recorded,
            };
            let Some((told, pieces)) = recorded else { continue };
            let name = format!("{}-{}", pack.id, verdict.to_string().to_lowercase().replace('_', "-"));
            println!("{name}, expected {verdict}: {told}");
            save(&folder.join("conversation"), &name, &pack.id, &pieces);
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let from_transcripts = arguments.next_if_eq("--transcripts").is_some();
    let folder = arguments.next().expect("usage: record [--transcripts] FOLDER [NAME]...");
    let folder = Path::new(&folder);
    let parts: Vec<String> = arguments.collect();
    if from_transcripts {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        return runtime.block_on(transcripts(folder, &parts));
    }
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
