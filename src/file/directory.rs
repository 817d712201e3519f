//! A directory that appears whole or not at all.

use std::{
    ffi::{CStr, CString, OsString},
    fs::File,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::Path,
};

use rustix::{
    fs::{
        AtFlags, Dir, Mode, OFlags, RenameFlags, mkdirat, openat, renameat, renameat_with, unlinkat,
    },
    io::Errno,
};

use super::{
    is_temporary,
    place::{Kind, Place},
    temporary_name, whole,
};
use crate::sys::alarm;

/// What is in a directory: files, and directories of files. What counts most comes last.
pub(super) type Tree<'a> = Vec<(&'a str, Branch<'a>)>;

/// A file or a directory.
pub(crate) enum Branch<'a> {
    File(&'a [u8]),
    Directory(Vec<(&'a str, &'a [u8])>),
}

/// Makes a directory of its owner's own (0700, files 0600) at `path`. One that is there is replaced if it is empty,
/// or if `is_old` says of the names in it that it is one like this; else it is left as it is.
pub(crate) fn directory(
    path: &Path,
    tree: &Tree<'_>,
    is_old: impl Fn(&[OsString]) -> bool,
) -> io::Result<()> {
    let place = Place::itself(path)?;
    let _writing = alarm::Writing::begin();
    match place.kind() {
        None => beside(&place, tree, RenameFlags::NOREPLACE),
        Some(Kind::Directory) => {
            place.refuse_foreign()?;
            let old = open(&place.directory, &place.name)?;
            let names = names(&old)?;
            let is_empty = names.iter().all(|name| is_temporary(name.as_encoded_bytes()));
            if !is_empty && !is_old(&names) {
                return Err(io::Error::other("the directory is not empty and holds no bundle"));
            }
            match beside(&place, tree, RenameFlags::EXCHANGE) {
                // A mount is not replaced, and beside it one may not write.
                Err(error) if is_empty && is_in_the_way(&error) => inside(&old, tree),
                result => result,
            }
        }
        Some(kind) => Err(kind.refused()),
    }
}

fn is_in_the_way(error: &io::Error) -> bool {
    let errno = error.raw_os_error().unwrap_or_default();
    [libc::EBUSY, libc::EXDEV, libc::EACCES, libc::EPERM, libc::EROFS].contains(&errno)
}

/// Made under another name; then the two change places, and what was there is removed.
fn beside(place: &Place, tree: &Tree<'_>, how: RenameFlags) -> io::Result<()> {
    let name = OsString::from(temporary_name());
    let parent = &place.directory;
    let made = make(parent, &name, tree).and_then(|()| put(place, &name, how));
    // Either what was begun, or what was there.
    let _ = remove(parent, &name, DEPTH);
    made
}

/// Moves the new directory to its place. After it what was there has the other name.
fn put(place: &Place, name: &OsString, how: RenameFlags) -> io::Result<()> {
    let (parent, own) = (&place.directory, &place.name);
    match renameat_with(parent, name, parent, own, how) {
        // Filesystems that can only rename, and kernels and filters that do not know the call.
        Err(Errno::INVAL | Errno::NOSYS | Errno::PERM) => {}
        result => return Ok(result?),
    }
    if place.found.is_none() {
        // Over an empty directory at most.
        return Ok(renameat(parent, name, parent, own)?);
    }
    let aside = OsString::from(temporary_name());
    renameat(parent, own, parent, &aside)?;
    if let Err(error) = renameat(parent, name, parent, own) {
        let _ = renameat(parent, &aside, parent, own);
        return Err(error.into());
    }
    Ok(renameat(parent, &aside, parent, name)?)
}

/// Made in a directory of the one that is there, and moved up part by part.
fn inside(old: &OwnedFd, tree: &Tree<'_>) -> io::Result<()> {
    let name = OsString::from(temporary_name());
    let moved = make(old, &name, tree).and_then(|()| {
        let made = open(old, &name)?;
        for (part, _) in tree {
            renameat(&made, *part, old, *part)?;
        }
        Ok(())
    });
    let _ = remove(old, &name, DEPTH);
    moved
}

fn make(parent: &OwnedFd, name: &OsString, tree: &Tree<'_>) -> io::Result<()> {
    let private = Mode::from_raw_mode(0o700);
    mkdirat(parent, name, private)?;
    let directory = open(parent, name)?;
    for (name, branch) in tree {
        match branch {
            Branch::File(content) => file(&directory, name, content)?,
            Branch::Directory(files) => {
                mkdirat(&directory, *name, private)?;
                let directory = open(&directory, &OsString::from(name))?;
                for (name, content) in files {
                    file(&directory, name, content)?;
                }
            }
        }
    }
    alarm::in_time()
}

fn file(directory: &OwnedFd, name: &str, content: &[u8]) -> io::Result<()> {
    let mut file = File::from(whole::create(directory, &name.into(), 0o600)?);
    whole::write(&mut file, content)
}

fn open(parent: &OwnedFd, name: &OsString) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// Calls `found` with each name in a directory, but for `.` and `..`, until that fails.
pub(crate) fn each_name(
    directory: &OwnedFd,
    mut found: impl FnMut(&CStr) -> io::Result<()>,
) -> io::Result<()> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            found(entry.file_name())?;
        }
    }
    Ok(())
}

fn entries(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut entries = Vec::new();
    each_name(directory, |name| {
        entries.push(name.to_owned());
        Ok(())
    })?;
    Ok(entries)
}

fn names(directory: &OwnedFd) -> io::Result<Vec<OsString>> {
    Ok(entries(directory)?.into_iter().map(|name| OsString::from_vec(name.into_bytes())).collect())
}

/// Levels of directories in a bundle, and in what a killed run may have left in one.
const DEPTH: usize = 4;

/// Removes a directory and what is in it; links are removed, not followed.
fn remove(parent: &OwnedFd, name: &OsString, depth: usize) -> io::Result<()> {
    let Ok(directory) = open(parent, name) else { return Ok(()) };
    for entry in entries(&directory)? {
        let Err(error) = unlinkat(&directory, &entry, AtFlags::empty()) else { continue };
        if depth == 0 {
            return Err(error.into());
        }
        remove(&directory, &OsString::from_vec(entry.into_bytes()), depth - 1)?;
    }
    Ok(unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}
