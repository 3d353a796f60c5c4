//! What nmap concluded about a port, from its XML report.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// Scripts that say something about access to a service. What they print is judged by [`shows_access`].
const TELLING: &[&str] = &[
    "amqp-info",
    "cassandra-info",
    "couchdb-databases",
    "couchdb-stats",
    "docker-version",
    "ftp-anon",
    "hadoop-datanode-info",
    "hadoop-namenode-info",
    "hbase-master-info",
    "http-auth",
    "http-ls",
    "http-method-tamper",
    "ldap-rootdse",
    "ldap-search",
    "memcached-info",
    "mongodb-databases",
    "mongodb-info",
    "mqtt-subscribe",
    "mysql-empty-password",
    "mysql-info",
    "nfs-ls",
    "nfs-showmount",
    "redis-info",
    "rsync-list-modules",
    "smb-ls",
    "smb-os-discovery",
    "smb-security-mode",
    "vnc-info",
];

/// Ports to which scripts belong that nmap runs once for a host.
const SMB: [u16; 2] = [445, 139];

/// One port of a report.
#[derive(Debug, Default, Clone)]
pub struct Port {
    /// The service's name, product and version, as far as told.
    pub service: String,
    /// Whether the name is only what usually listens at such a port.
    pub guessed: bool,
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

    /// Scripts that said anything about the service, access or not; of a page the title.
    pub fn spoke(&self) -> Vec<String> {
        let title = self.scripts.get("http-title").and_then(|title| title.lines().next());
        let title = title.map(|title| format!("http-title: {}", title.trim()));
        let telling = self.scripts.keys().filter(|id| TELLING.contains(&id.as_str()));
        telling.cloned().chain(title).collect()
    }

    /// Whether the service was found by what it answered.
    pub fn probed(&self) -> bool {
        !self.service.is_empty() && !self.guessed && self.service != "unknown" && self.service != "tcpwrapped"
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
        "ftp-anon" => output.contains("Anonymous FTP login allowed"),
        "ldap-search" => output.contains("dn:"),
        "mqtt-subscribe" => output.contains("Topics"),
        "vnc-info" => output.contains("None (1)"),
        "rsync-list-modules" | "nfs-showmount" | "nfs-ls" | "smb-ls" | "http-ls" => !output.trim().is_empty(),
        "couchdb-databases" | "couchdb-stats" | "cassandra-info" => !output.trim().is_empty(),
        "hadoop-datanode-info" | "hadoop-namenode-info" | "hbase-master-info" => !output.trim().is_empty(),
        _ => false,
    }
}

/// Ports as `-p` takes them.
pub fn port_list(ports: &BTreeSet<u16>) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",")
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
        let of_host = host.split("<hostscript>").nth(1).map(scripts).unwrap_or_default();
        for number in SMB {
            if let Some(port) = ports.get_mut(&SocketAddr::new(ip, number)) {
                port.scripts.extend(of_host.clone());
            }
        }
    }
    ports
}

fn port(element: &str) -> Port {
    let mut port = Port::default();
    if let Some(service) = element.split("<service ").nth(1) {
        let service = service.split('>').next().unwrap_or_default();
        let words = ["name", "product", "version"].map(|name| attribute(service, name).unwrap_or_default());
        port.guessed = attribute(service, "method").as_deref() == Some("table");
        let guessed = if port.guessed { "(by port number)" } else { "" };
        let words = format!("{} {guessed}", words.join(" "));
        port.service = words.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    port.scripts = scripts(element);
    port
}

/// The output of scripts in a part of the report.
fn scripts(part: &str) -> BTreeMap<String, String> {
    let elements = part.split("<script ").skip(1).map(|script| script.split('>').next().unwrap_or_default());
    elements.filter_map(|script| Some((attribute(script, "id")?, attribute(script, "output")?))).collect()
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
        assert!(at(6379).probed() && !at(5432).probed());
        assert!(at(5432).access().is_empty());
    }

    #[test]
    fn a_refusal_is_no_access() {
        assert!(!shows_access("redis-info", "ERROR: Authentication required"));
        assert!(!shows_access("mongodb-databases", "not authorized to list databases"));
        assert!(!shows_access("vnc-info", "Security types: VNC Authentication (2)"));
    }

    #[test]
    fn what_is_told_of_a_host_belongs_to_its_file_server() {
        let xml = r#"<host x="1"><address addr="127.0.1.4"/><ports><port portid="445"><service name="smb"/></port></ports>
<hostscript><script id="smb-ls" output="Volume pub"/></hostscript></host>"#;
        let ports = parse(xml);
        assert_eq!(ports[&SocketAddr::from(([127, 0, 1, 4], 445))].access(), ["smb-ls"]);
    }
}
