//! Files that a run is told to write and to read: the one place where the doctor makes, replaces and opens them.
//!
//! What is written appears whole or not at all, whoever else may write to the same directory and whenever the
//! doctor is killed. What is read is a regular file, opened without waiting for anybody.

mod directory;
mod input;
mod place;
mod stream;
mod whole;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io,
    path::Path,
};

pub(crate) use directory::{Branch, directory, each_name};
pub(crate) use input::{Entry, Opened, open, open_entry, open_or_wait};

use self::place::{Kind, Place};

/// Writes `content` to `path`. A regular file, new or old, appears whole or not at all; an old one keeps its
/// permissions, and its owner where the doctor may give files away. A link stays a link, and what it leads to is
/// written. A pipe, a character device or a descriptor is written as it is.
///
/// Refused are links and files of others in directories where others may plant them.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let place = Place::behind_links(path)?;
    match place.kind() {
        None => whole::replace(&place, &whole::Attributes::new(), &mut |file| {
            whole::write(file, content)
        }),
        Some(Kind::File) if !place.is_descriptor => {
            place.refuse_foreign()?;
            whole::replace(&place, &whole::Attributes::kept(&place), &mut |file| {
                whole::write(file, content)
            })
        }
        Some(kind) => {
            place.refuse_foreign()?;
            stream::write(&place, kind, content)
        }
    }
}

/// Writes a file that is its owner's own (mode 0600), whatever was there before, but for a directory, a pipe or a
/// device; a link is replaced by it. Returns its size in bytes.
pub(crate) fn private(
    path: &Path,
    fill: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<u64> {
    let place = Place::itself(path)?;
    match place.kind() {
        None | Some(Kind::File | Kind::Link) => {}
        Some(kind) => return Err(kind.refused()),
    }
    let mut size = 0;
    whole::replace(&place, &whole::Attributes::private(), &mut |file| {
        let mut counted = whole::Counted { file, size: 0 };
        fill(&mut counted)?;
        size = counted.size;
        Ok(())
    })?;
    Ok(size)
}

/// Writes a file of these permissions, in place of what is there, but for a directory, a pipe or a device; a link is
/// replaced by it.
pub(crate) fn of_mode(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    let place = Place::itself(path)?;
    match place.kind() {
        None | Some(Kind::File | Kind::Link) => {}
        Some(kind) => return Err(kind.refused()),
    }
    whole::replace(&place, &whole::Attributes::of_mode(mode), &mut |file| {
        whole::write(file, content)
    })
}

/// Adds `content` to a file, which is made if there is none, below what is there.
pub(crate) fn append(path: &Path, content: &[u8]) -> io::Result<()> {
    let place = Place::behind_links(path)?;
    place.refuse_foreign()?;
    stream::append(&place, content)
}

/// A name that nobody can know before and that no two runs share, PID 1 or not. The keys of the hash are random
/// bytes from the kernel.
fn temporary_name() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!(".doctor.{random:016x}.tmp")
}

/// Whether it is a name that [`temporary_name`] makes: what a killed run has left.
fn is_temporary(name: &[u8]) -> bool {
    name.strip_prefix(b".doctor.")
        .and_then(|rest| rest.strip_suffix(b".tmp"))
        .is_some_and(|random| random.len() == 16 && random.iter().all(u8::is_ascii_hexdigit))
}
