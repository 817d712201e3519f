//! What a run is at, on a line of a terminal's standard error that is gone when it ends.

use std::io::{self, Write};

use super::Console;
use crate::text::escape;

/// Carriage return, and erase the line: what every terminal since the VT100 does.
const ERASE: &str = "\r\x1b[K";

/// The line; nothing where standard error is no terminal, or one that cannot erase.
pub(super) struct Progress<W: Write = io::Stderr> {
    err: W,
    /// Columns that it has, none if it is not shown.
    columns: Option<usize>,
    shown: bool,
}

impl Progress {
    /// On the stream itself: what else is written there has no control characters left.
    pub(super) fn begin(console: &Console) -> Self {
        Self::over(io::stderr(), console)
    }
}

impl<W: Write> Progress<W> {
    fn over(err: W, console: &Console) -> Self {
        let dumb = (console.variable)("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let columns = (console.err_is_terminal && !dumb).then(|| console.width());
        Self { err, columns, shown: false }
    }

    /// What is being done from now on. Who cannot be told has it done anyway.
    pub(super) fn at(&mut self, what: &str) {
        let Some(columns) = self.columns else { return };
        let text = format!("doctor: {} …", escape(what));
        let text: String = text.chars().take(columns.saturating_sub(1)).collect();
        let _ = write!(self.err, "{ERASE}{text}");
        let _ = self.err.flush();
        self.shown = true;
    }
}

/// Takes the line away, before anything else is written.
impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(self.err, "{ERASE}");
            let _ = self.err.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn shown(err_is_terminal: bool, variable: fn(&str) -> Option<OsString>) -> String {
        let console =
            Console { out_is_terminal: true, err_is_terminal, columns: Some(40), variable };
        let mut err = Vec::new();
        {
            let mut progress = Progress::over(&mut err, &console);
            progress.at("trying \x1b[31m");
            progress.at(&"x".repeat(100));
        }
        String::from_utf8(err).unwrap()
    }

    fn xterm(name: &str) -> Option<OsString> {
        (name == "TERM").then(|| "xterm".into())
    }

    #[test]
    fn one_line_is_written_over_and_erased_and_holds_nothing_raw() {
        let text = shown(true, xterm);
        assert!(text.starts_with("\r\x1b[Kdoctor: trying \\"), "{text:?}");
        assert!(text.ends_with(&format!("{}\r\x1b[K", "x".repeat(31))), "{text:?}");
        assert!(!text.contains('\n') && !text.contains("[31m\x1b"), "{text:?}");
    }

    #[test]
    fn pipes_and_dumb_terminals_get_nothing() {
        assert_eq!(shown(false, xterm), "");
        assert_eq!(shown(true, |name| (name == "TERM").then(|| "dumb".into())), "");
        assert_eq!(shown(true, |_| None), "");
    }
}
