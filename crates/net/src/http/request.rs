//! What may be asked over HTTP: GET, HEAD, and POST as a list of named reads.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::pack::NamedRead;
use model::{Secret, excerpt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A read. There is no way to write a request that changes something: methods are GET and HEAD, and POST exists as a
/// list of named reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(super) method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Cow<'static, str>,
    /// What is shown instead of a path that is nobody's business.
    shown: Option<&'static str>,
}

/// What a dashboard's console may be asked to relay. The relayed method is always GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleRead {
    /// How many indices and documents: a few numbers.
    ClusterStats,
}

impl ConsoleRead {
    /// The path that is relayed.
    pub fn path(self) -> &'static str {
        match self {
            Self::ClusterStats => "/_cluster/stats?filter_path=indices.count,indices.docs.count",
        }
    }
}

/// Text as one segment of a path or one value of a query: all but the unreserved characters are encoded (RFC 3986, 2.3).
pub fn percent_encode(text: &str) -> String {
    const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, SEGMENT).to_string()
}

impl Request {
    /// GET `path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), headers: Vec::new(), body: Cow::Borrowed(""), shown: None }
    }

    /// HEAD `path`.
    pub fn head(path: impl Into<String>) -> Self {
        Self { method: "HEAD", ..Self::get(path) }
    }

    /// A named read of a pack, below `base`.
    pub fn named(read: NamedRead, base: &str) -> Self {
        let json =
            |path: &str, body: &'static str| Self::json_read(format!("{base}{path}"), Cow::Borrowed(body));
        match read {
            // https://etcd.io/docs/latest/dev-guide/api_grpc_gateway : key and range_end "\0" mean all keys.
            NamedRead::EtcdRangeCount => {
                json("/kv/range", r#"{"key":"AA==","range_end":"AA==","count_only":true}"#)
            }
            // https://neo4j.com/docs/http-api/current/transactions/ : the server itself refuses to write in this mode.
            NamedRead::Neo4jCountNodes => {
                json("/commit", r#"{"statements":[{"statement":"MATCH (n) RETURN count(n)"}]}"#)
                    .header("Accept", "application/json")
                    .header("access-mode", "READ")
            }
            // https://milvus.io/api-reference/restful/v2.4.x/v2/Collection%20(v2)/List.md
            NamedRead::MilvusCollections => json("/collections/list", r#"{"dbName":"default"}"#),
        }
    }

    /// A read by POST with a body of JSON. Only lists of named reads may call it.
    pub(super) fn json_read(path: String, body: Cow<'static, str>) -> Self {
        Self { method: "POST", body, ..Self::get(path) }.header("Content-Type", "application/json")
    }

    /// Asks the console of a dashboard below `base` to relay a read to its store. The outer method is POST, the
    /// relayed one GET.
    pub fn console(base: &str, read: ConsoleRead) -> Self {
        let encoded = percent_encode(read.path());
        Self { method: "POST", ..Self::get(format!("{base}/api/console/proxy?path={encoded}&method=GET")) }
    }

    /// Adds a header. A value with control characters is dropped: it came from a server and could split the request.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            self.headers.push((name, value.to_owned()));
        }
        self
    }

    /// Adds a login (RFC 7617). Only for what the user gave, and for documented vendor defaults that the user asked to try.
    #[must_use]
    pub fn basic(self, user: &str, password: &Secret<String>) -> Self {
        let login = BASE64.encode(format!("{user}:{}", password.reveal()));
        self.header("Authorization", &format!("Basic {login}"))
    }

    /// Adds a key as Elasticsearch and OpenSearch make them: `id:secret` in base64, as the store handed it out.
    /// <https://www.elastic.co/guide/en/elasticsearch/reference/current/security-api-create-api-key.html>
    #[must_use]
    pub fn api_key(self, key: &Secret<String>) -> Self {
        self.header("Authorization", &format!("ApiKey {}", key.reveal()))
    }

    /// Shows these words in evidence instead of the path: the name of an object may be somebody's data.
    #[must_use]
    pub fn shown_as(mut self, words: &'static str) -> Self {
        self.shown = Some(words);
        self
    }

    /// Asks for this media type.
    #[must_use]
    pub fn accept(self, media: Option<&str>) -> Self {
        match media {
            Some(media) => self.header("Accept", media),
            None => self,
        }
    }

    /// As another engineer would repeat it. Values of cookies and logins are not shown.
    pub fn describe(&self) -> String {
        let path = self.shown.map_or_else(|| excerpt(self.path.as_bytes()), str::to_owned);
        let mut text = format!("{} {path}", self.method);
        for (name, value) in &self.headers {
            let value = match *name {
                "Cookie" => "(session cookie)",
                "Authorization" | "X-Amz-Security-Token" | "x-oss-security-token" => "(a login)",
                _ => value.as_str(),
            };
            text.push_str(&format!(", {name}: {}", excerpt(value.as_bytes())));
        }
        if !self.body.is_empty() {
            text.push_str(&format!(", body {}", self.body));
        }
        text
    }

    /// The request line and path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The bytes on the wire.
    pub fn encode(&self, host: &str) -> Vec<u8> {
        let mut text = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: watertight/{}\r\n",
            self.method,
            self.path,
            env!("CARGO_PKG_VERSION")
        );
        if self.headers.iter().all(|(name, _)| *name != "Accept") {
            text.push_str("Accept: */*\r\n");
        }
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.method == "POST" {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_value_from_a_server_cannot_split_the_request() {
        let request = Request::get("/").header("Cookie", "a=b\r\nX: y");
        assert!(!String::from_utf8(request.encode("h")).unwrap().contains("X: y"));
    }

    #[test]
    fn a_path_that_is_hidden_is_sent_and_not_shown() {
        let request = Request::head("/bucket/li-na.json").shown_as("(an object)");
        assert_eq!(request.describe(), "HEAD (an object)");
        assert!(String::from_utf8(request.encode("h")).unwrap().starts_with("HEAD /bucket/li-na.json "));
    }

    #[test]
    fn the_console_relays_get_only() {
        let request = Request::console("/s/a", ConsoleRead::ClusterStats);
        assert_eq!(
            request.path(),
            "/s/a/api/console/proxy?path=%2F_cluster%2Fstats%3Ffilter_path%3Dindices.count%2Cindices.docs.count&method=GET"
        );
    }
}
