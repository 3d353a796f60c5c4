//! Starts every state there is. Takes minutes and needs root, so it is asked for by name:
//! `cargo test -p watertight-testkit -- --ignored --nocapture`, with `WATERTIGHT_STATES=redis` for a part.

use std::io::BufRead as _;
use std::path::PathBuf;

use super::*;
use crate::netns::Namespace;

fn wanted() -> impl Iterator<Item = &'static State> {
    let part = std::env::var("WATERTIGHT_STATES").unwrap_or_default();
    states().filter(move |state| state.name.contains(&part))
}

/// Two hosts: the server's, at 198.51.100.1, and a client's.
fn two_hosts() -> (Namespace, Namespace) {
    let (server, client) = (Namespace::new("server").unwrap(), Namespace::new("client").unwrap());
    Namespace::pair(&server, &client, "198.51.100.1/30", "198.51.100.2/30").unwrap();
    (server, client)
}

fn inside(server: &Namespace) -> Place {
    let bind = IpAddr::from([198, 51, 100, 1]);
    Place { netns: Some(server.name().into()), bind, ..Place::default() }
}

/// The living processes that belong to one of the groups or were started with a path below `data`.
fn leftovers(groups: &[u32], data: &Path) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    numbers
        .filter_map(|entry| {
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let mut fields = stat.rsplit(')').next()?.split_whitespace();
            let dead = fields.next()? == "Z";
            let group: u32 = fields.nth(1)?.parse().ok()?;
            let words = std::fs::read(entry.path().join("cmdline")).ok()?;
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            // A process that is just ending has no memory any more, so no command line.
            let dead = dead || words.is_empty();
            let ours = groups.contains(&group) || words.contains(&*data.to_string_lossy());
            // One without a command line has given its memory back: it ends.
            (ours && !dead && !words.is_empty()).then(|| format!("{} {words}", entry.file_name().display()))
        })
        .collect()
}

fn stops_clean(running: Running) {
    let (groups, data): (Vec<u32>, PathBuf) = (running.processes(), running.data().into());
    assert_ne!(leftovers(&groups, &data), Vec::<String>::new(), "nothing runs");
    running.stop();
    assert_eq!(leftovers(&groups, &data), Vec::<String>::new(), "processes are left");
    assert!(!data.exists(), "{} is left", data.display());
}

/// The states of the test below: each kind of process tree there is, and one of each account.
const TREES: &[&str] = &[
    "redis-open",
    "postgres-open",
    "mariadb-open",
    "docker-open",
    "elasticsearch6-open",
    "elasticsearch-nginx-protected",
];

/// Not a test: what [`a_killed_test_run_leaves_no_process`] kills. Started alone it does nothing.
#[test]
#[ignore = "helper"]
fn holds_servers_until_it_is_killed() {
    if std::env::var_os("WATERTIGHT_HOLD").is_none() {
        return;
    }
    // From a thread that ends at once, as a test's own thread does: that must not end the servers.
    let start_all = || TREES.iter().map(|state| start(state).unwrap()).collect::<Vec<Running>>();
    let servers = std::thread::spawn(start_all).join().unwrap();
    for server in &servers {
        println!("held {:?} {}", server.processes(), server.data().display());
        assert!(server.children.iter().all(|child| child.exited().is_none()), "{} ended", server.state);
    }
    println!("held all");
    std::thread::sleep(PATIENCE);
}

#[test]
#[ignore = "starts many servers: half a minute, root"]
fn a_killed_test_run_leaves_no_process() {
    let name = "real::tests::holds_servers_until_it_is_killed";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", name]).env("WATERTIGHT_HOLD", "1");
    let mut held = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufReader::new(held.stdout.take().unwrap()).lines().map_while(Result::ok);
    let lines = lines.take_while(|line| line != "held all").filter(|line| line.starts_with("held "));
    let folders: Vec<PathBuf> = lines.map(|line| line.rsplit(' ').next().unwrap().into()).collect();
    assert_eq!(folders.len(), TREES.len());
    held.kill().unwrap();
    held.wait().unwrap();
    let left = || folders.iter().flat_map(|folder| leftovers(&[], folder)).collect::<Vec<String>>();
    let gone = || if left().is_empty() { Ok(()) } else { Err(io::Error::other(left().join("\n"))) };
    poll(Instant::now() + Duration::from_secs(10), gone).unwrap();
    delete_orphans();
    assert_eq!(folders.iter().filter(|folder| folder.exists()).count(), 0, "{folders:?}");
}

fn report(failures: &[String]) {
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
#[ignore = "starts every server: minutes, root"]
fn every_state_starts_and_stops() {
    let mut failures = Vec::new();
    for state in wanted() {
        let hosts = state.everywhere.then(two_hosts);
        let place = hosts.as_ref().map_or_else(Place::default, |(server, _)| inside(server));
        match start_in(state.name, &place) {
            Ok(running) => {
                println!("{:<32} {:5.1} s  {:?}", state.name, running.took.as_secs_f64(), running.seeded);
                stops_clean(running);
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    report(&failures);
}

#[test]
#[ignore = "starts every server in a namespace: minutes, root"]
fn every_state_starts_in_a_namespace() {
    let (server, _client) = two_hosts();
    let mut failures = Vec::new();
    for state in wanted() {
        match start_in(state.name, &inside(&server)) {
            Ok(running) => {
                println!("{:<32} {:5.1} s  {:?}", state.name, running.took.as_secs_f64(), running.address);
                stops_clean(running);
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    report(&failures);
}

#[test]
fn names_are_unique_and_ports_start_with_the_main_one() {
    for (index, state) in states().enumerate() {
        assert!(states().skip(index + 1).all(|other| other.name != state.name), "{} twice", state.name);
        assert_eq!(state.ports[0].1, 0, "{}", state.name);
    }
}

#[test]
fn a_server_is_kept_where_nothing_outside_reaches_it() {
    let refused = |state: &str, bind: [u8; 4]| {
        let place = Place { bind: bind.into(), ..Place::default() };
        matches!(start_in(state, &place), Err(Error::WrongPlace(_)))
    };
    assert!(refused("redis-open", [0, 0, 0, 0]));
    assert!(refused("redis-open", [198, 51, 100, 1]));
    assert!(refused("redis-denied", [127, 0, 0, 1]));
}

#[test]
fn no_two_launches_get_the_same_ports() {
    let ports: Vec<u16> = (0..20)
        .flat_map(|_| free_ports(clickhouse::STATES.first().unwrap(), &Place::default()).unwrap())
        .collect();
    let mut distinct = ports.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), ports.len());
}
