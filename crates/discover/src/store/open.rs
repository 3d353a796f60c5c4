//! From a URL to the reader of what it names.

use super::clickhouse::{self, ClickHouse};
use super::elasticsearch::Elasticsearch;
use super::gate::Gate;
use super::login::{self, Environment, Login, LoginError, Target};
use super::mysql::{self, Mysql};
use super::postgres::{self, Postgres};
use super::redis::Redis;
use super::Store;

/// A store that is about to be read. Nothing was sent yet.
pub struct Opened {
    /// Its name in every record: the URL without credentials and options.
    pub asset: String,
    /// Whether there is something to log in with. A store that refuses a stranger is no gap in what was asked for.
    pub has_credentials: bool,
    /// Its reader.
    pub store: Box<dyn Store>,
}

/// Finds the reader for a URL, and the credentials where the store's own clients look for them.
///
/// # Errors
/// When the URL cannot be understood, or no reader knows its scheme.
pub fn open(url: &str, environment: &Environment, gate: Gate) -> Result<Opened, LoginError> {
    let target = Target::parse(url)?;
    let scheme = target.scheme.clone();
    let opened = |login: &Login, has_key: bool, store: Box<dyn Store>| Opened {
        asset: asset(&scheme, login),
        has_credentials: has_key || login.password.is_some() || !login.by_database.is_empty(),
        store,
    };
    Ok(match target.scheme.as_str() {
        "postgres" | "postgresql" => {
            let login = login::postgres::login(&target, environment)?;
            opened(&login, false, Box::new(Postgres::new(gate, login.clone(), postgres::Limits::default())))
        }
        "mysql" | "mariadb" => {
            let login = login::mysql::login(&target, environment)?;
            opened(&login, false, Box::new(Mysql::new(gate, login.clone(), mysql::Limits::default())))
        }
        "clickhouse" => {
            let login = login::clickhouse::login(&target, environment)?;
            opened(&login, false, Box::new(ClickHouse::new(gate, login.clone(), clickhouse::Limits::default())))
        }
        "redis" | "rediss" => {
            let login = login::redis::login(&target, environment)?;
            opened(&login, false, Box::new(Redis::new(gate, login.clone())))
        }
        "elasticsearch+http" | "elasticsearch+https" => {
            let (login, key) = login::elasticsearch::login(&target, environment)?;
            opened(&login, key.is_some(), Box::new(Elasticsearch::new(gate, login.clone(), key)))
        }
        _ => return Err(LoginError(format!("no reader knows the scheme `{scheme}`"))),
    })
}

fn asset(scheme: &str, login: &Login) -> String {
    let database = login.database.as_deref().map_or_else(String::new, |database| format!("/{database}"));
    format!("{scheme}://{}{database}", login.door)
}
