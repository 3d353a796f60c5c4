//! Ollama, without a model. It knows no login.

use super::wire::Request;
use super::{Error, Launch, State, lab};
use crate::process::{Account, Child};

/// Every state.
pub(super) const STATES: &[State] = &[OPEN];

/// As it is.
const OPEN: State = State {
    name: "ollama-open",
    expect: &[("main", "OPEN")],
    rare: true,
    start,
    ready: |launch| launch.http(0, &Request::get("/"))?.expect(200, "Ollama is running").map(drop),
    ..State::PLAIN
};

fn start(launch: &Launch) -> Result<Vec<Child>, Error> {
    let program = lab::folder("ollama")?.join("ollama");
    let models = launch.folder("models", Account::Nobody)?;
    let home = launch.folder("home", Account::Nobody)?;
    let mut command = launch.command(Account::Nobody, &program.display().to_string())?;
    command.arg("serve").env("HOME", home).env("OLLAMA_MODELS", models);
    command.env("OLLAMA_HOST", launch.address(0).to_string());
    Ok(vec![launch.spawn(command)?])
}
