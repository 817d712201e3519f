//! `doctor completions`.

use std::io::{self, Write};

use clap::{
    Command,
    builder::{PossibleValue, PossibleValuesParser},
};
use clap_complete::Shell;
use dind_doctor_checks::{
    registry::{self, REGISTRY},
    target::Target,
    version::Component,
};

use super::{ExitCode, Trouble, command, unless_closed};

/// The shells that people who run containers have.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Known {
    /// GNU bash, with bash-completion or without.
    Bash,
    /// The Z shell.
    Zsh,
    /// The friendly interactive shell.
    Fish,
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Known,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<ExitCode, Trouble> {
    let shell = match arguments.shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    // The generator takes a failed write for a bug; memory does not fail.
    let mut script = Vec::new();
    let mut command = with_names(command());
    clap_complete::generate(shell, &mut command, "doctor", &mut script);
    if shell == Shell::Fish {
        positionals_of_fish(&command, &mut script).map_err(Trouble::Output)?;
    }
    unless_closed(out.write_all(&script))?;
    Ok(ExitCode::Success)
}

/// The command line whose values are listed where parsing takes them through functions.
fn with_names(command: Command) -> Command {
    let checks = || registry::all().map(|(_, check)| described(check.id, check.title));
    let areas =
        || REGISTRY.iter().map(|(area, _)| described(area.name(), "all checks of the area"));
    let selectors = || PossibleValuesParser::new(areas().chain(checks()));
    let targets = || PossibleValuesParser::new(Target::ALL.map(Target::name));
    let components =
        || Component::ALL.map(|component| PossibleValue::new(format!("{}=", component.name())));
    let named = |command: Command| {
        command.mut_args(|argument| match argument.get_id().as_str() {
            "select" | "ignore" => argument.value_parser(selectors()),
            "check" => argument.value_parser(PossibleValuesParser::new(checks())),
            "targets" => argument.value_parser(targets()),
            "assume" => argument.value_parser(PossibleValuesParser::new(components())),
            _ => argument,
        })
    };
    named(command).mut_subcommands(named)
}

fn described(name: &'static str, help: &'static str) -> PossibleValue {
    PossibleValue::new(name).help(help)
}

/// What the generator for fish leaves out: values that stand without an option.
fn positionals_of_fish(command: &Command, script: &mut dyn Write) -> io::Result<()> {
    for sub in command.get_subcommands() {
        for positional in sub.get_positionals() {
            let values = positional.get_possible_values();
            let names: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
            if !names.is_empty() {
                let (name, names) = (sub.get_name(), names.join(" "));
                let condition = format!("__fish_doctor_using_subcommand {name}");
                writeln!(script, "complete -c doctor -n \"{condition}\" -f -a \"{names}\"")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(shell: Known) -> String {
        let mut out = Vec::new();
        run(&Arguments { shell }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_shell_completes_commands_options_checks_and_areas() {
        for shell in [Known::Bash, Known::Zsh, Known::Fish] {
            let script = script(shell);
            for name in ["explain", "fail-on", "rootless", "netfilter", "pid1-swallows-sigterm"] {
                assert!(script.contains(name), "{shell:?}: {name}");
            }
        }
    }

    #[test]
    fn fish_completes_what_stands_without_an_option() {
        let script = script(Known::Fish);
        let line = script.lines().find(|line| line.contains("using_subcommand explain\" -f -a"));
        assert!(line.is_some_and(|line| line.contains(" pid1-swallows-sigterm")), "{script}");
    }
}
