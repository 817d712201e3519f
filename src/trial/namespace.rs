//! New namespaces for a trial's process.

use std::fs;

use dind_doctor_checks::facts::Action;
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};

use super::steps::{Failure, Steps};

/// A mount namespace, from which nothing propagates.
pub(crate) fn mounts(steps: &mut Steps) -> Option<()> {
    steps.step(Action::Unshare, || {
        unshare(CloneFlags::CLONE_NEWNS)?;
        private()
    })
}

/// A user namespace in which this user is root, and a mount namespace in it.
pub(crate) fn user(steps: &mut Steps) -> Option<()> {
    let (uid, gid) = (geteuid(), getegid());
    steps.step(Action::Unshare, || unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS))?;
    steps.step(Action::MapIds, || {
        // Who has no privilege may map the group only without setgroups.
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
    })?;
    steps.step(Action::Unshare, private)
}

pub(crate) fn private() -> Result<(), Failure> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).map_err(Into::into)
}
