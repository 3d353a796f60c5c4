//! Network namespaces: hosts of our own, inside this machine, that nothing outside can reach.
//!
//! Some servers answer loopback differently from any other source (Redis' protected mode, MariaDB's
//! accounts by host), so a test needs a client that is not on loopback; and only in a namespace can every
//! packet be counted.

use std::net::IpAddr;
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::unistd::geteuid;
use serde_json::Value;

use crate::process::{Error, find, run};

/// The table that counts, inside a namespace.
const TABLE: &str = "watertight";

/// A network namespace with `lo` up. Dropping it deletes it, and with it its links.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes a namespace called `wt-<process>-<label>-<number>`. Ones that a killed test run left are
    /// deleted first.
    ///
    /// # Errors
    /// Not root, or the machine does not allow namespaces.
    pub fn new(label: &str) -> Result<Self, Error> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        static SWEPT: Once = Once::new();
        if !geteuid().is_root() {
            return Err(Error::NeedsRoot("a network namespace".into()));
        }
        SWEPT.call_once(delete_orphans);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("wt-{}-{label}-{number}", std::process::id());
        ip(&["netns", "add", &name])?;
        let namespace = Self { name };
        ip(&["-n", &namespace.name, "link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// Its name, as `ip netns` knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` in a thread that is inside the namespace: what it binds, dials and starts is there.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let entry = std::fs::File::open(format!("/run/netns/{}", self.name));
        let entry = entry.map_err(Error::io(format!("opening the namespace {}", self.name)))?;
        let enter = move || {
            nix::sched::setns(entry, nix::sched::CloneFlags::CLONE_NEWNET)
                .map_err(|error| Error::io("entering a namespace")(error.into()))?;
            Ok(work())
        };
        std::thread::scope(|scope| scope.spawn(enter).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Joins two namespaces by a pair of interfaces with these addresses, such as `198.51.100.1/30`.
    ///
    /// # Errors
    /// An address is malformed or already in use there.
    pub fn pair(a: &Self, b: &Self, address_a: &str, address_b: &str) -> Result<(), Error> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let [_, x, y, z] = NUMBER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let end = |side: u8| format!("02:00:{x:02x}:{y:02x}:{z:02x}:{side:02x}");
        let link = |side: char| format!("wt{x:02x}{y:02x}{z:02x}{side}");
        let (link_a, link_b, mac_a, mac_b) = (link('a'), link('b'), end(1), end(2));
        let first = ["-n", &a.name, "link", "add", &link_a, "address", &mac_a];
        let second = ["type", "veth", "peer", "name", &link_b, "address", &mac_b, "netns", &b.name];
        ip(&[&first[..], &second].concat())?;
        a.join(&link_a, address_a, address_b, &mac_b)?;
        b.join(&link_b, address_b, address_a, &mac_a)
    }

    /// Sets up one end of a link. The other end is named rather than looked for: a search by IPv6 goes
    /// unheard during the first second of a link.
    fn join(&self, link: &str, own: &str, other: &str, mac: &str) -> Result<(), Error> {
        // Nobody else is on the link, so an IPv6 address need not be checked for a second owner.
        let check: &[&str] = if own.contains(':') { &["nodad"] } else { &[] };
        ip(&[&["-n", &self.name, "addr", "add", own, "dev", link][..], check].concat())?;
        ip(&["-n", &self.name, "link", "set", link, "up"])?;
        let neighbour = other.split('/').next().unwrap_or(other);
        ip(&["-n", &self.name, "neigh", "add", neighbour, "lladdr", mac, "dev", link]).map(drop)
    }

    /// A command that runs `program` inside; arguments can be added to it.
    #[must_use]
    pub fn exec(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = ip_command();
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// From now on counts and drops every packet that a process inside sends to an address that is not in
    /// `allowed`, loopback included. What the kernel itself says to find its IPv6 neighbours passes
    /// uncounted.
    ///
    /// # Errors
    /// nftables is missing, or the namespace already counts.
    pub fn counter(&self, allowed: &[IpAddr]) -> Result<Counter<'_>, Error> {
        let accept = |family: &str, addresses: Vec<String>| match addresses.as_slice() {
            [] => String::new(),
            some => format!("{family} daddr {{ {} }} accept\n", some.join(", ")),
        };
        let (v4, v6): (Vec<&IpAddr>, Vec<&IpAddr>) = allowed.iter().partition(|address| address.is_ipv4());
        let words = |addresses: Vec<&IpAddr>| addresses.iter().map(ToString::to_string).collect();
        let rules = format!(
            "create table inet {TABLE}\n\
             table inet {TABLE} {{\n\
             counter stray {{ }}\n\
             chain out {{\n\
             type filter hook output priority 0; policy accept;\n\
             icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }} accept\n\
             icmpv6 type mld2-listener-report accept\n\
             {}{}counter name stray drop\n\
             }}\n}}\n",
            accept("ip", words(v4)),
            accept("ip6", words(v6)),
        );
        let mut command = self.exec("nft");
        command.args(["-f", "-"]);
        run(command, &rules)?;
        Ok(Counter { namespace: self })
    }

    /// Whether this process may make namespaces.
    #[must_use]
    pub fn available() -> bool {
        Self::new("try").is_ok()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = ip(&["netns", "del", &self.name]);
    }
}

/// Counts the packets that a namespace sent where it should not have.
#[derive(Debug)]
pub struct Counter<'a> {
    namespace: &'a Namespace,
}

impl Counter<'_> {
    /// Packets counted and dropped until now.
    ///
    /// # Errors
    /// nftables does not answer as expected.
    pub fn packets(&self) -> Result<u64, Error> {
        let mut command = self.namespace.exec("nft");
        command.args(["-j", "list", "counter", "inet", TABLE, "stray"]);
        let shown = format!("{command:?}");
        let output = run(command, "")?;
        let listed: Value = serde_json::from_str(&output).unwrap_or_default();
        let entries = listed.get("nftables").and_then(Value::as_array);
        let counter = entries.and_then(|entries| entries.iter().find_map(|entry| entry.get("counter")));
        let packets = counter.and_then(|counter| counter.get("packets")).and_then(Value::as_u64);
        packets.ok_or(Error::Command { command: shown, output })
    }
}

fn ip_command() -> Command {
    Command::new(find("ip").unwrap_or_else(|_| "ip".into()))
}

fn ip(arguments: &[&str]) -> Result<String, Error> {
    let mut command = ip_command();
    command.args(arguments);
    run(command, "")
}

/// Deletes namespaces of ours whose test run is gone: a killed process cannot delete its own.
fn delete_orphans() {
    for line in ip(&["netns", "list"]).unwrap_or_default().lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let owner = name.strip_prefix("wt-").and_then(|rest| rest.split('-').next());
        let Some(owner) = owner.and_then(|owner| owner.parse::<u32>().ok()) else { continue };
        if !std::path::Path::new(&format!("/proc/{owner}")).exists() {
            let _ = ip(&["netns", "del", name]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::process::Stdio;

    use super::*;

    fn connects(from: &Namespace, address: &str, port: u16) -> bool {
        let mut command = from.exec("timeout");
        command.args(["1", "bash", "-c", &format!("exec 3<>/dev/tcp/{address}/{port}")]);
        command.stderr(Stdio::null()).status().unwrap().success()
    }

    #[test]
    fn a_namespace_is_joined_and_its_strays_are_counted() {
        if !Namespace::available() {
            eprintln!("skipped: namespaces need root");
            return;
        }
        let (a, b) = (Namespace::new("a").unwrap(), Namespace::new("b").unwrap());
        Namespace::pair(&a, &b, "198.51.100.1/30", "198.51.100.2/30").unwrap();
        Namespace::pair(&a, &b, "2001:db8::1/64", "2001:db8::2/64").unwrap();
        let counter = a.counter(&[IpAddr::from([198, 51, 100, 2]), "2001:db8::2".parse().unwrap()]).unwrap();
        let ping = |address: &str| {
            let mut command = a.exec("bash");
            // A closed port answers at once when the packet arrives, and never when it is dropped.
            command.args(["-c", &format!("timeout 1 bash -c 'exec 3<>/dev/tcp/{address}/9' 2>&1")]);
            run(command, "").unwrap_or_else(|error| error.to_string())
        };
        assert!(ping("198.51.100.2").contains("refused"), "{}", ping("198.51.100.2"));
        assert!(ping("2001:db8::2").contains("refused"), "{}", ping("2001:db8::2"));
        assert_eq!(counter.packets().unwrap(), 0);
        assert!(!connects(&a, "198.51.100.9", 9));
        let elsewhere = counter.packets().unwrap();
        assert!(!connects(&a, &Ipv4Addr::LOCALHOST.to_string(), 9));
        assert!(counter.packets().unwrap() > elsewhere, "loopback counts, too");
    }

    #[test]
    fn a_dropped_namespace_is_gone() {
        if !Namespace::available() {
            eprintln!("skipped: namespaces need root");
            return;
        }
        let namespace = Namespace::new("gone").unwrap();
        let name = namespace.name().to_owned();
        assert!(ip(&["netns", "list"]).unwrap().contains(&name));
        drop(namespace);
        assert!(!ip(&["netns", "list"]).unwrap().contains(&name));
    }
}
