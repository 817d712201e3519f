//! What root was refused, or not, when a trial did what an engine does first.

use alloc::format;

use super::{CHECK, is_started_by_others, vector};
use crate::{
    facts::{Action, Facts, NETWORK_NAMESPACE, Step, Tri, Trial, TrialName},
    outcome::Finding,
    remedy::{ContainerSetting, Place, Remedy},
    target::{Severities, Severity, Target},
};

/// The trial, if root made it: what another user is refused says nothing of an engine.
fn trial(facts: &Facts) -> Option<&Trial> {
    let root = facts.identity.euid.is_known_and(|euid| *euid == 0);
    facts.trials.complete(TrialName::Privilege).filter(|_| root)
}

/// The first step that failed and that no engine does without.
fn failure(facts: &Facts) -> Option<(&Trial, &Step)> {
    let trial = trial(facts)?;
    let counts = |step: &&Step| match step.action {
        Action::Unshare => true,
        // Without an error number, there was no directory for it.
        Action::MountTmpfs => step.refused.is_none() || step.errno().is_some(),
        // In a user namespace nobody may, and engines bind the nodes that are there.
        Action::MakeDevice => facts.identity.namespaces.user_is_private() == Tri::No,
        _ => false,
    };
    let failed = trial.steps.iter().filter(counts).find(|step| step.refused.is_some())?;
    Some((trial, failed))
}

/// Whether a mount worked, whatever a profile is said to deny.
pub(super) fn mounts(facts: &Facts) -> bool {
    trial(facts).is_some_and(|trial| trial.worked(Action::MountTmpfs))
}

/// Whether a sysctl was written, whatever the mount says.
pub(super) fn writes_sysctls(facts: &Facts) -> bool {
    trial(facts).is_some_and(|trial| trial.worked(Action::WriteSysctl))
}

/// Whether all that an engine does first worked.
pub(super) fn works(facts: &Facts) -> bool {
    let network = trial(facts).and_then(|trial| trial.step(Action::Unshare, NETWORK_NAMESPACE));
    let network = network.is_some_and(|step| step.refused.is_none());
    network && mounts(facts) && writes_sysctls(facts) && failure(facts).is_none()
}

/// With the step that failed.
pub(super) fn evidence(facts: &Facts, finding: Finding) -> Finding {
    match failure(facts) {
        Some((trial, step)) => finding.tried(trial, step),
        None => finding,
    }
}

/// Root has the capabilities, and is refused: by a seccomp filter, a profile of an LSM that is not known
/// here, or the device filter of its cgroup.
pub(super) fn refused(facts: &Facts) -> Option<Finding> {
    let (trial, step) = failure(facts)?;
    let what = match (step.action, step.object.as_str()) {
        (Action::Unshare, NETWORK_NAMESPACE) => "make a network namespace",
        (Action::Unshare, _) => "make a mount namespace",
        (action, _) => action.words(),
    };
    let summary = format!("root here fails to {what} ({step}), though it has the capabilities");
    let finding = Finding::new(what, severity(facts, step), summary).tried(trial, step);
    let finding = match facts.security.label.known().filter(|label| !label.is_empty()) {
        Some(label) => finding.evidence("/proc/self/attr/current", label.as_str()),
        None => finding,
    };
    let finding = if vector::has_seccomp_filter(facts) {
        finding.caused_by("seccomp-filter-blocks")
    } else {
        finding
    };
    Some(if facts.runtime.container.is_no() {
        finding.remedy(Remedy::advice(
            Place::Host,
            "start the engine where nothing refuses this: see SystemCallFilter=, RestrictNamespaces= and \
             DevicePolicy= of the systemd unit that started this session",
        ))
    } else {
        finding.remedy(Remedy::container(
            "run the container privileged",
            [ContainerSetting::Privileged],
        ))
    })
}

fn severity(facts: &Facts, step: &Step) -> Severities {
    let severity = match (step.action, step.object.as_str()) {
        // buildkitd uses the network that is there unless it is told otherwise.
        (Action::Unshare, NETWORK_NAMESPACE) => {
            severities!(dockerd: Error, kind: Error).with(Target::Buildkit, Some(Severity::Info))
        }
        (Action::MakeDevice, _) => severities!(dockerd: Error, kind: Error, buildkit: Error),
        _ => CHECK.worst,
    };
    if is_started_by_others(facts) { severity.at_most(Severity::Warning) } else { severity }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{CapabilitySet, Ending, Fact, Fact::Known, Refused, Why},
        outcome::{Outcome, Proof},
        testing::{healthy_container, healthy_vm, mount, private, tried},
    };

    const STEPS: [(Action, &str); 5] = [
        (Action::Unshare, ""),
        (Action::MountTmpfs, ""),
        (Action::MakeDevice, ""),
        (Action::Unshare, NETWORK_NAMESPACE),
        (Action::WriteSysctl, "net.ipv4.ip_forward"),
    ];

    /// A trial whose step at `fails` is refused with EPERM.
    fn with(mut facts: Facts, fails: Option<usize>) -> Facts {
        let steps = STEPS.map(|(action, object)| (action, object, None));
        tried(&mut facts, TrialName::Privilege, "", &steps);
        if let Some(at) = fails {
            let refused = Refused { errno: Some(1), what: "EPERM".into() };
            facts.trials.runs[0].steps[at].refused = Some(refused);
        }
        facts
    }

    fn found(facts: &Facts) -> Finding {
        match super::super::judged(facts) {
            Ok(Outcome::Found(mut found)) if found.len() == 1 => {
                assert!(found[0].severity.within(&CHECK.worst));
                found.remove(0)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_worked_is_proved_although_the_label_is_not_known() {
        let mut facts = with(healthy_container(), None);
        assert_eq!(super::super::judged(&facts), Ok(Outcome::proved()));
        facts.security.label = Fact::missing("/proc/self/attr/current", Why::NotPermitted);
        assert_eq!(super::super::judged(&facts), Ok(Outcome::proved()));
        facts.trials.runs[0].ending = Ending::Skipped("no time was left".into());
        assert!(super::super::judged(&facts).is_err());
    }

    #[test]
    fn a_profile_that_lets_mounts_pass_is_no_alarm() {
        let mut facts = healthy_container();
        facts.security.label = Known("docker-default (enforce)".into());
        assert!(found(&facts).summary.contains("denies mounts"));
        assert_eq!(super::super::judged(&with(facts, None)), Ok(Outcome::proved()));
    }

    #[test]
    fn a_mount_that_fails_is_found_whoever_refuses() {
        let mut facts = with(healthy_container(), Some(1));
        facts.security.label = Known("ci-jobs (enforce)".into());
        let one = found(&facts);
        assert_eq!(
            one.summary,
            "root here fails to mount tmpfs (EPERM), though it has the capabilities"
        );
        assert_eq!((one.severity, one.proof()), (CHECK.worst, Proof::Trial));
        // It confirms what was read.
        facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
        let one = found(&facts);
        assert!(one.summary.contains("lacks CAP_NET_ADMIN, CAP_SYS_ADMIN"));
        assert!(one.evidence.iter().any(|e| e.source == "trial: mount tmpfs"));
        // What another user is refused says nothing.
        let mut user = with(healthy_container(), Some(1));
        user.identity.euid = Known(1000);
        assert!(found(&user).summary.starts_with("this is uid 1000"));
    }

    #[test]
    fn device_nodes_are_not_made_in_user_namespaces() {
        let mut facts = with(healthy_container(), Some(2));
        assert_eq!(
            found(&facts).severity,
            severities!(dockerd: Error, kind: Error, buildkit: Error)
        );
        facts.identity.namespaces.user = private(4_026_532_600);
        assert_eq!(super::super::judged(&facts), Ok(Outcome::proved()));
    }

    #[test]
    fn a_network_namespace_hurts_engines_and_a_vm_is_warned() {
        let container = found(&with(healthy_container(), Some(3))).severity;
        assert_eq!(container.get(Target::Dockerd), Some(Severity::Error));
        assert_eq!(container.get(Target::Systemd), None);
        let vm = found(&with(healthy_vm(), Some(3))).severity;
        assert_eq!(vm.get(Target::Dockerd), Some(Severity::Warning));
    }

    #[test]
    fn a_sysctl_that_was_written_is_no_alarm() {
        let mut facts = healthy_container();
        if let Known(table) = &mut facts.mounts {
            table.rows.push(mount("/proc/sys", "proc", &["ro"]));
        }
        assert!(found(&facts).summary.contains("/proc/sys is read-only"));
        assert_eq!(super::super::judged(&with(facts, None)), Ok(Outcome::proved()));
    }
}
