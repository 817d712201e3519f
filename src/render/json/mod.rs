//! JSON: one document, version 1.

mod convert;
mod wire;

use std::io::{self, Write};

pub(super) use convert::remedies;
pub(super) use wire::Remedy;

use serde::Serialize;

use crate::report::Report;
use crate::text::is_unsafe;

/// The JSON Schema (2020-12) of the report. It tolerates fields that it does not know, since some may be
/// added; the tests hold every report to it with those refused.
pub const SCHEMA: &str = include_str!("report.schema.json");

/// The report as one JSON document.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    document(&convert::report(report), out)
}

/// `value` as one indented JSON document with a newline at its end. What serde_json leaves raw and a
/// terminal would act on (DEL, C1, direction marks) is escaped too; it can only be inside of strings.
pub fn document(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    let mut rest = text.as_str();
    let hidden = |c: char| c != '\n' && is_unsafe(c);
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| hidden(*c)) {
        write!(out, "{}\\u{:04x}", &rest[..at], u32::from(c))?;
        rest = &rest[at + c.len_utf8()..];
    }
    writeln!(out, "{rest}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_raw_is_left_and_the_text_is_the_same() {
        let hostile = "a\x1b\n\x7f\u{9b}\u{202e}\u{2028}\"\\ü";
        let mut out = Vec::new();
        super::document(&hostile, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"a\\u001b\\n\\u007f\\u009b\\u202e\\u2028\\\"\\\\ü\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
