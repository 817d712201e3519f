//! What the program says of itself: help, version, completions, manual page, and what it answers to a slip.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assert_cmd::Command;
use dind_doctor::{cli, report::version};

fn doctor() -> Command {
    let mut command = Command::cargo_bin("doctor").unwrap();
    command.env_clear().env("COLUMNS", "80");
    command
}

fn data(arguments: &[&str]) -> String {
    let output = doctor().args(arguments).assert().code(0).get_output().clone();
    assert_eq!(output.stderr, b"", "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn commands() -> Vec<String> {
    let command = cli::command();
    let names = command.get_subcommands().map(|sub| sub.get_name().to_owned());
    names.filter(|name| name != "help").collect()
}

/// A tired reader has 80 columns, and no time for two kinds of help.
#[test]
fn help_fits_80_columns_and_is_the_same_however_it_is_asked_for() {
    for name in commands() {
        let help = data(&[&name, "--help"]);
        assert_eq!(help, data(&[&name, "-h"]));
        assert_eq!(help, data(&["help", &name]));
    }
    let all = commands().into_iter().map(|name| data(&[&name, "-h"])).chain([data(&["-h"])]);
    for help in all {
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{line}");
            assert_eq!(line.trim_end(), line);
        }
        for word in ["Possible values", "subcommand(s)", "possible values"] {
            assert!(!help.contains(word), "{help}");
        }
        // What has no examples has none to show.
        let examples = help.find("Examples:").unwrap_or_default();
        assert!(examples < help.find("Usage:").unwrap(), "{help}");
    }
    assert!(data(&["--help"]).contains("\nExamples:\n  doctor  "));
}

/// `doctor 0.1.0`, or `doctor 0.1.0 (2515610ab34c)` from a clone.
#[test]
fn version_is_one_line_with_the_commit_if_that_is_known() {
    let line = data(&["--version"]);
    let of_package = format!("doctor {}", env!("CARGO_PKG_VERSION"));
    let commit = line.strip_prefix(&of_package).unwrap().strip_suffix('\n').unwrap();
    match version::COMMIT {
        Some(hash) => {
            assert_eq!(commit, format!(" ({})", &hash[..12]));
            assert!(hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        None => assert_eq!(commit, ""),
    }
    let report: serde_json::Value =
        serde_json::from_str(&data(&["--format=json", "--exit-zero"])).unwrap();
    assert_eq!(report["doctor"]["commit"].as_str(), version::COMMIT);
}

#[test]
fn completions_and_the_manual_page_are_data() {
    assert!(data(&["completions", "bash"]).contains("complete -F _doctor"));
    assert!(data(&["completions", "zsh"]).starts_with("#compdef doctor\n"));
    assert!(data(&["completions", "fish"]).contains("complete -c doctor"));
    let page = data(&["man"]);
    assert!(page.starts_with(".TH DOCTOR 1 "));
    assert_eq!(page, data(&["man"]));
    for name in commands() {
        assert!(page.contains(&format!(".SS \"doctor {name}\"")), "{name}");
    }
}

#[test]
fn a_slip_is_answered_with_what_was_meant() {
    for (arguments, says) in [
        (["chekc"].as_slice(), "'check'"),
        (&["explian", "swap-on"], "'explain'"),
        (&["complete"], "'completions'"),
        (&["--form=json"], "tip: a similar argument exists: '--format'\n"),
        (&["--outptu=json=x"], "'--output'"),
        (&["list", "--form", "json"], "'--format'"),
        (&["--format", "jsn"], "'json'"),
        (&["--color=alwyas"], "'always'"),
        (&["kind"], "'doctor --for kind'"),
        (&["check", "kind"], "'doctor --for kind'"),
        (&["netfilter"], "'doctor --select netfilter'"),
        (&["swap-on"], "'doctor explain swap-on'"),
        (&["list", "swap-on"], "'doctor explain swap-on'"),
        (&["list", "nonsense"], "Usage: doctor list"),
        (&["-v", "list"], "'doctor list [OPTIONS]'"),
        (&["explain", "swap"], "did you mean swap-on?"),
        (&["completions", "csh"], "bash, zsh, fish"),
        (&["help", "chekc"], "unrecognized subcommand 'chekc'"),
        (&["capture"], "--output <BUNDLE>"),
    ] {
        let output = doctor().args(arguments).assert().code(2).get_output().clone();
        assert_eq!(output.stdout, b"", "{arguments:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(says), "{arguments:?}: {text}");
    }
}
