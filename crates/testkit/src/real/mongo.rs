//! mongo-java-server: an independent implementation of MongoDB's wire protocol, open only. MongoDB itself
//! is in no registry, so this proves framing and fallbacks, not MongoDB.

use std::io;

use super::lab::{folder, java};
use super::wire::expect;
use super::{Error, Launch, Seeded, State};
use crate::process::Child;

/// Every state.
pub(super) const STATES: &[State] = &[OPEN];

/// Empty but for what the kit puts into it.
pub(super) const OPEN: State = State {
    name: "mongo-java-open",
    expect: &[("main", "OPEN")],
    start,
    ready: |launch| command(launch, &[int32("ping", 1)]),
    seed: |launch| {
        let documents: Vec<Vec<u8>> =
            (1..=5).map(|n| element(3, &(n - 1).to_string(), &document(&[int32("n", n)]))).collect();
        command(launch, &[string("insert", "customers"), element(4, "documents", &document(&documents))])?;
        Ok(Seeded::from([("databases", 1), ("collections", 1), ("documents", 5)]))
    },
    ..State::PLAIN
};

fn start(launch: &Launch) -> Result<Vec<Child>, Error> {
    let server = folder("mongo-java")?;
    let mut command = java(launch)?;
    command.arg("-cp").arg(format!("{0}:{0}/lib/*", server.display())).arg("Main");
    command.args([launch.place.bind.to_string(), launch.port(0).to_string()]);
    Ok(vec![launch.spawn(command)?])
}

/// Sends a command to the database `lab` as OP_MSG (2013) and wants `ok: 1` back.
fn command(launch: &Launch, fields: &[Vec<u8>]) -> io::Result<()> {
    let body = document(&[fields, &[string("$db", "lab")]].concat());
    let length = u32::try_from(16 + 5 + body.len()).map_err(io::Error::other)?;
    let head = [length, 1, 0, 2013, 0].map(u32::to_le_bytes).concat();
    let request = [head, vec![0], body].concat();
    let answer = launch.talk(&request, |answer| answer.len() as u64 >= announced(answer))?;
    let ok = [b"\x01ok\0".as_slice(), &1f64.to_le_bytes()].concat();
    expect("ok: 1.0", &answer, answer.windows(ok.len()).any(|part| part == ok))
}

/// The length of a message, from its first four bytes.
fn announced(message: &[u8]) -> u64 {
    message.first_chunk().map_or(4, |length| u32::from_le_bytes(*length).into())
}

/// A BSON document of elements made by the functions below.
fn document(elements: &[Vec<u8>]) -> Vec<u8> {
    let elements = elements.concat();
    let length = u32::try_from(elements.len() + 5).unwrap_or_default();
    [&length.to_le_bytes(), elements.as_slice(), &[0]].concat()
}

fn element(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
    [&[kind], name.as_bytes(), &[0], value].concat()
}

fn int32(name: &str, value: i32) -> Vec<u8> {
    element(16, name, &value.to_le_bytes())
}

fn string(name: &str, value: &str) -> Vec<u8> {
    let length = u32::try_from(value.len() + 1).unwrap_or_default();
    element(2, name, &[&length.to_le_bytes(), value.as_bytes(), &[0]].concat())
}
