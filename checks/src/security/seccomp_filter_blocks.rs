mod swept;

use alloc::vec::Vec;

use crate::{
    facts::{Capability, Fact, Facts, FilteredCalls, Sandbox, Seccomp},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, SecurityOption},
    target::{Severities, Target},
};

check! {
    /// ## What it looks at
    /// Whether the doctor is under a seccomp filter (`Seccomp` in `/proc/self/status`), and then what the
    /// filter answers to `clone` with a new user namespace, `clone3` and `keyctl`. All are called with
    /// arguments that the kernel refuses, in a forked process, so that nothing is made; the error number
    /// tells who refused. With `--active`, some forty calls more: what containers are made with (`mount`,
    /// `setns`, `pivot_root`, `bpf` on cgroup v2), and what newer libc tries first (`faccessat2`, `statx`,
    /// `rseq`).
    ///
    /// ## Why it matters
    /// A filter is inherited by everything that is started below it. The default profile of Docker and
    /// containerd has no `keyctl` and no `pivot_root`, whatever the capabilities, and runc inside needs
    /// both; without CAP_SYS_ADMIN it refuses new user namespaces too, with which everything rootless
    /// begins. Profiles before Docker 20.10.10 answer EPERM to `clone3`, which programs with glibc 2.34 take
    /// for final: no thread can be started. So it is with `faccessat2` (`test -x` in Alpine 3.14) and
    /// `fchmodat2`. Calls that nobody needs (`userfaultfd`, `io_uring_setup`) are shown and not judged.
    ///
    /// ## When it is fine
    /// Filters that only log or hand over (Sysbox, LXD) let calls pass. ENOSYS is a good answer to `clone3`
    /// and `keyctl`: libc falls back, and runc does without a keyring; LXC answers so on purpose. In
    /// gVisor, where the mode says nothing, nothing is judged; in Sysbox, which answers for the kernel,
    /// nothing is tried.
    ///
    /// ## How to fix
    /// `--security-opt seccomp=unconfined`, `seccompProfile: {type: Unconfined}`; for `clone3` alone an
    /// outer Docker from 20.10.10 on and libseccomp 2.5.
    ///
    /// ## References
    /// `seccomp(2)`; moby's `profiles/seccomp/default.json`, moby#42680; runc#1889; official-images#16829;
    /// actions/runner-images#3812.
    "seccomp-filter-blocks",
    "The seccomp filter refuses calls that engines make",
    { dockerd: Error, kind: Error, rootless: Error, systemd: Warning, buildkit: Error, sandbox: Error },
    [
        "pthread_create: Operation not permitted",
        "create keyring",
        "can't start new thread",
        "join session keyring",
        "Problem unlinking the file",
        "At least one invalid signature",
        "operation not permitted: unknown",
        "unshare failed: Operation not permitted",
        "session key: operation not permitted",
    ],
    trials: [Seccomp]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if facts.sandbox()? == Sandbox::Gvisor {
        return Ok(Outcome::not_applicable("gVisor filters below its own kernel"));
    }
    // Where no filter is, whoever refuses is something else.
    let unfiltered = facts.security.seccomp.is_known_and(|mode| *mode != Seccomp::Filter);
    match swept::outcome(facts) {
        Some(Outcome::Found(_)) if unfiltered => return Ok(Outcome::pass()),
        Some(outcome) => return Ok(outcome),
        None => {}
    }
    if *facts.security.seccomp.get()? != Seccomp::Filter {
        return Ok(Outcome::pass());
    }
    let FilteredCalls { clone_new_user, clone3, keyctl } = &facts.security.filtered;
    let refused = |call: &Fact<bool>| call.is_known_and(|refused| *refused);
    let mut findings: Vec<Finding> = Vec::new();
    if refused(clone3) {
        findings.push(passive(
            facts,
            "clone3",
            severities!(dockerd: Error, kind: Error, rootless: Error, systemd: Warning, buildkit: Error, sandbox: Warning),
            "the seccomp filter answers EPERM to clone3: programs with glibc 2.34 start no thread",
        ));
    }
    if refused(keyctl) {
        findings.push(passive(
            facts,
            "keyctl",
            severities!(dockerd: Error, kind: Error, rootless: Error, buildkit: Error),
            "the seccomp filter refuses keyctl: runc and crun stop at the session keyring",
        ));
    }
    if refused(clone_new_user) {
        findings.push(passive(
            facts,
            "clone",
            ROOTLESS,
            "the seccomp filter refuses new user namespaces: nothing rootless starts",
        ));
    }
    // What a profile refuses that is made from Docker's by allowing a few calls is seen only by trying.
    if refused(keyctl) && !refused(clone_new_user) {
        let summary = "the seccomp filter refuses keyctl, as Docker's does, which refuses pivot_root too: bubblewrap \
                       then fails with \"pivot_root: Operation not permitted\"";
        findings.push(passive(facts, "pivot_root", severities!(sandbox: Warning), summary));
    }
    if findings.is_empty() {
        for call in [clone_new_user, clone3, keyctl] {
            call.get().map_err(|unknown| Unknown { remedy: Some(unconfined()), ..unknown })?;
        }
    }
    Ok(Outcome::of(findings))
}

fn unconfined() -> Remedy {
    Remedy::container(
        "start the container without a seccomp filter",
        [ContainerSetting::SecurityOption(SecurityOption::SeccompUnconfined)],
    )
}

fn passive(facts: &Facts, call: &str, severity: Severities, summary: &str) -> Finding {
    finding(facts, call, severity, summary).evidence(call, "EPERM")
}

/// Those who begin with a user namespace; a buildkitd that is root here does not.
const ROOTLESS: Severities = severities!(rootless: Error, buildkit: Error, sandbox: Error);

fn finding(facts: &Facts, call: &str, severity: Severities, summary: &str) -> Finding {
    let mut finding = Finding::new(call, severity, summary);
    if facts.security.seccomp.is_known_and(|mode| *mode == Seccomp::Filter) {
        finding = finding.evidence("/proc/self/status", "Seccomp 2");
    }
    let root = facts.identity.euid.is_known_and(|uid| *uid == 0);
    let may = facts.capabilities.bounding.is_known_and(|set| set.has(Capability::SYS_ADMIN));
    if severity == ROOTLESS && root && may {
        finding.severity = finding.severity.with(Target::Buildkit, None);
    }
    if facts.runtime.container.is_no() {
        return finding.remedy(Remedy::advice(
            Place::Host,
            "see SystemCallFilter= of the systemd unit that started this session",
        ));
    }
    let admin =
        facts.capabilities.bounding.known().is_none_or(|set| set.has(Capability::SYS_ADMIN));
    if !admin {
        finding = finding.caused_by("privilege-missing");
    }
    finding = finding.remedy(unconfined());
    if call == "clone3" {
        finding = finding.remedy(Remedy::advice(
            Place::Host,
            "bring the outer engine up to date: Docker 20.10.10, libseccomp 2.5",
        ));
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{CapabilitySet, Fact::Known, Why},
        target::Severity,
        testing::{healthy_container, healthy_vm},
    };

    fn filtered(clone_new_user: bool, clone3: bool, keyctl: bool) -> Facts {
        let mut facts = healthy_container();
        facts.security.seccomp = Known(Seccomp::Filter);
        facts.security.filtered = FilteredCalls {
            clone_new_user: Known(clone_new_user),
            clone3: Known(clone3),
            keyctl: Known(keyctl),
        };
        facts
    }

    fn found(facts: &Facts) -> Vec<Finding> {
        let Ok(Outcome::Found(found)) = judged(facts) else { panic!("{:?}", judged(facts)) };
        assert!(found.iter().all(|finding| finding.severity.within(&CHECK.worst)));
        found
    }

    #[test]
    fn without_a_filter_nothing_is_asked() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn a_filter_that_lets_everything_pass_is_fine() {
        assert_eq!(judged(&filtered(false, false, false)), Ok(Outcome::pass()));
    }

    #[test]
    fn the_default_profile_stops_runc_even_with_every_capability() {
        let found = found(&filtered(false, false, true));
        assert_eq!(found[0].severity.get(Target::Dockerd), Some(Severity::Error));
        assert!(found[0].caused_by.is_empty());
        assert_eq!(found[1].severity, severities!(sandbox: Warning), "a hypothesis: pivot_root");
    }

    #[test]
    fn without_cap_sys_admin_it_refuses_user_namespaces() {
        let mut facts = filtered(true, false, false);
        facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
        let found = found(&facts);
        assert_eq!(
            found[0].severity,
            severities!(rootless: Error, buildkit: Error, sandbox: Error)
        );
        assert_eq!(found[0].caused_by, ["privilege-missing"]);
    }

    #[test]
    fn an_old_profile_breaks_threads() {
        assert_eq!(found(&filtered(false, true, false))[0].subject, "clone3");
    }

    #[test]
    fn gvisor_is_not_judged() {
        let mut facts = filtered(true, true, true);
        facts.runtime.sandbox = Sandbox::Gvisor;
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn what_the_filter_does_must_be_known() {
        let mut facts = filtered(false, false, false);
        facts.security.filtered.keyctl = Fact::missing("keyctl", Why::NotRecorded);
        assert!(judged(&facts).unwrap_err().remedy.is_some());
        facts.security.filtered.clone3 = Known(true);
        assert_eq!(found(&facts).len(), 1);
    }
}
