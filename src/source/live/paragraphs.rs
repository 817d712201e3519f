//! Paragraphs of a file: records of a few packages, out of a database of thousands.

use std::{io::Read, time::Instant};

use memchr::memmem;

use super::{file, slow::to_line_end};
use crate::source::Refusal;

/// Package databases are the largest files that are read.
const LIMIT: usize = 32 * 1024 * 1024;

/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;

/// Between two paragraphs.
const GAP: &[u8] = b"\n\n";

/// The paragraphs that have one of `lines`, each followed by an empty line. Of the file no more is held than its
/// longest paragraph.
pub(in crate::source) fn paragraphs(
    path: &str,
    lines: &[String],
    deadline: Instant,
) -> Result<Vec<u8>, Refusal> {
    let mut file = file::open(path)?;
    let wanted = Wanted::new(lines);
    let (mut held, mut found, mut total) = (Vec::with_capacity(2 * CHUNK), Vec::new(), 0);
    loop {
        let before = held.len();
        held.resize(before + CHUNK, 0);
        let read = file.read(&mut held[before..]).map_err(|e| file::refusal(&e))?;
        held.truncate(before + read);
        total += read;
        if read == 0 {
            wanted.find(&held, &mut found);
            return Ok(found);
        }
        if total > LIMIT {
            return Err(Refusal::TooLarge);
        }
        if Instant::now() >= deadline {
            return Err(Refusal::TimedOut);
        }
        let new = before.saturating_sub(1);
        if let Some(end) = memmem::rfind(&held[new..], GAP) {
            wanted.find(&held[..new + end], &mut found);
            held.drain(..new + end + GAP.len());
        }
    }
}

/// Lines to look for.
struct Wanted<'a> {
    lines: &'a [String],
    /// What all of them begin with: it is looked for, many bytes at a time.
    start: &'a [u8],
}

impl<'a> Wanted<'a> {
    fn new(lines: &'a [String]) -> Self {
        let (first, others) = lines
            .split_first()
            .map_or((&b""[..], lines), |(first, others)| (first.as_bytes(), others));
        let start = others.iter().fold(first, |start, line| {
            let same = start.iter().zip(line.as_bytes()).take_while(|(one, other)| one == other);
            &start[..same.count()]
        });
        Self { lines, start }
    }

    /// Appends the paragraphs in `content`, a file without what is before or after some of its gaps.
    fn find(&self, content: &[u8], found: &mut Vec<u8>) {
        if self.lines.is_empty() {
            return;
        }
        let mut seen = 0;
        for at in memmem::find_iter(content, self.start) {
            let begins = at == 0 || content[at - 1] == b'\n';
            if at < seen || !begins || !self.has(to_line_end(&content[at..])) {
                continue;
            }
            let begin = memmem::rfind(&content[..at], GAP).map_or(0, |gap| gap + GAP.len());
            let end = memmem::find(&content[at..], GAP).map_or(content.len(), |gap| at + gap);
            // Where a file begins or ends, its first or last line may be an empty one.
            let lines =
                content[begin..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            for line in lines {
                found.extend_from_slice(line);
                found.push(b'\n');
            }
            found.push(b'\n');
            seen = end;
        }
    }

    fn has(&self, line: &[u8]) -> bool {
        !line.is_empty() && self.lines.iter().any(|wanted| wanted.as_bytes() == line)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, time::Duration};

    use super::*;

    /// What it is to find, the plain way.
    fn plainly(content: &[u8], lines: &[String]) -> Vec<u8> {
        let mut found = Vec::new();
        let all: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
        for paragraph in all.split(|line| line.is_empty()) {
            if paragraph.iter().any(|line| lines.iter().any(|wanted| wanted.as_bytes() == *line)) {
                found.extend_from_slice(&paragraph.join(&b'\n'));
                found.extend_from_slice(GAP);
            }
        }
        found
    }

    #[test]
    fn paragraphs_are_found_whole_wherever_they_are() {
        let letters = [&b"P: a"[..], b"P: b", b"P", b"a", b"", b"", b"\n", b"V: 1"];
        arbtest::arbtest(|u| {
            let mut content = Vec::new();
            for _ in 0..u.int_in_range(0..=40)? {
                content.extend_from_slice(u.choose(&letters)?);
                content.push(b'\n');
            }
            content.truncate(content.len() - usize::from(u.arbitrary()? && !content.is_empty()));
            let lines: [&[&str]; 5] = [&[], &["P: a"], &["P: a", "P: b"], &["P: b", "a"], &["P"]];
            let lines: Vec<String> = u.choose(&lines)?.iter().map(|l| (*l).to_owned()).collect();
            let mut found = Vec::new();
            Wanted::new(&lines).find(&content, &mut found);
            assert_eq!(found, plainly(&content, &lines));
            Ok(())
        });
    }

    #[test]
    fn a_file_of_many_chunks_is_as_one() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut content = Vec::new();
        for number in 0..4000 {
            let text = "x".repeat(number % 97);
            content.extend_from_slice(format!("P: {number}\nV: {text}\n\n").as_bytes());
        }
        content.extend_from_slice(
            &[&b"P: long\n"[..], &b"y".repeat(3 * CHUNK), b"\n\nP: last"].concat(),
        );
        file.write_all(&content).unwrap();
        let mut lines: Vec<String> = (0..4000).map(|number| format!("P: {number}")).collect();
        lines.extend(["P: long".to_owned(), "P: last".to_owned()]);
        let soon = Instant::now() + Duration::from_secs(60);
        let found = paragraphs(file.path().to_str().unwrap(), &lines, soon).unwrap();
        assert!(found == [&content[..], GAP].concat());
    }
}
