//! What may have been meant, where clap does not guess it.

use std::ffi::OsString;

use clap::{
    Command,
    builder::StyledStr,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};
use dind_doctor_checks::{
    registry::{self, Area},
    target::Target,
};

/// The error with a tip that a person can follow.
pub(super) fn improved(mut error: Error, command: &Command, arguments: &[OsString]) -> Error {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => of_word(&word(ContextKind::InvalidSubcommand)),
        ErrorKind::ArgumentConflict => of_order(&word(ContextKind::InvalidSubcommand)),
        ErrorKind::UnknownArgument => {
            let word = word(ContextKind::InvalidArg);
            let options = beginning_with(&word, active(command, arguments));
            if options.is_empty() {
                of_word(&word)
            } else {
                // Clap looks for what sounds alike: --form is short for --format, not a slip of --from.
                error.remove(ContextKind::Usage);
                error.insert(ContextKind::SuggestedArg, ContextValue::Strings(options));
                None
            }
        }
        _ => None,
    };
    if let Some(tip) = tip {
        let tips = vec![StyledStr::from(tip)];
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// Where options stand that were said before the command.
fn of_order(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| format!("options come after the command: 'doctor {name} [OPTIONS]'"))
}

/// What a word that is no command is the name of.
fn of_word(word: &str) -> Option<String> {
    if word.parse::<Target>().is_ok() {
        return Some(format!("to judge a target, say 'doctor --for {word}'"));
    }
    if registry::find(word).is_some() {
        return Some(format!("to read about a check, say 'doctor explain {word}'"));
    }
    word.parse::<Area>()
        .is_ok()
        .then(|| format!("to run the checks of an area, say 'doctor --select {word}'"))
}

/// The subcommand that the arguments name, or the whole.
fn active<'a>(command: &'a Command, arguments: &[OsString]) -> &'a Command {
    let first = arguments.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    command.find_subcommand(first).unwrap_or(command)
}

/// The long options of `command` that `--word` or `--word=value` begins.
fn beginning_with(word: &str, command: &Command) -> Vec<String> {
    let word = word.split('=').next().unwrap_or(word);
    let Some(begin) = word.strip_prefix("--").filter(|begin| begin.len() > 2) else {
        return Vec::new();
    };
    let options = command.get_arguments().filter_map(clap::Arg::get_long);
    options.filter(|name| name.starts_with(begin)).map(|name| format!("--{name}")).collect()
}
