mod gone;

use alloc::{format, vec::Vec};

use super::{is_unknown, overlay_tried};
use crate::{
    facts::{Action, Facts, Step, Trial, TrialName},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    target::Severities,
};

check! {
    /// ## What it looks at
    /// Whether overlay and a netfilter interface are in the kernel now, and where one is not, whether it
    /// could come: loadable modules at all, and on a host or VM `/lib/modules` for the running kernel. There too,
    /// whether the drivers of bridges and of container's links (veth) are loaded (`/proc/modules`), where other parts of the
    /// network are modules. With `--active` it is asked for, and comes or does not.
    ///
    /// ## Why it matters
    /// After an upgrade that removed the old modules, before the reboot, nothing more can be loaded: dockerd
    /// fails at the first overlay mount or the first rule, or runs on and fails at every container's network: `failed to add
    /// the host (veth…) <=> sandbox (veth…) pair interfaces: operation not supported`. The same happens with
    /// `kernel.modules_disabled`, and with a kernel of one's own in WSL.
    ///
    /// ## When it is fine
    /// Whatever is in the kernel needs no module: without anything missing this is silent, with or without
    /// `/lib/modules`. A kernel that comes from outside, as those of WSL and of small VMs, has such drivers built in, and no
    /// modules of any release. In a container the kernel loads most modules itself, from the host's directory:
    /// `/lib/modules` inside is only for programs that call modprobe.
    ///
    /// ## How to fix
    /// Reboot into the installed kernel, or load the modules on the host, now and at boot.
    ///
    /// ## References
    /// `modules-load.d(5)`, `proc_sys_kernel(5)`; moby#42107, #42229.
    "kernel-modules-unloadable",
    "A module that is needed is not loaded and cannot be",
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Info },
    [
        "pair interfaces: operation not supported",
        "failed to add interface veth",
        "Failed to create bridge docker0 via netlink: operation not supported",
        "modprobe: FATAL: Module",
        "modprobe: can't change directory to '/lib/modules'",
        "modprobe: ERROR: could not insert",
    ],
    trials: [Overlay, Netfilter]
}

/// What is to come may come after all: checks of overlays and of rules say what is missing.
const HARMLESS: Severities = severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info);

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let drivers = gone::drivers(facts, plan);
    if let Some(finding) = drivers {
        return Ok(finding.into());
    }
    let netfilter = &facts.netfilter;
    let mut wanted = Vec::new();
    if facts.kernel.overlay.is_known_and(|overlay| !overlay) {
        wanted.push(("overlay", overlay_tried(facts, None)));
    }
    if !netfilter.nft_kernel.is_yes() && !netfilter.legacy_kernel.is_yes() {
        wanted.push(("nf_tables", netfilter_tried(facts)));
    }
    let came = |(_, step): (&Trial, &Step)| step.refused.is_none();
    let absent: Vec<&str> = wanted
        .iter()
        .filter(|(_, tried)| !tried.is_some_and(came))
        .map(|(name, _)| *name)
        .collect();
    if absent.is_empty() && !wanted.is_empty() {
        return Ok(Outcome::proved());
    }
    if absent.is_empty() {
        facts.kernel.overlay.get()?;
        return Ok(Outcome::not_applicable("what engines need is in the kernel already"));
    }
    let release = facts.kernel.release.known().map_or("?", |release| release.as_str());
    let absent = absent.join(", ");
    let refused = wanted.iter().find_map(|(_, tried)| tried.filter(|(_, step)| is_refused(step)));
    let (reason, source, severity, advice) = if !*facts.kernel.modules_loadable.get()? {
        (
            "this kernel loads no modules",
            "/proc/modules, kernel.modules_disabled",
            HARMLESS,
            format!(
                "use a kernel that has them, or load them at boot, before it is locked: {absent}"
            ),
        )
    } else if facts.runtime.container.is_no() && !*facts.kernel.modules_directory.get()? {
        (
            "/lib/modules has none for it",
            "/lib/modules",
            // Nothing else of the network's can come either: no bridge, no veth.
            CHECK.worst,
            format!("reboot into the installed kernel, or install the modules of {release}"),
        )
    } else if refused.is_some() {
        (
            "it did not come when it was asked for",
            "/proc/filesystems, /proc/modules",
            HARMLESS,
            format!("load on the host, or install for its kernel {release}: {absent}"),
        )
    } else {
        return Ok(Outcome::pass());
    };
    let finding = Finding::new(
        absent.as_str(),
        severity,
        format!("{absent}: not in kernel {release} now, and {reason}"),
    )
    .evidence(source, reason)
    .remedy(Remedy::advice(Place::Host, advice));
    Ok(match refused {
        Some((trial, step)) => finding.tried(trial, step).into(),
        None => finding.into(),
    })
}

/// Either of the two interfaces that came, else one that did not.
fn netfilter_tried(facts: &Facts) -> Option<(&Trial, &Step)> {
    let trial = facts.trials.complete(TrialName::Netfilter)?;
    let steps = trial.steps(Action::Nftables).chain(trial.steps(Action::LegacyTable));
    Some((trial, steps.min_by_key(|step| step.refused.is_some())?))
}

/// Whether nothing but the kernel was in the way.
fn is_refused(step: &Step) -> bool {
    const EPERM: i32 = 1;
    const EACCES: i32 = 13;
    match step.action {
        Action::MountOverlay => is_unknown(step),
        _ => step.errno().is_some_and(|errno| ![EPERM, EACCES].contains(&errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        testing::{healthy_container, healthy_vm, refused_step, tried},
    };

    /// Without overlay, which was asked for.
    fn asked(refused: Option<(i32, &str)>) -> Facts {
        let mut facts = healthy_container();
        facts.kernel.overlay = Known(false);
        let steps = [(Action::MountOverlay, "", None)];
        tried(&mut facts, TrialName::Overlay, "/var/lib", &steps);
        if let Some((errno, what)) = refused {
            refused_step(&mut facts, TrialName::Overlay, Action::MountOverlay, errno, what);
        }
        facts
    }

    #[test]
    fn what_came_when_it_was_asked_for_is_there() {
        let mut facts = asked(None);
        facts.kernel.modules_loadable = Known(false);
        assert_eq!(judged(&facts), Ok(Outcome::proved()));
        facts.netfilter.nft_kernel = crate::facts::Tri::No;
        facts.netfilter.legacy_kernel = crate::facts::Tri::No;
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].subject, "nf_tables");
        let steps = [(Action::LegacyTable, "nat", Some("ENOENT")), (Action::Nftables, "", None)];
        tried(&mut facts, TrialName::Netfilter, "/usr/sbin/iptables", &steps);
        assert_eq!(judged(&facts), Ok(Outcome::proved()));
    }

    #[test]
    fn what_did_not_come_is_found_and_other_failures_say_nothing() {
        let Ok(Outcome::Found(found)) = judged(&asked(Some((19, "ENODEV")))) else { panic!() };
        assert_eq!(found[0].evidence.last().unwrap().value, "ENODEV");
        assert_eq!(judged(&asked(Some((1, "EPERM")))), Ok(Outcome::pass()));
    }

    #[test]
    fn what_is_there_needs_no_module() {
        for mut facts in [healthy_container(), healthy_vm()] {
            facts.kernel.modules_directory = Known(false);
            facts.kernel.modules_loadable = Known(false);
            assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn a_kernel_whose_modules_are_gone() {
        let mut facts = healthy_vm();
        facts.kernel.overlay = Known(false);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.kernel.modules_directory = Known(false);
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(
            found[0].summary,
            "overlay: not in kernel 6.12.0 now, and /lib/modules has none for it"
        );
        assert_eq!(found[0].severity, CHECK.worst);
    }

    #[test]
    fn a_kernel_that_loads_none() {
        let mut facts = healthy_container();
        facts.kernel.overlay = Known(false);
        facts.kernel.modules_loadable = Known(false);
        assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
    }

    #[test]
    fn in_a_container_the_kernel_looks_on_the_host() {
        let mut facts = healthy_container();
        facts.kernel.overlay = Known(false);
        facts.kernel.modules_directory = Known(false);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let mut facts = healthy_vm();
        facts.kernel.overlay = Fact::missing("/proc/filesystems", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.kernel.overlay = Known(false);
        facts.kernel.modules_loadable = Fact::missing("/proc/modules", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
