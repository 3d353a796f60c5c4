//! Writes down what a real server sends, for seeds.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stage;

/// What the server sent, by connection.
pub type Tape = Arc<Mutex<Vec<Vec<u8>>>>;

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

/// Passes connections on to a server, and writes down what it sends over each.
pub async fn relays(listener: TcpListener, server: SocketAddr, tape: Tape) {
    while let Ok((client, _)) = listener.accept().await {
        let number = {
            let mut tape = tape.lock().expect("nobody panics");
            tape.push(Vec::new());
            tape.len() - 1
        };
        tokio::spawn(relay(client, server, Arc::clone(&tape), number));
    }
}

/// Writes a seed: the first line, then what was sent on each connection.
pub fn save(folder: &Path, name: &str, first_line: &str, pieces: &[Vec<u8>]) {
    let seed = [first_line.as_bytes(), b"\n", &pieces.join(stage::DIVIDER)].concat();
    std::fs::create_dir_all(folder).expect("the folder can be made");
    std::fs::write(folder.join(name), seed).expect("the folder can be written");
}
