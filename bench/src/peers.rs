//! The real servers in every state, on loopback inside a network namespace: what `watertight audit` concludes and
//! what `nmap` does. Either all on 127.0.0.1 at ports that are no hint, or each at its usual port on an address of
//! its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::Value;
use testkit::netns::Namespace;
use testkit::real::{Place, Running, start_in};

use crate::machine::{description, publish};
use crate::measure::{self, Cost, median};
use crate::nmap::{self, Port};
use crate::states::{DOORS, Door, states};

/// What nmap is told to run. One of its safe scripts holds a connection to every web server until the server's own
/// time-out, which says nothing about access and takes ten minutes; it is left out.
const SCRIPTS: &str = "(default or safe) and not http-slowloris-check";

/// One door of a running server.
struct Target {
    door: &'static Door,
    address: SocketAddr,
}

/// What watertight said about a port.
struct Told {
    service: String,
    version: String,
    verdict: String,
}

/// Starts every state, each at its usual port if `usual`, runs both programs `runs` times, and writes the table.
///
/// # Errors
/// Not root, or a program is missing.
pub fn run(program: &Path, folder: &Path, runs: usize, usual: bool) -> io::Result<()> {
    let before = description();
    let namespace = Namespace::new("peers").map_err(io::Error::other)?;
    let (running, failed) = start_all(&namespace, usual);
    let targets: Vec<Target> = DOORS
        .iter()
        .filter_map(|door| {
            let server = running.get(door.state)?;
            Some(Target { door, address: SocketAddr::new(server.address.ip(), door.port_of(server)?) })
        })
        .collect();
    let enter = format!("--net=/run/netns/{}", namespace.name());
    let inside = ["nsenter", enter.as_str()];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        ours.push(measure::run(&inside, &our_command(program, &targets))?);
        theirs.push(measure::run(&inside, &their_command(&targets))?);
    }
    let told = ours.last().map(|(output, _)| told_by_address(output)).unwrap_or_default();
    let ports = theirs.last().map(|(output, _)| nmap::parse(output)).unwrap_or_default();
    let mut text = times(&targets, &ours, &theirs);
    table(&mut text, &targets, &told, &ports);
    for (state, error) in failed {
        let _ = writeln!(text, "\nNot started: {state}: {}", error.lines().next().unwrap_or_default());
    }
    let (name, where_) =
        if usual { ("peers-usual-ports", "usual ports") } else { ("peers", "ports that are no hint") };
    publish(folder, name, &format!("Real servers at {where_}, beside nmap"), &before, &text)
}

/// One after the other, so that two cores suffice.
fn start_all(
    namespace: &Namespace,
    usual: bool,
) -> (BTreeMap<&'static str, Running>, Vec<(&'static str, String)>) {
    let mut running: BTreeMap<&'static str, Running> = BTreeMap::new();
    let mut failed = Vec::new();
    for (index, state) in states().into_iter().enumerate() {
        let store = running.get("elasticsearch8-open").map(|store| store.address);
        let upstream = if state == "elasticsearch-nginx-protected" { store } else { None };
        let mut place = Place { netns: Some(namespace.name().to_owned()), upstream, ..Place::default() };
        if usual {
            place.port = DOORS.iter().find(|door| door.state == state).map(|door| door.port);
            place.bind = IpAddr::V4(Ipv4Addr::new(127, 0, 1, u8::try_from(index + 1).unwrap_or(u8::MAX)));
        }
        // Some listen on a second port of every address: then only the first of a kind gets its usual one.
        let started =
            start_in(state, &place).or_else(|_| start_in(state, &Place { port: None, ..place.clone() }));
        match started {
            Ok(server) => {
                running.insert(state, server);
            }
            Err(error) => failed.push((state, error.to_string())),
        }
    }
    (running, failed)
}

fn our_command(program: &Path, targets: &[Target]) -> Vec<String> {
    let mut command = vec![program.display().to_string()];
    command.extend(["audit", "--quiet", "--no-state", "-o", "ndjson"].map(String::from));
    command.extend(targets.iter().map(|target| target.address.to_string()));
    command
}

fn their_command(targets: &[Target]) -> Vec<String> {
    let ports: BTreeSet<String> = targets.iter().map(|target| target.address.port().to_string()).collect();
    let hosts: BTreeSet<String> = targets.iter().map(|target| target.address.ip().to_string()).collect();
    let words = ["nmap", "-n", "-Pn", "-sV", "--script", SCRIPTS, "-oX", "-", "-p"];
    let mut command: Vec<String> = words.map(String::from).to_vec();
    command.push(ports.into_iter().collect::<Vec<_>>().join(","));
    command.extend(hosts);
    command
}

fn told_by_address(output: &str) -> BTreeMap<SocketAddr, Told> {
    let records = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let exposures = records.filter(|record| record.get("type").is_some_and(|kind| kind == "exposure"));
    exposures
        .filter_map(|record| {
            let text =
                |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
            let address = text("/asset/address").strip_prefix("tcp://")?.parse().ok()?;
            Some((
                address,
                Told { service: text("/service"), version: text("/version"), verdict: text("/verdict") },
            ))
        })
        .collect()
}

fn times(targets: &[Target], ours: &[(String, Cost)], theirs: &[(String, Cost)]) -> String {
    let wall = |runs: &[(String, Cost)]| median(runs.iter().map(|(_, cost)| cost.wall));
    let cpu = |runs: &[(String, Cost)]| median(runs.iter().map(|(_, cost)| cost.cpu()));
    let peak = |runs: &[(String, Cost)]| median(runs.iter().map(|(_, cost)| cost.megabytes()));
    let mut text = format!(
        "{} doors of {} states, medians of {} runs each, alternating. nmap: `-n -Pn -sV --script \"{SCRIPTS}\"`, \
         told the same addresses and ports.\n\n| figure | watertight | nmap | ratio |\n|---|---|---|---|\n",
        targets.len(),
        states().len(),
        ours.len()
    );
    let figures = [
        ("wall, s", wall(ours), wall(theirs)),
        ("CPU, s", cpu(ours), cpu(theirs)),
        ("peak memory, MB", peak(ours), peak(theirs)),
    ];
    for (name, our, their) in figures {
        let _ = writeln!(text, "| {name} | {our:.2} | {their:.2} | {:.1} |", their / our.max(0.001));
    }
    text.push('\n');
    text
}

fn table(
    text: &mut String,
    targets: &[Target],
    told: &BTreeMap<SocketAddr, Told>,
    ports: &BTreeMap<SocketAddr, Port>,
) {
    let mut rows = String::new();
    let (mut right, mut open, mut seen) = (0, 0, 0);
    for target in targets {
        let door = target.door;
        let ours = told.get(&target.address);
        let verdict = ours.map_or("nothing", |told| told.verdict.as_str());
        let is_right = ours.is_some_and(|told| told.verdict == door.verdict && told.service == door.service);
        right += usize::from(is_right);
        let port = ports.get(&target.address).cloned().unwrap_or_default();
        let access = port.access();
        let lets_in = matches!(door.verdict, "OPEN" | "OPEN_PARTIAL");
        open += usize::from(lets_in);
        seen += usize::from(lets_in && !access.is_empty());
        let shown = if access.is_empty() {
            let spoke = port.spoke();
            let also = if spoke.is_empty() {
                String::new()
            } else {
                format!(" ({} tells no access)", spoke.join(", "))
            };
            format!("not told{also}")
        } else {
            format!("shown by {}", access.join(", "))
        };
        let version = ours.map(|told| format!("{} {}", told.service, told.version)).unwrap_or_default();
        let mark = if is_right { "" } else { " **wrong**" };
        let service = if port.service.is_empty() { "-" } else { &port.service };
        let _ = writeln!(
            rows,
            "| {} | {} | {verdict}{mark} | {} | {} | {shown} |",
            door.name(),
            door.verdict,
            cell(&version),
            cell(service)
        );
    }
    let _ = writeln!(text, "watertight: {right} of {} verdicts right. ", targets.len());
    let _ = writeln!(
        text,
        "nmap: access without a secret shown by a script at {seen} of the {open} doors that let a stranger in.\n"
    );
    text.push_str(
        "| state | truth | watertight | it names | nmap names | nmap on access without a secret |\n",
    );
    text.push_str("|---|---|---|---|---|---|\n");
    text.push_str(&rows);
}

/// Text that fits into a cell.
fn cell(text: &str) -> String {
    text.replace('|', "/").trim().chars().take(60).collect()
}
