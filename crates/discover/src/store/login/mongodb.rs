//! Logins for MongoDB: `mongodb://` with the options of its connection strings
//! (<https://www.mongodb.com/docs/manual/reference/connection-string-options/>) that matter to a reader, and variables, since
//! its own clients have no other place.

use net::Trust;

use super::{Environment, Login, LoginError, Security, Target, roots};
use crate::store::gate::Door;

const PORT: u16 = 27017;

/// The login for a target, and the database that knows the user.
///
/// # Errors
/// When the target names what cannot be done.
pub fn login(target: &Target, environment: &Environment) -> Result<(Login, String), LoginError> {
    if target.scheme == "mongodb+srv" {
        return Err(LoginError(
            "mongodb+srv:// hands the choice of servers to others: name one, as mongodb://HOST".to_owned(),
        ));
    }
    if let Some(mechanism) = target.option("authMechanism").filter(|name| !name.starts_with("SCRAM-SHA-")) {
        let known = ["MONGODB-CR", "DEFAULT"].contains(&mechanism);
        if !known {
            return Err(LoginError("of the means of login only SCRAM and MONGODB-CR are known".to_owned()));
        }
    }
    let yes = |name: &str| target.option(name).is_some_and(|value| matches!(value, "1" | "true" | "yes"));
    let any = yes("tlsAllowInvalidCertificates") || yes("tlsInsecure");
    let authorities = roots(target.option("tlsCAFile"));
    let security = match yes("tls") || yes("ssl") {
        false => Security::Plain,
        true if any => Security::Always(Trust::Any),
        true if yes("tlsAllowInvalidHostnames") => Security::Always(Trust::Issuer(authorities)),
        true => Security::Always(Trust::Host(authorities)),
    };
    let (host, port) = target.host()?.unwrap_or(("localhost", None));
    let database = target.path.clone();
    let source = target.option("authSource").map(str::to_owned).or_else(|| database.clone());
    let user = target.user.clone().or_else(|| environment.get("MONGODB_USERNAME"));
    let password = target.password.clone().or_else(|| environment.secret("MONGODB_PASSWORD"));
    let door = Door::Tcp { host: host.to_owned(), port: port.unwrap_or(PORT) };
    let login = Login { door, security, user, database, password, by_database: Vec::new() };
    Ok((login, source.unwrap_or_else(|| "admin".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_comes_from_the_target_or_from_variables() {
        let variables = |name: &str| match name {
            "MONGODB_USERNAME" => Some("v".to_owned()),
            "MONGODB_PASSWORD" => Some("w".to_owned()),
            _ => None,
        };
        let environment = Environment::new(variables, None);
        let of = |url: &str| login(&Target::parse(url).unwrap(), &environment);
        let (found, source) = of("mongodb://h/lab?replicaSet=rs0&tls=true").unwrap();
        assert_eq!(
            (found.user.as_deref(), source.as_str(), found.database.as_deref()),
            (Some("v"), "lab", Some("lab"))
        );
        assert_eq!(found.door, Door::Tcp { host: "h".to_owned(), port: 27017 });
        assert!(matches!(found.security, Security::Always(Trust::Host(_))));
        let (found, source) = of("mongodb://u:p@h:1/?authSource=x").unwrap();
        assert_eq!((found.user.as_deref(), source.as_str(), found.database), (Some("u"), "x", None));
        assert_eq!(of("mongodb://h").unwrap().1, "admin");
        for bad in ["mongodb+srv://h", "mongodb://a,b/", "mongodb://h/?authMechanism=GSSAPI"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
