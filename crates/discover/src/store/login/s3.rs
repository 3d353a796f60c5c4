//! Logins for buckets: `s3://BUCKET` and `oss://BUCKET` with `?region=` or `?endpoint=`, and keys from where the providers' own
//! clients keep them.
//!
//! Amazon: <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html>; Alibaba:
//! <https://www.alibabacloud.com/help/en/oss/developer-reference/configure-ossutil2>. Keys of the machine's own role are not
//! fetched: the address that hands them out is never dialled.

use std::collections::BTreeMap;

use model::{Bucket, Endpoint, Provider, Secret};
use net::http::BucketKey;
use net::{Roots, Trust};

use super::{Environment, Login, LoginError, Others, Security, Target, credentials, roots};
use crate::store::gate::Door;

const KNOWN: &[&str] = &["region", "endpoint", "ca_file", "skip_verify"];

/// A bucket, and who asks for it.
#[derive(Clone, Debug)]
pub struct BucketLogin {
    /// Where it is asked for.
    pub login: Login,
    /// The bucket.
    pub bucket: Bucket,
    /// The key; `None`: it is asked for as by a stranger.
    pub key: Option<BucketKey>,
    /// The region that is signed for, where it is known.
    pub region: Option<String>,
}

/// The login for a target.
///
/// # Errors
/// When the target names what cannot be done.
pub fn login(target: &Target, environment: &Environment) -> Result<BucketLogin, LoginError> {
    if target.options.iter().any(|(name, _)| !KNOWN.contains(&name.as_str())) {
        return Err(LoginError(format!("the target has an option that is none of {}", KNOWN.join(", "))));
    }
    let provider = match target.scheme.as_str() {
        "oss" => Provider::Oss,
        _ => Provider::S3,
    };
    let (name, port) = target.host()?.ok_or_else(|| LoginError("the target names no bucket".to_owned()))?;
    if port.is_some() || target.user.is_some() {
        return Err(LoginError("a bucket is written as s3://BUCKET?endpoint=https://HOST:PORT".to_owned()));
    }
    let mut bucket = Bucket::new(provider, name).map_err(LoginError)?;
    let (key, mut region) = match provider {
        Provider::Oss => alibaba(environment),
        _ => amazon(environment),
    };
    if let Some(named) = target.option("region") {
        bucket = bucket.in_region(named).map_err(LoginError)?;
        region = bucket.region().map(str::to_owned);
    }
    let mut place = (bucket.host(), 443, true);
    if let Some(text) = target.option("endpoint") {
        let endpoint = endpoint(text)?;
        place = (endpoint.host.clone(), endpoint.port, endpoint.tls);
        bucket = bucket.at(endpoint).map_err(LoginError)?;
    } else if let Some(region) = region.clone().filter(|_| bucket.region().is_none()) {
        // The client's own region is where its buckets are, unless the user says otherwise.
        bucket = bucket.in_region(&region).map_err(LoginError)?;
        place.0 = bucket.host();
    }
    let yes = |value: &str| matches!(value, "1" | "true" | "yes");
    let trust = match target.option("skip_verify").is_some_and(yes) {
        true => Trust::Any,
        false => Trust::Host(target.option("ca_file").map_or(Roots::System, |file| roots(Some(file)))),
    };
    let (host, port, tls) = place;
    let login = Login {
        door: Door::Tcp { host, port },
        security: if tls { Security::Always(trust) } else { Security::Plain },
        user: None,
        database: None,
        password: None,
        by_database: Vec::new(),
    };
    Ok(BucketLogin { login, bucket, key, region })
}

fn endpoint(text: &str) -> Result<Endpoint, LoginError> {
    let wrong = || LoginError("an endpoint is written as https://HOST:PORT".to_owned());
    let target = Target::parse(text).map_err(|_| wrong())?;
    let tls = match target.scheme.as_str() {
        "https" => true,
        "http" => false,
        _ => return Err(wrong()),
    };
    let (host, port) = target.host()?.ok_or_else(wrong)?;
    Ok(Endpoint { tls, host: host.to_owned(), port: port.unwrap_or(if tls { 443 } else { 80 }) })
}

/// Sections of a file of settings, and what they say; names in lower case.
type Settings = BTreeMap<String, BTreeMap<String, String>>;

fn settings(text: &str) -> Settings {
    let mut settings = Settings::new();
    let mut section = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim().to_ascii_lowercase();
        } else if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ';'])) {
            let entry = settings.entry(section.clone()).or_default();
            entry.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    settings
}

fn file(environment: &Environment, variable: &str, below_home: &str) -> Settings {
    let path = environment.get(variable).map(Into::into).or_else(|| environment.at_home(below_home));
    path.and_then(|path| credentials(&path, Others::MayRead)).map(|text| settings(&text)).unwrap_or_default()
}

fn key(id: Option<String>, secret: Option<String>, token: Option<String>) -> Option<BucketKey> {
    let (id, secret) = id.filter(|id| !id.is_empty()).zip(secret)?;
    let token = token.filter(|token| !token.is_empty()).map(Secret::new);
    Some(BucketKey { id, secret: Secret::new(secret), token })
}

fn amazon(environment: &Environment) -> (Option<BucketKey>, Option<String>) {
    let get = |name: &str| environment.get(name);
    let profile = get("AWS_PROFILE").unwrap_or_else(|| "default".to_owned()).to_ascii_lowercase();
    let region = get("AWS_REGION").or_else(|| get("AWS_DEFAULT_REGION"));
    let region = region.or_else(|| {
        let config = file(environment, "AWS_CONFIG_FILE", ".aws/config");
        let section = config.get(&profile).or_else(|| config.get(&format!("profile {profile}")));
        section.and_then(|section| section.get("region").cloned())
    });
    let named = key(get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY"), get("AWS_SESSION_TOKEN"));
    let found = named.or_else(|| {
        let mut all = file(environment, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
        let mut section = all.remove(&profile)?;
        let mut take = |name: &str| section.remove(name);
        key(take("aws_access_key_id"), take("aws_secret_access_key"), take("aws_session_token"))
    });
    (found, region)
}

fn alibaba(environment: &Environment) -> (Option<BucketKey>, Option<String>) {
    let get = |names: [&str; 2]| names.iter().find_map(|name| environment.get(name));
    let named = key(
        get(["ALIBABA_CLOUD_ACCESS_KEY_ID", "OSS_ACCESS_KEY_ID"]),
        get(["ALIBABA_CLOUD_ACCESS_KEY_SECRET", "OSS_ACCESS_KEY_SECRET"]),
        get(["ALIBABA_CLOUD_SECURITY_TOKEN", "OSS_SESSION_TOKEN"]),
    );
    let region = get(["OSS_REGION", "ALIBABA_CLOUD_REGION_ID"]);
    if named.is_some() && region.is_some() {
        return (named, region);
    }
    let mut all = file(environment, "OSS_CONFIG_FILE", ".ossutilconfig");
    // The first version of the client has one section, the second profiles.
    let mut section = all.remove("credentials").or_else(|| all.remove("default")).unwrap_or_default();
    let region = region.or_else(|| section.remove("region"));
    let mut take = |name: &str| section.remove(name);
    let found = named.or_else(|| key(take("accesskeyid"), take("accesskeysecret"), take("ststoken")));
    (found, region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn of(url: &str, variables: &'static [(&str, &str)], home: Option<&std::path::Path>) -> BucketLogin {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        login(&Target::parse(url).unwrap(), &Environment::new(find, home.map(Into::into))).unwrap()
    }

    #[test]
    fn a_bucket_is_asked_for_at_its_providers_or_at_an_endpoint() {
        let found = of("s3://archive?endpoint=http://127.0.0.1:9000", &[("AWS_REGION", "eu-west-1")], None);
        assert_eq!(found.login.door, Door::Tcp { host: "127.0.0.1".to_owned(), port: 9000 });
        assert_eq!((found.login.security, found.region.as_deref()), (Security::Plain, Some("eu-west-1")));
        assert!(found.key.is_none());
        let found = of(
            "oss://archive?region=cn-beijing",
            &[("OSS_ACCESS_KEY_ID", "i"), ("OSS_ACCESS_KEY_SECRET", "s")],
            None,
        );
        let host = "archive.oss-cn-beijing.aliyuncs.com".to_owned();
        assert_eq!(found.login.door, Door::Tcp { host, port: 443 });
        assert_eq!((found.key.unwrap().id.as_str(), found.region.as_deref()), ("i", Some("cn-beijing")));
    }

    #[test]
    fn keys_come_from_the_files_of_the_clients() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        write(
            ".aws/credentials",
            "# c\n[default]\naws_access_key_id = d\n[Two]\naws_access_key_id = i\naws_secret_access_key=s=t\n",
        );
        write(".aws/config", "[profile two]\nregion = eu-west-1\n");
        write(".ossutilconfig", "[Credentials]\nlanguage=EN\naccessKeyID=o\naccessKeySecret=p\nstsToken=q\n");
        let found = of("s3://archive", &[("AWS_PROFILE", "two")], Some(home.path()));
        let key = found.key.unwrap();
        assert_eq!((key.id.as_str(), key.secret.reveal().as_str()), ("i", "s=t"));
        assert_eq!(found.bucket.host(), "archive.s3.eu-west-1.amazonaws.com");
        assert!(of("s3://archive", &[], Some(home.path())).key.is_none());
        let key = of("oss://archive", &[], Some(home.path())).key.unwrap();
        assert_eq!((key.id.as_str(), key.token.unwrap().reveal().as_str()), ("o", "q"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_as_settings_without_panic(text: String) {
            let _ = settings(&text);
        }
    }
}
