//! What the answers of stores of objects have in common, and what the questions are.

use model::{Provider, Surface, Verdict, excerpt};
use net::http::Response;

use super::xml::Xml;

/// How the reason begins where a refusal leaves open whether there is such a bucket.
pub(super) const HIDDEN: &str = "private, or no such bucket";

/// An answer, or why there is none; `None` when the question was not asked.
pub(super) type Reply = Option<Result<Response, String>>;

/// The answers to all questions about a bucket.
#[derive(Default)]
pub(super) struct Answers {
    /// The product, where the answers tell it more exactly than the provider.
    pub(super) product: Option<String>,
    /// The names of objects.
    pub(super) list: Reply,
    /// An object that cannot exist.
    pub(super) missing: Reply,
    /// An object that exists: the one that the user named, or the first one listed.
    pub(super) object: Reply,
    /// The user named that object.
    pub(super) named: bool,
    /// The access control list.
    pub(super) acl: Reply,
    /// The policy.
    pub(super) policy: Reply,
    /// Whether the policy is public.
    pub(super) policy_status: Reply,
    /// The first page of the website.
    pub(super) website: Reply,
    /// Why the website was not asked.
    pub(super) no_website: &'static str,
    /// The rights of strangers (Google).
    pub(super) rights: Reply,
}

/// What an answer means, whatever was asked.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// What was asked for.
    Given(Xml),
    /// An explicit refusal.
    Refused(String),
    /// Refused because of the address that asks.
    Network(String),
    /// There is no such thing, or the store does not know the question.
    Absent(String),
    /// Nothing is decided.
    Unclear(String),
}

/// The error of a store: code, message, and Alibaba's finer code.
pub(super) fn error_code(answer: &Response) -> Option<String> {
    // An answer to HEAD has no body; these say it in a header.
    let header = ["x-minio-error-code", "x-ms-error-code", "x-amz-error-code"].iter();
    let header = header.filter_map(|name| answer.header(name)).next().map(str::to_owned);
    header.or_else(|| {
        let xml = Xml::parse(&answer.body).ok().filter(|xml| xml.root() == "Error")?;
        Some(xml.text("Code")?.to_owned())
    })
}

/// Reads an answer whose document has the root `root` when the question is answered.
pub(super) fn outcome(reply: &Reply, root: &str) -> Outcome {
    let answer = match reply {
        Some(Ok(answer)) => answer,
        Some(Err(why)) => return Outcome::Unclear(why.clone()),
        None => return Outcome::Unclear("not asked".to_owned()),
    };
    if answer.truncated {
        return Outcome::Unclear("the answer is cut off, or longer than any store's".to_owned());
    }
    let status = answer.status;
    let xml = Xml::parse(&answer.body);
    match (status, xml) {
        (200, Ok(xml)) if xml.root() == root => Outcome::Given(xml),
        (200, Ok(_)) => Outcome::Unclear(format!("200, but no {root}")),
        (200, Err(why)) => Outcome::Unclear(format!("200, but no {root}: {why}")),
        (300..=399, _) => Outcome::Unclear(format!("{status}: sent elsewhere, which is not followed")),
        (_, Ok(xml)) if xml.root() == "Error" => refusal(status, &xml),
        (405 | 501, _) => Outcome::Absent(format!("{status}: the store does not know this question")),
        // What stands between may say 403, too.
        _ => Outcome::Unclear(format!("{status} without an error of the store")),
    }
}

/// What an error of a store means.
fn refusal(status: u16, xml: &Xml) -> Outcome {
    let code = excerpt(xml.text("Code").unwrap_or("no code").as_bytes());
    let message = xml.text("Message").unwrap_or_default().to_ascii_lowercase();
    let finer = xml.text("EC").map_or_else(String::new, |code| format!(", {}", excerpt(code.as_bytes())));
    let told = format!("{status} {code}{finer}");
    match (status, code.as_str()) {
        // https://www.alibabacloud.com/help/en/oss/user-guide/0003-00000501 : a Referer is whatever the client claims.
        (403, _) if message.contains("referer") => {
            Outcome::Unclear(format!("{told}: refused for want of a Referer, which anybody can claim"))
        }
        // https://learn.microsoft.com/en-us/azure/storage/blobs/blob-access-points-troubleshoot
        (403, "AuthorizationFailure") => Outcome::Network(told),
        (401 | 403, _) | (409, "PublicAccessNotPermitted") => Outcome::Refused(told),
        (404 | 405 | 501, _) => Outcome::Absent(told),
        (429 | 503, _) => Outcome::Unclear(format!("{told}: asked to slow down")),
        _ => Outcome::Unclear(told),
    }
}

impl Outcome {
    /// The surface, with words for what is given; what is refused, absent or unclear is told alike everywhere.
    pub(super) fn surface(self, name: &str, given: impl FnOnce(Xml) -> (Verdict, String)) -> Surface {
        let (verdict, reason) = match self {
            Self::Given(xml) => given(xml),
            Self::Refused(told) => (Verdict::Protected, format!("refused ({told})")),
            Self::Network(told) => {
                (Verdict::NetworkRestricted, format!("the network rules refuse this address ({told})"))
            }
            Self::Absent(told) => (Verdict::Closed, format!("there is none ({told})")),
            Self::Unclear(told) => (Verdict::Unknown, told),
        };
        Surface::new(name, verdict, reason)
    }
}

/// Whether an object that exists is read, by the answer to HEAD.
pub(super) fn object(answers: &Answers) -> Option<Surface> {
    let which = if answers.named { "the object that you named" } else { "the first object listed" };
    let (verdict, reason) = match answers.object.as_ref()? {
        Err(why) => (Verdict::Unknown, format!("{which}: {why}")),
        Ok(answer) => match answer.status {
            200 | 206 => (Verdict::Open, format!("{which} is read by strangers")),
            401 | 403 | 409 => (Verdict::Protected, format!("{which} is refused ({})", answer.status)),
            404 => (Verdict::Unknown, format!("{which} is told as missing (404)")),
            status => (Verdict::Unknown, format!("{which}: {status}")),
        },
    };
    Some(Surface::new("read", verdict, reason))
}

/// The last question, answered by the others: is it there at all? What the doors say decides how it is told.
pub(super) fn exists(doors: &[Surface], told_apart: bool, hidden: &str) -> Surface {
    let worst = doors.iter().map(|door| door.verdict).min().unwrap_or(Verdict::Unknown);
    if worst.is_open() {
        return Surface::new("exists", worst, "yes: it lets strangers in");
    }
    let refused = doors.iter().find(|door| door.verdict.is_shut()).map(|door| door.verdict);
    match refused {
        Some(verdict) if told_apart => {
            Surface::new("exists", verdict, "yes: a bucket that does not exist is told as such")
        }
        Some(verdict) => Surface::new("exists", verdict, format!("{HIDDEN}: {hidden}")),
        None => Surface::new("exists", Verdict::Unknown, "nothing tells"),
    }
}

/// There is no such bucket. Somebody else could take the name, and whatever still asks for it.
pub(super) fn no_such_bucket(provider: Provider, code: &str) -> Surface {
    let reason = format!("no such bucket ({code})");
    match provider {
        // The name belongs to the account, and the host to one region.
        Provider::Cos => Surface::new(
            "exists",
            Verdict::Unknown,
            format!("{reason} in this region: if it is in another, say so with ?region="),
        ),
        Provider::Azure => Surface::new("exists", Verdict::Closed, reason),
        _ => Surface::new(
            "exists",
            Verdict::Closed,
            format!("{reason}: whoever takes the name gets what still asks for it; remove such references"),
        ),
    }
}
