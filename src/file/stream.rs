//! What is written as it is: pipes, devices, descriptors, and files that others add to as well.

use std::{
    fs::File,
    io::{self, Write},
};

use rustix::{
    fs::{Mode, OFlags, fcntl_setfl, openat},
    io::Errno,
};

use super::place::{Kind, Place};

/// Writes to what is there. It is not truncated: behind a descriptor there can be a file that others write to as
/// well.
pub(super) fn write(place: &Place, kind: Kind, content: &[u8]) -> io::Result<()> {
    match kind {
        Kind::Directory | Kind::Socket | Kind::BlockDevice | Kind::Link => {
            return Err(kind.refused());
        }
        Kind::File | Kind::Pipe | Kind::CharacterDevice => {}
    }
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOCTTY | OFlags::CLOEXEC;
    let follow = if place.is_descriptor { OFlags::empty() } else { OFlags::NOFOLLOW };
    // Opening a pipe waits until somebody reads, unless told not to.
    let opened =
        openat(&place.directory, &place.name, flags | follow | OFlags::NONBLOCK, Mode::empty());
    let opened = opened.map_err(|error| match error {
        Errno::NXIO if kind == Kind::Pipe => io::Error::other("a pipe from which nobody reads"),
        error => error.into(),
    })?;
    // A reader may be slower than the doctor: the time of the whole run is what ends that.
    fcntl_setfl(&opened, OFlags::APPEND)?;
    File::from(opened).write_all(content)
}

/// Adds to a file, which is made if there is none.
pub(super) fn append(place: &Place, content: &[u8]) -> io::Result<()> {
    match place.kind() {
        None | Some(Kind::File) => {}
        Some(kind) => return write(place, kind, content),
    }
    let flags =
        OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let follow = if place.is_descriptor { OFlags::empty() } else { OFlags::NOFOLLOW };
    let opened = openat(&place.directory, &place.name, flags | follow, Mode::from_raw_mode(0o666))?;
    let mut file = File::from(opened);
    if file.metadata()?.len() == 0 {
        return file.write_all(content);
    }
    // At once, so that nobody else's text comes between.
    file.write_all(&[b"\n", content].concat())
}
