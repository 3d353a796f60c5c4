//! Logins for MySQL and MariaDB as their clients find them: `mysql://`, `MYSQL_PWD`, the group `[client]` of `~/.my.cnf`.
//! <https://dev.mysql.com/doc/refman/8.0/en/option-files.html>,
//! <https://mariadb.com/kb/en/configuring-mariadb-with-option-files/>. `~/.mylogin.cnf` is not read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use model::Secret;
use net::Trust;

use super::{Environment, Login, LoginError, Others, Security, Target, credentials, port_number, roots};
use crate::store::gate::Door;

const PORT: u16 = 3306;
/// Options that are understood: the names of several clients for the same things.
const KNOWN: &[&str] =
    &["ssl-mode", "sslmode", "ssl-ca", "sslrootcert", "tls", "socket", "user", "password", "database"];
/// The groups that a client reads.
const GROUPS: &[&str] = &["client", "client-server", "client-mariadb"];

/// The login for a target `mysql://` or `mariadb://`.
///
/// # Errors
/// When the target names what cannot be done.
pub fn login(target: &Target, environment: &Environment) -> Result<Login, LoginError> {
    if target.options.iter().any(|(name, _)| !KNOWN.contains(&name.replace('_', "-").as_str())) {
        return Err(LoginError(format!("the target has an option that is none of {}", KNOWN.join(", "))));
    }
    let file = environment.at_home(".my.cnf").and_then(|path| credentials(&path, Others::MayRead));
    let file = file.map(|text| client_options(&text)).unwrap_or_default();
    let option = |name: &str| {
        let given = target.option(name).or_else(|| target.option(&name.replace('-', "_")));
        given.map(str::to_owned)
    };
    let setting = |name: &str| option(name).or_else(|| file.get(name).cloned());
    let password = target.password.clone().or_else(|| option("password").map(Secret::new));
    let password = password.or_else(|| environment.secret("MYSQL_PWD"));
    let password = password.or_else(|| file.get("password").cloned().map(Secret::new));
    let user = target.user.clone().or_else(|| setting("user")).or_else(|| environment.user());
    Ok(Login {
        door: door(target, &option, &file, environment)?,
        security: security(&option, &file)?,
        user,
        database: target.path.clone().or_else(|| option("database")),
        password,
        by_database: Vec::new(),
    })
}

fn door(
    target: &Target,
    option: &impl Fn(&str) -> Option<String>,
    file: &BTreeMap<String, String>,
    environment: &Environment,
) -> Result<Door, LoginError> {
    if let Some(path) = option("socket") {
        return Ok(Door::Socket(PathBuf::from(path)));
    }
    let named = target.host()?;
    let port = named.and_then(|(_, port)| port).map(Ok);
    let port = port.or_else(|| environment.get("MYSQL_TCP_PORT").map(|text| port_number(&text)));
    let port = port.or_else(|| file.get("port").map(|text| port_number(text))).transpose()?.unwrap_or(PORT);
    let host = named.map(|(host, _)| host.to_owned()).or_else(|| file.get("host").cloned());
    match (host, file.get("socket")) {
        (Some(host), _) if host.starts_with('/') => Ok(Door::Socket(PathBuf::from(host))),
        (Some(host), _) => Ok(Door::Tcp { host, port }),
        (None, Some(path)) => Ok(Door::Socket(PathBuf::from(path))),
        (None, None) => Ok(Door::Tcp { host: "localhost".to_owned(), port }),
    }
}

/// `--ssl-mode` of MySQL, `tls` of other clients, `ssl-verify-server-cert` and `skip-ssl` of MariaDB's files.
fn security(
    option: &impl Fn(&str) -> Option<String>,
    file: &BTreeMap<String, String>,
) -> Result<Security, LoginError> {
    let setting = |name: &str| option(name).or_else(|| file.get(name).cloned());
    let authorities = roots(setting("ssl-ca").or_else(|| setting("sslrootcert")).as_deref());
    let yes =
        |name: &str| file.get(name).is_some_and(|value| matches!(value.as_str(), "" | "1" | "on" | "true"));
    let mode = ["ssl-mode", "sslmode", "tls"].iter().find_map(|name| setting(name));
    let Some(mode) = mode else {
        return Ok(match (yes("ssl-verify-server-cert"), yes("skip-ssl")) {
            (true, _) => Security::Always(Trust::Host(authorities)),
            (false, true) => Security::Plain,
            (false, false) => Security::Offered,
        });
    };
    match mode.to_ascii_lowercase().replace('-', "_").as_str() {
        "disabled" | "disable" | "false" => Ok(Security::Plain),
        "preferred" | "prefer" => Ok(Security::Offered),
        "required" | "require" | "skip_verify" => Ok(Security::Always(Trust::Any)),
        "verify_ca" => Ok(Security::Always(Trust::Issuer(authorities))),
        "verify_identity" | "verify_full" | "true" => Ok(Security::Always(Trust::Host(authorities))),
        _ => Err(LoginError(
            "ssl-mode is none of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY".to_owned(),
        )),
    }
}

/// The options of the client's groups; a later one replaces an earlier one. `!include` is not followed.
fn client_options(text: &str) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let mut ours = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('!') {
            tracing::warn!("an include in ~/.my.cnf is not followed");
        } else if let Some(group) = line.strip_prefix('[') {
            ours = group.split(']').next().is_some_and(|group| GROUPS.contains(&group.trim()));
        } else if ours {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            options.insert(name.trim().replace('_', "-").to_ascii_lowercase(), plain(value.trim()));
        }
    }
    options
}

/// A value without its quotes, its comment and its escapes.
fn plain(value: &str) -> String {
    let mut characters = value.chars();
    let quote = characters.next().filter(|first| matches!(first, '"' | '\''));
    if quote.is_none() {
        characters = value.chars();
    }
    let mut text = String::new();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        match character {
            end if Some(end) == quote => return text,
            '#' if quote.is_none() && before.is_whitespace() && !text.is_empty() => break,
            '\\' => match characters.next() {
                Some('b') => text.push('\u{8}'),
                Some('t') => text.push('\t'),
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('s') => text.push(' '),
                Some(other @ ('\\' | '"' | '\'')) => text.push(other),
                // What is no escape keeps its backslash.
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
        before = character;
    }
    if quote.is_none() { text.trim_end().to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_file_is_read_as_the_clients_read_it() {
        let text = "user=nobody\n[mysqld]\npassword=server\n\n[client]\n# password=comment\n; password=comment\n\
                    user = reader\npassword = \"a#b \\\"c\\\\\" # rest\nssl_ca=/etc/ca.pem # where\nskip-ssl\n\
                    !include /etc/other.cnf\n[mysql]\nuser=other\n[client-mariadb]\nport=3307\n";
        let options = client_options(text);
        let option = |name: &str| options.get(name).map(String::as_str);
        assert_eq!(option("user"), Some("reader"));
        assert_eq!(option("password"), Some("a#b \"c\\"));
        assert_eq!(option("ssl-ca"), Some("/etc/ca.pem"));
        assert_eq!(option("skip-ssl"), Some(""));
        assert_eq!(option("port"), Some("3307"));
    }

    #[test]
    fn an_unquoted_hash_begins_a_comment_after_a_space_only() {
        assert_eq!(plain("pa#ss"), "pa#ss");
        assert_eq!(plain("pass #word"), "pass");
        assert_eq!(plain("'unclosed"), "unclosed");
        assert_eq!(plain("a\\sb\\q"), "a b\\q");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_as_an_option_file_without_panic(text: String) {
            let _ = client_options(&format!("[client]\n{text}"));
        }
    }
}
