//! MinIO: as it is installed, with the default login, and with buckets that are public.

use std::io;

use super::s3::{User, put};
use super::wire::Request;
use super::{Error, Launch, Seeded, State, lab};
use crate::process::{Account, Child};

const PORTS: &[(&str, u16)] = &[("store", 0), ("console", 1)];
const ROOT: User = User { name: "labroot", secret: "labsecret123" };

/// The id and the secret of the key of the state `minio-keyed`, in the shapes that Amazon gives them: made up.
pub const KEY_PAIR: (&str, &str) =
    (concat!("AK", "IAQ7KITE4WIND5SKYX"), concat!("The0quick1Brown2fox3", "Jumped4over5Lazy6dog"));

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED, KEYED, DEFAULT];

/// What most states have in common.
const MINIO: State = State {
    expect: &[("main", "PROTECTED"), ("console", "PROTECTED")],
    ports: PORTS,
    rare: true,
    ready: |launch| {
        launch.http(0, &Request::get("/minio/health/ready"))?.expect(200, "Server: MinIO")?;
        launch.http(1, &Request::get("/api/v1/session"))?.expect(403, "invalid session").map(drop)
    },
    ..State::PLAIN
};

/// Buckets of which one is private, one is read by everyone who knows the names of its objects, and one is listed, too;
/// and metrics for everyone. The service itself asks for a signature all the same.
const OPEN: State = State {
    name: "minio-open",
    expect: &[("main", "OPEN_PARTIAL"), ("console", "PROTECTED")],
    start: |launch| start(launch, true, Some(ROOT)),
    seed,
    ..MINIO
};

/// The owner chose a login.
const PROTECTED: State =
    State { name: "minio-protected", start: |launch| start(launch, false, Some(ROOT)), ..MINIO };

/// The owner chose one that is known for a key wherever it lies around.
const KEYED: State = State {
    name: "minio-keyed",
    start: |launch| start(launch, false, Some(User { name: KEY_PAIR.0, secret: KEY_PAIR.1 })),
    ..MINIO
};

/// The owner chose none, so the documented default works.
const DEFAULT: State = State {
    name: "minio-default",
    with_defaults: &[("main", "DEFAULT_CREDENTIAL")],
    start: |launch| start(launch, false, None),
    ..MINIO
};

fn start(launch: &Launch, metrics: bool, root: Option<User>) -> Result<Vec<Child>, Error> {
    let program = lab::folder("minio")?.join("minio");
    let folder = launch.folder("data", Account::Nobody)?;
    let mut command = launch.command(Account::Nobody, &program.display().to_string())?;
    command.arg("server").arg(folder);
    command.args(["--address", &launch.address(0).to_string()]);
    command.args(["--console-address", &launch.address(1).to_string()]);
    command.env("MINIO_UPDATE", "off");
    if metrics {
        command.env("MINIO_PROMETHEUS_AUTH_TYPE", "public");
    }
    if let Some(root) = root {
        command.env("MINIO_ROOT_USER", root.name).env("MINIO_ROOT_PASSWORD", root.secret);
    }
    Ok(vec![launch.spawn(command)?])
}

fn statement(action: &str, resource: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":["*"]}},"Action":[{action}],"Resource":["arn:aws:s3:::{resource}"]}}"#
    )
}

fn seed(launch: &Launch) -> io::Result<Seeded> {
    for bucket in ["private", "public", "public-list"] {
        put(launch, ROOT, &format!("/{bucket}"), "", "")?;
        put(launch, ROOT, &format!("/{bucket}/o.txt"), "", "hello\n")?;
    }
    let read = |bucket: &str| statement(r#""s3:GetObject""#, &format!("{bucket}/*"));
    let list = statement(r#""s3:GetBucketLocation","s3:ListBucket""#, "public-list");
    for (bucket, statements) in
        [("public", read("public")), ("public-list", format!("{list},{}", read("public-list")))]
    {
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        put(launch, ROOT, &format!("/{bucket}"), "policy=", &policy)?;
    }
    launch.http(0, &Request::get("/public-list?list-type=2&max-keys=0"))?.expect(200, "<KeyCount>0")?;
    launch.http(0, &Request::get("/public/o.txt"))?.expect(200, "hello")?;
    launch.http(0, &Request::get("/private/o.txt"))?.expect(403, "AccessDenied")?;
    Ok(Seeded::from([("buckets", 3), ("objects", 3)]))
}
