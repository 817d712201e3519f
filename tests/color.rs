//! Colour from outside: `--color`, then `NO_COLOR`, then `FORCE_COLOR` or `CLICOLOR_FORCE`, then
//! `TERM=dumb`, then whether it is a terminal. With the real program, an environment of these variables alone,
//! and a real terminal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    process::{Command, Stdio},
};

use nix::{fcntl::OFlag, pty};

type Variables<'a> = &'a [(&'a str, &'a str)];

const LIST: &[&str] = &["list"];

fn doctor(arguments: &[&str], variables: Variables) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doctor"));
    command.args(arguments).env_clear().envs(variables.iter().copied()).stdin(Stdio::null());
    command
}

/// What is written to a pipe.
fn piped(arguments: &[&str], variables: Variables) -> Vec<u8> {
    let output = doctor(arguments, variables).output().unwrap();
    [output.stdout, output.stderr].concat()
}

/// What is written to a terminal that is both standard output and standard error.
fn shown(arguments: &[&str], variables: Variables) -> Vec<u8> {
    let main = pty::posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    pty::grantpt(&main).unwrap();
    pty::unlockpt(&main).unwrap();
    let name = pty::ptsname_r(&main).unwrap();
    let terminal = File::options().read(true).write(true).open(name).unwrap();
    let mut command = doctor(arguments, variables);
    command.stdout(terminal.try_clone().unwrap()).stderr(terminal);
    let mut child = command.spawn().unwrap();
    // The descriptors in it would keep the terminal open.
    drop(command);
    let mut text = Vec::new();
    // EIO is how a terminal ends.
    let _ = File::from(OwnedFd::from(main)).read_to_end(&mut text);
    child.wait().unwrap();
    assert!(!text.is_empty(), "{arguments:?}");
    text
}

fn is_colored(text: &[u8]) -> bool {
    text.contains(&0x1b)
}

/// Each rule against the one after it.
const RULES: &[(&[&str], Variables, bool, bool)] = &[
    // arguments, environment, coloured in a pipe, coloured on a terminal
    (&["list"], &[], false, true),
    (&["list"], &[("TERM", "xterm-256color")], false, true),
    (&["list"], &[("TERM", "dumb")], false, false),
    (&["list"], &[("FORCE_COLOR", "1"), ("TERM", "dumb")], true, true),
    (&["list"], &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true, true),
    (&["list"], &[("FORCE_COLOR", "0"), ("TERM", "xterm")], false, true),
    (&["list"], &[("FORCE_COLOR", ""), ("TERM", "xterm")], false, true),
    (&["list"], &[("CLICOLOR_FORCE", "0")], false, true),
    (&["list"], &[("CLICOLOR", "0")], false, true),
    (&["list"], &[("NO_COLOR", "1")], false, false),
    (&["list"], &[("NO_COLOR", "0")], false, false),
    (&["list"], &[("NO_COLOR", "")], false, true),
    (&["list"], &[("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false, false),
    (&["list"], &[("NO_COLOR", ""), ("FORCE_COLOR", "1")], true, true),
    (&["list", "--color=auto"], &[("NO_COLOR", "1")], false, false),
    (&["list", "--color=always"], &[("NO_COLOR", "1"), ("TERM", "dumb")], true, true),
    (&["list", "--color=never"], &[("FORCE_COLOR", "1"), ("TERM", "xterm")], false, false),
];

#[test]
fn the_first_rule_that_applies_decides() {
    for (arguments, variables, in_pipe, on_terminal) in RULES {
        let of = |text: &[u8]| is_colored(text);
        assert_eq!(of(&piped(arguments, variables)), *in_pipe, "{arguments:?} {variables:?} piped");
        assert_eq!(of(&shown(arguments, variables)), *on_terminal, "{arguments:?} {variables:?}");
    }
}

#[test]
fn every_command_for_people_follows_the_rules() {
    for arguments in
        [&["--exit-zero"][..], &["check", "--exit-zero"], LIST, &["explain", "swap-on"]]
    {
        assert!(is_colored(&shown(arguments, &[])), "{arguments:?}");
        assert!(!is_colored(&piped(arguments, &[])), "{arguments:?}");
        assert!(!is_colored(&shown(arguments, &[("NO_COLOR", "1")])), "{arguments:?}");
    }
}

/// Mistakes go to standard error, which is asked by itself: only its terminal counts.
#[test]
fn help_and_mistakes_follow_the_rules() {
    for arguments in [["--help"].as_slice(), &["explain", "--help"], &["--nonsense"], &["chekc"]] {
        assert!(is_colored(&shown(arguments, &[])), "{arguments:?}");
        assert!(is_colored(&piped(arguments, &[("FORCE_COLOR", "1")])), "{arguments:?}");
        for variables in [&[("NO_COLOR", "1")], &[("TERM", "dumb")]] {
            assert!(!is_colored(&shown(arguments, variables)), "{arguments:?} {variables:?}");
        }
        assert!(!is_colored(&piped(arguments, &[])), "{arguments:?}");
    }
}

#[test]
fn what_machines_read_is_never_coloured() {
    let forced: Variables = &[("FORCE_COLOR", "1")];
    for arguments in [
        &["--exit-zero", "--format=json", "--color=always"][..],
        &["list", "--format=json", "--color=always"],
        &["explain", "swap-on", "--format=json", "--color=always"],
        &["facts"],
        &["completions", "bash"],
        &["man"],
        &["--version"],
    ] {
        assert!(!is_colored(&piped(arguments, forced)), "{arguments:?}");
        assert!(!is_colored(&shown(arguments, forced)), "{arguments:?}");
    }
}
