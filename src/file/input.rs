//! Opening what a run is told to read.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::OwnedFd,
        unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    path::Path,
};

use rustix::fs::{AtFlags, Mode, OFlags, fstat, openat, statat};

use super::place::Kind;

/// What was opened.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A regular file, or a pipe that this process was given, and its size if that is known.
    File(File, Option<u64>),
    /// A directory.
    Directory(OwnedFd),
}

/// Opens a file or a directory that the user names. Pipes are read only where they are a descriptor of this
/// process, as standard input and `<(…)` are; sockets and devices never.
pub(crate) fn open(path: &Path) -> io::Result<Opened> {
    // Before it is opened: opening a device can start it, and opening a pipe can wait.
    let found = fs::metadata(path)?;
    let kind = found.file_type();
    if kind.is_dir() {
        let flags = libc::O_DIRECTORY | libc::O_NONBLOCK;
        return Ok(Opened::Directory(
            OpenOptions::new().read(true).custom_flags(flags).open(path)?.into(),
        ));
    }
    if kind.is_fifo() && is_descriptor(path) {
        return Ok(Opened::File(File::open(path)?, None));
    }
    let refuse = |kind: Kind| Err(kind.refused());
    match () {
        () if kind.is_fifo() => return refuse(Kind::Pipe),
        () if kind.is_socket() => return refuse(Kind::Socket),
        () if !kind.is_file() => return refuse(Kind::CharacterDevice),
        () => {}
    }
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let opened = file.metadata()?;
    // Somebody may have been quicker.
    if (opened.dev(), opened.ino()) != (found.dev(), found.ino()) || !opened.is_file() {
        return Err(io::Error::other("replaced while it was opened"));
    }
    Ok(Opened::File(file, Some(opened.len())))
}

/// `/dev/null`, on every Linux.
const NULL: u64 = libc::makedev(1, 3);

/// The same, but that a pipe is waited for until somebody writes to it; `/dev/null` is an empty file.
pub(crate) fn open_or_wait(path: &Path) -> io::Result<Opened> {
    let found = fs::metadata(path)?;
    let is_null = found.file_type().is_char_device() && found.rdev() == NULL;
    if found.file_type().is_fifo() || is_null {
        return Ok(Opened::File(File::open(path)?, None));
    }
    open(path)
}

/// Whether the path is one of this process's descriptors.
fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/proc/self/fd", "/dev/stdin"].iter().any(|place| path.starts_with(place))
}

/// What a name in a directory is.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A regular file, and its size.
    File(File, u64),
    /// A directory.
    Directory(OwnedFd),
}

/// Opens what is in a directory: a regular file or a directory; no link is followed, and nothing is waited for.
pub(crate) fn open_entry(directory: &OwnedFd, name: &str) -> io::Result<Entry> {
    let kind = Kind::of(&statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?);
    let flags = match kind {
        Kind::File => OFlags::NOCTTY,
        Kind::Directory => OFlags::DIRECTORY,
        kind => return Err(kind.refused()),
    };
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = openat(directory, name, flags, Mode::empty())?;
    let stat = fstat(&opened)?;
    match Kind::of(&stat) {
        Kind::File => {
            Ok(Entry::File(opened.into(), u64::try_from(stat.st_size).unwrap_or_default()))
        }
        Kind::Directory => Ok(Entry::Directory(opened)),
        kind => Err(kind.refused()),
    }
}
