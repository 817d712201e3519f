//! seccomp, AppArmor, SELinux, user namespaces.

mod apparmor_profile_load;
mod apparmor_signal_denied;
mod landlock_missing;
mod runc_apparmor_sysctl;
mod seccomp_filter_blocks;
pub(crate) mod selinux_denials;
mod userns_blocked;

use crate::{
    Check,
    facts::{Capability, Facts},
};

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &seccomp_filter_blocks::CHECK,
    &userns_blocked::CHECK,
    &selinux_denials::CHECK,
    &apparmor_profile_load::CHECK,
    &runc_apparmor_sysctl::CHECK,
    &apparmor_signal_denied::CHECK,
    &landlock_missing::CHECK,
];

/// Whether this is root with CAP_SYS_ADMIN, who may make namespaces without a user namespace.
fn is_admin(facts: &Facts) -> bool {
    facts.identity.euid.is_known_and(|uid| *uid == 0)
        && facts.capabilities.effective.is_known_and(|set| set.has(Capability::SYS_ADMIN))
}
