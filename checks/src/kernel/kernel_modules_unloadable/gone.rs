//! Drivers of networks whose modules are gone.

use alloc::{format, string::String, vec::Vec};

use super::CHECK;
use crate::{
    facts::{Facts, ModuleState, NETWORK_MODULES},
    outcome::Finding,
    plan::Plan,
    remedy::{Place, Remedy},
    target::{Severities, Target},
};

/// What every network of containers is made of.
const DRIVERS: [&str; 2] = ["bridge", "veth"];

/// On a host whose running kernel has no modules on the disk: drivers that are not loaded. That they are modules
/// at all, and not built in, shows by others of their kind that are loaded, and by modules of another release or the
/// kernel's configuration: a kernel that comes from outside, as those of WSL and of small VMs do, has drivers built in.
pub(super) fn drivers(facts: &Facts, plan: &Plan) -> Option<Finding> {
    if !concerns(plan) || !facts.runtime.container.is_no() {
        return None;
    }
    let gone = facts.kernel.modules_directory.is_known_and(|exists| !exists)
        && facts.kernel.modules_loadable.is_known_and(|loadable| *loadable);
    let loaded = facts.kernel.network_modules.known()?;
    let modular = NETWORK_MODULES.iter().any(|name| loaded.iter().any(|one| one == *name));
    if links_exist(facts) {
        return None;
    }
    if let Some(finding) = not_installed(facts, plan) {
        return Some(finding);
    }
    if !gone || !modular {
        return None;
    }
    let upgraded = facts.kernel.other_modules.is_known_and(|others| *others);
    let lacks = |name: &&str| {
        !loaded.iter().any(|one| one == *name)
            && match facts.kernel.module(name) {
                ModuleState::Present => false,
                ModuleState::NotLoaded => true,
                _ => upgraded,
            }
    };
    let absent: Vec<&str> = DRIVERS.into_iter().filter(lacks).collect();
    if absent.is_empty() {
        return None;
    }
    let release = release(facts);
    let absent = absent.join(", ");
    let summary = format!(
        "{absent}: not loaded, and the modules of the running kernel {release} are gone: no container gets a network"
    );
    Some(
        finding(plan, &absent, summary)
            .evidence("/proc/modules", format!("no {absent}"))
            .evidence(format!("/lib/modules/{release}"), "does not exist")
            .remedy(Remedy::commands(
                Place::Host,
                "reboot into the kernel that is installed, whose modules are there",
                ["reboot"],
            )),
    )
}

fn release(facts: &Facts) -> &str {
    facts.kernel.release.known().map_or("?", |release| release.as_str())
}

fn finding(plan: &Plan, absent: &str, summary: String) -> Finding {
    let severity = plan.severity(&CHECK.worst);
    Finding::new(absent, Severities::NONE.with(plan.target, severity), summary)
}

/// Others of this kernel's modules are on the disk, and those of a driver are not: a package of its own has them.
fn not_installed(facts: &Facts, plan: &Plan) -> Option<Finding> {
    let absent: Vec<&str> = DRIVERS
        .into_iter()
        .filter(|name| facts.kernel.module(name) == ModuleState::NotInstalled)
        .collect();
    if absent.is_empty() {
        return None;
    }
    let release = release(facts);
    let absent = absent.join(", ");
    let summary = format!(
        "{absent}: neither loaded nor among the modules of kernel {release}: no container gets a network"
    );
    Some(
        finding(plan, &absent, summary)
            .evidence(
                format!("/lib/modules/{release}"),
                format!("no {absent}, though others are there"),
            )
            .remedy(Remedy::advice(
                Place::Host,
                "install the rest of this kernel's modules (linux-modules-extra, kernel-modules), or a kernel with \
                 CONFIG_VETH and CONFIG_BRIDGE",
            )),
    )
}

/// Whoever links containers to a bridge; a user's podman has none.
fn concerns(plan: &Plan) -> bool {
    match plan.target {
        Target::Dockerd | Target::Docker | Target::Kind | Target::Rootless => true,
        Target::Podman => !plan.is_rootless_podman(),
        Target::Systemd | Target::Buildkit | Target::Sandbox => false,
    }
}

/// A link of that kind shows that its driver is there, built in or not.
fn links_exist(facts: &Facts) -> bool {
    let links = facts.network.links.known().map(Vec::as_slice).unwrap_or_default();
    links.iter().any(|link| link.kind.as_ref().is_some_and(|kind| *kind == "veth"))
}

#[cfg(test)]
mod tests {
    use crate::{
        facts::{Fact, Fact::Known, Facts, Tri, Why},
        kernel::kernel_modules_unloadable::judged,
        outcome::Outcome,
        target::{Severity, Target},
        testing::{healthy_vm, said_of},
    };

    fn upgraded(loaded: &[&str]) -> Facts {
        let mut facts = healthy_vm();
        facts.kernel.modules_directory = Known(false);
        facts.kernel.network_modules = Known(loaded.iter().map(|name| (*name).into()).collect());
        facts.kernel.needed.retain(|module| loaded.contains(&module.name.as_str()));
        facts
    }

    fn found(facts: &Facts) -> bool {
        matches!(judged(facts), Ok(Outcome::Found(_)))
    }

    #[test]
    fn a_driver_that_is_not_loaded_cannot_come_any_more() {
        let facts = upgraded(&["bridge", "overlay"]);
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!("{:?}", judged(&facts)) };
        assert_eq!(found[0].subject, "veth");
        assert_eq!(found[0].severity.get(Target::Dockerd), Some(Severity::Error));
        let check = &crate::kernel::kernel_modules_unloadable::CHECK;
        let says = |target| matches!(said_of(check, &facts, target), Ok(Outcome::Found(_)));
        assert!(says(Target::Podman) && !says(Target::Sandbox));
    }

    #[test]
    fn what_is_loaded_or_built_in_is_there() {
        assert!(!found(&upgraded(&["bridge", "overlay", "veth"])));
        assert!(!found(&upgraded(&[])), "nothing shows that this kernel has modules for it");
        let mut facts = upgraded(&["bridge"]);
        let Known(links) = &mut facts.network.links else { panic!() };
        links[1].kind = Some("veth".into());
        assert!(!found(&facts));
    }

    #[test]
    fn a_driver_that_was_not_installed_with_the_others_does_not_come() {
        let mut facts = healthy_vm();
        crate::testing::module(&mut facts, "veth", crate::facts::ModuleState::NotInstalled);
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!("{:?}", judged(&facts)) };
        assert!(found[0].summary.starts_with("veth: neither loaded"), "{}", found[0].summary);
        crate::testing::module(&mut facts, "veth", crate::facts::ModuleState::OnDisk);
        assert!(!matches!(judged(&facts), Ok(Outcome::Found(_))));
    }

    #[test]
    fn a_kernel_from_outside_has_its_drivers_built_in() {
        let mut facts = upgraded(&["bridge", "overlay"]);
        facts.kernel.other_modules = Known(false);
        assert!(!found(&facts));
        crate::testing::module(&mut facts, "veth", crate::facts::ModuleState::NotLoaded);
        assert!(found(&facts), "its configuration says that it is a module");
        crate::testing::module(&mut facts, "veth", crate::facts::ModuleState::Present);
        facts.kernel.other_modules = Known(true);
        assert!(!found(&facts));
        let mut unseen = upgraded(&["bridge"]);
        unseen.kernel.other_modules = Fact::missing("/lib/modules", Why::NotPermitted);
        assert!(!found(&unseen));
    }

    #[test]
    fn where_modules_can_come_or_the_host_has_them_nothing_is_said() {
        let mut facts = upgraded(&["bridge"]);
        facts.runtime.container = Tri::Yes;
        assert!(!found(&facts));
        let mut facts = upgraded(&["bridge"]);
        facts.kernel.modules_directory = Known(true);
        assert!(!found(&facts));
        facts.kernel.network_modules = Fact::missing("/proc/modules", Why::NotRecorded);
        assert!(!found(&facts));
    }
}
