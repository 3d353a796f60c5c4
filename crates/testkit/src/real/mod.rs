//! Real servers in every state that an audit must tell apart, started from Debian's packages and from Java
//! archives.
//!
//! `scripts/install-test-servers.sh` brings what is needed. A server listens on loopback, or inside a
//! network namespace that the test made; anywhere else is refused. What a stranger is to be told about each
//! state, and how that was established, is in the probes' own files.

mod alibaba_druid;
mod cassandra;
mod certs;
mod clickhouse;
mod couchdb;
mod dnsmasq;
mod docker;
mod elasticsearch;
mod etcd;
mod flink;
mod ganesha;
mod hadoop;
mod influxdb;
mod kafka;
mod kubernetes;
mod lab;
mod mariadb;
mod memcached;
mod minio;
mod mongo;
mod mosquitto;
mod nats;
mod neo4j;
mod nginx;
mod ollama;
mod panels;
mod postgres;
mod prometheus;
mod python;
mod rabbitmq;
mod redis;
mod registry;
mod rsync;
mod s3;
mod samba;
mod samba_ad;
mod slapd;
mod solr;
mod spark;
#[cfg(test)]
mod tests;
mod tigervnc;
mod valkey;
mod vsftpd;
mod weaviate;
mod wire;
mod zookeeper;

use std::collections::BTreeMap;
use std::fs::{DirEntry, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use nix::unistd::geteuid;
use tempfile::TempDir;

pub use self::minio::KEY_PAIR;
pub use self::s3::signed_put;
pub use crate::process::Error;
use crate::process::{self, Account, Child, last_lines, poll};

/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(90);
/// What the names of data folders begin with; the test run's process id follows.
const FOLDERS: &str = "wt-";
/// The name of the log in it.
const LOG: &str = "log";
/// How much of a log goes into an error.
const LOG_LINES: usize = 40;
/// Below the range from which the kernel takes ports for outgoing connections.
const PORTS: std::ops::Range<u16> = 20000..32000;

/// What was put into a server, by kind: `keys`, `documents`, ...
pub type Seeded = BTreeMap<&'static str, u64>;

/// A kind of server in one configuration.
#[derive(Debug)]
pub struct State {
    /// Such as `redis-open`.
    pub name: &'static str,
    /// What listens, as offsets from the main port, which comes first.
    pub ports: &'static [(&'static str, u16)],
    /// Whether it listens on every address, so that it may only run in a namespace.
    pub everywhere: bool,
    /// Writes the configuration and starts the processes.
    pub start: fn(&Launch) -> Result<Vec<Child>, Error>,
    /// Asks the server whether it is in the promised state; the error says what it answered instead.
    pub ready: fn(&Launch) -> io::Result<()>,
    /// The right verdicts, by the label of the port (`main`: the first); with `|` between two: either is right. Seen from loopback.
    pub expect: &'static [(&'static str, &'static str)],
    /// The same with `--try-defaults`, where it differs.
    pub with_defaults: &'static [(&'static str, &'static str)],
    /// It is large or slow to install: started only in the run over everything.
    pub rare: bool,
    /// It takes ports that cannot be chosen, so it runs in a namespace of its own.
    pub alone: bool,
    /// Its main port, where that cannot be chosen, or where a product is found at its own port only. Goes with `alone`.
    pub fixed: Option<u16>,
    /// Puts content into the server once it is ready.
    pub seed: fn(&Launch) -> io::Result<Seeded>,
}

impl State {
    /// What most states have in common: one port and no content.
    const PLAIN: Self = Self {
        name: "",
        ports: &[("main", 0)],
        everywhere: false,
        expect: &[],
        with_defaults: &[],
        rare: false,
        alone: false,
        fixed: None,
        start: |_| Ok(Vec::new()),
        ready: |_| Ok(()),
        seed: |_| Ok(Seeded::new()),
    };
}

/// Every state that can be started, by family.
static FAMILIES: &[&[State]] = &[
    redis::STATES,
    memcached::STATES,
    postgres::STATES,
    mariadb::STATES,
    clickhouse::STATES,
    etcd::STATES,
    docker::STATES,
    elasticsearch::STATES,
    nginx::STATES,
    mongo::STATES,
    nats::STATES,
    mosquitto::STATES,
    rabbitmq::STATES,
    kafka::STATES,
    cassandra::STATES,
    zookeeper::STATES,
    neo4j::STATES,
    hadoop::STATES,
    spark::STATES,
    flink::STATES,
    solr::STATES,
    alibaba_druid::STATES,
    python::STATES,
    valkey::STATES,
    minio::STATES,
    couchdb::STATES,
    kubernetes::STATES,
    ollama::STATES,
    weaviate::STATES,
    samba::STATES,
    ganesha::STATES,
    tigervnc::STATES,
    vsftpd::STATES,
    slapd::STATES,
    samba_ad::STATES,
    rsync::STATES,
    registry::STATES,
    prometheus::STATES,
    influxdb::STATES,
    dnsmasq::STATES,
    panels::STATES,
];

/// Every state that can be started.
pub fn states() -> impl Iterator<Item = &'static State> {
    FAMILIES.iter().copied().flatten()
}

/// Where a server is to run.
#[derive(Debug, Clone)]
pub struct Place {
    /// The network namespace; none: this machine's own network.
    pub netns: Option<String>,
    /// The address to listen on.
    pub bind: IpAddr,
    /// The main port; none: a free one.
    pub port: Option<u16>,
    /// For a proxy: what it stands in front of. None: a server that it starts itself.
    pub upstream: Option<SocketAddr>,
}

impl Default for Place {
    fn default() -> Self {
        Self { netns: None, bind: IpAddr::V4(Ipv4Addr::LOCALHOST), port: None, upstream: None }
    }
}

/// One start of one state: what its functions work with.
#[derive(Debug)]
pub struct Launch {
    /// The state's name.
    pub state: &'static str,
    /// Where it runs.
    pub place: Place,
    /// In the order of [`State::ports`].
    pub ports: Vec<u16>,
    /// A folder for configuration and data that every user can enter.
    pub data: PathBuf,
    /// Where the processes' output goes.
    pub log: PathBuf,
}

impl Launch {
    /// Where the port at `index` listens.
    #[must_use]
    pub fn address(&self, index: usize) -> SocketAddr {
        SocketAddr::new(self.place.bind, self.ports.get(index).copied().unwrap_or_default())
    }

    /// Address and port as URLs and configuration files have them: IPv6 in brackets.
    fn bind(&self) -> String {
        match self.place.bind {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        }
    }

    fn port(&self, index: usize) -> u16 {
        self.address(index).port()
    }

    /// A command at this launch's place, its home in the data folder.
    fn command(&self, account: Account, program: &str) -> Result<Command, Error> {
        let mut command = process::command(self.place.netns.as_deref(), account, program)?;
        command.current_dir(&self.data).env("HOME", &self.data);
        Ok(command)
    }

    fn spawn(&self, command: Command) -> Result<Child, Error> {
        Child::spawn(command, &self.log)
    }

    /// Makes a folder that belongs to `account`.
    fn folder(&self, name: &str, account: Account) -> Result<PathBuf, Error> {
        let folder = self.data.join(name);
        std::fs::create_dir_all(&folder).map_err(Error::io(format!("make {}", folder.display())))?;
        give(&folder, account)?;
        Ok(folder)
    }

    /// Writes a file that everyone may read.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let file = self.data.join(name);
        std::fs::write(&file, text).map_err(Error::io(format!("write {}", file.display())))?;
        Ok(file)
    }

    /// Writes a file that only `account` may read.
    fn write_secret(&self, name: &str, text: &str, account: Account) -> Result<PathBuf, Error> {
        let file = self.write(name, text)?;
        std::fs::set_permissions(&file, Permissions::from_mode(0o600))
            .map_err(Error::io(format!("restrict {}", file.display())))?;
        give(&file, account)?;
        Ok(file)
    }
}

fn give(path: &Path, account: Account) -> Result<(), Error> {
    let Some((user, group)) = account.ids()? else { return Ok(()) };
    chown(path, Some(user), Some(group)).map_err(Error::io(format!("give {} away", path.display())))
}

/// A server that runs and is ready. Dropping it ends its processes and deletes its data.
#[derive(Debug)]
pub struct Running {
    /// The state's name.
    pub state: &'static str,
    /// The main port.
    pub address: SocketAddr,
    /// All ports, in the order of [`State::ports`].
    pub ports: Vec<u16>,
    /// The namespace it runs in.
    pub netns: Option<String>,
    /// What the kit put into it.
    pub seeded: Seeded,
    /// How long it took to be ready and seeded.
    pub took: Duration,
    // Dropped in this order: the processes before the files they use.
    children: Vec<Child>,
    data: TempDir,
}

impl Running {
    /// The port with this label in [`State::ports`]; `main` is the first, whatever its label.
    #[must_use]
    pub fn port(&self, label: &str) -> Option<u16> {
        let state = states().find(|state| state.name == self.state)?;
        if label == "main" {
            return Some(self.address.port());
        }
        let index = state.ports.iter().position(|(name, _)| *name == label)?;
        self.ports.get(index).copied()
    }

    /// The folder with its configuration, data and certificates (`ca.pem`, `client.pem`, `client.key`).
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The ids of its processes, each the first of its group.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        self.children.iter().map(Child::id).collect()
    }

    /// The last lines of what it logged.
    #[must_use]
    pub fn log(&self) -> String {
        last_lines(&self.data.path().join(LOG), LOG_LINES)
    }

    /// Ends it now. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }
}

/// Starts a state on 127.0.0.1 and free ports, and waits until it is ready.
///
/// # Errors
/// It is unknown, not installed, or did not come up; the error says what to do.
pub fn start(state: &str) -> Result<Running, Error> {
    start_in(state, &Place::default())
}

/// Starts a state at a place, and waits until it is ready.
///
/// # Errors
/// As [`start`]; also where the place could be reached from outside of this machine.
pub fn start_in(name: &str, place: &Place) -> Result<Running, Error> {
    let state = states().find(|state| state.name == name);
    let state = state.ok_or_else(|| Error::UnknownState(name.into()))?;
    check_place(state, place)?;
    let begun = Instant::now();
    let data = data_folder()?;
    let ports = free_ports(state, place)?;
    let (folder, log) = (data.path().to_path_buf(), data.path().join(LOG));
    let launch = Launch { state: state.name, place: place.clone(), ports, data: folder, log };
    let children = (state.start)(&launch)?;
    wait_until_ready(state, &launch, &children, begun)?;
    let seeded = (state.seed)(&launch).map_err(|reason| not_ready(&launch, begun, &reason))?;
    Ok(Running {
        state: state.name,
        address: launch.address(0),
        ports: launch.ports,
        netns: launch.place.netns,
        seeded,
        took: begun.elapsed(),
        children,
        data,
    })
}

/// A folder that every account can enter. Below /tmp, whatever TMPDIR says: paths of sockets must be short.
fn data_folder() -> Result<TempDir, Error> {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(delete_orphans);
    let prefix = format!("{FOLDERS}{}-", std::process::id());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).permissions(Permissions::from_mode(0o755));
    builder.tempdir_in("/tmp").map_err(Error::io("make a data folder below /tmp"))
}

/// Deletes our folders whose test run is gone: a killed process cannot delete its own.
fn delete_orphans() {
    let ours = |entry: &DirEntry| {
        entry.metadata().is_ok_and(|data| data.is_dir() && data.uid() == geteuid().as_raw())
    };
    for entry in std::fs::read_dir("/tmp").into_iter().flatten().flatten().filter(ours) {
        let name = entry.file_name();
        let owner =
            name.to_str().and_then(|name| name.strip_prefix(FOLDERS)?.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|owner| !Path::new(&format!("/proc/{owner}")).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The wall around open servers: this machine's loopback, or a network of our own.
fn check_place(state: &State, place: &Place) -> Result<(), Error> {
    let why = match place.netns {
        None if !place.bind.is_loopback() => "outside of a namespace only loopback may be bound",
        None if state.everywhere => "it listens on every address, so it needs a namespace",
        _ if place.bind.is_unspecified() => "name the address to listen on",
        _ => return Ok(()),
    };
    Err(Error::WrongPlace(format!("{}: {why}", state.name)))
}

/// Waits until what a state started for its own use is ready, and fills it.
fn filled(state: &State, launch: &Launch, children: &[Child]) -> Result<(), Error> {
    let begun = Instant::now();
    wait_until_ready(state, launch, children, begun)?;
    (state.seed)(launch).map(drop).map_err(|reason| not_ready(launch, begun, &reason))
}

fn wait_until_ready(state: &State, launch: &Launch, children: &[Child], begun: Instant) -> Result<(), Error> {
    let mut ended = None;
    let ready = poll(begun + PATIENCE, || {
        ended = children.iter().find_map(Child::exited);
        if ended.is_some() { Ok(()) } else { (state.ready)(launch) }
    });
    match (ready, ended) {
        (_, Some(how)) => {
            Err(Error::Exited { state: state.name.into(), how, log: last_lines(&launch.log, LOG_LINES) })
        }
        (Err(reason), None) => Err(not_ready(launch, begun, &reason)),
        (Ok(()), None) => Ok(()),
    }
}

fn not_ready(launch: &Launch, begun: Instant, reason: &io::Error) -> Error {
    Error::NotReady {
        state: launch.state.into(),
        seconds: begun.elapsed().as_secs(),
        reason: reason.to_string(),
        log: last_lines(&launch.log, LOG_LINES),
    }
}

/// Ports for a launch. No two launches of one test run get the same, and the wide steps keep runs apart, too.
fn free_ports(state: &State, place: &Place) -> Result<Vec<u16>, Error> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let width = state.ports.iter().map(|(_, offset)| offset + 1).max().unwrap_or(1);
    let from = |base: u16| state.ports.iter().map(|(_, offset)| base + offset).collect::<Vec<u16>>();
    if let Some(port) = state.fixed.or(place.port) {
        return Ok(from(port));
    }
    let size = PORTS.end - PORTS.start - width;
    let own = u16::try_from(std::process::id() % 120).unwrap_or_default() * 100;
    for _ in 0..size {
        let base = PORTS.start + own.wrapping_add(NEXT.fetch_add(width, Ordering::Relaxed)) % size;
        let free = |port: &u16| place.netns.is_some() || TcpListener::bind((place.bind, *port)).is_ok();
        if from(base).iter().all(free) {
            return Ok(from(base));
        }
    }
    Err(Error::WrongPlace(format!("no free ports from {} to {}", PORTS.start, PORTS.end)))
}
