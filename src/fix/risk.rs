//! What a change may cost, and whose it is.

use dind_doctor_checks::{facts::Facts, remedy::Task};

/// Who carries a change out, and at what risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Nothing is lost, and it can be taken back.
    Safe,
    /// Something restarts, or others feel it.
    Unsafe,
    /// It is made elsewhere: another machine, a new container, a reboot.
    Yours,
}

impl Risk {
    /// The word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Yours => "yours",
        }
    }
}

/// Of a task that is done where the doctor is.
pub(super) fn of(task: &Task, facts: &Facts) -> Risk {
    let contained = !facts.runtime.container.is_no();
    match task {
        Task::Sysctl { values, .. } => {
            if values.iter().all(|(name, _)| is_own(name, facts)) || !contained {
                Risk::Safe
            } else {
                Risk::Yours
            }
        }
        Task::Write { path, .. } => {
            either(path.starts_with("/sys/fs/cgroup/"), Risk::Safe, Risk::Yours)
        }
        Task::RemoveFile(_)
        | Task::RemoveDirectory(_)
        | Task::Mount { .. }
        | Task::Remount { .. }
        | Task::Propagation { .. }
        | Task::SubordinateIds(_)
        | Task::CgroupDirectory { .. }
        | Task::CgroupLeaf { .. } => Risk::Safe,
        Task::Mode { .. } => either(contained, Risk::Safe, Risk::Unsafe),
        Task::File { .. } => either(contained, Risk::Yours, Risk::Safe),
        Task::Modules { .. } => either(contained, Risk::Yours, Risk::Unsafe),
        Task::Unmount { .. } | Task::Rule { .. } | Task::Alternative { .. } => Risk::Unsafe,
        _ => Risk::Yours,
    }
}

const fn either(first: bool, then: Risk, otherwise: Risk) -> Risk {
    if first { then } else { otherwise }
}

/// Whether a sysctl is one of namespaces that are the container's own.
fn is_own(name: &str, facts: &Facts) -> bool {
    let namespaces = &facts.identity.namespaces;
    let private = |namespace: &dind_doctor_checks::facts::Fact<_>| {
        namespace.is_known_and(|n: &dind_doctor_checks::facts::Namespace| n.initial.is_no())
    };
    if name.starts_with("net.") {
        return private(&namespaces.net);
    }
    let of_ipc = ["kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue."];
    of_ipc.iter().any(|stem| name.starts_with(stem)) && private(&namespaces.ipc)
}
