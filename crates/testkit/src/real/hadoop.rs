//! Apache Hadoop and HBase: open as they come, with the login that believes every name, and with Kerberos.

use std::path::Path;

use super::lab::{folder, java};
use super::wire::Request;
use super::{Error, Launch, State, give};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] =
    &[HDFS_OPEN, HDFS_NAMES, HDFS_KERBEROS, HDFS_DATANODE, YARN_OPEN, YARN_NAMES, HBASE_OPEN];

const FILES: &str = "/webhdfs/v1/?op=LISTSTATUS";
const CLUSTER: &str = "/ws/v1/cluster/info";

/// A NameNode as it comes: nobody logs in.
const HDFS_OPEN: State = State {
    name: "hdfs-open",
    expect: &[("main", "OPEN")],
    start: |launch| Ok(vec![name_node(launch, &[])?]),
    ready: |launch| launch.http(0, &Request::get(FILES))?.expect(200, "FileStatuses").map(drop),
    ..NAME_NODE
};

/// A NameNode with the login `simple`: a name is demanded, and every name is believed.
const HDFS_NAMES: State = State {
    name: "hdfs-protected",
    expect: &[("main", "OPEN")],
    start: |launch| Ok(vec![name_node(launch, NAMES)?]),
    ready: |launch| {
        launch.http(0, &Request::get(FILES))?.expect(401, "PseudoAuth")?;
        let path = format!("{FILES}&user.name=lab");
        launch.http(0, &Request::get(&path))?.expect(200, "FileStatuses").map(drop)
    },
    ..NAME_NODE
};

/// A NameNode whose web server demands Kerberos. There is no KDC, so nobody at all gets in.
const HDFS_KERBEROS: State = State {
    name: "hdfs-kerberos",
    expect: &[("main", "PROTECTED")],
    start: |launch| {
        let file = launch.write_secret("http.keytab", "", Account::Nobody)?;
        std::fs::write(&file, keytab()).map_err(Error::io("write a keytab"))?;
        launch.write("krb5.conf", "[libdefaults]\ndefault_realm = LAB\n")?;
        let settings = [
            FILTER,
            ("hadoop.http.authentication.type", "kerberos"),
            ("hadoop.http.authentication.kerberos.principal", "HTTP/localhost@LAB"),
            ("hadoop.http.authentication.kerberos.keytab", &file.display().to_string()),
        ];
        Ok(vec![name_node(launch, &settings)?])
    },
    ready: |launch| launch.http(0, &Request::get(FILES))?.expect(401, "Negotiate").map(drop),
    ..NAME_NODE
};

/// A NameNode with a DataNode, which has a web server of its own.
const HDFS_DATANODE: State = State {
    name: "hdfs-datanode",
    ports: &[("http", 0), ("rpc", 1), ("datanode", 2), ("transfer", 3), ("ipc", 4)],
    expect: &[("main", "OPEN"), ("datanode", "OPEN")],
    start: |launch| Ok(vec![data_node(launch)?, name_node(launch, &[])?]),
    ready: |launch| {
        launch.http(0, &Request::get(FILES))?.expect(200, "FileStatuses")?;
        launch.http(2, &Request::get("/index.html"))?.expect(200, "").map(drop)
    },
    ..NAME_NODE
};

/// A ResourceManager as it comes: nobody logs in.
const YARN_OPEN: State = State {
    name: "yarn-open",
    expect: &[("main", "OPEN")],
    start: |launch| Ok(vec![resource_manager(launch, &[])?]),
    ready: |launch| launch.http(0, &Request::get(CLUSTER))?.expect(200, "STARTED").map(drop),
    ..RESOURCE_MANAGER
};

/// A ResourceManager with the login `simple`.
const YARN_NAMES: State = State {
    name: "yarn-protected",
    expect: &[("main", "OPEN")],
    start: |launch| Ok(vec![resource_manager(launch, NAMES)?]),
    ready: |launch| {
        launch.http(0, &Request::get(CLUSTER))?.expect(401, "PseudoAuth")?;
        let path = format!("{CLUSTER}?user.name=lab");
        launch.http(0, &Request::get(&path))?.expect(200, "STARTED").map(drop)
    },
    ..RESOURCE_MANAGER
};

/// HBase's master with its region server, and the REST gateway with its own page.
const HBASE_OPEN: State = State {
    name: "hbase-open",
    ports: &[
        ("master", 0),
        ("rest", 1),
        ("restpage", 2),
        ("zookeeper", 3),
        ("masterrpc", 4),
        ("regionrpc", 5),
        ("regionpage", 6),
    ],
    expect: &[("main", "OPEN"), ("rest", "OPEN"), ("restpage", "OPEN_PARTIAL")],
    start: start_hbase,
    ready: |launch| {
        launch
            .http(0, &Request::get("/jmx?qry=Hadoop:service=HBase,name=Master,sub=Server"))?
            .expect(200, "numRegionServers")?;
        launch
            .http(1, &Request::get("/no-such-table/schema"))?
            .expect(404, "TableNotFoundException")
            .map(drop)
    },
    rare: true,
    ..State::PLAIN
};

const NAME_NODE: State = State { ports: &[("http", 0), ("rpc", 1)], rare: true, ..State::PLAIN };
const RESOURCE_MANAGER: State = State {
    ports: &[("http", 0), ("clients", 1), ("scheduler", 2), ("tracker", 3), ("admin", 4)],
    rare: true,
    ..State::PLAIN
};

type Setting<'a> = (&'a str, &'a str);

const FILTER: Setting<'static> =
    ("hadoop.http.filter.initializers", "org.apache.hadoop.security.AuthenticationFilterInitializer");
const NAMES: &[Setting<'static>] = &[
    FILTER,
    ("hadoop.http.authentication.type", "simple"),
    ("hadoop.http.authentication.simple.anonymous.allowed", "false"),
];

/// A file of settings, as every daemon of this kin reads them.
fn configure(launch: &Launch, file: &str, settings: &[Setting<'_>]) -> Result<(), Error> {
    let property = |(name, value): &Setting<'_>| {
        format!("<property><name>{name}</name><value>{value}</value></property>\n")
    };
    let text: String = settings.iter().map(property).collect();
    launch.write(file, &format!("<configuration>\n{text}</configuration>\n")).map(drop)
}

/// A daemon of Hadoop, its configuration in the folder `conf`.
fn hadoop(launch: &Launch, conf: &Path, main: &str) -> Result<Child, Error> {
    let mut command = java(launch)?;
    command.args(["-Xmx256m", "--add-opens", "java.base/java.lang=ALL-UNNAMED"]);
    command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    command.arg(format!("-Djava.security.krb5.conf={}", launch.data.join("krb5.conf").display()));
    let lib = folder("hadoop")?.join("lib/*");
    command.arg("-cp").arg(format!("{}:{}", conf.display(), lib.display())).arg(main);
    launch.spawn(command)
}

fn name_node(launch: &Launch, http: &[Setting<'_>]) -> Result<Child, Error> {
    let conf = launch.folder("namenode", Account::Nobody)?;
    let names = launch.folder("names", Account::Nobody)?;
    copy(&folder("hadoop")?.join("formatted"), &names)?;
    let (files, scratch) = (format!("hdfs://{}", launch.address(1)), launch.data.join("scratch"));
    let (page, names, scratch) =
        (launch.address(0).to_string(), names.display().to_string(), scratch.display().to_string());
    let mut core = vec![("fs.defaultFS", files.as_str()), ("hadoop.tmp.dir", scratch.as_str())];
    core.extend(http);
    configure(launch, "namenode/core-site.xml", &core)?;
    let site = [
        ("dfs.namenode.http-address", page.as_str()),
        ("dfs.namenode.name.dir", names.as_str()),
        ("dfs.namenode.safemode.extension", "0"),
    ];
    configure(launch, "namenode/hdfs-site.xml", &site)?;
    hadoop(launch, &conf, "org.apache.hadoop.hdfs.server.namenode.NameNode")
}

fn data_node(launch: &Launch) -> Result<Child, Error> {
    let conf = launch.folder("datanode", Account::Nobody)?;
    let blocks = launch.folder("blocks", Account::Nobody)?.display().to_string();
    let files = format!("hdfs://{}", launch.address(1));
    configure(launch, "datanode/core-site.xml", &[("fs.defaultFS", &files)])?;
    let address = |index: usize| launch.address(index).to_string();
    let site = [
        ("dfs.datanode.http.address", &*address(2)),
        ("dfs.datanode.address", &*address(3)),
        ("dfs.datanode.ipc.address", &*address(4)),
        ("dfs.datanode.data.dir", &blocks),
    ];
    configure(launch, "datanode/hdfs-site.xml", &site)?;
    hadoop(launch, &conf, "org.apache.hadoop.hdfs.server.datanode.DataNode")
}

fn resource_manager(launch: &Launch, http: &[Setting<'_>]) -> Result<Child, Error> {
    let conf = launch.folder("manager", Account::Nobody)?;
    let scratch = launch.folder("scratch", Account::Nobody)?;
    let scratch = scratch.display().to_string();
    let mut core = vec![("hadoop.tmp.dir", scratch.as_str())];
    core.extend(http);
    configure(launch, "manager/core-site.xml", &core)?;
    let address = |index: usize| launch.address(index).to_string();
    let store = format!("file://{scratch}/attributes");
    let site = [
        ("yarn.resourcemanager.webapp.address", &*address(0)),
        ("yarn.resourcemanager.address", &*address(1)),
        ("yarn.resourcemanager.scheduler.address", &*address(2)),
        ("yarn.resourcemanager.resource-tracker.address", &*address(3)),
        ("yarn.resourcemanager.admin.address", &*address(4)),
        (
            "yarn.resourcemanager.scheduler.class",
            "org.apache.hadoop.yarn.server.resourcemanager.scheduler.fifo.FifoScheduler",
        ),
        ("yarn.node-attribute.fs-store.root-dir", &store),
    ];
    configure(launch, "manager/yarn-site.xml", &site)?;
    hadoop(launch, &conf, "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager")
}

/// Master, region server and ZooKeeper in one process; the gateway in another.
fn start_hbase(launch: &Launch) -> Result<Vec<Child>, Error> {
    let conf = launch.folder("conf", Account::Nobody)?;
    let root = format!("file://{}", launch.folder("root", Account::Nobody)?.display());
    let scratch = launch.folder("scratch", Account::Nobody)?.display().to_string();
    let (ip, port) = (launch.place.bind.to_string(), |index: usize| launch.port(index).to_string());
    let settings = [
        ("hbase.rootdir", root.as_str()),
        ("hbase.tmp.dir", &scratch),
        ("hbase.unsafe.stream.capability.enforce", "false"),
        ("hbase.cluster.distributed", "false"),
        // Among themselves they talk over loopback, and call each other "localhost".
        ("hbase.zookeeper.quorum", "127.0.0.1"),
        ("hbase.zookeeper.property.clientPort", &port(3)),
        ("hbase.master.hostname", "localhost"),
        ("hbase.regionserver.hostname", "localhost"),
        ("hbase.master.ipc.address", "127.0.0.1"),
        ("hbase.regionserver.ipc.address", "127.0.0.1"),
        ("hbase.master.port", &port(4)),
        ("hbase.master.info.port", &port(0)),
        ("hbase.master.info.bindAddress", &ip),
        ("hbase.regionserver.port", &port(5)),
        ("hbase.regionserver.info.port", &port(6)),
        ("hbase.regionserver.info.bindAddress", &ip),
        ("hbase.rest.port", &port(1)),
        ("hbase.rest.host", &ip),
        ("hbase.rest.info.port", &port(2)),
        ("hbase.rest.info.bindAddress", &ip),
    ];
    configure(launch, "conf/hbase-site.xml", &settings)?;
    let layout = "log4j.appender.out=org.apache.log4j.ConsoleAppender\nlog4j.appender.out.layout=org.apache.log4j.SimpleLayout\n";
    launch.write("conf/log4j.properties", &format!("log4j.rootLogger=WARN,out\n{layout}"))?;
    let daemon = |main: &str| {
        let mut command = java(launch)?;
        command.arg("-Xmx384m");
        command.args(
            ["java.lang", "java.nio", "sun.nio.ch", "jdk.internal.ref", "java.util.concurrent"]
                .map(|package| format!("--add-opens=java.base/{package}=ALL-UNNAMED")),
        );
        command.args([
            "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
            "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
        ]);
        let lib = folder("hbase")?.join("lib/*");
        command.arg("-cp").arg(format!("{}:{}", conf.display(), lib.display())).args([main, "start"]);
        launch.spawn(command)
    };
    let master = daemon("org.apache.hadoop.hbase.master.HMaster")?;
    Ok(vec![daemon("org.apache.hadoop.hbase.rest.RESTServer")?, master])
}

/// Copies an empty file system: a few small files below `current`.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let doing = || Error::io(format!("copy {}", from.display()));
    for entry in std::fs::read_dir(from).map_err(doing())? {
        let entry = entry.map_err(doing())?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).map_err(doing())?;
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).map_err(doing())?;
        }
        give(&target, Account::Nobody)?;
    }
    Ok(())
}

/// One key of `HTTP/localhost@LAB`, AES 256: <https://web.mit.edu/kerberos/krb5-latest/doc/formats/keytab_file_format.html>.
fn keytab() -> Vec<u8> {
    let counted = |text: &str| [&[0, u8::try_from(text.len()).unwrap_or_default()], text.as_bytes()].concat();
    let mut entry = vec![0, 2];
    for part in ["LAB", "HTTP", "localhost"] {
        entry.extend(counted(part));
    }
    // Type of name, time, version of the key, kind of encryption, length of the key.
    entry.extend([0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 18, 0, 32]);
    entry.extend([7; 32]);
    let length = u32::try_from(entry.len()).unwrap_or_default().to_be_bytes();
    [&[5, 2], length.as_slice(), &entry].concat()
}
