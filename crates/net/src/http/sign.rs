//! Signs reads of buckets: as Amazon S3 and those who speak like it want it, version 4
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>), and as Alibaba OSS wants it, version 4
//! (<https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4>) and version 1
//! (<https://www.alibabacloud.com/help/en/oss/developer-reference/include-signatures-in-the-authorization-header>).
//!
//! Only requests without a body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use model::{Secret, digest};
use percent_encoding::percent_decode_str;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key, sign};

use super::{Request, percent_encode};

/// Servers that stand for S3 at home know this region.
const REGION: &str = "us-east-1";
/// What OSS is told instead of the digest of a body.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// An access key of a cloud account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketKey {
    /// Its public half.
    pub id: String,
    /// Its secret half.
    pub secret: Secret<String>,
    /// The token of a key that is lent for some hours.
    pub token: Option<Secret<String>>,
}

impl Request {
    /// Adds the signature of `user` for a server at home. Only for documented vendor defaults that the user asked to
    /// try.
    #[must_use]
    pub fn signed_for_s3(self, host: &str, user: &str, password: &Secret<String>, at: Timestamp) -> Self {
        let key = BucketKey { id: user.to_owned(), secret: password.clone(), token: None };
        self.signed_v4(host, REGION, &key, at)
    }

    /// Adds the signature that S3 wants for `host` in `region` at this time.
    #[must_use]
    pub fn signed_v4(self, host: &str, region: &str, key: &BucketKey, at: Timestamp) -> Self {
        self.signed_for_aws("s3", host, region, key, at)
    }

    /// Adds the signature that a service of AWS wants.
    pub(super) fn signed_for_aws(
        self,
        service: &str,
        host: &str,
        region: &str,
        key: &BucketKey,
        at: Timestamp,
    ) -> Self {
        let time = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let body = digest(b"");
        let mut headers =
            vec![("host", host), ("x-amz-content-sha256", body.as_str()), ("x-amz-date", time.as_str())];
        headers.extend(key.token.as_ref().map(|token| ("x-amz-security-token", token.reveal().as_str())));
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let (path, query) = self.path().split_once('?').unwrap_or((self.path(), ""));
        let canonical =
            format!("{}\n{path}\n{}\n{}\n{names}\n{body}", self.method, sorted(query, true), lines(&headers));
        let V4 { scope, signature } = v4("AWS4", region, service, "aws4_request", key, &time, &canonical);
        let login = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            key.id
        );
        let signed = self.header("X-Amz-Content-Sha256", &body).header("X-Amz-Date", &time);
        let signed = match &key.token {
            Some(token) => signed.header("X-Amz-Security-Token", token.reveal()),
            None => signed,
        };
        signed.header("Authorization", &login)
    }

    /// Adds the signature that OSS wants for `resource` (`bucket/key`, as it is called and not encoded): version 4
    /// where the region is known, which is part of it, else version 1.
    #[must_use]
    pub fn signed_for_oss(
        self,
        resource: &str,
        region: Option<&str>,
        key: &BucketKey,
        at: Timestamp,
    ) -> Self {
        let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let query = self.path().split_once('?').map_or("", |(_, query)| query).to_owned();
        let token = key.token.as_ref().map(|token| token.reveal().as_str());
        let signed = self.header("Date", &date);
        let signed = match token {
            Some(token) => signed.header("x-oss-security-token", token),
            None => signed,
        };
        let Some(region) = region else {
            let headers: Vec<_> = token.map(|token| ("x-oss-security-token", token)).into_iter().collect();
            let resource = format!("/{resource}{}", sub_resources(&query));
            let text = format!("{}\n\n\n{date}\n{}{resource}", signed.method, lines(&headers));
            return signed.header("Authorization", &oss_v1(key, &text));
        };
        let time = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut headers = vec![("x-oss-content-sha256", UNSIGNED), ("x-oss-date", time.as_str())];
        headers.extend(token.map(|token| ("x-oss-security-token", token)));
        let login = oss_v4(signed.method, resource, &query, &headers, region, key, &time);
        signed
            .header("x-oss-content-sha256", UNSIGNED)
            .header("x-oss-date", &time)
            .header("Authorization", &login)
    }
}

fn oss_v4(
    method: &str,
    resource: &str,
    query: &str,
    headers: &[(&str, &str)],
    region: &str,
    key: &BucketKey,
    time: &str,
) -> String {
    let path = resource.split('/').map(percent_encode).collect::<Vec<_>>().join("/");
    let canonical = format!("{method}\n/{path}\n{}\n{}\n\n{UNSIGNED}", sorted(query, false), lines(headers));
    let V4 { scope, signature } = v4("OSS4", region, "oss", "aliyun_v4_request", key, time, &canonical);
    format!("OSS4-HMAC-SHA256 Credential={}/{scope},Signature={signature}", key.id)
}

fn oss_v1(key: &BucketKey, text: &str) -> String {
    let mac = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.secret.reveal().as_bytes()), text.as_bytes());
    format!("OSS {}:{}", key.id, BASE64.encode(mac.as_ref()))
}

/// The parameters that version 1 signs and that a reader uses, with their values not encoded.
fn sub_resources(query: &str) -> String {
    let signed = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value).decode_utf8_lossy();
        matches!(name, "continuation-token").then(|| format!("{name}={value}"))
    });
    signed.map(|pair| format!("?{pair}")).collect()
}

struct V4 {
    scope: String,
    signature: String,
}

/// What version 4 is for both: the day, the region, the service and a last word are folded into the key.
fn v4(
    name: &str,
    region: &str,
    service: &str,
    last: &str,
    key: &BucketKey,
    time: &str,
    canonical: &str,
) -> V4 {
    let day = time.get(..8).unwrap_or_default();
    let scope = format!("{day}/{region}/{service}/{last}");
    let text = format!("{name}-HMAC-SHA256\n{time}\n{scope}\n{}", digest(canonical.as_bytes()));
    let prefix = if name == "OSS4" { "aliyun_v4" } else { name };
    let first = format!("{prefix}{}", key.secret.reveal()).into_bytes();
    let signing = [day, region, service, last].iter().fold(first, |key, part| mac(&key, part));
    let signature = mac(&signing, &text).iter().map(|byte| format!("{byte:02x}")).collect();
    V4 { scope, signature }
}

/// The parameters of an encoded query by name. Amazon wants `name=` where there is no value, Alibaba `name`.
fn sorted(query: &str, equals: bool) -> String {
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    let text = pairs.into_iter().map(|(name, value)| match value {
        "" if !equals => name.to_owned(),
        value => format!("{name}={value}"),
    });
    text.collect::<Vec<_>>().join("&")
}

/// Headers, which are given by name in order, a line each.
fn lines(headers: &[(&str, &str)]) -> String {
    headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, secret: &str, token: Option<&str>) -> BucketKey {
        let token = token.map(|token| Secret::new(token.to_owned()));
        BucketKey { id: id.to_owned(), secret: Secret::new(secret.to_owned()), token }
    }

    /// The examples `GET Bucket Lifecycle` and `GET Bucket (List Objects)` of the vendor's page.
    #[test]
    fn the_vendors_examples_get_the_vendors_signatures() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
        let at = "2013-05-24T00:00:00Z".parse().unwrap();
        for (path, signature) in [
            ("/?lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
            ("/?prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        ] {
            let host = "examplebucket.s3.amazonaws.com";
            let request = Request::get(path).signed_for_s3(host, "AKIAIOSFODNN7EXAMPLE", &secret, at);
            let text = String::from_utf8(request.encode(host)).unwrap();
            assert!(text.contains(&format!("Signature={signature}\r\n")), "{text}");
            assert!(text.contains("X-Amz-Date: 20130524T000000Z\r\n"), "{text}");
            assert!(!request.describe().contains("AKIA") && !request.describe().contains(signature));
        }
    }

    #[test]
    fn a_lent_key_signs_its_token() {
        let at = "2013-05-24T00:00:00Z".parse().unwrap();
        let key = key("ID", "secret", Some("token"));
        let request = Request::get("/").signed_v4("h", "eu-west-1", &key, at);
        let text = String::from_utf8(request.encode("h")).unwrap();
        assert!(
            text.contains("x-amz-date;x-amz-security-token, ") && text.contains("/eu-west-1/s3/"),
            "{text}"
        );
        assert!(text.contains("X-Amz-Security-Token: token\r\n"), "{text}");
        let request = Request::get("/").signed_for_oss("b/", None, &key, at);
        let text = String::from_utf8(request.encode("h")).unwrap();
        assert!(text.contains("x-oss-security-token: token\r\n") && text.contains("Authorization: OSS ID:"));
        assert!(!request.describe().contains("token: token"), "{}", request.describe());
    }

    /// The vector of the vendor's SDK:
    /// <https://github.com/aliyun/alibabacloud-oss-go-sdk-v2/blob/master/oss/signer/signer_test.go>.
    #[test]
    fn the_vectors_of_oss_come_out_in_version_4() {
        let headers = [
            ("content-type", "text/plain"),
            ("x-oss-content-sha256", UNSIGNED),
            ("x-oss-date", "20231216T162057Z"),
            ("x-oss-head1", "value"),
        ];
        let query = "%2Bparam1=value3&%2Bparam2=&param1=value1&param2=&%7Cparam1=value4&%7Cparam2=";
        let key = key("ak", "sk", None);
        let resource = "bucket/1234+-/123/1.txt";
        let login = oss_v4("PUT", resource, query, &headers, "cn-hangzhou", &key, "20231216T162057Z");
        assert_eq!(
            login,
            "OSS4-HMAC-SHA256 Credential=ak/20231216/cn-hangzhou/oss/aliyun_v4_request,\
             Signature=e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe"
        );
        let at: Timestamp = "2023-12-16T16:20:57Z".parse().unwrap();
        let request = Request::get("/?list-type=2").signed_for_oss("bucket/", Some("cn-hangzhou"), &key, at);
        let text = String::from_utf8(request.encode("h")).unwrap();
        assert!(text.contains("Date: Sat, 16 Dec 2023 16:20:57 GMT\r\n"), "{text}");
        assert!(text.contains("x-oss-date: 20231216T162057Z\r\n"), "{text}");
    }

    /// The example of the vendor's page on version 1.
    #[test]
    fn the_example_of_oss_comes_out_in_version_1() {
        let key = key("44CF9590006BF252F707", "OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV", None);
        let headers = [("x-oss-magic", "abracadabra"), ("x-oss-meta-author", "foo@bar.com")];
        let text = format!(
            "PUT\nODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM=\ntext/html\nThu, 17 Nov 2005 18:49:58 GMT\n{}{}",
            lines(&headers),
            "/oss-example/nelson"
        );
        assert_eq!(oss_v1(&key, &text), "OSS 44CF9590006BF252F707:26NBxoKdsyly4EDv6inkoDft/yA=");
        assert_eq!(sub_resources("list-type=2&continuation-token=a%2Fb"), "?continuation-token=a/b");
    }
}
