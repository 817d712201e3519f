use alloc::format;

use crate::{
    facts::{CpuCgroup, CpuQuota, Facts, Why},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, Task},
    target::{Severities, Severity},
};

check! {
    /// ## What it looks at
    /// cgroup v2: whether the doctor's own cgroup has no CPU quota (`cpu.max` is `max`, or absent) while an
    /// ancestor that is visible has one, and whether it is less than the CPUs on which the doctor may run.
    ///
    /// ## Why it matters
    /// Preparing a container for nesting moves its processes into a leaf, `init`, and the quota stays
    /// behind. Programs that look for it in their own cgroup (Go's GOMAXPROCS, older JVMs) then start a
    /// thread for each CPU of the machine, and spend their time throttled.
    ///
    /// ## When it is fine
    /// Without a quota; with one that is no less than the CPUs; on cgroup v1, where processes stay. On a
    /// host, the quota of a slice is the administrator's.
    ///
    /// ## How to fix
    /// Copy the quota into the leaf, after the processes have been moved, or set `GOMAXPROCS`.
    ///
    /// ## References
    /// Kernel `Documentation/admin-guide/cgroup-v2.rst` (CPU); Go 1.25 release notes; kubernetes/test-infra
    /// pull request 37440.
    "cpu-quota-hidden",
    "The CPU quota is out of sight of the programs it limits",
    { dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning },
    []
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.in_container()? {
        return Ok(Outcome::not_applicable("not a container"));
    }
    if facts.cgroup.version.known().is_some_and(|version| version.is_v1()) {
        return Ok(Outcome::not_applicable("cgroup v1: processes stay where the quota is"));
    }
    if facts.resources.cgroup.cpu.why() == Some(Why::NotFound) {
        // Without the mount table nothing would be visible.
        facts.mounts.get()?;
        return Ok(Outcome::not_applicable("the doctor's own cgroup is not visible"));
    }
    let rows = facts.resources.cgroup.cpu.get()?;
    let [own, above @ ..] = rows.as_slice() else {
        return Ok(Outcome::pass());
    };
    let quota = |row: &CpuCgroup| row.quota.known().copied().flatten();
    let least = above
        .iter()
        .filter_map(|row| Some((row, quota(row)?)))
        .min_by_key(|(_, quota)| quota.millicpus());
    let Some((limited, quota_above)) = least else {
        return Ok(Outcome::pass());
    };
    if !hides(own) {
        // A quota of its own, or one that cannot be read.
        own.quota.get()?;
        return Ok(Outcome::pass());
    }
    let cpus = *facts.resources.cpus.get()?;
    if quota_above.millicpus() >= u64::from(cpus) * 1000 {
        return Ok(Outcome::pass());
    }
    Ok(finding(own, limited, quota_above, cpus).into())
}

/// `max`, or no file, because the controller is not enabled for children.
fn hides(own: &CpuCgroup) -> bool {
    own.quota.is_known_and(Option::is_none) || own.quota.why() == Some(Why::NotFound)
}

fn finding(own: &CpuCgroup, limited: &CpuCgroup, quota: CpuQuota, cpus: u32) -> Finding {
    let milli = quota.millicpus();
    let value = format!("{}.{}", milli / 1000, milli % 1000 / 100);
    // With nearly as many CPUs as the quota, a thread more or less does not matter.
    let ceiling =
        if u64::from(cpus) * 1000 >= 2 * milli { Severity::Warning } else { Severity::Info };
    let whole = milli.div_ceil(1000).max(1);
    let absent = own.quota.why() == Some(Why::NotFound);
    let own_value = if absent { "no cpu.max" } else { "max" };
    let finding = Finding::new(
        own.path.as_str(),
        Severities::at_most(CHECK.worst, ceiling),
        format!(
            "{} limits this to {value} CPUs, its own cgroup says {own_value}: programs take it for {cpus}",
            limited.path
        ),
    )
    .evidence(format!("{}/cpu.max", own.path), own_value)
    .evidence(
        format!("{}/cpu.max", limited.path),
        format!("{} {}", quota.quota, quota.period),
    )
    .evidence("/proc/self/status: Cpus_allowed_list", format!("{cpus} CPUs"));
    let copy = Task::Write {
        path: format!("{}/cpu.max", own.path),
        value: format!("{} {}", quota.quota, quota.period),
    };
    let finding = if absent {
        finding
    } else {
        finding.remedy(Remedy::tasks(Place::Here, "copy the quota into the leaf", [copy]))
    };
    finding.remedy(Remedy::container(
        "tell Go programs; give the JVM -XX:ActiveProcessorCount",
        [ContainerSetting::Variable("GOMAXPROCS".into(), format!("{whole}"))],
    ))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{CgroupVersion, Fact},
        resources::testing::{is_not_applicable, only_finding},
        testing::{healthy_container, healthy_vm},
    };

    fn row(path: &str, quota: Fact<Option<CpuQuota>>) -> CpuCgroup {
        CpuCgroup { path: path.into(), quota, ..CpuCgroup::default() }
    }

    fn with(own: Fact<Option<CpuQuota>>, above: u64) -> Facts {
        let mut facts = healthy_container();
        let above = CpuQuota { quota: above, period: 100_000 };
        facts.resources.cgroup.cpu = Fact::Known(vec![
            row("/sys/fs/cgroup/init", own),
            row("/sys/fs/cgroup", Fact::Known(Some(above))),
        ]);
        facts.resources.cpus = Fact::Known(8);
        facts
    }

    #[test]
    fn a_quota_that_stayed_behind_is_found() {
        let finding = only_finding(judged(&with(Fact::Known(None), 150_000)));
        assert_eq!(finding.severity, CHECK.worst);
        assert!(finding.summary.contains("1.5 CPUs") && finding.summary.contains("for 8"));
        assert!(finding.remedies[0].change.commands()[0].contains("echo '150000 100000'"));
        let absent = with(Fact::missing("cpu.max", Why::NotFound), 150_000);
        assert_eq!(only_finding(judged(&absent)).remedies.len(), 1);
    }

    #[test]
    fn a_quota_near_the_number_of_cpus_is_only_worth_knowing() {
        let finding = only_finding(judged(&with(Fact::Known(None), 600_000)));
        assert_eq!(
            finding.severity,
            severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info)
        );
        assert_eq!(judged(&with(Fact::Known(None), 800_000)), Ok(Outcome::pass()));
    }

    #[test]
    fn a_quota_of_its_own_passes() {
        let own = CpuQuota { quota: 150_000, period: 100_000 };
        assert_eq!(judged(&with(Fact::Known(Some(own)), 150_000)), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    }

    #[test]
    fn hosts_and_version_1_are_not_judged() {
        assert!(is_not_applicable(&judged(&healthy_vm())));
        let mut facts = with(Fact::Known(None), 150_000);
        facts.cgroup.version = Fact::Known(CgroupVersion::V1);
        assert!(is_not_applicable(&judged(&facts)));
    }

    #[test]
    fn without_the_own_quota_or_the_cpus_it_is_unknown() {
        assert!(judged(&with(Fact::missing("cpu.max", Why::NotPermitted), 150_000)).is_err());
        let mut facts = with(Fact::Known(None), 150_000);
        facts.resources.cpus = Fact::missing("Cpus_allowed_list", Why::NotFound);
        assert!(judged(&facts).is_err());
    }
}
