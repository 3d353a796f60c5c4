//! Puts buckets and objects into a server that speaks S3, with requests signed as
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html> says.

use std::io;
use std::net::SocketAddr;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use ring::hmac::{HMAC_SHA256, Key, sign};

use super::Launch;

const REGION: &str = "us-east-1";
const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";

/// A user of the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct User {
    /// The access key.
    pub(super) name: &'static str,
    /// The secret key.
    pub(super) secret: &'static str,
}

/// PUTs a body to a path of the main port; `query` is in canonical order, such as `policy=`.
pub(super) fn put(launch: &Launch, user: User, path: &str, query: &str, body: &str) -> io::Result<()> {
    let request = signed_put(launch.address(0), (user.name, user.secret), path, query, body.as_bytes());
    let answer = launch.talk(&request, |_| false)?;
    super::wire::expect("2xx", &answer, answer.starts_with(b"HTTP/1.1 2"))
}

/// The request that PUTs a body to a path of a server, signed with a key's two halves; `path` is encoded.
#[must_use]
pub fn signed_put(host: SocketAddr, key: (&str, &str), path: &str, query: &str, body: &[u8]) -> Vec<u8> {
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = time.get(..8).unwrap_or_default();
    let hash = hex(digest(&SHA256, body).as_ref());
    let canonical = format!(
        "PUT\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{hash}\nx-amz-date:{time}\n\n{SIGNED}\n{hash}"
    );
    let scope = format!("{day}/{REGION}/s3/aws4_request");
    let canonical = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
    let first = format!("AWS4{}", key.1).into_bytes();
    let signing = [day, REGION, "s3", "aws4_request"].iter().fold(first, |key, part| mac(&key, part));
    let signature = hex(&mac(&signing, &format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{canonical}")));
    let head = format!(
        "PUT {path}?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX-Amz-Date: {time}\r\n\
         X-Amz-Content-Sha256: {hash}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={}/{scope}, \
         SignedHeaders={SIGNED}, Signature={signature}\r\nContent-Length: {}\r\n\r\n",
        key.0,
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
