//! Directories and cgroups of a trial, under names by which a later run knows them.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::Text;
use nix::{
    fcntl::{Flock, FlockArg},
    sys::statfs,
    unistd::geteuid,
};
use procfs::process::Process;

use super::trust;

/// What all names begin with.
const PREFIX: &str = ".dind-doctor-trial-";

/// Entries that are removed of one place at most; a trial makes a few dozen.
const ENTRIES: usize = 10_000;

/// How long a cgroup may take to let go of processes that were killed.
const PATIENCE: Duration = Duration::from_secs(1);

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
    pub(super) path: PathBuf,
    _lock: Option<Flock<File>>,
}

impl Place {
    /// Makes it in `parent`, which may be a cgroup.
    pub(super) fn make(parent: &Path, owner: &Owner) -> io::Result<Self> {
        // What the kernel serves nobody can replace.
        if !is_cgroup(parent) {
            trust::check(parent)?;
        }
        let path = parent.join(owner.name());
        DirBuilder::new().mode(0o700).create(&path)?;
        // Where the file system knows no locks, the name has to do.
        Ok(Self { _lock: lock(&path), path })
    }

    /// Removes it; what could not be removed, and why.
    pub(super) fn remove(self) -> Result<(), Text> {
        remove(&self.path)
    }
}

fn lock(path: &Path) -> Option<Flock<File>> {
    Flock::lock(File::open(path).ok()?, FlockArg::LockExclusiveNonblock).ok()
}

/// Whether a run that was killed has left the directory: it is one of ours, of this user, and its guardian
/// is gone.
pub(super) fn is_left(path: &Path) -> bool {
    let owner = path.file_name().and_then(|name| Owner::in_name(name.to_str()?));
    let mine = fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw());
    owner.is_some_and(|owner| !owner.is_alive()) && mine && lock(path).is_some()
}

/// Removes a place with all that is in it.
pub(super) fn remove(path: &Path) -> Result<(), Text> {
    let result = if is_cgroup(path) { remove_cgroup(path) } else { remove_tree(path) };
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()).into())
        }
        _ => Ok(()),
    }
}

fn is_cgroup(path: &Path) -> bool {
    let magic = statfs::statfs(path).map(|found| found.filesystem_type());
    magic.is_ok_and(|m| [statfs::CGROUP_SUPER_MAGIC, statfs::CGROUP2_SUPER_MAGIC].contains(&m))
}

/// A cgroup and those below it; its files cannot be removed, and go with it.
fn remove_cgroup(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path())?;
        }
    }
    let end = Instant::now() + PATIENCE;
    loop {
        match fs::remove_dir(path) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

/// A directory with everything in it, but nothing on another file system.
fn remove_tree(path: &Path) -> io::Result<()> {
    let device = fs::symlink_metadata(path)?.dev();
    remove_below(path, device, &mut 0)
}

fn remove_below(path: &Path, device: u64, entries: &mut usize) -> io::Result<()> {
    *entries += 1;
    if *entries > ENTRIES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let found = fs::symlink_metadata(path)?;
    if found.dev() != device {
        return Err(io::ErrorKind::CrossesDevices.into());
    }
    if !found.is_dir() {
        return fs::remove_file(path);
    }
    // overlayfs makes a directory without permissions in its work directory.
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        remove_below(&entry?.path(), device, entries)?;
    }
    fs::remove_dir(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_owner() {
        let me = Owner::me().unwrap();
        assert_eq!(Owner::in_name(&me.name()), Some(me));
        assert!(me.is_alive());
        assert!(!Owner { started: me.started + 1, ..me }.is_alive());
        for name in
            ["x", ".dind-doctor-trial-1", ".dind-doctor-trial-01-2", ".dind-doctor-trial-1-2/"]
        {
            assert_eq!(Owner::in_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_place_goes_with_all_that_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::make(dir.path(), &Owner::me().unwrap()).unwrap();
        let closed = place.path.join("work/work");
        fs::create_dir_all(&closed).unwrap();
        fs::write(closed.join("file"), "x").unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        assert!(!is_left(&place.path), "its owner is alive");
        place.remove().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_dead_owner_has_left_is_found_unless_somebody_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let dead = Owner { pid: i32::MAX, started: 1 };
        let place = Place::make(dir.path(), &dead).unwrap();
        assert!(!is_left(&place.path), "it is locked: an owner in another PID namespace");
        let path = place.path.clone();
        drop(place);
        assert!(is_left(&path));
        let link = dir.path().join(Owner { pid: i32::MAX, started: 2 }.name());
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(!is_left(&link));
    }
}
