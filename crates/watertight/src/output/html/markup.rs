//! Markup under construction, made so that text cannot get in unescaped.
//!
//! Tags, classes and literals are `&'static str`: they can only be written in the source. Everything else goes
//! through [`Markup::text`].

use super::super::text::printable;

/// A piece of a page.
#[derive(Default)]
pub(super) struct Markup {
    out: String,
}

impl Markup {
    /// The finished page.
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Markup that stands in the source.
    pub(super) fn raw(&mut self, literal: &'static str) {
        self.out.push_str(literal);
    }

    /// Text from anywhere: deceptive characters are made visible, markup is escaped.
    pub(super) fn text(&mut self, text: &str) {
        for c in printable(text).chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                c => self.out.push(c),
            }
        }
    }

    /// An element with attributes and content.
    pub(super) fn with(
        &mut self,
        tag: &'static str,
        attributes: &[(&'static str, &str)],
        content: impl FnOnce(&mut Self),
    ) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            self.text(value);
            self.out.push('"');
        }
        self.out.push('>');
        content(self);
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push_str(">\n");
    }

    /// An element of a class (which may be empty) with content.
    pub(super) fn el(&mut self, tag: &'static str, class: &str, content: impl FnOnce(&mut Self)) {
        self.with(tag, &[("class", class)], content);
    }

    /// An element of a class (which may be empty) with text in it.
    pub(super) fn say(&mut self, tag: &'static str, class: &str, text: &str) {
        self.el(tag, class, |inside| inside.text(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let mut page = Markup::default();
        page.with("a", &[("id", "\"><b>"), ("class", "")], |inside| inside.text("<i>&'\u{1b}\u{202e}"));
        let expected = "<a id=\"&quot;&gt;&lt;b&gt;\">&lt;i&gt;&amp;&#39;\\x1b\\u{202e}</a>\n";
        assert_eq!(page.finish(), expected);
    }
}
