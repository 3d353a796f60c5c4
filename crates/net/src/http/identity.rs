//! Asks who owns an access key: one read, which needs no permission and tells nothing but that the key works. Only for keys
//! that were found and that the user wants to have tried.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

use super::{BucketKey, Request, percent_encode};

impl Request {
    /// The names of the buckets of whoever owns the key. The answer is dropped.
    pub fn buckets_of(key: &BucketKey, host: &str, region: &str, at: Timestamp) -> Self {
        Self::get("/").signed_for_aws("s3", host, region, key, at)
    }

    /// Who owns the key, as AWS answers it.
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
    pub fn aws_caller_identity(key: &BucketKey, host: &str, region: &str, at: Timestamp) -> Self {
        Self::get("/?Action=GetCallerIdentity&Version=2011-06-15")
            .signed_for_aws("sts", host, region, key, at)
    }

    /// Who owns the key, as Alibaba Cloud answers it. `nonce` must be new each time.
    /// <https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-getcalleridentity>
    pub fn alibaba_caller_identity(key: &BucketKey, nonce: &str, at: Timestamp) -> Self {
        let fixed = [("Action", "GetCallerIdentity"), ("Format", "JSON"), ("Version", "2015-04-01")];
        Self::get(signed_for_alibaba(&fixed, key, nonce, at)).shown_as("/?Action=GetCallerIdentity, signed")
    }
}

/// The path and query of a signed call: <https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism>.
fn signed_for_alibaba(parameters: &[(&str, &str)], key: &BucketKey, nonce: &str, at: Timestamp) -> String {
    let time = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut all = vec![
        ("AccessKeyId", key.id.as_str()),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", time.as_str()),
    ];
    all.extend(parameters);
    all.extend(key.token.as_ref().map(|token| ("SecurityToken", token.reveal().as_str())));
    all.sort_unstable();
    let encoded =
        all.iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
    let query = encoded.collect::<Vec<_>>().join("&");
    let text = format!("GET&%2F&{}", percent_encode(&query));
    let secret = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, format!("{}&", key.secret.reveal()).as_bytes());
    let signature = BASE64.encode(sign(&secret, text.as_bytes()));
    format!("/?{query}&Signature={}", percent_encode(&signature))
}

#[cfg(test)]
mod tests {
    use model::Secret;

    use super::*;

    fn key(id: &str, secret: &str, token: Option<&str>) -> BucketKey {
        let hidden = |text: &str| Secret::new(text.to_owned());
        BucketKey { id: id.to_owned(), secret: hidden(secret), token: token.map(hidden) }
    }

    /// The example of the vendor's page, `DescribeRegions`.
    #[test]
    fn alibabas_example_gets_alibabas_signature() {
        let parameters = [("Action", "DescribeRegions"), ("Format", "XML"), ("Version", "2014-05-26")];
        let at = "2016-02-23T12:46:24Z".parse().unwrap();
        let key = key("testid", "testsecret", None);
        let path = signed_for_alibaba(&parameters, &key, "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", at);
        assert!(path.ends_with("&Signature=OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D"), "{path}");
    }

    #[test]
    fn a_token_is_signed_sent_and_not_shown() {
        let key = key("id", "s", Some("the-token"));
        let at = "2013-05-24T00:00:00Z".parse().unwrap();
        let request = Request::aws_caller_identity(&key, "sts.lab", "eu-west-1", at);
        let text = String::from_utf8(request.encode("sts.lab")).unwrap();
        assert!(text.contains("X-Amz-Security-Token: the-token\r\n"), "{text}");
        assert!(text.contains("x-amz-date;x-amz-security-token, Signature="), "{text}");
        assert!(!request.describe().contains("the-token"));
        let request = Request::alibaba_caller_identity(&key, "n", at);
        assert!(!request.describe().contains("the-token"), "{}", request.describe());
    }
}
