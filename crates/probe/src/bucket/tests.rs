//! Answers of every provider, as the vendors publish them and as MinIO was seen to give them, and what they mean.

use std::collections::BTreeMap;

use model::{Bucket, Endpoint, Provider, Verdict};
use net::http::Response;

use super::answer::Answers;
use super::s3::{Place, place};
use super::{azure, conclusion, gcs, s3};
use crate::contract::Judgement;

const LISTING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix></Prefix><KeyCount>1</KeyCount><MaxKeys>1</MaxKeys><IsTruncated>true</IsTruncated><Contents><Key>person.json</Key><Size>12</Size></Contents></ListBucketResult>";

fn answer(status: u16, body: &str) -> Response {
    Response::from_parts(status, &BTreeMap::new(), body)
}

fn with(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response::from_parts(status, &headers, body)
}

fn error(status: u16, code: &str, message: &str) -> Response {
    answer(
        status,
        &format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>18EA5C9B6C3545C9</RequestId><HostId>c09b</HostId></Error>"
        ),
    )
}

fn denied() -> Response {
    error(403, "AccessDenied", "Access Denied.")
}

fn bucket(provider: Provider) -> Bucket {
    let name = match provider {
        Provider::Azure => "account/box",
        Provider::Cos => "archive-1250000000",
        _ => "archive",
    };
    Bucket::new(provider, name).unwrap()
}

fn minio() -> Bucket {
    bucket(Provider::S3).at(Endpoint { tls: false, host: "127.0.0.1".to_owned(), port: 9000 }).unwrap()
}

/// Everything refused, as a private bucket does.
fn private() -> Answers {
    Answers {
        list: Some(Ok(denied())),
        missing: Some(Ok(denied())),
        acl: Some(Ok(denied())),
        policy: Some(Ok(denied())),
        policy_status: Some(Ok(denied())),
        ..Answers::default()
    }
}

fn verdict(judgement: &Judgement) -> Verdict {
    conclusion(&judgement.surfaces).0
}

fn door(judgement: &Judgement, name: &str) -> (Verdict, String) {
    let door = judgement.surfaces.iter().find(|door| door.name == name).unwrap();
    (door.verdict, door.reason.clone())
}

#[test]
fn minio_tells_each_right_apart() {
    let of =
        |answers: Answers| s3::judge(&minio(), &Answers { product: Some("MinIO".to_owned()), ..answers });
    let shut = of(private());
    assert_eq!(verdict(&shut), Verdict::Protected);
    assert!(door(&shut, "exists").1.contains("private, or no such bucket"), "{shut:?}");
    let missing = || Some(Ok(error(404, "NoSuchKey", "The specified key does not exist.")));
    let reads = of(Answers { missing: missing(), ..private() });
    assert_eq!((door(&reads, "list").0, door(&reads, "read").0), (Verdict::Protected, Verdict::Open));
    let object = Some(Ok(answer(200, "")));
    let lists = of(Answers { list: Some(Ok(answer(200, LISTING))), missing: missing(), object, ..private() });
    assert_eq!((door(&lists, "list").0, door(&lists, "read").0), (Verdict::Open, Verdict::Open));
    // Listing is all that is allowed: a missing key is told to whoever lists.
    let object = Some(Ok(answer(403, "")));
    let only = of(Answers { list: Some(Ok(answer(200, LISTING))), missing: missing(), object, ..private() });
    assert_eq!((door(&only, "list").0, door(&only, "read").0), (Verdict::Open, Verdict::Protected));
}

#[test]
fn on_amazon_a_private_bucket_without_a_known_key_stays_undecided() {
    let shut = s3::judge(&bucket(Provider::S3), &private());
    assert_eq!((door(&shut, "list").0, door(&shut, "read").0), (Verdict::Protected, Verdict::Unknown));
    assert_eq!(verdict(&shut), Verdict::Unknown);
    assert!(door(&shut, "read").1.contains("?key="));
    let known = |status| Answers { object: Some(Ok(answer(status, ""))), named: true, ..private() };
    assert_eq!(verdict(&s3::judge(&bucket(Provider::S3), &known(403))), Verdict::Protected);
    assert_eq!(verdict(&s3::judge(&bucket(Provider::S3), &known(200))), Verdict::Open);
    assert_eq!(verdict(&s3::judge(&bucket(Provider::S3), &known(404))), Verdict::Unknown);
}

#[test]
fn oss_and_obs_tell_readers_that_a_key_is_missing() {
    for provider in [Provider::Oss, Provider::Obs] {
        assert_eq!(door(&s3::judge(&bucket(provider), &private()), "read").0, Verdict::Protected);
        let missing = Some(Ok(error(404, "NoSuchKey", "The specified key does not exist.")));
        let reads = s3::judge(&bucket(provider), &Answers { missing, ..private() });
        assert_eq!(door(&reads, "read").0, Verdict::Open);
    }
    assert_eq!(door(&s3::judge(&bucket(Provider::Cos), &private()), "read").0, Verdict::Unknown);
}

#[test]
fn no_such_bucket_is_told_with_what_it_means() {
    let gone = error(404, "NoSuchBucket", "The specified bucket does not exist.");
    for provider in [Provider::S3, Provider::Oss, Provider::Obs] {
        let judgement = s3::judge(&bucket(provider), &Answers { list: Some(Ok(gone.clone())), ..private() });
        let (verdict, reason) = conclusion(&judgement.surfaces);
        assert_eq!(verdict, Verdict::Closed);
        assert!(reason.starts_with("no such bucket") && reason.contains("takes the name"), "{reason}");
    }
    // Hosts of Tencent know their own region only.
    let judgement = s3::judge(&bucket(Provider::Cos), &Answers { list: Some(Ok(gone)), ..private() });
    assert_eq!(verdict(&judgement), Verdict::Unknown);
}

#[test]
fn a_wrong_region_is_told_from_a_private_bucket() {
    let oss = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.</Message><RequestId>5</RequestId><HostId>archive.oss-cn-hangzhou.aliyuncs.com</HostId><Bucket>archive</Bucket><Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint></Error>";
    let Place::Elsewhere(told, host) = place(&bucket(Provider::Oss), &answer(403, oss)) else { panic!() };
    assert_eq!(
        (told.as_str(), host.as_deref()),
        ("oss-cn-beijing.aliyuncs.com", Some("archive.oss-cn-beijing.aliyuncs.com"))
    );
    assert_eq!(place(&bucket(Provider::Oss), &denied()), Place::Here);

    let s3 = "<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint.</Message><Endpoint>archive.s3-eu-west-1.amazonaws.com</Endpoint><Bucket>archive</Bucket></Error>";
    let by_header = with(301, &[("x-amz-bucket-region", "eu-west-1")], s3);
    let Place::Elsewhere(_, host) = place(&bucket(Provider::S3), &by_header) else { panic!() };
    assert_eq!(host.as_deref(), Some("archive.s3.eu-west-1.amazonaws.com"));
    let Place::Elsewhere(_, host) = place(&bucket(Provider::S3), &answer(301, s3)) else { panic!() };
    assert_eq!(host.as_deref(), Some("archive.s3-eu-west-1.amazonaws.com"));

    let location =
        with(307, &[("Location", "https://archive.obs.cn-north-4.myhuaweicloud.com/?max-keys=1")], "");
    let Place::Elsewhere(_, host) = place(&bucket(Provider::Obs), &location) else { panic!() };
    assert_eq!(host.as_deref(), Some("archive.obs.cn-north-4.myhuaweicloud.com"));
}

#[test]
fn a_hint_to_elsewhere_gives_no_host() {
    let evil = s_error("<Endpoint>evil.example</Endpoint>");
    assert_eq!(
        place(&bucket(Provider::Oss), &answer(403, &evil)),
        Place::Elsewhere("evil.example".to_owned(), None)
    );
    let location = with(302, &[("Location", "http://169.254.169.254/latest/meta-data")], "");
    assert!(matches!(place(&bucket(Provider::S3), &location), Place::Elsewhere(_, None)));
    let at_home = with(307, &[("Location", "http://127.0.0.1:9001/")], "");
    assert!(matches!(place(&minio(), &at_home), Place::Elsewhere(_, None)));
}

fn s_error(inside: &str) -> String {
    format!("<Error><Code>AccessDenied</Code><Message>m</Message>{inside}</Error>")
}

#[test]
fn what_is_no_answer_of_a_store_decides_nothing() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><ListBucketResult>&a;</ListBucketResult>";
    let half = LISTING.strip_suffix("</Contents></ListBucketResult>").unwrap();
    for strange in [
        answer(403, "<html><body>Forbidden by the proxy</body></html>"),
        answer(403, ""),
        answer(200, "<html><title>Welcome</title></html>"),
        answer(200, half),
        answer(200, bomb),
        answer(200, "{}"),
        answer(503, "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"),
        answer(500, ""),
    ] {
        for provider in [Provider::S3, Provider::Oss, Provider::Cos, Provider::Obs] {
            let reply = || Some(Ok(strange.clone()));
            let answers = Answers {
                list: reply(),
                missing: reply(),
                acl: reply(),
                policy: reply(),
                ..Answers::default()
            };
            assert_eq!(verdict(&s3::judge(&bucket(provider), &answers)), Verdict::Unknown, "{strange:?}");
        }
        let reply = || Some(Ok(strange.clone()));
        let answers = || Answers { list: reply(), missing: reply(), rights: reply(), ..Answers::default() };
        assert_eq!(verdict(&azure::judge(&answers())), Verdict::Unknown, "{strange:?}");
        assert_eq!(verdict(&gcs::judge(&answers())), Verdict::Unknown, "{strange:?}");
    }
}

#[test]
fn a_server_that_answers_everything_alike_is_not_open() {
    let reply = || Some(Ok(answer(200, LISTING)));
    let answers = Answers {
        list: reply(),
        missing: reply(),
        object: reply(),
        acl: reply(),
        policy: reply(),
        ..Answers::default()
    };
    assert_eq!(verdict(&s3::judge(&minio(), &answers)), Verdict::Unknown);
}

#[test]
fn a_list_of_referers_protects_nothing() {
    let referer = "<Error><Code>AccessDenied</Code><Message>You are denied by bucket referer policy.</Message><EC>0003-00000501</EC></Error>";
    let reply = || Some(Ok(answer(403, referer)));
    let judgement =
        s3::judge(&bucket(Provider::Oss), &Answers { list: reply(), missing: reply(), ..private() });
    let (verdict, reason) = door(&judgement, "list");
    assert_eq!(verdict, Verdict::Unknown);
    assert!(reason.contains("0003-00000501") && reason.contains("anybody can claim"), "{reason}");
}

fn acl(inside: &str) -> (Verdict, String) {
    let text = format!(
        "<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>75aa</ID></Owner><AccessControlList>{inside}</AccessControlList></AccessControlPolicy>"
    );
    let answers = Answers { acl: Some(Ok(answer(200, &text))), ..private() };
    door(&s3::judge(&bucket(Provider::S3), &answers), "acl")
}

#[test]
fn writing_is_told_by_the_access_control_list_and_never_tried() {
    let group = |uri: &str, right: &str| {
        format!(
            "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\"><URI>{uri}</URI></Grantee><Permission>{right}</Permission></Grant>"
        )
    };
    let all = "http://acs.amazonaws.com/groups/global/AllUsers";
    let accounts = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
    let owner = "<Grant><Grantee xsi:type=\"CanonicalUser\"><ID>75aa</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>";
    let (verdict, reason) = acl(&(owner.to_owned() + &group(all, "WRITE")));
    assert!(verdict == Verdict::Open && reason.contains("strangers may write, by its ACL"), "{reason}");
    assert_eq!(acl(&group(all, "READ")).0, Verdict::Open);
    let (verdict, reason) = acl(&group(accounts, "WRITE_ACP"));
    assert!(verdict == Verdict::OpenPartial && reason.contains("every account"), "{reason}");
    assert_eq!(acl(owner).0, Verdict::OpenPartial);
    assert_eq!(acl(&group("http://cam.qcloud.com/groups/global/AllUsers", "FULL_CONTROL")).0, Verdict::Open);
    assert_eq!(
        acl("<Grant><Grantee><Canned>Everyone</Canned></Grantee><Permission>WRITE</Permission></Grant>").0,
        Verdict::Open
    );
    assert_eq!(acl("<Grant>public-read-write</Grant>").0, Verdict::Open);
    assert_eq!(acl("<Grant>private</Grant>").0, Verdict::OpenPartial);
}

#[test]
fn a_policy_that_is_read_is_counted_and_weighed() {
    let policy = |text: &str| {
        let answers = Answers { policy: Some(Ok(answer(200, text))), ..private() };
        let judgement = s3::judge(&bucket(Provider::S3), &answers);
        (door(&judgement, "policy"), judgement.counts.get("policy_statements").copied())
    };
    let statement = |action: &str, condition: &str| {
        format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":[\"*\"]}},\"Action\":[\"{action}\"],\"Resource\":[\"arn:aws:s3:::b/*\"]{condition}}}]}}"
        )
    };
    let ((verdict, reason), count) = policy(&statement("s3:PutObject", ""));
    assert!(
        verdict == Verdict::Open && reason.contains("strangers may write") && count == Some(1),
        "{reason}"
    );
    assert_eq!(policy(&statement("s3:GetObject", "")).0.0, Verdict::OpenPartial);
    let bound = statement("s3:*", ",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}");
    assert_eq!(policy(&bound).0.0, Verdict::OpenPartial);
    let tencent = "{\"version\":\"2.0\",\"Statement\":[{\"effect\":\"allow\",\"Principal\":{\"qcs\":[\"qcs::cam::anyone:anyone\"]},\"action\":[\"name/cos:PutObject\"]}]}";
    assert_eq!(policy(tencent).0.0, Verdict::Open);
    let none = Answers {
        policy: Some(Ok(error(404, "NoSuchBucketPolicy", "The bucket policy does not exist"))),
        ..private()
    };
    assert_eq!(door(&s3::judge(&bucket(Provider::S3), &none), "policy").0, Verdict::Closed);
    let status = "<PolicyStatus xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsPublic>TRUE</IsPublic></PolicyStatus>";
    let public = Answers { policy_status: Some(Ok(answer(200, status))), ..private() };
    assert_eq!(door(&s3::judge(&bucket(Provider::S3), &public), "policy").0, Verdict::OpenPartial);
}

#[test]
fn a_website_is_a_door_of_its_own() {
    let site = |provider, reply: Response| {
        let answers = Answers { website: Some(Ok(reply)), ..private() };
        door(&s3::judge(&bucket(provider), &answers), "website").0
    };
    let html = || with(200, &[("Content-Type", "text/html")], "");
    assert_eq!(site(Provider::S3, html()), Verdict::Open);
    let none = || with(404, &[("x-amz-error-code", "NoSuchWebsiteConfiguration")], "");
    assert_eq!(site(Provider::S3, none()), Verdict::Closed);
    assert_eq!(site(Provider::Cos, answer(403, "")), Verdict::Protected);
    assert_eq!(site(Provider::Oss, with(200, &[("Content-Type", "application/xml")], "")), Verdict::Closed);
    assert_eq!(site(Provider::Oss, html()), Verdict::Open);
}

#[test]
fn azure_hides_what_is_private() {
    let of = |list: Response, missing: Response| {
        azure::judge(&Answers { list: Some(Ok(list)), missing: Some(Ok(missing)), ..Answers::default() })
    };
    let nothing = || error(404, "ResourceNotFound", "The specified resource does not exist.");
    let login = || error(401, "NoAuthenticationInformation", "Server failed to authenticate the request.");
    let off =
        || error(409, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.");
    for refusal in [nothing, login, off] {
        let judgement = of(refusal(), refusal());
        assert_eq!(verdict(&judgement), Verdict::Protected);
        assert!(door(&judgement, "exists").1.contains("private, or no such bucket"));
    }
    let blobs = of(nothing(), error(404, "BlobNotFound", "The specified blob does not exist."));
    assert_eq!((door(&blobs, "list").0, door(&blobs, "read").0), (Verdict::Protected, Verdict::Open));
    let listing = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://account.blob.core.windows.net/\" ContainerName=\"box\"><MaxResults>1</MaxResults><Blobs><Blob><Name>person.json</Name><Url /></Blob></Blobs><NextMarker>2!x</NextMarker></EnumerationResults>";
    assert_eq!(azure::first_key(&answer(200, listing)).as_deref(), Some("person.json"));
    let open = of(answer(200, listing), error(404, "BlobNotFound", "m"));
    assert_eq!((door(&open, "list").0, door(&open, "read").0), (Verdict::Open, Verdict::Open));
    let network = of(error(403, "AuthorizationFailure", "m"), error(403, "AuthorizationFailure", "m"));
    assert_eq!(verdict(&network), Verdict::NetworkRestricted);
    assert_eq!(verdict(&of(error(404, "ContainerNotFound", "m"), nothing())), Verdict::Closed);
}

#[test]
fn google_tells_a_strangers_rights() {
    let of = |list: Response, rights: Response| {
        gcs::judge(&Answers { list: Some(Ok(list)), rights: Some(Ok(rights)), ..Answers::default() })
    };
    let refused = |status, message: &str, reason: &str| {
        answer(
            status,
            &format!(
                "{{\"error\":{{\"code\":{status},\"message\":\"{message}\",\"errors\":[{{\"message\":\"{message}\",\"domain\":\"global\",\"reason\":\"{reason}\"}}]}}}}"
            ),
        )
    };
    let no_list = || {
        refused(
            401,
            "Anonymous caller does not have storage.objects.list access to the Google Cloud Storage bucket.",
            "required",
        )
    };
    let rights =
        |held: &str| answer(200, &format!("{{\"kind\":\"storage#testIamPermissionsResponse\"{held}}}"));
    let shut = of(no_list(), rights(""));
    assert_eq!(verdict(&shut), Verdict::Protected);
    let reads = of(no_list(), rights(",\"permissions\":[\"storage.objects.get\"]"));
    assert_eq!((door(&reads, "list").0, door(&reads, "read").0), (Verdict::Protected, Verdict::Open));
    let writes = of(no_list(), rights(",\"permissions\":[\"storage.objects.create\"]"));
    assert_eq!(door(&writes, "write").0, Verdict::Open);
    let open = of(
        answer(200, "{\"kind\":\"storage#objects\"}"),
        rights(",\"permissions\":[\"storage.objects.get\",\"storage.objects.list\"]"),
    );
    assert_eq!(verdict(&open), Verdict::Open);
    let hidden = "Anonymous caller does not have storage.objects.list access to the Google Cloud Storage bucket. Permission 'storage.objects.list' denied on resource (or it may not exist).";
    let unknown = of(refused(401, hidden, "required"), refused(401, hidden, "required"));
    assert!(door(&unknown, "exists").1.contains("private, or no such bucket"));
    assert_eq!((door(&unknown, "list").0, door(&unknown, "read").0), (Verdict::Protected, Verdict::Unknown));
    let gone = of(refused(404, "The specified bucket does not exist.", "notFound"), rights(""));
    assert_eq!(verdict(&gone), Verdict::Closed);
}

proptest::proptest! {
    #[test]
    fn any_answer_is_judged_without_panic(status in 100u16..600, body: String) {
        let reply = || Some(Ok(answer(status, &body)));
        let answers = || Answers { list: reply(), missing: reply(), object: reply(), acl: reply(), policy: reply(), policy_status: reply(), website: reply(), rights: reply(), ..Answers::default() };
        for provider in [Provider::S3, Provider::Oss, Provider::Cos, Provider::Obs] {
            proptest::prop_assert!(!verdict(&s3::judge(&bucket(provider), &answers())).is_shut() || (400..500).contains(&status));
        }
        let _ = (azure::judge(&answers()), gcs::judge(&answers()));
    }
}
