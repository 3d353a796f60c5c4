//! Whether a key still works: one read with it, where the user asked for that (`--verify-secrets`) and the guard allows
//! the door. What an answer says beyond "works" is dropped.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use model::{Bucket, Endpoint, Provider, Secret};
use net::http::{BucketKey, Request, Response};
use net::{Roots, Trust};

use super::{FoundSecret, SecretKind};
use crate::store::gate::{self, Gate};
use crate::store::login::{Login, Security};
use crate::store::web::Web;

/// Longest answer that is waited for: the names of an account's buckets.
const ANSWER: usize = 4 << 20;

/// Whose keys these are, and whose doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Amazon, and servers that speak S3.
    Amazon,
    /// Alibaba Cloud.
    Alibaba,
}

impl Vendor {
    /// Whose the secrets of a kind are, where there is something that can be asked.
    pub fn of_kind(kind: &str) -> Option<Self> {
        match kind {
            "aws-secret-access-key" => Some(Self::Amazon),
            "alibaba-access-key-secret" => Some(Self::Alibaba),
            _ => None,
        }
    }

    /// Whose security token service a host is: `sts.amazonaws.com`, `sts.eu-west-1.amazonaws.com`, `sts.aliyuncs.com`.
    /// <https://docs.aws.amazon.com/general/latest/gr/sts.html>,
    /// <https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-endpoint>
    pub fn of_sts_host(host: &str) -> Option<Self> {
        let rest = host.strip_prefix("sts.").or_else(|| host.strip_prefix("sts-vpc."))?;
        let is_region = |label: &str| {
            label.contains('-') && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let below = |domain: &str| match rest.strip_suffix(domain) {
            Some("") => true,
            Some(region) => region.strip_suffix('.').is_some_and(is_region),
            None => false,
        };
        match () {
            () if below("aliyuncs.com") => Some(Self::Alibaba),
            () if host.starts_with("sts-vpc") => None,
            () if below("amazonaws.com") || below("amazonaws.com.cn") => Some(Self::Amazon),
            () => None,
        }
    }
}

/// A key to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// Whose it is.
    pub vendor: Vendor,
    /// The key.
    pub key: BucketKey,
}

/// Why a key cannot be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untried {
    /// Its id is not known.
    NoId,
    /// It is lent for some hours, and no use without a token.
    Temporary,
    /// Enough others were found.
    TooMany,
}

impl Untried {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoId => "no id of a key stands near it",
            Self::Temporary => "it is a key for some hours, of which a token is part",
            Self::TooMany => "more keys were found than are tried",
        }
    }
}

impl KeyPair {
    /// The key that a secret in a text is part of, and whether it may as well belong to another id; `None`: nothing can be
    /// asked with secrets of this kind.
    pub(crate) fn of(
        kind: &SecretKind,
        found: &FoundSecret,
        text: &[u8],
    ) -> Option<Result<(Self, bool), Untried>> {
        let vendor = Vendor::of_kind(&kind.id)?;
        let word = |start, end| text.get(start..end).and_then(|word| std::str::from_utf8(word).ok());
        // Ids are written before their secrets; where there is none before, after it.
        let before = found.near.iter().rev().find(|id| id.end <= found.start);
        let chosen = before.or(found.near.first()).and_then(|id| word(id.start, id.end));
        let Some((id, secret)) = chosen.zip(word(found.start, found.end)) else {
            return Some(Err(Untried::NoId));
        };
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
        if ["ASIA", "ABIA", "ACCA", "STS."].iter().any(|prefix| id.starts_with(prefix)) {
            return Some(Err(Untried::Temporary));
        }
        let uncertain = found.near.iter().any(|other| word(other.start, other.end) != Some(id));
        let key = BucketKey { id: id.to_owned(), secret: Secret::new(secret.to_owned()), token: None };
        Some(Ok((Self { vendor, key }, uncertain)))
    }
}

/// Where a key is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// A bucket at its provider, or the server of the user's own that keeps it.
    Bucket(Bucket),
    /// A server that speaks S3.
    Server(Endpoint),
    /// A security token service, by its host.
    Sts(Vendor, String),
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(bucket) => match bucket.endpoint() {
                Some(endpoint) => endpoint.fmt(f),
                None => bucket.fmt(f),
            },
            Self::Server(endpoint) => endpoint.fmt(f),
            Self::Sts(_, host) => f.write_str(host),
        }
    }
}

impl Door {
    /// Whose keys may fit.
    pub fn vendor(&self) -> Vendor {
        match self {
            Self::Bucket(bucket) if bucket.provider() == Provider::Oss => Vendor::Alibaba,
            Self::Bucket(_) | Self::Server(_) => Vendor::Amazon,
            Self::Sts(vendor, _) => *vendor,
        }
    }

    fn web(&self, gate: Gate) -> Web {
        let endpoint = match self {
            Self::Bucket(bucket) => bucket.endpoint().cloned().unwrap_or_else(|| tls(bucket.host())),
            Self::Server(endpoint) => endpoint.clone(),
            Self::Sts(_, host) => tls(host.clone()),
        };
        let login = Login {
            door: gate::Door::Tcp { host: endpoint.host, port: endpoint.port },
            security: match endpoint.tls {
                true => Security::Always(Trust::Host(Roots::System)),
                false => Security::Plain,
            },
            user: None,
            database: None,
            password: None,
            by_database: Vec::new(),
        };
        match self {
            Self::Bucket(bucket) => Web::for_bucket(gate, login, bucket.clone()),
            Self::Server(_) | Self::Sts(..) => Web::new(gate, login),
        }
    }

    /// The one read.
    fn request(&self, key: &BucketKey, host: &str, now: Timestamp) -> Request {
        match self {
            Self::Bucket(bucket) if bucket.provider() == Provider::Oss => {
                let listing = Request::get(format!("{}/?max-keys=1", bucket.base()));
                listing.signed_for_oss(&format!("{}/", bucket.name()), bucket.region(), key, now)
            }
            Self::Bucket(bucket) if bucket.endpoint().is_none() => {
                let region = bucket.region().unwrap_or(REGION);
                Request::get("/?list-type=2&max-keys=1").signed_v4(host, region, key, now)
            }
            Self::Bucket(_) | Self::Server(_) => Request::buckets_of(key, host, REGION, now),
            Self::Sts(Vendor::Amazon, _) => Request::aws_caller_identity(key, host, region(host), now),
            Self::Sts(Vendor::Alibaba, _) => Request::alibaba_caller_identity(key, &nonce(now), now),
        }
    }

    /// What is in the answer to a key that works.
    fn root(&self) -> &'static [u8] {
        match self {
            Self::Bucket(bucket) if bucket.provider() == Provider::Oss || bucket.endpoint().is_none() => {
                b"ListBucketResult"
            }
            Self::Bucket(_) | Self::Server(_) => b"ListAllMyBucketsResult",
            Self::Sts(..) => b"Arn",
        }
    }
}

fn tls(host: String) -> Endpoint {
    Endpoint { tls: true, host, port: 443 }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The key was accepted, whatever it may read.
    Works,
    /// The key is unknown, disabled or has ended.
    Refused,
    /// Neither was said; why.
    Unknown(String),
}

/// What is signed without a region is signed for this one.
const REGION: &str = "us-east-1";
/// Answers that mean that the signature was right, although this read is not allowed.
const ACCEPTED: &[&str] = &["AccessDenied", "AllAccessDisabled", "NoPermission"];
/// Answers that mean that the key is none, or none any more.
const REFUSED: &[&str] = &[
    "InvalidAccessKeyId",
    "InvalidAccessKeyId.NotFound",
    "InvalidAccessKeyId.Inactive",
    "InvalidClientTokenId",
    "InvalidSecurityToken",
    "InvalidSecurityToken.Expired",
    "InvalidSecurityToken.Malformed",
    "InvalidToken",
    "ExpiredToken",
    "Forbidden.AccessKeyDisabled",
    "IncompleteSignature",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "XMinioAccessKeyDisabled",
];
/// Answers of a host that has not looked at the key.
const ELSEWHERE: &[&str] = &["AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"];
/// Answers that say something about the time, not about the key.
const CLOCKS: &[&str] = &["RequestTimeTooSkewed", "RequestExpired", "InvalidTimeStamp.Expired"];

/// Asks once, when the guard allows it, and waits for so long.
pub async fn verify(pair: &KeyPair, door: &Door, gate: Gate, time: Duration) -> Verified {
    let mut web = door.web(gate);
    // The other end compares it with its own clock: a pinned time would be wrong.
    let request = door.request(&pair.key, &web.host(), Timestamp::now());
    match tokio::time::timeout(time, web.whole(&request, ANSWER)).await {
        Ok(Ok(response)) => judged(door, &response),
        Ok(Err(error)) => Verified::Unknown(error.to_string()),
        Err(_) => Verified::Unknown(format!("{door}: no answer within {} seconds", time.as_secs())),
    }
}

/// A number used once: a second try within the lifetime of a signature would be refused with the first one's.
fn nonce(now: Timestamp) -> String {
    format!("{:x}-{:x}", now.as_nanosecond(), fastrand::u64(..))
}

/// The region that a host of AWS names: `sts.eu-west-1.amazonaws.com`, `s3.cn-north-1.amazonaws.com.cn`.
fn region(host: &str) -> &str {
    let named = host.split_once(".amazonaws.com").and_then(|(before, _)| before.rsplit('.').next());
    named.filter(|name| name.contains('-')).unwrap_or(REGION)
}

fn judged(door: &Door, response: &Response) -> Verified {
    let has = |word: &[u8]| memchr::memmem::find(&response.body, word).is_some();
    let unknown = |why: &str| Verified::Unknown(format!("{door}: {why}"));
    if response.status == 200 {
        // Something that answers 200 to everything has not looked at the key.
        return match has(door.root()) {
            true => Verified::Works,
            false => unknown("it answers, but not as such a service does"),
        };
    }
    let code = code(response);
    let is = |codes: &[&str]| code.as_deref().is_some_and(|code| codes.contains(&code));
    match () {
        // OSS says AccessDenied, and where the bucket is, before it looks at the key.
        () if is(ELSEWHERE) || is(ACCEPTED) && has(b"<Endpoint>") => {
            unknown("the bucket is elsewhere: name it with ?region=")
        }
        () if is(ACCEPTED) => Verified::Works,
        () if is(REFUSED) => Verified::Refused,
        () if is(CLOCKS) => unknown("its clock and this machine's differ too much"),
        () => unknown(&format!("it answers with status {}", response.status)),
    }
}

/// The code of an error: `<Code>` in XML, `Code` in JSON.
fn code(response: &Response) -> Option<String> {
    if let Some(code) = response.text_at("/Code").or_else(|| response.text_at("/Error/Code")) {
        return Some(code.to_owned());
    }
    let begin = memchr::memmem::find(&response.body, b"<Code>")? + 6;
    let rest = response.body.get(begin..)?;
    let end = memchr::memmem::find(rest.get(..80.min(rest.len()))?, b"</Code>")?;
    std::str::from_utf8(rest.get(..end)?).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use model::Clock;
    use net::{Dialer, Guard};
    use testkit::emulator::http;
    use testkit::real::start;

    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        Response::from_parts(status, &BTreeMap::new(), body)
    }

    fn server(address: std::net::SocketAddr) -> Door {
        Door::Server(Endpoint { tls: false, host: address.ip().to_string(), port: address.port() })
    }

    fn somewhere() -> Door {
        server("127.0.0.1:9000".parse().unwrap())
    }

    fn oss(name: &str) -> Door {
        Door::Bucket(Bucket::new(Provider::Oss, name).unwrap())
    }

    fn sts(host: &str) -> Door {
        Door::Sts(Vendor::of_sts_host(host).unwrap(), host.to_owned())
    }

    fn gate() -> Gate {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let dialer = Arc::new(Dialer::new(4, provider, Clock::System));
        Gate::new(dialer, Arc::new(Guard::new(Vec::new(), None, Timestamp::now())))
    }

    fn pair(id: &str, secret: &str) -> KeyPair {
        let key = BucketKey { id: id.to_owned(), secret: Secret::new(secret.to_owned()), token: None };
        KeyPair { vendor: Vendor::Amazon, key }
    }

    /// Bodies as the vendors' pages on errors show them.
    #[test]
    fn answers_are_told_apart() {
        let unknown = |verified| matches!(verified, Verified::Unknown(_));
        let error = |code: &str, more: &str| {
            answer(403, &format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code>{more}</Error>"))
        };
        let s3 = somewhere();
        assert_eq!(judged(&s3, &error("InvalidAccessKeyId", "")), Verified::Refused);
        assert_eq!(judged(&s3, &error("AccessDenied", "")), Verified::Works);
        assert!(unknown(judged(&s3, &error("RequestTimeTooSkewed", ""))));
        assert!(unknown(judged(&s3, &answer(200, "<html>hello</html>"))));
        let buckets = answer(200, "<ListAllMyBucketsResult></ListAllMyBucketsResult>");
        assert_eq!(judged(&s3, &buckets), Verified::Works);
        assert_eq!(judged(&oss("archive"), &answer(200, "<ListBucketResult/>")), Verified::Works);
        let elsewhere = error("AccessDenied", "<Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint>");
        assert!(unknown(judged(&oss("archive"), &elsewhere)));
        assert!(unknown(judged(&s3, &error("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"))));
        let alibaba = sts("sts.aliyuncs.com");
        let gone = answer(404, r#"{"Code":"InvalidAccessKeyId.NotFound"}"#);
        assert_eq!(judged(&alibaba, &gone), Verified::Refused);
        assert_eq!(judged(&alibaba, &answer(200, r#"{"Arn":"acs:ram::1:user/kite"}"#)), Verified::Works);
        assert!(unknown(judged(&sts("sts.amazonaws.com"), &answer(503, "<Code>"))));
    }

    #[test]
    fn a_host_names_its_region() {
        assert_eq!(region("sts.eu-west-1.amazonaws.com"), "eu-west-1");
        assert_eq!(region("sts.amazonaws.com"), "us-east-1");
        assert_eq!(region("s3.cn-north-1.amazonaws.com.cn:443"), "cn-north-1");
        assert_eq!(region("127.0.0.1:9000"), "us-east-1");
    }

    #[test]
    fn a_token_service_is_known_by_its_host() {
        for (host, vendor) in [
            ("sts.amazonaws.com", Some(Vendor::Amazon)),
            ("sts.cn-north-1.amazonaws.com.cn", Some(Vendor::Amazon)),
            ("sts.aliyuncs.com", Some(Vendor::Alibaba)),
            ("sts-vpc.cn-hangzhou.aliyuncs.com", Some(Vendor::Alibaba)),
            ("s3.amazonaws.com", None),
            ("sts.evil.example", None),
            ("sts.amazonaws.com.evil.example", None),
            ("sts.a.b-c.amazonaws.com", None),
            ("sts.xamazonaws.com", None),
        ] {
            assert_eq!(Vendor::of_sts_host(host), vendor, "{host}");
        }
    }

    #[test]
    fn the_read_fits_the_door_and_shows_no_secret() {
        let key = pair("kite", "string-of-kite").key;
        let now = "2026-11-26T12:00:00Z".parse().unwrap();
        let amazon = Door::Bucket(Bucket::new(Provider::S3, "archive").unwrap());
        for (door, host, path) in [
            (somewhere(), "127.0.0.1:9000", "/"),
            (amazon, "archive.s3.amazonaws.com", "/?list-type=2&max-keys=1"),
            (oss("archive"), "archive.oss-cn-hangzhou.aliyuncs.com", "/?max-keys=1"),
            (sts("sts.amazonaws.com"), "sts.amazonaws.com", "/?Action=GetCallerIdentity"),
            (sts("sts.aliyuncs.com"), "sts.aliyuncs.com", "/?AccessKeyId=kite&Action=GetCallerIdentity"),
        ] {
            let text = String::from_utf8(door.request(&key, host, now).encode(host)).unwrap();
            assert!(text.starts_with(&format!("GET {path}")), "{door}: {text}");
            assert!(!text.contains("string-of-kite"), "{door}");
            assert_eq!(door.web(gate()).host(), host);
        }
    }

    fn of_text(text: &str) -> Vec<Result<(KeyPair, bool), Untried>> {
        let secrets = crate::secret::Secrets::embedded();
        let mut all = Vec::new();
        secrets.text(text.as_bytes(), &mut |found| {
            let kind = &secrets.kinds()[usize::from(found.kind)];
            all.extend(KeyPair::of(kind, &found, text.as_bytes()));
        });
        all
    }

    #[test]
    fn a_key_belongs_to_the_id_before_it() {
        let (id, other) = (concat!("AK", "IAQ7KITE4WIND5SKYX"), concat!("AK", "IAQ2BIRD6TREE3SEAY"));
        let secret = "The0quick1Brown2fox3Jumped4over5Lazy6dog";
        let line = format!("aws_secret_access_key = {secret}\n");
        let [Ok((pair, uncertain))] = &of_text(&format!("aws_access_key_id = {id}\n{line}"))[..] else {
            panic!()
        };
        assert_eq!((pair.key.id.as_str(), pair.key.secret.reveal().as_str()), (id, secret));
        assert!(!uncertain && !format!("{pair:?}").contains(secret));
        let [Ok((pair, uncertain))] = &of_text(&format!("id: {id}\n{line}id: {other}\n"))[..] else {
            panic!()
        };
        assert!(*uncertain && pair.key.id == id);
        let [Ok((pair, uncertain))] = &of_text(&format!("{line}id: {other}\nagain: {other}\n"))[..] else {
            panic!()
        };
        assert!(!uncertain && pair.key.id == other);
        assert_eq!(of_text(&line), [Err(Untried::NoId)]);
        for named in
            ["minio_access_key_id = kite-1\n", "accessKey: \"kite-1\"\n", "AWS_ACCESS_KEY_ID=kite-1\n"]
        {
            let [Ok((pair, uncertain))] = &of_text(&format!("{named}{line}"))[..] else { panic!("{named}") };
            assert!(!uncertain && pair.key.id == "kite-1", "{named}");
        }
        // Another secret is no id: ids are sent as they are.
        for other in [
            "minio_secret_access_key = kite-1\n",
            "secretAccessKey: kite-1\n",
            "my-secret-access-key=kite-1\n",
        ] {
            assert_eq!(of_text(&format!("{other}{line}")), [Err(Untried::NoId)], "{other}");
        }
        let lent = concat!("AS", "IAQ7KITE4WIND5SKYX");
        assert_eq!(of_text(&format!("id: {lent}\n{line}")), [Err(Untried::Temporary)]);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_judged_without_panic(status: u16, body: String) {
            let _ = judged(&somewhere(), &answer(status, &body));
            let _ = judged(&oss("archive"), &answer(status, &format!("<Code>{body}")));
        }
    }

    #[tokio::test]
    async fn one_request_is_sent_and_a_redirect_is_not_followed() {
        let store = http::start(|_, _| {
            http::Reply::new(307, "text/plain", "").with("location", "http://127.0.0.1:1/elsewhere")
        })
        .unwrap();
        let asked = verify(&pair("kite", "s"), &server(store.address), gate(), Duration::from_secs(5)).await;
        assert!(matches!(&asked, Verified::Unknown(why) if why.contains("status 307")), "{asked:?}");
        assert_eq!(store.requests(), ["GET /"]);
    }

    #[tokio::test]
    async fn who_does_not_answer_is_not_waited_for() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let door = server(listener.local_addr().unwrap());
        let asked = verify(&pair("kite", "s"), &door, gate(), Duration::from_millis(200)).await;
        assert!(matches!(&asked, Verified::Unknown(why) if why.contains("no answer")), "{asked:?}");
    }

    /// Where the test servers are installed by `scripts/test --everything`.
    #[tokio::test]
    async fn a_real_minio_tells_its_key_from_others() {
        if std::env::var_os("WATERTIGHT_EVERYTHING").is_none() {
            return;
        }
        let minio = start("minio-open").unwrap();
        for (id, secret, expected) in [
            ("labroot", "labsecret123", Verified::Works),
            ("labroot", "labsecret124", Verified::Refused),
            ("nobody77", "labsecret123", Verified::Refused),
        ] {
            let door = server(minio.address);
            let asked = verify(&pair(id, secret), &door, gate(), Duration::from_secs(10)).await;
            assert_eq!(asked, expected, "{id}");
        }
    }
}
