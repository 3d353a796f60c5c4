//! What is concluded from answers of a store, whatever they are; for `fuzz/`.

use model::{Bucket, Provider};
use net::http::Response;

use super::answer::{Answers, error_code, outcome};
use super::{azure, conclusion, gcs, s3};
use crate::contract::Judgement;

/// Judges a bucket of any provider by any answers, taken in the order in which they are asked for.
pub fn judge(bucket: &Bucket, answers: Vec<Response>) -> Judgement {
    let mut given = answers.into_iter().map(Ok);
    let mut answers = Answers { no_website: "not asked", ..Answers::default() };
    (answers.list, answers.missing) = (given.next(), given.next());
    (answers.object, answers.named) = (given.next(), bucket.key().is_some());
    if let Some(Ok(first)) = &answers.list {
        let _ = (s3::place(bucket, first), s3::first_key(first), azure::first_key(first), error_code(first));
    }
    let _ = outcome(&answers.list, "ListBucketResult");
    let judgement = match bucket.provider() {
        Provider::Gcs => {
            answers.rights = given.next();
            gcs::judge(&answers)
        }
        Provider::Azure => azure::judge(&answers),
        _ => {
            (answers.acl, answers.policy) = (given.next(), given.next());
            (answers.policy_status, answers.website) = (given.next(), given.next());
            s3::judge(bucket, &answers)
        }
    };
    let _ = conclusion(&judgement.surfaces);
    judgement
}
