//! Whether a key still works: one read with it, where the user asked for that (`--verify-secrets`) and the endpoint may
//! be dialled. The endpoint always comes from the caller, whose session has the guard's permit for it; what an answer
//! says beyond "works" is dropped.

use net::Session;
use net::http::{BucketKey, Client, Request, Response};

/// Whom a key pair is for, and with that, what is asked with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A store that speaks S3: the list of buckets.
    S3,
    /// The security token service of AWS: `GetCallerIdentity`.
    AwsSts,
    /// The security token service of Alibaba Cloud: `GetCallerIdentity`.
    AlibabaSts,
}

/// A key to try.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// Whom it is for.
    pub door: Door,
    /// The key.
    pub key: BucketKey,
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
/// Answers that say something about the time, not about the key.
const CLOCKS: &[&str] = &["RequestTimeTooSkewed", "RequestExpired", "InvalidTimeStamp.Expired"];

/// Asks once. The session says where, and its guard has allowed it.
pub async fn verify(pair: &KeyPair, session: &mut Session) -> Verified {
    let host = session.host_header();
    let now = session.now();
    let request = match pair.door {
        Door::S3 => Request::buckets_of(&pair.key, &host, region(&host), now),
        Door::AwsSts => Request::aws_caller_identity(&pair.key, &host, region(&host), now),
        Door::AlibabaSts => Request::alibaba_caller_identity(&pair.key, &nonce(session), now),
    };
    match Client::default().send(session, &request).await {
        Ok(response) => judged(pair.door, &response),
        Err(net::Error::Malformed(_)) => Verified::Unknown("its answer is no HTTP".to_owned()),
        Err(error) => Verified::Unknown(error.to_string()),
    }
}

/// A number used once: a second try within the lifetime of a signature would be refused with the first one's.
fn nonce(session: &Session) -> String {
    format!("{:x}-{:x}", session.now().as_nanosecond(), fastrand::u64(..))
}

/// The region that a host of AWS names: `sts.eu-west-1.amazonaws.com`, `s3.cn-north-1.amazonaws.com.cn`.
fn region(host: &str) -> &str {
    let named = host.split_once(".amazonaws.com").and_then(|(before, _)| before.rsplit('.').next());
    named.filter(|name| name.contains('-')).unwrap_or("us-east-1")
}

fn judged(door: Door, response: &Response) -> Verified {
    let root: &[u8] = match door {
        Door::S3 => b"ListAllMyBucketsResult",
        Door::AwsSts | Door::AlibabaSts => b"Arn",
    };
    if response.status == 200 {
        // Something that answers 200 to everything has not looked at the key.
        return match memchr::memmem::find(&response.body, root) {
            Some(_) => Verified::Works,
            None => Verified::Unknown("it answers, but not as such a service does".to_owned()),
        };
    }
    let code = code(response);
    let is = |codes: &[&str]| code.as_deref().is_some_and(|code| codes.contains(&code));
    match () {
        () if is(ACCEPTED) => Verified::Works,
        () if is(REFUSED) => Verified::Refused,
        () if is(CLOCKS) => Verified::Unknown("its clock and this machine's differ too much".to_owned()),
        () => Verified::Unknown(format!("it answers with status {}", response.status)),
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
    use std::time::Duration;

    use model::Clock;
    use net::{Dialer, Guard, VERDICT};
    use testkit::real;

    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        Response::from_parts(status, &BTreeMap::new(), body)
    }

    /// Bodies as the vendors' pages on errors show them.
    #[test]
    fn answers_are_told_apart() {
        let unknown = |verified| matches!(verified, Verified::Unknown(_));
        let error =
            |code: &str| answer(403, &format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>"));
        assert_eq!(judged(Door::S3, &error("InvalidAccessKeyId")), Verified::Refused);
        assert_eq!(judged(Door::S3, &error("AccessDenied")), Verified::Works);
        assert!(unknown(judged(Door::S3, &error("RequestTimeTooSkewed"))));
        assert!(unknown(judged(Door::S3, &answer(200, "<html>hello</html>"))));
        assert_eq!(
            judged(Door::S3, &answer(200, "<ListAllMyBucketsResult></ListAllMyBucketsResult>")),
            Verified::Works
        );
        assert_eq!(
            judged(Door::AlibabaSts, &answer(404, r#"{"Code":"InvalidAccessKeyId.NotFound"}"#)),
            Verified::Refused
        );
        assert_eq!(
            judged(Door::AlibabaSts, &answer(200, r#"{"Arn":"acs:ram::1:user/kite"}"#)),
            Verified::Works
        );
        assert!(unknown(judged(Door::AwsSts, &answer(503, "<Code>"))));
    }

    #[test]
    fn a_host_names_its_region() {
        assert_eq!(region("sts.eu-west-1.amazonaws.com"), "eu-west-1");
        assert_eq!(region("sts.amazonaws.com"), "us-east-1");
        assert_eq!(region("s3.cn-north-1.amazonaws.com.cn:443"), "cn-north-1");
        assert_eq!(region("127.0.0.1:9000"), "us-east-1");
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_judged_without_panic(status: u16, body: String) {
            let _ = judged(Door::S3, &answer(status, &body));
            let _ = judged(Door::AwsSts, &answer(status, &format!("<Code>{body}")));
        }
    }

    /// Where the test servers are installed by `scripts/test --everything`.
    #[tokio::test]
    async fn a_real_minio_tells_its_key_from_others() {
        if std::env::var_os("WATERTIGHT_EVERYTHING").is_none() {
            return;
        }
        let minio = real::start("minio-open").unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let dialer = Arc::new(Dialer::new(4, provider, Clock::System));
        let guard = Guard::new(Vec::new(), None, jiff::Timestamp::now());
        for (id, secret, expected) in [
            ("labroot", "labsecret123", Verified::Works),
            ("labroot", "labsecret124", Verified::Refused),
            ("nobody77", "labsecret123", Verified::Refused),
        ] {
            let permit = guard.permit(minio.address).unwrap();
            let mut session = Session::new(&dialer, permit, None, Duration::from_secs(10), VERDICT);
            let (id, secret) = (id.to_owned(), model::Secret::new(secret.to_owned()));
            let pair = KeyPair { door: Door::S3, key: BucketKey { id, secret, token: None } };
            assert_eq!(verify(&pair, &mut session).await, expected, "{}", pair.key.id);
            assert!(!format!("{:?}", session.finish()).contains("labsecret"));
        }
    }
}
