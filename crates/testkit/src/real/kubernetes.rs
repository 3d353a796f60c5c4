//! The API server of Kubernetes with its own etcd: strangers as administrators, strangers with the rights that they are
//! given by default, and strangers refused altogether.

use std::io;

use super::certs::Authority;
use super::wire::{Request, Trust};
use super::{Error, Launch, State, etcd, lab};
use crate::process::{Account, Child};

/// An administrator's token.
const ADMIN: &str = "Bearer lab-token";
const NAMESPACES: &str = "/api/v1/namespaces?limit=1";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
/// Makes administrators of all strangers.
const EVERYONE: &str = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding",
    "metadata":{"name":"lab-open"},
    "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},
    "subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"system:unauthenticated"}]}"#;

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, ALWAYS];

/// What all states have in common. The store beside the server is open: who reaches it needs no API.
const API: State = State {
    ports: &[("api", 0), ("store", 1), ("peer", 2)],
    expect: &[("main", "PROTECTED"), ("store", "OPEN")],
    rare: true,
    ..State::PLAIN
};

/// `cluster-admin` is bound to the group of all who show no credential.
const OPEN: State = State {
    name: "kube-apiserver-open",
    expect: &[("main", "OPEN"), ("store", "OPEN")],
    start: |launch| start(launch, "RBAC"),
    ready: |launch| {
        ready(launch)?;
        let refused = match ask(launch, NAMESPACES, None)?.expect(200, "NamespaceList") {
            Ok(_) => return Ok(()),
            Err(refused) => refused,
        };
        // The right takes a moment to be known, and until then this is said again.
        let bind = Request {
            login: Some(ADMIN),
            trust: trust(launch),
            ..Request::with_body("POST", BINDINGS, EVERYONE)
        };
        launch.http(0, &bind)?;
        Err(refused)
    },
    ..API
};

/// As clusters are installed: strangers read the version, and nothing else.
const PROTECTED: State = State {
    name: "kube-apiserver-protected",
    start: |launch| start(launch, "RBAC"),
    ready: |launch| {
        ready(launch)?;
        ask(launch, NAMESPACES, None)?.expect(403, "system:anonymous").map(drop)
    },
    ..API
};

/// Everything is allowed, it seems; but then the server lets no stranger in.
const ALWAYS: State = State {
    name: "kube-apiserver-alwaysallow",
    start: |launch| start(launch, "AlwaysAllow"),
    ready: |launch| {
        ready(launch)?;
        ask(launch, NAMESPACES, None)?.expect(401, "Unauthorized").map(drop)
    },
    ..API
};

fn trust(launch: &Launch) -> Option<Trust> {
    Some(Trust { authority: launch.data.join("ca.pem"), identity: None })
}

fn ask(launch: &Launch, path: &str, login: Option<&str>) -> io::Result<super::wire::Answer> {
    launch.http(0, &Request { login, trust: trust(launch), ..Request::get(path) })
}

fn ready(launch: &Launch) -> io::Result<()> {
    ask(launch, "/readyz", Some(ADMIN))?.expect(200, "ok").map(drop)
}

fn start(launch: &Launch, mode: &str) -> Result<Vec<Child>, Error> {
    let program = lab::folder("kube-apiserver")?.join("kube-apiserver");
    let store = etcd::run(launch, &etcd::built("etcd36")?, [1, 2], &[])?;
    Authority::new(launch)?.issue(launch, "server", Account::Nobody)?;
    let tokens = launch.write_secret("tokens.csv", "lab-token,lab,lab,system:masters\n", Account::Nobody)?;
    let (certificate, key) = (launch.data.join("server.pem"), launch.data.join("server.key"));
    let bind = launch.place.bind;
    let mut command = launch.command(Account::Nobody, &program.display().to_string())?;
    for (name, value) in [
        ("etcd-servers", format!("http://{}", launch.address(1))),
        ("bind-address", bind.to_string()),
        ("advertise-address", bind.to_string()),
        ("secure-port", launch.port(0).to_string()),
        ("tls-cert-file", certificate.display().to_string()),
        ("tls-private-key-file", key.display().to_string()),
        ("token-auth-file", tokens.display().to_string()),
        ("authorization-mode", mode.to_owned()),
        ("anonymous-auth", "true".to_owned()),
        ("endpoint-reconciler-type", "none".to_owned()),
        ("service-cluster-ip-range", "10.96.0.0/24".to_owned()),
        ("service-account-issuer", "https://kubernetes.default.svc".to_owned()),
        ("service-account-signing-key-file", key.display().to_string()),
        ("service-account-key-file", certificate.display().to_string()),
    ] {
        command.arg(format!("--{name}={value}"));
    }
    // The server before its store, so that it is also ended before.
    Ok(vec![launch.spawn(command)?, store])
}
