//! Markup that nothing can be injected into: text becomes markup only by being escaped.

use std::fmt::Write;

use crate::render::{escape, prose};

/// Well-formed markup, of HTML and of XML alike.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

/// Elements after which a line ends, so that the source of a page can be read.
const BLOCKS: [&str; 20] = [
    "body", "dd", "details", "div", "dl", "footer", "h1", "h2", "h3", "head", "header", "li",
    "link", "main", "meta", "p", "pre", "section", "summary", "ul",
];

impl Markup {
    /// A text as it is, but for what controls a terminal or turns direction, which is shown; long ones are cut.
    pub(super) fn text(text: &str) -> Self {
        Self(entities(&prose::line(text)))
    }

    /// What can be pasted: lines stay lines, and nothing is cut.
    pub(super) fn pasted(text: &str) -> Self {
        Self(entities(&prose::block(text)))
    }

    /// An element; without content an empty one.
    pub(super) fn tag(
        name: &'static str,
        attributes: &[(&'static str, &str)],
        content: impl IntoIterator<Item = Self>,
    ) -> Self {
        let mut markup = format!("<{name}");
        for (attribute, value) in attributes {
            // Writing to a String cannot fail.
            let _ = write!(markup, " {attribute}=\"{}\"", entities(&escape(value)));
        }
        let content: String = content.into_iter().map(|Self(markup)| markup).collect();
        let is_void = content.is_empty() && matches!(name, "meta" | "link");
        let _ = if is_void { write!(markup, "/>") } else { write!(markup, ">{content}</{name}>") };
        if BLOCKS.contains(&name) {
            markup.push('\n');
        }
        Self(markup)
    }

    /// A style or a script of the doctor's own.
    pub(super) fn verbatim(name: &'static str, content: &'static str) -> Self {
        Self(format!("<{name}>{content}</{name}>\n"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn entities(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup_and_no_end_of_an_attribute() {
        let hostile = "</p><script>alert('1')</script>\" onclick=\"\u{202e}\n&amp;";
        let page = Markup::tag("p", &[("id", hostile)], [Markup::text(hostile)]);
        let document = roxmltree::Document::parse(page.as_str()).unwrap();
        let shown = hostile.replace('\u{202e}', "\\u{202e}").replace('\n', "\\n");
        assert_eq!(document.root_element().text(), Some(shown.as_str()));
        assert_eq!(document.root_element().attribute("id"), Some(shown.as_str()));
        assert_eq!(document.descendants().count(), 3, "the root, one element, one text");
    }

    #[test]
    fn what_is_pasted_keeps_its_lines() {
        assert_eq!(Markup::pasted("a <b>\n  c\u{7}").as_str(), "a &lt;b&gt;\n  c\\x07");
    }
}
