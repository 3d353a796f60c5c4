//! Buckets: stores of objects that are known by name, and the host names at which their providers answer for them.
//!
//! A bucket has no address of its own, so the name is what is authorised and what is remembered. Which host names
//! belong to it is written down here, once: whoever follows a hint of a server asks [`Bucket::owns`].

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Who keeps buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    /// Alibaba Cloud OSS.
    Oss,
    /// Amazon S3, and servers that speak its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
    /// Tencent Cloud COS.
    Cos,
    /// Huawei Cloud OBS.
    Obs,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 6] = [Self::Oss, Self::S3, Self::Gcs, Self::Azure, Self::Cos, Self::Obs];

    /// What a target begins with, before `://`.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Oss => "oss",
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
            Self::Cos => "cos",
            Self::Obs => "obs",
        }
    }

    /// The service's id in records.
    pub fn service(self) -> &'static str {
        match self {
            Self::Gcs => "gcs",
            Self::Azure => "azure-blob",
            other => other.scheme(),
        }
    }

    /// The product's name for people.
    pub fn product(self) -> &'static str {
        match self {
            Self::Oss => "Alibaba OSS",
            Self::S3 => "Amazon S3",
            Self::Gcs => "Google Cloud Storage",
            Self::Azure => "Azure Blob Storage",
            Self::Cos => "Tencent COS",
            Self::Obs => "Huawei OBS",
        }
    }

    /// How a target is written.
    pub fn form(self) -> &'static str {
        match self {
            Self::Oss => "oss://BUCKET",
            Self::S3 => "s3://BUCKET",
            Self::Gcs => "gs://BUCKET",
            Self::Azure => "az://ACCOUNT/CONTAINER",
            Self::Cos => "cos://BUCKET-APPID?region=REGION",
            Self::Obs => "obs://BUCKET",
        }
    }

    /// The domain under which the provider's own hosts are, with a dot in front.
    fn domain(self) -> &'static str {
        match self {
            Self::Oss => ".aliyuncs.com",
            Self::S3 => ".amazonaws.com",
            Self::Gcs => ".googleapis.com",
            Self::Azure => ".core.windows.net",
            Self::Cos => ".myqcloud.com",
            Self::Obs => ".myhuaweicloud.com",
        }
    }
}

/// A server that the user named, at which the bucket is asked for by path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Its name or address, IPv6 without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

/// A bucket. Its text is its identity: what does not tell two buckets apart is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bucket {
    provider: Provider,
    /// With Azure `ACCOUNT/CONTAINER`.
    name: String,
    region: Option<String>,
    endpoint: Option<Endpoint>,
    key: Option<String>,
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.provider.scheme(), self.name)?;
        match (&self.endpoint, &self.region) {
            (Some(endpoint), _) => write!(f, "?endpoint={endpoint}"),
            // Names in China are another name space than names elsewhere.
            (None, Some(region)) if self.in_china() => write!(f, "?region={region}"),
            _ => Ok(()),
        }
    }
}

/// What stays as it is in a path: RFC 3986, unreserved, and the slash.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

impl Bucket {
    /// A bucket by what stands between `://` and `?`.
    ///
    /// # Errors
    /// When no bucket can have that name.
    pub fn new(provider: Provider, name: &str) -> Result<Self, String> {
        let name = name.trim_end_matches('/');
        let right = match provider {
            Provider::Azure => name.split_once('/').is_some_and(|(account, container)| {
                let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
                let system = matches!(container, "$web" | "$root" | "$logs");
                (3..=24).contains(&account.len())
                    && account.bytes().all(letters)
                    && (system || is_name(container, 63))
            }),
            Provider::Cos => {
                let id = name.rsplit_once('-').map_or("", |(_, id)| id);
                is_name(name, 63) && id.len() >= 5 && id.bytes().all(|byte| byte.is_ascii_digit())
            }
            Provider::Gcs => is_name(name, 222),
            Provider::Oss | Provider::S3 | Provider::Obs => is_name(name, 63),
        };
        if !right {
            return Err(format!("no bucket can be called that; write {}", provider.form()));
        }
        Ok(Self { provider, name: name.to_owned(), region: None, endpoint: None, key: None })
    }

    /// The same in a region, as the provider writes it.
    ///
    /// # Errors
    /// When it is none.
    pub fn in_region(mut self, region: &str) -> Result<Self, String> {
        let region = region.strip_prefix("oss-").unwrap_or(region);
        if !is_name(region, 40) || region.contains(['.', '_']) {
            return Err(format!("`{region}` is not a region, such as cn-hangzhou or eu-west-1"));
        }
        self.region = Some(region.to_owned());
        Ok(self)
    }

    /// The same at a server of the user's own.
    ///
    /// # Errors
    /// When that is a host of the provider's.
    pub fn at(mut self, endpoint: Endpoint) -> Result<Self, String> {
        let host = format!(".{}", endpoint.host.to_ascii_lowercase());
        if Provider::ALL.iter().any(|provider| host.contains(provider.domain())) {
            return Err(format!("`{}` is the provider's own; write ?region=REGION instead", endpoint.host));
        }
        self.endpoint = Some(endpoint);
        Ok(self)
    }

    /// The same with an object that the user knows. It is asked for by HEAD, and its name is told nowhere.
    ///
    /// # Errors
    /// When no object can have that name.
    pub fn with_key(mut self, encoded: &str) -> Result<Self, String> {
        let key = percent_decode_str(encoded).decode_utf8().map_err(|_| "the key is not UTF-8".to_owned())?;
        if key.is_empty() || key.len() > 1024 || key.chars().any(char::is_control) {
            return Err("no object can be called that".to_owned());
        }
        self.key = Some(key.into_owned());
        Ok(self)
    }

    /// Who keeps it.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Its name; with Azure `ACCOUNT/CONTAINER`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is, when the user said so.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The user's own server that keeps it, if one does.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// The object that the user knows.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether its provider has to be told where it is.
    pub fn needs_region(&self) -> bool {
        self.provider == Provider::Cos && self.region.is_none() && self.endpoint.is_none()
    }

    fn in_china(&self) -> bool {
        self.provider == Provider::S3
            && self.region.as_deref().is_some_and(|region| region.starts_with("cn-"))
    }

    /// The host to ask first.
    pub fn host(&self) -> String {
        if let Some(endpoint) = &self.endpoint {
            return endpoint.host.clone();
        }
        let (name, region) = (&self.name, self.region.as_deref());
        match (self.provider, region) {
            // Any public host of OSS names the right one for a bucket of another region.
            (Provider::Oss, region) => format!("{name}.oss-{}.aliyuncs.com", region.unwrap_or("cn-hangzhou")),
            (Provider::S3, None) => format!("{name}.s3.amazonaws.com"),
            (Provider::S3, Some(region)) => {
                format!("{name}.s3.{region}.amazonaws.com{}", if self.in_china() { ".cn" } else { "" })
            }
            (Provider::Gcs, _) => "storage.googleapis.com".to_owned(),
            (Provider::Azure, _) => format!("{}.blob.core.windows.net", self.account()),
            (Provider::Cos, region) => {
                format!("{name}.cos.{}.myqcloud.com", region.unwrap_or("ap-guangzhou"))
            }
            (Provider::Obs, None) => format!("{name}.obs.myhuaweicloud.com"),
            (Provider::Obs, Some(region)) => format!("{name}.obs.{region}.myhuaweicloud.com"),
        }
    }

    fn account(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// The host of its website in a region, where that is another one. It speaks plain HTTP.
    pub fn website_host(&self, region: &str) -> Option<String> {
        if self.endpoint.is_some() {
            return None;
        }
        let name = &self.name;
        let host = match self.provider {
            // https://docs.aws.amazon.com/general/latest/gr/s3.html : the older regions have a dash.
            Provider::S3 => {
                let dash = matches!(
                    region,
                    "us-east-1"
                        | "us-west-1"
                        | "us-west-2"
                        | "eu-west-1"
                        | "sa-east-1"
                        | "us-gov-west-1"
                        | "ap-southeast-1"
                        | "ap-southeast-2"
                        | "ap-northeast-1"
                );
                let china = if self.in_china() { ".cn" } else { "" };
                format!("{name}.s3-website{}{region}.amazonaws.com{china}", if dash { '-' } else { '.' })
            }
            Provider::Cos => format!("{name}.cos-website.{region}.myqcloud.com"),
            Provider::Obs => format!("{name}.obs-website.{region}.myhuaweicloud.com"),
            Provider::Oss | Provider::Gcs | Provider::Azure => return None,
        };
        self.owns(&host).then_some(host)
    }

    /// The region that one of its hosts is in, where the name tells.
    pub fn region_at(&self, host: &str) -> Option<String> {
        let labels = self.labels(host)?;
        let region = labels.split('.').find(|label| is_region(label)).map(str::to_owned);
        self.region.clone().or(region)
    }

    /// What paths of it begin with, at the host that is asked.
    pub fn base(&self) -> String {
        match (self.provider, &self.endpoint) {
            (Provider::Azure, None) => {
                format!("/{}", self.name.split_once('/').map_or("", |(_, container)| container))
            }
            (Provider::Gcs, _) | (_, Some(_)) => format!("/{}", self.name),
            _ => String::new(),
        }
    }

    /// The path of an object.
    pub fn path_of(&self, key: &str) -> String {
        format!("{}/{}", self.base(), utf8_percent_encode(key, PATH))
    }

    /// Whether a host answers for this bucket: it is the provider's, and with providers that put the name into the
    /// host, for no other bucket.
    pub fn owns(&self, host: &str) -> bool {
        if let Some(endpoint) = &self.endpoint {
            return host.eq_ignore_ascii_case(&endpoint.host);
        }
        match self.provider {
            Provider::Gcs | Provider::Azure => host.eq_ignore_ascii_case(&self.host()),
            _ => self.labels(host).is_some_and(|labels| self.are_own(&labels)),
        }
    }

    /// What stands between the name and the provider's domain.
    fn labels(&self, host: &str) -> Option<String> {
        let host = host.to_ascii_lowercase();
        let host = if self.in_china() { host.strip_suffix(".cn")? } else { host.as_str() };
        let labels =
            host.strip_suffix(self.provider.domain())?.strip_prefix(&self.name)?.strip_prefix('.')?;
        Some(labels.to_owned())
    }

    /// Whether these labels can only be this bucket's.
    fn are_own(&self, labels: &str) -> bool {
        let labels: Vec<&str> = labels.split('.').collect();
        let service = |label: &str, name: &str| {
            label
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(is_region))
        };
        match (self.provider, labels.as_slice()) {
            (Provider::Oss, [one]) => service(one, "oss"),
            (Provider::S3, [one]) => service(one, "s3") || service(one, "s3-website"),
            (Provider::S3, ["s3" | "s3-website", region] | ["s3", "dualstack", region]) => is_region(region),
            (Provider::Cos, ["cos" | "cos-website", region]) => is_region(region),
            (Provider::Obs, ["obs"]) => true,
            (Provider::Obs, ["obs" | "obs-website", region]) => is_region(region),
            _ => false,
        }
    }

    /// The host that a server proposes, as a URL or a name with or without the bucket, when it may be followed.
    pub fn follow(&self, proposed: &str) -> Option<String> {
        let rest = proposed.split_once("://").map_or(proposed, |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next()?.trim().to_ascii_lowercase();
        let host = host.trim_end_matches(":443").trim_end_matches(":80").to_owned();
        if self.endpoint.is_some() || host.contains(['@', ':', '%', ' ']) {
            return None;
        }
        let with_name = format!("{}.{host}", self.name);
        [host, with_name].into_iter().find(|host| self.owns(host))
    }
}

/// Letters, digits, dots, dashes and underscores, a letter or digit at both ends, no empty label.
fn is_name(text: &str, longest: usize) -> bool {
    let end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (3..=longest).contains(&text.len())
        && end(text.bytes().next())
        && end(text.bytes().last())
        && !text.contains("..")
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_')
        })
}

/// `eu-west-1`, `cn-hangzhou`: with a dash, and not the label of a service, which could be part of another bucket's name.
fn is_region(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let service = ["s3-", "oss-", "cos-", "obs-", "-"].iter().any(|start| text.starts_with(start));
    text.contains('-') && text.bytes().all(plain) && text.len() <= 40 && !service
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(provider: Provider, name: &str) -> Bucket {
        Bucket::new(provider, name).unwrap()
    }

    #[test]
    fn names_that_could_change_the_request_are_none() {
        for name in [
            "",
            "a",
            "a b c",
            "a/../b",
            "A-Upper",
            "x..y",
            "-abc",
            "abc-",
            "a@b.c",
            "abc\r\nX: y",
            "abc%2f",
            "abc?x",
        ] {
            for provider in Provider::ALL {
                assert!(Bucket::new(provider, name).is_err(), "{name:?}");
            }
        }
        assert!(Bucket::new(Provider::Azure, "account").is_err());
        assert!(Bucket::new(Provider::Azure, "acc.ount/container").is_err());
        assert!(Bucket::new(Provider::Cos, "without-appid").is_err());
        assert!(Bucket::new(Provider::Azure, "account/$web").is_ok());
    }

    #[test]
    fn each_provider_answers_at_its_own_host() {
        let hosts = [
            (bucket(Provider::Oss, "archive"), "archive.oss-cn-hangzhou.aliyuncs.com"),
            (
                bucket(Provider::Oss, "archive").in_region("oss-cn-beijing").unwrap(),
                "archive.oss-cn-beijing.aliyuncs.com",
            ),
            (bucket(Provider::S3, "a.b-c"), "a.b-c.s3.amazonaws.com"),
            (
                bucket(Provider::S3, "abc").in_region("cn-north-1").unwrap(),
                "abc.s3.cn-north-1.amazonaws.com.cn",
            ),
            (bucket(Provider::Gcs, "abc"), "storage.googleapis.com"),
            (bucket(Provider::Azure, "account/box"), "account.blob.core.windows.net"),
            (
                bucket(Provider::Cos, "abc-1250000000").in_region("ap-beijing").unwrap(),
                "abc-1250000000.cos.ap-beijing.myqcloud.com",
            ),
            (bucket(Provider::Obs, "abc"), "abc.obs.myhuaweicloud.com"),
        ];
        for (bucket, host) in hosts {
            assert_eq!(bucket.host(), host);
            assert!(bucket.owns(host), "{host}");
        }
    }

    #[test]
    fn a_hop_within_the_provider_and_for_this_bucket_is_followed() {
        let oss = bucket(Provider::Oss, "archive");
        assert_eq!(
            oss.follow("oss-cn-beijing.aliyuncs.com").as_deref(),
            Some("archive.oss-cn-beijing.aliyuncs.com")
        );
        assert_eq!(
            oss.follow("https://archive.oss-cn-beijing.aliyuncs.com:443/x").as_deref(),
            Some("archive.oss-cn-beijing.aliyuncs.com")
        );
        let s3 = bucket(Provider::S3, "abc");
        assert_eq!(
            s3.follow("abc.s3.sa-east-1.amazonaws.com").as_deref(),
            Some("abc.s3.sa-east-1.amazonaws.com")
        );
        assert_eq!(
            s3.follow("s3-eu-west-1.amazonaws.com").as_deref(),
            Some("abc.s3-eu-west-1.amazonaws.com")
        );
        assert_eq!(
            bucket(Provider::Obs, "abc").follow("https://abc.obs.cn-north-4.myhuaweicloud.com").as_deref(),
            Some("abc.obs.cn-north-4.myhuaweicloud.com")
        );
    }

    #[test]
    fn a_hop_to_elsewhere_is_not_followed() {
        let oss = bucket(Provider::Oss, "archive");
        for elsewhere in [
            "evil.example",
            "oss-cn-beijing.aliyuncs.com.evil.example",
            "other.oss-cn-beijing.aliyuncs.com",
            "x.archive.oss-cn-beijing.aliyuncs.com",
            "http://archive.oss-cn-beijing.aliyuncs.com@evil.example/",
            "archive.oss-cn-beijing.aliyuncs.com:8443",
            "169.254.169.254",
            "ecs.aliyuncs.com",
            "",
        ] {
            assert_eq!(oss.follow(elsewhere), None, "{elsewhere}");
        }
        // Hosts of the buckets `abc.s3` and `abc.s3-eu-west-1`.
        let s3 = bucket(Provider::S3, "abc");
        for elsewhere in [
            "abc.s3.s3.amazonaws.com",
            "abc.s3.s3-eu-west-1.amazonaws.com",
            "abc.s3-eu-west-1.s3.amazonaws.com",
            "abc.s3.cn-north-1.amazonaws.com.cn",
        ] {
            assert_eq!(s3.follow(elsewhere), None, "{elsewhere}");
        }
        let own = bucket(Provider::S3, "abc")
            .at(Endpoint { tls: false, host: "127.0.0.1".to_owned(), port: 9000 })
            .unwrap();
        assert_eq!(own.follow("abc.s3.amazonaws.com"), None);
    }

    #[test]
    fn the_text_of_a_bucket_tells_it_apart_and_hides_the_key() {
        let s3 = bucket(Provider::S3, "abc").with_key("people/Li%20Na.json").unwrap();
        assert_eq!((s3.to_string().as_str(), s3.key()), ("s3://abc", Some("people/Li Na.json")));
        assert_eq!(s3.path_of("a b/ö?"), "/a%20b/%C3%B6%3F");
        let endpoint = Endpoint { tls: true, host: "::1".to_owned(), port: 9000 };
        assert_eq!(s3.at(endpoint).unwrap().to_string(), "s3://abc?endpoint=https://[::1]:9000");
        let china = bucket(Provider::S3, "abc").in_region("cn-north-1").unwrap();
        assert_eq!(china.to_string(), "s3://abc?region=cn-north-1");
        let provider = Endpoint { tls: true, host: "oss-cn-beijing.aliyuncs.com".to_owned(), port: 443 };
        assert!(bucket(Provider::Oss, "abc").at(provider).unwrap_err().contains("?region="));
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_a_host_of_the_provider_is_followed(proposed: String) {
            let oss = bucket(Provider::Oss, "archive");
            if let Some(host) = oss.follow(&proposed) {
                proptest::prop_assert!(host.starts_with("archive.oss") && host.ends_with(".aliyuncs.com"));
            }
        }
    }
}
