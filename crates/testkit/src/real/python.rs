//! Servers that are Python packages: Jupyter, MLflow, Airflow, Chroma, Ray, Flower and Milvus Lite.
//!
//! Each has a virtual environment in the lab folder, and is started as a module by the interpreter there.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use super::lab::folder;
use super::wire::{Request, expect};
use super::{Error, Launch, Seeded, State};
use crate::process::{Account, Child, run};

const OPEN: &[(&str, &str)] = &[("main", "OPEN")];
const PROTECTED: &[(&str, &str)] = &[("main", "PROTECTED")];
const BASIC: &str = "Basic YWRtaW46bGFiLXNlY3JldC0xMjM0NQ==";
/// What asks Chroma for the number of collections.
const COUNT: &str = "/api/v2/tenants/default_tenant/databases/default_database/collections_count";
/// What asks MLflow for an experiment that is there from the start.
const EXPERIMENT: &str = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default";

/// Every state.
pub(super) const STATES: &[State] = &[
    State {
        name: "jupyter-open",
        expect: OPEN,
        start: |launch| jupyter(launch, ""),
        ready: |launch| ask(launch, "/api/kernels", None, 200, "[]"),
        ..State::PLAIN
    },
    State {
        name: "jupyter-protected",
        expect: PROTECTED,
        start: |launch| jupyter(launch, "lab-secret-token"),
        ready: |launch| {
            ask(launch, "/api/kernels", None, 403, "Forbidden")?;
            ask(launch, "/api/kernels", Some("token lab-secret-token"), 200, "[]")
        },
        ..State::PLAIN
    },
    State {
        name: "mlflow-open",
        start: |launch| mlflow(launch, false),
        ready: |launch| ask(launch, EXPERIMENT, None, 200, "Default"),
        ..RARE_OPEN
    },
    State {
        name: "mlflow-protected",
        start: |launch| mlflow(launch, true),
        ready: demands_basic,
        ..RARE_PROTECTED
    },
    State {
        name: "airflow-open",
        start: |launch| airflow(launch, true),
        ready: |launch| ask(launch, "/api/v2/dags?limit=1", None, 200, "total_entries"),
        ..RARE_OPEN
    },
    State {
        name: "airflow-protected",
        start: |launch| airflow(launch, false),
        ready: |launch| ask(launch, "/api/v2/dags?limit=1", None, 401, "Not authenticated"),
        ..RARE_PROTECTED
    },
    State {
        name: "chroma-open",
        start: |launch| chroma(launch, "chroma", &["-c", "from chromadb.cli.cli import app; app()"]),
        ready: |launch| ask(launch, COUNT, None, 200, "0"),
        seed: |launch| {
            let path = COUNT.trim_end_matches("_count");
            launch.http(0, &Request::with_body("POST", path, r#"{"name":"lab"}"#))?.expect(200, "lab")?;
            Ok(Seeded::from([("collections", 1)]))
        },
        ..RARE_OPEN
    },
    State {
        name: "chroma06-open",
        start: |launch| chroma(launch, "chroma06", &["-m", "chromadb.cli.cli"]),
        ready: |launch| ask(launch, COUNT, None, 200, "0"),
        ..RARE_OPEN
    },
    State {
        name: "chroma06-protected",
        start: |launch| chroma(launch, "chroma06", &["-m", "chromadb.cli.cli"]),
        ready: |launch| {
            ask(launch, COUNT, None, 403, "AuthError")?;
            ask(launch, COUNT, Some("Bearer lab-secret-token"), 200, "0")
        },
        ..RARE_PROTECTED
    },
    State {
        name: "milvus-lite-open",
        start: milvus_lite,
        // A server of HTTP/2 sends its settings before it is asked anything.
        ready: |launch| {
            let heard = launch.talk(b"", |heard| heard.len() >= 9)?;
            expect("the settings of HTTP/2", &heard, heard.get(3) == Some(&4))
        },
        seed: milvus_seed,
        ..RARE_OPEN
    },
    State {
        name: "ray-open",
        start: |launch| ray(launch, "disabled"),
        ready: |launch| ask(launch, "/api/jobs/", None, 200, "[]"),
        everywhere: true,
        alone: true,
        ..RARE_OPEN
    },
    State {
        name: "ray-protected",
        start: |launch| ray(launch, "token"),
        ready: |launch| ask(launch, "/api/jobs/", None, 401, "Missing authentication token"),
        everywhere: true,
        alone: true,
        ..RARE_PROTECTED
    },
    // As it comes: the API is off, the pages show everything.
    State { name: "flower-open", start: |launch| flower(launch, "false", None), ..FLOWER },
    State {
        name: "flower-open-api",
        start: |launch| flower(launch, "true", None),
        ready: |launch| ask(launch, "/api/workers", None, 200, "{}"),
        ..FLOWER
    },
    State {
        name: "flower-protected",
        expect: PROTECTED,
        start: |launch| flower(launch, "false", Some("admin:lab-secret-12345")),
        ready: |launch| {
            ask(launch, "/workers", None, 401, "Access denied")?;
            ask(launch, "/workers", Some(BASIC), 200, "Flower")
        },
        ..FLOWER
    },
];

const RARE_OPEN: State = State { rare: true, expect: OPEN, ..State::PLAIN };
const RARE_PROTECTED: State = State { rare: true, expect: PROTECTED, ..State::PLAIN };
const FLOWER: State = State {
    ports: &[("main", 0), ("broker", 1)],
    ready: |launch| {
        ask(launch, "/workers", None, 200, "Flower")?;
        ask(launch, "/api/workers", None, 401, "FLOWER_UNAUTHENTICATED_API")
    },
    ..RARE_OPEN
};

fn ask(launch: &Launch, path: &str, login: Option<&str>, status: u16, part: &str) -> io::Result<()> {
    launch.http(0, &Request { login, ..Request::get(path) })?.expect(status, part).map(drop)
}

/// The interpreter of one environment, at home in a folder where the server may write.
fn python(launch: &Launch, environment: &str) -> Result<Command, Error> {
    let program = folder(environment)?.join("bin/python");
    let home = launch.folder("home", Account::Nobody)?;
    let mut command = launch.command(Account::Nobody, &program.display().to_string())?;
    command.current_dir(&home).env("HOME", &home).env("DO_NOT_TRACK", "true");
    Ok(command)
}

/// Brings the empty stores that were made with the environment, and says where the server is at home.
fn empty_stores(launch: &Launch, environment: &str) -> Result<PathBuf, Error> {
    let home = launch.folder("home", Account::Nobody)?;
    // Copied by the server's account, so that they belong to it.
    let mut copy = launch.command(Account::Nobody, "cp")?;
    copy.arg("-r").arg(folder(environment)?.join("empty/.")).arg(&home);
    run(copy, "")?;
    Ok(home)
}

fn jupyter(launch: &Launch, token: &str) -> Result<Vec<Child>, Error> {
    let mut command = python(launch, "jupyter")?;
    command.args(["-m", "jupyterlab", "--allow-root", "--no-browser", "--ServerApp.port_retries=0"]);
    command.args([format!("--ip={}", launch.bind()), format!("--port={}", launch.port(0))]);
    command.arg(format!("--IdentityProvider.token={token}"));
    command.args(["--ServerApp.password=", "--ServerApp.allow_remote_access=true"]);
    Ok(vec![launch.spawn(command)?])
}

fn mlflow(launch: &Launch, login: bool) -> Result<Vec<Child>, Error> {
    let mut command = python(launch, "mlflow")?;
    empty_stores(launch, "mlflow")?;
    command.env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false").env("MLFLOW_DISABLE_TELEMETRY", "true");
    command.args(["-m", "mlflow", "server", "--workers", "1", "--backend-store-uri", "sqlite:///mlflow.db"]);
    command.args(["--default-artifact-root", "artifacts", "--host", &launch.bind()]);
    command.args(["--port", &launch.port(0).to_string()]);
    if login {
        let settings = "[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///users.db\n\
                        admin_username = admin\nadmin_password = lab-secret-12345\n\
                        authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n";
        command.env("MLFLOW_AUTH_CONFIG_PATH", launch.write("auth.ini", settings)?);
        command.env("MLFLOW_FLASK_SERVER_SECRET_KEY", "lab").args(["--app-name", "basic-auth"]);
    }
    Ok(vec![launch.spawn(command)?])
}

fn demands_basic(launch: &Launch) -> io::Result<()> {
    ask(launch, EXPERIMENT, None, 401, "Basic realm=\"mlflow\"")?;
    ask(launch, EXPERIMENT, Some(BASIC), 200, "Default")
}

/// Only the server that answers: no scheduler.
fn airflow(launch: &Launch, all_admins: bool) -> Result<Vec<Child>, Error> {
    let mut command = python(launch, "airflow")?;
    let home = empty_stores(launch, "airflow")?;
    command.env("AIRFLOW_HOME", &home).env("AIRFLOW__CORE__LOAD_EXAMPLES", "False");
    command.env("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", if all_admins { "True" } else { "False" });
    command.env("AIRFLOW__USAGE_DATA_COLLECTION__ENABLED", "False");
    command.env("AIRFLOW__API_AUTH__JWT_SECRET", "lab-secret-".repeat(8));
    command.args(["-m", "airflow", "api-server", "--workers", "1", "--host", &launch.bind()]);
    command.args(["--port", &launch.port(0).to_string()]);
    Ok(vec![launch.spawn(command)?])
}

fn chroma(launch: &Launch, environment: &str, entry: &[&str]) -> Result<Vec<Child>, Error> {
    let mut command = python(launch, environment)?;
    command.env("ANONYMIZED_TELEMETRY", "False");
    if launch.state.ends_with("-protected") {
        let provider = "chromadb.auth.token_authn.TokenAuthenticationServerProvider";
        command.env("CHROMA_SERVER_AUTHN_PROVIDER", provider);
        command.env("CHROMA_SERVER_AUTHN_CREDENTIALS", "lab-secret-token");
    }
    command.args(entry).args(["run", "--path", "data", "--host", &launch.bind()]);
    command.args(["--port", &launch.port(0).to_string()]);
    Ok(vec![launch.spawn(command)?])
}

fn milvus_lite(launch: &Launch) -> Result<Vec<Child>, Error> {
    let mut command = python(launch, "milvus-lite")?;
    command.args(["-m", "milvus_lite", "server", "--data-dir", "data", "--host", &launch.bind()]);
    command.args(["--port", &launch.port(0).to_string()]);
    Ok(vec![launch.spawn(command)?])
}

/// Two collections, by its own client: the kit does not speak gRPC.
fn milvus_seed(launch: &Launch) -> io::Result<Seeded> {
    let mut command = python(launch, "milvus-lite").map_err(io::Error::other)?;
    let script = format!(
        "from pymilvus import MilvusClient\nclient = MilvusClient('http://{}')\n\
         for name in ('lab_a', 'lab_b'): client.create_collection(name, dimension=4)\n",
        launch.address(0)
    );
    command.args(["-c", &script]);
    run(command, "").map_err(io::Error::other)?;
    Ok(Seeded::from([("collections", 2)]))
}

/// Several processes, which listen on all addresses whatever is asked for. They end with the first of them.
fn ray(launch: &Launch, mode: &str) -> Result<Vec<Child>, Error> {
    let mut command = python(launch, "ray")?;
    // The names of its sockets are long, and the kernel takes no more than 107 bytes.
    let scratch = launch.folder("r", Account::Nobody)?;
    command.env("RAY_USAGE_STATS_ENABLED", "0").env("RAY_AUTH_MODE", mode);
    command.env("RAY_AUTH_TOKEN", "lab-secret-token-lab-secret-token");
    command.args(["-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=1"]);
    command.args(["--object-store-memory=100000000", "--disable-usage-stats"]);
    command.args([format!("--node-ip-address={}", launch.bind()), format!("--port={}", launch.port(0) + 1)]);
    command.args([
        format!("--dashboard-host={}", launch.bind()),
        format!("--dashboard-port={}", launch.port(0)),
    ]);
    command.arg(format!("--temp-dir={}", scratch.display()));
    Ok(vec![launch.spawn(command)?])
}

fn flower(launch: &Launch, api: &str, login: Option<&str>) -> Result<Vec<Child>, Error> {
    let mut broker = launch.command(Account::Nobody, "redis-server")?;
    broker.args(["--bind", "127.0.0.1", "--port", &launch.port(1).to_string(), "--save", ""]);
    let mut command = python(launch, "flower")?;
    command.env("FLOWER_UNAUTHENTICATED_API", api).args(["-m", "celery"]);
    command.arg(format!("--broker=redis://127.0.0.1:{}/0", launch.port(1)));
    command.args(["flower".into(), format!("--address={}", launch.bind())]);
    command.arg(format!("--port={}", launch.port(0)));
    command.args(login.map(|login| format!("--basic-auth={login}")));
    Ok(vec![launch.spawn(broker)?, launch.spawn(command)?])
}
