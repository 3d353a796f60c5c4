//! Logins for ClickHouse: `clickhouse://` with the port of its HTTP interface, `CLICKHOUSE_*` variables, and
//! `~/.clickhouse-client/config.xml`. <https://clickhouse.com/docs/interfaces/cli>,
//! <https://clickhouse.com/docs/interfaces/http>.

use model::Secret;
use net::Trust;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::{Environment, Login, LoginError, Others, Security, Target, credentials, roots};
use crate::store::gate::Door;

const PORT: u16 = 8123;
const TLS_PORT: u16 = 8443;
/// Where the native protocol is by default: it is not spoken here.
const NATIVE: [u16; 2] = [9000, 9440];
const KNOWN: &[&str] = &["secure", "skip_verify", "ca_file", "user", "password", "database"];
/// Deepest element that is looked into: `<config><user>`.
const DEPTH: usize = 2;

/// The login for a target `clickhouse://`, or `clickhouses://` for TLS.
///
/// # Errors
/// When the target names what cannot be done.
pub fn login(target: &Target, environment: &Environment) -> Result<Login, LoginError> {
    if target.options.iter().any(|(name, _)| !KNOWN.contains(&name.as_str())) {
        return Err(LoginError(format!("the target has an option that is none of {}", KNOWN.join(", "))));
    }
    let file = environment.at_home(".clickhouse-client/config.xml");
    let file = file.and_then(|path| credentials(&path, Others::MayRead));
    let file = file.map(|text| Config::parse(&text)).unwrap_or_default();
    let option = |name: &str| target.option(name).map(str::to_owned);
    let yes = |value: &str| matches!(value, "1" | "true" | "yes");
    let named = target.host()?;
    let port = named.and_then(|(_, port)| port);
    let secure = target.scheme == "clickhouses"
        || option("secure").map_or(port == Some(TLS_PORT), |value| yes(&value));
    let security = match (secure, target.option("skip_verify").is_some_and(yes)) {
        (false, _) => Security::Plain,
        (true, true) => Security::Always(Trust::Any),
        (true, false) => Security::Always(Trust::Host(roots(target.option("ca_file")))),
    };
    let port = port.unwrap_or(if secure { TLS_PORT } else { PORT });
    if NATIVE.contains(&port) {
        return Err(LoginError(format!(
            "port {port} speaks ClickHouse's native protocol; name the HTTP port, which is {PORT} by default"
        )));
    }
    let host = named.map(|(host, _)| host.to_owned()).or_else(|| environment.get("CLICKHOUSE_HOST"));
    let host = host.or(file.host).unwrap_or_else(|| "localhost".to_owned());
    let user = target.user.clone().or_else(|| option("user"));
    let password = target.password.clone().or_else(|| option("password").map(Secret::new));
    Ok(Login {
        door: Door::Tcp { host, port },
        security,
        user: user.or_else(|| environment.get("CLICKHOUSE_USER")).or(file.user),
        database: target.path.clone().or_else(|| option("database")),
        password: password.or_else(|| environment.secret("CLICKHOUSE_PASSWORD")).or(file.password),
        by_database: Vec::new(),
    })
}

/// What a configuration of the client says.
#[derive(Default)]
struct Config {
    host: Option<String>,
    user: Option<String>,
    password: Option<Secret<String>>,
}

impl Config {
    /// Reads the children of the root element; what is not XML from some place on is read up to there.
    fn parse(text: &str) -> Self {
        let mut config = Self::default();
        let mut reader = Reader::from_str(text);
        let mut path: Vec<String> = Vec::new();
        let mut value = String::new();
        while let Ok(event) = reader.read_event() {
            match event {
                Event::Eof => break,
                Event::Start(start) => {
                    path.push(start.name().0.to_owned());
                    value.clear();
                }
                Event::Text(part) if path.len() == DEPTH => value.push_str(&part),
                Event::CData(part) if path.len() == DEPTH => value.push_str(&part),
                Event::GeneralRef(name) if path.len() == DEPTH => {
                    let reference = format!("&{};", &*name);
                    value.push_str(&quick_xml::escape::unescape(&reference).unwrap_or_default());
                }
                Event::End(_) => {
                    if path.len() == DEPTH {
                        config.set(path.last().map(String::as_str).unwrap_or_default(), &value);
                    }
                    path.pop();
                }
                _ => {}
            }
        }
        config
    }

    fn set(&mut self, name: &str, value: &str) {
        let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match name {
            "host" => self.host = value,
            "user" => self.user = value,
            "password" => self.password = value.map(Secret::new),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_configuration_gives_what_stands_below_its_root() {
        let config = Config::parse(
            "<?xml version=\"1.0\"?>\n<config>\n <user>reader</user>\n <password>a&lt;b&#x21;<![CDATA[&c]]></password>\n\
             <host>ch.example</host><openSSL><client><user>other</user></client></openSSL></config>",
        );
        assert_eq!(config.user.as_deref(), Some("reader"));
        assert_eq!(config.host.as_deref(), Some("ch.example"));
        assert_eq!(config.password.map(|password| password.reveal().clone()).as_deref(), Some("a<b!&c"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_as_a_configuration_without_panic(text: String) {
            let _ = Config::parse(&text);
            let _ = Config::parse(&format!("<config><user>{text}"));
        }
    }
}
