//! Reads a log.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read},
};

use super::{
    level,
    line::{self, Line},
    texts::{Text, Texts},
};

/// Bytes that are read at most.
pub const LIMIT: u64 = 16 * 1024 * 1024;

/// So many of the lines that nothing is known about are kept: what a daemon died of comes last.
const FEW: usize = 2;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its number, from 1.
    pub line: u64,
    /// What it says, without colours and quoting; of a long line the part that matters.
    pub excerpt: String,
}

impl Place {
    /// Whether the text can be read in the excerpt.
    pub fn shows(&self, text: &str) -> bool {
        line::canonical(&self.excerpt).contains(&line::canonical(text))
    }
}

/// A text that was found.
#[derive(Debug)]
pub struct Match<'a> {
    /// Which.
    pub text: &'a Text,
    /// Where first.
    pub first: Place,
    /// How many lines have it.
    pub lines: u64,
    /// Whether one of those lines says that something failed, and not only warns or informs.
    pub failed: bool,
}

/// What is in a log.
#[derive(Debug, Default)]
pub struct Log<'a> {
    /// Lines that were read.
    pub lines: u64,
    /// Whether there was more than [`LIMIT`].
    pub cut: bool,
    /// The texts that were found, in the order in which they first appear.
    pub matches: Vec<Match<'a>>,
    /// How many lines look like errors and have no known text.
    pub unrecognised: u64,
    /// The last of those lines.
    pub last_unrecognised: VecDeque<Place>,
}

/// Reads a log and looks for the texts. Errors are those of the input.
pub fn read(input: impl Read, texts: &Texts) -> io::Result<Log<'_>> {
    read_up_to(LIMIT, input, texts)
}

fn read_up_to(limit: u64, input: impl Read, texts: &Texts) -> io::Result<Log<'_>> {
    let mut log = Log::default();
    // Where in the matches each text is.
    let mut places = vec![None; texts.iter().count()];
    let mut input = BufReader::new(input.take(limit));
    let mut bytes = Vec::new();
    while input.read_until(b'\n', &mut bytes)? > 0 {
        log.lines += 1;
        let line = Line::new(&bytes);
        bytes.clear();
        let found = texts.find(&line);
        let failed = level::is_error(line.canonical());
        if found.is_empty() && failed {
            log.unrecognised += 1;
            log.last_unrecognised.push_back(Place { line: log.lines, excerpt: line.excerpt(0..0) });
            if log.last_unrecognised.len() > FEW {
                log.last_unrecognised.pop_front();
            }
        }
        for (at, range) in found {
            if let Some(known) = places[at] {
                let known: &mut Match<'_> = &mut log.matches[known];
                known.lines += 1;
                known.failed |= failed;
            } else {
                places[at] = Some(log.matches.len());
                let first = Place { line: log.lines, excerpt: line.excerpt(range) };
                log.matches.push(Match { text: texts.get(at), first, lines: 1, failed });
            }
        }
    }
    let mut rest = input.into_inner().into_inner();
    log.cut = loop {
        match rest.read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result? > 0,
        }
    };
    Ok(log)
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::registry;

    use super::*;

    fn log(texts: &Texts, limit: u64, content: &[u8]) -> (u64, bool, Vec<(String, u64, u64)>, u64) {
        let log = read_up_to(limit, content, texts).unwrap();
        let found = log.matches.iter();
        let found = found.map(|m| (m.text.text.to_owned(), m.first.line, m.lines)).collect();
        (log.lines, log.cut, found, log.unrecognised)
    }

    #[test]
    fn each_text_is_found_once_with_its_first_line() {
        let texts = Texts::of(registry::all());
        let content = b"start\r\nMounts denied:\nx\n\xff mounts DENIED\n\nlevel=error msg=odd";
        let found = ("Mounts denied".to_owned(), 2, 2);
        assert_eq!(log(&texts, 1000, content), (6, false, vec![found], 1));
        assert_eq!(log(&texts, 1000, b""), (0, false, vec![], 0));
    }

    #[test]
    fn what_is_cut_is_said() {
        let texts = Texts::of(registry::all());
        assert_eq!(log(&texts, 8, b"one\ntwo\n"), (2, false, vec![], 0));
        assert_eq!(log(&texts, 8, b"one\ntwo\nt"), (2, true, vec![], 0));
        let endless = read_up_to(1 << 16, io::repeat(b'e'), &texts).unwrap();
        assert!(endless.cut && endless.lines == 1);
    }

    #[test]
    fn of_unknown_errors_the_last_are_kept() {
        let texts = Texts::of(registry::all());
        let content = "E1: error a\nerror b\nfine\nerror c\n";
        let log = read(content.as_bytes(), &texts).unwrap();
        assert_eq!(log.unrecognised, 3);
        let kept: Vec<_> = log.last_unrecognised.iter().map(|p| (p.line, &*p.excerpt)).collect();
        assert_eq!(kept, [(2, "error b"), (4, "error c")]);
    }
}
