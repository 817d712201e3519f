//! What the trial of system calls says of a filter.

use alloc::{format, string::String, vec::Vec};

use super::{ROOTLESS, finding};
use crate::{
    facts::{Action, CgroupVersion, Facts, Step, Trial, TrialName},
    outcome::{Finding, Outcome, Proof},
    target::{Severities, Target},
};

/// `ENOSYS`.
const ABSENT: i32 = 38;

/// Calls whose refusal has one consequence.
struct Group {
    calls: &'static [&'static str],
    hurts: Hurts,
    severity: Severities,
    consequence: &'static str,
}

/// Which answers of a filter hurt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hurts {
    /// Every answer but the kernel's own.
    Always,
    /// Every one but ENOSYS, after which something older is called.
    UnlessAbsent,
    /// A signal alone: programs only try whether the call is there.
    Killed,
    /// Under cgroup v2.
    Version2,
}

const GROUPS: [Group; 8] = [
    Group {
        calls: &[
            "mount",
            "umount2",
            "unshare(CLONE_NEWNS)",
            "clone(CLONE_NEWNS)",
            "setns",
            "pivot_root",
            "chroot",
            "sethostname",
            "seccomp",
        ],
        hurts: Hurts::Always,
        severity: severities!(dockerd: Error, kind: Error, rootless: Error, systemd: Warning, buildkit: Error, sandbox: Error),
        consequence: "no engine can make a container",
    },
    Group {
        calls: &["clone3"],
        hurts: Hurts::UnlessAbsent,
        severity: severities!(dockerd: Error, kind: Error, rootless: Error, systemd: Warning, buildkit: Error),
        consequence: "programs with glibc 2.34 start no thread",
    },
    Group {
        calls: &["keyctl"],
        hurts: Hurts::UnlessAbsent,
        severity: severities!(dockerd: Error, kind: Error, rootless: Error, buildkit: Error),
        consequence: "runc and crun stop at the session keyring",
    },
    Group {
        calls: &["clone(CLONE_NEWUSER)", "unshare(CLONE_NEWUSER)"],
        hurts: Hurts::Always,
        severity: ROOTLESS,
        consequence: "nothing rootless starts",
    },
    Group {
        calls: &["bpf"],
        hurts: Hurts::Version2,
        severity: severities!(dockerd: Error, kind: Error, buildkit: Error),
        consequence: "runc cannot set the device filter of a cgroup v2",
    },
    Group {
        calls: &["faccessat2", "statx", "fchmodat2"],
        hurts: Hurts::UnlessAbsent,
        severity: severities!(dockerd: Warning, kind: Warning, rootless: Warning, systemd: Warning, buildkit: Warning),
        consequence: "programs with newer libc take files for inaccessible, which only ENOSYS prevents",
    },
    Group {
        calls: &["mount_setattr"],
        hurts: Hurts::UnlessAbsent,
        severity: severities!(dockerd: Warning, kind: Warning),
        consequence: "read-only volumes fail with Docker 25 and later",
    },
    Group {
        calls: &[
            "rseq",
            "openat2",
            "close_range",
            "pidfd_open",
            "memfd_create",
            "epoll_pwait2",
            "name_to_handle_at",
        ],
        hurts: Hurts::Killed,
        severity: severities!(dockerd: Error, kind: Error, rootless: Error, systemd: Warning, buildkit: Error),
        consequence: "libc, runc and systemd try them, and end",
    },
];

/// Those of the first group without which bubblewrap makes no sandbox.
const SANDBOX: [&str; 4] = ["mount", "umount2", "clone(CLONE_NEWNS)", "pivot_root"];

/// What the sweep says; `None` where there was none.
pub(super) fn outcome(facts: &Facts) -> Option<Outcome> {
    let trial = facts.trials.complete(TrialName::Seccomp)?;
    let findings: Vec<Finding> =
        GROUPS.iter().filter_map(|group| judge(facts, trial, group)).collect();
    // Who has no capability, and may have no user namespace, has not tried everything.
    let whole = trial.step(Action::SystemCall, "pivot_root").is_some();
    let proof = if whole { Proof::Trial } else { Proof::Static };
    Some(Outcome::of_or(findings, || Outcome::Pass(proof)))
}

fn judge(facts: &Facts, trial: &Trial, group: &Group) -> Option<Finding> {
    let version_2 = facts.cgroup.version.is_known_and(|version| *version == CgroupVersion::V2);
    if group.hurts == Hurts::Version2 && !version_2 {
        return None;
    }
    let steps = group.calls.iter().filter_map(|call| trial.step(Action::SystemCall, call));
    let refused: Vec<&Step> = steps.filter(|step| is_hurt(step, group.hurts)).collect();
    let names: Vec<&str> = refused.iter().map(|step| step.object.as_str()).collect();
    let subject = *names.first()?;
    let summary = format!("{}: {}", answers(&refused, &names), group.consequence);
    let of_engines = group.severity != ROOTLESS && !names.iter().any(|name| SANDBOX.contains(name));
    let severity =
        if of_engines { group.severity.with(Target::Sandbox, None) } else { group.severity };
    let finding = finding(facts, subject, severity, &summary);
    Some(refused.into_iter().fold(finding, |finding, step| finding.tried(trial, step)))
}

fn is_hurt(step: &Step, hurts: Hurts) -> bool {
    match (&step.refused, hurts) {
        (None, _) => false,
        (Some(_), Hurts::Always | Hurts::Version2) => true,
        (Some(refused), Hurts::UnlessAbsent) => refused.errno != Some(ABSENT),
        // Neither an error number nor a pretended success.
        (Some(refused), Hurts::Killed) => refused.what.starts_with("killed"),
    }
}

/// Who answers what to which calls.
fn answers(refused: &[&Step], names: &[&str]) -> String {
    let first = refused.iter().find_map(|step| step.refused.as_ref());
    let one = first.filter(|first| refused.iter().all(|s| s.refused.as_ref() == Some(first)));
    let names = names.join(", ");
    match one {
        Some(one) if one.errno.is_some() => {
            format!("the seccomp filter answers {} to {names}", one.what)
        }
        Some(one) if one.what.starts_with("killed") => {
            format!("the seccomp filter kills what calls {names}")
        }
        _ => format!("the seccomp filter refuses {names}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact::Known, Refused, Seccomp, Why},
        target::{Severity, Target},
        testing::healthy_container,
    };

    /// A sweep under a filter; of each call that is not answered by the kernel, what was.
    fn swept(answers: &[(&str, Option<i32>, &str)]) -> Facts {
        let mut facts = healthy_container();
        facts.security.seccomp = Known(Seccomp::Filter);
        let all = GROUPS.iter().flat_map(|group| group.calls);
        let none: Vec<_> = all.map(|call| (Action::SystemCall, *call, None)).collect();
        crate::testing::tried(&mut facts, TrialName::Seccomp, "", &none);
        for (call, errno, what) in answers {
            let steps = &mut facts.trials.runs[0].steps;
            let step = steps.iter_mut().find(|step| step.object == *call).unwrap();
            step.refused = Some(Refused { errno: *errno, what: (*what).into() });
        }
        facts
    }

    fn found(facts: &Facts) -> Vec<Finding> {
        match (super::super::judged)(facts) {
            Ok(Outcome::Found(found)) => {
                assert!(found.iter().all(|f| f.severity.within(&super::super::CHECK.worst)));
                assert!(found.iter().all(|f| f.proof() == Proof::Trial));
                found
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_call_through_is_proved_although_nothing_else_is_known() {
        let mut facts = swept(&[("rseq", Some(1), "EPERM"), ("clone3", Some(38), "ENOSYS")]);
        facts.security.filtered = crate::facts::FilteredCalls::default();
        assert_eq!((super::super::judged)(&facts), Ok(Outcome::proved()));
        facts.security.seccomp =
            crate::facts::Fact::missing("/proc/self/status", Why::NotPermitted);
        assert_eq!((super::super::judged)(&facts), Ok(Outcome::proved()));
        let steps = &mut facts.trials.runs[0].steps;
        steps.retain(|step| step.object != "pivot_root");
        assert_eq!((super::super::judged)(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn the_calls_of_one_consequence_are_one_finding() {
        let found = found(&swept(&[
            ("mount", Some(1), "EPERM"),
            ("setns", Some(1), "EPERM"),
            ("unshare(CLONE_NEWUSER)", Some(38), "ENOSYS"),
        ]));
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0].summary,
            "the seccomp filter answers EPERM to mount, setns: no engine can make a container"
        );
        assert_eq!(
            found[0].evidence[2].source,
            "trial: reach the kernel with a system call (setns)"
        );
        assert_eq!(found[1].severity.get(Target::Rootless), Some(Severity::Error));
        assert_eq!(found[1].severity.get(Target::Dockerd), None);
    }

    #[test]
    fn old_profiles_degrade_newer_programs() {
        let found = found(&swept(&[
            ("faccessat2", Some(1), "EPERM"),
            ("statx", Some(38), "ENOSYS"),
            ("mount_setattr", Some(1), "EPERM"),
        ]));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|f| f.severity.get(Target::Dockerd) == Some(Severity::Warning)));
    }

    #[test]
    fn a_filter_that_kills_ends_what_only_tries() {
        let killed = "killed by SIGSYS";
        let found = found(&swept(&[("rseq", None, killed), ("clone3", None, killed)]));
        assert_eq!(found.len(), 2);
        assert!(found[1].summary.starts_with("the seccomp filter kills what calls rseq: "));
    }

    #[test]
    fn bpf_is_needed_under_version_2_alone() {
        let mut facts = swept(&[("bpf", Some(1), "EPERM")]);
        assert_eq!(found(&facts)[0].subject, "bpf");
        facts.cgroup.version = Known(CgroupVersion::Hybrid);
        assert_eq!((super::super::judged)(&facts), Ok(Outcome::proved()));
    }

    #[test]
    fn without_a_filter_a_refusal_is_anothers() {
        let mut facts = swept(&[("mount", Some(1), "EPERM")]);
        facts.security.seccomp = Known(Seccomp::Disabled);
        assert_eq!((super::super::judged)(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_sweep_that_was_skipped_changes_nothing() {
        use crate::facts::Ending;
        let mut facts = swept(&[("mount", Some(1), "EPERM")]);
        facts.trials.runs[0].ending = Ending::Skipped("no process can be forked".into());
        facts.security.filtered.clone3 = Known(true);
        let Ok(Outcome::Found(found)) = (super::super::judged)(&facts) else { panic!() };
        assert_eq!((found.len(), found[0].proof()), (1, Proof::Static));
    }
}
