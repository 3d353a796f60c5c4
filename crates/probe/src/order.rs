//! In which order openings are tried: what usually listens at the port, HTTP, then the rest by their turns.

use crate::Opening;
use crate::contract::Service;
use crate::opening::{TLS_TURN, fallbacks};

/// How many openings are tried at the same time where the port gives no hint. A server may be silent to all but its own,
/// and waiting for each in turn would take the time that the verdict needs.
pub(crate) const TOGETHER: usize = 4;

/// What is tried next.
pub(crate) enum Try {
    /// One opening.
    Open(Opening),
    /// Several, each on a connection of its own.
    Together(Vec<Opening>),
    /// TLS, and what is inside.
    Tls,
}

/// The openings of what usually listens at this port, and HTTP.
pub(crate) fn likely(services: &[Box<dyn Service>], port: u16) -> Vec<Opening> {
    let hinted = services.iter().filter(|service| service.about().ports.contains(&port));
    let openings = hinted.flat_map(|service| service.about().openings).copied();
    let mut likely = Vec::new();
    for opening in openings.chain([Opening::Http]) {
        if !likely.contains(&opening) {
            likely.push(opening);
        }
    }
    likely
}

/// What else there is, in the order of turns.
pub(crate) fn unlikely(services: &[Box<dyn Service>], port: u16) -> Vec<Opening> {
    let likely = likely(services, port);
    fallbacks(services).into_iter().filter(|opening| !likely.contains(opening)).collect()
}

/// Everything, in order.
pub(crate) fn plan(services: &[Box<dyn Service>], port: u16) -> Vec<Try> {
    let mut plan: Vec<Try> = likely(services, port).into_iter().map(Try::Open).collect();
    let (before, after): (Vec<_>, Vec<_>) =
        unlikely(services, port).into_iter().partition(|opening| opening.turn() < Some(TLS_TURN));
    plan.extend(before.chunks(TOGETHER).map(|openings| Try::Together(openings.to_vec())));
    plan.push(Try::Tls);
    plan.extend(after.chunks(TOGETHER).map(|openings| Try::Together(openings.to_vec())));
    plan
}
