//! Whole conversations: a service's probe talks to a server that answers whatever the input says.
//!
//! This is how the parsers are reached that a service keeps to itself (packets of MySQL, messages of PostgreSQL,
//! documents of MongoDB, ...). The first line of the input is the id of a service; then follows what the server sends on
//! each connection, divided by `%%%%` on a line of its own. Whatever it sends, the probe must end in time, must write
//! evidence that can be shown, and must ask for nothing but reads.
#![no_main]

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use model::Clock;
use net::{Dialer, Guard, Session, VERDICT};
use probe::{Opened, Opening, Service, registry};
use rustls::crypto::{CryptoProvider, ring};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

const DIVIDER: &[u8] = b"\n%%%%\n";
const TIME: Duration = Duration::from_secs(2);

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(ring::default_provider()));
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));

/// Sends a piece of the script on each connection and closes. Returns what it was sent, once dropped connections end.
async fn serve(listener: &TcpListener, script: Vec<Vec<u8>>, connections: &mut JoinSet<Vec<u8>>) {
    let mut script = script.into_iter();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, script.next().unwrap_or_default()));
    }
}

async fn answer(mut stream: TcpStream, piece: Vec<u8>) -> Vec<u8> {
    let mut sent = Vec::new();
    let (mut reader, mut writer) = stream.split();
    let write = async {
        let _ = writer.write_all(&piece).await;
        let _ = writer.shutdown().await;
    };
    let _ = tokio::join!(write, reader.read_to_end(&mut sent));
    sent
}

fn pieces(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while let Some(at) = bytes.windows(DIVIDER.len()).position(|window| window == DIVIDER) {
        pieces.push(bytes[..at].to_vec());
        bytes = &bytes[at + DIVIDER.len()..];
    }
    pieces.push(bytes.to_vec());
    pieces
}

/// Everything that an HTTP probe sends is a read, and nothing of it was written by the server.
fn only_reads(sent: &[u8]) {
    const HEADERS: [&str; 9] = [
        "Host",
        "User-Agent",
        "Accept",
        "Content-Type",
        "Content-Length",
        "Cookie",
        "kbn-xsrf",
        "osd-xsrf",
        "x-elastic-internal-origin",
    ];
    let text = std::str::from_utf8(sent).expect("requests are ASCII");
    let mut lines = text.split("\r\n");
    while let Some(line) = lines.next() {
        // A body of a named read stands on a line of its own, and the next request follows it at once.
        let line =
            line.strip_prefix(r#"{"key":"AA==","range_end":"AA==","count_only":true}"#).unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let words: Vec<&str> = line.split(' ').collect();
        let ["GET" | "HEAD" | "POST", path, "HTTP/1.1"] = words[..] else { panic!("not a read: {line:?}") };
        if line.starts_with("POST") {
            let console =
                path.contains("/api/console/proxy?path=%2F_cluster%2Fstats") && path.ends_with("&method=GET");
            assert!(console || path.ends_with("/kv/range"), "not a named read: {line:?}");
        }
        for header in lines.by_ref().take_while(|header| !header.is_empty()) {
            let name = header.split(':').next().unwrap_or_default();
            assert!(HEADERS.contains(&name), "who wrote this header? {header:?}");
        }
    }
}

/// The probe's side. Evidence must be fit to be shown.
async fn ask(service: &dyn Service, address: SocketAddr) {
    let dialer = Arc::new(Dialer::new(8, Arc::clone(&PROVIDER), Clock::System));
    let permit = Guard::new(Vec::new(), None, Clock::System.now()).permit(address).expect("loopback");
    let mut session = Session::new(&dialer, permit, None, TIME, VERDICT);
    let _ = service.judge(&mut session, Opened::default()).await;
    for exchange in session.finish().0 {
        for text in [&exchange.sent, &exchange.received] {
            assert!(text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{text:?}");
        }
    }
}

async fn talk(service: &dyn Service, script: Vec<Vec<u8>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut connections = JoinSet::new();
    tokio::select! {
        () = serve(&listener, script, &mut connections) => {}
        () = ask(service, address) => {}
    }
    while let Some(sent) = connections.join_next().await {
        if service.about().openings.contains(&Opening::Http) {
            only_reads(&sent.expect("the server does not panic"));
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let (id, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Some(service) = registry().iter().find(|service| service.about().id.as_bytes() == id) else { return };
    RUNTIME.block_on(talk(service.as_ref(), pieces(rest)));
});
