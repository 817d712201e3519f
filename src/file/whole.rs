//! A file that appears whole or not at all.

use std::{
    fs::{File, Permissions},
    io::{self, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
};

use rustix::{
    fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid, fchown, linkat, openat, renameat, unlinkat},
    io::Errno,
};

use super::{place::Place, temporary_name};
use crate::sys::alarm;

/// So many bytes are written before somebody looks at the time.
const CHUNK: usize = 1024 * 1024;

/// Whose the new file is and who may do what with it.
pub(super) struct Attributes {
    /// With which it is made; the umask takes some away.
    made: u32,
    /// Which it gets in any case.
    mode: Option<u32>,
    owner: Option<(u32, u32)>,
}

impl Attributes {
    /// As every new file.
    pub(super) const fn new() -> Self {
        Self { made: 0o666, mode: None, owner: None }
    }

    /// For the owner's eyes only.
    pub(super) const fn private() -> Self {
        Self::of_mode(0o600)
    }

    /// With these permissions.
    pub(super) const fn of_mode(mode: u32) -> Self {
        Self { made: 0o600, mode: Some(mode), owner: None }
    }

    /// Those of the file that is there.
    pub(super) fn kept(place: &Place) -> Self {
        place.found.map_or_else(Self::new, |stat| Self {
            made: 0o600,
            mode: Some(stat.st_mode & 0o777),
            owner: Some((stat.st_uid, stat.st_gid)),
        })
    }

    fn give(&self, file: &File) -> io::Result<()> {
        if let Some((uid, gid)) = self.owner {
            // Only root may, and only what the doctor's user namespace maps.
            let _ = fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        }
        self.mode.map_or(Ok(()), |mode| file.set_permissions(Permissions::from_mode(mode)))
    }
}

/// What fills a file; it may be called twice.
pub(super) type Fill<'a> = dyn FnMut(&mut File) -> io::Result<()> + 'a;

/// Makes a file at `place`, in place of the one that is there. It has no name until it is whole, where the
/// filesystem can do that: then nothing is left of a doctor that is killed.
pub(super) fn replace(
    place: &Place,
    attributes: &Attributes,
    write_it: &mut Fill,
) -> io::Result<()> {
    let _writing = alarm::Writing::begin();
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(attributes.made);
    if let Ok(unnamed) = openat(&place.directory, ".", flags, mode) {
        let mut file = File::from(unnamed);
        finish(&mut file, attributes, write_it)?;
        if name_it(place, &file).is_ok() {
            return Ok(());
        }
        // Without /proc it cannot be named.
    }
    with_name(place, attributes, write_it)
}

fn finish(file: &mut File, attributes: &Attributes, write_it: &mut Fill) -> io::Result<()> {
    write_it(file)?;
    attributes.give(file)?;
    // What is not on the disk yet must not take the place of what is.
    file.sync_data()?;
    alarm::in_time()
}

/// Gives the file its name: at once where nothing has it yet, else by way of another one.
fn name_it(place: &Place, file: &File) -> io::Result<()> {
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link = |name: &_| linkat(CWD, &own, &place.directory, name, AtFlags::SYMLINK_FOLLOW);
    if place.found.is_none() {
        match link(&place.name) {
            Err(Errno::EXIST) => {}
            linked => return Ok(linked?),
        }
    }
    let name = temporary_name().into();
    link(&name)?;
    moved(place, &name)
}

/// The same where a file has a name from the start.
fn with_name(place: &Place, attributes: &Attributes, write_it: &mut Fill) -> io::Result<()> {
    let name = temporary_name().into();
    let mut file = File::from(create(&place.directory, &name, attributes.made)?);
    finish(&mut file, attributes, write_it).inspect_err(|_| {
        let _ = unlinkat(&place.directory, &name, AtFlags::empty());
    })?;
    moved(place, &name)
}

fn moved(place: &Place, name: &std::ffi::OsString) -> io::Result<()> {
    renameat(&place.directory, name, &place.directory, &place.name).map_err(|error| {
        // The first error is the one to tell.
        let _ = unlinkat(&place.directory, name, AtFlags::empty());
        error.into()
    })
}

/// A new file, and never one that somebody else has put there.
pub(super) fn create(
    directory: &OwnedFd,
    name: &std::ffi::OsString,
    mode: u32,
) -> io::Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
    Ok(openat(directory, name, flags, Mode::from_raw_mode(mode))?)
}

/// Writes all of it, unless the time is over.
pub(super) fn write(file: &mut File, content: &[u8]) -> io::Result<()> {
    for chunk in content.chunks(CHUNK) {
        file.write_all(chunk)?;
        alarm::in_time()?;
    }
    Ok(())
}

/// A file, and how much was written to it.
pub(super) struct Counted<'a> {
    pub(super) file: &'a mut File,
    pub(super) size: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        alarm::in_time()?;
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
