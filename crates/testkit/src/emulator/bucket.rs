//! Stores of objects as strangers see them, asked by path: one bucket that holds one object, with the errors that the
//! vendors publish.
//!
//! Alibaba: <https://www.alibabacloud.com/help/en/oss/support/http-status-code-403>, Amazon:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>, Tencent:
//! <https://www.tencentcloud.com/document/product/436/7730>, Huawei:
//! <https://support.huaweicloud.com/api-obs/obs_04_0115.html>, Google:
//! <https://cloud.google.com/storage/docs/json_api/v1/status-codes>, Microsoft:
//! <https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes>.

use std::io;

use serde_json::json;

use super::Emulator;
use super::http::{self, Reply, Request};

/// Whose store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Alibaba Cloud OSS.
    Alibaba,
    /// Amazon S3.
    Amazon,
    /// Tencent Cloud COS.
    Tencent,
    /// Huawei Cloud OBS.
    Huawei,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Microsoft,
}

/// What strangers may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Nothing.
    Nothing,
    /// Read what they can name.
    Read,
    /// List and read.
    ListAndRead,
    /// There is no such bucket.
    NoBucket,
}

/// The one object.
pub const OBJECT: &str = "person.json";
/// What is in it, which nobody must fetch.
const CONTENT: &str = "{\"name\":\"Wang Xiaoming\"}";

/// Starts a store with one bucket of any name.
///
/// # Errors
/// When no port can be had.
pub fn start(vendor: Vendor, rights: Rights) -> io::Result<Emulator> {
    http::start(move |_, request| answer(vendor, rights, request))
}

/// Answers one request.
#[must_use]
pub fn answer(vendor: Vendor, rights: Rights, request: &Request) -> Reply {
    match vendor {
        Vendor::Google => google(rights, request),
        Vendor::Microsoft => microsoft(rights, request),
        _ => like_s3(vendor, rights, request),
    }
}

/// An error as all but Google write it.
#[must_use]
pub fn error(status: u16, code: &str, message: &str, more: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>656c76696e672</RequestId><HostId>store.example</HostId>{more}</Error>"
    );
    Reply::new(status, "application/xml", body)
}

fn denied(vendor: Vendor, what: &str) -> Reply {
    match vendor {
        Vendor::Alibaba => {
            let message = format!("Anonymous user has no right to access this {what}.");
            error(403, "AccessDenied", &message, "<EC>0003-00000001</EC>")
        }
        Vendor::Amazon => error(403, "AccessDenied", "Access Denied", ""),
        _ => error(403, "AccessDenied", "Access Denied.", ""),
    }
}

fn listing() -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult><Name>b</Name><Prefix></Prefix>\
         <MaxKeys>1</MaxKeys><IsTruncated>true</IsTruncated><Contents><Key>{OBJECT}</Key><Size>24</Size>\
         <Owner><ID>1</ID><DisplayName>wang</DisplayName></Owner></Contents></ListBucketResult>"
    );
    Reply::new(200, "application/xml", body)
}

/// The last part of the path: an object, or nothing for the bucket itself.
fn key(request: &Request, depth: usize) -> Option<&str> {
    request.path.trim_start_matches('/').splitn(depth + 1, '/').nth(depth).filter(|key| !key.is_empty())
}

fn like_s3(vendor: Vendor, rights: Rights, request: &Request) -> Reply {
    if rights == Rights::NoBucket {
        return error(404, "NoSuchBucket", "The specified bucket does not exist.", "");
    }
    let asks = |name: &str| request.query.iter().any(|(key, _)| key == name);
    match key(request, 1) {
        None if asks("acl") || asks("policy") || asks("policyStatus") => denied(vendor, "bucket"),
        None if rights == Rights::ListAndRead => listing(),
        None => denied(vendor, "bucket"),
        Some(OBJECT) if rights != Rights::Nothing => Reply::new(200, "application/json", CONTENT),
        Some(_) if rights == Rights::Nothing => denied(vendor, "object"),
        // Amazon says that a key is missing only to whoever may list.
        Some(_) if rights == Rights::Read && matches!(vendor, Vendor::Amazon | Vendor::Tencent) => {
            denied(vendor, "object")
        }
        Some(_) => error(404, "NoSuchKey", "The specified key does not exist.", ""),
    }
}

fn google(rights: Rights, request: &Request) -> Reply {
    let error = |status: u16, message: &str, reason: &str| {
        let errors = json!([{"message": message, "domain": "global", "reason": reason}]);
        Reply::json(status, &json!({"error": {"code": status, "message": message, "errors": errors}}))
    };
    if rights == Rights::NoBucket {
        return error(404, "The specified bucket does not exist.", "notFound");
    }
    if request.path.ends_with("/iam/testPermissions") {
        let held: &[&str] = match rights {
            Rights::ListAndRead => &["storage.objects.get", "storage.objects.list"],
            Rights::Read => &["storage.objects.get"],
            _ => &[],
        };
        return match held {
            [] => Reply::json(200, &json!({"kind": "storage#testIamPermissionsResponse"})),
            held => {
                Reply::json(200, &json!({"kind": "storage#testIamPermissionsResponse", "permissions": held}))
            }
        };
    }
    if request.path.ends_with("/o") {
        return match rights {
            Rights::ListAndRead => {
                Reply::json(200, &json!({"kind": "storage#objects", "nextPageToken": "x"}))
            }
            _ => error(
                401,
                "Anonymous caller does not have storage.objects.list access to the Google Cloud Storage bucket.",
                "required",
            ),
        };
    }
    match (key(request, 1), rights) {
        (Some(OBJECT), Rights::Read | Rights::ListAndRead) => Reply::new(200, "application/json", CONTENT),
        _ => denied(Vendor::Google, "object"),
    }
}

fn microsoft(rights: Rights, request: &Request) -> Reply {
    let nothing = || error(404, "ResourceNotFound", "The specified resource does not exist.", "");
    match (key(request, 2), rights) {
        (None, Rights::ListAndRead) => {
            let body = format!(
                "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><MaxResults>1</MaxResults>\
                 <Blobs><Blob><Name>{OBJECT}</Name></Blob></Blobs><NextMarker>2</NextMarker></EnumerationResults>"
            );
            Reply::new(200, "application/xml", body)
        }
        (Some(OBJECT), Rights::Read | Rights::ListAndRead) => Reply::new(200, "application/json", CONTENT),
        (Some(_), Rights::Read | Rights::ListAndRead) => {
            error(404, "BlobNotFound", "The specified blob does not exist.", "")
        }
        _ => nothing(),
    }
}
