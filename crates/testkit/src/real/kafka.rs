//! Kafka without ZooKeeper, broker and controller in one: open, behind SASL beside an open controller, and with an
//! authorizer that leaves strangers nothing but the brokers.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use super::lab::{folder, java};
use super::wire::{expect, read_until};
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child};

const PORTS: &[(&str, u16)] = &[("main", 0), ("controller", 1), ("internal", 2)];

const API_VERSIONS: i16 = 18;
const METADATA: i16 = 3;
const SASL_HANDSHAKE: i16 = 17;
const CREATE_TOPICS: i16 = 19;
const SASL_AUTHENTICATE: i16 = 36;

/// Every state.
pub(super) const STATES: &[State] = &[
    OPEN,
    PROTECTED,
    AUTHORIZER,
    State { name: "kafka4-open", rare: true, start: |launch| start(launch, "kafka4", &open()), ..OPEN },
    State {
        name: "kafka4-protected",
        rare: true,
        start: |launch| start(launch, "kafka4", &protected()),
        ..PROTECTED
    },
];

/// Two topics that everyone reads.
const OPEN: State = State {
    name: "kafka-open",
    ports: PORTS,
    expect: &[("main", "OPEN"), ("controller", "OPEN")],
    start: |launch| start(launch, "kafka", &open()),
    ready: has_a_broker,
    seed: |launch| {
        let answer = ask(launch, 0, &[request(CREATE_TOPICS, 2, &topics())])?;
        created(&answer)?;
        Ok(Seeded::from([("topics", 2), ("partitions", 4)]))
    },
    ..State::PLAIN
};

/// Clients must log in; the controller beside it asks nobody.
const PROTECTED: State = State {
    name: "kafka-protected",
    ports: PORTS,
    expect: &[("main", "PROTECTED"), ("controller", "OPEN")],
    start: |launch| start(launch, "kafka", &protected()),
    ready: |launch| {
        has_mechanisms(launch, 0)?;
        log_in(launch, 0, &[]).map(drop)
    },
    ..State::PLAIN
};

/// Strangers come in without a login and may do nothing.
const AUTHORIZER: State = State {
    name: "kafka-authorizer",
    ports: PORTS,
    expect: &[("main", "OPEN_PARTIAL"), ("controller", "PROTECTED"), ("internal", "PROTECTED")],
    start: |launch| start(launch, "kafka", &authorizer()),
    ready: |launch| has_a_broker(launch),
    seed: |launch| {
        created(&log_in(launch, 2, &[request(CREATE_TOPICS, 2, &topics())])?)?;
        Ok(Seeded::from([("hidden_topics", 2)]))
    },
    ..State::PLAIN
};

/// Which listeners there are, by name and protocol, and further settings.
struct Setup {
    client: &'static str,
    internal: &'static str,
    controller: &'static str,
    more: String,
}

fn open() -> Setup {
    Setup { client: "PLAINTEXT", internal: "PLAINTEXT", controller: "PLAINTEXT", more: String::new() }
}

fn protected() -> Setup {
    let more = sasl(&["client", "internal"]);
    Setup { client: "SASL_PLAINTEXT", internal: "SASL_PLAINTEXT", controller: "PLAINTEXT", more }
}

fn authorizer() -> Setup {
    let more = sasl(&["internal", "controller"])
        + "sasl.mechanism.controller.protocol=PLAIN\nsuper.users=User:lab\n\
           authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n";
    Setup { client: "PLAINTEXT", internal: "SASL_PLAINTEXT", controller: "SASL_PLAINTEXT", more }
}

/// One user, known to the server itself and to us.
fn sasl(listeners: &[&str]) -> String {
    let login = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"lab\" \
                 password=\"lab-secret\" user_lab=\"lab-secret\";";
    let mut text = "sasl.mechanism.inter.broker.protocol=PLAIN\nsasl.enabled.mechanisms=PLAIN\n".to_owned();
    for name in listeners {
        let _ = writeln!(text, "listener.name.{name}.plain.sasl.jaas.config={login}");
    }
    text
}

fn start(launch: &Launch, server: &str, setup: &Setup) -> Result<Vec<Child>, Error> {
    let server = folder(server)?;
    let data = launch.folder("data", Account::Nobody)?;
    for name in ["meta.properties", "bootstrap.checkpoint"] {
        let text = std::fs::read(server.join("formatted").join(name));
        let text = text.map_err(Error::io(format!("read {name}")))?;
        std::fs::write(data.join(name), text).map_err(Error::io(format!("write {name}")))?;
        super::give(&data.join(name), Account::Nobody)?;
    }
    let (host, client, controller, internal) =
        (launch.bind(), launch.port(0), launch.port(1), launch.port(2));
    let config = format!(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@{host}:{controller}\n\
         listeners=CLIENT://{host}:{client},INTERNAL://{host}:{internal},CONTROLLER://{host}:{controller}\n\
         advertised.listeners=CLIENT://{host}:{client},INTERNAL://{host}:{internal}\n\
         listener.security.protocol.map=CLIENT:{},INTERNAL:{},CONTROLLER:{}\n\
         inter.broker.listener.name=INTERNAL\ncontroller.listener.names=CONTROLLER\nlog.dirs={}\n\
         offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n{}",
        setup.client,
        setup.internal,
        setup.controller,
        data.display(),
        setup.more
    );
    let config = launch.write("server.properties", &config)?;
    let mut command = java(launch)?;
    command.arg("-cp").arg(format!("{}/lib/*", server.display())).arg("kafka.Kafka").arg(config);
    Ok(vec![launch.spawn(command)?])
}

fn short(text: &str) -> Vec<u8> {
    [&i16::try_from(text.len()).unwrap_or_default().to_be_bytes(), text.as_bytes()].concat()
}

/// A request in the older form: length, key, version, number, client.
fn request(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let head = [key.to_be_bytes(), version.to_be_bytes()].concat();
    let message = [head, 7_i32.to_be_bytes().to_vec(), short("kit"), body.to_vec()].concat();
    [&i32::try_from(message.len()).unwrap_or_default().to_be_bytes(), message.as_slice()].concat()
}

/// `orders` with three partitions and `payments` with one; ten seconds.
fn topics() -> Vec<u8> {
    let mut body = 2_i32.to_be_bytes().to_vec();
    for (name, partitions) in [("orders", 3_i32), ("payments", 1)] {
        body.extend(short(name));
        body.extend(partitions.to_be_bytes());
        body.extend([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    body.extend(10_000_i32.to_be_bytes());
    body.push(0);
    body
}

/// Both topics without an error.
fn created(answer: &[u8]) -> io::Result<()> {
    let one = |name| [short(name), vec![0, 0]].concat();
    let told = |part: Vec<u8>| answer.windows(part.len()).any(|window| window == part);
    expect("two new topics", answer, told(one("orders")) && told(one("payments")))
}

/// Sends requests one after the other over one connection and returns the last answer.
fn ask(launch: &Launch, port: usize, requests: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let mut stream = launch.dial(port)?;
    let mut last = Vec::new();
    for request in requests {
        stream.write_all(request)?;
        stream.flush()?;
        let whole = |answer: &[u8]| {
            answer.first_chunk().is_some_and(|length| {
                answer.len() as u64 >= u64::from(u32::from_be_bytes(*length)).saturating_add(4)
            })
        };
        last = read_until(&mut stream, whole)?;
    }
    Ok(last)
}

/// Metadata for all topics names at least one broker.
fn has_a_broker(launch: &Launch) -> io::Result<()> {
    let all = [(-1_i32).to_be_bytes().as_slice(), &[0]].concat();
    let answer = ask(launch, 0, &[request(API_VERSIONS, 0, &[]), request(METADATA, 4, &all)])?;
    expect("a broker", &answer, answer.get(12..16) == Some(&[0, 0, 0, 1]))
}

fn has_mechanisms(launch: &Launch, port: usize) -> io::Result<()> {
    let answer = ask(launch, port, &[request(SASL_HANDSHAKE, 1, &short("NONE"))])?;
    expect("error 33", &answer, answer.get(8..10) == Some(&[0, 33]))
}

/// Logs in, then sends the requests.
fn log_in(launch: &Launch, port: usize, requests: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let token = b"\0lab\0lab-secret";
    let token = [&i32::try_from(token.len()).unwrap_or_default().to_be_bytes(), token.as_slice()].concat();
    let mut all = vec![request(SASL_HANDSHAKE, 1, &short("PLAIN")), request(SASL_AUTHENTICATE, 0, &token)];
    all.extend_from_slice(requests);
    let answer = ask(launch, port, &all)?;
    let inside = !requests.is_empty() || answer.get(8..10) == Some(&[0, 0]);
    expect("a login", &answer, inside)?;
    Ok(answer)
}
