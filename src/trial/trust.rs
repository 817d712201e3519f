//! Whom a path belongs to, from the root on: it is walked one name at a time, each opened before it is looked
//! at, so that what was looked at is what is used.
//!
//! Trusted owners are root and this user. What a directory holds is theirs if nobody else may write to it; if
//! others may, only what is in a sticky one and belongs to a trusted owner: that nobody else can rename or
//! replace.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    fs, io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
};

use nix::{
    fcntl::{OFlag, open, openat, readlinkat},
    sys::{
        stat::{FileStat, Mode, fstat},
        statfs::{FUSE_SUPER_MAGIC, fstatfs},
    },
    unistd::geteuid,
};

/// As the kernel: more links on one way are a loop.
const LINKS: usize = 40;

const TYPE: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
pub(crate) const FILE: u32 = 0o100_000;
const STICKY: u32 = 0o1000;
/// Write permission of the group and of others; an access control list shows in that of the group.
const OTHERS_WRITE: u32 = 0o022;

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// What a path led to, open (`O_PATH`).
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) fd: OwnedFd,
    pub(crate) stat: FileStat,
    /// Without links.
    pub(crate) path: PathBuf,
    /// The first directory on the way in which others may put something else in the place of what is there.
    pub(crate) shared: Option<PathBuf>,
}

impl Reached {
    pub(crate) fn is(&self, kind: u32) -> bool {
        self.stat.st_mode & TYPE == kind
    }
}

/// Whether the owner is root or this user.
pub(crate) fn is_trusted(uid: u32) -> bool {
    [0, geteuid().as_raw()].contains(&uid)
}

fn refused(path: &Path, what: &str) -> io::Error {
    io::Error::other(format!("{} {what}", path.display()))
}

/// Follows links, and fails if somebody else could have put something else in the place of anything on the way
/// there, or of the file itself.
pub(crate) fn program(path: &Path) -> io::Result<Reached> {
    let reached = walk(path, true)?;
    if let Some(shared) = &reached.shared {
        return Err(refused(shared, "is in the hands of other users: they may write to it"));
    }
    Ok(reached)
}

/// Follows no links, and fails if anything on the way belongs to another user. Others may write to it: see
/// [`Reached::shared`].
pub(crate) fn directory(path: &Path) -> io::Result<Reached> {
    let reached = walk(path, false)?;
    if reached.is(DIRECTORY) { Ok(reached) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

fn walk(path: &Path, follow: bool) -> io::Result<Reached> {
    let mut way = vec![root()?];
    let mut ahead: VecDeque<OsString> = names(path);
    let mut links = 0;
    if !path.is_absolute() {
        return Err(refused(path, "is not absolute"));
    }
    // What lies beyond a directory is in its hands, and so is what a link in it leads to.
    let mut shared: Option<PathBuf> = None;
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            if way.len() > 1 {
                way.pop();
            }
            continue;
        }
        let Some(last) = way.last() else { return Err(io::ErrorKind::NotFound.into()) };
        let next = enter(last, &name)?;
        let sticky = last.stat.st_mode & STICKY != 0;
        if others_may_write(last) && !sticky {
            shared.get_or_insert_with(|| last.path.clone());
        }
        if !next.is(LINK) {
            way.push(next);
            continue;
        }
        links += 1;
        if !follow || links > LINKS {
            return Err(io::Error::from_raw_os_error(libc::ELOOP));
        }
        let target = PathBuf::from(readlinkat(&next.fd, "")?);
        if target.is_absolute() {
            way.truncate(1);
        }
        for name in names(&target).into_iter().rev() {
            ahead.push_front(name);
        }
    }
    let mut reached = way.pop().ok_or(io::ErrorKind::NotFound)?;
    // Into a sticky directory others may write too, though not over what is there.
    if others_may_write(&reached) && !(reached.is(DIRECTORY) && reached.stat.st_mode & STICKY != 0)
    {
        shared.get_or_insert_with(|| reached.path.clone());
    }
    reached.shared = shared;
    Ok(reached)
}

fn root() -> io::Result<Reached> {
    let fd = open("/", LOOK | OFlag::O_DIRECTORY, Mode::empty())?;
    owned(fd, PathBuf::from("/"))
}

/// What is called `name` in a directory.
fn enter(directory: &Reached, name: &OsStr) -> io::Result<Reached> {
    let fd = openat(&directory.fd, name, LOOK, Mode::empty())?;
    owned(fd, directory.path.join(name))
}

fn owned(fd: OwnedFd, path: PathBuf) -> io::Result<Reached> {
    let stat = fstat(&fd)?;
    if !is_trusted(stat.st_uid) {
        return Err(refused(&path, "is in the hands of other users: it belongs to one"));
    }
    // Whoever serves a file system says whom its files belong to.
    let fuse = stat.st_mode & TYPE != LINK && fstatfs(&fd)?.filesystem_type() == FUSE_SUPER_MAGIC;
    if fuse && !served_by_trusted(&fd)? {
        return Err(refused(&path, "is in the hands of other users: one serves its file system"));
    }
    Ok(Reached { fd, stat, path, shared: None })
}

fn others_may_write(reached: &Reached) -> bool {
    // The permissions of a link mean nothing.
    !reached.is(LINK) && reached.stat.st_mode & OTHERS_WRITE != 0
}

fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

/// Whether a trusted user has mounted the FUSE file system in which the descriptor is; virtiofs names no user,
/// and is the machine's.
fn served_by_trusted(fd: &OwnedFd) -> io::Result<bool> {
    let about = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
    let id = about.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(str::trim);
    let table = fs::read("/proc/self/mountinfo")?;
    let mount = table.split(|b| *b == b'\n').find(|line| {
        line.split(|b| *b == b' ').next().map(OsStr::from_bytes) == id.map(OsStr::new)
    });
    let Some(mount) = mount else { return Ok(false) };
    let mount = String::from_utf8_lossy(mount);
    let options = mount.rsplit(' ').next().unwrap_or_default();
    let user = options.split(',').find_map(|option| option.strip_prefix("user_id="));
    Ok(user.is_none_or(|user| user.parse().is_ok_and(is_trusted)))
}

#[cfg(test)]
mod tests;
