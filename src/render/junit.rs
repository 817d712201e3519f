//! JUnit XML, for Jenkins, GitLab and Azure: one test case per check, passed ones too.
//!
//! A failed case holds everything that is needed to fix it, since GitLab shows only the text of the element
//! and Jenkins its message first.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use dind_doctor_checks::target::Severity;

use super::{case::Case, escape, prose};
use crate::report::{CheckReport, Report, Status};
use crate::text::is_unsafe;

/// The report as one JUnit document.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let cases: Vec<_> = report.checks.iter().map(|check| (check, Case::of(check))).collect();
    let count = |counted: fn(&Case) -> bool| cases.iter().filter(|(_, case)| counted(case)).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        cases.len(),
        count(|case| *case == Case::Failed),
        count(|case| *case == Case::NotJudged),
    );
    let skipped = count(|case| matches!(case, Case::Skipped(_)));
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="dind-doctor" {counts} time="0">"#)?;
    writeln!(out, r#"  <testsuite name="dind-doctor" {counts} skipped="{skipped}" time="0">"#)?;
    properties(report, out)?;
    for (check, case) in &cases {
        testcase(report, check, case, out)?;
    }
    writeln!(out, "  </testsuite>")?;
    writeln!(out, "</testsuites>")
}

/// What was judged, for whoever compares runs.
fn properties(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = vec![
        ("doctor.version".to_owned(), report.version.to_owned()),
        ("source".to_owned(), report.origin.name().to_owned()),
    ];
    rows.extend(report.targets.iter().filter(|target| target.selected).map(|target| {
        (format!("readiness.{}", target.target), target.readiness.name().to_owned())
    }));
    if let Some(kernel) = &report.environment.kernel {
        rows.push(("kernel".to_owned(), prose::line(kernel)));
    }
    for crash in report.crashes() {
        rows.push(("crashed".to_owned(), prose::line(&crash)));
    }
    if let Some(found) = report.found_configuration() {
        rows.push(("configuration".to_owned(), prose::line(&found)));
    }
    writeln!(out, "    <properties>")?;
    for (name, value) in rows {
        writeln!(out, r#"      <property name="{}" value="{}"/>"#, xml(&name), xml(&value))?;
    }
    writeln!(out, "    </properties>")
}

fn testcase(
    report: &Report,
    check: &CheckReport,
    case: &Case,
    out: &mut dyn Write,
) -> io::Result<()> {
    let targets = report.selected();
    let (area, id) = (xml(check.area.name()), xml(check.id));
    write!(out, r#"    <testcase classname="{area}" name="{id}" time="0""#)?;
    if *case == Case::Passed && check.status == Status::Pass {
        return writeln!(out, "/>");
    }
    let headline = prose::headline(check, &targets);
    let (element, message, kind) = match case {
        Case::Passed => ("system-out", None, None),
        Case::Failed => ("failure", Some(headline), check.severity.map(Severity::name)),
        Case::NotJudged => ("error", Some(headline), Some(check.status.name())),
        Case::Skipped(reason) => ("skipped", Some(prose::line(reason)), None),
    };
    write!(out, ">\n      <{element}")?;
    if let Some(message) = message {
        write!(out, r#" message="{}""#, xml(&message))?;
    }
    if let Some(kind) = kind {
        write!(out, r#" type="{}""#, xml(kind))?;
    }
    if check.status == Status::NotApplicable {
        writeln!(out, "/>")?;
    } else {
        let details = prose::details(check, &targets, &report.environment.surroundings);
        writeln!(out, ">{}</{element}>", xml(&details))?;
    }
    writeln!(out, "    </testcase>")
}

/// `text` as the content of an element or an attribute in double quotes. Characters that XML 1.0 has no
/// way to say, and those that `escape` knows, become visible; only newlines stay.
fn xml(text: &str) -> Cow<'_, str> {
    let plain = |c: char| !matches!(c, '&' | '<' | '>' | '"') && !is_unsafe(c);
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            c => escaped.push_str(&escape(&text[at..at + c.len_utf8()])),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::xml;

    #[test]
    fn markup_is_text_and_what_xml_cannot_say_is_visible() {
        assert_eq!(xml("a]]></failure><x y=\"1\">&amp;"), {
            "a]]&gt;&lt;/failure&gt;&lt;x y=&quot;1&quot;&gt;&amp;amp;"
        });
        assert_eq!(xml("\0\u{1b}\u{fffe}\u{9b}\nb"), "\\x00\\x1b\\u{fffe}\\u{9b}\nb");
        assert!(matches!(xml("größe 'a' 中文"), std::borrow::Cow::Borrowed(_)));
    }
}
