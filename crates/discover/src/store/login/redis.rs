//! Logins for Redis and Valkey: `redis://`, `rediss://` for TLS, and `REDISCLI_AUTH`, where `redis-cli` looks for the
//! password. <https://redis.io/docs/latest/develop/tools/cli/>

use std::path::PathBuf;

use net::Trust;

use super::{Environment, Login, LoginError, Security, Target, roots};
use crate::store::gate::Door;

const PORT: u16 = 6379;
const KNOWN: &[&str] = &["ca_file", "skip_verify", "socket"];

/// The login for a target. What follows the first slash is the number of the database that is asked for.
///
/// # Errors
/// When the target names what cannot be done.
pub fn login(target: &Target, environment: &Environment) -> Result<Login, LoginError> {
    if target.options.iter().any(|(name, _)| !KNOWN.contains(&name.as_str())) {
        return Err(LoginError(format!("the target has an option that is none of {}", KNOWN.join(", "))));
    }
    let database = target.path.clone();
    if database.as_deref().is_some_and(|number| number.parse::<u32>().is_err()) {
        return Err(LoginError("a database of Redis is a number, such as redis://HOST/0".to_owned()));
    }
    let yes = |value: &str| matches!(value, "1" | "true" | "yes");
    let security = match (target.scheme == "rediss", target.option("skip_verify").is_some_and(yes)) {
        (false, _) => Security::Plain,
        (true, true) => Security::Always(Trust::Any),
        (true, false) => Security::Always(Trust::Host(roots(target.option("ca_file")))),
    };
    let door = match (target.option("socket"), target.host()?) {
        (Some(path), _) => Door::Socket(PathBuf::from(path)),
        (None, Some((host, port))) => Door::Tcp { host: host.to_owned(), port: port.unwrap_or(PORT) },
        (None, None) => Door::Tcp { host: "localhost".to_owned(), port: PORT },
    };
    let password = target.password.clone().or_else(|| environment.secret("REDISCLI_AUTH"));
    Ok(Login { door, security, user: target.user.clone(), database, password, by_database: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_comes_from_the_target_or_from_the_variable() {
        let variables = |name: &str| (name == "REDISCLI_AUTH").then(|| "p".to_owned());
        let environment = Environment::new(variables, None);
        let of = |url: &str| login(&Target::parse(url).unwrap(), &environment);
        let found = of("redis://h:1/3").unwrap();
        assert_eq!(found.door, Door::Tcp { host: "h".to_owned(), port: 1 });
        assert_eq!((found.user, found.database.as_deref()), (None, Some("3")));
        assert_eq!(found.password.unwrap().reveal(), "p");
        let found = of("rediss://u:q@h").unwrap();
        assert_eq!((found.user.as_deref(), found.password.unwrap().reveal().as_str()), (Some("u"), "q"));
        assert!(matches!(found.security, Security::Always(Trust::Host(_))));
        assert!(of("redis://h/x").is_err() && of("redis://h/?x=1").is_err());
    }
}
