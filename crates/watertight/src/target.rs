//! What the user asks for: `host:port`, host, CIDR, URL, bucket, file, folder or standard input.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use miette::Diagnostic;
use model::{Bucket, Endpoint, Provider, Secret};
use thiserror::Error;

use crate::config::closest;

/// A target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// One endpoint.
    Endpoint {
        /// The host.
        host: HostName,
        /// The port.
        port: u16,
        /// What the URL says about TLS.
        tls: Option<bool>,
        /// The default port of what the URL says is there.
        hint: Option<u16>,
        /// The URL as it was written, where it names a kind of store that can be read.
        store: Option<Secret<String>>,
    },
    /// A host, at the default ports.
    Host(HostName),
    /// A network, at the default ports.
    Network(IpNet),
    /// A bucket, by name.
    Bucket(Bucket),
    /// A file, a folder or a git repository of this machine.
    Path(PathBuf),
    /// Standard input.
    Input,
}

/// A host as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostName {
    /// By address.
    Address(IpAddr),
    /// By name.
    Name(String),
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A target that cannot be understood or is too much.
#[derive(Debug, Error, Diagnostic)]
#[error("target `{target}`: {problem}")]
pub(crate) struct TargetError {
    target: String,
    problem: String,
    #[help]
    help: String,
}

/// Schemes with their default port, and what they say about TLS.
const SCHEMES: [(&str, u16, Option<bool>); 14] = [
    ("http", 80, Some(false)),
    ("https", 443, Some(true)),
    ("redis", 6379, Some(false)),
    ("rediss", 6379, Some(true)),
    ("postgres", 5432, None),
    ("postgresql", 5432, None),
    ("mysql", 3306, None),
    ("mariadb", 3306, None),
    ("mongodb", 27017, None),
    ("elasticsearch+http", 9200, Some(false)),
    ("elasticsearch+https", 9200, Some(true)),
    ("clickhouse", 9000, None),
    ("memcached", 11211, None),
    ("tcp", 0, None),
];

/// Schemes of stores whose data can be read.
const READABLE: [&str; 10] = [
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "redis",
    "rediss",
    "mongodb",
    "elasticsearch+http",
    "elasticsearch+https",
    "clickhouse",
];

/// Widest networks that are taken: 65,536 addresses.
const WIDEST_V4: u8 = 16;
const WIDEST_V6: u8 = 112;

const FORMS: &str = "write host:port, [IPv6]:port, a host, a network such as 10.0.0.0/24, a URL such as postgres://HOST/DATABASE, \
                     a bucket such as oss://NAME, a path such as ./FOLDER, or - for standard input";

impl Target {
    /// Understands what the user wrote.
    ///
    /// # Errors
    /// With the problem and the remedy.
    pub(crate) fn parse(text: &str) -> Result<Self, TargetError> {
        let fail =
            |problem: String, help: String| TargetError { target: without_password(text), problem, help };
        if let Some(bucket) = parse_bucket(text) {
            return bucket.map(Self::Bucket).map_err(|(problem, help)| fail(problem, help));
        }
        if let Some(path) = parse_path(text) {
            return path.map_err(|(problem, help)| fail(problem, help));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return parse_url(text, scheme, rest).map_err(|(problem, help)| fail(problem, help));
        }
        if text.contains('/') {
            return parse_network(text).map_err(|(problem, help)| fail(problem, help));
        }
        let (host, port) = parse_authority(text).map_err(|problem| fail(problem, FORMS.to_owned()))?;
        Ok(match port {
            Some(port) => Self::Endpoint { host, port, tls: None, hint: None, store: None },
            None => Self::Host(host),
        })
    }
}

type Problem = (String, String);

fn parse_url(text: &str, scheme: &str, rest: &str) -> Result<Target, Problem> {
    let scheme = scheme.to_ascii_lowercase();
    let Some((_, default, tls)) = SCHEMES.iter().find(|(name, ..)| *name == scheme) else {
        let buckets = Provider::ALL.iter().map(|provider| provider.scheme());
        let names: Vec<&str> = SCHEMES.iter().map(|(name, ..)| *name).chain(buckets).collect();
        let near = closest(&scheme, &names)
            .map_or_else(|| names.join(", "), |near| format!("did you mean `{near}`?"));
        return Err((format!("`{scheme}` is not a scheme that audit knows"), near));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let (host, port) = parse_authority(address).map_err(|problem| (problem, FORMS.to_owned()))?;
    let hint = (*default != 0).then_some(*default);
    let port = port.or(hint);
    let port = port.ok_or_else(|| ("a port is missing".to_owned(), FORMS.to_owned()))?;
    let store = READABLE.contains(&scheme.as_str()).then(|| Secret::new(text.to_owned()));
    Ok(Target::Endpoint { host, port, tls: *tls, hint, store })
}

/// Whether a URL holds a password: something after the colon of its user.
pub(crate) fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// The port where a store of this scheme listens unless its URL says otherwise.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    let found = SCHEMES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(scheme));
    found.map(|(_, port, _)| *port).filter(|port| *port != 0)
}

/// `-`, `file:PATH`, `sqlite:PATH`, what looks like a path, or a plain file of that name; `None`: something else. A folder
/// is taken only when it is written as a path: `db` is rather a host than the folder `./db`.
fn parse_path(text: &str) -> Option<Result<Target, Problem>> {
    if text == "-" {
        return Some(Ok(Target::Input));
    }
    let named = ["file:", "sqlite:"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let written_so = text.starts_with(['/', '.']) && !text.contains("://") || text.starts_with("~/");
    let path = PathBuf::from(named.unwrap_or(text));
    let is_network = text.parse::<IpNet>().is_ok();
    if named.is_none() && !written_so && (is_network || text.contains("://") || !path.is_file()) {
        let folder = text.contains('/') && !is_network && !text.contains("://") && path.is_dir();
        return folder.then_some(Ok(Target::Path(path)));
    }
    Some(match path.symlink_metadata() {
        Ok(_) => Ok(Target::Path(path)),
        Err(error) => Err((format!("the path cannot be read: {error}"), "is it spelled right?".to_owned())),
    })
}

/// `oss://NAME`, `s3://NAME?endpoint=URL` and the like; `None` when the scheme is no provider's.
pub(crate) fn parse_bucket(text: &str) -> Option<Result<Bucket, Problem>> {
    let (scheme, rest) = text.split_once("://")?;
    let provider = Provider::ALL.into_iter().find(|known| known.scheme().eq_ignore_ascii_case(scheme))?;
    Some(
        bucket_of(provider, rest)
            .map_err(|problem| (problem, format!("write {}, with {OPTIONS}", provider.form()))),
    )
}

/// What may stand behind the name of a bucket.
const OPTIONS: &str = "?region=REGION, ?endpoint=http(s)://HOST:PORT for a server of your own, ?key=OBJECT for an object \
                       that you know (it is asked for by HEAD); several are joined by &";

fn bucket_of(provider: Provider, rest: &str) -> Result<Bucket, String> {
    let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut bucket = Bucket::new(provider, name)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (option, value) = pair.split_once('=').unwrap_or((pair, ""));
        bucket = match option {
            "region" => bucket.in_region(value)?,
            "endpoint" => bucket.at(parse_endpoint(value)?)?,
            "key" => bucket.with_key(value)?,
            // A signed URL must not be mistaken for what a stranger gets, and its signature must not be told.
            _ => {
                let known = ["region", "endpoint", "key"];
                let near = closest(option, &known)
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                return Err(format!(
                    "an option that audit does not know{near} (buckets are asked without credentials)"
                ));
            }
        };
    }
    if bucket.needs_region() {
        return Err("its region is missing: Tencent has no host that knows them all".to_owned());
    }
    Ok(bucket)
}

fn parse_endpoint(text: &str) -> Result<Endpoint, String> {
    let form = || "an endpoint is http://HOST:PORT or https://HOST:PORT".to_owned();
    let (scheme, authority) = text.split_once("://").ok_or_else(form)?;
    let (tls, default) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (false, 80),
        "https" => (true, 443),
        _ => return Err(form()),
    };
    let (host, port) = parse_authority(authority.trim_end_matches('/')).map_err(|_| form())?;
    Ok(Endpoint { tls, host: host.to_string(), port: port.unwrap_or(default) })
}

fn parse_network(text: &str) -> Result<Target, Problem> {
    let Ok(network) = text.parse::<IpNet>() else {
        let looks_like_a_network =
            text.split('/').next().is_some_and(|start| start.parse::<IpAddr>().is_ok());
        return Err(if looks_like_a_network {
            (
                "not a network".to_owned(),
                "write an address and a prefix length, such as 10.0.0.0/24".to_owned(),
            )
        } else {
            ("neither a network nor a path that exists".to_owned(), FORMS.to_owned())
        });
    };
    let widest = if network.addr().is_ipv4() { WIDEST_V4 } else { WIDEST_V6 };
    if network.prefix_len() < widest {
        let help = format!("the widest network that is taken is /{widest}; name several narrower ones");
        return Err((format!("a /{} is too wide", network.prefix_len()), help));
    }
    Ok(Target::Network(network.trunc()))
}

/// `host`, `host:port`, `[v6]:port` or a bare IPv6 address.
fn parse_authority(text: &str) -> Result<(HostName, Option<u16>), String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok((HostName::Address(address), None));
    }
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').ok_or("`]` is missing")?;
        let address = inside.parse().map_err(|_| format!("`{inside}` is not an IPv6 address"))?;
        let port = match after {
            "" => None,
            after => Some(after.strip_prefix(':').ok_or("a `:` is expected after `]`")?),
        };
        (HostName::Address(address), port)
    } else {
        let (host, port) = text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        (parse_name(host)?, port)
    };
    let port = port.map(parse_port).transpose()?;
    Ok((host, port))
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("`{text}` is not a port (1 to 65535)")),
    }
}

/// A host name (RFC 1123, and underscores, which container networks use).
fn parse_name(text: &str) -> Result<HostName, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(HostName::Address(address));
    }
    let name = text.trim_end_matches('.');
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // A last label of digits is a mistyped address: no top-level domain is a number.
    let numeric_end =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if name.is_empty() || name.len() > 253 || numeric_end || !name.split('.').all(label) {
        return Err(format!("`{text}` is neither an address nor a host name"));
    }
    Ok(HostName::Name(name.to_ascii_lowercase()))
}

/// The target as it may be shown: without a password, and without the name of an object.
pub(crate) fn without_password(text: &str) -> String {
    if let Some(bucket) = parse_bucket(text) {
        let shown = text.split('?').next().unwrap_or_default();
        return match bucket {
            Ok(bucket) if bucket.key().is_some() => {
                let bare = bucket.to_string();
                format!("{bare}{}key=(an object)", if bare.contains('?') { '&' } else { '?' })
            }
            Ok(bucket) => bucket.to_string(),
            Err(_) if shown.contains('@') => "(credentials)".to_owned(),
            Err(_) => shown.to_owned(),
        };
    }
    match text.split_once("://") {
        Some((scheme, rest)) if rest.contains('@') => {
            let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
            format!("{scheme}://(credentials)@{address}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> (String, u16, Option<bool>) {
        match Target::parse(text).unwrap() {
            Target::Endpoint { host, port, tls, .. } => (host.to_string(), port, tls),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn endpoints_in_every_form() {
        assert_eq!(endpoint("db.example:5432"), ("db.example".to_owned(), 5432, None));
        assert_eq!(endpoint("[::1]:6379"), ("::1".to_owned(), 6379, None));
        assert_eq!(endpoint("https://es.example/path?x"), ("es.example".to_owned(), 443, Some(true)));
        assert_eq!(endpoint("redis://user:secret@10.0.0.1"), ("10.0.0.1".to_owned(), 6379, Some(false)));
        assert_eq!(endpoint("elasticsearch+http://es_1"), ("es_1".to_owned(), 9200, Some(false)));
    }

    #[test]
    fn paths_are_what_exists_and_looks_like_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("people.csv");
        std::fs::write(&file, "").unwrap();
        for text in [folder.path().to_str().unwrap(), file.to_str().unwrap(), ".", "..", "file:."] {
            assert!(matches!(Target::parse(text).unwrap(), Target::Path(_)), "{text}");
        }
        let sqlite = format!("sqlite:{}", file.display());
        assert_eq!(Target::parse(&sqlite).unwrap(), Target::Path(file));
        assert_eq!(Target::parse("-").unwrap(), Target::Input);
        assert!(
            matches!(Target::parse("src").unwrap(), Target::Host(_)),
            "a host may be called like a folder"
        );
    }

    #[test]
    fn a_url_of_a_store_is_kept_for_its_reader_and_not_shown() {
        let target = Target::parse("postgres://u:hunter2@db/people?sslmode=require").unwrap();
        assert!(!format!("{target:?}").contains("hunter2"));
        assert!(matches!(target, Target::Endpoint { store: Some(_), port: 5432, .. }));
        assert!(
            has_password("postgres://u:hunter2@db/people") && !has_password("postgres://u@db:5432/a:b@c")
        );
        assert!(matches!(Target::parse("tcp://db:1").unwrap(), Target::Endpoint { store: None, .. }));
    }

    #[test]
    fn hosts_and_networks() {
        assert!(matches!(Target::parse("db").unwrap(), Target::Host(HostName::Name(_))));
        assert!(matches!(Target::parse("::1").unwrap(), Target::Host(HostName::Address(_))));
        assert!(matches!(Target::parse("10.0.0.0/16").unwrap(), Target::Network(_)));
    }

    #[test]
    fn what_cannot_be_understood_is_an_error_with_a_remedy() {
        for text in [
            "10.0.0.0/15",
            "fd00::/64",
            "10.0.0.0/33",
            "256.1.1.1",
            "1.2.3",
            "db:0",
            "db:99999",
            "db:http",
            "[::1",
            "",
            "a b",
            "./folder-that-is-not-there",
            "folder/that/is/not/there",
            "htps://x",
            "-x.example",
            "tcp://x",
        ] {
            let error = Target::parse(text).unwrap_err();
            assert!(!error.problem.is_empty() && !error.help.is_empty(), "{text}");
        }
        assert_eq!(Target::parse("htps://x").unwrap_err().help, "did you mean `https`?");
    }

    fn bucket(text: &str) -> Result<Bucket, TargetError> {
        Target::parse(text).map(|target| match target {
            Target::Bucket(bucket) => bucket,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn buckets_of_every_provider() {
        for (text, shown) in [
            ("oss://archive?region=cn-beijing", "oss://archive"),
            ("S3://archive/", "s3://archive"),
            ("s3://archive?endpoint=http://[::1]:9000", "s3://archive?endpoint=http://[::1]:9000"),
            (
                "s3://archive?endpoint=https://minio.example",
                "s3://archive?endpoint=https://minio.example:443",
            ),
            ("gs://archive", "gs://archive"),
            ("az://account/box", "az://account/box"),
            ("cos://archive-1250000000?region=ap-beijing", "cos://archive-1250000000"),
            ("obs://archive", "obs://archive"),
        ] {
            assert_eq!(bucket(text).unwrap().to_string(), shown, "{text}");
        }
        let known = "s3://archive?endpoint=http://127.0.0.1:9000&key=people/li%20na.json";
        assert_eq!(bucket(known).unwrap().key(), Some("people/li na.json"));
        assert!(!without_password(known).contains("li%20na"));
    }

    #[test]
    fn buckets_are_asked_without_credentials() {
        for text in [
            "s3://AKIA:hunter2@archive",
            "s3://archive?X-Amz-Signature=hunter2",
            "az://account/box?sv=2021&sig=hunter2",
            "s3://archive?endpoint=http://user:hunter2@minio:9000",
            "oss://archive?endpoint=https://oss-cn-beijing.aliyuncs.com",
            "cos://archive-1250000000",
            "s3://archive?region=a b",
            "s3://",
            "oss://archive/object",
        ] {
            let error = bucket(text).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
        }
        assert!(bucket("oss://archive?regio=x").unwrap_err().problem.contains("did you mean `region`"));
    }

    #[test]
    fn a_password_is_not_repeated() {
        assert_eq!(without_password("redis://u:hunter2@h:1/0"), "redis://(credentials)@h:1/0");
        let error = Target::parse("redis://u:hunter2@h:0").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
}
