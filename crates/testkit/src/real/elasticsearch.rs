//! Elasticsearch 2 to 8 and OpenSearch 2: open, behind a login, and with a guest account.
//!
//! Elasticsearch 2, 5 and 6 are whole distributions. The others are the server's libraries with a main class of
//! our own (their distributions are in no registry), so only OpenSearch, whose security is a plugin, has a
//! login here.

use std::io;
use std::path::PathBuf;

use super::certs::Authority;
use super::lab::{folder, java};
use super::wire::{Request, Trust};
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child};

const PORTS: &[(&str, u16)] = &[("http", 0), ("transport", 1)];
const INDICES: &str = "/_cat/indices?format=json";
/// `admin:admin-secret` and `admin:admin` (OpenSearch's default), in base64 as the header has them.
const LOGIN6: &str = "Basic YWRtaW46YWRtaW4tc2VjcmV0";
const LOGIN_OPENSEARCH: &str = "Basic YWRtaW46YWRtaW4=";
/// The same `admin-secret` as the file realm keeps it (bcrypt).
const USERS6: &str = "admin:$2a$10$6n5FxFKbBjuJ7OfzTNndSuo.K8d8Yf4NFCRZ/0qa.g/fVQzQzWN5S\n";
const SECURITY6: &str = "xpack.security.enabled: true\n";
const GUEST_ROLE6: &str = "xpack.security.authc.anonymous: { username: anon_user, roles: monitoring_user }\n";
const LOGGING: &str = "status = error\nappender.out.type = Console\nappender.out.name = out\n\
                       appender.out.layout.type = PatternLayout\n\
                       appender.out.layout.pattern = %d %p %c{1} %m%n\n\
                       rootLogger.level = info\nrootLogger.appenderRef.out.ref = out\n";

/// Every state.
pub(super) const STATES: &[State] = &[
    OPEN2,
    OPEN5,
    OPEN6,
    PROTECTED6,
    GUEST6,
    OPEN7,
    OPEN8,
    OPENSEARCH2_OPEN,
    OPENSEARCH2_PROTECTED,
    OPENSEARCH2_GUEST,
];

/// 2.4, open.
const OPEN2: State = State {
    name: "elasticsearch2-open",
    expect: &[("main", "OPEN")],
    start: |launch| start_old(launch, "elasticsearch2"),
    ready: open,
    ..NODE
};

/// 5.6, open.
const OPEN5: State = State {
    name: "elasticsearch5-open",
    expect: &[("main", "OPEN")],
    start: |launch| start_old(launch, "elasticsearch5"),
    ready: open,
    ..NODE
};

/// 6.8: everyone may read and write.
const OPEN6: State = State {
    name: "elasticsearch6-open",
    expect: &[("main", "OPEN")],
    start: |launch| start6(launch, ""),
    ready: open,
    seed,
    ..NODE
};

/// 6.8 with x-pack security: a login for every path.
const PROTECTED6: State = State {
    name: "elasticsearch6-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start6(launch, SECURITY6),
    ready: |launch| {
        get(launch, "/", None)?.expect(401, "WWW-Authenticate: Basic realm=\"security\"")?;
        get(launch, INDICES, Some(LOGIN6))?.expect(200, "").map(drop)
    },
    ..NODE
};

/// 6.8 with x-pack security and a guest account: `GET /` is answered, the data are not.
const GUEST6: State = State {
    name: "elasticsearch6-guest",
    expect: &[("main", "OPEN_PARTIAL")],
    start: |launch| start6(launch, &format!("{SECURITY6}{GUEST_ROLE6}")),
    ready: |launch| {
        get(launch, "/", None)?.expect(200, "cluster_name")?;
        get(launch, INDICES, None)?.expect(403, "anon_user").map(drop)
    },
    ..NODE
};

/// 7.17, open.
const OPEN7: State = State {
    name: "elasticsearch7-open",
    expect: &[("main", "OPEN")],
    start: |launch| start_open(launch, "elasticsearch7"),
    ready: open,
    seed,
    ..NODE
};

/// 8.7, open.
pub(super) const OPEN8: State = State {
    name: "elasticsearch8-open",
    expect: &[("main", "OPEN")],
    start: |launch| start_open(launch, "elasticsearch8"),
    ready: open,
    seed,
    ..NODE
};

/// OpenSearch 2.19 without the security plugin.
const OPENSEARCH2_OPEN: State = State {
    name: "opensearch2-open",
    expect: &[("main", "OPEN")],
    start: |launch| start_open(launch, "opensearch2"),
    ready: open,
    seed,
    ..NODE
};

/// OpenSearch 2.19 with the security plugin and its demonstration users (`admin`/`admin`), over HTTPS.
const OPENSEARCH2_PROTECTED: State = State {
    name: "opensearch2-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| start_secured(launch, false),
    ready: |launch| {
        let trust = Some(Trust { authority: launch.data.join("ca.pem"), identity: None });
        let request = Request { trust, ..Request::get(INDICES) };
        launch.http(0, &request)?.expect(401, "Unauthorized")?;
        launch.http(0, &Request { login: Some(LOGIN_OPENSEARCH), ..request })?.expect(200, "").map(drop)
    },
    ..NODE
};

/// The same with anonymous access, whose default role may read nothing; plain HTTP.
const OPENSEARCH2_GUEST: State = State {
    name: "opensearch2-guest",
    expect: &[("main", "OPEN_PARTIAL")],
    start: |launch| start_secured(launch, true),
    ready: |launch| {
        get(launch, INDICES, None)?.expect(403, "opendistro_security_anonymous")?;
        get(launch, INDICES, Some(LOGIN_OPENSEARCH))?.expect(200, "").map(drop)
    },
    ..NODE
};

const NODE: State = State { ports: PORTS, ..State::PLAIN };

fn get(launch: &Launch, path: &str, login: Option<&str>) -> io::Result<super::wire::Answer> {
    launch.http(0, &Request { login, ..Request::get(path) })
}

fn open(launch: &Launch) -> io::Result<()> {
    get(launch, INDICES, None)?.expect(200, "[").map(drop)
}

/// An index `customers` with five documents.
fn seed(launch: &Launch) -> io::Result<Seeded> {
    let send = |path: &str, body: &str, status: u16| {
        launch.http(0, &Request::with_body("PUT", path, body))?.expect(status, "")
    };
    let shape = r#"{"settings":{"number_of_shards":1,"number_of_replicas":0}}"#;
    send("/customers", shape, 200)?;
    for n in 1..=5 {
        send(&format!("/customers/_doc/{n}?refresh=true"), &format!(r#"{{"n":{n}}}"#), 201)?;
    }
    Ok(Seeded::from([("indices", 1), ("documents", 5)]))
}

/// Writes the configuration folder: settings in `PRODUCT.yml`, logging to standard output.
fn configure(launch: &Launch, product: &str, settings: &str) -> Result<PathBuf, Error> {
    let config = launch.folder("config", Account::Nobody)?;
    let folder = |name: &str| Ok::<_, Error>(launch.folder(name, Account::Nobody)?.display().to_string());
    // Other nodes are not looked for (`single-node`), and a disk that is almost full is no concern of a test.
    let common = format!(
        "node.name: lab\ncluster.name: lab\npath.data: {}\npath.logs: {}\nhttp.host: \"{}\"\nhttp.port: {}\n\
         transport.host: 127.0.0.1\ndiscovery.type: single-node\n\
         cluster.routing.allocation.disk.threshold_enabled: false\n",
        folder("data")?,
        folder("logs")?,
        launch.place.bind,
        launch.port(0),
    );
    launch.write(&format!("config/{product}.yml"), &format!("{common}{settings}"))?;
    launch.write("config/log4j2.properties", LOGGING)?;
    Ok(config)
}

/// 2 and 5: other words for the same settings, and their own logging configuration.
fn start_old(launch: &Launch, server: &str) -> Result<Vec<Child>, Error> {
    let home = folder(server)?.join("home");
    let config = launch.folder("config", Account::Nobody)?;
    launch.folder("config/scripts", Account::Nobody)?;
    for name in ["logging.yml", "log4j2.properties"] {
        if let Ok(text) = std::fs::read_to_string(home.join("config").join(name)) {
            launch.write(&format!("config/{name}"), &text)?;
        }
    }
    let folder = |name: &str| Ok::<_, Error>(launch.folder(name, Account::Nobody)?.display().to_string());
    let settings = format!(
        "node.name: lab\ncluster.name: lab\npath.data: {}\npath.logs: {}\nnetwork.host: \"{}\"\nhttp.port: {}\n\
         transport.tcp.port: {}\ndiscovery.zen.ping.unicast.hosts: []\n",
        folder("data")?,
        folder("logs")?,
        launch.place.bind,
        launch.port(0),
        launch.port(1),
    );
    launch.write("config/elasticsearch.yml", &settings)?;
    let mut command = java(launch)?;
    command.args(["-Djna.nosys=true", "-Dio.netty.noUnsafe=true", "-Dlog4j2.disable.jmx=true"]);
    command.arg(format!("-Des.path.home={}", home.display()));
    for name in ["es.path.conf", "es.default.path.conf"] {
        command.arg(format!("-D{name}={}", config.display()));
    }
    command.arg("-cp").arg(home.join("lib/*")).arg("org.elasticsearch.bootstrap.Elasticsearch");
    // The command line of 2 has a verb.
    command.args((server == "elasticsearch2").then_some("start"));
    Ok(vec![launch.spawn(command)?])
}

fn start6(launch: &Launch, settings: &str) -> Result<Vec<Child>, Error> {
    let home = folder("elasticsearch6")?.join("home");
    // Its own word for the port. Machine learning is off, since its program was left out.
    let own = format!("transport.tcp.port: {}\nxpack.ml.enabled: false\n", launch.port(1));
    let config = configure(launch, "elasticsearch", &format!("{own}{settings}"))?;
    for name in ["users", "users_roles", "roles.yml", "role_mapping.yml"] {
        let text = match name {
            "users" => USERS6,
            "users_roles" => "superuser:admin\n",
            _ => "",
        };
        launch.write(&format!("config/{name}"), text)?;
    }
    let mut command = java(launch)?;
    command.args(["-Djna.nosys=true", "-Dio.netty.noUnsafe=true", "-Dlog4j2.disable.jmx=true"]);
    command.args(["-Djdk.io.permissionsUseCanonicalPath=true", "-Djava.awt.headless=true"]);
    command.arg(format!("-Des.path.home={}", home.display()));
    command.arg(format!("-Des.path.conf={}", config.display()));
    command.arg("-cp").arg(home.join("lib/*")).arg("org.elasticsearch.bootstrap.Elasticsearch");
    Ok(vec![launch.spawn(command)?])
}

fn start_open(launch: &Launch, server: &str) -> Result<Vec<Child>, Error> {
    let product = server.trim_end_matches(|last: char| last.is_ascii_digit());
    let config = configure(launch, product, &format!("transport.port: {}\n", launch.port(1)))?;
    start_node(launch, server, "home", config)
}

/// Runs the main class that the installation script made.
fn start_node(launch: &Launch, server: &str, home: &str, config: PathBuf) -> Result<Vec<Child>, Error> {
    let server = folder(server)?;
    let mut command = java(launch)?;
    command.args(["-Dio.netty.noUnsafe=true", "-Dlog4j2.disable.jmx=true"]);
    command.arg(format!("-Dlog4j.configurationFile={}", config.join("log4j2.properties").display()));
    command.arg("-cp").arg(format!("{0}:{0}/lib/*", server.display())).arg("Main");
    command.arg(server.join(home)).arg(config);
    Ok(vec![launch.spawn(command)?])
}

fn start_secured(launch: &Launch, guest: bool) -> Result<Vec<Child>, Error> {
    let authority = Authority::new(launch)?;
    authority.issue(launch, "node", Account::Nobody)?;
    let tls = |layer: &str| {
        let file = |name: &str| launch.data.join("config").join(name).display().to_string();
        let prefix = format!("plugins.security.ssl.{layer}");
        format!(
            "{prefix}.pemcert_filepath: {}\n{prefix}.pemkey_filepath: {}\n\
             {prefix}.pemtrustedcas_filepath: {}\n",
            file("node.pem"),
            file("node.key"),
            file("ca.pem")
        )
    };
    let settings = format!(
        "transport.port: {}\n{}{}plugins.security.ssl.http.enabled: {}\n\
         plugins.security.ssl.transport.enforce_hostname_verification: false\n\
         plugins.security.allow_default_init_securityindex: true\n\
         plugins.security.authcz.admin_dn: [\"CN=admin\"]\nplugins.security.nodes_dn: [\"CN=node\"]\n",
        launch.port(1),
        tls("transport"),
        tls("http"),
        !guest,
    );
    let config = configure(launch, "opensearch", &settings)?;
    // It reads certificates only from below its configuration folder.
    for name in ["ca.pem", "node.pem", "node.key"] {
        let (from, to) = (launch.data.join(name), config.join(name));
        let doing = Error::io(format!("put {name} into {}", config.display()));
        std::fs::hard_link(from, to).map_err(doing)?;
    }
    copy_security(launch, guest)?;
    start_node(launch, "opensearch2", "secured", config)
}

/// The plugin's own demonstration configuration, with or without anonymous access.
fn copy_security(launch: &Launch, guest: bool) -> Result<(), Error> {
    let source = folder("opensearch2")?.join("secured/plugins/opensearch-security/config");
    launch.folder("config/opensearch-security", Account::Nobody)?;
    let doing = || Error::io(format!("copy from {}", source.display()));
    for entry in std::fs::read_dir(&source).map_err(doing())? {
        let entry = entry.map_err(doing())?;
        let text = std::fs::read_to_string(entry.path()).map_err(doing())?;
        let text = match guest {
            true => text.replace("anonymous_auth_enabled: false", "anonymous_auth_enabled: true"),
            false => text,
        };
        launch.write(&format!("config/opensearch-security/{}", entry.file_name().display()), &text)?;
    }
    Ok(())
}
