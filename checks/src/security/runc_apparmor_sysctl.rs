use alloc::format;

use crate::{
    facts::{Engine, Fact, Facts},
    outcome::{Finding, Outcome, Verdict},
    remedy::{Place, Remedy},
    target::Severities,
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// Whether this is an LXC container (Proxmox, Incus, LXD) on a kernel that uses AppArmor, and the
    /// version of runc.
    ///
    /// ## Why it matters
    /// Since the fix of CVE-2025-52881 (1.2.8, 1.3.3, 1.4.0-rc.3) runc reopens files of `/proc/sys` through
    /// their descriptors. AppArmor then takes `/proc/sys/net/…` for `/sys/net/…`, which LXC's older profiles
    /// deny: every container fails at `net.ipv4.ip_unprivileged_port_start`.
    ///
    /// ## When it is fine
    /// The host's LXC decides, and is not visible from inside: lxc-pve 6.0.5-2, Incus 6.19 and later have
    /// mended profiles. So this is a warning where runc is known to be affected, and information where
    /// its version is only assumed. Outside of LXC nothing is judged.
    ///
    /// ## How to fix
    /// Update LXC on the host: `lxc-pve` 6.0.5-2 or Incus 6.19. Do not hold back runc, which mends a hole.
    ///
    /// ## References
    /// runc#4968, moby#51405, containerd#12484, lxc/incus#2623, lxc/lxc#4606.
    "runc-apparmor-sysctl",
    "LXC's AppArmor profile may stop every container of runc",
    "D/D/D/-/D",
    ["open sysctl net.ipv4.ip_unprivileged_port_start file: reopen fd"]
}

fn run(facts: &Facts) -> Verdict {
    match facts.runtime.engine {
        Engine::Lxc => {}
        _ => return Ok(Outcome::not_applicable("not an LXC container")),
    }
    if facts.security.apparmor_enabled == Fact::Known(false) {
        return Ok(Outcome::not_applicable("the kernel does not use AppArmor"));
    }
    let runc = facts.versions.of(Component::Runc);
    if !is_affected(runc.version) {
        return Ok(Outcome::pass());
    }
    facts.security.apparmor_enabled.get()?;
    let severity = if runc.is_assumed() { "W/W/W/-/W" } else { "D/D/D/-/D" };
    let label = facts.security.label.known().map_or("", |label| label.as_str());
    Ok(Finding::new(
        "runc",
        Severities::of(severity),
        format!(
            "runc {} in LXC with AppArmor: no container starts if the host's LXC profiles are older",
            runc.version
        ),
    )
    .evidence("/sys/module/apparmor/parameters/enabled", "Y")
    .evidence("/proc/self/attr/current", label)
    .rests_on(Component::Runc, &runc)
    .remedy(Remedy::commands(
        Place::Host,
        "Proxmox: lxc-pve from 6.0.5-2 on; then restart the container (elsewhere: Incus from 6.19 on)",
        ["apt-get update && apt-get install -y lxc-pve"],
    ))
    .into())
}

/// From 1.2.8, 1.3.3 and 1.4.0 on. Release candidates read as the release.
fn is_affected(version: Version) -> bool {
    let Version { major, minor, patch } = version;
    match (major, minor) {
        (1, 2) => patch >= 8,
        (1, 3) => patch >= 3,
        _ => version.at_least(1, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact::Known, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn lxc(runc: Version) -> Facts {
        let mut facts = healthy_container();
        facts.runtime.engine = Engine::Lxc;
        facts.security.apparmor_enabled = Known(true);
        facts.versions.read(Component::Runc, runc, "test");
        facts
    }

    fn severity(facts: &Facts) -> Severities {
        let Ok(Outcome::Found(found)) = run(facts) else { panic!("{:?}", run(facts)) };
        found[0].severity
    }

    #[test]
    fn an_affected_runc_is_a_warning_and_an_assumed_one_information() {
        assert_eq!(severity(&lxc(Version::new(1, 3, 3))), CHECK.worst);
        let mut facts = lxc(Version::new(1, 3, 3));
        facts.versions = crate::version::Versions::default();
        assert_eq!(severity(&facts), Severities::of("W/W/W/-/W"));
    }

    #[test]
    fn releases_before_the_hardening_pass() {
        for version in [Version::new(1, 1, 12), Version::new(1, 2, 7), Version::new(1, 3, 2)] {
            assert_eq!(run(&lxc(version)), Ok(Outcome::pass()), "{version}");
        }
    }

    #[test]
    fn outside_of_lxc_and_without_apparmor_nothing_is_judged() {
        assert!(matches!(run(&healthy_container()), Ok(Outcome::NotApplicable(_))));
        assert!(matches!(run(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        let mut facts = lxc(Version::new(1, 4, 0));
        facts.security.apparmor_enabled = Known(false);
        assert!(matches!(run(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_knowing_apparmor_it_is_unknown() {
        let mut facts = lxc(Version::new(1, 4, 0));
        facts.security.apparmor_enabled = Fact::missing("apparmor", Why::NotPermitted);
        assert!(run(&facts).is_err());
    }
}
