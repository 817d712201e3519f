//! The command line as a whole: what clap derives, with examples and short help.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::{Doctor, hints};
use crate::text::escape;

/// About, examples, usage, options.
const TEMPLATE: &str =
    "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// Examples by subcommand. Help shows them first; those of `doctor` itself stand with it.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "check",
        "Examples:
  doctor check --for kind               will a kind cluster work here?
  doctor check -q                       only what is wrong
  doctor check --select cgroup,storage  these areas alone
  doctor check --from support.tar.gz    what was recorded elsewhere",
    ),
    (
        "rehearse",
        "Examples:
  doctor rehearse --for sandbox               does bubblewrap work here?
  doctor rehearse --for dockerd && start-it   the gate of a CI job
  doctor list --active                        what it does, costs and leaves",
    ),
    (
        "list",
        "Examples:
  doctor list                                       all checks by area
  doctor list --format json | jq -r '.checks[].id'  their ids, for scripts
  doctor list --active                              what --active tries",
    ),
    (
        "explain",
        "Examples:
  doctor explain pid1-swallows-sigterm
  doctor explain cgroup-v1-end-of-life --format json | jq -r .doc
  doctor explain --log dockerd.log                   which failure is it?
  kubectl logs POD | doctor explain --log -          and from a pipe",
    ),
    (
        "fix",
        "Examples:
  doctor fix                                 what to change, and why
  doctor fix --for kind --write cure         the same as files in cure/
  doctor fix --from support.tar.gz           for what was recorded elsewhere
  docker image inspect IMAGE | doctor fix --base - --write cure",
    ),
    (
        "diff",
        "Examples:
  doctor diff laptop.tar.gz runner.tar.gz  why here and not there?
  doctor diff live yesterday.json          this machine, a report",
    ),
    (
        "schema",
        "Examples:
  doctor schema > report.schema.json",
    ),
    (
        "report",
        "Examples:
  doctor report                           paste it into a ticket
  doctor report --format html -o it.html  open it, or attach it
  doctor report --from support.tar.gz     of a bundle that somebody sent
  doctor report --from report.json        of a saved JSON report",
    ),
    (
        "capture",
        "Examples:
  doctor capture -o support.tar.gz     addresses and names are taken out
  doctor --from support.tar.gz         diagnose it elsewhere
  doctor capture -o whole --no-redact  a directory, everything as it is",
    ),
    (
        "facts",
        "Examples:
  doctor facts | jq .cgroup
  doctor facts --from support.tar.gz",
    ),
    (
        "completions",
        "Examples:
  doctor completions bash > /etc/bash_completion.d/doctor
  doctor completions zsh > /usr/local/share/zsh/site-functions/_doctor
  doctor completions fish > ~/.config/fish/completions/doctor.fish",
    ),
    (
        "man",
        "Examples:
  doctor man | man -l -
  doctor man > /usr/local/share/man/man1/doctor.1",
    ),
];

/// The command line, ready to parse, and to complete and describe.
pub fn command() -> Command {
    let mut command = Doctor::command();
    for (name, examples) in EXAMPLES {
        command =
            command.mut_subcommand(name, |sub| sub.before_help(*examples).help_template(TEMPLATE));
    }
    let mut command = command.mut_args(short).mut_subcommands(|sub| sub.mut_args(short));
    // Only then is there a subcommand that is called help.
    command.build();
    command.mut_subcommand("help", |help| help.about("Show the help of a command"))
}

/// Values are named in the line of help: `-h` and `--help` are the same, and fit a screen.
fn short(argument: Arg) -> Arg {
    let values: Vec<_> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().to_owned())
        .collect();
    match argument.get_help() {
        Some(help) if argument.get_action().takes_values() && !values.is_empty() => {
            let help = format!("{help}: {}", values.join(", "));
            argument.help(help).hide_possible_values(true)
        }
        _ => argument,
    }
}

/// Parses, and says of a mistake what may have been meant.
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Doctor, clap::Error> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    parse_exactly(&arguments).map_err(|error| {
        // What it quotes can be a file's name, put there by a shell: it is said of the arguments as they can be shown.
        let shown: Vec<OsString> =
            arguments.iter().map(|a| escape(&a.to_string_lossy()).into_owned().into()).collect();
        if shown == arguments { error } else { parse_exactly(&shown).err().unwrap_or(error) }
    })
}

fn parse_exactly(arguments: &[OsString]) -> Result<Doctor, clap::Error> {
    let mut command = command();
    command
        .try_get_matches_from_mut(arguments)
        .and_then(|matches| Doctor::from_arg_matches(&matches))
        .map_err(|error| hints::improved(error, &command, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_fault() {
        command().debug_assert();
    }

    #[test]
    fn every_example_belongs_to_a_command_and_stays_on_its_line() {
        let command = command();
        for (name, examples) in EXAMPLES {
            assert!(command.find_subcommand(name).is_some(), "{name}");
            assert!(examples.lines().all(|line| line.len() <= 78), "{examples}");
        }
        assert!(super::super::EXAMPLES.lines().all(|line| line.len() <= 78));
    }
}
