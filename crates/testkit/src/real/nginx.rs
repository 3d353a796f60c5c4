//! nginx with basic authentication in front of an open server: nothing shows what is behind it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::wire::Request;
use super::{Error, Launch, Place, State, elasticsearch};
use crate::process::{Account, Child};

/// `admin:secret`, in base64 as the header has it.
const LOGIN: &str = "Basic YWRtaW46c2VjcmV0";

/// Every state.
pub(super) const STATES: &[State] = &[PROTECTED];

/// In front of [`Place::upstream`], or of an Elasticsearch 8 that it starts for itself.
const PROTECTED: State = State {
    name: "elasticsearch-nginx-protected",
    expect: &[("main", "PROTECTED")],
    ports: &[("http", 0), ("upstream", 1), ("transport", 2)],
    start,
    ready: |launch| {
        launch.http(0, &Request::get("/_cat/indices"))?.expect(401, "Basic realm=\"Restricted\"")?;
        let request = Request { login: Some(LOGIN), ..Request::get("/_cat/indices") };
        launch.http(0, &request)?.expect(200, "").map(drop)
    },
    ..State::PLAIN
};

fn start(launch: &Launch) -> Result<Vec<Child>, Error> {
    let mut children = Vec::new();
    let upstream = match launch.place.upstream {
        Some(address) => address,
        None => {
            let (address, server) = start_upstream(launch)?;
            children.extend(server);
            address
        }
    };
    launch.write("users", "admin:{PLAIN}secret\n")?;
    let config = launch.write("nginx.conf", &config(launch, upstream)?)?;
    let mut command = launch.command(Account::Nobody, "nginx")?;
    command.args(["-e", "stderr", "-p"]).arg(&launch.data).arg("-c").arg(config);
    // Before the server behind it, so that it is also ended before.
    children.insert(0, launch.spawn(command)?);
    Ok(children)
}

fn start_upstream(launch: &Launch) -> Result<(SocketAddr, Vec<Child>), Error> {
    let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let data = launch.folder("upstream", Account::Nobody)?;
    let place = Place { bind, upstream: None, ..launch.place.clone() };
    let (ports, log) = (vec![launch.port(1), launch.port(2)], launch.log.clone());
    let behind = Launch { state: launch.state, place, ports, data, log };
    let children = (elasticsearch::OPEN8.start)(&behind)?;
    Ok((behind.address(0), children))
}

/// One process, since a master that is killed would leave its workers behind.
fn config(launch: &Launch, upstream: SocketAddr) -> Result<String, Error> {
    let scratch = launch.folder("scratch", Account::Nobody)?;
    let (scratch, data) = (scratch.display(), launch.data.display());
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {scratch}/{kind};\n"))
        .collect();
    let listen = launch.address(0);
    Ok(format!(
        "daemon off;\nmaster_process off;\npid {scratch}/pid;\nerror_log stderr;\n\
         events {{ worker_connections 64; }}\n\
         http {{\n  access_log off;\n{paths}  \
         server {{\n    listen {listen};\n    location / {{\n      auth_basic \"Restricted\";\n      \
         auth_basic_user_file {data}/users;\n      proxy_pass http://{upstream};\n    }}\n  }}\n}}\n"
    ))
}
