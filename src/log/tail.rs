//! The last part of a log, which is where failures are.

use std::{
    borrow::Cow,
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

/// Bytes that are looked at, at most.
pub const LIMIT: usize = 16 * 1024 * 1024;

/// Bytes that are waited for, where a log comes through a pipe: who writes may never end.
const STREAM: u64 = 256 * 1024 * 1024;

/// Bytes of a line that are looked at: the half of it that it begins with, and the half that it ends with.
const LINE: usize = 64 * 1024;

const CHUNK: usize = 64 * 1024;

/// Up to here memory is taken as it is needed, and above it at once, so that it is not twice as much.
const SMALL: usize = 1024 * 1024;

/// The last part of a log.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    /// Bytes before it.
    pub(super) skipped: u64,
    /// Lines that end in them; `None` if they were not counted.
    pub(super) lines_before: Option<u64>,
    /// Whether there was more after it.
    pub(super) more: bool,
}

impl Tail {
    /// That of all of `input`.
    pub(super) fn of_stream(input: impl Read, limit: usize) -> io::Result<Self> {
        Self { lines_before: Some(0), ..Self::default() }.fill(input, limit, STREAM)
    }

    /// That of a file of `size` bytes, of which `begin` was read; of a large one the rest is not even read.
    pub(super) fn of_file(
        mut file: File,
        begin: impl Read,
        size: u64,
        limit: usize,
    ) -> io::Result<Self> {
        let Some(skipped) = size.checked_sub(limit as u64).filter(|skipped| *skipped > 0) else {
            return Self::of_stream(begin.chain(file), limit);
        };
        // The byte before says whether a line begins here.
        file.seek(SeekFrom::Start(skipped - 1))?;
        let mut before = [0];
        file.read_exact(&mut before)?;
        let mut tail = Self { skipped, ..Self::default() };
        if before != *b"\n" {
            // Stands for the line that is cut.
            tail.bytes.push_back(b'x');
            tail.skipped -= 1;
        }
        // What is added meanwhile is left for the next time.
        let mut tail = tail.fill(file.take(limit as u64), limit + 1, STREAM)?;
        tail.more = false;
        if before != *b"\n" {
            tail.drop_line();
        }
        Ok(tail)
    }

    fn fill(mut self, mut input: impl Read, limit: usize, most: u64) -> io::Result<Self> {
        let mut chunk = vec![0; CHUNK];
        let mut last = b'\n';
        let mut total = 0;
        loop {
            let read = match input.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                break;
            }
            if total >= most {
                self.more = true;
                break;
            }
            total += read as u64;
            if self.bytes.len() > SMALL {
                self.bytes.reserve_exact((limit + CHUNK).saturating_sub(self.bytes.len()));
            }
            self.bytes.extend(&chunk[..read]);
            let over = self.bytes.len().saturating_sub(limit);
            if over > 0 {
                last = self.bytes[over - 1];
                self.drop_bytes(over);
            }
        }
        if last != b'\n' {
            self.drop_line();
        }
        Ok(self)
    }

    /// What is left of a line that was begun before, unless that is all there is.
    fn drop_line(&mut self) {
        let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') else { return };
        if end + 1 < self.bytes.len() {
            self.drop_bytes(end + 1);
        }
    }

    fn drop_bytes(&mut self, number: usize) {
        let lines = self.bytes.range(..number).filter(|byte| **byte == b'\n').count() as u64;
        self.lines_before = self.lines_before.map(|before| before + lines);
        self.bytes.drain(..number);
        self.skipped += number as u64;
    }

    /// Bytes that are kept.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Its lines, of long ones what is looked at.
    pub(super) fn lines(&mut self) -> impl Iterator<Item = Cow<'_, [u8]>> {
        let bytes: &[u8] = self.bytes.make_contiguous();
        bytes.split_inclusive(|byte| *byte == b'\n').map(shortened)
    }
}

fn shortened(line: &[u8]) -> Cow<'_, [u8]> {
    if line.len() <= LINE {
        return Cow::Borrowed(line);
    }
    Cow::Owned([&line[..LINE / 2], " … ".as_bytes(), &line[line.len() - LINE / 2..]].concat())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(mut tail: Tail) -> (Vec<String>, Option<u64>, u64) {
        let lines = tail.lines().map(|line| String::from_utf8_lossy(&line).trim_end().to_owned());
        (lines.collect(), tail.lines_before, tail.skipped)
    }

    #[test]
    fn whole_lines_of_the_end_are_kept_and_what_is_before_them_is_counted() {
        let stream = |limit| lines(Tail::of_stream(&b"one\ntwo\nthree\n"[..], limit).unwrap());
        let three = || vec!["three".to_owned()];
        assert_eq!(stream(100).0.len(), 3);
        assert_eq!(stream(14), (vec!["one".into(), "two".into(), "three".into()], Some(0), 0));
        assert_eq!(stream(6), (three(), Some(2), 8));
        assert_eq!(stream(8), (three(), Some(2), 8));
        assert_eq!(stream(10).0, ["two", "three"]);
        // A line that is longer than all that is kept.
        assert_eq!(stream(3).0, ["ee"]);
    }

    #[test]
    fn of_a_file_the_end_is_the_same_without_a_count() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one\ntwo\nthree\n").unwrap();
        let tail = |limit| {
            lines(Tail::of_file(file.try_clone().unwrap(), io::empty(), 14, limit).unwrap())
        };
        assert_eq!(tail(6), (vec!["three".to_owned()], None, 8));
        assert_eq!(tail(8), (vec!["three".to_owned()], None, 8));
        assert_eq!(tail(10).0, ["two", "three"]);
    }

    #[test]
    fn an_endless_stream_ends_and_of_an_endless_line_both_ends_are_seen() {
        let tail = Tail::default().fill(io::repeat(b'e'), 1 << 18, 1 << 20).unwrap();
        assert!(tail.more && tail.bytes.len() == 1 << 18);
        assert_eq!(lines(tail).0[0].len(), LINE + " … ".len());
    }
}
