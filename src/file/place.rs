//! Where a file is: a directory that is held open, and a name in it.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::{Component, Path, PathBuf},
};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, fstatfs, openat, readlinkat, statat,
};

/// As many links as the kernel follows.
const LINKS: u32 = 40;

/// Write permission of others than the owner.
const SHARED: u32 = 0o022;

/// Only owners remove and rename what is in the directory.
const STICKY: u32 = 0o1000;

/// `PROC_SUPER_MAGIC`.
const PROCFS: u64 = 0x9fa0;

/// What is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
    Pipe,
    Socket,
    CharacterDevice,
    BlockDevice,
}

impl Kind {
    pub(super) fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Pipe,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice => Self::CharacterDevice,
            FileType::BlockDevice => Self::BlockDevice,
            _ => Self::File,
        }
    }

    /// Why it is no regular file.
    pub(super) fn refused(self) -> io::Error {
        io::Error::other(match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link, not a regular file",
            Self::Pipe => "a pipe, not a regular file",
            Self::Socket => "a socket, not a regular file",
            Self::CharacterDevice | Self::BlockDevice => "a device, not a regular file",
        })
    }
}

/// A name in a directory. Whatever others rename meanwhile, it is that directory.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) directory: OwnedFd,
    pub(super) name: OsString,
    /// What is there, if anything is.
    pub(super) found: Option<Stat>,
    /// Whether it is one of a process's descriptors (`/dev/stderr`, `/dev/fd/3`); `found` is what it leads to.
    pub(super) is_descriptor: bool,
}

impl Place {
    /// The place that `path` leads to when the last link of it has been followed.
    pub(super) fn behind_links(path: &Path) -> io::Result<Self> {
        Self::find(path, true)
    }

    /// The place of the last name of `path`, be it a link or not.
    pub(super) fn itself(path: &Path) -> io::Result<Self> {
        Self::find(path, false)
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        self.found.as_ref().map(Kind::of)
    }

    /// Follows links one by one: the kernel would follow those that others have planted, too, unless
    /// `fs.protected_symlinks` is set.
    fn find(path: &Path, follow: bool) -> io::Result<Self> {
        let mut left = parts(path);
        let mut directory = open_directory(OsStr::new("."))?;
        let mut links = 0;
        while let Some(part) = left.pop() {
            let name = match part {
                Part::Root => {
                    directory = open_directory(OsStr::new("/"))?;
                    continue;
                }
                Part::Parent => {
                    directory = openat(&directory, "..", DIRECTORY, Mode::empty())?;
                    continue;
                }
                Part::Name(name) => name,
            };
            let is_last = left.is_empty();
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = match openat(&directory, &name, flags, Mode::empty()) {
                Err(rustix::io::Errno::NOENT) if is_last => {
                    return Ok(Self { directory, name, found: None, is_descriptor: false });
                }
                opened => opened?,
            };
            let stat = fstat(&opened)?;
            if Kind::of(&stat) != Kind::Link || is_last && !follow {
                if is_last {
                    return Ok(Self { directory, name, found: Some(stat), is_descriptor: false });
                }
                directory = opened;
                continue;
            }
            if is_last && magic(&directory)? == PROCFS {
                let stat = statat(&directory, &name, AtFlags::empty())?;
                return Ok(Self { directory, name, found: Some(stat), is_descriptor: true });
            }
            links += 1;
            if links > LINKS {
                return Err(io::Error::from_raw_os_error(libc::ELOOP));
            }
            if !is_trusted(&stat, &fstat(&directory)?) {
                return Err(io::Error::other(format!(
                    "{} is a link of user {}, who does not own the directory: not followed",
                    crate::text::path(Path::new(&name)),
                    stat.st_uid
                )));
            }
            let target = readlinkat(&opened, "", Vec::new())?;
            left.extend(parts(&PathBuf::from(OsString::from_vec(target.into_bytes()))));
        }
        Err(Kind::Directory.refused())
    }

    /// Refuses what somebody else has put into a sticky directory that others may write, `/tmp` for instance:
    /// they would get to read, or to change, what is written (`fs.protected_regular`, `fs.protected_fifos`).
    pub(super) fn refuse_foreign(&self) -> io::Result<()> {
        let Some(found) = self.found.as_ref().filter(|_| !self.is_descriptor) else {
            return Ok(());
        };
        let directory = fstat(&self.directory)?;
        let shared = directory.st_mode & STICKY != 0 && directory.st_mode & SHARED != 0;
        if !shared || is_trusted(found, &directory) {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "there is a file of user {} in a directory of everybody's: not touched",
            found.st_uid
        )))
    }
}

/// Whether it belongs to the doctor's user, to root, or to who owns the directory.
fn is_trusted(stat: &Stat, directory: &Stat) -> bool {
    let own = nix::unistd::geteuid().as_raw();
    [own, 0, directory.st_uid].contains(&stat.st_uid)
}

const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn open_directory(path: &OsStr) -> io::Result<OwnedFd> {
    Ok(openat(CWD, path, DIRECTORY, Mode::empty())?)
}

fn magic(directory: &OwnedFd) -> io::Result<u64> {
    let magic = fstatfs(directory)?.f_type;
    Ok(u64::try_from(magic).unwrap_or_default())
}

enum Part {
    Root,
    Parent,
    Name(OsString),
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<Part> {
    let part = |component| match component {
        Component::RootDir => Some(Part::Root),
        Component::ParentDir => Some(Part::Parent),
        Component::Normal(name) => Some(Part::Name(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(part).collect()
}
