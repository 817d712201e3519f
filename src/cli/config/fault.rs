//! What is wrong with a configuration, and where.

use std::ops::Range;

use crate::{
    cli::{Trouble, input, input::Input, selection},
    text::escape,
};

/// So much of a line is shown.
const SHOWN: usize = 100;

/// What is wrong with a part of a file.
#[derive(Debug)]
pub(super) struct Fault {
    /// The part, in bytes.
    pub(super) span: Range<usize>,
    /// What is wrong with it.
    pub(super) message: String,
}

impl From<toml::de::Error> for Fault {
    fn from(error: toml::de::Error) -> Self {
        let message = error.message();
        let message = unknown_key(message)
            .or_else(|| missing_key(message))
            .or_else(|| no_list(message))
            .unwrap_or_else(|| message.to_owned());
        Self { span: error.span().unwrap_or_default(), message }
    }
}

/// `` unknown field `ignroe`, expected one of `for`, … `` in the words of the file's author.
fn unknown_key(message: &str) -> Option<String> {
    let (key, expected) = message.strip_prefix("unknown field `")?.split_once("`, expected")?;
    let known: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
    let near = selection::near(key, known.iter().copied());
    let hint = if near.is_empty() {
        format!("keys here are {}", known.join(", "))
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    Some(format!("unknown key {key}; {hint}"))
}

fn missing_key(message: &str) -> Option<String> {
    let key = message.strip_prefix("missing field `")?.strip_suffix('`')?;
    Some(format!("{key} is missing"))
}

fn no_list(message: &str) -> Option<String> {
    message.strip_suffix(", expected a sequence")?;
    Some("a list is expected: [\"…\"], or [[…]] above each of several tables".to_owned())
}

impl Fault {
    /// `FILE:LINE:COLUMN: what is wrong`, and the line with a mark below it.
    pub(super) fn in_file(&self, input: &Input) -> Trouble {
        let text = &input.text;
        let start = floor(text, self.span.start);
        let begin = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        let number = text[..begin].matches('\n').count() + 1;
        let column = text[begin..start].chars().count() + 1;
        let path = input::name(&input.path);
        let message = escape(&self.message);
        let shown = shortened(text[begin..end].trim_end_matches('\r'));
        let before = escape(&text[begin..start]).chars().count();
        let mut all = format!("{path}:{number}:{column}: {message}\n  {number} | {shown}");
        if before < SHOWN {
            let marked = floor(text, self.span.end).clamp(start, end);
            let marked = escape(&text[start..marked]).chars().count();
            let marks = "^".repeat(marked.clamp(1, SHOWN - before));
            let gutter = " ".repeat(number.to_string().len());
            all.extend(["\n  ", &gutter, " | ", &" ".repeat(before), &marks]);
        }
        Trouble::Usage(all)
    }
}

/// The nearest boundary of characters at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn shortened(line: &str) -> String {
    let line = escape(line);
    if line.chars().count() <= SHOWN {
        return line.into_owned();
    }
    line.chars().take(SHOWN).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, span: Range<usize>) -> String {
        let input = Input { path: "a.toml".into(), text: text.to_owned() };
        Fault { span, message: "no".to_owned() }.in_file(&input).to_string()
    }

    #[test]
    fn the_line_is_shown_with_a_mark_below() {
        assert_eq!(
            told("a = 1\nfür = \"x\"\n", 13..16),
            "a.toml:2:7: no\n  2 | für = \"x\"\n    |       ^^^"
        );
        assert_eq!(told("a =", 3..3), "a.toml:1:4: no\n  1 | a =\n    |    ^");
        assert_eq!(told("", 0..0), "a.toml:1:1: no\n  1 | \n    | ^");
        assert!(told("ü", 1..900).starts_with("a.toml:1:1: no"));
    }

    #[test]
    fn a_hostile_line_is_escaped_and_cut() {
        let text = told("\u{1b}[2J = 1", 5..6);
        assert!(text.contains("\\x1b[2J = 1\n    |         ^"), "{text}");
        let text = told(&"x".repeat(4000), 3000..3001);
        assert_eq!(text.lines().count(), 2);
        assert!(text.len() < 200);
    }
}
