//! A bundle as a `.tar.gz`.

use std::{
    io::{self, BufReader, Read, Write},
    sync::Arc,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use tar::EntryType;

use super::{
    budget::{Budget, LIMIT, too_large},
    manifest::{MANIFEST, Parts, is_body},
};

/// Reads an archive. Nothing in it is ever written under its name, and only two shapes of names are read; what is
/// no regular file and might be meant is refused, whatever it would unpack to.
pub(super) fn read(file: impl Read, budget: &mut Budget) -> io::Result<Parts> {
    let unpacked = Bounded { inner: GzDecoder::new(BufReader::new(file)), left: LIMIT };
    let mut archive = tar::Archive::new(unpacked);
    let mut parts = Parts::default();
    let mut has_manifest = false;
    // Raw: long names, sparse files and what else extends the format is for archives that need it.
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            EntryType::Regular => {}
            // Of these the names that are read have no need: packers add them for times and owners.
            EntryType::Directory | EntryType::XHeader | EntryType::XGlobalHeader => continue,
            kind => return Err(refused(&name, kind)),
        }
        let size = entry.size();
        let name = name.trim_start_matches("./");
        let body = name.strip_prefix("files/").filter(|body| is_body(body));
        let is_known = if name == MANIFEST {
            parts.manifest = budget.read(&mut entry, size)?;
            std::mem::replace(&mut has_manifest, true)
        } else if let Some(body) = body {
            let content = budget.read(&mut entry, size)?;
            parts.add(body, content, budget)?
        } else {
            false
        };
        if is_known {
            return Err(io::Error::other(format!("{name} is there twice")));
        }
    }
    if !has_manifest {
        return Err(io::Error::other(format!("not a bundle: there is no {MANIFEST} in it")));
    }
    Ok(parts)
}

fn refused(name: &str, kind: EntryType) -> io::Error {
    let what = match kind {
        EntryType::Link => "a hard link",
        EntryType::Symlink => "a symbolic link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a sparse file",
        EntryType::GNULongName | EntryType::GNULongLink => "a name that is too long",
        _ => "of a kind that is not known",
    };
    io::Error::other(format!("{name} in it is {what}: a bundle has regular files only"))
}

/// A stream that fails where it is longer than a bundle may be: what is skipped takes time, too.
struct Bounded<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read).ok_or_else(too_large)?;
        Ok(read)
    }
}

/// Writes an archive: the same parts give the same bytes.
pub(super) fn write(parts: &Parts, out: &mut dyn Write) -> io::Result<()> {
    let encoder = GzEncoder::new(out, Compression::best());
    let mut archive = tar::Builder::new(encoder);
    let mut add = |name: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(0);
        header.set_cksum();
        archive.append_data(&mut header, name, content)
    };
    add(MANIFEST, &parts.manifest)?;
    for (name, body) in &parts.bodies {
        let body: &Arc<Vec<u8>> = body;
        add(&format!("files/{name}"), body)?;
    }
    archive.into_inner()?.finish()?.flush()
}
