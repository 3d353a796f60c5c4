//! Amazon S3 and those that speak its dialect: Alibaba OSS, Tencent COS, Huawei OBS, MinIO and others.
//!
//! Amazon: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
//! Alibaba: <https://www.alibabacloud.com/help/en/oss/how-to-troubleshoot-403-status-code-when-you-access-oss>,
//! Tencent: <https://intl.cloud.tencent.com/document/product/436/7730>,
//! Huawei: <https://support.huaweicloud.com/api-obs/obs_04_0115.html>.

use model::{Bucket, Provider, Surface, Verdict, excerpt};
use net::http::Response;
use serde_json::Value;

use super::answer::{Answers, Outcome, error_code, exists, no_such_bucket, object, outcome};
use super::xml::Xml;
use crate::contract::Judgement;

/// The query that asks for one name.
pub(super) fn list_query(provider: Provider) -> &'static str {
    match provider {
        Provider::Cos | Provider::Obs => "/?max-keys=1",
        _ => "/?list-type=2&max-keys=1",
    }
}

/// Whether the bucket is where it was asked for.
#[derive(Debug, PartialEq)]
pub(super) enum Place {
    /// It is, or it is not told otherwise.
    Here,
    /// It is at another host, in the server's words, and as a host that may be followed.
    Elsewhere(String, Option<String>),
    /// It is nowhere.
    Nowhere(String),
    /// This is no answer of such a store.
    NoStore(String),
}

/// Tells a wrong region or endpoint from a refusal.
pub(super) fn place(bucket: &Bucket, answer: &Response) -> Place {
    let xml = Xml::parse(&answer.body).ok();
    let error = xml.as_ref().filter(|xml| xml.root() == "Error");
    let text = |path| error.and_then(|xml| xml.text(path)).filter(|text| !text.is_empty());
    let code = text("Code").unwrap_or_default();
    let moved = (300..400).contains(&answer.status)
        || (matches!(code, "PermanentRedirect" | "TemporaryRedirect"))
        // OSS says AccessDenied for a wrong region; only this tells it from a private bucket.
        || (code == "AccessDenied" && text("Endpoint").is_some())
        || (answer.status == 400 && text("Region").is_some());
    if moved {
        let region = answer.header("x-amz-bucket-region").or_else(|| text("Region"));
        let region = region.filter(|_| bucket.provider() == Provider::S3).map(|region| {
            match region.starts_with("cn-") {
                true => format!("s3.{region}.amazonaws.com.cn"),
                false => format!("s3.{region}.amazonaws.com"),
            }
        });
        let proposals: Vec<String> = [region.as_deref(), text("Endpoint"), answer.header("location")]
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect();
        let host = proposals.iter().find_map(|proposal| bucket.follow(proposal));
        let told =
            proposals.first().map_or_else(|| "another place".to_owned(), |told| excerpt(told.as_bytes()));
        return Place::Elsewhere(told, host);
    }
    match (answer.status, code) {
        (404, "NoSuchBucket") => Place::Nowhere(format!("404 {code}")),
        (200, _) if xml.as_ref().is_some_and(|xml| xml.root() == "ListBucketResult") => Place::Here,
        (400.., code) if !code.is_empty() => Place::Here,
        (status, _) if answer.truncated => {
            Place::NoStore(format!("{status}, and the answer is cut off, or longer than any store's"))
        }
        (status, _) => Place::NoStore(format!("{status} without XML of such a store")),
    }
}

/// The first name of a listing: asked for by HEAD, and forgotten.
pub(super) fn first_key(answer: &Response) -> Option<String> {
    let xml = Xml::parse(&answer.body).ok().filter(|xml| xml.root() == "ListBucketResult")?;
    let key = xml.text("Contents/Key")?;
    (answer.status == 200 && !key.is_empty() && key.len() <= 1024).then(|| key.to_owned())
}

/// What a missing key tells.
#[derive(Clone, Copy, PartialEq)]
enum Missing {
    /// 404 is said to whoever may read, 403 to others.
    ToReaders,
    /// 404 is said only to whoever may list, so 403 says nothing about reading:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>.
    ToListers,
}

fn missing_rule(bucket: &Bucket, product: Option<&str>) -> Missing {
    match bucket.provider() {
        // https://www.alibabacloud.com/help/doc-detail/84837.htm and
        // https://support.huaweicloud.com/sdk-java-devg-obs/obs_21_0807.html : whether an object exists is told to
        // whoever has the right to read it. Seen on MinIO.
        Provider::Oss | Provider::Obs => Missing::ToReaders,
        _ if product == Some("MinIO") => Missing::ToReaders,
        _ => Missing::ToListers,
    }
}

/// What a stranger gets.
pub(super) fn judge(bucket: &Bucket, answers: &Answers) -> Judgement {
    let mut judgement = Judgement::default();
    let list = match &answers.list {
        Some(Ok(answer)) => match place(bucket, answer) {
            Place::Nowhere(code) => {
                judgement.surfaces.push(no_such_bucket(bucket.provider(), &code));
                return judgement;
            }
            Place::NoStore(why) => return Judgement::of(Verdict::Unknown, why),
            Place::Here | Place::Elsewhere(..) => list(answers),
        },
        _ => list(answers),
    };
    let read = read(bucket, answers, &list);
    let (acl, to_everyone, to_accounts) = acl(answers);
    let (policy, statements) = policy(answers);
    let mut doors = vec![list, read, acl, policy, website(bucket, answers)];
    let told_apart = bucket.endpoint().is_none();
    let hidden =
        format!("{} does not tell strangers which", answers.product.as_deref().unwrap_or("the server"));
    doors.push(exists(&doors, told_apart, &hidden));
    judgement.surfaces = doors;
    judgement
        .count("grants_to_everyone", to_everyone)
        .count("grants_to_any_account", to_accounts)
        .count("policy_statements", statements)
}

/// A server that says 200 to what cannot exist says it to everything.
fn answers_everything(answers: &Answers) -> bool {
    matches!(&answers.missing, Some(Ok(answer)) if (200..300).contains(&answer.status))
}

fn list(answers: &Answers) -> Surface {
    outcome(&answers.list, "ListBucketResult").surface("list", |xml| {
        if answers_everything(answers) {
            return (Verdict::Unknown, "it says 200 to what cannot exist, too".to_owned());
        }
        let empty = if xml.text("Contents/Key").is_some() { "" } else { " (there are none now)" };
        (Verdict::Open, format!("the names of its objects are told to strangers{empty}"))
    })
}

fn read(bucket: &Bucket, answers: &Answers, list: &Surface) -> Surface {
    if answers_everything(answers) {
        return Surface::new("read", Verdict::Unknown, "it says 200 to an object that cannot exist");
    }
    if let Some(surface) = object(answers) {
        return surface;
    }
    let rule = missing_rule(bucket, answers.product.as_deref());
    let (verdict, reason) = match outcome(&answers.missing, "Error") {
        Outcome::Absent(_) if list.verdict.is_open() => {
            (Verdict::Unknown, "who may list is told that a key is missing; name an object: ?key=".to_owned())
        }
        Outcome::Absent(told) if rule == Missing::ToReaders => (
            Verdict::Open,
            format!(
                "objects are read by strangers who know their names: a missing one is told as such ({told})"
            ),
        ),
        Outcome::Refused(told) if rule == Missing::ToReaders => (
            Verdict::Protected,
            format!(
                "a random key is refused ({told}); for an object or prefix with rights of its own, name one: ?key="
            ),
        ),
        Outcome::Absent(told) | Outcome::Refused(told) => (
            Verdict::Unknown,
            format!(
                "a random key is answered alike whether objects are open or not ({told}); name one: ?key="
            ),
        ),
        other => {
            let surface =
                other.surface("read", |_| (Verdict::Unknown, "an error with status 200".to_owned()));
            (surface.verdict, surface.reason)
        }
    };
    Surface::new("read", verdict, reason)
}

/// Who is meant by a grant.
#[derive(Clone, Copy, PartialEq)]
enum Grantee {
    Everyone,
    AnyAccount,
    Somebody,
}

fn grantee(grant: &[(&str, &str)]) -> Grantee {
    let meant = |ending: &str| {
        grant.iter().any(|(path, text)| *path == "Grantee/URI" && text.rsplit('/').next() == Some(ending))
    };
    // https://support.huaweicloud.com/api-obs/obs_04_0033.html
    let canned = grant.iter().any(|(path, text)| *path == "Grantee/Canned" && *text == "Everyone");
    match (meant("AllUsers") || canned, meant("AuthenticatedUsers")) {
        (true, _) => Grantee::Everyone,
        (_, true) => Grantee::AnyAccount,
        _ => Grantee::Somebody,
    }
}

/// The access control list: its surface, how many grants go to everyone, and how many to any account.
fn acl(answers: &Answers) -> (Surface, Option<u64>, Option<u64>) {
    let outcome = outcome(&answers.acl, "AccessControlPolicy");
    let Outcome::Given(xml) = outcome else {
        return (outcome.surface("acl", |_| (Verdict::Unknown, String::new())), None, None);
    };
    let grants = xml.each("AccessControlList/Grant");
    let of = |who: Grantee| grants.iter().filter(move |grant| grantee(grant) == who);
    let may = |who: Grantee, rights: &[&str]| {
        of(who).flatten().any(|(path, text)| *path == "Permission" && rights.contains(text))
    };
    let (write, read) = (["WRITE", "WRITE_ACP", "FULL_CONTROL"], ["READ"]);
    // OSS has one word for all: https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketacl
    let word = |word: &str| xml.text("AccessControlList/Grant") == Some(word);
    let (verdict, what) = if may(Grantee::Everyone, &write) || word("public-read-write") {
        (Verdict::Open, "strangers may write, by its ACL, which they may read")
    } else if may(Grantee::Everyone, &read) || word("public-read") {
        (Verdict::Open, "strangers may list and read, by its ACL, which they may read, too")
    } else if may(Grantee::AnyAccount, &write) {
        (
            Verdict::OpenPartial,
            "every account of the provider may write, by its ACL, which strangers may read",
        )
    } else if may(Grantee::AnyAccount, &read) {
        (Verdict::OpenPartial, "every account of the provider may list, by its ACL, which strangers may read")
    } else {
        (Verdict::OpenPartial, "strangers may read it; it grants them nothing more")
    };
    let count = |who| Some(of(who).count() as u64);
    (Surface::new("acl", verdict, what), count(Grantee::Everyone), count(Grantee::AnyAccount))
}

/// The policy: its surface, and how many statements it has.
fn policy(answers: &Answers) -> (Surface, Option<u64>) {
    if let Some(Ok(answer)) = &answers.policy
        && answer.status == 200
        && let Some(statements) = answer.json().and_then(|policy| field(policy, "statement"))
    {
        let statements: Vec<&Value> = match statements {
            Value::Array(all) => all.iter().collect(),
            one => vec![one],
        };
        let open = statements.iter().filter(|statement| is_for_everyone(statement));
        let writes = open.clone().any(|statement| has_write(statement));
        let (verdict, reason) = if writes {
            (Verdict::Open, "strangers may write, by its policy, which they may read".to_owned())
        } else {
            (
                Verdict::OpenPartial,
                format!("strangers may read it; statements for everyone: {}", open.count()),
            )
        };
        return (Surface::new("policy", verdict, reason), Some(statements.len() as u64));
    }
    let surface =
        outcome(&answers.policy, "PolicyAsJson").surface("policy", |_| (Verdict::Unknown, String::new()));
    let public = match outcome(&answers.policy_status, "PolicyStatus") {
        Outcome::Given(xml) => xml.text("IsPublic").map(str::to_ascii_lowercase),
        _ => None,
    };
    let surface = match public.as_deref() {
        Some("true") => {
            Surface::new("policy", Verdict::OpenPartial, "its status says that the policy is public")
        }
        Some("false") => Surface::new(
            "policy",
            surface.verdict,
            format!("{}; its status says: not public", surface.reason),
        ),
        _ => surface,
    };
    (surface, None)
}

/// A field in whichever case the provider writes it.
fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The texts of a value that is one, or a list of them, or lists by kind.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::Object(kinds) => kinds
            .values()
            .flat_map(|value| match value {
                Value::String(text) => vec![text.as_str()],
                Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a statement allows something to everyone, under no condition.
fn is_for_everyone(statement: &Value) -> bool {
    let principals = field(statement, "principal").map(texts).unwrap_or_default();
    let allowed = field(statement, "effect")
        .and_then(Value::as_str)
        .is_some_and(|word| word.eq_ignore_ascii_case("allow"));
    allowed
        && field(statement, "condition").is_none()
        && principals.iter().any(|who| matches!(*who, "*" | "qcs::cam::anyone:anyone"))
}

fn has_write(statement: &Value) -> bool {
    let actions = field(statement, "action").map(texts).unwrap_or_default();
    actions.iter().any(|action| {
        let verb = action.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
        verb == "*" || verb.starts_with("put") || verb.starts_with("delete")
    })
}

/// The website. It is asked for its first page by HEAD.
fn website(bucket: &Bucket, answers: &Answers) -> Surface {
    let (verdict, reason) = match &answers.website {
        None => (Verdict::Closed, answers.no_website.to_owned()),
        Some(Err(why)) => (Verdict::Unknown, why.clone()),
        Some(Ok(answer)) => {
            let listing = answer.header("content-type").is_some_and(|kind| kind.contains("xml"));
            let code =
                error_code(answer).map_or_else(String::new, |code| format!(" {}", excerpt(code.as_bytes())));
            match answer.status {
                // OSS has no host of its own for websites: without one, `/` is the listing.
                200 if listing && bucket.provider() == Provider::Oss => {
                    (Verdict::Closed, "there is none: the first page is the listing".to_owned())
                }
                200 => (Verdict::Open, "its website serves pages to strangers".to_owned()),
                401 | 403 => (Verdict::Protected, format!("no page is served ({}{code})", answer.status)),
                404 => (Verdict::Closed, format!("no page is served (404{code})")),
                300..=399 => {
                    (Verdict::Unknown, format!("{}: sent elsewhere, which is not followed", answer.status))
                }
                status => (Verdict::Unknown, format!("{status}{code}")),
            }
        }
    };
    Surface::new("website", verdict, reason)
}
