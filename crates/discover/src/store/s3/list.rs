//! Pages of a bucket's listing, in both versions of the question and all dialects of S3
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>), and errors. Written by strangers: flat, bounded,
//! without entities of their own.

use percent_encoding::percent_decode_str;
use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// Longest text of one element; a key has 1024 bytes, each of which may be three.
const TEXT: usize = 8 << 10;
/// Deepest nesting.
const DEPTH: usize = 16;
/// Most objects of a page: servers give a thousand, some more.
const OBJECTS: usize = 20_000;

/// An object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) bytes: u64,
    /// Such as `STANDARD`.
    pub(super) class: String,
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) objects: Vec<Object>,
    /// What asks for the next page; none: this is the last.
    pub(super) next: Option<Next>,
}

/// What asks for the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Version 2.
    Token(String),
    /// Version 1: the last key of this page.
    Marker(String),
}

/// The text of every element, with the names that lead to it.
fn elements(
    body: &[u8],
    mut show: impl FnMut(&[String], String) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8")?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<String> = Vec::new();
    let mut value = String::new();
    let mut some = false;
    loop {
        let add = |value: &mut String, more: &str| {
            value.push_str(more);
            if value.len() > TEXT { Err("a text longer than any key") } else { Ok(()) }
        };
        match reader.read_event().map_err(|_| "not XML")? {
            Event::Start(start) => {
                open.push(start.local_name().as_ref().to_owned());
                value.clear();
                some = true;
                if open.len() > DEPTH {
                    return Err("nested too deeply");
                }
            }
            Event::Empty(start) => {
                open.push(start.local_name().as_ref().to_owned());
                show(&open, String::new())?;
                open.pop();
            }
            Event::End(_) => {
                show(&open, std::mem::take(&mut value))?;
                open.pop();
            }
            Event::Text(text) => add(&mut value, &text.xml_content(XmlVersion::Implicit1_0))?,
            Event::CData(text) => add(&mut value, &text.xml_content(XmlVersion::Implicit1_0))?,
            Event::GeneralRef(name) => {
                let character = name.resolve_char_ref().map_err(|_| "a bad character reference")?;
                let text = character.map(String::from);
                // The five that every document has; others are not looked up, so nothing can grow.
                let predefined = || quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned);
                add(&mut value, &text.or_else(predefined).ok_or("an entity that XML does not know")?)?;
            }
            Event::DocType(_) => return Err("a document type, which no store sends"),
            Event::Eof if open.is_empty() && some => return Ok(()),
            Event::Eof => return Err("cut off"),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

impl Page {
    /// Reads a page.
    pub(super) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let mut page = Self::default();
        let mut object = Object::default();
        let (mut token, mut marker, mut more, mut encoded, mut listing) = (None, None, false, false, false);
        elements(body, |path, text| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            match path.as_slice() {
                ["ListBucketResult", "Contents", "Key"] => object.key = text,
                ["ListBucketResult", "Contents", "Size"] => {
                    object.bytes = text.trim().parse().map_err(|_| "a size that is no number")?;
                }
                ["ListBucketResult", "Contents", "StorageClass"] => text.trim().clone_into(&mut object.class),
                ["ListBucketResult", "Contents"] => {
                    if page.objects.len() >= OBJECTS {
                        return Err("more objects than any page has");
                    }
                    page.objects.push(std::mem::take(&mut object));
                }
                ["ListBucketResult", "IsTruncated"] => more = text.trim() == "true",
                ["ListBucketResult", "NextContinuationToken"] => token = Some(text),
                ["ListBucketResult", "NextMarker"] => marker = Some(text),
                ["ListBucketResult", "EncodingType"] => encoded = text.trim() == "url",
                ["ListBucketResult"] => listing = true,
                _ => {}
            }
            Ok(())
        })?;
        if !listing {
            return Err("no listing");
        }
        if encoded {
            for object in &mut page.objects {
                object.key = decode(&object.key)?;
            }
            marker = marker.map(|marker| decode(&marker)).transpose()?;
        }
        // Of version 1 the marker is told only where a delimiter was asked for.
        let last = page.objects.last().map(|object| object.key.clone());
        let next = token.map(Next::Token).or_else(|| marker.or(last).map(Next::Marker));
        match (more, next) {
            (false, _) => {}
            (true, None) => return Err("more is said to follow, but not where"),
            (true, next) => page.next = next,
        }
        Ok(page)
    }
}

/// A key as it is called. A blank is written as `+`.
fn decode(text: &str) -> Result<String, &'static str> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().map_err(|_| "a key that is not UTF-8")?;
    Ok(decoded.into_owned())
}

/// What an error says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Failure {
    /// Such as `AccessDenied`; empty: it is no error of such a store.
    pub(super) code: String,
    /// Where the bucket is.
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    /// It asks for the key of the client's own encryption.
    pub(super) wants_key: bool,
}

impl Failure {
    /// Reads an error.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut failure = Self::default();
        // What was read before it turned out to be no XML counts.
        let _ = elements(body, |path, text| {
            let is_word =
                !text.is_empty() && text.len() <= 255 && !text.contains(|c: char| c.is_control() || c == ' ');
            match path.last().map(String::as_str) {
                Some("Code") if text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                    failure.code = text;
                }
                Some("Region") if is_word => failure.region = Some(text),
                Some("Endpoint") if is_word => failure.endpoint = Some(text),
                Some("Message") => failure.wants_key = text.contains("Server Side Encryption"),
                _ => {}
            }
            Ok(())
        });
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(inner: &str) -> Result<Page, &'static str> {
        let text = format!(
            "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"http://s3\">{inner}</ListBucketResult>"
        );
        Page::parse(text.as_bytes())
    }

    fn object(key: &str, bytes: u64, class: &str) -> Object {
        Object { key: key.to_owned(), bytes, class: class.to_owned() }
    }

    #[test]
    fn pages_of_both_versions_are_read() {
        let contents = "<Contents><Key>a%2Fb+c%2B.csv</Key><Size>5</Size><StorageClass>STANDARD</StorageClass>\
                        <Owner><ID>x</ID></Owner></Contents><Contents><Key>d&amp;.txt</Key><Size>0</Size></Contents>";
        let first = page(&format!(
            "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>{contents}\
             <NextContinuationToken>t+/=</NextContinuationToken>"
        ))
        .unwrap();
        assert_eq!(first.objects, [object("a/b c+.csv", 5, "STANDARD"), object("d&.txt", 0, "")]);
        assert_eq!(first.next, Some(Next::Token("t+/=".to_owned())));
        let old = page(&format!("<Marker/><IsTruncated>true</IsTruncated>{contents}")).unwrap();
        assert_eq!(old.objects[0].key, "a%2Fb+c%2B.csv");
        assert_eq!(old.next, Some(Next::Marker("d&.txt".to_owned())));
        assert_eq!(page("<IsTruncated>false</IsTruncated>").unwrap(), Page::default());
    }

    #[test]
    fn what_lies_or_is_cut_off_is_an_error() {
        assert!(page("<IsTruncated>true</IsTruncated>").is_err());
        assert!(page("<Contents><Key>a</Key><Size>-1</Size></Contents>").is_err());
        assert!(page(&format!("<Contents><Key>{}</Key></Contents>", "k".repeat(TEXT + 1))).is_err());
        assert!(page(&"<a>".repeat(100)).is_err());
        assert!(page("&unknown;").is_err());
        for text in ["", "<html></html>", "<ListBucketResult>", "<!DOCTYPE a><ListBucketResult/>", "{}"] {
            assert!(Page::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn errors_tell_their_code_and_the_place() {
        let failure = Failure::parse(
            b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>",
        );
        assert_eq!(
            (failure.code.as_str(), failure.region.as_deref()),
            ("AuthorizationHeaderMalformed", Some("eu-west-1"))
        );
        assert_eq!(Failure::parse(b"nginx").code, "");
        assert_eq!(Failure::parse(b"<Error><Code>li na</Code></Error>").code, "");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, text: String) {
            let _ = (Page::parse(&bytes), Failure::parse(&bytes), page(&text));
        }
    }
}
