//! Text and code that Markdown (CommonMark, with the tables of GitHub and GitLab) shows as they are.

use crate::render::prose;

/// `text` in a line of Markdown: no markup, no HTML, nobody is mentioned. Long texts are cut.
pub(super) fn text(text: &str) -> String {
    let text = prose::line(text);
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    let mut previous = ' ';
    while let Some(c) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        let inside_word = previous.is_alphanumeric() && next.is_alphanumeric();
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // An empty comment parts the sign from the name of whoever would be notified.
            '@' if !previous.is_alphanumeric() => escaped.push_str("@<!-- -->"),
            '_' if inside_word => escaped.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
        previous = c;
    }
    escaped
}

/// A paragraph of its own, which must not look like a heading or a list.
pub(super) fn paragraph(line: &str) -> String {
    let text = text(line.trim_start());
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let numbered = matches!(rest, "." | ")") || rest.starts_with(". ") || rest.starts_with(") ");
    if digits > 0 && numbered {
        return format!("{number}\\{rest}");
    }
    if text.starts_with(['#', '+', '-', '=']) { format!("\\{text}") } else { text }
}

/// `text`, one escaped line, as code within a line that is not part of a table.
pub(super) fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty() {
        return format!("{fence} {text} {fence}");
    }
    format!("{fence}{text}{fence}")
}

/// A block of code, whose fence is longer than any inside.
pub(super) fn block(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(text("a|b `c` <b>&amp; [x](y)"), "a\\|b \\`c\\` &lt;b&gt;&amp;amp; \\[x\\](y)");
        assert_eq!(text("max_user_watches _a_ *b* $x"), "max_user_watches \\_a\\_ \\*b\\* \\$x");
        assert_eq!(text("@all user@1000.service"), "@<!-- -->all user@1000.service");
        assert_eq!(text("one\ntwo\u{1b}"), "one\\\\ntwo\\\\x1b");
    }

    #[test]
    fn a_paragraph_is_no_heading_and_no_list() {
        assert_eq!(paragraph("# a"), "\\# a");
        assert_eq!(paragraph("- a"), "\\- a");
        assert_eq!(paragraph("   1. a"), "1\\. a");
        assert_eq!(paragraph("1."), "1\\.");
        assert_eq!(paragraph("12) a"), "12\\) a");
        assert_eq!(paragraph("6.5 GiB"), "6.5 GiB");
    }

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(block("sh", "a\n````\nb"), "`````sh\na\n````\nb\n`````");
        assert_eq!(block("sh", "a"), "```sh\na\n```");
    }
}
