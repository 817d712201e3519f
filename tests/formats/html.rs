//! The page for a browser: well-formed, without anything that was not meant, and as its own policy allows.

use std::fs;

use dind_doctor::render::{html, markdown, page::Page};
use roxmltree::{Document, ParsingOptions};
use serde_json::Value;

use super::{Rendered, canonical, environments, text};

/// Everything that a page may have, and no attribute besides these.
const ELEMENTS: [&str; 32] = [
    "html", "head", "meta", "title", "style", "body", "main", "script", "header", "section",
    "footer", "h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd", "div", "details", "summary",
    "span", "code", "pre", "a", "b", "link", "table", "tr", "td",
];
const ATTRIBUTES: [&str; 9] =
    ["lang", "charset", "http-equiv", "content", "name", "class", "id", "open", "href"];

/// The page as a tree, held to what a page may have.
pub(crate) fn page(text: &str) {
    let text = text.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let options = ParsingOptions { nodes_limit: 1 << 20, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).unwrap_or_else(|e| panic!("{e}: {text}"));
    let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((count("script"), count("style"), count("meta"), count("h1")), (1, 1, 4, 1));
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(ELEMENTS.contains(&node.tag_name().name()), "{node:?}");
        for attribute in node.attributes() {
            assert!(ATTRIBUTES.contains(&attribute.name()), "{attribute:?}");
            assert!(
                attribute.name() != "href" || attribute.value().starts_with('#'),
                "{attribute:?}"
            );
        }
    }
}

#[test]
fn the_policy_allows_the_style_and_the_script_that_are_in_it_and_nothing_else() {
    let digest = |content: &str| {
        base64(ring::digest::digest(&ring::digest::SHA256, content.as_bytes()).as_ref())
    };
    let wanted = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(html::STYLE),
        digest(html::SCRIPT)
    );
    assert_eq!(
        html::POLICY,
        wanted,
        "src/render/html/mod.rs has the digests of another style or script"
    );
    assert!(!html::SCRIPT.contains(['<', '&']) && !html::STYLE.contains(['<', '&']));
    for remote in
        ["http:", "https:", "url(", "@import", "fetch(", "XMLHttpRequest", "innerHTML", "eval("]
    {
        assert!(!html::SCRIPT.contains(remote) && !html::STYLE.contains(remote), "{remote}");
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = char::from(DIGITS[(bits >> (18 - 6 * at)) as usize % 64]);
            text.push(if at > chunk.len() { '=' } else { digit });
        }
    }
    text
}

#[test]
fn every_environment_has_a_page_and_a_ticket_that_say_what_was_found() {
    let mut longest = 0;
    environments::each(|name, report| {
        let made = Page::of(report).unwrap();
        let html = text(|out| html::write(&made, out));
        page(&html);
        let ticket = text(|out| markdown::ticket(&made, out));
        let size = ticket.chars().count();
        longest = longest.max(size);
        assert!(size <= 48_000, "{name}: {size}");
        let selected = report.selected();
        for check in report.checks.iter().filter(|c| c.counts()) {
            if check.severity.is_some() || check.is_unjudged(&selected) {
                assert!(html.contains(&format!("id=\"{}\"", check.id)), "{name}: {}", check.id);
                assert!(ticket.contains(check.id), "{name}: {}", check.id);
            }
        }
        for target in report.targets.iter().filter(|target| target.selected) {
            let line = format!("| **{}** | **{}** |", target.target, target.called());
            assert!(ticket.contains(&line), "{name}: {line}");
        }
    });
    assert!(longest > 2000);
}

/// A saved report gives the page of the run but for the words about the environment.
#[test]
fn a_saved_report_gives_the_same_findings() {
    let report = canonical::report();
    let saved: Value = serde_json::from_str(&Rendered::of(&report).json).unwrap();
    let findings = |page: &Page| {
        let html = text(|out| html::write(page, out));
        let (_, rest) = html.split_once("<h2>Findings</h2>").unwrap();
        rest.split_once("<h2>This environment</h2>").unwrap().0.to_owned()
    };
    assert_eq!(findings(&Page::of(&report).unwrap()), findings(&Page::read(&saved)));
}

/// Whatever a document holds that says it is a report, nobody's browser does anything with it.
#[test]
fn a_saved_report_in_which_every_text_is_hostile_is_still_a_page() {
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>' javascript:alert(1) \u{202e}\u{1b}[31m";
    let saved = Rendered::of(&canonical::report()).json;
    let mut report: Value = serde_json::from_str(&saved).unwrap();
    replace(&mut report, hostile);
    report["targets"][0]["selected"] = true.into();
    let html = text(|out| html::write(&Page::read(&report), out));
    page(&html);
    assert!(html.contains("&lt;script&gt;alert(1)"), "{html}");
    assert!(!html.contains(['\u{202e}', '\u{1b}']));
    let ticket = text(|out| markdown::ticket(&Page::read(&report), out));
    assert!(!ticket.contains(['\u{202e}', '\u{1b}']));
}

/// What a report says of how something ended.
const KINDS: [&str; 6] = ["finding", "unknown", "error", "warning", "dockerd", "kind"];

/// All texts but those that say what kind of thing something is.
fn replace(value: &mut Value, with: &str) {
    match value {
        Value::String(text) if !KINDS.contains(&text.as_str()) => with.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, with)),
        Value::Object(map) => map.values_mut().for_each(|value| replace(value, with)),
        _ => {}
    }
}

#[test]
fn what_is_no_report_of_this_version_gives_an_empty_page_and_not_a_crash() {
    for document in
        ["{}", "[]", "null", "{\"checks\": 7, \"targets\": [null, {}], \"environment\": []}"]
    {
        let read = Page::read(&serde_json::from_str(document).unwrap());
        page(&text(|out| html::write(&read, out)));
        assert!(text(|out| markdown::ticket(&read, out)).contains("nothing was judged"));
    }
}

#[test]
fn the_page_is_as_it_was_read() {
    let wanted = text(|out| html::render(&canonical::report(), out));
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/report.html");
    if std::env::var_os("DOCTOR_BLESS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let seen = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        seen == wanted,
        "tests/snapshots/report.html is stale: DOCTOR_BLESS=1 cargo test --test formats"
    );
}
