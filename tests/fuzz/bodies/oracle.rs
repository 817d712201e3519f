//! What holds for every report, whatever it is about.

use std::io;

use dind_doctor::{
    probe::{Collected, Crash},
    render::{
        github, json, junit, markdown,
        sarif::{self, Anchor},
        table::{self, Detail, View},
        tap,
    },
    report::{Options, Origin, Report, Selector, Status, diagnose},
};
use dind_doctor_checks::{
    registry::REGISTRY,
    target::{Severity, Target},
};
use serde_json::Value;

use super::{
    input::Input,
    readers::{self, Cases},
    schema,
};

/// Bytes that one document may have: the inputs have at most some hundred kilobytes.
const LARGEST: usize = 32 * 1024 * 1024;

/// What is written for machines and for people is text, and nothing that a terminal obeys.
pub(super) fn is_text(format: &str, document: &[u8]) -> String {
    assert!(document.len() <= LARGEST, "{format} has {} bytes", document.len());
    let text = String::from_utf8(document.to_vec()).unwrap_or_else(|e| panic!("{format}: {e}"));
    if let Some(at) = text.find(is_raw) {
        let near: String = text[at..].chars().take(80).collect();
        panic!("raw character in {format}: {near:?}");
    }
    text
}

/// Said here again, so that a hole in the program's own list is seen: C0 without the newline, DEL, C1, what
/// separates lines or turns their direction, and what is no character.
fn is_raw(c: char) -> bool {
    matches!(c, '\0'..='\u{9}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Text for people, without the styles that are the doctor's own: `ESC [ numbers m`.
pub(super) fn is_styled_text(format: &str, document: &[u8]) -> String {
    let text = String::from_utf8(document.to_vec()).unwrap_or_else(|e| panic!("{format}: {e}"));
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split("\u{1b}[");
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let style = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match style.strip_prefix('m') {
            Some(rest) => plain.push_str(rest),
            None => panic!("{format}: an escape sequence that is no style: {part:?}"),
        }
    }
    is_text(format, plain.as_bytes())
}

/// One document.
pub(super) fn written(render: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Vec<u8> {
    let mut out = Vec::new();
    render(&mut out).unwrap();
    out
}

/// What a user may ask for.
pub(super) fn options(input: &mut Input<'_>) -> (Options, View) {
    let (bits, width, selected) = (input.byte(), input.byte(), input.byte());
    let mut targets: Vec<_> = Target::ALL
        .into_iter()
        .enumerate()
        .filter(|(n, _)| bits >> n & 1 == 1)
        .map(|t| t.1)
        .collect();
    if targets.is_empty() {
        targets = Options::default().targets;
    }
    let area = REGISTRY[usize::from(selected) % REGISTRY.len()].0;
    let options = Options {
        targets,
        strict: bits & 32 != 0,
        fail_on: if bits & 64 != 0 { Severity::Warning } else { Severity::Error },
        select: if selected >= 250 { vec![Selector::Area(area)] } else { Vec::new() },
        ignore: if bits & 128 != 0 { vec![Selector::Area(area).into()] } else { Vec::new() },
        adopt: bits & 1 != 0,
        ..Options::default()
    };
    let detail = [Detail::Verbose, Detail::Normal, Detail::Quiet][usize::from(width % 3)];
    (options, View { width: 40 + usize::from(width) % 121, detail })
}

/// No probe panics; that a parser of procfs does costs its probe, as it should.
pub(super) fn is_whole(collected: &Collected) {
    let own = |crash: &&Crash| !crash.message.contains("/procfs-");
    assert_eq!(collected.crashed.iter().find(own), None);
}

/// Judges what was collected, and holds every format of the report to what it promises.
pub(super) fn judge(collected: &Collected, (options, view): &(Options, View)) -> Report {
    let diagnosed = || {
        let collected = Collected {
            facts: collected.facts.clone(),
            timed_out: collected.timed_out.clone(),
            crashed: collected.crashed.clone(),
            took: Vec::new(),
        };
        diagnose(collected, Origin::Bundle, options)
    };
    let report = diagnosed();
    for check in &report.checks {
        assert!(check.status != Status::Crashed, "{} crashed: {:?}", check.id, check.reason);
    }
    let document = written(|out| json::render(&report, out));
    assert!(document == written(|out| json::render(&diagnosed(), out)), "not the same again");
    let value: Value = serde_json::from_str(&is_text("json", &document)).unwrap();
    if let Some(fault) = schema::fault(&value) {
        panic!("not as the schema says: {fault}");
    }
    let cases: Cases =
        report.checks.iter().map(|check| (check.id.to_owned(), check.fails)).collect();
    let junit = is_text("junit", &written(|out| junit::render(&report, out)));
    assert_eq!(readers::junit(&junit), cases);
    let tap = is_text("tap", &written(|out| tap::render(&report, out)));
    assert_eq!(readers::tap(&tap), cases);
    let sarif = is_text("sarif", &written(|out| sarif::render(&report, &Anchor::default(), out)));
    serde_json::from_str::<Value>(&sarif).unwrap();
    let github = is_text("github", &written(|out| github::render(&report, out)));
    assert!(readers::github(&github).0.len() <= report.checks.len() + 1);
    is_text("markdown", &written(|out| markdown::render(&report, out)));
    is_styled_text("table", &written(|out| table::render(&report, *view, out)));
    report
}
