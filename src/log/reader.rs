//! Reads a log.

use std::{
    collections::{BTreeSet, VecDeque},
    fs::File,
    io::{self, Read},
    sync::Arc,
};

use super::{
    frame, host, journal, level,
    line::Line,
    packed,
    tail::{LIMIT, Tail},
    texts::{Found, Subject, Text, Texts},
};

/// So many of the lines that nothing is known about are kept: what a daemon died of comes last.
const FEW: usize = 3;

/// So many hosts are remembered.
const HOSTS: usize = 64;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file in the directory that was read; `None` if a single file was.
    pub file: Option<Arc<str>>,
    /// Its number, from 1: in the whole file, or in what was read where [`Log::lines_before`] is not known.
    pub line: u64,
    /// What it says, without colours and quoting; of a long line the part that matters.
    pub excerpt: String,
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

/// A line that looks like an error and has no known text.
#[derive(Debug)]
pub struct Unrecognised {
    /// Where last.
    pub last: Place,
    /// How many lines say the same but for numbers.
    pub lines: u64,
    fingerprint: String,
}

/// What is in a log.
#[derive(Debug)]
pub struct Log<'a> {
    texts: &'a Texts,
    /// Lines that were read.
    pub lines: u64,
    /// Bytes before what was read.
    pub skipped: u64,
    /// Lines in them; `None` if they were not counted.
    pub lines_before: Option<u64>,
    /// Whether there was more after what was read, from somebody who does not end.
    pub more: bool,
    /// Files that were read, if it is a directory.
    pub files: Option<u64>,
    /// What of the directory was not read, and why; not more than a few.
    pub left_out: Vec<(String, String)>,
    /// How much was not.
    pub left_out_count: u64,
    /// The texts that were found, in the order in which they first appear.
    pub matches: Vec<Match<'a>>,
    /// How many lines look like errors and have no known text.
    pub unrecognised: u64,
    /// The last of those lines, alike ones once.
    pub last_unrecognised: VecDeque<Unrecognised>,
    /// The hosts that syslog and journal name as those that wrote it.
    pub hosts: BTreeSet<String>,
}

impl<'a> Log<'a> {
    pub(super) fn new(texts: &'a Texts) -> Self {
        Self {
            texts,
            lines: 0,
            skipped: 0,
            lines_before: Some(0),
            more: false,
            files: None,
            left_out: Vec::new(),
            left_out_count: 0,
            matches: Vec::new(),
            unrecognised: 0,
            last_unrecognised: VecDeque::new(),
            hosts: BTreeSet::new(),
        }
    }

    /// Whether not all of it was read.
    pub const fn is_cut(&self) -> bool {
        self.skipped > 0 || self.more
    }

    /// What was looked for.
    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject> + 'a {
        self.texts.subjects()
    }

    /// Looks for the texts in one more file.
    pub(super) fn add(&mut self, mut tail: Tail, file: Option<&Arc<str>>) {
        self.skipped += tail.skipped;
        self.lines_before = tail.lines_before;
        self.more |= tail.more;
        let first = tail.lines_before.unwrap_or_default() + 1;
        let mut search = self.texts.search();
        // Where in the matches each text is.
        let mut places = vec![None; self.texts.len()];
        for (at, known) in self.matches.iter().enumerate() {
            if let Some(place) = self.texts.place(known.text) {
                places[place] = Some(at);
            }
        }
        let is_export = tail.lines().take(100).any(|line| journal::is_export(&line));
        for (number, bytes) in (first..).zip(tail.lines()) {
            self.lines += 1;
            let line = if is_export {
                match journal::field(&bytes) {
                    journal::Field::Message(message) => Line::new(message),
                    journal::Field::Host(name) => {
                        self.host(&String::from_utf8_lossy(name));
                        continue;
                    }
                    journal::Field::Other => continue,
                }
            } else {
                Line::new(&bytes)
            };
            if let Some(host) = host::of(&bytes, line.text()) {
                self.host(&host);
            }
            let Found::Texts(found) = search.find(&line) else { continue };
            let place =
                |range| Place { file: file.cloned(), line: number, excerpt: line.excerpt(range) };
            let failed = level::is_error(line.canonical());
            if found.is_empty() && failed && !frame::is_frame(line.text()) {
                self.unrecognised += 1;
                remember(&mut self.last_unrecognised, place(0..0), line.canonical());
            }
            for (at, range) in found {
                if let Some(known) = places[at] {
                    let known: &mut Match<'_> = &mut self.matches[known];
                    known.lines += 1;
                    known.failed |= failed;
                } else {
                    places[at] = Some(self.matches.len());
                    let first = place(range);
                    self.matches.push(Match { text: self.texts.get(at), first, lines: 1, failed });
                }
            }
        }
    }

    fn host(&mut self, name: &str) {
        if self.hosts.len() < HOSTS && !self.hosts.contains(name) {
            self.hosts.insert(name.to_owned());
        }
    }
}

/// Keeps the last few that differ in more than numbers.
fn remember(last: &mut VecDeque<Unrecognised>, place: Place, canonical: &str) {
    let fingerprint = fingerprint(canonical);
    let before = last.iter().position(|known| known.fingerprint == fingerprint);
    let before = before.and_then(|at| last.remove(at));
    let lines = before.map_or(0, |known| known.lines) + 1;
    last.push_back(Unrecognised { last: place, lines, fingerprint });
    if last.len() > FEW {
        last.pop_front();
    }
}

/// The same for lines that differ only in times, ids and numbers; of a long one what it begins with.
fn fingerprint(canonical: &str) -> String {
    const LONGEST: usize = 400;
    let words = canonical.split([' ', '=', ':', '/', '-', '.', ',', '(', ')', '[', ']']);
    let plain =
        words.filter(|word| !word.is_empty() && !word.contains(|c: char| c.is_ascii_digit()));
    let mut text = String::new();
    for word in plain {
        if text.len() > LONGEST {
            break;
        }
        text.push_str(word);
        text.push(' ');
    }
    text
}

/// Reads a log and looks for the texts in the last part of it. Errors are those of the input.
pub fn read(input: impl Read, texts: &Texts) -> io::Result<Log<'_>> {
    let mut log = Log::new(texts);
    log.add(tail_of_stream(input)?, None);
    Ok(log)
}

/// The same of a file of `size` bytes.
pub fn read_file(file: File, size: u64, texts: &Texts) -> io::Result<Log<'_>> {
    let mut log = Log::new(texts);
    log.add(tail_of_file(file, size, LIMIT)?, None);
    Ok(log)
}

/// The last part, unpacked if it is packed with gzip.
fn tail_of_stream(mut input: impl Read) -> io::Result<Tail> {
    let begin = packed::begin(&mut input)?;
    if packed::is_gzip(&begin) {
        return Tail::of_stream(packed::unpacked(begin.chain(input)), LIMIT);
    }
    Tail::of_stream(begin.chain(input), LIMIT)
}

/// The last `limit` bytes, unpacked if it is packed with gzip.
pub(super) fn tail_of_file(mut file: File, size: u64, limit: usize) -> io::Result<Tail> {
    let begin = packed::begin(&mut file)?;
    if packed::is_gzip(&begin) {
        return Tail::of_stream(packed::unpacked(begin.chain(file)), limit);
    }
    Tail::of_file(file, begin, size, limit)
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
        let mut log = Log::new(texts);
        log.add(Tail::of_stream(content, limit).unwrap(), None);
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
        let content = "E1: error a\nerror 1\nerror b 7\nfine\nerror b 8\nerror c\n";
        let log = read(content.as_bytes(), &texts).unwrap();
        assert_eq!(log.unrecognised, 5);
        let kept: Vec<_> =
            log.last_unrecognised.iter().map(|p| (p.last.line, &*p.last.excerpt)).collect();
        assert_eq!(kept, [(2, "error 1"), (5, "error b 8"), (6, "error c")]);
        assert_eq!(log.last_unrecognised[1].lines, 2);
    }
}
