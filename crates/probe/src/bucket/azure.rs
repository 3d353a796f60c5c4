//! Azure Blob Storage: <https://learn.microsoft.com/en-us/rest/api/storageservices/list-blobs>,
//! <https://learn.microsoft.com/en-us/azure/storage/blobs/anonymous-read-access-configure>.
//!
//! A stranger who is not let in is told that there is nothing (404 ResourceNotFound), or asked for a login (401).
//! Strangers never write, and access levels are told to the owner alone.

use model::{Provider, Surface, Verdict, excerpt};
use net::http::Response;

use super::answer::{Answers, Outcome, exists, no_such_bucket, object, outcome};
use super::xml::Xml;
use crate::contract::Judgement;

/// The query that asks for one name.
pub(super) const LIST: &str = "?restype=container&comp=list&maxresults=1";
/// From this version on a stranger is asked for a login by 401.
pub(super) const VERSION: &str = "2021-12-02";

/// The first name of a listing: asked for by HEAD, and forgotten.
pub(super) fn first_key(answer: &Response) -> Option<String> {
    let xml = Xml::parse(&answer.body).ok().filter(|xml| xml.root() == "EnumerationResults")?;
    let key = xml.text("Blobs/Blob/Name")?;
    (answer.status == 200 && !key.is_empty() && key.len() <= 1024).then(|| key.to_owned())
}

/// A private container is told as absent: for a stranger that is the refusal.
fn told_as_absent(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Absent(told) if told.contains("ResourceNotFound") => {
            Outcome::Refused(format!("{told}: strangers are told that there is nothing"))
        }
        other => other,
    }
}

/// What a stranger gets.
pub(super) fn judge(answers: &Answers) -> Judgement {
    let listing = outcome(&answers.list, "EnumerationResults");
    if let Outcome::Absent(told) = &listing
        && told.contains("ContainerNotFound")
    {
        let surface = no_such_bucket(Provider::Azure, &excerpt(told.as_bytes()));
        return Judgement { surfaces: vec![surface], ..Judgement::default() };
    }
    let everything = matches!(&answers.missing, Some(Ok(answer)) if (200..300).contains(&answer.status));
    let list = told_as_absent(listing).surface("list", |xml| {
        if everything {
            return (Verdict::Unknown, "it says 200 to what cannot exist, too".to_owned());
        }
        let empty = if xml.text("Blobs/Blob/Name").is_some() { "" } else { " (there are none now)" };
        (Verdict::Open, format!("the names of its blobs are told to strangers{empty}"))
    });
    let owner = "Azure tells it to the owner alone";
    let mut doors = vec![
        list,
        read(answers, everything),
        Surface::new("acl", Verdict::Closed, owner),
        Surface::new("policy", Verdict::Closed, owner),
        Surface::new("website", Verdict::Closed, "it has a host name of its own; name that as a URL"),
    ];
    doors.push(exists(&doors, false, "Azure does not tell strangers which"));
    Judgement { surfaces: doors, ..Judgement::default() }
}

fn read(answers: &Answers, everything: bool) -> Surface {
    if everything {
        return Surface::new("read", Verdict::Unknown, "it says 200 to a blob that cannot exist");
    }
    if let Some(surface) = object(answers).filter(|surface| surface.verdict != Verdict::Unknown) {
        return surface;
    }
    match told_as_absent(outcome(&answers.missing, "Error")) {
        Outcome::Absent(told) if told.contains("BlobNotFound") => Surface::new(
            "read",
            Verdict::Open,
            format!(
                "blobs are read by strangers who know their names: a missing one is told as such ({told})"
            ),
        ),
        Outcome::Absent(told) => Surface::new("read", Verdict::Unknown, told),
        other => other.surface("read", |_| (Verdict::Unknown, "an error with status 200".to_owned())),
    }
}
