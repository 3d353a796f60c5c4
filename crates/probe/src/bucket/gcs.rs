//! Google Cloud Storage: <https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions> tells a
//! stranger's rights exactly, also those to write, and uses none of them.

use model::{Bucket, Provider, Surface, Verdict, excerpt};
use net::http::Response;

use super::answer::{Answers, Reply, exists, no_such_bucket, object};
use crate::contract::Judgement;

/// The rights that are asked about.
const RIGHTS: [&str; 10] = [
    "storage.buckets.delete",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
    "storage.buckets.setIamPolicy",
    "storage.buckets.update",
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.get",
    "storage.objects.list",
    "storage.objects.update",
];

/// Those of them with which something is changed.
const WRITE: [&str; 6] = [
    "storage.buckets.delete",
    "storage.buckets.setIamPolicy",
    "storage.buckets.update",
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.update",
];

/// Which of them a stranger has.
pub(super) fn rights_path(bucket: &Bucket) -> String {
    let rights: Vec<String> = RIGHTS.iter().map(|right| format!("permissions={right}")).collect();
    format!("/storage/v1/b/{}/iam/testPermissions?{}", bucket.name(), rights.join("&"))
}

/// Whether a stranger may list; the fields that are asked for hold no name.
pub(super) fn list_path(bucket: &Bucket) -> String {
    format!("/storage/v1/b/{}/o?maxResults=1&fields=kind,nextPageToken", bucket.name())
}

/// What an answer in JSON means.
enum Told<'a> {
    Given(&'a Response),
    Refused(String),
    /// Refused in words that leave open whether there is such a bucket.
    Hidden(String),
    Nowhere(String),
    Unclear(String),
}

fn told<'a>(reply: &'a Reply, kind: &str) -> Told<'a> {
    let answer = match reply {
        Some(Ok(answer)) => answer,
        Some(Err(why)) => return Told::Unclear(why.clone()),
        None => return Told::Unclear("not asked".to_owned()),
    };
    let status = answer.status;
    if answer.truncated {
        return Told::Unclear("the answer is cut off, or longer than Google's".to_owned());
    }
    if status == 200 && answer.text_at("/kind") == Some(kind) {
        return Told::Given(answer);
    }
    // {"error":{"code":401,"message":"...","errors":[{"message":"...","domain":"global","reason":"required"}]}}
    let Some(message) = answer.text_at("/error/message") else {
        return Told::Unclear(format!("{status} without JSON of Google's"));
    };
    let reason = answer.text_at("/error/errors/0/reason").unwrap_or("no reason");
    let words = format!("{status} {}", excerpt(reason.as_bytes()));
    match status {
        401 | 403 if message.contains("may not exist") => Told::Hidden(words),
        401 | 403 => Told::Refused(words),
        404 => Told::Nowhere(words),
        _ => Told::Unclear(words),
    }
}

/// What a stranger gets.
pub(super) fn judge(answers: &Answers) -> Judgement {
    let (list, rights) =
        (told(&answers.list, "storage#objects"), told(&answers.rights, "storage#testIamPermissionsResponse"));
    if let (Told::Nowhere(words), _) | (_, Told::Nowhere(words)) = (&list, &rights) {
        return Judgement { surfaces: vec![no_such_bucket(Provider::Gcs, words)], ..Judgement::default() };
    }
    let hidden = matches!(list, Told::Hidden(_)) && !matches!(rights, Told::Given(_));
    let held: Option<Vec<&str>> = match &rights {
        Told::Given(answer) => {
            let list = answer.json().and_then(|json| json.pointer("/permissions")?.as_array());
            Some(list.into_iter().flatten().filter_map(|right| right.as_str()).collect())
        }
        _ => None,
    };
    let why = match rights {
        Told::Refused(words) | Told::Hidden(words) => {
            Surface::new("", Verdict::Protected, format!("refused ({words})"))
        }
        Told::Unclear(words) | Told::Nowhere(words) => Surface::new("", Verdict::Unknown, words),
        Told::Given(_) => Surface::new("", Verdict::Protected, "not among the rights of strangers"),
    };
    // Rights that are not told leave the question open; a refusal to tell them is no refusal to read.
    let by_right = |name: &str, wanted: &[&str], verdict, open: &str| match &held {
        Some(held) if held.iter().any(|right| wanted.contains(right)) => {
            let held: Vec<&str> = held.iter().copied().filter(|right| wanted.contains(right)).collect();
            Surface::new(name, verdict, format!("{open} ({})", held.join(", ")))
        }
        Some(_) => Surface::new(name, Verdict::Protected, why.reason.clone()),
        None => Surface::new(
            name,
            Verdict::Unknown,
            format!("the rights of strangers are not told: {}", why.reason),
        ),
    };
    let list = match list {
        Told::Given(_) => {
            Surface::new("list", Verdict::Open, "the names of its objects are told to strangers")
        }
        Told::Refused(words) | Told::Hidden(words) => {
            Surface::new("list", Verdict::Protected, format!("refused ({words})"))
        }
        Told::Unclear(words) | Told::Nowhere(words) => Surface::new("list", Verdict::Unknown, words),
    };
    let mut read = by_right("read", &["storage.objects.get"], Verdict::Open, "objects are read by strangers");
    if !read.verdict.is_open() {
        read = object(answers).unwrap_or(read);
    }
    let mut doors = vec![
        list,
        read,
        Surface::new("acl", Verdict::Closed, "Google tells it with the policy"),
        by_right("policy", &["storage.buckets.getIamPolicy"], Verdict::OpenPartial, "strangers may read it"),
        by_right("write", &WRITE, Verdict::Open, "strangers may write"),
        Surface::new(
            "website",
            Verdict::Closed,
            "it has one only under a domain of yours; name that as a URL",
        ),
    ];
    doors.push(exists(&doors, !hidden, "Google does not tell strangers which"));
    Judgement { surfaces: doors, ..Judgement::default() }
}
