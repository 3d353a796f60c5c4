//! Conditions of probe packs: tests on one HTTP answer. JSON by pointer, pages by their tags, text from its start;
//! never a search through the body, which may reflect the request.

use serde::Deserialize;
use serde_json::Value;

use crate::html::Page;

/// One or several statuses.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Statuses {
    /// This one.
    One(u16),
    /// Any of these.
    Any(Vec<u16>),
}

impl Statuses {
    fn include(&self, status: u16) -> bool {
        match self {
            Self::One(one) => *one == status,
            Self::Any(any) => any.contains(&status),
        }
    }
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonType {
    /// `[...]`
    Array,
    /// `{...}`
    Object,
    /// `"..."`
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl JsonType {
    fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
        }
    }
}

/// A test on one answer. Every part that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The exchange it looks at; the surface's own when left out.
    #[serde(default)]
    pub exchange: Option<String>,
    /// HTTP status, or a list of which one must be it.
    #[serde(default)]
    pub status: Option<Statuses>,
    /// This header is present.
    #[serde(default)]
    pub header: Option<String>,
    /// The header of `header` has this value.
    #[serde(default)]
    pub value: Option<String>,
    /// The header of `header` has a value that starts with this.
    #[serde(default)]
    pub value_starts: Option<String>,
    /// The header of `header` has a value that ends with this.
    #[serde(default)]
    pub value_ends: Option<String>,
    /// The JSON body has this pointer (RFC 6901).
    #[serde(default)]
    pub has: Option<String>,
    /// A JSON pointer to compare by `type`, `is`, `starts` or `ends`; `""` is the whole body.
    #[serde(default)]
    pub json: Option<String>,
    /// The value at `json` is of this type.
    #[serde(default, rename = "type")]
    pub kind: Option<JsonType>,
    /// The value at `json` equals this.
    #[serde(default)]
    pub is: Option<Value>,
    /// The string at `json` starts with this.
    #[serde(default)]
    pub starts: Option<String>,
    /// The string at `json` ends with this.
    #[serde(default)]
    pub ends: Option<String>,
    /// The body, as text, is one number.
    #[serde(default)]
    pub number: bool,
    /// The body, as text, is exactly this.
    #[serde(default)]
    pub body: Option<String>,
    /// The body, as text, starts with this. Anchored: a server that reflects the request cannot forge it.
    #[serde(default)]
    pub body_starts: Option<String>,
    /// The page's title is this.
    #[serde(default)]
    pub title: Option<String>,
    /// A form of the page has a field of this name.
    #[serde(default)]
    pub field: Option<String>,
}

impl Condition {
    /// Says what is wrong with it: a condition that would always hold, or whose parts do not belong together.
    ///
    /// # Errors
    /// With the problem, for the author of the pack.
    pub fn lint(&self) -> Result<(), String> {
        let fail = |message: &str| Err(message.to_owned());
        if *self == (Self { exchange: self.exchange.clone(), ..Self::default() }) {
            return fail("a condition tests nothing, so it would always hold");
        }
        let values = [&self.value, &self.value_starts, &self.value_ends];
        if values.iter().any(|value| value.is_some()) && self.header.is_none() {
            return fail("`value`, `value_starts` and `value_ends` need `header`");
        }
        let compares =
            self.kind.is_some() || self.is.is_some() || self.starts.is_some() || self.ends.is_some();
        if compares != self.json.is_some() {
            return fail(
                "`json` goes with `type`, `is`, `starts` or `ends`; `has` tests that something is there",
            );
        }
        let pointers = self.has.iter().chain(&self.json);
        match pointers.into_iter().find(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
            Some(pointer) => Err(format!("`{pointer}` is not a JSON pointer: it must start with `/`")),
            None => Ok(()),
        }
    }

    /// Whether an answer meets the condition. `json` is the parsed body, when the body is JSON.
    pub fn holds(
        &self,
        status: u16,
        header: impl Fn(&str) -> Option<String>,
        body: &[u8],
        json: Option<&Value>,
    ) -> bool {
        self.status.as_ref().is_none_or(|statuses| statuses.include(status))
            && self.header.as_deref().is_none_or(|name| self.header_holds(header(name).as_deref()))
            && self.json_holds(json)
            && self.body_holds(body)
    }

    fn header_holds(&self, found: Option<&str>) -> bool {
        found.is_some_and(|found| {
            self.value.as_deref().is_none_or(|expected| found == expected)
                && self.value_starts.as_deref().is_none_or(|start| found.starts_with(start))
                && self.value_ends.as_deref().is_none_or(|end| found.ends_with(end))
        })
    }

    fn json_holds(&self, json: Option<&Value>) -> bool {
        let at = |pointer: &str| json.and_then(|json| json.pointer(pointer));
        let compares = |found: &Value| {
            let text = |test: fn(&str, &str) -> bool, expected: &Option<String>| {
                expected.as_deref().is_none_or(|part| found.as_str().is_some_and(|text| test(text, part)))
            };
            self.kind.is_none_or(|kind| kind.is_of(found))
                && self.is.as_ref().is_none_or(|expected| expected == found)
                && text(|text, part| text.starts_with(part), &self.starts)
                && text(|text, part| text.ends_with(part), &self.ends)
        };
        self.has.as_deref().is_none_or(|pointer| at(pointer).is_some())
            && self.json.as_deref().is_none_or(|pointer| at(pointer).is_some_and(compares))
    }

    fn body_holds(&self, body: &[u8]) -> bool {
        let number = || std::str::from_utf8(body).is_ok_and(|text| text.trim().parse::<u64>().is_ok());
        let page = || {
            let page = Page::read(body);
            self.title.as_deref().is_none_or(|title| page.title.as_deref() == Some(title))
                && self.field.as_deref().is_none_or(|field| page.has_field(field))
        };
        (!self.number || number())
            && self.body.as_deref().is_none_or(|expected| body == expected.as_bytes())
            && self.body_starts.as_deref().is_none_or(|start| body.starts_with(start.as_bytes()))
            && (self.title.is_none() && self.field.is_none() || page())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(condition: &str, body: &str) -> bool {
        let condition: Condition = serde_json::from_str(condition).unwrap();
        condition.lint().unwrap();
        let json = serde_json::from_str(body).ok();
        condition.holds(200, |_| None, body.as_bytes(), json.as_ref())
    }

    #[test]
    fn json_conditions_look_at_the_parsed_body_not_at_its_text() {
        let condition = r#"{"json":"/message","ends":"is empty"}"#;
        assert!(!holds(condition, r#"{"path":"message is empty"}"#));
        assert!(holds(condition, r#"{"message":"user name is empty"}"#));
        assert!(holds(r#"{"json":"","type":"array"}"#, "[]"));
        assert!(!holds(r#"{"json":"","type":"array"}"#, "{}"));
    }

    #[test]
    fn any_of_several_statuses_will_do() {
        let condition: Condition = serde_json::from_str(r#"{"status":[401,403]}"#).unwrap();
        assert!(condition.holds(403, |_| None, b"", None));
        assert!(!condition.holds(200, |_| None, b"", None));
    }

    #[test]
    fn a_header_that_must_start_so_must_be_there() {
        let condition: Condition =
            serde_json::from_str(r#"{"header":"Server","value_starts":"MinIO"}"#).unwrap();
        assert!(condition.holds(200, |_| Some("MinIO/1".to_owned()), b"", None));
        assert!(!condition.holds(200, |_| Some("nginx".to_owned()), b"", None));
        assert!(!condition.holds(200, |_| None, b"", None));
        let condition: Condition = serde_json::from_str(r#"{"header":"Server","value_ends":"/1"}"#).unwrap();
        assert!(condition.holds(200, |_| Some("MinIO/1".to_owned()), b"", None));
        assert!(!condition.holds(200, |_| Some("MinIO/1.2".to_owned()), b"", None));
    }

    #[test]
    fn a_page_is_known_by_its_tags() {
        let page = "<title>Grafana</title><input name=user>";
        assert!(holds(r#"{"title":"Grafana","field":"user"}"#, page));
        assert!(!holds(r#"{"title":"Grafana"}"#, "Not found: <p>Grafana"));
    }
}
