//! Every format over the canonical report.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canonical;

use anstream::adapter::strip_bytes;
use dind_doctor::{
    log::{Texts, explain, read},
    render::{
        github, json, junit, log, markdown,
        sarif::{self, Anchor},
        table::{self, Detail, View},
        tap,
    },
};
use dind_doctor_checks::registry;

fn colored(width: usize, detail: Detail) -> String {
    let mut out = Vec::new();
    table::render(&canonical::report(), View { width, detail }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn plain(width: usize, detail: Detail) -> String {
    String::from_utf8(strip_bytes(colored(width, detail).as_bytes()).into_vec()).unwrap()
}

fn report_as_json() -> String {
    let mut out = Vec::new();
    json::render(&canonical::report(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A log in which everything occurs: what is found here with its cause, what passes, does not apply, is
/// unknown or crashed, a text that several carry, what is not known, and hostile characters.
fn explained(render: impl FnOnce(&dind_doctor::log::Explanation<'_>, &mut Vec<u8>)) -> String {
    let hostile = canonical::HOSTILE;
    let content = format!(
        "starting\n\
         mkdir: can't create directory '/sys/fs/cgroup/init': Read-only file system\n\
         level=error msg=\"the requested cgroup controller `cpu` is not available {hostile}\"\n\
         IPv4 forwarding is disabled\n\
         nslookup: write to '127.0.0.11': Connection refused\n\
         iptables-legacy tables present, use iptables-legacy to see them\n\
         iptables-legacy tables present, use iptables-legacy to see them\n\
         could not find an available, non-overlapping IPv4 address pool\n\
         error: one {hostile}\nerror: two\nerror: three {}\n",
        "long ".repeat(100)
    );
    let texts = Texts::of(registry::all());
    let read = read(content.as_bytes(), &texts).unwrap();
    let report = canonical::report();
    let mut out = Vec::new();
    render(&explain(&read, Some(&report)), &mut out);
    String::from_utf8(strip_bytes(&out).into_vec()).unwrap()
}

fn log_as_text(width: usize) -> String {
    explained(|explanation, out| log::text("dockerd\u{1b}.log", explanation, width, out).unwrap())
}

fn log_as_json() -> String {
    explained(|explanation, out| log::json("-", explanation, out).unwrap())
}

#[test]
fn a_log_in_80_columns() {
    insta::assert_snapshot!(log_as_text(80));
}

#[test]
fn a_log_as_json() {
    insta::assert_snapshot!(log_as_json());
}

#[test]
fn a_log_in_which_nothing_is_known() {
    let texts = Texts::of(registry::all());
    let (read, report) = (read(b"all is well\n".as_slice(), &texts).unwrap(), canonical::report());
    let mut out = Vec::new();
    log::text("-", &explain(&read, Some(&report)), 80, &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(strip_bytes(&out).into_vec()).unwrap());
}

fn text(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    render(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_table_in_80_columns() {
    insta::assert_snapshot!(plain(80, Detail::Normal));
}

#[test]
fn the_table_in_140_columns() {
    insta::assert_snapshot!(plain(140, Detail::Normal));
}

#[test]
fn the_table_coloured_in_80_columns() {
    insta::assert_snapshot!(colored(80, Detail::Normal).replace('\u{1b}', "^"));
}

#[test]
fn the_table_coloured_in_140_columns() {
    insta::assert_snapshot!(colored(140, Detail::Normal).replace('\u{1b}', "^"));
}

#[test]
fn the_table_with_everything() {
    insta::assert_snapshot!(plain(100, Detail::Verbose));
}

#[test]
fn the_table_with_only_what_is_wrong() {
    insta::assert_snapshot!(plain(80, Detail::Quiet));
}

#[test]
fn the_report_as_json() {
    insta::assert_snapshot!(report_as_json());
}

#[test]
fn the_report_as_junit() {
    insta::assert_snapshot!(text(|out| junit::render(&canonical::report(), out)));
}

#[test]
fn the_report_as_sarif() {
    let anchor = Anchor::default();
    insta::assert_snapshot!(text(|out| sarif::render(&canonical::report(), &anchor, out)));
}

#[test]
fn the_report_as_workflow_commands() {
    insta::assert_snapshot!(text(|out| github::render(&canonical::report(), out)));
}

#[test]
fn the_report_as_markdown() {
    insta::assert_snapshot!(text(|out| markdown::render(&canonical::report(), out)));
}

#[test]
fn the_report_as_tap() {
    insta::assert_snapshot!(text(|out| tap::render(&canonical::report(), out)));
}

/// Commands and snippets are never wrapped; everything else keeps to the width.
#[test]
fn nothing_but_what_can_be_pasted_is_wider_than_the_terminal() {
    for width in [80, 100, 140] {
        for line in plain(width, Detail::Normal).lines() {
            let pasted = line.starts_with(&" ".repeat(12)) && line.contains("rmdir");
            assert!(pasted || line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn no_control_character_reaches_a_terminal_or_a_log() {
    for text in [plain(80, Detail::Verbose), report_as_json(), log_as_text(80), log_as_json()] {
        let raw = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(!text.contains(raw), "{:?}", text.chars().find(|c| raw(*c)));
    }
    let colored = colored(80, Detail::Verbose);
    let mut rest = colored.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        let sequence = &rest[at + 1..];
        let end = sequence.find('m').expect("every sequence sets a style");
        let inside = &sequence[..end];
        assert!(
            inside
                .strip_prefix('[')
                .is_some_and(|s| s.chars().all(|c| c.is_ascii_digit() || c == ';')),
            "{inside:?}"
        );
        rest = &sequence[end..];
    }
    assert!(!plain(80, Detail::Normal).contains("\nerror  forged"));
}

#[test]
fn the_json_has_the_fields_of_the_design_and_is_one_document() {
    let text = report_as_json();
    assert!(text.ends_with("}\n"));
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["schema"], "dind-doctor/report/1");
    let counts = report["summary"].as_object().unwrap();
    let sum: u64 =
        counts.iter().filter(|(name, _)| *name != "checks").filter_map(|(_, n)| n.as_u64()).sum();
    assert_eq!(counts["checks"], sum);
    assert_eq!(
        report["checks"][3]["findings"][0]["subject"],
        format!("/kubepods/{}1", canonical::HOSTILE)
    );
}
