//! How the kit itself talks to a server that it started: to see that it is ready, and to put content into it.
//!
//! No more than that needs: one request per connection, whole answers, short deadlines.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::Launch;
use crate::process::{Account, command};

/// An answer longer than this is no answer that the kit waits for.
const MOST: u64 = 1 << 20;
/// How much of an unexpected answer an error shows.
const SHOWN: usize = 600;
/// A server that is ready answers within this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bash as a client inside a namespace: file 3 is the connection.
const RELAY: &str = r#"exec 3<>"/dev/tcp/$0/$1" 4<&0; cat <&4 >&3 4<&- & exec cat <&3 4<&-"#;

/// What can be both read and written.
pub(super) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A connection into a namespace, carried by a process inside it.
///
/// Entering a namespace needs a system call that this crate does not have (`setns`).
struct Relay {
    process: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Read for Relay {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.read(buffer)
    }
}

impl Write for Relay {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.input.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.flush()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.process.id()) {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = self.process.wait();
    }
}

/// An answer to an HTTP request.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status code.
    pub(super) status: u16,
    /// Headers and body as they came.
    pub(super) text: String,
}

impl Answer {
    /// Holds an answer against what a ready server says.
    pub(super) fn expect(self, status: u16, part: &str) -> io::Result<Self> {
        if self.status == status && self.text.contains(part) {
            return Ok(self);
        }
        let beginning: String = self.text.chars().take(SHOWN).collect();
        Err(io::Error::other(format!("wanted {status} with {part:?}, got: {beginning}")))
    }
}

/// Who the client believes over TLS, and as whom it shows itself.
#[derive(Debug, Clone)]
pub(super) struct Trust {
    /// The authority's certificate.
    pub(super) authority: PathBuf,
    /// The client's own certificate and key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

/// One HTTP request to come.
#[derive(Debug, Clone, Default)]
pub(super) struct Request<'a> {
    /// As in the request line.
    pub(super) method: &'a str,
    /// With its query.
    pub(super) path: &'a str,
    /// JSON unless it starts with no brace; then a form.
    pub(super) body: &'a str,
    /// The value of `Authorization`.
    pub(super) login: Option<&'a str>,
    /// Present: over TLS.
    pub(super) trust: Option<Trust>,
}

impl<'a> Request<'a> {
    /// A plain GET.
    pub(super) fn get(path: &'a str) -> Self {
        Self { method: "GET", path, ..Self::default() }
    }

    /// A request with a body.
    pub(super) fn with_body(method: &'a str, path: &'a str, body: &'a str) -> Self {
        Self { method, path, body, ..Self::default() }
    }
}

impl Launch {
    /// Connects to the port at `index`, from where the server is.
    pub(super) fn dial(&self, index: usize) -> io::Result<Box<dyn Stream>> {
        let address = self.address(index);
        let Some(netns) = &self.place.netns else {
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            return Ok(Box::new(stream));
        };
        let mut relay = command(Some(netns), Account::Nobody, "timeout").map_err(io::Error::other)?;
        let seconds = PATIENCE.as_secs().to_string();
        relay.args([&seconds, "bash", "-c", RELAY, &address.ip().to_string(), &address.port().to_string()]);
        relay.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut process = relay.spawn()?;
        match (process.stdin.take(), process.stdout.take()) {
            (Some(input), Some(output)) => Ok(Box::new(Relay { process, input, output })),
            _ => Err(io::Error::other("a relay has no pipes")),
        }
    }

    /// Sends bytes and reads until the answer is `enough` or the server hangs up.
    pub(super) fn talk(&self, request: &[u8], enough: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
        let mut stream = self.dial(0)?;
        stream.write_all(request)?;
        stream.flush()?;
        read_until(&mut stream, enough)
    }

    /// Makes an HTTP request to the port at `index`.
    pub(super) fn http(&self, index: usize, request: &Request<'_>) -> io::Result<Answer> {
        let stream = self.dial(index)?;
        let Some(trust) = &request.trust else { return exchange(stream, request) };
        let name = ServerName::IpAddress(self.address(index).ip().into());
        let client = ClientConnection::new(Arc::new(trust.config()?), name).map_err(io::Error::other)?;
        exchange(StreamOwned::new(client, stream), request)
    }
}

impl Trust {
    fn config(&self) -> io::Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let certificate = |file| CertificateDer::from_pem_file(file).map_err(io::Error::other);
        roots.add(certificate(&self.authority)?).map_err(io::Error::other)?;
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots);
        match &self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => {
                let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
                builder.with_client_auth_cert(vec![certificate(chain)?], key).map_err(io::Error::other)
            }
        }
    }
}

fn exchange(mut stream: impl Stream, request: &Request<'_>) -> io::Result<Answer> {
    let Request { method, path, body, login, .. } = request;
    let login = login.map(|login| format!("Authorization: {login}\r\n")).unwrap_or_default();
    let form = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    let kind = if body.is_empty() { String::new() } else { format!("Content-Type: {form}\r\n") };
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         {login}{kind}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes())?;
    stream.flush()?;
    let text = String::from_utf8_lossy(&read_until(&mut stream, |_| false)?).into_owned();
    let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no HTTP answer: {text:?}")))?;
    Ok(Answer { status, text })
}

/// Reads until `enough` or the end. An end without a TLS farewell is an end, too, once something has come.
pub(super) fn read_until(stream: &mut impl Read, enough: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    while !enough(&answer) && (answer.len() as u64) < MOST {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !answer.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(answer)
}

/// Holds bytes against what a ready server says.
pub(super) fn expect(what: &str, answer: &[u8], holds: bool) -> io::Result<()> {
    if holds {
        return Ok(());
    }
    let beginning = answer.get(..SHOWN).unwrap_or(answer).escape_ascii();
    Err(io::Error::other(format!("wanted {what}, got: {beginning}")))
}
