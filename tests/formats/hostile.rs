//! Whatever bytes a name has, every format stays well-formed and says who failed.

use arbtest::arbitrary::{self, Unstructured};
use dind_doctor::{
    probe::Crash,
    render::{self, markdown, page::Page},
    report::{Ignored, Report},
};
use dind_doctor_checks::{
    facts::{Missing, Why},
    remedy::{Language, Place, Remedy, Snippet, quote},
};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::{Value, json};

use super::{Rendered, canonical, html, readers};

/// What some reader or other takes for more than text.
const PIECES: [&str; 44] = [
    "%0A::error::forged",
    "\n::error title=x::forged",
    "##[error]forged",
    "%",
    ":",
    ",",
    "|",
    "\\|",
    "`",
    "```",
    "\n````\n",
    "]]>",
    "</failure>",
    "</testsuite><testcase/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "&amp;",
    "<script>",
    "<details>",
    "\0",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{9b}31m",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{fffd}",
    "# SKIP",
    "\nnot ok 1 - forged",
    "\n1..0",
    "\n  ...\n",
    "\n  ---\n",
    "'",
    "\"",
    "](https://example.org)",
    "[x",
    "@everyone",
    "\r\n",
    "$(reboot)",
    "größe 中文",
];

fn hostile(u: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    let mut text = String::new();
    for _ in 0..u.int_in_range(0..=4)? {
        match u.int_in_range(0..=9)? {
            0 => text.push_str(u.arbitrary()?),
            1 => text.push_str(&"long ".repeat(500)),
            2 => text.push_str("word "),
            _ => text.push_str(u.choose(&PIECES)?),
        }
    }
    Ok(text)
}

fn remedies(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<Remedy>> {
    let text = hostile(u)?;
    let lines = format!("x: {}\n\n  {}", hostile(u)?, hostile(u)?);
    Ok(vec![
        Remedy::commands(Place::Here, hostile(u)?, [format!("rm {}", quote(&hostile(u)?))]),
        Remedy::file(Place::Image, text, Snippet::Lines(Language::Dockerfile, lines)),
        Remedy::file(
            Place::Runtime,
            hostile(u)?,
            Snippet::Tree(Language::Yaml, json!({"key": hostile(u)?, "other": hostile(u)?})),
        ),
        Remedy::file(
            Place::Host,
            hostile(u)?,
            Snippet::Tree(Language::Json, json!([hostile(u)?, hostile(u)?])),
        ),
    ])
}

/// The canonical report with every text that comes from the machine replaced.
fn report(u: &mut Unstructured<'_>) -> arbitrary::Result<Report> {
    let mut report = canonical::report();
    for check in &mut report.checks {
        check.fails = u.ratio(1, 3)? && check.ignored.is_none() && {
            check.status.is_open() || check.severity.is_some()
        };
        if check.reason.is_some() {
            check.reason = Some(hostile(u)?);
        }
        if check.ignored.is_some() {
            check.ignored = Some(Ignored { reason: hostile(u)?, until: Some(hostile(u)?) });
        }
        if !check.missing.is_empty() {
            check.missing = vec![Missing::new(hostile(u)?, Why::NotFound)];
            check.remedies = remedies(u)?;
        }
        for finding in &mut check.findings {
            finding.summary = hostile(u)?;
            finding.subject = hostile(u)?;
            for evidence in &mut finding.evidence {
                evidence.source = hostile(u)?;
                evidence.value = hostile(u)?;
            }
            for version in finding.assumed.values_mut() {
                *version = hostile(u)?;
            }
            finding.remedies = remedies(u)?;
        }
    }
    report.timed_out = vec![hostile(u)?];
    report.crashed_probes = vec![Crash { probe: hostile(u)?, message: hostile(u)? }];
    report.environment.kernel = Some(hostile(u)?);
    report.environment.pid1.exe = Some(hostile(u)?);
    report.environment.cgroup.path = Some(hostile(u)?);
    report.environment.mtu.uplink = Some(hostile(u)?);
    Ok(report)
}

#[test]
fn every_format_stays_what_it_is() {
    arbtest::arbtest(|u| {
        let report = report(u)?;
        let rendered = Rendered::of(&report);
        let browser = super::text(|out| render::html::render(&report, out));
        let pasted = super::text(|out| markdown::ticket(&Page::of(&report).unwrap(), out));
        for text in rendered.all().into_iter().chain([browser.as_str(), &pasted]) {
            no_control_character(text);
        }
        let cases: readers::Cases =
            report.checks.iter().map(|check| (check.id.to_owned(), check.fails)).collect();
        assert_eq!(readers::junit(&rendered.junit), cases);
        assert_eq!(readers::tap(&rendered.tap), cases);
        let sarif: Value = serde_json::from_str(&rendered.sarif).unwrap();
        assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "privilege-missing");
        github(&report, &rendered.github);
        plain_markdown(&report, &rendered.markdown);
        html::page(&browser);
        ticket(&report, &pasted);
        Ok(())
    })
    .size_min(1 << 12)
    .size_max(1 << 16);
}

fn no_control_character(text: &str) {
    let raw = |c: char| {
        c != '\n'
            && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{fffe}'))
    };
    assert!(!text.contains(raw), "{:?}", text.chars().find(|c| raw(*c)));
}

/// No line is a command but those that were meant, and none says more than one.
fn github(report: &Report, text: &str) {
    let (commands, others) = readers::github(text);
    assert!(commands.len() <= report.checks.len() + 1, "{commands:#?}");
    assert_eq!(others.len(), 1, "{others:?}");
    assert!(!others[0].contains("##["));
    for [level, _, message] in &commands {
        assert!(["error", "warning", "notice"].contains(&level.as_str()), "{level}");
        assert!(message.lines().count() < 20, "{message}");
        assert!(message.len() <= 4096, "{}", message.len());
    }
}

fn plain_markdown(report: &Report, text: &str) {
    let ours = |html: &str| {
        ["<!-- -->", "</details>"].contains(&html)
            || (html.starts_with("<details><summary>") && html.ends_with("</summary>"))
    };
    let headings = headings(text, ours);
    let found = report.checks.iter().filter(|c| c.counts() && c.severity.is_some());
    // The whole report, each finding, what could not be judged.
    assert_eq!(headings.len(), 1 + found.count() + 1, "{headings:#?}");
}

fn ticket(report: &Report, text: &str) {
    let ours = |html: &str| {
        let words =
            html.strip_prefix("<details><summary>").and_then(|h| h.strip_suffix("</summary>"));
        let plain = |words: &str| {
            !words.replace("<code>", "").replace("</code>", "").contains(['<', '`', '*'])
        };
        let is_comment =
            html.starts_with("<!-- ") && html.ends_with(" -->") && !html[4..].contains("<!--");
        is_comment || ["</details>", "<sub>", "</sub>"].contains(&html) || words.is_some_and(plain)
    };
    let headings = headings(text, ours);
    let prescribed = usize::from(text.contains("\n### what to change\n"));
    // The verdict, the environment, findings, what could not be judged, what was tried.
    assert_eq!(headings.len(), 5 + prescribed, "{headings:#?}");
    let found = report.checks.iter().filter(|c| c.counts() && c.severity.is_some()).count();
    assert_eq!(text.matches("\n</details>\n").count(), found, "{text}");
}

/// The headings, where nothing that was not meant is one, or a link, HTML or a mention.
fn headings(text: &str, ours: impl Fn(&str) -> bool) -> Vec<String> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_MATH;
    let (mut headings, mut in_code) = (Vec::new(), false);
    let mut in_heading = false;
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(
                Tag::Link { .. } | Tag::Image { .. } | Tag::Strikethrough | Tag::Emphasis,
            ) => {
                panic!("{event:?}: {text}");
            }
            Event::InlineMath(_) | Event::DisplayMath(_) => panic!("{event:?}: {text}"),
            Event::Html(html) | Event::InlineHtml(html) => {
                assert!(ours(html.trim()), "{html}: {text}");
            }
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Start(Tag::Heading { .. }) => {
                headings.push(String::new());
                in_heading = true;
            }
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Text(text) | Event::Code(text) if in_heading => {
                headings.last_mut().unwrap().push_str(&text);
            }
            Event::Text(text) if !in_code => {
                let mention = text.char_indices().any(|(at, c)| {
                    c == '@' && text[at + 1..].starts_with(char::is_alphanumeric) && {
                        !text[..at].ends_with(char::is_alphanumeric)
                    }
                });
                assert!(!mention, "{text}");
            }
            _ => {}
        }
    }
    assert!(headings.iter().all(|heading| !heading.contains("forged")), "{headings:#?}");
    headings
}
