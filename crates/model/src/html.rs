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

#[cfg(test)]
mod tests {
    use super::Page;

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

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(body: Vec<u8>) {
            let _ = Page::read(&body);
        }
    }
}
