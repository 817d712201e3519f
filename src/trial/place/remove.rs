//! Removing through descriptors: nothing on another mount, and nothing that a link leads to.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use nix::{
    dir::{Dir, Type},
    errno::Errno,
    fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2},
    sys::{
        signal::{Signal, kill},
        stat::{Mode, fchmod, fstat, fstatat},
    },
    unistd::{Pid, UnlinkatFlags, unlinkat},
};

use super::{OPEN, is_cgroup};

/// Entries that are removed of one place at most; a trial makes a few dozen.
const ENTRIES: usize = 10_000;

/// How long a cgroup may take to let go of processes that were killed.
const PATIENCE: Duration = Duration::from_secs(1);

/// All that is in the open directory, and then `name` in `parent` if that still is this directory.
pub(super) fn place(parent: &OwnedFd, name: &OsStr, directory: &File) -> io::Result<()> {
    if is_cgroup(directory) {
        return cgroup(parent, name, directory);
    }
    let mut entries = 0;
    below(directory, fstat(directory)?.st_dev, &mut entries)?;
    let there = fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    let here = fstat(directory)?;
    if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino) {
        return Err(io::Error::other("somebody has put another directory in its place"));
    }
    // It only removes what is empty.
    Ok(unlinkat(parent, name, UnlinkatFlags::RemoveDir)?)
}

pub(super) fn is_empty(directory: &File) -> io::Result<bool> {
    Ok(names(directory)?.is_empty())
}

type Named = (std::ffi::CString, Option<Type>);

fn names(directory: &impl AsFd) -> io::Result<Vec<Named>> {
    let mut names = Vec::new();
    // A descriptor of its own, since a list moves the position in the file.
    let mut list = Dir::openat(directory, ".", OPEN, Mode::empty())?;
    for entry in list.iter() {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push((entry.file_name().to_owned(), entry.file_type()));
        }
        if names.len() > ENTRIES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
    Ok(names)
}

/// Everything in a directory, but nothing on another file system.
fn below(directory: &impl AsFd, device: u64, entries: &mut usize) -> io::Result<()> {
    for (name, kind) in names(directory)? {
        *entries += 1;
        if *entries > ENTRIES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let name = name.as_c_str();
        let is_directory = if let Some(kind) = kind {
            kind == Type::Directory
        } else {
            let stat = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
            stat.st_mode & 0o170_000 == 0o040_000
        };
        if !is_directory {
            unlinkat(directory, name, UnlinkatFlags::NoRemoveDir)?;
            continue;
        }
        // overlayfs makes a directory without permissions in its work directory.
        let closed = beneath(directory, name, OFlag::O_PATH)?;
        if fstat(&closed)?.st_dev != device {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        let inner = match beneath(directory, name, OFlag::O_RDONLY) {
            Err(Errno::EACCES) => {
                open_up(&closed)?;
                beneath(directory, name, OFlag::O_RDONLY)?
            }
            inner => inner?,
        };
        let _ = fchmod(&inner, Mode::S_IRWXU);
        below(&inner, device, entries)?;
        unlinkat(directory, name, UnlinkatFlags::RemoveDir)?;
    }
    Ok(())
}

/// For a directory of this user that it may not even list.
fn open_up(directory: &OwnedFd) -> io::Result<()> {
    use std::os::{fd::AsRawFd, unix::fs::PermissionsExt};
    let path = format!("/proc/self/fd/{}", directory.as_raw_fd());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

/// Opens a directory that is on the same mount. Kernels before 5.6, and filters that do not know the call, tell by
/// the device alone.
fn beneath(directory: &impl AsFd, name: &std::ffi::CStr, how: OFlag) -> nix::Result<OwnedFd> {
    let flags = how | (OPEN & !OFlag::O_NONBLOCK);
    let resolve = ResolveFlag::RESOLVE_NO_XDEV | ResolveFlag::RESOLVE_NO_SYMLINKS;
    match openat2(directory, name, OpenHow::new().flags(flags).resolve(resolve)) {
        Err(Errno::ENOSYS | Errno::EPERM) => openat(directory, name, flags, Mode::empty()),
        result => result,
    }
}

/// What is in a cgroup of a trial was started by it.
fn end_processes(cgroup: &impl AsFd) {
    let Ok(list) =
        openat(cgroup, "cgroup.procs", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
    else {
        return;
    };
    let text = io::read_to_string(File::from(list)).unwrap_or_default();
    // 0 is a process of another PID namespace, and to the kernel all of one's own group.
    for pid in text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 1) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// A cgroup and those below it; its files cannot be removed, and go with it.
fn cgroup(parent: &impl AsFd, name: &OsStr, directory: &impl AsFd) -> io::Result<()> {
    for (inner, kind) in names(directory)? {
        if kind == Some(Type::Directory) {
            let name = OsStr::new(inner.to_str().unwrap_or_default());
            let open = openat(directory, name, OPEN, Mode::empty())?;
            cgroup(directory, name, &open)?;
        }
    }
    let end = Instant::now() + PATIENCE;
    loop {
        match unlinkat(parent, name, UnlinkatFlags::RemoveDir) {
            Err(Errno::EBUSY) if Instant::now() < end => {
                end_processes(directory);
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return Ok(result?),
        }
    }
}
