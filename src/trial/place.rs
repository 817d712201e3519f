//! Directories and cgroups of a trial, under names by which a later run knows them.
//!
//! Others may be able to write where engines keep their data (an emptyDir is 0777), and can put something else
//! in the place of a directory there, or call something else by its name. So a place is 0700, is made and removed
//! through descriptors, and a trial works through the one that is open. What a run that was killed has left is
//! removed if nobody else could have put it there, or if it holds the token that was kept where nobody else
//! writes ([`token`]).

mod remove;
mod token;

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Write},
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use dind_doctor_checks::facts::Text;
use nix::{
    fcntl::{Flock, FlockArg, OFlag, openat},
    sys::{
        stat::{FileStat, Mode, fstat, lstat, mkdirat},
        statfs::{self, fstatfs},
    },
    unistd::geteuid,
};
use procfs::process::Process;

use self::token::Token;
pub(super) use self::token::abandoned as forget_abandoned;
pub(crate) use self::token::state_home;
use super::trust::{self, Reached};

/// What all names begin with.
const PREFIX: &str = ".dind-doctor-trial-";

const OPEN: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_CLOEXEC);

/// The guardian that a place is called after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pid: i32,
    /// In clock ticks after boot: with it, a process that has the PID later is another one.
    started: u64,
}

impl Owner {
    pub(super) fn me() -> Option<Self> {
        Self::of(i32::try_from(std::process::id()).ok()?)
    }

    fn of(pid: i32) -> Option<Self> {
        let stat = Process::new(pid).and_then(|process| process.stat()).ok()?;
        Some(Self { pid, started: stat.starttime })
    }

    fn name(self) -> String {
        format!("{PREFIX}{}-{}", self.pid, self.started)
    }

    /// The owner in a name, if it is one of ours.
    pub(super) fn in_name(name: &str) -> Option<Self> {
        let (pid, started) = name.strip_prefix(PREFIX)?.split_once('-')?;
        let owner = Self { pid: pid.parse().ok()?, started: started.parse().ok()? };
        (owner.name() == name).then_some(owner)
    }

    pub(super) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }
}

/// A directory of a trial. Its owner holds a lock on it, which whoever shares the file system from another
/// PID namespace sees.
pub(super) struct Place {
    parent: OwnedFd,
    name: String,
    directory: Directory,
    path: PathBuf,
    token: Option<Token>,
    /// Controllers that the parent had enabled for its children, if it is a cgroup of version 2.
    enabled: Option<String>,
}

/// A directory that is open, and locked if the file system knows locks.
enum Directory {
    Locked(Flock<File>),
    Open(File),
}

impl Directory {
    fn file(&self) -> &File {
        match self {
            Self::Locked(file) => file,
            Self::Open(file) => file,
        }
    }
}

impl Place {
    /// Makes it in `parent`, which may be a cgroup.
    pub(super) fn make(parent: &Path, owner: &Owner) -> io::Result<Self> {
        let reached = trust::directory(&parent.canonicalize()?)?;
        let name = owner.name();
        let path = parent.join(&name);
        // Where nobody else can have made it, the name tells enough.
        let token = if reached.shared.is_some() && !is_cgroup(&reached.fd) {
            Token::keep(&path)
        } else {
            None
        };
        let enabled = is_cgroup(&reached.fd).then(|| controllers(&reached.fd)).flatten();
        let made = make_directory(&reached, &name, token.as_ref());
        if made.is_err()
            && let Some(token) = &token
        {
            token.forget(&name);
        }
        Ok(Self {
            directory: lock(made?).unwrap_or_else(|file| file),
            parent: reached.fd,
            name,
            path,
            token,
            enabled,
        })
    }

    /// Where the trial finds it, which has the descriptor too: what others rename does not matter then.
    pub(super) fn inside(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.directory.file().as_raw_fd()).into()
    }

    /// Removes it; what could not be removed, and why.
    pub(super) fn remove(self) -> Result<(), Text> {
        let removed = remove::place(&self.parent, OsStr::new(&self.name), self.directory.file());
        // An engine enables what its containers need.
        if let Some(before) = self.enabled.as_ref().filter(|_| removed.is_ok()) {
            for controller in controllers(&self.parent).unwrap_or_default().split_whitespace() {
                if !before.split_whitespace().any(|known| known == controller) {
                    let _ = disable(&self.parent, controller);
                }
            }
        }
        // What is still there is known by its token.
        if removed.is_ok()
            && let Some(token) = &self.token
        {
            token.forget(&self.name);
        }
        told(&self.path, removed)
    }
}

const ENABLED: &str = "cgroup.subtree_control";

/// The controllers that a cgroup of version 2 has enabled for its children.
fn controllers(cgroup: &OwnedFd) -> Option<String> {
    let file = openat(cgroup, ENABLED, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
    io::read_to_string(File::from(file)).ok()
}

/// It fails if others need it meanwhile.
fn disable(cgroup: &OwnedFd, controller: &str) -> io::Result<()> {
    let file = openat(cgroup, ENABLED, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    File::from(file).write_all(format!("-{controller}").as_bytes())
}

/// A new directory, open: nobody has put another one in its place meanwhile.
fn make_directory(parent: &Reached, name: &str, token: Option<&Token>) -> io::Result<File> {
    mkdirat(&parent.fd, name, Mode::from_bits_truncate(0o700))?;
    let file = File::from(openat(&parent.fd, name, OPEN, Mode::empty())?);
    if is_cgroup(&file) {
        return Ok(file);
    }
    if !is_ours(&fstat(&file)?) || !remove::is_empty(&file)? {
        let path = parent.path.join(name);
        let why = format!("{}: somebody has put another directory in its place", path.display());
        return Err(io::Error::other(why));
    }
    if let Some(token) = token {
        token.put(&file)?;
    }
    Ok(file)
}

/// Where the file system knows no locks, the name has to do; refused if another one has it.
fn lock(file: File) -> Result<Directory, Directory> {
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(locked) => Ok(Directory::Locked(locked)),
        Err((file, _)) => Err(Directory::Open(file)),
    }
}

/// Made by this user, and of use to nobody else.
fn is_ours(stat: &FileStat) -> bool {
    // A directory's set-group-ID bit is inherited.
    stat.st_uid == geteuid().as_raw() && stat.st_mode & 0o170_777 == 0o040_700
}

fn told(path: &Path, result: io::Result<()>) -> Result<(), Text> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()).into())
        }
        _ => Ok(()),
    }
}

/// What a run that was killed has left.
pub(super) struct Left {
    path: PathBuf,
    found: Result<Found, String>,
}

struct Found {
    parent: Reached,
    name: String,
    directory: Directory,
}

impl Left {
    /// If it is one of ours by its name and of this user, and its guardian is gone.
    pub(super) fn find(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_owned();
        let stat = lstat(path).ok()?;
        let ours = stat.st_uid == geteuid().as_raw() && stat.st_mode & 0o170_000 == 0o040_000;
        if Owner::in_name(&name)?.is_alive() || !ours {
            return None;
        }
        let path = path.to_owned();
        let parent = path.parent()?.canonicalize().ok()?;
        let parent = match trust::directory(&parent) {
            Ok(parent) => parent,
            Err(error) => return Some(Self { path, found: Err(error.to_string()) }),
        };
        let file = File::from(openat(&parent.fd, name.as_str(), OPEN, Mode::empty()).ok()?);
        // Its owner may be in another PID namespace.
        let directory = lock(file).ok()?;
        Some(Self { path, found: Ok(Found { parent, name, directory }) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with all that is in it, or says why not.
    pub(super) fn remove(self) -> Result<(), Text> {
        let hint = "; look at it, and remove it by hand";
        let found = self.found.map_err(|why| Text::from(why + hint))?;
        let file = found.directory.file();
        found.is_certain().map_err(|why| Text::from(why + hint))?;
        told(&self.path, remove::place(&found.parent.fd, OsStr::new(&found.name), file))?;
        token::forget(&found.name);
        Ok(())
    }
}

impl Found {
    /// Whether it is what it is called.
    fn is_certain(&self) -> Result<(), String> {
        let file = self.directory.file();
        let stat = fstat(file).map_err(|errno| errno.to_string())?;
        if stat.st_uid != geteuid().as_raw() || !is_cgroup(file) && !is_ours(&stat) {
            return Err("it is not as a trial makes directories".to_owned());
        }
        match &self.parent.shared {
            Some(shared) if is_cgroup(file) || !token::matches(&self.name, file) => {
                Err(format!("others may write to {}, and it can be theirs", shared.display()))
            }
            _ => Ok(()),
        }
    }
}

fn is_cgroup(fd: &impl std::os::fd::AsFd) -> bool {
    let magic = fstatfs(fd).map(|found| found.filesystem_type());
    magic.is_ok_and(|m| [statfs::CGROUP_SUPER_MAGIC, statfs::CGROUP2_SUPER_MAGIC].contains(&m))
}

#[cfg(test)]
mod tests;
