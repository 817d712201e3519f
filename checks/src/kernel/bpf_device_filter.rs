use alloc::format;

use crate::{
    facts::{Action, Capability, CgroupVersion, Fact, Facts, Sandbox, Step, Trial, TrialName},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// Under cgroup v2: the kernel release, and whether the kernel has `bpf(2)`
    /// (`/proc/sys/kernel/unprivileged_bpf_disabled` exists). With `--active` a filter is attached to a new
    /// cgroup.
    ///
    /// ## Why it matters
    /// Version 2 has no devices controller. Runtimes attach a BPF program to each container's cgroup
    /// instead (`BPF_CGROUP_DEVICE`, Linux 4.15), and start nothing where the kernel cannot.
    ///
    /// ## When it is fine
    /// Under version 1 there is a controller. In a user namespace runc and crun attach no filter: that of
    /// the container around it goes on to hold. Kernels with `bpf(2)` from 4.15 on have the program type
    /// unless they were built without `CONFIG_CGROUP_BPF`, which only `--active` shows.
    ///
    /// ## How to fix
    /// A kernel from 4.15 on with `CONFIG_BPF_SYSCALL` and `CONFIG_CGROUP_BPF`, or cgroup v1.
    ///
    /// ## References
    /// Kernel `Documentation/admin-guide/cgroup-v2.rst`, "Device controller"; runc#2366, runc#2766,
    /// runc#2792, runc#3867.
    "bpf-device-filter",
    "The kernel cannot filter devices for cgroup v2 containers",
    { dockerd: Error, kind: Error, buildkit: Error },
    [
        "bpf_prog_query(BPF_CGROUP_DEVICE) failed",
        "error while loading device filter",
        "failed to call BPF_PROG_ATTACH (BPF_CGROUP_DEVICE",
    ],
    trials: [Bpf]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if facts.sandbox()? == Sandbox::Gvisor {
        return Ok(Outcome::not_applicable("gVisor is its own kernel: see sandboxed-kernel"));
    }
    match facts.cgroup.version.get()? {
        CgroupVersion::V2 => {}
        CgroupVersion::V1 | CgroupVersion::Hybrid => {
            return Ok(Outcome::not_applicable("cgroup v1 has a devices controller"));
        }
        CgroupVersion::None => {
            return Ok(Outcome::not_applicable("no cgroup filesystem is mounted"));
        }
    }
    if facts.identity.namespaces.user_is_private().is_yes() {
        if let Some(finding) = insists(facts)? {
            return Ok(finding.into());
        }
        return Ok(Outcome::not_applicable("in a user namespace runtimes attach no device filter"));
    }
    let kernel = &facts.kernel;
    let release = kernel.release.known().map_or("", |release| release.as_str());
    let remedy = Remedy::advice(
        Place::Host,
        "use a kernel from 4.15 on with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF, or boot with cgroup v1",
    );
    match tried(facts) {
        Some((_, step)) if step.refused.is_none() => return Ok(Outcome::proved()),
        Some((trial, step)) => {
            let summary = format!(
                "a device filter cannot be used here ({}: {step}): runtimes start no container",
                step.action.words()
            );
            let found = Finding::new("bpf(2)", CHECK.worst, summary).tried(trial, step);
            return Ok(caused(facts, step, found).remedy(remedy).into());
        }
        None => {}
    }
    if kernel.version.is_known_and(|version| !version.at_least(4, 15)) {
        let summary = format!(
            "kernel {release} cannot filter devices for cgroup v2 (4.15): runtimes start no container"
        );
        return Ok(Finding::new("cgroup v2", CHECK.worst, summary)
            .evidence("uname", release)
            .remedy(remedy)
            .into());
    }
    if kernel.bpf == Fact::Known(false) {
        return Ok(Finding::new(
            "bpf(2)",
            CHECK.worst,
            "the kernel has no bpf(2): runtimes cannot filter devices, and start no container",
        )
        .evidence("/proc/sys/kernel/unprivileged_bpf_disabled", "does not exist")
        .remedy(remedy)
        .into());
    }
    kernel.version.get()?;
    kernel.bpf.get()?;
    Ok(Outcome::pass())
}

/// One release candidate of runc, which Debian 11 has, wants its filter in user namespaces, too, where nobody may load one.
fn insists(facts: &Facts) -> Result<Option<Finding>, Unknown> {
    let runc = facts.versions.sure(Component::Runc)?;
    if runc.version != Version::new(1, 0, 0).candidate(93) {
        return Ok(None);
    }
    let summary = "runc 1.0.0-rc93 loads a device filter, which nobody may in a user namespace: no container starts";
    Ok(Some(
        Finding::new("runc", CHECK.worst, summary)
            .evidence("runc", format!("{}", runc.version))
            .evidence("/proc/self/ns/user", "not the initial one")
            .rests_on(Component::Runc, &runc)
            .remedy(Remedy::advice(
                Place::Here,
                "use runc 1.0.0-rc94 or later, or crun, which goes on without the filter there",
            )),
    ))
}

/// The first step that failed, in the order in which runc does the same, or the last if all worked.
fn tried(facts: &Facts) -> Option<(&Trial, &Step)> {
    let trial = facts.trials.complete(TrialName::Bpf)?;
    let did = [Action::QueryFilter, Action::LoadFilter, Action::AttachFilter];
    let failed = did.iter().flat_map(|action| trial.steps(*action)).find(|s| s.refused.is_some());
    Some((trial, failed.or_else(|| trial.steps(Action::AttachFilter).next())?))
}

/// EPERM is told by capabilities, and by seccomp where they are missing.
fn caused(facts: &Facts, step: &Step, finding: Finding) -> Finding {
    let privileged =
        facts.capabilities.effective.is_known_and(|set| set.has(Capability::SYS_ADMIN));
    if step.refused.as_ref().is_some_and(|refused| refused.what == "EPERM") && !privileged {
        return finding.caused_by("privilege-missing");
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact::Known, Why},
        testing::{healthy_container, healthy_vm, private},
    };

    #[test]
    fn todays_kernels_pass() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn old_kernels_and_those_without_bpf_are_found() {
        let mut facts = healthy_vm();
        facts.kernel.version = Known(Version::new(4, 14, 0));
        assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
        let mut facts = healthy_vm();
        facts.kernel.bpf = Known(false);
        assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
    }

    #[test]
    fn version_1_and_user_namespaces_need_no_filter() {
        let mut facts = healthy_container();
        facts.kernel.bpf = Known(false);
        facts.cgroup.version = Known(CgroupVersion::Hybrid);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        facts.cgroup.version = Known(CgroupVersion::V2);
        facts.identity.namespaces.user = private(4_026_532_600);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn one_candidate_of_runc_insists_on_it_in_user_namespaces() {
        let mut facts = healthy_container();
        facts.identity.namespaces.user = private(4_026_532_600);
        facts.versions.give(Component::Runc, Version::new(1, 0, 0).candidate(93));
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].severity, CHECK.worst);
        facts.versions.give(Component::Runc, Version::new(1, 0, 0).candidate(94));
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_facts_it_is_unknown() {
        let mut facts = healthy_container();
        facts.kernel.bpf = Fact::missing("/proc/sys/kernel", Why::NotRecorded);
        assert!(judged(&facts).is_err());
        facts.cgroup.version = Fact::missing("/sys/fs/cgroup", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }

    #[test]
    fn a_filter_that_was_attached_is_proof_whatever_the_release() {
        let mut facts = healthy_vm();
        facts.kernel.version = Known(Version::new(4, 14, 0));
        facts.kernel.bpf = Fact::missing("/proc/sys/kernel", Why::NotRecorded);
        attach(&mut facts, None);
        assert_eq!(judged(&facts), Ok(Outcome::proved()));
    }

    #[test]
    fn a_filter_that_was_refused_is_found_with_the_error() {
        let mut facts = healthy_container();
        attach(&mut facts, Some("EINVAL"));
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!("{:?}", judged(&facts)) };
        assert_eq!(found[0].evidence[0].source, "trial: attach a device filter");
        assert_eq!(found[0].evidence[0].value, "EINVAL");
        assert!(found[0].caused_by.is_empty());
        let mut facts = healthy_container();
        facts.capabilities.effective = Known(crate::facts::CapabilitySet(0xa804_25fb));
        attach(&mut facts, Some("EPERM"));
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!("{:?}", judged(&facts)) };
        assert_eq!(found[0].caused_by, ["privilege-missing"]);
    }

    #[test]
    fn without_a_cgroup_of_its_own_only_a_failure_counts() {
        let mut facts = healthy_container();
        let asked =
            |what| [(Action::MakeDirectory, "", Some("EROFS")), (Action::QueryFilter, "", what)];
        crate::testing::tried(&mut facts, TrialName::Bpf, "", &asked(None));
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.trials.runs.clear();
        crate::testing::tried(&mut facts, TrialName::Bpf, "", &asked(Some("EINVAL")));
        assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
    }

    fn attach(facts: &mut Facts, refused: Option<&str>) {
        let steps = [
            (Action::QueryFilter, "", None),
            (Action::LoadFilter, "", None),
            (Action::AttachFilter, "", refused),
        ];
        crate::testing::tried(facts, TrialName::Bpf, "", &steps);
    }
}
