//! MinIO, an object store that speaks S3: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>.
//!
//! The service itself always asks for a signature: a list of all buckets cannot be granted to strangers. A bucket can be
//! public all the same; that is judged by the bucket's name, which the user gives. A bucket that does not exist is refused
//! just as a private one is, so that names cannot be found out here.

use model::{Proof, Proven, Secret, Surface, Verdict};
use net::http::{Request, Response};
use net::{Error, Session};

use super::{About, BoxFuture, Judgement, Opened, Service, default_login};
use crate::{Opening, Web};

/// The probe.
pub struct MinIo;

/// Numbers for Prometheus. Public when the owner set `MINIO_PROMETHEUS_AUTH_TYPE=public`.
const METRICS: &str = "/minio/v2/metrics/cluster";
/// What the console says to whoever has no session.
const SESSION: &str = "/api/v1/session";
/// The login of a server that was given none:
/// <https://min.io/docs/minio/linux/reference/minio-server/settings/root-credentials.html>.
const DEFAULT: &str = "minioadmin";

/// The two ports of the product.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Port {
    /// S3.
    Store,
    /// The console for people.
    Console,
}

fn port(answer: &Response) -> Option<Port> {
    match answer.header("server")? {
        "MinIO Console" => Some(Port::Console),
        server if server == "MinIO" || server.starts_with("MinIO/") => Some(Port::Store),
        _ => None,
    }
}

/// `Server: MinIO/RELEASE...`, as versions until 2021 had it.
fn version(answer: &Response) -> Option<String> {
    answer.header("server")?.strip_prefix("MinIO/").map(str::to_owned)
}

/// The rest of an XML document after its declaration.
fn document(body: &[u8]) -> &str {
    let text = std::str::from_utf8(body).unwrap_or_default().trim_start();
    let rest = text.strip_prefix("<?xml").and_then(|text| text.split_once("?>")).map(|(_, rest)| rest);
    rest.unwrap_or(text).trim_start()
}

/// The code of an error. It is the first element, so a request that is reflected further on cannot forge it.
fn code(body: &[u8]) -> Option<&str> {
    document(body).strip_prefix("<Error><Code>")?.split_once("</Code>").map(|(code, _)| code)
}

fn is_list(body: &[u8]) -> bool {
    let rest = document(body).strip_prefix("<ListAllMyBucketsResult").unwrap_or_default();
    rest.starts_with([' ', '>'])
}

/// How many buckets a list has. Their names are not kept.
fn buckets(body: &[u8]) -> u64 {
    document(body).matches("<Bucket>").count() as u64
}

/// A number of the metrics: `minio_cluster_bucket_total{server="..."} 4`.
fn metric(body: &[u8], name: &str) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let mut values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with(['{', ' ']).then(|| rest.rsplit(' ').next())?
    });
    let number: f64 = values.next()?.parse().ok()?;
    // Through text, since a float that fits no integer must not be cut to one.
    (number.fract() == 0.0).then(|| format!("{number:.0}").parse().ok())?
}

fn store(root: &Response) -> Surface {
    let (verdict, reason) = match (root.status, code(&root.body)) {
        (200, _) if is_list(&root.body) => {
            (Verdict::Open, "buckets are listed without a signature".to_owned())
        }
        (401 | 403, Some(code @ ("AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch"))) => (
            Verdict::Protected,
            format!("a signature is demanded ({code}); whether a bucket is public is told by its name alone"),
        ),
        (status, code) => (
            Verdict::Unknown,
            format!("the list of buckets was answered with {status} {}", code.unwrap_or_default()),
        ),
    };
    Surface::new("store", verdict, reason)
}

fn console(session: &Response) -> Surface {
    let message = session.text_at("/message").unwrap_or_default();
    match session.status {
        401 | 403 if !message.is_empty() => {
            Surface::new("console", Verdict::Protected, "the console demands a login")
        }
        other => Surface::new("console", Verdict::Unknown, format!("the console answered with {other}")),
    }
}

async fn judge_store(session: &mut Session, web: &mut Web, root: &Response) -> Result<Judgement, Error> {
    let found = store(root);
    if found.verdict == Verdict::Open && is_list(&web.control(session).await?.body) {
        return Ok(Judgement::of(Verdict::Unknown, "answers every path alike"));
    }
    let listed = (found.verdict == Verdict::Open).then(|| buckets(&root.body));
    let mut judgement = Judgement { surfaces: vec![found], version: version(root), ..Judgement::default() }
        .count("buckets", listed);
    let metrics = web.get(session, METRICS).await?;
    if metrics.status == 200 && metrics.body.starts_with(b"# HELP minio_") {
        let reason = "metrics tell the size of the store, and names of buckets, to strangers";
        judgement.surfaces.push(Surface::new("metrics", Verdict::OpenPartial, reason));
        judgement = judgement
            .count("buckets", metric(&metrics.body, "minio_cluster_bucket_total"))
            .count("objects", metric(&metrics.body, "minio_cluster_usage_object_total"));
    }
    Ok(judgement)
}

async fn judge(session: &mut Session, mut web: Web) -> Result<Judgement, Error> {
    let root = web.get(session, "/").await?.clone();
    if port(&root) == Some(Port::Console) {
        let found = console(web.get(session, SESSION).await?);
        return Ok(Judgement {
            product: Some("MinIO Console".to_owned()),
            surfaces: vec![found],
            ..Judgement::default()
        });
    }
    judge_store(session, &mut web, &root).await
}

/// One signed list of buckets. The console is told apart first: it answers 400 to a signature.
async fn log_in(session: &mut Session) -> Result<Surface, Error> {
    let mut web = Web::default();
    if port(web.get(session, "/").await?) == Some(Port::Console) {
        let reason = "the default login is tried at the port of the store, not here";
        return Ok(Surface::new("default login", Verdict::Protected, reason));
    }
    let (host, password) = (session.host_header(), Secret::new(DEFAULT.to_owned()));
    let request = Request::get("/").signed_for_s3(&host, DEFAULT, &password, session.now());
    Ok(tried(&web.send(session, &request).await?))
}

fn tried(answer: &Response) -> Surface {
    match (answer.status, code(&answer.body)) {
        (200, _) if is_list(&answer.body) => default_login(DEFAULT, true),
        (403, Some("InvalidAccessKeyId" | "SignatureDoesNotMatch")) => default_login(DEFAULT, false),
        (status, code) => Surface::new(
            "default login",
            Verdict::Unknown,
            format!(
                "the default login was answered with {status} {}, which decides nothing",
                code.unwrap_or_default()
            ),
        ),
    }
}

const PROVEN: &[Proven] = &[
    Proven::new(Proof::Real, Verdict::Protected, "2026-02-12"),
    Proven::new(Proof::Real, Verdict::OpenPartial, "2026-02-12, metrics"),
    Proven::new(Proof::Real, Verdict::DefaultCredential, "2026-02-12"),
];

impl Service for MinIo {
    fn about(&self) -> About<'_> {
        About {
            id: "minio",
            product: "MinIO",
            ports: &[9000, 9001],
            openings: &[Opening::Http],
            proven_on: PROVEN,
        }
    }

    fn identity_paths(&self) -> Vec<&str> {
        vec!["/"]
    }

    fn recognises_web(&self, web: &Web) -> bool {
        web.known("/").and_then(port).is_some()
    }

    fn try_default<'a>(&'a self, session: &'a mut Session) -> Option<BoxFuture<'a, Result<Surface, Error>>> {
        Some(Box::pin(log_in(session)))
    }

    fn judge<'a>(
        &'a self,
        session: &'a mut Session,
        opened: Opened,
    ) -> BoxFuture<'a, Result<Judgement, Error>> {
        Box::pin(judge(session, opened.web))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const DENIED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>\
        <Message>Access Denied.</Message><Resource>/</Resource><RequestId>18EA5C9B6C3545C9</RequestId></Error>";
    const LIST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>1</ID></Owner>\
        <Buckets><Bucket><Name>a</Name></Bucket><Bucket><Name>b</Name></Bucket></Buckets></ListAllMyBucketsResult>";

    fn answer(status: u16, server: &str, body: &str) -> Response {
        let headers = BTreeMap::from([("Server".to_owned(), server.to_owned())]);
        Response::from_parts(status, &headers, body)
    }

    #[test]
    fn the_store_and_its_console_are_told_apart_and_others_are_neither() {
        assert_eq!(port(&answer(403, "MinIO", DENIED)), Some(Port::Store));
        assert_eq!(port(&answer(403, "MinIO/RELEASE.2019-10-12T01-39-57Z", DENIED)), Some(Port::Store));
        assert_eq!(port(&answer(200, "MinIO Console", "<!doctype html>")), Some(Port::Console));
        assert_eq!(port(&answer(403, "AmazonS3", DENIED)), None);
        assert_eq!(port(&answer(200, "MinIOProxy", "")), None);
    }

    #[test]
    fn a_refused_list_is_protected_and_one_without_a_code_is_unknown() {
        assert_eq!(store(&answer(403, "MinIO", DENIED)).verdict, Verdict::Protected);
        assert_eq!(store(&answer(403, "MinIO", "<html>blocked</html>")).verdict, Verdict::Unknown);
        assert_eq!(store(&answer(503, "MinIO", "")).verdict, Verdict::Unknown);
        let reflected = "<Error><Message><Error><Code>AccessDenied</Code></Message></Error>";
        assert_eq!(store(&answer(403, "MinIO", reflected)).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_list_is_open_and_its_names_are_only_counted() {
        assert_eq!(store(&answer(200, "MinIO", LIST)).verdict, Verdict::Open);
        assert_eq!(buckets(LIST.as_bytes()), 2);
        assert!(!is_list(b"<ListAllMyBucketsResultOfSomethingElse>"));
        assert_eq!(store(&answer(200, "MinIO", "<html>welcome</html>")).verdict, Verdict::Unknown);
    }

    #[test]
    fn health_that_is_told_to_everyone_is_not_a_session() {
        assert_eq!(console(&answer(200, "MinIO Console", "<html>")).verdict, Verdict::Unknown);
        let refused = r#"{"detailedMessage":"Access Denied.","message":"invalid session"}"#;
        assert_eq!(console(&answer(403, "MinIO Console", refused)).verdict, Verdict::Protected);
    }

    #[test]
    fn the_default_login_works_only_when_buckets_come_back() {
        let wrong = DENIED.replace("AccessDenied", "InvalidAccessKeyId");
        let skewed = DENIED.replace("AccessDenied", "RequestTimeTooSkewed");
        assert_eq!(tried(&answer(200, "MinIO", LIST)).verdict, Verdict::DefaultCredential);
        assert_eq!(tried(&answer(403, "MinIO", &wrong)).verdict, Verdict::Protected);
        assert_eq!(tried(&answer(403, "MinIO", &skewed)).verdict, Verdict::Unknown);
        assert_eq!(tried(&answer(200, "MinIO", "<html>")).verdict, Verdict::Unknown);
        let console = DENIED.replace("AccessDenied", "InvalidArgument");
        assert_eq!(tried(&answer(400, "MinIO", &console)).verdict, Verdict::Unknown);
    }

    #[test]
    fn metrics_are_numbers_of_their_exact_name() {
        let text = b"# HELP minio_cluster_bucket_total Total\nminio_cluster_bucket_total_x 9\n\
            minio_cluster_bucket_total{server=\"a b\"} 4\nminio_cluster_usage_object_total 1.5e+06\n";
        assert_eq!(metric(text, "minio_cluster_bucket_total"), Some(4));
        assert_eq!(metric(text, "minio_cluster_usage_object_total"), Some(1_500_000));
        assert_eq!(metric(b"minio_cluster_bucket_total NaN", "minio_cluster_bucket_total"), None);
        assert_eq!(metric(b"minio_cluster_bucket_total -1", "minio_cluster_bucket_total"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = (code(&bytes), is_list(&bytes), buckets(&bytes), metric(&bytes, "a"));
        }
    }
}
