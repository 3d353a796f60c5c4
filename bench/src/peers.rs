//! The real servers in every state, on loopback inside network namespaces: what `watertight audit` concludes and
//! what `nmap` does. Either all on 127.0.0.1 at ports that are no hint, or each at its usual port on an address of
//! its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Instant;

use testkit::netns::Namespace;
use testkit::real::{Running, State, start_in};

use crate::machine::{available_gigabytes, description, publish};
use crate::measure::{self, Cost, median};
use crate::nmap::{self, Port};
use crate::states::{Door, allow_low_ports, batches, doors_of, doors_with_defaults, place};
use crate::told::{Told, told};

/// What nmap is told to run. One of its safe scripts holds a connection to every web server until the server's own
/// time-out, which says nothing about access and takes ten minutes; it is left out.
const SCRIPTS: &str = "(default or safe) and not http-slowloris-check";

/// nmap is run over what has been started as soon as less memory is left, in GB.
const ROOM: u64 = 6;

/// One door of a running server, and what was said about it.
struct Row {
    door: Door,
    with_defaults: bool,
    told: Option<Told>,
    port: Port,
}

/// What all batches brought.
#[derive(Default)]
struct Sum {
    rows: Vec<Row>,
    ours: Vec<Cost>,
    theirs: Cost,
    /// nmap's wall time as it was: several of its runs went on at the same time.
    their_wall: f64,
    failed: Vec<(&'static str, String)>,
    states: usize,
    namespaces: usize,
}

/// A batch that runs, and that nmap has not seen yet.
struct Batch {
    namespace: Namespace,
    _running: BTreeMap<&'static str, Running>,
    addresses: Vec<SocketAddr>,
    /// Where its rows begin.
    first: usize,
}

/// Starts every state, each at its usual port if `usual`, batch by batch; runs our program `runs` times over each while
/// nothing else runs, and nmap once over each, and writes the table.
///
/// # Errors
/// Not root, or a program is missing.
pub fn run(program: &Path, folder: &Path, runs: usize, usual: bool, part: &str) -> io::Result<()> {
    let before = description();
    let mut sum = Sum { ours: vec![Cost::default(); runs], ..Sum::default() };
    let mut held = Vec::new();
    for states in batches(part) {
        held.extend(batch(&mut sum, program, &states, usual)?);
        if available_gigabytes() < ROOM {
            nmap_over(&mut sum, std::mem::take(&mut held))?;
        }
    }
    nmap_over(&mut sum, held)?;
    let mut text = times(&sum);
    table(&mut text, &sum);
    for (state, error) in &sum.failed {
        let _ = writeln!(text, "\nNot started: {state}: {}", error.lines().next().unwrap_or_default());
    }
    let (name, where_) =
        if usual { ("peers-usual-ports", "usual ports") } else { ("peers", "ports that are no hint") };
    publish(folder, name, &format!("Real servers at {where_}, beside nmap"), &before, &text)
}

/// Starts some states in a namespace of their own and asks our program about them.
fn batch(sum: &mut Sum, program: &Path, states: &[&'static State], usual: bool) -> io::Result<Option<Batch>> {
    let namespace = Namespace::new("peers").map_err(io::Error::other)?;
    allow_low_ports(&namespace)?;
    let running = start_all(&namespace, states, usual, &mut sum.failed);
    let at = |door: Door| Some((door, door.address_in(running.get(door.state.name)?)?));
    let targets: Vec<(Door, SocketAddr)> =
        states.iter().flat_map(|state| doors_of(state)).filter_map(at).collect();
    if targets.is_empty() {
        return Ok(None);
    }
    let addresses: Vec<SocketAddr> = targets.iter().map(|(_, address)| *address).collect();
    let enter = format!("--net=/run/netns/{}", namespace.name());
    let inside = ["nsenter", enter.as_str()];
    let mut output = String::new();
    for cost in &mut sum.ours {
        let (said, one) = measure::run(&inside, &our_command(program, &addresses, &[]))?;
        (output, *cost) = (said, cost.and(one));
    }
    let first = sum.rows.len();
    sum.rows.extend(rows(&targets, &output, false));
    let defaults: Vec<_> =
        states.iter().flat_map(|state| doors_with_defaults(state)).filter_map(at).collect();
    if !defaults.is_empty() {
        let addresses: Vec<SocketAddr> = defaults.iter().map(|(_, address)| *address).collect();
        let (said, _) = measure::run(&inside, &our_command(program, &addresses, &["--try-defaults"]))?;
        sum.rows.extend(rows(&defaults, &said, true));
    }
    sum.states += running.len();
    sum.namespaces += 1;
    eprintln!("{} of {} states, {} doors", running.len(), states.len(), targets.len());
    Ok(Some(Batch { namespace, _running: running, addresses, first }))
}

/// What our program said about some doors.
fn rows(targets: &[(Door, SocketAddr)], output: &str, with_defaults: bool) -> Vec<Row> {
    let said = told(output);
    let row = |(door, address): &(Door, SocketAddr)| Row {
        door: *door,
        with_defaults,
        told: said.get(address).cloned(),
        port: Port::default(),
    };
    targets.iter().map(row).collect()
}

/// Runs nmap over the batches, all at the same time: it waits far more than it computes.
fn nmap_over(sum: &mut Sum, batches: Vec<Batch>) -> io::Result<()> {
    let started = Instant::now();
    let ask = |batch: &Batch| {
        let enter = format!("--net=/run/netns/{}", batch.namespace.name());
        measure::run(&["nsenter", enter.as_str()], &their_command(&batch.addresses))
    };
    let reports: Vec<io::Result<(String, Cost)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = batches.iter().map(|batch| scope.spawn(move || ask(batch))).collect();
        let failed = |_| Err(io::Error::other("a thread failed"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(failed)).collect()
    });
    sum.their_wall += started.elapsed().as_secs_f64();
    for (batch, report) in batches.iter().zip(reports) {
        let (report, cost) = report?;
        sum.theirs = sum.theirs.and(cost);
        let ports = nmap::parse(&report);
        for (row, address) in sum.rows.iter_mut().skip(batch.first).zip(&batch.addresses) {
            row.port = ports.get(address).cloned().unwrap_or_default();
        }
    }
    Ok(())
}

/// One after the other, so that two cores suffice.
fn start_all(
    namespace: &Namespace,
    states: &[&'static State],
    usual: bool,
    failed: &mut Vec<(&'static str, String)>,
) -> BTreeMap<&'static str, Running> {
    let mut running: BTreeMap<&'static str, Running> = BTreeMap::new();
    for (index, state) in states.iter().enumerate() {
        let store = running.get("elasticsearch8-open").map(|store| store.address);
        let own = Ipv4Addr::new(127, 0, 1, u8::try_from(index + 1).unwrap_or(u8::MAX));
        // A server whose port cannot be chosen has its usual one anyway, and a namespace of its own.
        let chosen = usual && state.fixed.is_none();
        let mut place = place(namespace.name(), state, chosen.then_some(IpAddr::V4(own)));
        place.upstream = store.filter(|_| state.name == "elasticsearch-nginx-protected");
        let mut started = start_in(state.name, &place);
        if started.is_err() && place.port.is_some() {
            // Some listen on a second port of every address: then only the first of a kind gets its usual one.
            place.port = None;
            started = start_in(state.name, &place);
        }
        match started {
            Ok(server) => {
                running.insert(state.name, server);
            }
            Err(error) => failed.push((state.name, error.to_string())),
        }
    }
    running
}

fn our_command(program: &Path, targets: &[SocketAddr], more: &[&str]) -> Vec<String> {
    let mut command = vec![program.display().to_string()];
    command.extend(["audit", "--quiet", "--no-state", "-o", "ndjson"].map(String::from));
    command.extend(more.iter().map(ToString::to_string));
    command.extend(targets.iter().map(ToString::to_string));
    command
}

fn their_command(targets: &[SocketAddr]) -> Vec<String> {
    let ports: BTreeSet<u16> = targets.iter().map(SocketAddr::port).collect();
    let hosts: BTreeSet<String> = targets.iter().map(|target| target.ip().to_string()).collect();
    let words = ["nmap", "-n", "-Pn", "-sV", "--script", SCRIPTS, "-oX", "-", "-p"];
    let mut command: Vec<String> = words.map(String::from).to_vec();
    command.push(nmap::port_list(&ports));
    command.extend(hosts);
    command
}

fn times(sum: &Sum) -> String {
    let ours = &sum.ours;
    let mut text = format!(
        "{} doors of {} states in {} namespaces. Ours: one namespace after the other, medians of {} runs. nmap: \
         `-n -Pn -sV --script \"{SCRIPTS}\"`, told the same addresses and ports, one run over each namespace, several of \
         them at the same time, {:.0} s from start to end. Times are sums over the namespaces, memory is the greatest.\n\n\
         | figure | watertight | nmap | ratio |\n|---|---|---|---|\n",
        sum.rows.iter().filter(|row| !row.with_defaults).count(),
        sum.states,
        sum.namespaces,
        ours.len(),
        sum.their_wall
    );
    for (name, get) in [
        ("wall, s", (|cost| cost.wall) as fn(&Cost) -> f64),
        ("CPU, s", Cost::cpu),
        ("peak memory, MB", Cost::megabytes),
    ] {
        let (our, their) = (median(ours.iter().map(get)), get(&sum.theirs));
        let _ = writeln!(text, "| {name} | {our:.2} | {their:.2} | {:.1} |", their / our.max(0.001));
    }
    text.push('\n');
    text
}

/// What nmap says about access, and whether it shows it.
fn shown(row: &Row) -> String {
    let access = row.port.access();
    if !access.is_empty() {
        return format!("shown by {}", access.join(", "));
    }
    let spoke = row.port.spoke();
    if row.with_defaults {
        "-".to_owned()
    } else if spoke.is_empty() {
        "not told".to_owned()
    } else {
        format!("not told ({})", spoke.join(", "))
    }
}

fn table(text: &mut String, sum: &Sum) {
    let (mut rows, mut wrong) = (String::new(), String::new());
    let (mut right, mut open, mut seen, mut named) = (0, 0, 0, 0);
    for row in &sum.rows {
        let Row { door, told, port, .. } = row;
        let verdict = told.as_ref().map_or("nothing", |told| told.verdict.as_str());
        let is_right = told.as_ref().is_some_and(|told| told.is_right(door));
        right += usize::from(is_right);
        let lets_in = door.lets_in() && !row.with_defaults;
        open += usize::from(lets_in);
        seen += usize::from(lets_in && !port.access().is_empty());
        named += usize::from(port.probed());
        let name = door.name() + if row.with_defaults { ", `--try-defaults`" } else { "" };
        let it_names = told.as_ref().map(Told::name).unwrap_or_default();
        if !is_right {
            let reason = told.as_ref().map_or("", |told| told.reason.as_str());
            let _ = writeln!(
                wrong,
                "- {name}: {it_names} {verdict}, right is {} {}: {reason}",
                door.service, door.expected
            );
        }
        let mark = if is_right { "" } else { " **wrong**" };
        let service = if port.service.is_empty() { "-" } else { &port.service };
        let _ = writeln!(
            rows,
            "| {name} | {} | {verdict}{mark} | {} | {} | {} |",
            door.expected.replace('|', " or "),
            cell(&it_names),
            cell(service),
            cell(&shown(row))
        );
    }
    let asked = sum.rows.iter().filter(|row| !row.with_defaults).count();
    let defaults = sum.rows.len() - asked;
    let _ = writeln!(
        text,
        "watertight: {right} of {} verdicts right ({defaults} of them with `--try-defaults`).\n{wrong}",
        sum.rows.len()
    );
    let _ = writeln!(
        text,
        "nmap: {named} of {asked} doors named by what they answered; access without a secret shown by a script at {seen} \
         of the {open} doors that let a stranger in.\n"
    );
    text.push_str(
        "| state | truth | watertight | it names | nmap names | nmap on access without a secret |\n",
    );
    text.push_str("|---|---|---|---|---|---|\n");
    text.push_str(&rows);
}

/// Text that fits into a cell.
fn cell(text: &str) -> String {
    text.replace('|', "/").replace('\n', " ").trim().chars().take(90).collect()
}
