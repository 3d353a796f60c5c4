//! Logins for Elasticsearch and OpenSearch: `elasticsearch+http://` and `elasticsearch+https://`, and the variables that
//! their tools and images share. The products themselves have no file of credentials for clients.

use model::Secret;
use net::Trust;

use super::{Environment, Login, LoginError, Security, Target, roots};
use crate::store::gate::Door;

const PORT: u16 = 9200;
const KNOWN: &[&str] = &["ca_file", "skip_verify"];
const USER: &[&str] = &["ELASTICSEARCH_USERNAME", "ELASTIC_USERNAME", "ES_USERNAME", "OPENSEARCH_USERNAME"];
const PASSWORD: &[&str] =
    &["ELASTICSEARCH_PASSWORD", "ELASTIC_PASSWORD", "ES_PASSWORD", "OPENSEARCH_PASSWORD"];
const KEY: &[&str] = &["ELASTICSEARCH_API_KEY", "ELASTIC_API_KEY", "ES_API_KEY"];

/// The login for a target, and the API key, which counts before a password. What follows the first slash are the indices
/// that are asked for.
///
/// # Errors
/// When the target names what cannot be done.
pub fn login(
    target: &Target,
    environment: &Environment,
) -> Result<(Login, Option<Secret<String>>), LoginError> {
    if target.options.iter().any(|(name, _)| !KNOWN.contains(&name.as_str())) {
        return Err(LoginError(format!("the target has an option that is none of {}", KNOWN.join(", "))));
    }
    let (host, port) = target.host()?.ok_or_else(|| LoginError("the target names no host".to_owned()))?;
    let yes = |value: &str| matches!(value, "1" | "true" | "yes");
    let security = match (target.scheme.ends_with("https"), target.option("skip_verify").is_some_and(yes)) {
        (false, _) => Security::Plain,
        (true, true) => Security::Always(Trust::Any),
        (true, false) => Security::Always(Trust::Host(roots(target.option("ca_file")))),
    };
    let secret = |names: &[&str]| names.iter().find_map(|name| environment.secret(name));
    let named = target.user.is_some() || target.password.is_some();
    let password = target.password.clone().or_else(|| secret(PASSWORD));
    let user = target.user.clone().or_else(|| USER.iter().find_map(|name| environment.get(name)));
    // The superuser that a new cluster makes.
    let user = user.or_else(|| password.as_ref().map(|_| "elastic".to_owned()));
    let login = Login {
        door: Door::Tcp { host: host.to_owned(), port: port.unwrap_or(PORT) },
        security,
        user,
        database: target.path.clone(),
        password,
        by_database: Vec::new(),
    };
    Ok((login, secret(KEY).filter(|_| !named)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, variables: &'static [(&str, &str)]) -> (Login, Option<Secret<String>>) {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        login(&Target::parse(url).unwrap(), &Environment::new(find, None)).unwrap()
    }

    #[test]
    fn a_login_comes_from_the_target_or_from_variables() {
        let (login, key) =
            of("elasticsearch+http://h/people-*,x", &[("ES_PASSWORD", "p"), ("ES_API_KEY", "k")]);
        assert_eq!(login.door, Door::Tcp { host: "h".to_owned(), port: 9200 });
        assert_eq!((login.user.as_deref(), login.database.as_deref()), (Some("elastic"), Some("people-*,x")));
        assert_eq!((login.security, key), (Security::Plain, Some(Secret::new("k".to_owned()))));
        let (login, key) = of("elasticsearch+https://u:q@h:1/?skip_verify=1", &[("ES_API_KEY", "k")]);
        assert_eq!((login.security, key), (Security::Always(Trust::Any), None));
        assert_eq!((login.user.as_deref(), login.database), (Some("u"), None));
        assert!(
            super::login(
                &Target::parse("elasticsearch+http://h/?x=1").unwrap(),
                &Environment::new(|_| None, None)
            )
            .is_err()
        );
    }
}
