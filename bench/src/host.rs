//! One host over all default ports, from another host: with nothing open, behind a firewall, and with many services at
//! their usual ports.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;

use testkit::netns::Namespace;
use testkit::real::{self, Running, start_in};

use crate::machine::{description, publish};
use crate::measure::{self, Cost, median};
use crate::nmap::{self, Port};
use crate::states::{Door, allow_low_ports, doors_of, place};
use crate::told::told;

/// The host that is looked at, and the one that looks.
const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

/// What runs on the host with many services.
const SERVICES: &[&str] = &[
    "redis-open",
    "memcached-open",
    "postgres-open",
    "mariadb-open",
    "clickhouse-open",
    "etcd-open",
    "docker-open",
    "elasticsearch8-open",
    "mongo-java-open",
    "rabbitmq-default",
    "zookeeper-open",
    "nats-open",
    "mosquitto-open",
    "prometheus-open",
    "alertmanager-open",
    "registry-open",
    "rsync-open",
    "vsftpd-open",
    "slapd-open",
    "samba-open",
    "influxdb-open",
    "jupyter-open",
    "tigervnc-open",
];

/// Both programs' runs over the host in one condition.
struct Scan {
    ours: Vec<(String, Cost)>,
    theirs: Vec<(String, Cost)>,
}

/// Scans the host in each condition and writes the table.
///
/// # Errors
/// Not root, or a program is missing.
pub fn run(program: &Path, folder: &Path, runs: usize) -> io::Result<()> {
    let before = description();
    let ports: BTreeSet<u16> = probe::default_ports(probe::registry()).into_iter().collect();
    let server = Namespace::new("server").map_err(io::Error::other)?;
    allow_low_ports(&server)?;
    let client = Namespace::new("client").map_err(io::Error::other)?;
    Namespace::pair(&server, &client, &format!("{SERVER}/30"), &format!("{CLIENT}/30"))
        .map_err(io::Error::other)?;
    let mut text = format!(
        "From another namespace over a virtual link, all {} default ports. Ours: `watertight audit --no-state {SERVER}`; \
         nmap: `-n -Pn -sV -p` with the same ports, no scripts. Ours: medians of {runs} runs; nmap: one.\n\n\
         | host | figure | watertight | nmap | ratio |\n|---|---|---|---|---|\n",
        ports.len()
    );
    let scan = |runs| scan(program, &client, &ports, runs);
    row(&mut text, "nothing open, closed ports refuse", &scan(runs)?);
    firewall(
        &server,
        "add table inet wall\nadd chain inet wall in { type filter hook input priority 0; policy drop; }\n",
    )?;
    row(&mut text, "nothing open, a firewall drops", &scan(runs)?);
    firewall(&server, "delete table inet wall\n")?;
    let (running, failed) = start_all(&server);
    let many = scan(runs)?;
    row(&mut text, &format!("{} servers at their usual ports", running.len()), &many);
    for failed in failed {
        let _ = writeln!(text, "\nNot started: {failed}");
    }
    services(&mut text, &ports, &running, &many);
    publish(folder, "host-scan", "One host over all default ports", &before, &text)
}

fn firewall(host: &Namespace, rules: &str) -> io::Result<()> {
    let mut child = host.exec("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn()?;
    if let Some(input) = child.stdin.as_mut() {
        input.write_all(rules.as_bytes())?;
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("nft refused the rules")) }
}

fn scan(program: &Path, client: &Namespace, ports: &BTreeSet<u16>, runs: usize) -> io::Result<Scan> {
    let enter = format!("--net=/run/netns/{}", client.name());
    let inside = ["nsenter", enter.as_str()];
    let (program, server, list) = (program.display().to_string(), SERVER.to_string(), nmap::port_list(ports));
    let ours = [program.as_str(), "audit", "--quiet", "--no-state", "-o", "ndjson", &server];
    let theirs = ["nmap", "-n", "-Pn", "-sV", "-oX", "-", "-p", &list, &server];
    let mut scan = Scan { ours: Vec::new(), theirs: Vec::new() };
    for _ in 0..runs {
        scan.ours.push(measure::run(&inside, &ours)?);
    }
    scan.theirs.push(measure::run(&inside, &theirs)?);
    // 3: nothing answered at all.
    if let Some((output, cost)) = scan.ours.iter().find(|(_, cost)| !matches!(cost.code, 0 | 1 | 3)) {
        return Err(io::Error::other(format!("exit {}: {output}", cost.code)));
    }
    Ok(scan)
}

fn row(text: &mut String, host: &str, scan: &Scan) {
    for (name, get) in [
        ("wall, s", (|cost| cost.wall) as fn(&Cost) -> f64),
        ("CPU, s", Cost::cpu),
        ("peak memory, MB", Cost::megabytes),
    ] {
        let our = median(scan.ours.iter().map(|(_, cost)| get(cost)));
        let their = median(scan.theirs.iter().map(|(_, cost)| get(cost)));
        let _ = writeln!(text, "| {host} | {name} | {our:.2} | {their:.2} | {:.1} |", their / our.max(0.001));
    }
}

fn start_all(host: &Namespace) -> (Vec<Running>, Vec<String>) {
    let (mut running, mut failed) = (Vec::new(), Vec::new());
    for state in SERVICES.iter().filter_map(|name| real::states().find(|state| state.name == *name)) {
        match start_in(state.name, &place(host.name(), state, Some(IpAddr::V4(SERVER)))) {
            Ok(server) => running.push(server),
            Err(error) => {
                let error = error.to_string();
                failed.push(format!("{}: {}", state.name, error.lines().next().unwrap_or_default()));
            }
        }
    }
    (running, failed)
}

/// What both say about each service. The truth is that from loopback; some servers answer other hosts differently.
fn services(text: &mut String, ports: &BTreeSet<u16>, running: &[Running], scan: &Scan) {
    let ours = scan.ours.last().map(|(output, _)| told(output)).unwrap_or_default();
    let theirs = scan.theirs.last().map(|(output, _)| nmap::parse(output)).unwrap_or_default();
    let doors = running.iter().flat_map(|server| {
        let state = real::states().find(move |state| state.name == server.state);
        let at = move |door: Door| Some((door, door.address_in(server)?));
        state.into_iter().flat_map(doors_of).filter_map(at)
    });
    let doors: Vec<(Door, SocketAddr)> =
        doors.filter(|(_, address)| ports.contains(&address.port())).collect();
    let named = doors.iter().filter(|(_, at)| theirs.get(at).is_some_and(Port::probed)).count();
    let right =
        doors.iter().filter(|(door, at)| ours.get(at).is_some_and(|told| told.is_right(door))).count();
    let _ = writeln!(
        text,
        "\nOf {} doors at default ports {right} are judged as from loopback; nmap names {named} by what they answered. \
         Endpoints reported: {}.\n\n\
         | state | port | from loopback | watertight, from another host | it names | nmap names |\n|---|---|---|---|---|---|",
        doors.len(),
        ours.len()
    );
    for (door, address) in &doors {
        let told = ours.get(address);
        let verdict = told.map_or("nothing", |told| told.verdict.as_str());
        let mark = if told.is_some_and(|told| told.is_right(door)) { "" } else { " (differs)" };
        let it_names = told.map(super::told::Told::name).unwrap_or_default();
        let nmap = theirs.get(address).map(|port| port.service.replace('|', "/")).unwrap_or_default();
        let (name, port, expected) = (door.name(), address.port(), door.expected);
        let _ = writeln!(text, "| {name} | {port} | {expected} | {verdict}{mark} | {it_names} | {nmap} |");
    }
}
