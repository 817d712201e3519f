use alloc::format;

use crate::{
    facts::{CgroupVersion, Facts},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// Which version of cgroups is mounted at `/sys/fs/cgroup`, and the version of systemd, as far as it is told or
    /// installed here: the one that would be PID 1.
    ///
    /// ## Why it matters
    /// systemd before 230 wants the hierarchies of cgroup v1. As PID 1 of a container on a machine with v2 alone it stops
    /// before anything else: `Failed to mount cgroup at /sys/fs/cgroup/systemd`, `Failed to mount API filesystems,
    /// freezing`. CentOS 7 (systemd 219), Debian 8 (215) and Ubuntu 16.04 (229) are such images, whatever the engine.
    ///
    /// ## When it is fine
    /// On cgroup v1 and on hybrid hosts. Where nothing tells a version, the newest is assumed: when the image is not the one
    /// in which the doctor runs, tell it (`--assume systemd=219`).
    ///
    /// ## How to fix
    /// Use an image with a newer systemd. Only where it has to be the old one: boot the host with
    /// `systemd.unified_cgroup_hierarchy=0`, which systemd 258 and later no longer know.
    ///
    /// ## References
    /// systemd's NEWS for 230; podman#6183.
    "systemd-too-old-for-cgroup2",
    "A systemd from before cgroup v2 meets cgroup v2",
    { systemd: Error },
    [
        "Failed to mount cgroup at /sys/fs/cgroup/systemd",
    ]
}

/// The first release that lives on cgroup v2 alone.
const SYSTEMD: Version = Version::new(230, 0, 0);

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if *facts.cgroup.version.get()? != CgroupVersion::V2 {
        return Ok(Outcome::not_applicable("not cgroup v2"));
    }
    let systemd = facts.versions.sure(Component::Systemd)?;
    if systemd.version >= SYSTEMD {
        return Ok(Outcome::pass());
    }
    let summary = format!(
        "cgroups are v2, which systemd {} does not know: it freezes before it starts anything",
        systemd.version.major
    );
    Ok(Finding::new("systemd", CHECK.worst, summary)
        .evidence("/sys/fs/cgroup", "cgroup2")
        .rests_on(Component::Systemd, &systemd)
        .remedy(Remedy::advice(
            Place::Image,
            "use an image with systemd 230 or later: CentOS 8, Debian 9, Ubuntu 18.04 and what came after",
        ))
        .remedy(Remedy::advice(
            Place::Host,
            "boot the host with systemd.unified_cgroup_hierarchy=0, as long as its own systemd knows that (before 258)",
        ))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn with(systemd: u32) -> Facts {
        let mut facts = healthy_container();
        facts.versions.give(Component::Systemd, Version::new(systemd, 0, 0));
        facts
    }

    #[test]
    fn an_old_systemd_is_found_and_a_newer_one_passes() {
        let Ok(Outcome::Found(found)) = judged(&with(219)) else { panic!() };
        assert_eq!(found[0].severity, CHECK.worst);
        assert!(found[0].summary.contains("systemd 219"));
        assert_eq!(judged(&with(230)), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn v1_and_hybrid_are_another_matter() {
        for version in [CgroupVersion::V1, CgroupVersion::Hybrid] {
            let mut facts = with(219);
            facts.cgroup.version = Fact::Known(version);
            assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn a_version_of_cgroups_that_cannot_be_read_is_unknown() {
        let mut facts = with(219);
        facts.cgroup.version = Fact::missing("statfs /sys/fs/cgroup", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
