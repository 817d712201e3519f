//! Mount layout: propagation, read-only and masked mounts.

mod mount_propagation_private;
mod proc_masked;
mod root_on_initramfs;
mod run_tmp_hygiene;
mod sys_or_procsys_readonly;

use crate::{
    Check,
    facts::{CapabilitySet, Facts},
};

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &root_on_initramfs::CHECK,
    &sys_or_procsys_readonly::CHECK,
    &proc_masked::CHECK,
    &mount_propagation_private::CHECK,
    &run_tmp_hygiene::CHECK,
];

/// Whether a capability that every privileged container has is missing from the bounding set, so that
/// read-only and masked mounts are what the engine gives to any container that is not privileged.
/// Capabilities after 37 do not count: Docker 20.10 does not know them.
fn is_unprivileged(facts: &Facts) -> bool {
    facts
        .capabilities
        .bounding
        .is_known_and(|bounding| !CapabilitySet::up_to(37).without(*bounding).is_empty())
}
