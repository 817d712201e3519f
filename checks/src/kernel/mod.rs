//! Release, modules and features of the kernel.

mod binfmt_missing;
mod bpf_device_filter;
mod br_netfilter;
mod cpu_level_too_low;
mod kernel_modules_unloadable;
mod kernel_too_old_or_feature_missing;

use crate::{
    Check,
    facts::{Action, Facts, Step, Tri, Trial, TrialName},
};

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &kernel_too_old_or_feature_missing::CHECK,
    &kernel_modules_unloadable::CHECK,
    &bpf_device_filter::CHECK,
    &br_netfilter::CHECK,
    &cpu_level_too_low::CHECK,
    &binfmt_missing::CHECK,
];

/// Whether overlays can be mounted in a user namespace: from Linux 5.11 on, and in older kernels of
/// distributions that patched or backported it (Ubuntu since 2014, Debian by a switch, RHEL 8.5).
pub(crate) fn overlay_in_userns(facts: &Facts) -> Tri {
    let kernel = &facts.kernel;
    let Some(version) = kernel.version.known() else { return Tri::Unknown };
    let backported = kernel.build.is_known_and(|build| build.contains("Ubuntu"))
        || kernel.release.is_known_and(|release| release.contains(".el8"))
        || facts.storage.permit_mounts_in_userns.is_known_and(|switch| *switch == Some(true));
    Tri::from(Some(version.at_least(5, 11) || backported))
}

/// How mounting overlays went: one that worked, whatever failed in it later, else the first that failed.
/// `scene` is where it was tried; `None` for anywhere.
fn overlay_tried<'a>(facts: &'a Facts, scene: Option<&str>) -> Option<(&'a Trial, &'a Step)> {
    let trials = facts.trials.runs.iter().filter(|trial| trial.name == TrialName::Overlay);
    let mounts = trials
        .flat_map(|trial| trial.steps(Action::MountOverlay).map(move |step| (trial, step)))
        .filter(|(_, step)| scene.is_none_or(|scene| step.object == scene));
    mounts.min_by_key(|(_, step)| step.refused.is_some())
}

/// A mount that failed because the kernel knows no such filesystem.
fn is_unknown(step: &Step) -> bool {
    const ENODEV: i32 = 19;
    step.errno() == Some(ENODEV)
}
