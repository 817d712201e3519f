use alloc::format;

use crate::{
    facts::{Action, Engine, Fact, Facts, PORT_START, Step, Trial, TrialName},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// Whether this is an LXC container (Proxmox, Incus, LXD) on a kernel that uses AppArmor, and the
    /// version of runc. With `--active` this sysctl is written in a new network namespace, as runc does it.
    ///
    /// ## Why it matters
    /// Since the fix of CVE-2025-52881 (1.2.8, 1.3.3, 1.4.0-rc.3) runc reopens files of `/proc/sys` through
    /// their descriptors. AppArmor then takes `/proc/sys/net/…` for `/sys/net/…`, which LXC's older profiles
    /// deny: every container fails at `net.ipv4.ip_unprivileged_port_start`.
    ///
    /// ## When it is fine
    /// The host's LXC decides, and is not visible from inside: lxc-pve 6.0.5-2, Incus 6.19 and later have
    /// mended profiles. So without a trial this is a warning where runc is known to be affected, and
    /// information where its version is only assumed. Outside of LXC only a trial that is refused counts.
    ///
    /// ## How to fix
    /// Update LXC on the host: LXC 6.0.6, `lxc-pve` 6.0.5-2 or Incus 6.19. Do not hold back runc, which mends a hole.
    ///
    /// ## References
    /// runc#4968, moby#51405, containerd#12484, lxc/incus#2623, lxc/lxc#4606.
    "runc-apparmor-sysctl",
    "LXC's AppArmor profile may stop every container of runc",
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Error },
    ["open sysctl net.ipv4.ip_unprivileged_port_start file: reopen fd"],
    trials: [Sysctl]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let tried = tried(facts);
    let refused = tried.filter(|(_, step)| step.refused.is_some());
    if facts.runtime.engine != Engine::Lxc && refused.is_none() {
        if facts.in_container()? && facts.runtime.engine == Engine::Unknown {
            facts.pid1.container_variable.told()?;
            facts.cgroup.memberships.told()?;
        }
        return Ok(Outcome::not_applicable("not an LXC container"));
    }
    if facts.security.apparmor_enabled == Fact::Known(false) {
        return Ok(Outcome::not_applicable("the kernel does not use AppArmor"));
    }
    let runc = facts.versions.sure(Component::Runc)?;
    if !is_affected(runc.version) {
        return Ok(Outcome::pass());
    }
    if tried.is_some() && refused.is_none() {
        return Ok(Outcome::proved());
    }
    facts.security.apparmor_enabled.get()?;
    let (severity, consequence) = match (refused.is_some(), runc.is_assumed()) {
        (true, false) => (
            severities!(dockerd: Error, kind: Error, rootless: Error, buildkit: Error),
            "no container starts",
        ),
        (true, true) => (
            severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning),
            "no container starts",
        ),
        (false, false) => (
            severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning),
            "no container starts if the host's LXC profiles are older",
        ),
        (false, true) => (
            severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info),
            "no container starts if the host's LXC profiles are older",
        ),
    };
    let label = facts.security.label.known().map_or("", |label| label.as_str());
    let place = if facts.runtime.engine == Engine::Lxc { " in LXC" } else { "" };
    let mut finding = Finding::new(
        "runc",
        severity,
        format!("runc {}{place} with AppArmor: {consequence}", runc.version),
    );
    if let Some((trial, step)) = refused {
        finding = finding.tried(trial, step);
    }
    Ok(finding
        .evidence("/sys/module/apparmor/parameters/enabled", "Y")
    .evidence("/proc/self/attr/current", label)
    .rests_on(Component::Runc, &runc)
    .remedy(Remedy::commands(
        Place::Host,
        "update LXC, and restart the container: LXC from 6.0.6 on, Proxmox's lxc-pve from 6.0.5-2, Incus from 6.19",
        ["apt-get update && apt-get install -y lxc-pve"],
    ))
    .into())
}

/// How writing it as runc does went, if it could be written by its own name.
fn tried(facts: &Facts) -> Option<(&Trial, &Step)> {
    const EACCES: i32 = 13;
    let trial = facts.trials.complete(TrialName::Sysctl)?;
    trial.step(Action::WriteSysctl, PORT_START).filter(|step| step.refused.is_none())?;
    let step = trial.step(Action::ReopenSysctl, PORT_START)?;
    // For whatever else fails, runc has another way.
    (step.refused.is_none() || step.errno() == Some(EACCES)).then_some((trial, step))
}

/// From 1.2.8, 1.3.3 and 1.4.0-rc.3 on.
fn is_affected(version: Version) -> bool {
    match (version.major, version.minor) {
        (1, 2) => version.patch >= 8,
        (1, 3) => version.patch >= 3,
        _ => version >= Version::new(1, 4, 0).candidate(3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact::Known, Why},
        testing::{healthy_container, healthy_vm, refused_step, tried as add_trial},
    };

    fn lxc(runc: Version) -> Facts {
        let mut facts = healthy_container();
        facts.runtime.engine = Engine::Lxc;
        facts.security.apparmor_enabled = Known(true);
        facts.versions.read(Component::Runc, runc, "test");
        facts
    }

    fn severity(facts: &Facts) -> crate::target::Severities {
        let Ok(Outcome::Found(found)) = judged(facts) else { panic!("{:?}", judged(facts)) };
        found[0].severity
    }

    #[test]
    fn an_affected_runc_is_a_warning_and_an_assumed_one_information() {
        assert_eq!(
            severity(&lxc(Version::new(1, 3, 3))),
            severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning)
        );
        let mut facts = lxc(Version::new(1, 3, 3));
        facts.versions = crate::version::Versions::default();
        assert_eq!(
            severity(&facts),
            severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info)
        );
    }

    #[test]
    fn releases_before_the_hardening_pass() {
        for version in [Version::new(1, 1, 12), Version::new(1, 2, 7), Version::new(1, 3, 2)] {
            assert_eq!(judged(&lxc(version)), Ok(Outcome::pass()), "{version}");
        }
    }

    #[test]
    fn outside_of_lxc_and_without_apparmor_nothing_is_judged() {
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        let mut facts = lxc(Version::new(1, 4, 0));
        facts.security.apparmor_enabled = Known(false);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_knowing_apparmor_it_is_unknown() {
        let mut facts = lxc(Version::new(1, 4, 0));
        facts.security.apparmor_enabled = Fact::missing("apparmor", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }

    fn tried_with(mut facts: Facts, refused: Option<(i32, &str)>) -> Facts {
        let steps = [Action::WriteSysctl, Action::ReopenSysctl].map(|a| (a, PORT_START, None));
        add_trial(&mut facts, TrialName::Sysctl, "", &steps);
        if let Some((errno, what)) = refused {
            refused_step(&mut facts, TrialName::Sysctl, Action::ReopenSysctl, errno, what);
        }
        facts
    }

    #[test]
    fn a_sysctl_that_was_refused_is_an_error_anywhere() {
        let mut facts = tried_with(lxc(Version::new(1, 3, 3)), Some((13, "EACCES")));
        for engine in [Engine::Lxc, Engine::Unknown] {
            facts.runtime.engine = engine;
            assert_eq!(severity(&facts), CHECK.worst);
        }
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].evidence[0].value, "EACCES");
        facts.versions = crate::version::Versions::default();
        assert_eq!(
            severity(&facts),
            severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning),
            "another runc may run"
        );
        facts.versions.read(Component::Runc, Version::new(1, 1, 5), "test");
        assert_eq!(judged(&facts), Ok(Outcome::pass()), "this one does it by name");
    }

    #[test]
    fn a_sysctl_that_was_written_is_no_alarm() {
        let facts = tried_with(lxc(Version::new(1, 3, 3)), None);
        assert_eq!(judged(&facts), Ok(Outcome::proved()));
    }

    #[test]
    fn without_an_answer_it_is_judged_as_before() {
        let as_before =
            severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning);
        assert_eq!(
            severity(&tried_with(lxc(Version::new(1, 3, 3)), Some((38, "ENOSYS")))),
            as_before
        );
        let mut facts = tried_with(lxc(Version::new(1, 3, 3)), Some((13, "EACCES")));
        refused_step(&mut facts, TrialName::Sysctl, Action::WriteSysctl, 13, "EACCES");
        assert_eq!(severity(&facts), as_before, "its own name is refused too");
        facts.trials.runs[0].ending = crate::facts::Ending::Skipped("".into());
        assert_eq!(severity(&facts), as_before);
    }
}
