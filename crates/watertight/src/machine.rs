//! This machine, from its own tables: who listens, bound to what, owned by whom, and what could not be seen.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use model::{
    Address, AddressClass, Asset, Exchange, Observation, Process, Reach, Vantage, Verdict, classify,
};
use probe::{Host, Job};
use procfs::net::{TcpNetEntry, TcpState, UnixState};
use procfs::process::FDTarget;

/// A listening TCP socket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listener {
    /// What it is bound to.
    pub(crate) bind: SocketAddr,
    /// Its owner, where the kernel lets us see it.
    pub(crate) process: Option<Process>,
}

/// What the kernel's tables say.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    /// Listening TCP sockets of this network namespace.
    pub(crate) listeners: Vec<Listener>,
    /// Listening Unix sockets of databases.
    pub(crate) sockets: Vec<(PathBuf, Option<Process>)>,
    /// What could not be seen, in sentences.
    pub(crate) not_seen: Vec<String>,
    /// Names the network namespace whose tables were read.
    pub(crate) origin: String,
    /// Its interface addresses.
    addresses: Vec<IpAddr>,
    in_cloud: bool,
}

impl Machine {
    /// Reads the tables. What cannot be read is said in `not_seen`.
    pub(crate) fn read(addresses: Vec<IpAddr>) -> Self {
        let mut machine = Self { addresses, origin: origin(), in_cloud: in_cloud(), ..Self::default() };
        let (owners, other_namespaces) = owners();
        let mut hidden = 0;
        for table in [procfs::net::tcp(), procfs::net::tcp6()] {
            match table {
                Ok(entries) => {
                    for entry in entries.into_iter().filter(|entry| entry.state == TcpState::Listen) {
                        let process = owner(&owners, &entry);
                        hidden += u64::from(process.is_none());
                        machine.listeners.push(Listener { bind: entry.local_address, process });
                    }
                }
                Err(error) => {
                    machine.not_seen.push(format!("a table of TCP sockets could not be read: {error}"))
                }
            }
        }
        machine.listeners.sort_by_key(|listener| listener.bind);
        machine.listeners.dedup_by_key(|listener| listener.bind);
        if hidden > 0 {
            machine.not_seen.push(format!(
                "the owners of {hidden} listeners belong to other users: run as root to see them"
            ));
        }
        if other_namespaces > 0 {
            let (many, them) =
                if other_namespaces == 1 { ("namespace was", "it") } else { ("namespaces were", "them") };
            machine.not_seen.push(format!(
                "{other_namespaces} other network {many} not looked at (containers): run inside {them}, or name the addresses"
            ));
        }
        machine.read_unix_sockets(&owners);
        machine
    }

    fn read_unix_sockets(&mut self, owners: &HashMap<u64, Process>) {
        match procfs::net::unix() {
            Ok(entries) => {
                // A socket with a path of its own that is not connected is a listener.
                for entry in entries.into_iter().filter(|entry| entry.state == UnixState::UNCONNECTED) {
                    if let Some(path) = entry.path.filter(|path| database_of(path).is_some()) {
                        self.sockets.push((path, owners.get(&entry.inode).cloned()));
                    }
                }
                self.sockets.sort_by(|(a, _), (b, _)| a.cmp(b));
                self.sockets.dedup_by(|(a, _), (b, _)| a == b);
            }
            Err(error) => self.not_seen.push(format!("the table of Unix sockets could not be read: {error}")),
        }
    }

    /// The endpoints to dial: what is not bound to loopback is dialled at an interface address.
    pub(crate) fn hosts(&self) -> Vec<Host> {
        let mut hosts: Vec<Host> = Vec::new();
        for listener in &self.listeners {
            let address = self.dial_address(listener.bind);
            let job = Job {
                port: listener.bind.port(),
                bind: Some(listener.bind.to_string()),
                process: listener.process.clone(),
                reach: Some(self.reach(listener.bind.ip())),
                ..Job::default()
            };
            match hosts.iter_mut().find(|host| host.address == address) {
                // One wildcard listener of each family may be dialled at the same address.
                Some(host) if host.jobs.iter().any(|known| known.port == job.port) => {}
                Some(host) => host.jobs.push(job),
                None => {
                    hosts.push(Host { address, name: None, jobs: vec![job], sweep: [].into(), asked: false })
                }
            }
        }
        hosts
    }

    fn dial_address(&self, bind: SocketAddr) -> IpAddr {
        let ip = bind.ip();
        if !ip.is_unspecified() {
            return ip.to_canonical();
        }
        let interface = |v4: bool| {
            self.addresses.iter().copied().find(|address| {
                address.is_ipv4() == v4
                    && classify(*address) != AddressClass::Loopback
                    && !is_link_local(*address)
            })
        };
        let both_families =
            self.listeners.iter().any(|other| other.bind.port() == bind.port() && other.bind.is_ipv4());
        match ip {
            IpAddr::V4(_) => interface(true).unwrap_or(IpAddr::from([127, 0, 0, 1])),
            // `::` takes IPv4 as well, unless a listener of its own has that.
            IpAddr::V6(_) if both_families => interface(false).unwrap_or(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            IpAddr::V6(_) => {
                interface(false).or_else(|| interface(true)).unwrap_or(IpAddr::V6(Ipv6Addr::LOCALHOST))
            }
        }
    }

    /// Who can reach a listener that is bound to `bind`.
    fn reach(&self, bind: IpAddr) -> Reach {
        let of = |address: IpAddr| match classify(address) {
            AddressClass::Loopback | AddressClass::Unusable => Reach::Host,
            AddressClass::Private if self.in_cloud => Reach::Vpc,
            AddressClass::Private => Reach::Lan,
            AddressClass::Public => Reach::Internet,
        };
        if !bind.is_unspecified() {
            return of(bind.to_canonical());
        }
        self.addresses.iter().copied().map(of).max().unwrap_or(Reach::Host)
    }

    /// What file modes say about the Unix sockets of databases.
    pub(crate) fn socket_observations(&self, now: jiff::Timestamp) -> Vec<Observation> {
        self.sockets.iter().map(|(path, process)| judge_socket(path, process.clone(), now)).collect()
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn owner(owners: &HashMap<u64, Process>, entry: &TcpNetEntry) -> Option<Process> {
    owners.get(&entry.inode).cloned()
}

/// Socket inodes with their owners, and how many other network namespaces have processes.
fn owners() -> (HashMap<u64, Process>, usize) {
    let mut owners = HashMap::new();
    let mut namespaces = HashSet::new();
    let own = std::fs::read_link("/proc/self/ns/net").ok();
    for process in procfs::process::all_processes().into_iter().flatten().flatten() {
        let namespace = std::fs::read_link(format!("/proc/{}/ns/net", process.pid())).ok();
        if namespace.is_some() && namespace != own {
            namespaces.extend(namespace);
            continue;
        }
        let (Ok(stat), Ok(uid), Ok(files)) = (process.stat(), process.uid(), process.fd()) else { continue };
        for file in files.flatten() {
            if let FDTarget::Socket(inode) = file.target {
                let known = Process { pid: process.pid(), name: stat.comm.clone(), uid };
                // A socket that was inherited belongs to the eldest that holds it.
                let holder = owners.entry(inode).or_insert_with(|| known.clone());
                if known.pid < holder.pid {
                    *holder = known;
                }
            }
        }
    }
    (owners, namespaces.len())
}

/// Names the network namespace: the machine's first one keeps its name over restarts.
fn origin() -> String {
    let link = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    let (own, first) = (link("self"), link("1"));
    match own {
        Some(own) if first.as_ref() == Some(&own) => "machine".to_owned(),
        Some(own) => own.display().to_string(),
        None => "machine".to_owned(),
    }
}

/// Whether the firmware says that this is a cloud's machine. Its private addresses are then a VPC's; a public address
/// may be mapped to them without the machine knowing.
fn in_cloud() -> bool {
    const VENDORS: [&str; 7] =
        ["Alibaba", "Amazon EC2", "Google", "Tencent", "Huawei", "HUAWEI", "DigitalOcean"];
    ["sys_vendor", "product_name"]
        .iter()
        .filter_map(|file| std::fs::read_to_string(format!("/sys/class/dmi/id/{file}")).ok())
        .any(|text| VENDORS.iter().any(|vendor| text.contains(vendor)))
}

/// The database that a Unix socket belongs to, by its conventional file name: id and product.
fn database_of(path: &Path) -> Option<(&'static str, &'static str)> {
    let name = path.file_name()?.to_str()?;
    if name.starts_with(".s.PGSQL.") && !name.ends_with(".lock") {
        return Some(("postgresql", "PostgreSQL"));
    }
    let stem = name.strip_suffix(".sock").or_else(|| name.strip_suffix(".socket"))?;
    match stem {
        "mysqld" | "mysql" | "mariadb" | "mysqlx" => Some(("mysql", "MySQL")),
        "docker" => Some(("docker", "Docker Engine")),
        _ if stem.starts_with("redis") || stem.starts_with("valkey") => Some(("redis", "Redis")),
        _ if stem.starts_with("mongodb-") => Some(("mongodb", "MongoDB")),
        _ if stem.starts_with("memcached") => Some(("memcached", "memcached")),
        _ => None,
    }
}

/// Whether the file mode lets every local user connect: write on the socket, search on every folder above it.
fn admits_everyone(path: &Path) -> std::io::Result<bool> {
    let searchable = path.ancestors().skip(1).try_fold(true, |all, folder| {
        if folder.as_os_str().is_empty() {
            return Ok(all);
        }
        std::fs::metadata(folder).map(|folder| all && folder.mode() & 0o001 != 0)
    })?;
    Ok(searchable && std::fs::metadata(path)?.mode() & 0o002 != 0)
}

fn judge_socket(path: &Path, process: Option<Process>, now: jiff::Timestamp) -> Observation {
    let (service, product) = database_of(path).unwrap_or(("unix", "Unix socket"));
    let mode = std::fs::metadata(path).map_or_else(
        |_| "unreadable".to_owned(),
        |file| format!("mode {:04o}, owner {}:{}", file.mode() & 0o7777, file.uid(), file.gid()),
    );
    let (verdict, reason) = match admits_everyone(path) {
        // The engine asks nobody who comes through its socket.
        Ok(true) if service == "docker" => (
            Verdict::Open,
            format!("every local user may connect ({mode}), and the engine asks for no login"),
        ),
        Ok(true) => (
            Verdict::Unknown,
            format!("every local user may connect ({mode}); what the service asks then was not tried"),
        ),
        Ok(false) => (Verdict::Protected, format!("the file system admits only some local users ({mode})")),
        Err(error) => (Verdict::Unknown, format!("the file mode could not be read: {error}")),
    };
    let mut asset = Asset::at(&Address::Unix(path.to_owned()));
    asset.process = process;
    Observation {
        service: Some(service.to_owned()),
        product: Some(product.to_owned()),
        evidence: vec![Exchange {
            at: now,
            transport: "file".to_owned(),
            sent: format!("stat {}", path.display()),
            received: mode,
            bytes: 0,
            sha256: model::digest(b""),
        }],
        ..Observation::new(asset, Vantage::Loopback, Reach::Host, verdict, reason, now)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn machine(addresses: &[&str], binds: &[&str]) -> Machine {
        Machine {
            listeners: binds
                .iter()
                .map(|bind| Listener { bind: bind.parse().unwrap(), process: None })
                .collect(),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            ..Machine::default()
        }
    }

    fn dialled(machine: &Machine) -> Vec<(String, Reach)> {
        let each = |host: &Host| {
            let address = host.address;
            host.jobs
                .iter()
                .map(|job| (SocketAddr::new(address, job.port).to_string(), job.reach.unwrap()))
                .collect::<Vec<_>>()
        };
        machine.hosts().iter().flat_map(each).collect()
    }

    #[test]
    fn what_is_not_bound_to_loopback_is_dialled_at_an_interface() {
        let machine = machine(&["127.0.0.1", "10.0.0.7"], &["0.0.0.0:1", "127.0.0.1:2", "[::]:3"]);
        assert_eq!(
            dialled(&machine),
            [
                ("10.0.0.7:1".to_owned(), Reach::Lan),
                ("10.0.0.7:3".to_owned(), Reach::Lan),
                ("127.0.0.1:2".to_owned(), Reach::Host),
            ]
        );
    }

    #[test]
    fn a_wildcard_with_a_public_interface_reaches_the_internet() {
        let machine = machine(&["127.0.0.1", "10.0.0.7", "8.8.4.4"], &["0.0.0.0:1"]);
        assert_eq!(dialled(&machine)[0].1, Reach::Internet);
    }

    #[test]
    fn without_an_interface_loopback_is_all_there_is() {
        assert_eq!(
            dialled(&machine(&["127.0.0.1"], &["0.0.0.0:1"])),
            [("127.0.0.1:1".to_owned(), Reach::Host)]
        );
    }

    #[test]
    fn a_unix_socket_is_judged_by_its_mode_and_the_folders_above() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let judge = |socket: u32, above: u32| {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(socket)).unwrap();
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(above)).unwrap();
            judge_socket(&path, None, jiff::Timestamp::UNIX_EPOCH).verdict
        };
        assert_eq!(judge(0o666, 0o755), Verdict::Open);
        assert_eq!(judge(0o660, 0o755), Verdict::Protected);
        assert_eq!(judge(0o666, 0o700), Verdict::Protected);
    }

    #[test]
    fn database_sockets_are_known_by_their_names() {
        let id = |path: &str| database_of(Path::new(path)).map(|(id, _)| id);
        assert_eq!(id("/run/postgresql/.s.PGSQL.5432"), Some("postgresql"));
        assert_eq!(id("/run/mysqld/mysqld.sock"), Some("mysql"));
        assert_eq!(id("/run/dbus/system_bus_socket"), None);
    }
}
