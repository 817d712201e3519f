//! A bundle as a directory.

use std::{
    ffi::{CStr, OsString},
    io,
    os::fd::OwnedFd,
    path::Path,
};

use super::{
    budget::Budget,
    manifest::{MANIFEST, Parts, is_body},
};
use crate::file::{self, Branch, Entry};

/// Where the bodies are.
const FILES: &str = "files";

/// Reads a directory: regular files in it, and nothing that a link in it leads to.
pub(super) fn read(directory: &OwnedFd, budget: &mut Budget) -> io::Result<Parts> {
    let manifest = match content(directory, MANIFEST, budget) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(io::Error::other(format!("not a bundle: there is no {MANIFEST} in it")));
        }
        content => content.map_err(|error| about(MANIFEST, &error))?,
    };
    let mut parts = Parts { manifest, ..Parts::default() };
    let files = match file::open_entry(directory, FILES) {
        Ok(Entry::Directory(files)) => files,
        Ok(Entry::File(..)) => return Err(io::Error::other("files is no directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(parts),
        Err(error) => return Err(about(FILES, &error)),
    };
    file::each_name(&files, |name: &CStr| {
        let Some(name) = name.to_str().ok().filter(|name| is_body(name)) else { return Ok(()) };
        let body = content(&files, name, budget);
        let body = body.map_err(|error| about(&format!("{FILES}/{name}"), &error))?;
        parts.add(name, body, budget).map(|_| ())
    })?;
    Ok(parts)
}

fn content(directory: &OwnedFd, name: &str, budget: &mut Budget) -> io::Result<Vec<u8>> {
    match file::open_entry(directory, name)? {
        Entry::File(file, size) => budget.read(file, size),
        Entry::Directory(_) => Err(io::Error::other("a directory, not a regular file")),
    }
}

fn about(name: &str, error: &io::Error) -> io::Error {
    io::Error::other(format!("{name} in it: {error}"))
}

/// Writes a directory, and returns the size of what is in it.
pub(super) fn write(parts: &Parts, path: &Path) -> io::Result<u64> {
    let bodies: Vec<(&str, &[u8])> =
        parts.bodies.iter().map(|(name, body)| (name.as_str(), body.as_slice())).collect();
    let size = bodies.iter().map(|(_, body)| body.len()).sum::<usize>() + parts.manifest.len();
    let mut tree = Vec::new();
    if !bodies.is_empty() {
        tree.push((FILES, Branch::Directory(bodies)));
    }
    tree.push((MANIFEST, Branch::File(&parts.manifest)));
    file::directory(path, &tree, is_bundle)?;
    Ok(size as u64)
}

/// Whether a directory with these names in it is a bundle and nothing else.
fn is_bundle(names: &[OsString]) -> bool {
    names.iter().any(|name| name == MANIFEST)
        && names.iter().all(|name| name == MANIFEST || name == FILES)
}
