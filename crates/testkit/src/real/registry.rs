//! Docker's registry: open, as it is by default, and with a file of users.

use super::wire::Request;
use super::{Error, Launch, State};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN, PROTECTED];

/// Everyone may pull and push.
const OPEN: State = State {
    name: "registry-open",
    expect: &[("main", "OPEN")],
    start: |launch| start(launch, ""),
    ready: |launch| launch.http(0, &Request::get("/v2/_catalog"))?.expect(200, "\"repositories\"").map(drop),
    ..State::PLAIN
};

/// A login is demanded; `/` is answered to everyone.
const PROTECTED: State = State {
    name: "registry-protected",
    expect: &[("main", "PROTECTED")],
    start: |launch| {
        // The password is `lab-secret`.
        let users =
            launch.write("users", "admin:$2y$05$F53TaVjsGbkxTlPpO8Cqy.5p/CHSQJ94U8KzTxpUik4DpXdXseKUq\n")?;
        start(launch, &format!("auth: {{ htpasswd: {{ realm: lab, path: {} }} }}\n", users.display()))
    },
    ready: |launch| launch.http(0, &Request::get("/v2/"))?.expect(401, "UNAUTHORIZED").map(drop),
    ..State::PLAIN
};

fn start(launch: &Launch, auth: &str) -> Result<Vec<Child>, Error> {
    let folder = launch.folder("images", Account::Nobody)?;
    let config = format!(
        "version: 0.1\nlog: {{ level: warn }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\n\
         http: {{ addr: '{}' }}\n{auth}",
        folder.display(),
        launch.address(0)
    );
    let file = launch.write("registry.yml", &config)?;
    let mut command = launch.command(Account::Nobody, "docker-registry")?;
    command.arg("serve").arg(file);
    Ok(vec![launch.spawn(command)?])
}
