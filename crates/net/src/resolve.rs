//! From a name to its addresses. Asking the configured resolver is the one thing that needs no permit.

use std::net::IpAddr;
use std::time::Duration;

/// How long the resolver may take for one name.
const PATIENCE: Duration = Duration::from_secs(5);

/// The addresses of a name or of an address, each once, ascending; none when the name does not resolve.
pub async fn lookup(name: &str) -> Vec<IpAddr> {
    if let Ok(address) = name.parse() {
        return vec![address];
    }
    let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, 0))).await;
    let found = found.ok().and_then(Result::ok);
    let mut addresses: Vec<IpAddr> =
        found.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default();
    addresses.sort();
    addresses.dedup();
    addresses
}
