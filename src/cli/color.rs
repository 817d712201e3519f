//! Whether to colour.

use std::ffi::OsString;

use clap::ValueEnum;

/// What `--color` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum When {
    /// As the environment and the terminal say.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// `--color`, then `NO_COLOR` (<https://no-color.org>: set and not empty), then `FORCE_COLOR` or
/// `CLICOLOR_FORCE` (set, not empty, not 0), then `TERM=dumb`, then whether it is a terminal.
pub(super) fn enabled(
    flag: When,
    variable: impl Fn(&str) -> Option<OsString>,
    is_terminal: bool,
) -> bool {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let forced = |name| set(name).is_some_and(|value| value != "0");
    match flag {
        When::Always => true,
        When::Never => false,
        When::Auto if set("NO_COLOR").is_some() => false,
        When::Auto if forced("FORCE_COLOR") || forced("CLICOLOR_FORCE") => true,
        When::Auto => is_terminal && variable("TERM").is_none_or(|term| term != "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(variables: &[(&str, &str)], is_terminal: bool) -> bool {
        given(When::Auto, variables, is_terminal)
    }

    fn given(flag: When, variables: &[(&str, &str)], is_terminal: bool) -> bool {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).into());
        enabled(flag, variable, is_terminal)
    }

    #[test]
    fn the_flag_wins_over_everything() {
        assert!(given(When::Always, &[("NO_COLOR", "1"), ("TERM", "dumb")], false));
        assert!(!given(When::Never, &[("FORCE_COLOR", "1")], true));
    }

    #[test]
    fn no_color_wins_over_force_and_an_empty_one_is_none() {
        assert!(!auto(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], true));
        assert!(auto(&[("NO_COLOR", "")], true));
    }

    #[test]
    fn force_wins_over_a_dumb_terminal_and_a_pipe() {
        assert!(auto(&[("FORCE_COLOR", "1"), ("TERM", "dumb")], false));
        assert!(auto(&[("CLICOLOR_FORCE", "1")], false));
        assert!(!auto(&[("CLICOLOR_FORCE", "0"), ("FORCE_COLOR", "")], false));
    }

    #[test]
    fn else_the_terminal_decides_unless_it_is_dumb() {
        assert!(auto(&[("TERM", "xterm")], true));
        assert!(auto(&[], true));
        assert!(!auto(&[("TERM", "dumb")], true));
        assert!(!auto(&[("TERM", "xterm")], false));
    }
}
