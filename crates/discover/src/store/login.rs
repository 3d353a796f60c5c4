//! Who reads a store, and where it listens: a target as the user wrote it, and the credentials from the places where the
//! store's own clients look for them. What is read here may be wrong in every way; no message repeats any of it.

pub mod clickhouse;
pub mod elasticsearch;
pub mod mongodb;
pub mod mysql;
pub mod postgres;
pub mod redis;
pub mod s3;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use model::Secret;
use net::{Roots, Trust};
use percent_encoding::percent_decode_str;
use thiserror::Error;

use super::gate::Door;

/// Longest target.
const LONGEST: usize = 16 << 10;
/// Largest file of credentials that is read.
const LARGEST: u64 = 1 << 20;

/// A target that cannot be understood, or credentials that cannot be used. Nothing was sent.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct LoginError(pub String);

/// A store's URL in parts: `scheme://user:password@host:port,host:port/path?option=value`. All parts are decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// In lower case, such as `postgres`.
    pub scheme: String,
    /// The user.
    pub user: Option<String>,
    /// The password. Every list of processes shows it; whoever takes the URL from a user warns of that.
    pub password: Option<Secret<String>>,
    /// Hosts, addresses without brackets, with their ports; none where the URL begins with `/` after the scheme.
    pub hosts: Vec<(String, Option<u16>)>,
    /// What follows the first slash: mostly a database. `None` when it is empty.
    pub path: Option<String>,
    /// Options in the order of the URL.
    pub options: Vec<(String, String)>,
}

/// Shows the place and no credential.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{:?}/{:?}", self.scheme, self.hosts, self.path)
    }
}

impl Target {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// Says which part is wrong.
    pub fn parse(url: &str) -> Result<Self, LoginError> {
        let wrong = |what: &str| LoginError(format!("the target's {what}"));
        if url.len() > LONGEST {
            return Err(wrong("URL is too long"));
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("URL has no scheme"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, authority),
        };
        let (user, password) = match credentials.map(|both| both.split_once(':').unwrap_or((both, ""))) {
            Some((user, password)) => (text(user, "user")?, secret(password)?),
            None => (None, None),
        };
        let hosts = hosts.split(',').filter(|host| !host.is_empty()).map(host).collect::<Result<_, _>>()?;
        let options =
            query.split('&').filter(|pair| !pair.is_empty()).map(option).collect::<Result<_, _>>()?;
        let scheme = scheme.to_ascii_lowercase();
        Ok(Self { scheme, user, password, hosts, path: text(path, "path")?, options })
    }

    /// The last value of an option; `None` when it is empty.
    pub fn option(&self, name: &str) -> Option<&str> {
        let mut found = self.options.iter().rev().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The only host with its port.
    ///
    /// # Errors
    /// When several are named: each is a target of its own.
    pub fn host(&self) -> Result<Option<(&str, Option<u16>)>, LoginError> {
        match self.hosts.as_slice() {
            [] => Ok(None),
            [(host, port)] => Ok(Some((host, *port))),
            _ => Err(LoginError("the target names several hosts; name one, or each as a target".to_owned())),
        }
    }
}

/// Text without control characters, decoded; `None` when it is empty.
fn text(raw: &str, what: &str) -> Result<Option<String>, LoginError> {
    let decoded = percent_decode_str(raw).decode_utf8();
    let decoded = decoded.map_err(|_| LoginError(format!("the target's {what} is not UTF-8")))?;
    if decoded.chars().any(char::is_control) {
        return Err(LoginError(format!("the target's {what} holds a control character")));
    }
    Ok(Some(decoded.into_owned()).filter(|text| !text.is_empty()))
}

fn secret(raw: &str) -> Result<Option<Secret<String>>, LoginError> {
    let decoded = percent_decode_str(raw).decode_utf8();
    let decoded = decoded.map_err(|_| LoginError("the target's password is not UTF-8".to_owned()))?;
    if decoded.contains('\0') {
        return Err(LoginError("the target's password holds a zero byte".to_owned()));
    }
    Ok(Some(decoded.into_owned()).filter(|text| !text.is_empty()).map(Secret::new))
}

fn host(raw: &str) -> Result<(String, Option<u16>), LoginError> {
    let wrong = || LoginError("the target's host or port cannot be understood".to_owned());
    let (name, port) = match raw.strip_prefix('[') {
        Some(bracketed) => {
            let (name, rest) = bracketed.split_once(']').ok_or_else(wrong)?;
            (name, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or_else(wrong)?) })
        }
        None => raw.split_once(':').map_or((raw, None), |(name, port)| (name, Some(port))),
    };
    let name = text(name, "host")?.ok_or_else(wrong)?;
    Ok((name, port.map(port_number).transpose()?))
}

/// A port as text.
fn port_number(text: &str) -> Result<u16, LoginError> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| LoginError("the port is not a number from 1 to 65535".to_owned()))
}

fn option(raw: &str) -> Result<(String, String), LoginError> {
    let (name, value) = raw.split_once('=').unwrap_or((raw, ""));
    Ok((text(name, "options")?.unwrap_or_default(), text(value, "options")?.unwrap_or_default()))
}

/// Whether TLS is spoken, and whom it believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// Never.
    Plain,
    /// Where the store offers it, with any certificate: keeps out who only listens.
    Offered,
    /// Always.
    Always(Trust),
}

/// Everything that is needed to log in.
#[derive(Clone, Debug)]
pub struct Login {
    /// Where the store listens.
    pub door: Door,
    /// Whether TLS is spoken.
    pub security: Security,
    /// The user; `None`: none is told.
    pub user: Option<String>,
    /// The database that was asked for; `None`: all of them.
    pub database: Option<String>,
    /// The password, whatever the database is.
    pub password: Option<Secret<String>>,
    /// Passwords for databases by their names (`*`: any), the first that fits counts; after `password`.
    pub by_database: Vec<(String, Secret<String>)>,
}

impl Login {
    /// The password for a database.
    pub fn password_for(&self, database: &str) -> Option<&Secret<String>> {
        let fits = |(name, _): &&(String, Secret<String>)| name == "*" || name == database;
        self.password.as_ref().or_else(|| self.by_database.iter().find(fits).map(|(_, password)| password))
    }

    /// Warns in the log before a secret goes where others may read it.
    pub fn warn_of_plain(&self, line_is_own: bool, tls: bool) {
        if !tls && !line_is_own && (self.password.is_some() || !self.by_database.is_empty()) {
            tracing::warn!("{}: the login crosses the network without TLS", self.door);
        }
    }
}

type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where the store's own clients look: variables, and files below the home folder.
pub struct Environment {
    variables: Box<Variables>,
    home: Option<PathBuf>,
}

impl Environment {
    /// The one of this process.
    pub fn of_process() -> Self {
        let variables = |name: &str| std::env::var(name).ok();
        Self { variables: Box::new(variables), home: std::env::var_os("HOME").map(PathBuf::from) }
    }

    /// Another one.
    pub fn new(
        variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        home: Option<PathBuf>,
    ) -> Self {
        Self { variables: Box::new(variables), home }
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.variables)(name).filter(|value| !value.is_empty())
    }

    /// A variable that holds a credential.
    pub fn secret(&self, name: &str) -> Option<Secret<String>> {
        self.get(name).map(Secret::new)
    }

    /// A file below the home folder.
    pub fn at_home(&self, path: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(path))
    }

    /// The name of this user, as the system's shells know it.
    fn user(&self) -> Option<String> {
        self.get("USER").or_else(|| self.get("LOGNAME"))
    }
}

/// Who else may read a file of credentials without its being passed over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Nobody, in no way.
    Nothing,
    /// They may read it (a warning is due), and not write it.
    MayRead,
}

/// Reads a file of credentials; `None`: it is not there, or must not be used, and the log says why.
fn credentials(path: &Path, others: Others) -> Option<String> {
    let file = File::open(path).ok()?;
    let facts = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let open_to = match others {
        Others::Nothing => 0o077,
        Others::MayRead => 0o022,
    };
    if facts.mode() & open_to != 0 {
        tracing::warn!("{} is passed over: its permissions are too wide (chmod 600)", path.display());
        return None;
    }
    if facts.mode() & 0o077 != 0 {
        tracing::warn!("{} can be read by other users (chmod 600)", path.display());
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8(bytes).ok();
    if text.is_none() {
        tracing::warn!("{} is passed over: it is not UTF-8", path.display());
    }
    text
}

/// Authorities from a file when one is named, else those of the system.
fn roots(file: Option<&str>) -> Roots {
    file.map_or(Roots::System, |file| Roots::File(PathBuf::from(file)))
}
