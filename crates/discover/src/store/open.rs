//! From a URL to the reader of what it names.

use std::sync::Arc;

use model::{Bucket, Provider};

use super::Store;
use super::clickhouse::{self, ClickHouse};
use super::elasticsearch::Elasticsearch;
use super::gate::Gate;
use super::login::{self, Environment, Login, LoginError, Target};
use super::mongodb::Mongodb;
use super::mysql::{self, Mysql};
use super::postgres::{self, Postgres};
use super::redis::Redis;
use super::s3::{Budget, Contents, S3};
use crate::file;

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
            opened(
                &login,
                false,
                Box::new(ClickHouse::new(gate, login.clone(), clickhouse::Limits::default())),
            )
        }
        "redis" | "rediss" => {
            let login = login::redis::login(&target, environment)?;
            opened(&login, false, Box::new(Redis::new(gate, login.clone())))
        }
        "elasticsearch+http" | "elasticsearch+https" => {
            let (login, key) = login::elasticsearch::login(&target, environment)?;
            opened(&login, key.is_some(), Box::new(Elasticsearch::new(gate, login.clone(), key)))
        }
        "mongodb" => {
            let (login, source) = login::mongodb::login(&target, environment)?;
            opened(&login, false, Box::new(Mongodb::new(gate, login.clone(), source)))
        }
        _ => return Err(LoginError(format!("no reader knows the scheme `{scheme}`"))),
    })
}

/// Finds the reader for a bucket. Those of other providers than Amazon, Alibaba and who speaks like them have none.
///
/// # Errors
/// When the credentials cannot be used, or there is no reader.
pub fn open_bucket(bucket: &Bucket, environment: &Environment, gate: Gate) -> Result<Opened, LoginError> {
    if !is_readable(bucket) {
        return Err(LoginError("no reader knows this provider's buckets".to_owned()));
    }
    let asset = bucket.to_string();
    let region = bucket.region().map_or_else(String::new, |region| {
        format!("{}region={region}", if asset.contains('?') { '&' } else { '?' })
    });
    let found = login::s3::login(&Target::parse(&format!("{asset}{region}"))?, environment)?;
    let contents: Contents = Arc::new(|name, input, sink| {
        file::read_stream(name, input, &file::Limits::default(), sink);
    });
    let has_credentials = found.key.is_some();
    let store =
        S3::new(gate, found.login, found.bucket, found.key, found.region, Budget::default(), contents);
    Ok(Opened { asset, has_credentials, store: Box::new(store) })
}

/// Whether there is a reader for a provider's buckets.
pub fn is_readable(bucket: &Bucket) -> bool {
    matches!(bucket.provider(), Provider::S3 | Provider::Oss)
}

fn asset(scheme: &str, login: &Login) -> String {
    let database = login.database.as_deref().map_or_else(String::new, |database| format!("/{database}"));
    format!("{scheme}://{}{database}", login.door)
}
