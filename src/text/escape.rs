//! Text from the machine, safe for terminals and logs.

use std::{borrow::Cow, fmt::Write};

/// Whether a terminal or a reader could take `c` for something else than text: control characters (C0,
/// DEL, C1), line separators, what changes the direction of text, and what XML and YAML have no way to say.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
                | '\u{fffe}'
                | '\u{ffff}'
        )
}

/// `text` with such characters made visible: `\n`, `\x1b`, `\u{202e}`.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        // Writing to a String cannot fail.
        let _ = match c {
            '\n' => escaped.write_str("\\n"),
            '\r' => escaped.write_str("\\r"),
            '\t' => escaped.write_str("\\t"),
            c if c.is_ascii_control() => write!(escaped, "\\x{:02x}", u32::from(c)),
            c if is_unsafe(c) => write!(escaped, "\\u{{{:x}}}", u32::from(c)),
            c => escaped.write_char(c),
        };
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_is_not_text_becomes_visible() {
        assert_eq!(escape("a\x1b[31mb\x7f\0"), "a\\x1b[31mb\\x7f\\x00");
        assert_eq!(escape("one\ntwo\r\tthree"), "one\\ntwo\\r\\tthree");
        assert_eq!(escape("\u{9b}31m\u{202e}\u{2066}\u{2028}"), {
            "\\u{9b}31m\\u{202e}\\u{2066}\\u{2028}"
        });
    }

    #[test]
    fn text_stays_as_it_is() {
        assert!(matches!(escape("größe 中文 \\x1b"), std::borrow::Cow::Borrowed(_)));
    }
}
