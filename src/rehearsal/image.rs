//! The image of the rehearsed container: this program, and an empty file of another user, since images have such.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
};

/// Its name in the image.
pub(super) const NAME: &str = "doctor";

/// The file of another user, and its ids: who has only one id cannot unpack it, and no image of a distribution either.
const OTHER: &str = "other";
const OTHER_USER: u64 = 100;
const OTHER_GROUP: u64 = 101;

/// Tar is made of blocks.
const BLOCK: u64 = 512;

/// `PT_INTERP`: such a program needs more files than itself.
const INTERPRETER: u32 = 3;

/// This program, if it needs no other file.
pub(super) fn program() -> Result<File, String> {
    let file = File::open("/proc/self/exe").map_err(|error| format!("this program: {error}"))?;
    match has_interpreter(&file) {
        Ok(false) => Ok(file),
        Ok(true) => Err("this doctor is not static: it is no image by itself".to_owned()),
        Err(error) => Err(format!("this program: {error}")),
    }
}

fn has_interpreter(file: &File) -> io::Result<bool> {
    let mut head = [0; 64];
    file.read_exact_at(&mut head, 0)?;
    if head[..5] != *b"\x7fELF\x02" {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let number = |at: usize| u16::from_ne_bytes([head[at], head[at + 1]]);
    let begin = head[32..40].try_into().map(u64::from_ne_bytes).unwrap_or_default();
    let (size, count) = (u64::from(number(54)), u64::from(number(56)));
    for at in 0..count {
        let mut kind = [0; 4];
        file.read_exact_at(&mut kind, begin + at * size)?;
        if u32::from_ne_bytes(kind) == INTERPRETER {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Bytes of the archive of a program.
pub(super) fn length(program: &File) -> io::Result<u64> {
    Ok(2 * BLOCK + program.metadata()?.len().next_multiple_of(BLOCK) + 2 * BLOCK)
}

/// The archive: a file that everybody may execute, and the other.
pub(super) fn write(mut program: &File, out: &mut impl Write) -> io::Result<()> {
    let size = program.metadata()?.len();
    let mut header = tar::Header::new_gnu();
    header.set_path(OTHER)?;
    header.set_size(0);
    header.set_mode(0o644);
    header.set_uid(OTHER_USER);
    header.set_gid(OTHER_GROUP);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    let mut header = tar::Header::new_gnu();
    header.set_path(NAME)?;
    header.set_size(size);
    header.set_mode(0o755);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    program.seek(SeekFrom::Start(0))?;
    let copied = io::copy(&mut program.take(size), out)?;
    if copied != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let padding = size.next_multiple_of(BLOCK) - size + 2 * BLOCK;
    io::copy(&mut io::repeat(0).take(padding), out)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_as_long_as_it_says_and_holds_the_program() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&[7; 700], 0).unwrap();
        let mut out = Vec::new();
        write(&file, &mut out).unwrap();
        assert_eq!(out.len() as u64, length(&file).unwrap());
        let mut archive = tar::Archive::new(&out[..]);
        let mut entries = archive.entries().unwrap();
        let other = entries.next().unwrap().unwrap();
        assert_eq!((other.header().uid().unwrap(), other.header().gid().unwrap()), (100, 101));
        let mut entry = entries.next().unwrap().unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!((content, entry.header().mode().unwrap()), (vec![7; 700], 0o755));
        assert_eq!(entry.path().unwrap().to_str(), Some(NAME));
        assert!(entries.next().is_none());
    }

    #[test]
    fn a_program_with_an_interpreter_is_no_image() {
        assert!(has_interpreter(&File::open("/bin/sh").unwrap()).unwrap());
        assert!(has_interpreter(&File::open("/etc/passwd").unwrap()).is_err());
    }
}
