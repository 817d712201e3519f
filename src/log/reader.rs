//! Reads a log.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read},
};

use super::{
    level,
    line::{self, Line},
    tail::{LIMIT, Tail},
    texts::{Text, Texts},
};

/// So many of the lines that nothing is known about are kept: what a daemon died of comes last.
const FEW: usize = 2;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its number, from 1: in the whole log, or in what was read where [`Log::lines_before`] is not known.
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
    /// Bytes before what was read.
    pub skipped: u64,
    /// Lines in them; `None` if they were not counted.
    pub lines_before: Option<u64>,
    /// Whether there was more after what was read, from somebody who does not end.
    pub more: bool,
    /// The texts that were found, in the order in which they first appear.
    pub matches: Vec<Match<'a>>,
    /// How many lines look like errors and have no known text.
    pub unrecognised: u64,
    /// The last of those lines.
    pub last_unrecognised: VecDeque<Place>,
}

impl Log<'_> {
    /// Whether not all of it was read.
    pub const fn is_cut(&self) -> bool {
        self.skipped > 0 || self.more
    }
}

/// Reads a log and looks for the texts in the last part of it. Errors are those of the input.
pub fn read(input: impl Read, texts: &Texts) -> io::Result<Log<'_>> {
    Ok(search(Tail::of_stream(input, LIMIT)?, texts))
}

/// The same of a file of `size` bytes.
pub fn read_file(file: File, size: u64, texts: &Texts) -> io::Result<Log<'_>> {
    Ok(search(Tail::of_file(file, size, LIMIT)?, texts))
}

fn search(mut tail: Tail, texts: &Texts) -> Log<'_> {
    let mut log = Log {
        skipped: tail.skipped,
        lines_before: tail.lines_before,
        more: tail.more,
        ..Log::default()
    };
    // Where in the matches each text is.
    let mut places = vec![None; texts.iter().count()];
    let first = tail.lines_before.unwrap_or_default() + 1;
    for (number, bytes) in (first..).zip(tail.lines()) {
        log.lines += 1;
        let line = Line::new(&bytes);
        let found = texts.find(&line);
        let failed = level::is_error(line.canonical());
        if found.is_empty() && failed {
            log.unrecognised += 1;
            log.last_unrecognised.push_back(Place { line: number, excerpt: line.excerpt(0..0) });
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
                let first = Place { line: number, excerpt: line.excerpt(range) };
                log.matches.push(Match { text: texts.get(at), first, lines: 1, failed });
            }
        }
    }
    log
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::registry;

    use super::*;

    fn log(
        texts: &Texts,
        limit: usize,
        content: &[u8],
    ) -> (u64, bool, Vec<(String, u64, u64)>, u64) {
        let log = search(Tail::of_stream(content, limit).unwrap(), texts);
        let found = log.matches.iter();
        let found = found.map(|m| (m.text.text.to_owned(), m.first.line, m.lines)).collect();
        (log.lines, log.is_cut(), found, log.unrecognised)
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
        let found = ("Mounts denied".to_owned(), 3, 1);
        let content = b"Mounts denied\ntwo\nMounts denied\n";
        assert_eq!(
            log(&texts, 20, content),
            (2, true, vec![("Mounts denied".to_owned(), 3, 1)], 0)
        );
        assert_eq!(log(&texts, 14, content), (1, true, vec![found], 0));
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
