//! Writing sysctls of a network namespace, by the mount that is there, and as runc does it.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

use dind_doctor_checks::facts::{Action, Facts, PORT_START, TrialName};
use nix::sched::{CloneFlags, unshare};
use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create, fsmount, fsopen,
        open_tree,
    },
};

use super::{
    Description, Plan, namespace,
    steps::{Failure, Steps},
};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Sysctl,
    does: "in a network namespace of its own writes the value that it reads to sysctls of the namespace, \
           below /proc/sys and in a proc that is mounted nowhere, as runc does",
    loads: &[],
    plan,
};

/// What dockerd writes for its bridge and for containers, and runc for each container.
const WRITTEN: [&str; 3] =
    ["net/ipv4/ip_forward", "net/ipv6/conf/default/disable_ipv6", PORT_START];

/// What a value may take.
const BYTES: u64 = 64;

fn plan(facts: &Facts) -> Vec<Plan> {
    let root = facts.identity.euid.is_known_and(|euid| *euid == 0);
    vec![Plan::new(TrialName::Sysctl, "", Vec::new(), move |steps, _| {
        let _ = attempt(steps, root);
    })]
}

fn attempt(steps: &mut Steps, root: bool) -> Option<()> {
    if !root {
        namespace::user(steps)?;
    }
    // A new proc belongs to the PID namespace, and who mounts it has to own that.
    let flags = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID;
    steps.step(Action::Unshare, || unshare(flags))?;
    steps.in_child(|steps| {
        for name in WRITTEN {
            let path = Path::new("/proc/sys").join(name);
            if path.exists() {
                steps.about(name, true);
                steps.step(Action::WriteSysctl, || rewrite(&path));
            }
        }
        // Only releases of runc since November 2025 do it so.
        steps.about(PORT_START, false);
        steps.step(Action::ReopenSysctl, || reopen(Path::new("sys").join(PORT_START).as_path()));
    });
    Some(())
}

/// The value that is there: gVisor's `/proc/sys/net` is that of its first namespace, whoever asks.
fn rewrite(path: &Path) -> Result<(), Failure> {
    let mut value = Vec::new();
    File::open(path)?.take(BYTES).read_to_end(&mut value)?;
    OpenOptions::new().write(true).open(path)?.write_all(&value).map_err(Into::into)
}

/// As libpathrs and its port in Go do it: a descriptor without rights, opened again for writing.
fn reopen(path: &Path) -> Result<(), Failure> {
    let proc = detached_proc().map_err(errno)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = openat(proc.as_fd(), path, flags, Mode::empty()).map_err(errno)?;
    rewrite(Path::new(&format!("/proc/self/fd/{}", handle.as_raw_fd())))
}

/// A new proc, else a copy of the mount; both are nowhere in the tree, and end with the descriptor.
fn detached_proc() -> rustix::io::Result<OwnedFd> {
    let new = || {
        let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_create(context.as_fd())?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC
            | MountAttrFlags::MOUNT_ATTR_NOSUID;
        fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    new().or_else(|_| open_tree(CWD, "/proc", flags))
}

fn errno(errno: rustix::io::Errno) -> Failure {
    nix::errno::Errno::from_raw(errno.raw_os_error()).into()
}
