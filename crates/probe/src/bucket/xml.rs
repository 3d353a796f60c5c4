//! The little XML that stores of objects answer with, read from strangers: flat, bounded, without entities of its own.

use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// Deepest nesting; a grant of an access control list is five deep.
const DEPTH: usize = 12;
/// Most elements; a listing of one object has a dozen, the longest access control list some hundreds.
const ELEMENTS: usize = 4096;
/// Longest text of one element.
const TEXT: usize = 4096;

/// A document: its root, and the text of every element below it by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Xml {
    root: String,
    /// Path below the root and text, in the order in which the elements end.
    elements: Vec<(String, String)>,
}

impl Xml {
    /// Reads a whole document; what is cut, too large, or declares types or entities is none.
    pub(super) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(body).map_err(|_| "not UTF-8")?;
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        let (mut xml, mut open) = (Self::default(), Vec::<(String, String)>::new());
        loop {
            match reader.read_event().map_err(|_| "not XML")? {
                Event::Start(start) => xml.begin(&mut open, start.local_name().as_ref())?,
                Event::Empty(start) => {
                    xml.begin(&mut open, start.local_name().as_ref())?;
                    xml.end(&mut open);
                }
                Event::End(_) => xml.end(&mut open),
                Event::Text(text) => add(&mut open, &text.xml_content(XmlVersion::Implicit1_0))?,
                Event::CData(text) => add(&mut open, &text.xml_content(XmlVersion::Implicit1_0))?,
                Event::GeneralRef(name) => {
                    let character = name.resolve_char_ref().map_err(|_| "a bad character reference")?;
                    let text = character.map(String::from);
                    // The five that every document has; others are not looked up, so nothing can grow.
                    let predefined =
                        || quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned);
                    add(&mut open, &text.or_else(predefined).ok_or("an entity that XML does not know")?)?;
                }
                Event::DocType(_) => return Err("a document type, which no store sends"),
                Event::Eof if open.is_empty() && !xml.root.is_empty() => return Ok(xml),
                Event::Eof => return Err("incomplete XML"),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    fn begin(&mut self, open: &mut Vec<(String, String)>, name: &str) -> Result<(), &'static str> {
        if open.len() >= DEPTH || self.elements.len() + open.len() >= ELEMENTS {
            return Err("more XML than any store sends");
        }
        let path = match open.last() {
            None if !self.root.is_empty() => return Err("more than one root"),
            None => {
                name.clone_into(&mut self.root);
                String::new()
            }
            Some((above, _)) if above.is_empty() => name.to_owned(),
            Some((above, _)) => format!("{above}/{name}"),
        };
        open.push((path, String::new()));
        Ok(())
    }

    fn end(&mut self, open: &mut Vec<(String, String)>) {
        if let Some((path, text)) = open.pop() {
            self.elements.push((path, text.trim().to_owned()));
        }
    }

    /// The name of the root.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// The text of the first element at a path below the root.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.elements.iter().find(|(found, _)| found == path).map(|(_, text)| text.as_str())
    }

    /// What is inside of each element at `path`, by the path below it; its own text stands at the empty path.
    pub(super) fn each(&self, path: &str) -> Vec<Vec<(&str, &str)>> {
        let mut groups = vec![Vec::new()];
        for (found, text) in &self.elements {
            let Some(below) = found.strip_prefix(path) else { continue };
            let Some(group) = groups.last_mut() else { continue };
            if let Some(below) = below.strip_prefix('/') {
                group.push((below, text.as_str()));
            } else if below.is_empty() {
                group.push(("", text.as_str()));
                groups.push(Vec::new());
            }
        }
        groups.pop();
        groups
    }
}

fn add(open: &mut [(String, String)], text: &str) -> Result<(), &'static str> {
    match open.last_mut() {
        Some((_, told)) if told.len() + text.len() <= TEXT => {
            told.push_str(text);
            Ok(())
        }
        Some(_) => Err("more XML than any store sends"),
        None if text.trim().is_empty() => Ok(()),
        None => Err("text outside of XML"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_path() {
        let xml = Xml::parse(b"<?xml version=\"1.0\"?>\n<a:List xmlns:a=\"x\"><Contents><Key>x &amp; &#121;</Key></Contents><Contents><Key/></Contents></a:List>").unwrap();
        assert_eq!((xml.root(), xml.text("Contents/Key")), ("List", Some("x & y")));
        assert_eq!(xml.each("Contents").len(), 2);
        assert_eq!(xml.each("Contents")[0], [("Key", "x & y"), ("", "")]);
    }

    #[test]
    fn bombs_and_halves_are_no_documents() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><x>&b;</x>";
        let deep = "<a>".repeat(1000);
        let wide = format!("<a>{}</a>", "<b/>".repeat(10_000));
        let long = format!("<a>{}</a>", "x".repeat(TEXT + 1));
        for text in [
            bomb,
            "<x>&b;</x>",
            "<x><y></x>",
            "<x>",
            "<Error><Code>Acc",
            "",
            "plain",
            "{}",
            "<a/><b/>",
            "</a>",
            "<a/>x",
            &deep,
            &wide,
            &long,
        ] {
            assert!(Xml::parse(text.as_bytes()).is_err(), "{}", text.chars().take(60).collect::<String>());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, text in "[<>/a-c&;#!\\[\\]\"= ]{0,200}") {
            let _ = Xml::parse(&bytes);
            if let Ok(xml) = Xml::parse(text.as_bytes()) {
                let _ = xml.each("a");
            }
        }
    }
}
