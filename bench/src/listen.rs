//! Ten thousand servers in one process: each on an address of its own in 127/8, each playing back what a real
//! server said. A part of them are tarpits, which accept and never answer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use crate::states::{Door, captured};
use crate::transcript::{Reply, Script, Then, load};

/// The network of the emulated hosts: 127.80.0.0/16.
const NETWORK: [u8; 2] = [127, 80];
/// No connection is kept longer than this.
const LIFETIME: Duration = Duration::from_secs(90);
/// How long an unknown request may grow into a known one.
const GROWTH: Duration = Duration::from_secs(3);
/// One endpoint in so many is a tarpit.
const TARPIT_EVERY: usize = 10;

/// What is emulated.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// How many endpoints.
    pub count: usize,
    /// Whether a tenth of them are tarpits.
    pub tarpits: bool,
    /// The port of all of them; none: the usual port of each service.
    pub port: Option<u16>,
}

/// One emulated endpoint; no door: a tarpit.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddrV4,
    /// What it plays.
    pub door: Option<&'static Door>,
}

impl Field {
    /// All endpoints: the doors take turns, and the tarpits are spread evenly.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let doors = captured();
        let mut turns = doors.iter().cycle();
        let mut endpoints = Vec::with_capacity(self.count);
        for index in 1..=self.count {
            let tarpit = self.tarpits && index.is_multiple_of(TARPIT_EVERY);
            let door = if tarpit { None } else { turns.next() };
            let hint = door.or_else(|| doors.first()).map_or(0, |door| door.port);
            let [_, _, high, low] = u32::try_from(index).unwrap_or_default().to_be_bytes();
            let [first, second] = NETWORK;
            let ip = Ipv4Addr::new(first, second, high, low);
            endpoints.push(Endpoint { address: SocketAddrV4::new(ip, self.port.unwrap_or(hint)), door });
        }
        endpoints
    }
}

/// What happened, told at the end.
#[derive(Debug, Default)]
struct Tally {
    connections: Cell<u64>,
    requests: Cell<u64>,
    unknown: Cell<u64>,
    first: Cell<Option<Instant>>,
    last: Cell<Option<Instant>>,
    examples: RefCell<HashMap<String, String>>,
}

impl Tally {
    fn unknown(&self, door: &Door, request: &[u8]) {
        self.unknown.set(self.unknown.get() + 1);
        let shown = request.get(..120).unwrap_or(request).escape_ascii().to_string();
        self.examples.borrow_mut().entry(door.name()).or_insert(shown);
    }

    fn report(&self) -> String {
        let span = self.first.get().zip(self.last.get()).map(|(first, last)| last.duration_since(first));
        json!({
            "connections": self.connections.get(),
            "requests": self.requests.get(),
            "unknown_requests": self.unknown.get(),
            "seconds_from_first_connection_to_last_answer": span.unwrap_or_default().as_secs_f64(),
            "examples": *self.examples.borrow(),
        })
        .to_string()
    }
}

/// Listens until standard input ends. Prints `ready` when all listen, and a tally at the end.
///
/// # Errors
/// A capture is missing, or the system allows too few open files.
pub fn run(field: &Field, folder: &Path) -> io::Result<()> {
    raise_file_limit()?;
    let mut scripts = HashMap::new();
    for door in captured() {
        scripts.insert(door.name(), Rc::new(Script::of(&load(folder, &door.name())?)));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, serve(field, &scripts))
}

fn raise_file_limit() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

async fn serve(field: &Field, scripts: &HashMap<String, Rc<Script>>) -> io::Result<()> {
    let tally = Rc::new(Tally::default());
    for endpoint in field.endpoints() {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(endpoint.address.into())?;
        let listener = socket.listen(64)?;
        let script = endpoint.door.and_then(|door| Some((door, Rc::clone(scripts.get(&door.name())?))));
        spawn_local(accept(listener, script, Rc::clone(&tally)));
    }
    println!("ready");
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
    println!("{}", tally.report());
    Ok(())
}

async fn accept(listener: TcpListener, script: Option<(&'static Door, Rc<Script>)>, tally: Rc<Tally>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: wait until some are free.
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        tally.connections.set(tally.connections.get() + 1);
        if tally.first.get().is_none() {
            tally.first.set(Some(Instant::now()));
        }
        let (script, tally) = (script.clone(), Rc::clone(&tally));
        spawn_local(async move {
            let visit = async {
                match script {
                    Some((door, script)) => play(stream, door, &script, &tally).await,
                    None => swallow(stream).await,
                }
            };
            let _ = timeout(LIFETIME, visit).await;
        });
    }
}

/// A tarpit: reads until the visitor has had enough.
async fn swallow(mut stream: TcpStream) {
    let mut buffer = [0; 512];
    while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
}

/// A visitor who leaves is the end, whatever was still to be said.
async fn play(mut stream: TcpStream, door: &'static Door, script: &Script, tally: &Tally) {
    let _ = stream.set_nodelay(true);
    if !script.greeting.is_empty() && stream.write_all(&script.greeting).await.is_err() {
        return;
    }
    let mut pending = Vec::with_capacity(512);
    let mut growing = false;
    loop {
        let read = stream.read_buf(&mut pending);
        let came = if growing { timeout(GROWTH, read).await } else { Ok(read.await) };
        match came {
            Ok(Ok(1..)) => {}
            Ok(_) => return,
            Err(_) => {
                tally.unknown(door, &pending);
                return;
            }
        }
        let reply = script.reply(&pending);
        // Something has come that is no request yet: a part of one, or one that nobody recorded.
        growing = reply.is_none();
        // To some words the real server said nothing; with more words they may be a request.
        let Some(reply) = reply.filter(|reply| !reply.bytes.is_empty() || reply.then != Then::Kept) else {
            continue;
        };
        tally.requests.set(tally.requests.get() + 1);
        if !answer(&mut stream, reply, &pending, tally).await {
            return;
        }
        pending.clear();
    }
}

/// Answers; returns whether the connection stays.
async fn answer(stream: &mut TcpStream, reply: &Reply, request: &[u8], tally: &Tally) -> bool {
    let written = if reply.number {
        let mut bytes = reply.bytes.clone();
        if let (Some(place), Some(number)) = (bytes.get_mut(8..12), request.get(4..8)) {
            place.copy_from_slice(number);
        }
        stream.write_all(&bytes).await
    } else {
        stream.write_all(&reply.bytes).await
    };
    tally.last.set(Some(Instant::now()));
    if reply.then == Then::Reset {
        let _ = stream.set_zero_linger();
    }
    written.is_ok() && reply.then == Then::Kept
}
