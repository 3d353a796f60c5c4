//! What a page says about itself, by its tags: never a search through its text, which may reflect the request.

use html5gum::{Token, Tokenizer};

/// Most of a page that is read, in bytes.
const PAGE: usize = 256 << 10;

/// What a condition can ask of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The text of the first `<title>`.
    pub title: Option<String>,
    /// The names of the fields of its forms.
    pub fields: Vec<String>,
}

impl Page {
    /// Reads a page. Anything is a page: one without tags has no title and no fields.
    pub fn read(body: &[u8]) -> Self {
        let mut page = Self::default();
        let mut in_title = false;
        let body = body.get(..PAGE).unwrap_or(body);
        for token in Tokenizer::new(body).flatten() {
            match token {
                Token::StartTag(tag) => match tag.name.as_slice() {
                    b"title" if page.title.is_none() => {
                        page.title = Some(String::new());
                        in_title = true;
                    }
                    b"input" | b"select" | b"textarea" => {
                        let name = tag.attributes.get(b"name".as_slice());
                        page.fields.extend(name.map(|name| String::from_utf8_lossy(name).into_owned()));
                    }
                    _ => in_title = false,
                },
                Token::String(text) if in_title => {
                    if let Some(title) = &mut page.title {
                        title.push_str(&String::from_utf8_lossy(&text));
                    }
                }
                _ => in_title = false,
            }
        }
        page.title = page.title.map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "));
        page
    }

    /// Whether a form has a field of this name.
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field == name)
    }
}

/// The text of the first element that has the attribute `name` with this value, up to its next tag.
pub fn text_of(body: &[u8], name: &str, value: &str) -> Option<String> {
    let mut found: Option<String> = None;
    for token in Tokenizer::new(body.get(..PAGE).unwrap_or(body)).flatten() {
        match (token, &mut found) {
            (Token::StartTag(tag), None) => {
                let has = |found: &[u8]| found == value.as_bytes();
                found = tag.attributes.get(name.as_bytes()).is_some_and(|found| has(found)).then(String::new);
            }
            (Token::String(text), Some(found)) => found.push_str(&String::from_utf8_lossy(&text)),
            (_, Some(_)) => break,
            (_, None) => {}
        }
    }
    found.map(|text| text.trim().to_owned())
}

/// The values of an attribute in all elements called `tag`.
pub fn values_of(body: &[u8], tag: &str, attribute: &str) -> Vec<String> {
    let tokens = Tokenizer::new(body.get(..PAGE).unwrap_or(body)).flatten();
    let values = tokens.filter_map(|token| match token {
        Token::StartTag(found) if found.name.as_slice() == tag.as_bytes() => {
            let value = found.attributes.get(attribute.as_bytes())?;
            Some(String::from_utf8_lossy(value).into_owned())
        }
        _ => None,
    });
    values.collect()
}

/// The texts between the tags of a page, in their order, without those of scripts.
pub fn texts(body: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut in_script = false;
    for token in Tokenizer::new(body.get(..PAGE).unwrap_or(body)).flatten() {
        match token {
            Token::StartTag(tag) => in_script = matches!(tag.name.as_slice(), b"script" | b"style"),
            Token::EndTag(_) => in_script = false,
            Token::String(text) if !in_script => texts.push(String::from_utf8_lossy(&text).trim().to_owned()),
            _ => {}
        }
    }
    texts.retain(|text| !text.is_empty());
    texts
}

#[cfg(test)]
mod tests {
    use super::{Page, text_of, texts, values_of};

    #[test]
    fn title_and_fields_are_read_from_tags_only() {
        let page = Page::read(
            b"<html><head><TITLE>\n Login -\n Adminer</TITLE></head><input name='auth[driver]'><p>title",
        );
        assert_eq!(page.title.as_deref(), Some("Login - Adminer"));
        assert!(page.has_field("auth[driver]"));
        let reflected = Page::read(b"Not found: /&lt;input name=pma_username&gt; <!-- <title>x</title> -->");
        assert_eq!(reflected, Page::default());
    }

    #[test]
    fn elements_are_found_by_their_attributes_and_not_by_text_that_looks_like_them() {
        let page =
            b"<p>&lt;b id=n&gt;9&lt;/b&gt;<a href='/a'>A</a><a>B</a> <b id=\"n\"> 4\n</b>c<b id=n>5</b>";
        assert_eq!(text_of(page, "id", "n").as_deref(), Some("4"));
        assert_eq!(text_of(page, "id", "m"), None);
        assert_eq!(values_of(page, "a", "href"), ["/a"]);
        assert_eq!(texts(b"<p>one<script>two</script> <i>three</i>"), ["one", "three"]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(body: Vec<u8>) {
            let _ = Page::read(&body);
            let _ = (text_of(&body, "id", "n"), values_of(&body, "a", "href"), texts(&body));
        }
    }
}
