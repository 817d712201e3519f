//! The room of an engine that root runs: a PID, a mount and a network namespace. Its processes, mounts, links and rules
//! end with its PID 1, whoever ends that; what an engine writes outside of its own directory is written into file
//! systems in memory that only the room has.

use std::{
    fs::{self, DirBuilder},
    os::{
        fd::AsRawFd,
        unix::fs::{DirBuilderExt, MetadataExt, symlink},
    },
    path::{Path, PathBuf},
};

use dind_doctor_checks::facts::Action;
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};

use crate::trial::{
    namespace,
    steps::{Failure, Steps},
};

/// What the doctor has in the room.
pub(super) const OWN: &str = "/run/dind-doctor";

/// Below it, the data root of the engine.
pub(super) const DATA: &str = "/run/dind-doctor/data";

/// In `/run`, what engines make; a daemon that is there is none of the room's.
const OF_ENGINES: [&str; 12] = [
    "containerd",
    "containers",
    "crio",
    "crun",
    "docker",
    "docker.pid",
    "docker.sock",
    "libpod",
    "netns",
    "podman",
    "runc",
    "xtables.lock",
];

/// Sysctls that are not those of a namespace; dockerd raises a quota there.
const OF_THE_KERNEL: [&str; 4] = ["fs", "kernel", "user", "vm"];

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
        for path in [OWN, DATA] {
            DirBuilder::new().mode(0o711).create(path)?;
        }
        // Below the place, since engines change the permissions of theirs, and by its own it is known.
        let data = found_again(place)?.join("data");
        DirBuilder::new().mode(0o711).create(&data)?;
        bind(&data, DATA.as_ref())?;
        // In a namespace of a user a proc is mounted only where one is whole already.
        if !is_masked("/proc") {
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
        bind(&old, &new)?;
    }
    Ok(())
}

/// A directory that was opened in another mount namespace, which cannot be mounted here: the path to it, if it leads to the
/// same directory.
pub(super) fn found_again(place: &Path) -> Result<PathBuf, Failure> {
    let path = fs::read_link(place)?;
    let (open, found) = (fs::metadata(place)?, fs::symlink_metadata(&path)?);
    if (open.dev(), open.ino()) != (found.dev(), found.ino()) {
        return Err(Failure::seen("somebody has put another directory in its place"));
    }
    Ok(path)
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

fn mounts() -> Vec<Mounted> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let line = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        let read_only = options.split(',').any(|option| option == "ro");
        Some(Mounted { at: at.into(), kind: kind.to_owned(), read_only })
    };
    table.lines().filter_map(line).collect()
}

fn is_masked(proc: &str) -> bool {
    mounts().iter().any(|mount| mount.at != Path::new(proc) && mount.at.starts_with(proc))
}

/// The proc of the room's PID namespace, as masked as the one that it covers: an engine must not be given more than it
/// has.
fn new_proc() -> Result<(), Failure> {
    let old: Vec<_> =
        mounts().into_iter().filter(|mount| mount.at.starts_with("/proc")).take(ENTRIES).collect();
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
