//! A text with gaps: the constant parts of a message, in their order, with anything between them.

use super::line;

/// Stands for what varies.
const GAP: char = '…';

/// The parts of a text in the canonical form. Never empty; no part is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern {
    pub(super) parts: Vec<String>,
}

impl Pattern {
    /// `failed to mount …: operation not permitted` has two parts.
    pub(super) fn new(text: &str) -> Self {
        let part = |part: &str| {
            // A space at a gap is not one of the words; one before a word that follows is.
            let plain = line::canonical(part);
            let (before, after) = (part.starts_with(' '), part.ends_with(' '));
            format!("{}{plain}{}", space(before), space(after))
        };
        let mut parts: Vec<_> = text.split(GAP).map(part).collect();
        if let Some(first) = parts.first_mut() {
            *first = first.trim_start().to_owned();
        }
        if let Some(last) = parts.last_mut() {
            *last = last.trim_end().to_owned();
        }
        parts.retain(|part| !part.trim().is_empty());
        Self { parts }
    }

    /// How many bytes of it are constant: the more there are, the more it says.
    pub(super) fn constant(&self) -> usize {
        self.parts.iter().map(String::len).sum()
    }
}

const fn space(is_there: bool) -> &'static str {
    if is_there { " " } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_divides_a_text() {
        let parts = |text: &str| Pattern::new(text).parts;
        assert_eq!(parts("One `two` three"), ["one two three"]);
        assert_eq!(parts("add the host (…) <=> (…) PAIR"), ["add the host (", ") <=> (", ") pair"]);
        assert_eq!(parts("write …: no space"), ["write ", ": no space"]);
        assert_eq!(parts("… a … b …"), [" a ", " b "]);
    }
}
