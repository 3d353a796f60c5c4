//! Logins for PostgreSQL as libpq finds them: `postgres://`, `PG*` variables, the password file.
//! <https://www.postgresql.org/docs/15/libpq-connect.html>, <https://www.postgresql.org/docs/15/libpq-envars.html>,
//! <https://www.postgresql.org/docs/15/libpq-pgpass.html>.

use std::path::{Path, PathBuf};

use model::Secret;
use net::{Roots, Trust};

use super::{Environment, Login, LoginError, Others, Security, Target, credentials, port_number, roots};
use crate::store::gate::Door;

const PORT: u16 = 5432;
/// Where distributions have the socket: Debian and Red Hat, then what PostgreSQL itself is built with.
const SOCKETS: &[&str] = &["/run/postgresql", "/var/run/postgresql", "/tmp"];
/// Options that are understood.
const KNOWN: &[&str] =
    &["sslmode", "sslrootcert", "host", "port", "user", "password", "dbname", "passfile", "channel_binding"];
/// Options that change nothing for a reader, or that it sets itself.
const IGNORED: &[&str] =
    &["application_name", "connect_timeout", "keepalives", "options", "target_session_attrs", "gssencmode"];

/// The login for a target `postgres://`.
///
/// # Errors
/// When the target names what cannot be done: several hosts, an unknown `sslmode`, a client certificate.
pub fn login(target: &Target, environment: &Environment) -> Result<Login, LoginError> {
    check(target)?;
    let option = |name: &str, variable: &str| {
        target.option(name).map(str::to_owned).or_else(|| environment.get(variable))
    };
    let named = target.host()?;
    let host = match named {
        Some((host, _)) => Some(host.to_owned()),
        None => option("host", "PGHOST"),
    };
    let port = match (named.and_then(|(_, port)| port), option("port", "PGPORT")) {
        (Some(port), _) => port,
        (None, Some(text)) => port_number(&text)?,
        (None, None) => PORT,
    };
    let door = door(host, port);
    let user = target.user.clone().or_else(|| option("user", "PGUSER")).or_else(|| environment.user());
    let password = target.password.clone();
    let password = password.or_else(|| target.option("password").map(|text| Secret::new(text.to_owned())));
    let password = password.or_else(|| environment.secret("PGPASSWORD"));
    let by_database = match (&password, user.as_deref()) {
        (None, Some(user)) => passfile(target, environment)
            .map(|text| passwords(&text, &host_for_passfile(&door), port, user))
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    let database = target.path.clone().or_else(|| target.option("dbname").map(str::to_owned));
    let security =
        security(&option("sslmode", "PGSSLMODE"), option("sslrootcert", "PGSSLROOTCERT"), environment)?;
    Ok(Login { door, security, user, database, password, by_database })
}

/// A misspelt `sslmode` must not be passed over in silence.
fn check(target: &Target) -> Result<(), LoginError> {
    for (name, _) in &target.options {
        if IGNORED.contains(&name.as_str()) {
            tracing::warn!("the option `{name}` of the target is ignored");
        } else if !KNOWN.contains(&name.as_str()) {
            let known = KNOWN.join(", ");
            return Err(LoginError(format!("the target has an option that is none of {known}")));
        }
    }
    if target.option("channel_binding").is_some_and(|value| value == "require") {
        return Err(LoginError(
            "`channel_binding=require` is not supported; use sslmode=verify-full".to_owned(),
        ));
    }
    Ok(())
}

fn door(host: Option<String>, port: u16) -> Door {
    let socket = |folder: &Path| Door::Socket(folder.join(format!(".s.PGSQL.{port}")));
    match host {
        Some(host) if host.starts_with('/') => socket(Path::new(&host)),
        Some(host) => Door::Tcp { host, port },
        None => {
            let folder =
                SOCKETS.iter().map(Path::new).find(|folder| folder.join(format!(".s.PGSQL.{port}")).exists());
            folder.map_or_else(|| Door::Tcp { host: "localhost".to_owned(), port }, socket)
        }
    }
}

/// `sslmode`: <https://www.postgresql.org/docs/15/libpq-ssl.html#LIBPQ-SSL-PROTECTION>. `allow` is taken for `prefer`, as
/// that hides more and shows no less.
fn security(
    mode: &Option<String>,
    file: Option<String>,
    environment: &Environment,
) -> Result<Security, LoginError> {
    let usual = || environment.at_home(".postgresql/root.crt").filter(|path| path.is_file());
    let file = match file.as_deref() {
        // Authorities that everyone trusts say nothing without the name: libpq demands verify-full with them.
        Some("system") => return Ok(Security::Always(Trust::Host(Roots::System))),
        Some(file) => Some(PathBuf::from(file)),
        None => usual(),
    };
    let believed = || file.clone().map_or_else(|| roots(None), Roots::File);
    match mode.as_deref().unwrap_or("prefer") {
        "disable" => Ok(Security::Plain),
        "allow" | "prefer" => Ok(Security::Offered),
        // With a file of authorities, libpq lets `require` check against it.
        "require" if file.is_some() => Ok(Security::Always(Trust::Issuer(believed()))),
        "require" => Ok(Security::Always(Trust::Any)),
        "verify-ca" => Ok(Security::Always(Trust::Issuer(believed()))),
        "verify-full" => Ok(Security::Always(Trust::Host(believed()))),
        _ => Err(LoginError(
            "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full".to_owned(),
        )),
    }
}

fn passfile(target: &Target, environment: &Environment) -> Option<String> {
    let named = target.option("passfile").map(str::to_owned).or_else(|| environment.get("PGPASSFILE"));
    let path = named.map(PathBuf::from).or_else(|| environment.at_home(".pgpass"))?;
    credentials(&path, Others::Nothing)
}

/// The name under which the password file has a host: a socket is `localhost`.
fn host_for_passfile(door: &Door) -> String {
    match door {
        Door::Tcp { host, .. } => host.clone(),
        Door::Socket(_) => "localhost".to_owned(),
    }
}

/// Databases and passwords of the lines `host:port:database:user:password` that fit; `*` fits anything, a backslash
/// takes the next character as it is.
fn passwords(text: &str, host: &str, port: u16, user: &str) -> Vec<(String, Secret<String>)> {
    let port = port.to_string();
    let fits = |field: &str, wanted: &str| field == "*" || field == wanted;
    text.lines()
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| match fields(line).as_slice() {
            [on, at, database, who, password, ..]
                if fits(on, host) && fits(at, &port) && fits(who, user) && !password.is_empty() =>
            {
                Some((database.clone(), Secret::new(password.clone())))
            }
            _ => None,
        })
        .collect()
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let Some(last) = fields.last_mut() else { break };
        match character {
            '\\' => last.extend(characters.next()),
            ':' => fields.push(String::new()),
            other => last.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str, host: &str, port: u16, user: &str) -> Vec<(String, String)> {
        let found = passwords(text, host, port, user);
        found.into_iter().map(|(database, password)| (database, password.reveal().clone())).collect()
    }

    fn pair(database: &str, password: &str) -> (String, String) {
        (database.to_owned(), password.to_owned())
    }

    #[test]
    fn a_password_file_is_read_as_libpq_reads_it() {
        let text = "# host:port:db:user:password\n\
                    db1:5432:app:reader:one\r\n\
                    *:*:*:reader:t\\:w\\\\o\n\
                    db1:5432:app:other:three\n\
                    db1:5433:app:reader:four\n\
                    short:line\n\
                    fe80\\:\\:1:*:*:reader:five\n";
        assert_eq!(pairs(text, "db1", 5432, "reader"), [pair("app", "one"), pair("*", "t:w\\o")]);
        assert_eq!(pairs(text, "fe80::1", 1, "reader"), [pair("*", "t:w\\o"), pair("*", "five")]);
        assert!(pairs(text, "db2", 5432, "nobody").is_empty());
    }

    #[test]
    fn sslmode_means_what_libpq_means() {
        let bare = Environment::new(|_| None, None);
        let mode = |mode: &str, file: Option<&str>| {
            security(&Some(mode.to_owned()), file.map(str::to_owned), &bare).ok()
        };
        let file = || Roots::File(PathBuf::from("/ca.pem"));
        assert_eq!(security(&None, None, &bare), Ok(Security::Offered));
        assert_eq!(mode("disable", None), Some(Security::Plain));
        assert_eq!(mode("require", None), Some(Security::Always(Trust::Any)));
        assert_eq!(mode("require", Some("/ca.pem")), Some(Security::Always(Trust::Issuer(file()))));
        assert_eq!(mode("verify-ca", Some("/ca.pem")), Some(Security::Always(Trust::Issuer(file()))));
        assert_eq!(mode("verify-full", None), Some(Security::Always(Trust::Host(Roots::System))));
        assert_eq!(mode("prefer", Some("system")), Some(Security::Always(Trust::Host(Roots::System))));
        assert_eq!(mode("verify_full", None), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_as_a_password_file_without_panic(text: String) {
            let _ = passwords(&text, "localhost", 5432, "reader");
        }
    }
}
