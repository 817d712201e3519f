//! The room of an engine that root runs: a PID, a mount and a network namespace. Its processes, mounts, links and rules
//! end with its PID 1, whoever ends that; what an engine writes outside of its own directory is written into file
//! systems in memory that only the room has.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{
            ffi::OsStringExt,
            fs::{DirBuilderExt, MetadataExt, symlink},
        },
    },
    path::{Path, PathBuf},
};

use dind_doctor_checks::facts::Action;
use nix::{
    fcntl::{OFlag, open, openat},
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    sys::stat::{Mode, fstat, mkdirat},
};

use crate::trial::{
    namespace,
    steps::{Failure, Steps},
};

/// What the doctor has in the room.
pub(super) const OWN: &str = "/run/dind-doctor";

/// Below it, the data root of the engine.
pub(super) const DATA: &str = "/run/dind-doctor/data";

/// In `/run`, what engines make, and the bus by which they would tell firewalld of their bridges, which acts in its own
/// network namespace; a daemon that is there is none of the room's.
const OF_ENGINES: [&str; 14] = [
    "containerd",
    "containers",
    "crio",
    "crun",
    "dbus",
    "docker",
    "docker.pid",
    "docker.sock",
    "firewalld",
    "libpod",
    "netns",
    "podman",
    "runc",
    "xtables.lock",
];

/// Sysctls that are not those of a namespace; dockerd raises a quota there.
const OF_THE_KERNEL: [&str; 4] = ["fs", "kernel", "user", "vm"];

/// For what is found by a descriptor afterwards.
const DIRECTORY: OFlag =
    OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Entries of a directory that is covered, and mounts, at most.
const ENTRIES: usize = 2000;

/// Runs `work` as PID 1 of a room; the guardian ends it all by ending this process.
pub(super) fn with(steps: &mut Steps, work: impl FnOnce(&mut Steps)) -> Option<()> {
    let all = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID;
    steps.about("namespaces", true);
    steps.step(Action::PrepareRoom, || unshare(all))?;
    steps.about("", true);
    steps.in_child(work).then_some(())
}

/// Mounts, from inside: the engine's own directory, and what is covered.
pub(super) fn furnish(steps: &mut Steps, place: &Path) -> Option<()> {
    steps.about("mounts", true);
    steps.step(Action::PrepareRoom, namespace::private)?;
    steps.about("/proc", true);
    steps.step(Action::PrepareRoom, new_proc)?;
    steps.about("/run", true);
    steps.step(Action::PrepareRoom, || {
        cover("/run".as_ref(), &OF_ENGINES)?;
        let old = Path::new("/var/run");
        if fs::symlink_metadata(old).is_ok_and(|found| found.is_dir()) {
            cover(old, &OF_ENGINES)?;
        }
        for path in [OWN, DATA] {
            DirBuilder::new().mode(0o711).create(path)?;
        }
        // Below the place, since engines change the permissions of theirs, and by its own it is known.
        let data = made_in(&opened_again(place)?.1, "data")?;
        bind(format!("/proc/self/fd/{}", data.as_raw_fd()).as_ref(), DATA.as_ref())?;
        // In a namespace of a user a proc is mounted only where one is whole already.
        if !is_masked("/proc")? {
            whole_proc()?;
        }
        read_only_kernel()
    })?;
    steps.about("", true);
    Some(())
}

/// Covers a directory so that what is made in it stays in the room, and what is there can be used.
pub(super) fn cover(directory: &Path, but: &[&str]) -> Result<(), Failure> {
    let resolved = directory.canonicalize()?;
    let names: Vec<_> = fs::read_dir(&resolved)?.flatten().map(|entry| entry.file_name()).collect();
    if names.len() > ENTRIES {
        return Err(Failure::seen(format!("too many entries in {}", resolved.display())));
    }
    // What is covered is reached by the descriptor.
    let open = fs::File::open(&resolved)?;
    let below = format!("/proc/self/fd/{}", open.as_raw_fd());
    mount(Some("tmpfs"), &resolved, Some("tmpfs"), MsFlags::empty(), Some("mode=755,size=64m"))?;
    for name in names.iter().filter(|name| !but.iter().any(|one| *name == *one)) {
        let (old, new) = (Path::new(&below).join(name), resolved.join(name));
        let Ok(metadata) = fs::symlink_metadata(&old) else { continue };
        if metadata.is_symlink() {
            symlink(fs::read_link(&old)?, &new)?;
            continue;
        }
        if metadata.is_dir() {
            fs::create_dir(&new)?;
        } else {
            fs::File::create(&new)?;
        }
        match bind(&old, &new) {
            // It has gone meanwhile.
            Err(_) if fs::symlink_metadata(&old).is_err() => {}
            bound => bound?,
        }
    }
    Ok(())
}

/// A directory that was opened in another mount namespace, which cannot be mounted here: opened in this one, where a path
/// leads to the same directory. Whoever may rename it can do so at any moment, so that only the descriptor counts.
///
/// After chroot(2) the kernel gives the path from the root of the other namespace, of which here only an end is left.
fn opened_again(place: &Path) -> Result<(PathBuf, OwnedFd), Failure> {
    let (path, there) = (fs::read_link(place)?, fs::metadata(place)?);
    let mut refused = Failure::seen("somebody has put another directory in its place");
    for end in ends(&path) {
        match open(&end, DIRECTORY, Mode::empty()) {
            Ok(again) => {
                let found = fstat(&again)?;
                if (there.dev(), there.ino()) == (found.st_dev, found.st_ino) {
                    return Ok((end, again));
                }
            }
            Err(errno) if end == path => refused = errno.into(),
            Err(_) => {}
        }
    }
    Err(refused)
}

/// The path itself, and without its first directory, its first two, …
fn ends(path: &Path) -> impl Iterator<Item = PathBuf> {
    let names: Vec<_> = path.iter().skip(1).collect();
    (0..names.len()).map(move |from| Path::new("/").join(names[from..].iter().collect::<PathBuf>()))
}

/// A new directory in one that is open.
fn made_in(parent: &OwnedFd, name: &str) -> Result<OwnedFd, Failure> {
    mkdirat(parent, name, Mode::from_bits_truncate(0o711))?;
    Ok(openat(parent, name, DIRECTORY, Mode::empty())?)
}

/// The same, and the path that leads to it.
pub(super) fn found_again(place: &Path) -> Result<PathBuf, Failure> {
    Ok(opened_again(place)?.0)
}

fn bind(old: &Path, new: &Path) -> Result<(), Failure> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(old), new, None::<&str>, flags, None::<&str>).map_err(Into::into)
}

/// Makes a mount read-only, which is bound to itself first if it is none.
fn read_only(path: &Path) -> Result<(), Failure> {
    bind(path, path)?;
    let flags = MsFlags::MS_BIND
        | MsFlags::MS_REMOUNT
        | MsFlags::MS_RDONLY
        | MsFlags::MS_NOSUID
        | MsFlags::MS_NODEV
        | MsFlags::MS_NOEXEC;
    mount(None::<&str>, path, None::<&str>, flags, None::<&str>).map_err(Into::into)
}

/// A mount of the table: where, of what kind, and whether it is read-only.
struct Mounted {
    at: PathBuf,
    kind: String,
    read_only: bool,
}

fn mounts() -> Result<Vec<Mounted>, Failure> {
    Ok(table(&fs::read("/proc/self/mounts")?))
}

/// Names need not be UTF-8.
fn table(bytes: &[u8]) -> Vec<Mounted> {
    let line = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b' ').skip(1);
        let (at, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        let read_only = options.split(|byte| *byte == b',').any(|option| option == b"ro");
        let at = PathBuf::from(OsString::from_vec(unescaped(at)));
        Some(Mounted { at, kind: String::from_utf8_lossy(kind).into_owned(), read_only })
    };
    bytes.split(|byte| *byte == b'\n').filter_map(line).collect()
}

/// The kernel writes blanks and backslashes as three octal digits (`mangle_path`).
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, more)) = rest.split_first() {
        let digits = more.get(..3).filter(|_| *first == b'\\');
        let octal =
            digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        if let Some(byte) = octal {
            plain.push(byte);
            rest = &more[3..];
        } else {
            plain.push(*first);
            rest = more;
        }
    }
    plain
}

fn is_masked(proc: &str) -> Result<bool, Failure> {
    Ok(mounts()?.iter().any(|mount| mount.at != Path::new(proc) && mount.at.starts_with(proc)))
}

/// The proc of the room's PID namespace, as masked as the one that it covers: an engine must not be given more than it
/// has.
fn new_proc() -> Result<(), Failure> {
    let old: Vec<_> =
        mounts()?.into_iter().filter(|mount| mount.at.starts_with("/proc")).take(ENTRIES).collect();
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>)?;
    for mounted in old.iter().filter(|mounted| mounted.at != Path::new("/proc")) {
        let Ok(metadata) = fs::symlink_metadata(&mounted.at) else { continue };
        match mounted.kind.as_str() {
            "proc" if mounted.read_only => read_only(&mounted.at)?,
            "tmpfs" | "devtmpfs" if metadata.is_dir() => {
                let flags = MsFlags::MS_RDONLY;
                mount(Some("tmpfs"), &mounted.at, Some("tmpfs"), flags, None::<&str>)?;
            }
            "tmpfs" | "devtmpfs" => bind("/dev/null".as_ref(), &mounted.at)?,
            _ => {}
        }
    }
    let whole = old.iter().rev().find(|mounted| mounted.at == Path::new("/proc"));
    if whole.is_some_and(|mounted| mounted.read_only) {
        mount(
            None::<&str>,
            "/proc",
            None::<&str>,
            MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | flags,
            None::<&str>,
        )?;
    }
    Ok(())
}

fn whole_proc() -> Result<(), Failure> {
    let path = Path::new(OWN).join("proc");
    DirBuilder::new().mode(0o700).create(&path)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), &path, Some("proc"), flags, None::<&str>).map_err(Into::into)
}

fn read_only_kernel() -> Result<(), Failure> {
    for name in OF_THE_KERNEL {
        let path = Path::new("/proc/sys").join(name);
        if path.is_dir() {
            read_only(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_mounts_may_be_any_bytes() {
        let table = table(b"none /mnt/\xff tmpfs rw 0 0\nproc /proc/a\\040b proc ro,nosuid 0 0\n");
        let seen: Vec<_> =
            table.iter().map(|mount| (mount.at.as_path(), mount.read_only)).collect();
        let odd = OsString::from_vec(b"/mnt/\xff".to_vec());
        assert_eq!(seen, [(Path::new(&odd), false), (Path::new("/proc/a b"), true)]);
    }

    #[test]
    fn after_chroot_an_end_of_the_path_leads_there() {
        let all: Vec<_> = ends("/a/b/c".as_ref()).collect();
        assert_eq!(all, ["/a/b/c", "/b/c", "/c"].map(PathBuf::from));
        let directory = tempfile::tempdir().unwrap();
        let open = fs::File::open(directory.path()).unwrap();
        let place = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()));
        assert_eq!(found_again(&place).unwrap(), directory.path().canonicalize().unwrap());
        fs::rename(directory.path(), directory.path().with_extension("moved")).unwrap();
        fs::create_dir(directory.path()).unwrap();
        assert!(fs::remove_dir(directory.path().with_extension("moved")).is_ok());
        assert!(found_again(&place).is_err(), "another directory is in its place");
    }
}
