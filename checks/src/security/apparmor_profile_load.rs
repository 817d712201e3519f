use alloc::{format, string::String};

use crate::{
    facts::{Capability, Fact, Facts},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, SecurityOption},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// Whether dockerd would take AppArmor for usable (the kernel has it enabled,
    /// `/sys/kernel/security/apparmor` is visible, `container` is not in the environment), and whether it
    /// could then load its profile: the doctor's own label, CAP_MAC_ADMIN, and for root whether `.replace` may be written;
    /// for Docker 23.0.0 whether there is an `apparmor_parser`.
    /// `--active` does not try it: to load even nothing changes the revision of the policy, and to open
    /// `.replace` proves nothing, since everybody may.
    ///
    /// ## Why it matters
    /// dockerd and containerd load the profile `docker-default` for every container that is not privileged.
    /// Where AppArmor looks usable and the profile cannot be loaded, these containers do not start.
    ///
    /// ## When it is fine
    /// On a host with the package apparmor the profile is loaded; without `apparmor_parser` engines take
    /// AppArmor for unsupported, and containers run (seen with Docker 30-dev); 23.0.0 alone insists. In docker:dind the entrypoint sets
    /// `container=docker`, and in most containers securityfs is not mounted: engines then leave AppArmor
    /// alone. LXD gives a container an AppArmor namespace of its own, in which loading works. Privileged
    /// containers, such as kind's nodes, get no profile.
    ///
    /// ## How to fix
    /// Start dockerd with `container=docker` in its environment, or without `/sys/kernel/security`. For Docker 23.0.0 install
    /// the package apparmor.
    ///
    /// ## References
    /// moby `daemon/apparmor_default.go`, containerd `pkg/apparmor`, moby `hack/dind`; nestybox/sysbox#662;
    /// moby#44900.
    "apparmor-profile-load",
    "dockerd cannot load its AppArmor profile here",
    Docker,
    { dockerd: Error, kind: Info, rootless: Info, buildkit: Info },
    [
        "profile could not be loaded",
        "apparmor_parser: Access denied. You need policy admin privileges",
        "Warning: attempted to load a profile while confined?",
    ]
}

const VISIBLE: &str = "/sys/kernel/security/apparmor";

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let security = &facts.security;
    if security.apparmor_enabled == Fact::Known(false) {
        return Ok(Outcome::not_applicable("the kernel does not use AppArmor"));
    }
    if security.apparmor_visible == Fact::Known(false) {
        return Ok(Outcome::not_applicable(
            "securityfs is not mounted: engines leave AppArmor alone",
        ));
    }
    // The variable of a host's shell is not that of a daemon; in a container both have the same.
    let variable = facts.runtime.variable("container").is_some_and(|value| !value.is_empty());
    if variable && !facts.runtime.container.is_no() {
        return Ok(Outcome::not_applicable("container= is set: engines leave AppArmor alone"));
    }
    security.apparmor_enabled.get()?;
    security.apparmor_visible.get()?;
    if let Some(finding) = insists(facts) {
        return Ok(finding.into());
    }
    let Some((reason, source, value)) = obstacle(facts) else {
        security.label.get()?;
        facts.capabilities.bounding.get()?;
        return Ok(Outcome::pass());
    };
    let summary = format!(
        "dockerd would use AppArmor and cannot load docker-default: {reason}; containers do not start"
    );
    let mut finding = Finding::new("docker-default", CHECK.worst, summary)
        .evidence(VISIBLE, "exists")
        .evidence(source, value);
    if facts.runtime.container.is_no() {
        return Ok(finding
            .remedy(Remedy::advice(
                Place::Host,
                "start dockerd where policy may be loaded: outside of this profile, with CAP_MAC_ADMIN",
            ))
            .into());
    }
    if facts.capabilities.bounding.is_known_and(|set| !set.has(Capability::SYS_ADMIN)) {
        finding = finding.caused_by("privilege-missing");
    }
    Ok(finding
        .remedy(Remedy::container(
            "tell engines that they are in a container, so that they leave AppArmor alone",
            [ContainerSetting::Variable("container".into(), "docker".into())],
        ))
        .remedy(Remedy::container(
            "start the container without an AppArmor profile, with policy rights",
            [
                ContainerSetting::SecurityOption(SecurityOption::AppArmorUnconfined),
                ContainerSetting::CapAdd(Capability::MAC_ADMIN),
            ],
        ))
        .into())
}

/// Docker 23.0.0, and no other, takes AppArmor for supported where the program that loads profiles is missing.
fn insists(facts: &Facts) -> Option<Finding> {
    let docker = facts.versions.of(Component::Docker);
    let parser = &facts.security.apparmor_parser;
    if docker.version != Version::new(23, 0, 0) || !parser.is_known_and(Option::is_none) {
        return None;
    }
    let summary = "Docker 23.0.0 insists on its AppArmor profile, and there is no apparmor_parser: containers do not start";
    let finding = Finding::new("apparmor_parser", CHECK.worst, summary)
        .evidence(VISIBLE, "exists")
        .evidence("apparmor_parser", "not on the PATH")
        .rests_on(Component::Docker, &docker)
        .remedy(Remedy::advice(
            Place::Image,
            "install the package apparmor where dockerd runs, and start dockerd again",
        ))
        .remedy(Remedy::advice(Place::Image, "use Docker 23.0.1 or later, which goes on without"));
    Some(finding)
}

/// What keeps a profile from being loaded, with where it was seen. An engine that comes with an image of
/// its own may have a parser there.
fn obstacle(facts: &Facts) -> Option<(String, &'static str, String)> {
    let security = &facts.security;
    if let Some(profile) = security.apparmor_profile() {
        let reason = format!("{profile} confines this container");
        return Some((reason, "/proc/self/attr/current", profile.into()));
    }
    let bounding = facts.capabilities.bounding.known();
    if let Some(set) = bounding.filter(|set| !set.has(Capability::MAC_ADMIN)) {
        let reason = String::from("CAP_MAC_ADMIN is missing");
        return Some((reason, "/proc/self/status", format!("CapBnd {:016x}", set.0)));
    }
    let root = facts.identity.euid.is_known_and(|uid| *uid == 0);
    if root && security.apparmor_policy_writable == Fact::Known(false) {
        let reason = String::from("its policy may not be written");
        return Some((reason, "/sys/kernel/security/apparmor/.replace", "not writable".into()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{CapabilitySet, Fact::Known, Why},
        testing::{healthy_container, healthy_vm},
    };

    /// AppArmor in use, everything allowed.
    fn usable(mut facts: Facts) -> Facts {
        facts.security.apparmor_enabled = Known(true);
        facts.security.apparmor_visible = Known(true);
        facts.security.apparmor_policy_writable = Known(true);
        facts.security.apparmor_parser = Known(Some("/sbin/apparmor_parser".into()));
        facts
    }

    fn found(facts: &Facts) -> bool {
        matches!(judged(facts), Ok(Outcome::Found(_)))
    }

    #[test]
    fn a_host_with_apparmor_passes() {
        assert_eq!(judged(&usable(healthy_vm())), Ok(Outcome::pass()));
        assert_eq!(judged(&usable(healthy_container())), Ok(Outcome::pass()));
    }

    #[test]
    fn each_obstacle_is_found() {
        let mut facts = usable(healthy_container());
        facts.security.label = Known("lxc-container-default-cgns (enforce)".into());
        assert!(found(&facts));
        let mut facts = usable(healthy_container());
        facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
        assert!(found(&facts));
        let mut facts = usable(healthy_container());
        facts.security.apparmor_policy_writable = Known(false);
        assert!(found(&facts));
        facts.identity.euid = Known(1000);
        assert!(!found(&facts), "what a user may not write, root may");
        let mut facts = usable(healthy_vm());
        facts.security.apparmor_parser = Known(None);
        assert!(!found(&facts), "engines then take AppArmor for unsupported");
    }

    #[test]
    fn one_release_insists_on_a_parser() {
        let mut facts = usable(healthy_vm());
        facts.versions.give(Component::Docker, Version::new(23, 0, 0));
        assert!(!found(&facts), "the parser is there");
        facts.security.apparmor_parser = Known(None);
        assert!(found(&facts));
        facts.versions.give(Component::Docker, Version::new(23, 0, 1));
        assert!(!found(&facts));
        facts.versions.give(Component::Docker, Version::new(23, 0, 0));
        facts.security.apparmor_parser =
            Fact::missing("/usr/sbin/apparmor_parser", Why::NotPermitted);
        assert!(!found(&facts));
    }

    #[test]
    fn where_engines_leave_apparmor_alone_nothing_is_judged() {
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
        let mut facts = usable(healthy_container());
        facts.security.label = Known("lxc-container-default-cgns (enforce)".into());
        facts.runtime.variables = Known(alloc::vec![("container".into(), "docker".into())]);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        facts.security.apparmor_visible = Known(false);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_facts_it_is_unknown() {
        let mut facts = usable(healthy_container());
        facts.security.apparmor_visible = Fact::missing(VISIBLE, Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
