//! What `watertight audit -o ndjson` said about addresses.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use crate::states::Door;

/// What was said about a port.
#[derive(Debug, Clone)]
pub struct Told {
    /// The service.
    pub service: String,
    /// Its version; empty: not told.
    pub version: String,
    /// The verdict.
    pub verdict: String,
    /// Why.
    pub reason: String,
}

impl Told {
    /// Whether service and verdict are right.
    pub fn is_right(&self, door: &Door) -> bool {
        self.service == door.service && door.allows(&self.verdict)
    }

    /// Service and version.
    pub fn name(&self) -> String {
        format!("{} {}", self.service, self.version).trim().to_owned()
    }
}

/// Reads a report.
pub fn told(output: &str) -> BTreeMap<SocketAddr, Told> {
    let records = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let exposures = records.filter(|record| record.get("type").is_some_and(|kind| kind == "exposure"));
    exposures
        .filter_map(|record| {
            let text =
                |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
            let address = text("/asset/address").strip_prefix("tcp://")?.parse().ok()?;
            let (service, version) = (text("/service"), text("/version"));
            Some((address, Told { service, version, verdict: text("/verdict"), reason: text("/reason") }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read() {
        let line = r#"{"type":"exposure","asset":{"address":"tcp://127.0.0.1:6379"},"service":"redis","verdict":"OPEN"}"#;
        let told = told(line);
        let redis = &told[&SocketAddr::from(([127, 0, 0, 1], 6379))];
        assert_eq!((redis.name().as_str(), redis.verdict.as_str()), ("redis", "OPEN"));
    }
}
