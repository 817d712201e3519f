//! How much memory a bundle may take, whatever it says.

use std::io;

/// Bytes for all of it together: manifest, bodies, and what its lines become when they are read.
pub(super) const LIMIT: usize = 256 * 1024 * 1024;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Budget {
    pub(super) const fn new() -> Self {
        Self(LIMIT)
    }

    /// What may still be taken.
    pub(super) const fn left(&self) -> usize {
        self.0
    }

    /// Takes `bytes`, or says that there are not so many.
    pub(super) fn take(&mut self, bytes: usize) -> io::Result<()> {
        self.0 = self.0.checked_sub(bytes).ok_or_else(too_large)?;
        Ok(())
    }

    /// All of `input`, which has `size` bytes if it is honest.
    pub(super) fn read(&mut self, input: impl io::Read, size: u64) -> io::Result<Vec<u8>> {
        if size > self.0 as u64 {
            return Err(too_large());
        }
        let mut content = Vec::new();
        content.try_reserve_exact(usize::try_from(size).unwrap_or_default())?;
        io::Read::read_to_end(&mut io::Read::take(input, self.0 as u64 + 1), &mut content)?;
        self.take(content.len())?;
        Ok(content)
    }
}

pub(super) fn too_large() -> io::Error {
    io::Error::other(format!("more than {} MiB when it is unpacked", LIMIT / 1024 / 1024))
}
