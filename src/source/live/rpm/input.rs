//! Bounded reads at offsets.

use std::{fs::File, os::unix::fs::FileExt, time::Instant};

use crate::source::Refusal;

/// A file that is read piece by piece, until the deadline.
pub(super) struct Input<'a> {
    file: &'a File,
    size: u64,
    deadline: Instant,
}

impl<'a> Input<'a> {
    /// Refuses a file of more than `limit` bytes.
    pub(super) fn new(file: &'a File, limit: u64, deadline: Instant) -> Result<Self, Refusal> {
        let size = file.metadata().map_err(|e| super::super::file::refusal(&e))?.len();
        if size > limit { Err(Refusal::TooLarge) } else { Ok(Self { file, size, deadline }) }
    }

    /// Bytes of the file when it was opened.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// `length` bytes at `offset`; a file that is too short for them is malformed.
    pub(super) fn at(&self, offset: u64, length: usize) -> Result<Vec<u8>, Refusal> {
        if Instant::now() >= self.deadline {
            return Err(Refusal::TimedOut);
        }
        let end = offset.checked_add(length as u64).ok_or(Refusal::Malformed)?;
        if end > self.size {
            return Err(Refusal::Malformed);
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset).map_err(|error| match error.kind() {
            // It has become shorter.
            std::io::ErrorKind::UnexpectedEof => Refusal::Malformed,
            _ => super::super::file::refusal(&error),
        })?;
        Ok(bytes)
    }
}

/// A value in a database, from its beginning: what is not asked for is not read.
pub(super) trait Blob {
    /// The next bytes, at least one; empty at the end.
    fn next(&mut self) -> Result<Vec<u8>, Refusal>;
}

/// What a database calls for each header.
pub(super) type Visit<'a> = dyn FnMut(&mut dyn Blob) -> Result<(), Refusal> + 'a;

/// The beginning of a blob.
pub(super) struct Prefix<'a> {
    blob: &'a mut dyn Blob,
    bytes: Vec<u8>,
}

impl<'a> Prefix<'a> {
    /// Nothing is read yet.
    pub(super) fn of(blob: &'a mut dyn Blob) -> Self {
        Self { blob, bytes: Vec::new() }
    }

    /// The first `length` bytes, or as many as there are.
    pub(super) fn up_to(&mut self, length: usize) -> Result<&[u8], Refusal> {
        while self.bytes.len() < length {
            let next = self.blob.next()?;
            if next.is_empty() {
                break;
            }
            self.bytes.extend_from_slice(&next);
        }
        Ok(&self.bytes[..length.min(self.bytes.len())])
    }

    /// What was read from `from` on.
    pub(super) fn into_rest(mut self, from: usize) -> Vec<u8> {
        self.bytes.split_off(from.min(self.bytes.len()))
    }

    /// `length` bytes from `from` on, all of them.
    pub(super) fn range(&mut self, from: usize, length: usize) -> Result<&[u8], Refusal> {
        let end = from.checked_add(length).ok_or(Refusal::Malformed)?;
        self.up_to(end)?.get(from..end).ok_or(Refusal::Malformed)
    }
}

/// A number of four bytes, in this order of bytes.
pub(super) fn u32_at(bytes: &[u8], at: usize, from: fn([u8; 4]) -> u32) -> Result<u32, Refusal> {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .map(|chunk| from(*chunk))
        .ok_or(Refusal::Malformed)
}

/// A number of two bytes, in this order of bytes.
pub(super) fn u16_at(bytes: &[u8], at: usize, from: fn([u8; 2]) -> u16) -> Result<usize, Refusal> {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .map(|chunk| usize::from(from(*chunk)))
        .ok_or(Refusal::Malformed)
}
