//! A stream on which nothing controls the terminal.

use std::io::{self, Write};

use super::{escape, escape::is_unsafe};

/// Passes text on with everything made visible that a terminal could take for something else; lines stay
/// lines. What is said on standard error may hold names, paths and words of files from anywhere: whoever forgets
/// to escape one there is caught here.
///
/// Each call is text of its own: a character that is cut in two becomes two that say so.
pub(crate) struct Visible<W>(pub(crate) W);

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        if text.contains(|c| c != '\n' && is_unsafe(c)) {
            let lines: Vec<_> = text.split('\n').map(escape).collect();
            self.0.write_all(lines.join("\n").as_bytes())?;
        } else {
            self.0.write_all(text.as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        Visible(&mut out).write_all(bytes).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_lines_and_text_pass() {
        assert_eq!(shown("größe\n中文\n".as_bytes()), "größe\n中文\n");
        assert_eq!(shown(b"a\x1b[2J\r\nb\x07\xff"), "a\\x1b[2J\\r\nb\\x07\u{fffd}");
        assert_eq!(shown("\u{202e}\u{9b}".as_bytes()), "\\u{202e}\\u{9b}");
    }
}
