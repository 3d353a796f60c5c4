//! Two hundred real servers on one host, none at its own port: which are recognised, at what cost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use testkit::netns::Namespace;
use testkit::real::{self, Running, State, start_in};

use crate::machine::{available_gigabytes, description, publish};
use crate::measure::{self, Cost, median};
use crate::nmap::{self, Port};
use crate::states::{Door, doors_of, place};
use crate::told::{Told, told};

/// How many doors, unless told otherwise.
pub const DOORS: usize = 200;
/// How long nmap may take over the host.
const PATIENCE: &str = "20m";
/// Large servers are started while so much memory is left, in GB.
const ROOM_FOR_LARGE: u64 = 7;
/// Any are started while so much memory is left, in GB.
const ROOM: u64 = 3;

/// What runs in the namespace.
#[derive(Default)]
struct Host {
    running: Vec<Running>,
    doors: BTreeMap<SocketAddr, Door>,
    failed: Vec<String>,
}

/// Starts servers until there are `count` doors, audits the host without naming targets, lets nmap look at the same
/// ports, and writes the table.
///
/// # Errors
/// Not root, or a program is missing.
pub fn run(program: &Path, folder: &Path, runs: usize, count: usize) -> io::Result<()> {
    let before = description();
    let namespace = Namespace::new("strange").map_err(io::Error::other)?;
    let host = start(&namespace, count);
    let enter = format!("--net=/run/netns/{}", namespace.name());
    let inside = ["nsenter", enter.as_str()];
    let ours = [program.display().to_string()].into_iter();
    let ours: Vec<String> =
        ours.chain(["audit", "--quiet", "--no-state", "-o", "ndjson"].map(String::from)).collect();
    let ours: Vec<(String, Cost)> =
        (0..runs).map(|_| measure::run(&inside, &ours)).collect::<io::Result<_>>()?;
    let ports: BTreeSet<u16> = host.doors.keys().map(SocketAddr::port).collect();
    let list = nmap::port_list(&ports);
    let theirs =
        ["nmap", "-n", "-Pn", "-sV", "--host-timeout", PATIENCE, "-oX", "-", "-p", &list, "127.0.0.1"];
    let (report, their_cost) = measure::run(&inside, &theirs)?;
    let mut text = String::new();
    let named = nmap::parse(&report);
    costs(&mut text, &host, &ours, their_cost);
    verdicts(&mut text, &host, &ours, &named);
    publish(folder, "strange-ports", "Servers at ports that are not theirs, on one host", &before, &text)
}

/// Every state once, the large ones while memory suffices; then the small ones again, until there are enough doors.
fn start(namespace: &Namespace, count: usize) -> Host {
    let mut host = Host::default();
    let known = || real::states().filter(|state| !state.expect.is_empty() && !state.alone);
    let (large, small): (Vec<&State>, Vec<&State>) = known().partition(|state| state.rare);
    for (state, room) in
        small.iter().map(|state| (state, ROOM)).chain(large.iter().map(|s| (s, ROOM_FOR_LARGE)))
    {
        if host.doors.len() < count && available_gigabytes() >= room {
            add(&mut host, namespace, state);
        }
    }
    for state in small.iter().cycle().take(small.len() * 8) {
        if host.doors.len() >= count || available_gigabytes() < ROOM {
            break;
        }
        add(&mut host, namespace, state);
    }
    host
}

fn add(host: &mut Host, namespace: &Namespace, state: &'static State) {
    match start_in(state.name, &place(namespace.name(), state, None)) {
        Ok(running) => {
            let at = |door: Door| Some((door.address_in(&running)?, door));
            host.doors.extend(doors_of(state).filter_map(at));
            host.running.push(running);
        }
        Err(error) => {
            let error = error.to_string();
            host.failed.push(format!("{}: {}", state.name, error.lines().next().unwrap_or_default()));
        }
    }
}

fn costs(text: &mut String, host: &Host, ours: &[(String, Cost)], theirs: Cost) {
    let states: BTreeSet<&str> = host.running.iter().map(|running| running.state).collect();
    let _ = writeln!(
        text,
        "{} doors of {} real servers in {} states, at free ports of 127.0.0.1 in one namespace. Ours: `watertight audit` \
         there, without targets, {} runs; nmap: `-n -Pn -sV --host-timeout {PATIENCE}`, told the ports of the doors, one \
         run.\n",
        host.doors.len(),
        host.running.len(),
        states.len(),
        ours.len()
    );
    text.push_str("| figure | watertight | nmap |\n|---|---|---|\n");
    let each = |get: fn(&Cost) -> f64| {
        let runs: Vec<String> = ours.iter().map(|(_, cost)| format!("{:.2}", get(cost))).collect();
        format!("{:.2} ({})", median(ours.iter().map(|(_, cost)| get(cost))), runs.join(", "))
    };
    for (name, get) in [
        ("wall, s", (|cost| cost.wall) as fn(&Cost) -> f64),
        ("CPU, s", Cost::cpu),
        ("peak memory, MB", Cost::megabytes),
    ] {
        let _ = writeln!(text, "| {name} | {} | {:.2} |", each(get), get(&theirs));
    }
    text.push('\n');
    for failed in &host.failed {
        let _ = writeln!(text, "Not started: {failed}\n");
    }
}

fn verdicts(text: &mut String, host: &Host, ours: &[(String, Cost)], theirs: &BTreeMap<SocketAddr, Port>) {
    let (mut table, mut wrong) = (BTreeMap::<&str, Tally>::new(), String::new());
    for (run, (output, _)) in ours.iter().enumerate() {
        let said = told(output);
        for (address, door) in &host.doors {
            let one = said.get(address);
            let tally = table.entry(door.service).or_default();
            let named = one.is_some_and(|one| one.service == door.service);
            let right = one.is_some_and(|one| one.is_right(door));
            tally.doors += usize::from(run == 0);
            tally.named += usize::from(named);
            tally.right += usize::from(right);
            if !right {
                let (name, verdict) =
                    one.map_or((String::new(), "nothing"), |one| (one.name(), &one.verdict));
                let reason = one.map_or("", |one| one.reason.as_str());
                let name_of_door = door.name();
                let _ = writeln!(
                    wrong,
                    "- run {}: {name_of_door} at {}: {name} {verdict}, right is {} {}: {reason}",
                    run + 1,
                    address.port(),
                    door.service,
                    door.expected
                );
            }
        }
    }
    for (address, door) in &host.doors {
        let probed = theirs.get(address).is_some_and(Port::probed);
        table.entry(door.service).or_default().theirs += usize::from(probed);
    }
    let all = host.doors.len() * ours.len();
    let sum = |get: fn(&Tally) -> usize| table.values().map(get).sum::<usize>();
    let _ = writeln!(
        text,
        "watertight, over all runs: {} of {all} named right, {} of {all} judged right. nmap: {} of {} named by what they \
         answered (not checked for being right).\n\n{wrong}",
        sum(|tally| tally.named),
        sum(|tally| tally.right),
        sum(|tally| tally.theirs),
        host.doors.len()
    );
    text.push_str("| service | doors | named, all runs | judged right, all runs | nmap names something |\n|---|---|---|---|---|\n");
    for (service, tally) in &table {
        let Tally { doors, named, right, theirs } = tally;
        let _ = writeln!(text, "| {service} | {doors} | {named} | {right} | {theirs} |");
    }
    others(text, host, ours);
}

/// Counts for one service.
#[derive(Default)]
struct Tally {
    doors: usize,
    named: usize,
    right: usize,
    theirs: usize,
}

/// What was said about listeners whose right verdict is not known, such as the ports of clusters.
fn others(text: &mut String, host: &Host, ours: &[(String, Cost)]) {
    let mut others: BTreeMap<(String, String), usize> = BTreeMap::new();
    let said = ours.last().map(|(output, _)| told(output)).unwrap_or_default();
    for (_, Told { service, verdict, .. }) in said.into_iter().filter(|(at, _)| !host.doors.contains_key(at))
    {
        *others.entry((service, verdict)).or_default() += 1;
    }
    let list: Vec<String> =
        others.iter().map(|((service, verdict), count)| format!("{count} {service} {verdict}")).collect();
    let _ = writeln!(text, "\nOther listeners of these servers, last run: {}.", list.join(", "));
}
