//! Which system calls a seccomp filter keeps from the kernel.
//!
//! Each is made with arguments for which the kernel has an error of its own before it does anything, and
//! before it looks at capabilities (those for which it does not are made only where the capability is
//! there). EPERM, ENOSYS, a signal or a pretended success is then another's answer. A trial of its own: it
//! changes nothing, so that it can be asked for where the others must not run.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use dind_doctor_checks::facts::{
    Action, Capability, CgroupVersion, Facts, Refused, Sandbox, Step, TrialName,
};
use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
    sys::{
        signal::{Signal, kill},
        wait::{WaitStatus, waitpid},
    },
};

use super::{Description, Plan, steps::Steps};
use crate::sys::{
    calls::{CALLS, Call, Need, Sure},
    fork,
};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Seccomp,
    does: "makes system calls that engines need and seccomp filters refuse, each in a process of its own \
           with arguments that the kernel refuses, and looks who answers; a filter that kills is logged \
           by the kernel's audit",
    loads: &[],
    plan,
};

/// How long one call may take: a supervisor that answers for the kernel may be slow, or gone.
const PATIENCE: Duration = Duration::from_millis(500);

fn plan(facts: &Facts) -> Vec<Plan> {
    match facts.runtime.sandbox {
        Sandbox::Gvisor | Sandbox::Sysbox => {
            let why = "the sandbox answers system calls itself: errors here tell of no filter";
            vec![Plan::skipped(TrialName::Seccomp, "", why)]
        }
        _ => {
            let knows = Knows::of(facts);
            vec![Plan::new(TrialName::Seccomp, "", Vec::new(), move |steps, _| {
                sweep(steps, &knows);
            })]
        }
    }
}

/// What decides whether the kernel itself could say EPERM, and what engines need.
struct Knows {
    initial: bool,
    has: Vec<Capability>,
    version_2: bool,
}

impl Knows {
    fn of(facts: &Facts) -> Self {
        let effective = facts.capabilities.effective.known().copied().unwrap_or_default();
        Self {
            initial: facts.identity.namespaces.user_is_private().is_no(),
            has: effective.iter().collect(),
            version_2: facts.cgroup.version.is_known_and(|version| *version == CgroupVersion::V2),
        }
    }

    /// Whether the kernel would not say EPERM.
    fn is_sure(&self, call: &Call) -> bool {
        match call.sure {
            Sure::Always => true,
            Sure::InOwnNamespace => false,
            Sure::With(capability) => self.initial && self.has.contains(&capability),
        }
    }

    fn needs(&self, call: &Call, errno: Option<i32>) -> bool {
        match call.need {
            Need::Always => true,
            Need::UnlessAbsent => errno != Some(libc::ENOSYS),
            Need::Version2 => self.version_2,
            Need::No => false,
        }
    }
}

fn sweep(steps: &mut Steps, knows: &Knows) {
    for call in CALLS.iter().filter(|call| knows.is_sure(call)) {
        attempt(steps, call, knows);
    }
    steps.in_child(|steps| {
        if has_namespaces_of_its_own() {
            for call in CALLS.iter().filter(|call| matches!(call.sure, Sure::InOwnNamespace)) {
                attempt(steps, call, knows);
            }
        }
    });
}

/// Enters them. To make the second kind needs `CAP_SYS_ADMIN` over this user namespace, which is then
/// certain; after the first alone it is not, because AppArmor may take it away there.
fn has_namespaces_of_its_own() -> bool {
    let own = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS;
    unshare(own).is_ok() || unshare(CloneFlags::CLONE_NEWUSER).is_ok() && unshare(own).is_ok()
}

fn attempt(steps: &mut Steps, call: &Call, knows: &Knows) {
    let refused = answer(call);
    let errno = refused.as_ref().and_then(|refused| refused.errno);
    steps.record(Step {
        action: Action::SystemCall,
        object: call.name.into(),
        needed: knows.needs(call, errno),
        refused,
    });
}

/// Who answered: `None` for the kernel.
fn answer(call: &Call) -> Option<Refused> {
    let seen = |what: &str| Some(Refused { errno: None, what: what.into() });
    let Ok((child, mut stream)) = fork::with_stream(|stream| in_child(call, stream)) else {
        return seen("no process can be forked");
    };
    let mut errno = [0; 4];
    let said = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.read_exact(&mut errno));
    if said.is_err() {
        // It has ended, or never will.
        let _ = kill(child, Signal::SIGKILL);
    }
    match (said, waitpid(child, None)) {
        (Ok(()), _) => judge(call, i32::from_ne_bytes(errno)),
        (Err(_), Ok(WaitStatus::Signaled(_, Signal::SIGKILL, _))) => seen("no answer"),
        (Err(_), Ok(WaitStatus::Signaled(_, signal, _))) => seen(&format!("killed by {signal}")),
        _ => seen("no answer"),
    }
}

/// What the kernel never says to these arguments.
fn judge(call: &Call, errno: i32) -> Option<Refused> {
    match errno {
        0 if call.succeeds => None,
        0 => Some(Refused { errno: None, what: "success is pretended".into() }),
        // Not EACCES: a call that a security module refuses came through the filter.
        libc::EPERM | libc::ENOSYS => Some(Refused {
            errno: Some(errno),
            what: format!("{:?}", Errno::from_raw(errno)).into(),
        }),
        _ => None,
    }
}

fn in_child(call: &Call, mut stream: UnixStream) {
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    // SIGSYS dumps core, which would stay as a file.
    let _ = nix::sys::prctl::set_dumpable(false);
    let errno = call.errno();
    let _ = stream.write_all(&errno.to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_succeeds_and_the_kernel_answers_most() {
        fork::alone(every_call);
    }

    fn every_call() {
        let answers: Vec<_> = CALLS
            .iter()
            .filter(|call| matches!(call.sure, Sure::Always))
            .map(|call| (call.name, answer(call).map(|refused| refused.what.to_string())))
            .collect();
        let pretended = |what: &Option<String>| what.as_deref() == Some("success is pretended");
        assert!(!answers.iter().any(|(_, what)| pretended(what)), "{answers:?}");
        // Wherever tests run, libc has what it begins every process with.
        let memory = answers.iter().find(|(name, _)| *name == "memfd_create");
        assert!(memory.is_some_and(|(_, what)| what.is_none()), "{answers:?}");
    }

    #[test]
    fn what_the_kernel_never_says_is_anothers_answer() {
        let call = CALLS.iter().find(|call| call.name == "mount").unwrap();
        for errno in [libc::EFAULT, libc::EINVAL, libc::EBADF, libc::EOPNOTSUPP] {
            assert_eq!(judge(call, errno), None);
        }
        assert_eq!(judge(call, libc::EPERM).unwrap().what, "EPERM");
        assert_eq!(judge(call, libc::ENOSYS).unwrap().errno, Some(libc::ENOSYS));
        assert_eq!(judge(call, 0).unwrap().errno, None);
    }

    #[test]
    fn what_libc_does_without_is_needed_only_if_it_is_refused() {
        let knows = Knows { initial: true, has: Vec::new(), version_2: false };
        let needs =
            |name, errno| knows.needs(CALLS.iter().find(|call| call.name == name).unwrap(), errno);
        assert!(needs("clone3", Some(libc::EPERM)) && !needs("clone3", Some(libc::ENOSYS)));
        assert!(needs("mount", Some(libc::ENOSYS)) && !needs("bpf", Some(libc::EPERM)));
    }

    #[test]
    fn every_name_is_there_once() {
        let mut names: Vec<_> = CALLS.iter().map(|call| call.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CALLS.len());
    }
}
