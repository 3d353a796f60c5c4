//! Signs requests as clouds want it: version 4 of AWS, which S3 speaks everywhere, and the first version of Alibaba's RPC.
//!
//! - <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
//! - <https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism>
//!
//! Only what is asked with somebody's key on the user's own wish: a documented default login, or a key that was found
//! and is to be tried. All are reads without a body, whose query is in canonical order.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use model::{Secret, digest};
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key, Tag, sign};

use super::{Request, percent_encode};

/// Servers that stand for S3 at home know this region.
const REGION: &str = "us-east-1";

/// A key with which a request is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The name of the key: an access key id, a user.
    pub id: &'a str,
    /// The key.
    pub secret: &'a Secret<String>,
    /// The token that belongs to a temporary key.
    pub token: Option<&'a Secret<String>>,
    /// The region of the service, `us-east-1` where there is none.
    pub region: &'a str,
}

impl Request {
    /// Adds the signature of `user`, as it is right for `host` at this time. Only for documented vendor defaults that
    /// the user asked to try.
    #[must_use]
    pub fn signed_for_s3(self, host: &str, user: &str, password: &Secret<String>, at: Timestamp) -> Self {
        let signer = Signer { id: user, secret: password, token: None, region: REGION };
        self.signed_for_aws("s3", host, &signer, at)
    }

    /// The names of the buckets of whoever owns the key: one read, whose answer is dropped.
    pub fn buckets_of(signer: &Signer<'_>, host: &str, at: Timestamp) -> Self {
        Self::get("/").signed_for_aws("s3", host, signer, at)
    }

    /// Who owns the key, as AWS answers it; it needs no permission.
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
    pub fn aws_caller_identity(signer: &Signer<'_>, host: &str, at: Timestamp) -> Self {
        Self::get("/?Action=GetCallerIdentity&Version=2011-06-15").signed_for_aws("sts", host, signer, at)
    }

    /// Who owns the key, as Alibaba Cloud answers it. `nonce` must be new each time.
    /// <https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-getcalleridentity>
    pub fn alibaba_caller_identity(signer: &Signer<'_>, nonce: &str, at: Timestamp) -> Self {
        let fixed = [("Action", "GetCallerIdentity"), ("Format", "JSON"), ("Version", "2015-04-01")];
        Self::get(signed_for_alibaba(&fixed, signer, nonce, at))
            .shown_as("/?Action=GetCallerIdentity, signed")
    }

    fn signed_for_aws(self, service: &str, host: &str, signer: &Signer<'_>, at: Timestamp) -> Self {
        let time = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = time.get(..8).unwrap_or_default();
        let body = digest(b"");
        let (path, query) = self.path().split_once('?').unwrap_or((self.path(), ""));
        let mut headers = format!("host:{host}\nx-amz-content-sha256:{body}\nx-amz-date:{time}\n");
        let mut names = "host;x-amz-content-sha256;x-amz-date".to_owned();
        if let Some(token) = signer.token {
            headers.push_str(&format!("x-amz-security-token:{}\n", token.reveal()));
            names.push_str(";x-amz-security-token");
        }
        let canonical = format!("{}\n{path}\n{query}\n{headers}\n{names}\n{body}", self.method);
        let scope = format!("{day}/{}/{service}/aws4_request", signer.region);
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", digest(canonical.as_bytes()));
        let first = format!("AWS4{}", signer.secret.reveal()).into_bytes();
        let key = [day, signer.region, service, "aws4_request"]
            .iter()
            .fold(first, |key: Vec<u8>, part| mac(&key, part).as_ref().to_vec());
        let signature: String = mac(&key, &text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let login = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            signer.id
        );
        let request = self.header("X-Amz-Content-Sha256", &body).header("X-Amz-Date", &time);
        let request = match signer.token {
            Some(token) => request.header("X-Amz-Security-Token", token.reveal()),
            None => request,
        };
        request.header("Authorization", &login)
    }
}

/// The path and query of a signed call.
fn signed_for_alibaba(
    parameters: &[(&str, &str)],
    signer: &Signer<'_>,
    nonce: &str,
    at: Timestamp,
) -> String {
    let time = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut all = vec![
        ("AccessKeyId", signer.id),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", time.as_str()),
    ];
    all.extend(parameters);
    all.extend(signer.token.map(|token| ("SecurityToken", token.reveal().as_str())));
    all.sort_unstable();
    let encoded =
        all.iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
    let query = encoded.collect::<Vec<_>>().join("&");
    let text = format!("GET&%2F&{}", percent_encode(&query));
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, format!("{}&", signer.secret.reveal()).as_bytes());
    let signature = BASE64.encode(sign(&key, text.as_bytes()));
    format!("/?{query}&Signature={}", percent_encode(&signature))
}

fn mac(key: &[u8], text: &str) -> Tag {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples `GET Bucket Lifecycle` and `GET Bucket (List Objects)` of the vendor's page.
    #[test]
    fn the_vendors_examples_get_the_vendors_signatures() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
        let at = "2013-05-24T00:00:00Z".parse().unwrap();
        for (path, signature) in [
            ("/?lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
            ("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        ] {
            let host = "examplebucket.s3.amazonaws.com";
            let request = Request::get(path).signed_for_s3(host, "AKIAIOSFODNN7EXAMPLE", &secret, at);
            let text = String::from_utf8(request.encode(host)).unwrap();
            assert!(text.contains(&format!("Signature={signature}\r\n")), "{text}");
            assert!(text.contains("X-Amz-Date: 20130524T000000Z\r\n"), "{text}");
            assert!(!request.describe().contains("AKIA") && !request.describe().contains(signature));
        }
    }

    /// The example of the vendor's page, `DescribeRegions`.
    #[test]
    fn alibabas_example_gets_alibabas_signature() {
        let secret = Secret::new("testsecret".to_owned());
        let signer = Signer { id: "testid", secret: &secret, token: None, region: "" };
        let parameters = [("Action", "DescribeRegions"), ("Format", "XML"), ("Version", "2014-05-26")];
        let at = "2016-02-23T12:46:24Z".parse().unwrap();
        let path = signed_for_alibaba(&parameters, &signer, "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", at);
        assert!(path.ends_with("&Signature=OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D"), "{path}");
    }

    #[test]
    fn a_token_is_signed_sent_and_not_shown() {
        let (secret, token) = (Secret::new("s".to_owned()), Secret::new("the-token".to_owned()));
        let signer = Signer { id: "id", secret: &secret, token: Some(&token), region: "eu-west-1" };
        let request =
            Request::aws_caller_identity(&signer, "sts.lab", "2013-05-24T00:00:00Z".parse().unwrap());
        let text = String::from_utf8(request.encode("sts.lab")).unwrap();
        assert!(text.contains("X-Amz-Security-Token: the-token\r\n"), "{text}");
        assert!(text.contains("x-amz-date;x-amz-security-token, Signature="), "{text}");
        assert!(!request.describe().contains("the-token"));
        let request = Request::alibaba_caller_identity(&signer, "n", "2013-05-24T00:00:00Z".parse().unwrap());
        assert!(!request.describe().contains("the-token"), "{}", request.describe());
    }
}
