//! Cassandra 5.0, and the older lines that need Java 11: open, and with logins, the first superuser's as it came.

use std::io::{self, Write as _};

use super::lab::{folder, java, java11};
use super::wire::{expect, read_until};
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child};

/// Clients, other nodes, management.
const PORTS: &[(&str, u16)] = &[("main", 0), ("nodes", 1), ("jmx", 2)];

const ALLOW_ALL: &str = "";
const LOGINS: &str = "authenticator: PasswordAuthenticator\nauthorizer: CassandraAuthorizer\n";

/// Every state.
pub(super) const STATES: &[State] = &[
    OPEN,
    PROTECTED,
    State { name: "cassandra4-open", rare: true, start: |l| start(l, "cassandra4", ALLOW_ALL), ..OPEN },
    State {
        name: "cassandra4-protected",
        rare: true,
        start: |l| start(l, "cassandra4", LOGINS),
        ..PROTECTED
    },
    State { name: "cassandra3-open", rare: true, start: |l| start(l, "cassandra3", ALLOW_ALL), ..OPEN },
    State {
        name: "cassandra3-protected",
        rare: true,
        start: |l| start(l, "cassandra3", LOGINS),
        ..PROTECTED
    },
];

/// Everyone is let in.
const OPEN: State = State {
    name: "cassandra-open",
    ports: PORTS,
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, "cassandra", ALLOW_ALL),
    ready: |launch| said(&talk(launch, &[startup()])?, READY),
    seed: |launch| {
        let make =
            "CREATE KEYSPACE lab WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";
        said(&talk(launch, &[startup(), query(make)])?, RESULT)?;
        Ok(Seeded::from([("keyspaces", 1)]))
    },
    ..State::PLAIN
};

/// Logins are demanded, and nobody has changed the first one.
const PROTECTED: State = State {
    name: "cassandra-protected",
    ports: PORTS,
    expect: &[("main", "PROTECTED")],
    with_defaults: &[("main", "DEFAULT_CREDENTIAL")],
    start: |launch| start(launch, "cassandra", LOGINS),
    ready: |launch| said(&talk(launch, &[startup(), login()])?, AUTH_SUCCESS),
    ..State::PLAIN
};

const READY: u8 = 0x02;
const RESULT: u8 = 0x08;
const AUTH_SUCCESS: u8 = 0x10;

/// What Cassandra opens and exports of Java itself, as its own start script does.
const EXPORTS: &[&str] = &[
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
];
const OPENS: &[&str] = &[
    "java.base/java.lang.module",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.util.jar",
    "jdk.management/com.sun.management.internal",
    "java.base/sun.nio.ch",
    "java.base/java.io",
    "java.base/java.nio",
    "java.base/java.util.concurrent",
    "java.base/java.util",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.lang",
    "java.base/java.math",
    "java.base/java.lang.reflect",
    "java.base/java.net",
];

fn configure(launch: &Launch, more: &str) -> Result<String, Error> {
    let data = launch.folder("data", Account::Nobody)?;
    let (data, host) = (data.display(), launch.bind());
    launch.write(
        "logback.xml",
        "<configuration><appender name=\"out\" class=\"ch.qos.logback.core.ConsoleAppender\"><encoder>\
         <pattern>%-5level %msg%n</pattern></encoder></appender><root level=\"WARN\"><appender-ref ref=\"out\"/>\
         </root></configuration>\n",
    )?;
    let config = launch.write(
        "cassandra.yaml",
        &format!(
            "cluster_name: lab\nnum_tokens: 1\npartitioner: org.apache.cassandra.dht.Murmur3Partitioner\n\
             commitlog_sync: periodic\ncommitlog_sync_period_in_ms: 10000\nendpoint_snitch: SimpleSnitch\n\
             data_file_directories: [ {data}/files ]\ncommitlog_directory: {data}/commits\n\
             saved_caches_directory: {data}/caches\nhints_directory: {data}/hints\ncdc_raw_directory: {data}/raw\n\
             seed_provider:\n  - class_name: org.apache.cassandra.locator.SimpleSeedProvider\n    \
             parameters: [ {{ seeds: \"{host}\" }} ]\nlisten_address: {host}\nstorage_port: {}\n\
             rpc_address: {host}\nstart_native_transport: true\nnative_transport_port: {}\n{more}",
            launch.port(1),
            launch.port(0),
        ),
    )?;
    Ok(config.display().to_string())
}

fn start(launch: &Launch, name: &str, more: &str) -> Result<Vec<Child>, Error> {
    let server = folder(name)?;
    // 3.11 has an older protocol beside the native one, at a fixed port.
    let thrift = if name == "cassandra3" { "start_rpc: false\n" } else { "" };
    let config = configure(launch, &format!("{more}{thrift}"))?;
    let mut command = if name == "cassandra" { java(launch)? } else { java11(launch)? };
    let jars = std::fs::read_dir(server.join("lib")).map_err(Error::io("list the jars"))?.flatten();
    let agent = jars.map(|jar| jar.path()).find(|jar| jar.display().to_string().contains("/jamm-"));
    let agent = agent.ok_or_else(|| Error::NotInstalled(format!("{name}'s library jamm")))?;
    command.args(["-Xss512k", "-Djdk.attach.allowAttachSelf=true"]);
    command.arg(format!("-javaagent:{}", agent.display()));
    command.args(EXPORTS.iter().map(|part| format!("--add-exports={part}=ALL-UNNAMED")));
    command.args(OPENS.iter().map(|part| format!("--add-opens={part}=ALL-UNNAMED")));
    command.arg(format!("-Dcassandra.config=file://{config}"));
    command.arg(format!("-Dcassandra.storagedir={}", launch.data.join("data").display()));
    command.arg(format!("-Dcassandra.jmx.local.port={}", launch.port(2)));
    command.args(["-Dcassandra.skip_wait_for_gossip_to_settle=0", "-Dcassandra.superuser_setup_delay_ms=0"]);
    command.args([
        "-Dcassandra.ring_delay_ms=1",
        // It measures its own memory at every start, with as many rows as this.
        "-Dcassandra.memtable_row_overhead_computation_step=100",
        "-Dcassandra-foreground=yes",
        "-Djava.net.preferIPv4Stack=true",
    ]);
    command.arg("-cp").arg(format!("{}:{}/lib/*", launch.data.display(), server.display()));
    command.arg("org.apache.cassandra.service.CassandraDaemon");
    Ok(vec![launch.spawn(command)?])
}

/// A request of version 4 of the native protocol.
fn frame(opcode: u8, body: &[u8]) -> Vec<u8> {
    [&[4, 0, 0, 1, opcode], u32::try_from(body.len()).unwrap_or_default().to_be_bytes().as_slice(), body]
        .concat()
}

fn startup() -> Vec<u8> {
    frame(0x01, b"\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0")
}

fn long(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap_or_default().to_be_bytes(), text].concat()
}

fn query(statement: &str) -> Vec<u8> {
    frame(0x07, &[long(statement.as_bytes()), vec![0, 1, 0]].concat())
}

/// The first superuser.
fn login() -> Vec<u8> {
    frame(0x0f, &long(b"\0cassandra\0cassandra"))
}

/// Says requests one after the other and returns the last answer.
fn talk(launch: &Launch, requests: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let mut stream = launch.dial(0)?;
    let mut last = Vec::new();
    for request in requests {
        stream.write_all(request)?;
        stream.flush()?;
        let whole = |answer: &[u8]| {
            let length =
                answer.get(5..).and_then(<[u8]>::first_chunk).map(|length| u32::from_be_bytes(*length));
            length.is_some_and(|length| answer.len() as u64 >= u64::from(length).saturating_add(9))
        };
        last = read_until(&mut stream, whole)?;
    }
    Ok(last)
}

fn said(answer: &[u8], opcode: u8) -> io::Result<()> {
    expect(&format!("opcode {opcode:#x}"), answer, answer.get(4) == Some(&opcode))
}
