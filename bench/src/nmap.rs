//! What nmap concluded about a port, from its XML report.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Scripts whose output on an open server shows something that only those who are let in can see. What they print
/// is quoted; whether it was access is judged by [`shows_access`].
const TELLING: &[&str] = &[
    "redis-info",
    "memcached-info",
    "mongodb-info",
    "mongodb-databases",
    "mysql-empty-password",
    "mysql-info",
    "docker-version",
    "http-title",
    "http-auth",
    "http-method-tamper",
];

/// One port of a report.
#[derive(Debug, Default, Clone)]
pub struct Port {
    /// The service's name, product and version, as far as told.
    pub service: String,
    /// Output by script.
    pub scripts: BTreeMap<String, String>,
}

impl Port {
    /// The scripts whose output shows access without a secret.
    pub fn access(&self) -> Vec<&str> {
        self.scripts
            .iter()
            .filter(|(id, output)| shows_access(id, output))
            .map(|(id, _)| id.as_str())
            .collect()
    }

    /// Scripts that said anything about the service, access or not.
    pub fn spoke(&self) -> Vec<&str> {
        self.scripts.keys().map(String::as_str).filter(|id| TELLING.contains(id)).collect()
    }
}

/// Whether a script's output is evidence that a stranger is let in. Conservative in nmap's favour: anything that
/// the server tells only to those who may ask counts, whether or not the script calls it a finding.
fn shows_access(id: &str, output: &str) -> bool {
    let refused = [
        "ERROR",
        "error",
        "uthentication required",
        "denied",
        "not authorized",
        "nauthorized",
        "Login failed",
    ];
    if refused.iter().any(|word| output.contains(word)) {
        return false;
    }
    match id {
        "redis-info" => output.contains("Version"),
        "memcached-info" => output.contains("Process ID"),
        "mongodb-databases" => output.contains("databases"),
        "mysql-empty-password" => output.contains("account has empty password"),
        "docker-version" => output.contains("Version"),
        _ => false,
    }
}

/// Reads a report: the open ports that it tells about.
pub fn parse(xml: &str) -> BTreeMap<SocketAddr, Port> {
    let mut ports = BTreeMap::new();
    for host in xml.split("<host ").skip(1) {
        let Some(ip) = attribute(host, "addr").and_then(|ip| ip.parse::<IpAddr>().ok()) else { continue };
        for element in host.split("<port ").skip(1) {
            let element = element.split("</port>").next().unwrap_or_default();
            let Some(number) = attribute(element, "portid").and_then(|id| id.parse().ok()) else { continue };
            ports.insert(SocketAddr::new(ip, number), port(element));
        }
    }
    ports
}

fn port(element: &str) -> Port {
    let mut port = Port::default();
    if let Some(service) = element.split("<service ").nth(1) {
        let service = service.split('>').next().unwrap_or_default();
        let words = ["name", "product", "version"].map(|name| attribute(service, name).unwrap_or_default());
        let guessed =
            if attribute(service, "method").as_deref() == Some("table") { "(by port number)" } else { "" };
        let words = format!("{} {guessed}", words.join(" "));
        port.service = words.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    for script in element.split("<script ").skip(1) {
        let script = script.split('>').next().unwrap_or_default();
        if let (Some(id), Some(output)) = (attribute(script, "id"), attribute(script, "output")) {
            port.scripts.insert(id, output);
        }
    }
    port
}

/// The value of an attribute. In XML neither `"` nor `>` stands raw in nmap's values.
fn attribute(element: &str, name: &str) -> Option<String> {
    let start = element.match_indices(&format!("{name}=\"")).find(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| element.as_bytes().get(at));
        before.is_none_or(|byte| byte.is_ascii_whitespace())
    });
    let (at, found) = start?;
    let value = element.get(at + found.len()..)?.split('"').next()?;
    let value =
        value.replace("&#xa;", "\n").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    Some(value.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<host starttime="1"><address addr="127.0.0.1" addrtype="ipv4"/>
<ports><port protocol="tcp" portid="6379"><state state="open"/><service name="redis"
product="Redis key-value store" version="7.0.15" method="probed" conf="10"/><script id="redis-info"
output="&#xa;  Version: 7.0.15"/></port>
<port protocol="tcp" portid="5432"><state state="open"/><service name="postgresql" method="table" conf="3"/></port></ports></host>"#;

    #[test]
    fn a_report_is_read() {
        let ports = parse(XML);
        let at = |port: u16| ports[&SocketAddr::from(([127, 0, 0, 1], port))].clone();
        assert_eq!(at(6379).service, "redis Redis key-value store 7.0.15");
        assert_eq!(at(6379).access(), ["redis-info"]);
        assert_eq!(at(5432).service, "postgresql (by port number)");
        assert!(at(5432).access().is_empty());
    }

    #[test]
    fn a_refusal_is_no_access() {
        assert!(!shows_access("redis-info", "ERROR: Authentication required"));
        assert!(!shows_access("mongodb-databases", "not authorized to list databases"));
    }
}
