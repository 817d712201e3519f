//! A user namespace as an ordinary user makes it, and what its capabilities are good for.

use dind_doctor_checks::facts::{Action, Facts, TrialName};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::{Gid, Uid, setgid, setgroups, setuid},
};

use super::{
    Description, Plan, namespace,
    steps::{Failure, Steps},
};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Userns,
    does: "as an ordinary user (root becomes nobody for it) makes a user namespace, becomes root in it, \
           and mounts a tmpfs and a proc there",
    loads: &[],
    plan,
};

/// `nobody`, where the doctor is root.
const NOBODY: u32 = 65534;

fn plan(facts: &Facts) -> Vec<Plan> {
    let Some(euid) = facts.identity.euid.known().copied() else {
        return vec![Plan::skipped(TrialName::Userns, "", "the user is not known")];
    };
    let uid = if euid == 0 { NOBODY } else { euid };
    vec![Plan::new(TrialName::Userns, format!("uid {uid}"), Vec::new(), move |steps, _| {
        if euid == 0 {
            steps.in_child(|steps| {
                steps.about("", false);
                if steps.step(Action::BecomeUser, become_nobody).is_some() {
                    steps.about("", true);
                    as_user(steps);
                }
            });
        } else {
            as_user(steps);
        }
    })]
}

fn become_nobody() -> Result<(), Failure> {
    setgroups(&[])?;
    setgid(Gid::from_raw(NOBODY))?;
    setuid(Uid::from_raw(NOBODY))?;
    // The files of /proc/self belong to root until then.
    nix::sys::prctl::set_dumpable(true).map_err(Into::into)
}

fn as_user(steps: &mut Steps) -> Option<()> {
    namespace::user(steps)?;
    steps.step(Action::MountTmpfs, || over_root("tmpfs"))?;
    // A proc belongs to a PID namespace, and shows that of the process that mounts it.
    steps.step(Action::Unshare, || unshare(CloneFlags::CLONE_NEWPID))?;
    steps.in_child(|steps| {
        steps.step(Action::MountProc, || over_root("proc"));
    });
    Some(())
}

/// The root is the one directory that is always there; nothing looks at what is mounted over it.
fn over_root(fstype: &str) -> nix::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some(fstype), "/", Some(fstype), flags, None::<&str>)
}
