//! One line of a log, as people read it and as texts are looked for in it.

use std::{borrow::Cow, ops::Range};

use serde::Deserialize;

/// Bytes of a long line that are shown before and after what matched.
const BEFORE: usize = 90;
const AFTER: usize = 150;

/// Bytes of a line that are shown at most.
const EXCERPT: usize = 480;

/// One line of Docker's json-file logs; there are other fields, which say when and where.
#[derive(Deserialize)]
struct JsonFile<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
}

/// One entry of `journalctl -o json`; a message that is not UTF-8 is a list of bytes.
#[derive(Deserialize)]
struct Journal {
    #[serde(rename = "MESSAGE")]
    message: Message,
    #[serde(rename = "SYSLOG_IDENTIFIER")]
    identifier: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Text(String),
    Bytes(Vec<u8>),
}

impl Journal {
    fn line(self) -> String {
        let message = match self.message {
            Message::Text(text) => text,
            Message::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        };
        self.identifier.map_or_else(|| message.clone(), |name| format!("{name}: {message}"))
    }
}

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    /// Without colours, control characters and the quoting of the formats around it.
    text: String,
    /// The text in small letters, without quotation marks.
    canonical: String,
    /// For each byte of `canonical`, where it is in `text`.
    origins: Vec<usize>,
}

impl Line {
    /// Takes any bytes.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let text = readable(bytes);
        let (mut canonical, mut origins) = (String::with_capacity(text.len()), Vec::new());
        for (at, c) in text.char_indices().filter(|(_, c)| !is_quote(*c)) {
            canonical.push(c.to_ascii_lowercase());
            origins.resize(canonical.len(), at);
        }
        Self { text, canonical, origins }
    }

    /// As people read it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// In small letters, without quotation marks.
    pub(super) fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The line, or of a long one the part around `range`, which counts in the canonical form.
    pub(super) fn excerpt(&self, range: Range<usize>) -> String {
        let origin = |at: usize| self.origins.get(at).copied().unwrap_or(self.text.len());
        let is_boundary = |at: &usize| self.text.is_char_boundary(*at);
        let start = origin(range.start).saturating_sub(BEFORE);
        let start = (start..self.text.len()).find(is_boundary).unwrap_or(0);
        let end = (origin(range.end).saturating_add(AFTER)).min(self.text.len());
        let end = (start..=end).rev().find(is_boundary).unwrap_or(start);
        let before = if start > 0 { "…" } else { "" };
        let after = if end < self.text.len() { "…" } else { "" };
        format!("{before}{}{after}", shortened(&self.text[start..end]))
    }
}

/// A text with much between its parts, without what is in the middle.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= EXCERPT {
        return text.into();
    }
    let boundary = |from: usize| (from..text.len()).find(|at| text.is_char_boundary(*at));
    let head = boundary(EXCERPT / 2).unwrap_or(text.len());
    let tail = boundary(text.len() - EXCERPT / 2).unwrap_or(text.len());
    format!("{} … {}", &text[..head], &text[tail..]).into()
}

/// The form in which texts are compared: small letters, no quotation marks, single spaces.
pub(super) fn canonical(text: &str) -> String {
    Line::new(text.as_bytes()).canonical
}

/// How often a text was quoted on its way into a log, and with which marks, says nothing.
const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '´' | '‘' | '’' | '“' | '”')
}

fn readable(bytes: &[u8]) -> String {
    let line = String::from_utf8_lossy(bytes);
    let line = line.trim_start_matches('\u{feff}').trim();
    let inner = line
        .starts_with("{\"log\":")
        .then(|| serde_json::from_slice::<JsonFile<'_>>(line.as_bytes()));
    let journal = (line.starts_with('{') && line.contains("\"MESSAGE\""))
        .then(|| serde_json::from_slice::<Journal>(line.as_bytes()).ok().map(Journal::line))
        .flatten();
    let line = match (&inner, &journal) {
        (Some(Ok(entry)), _) => &*entry.log,
        (_, Some(message)) => message,
        _ => line,
    };
    let plain = anstream::adapter::strip_str(&unescape(line)).to_string();
    let mut text = String::with_capacity(plain.len());
    // NULs are what is left of UTF-16.
    for c in plain.chars().filter(|c| *c != '\0') {
        if !(c.is_control() || c.is_whitespace()) {
            text.push(c);
        } else if !text.ends_with(' ') {
            text.push(' ');
        }
    }
    text.trim().to_owned()
}

/// Takes back what JSON, Go's `%q` and klog do to text inside of text, however often they did it:
/// `\\\"` is a quotation mark, `\n` a space, `\u001b` that character. Other backslashes stay.
fn unescape(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escaped = rest[at..].trim_start_matches('\\');
        let backslashes = &rest[at..rest.len() - escaped.len()];
        let mut after = escaped.chars();
        rest = match after.next() {
            Some(c) if is_quote(c) => {
                text.push(c);
                after.as_str()
            }
            Some('n' | 'r' | 't') => {
                text.push(' ');
                after.as_str()
            }
            Some('u') if code(escaped).is_some() => {
                text.extend(code(escaped));
                &escaped[5..]
            }
            _ => {
                text.push_str(backslashes);
                escaped
            }
        };
    }
    text.push_str(rest);
    text
}

/// The character of `u001b…`.
fn code(escaped: &str) -> Option<char> {
    let digits = escaped.get(1..5).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        Line::new(bytes).text
    }

    #[test]
    fn quoting_is_taken_back_however_deep_it_is() {
        let plain = canonical("exec: \"newuidmap\": executable file not found in $PATH");
        for line in [
            r#"level=error msg="x" error="exec: \"newuidmap\": executable file not found in $PATH""#,
            r#"{"msg":"exec: \\\"newuidmap\\\": executable file not found in $PATH"}"#,
            r"E1122 err=<exec: 'newuidmap': executable file not found in $PATH>",
            "exec: “newuidmap”: executable  file\tnot found in $PATH",
        ] {
            assert!(Line::new(line.as_bytes()).canonical().contains(&plain), "{line}");
        }
    }

    #[test]
    fn a_line_of_a_json_file_log_is_what_the_container_wrote() {
        let line =
            br#"{"log":"time=\"now\" msg=\"a \\\"b\\\"\"\r\n","stream":"stderr","time":"t"}"#;
        assert_eq!(text(line), r#"time="now" msg="a "b"""#);
        assert_eq!(text(br#"{"log":"cut off"#), r#"{"log":"cut off"#);
    }

    #[test]
    fn colours_controls_and_bytes_that_are_no_text_do_no_harm() {
        assert_eq!(text(b"\x1b[31mERROR\x1b[0m:\x07 a\xff\r\n"), "ERROR: a\u{fffd}");
        assert_eq!(text(br"\u001b[31mred\u001b[0m \u00"), r"red \u00");
        assert_eq!(text("\u{feff}e\0r\0r\0".as_bytes()), "err");
        assert_eq!(text(br"\x2d \\ C:\dir \"), r"\x2d \\ C:\dir \");
        assert_eq!(text("\\ué\\u12é \\ud800".as_bytes()), "\\ué\\u12é \\ud800");
    }

    #[test]
    fn of_a_long_line_the_part_around_the_match_is_shown() {
        let line = format!("{}'needle'{}", "ä ".repeat(999), "ö ".repeat(999));
        let line = Line::new(line.as_bytes());
        let at = line.canonical().find("needle").unwrap();
        let excerpt = line.excerpt(at..at + 6);
        assert!(excerpt.starts_with('…') && excerpt.ends_with('…'), "{excerpt}");
        assert!(excerpt.contains("'needle'") && excerpt.len() < 300, "{excerpt}");
        assert_eq!(Line::new(b"short").excerpt(0..5), "short");
    }

    #[test]
    fn any_bytes_make_a_line() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            let line = Line::new(&bytes);
            assert_eq!(line.canonical.len(), line.origins.len());
            assert!(!line.text.contains(char::is_control));
            line.excerpt(0..line.canonical.len());
            Ok(())
        });
    }
}
