//! A conversation with a server that says whatever the input says.
//!
//! An input is a line that says who asks, then what the server sends on each connection, divided by `%%%%` on a line of
//! its own. The server sends a piece as soon as a connection is there, and closes its side behind it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use model::{Clock, Exchange};
use net::{Dialer, Guard, Session, VERDICT};
use rustls::crypto::ring;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// What stands between the pieces of a script.
pub const DIVIDER: &[u8] = b"\n%%%%\n";
/// How long one conversation may take.
pub const TIME: Duration = Duration::from_secs(2);

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));
static DIALER: LazyLock<Arc<Dialer>> =
    LazyLock::new(|| Arc::new(Dialer::new(64, Arc::new(ring::default_provider()), Clock::System)));

/// The dialer of all conversations.
pub fn dialer() -> Arc<Dialer> {
    Arc::clone(&DIALER)
}

/// A guard that knows nothing but loopback.
pub fn guard() -> Guard {
    Guard::new(Vec::new(), None, Clock::System.now())
}

/// A session with the server.
pub fn session(address: SocketAddr) -> Session {
    let permit = guard().permit(address).expect("loopback");
    Session::new(&dialer(), permit, None, TIME, VERDICT)
}

/// The first line of an input, and what follows it.
pub fn first_line(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (&input[..end], input.get(end + 1..).unwrap_or_default())
}

/// The pieces of a script.
pub fn pieces(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while let Some(at) = bytes.windows(DIVIDER.len()).position(|window| window == DIVIDER) {
        pieces.push(bytes[..at].to_vec());
        bytes = &bytes[at + DIVIDER.len()..];
    }
    pieces.push(bytes.to_vec());
    pieces
}

/// Evidence must be fit to be shown.
pub fn can_be_shown(exchanges: &[Exchange]) {
    for exchange in exchanges {
        for text in [&exchange.sent, &exchange.received] {
            assert!(text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{text:?}");
        }
    }
}

/// Another address of loopback each time: millions of conversations would use up the ports of one.
fn free_address() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let [_, b, c, d] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    IpAddr::from(Ipv4Addr::new(127, b, c, d.clamp(1, 254)))
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

async fn serve(listener: &TcpListener, script: Vec<Vec<u8>>, connections: &mut JoinSet<Vec<u8>>) {
    let mut script = script.into_iter();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, script.next().unwrap_or_default()));
    }
}

/// Plays a script to whoever asks. Returns what the server was sent over each connection, once `ask` has ended.
pub fn play(script: Vec<Vec<u8>>, ask: impl AsyncFnOnce(SocketAddr)) -> Vec<Vec<u8>> {
    RUNTIME.block_on(async {
        let listener = TcpListener::bind((free_address(), 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut connections = JoinSet::new();
        tokio::select! {
            () = serve(&listener, script, &mut connections) => {}
            () = ask(address) => {}
        }
        connections.join_all().await
    })
}
