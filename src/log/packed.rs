//! Logs that are packed with gzip.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;

/// The first two bytes, or fewer if there are fewer.
pub(super) fn begin(input: &mut impl Read) -> io::Result<io::Cursor<Vec<u8>>> {
    let mut begin = Vec::new();
    input.take(2).read_to_end(&mut begin)?;
    Ok(io::Cursor::new(begin))
}

pub(super) fn is_gzip(begin: &io::Cursor<Vec<u8>>) -> bool {
    begin.get_ref() == b"\x1f\x8b"
}

/// What was packed, up to where it is damaged or cut off: what is before that is a log, too.
pub(super) fn unpacked(input: impl Read) -> impl Read {
    Readable(MultiGzDecoder::new(BufReader::new(input)))
}

struct Readable<R>(R);

impl<R: Read> Read for Readable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(error) if is_damage(&error) => Ok(0),
            read => read,
        }
    }
}

fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use crate::log::{Texts, read};

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_packed_is_read_as_what_it_was_and_of_damaged_what_can_be() {
        let texts = Texts::of(dind_doctor_checks::registry::all());
        let seen = |bytes: &[u8]| {
            let log = read(bytes, &texts).unwrap();
            (log.lines, log.matches.len(), log.is_cut())
        };
        let twice = [packed(b"one\nMounts denied\n"), packed(b"three\n")].concat();
        assert_eq!(seen(&twice), (3, 1, false));
        assert_eq!(seen(&twice[..twice.len() - 9]).1, 1);
        assert_eq!(seen(b"\x1f\x8b"), (0, 0, false));
        assert_eq!(seen(b"\x1f"), (1, 0, false));
        // A bomb is as long as what is waited for from a stream.
        let bomb = packed(&vec![b'e'; 300 * 1024 * 1024]);
        assert!(seen(&bomb).2);
    }
}
