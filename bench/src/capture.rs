//! Records what the real servers answer to `watertight audit`, through a proxy on loopback.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use testkit::real;

use crate::states::{Door, captured};
use crate::told::told;
use crate::transcript::{Conversation, Exchange, Script, Then, key, load, save};

/// Where the proxy listens: an address that no server of this machine uses.
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 66, 6, 6);
/// A port that is no hint.
const ODD_PORT: u16 = 21847;
/// The longest recorded connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// Something that one side of a connection did.
enum Event {
    Sent(Vec<u8>),
    Answered(Vec<u8>),
    ServerEnded(Then),
    ClientEnded,
}

type Log = Arc<Mutex<Vec<Event>>>;

/// How long a server may think about first words that are not its own protocol's.
const THINKING: Duration = Duration::from_millis(1500);

/// How many first words are said to a server at the same time.
const TOGETHER: usize = 8;

/// Starts every captured state, audits it through the proxy at a port that is no hint and at its usual port,
/// and writes what was said to `folder`. Then says to each server the first words that any of the others was
/// told, so that the order in which a prober tries them does not matter to the replay.
///
/// # Errors
/// A server or the program cannot be started, or a file not be written.
pub fn run(program: &Path, folder: &Path, only: Option<&str>) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    with_servers(only, |door, port| {
        let mut conversation = record(program, door, port, ODD_PORT)?;
        conversation.extend(record(program, door, port, door.port)?);
        save(folder, &door.name(), &conversation)
    })?;
    let mut openings: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for door in captured() {
        let conversation = load(folder, &door.name())?;
        let first =
            conversation.iter().filter_map(|connection| connection.iter().find(|one| !one.sent.is_empty()));
        openings.extend(first.map(|exchange| (key(&exchange.sent), exchange.sent.clone())));
    }
    with_servers(only, |door, port| {
        let mut conversation = load(folder, &door.name())?;
        let script = Script::of(&conversation);
        let unknown: Vec<&Vec<u8>> = openings.values().filter(|one| script.reply(one).is_none()).collect();
        for some in unknown.chunks(TOGETHER) {
            conversation.extend(say_all(port, some)?);
        }
        save(folder, &door.name(), &conversation)
    })
}

/// Runs a function for every captured door while its server runs.
fn with_servers(only: Option<&str>, mut each: impl FnMut(&Door, u16) -> io::Result<()>) -> io::Result<()> {
    let mut running: Option<real::Running> = None;
    for door in captured().iter().filter(|door| only.is_none_or(|name| door.state.name == name)) {
        if running.as_ref().is_none_or(|running| running.state != door.state.name) {
            // The one before ends first: some take much memory.
            drop(running.take());
            running = Some(real::start(door.state.name).map_err(io::Error::other)?);
        }
        let address = running.as_ref().and_then(|running| door.address_in(running));
        let port = address.map(|address| address.port());
        each(door, port.ok_or_else(|| io::Error::other(format!("{} has no such port", door.name())))?)?;
    }
    Ok(())
}

/// Says each of some words to a server on a connection of its own, at the same time.
fn say_all(port: u16, words: &[&Vec<u8>]) -> io::Result<Conversation> {
    thread::scope(|scope| {
        let threads: Vec<_> = words.iter().map(|words| scope.spawn(|| say(port, words))).collect();
        let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|said| said.map_err(|_| io::Error::other("a thread failed"))?).collect()
    })
}

/// Says some words to a server and notes what comes back.
fn say(port: u16, words: &[u8]) -> io::Result<Vec<Exchange>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let mut buffer = [0; 64 * 1024];
    let mut exchanges = Vec::new();
    // A server that speaks first does so at once.
    stream.set_read_timeout(Some(THINKING / 4))?;
    if let Ok(count @ 1..) = stream.read(&mut buffer) {
        let greeting = buffer.get(..count).unwrap_or_default().to_vec();
        exchanges.push(Exchange { sent: Vec::new(), answered: greeting, then: Then::Kept });
    }
    stream.set_read_timeout(Some(THINKING))?;
    stream.write_all(words)?;
    let mut answered = Vec::new();
    let then = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break Then::Closed,
            Ok(count) => answered.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break Then::Reset,
            Err(_) => break Then::Kept,
        }
    };
    exchanges.push(Exchange { sent: words.to_vec(), answered, then });
    Ok(exchanges)
}

fn record(program: &Path, door: &Door, upstream: u16, port: u16) -> io::Result<Conversation> {
    let listener = TcpListener::bind((PROXY, port))?;
    let proxy = listener.local_addr()?;
    let upstream = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, upstream));
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let acceptor = thread::spawn(move || accept(&listener, upstream, &stopped));
    let mut command = Command::new(program);
    command.args(["audit", "--quiet", "--no-state", "-o", "ndjson", &proxy.to_string()]);
    let output = command.output()?;
    stop.store(true, Ordering::SeqCst);
    drop(TcpStream::connect(proxy)?);
    let logs = acceptor.join().map_err(|_| io::Error::other("the proxy failed"))?;
    // The servers' last words may still be on their way.
    thread::sleep(Duration::from_millis(300));
    let conversation: Conversation = logs
        .iter()
        .map(|log| exchanges(&std::mem::take(&mut *locked(log))))
        .filter(|c| !c.is_empty())
        .collect();
    let said = String::from_utf8_lossy(&output.stdout);
    let right = told(&said).get(&proxy).is_some_and(|told| told.is_right(door));
    let right = if right { "as expected" } else { "NOT as expected" };
    println!(
        "{:<28} port {port:<5} {:>2} connections, {} {right}",
        door.name(),
        conversation.len(),
        door.expected
    );
    Ok(conversation)
}

fn accept(listener: &TcpListener, upstream: SocketAddr, stop: &AtomicBool) -> Vec<Log> {
    let mut logs = Vec::new();
    for client in listener.incoming().flatten() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let log = Log::default();
        logs.push(Arc::clone(&log));
        thread::spawn(move || relay(&client, upstream, &log));
    }
    logs
}

fn locked(log: &Log) -> std::sync::MutexGuard<'_, Vec<Event>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn relay(client: &TcpStream, upstream: SocketAddr, log: &Log) {
    let Ok(server) = TcpStream::connect(upstream) else { return };
    let _ = (client.set_read_timeout(Some(PATIENCE)), server.set_read_timeout(Some(PATIENCE)));
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    thread::scope(|scope| {
        scope.spawn(|| {
            pump(client, &server, |bytes| locked(log).push(Event::Sent(bytes)));
            locked(log).push(Event::ClientEnded);
            let _ = server.shutdown(Shutdown::Write);
        });
        let ended = pump(&server, client, |bytes| locked(log).push(Event::Answered(bytes)));
        locked(log).push(Event::ServerEnded(ended));
        let _ = client.shutdown(Shutdown::Write);
    });
}

/// Copies until the end, and says how it ended.
fn pump(mut from: &TcpStream, mut to: &TcpStream, note: impl Fn(Vec<u8>)) -> Then {
    let mut buffer = [0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Then::Closed,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                // Noted before it is passed on: the answer to it must not be noted first.
                note(bytes.to_vec());
                if to.write_all(bytes).is_err() {
                    return Then::Kept;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Then::Reset,
            Err(_) => return Then::Kept,
        }
    }
}

/// Orders what happened into questions and answers. What the server does after the client has left does not count.
fn exchanges(events: &[Event]) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut may_grow = false;
    for event in events {
        match event {
            Event::Sent(bytes) => {
                match exchanges.last_mut() {
                    Some(last) if may_grow => last.sent.extend_from_slice(bytes),
                    _ => exchanges.push(Exchange {
                        sent: bytes.clone(),
                        answered: Vec::new(),
                        then: Then::Kept,
                    }),
                }
                may_grow = true;
            }
            Event::Answered(bytes) => {
                if exchanges.is_empty() {
                    exchanges.push(Exchange { sent: Vec::new(), answered: Vec::new(), then: Then::Kept });
                }
                if let Some(last) = exchanges.last_mut() {
                    last.answered.extend_from_slice(bytes);
                }
                may_grow = false;
            }
            Event::ClientEnded => break,
            Event::ServerEnded(then) => {
                if let Some(last) = exchanges.last_mut() {
                    last.then = *then;
                }
            }
        }
    }
    exchanges
}
