//! Help, mistakes in the command line, and panics: what is not said by a command.

use std::io::{self, Write};

use super::{Console, ExitCode, When, unless_closed};
use crate::{
    isolated,
    text::{Visible, escape},
};

/// Help and version are data; usage errors are not.
pub(super) fn print(
    error: &clap::Error,
    console: &Console,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        // What is coloured is the doctor's own: see `command::parse`.
        let plain = text.to_string();
        // Nobody is left to be told if this fails.
        let _ = if console.error_color() && !error_is_hostile(&plain) {
            err.write_all(text.ansi().to_string().as_bytes())
        } else {
            Visible(err).write_all(plain.as_bytes())
        };
        return ExitCode::Failure;
    }
    let colored = console.color(When::Auto);
    let text = if colored { text.ansi().to_string() } else { text.to_string() };
    match unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush())) {
        Ok(()) => ExitCode::Success,
        Err(_) => ExitCode::Failure,
    }
}

/// Whether something is in it that is neither text nor a line.
fn error_is_hostile(plain: &str) -> bool {
    plain.lines().any(|line| matches!(escape(line), std::borrow::Cow::Owned(_)))
}

/// Panics are said in one line, in which nothing controls the terminal: a parser panics with what it has parsed.
pub(super) fn escape_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line()));
        let message = isolated::words(info.payload()).unwrap_or("no message");
        let (message, place) = (escape(message), place.unwrap_or_default());
        // Nobody is left to be told if this fails.
        let _ = writeln!(io::stderr(), "doctor: panicked{place}: {message}; please report it");
    }));
}
