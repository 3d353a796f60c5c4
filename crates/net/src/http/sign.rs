//! Signs a request as S3 wants it, version 4:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
//!
//! Only what the try of a documented default login needs: requests without a body, whose query is in canonical order.

use jiff::Timestamp;
use model::{Secret, digest};
use ring::hmac::{HMAC_SHA256, Key, Tag, sign};

use super::Request;

/// Servers that stand for S3 at home know this region.
const REGION: &str = "us-east-1";
const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";

impl Request {
    /// Adds the signature of `user`, as it is right for `host` at this time. Only for documented vendor defaults that
    /// the user asked to try.
    #[must_use]
    pub fn signed_for_s3(self, host: &str, user: &str, password: &Secret<String>, at: Timestamp) -> Self {
        let time = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = time.get(..8).unwrap_or_default();
        let body = digest(b"");
        let (path, query) = self.path().split_once('?').unwrap_or((self.path(), ""));
        let canonical = format!(
            "{}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{body}\nx-amz-date:{time}\n\n{SIGNED}\n{body}",
            self.method
        );
        let scope = format!("{day}/{REGION}/s3/aws4_request");
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", digest(canonical.as_bytes()));
        let first = format!("AWS4{}", password.reveal()).into_bytes();
        let key = [day, REGION, "s3", "aws4_request"]
            .iter()
            .fold(first, |key: Vec<u8>, part| mac(&key, part).as_ref().to_vec());
        let signature: String = mac(&key, &text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let login = format!(
            "AWS4-HMAC-SHA256 Credential={user}/{scope}, SignedHeaders={SIGNED}, Signature={signature}"
        );
        self.header("X-Amz-Content-Sha256", &body).header("X-Amz-Date", &time).header("Authorization", &login)
    }
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
}
