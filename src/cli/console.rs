//! What the streams of this process are.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
};

use super::{
    color::{self, When},
    exit::Trouble,
    unless_closed,
};
use crate::render::table::View;

/// Text is not laid out in fewer or more columns than these.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=160;

/// What the streams of a process are, and its environment.
#[derive(Debug)]
pub struct Console {
    /// Whether standard output is a terminal.
    pub out_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub err_is_terminal: bool,
    /// Columns of the terminal at standard output.
    pub columns: Option<u16>,
    /// Looks up an environment variable.
    pub variable: fn(&str) -> Option<OsString>,
}

impl Console {
    /// That of this process.
    pub fn of_process() -> Self {
        let size = terminal_size::terminal_size_of(io::stdout());
        Self {
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal: io::stderr().is_terminal(),
            columns: size.map(|(width, _)| width.0),
            variable: |name| std::env::var_os(name),
        }
    }

    /// Whether standard output is coloured.
    pub(super) fn color(&self, flag: When) -> bool {
        color::enabled(flag, self.variable, self.out_is_terminal)
    }

    /// Whether standard error is coloured.
    pub(super) fn error_color(&self) -> bool {
        color::enabled(When::Auto, self.variable, self.err_is_terminal)
    }

    /// Columns: `COLUMNS`, else the terminal's, else 80.
    pub(super) fn width(&self) -> usize {
        let given = (self.variable)("COLUMNS").and_then(|c| c.to_str()?.parse().ok());
        let width = given.or_else(|| self.columns.map(usize::from));
        width
            .filter(|columns| *columns > 0)
            .unwrap_or(View::DEFAULT_WIDTH)
            .clamp(*WIDTHS.start(), *WIDTHS.end())
    }

    /// Writes text for people to standard output, without its styles where that is not coloured.
    pub(super) fn print(
        &self,
        flag: When,
        out: &mut dyn Write,
        render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Trouble> {
        unless_closed(styled(self.color(flag), out, render))
    }
}

/// Lets `render` write to `out`, with or without styles.
pub(super) fn styled(
    colored: bool,
    out: &mut dyn Write,
    render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if colored {
        return render(out);
    }
    let mut text = Vec::new();
    render(&mut text)?;
    out.write_all(&anstream::adapter::strip_bytes(&text).into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn width(columns: Option<u16>, variable: fn(&str) -> Option<OsString>) -> usize {
        Console { out_is_terminal: true, err_is_terminal: true, columns, variable }.width()
    }

    #[test]
    fn columns_then_the_terminal_then_80() {
        assert_eq!(width(Some(120), |_| Some("100".into())), 100);
        assert_eq!(width(Some(120), |_| None), 120);
        assert_eq!(width(Some(120), |_| Some("wide".into())), 120);
        assert_eq!(width(None, |_| None), 80);
        assert_eq!(width(Some(0), |_| None), 80);
        assert_eq!(width(Some(3), |_| None), 40);
        assert_eq!(width(Some(999), |_| None), 160);
    }
}
